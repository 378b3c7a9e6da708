/* What strangers name, and runs that are nearly nothing, through gate and compare into every format:
 * each is still readable by its reader, and nothing decides that cannot. */
#include "tests/test.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "harness/compare_write.h"
#include "harness/gate_runs.h"
#include "harness/gate_write.h"
#include "tests/pair_runs.h"

enum { N = 120 };

static struct made_item base[N], cand[N];

static void fill(double right_a, double right_b)
{
    for (int i = 0; i < N; i++) {
        base[i] = (struct made_item){i, i < right_a * N, -2 - i % 3, 4, .1, NULL};
        cand[i] = base[i];
        cand[i].acc = i < right_b * N;
    }
}

static const char *const policy_text =
    "{\"minimum_items\":50,\"accuracy\":{\"margin\":0.05,\"task_margin\":0.1},"
    "\"likelihood\":{\"margin\":0.01,\"task_margin\":0.02},\"latency\":{\"margin\":0.1},"
    "\"memory\":{\"margin\":0.05}}";

/* Two runs of one task, and all that is said about them. */
struct said {
    struct gate_policy policy;
    struct gate_runs runs;
    struct gate gate;
    struct store *s;
    struct strbuf text, markdown, html, json, junit, github;
};

static struct strbuf *page_of(struct said *w, const char *name)
{
    return strcmp(name, "text") == 0       ? &w->text
           : strcmp(name, "markdown") == 0 ? &w->markdown
           : strcmp(name, "html") == 0     ? &w->html
                                           : NULL; /* data: held against their readers elsewhere */
}

static void write_pages(struct said *w, const struct report *page)
{
    struct report_options o = {.width = 80};

    assert_int_equal(report_ok(page, NULL), 0);
    for (int i = 0; report_writer_at(i); i++) {
        struct strbuf *to = page_of(w, report_writer_at(i)->name);
        if (to)
            assert_int_equal(report_writer_at(i)->write(page, &o, to, NULL), 0);
    }
}

static void say_gate(struct said *w)
{
    struct gate_story story = {&w->gate, &w->policy, "p.json", &w->runs.in};
    struct json_out j;
    struct report page;
    struct err e = ERR_NONE;

    if (gate_runs_read(&w->runs, w->s, &w->policy, &e) < 0 ||
        gate_decide(&w->gate, &w->runs.in, &w->policy, 1, &e) < 0)
        fail_msg("%s", e.text);
    report_init(&page, "Release gate");
    gate_report(&page, &story);
    write_pages(w, &page);
    report_release(&page);
    j = JSON_OUT(&w->json);
    json_begin_object(&j, NULL);
    gate_json(&j, &story);
    json_end_object(&j);
    gate_junit(&w->junit, &story);
    gate_github(&w->github, &story);
}

static void say_compare(struct said *w)
{
    struct compare_lists lists = {5, 5, 1};
    struct compare c;
    struct report page;
    struct err e = ERR_NONE;

    if (compare_make(&c, w->s, w->runs.in.a, w->runs.in.b, .95, &e) < 0)
        fail_msg("%s", e.text);
    report_init(&page, "Two runs compared");
    assert_int_equal(compare_report(&page, &c, w->s, &lists, NULL), 0);
    write_pages(w, &page);
    report_release(&page);
    compare_release(&c);
}

static void say(struct said *w, const char *task, const char *model, int n)
{
    struct made_task ta = {task, 1, base, n, 1e8, 5}, tb = {task, 1, cand, n, 1e8, 5};
    struct made_run ra = {.model = "base", .tasks = &ta, .n_tasks = 1}, rb = ra;
    char a[RUN_ID_SIZE], b[RUN_ID_SIZE];

    *w = (struct said){0};
    rb.model = model;
    rb.tasks = &tb;
    assert_int_equal(gate_policy_parse(&w->policy, policy_text, strlen(policy_text), "p.json", NULL),
                     0);
    assert_int_equal(store_open(&w->s, ":memory:", NULL, NULL), 0);
    make_run(w->s, &ra, a);
    make_run(w->s, &rb, b);
    assert_int_equal(gate_runs_find(&w->runs, w->s, a, b, NULL), 0);
    say_gate(w);
    say_compare(w);
}

static void unsay(struct said *w)
{
    struct strbuf *texts[] = {&w->text, &w->markdown, &w->html, &w->json, &w->junit, &w->github};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        strbuf_release(texts[i]);
    gate_release(&w->gate);
    gate_runs_release(&w->runs);
    gate_policy_release(&w->policy);
    store_close(w->s);
    assert_int_equal(mem_live(), 0);
}

/* Well-formed, no control characters but line ends and tabs. */
static void assert_plain(const char *what, const struct strbuf *b)
{
    for (size_t i = 0, k; i < b->len; i += k) {
        k = utf8_len(b->s + i, b->len - i);
        if (!k)
            fail_msg("%s: no UTF-8 at %zu: %.40s", what, i, b->s + (i > 20 ? i - 20 : 0));
        if (b->s[i] != '\n' && b->s[i] != '\t' && b->s[i] != '\r' && (unsigned char)b->s[i] < 0x20)
            fail_msg("%s: a control character at %zu", what, i);
    }
}

