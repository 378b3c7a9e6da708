/* tokenizer_bpe.c -- byte-pair vocabularies of GGUF files: GPT-2's way over bytes, and Gemma 4's
 * over characters (engine.md 4.3). */
#include <string.h>

#include "base/mem.h"
#include "runners/bpe.h"
#include "runners/byte_level.h"
#include "runners/pretokenize.h"
#include "runners/tokenizer_scheme.h"

#define SPACE "\xe2\x96\x81" /* U+2581 stands for a blank in token texts */

struct bpe_scheme {
    struct bpe bpe;
    struct pretokenizer *pre;
    struct strbuf text; /* with blanks replaced */
};

/* "left right": cut at the first blank after the first byte. */
static int add_rule(struct bpe *b, struct gguf_str text, uint32_t rank, struct err *e)
{
    const char *blank = text.n > 1 ? memchr(text.s + 1, ' ', text.n - 1) : NULL;
    size_t n = blank ? (size_t)(blank - text.s) : 0;

    if (!blank) /* no pair, so it can merge nothing */
        return 0;
    return bpe_add_rule(b, (struct gguf_str){text.s, n},
                        (struct gguf_str){blank + 1, text.n - n - 1}, rank, 0, e);
}

static int read_rules(struct bpe *b, const struct vocab *v, const struct bpe_opts *o,
                      const struct gguf *g, int needed, struct err *e)
{
    static const char key[] = "tokenizer.ggml.merges";
    struct gguf_str *texts = NULL;
    enum gguf_type type;
    size_t n = 0;
    int there = gguf_get_array(g, key, &type, &n, e), rc = -1;

    if (there < 1 && needed)
        return err_set(e, ERR_FORMAT, "%s: a BPE vocabulary without merges (key '%s')",
                       gguf_path(g), key);
    texts = mem_calloc(n, sizeof *texts);
    if (!texts) {
        err_nomem(e);
        goto out;
    }
    if ((n && gguf_array_strs(g, key, texts, n, e) < 0) || bpe_init(b, v, o, n, e) < 0)
        goto out;
    for (size_t i = 0; i < n; i++)
        if (add_rule(b, texts[i], (uint32_t)i, e) < 0)
            goto out;
    rc = 0;
out:
    mem_free(texts);
    return rc;
}

static void bpe_close(void *self)
{
    struct bpe_scheme *s = self;

    if (!s)
        return;
    pretokenizer_close(s->pre);
    bpe_release(&s->bpe);
    strbuf_release(&s->text);
    mem_free(s);
}

static int open_parts(struct bpe_scheme *s, struct vocab *v, struct gguf_str pre,
                      const struct gguf *g, struct err *e)
{
    const struct pre_habits *h;
    struct bpe_opts o = {.unk = -1};

    if (pretokenizer_open(&s->pre, pre, e) < 0)
        return err_prefix(e, "%s", v->path);
    h = pretokenizer_habits(s->pre);
    o.over_chars = h->over_chars;
    o.prefers_whole = h->prefers_whole;
    o.whole_lines = h->whole_lines;
    return read_rules(&s->bpe, v, &o, g, !h->merges_optional, e);
}

static int open_with(void **self, struct vocab *v, struct gguf_str pre, const struct gguf *g,
                     struct err *e)
{
    struct bpe_scheme *s = mem_calloc(1, sizeof *s);

    if (!s)
        return err_nomem(e);
    if (open_parts(s, v, pre, g, e) < 0) {
        bpe_close(s);
        return -1;
    }
    if (pretokenizer_habits(s->pre)->adds_bos && !gguf_has(g, "tokenizer.ggml.add_bos_token"))
        v->adds_bos = 1;
    *self = s;
    return 0;
}

static int bpe_open(void **self, struct vocab *v, const struct gguf *g, struct err *e)
{
    struct gguf_str pre = {"", 0};

    if (gguf_get_str(g, "tokenizer.ggml.pre", &pre, e) < 0)
        return -1;
    return open_with(self, v, pre, g, e);
}

static int gemma4_open(void **self, struct vocab *v, const struct gguf *g, struct err *e)
{
    return open_with(self, v, (struct gguf_str){"gemma4", 6}, g, e);
}

static void replace_blanks(struct strbuf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] == ' ')
            strbuf_adds(out, SPACE);
        else
            strbuf_addc(out, text[i]);
}

static int encode_text(void *self, const char *text, size_t n, enum text_place place,
                      struct ids *out, struct err *e)
{
    struct bpe_scheme *s = self;
    const size_t *ends;
    size_t count, from = 0;

    (void)place;
    if (n > MERGE_MAX / 3)
        return err_set(e, ERR_UNSUPPORTED, "a text of %zu bytes is too long to tokenize", n);
    if (pretokenizer_habits(s->pre)->shows_blanks) {
        strbuf_clear(&s->text);
        replace_blanks(&s->text, text, n);
        if (strbuf_ok(&s->text, e) < 0)
            return -1;
        text = strbuf_str(&s->text);
        n = s->text.len;
    }
    if (pretokenizer_split(s->pre, text, n, &ends, &count, e) < 0)
        return -1;
    for (size_t i = 0; i < count; from = ends[i++])
        if (bpe_encode(&s->bpe, text + from, ends[i] - from, out) < 0)
            return err_nomem(e);
    return 0;
}

static void bpe_decode(const void *self, int32_t id, struct strbuf *out)
{
    const struct bpe_scheme *s = self;
    struct gguf_str t = s->bpe.v->text[id];

    if (pretokenizer_habits(s->pre)->over_chars)
        token_decode_blanks(s->bpe.v, id, out);
    else
        byte_level_decode(out, t.s, t.n);
}

const struct scheme scheme_bpe = {
    .model = "gpt2",
    .defaults = {.adds_bos = 0, .adds_space = 0, .bos = 11, .eos = 11, .unk = -1},
    .open = bpe_open, .close = bpe_close, .encode = encode_text, .decode = bpe_decode,
};

const struct scheme scheme_gemma4 = {
    .model = "gemma4",
    .defaults = {.adds_bos = 0, .adds_space = 0, .bos = -1, .eos = -1, .unk = -1},
    .open = gemma4_open, .close = bpe_close, .encode = encode_text, .decode = bpe_decode,
};
