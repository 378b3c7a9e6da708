/* night_settle.c -- from comparisons to verdicts, and from verdicts to the lines people read. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/night_impl.h"
#include "harness/stats_multiple.h"

const char *const verdict_names[] = {"PASS", "FAIL", "INCONCLUSIVE", "INVALID", "-"};

/* How much worse, as a share or a difference: above 0 is worse, whichever way the quantity goes. */
struct loss {
    double value, low, high;
};

static struct loss loss_of(const struct comparison *c)
{
    int higher_is_worse = strcmp(c->quantity, "time") == 0 || strcmp(c->quantity, "memory") == 0;

    return higher_is_worse ? (struct loss){c->change, c->low, c->high}
                           : (struct loss){-c->change, -c->high, -c->low};
}

static enum verdict judge_one(struct judge *j, struct comparison *c)
{
    const struct loss l = loss_of(c);
    int counted = strcmp(c->quantity, "accuracy") == 0 || strcmp(c->quantity, "nats per byte") == 0;

    if (c->identical)
        return VERDICT_PASS;
    if (counted && c->n < j->plan->thresholds.min_items) {
        c->why = judge_text(j, "%d items decide nothing (min_items is %d)", c->n,
                            j->plan->thresholds.min_items);
        return VERDICT_INCONCLUSIVE;
    }
    if (c->noisy) {
        c->why = "measured on a noisy machine";
        return l.high < c->threshold ? VERDICT_PASS : VERDICT_INCONCLUSIVE;
    }
    if (l.low > c->threshold ||
        (counted && c->adjusted <= j->plan->thresholds.q && l.value >= c->threshold))
        return VERDICT_FAIL;
    return l.high < c->threshold ? VERDICT_PASS : VERDICT_INCONCLUSIVE;
}

/* A gain as sure and as large as a loss would have to be. */
static int is_gain(const struct comparison *c)
{
    return !c->noisy && !c->identical && loss_of(c).high < -c->threshold;
}

static int adjust(struct judge *j)
{
    struct night_report *r = j->r;
    double *p = mem_calloc(r->n_comparisons + 1, sizeof *p);
    int rc;

    if (!p)
        return err_nomem(j->e);
    for (size_t i = 0; i < r->n_comparisons; i++)
        p[i] = r->comparisons[i].identical ? NAN : r->comparisons[i].p;
    rc = stats_adjust(CORRECT_BH, p, r->n_comparisons, p, j->e);
    for (size_t i = 0; i < r->n_comparisons && rc == 0; i++)
        r->comparisons[i].adjusted = p[i];
    mem_free(p);
    return rc;
}

/* "-3.2 points (90 %: -4.9 to -1.6), lost 61, won 40 of 1000" */
static void put_change(struct strbuf *b, const struct comparison *c)
{
    if (strcmp(c->quantity, "accuracy") == 0) {
        strbuf_addf(b, "%+.2f points (90 %%: %+.2f to %+.2f), lost %g and won %g of %d items",
                    100 * c->change, 100 * c->low, 100 * c->high, c->lost, c->won, c->n);
    } else if (strcmp(c->quantity, "nats per byte") == 0) {
        strbuf_addf(b, "%+.4f (90 %%: %+.4f to %+.4f) over %d items", c->change, c->low, c->high,
                    c->n);
    } else if (strcmp(c->quantity, "memory") == 0) {
        strbuf_addf(b, "%+.1f %% (%.1f MB, was %.1f MB)", 100 * c->change, c->after / 1e6,
                    c->before / 1e6);
    } else {
        strbuf_addf(b, "%+.1f %% (95 %%: %+.1f to %+.1f), %.4g tok/s, was %.4g", 100 * c->change,
                    100 * c->low, 100 * c->high, c->after, c->before);
    }
}

static int tell(struct judge *j, const struct comparison *c, enum finding_kind kind)
{
    struct strbuf b = STRBUF_INIT;
    int rc = -1;

    put_change(&b, c);
    if (strbuf_ok(&b, j->e) == 0)
        rc = judge_find(j, kind, fabs(c->change) / (c->threshold > 0 ? c->threshold : 1),
                        "%s: %s: %s %s against %s", c->series, c->what, c->quantity,
                        strbuf_str(&b), c->baseline);
    strbuf_release(&b);
    return rc;
}

static int tell_comparisons(struct judge *j)
{
    for (size_t i = 0; i < j->r->n_comparisons; i++) {
        struct comparison *c = &j->r->comparisons[i];
        c->verdict = judge_one(j, c);
        if (c->verdict == VERDICT_FAIL ? tell(j, c, FINDING_REGRESSION) < 0
                                       : is_gain(c) && tell(j, c, FINDING_GAIN) < 0)
            return -1;
    }
    return 0;
}

