/* tokenizer_sp.c -- the tokenizer of a SentencePiece model file, BPE or unigram.
 *
 * Ids are those of the library "sentencepiece" for a text without special tokens.  Texts of control
 * tokens, and tokens that tokenizer_config.json adds, are found before; the blank in front of a
 * text is put after these too, unless the configuration says "legacy": false. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "runners/charsmap.h"
#include "runners/hf_config.h"
#include "runners/merge.h"
#include "runners/piece_cache.h"
#include "runners/sp_file.h"
#include "runners/spaces.h"
#include "runners/tokenizer_scheme.h"
#include "runners/unigram.h"

#define NO_TOKEN 0x7fffffffu
#define FROZEN 0x80000000u /* a user's piece merges with nothing */

enum { DEPTH_MAX = 500 };

struct sp {
    struct vocab *v;
    struct strbuf bytes; /* the file */
    struct sp_file file;
    struct hf_config config;
    struct charsmap map;
    struct prefix_set user;
    struct unigram unigram;
    struct merger merger;
    struct space_cuts cuts;
    struct piece_cache *cache;
    uint32_t *left_bytes; /* of an unused token: where its parts were joined last */
    int32_t byte[256];
    struct strbuf text; /* normalised */
    int prefix_once;
};

/* ---- opening ------------------------------------------------------------------------------- */

static void sp_close(void *self)
{
    struct sp *s = self;

    if (!s)
        return;
    hf_config_close(&s->config);
    sp_release(&s->file);
    prefix_release(&s->user);
    unigram_release(&s->unigram);
    merger_release(&s->merger);
    mem_free(s->cache);
    mem_free(s->left_bytes);
    strbuf_release(&s->bytes);
    strbuf_release(&s->text);
    mem_free(s);
}

static int is_part(int type)
{
    return type == TOKEN_NORMAL || type == TOKEN_USER || type == TOKEN_UNUSED;
}

/* "<0xHH>" of a byte token to its byte, or -1. */
static int byte_of(struct gguf_str t)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *hi = t.n == 6 ? memchr(digits, t.s[3], 16) : NULL;
    const char *lo = t.n == 6 ? memchr(digits, t.s[4], 16) : NULL;

    return hi && lo ? (int)(hi - digits) << 4 | (int)(lo - digits) : -1;
}

/* Ids that the configuration adds behind the model's; their number is bounded by its file. */
static double last_added(const struct sp *s)
{
    const cJSON *j;
    double last = -1, count = 0, id;

    cJSON_ArrayForEach(j, json_get(s->config.tokenizer, "added_tokens_decoder"))
        count++;
    cJSON_ArrayForEach(j, json_get(s->config.tokenizer, "added_tokens_decoder")) {
        id = strtod(j->string, NULL);
        if (id > last && id < (double)s->file.n + 2 * count + 256 && json_str(j, "content"))
            last = id;
    }
    return last;
}

static void read_added(struct sp *s)
{
    const cJSON *j;

    cJSON_ArrayForEach(j, json_get(s->config.tokenizer, "added_tokens_decoder")) {
        double id = strtod(j->string, NULL);
        const char *text = json_str(j, "content");
        int32_t i;
        if (!text || !(id >= 0 && id < s->v->n) || id != floor(id))
            continue;
        i = (int32_t)id;
        if ((size_t)i < s->file.n && s->v->type[i] != TOKEN_NORMAL)
            continue;
        s->v->text[i] = (struct gguf_str){text, strlen(text)};
        s->v->type[i] = json_bool(j, "special", 0) ? TOKEN_CONTROL : TOKEN_USER;
        if (json_bool(j, "lstrip", 0))
            s->v->traits[i] |= TOKEN_EATS_LEFT;
        if (json_bool(j, "rstrip", 0))
            s->v->traits[i] |= TOKEN_EATS_RIGHT;
    }
}

