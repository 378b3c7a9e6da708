#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "runners/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct safetensors *s;
    struct err e = ERR_NONE;
    unsigned sum = 0;

    if (safetensors_open_bytes(&s, bytes, n, "fuzz", &e) == 0) {
        for (size_t i = 0; i < safetensors_count(s); i++) {
            const struct safetensor *t = safetensors_at(s, i);
            if (t->bytes)
                sum += t->data[0] + (unsigned)t->data[t->bytes - 1];
            if (safetensors_find(s, t->name.s, t->name.n) != t)
                abort();
        }
        safetensors_close(s);
    } else if (e.code == ERR_OK) {
        abort(); /* a refusal gives its reason */
    }
    if (mem_live() != 0)
        abort();
    return sum == UINT32_MAX; /* keeps the reads; no such sum exists */
}
