/* vendor_judge.h -- the two rules of a comparison of devices.  Pure.
 *
 * Parity (vendor.md 3.2): a candidate answers as the reference does when it has 99 % of the
 * reference's accuracy, when the same items exclude that it is a point or more worse (one-sided,
 * 95 %, Tango's score), and when its answers are as long within 10 %, which stops answers that end
 * early.
 * It does not when it is shown to be worse, or its answers have another length; anything between is
 * not shown, and as little a licence to compare speeds.
 *
 * Frontier: what nothing else beats in quality without costing more. */
#ifndef HARNESS_VENDOR_JUDGE_H
#define HARNESS_VENDOR_JUDGE_H

#include <stddef.h>

#define PARITY_SHARE 0.99  /* of the reference's accuracy, at least */
#define PARITY_MARGIN 0.01 /* of the items: a loss as large is excluded */
#define PARITY_ALPHA 0.05
#define PARITY_LENGTH 0.10

enum parity { PARITY_PASS, PARITY_FAIL, PARITY_UNSHOWN, PARITY_INVALID };
const char *parity_name(enum parity p); /* "PASS", "FAIL", "NOT SHOWN", "NOT COMPARABLE" */

struct parity_facts {
    size_t n;                  /* items that both answered */
    double a, b;               /* accuracy of reference and candidate */
    double low;                /* of b - a: the least that 95 %, one-sided, leave */
    double p_margin;           /* of "a point or more worse" */
    double p_worse;            /* of "not worse" */
    double tokens_a, tokens_b; /* generated in all; NAN or 0: nothing was generated */
};
/* why: a sentence, "" for PASS. */
enum parity parity_judge(const struct parity_facts *f, char *why, size_t size);

/* on[i]: no other point has at least the quality at most the cost, and one of them better.  A point
 * with an unknown number is never on it. */
void vendor_frontier(const double *quality, const double *cost, size_t n, unsigned char *on);

#endif
