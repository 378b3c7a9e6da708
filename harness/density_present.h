/* density_present.h -- rulers and densities for people and as JSON. */
#ifndef HARNESS_DENSITY_PRESENT_H
#define HARNESS_DENSITY_PRESENT_H

#include "harness/context.h"
#include "harness/density_list.h"

/* Members name, kind, origin, benchmark, metric, shots, prompt_hash, d0_tokens, chance,
 * constants{}, r2, rms, leave_one_out, range{} and, with nodes, nodes[] of an object that the
 * caller began. */
void ruler_json(struct json_out *o, const struct ruler *r, int nodes);

/* Members per, unit, rulers[], rows[] and models[] (their panels) of a document. */
int density_json(struct json_out *o, const struct density_list *l, struct err *e);

/* Two digits and no exponent: "0.92", "142", "∞". */
void density_bound(char text[32], double v);

/* "0.92 [0.70, 1.2]", "< 0.07", "> 1.2", "refused". */
void density_text(char *text, size_t size, const struct density *d, enum density_per p);

int density_table(const struct context *c, const struct density_list *l, struct err *e);

#endif
