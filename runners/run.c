/* run.c -- answering requests: batches from the schedule through the device, and what comes back
 * handed to the requests.  See runner.h. */
#include "runners/run.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runners/sample.h"

/* Tokens that a generation may become; the last one needs no place in the context. */
static int most_tokens(const struct runner *r, const struct request *q)
{
    int room = r->context - q->n_ids + 1;

    return q->max_tokens < room ? q->max_tokens : room;
}

int run_check(const struct runner *r, const struct request *q, int i, struct err *e)
{
    int input = q->kind == REQUEST_SCORE ? q->n_ids - 1 : q->n_ids;

    if (q->n_ids < 1 || (q->kind == REQUEST_SCORE && (q->n_given < 1 || q->n_given >= q->n_ids)))
        return err_set(e, ERR_USAGE, "request %d has no token to compute", i);
    if (q->contest && (q->kind != REQUEST_SCORE || q->n_rules < 1 || q->n_rules > CONTEST_RULES))
        return err_set(e, ERR_USAGE, "request %d is no option: it needs 1 to %d rules", i,
                       CONTEST_RULES);
    if (q->kind == REQUEST_GENERATE && q->max_tokens < 0)
        return err_set(e, ERR_USAGE, "request %d wants %d tokens", i, q->max_tokens);
    if (input > r->context)
        return err_set(e, ERR_USAGE, "request %d has %d tokens, the context has %d", i, input,
                       r->context);
    for (int k = 0; k < q->n_ids; k++)
        if (q->ids[k] < 0 || q->ids[k] >= r->model->hp.vocab)
            return err_set(e, ERR_USAGE, "request %d: token id %d is not in 0..%d", i, q->ids[k],
                           r->model->hp.vocab - 1);
    return 0;
}

int run_prepare(struct run *run, int i, struct err *e)
{
    const struct request *q = &run->q[i];
    struct progress *p = &run->p[i];

    *p = (struct progress){.is_greedy = 1};
    p->wanted = q->kind == REQUEST_SCORE ? q->n_ids - q->n_given : q->n_ids;
    if (q->kind == REQUEST_SCORE) {
        p->token_nats = mem_alloc((size_t)p->wanted * sizeof *p->token_nats);
        if (!p->token_nats)
            return err_nomem(e);
    } else if (q->kind == REQUEST_GENERATE && q->max_tokens > 0) {
        p->ids = mem_alloc((size_t)most_tokens(run->r, q) * sizeof *p->ids);
        p->margins = mem_alloc((size_t)most_tokens(run->r, q) * sizeof *p->margins);
        if (!p->ids || !p->margins)
            return err_nomem(e);
    }
    return 0;
}

static int open_progress(struct run *run, struct err *e)
{
    run->p = mem_calloc((size_t)run->n, sizeof *run->p);
    if (!run->p)
        return err_nomem(e);
    for (int i = 0; i < run->n; i++)
        if (run_check(run->r, &run->q[i], i, e) < 0 || run_prepare(run, i, e) < 0)
            return -1;
    return 0;
}

void run_release(struct progress *p)
{
    mem_free(p->token_nats);
    mem_free(p->ids);
    mem_free(p->margins);
    p->token_nats = NULL;
    p->ids = NULL;
    p->margins = NULL;
}

void run_deliver(struct run *run, int i)
{
    struct progress *p = &run->p[i];
    struct reply a = {
        .nats = p->nats, .is_greedy = p->is_greedy, .is_pruned = p->is_pruned,
        .token_nats = p->is_pruned ? NULL : p->token_nats,
        .ids = p->ids, .margins = p->margins, .n = p->n, .finish = p->finish,
        .prompt_tokens = run->q[i].n_ids - (run->q[i].kind == REQUEST_SCORE),
        .computed_tokens = p->own_rows, .wall_s = p->wall_s,
    };

    if (a.prompt_tokens > p->prompt_rows + p->pruned_rows)
        a.shared_tokens = a.prompt_tokens - p->prompt_rows - p->pruned_rows;

    if (run->q[i].kind == REQUEST_GENERATE) {
        a.wall_s = p->own_rows ? engine_now() - p->started_s : 0;
        a.ttft_s = p->first_s > 0 ? p->first_s - p->started_s : 0;
    }
    if (run->on_reply && run->on_reply(run->user, i, &a) != 0)
        run->stopped = 1;
    run_release(p);
}

static void take_score(struct run *run, const struct head_row *h, int k, const struct want *w)
{
    struct progress *p = &run->p[w->request];
    double nats = (double)h->target_logits[k] - h->lse;

    p->token_nats[w->index] = (float)nats;
    p->is_greedy &= h->argmax == w->target;
    if (w->index == p->in_row) {
        p->in_row++;
        p->so_far += (double)p->token_nats[w->index];
    }
    if (--p->wanted == 0) {
        /* In order of position, whatever the order of batches was. */
        int n = run->q[w->request].n_ids - run->q[w->request].n_given;
        for (int i = 0; i < n; i++)
            p->nats += (double)p->token_nats[i];
        run_deliver(run, w->request);
    }
}

static int32_t pick(struct run *run, const struct request *q, const float *logits, int step,
                    float *margin, struct err *e)
{
    struct runner *r = run->r;
    int n = r->model->hp.vocab;

    if (!(q->sampling.temperature > 0))
        return sample_greedy(logits, n, margin);
    if (!r->order) {
        r->order = mem_alloc((size_t)n * sizeof *r->order);
        if (!r->order) {
            err_nomem(e);
            return -1;
        }
    }
    return sample_token(logits, n, &q->sampling, q->key, (uint64_t)step, r->order, margin);
}

