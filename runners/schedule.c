#include "runners/schedule.h"

#include <string.h>

#include "base/mem.h"

static int pages_for(int tokens)
{
    return (tokens + KV_PAGE - 1) / KV_PAGE;
}

int schedule_open(struct schedule *s, struct kv *kv, struct kv *slots,
                  const struct schedule_limits *l, struct err *e)
{
    size_t rows = (size_t)l->max_rows, pages = (size_t)pages_for(l->context) + 1;

    *s = (struct schedule){
        .kv = kv, .max_rows = l->max_rows, .max_scratch = l->max_scratch,
        .max_streams = l->max_streams, .max_options = l->max_options, .max_full = l->max_full,
        .context = l->context, .vocab = l->vocab, .number = 1,
    };
    int most = l->max_streams + l->max_options;
    s->stack = mem_alloc(pages * sizeof *s->stack);
    s->streams = mem_calloc((size_t)most, sizeof *s->streams);
    for (int i = 0; s->streams && i < most; i++) {
        s->streams[i].pages = mem_alloc(pages * sizeof *s->stack);
        if (!s->streams[i].pages)
            goto nomem;
    }
    s->tokens = mem_alloc(rows * sizeof *s->tokens);
    s->positions = mem_alloc(rows * sizeof *s->positions);
    s->row_request = mem_alloc(rows * sizeof *s->row_request);
    s->spans = mem_alloc(rows * sizeof *s->spans);
    s->span_pages = mem_alloc(rows * sizeof *s->span_pages);
    s->copies = mem_alloc(rows * sizeof *s->copies);
    s->heads = mem_alloc(rows * sizeof *s->heads);
    s->head_wants = mem_alloc(rows * sizeof *s->head_wants);
    s->fresh = mem_alloc((rows + 1) * sizeof *s->fresh);
    s->used = mem_calloc((size_t)kv->n, sizeof *s->used);
    if (states_open(&s->states, slots, l->context, e) < 0)
        goto nomem;
    if (s->stack && s->streams && s->tokens && s->positions && s->row_request && s->spans &&
        s->span_pages && s->copies && s->heads && s->head_wants && s->fresh && s->used)
        return 0;
nomem:
    schedule_release(s);
    return err_nomem(e);
}

void schedule_release(struct schedule *s)
{
    for (int i = 0; s->streams && i < s->max_streams + s->max_options; i++)
        mem_free(s->streams[i].pages);
    mem_free(s->streams);
    states_release(&s->states);
    mem_free(s->stack);
    mem_free(s->tokens);
    mem_free(s->positions);
    mem_free(s->row_request);
    mem_free(s->spans);
    mem_free(s->span_pages);
    mem_free(s->page_list);
    mem_free(s->copies);
    mem_free(s->heads);
    mem_free(s->head_wants);
    mem_free(s->targets);
    mem_free(s->target_logits);
    mem_free(s->full);
    mem_free(s->fresh);
    mem_free(s->deferred);
    mem_free(s->used);
    memset(s, 0, sizeof *s);
}

void schedule_begin(struct schedule *s, const struct trie *t, const struct request *q)
{
    s->trie = t;
    s->requests = q;
    s->at = s->next = s->started = s->depth = s->n_streams = s->n_options = 0;
    s->fate = NULL;
    s->tail_checked = 1;
    s->n_deferred = 0;
    states_reset(&s->states);
}

void schedule_contests(struct schedule *s, enum option_fate (*fate)(void *user, int request),
                       void *user)
{
    s->fate = fate;
    s->fate_user = user;
}

/* ---- pages ---- */

static page_no new_page(struct schedule *s)
{
    s->fresh[s->n_fresh] = (struct fresh_page){.held = 1};
    s->n_fresh_held++;
    return ~s->n_fresh++;
}

static void hold(struct schedule *s, page_no p)
{
    if (p >= 0)
        kv_ref(s->kv, p);
    else if (s->fresh[~p].held++ == 0)
        s->n_fresh_held++;
}

/* Pages that a row of this batch may read are given back only when the batch has run. */
static int drop(struct schedule *s, page_no p, struct err *e)
{
    if (p < 0) {
        if (--s->fresh[~p].held == 0)
            s->n_fresh_held--;
        return 0;
    }
    if (mem_grow(&s->deferred, &s->cap_deferred, s->n_deferred + 1, sizeof *s->deferred) < 0)
        return err_nomem(e);
    s->deferred[s->n_deferred++] = p;
    return 0;
}

