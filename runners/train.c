/* train.c -- memory, the step, and AdamW.  A part of the weights is updated by whoever takes it:
 * each weight's arithmetic is its own, and sums over weights go by parts in order. */
#include "runners/train.h"

#include <math.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/splitmix.h"
#include "runners/dmath.h"
#include "runners/train_impl.h"

enum { PART = 4096 }; /* weights handed out together */

static const double beta1 = 0.9, beta2 = 0.98;
static const float epsilon = 1e-8f;

static int check(const struct train_opts *o, struct err *e)
{
    const struct train_shape *s = &o->shape;

    if (s->embedding < 16 || s->embedding % 16 || s->feed_forward < 16 || s->feed_forward % 16 ||
        s->heads < 1 || s->embedding % (2 * s->heads) || s->layers < 1 || s->vocab < 4)
        return err_set(e, ERR_USAGE, "a model of embedding %d, %d heads, feed-forward %d, %d "
                       "layers and %d tokens cannot be trained", s->embedding, s->heads,
                       s->feed_forward, s->layers, s->vocab);
    if (o->batch < TRAIN_SHARDS || o->batch % TRAIN_SHARDS || o->longest < 2 ||
        o->longest > TRAIN_LONGEST || o->steps < 1)
        return err_set(e, ERR_USAGE, "%d steps of %d documents of at most %d tokens cannot be "
                       "trained on", o->steps, o->batch, o->longest);
    return 0;
}

static size_t take(size_t *at, size_t n)
{
    size_t here = *at;

    *at += KERNEL_PAD(n);
    return here;
}

static int lay_out(struct train *t, struct err *e)
{
    const struct train_shape *s = &t->o.shape;
    size_t d = (size_t)s->embedding, ff = (size_t)s->feed_forward, at = 0;

    t->at.layer = mem_calloc((size_t)s->layers, sizeof *t->at.layer);
    if (!t->at.layer)
        return err_nomem(e);
    t->at.embedding = take(&at, (size_t)s->vocab * d);
    for (int l = 0; l < s->layers; l++) {
        struct train_layer *y = &t->at.layer[l];
        y->attn_norm = take(&at, d);
        y->q = take(&at, d * d);
        y->k = take(&at, d * d);
        y->v = take(&at, d * d);
        y->o = take(&at, d * d);
        y->ffn_norm = take(&at, d);
        y->gate = take(&at, ff * d);
        y->up = take(&at, ff * d);
        y->down = take(&at, d * ff);
    }
    t->at.norm = take(&at, d);
    t->at.n = at;
    return 0;
}

static float *floats(size_t n)
{
    return mem_aligned(64, n * sizeof(float));
}

/* The sum of four uniform numbers, scaled to the deviation asked for: near enough to normal. */
static void fill(float *w, size_t n, double sigma, uint64_t *state)
{
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (int k = 0; k < 4; k++)
            sum += (double)(splitmix64_next(state) >> 11) * 0x1p-53 - 0.5;
        w[i] = (float)(sum * sigma * sqrt(3.0));
    }
}

static void start_weights(struct train *t)
{
    const struct train_shape *s = &t->o.shape;
    size_t d = (size_t)s->embedding, ff = (size_t)s->feed_forward;
    double in = 1 / sqrt((double)d), out = in / sqrt(2.0 * s->layers);
    uint64_t state = t->o.seed;
    float *w = t->weights;

    fill(w + t->at.embedding, (size_t)s->vocab * d, in, &state);
    for (int l = 0; l < s->layers; l++) {
        const struct train_layer *y = &t->at.layer[l];
        fill(w + y->q, d * d, in, &state);
        fill(w + y->k, d * d, in, &state);
        fill(w + y->v, d * d, in, &state);
        fill(w + y->o, d * d, out, &state);
        fill(w + y->gate, ff * d, in, &state);
        fill(w + y->up, ff * d, in, &state);
        fill(w + y->down, d * ff, out * sqrt((double)d / (double)ff), &state);
        for (size_t i = 0; i < d; i++)
            w[y->attn_norm + i] = w[y->ffn_norm + i] = 1;
    }
    for (size_t i = 0; i < d; i++)
        w[t->at.norm + i] = 1;
}

static void start_angles(struct train *t)
{
    int half = t->o.shape.embedding / t->o.shape.heads / 2;

    for (int p = 0; p < t->o.longest; p++)
        for (int i = 0; i < half; i++) {
            double s, c, theta = p * dmath_power(TRAIN_ROPE_BASE, -i, half);
            dmath_sincos(theta, &s, &c);
            t->cos[p * half + i] = (float)c;
            t->sin[p * half + i] = (float)s;
        }
}

