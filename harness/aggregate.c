#include "harness/aggregate.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "harness/stats.h"
#include "tasks/overlap.h"

enum { CHUNK = 1000, REPLICATES = 10000, SEED = 1234 };

static double sum(const double *x, size_t n)
{
    double s = 0;

    for (size_t i = 0; i < n; i++)
        s += x[i];
    return s;
}

static struct interval percentiles(double *replicates, size_t n)
{
    stats_sort(replicates, n);
    return (struct interval){stats_percentile_linear(replicates, n, 0.025),
                             stats_percentile_linear(replicates, n, 0.975)};
}

/* --- means -------------------------------------------------------------------------------- */

static int all_right_or_wrong(const double *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (v[i] != 0 && v[i] != 1)
            return 0;
    return 1;
}

static int mean(const double *v, const double *w, size_t n, int iterations, struct estimate *out,
                struct err *e)
{
    (void)w;
    (void)iterations;
    (void)e;
    out->value = stats_mean(v, n);
    out->stderr_ = stats_stderr(v, n);
    if (all_right_or_wrong(v, n)) {
        struct interval i = stats_wilson(sum(v, n), (double)n, STATS_Z95);
        out->low = i.low;
        out->high = i.high;
    } else {
        out->low = out->value - STATS_Z95 * out->stderr_;
        out->high = out->value + STATS_Z95 * out->stderr_;
    }
    return 0;
}

/* The ratio of two sums, its standard error by linearisation (Cochran 1977, 6.4).  Of shares of
 * right and wrong the interval is Wilson's, for as many items of equal weight as would be as sure
 * (Kish 1965): it has a width even when all are wrong. */
static int weighted_mean(const double *v, const double *w, size_t n, int iterations,
                         struct estimate *out, struct err *e)
{
    double all = sum(w, n), mean_v = 0, squares = 0, weights = 0;

    (void)iterations;
    (void)e;
    if (!(all > 0))
        return 0;
    for (size_t i = 0; i < n; i++) {
        mean_v += w[i] * v[i] / all;
        weights += w[i] * w[i];
    }
    for (size_t i = 0; i < n; i++)
        squares += w[i] * w[i] * (v[i] - mean_v) * (v[i] - mean_v);
    out->value = mean_v;
    if (n < 2)
        return 0;
    out->stderr_ = sqrt(squares * (double)n / (double)(n - 1)) / all;
    if (all_right_or_wrong(v, n)) {
        struct interval i = stats_wilson(mean_v * all * all / weights, all * all / weights,
                                         STATS_Z95);
        out->low = i.low;
        out->high = i.high;
        return 0;
    }
    out->low = mean_v - STATS_Z95 * out->stderr_;
    out->high = mean_v + STATS_Z95 * out->stderr_;
    return 0;
}

/* --- perplexity of targets ---------------------------------------------------------------- */

size_t lmeval_bootstrap(const double *v, size_t n, int iterations, double *replicates)
{
    int chunk = iterations < CHUNK ? iterations : CHUNK;
    size_t k = 0;
    struct rng rng;

    if (n == 0 || chunk < 1)
        return 0;
    for (int c = 0; c < iterations / chunk; c++) {
        rng_seed(&rng, (uint64_t)c);
        for (int r = 0; r < chunk; r++) {
            double s = 0;
            for (size_t i = 0; i < n; i++)
                s += v[(size_t)(rng_random(&rng) * (double)n)];
            replicates[k++] = exp(-s / (double)n);
        }
    }
    return k;
}

static int perplexity(const double *v, const double *w, size_t n, int iterations,
                      struct estimate *out, struct err *e)
{
    double *replicates = mem_alloc((size_t)iterations * sizeof *replicates);
    size_t k;

    (void)w;
    if (!replicates)
        return err_nomem(e);
    out->value = exp(-stats_mean(v, n));
    k = lmeval_bootstrap(v, n, iterations, replicates);
    if (n > 1 && k > 1) {
        struct interval i;
        out->stderr_ = stats_sd(replicates, k);
        i = percentiles(replicates, k);
        out->low = i.low;
        out->high = i.high;
    }
    mem_free(replicates);
    return 0;
}

/* --- agreement of chosen and right classes over a corpus ---------------------------------- */

/* Items drawn (index NULL: each once): v is the class chosen, w the right one. */
static double f1_of(const double *v, const double *w, const size_t *index, size_t n)
{
    double hit = 0, wrong = 0;

    for (size_t i = 0; i < n; i++) {
        size_t k = index ? index[i] : i;
        hit += v[k] == 1 && w[k] == 1;
        wrong += (v[k] == 1) != (w[k] == 1);
    }
    return hit > 0 ? 2 * hit / (2 * hit + wrong) : 0;
}

