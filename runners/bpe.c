#include "runners/bpe.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "runners/byte_level.h"

#define NO_SYMBOL UINT32_MAX

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

static int bpe_join(const void *self, const struct symbol *l, const struct symbol *r,
                    uint32_t *priority, uint32_t *id)
{
    const struct merge_rule *rule = find_rule(self, l->id, r->id);

    *priority = rule->rank;
    *id = rule->id;
    return rule->rank != 0;
}

/* Rules mostly make the tokens one after the other: then the next one is found without its hash.
 * Where two tokens have one text, only the map knows which counts. */
static int is_next(const struct bpe *b, uint32_t id, struct gguf_str left, struct gguf_str right)
{
    const struct gguf_str *t;

    if (id >= (uint32_t)b->v->n || b->v->by_text.n != (size_t)b->v->n)
        return 0;
    t = &b->v->text[id];
    return t->n == left.n + right.n && memcmp(t->s, left.s, left.n) == 0 &&
           memcmp(t->s + left.n, right.s, right.n) == 0;
}

static int intern_joined(struct bpe *b, struct gguf_str left, struct gguf_str right)
{
    if (is_next(b, b->joined_id + 1, left, right)) {
        b->joined_id++;
        return 0;
    }
    strbuf_clear(&b->joined);
    strbuf_add(&b->joined, left.s, left.n);
    strbuf_add(&b->joined, right.s, right.n);
    return b->joined.failed ? -1 : intern(b, b->joined.s, b->joined.len, &b->joined_id);
}

/* An extra symbol under a name of its own lets a later rule use it; a name that nothing uses only
 * costs memory, which the file's size bounds. */
int bpe_add_rule(struct bpe *b, struct gguf_str left, struct gguf_str right, uint32_t rank,
                 int must_exist, struct err *e)
{
    struct merge_rule rule = {.rank = rank + 1}, *slot;
    size_t skip = b->o.inner_prefix.n;
    uint32_t odd;

    if (skip > right.n || (skip && memcmp(right.s, b->o.inner_prefix.s, skip) != 0))
        skip = 0;
    if (intern(b, left.s, left.n, &rule.left) < 0 || intern(b, right.s, right.n, &rule.right) < 0 ||
        intern_joined(b, left, (struct gguf_str){right.s + skip, right.n - skip}) < 0)
        return err_nomem(e);
    rule.id = b->joined_id;
    odd = rule.left > rule.right ? rule.left : rule.right;
    odd = odd > rule.id ? odd : rule.id;
    if (must_exist && odd >= (uint32_t)b->v->n) {
        const struct gguf_str *t = &b->extra[odd - (uint32_t)b->v->n];
        return err_set(e, ERR_FORMAT, "%s: merge %u needs '%.*s', which is no token", b->v->path,
                       (unsigned)rank, t->n < 80 ? (int)t->n : 80, t->s);
    }
    slot = find_rule(b, rule.left, rule.right);
    if (!slot->rank)
        *slot = rule;
    return 0;
}

static int find_bytes(struct bpe *b, struct err *e)
{
    for (int i = 0; i < 256; i++) {
        char byte = (char)i;
        strbuf_clear(&b->joined);
        if (b->o.over_chars) {
            strbuf_addf(&b->joined, "<0x%02X>", (unsigned)i);
            int32_t id = b->joined.failed ? -1 : vocab_find(b->v, b->joined.s, b->joined.len);
            b->byte[i] = id < 0 ? NO_SYMBOL : (uint32_t)id;
        } else {
            byte_level_put(&b->joined, (unsigned char)i);
            if (!b->joined.failed &&
                intern(b, b->joined.s, b->joined.len, &b->byte[i]) < 0)
                return err_nomem(e);
        }
        b->raw[i] = vocab_find(b->v, &byte, 1);
    }
    return strbuf_ok(&b->joined, e);
}

int bpe_init(struct bpe *b, const struct vocab *v, const struct bpe_opts *o, size_t n_rules,
             struct err *e)
{
    size_t size = 16;

    *b = (struct bpe){.v = v, .o = *o};
    b->merger.join = bpe_join;
    b->merger.self = b;
    while (size < 2 * n_rules)
        size *= 2;
    b->mask = size - 1;
    b->rules = mem_calloc(size, sizeof *b->rules);
    b->cache = piece_cache_open();
    if (!b->rules || !b->cache)
        return err_nomem(e);
    return find_bytes(b, e);
}

void bpe_release(struct bpe *b)
{
    for (size_t i = 0; i < b->n_extra; i++)
        mem_free((char *)b->extra[i].s);
    mem_free(b->extra);
    text_map_release(&b->by_extra);
    mem_free(b->rules);
    merger_release(&b->merger);
    strbuf_release(&b->joined);
    mem_free(b->cache);
    *b = (struct bpe){0};
}

/* ---- text to symbols ----------------------------------------------------------------------- */

/* Bytes of the character at s, a stray byte being one. */
static uint32_t char_bytes(const char *s, size_t n)
{
    size_t len = (unsigned char)s[0] < 0x80 ? 1 : utf8_len(s, n);

    return len ? (uint32_t)len : 1;
}

