#include "harness/remote.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "harness/http.h"
#include "harness/meter.h"
#include "tasks/prepare.h"

enum { MOST_TRIES = 5, FIRST_PAUSE_MS = 200, MOST_BYTES = 64 << 20, STREAM_BYTES = 8 << 20,
       STOPS = 4, MESSAGE = 200, LIKELIEST = 1000 };

struct remote {
    struct remote_opts o;
    char *url, *model;
    const char *key; /* the environment's; NULL */
    CURL *curl;
    enum remote_dialect dialect;
    long status; /* of the last answer; 0: none came */
};

struct remote_unknown remote_hidden(int i)
{
    static const struct remote_unknown rows[] = {
        {"energy", "the server's joules are on no meter of this machine"},
        {"memory", "neither its weights nor its keys and values are in this process"},
        {"tokens", "it cuts texts itself: a token across the join of context and continuation is "
                   "the continuation's"},
        {"reuse", "what it keeps of one prompt for the next, and how many tokens it computed"},
        {"equal bits", "its arithmetic is its own: the same question may get another likelihood"},
        {"weights", "no file, no hash: the model's name is the server's word"},
        {"perplexity", "windows of whole texts are counted in tokens"},
        {"time alone", "seconds include the network and the server's other clients"},
    };

    return i >= 0 && (size_t)i < sizeof rows / sizeof *rows ? rows[i]
                                                            : (struct remote_unknown){NULL, NULL};
}

/* --- one request --------------------------------------------------------------------------- */

struct exchange {
    struct remote *r;
    const char *path;
    const char *body; /* NULL: GET */
    struct strbuf reply;
    struct remote_stream *stream; /* NULL: the reply is one document */
    double start_s, first_s;      /* first_s: of text; 0: none yet */
    int refused;                  /* by us: e says why */
    struct err e;
};

/* The key must not come back in the words of a server that repeats what it was sent. */
static void hide_key(const struct remote *r, char *text)
{
    size_t n = r->key ? strlen(r->key) : 0;

    for (char *at = text; n && (at = strstr(at, r->key)); at += n)
        memset(at, '*', n);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
    struct exchange *x = user;
    long status = 0;
    int before;

    n *= size;
    curl_easy_getinfo(x->r->curl, CURLINFO_RESPONSE_CODE, &status);
    if (!x->stream || status != 200) {
        if (n > MOST_BYTES - x->reply.len) {
            x->refused = 1;
            err_set(&x->e, ERR_FORMAT, "%s: more than %d bytes arrive", x->r->url, MOST_BYTES);
            return 0;
        }
        strbuf_add(&x->reply, bytes, n);
        return x->reply.failed ? 0 : n;
    }
    before = x->stream->n_pieces;
    if (remote_stream_feed(x->stream, bytes, n, x->r->url, &x->e) < 0) {
        x->refused = 1;
        return 0;
    }
    if (before == 0 && x->stream->n_pieces > 0)
        x->first_s = meter_clock_s();
    return n;
}

static int on_progress(void *user, curl_off_t dt, curl_off_t dn, curl_off_t ut, curl_off_t un)
{
    const struct exchange *x = user;

    (void)dt, (void)dn, (void)ut, (void)un;
    return x->r->o.stop && *x->r->o.stop;
}

static struct curl_slist *headers_of(const struct exchange *x, struct err *e)
{
    struct strbuf key = STRBUF_INIT;
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json"), *more;

    if (list && x->r->key) {
        strbuf_addf(&key, "Authorization: Bearer %s", x->r->key);
        more = key.failed ? NULL : curl_slist_append(list, strbuf_str(&key));
        if (!more)
            curl_slist_free_all(list);
        list = more;
        strbuf_release(&key);
    }
    if (!list)
        err_nomem(e);
    return list;
}

