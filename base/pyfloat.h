/* pyfloat.h -- Python's float(text) and repr(float), which its users compare as texts.  Pure. */
#ifndef BASE_PYFLOAT_H
#define BASE_PYFLOAT_H

#include <stddef.h>

/* 1 when float() takes the text, 0 when it does not. */
int pyfloat_parse(const char *s, size_t n, double *out);
void pyfloat_repr(char text[40], double v);

#endif
