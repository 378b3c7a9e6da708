#include "harness/density_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/density_present.h"
#include "harness/rulers.h"
#include "reports/number.h"

enum { LADDER_FILES = 3, SERIES_MAX = 8 };
#define CLUSTERS_MATTER 1.5

/* A model (or one of its runs) with all that it was held against. */
struct subject {
    const struct density **rows; /* n of them */
    int n;
    struct density_panel per[DENSITY_PERS];
};
struct subjects {
    struct subject *v;
    int n;
};

/* In order of the list: densest first. */
static struct subjects gather(struct report *r, const struct density_list *l)
{
    struct subjects s = {arena_alloc(&r->arena, (l->n + 1) * sizeof *s.v), 0};

    r->failed |= !s.v;
    for (size_t i = 0; i < l->n && s.v; i++) {
        struct subject *x = &s.v[s.n];
        x->rows = arena_alloc(&r->arena, (l->n + 1) * sizeof *x->rows);
        if (!x->rows) {
            r->failed = 1;
            return s;
        }
        x->n = density_group(l, i, x->rows);
        for (int p = 0; p < DENSITY_PERS && x->n; p++)
            x->per[p] = density_panel(x->rows, x->n, (enum density_per)p);
        s.n += x->n > 0;
    }
    return s;
}

/* The row that knows the bits; NULL. */
static const struct density *knowing(const struct subject *x)
{
    for (int i = 0; i < x->n; i++)
        if (!isnan(x->rows[i]->bits_per_mparam))
            return x->rows[i];
    return NULL;
}

static double bits_of(const struct subject *x)
{
    return knowing(x) ? knowing(x)->bits_per_mparam : NAN;
}

static int facts_of(const struct subject *x)
{
    return knowing(x) ? knowing(x)->bits_items : 0;
}

static double file_bytes(const struct subject *x)
{
    return x->rows[0]->cost[PER_BYTE];
}

/* One end may be open: then the text says which. */
static void panel_cell(struct report *r, struct report_cell *row, int column,
                       const struct density_panel *p)
{
    char low[32], high[32];

    density_interval_cell(row, column, p->mean, p->low, p->high);
    density_bound(low, p->low);
    density_bound(high, p->high);
    if (!isnan(p->mean) && (p->low > 0) != !!isfinite(p->high))
        report_cell_text(r, row, column, report_fmt(r, "%.2f [%s, %s]", p->mean, low, high));
}

/* --- tables ----------------------------------------------------------------------------------- */

void density_interval_cell(struct report_cell *row, int column, double v, double low, double high)
{
    int closed = low > 0 && isfinite(high);

    report_cell_value(row, column, v, closed ? low : NAN, closed ? high : NAN);
}

static void panel_table(struct report *r, const struct subjects *s)
{
    const struct report_column columns[] = {
        {"model", "model", NULL, 9},
        number_column("parameters", "parameters", NULL, 5),
        number_column("file_bytes", "file_bytes", NULL, 4),
        number_column("density", "reasoning", "reasoning", 6),
        number_column("density", "language", "language", 6),
        number_column("density", "facts", "facts", 6),
        number_column("density", "density", "geometric mean", 8),
        number_column("density", "spread", "spread over tasks", 3),
        number_column("density_per_byte", "density_per_byte", NULL, 7),
        number_column("bits_per_mparam", "bits_per_mparam", "bits per million parameters", 5),
        number_column("items", "tasks", "tasks", 1),
        number_column("items", "facts_asked", "facts asked", 1),
    };
    struct report_table *t = report_table(r, "density_panel", "Density by model", columns,
                                          sizeof columns / sizeof *columns);

    for (int i = 0; i < s->n; i++) {
        const struct subject *x = &s->v[i];
        const struct density_panel *p = &x->per[PER_TOTAL], *b = &x->per[PER_BYTE];
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, x->rows[0]->model);
        report_cell_value(row, 1, x->rows[0]->cost[PER_TOTAL], NAN, NAN);
        report_cell_value(row, 2, file_bytes(x), NAN, NAN);
        for (int k = 0; k < PANELS; k++)
            report_cell_value(row, 3 + k, p->value[k], NAN, NAN);
        panel_cell(r, row, 6, p);
        report_cell_value(row, 7, p->spread, NAN, NAN);
        panel_cell(r, row, 8, b);
        report_cell_value(row, 9, bits_of(x), NAN, NAN);
        report_cell_value(row, 10, p->n_rows, NAN, NAN);
        report_cell_value(row, 11, facts_of(x) > 0 ? facts_of(x) : NAN, NAN, NAN);
    }
    if (t)
        t->note = report_str(r, "Geometric means over the tasks that resolve a density, the last "
                                "over the panels. Spread: the largest of its densities over the "
                                "smallest; it says how far one number stands for a model. Less "
                                "than a factor of 1.5 between two models is a tie. Bits are a sum "
                                "over the facts asked: compare rows of as many.");
}

