/* tokenizer_bpe.c -- byte-pair encoding as GPT-2 does it (engine.md 4.3).
 *
 * Token texts show each byte as a printable character; here a byte is a symbol at once and the
 * printable form is seen only when the file is opened and when text comes back.  Symbols are
 * token ids; what merges produce or need without being a token gets a number above them. */
#include <string.h>

#include "base/mem.h"
#include "runners/merge.h"
#include "runners/piece_cache.h"
#include "runners/pretokenize.h"
#include "runners/tokenizer_scheme.h"

struct merge_rule {
    uint32_t left, right, id;
    uint32_t rank; /* + 1; 0: a free slot */
};

struct bpe {
    const struct vocab *v;
    struct pretokenizer *pre;
    struct merge_rule *rules; /* hash table */
    size_t mask;
    struct gguf_str *extra; /* texts of symbols v->n, v->n + 1, ...; owned */
    size_t n_extra, cap_extra;
    struct text_map by_extra;
    uint32_t byte[256]; /* symbols */
    struct merger merger;
    struct strbuf printable;
    struct piece_cache *cache;
};

/* ---- bytes as printable characters -------------------------------------------------------- */

/* The code point that shows a byte: itself where that is printable; the other 68 follow in order
 * from U+0100 on: 00-20, 7F-A0, AD. */
static int shown_as(int byte)
{
    if (byte <= 0x20)
        return 0x100 + byte;
    if (byte >= 0x7f && byte <= 0xa0)
        return 0x121 + byte - 0x7f;
    return byte == 0xad ? 0x143 : byte;
}

static void add_shown(struct strbuf *b, int byte)
{
    int c = shown_as(byte);

    if (c < 0x80) {
        strbuf_addc(b, (char)c);
    } else {
        strbuf_addc(b, (char)(0xc0 | c >> 6));
        strbuf_addc(b, (char)(0x80 | (c & 63)));
    }
}

/* The byte that a code point shows, or -1. */
static int byte_shown(int c)
{
    int byte = c < 0x100 ? c : c <= 0x120 ? c - 0x100 : c <= 0x142 ? c - 0x121 + 0x7f : 0xad;

    return shown_as(byte) == c ? byte : -1;
}

/* ---- symbols and rules ------------------------------------------------------------------- */

/* The symbol of a text: a token, or an extra, made when it is new.  -1: out of memory. */
static int intern(struct bpe *b, const char *s, size_t n, uint32_t *id)
{
    int32_t found = vocab_find(b->v, s, n);
    char *copy;

    if (found >= 0) {
        *id = (uint32_t)found;
        return 0;
    }
    found = text_map_get(&b->by_extra, b->extra, s, n);
    if (found < 0) {
        copy = mem_strndup(s, n);
        if (!copy || mem_grow(&b->extra, &b->cap_extra, b->n_extra + 1, sizeof *b->extra) < 0) {
            mem_free(copy);
            return -1;
        }
        found = (int32_t)b->n_extra;
        b->extra[b->n_extra++] = (struct gguf_str){copy, n};
        if (text_map_put(&b->by_extra, b->extra, (uint32_t)found) < 0)
            return -1;
    }
    *id = (uint32_t)b->v->n + (uint32_t)found;
    return 0;
}

static struct merge_rule *find_rule(const struct bpe *b, uint32_t left, uint32_t right)
{
    uint64_t h = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15;
    size_t i = (size_t)(h >> 20) & b->mask;

    while (b->rules[i].rank && (b->rules[i].left != left || b->rules[i].right != right))
        i = (i + 1) & b->mask;
    return &b->rules[i];
}

