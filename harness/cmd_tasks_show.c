/* cmd_tasks_show.c -- what exactly one document of a task asks: its texts, where tokens fall in
 * them, and what other conventions would ask instead. */
#include "harness/cmd_tasks_show.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "harness/chat.h"
#include "harness/commands.h"
#include "harness/conventions.h"
#include "harness/encode.h"
#include "harness/open.h"
#include "harness/select.h"

struct shown {
    const struct context *c;
    struct vocabulary v; /* of --model; empty without */
    struct runner *runner; /* of it, where conventions are compared; else NULL */
    struct conventions conventions;
    struct chat chat;
    struct encoder encoder;
    struct json_out o;
    struct strbuf b;
};

static void json_ids(struct json_out *o, const char *key, const int32_t *v, int n)
{
    json_begin_array(o, key);
    for (int i = 0; i < n; i++)
        json_put_int(o, NULL, v[i]);
    json_end_array(o);
}

/* Where the tokens of a query fall: context ids, then the predicted ones. */
static int put_tokens(struct shown *s, const struct query *q, struct err *e)
{
    struct ids pool = {0};
    struct span span;
    size_t at;
    int rc;

    if (!s->v.tokenizer || q->kind == QUERY_ROLLING || q->kind == QUERY_WINDOWS)
        return 0;
    rc = q->kind == QUERY_GENERATE
             ? encode_prompt(&s->encoder, q->context, q->max_tokens, &pool, &span, e)
             : encode_pair(&s->encoder, q->context, q->continuation, &pool, &span, e);
    if (rc == 0 && s->c->json) {
        json_ids(&s->o, "context_ids", pool.v, span.n_given);
        json_ids(&s->o, "continuation_ids", pool.v + span.n_given, span.n_ids - span.n_given);
    } else if (rc == 0) {
        strbuf_addf(&s->b, "    tokens: %d given, then", span.n_given);
        for (int i = span.n_given; i < span.n_ids; i++) {
            strbuf_addf(&s->b, " %d \"", (int)pool.v[i]);
            at = s->b.len;
            rc |= tokenizer_decode(s->v.tokenizer, &pool.v[i], 1, 1, &s->b, e);
            if (s->b.len > at)
                utf8_make_printable(s->b.s + at, s->b.len - at, 0);
            strbuf_addc(&s->b, '"');
        }
        strbuf_addc(&s->b, '\n');
    }
    ids_release(&pool);
    return rc;
}

static const char *kind_name(enum query_kind kind)
{
    static const char *const names[] = {
        [QUERY_LOGLIKELIHOOD] = "loglikelihood", [QUERY_ROLLING] = "rolling",
        [QUERY_GENERATE] = "generate", [QUERY_WINDOWS] = "windows"};

    return names[kind];
}

static int json_query(struct shown *s, const struct query *q, struct err *e)
{
    json_begin_object(&s->o, NULL);
    json_put_str(&s->o, "kind", kind_name(q->kind));
    json_put_str(&s->o, "context", q->context);
    json_put_str(&s->o, "continuation", q->continuation);
    json_begin_array(&s->o, "until");
    for (int i = 0; i < q->n_until; i++)
        json_put_str(&s->o, NULL, q->until[i]);
    json_end_array(&s->o);
    if (put_tokens(s, q, e) < 0)
        return -1;
    json_end_object(&s->o);
    return 0;
}

static int show_json(struct shown *s, const struct task *t, const struct item *it, struct err *e)
{
    s->o = context_json_begin(&s->b, "tasks.show");
    json_put_str(&s->o, "task", task_name(t));
    json_put_int(&s->o, "version", task_version(t));
    json_put_int(&s->o, "shots", task_shots(t));
    json_put_int(&s->o, "doc_id", it->doc_id);
    json_put_str(&s->o, "doc_hash", it->doc_hash);
    json_put_str(&s->o, "prompt_hash", it->prompt_hash);
    json_put_str(&s->o, "gold", it->gold);
    json_begin_array(&s->o, "queries");
    for (int i = 0; i < it->n_queries; i++)
        if (json_query(s, &it->queries[i], e) < 0)
            return -1;
    json_end_array(&s->o);
    if (conventions_json(&s->o, &s->conventions, e) < 0)
        return -1;
    return context_json_end(s->c, &s->o, e);
}

static void show_part(struct strbuf *b, const char *heading, const char *text)
{
    strbuf_addf(b, "%s\n", heading);
    strbuf_add_printable(b, text, 1);
    strbuf_addc(b, '\n');
}

