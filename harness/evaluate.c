/* evaluate.c -- chunk after chunk: its requests are run, replies are credited, items handed out.
 * How items become requests is in evaluate_fill.c. */
#include "harness/evaluate.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/evaluate_impl.h"
#include "tasks/prepare.h"

enum { CHUNK_IDS = 1 << 22, FAILED_IN_ROW = 20 };

/* --- generation --------------------------------------------------------------------------- */

static const struct query *query_of(const struct chunk *c, const struct target *t)
{
    return &c->items[t->item].item.queries[t->query];
}

static struct target *target_of(struct chunk *c, const struct request *q)
{
    return &c->targets[c->asker[q - c->requests]];
}

/* Ends the request when a stop string has appeared.  A token may end inside a character, and a stop
 * string may begin in an earlier token, so the bytes so far are looked at as a whole. */
static int on_token(void *user, const struct request *q, int32_t id, float margin)
{
    struct chunk *c = user;
    struct target *t = target_of(c, q);
    const struct query *asked = query_of(c, t);

    (void)margin;
    if (tokenizer_decode(c->ev->encoder->tokenizer, &id, 1, 0, &t->text, &c->err) < 0)
        return 1;
    return prepare_cut(strbuf_str(&t->text), t->text.len, asked->until, asked->n_until) <
           t->text.len;
}

/* The text is decoded again as a whole: the first piece may look different alone. */
static int take_text(struct chunk *c, struct target *t, const struct reply *a, struct answer *out,
                     struct err *e)
{
    const struct query *q = query_of(c, t);
    struct strbuf text = STRBUF_INIT;

    if (tokenizer_decode(c->ev->encoder->tokenizer, a->ids, (size_t)a->n, 0, &text, e) < 0 ||
        strbuf_ok(&text, e) < 0) {
        strbuf_release(&text);
        return -1;
    }
    strbuf_truncate(&text, prepare_cut(strbuf_str(&text), text.len, q->until, q->n_until));
    mem_free(out->text);
    out->text = strbuf_take(&text);
    out->n_tokens = a->n;
    return out->text ? 0 : err_nomem(e);
}

/* --- replies ------------------------------------------------------------------------------ */

static void gather(struct chunk *c, const struct pending *p)
{
    for (int i = 0; i < p->item.n_queries; i++)
        c->replies[i] = (struct reply_text){
            .loglikelihood = p->answers[i].loglikelihood, .is_greedy = p->answers[i].is_greedy,
            .n_tokens = p->answers[i].n_tokens, .text = p->answers[i].text,
            .latency_s = p->latency_s};
}

static int hand_out(struct chunk *c, struct pending *p)
{
    const struct evaluation *ev = c->ev;
    struct verdict v = {0};
    struct outcome o = {
        .item = &p->item, .answers = p->answers, .verdict = &v,
        .latency_s = p->cached ? NAN : p->latency_s, .cached_tokens = p->cached,
        .ttft_s = NAN, .tpot_s = NAN, .prompt_tokens = p->prompt,
        .computed_tokens = p->computed, .generated_tokens = p->generated,
        .reused_tokens = p->shared,
    };
    int rc;

    gather(c, p);
    if (p->item.queries[0].kind == QUERY_GENERATE) {
        o.ttft_s = p->ttft_s;
        if (p->generated > 1)
            o.tpot_s = (p->latency_s - p->ttft_s) / (double)(p->generated - 1);
    }
    if (task_score(ev->task, &p->item, c->replies, &v, &c->err) < 0)
        return -1;
    rc = ev->on_item(ev->user, &o, &c->err);
    verdict_release(&v);
    pending_release(p);
    return rc;
}

/* A document without a token to predict needs no reply. */
static int hand_out_empty(struct chunk *c, struct err *e)
{
    for (size_t i = 0; i < c->n_items; i++)
        if (c->items[i].answers && c->items[i].n_left == 0 && hand_out(c, &c->items[i]) < 0) {
            *e = c->err;
            return -1;
        }
    return 0;
}

/* The reply to what target t asked; is_kept: it was not computed. */
static int take_reply(struct chunk *c, struct target *t, const struct reply *a, int is_kept)
{
    struct pending *p = &c->items[t->item];
    struct answer *out = &p->answers[t->query];

    t->is_answered = 1;
    if (!p->asked_on) {
        p->latency_s += a->wall_s;
        p->prompt += a->prompt_tokens;
        p->computed += a->computed_tokens;
        p->shared += a->shared_tokens;
        p->cached += is_kept ? a->prompt_tokens : 0;
    }
    out->n_context += t->span.n_context;
    if (query_of(c, t)->kind == QUERY_GENERATE) {
        p->ttft_s = a->ttft_s;
        p->generated += a->n;
        if (take_text(c, t, a, out, &c->err) < 0)
            return -1;
    } else {
        out->loglikelihood += a->nats;
        out->is_pruned |= a->is_pruned;
        out->is_greedy &= a->is_greedy;
        out->n_tokens += t->span.n_ids - t->span.n_given;
    }
    strbuf_release(&t->text);
    if (c->err.code) /* on_token's */
        return -1;
    if (--p->n_left > 0 || (task_asks_on(c->ev->task) && !p->asked_on))
        return 0;
    return hand_out(c, p);
}

