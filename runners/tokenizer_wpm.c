/* tokenizer_wpm.c -- WordPiece of BERT's GGUF files (engine.md 4.5).
 *
 * The converter has put U+2581 in front of tokens that start a word and taken "##" from the others,
 * so a word is matched with that mark in front. */
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "runners/tokenizer_scheme.h"
#include "runners/unicode.h"

#define SPACE "\xe2\x96\x81"

struct wpm {
    const struct vocab *v;
    struct strbuf word;
    int lowers, strips;
};

static void wpm_close(void *self)
{
    struct wpm *w = self;

    if (!w)
        return;
    strbuf_release(&w->word);
    mem_free(w);
}

static int wpm_open(void **self, struct vocab *v, const struct gguf *g, struct err *e)
{
    struct wpm *w = mem_calloc(1, sizeof *w);

    if (!w)
        return err_nomem(e);
    w->v = v;
    w->lowers = 1;
    if (gguf_get_bool(g, "tokenizer.ggml.normalizer.lowercase", &w->lowers, e) < 0)
        goto fail;
    w->strips = w->lowers;
    if (gguf_get_bool(g, "tokenizer.ggml.normalizer.strip_accents", &w->strips, e) < 0)
        goto fail;
    *self = w;
    return 0;
fail:
    wpm_close(w);
    return -1;
}

static void start_word(struct wpm *w)
{
    strbuf_clear(&w->word);
    strbuf_adds(&w->word, SPACE);
}

/* The longest token at every place, or unk for the whole word when somewhere there is none. */
static int end_word(struct wpm *w, struct ids *out)
{
    const char *s = strbuf_str(&w->word);
    size_t n = w->word.len, before = out->n;

    if (w->word.failed)
        return -1;
    if (n == strlen(SPACE))
        return 0;
    for (size_t at = 0, len; at < n; at += len) {
        int32_t id = -1;
        for (len = n - at < w->v->longest ? n - at : w->v->longest; len > 0; len--)
            if ((id = vocab_find(w->v, s + at, len)) >= 0)
                break;
        if (id >= 0) {
            if (ids_push(out, id) < 0)
                return -1;
            continue;
        }
        out->n = before;
        if (w->v->unk >= 0 && ids_push(out, w->v->unk) < 0)
            return -1;
        break;
    }
    start_word(w);
    return 0;
}

/* The first code point of the canonical decomposition: the letter without its accents. */
static uint32_t base_letter(uint32_t c)
{
    utf8proc_int32_t d[32];
    int last = 0;
    utf8proc_ssize_t n;

    if (c < 0x80 || c >= UNICODE_STRAY)
        return c;
    n = utf8proc_decompose_char((utf8proc_int32_t)c, d, 32, UTF8PROC_DECOMPOSE, &last);
    return n > 0 && n <= 32 ? (uint32_t)d[0] : c;
}

static int wpm_encode(void *self, const char *text, size_t n, enum text_place place,
                      struct ids *out, struct err *e)
{
    struct wpm *w = self;
    size_t len;

    (void)place;
    start_word(w);
    for (size_t i = 0; i < n; i += len) {
        uint32_t c = unicode_at(text + i, n - i, &len);
        unsigned k;
        if (w->strips)
            c = base_letter(c);
        k = unicode_class(c);
        if (unicode_is_white(c)) {
            if (end_word(w, out) < 0)
                return err_nomem(e);
            continue;
        }
        if (c == 0 || c == 0xfffd || c >= UNICODE_STRAY || k & (UNICODE_CONTROL | UNICODE_FORMAT |
                                                                UNICODE_UNASSIGNED) ||
            (w->strips && k & UNICODE_MARK))
            continue;
        if (w->lowers)
            c = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
        k = unicode_class(c);
        if (k & UNICODE_PUNCT || (c < 0x7f && k & UNICODE_SYMBOL) || unicode_is_cjk(c)) {
            if (end_word(w, out) < 0)
                return err_nomem(e);
            unicode_put(&w->word, c);
            if (end_word(w, out) < 0)
                return err_nomem(e);
        } else {
            unicode_put(&w->word, c);
        }
    }
    return end_word(w, out) < 0 ? err_nomem(e) : 0;
}

static void wpm_decode(const void *self, int32_t id, struct strbuf *out)
{
    token_decode_blanks(((const struct wpm *)self)->v, id, out);
}

const struct scheme scheme_wpm = {
    .model = "bert",
    .defaults = {.adds_bos = 1, .adds_space = 0, .bos = 101, .eos = -1, .unk = 100},
    .open = wpm_open, .close = wpm_close, .encode = wpm_encode, .decode = wpm_decode,
};
