/* strbuf.h -- a growing string of bytes.
 *
 * Always terminated by a zero byte that len does not count; may hold zero bytes itself.  A refused
 * allocation sets `failed` and turns later appends into no-ops, so that a long chain of appends is
 * checked once, at the end (strbuf_ok). */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

#include "base/err.h"

struct strbuf {
    char *s; /* NULL while nothing was appended: use strbuf_str */
    size_t len, cap;
    int failed;
};

#define STRBUF_INIT ((struct strbuf){0})

void strbuf_release(struct strbuf *b);
void strbuf_clear(struct strbuf *b); /* keeps the storage and the failure */
void strbuf_add(struct strbuf *b, const void *bytes, size_t n);
void strbuf_adds(struct strbuf *b, const char *s);
void strbuf_addc(struct strbuf *b, char c);
void strbuf_addf(struct strbuf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap);
/* What a stranger wrote, for a terminal: as utf8_make_printable. */
void strbuf_add_printable(struct strbuf *b, const char *s, int multiline);
void strbuf_truncate(struct strbuf *b, size_t len);
const char *strbuf_str(const struct strbuf *b); /* never NULL */
int strbuf_ok(const struct strbuf *b, struct err *e);

/* Hands the string to the caller (free with mem_free) and empties b; NULL after a failure. */
char *strbuf_take(struct strbuf *b);

#endif
