/* trend.h -- from published scores to how fast density grows, by benchmark and together.
 *
 * A series is one way of asking: a benchmark with so many examples, by one evaluator or by any, of
 * base models; rows asked in another way are out, and each says why (density.md 4, 6.6).  A ruler
 * (one family's scores against its sizes) turns a score into effective parameters, their share of
 * the real ones is the density, and stats_trend.h has the line through its logarithm.  A ruler says
 * nothing beyond its smallest and largest model: there a density is "at most" or "at least".  Only
 * the frontier and the plain line, which are the published method, draw it out.
 *
 * Everything belongs to the trend and lasts until trend_free; names of models are those of the
 * published rows, which must outlive it.  One thread at a time. */
#ifndef HARNESS_TREND_H
#define HARNESS_TREND_H

#include "base/arena.h"
#include "harness/families.h"
#include "harness/published.h"
#include "harness/stats_trend.h"

enum trend_size { SIZE_TOTAL, SIZE_ACTIVE, SIZE_ROOT, SIZE_NON_EMBEDDING, SIZES };
const char *trend_size_name(enum trend_size s); /* "total", "active", "sqrt", "non-embedding" */

enum { POOL_ALL = 1, POOL_PAPER = 2 }; /* which pools a series is in */

struct trend_series {
    const char *name;      /* "mmlu": unique */
    const char *benchmark; /* of the published rows */
    const char *title;     /* "MMLU, 5 shots, median over sources" */
    int shots;
    const char *harness;    /* rows whose harness begins so; NULL: any, the median of a model's */
    const char *not_metric; /* rows with this metric ask otherwise; NULL: none */
    const char *variant;    /* NULL: any */
    double chance, resolved; /* shares; a score at or below `resolved` is at chance */
    const char *ruler;      /* name of its own family (families.h) */
    int pools;
};
const struct trend_series *trend_series_at(int i); /* NULL after the last */

struct trend_rows { /* borrowed: the catalogue's, then our own runs' in the same shape */
    const struct published_row *const *v;
    size_t n;
    size_t from; /* models are the rows from here on; rulers are read from all */
};

struct trend_ruler { /* link(score) = k ln N + c */
    const struct family *of; /* without models of its own the link is the score itself, else its
                                logit above chance */
    double k, c, r2;
    int n;            /* nodes it was fitted to */
    double low, high; /* parameters of the smallest and the largest of them */
};

struct trend_opts {
    double since, until;    /* days since 1970 */
    enum trend_size size;
    const char *ruler;      /* a family's name; NULL: the series' own */
    const char *skip_families; /* ", "-separated names of families left out; NULL: none */
    const char *skip_maker; /* an organisation left out; NULL: none */
    int by_organisation;    /* models of one maker count as one family */
    size_t replicates;      /* shuffles and redrawings; 0: none of them */
    uint64_t seed;
};
#define TREND_SINCE 19389 /* 2023-02-01, the month of Llama 1 */

struct trend_model {
    const struct published_row *row; /* the first of its rows that counts */
    double day, parameters, score;   /* score: a share, the median over `sources` rows */
    int sources;
    double density;  /* NAN: at chance */
    char beyond;     /* '<', '>': effective parameters off the ruler's ends; 0 */
    double bound;    /* the density that it is at most (<) or at least (>); else NAN */
    int frontier;
};

struct trend_out { /* a row that has a score on the benchmark and does not count */
    const struct published_row *row;
    const char *reason;
};

struct trend_estimate { /* a slope per day and what follows from it */
    double slope;
    struct interval slope_interval; /* 95 % */
    double p_none, p_8, p_3_5; /* two-sided, against no growth, 8 and 3.5 months; NAN: unknown */
};

struct trend {
    struct arena arena;
    const struct trend_series *series; /* NULL: a pool */
    struct trend_ruler ruler;
    struct trend_model *models;
    struct trend_point *points;  /* ln density of the same models, the ruler drawn out straight */
    struct trend_point *bounded; /* the same, nowhere beyond the ruler's ends: what is fitted */
    size_t n, n_resolved, n_series;
    const struct trend_series *members[TREND_SERIES];
    struct trend_out *outs;
    size_t n_outs;
    const char *refused; /* why there is no fit; NULL */
    struct trend_fit fit;
    struct trend_estimate all; /* the line through all models: the one with an interval */
    struct trend_line plain;   /* least squares through the resolved ones */
    struct trend_envelope frontier;
    size_t *frontier_at, n_frontier; /* its models, in order of days */
    struct trend_line quantile; /* 0.9 */
    struct interval plain_interval, frontier_interval, quantile_interval; /* families redrawn */
    struct trend_shuffled by_model, by_family;
};

/* One series.  What cannot be fitted is no error: t->refused tells why.  ERR_USAGE: an unknown
 * ruler; ERR_INVALID: a ruler without enough nodes. */
int trend_make(struct trend **out, const struct trend_rows *p, const struct trend_series *s,
               const struct trend_opts *o, struct err *e);
/* Several together: a level and a spread for each, one slope. */
int trend_pool(struct trend **out, struct trend *const *members, size_t n,
               const struct trend_opts *o, struct err *e);
void trend_free(struct trend *t);

/* Families whose training data was made after the benchmarks' own questions, or openly mixed with
 * their training sets: what the trend is without them is told beside it. */
extern const char trend_suspects[];

/* A day since 1970 as the middle of its month where only that is known. */
int trend_day(const struct published_date *d, double *day);

#endif
