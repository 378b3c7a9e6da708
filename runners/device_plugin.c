/* device_plugin.c -- a device that a shared object brings along, and the CPU for what it lacks. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/thread.h"
#include "runners/engine.h"
#include "runners/fallback.h"
#include "runners/plugin.h"

static const double SOON_S = 5;

struct device {
    const struct program *p;
    const struct plugin_side_ops *how;
    struct plugin_side *side;
    struct fallback *cpu;
    char *supported;   /* [ops], until the CPU side knows */
    int head_is_ours;  /* OP_HEAD is the plug-in's */
    int check_finite, threads;
    char title[128], sha256[SHA256_HEX];
};

static void plugin_close(struct device *d)
{
    if (!d)
        return;
    if (d->side)
        d->how->close(d->side);
    fallback_close(d->cpu);
    mem_free(d->supported);
    mem_free(d);
}

static int is_supported(const void *user, const struct op *op)
{
    const struct device *d = user;

    return d->supported[op - d->p->ops];
}

static int place(struct device *d, const struct device_opts *o, struct err *e)
{
    d->supported = mem_calloc((size_t)d->p->n_ops + 1, 1);
    if (!d->supported)
        return err_nomem(e);
    if (d->how->supports(d->side, d->supported, e) < 0 ||
        fallback_open(&d->cpu, d->p, o, is_supported, d, e) < 0)
        return -1;
    for (int i = 0; i < d->p->n_ops; i++)
        d->head_is_ours |= d->p->ops[i].kind == OP_HEAD && !fallback_takes(d->cpu, i);
    return d->how->prepare(d->side, d->cpu, e);
}

static int plugin_open(struct device **out, const struct program *p, const struct device_opts *o,
                       struct err *e)
{
    struct device *d = mem_calloc(1, sizeof *d);
    char *path = NULL;
    int rc = -1, found;

    *out = NULL;
    if (!d)
        return err_nomem(e);
    d->p = p;
    d->how = o->isolate ? &plugin_process : &plugin_local;
    d->check_finite = o->check_finite;
    d->threads = o->threads > 0 ? o->threads : cpus_allowed();
    if (o->numerics == NUMERICS_FAST) {
        err_set(e, ERR_USAGE, "a plug-in has an arithmetic of its own: --numerics fast is not "
                "for it");
        goto out;
    }
    found = plugin_find(&path, o->name, e);
    if (found == 0)
        err_set(e, ERR_NOTFOUND, "device '%.40s' is not in $DENSIMETER_DEVICES", o->name);
    if (found <= 0 || sha256_file(d->sha256, path, e) < 0 ||
        d->how->open(&d->side, path, p, o, e) < 0 || place(d, o, e) < 0)
        goto out;
    snprintf(d->title, sizeof d->title, "%s %.50s", d->how->about(d->side)->name,
             d->how->about(d->side)->version);
    *out = d;
    d = NULL;
    rc = 0;
out:
    mem_free(path);
    plugin_close(d);
    return rc;
}

static void plugin_info(const struct device *d, struct device_info *out)
{
    *out = (struct device_info){
        .name = d->how->about(d->side)->name,
        .kernels = d->title,
        .threads = d->threads,
        .numerics_id = d->how->about(d->side)->numerics,
        .sha256 = d->sha256,
        .precision = d->how->about(d->side)->precision,
        .waives = ~d->how->about(d->side)->claims,
    };
}

/* ---- running ---- */

static int run_ops(struct device *d, int from, int to, struct err *e)
{
    return fallback_takes(d->cpu, from) ? fallback_run(d->cpu, from, to, e)
                                        : d->how->run(d->side, from, to, e);
}

static int check_heads(struct device *d, const struct batch *b, struct err *e)
{
    if (d->head_is_ours)
        return d->how->end(d->side, e);
    for (int i = 0; i < b->n_heads; i++)
        if (!isfinite(b->heads[i].lse))
            return err_set(e, ERR_NUMERIC, "the logits at position %d are not finite",
                           b->positions[b->heads[i].row]);
    return 0;
}

static int begin(struct device *d, struct batch *b, int is_stepwise, struct err *e)
{
    return fallback_begin(d->cpu, b, e) < 0 ? -1 : d->how->begin(d->side, b, is_stepwise, e);
}

/* Op after op, looking at what each gives: the first that is not finite is the one to name. */
static int run_checked(struct device *d, struct batch *b, struct err *e)
{
    if (begin(d, b, 1, e) < 0)
        return -1;
    for (int i = 0; i < d->p->n_ops; i++) {
        if (fallback_takes(d->cpu, i) ? fallback_rerun(d->cpu, i, i + 1, e) < 0
                                      : d->how->run(d->side, i, i + 1, e) < 0)
            return -1;
        if (fallback_check(d->cpu, &d->p->ops[i], e) < 0)
            return -1;
    }
    return check_heads(d, b, e);
}

/* A process that died somewhere in a stretch of operations is started once more, to see in which;
 * one that took its time to fail is not waited for again. */
static int name_failure(struct device *d, struct batch *b, double began, struct err *e)
{
    struct err again = ERR_NONE;

    if (d->how == &plugin_process && e->code == ERR_DEVICE && engine_now() - began < SOON_S &&
        run_checked(d, b, &again) < 0 && again.code == ERR_DEVICE)
        *e = again;
    return -1;
}

static int plugin_run(struct device *d, struct batch *b, struct err *e)
{
    struct err first = ERR_NONE;
    double began = engine_now();

    if (begin(d, b, 0, e) < 0)
        return -1;
    for (int i = 0, to; i < d->p->n_ops; i = to) {
        for (to = i + 1; to < d->p->n_ops &&
                         fallback_takes(d->cpu, to) == fallback_takes(d->cpu, i); to++)
            ;
        if (run_ops(d, i, to, e) < 0)
            return name_failure(d, b, began, e);
    }
    if (check_heads(d, b, &first) == 0 && !d->check_finite)
        return 0;
    if (first.code && first.code != ERR_NUMERIC) {
        *e = first;
        return -1;
    }
    if (run_checked(d, b, e) < 0)
        return -1;
    if (!first.code)
        return 0;
    *e = first; /* it does not happen again, or only between ops */
    return -1;
}

static const uint64_t *plugin_left(const struct device *d)
{
    return fallback_counts(d->cpu);
}

static int plugin_read(struct device *d, uint64_t bytes, struct err *e)
{
    return d->how->read(d->side, bytes, e);
}

const struct device_ops device_plugin = {
    "plug-in", "a shared object", plugin_open, plugin_close, plugin_info, plugin_run, NULL, NULL,
    NULL, NULL, plugin_left, plugin_read, 0,
};
