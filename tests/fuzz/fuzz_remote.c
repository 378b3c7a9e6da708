/* Answers of a server.  The first byte says how they are read: a stream, or likelihoods in one of
 * the dialects.  What is taken has at least one token and no likelihood above 1. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/remote_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void read_stream(const char *bytes, size_t n)
{
    struct remote_stream s = REMOTE_STREAM(4096);
    size_t half = n / 2;

    if (remote_stream_feed(&s, bytes, half, "fuzz", NULL) == 0)
        (void)remote_stream_feed(&s, bytes + half, n - half, "fuzz", NULL);
    if (s.text.len > s.most || s.line.len > s.most || s.n_pieces < 0)
        abort();
    remote_stream_release(&s);
}

static void read_score(const char *bytes, size_t n, enum remote_dialect d)
{
    cJSON *j = json_parse(bytes, n, "fuzz", NULL);
    struct remote_score s;
    struct remote_step step;

    if (j && remote_read_score(j, d, "The capital is", " Paris", "fuzz", &s, NULL) == 0 &&
        (s.n_tokens < 1 || s.n_context < 0 || s.n_across > 1 || !(s.nats <= 0) || isinf(s.nats)))
        abort();
    if (j && remote_read_step(j, " Paris", "fuzz", &step, NULL) == 0 &&
        (step.bytes < 1 || step.bytes > 6 || !(step.nats <= 0) || isinf(step.nats)))
        abort();
    (void)remote_read_message(j);
    json_free(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *text = n ? (const char *)bytes : "";

    if (n && *text == 's')
        read_stream(text + 1, n - 1);
    else if (n)
        read_score(text + 1, n - 1, *text == 'e' ? REMOTE_ECHO : REMOTE_PROMPT_LOGPROBS);
    if (mem_live() != 0)
        abort();
    return 0;
}
