/* A Gemma 3n of random numbers: the logits that transformers computes of it, from a file and from a
 * folder, and the same bits however the work is cut. */
#include "tests/test.h"

#include "base/mem.h"
#include "runners/gguf_write.h"
#include "runners/quant.h"
#include "tests/tiny.h"
#include "tests/ways.h"
#include "tests/weights.h"

enum { EMBD = 32, HEADS = 2, DIM = 16, FF = 48, LAYERS = 5, SHARED = 2, PART = 8, LOW = 4,
       STREAMS = 4, VOCAB = 40, TOKENS = 24, WINDOW = 4, NAME = 96 };

/* % is the layer, # the number of a matrix that folders have apart. */
static const struct tensor {
    const char *name, *folder;
    int k, rows, slabs; /* rows 0: a vector */
    int is_norm;        /* around 1 */
} tensors[] = {
    {"token_embd.weight", "embed_tokens.weight", EMBD, VOCAB, 1, 0},
    {"output_norm.weight", "norm.weight", EMBD, 0, 1, 1},
    {"altup_proj.weight", "altup_projections.#.weight", EMBD, EMBD, STREAMS - 1, 0},
    {"altup_unembd_proj.weight", "altup_unembed_projections.#.weight", EMBD, EMBD, STREAMS - 1, 0},
    {"per_layer_token_embd.weight", "embed_tokens_per_layer.weight", PART * LAYERS, VOCAB, 1, 0},
    {"per_layer_model_proj.weight", "per_layer_model_projection.weight", EMBD, PART * LAYERS, 1, 0},
    {"per_layer_proj_norm.weight", "per_layer_projection_norm.weight", PART, 0, 1, 1},
    {"blk.%.attn_norm.weight", "layers.%.input_layernorm.weight", EMBD, 0, 1, 1},
    {"blk.%.attn_q.weight", "layers.%.self_attn.q_proj.weight", EMBD, HEADS * DIM, 1, 0},
    {"blk.%.attn_k.weight", "layers.%.self_attn.k_proj.weight", EMBD, DIM, 1, 0},
    {"blk.%.attn_v.weight", "layers.%.self_attn.v_proj.weight", EMBD, DIM, 1, 0},
    {"blk.%.attn_output.weight", "layers.%.self_attn.o_proj.weight", HEADS * DIM, EMBD, 1, 0},
    {"blk.%.attn_q_norm.weight", "layers.%.self_attn.q_norm.weight", DIM, 0, 1, 1},
    {"blk.%.attn_k_norm.weight", "layers.%.self_attn.k_norm.weight", DIM, 0, 1, 1},
    {"blk.%.post_attention_norm.weight", "layers.%.post_attention_layernorm.weight", EMBD, 0, 1, 1},
    {"blk.%.ffn_norm.weight", "layers.%.pre_feedforward_layernorm.weight", EMBD, 0, 1, 1},
    {"blk.%.ffn_gate.weight", "layers.%.mlp.gate_proj.weight", EMBD, FF, 1, 0},
    {"blk.%.ffn_up.weight", "layers.%.mlp.up_proj.weight", EMBD, FF, 1, 0},
    {"blk.%.ffn_down.weight", "layers.%.mlp.down_proj.weight", FF, EMBD, 1, 0},
    {"blk.%.post_ffw_norm.weight", "layers.%.post_feedforward_layernorm.weight", EMBD, 0, 1, 1},
    {"blk.%.inp_gate.weight", "layers.%.per_layer_input_gate.weight", EMBD, PART, 1, 0},
    {"blk.%.proj.weight", "layers.%.per_layer_projection.weight", PART, EMBD, 1, 0},
    {"blk.%.post_norm.weight", "layers.%.post_per_layer_input_norm.weight", EMBD, 0, 1, 1},
    {"blk.%.altup_correct_coef.weight", "layers.%.altup.correction_coefs.weight", STREAMS, STREAMS,
     1, 0},
    {"blk.%.altup_correct_scale.weight", "layers.%.altup.correct_output_scale", EMBD, 0, 1, 1},
    {"blk.%.altup_predict_coef.weight", "layers.%.altup.prediction_coefs.weight", STREAMS,
     STREAMS * STREAMS, 1, 0},
    {"blk.%.altup_router.weight", "layers.%.altup.modality_router.weight", EMBD, STREAMS, 1, 0},
    {"blk.%.altup_router_norm.weight", "layers.%.altup.router_norm.weight", EMBD, 0, 1, 1},
    {"blk.%.laurel_l.weight", "layers.%.laurel.linear_left.weight", EMBD, LOW, 1, 0},
    {"blk.%.laurel_r.weight", "layers.%.laurel.linear_right.weight", LOW, EMBD, 1, 0},
    {"blk.%.laurel_post_norm.weight", "layers.%.laurel.post_laurel_norm.weight", EMBD, 0, 1, 1},
};
enum { N_TENSORS = sizeof tensors / sizeof tensors[0] };

