/* conform_model.c -- small whole models of random weights, all operations on the device: two layers
 * as Llama, Gemma and Phi have them, or with experts, or the first with a state (Mamba 2). */
#include <math.h>

#include "base/mem.h"
#include "runners/conform_impl.h"
#include "runners/quant.h"

enum { LAYERS = 2, VOCAB = 300, HEAD_DIM = 64, HEADS = 4, KV_HEADS = 2, WIDER = 2 };
enum { EXPERTS = 4, USED = 2, TAPS = 4, STATES = 16 };

struct family {
    enum op_kind norm;
    enum activation act;
    int is_gated, has_bias, has_head_norms, has_post_norms, window;
    float softcap, embed_scale;
    int has_experts, has_state;
};
static const struct family families[] = {
    {OP_RMS_NORM, ACT_SILU, 1, 0, 0, 0, 0, 0, 1, 0, 0},         /* Llama */
    {OP_RMS_NORM, ACT_GELU_TANH, 1, 0, 1, 1, 12, 30, 16, 0, 0}, /* Gemma */
    {OP_LAYER_NORM, ACT_GELU_TANH, 0, 1, 0, 0, 0, 0, 1, 0, 0},  /* Phi */
    {OP_RMS_NORM, ACT_SILU, 1, 0, 0, 0, 0, 0, 1, 1, 0},         /* Mixtral */
    {OP_RMS_NORM, ACT_SILU, 1, 0, 0, 0, 0, 0, 1, 0, 1},         /* a hybrid */
};

struct build {
    struct trial *t;
    const struct quantizer *z;
    const struct family *f;
    const struct rope *rope;
    int type, k, layer, wanted;
};

static const struct weight *matrix(const struct build *b, int k, int rows)
{
    return trial_weight(b->t, b->z, b->type, k, rows, 0);
}

static const struct weight *bias(const struct build *b, int n)
{
    return b->f->has_bias ? trial_weight(b->t, b->z, QUANT_F32, n, 1, 0) : NULL;
}

static int add(const struct build *b, struct op op, int width)
{
    op.layer = b->layer;
    op.wanted_rows = b->wanted;
    op.n_out = 1;
    op.out[0] = program_value(&b->t->p, width);
    program_op(&b->t->p, op);
    return op.out[0];
}

static void add_in_place(const struct build *b, struct op op, int value)
{
    op.layer = b->layer;
    op.n_out = 1;
    op.out[0] = value;
    program_op(&b->t->p, op);
}

static int norm(const struct build *b, int in)
{
    struct op op = TRIAL_OP;

    op.kind = b->f->norm;
    op.in[0] = in;
    op.eps = 1e-5f;
    op.w[0] = trial_weight(b->t, b->z, QUANT_F32, b->k, 1, 1);
    op.bias[0] = op.kind == OP_LAYER_NORM ? bias(b, b->k) : NULL;
    return add(b, op, b->k);
}

static void turn(const struct build *b, int value, int heads)
{
    struct op op = TRIAL_OP;

    op.heads = heads;
    op.head_dim = HEAD_DIM;
    op.eps = 1e-6f;
    op.kind = OP_HEAD_NORM;
    if (b->f->has_head_norms) {
        op.w[0] = trial_weight(b->t, b->z, QUANT_F32, HEAD_DIM, 1, 1);
        add_in_place(b, op, value);
        op.w[0] = NULL;
    }
    op.kind = OP_ROPE;
    op.rope = b->rope;
    add_in_place(b, op, value);
}

static int added(const struct build *b, int branch, int to)
{
    struct op op = TRIAL_OP;

    op.kind = OP_ADD;
    op.in[0] = to;
    op.in[1] = branch;
    return add(b, op, b->k);
}

/* The branch w in, added to the residual. */
static int residual(const struct build *b, int in, int k, int to)
{
    struct op op = TRIAL_OP;

    op.kind = OP_LINEAR;
    op.in[0] = in;
    op.w[0] = matrix(b, k, b->k);
    op.bias[0] = bias(b, b->k);
    if (!b->f->has_post_norms) {
        op.epilogue = EPILOGUE_ADD;
        op.in[1] = to;
        return add(b, op, b->k);
    }
    return added(b, norm(b, add(b, op, b->k)), to);
}

