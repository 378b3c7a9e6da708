/* tokenizer_ugm.c -- unigram vocabularies of T5 and XLM-R in GGUF files (engine.md 4.6). */
#include <float.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "runners/charsmap.h"
#include "runners/tokenizer_scheme.h"
#include "runners/unigram.h"

#define SPACE "\xe2\x96\x81"

struct ugm {
    struct vocab *v;
    uint8_t *map_bytes;
    struct charsmap map;
    struct prefix_set user;
    struct unigram unigram;
    struct strbuf text; /* normalised */
    int merges_spaces;
};

static void ugm_close(void *self)
{
    struct ugm *u = self;

    if (!u)
        return;
    unigram_release(&u->unigram);
    prefix_release(&u->user);
    strbuf_release(&u->text);
    mem_free(u->map_bytes);
    mem_free(u);
}

static int read_map(struct ugm *u, const struct gguf *g, struct err *e)
{
    static const char key[] = "tokenizer.ggml.precompiled_charsmap";
    enum gguf_type type;
    size_t n;

    if (!gguf_has(g, key))
        return 0;
    if (gguf_get_array(g, key, &type, &n, e) < 1 || (type != GGUF_U8 && type != GGUF_I8))
        return err_set(e, ERR_FORMAT, "%s: key '%s' is not an array of bytes", gguf_path(g), key);
    u->map_bytes = mem_alloc(n);
    if (!u->map_bytes)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        u->map_bytes[i] = (uint8_t)gguf_array_int(g, key, i);
    return charsmap_init(&u->map, u->map_bytes, n, gguf_path(g), e);
}

/* The tokens that can be part of a cut, and among them those that pass the map untouched. */
static int read_tokens(struct ugm *u, struct err *e)
{
    const struct vocab *v = u->v;
    struct unigram_opts o = {.unk = v->unk, .fuses_unk = 1, .unk_by_id = 1};
    uint32_t *parts = mem_alloc((size_t)v->n * sizeof *parts);
    uint32_t *user = mem_alloc((size_t)v->n * sizeof *user);
    double *scores = mem_alloc((size_t)v->n * sizeof *scores);
    size_t n_parts = 0, n_user = 0;
    float least = FLT_MAX;
    int rc = -1;

    if (!parts || !user || !scores) {
        mem_free(scores);
        err_nomem(e);
        goto out;
    }
    for (int i = 0; i < v->n; i++) {
        float score = v->score ? v->score[i] : 0;
        int type = v->type[i];
        scores[i] = score;
        if (type == TOKEN_NORMAL && score < least)
            least = score;
        if (type == TOKEN_NORMAL || type == TOKEN_USER || type == TOKEN_UNUSED)
            parts[n_parts++] = (uint32_t)i;
        if (type == TOKEN_USER)
            user[n_user++] = (uint32_t)i;
    }
    if (unigram_init(&u->unigram, v, &o, scores, parts, n_parts, least, e) < 0)
        goto out;
    if (prefix_init(&u->user, v->text, user, n_user) < 0) {
        err_nomem(e);
        goto out;
    }
    rc = 0;
out:
    mem_free(parts);
    mem_free(user);
    return rc;
}

static int ugm_open(void **self, struct vocab *v, const struct gguf *g, struct err *e)
{
    struct ugm *u = mem_calloc(1, sizeof *u);

    if (!u)
        return err_nomem(e);
    u->v = v;
    if (gguf_get_bool(g, "tokenizer.ggml.remove_extra_whitespaces", &u->merges_spaces, e) < 0 ||
        read_map(u, g, e) < 0 || read_tokens(u, e) < 0) {
        ugm_close(u);
        return -1;
    }
    *self = u;
    return 0;
}

/* The normal form of what stands at s; bytes that are no UTF-8 become U+FFFD. */
static size_t next(const struct ugm *u, const char *s, size_t n, const char **text, size_t *text_n)
{
    int32_t id;
    size_t len = prefix_longest(&u->user, s, n, &id);

    *text = s;
    *text_n = len;
    if (len)
        return len;
    len = charsmap_longest(&u->map, s, n, text, text_n);
    if (len)
        return len;
    len = utf8_len(s, n);
    *text = len ? s : "\xef\xbf\xbd";
    *text_n = len ? len : 3;
    return len ? len : 1;
}

static void normalise(struct ugm *u, const char *s, size_t n)
{
    int in_word = 0, has_prefix = 0;

    strbuf_clear(&u->text);
    while (n) {
        const char *text;
        size_t text_n, len = next(u, s, n, &text, &text_n);
        for (size_t i = 0; i < text_n; i++) {
            if (text[i] != ' ') {
                if (!in_word && ((u->v->adds_space && !has_prefix) || u->merges_spaces)) {
                    strbuf_adds(&u->text, SPACE);
                    has_prefix = 1;
                }
                in_word = 1;
                strbuf_addc(&u->text, text[i]);
            } else {
                in_word = 0;
                if (!u->merges_spaces)
                    strbuf_adds(&u->text, SPACE);
            }
        }
        s += len;
        n -= len;
    }
}

static int ugm_encode(void *self, const char *text, size_t n, enum text_place place,
                      struct ids *out, struct err *e)
{
    struct ugm *u = self;

    (void)place;
    normalise(u, text, n);
    if (strbuf_ok(&u->text, e) < 0)
        return -1;
    if (u->text.len > UNIGRAM_MAX)
        return err_set(e, ERR_UNSUPPORTED, "a text of %zu bytes is too long to tokenize", n);
    return unigram_encode(&u->unigram, strbuf_str(&u->text), u->text.len, out) < 0 ? err_nomem(e)
                                                                                   : 0;
}

static void ugm_decode(const void *self, int32_t id, struct strbuf *out)
{
    token_decode_blanks(((const struct ugm *)self)->v, id, out);
}

const struct scheme scheme_ugm = {
    .model = "t5",
    .defaults = {.adds_bos = 0, .adds_space = 0, .bos = -1, .eos = 1, .unk = 2},
    .open = ugm_open, .close = ugm_close, .encode = ugm_encode, .decode = ugm_decode,
};
