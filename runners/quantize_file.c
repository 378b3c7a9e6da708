/* quantize_file.c -- the plan first, then the head, then tensor by tensor, some rows at a time. */
#include "runners/quantize_file.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/thread.h"
#include "runners/gguf_write.h"
#include "runners/quant.h"
#include "runners/quantize.h"

enum { ROWS_ELEMENTS = 1 << 20 }; /* of the rows that are in memory, unless one row has more */

struct writing {
    const struct quantize_opts *o;
    struct gguf *g;
    struct mix_tensor *plan;
    struct quantizer *quantizer;
    struct pool *pool;
    FILE *f;
    const char *path;
    size_t done, total;
};

/* Rows of one tensor, of which a batch at a time becomes blocks. */
struct rows {
    const struct quantizer *quantizer;
    const struct quant *from, *to;
    const uint8_t *data;
    const float *importance; /* cols for each slab, or NULL */
    size_t cols, in, out;    /* of a row: elements, bytes, bytes */
    size_t rows, per_slab, batch;
    float *x;        /* a row for each thread */
    uint8_t *blocks; /* the batch */
    size_t first, n; /* the batch's rows */
    struct chunk_counter next;
    atomic_size_t bad; /* the first row that no block can hold; SIZE_MAX: none */
};

static uint64_t elements(const struct gguf_tensor *t)
{
    return t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
}

/* ---- head ---------------------------------------------------------------------------------- */

static int is_dropped_key(struct gguf_str key)
{
    static const char *const dropped[] = {"general.file_type", "general.quantization_version",
                                          "general.alignment"};

    if (key.n > 6 && memcmp(key.s, "split.", 6) == 0)
        return 1;
    if (key.n > 17 && memcmp(key.s, "quantize.imatrix.", 17) == 0)
        return 1;
    for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
        if (key.n == strlen(dropped[i]) && memcmp(key.s, dropped[i], key.n) == 0)
            return 1;
    return 0;
}

static void put_importance(struct gguf_writer *head, const struct imatrix *m)
{
    const char *file = path_base(imatrix_path(m));
    struct gguf_str dataset = imatrix_dataset(m);

    gguf_put_str(head, "quantize.imatrix.file", file, strlen(file));
    if (dataset.n)
        gguf_put_str(head, "quantize.imatrix.dataset", dataset.s, dataset.n);
    gguf_put_u32(head, "quantize.imatrix.entries_count", (uint32_t)imatrix_entries(m));
    if (imatrix_chunks(m))
        gguf_put_u32(head, "quantize.imatrix.chunks_count", (uint32_t)imatrix_chunks(m));
}

static int write_bytes(struct writing *w, const void *p, size_t n, struct err *e)
{
    if (n && fwrite(p, 1, n, w->f) != n)
        return err_errno(e, "%s", w->path);
    return 0;
}

