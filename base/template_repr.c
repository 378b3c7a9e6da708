/* template_repr.c -- values as text: Python's str and repr.
 *
 * Text that is printed is itself; inside of lists and dicts it is quoted and escaped as repr has
 * it.  A float is written with the fewest digits that read back as the same number.  A namespace
 * may hold itself: what is too deep or too long ends in "...". */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/template_impl.h"

/* The fewest digits that read back, in Python's choice between 0.0001 and 1e-05, 1e+16. */
void float_repr(char text[40], double f)
{
    char digits[40], *exp;
    int n, e;

    if (!isfinite(f)) {
        strcpy(text, isnan(f) ? "nan" : f > 0 ? "inf" : "-inf");
        return;
    }
    for (n = 1; n <= 17; n++) {
        snprintf(digits, sizeof digits, "%.*e", n - 1, f);
        if (strtod(digits, NULL) == f)
            break;
    }
    exp = strchr(digits, 'e');
    e = atoi(exp + 1);
    if (e >= -4 && e < 16) {
        snprintf(text, 40, "%.*f", n - 1 > e ? n - 1 - e : 1, f);
        return;
    }
    *exp = 0;
    snprintf(text, 40, "%.24se%c%02d", digits, e < 0 ? '-' : '+', abs(e) % 1000);
}

/* What repr shows as it is: Python's str.isprintable. */
static int is_printable(int32_t ch)
{
    switch (utf8proc_category(ch)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return 0;
    case UTF8PROC_CATEGORY_ZS:
        return ch == ' ';
    default:
        return 1;
    }
}

static void repr_text(struct strbuf *b, struct text t)
{
    int single = memchr(t.s, '\'', t.n) != NULL, twofold = memchr(t.s, '"', t.n) != NULL;
    char quote = single && !twofold ? '"' : '\'';
    size_t at = 0, from;
    int32_t ch;

    strbuf_addc(b, quote);
    while (at < t.n) {
        from = at;
        ch = text_next(t, &at);
        if (ch == quote || ch == '\\')
            strbuf_addf(b, "\\%c", (char)ch);
        else if (ch == '\n' || ch == '\r' || ch == '\t')
            strbuf_adds(b, ch == '\n' ? "\\n" : ch == '\r' ? "\\r" : "\\t");
        else if (is_printable(ch))
            strbuf_add(b, t.s + from, at - from);
        else
            strbuf_addf(b, ch < 0x100 ? "\\x%02x" : ch < 0x10000 ? "\\u%04x" : "\\U%08x",
                        (unsigned)ch);
    }
    strbuf_addc(b, quote);
}

static void repr_at(struct ctx *c, struct strbuf *b, const struct val *v, int depth);

static void repr_items(struct ctx *c, struct strbuf *b, const struct val *v, int depth)
{
    static const struct {
        const char *open, *close;
    } marks[] = {
        [SEQ_LIST] = {"[", "]"},
        [SEQ_TUPLE] = {"(", ")"},
        [SEQ_RANGE] = {"range(", ")"},
        [SEQ_VIEW] = {"dict_items([", "])"}, [SEQ_KEYS] = {"dict_keys([", "])"},
        [SEQ_VALUES] = {"dict_values([", "])"},
        [SEQ_ITERATOR] = {"<generator object>", ""},
    };

    strbuf_adds(b, marks[v->kind].open);
    for (size_t i = 0; i < v->seq.n && v->kind != SEQ_ITERATOR; i++) {
        if (i)
            strbuf_adds(b, ", ");
        repr_at(c, b, v->seq.v[i], depth + 1);
    }
    if (v->kind == SEQ_TUPLE && v->seq.n == 1)
        strbuf_addc(b, ',');
    strbuf_adds(b, marks[v->kind].close);
}

static void repr_dict(struct ctx *c, struct strbuf *b, const struct val *v, int depth)
{
    strbuf_adds(b, v->type == VAL_DICT ? "{" : "<Namespace {");
    for (size_t i = 0; i < v->dict->n; i++) {
        if (i)
            strbuf_adds(b, ", ");
        repr_at(c, b, v->dict->keys[i], depth + 1);
        strbuf_adds(b, ": ");
        repr_at(c, b, v->dict->values[i], depth + 1);
    }
    strbuf_adds(b, v->type == VAL_DICT ? "}" : "}>");
}

static void repr_at(struct ctx *c, struct strbuf *b, const struct val *v, int depth)
{
    char text[40];

    if (depth > LIMIT_VALUE || b->len > LIMIT_OUTPUT) {
        strbuf_adds(b, "..."); /* a namespace may hold itself */
        return;
    }
    switch (v->type) {
    case VAL_UNDEFINED:
        strbuf_adds(b, "Undefined");
        break;
    case VAL_NONE:
        strbuf_adds(b, "None");
        break;
    case VAL_BOOL:
        strbuf_adds(b, v->i ? "True" : "False");
        break;
    case VAL_INT:
        strbuf_addf(b, "%" PRId64, v->i);
        break;
    case VAL_FLOAT:
        float_repr(text, v->f);
        strbuf_adds(b, text);
        break;
    case VAL_STR:
        repr_text(b, v->str);
        break;
    case VAL_SEQ:
        repr_items(c, b, v, depth);
        break;
    case VAL_DICT:
    case VAL_NAMESPACE:
        repr_dict(c, b, v, depth);
        break;
    default:
        strbuf_addf(b, "<%s>", val_type_name(v));
        break;
    }
}

void val_repr(struct ctx *c, struct strbuf *b, const struct val *v)
{
    repr_at(c, b, v, 0);
}

void val_str(struct ctx *c, struct strbuf *b, const struct val *v)
{
    if (v->type == VAL_STR)
        strbuf_add(b, v->str.s, v->str.n);
    else if (v->type != VAL_UNDEFINED)
        repr_at(c, b, v, 0);
}

int val_as_text(struct ctx *c, const struct val *v, struct text *out)
{
    struct strbuf b = STRBUF_INIT;
    const struct val *kept;

    if (v->type == VAL_STR) {
        *out = v->str;
        return 0;
    }
    val_str(c, &b, v);
    kept = val_take(c, &b);
    if (!kept)
        return -1;
    *out = kept->str;
    return 0;
}
