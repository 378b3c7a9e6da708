/* quantize_file.c -- one GGUF file into another, tensor by tensor. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "runners/gguf.h"
#include "runners/gguf_write.h"
#include "runners/quant.h"
#include "runners/quantize.h"

/* What can be written: general.file_type of a file of the type, what rows become that are not
 * whole blocks of it, and what the output matrix becomes, which llama-quantize spares. */
static const struct target {
    int type, file_type, fallback, output;
} targets[] = {
    {QUANT_F32, 0, QUANT_F32, QUANT_F32},    {QUANT_F16, 1, QUANT_F16, QUANT_F16},
    {QUANT_BF16, 32, QUANT_BF16, QUANT_BF16}, {QUANT_Q4_0, 2, QUANT_F16, QUANT_Q6_K},
    {QUANT_Q4_1, 3, QUANT_F16, QUANT_Q6_K},  {QUANT_Q5_0, 8, QUANT_F16, QUANT_Q6_K},
    {QUANT_Q5_1, 9, QUANT_F16, QUANT_Q6_K},  {QUANT_Q8_0, 7, QUANT_F16, QUANT_Q8_0},
    {QUANT_Q4_K, 14, QUANT_Q5_0, QUANT_Q6_K}, {QUANT_Q6_K, 18, QUANT_Q8_0, QUANT_Q6_K},
};

/* Tensors that lose more by fewer bits than a file gains. */
static const char *const kept[] = {
    "_norm.weight", "ffn_gate_inp.weight", "position_embd.weight", "token_types.weight",
    "ssm_conv1d.weight", "shortconv.conv.weight", "altup", "laurel", "per_layer_model_proj",
};

struct writing {
    const struct gguf *g;
    const struct target *target;
    FILE *f;
    const char *path;
    void (*progress)(void *user, size_t done, size_t total);
    void *user;
    size_t done, total;
};

static const struct target *find_target(int type)
{
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        if (targets[i].type == type)
            return &targets[i];
    return NULL;
}

static int has(struct gguf_str s, const char *part)
{
    size_t n = strlen(part);

    for (size_t i = 0; i + n <= s.n; i++)
        if (memcmp(s.s + i, part, n) == 0)
            return 1;
    return 0;
}

static int ends_with(struct gguf_str s, const char *end)
{
    size_t n = strlen(end);

    return s.n >= n && memcmp(s.s + s.n - n, end, n) == 0;
}

static int is_matrix(const struct gguf_tensor *t)
{
    if (t->n_dims < 2 || !ends_with(t->name, ".weight"))
        return 0;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (has(t->name, kept[i]))
            return 0;
    return 1;
}

static int is_integer(int type)
{
    return type >= QUANT_I8 && type <= QUANT_I64;
}

/* output.weight, or the embedding where that serves as output. */
static int is_output(const struct writing *w, const struct gguf_tensor *t)
{
    const struct gguf_tensor *output = gguf_tensor_find(w->g, "output.weight");

    return t == (output ? output : gguf_tensor_find(w->g, "token_embd.weight"));
}

/* The type that a tensor gets. */
static const struct quant *new_type(const struct writing *w, const struct gguf_tensor *t)
{
    int type = is_output(w, t) ? w->target->output : w->target->type;

    if (is_integer(t->type) || (!is_matrix(t) && t->n_dims > 1))
        return quant_find(t->type);
    if (t->n_dims == 1)
        return quant_find(QUANT_F32);
    while (t->ne[0] % (uint64_t)quant_find(type)->block != 0)
        type = find_target(type)->fallback;
    return quant_find(type);
}

static uint64_t elements(const struct gguf_tensor *t)
{
    return t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
}

static int is_layout_key(struct gguf_str key)
{
    static const char *const dropped[] = {"general.file_type", "general.quantization_version",
                                          "general.alignment"};

    if (key.n > 6 && memcmp(key.s, "split.", 6) == 0)
        return 1;
    for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
        if (key.n == strlen(dropped[i]) && memcmp(key.s, dropped[i], key.n) == 0)
            return 1;
    return 0;
}

static int write_bytes(struct writing *w, const void *p, size_t n, struct err *e)
{
    if (n && fwrite(p, 1, n, w->f) != n)
        return err_errno(e, "%s", w->path);
    return 0;
}

