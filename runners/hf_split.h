/* hf_split.h -- the pre_tokenizer of a tokenizer.json: a text to the pieces that the model sees.
 *
 * Some steps cut, some also change the text (a blank in front, U+2581 for blanks, bytes as
 * printable characters).  The last of these, which all byte-level vocabularies end with, is left to
 * the model when it says so: its pieces then are the bytes themselves. */
#ifndef RUNNERS_HF_SPLIT_H
#define RUNNERS_HF_SPLIT_H

#include "base/json.h"
#include "base/strbuf.h"

struct hf_piece {
    size_t from, to;
};

struct hf_splitter;
/* j: the "pre_tokenizer" (NULL or null: one piece), which must outlive it. */
int hf_splitter_open(struct hf_splitter **out, const cJSON *j, const char *path, struct err *e);
void hf_splitter_close(struct hf_splitter *s);

/* 1: the last step shows bytes as characters and nothing comes after it; it will not do so, and
 * pieces are raw bytes. */
int hf_splitter_leave_bytes(struct hf_splitter *s);

/* Pieces of text[0..n), none empty, in *buffer; both the splitter's until the next call.  at_start:
 * the text is the beginning of what the user gave. */
int hf_split(struct hf_splitter *s, const char *text, size_t n, int at_start,
             const char **buffer, const struct hf_piece **pieces, size_t *count, struct err *e);

#endif
