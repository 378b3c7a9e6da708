#include "harness/vendor_judge.h"

#include <math.h>
#include <stdio.h>

const char *parity_name(enum parity p)
{
    static const char *const names[] = {"PASS", "FAIL", "NOT SHOWN", "NOT COMPARABLE"};

    return names[p];
}

/* 1: the lengths of answers are known and too far apart. */
static int length_differs(const struct parity_facts *f)
{
    if (!(f->tokens_a > 0) || isnan(f->tokens_b))
        return 0;
    return fabs(f->tokens_b / f->tokens_a - 1) > PARITY_LENGTH;
}

enum parity parity_judge(const struct parity_facts *f, char *why, size_t size)
{
    int below = f->b < PARITY_SHARE * f->a;

    why[0] = 0;
    if (f->n == 0) {
        snprintf(why, size, "no item has a credit in both");
        return PARITY_UNSHOWN;
    }
    if (length_differs(f)) {
        snprintf(why, size, "its answers have %+.0f %% tokens",
                 100 * (f->tokens_b / f->tokens_a - 1));
        return PARITY_FAIL;
    }
    if (below && f->p_worse < PARITY_ALPHA) {
        snprintf(why, size, "it is worse: %.2f %% of %zu items right, the reference %.2f %%",
                 100 * f->b, f->n, 100 * f->a);
        return PARITY_FAIL;
    }
    if (below) {
        snprintf(why, size, "it has less than %.0f %% of the reference's right answers, which may "
                 "be chance", 100 * PARITY_SHARE);
        return PARITY_UNSHOWN;
    }
    if (f->p_margin < PARITY_ALPHA)
        return PARITY_PASS;
    snprintf(why, size, "%zu items leave open that it is up to %.2f points worse", f->n,
             -100 * f->low);
    return PARITY_UNSHOWN;
}

static int beats(double q, double c, double quality, double cost)
{
    return q >= quality && c <= cost && (q > quality || c < cost);
}

void vendor_frontier(const double *quality, const double *cost, size_t n, unsigned char *on)
{
    for (size_t i = 0; i < n; i++) {
        on[i] = !isnan(quality[i]) && !isnan(cost[i]);
        for (size_t k = 0; k < n && on[i]; k++)
            on[i] = !beats(quality[k], cost[k], quality[i], cost[i]);
    }
}
