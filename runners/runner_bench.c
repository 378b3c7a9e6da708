/* runner_bench.c -- prefill and decode on the clock, as llama-bench runs them: arbitrary tokens,
 * logits of the last one.  See runner.h. */
#include "base/mem.h"
#include "runners/engine.h"

enum { STREAMS_MAX = 512 };

struct bench {
    struct runner *r;
    int streams, length; /* positions in every stream so far */
    int is_filling;
    int pages;           /* a stream's page table */
    page_no *table;      /* [streams][pages] */
    int32_t *tokens, *positions;
    struct span *spans;
    struct state_copy *zeros;
    struct head_row *heads;
};

static void bench_close(struct bench *b)
{
    mem_free(b->table);
    mem_free(b->tokens);
    mem_free(b->positions);
    mem_free(b->spans);
    mem_free(b->zeros);
    mem_free(b->heads);
    kv_reset(&b->r->kv);
}

static int bench_open(struct bench *b, struct runner *r, int streams, int depth, int n,
                      struct err *e)
{
    size_t rows = (size_t)r->batch_tokens;
    int length;

    *b = (struct bench){.r = r, .streams = streams};
    if (streams < 1 || streams > STREAMS_MAX || streams > r->batch_tokens || depth < 0 || n < 1 ||
        depth > r->context || n > r->context - depth)
        return err_set(e, ERR_USAGE,
                       "%d streams of %d tokens after %d do not fit: batch %d, context %d", streams,
                       n, depth, r->batch_tokens, r->context);
    length = depth + n;
    b->pages = (length + KV_PAGE - 1) / KV_PAGE;
    if ((int64_t)b->pages * streams > r->kv.n)
        return err_set(e, ERR_NOMEM, "%d streams of %d tokens need %lld KV pages, %d are there",
                       streams, length, (long long)b->pages * streams, r->kv.n);
    if (r->slots.n > 0 && streams > r->slots.n)
        return err_set(e, ERR_NOMEM, "%d streams need a state each, %d are there", streams,
                       r->slots.n);
    kv_reset(&r->kv);
    b->table = mem_alloc((size_t)b->pages * (size_t)streams * sizeof *b->table);
    b->tokens = mem_alloc(rows * sizeof *b->tokens);
    b->positions = mem_alloc(rows * sizeof *b->positions);
    b->spans = mem_alloc((size_t)streams * sizeof *b->spans);
    b->zeros = mem_alloc((size_t)streams * sizeof *b->zeros);
    b->heads = mem_calloc((size_t)streams, sizeof *b->heads);
    if (!b->table || !b->tokens || !b->positions || !b->spans || !b->zeros || !b->heads) {
        bench_close(b);
        return err_nomem(e);
    }
    for (int i = 0; i < b->pages * streams; i++)
        b->table[i] = kv_take(&r->kv);
    return 0;
}

/* n more tokens in every stream, in one pass; the logits of each stream's last. */
static int pass(struct bench *b, int n, int heads, struct err *e)
{
    struct batch batch = {.n = n * b->streams, .tokens = b->tokens, .positions = b->positions,
                          .spans = b->spans, .n_spans = b->streams, .heads = b->heads,
                          .state_copies = b->zeros, .n_heads = heads ? b->streams : 0,
                          .is_filling = b->is_filling};

    for (int s = 0; s < b->streams; s++) {
        b->spans[s] = (struct span){.row0 = s * n, .n = n, .position = b->length,
                                   .pages = b->table + (size_t)s * (size_t)b->pages,
                                   .state = s};
        b->zeros[s] = (struct state_copy){.dst = s, .src = NO_SLOT, .before_row = s * n};
        b->heads[s] = (struct head_row){.row = s * n + n - 1};
        for (int i = 0; i < n; i++) {
            int at = b->length + i;
            b->positions[s * n + i] = at;
            b->tokens[s * n + i] = (int32_t)(((uint32_t)at * 7919 + (uint32_t)s * 104729 + 17) %
                                             (uint32_t)b->r->model->hp.vocab);
        }
    }
    if (b->length == 0 && b->r->slots.n > 0)
        batch.n_state_copies = b->streams;
    b->length += n;
    return b->r->ops->run(b->r->device, &batch, e);
}

static int fill(struct bench *b, int n, int heads, struct err *e)
{
    int most = b->r->batch_tokens / b->streams;

    for (int k; n > 0; n -= k) {
        k = n < most ? n : most;
        if (pass(b, k, heads && k == n, e) < 0)
            return -1;
    }
    return 0;
}

/* The tokens that are there before. */
static int fill_up(struct bench *b, int depth, struct err *e)
{
    int rc;

    b->is_filling = 1;
    rc = fill(b, depth, 0, e);
    b->is_filling = 0;
    return rc;
}

void runner_on_clock(struct runner *r, void (*f)(void *user, int is_start), void *user)
{
    r->on_clock = f;
    r->on_clock_user = user;
}

static double clock_starts(struct runner *r)
{
    if (r->on_clock)
        r->on_clock(r->on_clock_user, 1);
    return engine_now();
}

static double clock_stops(struct runner *r, double since)
{
    double s = engine_now() - since;

    if (r->on_clock)
        r->on_clock(r->on_clock_user, 0);
    return s;
}

int runner_time_prefill(struct runner *r, int depth, int n, double *s, struct err *e)
{
    struct bench b;
    int rc = -1;
    double t0;

    if (bench_open(&b, r, 1, depth, n, e) < 0)
        return -1;
    if (fill_up(&b, depth, e) < 0)
        goto out;
    t0 = clock_starts(r);
    rc = fill(&b, n, 1, e);
    *s = clock_stops(r, t0);
out:
    bench_close(&b);
    return rc;
}

int runner_time_decode(struct runner *r, int depth, int streams, int n, double *s, struct err *e)
{
    struct bench b;
    int rc = -1;
    double t0;

    if (bench_open(&b, r, streams, depth, n, e) < 0)
        return -1;
    if (fill_up(&b, depth, e) < 0)
        goto out;
    t0 = clock_starts(r);
    for (int i = 0; i < n; i++)
        if (pass(&b, 1, 1, e) < 0)
            goto out;
    *s = clock_stops(r, t0);
    rc = 0;
out:
    bench_close(&b);
    return rc;
}

int runner_time_read(struct runner *r, uint64_t bytes, double *s, struct err *e)
{
    double t0;
    int rc;

    if (!r->ops->read)
        return err_set(e, ERR_UNSUPPORTED, "device %s: it offers no read of its memory",
                       r->ops->name);
    t0 = clock_starts(r);
    rc = r->ops->read(r->device, bytes, e);
    *s = clock_stops(r, t0);
    return rc;
}
