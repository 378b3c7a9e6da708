/* night_points.c -- a night's point on every series, and where their levels changed. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/metric.h"
#include "harness/night_impl.h"
#include "harness/stats_series.h"
#include "results/query.h"

static int put_point(struct judge *j, const struct cell_row *cell, int64_t segment,
                     const char *what, const char *metric, const struct store_value *v, int n)
{
    const struct night_row *night = &j->r->night;
    const char *name = judge_text(j, "%s %s", what, metric);
    const struct point p = {.night_id = night->id, .segment_id = segment,
                            .series = cell->spec.series, .metric = name, .value = v->value,
                            .low = v->low, .high = v->high, .n = n,
                            .quiet = judge_quiet(&j->r->cells, cell->spec.series)};

    if (!name)
        return err_nomem(j->e);
    return isfinite(v->value) ? point_put(j->store, night->plan_id, &p, j->e) : 0;
}

int judge_eval_points(struct judge *j, const struct cell_row *cell, int64_t segment)
{
    struct task_list tasks;
    int rc = query_tasks(j->store, cell->run, &tasks, j->e);

    for (size_t i = 0; i < tasks.n && rc == 0; i++) {
        const struct task_row *t = &tasks.v[i];
        const struct store_value memory = {.value = task_row_cost(t, "peak_rss_bytes"),
                                           .low = NAN, .high = NAN};
        for (int k = 0; k < t->n_values && rc == 0; k++) {
            const struct metric *m = metric_find(t->values[k].metric);
            if (m && m->better != BETTER_NEITHER)
                rc = put_point(j, cell, segment, t->task, t->values[k].metric, &t->values[k],
                               task_row_items(t));
        }
        if (rc == 0)
            rc = put_point(j, cell, segment, t->task, "peak_rss_bytes", &memory, 1);
    }
    task_list_release(&tasks);
    return rc;
}

static int put_speed(struct judge *j, const struct cell_row *cell, int64_t segment,
                     const struct speed *t)
{
    double *sorted = mem_calloc(t->n + 1, sizeof *sorted), self, coverage;
    struct store_value speed = {.low = NAN, .high = NAN}, memory = speed, own = speed;
    int rc = -1;

    if (!sorted)
        return err_nomem(j->e);
    for (size_t i = 0; i < t->n; i++)
        sorted[i] = t->tokens / t->s[i];
    stats_sort(sorted, t->n);
    speed.value = stats_median(sorted, t->n);
    const struct interval ends = stats_median_interval(sorted, t->n, 0.95, &coverage);
    speed.low = ends.low;
    speed.high = ends.high;
    memcpy(sorted, t->peak, t->n * sizeof *sorted);
    stats_sort(sorted, t->n);
    memory.value = stats_median(sorted, t->n);
    if (speed_self(t, &self, j->e) < 0)
        goto out;
    own.value = self;
    if (put_point(j, cell, segment, t->test, "tok_s", &speed, (int)t->n) == 0 &&
        put_point(j, cell, segment, t->test, "peak_rss_bytes", &memory, (int)t->n) == 0)
        rc = put_point(j, cell, segment, t->test, SELF_METRIC, &own, (int)t->n);
out:
    mem_free(sorted);
    return rc;
}

int judge_speed_points(struct judge *j, const struct cell_row *cell, int64_t segment)
{
    struct speeds s;
    int rc = speeds_of_cells(&s, j->store, &j->r->cells, cell->spec.series, j->e);

    for (size_t i = 0; i < s.n && rc == 0; i++)
        rc = put_speed(j, cell, segment, &s.v[i]);
    speeds_release(&s);
    return rc;
}

/* --- change points -------------------------------------------------------------------------- */

/* One night's step is told by no statistics: so many values of the new level must be there
 * (statistics.md 6). */
enum { SETTLED = 4 };

