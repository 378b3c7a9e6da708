#include "tests/tiny.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "runners/gguf_write.h"
#include "runners/quant.h"
#include "runners/quantize.h"

enum { CONTEXT = 256, TOKENS_MAX = 512 };
enum { TYPE_NORMAL = 1, TYPE_UNKNOWN, TYPE_CONTROL, TYPE_BYTE = 6 };

static const char chat_template[] =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/* Each word is built up from its left, so that all its prefixes are tokens too. */
static const char *const words[] = {"the", "and", "of", "to", "in", "is", "that", "it", "was",
                                    "capital", "city", "water", "answer", "question", "A", "B",
                                    "C", "D", "yes", "no", "one", "two"};

struct vocab {
    char text[TOKENS_MAX][32];
    float score[TOKENS_MAX];
    int32_t type[TOKENS_MAX];
    char merge[TOKENS_MAX][32];
    int n, n_merges;
};

uint64_t tiny_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static int find(const struct vocab *v, const char *text)
{
    for (int i = 0; i < v->n; i++)
        if (strcmp(v->text[i], text) == 0)
            return i;
    return -1;
}

static void add(struct vocab *v, const char *text, int type)
{
    if (v->n < TOKENS_MAX && find(v, text) < 0) {
        snprintf(v->text[v->n], sizeof v->text[0], "%s", text);
        v->type[v->n] = type;
        v->score[v->n] = type == TYPE_NORMAL ? -(float)v->n : 0;
        v->n++;
    }
}

static void add_merge(struct vocab *v, const char *left, const char *right)
{
    char both[32];

    snprintf(both, sizeof both, "%s%s", left, right);
    if (find(v, both) >= 0)
        return;
    add(v, both, TYPE_NORMAL);
    snprintf(v->merge[v->n_merges++], sizeof v->merge[0], "%s %s", left, right);
}

/* `space` stands for a blank in token texts. */
static void add_words(struct vocab *v, const char *space)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char left[24], right[2] = {0};
        snprintf(left, sizeof left, "%s", space);
        for (const char *c = words[i]; *c; c++) {
            right[0] = *c;
            add_merge(v, left, right);
            strcat(left, right);
        }
    }
}

static void put_utf8(char *s, int code) /* code < 0x800 */
{
    if (code < 0x80) {
        s[0] = (char)code;
        s[1] = 0;
    } else {
        s[0] = (char)(0xc0 | code >> 6);
        s[1] = (char)(0x80 | (code & 63));
        s[2] = 0;
    }
}

static void spm_vocab(struct vocab *v)
{
    char text[8];

    add(v, "<unk>", TYPE_UNKNOWN);
    add(v, "<s>", TYPE_CONTROL);
    add(v, "</s>", TYPE_CONTROL);
    add(v, "<|im_start|>", TYPE_CONTROL);
    add(v, "<|im_end|>", TYPE_CONTROL);
    for (int i = 0; i < 256; i++) {
        snprintf(text, sizeof text, "<0x%02X>", i);
        add(v, text, TYPE_BYTE);
    }
    add_words(v, "\xe2\x96\x81");
    add(v, "\xe2\x96\x81", TYPE_NORMAL);
    for (int c = 0x21; c < 0x7f; c++) {
        put_utf8(text, c);
        add(v, text, TYPE_NORMAL);
    }
}

static void bpe_vocab(struct vocab *v)
{
    char text[8];
    int next = 256;

    add(v, "<|endoftext|>", TYPE_CONTROL);
    add(v, "<|im_start|>", TYPE_CONTROL);
    add(v, "<|im_end|>", TYPE_CONTROL);
    for (int i = 0; i < 256; i++) { /* bytes as GPT-2 prints them */
        int plain = (i > 0x20 && i < 0x7f) || (i > 0xa0 && i != 0xad);
        put_utf8(text, plain ? i : next++);
        add(v, text, TYPE_NORMAL);
    }
    add_words(v, "\xc4\xa0");
}