static int on_reply(void *user, int i, const struct reply *a)
{
    struct chunk *c = user;
    struct target *t = &c->targets[c->asker[i]];

    if (chunk_kept(c) && query_of(c, t)->kind != QUERY_GENERATE && !a->is_pruned &&
        kept_add(chunk_kept(c), t->key, a->nats, a->is_greedy, &c->err) < 0)
        return 1;
    return take_reply(c, t, a, 0) < 0;
}

_Static_assert((int)TASK_LENGTHS == CONTEST_RULES, "a rule for each way of dividing");

static struct request request_of(struct chunk *c, const struct target *t)
{
    const struct query *q = query_of(c, t);
    struct request r = {.kind = REQUEST_SCORE, .ids = c->pool.v + t->span.at,
                        .n_ids = t->span.n_ids, .n_given = t->span.n_given, .user = c};

    if (q->kind == QUERY_GENERATE) {
        r.kind = REQUEST_GENERATE;
        r.max_tokens = q->max_tokens;
        r.on_token = on_token;
        r.sampling = q->temperature > 0 || c->judging
                         ? (struct sampling){q->temperature, q->top_p, q->seed}
                         : c->ev->sampling;
        r.key = (uint64_t)c->items[t->item].item.doc_id | (uint64_t)t->query << 32;
    } else if (c->ev->prune && !c->judging) {
        r.n_rules = task_lengths(c->ev->task, &c->items[t->item].item, t->query, r.lengths);
        r.contest = r.n_rules ? t->item + 1 : 0;
    }
    return r;
}

/* 1: its likelihood was kept, and is taken; 0: it must be computed; -1: c->err says why. */
static int look_up(struct chunk *c, struct target *t, const struct request *q)
{
    struct reply a = {.prompt_tokens = q->n_ids - 1};
    int rc;

    if (!chunk_kept(c) || q->kind != REQUEST_SCORE)
        return 0;
    if (!t->key[0] && kept_key(t->key, q, &c->err) < 0)
        return -1;
    rc = kept_find(chunk_kept(c), t->key, &a.nats, &a.is_greedy, &c->err);
    return rc == 1 && take_reply(c, t, &a, 1) < 0 ? -1 : rc;
}

static int take_known(struct chunk *c, struct target *t)
{
    const struct reply a = {.prompt_tokens = t->span.n_ids - 1, .nats = t->nats,
                            .is_greedy = t->is_greedy};

    return take_reply(c, t, &a, 1);
}

/* Runs the targets from `base` on. */
static int run_from(struct chunk *c, size_t base, int only, struct err *e)
{
    const struct evaluation *ev = c->ev;
    size_t n = 0, most = c->n_targets - base;
    int rc = 0;

    if (most == 0)
        return 0;
    if (mem_grow(&c->requests, &c->cap_requests, most, sizeof *c->requests) < 0 ||
        mem_grow(&c->asker, &c->cap_asker, most, sizeof *c->asker) < 0)
        return err_nomem(e);
    for (size_t i = base; i < c->n_targets && rc >= 0; i++) {
        if (c->targets[i].is_answered || (only >= 0 && c->targets[i].item != only))
            continue;
        if (c->targets[i].is_known) {
            rc = take_known(c, &c->targets[i]);
            continue;
        }
        strbuf_clear(&c->targets[i].text); /* of a try that failed */
        c->requests[n] = request_of(c, &c->targets[i]);
        c->asker[n] = i;
        rc = look_up(c, &c->targets[i], &c->requests[n]);
        n += rc == 0;
    }
    if (rc >= 0)
        rc = runner_run(c->judging ? ev->judge : ev->runner, c->requests, (int)n, on_reply, c,
                        ev->stop, e);
    if (rc < 0 && c->err.code)
        *e = c->err;
    return rc < 0 ? -1 : 0;
}

/* What is asked about an item whose first replies are there. */
static int ask_on(struct chunk *c, size_t i, struct err *e)
{
    struct pending *p = &c->items[i];
    int n = p->item.n_queries;
    struct answer *more;

    gather(c, p);
    if (task_ask_on(c->ev->task, &p->item, c->replies, e) < 0)
        return -1;
    p->asked_on = 1;
    more = mem_realloc(p->answers, (size_t)p->item.n_queries * sizeof *more);
    if (!more)
        return err_nomem(e);
    p->answers = more;
    p->n_answers = p->item.n_queries;
    memset(more + n, 0, (size_t)(p->item.n_queries - n) * sizeof *more);
    if (mem_grow(&c->replies, &c->cap_replies, (size_t)p->item.n_queries, sizeof *c->replies) < 0)
        return err_nomem(e);
    return chunk_add_queries(c, i, n, e);
}

