/* paired.c -- what the pairs of pairs.h amount to: differences with errors. */
#include <math.h>

#include "base/mem.h"
#include "harness/pairs.h"
#include "harness/stats_cluster.h"
#include "harness/stats_dist.h"
#include "harness/stats_rank.h"

/* One number per pair, and which pairs belong together. */
struct column {
    double *v;
    size_t *cluster;
    size_t n, alone; /* alone: pairs where only one side has the number */
    int clustered;
    double sum_a, sum_b;
};

static size_t count_pairs(const struct pair_task *const *tasks, size_t n_tasks)
{
    size_t n = 0;

    for (size_t t = 0; t < n_tasks; t++)
        n += tasks[t]->n;
    return n;
}

/* b - a of a number of each side; pairs where one is unknown are no pairs of this number.  Clusters
 * are named by the place of their first pair, counted over all tasks. */
static int column_fill(struct column *c, const struct pair_task *const *tasks, size_t n_tasks,
                       double (*of)(const struct pair_side *), struct err *e)
{
    size_t total = count_pairs(tasks, n_tasks), base = 0;
    size_t *place = mem_calloc(total + 1, sizeof *place); /* of a cluster's first known pair */

    *c = (struct column){.v = mem_calloc(total + 1, sizeof *c->v),
                         .cluster = mem_calloc(total + 1, sizeof *c->cluster)};
    if (!place || !c->v || !c->cluster) {
        mem_free(place);
        return err_nomem(e);
    }
    for (size_t t = 0; t < n_tasks; t++) {
        for (size_t i = 0; i < tasks[t]->n; i++) {
            const struct pair *p = &tasks[t]->v[i];
            double a = of(&p->a), b = of(&p->b);
            size_t *first = &place[base + p->first];
            c->alone += !isnan(a) != !isnan(b);
            if (isnan(a) || isnan(b))
                continue;
            c->clustered |= *first != 0;
            *first = *first ? *first : c->n + 1;
            c->cluster[c->n] = *first - 1;
            c->v[c->n++] = b - a;
            c->sum_a += a;
            c->sum_b += b;
        }
        base += tasks[t]->n;
    }
    mem_free(place);
    return 0;
}

static void column_release(struct column *c)
{
    mem_free(c->v);
    mem_free(c->cluster);
}

static double credit_of(const struct pair_side *s)
{
    return s->credit;
}

static double nats_of(const struct pair_side *s)
{
    return s->nats_per_byte;
}

/* --- credits ------------------------------------------------------------------------------- */

static void count_credit(struct paired_credit *out, const struct column *c,
                         const struct pair_task *const *tasks, size_t n_tasks)
{
    out->binary = 1;
    for (size_t t = 0; t < n_tasks; t++)
        for (size_t i = 0; i < tasks[t]->n; i++) {
            double a = tasks[t]->v[i].a.credit, b = tasks[t]->v[i].b.credit;
            if (!isnan(a) && !isnan(b))
                out->binary &= (a == 0 || a == 1) && (b == 0 || b == 1);
        }
    for (size_t i = 0; i < c->n; i++) {
        out->lost += c->v[i] < 0;
        out->won += c->v[i] > 0;
    }
}

static double design_effect(const struct paired_credit *out, const struct clustered *k,
                            int clustered)
{
    if (!clustered)
        return 1;
    if (out->lost + out->won == 0)
        return (double)out->n / (double)out->n_clusters;
    return isnan(k->design_effect) ? NAN : fmax(1, k->design_effect);
}

int paired_credit(const struct pair_task *const *tasks, size_t n_tasks, double conf,
                  struct paired_credit *out, struct err *e)
{
    struct column c;
    struct clustered k;
    double n;
    int rc = -1;

    *out = (struct paired_credit){0};
    if (column_fill(&c, tasks, n_tasks, credit_of, e) < 0 ||
        stats_clustered(c.v, c.cluster, c.n, &k, e) < 0)
        goto out;
    n = (double)c.n;
    out->n = c.n;
    out->alone = c.alone;
    out->n_clusters = k.n_clusters;
    count_credit(out, &c, tasks, n_tasks);
    out->a = c.sum_a / n;
    out->b = c.sum_b / n;
    out->difference = k.mean;
    out->stderr_ = k.corrected;
    out->naive = k.naive;
    out->design_effect = design_effect(out, &k, c.clustered);
    out->effective = (struct discordant){out->lost / out->design_effect,
                                         out->won / out->design_effect, n / out->design_effect};
    out->interval = paired_credit_interval(out, conf);
    out->p_exact = NAN;
    if (out->binary) {
        struct mcnemar m = stats_mcnemar(out->effective);
        out->p_loss = m.loss_mid_p;
        out->p_exact = m.exact;
    } else {
        out->p_loss = paired_credit_noninferiority(out, 0);
        out->p_loss = 1 - out->p_loss;
    }
    rc = 0;
out:
    column_release(&c);
    return rc;
}