static void put_vocab(struct gguf_writer *w, const struct vocab *v, int is_bpe)
{
    struct gguf_str texts[TOKENS_MAX], merges[TOKENS_MAX];

    for (int i = 0; i < v->n; i++)
        texts[i] = (struct gguf_str){v->text[i], strlen(v->text[i])};
    for (int i = 0; i < v->n_merges; i++)
        merges[i] = (struct gguf_str){v->merge[i], strlen(v->merge[i])};
    gguf_put_str(w, "tokenizer.ggml.model", is_bpe ? "gpt2" : "llama", is_bpe ? 4 : 5);
    if (is_bpe)
        gguf_put_str(w, "tokenizer.ggml.pre", "smollm", 6);
    gguf_put_strs(w, "tokenizer.ggml.tokens", texts, (size_t)v->n);
    gguf_put_i32s(w, "tokenizer.ggml.token_type", v->type, (size_t)v->n);
    if (is_bpe)
        gguf_put_strs(w, "tokenizer.ggml.merges", merges, (size_t)v->n_merges);
    else
        gguf_put_f32s(w, "tokenizer.ggml.scores", v->score, (size_t)v->n);
    gguf_put_u32(w, "tokenizer.ggml.bos_token_id", is_bpe ? 0 : 1);
    gguf_put_u32(w, "tokenizer.ggml.eos_token_id", 2);
    gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", 0);
    gguf_put_bool(w, "tokenizer.ggml.add_bos_token", !is_bpe);
    gguf_put_str(w, "tokenizer.chat_template", chat_template, sizeof chat_template - 1);
}

static int heads(const struct tiny_opts *o)
{
    return o->heads ? o->heads : 4;
}

static int kv_heads(const struct tiny_opts *o)
{
    return o->kv_heads ? o->kv_heads : 2;
}

/* Sizes of the scan of a hybrid; a head of 24 channels fills no vector evenly. */
enum { SSM_INNER = 96, SSM_HEADS = 4, SSM_STATES = 40, SSM_GROUPS = 2, SSM_TAPS = 4 };

static int feed_forward(const struct tiny_opts *o, int embedding)
{
    return o->feed_forward ? o->feed_forward : 2 * embedding;
}

static const char *architecture(const struct tiny_opts *o)
{
    return o->is_hybrid ? "falcon-h1" : "llama";
}

static void put_number(struct gguf_writer *w, const struct tiny_opts *o, const char *name, int n)
{
    char key[64];

    snprintf(key, sizeof key, "%s.%s", architecture(o), name);
    gguf_put_u32(w, key, (uint32_t)n);
}

static void put_text(struct gguf_writer *w, const struct tiny_opts *o, const char *key,
                     const char *text)
{
    char name[64];

    snprintf(name, sizeof name, "%s.%s", architecture(o), key);
    if (text)
        gguf_put_str(w, name, text, strlen(text));
}

static void put_float(struct gguf_writer *w, const struct tiny_opts *o, const char *name, float x)
{
    char key[64];

    snprintf(key, sizeof key, "%s.%s", architecture(o), name);
    gguf_put_f32(w, key, x);
}

static void put_keys(struct gguf_writer *w, const struct tiny_opts *o, int embedding, int layers)
{
    gguf_put_str(w, "general.architecture", architecture(o), strlen(architecture(o)));
    gguf_put_str(w, "general.name", "tiny", 4);
    put_number(w, o, "context_length", o->context ? o->context : CONTEXT);
    put_number(w, o, "embedding_length", embedding);
    put_number(w, o, "block_count", layers + o->later_blocks);
    if (o->later_blocks)
        put_number(w, o, "nextn_predict_layers", o->later_blocks);
    put_number(w, o, "feed_forward_length", feed_forward(o, embedding));
    if (o->experts) {
        put_number(w, o, "expert_count", o->experts);
        put_number(w, o, "expert_used_count", o->experts_used);
    }
    put_number(w, o, "attention.head_count", heads(o));
    put_number(w, o, "attention.head_count_kv", kv_heads(o));
    put_float(w, o, "attention.layer_norm_rms_epsilon", 1e-5f);
    put_number(w, o, "rope.dimension_count", embedding / heads(o));
    put_float(w, o, "rope.freq_base", 10000);
    put_text(w, o, "rope.scaling.type", o->rope_scaling);
    put_text(w, o, "feed_forward.activation", o->activation);
    if (o->sees_later) {
        char key[64];
        snprintf(key, sizeof key, "%s.attention.causal", architecture(o));
        gguf_put_bool(w, key, 0);
    }
    if (o->window) {
        gguf_put_bool(w, "densimeter.windows", 1);
        put_number(w, o, "attention.sliding_window", o->window);
        put_number(w, o, "attention.sliding_window_pattern", 2);
    }
    if (o->is_hybrid) {
        put_number(w, o, "ssm.conv_kernel", SSM_TAPS);
        put_number(w, o, "ssm.inner_size", SSM_INNER);
        put_number(w, o, "ssm.state_size", SSM_STATES);
        put_number(w, o, "ssm.time_step_rank", SSM_HEADS);
        put_number(w, o, "ssm.group_count", SSM_GROUPS);
    }
    gguf_put_u32(w, "general.file_type", o->type == QUANT_Q8_0 ? 7 : (uint32_t)o->type);
}

