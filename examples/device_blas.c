/* device_blas.c -- a device for Densimeter that multiplies matrices by any BLAS; the CPU does the
 * rest.
 *
 *     cc -shared -fPIC -O2 -o libblas_device.so device_blas.c -lopenblas -lm      (or -lblas)
 *     densimeter device check ./libblas_device.so
 *
 * It shows a device that knows a single operation: `supports` says no to everything else, and
 * results say how often that was. */
#include <densimeter_device.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256 }; /* rows of weights that are floats at the same time */

/* Fortran's: matrices lie by columns, every argument by address. */
void sgemm_(const char *transa, const char *transb, const int *m, const int *n, const int *k,
            const float *alpha, const float *a, const int *lda, const float *b, const int *ldb,
            const float *beta, float *c, const int *ldc);

struct blas {
    const struct dsm_host *host;
    const struct dsm_program *p;
    float *weights; /* [CHUNK][largest k] */
    float *made;    /* [max_rows][largest width], what an epilogue has still to work on */
};

/* y[i][r] = w[r] . x[i] + bias[r] for n rows i. */
static void multiply(struct blas *d, const struct dsm_tensor *w, const struct dsm_tensor *bias,
                     const struct dsm_value *x, int n, float *y, int ldy)
{
    const float one = 1, zero = 0;

    for (int r0 = 0; r0 < w->rows; r0 += CHUNK) {
        int rows = w->rows - r0 < CHUNK ? w->rows - r0 : CHUNK;
        for (int r = 0; r < rows; r++)
            d->host->unpack(w->type, d->weights + (size_t)r * (size_t)w->k,
                            (const char *)w->data + (size_t)(r0 + r) * w->row_bytes,
                            (uint64_t)w->k);
        sgemm_("T", "N", &rows, &n, &w->k, &one, d->weights, &w->k, x->data, &x->ld, &zero, y + r0,
               &ldy);
    }
    for (int i = 0; i < n && bias; i++)
        for (int r = 0; r < w->rows; r++)
            y[(size_t)i * (size_t)ldy + (size_t)r] += bias->f32[r];
}

static void linear(struct blas *d, const struct dsm_op *o, int n)
{
    const struct dsm_value *x = &d->p->values[o->in[0]];

    if (o->epilogue == DSM_PLAIN) {
        for (int k = 0; k < o->n_out; k++) {
            const struct dsm_value *y = &d->p->values[o->out[k]];
            multiply(d, o->w[k], o->bias[k], x, n, y->data, y->ld);
        }
        return;
    }
    const struct dsm_value *y = &d->p->values[o->out[0]], *to = &d->p->values[o->in[1]];
    multiply(d, o->w[0], o->bias[0], x, n, d->made, y->width);
    for (int i = 0; i < n; i++)
        for (int r = 0; r < y->width; r++)
            y->data[(size_t)i * (size_t)y->ld + (size_t)r] =
                to->data[(size_t)i * (size_t)to->ld + (size_t)r] +
                o->scale * d->made[(size_t)i * (size_t)y->width + (size_t)r];
}

/* ---- the device ---- */

static void blas_close(void *device)
{
    struct blas *d = device;

    free(d->weights);
    free(d->made);
    free(d);
}

static int blas_open(void **device, const struct dsm_host *host, char *why, size_t size)
{
    struct blas *d = calloc(1, sizeof *d);

    if (!d) {
        snprintf(why, size, "out of memory");
        return -1;
    }
    d->host = host;
    *device = d;
    return 0;
}

static int blas_supports(void *device, const struct dsm_op *o)
{
    (void)device;
    return o->kind == DSM_LINEAR && (o->epilogue == DSM_PLAIN || o->epilogue == DSM_ADD_TO);
}

static int blas_prepare(void *device, const struct dsm_program *p, char *why, size_t size)
{
    struct blas *d = device;
    size_t k = 1, width = 1;

    d->p = p;
    for (int i = 0; i < p->n_tensors; i++)
        if (p->tensors[i].name && (size_t)p->tensors[i].k > k)
            k = (size_t)p->tensors[i].k;
    for (int i = 0; i < p->n_values; i++)
        if ((size_t)p->values[i].width > width)
            width = (size_t)p->values[i].width;
    d->weights = malloc(CHUNK * k * sizeof *d->weights);
    d->made = malloc((size_t)p->max_rows * width * sizeof *d->made);
    if (d->weights && d->made)
        return 0;
    snprintf(why, size, "out of memory");
    return -1;
}

static int blas_run(void *device, int32_t from, int32_t to, const struct dsm_batch *b, char *why,
                    size_t size)
{
    struct blas *d = device;

    (void)why;
    (void)size;
    for (int i = from; i < to; i++) {
        const struct dsm_op *o = &d->p->ops[i];
        int n = o->wanted_rows ? b->n_heads : b->n;
        if (n > 0)
            linear(d, o, n);
    }
    return 0;
}

const struct dsm_device *densimeter_device(void)
{
    static const struct dsm_device device = {
        .abi = DSM_ABI,
        .struct_bytes = sizeof device,
        .name = "blas",
        .version = "1",
        .help = "matrices by BLAS, the rest by the CPU",
        .numerics = "blas/1",
        .precision = DSM_PRECISION_F32,
        .claims = DSM_REPEATS, /* a product of one row may sum in another order than one of many */
        .open = blas_open,
        .close = blas_close,
        .supports = blas_supports,
        .prepare = blas_prepare,
        .run = blas_run,
    };

    return &device;
}
