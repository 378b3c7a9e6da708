/* Agreement with scipy 1.17 and statsmodels 0.15 over 10,000 random tables of each method.
 *
 * The tables are drawn here from the same seeds as there (splitmix64, seed 1000 + method), so that
 * tests/golden/stats/agreement.txt keeps results only: of each column the first 200 in full, the
 * others as sums over 20 tables of (place in block) * f(v), where f is ln|v| ("l") or the signed
 * ln(|v| + 2) ("s", for what may be 0).  A relative error in any table shows in its block's sum.
 * The other side of each method: scipy.stats (binom, norm, t, beta, mannwhitneyu, ks_2samp,
 * kendalltau, theilslopes, ttest_ind), statsmodels (proportion_confint, multipletests, OLS with
 * clustered covariance), brentq for what is iterated, mpmath where scipy's incomplete beta
 * underflows, and plain numpy for change points. */
#include "tests/test.h"

#include "base/splitmix.h"
#include "harness/stats_cluster.h"
#include "harness/stats_dist.h"
#include "harness/stats_mean.h"
#include "harness/stats_multiple.h"
#include "harness/stats_paired.h"
#include "harness/stats_power.h"
#include "harness/stats_proportion.h"
#include "harness/stats_rank.h"
#include "harness/stats_series.h"
#include "harness/stats_tail.h"

enum { TABLES = 10000, FULL = 200, BLOCK = 20, COLUMNS = 4, VALUES_MAX = 64 };
#define GOLDEN "tests/golden/stats/agreement.txt"

static uint64_t rng;

static double below(uint64_t n)
{
    return (double)splitmix64_below(&rng, n);
}

static uint64_t power_of_ten(double e)
{
    uint64_t v = 1;

    while (e-- > 0)
        v *= 10;
    return v;
}

static struct discordant draw_table(void)
{
    uint64_t scale = power_of_ten(below(7));
    double lost = below(scale + 1), won = below(scale + 1);
    double n = lost + won + below(10 * scale + 1);

    return (struct discordant){lost, won, fmax(n, 1)};
}

static void mcnemar(double *out)
{
    struct discordant d = draw_table();
    struct mcnemar m = stats_mcnemar(d);

    out[0] = m.exact;
    out[1] = m.mid_p;
    out[2] = m.loss;
    out[3] = d.lost + d.won > 0 ? m.chi2_cc_p : 1;
}

static void tango(double *out)
{
    struct interval i = stats_tango(draw_table(), dist_normal_quantile(.975));

    out[0] = i.low;
    out[1] = i.high;
}

static void noninf(double *out)
{
    struct discordant d = draw_table();

    out[0] = stats_noninferiority(d, (1 + below(100)) / 1000).p;
}

static void proportion(double *out)
{
    uint64_t n = 1 + (uint64_t)below(power_of_ten(1 + below(6)));
    double choices[4] = {0, (double)n}, right;
    struct interval w, c;

    choices[2] = below(n + 1);
    choices[3] = below(n + 1);
    right = choices[(int)below(4)];
    w = stats_wilson(right, (double)n, STATS_Z95);
    c = stats_clopper_pearson(right, (double)n, .95);
    out[0] = w.low;
    out[1] = w.high;
    out[2] = c.low;
    out[3] = c.high;
}

static void clustered(double *out)
{
    size_t n = 4 + (size_t)below(40), drawn[VALUES_MAX], cluster[VALUES_MAX];
    uint64_t g = 2 + (uint64_t)below(10);
    double x[VALUES_MAX];
    struct clustered c;

    for (size_t i = 0; i < n; i++) {
        x[i] = below(2) != 0 ? below(3) - 1 : below(1000) / 1000;
        drawn[i] = i < 2 ? i : (size_t)below(g);
        for (cluster[i] = 0; drawn[cluster[i]] != drawn[i]; cluster[i]++)
            ;
    }
    assert_int_equal(stats_clustered(x, cluster, n, &c, NULL), 0);
    out[0] = fabs(c.mean) > 1e-12 ? c.mean : 0;
    out[1] = c.corrected > 1e-12 ? c.corrected : 0;
}

/* m + n different values in random order */
static void distinct(double *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] = (double)i;
    for (size_t i = n - 1; i > 0; i--) {
        size_t k = (size_t)below(i + 1);
        double swap = v[i];
        v[i] = v[k];
        v[k] = swap;
    }
    for (size_t i = 0; i < n; i++)
        v[i] = 100 + v[i] * 1.25;
}

static void mwu_exact(double *out)
{
    size_t m = 1 + (size_t)below(25), n = 1 + (size_t)below(25);
    double v[VALUES_MAX];
    struct mann_whitney r;

    distinct(v, m + n);
    assert_int_equal(stats_mann_whitney(v, m, v + m, n, &r, NULL), 0);
    assert_true(r.exact);
    out[0] = r.p;
    out[1] = r.p_greater;
}

