/* device_null.c -- computes nothing: what is left on the clock is the harness's own cost.
 *
 * Every logit is zero, so every likelihood is that of a uniform guess: wrong, and known to be. */
#include <string.h>

#include "base/mem.h"
#include "runners/device.h"
#include "runners/dmath.h"

struct device {
    const struct program *p;
};

static int null_open(struct device **out, const struct program *p, const struct device_opts *o,
                     struct err *e)
{
    struct device *d = mem_calloc(1, sizeof *d);

    (void)o;
    *out = d;
    if (!d)
        return err_nomem(e);
    d->p = p;
    return 0;
}

static void null_close(struct device *d)
{
    mem_free(d);
}

static void null_info(const struct device *d, struct device_info *out)
{
    (void)d;
    *out = (struct device_info){.kernels = "none", .threads = 1};
}

static int null_run(struct device *d, struct batch *b, struct err *e)
{
    (void)e;
    for (int i = 0; i < b->n_heads; i++) {
        struct head_row *h = &b->heads[i];
        h->lse = dmath_log(d->p->n_vocab);
        h->argmax = 0;
        for (int k = 0; k < h->n_targets; k++)
            h->target_logits[k] = 0;
        if (h->logits)
            memset(h->logits, 0, (size_t)d->p->n_vocab * sizeof *h->logits);
    }
    return 0;
}

const struct device_ops device_null = {
    "null", "computes nothing; shows the cost of everything else", null_open, null_close, null_info,
    null_run, NULL, NULL, NULL, NULL, NULL, NULL, 1,
};
