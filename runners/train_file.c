/* train_file.c -- the trained model as a GGUF file with a vocabulary of whole words.
 *
 * The vocabulary is a unigram one ("t5"): every word of the world is one token, with a blank in
 * front, and any other text is the unknown word. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "runners/gguf_write.h"
#include "runners/quant.h"
#include "runners/quantize.h"
#include "runners/train_impl.h"
#include "runners/vocab.h"

#define SPACE "\xe2\x96\x81"
enum { SPECIAL = 3, NAME_MAX_BYTES = 48 };

struct tensor {
    char name[NAME_MAX_BYTES];
    size_t at, cols, rows; /* rows 1: a norm */
};

/* Tensor i of the model; 0 after the last. */
static int tensor_at(const struct train *t, int i, struct tensor *out)
{
    static const struct {
        const char *name;
        size_t offset; /* in struct train_layer */
        int wide_in, wide_out, is_norm;
    } rows[] = {
        {"attn_norm", offsetof(struct train_layer, attn_norm), 0, 0, 1},
        {"attn_q", offsetof(struct train_layer, q), 0, 0, 0},
        {"attn_k", offsetof(struct train_layer, k), 0, 0, 0},
        {"attn_v", offsetof(struct train_layer, v), 0, 0, 0},
        {"attn_output", offsetof(struct train_layer, o), 0, 0, 0},
        {"ffn_norm", offsetof(struct train_layer, ffn_norm), 0, 0, 1},
        {"ffn_gate", offsetof(struct train_layer, gate), 0, 1, 0},
        {"ffn_up", offsetof(struct train_layer, up), 0, 1, 0},
        {"ffn_down", offsetof(struct train_layer, down), 1, 0, 0},
    };
    const struct train_shape *s = &t->o.shape;
    size_t d = (size_t)s->embedding, ff = (size_t)s->feed_forward;
    int per_layer = sizeof rows / sizeof *rows;

    if (i == 0) {
        *out = (struct tensor){"token_embd.weight", t->at.embedding, d, (size_t)s->vocab};
        return 1;
    }
    if (i - 1 < s->layers * per_layer) {
        int l = (i - 1) / per_layer, r = (i - 1) % per_layer;
        const char *of_layer = (const char *)&t->at.layer[l];
        *out = (struct tensor){"", *(const size_t *)(of_layer + rows[r].offset),
                               rows[r].wide_in ? ff : d,
                               rows[r].is_norm ? 1 : rows[r].wide_out ? ff : d};
        snprintf(out->name, sizeof out->name, "blk.%d.%s.weight", l, rows[r].name);
        return 1;
    }
    *out = (struct tensor){"output_norm.weight", t->at.norm, d, 1};
    return i - 1 == s->layers * per_layer;
}

static const struct quant *tensor_type(const struct tensor *x, const struct train_file *f)
{
    return quant_find(x->rows > 1 ? f->type : QUANT_F32);
}

static void put_text(struct gguf_writer *w, const char *key, const char *s)
{
    gguf_put_str(w, key, s, strlen(s));
}

static void put_keys(struct gguf_writer *w, const struct train *t, const struct train_file *f)
{
    const struct train_shape *s = &t->o.shape;

    put_text(w, "general.architecture", "llama");
    put_text(w, "general.name", f->name);
    put_text(w, "general.description", f->about);
    put_text(w, "general.license", f->licence);
    gguf_put_u32(w, "llama.context_length", (uint32_t)f->context);
    gguf_put_u32(w, "llama.embedding_length", (uint32_t)s->embedding);
    gguf_put_u32(w, "llama.block_count", (uint32_t)s->layers);
    gguf_put_u32(w, "llama.feed_forward_length", (uint32_t)s->feed_forward);
    gguf_put_u32(w, "llama.attention.head_count", (uint32_t)s->heads);
    gguf_put_u32(w, "llama.attention.head_count_kv", (uint32_t)s->heads);
    gguf_put_f32(w, "llama.attention.layer_norm_rms_epsilon", TRAIN_NORM_EPS);
    gguf_put_u32(w, "llama.rope.dimension_count", (uint32_t)(s->embedding / s->heads));
    gguf_put_f32(w, "llama.rope.freq_base", (float)TRAIN_ROPE_BASE);
}

