/* fetch_http.c -- a file over HTTP by libcurl, which honours http_proxy and its kin.
 *
 * Servers are taken to be unreliable: a transfer that breaks is taken up behind its last byte
 * (Range), from the start when the server ignores that, until MOST_IDLE tries in a row bring
 * nothing new.  If-Range and a tag beside the part keep the halves of two different files apart. */
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/fetch_impl.h"
#include "harness/http.h"

enum { MOST_IDLE = 5, MOST_TRIES = 100, FIRST_PAUSE_MS = 100 };
enum { TAG_BYTES = 8192 };

struct transfer {
    CURL *curl;
    struct sink *sink;
    const struct source *from;
    uint64_t offset;  /* asked for */
    int begun;        /* the body of the last response has begun */
    int restart;      /* what came does not go on where we stopped */
    char tag[256];    /* entity tag, or date, of the response */
    int64_t range_at; /* Content-Range: first byte; -1: none */
    uint64_t total;   /* of the whole file, as the response says; 0: unknown */
    struct err *e;
};

/* ---- headers --------------------------------------------------------------------------------- */

/* The value of the header `name`, trimmed, in out; 0 when the line is another one. */
static int header_is(const char *line, size_t n, const char *name, char *out, size_t size)
{
    size_t k = strlen(name);

    if (n <= k || line[k] != ':' || strncasecmp(line, name, k) != 0)
        return 0;
    for (k++; k < n && isspace((unsigned char)line[k]); k++)
        ;
    while (n > k && isspace((unsigned char)line[n - 1]))
        n--;
    if (n - k >= size)
        return 0;
    memcpy(out, line + k, n - k);
    out[n - k] = 0;
    return 1;
}

/* "bytes 100-199/1000", "bytes 100-199/ *", "bytes * /1000" */
static void read_range(struct transfer *t, const char *value)
{
    const char *slash = strchr(value, '/');
    char *end;

    if (strncasecmp(value, "bytes ", 6) != 0 || !slash)
        return;
    if (isdigit((unsigned char)value[6]))
        t->range_at = (int64_t)strtoull(value + 6, &end, 10);
    if (isdigit((unsigned char)slash[1]))
        t->total = strtoull(slash + 1, &end, 10);
}

/* The hub states the SHA-256 of large files, in quotes, before it redirects. */
static void read_stated(struct sink *s, const char *value)
{
    size_t n = SHA256_HEX - 1;

    value += *value == '"';
    if (strspn(value, "0123456789abcdef") == n && (value[n] == 0 || value[n] == '"')) {
        memcpy(s->stated, value, n);
        s->stated[n] = 0;
    }
}

static size_t on_header(char *line, size_t size, size_t n, void *user)
{
    struct transfer *t = user;
    char value[256];

    n *= size;
    if (n > 5 && strncmp(line, "HTTP/", 5) == 0) { /* one more response, after a redirect */
        t->tag[0] = 0;
        t->range_at = -1;
        t->total = 0;
        t->begun = 0;
    } else if (header_is(line, n, "ETag", value, sizeof value)) {
        if (value[0] == '"') /* weak tags say nothing about bytes */
            snprintf(t->tag, sizeof t->tag, "%s", value);
    } else if (header_is(line, n, "Last-Modified", value, sizeof value)) {
        if (!t->tag[0])
            snprintf(t->tag, sizeof t->tag, "%s", value);
    } else if (header_is(line, n, "Content-Range", value, sizeof value)) {
        read_range(t, value);
    } else if (t->from->from_hub && header_is(line, n, "X-Linked-Etag", value, sizeof value)) {
        read_stated(t->sink, value);
    }
    return n;
}

/* ---- body ------------------------------------------------------------------------------------ */

static int write_tag(const struct transfer *t)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    strbuf_addf(&b, "%s\n%s\n", t->from->url, t->tag);
    rc = strbuf_ok(&b, t->e) < 0 ? -1 : file_write(t->sink->tag, b.s, b.len, t->e);
    strbuf_release(&b);
    return rc;
}