static CURLcode perform(struct exchange *x, const char *url, struct curl_slist *headers, char *why)
{
    CURL *curl = x->r->curl;

    curl_easy_reset(curl);
    http_setup(curl, url, 0, why);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 0L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L); /* prompts and the key stay with this one */
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(1000 * x->r->o.timeout_s));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (x->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, x->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(x->body));
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, x);
    x->start_s = meter_clock_s();
    x->first_s = 0;
    return curl_easy_perform(curl);
}

/* The server's own words behind a status. */
static void refuse(struct exchange *x, long status)
{
    cJSON *j = json_parse(strbuf_str(&x->reply), x->reply.len, x->r->url, NULL);
    char text[MESSAGE + 1] = "";
    const char *said = j ? remote_read_message(j) : NULL;

    if (said)
        snprintf(text, sizeof text, "%s", said);
    err_set(&x->e, status == 404 ? ERR_NOTFOUND : ERR_IO, "%s/%s: the server answers %ld%s%s",
            x->r->url, x->path, status, *text ? ": " : "", text);
    if (status == 401 || status == 403)
        err_hint(&x->e, "its key is taken from OPENAI_API_KEY");
    json_free(j);
}

/* 0: done; 1: asking again may help; -1: final.  x->e says why. */
static int judge(struct exchange *x, CURLcode rc, const char *why)
{
    long status = 0;

    curl_easy_getinfo(x->r->curl, CURLINFO_RESPONSE_CODE, &status);
    x->r->status = rc == CURLE_OK || x->refused ? status : 0;
    if (rc == CURLE_ABORTED_BY_CALLBACK) {
        err_set(&x->e, ERR_INTERRUPTED, "interrupted");
        return -1;
    }
    if (x->refused)
        return -1;
    if (x->reply.failed) {
        err_nomem(&x->e);
        return -1;
    }
    if (rc != CURLE_OK) {
        err_set(&x->e, ERR_IO, "%s/%s: %s", x->r->url, x->path,
                *why ? why : curl_easy_strerror(rc));
        return rc != CURLE_URL_MALFORMAT && rc != CURLE_UNSUPPORTED_PROTOCOL &&
                       rc != CURLE_PEER_FAILED_VERIFICATION && rc != CURLE_SSL_CACERT_BADFILE
                   ? 1
                   : -1;
    }
    if (status != 200) {
        refuse(x, status);
        return status >= 500 || status == 408 || status == 429 ? 1 : -1;
    }
    if (x->stream && !x->stream->ended) {
        err_set(&x->e, ERR_IO, "%s/%s: the answer breaks off", x->r->url, x->path);
        return 1;
    }
    return 0;
}

static void begin_again(struct exchange *x)
{
    strbuf_clear(&x->reply);
    if (x->stream) {
        remote_stream_release(x->stream);
        *x->stream = REMOTE_STREAM(STREAM_BYTES);
    }
    x->e = ERR_NONE;
}

static int ask(struct exchange *x, struct err *e)
{
    struct strbuf url = STRBUF_INIT;
    struct curl_slist *headers = headers_of(x, e);
    int again = 1;

    strbuf_addf(&url, "%s/%s", x->r->url, x->path);
    if (!headers || strbuf_ok(&url, e) < 0)
        goto out;
    for (int i = 0; again > 0; i++) {
        char why[CURL_ERROR_SIZE] = "";
        begin_again(x);
        again = judge(x, perform(x, strbuf_str(&url), headers, why), why);
        if (again > 0 && i + 1 == MOST_TRIES) {
            err_hint(&x->e, "tried %d times", MOST_TRIES);
            break;
        }
        if (again > 0) {
            long wanted = http_wanted_ms(x->r->curl);
            http_sleep(x->r->o.stop, wanted ? wanted : (long)FIRST_PAUSE_MS << i);
        }
    }
    hide_key(x->r, x->e.text);
    if (again != 0 && e)
        *e = x->e;
out:
    strbuf_release(&url);
    curl_slist_free_all(headers);
    return again == 0 && headers ? 0 : -1;
}

/* One document; json_free.  NULL: failure. */
static cJSON *ask_document(struct remote *r, const char *path, const char *body, double *wall_s,
                           struct err *e)
{
    struct exchange x = {.r = r, .path = path, .body = body};
    cJSON *j = NULL;

