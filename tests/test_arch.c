/* Every architecture: the reference's logits within each case's tolerance, and the same bits however
 * the work was cut. */
#include "tests/test.h"

#include "tests/arch_case.h"

static void agrees_with_the_reference(const struct arch_case *g)
{
    double difference = arch_case_difference(g, g->want);

    if (!(difference <= g->tolerance))
        fail_msg("%s: relative difference %g, at most %g", g->name, difference, g->tolerance);
}

static void check(struct arch_case *g)
{
    ways_compute(&g->way, (struct runner_opts){.threads = 2}, g->way.got);
    agrees_with_the_reference(g);
    ways_cut(&g->way);
    ways_shared_prefix(&g->way);
}

static void every_case_has_the_logits_of_its_reference_and_bits_of_its_own(void **state)
{
    static char names[ARCH_CASES_MAX][ARCH_NAME], root[4096];
    static struct arch_case g;
    int n, ran = 0;
    (void)state;
    snprintf(root, sizeof root, "%s", shared_path("golden/arch"));
    n = arch_case_list(root, names);
    for (int i = 0; i < n; i++) {
        if (!arch_case_open(&g, root, names[i]))
            continue;
        check(&g);
        ran++;
        arch_case_close(&g);
    }
    assert_true(ran > 0);
}

/* Which of longrope's two sets is right depends on the context asked for. */
static void the_context_that_is_allocated_chooses_the_factors_of_longrope(void **state)
{
    static const struct {
        const char *name;
        int context;
        const char *rope;
    } rows[] = {
        {"phi3-long", 256, "longrope, long factors"}, {"phi3-long", 33, "longrope, long factors"},
        {"phi3-long", 32, "longrope, short factors"}, {"phi3-short", 256, "longrope, short factors"},
        {"llama-yarn", 256, "yarn"}, {"llama-ropefreqs", 256, "factors of the file"},
        {"gpt2", 256, "none"}, {"bloom", 256, "none, slopes"}, {"qwen2", 256, "plain"},
    };
    static struct arch_case g;
    char root[4096];
    (void)state;
    snprintf(root, sizeof root, "%s", shared_path("golden/arch"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(arch_case_open(&g, root, rows[i].name));
        g.way.context = rows[i].context;
        struct runner *r = ways_open(&g.way, (struct runner_opts){.threads = 1});
        assert_string_equal(runner_info(r)->rope, rows[i].rope);
        runner_close(r);
        arch_case_close(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_has_the_logits_of_its_reference_and_bits_of_its_own),
        cmocka_unit_test(the_context_that_is_allocated_chooses_the_factors_of_longrope),
    };
    return RUN(tests);
}
