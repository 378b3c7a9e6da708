/* ruler_store.h -- rulers made of our own runs, and how they are kept. */
#ifndef HARNESS_RULER_STORE_H
#define HARNESS_RULER_STORE_H

#include "base/arena.h"
#include "harness/answers.h"
#include "harness/ruler.h"
#include "results/rulers.h"

/* Texts go into the arena.  ERR_FORMAT: a kind, or a number of constants or nodes, that no ruler of
 * this program has. */
int ruler_from_store(struct ruler *out, const struct store_ruler *s, struct arena *texts,
                     struct err *e);
int ruler_keep(const struct ruler *r, struct store *s, struct err *e);

struct ruler_plan {
    const char *set;       /* the rulers become SET-TASK */
    const char *task;      /* or a group */
    const char *metric;    /* NULL: the task's first; NATS_PER_BYTE */
    enum ruler_kind kind;
    double chance;         /* NAN: the benchmark's, where it is known */
    double d0_tokens;      /* NAN: not known */
};
/* A ruler of the runs (one model each, of different sizes) over the items that all of them
 * answered, asked in the same words.  ERR_INVALID with the reason when they carry none; 1: not all
 * of the runs have asked the task. */
int ruler_of_runs(struct ruler *out, const struct ruler_plan *plan, struct store *s,
                  const struct run_row *runs, size_t n, struct arena *texts, struct err *e);

/* The answers of the nodes' runs, in order of the nodes; *n = 0 unless all of them are still there.
 * Release each, then mem_free(*out). */
int ruler_answers(const struct ruler *r, struct store *s, struct answers **out, int *n,
                  struct err *e);

#endif
