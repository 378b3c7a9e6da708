/* tokenizer.c -- what all tokenizers share: special tokens around a scheme for plain text. */
#include "runners/tokenizer.h"

#include <string.h>

#include "base/mem.h"
#include "runners/special.h"
#include "runners/tokenizer_scheme.h"
#include "runners/vocab.h"

static const struct scheme *const schemes[] = {
    &scheme_bpe, &scheme_spm, &scheme_wpm, &scheme_ugm, &scheme_rwkv, &scheme_gemma4,
};

void ids_release(struct ids *i)
{
    mem_free(i->v);
    *i = (struct ids){0};
}

int ids_push(struct ids *i, int32_t id)
{
    if (mem_grow(&i->v, &i->cap, i->n + 1, sizeof *i->v) < 0)
        return -1;
    i->v[i->n++] = id;
    return 0;
}

/* "<0xHH>" to its byte; -1 when the text is not that. */
static int byte_of(struct gguf_str t)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *hi, *lo;

    if (t.n != 6 || memcmp(t.s, "<0x", 3) != 0 || t.s[5] != '>')
        return -1;
    hi = memchr(digits, t.s[3], 16);
    lo = memchr(digits, t.s[4], 16);
    return hi && lo ? (int)(hi - digits) << 4 | (int)(lo - digits) : -1;
}

void token_decode_blanks(const struct vocab *v, int32_t id, struct strbuf *out)
{
    struct gguf_str t = v->text[id];
    int byte = v->type[id] == TOKEN_BYTE ? byte_of(t) : -1;

    if (byte >= 0) {
        strbuf_addc(out, (char)byte);
        return;
    }
    for (size_t i = 0; i < t.n;) {
        int blank = t.n - i >= 3 && memcmp(t.s + i, "\xe2\x96\x81", 3) == 0;
        strbuf_addc(out, blank ? ' ' : t.s[i]);
        i += blank ? 3 : 1;
    }
}

static int refuse(const struct gguf *g, struct gguf_str model, struct err *e)
{
    struct strbuf b = STRBUF_INIT;

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        strbuf_addf(&b, "%s%s", i ? ", " : "", schemes[i]->model);
    err_set(e, ERR_UNSUPPORTED, "%s: tokenizer '%.*s' is not supported; known: %s", gguf_path(g),
            model.n < 80 ? (int)model.n : 80, model.s, strbuf_str(&b));
    strbuf_release(&b);
    return -1;
}

static int find_scheme(struct tokenizer *t, const struct gguf *g, struct err *e)
{
    struct gguf_str model = {"", 0}, pre = {"", 0};
    int there = gguf_get_str(g, "tokenizer.ggml.model", &model, e);

    if (there < 0 || gguf_get_str(g, "tokenizer.ggml.pre", &pre, e) < 0)
        return -1;
    if (!there)
        return err_set(e, ERR_FORMAT, "%s: the file has no tokenizer (key 'tokenizer.ggml.model')",
                       gguf_path(g));
    t->pre = mem_strndup(pre.s, pre.n);
    if (!t->pre)
        return err_nomem(e);
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        const char *name = schemes[i]->model;
        if (strlen(name) == model.n && memcmp(name, model.s, model.n) == 0)
            t->scheme = schemes[i];
    }
    if (!t->scheme)
        return refuse(g, model, e);
    return 0;
}

int tokenizer_open(struct tokenizer **out, const struct gguf *g, struct err *e)
{
    struct tokenizer *t = mem_calloc(1, sizeof *t);
    int rc = -1;

    *out = NULL;
    if (!t)
        return err_nomem(e);
    if (find_scheme(t, g, e) < 0 || vocab_init(&t->vocab, g, &t->scheme->defaults, e) < 0 ||
        special_open(&t->special, &t->vocab, e) < 0 ||
        t->scheme->open(&t->self, &t->vocab, g, e) < 0)
        goto out;
    *out = t;
    t = NULL;
    rc = 0;
out:
    tokenizer_close(t);
    return rc;
}

