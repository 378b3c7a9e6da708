#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"

static _Thread_local int refused; /* cJSON does not tell an empty heap from a bad text */

static void *alloc_noted(size_t n)
{
    void *p = mem_alloc(n);

    refused |= !p;
    return p;
}

void json_begin(void)
{
    static int done; /* set before any thread starts: the first parse happens in main */
    if (!done) {
        cJSON_Hooks h = {.malloc_fn = alloc_noted, .free_fn = mem_free};
        cJSON_InitHooks(&h);
        done = 1;
    }
}

/* A text with \u0000 in it would be cut there without a word: cJSON's texts end at a zero byte. */
static int has_escaped_zero(const char *s, size_t n)
{
    const char *end = s + n;

    while ((s = memchr(s, '\\', (size_t)(end - s))) != NULL && end - s >= 2) {
        if (end - s >= 6 && memcmp(s, "\\u0000", 6) == 0)
            return 1;
        s += 2; /* the escaped character may be a backslash itself */
    }
    return 0;
}

cJSON *json_parse(const char *bytes, size_t n, const char *where, struct err *e)
{
    const char *end = NULL;
    cJSON *j;

    json_begin();
    if (memchr(bytes, 0, n) || !utf8_valid(bytes, n)) {
        err_set(e, ERR_FORMAT, "%s: not UTF-8 text", where);
        return NULL;
    }
    if (has_escaped_zero(bytes, n)) {
        err_set(e, ERR_FORMAT, "%s: a text with the character U+0000", where);
        return NULL;
    }
    refused = 0;
    j = cJSON_ParseWithLengthOpts(bytes, n, &end, 0);
    if (!j && refused) {
        err_nomem(e);
        return NULL;
    }
    if (!j) {
        long at = end ? (long)(end - bytes) : 0;
        err_set(e, ERR_FORMAT, "%s: malformed JSON at byte %ld", where, at < 0 ? 0 : at);
        return NULL;
    }
    while (end < bytes + n && (*end == ' ' || *end == '\n' || *end == '\r' || *end == '\t'))
        end++;
    if (end < bytes + n) {
        err_set(e, ERR_FORMAT, "%s: text after the JSON value at byte %ld", where,
                (long)(end - bytes));
        json_free(j);
        return NULL;
    }
    return j;
}

cJSON *json_read(const char *path, size_t max, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    cJSON *j = NULL;

    if (file_read(&b, path, max, e) == 0)
        j = json_parse(strbuf_str(&b), b.len, path, e);
    strbuf_release(&b);
    return j;
}

/* The length of a number that JSON has not, at s; 0 when there is none. */
static size_t unwritable_number(const char *s, size_t n)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (n >= strlen(words[i]) && memcmp(s, words[i], strlen(words[i])) == 0)
            return strlen(words[i]);
    return 0;
}

cJSON *json_read_python(const char *path, size_t max, struct err *e)
{
    struct strbuf b = STRBUF_INIT, plain = STRBUF_INIT;
    cJSON *j = NULL;
    int in_text = 0;

    if (file_read(&b, path, max, e) < 0)
        goto out;
    for (size_t i = 0; i < b.len; i++) {
        size_t n = in_text ? 0 : unwritable_number(b.s + i, b.len - i);
        if (n) {
            strbuf_adds(&plain, "null");
            i += n - 1;
            continue;
        }
        if (in_text && b.s[i] == '\\' && i + 1 < b.len)
            strbuf_addc(&plain, b.s[i++]);
        else if (b.s[i] == '"')
            in_text = !in_text;
        strbuf_addc(&plain, b.s[i]);
    }
    if (strbuf_ok(&plain, e) == 0)
        j = json_parse(strbuf_str(&plain), plain.len, path, e);
out:
    strbuf_release(&plain);
    strbuf_release(&b);
    return j;
}

void json_free(cJSON *j)
{
    cJSON_Delete(j);
}

const cJSON *json_get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

const char *json_str(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(json_get(object, key));
}

double json_num(const cJSON *object, const char *key, double fallback)
{
    const cJSON *v = json_get(object, key);

    return cJSON_IsNumber(v) ? v->valuedouble : fallback;
}

