#include "runners/vocab.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* Texts that end a generation in whatever model has them. */
static const char *const end_texts[] = {
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<end_of_turn>",
    "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>",
    "<end_of_utterance>", "<eos>", "<turn|>",
    "<\xef\xbd\x9c\x65nd\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>",
    /* fill in the middle: padding, repository, file */
    "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]", "<|fim_repo|>", "<|repo_name|>",
    "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>",
};

static const char *const end_keys[] = {
    "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id",
    "tokenizer.ggml.fim_pad_token_id", "tokenizer.ggml.fim_rep_token_id",
    "tokenizer.ggml.fim_sep_token_id",
};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

int32_t vocab_find(const struct vocab *v, const char *s, size_t n)
{
    return n <= v->longest ? text_map_get(&v->by_text, v->text, s, n) : -1;
}

static int32_t find_text(const struct vocab *v, const char *s)
{
    return vocab_find(v, s, strlen(s));
}

int32_t vocab_byte(const struct vocab *v, unsigned char byte)
{
    char text[8];
    int32_t id;

    snprintf(text, sizeof text, "<0x%02X>", byte);
    id = find_text(v, text);
    return id >= 0 ? id : vocab_find(v, (const char *)&byte, 1);
}

/* A token without a text would match everywhere. */
static int rename_empty(struct vocab *v, int i, struct err *e)
{
    char text[24];
    char *copy;

    snprintf(text, sizeof text, "[EMPTY_%d]", i);
    copy = mem_strdup(text);
    if (!copy || mem_grow(&v->renamed, &v->cap_renamed, v->n_renamed + 1, sizeof copy) < 0) {
        mem_free(copy);
        return err_nomem(e);
    }
    v->renamed[v->n_renamed++] = copy;
    v->text[i] = (struct gguf_str){copy, strlen(copy)};
    return 0;
}

static int read_texts(struct vocab *v, const struct gguf *g, struct err *e)
{
    static const char key[] = "tokenizer.ggml.tokens";
    enum gguf_type type;
    size_t n = 0;

    if (gguf_get_array(g, key, &type, &n, e) < 1 || n == 0)
        return err_set(e, ERR_FORMAT, "%s: the file has no vocabulary (key '%s')", v->path, key);
    v->text = mem_calloc(n, sizeof *v->text);
    v->type = mem_calloc(n, 1);
    v->traits = mem_calloc(n, 1);
    if (!v->text || !v->type || !v->traits)
        return err_nomem(e);
    if (gguf_array_strs(g, key, v->text, n, e) < 0)
        return -1;
    v->n = (int)n; /* the reader allows 2^30 elements at most */
    if (text_map_reserve(&v->by_text, v->text, n) < 0)
        return err_nomem(e);
    for (int i = 0; i < v->n; i++) {
        if (v->text[i].n == 0 && rename_empty(v, i, e) < 0)
            return -1;
        if (v->text[i].n > v->longest)
            v->longest = v->text[i].n;
        if (text_map_put(&v->by_text, v->text, (uint32_t)i) < 0)
            return err_nomem(e);
    }
    return 0;
}

/* 1: the array is there and has an element per token. */
static int per_token(const struct vocab *v, const struct gguf *g, const char *key,
                     enum gguf_type wanted, struct err *e)
{
    enum gguf_type type;
    size_t n;

    if (gguf_get_array(g, key, &type, &n, e) < 1)
        return 0;
    if (type != wanted || n != (size_t)v->n)
        return err_set(e, ERR_FORMAT, "%s: key '%s' has %zu elements for %d tokens, or of the "
                       "wrong type", v->path, key, n, v->n);
    return 1;
}

static int read_types(struct vocab *v, const struct gguf *g, struct err *e)
{
    static const char key[] = "tokenizer.ggml.token_type";
    int there = per_token(v, g, key, GGUF_I32, e);

    for (int i = 0; i < v->n && there >= 0; i++) {
        int64_t type = there ? gguf_array_int(g, key, (size_t)i) : TOKEN_NORMAL;
        v->type[i] = type >= TOKEN_NORMAL && type <= TOKEN_BYTE ? (uint8_t)type : TOKEN_NORMAL;
    }
    return there < 0 ? -1 : 0;
}

static int read_scores(struct vocab *v, const struct gguf *g, struct err *e)
{
    static const char key[] = "tokenizer.ggml.scores";
    int there = per_token(v, g, key, GGUF_F32, e);

    if (there < 1)
        return there;
    v->score = mem_calloc((size_t)v->n, sizeof *v->score);
    if (!v->score)
        return err_nomem(e);
    for (int i = 0; i < v->n; i++) {
        float s = (float)gguf_array_f64(g, key, (size_t)i);
        v->score[i] = isnan(s) ? -INFINITY : s; /* NaN has no place in an order */
    }
    return 0;
}