/* The first bytes of a response: does it go on where we stopped? */
static int begin_body(struct transfer *t)
{
    curl_off_t length = -1;
    long status = 0;

    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    t->begun = 1;
    if (status == 206 && (t->range_at < 0 || (uint64_t)t->range_at != t->offset)) {
        t->restart = 1;
        return -1;
    }
    if (status != 206) {
        if (t->sink->size > 0 && sink_cut(t->sink, 0, t->e) < 0)
            return -1;
        t->total = length > 0 ? (uint64_t)length : 0;
    }
    if (t->total && sink_expect(t->sink, t->total, t->e) < 0)
        return -1;
    return write_tag(t);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
    struct transfer *t = user;

    n *= size;
    if (!t->begun && begin_body(t) < 0)
        return 0;
    return sink_write(t->sink, bytes, n, t->e) < 0 ? 0 : n;
}

static int on_progress(void *user, curl_off_t dt, curl_off_t dn, curl_off_t ut, curl_off_t un)
{
    struct transfer *t = user;

    (void)dt, (void)dn, (void)ut, (void)un;
    return sink_stopped(t->sink);
}

/* ---- one try --------------------------------------------------------------------------------- */

/* The tag of what the part holds into out, when it came from this url; else 0. */
static int read_tag(const struct transfer *t, char *out, size_t size)
{
    struct strbuf b = STRBUF_INIT;
    size_t n = strlen(t->from->url);
    int found = 0;

    if (file_exists(t->sink->tag) && file_read(&b, t->sink->tag, TAG_BYTES, NULL) == 0 &&
        b.len > n && strncmp(b.s, t->from->url, n) == 0 && b.s[n] == '\n') {
        snprintf(out, size, "%.*s", (int)strcspn(b.s + n + 1, "\n"), b.s + n + 1);
        found = out[0] != 0;
    }
    strbuf_release(&b);
    return found;
}

static void set_options(struct transfer *t, char *why)
{
    CURL *curl = t->curl;

    http_setup(curl, t->from->url, t->from->from_hub, why);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
}

/* Asks to go on behind what the part holds, when it can be the same file. */
static int set_range(struct transfer *t, struct curl_slist **headers)
{
    char range[32], tag[300], if_range[320];
    int tagged = t->sink->size > 0 && read_tag(t, tag, sizeof tag);

    if (t->sink->size > 0 && !tagged && !t->sink->f->sha256 && sink_cut(t->sink, 0, t->e) < 0)
        return -1;
    t->offset = t->sink->size;
    if (t->offset == 0)
        return 0;
    snprintf(range, sizeof range, "%llu-", (unsigned long long)t->offset);
    curl_easy_setopt(t->curl, CURLOPT_RANGE, range);
    if (!tagged)
        return 0;
    snprintf(if_range, sizeof if_range, "If-Range: %s", tag);
    *headers = curl_slist_append(NULL, if_range);
    if (!*headers)
        return err_nomem(t->e);
    curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, *headers);
    return 0;
}

static int is_final(CURLcode rc, long status)
{
    static const CURLcode rows[] = {
        CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_PEER_FAILED_VERIFICATION,
        CURLE_SSL_CACERT_BADFILE, CURLE_TOO_MANY_REDIRECTS, CURLE_OUT_OF_MEMORY,
    };

    if (rc == CURLE_HTTP_RETURNED_ERROR)
        return status < 500 && status != 408 && status != 416 && status != 429;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rc == rows[i])
            return 1;
    return 0;
}

