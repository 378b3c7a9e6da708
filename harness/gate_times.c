/* gate_times.c -- the checks that are ratios: latency, speed tests, memory, energy.
 *
 * A level is ln of what a process took, up to a constant that all processes of a check share; the
 * levels of both sides make the ratio (stats_process.h). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/gate_impl.h"
#include "harness/stats_rank.h"

static const char *what_would_decide(const struct gate_check *c, struct gate *g)
{
    if (!isfinite(c->n_needed))
        return "";
    return gate_text(g, "%s; about %.0f runs of each side that alternate would decide",
                     c->is_brief ? ", for nothing tells how far runs so brief differ" : "",
                     c->n_needed);
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
                              "lies within%s", 100 * (c->estimate - 1), 100 * (c->low - 1),
                              100 * (c->high - 1), 100 * c->margin, what_would_decide(c, g));
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

/* --- processes ------------------------------------------------------------------------------ */

static const struct gate_process *first_of(const struct gate_input *in, int candidate)
{
    for (size_t i = 0; i < in->n_processes; i++)
        if (in->processes[i].candidate == candidate && !in->processes[i].earlier)
            return &in->processes[i];
    return NULL;
}

static int by_age(const void *a, const void *b)
{
    const struct gate_process *x = *(const struct gate_process *const *)a;
    const struct gate_process *y = *(const struct gate_process *const *)b;

    return (x->run->row > y->run->row) - (x->run->row < y->run->row);
}

/* A B B A, A B A B, ...: in order of age the side changes as often as the smaller side has runs. */
static int find_alternation(struct deciding *d, struct err *e)
{
    const struct gate_input *in = d->in;
    size_t count[2] = {0}, changes = 0, fewer;

    d->by_age = arena_alloc(&d->g->arena, (in->n_processes + 1) * sizeof *d->by_age);
    if (!d->by_age)
        return err_nomem(e);
    for (size_t i = 0; i < in->n_processes; i++)
        if (!in->processes[i].earlier) {
            d->by_age[d->n_asked++] = &in->processes[i];
            count[in->processes[i].candidate != 0]++;
        }
    qsort(d->by_age, d->n_asked, sizeof *d->by_age, by_age);
    for (size_t i = 1; i < d->n_asked; i++)
        changes += d->by_age[i]->candidate != d->by_age[i - 1]->candidate;
    fewer = count[0] < count[1] ? count[0] : count[1];
    d->g->alternate = fewer > 1 && changes >= fewer;
    return 0;
}

/* Levels of neighbours in time, one of each side; none unless all are such. */
static int pair_levels(struct deciding *d, const double *levels, struct process_group *out,
                       struct err *e)
{
    double *v = arena_alloc(&d->g->arena, (d->n_asked / 2 + 1) * sizeof *v);

    *out = (struct process_group){v, 0};
    if (!v)
        return err_nomem(e);
    for (size_t i = 0; i + 1 < d->n_asked; i += 2) {
        double x = levels[d->by_age[i] - d->in->processes];
        double y = levels[d->by_age[i + 1] - d->in->processes];
        if (d->by_age[i]->candidate == d->by_age[i + 1]->candidate || !isfinite(x - y))
            break;
        v[out->n++] = d->by_age[i]->candidate ? x - y : y - x;
    }
    if (!d->g->alternate || 2 * out->n < d->n_asked)
        out->n = 0;
    return 0;
}

/* The known levels in c, and in groups by what they are good for; the arrays are the gate's. */
static int keep_levels(struct deciding *d, struct gate_check *c, const double *levels,
                       struct process_group groups[PROCESS_GROUPS], struct err *e)
{
    const struct gate_input *in = d->in;
    struct gate_level *kept = arena_alloc(&d->g->arena, (in->n_processes + 1) * sizeof *kept);
    double *v = arena_alloc(&d->g->arena, (in->n_processes + 1) * sizeof *v);

