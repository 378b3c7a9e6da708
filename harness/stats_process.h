/* stats_process.h -- a ratio of two programs whose unit is the process.
 *
 * Whatever is measured inside one process shares its page placement, its clock and its neighbours:
 * a thousand items of one process are one measurement of the program (statistics.md 5.2).  A level
 * is the logarithm of what one process took.  Several processes of each side are compared by Hodges
 * and Lehmann's ratio where they are enough for the confidence asked for; otherwise by Student's
 * law, whose spread is pooled within the groups of processes of one program (5.4, 5.8).  Where one
 * process of each side ran next to each other again and again, the pairs are compared (signed
 * ranks): what slows the machine for a while slows both.
 *
 * Pure; any thread. */
#ifndef HARNESS_STATS_PROCESS_H
#define HARNESS_STATS_PROCESS_H

#include <stddef.h>

#include "base/err.h"

enum process_method {
    PROCESS_UNKNOWN, /* too few: nothing tells how far processes of one program differ */
    PROCESS_STUDENT,
    PROCESS_RANKS,
    PROCESS_PAIRS,
};
enum {
    PROCESS_A, PROCESS_B, PROCESS_KNOWN_A, PROCESS_KNOWN_B,
    PROCESS_DIFFERENCES, /* of pairs: level of b less that of a; empty: none */
    PROCESS_GROUPS
};
enum { PROCESS_MIN_DF = 4 }; /* a spread of fewer degrees of freedom is no spread */

struct process_group { /* levels of processes of one program; known ones tell only the spread */
    const double *v;
    size_t n;
};
struct process_ratio {
    enum process_method method;
    double ratio, low, high; /* b / a; ends NAN for PROCESS_UNKNOWN */
    double sd, df; /* of a level, pooled, or where there are pairs within a pair; NAN and 0 where no
                    * group has two */
};
/* conf: two-sided.  Groups A and B have at least one process each. */
int process_ratio(const struct process_group groups[PROCESS_GROUPS], double conf,
                  struct process_ratio *out, struct err *e);

/* Processes of each side that show a program that is equal to be within the margin (a share), with
 * one-sided alpha and the power; at least as many as signed ranks need to say anything at alpha. */
double process_needed(double sd, double margin, double alpha, double power);

#endif