/* Below this relative size a change of the series is not told. */
static double magnitude_of(const struct judge *j, const struct point *last, double *scratch)
{
    const struct thresholds *t = &j->plan->thresholds;
    const char *metric = judge_metric_of(last->metric);
    char test[128];
    double floor;
    int n;

    if (strcmp(metric, "peak_rss_bytes") == 0)
        return t->memory;
    if (strcmp(metric, "tok_s") != 0)
        return t->accuracy;
    snprintf(test, sizeof test, "%.*s", (int)(metric - last->metric - 1), last->metric);
    floor = expm1(speed_floor(&j->r->points, last->series, test, last->segment_id, &n, scratch));
    return floor > t->speed ? floor : t->speed;
}

/* The same step may be seen a night earlier or later once more values are there. */
static int tells(const struct night_row *n, const struct point *p)
{
    cJSON *s = n->summary ? json_parse(n->summary, strlen(n->summary), "nights.summary", NULL)
                          : NULL;
    const cJSON *changes = json_get(s, "changes");
    int told = 0;

    for (const cJSON *c = changes ? changes->child : NULL; c && !told; c = c->next) {
        const char *series = json_str(c, "series"), *metric = json_str(c, "metric");
        told = series && metric && strcmp(series, p->series) == 0 &&
               strcmp(metric, p->metric) == 0 && fabs(json_num(c, "night", -9) - p->night) <= 2;
    }
    json_free(s);
    return told;
}

/* Every night lists all changes it knows, so the last few tell what was told. */
static int was_told(const struct judge *j, const struct point *p)
{
    int looked = 0;

    for (size_t i = 0; i < j->r->list.n && looked < 7; i++) {
        const struct night_row *n = &j->r->list.v[i];
        if (n->n >= j->r->night.n)
            continue;
        looked++;
        if (tells(n, p))
            return 1;
    }
    return 0;
}

static int add_change(struct judge *j, const struct point *p, const struct change *c)
{
    const struct metric *m = metric_find(judge_metric_of(p->metric));
    struct night_report *r = j->r;
    int up = c->after > c->before;

    if (mem_grow(&r->changes, &r->cap_changes, r->n_changes + 1, sizeof *r->changes) < 0)
        return err_nomem(j->e);
    r->changes[r->n_changes++] = (struct night_change){
        .series = p->series, .metric = p->metric, .date = p->date, .night = p->night,
        .before = c->before, .after = c->after, .magnitude = c->magnitude, .p = c->p,
        .worse = !m || m->better == BETTER_NEITHER ? -1 : up == (m->better == BETTER_LOWER),
        .is_new = !was_told(j, p)};
    return 0;
}

/* The series' points p[0..n), of which only the last segment counts. */
static int find_changes(struct judge *j, const struct point *p, size_t n)
{
    struct change_opts o = CHANGE_OPTS;
    double *x = mem_calloc(n + 1, sizeof *x);
    struct change *c = mem_calloc(n + 1, sizeof *c);
    size_t from = n, found = 0;
    int rc = -1;

    if (!x || !c) {
        err_nomem(j->e);
        goto out;
    }
    while (from > 0 && p[from - 1].segment_id == p[n - 1].segment_id)
        from--;
    o.min_magnitude = magnitude_of(j, &p[n - 1], x);
    o.max_p = j->plan->thresholds.change_p;
    for (size_t i = from; i < n; i++)
        x[i - from] = p[i].value;
    rc = stats_changes(x, n - from, &o, c, &found, j->e);
    for (size_t i = 0; i < found && rc == 0; i++)
        if (n - from - c[i].at >= SETTLED)
            rc = add_change(j, &p[from + c[i].at], &c[i]);
out:
    mem_free(x);
    mem_free(c);
    return rc;
}

int judge_changes(struct judge *j)
{
    const struct point_list *l = &j->r->points;

    for (size_t i = 0, end; i < l->n; i = end) {
        for (end = i + 1; end < l->n && strcmp(l->v[end].series, l->v[i].series) == 0 &&
                          strcmp(l->v[end].metric, l->v[i].metric) == 0;)
            end++;
        /* Only what was measured tonight, and no floors: those follow the machine. */
        if (l->v[end - 1].night_id != j->r->night.id ||
            strcmp(judge_metric_of(l->v[i].metric), SELF_METRIC) == 0)
            continue;
        if (find_changes(j, &l->v[i], end - i) < 0)
            return -1;
    }
    return 0;
}
