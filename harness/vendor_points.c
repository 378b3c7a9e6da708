/* vendor_points.c -- the comparison as a whole, and which of its sides nothing else beats. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/groups.h"
#include "harness/vendor.h"

const struct metric *vendor_cost_metric(enum vendor_cost c)
{
    static const char *const names[VENDOR_COSTS] = {"tpot_s", "peak_rss_bytes", "file_bytes",
                                                    "joule_per_correct"};

    return metric_find(names[c]);
}

/* Over all items of tasks that have a share of right answers, each once. */
static struct vendor_cell accuracy_of(const struct vendor_side *s)
{
    double right = 0, n = 0;
    struct interval in;

    for (size_t i = 0; i < s->n_runs; i++)
        for (size_t k = 0; k < s->runs[i].tasks.n; k++) {
            const struct task_row *t = &s->runs[i].tasks.v[k];
            int at = 0;
            while (at < t->n_values && !group_pools(t->values[at].metric))
                at++;
            if (at == t->n_values)
                continue;
            right += t->values[at].value * t->n;
            n += t->n;
        }
    if (!(n > 0))
        return (struct vendor_cell){NAN, NAN, NAN};
    in = stats_wilson(right, n, STATS_Z95);
    return (struct vendor_cell){right / n, in.low, in.high};
}

static double bits_of(const struct vendor_side *s)
{
    for (size_t i = 0; i < s->n_runs; i++)
        for (size_t k = 0; k < s->runs[i].tasks.n; k++) {
            const struct store_value *x = task_row_value(&s->runs[i].tasks.v[k], "bits_per_mbyte",
                                                         NULL);
            if (x)
                return x->value;
        }
    return NAN;
}

static double cell_of(const struct vendor *v, int side, enum vendor_group g, const char *test,
                      const char *metric)
{
    for (size_t i = 0; i < v->n_rows; i++)
        if (v->rows[i].group == g && strcmp(v->rows[i].test, test) == 0 &&
            strcmp(v->rows[i].metric->name, metric) == 0)
            return v->rows[i].cells[side].value;
    return NAN;
}

/* Of the first test that only decodes, with nothing before it: the same one for every side. */
static double decode_s(const struct vendor *v, int side)
{
    for (size_t i = 0; i < v->n_rows; i++)
        if (v->rows[i].group == VENDOR_THROUGHPUT && v->rows[i].depth == 0 &&
            strncmp(v->rows[i].test, "tg", 2) == 0)
            return 1 / v->rows[i].cells[side].value;
    return NAN;
}

/* Only what was asked the same by the same profile is ranked. */
static int is_ranked(const struct vendor *v, int side)
{
    return side == 0 || (v->pairing[side].parity != PARITY_INVALID &&
                         strcmp(v->sides[side].profile_text, v->sides[0].profile_text) == 0);
}

int vendor_points(struct vendor *v, struct err *e)
{
    double quality[VENDOR_SIDES_MAX], cost[VENDOR_SIDES_MAX];
    unsigned char on[VENDOR_SIDES_MAX];

    (void)e;
    for (int k = 0; k < v->n; k++) {
        struct vendor_point *p = &v->points[k];
        *p = (struct vendor_point){.accuracy = accuracy_of(&v->sides[k]),
                                   .bits_per_mbyte = bits_of(&v->sides[k])};
        p->cost[VENDOR_COST_TIME] = decode_s(v, k);
        p->cost[VENDOR_COST_MEMORY] = cell_of(v, k, VENDOR_MEMORY, "one stream", "peak_rss_bytes");
        p->cost[VENDOR_COST_FILE] = cell_of(v, k, VENDOR_MEMORY, "model file", "file_bytes");
        p->cost[VENDOR_COST_ENERGY] = cell_of(v, k, VENDOR_ENERGY, "measured",
                                              "joule_per_correct");
    }
    for (int c = 0; c < VENDOR_COSTS; c++) {
        for (int k = 0; k < v->n; k++) {
            quality[k] = is_ranked(v, k) ? v->points[k].accuracy.value : NAN;
            cost[k] = v->points[k].cost[c];
        }
        vendor_frontier(quality, cost, (size_t)v->n, on);
        for (int k = 0; k < v->n; k++)
            v->points[k].on[c] = on[k];
    }
    return 0;
}

int vendor_make(struct vendor *out, const char *const *paths, int n, double conf, struct err *e)
{
    int rc = -1;

    *out = (struct vendor){.n = n, .conf = conf};
    if (n < 1 || n > VENDOR_SIDES_MAX)
        return err_set(e, ERR_USAGE, "vendor compare takes 1 to %d bundles", VENDOR_SIDES_MAX);
    if (store_open(&out->store, ":memory:", NULL, e) < 0)
        goto out;
    for (int k = 0; k < n; k++) {
        out->sides[k].path = paths[k];
        out->sides[k].letter[0] = (char)('A' + k);
        if (vendor_read(out, &out->sides[k], e) < 0)
            goto out;
    }
    for (int k = 1; k < n; k++)
        if (vendor_pair(out, k, e) < 0)
            goto out;
    if (vendor_rows(out, e) == 0)
        rc = vendor_points(out, e);
out:
    if (rc < 0)
        vendor_release(out);
    return rc;
}

void vendor_release(struct vendor *v)
{
    for (int k = 0; k < v->n; k++) {
        vendor_pairing_release(&v->pairing[k]);
        vendor_side_release(&v->sides[k]);
    }
    mem_free(v->rows);
    store_close(v->store);
    arena_release(&v->arena);
    *v = (struct vendor){0};
}