static void flush_deferred(struct schedule *s)
{
    for (size_t i = 0; i < s->n_deferred; i++)
        kv_unref(s->kv, s->deferred[i]);
    s->n_deferred = 0;
}

/* Makes *slot writable from row `row` on: copies the page when somebody else may read it. */
static int own_page(struct schedule *s, page_no *slot, int row, struct err *e)
{
    page_no old = *slot;

    if (old >= 0 && s->kv->refs[old] == 1 && s->used[old] != s->number)
        return 0;
    *slot = new_page(s);
    s->copies[s->batch.n_copies++] =
        (struct page_copy){.dst = *slot, .src = old, .before_row = row};
    return drop(s, old, e);
}

/* ---- rows ---- */

static int add_span(struct schedule *s, int request, int position, const int32_t *ids, int n,
                    const page_no *pages, slot_no state, struct err *e)
{
    size_t n_pages = (size_t)pages_for(position + n);
    int row = s->batch.n;

    if (mem_grow(&s->page_list, &s->cap_page_list, s->n_page_list + n_pages,
                 sizeof *s->page_list) < 0)
        return err_nomem(e);
    for (size_t i = 0; i < n_pages; i++) {
        s->page_list[s->n_page_list + i] = pages[i];
        if (pages[i] >= 0)
            s->used[pages[i]] = s->number;
    }
    s->span_pages[s->batch.n_spans] = s->n_page_list;
    s->n_page_list += n_pages;
    s->spans[s->batch.n_spans++] =
        (struct span){.row0 = row, .n = n, .position = position, .state = state};
    for (int i = 0; i < n; i++) {
        s->tokens[row + i] = ids[i];
        s->positions[row + i] = position + i;
        s->row_request[row + i] = request;
    }
    s->batch.n += n;
    return 0;
}

static int add_head(struct schedule *s, int row, const struct want *w, int n, int stream,
                    struct err *e)
{
    struct head_row *h = &s->heads[s->batch.n_heads];
    int whole = stream >= 0; /* the whole row of logits */

    if (mem_grow(&s->targets, &s->cap_targets, s->n_targets + (size_t)n, sizeof *s->targets) < 0 ||
        mem_grow(&s->target_logits, &s->cap_target_logits, s->n_targets + (size_t)n,
                 sizeof *s->target_logits) < 0)
        return err_nomem(e);
    *h = (struct head_row){.row = row, .n_targets = n};
    for (int i = 0; i < n; i++) {
        s->targets[s->n_targets + (size_t)i] = w[i].target;
        whole |= w[i].target < 0;
    }
    s->n_targets += (size_t)n;
    if (whole) {
        if (!s->full) {
            s->full = mem_aligned(64, (size_t)s->max_full * (size_t)s->vocab * sizeof *s->full);
            if (!s->full)
                return err_nomem(e);
        }
        h->logits = s->full + (size_t)s->n_full++ * (size_t)s->vocab;
    }
    s->head_wants[s->batch.n_heads++] = (struct head_wants){w, n, stream};
    return 0;
}

/* Wants from *w on at the n rows that begin at `position`; *w to the first behind them. */
static int add_heads(struct schedule *s, const struct want **w, const struct want *end,
                     int position, int n, int row0, struct err *e)
{
    while (*w < end && (*w)->position < position + n) {
        int same = 1;
        while (*w + same < end && (*w)[same].position == (*w)->position)
            same++;
        if (add_head(s, row0 + (*w)->position - position, *w, same, -1, e) < 0)
            return -1;
        *w += same;
    }
    return 0;
}

/* Rows, and pages of one layer, that the batch under composition has left. */
static int rows_left(const struct schedule *s)
{
    int rows = s->max_rows - s->batch.n, pages = s->max_scratch - s->n_fresh - 1; /* a copy */

    if (pages <= 0)
        return 0;
    return rows < pages * KV_PAGE ? rows : pages * KV_PAGE;
}

