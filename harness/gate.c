#include "harness/gate_impl.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "harness/groups.h"
#include "harness/stats_dist.h"
#include "harness/stats_power.h"

static const struct {
    const char *name, *unit;
} quantities[] = {
    [GATE_ACCURACY] = {"accuracy", "share"},    [GATE_LIKELIHOOD] = {"likelihood", "nats/byte"},
    [GATE_LATENCY] = {"latency", "ratio"},      [GATE_MEMORY] = {"memory", "ratio"},
    [GATE_ENERGY] = {"energy", "ratio"},
};

static const struct {
    const char *name;
    int status;
} verdicts[] = {
    [VERDICT_PASS] = {"PASS", 0},
    [VERDICT_INCONCLUSIVE] = {"INCONCLUSIVE", 2},
    [VERDICT_INVALID] = {"INVALID", 3},
    [VERDICT_FAIL] = {"FAIL", 1},
};

const char *verdict_name(enum verdict v)
{
    return verdicts[v].name;
}

int verdict_status(enum verdict v)
{
    return verdicts[v].status;
}

const char *gate_quantity_name(enum gate_quantity q)
{
    return quantities[q].name;
}

const char *gate_quantity_unit(enum gate_quantity q)
{
    return quantities[q].unit;
}

enum verdict gate_rule(const struct gate_numbers *x)
{
    if (x->low > -x->margin)
        return VERDICT_PASS;
    if (x->high < -x->margin)
        return VERDICT_FAIL;
    if (x->p_adjusted <= x->alpha && -x->estimate >= x->practical)
        return VERDICT_FAIL;
    return VERDICT_INCONCLUSIVE;
}

/* --- building ------------------------------------------------------------------------------ */

const char *gate_text(struct gate *g, const char *fmt, ...)
{
    char line[480];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    return arena_strdup(&g->arena, line);
}

struct gate_check *gate_add(struct gate *g, enum gate_quantity q, const char *task, double margin,
                            struct err *e)
{
    struct gate_check *c;

    if (mem_grow(&g->checks, &g->cap_checks, g->n_checks + 1, sizeof *g->checks) < 0) {
        err_nomem(e);
        return NULL;
    }
    c = &g->checks[g->n_checks++];
    *c = (struct gate_check){
        .quantity = q, .task = task, .a = NAN, .b = NAN, .estimate = NAN, .low = NAN, .high = NAN,
        .conf = NAN, .margin = margin, .practical = NAN, .floor = NAN, .lost = NAN, .won = NAN,
        .p_exact = NAN, .design_effect = NAN, .p_loss = NAN, .p_adjusted = NAN, .p_margin = NAN,
        .mde = NAN, .n_needed = NAN, .spread = NAN, .spread_df = NAN};
    return c;
}

/* Without any discordant item the score interval still reaches z^2 / (n + z^2): neither plan may
 * promise more than that. */
static double items_for_equal(const struct paired_credit *c, double margin, double alpha,
                              double power)
{
    double psi = (c->lost + c->won) / (double)c->n, z = dist_normal_quantile(1 - alpha);
    double least = z * z * (1 / margin - 1);

    return ceil(c->design_effect *
                fmax(least, power_noninferiority_items(psi, margin, 0, alpha, power)));
}

static double smallest_loss(const struct paired_credit *c, double alpha, double power)
{
    double psi = (c->lost + c->won) / (double)c->n, z = dist_normal_quantile(1 - alpha);

    return fmax(z * z / (c->effective.n + z * z),
                power_noninferiority_margin(psi, c->effective.n, alpha, power));
}

