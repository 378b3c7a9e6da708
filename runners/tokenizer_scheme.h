/* tokenizer_scheme.h -- one way of making ids of plain text: what tokenizer.c needs of BPE or SPM.
 *
 * A scheme sees text between special tokens only. */
#ifndef RUNNERS_TOKENIZER_SCHEME_H
#define RUNNERS_TOKENIZER_SCHEME_H

#include "base/strbuf.h"
#include "runners/tokenizer.h"
#include "runners/vocab.h"

struct scheme {
    const char *model; /* tokenizer.ggml.model */
    struct vocab_defaults defaults;
    /* May change v's adds_bos; v outlives the scheme. */
    int (*open)(void **self, struct vocab *v, const struct gguf *g, struct err *e);
    void (*close)(void *self);
    /* Appends the ids of text[0..n), n > 0.  after_special: the text's start follows a special
     * token or is the beginning. */
    int (*encode)(void *self, const char *text, size_t n, int after_special, struct ids *out,
                  struct err *e);
    /* Appends the bytes of a normal or byte token. */
    void (*decode)(const void *self, int32_t id, struct strbuf *out);
};

/* For decode: a blank for U+2581 and the byte of a byte token "<0xHH>". */
void token_decode_blanks(const struct vocab *v, int32_t id, struct strbuf *out);

extern const struct scheme scheme_bpe, scheme_gemma4, scheme_spm, scheme_wpm, scheme_ugm,
    scheme_rwkv;

#endif