/* The next rows of an option, as far as they fit. */
static int add_option_rows(struct schedule *s, struct stream *t, struct err *e)
{
    const struct path *p = t->path;
    int n = rows_left(s), row = s->batch.n, from = t->length;

    n = n < OPTION_ROWS ? n : OPTION_ROWS;
    n = n < t->limit - from ? n : t->limit - from;
    if (n <= 0)
        return 0;
    if (from % KV_PAGE && own_page(s, &t->pages[t->n_pages - 1], row, e) < 0)
        return -1;
    while (t->n_pages < pages_for(from + n))
        t->pages[t->n_pages++] = new_page(s);
    t->length += n;
    if (add_span(s, t->request, from, p->ids + from, n, t->pages, t->state, e) < 0)
        return -1;
    return add_heads(s, &t->want, s->trie->wants + p->want0 + p->n_wants, from, n, row, e);
}

static int add_stream_rows(struct schedule *s, struct err *e)
{
    for (int i = 0; i < s->n_streams; i++) {
        struct stream *t = &s->streams[i];
        int page = t->length / KV_PAGE, row = s->batch.n;

        if (t->path) {
            if (s->fate(s->fate_user, t->request) == OPTION_GOES_ON && add_option_rows(s, t, e) < 0)
                return -1;
            continue;
        }
        if (page == t->n_pages)
            t->pages[t->n_pages++] = new_page(s);
        else if (own_page(s, &t->pages[page], row, e) < 0)
            return -1;
        if (add_span(s, t->request, t->length, &t->token, 1, t->pages, t->state, e) < 0 ||
            add_head(s, row, NULL, 0, i, e) < 0)
            return -1;
        t->length++;
    }
    return 0;
}

/* ---- the walk ---- */

static int is_option(const struct schedule *s, const struct path *p)
{
    return s->fate && s->max_options && s->requests[p->request].contest;
}

/* Where a path leaves the walk: an option where no later path goes along with it any more. */
static int walk_end(const struct schedule *s)
{
    const struct path *p = &s->trie->paths[s->at];
    int later = s->at + 1 < s->trie->n ? p[1].shared : 0;

    if (!is_option(s, p))
        return p->n;
    return later > p->shared ? later : p->shared;
}

/* Positions that a generation may reach. */
static int longest(const struct schedule *s, const struct request *q)
{
    return q->max_tokens < s->context - q->n_ids ? q->n_ids + q->max_tokens : s->context;
}

static int start_stream(struct schedule *s, int request, struct err *e)
{
    const struct request *q = &s->requests[request];
    struct stream *t = &s->streams[s->n_streams++];

    *t = (struct stream){.request = request, .length = q->n_ids, .pages = t->pages,
                         .limit = longest(s, q), .n_pages = s->depth};
    for (int i = 0; i < s->depth; i++) {
        t->pages[i] = s->stack[i];
        hold(s, s->stack[i]);
    }
    int is_shared = s->at + 1 < s->trie->n && s->trie->paths[s->at + 1].shared == q->n_ids;
    return states_hand_over(&s->states, is_shared, s->batch.n, &t->state, e);
}

/* The rest of the path under way, from s->next on. */
static void start_option(struct schedule *s)
{
    const struct path *p = &s->trie->paths[s->at];
    const struct want *w = s->trie->wants + p->want0, *end = w + p->n_wants;
    struct stream *t = &s->streams[s->n_streams++];

    while (w < end && w->position < s->next)
        w++;
    *t = (struct stream){.request = p->request, .length = s->next, .limit = p->n, .path = p,
                         .want = w, .state = s->states.now, .pages = t->pages,
                         .n_pages = s->depth};
    for (int i = 0; i < s->depth; i++) {
        t->pages[i] = s->stack[i];
        hold(s, s->stack[i]);
    }
    s->n_options++;
}

/* To the next path: keeps the pages that it shares with this one. */
static int turn(struct schedule *s, struct err *e)
{
    int keep;

    s->at++;
    s->next = states_turn(&s->states, s->trie, s->at);
    keep = pages_for(s->next);
    while (s->depth > keep)
        if (drop(s, s->stack[--s->depth], e) < 0)
            return -1;
    s->started = 0;
    s->tail_checked = s->next % KV_PAGE == 0;
    return 0;
}

static int advance(struct schedule *s, struct err *e)
{
    const struct path *p = &s->trie->paths[s->at];

    if (s->next < p->n)
        start_option(s);
    else if (s->requests[p->request].kind == REQUEST_GENERATE && start_stream(s, p->request, e) < 0)
        return -1;
    return turn(s, e);
}

