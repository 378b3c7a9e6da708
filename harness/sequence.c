#include "harness/sequence.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "harness/item_text.h"
#include "harness/stats.h"
#include "harness/stats_dist.h"

enum { SHARD_MIN = 3, SHARD_MAX = 64 };

struct testing {
    struct runner *r;
    struct encoder *c;
    const struct sequence_opts *o;
    char **texts; /* of the items */
    int n;
    double *gains; /* of the shards */
    int n_gains;
    struct rng rng;
};

static int count_tokens(struct testing *g, const char *text, struct err *e)
{
    struct ids ids = {0};
    int rc = encode_text(g->c, text, strlen(text), &ids, e), n = (int)ids.n;

    ids_release(&ids);
    return rc < 0 ? -1 : n;
}

/* How many items from `first` on fit what the model reads at once. */
static int shard_size(struct testing *g, int first, struct err *e)
{
    int budget = g->c->max_length - 8, size = 0;

    for (int i = first; i < g->n && size < SHARD_MAX; i++) {
        int n = count_tokens(g, g->texts[i], e);
        if (n < 0)
            return -1;
        budget -= n + 2; /* the empty line between two */
        if (budget < 0)
            break;
        size++;
    }
    return size;
}

static char *joined(struct testing *g, int first, const int *order, int n, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    char *text;

    for (int i = 0; i < n; i++)
        strbuf_addf(&b, "%s%s", i ? "\n\n" : "", g->texts[first + order[i]]);
    text = strbuf_take(&b);
    if (!text)
        err_nomem(e);
    return text;
}

static void shuffle(struct testing *g, int *order, int n)
{
    for (int i = n - 1; i > 0; i--) {
        int k = (int)rng_below(&g->rng, (uint32_t)i + 1), t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
}

/* The file's order of one shard against the others. */
static int test_shard(struct testing *g, int first, int n, struct err *e)
{
    size_t k = (size_t)g->o->orders + 1;
    struct pair *pairs = mem_calloc(k, sizeof *pairs);
    struct answer *answers = mem_calloc(k, sizeof *answers);
    int order[SHARD_MAX], rc = pairs && answers ? 0 : err_nomem(e);
    double others = 0;

    for (size_t i = 0; i < k && rc == 0; i++) {
        for (int j = 0; j < n; j++)
            order[j] = j;
        if (i)
            shuffle(g, order, n);
        pairs[i].context = "";
        pairs[i].continuation = joined(g, first, order, n, e);
        if (!pairs[i].continuation)
            rc = -1;
    }
    if (rc == 0)
        rc = evaluate_pairs(g->r, g->c, pairs, (int)k, answers, g->o->stop, e);
    if (rc == 0) {
        for (size_t i = 1; i < k; i++)
            others += answers[i].loglikelihood / (double)g->o->orders;
        g->gains[g->n_gains++] = answers[0].loglikelihood - others;
    }
    for (size_t i = 0; pairs && i < k; i++)
        mem_free((char *)pairs[i].continuation);
    mem_free(pairs);
    mem_free(answers);
    return rc;
}

static int test_shards(struct testing *g, struct err *e)
{
    for (int first = 0; first < g->n;) {
        int n = shard_size(g, first, e);
        if (n < 0)
            return -1;
        if (n >= SHARD_MIN && test_shard(g, first, n, e) < 0)
            return -1;
        first += n > 0 ? n : 1;
    }
    return 0;
}

static void sum_up(const struct testing *g, struct sequence_result *x)
{
    size_t m = (size_t)g->n_gains;

    x->n_items = g->n;
    x->n_shards = g->n_gains;
    x->nats = stats_mean(g->gains, m);
    x->p = NAN;
    for (size_t i = 0; i < m; i++)
        x->likelier += (g->gains[i] > 0) / (double)m;
    if (m > 1 && stats_stderr(g->gains, m) > 0)
        x->p = dist_t_sf(x->nats / stats_stderr(g->gains, m), (double)m - 1);
}

int sequence_test(struct runner *r, struct encoder *c, const struct task *t,
                  const struct sequence_opts *o, struct sequence_result *out, struct err *e)
{
    int n = task_count(t), rc = -1;
    struct testing g = {.r = r, .c = c, .o = o};

    *out = (struct sequence_result){.p = NAN};
    if (o->limit > 0 && o->limit < n)
        n = o->limit;
    rng_seed(&g.rng, o->seed);
    g.texts = mem_calloc((size_t)n + 1, sizeof *g.texts);
    g.gains = mem_calloc((size_t)n + 1, sizeof *g.gains);
    if (!g.texts || !g.gains) {
        err_nomem(e);
        goto out;
    }
    for (; g.n < n; g.n++)
        if (!(g.texts[g.n] = item_text(t, g.n, e)))
            goto out;
    if (test_shards(&g, e) < 0)
        goto out;
    if (g.n_gains == 0) {
        err_set(e, ERR_INVALID, "%s: fewer than %d items fit what the model reads at once",
                task_name(t), SHARD_MIN);
        goto out;
    }
    sum_up(&g, out);
    rc = 0;
out:
    for (int i = 0; g.texts && i < n; i++)
        mem_free(g.texts[i]);
    mem_free(g.texts);
    mem_free(g.gains);
    return rc;
}
