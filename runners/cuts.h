/* cuts.h -- places where a text is cut: the ends of its pieces, in order. */
#ifndef RUNNERS_CUTS_H
#define RUNNERS_CUTS_H

#include "base/err.h"
#include "runners/regex.h"

struct cuts {
    size_t *v, n, cap;
};

int cuts_add(struct cuts *c, size_t end); /* -1: out of memory */
void cuts_release(struct cuts *c);

/* Appends the ends of the pieces of text[from..to) cut by a regular expression that sees nothing
 * else: matches and the gaps between them are pieces, and an empty match cuts where it is. */
int cuts_by_regex(struct cuts *c, struct regex *r, const char *text, size_t from, size_t to,
                  struct err *e);

#endif
