/* arch_recurrent.c -- mixers that carry a state along the sequence: short convolutions, Mamba,
 * Mamba 2 and the gated delta net.  See arch_build.h.
 *
 * Sources: Liquid AI's LFM2, arXiv 2312.00752, 2405.21060, 2412.06464, and the files themselves. */
#include <math.h>
#include <stdio.h>

#include "runners/arch_build.h"

struct ssm {
    int taps, inner, states, dt_rank, groups; /* dt_rank: of Mamba 2 and delta nets the heads */
};

static int read_ssm(struct build *b, struct ssm *s)
{
    const struct int_key keys[] = {
        {"ssm.conv_kernel", &s->taps, REQUIRED, 1, 64},
        {"ssm.inner_size", &s->inner, REQUIRED, 1, 1 << 20},
        {"ssm.state_size", &s->states, REQUIRED, 1, 1 << 12},
        {"ssm.time_step_rank", &s->dt_rank, REQUIRED, 1, 1 << 16},
        {"ssm.group_count", &s->groups, 1, 1, 1 << 12},
    };

    return model_ints(b->m, keys, sizeof keys / sizeof keys[0], b->e);
}

static int refuse(struct build *b, const char *what, int n, int of)
{
    return err_set(b->e, ERR_FORMAT, "%s: %d %s cannot be spread over %d", gguf_path(b->m->file), n,
                   what, of);
}

/* ---- operations --------------------------------------------------------------------------- */

struct slice { /* some rows of a matrix, as an output of its own */
    const char *weight, *bias; /* bias: of these rows; NULL: none */
    int row0, rows;
};

/* The last slice of a matrix has to end where the matrix does. */
static int check_end(struct build *b, int layer, const struct slice *s)
{
    const struct weight *whole = need(b, layer, s->weight);

    if (!whole || whole->rows == s->row0 + s->rows)
        return whole ? 0 : -1;
    return err_set(b->e, ERR_FORMAT, "%s: %s has %d rows, expected %d", gguf_path(b->m->file),
                   whole->name, whole->rows, s->row0 + s->rows);
}

static int add_slices(struct build *b, int layer, int in, const struct slice *s, int n, int *out)
{
    struct op op = OP_EMPTY;

    op.kind = OP_LINEAR;
    op.layer = layer;
    op.in[0] = in;
    op.n_out = n;
    for (int i = 0; i < n; i++) {
        if ((i == n - 1 || s[i + 1].row0 == 0) && check_end(b, layer, &s[i]) < 0)
            return -1;
        op.w[i] = model_weight_rows(b->m, layer, s[i].weight, s[i].row0, s[i].rows, b->e);
        if (op.w[i] && s[i].bias)
            op.bias[i] = need(b, layer, s[i].bias);
        if (!op.w[i] || b->e->code)
            return -1;
        out[i] = op.out[i] = program_value(&b->m->program, s[i].rows);
    }
    op.wanted_rows = b->wanted;
    program_op(&b->m->program, op);
    return b->m->program.failed ? err_nomem(b->e) : 0;
}

static int add_conv(struct build *b, int layer, int in, int taps, enum activation act,
                    const char *weight, const char *bias)
{
    int width = program_width(&b->m->program, in);
    struct op op = OP_EMPTY;

    if (b->m->program.failed)
        return err_nomem(b->e);
    op.kind = OP_CONV;
    op.in[0] = in;
    op.rec.taps = taps;
    op.act = act;
    op.w[0] = model_lanes(b->m, layer, weight, taps, width, b->e);
    if (!op.w[0])
        return -1;
    op.bias[0] = model_table(b->m, layer, bias, width, 0, b->e);
    return b->e->code ? -1 : emit(b, layer, op, width);
}

static int add_gate(struct build *b, int layer, enum activation act, int gate, int value)
{
    struct op op = OP_EMPTY;

    op.kind = OP_GATE;
    op.act = act;
    op.in[0] = gate;
    op.in[1] = value;
    return emit(b, layer, op, program_width(&b->m->program, value));
}

