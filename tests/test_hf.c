/* Hugging Face folders: keys, tensors as views and as copies, packed weights, and the logits of the
 * folders that reference models were converted from. */
#include "tests/test.h"

#include <dirent.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "runners/hf.h"
#include "runners/quant.h"
#include "runners/runner.h"
#include "tests/weights.h"

/* ---- helpers --------------------------------------------------------------------------------- */

#define SIZES                                                                                      \
    "\"hidden_size\":4,\"num_hidden_layers\":1,\"num_attention_heads\":2,"                         \
    "\"num_key_value_heads\":1,\"intermediate_size\":8,\"max_position_embeddings\":64"
#define LLAMA "\"architectures\":[\"LlamaForCausalLM\"]," SIZES
#define UP "model.layers.0.mlp.up_proj"

static struct strbuf image;

static void finish(struct weights *w)
{
    strbuf_release(&image);
    weights_finish(w, &image);
}

static struct gguf *open_with(const char *config)
{
    struct err e = ERR_NONE;
    struct gguf *g;
    char text[2048];

    snprintf(text, sizeof text, "{%s}", config);
    if (hf_open_bytes(&g, text, strlen(text), image.s, image.len, "folder", &e) < 0 ||
        gguf_fill(g, &e) < 0)
        fail_msg("%s", e.text);
    return g;
}

static void close_all(struct gguf *g)
{
    gguf_close(g);
    strbuf_release(&image);
    assert_int_equal(mem_live(), 0);
}

static void assert_refused(const char *config, const char *want)
{
    struct err e = ERR_NONE;
    struct gguf *g;
    char text[2048];

    snprintf(text, sizeof text, "{%s}", config);
    assert_int_equal(
        hf_open_bytes(&g, text, strlen(text), image.s, image.len, "folder", &e), -1);
    assert_null(g);
    if (!strstr(e.text, want) || !strstr(e.text, "folder"))
        fail_msg("expected \"%s\", got \"%s\"", want, e.text);
}

static const float *counted(size_t n) /* 0, 1, 2, ... */
{
    static float v[1024];

    for (size_t i = 0; i < n; i++)
        v[i] = (float)i;
    return v;
}

static void add_floats(struct weights *w, const char *name, const char *shape, size_t n)
{
    weights_add(w, name, "F32", shape, counted(n), n * sizeof(float));
}

/* The values of a tensor, whatever its type. */
static void assert_values(const struct gguf *g, const char *name, const float *want, size_t n)
{
    const struct gguf_tensor *t = gguf_tensor_find(g, name);
    float got[1024];

    if (!t)
        fail_msg("%s is not there", name);
    assert_non_null(t->data);
    assert_int_equal(t->ne[0] * t->ne[1] * t->ne[2], n);
    quant_find(t->type)->unpack(got, t->data, n);
    for (size_t i = 0; i < n; i++)
        if (!(got[i] == want[i]))
            fail_msg("%s[%zu] is %.9g, expected %.9g", name, i, (double)got[i], (double)want[i]);
}

static void assert_shape(const struct gguf *g, const char *name, uint64_t a, uint64_t b, uint64_t c)
{
    const struct gguf_tensor *t = gguf_tensor_find(g, name);

    if (!t)
        fail_msg("%s is not there", name);
    assert_int_equal(t->ne[0], a);
    assert_int_equal(t->ne[1], b);
    assert_int_equal(t->ne[2], c);
}

static int is_mapped(const struct gguf *g, const char *name)
{
    const uint8_t *p = gguf_tensor_find(g, name)->data;

    return p >= (const uint8_t *)image.s && p < (const uint8_t *)image.s + image.len;
}

/* ---- tensors --------------------------------------------------------------------------------- */

static void plain_tensors_are_views_of_the_file(void **state)
{
    struct weights w = {0};
    struct gguf *g;
    int halves = 0;
    (void)state;

    add_floats(&w, "model.embed_tokens.weight", "[8,4]", 32);
    add_floats(&w, "model.layers.0.self_attn.q_proj.weight", "[4,4]", 16);
    add_floats(&w, "model.layers.0.self_attn.q_proj.bias", "[4]", 4);
    add_floats(&w, "model.layers.0.self_attn.rotary_emb.inv_freq", "[1]", 1);
    add_floats(&w, "model.layers.1.mlp.up_proj.weight", "[4,4]", 16); /* beyond the last layer */
    finish(&w);
    g = open_with(LLAMA);
    assert_int_equal(gguf_n_tensors(g), 3);
    assert_int_equal(gguf_made_bytes(g), 0);
    assert_int_equal(gguf_file_bytes(g), image.len);
    assert_true(is_mapped(g, "token_embd.weight") && is_mapped(g, "blk.0.attn_q.weight"));
    assert_shape(g, "token_embd.weight", 4, 8, 1);
    assert_shape(g, "blk.0.attn_q.bias", 4, 1, 1);
    assert_values(g, "blk.0.attn_q.weight", counted(16), 16); /* its rows are not permuted: */
    assert_int_equal(gguf_get_bool(g, "densimeter.rope.halves", &halves, NULL), 1);
    assert_int_equal(halves, 1);
    close_all(g);
}

static void halves_of_rows_are_views_too(void **state)
{
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    add_floats(&w, "transformer.layers.0.ffn.proj_1.weight", "[4,2]", 8);
    finish(&w);
    g = open_with("\"architectures\":[\"OpenELMForCausalLM\"],\"model_dim\":2,\"head_dim\":2,"
                  "\"num_transformer_layers\":1,\"num_query_heads\":[1],\"num_kv_heads\":[1],"
                  "\"ffn_multipliers\":[1.0],\"ffn_dim_divisor\":2");
    assert_true(is_mapped(g, "blk.0.ffn_up.weight"));
    assert_values(g, "blk.0.ffn_gate.weight", counted(4), 4);
    assert_values(g, "blk.0.ffn_up.weight", (const float[]){4, 5, 6, 7}, 4);
    close_all(g);
}

