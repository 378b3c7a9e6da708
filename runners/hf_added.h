/* hf_added.h -- added tokens of a tokenizer.json: texts that are tokens before anything else.
 *
 * At each place the longest counts, from left to right.  Those that are not "normalized" are looked
 * for in the text as it came, then the others in what the normalizer made of the rest. */
#ifndef RUNNERS_HF_ADDED_H
#define RUNNERS_HF_ADDED_H

#include "runners/hf_normalise.h"
#include "runners/prefix.h"
#include "runners/special.h"

struct added_token {
    struct gguf_str text;
    int32_t id;
    int takes_left, takes_right; /* white space beside it */
    int single_word;             /* only where no word goes on beside it */
    int normalised, is_special;
};

struct added_set { /* one of the two passes */
    struct gguf_str *texts; /* as they are looked for */
    uint32_t *which;
    size_t n;
    struct prefix_set set;
    struct strbuf bytes;    /* of normalised texts */
};

struct hf_added {
    const struct added_token *tokens; /* the caller's */
    struct added_set raw, normalised;
};

/* On failure release it too. */
int hf_added_init(struct hf_added *a, const struct added_token *tokens, size_t n,
                  struct hf_normaliser *normaliser, struct err *e);
void hf_added_release(struct hf_added *a);

/* The fragments of text[0..n) in order, appended to out; special tokens only when with_special. */
int hf_added_split(const struct hf_added *a, const struct added_set *s, const char *text, size_t n,
                   int with_special, struct fragments *out, struct err *e);

#endif
