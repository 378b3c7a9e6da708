/* evaluate_fill.c -- items to requests: a chunk is filled, and emptied again.  An item's queries
 * are encoded into the chunk's pool of token ids, and each request waits there with who asked for
 * it.
 *
 * A query whose answers were kept in an earlier run is not encoded at all: its requests wait as
 * targets without ids, to be answered when the chunk is run. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/evaluate_impl.h"

/* Of the model or, once outputs are judged, of the judge. */
static struct encoder *encoder_of(const struct chunk *c)
{
    return c->judging ? c->ev->judge_encoder : c->ev->encoder;
}

struct kept *chunk_kept(const struct chunk *c)
{
    return c->judging ? NULL : c->ev->kept;
}

/* --- what it owns ------------------------------------------------------------------------- */

void pending_release(struct pending *p)
{
    for (int i = 0; p->answers && i < p->n_answers; i++)
        mem_free(p->answers[i].text);
    mem_free(p->answers);
    item_release(&p->item);
    *p = (struct pending){0};
}

void chunk_clear(struct chunk *c)
{
    for (size_t i = 0; i < c->n_items; i++)
        pending_release(&c->items[i]);
    for (size_t i = 0; i < c->n_targets; i++)
        strbuf_release(&c->targets[i].text);
    c->n_items = c->n_targets = 0;
    c->pool.n = 0;
    c->n_ids = 0;
}

void chunk_release(struct chunk *c)
{
    chunk_clear(c);
    ids_release(&c->pool);
    kept_query_release(&c->query);
    mem_free(c->items);
    mem_free(c->targets);
    mem_free(c->requests);
    mem_free(c->asker);
    mem_free(c->replies);
}

/* --- filling ------------------------------------------------------------------------------ */

static int add_target(void *user, const struct span *s, struct err *e)
{
    struct chunk *c = user;
    struct target t = {.item = (int)c->at, .query = c->filling, .span = *s};

    if (mem_grow(&c->targets, &c->cap_targets, c->n_targets + 1, sizeof *c->targets) < 0)
        return err_nomem(e);
    c->targets[c->n_targets++] = t;
    c->items[c->at].n_left++;
    c->n_ids += (size_t)s->n_ids;
    return 0;
}

/* 1: every request of the query was answered before, and waits as a target without ids; 0: it is
 * to be encoded; -1. */
static int add_known(struct chunk *c, struct err *e)
{
    size_t from = c->n_targets;
    int rc = kept_query_find(chunk_kept(c), &c->query, e);

    for (size_t i = 0; i < c->query.n && rc == 1; i++) {
        const struct kept_request *r = &c->query.v[i];
        struct span s = {.n_ids = r->n_ids, .n_given = r->n_given, .n_context = r->n_context};
        double nats;
        int is_greedy;
        rc = kept_find(chunk_kept(c), r->key, &nats, &is_greedy, e);
        if (rc != 1 || (rc = add_target(c, &s, e)) < 0)
            break;
        struct target *t = &c->targets[c->n_targets - 1];
        memcpy(t->key, r->key, sizeof t->key);
        t->is_known = rc = 1;
        t->nats = nats;
        t->is_greedy = is_greedy;
    }
    if (rc == 1) {
        c->ev->encoder->split_joins += (uint64_t)c->query.n_split;
        for (size_t i = 0; i < c->query.n; i++)
            c->ev->encoder->kept_ids += (uint64_t)c->query.v[i].n_ids;
        return 1;
    }
    for (; c->n_targets > from; c->n_targets--) {
        c->items[c->at].n_left--;
        c->n_ids -= (size_t)c->targets[c->n_targets - 1].span.n_ids;
    }
    return rc;
}

/* The query's targets are those from `from` on. */
static int keep_query(struct chunk *c, size_t from, uint64_t split_before, struct err *e)
{
    struct kept_query *k = &c->query;

    k->n = 0;
    k->n_split = (int)(c->ev->encoder->split_joins - split_before);
    for (size_t i = from; i < c->n_targets; i++) {
        struct target *t = &c->targets[i];
        struct kept_request r = {t->span.n_ids, t->span.n_given, t->span.n_context, ""};
        struct request q = {.ids = c->pool.v + t->span.at, .n_ids = t->span.n_ids,
                            .n_given = t->span.n_given};
        if (kept_key(t->key, &q, e) < 0)
            return -1;
        memcpy(r.key, t->key, sizeof r.key);
        if (mem_grow(&k->v, &k->cap, k->n + 1, sizeof *k->v) < 0)
            return err_nomem(e);
        k->v[k->n++] = r;
    }
    return kept_query_add(chunk_kept(c), k, e);
}

static int encode_query(struct chunk *c, const struct query *q, struct err *e)
{
    struct encoder *enc = encoder_of(c);
    struct span s;

    if (q->kind == QUERY_ROLLING || q->kind == QUERY_WINDOWS)
        return encode_windows(enc, q, &c->pool, add_target, c, e);
    if (q->kind == QUERY_GENERATE
            ? encode_prompt(enc, q->context, q->max_tokens, &c->pool, &s, e) < 0
            : encode_pair(enc, q->context, q->continuation, &c->pool, &s, e) < 0)
        return -1;
    return add_target(c, &s, e);
}

static int add_query(struct chunk *c, const struct query *q, struct err *e)
{
    uint64_t split_before = c->ev->encoder->split_joins;
    size_t from = c->n_targets;
    int rc;

    if (!chunk_kept(c) || q->kind == QUERY_GENERATE)
        return encode_query(c, q, e);
    if (kept_query_key(chunk_kept(c), c->query.key, c->ev->encoder, q, e) < 0)
        return -1;
    rc = add_known(c, e);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    return encode_query(c, q, e) < 0 ? -1 : keep_query(c, from, split_before, e);
}

/* The item's queries from number `from` on. */
int chunk_add_queries(struct chunk *c, size_t at, int from, struct err *e)
{
    struct pending *p = &c->items[at];

    c->at = at;
    for (int i = from; i < p->item.n_queries; i++) {
        const struct query *q = &p->item.queries[i];
        p->answers[i] = (struct answer){.is_greedy = q->kind == QUERY_GENERATE ? -1 : 1,
                                        .loglikelihood = q->kind == QUERY_GENERATE ? NAN : 0};
        c->filling = i;
        if (add_query(c, q, e) < 0)
            return err_prefix(e, "%s, item %d", task_name(c->ev->task), p->item.doc_id);
    }
    return 0;
}

int chunk_add_item(struct chunk *c, int number, struct err *e)
{
    struct pending *p;

    if (mem_grow(&c->items, &c->cap_items, c->n_items + 1, sizeof *c->items) < 0)
        return err_nomem(e);
    p = &c->items[c->n_items];
    *p = (struct pending){0};
    if (task_item(c->ev->task, number, &p->item, e) < 0)
        return -1;
    p->answers = mem_calloc((size_t)p->item.n_queries, sizeof *p->answers);
    if (!p->answers || mem_grow(&c->replies, &c->cap_replies, (size_t)p->item.n_queries,
                                sizeof *c->replies) < 0) {
        pending_release(p);
        return err_nomem(e);
    }
    p->n_answers = p->item.n_queries;
    return chunk_add_queries(c, c->n_items++, 0, e); /* on failure it is released with the chunk */
}