/* The token of one character in its place in the piece, or -1. */
static int32_t find_char(struct bpe *b, size_t n, uint32_t at, uint32_t len)
{
    int is_first = at == 0, is_last = at + len == n;

    if ((is_first || !b->o.inner_prefix.n) && (!is_last || !b->o.end_suffix.n))
        return vocab_find(b->v, b->piece + at, len);
    strbuf_clear(&b->joined);
    if (!is_first)
        strbuf_add(&b->joined, b->o.inner_prefix.s, b->o.inner_prefix.n);
    strbuf_add(&b->joined, b->piece + at, len);
    if (is_last)
        strbuf_add(&b->joined, b->o.end_suffix.s, b->o.end_suffix.n);
    return b->joined.failed ? -1 : vocab_find(b->v, b->joined.s, b->joined.len);
}

static int has_bytes(const struct bpe *b, uint32_t at, uint32_t len)
{
    for (uint32_t i = at; i < at + len; i++)
        if (b->byte[(unsigned char)b->piece[i]] == NO_SYMBOL)
            return 0;
    return 1;
}

static int add_unknown(struct bpe *b, uint32_t at, uint32_t len, int *in_unk)
{
    struct merger *m = &b->merger;

    if (b->o.missing == BPE_BYTES_AT_END)
        return merger_add(m, at, len, NO_SYMBOL);
    if (b->o.missing == BPE_BYTES_OR_UNK && has_bytes(b, at, len)) {
        *in_unk = 0;
        for (uint32_t i = at; i < at + len; i++)
            if (merger_add(m, i, 1, b->byte[(unsigned char)b->piece[i]]) < 0)
                return -1;
        return 0;
    }
    if (b->o.unk < 0)
        return 0;
    if (b->o.fuses_unk && *in_unk) {
        m->s[m->n - 1].len += len;
        return 0;
    }
    *in_unk = 1;
    return merger_add(m, at, len, (uint32_t)b->o.unk);
}

static int add_chars(struct bpe *b, size_t n)
{
    int in_unk = 0;

    for (uint32_t at = 0, len; at < n; at += len) {
        int32_t id;
        len = char_bytes(b->piece + at, n - at);
        id = find_char(b, n, at, len);
        if (b->joined.failed)
            return -1;
        if (id < 0) {
            if (add_unknown(b, at, len, &in_unk) < 0)
                return -1;
            continue;
        }
        in_unk = 0;
        if (merger_add(&b->merger, at, len, (uint32_t)id) < 0)
            return -1;
    }
    return 0;
}

static int add_bytes(struct bpe *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (merger_add(&b->merger, (uint32_t)i, 1, b->byte[(unsigned char)b->piece[i]]) < 0)
            return -1;
    return 0;
}

/* ---- symbols to ids ------------------------------------------------------------------------ */

/* A symbol without a token: over characters the tokens of its bytes; over bytes the tokens that are
 * the single bytes of its printable text, as llama.cpp has it.  Missing ones are dropped. */
static int emit_extra(const struct bpe *b, const struct symbol *s, struct ids *out)
{
    const char *text = b->piece + s->at;
    size_t n = s->len;

    if (!b->o.over_chars) {
        const struct gguf_str *t = &b->extra[s->id - (uint32_t)b->v->n];
        text = t->s;
        n = t->n;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        int32_t id = b->o.over_chars ? (int32_t)b->byte[c] : b->raw[c];
        if (id >= 0 && ids_push(out, id) < 0)
            return -1;
    }
    return 0;
}

static int is_lines(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] != '\n')
            return 0;
    return 1;
}

/* The piece as one token, or -1. */
static int32_t whole_token(struct bpe *b, const char *piece, size_t n)
{
    if (n > b->v->longest || !(b->o.prefers_whole || (b->o.whole_lines && is_lines(piece, n))))
        return -1;
    if (b->o.over_chars)
        return vocab_find(b->v, piece, n);
    strbuf_clear(&b->joined);
    for (size_t i = 0; i < n; i++)
        byte_level_put(&b->joined, (unsigned char)piece[i]);
    return b->joined.failed ? -1 : vocab_find(b->v, b->joined.s, b->joined.len);
}

static int merge_piece(struct bpe *b, const char *piece, size_t n, struct ids *out)
{
    struct merger *m = &b->merger;
    int32_t whole = whole_token(b, piece, n);

    if (b->joined.failed)
        return -1;
    if (whole >= 0)
        return ids_push(out, whole);
    b->piece = piece;
    merger_clear(m);
    if ((b->o.over_chars ? add_chars(b, n) : add_bytes(b, n)) < 0 || merger_run(m) < 0)
        return -1;
    for (int32_t i = m->n ? 0 : -1; i >= 0; i = m->s[i].next) {
        const struct symbol *s = &m->s[i];
        int rc = s->id < (uint32_t)b->v->n ? ids_push(out, (int32_t)s->id)
                                           : emit_extra(b, s, out);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int bpe_encode(struct bpe *b, const char *piece, size_t n, struct ids *out)
{
    size_t before = out->n;
    int hit = piece_cache_get(b->cache, piece, n, out);

    if (hit)
        return hit < 0 ? -1 : 0;
    if (merge_piece(b, piece, n, out) < 0)
        return -1;
    if (out->n > before) /* a piece without any token is not worth a slot */
        piece_cache_put(b->cache, piece, n, out->v + before, out->n - before);
    return 0;
}
