/* conform.h -- does a device compute what it says it computes?
 *
 * Every operation that devices are offered is run on the device alone (the CPU computes what is
 * around it) in several shapes and weight formats, on random numbers and on such as break things:
 * rows of zeros, denormals, numbers of many magnitudes, very large ones, infinity and NaN.  The
 * same goes through plain C (kernels "ref"), and each number may be off by what the device's
 * precision allows (conform_tolerance): bounds on rounding of sums, Higham, Accuracy and Stability
 * of Numerical Algorithms, 2nd ed., section 3.1.  Then small whole models.  "exact/1" must have the
 * very bits.
 *
 * How precise the device is comes out as bits: minus log2 of the root mean square of the errors on
 * random numbers, relative to what a sum of such numbers amounts to.  Fewer than the precision that
 * is declared has: a failure, however small the errors are otherwise. */
#ifndef RUNNERS_CONFORM_H
#define RUNNERS_CONFORM_H

#include "runners/device.h"

enum conform_verdict {
    CONFORM_PASS,
    CONFORM_FAIL,
    CONFORM_CPU,  /* the device leaves it to the CPU */
};

struct conform_case {
    const char *op;     /* "linear, glu"; "model" */
    const char *format; /* of the weights; "" without */
    const char *shape, *inputs;
    enum conform_verdict verdict;
    double error; /* the largest, over the tolerance; NAN: not compared so */
    double bits;  /* NAN: not measured on these inputs */
    const char *why; /* of a failure; "" */
};

struct conform {
    struct device_opts device; /* name, isolate, ...: what the device is opened with */
    const struct device_ops *ops;
    const char *only;       /* ops whose name begins like this; NULL: all */
    const volatile int *stop;
    /* Strings last until it returns.  Not 0: enough. */
    int (*on_case)(void *user, const struct conform_case *c);
    void *user;
};

struct conform_about { /* of the device */
    char name[64], numerics[64];
    int precision;        /* enum dsm_precision */
    int claims_repeats, claims_invariant;
    double bits;          /* at least, on random numbers */
    double model;         /* relative error that logits of a model may have; 0: the bits */
};

/* What the device says of itself, by opening it on the smallest of programs.  Of c: device, ops. */
int conform_ask(const struct conform *c, struct conform_about *about, struct err *e);

/* -1 when the check itself could not go on; a device that fails is a case. */
int conform_run(const struct conform *c, struct conform_about *about, struct err *e);

/* The tolerance in words, for the precision. */
const char *conform_tolerance(const struct conform_about *a);

#endif