/* In place.  w: of heads * width numbers, of width, or NULL. */
static void add_norm_of(struct build *b, int layer, int value, int heads, const struct weight *w,
                        float eps)
{
    struct op op = OP_EMPTY;

    op.kind = OP_HEAD_NORM;
    op.w[0] = w;
    op.eps = eps;
    op.heads = heads;
    op.head_dim = program_width(&b->m->program, value) / heads;
    emit_in_place(b, layer, op, value);
}

/* ---- LFM2 ---------------------------------------------------------------------------------- */

static int add_shortconv(struct build *b, int layer, int in)
{
    static const char name[] = "shortconv.in_proj.weight";
    int taps, n = b->m->hp.embd, part[3], conv;
    const struct int_key key = {"shortconv.l_cache", &taps, REQUIRED, 1, 64};
    const struct slice slices[] = {{name, NULL, 0, n}, {name, NULL, n, n}, {name, NULL, 2 * n, n}};

    if (model_ints(b->m, &key, 1, b->e) < 0 || add_slices(b, layer, in, slices, 3, part) < 0)
        return -1;
    conv = add_conv(b, layer, add_gate(b, layer, ACT_NONE, part[0], part[2]), taps, ACT_NONE,
                    "shortconv.conv.weight", "shortconv.conv.bias");
    return conv < 0 ? -1 : add_gate(b, layer, ACT_NONE, part[1], conv);
}

/* ---- Mamba ----------------------------------------------------------------------------------- */

/* FalconMamba norms dt, B and C without weights, and with an epsilon that its files do not keep;
 * Jamba with weights and the model's. */
static int add_dt_b_c_norms(struct build *b, int layer, const int value[3])
{
    static const char *const names[] = {"ssm_dt_norm.weight", "ssm_b_norm.weight",
                                        "ssm_c_norm.weight"};
    char key[96];
    int plain = 0;

    snprintf(key, sizeof key, "%s.ssm.dt_b_c_rms", b->m->arch_name);
    if (gguf_get_bool(b->m->file, key, &plain, b->e) < 0)
        return -1;
    for (int i = 0; i < 3; i++) {
        const struct weight *w = maybe(b, layer, names[i]);
        if (b->e->code)
            return -1;
        if (w || plain)
            add_norm_of(b, layer, value[i], 1, w, w ? b->eps : 1e-6f);
    }
    return 0;
}

static int add_scan_channels(struct build *b, int layer, int x, int dt, int b_value, int c_value)
{
    int width = program_width(&b->m->program, x), states = program_width(&b->m->program, b_value);
    struct op op = OP_EMPTY;

    op.kind = OP_SCAN_CHANNELS;
    op.in[0] = x;
    op.in[1] = dt;
    op.in[2] = b_value;
    op.in[3] = c_value;
    op.rec.states = states;
    op.w[0] = model_lanes(b->m, layer, "ssm_a", states, width, b->e);
    if (!op.w[0])
        return -1;
    op.w[1] = model_table(b->m, layer, "ssm_d", width, 1, b->e);
    return op.w[1] ? emit(b, layer, op, width) : -1;
}

static int add_mamba(struct build *b, int layer, int in)
{
    struct ssm s;
    int xz[2], dbc[3], x, dt, y;

    if (read_ssm(b, &s) < 0)
        return -1;
    const struct slice ins[] = {{"ssm_in.weight", NULL, 0, s.inner},
                                {"ssm_in.weight", NULL, s.inner, s.inner}};
    if (add_slices(b, layer, in, ins, 2, xz) < 0)
        return -1;
    x = add_conv(b, layer, xz[0], s.taps, ACT_SILU, "ssm_conv1d.weight", "ssm_conv1d.bias");
    if (x < 0)
        return -1;
    const struct slice mid[] = {{"ssm_x.weight", NULL, 0, s.dt_rank},
                                {"ssm_x.weight", NULL, s.dt_rank, s.states},
                                {"ssm_x.weight", NULL, s.dt_rank + s.states, s.states}};
    const struct slice step = {"ssm_dt.weight", "ssm_dt.bias", 0, s.inner};
    if (add_slices(b, layer, x, mid, 3, dbc) < 0 || add_dt_b_c_norms(b, layer, dbc) < 0 ||
        add_slices(b, layer, dbc[0], &step, 1, &dt) < 0)
        return -1;
    y = add_scan_channels(b, layer, x, dt, dbc[1], dbc[2]);
    return y < 0 ? -1 : add_gate(b, layer, ACT_SILU, xz[1], y);
}

