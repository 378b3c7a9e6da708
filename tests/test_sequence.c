/* The order of a data file against others: on a model of random weights it is worth nothing, and the
 * numbers are those of the likelihoods themselves. */
#include "tests/test.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "harness/sequence.h"
#include "tests/tiny.h"

static char model[] = "/tmp/densimeter-sequence-XXXXXX.gguf";
static char tasks[] = "/tmp/densimeter-sequence-XXXXXX.json";

static const char text[] =
    "{\"format\": \"densimeter.scenario/1\", \"name\": \"seq\", \"version\": 1, \"language\": \"en\","
    " \"licence\": \"CC0-1.0\", \"fields\": [\"t\"], \"prompt\": \"{{ t }}\", \"answer\": {\"kind\":"
    " \"exact\"}, \"items\": [{\"t\": \"a?\", \"answer\": \"b\"}, {\"t\": \"c?\", \"answer\": \"d\"},"
    " {\"t\": \"e?\", \"answer\": \"f\"}, {\"t\": \"g?\", \"answer\": \"h\"}]}";

static struct runner *opened(struct encoder *c, int max_length, struct task **t)
{
    const struct tiny_opts made = {.seed = 3, .is_bpe = 1};
    struct runner_opts o = {.threads = 1, .context = 256};
    struct task_opts to = {.shots = 0};
    struct runner *r = NULL;
    struct err e = ERR_NONE;

    if (tiny_write(model, &made, &e) < 0 || runner_open(&r, model, &o, &e) < 0 ||
        file_write(tasks, text, strlen(text), &e) < 0 || task_open(t, tasks, &to, &e) < 0)
        fail_msg("%s", e.text);
    *c = (struct encoder){.tokenizer = runner_tokenizer(r), .max_length = max_length};
    return r;
}

static double likelihood(struct runner *r, struct encoder *c, const char *s)
{
    struct pair p = {"", s};
    struct answer a;

    assert_int_equal(evaluate_pairs(r, c, &p, 1, &a, NULL, NULL), 0);
    return a.loglikelihood;
}

static void one_shard_is_its_own_order_less_the_mean_of_others(void **state)
{
    static const char *const items[] = {"a? b", "c? d", "e? f", "g? h"};
    struct sequence_opts o = {.orders = 2, .seed = 5};
    struct sequence_result x;
    struct encoder c;
    struct task *t = NULL;
    struct runner *r = opened(&c, 256, &t);
    double others = 0;
    struct rng g;

    (void)state;
    assert_int_equal(sequence_test(r, &c, t, &o, &x, NULL), 0);
    assert_int_equal(x.n_items, 4);
    assert_int_equal(x.n_shards, 1);
    assert_true(isnan(x.p)); /* one shard has no spread */
    rng_seed(&g, 5);
    for (int k = 0; k < 2; k++) {
        int order[4] = {0, 1, 2, 3};
        char s[64];
        for (int i = 3; i > 0; i--) {
            int j = (int)rng_below(&g, (uint32_t)i + 1), tmp = order[i];
            order[i] = order[j];
            order[j] = tmp;
        }
        snprintf(s, sizeof s, "%s\n\n%s\n\n%s\n\n%s", items[order[0]], items[order[1]],
                 items[order[2]], items[order[3]]);
        others += likelihood(r, &c, s) / 2;
    }
    assert_close(x.nats, likelihood(r, &c, "a? b\n\nc? d\n\ne? f\n\ng? h") - others, 1e-9);
    task_close(t);
    runner_close(r);
}

static void too_few_items_are_refused(void **state)
{
    struct sequence_opts o = {.orders = 2, .limit = 2};
    struct sequence_result x;
    struct encoder c;
    struct task *t = NULL;
    struct err e = ERR_NONE;
    struct runner *r = opened(&c, 256, &t);

    (void)state;
    assert_int_equal(sequence_test(r, &c, t, &o, &x, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    task_close(t);
    runner_close(r);
    assert_int_equal(mem_live(), 0);
    remove(model);
    remove(tasks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shard_is_its_own_order_less_the_mean_of_others),
        cmocka_unit_test(too_few_items_are_refused),
    };
    close(mkstemps(model, 5));
    close(mkstemps(tasks, 5));
    return RUN(tests);
}
