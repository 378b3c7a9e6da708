/* vocab.h -- the tokens of a GGUF file: texts, types, special ids (engine.md 4.1).
 *
 * Hostile as the file is, afterwards all arrays have n elements and all ids are in range or -1.
 * Texts are the gguf's, which must outlive the vocab. */
#ifndef RUNNERS_VOCAB_H
#define RUNNERS_VOCAB_H

#include "base/err.h"
#include "runners/gguf.h"
#include "runners/text_map.h"

enum { TOKEN_NORMAL = 1, TOKEN_UNKNOWN, TOKEN_CONTROL, TOKEN_USER, TOKEN_UNUSED, TOKEN_BYTE };
enum { /* traits */
    TOKEN_ENDS = 1,     /* ends a generation */
    TOKEN_EATS_RIGHT = 2, /* white space after it is dropped */
    TOKEN_EATS_LEFT = 4,  /* and before it */
    TOKEN_OF_MODEL = 8,   /* found by the model itself, not as a special token */
};

struct vocab_defaults { /* where the file has no key */
    int adds_bos, adds_space;
    int32_t bos, eos, unk;
};

struct vocab {
    const char *path; /* for errors */
    int n;
    struct gguf_str *text;
    uint8_t *type, *traits;
    float *score; /* NULL: the file has none */
    size_t longest; /* bytes of the longest text */
    struct text_map by_text;
    char **renamed; /* texts given to tokens that had none */
    size_t n_renamed, cap_renamed;
    int32_t bos, eos, unk;
    int adds_bos, adds_space;
};

/* The same from elsewhere: n empty tokens; then the caller sets texts, puts them into by_text and
 * sets types and special ids; in the end vocab_mark_ends.  On failure release it too. */
int vocab_alloc(struct vocab *v, const char *path, size_t n, struct err *e);
/* Marks eos and the control tokens whose text ends a generation in whatever model has them. */
void vocab_mark_ends(struct vocab *v);

int vocab_init(struct vocab *v, const struct gguf *g, const struct vocab_defaults *d,
               struct err *e); /* on failure release it too */
void vocab_release(struct vocab *v);
int32_t vocab_find(const struct vocab *v, const char *s, size_t n); /* -1: no such token */
/* The token of one byte: "<0xHH>", else the token that is that byte, else -1. */
int32_t vocab_byte(const struct vocab *v, unsigned char byte);

#endif
