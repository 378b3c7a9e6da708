/* night.h -- what a measured night says: against its baseline, and along its series.
 *
 * Three states per comparison and for the night as a whole, as in statistics.md 0: FAIL only for a
 * loss that is significant after correction over the whole night (Benjamini and Hochberg) and
 * larger than the plan's threshold, PASS when the loss is shown to be smaller than the threshold,
 * INCONCLUSIVE otherwise.  A speed on a noisy machine never fails, and its threshold is never below
 * what the program differs from itself by (the A/A floor of the series' nights).  Change points are
 * looked for within segments: a new model file, data, task version, setting or machine begins one
 * and is told as what it is.
 *
 * Judging writes the night's points and segments and can be repeated.  Texts are the night's. */
#ifndef HARNESS_NIGHT_H
#define HARNESS_NIGHT_H

#include "base/arena.h"
#include "base/json.h"
#include "harness/plan.h"
#include "results/nights.h"

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_INCONCLUSIVE, VERDICT_INVALID, VERDICT_NONE };
extern const char *const verdict_names[]; /* "PASS", ...; "-" for none */

struct comparison { /* a quantity of a series against the baseline's */
    const char *series, *what;   /* "arc_easy", "tg128" */
    const char *quantity;        /* "accuracy", "nats per byte", "time", "memory" */
    const char *baseline, *candidate; /* run ids */
    double before, after;        /* in the quantity's unit */
    double change;               /* accuracy, nats: after - before; else after / before - 1 */
    double low, high;            /* its interval */
    double threshold, floor;     /* floor: A/A, NAN where it has no meaning */
    int n;                       /* items, or processes of the candidate */
    double lost, won;            /* items; NAN where there are none */
    double p, adjusted;          /* one-sided: it is worse; NAN: not tested */
    double visible;              /* the loss that so many items show, for INCONCLUSIVE; NAN */
    double needed;               /* items that would decide; NAN */
    int noisy, identical;
    enum verdict verdict;
    const char *why;             /* in words; may be NULL */
};

struct night_change { /* a change point of a series' metric */
    const char *series, *metric, *date;
    int night;       /* the first of the new level */
    double before, after, magnitude, p;
    int worse;       /* 1, 0; -1: neither way is better */
    int is_new;      /* not told by an earlier night */
};

enum finding_kind { /* in order of what a person reads first */
    FINDING_REGRESSION,
    FINDING_CELL,      /* a cell without an end */
    FINDING_CHANGE,
    FINDING_INVALID,   /* not comparable */
    FINDING_SEGMENT,   /* something known changed */
    FINDING_GAIN,
    FINDING_NOTE,
};
struct finding {
    enum finding_kind kind;
    double weight; /* within its kind the largest first */
    const char *text;
};

struct night_report {
    struct arena arena;
    struct night_row night;       /* of list */
    struct night_list list;       /* newest first: this night and those before it */
    struct cell_list cells;
    struct point_list points;     /* of all nights of the plan up to this one */
    struct comparison *comparisons;
    size_t n_comparisons, cap_comparisons;
    struct night_change *changes;
    size_t n_changes, cap_changes;
    struct finding *findings;
    size_t n_findings, cap_findings;
    int missed;                   /* days without a night since the one before */
    int has_baseline;
    enum verdict verdict;
    int exit_status;
};

/* The night must have no pending cells. */
int night_judge(struct night_report *out, struct store *s, const struct plan *p,
                const struct night *night, struct err *e);
void night_report_release(struct night_report *r);

/* The runs that a series is compared with: of the pinned night, or of the plan's "baseline".  One
 * run for an evaluation, all processes of that night for a speed test. */
struct run_ids {
    char (*v)[RUN_ID_SIZE];
    size_t n, cap;
};
int night_baseline(struct run_ids *out, struct store *s, const struct plan *p, int64_t plan_id,
                   const struct cell_row *cell, struct err *e);

/* Members of an object that the caller has begun: what is stored as the night's summary. */
void night_summary(const struct night_report *r, struct json_out *o);

#endif
