/* hf_families.c -- which checkpoints are which architecture, and what their tensors and keys are
 * called.  A new family is a row here; what it shares with others is in the common rows. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "runners/hf_adjust.h"
#include "runners/hf_build.h"

#define L "layers.%."
#define H "h.%."
#define MOE "mlp.experts.#."
#define ENDS {NULL, NULL, 0}

/* ---- tensors --------------------------------------------------------------------------------- */

const struct hf_row hf_common_rows[] = {
    {"embed_tokens", "token_embd", 0}, {"wte", "token_embd", 0},
    {"word_embeddings", "token_embd", 0}, {"embed_in", "token_embd", 0},
    {"tok_embeddings", "token_embd", 0}, {"token_embeddings", "token_embd", 0},
    {"embeddings", "token_embd", 0}, {"embedding.word_embeddings", "token_embd", 0},
    {"wpe", "position_embd", 0},
    {"norm", "output_norm", 0}, {"ln_f", "output_norm", 0}, {"norm_f", "output_norm", 0},
    {"final_layernorm", "output_norm", 0}, {"final_layer_norm", "output_norm", 0},
    {"lm_head", "output", 0}, {"embed_out", "output", 0}, {"output", "output", 0},
    {"output_layer", "output", 0},
    {L "input_layernorm", "attn_norm", 0}, {L "post_attention_layernorm", "ffn_norm", 0},
    {L "self_attn.q_proj", "attn_q", 0}, {L "self_attn.k_proj", "attn_k", 0},
    {L "self_attn.v_proj", "attn_v", 0}, {L "self_attn.o_proj", "attn_output", 0},
    {L "self_attn.dense", "attn_output", 0}, {L "self_attn.out_proj", "attn_output", 0},
    {L "self_attn.qkv_proj", "attn_qkv", 0}, {L "self_attn.W_pack", "attn_qkv", 0},
    {L "self_attn.q_norm", "attn_q_norm", 0}, {L "self_attn.k_norm", "attn_k_norm", 0},
    {L "self_attn.q_layernorm", "attn_q_norm", 0}, {L "self_attn.k_layernorm", "attn_k_norm", 0},
    {L "mlp.gate_proj", "ffn_gate", 0}, {L "mlp.up_proj", "ffn_up", 0},
    {L "mlp.down_proj", "ffn_down", 0}, {L "mlp.gate_up_proj", "ffn_up", 0},
    {L "mlp.fc1", "ffn_up", 0}, {L "mlp.fc2", "ffn_down", 0},
    {L "mlp.c_fc", "ffn_up", 0}, {L "mlp.c_proj", "ffn_down", 0},
    {L "mlp.dense_h_to_4h", "ffn_up", 0}, {L "mlp.dense_4h_to_h", "ffn_down", 0},
    {L "mlp.gate", "ffn_gate_inp", 0}, {L "mlp.router", "ffn_gate_inp", 0},
    {L "mlp.gate.e_score_correction_bias", "exp_probs_b.bias", 0},
    {L MOE "gate_proj", "ffn_gate.#", 0}, {L MOE "up_proj", "ffn_up.#", 0},
    {L MOE "down_proj", "ffn_down.#", 0},
    {L "mlp.experts.gate_up_proj", "ffn_gate_up_exps.weight", 0},
    {L "mlp.experts.down_proj", "ffn_down_exps.weight", 0},
    {L "mlp.shared_expert.gate_proj", "ffn_gate_shexp", 0},
    {L "mlp.shared_expert.up_proj", "ffn_up_shexp", 0},
    {L "mlp.shared_expert.down_proj", "ffn_down_shexp", 0},
    {L "mlp.shared_experts.gate_proj", "ffn_gate_shexp", 0},
    {L "mlp.shared_experts.up_proj", "ffn_up_shexp", 0},
    {L "mlp.shared_experts.down_proj", "ffn_down_shexp", 0},
    {L "mlp.shared_expert_gate", "ffn_gate_inp_shexp", 0},
    {L "block_sparse_moe.gate", "ffn_gate_inp", 0},
    {L "block_sparse_moe.e_score_correction_bias", "exp_probs_b.bias", 0},
    {L "block_sparse_moe.experts.#.w1", "ffn_gate.#", 0},
    {L "block_sparse_moe.experts.#.w2", "ffn_down.#", 0},
    {L "block_sparse_moe.experts.#.w3", "ffn_up.#", 0},
    {L "self_attn.rotary_emb.inv_freq", NULL, 0}, {"rotary_emb.inv_freq", NULL, 0},
    {"rotary_pos_emb.inv_freq", NULL, 0}, {L "attention.rotary_emb.inv_freq", NULL, 0},
    ENDS,
};

/* Norms before and after both branches. */
static const struct hf_row sandwich_rows[] = {
    {L "post_attention_layernorm", "post_attention_norm", 0},
    {L "pre_feedforward_layernorm", "ffn_norm", 0},
    {L "post_feedforward_layernorm", "post_ffw_norm", 0}, ENDS,
};

/* The norm before the feed-forward is called post_attention_norm in files, too. */
static const struct hf_row post_rows[] = {
    {L "post_attention_layernorm", "post_attention_norm", 0}, ENDS,
};

static const struct hf_row glm4_rows[] = {
    {L "post_self_attn_layernorm", "post_attention_norm", 0},
    {L "post_mlp_layernorm", "post_ffw_norm", 0}, ENDS,
};

static const struct hf_row chatglm_rows[] = {
    {L "self_attention.query_key_value", "attn_qkv", 0},
    {L "self_attention.dense", "attn_output", 0}, ENDS,
};

