/* tokenizer_scheme.h -- one way of making ids of plain text: what tokenizer.c needs of BPE or SPM.
 *
 * A scheme sees text between special tokens only. */
#ifndef RUNNERS_TOKENIZER_SCHEME_H
#define RUNNERS_TOKENIZER_SCHEME_H

#include "base/strbuf.h"
#include "runners/special.h"
#include "runners/tokenizer.h"
#include "runners/vocab.h"

enum text_place { TEXT_FIRST, TEXT_AFTER_SPECIAL, TEXT_INSIDE }; /* where a text stands */

struct scheme {
    const char *model; /* tokenizer.ggml.model */
    struct vocab_defaults defaults;
    /* May change v's adds_bos; v outlives the scheme. */
    int (*open)(void **self, struct vocab *v, const struct gguf *g, struct err *e);
    void (*close)(void *self);
    /* Appends the ids of text[0..n), n > 0. */
    int (*encode)(void *self, const char *text, size_t n, enum text_place place, struct ids *out,
                  struct err *e);
    /* NULL, or in place of encode: the whole text, special tokens included (flags: TOKENIZE_). */
    int (*encode_all)(void *self, const char *text, size_t n, int flags, struct ids *out,
                      struct err *e);
    /* Appends the bytes of a normal or byte token. */
    void (*decode)(const void *self, int32_t id, struct strbuf *out);
    const char *(*name)(const void *self); /* NULL: model */
};

struct tokenizer {
    const struct scheme *scheme;
    void *self; /* the scheme's */
    struct vocab vocab;
    struct special *special; /* NULL with encode_all */
    char *pre, *path;        /* path: NULL when the vocab's is somebody else's */
    int32_t padding;         /* ids after the vocab's, without text */
};

/* For decode: a blank for U+2581 and the byte of a byte token "<0xHH>". */
void token_decode_blanks(const struct vocab *v, int32_t id, struct strbuf *out);

extern const struct scheme scheme_bpe, scheme_gemma4, scheme_spm, scheme_wpm, scheme_ugm,
    scheme_rwkv, scheme_hf, scheme_sp;

/* Fill t, whose path is that of the file; dir: its folder, ending in '/', or NULL where nothing
 * stands beside it.  file: what the file holds; its bytes may be taken over.  On failure t is
 * closed by the caller. */
int hf_open_json(struct tokenizer *t, const char *dir, struct strbuf *file, struct err *e);
int sp_open_model(struct tokenizer *t, const char *dir, struct strbuf *file, struct err *e);

#endif
