#include "harness/stats_multiple.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

struct ranked {
    double p;
    size_t at;
};

static int by_p(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->p != y->p)
        return x->p > y->p ? 1 : -1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Each step's factor over all larger (Holm: smaller) p-values, in order of p. */
static void step_down(const struct ranked *v, size_t m, double *adjusted)
{
    double most = 0;

    for (size_t r = 0; r < m; r++) {
        most = fmax(most, fmin(1, (double)(m - r) * v[r].p));
        adjusted[v[r].at] = most;
    }
}

static void step_up(const struct ranked *v, size_t m, double factor, double *adjusted)
{
    double least = 1;

    for (size_t r = m; r-- > 0;) {
        least = fmin(least, v[r].p * factor * (double)m / (double)(r + 1));
        adjusted[v[r].at] = least;
    }
}

int stats_adjust(enum correction how, const double *p, size_t n, double *adjusted, struct err *e)
{
    struct ranked *v = mem_calloc(n ? n : 1, sizeof *v);
    size_t m = 0;
    double harmonic = 0;

    if (!v)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        if (!isnan(p[i])) {
            v[m++] = (struct ranked){p[i], i};
            harmonic += 1 / (double)m;
        }
        adjusted[i] = p[i];
    }
    qsort(v, m, sizeof *v, by_p);
    switch (how) {
    case CORRECT_NONE: break;
    case CORRECT_HOLM: step_down(v, m, adjusted); break;
    case CORRECT_BH: step_up(v, m, 1, adjusted); break;
    case CORRECT_BY: step_up(v, m, harmonic, adjusted); break;
    }
    mem_free(v);
    return 0;
}

double stats_mcnemar_smallest_p(double discordant)
{
    return fmin(1, 2 * exp2(-discordant));
}
