/* plugin_local.c -- a plug-in in this process: it works on the CPU's own rows.  What it does wrong
 * it does to us; plugin_process.c is for those that are not trusted. */
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "runners/fallback.h"
#include "runners/plugin.h"
#include "runners/plugin_call.h"

struct plugin_side {
    struct plugin_call call;
    struct plugin_image image;
    struct fallback *cpu;
    struct batch *batch;
    struct dsm_batch *sent; /* in block */
    char *block;
    size_t cap;
};

static void local_close(struct plugin_side *s)
{
    if (!s)
        return;
    plugin_call_close(&s->call);
    mem_free(s->image.p);
    mem_free(s->block);
    mem_free(s);
}

static int local_open(struct plugin_side **out, const char *path, const struct program *p,
                      const struct device_opts *o, struct err *e)
{
    struct plugin_side *s = mem_calloc(1, sizeof *s);
    void *block = mem_aligned(64, plugin_image_bytes(p));
    int rc = -1;

    *out = NULL;
    if (!s || !block) {
        err_nomem(e);
        goto out;
    }
    plugin_image_fill(&s->image, block, p, o);
    block = NULL;
    if (plugin_call_open(&s->call, path, o->threads > 0 ? o->threads : cpus_allowed(), e) < 0)
        goto out;
    plugin_image_for(s->image.p, s->call.api->abi);
    *out = s;
    s = NULL;
    rc = 0;
out:
    mem_free(block);
    local_close(s);
    return rc;
}

static const struct dsm_device *local_about(const struct plugin_side *s)
{
    return s->call.api;
}

static int local_supports(struct plugin_side *s, char *yes, struct err *e)
{
    (void)e;
    plugin_call_supports(&s->call, s->image.p, yes);
    return 0;
}

static int takes(const void *user, int op)
{
    return fallback_takes(user, op);
}

static int local_prepare(struct plugin_side *s, struct fallback *cpu, struct err *e)
{
    s->cpu = cpu;
    plugin_image_place(&s->image, takes, cpu);
    for (int i = 0; i < s->image.p->n_values; i++)
        s->image.values[i].data = fallback_value(cpu, i);
    return plugin_call_prepare(&s->call, s->image.p, e);
}

static int local_begin(struct plugin_side *s, struct batch *b, int is_stepwise, struct err *e)
{
    size_t bytes = plugin_batch_bytes(b, s->image.p->n_vocab);

    if (bytes > s->cap) {
        mem_free(s->block);
        s->cap = 0;
        s->block = mem_aligned(64, bytes);
        if (!s->block)
            return err_nomem(e);
        s->cap = bytes;
    }
    s->batch = b;
    s->sent = plugin_batch_fill(s->block, b, s->image.p->n_vocab);
    s->sent->is_stepwise = is_stepwise;
    return 0;
}

static int local_run(struct plugin_side *s, int from, int to, struct err *e)
{
    if (plugin_call_run(&s->call, from, to, s->sent, e) < 0)
        return -1;
    for (int i = from; i < to; i++) {
        const struct dsm_op *op = &s->image.ops[i];
        for (int k = 0; k < op->n_out; k++)
            if (s->sent->is_stepwise || (op->wanted >> k & 1))
                fallback_wrote(s->cpu, op->out[k],
                               op->wanted_rows ? s->batch->n_heads : s->batch->n);
    }
    return 0;
}

static int local_end(struct plugin_side *s, struct err *e)
{
    return plugin_batch_take(s->batch, s->block, s->image.p->n_vocab, e);
}

static int local_read(struct plugin_side *s, uint64_t bytes, struct err *e)
{
    return plugin_call_read(&s->call, bytes, e);
}

const struct plugin_side_ops plugin_local = {
    local_open, local_close, local_about, local_supports, local_prepare, local_begin, local_run,
    local_end, local_read,
};
