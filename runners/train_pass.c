/* train_pass.c -- one shard's values forward and gradients backward.
 *
 * Every product of matrices is kernels.h's gemm, which sums over the last dimension of both: going
 * back takes the weights transposed (inputs) and the values transposed (weights).  What is not a
 * product is written plainly, each sum in one order. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runners/dmath.h"
#include "runners/train_impl.h"

struct pass {
    const struct train *t;
    struct train_shard *s;
    const struct kernels *k;
    int d, ff, heads, hd, vocab;
    size_t ld_rows; /* of the transposed values */
};

/* y[row][out] = x[row][in] . w[out][in] */
static void product(const struct pass *p, float *y, const float *w, const float *x, int out, int in,
                    int rows)
{
    p->k->gemm(y, (size_t)out, w, (size_t)in, out, x, (size_t)in, rows, in);
}

/* x [rows][n] to xt [n][ld_rows], zeros behind the rows */
static void flip(const struct pass *p, float *xt, const float *x, int n, int rows)
{
    for (int i = 0; i < n; i++) {
        float *to = xt + (size_t)i * p->ld_rows;
        for (int r = 0; r < rows; r++)
            to[r] = x[(size_t)r * (size_t)n + (size_t)i];
        for (size_t r = (size_t)rows; r < KERNEL_PAD(rows); r++)
            to[r] = 0;
    }
}

/* dw[out][in] = sum over the rows of dy[row][out] x[row][in].  ld_in: of dw, at least in. */
static void weight_gradient(const struct pass *p, float *dw, const float *dy, const float *x,
                            int out, int in, int rows)
{
    flip(p, p->s->t1, x, in, rows);
    flip(p, p->s->t2, dy, out, rows);
    p->k->gemm(dw, (size_t)in, p->s->t1, p->ld_rows, in, p->s->t2, p->ld_rows, out, rows);
}

static void norm(const struct pass *p, float *y, float *root, const float *x, const float *w,
                 int rows)
{
    int d = p->d;

    for (int r = 0; r < rows; r++, x += d, y += d) {
        double sum = 0;
        for (int i = 0; i < d; i++)
            sum += (double)x[i] * x[i];
        float s = root[r] = (float)(1 / sqrt(sum / d + (double)TRAIN_NORM_EPS));
        for (int i = 0; i < d; i++)
            y[i] = x[i] * s * w[i];
    }
}

/* y = x s w with s = (mean x^2 + eps)^-1/2:  dx = s (dy w - x s^2 (x . dy w) / d), added to dx;
 * dw = sum dy x s. */
static void norm_back(const struct pass *p, float *dx, float *dw, const float *dy, const float *x,
                      const float *root, const float *w, int rows)
{
    int d = p->d;

    for (int r = 0; r < rows; r++, x += d, dy += d, dx += d) {
        float s = root[r];
        double dot = 0;
        for (int i = 0; i < d; i++)
            dot += (double)x[i] * ((double)dy[i] * w[i]);
        float c = (float)(dot / d) * s * s;
        for (int i = 0; i < d; i++) {
            dx[i] += s * (dy[i] * w[i] - x[i] * c);
            dw[i] += dy[i] * x[i] * s;
        }
    }
}

/* Turns the pairs of every head of a row by its position; back: the other way. */
static void turn(const struct pass *p, float *x, int position, int back)
{
    int half = p->hd / 2;
    const float *cs = p->t->cos + (size_t)position * (size_t)half;
    const float *sn = p->t->sin + (size_t)position * (size_t)half;

    for (int h = 0; h < p->heads; h++, x += p->hd)
        for (int i = 0; i < half; i++) {
            float a = x[2 * i], b = x[2 * i + 1], s = back ? -sn[i] : sn[i];
            x[2 * i] = a * cs[i] - b * s;
            x[2 * i + 1] = a * s + b * cs[i];
        }
}

static void turn_all(const struct pass *p, float *x, int back)
{
    const struct train_shard *s = p->s;

    for (int n = 0; n < p->t->docs; n++)
        for (int i = 0; i < s->len[n]; i++)
            turn(p, x + (size_t)(s->first[n] + i) * (size_t)p->d, i, back);
}

/* The probabilities of one head of one document: [longest][longest], in s->kept. */
static float *probabilities(const struct pass *p, const struct train_kept *v, int doc, int head)
{
    size_t longest = (size_t)p->t->o.longest;

    return v->p + ((size_t)doc * (size_t)p->heads + (size_t)head) * longest * longest;
}

