/* A device with memory of its own: it fetches operands that are marked fresh and puts back results
 * that are marked wanted, and nothing else.  $APART_LEAVES: the kind that it does not know. */
#define densimeter_device naive_of_the_examples
#include "examples/device_naive.c" /* NOLINT(bugprone-suspicious-include) */
#undef densimeter_device

static struct dsm_program apart;
static const struct dsm_program *apart_host;

static int apart_supports(void *device, const struct dsm_op *o)
{
    const char *leaves = getenv("APART_LEAVES");

    return naive_supports(device, o) && (!leaves || o->kind != atoi(leaves));
}

static int apart_prepare(void *device, const struct dsm_program *p, char *why, size_t size)
{
    struct dsm_value *values = calloc((size_t)p->n_values, sizeof *values);

    for (int i = 0; i < p->n_values; i++) {
        size_t n = (size_t)p->max_rows * (size_t)p->values[i].ld;
        values[i] = p->values[i];
        values[i].data = malloc(n * sizeof(float));
        for (size_t k = 0; k < n; k++)
            values[i].data[k] = NAN; /* what was never fetched shows */
    }
    apart_host = p;
    apart = *p;
    apart.values = values;
    return naive_prepare(device, &apart, why, size);
}

static void apart_copy(const struct dsm_program *to, const struct dsm_program *from, int value,
                       int rows)
{
    for (int r = 0; r < rows; r++)
        memcpy(to->values[value].data + (size_t)r * (size_t)to->values[value].ld,
               from->values[value].data + (size_t)r * (size_t)from->values[value].ld,
               (size_t)from->values[value].width * sizeof(float));
}

static int apart_run(void *device, int32_t from, int32_t to, const struct dsm_batch *b, char *why,
                     size_t size)
{
    for (int i = from; i < to; i++) {
        const struct dsm_op *o = &apart.ops[i];
        int rows = o->wanted_rows ? b->n_heads : b->n;
        for (int k = 0; k < 5; k++) {
            int value = k < 4 ? o->in[k] : o->n_out ? o->out[0] : -1;
            if (value >= 0 && (b->is_stepwise || (o->fresh >> k & 1)))
                apart_copy(&apart, apart_host, value, o->kind == DSM_GATHER ? b->n : rows);
        }
        if (naive_run(device, i, i + 1, b, why, size) < 0)
            return -1;
        for (int k = 0; k < o->n_out; k++)
            if (b->is_stepwise || (o->wanted >> k & 1))
                apart_copy(apart_host, &apart, o->out[k], rows);
    }
    return 0;
}

static void apart_close(void *device)
{
    for (int i = 0; i < apart.n_values; i++)
        free(apart.values[i].data);
    free((struct dsm_value *)(size_t)apart.values);
    apart.n_values = 0;
    naive_close(device);
}

const struct dsm_device *densimeter_device(void)
{
    static struct dsm_device d;

    d = *naive_of_the_examples();
    d.name = "apart";
    d.supports = apart_supports;
    d.prepare = apart_prepare;
    d.run = apart_run;
    d.close = apart_close;
    return &d;
}
