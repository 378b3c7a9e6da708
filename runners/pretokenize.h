/* pretokenize.h -- cuts a text into the pieces that BPE merges inside of (engine.md 4.4).
 *
 * What varies is a row of regular expressions, applied one inside the pieces of the other; matches
 * and the gaps between them both become pieces, so nothing is dropped. */
#ifndef RUNNERS_PRETOKENIZE_H
#define RUNNERS_PRETOKENIZE_H

#include <stddef.h>

#include "base/err.h"
#include "runners/gguf.h"

struct pretokenizer;

/* pre: the file's tokenizer.ggml.pre; n = 0 when it has none.  An unknown name is refused
 * with those that are known. */
int pretokenizer_open(struct pretokenizer **out, struct gguf_str pre, struct err *e);
void pretokenizer_close(struct pretokenizer *p);

/* What a family does besides cutting. */
struct pre_habits {
    int adds_bos;        /* models of the family expect BOS unless the file says otherwise */
    int prefers_whole;   /* a piece that is a token as a whole is taken without merging */
    int over_chars;      /* symbols are characters, not bytes */
    int shows_blanks;    /* a blank is U+2581 in tokens' texts */
    int whole_lines;     /* prefers_whole, but only for pieces of line breaks alone */
    int merges_optional; /* files of the family may have none */
};
const struct pre_habits *pretokenizer_habits(const struct pretokenizer *p);

/* Piece i is text[ends[i-1] .. ends[i]).  ends are the pretokenizer's until the next call.  Bytes
 * that are no UTF-8 are cut like a control character and stay what they are. */
int pretokenizer_split(struct pretokenizer *p, const char *text, size_t n, const size_t **ends,
                       size_t *count, struct err *e);

#endif
