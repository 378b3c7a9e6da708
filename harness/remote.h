/* remote.h -- an OpenAI-compatible server (llama.cpp's, vLLM's) as something to be measured.
 *
 * Texts go out, texts and likelihoods come back; how they are cut into tokens, what is kept between
 * requests, what it costs and which weights answer is behind the wire (remote_hidden).  Requests go
 * one at a time.  A server is taken to be unreliable: what breaks, and "come back later" (429,
 * 5xx), is asked for again with growing pauses; an answer has a limit of time and of bytes.  The
 * key in $OPENAI_API_KEY is sent to this server alone, to none that it may redirect to, and never
 * told: not stored, not printed, taken out of the server's own messages.  One thread. */
#ifndef HARNESS_REMOTE_H
#define HARNESS_REMOTE_H

#include <signal.h>

#include "harness/remote_reply.h"
#include "tasks/task.h"

#define REMOTE_PREFIX "openai:" /* of --device */

struct remote_opts {
    const char *url;   /* "http://127.0.0.1:8080/v1" */
    const char *model; /* as the server calls it */
    double timeout_s;  /* of one request */
    int chat;          /* generate by chat/completions: the text is a user's message */
    const volatile sig_atomic_t *stop;
};
struct remote;
/* Asks which models there are, where the server tells.  ERR_USAGE: no such URL, or one with a user
 * in it; ERR_NOTFOUND: it serves others (the hint names them). */
int remote_open(struct remote **out, const struct remote_opts *o, struct err *e);
void remote_close(struct remote *r);
const char *remote_url(const struct remote *r); /* without a slash at the end */

/* Finds out how it gives likelihoods; ERR_UNSUPPORTED: not at all. */
int remote_find_dialect(struct remote *r, struct err *e);
enum remote_dialect remote_dialect(const struct remote *r);

/* ln p(continuation | context); wall_s: of the answer that counted. */
int remote_score(struct remote *r, const char *context, const char *continuation,
                 struct remote_score *out, double *wall_s, struct err *e);

struct remote_answer {
    char *text;    /* cut at the first stop string; mem_free */
    int n_tokens;  /* generated: as the server says, else pieces that came */
    int n_prompt;  /* -1: it does not say */
    double ttft_s, wall_s;
};
int remote_generate(struct remote *r, const struct query *q, struct remote_answer *out,
                    struct err *e);

/* What cannot be measured through a server: i = 0, 1, ...; name NULL after the last. */
struct remote_unknown {
    const char *name, *why;
};
struct remote_unknown remote_hidden(int i);

#endif
