#include "tasks/pyliteral.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"

enum { NESTING = 100, NUMBER_BYTES = 400 };

struct literal {
    const char *s, *end;
    const char *start;
    int depth; /* of brackets: inside, line ends are white space */
    struct err *e;
};

static cJSON *bad(struct literal *p, const char *why)
{
    err_set(p->e, ERR_FORMAT, "%s at byte %zu of the Python literal", why,
            (size_t)(p->s - p->start));
    return NULL;
}

static cJSON *made(struct literal *p, cJSON *v)
{
    if (!v)
        err_nomem(p->e);
    return v;
}

static void skip(struct literal *p)
{
    while (p->s < p->end) {
        if (p->depth && *p->s == '#')
            while (p->s < p->end && *p->s != '\n')
                p->s++;
        else if (*p->s == ' ' || *p->s == '\t' || *p->s == '\f' ||
                 (p->depth && (*p->s == '\n' || *p->s == '\r')))
            p->s++;
        else
            return;
    }
}

static int at(const struct literal *p, char c)
{
    return p->s < p->end && *p->s == c;
}

/* --- texts -------------------------------------------------------------------------------- */

static int put_character(struct literal *p, struct strbuf *b, long c)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t n = c > 0 && c <= 0x10ffff && !(c >= 0xd800 && c < 0xe000)
                             ? utf8proc_encode_char((utf8proc_int32_t)c, bytes)
                             : 0;

    if (n <= 0) {
        bad(p, "a character that no text can hold");
        return -1;
    }
    strbuf_add(b, bytes, (size_t)n);
    return 0;
}

static int escape_number(struct literal *p, struct strbuf *b, int digits, int base)
{
    char text[9] = {0};
    int n = 0;

    while (n < digits && p->s < p->end && isxdigit((unsigned char)*p->s) &&
           (base == 16 || (*p->s >= '0' && *p->s <= '7')))
        text[n++] = *p->s++;
    if (base == 16 && n < digits) {
        bad(p, "a broken escape");
        return -1;
    }
    return put_character(p, b, strtol(text, NULL, base));
}

/* Behind a backslash. */
static int escape(struct literal *p, struct strbuf *b)
{
    static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
    const char *found;
    char c;

    if (p->s >= p->end) {
        bad(p, "the text does not end");
        return -1;
    }
    c = *p->s;
    found = c ? strchr(from, c) : NULL;
    if (c >= '0' && c <= '7')
        return escape_number(p, b, 3, 8);
    p->s++;
    if (found)
        strbuf_addc(b, to[found - from]);
    else if (c == 'x' || c == 'u' || c == 'U')
        return escape_number(p, b, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16);
    else if (c == 'N') {
        bad(p, "a character by its name");
        return -1;
    } else if (c != '\n') {
        strbuf_addc(b, '\\');
        strbuf_addc(b, c);
    }
    return 0;
}

static int one_text(struct literal *p, struct strbuf *b, int raw)
{
    char quote = *p->s;
    int triple = p->end - p->s >= 3 && p->s[1] == quote && p->s[2] == quote;

    p->s += triple ? 3 : 1;
    while (p->s < p->end) {
        if (*p->s == quote && (!triple || (p->end - p->s >= 3 && p->s[1] == quote &&
                                           p->s[2] == quote))) {
            p->s += triple ? 3 : 1;
            return 0;
        }
        if (*p->s == '\n' && !triple)
            break;
        if (*p->s == '\\' && raw && p->s + 1 < p->end) {
            strbuf_add(b, p->s, 2);
            p->s += 2;
        } else if (*p->s == '\\') {
            p->s++;
            if (escape(p, b) < 0)
                return -1;
        } else {
            strbuf_addc(b, *p->s++);
        }
    }
    bad(p, "the text does not end");
    return -1;
}

/* How long the prefix of a text is; -1: there is no text here. */
static int text_prefix(const struct literal *p, int *raw)
{
    int n = 0;

    *raw = 0;
    if (p->s < p->end && strchr("rRuU", *p->s)) {
        *raw = (*p->s | 32) == 'r';
        n = 1;
    }
    return p->s + n < p->end && (p->s[n] == '\'' || p->s[n] == '"') ? n : -1;
}

/* Texts that follow each other are one. */
static cJSON *texts(struct literal *p)
{
    struct strbuf b = STRBUF_INIT;
    cJSON *v = NULL;
    int raw, n;

    while ((n = text_prefix(p, &raw)) >= 0) {
        p->s += n;
        if (one_text(p, &b, raw) < 0)
            goto out;
        skip(p);
    }
    v = made(p, b.failed ? NULL : cJSON_CreateString(strbuf_str(&b)));
out:
    strbuf_release(&b);
    return v;
}

