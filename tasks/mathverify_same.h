/* mathverify_same.h -- what two expressions are compared by.  Private to tasks/mathverify*.c. Pure,
 * but for what is put into the arena. */
#ifndef TASKS_MATHVERIFY_SAME_H
#define TASKS_MATHVERIFY_SAME_H

#include <complex.h>

#include "tasks/mathverify_impl.h"

/* Floats to six decimals; whole numbers whatever the percent sign. */
int mv_same_numbers(const struct mv *a, const struct mv *b);
int mv_same_values(const struct mv *a, const struct mv *b);
int mv_same_matrices(struct arena *a, const struct mv *x, const struct mv *y);

/* Left less right side where the letter `name` is x and all others are drawn: 1; 0: undefined. */
int mv_difference_at(const struct mv *relation, const struct mv *name, double complex x,
                     double complex *out);
/* 1: `*name` (NULL: none yet) is the only letter in it. */
int mv_only_name(const struct mv *v, const struct mv **name);
/* Sets, or relations in one letter, that hold for the same real numbers; 0 also where that is not
 * known. */
int mv_same_points(const struct mv *x, const struct mv *y);

#endif
