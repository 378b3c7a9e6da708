/* knowledge.c -- the fit and the totals of knowledge.h.
 *
 * The features of a candidate are (l, -m, n), averaged over the phrasings; z is linear in them, so
 * averaging features and averaging z are the same thing.  The objective is strictly convex in
 * w = (alpha, alpha beta, gamma) because of the ridge, so damped Newton steps in three dimensions
 * find the one minimum; when it lies at alpha < 0 the constrained minimum lies on alpha = 0. */
#include "harness/knowledge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/splitmix.h"

#define DIM 3
#define RIDGE 0.001 /* twice the 0.0005 of the definition: the objective has half of it */
#define NEWTON_STEPS 200

struct sample { /* one item, ready for the fit */
    const struct knowledge_item *item;
    double *x; /* [c * DIM + d] */
    int fold;
};

static double softmax_loss(const double *z, int k)
{
    double top = z[0], sum = 0;

    for (int c = 1; c < k; c++)
        top = fmax(top, z[c]);
    for (int c = 0; c < k; c++)
        sum += exp(z[c] - top);
    return log(sum) - (z[0] - top); /* -ln q of candidate 0 */
}

static double dot(const double *w, const double *x)
{
    return w[0] * x[0] + w[1] * x[1] + w[2] * x[2];
}

/* z into the caller's scratch, which has room for the largest K. */
static double sample_loss(const struct sample *s, const double *w, double *z)
{
    for (int c = 0; c < s->item->k; c++)
        z[c] = dot(w, s->x + c * DIM);
    return softmax_loss(z, s->item->k);
}

static double objective(const struct sample *s, int n, int held_out, const double *w, double *z)
{
    double sum = 0;
    int used = 0;

    for (int i = 0; i < n; i++) {
        if (s[i].fold == held_out)
            continue;
        sum += sample_loss(&s[i], w, z);
        used++;
    }
    return (used ? sum / used : 0) + 0.5 * RIDGE * dot(w, w);
}

/* Adds one item's gradient and Hessian of -ln q_0: the mean of the features under q minus the
 * right one's, and their covariance under q. */
static void add_derivatives(const struct sample *s, const double *w, double *z, double g[DIM],
                            double h[DIM][DIM])
{
    int k = s->item->k;
    double top = -INFINITY, sum = 0, mean[DIM] = {0};

    for (int c = 0; c < k; c++) {
        z[c] = dot(w, s->x + c * DIM);
        top = fmax(top, z[c]);
    }
    for (int c = 0; c < k; c++)
        sum += z[c] = exp(z[c] - top);
    for (int c = 0; c < k; c++)
        for (int a = 0; a < DIM; a++)
            mean[a] += z[c] / sum * s->x[c * DIM + a];
    for (int a = 0; a < DIM; a++)
        g[a] += mean[a] - s->x[a];
    for (int c = 0; c < k; c++)
        for (int a = 0; a < DIM; a++)
            for (int b = 0; b < DIM; b++)
                h[a][b] += z[c] / sum * (s->x[c * DIM + a] - mean[a]) *
                           (s->x[c * DIM + b] - mean[b]);
}

/* h * step = g by elimination on the coordinates first..DIM-1; h is positive definite (ridge). */
static void solve(double h[DIM][DIM], const double g[DIM], int first, double step[DIM])
{
    memcpy(step, g, DIM * sizeof *step);
    for (int a = first; a < DIM; a++) {
        for (int b = a + 1; b < DIM; b++) {
            double f = h[b][a] / h[a][a];
            for (int c = a; c < DIM; c++)
                h[b][c] -= f * h[a][c];
            step[b] -= f * step[a];
        }
    }
    for (int a = DIM - 1; a >= first; a--) {
        for (int b = a + 1; b < DIM; b++)
            step[a] -= h[a][b] * step[b];
        step[a] /= h[a][a];
    }
    for (int a = 0; a < first; a++)
        step[a] = 0;
}

