/* plugin.h -- devices in shared objects (include/densimeter_device.h).
 *
 * What follows is shared by the files of the plug-in device only, but for the first part, which
 * finds and describes plug-ins.  A plug-in's code runs in this process unless it is isolated: then
 * it has one of its own (plugin_process.c), and what it does there is an error of ours at most. */
#ifndef RUNNERS_PLUGIN_H
#define RUNNERS_PLUGIN_H

#include "include/densimeter_device.h"
#include "runners/device.h"

/* ---- finding ---- */

/* A path is what has a '/' or ends in ".so".  Anything else is looked for in $DENSIMETER_DEVICES, a
 * colon list of folders and files: NAME is NAME.so or libNAME.so.  1: *path is the caller's
 * (mem_free); 0: there is no such file; -1: out of memory. */
int plugin_find(char **path, const char *name, struct err *e);
/* File number i of $DENSIMETER_DEVICES, in order of the list and then of names.  As above. */
int plugin_at(char **path, int i, struct err *e);

/* Loads and checks; the library stays loaded (what it has started may not be stopped). */
int plugin_load(const struct dsm_device **api, const char *path, struct err *e);
const char *plugin_precision(int precision); /* "float32"; NULL: unknown */

/* ---- a program as a plug-in sees it ---- */

struct plugin_image {
    struct dsm_program *p; /* at the beginning of the block */
    struct dsm_op *ops;
    struct dsm_value *values;
    struct dsm_tensor *tensors;
    struct dsm_slabs *slabs;
    size_t bytes; /* of the block: everything but weights and the rows of values */
};

size_t plugin_image_bytes(const struct program *p);
/* Into a block of that many bytes, 64-byte aligned.  Weights are where the program has them, values
 * nowhere yet, and every op is the host's. */
void plugin_image_fill(struct plugin_image *out, void *block, const struct program *p,
                       const struct device_opts *o);
/* What a later version than `abi` has names for becomes kind 0. */
void plugin_image_for(struct dsm_program *p, int abi);
/* is_mine, fresh and wanted: takes(user, i) tells the ops that the CPU has. */
void plugin_image_place(struct plugin_image *m, int (*takes)(const void *user, int op),
                        const void *user);
/* A block that was copied or mapped elsewhere: every pointer in it is off by as many bytes. */
void plugin_image_move(struct dsm_program *p, ptrdiff_t by);

/* ---- a batch as a plug-in sees it ---- */

size_t plugin_batch_bytes(const struct batch *b, int n_vocab);
/* Into a block of that many bytes, 64-byte aligned. */
struct dsm_batch *plugin_batch_fill(void *block, const struct batch *b, int n_vocab);
void plugin_batch_move(struct dsm_batch *d, ptrdiff_t by);
/* What DSM_HEAD found, from the block that plugin_batch_fill made of b (and that somebody may have
 * scribbled over since).  ERR_NUMERIC: not finite, or likelihoods over 1. */
int plugin_batch_take(struct batch *b, const void *block, int n_vocab, struct err *e);

/* ---- where its code runs ---- */

struct fallback;
struct plugin_side;
struct plugin_side_ops {
    /* m: the program; the side may keep its own. */
    int (*open)(struct plugin_side **out, const char *path, const struct program *p,
                const struct device_opts *o, struct err *e);
    void (*close)(struct plugin_side *s);
    const struct dsm_device *(*about)(const struct plugin_side *s); /* no functions are called */
    /* yes[i]: 1 or 0 for each op. */
    int (*supports)(struct plugin_side *s, char *yes, struct err *e);
    /* cpu: the rows that both sides see. */
    int (*prepare)(struct plugin_side *s, struct fallback *cpu, struct err *e);
    /* begin: a batch.  run: ops from .. to-1 of it.  end: its heads are filled. */
    int (*begin)(struct plugin_side *s, struct batch *b, int is_stepwise, struct err *e);
    int (*run)(struct plugin_side *s, int from, int to, struct err *e);
    int (*end)(struct plugin_side *s, struct err *e);
    /* As device_ops.read. */
    int (*read)(struct plugin_side *s, uint64_t bytes, struct err *e);
};
extern const struct plugin_side_ops plugin_local, plugin_process;

/* The other end of plugin_process: what the program does when it is started as "device host 3". */
int plugin_host(struct err *e);

#endif
