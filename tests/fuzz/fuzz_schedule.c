/* fuzz_schedule.c -- random requests through the scheduler, on a device that only remembers.
 *
 * A slot of a page remembers the hash of the tokens up to its position.  Every row of every batch
 * must find its own path behind it, whoever computed it, on whichever page; a state slot remembers
 * the hash of what it has seen, and must have seen just that path; and at the end every request
 * must have been answered once.  Input: four bytes of limits, then six bytes per request:
 * {kind, whose beginning it shares, how much of it, length, given or wanted tokens, letters}. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "runners/schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { REQUESTS = 40, LONGEST = 160, CONTEXT = 150, PAGES_MAX = 64, SCRATCH_MAX = 32, VOCAB = 4,
       SLOTS_MAX = 7 };

struct world {
    struct request q[REQUESTS];
    int32_t ids[REQUESTS][LONGEST + 64]; /* generated ones follow the prompt */
    int generated[REQUESTS], answers[REQUESTS], n;
    struct kv kv, slots;
    struct schedule s;
    struct trie t;
    uint64_t kept[PAGES_MAX][KV_PAGE], scratch[SCRATCH_MAX][KV_PAGE];
    uint64_t state[SLOTS_MAX];
};

#define MUST(x) ((x) ? (void)0 : abort())

static uint64_t extend(uint64_t h, int32_t token)
{
    h = (h ^ (uint64_t)(token + 1)) * 0xff51afd7ed558ccd;
    return h ^ h >> 32;
}

static uint64_t *slot(struct world *w, page_no page, int position)
{
    MUST(page >= 0 ? page < w->kv.n : ~page < w->s.max_scratch);
    return page >= 0 ? &w->kept[page][position % KV_PAGE] : &w->scratch[~page][position % KV_PAGE];
}

/* As the CPU device does it: all rows are stored, in order, before any row looks back. */
static void store(struct world *w)
{
    const struct batch *b = &w->s.batch;
    int copy = 0;

    for (int i = 0; i < b->n_spans; i++) {
        const struct span *sp = &b->spans[i];
        for (int row = sp->row0; row < sp->row0 + sp->n; row++) {
            int position = b->positions[row];
            uint64_t h = 0;
            for (; copy < b->n_copies && b->copies[copy].before_row <= row; copy++)
                memcpy(slot(w, b->copies[copy].dst, 0), slot(w, b->copies[copy].src, 0),
                       sizeof w->kept[0]);
            MUST(position == sp->position + row - sp->row0);
            for (int k = 0; k <= position; k++)
                h = extend(h, w->ids[w->s.row_request[row]][k]);
            MUST(b->tokens[row] == w->ids[w->s.row_request[row]][position]);
            *slot(w, sp->pages[position / KV_PAGE], position) = h;
        }
    }
    MUST(copy == b->n_copies);
}

static void look_back(struct world *w)
{
    const struct batch *b = &w->s.batch;

    for (int i = 0; i < b->n_spans; i++)
        for (int row = b->spans[i].row0; row < b->spans[i].row0 + b->spans[i].n; row++) {
            uint64_t h = 0;
            for (int k = 0; k <= b->positions[row]; k++) {
                h = extend(h, w->ids[w->s.row_request[row]][k]);
                MUST(*slot(w, b->spans[i].pages[k / KV_PAGE], k) == h);
            }
        }
    memset(w->scratch, 0xee, sizeof w->scratch); /* lives for one batch */
}

static uint64_t *state_of(struct world *w, slot_no slot)
{
    MUST(slot >= 0 && slot < w->slots.n);
    return &w->state[slot];
}

/* Rows and copies of states in order; slots that nobody holds are spoilt. */
static void carry(struct world *w)
{
    const struct batch *b = &w->s.batch;
    int copy = 0;

    MUST(w->slots.n > 0 || b->n_state_copies == 0);
    for (int i = 0, row = 0; i <= b->n_spans && w->slots.n > 0; i++)
        for (int end = i < b->n_spans ? row + b->spans[i].n : row + 1; row < end; row++) {
            uint64_t h = 0, *state;
            for (; copy < b->n_state_copies && b->state_copies[copy].before_row <= row; copy++) {
                const struct state_copy *c = &b->state_copies[copy];
                *state_of(w, c->dst) = c->src == NO_SLOT ? 0 : *state_of(w, c->src);
            }
            if (row == b->n)
                break;
            for (int k = 0; k < b->positions[row]; k++)
                h = extend(h, w->ids[w->s.row_request[row]][k]);
            state = state_of(w, b->spans[i].state);
            MUST(*state == h);
            *state = extend(h, b->tokens[row]);
        }
    MUST(copy == b->n_state_copies);
    for (int i = 0; i < w->slots.n; i++)
        if (w->slots.refs[i] == 0)
            w->state[i] = 0xdeadbeef;
}

