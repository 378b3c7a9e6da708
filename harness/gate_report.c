#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/gate_write.h"
#include "harness/sides_write.h"

enum { LOST_SHOWN = 50 };

void gate_check_name(char *name, size_t size, const struct gate_check *c)
{
    snprintf(name, size, "%s%s%s", gate_quantity_name(c->quantity), c->task ? " of " : "",
             c->task ? c->task : "");
}

/* --- numbers as words ---------------------------------------------------------------------- */

static const char *level(struct report *r, const struct gate_check *c, double v)
{
    if (isnan(v))
        return NULL;
    switch (c->quantity) {
    case GATE_ACCURACY: return report_fmt(r, "%.2f %%", 100 * v);
    case GATE_LIKELIHOOD: return report_fmt(r, "%.4f", v);
    case GATE_LATENCY: return report_fmt(r, "%.4g s", v);
    case GATE_MEMORY: return report_fmt(r, "%.1f MB", v / 1e6);
    case GATE_ENERGY: return report_fmt(r, "%.4g J", v);
    }
    return NULL;
}

/* Changes: points, nats per byte, per cent of a ratio. */
static double change_of(const struct gate_check *c, double v)
{
    return c->quantity == GATE_ACCURACY ? 100 * v
           : c->quantity == GATE_LIKELIHOOD ? v : 100 * (v - 1);
}

static const char *change(struct report *r, const struct gate_check *c)
{
    const char *fmt = c->quantity == GATE_LIKELIHOOD ? "%+.4f [%+.4f, %+.4f]"
                                                     : "%+.2f [%+.2f, %+.2f]";

    if (isnan(c->estimate))
        return NULL;
    if (isnan(c->low) || isnan(c->high))
        return report_fmt(r, c->quantity == GATE_LIKELIHOOD ? "%+.4f, no interval"
                                                            : "%+.2f, no interval",
                          change_of(c, c->estimate));
    return report_fmt(r, fmt, change_of(c, c->estimate), change_of(c, c->low),
                      change_of(c, c->high));
}

static const char *limit(struct report *r, const struct gate_check *c)
{
    switch (c->quantity) {
    case GATE_ACCURACY: return report_fmt(r, "-%.2f points", 100 * c->margin);
    case GATE_LIKELIHOOD: return report_fmt(r, "-%.4f nats/byte", c->margin);
    default: return report_fmt(r, "+%.1f %%", 100 * c->margin);
    }
}

/* --- blocks --------------------------------------------------------------------------------- */

static void put_headline(struct report *r, const struct gate_story *s)
{
    const struct gate *g = s->gate;
    char name[160];

    report_headline(r, "Verdict", verdict_name(g->verdict), NULL);
    for (size_t i = 0; i < g->n_checks; i++) {
        const struct gate_check *c = &g->checks[i];
        if ((c->task && c->quantity != GATE_LATENCY) || isnan(c->estimate))
            continue;
        gate_check_name(name, sizeof name, c);
        report_headline(r, report_str(r, name),
                        report_fmt(r, c->quantity == GATE_ACCURACY ? "%+.2f points"
                                      : c->quantity == GATE_LIKELIHOOD ? "%+.4f nats/byte"
                                                                       : "%+.1f %%",
                                   change_of(c, c->estimate)),
                        verdict_name(c->verdict));
    }
}

static void put_why(struct report *r, const struct gate_story *s)
{
    const struct gate *g = s->gate;
    char name[160];

    if (g->verdict == VERDICT_PASS)
        report_text(r, "%s: %s.", verdict_name(g->verdict), g->reason);
    else
        report_warning(r, "%s: %s.", verdict_name(g->verdict), g->reason);
    for (int v = VERDICT_FAIL; v > VERDICT_PASS; v--) /* the worst first */
        for (size_t i = 0; i < g->n_checks; i++) {
            if ((int)g->checks[i].verdict != v)
                continue;
            gate_check_name(name, sizeof name, &g->checks[i]);
            report_fact(r, report_fmt(r, "%s, %s", verdict_name(g->checks[i].verdict), name),
                        g->checks[i].reason);
        }
}