static const struct hf_row gpt2_rows[] = {
    {H "ln_1", "attn_norm", 0}, {H "ln_2", "ffn_norm", 0},
    {H "attn.c_attn", "attn_qkv", HF_TRANSPOSED}, {H "attn.c_proj", "attn_output", HF_TRANSPOSED},
    {H "mlp.c_fc", "ffn_up", HF_TRANSPOSED}, {H "mlp.c_proj", "ffn_down", HF_TRANSPOSED},
    {H "attn.bias", NULL, 0}, {H "attn.masked_bias", NULL, 0}, ENDS,
};

static const struct hf_row bigcode_rows[] = {
    {H "ln_1", "attn_norm", 0}, {H "ln_2", "ffn_norm", 0},
    {H "attn.c_attn", "attn_qkv", HF_GROUPED}, {H "attn.c_proj", "attn_output", 0},
    {H "mlp.c_fc", "ffn_up", 0}, {H "mlp.c_proj", "ffn_down", 0}, {H "attn.bias", NULL, 0}, ENDS,
};

static const struct hf_row neox_rows[] = {
    {L "attention.query_key_value", "attn_qkv", HF_GROUPED},
    {L "attention.dense", "attn_output", 0}, {L "attention.bias", NULL, 0},
    {L "attention.masked_bias", NULL, 0}, ENDS,
};

static const struct hf_row bloom_rows[] = {
    {"word_embeddings_layernorm", "token_embd_norm", 0},
    {H "input_layernorm", "attn_norm", 0}, {H "post_attention_layernorm", "ffn_norm", 0},
    {H "ln_attn", "attn_norm_2", 0}, {H "ln_mlp", "attn_norm", 0},
    {H "self_attention.query_key_value", "attn_qkv", HF_GROUPED},
    {H "self_attention.dense", "attn_output", 0}, {H "mlp.dense_h_to_4h", "ffn_up", 0},
    {H "mlp.dense_4h_to_h", "ffn_down", 0}, ENDS,
};

static const struct hf_row mpt_rows[] = {
    {"blocks.%.norm_1", "attn_norm", 0}, {"blocks.%.norm_2", "ffn_norm", 0},
    {"blocks.%.attn.Wqkv", "attn_qkv", 0}, {"blocks.%.attn.out_proj", "attn_output", 0},
    {"blocks.%.attn.q_ln", "attn_q_norm", 0}, {"blocks.%.attn.k_ln", "attn_k_norm", 0},
    {"blocks.%.ffn.up_proj", "ffn_up", 0}, {"blocks.%.ffn.down_proj", "ffn_down", 0}, ENDS,
};

static const struct hf_row stablelm_rows[] = {
    {L "self_attn.q_layernorm.norms.#", "attn_q_norm", HF_STACK},
    {L "self_attn.k_layernorm.norms.#", "attn_k_norm", HF_STACK}, ENDS,
};

static const struct hf_row internlm2_rows[] = {
    {L "attention_norm", "attn_norm", 0}, {L "ffn_norm", "ffn_norm", 0},
    {L "attention.wqkv", "attn_qkv", HF_GROUPED}, {L "attention.wo", "attn_output", 0},
    {L "feed_forward.w1", "ffn_gate", 0}, {L "feed_forward.w2", "ffn_down", 0},
    {L "feed_forward.w3", "ffn_up", 0}, ENDS,
};

static const struct hf_row lfm2_rows[] = {
    {"embedding_norm", "token_embd_norm", 0},
    {L "operator_norm", "attn_norm", 0}, {L "ffn_norm", "ffn_norm", 0},
    {L "conv.conv", "shortconv.conv", 0}, {L "conv.in_proj", "shortconv.in_proj", 0},
    {L "conv.out_proj", "shortconv.out_proj", 0},
    {L "feed_forward.w1", "ffn_gate", 0}, {L "feed_forward.w2", "ffn_down", 0},
    {L "feed_forward.w3", "ffn_up", 0}, {L "feed_forward.gate", "ffn_gate_inp", 0},
    {L "feed_forward.expert_bias", "exp_probs_b.bias", 0},
    {L "feed_forward.experts.#.w1", "ffn_gate.#", 0},
    {L "feed_forward.experts.#.w2", "ffn_down.#", 0},
    {L "feed_forward.experts.#.w3", "ffn_up.#", 0}, ENDS,
};

static const struct hf_row openelm_rows[] = {
    {L "attn_norm", "attn_norm", 0}, {L "ffn_norm", "ffn_norm", 0},
    {L "attn.qkv_proj", "attn_qkv", 0}, {L "attn.q_norm", "attn_q_norm", 0},
    {L "attn.k_norm", "attn_k_norm", 0}, {L "attn.out_proj", "attn_output", 0},
    {L "ffn.proj_1", "ffn_gate|ffn_up", HF_HALVES}, {L "ffn.proj_2", "ffn_down", 0}, ENDS,
};

static const struct hf_row exaone_rows[] = {
    {H "ln_1", "attn_norm", 0}, {H "ln_2", "ffn_norm", 0},
    {H "attn.attention.q_proj", "attn_q", 0}, {H "attn.attention.k_proj", "attn_k", 0},
    {H "attn.attention.v_proj", "attn_v", 0}, {H "attn.attention.out_proj", "attn_output", 0},
    {H "mlp.c_fc_0", "ffn_gate", 0}, {H "mlp.c_fc_1", "ffn_up", 0}, {H "mlp.c_proj", "ffn_down", 0},
    {H "attn.attention.rotary.inv_freq", NULL, 0}, {H "attn.rotary.inv_freq", NULL, 0},
    {"rotary.inv_freq", NULL, 0}, ENDS,
};

