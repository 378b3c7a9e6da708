/* device_naive.c -- a device for Densimeter in plain C: every operation of the contract, one loop
 * each.
 *
 *     cc -shared -fPIC -O2 -o libnaive.so device_naive.c -lm
 *     densimeter device check ./libnaive.so
 *
 * The sums are written as they are defined, in order, on one thread.  To make a device of your own,
 * replace what `run_op` calls, one operation at a time, and let `supports` say what there is: the
 * CPU computes the rest. */
#include <densimeter_device.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct naive {
    const struct dsm_host *host;
    const struct dsm_program *p;
    float **cache;  /* [layers]: page after page, each the keys and then the values of its places */
    float **states; /* [operations]: slot after slot, of recurrent layers */
    float *weights; /* a row of weights as floats */
    uint64_t *shelf; /* what naive_read reads, shelf_bytes of it */
    uint64_t shelf_bytes, seen;
};

/* ---- rows, weights, caches ---- */

static float *row_of(const struct naive *d, int value, int row)
{
    const struct dsm_value *v = &d->p->values[value];

    return v->data + (size_t)row * (size_t)v->ld;
}

static int width_of(const struct naive *d, int value)
{
    return d->p->values[value].width;
}

static const float *slab_row(const struct naive *d, const struct dsm_tensor *w, int slab, int row)
{
    const char *data = d->p->slabs[w->id].data[slab];

    d->host->unpack(w->type, d->weights, data + (size_t)row * w->row_bytes, (uint64_t)w->k);
    return d->weights;
}

static const float *weights_of(const struct naive *d, const struct dsm_tensor *w, int row)
{
    return slab_row(d, w, 0, row);
}

/* Pages that are kept come first, then those that last for one batch (~0, ~1, ...). */
static float *place_of(const struct naive *d, int layer, int page, int place)
{
    const struct dsm_cache *c = &d->p->caches[layer];
    size_t n = (size_t)c->kv_heads * (size_t)(c->head_dim + c->value_dim);
    size_t number = page >= 0 ? (size_t)page : (size_t)d->p->kv_pages + (size_t)~page;

    return d->cache[layer] + (number * DSM_PAGE + (size_t)place) * n;
}

/* ---- operations ---- */

static float activate(int act, float x)
{
    switch (act) {
    case DSM_SILU: return x / (1 + expf(-x));
    case DSM_GELU_TANH: return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case DSM_GELU_ERF: return 0.5f * x * (1 + erff(x * 0.70710678f));
    case DSM_RELU: return x > 0 ? x : 0 * x; /* NaN stays one */
    case DSM_RELU2: return x > 0 ? x * x : 0 * x;
    case DSM_SIGMOID: return 1 / (1 + expf(-x));
    case DSM_SOFTPLUS: return x > 20 ? x : log1pf(expf(x));
    case DSM_TANH: return tanhf(x);
    default: return x;
    }
}

static void embed(const struct naive *d, const struct dsm_op *o, const struct dsm_batch *b, int row)
{
    float *y = row_of(d, o->out[0], row);
    int token = b->tokens[row] < o->w[0]->rows ? b->tokens[row] : 0, k = o->w[0]->k;
    const float *w = weights_of(d, o->w[0], token);

    for (int i = 0; i < k; i++)
        y[i] = w[i] * o->scale;
    if (!o->w[1])
        return;
    w = weights_of(d, o->w[1], b->positions[row]);
    for (int i = 0; i < k; i++)
        y[i] += w[i];
}

