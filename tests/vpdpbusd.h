/* vpdpbusd.h -- VPDPBUSD of AVX-VNNI carried out by hand on a CPU that has AVX2 but not this
 * instruction, so that the machine code that uses it can be tested there: x86-64 Linux only. */
#ifndef TESTS_VPDPBUSD_H
#define TESTS_VPDPBUSD_H

/* From now on, until the end: the 256-bit VEX form is carried out when the CPU refuses it; any
 * other illegal instruction ends the process as before. */
void vpdpbusd_begin(void);
void vpdpbusd_end(void);
long vpdpbusd_count(void); /* so many were carried out since the begin */

#endif
