/* regex.h -- one regular expression over UTF-8, on PCRE2 with Unicode properties and JIT.
 *
 * One thread at a time.  The text must be well-formed UTF-8 (unicode_clean makes it so). */
#ifndef RUNNERS_REGEX_H
#define RUNNERS_REGEX_H

#include <stddef.h>

#include "base/err.h"

enum regex_dialect {
    REGEX_PCRE,
    /* Oniguruma's, which tokenizer.json files are written for: ^ and $ match at line breaks, {n,m}+
     * repeats instead of being possessive, \h is a hex digit, [a&&b] intersects. */
    REGEX_ONIGURUMA,
};

struct regex;
int regex_open(struct regex **out, const char *pattern, enum regex_dialect d, struct err *e);
void regex_close(struct regex *r);

/* 1: the first match in text[0..n) that starts at `at` or later is [*from, *to), possibly empty;
 * 0: there is none. */
int regex_find(struct regex *r, const char *text, size_t n, size_t at, size_t *from, size_t *to,
               struct err *e);

#endif
