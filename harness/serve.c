#include "harness/serve.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/splitmix.h"

enum { IDLE_MS = 50 }; /* how long it sleeps at most before it looks whether to stop */

struct server {
    const struct serve_opts *o;
    struct serve_log *log;
    uint64_t random;
    double start_s, next_s; /* next_s: when the next one arrives, with a rate */
    int over;               /* nobody else will arrive */
    int inside, vocab;
    size_t *queue;          /* ring of indices into the log */
    int head, waiting;
    int failed;             /* out of memory in a callback */
};

const char *served_name(enum served_state s)
{
    static const char *const names[] = {"completed", "refused", "cancelled", "failed"};

    return names[s];
}

static double uniform(uint64_t *state)
{
    return (double)(splitmix64_next(state) >> 11) * 0x1p-53;
}

double serve_gap(uint64_t *state, double rate_s)
{
    return -log1p(-uniform(state)) / rate_s;
}

/* In whole microseconds, so that what is written as text is what was reckoned with. */
static double now(const struct server *s)
{
    return round((s->o->clock() - s->start_s) * 1e6) / 1e6;
}

static void finish(struct server *s, struct served *r, enum served_state state, double at_s)
{
    r->state = state;
    r->end_s = at_s;
    s->log->wall_s = fmax(s->log->wall_s, at_s);
    s->log->count[state]++;
    mem_free(r->ids);
    r->ids = NULL;
}

/* --- arrivals ------------------------------------------------------------------------------- */

static int draw(uint64_t *state, const int64_t *of, int n)
{
    return (int)of[splitmix64_below(state, (uint64_t)n)];
}

static void arrive(struct server *s, double at_s)
{
    const struct workload *w = s->o->load;
    struct serve_log *l = s->log;
    struct served *r;

    if (mem_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v) < 0) {
        s->failed = s->over = 1;
        return;
    }
    r = &l->v[l->n++];
    *r = (struct served){.arrival_s = at_s, .start_s = NAN, .first_s = NAN, .last_s = NAN,
                         .end_s = NAN, .patience_s = INFINITY,
                         .random = splitmix64_mix(w->seed ^ splitmix64_mix(l->n))};
    r->prompt = draw(&r->random, w->prompts, w->n_prompts);
    r->wanted = draw(&r->random, w->outputs, w->n_outputs);
    if (uniform(&r->random) < w->vanish_share)
        r->patience_s = serve_gap(&r->random, 1 / w->patience_s);
    if (s->waiting == s->o->queue) {
        snprintf(r->reason, sizeof r->reason, "%d requests wait already", s->waiting);
        finish(s, r, SERVED_REFUSED, at_s);
        return;
    }
    s->queue[(s->head + s->waiting++) % s->o->queue] = l->n - 1;
    if (s->waiting > l->queue_longest)
        l->queue_longest = s->waiting;
}

static int is_last(const struct server *s, double at_s)
{
    const struct workload *w = s->o->load;

    return s->over || (w->n > 0 && s->log->n >= (size_t)w->n) ||
           (w->duration_s > 0 && at_s >= w->duration_s);
}

static void let_arrive(struct server *s, double at_s)
{
    const struct workload *w = s->o->load;

    while (w->rate_s > 0 && !is_last(s, s->next_s) && s->next_s <= at_s) {
        arrive(s, s->next_s);
        s->next_s += serve_gap(&s->random, w->rate_s);
    }
    if (w->rate_s > 0) {
        s->over = is_last(s, s->next_s);
        return;
    }
    if (s->inside + s->waiting > 0)
        return;
    for (int i = 0; i < w->together && !is_last(s, at_s); i++)
        arrive(s, at_s);
    s->over = is_last(s, at_s);
}

/* --- the runner's side ------------------------------------------------------------------------ */

static int has_left(const struct served *r, double at_s)
{
    return at_s - r->arrival_s > r->patience_s;
}

static int take_token(void *user, const struct request *q, int32_t id, float margin)
{
    struct server *s = user;
    struct served *r = &s->log->v[q->key];

    (void)margin;
    r->last_s = now(s);
    if (r->n == 0)
        r->first_s = r->last_s;
    r->said[r->n] = id;
    r->token_s[r->n++] = r->last_s;
    return 0;
}