    if (!kept || !v)
        return err_nomem(e);
    for (int g = 0; g < PROCESS_DIFFERENCES; g++) {
        groups[g] = (struct process_group){v, 0};
        for (size_t i = 0; i < in->n_processes; i++) {
            const struct gate_process *p = &in->processes[i];
            if (!isfinite(levels[i]) || g != 2 * (p->earlier != 0) + (p->candidate != 0))
                continue;
            kept[c->n_levels++] = (struct gate_level){p, levels[i]};
            *v++ = levels[i];
            groups[g].n++;
        }
    }
    c->levels = kept;
    return pair_levels(d, levels, &groups[PROCESS_DIFFERENCES], e);
}

/* An interval reaches at least as far as the floor on both sides. */
static void reach(struct gate_check *c, double floor)
{
    c->low = fmin(c->low, c->estimate / (1 + floor));
    c->high = fmax(c->high, c->estimate * (1 + floor));
}

/* What only one process of each side says: the interval within it (of items, of samples) around
 * its ratio, widened. */
static void widen(struct gate_check *c, double low, double high, double floor)
{
    c->floor = floor;
    c->low = low / (1 + floor);
    c->high = high * (1 + floor);
}

/* A floor is the 95th percentile of |ln r| of two processes. */
static double spread_behind(double floor)
{
    return log1p(floor) / (sqrt(2) * STATS_Z95);
}

/* The ratio of the levels, one of each process of the input (NAN: unknown), with its interval.
 * within: of the first of each side.  seconds: what the briefest process measured. */
static int compare_levels(struct deciding *d, struct gate_check *c, const double *levels,
                          const struct ratio *within, double seconds, double floor, struct err *e)
{
    const struct gate_policy *p = d->policy;
    struct process_group groups[PROCESS_GROUPS];
    struct process_ratio r;

    if (keep_levels(d, c, levels, groups, e) < 0 || process_ratio(groups, d->conf, &r, e) < 0)
        return -1;
    c->estimate = r.ratio;
    c->method = r.method;
    c->spread = r.sd;
    c->spread_df = r.df;
    c->conf = d->conf;
    if (r.method != PROCESS_UNKNOWN) {
        c->floor = d->g->alternate ? 0 : floor;
        c->low = r.low;
        c->high = r.high;
        reach(c, c->floor);
    } else {
        c->is_brief = seconds < p->brief_s;
        widen(c, r.ratio * within->low / within->ratio, r.ratio * within->high / within->ratio,
              c->is_brief ? fmax(floor, p->brief_floor) : floor);
    }
    c->mde = expm1((log(c->high) - log(c->low)) / 2);
    c->n_needed = process_needed(r.method == PROCESS_UNKNOWN ? spread_behind(floor) : r.sd,
                                 c->margin, d->alpha, p->power);
    judge_timing(d, c);
    return 0;
}

/* --- evaluations ---------------------------------------------------------------------------- */

/* n: pairs of an evaluation. */
static double measured_seconds(const struct gate_process *p, size_t n)
{
    double sum = 0;

    for (size_t i = 0; p->latency_s && i < n; i++)
        sum += p->latency_s[i] > 0 ? p->latency_s[i] : 0;
    for (size_t i = 0; p->bench && i < p->bench->n; i++)
        for (int k = 0; k < p->bench->v[i].n_samples; k++)
            sum += p->bench->v[i].samples[k];
    return sum;
}

/* Item i against all processes that were asked for: the mean of their logarithms; NAN unless all
 * know it, so that each level is over the same items. */
static double reference(const struct gate_input *in, size_t i)
{
    double sum = 0;
    size_t n = 0;

    for (size_t k = 0; k < in->n_processes; k++)
        if (!in->processes[k].earlier) {
            double v = in->processes[k].latency_s[i];
            sum += v > 0 ? log(v) : NAN;
            n++;
        }
    return sum / (double)n;
}