/* ---- Mamba 2 --------------------------------------------------------------------------------- */

static int add_scan_heads(struct build *b, int layer, const struct ssm *s, int xbc, int dt)
{
    struct op op = OP_EMPTY;

    op.kind = OP_SCAN_HEADS;
    op.in[0] = xbc;
    op.in[1] = dt;
    op.heads = s->dt_rank;
    op.head_dim = s->inner / s->dt_rank;
    op.rec.states = s->states;
    op.rec.groups = s->groups;
    op.w[0] = model_table(b->m, layer, "ssm_a", s->dt_rank, 1, b->e);
    if (!op.w[0])
        return -1;
    op.w[1] = model_table(b->m, layer, "ssm_d", s->dt_rank, 1, b->e);
    return op.w[1] ? emit(b, layer, op, s->inner) : -1;
}

static int add_mamba2(struct build *b, int layer, int in)
{
    const struct weight *norm;
    struct ssm s;
    int part[3], width, xbc, y;

    if (read_ssm(b, &s) < 0)
        return -1;
    if (s.inner % s.dt_rank || s.inner % s.groups)
        return refuse(b, "channels (ssm.inner_size)", s.inner,
                      s.inner % s.dt_rank ? s.dt_rank : s.groups);
    if (s.dt_rank % s.groups)
        return refuse(b, "heads (ssm.time_step_rank)", s.dt_rank, s.groups);
    width = s.inner + 2 * s.groups * s.states;
    const struct slice ins[] = {{"ssm_in.weight", NULL, 0, s.inner},
                                {"ssm_in.weight", NULL, s.inner, width},
                                {"ssm_in.weight", "ssm_dt.bias", s.inner + width, s.dt_rank}};
    if (add_slices(b, layer, in, ins, 3, part) < 0)
        return -1;
    xbc = add_conv(b, layer, part[1], s.taps, ACT_SILU, "ssm_conv1d.weight", "ssm_conv1d.bias");
    y = xbc < 0 ? -1 : add_scan_heads(b, layer, &s, xbc, part[2]);
    if (y < 0)
        return -1;
    y = add_gate(b, layer, ACT_SILU, part[0], y);
    norm = model_table(b->m, layer, "ssm_norm.weight", s.inner, 0, b->e);
    if (norm)
        add_norm_of(b, layer, y, s.groups, norm, b->eps);
    return b->e->code ? -1 : y;
}

/* ---- gated delta net ------------------------------------------------------------------------- */

/* Old files of Qwen3-Next keep [q | k | v | z] of each key head together. */
static int add_dealt_qkvz(struct build *b, int layer, int in, const struct ssm *s, int out[2])
{
    int keys = s->states * s->groups, each = s->inner / s->groups, all;
    const struct slice slice = {"ssm_in.weight", NULL, 0, 2 * (keys + s->inner)};
    struct op op = OP_EMPTY;

    if (add_slices(b, layer, in, &slice, 1, &all) < 0)
        return -1;
    op.kind = OP_DEAL;
    op.layer = layer;
    op.in[0] = all;
    op.n_out = 2;
    op.out[0] = out[0] = program_value(&b->m->program, 2 * keys + s->inner);
    op.out[1] = out[1] = program_value(&b->m->program, s->inner);
    op.deal = (struct deal){.groups = s->groups, .n = 4,
                            .part = {{s->states, 0, 0}, {s->states, 0, keys},
                                     {each, 0, 2 * keys}, {each, 1, 0}}};
    program_op(&b->m->program, op);
    return 0;
}

static int add_qkvz(struct build *b, int layer, int in, const struct ssm *s, int out[2])
{
    const struct slice slices[] = {
        {"attn_qkv.weight", NULL, 0, 2 * s->states * s->groups + s->inner},
        {"attn_gate.weight", NULL, 0, s->inner},
    };

    if (has_tensor(b, layer, "ssm_in.weight"))
        return add_dealt_qkvz(b, layer, in, s, out);
    return add_slices(b, layer, in, slices, 2, out);
}

