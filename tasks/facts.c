/* facts.c -- rows of the bank to items, replies to likelihoods. */
#include "tasks/facts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "tasks/facts_bank.h"

int facts_count(const struct facts *f)
{
    return f->n_facts;
}

const char *facts_sha256(const struct facts *f)
{
    return f->sha256;
}

struct fact_info facts_info(const struct facts *f, int i)
{
    const struct fact *x = &f->facts[i];
    const struct relation *r = &f->relations[x->relation];

    return (struct fact_info){r->name, r->domain, facts_languages[x->language].name,
                              facts_bands[x->band], r->source_kind, x->id, x->subject, x->answer};
}

char *facts_phrase(const char *template, const char *subject)
{
    const char *at = strstr(template, "{s}");
    struct strbuf b = STRBUF_INIT;
    char *s;

    strbuf_add(&b, template, (size_t)(at - template));
    strbuf_adds(&b, subject);
    strbuf_adds(&b, at + strlen("{s}"));
    s = strbuf_take(&b);
    if (s && s[0] >= 'a' && s[0] <= 'z')
        s[0] = (char)(s[0] - 'a' + 'A');
    return s;
}

/* One is the other or its beginning.  What begins like a text is at least as likely as the text,
 * whatever the model knows ("4" and "47" where digits are tokens). */
static int begins_alike(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);

    return strncmp(a, b, n < m ? n : m) == 0;
}

static int has_text(const struct fact *x, const char *s)
{
    if (begins_alike(x->answer, s))
        return 1;
    for (int i = 0; i < x->n_aliases; i++)
        if (begins_alike(x->aliases[i], s))
            return 1;
    return 0;
}

static int shares_text(const struct fact *a, const struct fact *b)
{
    if (has_text(a, b->answer))
        return 1;
    for (int i = 0; i < b->n_aliases; i++)
        if (has_text(a, b->aliases[i]))
            return 1;
    return 0;
}

int facts_clash(const struct facts *f, int a, int b)
{
    const struct fact *x = &f->facts[a], *y = &f->facts[b];
    const struct relation *r = &f->relations[x->relation];

    for (int i = r->first; i < r->first + r->count; i++) { /* every right answer of the subject */
        const struct fact *z = &f->facts[i];
        if (z->language != x->language || strcmp(z->id, x->id) != 0)
            continue;
        if (shares_text(z, y))
            return 1;
        for (int k = 0; k < z->n_also; k++)
            if (has_text(y, z->also[k]))
                return 1;
    }
    return 0;
}

int facts_candidates(const struct facts *f, int i, int out[FACTS_CANDIDATES])
{
    const struct fact *x = &f->facts[i];
    const struct relation *r = &f->relations[x->relation];
    uint64_t rank[FACTS_CANDIDATES];
    int n = 1;

    out[0] = i;
    for (int c = r->first; c < r->first + r->count; c++) {
        const struct fact *y = &f->facts[c];
        uint64_t h;
        int at;
        if (y->language != x->language || !y->new_answer || facts_clash(f, i, c))
            continue;
        h = facts_hash(f->seed, r->name, x->id, y->answer, (char *)NULL);
        if (n == FACTS_CANDIDATES && h >= rank[n - 1])
            continue;
        at = n < FACTS_CANDIDATES ? n++ : n - 1;
        for (; at > 1 && h < rank[at - 1]; at--) { /* insertion among the smallest so far */
            rank[at] = rank[at - 1];
            out[at] = out[at - 1];
        }
        rank[at] = h;
        out[at] = c;
    }
    return n;
}

static int count_queries(const struct facts *f, const int *candidates, int k)
{
    int n = 0;

    for (int c = 0; c < k; c++)
        n += 1 + f->facts[candidates[c]].n_aliases;
    return n * FACTS_TEMPLATES * 2;
}

static int add_query(struct item *it, const char *context, const char *delimiter,
                     const char *answer, struct err *e)
{
    struct query *q = &it->queries[it->n_queries++];
    size_t n = strlen(delimiter), m = strlen(answer);

    *q = (struct query){.kind = QUERY_LOGLIKELIHOOD};
    q->context = mem_strdup(context);
    q->continuation = mem_alloc(n + m + 1);
    if (!q->context || !q->continuation)
        return err_nomem(e);
    memcpy(q->continuation, delimiter, n);
    memcpy(q->continuation + n, answer, m + 1);
    return 0;
}