static void experts_are_named_one_by_one(void **state)
{
    struct weights w = {0};
    struct gguf *g;
    int64_t n = 0;
    (void)state;

    add_floats(&w, "model.layers.0.block_sparse_moe.experts.11.w3.weight", "[2,4]", 8);
    add_floats(&w, "model.layers.0.block_sparse_moe.gate.weight", "[12,4]", 48);
    finish(&w);
    g = open_with("\"architectures\":[\"MixtralForCausalLM\"],\"num_local_experts\":12,"
                  "\"num_experts_per_tok\":2," SIZES);
    assert_true(is_mapped(g, "blk.0.ffn_up.11.weight"));
    assert_shape(g, "blk.0.ffn_gate_inp.weight", 4, 12, 1);
    assert_int_equal(gguf_get_int(g, "llama.expert_used_count", &n, NULL), 1);
    assert_int_equal(n, 2);
    close_all(g);
}

static void matrices_of_gpt2_are_transposed(void **state)
{
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    add_floats(&w, "h.0.mlp.c_fc.weight", "[2,3]", 6);
    add_floats(&w, "h.0.mlp.c_fc.bias", "[3]", 3);
    finish(&w);
    g = open_with("\"architectures\":[\"GPT2LMHeadModel\"],\"n_embd\":2,\"n_layer\":1,"
                  "\"n_head\":1,\"n_positions\":8");
    assert_shape(g, "blk.0.ffn_up.weight", 2, 3, 1);
    assert_values(g, "blk.0.ffn_up.weight", (const float[]){0, 3, 1, 4, 2, 5}, 6);
    assert_values(g, "blk.0.ffn_up.bias", counted(3), 3);
    assert_int_equal(gguf_made_bytes(g), 24);
    close_all(g);
}

/* Two key heads of one query head each: rows q0 k0 v0 q1 k1 v1, one wide. */
static void grouped_rows_are_dealt_to_q_k_and_v(void **state)
{
    static const float want[] = {0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11};
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    add_floats(&w, "gpt_neox.layers.0.attention.query_key_value.weight", "[6,2]", 12);
    add_floats(&w, "gpt_neox.layers.0.attention.query_key_value.bias", "[6]", 6);
    finish(&w);
    g = open_with("\"architectures\":[\"GPTNeoXForCausalLM\"],\"hidden_size\":2,"
                  "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"rotary_pct\":1.0");
    assert_values(g, "blk.0.attn_qkv.weight", want, 12);
    assert_values(g, "blk.0.attn_qkv.bias", (const float[]){0, 3, 1, 4, 2, 5}, 6);
    close_all(g);
}

static void norms_get_the_one_that_they_lack(void **state)
{
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    add_floats(&w, "model.norm.weight", "[4]", 4);
    finish(&w);
    g = open_with("\"model_type\":\"gemma\"," SIZES);
    assert_values(g, "output_norm.weight", (const float[]){1, 2, 3, 4}, 4);
    close_all(g);
}

/* {experts, in, 2 out} with gate and up in turns; biases {experts, 2 out}. */
static void gates_and_ups_of_gpt_oss_are_parted(void **state)
{
    static const float gate[] = {0, 4, 2, 6, 8, 12, 10, 14}, up[] = {1, 5, 3, 7, 9, 13, 11, 15};
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    add_floats(&w, "model.layers.0.mlp.experts.gate_up_proj", "[2,2,4]", 16);
    add_floats(&w, "model.layers.0.mlp.experts.gate_up_proj_bias", "[2,4]", 8);
    finish(&w);
    g = open_with("\"architectures\":[\"GptOssForCausalLM\"]," SIZES);
    assert_shape(g, "blk.0.ffn_gate_exps.weight", 2, 2, 2);
    assert_values(g, "blk.0.ffn_gate_exps.weight", gate, 8);
    assert_values(g, "blk.0.ffn_up_exps.weight", up, 8);
    assert_shape(g, "blk.0.ffn_up_exps.bias", 2, 2, 1);
    assert_values(g, "blk.0.ffn_up_exps.bias", (const float[]){1, 3, 5, 7}, 4);
    close_all(g);
}

static void norms_of_heads_are_stacked(void **state)
{
    static const char config[] = "\"architectures\":[\"StableLmForCausalLM\"]," SIZES;
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    add_floats(&w, "model.layers.0.self_attn.q_layernorm.norms.1.weight", "[2]", 2);
    add_floats(&w, "model.layers.0.self_attn.q_layernorm.norms.0.weight", "[2]", 2);
    finish(&w);
    g = open_with(config);
    assert_shape(g, "blk.0.attn_q_norm.weight", 2, 2, 1);
    assert_values(g, "blk.0.attn_q_norm.weight", (const float[]){0, 1, 0, 1}, 4);
    close_all(g);
    add_floats(&w, "model.layers.0.self_attn.q_layernorm.norms.2.weight", "[2]", 2);
    finish(&w);
    assert_refused(config, "one of the 3 tensors that make up blk.0.attn_q_norm.weight");
    strbuf_release(&image);
}

static void a_copy_of_the_embedding_is_no_output(void **state)
{
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    add_floats(&w, "lm_head.weight", "[8,4]", 32);
    finish(&w);
    g = open_with(LLAMA ",\"tie_word_embeddings\":true");
    assert_int_equal(gguf_n_tensors(g), 0);
    gguf_close(g);
    g = open_with(LLAMA);
    assert_non_null(gguf_tensor_find(g, "output.weight"));
    close_all(g);
}

/* ---- packed weights: the numbers are those of the libraries' own code ---------------------------
 *
 * AutoGPTQ 0.7 (qlinear_cuda_old.py), AutoAWQ 0.2 (packing_utils.py), compressed-tensors 0.20
 * (pack_to_int32), PyTorch 2.15 (float8), gpt-oss (weights.py), transformers 4.57.6
 * (modeling_rope_utils.py), on random words of a fixed seed. */

static const uint32_t gptq_words[] = {
    0xbfa2b658, 0x2f2770ab, 0x28470d08, 0x26b6265a, 0x067f38e8, 0x360d426a, 0x68bc30c9,
    0xd04501ae};