    if (ask(&x, e) == 0) {
        *wall_s = meter_clock_s() - x.start_s;
        j = json_parse(strbuf_str(&x.reply), x.reply.len, r->url, e);
    }
    strbuf_release(&x.reply);
    return j;
}

/* --- opening ------------------------------------------------------------------------------- */

static int check_url(const char *url, struct err *e)
{
    const char *host = strstr(url, "://");
    size_t n;

    if ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) || !host[3] ||
        host[3] == '/')
        return err_set(e, ERR_USAGE, "--device %s%s: no http or https address", REMOTE_PREFIX, url);
    host += 3;
    n = strcspn(host, "/?#");
    if (memchr(host, '@', n))
        return err_set(e, ERR_USAGE, "--device %s...: a name or password in the address would be "
                                     "stored; put the key into OPENAI_API_KEY", REMOTE_PREFIX);
    if (strpbrk(host, "?#"))
        return err_set(e, ERR_USAGE, "--device %s%s: only a path may follow the host",
                       REMOTE_PREFIX, url);
    return 0;
}

static int pass_on(struct err *e, const struct err *why)
{
    if (e)
        *e = *why;
    return -1;
}

/* A server that does not list its models is believed. */
static int check_model(struct remote *r, struct err *e)
{
    struct err why = ERR_NONE;
    struct suggest near = SUGGEST(r->model);
    const cJSON *at;
    double wall_s;
    cJSON *j = ask_document(r, "models", NULL, &wall_s, &why);
    int known = 0, n = 0;

    if (!j && why.code != ERR_NOTFOUND && why.code != ERR_FORMAT)
        return pass_on(e, &why);
    cJSON_ArrayForEach(at, json_get(j, "data")) {
        const char *id = json_str(at, "id");
        if (!id)
            continue;
        n++;
        known |= strcmp(id, r->model) == 0;
        suggest_offer(&near, id);
        if (n == 1 && !known)
            err_set(&why, ERR_NOTFOUND, "%s: it serves no model '%s', but '%.80s'", r->url,
                    r->model, id);
    }
    if (n && !known && suggest_best(&near))
        err_hint(&why, "did you mean '%s'?", suggest_best(&near));
    json_free(j);
    return n && !known ? pass_on(e, &why) : 0;
}

int remote_open(struct remote **out, const struct remote_opts *o, struct err *e)
{
    const char *key = getenv("OPENAI_API_KEY");
    struct remote *r;
    size_t n = strlen(o->url);

    if (check_url(o->url, e) < 0)
        return -1;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return err_set(e, ERR_IO, "libcurl cannot start");
    r = mem_calloc(1, sizeof *r);
    if (!r)
        return err_nomem(e);
    while (n && o->url[n - 1] == '/')
        n--;
    r->o = *o;
    r->url = mem_strndup(o->url, n);
    r->model = mem_strdup(o->model);
    r->key = key && *key ? key : NULL;
    r->curl = curl_easy_init();
    if (!r->url || !r->model || !r->curl) {
        remote_close(r);
        return err_nomem(e);
    }
    if (r->key && strpbrk(r->key, "\r\n")) {
        remote_close(r);
        return err_set(e, ERR_USAGE, "OPENAI_API_KEY: a line break in the key");
    }
    if (check_model(r, e) < 0) {
        remote_close(r);
        return -1;
    }
    *out = r;
    return 0;
}

void remote_close(struct remote *r)
{
    if (!r)
        return;
    curl_easy_cleanup(r->curl);
    mem_free(r->url);
    mem_free(r->model);
    mem_free(r);
}

const char *remote_url(const struct remote *r)
{
    return r->url;
}

enum remote_dialect remote_dialect(const struct remote *r)
{
    return r->dialect;
}

/* --- likelihoods --------------------------------------------------------------------------- */

