/* texmath_impl.h -- the words of a text in TeX: private to tasks/texmath*.c. */
#ifndef TASKS_TEXMATH_IMPL_H
#define TASKS_TEXMATH_IMPL_H

#include "tasks/texvalue.h"

enum kind { /* a sign is its own kind */
    END = 0, BAD = 256, LETTER, SYMBOL, DIGIT, DIFFERENTIAL, QUOTES, SKIPPED, RELATION, TIMES, OVER,
    FRACTION, BINOMIAL, ROOT, OVERLINE, FUNCTION, BRACE_LEFT, BRACE_RIGHT, FLOOR_LEFT, FLOOR_RIGHT,
    CEIL_LEFT, CEIL_RIGHT, ITALIC,
    OTHER, /* known words that nothing that is read here begins with */
};

struct token {
    enum kind kind;
    const char *s;
    int n;
};

enum shape { PLAIN, POWERED, LOGARITHM, LOGARITHM_10 }; /* POWERED: sin^{-1} is the inverse */
struct function {
    const char *name;
    enum shape shape;
    enum texfunction of, inverse;
};

/* The token that s begins with: END at the end, BAD where none begins. */
struct token tex_token(const char *s);
/* Whether a command is that one; `word` is without the backslash. */
int tex_word_is(const struct token *t, const char *word);
/* Of a FUNCTION; NULL for every other token. */
const struct function *tex_function(const struct token *t);
int tex_is_blank(char c);

#endif
