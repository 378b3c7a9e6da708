/* plugin_batch.c -- a batch in the plain structures of densimeter_device.h, in one block of memory
 * like the program's (plugin_image.c), and what a plug-in answered taken out of it again.
 *
 * The block's layout follows from the batch alone, so that it is laid out again to take the
 * answers: nothing that a plug-in may have written over is trusted.  What it left empty, and what
 * cannot be a likelihood, is an error. */
#include <math.h>
#include <string.h>

#include "runners/plugin.h"
#include "runners/plugin_block.h"

struct batch_parts {
    struct dsm_batch *b;
    int32_t *tokens, *positions, *pages, *targets;
    struct dsm_span *spans;
    struct dsm_page_copy *copies;
    struct dsm_state_copy *state_copies;
    int32_t *states;
    struct dsm_head *heads;
    float *target_logits, *logits;
};

static int pages_of(const struct span *s)
{
    return s->n > 0 ? (s->position + s->n - 1) / KV_PAGE + 1 : 0;
}

static struct batch_parts lay_out_batch(struct cursor *c, const struct batch *b, int n_vocab)
{
    size_t pages = 0, targets = 0, full = 0, n = (size_t)b->n;
    struct batch_parts t;

    for (int i = 0; i < b->n_spans; i++)
        pages += (size_t)pages_of(&b->spans[i]);
    for (int i = 0; i < b->n_heads; i++) {
        targets += (size_t)b->heads[i].n_targets;
        full += b->heads[i].logits != NULL;
    }
    t.b = take(c, sizeof *t.b);
    t.tokens = take(c, n * sizeof *t.tokens);
    t.positions = take(c, n * sizeof *t.positions);
    t.spans = take(c, (size_t)b->n_spans * sizeof *t.spans);
    t.pages = take(c, pages * sizeof *t.pages);
    t.copies = take(c, (size_t)b->n_copies * sizeof *t.copies);
    t.state_copies = take(c, (size_t)b->n_state_copies * sizeof *t.state_copies);
    t.states = take(c, (size_t)b->n_spans * sizeof *t.states);
    t.heads = take(c, (size_t)b->n_heads * sizeof *t.heads);
    t.targets = take(c, targets * sizeof *t.targets);
    t.target_logits = take(c, targets * sizeof *t.target_logits);
    t.logits = take(c, full * (size_t)n_vocab * sizeof *t.logits);
    return t;
}

size_t plugin_batch_bytes(const struct batch *b, int n_vocab)
{
    struct cursor c = {0};

    lay_out_batch(&c, b, n_vocab);
    return c.used;
}

/* Nothing that an earlier batch left may pass for an answer. */
static void fill_heads(const struct batch_parts *t, const struct batch *b, int n_vocab)
{
    int32_t *targets = t->targets;
    float *at = t->target_logits, *logits = t->logits;

    for (int i = 0; i < b->n_heads; i++) {
        const struct head_row *h = &b->heads[i];
        size_t n = (size_t)h->n_targets;
        if (n)
            memcpy(targets, h->targets, n * sizeof *targets);
        for (size_t k = 0; k < n; k++)
            at[k] = NAN;
        for (int k = 0; h->logits && k < n_vocab; k++)
            logits[k] = NAN;
        t->heads[i] = (struct dsm_head){
            .row = h->row, .n_targets = h->n_targets, .targets = targets, .target_logits = at,
            .logits = h->logits ? logits : NULL, .lse = NAN, .argmax = -1};
        targets += n;
        at += n;
        logits += h->logits ? n_vocab : 0;
    }
}

struct dsm_batch *plugin_batch_fill(void *block, const struct batch *b, int n_vocab)
{
    struct cursor c = {.block = block};
    struct batch_parts t = lay_out_batch(&c, b, n_vocab);
    int32_t *pages = t.pages;

