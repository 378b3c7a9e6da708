/* Whole models of every architecture on plug-ins: the example computes what the contract has names
 * for, one of version 1 what that version had, and the CPU the rest, counted. */
#include "tests/test.h"

#include "runners/plugin.h"
#include "runners/runner.h"
#include "tests/arch_case.h"
#include "tests/plugins.h"

static const double NEAR = 2e-4; /* relative to the largest logit */

/* What no version has a name for: one family's own each. */
static const char *const nameless[] = {"threshold", "cut", "match", "temper", "xielu",
                                       "predict", "correct"};
static const char *const since_2[] = {"clamp", "concat", "slice", "scale_by", "l2_norm", "deal",
                                      "head_linear", "route", "experts_up", "experts_down",
                                      "combine", "conv", "scan_channels", "scan_heads", "delta"};
#define COUNT(v) (sizeof(v) / sizeof *(v))

static int is_among(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return 1;
    return 0;
}

static int is_seen[COUNT(since_2)]; /* of the kinds above, on some model */

/* Runs the case; each op that is left is one that the version has no name for. */
static void run_case(struct arch_case *g, const struct runner_opts *o, int abi, float *got)
{
    struct runner *r = ways_open(&g->way, *o);
    const struct left_op *rows;
    struct err e = ERR_NONE;
    int n = 0;

    ways_run(&g->way, r, got);
    assert_int_equal(runner_left(r, &rows, &n, &e), 0);
    for (int i = 0; i < n; i++) {
        int is_new = is_among(rows[i].op, since_2, COUNT(since_2));
        if (!is_among(rows[i].op, nameless, COUNT(nameless)) && !(abi == 1 && is_new) &&
            strcmp(rows[i].op, "linear") != 0) /* with a threshold */
            fail_msg("%s: %s was left to the CPU %d times", g->name, rows[i].op,
                     (int)rows[i].times);
        for (size_t k = 0; k < COUNT(since_2); k++)
            is_seen[k] |= abi == 1 && strcmp(rows[i].op, since_2[k]) == 0;
    }
    runner_close(r);
}

static void near_the_cpu(struct arch_case *g, const struct runner_opts *o, int abi)
{
    size_t bytes = (size_t)g->way.n * (size_t)g->way.n_vocab * sizeof(float);
    struct runner_opts seven = *o;
    float *exact = malloc(bytes), *cut = malloc(bytes);
    double difference;

    seven.batch_tokens = 7;
    assert_true(exact && cut);
    ways_compute(&g->way, (struct runner_opts){.threads = 1}, exact);
    run_case(g, o, abi, g->way.got);
    difference = arch_case_difference(g, exact);
    if (!(difference <= NEAR))
        fail_msg("%s: relative difference %g, at most %g", g->name, difference, NEAR);
    run_case(g, &seven, abi, cut);
    if (memcmp(cut, g->way.got, bytes) != 0)
        fail_msg("%s: other bits with seven tokens a batch", g->name);
    free(exact);
    free(cut);
}

static void every_case(const struct runner_opts *o, int abi)
{
    static char names[ARCH_CASES_MAX][ARCH_NAME], root[4096];
    static struct arch_case g;
    const char *only = getenv("ONLY");
    int n, ran = 0;

    snprintf(root, sizeof root, "%s", shared_path("golden/arch"));
    n = arch_case_list(root, names);
    for (int i = 0; i < n; i++) {
        if ((only && !strstr(names[i], only)) || !arch_case_open(&g, root, names[i]))
            continue;
        near_the_cpu(&g, o, abi);
        arch_case_close(&g);
        ran++;
    }
    assert_true(ran > 0);
}

static void the_example_computes_every_architecture(void **state)
{
    struct runner_opts o = {.threads = 1, .device = plugin_built("examples/device_naive.c")};

    (void)state;
    every_case(&o, DSM_ABI);
}

static void a_plug_in_of_version_1_runs_all_of_them_with_what_it_knows(void **state)
{
    struct runner_opts o = {.threads = 1, .device = plugin_built("tests/plugins/v1/naive_v1.c")};

    (void)state;
    every_case(&o, 1);
    for (size_t k = 0; k < COUNT(since_2) && !getenv("ONLY"); k++)
        if (!is_seen[k])
            fail_msg("no model has %s", since_2[k]);
}

