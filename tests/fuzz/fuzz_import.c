/* Any bytes, imported: an error or a database that passes its own check. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "results/exchange.h"
#include "results/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void defect(void *user, const char *text)
{
    (void)user;
    (void)text;
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct store *s = NULL;
    struct import_result r;

    if (store_open(&s, ":memory:", NULL, NULL) == 0 &&
        import_bytes(s, "input", (const char *)data, n, &r, NULL) == 0 &&
        store_check(s, defect, NULL, NULL) != 0)
        abort();
    store_close(s);
    return 0;
}
