/* tokenizer_spm.c -- SentencePiece's BPE: merge the neighbours whose joint token scores highest
 * (engine.md 4.2).
 *
 * Two symbols only ever merge into a token, so what is left at the end is a token or one character;
 * a character without a token becomes its bytes. */
#include <string.h>

#include "base/mem.h"
#include "runners/merge.h"
#include "runners/piece_cache.h"
#include "runners/spaces.h"
#include "runners/tokenizer_scheme.h"

#define NO_TOKEN UINT32_MAX

struct spm {
    const struct vocab *v;
    struct merger merger;
    struct strbuf text; /* with blanks replaced */
    int32_t byte[256];
    struct space_cuts cuts;
    struct piece_cache *cache;
};

/* Floats in descending order as integers in ascending order. */
static uint32_t rank_of_score(float f)
{
    uint32_t u;

    f += 0.0f; /* minus zero is zero */
    memcpy(&u, &f, sizeof u);
    return u & 0x80000000 ? u : 0x7fffffff - u;
}

static int spm_join(const void *self, const struct symbol *l, const struct symbol *r,
                    uint32_t *priority, uint32_t *id)
{
    const struct spm *s = self;
    int32_t token = vocab_find(s->v, s->text.s + l->at, (size_t)l->len + r->len);

    if (token < 0)
        return 0;
    *priority = rank_of_score(s->v->score ? s->v->score[token] : 0);
    *id = (uint32_t)token;
    return 1;
}

static void spm_close(void *self)
{
    struct spm *s = self;

    if (!s)
        return;
    merger_release(&s->merger);
    strbuf_release(&s->text);
    mem_free(s->cache);
    mem_free(s);
}

static int spm_open(void **self, struct vocab *v, const struct gguf *g, struct err *e)
{
    struct spm *s = mem_calloc(1, sizeof *s);

    (void)g;
    if (!s)
        return err_nomem(e);
    s->v = v;
    s->cache = piece_cache_open();
    if (!s->cache) {
        spm_close(s);
        return err_nomem(e);
    }
    space_cuts_init(&s->cuts, v->text, (size_t)v->n);
    s->merger.join = spm_join;
    s->merger.self = s;
    for (int i = 0; i < 256; i++) {
        s->byte[i] = vocab_byte(v, (unsigned char)i);
        if (s->byte[i] < 0)
            s->byte[i] = v->unk;
    }
    *self = s;
    return 0;
}

/* Bytes of the character that starts with c, by its first byte alone. */
static uint32_t lead_bytes(unsigned char c)
{
    return c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static void replace_blanks(struct spm *s, const char *text, size_t n, int prefix)
{
    strbuf_clear(&s->text);
    if (prefix)
        strbuf_adds(&s->text, SPACE_TEXT);
    while (n) {
        const char *blank = memchr(text, ' ', n);
        size_t run = blank ? (size_t)(blank - text) : n;
        strbuf_add(&s->text, text, run);
        if (blank)
            strbuf_adds(&s->text, SPACE_TEXT);
        text += run + (blank != NULL);
        n -= run + (blank != NULL);
    }
}

static int emit(const struct spm *s, const struct symbol *y, struct ids *out)
{
    if (y->id != NO_TOKEN)
        return ids_push(out, (int32_t)y->id);
    for (uint32_t i = 0; i < y->len; i++) {
        int32_t id = s->byte[(unsigned char)s->text.s[y->at + i]];
        if (id >= 0 && ids_push(out, id) < 0)
            return -1;
    }
    return 0;
}

/* Bytes of the character at s->text.s[i]. */
static uint32_t char_at(const struct spm *s, size_t i)
{
    uint32_t len = lead_bytes((unsigned char)s->text.s[i]);

    return len < s->text.len - i ? len : (uint32_t)(s->text.len - i);
}

static int merge_piece(struct spm *s, size_t from, size_t to, struct ids *out)
{
    struct merger *m = &s->merger;

    merger_clear(m);
    for (size_t i = from; i < to;) {
        uint32_t len = char_at(s, i);
        if (merger_add(m, (uint32_t)i, len, (uint32_t)vocab_find(s->v, s->text.s + i, len)) < 0)
            return -1;
        i += len;
    }
    if (merger_run(m) < 0)
        return -1;
    for (int32_t i = 0; i >= 0; i = m->s[i].next)
        if (emit(s, &m->s[i], out) < 0)
            return -1;
    return 0;
}

static int encode_piece(struct spm *s, size_t from, size_t to, struct ids *out)
{
    const char *text = s->text.s + from;
    size_t before = out->n;
    int hit = piece_cache_get(s->cache, text, to - from, out);

    if (hit)
        return hit < 0 ? -1 : 0;
    if (merge_piece(s, from, to, out) < 0)
        return -1;
    if (out->n > before)
        piece_cache_put(s->cache, text, to - from, out->v + before, out->n - before);
    return 0;
}

static int spm_encode(void *self, const char *text, size_t n, enum text_place place,
                      struct ids *out, struct err *e)
{
    struct spm *s = self;

    if (n > MERGE_MAX / 3)
        return err_set(e, ERR_UNSUPPORTED, "a text of %zu bytes is too long to tokenize", n);
    replace_blanks(s, text, n, s->v->adds_space && place != TEXT_INSIDE);
    if (strbuf_ok(&s->text, e) < 0)
        return -1;
    for (size_t from = 0, to; from < s->text.len; from = to) {
        to = space_cuts_next(&s->cuts, s->text.s, from, s->text.len);
        if (encode_piece(s, from, to, out) < 0)
            return err_nomem(e);
    }
    return 0;
}

static void spm_decode(const void *self, int32_t id, struct strbuf *out)
{
    token_decode_blanks(((const struct spm *)self)->v, id, out);
}

const struct scheme scheme_spm = {
    .model = "llama",
    .defaults = {.adds_bos = 1, .adds_space = 1, .bos = 1, .eos = 2, .unk = 0},
    .open = spm_open, .close = spm_close, .encode = spm_encode, .decode = spm_decode,
};