static int write_head(struct writing *w, struct err *e)
{
    struct gguf_writer head = {0};
    struct strbuf b = STRBUF_INIT;
    int rc;

    for (size_t i = 0; i < gguf_n_keys(w->g); i++)
        if (!is_dropped_key(gguf_key_at(w->g, i)))
            gguf_put_copy(&head, w->g, i);
    gguf_put_u32(&head, "general.quantization_version", 2);
    gguf_put_u32(&head, "general.file_type", (uint32_t)w->o->mix->file_type);
    if (w->o->importance)
        put_importance(&head, w->o->importance);
    for (size_t i = 0; i < gguf_n_tensors(w->g); i++) {
        const struct gguf_tensor *t = w->plan[i].tensor;
        const struct quant *q = quant_find(w->plan[i].type);
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

/* ---- rows ---------------------------------------------------------------------------------- */

static void quantize_batch(void *arg, int worker)
{
    struct rows *r = arg;
    float *x = r->x + (size_t)worker * r->cols;

    for (;;) {
        size_t i = (size_t)atomic_fetch_add(&r->next.next, 1), row = r->first + i;
        const float *importance = r->importance;
        size_t bad = atomic_load(&r->bad);
        if (i >= r->n || bad < row)
            return;
        if (importance)
            importance += row / r->per_slab * r->cols;
        r->from->unpack(x, r->data + row * r->in, r->cols);
        if (quantizer_row(r->quantizer, r->to->type, r->blocks + i * r->out, x, importance,
                          r->cols) < 0)
            while (row < bad && !atomic_compare_exchange_weak(&r->bad, &bad, row))
                ;
    }
}

static int write_batches(struct writing *w, struct rows *r, const struct gguf_tensor *t,
                         struct err *e)
{
    for (r->first = 0; r->first < r->rows; r->first += r->n) {
        r->n = r->rows - r->first < r->batch ? r->rows - r->first : r->batch;
        atomic_store(&r->next.next, 0);
        pool_run(w->pool, quantize_batch, r);
        if (r->bad != SIZE_MAX)
            return err_set(e, ERR_NUMERIC, "%s: tensor '%.*s', row %zu: a value is not finite, or "
                           "too large for %s", gguf_path(w->g), (int)t->name.n, t->name.s,
                           (size_t)r->bad, r->to->name);
        if (write_bytes(w, r->blocks, r->n * r->out, e) < 0)
            return -1;
        if (w->o->progress)
            w->o->progress(w->o->user, w->done + (r->first + r->n) * r->in, w->total);
    }
    return 0;
}

/* The importance of a tensor's columns; *out stays NULL where the file has none. */
static int take_importance(const struct writing *w, const struct mix_tensor *p, float **out,
                           struct err *e)
{
    const struct gguf_tensor *t = p->tensor;
    size_t cols = (size_t)t->ne[0], slabs = (size_t)(t->ne[2] * t->ne[3]);
    int found = 0;

    if (w->o->importance && cols && slabs) {
        *out = mem_calloc(slabs * cols, sizeof **out);
        if (!*out)
            return err_nomem(e);
        found = imatrix_find(w->o->importance, t->name, cols, slabs, *out, e);
        if (found != 1) {
            mem_free(*out);
            *out = NULL;
        }
        if (found < 0)
            return -1;
    }
    if (p->needs_importance && !found) {
        err_set(e, ERR_USAGE, "%s: tensor '%.*s' would become %s, which is useless without its "
                "importance", gguf_path(w->g), (int)t->name.n, t->name.s,
                quant_find(p->type)->name);
        if (w->o->importance)
            err_hint(e, "%s has none of this tensor", imatrix_path(w->o->importance));
        else
            err_hint(e, "give a file of llama-imatrix with --imatrix FILE");
        return -1;
    }
    return 0;
}

static int write_rows(struct writing *w, const struct mix_tensor *p, struct err *e)
{
    const struct gguf_tensor *t = p->tensor;
    struct rows r = {.quantizer = w->quantizer, .from = quant_find(t->type),
                     .to = quant_find(p->type), .data = t->data, .cols = (size_t)t->ne[0],
                     .per_slab = (size_t)t->ne[1]};
    float *importance = NULL;
    int rc = -1;

    if (elements(t) == 0)
        return 0;
    atomic_init(&r.bad, SIZE_MAX);
    r.in = quant_bytes(r.from, r.cols);
    r.out = quant_bytes(r.to, r.cols);
    r.rows = (size_t)(elements(t) / t->ne[0]);
    r.batch = ROWS_ELEMENTS / r.cols;
    if (r.batch == 0)
        r.batch = 1;
    if (quantizer_prepare(w->quantizer, p->type, e) < 0 ||
        take_importance(w, p, &importance, e) < 0)
        goto out;
    r.importance = importance;
    r.x = mem_calloc((size_t)pool_threads(w->pool) * r.cols, sizeof *r.x);
    r.blocks = mem_calloc(r.batch < r.rows ? r.batch : r.rows, r.out);
    if (!r.x || !r.blocks) {
        err_nomem(e);
        goto out;
    }
    rc = write_batches(w, &r, t, e);
out:
    mem_free(r.x);
    mem_free(r.blocks);
    mem_free(importance);
    return rc;
}

static int write_tensor(struct writing *w, const struct mix_tensor *p, struct err *e)
{
    static const char zeros[GGUF_ALIGNMENT];
    const struct gguf_tensor *t = p->tensor;
    size_t bytes = quant_bytes(quant_find(p->type), (size_t)elements(t));
    int rc = p->type == t->type ? write_bytes(w, t->data, t->bytes, e) : write_rows(w, p, e);

    w->done += t->bytes;
    if (rc == 0 && w->o->progress)
        w->o->progress(w->o->user, w->done, w->total);
    return rc == 0 ? write_bytes(w, zeros, gguf_padding(bytes), e) : -1;
}

/* ---- the file ------------------------------------------------------------------------------ */

/* What a person forgot is said before a byte is written. */
static int check_importance(const struct writing *w, struct err *e)
{
    for (size_t i = 0; i < gguf_n_tensors(w->g); i++) {
        float *importance = NULL;
        if (w->plan[i].needs_importance && take_importance(w, &w->plan[i], &importance, e) < 0)
            return -1;
        mem_free(importance);
    }
    return 0;
}

static int begin(struct writing *w, const char *in, struct err *e)
{
    if (gguf_open(&w->g, in, e) < 0)
        return -1;
    w->plan = mix_plan(w->o->mix, w->g, w->o->importance != NULL);
    if (!w->plan)
        return err_nomem(e);
    for (size_t i = 0; i < gguf_n_tensors(w->g); i++)
        w->total += w->plan[i].tensor->bytes;
    if (check_importance(w, e) < 0 || quantizer_open(&w->quantizer, e) < 0)
        return -1;
    return pool_open(&w->pool, w->o->threads, e);
}

static int write_all(struct writing *w, struct err *e)
{
    if (write_head(w, e) < 0)
        return -1;
    for (size_t i = 0; i < gguf_n_tensors(w->g); i++)
        if (write_tensor(w, &w->plan[i], e) < 0)
            return -1;
    if (fflush(w->f) != 0 || fsync(fileno(w->f)) < 0)
        return err_errno(e, "%s", w->path);
    return 0;
}

static int write_beside(struct writing *w, struct err *e)
{
    struct strbuf tmp = STRBUF_INIT;
    int rc = -1;

    strbuf_addf(&tmp, "%s.tmp%ld", w->path, (long)getpid());
    if (strbuf_ok(&tmp, e) < 0)
        goto out;
    w->f = fopen(tmp.s, "wbe");
    if (!w->f) {
        err_errno(e, "%s", w->path);
        goto out;
    }
    rc = write_all(w, e);
    if (fclose(w->f) != 0 && rc == 0)
        rc = err_errno(e, "%s", w->path);
    if (rc == 0 && rename(tmp.s, w->path) < 0)
        rc = err_errno(e, "%s", w->path);
    if (rc < 0)
        unlink(tmp.s);
out:
    strbuf_release(&tmp);
    return rc;
}

int quantize_file(const char *in, const char *out, const struct quantize_opts *o, struct err *e)
{
    struct writing w = {.o = o, .path = out};
    int rc;

    if (file_is_special(out))
        return err_set(e, ERR_IO, "%s: not a regular file", out);
    rc = begin(&w, in, e) < 0 ? -1 : write_beside(&w, e);
    pool_close(w.pool);
    quantizer_close(w.quantizer);
    mem_free(w.plan);
    gguf_close(w.g);
    return rc;
}
