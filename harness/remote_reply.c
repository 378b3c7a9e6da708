#include "harness/remote_reply.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define ABOVE_ONE 1e-3 /* nats: servers round */
#define SAME 1e-6

const char *remote_dialect_name(enum remote_dialect d)
{
    static const char *const names[REMOTE_DIALECTS] = {NULL, "echo", "prompt_logprobs",
                                                      "top_logprobs"};

    return names[d];
}

/* --- tokens of a prompt -------------------------------------------------------------------- */

struct token {
    const char *text;
    double nats;      /* NAN: none given */
    int is_likeliest; /* -1: not told */
    size_t begin;     /* code points before it */
};

struct tokens {
    struct token *v;
    size_t n;
    int placed; /* the server told where they begin */
};

static const cJSON *first_choice(const cJSON *reply)
{
    return cJSON_GetArrayItem(json_get(reply, "choices"), 0);
}

static int allocate(struct tokens *t, const cJSON *list, const char *where, const char *what,
                    size_t most, struct err *e)
{
    int n = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;

    if (n < 1 || (size_t)n > most)
        return err_set(e, ERR_FORMAT, "%s: %d %s for a prompt of %zu characters", where, n, what,
                       most);
    t->v = mem_calloc((size_t)n, sizeof *t->v);
    t->n = (size_t)n;
    return t->v ? 0 : err_nomem(e);
}

static double number_or_nan(const cJSON *j)
{
    return cJSON_IsNumber(j) ? j->valuedouble : NAN;
}

/* Whether none of the rivals is likelier. */
static int leads(const cJSON *rivals, double nats)
{
    const cJSON *r;
    int n = 0;

    cJSON_ArrayForEach(r, rivals) {
        n++;
        if (cJSON_IsNumber(r) && r->valuedouble > nats + SAME)
            return 0;
    }
    return n ? 1 : -1;
}

static int read_echo(struct tokens *t, const cJSON *reply, size_t most, const char *where,
                     struct err *e)
{
    const cJSON *l = json_get(first_choice(reply), "logprobs");
    const cJSON *lists[] = {json_get(l, "tokens"), json_get(l, "token_logprobs"),
                            json_get(l, "top_logprobs"), json_get(l, "text_offset")};
    const cJSON *at[4];

    if (!cJSON_IsObject(l))
        return err_set(e, ERR_FORMAT, "%s: the answer has no logprobs", where);
    if (allocate(t, lists[0], where, "tokens", most, e) < 0)
        return -1;
    t->placed = cJSON_IsArray(lists[3]);
    for (int k = 1; k < 3 + t->placed; k++)
        /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Branch): placed is 0 or 1 */
        if (!cJSON_IsArray(lists[k]) || (size_t)cJSON_GetArraySize(lists[k]) != t->n)
            return err_set(e, ERR_FORMAT, "%s: %zu tokens, but %d of %s", where, t->n,
                           cJSON_GetArraySize(lists[k]),
                           k == 1 ? "token_logprobs" : k == 2 ? "top_logprobs" : "text_offset");
    for (int k = 0; k < 4; k++)
        at[k] = lists[k] ? lists[k]->child : NULL;
    for (size_t i = 0; i < t->n; i++) {
        double begin = number_or_nan(t->placed ? at[3] : NULL);
        t->v[i] = (struct token){cJSON_IsString(at[0]) ? at[0]->valuestring : NULL,
                                 number_or_nan(at[1]), leads(at[2], number_or_nan(at[1])), 0};
        if (!t->v[i].text || (t->placed && !(begin >= 0 && begin <= (double)most)))
            return err_set(e, ERR_FORMAT, "%s: token %zu has no text or place", where, i);
        t->v[i].begin = t->placed ? (size_t)begin : 0;
        for (int k = 0; k < 3 + t->placed; k++)
            at[k] = at[k]->next;
    }
    return 0;
}

static int read_prompt_logprobs(struct tokens *t, const cJSON *reply, size_t most,
                                const char *where, struct err *e)
{
    const cJSON *l = json_get(first_choice(reply), "prompt_logprobs"), *at;

    if (!l)
        l = json_get(reply, "prompt_logprobs");
    if (!cJSON_IsArray(l))
        return err_set(e, ERR_FORMAT, "%s: the answer has no prompt_logprobs", where);
    if (allocate(t, l, where, "prompt_logprobs", most, e) < 0)
        return -1;
    at = l->child;
    for (size_t i = 0; i < t->n; i++, at = at->next) {
        const cJSON *one = cJSON_IsObject(at) ? at->child : NULL;
        double rank = json_num(one, "rank", NAN);
        if (i == 0 && cJSON_IsNull(at)) {
            t->v[0] = (struct token){"", NAN, -1, 0}; /* the first one; its text is what is left */
            continue;
        }
        if (!one || one->next || !json_str(one, "decoded_token") || !(rank >= 1))
            return err_set(e, ERR_FORMAT, "%s: prompt_logprobs %zu is not one token with its text, "
                                          "likelihood and rank", where, i);
        t->v[i] = (struct token){json_str(one, "decoded_token"), json_num(one, "logprob", NAN),
                                 rank < 1.5, 0};
    }
    return 0;
}

