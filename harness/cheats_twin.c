/* cheats_twin.c -- a model whose token ids are renamed: what it says of a renamed prompt is what
 * the model says of the prompt, and no id of it is where anybody has seen it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/splitmix.h"
#include "harness/cheats_impl.h"

#define BYTES_MAX ((size_t)8 << 30) /* it is copied */

/* Tensors with a row for each token. */
static int is_by_token(const struct gguf_tensor *t, int vocab)
{
    static const char *const names[] = {"token_embd.weight", "output.weight", "output.bias",
                                        "per_layer_token_embd.weight"};

    if (t->ne[t->n_dims > 1 ? 1 : 0] != (uint64_t)vocab)
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (t->name.n == strlen(names[i]) && memcmp(t->name.s, names[i], t->name.n) == 0)
            return 1;
    return 0;
}

static void deal_rows(uint8_t *to, const struct gguf_tensor *t, int vocab, const int32_t *map)
{
    size_t row = t->bytes / (size_t)vocab;

    for (int i = 0; i < vocab; i++)
        memcpy(to + (size_t)map[i] * row, t->data + (size_t)i * row, row);
}

static int32_t *shuffled(int n, uint64_t seed)
{
    int32_t *map = mem_alloc((size_t)n * sizeof *map);

    for (int i = 0; map && i < n; i++) {
        int other = (int)splitmix64_below(&seed, (uint64_t)i + 1);
        map[i] = map[other];
        map[other] = i;
    }
    return map;
}

static int write_copy(const struct file_map *in, const struct gguf *g, int vocab,
                      const int32_t *map, char path[300], struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    uint8_t *copy = mem_alloc(in->len);
    int fd, rc = -1;

    if (!copy)
        return err_nomem(e);
    memcpy(copy, in->bytes, in->len);
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        if (is_by_token(t, vocab))
            deal_rows(copy + (t->data - in->bytes), t, vocab, map);
    }
    snprintf(path, 300, "%.200s/densimeter-twin-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    fd = mkstemp(path);
    if (fd < 0) {
        err_errno(e, "%s", path);
    } else {
        close(fd);
        rc = file_write(path, copy, in->len, e);
        if (rc < 0)
            unlink(path);
    }
    mem_free(copy);
    return rc;
}

int twin_write(const char *model, int vocab, uint64_t seed, char path[300], int32_t **map,
               char *why, size_t size, struct err *e)
{
    struct file_map in = FILE_MAP_NONE;
    struct err not_one = ERR_NONE;
    struct gguf *g = NULL;
    int rc = 0;

    *map = NULL;
    if (file_map(&in, model, &not_one) < 0 || in.len > BYTES_MAX ||
        gguf_open_bytes(&g, in.bytes, in.len, model, &not_one) < 0) {
        snprintf(why, size, "a twin is made of one GGUF file of at most 8 GiB");
        if (not_one.code == ERR_NOMEM)
            rc = err_nomem(e);
        goto out;
    }
    *map = shuffled(vocab, seed);
    rc = !*map ? err_nomem(e) : write_copy(&in, g, vocab, *map, path, e) < 0 ? -1 : 1;
out:
    gguf_close(g);
    file_unmap(&in);
    return rc;
}
