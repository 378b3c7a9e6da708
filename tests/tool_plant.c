/* tool_plant IN.gguf OUT.gguf LAYER: the same model with the matrices of one layer on a 2-bit grid;
 * tool_plant IN.gguf OUT.gguf TOKEN TOKEN: with two tokens of one length exchanged in its
 * vocabulary.  Regressions for nightly to find; types and sizes stay as they are. */
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

/* copy: of the bytes that g was read from. */
static int plant_layer(uint8_t *copy, const struct file_map *in, const struct gguf *g, int layer,
                       struct err *e)
{
    struct quantizer *z = NULL;
    char prefix[32];
    int planted = 0, rc = quantizer_open(&z, e);

    snprintf(prefix, sizeof prefix, "blk.%d.", layer);
    for (size_t i = 0; rc == 0 && i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        if (t->n_dims < 2 || t->name.n < strlen(prefix) ||
            strncmp(t->name.s, prefix, strlen(prefix)) != 0)
            continue;
        rc = plant(z, copy + (t->data - in->bytes), t, e);
        planted++;
    }
    quantizer_close(z);
    return rc < 0 || planted ? rc : err_set(e, ERR_NOTFOUND, "no matrix in %s", prefix);
}

static int swap_tokens(uint8_t *copy, const struct file_map *in, const struct gguf *g,
                       const char *const names[2], struct err *e)
{
    static const char key[] = "tokenizer.ggml.tokens";
    const char *at[2] = {NULL, NULL};
    struct gguf_str *tokens = NULL;
    enum gguf_type type;
    size_t n = 0;
    int rc = -1;

    if (gguf_get_array(g, key, &type, &n, e) < 0)
        return -1;
    tokens = mem_calloc(n + 1, sizeof *tokens);
    if (!tokens)
        return err_nomem(e);
    if (gguf_array_strs(g, key, tokens, n, e) < 0)
        goto out;
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
            if (tokens[i].n == strlen(names[k]) &&
                memcmp(tokens[i].s, names[k], tokens[i].n) == 0)
                at[k] = tokens[i].s;
    if (!at[0] || !at[1] || strlen(names[0]) != strlen(names[1])) {
        err_set(e, ERR_NOTFOUND, "no tokens '%s' and '%s' of one length", names[0], names[1]);
        goto out;
    }
    for (int k = 0; k < 2; k++)
        memcpy(copy + ((const uint8_t *)at[k] - in->bytes), names[1 - k], strlen(names[0]));
    rc = 0;
out:
    mem_free(tokens);
    return rc;
}

int main(int argc, char **argv)
{
    struct err e = ERR_NONE;
    struct gguf *g = NULL;
    struct file_map in = FILE_MAP_NONE;
    uint8_t *copy = NULL;
    int rc = -1;

    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: tool_plant IN.gguf OUT.gguf LAYER|TOKEN TOKEN\n");
        return 64;
    }
    if (file_map(&in, argv[1], &e) < 0 || gguf_open_bytes(&g, in.bytes, in.len, argv[1], &e) < 0)
        goto out;
    copy = mem_alloc(in.len);
    if (!copy) {
        err_nomem(&e);
        goto out;
    }
    memcpy(copy, in.bytes, in.len);
    rc = argc == 4 ? plant_layer(copy, &in, g, atoi(argv[3]), &e)
                   : swap_tokens(copy, &in, g, (const char *const *)&argv[3], &e);
    if (rc == 0)
        rc = file_write(argv[2], copy, in.len, &e);
out:
    if (rc < 0)
        fprintf(stderr, "tool_plant: %s\n", e.text);
    mem_free(copy);
    gguf_close(g);
    file_unmap(&in);
    return rc < 0;
}
