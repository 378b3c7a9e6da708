/* cpu_attention.c -- keys and values into pages, and attention over them. */
#include <string.h>

#include "base/mem.h"
#include "runners/cpu.h"

enum { UNIT_TOKENS = 16 };

/* Where a page keeps the keys of one layer; the values follow all keys. */
static uint8_t *layer_of(const struct device *d, page_no page, int layer)
{
    if (page >= 0)
        return d->kv + (size_t)page * d->page_bytes + d->layer_offset[layer];
    return d->kv_scratch + (size_t)~page * d->scratch_page_bytes +
           (d->p->shares_kv ? d->layer_offset[layer] : 0);
}

static uint8_t *keys_of(const struct device *d, page_no page, const struct op *op, int head)
{
    return layer_of(d, page, op->kv_layer) +
           (size_t)head * kv_page_bytes(d->kv_type, op->head_dim);
}

static uint8_t *values_of(const struct device *d, page_no page, const struct op *op, int head)
{
    return keys_of(d, page, op, op->kv_heads) +
           (size_t)head * kv_page_bytes(d->kv_type, op->value_dim);
}

static void store_keys(const struct device *d, const struct op *op, int head, page_no page,
                       int row, int position)
{
    kv_page_put_key(d->kv_type, keys_of(d, page, op, head), op->head_dim, position % KV_PAGE,
                    cpu_row(d, op->in[0], row) + (size_t)head * (size_t)op->head_dim);
}

static void store_values(const struct device *d, const struct op *op, int head, page_no page,
                         int row, int position)
{
    kv_page_put_value(d->kv_type, values_of(d, page, op, head), op->value_dim, position % KV_PAGE,
                      cpu_row(d, op->in[1], row) + (size_t)head * (size_t)op->value_dim);
}

static void copy_page(const struct device *d, const struct op *op, int head, int values,
                      const struct page_copy *c)
{
    if (values)
        memcpy(values_of(d, c->dst, op, head), values_of(d, c->src, op, head),
               kv_page_bytes(d->kv_type, op->value_dim));
    else
        memcpy(keys_of(d, c->dst, op, head), keys_of(d, c->src, op, head),
               kv_page_bytes(d->kv_type, op->head_dim));
}

/* One unit of work is the keys or the values of one head: its copies and rows go in order, so
 * that a page can be copied from rows stored just before. */
void cpu_kv_store(struct device *d, const struct step *st)
{
    const struct op *op = st->op;
    const struct batch *b = d->batch;

    for (int u = cpu_next(d, st); u < 2 * op->kv_heads; u = cpu_next(d, st)) {
        int head = u / 2, values = u % 2;
        const struct page_copy *copy = b->copies, *end = b->copies + b->n_copies;

        for (int s = 0; s < b->n_spans; s++) {
            const struct span *sp = &b->spans[s];
            for (int i = 0; i < sp->n; i++) {
                int row = sp->row0 + i, position = sp->position + i;
                for (; copy < end && copy->before_row <= row; copy++)
                    copy_page(d, op, head, values, copy);
                if (values)
                    store_values(d, op, head, sp->pages[position / KV_PAGE], row, position);
                else
                    store_keys(d, op, head, sp->pages[position / KV_PAGE], row, position);
            }
        }
    }
}

int cpu_attend_units(struct device *d)
{
    const struct batch *b = d->batch;

    d->n_units = 0;
    for (int s = 0; s < b->n_spans; s++)
        for (int t = 0; t < b->spans[s].n; t += UNIT_TOKENS) {
            int n = b->spans[s].n - t;
            if (mem_grow(&d->units, &d->cap_units, (size_t)d->n_units + 1, sizeof *d->units) < 0)
                return -1;
            d->units[d->n_units++] =
                (struct attend_unit){s, t, n < UNIT_TOKENS ? n : UNIT_TOKENS};
        }
    return 0;
}

enum { ATTEND_ROWS = 128 };

