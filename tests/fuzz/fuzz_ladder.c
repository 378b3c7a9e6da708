/* A ladder's CSV.  Whatever is taken has scores from 0 to 1. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "harness/ladder.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct ladder l = {0};

    if (ladder_parse(&l, n ? (const char *)bytes : "", n, "fuzz", NULL) == 0)
        for (size_t i = 0; i < l.n; i++)
            if (!(l.v[i].total_params >= 1) || !l.v[i].task || l.v[i].acc < 0 || l.v[i].acc > 1)
                abort();
    ladder_free(&l);
    if (mem_live() != 0)
        abort();
    return 0;
}
