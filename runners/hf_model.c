#include "runners/hf_model.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runners/bpe.h"
#include "runners/hf_json.h"
#include "runners/unicode.h"
#include "runners/unigram.h"

struct hf_model {
    const struct kind *kind;
    struct vocab *v;
    struct bpe bpe;
    struct unigram unigram;
    char *prefix, *suffix; /* BPE, WordPiece */
    double longest_word;   /* WordPiece: characters */
    struct strbuf word;
};

struct kind {
    const char *name;
    int (*open)(struct hf_model *m, const cJSON *j, int bytes, struct err *e);
    int (*encode)(struct hf_model *m, const char *piece, size_t n, struct ids *out,
                  struct err *e);
};

/* ---- the vocabulary ------------------------------------------------------------------------ */

/* {"text": id, ...} or [["text", score], ...] */
static int id_of(const cJSON *entry, int64_t i, int is_array, double bound, const char *path,
                 int64_t *id, struct err *e)
{
    double d = is_array ? (double)i : entry->valuedouble;

    if ((!is_array && !cJSON_IsNumber(entry)) || !(d >= 0 && d < bound) || d != floor(d) ||
        d > INT32_MAX)
        return err_set(e, ERR_FORMAT, "%s: token '%.60s' has an id that is none", path,
                       entry->string ? entry->string : "");
    *id = (int64_t)d;
    return 0;
}

int hf_model_last_id(const cJSON *model, double bound, const char *path, int64_t *last,
                     struct err *e)
{
    const cJSON *vocab = json_get(model, "vocab"), *entry;
    int64_t i = 0, id = -1;

    *last = -1;
    cJSON_ArrayForEach(entry, vocab) {
        if (id_of(entry, i++, cJSON_IsArray(vocab), bound, path, &id, e) < 0)
            return -1;
        if (id > *last)
            *last = id;
    }
    return 0;
}

static int add_text(struct vocab *v, struct arena *a, int64_t id, const char *s, struct err *e)
{
    size_t n = strlen(s);
    char *copy = arena_strndup(a, s, n);

    if (!copy)
        return err_nomem(e);
    v->text[id] = (struct gguf_str){copy, n};
    v->type[id] = TOKEN_NORMAL;
    if (n > v->longest)
        v->longest = n;
    return text_map_put(&v->by_text, v->text, (uint32_t)id) < 0 ? err_nomem(e) : 0;
}

static int read_vocab(struct vocab *v, struct arena *a, const cJSON *vocab, struct err *e)
{
    const cJSON *entry;
    int64_t id = 0;

    if (text_map_reserve(&v->by_text, v->text, (size_t)v->n) < 0)
        return err_nomem(e);
    cJSON_ArrayForEach(entry, vocab) {
        const char *text = entry->string;
        if (cJSON_IsArray(vocab)) {
            const cJSON *first = cJSON_GetArrayItem(entry, 0);
            text = cJSON_IsString(first) ? first->valuestring : NULL;
        } else {
            id = (int64_t)entry->valuedouble;
        }
        if (!text)
            return err_set(e, ERR_FORMAT, "%s: token %lld of the vocabulary has no text", v->path,
                           (long long)id);
        if (add_text(v, a, id, text, e) < 0)
            return -1;
        id++;
    }
    return 0;
}

static int32_t find_unk(const struct hf_model *m, const cJSON *j)
{
    const char *s = json_str(j, "unk_token");

    return s ? vocab_find(m->v, s, strlen(s)) : -1;
}

static int copy_text(char **out, const cJSON *j, const char *key, struct err *e)
{
    const char *s = json_str(j, key);

    *out = mem_strdup(s ? s : "");
    return *out ? 0 : err_nomem(e);
}

/* ---- BPE ----------------------------------------------------------------------------------- */

/* "left right" or ["left", "right"] */
static int read_pair(const cJSON *j, struct gguf_str pair[2])
{
    const char *blank;

    if (cJSON_IsString(j)) {
        blank = strchr(j->valuestring, ' ');
        if (!blank || strchr(blank + 1, ' '))
            return -1;
        pair[0] = (struct gguf_str){j->valuestring, (size_t)(blank - j->valuestring)};
        pair[1] = (struct gguf_str){blank + 1, strlen(blank + 1)};
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        const cJSON *s = cJSON_IsArray(j) ? cJSON_GetArrayItem(j, i) : NULL;
        if (!cJSON_IsString(s))
            return -1;
        pair[i] = (struct gguf_str){s->valuestring, strlen(s->valuestring)};
    }
    return 0;
}

