/* The first byte picks a type, the second whether there is importance; floats follow. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runners/quant.h"
#include "runners/quantize.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static struct quantizer *quantizer; /* its tables are made once */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static float x[512], w[512], y[512];
    static uint8_t blocks[512 * 8];
    const struct quant *q;
    struct err e = ERR_NONE;
    size_t block, count;
    int has_importance;

    if (n < 2 || !(q = quant_at(bytes[0])))
        return 0;
    if (!quantizer && quantizer_open(&quantizer, &e) < 0)
        abort();
    if (quantizer_prepare(quantizer, q->type, &e) < 0)
        return e.code == ERR_UNSUPPORTED ? 0 : (abort(), 0);
    has_importance = bytes[1] & 1;
    bytes += 2;
    n -= 2;
    memset(x, 0, sizeof x);
    memcpy(x, bytes, n < sizeof x ? n : sizeof x);
    for (size_t i = 0; i < 512; i++) /* from one to 65,536 */
        w[i] = n ? ldexpf(1, bytes[i % n] & 15) : 1;
    block = (size_t)q->block;
    count = block == 1 ? 64 : block < 256 ? 2 * block : block;
    if (quantizer_row(quantizer, q->type, blocks, x, has_importance ? w : NULL, count) < 0)
        return 0;
    q->unpack(y, blocks, count);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(y[i]))
            abort();
    return 0;
}
