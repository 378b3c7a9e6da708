/* sp_file.h -- a SentencePiece model file: a protocol buffer with the pieces and how it
 * was trained.
 *
 * Every length is checked against what is left; texts point into the file's bytes. */
#ifndef RUNNERS_SP_FILE_H
#define RUNNERS_SP_FILE_H

#include "base/err.h"
#include "runners/gguf.h"

enum sp_type { SP_UNIGRAM = 1, SP_BPE, SP_WORD, SP_CHAR };

struct sp_piece {
    struct gguf_str text;
    float score;
    int type; /* TOKEN_NORMAL and so on in vocab.h */
};

struct sp_file {
    struct sp_piece *pieces;
    size_t n, cap;
    enum sp_type type;
    int byte_fallback, space_behind;
    int64_t unk, bos, eos;
    struct gguf_str map; /* precompiled */
    int adds_space, merges_spaces, shows_spaces;
};

/* bytes must outlive f.  On failure release it too. */
int sp_parse(struct sp_file *f, const void *bytes, size_t n, const char *path, struct err *e);
void sp_release(struct sp_file *f);

#endif
