/* fallback.h -- the CPU beside another device: it computes the ops that the device lacks.
 *
 * A device that does not know every op decides when it is opened which ops are its own; the rest
 * stay with the CPU, whose values lie in host memory, are computed in exact arithmetic and are
 * counted every time.  The device moves the values that cross over: before a stretch of CPU ops it
 * writes what they read to fallback_value's rows and says so (fallback_wrote), after it it reads
 * what they wrote.  Keys, values and states never cross: ops that share them stay together.
 *
 *     fallback_open(&f, p, o, supports, d, e);
 *     run(b):  fallback_begin(f, b, e);
 *              for each stretch of ops with the same fallback_takes: the device's own, or
 *              fallback_run(f, from, to, e)
 *
 * One thread at a time. */
#ifndef RUNNERS_FALLBACK_H
#define RUNNERS_FALLBACK_H

#include "runners/device.h"

struct fallback;

/* supports(user, op): 1 when the device computes this very op: its kind, the formats of its
 * weights, its epilogue and switches.  A KV cache is wholly the device's or wholly the CPU's: an
 * OP_KV_STORE or OP_ATTENTION that is not supported takes along the others of its kv_layer.
 * Memory for keys and values is mapped, and used only where the CPU takes such ops. */
int fallback_open(struct fallback **out, const struct program *p, const struct device_opts *o,
                  int (*supports)(const void *user, const struct op *op), const void *user,
                  struct err *e);
void fallback_close(struct fallback *f);

int fallback_takes(const struct fallback *f, int op); /* 1: the CPU computes op number `op` */

/* Before the batch's first op. */
int fallback_begin(struct fallback *f, struct batch *b, struct err *e);
/* Ops from .. to-1, all of them the CPU's.  A batch without wanted rows skips what runs over these.
 * */
int fallback_run(struct fallback *f, int from, int to, struct err *e);
/* The same without counting: a second look at a batch that went wrong. */
int fallback_rerun(struct fallback *f, int from, int to, struct err *e);

/* Rows of a value: [max_rows][ld] floats, of which `width` mean something (program.h).  Values
 * share memory when they do not live at the same time. */
float *fallback_value(const struct fallback *f, int value);
/* The device has written rows 0 .. rows-1 of the value: what the kernels read beyond `width`, and
 * beyond each part of parts, becomes zero. */
void fallback_wrote(struct fallback *f, int value, int rows);

/* Looks at the op's outputs in host memory: ERR_NUMERIC naming op, layer and position. */
int fallback_check(const struct fallback *f, const struct op *op, struct err *e);

/* For device_ops: [the program's ops] times each was left to the CPU. */
const uint64_t *fallback_counts(const struct fallback *f);

/* counts as rows of runner_left: one per kind and format, in order of first appearance.  rows:
 * the caller's (mem_free), [*n]. */
int fallback_fold(const struct program *p, const uint64_t *counts, struct left_op **rows, int *n,
                  struct err *e);

#endif