static void put_row(struct report *r, struct report_table *t, const struct density *d)
{
    struct density_value v = density_value(d, PER_TOTAL);
    struct report_cell *row = report_row(r, t);
    char text[64];

    report_cell_text(r, row, 0, d->model);
    report_cell_text(r, row, 1, d->ruler->benchmark);
    report_cell_value(row, 2, d->score, d->score_low, d->score_high);
    report_cell_value(row, 3, d->n_items ? d->n_items : NAN, NAN, NAN);
    density_interval_cell(row, 4, d->effective, d->low, d->high);
    if (d->refused[0] || isinf(v.high) || !(v.low > 0)) {
        density_text(text, sizeof text, d, PER_TOTAL);
        report_cell_text(r, row, 5, text);
    } else {
        report_cell_value(row, 5, v.value, v.low, v.high);
    }
    report_cell_text(r, row, 6, d->ruler->name);
    report_cell_text(r, row, 7, d->refused[0] ? d->refused : NULL);
    report_cell_text(r, row, 8, d->run);
}

static void task_table(struct report *r, const struct density_list *l)
{
    const struct report_column columns[] = {
        {"model", "model", NULL, 9},
        {"task", "task", NULL, 9},
        number_column("score", "score", NULL, 7),
        number_column("items", "items", NULL, 2),
        number_column("effective_parameters", "effective_parameters", NULL, 6),
        number_column("density", "density", NULL, 8),
        {"ruler", "ruler", NULL, 5},
        {"refused", "why not", NULL, 5},
        {"run", "run", NULL, 0},
    };
    struct report_table *t = report_table(r, "density", "Density by task", columns,
                                          sizeof columns / sizeof *columns);

    for (size_t i = 0; i < l->n; i++)
        put_row(r, t, &l->v[i]);
    if (t)
        t->note = report_str(r, "< and >: the score is beyond the ladder, of which only the end is "
                                "known. Unresolved: within two standard errors of chance.");
}

/* Of groups of tasks; loudly where it matters (statistics.md 3; Miller 2024). */
static void clusters_text(struct report *r, const struct density_list *l)
{
    double least = INFINITY, most = 0;
    int clusters = 0;

    for (size_t i = 0; i < l->n; i++) {
        const struct density *d = &l->v[i];
        double ratio = d->stderr_ / d->stderr_alone;
        if (!d->n_clusters || !(ratio > 0))
            continue;
        clusters = d->n_clusters > clusters ? d->n_clusters : clusters;
        least = fmin(least, ratio);
        most = fmax(most, ratio);
    }
    if (clusters)
        (most > CLUSTERS_MATTER ? report_warning : report_text)(
            r, "The subjects of a group of tasks (up to %d here) are drawn whole, because "
               "questions of one subject are easy or hard together: standard errors are %.2f to "
               "%.2f times those of independent questions.", clusters, least, most);
}

/* --- costs ------------------------------------------------------------------------------------ */