static int write_score(struct strbuf *b, const struct remote *r, enum remote_dialect d,
                       const char *prompt, struct err *e)
{
    struct json_out o = JSON_OUT(b);

    json_begin_object(&o, NULL);
    json_put_str(&o, "model", r->model);
    json_put_str(&o, "prompt", prompt);
    json_put_int(&o, "max_tokens", 1); /* some servers take no 0 */
    json_put_num(&o, "temperature", 0);
    if (d == REMOTE_ECHO) {
        json_put_bool(&o, "echo", 1);
        json_put_int(&o, "logprobs", 1);
    } else if (d == REMOTE_PROMPT_LOGPROBS) {
        json_put_int(&o, "prompt_logprobs", 0);
    } else {
        json_put_int(&o, "logprobs", LIKELIEST);
    }
    json_end_object(&o);
    return strbuf_ok(b, e);
}

/* What the server says of a prompt; json_free.  NULL: failure. */
static cJSON *ask_score(struct remote *r, enum remote_dialect d, const struct strbuf *prompt,
                        double *wall_s, struct err *e)
{
    struct strbuf body = STRBUF_INIT;
    cJSON *j = NULL;

    if (strbuf_ok(prompt, e) == 0 && write_score(&body, r, d, strbuf_str(prompt), e) == 0)
        j = ask_document(r, "completions", strbuf_str(&body), wall_s, e);
    strbuf_release(&body);
    return j;
}

/* Token by token: each request tells the next one's likelihood. */
static int score_by_steps(struct remote *r, const char *context, const char *continuation,
                          struct remote_score *out, double *wall_s, struct err *e)
{
    struct strbuf prompt = STRBUF_INIT;
    int rc = 0;

    *out = (struct remote_score){.is_greedy = 1};
    *wall_s = 0;
    strbuf_adds(&prompt, context);
    for (const char *rest = continuation; *rest && rc == 0;) {
        struct remote_step step = {0};
        double s = 0;
        cJSON *j = ask_score(r, REMOTE_TOP_LOGPROBS, &prompt, &s, e);
        rc = j ? remote_read_step(j, rest, r->url, &step, e) : -1;
        json_free(j);
        out->n_context = out->n_tokens++ ? out->n_context : step.n_prompt;
        out->nats += step.nats;
        out->is_greedy &= step.is_likeliest;
        *wall_s += s;
        strbuf_add(&prompt, rest, step.bytes);
        rest += step.bytes;
    }
    strbuf_release(&prompt);
    return rc;
}

static int score_by(struct remote *r, enum remote_dialect d, const char *context,
                    const char *continuation, struct remote_score *out, double *wall_s,
                    struct err *e)
{
    struct strbuf prompt = STRBUF_INIT;
    cJSON *j;
    int rc;

    if (d == REMOTE_TOP_LOGPROBS)
        return score_by_steps(r, context, continuation, out, wall_s, e);
    strbuf_addf(&prompt, "%s%s", context, continuation);
    j = ask_score(r, d, &prompt, wall_s, e);
    rc = j ? remote_read_score(j, d, context, continuation, r->url, out, e) : -1;
    json_free(j);
    strbuf_release(&prompt);
    return rc;
}

/* A reason without the server's name in front. */
static const char *said(const struct remote *r, const char *text)
{
    size_t n = strlen(r->url);

    if (strncmp(text, r->url, n) != 0)
        return text;
    text += n;
    return text + strspn(text, ": ");
}

/* Whether the server does not take what was asked, or not answer it: another dialect may do. */
static int is_other_dialect(const struct remote *r, const struct err *why)
{
    static const long refusals[] = {400, 404, 405, 422, 501};

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (r->status == refusals[i])
            return 1;
    return r->status == 200 && (why->code == ERR_FORMAT || why->code == ERR_NUMERIC);
}

