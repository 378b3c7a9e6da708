/* published.h -- scores that others have published, with the document each row was read in.
 *
 * One row per (model, source): the same model stands in several rows, because sources ask
 * differently.  The rows are inside the program (harness/data/published_scores.json), or in the
 * file that $DENSIMETER_PUBLISHED names instead.  Every row is checked when it is read; texts and
 * rows are the catalogue's and last until published_free.  Read-only once open: any threads. */
#ifndef HARNESS_PUBLISHED_H
#define HARNESS_PUBLISHED_H

#include <stddef.h>

#include "base/err.h"
#include "base/suggest.h"

struct published_score {
    const char *benchmark;
    double value;       /* as published: per cent, unless the note says otherwise */
    int shots;          /* -1: the source does not say */
    const char *metric; /* acc, acc_norm, ...; NULL: the source does not say */
    const char *note;   /* or NULL */
};

struct published_date {
    int year, month, day; /* 0: not known */
};

struct published_row {
    const char *model, *family, *organisation;
    const char *variant; /* base, instruct, chat, ... */
    struct published_date released;
    double total_params, active_params, non_embedding_params; /* NAN: not sourced */
    double training_tokens;
    const struct published_score *scores;
    int n_scores;
    const char *source, *confidence;                  /* primary, mirror, secondary */
    const char *harness, *precision, *note, *meta_source; /* or NULL */
};

struct published;
int published_open(struct published **out, struct err *e);
int published_parse(struct published **out, const char *json, size_t n, const char *where,
                    struct err *e);
void published_free(struct published *p);

size_t published_n(const struct published *p);
const struct published_row *published_at(const struct published *p, size_t i);
const struct published_score *published_score(const struct published_row *row,
                                              const char *benchmark); /* or NULL */
void published_suggest(const struct published *p, struct suggest *s); /* offers every model */

/* "2024-02-01" or "2024-02"; -1: the text is no such date. */
int published_read_date(struct published_date *d, const char *text);
/* Days since 1970-01-01; a month alone is its first day.  0 and *days, or -1: no date. */
int published_days(const struct published_date *d, double *days);

/* One score per model: which rows count, and what is made of several. */
struct published_query {
    const char *benchmark;
    int shots;            /* rows of other shots are out, those that do not say are in; -1: all */
    const char *harness;  /* only rows whose harness begins so; NULL: all */
    const char *variant;  /* only this variant; NULL: base rows, and of a model without any, all */
    const char *metric;   /* rows of another are out, those that do not say are in; NULL: all */
};
struct published_value {
    const struct published_row *row; /* the first that counted; sizes and date are its own, or
                                        else the first that any of the model's rows gives */
    struct published_date released;
    double total_params, active_params, non_embedding_params, training_tokens;
    double score, low, high;         /* median, smallest and largest, as published */
    int n;                           /* rows that counted */
};
/* In the order of the rows; mem_free(*out). */
int published_values(struct published_value **out, size_t *n, const struct published *p,
                     const struct published_query *q, struct err *e);

/* The documents in the program; each ends with a zero byte. */
const char *published_built_in(size_t *n);
const char *published_ladder_built_in(size_t *n); /* ladder.h reads it */

#endif
