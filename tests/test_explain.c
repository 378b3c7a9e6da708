/* What is told of a run beyond its score: texts that repeat themselves, scripts, calibration. */
#include "tests/test.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "harness/explain.h"
#include "tests/store_fixture.h"

static void texts_that_go_round_in_circles_are_told(void **state)
{
    struct strbuf b = STRBUF_INIT;

    (void)state;
    assert_int_equal(text_repeats(""), 0);
    assert_int_equal(text_repeats("bee pollen, bee pollen, bee pollen"), 0); /* too short to say */
    for (int i = 0; i < 15; i++)
        strbuf_adds(&b, "bee pollen, ");
    assert_int_equal(text_repeats(strbuf_str(&b)), 1);
    strbuf_clear(&b);
    for (int i = 0; i < 10; i++)
        strbuf_adds(&b, "好的好的");
    assert_int_equal(text_repeats(strbuf_str(&b)), 1);
    assert_int_equal(text_repeats("The quick brown fox jumps over the lazy dog while nine old owls "
                                  "watch from a tall dark oak and say nothing at all tonight"), 0);
    assert_int_equal(text_repeats("从前有座山，山上有座庙，庙里有个老和尚，给小和尚讲一个很长的故事。"), 0);
    strbuf_clear(&b);
    for (int i = 0; i < 5000; i++)
        strbuf_addf(&b, "w%d ", i); /* more words than are looked at */
    assert_int_equal(text_repeats(strbuf_str(&b)), 0);
    assert_int_equal(text_repeats("\xff\xfe\xff"), 0);
    strbuf_release(&b);
}

static void the_script_of_a_text_is_that_of_most_letters(void **state)
{
    (void)state;
    assert_int_equal(text_script("Hello"), SCRIPT_LATIN);
    assert_int_equal(text_script("你好吗 ok"), SCRIPT_CJK);
    assert_int_equal(text_script("Привет"), SCRIPT_OTHER);
    assert_int_equal(text_script("12:30"), SCRIPT_NONE);
    assert_int_equal(text_script("ok"), SCRIPT_NONE);
    assert_int_equal(text_script("\xff\xff\xff\xff"), SCRIPT_NONE);
}

/* Items of two options: nats of both, which is right. */
static const struct {
    double nats[2];
    int gold;
} choices[] = {{{0, -3}, 0}, {{-3, 0}, 0}, {{0, -0.1}, 0}, {{-0.1, 0}, 1}};

static void add_choice(struct store_run *r, int i)
{
    const struct store_request requests[2] = {{choices[i].nats[0], 0, 1, 1},
                                              {choices[i].nats[1], 0, 1, 1}};
    const struct store_metric m = {"acc", "none", 1, 1};
    char hash[16];
    struct store_item it = {.task = "a", .doc_id = i, .doc_hash = hash, .prompt_hash = hash,
                            .gold_index = choices[i].gold, .gold = "g", .latency_s = 1,
                            .ttft_s = NAN, .metrics = &m, .n_metrics = 1, .requests = requests,
                            .n_requests = 2};

    snprintf(hash, sizeof hash, "a%d", i);
    assert_int_equal(store_item_add(r, &it, NULL), 0);
}

static void add_text(struct store_run *r, int i, const char *gold, const char *prediction,
                     const char *output)
{
    const struct store_request requests[1] = {{NAN, -1, 3, -1}};
    const struct store_metric m = {"acc", "none", 1, 1};
    char hash[16];
    struct store_item it = {.task = "b", .doc_id = i, .doc_hash = hash, .prompt_hash = hash,
                            .gold_index = -1, .gold = gold, .prediction = prediction,
                            .output = output, .latency_s = 1, .ttft_s = NAN, .metrics = &m,
                            .n_metrics = 1, .requests = requests, .n_requests = 1};

    snprintf(hash, sizeof hash, "b%d", i);
    assert_int_equal(store_item_add(r, &it, NULL), 0);
}

static struct store *filled(char id[RUN_ID_SIZE])
{
    const struct store_task tasks[] = {{.task = "a", .version = 1, .n_expected = 4},
                                       {.task = "b", .version = 1, .n_expected = 6}};
    struct store_run_spec spec = spec_of("{}");
    struct store_run *r = NULL;
    struct store *s = NULL;
    struct err e = ERR_NONE;

    spec.tasks = tasks;
    spec.n_tasks = 2;
    if (store_open(&s, ":memory:", NULL, &e) < 0 || store_run_begin(s, &spec, &r, &e) < 0)
        fail_msg("%s", e.text);
    for (int i = 0; i < 4; i++)
        add_choice(r, i);
    add_text(r, 0, "spam", "spam", " spam");
    add_text(r, 1, "spam", "fine", " fine");
    add_text(r, 2, "fine", "fine", " fine");
    add_text(r, 3, "fine", "垃圾邮件", " 垃圾邮件");
    add_text(r, 4, "fine", "", "  ");
    add_text(r, 5, "spam", "spam", "spam.");
    assert_int_equal(store_run_finish(r, STORE_COMPLETE, NULL, NULL, NULL), 0);
    snprintf(id, RUN_ID_SIZE, "%s", store_run_id(r));
    store_run_close(r);
    return s;
}

static void confidences_are_softmaxes_of_the_options(void **state)
{
    char id[RUN_ID_SIZE];
    struct store *s = filled(id);
    struct explained x;
    double sure = 1 / (1 + exp(-3)), unsure = 1 / (1 + exp(-.1));

    (void)state;
    assert_int_equal(explain_task(s, id, "a", &x, NULL), 0);
    assert_int_equal(x.n_choice, 4);
    assert_int_equal(x.n_text, 0);
    assert_close(x.accuracy, .75, 1e-12);
    assert_close(x.confidence, (sure + unsure) / 2, 1e-12);
    assert_close(x.calibration.brier,
                 (pow(1 - sure, 2) + sure * sure + 2 * pow(1 - unsure, 2)) / 4, 1e-12);
    /* two bins: sure with .5 right, unsure with all right */
    assert_close(x.calibration.ece_width, (sure - .5) / 2 + (1 - unsure) / 2, 1e-12);
    assert_close(x.surer_half, .5, 1e-12);
    assert_int_equal(x.n_places, 2);
    assert_close(x.chosen[0], .5, 1e-12);
    assert_close(x.right[0], .75, 1e-12);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void outputs_are_counted_and_labels_make_a_matrix(void **state)
{
    char id[RUN_ID_SIZE];
    struct store *s = filled(id);
    struct explained x;

    (void)state;
    assert_int_equal(explain_task(s, id, "b", &x, NULL), 0);
    assert_int_equal(x.n_text, 6);
    assert_close(x.empty, 1.0 / 6, 1e-12);
    assert_close(x.repeating, 0, 0);
    assert_int_equal(x.n_script, 5);
    assert_close(x.drifting, .2, 1e-12);
    assert_int_equal(x.n_labels, 2);
    assert_string_equal(x.labels[0], "spam");
    assert_int_equal(x.confusion[0][0], 2);
    assert_int_equal(x.confusion[0][1], 1);
    assert_int_equal(x.confusion[1][1], 1);
    assert_int_equal(x.confusion[1][2], 2);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_that_go_round_in_circles_are_told),
        cmocka_unit_test(the_script_of_a_text_is_that_of_most_letters),
        cmocka_unit_test(confidences_are_softmaxes_of_the_options),
        cmocka_unit_test(outputs_are_counted_and_labels_make_a_matrix),
    };
    return RUN(tests);
}
