/* unicode.h -- code points in bytes that may be anything, and what they are (utf8proc's tables).
 *
 * A byte that starts no well-formed character is one of its own: UNICODE_STRAY plus the byte. */
#ifndef RUNNERS_UNICODE_H
#define RUNNERS_UNICODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

enum { UNICODE_STRAY = 0x200000 };

/* The code point at s, n > 0 bytes left; *len: its bytes. */
uint32_t unicode_at(const char *s, size_t n, size_t *len);
void unicode_put(struct strbuf *b, uint32_t c); /* stray bytes as they were */

enum unicode_class { /* general categories, a bit each group */
    UNICODE_LETTER = 1, UNICODE_MARK = 2, UNICODE_NUMBER = 4, UNICODE_PUNCT = 8,
    UNICODE_SYMBOL = 16, UNICODE_SEPARATOR = 32, UNICODE_CONTROL = 64, /* Cc */
    UNICODE_FORMAT = 128,    /* Cf, Co, Cs */
    UNICODE_UNASSIGNED = 256, UNICODE_UPPER = 512, UNICODE_LOWER = 1024,
    UNICODE_NONSPACING = 2048, /* Mn */
};
unsigned unicode_class(uint32_t c); /* 0 for a stray byte */
int unicode_is_white(uint32_t c);   /* White_Space */
int unicode_is_word(uint32_t c);    /* \w: Alphabetic, M, Nd, Pc, Join_Control */
int unicode_is_cjk(uint32_t c);     /* BERT's idea of a Chinese character */

/* text itself when it is well formed, else a copy of the same length in `scratch` with U+0001 for
 * every stray byte, which keeps all places the same.  NULL: out of memory. */
const char *unicode_clean(struct strbuf *scratch, const char *text, size_t n);

enum unicode_form { UNICODE_NFC, UNICODE_NFD, UNICODE_NFKC, UNICODE_NFKD };
/* Appends text[0..n) in a normal form; stray bytes stay.  Failure is the buffer's. */
void unicode_normalise(struct strbuf *out, const char *text, size_t n, enum unicode_form form);
/* Appends the full lower case of c (one code point, or two for U+0130). */
void unicode_put_lower(struct strbuf *out, uint32_t c);

/* Bytes of the extended grapheme cluster at s. */
size_t unicode_grapheme(const char *s, size_t n);

#endif
