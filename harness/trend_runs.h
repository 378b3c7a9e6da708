/* trend_runs.h -- our own runs in the shape of published rows, so that a trend takes both.
 *
 * A run gives one row: its tasks that are benchmarks (groups pooled), in per cent.  When the model
 * came, of which family and maker it is, is what the published rows say of the model whose name
 * the run's model begins with; a label that ends in a date (NAME@2025-03, NAME@2025-03-14) says
 * when by itself.  Without either the row is out of every trend and says so, like a score that was
 * asked with a chat template or of too few questions (its note is the reason).  A run asked as the
 * first Open LLM Leaderboard did (--preset open_llm_v1) counts beside the leaderboard's rows. */
#ifndef HARNESS_TREND_RUNS_H
#define HARNESS_TREND_RUNS_H

#include "harness/published.h"
#include "harness/trend.h"
#include "results/query.h"

struct trend_own {
    struct published_row *rows;
    size_t n;
    struct run_list runs; /* texts of the rows are theirs */
    struct arena arena;
};
int trend_own_rows(struct trend_own *out, struct store *s, const struct published *p,
                   struct err *e);
void trend_own_release(struct trend_own *o);

/* The row with the longest published name that `name` begins with, whatever its case; NULL. */
const struct published_row *trend_named_like(const struct published *p, const char *name);

/* 1: the row is a run's. */
int trend_is_own(const struct published_row *row);

/* The catalogue's rows and then our own; only_own: models are the latter alone.  mem_free(v). */
int trend_rows_join(struct trend_rows *out, const struct published *p, const struct trend_own *own,
                    int only_own, struct err *e);

#endif