static int check_accuracy(struct deciding *d, const struct pair_task *const *tasks, size_t n,
                          const char *task, double margin, double practical, struct err *e)
{
    struct gate_check *c;
    struct paired_credit x;

    if (isnan(margin))
        return 0;
    if (paired_credit(tasks, n, d->conf, &x, e) < 0)
        return -1;
    if (x.n + x.alone == 0)
        return 0; /* nothing that could be right or wrong */
    c = gate_add(d->g, GATE_ACCURACY, task, margin, e);
    if (!c)
        return -1;
    c->metric = task ? tasks[0]->metric : NULL;
    c->filter = task ? tasks[0]->filter : NULL;
    c->n = x.n;
    c->alone = x.alone;
    c->n_clusters = x.n_clusters;
    c->a = x.a;
    c->b = x.b;
    c->estimate = x.difference;
    c->low = x.interval.low;
    c->high = x.interval.high;
    c->conf = d->conf;
    c->practical = practical;
    c->lost = x.lost;
    c->won = x.won;
    c->p_exact = x.p_exact;
    c->design_effect = x.design_effect;
    /* Too few discordant items to reach alpha whatever they say are no test (Tarone). */
    if (!x.binary || stats_mcnemar_smallest_p(x.effective.lost + x.effective.won) / 4 <= d->alpha)
        c->p_loss = x.p_loss;
    c->p_margin = paired_credit_noninferiority(&x, margin);
    if (x.binary) {
        c->mde = smallest_loss(&x, d->alpha, d->policy->power);
        c->n_needed = items_for_equal(&x, margin, d->alpha, d->policy->power);
    } else {
        c->mde = d->z * x.stderr_;
        c->n_needed = ceil((double)x.n * pow(c->mde / margin, 2));
    }
    return 0;
}

static int check_likelihood(struct deciding *d, const struct pair_task *const *tasks, size_t n,
                            const char *task, double margin, struct err *e)
{
    struct gate_check *c;
    struct paired_mean x;

    if (isnan(margin))
        return 0;
    if (paired_nats(tasks, n, d->conf, &x, e) < 0)
        return -1;
    if (x.n + x.alone == 0)
        return 0; /* generated answers have no likelihood */
    c = gate_add(d->g, GATE_LIKELIHOOD, task, margin, e);
    if (!c)
        return -1;
    c->n = x.n;
    c->alone = x.alone;
    c->n_clusters = x.n_clusters;
    c->a = x.a;
    c->b = x.b;
    c->estimate = x.difference;
    c->low = x.interval.low;
    c->high = x.interval.high;
    c->conf = d->conf;
    c->practical = d->policy->nats_practical;
    c->p_loss = x.p_loss;
    if (x.stderr_ > 0)
        c->p_margin = dist_t_sf((x.difference + margin) / x.stderr_, (double)x.n_clusters - 1);
    c->mde = d->z * x.stderr_;
    c->n_needed = ceil((double)x.n * pow(c->mde / margin, 2));
    return 0;
}

/* --- judging differences ------------------------------------------------------------------- */

static int adjust(struct deciding *d, struct err *e)
{
    struct gate *g = d->g;
    double *p = mem_calloc(g->n_checks + 1, sizeof *p);
    int rc;

    if (!p)
        return err_nomem(e);
    for (size_t i = 0; i < g->n_checks; i++)
        p[i] = g->checks[i].p_loss;
    rc = stats_adjust((enum correction)d->policy->correction, p, g->n_checks, p, e);
    for (size_t i = 0; i < g->n_checks; i++)
        g->checks[i].p_adjusted = p[i];
    mem_free(p);
    return rc;
}

/* How a difference is written: points for shares, nats per byte otherwise. */
static void write_difference(char *out, size_t size, enum gate_quantity q, double v, int sign)
{
    if (q == GATE_ACCURACY)
        snprintf(out, size, sign ? "%+.2f points" : "%.2f points", 100 * v);
    else
        snprintf(out, size, sign ? "%+.4f nats/byte" : "%.4f nats/byte", v);
}

static void explain(struct gate *g, struct gate_check *c)
{
    char at[40], end[40], margin[40], mde[40];
    int pass = c->verdict == VERDICT_PASS;

    write_difference(at, sizeof at, c->quantity, c->estimate, 1);
    write_difference(margin, sizeof margin, c->quantity, c->margin, 0);
    write_difference(mde, sizeof mde, c->quantity, c->mde, 0);
    write_difference(end, sizeof end, c->quantity, pass ? c->low : c->high, 1);
    if (pass)
        c->reason = gate_text(g, "%s, at worst %s: within the margin of %s", at, end, margin);
    else if (c->verdict == VERDICT_FAIL && c->high < -c->margin)
        c->reason = gate_text(g, "%s, at best %s: beyond the margin of %s", at, end, margin);
    else if (c->verdict == VERDICT_FAIL)
        c->reason = gate_text(g, "%s, a loss that is no chance (p %.2g after correction)", at,
                         c->p_adjusted);
    else
        c->reason = gate_text(g, "%s: %zu items show no loss below %s; about %.0f would decide", at,
                         c->n, mde, c->n_needed);
}

