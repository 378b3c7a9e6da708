/* conform_trials.c -- the operations that devices are offered, each way of using them a row, and
 * how it is built.  How far the results may be off is told by conform_off.c; experts, states and
 * whole models have files of their own. */
#include <math.h>

#include "base/mem.h"
#include "runners/conform_impl.h"
#include "runners/quant.h"

/* ---- linear, head ---- */

static void finish_linear(struct trial *t, struct op *op, const int *widths, struct err *e)
{
    int outs[OP_OUTS], n = 1;

    op->kind = OP_LINEAR;
    for (n = 0; n < OP_OUTS && widths[n]; n++)
        outs[n] = op->out[n] = program_value(&t->p, widths[n]);
    op->n_out = n;
    program_op(&t->p, *op);
    t->tolerance = off_linear;
    trial_finish(t, outs, n, e);
}

static void build_plain(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                        struct err *e)
{
    struct op op = TRIAL_OP;

    op.in[0] = trial_input(t, k);
    trial_begin(t);
    op.w[0] = trial_weight(t, z, type, k, rows, 0);
    finish_linear(t, &op, (int[OP_OUTS]){rows}, e);
}

static void build_three(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                        struct err *e)
{
    struct op op = TRIAL_OP;
    int small = rows / 2 + 1;

    op.in[0] = trial_input(t, k);
    trial_begin(t);
    op.w[0] = trial_weight(t, z, type, k, rows, 0);
    op.w[1] = trial_weight(t, z, type, k, small, 0);
    op.w[2] = trial_weight(t, z, type, k, small, 0);
    op.bias[0] = trial_weight(t, z, QUANT_F32, rows, 1, 0);
    op.bias[2] = trial_weight(t, z, QUANT_F32, small, 1, 0);
    finish_linear(t, &op, (int[OP_OUTS]){rows, small, small}, e);
}

static void build_add_to(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                         struct err *e)
{
    struct op op = TRIAL_OP;

    op.in[0] = trial_input(t, k);
    op.in[1] = trial_input(t, rows);
    trial_begin(t);
    op.w[0] = trial_weight(t, z, type, k, rows, 0);
    op.bias[0] = trial_weight(t, z, QUANT_F32, rows, 1, 0);
    op.epilogue = EPILOGUE_ADD;
    op.scale = 0.7f;
    finish_linear(t, &op, (int[OP_OUTS]){rows}, e);
}

static void build_act_of(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                         struct err *e)
{
    struct op op = TRIAL_OP;

    op.in[0] = trial_input(t, k);
    trial_begin(t);
    op.w[0] = trial_weight(t, z, type, k, rows, 0);
    op.bias[0] = trial_weight(t, z, QUANT_F32, rows, 1, 0);
    op.epilogue = EPILOGUE_ACT;
    op.act = ACT_GELU_TANH;
    finish_linear(t, &op, (int[OP_OUTS]){rows}, e);
}

static void build_glu(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                      struct err *e)
{
    struct op op = TRIAL_OP;

    op.in[0] = trial_input(t, k);
    trial_begin(t);
    op.w[0] = trial_weight(t, z, type, k, rows, 0);
    op.w[1] = trial_weight(t, z, type, k, rows, 0);
    op.epilogue = EPILOGUE_GLU;
    op.act = ACT_SILU;
    finish_linear(t, &op, (int[OP_OUTS]){rows}, e);
}

static void build_any_head(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                           int is_odd, struct err *e)
{
    struct op op = TRIAL_OP;
    int in = trial_input(t, k);

    trial_begin(t);
    op.in[0] = trial_gather(t, in);
    trial_here(t);
    op.kind = OP_HEAD;
    op.wanted_rows = 1;
    op.w[0] = trial_weight(t, z, type, k, rows, 0);
    if (is_odd) {
        op.bias[0] = trial_weight(t, z, QUANT_F32, rows, 1, 0);
        op.scale = 0.5f;
        op.softcap = 3;
    }
    program_op(&t->p, op);
    t->p.n_vocab = t->out_width = rows;
    t->shows_lse = 1;
    t->tolerance = off_head;
    trial_finish(t, NULL, 0, e);
}

static void build_head(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                       struct err *e)
{
    build_any_head(t, z, type, k, rows, 0, e);
}

static void build_odd_head(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                           struct err *e)
{
    build_any_head(t, z, type, k, rows, 1, e);
}

/* ---- embedding and rows ---- */

static void build_any_embed(struct trial *t, const struct quantizer *z, int type, int k, int is_odd,
                            struct err *e)
{
    struct op op = TRIAL_OP;

