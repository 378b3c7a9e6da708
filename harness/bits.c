#include "harness/bits.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/knowledge.h"
#include "tasks/facts.h"

enum { REPLICATES = 2000, BOOTSTRAP_SEED = 1234 };

struct bits {
    struct facts *facts;
    struct knowledge_item *items;
    struct facts_likelihoods **values; /* one block each: items point into them */
    size_t n, cap_items, cap_values;
};

int bits_open(struct bits **out, uint64_t seed, struct err *e)
{
    struct bits *b = mem_calloc(1, sizeof *b);

    if (!b)
        return err_nomem(e);
    if (facts_open(&b->facts, seed, e) < 0) {
        bits_close(b);
        return -1;
    }
    *out = b;
    return 0;
}

void bits_close(struct bits *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->n; i++)
        mem_free(b->values[i]);
    mem_free(b->values);
    mem_free(b->items);
    facts_close(b->facts);
    mem_free(b);
}

static int decode(struct bits *b, const struct store_item *it, struct facts_likelihoods *out,
                  struct err *e)
{
    double *nats = mem_alloc((size_t)it->n_requests * sizeof *nats);
    int rc;

    if (!nats)
        return err_nomem(e);
    for (int i = 0; i < it->n_requests; i++)
        nats[i] = it->requests[i].loglikelihood;
    rc = facts_decode(b->facts, it->doc_id, nats, it->n_requests, out, e);
    mem_free(nats);
    return rc;
}

int bits_add(struct bits *b, const struct store_item *it, struct err *e)
{
    struct facts_likelihoods *v = mem_alloc(sizeof *v);
    struct fact_info fact;

    if (!v || mem_grow(&b->items, &b->cap_items, b->n + 1, sizeof *b->items) < 0 ||
        mem_grow(&b->values, &b->cap_values, b->n + 1, sizeof *b->values) < 0) {
        mem_free(v);
        return err_nomem(e);
    }
    if (decode(b, it, v, e) < 0) {
        mem_free(v);
        return -1;
    }
    fact = facts_info(b->facts, it->doc_id);
    b->values[b->n] = v;
    b->items[b->n++] = (struct knowledge_item){
        .relation = fact.relation, .subject = fact.id, .language = fact.language, .k = v->k,
        .l = v->l, .m = v->m, .n = v->n};
    return 0;
}

static void put(struct store_value *values, int *n, int max, const char *metric,
                const struct knowledge_total *t, double unit)
{
    if (*n < max)
        values[(*n)++] = (struct store_value){metric, "none", t->bits / unit, NAN, t->low / unit,
                                              t->high / unit};
}

int bits_values(struct bits *b, const struct store_model *model, struct store_value *values,
                int *n, int max, struct err *e)
{
    struct knowledge *k = NULL;
    struct knowledge_total t;
    int rc = -1;

    if (b->n == 0)
        return 0;
    if (knowledge_compute(&k, b->items, (int)b->n, FACTS_TEMPLATES, e) < 0 ||
        knowledge_total(&t, k, b->items, NULL, BOOTSTRAP_SEED, REPLICATES, e) < 0)
        goto out;
    put(values, n, max, "knowledge_bits", &t, 1);
    put(values, n, max, "bits_per_fact", &t, t.n_items);
    put(values, n, max, "knowledge_share", &t, t.maximum);
    put(values, n, max, "bits_per_mparam", &t, (double)model->parameters / 1e6);
    put(values, n, max, "bits_per_mbyte", &t, (double)model->file_bytes / 1e6);
    rc = 0;
out:
    knowledge_free(k);
    return rc;
}
