/* facts.h -- our own bank of facts, asked so that knowledge can be counted in bits.
 *
 * The bank is JSON lines, built into the program (tasks/data/facts/RELATION.jsonl, one relation a
 * file, a header first).  An item is one fact in one language.  It asks for the log-likelihoods of
 * up to 16 answers of the same kind, the right one first, after three phrasings about the subject
 * and about a neutral one ("the country").  The wrong answers are drawn by hashing (seed, relation,
 * subject, answer) and taking the smallest, so that an item hardly ever changes when facts are
 * added; none begins or continues a right one, for the shorter of two is always the likelier.
 * Every answer, right or wrong, is asked with its aliases and their likelihoods are summed:
 * summing for the right one alone would give it away.
 *
 * No shots, no chat template: phrasings are texts to be continued.  English answers follow " ",
 * Chinese ones follow directly.  An opened bank is read only and may be used by many threads. */
#ifndef TASKS_FACTS_H
#define TASKS_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tasks/task.h"

#define FACTS_VERSION 2 /* of the bank and of how it is asked; a changed bank has a new one */
#define FACTS_TEMPLATES 3
#define FACTS_CANDIDATES 16

struct facts;

/* The bank in the program; seed draws the wrong answers. */
int facts_open(struct facts **out, uint64_t seed, struct err *e);
/* A bank from memory: files joined, each beginning with its header line.  bytes need not outlive
 * the call.  Errors name RELATION.jsonl and the line. */
int facts_parse(struct facts **out, const char *bytes, size_t n, uint64_t seed, struct err *e);
void facts_close(struct facts *f);

int facts_count(const struct facts *f);
const char *facts_sha256(const struct facts *f); /* of the bank's bytes, 64 hex digits */

struct fact_info { /* the bank's strings */
    const char *relation, *domain, *language, *band, *source_kind;
    const char *id; /* the subject's, the same in every language and relation */
    const char *subject, *answer;
};
struct fact_info facts_info(const struct facts *f, int i);

/* task.h's verbs for this bank; task_data of an item stays NULL. */
int facts_item(const struct facts *f, int i, struct item *out, struct err *e);
int facts_score(const struct facts *f, const struct item *it, const struct reply_text *replies,
                struct verdict *out, struct err *e);
/* A sample in proportion over relation x language x band, in the order of the bank (items of one
 * relation share their neutral queries).  The sample of a smaller limit is part of that of a
 * larger one.  limit <= 0: everything.  Returns how many, -1 when out of memory. */
int facts_order(const struct facts *f, int limit, int *order);

/* What the harness needs to count bits: candidate 0 is right. */
struct facts_likelihoods {
    int k;
    double l[FACTS_TEMPLATES * FACTS_CANDIDATES]; /* nats; [t * k + c], about the subject */
    double m[FACTS_TEMPLATES * FACTS_CANDIDATES]; /* about the neutral subject */
    double n[FACTS_CANDIDATES];                   /* UTF-8 bytes of the answer */
};
/* nats: one per query of item i, in order.  Fails when n_queries is not the item's. */
int facts_decode(const struct facts *f, int i, const double *nats, int n_queries,
                 struct facts_likelihoods *out, struct err *e);

/* Everything that is wrong with a bank, a line each ("capital.jsonl:12: ..."), handed to say;
 * returns how many, or -1 when it could not look. */
int facts_lint(const char *bytes, size_t n, void (*say)(void *ctx, const char *line), void *ctx,
               struct err *e);

/* The bytes of the bank in the program, terminated by a zero that *n does not count. */
const char *facts_bank_bytes(size_t *n);

#endif
