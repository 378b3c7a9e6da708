/* gate_times.c -- the checks that are ratios: latency, speed tests, memory, energy. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/gate_impl.h"
#include "harness/stats_rank.h"

/* Ratios: the interval widened by what two runs of one program differ anyway. */
static void widen(struct gate_check *c, struct interval i, double floor)
{
    c->floor = floor;
    c->low = i.low / (1 + floor);
    c->high = i.high * (1 + floor);
}

static void judge_ratio(struct gate_check *c, struct gate *g)
{
    if (isnan(c->low) || isnan(c->high)) {
        c->verdict = VERDICT_INCONCLUSIVE;
        c->reason = "too few measurements for an interval";
    } else if (c->low > 1 + c->margin) {
        c->verdict = VERDICT_FAIL;
        c->reason = gate_text(g, "%+.1f %%, at least %+.1f %%: beyond the limit of %+.1f %%",
                         100 * (c->estimate - 1), 100 * (c->low - 1), 100 * c->margin);
    } else if (c->high < 1 + c->margin) {
        c->verdict = VERDICT_PASS;
        c->reason = gate_text(g, "%+.1f %%, at most %+.1f %%: within the limit of %+.1f %%",
                         100 * (c->estimate - 1), 100 * (c->high - 1), 100 * c->margin);
    } else {
        c->verdict = VERDICT_INCONCLUSIVE;
        c->reason = gate_text(g, "%+.1f %%, between %+.1f %% and %+.1f %%: the limit of %+.1f %% "
                              "lies within", 100 * (c->estimate - 1), 100 * (c->low - 1),
                              100 * (c->high - 1), 100 * c->margin);
    }
}

/* What the environment says about times overrules what the numbers say. */
static void judge_timing(struct deciding *d, struct gate_check *c)
{
    struct gate *g = d->g;
    const struct env *env = &g->env;

    judge_ratio(c, g);
    if (env->worst >= ENV_FORBIDS_TIMING) {
        c->verdict = VERDICT_INVALID;
        c->reason = "the runs were measured in different environments (see there)";
    } else if (c->quantity == GATE_MEMORY) {
        return; /* a busy machine does not change what a process needs */
    } else if (env->invalid) {
        c->verdict = VERDICT_INVALID;
        c->reason = gate_text(g, "the machine swapped or was throttled (%s)",
                         env->reasons ? env->reasons : "");
    } else if (env->noisy && d->policy->noisy != NOISY_IGNORED) {
        c->verdict = d->policy->noisy == NOISY_INVALID ? VERDICT_INVALID : VERDICT_INCONCLUSIVE;
        c->reason = gate_text(g, "the machine was not quiet (%s)",
                              env->reasons ? env->reasons : "");
    }
}

/* How far a ratio must be off to show, and how many measurements would decide. */
static void plan_ratio(struct gate_check *c, struct interval i)
{
    double half = (log(i.high) - log(i.low)) / 2;

    c->mde = expm1(log1p(c->floor) + half);
    c->n_needed = ceil((double)c->n * pow(half / (log1p(c->margin) - log1p(c->floor)), 2));
}

static int check_latency(struct deciding *d, struct err *e)
{
    const struct gate_policy *p = d->policy;
    struct paired_ratio x;
    struct gate_check *c;

    if (paired_latency(d->all, d->pairs->n_tasks, d->conf, &x, e) < 0 ||
        !(c = gate_add(d->g, GATE_LATENCY, NULL, p->latency_margin, e)))
        return -1;
    c->n = c->n_clusters = x.n;
    c->a = x.a_s;
    c->b = x.b_s;
    c->estimate = x.ratio;
    c->conf = x.coverage;
    widen(c, x.coverage >= d->conf ? x.interval : (struct interval){NAN, NAN}, p->latency_floor);
    plan_ratio(c, x.interval);
    judge_timing(d, c);
    return 0;
}

/* --- speed tests ---------------------------------------------------------------------------- */

static int same_test(const struct store_bench *a, const struct store_bench *b)
{
    return strcmp(a->test, b->test) == 0 && a->depth == b->depth && a->batch == b->batch &&
           !a->rival == !b->rival && (!a->rival || strcmp(a->rival, b->rival) == 0);
}

static const struct store_bench *find_test(const struct bench_list *l,
                                           const struct store_bench *like)
{
    for (size_t i = 0; i < l->n; i++)
        if (same_test(&l->v[i], like))
            return &l->v[i];
    return NULL;
}