static void fill_in(char out[NAME], const char *pattern, char what, int number)
{
    const char *at = strchr(pattern, what);

    if (at)
        snprintf(out, NAME, "%.*s%d%s", (int)(at - pattern), pattern, number, at + 1);
    else
        snprintf(out, NAME, "%s", pattern);
}

static size_t elements(const struct tensor *t)
{
    return (size_t)t->k * (size_t)(t->rows ? t->rows : 1) * (size_t)t->slabs;
}

/* Numbers that depend on the tensor's name only (FNV-1a), so that others can make them, too. */
static float *numbers(const struct tensor *t, const char *name)
{
    size_t n = elements(t);
    float *v = malloc(n * sizeof *v);
    uint64_t state = 0xcbf29ce484222325;
    double scale = 1.5 / sqrt(t->k);

    assert_non_null(v);
    for (const char *c = name; *c; c++)
        state = (state ^ (uint8_t)*c) * 0x100000001b3;
    for (size_t i = 0; i < n; i++) {
        double u = (double)(tiny_random(&state) >> 40) / (1 << 23) - 1;
        v[i] = (float)(t->is_norm ? 1 + 0.3 * u : u * scale);
    }
    return v;
}

struct edit { /* what a file says that it should not */
    const char *key;
    uint32_t value;
    const char *tensor; /* has one row, or matrix, less */
    const char *error;
};

static void put_keys(struct gguf_writer *w, const struct edit *edit)
{
    static const struct {
        const char *name;
        uint32_t value;
    } ints[] = {
        {"gemma3n.context_length", 64}, {"gemma3n.embedding_length", EMBD},
        {"gemma3n.block_count", LAYERS}, {"gemma3n.feed_forward_length", FF},
        {"gemma3n.attention.head_count", HEADS}, {"gemma3n.attention.head_count_kv", 1},
        {"gemma3n.attention.key_length", DIM}, {"gemma3n.attention.value_length", DIM},
        {"gemma3n.attention.sliding_window", WINDOW},
        {"gemma3n.attention.shared_kv_layers", SHARED},
        {"gemma3n.altup.active_idx", 0}, {"gemma3n.altup.num_inputs", STREAMS},
        {"gemma3n.embedding_length_per_layer_input", PART},
    };
    static const int32_t windows[LAYERS] = {1, 0, 1, 0, 1};
    static char texts[VOCAB][16];
    struct gguf_str strs[VOCAB];
    const float cut[LAYERS] = {1.6448536f, 0.5244005f, -INFINITY, -0.25334710f, -INFINITY};

    gguf_put_str(w, "general.architecture", "gemma3n", 7);
    for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++)
        gguf_put_u32(w, ints[i].name, edit->key && strcmp(edit->key, ints[i].name) == 0
                                          ? edit->value : ints[i].value);
    gguf_put_f32(w, "gemma3n.attention.layer_norm_rms_epsilon", 1e-6f);
    gguf_put_f32(w, "gemma3n.rope.freq_base", 50000);
    gguf_put_bools(w, "gemma3n.attention.sliding_window_pattern", windows, LAYERS);
    gguf_put_f32s(w, "gemma3n.activation_sparsity_scale", cut, LAYERS);
    for (int i = 0; i < VOCAB; i++) {
        snprintf(texts[i], sizeof texts[i], "t%d", i);
        strs[i] = (struct gguf_str){texts[i], strlen(texts[i])};
    }
    gguf_put_str(w, "tokenizer.ggml.model", "llama", 5);
    gguf_put_strs(w, "tokenizer.ggml.tokens", strs, VOCAB);
}

static int layers_of(const struct tensor *t)
{
    return strchr(t->name, '%') ? LAYERS : 1;
}

