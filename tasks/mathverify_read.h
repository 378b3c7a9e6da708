/* mathverify_read.h -- from the tree of a text to the expression that it stands for.  Hardly
 * anything is computed, as math-verify has it: 2 + 3 stays a sum, 2/4 becomes 1/2, and 2\frac{1}{2}
 * the mixed number.  Private to tasks/mathverify*.c.
 *
 * Every function takes NULL for what could not be made and hands it on; `failed` says why. */
#ifndef TASKS_MATHVERIFY_READ_H
#define TASKS_MATHVERIFY_READ_H

#include "tasks/mathverify_impl.h"

struct maker {
    struct arena *arena;
    const struct mv_token *tokens;
    int real;   /* letters stand for real numbers */
    int failed; /* 1: what is not compared; -1: no memory */
};

struct several {
    const struct mv **v;
    int n, cap;
};

const struct mv *mv_fail(struct maker *m); /* NULL */
struct mv *mv_build(struct maker *m, enum mv_kind kind, int64_t num, int n,
                    const struct mv *const *args);
const struct mv *mv_pair(struct maker *m, enum mv_kind kind, const struct mv *a,
                         const struct mv *b);
const struct mv *mv_whole(struct maker *m, int64_t n);
void mv_push(struct maker *m, struct several *s, const struct mv *v);
/* A sum in a sum, or a product in a product, is one. */
const struct mv *mv_flat(struct maker *m, enum mv_kind kind, const struct mv *a,
                         const struct mv *b);
const struct mv *mv_negated(struct maker *m, const struct mv *v);
const struct mv *mv_quotient(struct maker *m, const struct mv *a, const struct mv *b);
/* What stands behind one another: a whole number in front of a fraction is mixed with it. */
const struct mv *mv_juxtaposed(struct maker *m, const struct mv *a, const struct mv *b);

const struct mv_node *mv_kid(const struct mv_node *n, enum mv_part part, int nth); /* or NULL */
void mv_add_text(struct maker *m, const struct mv_node *n, struct strbuf *b);
const struct mv *mv_atom(struct maker *m, const struct mv_node *n);
/* What a caret or an underscore is followed by. */
const struct mv *mv_script(struct maker *m, const struct mv_node *n);
const struct mv *mv_names(struct maker *m, const struct mv_node *n);
const struct mv *mv_expr(struct maker *m, const struct mv_node *n);

#endif
