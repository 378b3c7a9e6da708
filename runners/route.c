#include "runners/route.h"

#include <math.h>
#include <string.h>

#include "runners/kernels.h"

/* The highest of v[n], at the lowest index where several are; -1 when all are -infinity or NaN. */
static int highest(const float *v, int n)
{
    int best = -1;

    for (int i = 0; i < n; i++)
        if (v[i] > (best < 0 ? -INFINITY : v[best]))
            best = i;
    return best;
}

static void softmax(const struct kernels *k, float *v, int n)
{
    float max = -INFINITY;
    double sum = 0;

    for (int i = 0; i < n; i++)
        max = v[i] > max ? v[i] : max;
    for (int i = 0; i < n; i++)
        v[i] -= max;
    k->exp(v, v, n);
    for (int i = 0; i < n; i++)
        sum += (double)v[i];
    for (int i = 0; i < n; i++)
        v[i] = (float)((double)v[i] / sum);
}

/* V2's score of a group is its best expert, V3's (which gates by sigmoid) the sum of its
 * best two. */
static float group_score(const struct route *r, const float *v, int n)
{
    float best = -INFINITY, second = -INFINITY;

    for (int i = 0; i < n; i++) {
        if (v[i] > best) {
            second = best;
            best = v[i];
        } else if (v[i] > second) {
            second = v[i];
        }
    }
    return r->gating == GATING_SIGMOID && n > 1 ? best + second : best;
}

static void close_groups(const struct route *r, float *v)
{
    float score[ROUTE_EXPERTS_MAX];
    char open[ROUTE_EXPERTS_MAX] = {0};
    int n = r->experts / r->groups;

    for (int g = 0; g < r->groups; g++)
        score[g] = group_score(r, v + g * n, n);
    for (int i = 0; i < r->groups_used; i++) {
        int g = highest(score, r->groups);
        if (g < 0)
            break;
        open[g] = 1;
        score[g] = -INFINITY;
    }
    for (int i = 0; i < r->experts; i++)
        if (!open[i / n])
            v[i] = -INFINITY;
}

static void select_best(const struct route *r, const float *scores, const float *bias, int *ids)
{
    float v[ROUTE_EXPERTS_MAX];

    for (int i = 0; i < r->experts; i++)
        v[i] = bias ? scores[i] + bias[i] : scores[i];
    if (r->groups > 1 && r->groups_used < r->groups)
        close_groups(r, v);
    for (int i = 0; i < r->used; i++) {
        int best = highest(v, r->experts);
        ids[i] = best < 0 ? i : best; /* logits that are no numbers: --check-finite tells */
        v[ids[i]] = -INFINITY;
    }
}

/* The softmax over what is within 2 % of the best (by the larger magnitude), at the best; then the
 * same without it. */
static void sparsemixer(const struct route *r, const struct kernels *k, const float *logits,
                        int *ids, float *weights)
{
    float v[ROUTE_EXPERTS_MAX], near[ROUTE_EXPERTS_MAX];

    memcpy(v, logits, (size_t)r->experts * sizeof *v);
    for (int i = 0; i < r->used; i++) {
        int best = highest(v, r->experts);
        float top;
        ids[i] = best < 0 ? i : best;
        top = logits[ids[i]];
        for (int j = 0; j < r->experts; j++) {
            float size = fabsf(logits[j]) > top ? fabsf(logits[j]) : top;
            near[j] = v[j] == -INFINITY || (top - logits[j]) / size > 0.02f ? -INFINITY : logits[j];
        }
        softmax(k, near, r->experts);
        weights[i] = near[ids[i]];
        v[ids[i]] = -INFINITY;
    }
}

static void weigh(const struct route *r, const struct kernels *k, const float *scores,
                  const int *ids, float *weights)
{
    double sum = 0;

    for (int i = 0; i < r->used; i++)
        weights[i] = scores[ids[i]];
    if (r->gating == GATING_SOFTMAX_SELECTED)
        softmax(k, weights, r->used);
    for (int i = 0; i < r->used; i++)
        sum += (double)weights[i];
    for (int i = 0; i < r->used && r->is_normalised && sum > 0; i++)
        weights[i] = (float)((double)weights[i] / sum);
}

void route(const struct route *r, const struct kernels *k, float *logits, const float *bias,
           const float *factor, float *out)
{
    int ids[ROUTE_USED_MAX];
    float *weights = out + r->used;

    if (r->gating == GATING_SPARSEMIXER) {
        sparsemixer(r, k, logits, ids, weights);
    } else {
        if (r->gating == GATING_SOFTMAX)
            softmax(k, logits, r->experts);
        else if (r->gating == GATING_SIGMOID)
            k->act(ACT_SIGMOID, logits, logits, r->experts);
        select_best(r, logits, bias, ids);
        weigh(r, k, logits, ids, weights);
    }
    for (int i = 0; i < r->used; i++) {
        out[i] = (float)ids[i];
        weights[i] *= r->scale;
        if (factor)
            weights[i] *= factor[ids[i]];
    }
}
