/* by_hand.h -- instructions that this CPU lacks, carried out by hand, so that the machine code that
 * uses them can be tested here: VPDPBUSD of AVX-VNNI (256 bits), and of AMX LDTILECFG, TILELOADD,
 * TILESTORED, TILEZERO, TILERELEASE and TDPBSUD.  x86-64 Linux on a CPU with AVX2; one thread.
 * [Intel SDM 2A to 2D, the instructions' own pages] */
#ifndef TESTS_BY_HAND_H
#define TESTS_BY_HAND_H

/* From now on, until the end, they are carried out when the CPU refuses them; any other illegal
 * instruction ends the process as before. */
void by_hand_begin(void);
void by_hand_end(void);
long by_hand_count(void); /* so many were carried out since the begin */

#endif
