#include "harness/night.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "harness/night_impl.h"
#include "results/query.h"

/* --- what the parts share -------------------------------------------------------------------- */

static const char *keep_text(struct judge *j, const char *fmt, va_list ap)
{
    struct strbuf b = STRBUF_INIT;
    const char *text;

    strbuf_vaddf(&b, fmt, ap);
    text = b.failed ? NULL : arena_strdup(&j->r->arena, strbuf_str(&b));
    strbuf_release(&b);
    return text;
}

const char *judge_text(struct judge *j, const char *fmt, ...)
{
    va_list ap;
    const char *text;

    va_start(ap, fmt);
    text = keep_text(j, fmt, ap);
    va_end(ap);
    return text;
}

int judge_find(struct judge *j, enum finding_kind kind, double weight, const char *fmt, ...)
{
    struct night_report *r = j->r;
    va_list ap;
    const char *text;

    va_start(ap, fmt);
    text = keep_text(j, fmt, ap);
    va_end(ap);
    if (!text ||
        mem_grow(&r->findings, &r->cap_findings, r->n_findings + 1, sizeof *r->findings) < 0)
        return err_nomem(j->e);
    r->findings[r->n_findings++] = (struct finding){kind, weight, text};
    return 0;
}

struct comparison *judge_comparison(struct judge *j)
{
    struct night_report *r = j->r;

    if (mem_grow(&r->comparisons, &r->cap_comparisons, r->n_comparisons + 1,
                 sizeof *r->comparisons) < 0) {
        err_nomem(j->e);
        return NULL;
    }
    r->comparisons[r->n_comparisons] = (struct comparison){
        .before = NAN, .after = NAN, .change = NAN, .low = NAN, .high = NAN, .threshold = NAN,
        .floor = NAN, .lost = NAN, .won = NAN, .p = NAN, .adjusted = NAN, .visible = NAN,
        .needed = NAN, .verdict = VERDICT_NONE};
    return &r->comparisons[r->n_comparisons++];
}

const char *judge_metric_of(const char *name)
{
    const char *blank = strrchr(name, ' ');

    return blank ? blank + 1 : name;
}

static int is_usable(const struct cell_row *c)
{
    return strcmp(c->status, "done") == 0 && c->run;
}

int judge_begins_series(const struct cell_list *l, size_t i)
{
    if (!is_usable(&l->v[i]))
        return 0;
    for (size_t k = 0; k < i; k++)
        if (is_usable(&l->v[k]) && strcmp(l->v[k].spec.series, l->v[i].spec.series) == 0)
            return 0;
    return 1;
}

int judge_quiet(const struct cell_list *l, const char *series)
{
    int quiet = 1;

    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].spec.series, series) == 0 && l->v[i].quiet < 1) {
            if (l->v[i].quiet == 0)
                return 0;
            quiet = -1;
        }
    return quiet;
}

/* --- the baseline ---------------------------------------------------------------------------- */

static int add_run(struct run_ids *out, const char *run, struct err *e)
{
    if (mem_grow(&out->v, &out->cap, out->n + 1, sizeof *out->v) < 0)
        return err_nomem(e);
    snprintf(out->v[out->n++], RUN_ID_SIZE, "%s", run);
    return 0;
}

/* All kept runs of the series in that run's night; the run itself when it is no cell's. */
static int whole_night(struct run_ids *out, struct store *s, const char *run, const char *series,
                       struct err *e)
{
    struct cell_list cells;
    int64_t night;
    int rc = night_of_run(s, run, &night, e);

    if (rc <= 0)
        return rc < 0 ? -1 : add_run(out, run, e);
    rc = query_cells(s, night, &cells, e);
    for (size_t i = 0; i < cells.n && rc == 0; i++)
        if (is_usable(&cells.v[i]) && strcmp(cells.v[i].spec.series, series) == 0)
            rc = add_run(out, cells.v[i].run, e);
    cell_list_release(&cells);
    return rc;
}

/* A run made by hand serves the series that measured the same kind of thing on a model of that
 * name. */