static int read_pieces(struct sp *s, const char *path, struct err *e)
{
    struct sp_file *f = &s->file;
    struct vocab *v = s->v;
    double last = last_added(s);
    size_t n = last >= (double)f->n ? (size_t)last + 1 : f->n;

    if (n > INT32_MAX / 2)
        return err_set(e, ERR_UNSUPPORTED, "%s: %zu tokens", path, n);
    if (vocab_alloc(v, path, n, e) < 0)
        return -1;
    v->score = mem_calloc(n, sizeof *v->score);
    s->left_bytes = mem_calloc(n, sizeof *s->left_bytes);
    if (!v->score || !s->left_bytes || text_map_reserve(&v->by_text, v->text, n) < 0)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        v->text[i] = i < f->n ? f->pieces[i].text : (struct gguf_str){"", 0};
        v->type[i] = i < f->n ? (uint8_t)f->pieces[i].type : TOKEN_UNUSED;
        v->score[i] = i < f->n ? f->pieces[i].score : 0;
        v->longest = v->text[i].n > v->longest ? v->text[i].n : v->longest;
        if (v->type[i] == TOKEN_USER)
            v->traits[i] |= TOKEN_OF_MODEL;
        if (i < f->n && is_part(v->type[i]) && v->text[i].n &&
            text_map_put(&v->by_text, v->text, (uint32_t)i) < 0)
            return err_nomem(e);
    }
    for (int i = 0; i < 256; i++)
        s->byte[i] = -1;
    for (size_t i = 0; i < f->n; i++)
        if (v->type[i] == TOKEN_BYTE && byte_of(v->text[i]) >= 0)
            s->byte[byte_of(v->text[i])] = (int32_t)i;
    return 0;
}

static int32_t find_any(const void *self, const char *text)
{
    const struct vocab *v = ((const struct sp *)self)->v;
    size_t n = strlen(text);

    for (int i = 0; i < v->n; i++)
        if (v->text[i].n == n && memcmp(v->text[i].s, text, n) == 0)
            return i;
    return -1;
}

static int32_t valid(const struct sp *s, int64_t id)
{
    return id >= 0 && id < (int64_t)s->file.n ? (int32_t)id : -1;
}

static int open_unigram(struct sp *s, const uint32_t *parts, size_t n, struct err *e)
{
    struct unigram_opts o = {.in_float = 1, .unk = s->v->unk, .fuses_unk = 1,
                             .bytes_first = s->file.byte_fallback, .user_score = -0.1};
    double *scores = mem_calloc((size_t)s->v->n, sizeof *scores);
    float least = FLT_MAX, most = FLT_MIN;

    if (!scores)
        return err_nomem(e);
    for (size_t i = 0; i < s->file.n; i++) {
        scores[i] = s->v->score[i];
        if (s->v->type[i] == TOKEN_NORMAL) {
            least = s->v->score[i] < least ? s->v->score[i] : least;
            most = s->v->score[i] > most ? s->v->score[i] : most;
        }
    }
    o.user_per_byte = most;
    if (unigram_init(&s->unigram, s->v, &o, scores, parts, n, least, e) < 0)
        return -1;
    memcpy(s->unigram.byte, s->byte, sizeof s->byte); /* by_text has no byte tokens */
    return 0;
}

/* The pieces that may be part of a text, and the user's among them. */
static int index_pieces(struct sp *s, struct err *e)
{
    size_t n = s->file.n, n_parts = 0, n_user = 0;
    uint32_t *parts = mem_alloc(n * sizeof *parts), *user = mem_alloc(n * sizeof *user);
    int rc = -1;

    s->cache = piece_cache_open();
    if (!parts || !user || !s->cache) {
        err_nomem(e);
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        if (s->v->type[i] == TOKEN_NORMAL || s->v->type[i] == TOKEN_USER)
            parts[n_parts++] = (uint32_t)i;
        if (s->v->type[i] == TOKEN_USER)
            user[n_user++] = (uint32_t)i;
    }
    if (prefix_init(&s->user, s->v->text, user, n_user) < 0) {
        err_nomem(e);
        goto out;
    }
    space_cuts_init(&s->cuts, s->v->text, n);
    rc = s->file.type == SP_UNIGRAM ? open_unigram(s, parts, n_parts, e) : 0;
out:
    mem_free(parts);
    mem_free(user);
    return rc;
}

/* Floats in descending order as integers in ascending order. */
static uint32_t rank_of_score(float f)
{
    uint32_t u;

    f += 0.0f; /* minus zero is zero */
    memcpy(&u, &f, sizeof u);
    return u & 0x80000000 ? u : 0x7fffffff - u;
}

static int sp_join(const void *self, const struct symbol *l, const struct symbol *r,
                   uint32_t *priority, uint32_t *id)
{
    const struct sp *s = self;
    int32_t token;

    if ((l->id | r->id) & FROZEN)
        return 0;
    token = vocab_find(s->v, s->text.s + l->at, (size_t)l->len + r->len);
    if (token < 0)
        return 0;
    if (s->v->type[token] == TOKEN_UNUSED)
        s->left_bytes[token] = l->len;
    *priority = rank_of_score(s->v->score[token]);
    *id = (uint32_t)token;
    return 1;
}

