/* hf_model.h -- the model of a tokenizer.json: the ids of one piece of text.
 *
 * BPE, Unigram, WordPiece and WordLevel, each a row. */
#ifndef RUNNERS_HF_MODEL_H
#define RUNNERS_HF_MODEL_H

#include "base/arena.h"
#include "base/json.h"
#include "runners/vocab.h"
#include "runners/tokenizer.h"

/* The largest id of the "vocab" of a model, -1 when it has none; ids of `bound` and more are an
 * error, as are such that are no whole numbers. */
int hf_model_last_id(const cJSON *model, double bound, const char *path, int64_t *last,
                     struct err *e);

struct hf_model;
/* Fills texts of v, which is allocated and outlives the model, copied into a; model is not needed
 * afterwards.  bytes: pieces are bytes, while tokens' texts show them as characters. */
int hf_model_open(struct hf_model **out, const cJSON *model, struct vocab *v, struct arena *a,
                  int bytes, struct err *e);
void hf_model_close(struct hf_model *m);
const char *hf_model_name(const struct hf_model *m);

int hf_model_encode(struct hf_model *m, const char *piece, size_t n, struct ids *out,
                    struct err *e);

#endif