static int serves(struct store *s, const char *run, const struct run_row *own, struct err *e)
{
    struct run_list named;
    int64_t night;
    int rc = night_of_run(s, run, &night, e);

    if (rc != 0)
        return rc;
    if (query_run(s, run, &named, e) < 0)
        return -1;
    rc = strcmp(named.v[0].kind, own->kind) == 0 &&
         strcmp(named.v[0].model.name, own->model.name) == 0;
    run_list_release(&named);
    return rc;
}

/* 1 with the run that pins or the plan name for the cell; 0: none, -1. */
static int named_run(struct store *s, const struct plan *p, int64_t plan_id,
                     const struct cell_row *cell, char run[RUN_ID_SIZE], struct err *e)
{
    struct run_list own;
    int rc;

    if (query_run(s, cell->run, &own, e) < 0)
        return -1;
    rc = pin_find(s, cell->spec.series, cell->spec.kind, own.v[0].model.name, run, e);
    if (rc == 0 && p->baseline && strcmp(p->baseline, "first") == 0)
        rc = series_first_run(s, plan_id, cell->spec.series, run, e);
    else if (rc == 0 && p->baseline)
        rc = query_resolve(s, p->baseline, run, e) < 0 ? -1 : serves(s, run, &own.v[0], e);
    run_list_release(&own);
    return rc;
}

int night_baseline(struct run_ids *out, struct store *s, const struct plan *p, int64_t plan_id,
                   const struct cell_row *cell, struct err *e)
{
    char run[RUN_ID_SIZE];
    int rc = named_run(s, p, plan_id, cell, run, e);

    *out = (struct run_ids){0};
    if (rc == 1 && whole_night(out, s, run, cell->spec.series, e) < 0)
        rc = -1;
    if (rc < 0) {
        mem_free(out->v);
        *out = (struct run_ids){0};
    }
    return rc < 0 ? -1 : 0;
}

/* --- the night ------------------------------------------------------------------------------- */

/* Days since 1970-01-01 of "2026-11-26"; the calendar has no use for clocks. */
static long day_of(const char *date)
{
    struct tm t = {0};
    int y, m, d;

    if (!date || sscanf(date, "%d-%d-%d", &y, &m, &d) != 3)
        return 0;
    t.tm_year = y - 1900;
    t.tm_mon = m - 1;
    t.tm_mday = d;
    return (long)(timegm(&t) / 86400);
}

/* The list of nights from this one backwards, and what is missing before it. */
static int load_night(struct night_report *r, struct store *s, const struct plan *p,
                      const struct night *night, struct err *e)
{
    size_t at = 0;

    if (query_nights(s, p->name, "nightly", 0, &r->list, e) < 0)
        return -1;
    while (at < r->list.n && r->list.v[at].id != night->id)
        at++;
    if (at == r->list.n)
        return err_set(e, ERR_NOTFOUND, "%s: night %d of plan %s is gone", store_path(s), night->n,
                       p->name);
    r->night = r->list.v[at];
    if (at + 1 < r->list.n) {
        long days = day_of(r->night.date) - day_of(r->list.v[at + 1].date);
        r->missed = days > 1 ? (int)days - 1 : 0;
    }
    return query_cells(s, night->id, &r->cells, e);
}

/* Points and segments of all series first: comparisons look at tonight's floor. */
static int judge_all(struct judge *j)
{
    const struct cell_list *l = &j->r->cells;

    for (size_t i = 0; i < l->n; i++) {
        int is_eval = strcmp(l->v[i].spec.kind, "eval") == 0;
        int64_t segment;
        if (!judge_begins_series(l, i))
            continue;
        if (judge_segment(j, &l->v[i], &segment) < 0 ||
            (is_eval ? judge_eval_points : judge_speed_points)(j, &l->v[i], segment) < 0)
            return -1;
    }
    if (query_points(j->store, j->r->night.plan_id, j->r->night.n, &j->r->points, j->e) < 0)
        return -1;
    for (size_t i = 0; i < l->n; i++)
        if (judge_begins_series(l, i) &&
            (strcmp(l->v[i].spec.kind, "eval") == 0 ? judge_eval : judge_speed)(j, &l->v[i]) < 0)
            return -1;
    return judge_builds(j) < 0 || judge_changes(j) < 0 ? -1 : judge_settle(j);
}

