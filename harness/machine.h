/* machine.h -- what this computer is, and whether it is quiet enough to measure on.
 *
 * Everything is read from files below a root ("" for this machine), so that tests use a made-up
 * tree.  "Not available" is a value of its own (NULL, NAN; null in JSON), never 0: virtual machines
 * lack most of these files.  Follows statistics.md 7. */
#ifndef HARNESS_MACHINE_H
#define HARNESS_MACHINE_H

#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"

/* What stays equal from run to run, as one JSON object: processor, caches, frequency policy,
 * memory, kernel, mitigations, and the compiler that built this program. */
int machine_json(struct strbuf *out, const char *root, struct err *e);

/* The host name, as stored beside it. */
void machine_name(char *name, size_t size, const char *root);

/* One of the facts by its key in the JSON, as text; "" when not available. */
void machine_fact(char *text, size_t size, const char *root, const char *key);

/* Counters at one moment; NAN where the kernel does not tell. */
struct noise_sample {
    double time_s;
    double load_1min;
    double cpu_pressure_pct;                         /* "some avg10": the last ten seconds */
    double cpu_stall_s, memory_stall_s, io_stall_s; /* pressure totals */
    double steal_s, swapped_pages, throttled;        /* throttled: events of all cores */
    double involuntary_switches;                     /* of this process */
    double temperature_c;                            /* the hottest zone */
};
void noise_sample(struct noise_sample *out, const char *root);

enum quiet { QUIET_UNKNOWN = -1, QUIET_NO = 0, QUIET_YES = 1 };
struct noise { /* between two samples */
    struct noise_sample before, after;
    double cpu_pressure_share, memory_pressure_share, io_pressure_share, steal_share; /* 0..1 */
    double swapped_pages, throttled, involuntary_switches;
    enum quiet quiet;
    int invalid;       /* swapping or throttling: not for gates */
    char reasons[256]; /* why it is not quiet; "" otherwise */
};
/* idle = 1: nothing of ours ran in between, so any pressure and load are other people's. */
void noise_between(struct noise *out, const struct noise_sample *before,
                   const struct noise_sample *after, int idle);
void noise_json(struct json_out *o, const char *key, const struct noise *n);

#endif
