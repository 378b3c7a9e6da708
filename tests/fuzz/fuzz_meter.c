#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "harness/meter_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A meter's file: what is read keeps its promises, and laying it beside a load ends. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct load_mark marks[] = {{10, 12}, {13, 19}};
    struct power_series p;
    struct err e = ERR_NONE;
    double offset, r, gap;
    long readings;

    if (n < 4096 && power_parse(&p, (const char *)bytes, n, "fuzz.csv", &e) == 0) {
        for (size_t i = 1; i < p.n; i++)
            if (!(p.t[i] > p.t[i - 1]) || !(p.joules[i] >= p.joules[i - 1]))
                abort();
        if (power_between(&p, p.t[0], p.t[p.n - 1], &gap, &readings) < 0)
            abort();
        if (power_align(&p, marks, 2, &offset, &r, &e) == 0 && !isfinite(offset))
            abort();
        power_release(&p);
    }
    if (mem_live() != 0)
        abort();
    return 0;
}