/* Both passes over the tensors: infos first, then data. */
struct maker {
    struct gguf_writer *w; /* infos; NULL: data */
    struct strbuf *out;
    const struct tiny_opts *o;
    uint64_t random;
    int failed;
};

static void put_data(struct maker *m, const char *name, const struct quant *q, size_t cols,
                     size_t rows)
{
    static const char zeros[GGUF_ALIGNMENT];
    float *x = mem_alloc(cols * sizeof *x);
    uint8_t *blocks = mem_alloc(quant_bytes(q, cols));
    int is_norm = strstr(name, "norm") != NULL, is_decay = strstr(name, "ssm_a") != NULL;
    int is_gate_bias = strstr(name, "gate.bias") != NULL;
    /* the deviation of a weight below, times the root of the squares that a norm leaves */
    double sigma = sqrt((m->o->embedding ? m->o->embedding : 64) / 3.0) / 8;

    if (!x || !blocks)
        m->failed = 1;
    for (size_t r = 0; r < rows && !m->failed; r++) {
        for (size_t i = 0; i < cols; i++) { /* uniform in [-1, 1) times 1/8, or near 1, -1 */
            float u = (float)(tiny_random(&m->random) >> 40) * 0x1p-23f - 1;
            x[i] = is_gate_bias ? (float)(sigma * m->o->gate_bias)
                   : is_norm ? 1 + u / 8 : is_decay ? u / 8 - 1 : u / 8;
        }
        if (quantize_row(q->type, blocks, x, cols) < 0)
            m->failed = 1;
        strbuf_add(m->out, blocks, quant_bytes(q, cols));
    }
    strbuf_add(m->out, zeros, gguf_padding(quant_bytes(q, cols * rows)));
    mem_free(x);
    mem_free(blocks);
}

static void slabs(struct maker *m, const char *name, int cols, int rows, int n)
{
    const struct quant *q = quant_find(rows > 1 && cols % 32 == 0 ? m->o->type : QUANT_F32);
    uint64_t ne[3] = {(uint64_t)cols, (uint64_t)rows, (uint64_t)n};
    size_t all = (size_t)rows * (size_t)n;
    struct gguf_str s = {name, strlen(name)};

    if (m->w)
        gguf_put_tensor(m->w, s, n > 1 ? 3 : rows > 1 ? 2 : 1, ne, q->type,
                        quant_bytes(q, (size_t)cols * all));
    else
        put_data(m, name, q, (size_t)cols, all);
}

static void tensor(struct maker *m, const char *name, int cols, int rows)
{
    slabs(m, name, cols, rows, 1);
}

static void feed_forward_tensors(struct maker *m, int embedding, int layer)
{
    int ff = feed_forward(m->o, embedding), n = m->o->experts;
    const struct {
        const char *name;
        int cols, rows;
    } all[] = {{"gate", embedding, ff}, {"up", embedding, ff}, {"down", ff, embedding}};
    char name[64];

    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "blk.%d.ffn_%s%s.weight", layer, all[i].name, n ? "_exps" : "");
        slabs(m, name, all[i].cols, all[i].rows, n ? n : 1);
    }
    snprintf(name, sizeof name, "blk.%d.ffn_gate_inp.weight", layer);
    if (n)
        tensor(m, name, embedding, n);
    snprintf(name, sizeof name, "blk.%d.ffn_gate.bias", layer);
    if (m->o->gate_bias != 0)
        tensor(m, name, ff, 1);
}