static int open_bpe(struct hf_model *m, const cJSON *j, int bytes, struct err *e)
{
    const cJSON *merges = json_get(j, "merges"), *pair;
    struct bpe_opts o = {
        .over_chars = !bytes, .prefers_whole = json_bool(j, "ignore_merges", 0),
        .missing = json_bool(j, "byte_fallback", 0) ? BPE_BYTES_OR_UNK : BPE_UNK,
        .unk = find_unk(m, j), .fuses_unk = json_bool(j, "fuse_unk", 0)};
    uint32_t rank = 0;

    if (copy_text(&m->prefix, j, "continuing_subword_prefix", e) < 0 ||
        copy_text(&m->suffix, j, "end_of_word_suffix", e) < 0)
        return -1;
    if (bytes && (*m->prefix || *m->suffix))
        return err_set(e, ERR_UNSUPPORTED, "%s: a byte-level BPE with a prefix or suffix of words",
                       m->v->path);
    o.inner_prefix = (struct gguf_str){m->prefix, strlen(m->prefix)};
    o.end_suffix = (struct gguf_str){m->suffix, strlen(m->suffix)};
    if (bpe_init(&m->bpe, m->v, &o, (size_t)cJSON_GetArraySize(merges), e) < 0)
        return -1;
    cJSON_ArrayForEach(pair, merges) {
        struct gguf_str two[2];
        if (read_pair(pair, two) < 0)
            return err_set(e, ERR_FORMAT, "%s: merge %u is no pair of texts", m->v->path,
                           (unsigned)rank);
        if (bpe_add_rule(&m->bpe, two[0], two[1], rank++, 1, e) < 0)
            return -1;
    }
    return 0;
}

static int encode_bpe(struct hf_model *m, const char *piece, size_t n, struct ids *out,
                      struct err *e)
{
    if (n > MERGE_MAX)
        return err_set(e, ERR_UNSUPPORTED, "a text of %zu bytes is too long to tokenize", n);
    return bpe_encode(&m->bpe, piece, n, out) < 0 ? err_nomem(e) : 0;
}

/* ---- Unigram ------------------------------------------------------------------------------- */

static int open_unigram(struct hf_model *m, const cJSON *j, int bytes, struct err *e)
{
    const cJSON *vocab = json_get(j, "vocab"), *entry;
    struct unigram_opts o = {.fuses_unk = 1, .unk_by_id = 1,
                             .bytes_first = json_bool(j, "byte_fallback", 0)};
    double unk = json_num(j, "unk_id", -1), least = DBL_MAX;
    size_t n = (size_t)cJSON_GetArraySize(vocab), i = 0;
    double *scores = mem_calloc((size_t)m->v->n, sizeof *scores);
    uint32_t *all = mem_alloc((n ? n : 1) * sizeof *all);
    int rc = -1;

    (void)bytes;
    o.unk = unk >= 0 && unk < (double)n ? (int32_t)unk : -1;
    if (!scores || !all) {
        mem_free(scores);
        err_nomem(e);
        goto out;
    }
    cJSON_ArrayForEach(entry, vocab) {
        const cJSON *score = cJSON_GetArrayItem(entry, 1);
        scores[i] = cJSON_IsNumber(score) ? score->valuedouble : 0;
        least = scores[i] < least ? scores[i] : least;
        all[i] = (uint32_t)i;
        i++;
    }
    rc = unigram_init(&m->unigram, m->v, &o, scores, all, n, least, e);
out:
    mem_free(all);
    return rc;
}

static int encode_unigram(struct hf_model *m, const char *piece, size_t n, struct ids *out,
                          struct err *e)
{
    if (n > UNIGRAM_MAX)
        return err_set(e, ERR_UNSUPPORTED, "a text of %zu bytes is too long to tokenize", n);
    return unigram_encode(&m->unigram, piece, n, out) < 0 ? err_nomem(e) : 0;
}

/* ---- WordPiece, WordLevel ------------------------------------------------------------------ */

static int open_word_piece(struct hf_model *m, const cJSON *j, int bytes, struct err *e)
{
    (void)bytes;
    m->v->unk = find_unk(m, j);
    m->longest_word = json_num(j, "max_input_chars_per_word", 100);
    return copy_text(&m->prefix, j, "continuing_subword_prefix", e);
}

static int put_unk(const struct hf_model *m, struct ids *out, struct err *e)
{
    return m->v->unk >= 0 && ids_push(out, m->v->unk) < 0 ? err_nomem(e) : 0;
}

