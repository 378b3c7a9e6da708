/* night_speed.c -- speed tests of a night: their processes' samples, how much the program differs
 * from itself, and the comparison with the baseline (statistics.md 5.2, 5.6). */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/night_impl.h"
#include "harness/stats_rank.h"
#include "results/query.h"

/* --- samples -------------------------------------------------------------------------------- */

static struct speed *test_of(struct speeds *s, const char *test)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->v[i].test, test) == 0)
            return &s->v[i];
    if (mem_grow(&s->v, &s->cap, s->n + 1, sizeof *s->v) < 0)
        return NULL;
    s->v[s->n] = (struct speed){.test = arena_strdup(&s->arena, test)};
    return s->v[s->n].test ? &s->v[s->n++] : NULL;
}

/* The unit of analysis is the process: one value for each, the median of its samples. */
static int add_row(struct speeds *s, const struct store_bench *b, int arm, int pair,
                   struct err *e)
{
    const struct store_value *peak = bench_value(b, "peak_rss_bytes");
    struct speed *t;
    double *sorted;

    if (b->rival || b->n_samples == 0)
        return 0;
    t = test_of(s, b->test);
    sorted = mem_calloc((size_t)b->n_samples, sizeof *sorted);
    if (!t || !sorted || mem_grow(&t->s, &t->cap, t->n + 1, sizeof *t->s) < 0 ||
        mem_grow(&t->arm, &t->cap_arm, t->n + 1, sizeof *t->arm) < 0 ||
        mem_grow(&t->pair, &t->cap_pair, t->n + 1, sizeof *t->pair) < 0 ||
        mem_grow(&t->peak, &t->cap_peak, t->n + 1, sizeof *t->peak) < 0) {
        mem_free(sorted);
        return err_nomem(e);
    }
    memcpy(sorted, b->samples, (size_t)b->n_samples * sizeof *sorted);
    stats_sort(sorted, (size_t)b->n_samples);
    t->s[t->n] = stats_median(sorted, (size_t)b->n_samples);
    t->arm[t->n] = arm;
    t->pair[t->n] = pair;
    t->peak[t->n] = peak ? peak->value : NAN;
    t->tokens = (double)b->tokens;
    t->n += t->s[t->n] > 0;
    mem_free(sorted);
    return 0;
}

static int add_run(struct speeds *out, struct store *s, const char *run, int arm, int pair,
                   struct err *e)
{
    struct bench_list rows;
    int rc = query_bench(s, run, &rows, e);

    for (size_t i = 0; i < rows.n && rc == 0; i++)
        rc = add_row(out, &rows.v[i], arm, pair, e);
    bench_list_release(&rows);
    return rc;
}

int speeds_of_cells(struct speeds *out, struct store *s, const struct cell_list *cells,
                    const char *series, struct err *e)
{
    *out = (struct speeds){0};
    for (size_t i = 0; i < cells->n; i++) {
        const struct cell_row *c = &cells->v[i];
        if (strcmp(c->spec.series, series) == 0 && strcmp(c->status, "done") == 0 && c->run &&
            add_run(out, s, c->run, c->spec.arm, 2 * c->spec.block + c->spec.place / 2, e) < 0) {
            speeds_release(out);
            return -1;
        }
    }
    return 0;
}

int speeds_of_runs(struct speeds *out, struct store *s, const struct run_ids *ids, struct err *e)
{
    *out = (struct speeds){0};
    for (size_t i = 0; i < ids->n; i++)
        if (add_run(out, s, ids->v[i], 0, -1, e) < 0) {
            speeds_release(out);
            return -1;
        }
    return 0;
}

void speeds_release(struct speeds *s)
{
    for (size_t i = 0; i < s->n; i++) {
        mem_free(s->v[i].s);
        mem_free(s->v[i].arm);
        mem_free(s->v[i].pair);
        mem_free(s->v[i].peak);
    }
    mem_free(s->v);
    arena_release(&s->arena);
    *s = (struct speeds){0};
}

const struct speed *speeds_find(const struct speeds *s, const char *test)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->v[i].test, test) == 0)
            return &s->v[i];
    return NULL;
}

/* --- the program against itself -------------------------------------------------------------- */

int speed_self(const struct speed *s, double *out, struct err *e)
{
    double *sides = mem_calloc(2 * s->n + 1, sizeof *sides), *b = sides ? sides + s->n : NULL;
    size_t m = 0, n = 0;
    int one_arm = 1, rc = -1;
    struct ratio r;

    *out = NAN;
    if (!sides)
        return err_nomem(e);
    for (size_t i = 1; i < s->n; i++)
        one_arm &= s->arm[i] == s->arm[0];
    for (size_t i = 0; i < s->n; i++) {
        /* with one arm in A B B A its processes alternate between beginning and end of a block */
        if (one_arm ? i % 2 : (size_t)s->arm[i])
            b[n++] = s->s[i];
        else
            sides[m++] = s->s[i];
    }
    if (m == 0 || n == 0)
        rc = 0;
    else if ((rc = stats_ratio(sides, m, b, n, 0.95, &r, e)) == 0)
        *out = fabs(log(r.ratio));
    mem_free(sides);
    return rc;
}