static void tied(double *v, size_t *m, size_t *n)
{
    *m = 2 + (size_t)below(30);
    *n = 2 + (size_t)below(30);
    for (size_t i = 0; i < *m; i++)
        v[i] = below(12);
    for (size_t i = 0; i < *n; i++) {
        v[*m + i] = below(12);
        v[*m + i] += below(3);
    }
    v[0] = v[1] = 5;
    v[*m] = 6;
}

static void mwu_ties(double *out)
{
    double v[VALUES_MAX];
    size_t m, n;
    struct mann_whitney r;

    tied(v, &m, &n);
    assert_int_equal(stats_mann_whitney(v, m, v + m, n, &r, NULL), 0);
    out[0] = r.u;
    out[1] = r.p;
    out[2] = r.p_greater;
}

static void ratio(double *out)
{
    size_t m = 2 + (size_t)below(20), n = 2 + (size_t)below(20);
    double v[VALUES_MAX];
    struct ratio r;

    distinct(v, m + n);
    assert_int_equal(stats_ratio(v, m, v + m, n, .95, &r, NULL), 0);
    out[0] = r.ratio;
    out[1] = isnan(r.low) ? 0 : r.low;
    out[2] = isnan(r.high) ? 0 : r.high;
}

static void ks(double *out)
{
    double v[VALUES_MAX];
    size_t m, n;
    struct ks r;

    tied(v, &m, &n);
    assert_int_equal(stats_ks(v, m, v + m, n, &r, NULL), 0);
    out[0] = r.d;
    out[1] = r.p;
}

static void drift(double *out)
{
    size_t n = 3 + (size_t)below(30);
    double x[VALUES_MAX];
    struct drift d;

    if (below(2) != 0)
        distinct(x, n + 1);
    else
        for (size_t i = 0; i < n; i++)
            x[i] = below(9);
    assert_int_equal(stats_drift(x, n, &d, NULL), 0);
    out[0] = d.slope;
    out[1] = isnan(d.tau) ? 0 : d.tau;
    out[2] = d.p;
}

static void adjust(double *out)
{
    size_t n = 1 + (size_t)below(12), at;
    double p[12], q[12];

    for (size_t i = 0; i < n; i++) {
        p[i] = 1 + below(1000);
        p[i] /= (double)power_of_ten(3 + below(6));
    }
    at = (size_t)below(n);
    for (int how = CORRECT_HOLM; how <= CORRECT_BY; how++) {
        assert_int_equal(stats_adjust((enum correction)how, p, n, q, NULL), 0);
        out[how - CORRECT_HOLM] = q[at];
    }
}

static void means(double *out)
{
    size_t m = 2 + (size_t)below(20), n = 2 + (size_t)below(20);
    double a[VALUES_MAX], b[VALUES_MAX], p;
    struct interval i;

    for (size_t k = 0; k < m; k++)
        a[k] = below(10000) / 100;
    for (size_t k = 0; k < n; k++) {
        b[k] = below(10000) / 100;
        b[k] += below(40);
    }
    p = (500 + below(499)) / 1000 + .0005;
    i = stats_prediction((struct moments){0, stats_sd(a, m), (double)m}, p);
    out[0] = stats_welch(a, m, b, n).p;
    out[1] = stats_pooled_t((struct moments){stats_mean(a, m), stats_sd(a, m), (double)m},
                            (struct moments){stats_mean(b, n), stats_sd(b, n), (double)n}).p;
    out[2] = i.high;
}

static void quantiles(double *out)
{
    double p = (1 + below(999998)) / 1e6, df, a, b, x;

    p /= (double)power_of_ten(below(9));
    df = 1 + below(200) / 2;
    a = .5 + below(4000) / 2;
    b = .5 + below(400) / 2;
    x = (1 + below(999)) / 1000;
    out[0] = dist_normal_quantile(p);
    out[1] = dist_t_quantile(p, df);
    out[2] = dist_beta_quantile(p, a, b);
    out[3] = dist_beta(a, b, x, 1 - x);
}

static void power(double *out)
{
    double psi = (5 + below(400)) / 1000, delta = psi * (1 + below(99)) / 100;
    double alpha = (1 + below(100)) / 1000, chance = (50 + below(49)) / 100;
    double n = 10 + below(power_of_ten(2 + below(5)));

    out[0] = power_mcnemar_items(psi, delta, alpha, chance);
    out[1] = power_mcnemar_mde(psi, n, alpha, chance);
    out[2] = power_noninferiority_items(psi, delta, 0, alpha, chance);
}

static void tail(double *out)
{
    static const double percentiles[] = {.9, .95, .97, .99, .999};
    double p = percentiles[(int)below(5)], t = below(40);
    size_t n = 1 + (size_t)below(power_of_ten(1 + below(5)));

    out[0] = stats_tail_passing(t, p, .99);
    out[1] = (double)stats_tail_over(n, p, .99);
}

