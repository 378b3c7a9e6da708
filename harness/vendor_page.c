/* vendor_page.c -- devices side by side: what they are, whether they answer alike, and then each
 * quantity by itself. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "harness/vendor_write.h"

/* How a quantity is shown: its name with the unit, and what it is divided by. */
struct shown {
    const char *metric, *name;
    double unit;
};
static const struct shown quantities[] = {
    {"ttft_s", "TTFT, ms", 1e-3},           {"ttft_p90_s", "TTFT p90, ms", 1e-3},
    {"ttft_claim_s", "TTFT claimed, ms", 1e-3}, {"tpot_s", "TPOT, ms", 1e-3},
    {"tpot_p90_s", "TPOT p90, ms", 1e-3},   {"gap_p99_s", "gap p99, ms", 1e-3},
    {"latency_s", "latency, ms", 1e-3},     {"requests_s", "requests/s", 1},
    {"rate_s", "arrivals/s kept", 1},       {"load_s", "opened, ms", 1e-3},
    {"tok_s", "tok/s", 1},                  {"burst_tok_s", "burst, tok/s", 1},
    {"sustained_tok_s", "sustained, tok/s", 1}, {"sustained_ratio", "sustained/burst", 1},
    {"file_bytes", "MB", 1e6},              {"peak_rss_bytes", "peak, MB", 1e6},
    {"joule_per_correct", "J per right item", 1}, {"joule_per_prefill_token", "J/prefill token", 1},
    {"joule_per_decode_token", "J/decode token", 1}, {"bandwidth_bytes_s", "weights, GB/s", 1e9},
    {"read_bytes_s", "reads at most, GB/s", 1e9}, {"share_of_roof", "% of that", 1e-2},
};

static const struct shown *shown_of(const struct metric *m)
{
    for (size_t i = 0; i < sizeof quantities / sizeof *quantities; i++)
        if (strcmp(quantities[i].metric, m->name) == 0)
            return &quantities[i];
    return NULL;
}

const char *vendor_side_name(struct report *r, const struct vendor *v, int side)
{
    const struct run_row *m = v->sides[side].main;

    return report_fmt(r, "%s %s %s", v->sides[side].letter,
                      m && m->device ? path_base(m->device) : "?",
                      m && m->model.name ? path_base(m->model.name) : "?");
}

/* --- the sides -------------------------------------------------------------------------------- */

static const char *mb(struct report *r, double bytes)
{
    return isnan(bytes) ? NULL : report_fmt(r, "%.4g", bytes / 1e6);
}

static int failed_steps(const struct vendor_side *s)
{
    int n = 0;

    for (int i = 0; i < s->profile.n_steps; i++)
        n += !s->profile.steps[i].run;
    return n;
}

static void put_sides(struct report *r, const struct vendor *v)
{
    static const struct report_column columns[] = {
        {"side", "side", NULL, 9},    {"device", "device", NULL, 9},
        {"model", "model", NULL, 8},  {"bits", "bits/weight", NULL, 4},
        {"numerics", "numerics", NULL, 6}, {"threads", "threads", NULL, 5},
        {"machine", "machine", NULL, 3},
        {"profile", "profile", NULL, 7}, {"signed", "signed", NULL, 4},
    };
    struct report_table *t = report_table(r, "sides", "Verified bundles", columns, 9);

    for (int k = 0; k < v->n; k++) {
        const struct vendor_side *s = &v->sides[k];
        const struct run_row *m = s->main;
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, s->letter);
        report_cell_text(r, row, 1, m->device ? path_base(m->device) : NULL);
        report_cell_text(r, row, 2, m->model.name ? path_base(m->model.name) : NULL);
        report_cell_text(r, row, 3, isnan(m->model.bits_per_weight)
                                        ? NULL : report_fmt(r, "%.3g", m->model.bits_per_weight));
        report_cell_text(r, row, 4, m->numerics_id);
        report_cell_text(r, row, 5, report_fmt(r, "%d", s->threads ? s->threads : m->threads));
        report_cell_text(r, row, 6, m->machine_name);
        report_cell_text(r, row, 7, s->profile_text);
        report_cell_text(r, row, 8, *s->signer ? report_fmt(r, "%.8s", s->signer) : "no");
    }
    for (int k = 0; k < v->n; k++)
        report_fact(r, v->sides[k].letter, v->sides[k].path);
}