static void put_repeats(struct report *r, const struct gate_story *s)
{
    size_t count[2][2] = {{0}};

    for (size_t i = 0; i < s->in->n_processes; i++)
        count[s->in->processes[i].earlier != 0][s->in->processes[i].candidate != 0]++;
    if (count[0][0] + count[0][1] > 2)
        report_fact(r, "repeats", report_fmt(r, "%zu and %zu runs, %s", count[0][0], count[0][1],
                                             s->gate->alternate ? "alternating"
                                                                : "not alternating"));
    if (count[1][0] + count[1][1])
        report_fact(r, "earlier runs", report_fmt(r, "%zu and %zu of the same programs: they tell "
                                                  "how far two runs of one program differ",
                                                  count[1][0], count[1][1]));
    for (size_t i = 0; i < s->gate->n_checks; i++) {
        const struct gate_check *c = &s->gate->checks[i];
        char name[160];
        if (isnan(c->spread))
            continue;
        gate_check_name(name, sizeof name, c);
        report_fact(r, report_fmt(r, "spread of %s", name),
                    report_fmt(r, "%.1f %% from run to run", 100 * expm1(c->spread)));
    }
}

static void put_runs(struct report *r, const struct gate_story *s)
{
    report_section(r, "What was compared");
    report_fact(r, "baseline", report_fmt(r, "%s (%s, %s)", s->in->a->id, s->in->a->model.name,
                                          s->in->a->created));
    report_fact(r, "candidate", report_fmt(r, "%s (%s, %s)", s->in->b->id, s->in->b->model.name,
                                           s->in->b->created));
    put_repeats(r, s);
    if (s->in->pairs)
        report_fact(r, "items", report_fmt(r, "%zu, the same in both runs", s->in->pairs->n));
    report_fact(r, "policy", report_fmt(r, "%s (SHA-256 %.12s)", s->policy_path,
                                        s->policy->sha256));
    report_fact(r, "look", report_fmt(r, "%d of %d, alpha %.4g one-sided", s->gate->look,
                                      s->policy->looks, gate_policy_alpha(s->policy)));
}

static void put_checks(struct report *r, const struct gate_story *s)
{
    static const struct report_column columns[] = {
        {"check", "check", NULL, 9},     {"verdict", "verdict", NULL, 8},
        {"change", "change", NULL, 7},   {"limit", "limit", NULL, 6},
        {"items", "items", NULL, 3},     {"baseline", "baseline", NULL, 2},
        {"candidate", "candidate", NULL, 2}, {"p", "p, corrected", NULL, 1},
    };
    struct report_table *t;
    char name[160];

    if (!s->gate->n_checks)
        return;
    report_section(r, "Checks");
    t = report_table(r, "checks", "Every check", columns, 8);
    for (size_t i = 0; i < s->gate->n_checks; i++) {
        const struct gate_check *c = &s->gate->checks[i];
        struct report_cell *row = report_row(r, t);
        gate_check_name(name, sizeof name, c);
        report_cell_text(r, row, 0, name);
        report_cell_text(r, row, 1, verdict_name(c->verdict));
        report_cell_text(r, row, 2, change(r, c));
        report_cell_text(r, row, 3, limit(r, c));
        report_cell_text(r, row, 4, report_fmt(r, "%zu", c->n));
        report_cell_text(r, row, 5, level(r, c, c->a));
        report_cell_text(r, row, 6, level(r, c, c->b));
        report_cell_text(r, row, 7, isnan(c->p_adjusted) ? NULL
                                                         : report_fmt(r, "%.3g", c->p_adjusted));
    }
    report_text(r, "Change: candidate against baseline, in points of accuracy, nats per byte, or "
                   "per cent for latency, memory and energy, with the interval that the limit is "
                   "held against (%.4g %%).", 100 * (1 - 2 * gate_policy_alpha(s->policy)));
}

