#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct csv c;
    struct err e = ERR_NONE;
    size_t total = 0;

    csv_init(&c, (const char *)bytes, n, "fuzz.csv");
    while (csv_next(&c, &e) == 1)
        for (int i = 0; i < c.n_fields; i++)
            total += strlen(csv_field(&c, i));
    if (total > n)
        abort(); /* fields are parts of the text */
    csv_release(&c);
    if (mem_live() != 0)
        abort();
    return 0;
}