static const uint32_t gptq_zeros[] = {0x88dcccce, 0x3d919f6a};
static const uint16_t gptq_scales[] = {
    0x32e0, 0x2500, 0x2200, 0x3360, 0x3280, 0x2e80, 0x31e0, 0x2500, 0x3320, 0x33e0, 0x2d00,
    0x3240, 0x2f00, 0x2dc0, 0x3360, 0x2e80};
static const float gptq_want[] = {
    -1.50390625f, -1.3359375f, -1.93359375f, 0.0f, -2.00390625f, -1.07421875f, 0.0f, 0.0f,
    -0.0390625f, 0.73828125f, -0.25390625f, 0.0f, 0.0f, -0.21484375f, 0.0390625f, -1.23046875f,
    -0.05859375f, 0.0f, 0.0f, 0.0f, 0.546875f, -0.10546875f, -0.05859375f, 0.15625f,
    -0.69140625f, -0.9765625f, -1.61328125f, -1.5625f, -0.78125f, -0.4609375f, -1.61328125f,
    -1.5625f, -1.015625f, 1.3125f, -1.015625f, 0.109375f, 1.421875f, -1.21875f, -1.421875f,
    -0.21875f, -0.40625f, -0.359375f, -1.21875f, -0.5390625f, 0.26953125f, -1.421875f, -0.8125f,
    -0.62890625f, 0.0f, -0.4609375f, -1.65234375f, -2.53515625f, -0.4609375f, 0.3671875f,
    -0.18359375f, -1.84375f, 0.09765625f, 0.609375f, -0.15625f, -0.40625f, 0.1015625f,
    -0.09765625f, -0.17578125f, 0.9140625f};
static const uint32_t awq_words[] = {0x982f381e, 0xaedd1fb2, 0x2e2568cd, 0xbaac0a78};
static const uint32_t awq_zeros[] = {0x08c9aae1, 0x05d6c1c4};
static const uint16_t awq_scales[] = {
    0x3380, 0x3060, 0x1c00, 0x2880, 0x3260, 0x2d80, 0x3220, 0x2d40, 0x33a0, 0x3180, 0x2d40,
    0x2c80, 0x2c80, 0x2700, 0x31e0, 0x3140};
static const float awq_want[] = {
    3.046875f, 0.234375f, 2.14453125f, 0.953125f, 0.8203125f, 0.546875f, -0.171875f, 1.03125f,
    -0.05078125f, -0.01171875f, 0.0f, -0.41015625f, -0.3515625f, 0.03515625f, -0.7734375f,
    -0.2109375f, -0.3984375f, 0.99609375f, 0.4921875f, 0.6328125f, 0.0f, 0.515625f, 0.24609375f,
    0.13671875f, -1.33984375f, -1.72265625f, -1.1015625f, -2.203125f, 0.73828125f, 0.8203125f,
    0.328125f, 1.8046875f};
static const uint32_t packed_words[] = {
    0x00003275, 0x0000301b, 0x00004178, 0x0000e028, 0x0000a593, 0x0000b1b6, 0x0000a0d2,
    0x0000c0ef};
static const uint32_t packed_zeros[] = {0x208b9148, 0x2432cf18};
static const uint16_t packed_scales[] = {
    0x3d00, 0x3e24, 0x3dc8, 0x3da0, 0x3e04, 0x3e20, 0x3d00, 0x3d00, 0x3d98, 0x3e70, 0x3e14,
    0x3e50, 0x3e70, 0x3da0, 0x3df8, 0x3e24};
static const float packed_want[] = {
    -0.09375f, -0.03125f, -0.9609375f, -0.80078125f, 0.68359375f, -0.29296875f, -0.078125f,
    0.15625f, 0.90234375f, 0.7734375f, -2.1875f, -1.71875f, -0.03125f, -0.21875f, -0.375f,
    0.0625f, -0.59375f, -0.1484375f, 0.703125f, 1.875f, -0.2890625f, 0.43359375f, -0.40625f,
    1.625f, 0.46875f, 3.046875f, -0.3125f, 0.46875f, 1.57421875f, 1.453125f, -0.3203125f,
    1.6015625f};
static const uint8_t e4m3_bytes[] = {
    0, 1, 7, 8, 56, 63, 65, 126, 128, 129, 149, 184, 197, 243, 102, 45};
static const float e4m3_want[] = {
    0.0f, 0.001953125f, 0.013671875f, 0.015625f, 1.0f, 1.875f, 2.25f, 448.0f, -0.0f,
    -0.001953125f, -0.05078125f, -1.0f, -3.25f, -176.0f, 56.0f, 0.40625f};
static const uint8_t e5m2_bytes[] = {
    0, 1, 7, 8, 56, 63, 65, 123, 128, 129, 149, 184, 197, 243, 102, 45};
static const float e5m2_want[] = {
    0.0f, 1.52587890625e-05f, 0.0001068115234375f, 0.0001220703125f, 0.5f, 1.75f, 2.5f,
    57344.0f, -0.0f, -1.52587890625e-05f, -0.001220703125f, -0.5f, -5.0f, -14336.0f, 1536.0f,
    0.078125f};
static const uint8_t mxfp4_blocks[] = {
    65, 252, 90, 213, 118, 148, 106, 145, 111, 209, 190, 132, 74, 238, 167, 163};
static const float mxfp4_want[] = {
    0.0625f, 0.25f, -0.25f, -0.75f, -0.125f, 0.375f, 0.375f, -0.375f, 0.5f, 0.75f, 0.25f,
    -0.0625f, -0.125f, 0.5f, 0.0625f, -0.0625f, -0.75f, 0.5f, 0.0625f, -0.375f, -0.5f, -0.1875f,
    0.25f, -0.0f, -0.125f, 0.25f, -0.5f, -0.5f, 0.75f, -0.125f, 0.1875f, -0.125f};
static const float llama3_want[] = {
    1.0f, 3.29953932762146f, 8.0f, 7.999999523162842f, 8.0f, 7.999999523162842f,
    7.999999523162842f, 7.999999523162842f};

#define ADD(name, type, shape, v) weights_add(&w, UP name, type, shape, v, sizeof v)

