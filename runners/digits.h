/* digits.h -- runs of digits in threes, counted from the right.
 *
 * As regular expressions these look ahead from every digit to the end of the run, which is
 * quadratic; here a run is read once. */
#ifndef RUNNERS_DIGITS_H
#define RUNNERS_DIGITS_H

#include "runners/cuts.h"

struct digit_rule {
    int any_number;      /* \p{N}, else \d */
    int needs_boundary;  /* a run with a letter behind it stays as it is */
    int keeps_rest;      /* what is left of the threes stays with the text before it */
};

extern const struct digit_rule digits_from_right;      /* every run is pieces of its own */
extern const struct digit_rule digits_before_boundary; /* \d{1,3}(?=(?:\d{3})*\b) */
extern const struct digit_rule digits_cut_only;        /* (?=(\d{3})+(?!\d)) */

int cuts_by_digits(struct cuts *c, const struct digit_rule *d, const char *text, size_t from,
                   size_t to, struct err *e);

#endif
