/* lmeval_steps.c -- steps of native programs (lmeval_native.h) that templates cannot say: each
 * takes a column's value and gives another.  A text becomes a text; of a list every text does. */
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "tasks/lmeval_native.h"
#include "tasks/math.h"
#include "tasks/pyliteral.h"
#include "tasks/pyregex.h"
#include "tasks/pytext.h"
#include "tasks/read.h"
#include "tasks/wikitext.h"

static cJSON *text_of(struct strbuf *b, struct err *e)
{
    cJSON *v = b->failed ? NULL : cJSON_CreateString(strbuf_str(b));

    strbuf_release(b);
    if (!v)
        err_nomem(e);
    return v;
}

/* Applies a change to a text, or to every text of a list; anything else is as it was. */
static cJSON *each_text(const cJSON *v, int (*change)(struct strbuf *out, const char *s,
                                                      struct err *e), struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    cJSON *list, *item;
    const cJSON *c;

    if (cJSON_IsString(v)) {
        if (change(&b, v->valuestring, e) == 0)
            return text_of(&b, e);
        strbuf_release(&b);
        return NULL;
    }
    list = cJSON_IsArray(v) ? cJSON_CreateArray() : cJSON_Duplicate(v, 1);
    if (!list)
        err_nomem(e);
    if (list && cJSON_IsArray(v))
        cJSON_ArrayForEach(c, v)
        {
            item = each_text(c, change, e);
            if (!item || !cJSON_AddItemToArray(list, item)) {
                json_free(item);
                json_free(list);
                return NULL;
            }
        }
    return list;
}

/* Where lm-eval's tasks clean, they make a missing text a blank. */
static cJSON *clean(const cJSON *v, struct rng *rng, struct err *e)
{
    struct strbuf b = STRBUF_INIT;

    (void)rng;
    if (!cJSON_IsNull(v))
        return each_text(v, hellaswag_clean, e);
    strbuf_addc(&b, ' ');
    return text_of(&b, e);
}

static cJSON *literal(const cJSON *v, struct rng *rng, struct err *e)
{
    (void)rng;
    if (!cJSON_IsString(v)) {
        err_set(e, ERR_FORMAT, "a text with a Python literal is needed");
        return NULL;
    }
    return pyliteral_parse(v->valuestring, strlen(v->valuestring), e);
}

static cJSON *json(const cJSON *v, struct rng *rng, struct err *e)
{
    (void)rng;
    if (!cJSON_IsString(v)) {
        err_set(e, ERR_FORMAT, "a text with JSON is needed");
        return NULL;
    }
    return json_parse(v->valuestring, strlen(v->valuestring), "json", e);
}

/* random.shuffle. */
static cJSON *shuffle(const cJSON *v, struct rng *rng, struct err *e)
{
    int n = cJSON_IsArray(v) ? cJSON_GetArraySize(v) : 0, k;
    const cJSON **order = mem_calloc((size_t)n + 1, sizeof *order), *c, *last;
    cJSON *out = order ? cJSON_CreateArray() : NULL, *copy;

    if (!out)
        err_nomem(e);
    n = 0;
    if (out && cJSON_IsArray(v))
        cJSON_ArrayForEach(c, v)
            order[n++] = c;
    for (int i = n; out && i-- > 1;) {
        k = (int)rng_below(rng, (uint32_t)i + 1);
        last = order[i];
        order[i] = order[k];
        order[k] = last;
    }
    for (int i = 0; out && i < n; i++) {
        copy = cJSON_Duplicate(order[i], 1);
        if (!copy || !cJSON_AddItemToArray(out, copy)) {
            json_free(copy);
            json_free(out);
            out = NULL;
            err_nomem(e);
        }
    }
    mem_free(order);
    return out;
}

static int sha256(struct strbuf *out, const char *s, struct err *e)
{
    char hex[SHA256_HEX];

    if (sha256_bytes(hex, s, strlen(s), e) < 0)
        return -1;
    strbuf_adds(out, hex);
    return 0;
}

static cJSON *hash(const cJSON *v, struct rng *rng, struct err *e)
{
    (void)rng;
    return each_text(v, sha256, e);
}

static int replace_spaces(struct strbuf *out, const char *s, struct err *e)
{
    (void)e;
    for (; *s; s++)
        if (*s != ' ' || s[1] != ' ')
            strbuf_addc(out, *s);
    return 0;
}

