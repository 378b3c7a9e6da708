/* participate.c -- see participate.h. */
#include "harness/participate.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/evaluate.h"
#include "harness/open.h"
#include "harness/select.h"
#include "harness/table.h"

/* --- what is run -------------------------------------------------------------------------- */

int participate_wanted(const struct context *c)
{
    return args_str(c->args, "participation") || args_count(c->args, "tasks") > 0;
}

static int run_text(const struct context *c, struct runner *r, struct encoder *en, const char *text,
                    struct err *e)
{
    struct ids ids = {0};
    int rc = -1;

    if (encode_text(en, text, strlen(text), &ids, e) < 0)
        goto out;
    if (ids.n == 0) {
        err_set(e, ERR_USAGE, "info: the text of --participation has no token");
        goto out;
    }
    const struct request q = {.kind = REQUEST_LOGITS, .ids = ids.v, .n_ids = (int)ids.n};
    rc = runner_run(r, &q, 1, NULL, NULL, c->stop, e);
out:
    ids_release(&ids);
    return rc;
}

static int ignore_item(void *user, const struct outcome *o, struct err *e)
{
    (void)user;
    (void)o;
    (void)e;
    return 0;
}

static int run_task(const struct context *c, struct runner *r, struct encoder *en, const char *name,
                    const struct task_opts *o, struct err *e)
{
    struct task *t = NULL;
    int *order = NULL, rc = -1;

    if (task_open(&t, name, o, e) < 0)
        goto out;
    order = mem_calloc((size_t)task_count(t) + 1, sizeof *order);
    if (!order) {
        err_nomem(e);
        goto out;
    }
    const struct evaluation ev = {.runner = r, .encoder = en, .task = t, .stop = c->stop,
                                  .on_item = ignore_item};
    rc = evaluate(&ev, order, task_order(t, (int)args_int(c->args, "limit"), order), e);
out:
    mem_free(order);
    task_close(t);
    return rc;
}

static int run_tasks(const struct context *c, struct runner *r, struct encoder *en, struct err *e)
{
    struct task_opts o = {.shots = -1, .seed = 1234};
    struct selection chosen = {0};
    int rc = 0;

    if (context_data_dirs(c, &o.data_dirs, &o.n_data_dirs, e) < 0)
        return -1;
    for (int i = 0; i < args_count(c->args, "tasks") && rc == 0; i++)
        rc = select_word(&chosen, args_word(c->args, "tasks", i), e);
    for (size_t i = 0; i < chosen.n && rc == 0; i++)
        rc = run_task(c, r, en, chosen.v[i]->name, &o, e);
    selection_release(&chosen);
    mem_free((void *)o.data_dirs);
    return rc;
}

int participate(const struct context *c, struct runner *r, const struct participation **out,
                struct err *e)
{
    struct encoder en = make_encoder(c, runner_tokenizer(r), runner_info(r)->context_length);
    const char *text = args_str(c->args, "participation");

    if (runner_count(r, 1, e) < 0 || (text && run_text(c, r, &en, text, e) < 0) ||
        run_tasks(c, r, &en, e) < 0)
        return -1;
    *out = runner_participation(r, e);
    return *out ? runner_count(r, 0, e) : -1;
}

/* --- what is said ------------------------------------------------------------------------- */

struct usage_of_experts {
    double entropy; /* bits */
    int dead;
};

static struct usage_of_experts experts_of(const struct layer_participation *l)
{
    struct usage_of_experts u = {0, 0};
    double all = (double)l->rows * l->used;

    for (int x = 0; x < l->experts; x++) {
        double share = all > 0 ? (double)l->hits[x] / all : 0;
        u.dead += l->hits[x] == 0;
        u.entropy -= share > 0 ? share * log2(share) : 0;
    }
    return u;
}

static double share(uint64_t part, uint64_t all)
{
    return all ? (double)part / (double)all : NAN;
}