static float dot(const float *a, const float *b, int n)
{
    float sum = 0;

    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void attend_row(const struct pass *p, const struct train_kept *v, size_t first, int i,
                       size_t head, float *prob)
{
    size_t d = (size_t)p->d;
    const float *q = v->q + (first + (size_t)i) * d + head;
    float *out = v->o + (first + (size_t)i) * d + head;
    float scale = (float)(1 / sqrt((double)p->hd)), most = -INFINITY, sum = 0;

    for (int j = 0; j <= i; j++) {
        prob[j] = dot(q, v->k + (first + (size_t)j) * d + head, p->hd) * scale;
        most = prob[j] > most ? prob[j] : most;
    }
    for (int j = 0; j <= i; j++)
        prob[j] -= most;
    p->k->exp(prob, prob, i + 1);
    for (int j = 0; j <= i; j++)
        sum += prob[j];
    memset(out, 0, (size_t)p->hd * sizeof *out);
    for (int j = 0; j <= i; j++) {
        const float *value = v->v + (first + (size_t)j) * d + head;
        prob[j] /= sum;
        for (int c = 0; c < p->hd; c++)
            out[c] += prob[j] * value[c];
    }
}

static void attend(const struct pass *p, const struct train_kept *v)
{
    const struct train_shard *s = p->s;
    int longest = p->t->o.longest;

    for (int n = 0; n < p->t->docs; n++)
        for (int h = 0; h < p->heads; h++)
            for (int i = 0; i < s->len[n]; i++)
                attend_row(p, v, (size_t)s->first[n], i, (size_t)(h * p->hd),
                           probabilities(p, v, n, h) + (size_t)i * (size_t)longest);
}

/* From do (of the attention's output) to dq, dk, dv, which are cleared before. */
static void attend_row_back(const struct pass *p, const struct train_kept *v, size_t first, int i,
                            size_t head, const float *prob)
{
    struct train_shard *s = p->s;
    size_t d = (size_t)p->d, row = (first + (size_t)i) * d + head;
    const float *go = s->da + row, *q = v->q + row;
    float *dq = s->db + row, ds[TRAIN_LONGEST];
    float scale = (float)(1 / sqrt((double)p->hd)), mean = 0;

    for (int j = 0; j <= i; j++) {
        size_t at = (first + (size_t)j) * d + head;
        ds[j] = dot(go, v->v + at, p->hd);
        mean += prob[j] * ds[j];
        for (int c = 0; c < p->hd; c++)
            s->dn[at + (size_t)c] += prob[j] * go[c];
    }
    for (int j = 0; j <= i; j++) {
        size_t at = (first + (size_t)j) * d + head;
        float g = prob[j] * (ds[j] - mean) * scale;
        for (int c = 0; c < p->hd; c++) {
            dq[c] += g * v->k[at + (size_t)c];
            s->dc[at + (size_t)c] += g * q[c];
        }
    }
}

static void attend_back(const struct pass *p, const struct train_kept *v)
{
    struct train_shard *s = p->s;
    size_t bytes = (size_t)s->rows * (size_t)p->d * sizeof(float);
    int longest = p->t->o.longest;

    memset(s->db, 0, bytes);
    memset(s->dc, 0, bytes);
    memset(s->dn, 0, bytes);
    for (int n = 0; n < p->t->docs; n++)
        for (int h = 0; h < p->heads; h++)
            for (int i = 0; i < s->len[n]; i++)
                attend_row_back(p, v, (size_t)s->first[n], i, (size_t)(h * p->hd),
                                probabilities(p, v, n, h) + (size_t)i * (size_t)longest);
}

static void add(float *y, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

static void layer_forward(const struct pass *p, int l, float *out)
{
    const struct train_layer *at = &p->t->at.layer[l];
    const struct train_kept *v = &p->s->kept[l];
    const float *w = p->t->weights;
    int rows = p->s->rows;
    size_t n = (size_t)rows * (size_t)p->d;

    norm(p, v->n1, v->r1, v->in, w + at->attn_norm, rows);
    product(p, v->q, w + at->q, v->n1, p->d, p->d, rows);
    product(p, v->k, w + at->k, v->n1, p->d, p->d, rows);
    product(p, v->v, w + at->v, v->n1, p->d, p->d, rows);
    turn_all(p, v->q, 0);
    turn_all(p, v->k, 0);
    attend(p, v);
    product(p, v->mid, w + at->o, v->o, p->d, p->d, rows);
    add(v->mid, v->mid, v->in, n);
    norm(p, v->n2, v->r2, v->mid, w + at->ffn_norm, rows);
    product(p, v->gate, w + at->gate, v->n2, p->ff, p->d, rows);
    product(p, v->up, w + at->up, v->n2, p->ff, p->d, rows);
    p->k->glu(ACT_SILU, v->h, v->gate, v->up, rows * p->ff);
    product(p, out, w + at->down, v->h, p->d, p->ff, rows);
    add(out, out, v->mid, n);
}

/* h = silu(gate) up: silu' = sigma (1 + g (1 - sigma)) */
static void gate_back(const struct pass *p, const struct train_kept *v)
{
    struct train_shard *s = p->s;
    size_t n = (size_t)s->rows * (size_t)p->ff;

    p->k->act(ACT_SIGMOID, s->dg, v->gate, (int)n);
    for (size_t i = 0; i < n; i++) {
        float sigma = s->dg[i], g = v->gate[i];
        s->du[i] = s->dh[i] * (g * sigma);
        s->dg[i] = s->dh[i] * v->up[i] * (sigma * (1 + g * (1 - sigma)));
    }
}

/* s->dx: of the layer's output, then of its input. */
static void layer_backward(const struct pass *p, int l)
{
    const struct train_layer *at = &p->t->at.layer[l];
    struct train_shard *s = p->s;
    const struct train_kept *v = &s->kept[l];
    const float *w = p->t->weights, *wt = p->t->transposed;
    float *g = s->gradients;
    int rows = s->rows, d = p->d, ff = p->ff;
    size_t n = (size_t)rows * (size_t)d;

    weight_gradient(p, g + at->down, s->dx, v->h, d, ff, rows);
    product(p, s->dh, wt + at->down, s->dx, ff, d, rows);
    gate_back(p, v);
    weight_gradient(p, g + at->gate, s->dg, v->n2, ff, d, rows);
    weight_gradient(p, g + at->up, s->du, v->n2, ff, d, rows);
    product(p, s->da, wt + at->gate, s->dg, d, ff, rows);
    product(p, s->db, wt + at->up, s->du, d, ff, rows);
    add(s->da, s->da, s->db, n);
    norm_back(p, s->dx, g + at->ffn_norm, s->da, v->mid, v->r2, w + at->ffn_norm, rows);

    weight_gradient(p, g + at->o, s->dx, v->o, d, d, rows);
    product(p, s->da, wt + at->o, s->dx, d, d, rows);
    attend_back(p, v);
    turn_all(p, s->db, 1);
    turn_all(p, s->dc, 1);
    weight_gradient(p, g + at->q, s->db, v->n1, d, d, rows);
    weight_gradient(p, g + at->k, s->dc, v->n1, d, d, rows);
    weight_gradient(p, g + at->v, s->dn, v->n1, d, d, rows);
    product(p, s->da, wt + at->q, s->db, d, d, rows);
    product(p, s->db, wt + at->k, s->dc, d, d, rows);
    add(s->da, s->da, s->db, n);
    product(p, s->db, wt + at->v, s->dn, d, d, rows);
    add(s->da, s->da, s->db, n);
    norm_back(p, s->dx, g + at->attn_norm, s->da, v->in, v->r1, w + at->attn_norm, rows);
}

/* The rows that predict a marked token, normed: nf; their logits become
 * (softmax - target) / all. */
static void head_forward(const struct pass *p, int all_targets)
{
    struct train_shard *s = p->s;
    size_t d = (size_t)p->d, vocab = (size_t)p->vocab;
    float weight = (float)(1.0 / all_targets);

    for (int i = 0; i < s->targets; i++)
        memcpy(s->da + (size_t)i * d, s->last + (size_t)s->predicts[i] * d, d * sizeof(float));
    norm(p, s->nf, s->rf, s->da, p->t->weights + p->t->at.norm, s->targets);
    product(p, s->logits, p->t->weights + p->t->at.embedding, s->nf, p->vocab, p->d, s->targets);
    s->loss = 0;
    for (int i = 0; i < s->targets; i++) {
        float *x = s->logits + (size_t)i * vocab, most = x[0], wanted;
        double sum = 0;
        for (size_t c = 1; c < vocab; c++)
            most = x[c] > most ? x[c] : most;
        for (size_t c = 0; c < vocab; c++)
            x[c] -= most;
        wanted = x[s->target[i]];
        p->k->exp(x, x, p->vocab);
        for (size_t c = 0; c < vocab; c++)
            sum += x[c];
        s->loss += dmath_log(sum) - wanted;
        float scale = (float)(1 / sum);
        for (size_t c = 0; c < vocab; c++)
            x[c] = x[c] * scale * weight;
        x[s->target[i]] -= weight;
    }
}

static void head_backward(const struct pass *p)
{
    struct train_shard *s = p->s;
    const struct train_layout *at = &p->t->at;
    size_t d = (size_t)p->d, ld = KERNEL_PAD(p->vocab);

    weight_gradient(p, s->gradients + at->embedding, s->logits, s->nf, p->vocab, p->d, s->targets);
    /* the logits' rows, padded as the transposed embedding is */
    for (int i = 0; i < s->targets; i++) {
        memset(s->t2 + (size_t)i * ld, 0, ld * sizeof(float));
        memcpy(s->t2 + (size_t)i * ld, s->logits + (size_t)i * (size_t)p->vocab,
               (size_t)p->vocab * sizeof(float));
    }
    p->k->gemm(s->dc, d, p->t->embedding_t, ld, p->d, s->t2, ld, s->targets, p->vocab);
    memset(s->db, 0, (size_t)s->targets * d * sizeof(float));
    norm_back(p, s->db, s->gradients + at->norm, s->dc, s->da, s->rf, p->t->weights + at->norm,
              s->targets);
    memset(s->dx, 0, (size_t)s->rows * d * sizeof(float));
    for (int i = 0; i < s->targets; i++)
        memcpy(s->dx + (size_t)s->predicts[i] * d, s->db + (size_t)i * d, d * sizeof(float));
}

void train_pass(const struct train *t, struct train_shard *s, int all_targets)
{
    const struct train_shape *o = &t->o.shape;
    struct pass p = {t, s, t->kernels, o->embedding, o->feed_forward, o->heads,
                     o->embedding / o->heads, o->vocab, KERNEL_PAD(t->rows_max)};
    size_t d = (size_t)p.d;

    memset(s->gradients, 0, t->at.n * sizeof(float));
    for (int r = 0; r < s->rows; r++)
        memcpy(s->kept[0].in + (size_t)r * d,
               t->weights + t->at.embedding + (size_t)s->ids[r] * d, d * sizeof(float));
    for (int l = 0; l < o->layers; l++)
        layer_forward(&p, l, l + 1 < o->layers ? s->kept[l + 1].in : s->last);
    head_forward(&p, all_targets);
    head_backward(&p);
    for (int l = o->layers - 1; l >= 0; l--)
        layer_backward(&p, l);
    for (int r = 0; r < s->rows; r++) {
        float *g = s->gradients + t->at.embedding + (size_t)s->ids[r] * d;
        const float *dx = s->dx + (size_t)r * d;
        for (size_t i = 0; i < d; i++)
            g[i] += dx[i];
    }
}

void train_transpose(struct train *t, int part, int n)
{
    const struct train_shape *o = &t->o.shape;
    size_t d = (size_t)o->embedding, ff = (size_t)o->feed_forward, ld = KERNEL_PAD(o->vocab);

    for (int l = part; l <= o->layers; l += n) {
        const struct train_layer *at = l < o->layers ? &t->at.layer[l] : NULL;
        const struct {
            size_t at, rows, cols;
        } all[] = {{at ? at->q : 0, d, d}, {at ? at->k : 0, d, d}, {at ? at->v : 0, d, d},
                   {at ? at->o : 0, d, d}, {at ? at->gate : 0, ff, d}, {at ? at->up : 0, ff, d},
                   {at ? at->down : 0, d, ff}};
        for (int m = 0; at && m < 7; m++)
            for (size_t r = 0; r < all[m].rows; r++)
                for (size_t c = 0; c < all[m].cols; c++)
                    t->transposed[all[m].at + c * all[m].rows + r] =
                        t->weights[all[m].at + r * all[m].cols + c];
        for (size_t r = 0; !at && r < (size_t)o->vocab; r++)
            for (size_t c = 0; c < d; c++)
                t->embedding_t[c * ld + r] = t->weights[t->at.embedding + r * d + c];
    }
}