/* What failed, what the device left to the CPU, what nobody can recompute: results too. */
static void put_failures(struct report *r, const struct vendor *v)
{
    for (int k = 0; k < v->n; k++) {
        const struct vendor_side *s = &v->sides[k];
        for (int i = 0; i < s->profile.n_steps && failed_steps(s); i++)
            if (!s->profile.steps[i].run)
                report_warning(r, "%s: step %s failed (%s): %s", s->letter,
                               s->profile.steps[i].name,
                               s->profile.steps[i].outcome ? s->profile.steps[i].outcome : "?",
                               s->profile.steps[i].reason ? s->profile.steps[i].reason : "?");
        if (s->cpu_ops > 0)
            report_warning(r, "%s: its device left %.0f operations to the CPU; they are in its "
                           "times.", s->letter, s->cpu_ops);
        if (s->unknown)
            report_text(r, "%s: %d numbers of task files could not be recomputed.", s->letter,
                        s->unknown);
        if (!s->has_profile)
            report_warning(r, "%s: made of single runs, by no profile: what was tuned is not told.",
                           s->letter);
    }
}

/* Settings are JSON of a page's width: that they differ is told, 'show --json' has them. */
static void put_difference(struct report *r, const char *side, const struct env_difference *d)
{
    const char *name = report_fmt(r, "%s, %s", side, d->key);

    if (strcmp(d->key, "settings") == 0)
        report_fact(r, name, "not the same");
    else if (strcmp(d->key, "machine.flags") != 0)
        report_fact(r, name, report_fmt(r, "%.120s \xe2\x86\x92 %.120s", d->a ? d->a : "unknown",
                                        d->b ? d->b : "unknown"));
}

static void put_differences(struct report *r, const struct vendor *v)
{
    int n = 0;

    report_section(r, "What differs besides the results");
    for (int k = 1; k < v->n; k++) {
        const struct env *env = &v->pairing[k].env;
        for (size_t i = 0; i < env->n; i++, n++)
            put_difference(r, v->sides[k].letter, &env->v[i]);
        if (env->reasons)
            report_warning(r, "%s: the machine was not quiet: %s.", v->sides[k].letter,
                           env->reasons);
    }
    if (n == 0)
        report_text(r, v->n > 1 ? "Nothing: program, numerics, device, settings, model and machine "
                                  "are the same."
                                : "There is one bundle.");
}

/* --- parity ----------------------------------------------------------------------------------- */

static const char *points(struct report *r, const struct paired_credit *c, int digits)
{
    if (c->n == 0)
        return NULL;
    if (isnan(c->interval.low))
        return report_fmt(r, "%+.*f", digits, 100 * c->difference);
    return report_fmt(r, "%+.*f [%+.*f, %+.*f]", digits, 100 * c->difference, digits,
                      100 * c->interval.low, digits, 100 * c->interval.high);
}

static void put_verdicts(struct report *r, const struct vendor *v)
{
    static const struct report_column columns[] = {
        {"side", "side", NULL, 9}, {"items", "items", NULL, 5}, {"a", "A, %", NULL, 6},
        {"b", "it, %", NULL, 6},   {"change", "points", NULL, 7}, {"lost", "lost", NULL, 6},
        {"won", "won", NULL, 6},   {"parity", "answers alike", NULL, 9},
    };
    struct report_table *t = report_table(r, "parity", "Items paired with A's", columns, 8);

    for (int k = 1; k < v->n; k++) {
        const struct paired_credit *c = &v->pairing[k].credit;
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, v->sides[k].letter);
        report_cell_text(r, row, 1, report_fmt(r, "%zu", c->n));
        report_cell_text(r, row, 7, parity_name(v->pairing[k].parity));
        if (c->n == 0)
            continue;
        report_cell_text(r, row, 2, report_fmt(r, "%.2f", 100 * c->a));
        report_cell_text(r, row, 3, report_fmt(r, "%.2f", 100 * c->b));
        report_cell_text(r, row, 4, points(r, c, 2));
        report_cell_text(r, row, 5, report_fmt(r, "%.0f", c->lost));
        report_cell_text(r, row, 6, report_fmt(r, "%.0f", c->won));
    }
}

