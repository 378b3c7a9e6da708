/* summary_impl.h -- what the files summary*.c share: the stored numbers as a report needs them.
 *
 * Everything is in the report's arena, or the store's lists that summary_release gives back. */
#ifndef HARNESS_SUMMARY_IMPL_H
#define HARNESS_SUMMARY_IMPL_H

#include "base/json.h"
#include "harness/density_list.h"
#include "harness/summary.h"

#define DEFAULT_RULERS "pythia"

struct shown_run {
    const struct run_row *run;
    struct task_list tasks;
    struct bench_list bench;
    struct energy_list energy;
    cJSON *settings, *machine, *noise; /* NULL: none, or not JSON */
    const char *model; /* its name; with the file's hash when two files share one */
    const char *name;  /* and its arithmetic when that is not the exact one */
};

struct fact_part { /* of the facts asked */
    const char *kind, *name; /* "language", "en"; kind NULL: not known to this program's bank */
    int n;                   /* -1: unknown */
};

struct reading { /* NAN where unknown */
    double value, low, high;
};

/* A task of a run, or a group of its tasks (mmlu).  Entries that asked the same in the same way
 * form a condition: only they may be compared.  They stand together, smallest model first. */
struct entry {
    const struct shown_run *run;
    const struct task_row *row;
    const struct task_row **tasks; /* of a group; NULL: it is one task */
    size_t n_tasks;
    int n;                  /* items behind the values; -1: unknown */
    int member;             /* its group is an entry, too */
    int rank;               /* of the condition */
    int order;              /* as read: the newest run first */
    const char *name;       /* the model's, unlike any other of the condition */
    const char *condition;  /* "facts", or "facts, 40 items" when it was asked in several ways */
    struct reading latency; /* seconds: median over items */
    struct fact_part *parts;
    int n_parts;
};

struct speed {
    const struct shown_run *run;
    const struct store_bench *row;
    int order;                  /* as read */
    const char *name, *program; /* program: ours with its arithmetic, or the rival */
    const double *gaps; /* [GAP_SHARES] of a scenario: i / GAP_SHARES of them are shorter; NULL */
};
enum { GAP_SHARES = 50 };

struct summary {
    struct report *report;
    struct shown_run *runs; /* complete ones, newest first */
    size_t n;
    const struct run_row **left_out; /* the others */
    size_t n_left_out;
    struct entry *entries;
    size_t n_entries;
    struct speed *speeds;
    size_t n_speeds;
    const char *ruler; /* or a ladder's name; NULL: DEFAULT_RULERS, where they fit */
    int each_run;      /* a density for every run instead of one for every model's newest */
    struct published *published;
    struct rulers *rulers;
    struct density_list densities;
    int bank_items; /* of the facts in this program; 0: no facts were asked */
    const char *bank_sha256;
};

/* --- summary_read.c */
int summary_read(struct summary *s, struct store *store, const struct run_row *runs, size_t n,
                 int latest, struct err *e);
void summary_release(struct summary *s);
int asked_by_bank(const struct summary *s, const struct entry *x);
/* Smaller files first, then by name; 0: the same model. */
int by_model(const struct shown_run *a, const struct shown_run *b);

/* --- summary.c: when and by what it was made */
void summary_stamp(struct report *r);

/* --- summary_value.c: one number of an entry by the name of its metric */
struct reading entry_value(const struct entry *x, const char *metric, const char *filter);
/* Scores (filter "none", else the first), densities, costs and sizes alike. */
struct reading entry_reading(const struct entry *x, const char *metric);
int any_entry(const struct summary *s, const char *metric); /* 1: some entry knows it */

/* --- the parts of the page */
void headlines(struct summary *s);            /* summary_notes.c */
void warnings(struct summary *s);
void method(struct summary *s);
void machines(struct summary *s);
void runs_section(struct summary *s);
void accuracy_section(struct summary *s);     /* summary_plots.c */
/* --- summary_density.c */
int summary_densities(struct summary *s, struct store *store, struct err *e);
void summary_densities_release(struct summary *s);
int densities_section(struct summary *s, struct err *e);
int tracker_section(struct summary *s, struct err *e); /* summary_tracker.c */
void knowledge_plots(struct summary *s);
void speed_plots(struct summary *s);
void models_table(struct summary *s);         /* summary_tables.c */
void knowledge_tables(struct summary *s);
void score_tables(struct summary *s);
void cost_table(struct summary *s);
void speed_table(struct summary *s);
void scenario_table(struct summary *s);
void energy_table(struct summary *s);
/* --- summary_gaps.c: how far apart tokens come */
int summary_gaps(struct summary *s, struct store *store, struct err *e);
void gaps_plot(struct summary *s);
void asked_table(struct summary *s);

#endif