static void gptq_codes_have_their_values(void **state)
{
    static const int32_t order[] = {0, 1, 0, 1, 1, 0, 0, 1};
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    ADD(".qweight", "I32", "[1,8]", gptq_words);
    ADD(".qzeros", "I32", "[2,1]", gptq_zeros);
    ADD(".scales", "F16", "[2,8]", gptq_scales);
    ADD(".g_idx", "I32", "[8]", order);
    finish(&w);
    g = open_with(LLAMA ",\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":4}");
    assert_shape(g, "blk.0.ffn_up.weight", 8, 8, 1);
    assert_values(g, "blk.0.ffn_up.weight", gptq_want, 64);
    close_all(g);
}

static void awq_codes_have_their_values(void **state)
{
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    ADD(".qweight", "I32", "[4,1]", awq_words);
    ADD(".qzeros", "I32", "[2,1]", awq_zeros);
    ADD(".scales", "F16", "[2,8]", awq_scales);
    finish(&w);
    g = open_with(LLAMA ",\"quantization_config\":{\"quant_method\":\"awq\",\"bits\":4}");
    assert_values(g, "blk.0.ffn_up.weight", awq_want, 32);
    close_all(g);
}

static void compressed_tensors_have_their_values(void **state)
{
    static const int64_t shape[] = {8, 4};
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    ADD(".weight_packed", "I32", "[8,1]", packed_words);
    ADD(".weight_zero_point", "I32", "[1,2]", packed_zeros);
    ADD(".weight_scale", "BF16", "[8,2]", packed_scales);
    ADD(".weight_shape", "I64", "[2]", shape);
    finish(&w);
    g = open_with(LLAMA ",\"quantization_config\":{\"quant_method\":\"compressed-tensors\"}");
    assert_values(g, "blk.0.ffn_up.weight", packed_want, 32);
    close_all(g);
}

static void float8_has_its_values_times_the_block_scales(void **state)
{
    static const float scales[] = {2, 4};
    float want[16];
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    ADD(".weight", "F8_E4M3", "[4,4]", e4m3_bytes);
    ADD(".weight_scale_inv", "F32", "[1,2]", scales);
    weights_add(&w, "model.layers.0.mlp.gate_proj.weight", "F8_E5M2", "[4,4]", e5m2_bytes, 16);
    finish(&w);
    for (int i = 0; i < 16; i++)
        want[i] = e4m3_want[i] * scales[i % 4 / 2];
    g = open_with(LLAMA ",\"quantization_config\":{\"quant_method\":\"fp8\","
                        "\"weight_block_size\":[4,2]}");
    assert_values(g, "blk.0.ffn_up.weight", want, 16);
    assert_values(g, "blk.0.ffn_gate.weight", e5m2_want, 16);
    close_all(g);
}

static void mxfp4_blocks_keep_their_values(void **state)
{
    static const uint8_t exponent[] = {124};
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    weights_add(&w, "model.layers.0.mlp.experts.down_proj_blocks", "U8", "[1,1,1,16]",
                mxfp4_blocks, 16);
    weights_add(&w, "model.layers.0.mlp.experts.down_proj_scales", "U8", "[1,1,1]", exponent, 1);
    finish(&w);
    g = open_with("\"architectures\":[\"GptOssForCausalLM\"],\"quantization_config\":"
                  "{\"quant_method\":\"mxfp4\"}," SIZES);
    assert_int_equal(gguf_tensor_find(g, "blk.0.ffn_down_exps.weight")->type, QUANT_MXFP4);
    assert_values(g, "blk.0.ffn_down_exps.weight", mxfp4_want, 32);
    close_all(g);
}

/* Four rows to a byte; the scale multiplies or divides by the kind of layer. */
static void ternary_weights_have_their_values(void **state)
{
    static const uint8_t bytes[] = {0x18, 0x86}; /* columns: -1 1 0 -1 and 1 0 -1 1 */
    static const float times[] = {-2, 2, 2, 0, 0, -2, -2, 2};
    static const float over[] = {-0.5f, 0.5f, 0.5f, 0, 0, -0.5f, -0.5f, 0.5f};
    static const float scale[] = {2};
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    ADD(".weight", "U8", "[1,2]", bytes);
    ADD(".weight_scale", "F32", "[1]", scale);
    finish(&w);
    g = open_with(LLAMA ",\"quantization_config\":{\"quant_method\":\"bitnet\","
                        "\"linear_class\":\"autobitlinear\"}");
    assert_shape(g, "blk.0.ffn_up.weight", 2, 4, 1);
    assert_values(g, "blk.0.ffn_up.weight", times, 8);
    gguf_close(g);
    g = open_with(LLAMA ",\"quantization_config\":{\"quant_method\":\"bitnet\"}");
    assert_values(g, "blk.0.ffn_up.weight", over, 8);
    close_all(g);
}

/* round(w / mean |w|), at most 1, times mean |w|: the mean of these is 2. */
static void weights_that_count_as_three_values_are_rounded(void **state)
{
    static const float v[] = {0.5f, -1, 3, -3.5f}, want[] = {0, 0, 2, -2};
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    ADD(".weight", "F32", "[1,4]", v);
    weights_add(&w, "model.norm.weight", "F32", "[4]", v, sizeof v);
    finish(&w);
    g = open_with("\"architectures\":[\"BitnetForCausalLM\"]," SIZES);
    assert_values(g, "blk.0.ffn_up.weight", want, 4);
    assert_values(g, "output_norm.weight", v, 4);
    close_all(g);
}

/* 32 columns, 8 rows of 4-bit codes i % 16, zero point `zero` everywhere. */
static int type_of_gptq(int zero, float scale, float want[256])
{
    uint32_t words[4][8], zeros[1] = {0};
    uint16_t scales[8];
    struct weights w = {0};
    struct gguf *g;
    int type;

    memset(words, 0, sizeof words);
    for (int c = 0; c < 32; c++)
        for (int r = 0; r < 8; r++)
            words[c / 8][r] |= (uint32_t)((c + r) % 16) << (4 * (c % 8));
    for (int r = 0; r < 8; r++) {
        zeros[0] |= (uint32_t)(zero - 1) << (4 * r);
        scales[r] = float_to_half(scale);
        for (int c = 0; c < 32; c++)
            want[32 * r + c] = (float)((c + r) % 16 - zero) * half_to_float(scales[r]);
    }
    ADD(".qweight", "I32", "[4,8]", words);
    ADD(".qzeros", "I32", "[1,1]", zeros);
    ADD(".scales", "F16", "[1,8]", scales);
    finish(&w);
    g = open_with(LLAMA ",\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":4}");
    type = gguf_tensor_find(g, "blk.0.ffn_up.weight")->type;
    assert_values(g, "blk.0.ffn_up.weight", want, 256);
    close_all(g);
    return type;
}

