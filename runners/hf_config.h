/* hf_config.h -- what the files beside a tokenizer say: which tokens begin and end a text, and
 * tokens added on top (tokenizer_config.json, generation_config.json, config.json). */
#ifndef RUNNERS_HF_CONFIG_H
#define RUNNERS_HF_CONFIG_H

#include "base/json.h"
#include "runners/vocab.h"

struct hf_config {
    cJSON *tokenizer, *generation, *model; /* NULL where the file is not there */
};

/* dir: where the tokenizer's file is; NULL: nothing is beside it.  On failure close it too. */
int hf_config_open(struct hf_config *c, const char *dir, struct err *e);
void hf_config_close(struct hf_config *c);

/* The text of a special token ("bos_token"), which may be an object with "content"; or NULL. */
const char *hf_config_token(const struct hf_config *c, const char *key);
/* Sets v's bos and eos, and marks what ends a generation.  find: the id of a text, or -1. */
void hf_config_apply(const struct hf_config *c, struct vocab *v,
                     int32_t (*find)(const void *self, const char *text), const void *self);

#endif
