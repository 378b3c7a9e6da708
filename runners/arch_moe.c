/* arch_moe.c -- feed-forward blocks of experts: router, experts, and those that every token uses.
 *
 * Which layers have experts the tensors say, and so does the experts' width. */
#include <stdio.h>

#include "runners/arch_build.h"

/* Where no key says.  GLM-4.7-Flash goes by DeepSeek's name, and nothing else in its file tells. */
static int usual_gating(const struct build *b)
{
    const struct hparams *hp = &b->m->hp;
    unsigned f = b->a->moe;

    if (f & MOE_GLM_FLASH && (hp->layers == 47 || hp->layers == 48) && hp->vocab == 154880)
        return GATING_SIGMOID;
    return f & MOE_SIGMOID       ? GATING_SIGMOID
           : f & MOE_SELECTED    ? GATING_SOFTMAX_SELECTED
           : f & MOE_SPARSEMIXER ? GATING_SPARSEMIXER
                                 : GATING_SOFTMAX;
}

static int check_groups(const struct build *b, const struct route *r)
{
    if (r->groups <= 1)
        return 0;
    if (r->experts % r->groups)
        return err_set(b->e, ERR_FORMAT, "%s: %d experts are no multiple of %d groups",
                       gguf_path(b->m->file), r->experts, r->groups);
    if (r->used > r->groups_used * (r->experts / r->groups))
        return err_set(b->e, ERR_FORMAT, "%s: %d experts are used of %d groups of %d",
                       gguf_path(b->m->file), r->used, r->groups_used, r->experts / r->groups);
    return 0;
}

static int read_route(struct build *b, int layer, struct route *r)
{
    unsigned f = b->a->moe;
    int gating = usual_gating(b);
    const struct int_key counts[] = {
        {"expert_count", &r->experts, REQUIRED, 1, ROUTE_EXPERTS_MAX},
        {"expert_group_count", &r->groups, 0, 0, ROUTE_EXPERTS_MAX},
        {"expert_gating_func", &gating, gating, 0, GATING_SOFTMAX_SELECTED},
    };
    double scale;
    const struct f64_key number = {"expert_weights_scale", &scale, 0, 0, 1e6};
    char name[96];

    r->is_normalised = !(f & MOE_RAW);
    snprintf(name, sizeof name, "%s.expert_weights_norm", b->m->arch_name);
    if (model_ints(b->m, counts, f & MOE_SPARSEMIXER ? 2 : 3, b->e) < 0 ||
        model_f64s(b->m, &number, 1, b->e) < 0 ||
        gguf_get_bool(b->m->file, name, &r->is_normalised, b->e) < 0)
        return -1;
    const struct int_key open = {"expert_group_used_count", &r->groups_used, r->groups, 0,
                                 r->groups};
    r->used = b->layers[layer].experts_used;
    if (r->used < 1 || r->used > r->experts)
        return err_set(b->e, ERR_FORMAT, "%s: %s.expert_used_count is %d in layer %d, expected 1 "
                       "to %d", gguf_path(b->m->file), b->m->arch_name, r->used, layer, r->experts);
    if (model_ints(b->m, &open, 1, b->e) < 0)
        return -1;
    r->gating = gating ? (enum gating)gating : GATING_SOFTMAX;
    r->scale = scale != 0 ? (float)scale : 1;
    return check_groups(b, r);
}

static int add_route(struct build *b, int layer, int in, const struct route *r)
{
    struct op op = OP_EMPTY;

    op.kind = OP_ROUTE;
    op.in[0] = add_linear(b, layer, in, "ffn_gate_inp", 0, 0, ACT_NONE);
    op.route = *r;
    if (op.in[0] < 0)
        return -1;
    op.w[0] = maybe(b, layer, "exp_probs_b.bias");
    op.w[1] = maybe(b, layer, "ffn_down_exps.scale");
    return b->e->code ? -1 : emit(b, layer, op, 2 * r->used);
}

/* A stack of experts, or a tensor for each as old files have; the bias of all if there is one. */
static int take_experts(struct build *b, int layer, const char *name, int n, struct op *op, int i)
{
    char stacked[64], single[64], bias[64];

    snprintf(stacked, sizeof stacked, "%s_exps.weight", name);
    snprintf(single, sizeof single, "%s.%%d.weight", name);
    snprintf(bias, sizeof bias, "%s_exps.bias", name);
    op->w[i] = model_experts(b->m, layer, stacked, single, n, b->e);
    if (!op->w[i])
        return -1;
    if (op->w[i]->slabs != n)
        return err_set(b->e, ERR_FORMAT, "%s: %s has %d experts, expected %d",
                       gguf_path(b->m->file), op->w[i]->name, op->w[i]->slabs, n);
    if ((int64_t)op->w[i]->rows * n > INT32_MAX)
        return err_set(b->e, ERR_FORMAT, "%s: %s has %d experts of %d rows",
                       gguf_path(b->m->file), op->w[i]->name, n, op->w[i]->rows);
    if (has_tensor(b, layer, bias))
        op->bias[i] = model_table(b->m, layer, bias, op->w[i]->rows * n, 1, b->e);
    return b->e->code ? -1 : 0;
}

