/* cmd_models.c -- what is in the model store. */
#include <math.h>
#include <string.h>

#include "harness/commands.h"
#include "harness/models.h"

static int print_json(const struct context *c, const struct model_list *l, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "models");
    int rc;

    json_begin_array(&o, "models");
    for (size_t i = 0; i < l->n; i++) {
        const struct stored_model *m = &l->v[i];
        json_begin_object(&o, NULL);
        json_put_str(&o, "name", m->name);
        json_put_str(&o, "architecture", m->architecture);
        json_put_num(&o, "parameters", m->parameters);
        json_put_int(&o, "file_bytes", (int64_t)m->file_bytes);
        json_put_num(&o, "bits_per_weight", m->bits_per_weight);
        json_put_str(&o, "licence", m->licence);
        json_put_str(&o, "sha256", m->sha256[0] ? m->sha256 : NULL);
        json_put_str(&o, "source", m->source);
        json_put_str(&o, "path", m->path);
        json_put_str(&o, "problem", m->problem);
        json_end_object(&o);
    }
    json_end_array(&o);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static void add_row(const struct context *c, struct table *t, const struct stored_model *m)
{
    char size[32];

    format_bytes(size, sizeof size, (double)m->file_bytes);
    table_cell(t, "%s", m->name);
    table_cell(t, "%s", m->architecture ? m->architecture : "-");
    if (c->csv)
        table_num(t, m->parameters, 17);
    else
        table_cell(t, isnan(m->parameters) ? "-" : "%.4g M", m->parameters / 1e6);
    if (c->csv)
        table_int(t, (long long)m->file_bytes);
    else
        table_cell(t, "%s", size);
    table_num(t, m->bits_per_weight, 3);
    table_cell(t, "%s", m->licence ? m->licence : "-");
    table_cell(t, "%.*s", c->csv ? 64 : 12, m->sha256[0] ? m->sha256 : "-");
}

static int print_table(const struct context *c, const struct model_list *l, struct err *e)
{
    static const struct column columns[] = {
        {"name", 0, 0},    {"architecture", 0, 4}, {"parameters", 1, 2}, {"file_bytes", 1, 0},
        {"bits/weight", 1, 3}, {"licence", 0, 1},  {"sha256", 0, 5},
    };
    struct table t;
    int rc;

    table_init(&t, columns, sizeof columns / sizeof columns[0], c->csv);
    for (size_t i = 0; i < l->n; i++)
        add_row(c, &t, &l->v[i]);
    rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}

int cmd_models(struct context *c, struct err *e)
{
    struct model_list l;
    int rc;

    if (models_list(&l, e) < 0)
        return -1;
    for (size_t i = 0; i < l.n; i++)
        if (l.v[i].problem && !c->json)
            context_note(c, "%s", l.v[i].problem);
    if (l.n == 0 && !c->json)
        context_note(c, "the model store is empty; 'densimeter pull --list' shows what there is");
    rc = c->json ? print_json(c, &l, e) : print_table(c, &l, e);
    model_list_release(&l);
    return rc;
}