static int open_parts(struct sp *s, struct tokenizer *t, const char *dir, struct err *e)
{
    if (hf_config_open(&s->config, dir, e) < 0 ||
        sp_parse(&s->file, strbuf_str(&s->bytes), s->bytes.len, t->path, e) < 0)
        return -1;
    if (s->file.type != SP_UNIGRAM && s->file.type != SP_BPE)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: SentencePiece model type %d is not known; known: 1 (unigram), 2 (BPE)",
                       t->path, (int)s->file.type);
    if (read_pieces(s, t->path, e) < 0)
        return -1;
    s->v->unk = valid(s, s->file.unk);
    s->v->bos = valid(s, s->file.bos);
    s->v->eos = valid(s, s->file.eos);
    if (charsmap_init(&s->map, s->file.map.s, s->file.map.n, t->path, e) < 0 ||
        index_pieces(s, e) < 0)
        return -1;
    read_added(s);
    hf_config_apply(&s->config, s->v, find_any, s);
    s->v->adds_bos = s->v->bos >= 0 && json_bool(s->config.tokenizer, "add_bos_token", 1);
    s->v->adds_space = s->file.adds_space &&
                       json_bool(s->config.tokenizer, "add_prefix_space", 1);
    s->prefix_once = !json_bool(s->config.tokenizer, "legacy", 1);
    return special_open(&t->special, s->v, e);
}

int sp_open_model(struct tokenizer *t, const char *dir, struct strbuf *file, struct err *e)
{
    struct sp *s = mem_calloc(1, sizeof *s);

    if (!s)
        return err_nomem(e);
    t->scheme = &scheme_sp;
    t->self = s;
    s->bytes = *file;
    *file = STRBUF_INIT;
    s->v = &t->vocab;
    s->merger.join = sp_join;
    s->merger.self = s;
    t->pre = mem_strdup("");
    return t->pre ? open_parts(s, t, dir, e) : err_nomem(e);
}

/* ---- normalising --------------------------------------------------------------------------- */

/* The normal form of what stands at text; bytes that are no UTF-8 become U+FFFD. */
static size_t next(const struct sp *s, const char *text, size_t n, struct gguf_str *to)
{
    int32_t id;
    size_t len = prefix_longest(&s->user, text, n, &id);

    *to = (struct gguf_str){text, len};
    if (len)
        return len;
    len = charsmap_longest(&s->map, text, n, &to->s, &to->n);
    if (len)
        return len;
    len = utf8_len(text, n);
    *to = len ? (struct gguf_str){text, len} : (struct gguf_str){"\xef\xbf\xbd", 3};
    return len ? len : 1;
}

static void add_normal(struct sp *s, struct gguf_str t)
{
    for (size_t i = 0; i < t.n; i++)
        if (t.s[i] == ' ' && s->file.shows_spaces)
            strbuf_adds(&s->text, SPACE_TEXT);
        else
            strbuf_addc(&s->text, t.s[i]);
}

static void normalise(struct sp *s, const char *text, size_t n, int with_space)
{
    const struct gguf_str blank = {" ", 1};
    struct gguf_str to;
    size_t len, end;
    int after_space = s->file.merges_spaces;

    strbuf_clear(&s->text);
    for (; s->file.merges_spaces && n; text += len, n -= len) {
        len = next(s, text, n, &to);
        if (to.n != 1 || to.s[0] != ' ')
            break;
    }
    if (n == 0)
        return;
    if (with_space && !s->file.space_behind)
        add_normal(s, blank);
    for (; n; text += len, n -= len) {
        len = next(s, text, n, &to);
        while (after_space && to.n && to.s[0] == ' ')
            to = (struct gguf_str){to.s + 1, to.n - 1};
        if (to.n) {
            add_normal(s, to);
            after_space = to.s[to.n - 1] == ' ';
        }
        after_space &= s->file.merges_spaces;
    }
    len = s->file.shows_spaces ? 3 : 1;
    while (s->file.merges_spaces && (end = s->text.len) >= len &&
           memcmp(s->text.s + end - len, s->file.shows_spaces ? SPACE_TEXT : " ", len) == 0)
        strbuf_truncate(&s->text, end - len);
    if (with_space && s->file.space_behind)
        add_normal(s, blank);
}

/* ---- merging ------------------------------------------------------------------------------- */

/* Bytes of the character or the user's piece at `at`; *id: its symbol. */
static uint32_t first_symbol(const struct sp *s, size_t at, size_t to, uint32_t *id)
{
    unsigned char c = (unsigned char)s->text.s[at];
    int32_t found;
    size_t len = prefix_longest(&s->user, s->text.s + at, to - at, &found);

    if (len) {
        *id = (uint32_t)found | FROZEN;
        return (uint32_t)len;
    }
    len = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    len = len < to - at ? len : to - at;
    found = vocab_find(s->v, s->text.s + at, len);
    *id = found < 0 ? NO_TOKEN : (uint32_t)found;
    return (uint32_t)len;
}

