/* compare_page.c -- the comparison as a page: what differs besides, what changed, which items. */
#include <math.h>
#include <string.h>

#include "harness/compare_write.h"
#include "harness/sides_write.h"

enum { TEXT_SHOWN = 400, DOC_SHOWN = 1200 };

/* --- rows ----------------------------------------------------------------------------------- */

/* digits: after the point; sign: changes have theirs, ratios none. */
static const char *with_interval(struct report *r, int sign, int digits, double v,
                                 struct interval i)
{
    if (isnan(v))
        return NULL;
    if (isnan(i.low) || isnan(i.high))
        return report_fmt(r, sign ? "%+.*f, no interval" : "%.*f, no interval", digits, v);
    return report_fmt(r, sign ? "%+.*f [%+.*f, %+.*f]" : "%.*f [%.*f, %.*f]", digits, v, digits,
                      i.low, digits, i.high);
}

static void put_credit(struct report *r, struct report_cell *row, const struct paired_credit *x)
{
    struct interval points = {100 * x->interval.low, 100 * x->interval.high};

    if (x->n == 0)
        return;
    report_cell_text(r, row, 2, with_interval(r, 1, 2, 100 * x->difference,
                                              points));
    report_cell_text(r, row, 3, report_fmt(r, "%.2f", 100 * x->a));
    report_cell_text(r, row, 4, report_fmt(r, "%.2f", 100 * x->b));
    report_cell_text(r, row, 5, report_fmt(r, "%.0f", x->lost));
    report_cell_text(r, row, 6, report_fmt(r, "%.0f", x->won));
    report_cell_text(r, row, 7, isnan(x->p_exact) ? NULL : report_fmt(r, "%.3g", x->p_exact));
}

static void put_rows(struct report *r, const struct compare *c)
{
    static const struct report_column columns[] = {
        {"name", "task", NULL, 9},          {"items", "items", NULL, 4},
        {"change", "points", NULL, 8},      {"a", "A, %", NULL, 6},
        {"b", "B, %", NULL, 6},             {"lost", "lost", NULL, 7},
        {"won", "won", NULL, 7},            {"p", "p", NULL, 5},
    };
    struct report_table *t = report_table(r, "accuracy", "Right answers", columns, 8);

    for (size_t i = 0; i < c->n_rows; i++) {
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, c->rows[i].name);
        report_cell_text(r, row, 1, report_fmt(r, "%zu", c->rows[i].n));
        put_credit(r, row, &c->rows[i].credit);
    }
    report_text(r, "Points: B less A with its %.0f %% interval (Tango's score, clusters by their "
                   "design effect). Lost: right in A, wrong in B. p: McNemar, exact, two-sided.",
                100 * c->conf);
}

static const char *ratio_of(struct report *r, double a, double b, double unit, const char *fmt)
{
    if (isnan(a) || isnan(b) || !(a > 0))
        return NULL;
    return report_fmt(r, fmt, a / unit, b / unit, 100 * (b / a - 1));
}

static void put_costs(struct report *r, const struct compare *c)
{
    static const struct report_column columns[] = {
        {"name", "task", NULL, 9},
        {"nats", "nats per byte", NULL, 8},
        {"latency", "latency, B/A", NULL, 7},
        {"memory", "peak memory, MB", NULL, 5},
        {"energy", "energy, J", NULL, 4},
    };
    struct report_table *t;
    int known = 0; /* energy */

    report_section(r, "Likelihood and cost");
    for (size_t i = 0; i < c->n_rows; i++)
        known |= !isnan(c->rows[i].energy_a) && !isnan(c->rows[i].energy_b);
    t = report_table(r, "cost", "Likelihood of the right answers, and what they cost", columns,
                     known ? 5 : 4);
    for (size_t i = 0; i < c->n_rows; i++) {
        const struct compare_row *x = &c->rows[i];
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, x->name);
        if (x->nats.n)
            report_cell_text(r, row, 1, with_interval(r, 1, 5,
                                                      x->nats.difference, x->nats.interval));
        if (x->latency.n)
            report_cell_text(r, row, 2, with_interval(r, 0, 3, x->latency.ratio,
                                                      x->latency.interval));
        report_cell_text(r, row, 3, ratio_of(r, x->memory_a, x->memory_b, 1e6,
                                             "%.1f → %.1f (%+.1f %%)"));
        if (known)
            report_cell_text(r, row, 4, ratio_of(r, x->energy_a, x->energy_b, 1,
                                                 "%.4g → %.4g (%+.1f %%)"));
    }
    report_text(r, "Nats per byte: ln p of the right answer, B less A; below 0, B finds it less "
                   "likely. It moves before answers do. Latency: over the items of one process "
                   "each; that two processes of one program differ is not in its interval, and a "
                   "gate over several runs tells it.");
}