/* The median of a sample; the samples are the store's and stay in their order. */
static int median_of(const double *v, int n, double *out, struct err *e)
{
    double *sorted = mem_calloc((size_t)n + 1, sizeof *sorted);

    if (!sorted)
        return err_nomem(e);
    memcpy(sorted, v, (size_t)n * sizeof *v);
    stats_sort(sorted, (size_t)n);
    *out = stats_median(sorted, (size_t)n);
    mem_free(sorted);
    return 0;
}

static int check_speed(struct deciding *d, const struct store_bench *a,
                       const struct store_bench *b, struct err *e)
{
    struct gate_check *c = gate_add(d->g, GATE_LATENCY, NULL, d->policy->latency_margin, e);
    struct ratio r;

    if (!c || median_of(a->samples, a->n_samples, &c->a, e) < 0 ||
        median_of(b->samples, b->n_samples, &c->b, e) < 0 ||
        stats_ratio(a->samples, (size_t)a->n_samples, b->samples, (size_t)b->n_samples, d->conf,
                    &r, e) < 0)
        return -1;
    c->task = a->depth ? gate_text(d->g, "%s at depth %d", a->test, a->depth)
                       : gate_text(d->g, "%s", a->test);
    c->n = c->n_clusters = (size_t)(a->n_samples < b->n_samples ? a->n_samples : b->n_samples);
    c->estimate = r.ratio;
    c->conf = r.coverage;
    widen(c, (struct interval){r.low, r.high}, d->policy->latency_floor);
    plan_ratio(c, (struct interval){r.low, r.high});
    judge_timing(d, c);
    return 0;
}

/* A test that only one run has is an error that names it, as items are. */
const struct store_bench *gate_unmatched_test(const struct bench_list *a,
                                              const struct bench_list *b)
{
    for (size_t i = 0; i < a->n; i++)
        if (!find_test(b, &a->v[i]))
            return &a->v[i];
    return NULL;
}

static int check_speeds(struct deciding *d, struct err *e)
{
    const struct bench_list *a = d->in->a_bench, *b = d->in->b_bench;

    for (size_t i = 0; i < a->n; i++)
        if (!a->v[i].rival && check_speed(d, &a->v[i], find_test(b, &a->v[i]), e) < 0)
            return -1;
    return 0;
}

/* --- costs ---------------------------------------------------------------------------------- */

/* A cost of the whole run: the largest over its tasks and speed tests, or their sum; NAN when one
 * of them lacks it. */
static double run_cost(const struct task_list *l, const struct bench_list *bench,
                       const char *metric, int largest)
{
    double total = 0;

    for (size_t i = 0; i < l->n; i++) {
        double v = task_row_cost(&l->v[i], metric);
        total = isnan(v) || isnan(total) ? NAN : largest ? fmax(total, v) : total + v;
    }
    for (size_t i = 0; bench && i < bench->n; i++) {
        const struct store_value *found = bench_value(&bench->v[i], metric);
        double v = found ? found->value : NAN;
        total = isnan(v) || isnan(total) ? NAN : largest ? fmax(total, v) : total + v;
    }
    return total;
}

static int check_cost(struct deciding *d, enum gate_quantity q, const char *metric, int largest,
                      double margin, double floor, struct err *e)
{
    struct gate_check *c;

    if (isnan(margin))
        return 0;
    c = gate_add(d->g, q, NULL, margin, e);
    if (!c)
        return -1;
    c->a = run_cost(&d->pairs->a_tasks, d->in->a_bench, metric, largest);
    c->b = run_cost(&d->pairs->b_tasks, d->in->b_bench, metric, largest);
    c->n = c->n_clusters = 1;
    c->estimate = c->a > 0 ? c->b / c->a : NAN;
    widen(c, (struct interval){c->estimate, c->estimate}, floor);
    judge_timing(d, c);
    if (isnan(c->estimate) && c->verdict == VERDICT_INCONCLUSIVE)
        c->reason = "not measured in both runs";
    return 0;
}

int gate_check_times(struct deciding *d, struct err *e)
{
    const struct gate_policy *p = d->policy;
    int timed = !isnan(p->latency_margin);

    if ((timed && d->pairs->n_tasks && check_latency(d, e) < 0) ||
        (timed && d->in->a_bench && check_speeds(d, e) < 0) ||
        check_cost(d, GATE_MEMORY, "peak_rss_bytes", 1, p->memory_margin, p->memory_floor, e) < 0 ||
        check_cost(d, GATE_ENERGY, "energy_j", 0, p->energy_margin, p->energy_floor, e) < 0)
        return -1;
    return 0;
}