static void make_file(const char *dir, const struct edit *edit)
{
    static const char zeros[GGUF_ALIGNMENT];
    struct gguf_writer w = {0};
    struct strbuf data = STRBUF_INIT, image = STRBUF_INIT;
    char names[N_TENSORS][LAYERS][NAME];

    put_keys(&w, edit);
    for (int i = 0; i < N_TENSORS; i++)
        for (int l = 0; l < layers_of(&tensors[i]); l++) {
            const struct tensor *t = &tensors[i];
            uint64_t ne[4] = {(uint64_t)t->k, (uint64_t)(t->rows ? t->rows : 1),
                              (uint64_t)t->slabs, 1};
            int dims = t->slabs > 1 ? 3 : t->rows ? 2 : 1;
            float *v;
            size_t bytes;
            fill_in(names[i][l], t->name, '%', l);
            v = numbers(t, names[i][l]);
            if (edit->tensor && strcmp(edit->tensor, names[i][l]) == 0)
                ne[dims - 1]--;
            bytes = (size_t)(ne[0] * ne[1] * ne[2]) * sizeof *v;
            gguf_put_tensor(&w, (struct gguf_str){names[i][l], strlen(names[i][l])}, dims, ne,
                            QUANT_F32, bytes);
            strbuf_add(&data, v, bytes);
            strbuf_add(&data, zeros, gguf_padding(bytes));
            free(v);
        }
    assert_int_equal(gguf_write_head(&w, &image, NULL), 0);
    strbuf_add(&image, data.s, data.len);
    assert_int_equal(strbuf_ok(&image, NULL), 0);
    folder_put(dir, "model.gguf", image.s, image.len);
    strbuf_release(&data);
    strbuf_release(&image);
    gguf_writer_release(&w);
}

static void make_folder(const char *dir)
{
    static const char config[] =
        "{\"architectures\":[\"Gemma3nForCausalLM\"],\"model_type\":\"gemma3n_text\","
        "\"hidden_size\":32,\"num_attention_heads\":2,\"num_key_value_heads\":1,\"head_dim\":16,"
        "\"intermediate_size\":48,\"num_hidden_layers\":5,\"num_kv_shared_layers\":2,"
        "\"hidden_size_per_layer_input\":8,\"laurel_rank\":4,\"altup_num_inputs\":4,"
        "\"altup_active_idx\":0,\"vocab_size\":40,\"sliding_window\":4,\"rms_norm_eps\":1e-6,"
        "\"max_position_embeddings\":64,\"rope_theta\":50000.0,\"rope_local_base_freq\":10000.0,"
        "\"activation_sparsity_pattern\":[0.95,0.7,0,0.4,0],\"layer_types\":[\"sliding_attention\","
        "\"full_attention\",\"sliding_attention\",\"full_attention\",\"sliding_attention\"]}";
    struct weights w = {0};
    struct strbuf image = STRBUF_INIT;
    char name[NAME], from[NAME], full[NAME + 32], shape[48];

    for (int i = 0; i < N_TENSORS; i++)
        for (int l = 0; l < layers_of(&tensors[i]); l++) {
            const struct tensor *t = &tensors[i];
            size_t n = elements(t) / (size_t)t->slabs;
            fill_in(name, t->name, '%', l);
            float *v = numbers(t, name);
            fill_in(from, t->folder, '%', l);
            snprintf(shape, sizeof shape, t->rows ? "[%d,%d]" : "[%d]", t->rows ? t->rows : t->k,
                     t->k);
            for (int s = 0; s < t->slabs; s++) {
                fill_in(name, from, '#', s);
                snprintf(full, sizeof full, "model.%s", name);
                weights_add(&w, full, "F32", shape, v + (size_t)s * n, n * sizeof *v);
            }
            free(v);
        }
    weights_finish(&w, &image);
    folder_put(dir, "model.safetensors", image.s, image.len);
    folder_put(dir, "config.json", config, sizeof config - 1);
    strbuf_release(&image);
    strbuf_addf(&image, "{\"added_tokens\":[],\"model\":{\"type\":\"WordLevel\","
                        "\"unk_token\":\"t0\",\"vocab\":{");
    for (int i = 0; i < VOCAB; i++)
        strbuf_addf(&image, "%s\"t%d\":%d", i ? "," : "", i, i);
    strbuf_addf(&image, "}}}");
    assert_int_equal(strbuf_ok(&image, NULL), 0);
    folder_put(dir, "tokenizer.json", image.s, image.len);
    strbuf_release(&image);
}

static int32_t ids[TOKENS];
static float got[TOKENS * VOCAB];
static char dir[256], path[300];

static struct ways_case the_case(const char *from)
{
    for (int i = 0; i < TOKENS; i++)
        ids[i] = (7 * i * i + 3 * i + 1) % VOCAB;
    return (struct ways_case){.name = "gemma3n", .path = from, .ids = ids, .n = TOKENS,
                              .context = 64, .n_vocab = VOCAB, .got = got};
}

static void make(const struct edit *edit)
{
    folder_make(dir);
    make_file(dir, edit);
    snprintf(path, sizeof path, "%s/model.gguf", dir);
}

