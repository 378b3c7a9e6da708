#include "runners/hf_normalise.h"

#include <string.h>

#include "base/mem.h"
#include "runners/byte_level.h"
#include "runners/charsmap.h"
#include "runners/hf_base64.h"
#include "runners/hf_json.h"
#include "runners/unicode.h"

enum { STEPS_MAX = 64 };

struct step {
    const struct kind *kind;
    int strip_left, strip_right;                 /* Strip */
    int cleans, splits_cjk, strips_accents, lowers; /* BertNormalizer */
    struct hf_pattern pattern;                   /* Replace */
    struct gguf_str text;                        /* Replace, Prepend */
    const char *seen;                            /* Replace: the text as the pattern may see it */
    struct strbuf map_bytes;                     /* Precompiled */
    struct charsmap map;
};

struct kind {
    const char *name;
    int (*open)(struct step *s, const cJSON *j, const char *path, struct err *e); /* may be NULL */
    int (*run)(const struct step *s, const char *text, size_t n, struct strbuf *out,
               struct err *e);
};

struct hf_normaliser {
    struct step steps[STEPS_MAX];
    int n;
    struct strbuf other, clean;
};

/* ---- the steps ----------------------------------------------------------------------------- */

#define FORM(name, form)                                                                           \
    static int name(const struct step *s, const char *text, size_t n, struct strbuf *out,          \
                    struct err *e)                                                                 \
    {                                                                                              \
        (void)s;                                                                                   \
        unicode_normalise(out, text, n, form);                                                     \
        return strbuf_ok(out, e);                                                                  \
    }
FORM(run_nfc, UNICODE_NFC)
FORM(run_nfd, UNICODE_NFD)
FORM(run_nfkc, UNICODE_NFKC)
FORM(run_nfkd, UNICODE_NFKD)

static int run_lower(const struct step *s, const char *text, size_t n, struct strbuf *out,
                     struct err *e)
{
    (void)s;
    for (size_t i = 0, len; i < n; i += len)
        unicode_put_lower(out, unicode_at(text + i, n - i, &len));
    return strbuf_ok(out, e);
}

static int open_strip(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    (void)path;
    (void)e;
    s->strip_left = json_bool(j, "strip_left", 1);
    s->strip_right = json_bool(j, "strip_right", 1);
    return 0;
}

static int run_strip(const struct step *s, const char *text, size_t n, struct strbuf *out,
                     struct err *e)
{
    size_t from = 0, to = n, len, end = 0;

    while (s->strip_left && from < n && unicode_is_white(unicode_at(text + from, n - from, &len)))
        from += len;
    for (size_t i = from; i < n; i += len)
        if (!unicode_is_white(unicode_at(text + i, n - i, &len)))
            end = i + len;
    if (s->strip_right)
        to = end > from ? end : from;
    strbuf_add(out, text + from, to - from);
    return strbuf_ok(out, e);
}

static int run_strip_accents(const struct step *s, const char *text, size_t n, struct strbuf *out,
                             struct err *e)
{
    (void)s;
    for (size_t i = 0, len; i < n; i += len)
        if (!(unicode_class(unicode_at(text + i, n - i, &len)) & UNICODE_MARK))
            strbuf_add(out, text + i, len);
    return strbuf_ok(out, e);
}

/* Controls go, other white space is a blank. */
static int run_nmt(const struct step *s, const char *text, size_t n, struct strbuf *out,
                   struct err *e)
{
    (void)s;
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t c = unicode_at(text + i, n - i, &len);
        if ((c >= 1 && c <= 8) || c == 0xb || (c >= 0xe && c <= 0x1f) || c == 0x7f || c == 0x8f ||
            c == 0x9f)
            continue;
        if (c == 9 || c == 0xa || c == 0xc || c == 0xd || c == 0x1680 ||
            (c >= 0x200b && c <= 0x200f) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
            c == 0xfeff || c == 0xfffd)
            strbuf_addc(out, ' ');
        else
            strbuf_add(out, text + i, len);
    }
    return strbuf_ok(out, e);
}

static int open_replace(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    s->text = hf_text(j, "content");
    if (!s->text.s)
        return err_set(e, ERR_FORMAT, "%s: a Replace without \"content\"", path);
    return hf_pattern_open(&s->pattern, json_get(j, "pattern"), path, e);
}