static void codes_become_blocks_only_where_blocks_hold_them_exactly(void **state)
{
    float want[256];
    (void)state;

    assert_int_equal(type_of_gptq(8, 0.0123f, want), QUANT_Q4_0);
    assert_int_equal(type_of_gptq(4, 0.0123f, want), QUANT_Q4_1);
    assert_int_equal(type_of_gptq(7, 0.0123f, want), QUANT_F32); /* 7 * scale is no half */
}

static void packed_weights_that_do_not_fit_are_refused(void **state)
{
    static const char gptq[] =
        LLAMA ",\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":4}";
    static const int32_t beyond[] = {0, 1, 0, 1, 1, 0, 0, 2};
    struct weights w = {0};
    (void)state;

    ADD(".qweight", "I32", "[1,8]", gptq_words);
    finish(&w);
    assert_refused(gptq, "codes and scales have impossible shapes");
    ADD(".qweight", "I32", "[1,8]", gptq_words);
    ADD(".scales", "F16", "[2,8]", gptq_scales);
    finish(&w);
    assert_refused(gptq, "do not fit together");
    ADD(".qweight", "I32", "[1,8]", gptq_words);
    ADD(".qzeros", "I32", "[2,1]", gptq_zeros);
    ADD(".scales", "F16", "[2,8]", gptq_scales);
    ADD(".g_idx", "I32", "[8]", beyond);
    finish(&w);
    assert_refused(gptq, "names a group that is not there");
    assert_refused(LLAMA ",\"quantization_config\":{\"quant_method\":\"bitsandbytes\"}",
                   "quantised by 'bitsandbytes' are not read; known: gptq");
    strbuf_release(&image);
    assert_int_equal(mem_live(), 0);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static double key(const struct gguf *g, const char *name)
{
    struct err e = ERR_NONE;
    double v = NAN;

    if (gguf_get_f64(g, name, &v, &e) != 1)
        fail_msg("%s is not there %s", name, e.text);
    return v;
}

static struct gguf *open_empty(const char *config)
{
    strbuf_release(&image);
    weights_raw(&image, "{}", 0);
    return open_with(config);
}

static void rope_of_llama3_is_a_table_of_factors(void **state)
{
    struct gguf *g = open_empty(
        "\"model_type\":\"llama\",\"hidden_size\":64,\"num_hidden_layers\":1,"
        "\"num_attention_heads\":4,\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0,"
        "\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
        "\"original_max_position_embeddings\":32}");
    const struct gguf_tensor *t = gguf_tensor_find(g, "rope_freqs.weight");
    (void)state;

    assert_non_null(t);
    assert_int_equal(t->ne[0], 8);
    for (int i = 0; i < 8; i++) {
        float f;
        memcpy(&f, t->data + 4 * i, sizeof f);
        assert_close((double)f, (double)llama3_want[i], 1e-6);
    }
    close_all(g);
}

static void rope_of_yarn_is_keys(void **state)
{
    struct gguf *g = open_empty(LLAMA ",\"rope_theta\":5000.0,\"rope_scaling\":{\"type\":\"yarn\","
                                "\"factor\":4.0,\"original_max_position_embeddings\":16,"
                                "\"beta_fast\":8,\"mscale\":1.0,\"mscale_all_dim\":0.5}");
    double log4 = log(4);
    (void)state;

    assert_true(key(g, "llama.rope.scaling.factor") == 4);
    assert_true(key(g, "llama.rope.scaling.original_context_length") == 16);
    assert_true(key(g, "llama.rope.scaling.yarn_beta_fast") == 8);
    assert_true(key(g, "llama.rope.freq_base") == 5000);
    assert_close(key(g, "llama.rope.scaling.yarn_attn_factor"),
                 (1 + 0.1 * log4) / (1 + 0.05 * log4), 1e-6);
    close_all(g);
}

static void another_activation_than_the_familys_is_a_key(void **state)
{
    struct gguf *g = open_empty(LLAMA ",\"hidden_act\":\"fatrelu\",\"hidden_act_param\":0.25");
    struct err e = ERR_NONE;
    struct gguf_str s;
    (void)state;

    assert_int_equal(gguf_get_str(g, "llama.feed_forward.activation", &s, &e), 1);
    assert_int_equal(s.n, 7);
    assert_memory_equal(s.s, "fatrelu", 7);
    assert_true(key(g, "llama.feed_forward.activation_threshold") == 0.25);
    close_all(g);
    g = open_empty(LLAMA ",\"hidden_act\":\"silu\"");
    assert_int_equal(gguf_get_str(g, "llama.feed_forward.activation", &s, &e), 0);
    close_all(g);
}

static void newer_configs_keep_rope_in_one_place(void **state)
{
    struct gguf *g = open_empty(
        "\"architectures\":[\"Gemma3ForCausalLM\"],\"layer_types\":[\"sliding_attention\"],"
        "\"sliding_window\":12,\"rope_parameters\":{\"sliding_attention\":{\"rope_type\":"
        "\"default\",\"rope_theta\":9000.0},\"full_attention\":{\"rope_type\":\"linear\","
        "\"factor\":8.0,\"rope_theta\":500000.0}}," SIZES);
    enum gguf_type type;
    size_t n = 0;
    (void)state;

    assert_true(key(g, "gemma3.rope.freq_base") == 500000);
    assert_true(key(g, "gemma3.rope.freq_base_swa") == 9000);
    assert_true(key(g, "gemma3.rope.scaling.factor") == 8);
    assert_true(key(g, "gemma3.attention.sliding_window") == 12);
    assert_int_equal(
        gguf_get_array(g, "gemma3.attention.sliding_window_pattern", &type, &n, NULL), 1);
    assert_int_equal(type, GGUF_BOOL);
    assert_int_equal(n, 1);
    close_all(g);
}