int cpu_first_visible(const struct op *op, int position)
{
    int first = op->chunk ? position / op->chunk * op->chunk : 0;

    if (op->window && position - op->window + 1 > first)
        first = position - op->window + 1;
    return first;
}

/* Query rows from .. from+rows-1 of a unit for one kv head: its tokens in order, and for each the
 * heads of the group. */
static void attend_rows(struct device *d, const struct op *op, const struct attend_unit *unit,
                        int head, int from, int rows, const struct worker_scratch *s)
{
    const struct span *sp = &d->batch->spans[unit->span];
    const float *q[ATTEND_ROWS];
    float *out[ATTEND_ROWS];
    float sink[ATTEND_ROWS], slope[ATTEND_ROWS];
    int32_t first[ATTEND_ROWS], last[ATTEND_ROWS];
    int group = op->heads / op->kv_heads;

    for (int i = 0; i < rows; i++) {
        int t = unit->t0 + (from + i) / group, position = sp->position + t;
        size_t h = (size_t)(head * group + (from + i) % group);
        q[i] = cpu_row(d, op->in[0], sp->row0 + t) + h * (size_t)op->head_dim;
        out[i] = cpu_row(d, op->out[0], sp->row0 + t) + h * (size_t)op->value_dim;
        last[i] = position;
        first[i] = cpu_first_visible(op, position);
        if (op->w[0])
            sink[i] = op->w[0]->f32[h];
        if (op->w[1])
            slope[i] = op->w[1]->f32[h];
    }
    struct attend a = {
        .rows = rows, .q = q, .out = out, .first = first, .last = last,
        .sink = op->w[0] ? sink : NULL, .slope = op->w[1] ? slope : NULL,
        .head_dim = op->head_dim, .value_dim = op->value_dim,
        .scale = op->scale, .softcap = op->softcap,
        .kv = d->kv_type, .k = s->k_pages, .v = s->v_pages,
        .k_room = s->kv_room, .v_room = s->kv_room + (size_t)op->head_dim * KV_PAGE,
    };
    d->k->attend(&a);
}

/* What the heads of one kv head gave a row, for the linear that comes next. */
static void quantise_group(struct device *d, const struct step *st, int row, int head)
{
    const struct op *op = st->op;
    int n = op->heads / op->kv_heads * op->value_dim, from = head * n;
    uint8_t *acts = d->acts[1] + (size_t)row * fast_act_bytes(op->heads * op->value_dim);

    d->fast->quantise(acts + (size_t)(from / FAST_BLOCK) * FAST_BLOCK_BYTES,
                      cpu_row(d, op->out[0], row) + from, n);
}

void cpu_attention(struct device *d, const struct step *st, int worker)
{
    const struct op *op = st->op;
    struct worker_scratch *s = &d->scratch[worker];

    /* The last units look back furthest: they go first, so that no worker ends on a long one. */
    for (int u = cpu_next(d, st); u < d->n_units * op->kv_heads; u = cpu_next(d, st)) {
        const struct attend_unit *unit = &d->units[d->n_units - 1 - u / op->kv_heads];
        const struct span *sp = &d->batch->spans[unit->span];
        int head = u % op->kv_heads;
        int pages = (sp->position + unit->t0 + unit->n - 1) / KV_PAGE + 1;
        int rows = unit->n * (op->heads / op->kv_heads);

        for (int p = 0; p < pages; p++) {
            s->k_pages[p] = keys_of(d, sp->pages[p], op, head);
            s->v_pages[p] = values_of(d, sp->pages[p], op, head);
        }
        for (int r = 0; r < rows; r += ATTEND_ROWS)
            attend_rows(d, op, unit, head, r, rows - r < ATTEND_ROWS ? rows - r : ATTEND_ROWS, s);
        for (int t = 0; t < unit->n && st->makes; t++)
            quantise_group(d, st, sp->row0 + unit->t0 + t, head);
        for (int t = 0; t < unit->n && head == op->kv_heads - 1; t++)
            cpu_pad(d, op->out[0], cpu_row(d, op->out[0], sp->row0 + unit->t0 + t));
    }
}