int schedule_skip(struct schedule *s, struct err *e)
{
    return turn(s, e);
}

/* Pages that running generations may still ask for. */
static int promised(const struct schedule *s)
{
    int n = 0;

    for (int i = 0; i < s->n_streams; i++)
        n += pages_for(s->streams[i].limit) - s->streams[i].n_pages + 1;
    return n;
}

/* May the path under way start?  Its whole need must be free, so that it can always be finished. */
static int admit(const struct schedule *s)
{
    const struct path *p = &s->trie->paths[s->at];
    const struct request *q = &s->requests[p->request];
    int length = q->kind == REQUEST_GENERATE ? longest(s, q) : p->n;

    if (q->kind == REQUEST_GENERATE && s->n_streams - s->n_options == s->max_streams)
        return 0;
    if (is_option(s, p) && s->n_options == s->max_options)
        return 0;
    if (!states_may_enter(&s->states))
        return 0;
    int is_stream = q->kind == REQUEST_GENERATE || is_option(s, p);
    return pages_for(length) - s->next / KV_PAGE + 1 + is_stream <=
           s->kv->n_free - s->n_fresh_held - promised(s);
}

/* How many of the next rows fit: rows, fresh pages, and whole rows of logits are bounded. */
static int room(const struct schedule *s, const struct want *w, const struct want *end)
{
    int n = rows_left(s), full = s->max_full - s->n_full, end_at = walk_end(s);

    if (n > end_at - s->next)
        n = end_at - s->next;
    for (; w < end && w->position < s->next + n; w++)
        if (w->target < 0 && full-- == 0)
            n = w->position - s->next;
    return n;
}

static int add_path_rows(struct schedule *s, struct err *e)
{
    const struct path *p = &s->trie->paths[s->at];
    const struct want *w = s->trie->wants + p->want0, *end = w + p->n_wants;
    int row0 = s->batch.n, from = s->next, n;

    while (w < end && w->position < from)
        w++;
    n = room(s, w, end);
    if (n == 0)
        return 0;
    if (!s->tail_checked && own_page(s, &s->stack[s->depth - 1], row0, e) < 0)
        return -1;
    s->tail_checked = 1;
    while (s->depth < pages_for(from + n))
        s->stack[s->depth++] = new_page(s);
    if (states_pass(&s->states, from, n, row0, e) < 0 ||
        add_span(s, p->request, from, p->ids + from, n, s->stack, s->states.now, e) < 0)
        return -1;
    if (add_heads(s, &w, end, from, n, row0, e) < 0)
        return -1;
    s->next += n;
    return n;
}

void schedule_end_stream(struct schedule *s, int stream)
{
    struct stream *t = &s->streams[stream];

    for (int i = 0; i < t->n_pages; i++)
        kv_unref(s->kv, t->pages[i]);
    if (t->state >= 0)
        kv_unref(s->states.slots, t->state);
    s->n_options -= t->path != NULL;
    t->n_pages = 0;
    t->request = -1;
}

static void close_ranks(struct schedule *s)
{
    int n = 0;

    for (int i = 0; i < s->n_streams; i++) {
        if (s->streams[i].request < 0)
            continue;
        struct stream t = s->streams[n];
        s->streams[n] = s->streams[i];
        if (n != i)
            s->streams[i] = t; /* its page list stays allocated */
        n++;
    }
    s->n_streams = n;
}

/* Gives up what is done or lost; the others close ranks. */
static void end_options(struct schedule *s)
{
    for (int i = 0; i < s->n_streams; i++) {
        const struct stream *t = &s->streams[i];
        if (t->path && (t->length == t->limit || s->fate(s->fate_user, t->request) == OPTION_LOST))
            schedule_end_stream(s, i);
    }
    close_ranks(s);
}

