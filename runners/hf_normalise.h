/* hf_normalise.h -- the normalizer of a tokenizer.json: its steps, run one after the other. */
#ifndef RUNNERS_HF_NORMALISE_H
#define RUNNERS_HF_NORMALISE_H

#include "base/json.h"
#include "base/strbuf.h"

struct hf_normaliser;
/* j: the "normalizer" (NULL or null: nothing is done), which must outlive it. */
int hf_normaliser_open(struct hf_normaliser **out, const cJSON *j, const char *path, struct err *e);
void hf_normaliser_close(struct hf_normaliser *n);
int hf_normaliser_is_empty(const struct hf_normaliser *n);

/* Changes b in place.  Bytes that are no UTF-8 stay. */
int hf_normalise(struct hf_normaliser *n, struct strbuf *b, struct err *e);

#endif
