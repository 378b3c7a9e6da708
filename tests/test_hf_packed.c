/* Packed weights of Hugging Face folders: the numbers are those of the libraries' own code,
 * AutoGPTQ 0.7 (qlinear_cuda_old.py), AutoAWQ 0.2 (packing_utils.py), compressed-tensors 0.20
 * (pack_to_int32), PyTorch 2.15 (float8), gpt-oss (weights.py), on random words of a fixed seed. */
#include "tests/test.h"

#include "base/mem.h"
#include "runners/hf.h"
#include "runners/quant.h"
#include "tests/hf_sample.h"

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
    sample_finish(&w);
    g = sample_open(LLAMA ",\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":4}");
    sample_shape(g, "blk.0.ffn_up.weight", 8, 8, 1);
    sample_values(g, "blk.0.ffn_up.weight", gptq_want, 64);
    sample_close(g);
}

static void awq_codes_have_their_values(void **state)
{
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    ADD(".qweight", "I32", "[4,1]", awq_words);
    ADD(".qzeros", "I32", "[2,1]", awq_zeros);
    ADD(".scales", "F16", "[2,8]", awq_scales);
    sample_finish(&w);
    g = sample_open(LLAMA ",\"quantization_config\":{\"quant_method\":\"awq\",\"bits\":4}");
    sample_values(g, "blk.0.ffn_up.weight", awq_want, 32);
    sample_close(g);
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
    sample_finish(&w);
    g = sample_open(LLAMA ",\"quantization_config\":{\"quant_method\":\"compressed-tensors\"}");
    sample_values(g, "blk.0.ffn_up.weight", packed_want, 32);
    sample_close(g);
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
    sample_finish(&w);
    for (int i = 0; i < 16; i++)
        want[i] = e4m3_want[i] * scales[i % 4 / 2];
    g = sample_open(LLAMA ",\"quantization_config\":{\"quant_method\":\"fp8\","
                        "\"weight_block_size\":[4,2]}");
    sample_values(g, "blk.0.ffn_up.weight", want, 16);
    sample_values(g, "blk.0.ffn_gate.weight", e5m2_want, 16);
    sample_close(g);
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
    sample_finish(&w);
    g = sample_open("\"architectures\":[\"GptOssForCausalLM\"],\"quantization_config\":"
                  "{\"quant_method\":\"mxfp4\"}," SIZES);
    assert_int_equal(gguf_tensor_find(g, "blk.0.ffn_down_exps.weight")->type, QUANT_MXFP4);
    sample_values(g, "blk.0.ffn_down_exps.weight", mxfp4_want, 32);
    sample_close(g);
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
    sample_finish(&w);
    g = sample_open(LLAMA ",\"quantization_config\":{\"quant_method\":\"bitnet\","
                        "\"linear_class\":\"autobitlinear\"}");
    sample_shape(g, "blk.0.ffn_up.weight", 2, 4, 1);
    sample_values(g, "blk.0.ffn_up.weight", times, 8);
    gguf_close(g);
    g = sample_open(LLAMA ",\"quantization_config\":{\"quant_method\":\"bitnet\"}");
    sample_values(g, "blk.0.ffn_up.weight", over, 8);
    sample_close(g);
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
    sample_finish(&w);
    g = sample_open("\"architectures\":[\"BitnetForCausalLM\"]," SIZES);
    sample_values(g, "blk.0.ffn_up.weight", want, 4);
    sample_values(g, "output_norm.weight", v, 4);
    sample_close(g);
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
    sample_finish(&w);
    g = sample_open(LLAMA ",\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":4}");
    type = gguf_tensor_find(g, "blk.0.ffn_up.weight")->type;
    sample_values(g, "blk.0.ffn_up.weight", want, 256);
    sample_close(g);
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
    sample_finish(&w);
    sample_refused(gptq, "codes and scales have impossible shapes");
    ADD(".qweight", "I32", "[1,8]", gptq_words);
    ADD(".scales", "F16", "[2,8]", gptq_scales);
    sample_finish(&w);
    sample_refused(gptq, "do not fit together");
    ADD(".qweight", "I32", "[1,8]", gptq_words);
    ADD(".qzeros", "I32", "[2,1]", gptq_zeros);
    ADD(".scales", "F16", "[2,8]", gptq_scales);
    ADD(".g_idx", "I32", "[8]", beyond);
    sample_finish(&w);
    sample_refused(gptq, "names a group that is not there");
    sample_refused(LLAMA ",\"quantization_config\":{\"quant_method\":\"bitsandbytes\"}",
                   "quantised by 'bitsandbytes' are not read; known: gptq");
    strbuf_release(&sample_image);
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
    sample_floats(&w, "model.norm.weight", "[4]", 4);
    ADD(".qweight", "I32", "[4,1]", awq_words);
    ADD(".qzeros", "I32", "[2,1]", awq_zeros);
    ADD(".scales", "F16", "[2,8]", awq_scales);
    sample_finish(&w);
    folder_put(dir, "model.safetensors", sample_image.s, sample_image.len);
    strbuf_release(&sample_image);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gptq_codes_have_their_values),
        cmocka_unit_test(awq_codes_have_their_values),
        cmocka_unit_test(compressed_tensors_have_their_values),
        cmocka_unit_test(float8_has_its_values_times_the_block_scales),
        cmocka_unit_test(mxfp4_blocks_keep_their_values),
        cmocka_unit_test(ternary_weights_have_their_values),
        cmocka_unit_test(weights_that_count_as_three_values_are_rounded),
        cmocka_unit_test(codes_become_blocks_only_where_blocks_hold_them_exactly),
        cmocka_unit_test(packed_weights_that_do_not_fit_are_refused),
        cmocka_unit_test(opening_survives_every_failed_allocation),
    };
    return RUN(tests);
}
