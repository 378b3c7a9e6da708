/* texmath.h -- whether two answers in TeX are the same number or expression.
 *
 * What SymPy's parse_latex (1.14) reads is read the same way, as lm-eval's Minerva and leaderboard
 * tasks do: the longest beginning that is an expression counts ("3,4" is 3), a letter in front of a
 * parenthesis is a function ("x(x+1)"), \pi, e and i are letters like any other.  Equal are then
 * those whose difference is 0 at random points (texvalue.h), where SymPy simplifies.  What cannot
 * be read, relations, integrals, sums and limits are equal to nothing, not even to
 * themselves.  Pure. */
#ifndef TASKS_TEXMATH_H
#define TASKS_TEXMATH_H

int tex_equal(const char *a, const char *b);

#endif
