/* encode.h -- a query of a task as requests of a model: text to token ids by lm-eval's rules
 * (evaluation.md 2.4 and 2.7; the counting itself is tasks/prepare.h).
 *
 * Special tokens written in a text are recognised, as Hugging Face tokenizers do.  All ids of many
 * queries go into one growing pool, so that a batch costs no allocation per request; a span is
 * valid as long as the pool is not truncated below it.  One thread. */
#ifndef HARNESS_ENCODE_H
#define HARNESS_ENCODE_H

#include <stdint.h>

#include "base/err.h"
#include "runners/tokenizer.h"
#include "tasks/task.h"

/* Whether BOS goes in front: as the model's file says, always, never.  Part of every run's
 * settings, because scores across this line cannot be compared. */
enum bos_policy { BOS_AUTO, BOS_ALWAYS, BOS_NEVER };

struct encoder {
    struct tokenizer *tokenizer;
    enum bos_policy bos;
    int max_length;       /* tokens that the model reads at most */
    uint64_t split_joins; /* pairs whose join lay inside a token, and were encoded apart */
    uint64_t kept_ids;    /* of texts that an earlier run encoded (kept.h) */
};

struct span {
    size_t at;   /* in the pool */
    int n_ids, n_given;
    int n_context; /* before truncation; n_ids - n_given is what is predicted */
};

/* ids of a text, BOS in front by the policy (not twice when the text begins with it). */
int encode_text(struct encoder *c, const char *text, size_t n, struct ids *pool, struct err *e);

/* ln p(continuation | context) */
int encode_pair(struct encoder *c, const char *context, const char *continuation,
                struct ids *pool, struct span *out, struct err *e);

/* A prompt that max_tokens may follow. */
int encode_prompt(struct encoder *c, const char *prompt, int max_tokens, struct ids *pool,
                  struct span *out, struct err *e);

/* The windows of a rolling or windowed query, in order: each is given to `add`, which returns 0, or
 * -1 to stop with the error it made. */
int encode_windows(struct encoder *c, const struct query *q, struct ids *pool,
                   int (*add)(void *user, const struct span *s, struct err *e), void *user,
                   struct err *e);

#endif
