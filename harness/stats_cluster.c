#include "harness/stats_cluster.h"

#include <math.h>

#include "base/mem.h"
#include "harness/stats_dist.h"

/* Sum and count of each cluster, ids as given; *n_clusters those that are not empty. */
struct tally {
    double sum;
    size_t n;
};

static struct tally *tally_clusters(const double *x, const size_t *cluster, size_t n,
                                    size_t *n_clusters, struct err *e)
{
    struct tally *t = mem_calloc(n ? n : 1, sizeof *t);

    *n_clusters = 0;
    if (!t) {
        err_nomem(e);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        struct tally *c = &t[cluster ? cluster[i] : i];
        *n_clusters += c->n++ == 0;
        c->sum += x[i];
    }
    return t;
}

int stats_clustered(const double *x, const size_t *cluster, size_t n, struct clustered *out,
                    struct err *e)
{
    size_t n_clusters;
    struct tally *t = tally_clusters(x, cluster, n, &n_clusters, e);
    double squares = 0, count = (double)n;

    if (!t)
        return -1;
    *out = (struct clustered){.n = n, .n_clusters = n_clusters, .mean = stats_mean(x, n)};
    for (size_t i = 0; i < n; i++) {
        double off = t[i].sum - (double)t[i].n * out->mean;
        squares += off * off;
    }
    mem_free(t);
    out->naive = stats_stderr(x, n);
    out->stderr_ = sqrt(squares) / count;
    out->corrected = n_clusters > 1 ? out->stderr_ * sqrt((double)n_clusters /
                                                          (double)(n_clusters - 1))
                                    : NAN;
    out->design_effect = out->naive > 0
                             ? out->corrected * out->corrected / (out->naive * out->naive)
                             : 1;
    return 0;
}

struct interval stats_clustered_interval(const struct clustered *c, double conf)
{
    double half = dist_t_quantile((1 + conf) / 2, (double)c->n_clusters - 1) * c->corrected;

    return (struct interval){c->mean - half, c->mean + half};
}

struct resampled {
    const struct tally *t;
    size_t n;
};

static double resampled_mean(void *user, const size_t *index)
{
    const struct resampled *r = user;
    double sum = 0;
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++) {
        sum += r->t[index[i]].sum;
        n += r->t[index[i]].n;
    }
    return sum / (double)n;
}

int stats_cluster_bootstrap(const double *x, const size_t *cluster, size_t n, double *replicates,
                            size_t n_replicates, uint64_t seed, struct err *e)
{
    size_t n_clusters, kept = 0;
    struct tally *t = tally_clusters(x, cluster, n, &n_clusters, e);
    struct resampled r = {t, n_clusters};
    int rc;

    if (!t)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (t[i].n)
            t[kept++] = t[i];
    rc = stats_bootstrap(replicates, n_replicates, &n_clusters, 1, seed, resampled_mean, &r, e);
    mem_free(t);
    return rc;
}

double stats_repeated_stderr(double items, double within, double k, double n)
{
    return sqrt((items + within / k) / n);
}

struct nested stats_nested(const double *x, size_t runs, size_t reps)
{
    double r = (double)runs, k = (double)reps;
    struct nested out = {.mean = stats_mean(x, runs * reps), .naive = stats_stderr(x, runs * reps)};

    for (size_t i = 0; i < runs; i++) {
        double mean = stats_mean(x + i * reps, reps), sd = stats_sd(x + i * reps, reps);
        out.ms_between += k * (mean - out.mean) * (mean - out.mean) / (r - 1);
        out.ms_within += sd * sd / r;
    }
    out.between = fmax(0, (out.ms_between - out.ms_within) / k);
    out.icc = out.between / (out.between + out.ms_within);
    out.stderr_ = sqrt(out.ms_between / (r * k));
    return out;
}