static const struct hf_row qwen_rows[] = {
    {H "ln_1", "attn_norm", 0}, {H "ln_2", "ffn_norm", 0}, {H "attn.c_attn", "attn_qkv", 0},
    {H "attn.c_proj", "attn_output", 0}, {H "mlp.w1", "ffn_up", 0}, {H "mlp.w2", "ffn_gate", 0},
    {H "mlp.c_proj", "ffn_down", 0}, ENDS,
};

static const struct hf_row apertus_rows[] = {
    {L "attention_layernorm", "attn_norm", 0}, {L "feedforward_layernorm", "ffn_norm", 0},
    {L "mlp.act_fn.alpha_p", NULL, 0}, {L "mlp.act_fn.alpha_n", NULL, 0}, /* keys */
    {L "mlp.act_fn.beta", NULL, 0}, {L "mlp.act_fn.eps", NULL, 0}, ENDS,
};

static const struct hf_row hunyuan_rows[] = {
    {L "self_attn.query_layernorm", "attn_q_norm", 0},
    {L "self_attn.key_layernorm", "attn_k_norm", 0}, {L "mlp.gate.wg", "ffn_gate_inp", 0},
    {L "mlp.shared_mlp.gate_proj", "ffn_gate_shexp", 0},
    {L "mlp.shared_mlp.up_proj", "ffn_up_shexp", 0},
    {L "mlp.shared_mlp.down_proj", "ffn_down_shexp", 0}, ENDS,
};

static const struct hf_row smallthinker_rows[] = {
    {L "block_sparse_moe.primary_router", "ffn_gate_inp", 0},
    {L "block_sparse_moe.experts.#.gate", "ffn_gate.#", 0},
    {L "block_sparse_moe.experts.#.up", "ffn_up.#", 0},
    {L "block_sparse_moe.experts.#.down", "ffn_down.#", 0}, ENDS,
};

static const struct hf_row ernie_rows[] = {
    {L "mlp.moe_statics.e_score_correction_bias", "exp_probs_b.bias", 0}, ENDS,
};

static const struct hf_row bitnet_rows[] = {
    {L "self_attn.attn_sub_norm", "attn_sub_norm", 0},
    {L "self_attn.inner_attn_ln", "attn_sub_norm", 0},
    {L "mlp.ffn_sub_norm", "ffn_sub_norm", 0}, {L "mlp.ffn_layernorm", "ffn_sub_norm", 0}, ENDS,
};

static const struct hf_row mla_rows[] = {
    {L "self_attn.q_a_proj", "attn_q_a", 0}, {L "self_attn.q_a_layernorm", "attn_q_a_norm", 0},
    {L "self_attn.q_b_proj", "attn_q_b", 0}, {L "self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa", 0},
    {L "self_attn.kv_a_layernorm", "attn_kv_a_norm", 0}, {L "self_attn.kv_b_proj", "attn_kv_b", 0},
    ENDS,
};

#define SSM(from, to, how) {L "mixer." from, to, how}, {L "mamba." from, to, how}
#define SSM_ROWS                                                                                   \
    SSM("in_proj", "ssm_in", 0), SSM("conv1d", "ssm_conv1d", 0), SSM("x_proj", "ssm_x", 0),        \
    SSM("dt_proj", "ssm_dt", 0), SSM("A_log", "ssm_a", HF_NEG_EXP), SSM("D", "ssm_d", 0),          \
    SSM("dt_bias", "ssm_dt.bias", 0), SSM("norm", "ssm_norm", 0), SSM("out_proj", "ssm_out", 0),   \
    SSM("dt_layernorm", "ssm_dt_norm", 0), SSM("b_layernorm", "ssm_b_norm", 0),                    \
    SSM("c_layernorm", "ssm_c_norm", 0)

static const struct hf_row mamba_rows[] = {
    SSM_ROWS, {L "norm", "attn_norm", 0}, ENDS,
};

static const struct hf_row jamba_rows[] = {
    SSM_ROWS, {L "pre_ff_layernorm", "ffn_norm", 0}, {L "feed_forward.router", "ffn_gate_inp", 0},
    {L "feed_forward.gate_proj", "ffn_gate", 0}, {L "feed_forward.up_proj", "ffn_up", 0},
    {L "feed_forward.down_proj", "ffn_down", 0},
    {L "feed_forward.experts.#.gate_proj", "ffn_gate.#", 0},
    {L "feed_forward.experts.#.up_proj", "ffn_up.#", 0},
    {L "feed_forward.experts.#.down_proj", "ffn_down.#", 0}, ENDS,
};

static const struct hf_row falcon_h1_rows[] = {
    {L "mamba.in_proj", "ssm_in", HF_SCALED}, {L "mamba.out_proj", "ssm_out", HF_SCALED},
    {L "self_attn.q_proj", "attn_q", HF_SCALED}, {L "self_attn.k_proj", "attn_k", HF_SCALED},
    {L "self_attn.v_proj", "attn_v", HF_SCALED}, {L "self_attn.o_proj", "attn_output", HF_SCALED},
    {L "feed_forward.gate_proj", "ffn_gate", HF_SCALED}, {L "feed_forward.up_proj", "ffn_up", 0},
    {L "feed_forward.down_proj", "ffn_down", HF_SCALED},
    {L "pre_ff_layernorm", "ffn_norm", 0}, SSM_ROWS, ENDS,
};

