/* tokenizer.h -- text to token ids and back: every kind of vocabulary behind one interface
 * (engine.md 4).
 *
 * From a GGUF the ids are llama.cpp's on the same file; from Hugging Face's files those of
 * Hugging Face's libraries or of SentencePiece.  One thread at a time drives a tokenizer (it keeps
 * a cache of pieces). */
#ifndef RUNNERS_TOKENIZER_H
#define RUNNERS_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "runners/gguf.h"

struct ids {
    int32_t *v;
    size_t n, cap;
};
void ids_release(struct ids *i);
int ids_push(struct ids *i, int32_t id); /* -1: out of memory */

enum { /* flags */
    TOKENIZE_BOS = 1,     /* put BOS in front, whatever the tokenizer's own default */
    TOKENIZE_SPECIAL = 2, /* texts of special tokens are recognised */
};

struct tokenizer;
/* Texts of tokens are the gguf's, which must outlive the tokenizer. */
int tokenizer_open(struct tokenizer **out, const struct gguf *g, struct err *e);
/* path: a folder with tokenizer.json, or else tokenizer.model (SentencePiece); or one of these
 * files itself.  The files beside it (tokenizer_config.json, generation_config.json, config.json)
 * say which tokens begin and end a text, where they are. */
int tokenizer_open_hf(struct tokenizer **out, const char *path, struct err *e);
/* One such file that is in memory, with nothing beside it; name: what it is called. */
int tokenizer_open_hf_bytes(struct tokenizer **out, const void *bytes, size_t n, const char *name,
                            struct err *e);
void tokenizer_close(struct tokenizer *t);
/* Of all keys that decide what tokenizer_open makes of a gguf. */
int tokenizer_sha256(char hex[SHA256_HEX], const struct gguf *g, struct err *e);

/* Appends.  Any bytes are accepted.  Time is n log n whatever the text. */
int tokenizer_encode(struct tokenizer *t, const char *text, size_t n, int flags, struct ids *out,
                     struct err *e);
/* Appends the bytes of ids; special != 0 shows control tokens by their text, else nothing.  A
 * leading blank that an SPM vocabulary puts in front of words stays: ids decode to the same bytes
 * wherever they stand. */
int tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, int special,
                     struct strbuf *out, struct err *e);

/* Ids up to size - 1 are tokens without text from now on: a model has rows for them. */
void tokenizer_pad(struct tokenizer *t, int size);
int tokenizer_size(const struct tokenizer *t); /* ids are 0 .. size-1 */
int32_t tokenizer_bos(const struct tokenizer *t); /* -1: none */
int32_t tokenizer_eos(const struct tokenizer *t);
int tokenizer_adds_bos(const struct tokenizer *t); /* the file's own default */
int tokenizer_is_end(const struct tokenizer *t, int32_t id); /* end of generation */
const char *tokenizer_model(const struct tokenizer *t);      /* "llama", "gpt2", "BPE" */
const char *tokenizer_pre(const struct tokenizer *t);        /* "smollm"; "" if none */
struct gguf_str tokenizer_text(const struct tokenizer *t, int32_t id); /* as in the file */

#endif