/* "left right": cut at the first blank after the first byte. */
static int add_rule(struct bpe *b, struct gguf_str text, uint32_t rank)
{
    const char *blank = text.n > 1 ? memchr(text.s + 1, ' ', text.n - 1) : NULL;
    struct merge_rule rule = {.rank = rank + 1}, *slot;
    size_t n;

    if (!blank) /* no pair, so it can merge nothing */
        return 0;
    n = (size_t)(blank - text.s);
    strbuf_clear(&b->printable);
    strbuf_add(&b->printable, text.s, n);
    strbuf_add(&b->printable, blank + 1, text.n - n - 1);
    if (b->printable.failed || intern(b, text.s, n, &rule.left) < 0 ||
        intern(b, blank + 1, text.n - n - 1, &rule.right) < 0 ||
        intern(b, b->printable.s, b->printable.len, &rule.id) < 0)
        return -1;
    slot = find_rule(b, rule.left, rule.right);
    if (!slot->rank) /* of equal pairs the first counts */
        *slot = rule;
    return 0;
}

static int read_rules(struct bpe *b, const struct gguf *g, struct err *e)
{
    static const char key[] = "tokenizer.ggml.merges";
    struct gguf_str *texts = NULL;
    enum gguf_type type;
    size_t n = 0, size = 16;
    int rc = -1;

    if (gguf_get_array(g, key, &type, &n, e) < 1)
        return err_set(e, ERR_FORMAT, "%s: a BPE vocabulary without merges (key '%s')",
                       gguf_path(g), key);
    while (size < 2 * n)
        size *= 2;
    texts = mem_calloc(n, sizeof *texts);
    b->rules = mem_calloc(size, sizeof *b->rules);
    b->mask = size - 1;
    if (!texts || !b->rules) {
        err_nomem(e);
        goto out;
    }
    if (gguf_array_strs(g, key, texts, n, e) < 0)
        goto out;
    for (size_t i = 0; i < n; i++)
        if (add_rule(b, texts[i], (uint32_t)i) < 0) {
            err_nomem(e);
            goto out;
        }
    rc = 0;
out:
    mem_free(texts);
    return rc;
}

static int bpe_join(const void *self, const struct symbol *l, const struct symbol *r,
                    uint32_t *priority, uint32_t *id)
{
    const struct merge_rule *rule = find_rule(self, l->id, r->id);

    *priority = rule->rank;
    *id = rule->id;
    return rule->rank != 0;
}

static void bpe_close(void *self)
{
    struct bpe *b = self;

    if (!b)
        return;
    pretokenizer_close(b->pre);
    for (size_t i = 0; i < b->n_extra; i++)
        mem_free((char *)b->extra[i].s);
    mem_free(b->extra);
    text_map_release(&b->by_extra);
    mem_free(b->rules);
    merger_release(&b->merger);
    strbuf_release(&b->printable);
    mem_free(b->cache);
    mem_free(b);
}

static int open_parts(struct bpe *b, struct vocab *v, const struct gguf *g, struct err *e)
{
    struct gguf_str pre = {"", 0};

    if (gguf_get_str(g, "tokenizer.ggml.pre", &pre, e) < 0)
        return -1;
    if (pretokenizer_open(&b->pre, pre, e) < 0)
        return err_prefix(e, "%s", v->path);
    b->cache = piece_cache_open();
    if (!b->cache)
        return err_nomem(e);
    for (int i = 0; i < 256; i++) {
        strbuf_clear(&b->printable);
        add_shown(&b->printable, i);
        if (b->printable.failed || intern(b, b->printable.s, b->printable.len, &b->byte[i]) < 0)
            return err_nomem(e);
    }
    return read_rules(b, g, e);
}

static int bpe_open(void **self, struct vocab *v, const struct gguf *g, struct err *e)
{
    struct bpe *b = mem_calloc(1, sizeof *b);

    if (!b)
        return err_nomem(e);
    b->v = v;
    b->merger.join = bpe_join;
    b->merger.self = b;
    if (open_parts(b, v, g, e) < 0) {
        bpe_close(b);
        return -1;
    }
    if (pretokenizer_adds_bos(b->pre) && !gguf_has(g, "tokenizer.ggml.add_bos_token"))
        v->adds_bos = 1;
    *self = b;
    return 0;
}

/* ---- text to ids ------------------------------------------------------------------------- */