static int run_replace(const struct step *s, const char *text, size_t n, struct strbuf *out,
                       struct err *e)
{
    size_t done = 0, at = 0, from, to, len;
    int rc;

    while (at <= n && (rc = hf_pattern_find(&s->pattern, s->seen, n, at, &from, &to, e)) != 0) {
        if (rc < 0)
            return -1;
        strbuf_add(out, text + done, from - done);
        strbuf_add(out, s->text.s, s->text.n);
        done = at = to;
        if (to == from) { /* on, over one character */
            if (to == n)
                break;
            unicode_at(text + to, n - to, &len);
            at += len;
        }
    }
    strbuf_add(out, text + done, n - done);
    return strbuf_ok(out, e);
}

static int open_prepend(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    s->text = hf_text(j, "prepend");
    return s->text.s ? 0
                     : err_set(e, ERR_FORMAT, "%s: a Prepend without \"prepend\"", path);
}

static int run_prepend(const struct step *s, const char *text, size_t n, struct strbuf *out,
                       struct err *e)
{
    if (n)
        strbuf_add(out, s->text.s, s->text.n);
    strbuf_add(out, text, n);
    return strbuf_ok(out, e);
}

static int run_byte_level(const struct step *s, const char *text, size_t n, struct strbuf *out,
                          struct err *e)
{
    (void)s;
    for (size_t i = 0; i < n; i++)
        byte_level_put(out, (unsigned char)text[i]);
    return strbuf_ok(out, e);
}

static int open_precompiled(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    struct gguf_str t = hf_text(j, "precompiled_charsmap");

    if (!t.s)
        return json_get(j, "precompiled_charsmap")
                   ? 0
                   : err_set(e, ERR_FORMAT, "%s: no \"precompiled_charsmap\"", path);
    if (base64_decode(&s->map_bytes, t.s, t.n) < 0)
        return err_set(e, ERR_FORMAT, "%s: \"precompiled_charsmap\" is not base 64", path);
    if (strbuf_ok(&s->map_bytes, e) < 0)
        return -1;
    return charsmap_init(&s->map, strbuf_str(&s->map_bytes), s->map_bytes.len, path, e);
}

/* By grapheme while it is short, else by character; what begins with something that the map knows
 * is replaced as a whole. */
static int run_precompiled(const struct step *s, const char *text, size_t n, struct strbuf *out,
                           struct err *e)
{
    enum { SHORT = 6 };

    for (size_t i = 0, len, k; i < n; i += len) {
        const char *to;
        size_t to_n;
        len = unicode_grapheme(text + i, n - i);
        if (len < SHORT && charsmap_shortest(&s->map, text + i, len, &to, &to_n)) {
            strbuf_add(out, to, to_n);
            continue;
        }
        for (size_t c = i; c < i + len; c += k) {
            unicode_at(text + c, i + len - c, &k);
            if (charsmap_shortest(&s->map, text + c, k, &to, &to_n))
                strbuf_add(out, to, to_n);
            else
                strbuf_add(out, text + c, k);
        }
    }
    return strbuf_ok(out, e);
}

static int open_bert(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    (void)path;
    (void)e;
    s->cleans = json_bool(j, "clean_text", 1);
    s->splits_cjk = json_bool(j, "handle_chinese_chars", 1);
    s->lowers = json_bool(j, "lowercase", 1);
    s->strips_accents = json_bool(j, "strip_accents", s->lowers);
    return 0;
}

static void bert_clean(const struct step *s, const char *text, size_t n, struct strbuf *out)
{
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t c = unicode_at(text + i, n - i, &len);
        int drop = c == 0 || c == 0xfffd ||
                   (c != '\t' && c != '\n' && c != '\r' &&
                    unicode_class(c) & (UNICODE_CONTROL | UNICODE_FORMAT | UNICODE_UNASSIGNED));
        if (s->cleans && drop)
            continue;
        if (s->cleans && unicode_is_white(c)) {
            strbuf_addc(out, ' ');
        } else if (s->splits_cjk && unicode_is_cjk(c)) {
            strbuf_addc(out, ' ');
            strbuf_add(out, text + i, len);
            strbuf_addc(out, ' ');
        } else {
            strbuf_add(out, text + i, len);
        }
    }
}

static int run_bert(const struct step *s, const char *text, size_t n, struct strbuf *out,
                    struct err *e)
{
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    int rc = -1;