int json_bool(const cJSON *object, const char *key, int fallback)
{
    const cJSON *v = json_get(object, key);

    return cJSON_IsBool(v) ? cJSON_IsTrue(v) : fallback;
}

void json_format_num(char *text, size_t size, double v)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            return;
    }
}

static void newline(struct json_out *o)
{
    if (!o->pretty)
        return;
    strbuf_addc(o->b, '\n');
    for (int i = 0; i < o->depth; i++)
        strbuf_adds(o->b, "  ");
}

/* Of a well-formed sequence of up to three bytes. */
static unsigned code_point(const char *s, size_t k)
{
    unsigned c = (unsigned char)s[0] & (k == 1 ? 0x7fu : 0x3fu >> (k - 1));

    for (size_t i = 1; i < k; i++)
        c = c << 6 | ((unsigned char)s[i] & 0x3fu);
    return c;
}

static void quote(struct strbuf *b, const char *s, size_t n)
{
    strbuf_addc(b, '"');
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)s[i];
        size_t k = utf8_len(s + i, n - i);
        if (!k) {
            strbuf_adds(b, "\\ufffd"); /* model output may be cut inside a character */
            i++;
            continue;
        }
        if (c == '"' || c == '\\') {
            strbuf_addc(b, '\\');
            strbuf_addc(b, (char)c);
        } else if (c == '\n') {
            strbuf_adds(b, "\\n");
        } else if (c == '\t') {
            strbuf_adds(b, "\\t");
        } else if (utf8_is_control(s + i, k)) { /* raw, a terminal would obey it */
            strbuf_addf(b, "\\u%04x", code_point(s + i, k));
        } else {
            strbuf_add(b, s + i, k);
        }
        i += k;
    }
    strbuf_addc(b, '"');
}

static void member(struct json_out *o, const char *key)
{
    if (o->comma[o->depth])
        strbuf_addc(o->b, ',');
    o->comma[o->depth] = 1;
    if (o->depth)
        newline(o);
    if (key) {
        quote(o->b, key, strlen(key));
        strbuf_adds(o->b, o->pretty ? ": " : ":");
    }
}

static void begin(struct json_out *o, const char *key, char c)
{
    member(o, key);
    strbuf_addc(o->b, c);
    if (o->depth < (int)sizeof o->comma - 1)
        o->depth++;
    o->comma[o->depth] = 0;
}

static void end(struct json_out *o, char c)
{
    int any = o->comma[o->depth];

    o->depth--;
    if (any)
        newline(o);
    strbuf_addc(o->b, c);
}

void json_begin_object(struct json_out *o, const char *key) { begin(o, key, '{'); }
void json_end_object(struct json_out *o) { end(o, '}'); }
void json_begin_array(struct json_out *o, const char *key) { begin(o, key, '['); }
void json_end_array(struct json_out *o) { end(o, ']'); }

void json_put_strn(struct json_out *o, const char *key, const char *s, size_t n)
{
    member(o, key);
    quote(o->b, s, n);
}

void json_put_str(struct json_out *o, const char *key, const char *s)
{
    if (s)
        json_put_strn(o, key, s, strlen(s));
    else
        json_put_null(o, key);
}

void json_put_num(struct json_out *o, const char *key, double v)
{
    char text[40];

    if (!isfinite(v)) {
        json_put_null(o, key);
        return;
    }
    member(o, key);
    json_format_num(text, sizeof text, v);
    strbuf_adds(o->b, text);
}

void json_put_int(struct json_out *o, const char *key, int64_t v)
{
    member(o, key);
    strbuf_addf(o->b, "%" PRId64, v);
}

void json_put_bool(struct json_out *o, const char *key, int v)
{
    member(o, key);
    strbuf_adds(o->b, v < 0 ? "null" : v ? "true" : "false");
}

void json_put_null(struct json_out *o, const char *key)
{
    member(o, key);
    strbuf_adds(o->b, "null");
}

void json_put_count(struct json_out *o, const char *key, int64_t n)
{
    if (n < 0)
        json_put_null(o, key);
    else
        json_put_int(o, key, n);
}

void json_put_raw(struct json_out *o, const char *key, const char *json)
{
    member(o, key);
    strbuf_adds(o->b, json ? json : "null");
}