/* A symbol without a token: the tokens of its characters, as far as there are any. */
static int emit_extra(const struct bpe *b, struct gguf_str t, struct ids *out)
{
    for (size_t i = 0, len; i < t.n; i += len) {
        int32_t id;
        for (len = 1; i + len < t.n && ((unsigned char)t.s[i + len] & 0xc0) == 0x80; len++)
            ;
        id = vocab_find(b->v, t.s + i, len);
        if (id >= 0 && ids_push(out, id) < 0)
            return -1;
    }
    return 0;
}

/* The piece as one token, or -1. */
static int32_t whole_token(struct bpe *b, const char *text, size_t n)
{
    strbuf_clear(&b->printable);
    for (size_t i = 0; i < n; i++)
        add_shown(&b->printable, (unsigned char)text[i]);
    return b->printable.failed ? -1 : vocab_find(b->v, b->printable.s, b->printable.len);
}

static int merge_piece(struct bpe *b, const char *text, size_t n, struct ids *out)
{
    struct merger *m = &b->merger;
    int32_t whole;

    if (pretokenizer_prefers_whole(b->pre) && n <= b->v->longest &&
        (whole = whole_token(b, text, n)) >= 0)
        return ids_push(out, whole);
    merger_clear(m);
    for (size_t i = 0; i < n; i++)
        if (merger_add(m, (uint32_t)i, 1, b->byte[(unsigned char)text[i]]) < 0)
            return -1;
    if (merger_run(m) < 0)
        return -1;
    for (int32_t i = 0; i >= 0; i = m->s[i].next) {
        uint32_t id = m->s[i].id;
        int rc = id < (uint32_t)b->v->n ? ids_push(out, (int32_t)id)
                                        : emit_extra(b, b->extra[id - (uint32_t)b->v->n], out);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int encode_piece(struct bpe *b, const char *text, size_t n, struct ids *out)
{
    size_t before = out->n;
    int hit = piece_cache_get(b->cache, text, n, out);

    if (hit)
        return hit < 0 ? -1 : 0;
    if (merge_piece(b, text, n, out) < 0)
        return -1;
    if (out->n > before) /* a piece without any token is not worth a slot */
        piece_cache_put(b->cache, text, n, out->v + before, out->n - before);
    return 0;
}

static int bpe_encode(void *self, const char *text, size_t n, int after_special, struct ids *out,
                      struct err *e)
{
    struct bpe *b = self;
    const size_t *ends;
    size_t count, from = 0;

    (void)after_special;
    if (n > MERGE_MAX)
        return err_set(e, ERR_UNSUPPORTED, "a text of %zu bytes is too long to tokenize", n);
    if (pretokenizer_split(b->pre, text, n, &ends, &count, e) < 0)
        return -1;
    for (size_t i = 0; i < count; from = ends[i++])
        if (encode_piece(b, text + from, ends[i] - from, out) < 0)
            return err_nomem(e);
    return 0;
}

/* ---- ids to text ------------------------------------------------------------------------- */

static void bpe_decode(const void *self, int32_t id, struct strbuf *out)
{
    const struct bpe *b = self;
    struct gguf_str t = b->v->text[id];

    for (size_t i = 0; i < t.n;) {
        unsigned char c = (unsigned char)t.s[i];
        int two = c >= 0xc2 && c < 0xe0 && i + 1 < t.n;
        int code = two ? (c & 31) << 6 | ((unsigned char)t.s[i + 1] & 63) : c;
        int byte = c < 0x80 || two ? byte_shown(code) : -1;
        if (byte >= 0)
            strbuf_addc(out, (char)byte);
        else /* a text that is not in the alphabet stands for itself */
            strbuf_add(out, t.s + i, two ? 2 : 1);
        i += two ? 2 : 1;
    }
}

const struct scheme scheme_bpe = {
    .model = "gpt2",
    .defaults = {.adds_bos = 0, .adds_space = 0, .bos = 11, .eos = 11, .unk = -1},
    .open = bpe_open, .close = bpe_close, .encode = bpe_encode, .decode = bpe_decode,
};
