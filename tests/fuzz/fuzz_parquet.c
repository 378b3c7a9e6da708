#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/parquet.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int count(void *user, cJSON *record, struct err *e)
{
    size_t *left = user;

    (void)e;
    json_free(record);
    return (*left)-- > 0 ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    size_t left = n * PARQUET_ROWS_PER_BYTE + 1;
    struct err e = ERR_NONE;

    json_begin();
    if (parquet_parse(bytes, n, "fuzz.parquet", count, &left, &e) == 0 && left == 0)
        abort(); /* more records than the file may have */
    if (mem_live() != 0)
        abort();
    return 0;
}
