#include "base/pyfloat.h"

#include "base/template_impl.h"

int pyfloat_parse(const char *s, size_t n, double *out)
{
    return text_to_float((struct text){s, n}, out);
}

void pyfloat_repr(char text[40], double v)
{
    float_repr(text, v);
}