int remote_find_dialect(struct remote *r, struct err *e)
{
    struct err why[REMOTE_DIALECTS] = {{0}};
    struct remote_score s;
    double wall_s;

    for (enum remote_dialect d = REMOTE_ECHO; d < REMOTE_DIALECTS; d++) {
        if (score_by(r, d, "The capital of France is", " Paris", &s, &wall_s, &why[d]) == 0 ||
            why[d].code == ERR_UNSUPPORTED) { /* it tells the likeliest, and Paris is not one */
            r->dialect = d;
            return 0;
        }
        if (!is_other_dialect(r, &why[d]))
            return pass_on(e, &why[d]);
    }
    err_set(e, ERR_UNSUPPORTED, "%s: it gives no likelihoods: by echo %.100s; by prompt_logprobs "
                                "%.100s; by top_logprobs %.100s", r->url,
            said(r, why[REMOTE_ECHO].text), said(r, why[REMOTE_PROMPT_LOGPROBS].text),
            said(r, why[REMOTE_TOP_LOGPROBS].text));
    err_hint(e, "tasks that generate can be run on it");
    return -1;
}

int remote_score(struct remote *r, const char *context, const char *continuation,
                 struct remote_score *out, double *wall_s, struct err *e)
{
    return score_by(r, r->dialect, context, continuation, out, wall_s, e);
}

/* --- generations --------------------------------------------------------------------------- */

static int write_prompt(struct strbuf *b, const struct remote *r, const struct query *q,
                        struct err *e)
{
    struct json_out o = JSON_OUT(b);

    json_begin_object(&o, NULL);
    json_put_str(&o, "model", r->model);
    if (r->o.chat) {
        json_begin_array(&o, "messages");
        json_begin_object(&o, NULL);
        json_put_str(&o, "role", "user");
        json_put_str(&o, "content", q->context);
        json_end_object(&o);
        json_end_array(&o);
    } else {
        json_put_str(&o, "prompt", q->context);
    }
    json_put_int(&o, "max_tokens", q->max_tokens);
    json_put_num(&o, "temperature", q->temperature);
    if (q->temperature > 0) {
        json_put_num(&o, "top_p", q->top_p > 0 ? q->top_p : 1);
        json_put_int(&o, "seed", (int64_t)(q->seed >> 33)); /* servers take 31 bits */
    }
    if (q->n_until) {
        json_begin_array(&o, "stop"); /* more than four are refused; ours are looked for anyway */
        for (int i = 0; i < q->n_until && i < STOPS; i++)
            json_put_str(&o, NULL, q->until[i]);
        json_end_array(&o);
    }
    json_put_bool(&o, "stream", 1);
    json_begin_object(&o, "stream_options");
    json_put_bool(&o, "include_usage", 1);
    json_end_object(&o);
    json_end_object(&o);
    return strbuf_ok(b, e);
}

int remote_generate(struct remote *r, const struct query *q, struct remote_answer *out,
                    struct err *e)
{
    struct remote_stream stream = REMOTE_STREAM(STREAM_BYTES);
    struct strbuf body = STRBUF_INIT;
    struct exchange x = {.r = r, .path = r->o.chat ? "chat/completions" : "completions",
                         .stream = &stream};
    int rc = -1;

    *out = (struct remote_answer){0};
    if (write_prompt(&body, r, q, e) < 0)
        goto out;
    x.body = strbuf_str(&body);
    if (ask(&x, e) < 0)
        goto out;
    out->wall_s = meter_clock_s() - x.start_s;
    out->ttft_s = x.first_s ? x.first_s - x.start_s : out->wall_s;
    out->n_tokens = stream.completion_tokens >= 0 ? stream.completion_tokens : stream.n_pieces;
    out->n_prompt = stream.prompt_tokens;
    strbuf_truncate(&stream.text, prepare_cut(strbuf_str(&stream.text), stream.text.len, q->until,
                                              q->n_until));
    if (!stream.text.s)
        strbuf_adds(&stream.text, "");
    out->text = stream.text.s ? strbuf_take(&stream.text) : mem_strdup("");
    rc = out->text ? 0 : err_nomem(e);
out:
    strbuf_release(&body);
    strbuf_release(&x.reply);
    remote_stream_release(&stream);
    return rc;
}