    trial_begin(t);
    op.kind = OP_EMBED;
    op.w[0] = trial_weight(t, z, type, k, TRIAL_ROWS, 0);
    if (is_odd) {
        op.w[1] = trial_weight(t, z, type, k, TRIAL_MAX_ROWS, 0);
        op.scale = 3.5f;
    }
    op.out[0] = program_value(&t->p, k);
    op.n_out = 1;
    t->inputs = IN_WIDE; /* only what comes before */
    t->tolerance = off_embed;
    trial_end(t, &op, op.out[0], e);
}

static void build_embed(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                        struct err *e)
{
    (void)rows;
    build_any_embed(t, z, type, k, 0, e);
}

static void build_odd_embed(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                            struct err *e)
{
    (void)rows;
    build_any_embed(t, z, type, k, 1, e);
}

static void build_norm(struct trial *t, const struct quantizer *z, int k, enum op_kind kind,
                       int has_weight, struct err *e)
{
    struct op op = TRIAL_OP;

    op.kind = kind;
    op.in[0] = trial_input(t, k);
    trial_begin(t);
    op.eps = 1e-5f;
    if (has_weight)
        op.w[0] = trial_weight(t, z, QUANT_F32, k, 1, 1);
    if (has_weight && kind == OP_LAYER_NORM)
        op.bias[0] = trial_weight(t, z, QUANT_F32, k, 1, 0);
    op.out[0] = program_value(&t->p, k);
    op.n_out = 1;
    t->tolerance = off_norm;
    trial_end(t, &op, op.out[0], e);
}

static void build_rms_norm(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                           struct err *e)
{
    (void)type;
    build_norm(t, z, k, OP_RMS_NORM, rows, e);
}

static void build_layer_norm(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                             struct err *e)
{
    (void)type;
    build_norm(t, z, k, OP_LAYER_NORM, rows, e);
}

/* rows: heads; each has weights of its own when there are more than three. */
static void build_head_norm(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                            struct err *e)
{
    struct op op = TRIAL_OP;

    (void)type;
    op.kind = OP_HEAD_NORM;
    op.out[0] = trial_input(t, k * rows);
    trial_begin(t);
    op.n_out = 1;
    op.heads = rows;
    op.head_dim = k;
    op.eps = 1e-6f;
    op.mean_removed = rows == 2;
    op.w[0] = trial_weight(t, z, QUANT_F32, rows > 3 ? k * rows : k, 1, 1);
    t->tolerance = off_head_norm;
    trial_end(t, &op, op.out[0], e);
}

/* rows 3 or less: pairs of halves of the whole head; else of neighbours, in a part of it. */
static void build_rope(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                       struct err *e)
{
    struct rope r = {.n_rot = rows > 3 ? k / 2 : k, .halves = rows <= 3, .magnitude = 1.1f};
    double freqs[128];
    struct op op = TRIAL_OP;

    (void)z;
    (void)type;
    for (int i = 0; i < r.n_rot / 2; i++)
        freqs[i] = pow(1e4, -2.0 * i / r.n_rot);
    op.kind = OP_ROPE;
    op.out[0] = trial_input(t, k * rows);
    trial_begin(t);
    op.n_out = 1;
    op.heads = rows;
    op.head_dim = k;
    op.rope_at = rows > 3 ? k / 4 : 0;
    op.rope = program_rope(&t->p, r, freqs);
    t->tolerance = off_rope;
    trial_end(t, &op, op.out[0], e);
}

static void build_rows(struct trial *t, enum op_kind kind, enum activation act, int k,
                       struct err *e)
{
    struct op op = TRIAL_OP;

    op.kind = kind;
    op.in[0] = trial_input(t, k);
    if (kind == OP_ADD || kind == OP_GATE)
        op.in[1] = trial_input(t, k);
    trial_begin(t);
    op.act = act;
    op.scale = 0.37f;
    op.wanted_rows = t->is_gathered = kind == OP_GATHER;
    op.out[0] = kind == OP_SCALE ? op.in[0] : program_value(&t->p, k);
    if (kind == OP_SCALE)
        op.in[0] = -1;
    op.n_out = 1;
    t->tolerance = off_rows;
    trial_end(t, &op, op.out[0], e);
}

static void build_add(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                      struct err *e)
{
    (void)z, (void)type, (void)rows;
    build_rows(t, OP_ADD, ACT_NONE, k, e);
}

static void build_scale(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                        struct err *e)
{
    (void)z, (void)type, (void)rows;
    build_rows(t, OP_SCALE, ACT_NONE, k, e);
}

static void build_gather(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                         struct err *e)
{
    (void)z, (void)type, (void)rows;
    build_rows(t, OP_GATHER, ACT_NONE, k, e);
}