static const struct hf_row granitemoe_rows[] = {
    SSM_ROWS, {L "block_sparse_moe.router.layer", "ffn_gate_inp", 0},
    {L "block_sparse_moe.input_linear", "ffn_gate_up_exps", 0},
    {L "block_sparse_moe.output_linear", "ffn_down_exps", 0},
    {L "shared_mlp.input_linear", "ffn_gate_shexp|ffn_up_shexp", HF_HALVES},
    {L "shared_mlp.output_linear", "ffn_down_shexp", 0}, ENDS,
};

/* Without experts the shared block is the only one. */
static const struct hf_row granite_dense_rows[] = {
    SSM_ROWS, {L "shared_mlp.input_linear", "ffn_gate|ffn_up", HF_HALVES},
    {L "shared_mlp.output_linear", "ffn_down", 0}, ENDS,
};

static const struct hf_row qwen3next_rows[] = {
    {L "post_attention_layernorm", "post_attention_norm", 0},
    {L "linear_attn.in_proj_qkvz", "attn_qkv|attn_gate", HF_QKVZ},
    {L "linear_attn.in_proj_ba", "ssm_ba", 0}, {L "linear_attn.conv1d", "ssm_conv1d", 0},
    {L "linear_attn.dt_bias", "ssm_dt.bias", 0}, {L "linear_attn.A_log", "ssm_a", HF_NEG_EXP},
    {L "linear_attn.norm", "ssm_norm", HF_EXACT}, {L "linear_attn.out_proj", "ssm_out", 0}, ENDS,
};

static const struct hf_row qwen35_rows[] = {
    {L "post_attention_layernorm", "post_attention_norm", 0},
    {L "linear_attn.in_proj_qkv", "attn_qkv", 0}, {L "linear_attn.in_proj_z", "attn_gate", 0},
    {L "linear_attn.in_proj_b", "ssm_beta", 0}, {L "linear_attn.in_proj_a", "ssm_alpha", 0},
    {L "linear_attn.conv1d", "ssm_conv1d", 0}, {L "linear_attn.dt_bias", "ssm_dt.bias", 0},
    {L "linear_attn.A_log", "ssm_a", HF_NEG_EXP}, {L "linear_attn.norm", "ssm_norm", HF_EXACT},
    {L "linear_attn.out_proj", "ssm_out", 0}, ENDS,
};

static const struct hf_row nemotron_h_rows[] = {
    SSM_ROWS, {L "norm", "attn_norm", 0},
    {L "mixer.q_proj", "attn_q", 0}, {L "mixer.k_proj", "attn_k", 0},
    {L "mixer.v_proj", "attn_v", 0}, {L "mixer.o_proj", "attn_output", 0},
    {L "mixer.up_proj", "ffn_up", 0}, {L "mixer.down_proj", "ffn_down", 0},
    {L "mixer.gate", "ffn_gate_inp", 0},
    {L "mixer.gate.e_score_correction_bias", "exp_probs_b.bias", 0},
    {L "mixer.experts.#.up_proj", "ffn_up.#", 0},
    {L "mixer.experts.#.down_proj", "ffn_down.#", 0},
    {L "mixer.experts.up_proj", "ffn_up_exps.weight", 0},
    {L "mixer.experts.down_proj", "ffn_down_exps.weight", 0},
    {L "mixer.shared_experts.up_proj", "ffn_up_shexp", 0},
    {L "mixer.shared_experts.down_proj", "ffn_down_shexp", 0}, ENDS,
};

static const struct hf_row gemma4_rows[] = {
    {"embed_tokens_per_layer", "per_layer_token_embd", 0},
    {"per_layer_model_projection", "per_layer_model_proj", 0},
    {"per_layer_projection_norm", "per_layer_proj_norm", 0},
    {L "post_attention_layernorm", "post_attention_norm", 0},
    {L "pre_feedforward_layernorm", "ffn_norm", 0},
    {L "post_feedforward_layernorm", "post_ffw_norm", 0},
    {L "pre_feedforward_layernorm_2", "pre_ffw_norm_2", 0},
    {L "post_feedforward_layernorm_1", "post_ffw_norm_1", 0},
    {L "post_feedforward_layernorm_2", "post_ffw_norm_2", 0},
    {L "layer_scalar", "layer_output_scale.weight", 0}, {L "per_layer_input_gate", "inp_gate", 0},
    {L "per_layer_projection", "proj", 0}, {L "post_per_layer_input_norm", "post_norm", 0},
    {L "router.proj", "ffn_gate_inp", 0}, {L "router.scale", "ffn_gate_inp.scale", 0},
    {L "router.per_expert_scale", "ffn_down_exps.scale", 0},
    {L "experts.gate_up_proj", "ffn_gate_up_exps.weight", 0},
    {L "experts.down_proj", "ffn_down_exps.weight", 0}, ENDS,
};

static const struct hf_row gemma3n_rows[] = {
    {"embed_tokens_per_layer", "per_layer_token_embd", 0},
    {"per_layer_model_projection", "per_layer_model_proj", 0},
    {"per_layer_model.language_model_projection", "per_layer_model_proj", 0}, /* saved again */
    {"per_layer_projection_norm", "per_layer_proj_norm", 0},
    {"altup_projections.#", "altup_proj", HF_STACK},
    {"altup_unembed_projections.#", "altup_unembd_proj", HF_STACK},
    {L "post_attention_layernorm", "post_attention_norm", 0},
    {L "pre_feedforward_layernorm", "ffn_norm", 0},
    {L "post_feedforward_layernorm", "post_ffw_norm", 0},
    {L "per_layer_input_gate", "inp_gate", 0}, {L "per_layer_projection", "proj", 0},
    {L "post_per_layer_input_norm", "post_norm", 0},
    {L "altup.prediction_coefs", "altup_predict_coef", 0},
    {L "altup.correction_coefs", "altup_correct_coef", 0},
    {L "altup.correct_output_scale", "altup_correct_scale.weight", 0},
    {L "altup.modality_router", "altup_router", 0}, {L "altup.router_norm", "altup_router_norm", 0},
    {L "laurel.linear_left", "laurel_l", 0}, {L "laurel.linear_right", "laurel_r", 0},
    {L "laurel.post_laurel_norm", "laurel_post_norm", 0}, ENDS,
};

