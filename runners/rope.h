/* rope.h -- rotation frequencies from a model's keys: none, linear, YaRN, and factors per pair.
 *
 * YaRN: Peng et al., arXiv 2309.00071, section 3.2.  transformers' reading of the keys is followed
 * where llama.cpp ignores them (betas, attention factor). */
#ifndef RUNNERS_ROPE_H
#define RUNNERS_ROPE_H

#include "base/err.h"
#include "runners/program.h"

struct model;

/* base: the wave base.  scaled: apply rope.scaling.* (windowed layers of some families do not).
 * factors: one divisor per pair (llama 3's rope_freqs.weight), or NULL.  NULL on failure. */
const struct rope *rope_build(struct model *m, double base, int scaled, int halves,
                              const struct weight *factors, struct err *e);

#endif