static void refuse(struct transfer *t, CURLcode rc, long status, const char *why)
{
    if (rc != CURLE_HTTP_RETURNED_ERROR) {
        err_set(t->e, ERR_IO, "%s: %s", t->from->url, *why ? why : curl_easy_strerror(rc));
        return;
    }
    err_set(t->e, ERR_IO, "%s: the server answers %ld", t->from->url, status);
    if (t->from->from_hub && (status == 401 || status == 403))
        err_hint(t->e, "accept the model's terms on the hub and set HF_TOKEN to your token");
    else if (status == 404)
        err_hint(t->e, "there is no such file; check its name");
}

enum outcome { FAILED = -1, DONE, AGAIN };

/* What the end of a transfer means; e is filled for FAILED and, as the reason so far, for AGAIN. */
static enum outcome judge(struct transfer *t, CURLcode rc, long status, const char *why)
{
    struct sink *s = t->sink;

    if (rc == CURLE_ABORTED_BY_CALLBACK && sink_stopped(s)) {
        err_set(t->e, ERR_INTERRUPTED, "%s: interrupted after %llu bytes", s->f->path,
                (unsigned long long)s->size);
        err_hint(t->e, "run the same command again to go on");
        return FAILED;
    }
    if (t->restart || (status == 416 && !(t->total && t->total == s->size))) {
        err_set(t->e, ERR_IO, "%s: the server does not go on at byte %llu", t->from->url,
                (unsigned long long)t->offset);
        return sink_cut(s, 0, t->e) < 0 ? FAILED : AGAIN;
    }
    if (status == 416)
        return DONE; /* nothing is missing */
    if (rc == CURLE_WRITE_ERROR)
        return FAILED; /* by us: e says why */
    if (rc == CURLE_OK && s->total && s->size < s->total) {
        err_set(t->e, ERR_IO, "%s: ends after %llu of %llu bytes", t->from->url,
                (unsigned long long)s->size, (unsigned long long)s->total);
        return AGAIN;
    }
    if (rc == CURLE_OK)
        return DONE;
    refuse(t, rc, status, why);
    return is_final(rc, status) ? FAILED : AGAIN;
}

/* Into *wanted_ms: how long the server wants to be left alone; 0 when it does not say. */
static enum outcome try_once(struct sink *s, const struct source *from, long *wanted_ms,
                             struct err *e)
{
    char why[CURL_ERROR_SIZE] = "";
    struct transfer t = {.curl = curl_easy_init(), .sink = s, .from = from, .range_at = -1, .e = e};
    struct curl_slist *headers = NULL;
    enum outcome outcome = FAILED;
    long status = 0;
    CURLcode rc;

    if (!t.curl) {
        err_nomem(e);
        return FAILED;
    }
    set_options(&t, why);
    if (set_range(&t, &headers) == 0) {
        rc = curl_easy_perform(t.curl);
        curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &status);
        outcome = judge(&t, rc, status, why);
        *wanted_ms = http_wanted_ms(t.curl);
    }
    curl_easy_cleanup(t.curl);
    curl_slist_free_all(headers);
    return outcome;
}

int fetch_url(struct sink *s, const struct source *from, struct err *e)
{
    uint64_t most = 0;
    int idle = 0;

    if (s->f->bytes && s->size == s->f->bytes)
        return 0; /* an earlier try ended before it could verify */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return err_set(e, ERR_IO, "libcurl cannot start");
    for (int i = 0; i < MOST_TRIES; i++) {
        struct err reason = ERR_NONE;
        long wanted_ms = 0;
        enum outcome outcome = try_once(s, from, &wanted_ms, &reason);
        if (outcome == DONE)
            return 0;
        idle = s->size > most ? 0 : idle + 1;
        most = s->size > most ? s->size : most;
        if (outcome == FAILED || idle == MOST_IDLE || i == MOST_TRIES - 1) {
            if (e)
                *e = reason;
            if (outcome == AGAIN)
                err_hint(e, "tried %d times; run the same command again to go on", i + 1);
            return -1;
        }
        http_sleep(s->f->stop, wanted_ms ? wanted_ms : (long)FIRST_PAUSE_MS << idle);
    }
    return -1;
}