/* rows: the activation. */
static void build_gate(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                       struct err *e)
{
    (void)z, (void)type;
    build_rows(t, OP_GATE, (enum activation)rows, k, e);
}

/* ---- attention ---- */

/* k: the size of a head; rows: which of the ways. */
static void build_attention(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                            struct err *e)
{
    static const struct way {
        int heads, kv_heads, value_dim, window, chunk, has_sinks, has_slopes;
        float softcap;
    } ways[] = {{4, 2, 0, 0, 0, 0, 0, 0}, {3, 1, 24, 9, 0, 1, 0, 0}, {4, 4, 0, 0, 16, 0, 1, 20}};
    const struct way *way = &ways[rows];
    int values = way->value_dim ? way->value_dim : k;
    struct op op = TRIAL_OP;

    (void)type;
    op.in[0] = trial_input(t, way->heads * k);
    op.in[1] = trial_input(t, way->kv_heads * k);
    op.in[2] = trial_input(t, way->kv_heads * values);
    trial_begin(t);
    op.heads = way->heads;
    op.kv_heads = way->kv_heads;
    op.head_dim = k;
    op.value_dim = values;
    struct op store = op;
    store.kind = OP_KV_STORE;
    store.in[0] = op.in[1];
    store.in[1] = op.in[2];
    store.in[2] = -1;
    program_op(&t->p, store);
    op.kind = OP_ATTENTION;
    op.in[1] = op.in[2] = -1;
    op.scale = (float)(1 / sqrt(k));
    op.softcap = way->softcap;
    op.window = way->window;
    op.chunk = way->chunk;
    if (way->has_sinks)
        op.w[0] = trial_weight(t, z, QUANT_F32, way->heads, 1, 0);
    if (way->has_slopes)
        op.w[1] = trial_weight(t, z, QUANT_F32, way->heads, 1, 0.1);
    t->is_path = 1;
    t->inputs = IN_INFINITE;
    t->p.n_layers = 1;
    t->p.kv = mem_calloc(1, sizeof *t->p.kv);
    if (t->p.kv) {
        t->p.kv->kv_heads = way->kv_heads;
        t->p.kv->head_dim = k;
        t->p.kv->value_dim = values;
    }
    op.out[0] = program_value(&t->p, way->heads * values);
    op.n_out = 1;
    t->tolerance = off_attention;
    trial_end(t, &op, op.out[0], e);
}

/* k is a multiple of 256 where every format is tried. */
static const struct trial_row rows[] = {
    {"embed", 1, build_embed, {256}, {0}},
    {"embed, scaled, positions", 1, build_odd_embed, {512}, {0}},
    {"rms_norm", 0, build_rms_norm, {64, 576, 100}, {1, 1, 0}},
    {"layer_norm", 0, build_layer_norm, {64, 577, 100}, {1, 1, 0}},
    {"head_norm", 0, build_head_norm, {64, 128, 80}, {3, 2, 5}},
    {"linear", 1, build_plain, {256, 768, 1024}, {100, 33, 1}},
    {"linear, three", 1, build_three, {512}, {70}},
    {"linear, added", 1, build_add_to, {768}, {97}},
    {"linear, activated", 1, build_act_of, {512}, {64}},
    {"linear, glu", 1, build_glu, {512}, {70}},
    {"rope", 0, build_rope, {64, 128, 80}, {3, 2, 5}},
    {"scale", 0, build_scale, {100, 576}, {0}},
    {"kv_store, attention", 0, build_attention, {64, 32, 80}, {0, 1, 2}},
    {"add", 0, build_add, {100, 576}, {0}},
    {"gate", 0, build_gate, {100, 64, 65}, {ACT_SILU, ACT_GELU_TANH, ACT_GELU_ERF}},
    {"gate, relu", 0, build_gate, {100, 64}, {ACT_RELU, ACT_RELU2}},
    {"gather", 0, build_gather, {100}, {0}},
    {"head", 1, build_head, {256, 512}, {300, 101}},
    {"head, capped", 1, build_odd_head, {256}, {77}},
    {NULL, 0, NULL, {0}, {0}},
};

static const struct trial_row models[] = {
    {"model", 2, conform_build_model, {256, 256, 256}, {0, 1, 2}},
    {"model, layers", 2, conform_build_model, {256, 256}, {3, 4}},
    {NULL, 0, NULL, {0}, {0}},
};

const struct trial_row *trial_at(int i)
{
    static const struct trial_row *const lists[] = {rows, trials_of_experts, trials_of_states,
                                                    models};

    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++)
        for (const struct trial_row *r = lists[l]; r->op; r++)
            if (i-- == 0)
                return r;
    return NULL;
}
