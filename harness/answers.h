/* answers.h -- the stored items of a run as one benchmark's answers, joined with those of others.
 *
 * A benchmark is a task or a group of tasks.  Texts are the answers' own and last until
 * answers_release. */
#ifndef HARNESS_ANSWERS_H
#define HARNESS_ANSWERS_H

#include "base/arena.h"
#include "base/sha256.h"
#include "results/query.h"

/* Besides the task's own metrics: ln p of the right answer over its UTF-8 bytes, which has no level
 * of chance and resolves what right and wrong do not. */
#define NATS_PER_BYTE "nats_per_byte"

struct answer_row {
    int part; /* of the group; 0 for a task */
    int doc_id;
    const char *prompt_hash; /* NULL: not kept */
    double value, weight;    /* of the metric; a score is sum of value over sum of weight */
};
struct answers {
    struct answer_row *v; /* by part and doc_id */
    size_t n, cap;
    double latency_s; /* median over the items; NAN */
    double energy_j;  /* per item; NAN */
    double computed_tokens, generated_tokens; /* per item; NAN */
    int shots;        /* of its tasks; -1: they differ */
    struct arena texts;
};

/* Reads the items of `benchmark` in the run; metric NULL: the task's first.  n = 0 when the run did
 * not ask it, or has no such metric. */
int answers_read(struct answers *out, struct store *s, const char *run, const char *benchmark,
                 const char *metric, struct err *e);
void answers_release(struct answers *a);

/* Score over the rows index[0..n) (NULL: all of them, n as given). */
double answers_score(const struct answers *a, const size_t *index, size_t n);

/* Keeps in all k answers only the items that all of them have, in the same order.  *differ: how
 * many of those were not asked in the same words (their prompt hashes differ). */
void answers_join(struct answers *const *all, int k, size_t *differ);

/* Adds up the items of each part (MMLU's subjects), so that a part is one row: what is drawn anew
 * as a whole (statistics.md 3; Miller 2024, appendix A).  1: done; 0: too few parts to draw from,
 * and the items stay. */
int answers_add_up_parts(struct answers *a);

/* SHA-256 over the prompt hashes in order; hex[0] = 0 when one is not known. */
int answers_prompt_hash(const struct answers *a, char hex[SHA256_HEX], struct err *e);

#endif