static int has_command(const char *s)
{
    for (; s; s = strchr(s, '\n'), s = s ? s + 1 : NULL)
        if (*s && strncmp(s, "::error title=", 14) != 0 && strncmp(s, "::warning title=", 16) != 0 &&
            strncmp(s, "::notice title=", 15) != 0)
            return 1;
    return 0;
}

static void check_said(struct said *w)
{
    cJSON *j;
    struct err e = ERR_NONE;

    assert_plain("text", &w->text);
    assert_plain("markdown", &w->markdown);
    assert_plain("html", &w->html);
    assert_plain("json", &w->json);
    assert_plain("junit", &w->junit);
    assert_plain("github", &w->github);
    assert_null(strstr(w->html.s, "<img"));
    assert_null(strstr(w->junit.s, "<img"));
    assert_null(strstr(w->markdown.s, "<img"));
    assert_null(strstr(w->junit.s, "\xef\xbf\xbe")); /* no character of XML */
    assert_null(strstr(w->text.s, "\xe2\x80\xae"));
    assert_false(has_command(w->github.s));
    j = json_parse(w->json.s, w->json.len, "gate", &e);
    if (!j)
        fail_msg("%s", e.text);
    json_free(j);
}

static void hostile_names_stay_names_in_every_format(void **state)
{
    static const char *const names[] = {
        "a\x1b[2J\x07<img src=x onerror=alert(1)>&\"'|`*_[x](javascript:1)",
        "a\n::error title=x::forged\r\n# heading",
        /* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one name */
        "\xe2\x80\xae" "ltr \xd7\x90\xd7\x91 \xef\xbf\xbe \xc2\x85 \xef\xbb\xbf",
        "stray \xff\xc3 \xed\xa0\x80 \xc0\xaf bytes",
        "%s%n%d%%", "",
    };
    struct said w;

    (void)state;
    fill(.5, .3);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        say(&w, names[i], names[i], N);
        assert_int_equal(w.gate.verdict, VERDICT_FAIL);
        check_said(&w);
        unsay(&w);
    }
}

/* However a long name is cut, no character is cut in two. */
static void long_names_are_cut_between_characters(void **state)
{
    char name[1400];
    struct said w;

    (void)state;
    fill(.5, .3);
    for (int shift = 0; shift < 4; shift++) {
        memset(name, 'a', (size_t)shift);
        name[shift] = '\0';
        for (int i = 0; i < 300; i++)
            strcat(name, "\xf0\x9f\xa6\x89");
        say(&w, name, name, N);
        check_said(&w);
        unsay(&w);
    }
}

static const struct gate_check *check_of(const struct said *w, enum gate_quantity q)
{
    for (size_t i = 0; i < w->gate.n_checks; i++)
        if (w->gate.checks[i].quantity == q)
            return &w->gate.checks[i];
    return NULL;
}

static void one_item_decides_nothing(void **state)
{
    struct said w;

    (void)state;
    fill(1, 0);
    for (int n = 1; n <= 3; n++) {
        say(&w, "arc_easy", "m", n);
        assert_int_equal(check_of(&w, GATE_ACCURACY)->verdict, VERDICT_INCONCLUSIVE);
        assert_true(w.gate.verdict != VERDICT_PASS);
        check_said(&w);
        for (const char *p = w.text.s; (p = strstr(p, "nan")) != NULL; p++)
            fail_msg("%d items: ...%.40s", n, p > w.text.s + 20 ? p - 20 : p);
        unsay(&w);
    }
}

static void all_right_and_all_wrong_are_told_apart(void **state)
{
    static const struct {
        double a, b;
        enum verdict verdict;
    } rows[] = {{1, 1, VERDICT_PASS}, {0, 0, VERDICT_PASS}, {1, 0, VERDICT_FAIL},
                {0, 1, VERDICT_PASS}};
    struct said w;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fill(rows[i].a, rows[i].b);
        say(&w, "arc_easy", "m", N);
        assert_int_equal(check_of(&w, GATE_ACCURACY)->verdict, rows[i].verdict);
        check_said(&w);
        unsay(&w);
    }
}

/* A likelihood of zero or none is no reason to pass. */
static void likelihoods_that_are_no_numbers_never_pass(void **state)
{
    static const double odd[] = {NAN, -INFINITY};
    struct said w;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct gate_check *c;
        fill(.5, .5);
        for (int k = 0; k < N; k++)
            cand[k].nats = odd[i];
        say(&w, "arc_easy", "m", N);
        c = check_of(&w, GATE_LIKELIHOOD);
        assert_non_null(c);
        assert_int_equal(c->verdict, VERDICT_INVALID);
        assert_int_equal(w.gate.verdict, c->verdict);
        check_said(&w);
        unsay(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_names_stay_names_in_every_format),
        cmocka_unit_test(long_names_are_cut_between_characters),
        cmocka_unit_test(one_item_decides_nothing),
        cmocka_unit_test(all_right_and_all_wrong_are_told_apart),
        cmocka_unit_test(likelihoods_that_are_no_numbers_never_pass),
    };

    return RUN(tests);
}