static int make_request(struct server *s, size_t i, struct request *q)
{
    struct served *r = &s->log->v[i];

    r->ids = mem_alloc((size_t)r->prompt * sizeof *r->ids);
    r->token_s = mem_alloc((size_t)r->wanted * sizeof *r->token_s);
    r->said = mem_alloc((size_t)r->wanted * sizeof *r->said);
    if (!r->ids || !r->token_s || !r->said)
        return -1;
    for (int k = 0; k < r->prompt; k++)
        r->ids[k] = (int32_t)splitmix64_below(&r->random, (uint64_t)s->vocab);
    *q = (struct request){.kind = REQUEST_GENERATE, .ids = r->ids, .n_ids = r->prompt,
                          .max_tokens = r->wanted, .ignore_end = 1, .key = i,
                          .on_token = take_token, .user = s};
    return 0;
}

/* The one that has waited longest and is still there. */
static int pop(struct server *s, double at_s, struct request *q)
{
    while (s->waiting > 0) {
        size_t i = s->queue[s->head];
        struct served *r = &s->log->v[i];
        s->head = (s->head + 1) % s->o->queue;
        s->waiting--;
        if (has_left(r, at_s)) {
            finish(s, r, SERVED_CANCELLED, r->arrival_s + r->patience_s);
            continue;
        }
        if (make_request(s, i, q) < 0) {
            snprintf(r->reason, sizeof r->reason, "out of memory");
            finish(s, r, SERVED_FAILED, at_s);
            continue;
        }
        r->start_s = at_s;
        s->inside++;
        return 1;
    }
    return 0;
}

static int next(void *user, int is_idle, struct request *q)
{
    struct server *s = user;
    double at_s = now(s), rest;

    let_arrive(s, at_s);
    if (pop(s, at_s, q))
        return 1;
    if (s->over)
        return -1;
    if (is_idle && s->o->load->rate_s > 0) {
        rest = s->next_s - at_s;
        s->o->pause(rest < IDLE_MS / 1e3 ? rest : IDLE_MS / 1e3);
    }
    return 0;
}

static int is_gone(void *user, const struct request *q)
{
    struct server *s = user;

    return has_left(&s->log->v[q->key], now(s));
}

static void on_end(void *user, const struct request *q, const struct reply *a,
                   const struct err *why)
{
    struct server *s = user;
    struct served *r = &s->log->v[q->key];
    double at_s = now(s);

    s->inside--;
    if (!a) {
        snprintf(r->reason, sizeof r->reason, "%.159s", why->text);
        finish(s, r, SERVED_FAILED, at_s);
    } else if (a->finish == FINISH_GONE) {
        finish(s, r, SERVED_CANCELLED, at_s);
    } else if (r->n < r->wanted) {
        snprintf(r->reason, sizeof r->reason, "the context was full after %d tokens", r->n);
        finish(s, r, SERVED_FAILED, at_s);
    } else {
        finish(s, r, SERVED_COMPLETED, at_s);
    }
}

/* Whoever waits or is inside when the command is stopped leaves with it. */
static void stop_all(struct server *s)
{
    double at_s = now(s);

    for (size_t i = 0; i < s->log->n; i++) {
        struct served *r = &s->log->v[i];
        if (!isnan(r->end_s))
            continue;
        snprintf(r->reason, sizeof r->reason, "the command was interrupted");
        finish(s, r, SERVED_CANCELLED, at_s);
    }
}

int serve(const struct serve_opts *o, struct serve_log *out, struct err *e)
{
    struct server s = {.o = o, .log = out, .random = o->load->seed,
                       .vocab = runner_info(o->runner)->vocab_size};
    const struct serving v = {.slots = o->slots, .next = next, .is_gone = is_gone,
                              .on_end = on_end, .user = &s};
    int rc = -1;

    *out = (struct serve_log){0};
    if (o->queue < 1 || o->slots < 1)
        return err_set(e, ERR_USAGE, "a server needs room for one request at least");
    s.queue = mem_alloc((size_t)o->queue * sizeof *s.queue);
    if (!s.queue)
        return err_nomem(e);
    if (o->load->rate_s > 0)
        s.next_s = serve_gap(&s.random, o->load->rate_s);
    s.start_s = o->clock();
    rc = runner_serve(o->runner, &v, o->stop, e);
    if (rc < 0 && e->code == ERR_INTERRUPTED && !s.failed) {
        stop_all(&s);
        *e = ERR_NONE;
        rc = 1;
    }
    if (rc >= 0 && s.failed)
        rc = err_nomem(e);
    mem_free(s.queue);
    if (rc < 0)
        serve_log_release(out);
    return rc;
}

void serve_log_release(struct serve_log *l)
{
    for (size_t i = 0; i < l->n; i++) {
        mem_free(l->v[i].token_s);
        mem_free(l->v[i].said);
        mem_free(l->v[i].ids);
    }
    mem_free(l->v);
    *l = (struct serve_log){0};
}