/* Of a few items a score interval promises too much: there only the test of the counts is heard. */
static int plainly_lost(const struct deciding *d, const struct gate_check *c)
{
    return c->verdict == VERDICT_FAIL &&
           (c->quantity != GATE_ACCURACY || c->p_adjusted <= d->alpha);
}

static void judge_difference(struct deciding *d, struct gate_check *c)
{
    struct gate_numbers x = {c->estimate, c->low, c->high, c->margin, c->practical,
                             c->p_adjusted, d->alpha};
    char mde[40];

    if (c->alone) { /* a broken candidate may have none where the baseline has numbers */
        c->verdict = VERDICT_INVALID;
        c->reason = gate_text(d->g, "%zu item%s in only one of the runs a number, %zu in both",
                              c->alone, c->alone == 1 ? " has" : "s have", c->n);
        return;
    }
    if (isnan(c->low) || isnan(c->high)) {
        c->verdict = VERDICT_INCONCLUSIVE;
        c->reason = "too few independent items for an interval";
        return;
    }
    c->verdict = gate_rule(&x);
    if (c->n < (size_t)d->policy->minimum_items && !plainly_lost(d, c)) {
        c->verdict = VERDICT_INCONCLUSIVE;
        c->n_needed = fmax(c->n_needed, d->policy->minimum_items);
        write_difference(mde, sizeof mde, c->quantity, c->mde, 0);
        c->reason = gate_text(d->g, "%zu items, the policy asks for %d; they show no loss below "
                              "%s; about %.0f would decide", c->n, d->policy->minimum_items, mde,
                              c->n_needed);
        return;
    }
    explain(d->g, c);
}

static int check_tasks(struct deciding *d, struct err *e)
{
    const struct gate_policy *p = d->policy;

    for (size_t i = 0; i < d->pairs->n_tasks; i++) {
        const struct pair_task *t = &d->pairs->tasks[i];
        const struct gate_task_rule *own = gate_policy_task(p, t->task);
        double margin = own && !isnan(own->margin) ? own->margin : p->task_margin;
        double practical = own && !isnan(own->practical) ? own->practical : p->accuracy_practical;
        if (check_accuracy(d, &t, 1, t->task, margin, practical, e) < 0 ||
            check_likelihood(d, &t, 1, t->task, p->task_nats_margin, e) < 0)
            return -1;
    }
    return 0;
}

/* Of the groups those that the policy has rules for: all questions of their tasks together. */
static int check_groups(struct deciding *d, struct err *e)
{
    const struct gate_policy *p = d->policy;
    const struct pair_task **some = NULL;
    struct group_scores groups = {0};
    int rc = groups_score(&groups, d->in->a->settings, &d->pairs->a_tasks, e);

    if (rc == 0 && !(some = mem_calloc(d->pairs->n_tasks + 1, sizeof *some)))
        rc = err_nomem(e);
    for (size_t i = 0; i < groups.n && rc == 0; i++) {
        const struct gate_task_rule *own = gate_policy_task(p, groups.v[i].name);
        size_t n = pairs_of_group(d->pairs, &groups.v[i], some);
        if (own && n)
            rc = check_accuracy(d, some, n, own->task,
                                isnan(own->margin) ? p->task_margin : own->margin,
                                isnan(own->practical) ? p->accuracy_practical : own->practical, e);
    }
    mem_free(some);
    groups_release(&groups);
    return rc;
}

static int check_differences(struct deciding *d, struct err *e)
{
    const struct gate_policy *p = d->policy;
    size_t n = d->pairs->n_tasks;

    if (n == 0)
        return 0;
    if (check_accuracy(d, d->all, n, NULL, p->accuracy_margin, p->accuracy_practical, e) < 0 ||
        check_likelihood(d, d->all, n, NULL, p->nats_margin, e) < 0 || check_tasks(d, e) < 0 ||
        check_groups(d, e) < 0 ||
        adjust(d, e) < 0)
        return -1;
    for (size_t i = 0; i < d->g->n_checks; i++)
        judge_difference(d, &d->g->checks[i]);
    return 0;
}

/* --- the whole ------------------------------------------------------------------------------ */