/* An id out of range counts as absent, as files in circulation have such. */
static int read_id(const struct vocab *v, const struct gguf *g, const char *key, int32_t fallback,
                   int32_t *out, struct err *e)
{
    int64_t id = -1;

    if (gguf_get_int(g, key, &id, e) < 0)
        return -1;
    if (id < 0 || id >= v->n)
        id = fallback;
    *out = id >= 0 && id < v->n ? (int32_t)id : -1;
    return 0;
}

static int read_special(struct vocab *v, const struct gguf *g, const struct vocab_defaults *d,
                        struct err *e)
{
    v->adds_bos = d->adds_bos;
    v->adds_space = d->adds_space;
    if (read_id(v, g, "tokenizer.ggml.bos_token_id", d->bos, &v->bos, e) < 0 ||
        read_id(v, g, "tokenizer.ggml.eos_token_id", d->eos, &v->eos, e) < 0 ||
        read_id(v, g, "tokenizer.ggml.unknown_token_id", d->unk, &v->unk, e) < 0 ||
        gguf_get_bool(g, "tokenizer.ggml.add_bos_token", &v->adds_bos, e) < 0 ||
        gguf_get_bool(g, "tokenizer.ggml.add_space_prefix", &v->adds_space, e) < 0)
        return -1;
    return 0;
}

static int mark_ends(struct vocab *v, const struct gguf *g, struct err *e)
{
    int32_t id;

    if (v->eos >= 0)
        v->traits[v->eos] |= TOKEN_ENDS;
    for (size_t i = 0; i < COUNT(end_keys); i++) {
        if (read_id(v, g, end_keys[i], -1, &id, e) < 0)
            return -1;
        if (id >= 0)
            v->traits[id] |= TOKEN_ENDS;
    }
    for (size_t i = 0; i < COUNT(end_texts); i++) {
        id = find_text(v, end_texts[i]);
        if (id < 0)
            continue;
        v->traits[id] |= TOKEN_ENDS;
        v->type[id] = TOKEN_CONTROL; /* some converters call them normal */
    }
    /* gpt-oss: <|end|> only ends a message; <|return|> and <|call|> end the turn */
    id = find_text(v, "<|end|>");
    if (id >= 0 && find_text(v, "<|return|>") >= 0 && find_text(v, "<|call|>") >= 0)
        v->traits[id] &= (uint8_t)~TOKEN_ENDS;
    return 0;
}

static int name_has(struct gguf_str name, const char *part)
{
    size_t n = strlen(part);

    for (size_t i = 0; i + n <= name.n; i++)
        if (strncasecmp(name.s + i, part, n) == 0)
            return 1;
    return 0;
}

/* Phi-3 was trained with white space after its special tokens dropped; the file does not say so,
 * only its name does. */
static int mark_phi3(struct vocab *v, const struct gguf *g, struct err *e)
{
    static const char *const others[] = {"<unk>", "<s>", "<|endoftext|>"};
    struct gguf_str name = {"", 0};
    int32_t id;

    if (gguf_get_str(g, "general.name", &name, e) < 0)
        return -1;
    if (!name_has(name, "phi-3") && !name_has(name, "phi3"))
        return 0;
    for (int i = 0; i < v->n; i++)
        if (v->type[i] >= TOKEN_UNKNOWN && v->type[i] <= TOKEN_USER)
            v->traits[i] |= TOKEN_EATS_RIGHT;
    for (size_t i = 0; i < COUNT(others); i++)
        if ((id = find_text(v, others[i])) >= 0)
            v->traits[id] &= (uint8_t)~TOKEN_EATS_RIGHT;
    return 0;
}

int vocab_init(struct vocab *v, const struct gguf *g, const struct vocab_defaults *d,
               struct err *e)
{
    *v = (struct vocab){.path = gguf_path(g)};
    if (read_texts(v, g, e) < 0 || read_types(v, g, e) < 0 || read_scores(v, g, e) < 0 ||
        read_special(v, g, d, e) < 0 || mark_ends(v, g, e) < 0 || mark_phi3(v, g, e) < 0)
        return -1;
    return 0;
}

void vocab_release(struct vocab *v)
{
    for (size_t i = 0; i < v->n_renamed; i++)
        mem_free(v->renamed[i]);
    mem_free(v->renamed);
    mem_free(v->text);
    mem_free(v->type);
    mem_free(v->traits);
    mem_free(v->score);
    text_map_release(&v->by_text);
    *v = (struct vocab){0};
}
