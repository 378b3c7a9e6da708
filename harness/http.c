#include "harness/http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { MOST_TRIES = 6, FIRST_PAUSE_MS = 200, QUIET_S = 60, CONNECT_S = 30 };

/* ---- what all transfers share ---------------------------------------------------------------- */

static void set_certificates(CURL *curl)
{
    const char *bundle = getenv("CURL_CA_BUNDLE"), *dir = getenv("SSL_CERT_DIR");

    if (!bundle || !*bundle)
        bundle = getenv("SSL_CERT_FILE");
    if (bundle && *bundle)
        curl_easy_setopt(curl, CURLOPT_CAINFO, bundle);
    if (dir && *dir)
        curl_easy_setopt(curl, CURLOPT_CAPATH, dir);
}

void http_setup(CURL *curl, const char *url, int with_token, char *why)
{
    const char *token = getenv("HF_TOKEN");
    int secure = strncmp(url, "https:", 6) == 0;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)QUIET_S);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "densimeter");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    if (with_token && token && *token) { /* curl sends it to the first host only */
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, token);
    }
    set_certificates(curl);
}

long http_wanted_ms(CURL *curl)
{
    curl_off_t seconds = 0;

    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds <= 0)
        return 0;
    return (seconds < HTTP_MOST_WAIT_S ? (long)seconds : HTTP_MOST_WAIT_S) * 1000;
}

void http_sleep(const volatile sig_atomic_t *stop, long ms)
{
    struct timespec t = {.tv_nsec = 50 * 1000000L};

    for (; ms > 0 && !(stop && *stop); ms -= 50)
        nanosleep(&t, NULL);
}

void http_encode(struct strbuf *b, const char *s, const char *keep)
{
    for (; *s; s++) {
        if (isalnum((unsigned char)*s) || strchr("-._~", *s) || strchr(keep, *s))
            strbuf_addc(b, *s);
        else
            strbuf_addf(b, "%%%02X", (unsigned char)*s);
    }
}

/* ---- a document ------------------------------------------------------------------------------ */

struct getting {
    const struct http_ask *ask;
    struct http_reply *out;
    int too_long;
};

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
    struct getting *g = user;

    n *= size;
    if (n > g->ask->most - g->out->body.len) {
        g->too_long = 1;
        return 0;
    }
    strbuf_add(&g->out->body, bytes, n);
    return g->out->body.failed ? 0 : n;
}

static size_t on_header(char *line, size_t size, size_t n, void *user)
{
    static const char name[] = "X-Revision:";
    struct getting *g = user;
    size_t from = sizeof name - 1, k = 0;

    n *= size;
    if (n > 5 && strncmp(line, "HTTP/", 5) == 0) {
        g->out->revision[0] = 0;
    } else if (n > from && strncasecmp(line, name, from) == 0) {
        while (from < n && line[from] == ' ')
            from++;
        while (from < n && isalnum((unsigned char)line[from]) && k + 1 < sizeof g->out->revision)
            g->out->revision[k++] = line[from++];
        g->out->revision[k] = 0;
    }
    return n;
}

static int on_progress(void *user, curl_off_t dt, curl_off_t dn, curl_off_t ut, curl_off_t un)
{
    const struct getting *g = user;

    (void)dt, (void)dn, (void)ut, (void)un;
    return g->ask->stop && *g->ask->stop;
}

/* 1 when asking again may help. */
static int judge(const struct getting *g, CURLcode rc, long status, const char *why, struct err *e)
{
    const char *url = g->ask->url;

    if (rc == CURLE_ABORTED_BY_CALLBACK) {
        err_set(e, ERR_INTERRUPTED, "%s: interrupted", url);
        return 0;
    }
    if (g->out->body.failed) {
        err_nomem(e);
        return 0;
    }
    if (g->too_long) {
        err_set(e, ERR_FORMAT, "%s: more than %zu bytes arrive", url, g->ask->most);
        return 0;
    }
    if (rc != CURLE_HTTP_RETURNED_ERROR) {
        err_set(e, ERR_IO, "%s: %s", url, *why ? why : curl_easy_strerror(rc));
        return rc != CURLE_URL_MALFORMAT && rc != CURLE_UNSUPPORTED_PROTOCOL &&
               rc != CURLE_PEER_FAILED_VERIFICATION && rc != CURLE_TOO_MANY_REDIRECTS &&
               rc != CURLE_SSL_CACERT_BADFILE;
    }
    err_set(e, status == 404 || status == 422 ? ERR_NOTFOUND : ERR_IO, "%s: the server answers %ld",
            url, status);
    if (g->ask->with_token && (status == 401 || status == 403))
        err_hint(e, "there is no such data set, or its terms have to be accepted on the hub: then "
                 "set HF_TOKEN to your token");
    return status >= 500 || status == 408 || status == 429;
}

static CURLcode ask_once(struct getting *g, CURL *curl, char *why)
{
    strbuf_clear(&g->out->body);
    http_setup(curl, g->ask->url, g->ask->with_token, why);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, g);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, g);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, g);
    return curl_easy_perform(curl);
}

int http_get(const struct http_ask *ask, struct http_reply *out, struct err *e)
{
    struct getting g = {ask, out, 0};
    CURL *curl;
    int again = 1;

    *out = (struct http_reply){0};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(curl = curl_easy_init()))
        return err_set(e, ERR_IO, "libcurl cannot start");
    for (int i = 0; again; i++) {
        char why[CURL_ERROR_SIZE] = "";
        struct err reason = ERR_NONE;
        CURLcode rc = ask_once(&g, curl, why);
        long status = 0, wanted;
        if (rc == CURLE_OK)
            break;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        again = judge(&g, rc, status, why, &reason) && i + 1 < MOST_TRIES;
        if (!again) {
            if (e)
                *e = reason;
            curl_easy_cleanup(curl);
            return -1;
        }
        wanted = http_wanted_ms(curl);
        if (ask->on_wait && wanted)
            ask->on_wait(ask->user, wanted / 1000);
        http_sleep(ask->stop, wanted ? wanted : (long)FIRST_PAUSE_MS << i);
    }
    curl_easy_cleanup(curl);
    return 0;
}

void http_release(struct http_reply *r)
{
    strbuf_release(&r->body);
}
