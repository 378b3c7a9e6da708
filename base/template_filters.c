/* template_filters.c -- what may stand after "|", one row each: texts, numbers, any value.  What
 * takes a row of values has a file and a table of its own, template_filters_rows.c.
 *
 * Left out are Jinja's filters for web pages and prose (urlize, truncate, wordwrap, batch, ...),
 * which no chat template has a use for: naming one is an error at run time. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/template_impl.h"

/* ---- text ------------------------------------------------------------------------------------ */

static const struct val *cased(struct ctx *c, const struct val *v, enum letter_case how)
{
    struct text t;

    return val_as_text(c, v, &t) < 0 ? NULL : text_case(c, t, how);
}

static const struct val *filter_lower(struct ctx *c, const struct val *v, struct args *a)
{
    (void)a;
    return cased(c, v, CASE_LOWER);
}

static const struct val *filter_upper(struct ctx *c, const struct val *v, struct args *a)
{
    (void)a;
    return cased(c, v, CASE_UPPER);
}

static const struct val *filter_capitalize(struct ctx *c, const struct val *v, struct args *a)
{
    (void)a;
    return cased(c, v, CASE_CAPITAL);
}

/* Words start after blanks, hyphens and opening brackets; unlike str.title not after "'". */
static const struct val *filter_title(struct ctx *c, const struct val *v, struct args *a)
{
    struct strbuf b = STRBUF_INIT;
    const struct val *part;
    struct text t;
    size_t at = 0, from;

    (void)a;
    if (val_as_text(c, v, &t) < 0)
        return NULL;
    while (at < t.n) {
        int starts = 0;
        from = at;
        while (at < t.n && !starts) {
            size_t next = at;
            int32_t ch = text_next(t, &next);
            starts = char_is_space(ch) || (ch < 0x80 && ch && strchr("-({[<", (char)ch));
            at = next;
        }
        part = text_case(c, (struct text){t.s + from, at - from}, CASE_CAPITAL);
        if (!part) {
            strbuf_release(&b);
            return NULL;
        }
        strbuf_add(&b, part->str.s, part->str.n);
    }
    return val_take(c, &b);
}

static const struct val *filter_trim(struct ctx *c, const struct val *v, struct args *a)
{
    struct text t;

    if (val_as_text(c, v, &t) < 0)
        return NULL;
    if (a->v[0] && a->v[0]->type == VAL_STR)
        return val_text(c, text_trim(t, &a->v[0]->str, 1, 1));
    return val_text(c, text_trim(t, NULL, 1, 1));
}

static const struct val *filter_replace(struct ctx *c, const struct val *v, struct args *a)
{
    struct text t, old, new;
    int bad = 0;
    int64_t count = a->v[2] && a->v[2]->type != VAL_NONE ? arg_int(c, a->v[2], -1, &bad) : -1;

    if (bad || val_as_text(c, v, &t) < 0 || val_as_text(c, a->v[0], &old) < 0 ||
        val_as_text(c, a->v[1], &new) < 0)
        return NULL;
    return text_replace(c, t, old, new, count);
}

static const struct val *filter_string(struct ctx *c, const struct val *v, struct args *a)
{
    struct text t;

    (void)a;
    if (v->type == VAL_STR)
        return v;
    return val_as_text(c, v, &t) < 0 ? NULL : val_text(c, t);
}

static const struct val *filter_safe(struct ctx *c, const struct val *v, struct args *a)
{
    return val_markup(c, filter_string(c, v, a));
}

