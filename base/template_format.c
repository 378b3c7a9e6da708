/* template_format.c -- values to text by a format: "%5.2f" % x and "{:>5}".format(x).
 *
 * Both kinds are read into what they say about one field (struct spec), and a field is written in
 * one way. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/template_impl.h"

/* What both kinds of format say about one field. */
struct spec {
    struct text fill; /* one character */
    char align;       /* '<', '>', '^', '=' (after the sign), 0: by type */
    char sign;        /* '+', ' ' or 0 */
    int alternate;
    char comma; /* between thousands: ',', '_' or 0 */
    int width, precision; /* -1: not given */
    char type;            /* 0: by value */
};

int format_too_wide(struct ctx *c)
{
    fail(c, "a format wider than %d", LIMIT_WIDTH);
    return -1;
}

static int read_number(struct ctx *c, struct text s, size_t *at, int *out)
{
    if (*at >= s.n || !isdigit((unsigned char)s.s[*at]))
        return 0;
    for (*out = 0; *at < s.n && isdigit((unsigned char)s.s[*at]); ++*at) {
        *out = *out * 10 + (s.s[*at] - '0');
        if (*out > LIMIT_WIDTH)
            return format_too_wide(c);
    }
    return 0;
}

/* Puts `body`, of which the first `sign` bytes are the sign, into the field. */
static void pad(struct strbuf *b, const struct spec *f, struct text body, size_t sign, char align)
{
    size_t chars = text_chars(body), gap = 0, left;

    if (f->width > 0 && (size_t)f->width > chars)
        gap = (size_t)f->width - chars;
    left = align == '>' ? gap : align == '^' ? gap / 2 : 0;
    if (align == '=') {
        strbuf_add(b, body.s, sign);
        body = (struct text){body.s + sign, body.n - sign};
        left = gap;
    }
    for (size_t i = 0; i < left; i++)
        strbuf_add(b, f->fill.s, f->fill.n);
    strbuf_add(b, body.s, body.n);
    for (size_t i = left; i < gap; i++)
        strbuf_add(b, f->fill.s, f->fill.n);
}

/* group: 4 of what is not decimal, else 3 */
static void add_commas(struct strbuf *b, const char *digits, char comma, size_t group)
{
    size_t n = strspn(digits, group == 4 ? "0123456789abcdefABCDEF" : "0123456789");

    for (size_t i = 0; i < n; i++) {
        strbuf_addc(b, digits[i]);
        if ((n - i) % group == 1 && i + 1 < n)
            strbuf_addc(b, comma);
    }
    strbuf_adds(b, digits + n);
}