/* The candidates and their aliases after one phrasing about one subject. */
static int add_queries(const struct facts *f, const int *candidates, int k, const char *template,
                       const char *subject, struct item *it, struct err *e)
{
    const char *delimiter = facts_languages[f->facts[candidates[0]].language].delimiter;
    char *context = facts_phrase(template, subject);
    int rc = context ? 0 : err_nomem(e);

    for (int c = 0; c < k && rc == 0; c++) {
        const struct fact *x = &f->facts[candidates[c]];
        rc = add_query(it, context, delimiter, x->answer, e);
        for (int a = 0; a < x->n_aliases && rc == 0; a++)
            rc = add_query(it, context, delimiter, x->aliases[a], e);
    }
    mem_free(context);
    return rc;
}

static char *document(const struct facts *f, int i, const int *candidates, int k)
{
    struct fact_info x = facts_info(f, i);
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);

    json_begin_object(&o, NULL);
    json_put_str(&o, "relation", x.relation);
    json_put_str(&o, "domain", x.domain);
    json_put_str(&o, "language", x.language);
    json_put_str(&o, "band", x.band);
    json_put_str(&o, "source_kind", x.source_kind);
    json_put_str(&o, "id", x.id);
    json_put_str(&o, "subject", x.subject);
    json_begin_array(&o, "candidates");
    for (int c = 0; c < k; c++)
        json_put_str(&o, NULL, f->facts[candidates[c]].answer);
    json_end_array(&o);
    json_end_object(&o);
    return strbuf_take(&b);
}

static int hash_item(struct item *it, struct err *e)
{
    struct sha256 *s = NULL;

    if (sha256_bytes(it->doc_hash, it->doc, strlen(it->doc), e) < 0 || sha256_begin(&s, e) < 0)
        return -1;
    for (int i = 0; i < it->n_queries; i++) { /* with their zero bytes, so that joints count */
        const struct query *q = &it->queries[i];
        if (sha256_update(s, q->context, strlen(q->context) + 1, e) < 0 ||
            sha256_update(s, q->continuation, strlen(q->continuation) + 1, e) < 0) {
            sha256_final(s, it->prompt_hash, NULL);
            return -1;
        }
    }
    return sha256_final(s, it->prompt_hash, e);
}

int facts_item(const struct facts *f, int i, struct item *out, struct err *e)
{
    const struct fact *x = &f->facts[i];
    const struct relation *r = &f->relations[x->relation];
    struct item it = {.doc_id = i};
    int candidates[FACTS_CANDIDATES], k = facts_candidates(f, i, candidates);
    size_t n = strlen(r->name) + strlen(x->id) + 2;

    it.doc = document(f, i, candidates, k);
    it.gold = mem_strdup(x->answer);
    it.cluster = mem_alloc(n);
    it.queries = mem_calloc((size_t)count_queries(f, candidates, k), sizeof *it.queries);
    if (!it.doc || !it.gold || !it.cluster || !it.queries) {
        err_nomem(e);
        goto fail;
    }
    snprintf(it.cluster, n, "%s/%s", r->name, x->id);
    for (int t = 0; t < FACTS_TEMPLATES; t++) {
        const char *template = r->templates[x->language][t];
        if (add_queries(f, candidates, k, template, x->subject, &it, e) < 0 ||
            add_queries(f, candidates, k, template, r->neutral[x->language], &it, e) < 0)
            goto fail;
    }
    if (hash_item(&it, e) < 0)
        goto fail;
    *out = it;
    return 0;
fail:
    item_release(&it);
    *out = (struct item){0};
    return -1;
}

/* ln of the summed likelihoods of an answer and its aliases. */
static double sum_likelihoods(const double *nats, int n)
{
    double top = nats[0], sum = 0;

    for (int i = 1; i < n; i++)
        top = fmax(top, nats[i]);
    if (n == 1 || !isfinite(top))
        return top;
    for (int i = 0; i < n; i++)
        sum += exp(nats[i] - top);
    return top + log(sum);
}

int facts_decode(const struct facts *f, int i, const double *nats, int n_queries,
                 struct facts_likelihoods *out, struct err *e)
{
    int candidates[FACTS_CANDIDATES], k, want;

    if (i < 0 || i >= f->n_facts)
        return err_set(e, ERR_NOTFOUND, "facts: item %d of %d", i, f->n_facts);
    k = facts_candidates(f, i, candidates);
    want = count_queries(f, candidates, k);
    if (n_queries != want)
        return err_set(e, ERR_INVALID, "facts: item %d has %d likelihoods, %d belong to it", i,
                       n_queries, want);
    out->k = k;
    for (int c = 0; c < k; c++)
        out->n[c] = (double)strlen(f->facts[candidates[c]].answer);
    for (int t = 0; t < FACTS_TEMPLATES; t++) {
        for (int neutral = 0; neutral < 2; neutral++) {
            for (int c = 0; c < k; c++) {
                int texts = 1 + f->facts[candidates[c]].n_aliases;
                (neutral ? out->m : out->l)[t * k + c] = sum_likelihoods(nats, texts);
                nats += texts;
            }
        }
    }
    return 0;
}