/* Gemma3nForCausalLM of transformers 4.57.6 in double, of the numbers above. */
static void check_logits(const struct ways_case *c)
{
    static const struct {
        int position;
        float logits[VOCAB];
    } rows[] = {
        {9, {0.48614f, -1.11868f, 0.94052f, -0.12689f, -1.10094f, 0.52351f, -0.74340f, 0.96126f,
              -1.16485f, -0.24364f, 0.25400f, 1.08429f, -0.89202f, -0.61918f, -1.51165f,
              0.26642f, 0.94690f, -0.31809f, -0.71217f, -0.04656f, 0.01102f, 0.26456f,
              1.50433f, -1.22709f, 0.74948f, -0.07394f, -0.69680f, 1.67411f, 0.77647f,
              -0.09782f, -0.23056f, -0.40778f, -0.26305f, -0.99252f, -0.66444f, 0.05974f,
              -0.18987f, 1.28447f, 0.42825f, -0.49916f}},
        {23, {0.17935f, 1.09351f, -0.28779f, -0.04798f, -0.40748f, -0.77030f, 0.66938f, 1.46186f,
              -0.10117f, -0.83085f, -0.04217f, -1.47729f, -1.24129f, 0.58849f, 0.07607f,
              -0.00813f, 1.09818f, 0.49687f, -0.70807f, 0.09100f, -0.29987f, 1.33680f,
              -0.48506f, 0.67876f, 0.51142f, -1.40869f, -0.10153f, -0.08744f, 0.90490f,
              -0.44978f, -0.30821f, -0.43720f, 0.10693f, -1.21986f, -0.78810f, 2.29424f,
              0.32908f, 1.32076f, 0.90648f, 0.21992f}},
    };

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        for (int i = 0; i < VOCAB; i++) {
            float mine = c->got[rows[k].position * VOCAB + i];
            if (!(fabsf(mine - rows[k].logits[i]) <= 1e-4f * 2.3f))
                fail_msg("position %d, token %d: %g, expected %g", rows[k].position, i, mine,
                         rows[k].logits[i]);
        }
}

static void a_file_has_the_logits_of_transformers_and_bits_of_its_own(void **state)
{
    const struct edit none = {0};
    (void)state;
    make(&none);
    struct ways_case c = the_case(path);
    ways_compute(&c, (struct runner_opts){.threads = 2}, c.got);
    check_logits(&c);
    ways_cut(&c);
    ways_shared_prefix(&c);
    folder_remove(dir);
}

static void a_folder_has_them_too(void **state)
{
    (void)state;
    folder_make(dir);
    make_folder(dir);
    struct ways_case c = the_case(dir);
    ways_compute(&c, (struct runner_opts){.threads = 1}, c.got);
    check_logits(&c);
    ways_cut(&c);
    folder_remove(dir);
}

static void a_file_that_lies_is_refused_with_what_is_wrong(void **state)
{
    static const struct edit edits[] = {
        {.key = "gemma3n.altup.active_idx", .value = 4, .error = "stream 4 of 4"},
        {.key = "gemma3n.altup.num_inputs", .value = 3, .error = "matrices for 3 streams"},
        {.key = "gemma3n.altup.num_inputs", .value = 1, .error = "altup.num_inputs"},
        {.key = "gemma3n.attention.shared_kv_layers", .value = 4, .error = "keys and values"},
        {.key = "gemma3n.embedding_length_per_layer_input", .value = 9, .error = "per_layer"},
        {.tensor = "altup_proj.weight", .error = "2 matrices for 4 streams"},
        {.tensor = "blk.1.altup_predict_coef.weight", .error = "has 15 rows, expected 16"},
        {.tensor = "blk.2.altup_correct_coef.weight", .error = "has 3 rows, expected 4"},
        {.tensor = "blk.0.altup_correct_scale.weight", .error = "altup_correct_scale"},
        {.tensor = "blk.0.laurel_r.weight", .error = "laurel"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        struct runner_opts o = {.threads = 1};
        struct runner *r = NULL;
        struct err e = ERR_NONE;
        make(&edits[i]);
        assert_int_equal(runner_open(&r, path, &o, &e), -1);
        if (!strstr(e.text, edits[i].error) || strchr(e.text, '\n'))
            fail_msg("edit %zu: %s", i, e.text);
        folder_remove(dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_the_logits_of_transformers_and_bits_of_its_own),
        cmocka_unit_test(a_folder_has_them_too),
        cmocka_unit_test(a_file_that_lies_is_refused_with_what_is_wrong),
    };
    return RUN(tests);
}