static int compose(struct schedule *s, struct err *e)
{
    end_options(s);
    if (add_stream_rows(s, e) < 0)
        return -1;
    while (s->at < s->trie->n) {
        int n;
        if (s->started ? s->next == walk_end(s) : s->next == s->trie->paths[s->at].n) {
            if (advance(s, e) < 0)
                return -1;
            continue;
        }
        if (s->batch.n == s->max_rows)
            break;
        if (!s->started && !admit(s)) {
            if (s->batch.n == 0 && s->n_deferred > 0) {
                flush_deferred(s);
                continue;
            }
            break;
        }
        if (!s->started &&
            states_enter(&s->states, s->trie, s->at, s->next, s->batch.n, e) < 0)
            return -1;
        s->started = 1;
        if (s->next == walk_end(s)) /* an option that does not begin in the walk */
            continue;
        n = add_path_rows(s, e);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
    }
    return 0;
}

static page_no numbered(const struct schedule *s, page_no p)
{
    return p >= 0 ? p : s->fresh[~p].number;
}

/* Numbers the fresh pages: kept ones from the kv, the others as scratch. */
static int settle(struct schedule *s, struct err *e)
{
    struct batch *b = &s->batch;
    int scratch = 0;

    for (int i = 0; i < s->n_fresh; i++) {
        struct fresh_page *f = &s->fresh[i];
        if (f->held == 0) {
            f->number = ~scratch++;
            continue;
        }
        f->number = kv_take(s->kv);
        if (f->number < 0)
            return err_set(e, ERR_NOMEM, "the KV cache is full (%d pages)", s->kv->n);
        for (int k = 1; k < f->held; k++)
            kv_ref(s->kv, f->number);
    }
    for (int i = 0; i < s->depth; i++)
        s->stack[i] = numbered(s, s->stack[i]);
    for (int i = 0; i < s->n_streams; i++)
        for (int k = 0; k < s->streams[i].n_pages; k++)
            s->streams[i].pages[k] = numbered(s, s->streams[i].pages[k]);
    for (size_t i = 0; i < s->n_page_list; i++)
        s->page_list[i] = numbered(s, s->page_list[i]);
    for (int i = 0; i < b->n_copies; i++) {
        s->copies[i].dst = numbered(s, s->copies[i].dst);
        s->copies[i].src = numbered(s, s->copies[i].src);
    }
    for (int i = 0; i < b->n_spans; i++)
        s->spans[i].pages = s->page_list + s->span_pages[i];
    for (int i = 0; i < b->n_heads; i++) {
        s->heads[i].targets = s->targets;
        s->heads[i].target_logits = s->target_logits;
    }
    for (size_t i = 0, at = 0; i < (size_t)b->n_heads; at += (size_t)s->heads[i].n_targets, i++) {
        s->heads[i].targets += at;
        s->heads[i].target_logits += at;
    }
    s->n_fresh = s->n_fresh_held = 0;
    b->state_copies = s->states.copies;
    b->n_state_copies = (int)s->states.n_copies;
    return 0;
}

static int too_long(const struct schedule *s, int tokens, struct err *e)
{
    err_set(e, ERR_NOMEM, "a request of %d tokens needs %d pages of the KV cache, %d are there",
            tokens, pages_for(tokens) + 2, s->kv->n);
    err_hint(e, "give more with --kv-memory");
    return -1;
}

int schedule_next(struct schedule *s, struct err *e)
{
    s->batch = (struct batch){.tokens = s->tokens, .positions = s->positions, .spans = s->spans,
                              .copies = s->copies, .heads = s->heads};
    s->n_page_list = s->n_targets = s->states.n_copies = 0;
    s->n_full = s->n_fresh = s->n_fresh_held = 0;
    s->number++;
    do { /* options that only began have their rows the next time */
        if (compose(s, e) < 0)
            return -1;
    } while (s->batch.n == 0 && s->n_options > 0);
    if (settle(s, e) < 0)
        return -1;
    if (s->batch.n > 0)
        return 1;
    if (s->at >= s->trie->n)
        return 0;
    return too_long(s, s->trie->paths[s->at].n, e);
}

int schedule_could(const struct schedule *s, const struct request *q, struct err *e)
{
    if (pages_for(longest(s, q)) + 2 <= s->kv->n)
        return 0;
    return too_long(s, longest(s, q), e);
}

void schedule_done(struct schedule *s)
{
    flush_deferred(s);
    close_ranks(s);
}

void schedule_abandon(struct schedule *s)
{
    kv_reset(s->kv);
    kv_reset(s->states.slots);
    states_reset(&s->states);
    s->n_deferred = 0;
    s->n_streams = s->n_options = s->depth = 0;
}