static void layer_json(struct json_out *o, const struct layer_participation *l, int i)
{
    struct usage_of_experts u = experts_of(l);

    json_begin_object(o, NULL);
    json_put_int(o, "layer", i);
    json_put_int(o, "rows", (int64_t)l->rows);
    json_put_num(o, "nonzero", share(l->nonzero, l->values));
    json_put_num(o, "over_1_percent", share(l->over_1, l->values));
    json_put_num(o, "over_10_percent", share(l->over_10, l->values));
    if (l->experts) {
        json_put_int(o, "experts", l->experts);
        json_put_int(o, "experts_used", l->used);
        json_put_int(o, "experts_dead", u.dead);
        json_put_num(o, "entropy_bits", u.entropy);
        json_begin_array(o, "hits");
        for (int x = 0; x < l->experts; x++)
            json_put_int(o, NULL, (int64_t)l->hits[x]);
        json_end_array(o);
    }
    json_end_object(o);
}

void participate_json(struct json_out *o, const struct participation *p, const struct model_info *m)
{
    json_begin_object(o, "participation");
    json_put_int(o, "tokens", (int64_t)p->rows);
    json_put_int(o, "parameters", (int64_t)m->parameters);
    json_put_int(o, "parameters_non_embedding", (int64_t)(m->parameters - m->parameters_embedding));
    json_put_int(o, "parameters_embedding", (int64_t)m->parameters_embedding);
    json_put_int(o, "parameters_active", (int64_t)m->parameters_active);
    json_put_num(o, "parameters_active_measured", p->parameters_active);
    json_put_int(o, "weights_bytes_per_token", (int64_t)m->weight_bytes_per_token);
    json_put_num(o, "weights_bytes_per_token_measured", p->weight_bytes_per_token);
    json_begin_array(o, "layers");
    for (int i = 0; i < p->layers; i++)
        layer_json(o, &p->layer[i], i);
    json_end_array(o);
    json_end_object(o);
}

static void percent_cell(struct table *t, double v)
{
    if (isnan(v))
        table_num(t, v, 3);
    else
        table_cell(t, "%.1f %%", 100 * v);
}

static void layer_row(struct table *t, const struct layer_participation *l, int i)
{
    struct usage_of_experts u = experts_of(l);

    table_int(t, i);
    percent_cell(t, share(l->nonzero, l->values));
    percent_cell(t, share(l->over_1, l->values));
    percent_cell(t, share(l->over_10, l->values));
    table_int(t, l->experts ? l->experts : -1);
    table_int(t, l->experts ? l->experts - u.dead : -1);
    table_num(t, l->experts ? u.entropy : NAN, 3);
}

int participate_text(struct strbuf *b, const struct participation *p, const struct model_info *m,
                     int width, struct err *e)
{
    static const struct column columns[] = {
        {"layer", 1, 0}, {"non-zero", 1, 0}, {"over 1 %", 1, 4}, {"over 10 %", 1, 5},
        {"experts", 1, 3}, {"used", 1, 1}, {"entropy", 1, 2}};
    char text[32], most[32];
    struct table t;
    int rc;

    format_bytes(text, sizeof text, p->weight_bytes_per_token);
    format_bytes(most, sizeof most, (double)m->weight_bytes_per_token);
    strbuf_addf(b, "\n%-22s %llu\n", "tokens counted", (unsigned long long)p->rows);
    strbuf_addf(b, "%-22s %.2f M of %.2f M (%.2f M of them embeddings)\n", "active parameters",
                (double)m->parameters_active / 1e6, (double)m->parameters / 1e6,
                (double)m->parameters_embedding / 1e6);
    strbuf_addf(b, "%-22s %.2f M\n", "active, measured", p->parameters_active / 1e6);
    strbuf_addf(b, "%-22s %s of %s\n\n", "read per token", text, most);
    table_init(&t, columns, 7, 0);
    for (int i = 0; i < p->layers; i++)
        layer_row(&t, &p->layer[i], i);
    rc = table_print(&t, b, width, 0, e);
    table_release(&t);
    return rc;
}
