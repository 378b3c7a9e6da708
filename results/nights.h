/* nights.h -- plans measured by themselves: the work list of each night, and what became of it.
 *
 * A night is one pass over a plan's cells.  A cell is one process: a model, a device, settings, and
 * tasks or a speed test; cells of one block are measured one after the other by one runner
 * (lease.h).  Everything a later night needs is here, so that a night survives any kill and a moved
 * database takes its history along.  Nights are in order of n, never of the clock.
 *
 * Lists own everything in them (one arena, one release).  Unknown: NAN, -1, NULL. */
#ifndef RESULTS_NIGHTS_H
#define RESULTS_NIGHTS_H

#include "base/arena.h"
#include "base/err.h"
#include "results/store.h"

struct cell_spec {
    int block, place;         /* order; unique together */
    const char *series;       /* what is the same from night to night */
    const char *kind;         /* "eval" or "bench" */
    int arm;                  /* 0 or 1: which side of the A B B A */
    const char *argv;         /* JSON array of texts: program and words */
    const char *model;        /* as the plan names it */
    const char *model_sha256; /* now; NULL: it cannot be read */
    const char *build_sha256; /* of the program that measures */
};

#define NIGHT_DATE_SIZE 24
struct night_spec {
    const char *plan, *kind; /* name; "run" or "nightly" */
    const char *date;        /* "2026-11-26", by the clock */
    const char *plan_hash, *plan_text;
    int again; /* 1: a new one also when the last is complete */
    const struct cell_spec *cells;
    int n_cells;
};

struct night {
    int64_t id, plan_id;
    int n; /* 1, 2, ... of this plan and kind */
    char date[NIGHT_DATE_SIZE];
    int created;     /* by this call */
    int is_complete; /* every cell has its end */
    int clock_back;  /* it is dated before the night before it */
    int abandoned;   /* n of a night that this one ends unfinished; 0: none */
};
/* The night to work on.  "run": the last one of this very plan, else a new one.  "nightly": the
 * last one when it has this date and plan, else a new one; what an unfinished one has measured is
 * kept and its pending cells become skipped (ERR_BUSY while somebody here still measures it).  One
 * transaction: two callers get the same night. */
int night_open(struct store *s, const struct night_spec *spec, struct night *out, struct err *e);

/* Ends it.  summary: JSON or NULL.  A night that is complete can be given another summary. */
int night_finish(struct store *s, int64_t night_id, int exit_status, const char *summary,
                 struct err *e);

struct night_row {
    int64_t id, plan_id;
    const char *plan, *kind, *date, *status, *started, *ended, *summary, *plan_text, *plan_hash;
    int n, clock_back, exit_status; /* exit_status -1: not ended */
    int n_cells, n_done, n_failed, n_skipped, n_pending, n_noisy;
};
struct night_list {
    struct night_row *v;
    size_t n;
    struct arena arena;
};
/* Newest first.  plan, kind NULL: all; limit 0: all. */
int query_nights(struct store *s, const char *plan, const char *kind, int limit,
                 struct night_list *out, struct err *e);
void night_list_release(struct night_list *l);

struct cell_row {
    int64_t id;
    struct cell_spec spec;
    const char *status;          /* "pending", "done", "failed", "skipped" */
    const char *outcome, *reason;
    int attempts;                /* that failed */
    const char *run;             /* id for people; NULL: none (any more) */
    int64_t runner;              /* who has or had it; -1: nobody yet */
    const char *runner_host;
    int64_t runner_pid;
    int beats;
    const char *started, *ended, *noise;
    double wall_s, peak_rss_bytes;
    int quiet;
};
struct cell_list {
    struct cell_row *v;
    size_t n;
    struct arena arena;
};
/* In order of block and place. */
int query_cells(struct store *s, int64_t night_id, struct cell_list *out, struct err *e);
void cell_list_release(struct cell_list *l);
/* 1: the cell has no end yet; 0: it has, or there is no such cell; -1. */
int cell_is_pending(struct store *s, int64_t cell_id, struct err *e);

/* --- series ---------------------------------------------------------------------------------- */

struct point {
    int64_t night_id, segment_id;
    int night, segment; /* their n */
    const char *series, *metric, *date;
    double value, low, high;
    int n;     /* items or processes behind it */
    int quiet; /* -1: unknown */
};
/* Keeps or replaces the night's point of this series and metric. */
int point_put(struct store *s, int64_t plan_id, const struct point *p, struct err *e);

struct point_list {
    struct point *v;
    size_t n;
    struct arena arena;
};
/* In order of series, metric and night, up to night n (0: all). */
int query_points(struct store *s, int64_t plan_id, int up_to, struct point_list *out,
                 struct err *e);
void point_list_release(struct point_list *l);

struct segment {
    int64_t id;
    int n; /* 1, 2, ... of the series */
    int is_new;
};
/* The last segment of the series; its fingerprint goes to *fingerprint (mem_free).  1; 0: none. */
int segment_last(struct store *s, int64_t plan_id, const char *series, struct segment *out,
                 char **fingerprint, struct err *e);
/* The segment that the series is in with this fingerprint: the last one when it has it, else a new
 * one, beginning with the night because of `changed`.  One transaction. */
int segment_enter(struct store *s, int64_t plan_id, const char *series, int64_t night_id,
                  const char *fingerprint, const char *changed, struct segment *out,
                  struct err *e);

/* --- pins ------------------------------------------------------------------------------------ */

int pin_set(struct store *s, const char *run_id, int pinned, struct err *e);
/* The newest pinned run of this series (a cell's run) or, failing that, of this model and kind made
 * by hand; 1 found, 0 none, -1. */
int pin_find(struct store *s, const char *series, const char *kind, const char *model,
             char run_id[RUN_ID_SIZE], struct err *e);
/* The run of the series' first done cell in this plan whose run is still kept; 1, 0, -1. */
int series_first_run(struct store *s, int64_t plan_id, const char *series,
                     char run_id[RUN_ID_SIZE], struct err *e);
/* The night whose cell the run is; 1, 0: it is no cell's, -1. */
int night_of_run(struct store *s, const char *run_id, int64_t *night_id, struct err *e);

/* --- retention ------------------------------------------------------------------------------- */

struct prune_rule {
    int last;   /* nights of each plan, the newest so many */
    int weekly; /* and the first of each week, the newest so many weeks; -1: of all */
};
struct pruned {
    const char *run, *plan, *date;
    int night;
};
/* The runs of nights that no rule keeps.  The first night of a plan, unfinished nights, labelled
 * and pinned runs, runs of no night, and all points of all series stay.  dry: nothing is deleted.
 * Calls `each` for every run; returns how many, -1.  A run is gone as a whole or not at all. */
int store_prune(struct store *s, const struct prune_rule *rule, int dry,
                void (*each)(void *user, const struct pruned *p), void *user, struct err *e);

#endif
