#include "harness/kept.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "harness/version.h"
#include "results/encodings.h"

enum { GROUP = 512 };
/* Whoever changes what a text is in tokens, in the tokenizers or in encode.c, changes this. */
#define ENCODING_RULES "tokens/1, " DENSIMETER_VERSION

struct kept {
    struct store *store;
    struct likelihood_set set;
    struct likelihood waiting[GROUP];
    int n_waiting;
    struct encoding_set encodings;
    struct encoding encoded[GROUP];
    int n_encoded;
};

int kept_open(struct kept **out, struct store *s, const char *model_sha256,
              const struct model_info *m, const char *device, const char *activation,
              struct err *e)
{
    struct strbuf settings = STRBUF_INIT;
    struct json_out o = JSON_OUT(&settings);
    struct kept *k = mem_calloc(1, sizeof *k);
    int rc = -1;

    *out = NULL;
    json_begin_object(&o, NULL);
    json_put_str(&o, "rope", m->rope);
    if (activation)
        json_put_str(&o, "activation", activation);
    json_end_object(&o);
    if (!k) {
        err_nomem(e);
        goto out;
    }
    const struct likelihood_about about = {model_sha256, m->numerics_id, device,
                                           strbuf_str(&settings)};
    k->store = s;
    if (strbuf_ok(&settings, e) < 0 || likelihood_set_open(s, &about, &k->set, e) < 0)
        goto out;
    *out = k;
    k = NULL;
    rc = 0;
out:
    kept_close(k);
    strbuf_release(&settings);
    return rc;
}

static void forget_encoded(struct kept *k)
{
    for (int i = 0; i < k->n_encoded; i++)
        mem_free(k->encoded[i].requests);
    k->n_encoded = 0;
}

void kept_close(struct kept *k)
{
    if (k)
        forget_encoded(k);
    mem_free(k);
}

static int half_of_hash(char key[LIKELIHOOD_KEY], struct sha256 *s, int rc, struct err *e)
{
    char hex[SHA256_HEX];

    if (sha256_final(s, hex, rc < 0 ? NULL : e) < 0 || rc < 0)
        return -1;
    memcpy(key, hex, LIKELIHOOD_KEY - 1);
    key[LIKELIHOOD_KEY - 1] = 0;
    return 0;
}

/* Both numbers in front, so that no two requests give the same bytes. */
int kept_key(char key[LIKELIHOOD_KEY], const struct request *q, struct err *e)
{
    const int32_t head[] = {q->n_ids, q->n_given};
    struct sha256 *s;
    int rc;

    if (sha256_begin(&s, e) < 0)
        return -1;
    rc = sha256_update(s, head, sizeof head, e);
    if (rc == 0)
        rc = sha256_update(s, q->ids, (size_t)q->n_ids * sizeof *q->ids, e);
    return half_of_hash(key, s, rc, e);
}

int kept_find(struct kept *k, const char key[LIKELIHOOD_KEY], double *nats, int *is_greedy,
              struct err *e)
{
    struct likelihood v;
    int rc;

    memcpy(v.request, key, LIKELIHOOD_KEY);
    rc = likelihood_find(k->store, &k->set, &v, e);
    if (rc == 1) {
        *nats = v.nats;
        *is_greedy = v.is_greedy;
    }
    return rc;
}

int kept_add(struct kept *k, const char key[LIKELIHOOD_KEY], double nats, int is_greedy,
             struct err *e)
{
    struct likelihood *v = &k->waiting[k->n_waiting];

    if (!isfinite(nats))
        return 0;
    memcpy(v->request, key, LIKELIHOOD_KEY);
    v->nats = nats;
    v->is_greedy = is_greedy;
    return ++k->n_waiting == GROUP ? kept_flush(k, e) : 0;
}

int kept_flush(struct kept *k, struct err *e)
{
    int n = k->n_waiting, rc = 0;

    k->n_waiting = 0;
    if (n)
        rc = likelihood_keep(k->store, &k->set, k->waiting, n, LIKELIHOODS_MAX, e);
    if (rc == 0 && k->n_encoded)
        rc = encoding_keep(k->store, &k->encodings, k->encoded, k->n_encoded, ENCODINGS_MAX, e);
    forget_encoded(k);
    return rc;
}

