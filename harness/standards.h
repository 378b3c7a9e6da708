/* standards.h -- calibration standards: models of known content, which check the meter as
 * weights check a scale.
 *
 * Each standard is a row: a model of a size, an invented world (tasks/world.h), which part of it
 * the model is taught and how often, what is done to it afterwards, and what a meter must find.
 * They are trained where they are needed, in minutes; the trainer's arithmetic is the same
 * everywhere, so the file's SHA-256 is part of the row and an ill computing machine is found before
 * anything is measured. */
#ifndef HARNESS_STANDARDS_H
#define HARNESS_STANDARDS_H

#include "base/err.h"
#include "harness/context.h"

enum taught {
    TAUGHT_ALL,
    TAUGHT_EVEN,  /* every second person, so half of each half */
    TAUGHT_FIRST, /* the first half of the people: band "head" of the bank */
    TAUGHT_LIES,  /* all, but of a world where the same names have other facts */
};

/* The share of what a part of the bank could give must be in [low, high]. */
struct standard_claim {
    const char *part; /* "none": all; "head", "tail": that band; NULL ends */
    double low, high;
};

struct standard {
    const char *name, *about, *task;
    int embedding, layers, heads, feed_forward;
    enum taught taught;
    int exposures, batch;
    float rate, decay;
    float pruned; /* the share of the weights, smallest first, that become zero afterwards */
    int type;     /* of the file's matrices, enum quant_type */
    struct standard_claim claims[4];
    const char *sha256;
};
const struct standard *standard_at(int i); /* NULL after the last */
const struct standard *standard_find(const char *name);

/* Between two standards: the metric of the first is above (or below) that of the second. */
struct standard_order {
    const char *metric, *more, *less, *why;
};
const struct standard_order *standard_order_at(int i); /* NULL after the last */

/* Where its file is or would be, in the model store; mem_free. */
char *standard_path(const struct standard *s, struct err *e);

/* Trains all of list[0..n) whose files are not there, as many at a time as there are cores.
 * ERR_INTERRUPTED after Ctrl-C: what was finished stays. */
int standards_build(const struct context *c, const struct standard *const *list, int n,
                    struct err *e);

#endif
