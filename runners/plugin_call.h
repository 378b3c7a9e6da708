/* plugin_call.h -- calling a plug-in's functions, in whichever process its code is. */
#ifndef RUNNERS_PLUGIN_CALL_H
#define RUNNERS_PLUGIN_CALL_H

#include "runners/plugin.h"

struct plugin_call {
    const struct dsm_device *api;
    void *device;
    struct dsm_host host; /* the plug-in may keep its address */
};

/* Loads and opens.  What goes wrong in the plug-in is ERR_DEVICE with its name and its words. */
int plugin_call_open(struct plugin_call *c, const char *path, int threads, struct err *e);
void plugin_call_close(struct plugin_call *c);
/* p: as the plug-in's version of the contract has it (plugin_image_for).  yes[i] for each op;
 * never 1 for one that the version has no name for. */
void plugin_call_supports(struct plugin_call *c, const struct dsm_program *p, char *yes);
int plugin_call_prepare(struct plugin_call *c, const struct dsm_program *p, struct err *e);
int plugin_call_run(struct plugin_call *c, int from, int to, const struct dsm_batch *b,
                    struct err *e);
/* ERR_UNSUPPORTED: the plug-in does not offer it. */
int plugin_call_read(struct plugin_call *c, uint64_t bytes, struct err *e);

#endif
