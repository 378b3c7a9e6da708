#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "runners/gguf.h"
#include "runners/quant.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Every byte that a tensor claims must be there to be read: its first and its last block are. */
static unsigned touch(const struct gguf_tensor *t)
{
    const struct quant *q = quant_find(t->type);
    float first[256], last[256];

    if (!t->bytes)
        return 0;
    q->unpack(first, t->data, (size_t)q->block);
    q->unpack(last, t->data + t->bytes - q->bytes, (size_t)q->block);
    return (first[0] > 0) + (unsigned)(last[q->block - 1] > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct gguf *g;
    struct err e = ERR_NONE;
    unsigned sum = 0;

    if (gguf_open_bytes(&g, bytes, n, "fuzz", &e) == 0) {
        for (size_t i = 0; i < gguf_n_keys(g); i++) {
            char *key = mem_strndup(gguf_key_at(g, i).s, gguf_key_at(g, i).n);
            enum gguf_type type;
            size_t count = 0;
            int64_t v;
            gguf_get_int(g, key, &v, &e);
            if (gguf_get_array(g, key, &type, &count, &e) == 1 && count)
                sum += gguf_array_f64(g, key, count - 1) > 0;
            mem_free(key);
        }
        for (size_t i = 0; i < gguf_n_tensors(g); i++)
            sum += touch(gguf_tensor_at(g, i));
        if (gguf_n_tensors(g) > n) /* each has an info of its own */
            abort();
        gguf_close(g);
    } else if (e.code == ERR_OK) {
        abort(); /* a refusal gives its reason */
    }
    if (mem_live() != 0)
        abort();
    return sum == UINT32_MAX; /* keeps the reads; no such sum exists */
}