static void grow(struct world *w, int stream)
{
    struct stream *t = &w->s.streams[stream];
    int i = t->request;

    MUST(t->length == w->q[i].n_ids + w->generated[i]);
    t->token = (t->length * 7 + i) % VOCAB;
    if (w->q[i].max_tokens > 0)
        w->ids[i][w->q[i].n_ids + w->generated[i]++] = t->token;
    if (w->generated[i] >= w->q[i].max_tokens || t->length >= t->limit) {
        MUST(w->generated[i] == w->q[i].max_tokens || t->length == CONTEXT);
        w->answers[i]++;
        schedule_end_stream(&w->s, stream);
    }
}

static void answer(struct world *w, const struct head_row *h, const struct want *want)
{
    const struct schedule *s = &w->s;

    MUST(s->positions[h->row] == want->position);
    MUST(memcmp(w->ids[s->row_request[h->row]], w->q[want->request].ids,
                (size_t)(want->position + 1) * sizeof(int32_t)) == 0);
    if (w->q[want->request].kind != REQUEST_GENERATE) {
        w->answers[want->request]++;
        return;
    }
    for (int i = 0; i < s->n_streams; i++)
        if (s->streams[i].request == want->request) {
            grow(w, i);
            return;
        }
    abort();
}

static void take_heads(struct world *w)
{
    for (int i = 0; i < w->s.batch.n_heads; i++) {
        const struct head_wants *hw = &w->s.head_wants[i];
        MUST(w->s.n_full <= w->s.max_full);
        if (hw->stream >= 0)
            grow(w, hw->stream);
        for (int k = 0; k < hw->n; k++)
            answer(w, &w->s.heads[i], &hw->wants[k]);
    }
}

/* 1: the walk was left before its end. */
static int walk(struct world *w, int most_batches)
{
    struct err e = ERR_NONE;
    int more;

    memset(w->answers, 0, sizeof w->answers);
    memset(w->generated, 0, sizeof w->generated);
    schedule_begin(&w->s, &w->t, w->q);
    while ((more = schedule_next(&w->s, &e)) > 0 && most_batches-- > 0) {
        MUST(w->s.batch.n <= w->s.max_rows);
        store(w);
        look_back(w);
        carry(w);
        take_heads(w);
        schedule_done(&w->s);
    }
    if (more < 0) /* never when the longest sequence fits */
        MUST(e.code == ERR_NOMEM && w->kv.n < CONTEXT / KV_PAGE + 4);
    if (more == 0)
        MUST(w->kv.n_free == w->kv.n && w->slots.n_free == w->slots.n);
    schedule_abandon(&w->s);
    MUST(w->kv.n_free == w->kv.n && w->slots.n_free == w->slots.n);
    return more != 0;
}

static void make_requests(struct world *w, const uint8_t *at, size_t n)
{
    for (; w->n < REQUESTS && n >= 6; at += 6, n -= 6, w->n++) {
        struct request *q = &w->q[w->n];
        int32_t *ids = w->ids[w->n];
        int from = w->n ? at[1] % w->n : 0, keep = w->n ? at[2] % LONGEST : 0;
        for (int k = 0; k < LONGEST; k++)
            ids[k] = k < keep ? w->ids[from][k] : (at[5] >> k % 7) & 1;
        *q = (struct request){.ids = ids, .n_ids = 1 + at[3] % CONTEXT};
        q->kind = at[0] % 3 == 0 ? REQUEST_SCORE : at[0] % 3 == 1 ? REQUEST_GENERATE
                                                                  : REQUEST_LOGITS;
        if (q->kind == REQUEST_SCORE && q->n_ids == 1)
            q->n_ids = 2;
        q->n_given = q->kind == REQUEST_SCORE ? 1 + at[4] % (q->n_ids - 1) : 0;
        q->max_tokens = at[4] % 64;
    }
}

static void check_answers(const struct world *w)
{
    for (int i = 0; i < w->n; i++) {
        const struct request *q = &w->q[i];
        MUST(w->answers[i] == (q->kind == REQUEST_SCORE      ? q->n_ids - q->n_given
                               : q->kind == REQUEST_LOGITS ? q->n_ids
                                                           : 1));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct world w;
    struct schedule_limits l = {.context = CONTEXT, .vocab = VOCAB, .max_scratch = SCRATCH_MAX};

    if (n < 10)
        return 0;
    memset(&w, 0, sizeof w);
    l.max_rows = 1 + bytes[0] % 80;
    l.max_streams = 1 + bytes[1] % 8;
    if (l.max_streams > l.max_rows)
        l.max_streams = l.max_rows;
    l.max_full = l.max_streams + 1 + bytes[1] / 64;
    make_requests(&w, bytes + 4, n - 4);
    if (kv_open(&w.kv, 4 + bytes[2] % (PAGES_MAX - 4), NULL) < 0 ||
        kv_open(&w.slots, (bytes[0] ^ bytes[2]) % (SLOTS_MAX + 1), NULL) < 0 ||
        schedule_open(&w.s, &w.kv, &w.slots, &l, NULL) < 0 || trie_build(&w.t, w.q, w.n, NULL) < 0)
        abort();
    walk(&w, bytes[3]);
    if (walk(&w, 1 << 20) == 0)
        check_answers(&w);
    schedule_release(&w.s);
    kv_release(&w.kv);
    kv_release(&w.slots);
    trie_release(&w.t);
    MUST(mem_live() == 0);
    return 0;
}
