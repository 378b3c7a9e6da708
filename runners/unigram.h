/* unigram.h -- the likeliest cut of a text into tokens, each with a log-probability (Kudo 2018; the
 * Viterbi search as SentencePiece runs it, one best path per place in the text).
 *
 * The dialects differ in small things that decide ties and rare texts; each is a row of options. */
#ifndef RUNNERS_UNIGRAM_H
#define RUNNERS_UNIGRAM_H

#include "runners/prefix.h"
#include "runners/tokenizer.h"
#include "runners/vocab.h"

struct unigram_opts {
    int in_float;    /* sums are float as in SentencePiece; else double */
    int32_t unk;     /* -1: texts without a cut have no ids where none fits */
    int fuses_unk;   /* a run of unknown characters is one unk */
    int unk_by_id;   /* a run is told by the id unk, so a token of that id joins it too */
    double user_score, user_per_byte; /* score of a TOKEN_USER: user_score +
                                         bytes * user_per_byte */
    int bytes_first; /* unknown characters become tokens "<0xHH>" when all of those exist */
};

struct unigram_node {
    double score;
    int32_t id;
    uint32_t from; /* UINT32_MAX: not reached */
};

struct unigram {
    const struct vocab *v;
    struct unigram_opts o;
    struct prefix_set set;
    double *score; /* by id; owned */
    double unk_score;
    int32_t byte[256];
    struct unigram_node *nodes;
    size_t cap_nodes;
};

enum { UNIGRAM_MAX = 1 << 29 }; /* bytes that one text may have */

/* members: the ids that take part; score has v->n elements and becomes u's.  On failure release it
 * too. */
int unigram_init(struct unigram *u, const struct vocab *v, const struct unigram_opts *o,
                 double *score, const uint32_t *members, size_t n, double min_score,
                 struct err *e);
void unigram_release(struct unigram *u);
/* Appends the ids of text.  -1: out of memory. */
int unigram_encode(struct unigram *u, const char *text, size_t n, struct ids *out);

#endif