static void cost_row(struct report *r, struct report_table *t, const struct density *d)
{
    static const enum density_per per[] = {PER_SECOND, PER_JOULE};
    struct report_cell *row = report_row(r, t);

    report_cell_text(r, row, 0, d->model);
    report_cell_text(r, row, 1, d->ruler->benchmark);
    report_cell_value(row, 2, d->cost[PER_SECOND], NAN, NAN);
    report_cell_value(row, 3, d->cost[PER_JOULE], NAN, NAN);
    report_cell_value(row, 4, d->read_bytes, NAN, NAN);
    for (int i = 0; i < 2; i++) {
        struct density_value v = density_value(d, per[i]);
        if (!d->refused[0])
            density_interval_cell(row, 5 + i, v.value, v.low, v.high);
    }
    report_cell_text(r, row, 7, d->run);
}

void density_costs(struct report *r, const struct density_list *l, const char *no_energy)
{
    const struct report_column columns[] = {
        {"model", "model", NULL, 9},
        {"task", "task", NULL, 9},
        number_column("latency_s", "latency_s", "time", 8),
        number_column("energy_j", "energy_j", "energy", 7),
        number_column("read_bytes", "read_bytes", "weights read", 6),
        number_column("effective_parameters", "per_second", "effective parameters per second", 4),
        number_column("effective_parameters", "per_joule", "effective parameters per joule", 3),
        {"run", "run", NULL, 0},
    };
    struct report_table *t = report_table(r, "answer_cost", "What an answer costs", columns,
                                          sizeof columns / sizeof *columns);

    for (size_t i = 0; i < l->n; i++)
        cost_row(r, t, &l->v[i]);
    if (t)
        t->note = report_fmt(r, "Time: the median over the items, of which each has its share of "
                                "the batches it was computed in. Weights read: by an answer asked "
                                "alone, once for every %d tokens of its question and options and "
                                "once for every token generated; keys and values are not in "
                                "it.%s%s",
                             DENSITY_BATCH, no_energy ? " Energy: " : "",
                             no_energy ? no_energy : "");
}

/* --- plots ------------------------------------------------------------------------------------ */

static int same_size(const struct subject *a, const struct subject *b)
{
    double n = a->rows[0]->cost[PER_TOTAL];

    return n == b->rows[0]->cost[PER_TOTAL];
}

/* How many subjects have the size of subject i; 0 when an earlier one has it too. */
static int ladder_size(const struct subjects *s, int i)
{
    int n = 0;

    for (int k = 0; k < s->n; k++)
        if (same_size(&s->v[k], &s->v[i])) {
            if (k < i)
                return 0;
            n++;
        }
    return n;
}

/* What the names of a ladder's files begin with. */
static const char *family_name(struct report *r, const struct subjects *s, int first)
{
    const char *name = s->v[first].rows[0]->model;
    size_t n = strlen(name);

    for (int k = 0; k < s->n; k++) {
        const char *other = s->v[k].rows[0]->model;
        size_t i = 0;
        if (!same_size(&s->v[k], &s->v[first]))
            continue;
        while (i < n && other[i] == name[i])
            i++;
        n = i;
    }
    while (n && strchr("-_:.[ ", name[n - 1]))
        n--;
    return n ? report_fmt(r, "%.*s", (int)n, name) : name;
}

/* What tells the file from the others of its family. */
static const char *short_name(const char *model, const char *family)
{
    size_t n = strlen(family);

    if (strncmp(model, family, n) != 0)
        return model;
    while (model[n] && strchr("-_:.[ ", model[n]))
        n++;
    return model[n] ? model + n : model;
}

struct ladder_axis {
    const char *key, *title, *metric;
    int bits; /* only of files that were asked as many facts */
    double (*value)(const struct subject *x, double *low, double *high);
};

static double density_per_byte(const struct subject *x, double *low, double *high)
{
    *low = x->per[PER_BYTE].low;
    *high = x->per[PER_BYTE].high;
    return x->per[PER_BYTE].mean;
}

static double density_of(const struct subject *x, double *low, double *high)
{
    *low = x->per[PER_TOTAL].low;
    *high = x->per[PER_TOTAL].high;
    return x->per[PER_TOTAL].mean;
}

static double bits_per_byte(const struct subject *x, double *low, double *high)
{
    *low = *high = NAN;
    return bits_of(x) * x->rows[0]->cost[PER_TOTAL] / file_bytes(x);
}

