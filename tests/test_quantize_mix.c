#include "tests/test.h"

#include "base/mem.h"
#include "runners/gguf.h"
#include "runners/gguf_write.h"
#include "runners/quant.h"
#include "runners/quantize_mix.h"

/* Models of no weight: only names, shapes and the numbers that choices depend on. */
static const struct model {
    const char *arch;
    int layers, heads, kv_heads, experts, cols;
    const char *parts; /* of each layer; e: expert tensors {cols, 2, 2}, n: one dimension */
    const char *globals;
} models[] = {
    {"llama", 16, 8, 8, 0, 256,
     "n:attn_norm attn_q attn_k attn_v attn_output n:ffn_norm ffn_gate ffn_up ffn_down",
     "token_embd output n:output_norm"},
    {"llama", 19, 8, 2, 0, 256, "attn_q attn_k attn_v attn_output ffn_gate ffn_up ffn_down",
     "token_embd per_layer_token_embd per_layer_model_proj"},
    {"llama", 16, 8, 8, 8, 256,
     "attn_q attn_k attn_v attn_output ffn_gate_inp e:ffn_gate_exps e:ffn_up_exps e:ffn_down_exps",
     "token_embd output"},
    {"falcon", 16, 8, 1, 0, 256, "attn_qkv attn_output ffn_up ffn_down", "token_embd output"},
    {"llama", 80, 64, 8, 0, 256, "attn_q attn_k attn_v attn_output ffn_gate ffn_up ffn_down",
     "token_embd output"},
    {"qwen3moe", 17, 8, 4, 128, 256,
     "attn_q attn_k attn_v attn_output ffn_gate_inp e:ffn_gate_exps e:ffn_up_exps e:ffn_down_exps "
     "ffn_down_shexp ffn_up_shexp",
     "token_embd output"},
    {"llama", 16, 8, 2, 0, 96, "attn_q attn_kv_b attn_output ffn_gate ffn_up ffn_down ssm_conv1d",
     "token_embd output"},
    {"llama", 8, 8, 4, 0, 20, "attn_q attn_k attn_v attn_output ffn_up ffn_down", "token_embd"},
};

static void put_tensor(struct gguf_writer *w, const struct model *m, const char *layer,
                       const char *part, size_t n)
{
    char name[64];
    int is_vector = part[0] == 'n' && part[1] == ':', is_expert = part[0] == 'e' && part[1] == ':';
    uint64_t ne[3] = {(uint64_t)m->cols, 2, 2};
    int dims = is_vector ? 1 : is_expert ? 3 : 2, skip = is_vector || is_expert ? 2 : 0;
    uint64_t bytes = ne[0] * 4 * (dims > 1 ? 2 : 1) * (dims > 2 ? 2 : 1);

    snprintf(name, sizeof name, "%s%.*s.weight", layer, (int)n - skip, part + skip);
    gguf_put_tensor(w, (struct gguf_str){name, strlen(name)}, dims, ne, QUANT_F32,
                    bytes);
}

static void put_tensors(struct gguf_writer *w, const struct model *m, const char *layer,
                        const char *parts)
{
    while (*parts) {
        size_t n = strcspn(parts, " ");
        put_tensor(w, m, layer, parts, n);
        parts += n + (parts[n] == ' ');
    }
}

static void put_number(struct gguf_writer *w, const struct model *m, const char *key, int v)
{
    char full[96];

    snprintf(full, sizeof full, "%s.%s", m->arch, key);
    gguf_put_u32(w, full, (uint32_t)v);
}

static void build(struct strbuf *out, const struct model *m)
{
    struct gguf_writer w = {0};
    struct err e = ERR_NONE;
    char layer[24];

    gguf_put_str(&w, "general.architecture", m->arch, strlen(m->arch));
    put_number(&w, m, "block_count", m->layers);
    put_number(&w, m, "attention.head_count", m->heads);
    put_number(&w, m, "attention.head_count_kv", m->kv_heads);
    if (m->experts)
        put_number(&w, m, "expert_count", m->experts);
    for (int l = m->layers - 1; l >= 0; l--) { /* the order of the file does not matter */
        snprintf(layer, sizeof layer, "blk.%d.", l);
        put_tensors(&w, m, layer, m->parts);
    }
    put_tensors(&w, m, "", m->globals);
    assert_int_equal(gguf_write_head(&w, out, &e), 0);
    for (uint64_t i = 0; i < w.data_bytes; i++)
        strbuf_addc(out, 0);
    gguf_writer_release(&w);
}

