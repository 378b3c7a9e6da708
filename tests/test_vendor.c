/* Devices against each other: when speeds may be compared, what is on the frontier, and what a
 * profile takes. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/vendor_judge.h"
#include "harness/vendor_profile.h"
#include "tests/test.h"

/* --- parity ---------------------------------------------------------------------------------- */

static struct parity_facts alike(void)
{
    return (struct parity_facts){.n = 1000, .a = 0.5, .b = 0.5, .low = -0.0027, .p_margin = 1e-3,
                                 .p_worse = 0.5, .tokens_a = 1000, .tokens_b = 1000};
}

static enum parity verdict_of(struct parity_facts f)
{
    char why[320];
    enum parity p = parity_judge(&f, why, sizeof why);

    assert_int_equal(p == PARITY_PASS, why[0] == 0); /* all but PASS give a reason */
    return p;
}

static void equal_answers_pass_when_the_items_are_enough(void **state)
{
    struct parity_facts f = alike();
    (void)state;
    assert_int_equal(verdict_of(f), PARITY_PASS);
    f.p_margin = 0.051; /* too few items to exclude a loss of one point */
    assert_int_equal(verdict_of(f), PARITY_UNSHOWN);
    f.n = 0;
    assert_int_equal(verdict_of(f), PARITY_UNSHOWN);
}

static void below_99_percent_of_the_reference_never_passes(void **state)
{
    struct parity_facts f = alike();
    (void)state;
    f.b = 0.4951;
    assert_int_equal(verdict_of(f), PARITY_PASS);
    f.b = 0.4949;
    assert_int_equal(verdict_of(f), PARITY_UNSHOWN); /* it may be chance */
    f.p_worse = 0.01;
    assert_int_equal(verdict_of(f), PARITY_FAIL);
}

static void answers_of_another_length_fail_however_right_they_are(void **state)
{
    struct parity_facts f = alike();
    (void)state;
    f.b = 0.9;
    f.tokens_b = 901;
    assert_int_equal(verdict_of(f), PARITY_PASS);
    f.tokens_b = 899; /* early ends */
    assert_int_equal(verdict_of(f), PARITY_FAIL);
    f.tokens_b = 1101;
    assert_int_equal(verdict_of(f), PARITY_FAIL);
    f.tokens_a = f.tokens_b = 0; /* nothing is generated */
    assert_int_equal(verdict_of(f), PARITY_PASS);
}

/* --- the frontier ---------------------------------------------------------------------------- */

static void what_nothing_else_beats_is_on_the_frontier(void **state)
{
    /*                        A     B     C     D      E (as A)  F        G     */
    const double quality[] = {0.60, 0.50, 0.55, 0.40, 0.60,     0.70, NAN};
    const double cost[]    = {2,    1,    3,    1,    2,        NAN,  0.5};
    unsigned char on[7];
    (void)state;
    vendor_frontier(quality, cost, 7, on);
    assert_int_equal(on[0], 1);
    assert_int_equal(on[1], 1);
    assert_int_equal(on[2], 0); /* A is better and cheaper */
    assert_int_equal(on[3], 0); /* B costs as much and is better */
    assert_int_equal(on[4], 1); /* equals stand side by side */
    assert_int_equal(on[5], 0); /* unknown costs beat nothing and nobody */
    assert_int_equal(on[6], 0);
    vendor_frontier(quality, cost, 0, on);
}

/* --- profiles -------------------------------------------------------------------------------- */

static struct vendor_wish wish(const char *name, const char *base)
{
    return (struct vendor_wish){.name = name, .base = base, .model = "m.gguf",
                                .model_sha256 = "ab", .device = "cpu", .cores = 6};
}

static const struct vendor_step *step(const struct vendor_profile *p, const char *name)
{
    for (int i = 0; i < p->n_steps; i++)
        if (strcmp(p->steps[i].name, name) == 0)
            return &p->steps[i];
    return NULL;
}

static void profiles_without_freedom_refuse_every_change(void **state)
{
    static const char *const change[] = {"threads=1"}, *const only[] = {"latency"};
    struct vendor_profile p;
    struct err e = ERR_NONE;
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct vendor_wish w = wish(i % 2 ? "closed" : "quick", i % 2 ? "closed" : "quick");
        w.changes = change;
        w.n_changes = i < 2;
        w.only = only;
        w.n_only = i >= 2;
        e = ERR_NONE;
        assert_int_equal(vendor_profile_make(&p, &w, &e), -1);
        assert_int_equal(e.code, ERR_USAGE);
    }
}

static void a_profile_comes_back_from_its_text_and_is_what_it_says(void **state)
{
    struct vendor_wish w = wish("closed", "closed");
    struct vendor_profile p, q;
    struct strbuf text = STRBUF_INIT, again = STRBUF_INIT, line = STRBUF_INIT;
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(vendor_profile_make(&p, &w, &e), 0);
    assert_non_null(step(&p, "threads-1"));
    assert_non_null(step(&p, "threads-4"));
    assert_non_null(step(&p, "threads-6")); /* all cores */
    assert_null(step(&p, "threads-8"));
    vendor_step_command(&p, step(&p, "load"), NULL, &line);
    assert_string_equal(line.s, "densimeter bench m.gguf --device cpu --numerics exact "
                                "--batch-tokens 512 --threads 0 --scenario load --repeats 5 "
                                "--quiet");
    vendor_profile_write(&p, &text);
    assert_int_equal(vendor_profile_parse(&q, text.s, text.len, "text", &e), 0);
    assert_int_equal(vendor_profile_check(&q, "text", &e), 0);
    vendor_profile_write(&q, &again);
    assert_string_equal(text.s, again.s);
    vendor_profile_release(&p);
    vendor_profile_release(&q);
    strbuf_release(&text);
    strbuf_release(&again);
    strbuf_release(&line);
}