/* The longest token at word[0..n), the prefix in front of it; 0: none, -1: out of memory. */
static int longest_piece(struct hf_model *m, const char *word, size_t n, int is_first, int32_t *id,
                         size_t *len)
{
    size_t front = is_first ? 0 : strlen(m->prefix);
    size_t room = m->v->longest > front ? m->v->longest - front : 0;

    strbuf_clear(&m->word);
    strbuf_add(&m->word, m->prefix, front);
    strbuf_add(&m->word, word, n < room ? n : room);
    if (m->word.failed)
        return -1;
    for (*len = m->word.len - front; *len > 0; --*len)
        if ((*id = vocab_find(m->v, m->word.s, front + *len)) >= 0)
            return 1;
    return 0;
}

static int encode_word_piece(struct hf_model *m, const char *piece, size_t n, struct ids *out,
                             struct err *e)
{
    size_t before = out->n, len;
    double chars = 0;

    for (size_t i = 0; i < n; i += len, chars++)
        unicode_at(piece + i, n - i, &len);
    if (chars > m->longest_word)
        return put_unk(m, out, e);
    for (size_t at = 0; at < n; at += len) {
        int32_t id = -1;
        int rc = longest_piece(m, piece + at, n - at, at == 0, &id, &len);
        if (rc < 0 || (rc && ids_push(out, id) < 0))
            return err_nomem(e);
        if (rc)
            continue;
        out->n = before;
        return put_unk(m, out, e);
    }
    return 0;
}

static int open_word_level(struct hf_model *m, const cJSON *j, int bytes, struct err *e)
{
    (void)bytes;
    (void)e;
    m->v->unk = find_unk(m, j);
    return 0;
}

static int encode_word_level(struct hf_model *m, const char *piece, size_t n, struct ids *out,
                             struct err *e)
{
    int32_t id = vocab_find(m->v, piece, n);

    if (id < 0)
        return put_unk(m, out, e);
    return ids_push(out, id) < 0 ? err_nomem(e) : 0;
}

static const struct kind kinds[] = {
    {"BPE", open_bpe, encode_bpe},
    {"Unigram", open_unigram, encode_unigram},
    {"WordPiece", open_word_piece, encode_word_piece},
    {"WordLevel", open_word_level, encode_word_level},
};

/* ---- opening ------------------------------------------------------------------------------- */

/* Files of old have no "type". */
static const char *kind_of(const cJSON *j)
{
    const char *type = hf_type(j);

    if (*type)
        return type;
    if (json_get(j, "merges"))
        return "BPE";
    if (cJSON_IsArray(json_get(j, "vocab")))
        return "Unigram";
    return json_get(j, "max_input_chars_per_word") ? "WordPiece" : "WordLevel";
}

static int find_kind(struct hf_model *m, const cJSON *j, struct err *e)
{
    const char *names[sizeof kinds / sizeof kinds[0] + 1] = {0}, *type = kind_of(j);
    const cJSON *vocab = json_get(j, "vocab");

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        names[i] = kinds[i].name;
        if (strcmp(type, kinds[i].name) == 0)
            m->kind = &kinds[i];
    }
    if (!m->kind)
        return hf_refuse(m->v->path, "model", type, names, e);
    if (m->kind->open == open_unigram ? !cJSON_IsArray(vocab) : !cJSON_IsObject(vocab))
        return err_set(e, ERR_FORMAT, "%s: the %s model has no \"vocab\"", m->v->path, type);
    return 0;
}

int hf_model_open(struct hf_model **out, const cJSON *model, struct vocab *v, struct arena *a,
                  int bytes, struct err *e)
{
    struct hf_model *m = mem_calloc(1, sizeof *m);

    *out = NULL;
    if (!m)
        return err_nomem(e);
    m->v = v;
    if (find_kind(m, model, e) < 0 || read_vocab(v, a, json_get(model, "vocab"), e) < 0 ||
        m->kind->open(m, model, bytes, e) < 0) {
        hf_model_close(m);
        return -1;
    }
    *out = m;
    return 0;
}

void hf_model_close(struct hf_model *m)
{
    if (!m)
        return;
    bpe_release(&m->bpe);
    unigram_release(&m->unigram);
    mem_free(m->prefix);
    mem_free(m->suffix);
    strbuf_release(&m->word);
    mem_free(m);
}

const char *hf_model_name(const struct hf_model *m)
{
    return m->kind->name;
}

int hf_model_encode(struct hf_model *m, const char *piece, size_t n, struct ids *out,
                    struct err *e)
{
    return m->kind->encode(m, piece, n, out, e);
}
