/* density_standing.c -- where densities stand among those of the published models: who is denser,
 * and how far above the line through all of them on the day the model came out.
 *
 * The line is that of stats_trend.h on the rulers of this report, whose models off the ladder or at
 * chance count as "at most" and "at least"; `densimeter trend` has those of many benchmarks. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "harness/density_report.h"
#include "harness/stats_trend.h"
#include "harness/trend_runs.h"
#include "harness/trend_write.h"
#include "reports/number.h"

enum { NUMBERED = 8 }; /* more of our own would cover each other with their numbers */

/* The published models on one ruler. */
struct field {
    const struct ruler *ruler;
    struct density_list list;
    struct trend_point *points; /* of those with a date */
    size_t n;
    struct trend_fit fit;
    char unfitted[DENSITY_WHY]; /* why there is no line; "": there is */
};

/* --- the line ------------------------------------------------------------------------------- */

static double resolved(const struct density *d)
{
    double v = density_value(d, PER_TOTAL).value;

    return d->refused[0] || !(v > 0) ? NAN : v;
}

/* Equal for models of one family; one without is its own. */
static size_t family_of(const struct density_list *l, size_t i)
{
    const char *name = l->v[i].family;
    size_t k = 0;

    while (name && k < i && (!l->v[k].family || strcmp(l->v[k].family, name) != 0))
        k++;
    return name ? k : i;
}

/* ln density, or its bound: below the ladder and at chance it is at most what the ladder's smallest
 * model would have, above it at least what the largest would. */
static int point_of(struct trend_point *out, const struct density *d)
{
    const struct ruler *u = d->ruler;
    double v = resolved(d), n = d->cost[PER_TOTAL], bound;
    double chance = isnan(u->chance) ? -INFINITY : u->chance;

    if (!(n > 0) || isnan(d->score) || trend_day(&d->released, &out->day) < 0)
        return 0;
    out->censored = !isnan(v) ? 0 : d->flag == RULER_ABOVE && d->score > chance ? 1 : -1;
    bound = u->nodes[out->censored > 0 ? u->n_nodes - 1 : 0].total_params / n;
    out->y = log(out->censored ? bound : v);
    out->series = 0;
    return isfinite(out->y);
}

static int fit_line(struct field *f, struct err *e)
{
    struct err why = ERR_NONE;

    f->points = mem_calloc(f->list.n + 1, sizeof *f->points);
    if (!f->points)
        return err_nomem(e);
    for (size_t i = 0; i < f->list.n; i++)
        if (point_of(&f->points[f->n], &f->list.v[i]))
            f->points[f->n++].family = family_of(&f->list, i);
    if (trend_fit(f->points, f->n, &f->fit, &why) == 0)
        return 0;
    if (why.code == ERR_NOMEM)
        return err_nomem(e);
    snprintf(f->unfitted, sizeof f->unfitted, "%.190s", why.text);
    return 0;
}

static void release(struct field *f)
{
    mem_free(f->points);
    density_list_release(&f->list);
}

static double line_on(const struct field *f, double day)
{
    return f->unfitted[0] ? NAN : exp(f->fit.level[0] + f->fit.slope * day);
}

/* The day on which the line has this density; NAN where it does not grow, or nowhere near. */
static double day_of(const struct field *f, double density)
{
    double day = (log(density) - f->fit.level[0]) / f->fit.slope;

    return f->unfitted[0] || !(f->fit.slope > 0) || !(day > 0 && day < 60000) ? NAN : day;
}

/* --- the table -------------------------------------------------------------------------------- */

struct standing {
    int below, n;
    const struct density *under, *over; /* the nearest ones; NULL: none */
};

static struct standing stand(const struct density_list *published, double v)
{
    struct standing s = {0};

    for (size_t i = 0; i < published->n; i++) { /* densest first */
        const struct density *d = &published->v[i];
        double other = resolved(d);
        if (isnan(other))
            continue;
        s.n++;
        s.below += other < v;
        if (other >= v)
            s.over = d;
        else if (!s.under)
            s.under = d;
    }
    return s;
}

