#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "runners/hf.h"
#include "runners/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Every byte of every tensor, those that were made too. */
static unsigned read_all(struct gguf *g)
{
    unsigned sum = 0;

    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        for (size_t k = 0; k < t->bytes; k++)
            sum += t->data[k];
    }
    return sum;
}

/* A config, a zero byte, and a file of weights: mapped, made, and built into a program. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const uint8_t *zero = n ? memchr(bytes, 0, n) : NULL;
    size_t config = zero ? (size_t)(zero - bytes) : n, rest = zero ? n - config - 1 : 0;
    struct err e = ERR_NONE;
    struct model *m = NULL;
    struct gguf *g = NULL;
    unsigned sum = 0;

    if (hf_open_bytes(&g, (const char *)bytes, config, bytes + n - rest, rest, "fuzz", &e) == 0 &&
        gguf_fill(g, &e) == 0) {
        sum = read_all(g);
        if (model_open(&m, g, 0, NULL, &e) < 0 && e.code == ERR_OK)
            abort();
    } else if (e.code == ERR_OK) {
        abort(); /* a refusal gives its reason */
    }
    model_close(m);
    gguf_close(g);
    if (mem_live() != 0)
        abort();
    return sum == UINT32_MAX; /* keeps the reads; no such sum exists */
}