static const struct hf_row exaone_moe_rows[] = {
    {L "mlp.e_score_correction_bias", "exp_probs_b.bias", 0}, ENDS,
};

static const struct hf_row gpt_oss_rows[] = {
    {L "post_attention_layernorm", "post_attention_norm", 0},
    {L "self_attn.sinks", "attn_sinks.weight", 0},
    {L "mlp.experts.gate_up_proj", "ffn_gate_exps.weight|ffn_up_exps.weight", HF_TURNED_PAIRS},
    {L "mlp.experts.gate_up_proj_blocks", "ffn_gate_exps.weight|ffn_up_exps.weight", HF_PAIRS},
    {L "mlp.experts.gate_up_proj_bias", "ffn_gate_exps.bias|ffn_up_exps.bias", HF_COLUMN_PAIRS},
    {L "mlp.experts.down_proj", "ffn_down_exps.weight", HF_TRANSPOSED},
    {L "mlp.experts.down_proj_blocks", "ffn_down_exps.weight", 0},
    {L "mlp.experts.down_proj_bias", "ffn_down_exps.bias", 0}, ENDS,
};

static const struct hf_row llama4_rows[] = {
    {L "feed_forward.gate_proj", "ffn_gate", 0}, {L "feed_forward.up_proj", "ffn_up", 0},
    {L "feed_forward.down_proj", "ffn_down", 0}, {L "feed_forward.router", "ffn_gate_inp", 0},
    {L "feed_forward.experts.gate_up_proj", "ffn_gate_exps.weight|ffn_up_exps.weight",
     HF_TURNED_HALVES},
    {L "feed_forward.experts.down_proj", "ffn_down_exps.weight", HF_TRANSPOSED},
    {L "feed_forward.shared_expert.gate_proj", "ffn_gate_shexp", 0},
    {L "feed_forward.shared_expert.up_proj", "ffn_up_shexp", 0},
    {L "feed_forward.shared_expert.down_proj", "ffn_down_shexp", 0}, ENDS,
};

/* ---- keys ------------------------------------------------------------------------------------ */

#define K_ENDS {NULL, NULL, 0, 0}

static const struct hf_key granite_keys[] = {
    {"embedding_multiplier", "embedding_scale", HF_F32, NAN},
    {"residual_multiplier", "residual_scale", HF_F32, NAN},
    {"attention_multiplier", "attention.scale", HF_F32, NAN},
    {"logits_scaling", "logit_scale", HF_F32, NAN},
    {"shared_intermediate_size", "expert_shared_feed_forward_length", HF_COUNT, NAN},
    {"mamba_d_conv", "ssm.conv_kernel", HF_INT, NAN},
    {"mamba_d_state", "ssm.state_size", HF_INT, NAN},
    {"mamba_n_groups", "ssm.group_count", HF_INT, NAN}, K_ENDS,
};

static const struct hf_key cohere_keys[] = {
    {"logit_scale", "logit_scale", HF_F32, 0.0625}, K_ENDS,
};

static const struct hf_key gemma2_keys[] = {
    {"attn_logit_softcapping", "attn_logit_softcapping", HF_F32, NAN},
    {"final_logit_softcapping", "final_logit_softcapping", HF_F32, NAN}, K_ENDS,
};

static const struct hf_key gemma4_keys[] = {
    {"final_logit_softcapping", "final_logit_softcapping", HF_F32, NAN},
    {"top_k_experts", "expert_used_count", HF_COUNT, NAN}, K_ENDS,
};

static const struct hf_key gemma3n_keys[] = {
    {"final_logit_softcapping", "final_logit_softcapping", HF_F32, NAN},
    {"hidden_size_per_layer_input", "embedding_length_per_layer_input", HF_INT, 256},
    {"altup_num_inputs", "altup.num_inputs", HF_INT, 4},
    {"altup_active_idx", "altup.active_idx", HF_INT, 0},
    {"altup_correct_scale", "altup.correct_scale", HF_BOOL, 1}, K_ENDS,
};

static const struct hf_key clip_keys[] = {
    {"clip_qkv", "attention.clamp_kqv", HF_F32, NAN}, K_ENDS,
};

static const struct hf_key parallel_keys[] = {
    {"use_parallel_residual", "use_parallel_residual", HF_BOOL, 1}, K_ENDS,
};

static const struct hf_key sequential_keys[] = {
    {"use_parallel_residual", "use_parallel_residual", HF_BOOL, 0}, K_ENDS,
};

static const struct hf_key shared_keys[] = {
    {"shared_expert_intermediate_size", "expert_shared_feed_forward_length", HF_COUNT, NAN},
    K_ENDS,
};

static const struct hf_key lfm2_keys[] = {
    {"conv_L_cache", "shortconv.l_cache", HF_INT, 3},
    {"num_dense_layers", "leading_dense_block_count", HF_INT, NAN}, K_ENDS,
};

/* Experts after some dense layers, chosen by a sigmoid, as DeepSeek-V3's. */
static const struct hf_key routed_keys[] = {
    {"first_k_dense_replace", "leading_dense_block_count", HF_INT, NAN},
    {"n_shared_experts|num_shared_experts", "expert_shared_count", HF_INT, NAN},
    {"routed_scaling_factor", "expert_weights_scale", HF_F32, NAN}, K_ENDS,
};