/* The quantile that a one-sided tail needs: Student's with clusters, whose number is the sample. */
static double critical(const struct paired_credit *c, double p)
{
    if (c->binary && c->n_clusters == c->n)
        return dist_normal_quantile(p);
    return dist_t_quantile(p, (double)c->n_clusters - 1);
}

struct interval paired_credit_interval(const struct paired_credit *c, double conf)
{
    double z = critical(c, (1 + conf) / 2);

    if (c->binary)
        return stats_tango(c->effective, z);
    return (struct interval){c->difference - z * c->stderr_, c->difference + z * c->stderr_};
}

double paired_credit_noninferiority(const struct paired_credit *c, double margin)
{
    double score;

    if (c->binary) {
        score = stats_tango_z(c->effective, -margin);
        if (c->n_clusters == c->n)
            return dist_normal_sf(score);
    } else if (c->stderr_ > 0) {
        score = (c->difference + margin) / c->stderr_;
    } else {
        score = c->difference + margin > 0 ? INFINITY : -INFINITY;
    }
    return dist_t_sf(score, (double)c->n_clusters - 1);
}

/* --- likelihoods --------------------------------------------------------------------------- */

int paired_nats(const struct pair_task *const *tasks, size_t n_tasks, double conf,
                struct paired_mean *out, struct err *e)
{
    struct column c;
    struct clustered k;
    int rc = -1;

    *out = (struct paired_mean){0};
    if (column_fill(&c, tasks, n_tasks, nats_of, e) < 0 ||
        stats_clustered(c.v, c.cluster, c.n, &k, e) < 0)
        goto out;
    *out = (struct paired_mean){.n = c.n, .n_clusters = k.n_clusters, .alone = c.alone,
                                .a = c.sum_a / (double)c.n, .b = c.sum_b / (double)c.n,
                                .difference = k.mean, .stderr_ = k.corrected};
    out->interval = paired_mean_interval(out, conf);
    if (k.corrected > 0)
        out->p_loss = dist_t_sf(-k.mean / k.corrected, (double)k.n_clusters - 1);
    else
        out->p_loss = k.mean < 0 ? 0 : k.mean >= 0 ? 1 : NAN;
    rc = 0;
out:
    column_release(&c);
    return rc;
}

struct interval paired_mean_interval(const struct paired_mean *m, double conf)
{
    double half = dist_t_quantile((1 + conf) / 2, (double)m->n_clusters - 1) * m->stderr_;

    return (struct interval){m->difference - half, m->difference + half};
}

/* --- latency ------------------------------------------------------------------------------- */

int paired_latency(const struct pair_task *const *tasks, size_t n_tasks, double conf,
                   struct paired_ratio *out, struct err *e)
{
    size_t total = count_pairs(tasks, n_tasks), n = 0;
    double *v = mem_calloc(3 * total + 1, sizeof *v), *a, *b;
    struct interval i;

    *out = (struct paired_ratio){0};
    if (!v)
        return err_nomem(e);
    a = v + total;
    b = a + total;
    for (size_t t = 0; t < n_tasks; t++)
        for (size_t k = 0; k < tasks[t]->n; k++) {
            double x = tasks[t]->v[k].a.latency_s, y = tasks[t]->v[k].b.latency_s;
            if (!(x > 0 && y > 0))
                continue;
            a[n] = x;
            b[n] = y;
            v[n++] = log(y) - log(x);
        }
    stats_sort(v, n);
    stats_sort(a, n);
    stats_sort(b, n);
    i = stats_median_interval(v, n, conf, &out->coverage);
    out->n = n;
    out->a_s = stats_median(a, n);
    out->b_s = stats_median(b, n);
    out->ratio = exp(stats_median(v, n));
    out->interval = (struct interval){exp(i.low), exp(i.high)};
    mem_free(v);
    return 0;
}
