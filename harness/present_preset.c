#include "harness/present_preset.h"

#include <math.h>

#include "harness/preset_score.h"
#include "harness/table.h"

int preset_json(struct json_out *o, const char *settings, const struct task_list *l,
                struct err *e)
{
    const struct preset *p = preset_of_run(settings);
    struct preset_score s;

    if (!p) {
        json_put_null(o, "preset");
        return 0;
    }
    if (preset_score(&s, p, l, e) < 0)
        return -1;
    json_begin_object(o, "preset");
    json_put_str(o, "name", p->name);
    json_put_bool(o, "beyond_chance", p->beyond_chance);
    json_put_num(o, "score", s.mean);
    json_put_num(o, "stderr", s.stderr_);
    json_begin_array(o, "parts");
    for (int i = 0; i < s.n_parts; i++) {
        const struct part_score *x = &s.parts[i];
        json_begin_object(o, NULL);
        json_put_str(o, "benchmark", x->part->word);
        json_put_str(o, "counted", x->word);
        json_put_str(o, "metric", preset_metric(x->part, x->word));
        json_put_str(o, "also", x->part->also);
        json_put_bool(o, "by_task", x->part->by_task);
        json_put_num(o, "value", x->value);
        json_put_num(o, "score", x->score);
        json_put_num(o, "stderr", x->stderr_);
        json_put_count(o, "n", isnan(x->score) ? -1 : x->n);
        json_end_object(o);
    }
    json_end_array(o);
    json_end_object(o);
    return 0;
}

static void put_row(struct table *t, const char *name, int n, double value, double score,
                    double error)
{
    table_cell(t, "%s", name);
    table_int(t, n);
    table_num(t, value, 4);
    table_num(t, score, 4);
    table_num(t, error, 3);
}

int preset_text(const struct context *c, const char *settings, const struct task_list *l,
                struct err *e)
{
    const struct preset *p = c->csv ? NULL : preset_of_run(settings);
    const struct column columns[] = {{p ? p->name : "", 0, 0}, {"n", 1, 2}, {"measured", 1, 1},
                                     {"score", 1, 0}, {"stderr", 1, 3}};
    struct preset_score s;
    struct table t;
    int rc, n = 0;

    if (!p)
        return 0;
    if (preset_score(&s, p, l, e) < 0)
        return -1;
    table_init(&t, columns, 5, 0);
    for (int i = 0; i < s.n_parts; i++) {
        const struct part_score *x = &s.parts[i];
        put_row(&t, x->word, isnan(x->score) ? -1 : x->n, x->value, x->score, x->stderr_);
        n += x->n;
    }
    put_row(&t, "all of them", n, NAN, s.mean, s.stderr_);
    rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}