static void expect_same(struct arch_case *g, const struct runner_opts *o)
{
    struct runner_opts isolated = *o;
    size_t bytes = (size_t)g->way.n * (size_t)g->way.n_vocab * sizeof(float);
    float *apart = malloc(bytes);

    isolated.isolate = 1;
    isolated.program = plugin_program();
    assert_non_null(apart);
    ways_compute(&g->way, *o, g->way.got);
    ways_compute(&g->way, isolated, apart);
    if (memcmp(apart, g->way.got, bytes) != 0)
        fail_msg("%s: other bits in a process of its own", g->name);
    free(apart);
}

/* Experts in their forms, slabs, and each of the recurrent layers. */
static const char *const some[] = {"mixtral", "gpt_oss", "deepseek2", "qwen3next", "jamba",
                                   "granitehybrid", "lfm2"};

static void with_some(void (*check)(struct arch_case *g))
{
    static struct arch_case g;
    static char root[4096];

    snprintf(root, sizeof root, "%s", shared_path("golden/arch"));
    for (size_t i = 0; i < COUNT(some); i++) {
        assert_true(arch_case_open(&g, root, some[i]));
        check(&g);
        arch_case_close(&g);
    }
}

static void same_both_ways(struct arch_case *g)
{
    struct runner_opts o = {.threads = 1, .batch_tokens = 11,
                            .device = plugin_built("examples/device_naive.c")};

    expect_same(g, &o);
    o.device = plugin_built("tests/plugins/v1/naive_v1.c");
    expect_same(g, &o);
}

static void in_a_process_of_its_own_it_has_the_same_bits(void **state)
{
    (void)state;
    with_some(same_both_ways);
}

/* A device with memory of its own, on which what nobody brought is NaN. */
static void near_whatever_is_left(struct arch_case *g)
{
    struct runner_opts o = {.threads = 1, .device = plugin_built("tests/plugins/apart.c")};
    size_t floats = (size_t)g->way.n * (size_t)g->way.n_vocab;
    float *exact = malloc(floats * sizeof *exact);

    assert_non_null(exact);
    ways_compute(&g->way, (struct runner_opts){.threads = 1}, exact);
    for (int kind = DSM_HEAD; kind < DSM_KINDS; kind++) {
        char leaves[16];
        double difference;
        snprintf(leaves, sizeof leaves, "%d", kind);
        setenv("APART_LEAVES", leaves, 1);
        ways_compute(&g->way, o, g->way.got);
        difference = arch_case_difference(g, exact);
        if (!(difference <= NEAR))
            fail_msg("%s without kind %d: relative difference %g", g->name, kind, difference);
    }
    unsetenv("APART_LEAVES");
    free(exact);
}

static void a_device_apart_gets_and_gives_what_is_needed_whichever_kind_it_lacks(void **state)
{
    (void)state;
    with_some(near_whatever_is_left);
}

static void experts_that_do_not_exist_are_an_error_before_the_cpu_looks_for_them(void **state)
{
    static struct arch_case g;
    static char root[4096], text[32];
    int32_t ids[4];
    struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 4, .n_given = 1};

    (void)state;
    snprintf(root, sizeof root, "%s", shared_path("golden/arch"));
    assert_true(arch_case_open(&g, root, "mixtral"));
    memcpy(ids, g.ids, sizeof ids);
    snprintf(text, sizeof text, "%d:far", DSM_ROUTE);
    setenv("PLANTED", text, 1);
    for (int kind = DSM_EXPERTS_UP; kind <= DSM_EXPERTS_DOWN; kind++) {
        struct err e = ERR_NONE;
        struct runner *r;
        snprintf(text, sizeof text, "%d", kind);
        setenv("PLANTED_LEAVES", text, 1);
        r = ways_open(&g.way, (struct runner_opts){
                                  .threads = 1, .isolate = 1, .program = plugin_program(),
                                  .device = plugin_built("tests/plugins/planted.c")});
        assert_int_equal(runner_run(r, &q, 1, NULL, NULL, NULL, &e), -1);
        if (kind == DSM_EXPERTS_UP &&
            (e.code != ERR_NUMERIC || !strstr(e.text, "is sent to expert 1e+09 of")))
            fail_msg("%s", e.text);
        runner_close(r);
    }
    unsetenv("PLANTED");
    unsetenv("PLANTED_LEAVES");
    arch_case_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_computes_every_architecture),
        cmocka_unit_test(a_plug_in_of_version_1_runs_all_of_them_with_what_it_knows),
        cmocka_unit_test(in_a_process_of_its_own_it_has_the_same_bits),
        cmocka_unit_test(a_device_apart_gets_and_gives_what_is_needed_whichever_kind_it_lacks),
        cmocka_unit_test(experts_that_do_not_exist_are_an_error_before_the_cpu_looks_for_them),
    };

    return RUN(tests);
}
