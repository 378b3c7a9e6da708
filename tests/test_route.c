/* The router against a slow text in double: ranks by counting, sums as they are written. */
#include "tests/test.h"

#include "runners/kernels.h"
#include "runners/route.h"
#include "tests/tiny.h"

enum { DRAWS = 10000, EXPERTS = 48, USED = 12 };

struct draw {
    struct route r;
    float logits[EXPERTS], bias[EXPERTS], factor[EXPERTS];
    int has_bias, has_factor;
};

/* Multiples of 1/16, so that equal ones are common and unequal ones stay apart. */
static float some_logit(uint64_t *seed, int spread)
{
    return (float)((int)(tiny_random(seed) % (uint64_t)(2 * spread + 1)) - spread) / 16;
}

static void make(struct draw *d, uint64_t *seed)
{
    int kind = 1 + (int)(tiny_random(seed) % 4), spread = tiny_random(seed) % 4 ? 96 : 4;

    memset(d, 0, sizeof *d);
    d->r.gating = (enum gating)kind;
    if (tiny_random(seed) % 2 && kind != GATING_SPARSEMIXER) {
        d->r.groups = 2 + (int)(tiny_random(seed) % 5);
        d->r.groups_used = 1 + (int)(tiny_random(seed) % (uint64_t)d->r.groups);
        d->r.experts = d->r.groups * (1 + (int)(tiny_random(seed) % 8));
    } else {
        d->r.experts = 2 + (int)(tiny_random(seed) % (EXPERTS - 1));
    }
    int open = d->r.groups ? d->r.experts / d->r.groups * d->r.groups_used : d->r.experts;
    int most = kind == GATING_SPARSEMIXER ? 2 : open < USED ? open : USED;
    d->r.used = 1 + (int)(tiny_random(seed) % (uint64_t)most);
    d->r.is_normalised = (int)(tiny_random(seed) % 2);
    d->r.scale = tiny_random(seed) % 2 ? 1 : 2.5f;
    d->has_bias = tiny_random(seed) % 2 && kind != GATING_SPARSEMIXER;
    d->has_factor = tiny_random(seed) % 4 == 0;
    for (int i = 0; i < EXPERTS; i++) {
        d->logits[i] = some_logit(seed, spread);
        d->bias[i] = some_logit(seed, 12);
        d->factor[i] = 0.5f + some_logit(seed, 4);
    }
}

static int is_before(const double *v, int a, int b) /* a ranks before b */
{
    return v[a] > v[b] || (v[a] == v[b] && a < b);
}

static void slow_softmax(double *p, const double *v, int n)
{
    double max = -INFINITY, sum = 0;

    for (int i = 0; i < n; i++)
        max = fmax(max, v[i]);
    for (int i = 0; i < n; i++)
        sum += exp(v[i] - max);
    for (int i = 0; i < n; i++)
        p[i] = exp(v[i] - max) / sum;
}

static double group_value(const struct draw *d, const double *v, int g)
{
    int n = d->r.experts / d->r.groups, first = -1, second = -1;

    for (int i = g * n; i < (g + 1) * n; i++)
        if (first < 0 || v[i] > v[first])
            first = i;
    for (int i = g * n; i < (g + 1) * n; i++)
        if (i != first && (second < 0 || v[i] > v[second]))
            second = i;
    return v[first] + (d->r.gating == GATING_SIGMOID && second >= 0 ? v[second] : 0);
}

/* Two values that float32 may order otherwise than double. */
static int is_close(const double *v, int n, double size)
{
    for (int a = 0; a < n; a++)
        for (int b = 0; b < a; b++)
            if (v[a] != v[b] && isfinite(v[a]) && isfinite(v[b]) &&
                fabs(v[a] - v[b]) < 1e-6 * (fabs(v[a]) + fabs(v[b]) + size))
                return 1;
    return 0;
}

/* 0: too close to call. */
static int slow_select(const struct draw *d, const double *p, int *ids)
{
    double v[EXPERTS], score[EXPERTS];
    int n = d->r.experts, size = d->r.groups ? n / d->r.groups : n;

    for (int i = 0; i < n; i++)
        v[i] = p[i] + (d->has_bias ? (double)d->bias[i] : 0);
    for (int g = 0; g < d->r.groups; g++)
        score[g] = group_value(d, v, g);
    if (is_close(v, n, d->has_bias) || is_close(score, d->r.groups, d->has_bias))
        return 0;
    for (int g = 0; g < d->r.groups; g++) {
        int rank = 0;
        for (int o = 0; o < d->r.groups; o++)
            rank += is_before(score, o, g);
        for (int i = g * size; i < (g + 1) * size && rank >= d->r.groups_used; i++)
            v[i] = -INFINITY;
    }
    for (int i = 0; i < n; i++) {
        int rank = 0;
        for (int o = 0; o < n; o++)
            rank += is_before(v, o, i);
        if (rank < d->r.used)
            ids[rank] = i;
    }
    return 1;
}