static const char *neighbour(struct report *r, const struct density *d)
{
    char year[16] = "";

    if (!d)
        return NULL;
    if (d->released.year)
        snprintf(year, sizeof year, ", %d-%02d", d->released.year, d->released.month);
    return report_fmt(r, "%s (%.2f%s)", d->model, density_value(d, PER_TOTAL).value, year);
}

static const char *date_text(struct report *r, double day)
{
    char text[16];

    if (isnan(day))
        return NULL;
    trend_date(text, sizeof text, day);
    return report_str(r, text);
}

static double released(const struct published *p, const char *model)
{
    const struct published_row *like = trend_named_like(p, model);
    double day;

    return like && trend_day(&like->released, &day) == 0 ? day : NAN;
}

static struct report_table *standing_table(struct report *r)
{
    const struct report_column columns[] = {
        {"model", "model", NULL, 9},
        {"ruler", "ruler", NULL, 6},
        number_column("density", "density", NULL, 8),
        {"denser_than", "denser than", NULL, 7},
        {"released", "released", NULL, 4},
        number_column("density", "line", "the line on that day", 3),
        number_column("density", "times_line", "times the line", 6),
        {"line_day", "the line gets there", NULL, 2},
        {"next_denser", "next denser", NULL, 1},
        {"next_thinner", "next less dense", NULL, 1},
    };
    struct report_table *t = report_table(r, "density_standing", "Among the published models",
                                          columns, sizeof columns / sizeof *columns);

    if (t)
        t->note = report_str(r, "Published scores of base models on the same ruler, asked with as "
                                "many examples where their sources say; medians over sources. "
                                "Others ask in other words, so this is where a model stands, not a "
                                "race. The line: through all of them over time, drawn out beyond "
                                "the first and the last of them.");
    return t;
}

static void standing_row(struct report *r, struct report_table *t, const struct density *d,
                         const struct field *f, double day)
{
    struct density_value v = density_value(d, PER_TOTAL);
    struct standing s = stand(&f->list, v.value);
    struct report_cell *row;

    if (!s.n)
        return;
    row = report_row(r, t);
    report_cell_text(r, row, 0, d->model);
    report_cell_text(r, row, 1, d->ruler->name);
    density_interval_cell(row, 2, v.value, v.low, v.high);
    report_cell_text(r, row, 3, report_fmt(r, "%d of %d", s.below, s.n));
    report_cell_text(r, row, 4, date_text(r, day));
    report_cell_value(row, 5, line_on(f, day), NAN, NAN);
    density_interval_cell(row, 6, v.value / line_on(f, day), v.low / line_on(f, day),
                          v.high / line_on(f, day));
    report_cell_text(r, row, 7, date_text(r, day_of(f, v.value)));
    report_cell_text(r, row, 8, neighbour(r, s.over));
    report_cell_text(r, row, 9, neighbour(r, s.under));
}

/* --- the picture ------------------------------------------------------------------------------ */

static void put_published(struct report *r, struct report_plot *p, const struct field *f)
{
    struct report_series *s = report_series(r, p, "published models");

    if (s)
        s->quiet = 1;
    for (size_t i = 0; i < f->list.n; i++) {
        const struct density *d = &f->list.v[i];
        double day, v = resolved(d);
        if (isnan(v) || trend_day(&d->released, &day) < 0)
            continue;
        report_point(r, p, s,
                     report_fmt(r, "%.80s, %s, density %.2f", d->model, date_text(r, day), v),
                     trend_year(day), v);
    }
}

static void put_line(struct report *r, struct report_plot *p, const struct field *f)
{
    struct report_series *s = report_series(r, p, "line through all of them");
    double first = INFINITY, last = -INFINITY;

    if (f->unfitted[0])
        return;
    for (size_t i = 0; i < f->n; i++) {
        first = fmin(first, f->points[i].day);
        last = fmax(last, f->points[i].day);
    }
    if (s)
        s->line = s->bare = 1;
    report_point(r, p, s, NULL, trend_year(first), line_on(f, first));
    report_point(r, p, s, NULL, trend_year(last), line_on(f, last));
}

