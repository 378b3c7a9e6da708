#include "harness/present_scenario.h"

#include <math.h>

#include "harness/left.h"

static int is_load(const struct store_bench *b)
{
    return bench_value(b, "load_s") != NULL;
}

static int is_served(const struct store_bench *b)
{
    return bench_value(b, "arrived") != NULL;
}

static int is_peaks(const struct store_bench *b)
{
    return bench_value(b, "read_bytes_s") != NULL;
}

int scenario_is(const struct store_bench *b)
{
    return is_load(b) || is_served(b) || is_peaks(b);
}

int scenario_json(struct json_out *o, struct store *s, const char *run_id,
                  const struct store_bench *b, struct err *e)
{
    struct served_list l = {0};

    if (query_served(s, run_id, b->test, &l, e) < 0)
        return -1;
    json_begin_object(o, "scenario");
    for (int i = 0; i < b->n_values; i++)
        if (!left_is_cost(b->values[i].metric))
            json_put_num(o, b->values[i].metric, b->values[i].value);
    json_end_object(o);
    json_begin_array(o, "requests");
    for (size_t i = 0; i < l.n; i++)
        store_served_members(o, &l.v[i]);
    json_end_array(o);
    served_list_release(&l);
    return 0;
}

/* --- text ------------------------------------------------------------------------------------- */

enum unit { UNIT_NAME, UNIT_COUNT, UNIT_PLAIN, UNIT_MS }; /* in text; CSV has seconds */

struct shown {
    struct column column;
    const char *metric; /* NULL: the test's name */
    enum unit unit;
};

static const struct shown count_columns[] = {
    {{"scenario", 0, 0}, NULL, UNIT_NAME},
    {{"requests", 1, 0}, "arrived", UNIT_COUNT},
    {{"done", 1, 0}, "completed", UNIT_COUNT},
    {{"refused", 1, 0}, "refused", UNIT_COUNT},
    {{"left", 1, 0}, "cancelled", UNIT_COUNT},
    {{"failed", 1, 0}, "failed", UNIT_COUNT},
    {{"interrupted", 1, 1}, "interrupted", UNIT_COUNT},
    {{"rate/s", 1, 1}, "rate_s", UNIT_PLAIN},
    {{"limits kept", 1, 1}, "meets_limits", UNIT_COUNT},
    {{"done/s", 1, 2}, "requests_s", UNIT_PLAIN},
    {{"tok/s", 1, 0}, "tok_s", UNIT_PLAIN},
    {{"burst", 1, 1}, "burst_tok_s", UNIT_PLAIN},
    {{"sustained", 1, 1}, "sustained_tok_s", UNIT_PLAIN},
    {{"ratio", 1, 1}, "sustained_ratio", UNIT_PLAIN},
};

static const struct shown time_columns[] = {
    {{"ms", 0, 0}, NULL, UNIT_NAME},
    {{"ttft", 1, 0}, "ttft_s", UNIT_MS},
    {{"p90", 1, 0}, "ttft_p90_s", UNIT_MS},
    {{"p99", 1, 2}, "ttft_p99_s", UNIT_MS},
    {{"claim", 1, 1}, "ttft_claim_s", UNIT_MS},
    {{"tpot", 1, 0}, "tpot_s", UNIT_MS},
    {{"p90", 1, 0}, "tpot_p90_s", UNIT_MS},
    {{"p99", 1, 2}, "tpot_p99_s", UNIT_MS},
    {{"claim", 1, 1}, "tpot_claim_s", UNIT_MS},
    {{"gap p99", 1, 3}, "gap_p99_s", UNIT_MS},
    {{"longest", 1, 3}, "gap_max_s", UNIT_MS},
    {{"latency", 1, 0}, "latency_s", UNIT_MS},
    {{"claim", 1, 1}, "latency_claim_s", UNIT_MS},
};

static const struct shown load_columns[] = {
    {{"ms", 0, 0}, NULL, UNIT_NAME},
    {{"opened", 1, 0}, "load_s", UNIT_MS},
    {{"first token", 1, 0}, "ttft_s", UNIT_MS},
    {{"in page cache", 1, 0}, "resident_share", UNIT_PLAIN},
};

static const struct shown peak_columns[] = {
    {{"", 0, 0}, NULL, UNIT_NAME},
    {{"memory, B/s", 1, 0}, "read_bytes_s", UNIT_PLAIN},
    {{"float32, FLOP/s", 1, 0}, "flop_s", UNIT_PLAIN},
};

enum { SHOWN_MAX = 32 };

/* Columns that no row knows are left out; where a machine reads, they stay. */
static int known_columns(const struct bench_list *l, int (*belongs)(const struct store_bench *),
                         const struct shown *all, int n, int exact, const struct shown **out,
                         struct column *columns)
{
    int k = 0;

    for (int c = 0; c < n; c++) {
        int known = exact || !all[c].metric;
        for (size_t i = 0; i < l->n && !known; i++)
            known = belongs(&l->v[i]) && bench_value(&l->v[i], all[c].metric) &&
                    !isnan(bench_value(&l->v[i], all[c].metric)->value);
        if (!known)
            continue;
        columns[k] = all[c].column;
        if (exact)
            columns[k].name = all[c].metric ? all[c].metric : "test";
        out[k++] = &all[c];
    }
    return k;
}

static void cell(struct table *t, const struct shown *c, const struct store_bench *b)
{
    const struct store_value *v = c->metric ? bench_value(b, c->metric) : NULL;
    double x = v ? v->value : NAN;

    if (c->unit == UNIT_NAME)
        table_cell(t, "%s", b->test);
    else if (c->unit == UNIT_COUNT && !isnan(x))
        table_int(t, (long long)x);
    else
        table_num(t, c->unit == UNIT_MS && !t->exact ? 1000 * x : x, 4);
}

static int print(const struct context *c, const struct bench_list *l,
                 int (*belongs)(const struct store_bench *), const struct shown *all, int n,
                 struct err *e)
{
    const struct shown *shown[SHOWN_MAX];
    struct column columns[SHOWN_MAX];
    int k = known_columns(l, belongs, all, n, c->csv, shown, columns), rows = 0, rc = 0;
    struct table t;

    table_init(&t, columns, k, c->csv);
    for (size_t i = 0; i < l->n; i++) {
        if (!belongs(&l->v[i]))
            continue;
        rows++;
        for (int m = 0; m < k; m++)
            cell(&t, shown[m], &l->v[i]);
    }
    if (rows)
        rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}

#define COUNT(a) (int)(sizeof(a) / sizeof(a)[0])

int scenario_text(const struct context *c, const struct bench_list *l, struct err *e)
{
    if (print(c, l, is_served, count_columns, COUNT(count_columns), e) < 0 ||
        print(c, l, is_served, time_columns, COUNT(time_columns), e) < 0)
        return -1;
    if (print(c, l, is_load, load_columns, COUNT(load_columns), e) < 0)
        return -1;
    return print(c, l, is_peaks, peak_columns, COUNT(peak_columns), e);
}