/* Pairs that only one run has a number for are in no row: that is told, never passed over. */
static void put_alone(struct report *r, const struct compare *c)
{
    for (size_t i = 0; i < c->n_rows; i++) {
        const struct compare_row *x = &c->rows[i];
        if (x->level == COMPARE_TASK && x->credit.alone + x->nats.alone)
            report_warning(r, "%s: %zu items have a credit and %zu a likelihood in one run only; "
                           "they are left out of its row.", x->name, x->credit.alone,
                           x->nats.alone);
    }
}

/* Right and wrong in A against right and wrong in B. */
static void put_matrix(struct report *r, const struct compare *c)
{
    static const struct report_column columns[] = {
        {"a", "", NULL, 9}, {"right", "right in B", NULL, 8}, {"wrong", "wrong in B", NULL, 8},
    };
    size_t cell[2][2] = {{0}};
    struct report_table *t;

    for (size_t k = 0; k < c->pairs.n_tasks; k++)
        for (size_t i = 0; i < c->pairs.tasks[k].n; i++) {
            const struct pair *p = &c->pairs.tasks[k].v[i];
            if (!isnan(p->a.credit) && !isnan(p->b.credit))
                cell[p->a.credit < 0.5][p->b.credit < 0.5]++;
        }
    if (cell[0][0] + cell[0][1] + cell[1][0] + cell[1][1] == 0)
        return;
    t = report_table(r, "matrix", "Items by answer", columns, 3);
    for (int a = 0; a < 2; a++) {
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, a ? "wrong in A" : "right in A");
        for (int b = 0; b < 2; b++)
            report_cell_text(r, row, 1 + b, report_fmt(r, "%zu", cell[a][b]));
    }
}

/* --- plots ---------------------------------------------------------------------------------- */

static void plot_forest(struct report *r, const struct compare *c)
{
    struct report_plot *p = NULL;
    struct report_series *s = NULL;
    size_t row = 0;

    for (size_t i = c->n_rows; i-- > 0;) { /* the first row is the highest */
        const struct paired_credit *x = &c->rows[i].credit;
        struct report_point *at;
        if (x->n == 0)
            continue;
        if (!p) {
            p = report_plot(r, "forest", "Change in accuracy, with intervals",
                            metric_find("acc_change"), metric_find("table_row"),
                            PLOT_ROWS);
            s = report_series(r, p, NULL);
        }
        at = report_point(r, p, s, c->rows[i].name, 100 * x->difference, (double)++row);
        if (at) {
            at->x_low = 100 * x->interval.low;
            at->x_high = 100 * x->interval.high;
        }
    }
}

static void plot_cost(struct report *r, const struct compare *c)
{
    static const char *const names[] = {"A", "B"};
    struct report_plot *p = NULL;

    for (int side = 0; side < 2; side++) {
        struct report_series *s = NULL;
        for (size_t i = 0; i < c->n_rows; i++) {
            const struct compare_row *x = &c->rows[i];
            if (x->level != COMPARE_TASK || x->credit.n == 0 || x->latency.n == 0)
                continue;
            if (!p)
                p = report_plot(r, "cost_accuracy", "Accuracy against latency, before and after",
                                metric_find("latency_s"), metric_find("acc"), PLOT_LOG_X);
            if (!s)
                s = report_series(r, p, names[side]);
            report_point(r, p, s, x->name, side ? x->latency.b_s : x->latency.a_s,
                         side ? x->credit.b : x->credit.a);
        }
    }
}

/* --- items ---------------------------------------------------------------------------------- */

static int read_item(struct store *s, const char *run, const char *task, int64_t item,
                     struct item_iter **it, struct store_item *out, struct err *e)
{
    struct item_filter f = {.task = task, .item = item};

    return query_items(s, run, &f, it, e) < 0 ? -1 : item_iter_next(*it, out, e);
}

static const char *likelihoods(struct report *r, const struct store_item *it)
{
    const char *all = NULL;

    for (int i = 0; i < it->n_requests && i < 16; i++)
        if (!isnan(it->requests[i].loglikelihood))
            all = report_fmt(r, "%s%s%.3f", all ? all : "", all ? ", " : "",
                             it->requests[i].loglikelihood);
    return all;
}

static void put_answer(struct report *r, const char *side, const struct store_item *it)
{
    const char *ln = likelihoods(r, it);

    report_fact(r, report_fmt(r, "answer of %s", side), report_fmt(r, "%.*s", TEXT_SHOWN,
                it->output ? it->output : it->prediction ? it->prediction : "none"));
    if (ln)
        report_fact(r, report_fmt(r, "ln p of the options, %s", side), ln);
}

