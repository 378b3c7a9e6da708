/* plan.h -- a plan file: which models are measured on which tasks, how, and within which limits.
 *
 * A plan is JSON with a schema; the rows that check it also print the schema (`run --schema`), so
 * what is documented and what is accepted cannot differ.  An error names file, line and column, and
 * a misspelt key or task gets the nearest name.  Everything in a struct plan lives until
 * plan_release. */
#ifndef HARNESS_PLAN_H
#define HARNESS_PLAN_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "results/nights.h"

/* Why an attempt at a cell may fail; names as stored in cells.outcome and used by "retries". */
enum failure { FAIL_ERROR, FAIL_CRASH, FAIL_MEMORY, FAIL_TIME, FAILURES };
extern const char *const failure_names[FAILURES];

struct thresholds { /* nightly's: what counts as a change worth a person's morning */
    double accuracy; /* share of items */
    double nats;     /* per item of likelihood: the early warning */
    double speed, memory;    /* share of the value */
    double q;                /* false discovery rate of a night */
    double change_p;         /* of a change point */
    int min_items;           /* fewer decide nothing */
};

struct plan {
    const char *path, *name;
    struct strbuf text;
    cJSON *json;
    struct arena arena;
    int64_t seed;
    double memory_bytes, wall_s, grace_s; /* limits of a process; 0: none */
    int retries[FAILURES];
    double quiet_wait_s, quiet_sample_s; /* how long all cells together wait, how long one looks */
    int quiet_for_all;                   /* not only speed tests wait */
    double lease_s;
    const char *baseline, *report, *gnuplot; /* NULL: none */
    struct thresholds thresholds;
};

/* ERR_USAGE with "FILE:LINE:COLUMN: ..." when the plan is wrong, ERR_IO when it cannot be read. */
int plan_read(struct plan *out, const char *path, struct err *e);
/* The same from a text (tests, fuzzing). */
int plan_parse(struct plan *out, const char *path, const char *text, size_t n, struct err *e);
void plan_release(struct plan *p);

/* The JSON schema of plans, pretty. */
int plan_schema(struct strbuf *out, struct err *e);

/* What argv[0] of a cell says when this very program is to run it. */
#define PLAN_SELF "densimeter"

/* The night's cells in the order to measure them: everything is shuffled by the plan's seed within
 * rounds, so that what drifts touches all alike; each round has one block A B B A (or B A A B) of
 * each speed test.  Hashes are left NULL.  What the cells point to is the plan's. */
struct cells {
    struct cell_spec *v;
    size_t n, cap;
};
int plan_cells(struct plan *p, struct cells *out, struct err *e);
void cells_release(struct cells *c);

/* The two programs of "builds"; NULL: this program against itself. */
const char *plan_build(const struct plan *p, int arm);

#endif
