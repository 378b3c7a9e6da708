#include "runners/vocab.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define DEEPSEEK(word) "<\xef\xbd\x9c" word "\xef\xbd\x9c>"
#define BLANK "\xe2\x96\x81" /* U+2581 */

/* Control tokens known by their text, as some converters call them normal.  A role with a key
 * (filling in the middle) is looked for only when the file has no id for it. */
enum { ROLE_END, ROLE_PREFIX, ROLE_SUFFIX, ROLE_MIDDLE, ROLE_PAD, ROLE_REPOSITORY, ROLE_SEPARATOR,
       N_ROLES };

static const struct {
    const char *key, *old_key;
    int ends;
} roles[N_ROLES] = {
    [ROLE_END] = {NULL, NULL, 1},
    [ROLE_PREFIX] = {"tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id", 0},
    [ROLE_SUFFIX] = {"tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.suffix_token_id", 0},
    [ROLE_MIDDLE] = {"tokenizer.ggml.fim_mid_token_id", "tokenizer.ggml.middle_token_id", 0},
    [ROLE_PAD] = {"tokenizer.ggml.fim_pad_token_id", NULL, 1},
    [ROLE_REPOSITORY] = {"tokenizer.ggml.fim_rep_token_id", NULL, 1},
    [ROLE_SEPARATOR] = {"tokenizer.ggml.fim_sep_token_id", NULL, 1},
};

static const struct {
    int role;
    const char *text;
} role_texts[] = {
    {ROLE_END, "<|eot_id|>"}, {ROLE_END, "<|im_end|>"}, {ROLE_END, "<|end|>"},
    {ROLE_END, "<|return|>"}, {ROLE_END, "<|call|>"}, {ROLE_END, "<|flush|>"},
    {ROLE_END, "<|calls|>"}, {ROLE_END, "<end_of_turn>"}, {ROLE_END, "<|endoftext|>"},
    {ROLE_END, "</s>"}, {ROLE_END, "<|eom_id|>"}, {ROLE_END, "<EOT>"}, {ROLE_END, "_<EOT>"},
    {ROLE_END, "[EOT]"}, {ROLE_END, "[EOS]"}, {ROLE_END, "<|end_of_text|>"},
    {ROLE_END, "<end_of_utterance>"}, {ROLE_END, "<eos>"}, {ROLE_END, "<turn|>"},
    {ROLE_END, "<|tool_response>"}, {ROLE_END, "[e~["},
    {ROLE_END, DEEPSEEK("end" BLANK "of" BLANK "sentence")},
    {ROLE_PREFIX, "<|fim_prefix|>"}, {ROLE_PREFIX, "<fim-prefix>"}, {ROLE_PREFIX, "<fim_prefix>"},
    {ROLE_PREFIX, DEEPSEEK("fim" BLANK "begin")}, {ROLE_PREFIX, "<PRE>"},
    {ROLE_PREFIX, BLANK "<PRE>"}, {ROLE_PREFIX, "<|code_prefix|>"}, {ROLE_PREFIX, "<|prefix|>"},
    {ROLE_SUFFIX, "<|fim_suffix|>"}, {ROLE_SUFFIX, "<fim-suffix>"}, {ROLE_SUFFIX, "<fim_suffix>"},
    {ROLE_SUFFIX, DEEPSEEK("fim" BLANK "hole")}, {ROLE_SUFFIX, "<SUF>"},
    {ROLE_SUFFIX, BLANK "<SUF>"}, {ROLE_SUFFIX, "<|code_suffix|>"}, {ROLE_SUFFIX, "<|suffix|>"},
    {ROLE_MIDDLE, "<|fim_middle|>"}, {ROLE_MIDDLE, "<fim-middle>"}, {ROLE_MIDDLE, "<fim_middle>"},
    {ROLE_MIDDLE, DEEPSEEK("fim" BLANK "end")}, {ROLE_MIDDLE, "<MID>"},
    {ROLE_MIDDLE, BLANK "<MID>"}, {ROLE_MIDDLE, "<|code_middle|>"}, {ROLE_MIDDLE, "<|middle|>"},
    {ROLE_PAD, "<|fim_pad|>"}, {ROLE_PAD, "<fim-pad>"}, {ROLE_PAD, "<fim_pad>"},
    {ROLE_PAD, "<PAD>"}, {ROLE_PAD, "[PAD]"},
    {ROLE_REPOSITORY, "<|fim_repo|>"}, {ROLE_REPOSITORY, "<|repo_name|>"},
    {ROLE_REPOSITORY, "<fim-repo>"}, {ROLE_REPOSITORY, "<REPO>"},
    {ROLE_REPOSITORY, "<reponame>"}, {ROLE_SEPARATOR, "<|file_sep|>"},
};