static const struct pair_task *find_task(const struct vendor_pairing *p, const char *task)
{
    for (size_t i = 0; i < p->n_tasks; i++)
        if (strcmp(p->tasks[i]->task, task) == 0)
            return p->tasks[i];
    return NULL;
}

/* Of the sides that could be paired; they have the same tasks as A. */
static void put_tasks(struct report *r, const struct vendor *v)
{
    struct report_column columns[3 + VENDOR_SIDES_MAX];
    const struct vendor_pairing *some = NULL;
    struct report_table *t;
    int n = 0;

    columns[n++] = (struct report_column){"task", "task", NULL, 9};
    columns[n++] = (struct report_column){"items", "items", NULL, 5};
    columns[n++] = (struct report_column){"a", "A, %", NULL, 8};
    for (int k = v->n - 1; k >= 1; k--)
        some = v->pairing[k].n_tasks ? &v->pairing[k] : some;
    for (int k = 1; k < v->n; k++)
        columns[n++] = (struct report_column){report_fmt(r, "%c", 'a' + k),
                                              report_fmt(r, "%s, points", v->sides[k].letter), NULL,
                                              7};
    if (!some)
        return;
    t = report_table(r, "tasks", "By task", columns, n);
    for (size_t i = 0; i < some->n_tasks; i++) {
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, some->tasks[i]->task);
        report_cell_text(r, row, 1, report_fmt(r, "%zu", some->tasks[i]->n));
        for (int k = 1; k < v->n; k++) {
            const struct pair_task *x = find_task(&v->pairing[k], some->tasks[i]->task);
            struct paired_credit c;
            if (!x || paired_credit(&x, 1, v->conf, &c, NULL) < 0 || c.n == 0)
                continue;
            report_cell_text(r, row, 2, report_fmt(r, "%.1f", 100 * c.a));
            report_cell_text(r, row, 2 + k, points(r, &c, 1));
        }
    }
}

static void put_parity(struct report *r, const struct vendor *v, int with_plots)
{
    report_section(r, "Do they answer alike?");
    if (v->n < 2) {
        report_text(r, "There is nothing to compare with.");
        return;
    }
    put_verdicts(r, v);
    report_text(r, "Alike: at least %.0f %% of A's right answers, a loss of %.0f point excluded by "
                   "the same items (one-sided, 95 %%), and answers as long within %.0f %%. Points: "
                   "with their %.0f %% interval (Tango's score). Lost: right in A, wrong there.",
                100 * PARITY_SHARE, 100 * PARITY_MARGIN, 100 * PARITY_LENGTH, 100 * v->conf);
    for (int k = 1; k < v->n; k++)
        if (v->pairing[k].no_ratio)
            report_warning(r, "The speed comparison of %s with A is void: %s. Its own numbers "
                           "stand below, without ratios.", v->sides[k].letter,
                           v->pairing[k].no_ratio);
    if (with_plots)
        vendor_plot_parity(r, v);
    put_tasks(r, v);
}

/* --- quantities ------------------------------------------------------------------------------- */

enum { COLUMNS_MAX = 2 + 2 * VENDOR_SIDES_MAX };

static const char *ratio_text(struct report *r, const struct ratio *x)
{
    if (isnan(x->ratio))
        return NULL;
    if (isnan(x->low) || isnan(x->high))
        return report_fmt(r, "%.3g", x->ratio);
    return report_fmt(r, "%.3g [%.3g, %.3g]", x->ratio, x->low, x->high);
}

static int make_columns(struct report *r, const struct vendor *v, struct report_column *c)
{
    int n = 0;

    c[n++] = (struct report_column){"test", "test", NULL, 9};
    c[n++] = (struct report_column){"quantity", "quantity", NULL, 9};
    for (int k = 0; k < v->n; k++)
        c[n++] = (struct report_column){report_fmt(r, "%c", 'a' + k), v->sides[k].letter, NULL, 8};
    for (int k = 1; k < v->n; k++)
        if (!v->pairing[k].no_ratio)
            c[n++] = (struct report_column){report_fmt(r, "%c_ratio", 'a' + k),
                                            report_fmt(r, "%s/A", v->sides[k].letter), NULL, 7};
    return n;
}

