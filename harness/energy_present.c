/* energy_present.c -- what the meters said, for people and as JSON.  See energy.h. */
#include <math.h>
#include <string.h>

#include "harness/energy.h"

static int is_idle(const struct store_energy *x)
{
    return strncmp(x->subject, "idle ", 5) == 0;
}

double energy_idle_w(const struct energy_list *l, const struct store_energy *x)
{
    double sum = 0;
    int n = 0;

    for (size_t i = 0; i < l->n; i++) {
        const struct store_energy *y = &l->v[i];
        if (!is_idle(y) || isnan(y->joules) || !(y->seconds > 0) ||
            strcmp(y->source, x->source) != 0 || strcmp(y->channel, x->channel) != 0)
            continue;
        sum += y->joules / y->seconds;
        n++;
    }
    return n ? sum / n : NAN;
}

void energy_json(struct json_out *o, const struct energy_list *l, const char *subject)
{
    json_begin_array(o, "energy");
    for (size_t i = 0; i < l->n; i++) {
        const struct store_energy *x = &l->v[i];
        double idle = energy_idle_w(l, x);
        if (subject && strcmp(subject, x->subject) != 0)
            continue;
        json_begin_object(o, NULL);
        store_energy_members(o, x);
        json_put_num(o, "watts", x->seconds > 0 ? x->joules / x->seconds : NAN);
        json_put_num(o, "idle_watts", is_idle(x) ? NAN : idle);
        json_put_num(o, "above_idle_joules", is_idle(x) ? NAN : x->joules - idle * x->seconds);
        json_end_object(o);
    }
    json_end_array(o);
}

int energy_text(const struct context *c, const struct energy_list *l, struct err *e)
{
    static const struct column columns[] = {
        {"energy of", 0, 0}, {"by", 0, 0},      {"channel", 0, 1}, {"J", 1, 0},
        {"W", 1, 1},         {"idle W", 1, 2},  {"above idle J", 1, 2}, {"readings", 1, 3},
        {"unknown because", 0, 1},
    };
    struct table t;
    int rows = 0, has_reason = c->csv, rc = 0;

    for (size_t i = 0; i < l->n; i++)
        has_reason |= l->v[i].reason && strcmp(l->v[i].source, "none") != 0;
    table_init(&t, columns, has_reason ? 9 : 8, c->csv);
    for (size_t i = 0; i < l->n; i++) {
        const struct store_energy *x = &l->v[i];
        double idle = is_idle(x) ? NAN : energy_idle_w(l, x);
        if (strcmp(x->source, "none") == 0)
            continue;
        rows++;
        table_cell(&t, "%s", x->subject);
        table_cell(&t, "%s%s", x->source,
                   x->is_declared ? ", not measured" : x->is_headline ? " *" : "");
        table_cell(&t, "%s", x->channel);
        table_num(&t, x->joules, 4);
        table_num(&t, x->seconds > 0 ? x->joules / x->seconds : NAN, 4);
        table_num(&t, idle, 4);
        table_num(&t, x->joules - idle * x->seconds, 4);
        table_int(&t, x->is_declared ? -1 : (long long)x->samples);
        if (has_reason)
            table_cell(&t, "%s", x->reason ? x->reason : "");
    }
    if (rows)
        rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}