static void slow_sparsemixer(const struct draw *d, const double *l, int *ids, double *w)
{
    double near[EXPERTS], p[EXPERTS];

    for (int k = 0; k < d->r.used; k++) {
        int best = -1;
        for (int i = 0; i < d->r.experts; i++)
            if ((k == 0 || i != ids[0]) && (best < 0 || l[i] > l[best]))
                best = i;
        for (int i = 0; i < d->r.experts; i++)
            near[i] = (k == 1 && i == ids[0]) ||
                              (l[best] - l[i]) / fmax(fabs(l[i]), l[best]) > 0.02
                          ? -INFINITY
                          : l[i];
        slow_softmax(p, near, d->r.experts);
        ids[k] = best;
        w[k] = p[best];
    }
}

static int slow_route(const struct draw *d, int *ids, double *w)
{
    double l[EXPERTS], p[EXPERTS], sum = 0, chosen[USED];
    int n = d->r.experts;

    for (int i = 0; i < n; i++)
        p[i] = l[i] = (double)d->logits[i];
    if (d->r.gating == GATING_SPARSEMIXER) {
        slow_sparsemixer(d, l, ids, w);
    } else {
        if (d->r.gating == GATING_SOFTMAX)
            slow_softmax(p, l, n);
        for (int i = 0; i < n && d->r.gating == GATING_SIGMOID; i++)
            p[i] = 1 / (1 + exp(-l[i]));
        if (!slow_select(d, p, ids))
            return 0;
        for (int k = 0; k < d->r.used; k++)
            chosen[k] = w[k] = p[ids[k]];
        if (d->r.gating == GATING_SOFTMAX_SELECTED)
            slow_softmax(w, chosen, d->r.used);
        for (int k = 0; k < d->r.used; k++)
            sum += w[k];
        for (int k = 0; k < d->r.used && d->r.is_normalised; k++)
            w[k] /= sum;
    }
    for (int k = 0; k < d->r.used; k++)
        w[k] *= (double)d->r.scale * (d->has_factor ? (double)d->factor[ids[k]] : 1);
    return 1;
}

static void fast_route(const struct draw *d, const struct kernels *k, float *out)
{
    float logits[EXPERTS];

    memcpy(logits, d->logits, sizeof logits);
    route(&d->r, k, logits, d->has_bias ? d->bias : NULL, d->has_factor ? d->factor : NULL, out);
}

static void ten_thousand_rows_go_where_a_slow_router_sends_them(void **state)
{
    uint64_t seed = 20;
    int close = 0, seen[5] = {0};
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        struct draw d;
        int ids[USED];
        double w[USED];
        float out[2 * USED];
        make(&d, &seed);
        if (!slow_route(&d, ids, w)) {
            close++;
            continue;
        }
        seen[d.r.gating]++;
        fast_route(&d, kernels_find("ref"), out);
        for (int k = 0; k < d.r.used; k++) {
            if (out[k] != (float)ids[k])
                fail_msg("draw %d, gating %d: rank %d goes to %g, expected %d", i, d.r.gating, k,
                         (double)out[k], ids[k]);
            if (fabs((double)out[d.r.used + k] - w[k]) > 2e-6 * fabs(w[k]))
                fail_msg("draw %d, gating %d: weight %d is %.9g, expected %.9g", i, d.r.gating, k,
                         (double)out[d.r.used + k], w[k]);
        }
    }
    assert_true(close < DRAWS / 20);
    for (int g = GATING_SOFTMAX; g <= GATING_SPARSEMIXER; g++)
        assert_true(seen[g] > DRAWS / 8);
}

static void every_table_of_kernels_routes_with_the_same_bits(void **state)
{
    uint64_t seed = 21;
    (void)state;
    for (int i = 0; i < DRAWS / 10; i++) {
        struct draw d;
        float want[2 * USED], got[2 * USED];
        make(&d, &seed);
        fast_route(&d, kernels_find("ref"), want);
        for (int t = 0; kernels_at(t); t++) {
            if (!kernels_at(t)->usable())
                continue;
            fast_route(&d, kernels_at(t), got);
            assert_memory_equal(got, want, (size_t)(2 * d.r.used) * sizeof *want);
        }
    }
}

static void equal_logits_go_to_the_lower_index(void **state)
{
    struct draw d = {.r = {.experts = 8, .used = 3, .gating = GATING_SOFTMAX, .scale = 1}};
    float out[6];
    (void)state;
    d.logits[5] = d.logits[2] = 1;
    fast_route(&d, kernels_best(), out);
    assert_true(out[0] == 2 && out[1] == 5 && out[2] == 0);
}

/* What the engine then says of the row is --check-finite's; here only that nothing is out of
 * bounds. */
static void logits_that_are_no_numbers_still_name_experts(void **state)
{
    static const float strange[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 0};
    uint64_t seed = 22;
    (void)state;
    for (int i = 0; i < DRAWS / 10; i++) {
        struct draw d;
        float out[2 * USED];
        make(&d, &seed);
        for (int k = 0; k < EXPERTS; k++)
            if (i < 10 || tiny_random(&seed) % 2)
                d.logits[k] = strange[i < 10 ? 0 : tiny_random(&seed) % 6];
        fast_route(&d, kernels_best(), out);
        for (int k = 0; k < d.r.used; k++)
            assert_true(out[k] >= 0 && out[k] < (float)d.r.experts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_rows_go_where_a_slow_router_sends_them),
        cmocka_unit_test(every_table_of_kernels_routes_with_the_same_bits),
        cmocka_unit_test(equal_logits_go_to_the_lower_index),
        cmocka_unit_test(logits_that_are_no_numbers_still_name_experts),
    };
    return RUN(tests);
}