static void int_digits(char text[80], uint64_t v, char type)
{
    char *p = text + 79;
    unsigned base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;

    *p = 0;
    do
        *--p = (type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[v % base];
    while ((v /= base) != 0);
    memmove(text, p, strlen(p) + 1);
}

static void put_int(struct strbuf *b, const struct spec *f, int64_t v)
{
    struct strbuf body = STRBUF_INIT;
    char text[80];
    size_t sign;

    int_digits(text, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, f->type);
    if (v < 0 || f->sign)
        strbuf_addc(&body, v < 0 ? '-' : f->sign);
    if (f->alternate && f->type && strchr("xXob", f->type))
        strbuf_addf(&body, "0%c", f->type);
    sign = body.len;
    for (size_t i = strlen(text); f->precision > 0 && i < (size_t)f->precision; i++)
        strbuf_addc(&body, '0');
    if (f->comma)
        add_commas(&body, text, f->comma, f->type && strchr("xXob", f->type) ? 4 : 3);
    else
        strbuf_adds(&body, text);
    b->failed |= body.failed;
    pad(b, f, (struct text){strbuf_str(&body), body.len}, sign, f->align ? f->align : '>');
    strbuf_release(&body);
}

static void put_float(struct strbuf *b, const struct spec *f, double v)
{
    struct strbuf body = STRBUF_INIT, digits = STRBUF_INIT;
    char format[] = "%.*f", text[40];
    int precision = f->precision < 0 ? 6 : f->precision;
    size_t sign;

    if (signbit(v) || f->sign)
        strbuf_addc(&body, signbit(v) ? '-' : f->sign);
    sign = body.len;
    v = fabs(v);
    if (!f->type && f->precision < 0) {
        float_repr(text, v);
        strbuf_adds(&digits, text);
    } else {
        format[3] = f->type == '%' ? 'f' : f->type ? f->type : 'g';
        strbuf_addf(&digits, format, precision, f->type == '%' ? v * 100 : v);
        if (f->type == '%')
            strbuf_addc(&digits, '%');
    }
    if (f->comma)
        add_commas(&body, strbuf_str(&digits), f->comma, 3);
    else
        strbuf_add(&body, strbuf_str(&digits), digits.len);
    b->failed |= body.failed | digits.failed;
    pad(b, f, (struct text){strbuf_str(&body), body.len}, sign, f->align ? f->align : '>');
    strbuf_release(&digits);
    strbuf_release(&body);
}

static void put_text(struct strbuf *b, const struct spec *f, struct text t, char align)
{
    if (f->precision >= 0)
        t.n = text_offset(t, (size_t)f->precision);
    pad(b, f, t, 0, f->align && f->align != '=' ? f->align : align);
}

/* ---- "%..." % value -------------------------------------------------------------------------- */

struct percent {
    struct ctx *c;
    const struct val *arg;
    size_t used; /* of a tuple */
};

static const struct val *next_argument(struct percent *p)
{
    if (p->arg->type != VAL_SEQ || p->arg->kind != SEQ_TUPLE) {
        if (p->used++)
            return fail(p->c, "not enough arguments for format string");
        return p->arg;
    }
    if (p->used >= p->arg->seq.n)
        return fail(p->c, "not enough arguments for format string");
    return p->arg->seq.v[p->used++];
}

static int percent_int(struct ctx *c, struct strbuf *b, const struct spec *f, const struct val *v)
{
    if (!val_is_number(v) || (v->type == VAL_FLOAT && !(fabs(v->f) < 9e18))) {
        fail(c, "%%%c format: a real number is required, not %s", f->type, val_type_name(v));
        return -1;
    }
    put_int(b, f, v->type == VAL_FLOAT ? (int64_t)v->f : v->i);
    return 0;
}

static int percent_put(struct ctx *c, struct strbuf *b, const struct spec *f, const struct val *v)
{
    struct strbuf body = STRBUF_INIT;

    if (strchr("diuxXo", f->type))
        return percent_int(c, b, f, v);
    if (strchr("eEfFgG", f->type)) {
        if (!val_is_number(v)) {
            fail(c, "must be real number, not %s", val_type_name(v));
            return -1;
        }
        put_float(b, f, val_number(v));
        return 0;
    }
    if (f->type == 'c' && v->type == VAL_INT)
        utf8_put(&body, v->i < 0 || v->i > 0x10ffff ? 0xfffd : (int32_t)v->i);
    else if (f->type == 'r' || f->type == 'a')
        val_repr(c, &body, v);
    else
        val_str(c, &body, v);
    b->failed |= body.failed;
    put_text(b, f, (struct text){strbuf_str(&body), body.len}, '>');
    strbuf_release(&body);
    return 0;
}

static int percent_width(struct percent *p, struct text s, size_t *at, int *out)
{
    const struct val *v;
    int bad = 0;

    if (*at >= s.n || s.s[*at] != '*')
        return read_number(p->c, s, at, out);
    ++*at;
    v = next_argument(p);
    if (!v)
        return -1;
    *out = (int)arg_int(p->c, v, 0, &bad);
    return bad ? -1 : *out < 0 || *out > LIMIT_WIDTH ? format_too_wide(p->c) : 0;
}

/* One conversion; *at is behind its "%". */
static int percent_field(struct percent *p, struct text s, size_t *at, struct strbuf *b)
{
    struct spec f = {.fill = TEXT(" "), .precision = -1};
    const struct val *v = NULL;
    size_t close;

    if (*at < s.n && s.s[*at] == '(') {
        close = text_find(s, TEXT(")"), *at);
        if (close == SIZE_MAX || p->arg->type != VAL_DICT) {
            fail(p->c, "format requires a mapping");
            return -1;
        }
        v = dict_text(p->arg->dict, (struct text){s.s + *at + 1, close - *at - 1});
        if (!v) {
            fail(p->c, "'%.*s'", (int)(close - *at - 1), s.s + *at + 1);
            return -1;
        }
        *at = close + 1;
    }
    for (; *at < s.n && strchr("-+ #0", s.s[*at]); ++*at) {
        switch (s.s[*at]) {
        case '-':
            f.align = '<';
            break;
        case '#':
            f.alternate = 1;
            break;
        case '0':
            if (f.align != '<') {
                f.fill = TEXT("0");
                f.align = '=';
            }
            break;
        default:
            f.sign = s.s[*at] == '+' ? '+' : f.sign ? f.sign : ' ';
        }
    }
    if (f.align == '<')
        f.fill = TEXT(" ");
    if (percent_width(p, s, at, &f.width) < 0)
        return -1;
    if (*at < s.n && s.s[*at] == '.') {
        ++*at;
        f.precision = 0;
        if (percent_width(p, s, at, &f.precision) < 0)
            return -1;
    }
    if (*at >= s.n || !strchr("diuxXoeEfFgGcrsa", s.s[*at])) {
        fail(p->c, "unsupported or incomplete format");
        return -1;
    }
    f.type = s.s[(*at)++];
    if (!v && !(v = next_argument(p)))
        return -1;
    if (strchr("csra", f.type) && f.fill.s[0] == '0')
        f.fill = TEXT(" ");
    return percent_put(p->c, b, &f, v);
}

const struct val *format_percent(struct ctx *c, struct text s, const struct val *arg)
{
    struct percent p = {.c = c, .arg = arg};
    struct strbuf b = STRBUF_INIT;
    int is_tuple = arg->type == VAL_SEQ && arg->kind == SEQ_TUPLE;

    for (size_t at = 0; at < s.n && b.len <= LIMIT_OUTPUT;) {
        if (s.s[at] != '%') {
            strbuf_addc(&b, s.s[at++]);
        } else if (at + 1 < s.n && s.s[at + 1] == '%') {
            strbuf_addc(&b, '%');
            at += 2;
        } else if (at++, percent_field(&p, s, &at, &b) < 0) {
            strbuf_release(&b);
            return NULL;
        }
    }
    /* What has subscripts passes for a mapping, of which nothing need be used. */
    if (is_tuple ? p.used < arg->seq.n
                 : !p.used && arg->type != VAL_DICT && arg->type != VAL_SEQ &&
                       arg->type != VAL_UNDEFINED) {
        strbuf_release(&b);
        return fail(c, "not all arguments converted during string formatting");
    }
    return val_take(c, &b);
}

/* ---- "{...}".format() ------------------------------------------------------------------------ */

/* [[fill]align][sign][#][0][width][,][.precision][type] */
static int parse_spec(struct ctx *c, struct text s, struct spec *f)
{
    size_t at = 0, first = 0;
    int filled = 0;

    *f = (struct spec){.fill = TEXT(" "), .precision = -1};
    if (s.n)
        text_next(s, &first);
    if (first && first < s.n && strchr("<>^=", s.s[first])) {
        f->fill = (struct text){s.s, first};
        f->align = s.s[first];
        at = first + 1;
        filled = 1;
    } else if (s.n && strchr("<>^=", s.s[0])) {
        f->align = s.s[at++];
    }
    if (at < s.n && strchr("+- ", s.s[at])) {
        f->sign = s.s[at] == '-' ? 0 : s.s[at];
        at++;
    }
    if (at < s.n && s.s[at] == '#') {
        f->alternate = 1;
        at++;
    }
    if (at < s.n && s.s[at] == '0') {
        at++;
        if (!filled)
            f->fill = TEXT("0");
        if (!f->align)
            f->align = '=';
    }
    if (read_number(c, s, &at, &f->width) < 0)
        return -1;
    if (at < s.n && (s.s[at] == ',' || s.s[at] == '_')) {
        f->comma = s.s[at++];
    }
    if (at < s.n && s.s[at] == '.') {
        at++;
        f->precision = 0;
        if (read_number(c, s, &at, &f->precision) < 0)
            return -1;
    }
    if (at < s.n && strchr("bcdeEfFgGnosxX%", s.s[at]))
        f->type = s.s[at++];
    if (at == s.n)
        return 0;
    fail(c, "Invalid format specifier");
    return -1;
}

static int put_by_spec(struct ctx *c, struct strbuf *b, struct text spec, const struct val *v)
{
    struct spec f;
    struct text t;

    if (parse_spec(c, spec, &f) < 0)
        return -1;
    if (val_is_number(v) && !(v->type == VAL_BOOL && !f.type)) {
        if (f.type == 'c' && v->type != VAL_FLOAT) {
            struct strbuf one = STRBUF_INIT;
            utf8_put(&one, v->i < 0 || v->i > 0x10ffff ? 0xfffd : (int32_t)v->i);
            b->failed |= one.failed;
            put_text(b, &f, (struct text){strbuf_str(&one), one.len}, '>');
            strbuf_release(&one);
        } else if (v->type == VAL_FLOAT || (f.type && strchr("eEfFgG%", f.type)))
            put_float(b, &f, val_number(v));
        else
            put_int(b, &f, v->i);
        return 0;
    }
    if (f.type && f.type != 's') {
        fail(c, "Unknown format code '%c' for object of type '%s'", f.type, val_type_name(v));
        return -1;
    }
    if (val_as_text(c, v, &t) < 0)
        return -1;
    put_text(b, &f, t, '<');
    return 0;
}

/* The value a field names: "", "0" or "name", then ".attr" and "[key]". */
static const struct val *field_value(struct ctx *c, struct text name, struct args *a, size_t *next)
{
    size_t at = 0, from;
    const struct val *v, *key;
    int64_t index;
    struct text head;

    while (at < name.n && name.s[at] != '.' && name.s[at] != '[')
        at++;
    head = (struct text){name.s, at};
    if (head.n == 0 || text_to_int(head, 10, &index)) {
        size_t i = head.n == 0 ? (*next)++ : (size_t)index;
        v = i < a->n ? a->v[i]
            : fail(c, "Replacement index %zu out of range for positional args tuple", i);
    } else {
        v = dict_text(&a->kw, head);
        if (!v)
            return fail(c, "'%.*s'", (int)head.n, head.s);
    }
    while (v && at < name.n) {
        char open = name.s[at++];
        for (from = at; at < name.n && name.s[at] != '.' && name.s[at] != '[' &&
                        name.s[at] != ']'; at++)
            ;
        head = (struct text){name.s + from, at - from};
        key = text_to_int(head, 10, &index) ? val_int(c, index) : val_text(c, head);
        v = !key ? NULL : open == '.' ? get_attr(c, v, head) : get_item(c, v, key);
        at += at < name.n && name.s[at] == ']';
    }
    return v;
}

/* field: what stands between the braces. */
static int braces_field(struct ctx *c, struct text field, struct args *a, size_t *next,
                        struct strbuf *b)
{
    struct text spec = {"", 0};
    size_t colon = text_find(field, TEXT(":"), 0);
    struct strbuf repr = STRBUF_INIT;
    const struct val *v;
    char conversion = 0;

    if (colon != SIZE_MAX) {
        spec = (struct text){field.s + colon + 1, field.n - colon - 1};
        field.n = colon;
    }
    if (field.n >= 2 && field.s[field.n - 2] == '!') {
        conversion = field.s[field.n - 1];
        field.n -= 2;
    }
    v = field_value(c, field, a, next);
    if (v && conversion) {
        if (conversion == 's')
            val_str(c, &repr, v);
        else
            val_repr(c, &repr, v);
        v = val_take(c, &repr);
    }
    return v ? put_by_spec(c, b, spec, v) : -1;
}

const struct val *format_braces(struct ctx *c, struct text s, struct args *a)
{
    struct strbuf b = STRBUF_INIT;
    size_t next = 0, close;

    for (size_t at = 0; at < s.n && b.len <= LIMIT_OUTPUT; at++) {
        char ch = s.s[at];
        if ((ch == '{' || ch == '}') && at + 1 < s.n && s.s[at + 1] == ch) {
            strbuf_addc(&b, ch);
            at++;
        } else if (ch == '}') {
            strbuf_release(&b);
            return fail(c, "Single '}' encountered in format string");
        } else if (ch != '{') {
            strbuf_addc(&b, ch);
        } else {
            close = text_find(s, TEXT("}"), at);
            if (close == SIZE_MAX)
                fail(c, "expected '}' before end of string");
            if (close == SIZE_MAX ||
                braces_field(c, (struct text){s.s + at + 1, close - at - 1}, a, &next, &b) < 0) {
                strbuf_release(&b);
                return NULL;
            }
            at = close;
        }
    }
    return val_take(c, &b);
}