static int window_of(const char *config)
{
    struct gguf *g = open_empty(config);
    int64_t v = 0;
    size_t n = 0;

    for (; n < gguf_n_keys(g); n++) {
        static const char end[] = ".attention.sliding_window";
        struct gguf_str s = gguf_key_at(g, n);
        char *key = mem_strndup(s.s, s.n);
        if (s.n > strlen(end) && strcmp(key + s.n - strlen(end), end) == 0)
            assert_int_equal(gguf_get_int(g, key, &v, NULL), 1);
        mem_free(key);
    }
    close_all(g);
    return (int)v;
}

static void windows_are_those_of_the_class(void **state)
{
    (void)state;
    assert_int_equal(window_of("\"model_type\":\"mistral\",\"sliding_window\":12," SIZES), 12);
    assert_int_equal(window_of("\"model_type\":\"mistral\",\"sliding_window\":null," SIZES),
                     0);
    assert_int_equal(window_of("\"model_type\":\"llama\",\"sliding_window\":12," SIZES), 0);
    assert_int_equal(window_of("\"model_type\":\"qwen2\",\"sliding_window\":12," SIZES), 0);
    assert_int_equal(window_of("\"model_type\":\"qwen2\",\"sliding_window\":12,"
                               "\"use_sliding_window\":true,\"max_window_layers\":0," SIZES),
                     12);
}

static void what_is_null_is_not_the_family_s_usual(void **state)
{
    struct gguf *g =
        open_empty("\"model_type\":\"gemma2\",\"attn_logit_softcapping\":null," SIZES);
    (void)state;

    assert_true(key(g, "gemma2.attn_logit_softcapping") == 0);
    assert_false(gguf_has(g, "gemma2.final_logit_softcapping"));
    close_all(g);
}

static void the_language_part_of_a_config_counts(void **state)
{
    struct gguf *g = open_empty("\"architectures\":[\"UnknownVisionModel\"],\"hidden_size\":9,"
                                "\"text_config\":{\"model_type\":\"qwen2\"," SIZES "}");
    struct gguf_str s;
    (void)state;

    assert_int_equal(gguf_get_str(g, "general.architecture", &s, NULL), 1);
    assert_memory_equal(s.s, "qwen2", 5);
    assert_true(key(g, "qwen2.embedding_length") == 4);
    close_all(g);
}

static void configs_that_lie_are_refused_by_name(void **state)
{
    static const struct { const char *config, *text; } lies[] = {
        {"", "neither architectures nor model_type"},
        {"\"architectures\":[\"LamaForCausalLM\"]", "architecture 'LamaForCausalLM'"},
        {"\"model_type\":\"llama\",\"num_hidden_layers\":1", "hidden_size is missing"},
        {"\"model_type\":\"llama\",\"hidden_size\":4", "num_hidden_layers is missing"},
        {"\"model_type\":\"llama\",\"hidden_size\":4,\"num_hidden_layers\":1e9",
         "num_hidden_layers is missing or out of range"},
        {"\"model_type\":\"llama\",\"hidden_size\":-4,\"num_hidden_layers\":1", "hidden_size"},
        {LLAMA ",\"head_dim\":1e6", "head_dim is out of range"},
        {LLAMA ",\"rms_norm_eps\":\"small\"", "rms_norm_eps is not a number"},
        {LLAMA ",\"vocab_size\":1.5", "vocab_size is not a size"},
        {LLAMA ",\"rope_scaling\":{\"type\":\"spiral\"}", "rope type 'spiral' is not known"},
        {LLAMA ",\"rope_scaling\":{\"type\":\"linear\"}", "factor is missing"},
        {LLAMA ",\"rope_scaling\":{\"type\":\"longrope\",\"long_factor\":[1],"
               "\"short_factor\":[1,2]}", "short_factor has 2 numbers, expected 1"},
        {"\"model_type\":\"gemma3_text\",\"layer_types\":[],\"sliding_window\":4," SIZES,
         "layer_types does not name each layer's kind"},
    };
    (void)state;

    strbuf_release(&image);
    weights_raw(&image, "{}", 0);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        assert_refused(lies[i].config, lies[i].text);
        assert_int_equal(mem_live(), 1); /* the image */
    }
    strbuf_release(&image);
}

