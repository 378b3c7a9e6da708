/* Published scores.  Whatever is taken has finite scores, and one value per model at most. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "harness/published.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct published_query q = {.benchmark = "mmlu", .shots = 5};
    struct published_value *v = NULL;
    struct published *p = NULL;
    size_t n_values = 0;
    double days;

    if (published_parse(&p, n ? (const char *)bytes : "", n, "fuzz", NULL) == 0 &&
        published_values(&v, &n_values, p, &q, NULL) == 0 && n_values > published_n(p))
        abort();
    for (size_t i = 0; i < n_values; i++)
        if (!isfinite(v[i].score) || v[i].low > v[i].score || v[i].score > v[i].high ||
            (published_days(&v[i].released, &days) == 0 && !isfinite(days)))
            abort();
    mem_free(v);
    published_free(p);
    if (mem_live() != 0)
        abort();
    return 0;
}