static const struct hf_key mamba_keys[] = {
    {"conv_kernel", "ssm.conv_kernel", HF_INT, 4}, {"state_size", "ssm.state_size", HF_INT, 16},
    {"n_groups", "ssm.group_count", HF_INT, NAN}, K_ENDS,
};

static const struct hf_key ssm_keys[] = { /* of hybrids */
    {"mamba_d_conv", "ssm.conv_kernel", HF_INT, 4}, {"mamba_d_state", "ssm.state_size", HF_INT, 16},
    {"mamba_n_groups", "ssm.group_count", HF_INT, NAN}, K_ENDS,
};

static const struct hf_key ernie_keys[] = {
    {"moe_layer_start_index", "leading_dense_block_count", HF_INT, NAN},
    {"moe_layer_interval", "interleave_moe_layer_step", HF_INT, NAN},
    {"moe_num_shared_experts", "expert_shared_count", HF_INT, NAN}, K_ENDS,
};

static const struct hf_key minicpm_keys[] = {
    {"scale_emb", "embedding_scale", HF_F32, 1}, K_ENDS,
};

static const struct hf_key llama4_keys[] = {
    {"intermediate_size_mlp", "feed_forward_length", HF_INT, NAN},
    {"intermediate_size", "expert_feed_forward_length", HF_INT, NAN},
    {"interleave_moe_layer_step", "interleave_moe_layer_step", HF_INT, 1},
    {"attention_chunk_size", "attention.sliding_window", HF_INT, NAN}, K_ENDS,
};

/* ---- families -------------------------------------------------------------------------------- */

#define HALVES HF_ROPE_HALVES
#define LN HF_LAYER_NORM
#define ONE HF_NORMS_PLUS_ONE
#define WINDOWS HF_WINDOWS
#define ASKED HF_WINDOWS_ASKED

