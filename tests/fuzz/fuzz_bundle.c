#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "harness/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct bundle b;
    struct err e = ERR_NONE;
    char public[BUNDLE_KEY_HEX];

    if (bundle_parse(&b, "fuzz.tar", bytes, n, &e) == 0) {
        if (bundle_signer(&b, public, &e) < 0 && e.code == ERR_OK)
            abort(); /* a refusal gives its reason */
        e = ERR_NONE;
        if (bundle_check_manifest(&b, &e) < 0 && e.code == ERR_OK)
            abort();
        bundle_release(&b);
    } else if (e.code == ERR_OK) {
        abort();
    }
    if (mem_live() != 0)
        abort();
    return 0;
}
