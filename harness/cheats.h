/* cheats.h -- is a device honest?  Audits of what a device could gain by doing other work than it
 * says, each a row of a table (the ideas of MLPerf's compliance tests, vendor.md 3.4).
 *
 * A device under audit is asked beside the exact arithmetic of the CPU, which is the truth for the
 * same file.  What it is asked is drawn from a seed that it cannot know: published items of tasks,
 * the same items behind text that nobody published, prompts of random tokens, and the published
 * items again on a twin of the model whose token ids are renamed.  Its times are read from a clock
 * that its code cannot reach (watch.h).
 *
 * An audit is a list of samples, a limit and a rule; its verdict, and the sentence that says how
 * strong the evidence is, follow from these alone (cheat_judge), so that whoever gets the document
 * can draw them again:
 *   CHEAT_WORST  no sample may be over the limit.  Limits are what the declared precision allows,
 *                or several times what the device itself differs by on unseen prompts.
 *   CHEAT_MOST   samples are noisy: a one-sided sign test against the limit, exact and free of
 *                assumptions about their distribution.  FAIL at p < 0.0005, and a second look
 *                at three times as many where the first is OPEN: while the interval of the median
 *                reaches over the limit. */
#ifndef HARNESS_CHEATS_H
#define HARNESS_CHEATS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/sha256.h"
#include "harness/peak.h"
#include "harness/watch.h"
#include "runners/runner.h"

enum cheat_rule { CHEAT_WORST, CHEAT_MOST };
enum cheat_verdict { CHEAT_PASS, CHEAT_FAIL, CHEAT_OPEN, CHEAT_NONE };
#define CHEAT_P 5e-4 /* two looks at most: 1e-3 together */

enum cheat_audit { /* in the order of their rows */
    CHEAT_PRECISION, CHEAT_HIDDEN, CHEAT_KNOWN, CHEAT_RENAMED, CHEAT_MODES, CHEAT_END, CHEAT_CACHE,
    CHEAT_CLOCK, CHEAT_SPEED, CHEAT_AUDITS
};
struct cheat_info {
    const char *name;
    const char *stops; /* what it is that would be gained */
    const char *unit;  /* of samples */
    enum cheat_rule rule;
};
const struct cheat_info *cheat_info(int audit);

struct cheat_result {
    double *samples;
    size_t n, cap;
    double limit;
    int is_soft;      /* the limit is a guess: over it the verdict is OPEN */
    char where[200];  /* the worst sample; or why it does not apply (NONE) */
    /* by cheat_judge: */
    enum cheat_verdict verdict;
    double worst;     /* the largest sample; MOST: their median */
    double low, high; /* MOST: interval of the median, 99.9 % */
    size_t over;
    double p;         /* MOST */
    char found[300];
};
struct cheat_report {
    char device[64], sha256[SHA256_HEX], numerics[64], model_sha256[SHA256_HEX];
    char kernels[32], precision[32];
    int isolated;
    uint64_t seed;
    char tasks[160]; /* a comma list */
    struct cheat_result audits[CHEAT_AUDITS];
};
void cheat_report_release(struct cheat_report *r);

/* Verdict, evidence and sentence from samples, limit and is_soft; without samples NONE. */
void cheat_judge(int audit, struct cheat_result *r);
const char *cheat_verdict_name(enum cheat_verdict v);
/* The worst of all: FAIL before OPEN before PASS. */
enum cheat_verdict cheat_verdict(const struct cheat_report *r);

/* The limits that follow from how far the device is off on unseen prompts (`hidden`, its worst
 * sample): 0 for audits whose limit has another source. */
double cheat_limit(int audit, double hidden);

struct cheats {
    const char *model;         /* path */
    struct runner_opts device; /* the one under audit */
    const char *const *tasks;
    int n_tasks;
    const char *const *data_dirs;
    int n_data_dirs;
    int items, prompts, tokens; /* of each task; hidden prompts, and their length */
    uint64_t seed;
    /* Both made before anything of the device's was loaded. */
    const struct watch *watch;
    const struct peak *peak; /* of this machine */
    double model_tolerance; /* of logits, relative: what its precision allows */
    double flop_s, bytes_s; /* its limits; 0: this machine's, and a guess unless is_host */
    int is_host;            /* it computes on this machine's processors */
    const volatile int *stop;
    void (*note)(void *user, const char *line); /* what it is at; NULL: silent */
    void *user;
};
/* -1: an audit could not be carried out; a device that fails is an error too. */
int cheats_run(const struct cheats *c, struct cheat_report *out, struct err *e);

/* The members of a document: device, ..., audits. */
void cheats_put(struct json_out *o, const struct cheat_report *r);
/* From such a document; results are judged anew.  ERR_FORMAT. */
int cheats_parse(struct cheat_report *out, const char *bytes, size_t n, const char *where,
                 struct err *e);
/* A line for everything in the document that does not follow from its samples. */
int cheats_check(const char *bytes, size_t n, const char *where,
                 void (*say)(void *user, const char *line), void *user, struct err *e);

#endif
