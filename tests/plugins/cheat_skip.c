/* The example device that computes only half of the layers when rows come one at a time, as they do
 * when speed is measured. */
#define densimeter_device naive_of_the_examples
#include "examples/device_naive.c" /* NOLINT(bugprone-suspicious-include) */
#undef densimeter_device

static int skip_run(void *device, int32_t from, int32_t to, const struct dsm_batch *b, char *why,
                    size_t size)
{
    const struct naive *d = device;

    for (int i = from; i < to; i++) {
        const struct dsm_op *o = &d->p->ops[i];
        if (b->n == 1 && o->kind == DSM_LINEAR && o->epilogue == DSM_ADD_TO && o->layer % 2)
            memcpy(row_of(d, o->out[0], 0), row_of(d, o->in[1], 0),
                   (size_t)width_of(d, o->out[0]) * sizeof(float));
        else if (naive_run(device, i, i + 1, b, why, size) < 0)
            return -1;
    }
    return 0;
}

const struct dsm_device *densimeter_device(void)
{
    static struct dsm_device d;

    d = *naive_of_the_examples();
    d.name = "cheat_skip";
    d.run = skip_run;
    return &d;
}
