#include "harness/stats_proportion.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "harness/stats_dist.h"

double stats_share_stderr(double right, double n)
{
    double p = right / n;

    return n > 1 ? sqrt(p * (1 - p) / (n - 1)) : NAN;
}

struct interval stats_clopper_pearson(double right, double n, double conf)
{
    double tail = (1 - conf) / 2;

    if (!(n > 0))
        return (struct interval){NAN, NAN};
    return (struct interval){
        right <= 0 ? 0 : dist_beta_quantile(tail, right, n - right + 1),
        right >= n ? 1 : dist_beta_quantile(1 - tail, right + 1, n - right),
    };
}

struct answer {
    double confidence, right;
    size_t place; /* equal confidences stay in their order */
};

static int by_confidence(const void *a, const void *b)
{
    const struct answer *x = a, *y = b;

    if (x->confidence != y->confidence)
        return x->confidence > y->confidence ? 1 : -1;
    return (x->place > y->place) - (x->place < y->place);
}

/* |mean right - mean confidence| of answers from..to, weighted by their share of n. */
static double bin_error(const struct answer *v, size_t from, size_t to, size_t n)
{
    double gap = 0;

    for (size_t i = from; i < to; i++)
        gap += v[i].right - v[i].confidence;
    return fabs(gap) / (double)n;
}

int stats_calibration(const double *confidence, const double *right, size_t n, int bins,
                      struct calibration *out, struct err *e)
{
    struct answer *v;
    size_t from = 0, each = n / (size_t)bins, more = n % (size_t)bins;

    *out = (struct calibration){NAN, NAN, NAN};
    if (n == 0)
        return 0;
    *out = (struct calibration){0, 0, 0};
    v = mem_calloc(n, sizeof *v);
    if (!v)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        v[i] = (struct answer){confidence[i], right[i], i};
        out->brier += (confidence[i] - right[i]) * (confidence[i] - right[i]) / (double)n;
    }
    qsort(v, n, sizeof *v, by_confidence);
    for (int b = 0; b < bins; b++) {
        size_t to = from;
        while (to < n && (b + 1 == bins || v[to].confidence <= (b + 1) / (double)bins))
            to++;
        out->ece_width += bin_error(v, from, to, n);
        from = to;
    }
    from = 0;
    for (int b = 0; b < bins; b++) { /* the first n % bins bins get one answer more */
        size_t to = from + each + ((size_t)b < more);
        out->ece_mass += bin_error(v, from, to, n);
        from = to;
    }
    mem_free(v);
    return 0;
}