static const struct hf_family families[] = {
    {"LlamaForCausalLM|LLaMAForCausalLM|YiForCausalLM|llama", "llama", HALVES, NULL, NULL, NULL,
     NULL},
    {"MistralForCausalLM|MixtralForCausalLM|MinistralForCausalLM|mistral|mixtral|ministral", "llama",
     HALVES | WINDOWS, NULL, NULL, NULL, NULL},
    {"ApertusForCausalLM|apertus", "apertus", 0, apertus_rows, NULL, adjust_apertus, NULL},
    {"ArceeForCausalLM|arcee", "arcee", HALVES, NULL, NULL, NULL, NULL},
    {"BitnetForCausalLM", "bitnet", HF_ROUNDS, bitnet_rows, NULL, NULL, NULL},
    {"BitNetForCausalLM|bitnet", "bitnet-b1.58", 0, bitnet_rows, NULL, NULL, NULL},
    {"BloomForCausalLM|bloom", "bloom", LN, bloom_rows, NULL, NULL, NULL},
    {"ChatGLMModel|ChatGLMForConditionalGeneration|chatglm", "chatglm", 0, chatglm_rows, NULL,
     adjust_chatglm, NULL},
    {"GlmForCausalLM|glm", "chatglm", 0, NULL, NULL, adjust_half, NULL},
    {"Glm4ForCausalLM|glm4", "glm4", 0, glm4_rows, NULL, adjust_half, NULL},
    {"Glm4MoeForCausalLM|glm4_moe", "glm4moe", 0, post_rows, routed_keys, adjust_glm4moe, NULL},
    {"CohereForCausalLM|cohere", "command-r", LN, NULL, cohere_keys, NULL, NULL},
    {"Cohere2ForCausalLM|cohere2", "cohere2", LN | WINDOWS, NULL, cohere_keys, NULL, NULL},
    {"DeepseekForCausalLM|deepseek", "deepseek", HALVES, NULL, routed_keys, NULL, NULL},
    {"DeepseekV2ForCausalLM|deepseek_v2", "deepseek2", 0, mla_rows, routed_keys, adjust_mla, NULL},
    {"DeepseekV3ForCausalLM|KimiK2ForCausalLM|Glm4MoeLiteForCausalLM|deepseek_v3|kimi_k2|"
     "glm4_moe_lite", "deepseek2", 0, mla_rows, routed_keys, adjust_deepseek3, NULL},
    {"Dots1ForCausalLM|dots1", "dots1", 0, NULL, routed_keys, adjust_sigmoid, NULL},
    {"Ernie4_5ForCausalLM|Ernie4_5_ForCausalLM|ernie4_5", "ernie4_5", 0, NULL, NULL, NULL, NULL},
    {"Ernie4_5_MoeForCausalLM|ernie4_5_moe", "ernie4_5-moe", 0, ernie_rows, ernie_keys,
     adjust_ernie_moe, NULL},
    {"ExaoneForCausalLM|exaone", "exaone", 0, exaone_rows, NULL, NULL, NULL},
    {"Exaone4ForCausalLM|exaone4", "exaone4", WINDOWS, sandwich_rows, NULL, NULL, NULL},
    {"ExaoneMoeForCausalLM|ExaoneMoEForCausalLM|exaone_moe", "exaone-moe", WINDOWS,
     exaone_moe_rows, routed_keys, adjust_exaone_moe, NULL},
    {"FalconForCausalLM|RWForCausalLM|falcon", "falcon", LN, bloom_rows, NULL, adjust_falcon,
     NULL},
    {"FalconH1ForCausalLM|falcon_h1", "falcon-h1", 0, falcon_h1_rows, ssm_keys, adjust_falcon_h1,
     scale_falcon_h1},
    {"GemmaForCausalLM|gemma", "gemma", ONE, NULL, NULL, NULL, NULL},
    {"Gemma2ForCausalLM|gemma2", "gemma2", ONE | WINDOWS, sandwich_rows, gemma2_keys,
     adjust_gemma, NULL},
    {"Gemma3ForCausalLM|Gemma3ForConditionalGeneration|gemma3_text|gemma3", "gemma3",
     ONE | WINDOWS, sandwich_rows, gemma2_keys, adjust_gemma, NULL},
    {"Gemma3nForCausalLM|Gemma3nForConditionalGeneration|gemma3n_text|gemma3n", "gemma3n",
     WINDOWS, gemma3n_rows, gemma3n_keys, adjust_gemma3n, NULL},
    {"Gemma4ForCausalLM|Gemma4ForConditionalGeneration|Gemma4UnifiedForConditionalGeneration|"
     "gemma4_text|gemma4", "gemma4", WINDOWS, gemma4_rows, gemma4_keys, adjust_gemma4, NULL},
    {"GPT2LMHeadModel|gpt2", "gpt2", LN, gpt2_rows, NULL, NULL, NULL},
    {"GPTBigCodeForCausalLM|gpt_bigcode", "starcoder", LN, bigcode_rows, NULL, adjust_bigcode,
     NULL},
    {"GPTNeoXForCausalLM|gpt_neox", "gptneox", LN, neox_rows, parallel_keys, adjust_gptneox, NULL},
    {"GptOssForCausalLM|gpt_oss", "gpt-oss", WINDOWS, gpt_oss_rows, NULL, adjust_gpt_oss, NULL},
    {"GraniteForCausalLM|granite", "granite", HALVES, NULL, granite_keys, NULL, NULL},
    {"GraniteMoeForCausalLM|GraniteMoeSharedForCausalLM|granitemoe|granitemoeshared",
     "granitemoe", HALVES, granitemoe_rows, granite_keys, NULL, NULL},
    {"GraniteMoeHybridForCausalLM|granitemoehybrid", "granitehybrid", HALVES, granitemoe_rows,
     granite_keys, adjust_granite_hybrid, NULL},
    {"HunYuanDenseV1ForCausalLM|hunyuan_v1_dense", "hunyuan-dense", 0, hunyuan_rows, NULL, NULL,
     NULL},
    {"HunYuanMoEV1ForCausalLM|hunyuan_v1_moe", "hunyuan-moe", 0, hunyuan_rows, NULL,
     adjust_hunyuan_moe, NULL},
    {"InternLM2ForCausalLM|internlm2", "internlm2", HALVES, internlm2_rows, NULL, NULL, NULL},
    {"JambaForCausalLM|jamba", "jamba", 0, jamba_rows, ssm_keys, adjust_jamba, NULL},
    {"Lfm2ForCausalLM|lfm2", "lfm2", 0, lfm2_rows, lfm2_keys, adjust_lfm2, NULL},
    {"Lfm2MoeForCausalLM|lfm2_moe", "lfm2moe", 0, lfm2_rows, lfm2_keys, adjust_lfm2_moe, NULL},
    {"Llama4ForCausalLM|Llama4ForConditionalGeneration|llama4_text|llama4", "llama4", 0,
     llama4_rows, llama4_keys, NULL, NULL},
    {"MambaForCausalLM|MambaLMHeadModel|mamba", "mamba", 0, mamba_rows, mamba_keys, adjust_mamba,
     NULL},
    {"FalconMambaForCausalLM|falcon_mamba", "mamba", 0, mamba_rows, mamba_keys,
     adjust_falcon_mamba, NULL},
    {"Mamba2ForCausalLM|mamba2", "mamba2", 0, mamba_rows, mamba_keys, adjust_mamba2, NULL},
    {"MiniCPMForCausalLM|minicpm", "minicpm", HALVES, NULL, minicpm_keys, adjust_minicpm, NULL},
    {"MiniCPM3ForCausalLM|minicpm3", "minicpm3", 0, mla_rows, minicpm_keys, adjust_minicpm3, NULL},
    {"MiniMaxM2ForCausalLM|minimax_m2", "minimax-m2", 0, NULL, NULL, adjust_minimax, NULL},
    {"Mistral3ForConditionalGeneration|Ministral3ForCausalLM|ministral3|mistral3", "mistral3",
     HALVES, NULL, NULL, adjust_mistral3, NULL},
    {"Mistral4ForCausalLM|mistral4", "mistral4", 0, mla_rows, routed_keys, adjust_mistral4, NULL},
    {"MPTForCausalLM|MptForCausalLM|mpt", "mpt", LN, mpt_rows, NULL, adjust_mpt, NULL},
    {"NemotronForCausalLM|nemotron", "nemotron", LN | ONE, NULL, NULL, adjust_half, NULL},
    {"NemotronHForCausalLM|nemotron_h", "nemotron_h", 0, nemotron_h_rows, routed_keys,
     adjust_nemotron_h, NULL},
    {"OlmoForCausalLM|olmo", "olmo", LN | HALVES, NULL, clip_keys, NULL, NULL},
    {"Olmo2ForCausalLM|olmo2", "olmo2", 0, sandwich_rows, NULL, NULL, NULL},
    {"Olmo3ForCausalLM|olmo3", "olmo2", WINDOWS, sandwich_rows, NULL, NULL, NULL},
    {"OlmoeForCausalLM|olmoe", "olmoe", 0, NULL, clip_keys, NULL, NULL},
    {"OpenELMForCausalLM|openelm", "openelm", 0, openelm_rows, NULL, adjust_openelm, NULL},
    {"OrionForCausalLM|orion", "orion", LN, NULL, NULL, NULL, NULL},
    {"PhiForCausalLM|phi", "phi2", LN, NULL, NULL, adjust_half, NULL},
    {"Phi3ForCausalLM|phi3", "phi3", 0, NULL, NULL, adjust_phi3, NULL},
    {"PhiMoEForCausalLM|PhimoeForCausalLM|phimoe", "phimoe", 0, NULL, NULL, adjust_phi3, NULL},
    {"QWenLMHeadModel|qwen", "qwen", 0, qwen_rows, NULL, adjust_qwen, NULL},
    {"Qwen2ForCausalLM|qwen2", "qwen2", ASKED, NULL, NULL, NULL, NULL},
    {"Qwen2MoeForCausalLM|qwen2_moe", "qwen2moe", ASKED, NULL, shared_keys, NULL, NULL},
    {"Qwen3ForCausalLM|qwen3", "qwen3", ASKED, NULL, NULL, NULL, NULL},
    {"Qwen3MoeForCausalLM|qwen3_moe", "qwen3moe", ASKED, NULL, NULL, NULL, NULL},
    {"Qwen3NextForCausalLM|qwen3_next", "qwen3next", ONE, qwen3next_rows, shared_keys,
     adjust_qwen3next, NULL},
    {"Qwen3_5ForCausalLM|Qwen3_5ForConditionalGeneration|qwen3_5_text|qwen3_5", "qwen35", ONE,
     qwen35_rows, NULL, adjust_qwen35, NULL},
    {"Qwen3_5MoeForCausalLM|Qwen3_5MoeForConditionalGeneration|qwen3_5_moe_text|qwen3_5_moe",
     "qwen35moe", ONE, qwen35_rows, shared_keys, adjust_qwen35, NULL},
    {"SeedOssForCausalLM|seed_oss", "seed_oss", 0, post_rows, NULL, NULL, NULL},
    {"SmallThinkerForCausalLM|smallthinker", "smallthinker", 0, smallthinker_rows, NULL,
     adjust_smallthinker, NULL},
    {"SmolLM3ForCausalLM|smollm3", "smollm3", HALVES | ASKED, NULL, NULL, adjust_smollm3, NULL},
    {"StableLmForCausalLM|StableLMEpochForCausalLM|LlavaStableLMEpochForCausalLM|stablelm",
     "stablelm", LN, stablelm_rows, sequential_keys, adjust_quarter, NULL},
    {"Starcoder2ForCausalLM|starcoder2", "starcoder2", LN | WINDOWS, NULL, NULL, NULL, NULL},
    {"XverseForCausalLM|xverse", "xverse", HALVES, NULL, NULL, NULL, NULL},
    {"BaichuanForCausalLM|BaiChuanForCausalLM|baichuan", "baichuan", HALVES, NULL, NULL, NULL,
     NULL},
};
enum { N_FAMILIES = sizeof families / sizeof families[0] };