/* What a mixer begins with: three products of the normed rows at once. */
static struct op three(const struct build *b, int in, const int *widths, int has_bias)
{
    struct op op = TRIAL_OP;

    op.kind = OP_LINEAR;
    op.layer = b->layer;
    op.in[0] = norm(b, in);
    op.n_out = OP_OUTS;
    for (int i = 0; i < OP_OUTS; i++) {
        op.w[i] = matrix(b, b->k, widths[i]);
        if (has_bias)
            op.bias[i] = bias(b, widths[i]);
        op.out[i] = program_value(&b->t->p, widths[i]);
    }
    program_op(&b->t->p, op);
    return op;
}

static int attend(const struct build *b, int in)
{
    static const int widths[OP_OUTS] = {HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM};
    struct program *p = &b->t->p;
    struct op op = three(b, in, widths, 1), store = TRIAL_OP;

    turn(b, op.out[0], HEADS);
    turn(b, op.out[1], KV_HEADS);
    store.kind = OP_KV_STORE;
    store.layer = store.kv_layer = b->layer;
    store.in[0] = op.out[1];
    store.in[1] = op.out[2];
    store.heads = HEADS;
    store.kv_heads = KV_HEADS;
    store.head_dim = store.value_dim = HEAD_DIM;
    program_op(p, store);
    store.kind = OP_ATTENTION;
    store.in[0] = op.out[0];
    store.in[1] = -1;
    store.scale = 1 / sqrtf(HEAD_DIM);
    store.window = b->layer ? b->f->window : 0;
    return add(b, store, widths[0]);
}

/* Mamba 2 without a norm of its own, one group: as wide as attention. */
static int scan(const struct build *b, int in)
{
    static const int widths[OP_OUTS] = {HEADS * HEAD_DIM, HEADS * HEAD_DIM + 2 * STATES, HEADS};
    struct op op = three(b, in, widths, 0), conv = TRIAL_OP, heads = TRIAL_OP, gate = TRIAL_OP;

    conv.kind = OP_CONV;
    conv.in[0] = op.out[1];
    conv.rec.taps = TAPS;
    conv.act = ACT_SILU;
    conv.w[0] = trial_lanes(b->t, TAPS, widths[1], 0);
    heads.kind = OP_SCAN_HEADS;
    heads.in[0] = add(b, conv, widths[1]);
    heads.in[1] = op.out[2];
    heads.heads = HEADS;
    heads.head_dim = HEAD_DIM;
    heads.rec.groups = 1;
    heads.rec.states = STATES;
    heads.w[0] = trial_weight(b->t, b->z, QUANT_F32, HEADS, 1, -1);
    heads.w[1] = trial_weight(b->t, b->z, QUANT_F32, HEADS, 1, 1);
    gate.kind = OP_GATE;
    gate.act = ACT_SILU;
    gate.in[0] = op.out[0];
    gate.in[1] = add(b, heads, widths[0]);
    return add(b, gate, widths[0]);
}

/* Two of the experts are so much preferred that a device of any precision chooses them: that it
 * chooses right is tried on its own. */
static int route_to(const struct build *b, int in)
{
    struct op op = TRIAL_OP, choice = TRIAL_OP;
    float *f;

    op.kind = OP_LINEAR;
    op.in[0] = in;
    op.w[0] = trial_weight(b->t, b->z, QUANT_F32, b->k, EXPERTS, 0);
    choice.kind = OP_ROUTE;
    choice.in[0] = add(b, op, EXPERTS);
    choice.route = (struct route){.experts = EXPERTS, .used = USED, .gating = GATING_SIGMOID,
                                  .is_normalised = 1, .scale = 1};
    choice.w[0] = trial_weight(b->t, b->z, QUANT_F32, EXPERTS, 1, 0);
    f = (float *)(uintptr_t)choice.w[0]->f32;
    for (int i = 0; f && i < EXPERTS; i++)
        f[i] = (float)((i + b->layer) % EXPERTS * 2);
    return add(b, choice, 2 * USED);
}

