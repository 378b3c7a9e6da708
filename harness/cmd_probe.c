/* cmd_probe.c -- how much scores depend on what should not matter. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/chat.h"
#include "harness/commands.h"
#include "harness/open.h"
#include "harness/probe.h"
#include "harness/select.h"
#include "harness/sequence.h"

const struct option probe_options[] = {
    {"tasks", 0, OPTION_WORDS, "TASK,...", NULL, 0, 0, "tasks and groups to probe"},
    {"vary", 0, OPTION_CHOICE, "order|wording|shots|chat|sequence", "order", 0, 0,
     "what is changed: the order of options, the prompt's wording, the examples, chat or plain, the "
     "order of the items themselves"},
    {"seeds", 0, OPTION_INT, "N", "5", 2, PROBE_VARIANTS, "shots, sequence: how many draws"},
    {"shots", 'k', OPTION_INT, "K", "-1", -1, 1000, "examples before the question; -1: as usual"},
    {"limit", 'n', OPTION_INT, "N", "0", 0, 1e9, "items per task at most; 0: all"},
    {"seed", 0, OPTION_INT, "N", "1234", 0, 9e15, "of few-shot sampling, the first of them"},
    {"system", 0, OPTION_TEXT, "TEXT", NULL, 0, 0, "system message, or text before the prompt"},
    ENCODER_OPTIONS,
    ENGINE_OPTIONS,
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

static void put_result(struct json_out *o, const char *task, const struct probe_result *x)
{
    json_begin_object(o, NULL);
    json_put_str(o, "task", task);
    json_put_str(o, "metric", x->metric);
    json_put_int(o, "n", x->n_items);
    json_begin_array(o, "variants");
    for (int i = 0; i < x->n_variants; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "name", x->v[i].name);
        json_put_num(o, "value", x->v[i].acc);
        json_put_num(o, "stderr", x->v[i].stderr_);
        json_end_object(o);
    }
    json_end_array(o);
    json_put_num(o, "range", x->range);
    json_put_num(o, "same_answer", x->same);
    json_put_num(o, "always_right", x->always);
    json_put_num(o, "ever_right", x->ever);
    json_end_object(o);
}

static void add_row(struct table *t, const char *task, const char *what, double value,
                    double stderr_)
{
    table_cell(t, "%s", task);
    table_cell(t, "%s", what);
    table_num(t, value, 4);
    table_num(t, stderr_, 3);
}

static void add_rows(struct table *t, const char *task, const struct probe_result *x)
{
    for (int i = 0; i < x->n_variants; i++)
        add_row(t, task, x->v[i].name, x->v[i].acc, x->v[i].stderr_);
    add_row(t, task, "range", x->range, NAN);
    add_row(t, task, "same answer in all", x->same, NAN);
    add_row(t, task, "right in all", x->always, NAN);
    add_row(t, task, "right in one at least", x->ever, NAN);
}

/* --- the order of items ------------------------------------------------------------------- */

static void put_sequence(struct json_out *o, const char *task, const struct sequence_result *x)
{
    json_begin_object(o, NULL);
    json_put_str(o, "task", task);
    json_put_int(o, "n", x->n_items);
    json_put_int(o, "shards", x->n_shards);
    json_put_num(o, "nats", x->nats);
    json_put_num(o, "likelier", x->likelier);
    json_put_num(o, "p", x->p);
    json_end_object(o);
}

static int probe_sequence(const struct context *c, const struct probe *p, const char *name,
                          struct json_out *o, struct table *t, struct err *e)
{
    const struct sequence_opts so = {p->limit, p->seeds, p->opts.seed, p->stop};
    struct task_opts opts = p->opts;
    struct sequence_result x;
    struct task *task = NULL;
    int rc;

    opts.shots = 0;
    rc = task_open(&task, name, &opts, e);
    if (rc == 0)
        rc = sequence_test(p->runner, p->encoder, task, &so, &x, e);
    task_close(task);
    if (rc < 0)
        return -1;
    if (c->json) {
        put_sequence(o, name, &x);
        return 0;
    }
    add_row(t, name, "shards", x.n_shards, NAN);
    add_row(t, name, "nats for the file's order", x.nats, NAN);
    add_row(t, name, "shards that prefer it", x.likelier, NAN);
    add_row(t, name, "p", x.p, NAN);
    return 0;
}

static int probe_all(const struct context *c, const struct probe *p, const struct selection *chosen,
                     struct err *e)
{
    static const struct column columns[] = {
        {"task", 0, 0}, {"asked", 0, 0}, {"value", 1, 0}, {"stderr", 1, 1}};
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "probe");
    struct table t;
    int rc = 0;

    table_init(&t, columns, 4, c->csv);
    json_put_str(&o, "vary", args_str(c->args, "vary"));
    json_begin_array(&o, "tasks");
    for (size_t i = 0; i < chosen->n && rc == 0; i++) {
        struct probe_result x;
        if (p->vary == VARY_SEQUENCE) {
            rc = probe_sequence(c, p, chosen->v[i]->name, &o, &t, e);
            continue;
        }
        rc = probe_task(p, chosen->v[i]->name, &x, e);
        if (rc == 0 && c->json)
            put_result(&o, chosen->v[i]->name, &x);
        else if (rc == 0)
            add_rows(&t, chosen->v[i]->name, &x);
    }
    json_end_array(&o);
    if (rc == 0)
        rc = c->json ? context_json_end(c, &o, e) : context_table(c, &t, e);
    table_release(&t);
    strbuf_release(&b);
    return rc;
}

/* The model's chat template, where chat is what varies and it has one. */
static int open_chat(const struct context *c, struct probe *p, struct chat *chat, struct err *e)
{
    const char *template = runner_info(p->runner)->chat_template;

    if (p->vary != VARY_CHAT || !template)
        return 0;
    if (chat_open(chat, args_at(c->args, 0), template, runner_tokenizer(p->runner), e) < 0)
        return -1;
    p->chat = &chat->renderer;
    return 0;
}

int cmd_probe(struct context *c, struct err *e)
{
    const struct args *a = c->args;
    struct probe p = {
        .stop = c->stop, .vary = (enum vary)args_choice(a, "vary"),
        .seeds = (int)args_int(a, "seeds"), .limit = (int)args_int(a, "limit"),
        .opts = {.shots = (int)args_int(a, "shots"), .seed = (uint64_t)args_int(a, "seed"),
                 .system = args_str(a, "system")}};
    struct selection chosen = {0};
    struct encoder encoder;
    struct chat chat = {0};
    int rc = -1;

    if (args_count(a, "tasks") == 0)
        return err_set(e, ERR_USAGE, "probe: --tasks is missing");
    for (int i = 0; i < args_count(a, "tasks"); i++)
        if (select_word(&chosen, args_word(a, "tasks", i), e) < 0)
            goto out;
    if (context_data_dirs(c, &p.opts.data_dirs, &p.opts.n_data_dirs, e) < 0 ||
        open_model(c, args_at(a, 0), (int)args_int(a, "max-length"), &p.runner, e) < 0)
        goto out;
    encoder = make_encoder(c, runner_tokenizer(p.runner), runner_info(p.runner)->context_length);
    p.encoder = &encoder;
    if (open_chat(c, &p, &chat, e) == 0)
        rc = probe_all(c, &p, &chosen, e);
out:
    chat_close(&chat);
    runner_close(p.runner);
    mem_free((void *)p.opts.data_dirs);
    selection_release(&chosen);
    return rc;
}