/* The median over items of ln (latency / reference); scratch has room for 2 n. */
static void item_levels(const struct gate_input *in, size_t n, double *levels, double *scratch)
{
    double *ref = scratch + n;

    for (size_t i = 0; i < n; i++)
        ref[i] = reference(in, i);
    for (size_t k = 0; k < in->n_processes; k++) {
        size_t m = 0;
        for (size_t i = 0; i < n; i++) {
            double v = in->processes[k].latency_s[i];
            if (v > 0 && isfinite(ref[i]))
                scratch[m++] = log(v) - ref[i];
        }
        stats_sort(scratch, m);
        levels[k] = stats_median(scratch, m);
    }
}

static double briefest(const struct deciding *d)
{
    double least = INFINITY;

    for (size_t k = 0; k < d->in->n_processes; k++)
        if (!d->in->processes[k].earlier)
            least = fmin(least, measured_seconds(&d->in->processes[k], d->pairs->n));
    return least;
}

static int check_latency(struct deciding *d, struct err *e)
{
    const struct gate_policy *p = d->policy;
    size_t n = d->pairs->n;
    double *levels = mem_calloc(d->in->n_processes + 2 * n + 1, sizeof *levels);
    struct paired_ratio x;
    struct ratio within;
    struct gate_check *c = NULL;
    int rc = -1;

    if (!levels) {
        err_nomem(e);
        goto out;
    }
    if (paired_latency(d->all, d->pairs->n_tasks, d->conf, &x, e) < 0 ||
        !(c = gate_add(d->g, GATE_LATENCY, NULL, p->latency_margin, e)))
        goto out;
    c->n = c->n_clusters = x.n;
    c->a = x.a_s;
    c->b = x.b_s;
    within = (struct ratio){x.ratio, x.interval.low, x.interval.high, x.coverage};
    if (x.coverage < d->conf)
        within.low = within.high = NAN;
    item_levels(d->in, n, levels, levels + d->in->n_processes);
    rc = compare_levels(d, c, levels, &within, briefest(d), p->latency_floor, e);
out:
    mem_free(levels);
    return rc;
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

/* levels: of each process; *seconds: what the briefest that was asked for measured. */
static int speed_levels(const struct gate_input *in, const struct store_bench *test,
                        double *levels, double *seconds, struct err *e)
{
    *seconds = INFINITY;
    for (size_t i = 0; i < in->n_processes; i++) {
        const struct store_bench *b = find_test(in->processes[i].bench, test);
        double sum = 0;
        if (median_of(b->samples, b->n_samples, &levels[i], e) < 0)
            return -1;
        levels[i] = log(levels[i]);
        for (int k = 0; k < b->n_samples; k++)
            sum += b->samples[k];
        if (!in->processes[i].earlier)
            *seconds = fmin(*seconds, sum);
    }
    return 0;
}

static int check_speed(struct deciding *d, const struct store_bench *a,
                       const struct store_bench *b, struct err *e)
{
    struct gate_check *c = gate_add(d->g, GATE_LATENCY, NULL, d->policy->latency_margin, e);
    double *levels = mem_calloc(d->in->n_processes + 1, sizeof *levels), seconds;
    struct ratio within;
    int rc = -1;

    if (!levels)
        err_nomem(e);
    if (!c || !levels || median_of(a->samples, a->n_samples, &c->a, e) < 0 ||
        median_of(b->samples, b->n_samples, &c->b, e) < 0 ||
        stats_ratio(a->samples, (size_t)a->n_samples, b->samples, (size_t)b->n_samples, d->conf,
                    &within, e) < 0 || speed_levels(d->in, a, levels, &seconds, e) < 0)
        goto out;
    c->task = a->depth ? gate_text(d->g, "%s at depth %d", a->test, a->depth)
                       : gate_text(d->g, "%s", a->test);
    c->n = c->n_clusters = (size_t)(a->n_samples < b->n_samples ? a->n_samples : b->n_samples);
    rc = compare_levels(d, c, levels, &within, seconds, d->policy->latency_floor, e);
out:
    mem_free(levels);
    return rc;
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
    const struct bench_list *a = first_of(d->in, 0)->bench, *b = first_of(d->in, 1)->bench;

    for (size_t i = 0; i < a->n; i++)
        if (!a->v[i].rival && check_speed(d, &a->v[i], find_test(b, &a->v[i]), e) < 0)
            return -1;
    return 0;
}

/* --- costs ---------------------------------------------------------------------------------- */

/* A cost of the whole run: the largest over its tasks and speed tests, or their sum; NAN when one
 * of them lacks it. */
static double run_cost(const struct gate_process *p, const char *metric, int largest)
{
    double total = 0;

    for (size_t i = 0; p->tasks && i < p->tasks->n; i++) {
        double v = task_row_cost(&p->tasks->v[i], metric);
        total = isnan(v) || isnan(total) ? NAN : largest ? fmax(total, v) : total + v;
    }
    for (size_t i = 0; p->bench && i < p->bench->n; i++) {
        const struct store_value *found = bench_value(&p->bench->v[i], metric);
        double v = found ? found->value : NAN;
        total = isnan(v) || isnan(total) ? NAN : largest ? fmax(total, v) : total + v;
    }
    return total;
}

/* The median over a side's runs that were asked for; scratch has room for all. */
static double side_cost(const struct gate_input *in, int candidate, const char *metric,
                        double *scratch)
{
    size_t n = 0;

    for (size_t i = 0; i < in->n_processes; i++)
        if (in->processes[i].candidate == candidate && !in->processes[i].earlier)
            scratch[n++] = run_cost(&in->processes[i], metric, 1);
    stats_sort(scratch, n);
    return n && isnan(scratch[n - 1]) ? NAN : stats_median(scratch, n);
}

static int check_memory(struct deciding *d, struct err *e)
{
    struct gate_check *c = gate_add(d->g, GATE_MEMORY, NULL, d->policy->memory_margin, e);
    double *scratch = mem_calloc(d->in->n_processes + 1, sizeof *scratch);

    if (!c || !scratch) {
        mem_free(scratch);
        return err_nomem(e);
    }
    c->a = side_cost(d->in, 0, "peak_rss_bytes", scratch);
    c->b = side_cost(d->in, 1, "peak_rss_bytes", scratch);
    mem_free(scratch);
    c->n = c->n_clusters = 1;
    c->estimate = c->a > 0 ? c->b / c->a : NAN;
    widen(c, c->estimate, c->estimate, d->policy->memory_floor);
    judge_timing(d, c);
    if (isnan(c->estimate) && c->verdict == VERDICT_INCONCLUSIVE)
        c->reason = "not measured in both runs";
    return 0;
}

static int check_energy(struct deciding *d, struct err *e)
{
    struct gate_check *c = gate_add(d->g, GATE_ENERGY, NULL, d->policy->energy_margin, e);
    double *levels = mem_calloc(d->in->n_processes + 1, sizeof *levels);
    const struct ratio point = {1, 1, 1, 1};
    int rc = -1;

    if (!levels)
        err_nomem(e);
    if (!c || !levels)
        goto out;
    c->a = run_cost(first_of(d->in, 0), "energy_j", 0);
    c->b = run_cost(first_of(d->in, 1), "energy_j", 0);
    c->n = c->n_clusters = 1;
    for (size_t i = 0; i < d->in->n_processes; i++)
        levels[i] = log(run_cost(&d->in->processes[i], "energy_j", 0));
    rc = compare_levels(d, c, levels, &point, briefest(d), d->policy->energy_floor,
                        e);
    if (isnan(c->estimate) && c->verdict == VERDICT_INCONCLUSIVE)
        c->reason = "not measured in both runs";
out:
    mem_free(levels);
    return rc;
}

int gate_check_times(struct deciding *d, struct err *e)
{
    const struct gate_policy *p = d->policy;
    int timed = !isnan(p->latency_margin);

    if (find_alternation(d, e) < 0 || (timed && d->pairs->n_tasks && check_latency(d, e) < 0) ||
        (timed && !d->in->pairs && check_speeds(d, e) < 0) ||
        (!isnan(p->memory_margin) && check_memory(d, e) < 0) ||
        (!isnan(p->energy_margin) && check_energy(d, e) < 0))
        return -1;
    return 0;
}
