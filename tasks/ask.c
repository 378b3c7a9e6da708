#include "tasks/ask.h"

#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/strbuf.h"

int ask_queries(struct item *out, int n, struct err *e)
{
    out->queries = mem_calloc((size_t)n, sizeof *out->queries);
    if (!out->queries)
        return err_nomem(e);
    out->n_queries = n;
    return 0;
}

int ask_query(struct query *q, enum query_kind kind, const char *context, const char *delimiter,
              const char *text, struct err *e)
{
    struct strbuf b = STRBUF_INIT;

    q->kind = kind;
    q->context = mem_strdup(context);
    strbuf_adds(&b, delimiter);
    strbuf_adds(&b, text);
    q->continuation = strbuf_take(&b);
    return q->context && q->continuation ? 0 : err_nomem(e);
}

int ask_gold(struct item *out, const char *text, int index, struct err *e)
{
    out->gold_index = index;
    out->gold = mem_strdup(text);
    return out->gold ? 0 : err_nomem(e);
}

static int hash_queries(struct sha256 *s, const struct item *it, struct err *e)
{
    for (int i = 0; i < it->n_queries; i++) {
        const struct query *q = &it->queries[i];
        if (sha256_update(s, q->context, strlen(q->context), e) < 0 ||
            sha256_update(s, "\x1f", 1, e) < 0 ||
            sha256_update(s, q->continuation, strlen(q->continuation), e) < 0 ||
            sha256_update(s, "\x1e", 1, e) < 0)
            return -1;
    }
    return 0;
}

int ask_hash(struct item *it, const char *json, const char *passage, struct err *e)
{
    struct sha256 *s;
    char hex[SHA256_HEX];

    if (sha256_bytes(it->doc_hash, json, strlen(json), e) < 0 || sha256_begin(&s, e) < 0)
        return -1;
    if (hash_queries(s, it, e) < 0) {
        sha256_final(s, hex, NULL);
        return -1;
    }
    if (sha256_final(s, it->prompt_hash, e) < 0)
        return -1;
    if (!passage)
        return 0;
    if (sha256_bytes(hex, passage, strlen(passage), e) < 0)
        return -1;
    it->cluster = mem_strndup(hex, 16);
    return it->cluster ? 0 : err_nomem(e);
}
