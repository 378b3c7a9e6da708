/* remote_reply.h -- what an OpenAI-compatible server has answered, read and doubted.  Pure.
 *
 * A server cuts texts into tokens itself, so the likelihood of a continuation is the sum over the
 * tokens that reach beyond the context's last character; one that lies across that join counts
 * as a whole (and is counted).  Three dialects give likelihoods:
 *   echo             "echo": true with "logprobs" (OpenAI's completions, vLLM, llama-cpp-python):
 *                    tokens, their likelihoods and likeliest rivals, and where each begins
 *   prompt_logprobs  "prompt_logprobs": 0 (vLLM): a likelihood and a rank for each token
 *   top_logprobs     "logprobs" of the one token that follows (llama.cpp's server): the
 *                    continuation is asked for token by token, each the longest of the likeliest
 *                    that it goes on with; one that is not among those has no likelihood
 * Nothing that a server says is believed before it is looked at: lengths that differ, places that
 * go back, a prompt that was cut, likelihoods that are none or above 1 are errors that say so. */
#ifndef HARNESS_REMOTE_REPLY_H
#define HARNESS_REMOTE_REPLY_H

#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"

enum remote_dialect {
    REMOTE_NONE, REMOTE_ECHO, REMOTE_PROMPT_LOGPROBS, REMOTE_TOP_LOGPROBS, REMOTE_DIALECTS
};
const char *remote_dialect_name(enum remote_dialect d); /* NULL: none */

struct remote_score {
    double nats;
    int is_greedy;
    int n_context, n_tokens; /* tokens before the continuation, and of it */
    int n_across;            /* 1: the first of them lies across the join */
};
/* where: the server, for errors.  ERR_FORMAT, ERR_NUMERIC. */
int remote_read_score(const cJSON *reply, enum remote_dialect d, const char *context,
                      const char *continuation, const char *where, struct remote_score *out,
                      struct err *e);

struct remote_step { /* the token that a text goes on with */
    size_t bytes;    /* of the text that it is */
    double nats;
    int is_likeliest;
    int n_prompt;    /* tokens before it; -1: not told */
};
/* ERR_UNSUPPORTED: none of the tokens told begins the text. */
int remote_read_step(const cJSON *reply, const char *text, const char *where,
                     struct remote_step *out, struct err *e);

/* The server's own words about what went wrong ("error": {"message"}, "detail", a text); NULL. */
const char *remote_read_message(const cJSON *reply);

/* A streamed answer: lines "data: {...}", each with a piece of the text. */
struct remote_stream {
    struct strbuf line, text; /* line: what has come of the one that is not complete */
    int n_pieces;             /* with text: tokens, where the server sends each as it comes */
    int prompt_tokens, completion_tokens; /* as the server says; -1 */
    int ended;                /* "[DONE]", or a reason to finish */
    int cut;                  /* the reason: the length */
    size_t most;              /* bytes of text, and of a line */
};
#define REMOTE_STREAM(limit) ((struct remote_stream){.prompt_tokens = -1, .completion_tokens = -1, \
                                                     .most = (limit)})
/* 0, or -1: what came is no such stream, too long, or the server's error. */
int remote_stream_feed(struct remote_stream *s, const char *bytes, size_t n, const char *where,
                       struct err *e);
void remote_stream_release(struct remote_stream *s);

#endif