    bert_clean(s, text, n, &a);
    if (s->strips_accents) {
        unicode_normalise(&b, strbuf_str(&a), a.len, UNICODE_NFD);
        strbuf_clear(&a);
        for (size_t i = 0, len; i < b.len; i += len)
            if (!(unicode_class(unicode_at(b.s + i, b.len - i, &len)) & UNICODE_NONSPACING))
                strbuf_add(&a, b.s + i, len);
    }
    if (strbuf_ok(&a, e) == 0 && strbuf_ok(&b, e) == 0) {
        if (!s->lowers)
            strbuf_add(out, strbuf_str(&a), a.len);
        rc = s->lowers ? run_lower(s, strbuf_str(&a), a.len, out, e) : strbuf_ok(out, e);
    }
    strbuf_release(&a);
    strbuf_release(&b);
    return rc;
}

static const struct kind kinds[] = {
    {"NFC", NULL, run_nfc}, {"NFD", NULL, run_nfd}, {"NFKC", NULL, run_nfkc},
    {"NFKD", NULL, run_nfkd}, {"Lowercase", NULL, run_lower}, {"Strip", open_strip, run_strip},
    {"StripAccents", NULL, run_strip_accents}, {"Nmt", NULL, run_nmt},
    {"Replace", open_replace, run_replace}, {"Prepend", open_prepend, run_prepend},
    {"ByteLevel", NULL, run_byte_level}, {"Precompiled", open_precompiled, run_precompiled},
    {"BertNormalizer", open_bert, run_bert},
};

/* ---- the list ------------------------------------------------------------------------------ */

static int refuse(const char *path, const char *type, struct err *e)
{
    const char *names[sizeof kinds / sizeof kinds[0] + 2] = {"Sequence"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        names[i + 1] = kinds[i].name;
    return hf_refuse(path, "normalizer", type, names, e);
}

/* The nesting is limited by the JSON reader. */
static int add_steps(struct hf_normaliser *n, const cJSON *j, const char *path, struct err *e)
{
    const char *type = hf_type(j);
    const cJSON *part;
    struct step *s;

    if (strcmp(type, "Sequence") == 0) {
        cJSON_ArrayForEach(part, json_get(j, "normalizers"))
            if (add_steps(n, part, path, e) < 0)
                return -1;
        return 0;
    }
    if (n->n == STEPS_MAX)
        return err_set(e, ERR_UNSUPPORTED, "%s: more than %d normalizers", path, STEPS_MAX);
    s = &n->steps[n->n];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, type) == 0)
            s->kind = &kinds[i];
    if (!s->kind)
        return refuse(path, type, e);
    n->n++;
    return s->kind->open ? s->kind->open(s, j, path, e) : 0;
}

int hf_normaliser_open(struct hf_normaliser **out, const cJSON *j, const char *path, struct err *e)
{
    struct hf_normaliser *n = mem_calloc(1, sizeof *n);

    *out = NULL;
    if (!n)
        return err_nomem(e);
    if (j && !cJSON_IsNull(j) && add_steps(n, j, path, e) < 0) {
        hf_normaliser_close(n);
        return -1;
    }
    *out = n;
    return 0;
}

void hf_normaliser_close(struct hf_normaliser *n)
{
    if (!n)
        return;
    for (int i = 0; i < n->n; i++) {
        hf_pattern_close(&n->steps[i].pattern);
        strbuf_release(&n->steps[i].map_bytes);
    }
    strbuf_release(&n->other);
    strbuf_release(&n->clean);
    mem_free(n);
}

int hf_normaliser_is_empty(const struct hf_normaliser *n)
{
    return n->n == 0;
}

int hf_normalise(struct hf_normaliser *n, struct strbuf *b, struct err *e)
{
    for (int i = 0; i < n->n; i++) {
        struct step *s = &n->steps[i];
        const char *text = strbuf_str(b);
        struct strbuf swap;
        s->seen = s->pattern.regex ? unicode_clean(&n->clean, text, b->len) : text;
        if (!s->seen)
            return err_nomem(e);
        strbuf_clear(&n->other);
        if (s->kind->run(s, text, b->len, &n->other, e) < 0)
            return -1;
        swap = *b;
        *b = n->other;
        n->other = swap;
    }
    return 0;
}
