/* Hugging Face folders: tensors as views and as copies, keys, and what is refused. */
#include "tests/test.h"

#include "base/mem.h"
#include "runners/hf.h"
#include "tests/hf_sample.h"

/* ---- tensors --------------------------------------------------------------------------------- */

static void plain_tensors_are_views_of_the_file(void **state)
{
    struct weights w = {0};
    struct gguf *g;
    int halves = 0;
    (void)state;

    sample_floats(&w, "model.embed_tokens.weight", "[8,4]", 32);
    sample_floats(&w, "model.layers.0.self_attn.q_proj.weight", "[4,4]", 16);
    sample_floats(&w, "model.layers.0.self_attn.q_proj.bias", "[4]", 4);
    sample_floats(&w, "model.layers.0.self_attn.rotary_emb.inv_freq", "[1]", 1);
    sample_floats(&w, "model.layers.1.mlp.up_proj.weight", "[4,4]", 16); /* beyond the last layer */
    sample_finish(&w);
    g = sample_open(LLAMA);
    assert_int_equal(gguf_n_tensors(g), 3);
    assert_int_equal(gguf_made_bytes(g), 0);
    assert_int_equal(gguf_file_bytes(g), sample_image.len);
    assert_true(sample_is_mapped(g, "token_embd.weight"));
    assert_true(sample_is_mapped(g, "blk.0.attn_q.weight"));
    sample_shape(g, "token_embd.weight", 4, 8, 1);
    sample_shape(g, "blk.0.attn_q.bias", 4, 1, 1);
    sample_values(g, "blk.0.attn_q.weight", sample_counted(16), 16); /* not permuted: */
    assert_int_equal(gguf_get_bool(g, "densimeter.rope.halves", &halves, NULL), 1);
    assert_int_equal(halves, 1);
    sample_close(g);
}

static void halves_of_rows_are_views_too(void **state)
{
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    sample_floats(&w, "transformer.layers.0.ffn.proj_1.weight", "[4,2]", 8);
    sample_finish(&w);
    g = sample_open("\"architectures\":[\"OpenELMForCausalLM\"],\"model_dim\":2,\"head_dim\":2,"
                  "\"num_transformer_layers\":1,\"num_query_heads\":[1],\"num_kv_heads\":[1],"
                  "\"ffn_multipliers\":[1.0],\"ffn_dim_divisor\":2");
    assert_true(sample_is_mapped(g, "blk.0.ffn_up.weight"));
    sample_values(g, "blk.0.ffn_gate.weight", sample_counted(4), 4);
    sample_values(g, "blk.0.ffn_up.weight", (const float[]){4, 5, 6, 7}, 4);
    sample_close(g);
}

static void experts_are_named_one_by_one(void **state)
{
    struct weights w = {0};
    struct gguf *g;
    int64_t n = 0;
    (void)state;

    sample_floats(&w, "model.layers.0.block_sparse_moe.experts.11.w3.weight", "[2,4]", 8);
    sample_floats(&w, "model.layers.0.block_sparse_moe.gate.weight", "[12,4]", 48);
    sample_finish(&w);
    g = sample_open("\"architectures\":[\"MixtralForCausalLM\"],\"num_local_experts\":12,"
                  "\"num_experts_per_tok\":2," SIZES);
    assert_true(sample_is_mapped(g, "blk.0.ffn_up.11.weight"));
    sample_shape(g, "blk.0.ffn_gate_inp.weight", 4, 12, 1);
    assert_int_equal(gguf_get_int(g, "llama.expert_used_count", &n, NULL), 1);
    assert_int_equal(n, 2);
    sample_close(g);
}

static void matrices_of_gpt2_are_transposed(void **state)
{
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    sample_floats(&w, "h.0.mlp.c_fc.weight", "[2,3]", 6);
    sample_floats(&w, "h.0.mlp.c_fc.bias", "[3]", 3);
    sample_finish(&w);
    g = sample_open("\"architectures\":[\"GPT2LMHeadModel\"],\"n_embd\":2,\"n_layer\":1,"
                  "\"n_head\":1,\"n_positions\":8");
    sample_shape(g, "blk.0.ffn_up.weight", 2, 3, 1);
    sample_values(g, "blk.0.ffn_up.weight", (const float[]){0, 3, 1, 4, 2, 5}, 6);
    sample_values(g, "blk.0.ffn_up.bias", sample_counted(3), 3);
    assert_int_equal(gguf_made_bytes(g), 24);
    sample_close(g);
}