int train_open(struct train **out, const struct train_opts *o, struct err *e)
{
    struct train *t;
    size_t angles;
    int rc = -1;

    if (check(o, e) < 0)
        return -1;
    t = mem_calloc(1, sizeof *t);
    if (!t)
        return err_nomem(e);
    t->o = *o;
    t->kernels = o->kernels ? kernels_find(o->kernels) : kernels_best();
    t->docs = o->batch / TRAIN_SHARDS;
    t->rows_max = t->docs * o->longest;
    t->power1 = t->power2 = 1;
    if (!t->kernels) {
        err_set(e, ERR_UNSUPPORTED, "%s: no such kernels on this CPU", o->kernels);
        goto out;
    }
    if (lay_out(t, e) < 0 || pool_open(&t->pool, o->threads, e) < 0)
        goto out;
    angles = (size_t)o->longest * (size_t)(o->shape.embedding / o->shape.heads / 2);
    t->weights = floats(t->at.n);
    t->transposed = floats(t->at.n);
    t->gradients = floats(t->at.n);
    t->mean = floats(t->at.n);
    t->square = floats(t->at.n);
    t->embedding_t = floats((size_t)o->shape.embedding * KERNEL_PAD(o->shape.vocab));
    t->cos = floats(angles);
    t->sin = floats(angles);
    if (!t->weights || !t->transposed || !t->gradients || !t->mean || !t->square ||
        !t->embedding_t || !t->cos || !t->sin) {
        err_nomem(e);
        goto out;
    }
    for (int i = 0; i < TRAIN_SHARDS; i++)
        if (train_shard_open(t, &t->shard[i], e) < 0)
            goto out;
    start_weights(t);
    start_angles(t);
    train_transpose(t, 0, 1);
    *out = t;
    t = NULL;
    rc = 0;
out:
    train_close(t);
    return rc;
}

void train_close(struct train *t)
{
    if (!t)
        return;
    for (int i = 0; i < TRAIN_SHARDS; i++)
        train_shard_close(&t->shard[i]);
    pool_close(t->pool);
    mem_free(t->at.layer);
    mem_free(t->weights);
    mem_free(t->transposed);
    mem_free(t->gradients);
    mem_free(t->mean);
    mem_free(t->square);
    mem_free(t->embedding_t);
    mem_free(t->cos);
    mem_free(t->sin);
    mem_free(t);
}

int train_steps(const struct train *t)
{
    return t->step;
}

uint64_t train_parameters(const struct train *t)
{
    const struct train_shape *s = &t->o.shape;
    uint64_t d = (uint64_t)s->embedding, ff = (uint64_t)s->feed_forward;

    return (uint64_t)s->vocab * d + (uint64_t)s->layers * (4 * d * d + 3 * d * ff + 2 * d) + d;
}

float *train_weights(struct train *t, uint64_t *n)
{
    *n = t->at.n;
    return t->weights;
}

void train_refresh(struct train *t)
{
    train_transpose(t, 0, 1);
}

const float *train_gradients(const struct train *t)
{
    return t->gradients;
}

struct step {
    struct train *t;
    train_source *source;
    void *user;
    atomic_int failed;
    int targets; /* of all shards */
    float rate;
    double *squares; /* [parts] sums of squared gradients */
    float clip;
    struct chunk_counter next;
};

/* The shard's documents, one after the other, and where they predict. */
static int read_shard(struct step *w, int number)
{
    struct train *t = w->t;
    struct train_shard *s = &t->shard[number];

    s->rows = s->targets = 0;
    for (int n = 0; n < t->docs; n++) {
        int32_t *ids = s->ids + s->rows;
        unsigned char *is_target = s->is_target + s->rows;
        int len = w->source(w->user, (int64_t)t->step * t->o.batch + number * t->docs + n, ids,
                            is_target);
        if (len < 2 || len > t->o.longest)
            return -1;
        s->first[n] = s->rows;
        s->len[n] = len;
        for (int i = 0; i < len; i++) {
            if (ids[i] < 0 || ids[i] >= t->o.shape.vocab)
                return -1;
            if (i && is_target[i]) {
                s->predicts[s->targets] = s->rows + i - 1;
                s->target[s->targets++] = ids[i];
            }
        }
        s->rows += len;
    }
    return 0;
}

static int take_next(struct step *w)
{
    return atomic_fetch_add(&w->next.next, 1);
}

static void run_shards(void *arg, int worker)
{
    struct step *w = arg;

    (void)worker;
    for (int i; (i = take_next(w)) < TRAIN_SHARDS;)
        train_pass(w->t, &w->t->shard[i], w->targets);
}

