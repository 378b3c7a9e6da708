/* cmd_verify.c -- the meter against its calibration standards. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "harness/commands.h"
#include "harness/open.h"
#include "harness/stored.h"
#include "harness/verify.h"

const struct option verify_options[] = {
    {"list", 'l', OPTION_FLAG, NULL, NULL, 0, 0, "only list the standards"},
    {"build", 0, OPTION_FLAG, NULL, NULL, 0, 0, "only train those that are missing"},
    ENGINE_OPTIONS,
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

struct chosen {
    const struct standard **v;
    int n;
};

static int unknown(const char *word, struct err *e)
{
    struct suggest s = SUGGEST(word);

    for (int i = 0; standard_at(i); i++)
        suggest_offer(&s, standard_at(i)->name);
    err_set(e, ERR_USAGE, "%s: no such standard", word);
    if (suggest_best(&s))
        err_hint(e, "did you mean '%s'?", suggest_best(&s));
    else
        err_hint(e, "'densimeter verify --list' lists them");
    return -1;
}

static int choose(const struct context *c, struct chosen *out, struct err *e)
{
    int all = 0, n = args_n(c->args);

    while (standard_at(all))
        all++;
    out->v = mem_calloc((size_t)(n ? n : all), sizeof *out->v);
    if (!out->v)
        return err_nomem(e);
    for (int i = 0; i < (n ? n : all); i++) {
        out->v[i] = n ? standard_find(args_at(c->args, i)) : standard_at(i);
        if (!out->v[i])
            return unknown(args_at(c->args, i), e);
    }
    out->n = n ? n : all;
    return 0;
}

static void put_claims(char *text, size_t size, const struct standard *s)
{
    size_t at = 0;

    text[0] = 0;
    for (int i = 0; s->claims[i].part && at < size; i++) {
        const struct standard_claim *x = &s->claims[i];
        const char *part = strcmp(x->part, "none") == 0 ? "all" : x->part;
        at += (size_t)snprintf(text + at, size - at, "%s%s %.3g-%.3g", i ? ", " : "", part, x->low,
                               x->high);
    }
}

static int print_list_json(const struct context *c, const struct chosen *list, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "verify.list");
    int rc;

    json_begin_array(&o, "standards");
    for (int i = 0; i < list->n; i++) {
        json_begin_object(&o, NULL);
        json_put_str(&o, "standard", list->v[i]->name);
        json_put_str(&o, "task", list->v[i]->task);
        json_put_str(&o, "about", list->v[i]->about);
        json_begin_array(&o, "claims");
        for (const struct standard_claim *x = list->v[i]->claims; x->part; x++) {
            json_begin_object(&o, NULL);
            json_put_str(&o, "part", x->part);
            json_put_num(&o, "low", x->low);
            json_put_num(&o, "high", x->high);
            json_end_object(&o);
        }
        json_end_array(&o);
        json_end_object(&o);
    }
    json_end_array(&o);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static int print_list(const struct context *c, const struct chosen *list, struct err *e)
{
    static const struct column columns[] = {{"standard", 0, 0}, {"task", 0, 0}, {"share", 0, 0},
                                            {"about", 0, 1}};
    struct table t;
    char claims[120];
    int rc;

    table_init(&t, columns, sizeof columns / sizeof *columns, c->csv);
    for (int i = 0; i < list->n; i++) {
        put_claims(claims, sizeof claims, list->v[i]);
        table_cell(&t, "%s", list->v[i]->name);
        table_cell(&t, "%s", list->v[i]->task);
        table_cell(&t, "%s", claims);
        table_cell(&t, "%s", list->v[i]->about);
    }
    rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}

/* --- verdicts ------------------------------------------------------------------------------- */

struct orders {
    const struct verified *v;
    int n;
};

static const struct verified *measured(const struct orders *o, const char *name)
{
    for (int i = 0; i < o->n; i++)
        if (strcmp(o->v[i].s->name, name) == 0)
            return &o->v[i];
    return NULL;
}

/* 1 holds, 0 not, -1: not both were measured. */
static int order_holds(const struct orders *o, const struct standard_order *x, double *more,
                       double *less)
{
    const struct verified *a = measured(o, x->more), *b = measured(o, x->less);

    if (!a || !b)
        return -1;
    *more = verified_metric(a, x->metric);
    *less = verified_metric(b, x->metric);
    return *more > *less;
}

static int all_hold(const struct orders *o)
{
    double a, b;
    int passed = 1;

    for (int i = 0; i < o->n; i++)
        passed &= o->v[i].passed;
    for (int i = 0; standard_order_at(i); i++)
        passed &= order_holds(o, standard_order_at(i), &a, &b) != 0;
    return passed;
}

static const char *verdict(int passed)
{
    return passed ? "PASS" : "FAIL";
}

static int print_table(const struct context *c, const struct orders *o, struct err *e)
{
    static const struct column columns[] = {
        {"standard", 0, 0}, {"parameters", 1, 3}, {"known_bits", 1, 0}, {"measured_bits", 1, 0},
        {"low", 1, 2}, {"high", 1, 2}, {"share", 1, 0}, {"wanted", 0, 4},
        {"bits/parameter", 1, 0}, {"weights", 0, 1}, {"verdict", 0, 0}};
    struct table t;
    char claims[120];
    int rc;

    table_init(&t, columns, sizeof columns / sizeof *columns, c->csv);
    for (int i = 0; i < o->n; i++) {
        const struct verified *v = &o->v[i];
        put_claims(claims, sizeof claims, v->s);
        table_cell(&t, "%s", v->s->name);
        table_int(&t, (long long)v->parameters);
        table_num(&t, v->world_bits, 6);
        table_num(&t, v->bits, 6);
        table_num(&t, v->low, 6);
        table_num(&t, v->high, 6);
        table_cell(&t, "%.4f", v->bits / v->world_bits);
        table_cell(&t, "%s", claims);
        table_num(&t, v->bits / v->parameters, 3);
        table_cell(&t, "%s", v->is_as_published ? "as published" : "others");
        table_cell(&t, "%s", verdict(v->passed));
    }
    rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}