static void changes(double *out)
{
    size_t n = 8 + (size_t)below(24), found;
    struct change_opts o = {20, .001, .02};
    struct change c[VALUES_MAX];
    double x[VALUES_MAX], level = 100;

    for (size_t i = 0; i < n; i++) {
        double noise;
        if (below(10) == 0)
            level += below(21) - 10;
        noise = below(1000);
        noise += below(1000);
        x[i] = level + noise / 1000 * 1.37;
    }
    assert_int_equal(stats_changes(x, n, &o, c, &found, NULL), 0);
    out[0] = (double)found;
    out[1] = 0;
    for (size_t i = 0; i < found; i++)
        out[1] += (double)((i + 1) * c[i].at);
    out[2] = found ? c[0].p : 1;
}

static void boot(double *out)
{
    size_t n = 3 + (size_t)below(10);
    double x[VALUES_MAX], r[20];

    for (size_t i = 0; i < n; i++)
        x[i] = below(1000) / 1000;
    assert_int_equal(stats_cluster_bootstrap(x, NULL, n, r, 20, n * 1000 + (uint64_t)below(1000),
                                             NULL), 0);
    stats_sort(r, 20);
    out[0] = stats_percentile_linear(r, 20, .025);
    out[1] = stats_percentile_linear(r, 20, .975);
}

static void flip(double *out)
{
    size_t n = 2 + (size_t)below(10);
    double x[VALUES_MAX];

    for (size_t i = 0; i < n; i++)
        x[i] = (below(201) - 100) / 8;
    out[0] = stats_sign_flip(x, n, 50, (uint64_t)below(1000));
}

static void step(double *out)
{
    size_t n = 4 + (size_t)below(40);
    double x[VALUES_MAX];

    for (size_t i = 0; i < n; i++)
        x[i] = 1000 + below(50);
    assert_int_equal(stats_step_threshold(x, n, 0, &out[0], NULL), 0);
}

static const struct method {
    const char *name;
    void (*draw)(double *out);
    int columns;
    double tolerance; /* relative; a block's sum may be off by as much */
} methods[] = {
    {"mcnemar", mcnemar, 4, 1e-9},     {"tango", tango, 2, 1e-6},
    {"noninf", noninf, 1, 1e-9},       {"proportion", proportion, 4, 1e-9},
    {"clustered", clustered, 2, 1e-9}, {"mwu_exact", mwu_exact, 2, 1e-9},
    {"mwu_ties", mwu_ties, 3, 1e-9},   {"ratio", ratio, 3, 1e-9},
    {"ks", ks, 2, 1e-9},               {"drift", drift, 3, 1e-9},
    {"adjust", adjust, 3, 1e-9},       {"means", means, 3, 1e-9},
    {"quantiles", quantiles, 4, 1e-9}, {"power", power, 3, 1e-6},
    {"tail", tail, 2, 1e-9},          {"changes", changes, 3, 1e-9},
    {"boot", boot, 2, 1e-9},           {"flip", flip, 1, 1e-12},
    {"step", step, 1, 1e-9},
};

static double transform(char kind, double v)
{
    if (kind == 'l')
        return log(fmax(fabs(v), 1e-280));
    return v >= 0 ? log(fabs(v) + 2) : -log(fabs(v) + 2);
}

static double read_number(FILE *f)
{
    double v;

    if (fscanf(f, "%lf", &v) != 1)
        fail_msg("%s ends early", GOLDEN);
    return v;
}

/* How many numbers of a column disagree; the first is printed. */
static int check_column(FILE *f, const struct method *m, int column, const double *v)
{
    char name[32], kind;
    int number, bad = 0;

    if (fscanf(f, "%31s %d %c", name, &number, &kind) != 3)
        fail_msg("%s: no column %s %d", GOLDEN, m->name, column);
    assert_string_equal(name, m->name);
    assert_int_equal(number, column);
    for (int i = 0; i < FULL; i++) {
        double got = transform(kind, v[i * COLUMNS]), want = transform(kind, read_number(f));
        if (!(fabs(got - want) <= m->tolerance) && !bad++)
            print_message("          %s %d, table %d: %.17g, off by %g\n", name, column, i,
                          v[i * COLUMNS], got - want);
    }
    for (int from = FULL; from < TABLES; from += BLOCK) {
        double got = 0, want = read_number(f);
        for (int i = 0; i < BLOCK; i++)
            got += (i + 1) * transform(kind, v[(from + i) * COLUMNS]);
        if (!(fabs(got - want) <= m->tolerance) && !bad++)
            print_message("          %s %d, tables from %d: sum off by %g\n", name, column, from,
                          got - want);
    }
    return bad;
}

static void ten_thousand_tables_agree_with_scipy_and_statsmodels(void **state)
{
    double *v = malloc(sizeof *v * TABLES * COLUMNS);
    FILE *f = fopen(GOLDEN, "r");
    int bad = 0;

    (void)state;
    assert_non_null(v);
    assert_non_null(f);
    for (size_t k = 0; k < sizeof methods / sizeof methods[0]; k++) {
        rng = 1000 + k;
        for (int i = 0; i < TABLES; i++)
            methods[k].draw(v + i * COLUMNS);
        for (int c = 0; c < methods[k].columns; c++)
            bad += check_column(f, &methods[k], c, v + c);
    }
    fclose(f);
    free(v);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_tables_agree_with_scipy_and_statsmodels),
    };

    return RUN(tests);
}
