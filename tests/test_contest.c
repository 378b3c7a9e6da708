/* Options that cannot win are given up: the same answers with fewer tokens. */
#include "tests/test.h"

#include "base/mem.h"
#include "runners/quant.h"
#include "runners/runner.h"
#include "tests/tiny.h"

enum { QUESTIONS = 40, OPTIONS = 4, ASKED = QUESTIONS * OPTIONS, LONGEST = 120, RULES = 3 };

static char model_path[64];

static int write_model(void **state)
{
    struct tiny_opts o = {.seed = 8, .type = QUANT_Q4_0, .layers = 2};
    (void)state;
    snprintf(model_path, sizeof model_path, "/tmp/densimeter-contest-%ld.gguf", (long)getpid());
    return tiny_write(model_path, &o, NULL);
}

static int remove_model(void **state)
{
    (void)state;
    return unlink(model_path);
}

struct answers {
    struct {
        double nats;
        int is_pruned;
    } v[ASKED];
    int n;
    struct counts counts;
};

static int keep(void *user, int i, const struct reply *a)
{
    struct answers *all = user;

    assert_true(a->is_pruned == (a->token_nats == NULL));
    assert_true(a->computed_tokens + a->shared_tokens <= a->prompt_tokens);
    all->v[i].nats = a->nats;
    all->v[i].is_pruned = a->is_pruned;
    all->n++;
    return 0;
}

/* Questions behind the same shots; options of 1 to 40 tokens, some alike at their beginning, one
 * sometimes the beginning of another, two sometimes the same. */
static void make_questions(struct request *q, int32_t ids[ASKED][LONGEST])
{
    uint64_t s = 4;

    memset(q, 0, ASKED * sizeof *q);
    for (int i = 0; i < ASKED; i++) {
        int k = i % OPTIONS, given = i < OPTIONS || k ? q[i - (i > 0)].n_given : 0;
        if (k == 0)
            given = 20 + (int)(tiny_random(&s) % 50);
        for (int t = 0; t < given; t++)
            ids[i][t] = k          ? ids[i - 1][t]
                        : i && t < 20 ? ids[0][t]
                                      : 3 + (int32_t)(tiny_random(&s) % 200);
        int n = 1 + (int)(tiny_random(&s) % (i % 3 ? 40 : 4)), alike = (int)(tiny_random(&s) % 3);
        for (int t = 0; t < n; t++)
            ids[i][given + t] = k && alike == 1 && t < 5 ? ids[i - 1][given + t]
                                                         : 3 + (int32_t)(tiny_random(&s) % 200);
        if (k && tiny_random(&s) % 8 == 0) { /* the one before, or its beginning */
            n = q[i - 1].n_ids - given - (int)(tiny_random(&s) % 2);
            n = n < 1 ? 1 : n;
            memcpy(ids[i], ids[i - 1], sizeof ids[i]);
        }
        q[i] = (struct request){.kind = REQUEST_SCORE, .ids = ids[i], .n_ids = given + n,
                                .n_given = given, .n_rules = RULES,
                                .lengths = {1, (double)(i % 7 ? 3 * n + k : 0), n}};
    }
}

static struct answers ask(const struct runner_opts *o, int rules)
{
    static int32_t ids[ASKED][LONGEST];
    struct request q[ASKED];
    struct answers all = {.n = 0};
    struct err e = ERR_NONE;
    struct runner *r;

    make_questions(q, ids);
    for (int i = 0; i < ASKED && rules; i++) {
        q[i].contest = 1 + i / OPTIONS;
        q[i].n_rules = rules;
    }
    if (runner_open(&r, model_path, o, &e) < 0 || runner_run(r, q, ASKED, keep, &all, NULL, &e) < 0)
        fail_msg("%s", e.text);
    all.counts = runner_counts(r);
    runner_close(r);
    assert_int_equal(all.n, ASKED);
    return all;
}

static int winner(const struct answers *a, const struct request *q, int question, int rule)
{
    int best = question * OPTIONS;

    for (int i = best; i < (question + 1) * OPTIONS; i++) {
        double mine = q[i].lengths[rule] > 0 ? a->v[i].nats / q[i].lengths[rule] : -INFINITY;
        double most = q[best].lengths[rule] > 0 ? a->v[best].nats / q[best].lengths[rule] : -INFINITY;
        if (mine > most)
            best = i;
    }
    return best;
}

static void check(const struct runner_opts *o, int rules, const struct answers *all)
{
    static int32_t ids[ASKED][LONGEST];
    struct request q[ASKED];
    struct answers a = ask(o, rules);
    int pruned = 0;

    make_questions(q, ids);
    for (int i = 0; i < ASKED; i++) {
        pruned += a.v[i].is_pruned;
        if (a.v[i].is_pruned)
            assert_true(a.v[i].nats >= all->v[i].nats);
        else
            assert_true(a.v[i].nats == all->v[i].nats);
    }
    for (int k = 0; k < QUESTIONS; k++)
        for (int rule = 0; rule < rules; rule++)
            assert_int_equal(winner(&a, q, k, rule), winner(all, q, k, rule));
    /* By length all options of a random model are alike. */
    assert_true(pruned > (rules == 1 ? QUESTIONS : 0));
    assert_true(a.counts.pruned > 0);
    if (!o->kv_bytes) /* what is dropped for want of memory is computed again */
        assert_int_equal(a.counts.computed + a.counts.pruned, all->counts.computed);
}

static void the_winners_are_those_of_all_likelihoods(void **state)
{
    static const struct { int threads, batch; size_t kv; enum numerics numerics; } ways[] = {
        {1, 0, 0, 0}, {2, 64, 0, 0}, {1, 7, 0, 0}, {1, 1, 0, 0}, {2, 33, 300000, 0},
        {1, 0, 400000, 0}, {1, 100, 0, NUMERICS_FAST},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const struct runner_opts o = {.threads = ways[i].threads, .batch_tokens = ways[i].batch,
                                      .kv_bytes = ways[i].kv, .numerics = ways[i].numerics};
        struct answers all = ask(&o, 0);
        assert_int_equal(all.counts.pruned, 0);
        for (int rules = 1; rules <= RULES; rules++)
            check(&o, rules, &all);
    }
}

static void a_contest_without_a_rule_is_refused(void **state)
{
    static const int32_t ids[] = {3, 4, 5};
    struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 3, .n_given = 1, .contest = 1};
    struct answers all = {.n = 0};
    struct err e = ERR_NONE;
    struct runner_opts o = {.threads = 1};
    struct runner *r;
    (void)state;
    assert_int_equal(runner_open(&r, model_path, &o, &e), 0);
    assert_int_equal(runner_run(r, &q, 1, keep, &all, NULL, &e), -1);
    assert_non_null(strstr(e.text, "is no option"));
    runner_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_winners_are_those_of_all_likelihoods),
        cmocka_unit_test(a_contest_without_a_rule_is_refused),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, write_model, remove_model);
}
