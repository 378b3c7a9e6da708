/* night_impl.h -- between the files that judge a night.
 *
 * night.c puts the parts together, night_segments.c knows what is the same, night_points.c keeps
 * the series and finds their changes, night_evals.c and night_speed.c compare with the baseline,
 * night_settle.c decides. */
#ifndef HARNESS_NIGHT_IMPL_H
#define HARNESS_NIGHT_IMPL_H

#include "harness/night.h"
#include "harness/stats_rank.h"

/* Resident memory comes in pages and arenas: a difference below this is none. */
#define MEMORY_GRAIN (4.0 * 1024 * 1024)

struct reason { /* why segments begin tonight */
    const char *changed, *first; /* one of the series */
    int series;
};
struct judge {
    struct night_report *r;
    struct store *store;
    const struct plan *plan;
    struct reason *reasons;
    size_t n_reasons, cap_reasons;
    struct err *e;
};

int judge_find(struct judge *j, enum finding_kind kind, double weight, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
struct comparison *judge_comparison(struct judge *j); /* a new one, all unknown; NULL: no memory */
const char *judge_text(struct judge *j, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Points are named "WHAT METRIC": "tg128 tok_s" is of metric "tok_s". */
const char *judge_metric_of(const char *name);

/* 1 when cell i is the first done one of its series. */
int judge_begins_series(const struct cell_list *l, size_t i);
/* 0 when any of the series' cells ran on a noisy machine, 1 quiet, -1 unknown. */
int judge_quiet(const struct cell_list *l, const char *series);

/* The segment that the cell's series is in tonight; why a new one begins goes to j->reasons. */
int judge_segment(struct judge *j, const struct cell_row *cell, int64_t *segment);

int judge_eval_points(struct judge *j, const struct cell_row *cell, int64_t segment);
int judge_speed_points(struct judge *j, const struct cell_row *cell, int64_t segment);
/* Change points of every series, from r->points. */
int judge_changes(struct judge *j);

int judge_eval(struct judge *j, const struct cell_row *cell);
int judge_speed(struct judge *j, const struct cell_row *cell);
/* The two programs of "builds" against each other, where there are any. */
int judge_builds(struct judge *j);

/* Adjusts the p values of the whole night, settles the verdicts, and tells them as findings. */
int judge_settle(struct judge *j);

/* --- speed tests ----------------------------------------------------------------------------- */

struct speed { /* one test of a series in a night */
    const char *test;
    double *s; /* seconds of each process (median of its samples), in order */
    int *arm;
    int *pair; /* processes of two programs with the same one ran next to each other; -1: unknown */
    double *peak; /* bytes */
    double tokens;
    size_t n, cap, cap_arm, cap_pair, cap_peak;
};
struct speeds {
    struct speed *v;
    size_t n, cap;
    struct arena arena;
};
/* From the done cells of `series`; ids: instead from these runs. */
int speeds_of_cells(struct speeds *out, struct store *s, const struct cell_list *cells,
                    const char *series, struct err *e);
int speeds_of_runs(struct speeds *out, struct store *s, const struct run_ids *ids, struct err *e);
void speeds_release(struct speeds *s);
const struct speed *speeds_find(const struct speeds *s, const char *test);
/* b's time over a's with its 95 % interval, and p that b is slower: of pairs (signed ranks) where
 * all processes have their partners and are enough, else of both samples. */
int speeds_compare(const struct speed *a, const struct speed *b, struct ratio *out,
                   double *p_slower, struct err *e);
/* The first cell of the other program's series, for a cell of the second program of "builds"; NULL:
 * it is none. */
const struct cell_row *speeds_other_build(const struct cell_list *l, const struct cell_row *b);

/* |ln ratio| of the program against itself tonight: arm against arm, or every other process where
 * the series has one arm; NAN with too few. */
int speed_self(const struct speed *s, double *out, struct err *e);
#define SELF_METRIC "self" /* points of it: "tg128 self" */
enum { SELF_NIGHTS = 20 }; /* so many make a floor (statistics.md 5.6) */
/* 95th percentile of the nights' points of this series and test in the segment; NAN for none. */
double speed_floor(const struct point_list *l, const char *series, const char *test,
                   int64_t segment, int *n, double *scratch);

#endif