/* --- numbers and words -------------------------------------------------------------------- */

static cJSON *number(struct literal *p)
{
    char text[NUMBER_BYTES + 1], *end;
    size_t n = 0;
    double v;

    while (p->s < p->end && (isalnum((unsigned char)*p->s) || strchr("._", *p->s) ||
                             ((*p->s == '-' || *p->s == '+') && n && (text[n - 1] | 32) == 'e' &&
                              !(n > 1 && (text[1] | 32) == 'x')))) {
        if (n == NUMBER_BYTES)
            return bad(p, "a number that is too long");
        if (*p->s != '_')
            text[n++] = *p->s;
        p->s++;
    }
    text[n] = 0;
    if (n > 2 && text[0] == '0' && strchr("bBoO", text[1]))
        v = (double)strtoll(text + 2, &end, (text[1] | 32) == 'b' ? 2 : 8);
    else
        v = strtod(text, &end);
    if (n == 0 || *end || !isfinite(v) ||
        (n > 1 && text[0] == '0' && isdigit((unsigned char)text[1]) && v != 0 &&
         !strpbrk(text, ".eE")))
        return bad(p, "not a literal");
    return made(p, cJSON_CreateNumber(v));
}

static cJSON *word(struct literal *p)
{
    static const struct {
        const char *name;
        cJSON *(*make)(void);
    } words[] = {
        {"True", cJSON_CreateTrue}, {"False", cJSON_CreateFalse}, {"None", cJSON_CreateNull}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t n = strlen(words[i].name);
        if ((size_t)(p->end - p->s) >= n && memcmp(p->s, words[i].name, n) == 0 &&
            !(p->s + n < p->end && (isalnum((unsigned char)p->s[n]) || p->s[n] == '_'))) {
            p->s += n;
            return made(p, words[i].make());
        }
    }
    return bad(p, "not a literal");
}

/* --- lists and dicts ---------------------------------------------------------------------- */

static cJSON *value(struct literal *p);

/* One entry into a list, or `key: entry` into a dict. */
static int entry(struct literal *p, cJSON *into, int dict)
{
    struct strbuf key = STRBUF_INIT;
    cJSON *v = value(p);
    int ok;

    if (!v)
        return -1;
    if (dict) {
        py_str(&key, v);
        json_free(v);
        if (!at(p, ':')) {
            bad(p, "a set, or a dict without ':'");
            strbuf_release(&key);
            return -1;
        }
        p->s++;
        skip(p);
        v = value(p);
        if (!v) {
            strbuf_release(&key);
            return -1;
        }
        cJSON_DeleteItemFromObjectCaseSensitive(into, strbuf_str(&key));
        ok = cJSON_AddItemToObject(into, strbuf_str(&key), v);
    } else {
        ok = cJSON_AddItemToArray(into, v);
    }
    strbuf_release(&key);
    if (!ok) {
        json_free(v);
        err_nomem(p->e);
    }
    return ok ? 0 : -1;
}

static cJSON *brackets(struct literal *p)
{
    char open = *p->s, close = open == '[' ? ']' : open == '(' ? ')' : '}';
    cJSON *v = made(p, open == '{' ? cJSON_CreateObject() : cJSON_CreateArray()), *only;
    int n = 0, comma = 1;

    if (!v)
        return NULL;
    if (p->depth == NESTING) {
        json_free(v);
        return bad(p, "too many brackets");
    }
    p->s++;
    p->depth++;
    for (skip(p); !at(p, close); skip(p), n++) {
        if (!comma || entry(p, v, open == '{') < 0) {
            if (!comma)
                bad(p, "a comma is missing");
            json_free(v);
            return NULL;
        }
        comma = at(p, ',');
        p->s += comma;
    }
    p->depth--;
    p->s++;
    skip(p);
    if (open != '(' || n != 1 || comma)
        return v;
    only = cJSON_DetachItemFromArray(v, 0); /* brackets around one value */
    json_free(v);
    return only;
}

static cJSON *value(struct literal *p)
{
    double sign = 1;
    cJSON *v;
    int raw;

    skip(p);
    if (p->s >= p->end)
        return bad(p, "nothing");
    if (strchr("[({", *p->s))
        return brackets(p);
    if (text_prefix(p, &raw) >= 0)
        return texts(p);
    while (at(p, '-') || at(p, '+')) {
        sign = *p->s++ == '-' ? -sign : sign;
        skip(p);
    }
    if (p->s < p->end && (isdigit((unsigned char)*p->s) || *p->s == '.')) {
        v = number(p);
        if (v)
            cJSON_SetNumberHelper(v, v->valuedouble * sign);
    } else {
        v = sign < 0 ? bad(p, "not a literal") : word(p);
    }
    skip(p);
    return v;
}