int tokenizer_sha256(char hex[SHA256_HEX], const struct gguf *g, struct err *e)
{
    /* vocab.c asks for names where files lack a key that later ones have */
    static const char *const keys[] = {"general.architecture", "general.name", "tokenizer.", NULL};

    return gguf_keys_sha256(hex, g, keys, e);
}

void tokenizer_close(struct tokenizer *t)
{
    if (!t)
        return;
    if (t->self)
        t->scheme->close(t->self);
    special_close(t->special);
    vocab_release(&t->vocab);
    mem_free(t->pre);
    mem_free(t->path);
    mem_free(t);
}

int tokenizer_encode(struct tokenizer *t, const char *text, size_t n, int flags, struct ids *out,
                     struct err *e)
{
    const struct fragments *f;
    enum text_place place = TEXT_FIRST;

    if (flags & TOKENIZE_BOS && t->vocab.bos >= 0 && ids_push(out, t->vocab.bos) < 0)
        return err_nomem(e);
    if (t->scheme->encode_all)
        return t->scheme->encode_all(t->self, text, n, flags, out, e);
    if (special_split(t->special, text, n, flags & TOKENIZE_SPECIAL, &f, e) < 0)
        return -1;
    for (size_t i = 0; i < f->n; i++) {
        const struct fragment *p = &f->v[i];
        if (p->id >= 0) {
            if (ids_push(out, p->id) < 0)
                return err_nomem(e);
        } else if (t->scheme->encode(t->self, text + p->from, p->to - p->from, place, out,
                                     e) < 0) {
            return -1;
        }
        place = p->id >= 0 ? TEXT_AFTER_SPECIAL : TEXT_INSIDE;
    }
    return 0;
}

int tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, int special,
                     struct strbuf *out, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        int32_t id = ids[i];
        if (id >= t->vocab.n && id < tokenizer_size(t))
            continue;
        if (id < 0 || id >= t->vocab.n)
            return err_set(e, ERR_USAGE, "%s: token id %d; the vocabulary has 0 to %d",
                           t->vocab.path, (int)id, tokenizer_size(t) - 1);
        switch (t->vocab.type[id]) {
        case TOKEN_NORMAL:
        case TOKEN_BYTE:
            t->scheme->decode(t->self, id, out);
            break;
        case TOKEN_USER:
            strbuf_add(out, t->vocab.text[id].s, t->vocab.text[id].n);
            break;
        case TOKEN_CONTROL:
        case TOKEN_UNKNOWN:
            if (special)
                strbuf_add(out, t->vocab.text[id].s, t->vocab.text[id].n);
            break;
        default: /* unused tokens have no text */
            break;
        }
    }
    return strbuf_ok(out, e);
}

void tokenizer_pad(struct tokenizer *t, int size)
{
    t->padding = size > t->vocab.n ? size - t->vocab.n : 0;
}

int tokenizer_size(const struct tokenizer *t)
{
    return t->vocab.n + t->padding;
}

int32_t tokenizer_bos(const struct tokenizer *t)
{
    return t->vocab.bos;
}

int32_t tokenizer_eos(const struct tokenizer *t)
{
    return t->vocab.eos;
}

int tokenizer_adds_bos(const struct tokenizer *t)
{
    return t->vocab.adds_bos;
}

int tokenizer_is_end(const struct tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->vocab.n && (t->vocab.traits[id] & TOKEN_ENDS);
}

const char *tokenizer_model(const struct tokenizer *t)
{
    return t->scheme->name ? t->scheme->name(t->self) : t->scheme->model;
}

const char *tokenizer_pre(const struct tokenizer *t)
{
    return t->pre;
}

struct gguf_str tokenizer_text(const struct tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->vocab.n ? t->vocab.text[id] : (struct gguf_str){"", 0};
}
