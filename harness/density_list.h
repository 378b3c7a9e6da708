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

/* The rows of the subject of row i into group[] (l->n places), when i is its first row; how
 * many, else 0. */
int density_group(const struct density_list *l, size_t i, const struct density **group);

/* How far from chance a published score must be: sources differ by so much (density.h). */
#define DENSITY_PUBLISHED_MARGIN 0.03

/* Every published model that was asked as the ruler was (same benchmark, same shots where they are
 * told); with words only the models whose names begin so.  ERR_NOTFOUND: a word that fits none. */
int density_published(struct density_list *l, const struct published *p, const struct ruler *r,
                      const char *const *words, int n_words, struct err *e);

/* The runs of the store on every ruler that NAME means (one, or a set of one ladder) and that asks
 * as they were asked.  words: runs (each a subject of its own) or models by name; none: all
 * complete evaluations.  Of what one model answered twice the newest counts.  The interval is a
 * bootstrap over the items; a ladder of our own is redrawn with the same ones. */
struct store;
struct rulers;
struct run_row;
struct density_source {
    struct store *store;
    struct rulers *rulers;
    const char *ruler;
    const char *const *words;
    int n_words;
    const struct run_row *const *runs; /* these instead of words, newest first; NULL: none given */
    size_t n_runs;
    int each_run; /* of runs: each is a subject of its own */
};
int density_runs(struct density_list *l, const struct density_source *from, struct err *e);

#endif