/* Tokens behind the prompt's own; -1: not told. */
static int generated_after(const cJSON *reply, enum remote_dialect d, size_t n)
{
    double told = json_num(json_get(reply, "usage"), "completion_tokens", NAN);

    if (d != REMOTE_ECHO)
        return 0;
    return told >= 0 && told < (double)n ? (int)told : -1;
}

/* Where each token begins, where the server does not say.  The first may be a special one, or have
 * no text here: what the others leave of the prompt is its own. */
static int place(struct tokens *t, const char *where, size_t total, int generated, struct err *e)
{
    size_t sum = 0, spelt = 0, n = t->n - (size_t)(generated < 0 ? 0 : generated);

    if (generated < 0)
        return err_set(e, ERR_FORMAT, "%s: it tells neither where its tokens begin nor how many "
                                      "are an answer", where);
    for (size_t i = 1; i < n; i++)
        spelt += utf8_count(t->v[i].text, strlen(t->v[i].text));
    if (spelt > total)
        return err_set(e, ERR_FORMAT, "%s: its tokens spell %zu characters of a prompt of %zu",
                       where, spelt, total);
    for (size_t i = 0; i < t->n; i++) {
        t->v[i].begin = sum;
        sum += i == 0 ? total - spelt : utf8_count(t->v[i].text, strlen(t->v[i].text));
    }
    return 0;
}

/* They follow each other from the prompt's first character to its last one. */
static int check_places(const struct tokens *t, const char *where, size_t total, struct err *e)
{
    const struct token *last = &t->v[t->n - 1];

    if (t->v[0].begin != 0)
        return err_set(e, ERR_FORMAT, "%s: its first token begins at character %zu", where,
                       t->v[0].begin);
    for (size_t i = 1; i < t->n; i++)
        if (t->v[i].begin < t->v[i - 1].begin)
            return err_set(e, ERR_FORMAT, "%s: token %zu begins before the one before it", where,
                           i);
    if (last->begin + utf8_count(last->text, strlen(last->text)) < total)
        return err_set(e, ERR_FORMAT, "%s: its tokens end before the prompt does: it was cut",
                       where);
    return 0;
}

static int add_up(const struct tokens *t, size_t context, size_t total, const char *where,
                  struct remote_score *out, struct err *e)
{
    for (size_t i = 0; i < t->n && t->v[i].begin < total; i++) {
        const struct token *x = &t->v[i];
        size_t end = i + 1 < t->n ? t->v[i + 1].begin
                                  : x->begin + utf8_count(x->text, strlen(x->text));
        if (x->begin < context && end <= context) {
            out->n_context++;
            continue;
        }
        if (!isfinite(x->nats) || x->nats > ABOVE_ONE)
            return err_set(e, ERR_NUMERIC, "%s: token %zu of the prompt has no likelihood, or one "
                                           "above 1 (%g nats)", where, i, x->nats);
        if (x->is_likeliest < 0)
            return err_set(e, ERR_FORMAT, "%s: it does not tell which token was likeliest", where);
        out->n_across += x->begin < context;
        out->n_tokens++;
        out->nats += fmin(x->nats, 0);
        out->is_greedy &= x->is_likeliest;
    }
    if (out->n_tokens == 0)
        return err_set(e, ERR_FORMAT, "%s: no token reaches into the continuation", where);
    return 0;
}

int remote_read_score(const cJSON *reply, enum remote_dialect d, const char *context,
                      const char *continuation, const char *where, struct remote_score *out,
                      struct err *e)
{
    size_t before = utf8_count(context, strlen(context));
    size_t total = before + utf8_count(continuation, strlen(continuation));
    size_t most = strlen(context) + strlen(continuation) + 8; /* bytes, BOS and what comes after */
    struct tokens t = {0};
    int rc;

    *out = (struct remote_score){.is_greedy = 1};
    rc = d == REMOTE_ECHO ? read_echo(&t, reply, most, where, e)
                          : read_prompt_logprobs(&t, reply, most, where, e);
    if (rc == 0 && !t.placed)
        rc = place(&t, where, total, generated_after(reply, d, t.n), e);
    if (rc == 0 && check_places(&t, where, total, e) == 0)
        rc = add_up(&t, before, total, where, out, e);
    else
        rc = -1;
    mem_free(t.v);
    return rc;
}

/* --- the token that follows ---------------------------------------------------------------- */

/* Bytes of `text` that a token is; 0: it is not what the text begins with.  A token may be part
 * of a character: its bytes are then told apart from its text. */
static size_t begins(const cJSON *token, const char *name, const char *text)
{
    const cJSON *bytes = json_get(token, "bytes"), *b;
    size_t n = 0;

    if (!cJSON_IsArray(bytes))
        return name && strncmp(text, name, strlen(name)) == 0 ? strlen(name) : 0;
    cJSON_ArrayForEach(b, bytes) {
        if (!cJSON_IsNumber(b) || !text[n] || b->valuedouble != (unsigned char)text[n])
            return 0;
        n++;
    }
    return n;
}