static int is_the_devices(const struct err *e)
{
    return e->code == ERR_DEVICE || e->code == ERR_NUMERIC;
}

/* All at once; when the device fails, one by one, so that only those are lost that it fails on. */
static int run_items(struct chunk *c, struct err *e)
{
    const struct evaluation *ev = c->ev;
    int in_row = 0;

    if (run_from(c, 0, -1, e) == 0)
        return 0;
    if (!ev->on_failed || task_asks_on(ev->task))
        return -1;
    for (size_t i = 0; i < c->n_items && is_the_devices(e); i++) {
        struct err why = ERR_NONE;
        if (!c->items[i].answers) /* handed out */
            continue;
        if (run_from(c, 0, (int)i, &why) == 0) {
            in_row = 0;
            continue;
        }
        if (!is_the_devices(&why) || ++in_row == FAILED_IN_ROW) {
            *e = why;
            return -1;
        }
        if (ev->on_failed(ev->user, &c->items[i].item, &why, e) < 0)
            return -1;
        pending_release(&c->items[i]);
    }
    if (!is_the_devices(e))
        return -1;
    *e = ERR_NONE;
    return 0;
}

static int chunk_run(struct chunk *c, struct err *e)
{
    size_t first = c->n_targets;

    c->err = ERR_NONE;
    if (hand_out_empty(c, e) < 0 || run_items(c, e) < 0)
        return -1;
    if (!task_asks_on(c->ev->task))
        return 0;
    c->judging = c->ev->judge != NULL;
    for (size_t i = 0; i < c->n_items; i++)
        if (ask_on(c, i, e) < 0)
            return -1;
    if (run_from(c, first, -1, e) < 0)
        return -1;
    c->judging = 0;
    return 0;
}

int evaluate(const struct evaluation *ev, const int *order, int n, struct err *e)
{
    size_t full = ev->chunk_ids ? ev->chunk_ids : CHUNK_IDS;
    struct chunk c = {.ev = ev};
    struct err later;
    int rc = -1;

    for (int i = 0; i < n; i++) {
        if (ev->stop && *ev->stop) {
            err_set(e, ERR_INTERRUPTED, "interrupted");
            goto out;
        }
        if (chunk_add_item(&c, order[i], e) < 0)
            goto out;
        if (c.n_ids < full && i + 1 < n)
            continue;
        if (chunk_run(&c, e) < 0)
            goto out;
        chunk_clear(&c);
    }
    rc = 0;
out:
    /* What was computed before an interruption or an error is kept. */
    if (ev->kept && kept_flush(ev->kept, rc < 0 ? &later : e) < 0)
        rc = -1;
    chunk_release(&c);
    return rc;
}

/* --- pairs -------------------------------------------------------------------------------- */

struct pairs {
    const struct span *spans;
    struct answer *out;
};

static int on_pair(void *user, int i, const struct reply *a)
{
    struct pairs *p = user;

    p->out[i] = (struct answer){
        .loglikelihood = a->nats, .is_greedy = a->is_greedy,
        .n_tokens = p->spans[i].n_ids - p->spans[i].n_given, .n_context = p->spans[i].n_context};
    return 0;
}

int evaluate_pairs(struct runner *r, struct encoder *c, const struct pair *pairs, int n,
                   struct answer *out, const volatile sig_atomic_t *stop, struct err *e)
{
    struct span *spans = mem_calloc((size_t)n, sizeof *spans);
    struct request *requests = mem_calloc((size_t)n, sizeof *requests);
    struct pairs p = {.spans = spans, .out = out};
    struct ids pool = {0};
    int rc = -1;

    if (!spans || !requests) {
        err_nomem(e);
        goto out;
    }
    for (int i = 0; i < n; i++)
        if (encode_pair(c, pairs[i].context, pairs[i].continuation, &pool, &spans[i], e) < 0) {
            err_prefix(e, "pair %d", i + 1);
            goto out;
        }
    for (int i = 0; i < n; i++)
        requests[i] = (struct request){.kind = REQUEST_SCORE, .ids = pool.v + spans[i].at,
                                       .n_ids = spans[i].n_ids, .n_given = spans[i].n_given};
    rc = n ? runner_run(r, requests, n, on_pair, &p, stop, e) : 0;
out:
    mem_free(spans);
    mem_free(requests);
    ids_release(&pool);
    return rc;
}
