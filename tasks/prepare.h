/* prepare.h -- what becomes of a request before and after the model, without knowing the model.
 *
 * lm-eval's rules of evaluation.md 2.4 and 2.7 as pure functions on byte and token counts; whoever
 * holds the tokenizer applies them.  Any thread. */
#ifndef TASKS_PREPARE_H
#define TASKS_PREPARE_H

#include <stddef.h>

/* Step 1: white space at the end of the context belongs to the continuation.  Returns how many
 * bytes of the context stay; the rest goes in front of the continuation.  A context that is all
 * white space becomes empty. */
size_t prepare_context_bytes(const char *context, size_t n);

/* Step 3: how many tokens to drop at the front so that context and continuation, of which the last
 * token is predicted but not read, fit max_length. */
size_t prepare_drop_score(size_t n_context, size_t n_continuation, size_t max_length);
/* 2.7: the same for a prompt that max_new tokens will follow. */
size_t prepare_drop_generate(size_t n_prompt, size_t max_new, size_t max_length);

/* A run of tokens: [begin, given) is context, [given, end) is predicted. */
struct window {
    size_t begin, given, end;
};

/* Rolling log-likelihood of n tokens.  Positions count in the stream "prefix token, then the n
 * tokens", so token i is at i + 1.  Start with a zeroed window; 1: *w is the next one, 0: no more.
 * Every token is predicted exactly once.  1 <= context_len <= max_length; lm-eval's is 1. */
int prepare_rolling(size_t n, size_t max_length, size_t context_len, struct window *w);

/* Disjoint windows of `size` tokens of a text of n tokens, the positions from `scored_from` on
 * being predicted, and what is left at the end unused; positions count in the tokens themselves.
 * The way llama.cpp measures perplexity (size 512, scored_from 257).  Used like prepare_rolling. */
int prepare_disjoint(size_t n, size_t size, size_t scored_from, struct window *w);

/* 2.7: bytes of `text` before the first stop string, for each stop string in order. */
size_t prepare_cut(const char *text, size_t n, const char *const *until, int n_until);

#endif