static int put_vocab(struct gguf_writer *w, const struct train *t, const struct train_file *f,
                     struct err *e)
{
    static const char *const special[SPECIAL] = {"<unk>", "<s>", "</s>"};
    size_t n = (size_t)t->o.shape.vocab;
    struct gguf_str *texts = mem_calloc(n, sizeof *texts);
    float *scores = mem_calloc(n, sizeof *scores);
    int32_t *types = mem_calloc(n, sizeof *types);
    struct strbuf all = STRBUF_INIT;
    int rc = -1;

    for (size_t i = 0; i < n; i++)
        strbuf_addf(&all, "%s%s", i < SPECIAL ? "" : SPACE, i < SPECIAL ? special[i]
                                                                      : f->words[i - SPECIAL]);
    if (!texts || !scores || !types || strbuf_ok(&all, e) < 0) {
        err_nomem(e);
        goto out;
    }
    for (size_t i = 0, at = 0; i < n; at += texts[i++].n) {
        size_t len = i < SPECIAL ? strlen(special[i])
                                 : strlen(SPACE) + strlen(f->words[i - SPECIAL]);
        texts[i] = (struct gguf_str){all.s + at, len};
        scores[i] = i < SPECIAL ? 0 : -1;
        types[i] = i == 0 ? TOKEN_UNKNOWN : i < SPECIAL ? TOKEN_CONTROL : TOKEN_NORMAL;
    }
    put_text(w, "tokenizer.ggml.model", "t5");
    gguf_put_strs(w, "tokenizer.ggml.tokens", texts, n);
    gguf_put_f32s(w, "tokenizer.ggml.scores", scores, n);
    gguf_put_i32s(w, "tokenizer.ggml.token_type", types, n);
    gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", 0);
    gguf_put_u32(w, "tokenizer.ggml.bos_token_id", 1);
    gguf_put_u32(w, "tokenizer.ggml.eos_token_id", 2);
    gguf_put_bool(w, "tokenizer.ggml.add_bos_token", 1);
    gguf_put_bool(w, "tokenizer.ggml.add_eos_token", 0);
    gguf_put_bool(w, "tokenizer.ggml.add_space_prefix", 1);
    rc = 0;
out:
    strbuf_release(&all);
    mem_free(texts);
    mem_free(scores);
    mem_free(types);
    return rc;
}

static int put_data(struct strbuf *out, const struct train *t, const struct tensor *x,
                    const struct quant *q, struct err *e)
{
    static const char zeros[GGUF_ALIGNMENT];
    size_t bytes = quant_bytes(q, x->cols * x->rows), row = quant_bytes(q, x->cols);
    char *blocks = mem_alloc(row);
    int rc = 0;

    if (!blocks)
        return err_nomem(e);
    for (size_t r = 0; r < x->rows && rc == 0; r++) {
        rc = quantize_row(q->type, blocks, t->weights + x->at + r * x->cols, x->cols);
        strbuf_add(out, blocks, row);
    }
    strbuf_add(out, zeros, gguf_padding(bytes));
    mem_free(blocks);
    return rc < 0 ? err_set(e, ERR_NUMERIC, "%s: cannot be written as %s", x->name, q->name) : 0;
}

int train_write(const struct train *t, const char *path, const struct train_file *f, struct err *e)
{
    struct gguf_writer w = {0};
    struct strbuf out = STRBUF_INIT;
    struct tensor x;
    int rc = -1;

    put_keys(&w, t, f);
    if (put_vocab(&w, t, f, e) < 0)
        goto out;
    for (int i = 0; tensor_at(t, i, &x); i++) {
        const struct quant *q = tensor_type(&x, f);
        uint64_t ne[2] = {x.cols, x.rows};
        if (!q || x.cols % (size_t)q->block) {
            err_set(e, ERR_UNSUPPORTED, "%s: rows of %zu values do not fit the format", x.name,
                    x.cols);
            goto out;
        }
        gguf_put_tensor(&w, (struct gguf_str){x.name, strlen(x.name)}, x.rows > 1 ? 2 : 1, ne,
                        q->type, quant_bytes(q, x.cols * x.rows));
    }
    if (gguf_write_head(&w, &out, e) < 0)
        goto out;
    for (int i = 0; tensor_at(t, i, &x); i++)
        if (put_data(&out, t, &x, tensor_type(&x, f), e) < 0)
            goto out;
    if (strbuf_ok(&out, e) == 0)
        rc = file_write(path, out.s, out.len, e);
out:
    gguf_writer_release(&w);
    strbuf_release(&out);
    return rc;
}