enum { CLASSES = 64 };

/* Matthews' coefficient of several classes (Gorodkin 2004); 0 where one side never varies. */
static double mcc_of(const double *v, const double *w, const size_t *index, size_t n)
{
    double chosen[CLASSES] = {0}, right[CLASSES] = {0}, hit = 0, vw = 0, vv = 0, ww = 0;
    double all = (double)n, d;

    for (size_t i = 0; i < n; i++) {
        size_t k = index ? index[i] : i;
        chosen[(int)v[k]]++;
        right[(int)w[k]]++;
        hit += v[k] == w[k];
    }
    for (int c = 0; c < CLASSES; c++) {
        vw += chosen[c] * right[c];
        vv += chosen[c] * chosen[c];
        ww += right[c] * right[c];
    }
    d = (all * all - vv) * (all * all - ww);
    return d > 0 ? (hit * all - vw) / sqrt(d) : 0;
}

/* The F1 of every class that is chosen or right somewhere: how often it is right, and its F1. */
struct by_class {
    double right[CLASSES], chosen[CLASSES], hit[CLASSES];
};

static void count_classes(struct by_class *c, const double *v, const double *w,
                          const size_t *index, size_t n)
{
    *c = (struct by_class){{0}, {0}, {0}};
    for (size_t i = 0; i < n; i++) {
        size_t k = index ? index[i] : i;
        c->chosen[(int)v[k]]++;
        c->right[(int)w[k]]++;
        c->hit[(int)v[k]] += v[k] == w[k];
    }
}

static double f1_of_class(const struct by_class *c, int k)
{
    return 2 * c->hit[k] / (c->chosen[k] + c->right[k]);
}

/* Weighted by how often each class is right. */
static double weighted_f1_of(const double *v, const double *w, const size_t *index, size_t n)
{
    struct by_class c;
    double sum_ = 0;

    count_classes(&c, v, w, index, n);
    for (int k = 0; k < CLASSES; k++)
        if (c.right[k] > 0)
            sum_ += c.right[k] * f1_of_class(&c, k);
    return sum_ / (double)n;
}

static double macro_f1_of(const double *v, const double *w, const size_t *index, size_t n)
{
    struct by_class c;
    double sum_ = 0;
    int seen = 0;

    count_classes(&c, v, w, index, n);
    for (int k = 0; k < CLASSES; k++)
        if (c.right[k] + c.chosen[k] > 0) {
            sum_ += f1_of_class(&c, k);
            seen++;
        }
    return seen ? sum_ / seen : 0;
}

/* The mean over the first three classes, also those that never occur. */
static double three_f1_of(const double *v, const double *w, const size_t *index, size_t n)
{
    struct by_class c;
    double sum_ = 0;

    count_classes(&c, v, w, index, n);
    for (int k = 0; k < 3; k++)
        sum_ += c.right[k] + c.chosen[k] > 0 ? f1_of_class(&c, k) : 0;
    return sum_ / 3;
}

/* The F1 of two classes, halved when only one of them occurs. */
static double of_two(const struct by_class *c)
{
    double sum_ = 0;

    for (int k = 0; k < 2; k++)
        sum_ += c->right[k] + c->chosen[k] > 0 ? f1_of_class(c, k) : 0;
    return sum_ / 2;
}

/* Sentiment in two parts (SENTIPOLC): class 0 is positive, 1 negative, 2 neither, 3 both. */
static double polarity_f1_of(const double *v, const double *w, const size_t *index, size_t n)
{
    struct by_class positive = {{0}, {0}, {0}}, negative = {{0}, {0}, {0}};

    for (size_t i = 0; i < n; i++) {
        int got = (int)v[index ? index[i] : i], want = (int)w[index ? index[i] : i];
        int p = got == 0 || got == 3, q = want == 0 || want == 3;
        int x = got == 1 || got == 3, y = want == 1 || want == 3;
        positive.chosen[p]++, positive.right[q]++, positive.hit[p] += p == q;
        negative.chosen[x]++, negative.right[y]++, negative.hit[x] += x == y;
    }
    return (of_two(&positive) + of_two(&negative)) / 2;
}

/* Over all classes at once that is the share that is right. */
static double micro_f1_of(const double *v, const double *w, const size_t *index, size_t n)
{
    double hit = 0;

    for (size_t i = 0; i < n; i++)
        hit += v[index ? index[i] : i] == w[index ? index[i] : i];
    return hit / (double)n;
}

