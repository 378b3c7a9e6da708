/* cmd_score.c -- likelihoods of given continuations, by lm-eval's rules and in input order.
 *
 * Lines are read in batches, so that a long file needs no more memory than a short one; --json
 * keeps its one document until the end. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/commands.h"
#include "harness/evaluate.h"
#include "harness/open.h"

const struct option score_options[] = {
    {"jsonl", 0, OPTION_TEXT, "FILE", NULL, 0, 0,
     "lines {\"context\":...,\"continuation\":...}; '-' is standard input"},
    ENCODER_OPTIONS,
    ENGINE_OPTIONS,
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

enum { LINES_AT_ONCE = 4096 };

struct batch {
    cJSON *lines[LINES_AT_ONCE]; /* own the texts */
    struct pair pairs[LINES_AT_ONCE];
    struct answer answers[LINES_AT_ONCE];
    int n;
};

static int add_line(struct batch *b, const struct line_reader *r, struct err *e)
{
    char where[512];
    struct pair *p = &b->pairs[b->n];
    cJSON *j;

    snprintf(where, sizeof where, "%s:%zu", r->path, r->n);
    j = json_parse(strbuf_str(&r->line), r->line.len, where, e);
    if (!j)
        return -1;
    p->context = json_str(j, "context");
    p->continuation = json_str(j, "continuation");
    b->lines[b->n++] = j;
    if (!p->context || !p->continuation)
        return err_set(e, ERR_FORMAT, "%s: wants the strings \"context\" and \"continuation\"",
                       where);
    if (!*p->continuation)
        return err_set(e, ERR_FORMAT, "%s: the continuation is empty", where);
    return 0;
}

static void clear(struct batch *b)
{
    for (int i = 0; i < b->n; i++)
        json_free(b->lines[i]);
    b->n = 0;
}

static void put_answer(struct json_out *o, const struct answer *a)
{
    json_begin_object(o, NULL);
    json_put_num(o, "loglikelihood", a->loglikelihood);
    json_put_bool(o, "is_greedy", a->is_greedy);
    json_put_int(o, "n_tokens", a->n_tokens);
    json_put_int(o, "n_context_tokens", a->n_context);
    json_end_object(o);
}

/* A line each; with --json all of them are one document, which the end of the file closes. */
static int print(const struct context *c, const struct batch *b, struct json_out *whole,
                 struct err *e)
{
    struct strbuf out = STRBUF_INIT;
    int rc;

    for (int i = 0; i < b->n; i++) {
        struct json_out o = JSON_OUT(&out);
        put_answer(c->json ? whole : &o, &b->answers[i]);
        if (!c->json)
            strbuf_addc(&out, '\n');
    }
    rc = context_print(c, &out, e);
    strbuf_release(&out);
    return rc;
}

static int score_lines(const struct context *c, struct runner *m, struct batch *b,
                       struct line_reader *r, struct json_out *whole, struct err *e)
{
    struct encoder enc =
        make_encoder(c, runner_tokenizer(m), runner_info(m)->context_length);
    int more;

    do {
        more = 1;
        while (b->n < LINES_AT_ONCE && (more = lines_next(r, e)) > 0)
            if (r->line.len && add_line(b, r, e) < 0)
                return -1;
        if (more < 0 || evaluate_pairs(m, &enc, b->pairs, b->n, b->answers, c->stop, e) < 0 ||
            print(c, b, whole, e) < 0)
            return -1;
        clear(b);
    } while (more > 0);
    if (enc.split_joins)
        context_note(c, "%llu pairs had a token across the join and were encoded apart",
                     (unsigned long long)enc.split_joins);
    return 0;
}

static int score(const struct context *c, struct runner *m, struct batch *b,
                 struct line_reader *r, struct err *e)
{
    struct strbuf text = STRBUF_INIT;
    struct json_out whole = context_json_begin(&text, "score");
    int rc;

    json_begin_array(&whole, "pairs");
    rc = score_lines(c, m, b, r, &whole, e);
    json_end_array(&whole);
    if (rc == 0 && c->json)
        rc = context_json_end(c, &whole, e);
    strbuf_release(&text);
    return rc;
}

int cmd_score(struct context *c, struct err *e)
{
    const char *path = args_str(c->args, "jsonl");
    struct batch *b = NULL;
    struct runner *m = NULL;
    struct line_reader r;
    int rc = -1;

    if (!path) {
        err_set(e, ERR_USAGE, "score: --jsonl is missing");
        err_hint(e, "a file of lines {\"context\":...,\"continuation\":...}, or - for "
                    "standard input");
        return -1;
    }
    if (lines_open(&r, path, e) < 0)
        return -1;
    b = mem_calloc(1, sizeof *b);
    if (!b)
        err_nomem(e);
    else if (open_model(c, args_at(c->args, 0), (int)args_int(c->args, "max-length"), &m, e) == 0)
        rc = score(c, m, b, &r, e);
    if (b)
        clear(b);
    mem_free(b);
    runner_close(m);
    lines_close(&r);
    return rc;
}
