#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "runners/imatrix.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct gguf_str names[] = {{"a.weight", 8}, {"b.weight", 8}};
    struct imatrix *m;
    struct err e = ERR_NONE;
    float w[64];

    if (imatrix_open_bytes(&m, bytes, n, "fuzz", &e) == 0) {
        if (imatrix_entries(m) == 0 || imatrix_entries(m) > n)
            abort();
        for (size_t i = 0; i < 16; i++) {
            size_t cols = 1 + i % 8, slabs = 1 + i / 8;
            if (imatrix_find(m, names[i % 2], cols, slabs, w, &e) != 1)
                continue;
            for (size_t k = 0; k < cols * slabs; k++)
                if (!isfinite(w[k]) || !(w[k] > 0))
                    abort(); /* a quantiser relies on it */
        }
        if (imatrix_dataset(m).n > n)
            abort();
        imatrix_close(m);
    } else if (e.code == ERR_OK) {
        abort(); /* a refusal gives its reason */
    }
    if (mem_live() != 0)
        abort();
    return 0;
}
