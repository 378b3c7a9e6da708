/* factscore.c -- see factscore.h.  Each item's arrays are one block: l, m, n. */
#include "harness/factscore.h"

#include <string.h>

#include "base/mem.h"

struct factscore {
    const struct facts *facts;
    struct knowledge_item *items;
    double **blocks; /* where the items' numbers live */
    int *numbers;    /* in the bank */
    size_t items_cap, blocks_cap, numbers_cap;
    int n;
    struct knowledge *fit;
};

int factscore_open(struct factscore **out, const struct facts *f, struct err *e)
{
    struct factscore *s = mem_calloc(1, sizeof *s);

    if (!s)
        return err_nomem(e);
    s->facts = f;
    *out = s;
    return 0;
}

void factscore_close(struct factscore *s)
{
    if (!s)
        return;
    for (int k = 0; k < s->n; k++)
        mem_free(s->blocks[k]);
    mem_free(s->items);
    mem_free(s->blocks);
    mem_free(s->numbers);
    knowledge_free(s->fit);
    mem_free(s);
}

int factscore_add(struct factscore *s, int i, const double *nats, int n_queries, struct err *e)
{
    size_t need = (size_t)s->n + 1, lm;
    struct facts_likelihoods v;
    struct fact_info x;
    double *block;

    if (facts_decode(s->facts, i, nats, n_queries, &v, e) < 0)
        return -1;
    if (mem_grow(&s->items, &s->items_cap, need, sizeof *s->items) < 0 ||
        mem_grow(&s->blocks, &s->blocks_cap, need, sizeof *s->blocks) < 0 ||
        mem_grow(&s->numbers, &s->numbers_cap, need, sizeof *s->numbers) < 0)
        return err_nomem(e);
    lm = (size_t)v.k * FACTS_TEMPLATES;
    block = mem_calloc(2 * lm + (size_t)v.k, sizeof *block);
    if (!block)
        return err_nomem(e);
    memcpy(block, v.l, lm * sizeof *block);
    memcpy(block + lm, v.m, lm * sizeof *block);
    memcpy(block + 2 * lm, v.n, (size_t)v.k * sizeof *block);
    x = facts_info(s->facts, i);
    s->items[s->n] = (struct knowledge_item){x.relation, x.id, x.language, v.k, block, block + lm,
                                             block + 2 * lm};
    s->blocks[s->n] = block;
    s->numbers[s->n++] = i;
    return 0;
}

static int check_once(const struct factscore *s, struct err *e)
{
    unsigned char *seen = mem_calloc((size_t)facts_count(s->facts) + 1, 1);
    int rc = seen ? 0 : err_nomem(e);

    for (int k = 0; k < s->n && rc == 0; k++) {
        struct fact_info x = facts_info(s->facts, s->numbers[k]);
        if (seen[s->numbers[k]]++)
            rc = err_set(e, ERR_INVALID, "facts: item %d (%s of %s, %s) is there twice",
                         s->numbers[k], x.relation, x.subject, x.language);
    }
    mem_free(seen);
    return rc;
}

int factscore_fit(struct factscore *s, struct err *e)
{
    if (check_once(s, e) < 0)
        return -1;
    knowledge_free(s->fit);
    s->fit = NULL;
    return knowledge_compute(&s->fit, s->items, s->n, FACTS_TEMPLATES, e);
}

int factscore_count(const struct factscore *s)
{
    return s->n;
}

int factscore_item(const struct factscore *s, int k, double *bits)
{
    *bits = s->fit->bits[k];
    return s->numbers[k];
}

const struct knowledge *factscore_knowledge(const struct factscore *s)
{
    return s->fit;
}

static const char *part_of(struct fact_info x, enum factscore_part part)
{
    switch (part) {
    case FACTS_LANGUAGE:
        return x.language;
    case FACTS_DOMAIN:
        return x.domain;
    case FACTS_BAND:
        return x.band;
    case FACTS_RELATION:
        return x.relation;
    case FACTS_ALL:
        break;
    }
    return NULL;
}

int factscore_total(const struct factscore *s, enum factscore_part part, const char *name,
                    struct knowledge_total *out, struct err *e)
{
    unsigned char *use = mem_calloc((size_t)s->n + 1, 1);
    int rc;

    if (!use)
        return err_nomem(e);
    for (int k = 0; k < s->n; k++) {
        const char *mine = part_of(facts_info(s->facts, s->numbers[k]), part);
        use[k] = !mine || strcmp(mine, name) == 0;
    }
    rc = knowledge_total(out, s->fit, s->items, use, FACTSCORE_SEED, FACTSCORE_REPLICATES, e);
    mem_free(use);
    return rc;
}
