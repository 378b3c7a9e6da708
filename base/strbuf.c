#include "base/strbuf.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

void strbuf_release(struct strbuf *b)
{
    mem_free(b->s);
    *b = STRBUF_INIT;
}

void strbuf_clear(struct strbuf *b)
{
    b->len = 0;
    if (b->s)
        b->s[0] = 0;
}

static int reserve(struct strbuf *b, size_t more)
{
    if (b->failed || more > SIZE_MAX - b->len - 1 ||
        mem_grow(&b->s, &b->cap, b->len + more + 1, 1) < 0) {
        b->failed = 1;
        return -1;
    }
    return 0;
}

void strbuf_add(struct strbuf *b, const void *bytes, size_t n)
{
    if (reserve(b, n) < 0)
        return;
    if (n)
        memcpy(b->s + b->len, bytes, n);
    b->len += n;
    b->s[b->len] = 0;
}

void strbuf_adds(struct strbuf *b, const char *s)
{
    strbuf_add(b, s, strlen(s));
}

void strbuf_add_printable(struct strbuf *b, const char *s, int multiline)
{
    size_t at = b->len;

    strbuf_adds(b, s);
    if (b->len > at)
        utf8_make_printable(b->s + at, b->len - at, multiline);
}

void strbuf_addc(struct strbuf *b, char c)
{
    strbuf_add(b, &c, 1);
}

void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap)
{
    va_list again;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0)
        b->failed = 1;
    else if (reserve(b, (size_t)n) == 0) {
        vsnprintf(b->s + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    strbuf_vaddf(b, fmt, ap);
    va_end(ap);
}

void strbuf_truncate(struct strbuf *b, size_t len)
{
    if (len < b->len) {
        b->len = len;
        b->s[len] = 0;
    }
}

const char *strbuf_str(const struct strbuf *b)
{
    return b->s ? b->s : "";
}

int strbuf_ok(const struct strbuf *b, struct err *e)
{
    return b->failed ? err_nomem(e) : 0;
}

char *strbuf_take(struct strbuf *b)
{
    char *s;

    strbuf_add(b, "", 0);
    if (b->failed) {
        strbuf_release(b);
        return NULL;
    }
    s = b->s;
    *b = STRBUF_INIT;
    return s;
}
