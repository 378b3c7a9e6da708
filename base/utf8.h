/* utf8.h -- what is well-formed UTF-8, and what a terminal may be shown of a text.
 *
 * Names of models, answers of models and lines of files come from strangers: a control character
 * in them could move the cursor, retitle the window or fake a line of ours. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* Length of the well-formed sequence at s, n > 0 bytes of it; 0 when there is none (RFC 3629: no
 * surrogates, no overlong forms, nothing above U+10FFFF). */
size_t utf8_len(const char *s, size_t n);

/* Bytes of s[0..n) without a sequence at their end that more bytes may complete: what may be shown
 * of a text that is not there yet as a whole. */
size_t utf8_whole(const char *s, size_t n);

/* 1 when the bytes are well-formed UTF-8. */
int utf8_valid(const char *s, size_t n);

/* Code points in well-formed UTF-8 (a stray byte counts as one). */
size_t utf8_count(const char *s, size_t n);

/* 1 when the n bytes of one well-formed sequence are a control character of C0 or C1, or one that
 * changes the direction of the text after it. */
int utf8_is_control(const char *s, size_t n);

/* 1 when the character that s (ended by NUL, not empty) begins with may stand in a page or in XML:
 * not what utf8_make_printable replaces, but for line ends and tabs, nor U+FFFE and U+FFFF, which
 * XML 1.0 (section 2.2) has not.  Its bytes in *n; 1 where there is no character. */
int utf8_next(const char *s, size_t *n);

/* Puts '?' over every byte of what is not fit for a terminal: control characters and bytes that
 * are not UTF-8.  Line breaks and tabs stay when multiline. */
void utf8_make_printable(char *s, size_t n, int multiline);

#endif
