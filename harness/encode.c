#include "harness/encode.h"

#include <string.h>

#include "base/mem.h"
#include "tasks/prepare.h"

static int uses_bos(const struct encoder *c)
{
    if (tokenizer_bos(c->tokenizer) < 0 || c->bos == BOS_NEVER)
        return 0;
    return c->bos == BOS_ALWAYS || tokenizer_adds_bos(c->tokenizer);
}

/* What stands before a text without context: BOS, else EOS. */
static int prefix_token(const struct encoder *c, int32_t *id, struct err *e)
{
    *id = tokenizer_bos(c->tokenizer);
    if (*id < 0)
        *id = tokenizer_eos(c->tokenizer);
    if (*id < 0)
        return err_set(e, ERR_UNSUPPORTED,
                       "the tokenizer has neither BOS nor EOS to stand before an empty context");
    return 0;
}

static int plain(struct encoder *c, const char *text, size_t n, struct ids *pool, struct err *e)
{
    return tokenizer_encode(c->tokenizer, text, n, TOKENIZE_SPECIAL, pool, e);
}

/* A chat template may have written BOS itself. */
static int begins_with_bos(const struct encoder *c, const char *text, size_t n)
{
    struct gguf_str bos = tokenizer_text(c->tokenizer, tokenizer_bos(c->tokenizer));

    return bos.n > 0 && n >= bos.n && memcmp(text, bos.s, bos.n) == 0;
}

int encode_text(struct encoder *c, const char *text, size_t n, struct ids *pool, struct err *e)
{
    int bos = uses_bos(c) && !begins_with_bos(c, text, n);

    return tokenizer_encode(c->tokenizer, text, n, TOKENIZE_SPECIAL | (bos ? TOKENIZE_BOS : 0),
                            pool, e);
}

/* Removes ids[at .. at+n) from the pool. */
static void drop(struct ids *pool, size_t at, size_t n)
{
    memmove(pool->v + at, pool->v + at + n, (pool->n - at - n) * sizeof *pool->v);
    pool->n -= n;
}

/* No context: the prefix token stands for it, unless the text begins with that token. */
static int encode_alone(struct encoder *c, const char *continuation, struct ids *pool,
                        struct span *out, struct err *e)
{
    size_t at = pool->n;
    int32_t prefix;

    if (prefix_token(c, &prefix, e) < 0)
        return -1;
    if (ids_push(pool, prefix) < 0)
        return err_nomem(e);
    if (plain(c, continuation, strlen(continuation), pool, e) < 0)
        return -1;
    if (pool->n > at + 1 && pool->v[at + 1] == prefix)
        drop(pool, at, 1);
    *out = (struct span){.at = at, .n_ids = (int)(pool->n - at), .n_given = 1, .n_context = 1};
    return 0;
}

/* The whole text is encoded once, and the part beyond the context's own tokens is what is asked.
 * When a token spans the join there is no such part: then both sides are encoded apart, which
 * lm-eval leaves undefined, and the event is counted. */
static int encode_joined(struct encoder *c, const char *text, size_t n_context, struct ids *pool,
                         struct span *out, struct err *e)
{
    struct ids context = {0};
    size_t at = pool->n;
    int rc = -1;

    if (encode_text(c, text, n_context, &context, e) < 0 ||
        encode_text(c, text, strlen(text), pool, e) < 0)
        goto out;
    if (pool->n - at <= context.n ||
        memcmp(pool->v + at, context.v, context.n * sizeof *context.v) != 0) {
        c->split_joins++;
        pool->n = at;
        for (size_t i = 0; i < context.n; i++)
            if (ids_push(pool, context.v[i]) < 0) {
                err_nomem(e);
                goto out;
            }
        if (plain(c, text + n_context, strlen(text + n_context), pool, e) < 0)
            goto out;
    }
    *out = (struct span){.at = at, .n_ids = (int)(pool->n - at), .n_given = (int)context.n,
                         .n_context = (int)context.n};
    rc = 0;
out:
    ids_release(&context);
    return rc;
}

/* Keeps the last max_length + 1 tokens; the last one is predicted and never read. */
static void truncate_left(const struct encoder *c, struct ids *pool, struct span *s)
{
    size_t n_next = (size_t)(s->n_ids - s->n_given);
    size_t over = prepare_drop_score((size_t)s->n_given, n_next, (size_t)c->max_length);

    drop(pool, s->at, over);
    s->n_ids -= (int)over;
    s->n_given = s->n_given > (int)over ? s->n_given - (int)over : 1;
}

