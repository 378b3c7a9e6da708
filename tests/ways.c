#include "tests/ways.h"

#include "tests/test.h"

#include "runners/kernels.h"

struct rows {
    float *at;
    int n_vocab, n;
};

static int keep_row(void *user, const struct request *q, int position, const float *logits)
{
    struct rows *r = user;
    (void)q;
    assert_int_equal(position, r->n);
    memcpy(r->at + (size_t)r->n++ * (size_t)r->n_vocab, logits,
           (size_t)r->n_vocab * sizeof *logits);
    return 0;
}

static struct request all_rows(const int32_t *ids, int n, struct rows *to)
{
    return (struct request){.kind = REQUEST_LOGITS, .ids = ids, .n_ids = n, .on_logits = keep_row,
                            .user = to};
}

struct runner *ways_open(const struct ways_case *g, struct runner_opts o)
{
    struct runner *r = NULL;
    struct err e = ERR_NONE;

    o.context = g->context;
    if (runner_open(&r, g->path, &o, &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

void ways_run(const struct ways_case *g, struct runner *r, float *to)
{
    struct rows rows = {.at = to, .n_vocab = g->n_vocab};
    struct request q = all_rows(g->ids, g->n, &rows);
    struct err e = ERR_NONE;

    assert_int_equal(runner_info(r)->vocab_size, g->n_vocab);
    if (runner_run(r, &q, 1, NULL, NULL, NULL, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(rows.n, g->n);
}

void ways_compute(const struct ways_case *g, struct runner_opts o, float *to)
{
    struct runner *r = ways_open(g, o);

    ways_run(g, r, to);
    runner_close(r);
}

static void same(const struct ways_case *g, const float *got, int rows, const char *way)
{
    for (int i = 0; i < rows; i++) {
        size_t at = (size_t)i * (size_t)g->n_vocab;
        if (memcmp(got + at, g->got + at, (size_t)g->n_vocab * sizeof *got) != 0)
            fail_msg("%s: other bits at position %d %s", g->name, i, way);
    }
}

void ways_cut(const struct ways_case *g)
{
    static const struct {
        struct runner_opts o;
        const char *way;
    } ways[] = {
        {{.threads = 1, .batch_tokens = 1}, "one token at a time"},
        {{.threads = 3}, "with three threads"},
        {{.threads = 2, .batch_tokens = 7}, "with seven tokens a batch"},
    };
    float *got = malloc((size_t)g->n * (size_t)g->n_vocab * sizeof *got);

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        ways_compute(g, ways[i].o, got);
        same(g, got, g->n, ways[i].way);
    }
    for (int i = 0; kernels_at(i); i++) {
        if (!kernels_at(i)->usable())
            continue;
        ways_compute(g, (struct runner_opts){.threads = 1, .kernels = kernels_at(i)->name}, got);
        same(g, got, g->n, kernels_at(i)->name);
    }
    free(got);
}

struct scored {
    float nats[2][WAYS_IDS_MAX];
    int n, computed; /* n: likelihoods of each request */
};

static int keep_nats(void *user, int i, const struct reply *a)
{
    struct scored *s = user;

    s->computed += a->computed_tokens;
    memcpy(s->nats[i], a->token_nats, (size_t)s->n * sizeof(float));
    return 0;
}

static struct request score_all(const int32_t *ids, int n)
{
    return (struct request){.kind = REQUEST_SCORE, .ids = ids, .n_ids = n, .n_given = 1};
}

/* Two paths that part in the middle, in one call: the prefix is computed once, and each has the
 * bits that it has alone. */
void ways_shared_prefix(const struct ways_case *g)
{
    static struct scored both, alone;
    static int32_t other[WAYS_IDS_MAX];
    int half = g->n / 2;
    struct err e = ERR_NONE;

    if (g->n < 4)
        return;
    memset(&both, 0, sizeof both);
    memset(&alone, 0, sizeof alone);
    both.n = alone.n = g->n - 1;
    for (int i = 0; i < g->n; i++)
        other[i] = i < half ? g->ids[i] : (g->ids[i] + 1) % g->n_vocab;
    struct request q[] = {score_all(g->ids, g->n), score_all(other, g->n)};
    struct runner *r = ways_open(g, (struct runner_opts){.threads = 2, .batch_tokens = 16});
    if (runner_run(r, q, 2, keep_nats, &both, NULL, &e) < 0)
        fail_msg("%s", e.text);
    runner_close(r);
    assert_int_equal(both.computed, 2 * (g->n - 1) - half);
    r = ways_open(g, (struct runner_opts){.threads = 1});
    for (int i = 0; i < 2; i++) {
        struct scored one = {.n = g->n - 1};
        if (runner_run(r, &q[i], 1, keep_nats, &one, NULL, &e) < 0)
            fail_msg("%s", e.text);
        memcpy(alone.nats[i], one.nats[0], sizeof one.nats[0]);
    }
    runner_close(r);
    for (int i = 0; i < both.n; i++)
        assert_true(both.nats[0][i] != 0 && both.nats[1][i] != 0);
    if (memcmp(both.nats, alone.nats, sizeof both.nats) != 0)
        fail_msg("%s: other bits after a shared prefix", g->name);
}