static const char *const end_keys[] = {
    "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id",
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

int vocab_alloc(struct vocab *v, const char *path, size_t n, struct err *e)
{
    *v = (struct vocab){.path = path, .bos = -1, .eos = -1, .unk = -1};
    v->text = mem_calloc(n, sizeof *v->text);
    v->type = mem_calloc(n, 1);
    v->traits = mem_calloc(n, 1);
    if (!v->text || !v->type || !v->traits)
        return err_nomem(e);
    v->n = (int)n;
    return 0;
}

static int read_texts(struct vocab *v, const struct gguf *g, struct err *e)
{
    static const char key[] = "tokenizer.ggml.tokens";
    enum gguf_type type;
    size_t n = 0;

    if (gguf_get_array(g, key, &type, &n, e) < 1 || n == 0)
        return err_set(e, ERR_FORMAT, "%s: the file has no vocabulary (key '%s')", v->path, key);
    if (vocab_alloc(v, gguf_path(g), n, e) < 0) /* the reader allows 2^30 elements at most */
        return -1;
    if (gguf_array_strs(g, key, v->text, n, e) < 0)
        return -1;
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

void vocab_mark_ends(struct vocab *v)
{
    if (v->eos >= 0)
        v->traits[v->eos] |= TOKEN_ENDS;
    for (size_t i = 0; i < COUNT(role_texts); i++) {
        int32_t id = role_texts[i].role == ROLE_END ? find_text(v, role_texts[i].text) : -1;
        if (id >= 0 && v->type[id] == TOKEN_CONTROL)
            v->traits[id] |= TOKEN_ENDS;
    }
}

/* Texts that mean something else beside certain others. */
static void mark_exceptions(struct vocab *v)
{
    static const char *const shown[] = {"<|channel|>", "<|message|>", "<|start|>",
                                        "<|constrain|>"};
    int calls = find_text(v, "<|call|>") >= 0 || find_text(v, "<|calls|>") >= 0;
    int32_t id;

    /* gpt-oss, solar: <|end|> only ends a message; <|return|> or <|flush|> end the turn */
    id = find_text(v, "<|end|>");
    if (id >= 0 && calls && (find_text(v, "<|return|>") >= 0 || find_text(v, "<|flush|>") >= 0)) {
        v->traits[id] &= (uint8_t)~TOKEN_ENDS;
        v->type[id] = TOKEN_USER;
    }
    for (size_t i = 0; i < COUNT(shown); i++)
        if ((id = find_text(v, shown[i])) >= 0)
            v->type[id] = TOKEN_USER;
    /* Gemma 4, Plamo: </s> closes a tag of HTML */
    id = find_text(v, "</s>");
    if (id >= 0 && (find_text(v, "<|tool_response>") >= 0 || find_text(v, "<|plamo:eos|>") >= 0)) {
        v->traits[id] &= (uint8_t)~TOKEN_ENDS;
        v->type[id] = TOKEN_NORMAL;
    }
}

static int mark_ends(struct vocab *v, const struct gguf *g, struct err *e)
{
    int32_t id, by_key[N_ROLES];

    if (v->eos >= 0)
        v->traits[v->eos] |= TOKEN_ENDS;
    for (size_t i = 0; i < COUNT(end_keys); i++) {
        if (read_id(v, g, end_keys[i], -1, &id, e) < 0)
            return -1;
        if (id >= 0)
            v->traits[id] |= TOKEN_ENDS;
    }
    for (int r = 0; r < N_ROLES; r++) {
        by_key[r] = -1;
        if ((roles[r].old_key && read_id(v, g, roles[r].old_key, -1, &by_key[r], e) < 0) ||
            (roles[r].key && read_id(v, g, roles[r].key, by_key[r], &by_key[r], e) < 0))
            return -1;
        if (by_key[r] >= 0 && roles[r].ends)
            v->traits[by_key[r]] |= TOKEN_ENDS;
    }
    for (size_t i = 0; i < COUNT(role_texts); i++) {
        int role = role_texts[i].role;
        id = by_key[role] < 0 ? find_text(v, role_texts[i].text) : -1;
        if (id < 0)
            continue;
        v->type[id] = TOKEN_CONTROL;
        if (roles[role].ends)
            v->traits[id] |= TOKEN_ENDS;
    }
    mark_exceptions(v);
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

static int any_has(struct gguf_str name, const char *const *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (name_has(name, parts[i]))
            return 1;
    return 0;
}

/* Files do not say which tokens swallow the white space beside them, only names of models do:
 * Phi-3 was trained with white space after its special tokens dropped, the mask of some encoders
 * takes the blank before it. */
static int mark_greedy(struct vocab *v, const struct gguf *g, struct err *e)
{
    static const char *const pres[] = {"jina-v2-de", "jina-v2-es", "jina-v2-code"};
    static const char *const archs[] = {"nomic-bert-moe", "jina-bert-v3"};
    static const char *const phis[] = {"phi-3", "phi3"}, *const moderns[] = {"modern-bert"};
    static const char *const others[] = {"<unk>", "<s>", "<|endoftext|>"};
    struct gguf_str name = {"", 0}, pre = {"", 0}, arch = {"", 0};
    int32_t id;

    if (gguf_get_str(g, "general.name", &name, e) < 0 ||
        gguf_get_str(g, "tokenizer.ggml.pre", &pre, e) < 0 ||
        gguf_get_str(g, "general.architecture", &arch, e) < 0)
        return -1;
    if (any_has(pre, pres, COUNT(pres)) || any_has(arch, archs, COUNT(archs))) {
        if ((id = find_text(v, "<mask>")) >= 0)
            v->traits[id] |= TOKEN_EATS_LEFT;
    } else if (any_has(name, phis, COUNT(phis))) {
        for (int i = 0; i < v->n; i++)
            if (v->type[i] >= TOKEN_UNKNOWN && v->type[i] <= TOKEN_USER)
                v->traits[i] |= TOKEN_EATS_RIGHT;
        for (size_t i = 0; i < COUNT(others); i++)
            if ((id = find_text(v, others[i])) >= 0)
                v->traits[id] &= (uint8_t)~TOKEN_EATS_RIGHT;
    } else if (any_has(name, moderns, COUNT(moderns))) {
        if ((id = find_text(v, "[MASK]")) >= 0)
            v->traits[id] |= TOKEN_EATS_LEFT;
    }
    return 0;
}

int vocab_init(struct vocab *v, const struct gguf *g, const struct vocab_defaults *d,
               struct err *e)
{
    *v = (struct vocab){.path = gguf_path(g)};
    if (read_texts(v, g, e) < 0 || read_types(v, g, e) < 0 || read_scores(v, g, e) < 0 ||
        read_special(v, g, d, e) < 0 || mark_ends(v, g, e) < 0 || mark_greedy(v, g, e) < 0)
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