static int mix_experts(const struct build *b, int in)
{
    struct op up = TRIAL_OP, down = TRIAL_OP, sum = TRIAL_OP;
    int width = b->k / 2;

    up.kind = OP_EXPERTS_UP;
    up.act = b->f->act;
    up.in[0] = norm(b, in);
    up.in[1] = down.in[1] = sum.in[1] = route_to(b, up.in[0]);
    up.route = down.route = (struct route){.experts = EXPERTS, .used = USED};
    up.w[0] = trial_slabs(b->t, b->z, b->type, b->k, width, EXPERTS);
    up.w[1] = trial_slabs(b->t, b->z, b->type, b->k, width, EXPERTS);
    up.parts = (struct parts){USED, width, 0};
    down.kind = OP_EXPERTS_DOWN;
    down.in[0] = add(b, up, USED * (int)KERNEL_LD(width));
    /* Half as wide: rows of 256 would be too short for some formats. */
    down.w[0] = trial_slabs(b->t, b->z, QUANT_F16, width, b->k, EXPERTS);
    down.parts = (struct parts){USED, b->k, 0};
    sum.kind = OP_COMBINE;
    sum.in[0] = add(b, down, USED * (int)KERNEL_LD(b->k));
    sum.parts = down.parts;
    return add(b, sum, b->k);
}

static int feed_forward(const struct build *b, int in)
{
    struct op op = TRIAL_OP;

    op.kind = OP_LINEAR;
    op.in[0] = norm(b, in);
    op.act = b->f->act;
    op.epilogue = b->f->is_gated ? EPILOGUE_GLU : EPILOGUE_ACT;
    op.w[0] = matrix(b, b->k, WIDER * b->k);
    op.bias[0] = bias(b, WIDER * b->k);
    if (b->f->is_gated)
        op.w[1] = matrix(b, b->k, WIDER * b->k);
    return add(b, op, WIDER * b->k);
}

static int gather(const struct build *b, int value)
{
    int gathered = trial_gather(b->t, value);

    b->t->p.ops[b->t->p.n_ops ? b->t->p.n_ops - 1 : 0].layer = b->layer;
    return gathered;
}

static void make_caches(struct trial *t)
{
    t->p.n_layers = LAYERS;
    t->p.kv = mem_calloc(LAYERS, sizeof *t->p.kv);
    t->failed |= !t->p.kv;
    for (int i = 0; t->p.kv && i < LAYERS; i++) {
        t->p.kv[i].kv_heads = KV_HEADS;
        t->p.kv[i].head_dim = t->p.kv[i].value_dim = HEAD_DIM;
    }
}

void conform_build_model(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                         struct err *e)
{
    const struct rope r = {.n_rot = HEAD_DIM, .halves = rows != 0, .magnitude = 1};
    struct build b = {.t = t, .z = z, .f = &families[rows], .type = type, .k = k};
    double freqs[HEAD_DIM / 2];
    struct op op = TRIAL_OP;
    int x, y;

    for (int i = 0; i < HEAD_DIM / 2; i++)
        freqs[i] = pow(1e4, -2.0 * i / HEAD_DIM);
    b.rope = program_rope(&t->p, r, freqs);
    make_caches(t);
    t->is_whole = t->is_path = 1;
    t->inputs = IN_WIDE; /* only what comes before */
    t->p.n_vocab = t->out_width = VOCAB;
    op.kind = OP_EMBED;
    op.w[0] = matrix(&b, k, VOCAB);
    op.scale = b.f->embed_scale;
    x = add(&b, op, k);
    for (b.layer = 0; b.layer < LAYERS; b.layer++) {
        y = b.f->has_state && b.layer == 0 ? scan(&b, x) : attend(&b, x);
        if (b.layer == LAYERS - 1) {
            y = gather(&b, y);
            x = gather(&b, x);
            b.wanted = 1;
        }
        x = residual(&b, y, HEADS * HEAD_DIM, x);
        x = b.f->has_experts ? added(&b, mix_experts(&b, x), x)
                             : residual(&b, feed_forward(&b, x), WIDER * k, x);
    }
    op = TRIAL_OP;
    op.kind = OP_HEAD;
    op.layer = LAYERS;
    op.in[0] = norm(&b, x);
    op.w[0] = matrix(&b, k, VOCAB);
    op.softcap = b.f->softcap;
    op.wanted_rows = 1;
    program_op(&t->p, op);
    trial_finish(t, NULL, 0, e);
}
