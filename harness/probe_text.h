/* probe_text.h -- has a model read these very items, and where in a text does it find things?
 *
 * probe_case looks at the text of an item with its right answer (item_text.h):
 *   min-20 %    mean ln p of the fifth of its tokens that are least likely (Shi et al. 2024): a
 *               text that was read has fewer tokens that surprise.  Nats;
 *   min-20 %++  the same after each ln p is standardised by what the model expects at that place
 *               (Zhang et al. 2024): (ln p - mean) / deviation over the vocabulary;
 *   small letters  the same text in small letters: one that was read is likelier as it was printed
 *               (Carlini et al. 2021, section 5.2).  Items without capitals have no such twin.
 * Indicators, never verdicts: common phrases are likely without having been read.
 *
 * probe_depth asks a task whose documents say at which depth of their text the answer lies (needle
 * tasks), and scores it depth by depth: in the middle of a text much is lost (Liu et al. 2024). */
#ifndef HARNESS_PROBE_TEXT_H
#define HARNESS_PROBE_TEXT_H

#include "harness/evaluate.h"
#include "harness/probe_rows.h"

struct probe_text {
    struct runner *runner;
    struct encoder *encoder;
    const struct task *task;
    int limit; /* items at most; 0: all */
    const volatile sig_atomic_t *stop;
};
/* ERR_INVALID when no item has tokens enough. */
int probe_case(const struct probe_text *p, struct probe_rows *out, struct err *e);
/* ERR_UNSUPPORTED when the documents say no depth. */
int probe_depth(const struct probe_text *p, struct probe_rows *out, struct err *e);

#endif