static void tensors_that_lie_are_refused_by_name(void **state)
{
    static const struct { const char *name, *shape; size_t n; const char *text; } lies[] = {
        {"model.layers.0.mlp.mystery.weight", "[4]", 4, "mystery.weight' has no place"},
        {"model.layers.x.mlp.up_proj.weight", "[4]", 4, "has no place"},
        {"model.layers.0.mlp.up_proj.weight", "[2,1,2,2,2]", 16, "more than three dimensions"},
        {"model.layers.0.mlp.up_proj.weight", "[0,4]", 0, "has an impossible shape"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct weights w = {0};
        add_floats(&w, lies[i].name, lies[i].shape, lies[i].n);
        finish(&w);
        assert_refused(LLAMA, lies[i].text);
    }
    strbuf_release(&image);
    assert_int_equal(mem_live(), 0);
}

/* ---- folders --------------------------------------------------------------------------------- */

static void write_folder(char dir[256])
{
    static const char config[] = "{" LLAMA ",\"time_step_limit\":[0.0,Infinity]}";
    static const char template[] = "{\"chat_template\":[{\"name\":\"tool\",\"template\":\"T\"},"
                                   "{\"name\":\"default\",\"template\":\"D\"}]}";
    struct weights w = {0};

    folder_make(dir);
    folder_put(dir, "config.json", config, strlen(config));
    folder_put(dir, "tokenizer_config.json", template, strlen(template));
    add_floats(&w, "model.norm.weight", "[4]", 4);
    add_floats(&w, "model.embed_tokens.weight", "[8,4]", 32);
    finish(&w);
    folder_put(dir, "model.safetensors", image.s, image.len);
    strbuf_release(&image);
}

static void assert_template(const char *dir, const char *want)
{
    struct gguf_str s = {"", 0};
    struct err e = ERR_NONE;
    struct gguf *g;

    if (model_file_open(&g, dir, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(gguf_get_str(g, "tokenizer.chat_template", &s, NULL), 1);
    assert_int_equal(s.n, strlen(want));
    assert_memory_equal(s.s, want, s.n);
    gguf_close(g);
}

static void the_chat_template_is_the_default_one_or_a_file_of_its_own(void **state)
{
    char dir[256];
    (void)state;

    write_folder(dir);
    assert_template(dir, "D");
    folder_put(dir, "chat_template.jinja", "J", 1);
    assert_template(dir, "J");
    folder_remove(dir);
    assert_int_equal(mem_live(), 0);
}

static void a_model_is_its_weights_config_and_tokenizer(void **state)
{
    struct hf_files f;
    struct err e = ERR_NONE;
    char dir[256];
    (void)state;

    write_folder(dir);
    folder_put(dir, "README.md", "x", 1);
    assert_int_equal(hf_files_list(&f, dir, &e), 0);
    assert_int_equal(f.n, 3);
    assert_string_equal(path_base(f.v[0]), "config.json");
    assert_string_equal(path_base(f.v[1]), "model.safetensors");
    assert_string_equal(path_base(f.v[2]), "tokenizer_config.json");
    hf_files_free(&f);
    folder_remove(dir);
    assert_int_equal(mem_live(), 0);
}

static void a_folder_that_is_no_model_is_an_error(void **state)
{
    struct err e = ERR_NONE;
    struct gguf *g;
    char dir[256];
    (void)state;

    folder_make(dir);
    assert_int_equal(model_file_open(&g, dir, &e), -1);
    assert_null(g);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "not a Hugging Face model"));
    folder_put(dir, "config.json", "[]", 2);
    assert_int_equal(model_file_open(&g, dir, &e), -1);
    assert_non_null(strstr(e.text, "config.json: not an object"));
    folder_remove(dir);
    assert_int_equal(mem_live(), 0);
}

/* A whole model of eight rows and two tokens, in two files of weights. */
static void write_model(char dir[256])
{
    static const char config[] = "{" LLAMA "}";
    static const char tokens[] =
        "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1},\"merges\":[]}}";
    static const struct { const char *name, *shape; size_t n; } tensors[] = {
        {"model.embed_tokens.weight", "[8,4]", 32}, {"model.norm.weight", "[4]", 4},
        {"model.layers.0.input_layernorm.weight", "[4]", 4},
        {"model.layers.0.post_attention_layernorm.weight", "[4]", 4},
        {"model.layers.0.self_attn.q_proj.weight", "[4,4]", 16},
        {"model.layers.0.self_attn.k_proj.weight", "[2,4]", 8},
        {"model.layers.0.self_attn.v_proj.weight", "[2,4]", 8},
        {"model.layers.0.self_attn.o_proj.weight", "[4,4]", 16},
        {"model.layers.0.mlp.gate_proj.weight", "[8,4]", 32},
        {"model.layers.0.mlp.up_proj.weight", "[8,4]", 32},
        {"model.layers.0.mlp.down_proj.weight", "[4,8]", 32},
    };
    enum { N = sizeof tensors / sizeof tensors[0] };
    struct strbuf index = STRBUF_INIT;
    char file[32];

    folder_make(dir);
    folder_put(dir, "config.json", config, strlen(config));
    folder_put(dir, "tokenizer.json", tokens, strlen(tokens));
    strbuf_adds(&index, "{\"weight_map\":{");
    for (int part = 0; part < 2; part++) {
        struct weights w = {0};
        snprintf(file, sizeof file, "model-%d.safetensors", part);
        for (int i = part; i < N; i += 2) {
            add_floats(&w, tensors[i].name, tensors[i].shape, tensors[i].n);
            strbuf_addf(&index, "%s\"%s\":\"%s\"", i ? "," : "", tensors[i].name, file);
        }
        finish(&w);
        folder_put(dir, file, image.s, image.len);
    }
    strbuf_adds(&index, "}}");
    folder_put(dir, "model.safetensors.index.json", index.s, index.len);
    strbuf_release(&index);
    strbuf_release(&image);
}

static int keep_nats(void *user, int i, const struct reply *a)
{
    (void)i;
    *(double *)user = a->nats;
    return 0;
}

static void a_folder_runs_and_rows_beyond_its_tokens_have_no_text(void **state)
{
    static const int32_t ids[] = {0, 1, 0}, last = 7, beyond = 8;
    struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 3, .n_given = 1};
    struct strbuf text = STRBUF_INIT;
    struct runner_opts o = {.threads = 1};
    struct err e = ERR_NONE;
    struct runner *r;
    double nats = NAN;
    char dir[256];
    (void)state;

    write_model(dir);
    if (runner_open(&r, dir, &o, &e) < 0 || runner_run(r, &q, 1, keep_nats, &nats, NULL, &e) < 0)
        fail_msg("%s", e.text);
    assert_true(nats < 0);
    assert_int_equal(tokenizer_size(runner_tokenizer(r)), 8);
    assert_int_equal(tokenizer_decode(runner_tokenizer(r), ids, 3, 0, &text, &e), 0);
    assert_int_equal(tokenizer_decode(runner_tokenizer(r), &last, 1, 1, &text, &e), 0);
    assert_string_equal(strbuf_str(&text), "aba");
    assert_int_equal(tokenizer_decode(runner_tokenizer(r), &beyond, 1, 1, &text, &e), -1);
    strbuf_release(&text);
    runner_close(r);
    folder_remove(dir);
    assert_int_equal(mem_live(), 0);
}

