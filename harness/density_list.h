/* density_list.h -- densities of the published models, or of our own runs, in order of density. */
#ifndef HARNESS_DENSITY_LIST_H
#define HARNESS_DENSITY_LIST_H

#include "base/arena.h"
#include "harness/density.h"

struct density_list {
    struct density *v;
    size_t n, cap;
    struct arena texts;
    enum density_per per; /* what they are in order of */
};
void density_list_release(struct density_list *l);
void density_list_sort(struct density_list *l); /* densest first, refused ones last */

/* The rows of the model (and run) of row i into group[] (l->n places), when i is its first row; how
 * many, else 0. */
int density_group(const struct density_list *l, size_t i, const struct density **group);

/* How far from chance a published score must be: sources differ by so much (density.h). */
#define DENSITY_PUBLISHED_MARGIN 0.03

/* Every published model that was asked as the ruler was (same benchmark, same shots where they are
 * told); with words only the models whose names begin so.  ERR_NOTFOUND: a word that fits none. */
int density_published(struct density_list *l, const struct published *p, const struct ruler *r,
                      const char *const *words, int n_words, struct err *e);

#endif
