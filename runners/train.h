/* train.h -- trains a small llama model from token documents, to the same bits on every machine.
 *
 * For calibration standards: models whose content is known because we taught it.  A decoder of the
 * llama architecture (RMS norm, rotary positions in pairs, SwiGLU, tied embedding; Touvron et al.,
 * arXiv 2302.13971) is trained with AdamW (Loshchilov and Hutter, arXiv 1711.05101, algorithm 2),
 * linear warm-up and linear decay to a tenth, gradients clipped at norm 1.  Documents do not see
 * each other; the loss is the mean cross-entropy of the marked tokens only.
 *
 * A batch is cut into TRAIN_SHARDS shares whatever the number of threads; each has gradients of its
 * own, added in order.  Matrix products are those of kernels.h, so the same seed gives the same
 * weights for any threads and on any CPU. */
#ifndef RUNNERS_TRAIN_H
#define RUNNERS_TRAIN_H

#include <stdint.h>

#include "base/err.h"

#define TRAIN_SHARDS 4
#define TRAIN_LONGEST 64 /* tokens, at most, of a document */

struct train_shape {
    int vocab;
    int embedding;    /* a multiple of 16, and of 2 * heads */
    int layers, heads;
    int feed_forward; /* a multiple of 16 */
};

struct train_opts {
    struct train_shape shape;
    uint64_t seed;
    int batch;   /* documents per step, a multiple of TRAIN_SHARDS */
    int longest; /* tokens a document may have */
    int steps;
    float rate;  /* learning rate at its highest */
    float decay; /* weight decay of matrices, per step and unit of rate */
    int threads; /* 0: all usable */
    const char *kernels; /* NULL: the best of this CPU; whichever, the bits are the same */
};

/* Document number i of all, i = step * batch + place: fills ids[0..longest) and marks the tokens to
 * be learnt (never the first).  Returns how many tokens, at least 2.  Called from any thread, so it
 * must depend on i alone. */
typedef int train_source(void *user, int64_t i, int32_t *ids, unsigned char *is_target);

struct train;
int train_open(struct train **out, const struct train_opts *o, struct err *e);
void train_close(struct train *t); /* NULL is fine */

/* One step; *loss: nats per marked token, before the update. */
int train_step(struct train *t, train_source *source, void *user, double *loss, struct err *e);
int train_steps(const struct train *t); /* done so far */

uint64_t train_parameters(const struct train *t);
/* The n weights and the gradients of the last step, in one order of their own: for tests.  Who
 * changes a weight calls train_refresh before the next step. */
float *train_weights(struct train *t, uint64_t *n);
void train_refresh(struct train *t);
const float *train_gradients(const struct train *t);

/* Writes a GGUF file, vocabulary and all.  words: the texts of tokens 3, 4, ...; tokens 0, 1 and 2
 * are the unknown word, the begin and the end.  A text is cut at blanks into whole words.
 * type: of the matrices, enum quant_type.  name, about and licence go into the keys. */
struct train_file {
    const char *name, *about, *licence;
    const char *const *words; /* [vocab - 3] */
    int context, type;
};
int train_write(const struct train *t, const char *path, const struct train_file *f,
                struct err *e);

#endif
