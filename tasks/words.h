/* words.h -- texts as sequences of words, words as numbers, and what two sequences have in common:
 * private to tasks/.
 *
 * A sequence's storage is the caller's to mem_free (v); what words point at is the
 * text's.  Pure. */
#ifndef TASKS_WORDS_H
#define TASKS_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "tasks/pytext.h"

struct symbols { /* zeroed: none */
    uint64_t *v;
    size_t n, cap;
};
struct words { /* the same */
    struct span *v;
    size_t n, cap;
};

int symbols_push(struct symbols *s, uint64_t v); /* -1 without memory */

/* Appends what str.split() gives. */
int words_split(struct words *w, const char *s, size_t n, struct err *e);
/* Appends words as numbers: equal words get equal ones. */
int words_number(const struct words *a, const struct words *b, struct symbols *x,
                 struct symbols *y, struct err *e);
/* The same of two texts, each as `spell` writes it anew. */
typedef void words_spelling(struct strbuf *out, const void *how, const char *text);
int words_of_two(words_spelling *spell, const void *how, const char *a, const char *b,
                 struct symbols *x, struct symbols *y, struct err *e);

/* How many entries two sorted sequences have in common, as multisets. */
long words_common(const uint64_t *a, size_t n, const uint64_t *b, size_t m);
/* Runs of 1 to `orders` symbols that both have, as multisets: matches[order - 1]. */
int words_common_runs(const struct symbols *a, const struct symbols *b, int orders, long *matches,
                      struct err *e);

#endif
