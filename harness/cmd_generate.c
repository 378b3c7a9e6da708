/* cmd_generate.c -- continues a prompt; text appears as it is made. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "harness/chat.h"
#include "harness/commands.h"
#include "harness/meter.h"
#include "harness/open.h"
#include "tasks/prepare.h"

const struct option generate_options[] = {
    {"n", 'n', OPTION_INT, "N", "128", 0, 1e7, "tokens at most"},
    {"file", 'f', OPTION_TEXT, "FILE", NULL, 0, 0, "read the prompt from FILE ('-': stdin)"},
    {"ids", 0, OPTION_INTS, "1,2,...", NULL, 0, 2147483647, "the prompt as token ids"},
    {"chat", 0, OPTION_FLAG, NULL, NULL, 0, 0, "ask through the model's chat template"},
    {"system", 0, OPTION_TEXT, "TEXT", NULL, 0, 0, "system message (with --chat)"},
    {"temperature", 0, OPTION_NUMBER, "X", "0", 0, 100, "0: always the likeliest token"},
    {"top-p", 0, OPTION_NUMBER, "P", "1", 0, 1, "sample from the likeliest tokens with this mass"},
    {"seed", 0, OPTION_INT, "N", "0", 0, 9e15, "of sampling"},
    {"stop", 0, OPTION_TEXTS, "TEXT", NULL, 0, 0, "end before this text; may be repeated"},
    {"context", 0, OPTION_INT, "N", "0", 0, 1e9, "context length to allocate; 0: what is needed"},
    {"bos", 0, OPTION_CHOICE, "auto|always|never", "auto", 0, 0,
     "BOS in front; auto: as the model's file says"},
    ENGINE_OPTIONS,
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

enum { PROMPT_MAX = 1 << 28 };

struct generation {
    const struct context *c;
    const struct tokenizer *tokenizer;
    const char **stops;
    int n_stops;
    struct strbuf text;
    size_t shown; /* bytes already printed */
    struct err err;
    /* copied from the reply */
    struct ids ids;
    float *margins;
    double ttft_s, wall_s;
    enum finish finish;
    int prompt_tokens;
};

/* Bytes of text[0..n) that may be shown: not the beginning of a stop string, not half a
 * character. */
static size_t showable(const struct generation *g)
{
    size_t n = g->text.len;
    const char *s = strbuf_str(&g->text);

    for (int i = 0; i < g->n_stops; i++) {
        size_t len = strlen(g->stops[i]);
        for (size_t tail = len - 1; tail > 0; tail--)
            if (tail <= n && memcmp(s + g->text.len - tail, g->stops[i], tail) == 0 &&
                g->text.len - tail < n) {
                n = g->text.len - tail;
                break;
            }
    }
    return utf8_whole(s, n);
}

static void stream(struct generation *g, size_t upto)
{
    if (g->c->json || upto <= g->shown)
        return;
    fwrite(g->text.s + g->shown, 1, upto - g->shown, g->c->out);
    fflush(g->c->out);
    g->shown = upto;
}

static int on_token(void *user, const struct request *q, int32_t id, float margin)
{
    struct generation *g = user;
    size_t cut;

    (void)q;
    (void)margin;
    if (tokenizer_decode(g->tokenizer, &id, 1, 0, &g->text, &g->err) < 0)
        return 1;
    cut = prepare_cut(strbuf_str(&g->text), g->text.len, g->stops, g->n_stops);
    if (cut < g->text.len) {
        strbuf_truncate(&g->text, cut);
        stream(g, cut);
        return 1;
    }
    stream(g, showable(g));
    return 0;
}

static int on_reply(void *user, int i, const struct reply *a)
{
    struct generation *g = user;

    (void)i;
    g->margins = mem_alloc((size_t)a->n * sizeof *g->margins);
    if (!g->margins)
        return err_nomem(&g->err);
    for (int k = 0; k < a->n; k++) {
        g->margins[k] = a->margins[k];
        if (ids_push(&g->ids, a->ids[k]) < 0)
            return err_nomem(&g->err);
    }
    g->ttft_s = a->ttft_s;
    g->wall_s = a->wall_s;
    g->finish = a->finish;
    g->prompt_tokens = a->prompt_tokens;
    return 0;
}

/* --- the prompt --------------------------------------------------------------------------- */

static int chat_prompt(const struct context *c, const char *model, const struct vocabulary *v,
                       struct strbuf *prompt, struct err *e)
{
    struct gguf_str text = chat_template_of(v->gguf);
    char *template = mem_strndup(text.s, text.n);
    const char *system = args_str(c->args, "system");
    char *user = strbuf_take(prompt);
    struct chat_message m[2] = {{"system", system}, {"user", user}};
    struct chat chat = {0};
    int rc = -1;

    if (!template || !user)
        err_nomem(e);
    else if (chat_open(&chat, model, template, v->tokenizer, e) == 0)
        rc = chat.renderer.render(&chat, system ? m : m + 1, system ? 2 : 1, 1, prompt, e);
    if (chat.dropped_system)
        context_note(c, "the chat template takes no system message; it was left out");
    chat_close(&chat);
    mem_free(template);
    mem_free(user);
    return rc;
}

static int encode_prompt_ids(const struct context *c, const struct vocabulary *v,
                             struct ids *ids, struct err *e)
{
    struct encoder enc = {.tokenizer = v->tokenizer, .max_length = 1 << 30,
                          .bos = (enum bos_policy)args_choice(c->args, "bos")};
    const char *file = args_str(c->args, "file"), *typed = args_at(c->args, 1);
    struct strbuf prompt = STRBUF_INIT;
    struct span span;
    int rc = -1;

