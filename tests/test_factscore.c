/* The facts task from queries to bits: what a model that knows, or does not, is credited with. */
#include "tests/test.h"

#include "base/mem.h"
#include "base/splitmix.h"
#include "harness/factscore.h"
#include "tasks/task.h"

#define SEED 1234

static struct facts *bank;

static int open_bank(void **state)
{
    (void)state;
    return facts_open(&bank, SEED, NULL);
}

static int close_bank(void **state)
{
    (void)state;
    facts_close(bank);
    return 0;
}

/* A reproducible likelihood for a text: the longer the less likely, and a mood of its own. */
static double mood(const char *text)
{
    uint64_t h = 0;

    for (const char *s = text; *s; s++)
        h = splitmix64_mix(h ^ (unsigned char)*s) + 1;
    return -1.5 - 0.7 * (double)strlen(text) - 3 * (double)(h >> 11) / 9007199254740992.0;
}

/* knows: 1 everything, 0 nothing (the answer's mood whoever the subject is), 2 the head alone. */
static void answer(int i, int knows, double *nats, int *n)
{
    struct fact_info x = facts_info(bank, i);
    struct item it;

    assert_int_equal(facts_item(bank, i, &it, NULL), 0);
    assert_true(it.n_queries <= 1024);
    for (int q = 0; q < it.n_queries; q++) {
        const char *text = it.queries[q].continuation;
        int right = strcmp(text + (*text == ' '), x.answer) == 0 &&
                    strstr(it.queries[q].context, x.subject + 1) != NULL;
        int known = knows == 1 || (knows == 2 && strcmp(x.band, "head") == 0);
        nats[q] = right && known ? 0 : mood(text) + 0.3 * mood(it.queries[q].context) / 10;
    }
    *n = it.n_queries;
    item_release(&it);
}

static struct factscore *examine(int knows, int limit)
{
    int *order = mem_calloc(facts_count(bank), sizeof *order);
    int count = facts_order(bank, limit, order);
    double nats[1024];
    struct factscore *s = NULL;
    struct err e = ERR_NONE;

    assert_int_equal(factscore_open(&s, bank, &e), 0);
    for (int k = 0, n; k < count; k++) {
        answer(order[k], knows, nats, &n);
        assert_int_equal(factscore_add(s, order[k], nats, n, &e), 0);
    }
    if (factscore_fit(s, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(factscore_count(s), count);
    mem_free(order);
    return s;
}

static void knowing_every_fact_is_worth_98_percent(void **state)
{
    struct factscore *s = examine(1, 400);
    struct knowledge_total all;

    (void)state;
    assert_int_equal(factscore_total(s, FACTS_ALL, NULL, &all, NULL), 0);
    assert_true(all.n_items == 400 && all.share >= 0.98 && all.low > 0.97 * all.maximum);
    factscore_close(s);
}

static void popular_and_short_answers_are_worth_nothing(void **state)
{
    struct factscore *s = examine(0, 400);
    struct knowledge_total all;

    (void)state;
    assert_int_equal(factscore_total(s, FACTS_ALL, NULL, &all, NULL), 0);
    assert_true(all.low <= 0 && fabs(all.share) < 0.01);
    factscore_close(s);
}

static void the_parts_add_up_and_show_where_the_knowledge_is(void **state)
{
    struct factscore *s = examine(2, 600);
    struct knowledge_total all, head, middle, tail, en, zh;
    double bits, sum = 0;

    (void)state;
    assert_int_equal(factscore_total(s, FACTS_ALL, NULL, &all, NULL), 0);
    assert_int_equal(factscore_total(s, FACTS_BAND, "head", &head, NULL), 0);
    assert_int_equal(factscore_total(s, FACTS_BAND, "middle", &middle, NULL), 0);
    assert_int_equal(factscore_total(s, FACTS_BAND, "tail", &tail, NULL), 0);
    assert_int_equal(factscore_total(s, FACTS_LANGUAGE, "en", &en, NULL), 0);
    assert_int_equal(factscore_total(s, FACTS_LANGUAGE, "zh", &zh, NULL), 0);
    assert_close(head.bits + middle.bits + tail.bits, all.bits, 1e-9);
    assert_close(en.bits + zh.bits, all.bits, 1e-9);
    assert_int_equal(en.n_items + zh.n_items, 600);
    assert_true(head.share > 0.8 && head.share > tail.share + 0.5);
    for (int k = 0; k < factscore_count(s); k++) {
        int i = factscore_item(s, k, &bits);
        assert_true(i >= 0 && i < facts_count(bank));
        sum += bits;
    }
    assert_close(sum, all.bits, 1e-9);
    assert_int_equal(factscore_knowledge(s)->n_fits, 2);
    factscore_close(s);
}

static void an_item_cannot_count_twice(void **state)
{
    struct factscore *s = NULL;
    struct err e = ERR_NONE;
    double nats[1024];
    int n;

    (void)state;
    answer(7, 1, nats, &n);
    assert_int_equal(factscore_open(&s, bank, &e), 0);
    assert_int_equal(factscore_add(s, 7, nats, n, &e), 0);
    assert_int_equal(factscore_add(s, 7, nats, n - 2, &e), -1);
    assert_int_equal(factscore_add(s, facts_count(bank), nats, n, &e), -1);
    assert_int_equal(factscore_add(s, 7, nats, n, &e), 0);
    assert_int_equal(factscore_fit(s, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.text, "item 7"));
    factscore_close(s);
}

static void every_refused_allocation_is_survived(void **state)
{
    long before = mem_live();
    double nats[1024];
    int rc = -1, n;

    (void)state;
    answer(7, 1, nats, &n);
    for (int nth = 0; rc < 0; nth++) {
        struct factscore *s = NULL;
        struct knowledge_total t;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = factscore_open(&s, bank, &e);
        if (rc == 0)
            rc = factscore_add(s, 7, nats, n, &e);
        if (rc == 0)
            rc = factscore_fit(s, &e);
        if (rc == 0)
            rc = factscore_total(s, FACTS_ALL, NULL, &t, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        factscore_close(s);
        assert_int_equal(mem_live(), before);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(knowing_every_fact_is_worth_98_percent),
        cmocka_unit_test(popular_and_short_answers_are_worth_nothing),
        cmocka_unit_test(the_parts_add_up_and_show_where_the_knowledge_is),
        cmocka_unit_test(an_item_cannot_count_twice),
        cmocka_unit_test(every_refused_allocation_is_survived),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, open_bank, close_bank);
}
