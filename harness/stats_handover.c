#include "harness/stats_handover.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/splitmix.h"
#include "harness/stats_dist.h"

struct ranked {
    double key;
    size_t at;
};

static int rising(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static double by_confidence(const struct handover_item *x)
{
    return x->confidence;
}

static double by_gain(const struct handover_item *x)
{
    return x->small - x->large;
}

static struct ranked *rank(const struct handover_item *v, size_t n,
                           double (*key)(const struct handover_item *), struct err *e)
{
    struct ranked *r = mem_alloc(n * sizeof *r);

    if (!r) {
        err_nomem(e);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        r[i] = (struct ranked){key(&v[i]), i};
    qsort(r, n, sizeof *r, rising);
    return r;
}

static int check_items(const struct handover_item *v, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i].confidence) || !(v[i].small >= 0 && v[i].small <= 1) ||
            !(v[i].large >= 0 && v[i].large <= 1) || v[i].cluster >= n)
            return err_set(e, ERR_NUMERIC, "item %zu has no credit or confidence", i);
    return n ? 0 : err_set(e, ERR_INVALID, "no items to hand over");
}

static struct handover_point mean_point(const struct handover_point *sum, size_t handed,
                                        double threshold, size_t n)
{
    double all = (double)n;

    return (struct handover_point){(double)handed / all, threshold, sum->accuracy / all,
                                   sum->latency_s / all, sum->cost / all};
}

int handover_curve(const struct handover_item *v, size_t n, struct handover_point *out,
                   size_t *n_out, struct err *e)
{
    struct handover_point sum = {0};
    struct ranked *r;
    size_t k = 0;

    if (check_items(v, n, e) < 0 || !(r = rank(v, n, by_confidence, e)))
        return -1;
    for (size_t i = 0; i < n; i++) {
        sum.accuracy += v[i].small;
        sum.latency_s += v[i].small_s;
        sum.cost += v[i].small_cost;
    }
    out[k++] = mean_point(&sum, 0, r[0].key, n);
    for (size_t i = 0; i < n; i++) {
        const struct handover_item *x = &v[r[i].at];
        sum.accuracy += x->large - x->small;
        sum.latency_s += x->large_s;
        sum.cost += x->large_cost;
        if (i + 1 == n || r[i + 1].key != r[i].key)
            out[k++] = mean_point(&sum, i + 1, i + 1 < n ? r[i + 1].key : INFINITY, n);
    }
    *n_out = k;
    mem_free(r);
    return 0;
}

/* --- areas --------------------------------------------------------------------------------- */

/* Area under accuracy over share, item i counted weight[cluster] times. */
static double area_of(const struct handover_item *v, const struct ranked *r, size_t n,
                      const double *weight)
{
    double total = 0, accuracy = 0, area = 0;

    for (size_t i = 0; i < n; i++) {
        total += weight[v[i].cluster];
        accuracy += weight[v[i].cluster] * v[i].small;
    }
    if (!(total > 0))
        return NAN;
    for (size_t i = 0; i < n;) {
        double gain = 0, width = 0;
        size_t k = i;
        for (; k < n && r[k].key == r[i].key; k++) {
            const struct handover_item *x = &v[r[k].at];
            gain += weight[x->cluster] * (x->large - x->small);
            width += weight[x->cluster];
        }
        area += width * (accuracy + gain / 2);
        accuracy += gain;
        i = k;
    }
    return area / total / total;
}

struct areas {
    double area, random, oracle;
};

static struct areas areas_of(const struct handover_item *v, const struct ranked *r,
                             const struct ranked *oracle, size_t n, const double *weight)
{
    double total = 0, both = 0;

    for (size_t i = 0; i < n; i++) {
        total += weight[v[i].cluster];
        both += weight[v[i].cluster] * (v[i].small + v[i].large);
    }
    return (struct areas){area_of(v, r, n, weight), both / 2 / total,
                          area_of(v, oracle, n, weight)};
}

static double captured(struct areas a)
{
    return a.oracle > a.random ? (a.area - a.random) / (a.oracle - a.random) : NAN;
}

struct redrawing {
    size_t *clusters, n_clusters; /* the numbers that occur */
    double *weight, *area, *captured;
};

static void redraw(struct redrawing *w, size_t n, uint64_t *rng)
{
    memset(w->weight, 0, n * sizeof *w->weight);
    for (size_t i = 0; i < w->n_clusters; i++)
        w->weight[w->clusters[splitmix64_high(splitmix64_next(rng), w->n_clusters)]] += 1;
}

static struct interval middle(double *x, size_t n)
{
    size_t known;

    stats_sort(x, n);
    for (known = n; known && isnan(x[known - 1]);)
        known--;
    if (known < n / 2 || known < 2)
        return (struct interval){NAN, NAN};
    return (struct interval){stats_percentile_linear(x, known, 0.025),
                             stats_percentile_linear(x, known, 0.975)};
}

static void measure(const struct handover_item *v, const struct ranked *r,
                    const struct ranked *oracle, size_t n, size_t replicates, uint64_t seed,
                    struct redrawing *w, struct handover_area *out)
{
    struct areas a;