/* The likeliest candidate by the mean of l - m.  A tie goes against the right answer: a model
 * that tells nothing apart knows nothing. */
static int choose(const struct facts_likelihoods *v)
{
    double best = 0;
    int chosen = -1;

    for (int c = v->k - 1; c >= 0; c--) {
        double sum = 0;
        for (int t = 0; t < FACTS_TEMPLATES; t++)
            sum += v->l[t * v->k + c] - v->m[t * v->k + c];
        if (chosen < 0 || sum > best) {
            best = sum;
            chosen = c;
        }
    }
    return chosen;
}

int facts_score(const struct facts *f, const struct item *it, const struct reply_text *replies,
                struct verdict *out, struct err *e)
{
    double *nats = mem_calloc((size_t)it->n_queries + 1, sizeof *nats);
    int candidates[FACTS_CANDIDATES], chosen, rc = -1;
    struct facts_likelihoods v;
    char *prediction = NULL;

    *out = (struct verdict){.n = 0};
    if (!nats) {
        err_nomem(e);
        goto out;
    }
    for (int i = 0; i < it->n_queries; i++) {
        nats[i] = replies[i].loglikelihood;
        if (isnan(nats[i]) || nats[i] == INFINITY) {
            err_set(e, ERR_NUMERIC, "facts: item %d: log-likelihood %d is %g", it->doc_id, i,
                    nats[i]);
            goto out;
        }
    }
    if (facts_decode(f, it->doc_id, nats, it->n_queries, &v, e) < 0)
        goto out;
    chosen = choose(&v);
    facts_candidates(f, it->doc_id, candidates);
    prediction = mem_strdup(f->facts[candidates[chosen]].answer);
    if (!prediction) {
        err_nomem(e);
        goto out;
    }
    *out = (struct verdict){.credits = {{"acc", "none", chosen == 0, 1, NULL}}, .n = 1,
                            .prediction = prediction};
    rc = 0;
out:
    mem_free(nats);
    return rc;
}

struct place_in_order {
    double key;
    int index;
};

static int by_key(const void *a, const void *b)
{
    const struct place_in_order *x = a, *y = b;

    return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : x->index - y->index;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static int same_stratum(const struct fact *x, const struct fact *y)
{
    return x->language == y->language && x->band == y->band;
}

/* The facts of a stratum, in the order of their hashes, are spread evenly over [0, 1) with a
 * random start; the sample is what lies below a threshold.  So each stratum gets its share to
 * within one item, and a larger sample holds the smaller. */
static double sampling_key(const struct facts *f, int i)
{
    const struct fact *x = &f->facts[i];
    const struct relation *r = &f->relations[x->relation];
    uint64_t mine = facts_hash(f->seed, r->name, x->id, x->answer, (char *)NULL);
    uint64_t start = facts_hash(f->seed, r->name, facts_languages[x->language].name,
                                facts_bands[x->band], (char *)NULL);
    int size = 0, before = 0;

    for (int k = r->first; k < r->first + r->count; k++) {
        const struct fact *y = &f->facts[k];
        uint64_t h;
        if (!same_stratum(x, y))
            continue;
        h = facts_hash(f->seed, r->name, y->id, y->answer, (char *)NULL);
        before += h < mine || (h == mine && k < i);
        size++;
    }
    return (before + (double)(start >> 11) / 9007199254740992.0) / size;
}

int facts_order(const struct facts *f, int limit, int *order)
{
    int n = limit > 0 && limit < f->n_facts ? limit : f->n_facts;
    struct place_in_order *p = NULL;

    if (n < f->n_facts && !(p = mem_calloc((size_t)f->n_facts, sizeof *p)))
        return -1;
    for (int i = 0; i < f->n_facts && p; i++)
        p[i] = (struct place_in_order){sampling_key(f, i), i};
    if (p)
        qsort(p, (size_t)f->n_facts, sizeof *p, by_key);
    for (int i = 0; i < n; i++)
        order[i] = p ? p[i].index : i;
    qsort(order, (size_t)n, sizeof *order, by_number);
    mem_free(p);
    return n;
}
