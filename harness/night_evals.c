/* night_evals.c -- evaluations of a night against the baseline, item by item (statistics.md 2). */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/night_impl.h"
#include "harness/pairs.h"
#include "harness/stats_power.h"
#include "results/query.h"

#define CONF 0.90       /* both sides: 5 % at the lower end, as for non-inferiority */
#define MDE_ALPHA 0.05
#define MDE_POWER 0.80
static struct comparison *begin(struct judge *j, const struct cell_row *cell, const char *task,
                                const char *baseline, const char *quantity)
{
    struct comparison *c = judge_comparison(j);

    if (!c)
        return NULL;
    c->series = cell->spec.series;
    c->what = judge_text(j, "%s", task);
    c->quantity = quantity;
    c->baseline = judge_text(j, "%s", baseline);
    c->candidate = cell->run;
    if (!c->what || !c->baseline) {
        err_nomem(j->e);
        return NULL;
    }
    return c;
}

/* Every credit and every likelihood is bit for bit what it was: then nothing was sampled, and
 * nothing needs to be inferred. */
static int is_identical(const struct pair_task *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct pair_side *a = &t->v[i].a, *b = &t->v[i].b;
        if ((a->credit != b->credit && !(isnan(a->credit) && isnan(b->credit))) ||
            (a->nats_per_byte != b->nats_per_byte &&
             !(isnan(a->nats_per_byte) && isnan(b->nats_per_byte))))
            return 0;
    }
    return t->n > 0;
}

/* Items that only one of the two runs has a number for are in no comparison. */
static int tell_alone(struct judge *j, const struct cell_row *cell, const struct pair_task *t,
                      size_t alone, const char *number, const char *baseline)
{
    if (!alone)
        return 0;
    return judge_find(j, FINDING_INVALID, 0, "%s, %s: %zu item%s a %s in only one of this run and "
                      "%s", cell->spec.series, t->task, alone, alone == 1 ? " has" : "s have",
                      number, baseline);
}

static int compare_credit(struct judge *j, const struct cell_row *cell, const struct pair_task *t,
                          const char *baseline)
{
    double margin = j->plan->thresholds.accuracy, psi;
    struct paired_credit r;
    struct comparison *c;

    if (!t->metric)
        return 0;
    if (paired_credit(&t, 1, CONF, &r, j->e) < 0 ||
        tell_alone(j, cell, t, r.alone, "credit", baseline) < 0)
        return -1;
    if (r.n == 0)
        return 0;
    c = begin(j, cell, t->task, baseline, "accuracy");
    if (!c)
        return -1;
    c->n = (int)r.n;
    c->before = r.a;
    c->after = r.b;
    c->change = r.difference;
    c->low = r.interval.low;
    c->high = r.interval.high;
    c->threshold = margin;
    c->lost = r.lost;
    c->won = r.won;
    c->p = r.p_loss;
    c->identical = is_identical(t);
    psi = r.n ? fmax(r.lost + r.won, 1) / (double)r.n : NAN;
    c->visible = power_noninferiority_margin(psi, (double)r.n, MDE_ALPHA, MDE_POWER);
    c->needed = power_noninferiority_items(psi, margin, 0, MDE_ALPHA, MDE_POWER);
    return 0;
}

static int compare_nats(struct judge *j, const struct cell_row *cell, const struct pair_task *t,
                        const char *baseline)
{
    struct paired_mean r;
    struct comparison *c;

    if (paired_nats(&t, 1, CONF, &r, j->e) < 0 ||
        tell_alone(j, cell, t, r.alone, "likelihood", baseline) < 0)
        return -1;
    if (r.n == 0)
        return 0;
    c = begin(j, cell, t->task, baseline, "nats per byte");
    if (!c)
        return -1;
    c->n = (int)r.n;
    c->before = r.a;
    c->after = r.b;
    c->change = r.difference;
    c->low = r.interval.low;
    c->high = r.interval.high;
    c->threshold = j->plan->thresholds.nats;
    c->p = r.p_loss;
    c->identical = is_identical(t);
    return 0;
}

static int compare_memory(struct judge *j, const struct cell_row *cell, const struct pair_task *t,
                          const char *baseline)
{
    double before = task_row_cost(t->a, "peak_rss_bytes");
    double after = task_row_cost(t->b, "peak_rss_bytes");
    struct comparison *c;

    if (!(before > 0) != !(after > 0))
        return judge_find(j, FINDING_NOTE, 0, "%s, %s: peak memory is known of only one of this "
                          "run and %s", cell->spec.series, t->task, baseline);
    if (!(before > 0))
        return 0;
    c = begin(j, cell, t->task, baseline, "memory");
    if (!c)
        return -1;
    c->n = 1;
    c->before = before;
    c->after = after;
    c->change = c->low = c->high = after / before - 1;
    c->threshold = fmax(j->plan->thresholds.memory, MEMORY_GRAIN / before);
    return 0;
}

static int compare_run(struct judge *j, const struct cell_row *cell, const char *baseline)
{
    struct err why = ERR_NONE;
    struct pairs p = {0};
    int rc = pairs_load(&p, j->store, baseline, cell->run, NULL, 0, &why);

    if (rc < 0 && why.code == ERR_INVALID) /* other items, other data: a result, and told as one */
        return judge_find(j, FINDING_INVALID, 0, "%s: not comparable with %s: %s",
                          cell->spec.series, baseline, why.text);
    if (rc < 0 && j->e)
        *j->e = why;
    for (size_t i = 0; i < p.n_tasks && rc == 0; i++) {
        const struct pair_task *t = &p.tasks[i];
        if (compare_credit(j, cell, t, baseline) < 0 || compare_nats(j, cell, t, baseline) < 0 ||
            compare_memory(j, cell, t, baseline) < 0)
            rc = -1;
    }
    pairs_release(&p);
    return rc;
}

int judge_eval(struct judge *j, const struct cell_row *cell)
{
    struct run_ids ids = {0};
    int rc = night_baseline(&ids, j->store, j->plan, j->r->night.plan_id, cell, j->e);

    j->r->has_baseline |= ids.n > 0;
    if (rc == 0 && ids.n && strcmp(ids.v[0], cell->run) != 0)
        rc = compare_run(j, cell, ids.v[0]);
    mem_free(ids.v);
    return rc;
}