static size_t part_end(const struct train *t, size_t from)
{
    return from + PART < t->at.n ? from + PART : t->at.n;
}

static void add_gradients(void *arg, int worker)
{
    struct step *w = arg;
    struct train *t = w->t;

    (void)worker;
    for (size_t i; (i = (size_t)take_next(w)) * PART < t->at.n;) {
        double sum = 0;
        for (size_t k = i * PART, end = part_end(t, k); k < end; k++) {
            float g = t->shard[0].gradients[k];
            for (int s = 1; s < TRAIN_SHARDS; s++)
                g += t->shard[s].gradients[k];
            t->gradients[k] = g;
            sum += (double)g * g;
        }
        w->squares[i] = sum;
    }
}

/* Norm weights and padding are not decayed; padding stays zero, its gradients being zero. */
static int decays(const struct train *t, size_t k)
{
    if (k >= t->at.norm)
        return 0;
    for (int l = 0; l < t->o.shape.layers; l++) {
        const struct train_layer *y = &t->at.layer[l];
        if ((k >= y->attn_norm && k < y->q) || (k >= y->ffn_norm && k < y->gate))
            return 0;
    }
    return 1;
}

static void update(void *arg, int worker)
{
    struct step *w = arg;
    struct train *t = w->t;
    float b1 = (float)beta1, b2 = (float)beta2;
    float c1 = (float)(1 / (1 - t->power1)), c2 = (float)(1 / (1 - t->power2));

    (void)worker;
    for (size_t i; (i = (size_t)take_next(w)) * PART < t->at.n;)
        for (size_t k = i * PART, end = part_end(t, k); k < end; k += 16) {
            float decay = decays(t, k) ? w->rate * t->o.decay : 0;
            for (size_t j = k; j < k + 16; j++) { /* tensors begin at multiples of 16 */
                float g = t->gradients[j] * w->clip;
                t->mean[j] = b1 * t->mean[j] + (1 - b1) * g;
                t->square[j] = b2 * t->square[j] + (1 - b2) * (g * g);
                float step = t->mean[j] * c1 / (sqrtf(t->square[j] * c2) + epsilon);
                t->weights[j] = t->weights[j] - decay * t->weights[j] - w->rate * step;
            }
        }
}

static void transpose(void *arg, int worker)
{
    struct step *w = arg;
    int n = w->t->o.shape.layers + 1;

    (void)worker;
    for (int i; (i = take_next(w)) < n;)
        train_transpose(w->t, i, n);
}

static void together(struct step *w, void (*fn)(void *, int))
{
    atomic_store(&w->next.next, 0);
    pool_run(w->t->pool, fn, w);
}

/* Up in a fiftieth of the steps, down to a tenth at the last. */
static float rate_at(const struct train_opts *o, int step)
{
    int up = o->steps / 50 + 1;
    double down = 1 - 0.9 * (step - up) / (o->steps > up ? o->steps - up : 1);

    return (float)((double)o->rate * (step < up ? (step + 1.0) / up : down));
}

static void apply(struct step *w, size_t parts)
{
    struct train *t = w->t;
    double squares = 0;

    together(w, add_gradients);
    for (size_t i = 0; i < parts; i++)
        squares += w->squares[i];
    w->clip = squares > 1 ? (float)(1 / sqrt(squares)) : 1;
    w->rate = rate_at(&t->o, t->step);
    t->power1 *= beta1;
    t->power2 *= beta2;
    together(w, update);
    together(w, transpose);
    t->step++;
}

int train_step(struct train *t, train_source *source, void *user, double *loss, struct err *e)
{
    struct step w = {.t = t, .source = source, .user = user};
    size_t parts = (t->at.n + PART - 1) / PART;
    double sum = 0;

    for (int i = 0; i < TRAIN_SHARDS; i++) {
        if (read_shard(&w, i) < 0)
            return err_set(e, ERR_INVALID, "step %d: a document with tokens that are not there, or "
                           "of a length that is not allowed", t->step);
        w.targets += t->shard[i].targets;
    }
    if (!w.targets)
        return err_set(e, ERR_INVALID, "step %d: nothing is marked to be learnt", t->step);
    w.squares = mem_calloc(parts, sizeof *w.squares);
    if (!w.squares)
        return err_nomem(e);
    together(&w, run_shards);
    for (int i = 0; i < TRAIN_SHARDS; i++)
        sum += t->shard[i].loss;
    *loss = sum / w.targets;
    if (isfinite(*loss))
        apply(&w, parts);
    mem_free(w.squares);
    return isfinite(*loss) ? 0 : err_set(e, ERR_NUMERIC, "step %d: the loss is no number", t->step);
}