/* One more token for a generating request.  1 when it goes on, 0 when it ended, -1 on error. */
static int grow(struct run *run, int i, const float *logits, int length, int limit, int32_t *next,
                struct err *e)
{
    const struct request *q = &run->q[i];
    struct progress *p = &run->p[i];
    float margin;
    int32_t id;

    if (p->n == 0)
        p->first_s = engine_now();
    if (q->max_tokens == 0) {
        p->finish = FINISH_LENGTH;
        return 0;
    }
    id = pick(run, q, logits, p->n, &margin, e);
    if (id < 0)
        return -1;
    if (tokenizer_is_end(run->r->tokenizer, id) && !q->ignore_end) {
        p->finish = FINISH_END;
        return 0;
    }
    p->ids[p->n] = id;
    p->margins[p->n++] = margin;
    if (q->on_token && q->on_token(q->user, q, id, margin)) {
        p->finish = FINISH_STOP;
        return 0;
    }
    if (p->n == q->max_tokens || length >= limit) {
        p->finish = p->n == q->max_tokens ? FINISH_LENGTH : FINISH_CONTEXT;
        return 0;
    }
    *next = id;
    return 1;
}

static int grow_stream(struct run *run, int stream, const float *logits, struct err *e)
{
    struct stream *t = &run->r->schedule.streams[stream];
    int request = t->request;
    int more = grow(run, request, logits, t->length, t->limit, &t->token, e);

    if (more == 0) {
        schedule_end_stream(&run->r->schedule, stream);
        run_deliver(run, request);
    }
    return more < 0 ? -1 : 0;
}

static int stream_of(const struct schedule *s, int request)
{
    for (int i = 0; i < s->n_streams; i++)
        if (s->streams[i].request == request)
            return i;
    return -1;
}

static int take_row(struct run *run, const struct head_row *h, const struct want *w, struct err *e)
{
    const struct request *q = &run->q[w->request];

    if (q->kind == REQUEST_GENERATE)
        return grow_stream(run, stream_of(&run->r->schedule, w->request), h->logits, e);
    if (q->on_logits && q->on_logits(q->user, q, w->position, h->logits) != 0)
        run->stopped = 1;
    if (--run->p[w->request].wanted == 0 && !run->stopped)
        run_deliver(run, w->request);
    return 0;
}

int run_take_heads(struct run *run, struct err *e)
{
    struct schedule *s = &run->r->schedule;

    for (int i = 0; i < s->batch.n_heads && !run->stopped; i++) {
        const struct head_row *h = &s->heads[i];
        const struct head_wants *hw = &s->head_wants[i];
        if (hw->stream >= 0) {
            if (grow_stream(run, hw->stream, h->logits, e) < 0)
                return -1;
            continue;
        }
        for (int k = 0; k < hw->n && !run->stopped; k++) {
            if (hw->wants[k].target >= 0)
                take_score(run, h, k, &hw->wants[k]);
            else if (take_row(run, h, &hw->wants[k], e) < 0)
                return -1;
        }
    }
    return 0;
}

void run_book(struct run *run, double t0, double t1)
{
    struct schedule *s = &run->r->schedule;
    double each = (t1 - t0) / s->batch.n;

    for (int row = 0; row < s->batch.n; row++) {
        struct progress *p = &run->p[s->row_request[row]];
        int is_prompt = s->positions[row] < run->q[s->row_request[row]].n_ids;
        if (p->own_rows++ == 0)
            p->started_s = t0;
        p->wall_s += each;
        p->prompt_rows += is_prompt;
        run->r->counts.computed += is_prompt;
    }
}

static int walk(struct run *run, const volatile int *stop, struct err *e)
{
    struct runner *r = run->r;
    int more;

    while ((more = schedule_next(&r->schedule, e)) > 0) {
        double t0;
        if (run->stopped)
            return err_set(e, ERR_INTERRUPTED, "interrupted");
        if (r->on_rest && r->on_rest(r->on_rest_user, e) < 0)
            return -1;
        t0 = engine_now();
        if (r->ops->run(r->device, &r->schedule.batch, e) < 0)
            return err_prefix(e, "%s", gguf_path(r->file));
        run_book(run, t0, engine_now());
        if (run_take_heads(run, e) < 0)
            return -1;
        schedule_done(&r->schedule);
        if (run->stopped || (stop && *stop))
            return err_set(e, ERR_INTERRUPTED, "interrupted");
    }
    return more;
}

void runner_on_rest(struct runner *r, int (*on_rest)(void *user, struct err *e), void *user)
{
    r->on_rest = on_rest;
    r->on_rest_user = user;
}

int runner_run(struct runner *r, const struct request *q, int n,
               int (*on_reply)(void *user, int i, const struct reply *a), void *user,
               const volatile int *stop, struct err *e)
{
    struct run run = {.r = r, .q = q, .n = n, .on_reply = on_reply, .user = user};
    int64_t least;
    int rc = -1;

    if (n == 0)
        return 0;
    if (open_progress(&run, e) < 0 || trie_build(&run.trie, q, n, e) < 0)
        goto out;
    least = seen_new_tokens(&r->seen, &run.trie);
    if (least < 0) {
        err_nomem(e);
        goto out;
    }
    r->counts.least += least;
    schedule_begin(&r->schedule, &run.trie, q);
    schedule_contests(&r->schedule, run_fate, &run);
    rc = walk(&run, stop, e);
    schedule_abandon(&r->schedule);
out:
    for (int i = 0; run.p && i < n; i++)
        run_release(&run.p[i]);
    mem_free(run.p);
    trie_release(&run.trie);
    return rc;
}
