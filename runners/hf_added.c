#include "runners/hf_added.h"

#include "base/mem.h"
#include "runners/unicode.h"

static int set_init(struct added_set *s, size_t n)
{
    s->texts = mem_calloc(n ? n : 1, sizeof *s->texts);
    s->which = mem_calloc(n ? n : 1, sizeof *s->which);
    return s->texts && s->which ? 0 : -1;
}

static void set_release(struct added_set *s)
{
    mem_free(s->texts);
    mem_free(s->which);
    prefix_release(&s->set);
    strbuf_release(&s->bytes);
}

/* which: from a text looked for to its token; the set's members are the texts themselves. */
static int set_index(struct added_set *s)
{
    uint32_t *all = mem_alloc((s->n ? s->n : 1) * sizeof *all);
    int rc;

    if (!all)
        return -1;
    for (size_t i = 0; i < s->n; i++)
        all[i] = (uint32_t)i;
    rc = prefix_init(&s->set, s->texts, all, s->n);
    mem_free(all);
    return rc;
}

/* Texts move while the buffer grows, so places are kept first and turned into texts at the end. */
static int add_normalised(struct added_set *s, const struct added_token *t, uint32_t i,
                          struct hf_normaliser *normaliser, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    strbuf_add(&b, t->text.s, t->text.n);
    rc = strbuf_ok(&b, e) < 0 ? -1 : hf_normalise(normaliser, &b, e);
    if (rc == 0 && b.len) {
        s->which[s->n] = i;
        s->texts[s->n++] = (struct gguf_str){NULL, b.len};
        strbuf_add(&s->bytes, b.s, b.len);
        rc = strbuf_ok(&s->bytes, e);
    }
    strbuf_release(&b);
    return rc;
}

int hf_added_init(struct hf_added *a, const struct added_token *tokens, size_t n,
                  struct hf_normaliser *normaliser, struct err *e)
{
    size_t at = 0;

    *a = (struct hf_added){.tokens = tokens};
    if (set_init(&a->raw, n) < 0 || set_init(&a->normalised, n) < 0)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        const struct added_token *t = &tokens[i];
        if (t->normalised) {
            if (add_normalised(&a->normalised, t, (uint32_t)i, normaliser, e) < 0)
                return -1;
        } else if (t->text.n) {
            a->raw.which[a->raw.n] = (uint32_t)i;
            a->raw.texts[a->raw.n++] = t->text;
        }
    }
    for (size_t i = 0; i < a->normalised.n; i++) {
        a->normalised.texts[i].s = a->normalised.bytes.s + at;
        at += a->normalised.texts[i].n;
    }
    return set_index(&a->raw) < 0 || set_index(&a->normalised) < 0 ? err_nomem(e) : 0;
}

void hf_added_release(struct hf_added *a)
{
    set_release(&a->raw);
    set_release(&a->normalised);
    *a = (struct hf_added){0};
}

static size_t last_char(const char *text, size_t n)
{
    size_t k = 1;

    while (k < n && k < 4 && ((unsigned char)text[n - k] & 0xc0) == 0x80)
        k++;
    return k;
}

static int word_before(const char *text, size_t n)
{
    size_t len, k;

    if (n == 0)
        return 0;
    k = last_char(text, n);
    return unicode_is_word(unicode_at(text + n - k, k, &len));
}

static int word_after(const char *text, size_t n)
{
    size_t len;

    return n && unicode_is_word(unicode_at(text, n, &len));
}

static int add(struct fragments *l, size_t from, size_t to, int32_t id)
{
    if (from == to)
        return 0;
    if (mem_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v) < 0)
        return -1;
    l->v[l->n++] = (struct fragment){from, to, id};
    return 0;
}

/* What the token takes of the white space beside [from, to), not before `done`. */
static void widen(const struct added_token *t, const char *text, size_t n, size_t done,
                  size_t *from, size_t *to)
{
    size_t len, k;

    while (t->takes_left && *from > done) {
        k = last_char(text, *from);
        if (!unicode_is_white(unicode_at(text + *from - k, k, &len)) || *from - k < done)
            break;
        *from -= k;
    }
    while (t->takes_right && *to < n && unicode_is_white(unicode_at(text + *to, n - *to, &len)))
        *to += len;
}

int hf_added_split(const struct hf_added *a, const struct added_set *s, const char *text, size_t n,
                   int with_special, struct fragments *out, struct err *e)
{
    size_t done = 0, len;

    for (size_t i = 0; i < n && s->n; i += len ? len : 1) {
        const struct added_token *t;
        size_t from = i, to;
        int32_t found;
        len = prefix_longest(&s->set, text + i, n - i, &found);
        if (len == 0)
            continue;
        t = &a->tokens[s->which[found]];
        to = i + len;
        if ((t->is_special && !with_special) || i < done ||
            (t->single_word && (word_before(text, i) || word_after(text + to, n - to))))
            continue;
        widen(t, text, n, done, &from, &to);
        if (add(out, done, from, -1) < 0 || add(out, from, to, t->id) < 0)
            return err_nomem(e);
        done = to;
    }
    return add(out, done, n, -1) < 0 ? err_nomem(e) : 0;
}