static int put_item(struct report *r, const struct compare *c, struct store *s,
                    const struct pair_task *t, const struct pair *p, struct err *e)
{
    struct item_iter *ia = NULL, *ib = NULL;
    struct store_item a, b;
    int rc = read_item(s, c->a->id, t->task, p->a.item, &ia, &a, e);

    if (rc == 1)
        rc = read_item(s, c->b->id, t->task, p->b.item, &ib, &b, e);
    if (rc == 1) {
        report_text(r, "%s, document %d", t->task, p->doc_id);
        if (a.doc)
            report_fact(r, "document", report_fmt(r, "%.*s", DOC_SHOWN, a.doc));
        report_fact(r, "expected", a.gold ? a.gold : "unknown");
        put_answer(r, "A", &a);
        put_answer(r, "B", &b);
    }
    item_iter_close(ia);
    item_iter_close(ib);
    return rc < 0 ? -1 : 0;
}

static int put_items(struct report *r, const struct compare *c, struct store *s, int lost, int most,
                     struct err *e)
{
    int n = 0;

    for (size_t k = 0; k < c->pairs.n_tasks; k++)
        for (size_t i = 0; i < c->pairs.tasks[k].n; i++) {
            const struct pair *p = &c->pairs.tasks[k].v[i];
            if (!sides_changed(p, lost ? SIDES_LOST : SIDES_WON) || n++ >= most)
                continue;
            if (n == 1)
                report_section(r, lost ? "Lost items" : "Won items");
            if (put_item(r, c, s, &c->pairs.tasks[k], p, e) < 0)
                return -1;
        }
    if (n > most && most > 0)
        report_text(r, "%d %s items, the first %d of them here.", n, lost ? "lost" : "won", most);
    return 0;
}

/* --- benches -------------------------------------------------------------------------------- */

static void put_bench(struct report *r, const struct compare *c)
{
    static const struct report_column columns[] = {
        {"test", "test", NULL, 9},      {"depth", "depth", NULL, 4}, {"batch", "batch", NULL, 3},
        {"a", "A, tok/s", NULL, 6},     {"b", "B, tok/s", NULL, 6},
        {"ratio", "B/A", NULL, 8},
    };
    struct report_table *t = report_table(r, "speed", "Speed", columns, 6);

    for (size_t i = 0; i < c->n_bench; i++) {
        const struct compare_bench_row *x = &c->bench[i];
        const struct store_value *a = bench_value(x->a, "tok_s"), *b = bench_value(x->b, "tok_s");
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, x->a->test);
        report_cell_text(r, row, 1, report_fmt(r, "%d", x->a->depth));
        report_cell_text(r, row, 2, report_fmt(r, "%d", x->a->batch));
        report_cell_text(r, row, 3, a ? report_fmt(r, "%.1f", a->value) : NULL);
        report_cell_text(r, row, 4, b ? report_fmt(r, "%.1f", b->value) : NULL);
        report_cell_text(r, row, 5, with_interval(r, 0, 3, x->speed.ratio,
                                                  (struct interval){x->speed.low, x->speed.high}));
    }
    report_text(r, "B/A: ratio of speeds, the median of all ratios of samples with its %.0f %% "
                   "interval (Hodges and Lehmann). That two processes of one program differ is not "
                   "in it.", 100 * c->conf);
}

/* -------------------------------------------------------------------------------------------- */

static void put_headline(struct report *r, const struct compare *c)
{
    const struct compare_row *x = c->n_rows ? &c->rows[0] : NULL;

    if (!x)
        return;
    if (x->credit.n)
        report_headline(r, "accuracy", report_fmt(r, "%+.2f points", 100 * x->credit.difference),
                        report_fmt(r, "%.2f to %.2f", 100 * x->credit.interval.low,
                                   100 * x->credit.interval.high));
    if (x->nats.n)
        report_headline(r, "likelihood", report_fmt(r, "%+.5f nats/byte", x->nats.difference),
                        isnan(x->nats.interval.low)
                            ? NULL
                            : report_fmt(r, "%.5f to %.5f", x->nats.interval.low,
                                         x->nats.interval.high));
    if (x->latency.n)
        report_headline(r, "latency", report_fmt(r, "%+.1f %%", 100 * (x->latency.ratio - 1)),
                        NULL);
    if (x->credit.n)
        report_headline(r, "items", report_fmt(r, "%.0f lost, %.0f won", x->credit.lost,
                                               x->credit.won), NULL);
}

int compare_report(struct report *r, const struct compare *c, struct store *s,
                   const struct compare_lists *l, struct err *e)
{
    r->subtitle = report_fmt(r, "A: %s (%s), B: %s (%s)", c->a->model.name, c->a->id,
                             c->b->model.name, c->b->id);
    put_headline(r, c);
    sides_environment_page(r, &c->env, 0);
    report_section(r, "What changed");
    if (c->n_bench) {
        put_bench(r, c);
        return 0;
    }
    put_rows(r, c);
    put_alone(r, c);
    put_matrix(r, c);
    if (l->plots)
        plot_forest(r, c);
    put_costs(r, c);
    if (l->plots)
        plot_cost(r, c);
    return put_items(r, c, s, 1, l->lost, e) < 0 ? -1 : put_items(r, c, s, 0, l->won, e);
}
