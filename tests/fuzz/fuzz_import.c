/* Any bytes, imported: an error, or a database that passes its own check.  A store is used until
 * something was imported into it: making one takes most of the time. */
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
    static struct store *s;
    struct import_result r;

    if (!s && store_open(&s, ":memory:", NULL, NULL) < 0)
        return 0;
    if (import_bytes(s, "input", (const char *)data, n, &r, NULL) == 0) {
        if (store_check(s, defect, NULL, NULL) != 0)
            abort();
        store_close(s);
        s = NULL;
    }
    return 0;
}
