/* hf_decode.h -- the decoder of a tokenizer.json, token by token.
 *
 * A token's bytes do not depend on its neighbours, so what only concerns the beginning of a whole
 * text is left out: a leading blank stays, and WordPiece's tidying of blanks before punctuation is
 * not done. */
#ifndef RUNNERS_HF_DECODE_H
#define RUNNERS_HF_DECODE_H

#include "base/json.h"
#include "base/strbuf.h"
#include "runners/gguf.h"

struct hf_decoder;
/* j: the "decoder" (NULL or null: texts are what they are), which must outlive it. */
int hf_decoder_open(struct hf_decoder **out, const cJSON *j, const char *path, struct err *e);
void hf_decoder_close(struct hf_decoder *d);
/* Appends what the token stands for. */
void hf_decode(const struct hf_decoder *d, struct gguf_str token, struct strbuf *out);

#endif
