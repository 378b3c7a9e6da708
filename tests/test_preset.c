/* Published conventions: their tasks exist, their examples are drawn as lm-eval's group draws them,
 * and how they differ on a document is told. */
#include "tests/test.h"

#include "base/file.h"
#include "base/mem.h"
#include "harness/conventions.h"
#include "harness/preset.h"
#include "harness/preset_score.h"
#include "harness/select.h"

static void every_preset_is_made_of_tasks_with_their_metrics(void **state)
{
    const struct preset *p;
    (void)state;
    for (int i = 0; (p = preset_at(i)) != NULL; i++) {
        assert_ptr_equal(preset_find(p->name, NULL), p);
        for (const struct preset_part *part = p->parts; part->word; part++) {
            struct selection s = {0};
            assert_int_equal(select_word(&s, part->word, NULL), 0);
            assert_ptr_equal(preset_part_of(p, s.v[0]->name), part);
            selection_release(&s);
        }
    }
    assert_null(preset_part_of(preset_at(0), "piqa"));
}

static void an_unknown_preset_is_refused_with_those_there_are(void **state)
{
    struct err e = ERR_NONE;
    (void)state;
    assert_null(preset_find("open_llm", &e));
    assert_int_equal(e.code, ERR_USAGE);
    assert_non_null(strstr(e.hint, "open_llm_v1, open_llm_v2"));
    assert_int_equal(mem_live(), 0);
}

/* --- a winogrande of our own --------------------------------------------------------------- */

static char dir[64];
static const char *const dirs[] = {dir};

static void put_sentences(const char *name, int n)
{
    struct strbuf b = STRBUF_INIT;
    char path[128];

    for (int i = 0; i < n; i++)
        strbuf_addf(&b,
                    "{\"sentence\":\"%c%d _ was late.\",\"option1\":\"Ann\","
                    "\"option2\":\"Bea\",\"answer\":\"1\"}\n", *name == 't' ? 'T' : 'S', i);
    snprintf(path, sizeof path, "%s/winogrande/%s", dir, name);
    assert_int_equal(file_write(path, b.s, b.len, NULL), 0);
    strbuf_release(&b);
}

static void make_data(void)
{
    char path[128];

    strcpy(dir, "/tmp/densimeter-preset-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/winogrande", dir);
    assert_int_equal(dir_make(path, NULL), 0);
    put_sentences("dev.jsonl", 2);
    put_sentences("train.jsonl", 20);
}

static void drop_data(void)
{
    static const char *const names[] = {"winogrande/dev.jsonl", "winogrande/train.jsonl",
                                        "winogrande", ""};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        remove(path);
    }
}

/* random.Random(1234).sample(range(20), 5) is 14, 3, 0, 2, 1: no sixth is drawn. */
static void a_named_split_gives_no_more_than_the_shots(void **state)
{
    struct task_opts o = {.data_dirs = dirs, .n_data_dirs = 1, .shots = 5, .seed = 1234,
                          .pool_named = 1};
    struct task *t;
    struct item it;
    (void)state;
    make_data();
    assert_int_equal(task_open(&t, "winogrande", &o, NULL), 0);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_string_equal(it.queries[0].context,
                        "T14 Ann was late.\n\nT3 Ann was late.\n\nT0 Ann was late.\n\n"
                        "T2 Ann was late.\n\nT1 Ann was late.\n\nS0 Ann");
    item_release(&it);
    task_close(t);
    drop_data();
}

static void the_better_way_counts_once_both_are_known(void **state)
{
    struct store_value letter = {.metric = "acc", .filter = "none", .value = 0.3, .stderr_ = 0.01},
                       text[] = {{.metric = "acc", .filter = "none", .value = 0.9, .stderr_ = 0.01},
                                 {.metric = "acc_mutual_info", .filter = "none", .value = 0.4,
                                  .stderr_ = 0.02}};
    struct task_row rows[] = {
        {.task = "olmes_openbookqa_mc", .n = 500, .values = &letter, .n_values = 1},
        {.task = "olmes_openbookqa_cf", .n = 500, .values = text, .n_values = 2}};
    struct task_list l = {.v = rows, .n = 2};
    const struct preset *p = preset_find("olmes", NULL);
    struct preset_score s;
    (void)state;
    assert_int_equal(preset_score(&s, p, &l, NULL), 0);
    assert_int_equal(s.n_known, 1);
    assert_string_equal(s.parts[6].word, "olmes_openbookqa_cf");
    assert_close(s.parts[6].score, 0.4, 1e-15);
    text[1].value = 0.2;
    assert_int_equal(preset_score(&s, p, &l, NULL), 0);
    assert_string_equal(s.parts[6].word, "olmes_openbookqa_mc");
    assert_close(s.parts[6].score, 0.3, 1e-15);
    l.n = 1;
    assert_int_equal(preset_score(&s, p, &l, NULL), 0);
    assert_true(isnan(s.parts[6].score));
    assert_string_equal(s.parts[6].word, "olmes_openbookqa_cf"); /* what is missing */
    assert_int_equal(mem_live(), 0);
}

