/* special.h -- finds the texts of special tokens in a text (engine.md 4.1, step 1).
 *
 * The longest texts take their places first, anywhere in the text; then the next longest in what is
 * left.  User-defined tokens are always looked for, control and unknown tokens on demand. */
#ifndef RUNNERS_SPECIAL_H
#define RUNNERS_SPECIAL_H

#include "base/err.h"
#include "runners/vocab.h"

struct fragment {
    size_t from, to;
    int32_t id; /* -1: plain text */
};

struct fragments {
    struct fragment *v;
    size_t n, cap;
};

struct special; /* the special tokens of a vocab, by length */
int special_open(struct special **out, const struct vocab *v, struct err *e);
void special_close(struct special *s);

/* The fragments of text[0..n) in order; the special's until the next call. */
int special_split(struct special *s, const char *text, size_t n, int with_control,
                  const struct fragments **out, struct err *e);

#endif