static int classes(const double *v, const double *w, size_t n, double most, const char *what,
                   struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (!(v[i] >= 0 && v[i] <= most && w[i] >= 0 && w[i] <= most))
            return err_set(e, ERR_INVALID, "%s is of classes 0 to %g, and item %zu has %g and %g",
                           what, most, i, v[i], w[i]);
    return 0;
}

/* The standard error is lm-eval's bootstrap: chunk c of 1,000 draws with random.Random(c). */
static int agreement(double (*of)(const double *, const double *, const size_t *, size_t),
                     const double *v, const double *w, size_t n, int iterations,
                     struct estimate *out, struct err *e)
{
    int chunk = iterations < CHUNK ? iterations : CHUNK;
    double *replicates = mem_alloc((size_t)iterations * sizeof *replicates);
    size_t *index = mem_alloc(n * sizeof *index), k = 0;
    struct rng rng;
    int rc = replicates && index ? 0 : err_nomem(e);

    out->value = of(v, w, NULL, n);
    for (int c = 0; rc == 0 && chunk > 0 && c < iterations / chunk; c++) {
        rng_seed(&rng, (uint64_t)c);
        for (int r = 0; r < chunk; r++) {
            for (size_t i = 0; i < n; i++)
                index[i] = (size_t)(rng_random(&rng) * (double)n);
            replicates[k++] = of(v, w, index, n);
        }
    }
    if (rc == 0 && n > 1 && k > 1) {
        struct interval i;
        out->stderr_ = stats_sd(replicates, k);
        i = percentiles(replicates, k);
        out->low = i.low;
        out->high = i.high;
    }
    mem_free(replicates);
    mem_free(index);
    return rc;
}

static int f1(const double *v, const double *w, size_t n, int iterations, struct estimate *out,
              struct err *e)
{
    return classes(v, w, n, 1, "f1", e) < 0 ? -1 : agreement(f1_of, v, w, n, iterations, out, e);
}

static int mcc(const double *v, const double *w, size_t n, int iterations, struct estimate *out,
               struct err *e)
{
    return classes(v, w, n, CLASSES - 1, "mcc", e) < 0
               ? -1
               : agreement(mcc_of, v, w, n, iterations, out, e);
}

static int of_classes(double (*of)(const double *, const double *, const size_t *, size_t),
                      const double *v, const double *w, size_t n, int iterations,
                      struct estimate *out, struct err *e)
{
    return classes(v, w, n, CLASSES - 1, "F1", e) < 0
               ? -1
               : agreement(of, v, w, n, iterations, out, e);
}

static int weighted_f1(const double *v, const double *w, size_t n, int iterations,
                       struct estimate *out, struct err *e)
{
    return of_classes(weighted_f1_of, v, w, n, iterations, out, e);
}

static int macro_f1(const double *v, const double *w, size_t n, int iterations,
                    struct estimate *out, struct err *e)
{
    return of_classes(macro_f1_of, v, w, n, iterations, out, e);
}

static int micro_f1(const double *v, const double *w, size_t n, int iterations,
                    struct estimate *out, struct err *e)
{
    return of_classes(micro_f1_of, v, w, n, iterations, out, e);
}

static int three_f1(const double *v, const double *w, size_t n, int iterations,
                    struct estimate *out, struct err *e)
{
    return of_classes(three_f1_of, v, w, n, iterations, out, e);
}

static int polarity_f1(const double *v, const double *w, size_t n, int iterations,
                       struct estimate *out, struct err *e)
{
    return classes(v, w, n, 3, "F1 of sentiments", e) < 0
               ? -1
               : agreement(polarity_f1_of, v, w, n, iterations, out, e);
}

/* The mean of the items with a positive weight less that of those with a negative one. */
static double difference_of(const double *v, const double *w, const size_t *index, size_t n)
{
    double sums[2] = {0}, counts[2] = {0};

    for (size_t i = 0; i < n; i++) {
        size_t k = index ? index[i] : i;
        if (w[k] == 0)
            continue;
        sums[w[k] < 0] += v[k];
        counts[w[k] < 0]++;
    }
    return sums[0] / counts[0] - sums[1] / counts[1];
}

static int share_difference(const double *v, const double *w, size_t n, int iterations,
                            struct estimate *out, struct err *e)
{
    return agreement(difference_of, v, w, n, iterations, out, e);
}

/* Translations: lm-eval redraws their corpora 100 times at most. */
static int overlap(const struct overlap *o, const double *v, const double *w, size_t n,
                   int iterations, struct estimate *out, struct err *e)
{
    enum { AT_MOST = 100 };

    return agreement(o->score, v, w, n, iterations < AT_MOST ? iterations : AT_MOST, out, e);
}