static void hybrid_tensors(struct maker *m, int embedding, int layer)
{
    int conv = SSM_INNER + 2 * SSM_GROUPS * SSM_STATES;
    const struct {
        const char *name;
        int cols, rows;
    } all[] = {
        {"ssm_in.weight", embedding, SSM_INNER + conv + SSM_HEADS},
        {"ssm_conv1d.weight", SSM_TAPS, conv}, {"ssm_conv1d.bias", conv, 1},
        {"ssm_dt.bias", SSM_HEADS, 1}, {"ssm_a", 1, SSM_HEADS}, {"ssm_d", 1, SSM_HEADS},
        {"ssm_norm.weight", SSM_INNER / SSM_GROUPS, SSM_GROUPS},
        {"ssm_out.weight", SSM_INNER, embedding},
    };
    char name[64];

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        snprintf(name, sizeof name, "blk.%d.%s", layer, all[i].name);
        tensor(m, name, all[i].cols, all[i].rows);
    }
}

static void tensors(struct maker *m, int embedding, int layers, int n_vocab)
{
    int kv = embedding / heads(m->o) * kv_heads(m->o);
    const struct {
        const char *name;
        int cols, rows;
    } layer[] = {
        {"attn_norm", embedding, 1},    {"attn_q", embedding, embedding},
        {"attn_k", embedding, kv},      {"attn_v", embedding, kv},
        {"attn_output", embedding, embedding},
        {"ffn_norm", embedding, 1},
    };
    char name[64];

    tensor(m, "token_embd.weight", embedding, n_vocab);
    for (int l = 0; l < layers; l++) {
        for (size_t i = 0; i < sizeof layer / sizeof layer[0]; i++) {
            snprintf(name, sizeof name, "blk.%d.%s.weight", l, layer[i].name);
            tensor(m, name, layer[i].cols, layer[i].rows);
        }
        feed_forward_tensors(m, embedding, l);
        if (m->o->is_hybrid)
            hybrid_tensors(m, embedding, l);
    }
    tensor(m, "output_norm.weight", embedding, 1);
    if (!m->o->is_tied)
        tensor(m, "output.weight", embedding, n_vocab);
    for (int l = layers; l < layers + m->o->later_blocks; l++) {
        snprintf(name, sizeof name, "blk.%d.nextn.eh_proj.weight", l);
        tensor(m, name, 2 * embedding, embedding);
    }
}

int tiny_build(struct strbuf *out, const struct tiny_opts *o, struct err *e)
{
    int embedding = o->embedding ? o->embedding : 64, layers = o->layers ? o->layers : 2;
    struct vocab *v = mem_calloc(1, sizeof *v);
    struct gguf_writer w = {0};
    struct maker m = {.w = &w, .out = out, .o = o, .random = o->seed};
    int rc = -1;

    if (!v) {
        err_nomem(e);
        goto out;
    }
    if (o->is_bpe)
        bpe_vocab(v);
    else
        spm_vocab(v);
    put_keys(&w, o, embedding, layers);
    put_vocab(&w, v, o->is_bpe);
    tensors(&m, embedding, layers, v->n);
    if (gguf_write_head(&w, out, e) < 0)
        goto out;
    m.w = NULL;
    tensors(&m, embedding, layers, v->n);
    if (m.failed)
        err_set(e, ERR_UNSUPPORTED, "tiny: type %d of %d columns", o->type, embedding);
    else
        rc = strbuf_ok(out, e);
out:
    gguf_writer_release(&w);
    mem_free(v);
    return rc;
}

int tiny_write(const char *path, const struct tiny_opts *o, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = tiny_build(&b, o, e);

    if (rc == 0)
        rc = file_write(path, b.s, b.len, e);
    strbuf_release(&b);
    return rc;
}