/* How many facts most files of a ladder were asked, the larger number where two are as many. */
static int usual_facts(const struct subjects *s, int first)
{
    int most = 0, usual = 0;

    for (int i = 0; i < s->n; i++) {
        int facts = facts_of(&s->v[i]), n = 0;
        for (int k = 0; k < s->n && same_size(&s->v[i], &s->v[first]); k++)
            n += same_size(&s->v[k], &s->v[first]) && facts_of(&s->v[k]) == facts;
        if (facts && (n > most || (n == most && facts > usual))) {
            most = n;
            usual = facts;
        }
    }
    return usual;
}

/* Has the ladder of subject `first` a value to show? */
static int knows_value(const struct subjects *s, int first, const struct ladder_axis *axis)
{
    double low, high;

    for (int k = 0; k < s->n; k++)
        if (same_size(&s->v[k], &s->v[first]) && axis->value(&s->v[k], &low, &high) > 0)
            return 1;
    return 0;
}

/* The next larger file of the ladder than `after`; -1: none. */
static int next_file(const struct subjects *s, int first, double after)
{
    int best = -1;

    for (int k = 0; k < s->n; k++) {
        double b = file_bytes(&s->v[k]);
        if (same_size(&s->v[k], &s->v[first]) && b > after &&
            (best < 0 || b < file_bytes(&s->v[best])))
            best = k;
    }
    return best;
}

static void add_ladder(struct report *r, struct report_plot *p, const struct subjects *s, int first,
                       const struct ladder_axis *axis)
{
    const char *family = family_name(r, s, first);
    struct report_series *series = report_series(r, p, family);
    double after = 0, low, high;
    int facts = axis->bits ? usual_facts(s, first) : 0;

    if (series)
        series->line = 1;
    for (int k; (k = next_file(s, first, after)) >= 0; after = file_bytes(&s->v[k])) {
        const struct subject *x = &s->v[k];
        double y = axis->value(x, &low, &high);
        struct report_point *point;
        if (!(y > 0) || (axis->bits && facts_of(x) != facts))
            continue;
        point = report_point(r, p, series, short_name(x->rows[0]->model, family), file_bytes(x), y);
        if (point && low > 0 && isfinite(high)) {
            point->y_low = low;
            point->y_high = high;
        }
    }
}

static void ladder_plots(struct report *r, const struct subjects *s)
{
    static const struct ladder_axis axes[] = {
        {"density_per_byte_file_bytes", "Density per byte against file size", "density_per_byte", 0,
         density_per_byte},
        {"density_file_bytes", "Density against file size", "density", 0, density_of},
        {"bits_per_mbyte_file_bytes_ladder", "Bits of knowledge per megabyte against file size",
         "bits_per_mbyte", 1, bits_per_byte},
    };

    for (size_t a = 0; a < sizeof axes / sizeof *axes; a++) {
        struct report_plot *p = NULL;
        for (int i = 0; i < s->n; i++) {
            if (ladder_size(s, i) < LADDER_FILES || !knows_value(s, i, &axes[a]) ||
                (p && p->n_series == SERIES_MAX))
                continue;
            if (!p)
                p = report_plot(r, axes[a].key, axes[a].title, metric_find("file_bytes"),
                                metric_find(axes[a].metric), PLOT_LOG_X | PLOT_LOG_Y);
            add_ladder(r, p, s, i, &axes[a]);
        }
        if (p)
            p->note = report_str(r, "Files of one model in several formats, joined. A point "
                                    "without a bar: its interval leaves the ladder.");
    }
}

static void size_plot(struct report *r, const struct subjects *s)
{
    struct report_plot *p = report_plot(r, "density_parameters", "Density against parameters",
                                        metric_find("parameters"), metric_find("density"),
                                        PLOT_LOG_X | PLOT_LOG_Y);
    struct report_series *series = report_series(r, p, NULL);

    for (int i = 0; i < s->n; i++) {
        const struct density_panel *x = &s->v[i].per[PER_TOTAL];
        struct report_point *point =
            isnan(x->mean) ? NULL
                           : report_point(r, p, series, s->v[i].rows[0]->model,
                                          s->v[i].rows[0]->cost[PER_TOTAL], x->mean);
        if (point && x->low > 0 && isfinite(x->high)) {
            point->y_low = x->low;
            point->y_high = x->high;
        }
    }
}