/* Minimises over w[first..]; the coordinates before stay as they are. */
static void newton(const struct sample *s, int n, int held_out, int first, double w[DIM], double *z)
{
    double now = objective(s, n, held_out, w, z);

    for (int it = 0; it < NEWTON_STEPS; it++) {
        double g[DIM] = {0}, h[DIM][DIM] = {{0}}, step[DIM], decrement = 0, t = 1;
        int used = 0;

        for (int i = 0; i < n; i++) {
            if (s[i].fold == held_out)
                continue;
            add_derivatives(&s[i], w, z, g, h);
            used++;
        }
        for (int a = 0; a < DIM; a++) {
            g[a] = (used ? g[a] / used : 0) + RIDGE * w[a];
            for (int b = 0; b < DIM; b++)
                h[a][b] = (used ? h[a][b] / used : 0) + (a == b ? RIDGE : 0);
        }
        solve(h, g, first, step);
        for (int a = first; a < DIM; a++)
            decrement += g[a] * step[a];
        /* Below this the objective no longer resolves the step; take it whole and stop. */
        int last = decrement < 1e-13;
        for (;; t *= 0.5) {
            double next[DIM], value;
            for (int a = 0; a < DIM; a++)
                next[a] = w[a] - t * step[a];
            value = objective(s, n, held_out, next, z);
            if (last || value <= now - 0.25 * t * decrement || t < 1e-10) {
                memcpy(w, next, sizeof next);
                now = value;
                break;
            }
        }
        if (last)
            return;
    }
}

static struct knowledge_weights fit(const struct sample *s, int n, int held_out, double *z)
{
    double w[DIM] = {1, 0, 0};

    newton(s, n, held_out, 0, w, z);
    if (w[0] < 0) {
        w[0] = w[1] = w[2] = 0;
        newton(s, n, held_out, 1, w, z);
    }
    return (struct knowledge_weights){w[0], w[1], w[2]};
}

static int check_item(const struct knowledge_item *it, int n_templates, struct err *e)
{
    if (it->k < 2)
        return err_set(e, ERR_INVALID, "%s of %s (%s): %d candidates, at least 2 are needed",
                       it->relation, it->subject, it->language, it->k);
    for (int i = 0; i < it->k * n_templates; i++)
        if (!isfinite(it->l[i]) || !isfinite(it->m[i]))
            return err_set(e, ERR_NUMERIC,
                           "%s of %s (%s): the log-likelihood of candidate %d, phrasing %d, is %g",
                           it->relation, it->subject, it->language, i % it->k + 1, i / it->k + 1,
                           isfinite(it->l[i]) ? it->m[i] : it->l[i]);
    for (int c = 0; c < it->k; c++)
        if (!isfinite(it->n[c]))
            return err_set(e, ERR_NUMERIC, "%s of %s (%s): candidate %d has %g bytes", it->relation,
                           it->subject, it->language, c + 1, it->n[c]);
    return 0;
}

static void set_features(struct sample *s, int n_templates)
{
    const struct knowledge_item *it = s->item;

    for (int c = 0; c < it->k; c++) {
        double l = 0, m = 0;
        for (int t = 0; t < n_templates; t++) {
            l += it->l[t * it->k + c];
            m += it->m[t * it->k + c];
        }
        s->x[c * DIM] = l / n_templates;
        s->x[c * DIM + 1] = -m / n_templates;
        s->x[c * DIM + 2] = it->n[c];
    }
}

static int by_language_subject(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    int c = strcmp(x->item->language, y->item->language);

    if (c == 0)
        c = strcmp(x->item->subject, y->item->subject);
    if (c == 0) /* the caller's order: qsort is not stable */
        c = (x->item > y->item) - (x->item < y->item);
    return c;
}

/* Fold by rank of the subject; s is sorted and of one language. */
static void set_folds(struct sample *s, int n)
{
    int rank = 0;

    for (int i = 0; i < n; i++) {
        if (i && strcmp(s[i].item->subject, s[i - 1].item->subject) != 0)
            rank++;
        s[i].fold = rank % KNOWLEDGE_FOLDS;
    }
}

static double item_bits(const double *z, int k)
{
    return log2(k) - softmax_loss(z, k) / M_LN2;
}

