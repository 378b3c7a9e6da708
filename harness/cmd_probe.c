/* cmd_probe.c -- how much scores depend on what should not matter. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/chat.h"
#include "harness/commands.h"
#include "harness/describe.h"
#include "harness/open.h"
#include "harness/probe.h"
#include "harness/probe_text.h"
#include "harness/select.h"
#include "harness/sequence.h"
#include "harness/stored.h"
#include "harness/version.h"
#include "results/probes.h"

const struct option probe_options[] = {
    {"tasks", 0, OPTION_WORDS, "TASK,...", NULL, 0, 0, "tasks and groups to probe"},
    {"vary", 0, OPTION_CHOICE, "order|wording|shots|chat|sequence|depth|case", "order", 0, 0,
     "what is changed: the order of options, the prompt's wording, the examples, chat or plain, "
     "the order of the items themselves, how deep in a text the answer lies, the letters' case"},
    {"no-store", 0, OPTION_FLAG, NULL, NULL, 0, 0, "do not keep what is found"},
    {"seeds", 0, OPTION_INT, "N", "5", 2, PROBE_VARIANTS, "shots, sequence: how many draws"},
    {"shots", 'k', OPTION_INT, "K", "-1", -1, 1000, "examples before the question; -1: as usual"},
    {"limit", 'n', OPTION_INT, "N", "0", 0, 1e9, "items per task at most; 0: all"},
    {"seed", 0, OPTION_INT, "N", "1234", 0, 9e15, "of few-shot sampling, the first of them"},
    {"system", 0, OPTION_TEXT, "TEXT", NULL, 0, 0, "system message, or text before the prompt"},
    ENCODER_OPTIONS,
    ENGINE_OPTIONS,
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

struct probing {
    const struct context *c;
    const struct probe *p;
    struct store *store; /* NULL: nothing is kept */
    struct description model;
    struct strbuf settings;
    struct json_out o;
    struct table t;
};

/* --- variants ----------------------------------------------------------------------------- */

static void put_result(struct json_out *o, const struct probe_result *x)
{
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
}

static int probe_variants(struct probing *g, const char *task, struct probe_rows *rows,
                          struct err *e)
{
    struct probe_result x;

    if (probe_task(g->p, task, &x, e) < 0)
        return -1;
    put_result(&g->o, &x);
    rows->n_items = x.n_items;
    snprintf(rows->metric, sizeof rows->metric, "%s", x.metric);
    for (int i = 0; i < x.n_variants; i++)
        probe_rows_add(rows, x.v[i].name, x.v[i].acc, x.v[i].stderr_);
    probe_rows_add(rows, "range", x.range, NAN);
    probe_rows_add(rows, "same answer in all", x.same, NAN);
    probe_rows_add(rows, "right in all", x.always, NAN);
    probe_rows_add(rows, "right in one at least", x.ever, NAN);
    return 0;
}

/* --- the items' own texts ----------------------------------------------------------------- */

static int probe_sequence(struct probing *g, const struct task *task, struct probe_rows *rows,
                          struct err *e)
{
    const struct probe *p = g->p;
    const struct sequence_opts so = {p->limit, p->seeds, p->opts.seed, p->stop};
    struct sequence_result x;

    if (sequence_test(p->runner, p->encoder, task, &so, &x, e) < 0)
        return -1;
    json_put_int(&g->o, "n", x.n_items);
    json_put_int(&g->o, "shards", x.n_shards);
    json_put_num(&g->o, "nats", x.nats);
    json_put_num(&g->o, "likelier", x.likelier);
    json_put_num(&g->o, "p", x.p);
    rows->n_items = x.n_items;
    probe_rows_add(rows, "shards", x.n_shards, NAN);
    probe_rows_add(rows, "nats for the file's order", x.nats, NAN);
    probe_rows_add(rows, "shards that prefer it", x.likelier, NAN);
    probe_rows_add(rows, "p", x.p, NAN);
    return 0;
}

static int probe_text(struct probing *g, const struct task *task, struct probe_rows *rows,
                      struct err *e)
{
    const struct probe *p = g->p;
    const struct probe_text pt = {p->runner, p->encoder, task, p->limit, p->stop};
    int rc = p->vary == VARY_DEPTH ? probe_depth(&pt, rows, e) : probe_case(&pt, rows, e);

    if (rc < 0)
        return -1;
    json_put_str(&g->o, "metric", rows->metric[0] ? rows->metric : NULL);
    json_put_int(&g->o, "n", rows->n_items);
    json_begin_array(&g->o, "values");
    for (int i = 0; i < rows->n; i++) {
        json_begin_object(&g->o, NULL);
        json_put_str(&g->o, "name", rows->v[i].name);
        json_put_num(&g->o, "value", rows->v[i].value);
        json_put_num(&g->o, "stderr", rows->v[i].stderr_);
        json_end_object(&g->o);
    }
    json_end_array(&g->o);
    return 0;
}

/* --- each task ---------------------------------------------------------------------------- */