static int write_start(struct writing *w, struct err *e)
{
    struct gguf_writer head = {0};
    struct strbuf b = STRBUF_INIT;
    int rc;

    for (size_t i = 0; i < gguf_n_keys(w->g); i++)
        if (!is_layout_key(gguf_key_at(w->g, i)))
            gguf_put_copy(&head, w->g, i);
    gguf_put_u32(&head, "general.file_type", (uint32_t)w->target->file_type);
    gguf_put_u32(&head, "general.quantization_version", 2);
    for (size_t i = 0; i < gguf_n_tensors(w->g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(w->g, i);
        const struct quant *q = new_type(w, t);
        gguf_put_tensor(&head, t->name, t->n_dims, t->ne, q->type,
                        quant_bytes(q, (size_t)elements(t)));
    }
    rc = gguf_write_head(&head, &b, e);
    if (rc == 0)
        rc = write_bytes(w, b.s, b.len, e);
    strbuf_release(&b);
    gguf_writer_release(&head);
    return rc;
}

/* Row by row through float32; x and blocks hold one row. */
static int write_rows(struct writing *w, const struct gguf_tensor *t, const struct quant *to,
                      float *x, uint8_t *blocks, struct err *e)
{
    const struct quant *from = quant_find(t->type);
    size_t cols = (size_t)t->ne[0], in = quant_bytes(from, cols), out = quant_bytes(to, cols);
    size_t rows = cols ? (size_t)(elements(t) / cols) : 0;

    for (size_t r = 0; r < rows; r++) {
        from->unpack(x, t->data + r * in, cols);
        if (quantize_row(to->type, blocks, x, cols) < 0)
            return err_set(e, ERR_NUMERIC, "%s: tensor '%.*s', row %zu: a value is not finite, or "
                           "too large for %s", gguf_path(w->g), (int)t->name.n, t->name.s, r,
                           to->name);
        if (write_bytes(w, blocks, out, e) < 0)
            return -1;
        if (w->progress)
            w->progress(w->user, w->done + (r + 1) * in, w->total);
    }
    return 0;
}

static int write_tensor(struct writing *w, const struct gguf_tensor *t, struct err *e)
{
    static const char zeros[GGUF_ALIGNMENT];
    const struct quant *to = new_type(w, t);
    size_t cols = (size_t)t->ne[0], bytes = quant_bytes(to, (size_t)elements(t));
    float *x = NULL;
    uint8_t *blocks = NULL;
    int rc = -1;

    if (to->type == t->type) {
        rc = write_bytes(w, t->data, t->bytes, e);
    } else if (!(x = mem_calloc(cols, sizeof *x)) || !(blocks = mem_alloc(quant_bytes(to, cols)))) {
        err_nomem(e);
    } else {
        rc = write_rows(w, t, to, x, blocks, e);
    }
    mem_free(x);
    mem_free(blocks);
    w->done += t->bytes;
    if (rc == 0 && w->progress)
        w->progress(w->user, w->done, w->total);
    return rc == 0 ? write_bytes(w, zeros, gguf_padding(bytes), e) : -1;
}

static int write_all(struct writing *w, struct err *e)
{
    if (write_start(w, e) < 0)
        return -1;
    for (size_t i = 0; i < gguf_n_tensors(w->g); i++)
        if (write_tensor(w, gguf_tensor_at(w->g, i), e) < 0)
            return -1;
    if (fflush(w->f) != 0 || fsync(fileno(w->f)) < 0)
        return err_errno(e, "%s", w->path);
    return 0;
}

int quantize_file(const char *in, const char *out, int type,
                  void (*progress)(void *user, size_t done, size_t total), void *user,
                  struct err *e)
{
    struct writing w = {.path = out, .progress = progress, .user = user};
    struct strbuf tmp = STRBUF_INIT;
    struct gguf *g = NULL;
    int rc = -1;

    w.target = find_target(type);
    if (!w.target)
        return err_set(e, ERR_UNSUPPORTED, "%s cannot be written",
                       quant_find(type) ? quant_find(type)->name : "this type");
    if (file_is_special(out))
        return err_set(e, ERR_IO, "%s: not a regular file", out);
    if (gguf_open(&g, in, e) < 0)
        goto out;
    w.g = g;
    for (size_t i = 0; i < gguf_n_tensors(g); i++)
        w.total += gguf_tensor_at(g, i)->bytes;
    strbuf_addf(&tmp, "%s.tmp%ld", out, (long)getpid());
    if (strbuf_ok(&tmp, e) < 0)
        goto out;
    w.f = fopen(tmp.s, "wbe");
    if (!w.f) {
        err_errno(e, "%s", out);
        goto out;
    }
    rc = write_all(&w, e);
    if (fclose(w.f) != 0 && rc == 0)
        rc = err_errno(e, "%s", out);
    if (rc == 0 && rename(tmp.s, out) < 0)
        rc = err_errno(e, "%s", out);
    if (rc < 0)
        unlink(tmp.s);
out:
    gguf_close(g);
    strbuf_release(&tmp);
    return rc;
}