/* Two key heads of one query head each: rows q0 k0 v0 q1 k1 v1, one wide. */
static void grouped_rows_are_dealt_to_q_k_and_v(void **state)
{
    static const float want[] = {0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11};
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    sample_floats(&w, "gpt_neox.layers.0.attention.query_key_value.weight", "[6,2]", 12);
    sample_floats(&w, "gpt_neox.layers.0.attention.query_key_value.bias", "[6]", 6);
    sample_finish(&w);
    g = sample_open("\"architectures\":[\"GPTNeoXForCausalLM\"],\"hidden_size\":2,"
                  "\"num_hidden_layers\":1,\"num_attention_heads\":2,\"rotary_pct\":1.0");
    sample_values(g, "blk.0.attn_qkv.weight", want, 12);
    sample_values(g, "blk.0.attn_qkv.bias", (const float[]){0, 3, 1, 4, 2, 5}, 6);
    sample_close(g);
}

static void norms_get_the_one_that_they_lack(void **state)
{
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    sample_floats(&w, "model.norm.weight", "[4]", 4);
    sample_finish(&w);
    g = sample_open("\"model_type\":\"gemma\"," SIZES);
    sample_values(g, "output_norm.weight", (const float[]){1, 2, 3, 4}, 4);
    sample_close(g);
}

/* {experts, in, 2 out} with gate and up in turns; biases {experts, 2 out}. */
static void gates_and_ups_of_gpt_oss_are_parted(void **state)
{
    static const float gate[] = {0, 4, 2, 6, 8, 12, 10, 14}, up[] = {1, 5, 3, 7, 9, 13, 11, 15};
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    sample_floats(&w, "model.layers.0.mlp.experts.gate_up_proj", "[2,2,4]", 16);
    sample_floats(&w, "model.layers.0.mlp.experts.gate_up_proj_bias", "[2,4]", 8);
    sample_finish(&w);
    g = sample_open("\"architectures\":[\"GptOssForCausalLM\"]," SIZES);
    sample_shape(g, "blk.0.ffn_gate_exps.weight", 2, 2, 2);
    sample_values(g, "blk.0.ffn_gate_exps.weight", gate, 8);
    sample_values(g, "blk.0.ffn_up_exps.weight", up, 8);
    sample_shape(g, "blk.0.ffn_up_exps.bias", 2, 2, 1);
    sample_values(g, "blk.0.ffn_up_exps.bias", (const float[]){1, 3, 5, 7}, 4);
    sample_close(g);
}

static void norms_of_heads_are_stacked(void **state)
{
    static const char config[] = "\"architectures\":[\"StableLmForCausalLM\"]," SIZES;
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    sample_floats(&w, "model.layers.0.self_attn.q_layernorm.norms.1.weight", "[2]", 2);
    sample_floats(&w, "model.layers.0.self_attn.q_layernorm.norms.0.weight", "[2]", 2);
    sample_finish(&w);
    g = sample_open(config);
    sample_shape(g, "blk.0.attn_q_norm.weight", 2, 2, 1);
    sample_values(g, "blk.0.attn_q_norm.weight", (const float[]){0, 1, 0, 1}, 4);
    sample_close(g);
    sample_floats(&w, "model.layers.0.self_attn.q_layernorm.norms.2.weight", "[2]", 2);
    sample_finish(&w);
    sample_refused(config, "one of the 3 tensors that make up blk.0.attn_q_norm.weight");
    strbuf_release(&sample_image);
}

static void a_copy_of_the_embedding_is_no_output(void **state)
{
    struct weights w = {0};
    struct gguf *g;
    (void)state;

    sample_floats(&w, "lm_head.weight", "[8,4]", 32);
    sample_finish(&w);
    g = sample_open(LLAMA ",\"tie_word_embeddings\":true");
    assert_int_equal(gguf_n_tensors(g), 0);
    gguf_close(g);
    g = sample_open(LLAMA);
    assert_non_null(gguf_tensor_find(g, "output.weight"));
    sample_close(g);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* transformers 4.57.6, modeling_rope_utils.py. */
static const float llama3_want[] = {
    1.0f, 3.29953932762146f, 8.0f, 7.999999523162842f, 8.0f, 7.999999523162842f,
    7.999999523162842f, 7.999999523162842f};

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
    strbuf_release(&sample_image);
    weights_raw(&sample_image, "{}", 0);
    return sample_open(config);
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
    sample_close(g);
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
    sample_close(g);
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
    sample_close(g);
    g = open_empty(LLAMA ",\"hidden_act\":\"silu\"");
    assert_int_equal(gguf_get_str(g, "llama.feed_forward.activation", &s, &e), 0);
    sample_close(g);
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
    sample_close(g);
}

