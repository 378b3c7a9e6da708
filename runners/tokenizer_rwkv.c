/* tokenizer_rwkv.c -- RWKV's vocabulary: the longest token at every place (engine.md 4.7). */
#include "base/mem.h"
#include "runners/prefix.h"
#include "runners/tokenizer_scheme.h"

struct rwkv {
    const struct vocab *v;
    struct gguf_str *texts; /* without escapes */
    char *bytes;            /* of all texts */
    struct prefix_set set;
};

static void rwkv_close(void *self)
{
    struct rwkv *r = self;

    if (!r)
        return;
    prefix_release(&r->set);
    mem_free(r->texts);
    mem_free(r->bytes);
    mem_free(r);
}

static int hex(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* '\t', '\n', '\r', '\xHH' and '\' before any other character; out has room for n bytes. */
static size_t unescape(char *out, struct gguf_str t)
{
    size_t n = 0;

    for (size_t i = 0; i < t.n; i++) {
        char c = t.s[i];
        if (c != '\\') {
            out[n++] = c;
        } else if (++i < t.n) {
            c = t.s[i];
            if (c == 'x' && i + 2 < t.n) {
                out[n++] = (char)(hex(t.s[i + 1]) << 4 | (hex(t.s[i + 2]) & 15));
                i += 2;
            } else if (c != 'x') {
                out[n++] = c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
            }
        }
    }
    return n;
}

static int read_texts(struct rwkv *r)
{
    size_t bytes = 0, at = 0;
    uint32_t *all = mem_alloc((size_t)r->v->n * sizeof *all);
    int rc = -1;

    for (int i = 0; i < r->v->n; i++)
        bytes += r->v->text[i].n;
    r->texts = mem_calloc((size_t)r->v->n, sizeof *r->texts);
    r->bytes = mem_alloc(bytes);
    if (!all || !r->texts || !r->bytes)
        goto out;
    for (int i = 0; i < r->v->n; i++) {
        r->texts[i] = (struct gguf_str){r->bytes + at, unescape(r->bytes + at, r->v->text[i])};
        at += r->texts[i].n;
        all[i] = (uint32_t)i;
    }
    rc = prefix_init(&r->set, r->texts, all, (size_t)r->v->n);
out:
    mem_free(all);
    return rc;
}

static int rwkv_open(void **self, struct vocab *v, const struct gguf *g, struct err *e)
{
    struct rwkv *r = mem_calloc(1, sizeof *r);

    (void)g;
    if (!r)
        return err_nomem(e);
    r->v = v;
    if (read_texts(r) < 0) {
        rwkv_close(r);
        return err_nomem(e);
    }
    *self = r;
    return 0;
}

/* A byte that no token starts with is unk, where the file has one. */
static int rwkv_encode(void *self, const char *text, size_t n, enum text_place place,
                      struct ids *out, struct err *e)
{
    struct rwkv *r = self;

    (void)place;
    for (size_t i = 0, len; i < n; i += len ? len : 1) {
        int32_t id;
        len = prefix_longest(&r->set, text + i, n - i, &id);
        if (len == 0)
            id = r->v->unk;
        if (id >= 0 && ids_push(out, id) < 0)
            return err_nomem(e);
    }
    return 0;
}

static void rwkv_decode(const void *self, int32_t id, struct strbuf *out)
{
    const struct rwkv *r = self;

    strbuf_add(out, r->texts[id].s, r->texts[id].n);
}

const struct scheme scheme_rwkv = {
    .model = "rwkv",
    .defaults = {.adds_bos = 0, .adds_space = 0, .bos = -1, .eos = -1, .unk = -1},
    .open = rwkv_open, .close = rwkv_close, .encode = rwkv_encode, .decode = rwkv_decode,
};
