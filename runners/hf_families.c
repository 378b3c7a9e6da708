/* hf_families.c -- which checkpoints are which architecture.  A new family is a row here; names
 * that only it has are a table of hf_names.h. */
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "runners/hf_adjust.h"
#include "runners/hf_build.h"
#include "runners/hf_names.h"

/* ---- names that many have -------------------------------------------------------------------- */

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

/* ---- families ------------------------------------------------------------------------------- */

#define HALVES HF_ROPE_HALVES
#define LN HF_LAYER_NORM
#define ONE HF_NORMS_PLUS_ONE
#define WINDOWS HF_WINDOWS
#define ASKED HF_WINDOWS_ASKED

static const struct hf_family families[] = {
    {"LlamaForCausalLM|LLaMAForCausalLM|YiForCausalLM|llama", "llama", HALVES, NULL, NULL, NULL,
     NULL},
    {"MistralForCausalLM|MixtralForCausalLM|MinistralForCausalLM|mistral|mixtral|ministral",
     "llama", HALVES | WINDOWS, NULL, NULL, NULL, NULL},
    {"ApertusForCausalLM|apertus", "apertus", 0, apertus_rows, NULL, adjust_apertus, NULL},
    {"ArceeForCausalLM|arcee", "arcee", HALVES, NULL, NULL, NULL, NULL},
    {"BitnetForCausalLM", "bitnet", HF_ROUNDS, bitnet_rows, NULL, NULL, NULL},
    {"BitNetForCausalLM|bitnet", "bitnet-b1.58", 0, bitnet_rows, NULL, NULL, NULL},
    {"BloomForCausalLM|bloom", "bloom", LN, bloom_rows, NULL, adjust_bloom, NULL},
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
    {"GPT2LMHeadModel|gpt2", "gpt2", LN, gpt2_rows, NULL, adjust_gpt2, NULL},
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
