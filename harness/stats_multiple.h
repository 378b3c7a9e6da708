/* stats_multiple.h -- many tests at once: p-values adjusted so that alpha still means alpha.
 *
 * Pure; any thread.  Release gates take Holm (any false alarm blocks a release), nightly series
 * take BH within one night.  Sources: statistics.md 4; Holm 1979; Benjamini and Hochberg 1995;
 * Benjamini and Yekutieli 2001; Tarone 1990. */
#ifndef HARNESS_STATS_MULTIPLE_H
#define HARNESS_STATS_MULTIPLE_H

#include <stddef.h>

#include "base/err.h"

enum correction {
    CORRECT_NONE,
    CORRECT_HOLM, /* any dependence; family-wise */
    CORRECT_BH,   /* false discovery rate; independent or positively dependent */
    CORRECT_BY,   /* false discovery rate; any dependence */
};

/* adjusted[i] belongs to p[i]; they may be the same array.  A NAN is no test: it stays NAN and does
 * not count. */
int stats_adjust(enum correction how, const double *p, size_t n, double *adjusted, struct err *e);

/* The smallest two-sided McNemar p that `discordant` items can give.  A test whose smallest p is
 * above alpha cannot reject and is left out before correcting (Tarone). */
double stats_mcnemar_smallest_p(double discordant);

#endif
