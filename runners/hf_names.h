/* hf_names.h -- what the checkpoints of each family call their tensors and what their configs call
 * their keys: tables of hf_families.c, the only file that reads them. */
#ifndef RUNNERS_HF_NAMES_H
#define RUNNERS_HF_NAMES_H

#include <math.h>

#include "runners/hf_build.h"

#define L "layers.%."
#define H "h.%."
#define MOE "mlp.experts.#."
#define ENDS {NULL, NULL, 0}

/* ---- tensors --------------------------------------------------------------------------------- */

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
    {"attention_chunk_size", "attention.sliding_window", HF_INT, NAN},
    {"use_qk_norm", "attention.use_qk_norm", HF_BOOL, 1}, K_ENDS,
};

#endif
