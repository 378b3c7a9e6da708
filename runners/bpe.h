/* bpe.h -- byte-pair encoding: the ids of one piece of text by ranked merges (engine.md 4.3).
 *
 * Over bytes, tokens show each byte as a printable character, but here a byte is a symbol at once.
 * Over characters, a symbol is a character as it is.  Symbols are token ids; what merges produce or
 * need without being a token gets a number above them. */
#ifndef RUNNERS_BPE_H
#define RUNNERS_BPE_H

#include "runners/merge.h"
#include "runners/piece_cache.h"
#include "runners/vocab.h"

struct merge_rule {
    uint32_t left, right, id;
    uint32_t rank; /* + 1; 0: a free slot */
};

enum bpe_missing { /* what becomes of a character that is no token; only over characters */
    BPE_BYTES_AT_END, /* it merges with nothing and ends as the tokens "<0xHH>" of its bytes */
    BPE_BYTES_OR_UNK, /* those tokens are symbols, if all exist; else as BPE_UNK */
    BPE_UNK,          /* unk, or nothing when there is no unk */
};

struct bpe_opts {
    int over_chars;    /* else over bytes */
    int prefers_whole; /* a piece that is a token as a whole is taken without merging */
    int whole_lines;   /* the same, but only for pieces of nothing but line breaks */
    enum bpe_missing missing;
    int32_t unk;
    int fuses_unk; /* a run of unknown characters is one unk */
    /* What characters after the first have in front, and the last behind, in tokens' texts. */
    struct gguf_str inner_prefix, end_suffix;
};

struct bpe {
    const struct vocab *v;
    struct bpe_opts o;
    struct merge_rule *rules; /* hash table */
    size_t mask;
    struct gguf_str *extra; /* texts of symbols v->n, v->n + 1, ...; owned */
    size_t n_extra, cap_extra;
    struct text_map by_extra;
    uint32_t joined_id; /* what the last rule made */
    uint32_t byte[256]; /* symbols of bytes */
    int32_t raw[256];   /* tokens whose text is that one byte, or -1 */
    struct merger merger;
    struct strbuf joined;
    struct piece_cache *cache;
    const char *piece; /* while it is merged */
};

/* Room for n rules; v must outlive b.  On failure release it too. */
int bpe_init(struct bpe *b, const struct vocab *v, const struct bpe_opts *o, size_t n_rules,
             struct err *e);
void bpe_release(struct bpe *b);

/* left and right merge into left + right, right without inner_prefix; of equal pairs the first
 * counts.  must_exist: texts that are no tokens are an error, else symbols of their own. */
int bpe_add_rule(struct bpe *b, struct gguf_str left, struct gguf_str right, uint32_t rank,
                 int must_exist, struct err *e);

/* Appends the ids of the piece.  -1: out of memory. */
int bpe_encode(struct bpe *b, const char *piece, size_t n, struct ids *out);

#endif