static void changes_of_an_open_profile_are_made_recorded_and_checked(void **state)
{
    static const char *const changes[] = {"latency:requests=7", "numerics=fast", "threads:repeats=2"};
    struct vendor_wish w = wish("open", "quick");
    struct vendor_profile p, q;
    struct strbuf text = STRBUF_INIT, name = STRBUF_INIT;
    struct err e = ERR_NONE;
    (void)state;
    w.changes = changes;
    w.n_changes = 3;
    assert_int_equal(vendor_profile_make(&p, &w, &e), 0);
    for (int i = 0; i < p.n_steps; i++)
        assert_string_equal(p.steps[i].words[1], "fast");
    assert_string_equal(step(&p, "threads-2")->words[9], "2");
    vendor_profile_text(&p, &name);
    assert_non_null(strstr(name.s, "open/1 on quick (latency:requests=7, numerics=fast"));
    vendor_profile_write(&p, &text);
    assert_int_equal(vendor_profile_parse(&q, text.s, text.len, "text", &e), 0);
    assert_int_equal(vendor_profile_check(&q, "text", &e), 0);
    q.n_changes--; /* a change that nobody is told of */
    assert_int_equal(vendor_profile_check(&q, "text", &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.text, "threads-1 has other words"));
    vendor_profile_release(&p);
    vendor_profile_release(&q);
    strbuf_release(&text);
    strbuf_release(&name);
}

/* Words that a closed profile does not have, steps that it lacks, options that tune. */
static void what_is_not_the_table_is_named(void **state)
{
    static const struct {
        const char *from, *to, *says;
    } rows[] = {
        {"\"600\"", "\"60\"", "step facts has other words"},
        {"\"exact\"", "\"fast\"", "step facts has other words"},
        {"\"name\": \"batch\"", "\"name\": \"bitch\"", "has step batch here"},
        {"\"more\": []", "\"more\": [\"--kernels\", \"x\"]", "'--kernels' is no word"},
        {"\"version\": 1", "\"version\": 2", "version 2 of profile closed"},
        {"\"base\": \"closed\"", "\"base\": \"quick\"", "closed is no profile"},
    };
    struct vendor_wish w = wish("closed", "closed");
    struct strbuf text = STRBUF_INIT;
    struct vendor_profile p;
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(vendor_profile_make(&p, &w, &e), 0);
    vendor_profile_write(&p, &text);
    vendor_profile_release(&p);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *at = strstr(text.s, rows[i].from);
        struct strbuf b = STRBUF_INIT;
        assert_non_null(at);
        strbuf_add(&b, text.s, (size_t)(at - text.s));
        strbuf_addf(&b, "%s%s", rows[i].to, at + strlen(rows[i].from));
        e = ERR_NONE;
        assert_int_equal(vendor_profile_parse(&p, b.s, b.len, "x.tar", &e), 0);
        assert_int_equal(vendor_profile_check(&p, "x.tar", &e), -1);
        if (!strstr(e.text, rows[i].says))
            fail_msg("'%s' lacks '%s'", e.text, rows[i].says);
        vendor_profile_release(&p);
        strbuf_release(&b);
    }
    strbuf_release(&text);
}

static void wishes_that_make_no_sense_are_refused(void **state)
{
    static const char *const wrong[] = {"requests", "=7", "latency:requests=", "latency:threds=1",
                                        "latncy:requests=1", "device=cuda:0", "peaks:db=x"};
    struct vendor_profile p;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct vendor_wish w = wish("open", "closed");
        w.changes = &wrong[i];
        w.n_changes = 1;
        e = ERR_NONE;
        if (vendor_profile_make(&p, &w, &e) == 0)
            fail_msg("%s was taken", wrong[i]);
        assert_int_equal(e.code, ERR_USAGE);
    }
    assert_int_equal(mem_live(), 0);
}

static void profiles_survive_every_failed_allocation(void **state)
{
    static const char *const changes[] = {"latency:requests=7"};
    struct vendor_wish w = wish("open", "quick");
    struct strbuf text = STRBUF_INIT;
    int rc = -1;
    (void)state;
    w.changes = changes;
    w.n_changes = 1;
    for (int nth = 0; rc < 0; nth++) {
        struct vendor_profile p = {0}, q = {0};
        struct err e = ERR_NONE;
        strbuf_release(&text);
        mem_fail_at(nth);
        rc = vendor_profile_make(&p, &w, &e);
        if (rc == 0) {
            vendor_profile_write(&p, &text);
            rc = strbuf_ok(&text, &e);
        }
        if (rc == 0)
            rc = vendor_profile_parse(&q, text.s, text.len, "text", &e);
        if (rc == 0)
            rc = vendor_profile_check(&q, "text", &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        vendor_profile_release(&p);
        vendor_profile_release(&q);
    }
    strbuf_release(&text);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_answers_pass_when_the_items_are_enough),
        cmocka_unit_test(below_99_percent_of_the_reference_never_passes),
        cmocka_unit_test(answers_of_another_length_fail_however_right_they_are),
        cmocka_unit_test(what_nothing_else_beats_is_on_the_frontier),
        cmocka_unit_test(profiles_without_freedom_refuse_every_change),
        cmocka_unit_test(a_profile_comes_back_from_its_text_and_is_what_it_says),
        cmocka_unit_test(changes_of_an_open_profile_are_made_recorded_and_checked),
        cmocka_unit_test(what_is_not_the_table_is_named),
        cmocka_unit_test(wishes_that_make_no_sense_are_refused),
        cmocka_unit_test(profiles_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