static cJSON *one_space(const cJSON *v, struct rng *rng, struct err *e)
{
    (void)rng;
    return each_text(v, replace_spaces, e);
}

static int without_brackets(struct strbuf *out, const char *s, struct err *e)
{
    struct pyregex *r = NULL;
    int rc = pyregex_open(&r, "\\[.*?]", e);

    if (rc == 0)
        rc = pyregex_remove(r, s, strlen(s), out, e);
    pyregex_close(r);
    return rc;
}

static cJSON *unbracket(const cJSON *v, struct rng *rng, struct err *e)
{
    (void)rng;
    return each_text(v, without_brackets, e);
}

static int lower_first(struct strbuf *out, const char *s, struct err *e)
{
    size_t n = 1;

    (void)e;
    while (((unsigned char)s[n] & 0xc0) == 0x80)
        n++;
    if (*s)
        py_lower(out, s, n);
    strbuf_adds(out, *s ? s + n : "");
    return 0;
}

static cJSON *decapitalize(const cJSON *v, struct rng *rng, struct err *e)
{
    (void)rng;
    return each_text(v, lower_first, e);
}

/* lm-eval's general_detokenize. */
static int join_punctuation(struct strbuf *out, const char *s, struct err *e)
{
    static const char *const pairs[][2] = {
        {" n't", "n't"}, {" )", ")"}, {"( ", "("}, {"\" ", "\""}, {" \"", "\""},
        {" '", "'"}, {" .", "."}, {" ,", ","},
    };
    struct strbuf b = STRBUF_INIT, next = STRBUF_INIT, swap;

    strbuf_adds(&b, s);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        strbuf_clear(&next);
        py_replace(&next, strbuf_str(&b), b.len, pairs[i][0], pairs[i][1]);
        swap = b, b = next, next = swap;
    }
    strbuf_add(out, strbuf_str(&b), b.len);
    if (b.failed || next.failed)
        err_nomem(e);
    strbuf_release(&next);
    strbuf_release(&b);
    return 0;
}

static cJSON *detokenize(const cJSON *v, struct rng *rng, struct err *e)
{
    (void)rng;
    return each_text(v, join_punctuation, e);
}

static int last_box(struct strbuf *out, const char *s, struct err *e)
{
    struct span found;

    if (!math_boxed(s, &found))
        return err_set(e, ERR_FORMAT, "there is no \\boxed{...} in it");
    strbuf_add(out, found.s, found.n);
    return 0;
}

static cJSON *boxed(const cJSON *v, struct rng *rng, struct err *e)
{
    (void)rng;
    return each_text(v, last_box, e);
}

static int last_box_or(struct strbuf *out, const char *s, struct err *e)
{
    struct span found;

    (void)e;
    if (math_boxed(s, &found))
        strbuf_add(out, found.s, found.n);
    else
        strbuf_adds(out, "[invalidanswer]");
    return 0;
}

static cJSON *boxed_or_invalid(const cJSON *v, struct rng *rng, struct err *e)
{
    (void)rng;
    return each_text(v, last_box_or, e);
}

static int page_text(struct strbuf *out, const char *s, struct err *e)
{
    return wikitext_detokenize(out, s, strlen(s), e);
}

static cJSON *wikitext(const cJSON *v, struct rng *rng, struct err *e)
{
    (void)rng;
    return each_text(v, page_text, e);
}

static const struct native_column columns[] = {
    {"wikitext", wikitext, NULL},
    {"clean", clean, NULL},
    {"literal", literal, "\"['a text', 'another', 'a third', 'a fourth']\""},
    {"json", json, "\"[]\""},
    {"shuffle", shuffle, "[\"a text\", \"another\"]"},
    {"hash", hash, NULL},
    {"one_space", one_space, NULL},
    {"unbracket", unbracket, NULL},
    {"decapitalize", decapitalize, NULL},
    {"detokenize", detokenize, NULL},
    {"boxed", boxed, "\"$\\\\boxed{1}$\""},
    {"boxed_or_invalid", boxed_or_invalid, "\"$\\\\boxed{1}$\""},
};

const struct native_column *native_column_find(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        if (strlen(columns[i].name) == n && memcmp(columns[i].name, name, n) == 0)
            return &columns[i];
    return NULL;
}