static const struct val *filter_escape(struct ctx *c, const struct val *v, struct args *a)
{
    static const struct {
        char ch;
        const char *as;
    } rows[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&#34;"}, {'\'', "&#39;"}};
    struct strbuf b = STRBUF_INIT;
    struct text t;

    (void)a;
    if (v->type == VAL_STR && v->markup)
        return v;
    if (val_as_text(c, v, &t) < 0)
        return NULL;
    for (size_t i = 0; i < t.n; i++) {
        size_t k = 0;
        while (k < 5 && rows[k].ch != t.s[i])
            k++;
        if (k < 5)
            strbuf_adds(&b, rows[k].as);
        else
            strbuf_addc(&b, t.s[i]);
    }
    return val_markup(c, val_take(c, &b));
}

static const struct val *filter_indent(struct ctx *c, const struct val *v, struct args *a)
{
    struct strbuf b = STRBUF_INIT;
    const struct val *lines;
    struct text by = {NULL, 0};
    int bad = 0, first = arg_flag(a->v[1], 0), blank = arg_flag(a->v[2], 0);
    int64_t width = 4;

    if (a->v[0] && a->v[0]->type == VAL_STR)
        by = a->v[0]->str;
    else
        width = arg_int(c, a->v[0], 4, &bad);
    if (bad)
        return NULL;
    if (v->type == VAL_UNDEFINED)
        return fail_undefined(c, v);
    if (v->type != VAL_STR)
        return fail(c, "unsupported operand type(s) for +=: '%s' and 'str'", val_type_name(v));
    if (!by.s) {
        char *s = ctx_alloc(c, width > 0 ? (size_t)width : 1, 1);
        if (!s)
            return NULL;
        by = (struct text){s, width > 0 ? (size_t)width : 0};
        memset(s, ' ', by.n);
    }
    lines = text_lines(c, v->str, 0);
    if (!lines)
        return NULL;
    if (first)
        strbuf_add(&b, by.s, by.n);
    for (size_t i = 0; i < lines->seq.n && b.len <= LIMIT_OUTPUT; i++) {
        struct text line = lines->seq.v[i]->str;
        if (i)
            strbuf_addc(&b, '\n');
        if (i && (line.n || blank))
            strbuf_add(&b, by.s, by.n);
        strbuf_add(&b, line.s, line.n);
    }
    /* Jinja adds a newline before it splits: a final one leaves an empty last line. */
    if (v->str.n && v->str.s[v->str.n - 1] == '\n') {
        strbuf_addc(&b, '\n');
        if (blank)
            strbuf_add(&b, by.s, by.n);
    }
    return val_take(c, &b);
}

static const struct val *filter_format(struct ctx *c, const struct val *v, struct args *a)
{
    struct val *tuple;
    struct dict *d;
    struct text t;

    if (val_as_text(c, v, &t) < 0)
        return NULL;
    if (a->kw.n) {
        if (a->n)
            return fail(c, "can't handle positional and keyword arguments at the same time");
        d = dict_new(c);
        if (!d)
            return NULL;
        *d = a->kw;
        return format_percent(c, t, val_dict(c, d));
    }
    tuple = val_seq(c, SEQ_TUPLE, a->n);
    if (!tuple)
        return NULL;
    if (a->n)
        memcpy(tuple->seq.v, a->v, a->n * sizeof *tuple->seq.v);
    return format_percent(c, t, tuple);
}

static const struct val *filter_tojson(struct ctx *c, const struct val *v, struct args *a)
{
    return json_dump(c, v, a);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static const struct val *filter_abs(struct ctx *c, const struct val *v, struct args *a)
{
    (void)a;
    if (v->type == VAL_FLOAT)
        return val_float(c, fabs(v->f));
    if (v->type == VAL_UNDEFINED)
        return fail_undefined(c, v);
    if (!val_is_number(v))
        return fail(c, "bad operand type for abs(): '%s'", val_type_name(v));
    return v->i == INT64_MIN ? fail(c, "an integer beyond 64 bits")
                             : val_int(c, v->i < 0 ? -v->i : v->i);
}

static const struct val *filter_int(struct ctx *c, const struct val *v, struct args *a)
{
    int64_t i;
    double f;
    int bad = 0;
    int64_t base = arg_int(c, a->v[1], 10, &bad);

    if (bad)
        return NULL;
    if (v->type == VAL_UNDEFINED)
        return fail_undefined(c, v);
    if (v->type == VAL_INT || v->type == VAL_BOOL)
        return val_int(c, v->i);
    if (v->type == VAL_STR && text_to_int(v->str, base < 0 || base > 36 ? 1 : (int)base, &i))
        return val_int(c, i);
    if (v->type == VAL_FLOAT || (v->type == VAL_STR && text_to_float(v->str, &f))) {
        f = v->type == VAL_FLOAT ? v->f : f;
        if (fabs(f) < 9e18)
            return val_int(c, (int64_t)f);
    }
    return a->v[0] ? a->v[0] : val_int(c, 0);
}

static const struct val *filter_float(struct ctx *c, const struct val *v, struct args *a)
{
    double f;

    if (v->type == VAL_UNDEFINED)
        return fail_undefined(c, v);
    if (val_is_number(v))
        return val_float(c, val_number(v));
    if (v->type == VAL_STR && text_to_float(v->str, &f))
        return val_float(c, f);
    return a->v[0] ? a->v[0] : val_float(c, 0);
}

/* Python's round: to the nearest decimal of the binary value, halves to even. */
static const struct val *filter_round(struct ctx *c, const struct val *v, struct args *a)
{
    struct text how = a->v[1] && a->v[1]->type == VAL_STR ? a->v[1]->str : TEXT("common");
    int bad = 0;
    int64_t digits = arg_int(c, a->v[0], 0, &bad);
    char text[400];
    double scale;

    if (bad)
        return NULL;
    if (v->type == VAL_UNDEFINED)
        return fail_undefined(c, v);
    if (!val_is_number(v))
        return fail(c, "type %s doesn't define __round__ method", val_type_name(v));
    if (digits < -18 || digits > 18)
        return fail(c, "round() to %lld digits", (long long)digits);
    scale = pow(10, (double)digits);
    if (text_is(how, "ceil"))
        return val_float(c, ceil(val_number(v) * scale) / scale);
    if (text_is(how, "floor"))
        return val_float(c, floor(val_number(v) * scale) / scale);
    if (!text_is(how, "common"))
        return fail(c, "method must be common, ceil or floor");
    if (v->type != VAL_FLOAT && digits >= 0)
        return val_int(c, v->i);
    if (digits < 0) {
        double r = nearbyint(val_number(v) * scale) / scale;
        return v->type == VAL_FLOAT ? val_float(c, r) : val_int(c, (int64_t)r);
    }
    snprintf(text, sizeof text, "%.*f", (int)digits, v->f);
    return val_float(c, strtod(text, NULL));
}

/* ---- any value ------------------------------------------------------------------------------- */

static const struct val *filter_default(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c;
    if (v->type == VAL_UNDEFINED || (arg_flag(a->v[1], 0) && !val_truth(v)))
        return a->v[0] ? a->v[0] : &val_empty;
    return v;
}

static const struct val *filter_attr(struct ctx *c, const struct val *v, struct args *a)
{
    const struct native *m;
    struct text name;

    if (v->type == VAL_UNDEFINED)
        return fail_undefined(c, v);
    if (val_as_text(c, a->v[0], &name) < 0)
        return NULL;
    m = method_find(v, name);
    if (v->type == VAL_NAMESPACE || v->type == VAL_LOOP || m)
        return get_attr(c, v, name);
    return val_undefined(c, "'%s object' has no attribute '%.*s'", val_type_name(v), (int)name.n,
                         name.s);
}

static const struct val *filter_length(struct ctx *c, const struct val *v, struct args *a)
{
    (void)a;
    if (v->type == VAL_STR)
        return step(c, v->str.n / 64) < 0 ? NULL : val_int(c, (int64_t)text_chars(v->str));
    if (v->type == VAL_DICT)
        return val_int(c, (int64_t)v->dict->n);
    if (v->type == VAL_UNDEFINED)
        return val_int(c, 0);
    if (v->type == VAL_LOOP)
        return val_int(c, (int64_t)v->loop->items->seq.n);
    if (v->type != VAL_SEQ || v->kind == SEQ_ITERATOR)
        return fail(c, "object of type '%s' has no len()", val_type_name(v));
    return val_int(c, (int64_t)v->seq.n);
}

const struct native *filter_find(struct text name)
{
    static const struct native rows[] = {
        {"abs", filter_abs, 0, ""},
        {"attr", filter_attr, 1, "name"},
        {"capitalize", filter_capitalize, 0, ""},
        {"count", filter_length, 0, ""},
        {"d", filter_default, 0, "default_value boolean"},
        {"default", filter_default, 0, "default_value boolean"},
        {"e", filter_escape, 0, ""},
        {"escape", filter_escape, 0, ""},
        {"float", filter_float, 0, "default"},
        {"format", filter_format, 0, NULL},
        {"indent", filter_indent, 0, "width first blank"},
        {"int", filter_int, 0, "default base"},
        {"length", filter_length, 0, ""},
        {"lower", filter_lower, 0, ""},
        {"replace", filter_replace, 2, "old new count"},
        {"round", filter_round, 0, "precision method"},
        {"safe", filter_safe, 0, ""},
        {"string", filter_string, 0, ""},
        {"title", filter_title, 0, ""},
        {"tojson", filter_tojson, 0, "ensure_ascii indent separators sort_keys"},
        {"trim", filter_trim, 0, "chars"},
        {"upper", filter_upper, 0, ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (text_is(name, rows[i].name))
            return &rows[i];
    for (const struct native *f = filters_of_rows; f->name; f++)
        if (text_is(name, f->name))
            return f;
    return NULL;
}
