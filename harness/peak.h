/* peak.h -- what the machine can do at most: bytes read per second, multiply-adds per second.
 *
 * Measured, not looked up: all threads read a block far larger than the caches, and run independent
 * fused multiply-adds in registers with the widest vectors this processor has.  The best of several
 * short rounds counts, because everything else only makes it slower. */
#ifndef HARNESS_PEAK_H
#define HARNESS_PEAK_H

#include "base/err.h"

enum { PEAK_ROUNDS = 8 };

struct peak {
    int threads;
    double bytes_s;   /* read from memory: in the best of the rounds */
    double read_s[PEAK_ROUNDS]; /* that a block takes at each round's rate */
    double block_bytes;
    double flop_s;    /* float32, a fused multiply-add counts as two */
    const char *unit; /* "avx512", "avx2", "neon", "scalar" */
    double int8_s;    /* the same of bytes summed in 32 bits; NAN: not measured */
    const char *int8_unit; /* "avx512vnni", "neon-i8mm", ...; NULL */
};

int peak_measure(struct peak *out, int threads, struct err *e); /* 0: all usable cores */

#endif