/* --- encodings ---------------------------------------------------------------------------- */

int kept_encodings(struct kept *k, const char *tokenizer_sha256, struct err *e)
{
    return encoding_set_open(k->store, tokenizer_sha256, ENCODING_RULES, &k->encodings, e);
}

void kept_query_release(struct kept_query *q)
{
    mem_free(q->v);
    *q = (struct kept_query){0};
}

/* The lengths in front, so that no two queries give the same bytes. */
int kept_query_key(const struct kept *k, char key[LIKELIHOOD_KEY], const struct encoder *enc,
                   const struct query *q, struct err *e)
{
    const char *context = q->context ? q->context : "", *next = q->continuation;
    size_t n_context = strlen(context), n_next = next ? strlen(next) : 0;
    const uint64_t head[] = {(uint64_t)q->kind, n_context, n_next, (uint64_t)enc->bos,
                             (uint64_t)enc->max_length, (uint64_t)q->window,
                             (uint64_t)q->scored_from, (uint64_t)q->most_tokens};
    struct sha256 *s;
    int rc;

    key[0] = 0;
    if (!k->encodings.id)
        return 0;
    if (sha256_begin(&s, e) < 0)
        return -1;
    rc = sha256_update(s, head, sizeof head, e);
    if (rc == 0)
        rc = sha256_update(s, context, n_context, e);
    if (rc == 0)
        rc = sha256_update(s, next ? next : "", n_next, e);
    return half_of_hash(key, s, rc, e);
}

/* "SPLIT;" and of each request "IDS GIVEN CONTEXT KEY;".  The row was sealed, so its form is ours;
 * 0 when it is not all the same. */
static int read_requests(struct kept_query *io, const char *s, struct err *e)
{
    char *end;

    io->n_split = (int)strtol(s, &end, 10);
    while (*end == ';' && end[1]) {
        struct kept_request r;
        char *p = end + 1;
        r.n_ids = (int)strtol(p, &p, 10);
        r.n_given = (int)strtol(p, &p, 10);
        r.n_context = (int)strtol(p, &p, 10);
        if (*p != ' ' || strlen(p) < LIKELIHOOD_KEY || r.n_given < 1 || r.n_ids <= r.n_given)
            return 0;
        memcpy(r.key, p + 1, LIKELIHOOD_KEY - 1);
        r.key[LIKELIHOOD_KEY - 1] = 0;
        end = p + LIKELIHOOD_KEY;
        if (mem_grow(&io->v, &io->cap, io->n + 1, sizeof *io->v) < 0)
            return err_nomem(e);
        io->v[io->n++] = r;
    }
    return *end == ';';
}

int kept_query_find(struct kept *k, struct kept_query *io, struct err *e)
{
    struct strbuf text = STRBUF_INIT;
    int rc = 0;

    io->n = 0;
    if (io->key[0])
        rc = encoding_find(k->store, &k->encodings, io->key, &text, e);
    if (rc == 1 && (rc = strbuf_ok(&text, e)) == 0)
        rc = read_requests(io, strbuf_str(&text), e);
    strbuf_release(&text);
    return rc;
}

int kept_query_add(struct kept *k, const struct kept_query *q, struct err *e)
{
    struct encoding *c = &k->encoded[k->n_encoded];
    struct strbuf text = STRBUF_INIT;

    if (!q->key[0])
        return 0;
    strbuf_addf(&text, "%d;", q->n_split);
    for (size_t i = 0; i < q->n; i++)
        strbuf_addf(&text, "%d %d %d %s;", q->v[i].n_ids, q->v[i].n_given, q->v[i].n_context,
                    q->v[i].key);
    memcpy(c->query, q->key, LIKELIHOOD_KEY);
    c->requests = strbuf_take(&text);
    if (!c->requests)
        return err_nomem(e);
    return ++k->n_encoded == GROUP ? kept_flush(k, e) : 0;
}