static void opening_survives_every_failed_allocation(void **state)
{
    static const char config[] = "{\"model_type\":\"gemma\"," SIZES
        ",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0},"
        "\"quantization_config\":{\"quant_method\":\"awq\"}}";
    struct weights w = {0};
    char dir[256];
    int rc = -1;
    (void)state;

    folder_make(dir);
    folder_put(dir, "config.json", config, strlen(config));
    add_floats(&w, "model.norm.weight", "[4]", 4);
    ADD(".qweight", "I32", "[4,1]", awq_words);
    ADD(".qzeros", "I32", "[2,1]", awq_zeros);
    ADD(".scales", "F16", "[2,8]", awq_scales);
    finish(&w);
    folder_put(dir, "model.safetensors", image.s, image.len);
    strbuf_release(&image);
    for (int nth = 0; rc < 0; nth++) {
        struct gguf *g = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = hf_open(&g, dir, &e);
        if (rc == 0)
            rc = gguf_fill(g, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        gguf_close(g);
        assert_int_equal(mem_live(), 0);
    }
    folder_remove(dir);
}

/* ---- reference logits ------------------------------------------------------------------------ */

struct rows {
    const float *want;
    double diff, top;
    int n_vocab, n;
};

static int compare_row(void *user, const struct request *q, int position, const float *logits)
{
    struct rows *r = user;
    (void)q;

    for (int i = 0; i < r->n_vocab; i++) {
        double want = (double)r->want[(size_t)position * (size_t)r->n_vocab + (size_t)i];
        double d = fabs((double)logits[i] - want);
        r->diff = d <= r->diff ? r->diff : d; /* NaN stays */
        r->top = fmax(r->top, fabs(want));
    }
    r->n++;
    return 0;
}

static void check_logits(const char *folder, const cJSON *c, const struct strbuf *want)
{
    struct runner_opts o = {.context = (int)json_num(c, "n_ctx", 0), .threads = 1};
    struct rows rows = {.want = (const float *)(const void *)want->s,
                        .n_vocab = (int)json_num(c, "n_vocab", 0)};
    struct request q = {.kind = REQUEST_LOGITS, .on_logits = compare_row, .user = &rows};
    struct err e = ERR_NONE;
    struct runner *r = NULL;
    int32_t ids[1024];

    for (const cJSON *i = json_get(c, "ids")->child; i && q.n_ids < 1024; i = i->next)
        ids[q.n_ids++] = i->valueint;
    q.ids = ids;
    assert_int_equal(want->len, (size_t)q.n_ids * (size_t)rows.n_vocab * sizeof(float));
    if (runner_open(&r, folder, &o, &e) < 0 || runner_run(r, &q, 1, NULL, NULL, NULL, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(rows.n, q.n_ids);
    if (!(rows.diff <= json_num(c, "tolerance_relative", 0) * rows.top))
        fail_msg("%s: relative difference %g", folder, rows.diff / rows.top);
    runner_close(r);
}

/* 1 when the case has a folder. */
static int check_case(const char *root, const char *name)
{
    char folder[4352], path[4608];
    struct strbuf want = STRBUF_INIT;
    struct err e = ERR_NONE;
    cJSON *c;

    snprintf(folder, sizeof folder, "%s/%s/hf", root, name);
    if (!hf_is_folder(folder))
        return 0;
    snprintf(path, sizeof path, "%s/%s/case.json", root, name);
    c = json_read(path, 1 << 20, &e);
    snprintf(path, sizeof path, "%s/%s/logits.f32", root, name);
    if (!c || file_read(&want, path, 1 << 28, &e) < 0)
        fail_msg("%s", e.text);
    check_logits(folder, c, &want);
    strbuf_release(&want);
    json_free(c);
    return 1;
}

static void folders_have_the_logits_of_their_reference(void **state)
{
    const char *root = shared_path("golden/arch");
    DIR *d = opendir(root);
    struct dirent *f;
    int n = 0;
    (void)state;

    assert_non_null(d);
    while ((f = readdir(d)))
        if (f->d_name[0] != '.')
            n += check_case(root, f->d_name);
    closedir(d);
    assert_true(n > 0);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_tensors_are_views_of_the_file),
        cmocka_unit_test(halves_of_rows_are_views_too),
        cmocka_unit_test(experts_are_named_one_by_one),
        cmocka_unit_test(matrices_of_gpt2_are_transposed),
        cmocka_unit_test(grouped_rows_are_dealt_to_q_k_and_v),
        cmocka_unit_test(norms_get_the_one_that_they_lack),
        cmocka_unit_test(gates_and_ups_of_gpt_oss_are_parted),
        cmocka_unit_test(norms_of_heads_are_stacked),
        cmocka_unit_test(a_copy_of_the_embedding_is_no_output),
        cmocka_unit_test(gptq_codes_have_their_values),
        cmocka_unit_test(awq_codes_have_their_values),
        cmocka_unit_test(compressed_tensors_have_their_values),
        cmocka_unit_test(float8_has_its_values_times_the_block_scales),
        cmocka_unit_test(mxfp4_blocks_keep_their_values),
        cmocka_unit_test(ternary_weights_have_their_values),
        cmocka_unit_test(weights_that_count_as_three_values_are_rounded),
        cmocka_unit_test(codes_become_blocks_only_where_blocks_hold_them_exactly),
        cmocka_unit_test(packed_weights_that_do_not_fit_are_refused),
        cmocka_unit_test(rope_of_llama3_is_a_table_of_factors),
        cmocka_unit_test(rope_of_yarn_is_keys),
        cmocka_unit_test(another_activation_than_the_familys_is_a_key),
        cmocka_unit_test(newer_configs_keep_rope_in_one_place),
        cmocka_unit_test(windows_are_those_of_the_class),
        cmocka_unit_test(what_is_null_is_not_the_family_s_usual),
        cmocka_unit_test(the_language_part_of_a_config_counts),
        cmocka_unit_test(configs_that_lie_are_refused_by_name),
        cmocka_unit_test(tensors_that_lie_are_refused_by_name),
        cmocka_unit_test(the_chat_template_is_the_default_one_or_a_file_of_its_own),
        cmocka_unit_test(a_model_is_its_weights_config_and_tokenizer),
        cmocka_unit_test(a_folder_that_is_no_model_is_an_error),
        cmocka_unit_test(a_folder_runs_and_rows_beyond_its_tokens_have_no_text),
        cmocka_unit_test(opening_survives_every_failed_allocation),
        cmocka_unit_test(folders_have_the_logits_of_their_reference),
    };
    return RUN(tests);
}
