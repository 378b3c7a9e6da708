/* Tasks whose answers are programs: the solutions that the data sets give pass, others do not. */
#include "tests/test.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "tasks/code.h"
#include "tasks/score.h"
#include "tasks/task.h"

static void need_sandbox(void)
{
    struct err e = ERR_NONE;

    if (code_check(&e) < 0) {
        print_message("          skipped: %s\n", e.text);
        skip();
    }
}

/* Some of the documents; all with DENSIMETER_CODE=all. */
static int step(int some)
{
    const char *all = getenv("DENSIMETER_CODE");

    return all && strcmp(all, "all") == 0 ? 1 : some;
}

static double credit(const struct task *t, const struct item *it, const char *reply)
{
    struct reply_text replies[64] = {{.text = reply}};
    struct err e = ERR_NONE;
    struct verdict v;
    double value;

    if (task_score(t, it, replies, &v, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(v.n, 1);
    value = v.credits[0].value;
    verdict_release(&v);
    return value;
}

/* Its own solution takes longer than 3 s; the test names something that no program defines. */
static int is_broken(const char *task, int document)
{
    return strcmp(task, "mbpp") == 0 && (document == 112 || document == 356);
}

static void solutions_pass(const char *name, const char *file, const char *key, int some)
{
    const char *data = shared_path("data");
    struct task_opts o = {.data_dirs = &data, .n_data_dirs = 1, .shots = -1, .seed = 1234};
    struct err e = ERR_NONE;
    struct task *t;
    int failed = 0;

    shared_path(file);
    data = shared_path("data");
    need_sandbox();
    if (task_open(&t, name, &o, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(task_check_machine(t, &e), 0);
    for (int i = 0; i < task_count(t); i += step(some)) {
        struct item it;
        cJSON *doc;
        assert_int_equal(task_item(t, i, &it, &e), 0);
        doc = json_parse(it.doc, strlen(it.doc), "document", &e);
        if (credit(t, &it, json_str(doc, key)) != 1 && !is_broken(name, i)) {
            print_message("%s: document %d: its own solution does not pass\n", name, i);
            failed++;
        }
        if (i == 0)
            assert_close(credit(t, &it, "    pass\n"), 0, 0);
        json_free(doc);
        item_release(&it);
    }
    assert_int_equal(failed, 0);
    task_close(t);
}

static void solutions_of_humaneval_pass(void **state)
{
    (void)state;
    solutions_pass("humaneval", "data/humaneval/HumanEval.jsonl", "canonical_solution", 15);
}

static void solutions_of_mbpp_pass(void **state)
{
    (void)state;
    solutions_pass("mbpp", "data/mbpp/mbpp_test.jsonl", "code", 50);
}

/* --- what passing is ------------------------------------------------------------------------ */

static void a_program_passes_only_by_getting_to_its_end(void **state)
{
    static const struct { const char *candidate, *test; int passes; } rows[] = {
        {"def f(x):\n    return x + 1\n", "assert f(1) == 2", 1},
        {"def f(x):\n    return x\n", "assert f(1) == 2", 0},
        {"def f(x:\n", "assert f(1) == 2", 0},
        {"", "assert f(1) == 2", 0},
        {"import sys\nsys.exit(0)\n", "assert False", 0},
        {"import os\nos._exit(0)\n", "assert False", 0},
        {"print('x' * 100000)\ndef f(x):\n    return 2\n", "assert f(1) == 2", 1},
        {"import os\nos.write(1, b'0123456789abcdef0123456789abcdef')\nos._exit(0)\n", "", 0},
        {"while True:\n    pass\n", "", 0},
        {"x = input()\n", "", 0},
        {"if __name__ == '__main__':\n    raise ValueError\n", "", 1},
        {"s = 'd\xc3\xa9j\xc3\xa0 \xff'\n", "assert s[:4] == 'd\\u00e9j\\u00e0'", 1},
        {"import math, re, heapq, collections, itertools, functools, typing, json\n", "", 1},
        {"import threading\nt = threading.Thread(target=int)\nt.start()\nt.join()\n", "", 1},
        {"import os\nos.fork()\n", "", 0},
        {"x = [0] * (1 << 30)\n", "", 0},
    };
    (void)state;
    need_sandbox();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = ERR_NONE;
        int rc = code_passes(rows[i].candidate, rows[i].test, &e);
        if (rc != rows[i].passes)
            fail_msg("%s: %d %s", rows[i].candidate, rc, e.text);
    }
}

/* evaluation.md 2.5. */
static void pass_at_k_is_the_unbiased_estimate(void **state)
{
    static const struct { int n, c, k; double want; } rows[] = {
        {10, 3, 1, .3}, {10, 3, 5, .9166666667}, {64, 7, 8, .6266719976}, {20, 0, 1, 0},
        {5, 5, 2, 1}, {1, 1, 1, 1}, {1, 0, 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_close(score_pass_at(rows[i].n, rows[i].c, rows[i].k), rows[i].want, 1e-9);
}

static void samples_of_one_question_differ_in_their_number_only(void **state)
{
    const char *data = shared_path("data");
    struct task_opts o = {.data_dirs = &data, .n_data_dirs = 1, .shots = -1, .seed = 7};
    struct task *t;
    struct item it;

    (void)state;
    shared_path("data/humaneval/HumanEval.jsonl");
    data = shared_path("data");
    assert_int_equal(task_open(&t, "humaneval_64", &o, NULL), 0);
    assert_int_equal(task_item(t, 3, &it, NULL), 0);
    assert_int_equal(it.n_queries, 64);
    for (int i = 0; i < 64; i++) {
        assert_string_equal(it.queries[i].context, it.queries[0].context);
        assert_close(it.queries[i].temperature, 0.2, 0);
        assert_close(it.queries[i].top_p, 0.95, 0);
        assert_int_equal(it.queries[i].seed, 7);
    }
    item_release(&it);
    task_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solutions_of_humaneval_pass),
        cmocka_unit_test(solutions_of_mbpp_pass),
        cmocka_unit_test(a_program_passes_only_by_getting_to_its_end),
        cmocka_unit_test(pass_at_k_is_the_unbiased_estimate),
        cmocka_unit_test(samples_of_one_question_differ_in_their_number_only),
    };
    return RUN(tests);
}