static const char *number(struct report *r, double x)
{
    return report_fmt(r, fabs(x) >= 1000 ? "%.0f" : "%.4g", x);
}

static void put_row(struct report *r, const struct vendor *v, struct report_table *t,
                    const struct vendor_row *x)
{
    const struct shown *how = shown_of(x->metric);
    struct report_cell *row = report_row(r, t);
    int at = 2;

    report_cell_text(r, row, 0, x->threads ? report_fmt(r, "%s, %d thread%s", x->test, x->threads,
                                                        x->threads == 1 ? "" : "s")
                                           : x->test);
    report_cell_text(r, row, 1, how ? how->name : x->metric->label);
    for (int k = 0; k < v->n; k++, at++)
        if (!isnan(x->cells[k].value))
            report_cell_text(r, row, at, number(r, x->cells[k].value / (how ? how->unit : 1)));
    for (int k = 1; k < v->n; k++)
        if (!v->pairing[k].no_ratio)
            report_cell_text(r, row, at++, ratio_text(r, &x->ratios[k]));
}

static void put_group(struct report *r, const struct vendor *v, enum vendor_group g,
                      const char *title)
{
    struct report_column columns[COLUMNS_MAX];
    struct report_table *t = NULL;

    for (size_t i = 0; i < v->n_rows; i++) {
        if (v->rows[i].group != g)
            continue;
        if (!t) {
            report_section(r, title);
            t = report_table(r, vendor_group_name(g), "Side by side", columns,
                             make_columns(r, v, columns));
        }
        put_row(r, v, t, &v->rows[i]);
    }
}

static void put_energy_notes(struct report *r, const struct vendor *v)
{
    for (int k = 0; k < v->n; k++)
        if (v->sides[k].no_energy)
            report_text(r, "%s has no measured energy: %s.", v->sides[k].letter,
                        v->sides[k].no_energy);
}

static void put_bandwidth_notes(struct report *r, const struct vendor *v)
{
    report_text(r, "Bytes of weights that a decoded token reads, times tokens per second; what "
                   "memory gives at most is the best of some reads of a block that no cache holds, "
                   "by the device itself; over 100 %% the weights stay in its caches.");
    for (int k = 0; k < v->n; k++)
        if (v->sides[k].no_bandwidth)
            report_text(r, "%s: what its memory gives at most is not known: %s.",
                        v->sides[k].letter, v->sides[k].no_bandwidth);
}

/* --- the frontier ----------------------------------------------------------------------------- */

static const char *fronts_of(struct report *r, const struct vendor_point *p)
{
    static const char *const names[VENDOR_COSTS] = {"time", "memory", "file", "energy"};
    const char *all = NULL;

    for (int c = 0; c < VENDOR_COSTS; c++)
        if (p->on[c])
            all = report_fmt(r, "%s%s%s", all ? all : "", all ? ", " : "", names[c]);
    return all ? all : "none";
}

static void put_frontier(struct report *r, const struct vendor *v, int with_plots)
{
    static const struct report_column columns[] = {
        {"side", "side", NULL, 9},          {"accuracy", "accuracy, %", NULL, 9},
        {"tpot_ms", "ms/token", NULL, 8},   {"memory", "peak, MB", NULL, 7},
        {"file", "file, MB", NULL, 6},      {"joules", "J/right", NULL, 6},
        {"bits", "bit/MB", NULL, 5},        {"front", "best for", NULL, 9},
    };
    struct report_table *t;

    report_section(r, "What costs least for what it knows");
    t = report_table(r, "frontier", "Cost and quality", columns, 8);
    for (int k = 0; k < v->n; k++) {
        const struct vendor_point *p = &v->points[k];
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, v->sides[k].letter);
        if (!isnan(p->accuracy.value))
            report_cell_text(r, row, 1, report_fmt(r, "%.2f [%.2f, %.2f]", 100 * p->accuracy.value,
                                                   100 * p->accuracy.low, 100 * p->accuracy.high));
        if (!isnan(p->cost[VENDOR_COST_TIME]))
            report_cell_text(r, row, 2, report_fmt(r, "%.4g", 1e3 * p->cost[VENDOR_COST_TIME]));
        report_cell_text(r, row, 3, mb(r, p->cost[VENDOR_COST_MEMORY]));
        report_cell_text(r, row, 4, mb(r, p->cost[VENDOR_COST_FILE]));
        if (!isnan(p->cost[VENDOR_COST_ENERGY]))
            report_cell_text(r, row, 5, report_fmt(r, "%.4g", p->cost[VENDOR_COST_ENERGY]));
        if (!isnan(p->bits_per_mbyte))
            report_cell_text(r, row, 6, report_fmt(r, "%.3g", p->bits_per_mbyte));
        report_cell_text(r, row, 7, fronts_of(r, p));
    }
    report_text(r, "Best for a cost: no other side is at least as accurate at most at this cost, "
                   "and better in one of them; by the values, not by their intervals (Wilson's). "
                   "Sides of another profile than A's, and of other items, are not ranked. bit/MB: "
                   "knowledge of the bank of facts per megabyte of file.");
    if (with_plots)
        vendor_plot_frontier(r, v);
}

