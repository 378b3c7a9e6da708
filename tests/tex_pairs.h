/* tex_pairs.h -- pairs of answers in TeX drawn from a seed, and the verdicts on them against what a
 * library said of the same pairs: a number is the FNV-1a hash of the verdicts ('0', '1') on
 * TEX_BLOCK of them. */
#ifndef TESTS_TEX_PAIRS_H
#define TESTS_TEX_PAIRS_H

#include "base/strbuf.h"
#include "tests/lmeval_cases.h"

enum { TEX_BLOCK = 250 };

/* Ways to write what may be the same; in them <A> and others are numbers made of x, y and z. */
struct tex_forms {
    const char *const *forms;
    int n, x, y, z;
};
struct tex_forms tex_forms(struct cases *c, const char *const *forms, int most); /* NULL ends them */
void tex_form(struct cases *c, const struct tex_forms *f, struct strbuf *out);

/* One to six pieces in a row, in b with one of them exchanged as often as not. */
void tex_soup(struct cases *c, const char *const *pieces, int n_pieces, struct strbuf *a,
              struct strbuf *b);

/* differ: places of the pairs that are judged otherwise, in order, -1 behind them. */
void tex_judge(void (*draw)(struct cases *c, struct strbuf *a, struct strbuf *b), uint64_t seed,
               int n, int (*same)(const void *user, const char *a, const char *b),
               const void *user, const uint64_t *want, const int *differ);

#endif
