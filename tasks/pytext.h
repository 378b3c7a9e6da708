/* pytext.h -- Python's str methods, as far as lm-eval's templates and filters call them.
 *
 * Python counts and compares code points and knows Unicode's white space; text here is UTF-8.
 * Bytes that are not UTF-8 (a model may generate them) are kept as they are.  Pure, any thread. */
#ifndef TASKS_PYTEXT_H
#define TASKS_PYTEXT_H

#include <stddef.h>

#include "base/strbuf.h"

struct span {
    const char *s;
    size_t n;
};

struct span py_lstrip(const char *s, size_t n);
struct span py_rstrip(const char *s, size_t n);
struct span py_strip(const char *s, size_t n);

/* Bytes of \w that s begins with: letters, numbers, the underscore. */
size_t py_word_characters(const char *s, size_t n);

/* Bytes before the first white space. */
size_t py_word(const char *s, size_t n);

/* len(re.split(r"\s+", s)): white space at either end counts as one more, empty word. */
size_t py_count_words(const char *s, size_t n);

/* s.lower(), s.upper() (a ligature or ß becomes its letters), and s.capitalize(): the first
 * character upper, all others lower. */
void py_lower(struct strbuf *out, const char *s, size_t n);
void py_upper(struct strbuf *out, const char *s, size_t n);
void py_capitalize(struct strbuf *out, const char *s, size_t n);

/* s.replace(from, to): once, left to right; from is not empty. */
void py_replace(struct strbuf *out, const char *s, size_t n, const char *from, const char *to);

/* Without string.punctuation: the 32 of ASCII. */
void py_drop_punctuation(struct strbuf *out, const char *s, size_t n);

#endif
