/* rope.h -- rotation frequencies from a model's keys: none, linear, YaRN, longrope, and factors
 * per pair.
 *
 * YaRN: Peng et al., arXiv 2309.00071, section 3.2.  transformers' reading of the keys is followed
 * where llama.cpp ignores them (betas, attention factor). */
#ifndef RUNNERS_ROPE_H
#define RUNNERS_ROPE_H

#include "base/err.h"
#include "runners/program.h"

struct model;

struct rope_spec {
    double base; /* the wave base */
    int n_rot;   /* dimensions of a head that turn */
    int halves;  /* pairs (i, i + n_rot/2) instead of (2i, 2i+1) */
    int is_scaled; /* apply rope.scaling.* (windowed layers of some families do not) */
    const struct weight *factors; /* one divisor per pair, or NULL */
};
/* NULL on failure. */
const struct rope *rope_build(struct model *m, const struct rope_spec *s, struct err *e);

/* What rope.scaling.type says, in a word of static storage: "plain" where it says nothing. */
const char *rope_scaling_name(const struct model *m);

/* YaRN's mscale^2 for MLA's attention scores (DeepSeek-V2, section 3.1.3 of arXiv 2405.04434): 1
 * without YaRN. */
int rope_mla_scale(struct model *m, double *out, struct err *e);

#endif