static int print_text(const struct context *c, const struct orders *o, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    double more, less;
    int holds, rc;

    if (print_table(c, o, e) < 0 || c->csv)
        return c->csv ? 0 : -1;
    strbuf_adds(&b, "\n");
    for (int i = 0; standard_order_at(i); i++) {
        const struct standard_order *x = standard_order_at(i);
        if ((holds = order_holds(o, x, &more, &less)) >= 0)
            strbuf_addf(&b, "%s  %s: %s %.4g > %s %.4g (%s)\n", verdict(holds), x->metric, x->more,
                        more, x->less, less, x->why);
    }
    if (measured(o, "brim-100") || measured(o, "brim-1000"))
        strbuf_adds(&b, "\nAllen-Zhu and Li (arXiv 2404.05405) find 1 bit per parameter after 100 "
                        "exposures and 2 after\n1,000, for larger models and longer names.\n");
    strbuf_addf(&b, "\n%s\n", verdict(all_hold(o)));
    rc = context_print_folded(c, &b, e);
    strbuf_release(&b);
    return rc;
}

static void put_standard(struct json_out *o, const struct verified *v)
{
    json_begin_object(o, NULL);
    json_put_str(o, "standard", v->s->name);
    json_put_str(o, "about", v->s->about);
    json_put_str(o, "task", v->s->task);
    json_put_str(o, "run", v->run);
    json_put_str(o, "sha256", v->sha256);
    json_put_bool(o, "as_published", v->is_as_published);
    json_put_num(o, "parameters", v->parameters);
    json_put_num(o, "file_bytes", v->file_bytes);
    json_put_num(o, "known_bits", v->world_bits);
    json_put_num(o, "knowledge_bits", v->bits);
    json_put_num(o, "low", v->low);
    json_put_num(o, "high", v->high);
    json_put_num(o, "bits_per_parameter", v->bits / v->parameters);
    json_put_num(o, "gold_nats", v->gold_nats);
    json_begin_array(o, "claims");
    for (int i = 0; v->s->claims[i].part; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "part", v->s->claims[i].part);
        json_put_num(o, "low", v->s->claims[i].low);
        json_put_num(o, "high", v->s->claims[i].high);
        json_put_num(o, "share", v->share[i]);
        json_put_bool(o, "holds", v->holds[i]);
        json_end_object(o);
    }
    json_end_array(o);
    json_put_str(o, "verdict", verdict(v->passed));
    json_end_object(o);
}

static int print_json(const struct context *c, const struct orders *l, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "verify");
    double more, less;
    int holds, rc;

    json_put_str(&o, "verdict", verdict(all_hold(l)));
    json_begin_array(&o, "standards");
    for (int i = 0; i < l->n; i++)
        put_standard(&o, &l->v[i]);
    json_end_array(&o);
    json_begin_array(&o, "orders");
    for (int i = 0; standard_order_at(i); i++) {
        const struct standard_order *x = standard_order_at(i);
        if ((holds = order_holds(l, x, &more, &less)) < 0)
            continue;
        json_begin_object(&o, NULL);
        json_put_str(&o, "metric", x->metric);
        json_put_str(&o, "more", x->more);
        json_put_str(&o, "less", x->less);
        json_put_num(&o, "more_value", more);
        json_put_num(&o, "less_value", less);
        json_put_str(&o, "verdict", verdict(holds));
        json_end_object(&o);
    }
    json_end_array(&o);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static int verify(struct context *c, const struct chosen *list, struct err *e)
{
    struct verified *v = mem_calloc((size_t)list->n, sizeof *v);
    struct orders o = {v, list->n};
    struct store *s = NULL;
    int rc = v ? 0 : err_nomem(e);

    if (rc == 0)
        rc = open_store(c, STORED_ADD, &s, e);
    for (int i = 0; i < list->n && rc == 0; i++) {
        context_note(c, "measuring %s", list->v[i]->name);
        rc = verify_one(c, s, list->v[i], &v[i], e);
    }
    if (rc == 0)
        rc = c->json ? print_json(c, &o, e) : print_text(c, &o, e);
    if (rc == 0)
        rc = all_hold(&o) ? 0 : 1;
    store_close(s);
    mem_free(v);
    return rc;
}

int cmd_verify(struct context *c, struct err *e)
{
    struct chosen list = {0};
    int only_list = args_flag(c->args, "list"), only_build = args_flag(c->args, "build");
    int rc = choose(c, &list, e);

    if (rc == 0 && !only_list)
        rc = standards_build(c, list.v, list.n, e);
    if (rc == 0 && c->json && (only_list || only_build))
        rc = print_list_json(c, &list, e);
    else if (rc == 0 && only_list)
        rc = print_list(c, &list, e);
    if (rc == 0 && !only_list && !only_build)
        rc = verify(c, &list, e);
    mem_free(list.v);
    return rc;
}