static void score(struct knowledge *out, const struct sample *s, size_t index,
                  const struct knowledge_weights *w, double *z)
{
    const struct knowledge_item *it = s->item;
    double v[DIM] = {w->alpha, w->alpha_beta, w->gamma};

    for (int c = 0; c < it->k; c++)
        z[c] = dot(v, s->x + c * DIM);
    out->bits[index] = item_bits(z, it->k);
    for (int t = 0; t < out->n_templates; t++) {
        for (int c = 0; c < it->k; c++)
            z[c] = w->alpha * it->l[t * it->k + c] - w->alpha_beta * it->m[t * it->k + c] +
                   w->gamma * it->n[c];
        out->template_bits[(size_t)t * out->n_items + index] = item_bits(z, it->k);
    }
}

/* s: sorted samples; one group per language. */
static void fit_languages(struct knowledge *out, struct sample *s,
                          const struct knowledge_item *items, double *z)
{
    for (int from = 0, to; from < out->n_items; from = to) {
        struct knowledge_fit *f = &out->fits[out->n_fits++];

        f->language = s[from].item->language;
        for (to = from; to < out->n_items && !strcmp(s[to].item->language, f->language);)
            to++;
        set_folds(s + from, to - from);
        for (int fold = 0; fold < KNOWLEDGE_FOLDS; fold++)
            f->fold[fold] = fit(s + from, to - from, fold, z);
        for (int i = from; i < to; i++)
            score(out, &s[i], (size_t)(s[i].item - items), &f->fold[s[i].fold], z);
    }
}

static struct knowledge *knowledge_new(int n_items, int n_templates)
{
    struct knowledge *k = mem_calloc(1, sizeof *k);

    if (!k)
        return NULL;
    k->n_items = n_items;
    k->n_templates = n_templates;
    k->bits = mem_calloc((size_t)n_items + 1, sizeof *k->bits);
    k->template_bits = mem_calloc((size_t)n_items * n_templates + 1, sizeof *k->template_bits);
    k->fits = mem_calloc((size_t)n_items + 1, sizeof *k->fits);
    if (!k->bits || !k->template_bits || !k->fits) {
        knowledge_free(k);
        return NULL;
    }
    return k;
}

int knowledge_compute(struct knowledge **out, const struct knowledge_item *items, int n_items,
                      int n_templates, struct err *e)
{
    struct knowledge *k = NULL;
    struct sample *s = NULL;
    double *x = NULL, *z = NULL;
    size_t candidates = 0, used = 0;
    int largest = 0, rc = -1;

    for (int i = 0; i < n_items; i++) {
        if (check_item(&items[i], n_templates, e) < 0)
            return -1;
        candidates += (size_t)items[i].k;
        largest = items[i].k > largest ? items[i].k : largest;
    }
    k = knowledge_new(n_items, n_templates);
    s = mem_calloc((size_t)n_items + 1, sizeof *s);
    x = mem_calloc(candidates * DIM + 1, sizeof *x);
    z = mem_calloc((size_t)largest + 1, sizeof *z);
    if (!k || !s || !x || !z) {
        err_nomem(e);
        goto out;
    }
    for (int i = 0; i < n_items; i++) {
        s[i] = (struct sample){&items[i], x + used * DIM, 0};
        used += (size_t)items[i].k;
        set_features(&s[i], n_templates);
    }
    qsort(s, (size_t)n_items, sizeof *s, by_language_subject);
    fit_languages(k, s, items, z);
    *out = k;
    k = NULL;
    rc = 0;
out:
    knowledge_free(k);
    mem_free(s);
    mem_free(x);
    mem_free(z);
    return rc;
}

void knowledge_free(struct knowledge *k)
{
    if (!k)
        return;
    mem_free(k->bits);
    mem_free(k->template_bits);
    mem_free(k->fits);
    mem_free(k);
}

struct cluster { /* one subject of one relation */
    const char *relation, *subject;
    double bits, maximum;
    const char *stratum; /* what it is resampled within */
};