/* --- likelihood of documents per word, byte or token -------------------------------------- */

struct documents {
    const double *v, *w;
    size_t n;
    double (*of)(double nats, double weight);
};

static double per_unit(double nats, double weight)
{
    return exp(-nats / weight);
}

static double bits(double nats, double weight)
{
    return -nats / (weight * M_LN2);
}

static double redrawn(void *user, const size_t *index)
{
    const struct documents *d = user;
    double nats = 0, weight = 0;

    for (size_t i = 0; i < d->n; i++) {
        nats += d->v[index[i]];
        weight += d->w[index[i]];
    }
    return d->of(nats, weight);
}

static int weighted(struct documents *d, struct estimate *out, struct err *e)
{
    double *replicates;
    int rc;

    out->value = d->of(sum(d->v, d->n), sum(d->w, d->n));
    if (d->n < 2)
        return 0;
    replicates = mem_alloc(REPLICATES * sizeof *replicates);
    if (!replicates)
        return err_nomem(e);
    rc = stats_bootstrap(replicates, REPLICATES, &d->n, 1, SEED, redrawn, d, e);
    if (rc == 0) {
        struct interval i = percentiles(replicates, REPLICATES);
        out->low = i.low;
        out->high = i.high;
    }
    mem_free(replicates);
    return rc;
}

static int weighted_perplexity(const double *v, const double *w, size_t n, int iterations,
                               struct estimate *out, struct err *e)
{
    struct documents d = {v, w, n, per_unit};

    (void)iterations;
    return weighted(&d, out, e);
}

static int bits_per_byte(const double *v, const double *w, size_t n, int iterations,
                         struct estimate *out, struct err *e)
{
    struct documents d = {v, w, n, bits};

    (void)iterations;
    return weighted(&d, out, e);
}

int aggregate(const char *aggregation, const double *v, const double *w, size_t n,
              int iterations, struct estimate *out, struct err *e)
{
    static const struct {
        const char *name;
        int (*f)(const double *v, const double *w, size_t n, int iterations,
                 struct estimate *out, struct err *e);
    } ways[] = {
        {"mean", mean},
        {"weighted_mean", weighted_mean},
        {"perplexity", perplexity},
        {"weighted_perplexity", weighted_perplexity},
        {"bits_per_byte", bits_per_byte},
        {"f1", f1},
        {"mcc", mcc},
        {"weighted_f1", weighted_f1},
        {"macro_f1", macro_f1},
        {"micro_f1", micro_f1},
        {"three_f1", three_f1},
        {"polarity_f1", polarity_f1},
        {"share_difference", share_difference},
    };
    const struct overlap *o = overlap_find(aggregation);

    *out = (struct estimate){NAN, NAN, NAN, NAN};
    if (o)
        return n ? overlap(o, v, w, n, iterations, out, e) : 0;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(ways[i].name, aggregation) == 0)
            return n ? ways[i].f(v, w, n, iterations, out, e) : 0;
    return err_set(e, ERR_UNSUPPORTED, "no aggregation is called '%s'", aggregation);
}

/* --- series ------------------------------------------------------------------------------- */

static struct series *series_of(struct series_set *set, const char *metric, const char *filter,
                                struct err *e)
{
    struct series *s;

    for (size_t i = 0; i < set->n; i++)
        if (strcmp(set->s[i].metric, metric) == 0 && strcmp(set->s[i].filter, filter) == 0)
            return &set->s[i];
    if (mem_grow(&set->s, &set->cap, set->n + 1, sizeof *set->s) < 0) {
        err_nomem(e);
        return NULL;
    }
    s = &set->s[set->n++];
    *s = (struct series){.metric = mem_strdup(metric), .filter = mem_strdup(filter)};
    if (s->metric && s->filter)
        return s;
    err_nomem(e);
    return NULL;
}

int series_add(struct series_set *set, const char *metric, const char *filter, double v,
               double w, struct err *e)
{
    struct series *s = series_of(set, metric, filter, e);

    if (!s)
        return -1;
    if (mem_grow(&s->v, &s->cap_v, s->n + 1, sizeof *s->v) < 0 ||
        mem_grow(&s->w, &s->cap_w, s->n + 1, sizeof *s->w) < 0)
        return err_nomem(e);
    s->v[s->n] = v;
    s->w[s->n++] = w;
    return 0;
}

void series_release(struct series_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        mem_free(set->s[i].metric);
        mem_free(set->s[i].filter);
        mem_free(set->s[i].v);
        mem_free(set->s[i].w);
    }
    mem_free(set->s);
    *set = (struct series_set){0};
}