static int tell_cells(struct judge *j)
{
    const struct cell_list *l = &j->r->cells;

    for (size_t i = 0; i < l->n; i++) {
        const struct cell_row *c = &l->v[i], *before = i ? &l->v[i - 1] : NULL;
        if (strcmp(c->status, "failed") != 0 ||
            (before && strcmp(before->status, "failed") == 0 &&
             strcmp(before->spec.series, c->spec.series) == 0))
            continue;
        if (judge_find(j, FINDING_CELL, 0, "%s: %s: %s", c->spec.series,
                       c->outcome ? c->outcome : "failed", c->reason ? c->reason : "") < 0)
            return -1;
    }
    return 0;
}

static int tell_changes(struct judge *j)
{
    for (size_t i = 0; i < j->r->n_changes; i++) {
        const struct night_change *c = &j->r->changes[i];
        enum finding_kind kind = c->worse == 1   ? FINDING_CHANGE
                                 : c->worse == 0 ? FINDING_GAIN
                                                 : FINDING_NOTE;
        if (!c->is_new)
            continue;
        if (judge_find(j, kind, c->magnitude,
                       "%s: %s changed with night %d of %s: %.4g, was %.4g (p %.2g)",
                       c->series, c->metric, c->night, c->date, c->after, c->before, c->p) < 0)
            return -1;
    }
    return 0;
}

static int tell_segments(struct judge *j)
{
    for (size_t i = 0; i < j->n_reasons; i++) {
        const struct reason *r = &j->reasons[i];
        char others[40] = "";
        if (r->series > 1)
            snprintf(others, sizeof others, " and %d other series", r->series - 1);
        if (judge_find(j, FINDING_SEGMENT, r->series, "%s%s: a new segment begins: %s", r->first,
                       others, r->changed) < 0)
            return -1;
    }
    return 0;
}

static int tell_night(struct judge *j)
{
    struct night_report *r = j->r;

    if (r->night.clock_back &&
        judge_find(j, FINDING_NOTE, 2, "the system clock was set back: night %d is dated %s",
                   r->night.n, r->night.date) < 0)
        return -1;
    if (r->missed > 0 && judge_find(j, FINDING_NOTE, 1, "%d night%s missed before this one",
                                    r->missed, r->missed == 1 ? " was" : "s were") < 0)
        return -1;
    if (r->night.n_noisy &&
        judge_find(j, FINDING_NOTE, 0, "%d of %d cells ran on a noisy machine", r->night.n_noisy,
                   r->night.n_cells) < 0)
        return -1;
    if (!r->has_baseline && r->night.n_done)
        return judge_find(j, FINDING_NOTE, 3,
                          "nothing to compare with: 'densimeter nightly pin RUN' pins a night, or "
                          "\"baseline\" in the plan");
    return 0;
}

static int by_kind(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->weight > y->weight ? -1 : x->weight < y->weight;
}

static size_t count(const struct night_report *r, enum finding_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_findings; i++)
        n += r->findings[i].kind == kind;
    return n;
}

/* cli.md: 0 PASS, 1 FAIL, 2 INCONCLUSIVE, 3 invalid or not comparable. */
static void conclude(struct night_report *r)
{
    int open = !r->has_baseline;

    for (size_t i = 0; i < r->n_comparisons; i++)
        open |= r->comparisons[i].verdict == VERDICT_INCONCLUSIVE;
    if (count(r, FINDING_REGRESSION) || count(r, FINDING_CELL) || count(r, FINDING_CHANGE))
        r->verdict = VERDICT_FAIL;
    else if (count(r, FINDING_INVALID))
        r->verdict = VERDICT_INVALID;
    else
        r->verdict = open ? VERDICT_INCONCLUSIVE : VERDICT_PASS;
    r->exit_status = r->verdict == VERDICT_PASS           ? 0
                     : r->verdict == VERDICT_FAIL         ? 1
                     : r->verdict == VERDICT_INCONCLUSIVE ? 2
                                                          : 3;
}

int judge_settle(struct judge *j)
{
    if (adjust(j) < 0 || tell_comparisons(j) < 0 || tell_cells(j) < 0 || tell_changes(j) < 0 ||
        tell_segments(j) < 0 || tell_night(j) < 0)
        return -1;
    if (j->r->n_findings)
        qsort(j->r->findings, j->r->n_findings, sizeof *j->r->findings, by_kind);
    conclude(j->r);
    return 0;
}