/* A context that several queries share is printed once. */
static int show_text(struct shown *s, const struct task *t, const struct item *it, struct err *e)
{
    const char *last = NULL;
    char heading[40];

    strbuf_addf(&s->b, "%s, version %d, %d shots, document %d\n", task_name(t), task_version(t),
                task_shots(t), it->doc_id);
    if (task_examples_instead(t)) {
        strbuf_adds(&s->b, "examples from ");
        strbuf_add_printable(&s->b, task_examples_instead(t), 0);
        strbuf_addc(&s->b, '\n');
    }
    strbuf_adds(&s->b, "gold: ");
    strbuf_add_printable(&s->b, it->gold ? it->gold : "-", 1);
    strbuf_addc(&s->b, '\n');
    for (int i = 0; i < it->n_queries; i++) {
        const struct query *q = &it->queries[i];
        if (q->context && (!last || strcmp(last, q->context) != 0))
            show_part(&s->b, "--- context", q->context);
        last = q->context;
        if (q->continuation) {
            snprintf(heading, sizeof heading, "--- continuation %d", i);
            show_part(&s->b, heading, q->continuation);
        }
        for (int k = 0; k < q->n_until; k++) {
            strbuf_adds(&s->b, "--- stop ");
            strbuf_add_printable(&s->b, q->until[k], 1);
            strbuf_addc(&s->b, '\n');
        }
        if (put_tokens(s, q, e) < 0)
            return -1;
    }
    if (context_print(s->c, &s->b, e) < 0)
        return -1;
    strbuf_clear(&s->b); /* prompts stay as they are asked, what is said of them is folded */
    if (conventions_lines(&s->b, &s->conventions, e) < 0)
        return -1;
    return context_print_folded(s->c, &s->b, e);
}

static int show_beside(struct shown *s, const char *name, int doc, struct err *e)
{
    enum { WIDTH = 80 };

    strbuf_addf(&s->b, "%s, document %d\n", name, doc);
    return conventions_beside(&s->b, &s->conventions, WIDTH, e) < 0
               ? -1
               : context_print(s->c, &s->b, e);
}

static int open_conventions(struct shown *s, const char *name, int doc, const struct task_opts *o,
                            struct err *e)
{
    const char *only[CONVENTIONS_MAX];
    int n = args_count(s->c->args, "convention");

    if (n > CONVENTIONS_MAX)
        return err_set(e, ERR_USAGE, "option --convention: at most %d", CONVENTIONS_MAX);
    for (int i = 0; i < n; i++)
        only[i] = args_word(s->c->args, "convention", i);
    if (conventions_open(&s->conventions, name, doc, o, only, n, e) < 0)
        return -1;
    if (s->runner)
        conventions_score(&s->conventions, s->runner, &s->encoder);
    return 0;
}

static int show_item(struct shown *s, struct task_opts *o, const char *name, struct err *e)
{
    int doc = (int)args_int(s->c->args, "doc"), rc = -1;
    struct task *t = NULL;
    struct item it = {0};

    if (task_open(&t, name, o, e) < 0)
        return -1;
    if (doc >= task_count(t))
        err_set(e, ERR_USAGE, "option --doc: %s has documents 0..%d", name, task_count(t) - 1);
    else if (open_conventions(s, name, doc, o, e) < 0)
        rc = -1;
    else if (!s->c->json && args_count(s->c->args, "convention"))
        rc = show_beside(s, task_name(t), doc, e);
    else if (task_item(t, doc, &it, e) == 0) {
        rc = s->c->json ? show_json(s, t, &it, e) : show_text(s, t, &it, e);
        item_release(&it);
    }
    task_close(t);
    return rc;
}

/* The model itself, on the processor: one document is soon asked. */
static int open_scorer(struct shown *s, const char *model, struct err *e)
{
    const struct runner_opts o = {.context = (int)args_int(s->c->args, "max-length")};
    char *path = model_path(model, e);
    int rc = path ? runner_open(&s->runner, path, &o, e) : -1;

    mem_free(path);
    if (rc == 0)
        s->encoder = make_encoder(s->c, runner_tokenizer(s->runner),
                                  runner_info(s->runner)->context_length);
    return rc;
}

static int prepare_model(struct shown *s, struct task_opts *o, struct err *e)
{
    const char *model = args_str(s->c->args, "model");
    struct gguf_str text;
    char *template;
    int rc = 0;

    if (!model)
        return args_flag(s->c->args, "chat")
                   ? err_set(e, ERR_USAGE, "tasks show: --chat needs --model")
                   : 0;
    if (open_vocabulary(model, &s->v, e) < 0)
        return -1;
    s->encoder = make_encoder(s->c, s->v.tokenizer, 0);
    if (args_count(s->c->args, "convention") && open_scorer(s, model, e) < 0)
        return -1;
    if (!args_flag(s->c->args, "chat"))
        return 0;
    text = chat_template_of(s->v.gguf);
    template = mem_strndup(text.s, text.n);
    rc = template ? chat_open(&s->chat, model, template, s->v.tokenizer, e) : err_nomem(e);
    mem_free(template);
    o->chat = &s->chat.renderer;
    return rc;
}

int tasks_show(const struct context *c, struct task_opts *o, struct err *e)
{
    const char *name = args_at(c->args, 1);
    struct shown s = {.c = c};
    struct selection chosen = {0};
    int rc = -1;

    if (!name)
        return err_set(e, ERR_USAGE, "tasks show: TASK is missing");
    o->shots = (int)args_int(c->args, "shots");
    o->system = args_str(c->args, "system");
    o->by_doc = args_choice(c->args, "sampling");
    if (select_word(&chosen, name, e) == 0 && prepare_model(&s, o, e) == 0)
        rc = show_item(&s, o, chosen.v[0]->name, e);
    selection_release(&chosen);
    conventions_close(&s.conventions);
    chat_close(&s.chat);
    runner_close(s.runner);
    vocabulary_close(&s.v);
    strbuf_release(&s.b);
    return rc;
}