static const char *growth(struct report *r, const struct field *f)
{
    struct interval m;

    if (f->unfitted[0])
        return report_fmt(r, "No line: %s.", f->unfitted);
    if (!(f->fit.slope > 0))
        return "The line does not rise.";
    m = trend_months_interval(trend_slope_interval(&f->fit, 0.95));
    return report_fmt(r, "The line doubles in %.1f months (95 %% interval %s), over %zu models of "
                         "%zu families, %zu of them off the ladder or at chance and counted as "
                         "bounds.", trend_months(f->fit.slope),
                      isinf(m.high) ? report_fmt(r, "from %.1f, open", m.low)
                                    : report_fmt(r, "%.1f to %.1f", m.low, m.high),
                      f->fit.n, f->fit.n_families, f->fit.n_censored);
}

/* Those measured here whose model has a date. */
static void standing_plot(struct report *r, const struct density_list *l, const struct field *f,
                          const struct published *known)
{
    struct report_plot *p =
        report_plot(r, report_fmt(r, "trend_%s", f->ruler->name),
                    report_fmt(r, "On the trend: density by %s against release date",
                               f->ruler->name),
                    metric_find("release_year"), metric_find("density"), PLOT_LOG_Y);
    struct report_series *own;
    int undated = 0;

    put_published(r, p, f);
    own = report_series(r, p, "measured here");
    for (size_t i = 0; i < l->n; i++) {
        const struct density *d = &l->v[i];
        struct density_value v = density_value(d, PER_TOTAL);
        double day = released(known, d->model);
        struct report_point *point;
        if (strcmp(d->ruler->name, f->ruler->name) != 0 || isnan(resolved(d)))
            continue;
        undated += isnan(day);
        point = isnan(day) ? NULL : report_point(r, p, own, d->model, trend_year(day), v.value);
        if (point && v.low > 0 && isfinite(v.high)) {
            point->y_low = v.low;
            point->y_high = v.high;
        }
    }
    if (own)
        own->quiet = own->n_points > NUMBERED;
    put_line(r, p, f);
    if (p)
        p->note = report_fmt(r, "%s Every point says its name when pointed at.%s", growth(r, f),
                             undated ? report_fmt(r, " Not drawn: %d measured here whose release "
                                                     "date is not known.", undated) : "");
}

/* --- all rulers ------------------------------------------------------------------------------- */

static int is_own(const struct ruler *u)
{
    return u->n_nodes > 0 && u->nodes[0].run != NULL;
}

/* The first resolved density on its ruler, of a published ladder. */
static int is_first(const struct density_list *l, size_t i)
{
    if (isnan(resolved(&l->v[i])) || is_own(l->v[i].ruler))
        return 0;
    for (size_t k = 0; k < i; k++)
        if (!isnan(resolved(&l->v[k])) && strcmp(l->v[k].ruler->name, l->v[i].ruler->name) == 0)
            return 0;
    return 1;
}

int density_standing(struct report *r, const struct density_list *l, const struct published *p,
                     struct err *e)
{
    struct report_table *t = NULL;
    int rc = 0;

    for (size_t i = 0; i < l->n && rc == 0; i++) {
        struct field f = {.ruler = l->v[i].ruler, .list = {.per = PER_TOTAL}};
        if (!is_first(l, i))
            continue;
        rc = density_published(&f.list, p, f.ruler, NULL, 0, e) < 0 ? -1 : fit_line(&f, e);
        if (rc == 0) {
            t = t ? t : standing_table(r);
            for (size_t k = i; k < l->n; k++)
                if (!isnan(resolved(&l->v[k])) &&
                    strcmp(l->v[k].ruler->name, f.ruler->name) == 0)
                    standing_row(r, t, &l->v[k], &f, released(p, l->v[k].model));
            standing_plot(r, l, &f, p);
        }
        release(&f);
    }
    return rc;
}
