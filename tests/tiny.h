/* tiny.h -- a random model of the llama architecture, or a hybrid, made anew by every test.
 *
 * A valid GGUF file for the engine and the tokenizer: two layers, a vocabulary of bytes and a few
 * words, a ChatML template.  The same options give the same bytes everywhere.  What it says is
 * noise; what it costs is measured like any model's. */
#ifndef TESTS_TINY_H
#define TESTS_TINY_H

#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

struct tiny_opts {
    uint64_t seed;
    int is_bpe;    /* 1: "gpt2" vocabulary with pre "smollm"; 0: "llama" (SPM) */
    int type;      /* of the matrices, enum quant_type; F32 is 0 */
    int embedding; /* 0: 64.  A multiple of 64; of 256 for the 256-element formats */
    int layers;    /* 0: 2 */
    int context;   /* what the file says that it was trained for; 0: 256 */
    int feed_forward; /* 0: twice the embedding */
    float gate_bias;  /* in standard deviations of what it is added to; 0: none */
    int experts, experts_used; /* 0: a dense feed-forward */
    int heads, kv_heads; /* 0: 4, 2 */
    int is_tied;   /* no output.weight */
    int is_hybrid; /* architecture falcon-h1: a Mamba 2 beside the attention of each layer */
    int window;    /* the first layer, and every second after it, sees so many positions; 0: all */
    int sees_later; /* a model for embeddings: attention looks both ways */
    const char *rope_scaling, *activation; /* what the keys for these say; NULL: no key */
    int later_blocks; /* of the kind that predicts tokens further ahead, after the layers */
};

/* Appends the file's bytes to out (70 to 90 KB in Q4_0, 150 KB in Q8_0, 520 KB in F32). */
int tiny_build(struct strbuf *out, const struct tiny_opts *o, struct err *e);
int tiny_write(const char *path, const struct tiny_opts *o, struct err *e);

/* The next of splitmix64's numbers. */
uint64_t tiny_random(uint64_t *state);

#endif