static const cJSON *likeliest_of(const cJSON *reply)
{
    const cJSON *l = json_get(first_choice(reply), "logprobs");
    const cJSON *list = json_get(cJSON_GetArrayItem(json_get(l, "content"), 0), "top_logprobs");

    return list ? list : cJSON_GetArrayItem(json_get(l, "top_logprobs"), 0);
}

int remote_read_step(const cJSON *reply, const char *text, const char *where,
                     struct remote_step *out, struct err *e)
{
    double most = -INFINITY, told = json_num(json_get(reply, "usage"), "prompt_tokens", NAN);
    const cJSON *at;
    size_t n = 0;

    *out = (struct remote_step){.n_prompt = told >= 0 && told < INT_MAX ? (int)told : -1};
    cJSON_ArrayForEach(at, likeliest_of(reply)) {
        int is_pair = cJSON_IsNumber(at); /* {"token": nats, ...} */
        double nats = is_pair ? at->valuedouble : json_num(at, "logprob", NAN);
        size_t k = is_pair ? begins(NULL, at->string, text)
                           : begins(at, json_str(at, "token"), text);
        if (!isfinite(nats) || nats > ABOVE_ONE)
            return err_set(e, ERR_NUMERIC, "%s: one of its likeliest tokens has no likelihood, or "
                                           "one above 1 (%g nats)", where, nats);
        n++;
        most = fmax(most, nats);
        if (k > out->bytes) {
            out->bytes = k;
            out->nats = fmin(nats, 0);
        }
    }
    if (n == 0)
        return err_set(e, ERR_FORMAT, "%s: the answer has no top_logprobs", where);
    if (out->bytes == 0)
        return err_set(e, ERR_UNSUPPORTED, "%s: none of its %zu likeliest tokens begins '%.40s': "
                                           "no likelihood is known", where, n, text);
    out->is_likeliest = out->nats >= most - SAME;
    return 0;
}

const char *remote_read_message(const cJSON *reply)
{
    const cJSON *error = json_get(reply, "error");
    const char *const texts[] = {json_str(error, "message"), json_str(reply, "error"),
                                 json_str(reply, "message"), json_str(reply, "detail")};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i] && *texts[i])
            return texts[i];
    return NULL;
}

/* --- streams ------------------------------------------------------------------------------- */

static int count_of(const cJSON *usage, const char *key, int before)
{
    double n = json_num(usage, key, NAN);

    return n >= 0 && n < INT_MAX ? (int)n : before;
}

static int take_piece(struct remote_stream *s, const cJSON *j, const char *where, struct err *e)
{
    const cJSON *choice = first_choice(j), *usage = json_get(j, "usage");
    const char *text = json_str(choice, "text"), *why = json_str(choice, "finish_reason");
    const char *message = remote_read_message(j);

    if (message)
        return err_set(e, ERR_IO, "%s: %.200s", where, message);
    if (!text)
        text = json_str(json_get(choice, "delta"), "content");
    if (text && *text) {
        if (strlen(text) > s->most - s->text.len)
            return err_set(e, ERR_FORMAT, "%s: an answer of more than %zu bytes", where, s->most);
        strbuf_adds(&s->text, text);
        s->n_pieces++;
    }
    if (why) {
        s->ended = 1;
        s->cut = strcmp(why, "length") == 0;
    }
    s->prompt_tokens = count_of(usage, "prompt_tokens", s->prompt_tokens);
    s->completion_tokens = count_of(usage, "completion_tokens", s->completion_tokens);
    return strbuf_ok(&s->text, e);
}

static int take_line(struct remote_stream *s, const char *where, struct err *e)
{
    const char *line = strbuf_str(&s->line);
    cJSON *j;
    int rc;

    if (strncmp(line, "data:", 5) != 0)
        return 0; /* blank lines, comments, names of events */
    line += 5;
    line += strspn(line, " ");
    if (strcmp(line, "[DONE]") == 0) {
        s->ended = 1;
        return 0;
    }
    j = json_parse(line, strlen(line), where, e);
    if (!j)
        return -1;
    rc = take_piece(s, j, where, e);
    json_free(j);
    return rc;
}

int remote_stream_feed(struct remote_stream *s, const char *bytes, size_t n, const char *where,
                       struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') {
            if (strbuf_ok(&s->line, e) < 0 || take_line(s, where, e) < 0)
                return -1;
            strbuf_clear(&s->line);
        } else if (s->line.len >= s->most) {
            return err_set(e, ERR_FORMAT, "%s: a line of more than %zu bytes", where, s->most);
        } else if (bytes[i] == 0) {
            return err_set(e, ERR_FORMAT, "%s: a zero byte in the answer", where);
        } else if (bytes[i] != '\r') {
            strbuf_addc(&s->line, bytes[i]);
        }
    }
    return 0;
}

void remote_stream_release(struct remote_stream *s)
{
    strbuf_release(&s->line);
    strbuf_release(&s->text);
}
