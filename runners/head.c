#include "runners/head.h"

#include <math.h>

#include "runners/dmath.h"

/* Minus infinity is lost in the sum: what is asked for is looked at one by one. */
static int is_finite_head(const struct head_row *h, int n_vocab)
{
    for (int t = 0; t < h->n_targets; t++)
        if (h->targets[t] >= 0 && !isfinite(h->target_logits[t]))
            return 0;
    for (int i = 0; h->logits && i < n_vocab; i++)
        if (!isfinite(h->logits[i]))
            return 0;
    return 1;
}

/* In double: ln sum exp = M + ln(sum of s_b exp(m_b - M)). */
void head_combine(struct head_row *h, const struct lse *l, int blocks, int n_vocab)
{
    double sum = 0;
    int best = 0;

    for (int b = 1; b < blocks; b++)
        if (l[b].max > l[best].max)
            best = b;
    for (int b = 0; b < blocks; b++)
        sum += (double)l[b].sum * dmath_exp((double)l[b].max - (double)l[best].max);
    h->lse = is_finite_head(h, n_vocab) ? (double)l[best].max + dmath_log(sum) : NAN;
    h->argmax = best * LSE_BLOCK + l[best].argmax;
}

int head_asked(const struct head_row *h, int n_vocab)
{
    int n = 0;

    for (int t = 0; t < h->n_targets; t++)
        n += h->targets[t] >= 0 && h->targets[t] < n_vocab;
    return n;
}
