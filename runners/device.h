/* device.h -- where a program runs.
 *
 * A device owns the activations, the KV cache and whatever it made of the weights; the scheduler
 * owns the page numbers.  One thread at a time drives a device. */
#ifndef RUNNERS_DEVICE_H
#define RUNNERS_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runners/program.h"
#include "runners/runner.h"

/* A page holds the keys and values of KV_PAGE positions, aligned to absolute position.  Numbers
 * >= 0 are kept from batch to batch; ~n (negative) is scratch number n, which lives for one batch
 * and may be overwritten from layer to layer. */
typedef int32_t page_no;

/* A slot holds the states of every recurrent layer at one point of a path. */
typedef int32_t slot_no;
enum { NO_SLOT = -1 };

struct span { /* consecutive rows of a batch that follow each other on one path */
    int row0, n, position; /* of row0 */
    const page_no *pages;  /* [position of the last row / KV_PAGE + 1], by absolute page */
    slot_no state;         /* carried through the rows; unused without recurrent layers */
};

/* Before row `before_row` stores its keys and values, page dst becomes a copy of src. */
struct page_copy {
    page_no dst, src;
    int before_row;
};

/* Before row `before_row` uses its slot (the batch's n: after the last), dst becomes a copy of src;
 * NO_SLOT: the state before the first token, all zeros.  Rows and copies go in order, so that a
 * slot may change hands within a batch. */
struct state_copy {
    slot_no dst, src;
    int before_row;
};

struct head_row { /* a row whose logits are wanted */
    int row;
    const int32_t *targets; /* tokens whose logits are asked for; negative: nothing is */
    int n_targets;
    float *target_logits; /* out: [n_targets] */
    float *logits;        /* out: [n_vocab] when not NULL */
    double lse;           /* out: ln of the sum of exp over the vocabulary */
    int32_t argmax;       /* out: lowest index of the maximum */
};

struct batch {
    int n;
    const int32_t *tokens, *positions;
    const struct span *spans;
    int n_spans;
    const struct page_copy *copies; /* in order of before_row */
    int n_copies;
    const struct state_copy *state_copies; /* in order of before_row */
    int n_state_copies;
    struct head_row *heads; /* in order of row */
    int n_heads;
    int is_filling; /* what comes before that which is measured: in no profile */
};

struct device_opts {
    const char *name; /* as typed: "opencl:1", the path or the name of a plug-in (plugin.h) */
    int isolate;      /* a plug-in: in a process of its own, ... */
    const char *program; /* ... which is this program, started again, */
    double timeout_s;    /* and fails when a call takes longer; 0: a minute */
    const char *leave;   /* [the program's ops]: 1 is left to the CPU whatever the device can do */
    enum numerics numerics;
    enum kv_type kv_type;
    const char *kernels; /* NULL: the best */
    int threads;
    int max_rows;  /* rows per batch, at most */
    int kv_pages;  /* kept pages */
    int kv_scratch; /* scratch pages */
    int state_slots;
    int check_finite; /* every op's output, not only the logits */
};

struct device_info {
    const char *name; /* of a plug-in, or of one of several; NULL: as in device_ops */
    const char *kernels;
    int threads;
    uint64_t weights_bytes, kv_bytes, scratch_bytes;
    uint64_t columns_bytes; /* weights kept a second time, for sparse inputs */
    const char *sha256;      /* of a plug-in's file; NULL */
    int precision;           /* enum dsm_precision (densimeter_device.h) */
    unsigned waives;         /* those of enum dsm_claims that it does not make */
    const char *numerics_id; /* of the device's own arithmetic; NULL: that of the options */
};

struct op_tally { /* of an op that reads hidden values of a feed-forward; runner.h
                     has the meaning */
    int is_counted;
    int is_partial; /* columns that meet zeros are not read: `bytes` were, else all */
    uint64_t rows, values, nonzero, over_1, over_10, bytes;
    uint64_t *hits; /* [experts], or NULL */
};

struct device;
struct device_ops {
    const char *name;
    const char *help;
    /* p and its weights stay valid until close.  The device may drop the mapping's clean pages of
     * weights that it keeps in a form of its own. */
    int (*open)(struct device **out, const struct program *p, const struct device_opts *o,
                struct err *e);
    void (*close)(struct device *d);
    void (*info)(const struct device *d, struct device_info *out);
    /* Runs the whole program over the batch.  NaN or infinity in logits that are asked for:
     * ERR_NUMERIC naming the first op of this batch with such an output, layer and position. */
    int (*run)(struct device *d, struct batch *b, struct err *e);
    /* Both null: not offered.  on: counts from zero; the tally, [the program's ops], is the
     * device's, and NULL when off. */
    int (*count)(struct device *d, int on, struct err *e);
    const struct op_tally *(*tally)(const struct device *d);
    /* Both null: not offered.  on: from zero; the sums are the device's, and NULL when off. */
    int (*profile)(struct device *d, int on, struct err *e);
    const struct profile *(*profiled)(const struct device *d);
    /* NULL: it computes every op itself.  How often each op was left to the CPU since open: [the
     * program's ops], the device's (fallback.h). */
    const uint64_t *(*left)(const struct device *d);
    /* NULL: not offered.  Reads so many bytes of the memory that weights are in once, with all that
     * the device has, and returns when it is done; what it reads it keeps for the next time.
     * ERR_UNSUPPORTED: this one of them does not. */
    int (*read)(struct device *d, uint64_t bytes, struct err *e);
    int takes_kv_types; /* 0: keeps keys and values as floats only */
};

/* Those of this program; NULL after the last. */
const struct device_ops *device_at(int i);
/* One of them, or a plug-in, which open finds by device_opts.name. */
const struct device_ops *device_find(const char *name, struct err *e);

extern const struct device_ops device_cpu, device_null, device_opencl, device_plugin;

#endif