int encode_pair(struct encoder *c, const char *context, const char *continuation,
                struct ids *pool, struct span *out, struct err *e)
{
    size_t n_context = prepare_context_bytes(context, strlen(context));
    struct strbuf whole = STRBUF_INIT;
    int rc = -1;

    strbuf_adds(&whole, context);
    strbuf_adds(&whole, continuation);
    if (strbuf_ok(&whole, e) < 0)
        goto out;
    if (n_context == 0 ? encode_alone(c, strbuf_str(&whole), pool, out, e) < 0
                       : encode_joined(c, strbuf_str(&whole), n_context, pool, out, e) < 0)
        goto out;
    if (out->n_given == 0 || out->n_ids <= out->n_given) {
        err_set(e, ERR_INVALID, "the continuation '%.40s' has no token", continuation);
        goto out;
    }
    truncate_left(c, pool, out);
    rc = 0;
out:
    strbuf_release(&whole);
    return rc;
}

int encode_prompt(struct encoder *c, const char *prompt, int max_tokens, struct ids *pool,
                  struct span *out, struct err *e)
{
    size_t at = pool->n, n, over;
    int32_t prefix;

    if (encode_text(c, prompt, strlen(prompt), pool, e) < 0)
        return -1;
    if (pool->n == at) { /* an empty prompt: something must be read */
        if (prefix_token(c, &prefix, e) < 0)
            return -1;
        if (ids_push(pool, prefix) < 0)
            return err_nomem(e);
    }
    n = pool->n - at;
    over = prepare_drop_generate(n, (size_t)max_tokens, (size_t)c->max_length);
    if (over >= n) {
        err_set(e, ERR_USAGE, "%d new tokens leave no room for a prompt in %d", max_tokens,
                c->max_length);
        err_hint(e, "--max-length lets a model read more at once, where it can");
        return -1;
    }
    drop(pool, at, over);
    *out = (struct span){.at = at, .n_ids = (int)(n - over), .n_given = (int)(n - over),
                         .n_context = (int)n};
    return 0;
}

/* --- windows ------------------------------------------------------------------------------ */

static int copy_window(const struct ids *text, const struct window *w, struct ids *pool,
                       struct span *out, struct err *e)
{
    *out = (struct span){.at = pool->n, .n_ids = (int)(w->end - w->begin),
                         .n_given = (int)(w->given - w->begin)};
    out->n_context = out->n_given;
    for (size_t i = w->begin; i < w->end; i++)
        if (ids_push(pool, text->v[i]) < 0)
            return err_nomem(e);
    return 0;
}

static int next_window(const struct encoder *c, const struct query *q, size_t n,
                       struct window *w)
{
    return q->kind == QUERY_ROLLING
               ? prepare_rolling(n - 1, (size_t)c->max_length, 1, w)
               : prepare_disjoint(n, (size_t)q->window, (size_t)q->scored_from, w);
}

/* The tokens of the whole text; for a rolling query with the prefix token in front. */
static int window_text(struct encoder *c, const struct query *q, struct ids *text, struct err *e)
{
    const char *s = q->continuation;
    int32_t prefix;

    if (q->kind == QUERY_WINDOWS) {
        if (plain(c, s, strlen(s), text, e) < 0)
            return -1;
        if (text->n > (size_t)q->most_tokens)
            text->n = (size_t)q->most_tokens;
        return 0;
    }
    if (prefix_token(c, &prefix, e) < 0)
        return -1;
    return ids_push(text, prefix) < 0 ? err_nomem(e) : encode_text(c, s, strlen(s), text, e);
}

int encode_windows(struct encoder *c, const struct query *q, struct ids *pool,
                   int (*add)(void *user, const struct span *s, struct err *e), void *user,
                   struct err *e)
{
    struct ids text = {0};
    struct window w = {0};
    struct span s;
    int rc = -1;

    if (window_text(c, q, &text, e) < 0)
        goto out;
    while (next_window(c, q, text.n, &w)) {
        if (copy_window(&text, &w, pool, &s, e) < 0)
            goto out;
        if (q->kind == QUERY_WINDOWS && uses_bos(c))
            pool->v[s.at] = tokenizer_bos(c->tokenizer);
        if (add(user, &s, e) < 0)
            goto out;
    }
    rc = 0;
out:
    ids_release(&text);
    return rc;
}