static void norm(float *y, const float *x, const float *w, const float *bias, int n, float eps,
                 int is_mean_removed)
{
    double mean = 0, sum = 0;

    for (int i = 0; i < n && is_mean_removed; i++)
        mean += x[i] / (double)n;
    for (int i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    sum = 1 / sqrt(sum / n + eps);
    for (int i = 0; i < n; i++) {
        y[i] = (float)((x[i] - mean) * sum) * (w ? w[i] : 1);
        y[i] += bias ? bias[i] : 0;
    }
}

static const float *floats(const struct dsm_tensor *t)
{
    return t ? t->f32 : NULL;
}

static void head_norm(const struct naive *d, const struct dsm_op *o, int row)
{
    const struct dsm_tensor *w = o->w[0];
    int n = o->head_dim, step = w && w->k * w->rows > n ? n : 0;
    float *y = row_of(d, o->out[0], row);

    for (int h = 0; h < o->heads; h++)
        norm(y + h * n, y + h * n, w ? w->f32 + h * step : NULL, NULL, n, o->eps, o->mean_removed);
}

static float dot(const float *a, const float *b, int n)
{
    float sum = 0;

    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* y = w x + bias: the rows of weights are unpacked once for all rows of the batch. */
static void multiply(const struct naive *d, const struct dsm_tensor *w,
                     const struct dsm_tensor *bias, int in, int n, float *y, size_t ldy)
{
    for (int r = 0; r < w->rows; r++) {
        const float *row = weights_of(d, w, r);
        for (int i = 0; i < n; i++)
            y[(size_t)i * ldy + (size_t)r] =
                dot(row, row_of(d, in, i), w->k) + (bias ? bias->f32[r] : 0);
    }
}

static int linear(const struct naive *d, const struct dsm_op *o, int n)
{
    size_t width = (size_t)width_of(d, o->out[0]);
    float *made = malloc(2 * (size_t)n * width * sizeof *made), *other;

    if (!made)
        return -1;
    other = made + (size_t)n * width;
    if (o->epilogue == DSM_PLAIN)
        for (int k = 0; k < o->n_out; k++)
            multiply(d, o->w[k], o->bias[k], o->in[0], n, row_of(d, o->out[k], 0),
                     (size_t)d->p->values[o->out[k]].ld);
    else
        multiply(d, o->w[0], o->bias[0], o->in[0], n, made, width);
    if (o->epilogue == DSM_GLU)
        multiply(d, o->w[1], o->bias[1], o->in[0], n, other, width);
    for (int i = 0; i < n && o->epilogue != DSM_PLAIN; i++) {
        float *y = row_of(d, o->out[0], i), *a = made + (size_t)i * width;
        for (size_t k = 0; k < width; k++)
            y[k] = o->epilogue == DSM_ADD_TO ? row_of(d, o->in[1], i)[k] + o->scale * a[k]
                   : o->epilogue == DSM_GLU
                       ? activate(o->act, a[k]) * other[(size_t)i * width + k]
                       : activate(o->act, a[k]);
    }
    free(made);
    return 0;
}

static void rope(const struct naive *d, const struct dsm_op *o, const struct dsm_batch *b, int row)
{
    const struct dsm_rope *r = o->rope;
    int apart = r->halves ? r->n_rot / 2 : 1, step = r->halves ? 1 : 2;

    for (int i = 0; i < r->n_rot / 2; i++) {
        double angle = b->positions[row] * r->inv_freq[i];
        float c = (float)cos(angle) * r->magnitude, s = (float)sin(angle) * r->magnitude;
        for (int h = 0; h < o->heads; h++) {
            float *p = row_of(d, o->out[0], row) + h * o->head_dim + o->rope_at + i * step;
            float x = p[0], y = p[apart];
            p[0] = x * c - y * s;
            p[apart] = x * s + y * c;
        }
    }
}

static void kv_store(const struct naive *d, const struct dsm_op *o, const struct dsm_batch *b)
{
    size_t keys = (size_t)(o->kv_heads * o->head_dim);
    size_t values = (size_t)(o->kv_heads * o->value_dim);
    const struct dsm_page_copy *c = b->copies, *end = c + b->n_copies;

    for (int s = 0; s < b->n_spans; s++)
        for (int i = 0; i < b->spans[s].n; i++) {
            int row = b->spans[s].row0 + i, at = b->spans[s].position + i;
            float *to;
            for (; c < end && c->before_row <= row; c++)
                memcpy(place_of(d, o->kv_layer, c->dst, 0), place_of(d, o->kv_layer, c->src, 0),
                       DSM_PAGE * (keys + values) * sizeof(float));
            to = place_of(d, o->kv_layer, b->spans[s].pages[at / DSM_PAGE], at % DSM_PAGE);
            memcpy(to, row_of(d, o->in[0], row), keys * sizeof(float));
            memcpy(to + keys, row_of(d, o->in[1], row), values * sizeof(float));
        }
}

static const float *place_at(const struct naive *d, int layer, const struct dsm_span *s, int at)
{
    return place_of(d, layer, s->pages[at / DSM_PAGE], at % DSM_PAGE);
}

static void attend_head(const struct naive *d, const struct dsm_op *o, const struct dsm_span *s,
                        int row, int at, int h)
{
    const float *q = row_of(d, o->in[0], row) + h * o->head_dim;
    float *y = row_of(d, o->out[0], row) + h * o->value_dim;
    int kv = h / (o->heads / o->kv_heads), first = o->chunk ? at / o->chunk * o->chunk : 0;
    float max = o->w[0] ? o->w[0]->f32[h] : -INFINITY, sum = o->w[0] ? 1 : 0;

    if (o->window && at - o->window + 1 > first)
        first = at - o->window + 1;
    memset(y, 0, (size_t)o->value_dim * sizeof *y);
    for (int j = first; j <= at; j++) {
        const float *place = place_at(d, o->kv_layer, s, j);
        const float *v = place + o->kv_heads * o->head_dim + kv * o->value_dim;
        float x = o->scale * dot(q, place + kv * o->head_dim, o->head_dim), old = max, keep, add;
        if (o->softcap != 0)
            x = o->softcap * tanhf(x / o->softcap);
        if (o->w[1])
            x += o->w[1]->f32[h] * (float)(j - at);
        max = x > max ? x : max;
        keep = expf(old - max);
        add = expf(x - max);
        sum = sum * keep + add;
        for (int i = 0; i < o->value_dim; i++)
            y[i] = y[i] * keep + add * v[i];
    }
    for (int i = 0; i < o->value_dim; i++)
        y[i] /= sum;
}

static void attention(const struct naive *d, const struct dsm_op *o, const struct dsm_batch *b)
{
    for (int s = 0; s < b->n_spans; s++)
        for (int i = 0; i < b->spans[s].n; i++)
            for (int h = 0; h < o->heads; h++)
                attend_head(d, o, &b->spans[s], b->spans[s].row0 + i, b->spans[s].position + i, h);
}

/* The best so far, and the sum of exp(y - best). */
static void head(const struct naive *d, const struct dsm_op *o, const struct dsm_batch *b)
{
    double *sums = calloc((size_t)b->n_heads + 1, 2 * sizeof *sums), *best = sums + b->n_heads;

    for (int i = 0; i < b->n_heads && sums; i++)
        best[i] = -INFINITY;
    for (int r = 0; r < d->p->n_vocab && sums; r++) {
        const float *w = weights_of(d, o->w[0], r);
        for (int i = 0; i < b->n_heads; i++) {
            struct dsm_head *h = &b->heads[i];
            float y = dot(w, row_of(d, o->in[0], i), o->w[0]->k);
            y = (y + (o->bias[0] ? o->bias[0]->f32[r] : 0)) * o->scale;
            if (o->softcap != 0)
                y = o->softcap * tanhf(y / o->softcap);
            for (int t = 0; t < h->n_targets; t++)
                if (h->targets[t] == r)
                    h->target_logits[t] = y;
            if (h->logits)
                h->logits[r] = y;
            if (r == 0 || y > best[i]) {
                sums[i] *= exp(best[i] - y);
                best[i] = y;
                h->argmax = r;
            }
            sums[i] += exp(y - best[i]);
        }
    }
    for (int i = 0; i < b->n_heads && sums; i++)
        b->heads[i].lse = best[i] + log(sums[i]);
    free(sums);
}

/* ---- experts ---- */

static void softmax(float *v, int n)
{
    float max = -INFINITY;
    double sum = 0;

    for (int i = 0; i < n; i++)
        max = v[i] > max ? v[i] : max;
    for (int i = 0; i < n; i++)
        sum += v[i] = expf(v[i] - max);
    for (int i = 0; i < n; i++)
        v[i] = (float)(v[i] / sum);
}

/* The highest that is not -INFINITY, and is from now on; the lowest number at a tie. */
static int take_best(float *v, int n)
{
    int best = 0;

    for (int i = 1; i < n; i++)
        if (v[i] > v[best])
            best = i;
    v[best] = -INFINITY;
    return best;
}

static float group_score(const float *v, int n, int is_sum)
{
    float best = -INFINITY, second = -INFINITY;

    for (int i = 0; i < n; i++)
        if (v[i] > best) {
            second = best;
            best = v[i];
        } else if (v[i] > second) {
            second = v[i];
        }
    return is_sum && n > 1 ? best + second : best;
}

/* In rounds: the best group of those left, until enough are open. */
static void close_groups(const struct dsm_experts *x, float *v, float *scores)
{
    int n = x->n / x->groups;

    for (int g = 0; g < x->groups; g++)
        scores[g] = group_score(v + g * n, n, x->gating == DSM_SIGMOIDS);
    for (int i = 0; i < x->groups_used; i++)
        take_best(scores, x->groups);
    for (int i = 0; i < x->n; i++)
        if (scores[i / n] != -INFINITY)
            v[i] = -INFINITY;
}

/* v, work: room for n numbers each. */
static void sparse_mix(const struct dsm_experts *x, const float *logits, float *v, float *work,
                       float *ids, float *weights)
{
    memcpy(v, logits, (size_t)x->n * sizeof *v);
    for (int s = 0; s < x->used; s++) {
        int best;
        memcpy(work, v, (size_t)x->n * sizeof *v);
        best = take_best(v, x->n);
        for (int i = 0; i < x->n; i++) {
            float size = fmaxf(fabsf(logits[i]), logits[best]);
            if ((logits[best] - logits[i]) / size > 0.02f)
                work[i] = -INFINITY;
        }
        softmax(work, x->n);
        ids[s] = (float)best;
        weights[s] = work[best];
    }
}

static void choose(const struct dsm_op *o, const float *logits, float *v, float *work, float *ids,
                   float *weights)
{
    const struct dsm_experts *x = o->experts;
    double sum = 0;

    memcpy(v, logits, (size_t)x->n * sizeof *v);
    if (x->gating == DSM_SOFTMAX)
        softmax(v, x->n);
    for (int i = 0; i < x->n && x->gating == DSM_SIGMOIDS; i++)
        v[i] = activate(DSM_SIGMOID, v[i]);
    for (int i = 0; i < x->n; i++)
        work[i] = v[i] + (o->w[0] ? o->w[0]->f32[i] : 0);
    if (x->groups > 1 && x->groups_used < x->groups)
        close_groups(x, work, weights + x->used);
    for (int s = 0; s < x->used; s++) {
        int best = take_best(work, x->n);
        ids[s] = (float)best;
        weights[s] = v[best];
    }
    if (x->gating == DSM_SELECTED)
        softmax(weights, x->used);
    for (int s = 0; s < x->used; s++)
        sum += weights[s];
    for (int s = 0; s < x->used && x->is_normalised && sum > 0; s++)
        weights[s] = (float)(weights[s] / sum);
}

static int route(const struct naive *d, const struct dsm_op *o, int n)
{
    const struct dsm_experts *x = o->experts;
    size_t all = (size_t)x->n;
    float *v = malloc((3 * all + (size_t)x->used) * sizeof *v), *work, *weights;

    if (!v)
        return -1;
    work = v + all;
    weights = work + all; /* and scores of groups */
    for (int row = 0; row < n; row++) {
        float *ids = row_of(d, o->out[0], row);
        const float *logits = row_of(d, o->in[0], row);
        if (x->gating == DSM_SPARSEMIXER)
            sparse_mix(x, logits, v, work, ids, weights);
        else
            choose(o, logits, v, work, ids, weights);
        for (int s = 0; s < x->used; s++)
            ids[x->used + s] =
                weights[s] * x->scale * (o->w[1] ? o->w[1]->f32[(int)ids[s]] : 1);
    }
    free(v);
    return 0;
}

/* Number r of slab e times x times by, plus the bias. */
static float slab_dot(const struct naive *d, const struct dsm_tensor *w,
                      const struct dsm_tensor *bias, int e, int r, const float *x, float by)
{
    const float *row = slab_row(d, w, e, r);
    float sum = 0;

    for (int i = 0; i < w->k; i++)
        sum += row[i] * (x[i] * by);
    return sum + (bias ? bias->f32[(size_t)e * (size_t)w->rows + (size_t)r] : 0);
}

static float bend(const struct dsm_op *o, float g, float u)
{
    if (!o->w[0])
        return activate(o->act, u);
    if (!(o->limit > 0))
        return activate(o->act, g) * u;
    g = g > o->limit ? o->limit : g;
    u = u > o->limit ? o->limit : u < -o->limit ? -o->limit : u;
    return g / (1 + expf(-1.702f * g)) * (u + 1);
}

static void experts(const struct naive *d, const struct dsm_op *o, int row)
{
    const struct dsm_experts *x = o->experts;
    const float *ids = row_of(d, o->in[1], row), *in = row_of(d, o->in[0], row);
    float *y = row_of(d, o->out[0], row);

    for (int s = 0; s < x->used; s++, y += x->part_ld) {
        int e = (int)ids[s];
        float by = x->weighs_input ? ids[x->used + s] : 1;
        for (int r = 0; r < x->part_width; r++)
            if (o->kind == DSM_EXPERTS_DOWN) {
                y[r] = slab_dot(d, o->w[0], o->bias[0], e, r, in + s * x->in_ld, 1);
            } else {
                float g = o->w[0] ? slab_dot(d, o->w[0], o->bias[0], e, r, in, by) : 0;
                y[r] = bend(o, g, slab_dot(d, o->w[1], o->bias[1], e, r, in, by));
            }
    }
}

static void combine(const struct naive *d, const struct dsm_op *o, int row)
{
    const struct dsm_experts *x = o->experts;
    const float *parts = row_of(d, o->in[0], row), *weights = row_of(d, o->in[1], row) + x->used;
    float *y = row_of(d, o->out[0], row);

    for (int i = 0; i < x->part_width; i++) {
        float sum = 0;
        for (int s = 0; s < x->used; s++)
            sum += parts[s * x->part_ld + i] * (x->weighs_input ? 1 : weights[s]);
        y[i] = sum;
    }
}

static void head_linear(const struct naive *d, const struct dsm_op *o, int row)
{
    const struct dsm_tensor *w = o->w[0];

    for (int h = 0; h < o->heads; h++) {
        const float *x = row_of(d, o->in[0], row) + h * o->head_dim;
        float *y = row_of(d, o->out[0], row) + h * o->value_dim;
        for (int r = 0; r < w->rows; r++)
            y[r] = dot(slab_row(d, w, h, r), x, w->k);
        memcpy(y + w->rows, x + w->k, (size_t)(o->head_dim - w->k) * sizeof *y);
    }
}

/* ---- recurrent layers ---- */

static size_t state_floats(const struct dsm_program *p, const struct dsm_op *o)
{
    size_t width = (size_t)p->values[o->out[0]].width;

    switch (o->kind) {
    case DSM_CONV: return (size_t)(o->recurrence->taps - 1) * width;
    case DSM_SCAN_CHANNELS:
    case DSM_SCAN_HEADS: return (size_t)o->recurrence->states * width;
    case DSM_DELTA: return (size_t)o->head_dim * width;
    default: return 0;
    }
}

/* The state is the inputs before this one, the oldest first. */
static void conv(const struct naive *d, const struct dsm_op *o, int row, float *state)
{
    int n = width_of(d, o->out[0]), before = o->recurrence->taps - 1;
    const float *x = row_of(d, o->in[0], row);
    float *y = row_of(d, o->out[0], row);

    for (int c = 0; c < n; c++) {
        const float *w = weights_of(d, o->w[0], c);
        float sum = o->bias[0] ? o->bias[0]->f32[c] : 0;
        for (int j = 0; j < before; j++)
            sum += w[j] * state[j * n + c];
        y[c] = activate(o->act, sum + w[before] * x[c]);
    }
    if (before == 0)
        return;
    memmove(state, state + n, (size_t)(before - 1) * (size_t)n * sizeof *state);
    memcpy(state + (size_t)(before - 1) * (size_t)n, x, (size_t)n * sizeof *state);
}

/* One channel: a is one number for all states, or each its own. */
static float scan(float *h, int n, float x, float dt, const float *a, int step_a, const float *b,
                  const float *c)
{
    float sum = 0;

    for (int i = 0; i < n; i++) {
        h[i] = expf(dt * a[i * step_a]) * h[i] + dt * x * b[i];
        sum += c[i] * h[i];
    }
    return sum;
}

static void scan_channels(const struct naive *d, const struct dsm_op *o, int row, float *state)
{
    int n = o->recurrence->states;
    const float *x = row_of(d, o->in[0], row), *dt = row_of(d, o->in[1], row);
    float *y = row_of(d, o->out[0], row);

    for (int c = 0; c < width_of(d, o->out[0]); c++)
        y[c] = scan(state + c * n, n, x[c], activate(DSM_SOFTPLUS, dt[c]),
                    weights_of(d, o->w[0], c), 1, row_of(d, o->in[2], row),
                    row_of(d, o->in[3], row)) + o->w[1]->f32[c] * x[c];
}

static void scan_heads(const struct naive *d, const struct dsm_op *o, int row, float *state)
{
    int n = o->recurrence->states, groups = o->recurrence->groups;
    const float *x = row_of(d, o->in[0], row), *b = x + o->heads * o->head_dim;
    float *y = row_of(d, o->out[0], row);

    for (int h = 0; h < o->heads; h++) {
        int group = h / (o->heads / groups);
        float dt = activate(DSM_SOFTPLUS, row_of(d, o->in[1], row)[h]);
        for (int c = h * o->head_dim; c < (h + 1) * o->head_dim; c++)
            y[c] = scan(state + c * n, n, x[c], dt, &o->w[0]->f32[h], 0, b + group * n,
                        b + (groups + group) * n) + o->w[1]->f32[h] * x[c];
    }
}

/* Of one column of M, n numbers: decayed by g, led towards v where it meets k, and read by q. */
static float delta_column(float *m, int n, float g, float beta, float v, const float *k,
                          const float *q)
{
    float seen = 0, sum = 0;

    for (int i = 0; i < n; i++) {
        m[i] *= g;
        seen += k[i] * m[i];
    }
    for (int i = 0; i < n; i++) {
        m[i] += k[i] * beta * (v - seen);
        sum += q[i] * m[i];
    }
    return sum;
}

static void delta(const struct naive *d, const struct dsm_op *o, int row, float *state)
{
    const struct dsm_recurrence *r = o->recurrence;
    int n = o->head_dim, each = o->heads / r->groups;
    const float *q = row_of(d, o->in[0], row), *k = q + r->groups * n, *v = k + r->groups * n;
    float *y = row_of(d, o->out[0], row);

    for (int h = 0; h < o->heads; h++) {
        int key = (r->is_tiled ? h % r->groups : h / each) * n;
        int at = r->is_paired ? h / each * 2 * each + h % each : h;
        float decay = row_of(d, o->in[1], row)[at + (r->is_paired ? each : 0)];
        float g = expf(o->w[0]->f32[h] * activate(DSM_SOFTPLUS, decay + o->w[1]->f32[h]));
        float beta = activate(DSM_SIGMOID, row_of(d, o->in[2], row)[at]);
        for (int c = h * n; c < (h + 1) * n; c++)
            y[c] = delta_column(state + (size_t)c * (size_t)n, n, g, beta, v[c], k + key, q + key);
    }
}

static void step(const struct naive *d, const struct dsm_op *o, int row, float *state)
{
    switch (o->kind) {
    case DSM_CONV:
        conv(d, o, row, state);
        break;
    case DSM_SCAN_CHANNELS:
        scan_channels(d, o, row, state);
        break;
    case DSM_SCAN_HEADS:
        scan_heads(d, o, row, state);
        break;
    case DSM_DELTA:
        delta(d, o, row, state);
        break;
    }
}

/* Copies that come before this row are made; the next that is not is handed back. */
static const struct dsm_state_copy *copy_states(float *slots, size_t n,
                                                const struct dsm_state_copy *c,
                                                const struct dsm_state_copy *end, int row)
{
    for (; c < end && c->before_row <= row; c++) {
        if (n == 0) /* a convolution of one tap has no state */
            continue;
        if (c->src < 0)
            memset(slots + (size_t)c->dst * n, 0, n * sizeof *slots);
        else
            memcpy(slots + (size_t)c->dst * n, slots + (size_t)c->src * n, n * sizeof *slots);
    }
    return c;
}

static void recurrent(const struct naive *d, const struct dsm_op *o, const struct dsm_batch *b)
{
    const struct dsm_state_copy *c = b->state_copies, *end = c + b->n_state_copies;
    float *slots = d->states[o - d->p->ops];
    size_t n = state_floats(d->p, o);

    for (int s = 0; s < b->n_spans; s++)
        for (int i = 0; i < b->spans[s].n; i++) {
            int row = b->spans[s].row0 + i;
            c = copy_states(slots, n, c, end, row);
            step(d, o, row, n ? slots + (size_t)b->states[s] * n : NULL);
        }
    copy_states(slots, n, c, end, b->n);
}

/* ---- rows ---- */

static void l2_norm(const struct naive *d, const struct dsm_op *o, int row)
{
    for (int h = o->first; h < o->first + o->heads; h++) {
        float *x = row_of(d, o->out[0], row) + h * o->head_dim;
        double sum = 0;
        for (int i = 0; i < o->head_dim; i++)
            sum += (double)x[i] * x[i];
        for (int i = 0; i < o->head_dim; i++)
            x[i] = (float)(x[i] * (o->scale / sqrt(sum + o->eps)));
    }
}

static void deal(const struct naive *d, const struct dsm_op *o, int row)
{
    const float *from = row_of(d, o->in[0], row);

    for (int g = 0; g < o->deal->groups; g++)
        for (int i = 0; i < o->deal->n; i++) {
            int n = o->deal->part[i].width;
            memcpy(row_of(d, o->out[o->deal->part[i].out], row) + o->deal->part[i].at + g * n,
                   from, (size_t)n * sizeof *from);
            from += n;
        }
}

static void slice(const struct naive *d, const struct dsm_op *o, int row)
{
    const float *x = row_of(d, o->in[0], row) + o->at;
    float *y = row_of(d, o->out[0], row);

    for (int i = 0; i < width_of(d, o->out[0]); i++)
        y[i] = o->w[0] ? x[i] * o->w[0]->f32[i] : x[i];
}

static void concat(const struct naive *d, const struct dsm_op *o, int row)
{
    float *y = row_of(d, o->out[0], row);

    for (int i = 0; i < 2; i++) {
        memcpy(y, row_of(d, o->in[i], row), (size_t)width_of(d, o->in[i]) * sizeof *y);
        y += width_of(d, o->in[i]);
    }
}

static void row_op(const struct naive *d, const struct dsm_op *o, const struct dsm_batch *b,
                   int row)
{
    float *y = row_of(d, o->out[0], row);
    int n = width_of(d, o->out[0]);
    const float *x = o->in[0] >= 0 ? row_of(d, o->in[0], row) : y; /* embed has none */

    switch (o->kind) {
    case DSM_EMBED:
        embed(d, o, b, row);
        break;
    case DSM_RMS_NORM:
    case DSM_LAYER_NORM:
        norm(y, x, floats(o->w[0]), floats(o->bias[0]), n, o->eps, o->kind == DSM_LAYER_NORM);
        break;
    case DSM_HEAD_NORM:
        head_norm(d, o, row);
        break;
    case DSM_ROPE:
        rope(d, o, b, row);
        break;
    case DSM_ADD:
        for (int i = 0; i < n; i++)
            y[i] = x[i] + o->scale * row_of(d, o->in[1], row)[i];
        break;
    case DSM_GATE:
        for (int i = 0; i < n; i++)
            y[i] = activate(o->act, x[i]) * row_of(d, o->in[1], row)[i];
        break;
    case DSM_SCALE:
        for (int i = 0; i < n; i++)
            y[i] *= o->scale;
        break;
    case DSM_GATHER:
        memcpy(y, row_of(d, o->in[0], b->heads[row].row), (size_t)n * sizeof *y);
        break;
    case DSM_CLAMP:
        for (int i = 0; i < n; i++)
            y[i] = y[i] > o->limit ? o->limit : y[i] < -o->limit ? -o->limit : y[i];
        break;
    case DSM_CONCAT:
        concat(d, o, row);
        break;
    case DSM_SLICE:
        slice(d, o, row);
        break;
    case DSM_SCALE_BY:
        for (int i = 0; i < n; i++)
            y[i] = x[i] * activate(o->act, row_of(d, o->in[1], row)[0]);
        break;
    case DSM_L2_NORM:
        l2_norm(d, o, row);
        break;
    case DSM_DEAL:
        deal(d, o, row);
        break;
    case DSM_HEAD_LINEAR:
        head_linear(d, o, row);
        break;
    case DSM_EXPERTS_UP:
    case DSM_EXPERTS_DOWN:
        experts(d, o, row);
        break;
    case DSM_COMBINE:
        combine(d, o, row);
        break;
    }
}

static int run_op(const struct naive *d, const struct dsm_op *o, const struct dsm_batch *b)
{
    int n = o->wanted_rows ? b->n_heads : b->n;

    switch (o->kind) {
    case DSM_LINEAR:
        return linear(d, o, n);
    case DSM_KV_STORE:
        kv_store(d, o, b);
        return 0;
    case DSM_ATTENTION:
        attention(d, o, b);
        return 0;
    case DSM_HEAD:
        head(d, o, b);
        return 0;
    case DSM_ROUTE:
        return route(d, o, n);
    case DSM_CONV:
    case DSM_SCAN_CHANNELS:
    case DSM_SCAN_HEADS:
    case DSM_DELTA:
        recurrent(d, o, b);
        return 0;
    default:
        for (int row = 0; row < n; row++)
            row_op(d, o, b, row);
        return 0;
    }
}

/* ---- the device ---- */

static void naive_close(void *device)
{
    struct naive *d = device;

    for (int i = 0; d->cache && i < d->p->n_layers; i++)
        free(d->cache[i]);
    for (int i = 0; d->states && i < d->p->n_ops; i++)
        free(d->states[i]);
    free(d->cache);
    free(d->states);
    free(d->weights);
    free(d->shelf);
    free(d);
}

static int naive_open(void **device, const struct dsm_host *host, char *why, size_t size)
{
    struct naive *d = calloc(1, sizeof *d);

    if (!d) {
        snprintf(why, size, "out of memory");
        return -1;
    }
    d->host = host;
    *device = d;
    return 0;
}

static int naive_supports(void *device, const struct dsm_op *o)
{
    (void)device;
    return o->kind > 0 && o->kind < DSM_KINDS;
}

/* Room for what operation o keeps from batch to batch. */
static int keep_room(struct naive *d, const struct dsm_op *o)
{
    const struct dsm_program *p = d->p;
    size_t places = ((size_t)p->kv_pages + (size_t)p->kv_scratch) * DSM_PAGE;
    const struct dsm_cache *c = &p->caches[o->kv_layer];
    float **cache = &d->cache[o->kv_layer], **states = &d->states[o - p->ops];

    if (o->kind == DSM_KV_STORE && !*cache) {
        *cache = calloc(places, (size_t)c->kv_heads * (size_t)(c->head_dim + c->value_dim) *
                                    sizeof **cache);
        return *cache ? 0 : -1;
    }
    if (!state_floats(p, o))
        return 0;
    *states = calloc((size_t)p->state_slots + 1, state_floats(p, o) * sizeof **states);
    return *states ? 0 : -1;
}

static int naive_prepare(void *device, const struct dsm_program *p, char *why, size_t size)
{
    struct naive *d = device;
    size_t k = 1;
    int failed;

    d->p = p;
    for (int i = 0; i < p->n_tensors; i++)
        if (p->tensors[i].name && (size_t)p->tensors[i].k > k)
            k = (size_t)p->tensors[i].k;
    d->weights = malloc(k * sizeof *d->weights);
    d->cache = calloc((size_t)p->n_layers + 1, sizeof *d->cache);
    d->states = calloc((size_t)p->n_ops + 1, sizeof *d->states);
    failed = !d->weights || !d->cache || !d->states;
    for (int i = 0; i < p->n_ops && !failed; i++)
        failed = p->ops[i].is_mine && keep_room(d, &p->ops[i]) < 0;
    if (failed)
        snprintf(why, size, "out of memory");
    return failed ? -1 : 0;
}

static int naive_run(void *device, int32_t from, int32_t to, const struct dsm_batch *b, char *why,
                     size_t size)
{
    struct naive *d = device;

    for (int i = from; i < to; i++)
        if (run_op(d, &d->p->ops[i], b) < 0) {
            snprintf(why, size, "out of memory");
            return -1;
        }
    return 0;
}

/* Asked for the bandwidth: the same bytes are read each time, and their sum is kept so that nothing
 * can be left out. */
static int naive_read(void *device, uint64_t bytes, char *why, size_t size)
{
    struct naive *d = device;
    uint64_t sum = 0;

    if (d->shelf_bytes != bytes) {
        free(d->shelf);
        d->shelf_bytes = 0;
        d->shelf = malloc(bytes);
        if (!d->shelf) {
            snprintf(why, size, "out of memory");
            return -1;
        }
        memset(d->shelf, 1, bytes);
        d->shelf_bytes = bytes;
    }
    for (uint64_t i = 0; i < bytes / sizeof *d->shelf; i++)
        sum += d->shelf[i];
    d->seen += sum;
    return 0;
}

const struct dsm_device *densimeter_device(void)
{
    static const struct dsm_device device = {
        .abi = DSM_ABI,
        .struct_bytes = sizeof device,
        .name = "naive",
        .version = "1",
        .help = "plain C, one loop for each operation",
        .numerics = "naive/1",
        .precision = DSM_PRECISION_F32,
        .claims = DSM_REPEATS | DSM_BATCH_INVARIANT,
        .open = naive_open,
        .close = naive_close,
        .supports = naive_supports,
        .prepare = naive_prepare,
        .run = naive_run,
        .read = naive_read,
    };

    return &device;
}