/* A comma outside brackets makes a tuple. */
static cJSON *tuple_of(struct literal *p, cJSON *first)
{
    cJSON *list = made(p, cJSON_CreateArray());

    if (!list || !cJSON_AddItemToArray(list, first)) {
        json_free(first);
        json_free(list);
        return NULL;
    }
    while (at(p, ',')) {
        p->s++;
        skip(p);
        if (p->s < p->end && *p->s != '\n' && entry(p, list, 0) < 0) {
            json_free(list);
            return NULL;
        }
    }
    return list;
}

cJSON *pyliteral_parse(const char *s, size_t n, struct err *e)
{
    struct literal p = {.s = s, .start = s, .end = s + n, .e = e};
    cJSON *v;

    json_begin();
    v = value(&p);
    if (v && at(&p, ','))
        v = tuple_of(&p, v);
    while (v && p.s < p.end && strchr(" \t\f\r\n", *p.s))
        p.s++;
    if (v && p.s < p.end) {
        json_free(v);
        return bad(&p, "more than one value");
    }
    return v;
}

/* --- printing ----------------------------------------------------------------------------- */

static int is_printable(utf8proc_int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CN: case UTF8PROC_CATEGORY_CC: case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS: case UTF8PROC_CATEGORY_CO: case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return 0;
    case UTF8PROC_CATEGORY_ZS:
        return c == ' ';
    default:
        return 1;
    }
}

static void repr_character(struct strbuf *b, const char *s, size_t k, char quote)
{
    static const char from[] = "\n\r\t\\", to[] = "nrt\\";
    const char *found = strchr(from, *s);
    utf8proc_int32_t c = 0;

    utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)k, &c);
    if (k == 1 && (*s == quote || found))
        strbuf_addf(b, "\\%c", found ? to[found - from] : quote);
    else if (is_printable(c))
        strbuf_add(b, s, k);
    else
        strbuf_addf(b, c < 256 ? "\\x%02x" : c < 65536 ? "\\u%04x" : "\\U%08x", (unsigned)c);
}

/* Single quotes, unless only those are inside. */
static void repr_text(struct strbuf *b, const char *s)
{
    char quote = strchr(s, '\'') && !strchr(s, '"') ? '"' : '\'';
    size_t n = strlen(s);

    strbuf_addc(b, quote);
    for (size_t i = 0; i < n;) {
        size_t k = utf8_len(s + i, n - i);
        repr_character(b, s + i, k ? k : 1, quote);
        i += k ? k : 1;
    }
    strbuf_addc(b, quote);
}

/* Python prints the shortest digits that read back, as json_format_num, in its own layout. */
static void number_text(struct strbuf *b, double v)
{
    char text[40], *exponent;

    if (v == floor(v) && fabs(v) < 1e16) {
        strbuf_addf(b, "%.0f", v);
        return;
    }
    json_format_num(text, sizeof text, v);
    exponent = strchr(text, 'e');
    if (!exponent && fabs(v) < 1e-4) {
        for (int digits = 0; digits < 17; digits++) {
            snprintf(text, sizeof text, "%.*e", digits, v);
            if (strtod(text, NULL) == v)
                break;
        }
    }
    strbuf_adds(b, text);
}

void py_repr(struct strbuf *b, const cJSON *v)
{
    const cJSON *item;
    int n = 0;

    if (cJSON_IsString(v)) {
        repr_text(b, v->valuestring);
    } else if (cJSON_IsNumber(v)) {
        number_text(b, v->valuedouble);
    } else if (cJSON_IsArray(v) || cJSON_IsObject(v)) {
        strbuf_addc(b, cJSON_IsArray(v) ? '[' : '{');
        cJSON_ArrayForEach(item, v)
        {
            strbuf_adds(b, n++ ? ", " : "");
            if (cJSON_IsObject(v)) {
                repr_text(b, item->string);
                strbuf_adds(b, ": ");
            }
            py_repr(b, item);
        }
        strbuf_addc(b, cJSON_IsArray(v) ? ']' : '}');
    } else {
        strbuf_adds(b, cJSON_IsTrue(v) ? "True" : cJSON_IsFalse(v) ? "False" : "None");
    }
}

void py_str(struct strbuf *b, const cJSON *v)
{
    if (cJSON_IsString(v))
        strbuf_adds(b, v->valuestring);
    else
        py_repr(b, v);
}
