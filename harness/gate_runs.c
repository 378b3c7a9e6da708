#include "harness/gate_runs.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/gate_impl.h"

static const char *const sides[] = {"baseline", "candidate"};

/* --- by name -------------------------------------------------------------------------------- */

static int is_there(const struct gate_runs *r, const char *run)
{
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < r->side[k].n; i++)
            if (strcmp(r->side[k].named[i].v->id, run) == 0)
                return 1;
    return 0;
}

static int find_one(struct gate_runs *r, int k, struct store *s, const char *name, struct err *e)
{
    struct gate_side *side = &r->side[k];
    struct run_list found;

    if (side->n == GATE_RUNS_MAX)
        return err_set(e, ERR_USAGE, "gate: at most %d runs of a side", GATE_RUNS_MAX);
    if (query_run(s, name, &found, e) < 0)
        return -1;
    /* One run against itself may be asked for; one run twice on a side counts no process twice. */
    for (size_t i = 0; i < side->n; i++)
        if (strcmp(side->named[i].v->id, found.v->id) == 0) {
            err_set(e, ERR_USAGE, "gate: run %s is named twice as %s", found.v->id, sides[k]);
            run_list_release(&found);
            return -1;
        }
    side->named[side->n++] = found;
    return 0;
}

static int find_side(struct gate_runs *r, int k, struct store *s, const char *names, struct err *e)
{
    char *copy = arena_strdup(&r->arena, names), *rest = NULL;

    if (!copy)
        return err_nomem(e);
    for (char *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
        if (find_one(r, k, s, name, e) < 0)
            return -1;
    return r->side[k].n ? 0 : err_set(e, ERR_USAGE, "gate: --%s names no run", sides[k]);
}

/* A process is of one program.  (One run against itself is a question of its own.) */
static int check_apart(const struct gate_runs *r, struct err *e)
{
    for (size_t i = 0; i < r->side[0].n; i++)
        for (size_t k = 0; k < r->side[1].n; k++)
            if (strcmp(r->side[0].named[i].v->id, r->side[1].named[k].v->id) == 0)
                return err_set(e, ERR_USAGE, "gate: run %s is named on both sides",
                               r->side[0].named[i].v->id);
    return 0;
}

int gate_runs_find(struct gate_runs *out, struct store *s, const char *baseline,
                   const char *candidate, struct err *e)
{
    *out = (struct gate_runs){0};
    if (find_side(out, 0, s, baseline, e) < 0 || find_side(out, 1, s, candidate, e) < 0) {
        gate_runs_release(out);
        return -1;
    }
    out->in.a = out->side[0].named[0].v;
    out->in.b = out->side[1].named[0].v;
    if (out->side[0].n + out->side[1].n > 2 && check_apart(out, e) < 0) {
        gate_runs_release(out);
        return -1;
    }
    return 0;
}

/* --- what a process measured ---------------------------------------------------------------- */

static int read_bench(struct gate_runs *r, struct store *s, struct gate_process *p, struct err *e)
{
    p->bench = arena_alloc(&r->arena, sizeof *p->bench);
    if (!p->bench)
        return err_nomem(e);
    if (query_bench(s, p->run->id, p->bench, e) < 0)
        return -1;
    bench_list_keep_whole(p->bench);
    return 0;
}

static int same_number(double x, double y)
{
    return x == y || (isnan(x) && isnan(y));
}

/* p has been joined with the baseline, whose pairs with the candidate have the same order. */
static int same_answers(const struct gate_runs *r, const struct gate_process *p,
                        const struct pairs *joined, struct err *e)
{
    const char *first = r->side[p->candidate].named[0].v->id;

    for (size_t t = 0; t < joined->n_tasks; t++)
        for (size_t i = 0; i < joined->tasks[t].n; i++) {
            const struct pair *q = &r->pairs.tasks[t].v[i];
            const struct pair_side *x = p->candidate ? &q->b : &q->a;
            const struct pair_side *y = &joined->tasks[t].v[i].b;
            if (!same_number(x->credit, y->credit) ||
                !same_number(x->nats_per_byte, y->nats_per_byte))
                return err_set(e, ERR_INVALID, "run %s does not repeat %s: %s, document %d was "
                               "answered differently", p->run->id, first, joined->tasks[t].task,
                               q->doc_id);
        }
    return 0;
}

static int read_latencies(struct gate_runs *r, struct store *s, struct gate_process *p,
                          const struct pair_metric *metrics, size_t n, struct err *e)
{
    struct pairs joined;
    double *v = arena_alloc(&r->arena, (r->pairs.n + 1) * sizeof *v);
    size_t k = 0;
    int rc;

    if (!v)
        return err_nomem(e);
    if (pairs_load(&joined, s, r->in.a->id, p->run->id, metrics, n, e) < 0)
        return -1;
    for (size_t t = 0; t < joined.n_tasks; t++)
        for (size_t i = 0; i < joined.tasks[t].n; i++)
            v[k++] = joined.tasks[t].v[i].b.latency_s;
    p->latency_s = v;
    rc = same_answers(r, p, &joined, e);
    pairs_release(&joined);
    p->tasks = arena_alloc(&r->arena, sizeof *p->tasks);
    if (rc < 0 || !p->tasks)
        return rc < 0 ? -1 : err_nomem(e);
    return query_tasks(s, p->run->id, p->tasks, e);
}

/* The first ones' numbers are in the pairs already. */
static int take_latencies(struct gate_runs *r, struct gate_process *p, struct err *e)
{
    double *v = arena_alloc(&r->arena, (r->pairs.n + 1) * sizeof *v);
    size_t k = 0;

    if (!v)
        return err_nomem(e);
    for (size_t t = 0; t < r->pairs.n_tasks; t++)
        for (size_t i = 0; i < r->pairs.tasks[t].n; i++) {
            const struct pair *q = &r->pairs.tasks[t].v[i];
            v[k++] = (p->candidate ? &q->b : &q->a)->latency_s;
        }
    p->latency_s = v;
    p->tasks = p->candidate ? &r->pairs.b_tasks : &r->pairs.a_tasks;
    return 0;
}

static int is_bench(const struct run_row *r)
{
    return strcmp(r->kind, "bench") == 0;
}

static int read_process(struct gate_runs *r, struct store *s, struct gate_process *p,
                        const struct pair_metric *metrics, size_t n, struct err *e)
{
    const struct store_bench *alone;

    if (!is_bench(p->run))
        return p->run == r->in.a || p->run == r->in.b ? take_latencies(r, p, e)
                                                      : read_latencies(r, s, p, metrics, n, e);
    if (read_bench(r, s, p, e) < 0)
        return -1;
    if (p->run == r->in.a || p->run == r->in.b)
        return 0;
    alone = gate_unmatched_test(r->processes[0].bench, p->bench);
    alone = alone ? alone : gate_unmatched_test(p->bench, r->processes[0].bench);
    return alone ? err_set(e, ERR_INVALID, "only one of runs %s and %s has the speed test %s "
                           "(depth %d, batch %d)", r->in.a->id, p->run->id, alone->test,
                           alone->depth, alone->batch)
                 : 0;
}

/* --- repeats -------------------------------------------------------------------------------- */

static int check_repeat(const struct run_row *first, const struct run_row *x, struct err *e)
{
    const struct gate_policy nothing_forbidden = {0};
    struct env env;

    if (run_complete(x, e) < 0 ||
        env_compare(&env, first, x, &nothing_forbidden, e) < 0)
        return -1;
    if (strcmp(first->kind, x->kind) != 0)
        err_set(e, ERR_INVALID, "run %s does not repeat %s: it is of kind %s", x->id, first->id,
                x->kind);
    else if (env.n)
        err_set(e, ERR_INVALID, "run %s does not repeat %s: %s differs (%.100s, %.100s)", x->id,
                first->id, env.v[0].key, env.v[0].a ? env.v[0].a : "unknown",
                env.v[0].b ? env.v[0].b : "unknown");
    else {
        env_release(&env);
        return 0;
    }
    env_release(&env);
    return -1;
}

static void release_process(struct gate_runs *r, const struct gate_process *p)
{
    if (p->bench)
        bench_list_release(p->bench);
    if (p->tasks && p->tasks != &r->pairs.a_tasks && p->tasks != &r->pairs.b_tasks)
        task_list_release(p->tasks);
}

static int add_process(struct gate_runs *r, struct store *s, struct gate_process p,
                       const struct pair_metric *metrics, size_t n, struct err *e)
{
    if (read_process(r, s, &p, metrics, n, e) < 0) {
        release_process(r, &p);
        return -1;
    }
    r->processes[r->n_processes++] = p;
    return 0;
}

static int add_named(struct gate_runs *r, struct store *s, const struct pair_metric *metrics,
                     size_t n, struct err *e)
{
    for (size_t i = 0; i < GATE_RUNS_MAX; i++) /* the first of each side first */
        for (int k = 0; k < 2; k++) {
            const struct gate_side *side = &r->side[k];
            struct gate_process p = {.candidate = k};
            if (i >= side->n)
                continue;
            p.run = side->named[i].v;
            if ((i && check_repeat(side->named[0].v, p.run, e) < 0) ||
                add_process(r, s, p, metrics, n, e) < 0)
                return -1;
        }
    return 0;
}

/* What of an earlier run cannot be joined tells no spread; that is no fault of these runs. */
static int add_earlier(struct gate_runs *r, struct store *s, int k,
                       const struct gate_policy *policy, const struct pair_metric *metrics,
                       size_t n, struct err *e)
{
    struct gate_side *side = &r->side[k];
    size_t most = GATE_EARLIER_ITEMS / (r->pairs.n + 1);
    struct err why = ERR_NONE;

    most = most > GATE_EARLIER_MAX     ? GATE_EARLIER_MAX
           : most < GATE_EARLIER_LEAST ? GATE_EARLIER_LEAST : most;
    if (query_repeats(s, side->named[0].v->id, (int)most, &side->earlier, e) < 0)
        return -1;
    for (size_t i = 0; i < side->earlier.n; i++) {
        const struct run_row *x = &side->earlier.v[i];
        int known = is_there(r, x->id), quiet = 1;
        for (size_t j = 0; j < r->n_processes; j++)
            known |= strcmp(r->processes[j].run->id, x->id) == 0;
        if (!known && policy->noisy != NOISY_IGNORED && env_quiet(x, &quiet, e) < 0)
            return -1;
        if (known || !quiet ||
            add_process(r, s, (struct gate_process){.run = x, .candidate = k, .earlier = 1},
                        metrics, n, &why) == 0)
            continue;
        if (why.code != ERR_INVALID) {
            if (e)
                *e = why;
            return -1;
        }
    }
    return 0;
}

/* --- all of it ------------------------------------------------------------------------------ */

static struct pair_metric *metrics_of(const struct gate_policy *p, size_t *n, struct err *e)
{
    struct pair_metric *m = mem_calloc(p->n_tasks + 1, sizeof *m);

    *n = 0;
    if (!m) {
        err_nomem(e);
        return NULL;
    }
    for (size_t i = 0; i < p->n_tasks; i++)
        if (p->tasks[i].metric)
            m[(*n)++] = (struct pair_metric){p->tasks[i].task, p->tasks[i].metric,
                                             p->tasks[i].filter};
    return m;
}

static int is_timed(const struct gate_policy *p)
{
    return !isnan(p->latency_margin) || !isnan(p->energy_margin);
}

int gate_runs_read(struct gate_runs *r, struct store *s, const struct gate_policy *policy,
                   struct err *e)
{
    const struct run_row *a = r->in.a, *b = r->in.b;
    struct pair_metric *metrics;
    size_t n;
    int rc = -1;

    if (run_complete(a, e) < 0 || run_complete(b, e) < 0)
        return -1;
    if (is_bench(a) != is_bench(b))
        return err_set(e, ERR_INVALID, "one of %s and %s measured speed, the other answers", a->id,
                       b->id);
    r->processes = arena_alloc(&r->arena, (r->side[0].n + r->side[1].n + 2 * GATE_EARLIER_MAX) *
                                              sizeof *r->processes);
    metrics = metrics_of(policy, &n, e);
    if (!r->processes) {
        err_nomem(e);
        goto out;
    }
    if (!metrics || (!is_bench(a) && pairs_load(&r->pairs, s, a->id, b->id, metrics, n, e) < 0) ||
        add_named(r, s, metrics, n, e) < 0)
        goto out;
    if (is_timed(policy) && (add_earlier(r, s, 0, policy, metrics, n, e) < 0 ||
                             add_earlier(r, s, 1, policy, metrics, n, e) < 0))
        goto out;
    r->in.pairs = is_bench(a) ? NULL : &r->pairs;
    r->in.processes = r->processes;
    r->in.n_processes = r->n_processes;
    rc = 0;
out:
    mem_free(metrics);
    return rc;
}

void gate_runs_release(struct gate_runs *r)
{
    for (size_t i = 0; i < r->n_processes; i++)
        release_process(r, &r->processes[i]);
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < r->side[k].n; i++)
            run_list_release(&r->side[k].named[i]);
        run_list_release(&r->side[k].earlier);
    }
    pairs_release(&r->pairs);
    arena_release(&r->arena);
    *r = (struct gate_runs){0};
}