static uint32_t crc_add(uint32_t c, unsigned char byte)
{
    c ^= byte;
    for (int k = 0; k < 8; k++)
        c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
    return c;
}

/* The CRC-32 of the types (their ids) of all tensors under each mix of the table in turn, without
 * importance and with it.  Taken when all of these 104,250 choices were those that llama-quantize
 * --dry-run prints for the same files (llama.cpp of llama-cpp-python 0.3.36). */
static const uint32_t references[][2] = {
    {0x1ea94d3f, 0x412504ec},
    {0xaa73291e, 0xe1478588},
    {0xf394056a, 0xfd77c80c},
    {0x5ba5bf88, 0xf2b5146d},
    {0xfb2387, 0xfb61823d},
    {0xc5c824c7, 0x7b811d37},
    {0x3274193f, 0x5c840a7e},
    {0x6cb8ee9e, 0x6cb8ee9e},
};

static void every_tensor_gets_the_type_that_llama_quantize_gives_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        for (int has_importance = 0; has_importance < 2; has_importance++) {
            struct strbuf b = STRBUF_INIT;
            struct err e = ERR_NONE;
            struct gguf *g;
            uint32_t crc = 0xffffffff;
            build(&b, &models[i]);
            assert_int_equal(gguf_open_bytes(&g, b.s, b.len, "model", &e), 0);
            for (size_t k = 0; mix_at(k); k++) {
                struct mix_tensor *p = mix_plan(mix_at(k), g, has_importance);
                assert_non_null(p);
                for (size_t t = 0; t < gguf_n_tensors(g); t++)
                    crc = crc_add(crc, (unsigned char)p[t].type);
                mem_free(p);
            }
            if (~crc != references[i][has_importance])
                fail_msg("model %zu: {%d} %#x", i, has_importance, ~crc);
            gguf_close(g);
            strbuf_release(&b);
        }
}

static void tensors_are_written_by_layer_and_then_by_name(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct gguf *g;
    struct mix_tensor *p;
    (void)state;
    build(&b, &models[0]);
    assert_int_equal(gguf_open_bytes(&g, b.s, b.len, "model", &e), 0);
    p = mix_plan(mix_by_name("q8_0", 4), g, 0);
    assert_memory_equal(p[0].tensor->name.s, "output.weight", 13);
    assert_memory_equal(p[2].tensor->name.s, "token_embd", 10);
    assert_memory_equal(p[3].tensor->name.s, "blk.0.attn_k.", 13);
    assert_memory_equal(p[12].tensor->name.s, "blk.1.attn_k.", 13);
    assert_int_equal(p[3 + 9 * 10].layer, 10);
    mem_free(p);
    gguf_close(g);
    strbuf_release(&b);
}

static void only_what_is_useless_without_importance_asks_for_it(void **state)
{
    static const struct {
        const char *mix;
        int asks;
    } cases[] = {{"iq2_xs", 1},  {"iq1_s", 1}, {"iq3_xxs", 1}, {"q2_k_s", 1}, {"q2_k", 0},
                 {"iq3_s", 0},   {"iq4_xs", 0}, {"iq3_xs", 1},  {"tq1_0", 0}, {"q3_k_m", 0}};
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct gguf *g;
    (void)state;
    build(&b, &models[0]);
    assert_int_equal(gguf_open_bytes(&g, b.s, b.len, "model", &e), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mix_tensor *p = mix_plan(mix_by_name(cases[i].mix, strlen(cases[i].mix)), g, 0);
        int asks = 0;
        for (size_t t = 0; t < gguf_n_tensors(g); t++)
            asks |= p[t].needs_importance;
        if (asks != cases[i].asks)
            fail_msg("%s", cases[i].mix);
        mem_free(p);
    }
    gguf_close(g);
    strbuf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tensor_gets_the_type_that_llama_quantize_gives_it),
        cmocka_unit_test(tensors_are_written_by_layer_and_then_by_name),
        cmocka_unit_test(only_what_is_useless_without_importance_asks_for_it),
    };
    return RUN(tests);
}