static void switches_that_files_do_not_have_are_keys(void **state)
{
    struct gguf *g = open_empty("\"architectures\":[\"SmolLM3ForCausalLM\"],\"no_rope_layers\":[0],"
                                SIZES);
    enum gguf_type type;
    size_t n = 0;
    int on = 1;
    (void)state;

    assert_int_equal(gguf_get_array(g, "smollm3.attention.rope_layers", &type, &n, NULL), 1);
    assert_true(gguf_array_int(g, "smollm3.attention.rope_layers", 0) == 0);
    gguf_close(g);
    g = open_empty("\"architectures\":[\"Llama4ForCausalLM\"],\"use_qk_norm\":false," SIZES);
    assert_int_equal(gguf_get_bool(g, "llama4.attention.use_qk_norm", &on, NULL), 1);
    assert_int_equal(on, 0);
    gguf_close(g);
    g = open_empty("\"architectures\":[\"GptOssForCausalLM\"],\"rope_scaling\":{\"rope_type\":"
                   "\"yarn\",\"factor\":4.0,\"original_max_position_embeddings\":32}," SIZES);
    assert_int_equal(gguf_get_bool(g, "gpt-oss.rope.scaling.yarn_truncate", &on, NULL), 1);
    assert_int_equal(on, 1);
    gguf_close(g);
    g = open_empty("\"architectures\":[\"DeepseekV3ForCausalLM\"],\"kv_lora_rank\":2,"
                   "\"qk_nope_head_dim\":2,\"qk_rope_head_dim\":2,\"v_head_dim\":2,"
                   "\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4.0,\"mscale\":1.0,"
                   "\"mscale_all_dim\":0.5,\"original_max_position_embeddings\":32}," SIZES);
    assert_close(key(g, "deepseek2.rope.scaling.yarn_attn_factor"),
                 (1 + 0.1 * log(4)) / (1 + 0.05 * log(4)), 1e-6);
    gguf_close(g);
    g = open_empty("\"architectures\":[\"GPT2LMHeadModel\"],\"scale_attn_weights\":false,"
                   "\"scale_attn_by_inverse_layer_idx\":true," SIZES);
    assert_true(key(g, "gpt2.attention.scale") == 1);
    assert_int_equal(gguf_get_bool(g, "gpt2.attention.scale_by_layer", &on, NULL), 1);
    assert_int_equal(on, 1);
    sample_refused("\"architectures\":[\"BloomForCausalLM\"],"
                   "\"apply_residual_connection_post_layernorm\":true," SIZES,
                   "apply_residual_connection_post_layernorm");
    sample_close(g);
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
    sample_close(g);
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
    sample_close(g);
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
    sample_close(g);
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

    strbuf_release(&sample_image);
    weights_raw(&sample_image, "{}", 0);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        sample_refused(lies[i].config, lies[i].text);
        assert_int_equal(mem_live(), 1); /* the image */
    }
    strbuf_release(&sample_image);
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
        sample_floats(&w, lies[i].name, lies[i].shape, lies[i].n);
        sample_finish(&w);
        sample_refused(LLAMA, lies[i].text);
    }
    strbuf_release(&sample_image);
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
        cmocka_unit_test(rope_of_llama3_is_a_table_of_factors),
        cmocka_unit_test(rope_of_yarn_is_keys),
        cmocka_unit_test(another_activation_than_the_familys_is_a_key),
        cmocka_unit_test(newer_configs_keep_rope_in_one_place),
        cmocka_unit_test(switches_that_files_do_not_have_are_keys),
        cmocka_unit_test(windows_are_those_of_the_class),
        cmocka_unit_test(what_is_null_is_not_the_family_s_usual),
        cmocka_unit_test(the_language_part_of_a_config_counts),
        cmocka_unit_test(configs_that_lie_are_refused_by_name),
        cmocka_unit_test(tensors_that_lie_are_refused_by_name),
    };
    return RUN(tests);
}