int night_judge(struct night_report *out, struct store *s, const struct plan *p,
                const struct night *night, struct err *e)
{
    struct judge j = {.r = out, .store = s, .plan = p, .e = e};
    int rc;

    *out = (struct night_report){.verdict = VERDICT_NONE};
    rc = load_night(out, s, p, night, e) < 0 || judge_all(&j) < 0 ? -1 : 0;
    mem_free(j.reasons);
    if (rc < 0)
        night_report_release(out);
    return rc;
}

void night_report_release(struct night_report *r)
{
    night_list_release(&r->list);
    cell_list_release(&r->cells);
    point_list_release(&r->points);
    mem_free(r->comparisons);
    mem_free(r->changes);
    mem_free(r->findings);
    arena_release(&r->arena);
    *r = (struct night_report){0};
}

/* --- as JSON --------------------------------------------------------------------------------- */

static const char *const finding_names[] = {"regression", "cell", "change", "not comparable",
                                            "segment",    "gain", "note"};

static void put_comparison(struct json_out *o, const struct comparison *c)
{
    json_begin_object(o, NULL);
    json_put_str(o, "series", c->series);
    json_put_str(o, "what", c->what);
    json_put_str(o, "quantity", c->quantity);
    json_put_str(o, "verdict", verdict_names[c->verdict]);
    json_put_str(o, "baseline", c->baseline);
    json_put_str(o, "candidate", c->candidate);
    json_put_int(o, "n", c->n);
    json_put_num(o, "before", c->before);
    json_put_num(o, "after", c->after);
    json_put_num(o, "change", c->change);
    json_put_num(o, "low", c->low);
    json_put_num(o, "high", c->high);
    json_put_num(o, "threshold", c->threshold);
    json_put_num(o, "aa_floor", c->floor);
    json_put_num(o, "lost", c->lost);
    json_put_num(o, "won", c->won);
    json_put_num(o, "p", c->p);
    json_put_num(o, "p_adjusted", c->adjusted);
    json_put_num(o, "visible", c->visible);
    json_put_num(o, "items_needed", c->needed);
    json_put_bool(o, "noisy", c->noisy);
    json_put_bool(o, "identical", c->identical);
    json_put_str(o, "why", c->why);
    json_end_object(o);
}

static void put_change(struct json_out *o, const struct night_change *c)
{
    json_begin_object(o, NULL);
    json_put_str(o, "series", c->series);
    json_put_str(o, "metric", c->metric);
    json_put_int(o, "night", c->night);
    json_put_str(o, "date", c->date);
    json_put_num(o, "before", c->before);
    json_put_num(o, "after", c->after);
    json_put_num(o, "magnitude", c->magnitude);
    json_put_num(o, "p", c->p);
    json_put_bool(o, "worse", c->worse);
    json_put_bool(o, "new", c->is_new);
    json_end_object(o);
}

void night_summary(const struct night_report *r, struct json_out *o)
{
    json_put_str(o, "verdict", verdict_names[r->verdict]);
    json_put_int(o, "exit_status", r->exit_status);
    json_put_int(o, "missed_nights", r->missed);
    json_begin_array(o, "findings");
    for (size_t i = 0; i < r->n_findings; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "kind", finding_names[r->findings[i].kind]);
        json_put_str(o, "text", r->findings[i].text);
        json_end_object(o);
    }
    json_end_array(o);
    json_begin_array(o, "comparisons");
    for (size_t i = 0; i < r->n_comparisons; i++)
        put_comparison(o, &r->comparisons[i]);
    json_end_array(o);
    json_begin_array(o, "changes");
    for (size_t i = 0; i < r->n_changes; i++)
        put_change(o, &r->changes[i]);
    json_end_array(o);
}
