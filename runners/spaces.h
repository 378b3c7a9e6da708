/* spaces.h -- places where a text can be cut without changing what merging makes of it.
 *
 * SentencePiece's merging knows no words, but no token reaches over most places where a blank
 * (U+2581) follows something else.  There the text is cut: the pieces are short and can be
 * cached. */
#ifndef RUNNERS_SPACES_H
#define RUNNERS_SPACES_H

#include "runners/gguf.h"

#define SPACE_TEXT "\xe2\x96\x81"

struct space_cuts {
    uint8_t joins[256]; /* last byte of what stands before a blank inside some token */
};

void space_cuts_init(struct space_cuts *s, const struct gguf_str *texts, size_t n);
int is_space(const char *s, size_t n);
/* The end of the piece that starts at `from`. */
size_t space_cuts_next(const struct space_cuts *s, const char *text, size_t from, size_t n);

#endif
