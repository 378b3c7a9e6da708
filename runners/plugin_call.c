#include "runners/plugin_call.h"

#include <string.h>

#include "base/utf8.h"
#include "runners/quant.h"

enum { WHY = 300 };

static int unpack(int32_t type, float *y, const void *row, uint64_t n)
{
    const struct quant *q = quant_find(type);

    if (!q || n % (uint64_t)q->block)
        return -1;
    q->unpack(y, row, (size_t)n);
    return 0;
}

/* Its words may be anything. */
static int failed(const struct plugin_call *c, char *why, struct err *e)
{
    why[WHY - 1] = 0;
    utf8_make_printable(why, strlen(why), 0);
    return err_set(e, ERR_DEVICE, "device %s: %s", c->api->name,
                   *why ? why : "it failed and does not say why");
}

int plugin_call_open(struct plugin_call *c, const char *path, int threads, struct err *e)
{
    char why[WHY] = "";

    *c = (struct plugin_call){.host = {DSM_ABI, threads, unpack}};
    if (plugin_load(&c->api, path, e) < 0)
        return -1;
    c->host.abi = c->api->abi;
    if (c->api->open(&c->device, &c->host, why, sizeof why) < 0) {
        failed(c, why, e);
        c->api = NULL; /* nothing is open */
        return -1;
    }
    return 0;
}

void plugin_call_close(struct plugin_call *c)
{
    if (c->api)
        c->api->close(c->device);
    c->api = NULL;
}

void plugin_call_supports(struct plugin_call *c, const struct dsm_program *p, char *yes)
{
    for (int i = 0; i < p->n_ops; i++)
        yes[i] = p->ops[i].kind && c->api->supports(c->device, &p->ops[i]) == 1;
}

int plugin_call_prepare(struct plugin_call *c, const struct dsm_program *p, struct err *e)
{
    char why[WHY] = "";

    return c->api->prepare(c->device, p, why, sizeof why) < 0 ? failed(c, why, e) : 0;
}

int plugin_call_run(struct plugin_call *c, int from, int to, const struct dsm_batch *b,
                    struct err *e)
{
    char why[WHY] = "";

    return c->api->run(c->device, from, to, b, why, sizeof why) < 0 ? failed(c, why, e) : 0;
}

int plugin_call_read(struct plugin_call *c, uint64_t bytes, struct err *e)
{
    char why[WHY] = "";

    if (c->api->abi < 2 || !c->api->read)
        return err_set(e, ERR_UNSUPPORTED, "device %s: it offers no read of its memory",
                       c->api->name);
    return c->api->read(c->device, bytes, why, sizeof why) < 0 ? failed(c, why, e) : 0;
}