double speed_floor(const struct point_list *l, const char *series, const char *test,
                   int64_t segment, int *n, double *scratch)
{
    size_t length = strlen(test), k = 0;

    for (size_t i = 0; i < l->n; i++) {
        const struct point *p = &l->v[i];
        if (p->segment_id == segment && strcmp(p->series, series) == 0 &&
            strncmp(p->metric, test, length) == 0 &&
            strcmp(p->metric + length, " " SELF_METRIC) == 0)
            scratch[k++] = p->value;
    }
    *n = (int)k;
    stats_sort(scratch, k);
    return k ? stats_percentile_linear(scratch, k, 0.95) : NAN;
}

/* --- one program against another -------------------------------------------------------------- */

/* d[i] = ln of b's time over that of its partner in a; 0 unless each has exactly one. */
static size_t pair_up(const struct speed *a, const struct speed *b, double *d)
{
    if (a->n != b->n)
        return 0;
    for (size_t i = 0; i < b->n; i++) {
        int found = 0;
        for (size_t k = 0; k < a->n; k++)
            if (b->pair[i] >= 0 && a->pair[k] == b->pair[i]) {
                d[i] = log(b->s[i]) - log(a->s[k]);
                found++;
            }
        if (found != 1)
            return 0;
    }
    return b->n;
}

int speeds_compare(const struct speed *a, const struct speed *b, struct ratio *out,
                   double *p_slower, struct err *e)
{
    double *d = mem_calloc(b->n + 1, sizeof *d);
    struct mann_whitney u;
    size_t n;
    int rc = -1;

    if (!d)
        return err_nomem(e);
    n = pair_up(a, b, d);
    if (stats_paired_ratio(d, n, 0.95, out, e) < 0)
        goto out;
    if (out->coverage > 0) {
        rc = stats_signed_rank(d, n, p_slower, e);
    } else if (stats_ratio(a->s, a->n, b->s, b->n, 0.95, out, e) == 0 &&
               stats_mann_whitney(a->s, a->n, b->s, b->n, &u, e) == 0) {
        *p_slower = u.p_greater;
        rc = 0;
    }
out:
    mem_free(d);
    return rc;
}

/* --- comparisons ----------------------------------------------------------------------------- */

/* The A/A floor as a share, from all nights of the segment up to tonight. */
static int floor_of(struct judge *j, const char *series, const char *test, double *out, int *n)
{
    const struct point_list *l = &j->r->points;
    double *scratch = mem_calloc(l->n + 1, sizeof *scratch);
    int64_t segment = -1;

    if (!scratch)
        return err_nomem(j->e);
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].series, series) == 0)
            segment = l->v[i].segment_id; /* nights are in order */
    *out = expm1(speed_floor(l, series, test, segment, n, scratch));
    mem_free(scratch);
    return 0;
}

static int compare_times(struct judge *j, struct comparison *c, const struct speed *a,
                         const struct speed *b, const char *series)
{
    struct ratio r;
    int nights;

    if (speeds_compare(a, b, &r, &c->p, j->e) < 0 ||
        floor_of(j, series, b->test, &c->floor, &nights) < 0)
        return -1;
    c->quantity = "time";
    c->n = (int)b->n;
    c->change = r.ratio - 1;
    c->low = r.low - 1;
    c->high = r.high - 1;
    c->threshold = j->plan->thresholds.speed;
    if (c->floor > c->threshold)
        c->threshold = c->floor;
    if (nights < SELF_NIGHTS)
        c->why = judge_text(j, "the A/A floor is from %d of the %d nights that make one", nights,
                            SELF_NIGHTS);
    return 0;
}

static double median_of(const double *v, size_t n, double *scratch)
{
    memcpy(scratch, v, n * sizeof *v);
    stats_sort(scratch, n);
    return stats_median(scratch, n);
}

