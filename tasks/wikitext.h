/* wikitext.h -- WikiText's markup, as lm-eval takes it off (evaluation.md 3). */
#ifndef TASKS_WIKITEXT_H
#define TASKS_WIKITEXT_H

#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

/* Appends the page as people would write it. */
int wikitext_detokenize(struct strbuf *out, const char *page, size_t n, struct err *e);

/* 1 when a line is a heading of the first level, 0 when it is not, -1 without memory. */
int wikitext_is_title(const char *line, size_t n, struct err *e);

#endif