/* How sure "no loss was seen" is: always worth a look, decisive where nothing could be decided. */
static void put_power(struct report *r, const struct gate_story *s)
{
    static const struct report_column columns[] = {
        {"check", "check", NULL, 9},
        {"items", "items", NULL, 6},
        {"mde", "loss that shows", NULL, 8},
        {"needed", "would decide", NULL, 7},
    };
    struct report_table *t = NULL;
    char name[160];

    for (size_t i = 0; i < s->gate->n_checks; i++) {
        const struct gate_check *c = &s->gate->checks[i];
        struct report_cell *row;
        if (isnan(c->mde))
            continue;
        if (!t) {
            report_section(r, "What these items could show");
            t = report_table(r, "power", "Sensitivity", columns, 4);
        }
        row = report_row(r, t);
        gate_check_name(name, sizeof name, c);
        report_cell_text(r, row, 0, name);
        report_cell_text(r, row, 1, report_fmt(r, "%zu", c->n));
        report_cell_text(r, row, 2,
                         c->quantity == GATE_ACCURACY ? report_fmt(r, "%.2f points", 100 * c->mde)
                         : c->quantity == GATE_LIKELIHOOD ? report_fmt(r, "%.4f nats/byte", c->mde)
                                                          : report_fmt(r, "%.1f %%", 100 * c->mde));
        if (isfinite(c->n_needed))
            report_cell_text(r, row, 3, report_fmt(r, c->levels ? "%.0f runs a side" : "%.0f items",
                                                   c->n_needed));
    }
    if (t)
        report_text(r, "With %.0f %% power: the smallest loss that these items or runs show, and "
                       "how many show a candidate that is equal to be within the limit.",
                    100 * s->policy->power);
}

static void put_lost(struct report *r, const struct gate_story *s)
{
    static const struct report_column columns[] = {
        {"task", "task", NULL, 9}, {"doc_id", "document", NULL, 8}, {"doc_hash", "hash", NULL, 1},
        {"baseline_item", "row of the baseline", NULL, 3},
        {"candidate_item", "row of the candidate", NULL, 3},
    };
    struct report_table *t = NULL;
    size_t lost = 0;

    for (size_t k = 0; s->in->pairs && k < s->in->pairs->n_tasks; k++)
        for (size_t i = 0; i < s->in->pairs->tasks[k].n; i++) {
            const struct pair *p = &s->in->pairs->tasks[k].v[i];
            struct report_cell *row;
            if (!sides_changed(p, SIDES_LOST) || ++lost > LOST_SHOWN)
                continue;
            if (!t) {
                report_section(r, "Lost items");
                t = report_table(r, "lost", "Right before, wrong now", columns, 5);
            }
            row = report_row(r, t);
            report_cell_text(r, row, 0, s->in->pairs->tasks[k].task);
            report_cell_text(r, row, 1, report_fmt(r, "%d", p->doc_id));
            report_cell_text(r, row, 2, report_fmt(r, "%.16s", p->doc_hash));
            report_cell_text(r, row, 3, report_fmt(r, "%lld", (long long)p->a.item));
            report_cell_text(r, row, 4, report_fmt(r, "%lld", (long long)p->b.item));
        }
    if (lost)
        report_text(r, "%zu item%s the baseline had and the candidate has not%s. "
                       "'densimeter compare %s %s' shows what was answered.", lost,
                    lost == 1 ? "" : "s", lost > LOST_SHOWN ? ", the first 50 here" : "",
                    s->in->a->id, s->in->b->id);
}

static void put_method(struct report *r)
{
    report_section(r, "How it was decided");
    report_text(r, "Items are compared one by one with the same items of the baseline. A check "
                   "passes when its interval stays within the limit, fails when the interval lies "
                   "beyond it or when the loss is significant after correction and large enough "
                   "to matter, and is inconclusive otherwise. Accuracy: Tango's score interval, "
                   "clusters by their design effect, McNemar's mid-p; likelihood: Student's t over "
                   "clusters. Latency and energy are compared by the run: signed ranks of runs "
                   "that alternate, Hodges and Lehmann's ratio of several runs, or Student's law "
                   "with the spread of repeats and earlier runs; where nothing tells the spread, "
                   "the ratio of the single runs widened by the noise floor.");
}

void gate_report(struct report *r, const struct gate_story *s)
{
    r->subtitle = report_fmt(r, "%s against %s", s->in->b->model.name, s->in->a->model.name);
    put_headline(r, s);
    put_why(r, s);
    put_checks(r, s);
    put_power(r, s);
    sides_environment_page(r, &s->gate->env, 1);
    put_lost(r, s);
    put_runs(r, s);
    put_method(r);
}
