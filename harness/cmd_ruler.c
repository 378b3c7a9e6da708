/* cmd_ruler.c -- what densities are measured against: list, show and check rulers. */
#include <math.h>
#include <string.h>

#include "harness/commands.h"
#include "harness/density_present.h"
#include "harness/rulers.h"

static int list_json(const struct context *c, struct rulers *known, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "ruler");
    int rc = 0;

    json_begin_array(&o, "rulers");
    for (int i = 0; i < rulers_n(known) && rc == 0; i++) {
        const struct ruler *r;
        if ((rc = rulers_at(known, i, &r, e)) < 0)
            break;
        json_begin_object(&o, NULL);
        ruler_json(&o, r, 0);
        json_end_object(&o);
    }
    json_end_array(&o);
    if (rc == 0)
        rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static int list_table(const struct context *c, struct rulers *known, struct err *e)
{
    static const struct column columns[] = {
        {"name", 0, 0},     {"kind", 0, 3},    {"benchmark", 0, 2}, {"metric", 0, 5},
        {"shots", 1, 6},    {"models", 1, 7},  {"from", 1, 4},      {"to", 1, 4},
        {"1 sd", 1, 1},     {"origin", 0, 8},
    };
    struct table t;
    int rc = 0;

    table_init(&t, columns, sizeof columns / sizeof *columns, c->csv);
    for (int i = 0; i < rulers_n(known) && rc == 0; i++) {
        const struct ruler *r;
        if ((rc = rulers_at(known, i, &r, e)) < 0)
            break;
        table_cell(&t, "%s", r->name);
        table_cell(&t, "%s", ruler_kind_name(r->kind));
        table_cell(&t, "%s", r->benchmark);
        table_cell(&t, "%s", r->metric ? r->metric : "-");
        table_int(&t, r->shots);
        table_int(&t, r->n_nodes);
        table_num(&t, r->n_nodes ? 100 * r->nodes[0].score : NAN, 3);
        table_num(&t, r->n_nodes ? 100 * r->nodes[r->n_nodes - 1].score : NAN, 3);
        if (c->csv || isnan(r->loo_ln))
            table_num(&t, exp(r->loo_ln), 3);
        else
            table_cell(&t, "×/÷ %.2f", exp(r->loo_ln));
        table_cell(&t, "%s", r->origin);
    }
    if (rc == 0)
        rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}

static int show_json(const struct context *c, const struct ruler *r, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "ruler");
    int rc;

    ruler_json(&o, r, 1);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static void put_about(struct strbuf *b, const struct ruler *r)
{
    strbuf_addf(b, "%s: %s\n", r->name, r->origin);
    strbuf_addf(b, "%s", ruler_kind_name(r->kind));
    for (int i = 0; i < ruler_n_constants(r->kind); i++)
        strbuf_addf(b, "%s %s = %.6g", i ? "," : ";", ruler_constant_name(r->kind, i),
                    r->constants[i]);
    strbuf_addf(b, "\n%s, %s, ", r->benchmark, r->metric ? r->metric : "metric not stated");
    if (r->shots >= 0)
        strbuf_addf(b, "%d shots", r->shots);
    else
        strbuf_adds(b, "shots not stated");
    strbuf_addf(b, ", chance %.3g %%", 100 * r->chance);
    if (!isnan(r->d0_tokens))
        strbuf_addf(b, ", reference models trained on %.3g tokens", r->d0_tokens);
    if (!isnan(r->loo_ln))
        strbuf_addf(b, "\nleave-one-out: a factor of %.2f (1 sd of ln N^, %d interior models)",
                    exp(r->loo_ln), r->n_loo);
    strbuf_adds(b, "\n\n");
}

static int show_text(const struct context *c, const struct ruler *r, struct err *e)
{
    static const struct column columns[] = {
        {"model", 0, 0}, {"parameters", 1, 0}, {"tokens", 1, 3}, {"score %", 1, 0},
        {"half range", 1, 2}, {"fitted %", 1, 1}, {"run", 0, 4},
    };
    struct strbuf b = STRBUF_INIT;
    struct table t;
    int rc = 0;

    put_about(&b, r);
    if (!c->csv)
        rc = context_print(c, &b, e);
    strbuf_release(&b);
    table_init(&t, columns, sizeof columns / sizeof *columns, c->csv);
    for (int i = 0; i < r->n_nodes && rc == 0; i++) {
        const struct ruler_node *n = &r->nodes[i];
        table_cell(&t, "%s", n->model ? n->model : "-");
        table_num(&t, n->total_params, 6);
        table_num(&t, n->tokens, 4);
        table_num(&t, 100 * n->score, 4);
        table_num(&t, 100 * n->noise, 3);
        table_num(&t, 100 * ruler_score(r, n->total_params, NAN), 4);
        table_cell(&t, "%s", n->run ? n->run : "-");
    }
    if (rc == 0)
        rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}

static int with_ruler(struct context *c, struct rulers *known, struct err *e)
{
    const char *verb = args_at(c->args, 0), *name = args_at(c->args, 1);
    const struct ruler *r;

    if (!verb || strcmp(verb, "list") == 0)
        return c->json ? list_json(c, known, e) : list_table(c, known, e);
    if (!name)
        return err_set(e, ERR_USAGE, "ruler %s: which one? 'densimeter ruler list' has the names",
                       verb);
    if (rulers_get(known, name, &r, e) < 0)
        return -1;
    return c->json ? show_json(c, r, e) : show_text(c, r, e);
}

int cmd_ruler(struct context *c, struct err *e)
{
    struct published *p = NULL;
    struct rulers *known = NULL;
    int rc = -1;

    if (published_open(&p, e) == 0 && rulers_open(&known, p, e) == 0)
        rc = with_ruler(c, known, e);
    rulers_close(known);
    published_free(p);
    return rc;
}