/* ---------------------------------------------------------------------------------------------- */

static void put_headline(struct report *r, const struct vendor *v)
{
    for (int k = 1; k < v->n && k < 3; k++) {
        const struct vendor_pairing *p = &v->pairing[k];
        report_headline(r, report_fmt(r, "answers of %s", v->sides[k].letter),
                        parity_name(p->parity), p->why[0] ? p->why : NULL);
        for (size_t i = 0; i < v->n_rows && !p->no_ratio; i++)
            if (v->rows[i].group == VENDOR_THROUGHPUT && v->rows[i].depth == 0 &&
                strncmp(v->rows[i].test, "tg", 2) == 0) {
                report_headline(r, report_fmt(r, "decoding, %s/A", v->sides[k].letter),
                                ratio_text(r, &v->rows[i].ratios[k]), NULL);
                break;
            }
    }
}

void vendor_report(struct report *r, const struct vendor *v, int with_plots)
{
    r->subtitle = v->n > 1 ? report_fmt(r, "%d bundle%s against %s", v->n - 1,
                                        v->n > 2 ? "s" : "", vendor_side_name(r, v, 0))
                           : vendor_side_name(r, v, 0);
    put_headline(r, v);
    report_section(r, "What was measured");
    put_sides(r, v);
    put_failures(r, v);
    put_parity(r, v, with_plots);
    put_group(r, v, VENDOR_LATENCY, "Latency");
    report_text(r, "TTFT: from the arrival of a request to its first token; TPOT: between later "
                   "ones; claimed: what the requests allow to be claimed of the percentile (early "
                   "stopping, 99 %%). Ratios: over the requests that both answered, which are the "
                   "same, with %.0f %% intervals (Wilcoxon).", 100 * v->conf);
    for (int k = 0; k < v->n; k++)
        if (v->sides[k].no_rate)
            report_text(r, "%s as a server: %s.", v->sides[k].letter, v->sides[k].no_rate);
    put_group(r, v, VENDOR_THROUGHPUT, "Throughput");
    report_text(r, "pp: prefill, tg: decode, @d: after so many tokens. Each side with its most "
                   "threads. Ratios of speeds: all pairs of samples (Hodges and Lehmann). That two "
                   "processes of one program differ is in no interval here.");
    if (with_plots)
        vendor_plots_scaling(r, v, VENDOR_THROUGHPUT);
    put_group(r, v, VENDOR_MEMORY, "Memory");
    put_group(r, v, VENDOR_ENERGY, "Energy");
    put_energy_notes(r, v);
    put_group(r, v, VENDOR_BANDWIDTH, "Use of the memory's bandwidth");
    put_bandwidth_notes(r, v);
    put_group(r, v, VENDOR_THREADS, "Scaling over threads");
    if (with_plots)
        vendor_plots_scaling(r, v, VENDOR_THREADS);
    put_group(r, v, VENDOR_BATCH, "Scaling over streams decoded together");
    if (with_plots)
        vendor_plots_scaling(r, v, VENDOR_BATCH);
    put_frontier(r, v, with_plots);
    put_differences(r, v);
}