static int compare_test(struct judge *j, const struct cell_row *cell, const struct speed *a,
                        const struct speed *b, const char *baseline)
{
    struct comparison common, *c;
    double *scratch = mem_calloc(a->n + b->n + 1, sizeof *scratch);
    double before, after, peak_before, peak_after;
    int rc = -1;

    if (!scratch)
        return err_nomem(j->e);
    before = a->tokens / median_of(a->s, a->n, scratch);
    after = b->tokens / median_of(b->s, b->n, scratch);
    peak_before = median_of(a->peak, a->n, scratch);
    peak_after = median_of(b->peak, b->n, scratch);
    mem_free(scratch);
    c = judge_comparison(j);
    if (!c)
        return -1;
    c->series = cell->spec.series;
    c->what = judge_text(j, "%s", b->test);
    c->baseline = judge_text(j, "%s", baseline);
    c->candidate = cell->run;
    c->noisy = judge_quiet(&j->r->cells, cell->spec.series) == 0;
    common = *c;
    c->before = before;
    c->after = after;
    rc = compare_times(j, c, a, b, cell->spec.series);
    if (rc == 0 && !(peak_before > 0) != !(peak_after > 0))
        return judge_find(j, FINDING_NOTE, 0, "%s: peak memory of %s is known of only one of "
                          "tonight and %s", cell->spec.series, b->test, baseline);
    if (rc < 0 || !(peak_before > 0))
        return rc;
    c = judge_comparison(j);
    if (!c)
        return -1;
    *c = common;
    c->quantity = "memory";
    c->n = (int)b->n;
    c->before = peak_before;
    c->after = peak_after;
    c->change = c->low = c->high = peak_after / peak_before - 1;
    c->threshold = fmax(j->plan->thresholds.memory, MEMORY_GRAIN / peak_before);
    c->noisy = 0; /* other people's load takes no memory of ours */
    return 0;
}

static int tell_missing(struct judge *j, const struct cell_row *cell, const struct speeds *has,
                        const struct speeds *has_not, const char *which)
{
    for (size_t i = 0; i < has->n; i++)
        if (!speeds_find(has_not, has->v[i].test) &&
            judge_find(j, FINDING_INVALID, 0, "%s: %s has no %s", cell->spec.series, which,
                       has->v[i].test) < 0)
            return -1;
    return 0;
}

static int compare_all(struct judge *j, const struct cell_row *cell, const struct speeds *a,
                       const struct speeds *b, const char *baseline)
{
    const char *other = judge_text(j, "the baseline %s", baseline);

    if (!other)
        return err_nomem(j->e);
    if (tell_missing(j, cell, b, a, other) < 0 || tell_missing(j, cell, a, b, "this night") < 0)
        return -1;
    for (size_t i = 0; i < b->n; i++) {
        const struct speed *before = speeds_find(a, b->v[i].test);
        if (before && before->n && b->v[i].n &&
            compare_test(j, cell, before, &b->v[i], baseline) < 0)
            return -1;
    }
    return 0;
}

int judge_speed(struct judge *j, const struct cell_row *cell)
{
    struct run_ids ids = {0};
    struct speeds a = {0}, b = {0};
    int rc = night_baseline(&ids, j->store, j->plan, j->r->night.plan_id, cell, j->e);
    int is_itself = 0;

    for (size_t i = 0; i < ids.n; i++)
        is_itself |= strcmp(ids.v[i], cell->run) == 0;
    j->r->has_baseline |= ids.n > 0;
    if (rc == 0 && ids.n && !is_itself &&
        (rc = speeds_of_runs(&a, j->store, &ids, j->e)) == 0 &&
        (rc = speeds_of_cells(&b, j->store, &j->r->cells, cell->spec.series, j->e)) == 0)
        rc = compare_all(j, cell, &a, &b, ids.v[0]);
    speeds_release(&a);
    speeds_release(&b);
    mem_free(ids.v);
    return rc;
}

/* "... @A:old" and "... @B:new" of the same cells. */
const struct cell_row *speeds_other_build(const struct cell_list *l, const struct cell_row *b)
{
    const char *mark = strstr(b->spec.series, " @B:");

    for (size_t i = 0; mark && i < l->n; i++) {
        const char *series = l->v[i].spec.series;
        size_t n = (size_t)(mark - b->spec.series);
        if (strncmp(series, b->spec.series, n) == 0 && strncmp(series + n, " @A:", 4) == 0 &&
            l->v[i].run)
            return &l->v[i];
    }
    return NULL;
}

int judge_builds(struct judge *j)
{
    const struct cell_list *l = &j->r->cells;

    for (size_t i = 0; i < l->n; i++) {
        const struct cell_row *other = speeds_other_build(l, &l->v[i]);
        struct speeds a = {0}, b = {0};
        int rc = 0;
        if (!other || !judge_begins_series(l, i))
            continue;
        if ((rc = speeds_of_cells(&a, j->store, l, other->spec.series, j->e)) == 0 &&
            (rc = speeds_of_cells(&b, j->store, l, l->v[i].spec.series, j->e)) == 0)
            rc = compare_all(j, &l->v[i], &a, &b, other->run);
        speeds_release(&a);
        speeds_release(&b);
        if (rc < 0)
            return -1;
    }
    return 0;
}
