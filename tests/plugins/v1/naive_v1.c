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
    float *weights; /* a row of weights as floats */
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

static const float *weights_of(const struct naive *d, const struct dsm_tensor *w, int row)
{
    const char *data = w->data;

    d->host->unpack(w->type, d->weights, data + (size_t)row * w->row_bytes, (uint64_t)w->k);
    return d->weights;
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
    free(d->cache);
    free(d->weights);
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

static int naive_prepare(void *device, const struct dsm_program *p, char *why, size_t size)
{
    struct naive *d = device;
    size_t k = 1, pages = (size_t)p->kv_pages + (size_t)p->kv_scratch;

    d->p = p;
    for (int i = 0; i < p->n_tensors; i++)
        if (p->tensors[i].name && (size_t)p->tensors[i].k > k)
            k = (size_t)p->tensors[i].k;
    d->weights = malloc(k * sizeof *d->weights);
    d->cache = calloc((size_t)p->n_layers + 1, sizeof *d->cache);
    for (int i = 0; i < p->n_ops && d->cache && d->weights; i++) {
        const struct dsm_op *o = &p->ops[i];
        const struct dsm_cache *c = &p->caches[o->kv_layer];
        if (!o->is_mine || o->kind != DSM_KV_STORE || d->cache[o->kv_layer])
            continue;
        d->cache[o->kv_layer] = calloc(
            pages * DSM_PAGE, (size_t)c->kv_heads * (size_t)(c->head_dim + c->value_dim) *
                                  sizeof(float));
        if (!d->cache[o->kv_layer])
            break;
    }
    for (int i = 0; i < p->n_ops && d->cache && d->weights; i++)
        if (p->ops[i].is_mine && p->ops[i].kind == DSM_KV_STORE && !d->cache[p->ops[i].kv_layer]) {
            snprintf(why, size, "out of memory for keys and values");
            return -1;
        }
    if (d->cache && d->weights)
        return 0;
    snprintf(why, size, "out of memory");
    return -1;
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
    };

    return &device;
}