static int complete(struct gate *g, const struct run_row *r)
{
    struct err why = ERR_NONE;

    if (run_complete(r, &why) == 0)
        return 1;
    g->reason = gate_text(g, "%s", why.text);
    return 0;
}

static const struct env_difference *forbidden(const struct env *env)
{
    for (size_t i = 0; i < env->n; i++)
        if (env->v[i].effect == ENV_FORBIDS)
            return &env->v[i];
    return NULL;
}

static void conclude(struct gate *g)
{
    const struct gate_check *first = NULL;
    size_t alike = 0;

    g->verdict = g->n_checks ? VERDICT_PASS : VERDICT_INVALID;
    for (size_t i = 0; i < g->n_checks; i++)
        if (g->checks[i].verdict > g->verdict)
            g->verdict = g->checks[i].verdict;
    for (size_t i = 0; i < g->n_checks; i++)
        if (g->checks[i].verdict == g->verdict) {
            first = first ? first : &g->checks[i];
            alike++;
        }
    if (!first)
        g->reason = "nothing that the policy asks about was measured";
    else if (g->verdict == VERDICT_PASS)
        g->reason = gate_text(g, "all %zu checks are within their margins", g->n_checks);
    else
        g->reason = gate_text(g, "%s%s%s: %s%s", quantities[first->quantity].name,
                         first->task ? " of " : "", first->task ? first->task : "",
                         first->reason ? first->reason : "", alike > 1 ? " (and more)" : "");
}

static int no_memory(const struct gate *g)
{
    for (size_t i = 0; i < g->n_checks; i++)
        if (!g->checks[i].reason)
            return 1;
    return !g->reason;
}

/* Repeats have the environment of the first run of their side, but a noise of their own. */
static int compare_environments(struct deciding *d, struct err *e)
{
    static const char *const names[] = {"a run of the baseline", "a run of the candidate"};
    const struct gate_input *in = d->in;

    if (env_compare(&d->g->env, in->a, in->b, d->policy, e) < 0)
        return -1;
    for (size_t i = 0; i < in->n_processes; i++) {
        const struct gate_process *p = &in->processes[i];
        if (!p->earlier && p->run != in->a && p->run != in->b &&
            env_add_noise(&d->g->env, names[p->candidate], p->run, e) < 0)
            return -1;
    }
    return 0;
}

static int prepare(struct deciding *d, struct err *e)
{
    const struct gate_policy *p = d->policy;
    size_t n = d->pairs->n_tasks;

    d->alpha = gate_policy_alpha(p);
    d->conf = 1 - 2 * d->alpha;
    d->z = dist_normal_quantile(1 - d->alpha) + dist_normal_quantile(p->power);
    d->all = arena_alloc(&d->g->arena, (n + 1) * sizeof *d->all);
    if (!d->all)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        d->all[i] = &d->pairs->tasks[i];
    return compare_environments(d, e);
}

/* 1: the runs may be compared; else the gate says why not. */
static int comparable(struct gate *g, const struct gate_input *in)
{
    const struct env_difference *no = forbidden(&g->env);

    if (no)
        g->reason = gate_text(g, "%s differs: %.120s in the baseline, %.120s in the candidate",
                         no->key, no->a ? no->a : "unknown", no->b ? no->b : "unknown");
    return !no && complete(g, in->a) && complete(g, in->b);
}

int gate_decide(struct gate *out, const struct gate_input *in, const struct gate_policy *policy,
                int look, struct err *e)
{
    static const struct pairs none;
    struct deciding d = {.g = out, .in = in, .pairs = in->pairs ? in->pairs : &none,
                         .policy = policy};
    int rc = -1;

    *out = (struct gate){.look = look, .verdict = VERDICT_INVALID};
    if (prepare(&d, e) < 0)
        goto out;
    if (comparable(out, in)) {
        if (check_differences(&d, e) < 0 || gate_check_times(&d, e) < 0)
            goto out;
        conclude(out);
    }
    rc = no_memory(out) ? err_nomem(e) : 0;
out:
    if (rc < 0)
        gate_release(out);
    return rc;
}

void gate_release(struct gate *g)
{
    mem_free(g->checks);
    env_release(&g->env);
    arena_release(&g->arena);
    *g = (struct gate){0};
}
