/* serve.c -- generations that come while others run: continuous batching.  See runner.h.
 *
 * The walk of schedule.h goes over paths in the order in which they came, sharing nothing.  A slot
 * is a request's place from coming in to its end: its path, its one want and its progress have the
 * slot's number.  Paths walked are cut off at the front before one is added at the end, so nothing
 * grows with the number of requests. */
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "runners/run.h"

struct server {
    const struct serving *v;
    struct run run;
    struct request *q; /* [slots], as run.q */
    char *taken;       /* [slots] */
    int inside, is_over;
};

static int server_open(struct server *s, struct runner *r, const struct serving *v, struct err *e)
{
    size_t n = (size_t)v->slots;

    *s = (struct server){.v = v};
    if (v->slots < 1 || v->slots > r->schedule.max_streams)
        return err_set(e, ERR_USAGE, "%d requests at once, at most %d run together", v->slots,
                       r->schedule.max_streams);
    s->q = mem_calloc(n, sizeof *s->q);
    s->taken = mem_calloc(n, 1);
    s->run = (struct run){.r = r, .q = s->q, .n = v->slots, .user = s};
    s->run.p = mem_calloc(n, sizeof *s->run.p);
    s->run.trie.paths = mem_calloc(2 * n, sizeof *s->run.trie.paths);
    s->run.trie.wants = mem_calloc(n, sizeof *s->run.trie.wants);
    if (!s->q || !s->taken || !s->run.p || !s->run.trie.paths || !s->run.trie.wants)
        return err_nomem(e);
    return 0;
}

static void server_close(struct server *s)
{
    for (int i = 0; s->run.p && i < s->v->slots; i++)
        run_release(&s->run.p[i]);
    mem_free(s->run.p);
    trie_release(&s->run.trie);
    mem_free(s->taken);
    mem_free(s->q);
}

static void leave(struct server *s, int slot)
{
    s->taken[slot] = 0;
    s->inside--;
}

static int on_reply(void *user, int slot, const struct reply *a)
{
    struct server *s = user;

    leave(s, slot);
    s->v->on_end(s->v->user, &s->q[slot], a, NULL);
    return 0;
}

static void add_path(struct server *s, int slot)
{
    struct trie *t = &s->run.trie;
    struct schedule *walk = &s->run.r->schedule;
    const struct request *q = &s->q[slot];

    t->n -= walk->at;
    memmove(t->paths, t->paths + walk->at, (size_t)t->n * sizeof *t->paths);
    walk->at = 0;
    t->paths[t->n++] = (struct path){.request = slot, .ids = q->ids, .n = q->n_ids,
                                     .turn = INT_MAX, .want0 = (size_t)slot, .n_wants = 1};
    t->wants[slot] = (struct want){.position = q->n_ids - 1, .target = -1, .request = slot};
}

/* A request that cannot run fails by itself. */
static void come_in(struct server *s, const struct request *q)
{
    struct runner *r = s->run.r;
    struct err why = ERR_NONE;
    int slot = 0;

    while (s->taken[slot])
        slot++;
    s->q[slot] = *q;
    if (q->kind != REQUEST_GENERATE)
        err_set(&why, ERR_USAGE, "a server only generates");
    else if (run_check(r, q, slot, &why) == 0 && schedule_could(&r->schedule, q, &why) == 0 &&
             run_prepare(&s->run, slot, &why) == 0) {
        s->taken[slot] = 1;
        s->inside++;
        add_path(s, slot);
        return;
    }
    run_release(&s->run.p[slot]);
    s->v->on_end(s->v->user, q, NULL, &why);
}

static void fill_slots(struct server *s)
{
    while (!s->is_over && s->inside < s->v->slots) {
        struct request q = {0};
        int got = s->v->next(s->v->user, s->inside == 0, &q);
        if (got == 0)
            return;
        if (got < 0)
            s->is_over = 1;
        else
            come_in(s, &q);
    }
}

static int is_gone(struct server *s, int slot)
{
    if (!s->v->is_gone || !s->v->is_gone(s->v->user, &s->q[slot]))
        return 0;
    s->run.p[slot].finish = FINISH_GONE;
    return 1;
}

/* Before schedule_done. */
static void drop_streams(struct server *s)
{
    struct schedule *walk = &s->run.r->schedule;

    for (int i = 0; i < walk->n_streams; i++) {
        int slot = walk->streams[i].request;
        if (slot < 0 || !is_gone(s, slot))
            continue;
        schedule_end_stream(walk, i);
        run_deliver(&s->run, slot);
    }
}

/* After it: those whose prompt is under way or comes next. */
static int drop_prompts(struct server *s, struct err *e)
{
    struct schedule *walk = &s->run.r->schedule;

    while (walk->at < s->run.trie.n) {
        int slot = s->run.trie.paths[walk->at].request;
        if (!is_gone(s, slot))
            break;
        if (schedule_skip(walk, e) < 0)
            return -1;
        run_deliver(&s->run, slot);
    }
    return 0;
}

static int step(struct server *s, struct err *e)
{
    struct runner *r = s->run.r;
    int more = schedule_next(&r->schedule, e);
    double t0;

    if (more <= 0)
        return more;
    t0 = engine_now();
    if (r->ops->run(r->device, &r->schedule.batch, e) < 0)
        return err_prefix(e, "%s", gguf_path(r->file));
    run_book(&s->run, t0, engine_now());
    if (run_take_heads(&s->run, e) < 0)
        return -1;
    drop_streams(s);
    schedule_done(&r->schedule);
    return drop_prompts(s, e);
}

static void start_walk(struct server *s)
{
    s->run.trie.n = 0;
    schedule_begin(&s->run.r->schedule, &s->run.trie, s->q);
}

/* What a batch breaks is all that is inside; the next ones find an empty server. */
static void fail_all(struct server *s, const struct err *why)
{
    schedule_abandon(&s->run.r->schedule);
    for (int i = 0; i < s->v->slots; i++) {
        if (!s->taken[i])
            continue;
        leave(s, i);
        run_release(&s->run.p[i]);
        s->v->on_end(s->v->user, &s->q[i], NULL, why);
    }
    start_walk(s);
}

int runner_serve(struct runner *r, const struct serving *v, const volatile int *stop,
                 struct err *e)
{
    struct server s;
    int rc = server_open(&s, r, v, e);

    if (rc < 0)
        goto out;
    s.run.on_reply = on_reply;
    start_walk(&s);
    while (rc == 0 && (!s.is_over || s.inside > 0)) {
        struct err why = ERR_NONE;
        fill_slots(&s);
        if (s.inside > 0 && step(&s, &why) < 0)
            fail_all(&s, &why);
        if (stop && *stop)
            rc = err_set(e, ERR_INTERRUPTED, "interrupted");
    }
    schedule_abandon(&r->schedule);
out:
    server_close(&s);
    return rc;
}
