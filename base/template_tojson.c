/* template_tojson.c -- values to JSON, as transformers' tojson writes them: Python's json.dumps, of
 * which it has ensure_ascii, indent, separators and sort_keys.
 *
 * Unlike Jinja's own tojson it escapes nothing for web pages.  What JSON has no word for is an
 * error; NaN and infinities are written as Python writes them. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/template_impl.h"

struct dump {
    struct ctx *c;
    struct strbuf *b;
    int ascii, sort;
    const struct text *indent; /* NULL: all on one line */
    struct text item, colon;
    int depth;
};

static void dump_text(struct dump *d, struct text t)
{
    static const char from[] = "\"\\\n\r\t\f\b", to[] = "\"\\nrtfb";
    size_t at = 0, start;

    strbuf_addc(d->b, '"');
    while (at < t.n) {
        int32_t ch;
        const char *p;
        start = at;
        ch = text_next(t, &at);
        p = ch > 0 && ch < 0x80 ? strchr(from, (char)ch) : NULL;
        if (p) {
            strbuf_addc(d->b, '\\');
            strbuf_addc(d->b, to[p - from]);
        } else if (ch < 0x20 || (d->ascii && ch > 0x7e && ch < 0x10000)) {
            strbuf_addf(d->b, "\\u%04x", (unsigned)ch);
        } else if (d->ascii && ch >= 0x10000) {
            strbuf_addf(d->b, "\\u%04x\\u%04x", 0xd800u + (unsigned)((ch - 0x10000) >> 10),
                        0xdc00u + (unsigned)((ch - 0x10000) & 0x3ff));
        } else {
            strbuf_add(d->b, t.s + start, at - start);
        }
    }
    strbuf_addc(d->b, '"');
}

static void dump_newline(struct dump *d)
{
    if (!d->indent)
        return;
    strbuf_addc(d->b, '\n');
    for (int i = 0; i < d->depth; i++)
        strbuf_add(d->b, d->indent->s, d->indent->n);
}

static int dump_value(struct dump *d, const struct val *v);

static void dump_separator(struct dump *d, size_t i)
{
    if (i)
        strbuf_add(d->b, d->item.s, d->item.n);
    dump_newline(d);
}

static int dump_list(struct dump *d, const struct val *v)
{
    strbuf_addc(d->b, '[');
    d->depth++;
    for (size_t i = 0; i < v->seq.n; i++) {
        dump_separator(d, i);
        if (dump_value(d, v->seq.v[i]) < 0)
            return -1;
    }
    d->depth--;
    if (v->seq.n)
        dump_newline(d);
    strbuf_addc(d->b, ']');
    return 0;
}

static int dump_key(struct dump *d, const struct val *key)
{
    if (key->type == VAL_STR) {
        dump_text(d, key->str);
        return 0;
    }
    if (key->type != VAL_NONE && !val_is_number(key)) {
        fail(d->c, "keys must be str, int, float, bool or None, not %s", val_type_name(key));
        return -1;
    }
    strbuf_addc(d->b, '"');
    dump_value(d, key);
    strbuf_addc(d->b, '"');
    return 0;
}

/* The order in which to write the members: sorted, or as they are. */
static int dump_order(struct dump *d, const struct dict *m, size_t *order)
{
    for (size_t i = 0; i < m->n; i++) {
        size_t at = i;
        int less = 0;
        for (; d->sort && at > 0; at--) {
            if (val_less(d->c, m->keys[i], m->keys[order[at - 1]], &less) < 0 ||
                step(d->c, 1) < 0)
                return -1;
            if (!less)
                break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    return 0;
}

static int dump_dict(struct dump *d, const struct dict *m)
{
    size_t *order = ctx_alloc(d->c, m->n ? m->n : 1, sizeof *order);

    if (!order || dump_order(d, m, order) < 0)
        return -1;
    strbuf_addc(d->b, '{');
    d->depth++;
    for (size_t i = 0; i < m->n; i++) {
        dump_separator(d, i);
        if (dump_key(d, m->keys[order[i]]) < 0)
            return -1;
        strbuf_add(d->b, d->colon.s, d->colon.n);
        if (dump_value(d, m->values[order[i]]) < 0)
            return -1;
    }
    d->depth--;
    if (m->n)
        dump_newline(d);
    strbuf_addc(d->b, '}');
    return 0;
}

static int dump_value(struct dump *d, const struct val *v)
{
    char text[40];

    if (step(d->c, 1) < 0)
        return -1;
    if (d->depth > 200 || d->b->len > LIMIT_OUTPUT) {
        fail(d->c, "a value too deep or too large for tojson");
        return -1;
    }
    if (v->type == VAL_STR)
        dump_text(d, v->str);
    else if (v->type == VAL_NONE)
        strbuf_adds(d->b, "null");
    else if (v->type == VAL_BOOL)
        strbuf_adds(d->b, v->i ? "true" : "false");
    else if (v->type == VAL_INT)
        strbuf_addf(d->b, "%" PRId64, v->i);
    else if (v->type == VAL_FLOAT && isfinite(v->f))
        float_repr(text, v->f), strbuf_adds(d->b, text);
    else if (v->type == VAL_FLOAT)
        strbuf_adds(d->b, isnan(v->f) ? "NaN" : v->f > 0 ? "Infinity" : "-Infinity");
    else if (v->type == VAL_SEQ && v->kind <= SEQ_TUPLE)
        return dump_list(d, v);
    else if (v->type == VAL_DICT)
        return dump_dict(d, v->dict);
    else
        return fail(d->c, "Object of type %s is not JSON serializable", val_type_name(v)), -1;
    return 0;
}

/* The indent that `v` asks for (blanks or a text) into *out. */
static int dump_indent(struct ctx *c, const struct val *v, struct text *out)
{
    int bad = 0;
    int64_t n;
    char *blanks;

    if (v->type == VAL_STR) {
        *out = v->str;
        return 0;
    }
    n = arg_int(c, v, 0, &bad);
    n = n < 0 ? 0 : n;
    if (bad || n > LIMIT_WIDTH)
        return bad ? -1 : format_too_wide(c);
    blanks = ctx_alloc(c, (size_t)n + 1, 1);
    if (!blanks)
        return -1;
    memset(blanks, ' ', (size_t)n);
    *out = (struct text){blanks, (size_t)n};
    return 0;
}

/* Arguments as transformers' tojson has them: ensure_ascii, indent, separators, sort_keys. */
const struct val *json_dump(struct ctx *c, const struct val *v, struct args *a)
{
    struct strbuf b = STRBUF_INIT;
    struct text indent;
    struct dump d = {.c = c, .b = &b, .item = TEXT(", "), .colon = TEXT(": ")};
    const struct val *pair = a->v[2];

    d.ascii = a->v[0] && val_truth(a->v[0]);
    d.sort = a->v[3] && val_truth(a->v[3]);
    if (a->v[1] && a->v[1]->type != VAL_NONE) {
        if (dump_indent(c, a->v[1], &indent) < 0)
            return NULL;
        d.indent = &indent;
        d.item = TEXT(",");
    }
    if (pair && pair->type != VAL_NONE) {
        if (pair->type != VAL_SEQ || pair->seq.n != 2 || pair->seq.v[0]->type != VAL_STR ||
            pair->seq.v[1]->type != VAL_STR)
            return fail(c, "separators must be two strings");
        d.item = pair->seq.v[0]->str;
        d.colon = pair->seq.v[1]->str;
    }
    if (dump_value(&d, v) < 0) {
        strbuf_release(&b);
        return NULL;
    }
    return val_take(c, &b);
}
