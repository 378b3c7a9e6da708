/* vendor_profile.h -- what a device is measured on, step by step, so that two devices are measured
 * alike.
 *
 * A profile is a table of steps, each one command of this program.  In "closed" (for publication)
 * and "quick" (a first look: the same steps with small numbers) nothing can be tuned; "open" is one
 * of them with changes, which are recorded and shown.  What was done travels in a bundle as
 * profile.json; a reader trusts it as far as the commands in the runs are those of the table.
 * Source: the run rules of MLPerf, as vendor.md 3 sums them up.
 *
 * Everything in a profile lives in its arena until vendor_profile_release. */
#ifndef HARNESS_VENDOR_PROFILE_H
#define HARNESS_VENDOR_PROFILE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/strbuf.h"

#define VENDOR_PROFILE "profile.json" /* in a bundle */
#define VENDOR_PROFILES "closed|quick|open"
#define VENDOR_BASES "closed|quick" /* what an open profile changes */

struct vendor_change { /* of an open profile */
    const char *step;   /* NULL: of every step that has the option */
    const char *option, *value;
};
struct vendor_step {
    const char *name;    /* "latency", "threads-4" */
    const char *command; /* "eval" or "bench" */
    const char **words;  /* after the model, the device and what goes with both */
    int n_words;
    const char *run;             /* id; NULL: it gave no run */
    const char *outcome;         /* "measured", or why not: "error", "crash", "memory", "time" */
    const char *reason;          /* of a failure */
};
struct vendor_profile {
    const char *name, *base; /* base: of an open profile, else the name */
    int version;
    const char *model, *model_sha256, *device; /* as typed; model_sha256 NULL: not known */
    const char **more; /* words that tune nothing: meters, a plug-in's process */
    int n_more;
    struct vendor_change *changes;
    int n_changes;
    struct vendor_step *steps;
    int n_steps;
    struct arena arena;
};

/* The steps of a profile on a machine of so many cores.  Changes and `only` (names of steps; n_only
 * 0: all) are for "open"; each is checked: ERR_USAGE names what is wrong.  Texts are copied. */
struct vendor_wish {
    const char *name, *base, *model, *model_sha256, *device;
    int cores;
    const char *const *changes; /* "[STEP:]OPTION=VALUE" */
    int n_changes;
    const char *const *only;
    int n_only;
    const char *const *more;
    int n_more;
};
int vendor_profile_make(struct vendor_profile *out, const struct vendor_wish *w, struct err *e);
void vendor_profile_release(struct vendor_profile *p);

/* The command of a step: as a JSON array, and as the line that its run keeps.  Either: NULL. */
void vendor_step_command(const struct vendor_profile *p, const struct vendor_step *s,
                         struct strbuf *json, struct strbuf *line);

/* profile.json, and back: a stranger's text, so everything is checked.  `where` is for messages. */
void vendor_profile_write(const struct vendor_profile *p, struct strbuf *out);
int vendor_profile_parse(struct vendor_profile *out, const char *bytes, size_t n,
                         const char *where, struct err *e);

/* Is it what its name says: the steps of the table of this version, with the changes it lists?
 * ERR_INVALID names the step. */
int vendor_profile_check(const struct vendor_profile *p, const char *where, struct err *e);

/* "closed/1", "open/1 on closed (latency:requests=64)": profiles of equal text measure alike. */
void vendor_profile_text(const struct vendor_profile *p, struct strbuf *out);

#endif
