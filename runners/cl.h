/* cl.h -- OpenCL and CUDA devices: what there is, their memory, and kernels on them.
 *
 * The loader, libOpenCL.so.1 or what $DENSIMETER_OPENCL names, is opened at run time: without it
 * nothing but these devices is missing.  Devices of all platforms are numbered in the loader's
 * order.  CUDA stands behind the same interface (cuda_api.h).  One thread at a time drives one
 * struct cl. */
#ifndef RUNNERS_CL_H
#define RUNNERS_CL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum cl_kind { CL_OPENCL, CL_CUDA, CL_KINDS };

struct cl_about { /* a device */
    enum cl_kind kind;
    char name[24];    /* "opencl:0" */
    char title[160];  /* its own name */
    char driver[96];
    int units, is_cpu;
    int capability; /* of an NVIDIA GPU by cuda_api.h: 90 is sm_90; else 0 */
    uint64_t memory_bytes, buffer_bytes; /* all of it, and at most in one buffer */
};

const char *cl_prefix(enum cl_kind kind); /* "opencl" */

/* Device number i of a kind.  1: filled; 0: there is none of this number; -1: e says why there is
 * none at all (no loader, no platform). */
int cl_about(struct cl_about *out, enum cl_kind kind, int i, struct err *e);

/* The number in "opencl" (0) or "opencl:N", and its kind; -1: some other name. */
int cl_number(const char *name, enum cl_kind *kind);

struct cl;
struct cl_memory; /* on the device */

int cl_open(struct cl **out, enum cl_kind kind, int i, struct err *e);
void cl_close(struct cl *c);
const struct cl_about *cl_info(const struct cl *c);

/* Compiles the source; kernel number i is then kernels[i], NULL: none.  The compiler's words: in
 * the hint. */
int cl_build(struct cl *c, const char *source, size_t n, const char *const *kernels, int n_kernels,
             struct err *e);

/* what: for the error line.  A size over the device's bounds is refused before it is asked for. */
int cl_make(struct cl *c, struct cl_memory **out, size_t bytes, const char *what, struct err *e);
void cl_drop(struct cl_memory *m); /* NULL is fine; after the last launch with it */
uint64_t cl_used(const struct cl *c); /* bytes of all memory made */
uint64_t cl_bytes(const struct cl_memory *m); /* NULL: 0 */

/* Both return when it is done. */
int cl_write(struct cl *c, struct cl_memory *m, size_t at, const void *from, size_t bytes,
             struct err *e);
int cl_read(struct cl *c, const struct cl_memory *m, size_t at, void *to, size_t bytes,
            struct err *e);

struct cl_arg { /* bytes 0: memory, or NULL */
    const void *data;
    size_t bytes;
};

/* Queued in order; size: work-items in two dimensions, none of them 0; group: of a work-group, or
 * NULL: as the device likes. */
int cl_launch(struct cl *c, int kernel, const struct cl_arg *args, int n, const size_t size[2],
              const size_t group[2], struct err *e);

/* Launches kept to be queued again at once, with the same arguments: what changes from time to time
 * is in memory.  Between cl_record and cl_recorded nothing but launches. */
struct cl_recording;

int cl_records(const struct cl *c); /* it is offered */
int cl_record(struct cl *c, struct err *e);
int cl_recorded(struct cl *c, struct cl_recording **out, struct err *e); /* ends it in any case */
int cl_replay(struct cl_recording *r, struct err *e);
void cl_forget(struct cl_recording *r); /* NULL is fine */

#endif