/* Everything typed that may change what is found, in a fixed order. */
static int write_settings(struct probing *g, struct err *e)
{
    static const char *const bos[] = {"auto", "always", "never"};
    const struct probe *p = g->p;
    struct json_out o = JSON_OUT(&g->settings);

    json_begin_object(&o, NULL);
    json_put_int(&o, "limit", p->limit);
    json_put_int(&o, "shots", p->opts.shots);
    json_put_int(&o, "seed", (int64_t)p->opts.seed);
    if (p->vary == VARY_SHOTS || p->vary == VARY_SEQUENCE)
        json_put_int(&o, "seeds", p->seeds);
    json_put_str(&o, "system", p->opts.system);
    json_put_str(&o, "bos", bos[p->encoder->bos]);
    json_put_int(&o, "max_length", p->encoder->max_length);
    json_end_object(&o);
    return strbuf_ok(&g->settings, e);
}

static int keep(struct probing *g, const struct task *task, const struct probe_rows *rows,
                struct err *e)
{
    struct store_probe_value values[PROBE_ROWS];
    const struct store_probe p = {
        .probe = args_str(g->c->args, "vary"), .task = task_name(task),
        .version = task_version(task), .metric = rows->metric[0] ? rows->metric : NULL,
        .settings = strbuf_str(&g->settings), .program_version = DENSIMETER_VERSION,
        .numerics_id = runner_info(g->p->runner)->numerics_id, .n_items = rows->n_items,
        .values = values, .n_values = rows->n};

    for (int i = 0; i < rows->n; i++)
        values[i] = (struct store_probe_value){rows->v[i].name, rows->v[i].value,
                                               rows->v[i].stderr_};
    return g->store ? probe_put(g->store, &g->model.model, &p, e) : 0;
}

static void add_rows(struct table *t, const char *task, const struct probe_rows *rows)
{
    for (int i = 0; i < rows->n; i++) {
        table_cell(t, "%s", task);
        table_cell(t, "%s", rows->v[i].name);
        table_num(t, rows->v[i].value, 4);
        table_num(t, rows->v[i].stderr_, 3);
    }
}

static int probe_one(struct probing *g, const char *name, struct err *e)
{
    static int (*const of_text[])(struct probing *, const struct task *, struct probe_rows *,
                                  struct err *) = {
        [VARY_SEQUENCE] = probe_sequence, [VARY_DEPTH] = probe_text, [VARY_CASE] = probe_text};
    const struct probe *p = g->p;
    struct task_opts opts = p->opts;
    struct probe_rows rows = {.n = 0};
    struct task *task = NULL;
    int rc;

    if (p->vary == VARY_SEQUENCE || p->vary == VARY_CASE)
        opts.shots = 0;
    json_begin_object(&g->o, NULL);
    json_put_str(&g->o, "task", name);
    rc = task_open(&task, name, &opts, e);
    if (rc == 0)
        rc = p->vary >= VARY_SEQUENCE ? of_text[p->vary](g, task, &rows, e)
                                      : probe_variants(g, name, &rows, e);
    if (rc == 0)
        rc = keep(g, task, &rows, e);
    task_close(task);
    json_end_object(&g->o);
    add_rows(&g->t, name, &rows);
    return rc;
}

static int probe_all(struct probing *g, const struct selection *chosen, struct err *e)
{
    static const struct column columns[] = {
        {"task", 0, 0}, {"asked", 0, 0}, {"value", 1, 0}, {"stderr", 1, 1}};
    struct strbuf b = STRBUF_INIT;
    int rc = write_settings(g, e);

    g->o = context_json_begin(&b, "probe");
    table_init(&g->t, columns, 4, g->c->csv);
    json_put_str(&g->o, "vary", args_str(g->c->args, "vary"));
    json_begin_array(&g->o, "tasks");
    for (size_t i = 0; i < chosen->n && rc == 0; i++)
        rc = probe_one(g, chosen->v[i]->name, e);
    json_end_array(&g->o);
    if (rc == 0)
        rc = g->c->json ? context_json_end(g->c, &g->o, e) : context_table(g->c, &g->t, e);
    table_release(&g->t);
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
    struct probing g = {.c = c, .p = &p};
    struct encoder encoder;
    struct chat chat = {0};
    int rc = -1;

    if (args_count(a, "tasks") == 0) {
        err_set(e, ERR_USAGE, "probe: --tasks is missing");
        err_hint(e, "'densimeter tasks' lists them");
        return -1;
    }
    for (int i = 0; i < args_count(a, "tasks"); i++)
        if (select_word(&chosen, args_word(a, "tasks", i), e) < 0)
            goto out;
    if (context_data_dirs(c, &p.opts.data_dirs, &p.opts.n_data_dirs, e) < 0 ||
        open_model(c, args_at(a, 0), (int)args_int(a, "max-length"), &p.runner, e) < 0)
        goto out;
    encoder = make_encoder(c, runner_tokenizer(p.runner), runner_info(p.runner)->context_length);
    p.encoder = &encoder;
    if (!args_flag(a, "no-store") &&
        (open_store(c, STORED_ADD, &g.store, e) < 0 ||
         describe_model(&g.model, p.runner, args_at(a, 0), e) < 0))
        goto out;
    if (open_chat(c, &p, &chat, e) == 0)
        rc = probe_all(&g, &chosen, e);
out:
    store_close(g.store);
    description_release(&g.model);
    strbuf_release(&g.settings);
    chat_close(&chat);
    runner_close(p.runner);
    mem_free((void *)p.opts.data_dirs);
    selection_release(&chosen);
    return rc;
}