static int put_unknown(const struct sp *s, const char *text, size_t n, struct ids *out)
{
    for (size_t i = 0; i < n && s->file.byte_fallback; i++) {
        int32_t id = s->byte[(unsigned char)text[i]];
        if (id >= 0 && ids_push(out, id) < 0)
            return -1;
    }
    if (s->file.byte_fallback || s->v->unk < 0)
        return 0;
    return ids_push(out, s->v->unk);
}

/* An unused token falls into the parts that it was joined from. */
static int emit(const struct sp *s, uint32_t id, size_t at, size_t n, int depth, struct ids *out)
{
    size_t left;
    int32_t part;

    if (id == NO_TOKEN)
        return put_unknown(s, s->text.s + at, n, out);
    left = s->v->type[id] == TOKEN_UNUSED ? s->left_bytes[id] : 0;
    if (left == 0 || left >= n || depth == DEPTH_MAX)
        return ids_push(out, (int32_t)id);
    part = vocab_find(s->v, s->text.s + at, left);
    if (emit(s, part < 0 ? NO_TOKEN : (uint32_t)part, at, left, depth + 1, out) < 0)
        return -1;
    part = vocab_find(s->v, s->text.s + at + left, n - left);
    return emit(s, part < 0 ? NO_TOKEN : (uint32_t)part, at + left, n - left, depth + 1, out);
}

static int merge_piece(struct sp *s, size_t from, size_t to, struct ids *out)
{
    struct merger *m = &s->merger;
    uint32_t id, len;

    merger_clear(m);
    for (size_t at = from; at < to; at += len) {
        len = first_symbol(s, at, to, &id);
        if (merger_add(m, (uint32_t)at, len, id) < 0)
            return -1;
    }
    if (merger_run(m) < 0)
        return -1;
    for (int32_t i = m->n ? 0 : -1; i >= 0; i = m->s[i].next)
        if (emit(s, m->s[i].id & ~FROZEN, m->s[i].at, m->s[i].len, 0, out) < 0)
            return -1;
    return 0;
}

/* A run of unknown characters is one token. */
static void fuse_unknown(const struct sp *s, struct ids *out, size_t from)
{
    size_t n = from;

    for (size_t i = from; i < out->n; i++)
        if (i == from || out->v[i] != s->v->unk || out->v[i - 1] != s->v->unk)
            out->v[n++] = out->v[i];
    out->n = n;
}

static int encode_bpe(struct sp *s, struct ids *out)
{
    size_t first = out->n;

    for (size_t from = 0, to, before; from < s->text.len; from = to) {
        int hit;
        to = space_cuts_next(&s->cuts, s->text.s, from, s->text.len);
        before = out->n;
        hit = piece_cache_get(s->cache, s->text.s + from, to - from, out);
        if (hit < 0 || (hit == 0 && merge_piece(s, from, to, out) < 0))
            return -1;
        if (hit == 0 && out->n > before)
            piece_cache_put(s->cache, s->text.s + from, to - from, out->v + before,
                            out->n - before);
    }
    fuse_unknown(s, out, first);
    return 0;
}

static int sp_encode(void *self, const char *text, size_t n, enum text_place place,
                     struct ids *out, struct err *e)
{
    struct sp *s = self;
    int rc;

    normalise(s, text, n, s->v->adds_space && (place == TEXT_FIRST ||
                                               (place == TEXT_AFTER_SPECIAL && !s->prefix_once)));
    if (strbuf_ok(&s->text, e) < 0)
        return -1;
    if (s->text.len > UNIGRAM_MAX)
        return err_set(e, ERR_UNSUPPORTED, "a text of %zu bytes is too long to tokenize", n);
    rc = s->file.type == SP_UNIGRAM
             ? unigram_encode(&s->unigram, strbuf_str(&s->text), s->text.len, out)
             : encode_bpe(s, out);
    return rc < 0 ? err_nomem(e) : 0;
}

static void sp_decode(const void *self, int32_t id, struct strbuf *out)
{
    token_decode_blanks(((const struct sp *)self)->v, id, out);
}

static const char *sp_name(const void *self)
{
    return ((const struct sp *)self)->file.type == SP_BPE ? "SentencePiece BPE"
                                                          : "SentencePiece unigram";
}

const struct scheme scheme_sp = {
    .close = sp_close, .encode = sp_encode, .decode = sp_decode, .name = sp_name,
};
