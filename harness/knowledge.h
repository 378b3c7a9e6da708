/* knowledge.h -- likelihoods of right and wrong answers to bits of knowledge.  Pure.
 *
 * An item is one fact in one language: K candidate answers, the right one first, each scored after
 * T phrasings about the subject (l) and about a neutral subject (m).  Per language, three weights
 *     z = alpha * (l - beta * m) + gamma * bytes,   q = softmax(z over the candidates)
 * are fitted by maximum likelihood on four folds of subjects and applied to the fifth, and
 *     bits = log2 K + log2 q(right).
 * That is held-out usable information (Xu et al. 2020, Ethayarajh et al. 2022, pointwise): popular
 * or short answers and overconfident models earn nothing, and a model that knows nothing ends at
 * or slightly below zero.  Nothing is clipped.
 *
 * Ownership: the arrays in struct knowledge_item stay the caller's and are read only.  Everything
 * here is a function of its arguments: same input, same bits, any thread. */
#ifndef HARNESS_KNOWLEDGE_H
#define HARNESS_KNOWLEDGE_H

#include <stdint.h>

#include "base/err.h"

#define KNOWLEDGE_FOLDS 5

struct knowledge_item {
    const char *relation;
    const char *subject;  /* shared by the facts about one thing: folds and the bootstrap use it */
    const char *language; /* each language has weights of its own */
    int k;                /* candidates; number 0 is right */
    const double *l, *m;  /* nats; l[t * k + c] for phrasing t, candidate c */
    const double *n;      /* UTF-8 bytes of each candidate's text */
};

struct knowledge_weights { /* alpha >= 0; beta is alpha_beta / alpha */
    double alpha, alpha_beta, gamma;
};

struct knowledge_fit { /* one row per language, in byte order of their names */
    const char *language;
    struct knowledge_weights fold[KNOWLEDGE_FOLDS]; /* applied to that fold, fitted on the others */
};

struct knowledge {
    int n_items, n_templates, n_fits;
    double *bits;                /* per item: z averaged over the phrasings before the softmax */
    double *template_bits;       /* [t * n_items + i]: phrasing t alone, the same weights */
    struct knowledge_fit *fits;
};

/* Every item has the same n_templates >= 1.  A likelihood that is no finite number is
 * ERR_NUMERIC and names the item.  Fold of a subject = its rank in byte order among the subjects
 * of the language, modulo 5. */
int knowledge_compute(struct knowledge **out, const struct knowledge_item *items, int n_items,
                      int n_templates, struct err *e);
void knowledge_free(struct knowledge *k);

struct knowledge_total {
    int n_items, n_subjects;   /* subjects within relations: what the bootstrap resamples */
    double bits, low, high;    /* the sum, and its 95 % interval; NAN for one subject */
    double mean;               /* bits per item */
    double maximum, share;     /* sum of log2 K; bits / maximum */
    double template_spread;    /* sample standard deviation of the phrasings' totals, in bits */
};

/* Totals over the items whose use[i] is not zero (NULL: all).  The interval is a percentile
 * bootstrap (type 7) over subjects within relations (those of one subject
 * form one relation, or they would never vary): each replicate redraws as many subjects as it has
 * and takes sum of bits / sum of log2 K, times the maximum, so that a subject asked in two
 * languages moves as one.  seed and replicates make it repeatable. */
int knowledge_total(struct knowledge_total *out, const struct knowledge *k,
                    const struct knowledge_item *items, const unsigned char *use, uint64_t seed,
                    int replicates, struct err *e);

#endif