    for (size_t i = 0; i < n; i++)
        w->weight[v[i].cluster] = 1;
    for (size_t i = 0; i < n; i++)
        if (w->weight[i] > 0)
            w->clusters[w->n_clusters++] = i;
    a = areas_of(v, r, oracle, n, w->weight);
    for (size_t k = 0; k < replicates; k++) {
        struct areas again;
        redraw(w, n, &seed);
        again = areas_of(v, r, oracle, n, w->weight);
        w->area[k] = again.area;
        w->captured[k] = captured(again);
    }
    *out = (struct handover_area){a.area, a.random, a.oracle, captured(a),
                                  middle(w->area, replicates), middle(w->captured, replicates)};
}

int handover_area(const struct handover_item *v, size_t n, size_t replicates, uint64_t seed,
                  struct handover_area *out, struct err *e)
{
    struct ranked *r = NULL, *oracle = NULL;
    struct redrawing w = {
        .clusters = mem_alloc(n * sizeof *w.clusters),
        .weight = mem_calloc(n ? n : 1, sizeof *w.weight),
        .area = mem_alloc(replicates * sizeof *w.area),
        .captured = mem_alloc(replicates * sizeof *w.captured),
    };
    int rc = -1;

    if (!w.clusters || !w.weight || !w.area || !w.captured) {
        err_nomem(e);
    } else if (check_items(v, n, e) == 0 && (r = rank(v, n, by_confidence, e)) &&
               (oracle = rank(v, n, by_gain, e))) {
        measure(v, r, oracle, n, replicates, seed, &w, out);
        rc = 0;
    }
    mem_free(oracle);
    mem_free(r);
    mem_free(w.captured);
    mem_free(w.area);
    mem_free(w.weight);
    mem_free(w.clusters);
    return rc;
}

/* --- the threshold that keeps a promise ---------------------------------------------------- */

static void walk(const struct handover_item *v, const struct ranked *r, const char *use, size_t n,
                 struct handover_promise *out)
{
    double kept = 0, wrong = 0, all = 0;
    int any = 0; /* calibration items of this confidence */

    for (size_t i = 0; i < n; i++)
        all += !use || use[i];
    for (size_t i = n; i-- > 0;) { /* from the most confident down */
        if (!use || use[r[i].at]) {
            kept++;
            wrong += 1 - v[r[i].at].small;
            any = 1;
        }
        if (!any || (i > 0 && r[i - 1].key == r[i].key))
            continue;
        any = 0;
        /* too few even without an error: not a test yet */
        if (pow(1 - out->error, kept) > out->delta)
            continue;
        if (dist_binomial_cdf(ceil(wrong), kept, out->error) > out->delta)
            return;
        out->threshold = r[i].key;
        out->kept = kept / all;
    }
}

int handover_promise(const struct handover_item *v, const char *use, size_t n, double error,
                     double delta, struct handover_promise *out, struct err *e)
{
    struct ranked *r;

    *out = (struct handover_promise){error, delta, INFINITY, 0};
    if (check_items(v, n, e) < 0 || !(r = rank(v, n, by_confidence, e)))
        return -1;
    walk(v, r, use, n, out);
    mem_free(r);
    return 0;
}

/* What becomes of the other half under a threshold. */
static void look(const struct handover_item *v, const char *use, size_t n,
                 const struct handover_promise *p, struct handover_check *out)
{
    double all = 0, kept = 0, wrong = 0, right = 0;

    for (size_t i = 0; i < n; i++) {
        int keeps = v[i].confidence >= p->threshold;
        if (use[i])
            continue;
        all++;
        kept += keeps;
        wrong += keeps ? 1 - v[i].small : 0;
        right += keeps ? v[i].small : v[i].large;
    }
    if (!(all > 0))
        return;
    out->accuracy += right / all;
    if (!(kept > 0))
        return;
    out->kept_any++;
    out->kept += kept / all;
    out->error += wrong / kept;
    out->broken += dist_binomial_sf(floor(wrong), kept, p->error) < p->delta;
}

int handover_check(const struct handover_item *v, size_t n, double error, double delta,
                   size_t splits, uint64_t seed, struct handover_check *out, struct err *e)
{
    char *use = mem_alloc(n);
    int rc = use ? check_items(v, n, e) : err_nomem(e);

    memset(out, 0, sizeof *out);
    for (size_t k = 0; k < splits && rc == 0; k++) {
        struct handover_promise p;
        for (size_t i = 0; i < n; i++) /* the same side for a whole cluster */
            use[i] = (char)(splitmix64_mix(seed + k * 0x9E3779B97F4A7C15u + v[i].cluster) >> 63);
        rc = handover_promise(v, use, n, error, delta, &p, e);
        if (rc == 0)
            look(v, use, n, &p, out);
        out->splits++;
    }
    mem_free(use);
    out->kept /= (double)(out->splits ? out->splits : 1);
    out->accuracy /= (double)(out->splits ? out->splits : 1);
    out->error = out->kept_any ? out->error / (double)out->kept_any : NAN;
    out->broken = out->kept_any ? out->broken / (double)out->kept_any : NAN;
    return rc;
}