    memcpy(t.tokens, b->tokens, (size_t)b->n * sizeof *t.tokens);
    memcpy(t.positions, b->positions, (size_t)b->n * sizeof *t.positions);
    for (int i = 0; i < b->n_spans; i++) {
        const struct span *s = &b->spans[i];
        int n = pages_of(s);
        if (n)
            memcpy(pages, s->pages, (size_t)n * sizeof *pages);
        t.spans[i] = (struct dsm_span){s->row0, s->n, s->position, n, pages};
        t.states[i] = s->state;
        pages += n;
    }
    for (int i = 0; i < b->n_copies; i++)
        t.copies[i] = (struct dsm_page_copy){b->copies[i].dst, b->copies[i].src,
                                             b->copies[i].before_row};
    for (int i = 0; i < b->n_state_copies; i++)
        t.state_copies[i] =
            (struct dsm_state_copy){b->state_copies[i].dst, b->state_copies[i].src,
                                    b->state_copies[i].before_row};
    fill_heads(&t, b, n_vocab);
    *t.b = (struct dsm_batch){
        .n = b->n, .n_spans = b->n_spans, .n_copies = b->n_copies, .n_heads = b->n_heads,
        .n_state_copies = b->n_state_copies, .tokens = t.tokens, .positions = t.positions,
        .spans = t.spans, .copies = t.copies, .heads = t.heads, .states = t.states,
        .state_copies = t.state_copies};
    return t.b;
}

void plugin_batch_move(struct dsm_batch *d, ptrdiff_t by)
{
    struct dsm_span *spans = moved(d->spans, by);
    struct dsm_head *heads = moved(d->heads, by);

    for (int i = 0; i < d->n_spans; i++)
        spans[i].pages = moved(spans[i].pages, by);
    for (int i = 0; i < d->n_heads; i++) {
        heads[i].targets = moved(heads[i].targets, by);
        heads[i].target_logits = moved(heads[i].target_logits, by);
        heads[i].logits = moved(heads[i].logits, by);
    }
    d->tokens = moved(d->tokens, by);
    d->positions = moved(d->positions, by);
    d->spans = spans;
    d->copies = moved(d->copies, by);
    d->heads = heads;
    d->states = moved(d->states, by);
    d->state_copies = moved(d->state_copies, by);
}

/* 0 where something is not finite.  *most: the largest logit that is known. */
static int largest(const struct head_row *h, int n_vocab, double *most)
{
    double sum = h->lse;

    *most = -INFINITY;
    for (int k = 0; k < h->n_targets; k++) {
        if (h->targets[k] < 0) /* nobody looks */
            continue;
        sum += h->target_logits[k];
        *most = fmax(*most, h->target_logits[k]);
    }
    for (int i = 0; h->logits && i < n_vocab; i++) {
        sum += h->logits[i];
        *most = fmax(*most, h->logits[i]);
    }
    return isfinite(sum);
}

int plugin_batch_take(struct batch *b, const void *block, int n_vocab, struct err *e)
{
    struct cursor c = {.block = (char *)(uintptr_t)block};
    struct batch_parts t = lay_out_batch(&c, b, n_vocab);
    const float *at = t.target_logits, *logits = t.logits;

    for (int i = 0; i < b->n_heads; i++) {
        struct head_row *h = &b->heads[i];
        size_t n = (size_t)h->n_targets;
        double most;
        h->lse = t.heads[i].lse;
        h->argmax = t.heads[i].argmax;
        if (n)
            memcpy(h->target_logits, at, n * sizeof *at);
        if (h->logits)
            memcpy(h->logits, logits, (size_t)n_vocab * sizeof *logits);
        at += n;
        logits += h->logits ? n_vocab : 0;
        if (!largest(h, n_vocab, &most))
            return err_set(e, ERR_NUMERIC, "the logits at position %d are not finite",
                           b->positions[h->row]);
        if (h->argmax < 0 || h->argmax >= n_vocab)
            return err_set(e, ERR_NUMERIC, "the likeliest token at position %d is %d, not in 0..%d",
                           b->positions[h->row], h->argmax, n_vocab - 1);
        if (most - h->lse > 1e-3 * fmax(1, fabs(h->lse)))
            return err_set(e, ERR_NUMERIC, "a likelihood at position %d is over 1: logit %g, "
                           "log-sum-exp %g", b->positions[h->row], most, h->lse);
    }
    return 0;
}
