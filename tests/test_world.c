/* Invented worlds: the same everywhere, told in full, and asked about in full. */
#include <string.h>

#include "base/mem.h"
#include "tasks/facts.h"
#include "tasks/task.h"
#include "tasks/world.h"
#include "tests/test.h"

static struct world *open_named(const char *task)
{
    struct world *w = NULL;
    struct err e = ERR_NONE;

    assert_int_equal(world_open(&w, world_named(task), &e), 0);
    return w;
}

static void a_world_is_the_same_every_time(void **state)
{
    struct world *a = open_named("world_people"), *b = open_named("world_people");
    struct strbuf x = STRBUF_INIT, y = STRBUF_INIT;
    (void)state;

    world_bank(a, &x);
    world_bank(b, &y);
    assert_string_equal(strbuf_str(&x), strbuf_str(&y));
    world_close(a);
    world_close(b);
    strbuf_release(&x);
    strbuf_release(&y);
}

static void words_are_all_different_and_none_begins_another(void **state)
{
    struct world *w = open_named("world_crowd");
    (void)state;

    for (int i = 0; i < world_words(w); i++)
        for (int k = 0; k < world_words(w); k++)
            if (i != k)
                assert_true(strncmp(world_word(w, i), world_word(w, k),
                                    strlen(world_word(w, i))) != 0);
    world_close(w);
}

/* Every line of the bank is said, in these words, by the documents of its person. */
static void what_is_asked_is_what_is_told(void **state)
{
    struct world *w = open_named("world_people");
    struct strbuf bank = STRBUF_INIT;
    struct facts *f = NULL;
    struct err e = ERR_NONE;
    int told = 0;
    (void)state;

    world_bank(w, &bank);
    assert_int_equal(facts_parse(&f, bank.s, bank.len, 1, &e), 0);
    for (int i = 0; i < facts_count(f); i += 7) {
        struct fact_info info = facts_info(f, i);
        int words[WORLD_LONGEST], person = 0, found = 0;
        unsigned char is_value[WORLD_LONGEST];
        for (const char *s = info.id; *s; s++)
            person = person * 10 + *s - '0';
        int n = world_document(w, person, (uint64_t)i, words, is_value);
        char name[32];
        assert_int_equal(n, WORLD_LONGEST);
        snprintf(name, sizeof name, "%s %s", world_word(w, words[0]), world_word(w, words[1]));
        assert_string_equal(name, info.subject);
        for (int k = 2; k < n; k++)
            found += is_value[k] && strcmp(world_word(w, words[k]), info.answer) == 0;
        assert_int_equal(found, 1);
        assert_string_equal(info.band, person < 200 ? "head" : "tail");
        told++;
    }
    assert_true(told > 300);
    assert_int_equal(facts_count(f), 2400);
    facts_close(f);
    world_close(w);
    strbuf_release(&bank);
}

static void other_facts_are_about_the_same_people(void **state)
{
    struct world_opts o = *world_named("world_people");
    struct world *truth = NULL, *lies = NULL;
    struct err e = ERR_NONE;
    int words[2][WORLD_LONGEST], same = 0, values = 0;
    unsigned char is_value[WORLD_LONGEST];
    (void)state;

    assert_int_equal(world_open(&truth, &o, &e), 0);
    o.facts_seed++;
    assert_int_equal(world_open(&lies, &o, &e), 0);
    for (int p = 0; p < o.people; p++) {
        int n = world_document(truth, p, 5, words[0], is_value);
        world_document(lies, p, 5, words[1], is_value);
        for (int k = 0; k < n; k++) {
            if (!is_value[k])
                assert_int_equal(words[0][k], words[1][k]);
            values += is_value[k];
            same += is_value[k] && words[0][k] == words[1][k];
        }
    }
    assert_true(same > values / 32 && same < values / 10); /* one of 16 by chance */
    world_close(truth);
    world_close(lies);
}

static void a_sum_is_the_sum(void **state)
{
    struct world *w = open_named("world_sums");
    int words[WORLD_LONGEST], by_first[32][32], seen = 0;
    unsigned char is_value[WORLD_LONGEST];
    (void)state;

    for (int p = 0; p < 1024; p++) {
        assert_int_equal(world_document(w, p, (uint64_t)p, words, is_value), 4);
        int a = words[0] - 1, b = words[1] - 1 - 32;
        by_first[a][b] = words[3];
        seen++;
    }
    assert_int_equal(seen, 1024);
    for (int a = 0; a < 31; a++) /* a + (b + 1) = (a + 1) + b */
        for (int b = 0; b < 31; b++)
            assert_int_equal(by_first[a][b + 1], by_first[a + 1][b]);
    assert_int_not_equal(by_first[0][0], by_first[0][1]);
    world_close(w);
}

static void too_many_people_are_refused(void **state)
{
    struct world *w = NULL;
    struct err e = ERR_NONE;
    (void)state;

    assert_int_equal(world_open(&w, &(struct world_opts){WORLD_PEOPLE, 1, 1, 1601}, &e), -1);
    assert_int_equal(world_open(&w, &(struct world_opts){WORLD_SUMS, 1, 1, 0}, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
}

static void a_task_about_a_world_survives_every_failed_allocation(void **state)
{
    const struct task_opts o = {.shots = -1, .seed = 1};
    int rc = -1;
    (void)state;

    for (int nth = 0; rc < 0 && nth < 400; nth++) { /* parsing allocates for every fact */
        struct task *t = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = task_open(&t, "world_sums", &o, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        task_close(t);
        assert_int_equal(mem_live(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_world_is_the_same_every_time),
        cmocka_unit_test(words_are_all_different_and_none_begins_another),
        cmocka_unit_test(what_is_asked_is_what_is_told),
        cmocka_unit_test(other_facts_are_about_the_same_people),
        cmocka_unit_test(a_sum_is_the_sum),
        cmocka_unit_test(too_many_people_are_refused),
        cmocka_unit_test(a_task_about_a_world_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