static int take_gate_and_up(struct build *b, int layer, struct op *op)
{
    int n = op->route.experts;
    const struct weight *both;

    if (has_tensor(b, layer, "ffn_gate_up_exps.weight")) {
        both = need(b, layer, "ffn_gate_up_exps.weight");
        if (!both)
            return -1;
        if (both->rows < 2 || both->rows % 2)
            return err_set(b->e, ERR_FORMAT, "%s: %s has %d rows, expected gate and up",
                           gguf_path(b->m->file), both->name, both->rows);
        op->w[0] = model_slab_rows(b->m, both, 0, both->rows / 2, b->e);
        op->w[1] = op->w[0] ? model_slab_rows(b->m, both, both->rows / 2, both->rows / 2, b->e)
                            : NULL;
        return op->w[1] ? 0 : -1;
    }
    if (!(b->a->flags & UNGATED) && take_experts(b, layer, "ffn_gate", n, op, 0) < 0)
        return -1;
    return take_experts(b, layer, "ffn_up", n, op, 1);
}

int add_experts(struct build *b, int layer, int in, int router_in)
{
    struct op up = OP_EMPTY, down = OP_EMPTY, sum = OP_EMPTY;
    int routed, used, width, is_latent = has_tensor(b, layer, "ffn_latent_down.weight");

    if (read_route(b, layer, &up.route) < 0)
        return -1;
    if (is_latent) { /* Nemotron 3: the experts work in a smaller space, the router does not */
        in = add_linear(b, layer, in, "ffn_latent_down", 0, 0, ACT_NONE);
        if (in < 0)
            return -1;
    }
    width = program_width(&b->m->program, in);
    used = up.route.used;
    routed = add_route(b, layer, router_in, &up.route);
    up.kind = OP_EXPERTS_UP;
    up.in[0] = in;
    up.in[1] = routed;
    up.act = b->act;
    up.limit = b->a->moe & MOE_CLAMPED ? 7 : 0;
    if (routed < 0 || take_gate_and_up(b, layer, &up) < 0)
        return -1;
    up.parts = (struct parts){used, up.w[1]->rows, (b->a->moe & MOE_WEIGHS_INPUT) != 0};
    down.kind = OP_EXPERTS_DOWN;
    down.in[0] = emit(b, layer, up, used * (int)KERNEL_LD(up.parts.width));
    down.in[1] = routed;
    down.route = up.route;
    if (take_experts(b, layer, "ffn_down", up.route.experts, &down, 0) < 0)
        return -1;
    if (down.w[0]->k != up.parts.width)
        return err_set(b->e, ERR_FORMAT, "%s: %s has rows of %d, expected %d",
                       gguf_path(b->m->file), down.w[0]->name, down.w[0]->k, up.parts.width);
    down.parts = (struct parts){used, width, 0};
    sum.kind = OP_COMBINE;
    sum.in[0] = emit(b, layer, down, used * (int)KERNEL_LD(width));
    sum.in[1] = routed;
    sum.parts = (struct parts){used, width, up.parts.weighs_input};
    in = emit(b, layer, sum, width);
    return is_latent ? add_linear(b, layer, in, "ffn_latent_up", 0, 0, ACT_NONE) : in;
}

/* The expert of every token; some families gate its output. */
static int add_shared(struct build *b, int layer, int in)
{
    struct op op = OP_EMPTY, gate = OP_EMPTY;
    int value;

    op.kind = OP_LINEAR;
    op.in[0] = in;
    op.act = b->act;
    op.w[0] = need(b, layer, "ffn_up_shexp.weight");
    if (!op.w[0])
        return -1;
    if (b->a->flags & UNGATED) {
        op.epilogue = EPILOGUE_ACT;
    } else {
        op.epilogue = EPILOGUE_GLU;
        op.w[1] = op.w[0];
        op.w[0] = need(b, layer, "ffn_gate_shexp.weight");
        if (!op.w[0])
            return -1;
    }
    value = emit(b, layer, op, op.w[0]->rows);
    value = add_linear(b, layer, value, "ffn_down_shexp", 0, 0, ACT_NONE);
    if (value < 0 || !has_tensor(b, layer, "ffn_gate_inp_shexp.weight"))
        return value;
    gate.kind = OP_SCALE_BY;
    gate.act = ACT_SIGMOID;
    gate.in[0] = value;
    gate.in[1] = add_linear(b, layer, in, "ffn_gate_inp_shexp", 0, 0, ACT_NONE);
    return gate.in[1] < 0 ? -1 : emit(b, layer, gate, b->m->hp.embd);
}

int add_moe(struct build *b, int layer, int in, const char *post_norm)
{
    int router_in = b->a->moe & MOE_ROUTES_BLOCK_INPUT ? b->block_input : in;
    int value = add_experts(b, layer, in, router_in);

    if (value >= 0 && has_tensor(b, layer, "ffn_up_shexp.weight")) {
        struct op op = OP_EMPTY;
        op.kind = OP_ADD;
        op.in[0] = value;
        op.in[1] = add_shared(b, layer, in);
        value = op.in[1] < 0 ? -1 : emit(b, layer, op, b->m->hp.embd);
    }
    if (value >= 0 && post_norm)
        value = add_norm(b, layer, value, post_norm);
    if (value < 0)
        return -1;
    add_residual(b, layer, value);
    return 0;
}
