/* tool_plant IN.gguf OUT.gguf LAYER: the same model with the matrices of one layer on a 2-bit grid, a
 * regression for nightly to find.  Types and sizes stay as they are. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "runners/gguf.h"
#include "runners/quant.h"
#include "runners/quantize.h"

enum { GROUP = 32 }; /* weights that share a scale */

/* Four levels: -m, -m/3, m/3, m with m the largest of the group. */
static void round_to_2_bits(float *x, size_t n)
{
    for (size_t g = 0; g + GROUP <= n; g += GROUP) {
        float m = 0;
        for (size_t i = 0; i < GROUP; i++)
            m = fmaxf(m, fabsf(x[g + i]));
        for (size_t i = 0; i < GROUP && m > 0; i++) {
            float level = floorf((x[g + i] / m + 1) * 1.5f + 0.5f);
            x[g + i] = m * (level / 1.5f - 1);
        }
    }
}

static int plant(struct quantizer *z, uint8_t *to, const struct gguf_tensor *t, struct err *e)
{
    const struct quant *q = quant_find(t->type);
    size_t n = (size_t)t->ne[0];
    float *row = mem_alloc(n * sizeof *row);
    int rc = row && q ? quantizer_prepare(z, t->type, e) : err_nomem(e);

    for (size_t r = 0; rc == 0 && r < t->bytes / quant_bytes(q, n); r++) {
        size_t at = r * quant_bytes(q, n);
        q->unpack(row, t->data + at, n);
        round_to_2_bits(row, n);
        if (quantizer_row(z, t->type, to + at, row, NULL, n) < 0)
            rc = err_set(e, ERR_NUMERIC, "a row that cannot be written");
    }
    mem_free(row);
    return rc;
}

int main(int argc, char **argv)
{
    struct err e = ERR_NONE;
    struct gguf *g = NULL;
    struct file_map in = FILE_MAP_NONE;
    struct quantizer *z = NULL;
    uint8_t *copy = NULL;
    char prefix[32];
    int planted = 0, rc = -1;

    if (argc != 4) {
        fprintf(stderr, "usage: tool_plant IN.gguf OUT.gguf LAYER\n");
        return 64;
    }
    snprintf(prefix, sizeof prefix, "blk.%d.", atoi(argv[3]));
    if (file_map(&in, argv[1], &e) < 0 || gguf_open_bytes(&g, in.bytes, in.len, argv[1], &e) < 0 ||
        quantizer_open(&z, &e) < 0)
        goto out;
    copy = mem_alloc(in.len);
    if (!copy) {
        err_nomem(&e);
        goto out;
    }
    memcpy(copy, in.bytes, in.len);
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        if (t->n_dims < 2 || t->name.n < strlen(prefix) ||
            strncmp(t->name.s, prefix, strlen(prefix)) != 0)
            continue;
        if (plant(z, copy + (t->data - in.bytes), t, &e) < 0)
            goto out;
        planted++;
    }
    rc = planted ? file_write(argv[2], copy, in.len, &e)
                 : err_set(&e, ERR_NOTFOUND, "%s: no matrix in %s", argv[1], prefix);
out:
    if (rc < 0)
        fprintf(stderr, "tool_plant: %s\n", e.text);
    mem_free(copy);
    quantizer_close(z);
    gguf_close(g);
    file_unmap(&in);
    return rc < 0;
}