/* --- the parts -------------------------------------------------------------------------------- */

static int any_density(const struct subjects *s)
{
    for (int i = 0; i < s->n; i++)
        if (!isnan(s->v[i].per[PER_TOTAL].mean))
            return 1;
    return 0;
}

void density_headline(struct report *r, const struct density_list *l)
{
    struct subjects s = gather(r, l);
    const struct subject *top = NULL;
    const struct density_panel *p;
    char low[32], high[32];

    for (int i = 0; i < s.n; i++) { /* means over fewer tasks are of another kind */
        const struct density_panel *x = &s.v[i].per[PER_TOTAL];
        if (!isnan(x->mean) && (!top || x->n_rows > top->per[PER_TOTAL].n_rows ||
                                (x->n_rows == top->per[PER_TOTAL].n_rows &&
                                 x->mean > top->per[PER_TOTAL].mean)))
            top = &s.v[i];
    }
    if (!top)
        return;
    p = &top->per[PER_TOTAL];
    density_bound(low, p->low);
    density_bound(high, p->high);
    report_headline(r, "Densest", top->rows[0]->model,
                    report_fmt(r, "%.2f%s, %d %s", p->mean,
                               p->low > 0 && isfinite(p->high)
                                   ? report_fmt(r, " (%s to %s)", low, high)
                               : p->low > 0 ? report_fmt(r, " (at least %s)", low)
                                            : " (the ladder does not close its interval)",
                               p->n_rows, p->n_rows == 1 ? "task" : "tasks"));
}

void density_section(struct report *r, const struct density_list *l)
{
    struct subjects s = gather(r, l);

    report_section(r, "Density");
    report_text(r, "How large a model of a reference family would be to score as this one does, "
                   "over its own size. 1: as good as the reference family's model of this size; 2: "
                   "as good as one of twice its size.");
    if (s.n && any_density(&s)) {
        ladder_plots(r, &s);
        size_plot(r, &s);
    } else if (s.n) {
        report_text(r, "No score here resolves a density; the table says why of each.");
    }
    panel_table(r, &s);
    task_table(r, l);
    clusters_text(r, l);
}

static void ruler_facts(struct report *r, const struct density_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct ruler *u = l->v[i].ruler;
        size_t k = 0;
        while (strcmp(l->v[k].ruler->name, u->name) != 0)
            k++;
        if (k < i)
            continue;
        report_fact(r, report_fmt(r, "Ruler %s", u->name),
                    report_fmt(r, "%s; %s, %s, %s; from %.4g to %.4g; left-out models are found "
                                  "again within a factor of %s (1 sd)",
                               u->origin, ruler_kind_name(u->kind),
                               u->metric ? u->metric : "any metric",
                               u->shots >= 0 ? report_fmt(r, "%d shots", u->shots)
                                             : "shots not stated",
                               u->nodes[0].score, u->nodes[u->n_nodes - 1].score,
                               isnan(u->loo_ln) ? "(not known)"
                                                : report_fmt(r, "%.2f", exp(u->loo_ln))));
    }
}

void density_method(struct report *r, const struct density_list *l)
{
    report_text(r, "Density (after Xiao et al. 2024, the Densing Law): the ruler turns a score "
                   "into the number of parameters at which its reference family scores the same. "
                   "Tables interpolate between the family's models and never go beyond them. "
                   "Intervals: bootstrap over the items, shared with the ladder where its runs are "
                   "here, and the ladder's own leave-one-out error. What a density cannot say: it "
                   "holds for one benchmark asked in one way, on one family's scale; it rewards "
                   "long training as much as a good recipe; and a model that has seen the "
                   "benchmark looks dense.");
    ruler_facts(r, l);
}
