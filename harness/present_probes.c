#include "harness/present_probes.h"

static void put_probe(struct json_out *o, const struct store_probe *p)
{
    json_begin_object(o, NULL);
    json_put_str(o, "probe", p->probe);
    json_put_str(o, "task", p->task);
    json_put_int(o, "version", p->version);
    json_put_str(o, "metric", p->metric);
    json_put_int(o, "n", p->n_items);
    json_put_str(o, "model", p->model);
    json_put_str(o, "model_sha256", p->model_sha256);
    json_put_str(o, "numerics", p->numerics_id);
    json_put_str(o, "created", p->created);
    json_put_raw(o, "settings", p->settings);
    json_begin_array(o, "values");
    for (int i = 0; i < p->n_values; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "name", p->values[i].name);
        json_put_num(o, "value", p->values[i].value);
        json_put_num(o, "stderr", p->values[i].stderr_);
        json_end_object(o);
    }
    json_end_array(o);
    json_end_object(o);
}

void present_probes_json(struct json_out *o, const struct store_probe_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        put_probe(o, &l->v[i]);
}

int present_probes_text(const struct context *c, const struct store_probe_list *l, struct err *e)
{
    static const struct column columns[] = {
        {"probe", 0, 0},  {"task", 0, 0}, {"asked", 0, 0},   {"value", 1, 0},
        {"stderr", 1, 1}, {"n", 1, 2},    {"created", 0, 4}, {"model", 0, 3},
    };
    struct table t;
    int rc;

    table_init(&t, columns, 8, c->csv);
    for (size_t i = 0; i < l->n; i++)
        for (int k = 0; k < l->v[i].n_values; k++) {
            const struct store_probe *p = &l->v[i];
            table_cell(&t, "%s", p->probe);
            table_cell(&t, "%s", p->task);
            table_cell(&t, "%s", p->values[k].name);
            table_num(&t, p->values[k].value, 4);
            table_num(&t, p->values[k].stderr_, 3);
            table_int(&t, p->n_items);
            table_cell(&t, "%s", p->created);
            table_cell(&t, "%s", p->model ? p->model : "-");
        }
    rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}