/* The lines of the conventions of document 0. */
static void expect_lines(const char *task, const char *want)
{
    struct task_opts o = {.data_dirs = dirs, .n_data_dirs = 1, .shots = -1, .seed = 1234};
    struct strbuf b = STRBUF_INIT;
    struct conventions c;

    assert_int_equal(conventions_open(&c, task, 0, &o, NULL, 0, NULL), 0);
    assert_int_equal(conventions_lines(&b, &c, NULL), 0);
    assert_non_null(strstr(strbuf_str(&b), want));
    conventions_close(&c);
    strbuf_release(&b);
}

static void conventions_tell_what_differs(void **state)
{
    struct task_opts o = {.data_dirs = dirs, .n_data_dirs = 1, .shots = -1, .seed = 1234};
    static const char *const none[] = {"open_llm_v2"};
    struct err e = ERR_NONE;
    struct conventions c;
    (void)state;
    make_data();
    expect_lines("winogrande",
                 "--- conventions\n"
                 "lm-eval        0 shots  all its metrics           6 characters\n"
                 "open_llm_v1    5 shots  acc                       97 characters, another "
                 "prompt; examples drawn from the training split by name\n"
                 "olmes          5 shots  acc  not here: olmes_winogrande_mc: 5 of the 5 examples");
    assert_int_equal(conventions_open(&c, "winogrande", 0, &o, none, 1, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    assert_string_equal(e.hint, "there are: lm-eval, open_llm_v1, olmes");
    conventions_close(&c);
    drop_data();
    assert_int_equal(mem_live(), 0);
}

static void conventions_stand_side_by_side(void **state)
{
    struct task_opts o = {.data_dirs = dirs, .n_data_dirs = 1, .shots = -1, .seed = 1234};
    static const char *const two[] = {"lm-eval", "open_llm_v1"};
    struct strbuf b = STRBUF_INIT;
    struct conventions c;
    (void)state;
    make_data();
    assert_int_equal(conventions_open(&c, "winogrande", 1, &o, two, 2, NULL), 0);
    assert_int_equal(conventions_beside(&b, &c, 43, NULL), 0);
    assert_string_equal(b.s, "--- convention, task\n"
                             "lm-eval              | open_llm_v1\n"
                             "winogrande           | winogrande\n"
                             "--- shots\n"
                             "0                    | 5, drawn from the\n"
                             "                     | training split by\n"
                             "                     | name\n"
                             "--- first example\n"
                             "-                    | T2 Ann was late.\n"
                             "--- question\n"
                             "S1 Ann               | S1 Ann\n"
                             "--- choices\n"
                             ">S1 Ann was late.    | >S1 Ann was late.\n"
                             " S1 Bea was late.    |  S1 Bea was late.\n"
                             "--- metric\n"
                             "acc                  | acc\n"
                             "--- normalisation\n"
                             "share of items whose | share of items whose\n"
                             "likeliest option is  | likeliest option is\n"
                             "right                | right\n"
                             "--- whole prompt\n"
                             "6 characters,        | 97 characters,\n"
                             "cd7f7707             | d5a817cc\n");
    conventions_close(&c);
    strbuf_release(&b);
    drop_data();
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_preset_is_made_of_tasks_with_their_metrics),
        cmocka_unit_test(an_unknown_preset_is_refused_with_those_there_are),
        cmocka_unit_test(a_named_split_gives_no_more_than_the_shots),
        cmocka_unit_test(the_better_way_counts_once_both_are_known),
        cmocka_unit_test(conventions_tell_what_differs),
        cmocka_unit_test(conventions_stand_side_by_side),
    };
    return RUN(tests);
}
