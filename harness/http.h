/* http.h -- a document over HTTP, held in memory, and what every transfer of ours has set.
 *
 * Servers are taken to be unreliable: what breaks is asked for again, and "come back later" (429,
 * 503) is obeyed for as long as the server says, MOST_WAIT_S at most.  The hub's token goes to the
 * host that was asked and to no other that it may redirect to.  Proxies and certificates come from
 * the environment, as curl takes them. */
#ifndef HARNESS_HTTP_H
#define HARNESS_HTTP_H

#include <curl/curl.h>
#include <signal.h>

#include "base/err.h"
#include "base/strbuf.h"

enum { HTTP_MOST_WAIT_S = 300 };

struct http_ask {
    const char *url;
    int with_token; /* $HF_TOKEN is sent */
    size_t most;    /* bytes; a longer document is an error */
    const volatile sig_atomic_t *stop;
    /* a wait of so many seconds begins; NULL: silent */
    void (*on_wait)(void *user, long seconds);
    void *user;
};
struct http_reply {
    struct strbuf body;
    char revision[64]; /* X-Revision: of the data set that the document is about; "" unknown */
};
/* ERR_NOTFOUND for 404 and 422 (a data set, configuration or split that is not there), else ERR_IO,
 * ERR_FORMAT (too long), ERR_INTERRUPTED.  http_release(out) is safe after a failure. */
int http_get(const struct http_ask *ask, struct http_reply *out, struct err *e);
void http_release(struct http_reply *r);

/* Options that all transfers share; `why` has CURL_ERROR_SIZE bytes. */
void http_setup(CURL *curl, const char *url, int with_token, char *why);
/* How long the server wants to be left alone, in ms; 0 when it does not say. */
long http_wanted_ms(CURL *curl);
/* Sleeps, until *stop. */
void http_sleep(const volatile sig_atomic_t *stop, long ms);

/* Appends a text as part of a URL; what stands in `keep` stays as it is. */
void http_encode(struct strbuf *b, const char *s, const char *keep);

#endif
