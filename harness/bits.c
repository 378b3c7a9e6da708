#include "harness/bits.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/factscore.h"

struct bits {
    const struct facts *facts;
    struct factscore *score;
};

int bits_open(struct bits **out, const struct facts *bank, struct err *e)
{
    struct bits *b = mem_calloc(1, sizeof *b);

    if (!b)
        return err_nomem(e);
    b->facts = bank;
    if (factscore_open(&b->score, bank, e) < 0) {
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
    factscore_close(b->score);
    mem_free(b);
}

int bits_add(struct bits *b, const struct store_item *it, struct err *e)
{
    double *nats = mem_alloc((size_t)it->n_requests * sizeof *nats);
    int rc;

    if (!nats)
        return err_nomem(e);
    for (int i = 0; i < it->n_requests; i++)
        nats[i] = it->requests[i].loglikelihood;
    rc = factscore_add(b->score, it->doc_id, nats, it->n_requests, e);
    mem_free(nats);
    return rc;
}

struct value_list {
    struct store_value *v;
    int *n, max;
};

static void put(struct value_list *l, const char *metric, const char *filter,
                const struct knowledge_total *t, double unit)
{
    if (*l->n < l->max)
        l->v[(*l->n)++] = (struct store_value){metric, filter, t->bits / unit, NAN, t->low / unit,
                                               t->high / unit};
}

static const char *part_name(struct fact_info f, enum factscore_part part)
{
    return part == FACTS_LANGUAGE ? f.language : part == FACTS_DOMAIN ? f.domain : f.band;
}

static int known(const struct value_list *l, int from, const char *name)
{
    for (int i = from; i < *l->n; i++)
        if (strcmp(l->v[i].filter, name) == 0)
            return 1;
    return 0;
}

/* bits_per_fact of every language, domain and band that was asked; the name is the filter. */
static int put_parts(struct bits *b, enum factscore_part part, struct value_list *l,
                     struct err *e)
{
    struct knowledge_total t;
    int from = *l->n;
    double bits;

    for (int k = 0; k < factscore_count(b->score); k++) {
        int i = factscore_item(b->score, k, &bits);
        const char *name = part_name(facts_info(b->facts, i), part);
        if (known(l, from, name))
            continue;
        if (factscore_total(b->score, part, name, &t, e) < 0)
            return -1;
        put(l, "bits_per_fact", name, &t, t.n_items);
    }
    return 0;
}

/* NAN: not known, as behind a server. */
static double millions(int64_t n)
{
    return n > 0 ? (double)n / 1e6 : NAN;
}

int bits_values(struct bits *b, const struct store_model *model, struct store_value *values,
                int *n, int max, struct err *e)
{
    struct value_list l = {values, n, max};
    struct knowledge_total t;

    if (factscore_count(b->score) == 0)
        return 0;
    if (factscore_fit(b->score, e) < 0 ||
        factscore_total(b->score, FACTS_ALL, NULL, &t, e) < 0)
        return -1;
    put(&l, "knowledge_bits", "none", &t, 1);
    put(&l, "bits_per_fact", "none", &t, t.n_items);
    put(&l, "knowledge_share", "none", &t, t.maximum);
    put(&l, "bits_per_mparam", "none", &t, millions(model->parameters));
    put(&l, "bits_per_mbyte", "none", &t, millions(model->file_bytes));
    if (put_parts(b, FACTS_LANGUAGE, &l, e) < 0 || put_parts(b, FACTS_DOMAIN, &l, e) < 0 ||
        put_parts(b, FACTS_BAND, &l, e) < 0)
        return -1;
    return 0;
}
