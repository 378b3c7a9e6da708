#include "harness/left.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOTAL "cpu_ops"

int left_now(struct left *out, struct runner *r, struct err *e)
{
    const struct left_op *rows;
    int n;

    *out = (struct left){0};
    if (runner_left(r, &rows, &n, e) < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        out->times += (double)rows[i].times;
        if (out->n == LEFT_MAX)
            continue;
        snprintf(out->kind[out->n].metric, LEFT_KEY, TOTAL ",%s%s%s", rows[i].op,
                 rows[i].format ? " " : "", rows[i].format ? rows[i].format : "");
        out->kind[out->n++].times = (double)rows[i].times;
    }
    return 0;
}

static double times_of(const struct left *l, const char *metric)
{
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->kind[i].metric, metric) == 0)
            return l->kind[i].times;
    return 0;
}

void left_between(struct left *out, const struct left *before, const struct left *after)
{
    struct left l = {.times = after->times - before->times};

    for (int i = 0; i < after->n; i++) {
        struct left_kind k = after->kind[i];
        k.times -= times_of(before, k.metric);
        if (k.times > 0)
            l.kind[l.n++] = k;
    }
    *out = l;
}

int left_costs(const struct left *l, struct store_cost *costs)
{
    costs[0] = (struct store_cost){TOTAL, l->times};
    for (int i = 0; i < l->n; i++)
        costs[1 + i] = (struct store_cost){l->kind[i].metric, l->kind[i].times};
    return 1 + l->n;
}

static const char *kind_of(const char *metric)
{
    static const char prefix[] = TOTAL ",";

    return strncmp(metric, prefix, sizeof prefix - 1) == 0 ? metric + sizeof prefix - 1 : NULL;
}

int left_is_cost(const char *metric)
{
    return strcmp(metric, TOTAL) == 0 || kind_of(metric);
}

void left_json(struct json_out *o, const struct store_cost *costs, int n)
{
    double total = NAN;

    for (int i = 0; i < n; i++)
        if (strcmp(costs[i].metric, TOTAL) == 0)
            total = costs[i].value;
    json_put_num(o, TOTAL, total);
    json_begin_object(o, "cpu_ops_by");
    for (int i = 0; i < n; i++)
        if (kind_of(costs[i].metric))
            json_put_num(o, kind_of(costs[i].metric), costs[i].value);
    json_end_object(o);
}

void left_text(struct strbuf *b, const char *name, const struct store_cost *costs, int n)
{
    int found = 0;

    for (int i = 0; i < n; i++)
        if (kind_of(costs[i].metric)) {
            strbuf_addf(b, "%s%s%s %.0f", found ? "" : name,
                        found ? ", " : ": left to the CPU: ", kind_of(costs[i].metric),
                        costs[i].value);
            found = 1;
        }
    if (found)
        strbuf_addc(b, '\n');
}