/* Decay and strength of each value head: in pairs per key head, or on their own. */
static int add_delta_gates(struct build *b, int layer, int in, int heads, int out[2],
                           int *is_paired)
{
    const struct slice both = {"ssm_ba.weight", NULL, 0, 2 * heads};
    const struct slice each[] = {{"ssm_alpha.weight", NULL, 0, heads},
                                 {"ssm_beta.weight", NULL, 0, heads}};

    *is_paired = has_tensor(b, layer, "ssm_ba.weight");
    if (!*is_paired)
        return add_slices(b, layer, in, each, 2, out);
    if (add_slices(b, layer, in, &both, 1, &out[0]) < 0)
        return -1;
    out[1] = out[0];
    return 0;
}

/* In place: heads `first` .. of size dim to length `scale`.  The epsilon is the models', not the
 * file's. */
static void add_unit_length(struct build *b, int layer, int value, int first, int heads, int dim,
                            float scale)
{
    struct op op = OP_EMPTY;

    op.kind = OP_L2_NORM;
    op.first = first;
    op.heads = heads;
    op.head_dim = dim;
    op.eps = 1e-6f;
    op.scale = scale;
    emit_in_place(b, layer, op, value);
}

static int add_delta_rule(struct build *b, int layer, const struct ssm *s, int qkv,
                          const int gates[2], int is_paired, int is_tiled)
{
    struct op op = OP_EMPTY;

    op.kind = OP_DELTA;
    op.in[0] = qkv;
    op.in[1] = gates[0];
    op.in[2] = gates[1];
    op.heads = s->dt_rank;
    op.head_dim = s->states;
    op.rec = (struct recurrence){.states = s->states, .groups = s->groups, .is_tiled = is_tiled,
                                 .is_paired = is_paired};
    op.w[0] = model_table(b->m, layer, "ssm_a", s->dt_rank, 1, b->e);
    if (!op.w[0])
        return -1;
    op.w[1] = model_table(b->m, layer, "ssm_dt.bias", s->dt_rank, 1, b->e);
    return op.w[1] ? emit(b, layer, op, s->inner) : -1;
}

static int add_delta_net(struct build *b, int layer, int in, int is_tiled)
{
    const struct weight *norm;
    struct ssm s;
    int qkvz[2], gates[2], is_paired, qkv, y;

    if (read_ssm(b, &s) < 0)
        return -1;
    if (s.inner != s.states * s.dt_rank || s.dt_rank % s.groups)
        return refuse(b, "channels (ssm.inner_size)", s.inner, s.dt_rank);
    if (add_qkvz(b, layer, in, &s, qkvz) < 0 ||
        add_delta_gates(b, layer, in, s.dt_rank, gates, &is_paired) < 0)
        return -1;
    qkv = add_conv(b, layer, qkvz[0], s.taps, ACT_SILU, "ssm_conv1d.weight", "ssm_conv1d.bias");
    if (qkv < 0)
        return -1;
    add_unit_length(b, layer, qkv, 0, s.groups, s.states, 1 / sqrtf((float)s.states));
    add_unit_length(b, layer, qkv, s.groups, s.groups, s.states, 1);
    y = add_delta_rule(b, layer, &s, qkv, gates, is_paired, is_tiled);
    norm = y < 0 ? NULL
                 : model_table(b->m, layer, "ssm_norm.weight", s.states, 1, b->e);
    if (!norm)
        return -1;
    add_norm_of(b, layer, y, s.dt_rank, norm, b->eps);
    return add_gate(b, layer, ACT_SILU, qkvz[1], y);
}

/* ---- which of them --------------------------------------------------------------------------- */

int add_recurrent(struct build *b, int layer, int in)
{
    unsigned f = b->a->flags;
    int grouped = 0;

    if (f & SHORTCONV)
        return add_shortconv(b, layer, in);
    if (f & MAMBA)
        return add_mamba(b, layer, in);
    if (f & MAMBA2)
        return add_mamba2(b, layer, in);
    /* A Hugging Face checkpoint has value heads in groups whatever GGUF files have. */
    if (gguf_get_bool(b->m->file, "densimeter.delta.grouped", &grouped, b->e) < 0)
        return -1;
    return add_delta_net(b, layer, in, f & DELTA_TILED && !grouped);
}

const char *recurrent_output(const struct build *b)
{
    return b->a->flags & SHORTCONV ? "shortconv.out_proj" : "ssm_out";
}