static int by_relation_subject(const void *a, const void *b)
{
    const struct cluster *x = a, *y = b;
    int c = strcmp(x->relation, y->relation);

    return c ? c : strcmp(x->subject, y->subject);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Type 7: linear between the order statistics. */
static double quantile(const double *sorted, int n, double p)
{
    double at = p * (n - 1);
    int i = (int)at;

    return i + 1 < n ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

/* Merges equal neighbours of a sorted array, adding up in its order; returns how many remain. */
static int merge(struct cluster *c, int n)
{
    int kept = 0;

    for (int i = 0; i < n; i++) {
        if (kept && by_relation_subject(&c[kept - 1], &c[i]) == 0) {
            c[kept - 1].bits += c[i].bits;
            c[kept - 1].maximum += c[i].maximum;
        } else {
            c[kept++] = c[i];
        }
    }
    return kept;
}

static int by_stratum(const void *a, const void *b)
{
    const struct cluster *x = a, *y = b;
    int c = strcmp(x->stratum, y->stratum);

    return c ? c : by_relation_subject(a, b);
}

/* The stratum is the relation; a relation of one subject would never vary, so those share one. */
static void make_strata(struct cluster *c, int n)
{
    for (int from = 0, to; from < n; from = to) {
        for (to = from; to < n && !strcmp(c[to].relation, c[from].relation);)
            to++;
        for (int i = from; i < to; i++)
            c[i].stratum = to - from > 1 ? c[i].relation : "";
    }
    qsort(c, (size_t)n, sizeof *c, by_stratum);
}

static double replicate(const struct cluster *c, int n, uint64_t *rng)
{
    double bits = 0, maximum = 0;

    for (int from = 0, to; from < n; from = to) {
        for (to = from; to < n && !strcmp(c[to].stratum, c[from].stratum);)
            to++;
        for (int i = from; i < to; i++) {
            const struct cluster *drawn = c + from + splitmix64_below(rng, (uint64_t)(to - from));
            bits += drawn->bits;
            maximum += drawn->maximum;
        }
    }
    return bits / maximum;
}

static double spread(const struct knowledge *k, const unsigned char *use)
{
    double mean = 0, squares = 0;

    for (int t = 0; t < k->n_templates; t++) { /* Welford: totals are large beside their spread */
        const double *bits = k->template_bits + (size_t)t * k->n_items;
        double total = 0, delta;
        for (int i = 0; i < k->n_items; i++)
            total += !use || use[i] ? bits[i] : 0;
        delta = total - mean;
        mean += delta / (t + 1);
        squares += delta * (total - mean);
    }
    return k->n_templates > 1 ? sqrt(squares / (k->n_templates - 1)) : 0;
}

int knowledge_total(struct knowledge_total *out, const struct knowledge *k,
                    const struct knowledge_item *items, const unsigned char *use, uint64_t seed,
                    int replicates, struct err *e)
{
    struct cluster *c = mem_calloc((size_t)k->n_items + 1, sizeof *c);
    double *shares = mem_calloc((size_t)replicates + 1, sizeof *shares);
    struct knowledge_total r = {0};
    int n = 0, rc = -1;

    if (!c || !shares) {
        err_nomem(e);
        goto out;
    }
    for (int i = 0; i < k->n_items; i++)
        if (!use || use[i])
            c[n++] = (struct cluster){items[i].relation, items[i].subject, k->bits[i],
                                      log2(items[i].k), NULL};
    r.n_items = n;
    for (int i = 0; i < n; i++) {
        r.bits += c[i].bits;
        r.maximum += c[i].maximum;
    }
    if (n) {
        r.mean = r.bits / n;
        r.share = r.bits / r.maximum;
        r.template_spread = spread(k, use);
    }
    qsort(c, (size_t)n, sizeof *c, by_relation_subject);
    r.n_subjects = merge(c, n);
    r.low = r.high = NAN;
    make_strata(c, r.n_subjects);
    for (int i = 0; r.n_subjects > 1 && i < replicates; i++)
        shares[i] = replicate(c, r.n_subjects, &seed);
    if (r.n_subjects > 1 && replicates > 0) {
        qsort(shares, (size_t)replicates, sizeof *shares, by_value);
        r.low = r.maximum * quantile(shares, replicates, 0.025);
        r.high = r.maximum * quantile(shares, replicates, 0.975);
    }
    *out = r;
    rc = 0;
out:
    mem_free(c);
    mem_free(shares);
    return rc;
}