    if (args_flag(c->args, "ids"))
        return ids_from_option(c, v->tokenizer, ids, e);
    if (file && file_read(&prompt, file, PROMPT_MAX, e) < 0)
        goto out;
    strbuf_adds(&prompt, typed ? typed : "");
    if (args_flag(c->args, "chat") && chat_prompt(c, args_at(c->args, 0), v, &prompt, e) < 0)
        goto out;
    rc = encode_prompt(&enc, strbuf_str(&prompt), 0, ids, &span, e);
out:
    strbuf_release(&prompt);
    return rc;
}

/* --- running and printing ----------------------------------------------------------------- */

static double decode_speed(const struct generation *g)
{
    double s = g->wall_s - g->ttft_s;

    return g->ids.n > 1 && s > 0 ? (double)(g->ids.n - 1) / s : NAN;
}

static int print_json(const struct generation *g, struct err *e)
{
    static const char *const finishes[] = {
        [FINISH_NONE] = "none", [FINISH_LENGTH] = "length", [FINISH_END] = "end",
        [FINISH_STOP] = "stop", [FINISH_CONTEXT] = "context"};
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "generate");
    int rc;

    json_put_strn(&o, "text", strbuf_str(&g->text), g->text.len);
    json_begin_array(&o, "ids");
    for (size_t i = 0; i < g->ids.n; i++)
        json_put_int(&o, NULL, g->ids.v[i]);
    json_end_array(&o);
    json_begin_array(&o, "margin");
    for (size_t i = 0; i < g->ids.n; i++)
        json_put_num(&o, NULL, (double)g->margins[i]);
    json_end_array(&o);
    json_put_int(&o, "prompt_tokens", g->prompt_tokens);
    json_put_num(&o, "ttft_s", g->ttft_s);
    json_put_num(&o, "decode_tok_s", decode_speed(g));
    json_put_str(&o, "finish", finishes[g->finish]);
    rc = context_json_end(g->c, &o, e);
    strbuf_release(&b);
    return rc;
}

static int print_end(struct generation *g, struct err *e)
{
    if (g->c->json)
        return print_json(g, e);
    stream(g, g->text.len);
    fputc('\n', g->c->out);
    fflush(g->c->out); /* the line ends before what stderr says of it */
    if (isnan(decode_speed(g)))
        context_note(g->c, "%zu tokens, first after %.3f s", g->ids.n, g->ttft_s);
    else
        context_note(g->c, "%zu tokens, first after %.3f s, then %.1f tok/s", g->ids.n, g->ttft_s,
                     decode_speed(g));
    return 0;
}

static int run(struct context *c, struct runner *r, const struct ids *prompt, struct err *e)
{
    struct generation g = {.c = c, .tokenizer = runner_tokenizer(r),
                           .n_stops = args_count(c->args, "stop")};
    struct request q = {
        .kind = REQUEST_GENERATE, .ids = prompt->v, .n_ids = (int)prompt->n,
        .max_tokens = (int)args_int(c->args, "n"), .on_token = on_token, .user = &g,
        .sampling = {args_num(c->args, "temperature"), args_num(c->args, "top-p"),
                     (uint64_t)args_int(c->args, "seed")}};
    int rc = -1;

    g.stops = mem_calloc((size_t)g.n_stops + 1, sizeof *g.stops);
    if (!g.stops) {
        err_nomem(e);
        goto out;
    }
    for (int i = 0; i < g.n_stops; i++)
        g.stops[i] = args_word(c->args, "stop", i);
    rc = runner_run(r, &q, 1, on_reply, &g, c->stop, e);
    if (g.err.code) {
        *e = g.err;
        rc = -1;
    }
    if (rc == 0)
        rc = print_end(&g, e);
out:
    strbuf_release(&g.text);
    ids_release(&g.ids);
    mem_free(g.margins);
    mem_free(g.stops);
    return rc;
}

int cmd_generate(struct context *c, struct err *e)
{
    const char *model = args_at(c->args, 0);
    int context = (int)args_int(c->args, "context");
    struct vocabulary v = {0};
    struct runner *r = NULL;
    struct ids prompt = {0};
    int rc = -1;

    if ((args_at(c->args, 1) != NULL) + (args_str(c->args, "file") != NULL) +
            args_flag(c->args, "ids") != 1)
        return err_set(e, ERR_USAGE, "generate: give one of PROMPT, --file or --ids");
    if (args_str(c->args, "system") && !args_flag(c->args, "chat"))
        return err_set(e, ERR_USAGE, "generate: --system needs --chat");
    for (int i = 0; i < args_count(c->args, "stop"); i++)
        if (!*args_word(c->args, "stop", i))
            return err_set(e, ERR_USAGE, "option --stop: the text is empty");
    if (open_vocabulary(model, &v, e) < 0 || encode_prompt_ids(c, &v, &prompt, e) < 0)
        goto out;
    if (context == 0)
        context = (int)prompt.n + (int)args_int(c->args, "n");
    if (open_model_of(c, model, context, v.tokenizer, &r, e) < 0)
        goto out;
    rc = run(c, r, &prompt, e);
out:
    ids_release(&prompt);
    runner_close(r);
    vocabulary_close(&v);
    return rc;
}