/* Hybrids with experts or without are one family to Hugging Face. */
static const struct hf_family granite_dense = {
    "", "granitehybrid", HALVES, granite_dense_rows, granite_keys, adjust_granite_hybrid, NULL};
static const struct hf_family nemotron_h_moe = {
    "", "nemotron_h_moe", 0, nemotron_h_rows, routed_keys, adjust_nemotron_h, NULL};

static const struct hf_family *by_experts(const struct hf_family *f, const cJSON *text)
{
    if (strcmp(f->arch, "granitehybrid") == 0 && json_num(text, "num_local_experts", 0) == 0)
        return &granite_dense;
    if (strcmp(f->arch, "nemotron_h") == 0 && json_num(text, "n_routed_experts", 0) > 0)
        return &nemotron_h_moe;
    return f;
}

static int names_it(const char *names, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = names; *p;) {
        size_t k = strcspn(p, "|");
        if (k == n && memcmp(p, name, n) == 0)
            return 1;
        p += k + (p[k] == '|');
    }
    return 0;
}

static const struct hf_family *find(const char *name)
{
    for (int i = 0; name && i < N_FAMILIES; i++)
        if (names_it(families[i].models, name))
            return &families[i];
    return NULL;
}

static const char *first_architecture(const cJSON *config)
{
    const cJSON *list = json_get(config, "architectures");

    return cJSON_IsArray(list) ? cJSON_GetStringValue(cJSON_GetArrayItem(list, 0)) : NULL;
}

static void hint_nearest(const char *name, struct err *e)
{
    char names[N_FAMILIES][40]; /* what is offered is borrowed */
    struct suggest s = SUGGEST(name);

    for (int i = 0; i < N_FAMILIES; i++) {
        snprintf(names[i], sizeof names[i], "%.*s", (int)strcspn(families[i].models, "|"),
                 families[i].models);
        suggest_offer(&s, names[i]);
    }
    if (suggest_best(&s))
        err_hint(e, "nearest: %s", suggest_best(&s));
}

const struct hf_family *hf_family_find(const cJSON *config, const cJSON *text, const char *path,
                                       struct err *e)
{
    const char *names[] = {first_architecture(config), first_architecture(text),
                           json_str(text, "model_type"), json_str(config, "model_type")};
    const struct hf_family *f = NULL;
    const char *name = NULL;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && !f; i++) {
        name = name ? name : names[i];
        f = find(names[i]);
    }
    if (f)
        return by_experts(f, text);
    if (!name) {
        err_set(e, ERR_FORMAT, "%s: neither architectures nor model_type says what this is", path);
        return NULL;
    }
    err_set(e, ERR_UNSUPPORTED, "%s: architecture '%.64s' is not supported", path, name);
    hint_nearest(name, e);
    return NULL;
}
