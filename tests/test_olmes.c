/* OLMES: each task by letter and by text as the paper's figures have it, after the curated examples
 * and none other.  All data is made up: of the examples only the ids are real. */
#include "tests/test.h"

#include "base/mem.h"
#include "base/sha256.h"
#include "tasks/curated.h"
#include "tasks/recipe.h"
#include "tasks/task.h"
#include "tests/data_folder.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

static struct task_opts here = {.data_dirs = data_folders, .n_data_dirs = 1, .shots = 2, .seed = 1234};

static struct item asked(const char *task, int doc)
{
    struct err e = ERR_NONE;
    struct task *t;
    struct item it = {0};

    if (task_open(&t, task, &here, &e) < 0 || task_item(t, doc, &it, &e) < 0)
        fail_msg("%s", e.text);
    task_close(t);
    return it;
}

/* What the first item asks: the context and the continuations, a line each. */
static void expect(const char *task, const char *want)
{
    struct strbuf b = STRBUF_INIT;
    struct item it = asked(task, 0);

    for (int i = 0; i < it.n_queries; i++) {
        if (i == 0 || strcmp(it.queries[i].context, it.queries[i - 1].context) != 0)
            strbuf_addf(&b, "[%s]\n", it.queries[i].context);
        strbuf_addf(&b, "%s%s\n", i == it.gold_index ? ">" : "", it.queries[i].continuation);
    }
    assert_string_equal(strbuf_str(&b), want);
    item_release(&it);
    strbuf_release(&b);
}

/* A row of ARC's, OpenBookQA's or CommonsenseQA's. */
static void labelled(struct strbuf *b, const char *id, const char *key, const char *question,
                     const char *labels, char answer)
{
    strbuf_addf(b, "{\"id\":\"%s\",\"%s\":\"%s\",\"choices\":{\"text\":[", id, key, question);
    for (int i = 0; labels[i]; i++)
        strbuf_addf(b, "%s\"%s %d\"", i ? "," : "", question, i);
    strbuf_adds(b, "],\"label\":[");
    for (int i = 0; labels[i]; i++)
        strbuf_addf(b, "%s\"%c\"", i ? "," : "", labels[i]);
    strbuf_addf(b, "]},\"answerKey\":\"%c\"}\n", answer);
}

static void put_labelled(const char *test, const char *train, const char *key, const char *labels,
                         const struct curated *c)
{
    struct strbuf b = STRBUF_INIT;

    labelled(&b, "other", key, "asked", labels, labels[1]);
    data_put(test, b.s);
    strbuf_clear(&b);
    labelled(&b, "none of them", key, "no", labels, labels[0]);
    for (int i = 4; i >= 0; i--) { /* not in their order */
        char question[] = {(char)('p' + i), 0};
        labelled(&b, c->marks[i], key, question, labels, labels[i % 3]);
    }
    data_put(train, b.s);
    strbuf_release(&b);
}

static void letters_and_texts_are_asked_as_olmes_asks_them(void **state)
{
    (void)state;
    put_labelled("arc_easy/test.jsonl", "arc_easy/train.jsonl", "question", "1234",
                 &curated_arc_easy);
    expect("olmes_arc_easy_mc",
           "[Question: p\n A. p 0\n B. p 1\n C. p 2\n D. p 3\nAnswer: A\n\n"
           "Question: q\n A. q 0\n B. q 1\n C. q 2\n D. q 3\nAnswer: B\n\n"
           "Question: asked\n A. asked 0\n B. asked 1\n C. asked 2\n D. asked 3\nAnswer:]\n"
           " A\n> B\n C\n D\n");
    expect("olmes_arc_easy_cf",
           "[Question: p\nAnswer: p 0\n\nQuestion: q\nAnswer: q 1\n\nQuestion: asked\nAnswer:]\n"
           " asked 0\n> asked 1\n asked 2\n asked 3\n");
    put_labelled("commonsenseqa/dev.jsonl", "commonsenseqa/olmes.jsonl", "question", "ABCDE",
                 &curated_commonsense_qa);
    here.shots = 1;
    expect("olmes_commonsense_qa_cf",
           "[Question: p\nAnswer: p 0\n\nQuestion: asked\nAnswer:]\n"
           " asked 0\n> asked 1\n asked 2\n asked 3\n asked 4\n[Answer:]\n"
           " asked 0\n asked 1\n asked 2\n asked 3\n asked 4\n");
    put_labelled("openbookqa/test.jsonl", "openbookqa/train.jsonl", "question_stem", "ABC",
                 &curated_openbookqa);
    expect("olmes_openbookqa_mc",
           "[Question: p\n A. p 0\n B. p 1\n C. p 2\nAnswer: A\n\n"
           "Question: asked\n A. asked 0\n B. asked 1\n C. asked 2\nAnswer:]\n A\n> B\n C\n");
    here.shots = 0;
    data_put("piqa/valid.jsonl", "{\"goal\":\"Eat\",\"sol1\":\"fork\",\"sol2\":\"saw\",\"label\":0}\n");
    expect("olmes_piqa_mc", "[Goal: Eat\n A. fork\n B. saw\nAnswer:]\n> A\n B\n");
    expect("olmes_piqa_cf", "[Goal: Eat\nAnswer:]\n> fork\n saw\n");
    data_put("boolq/dev.jsonl", "{\"question\":\"is it\",\"passage\":\"It -- It is.\",\"label\":1}\n");
    expect("olmes_boolq_mc",
           "[It -- It is.\nQuestion: is it?\n A. yes\n B. no\nAnswer:]\n> A\n B\n");
    expect("olmes_boolq_cf", "[It -- It is.\nQuestion: is it?\nAnswer:]\n> yes\n no\n");
    data_put("social_iqa/dev.jsonl", "{\"context\":\"Ann ran.\",\"question\":\"Why?\",\"answerA\":\"late\","
                                "\"answerB\":\"fun\",\"answerC\":\"fear\",\"label\":\"3\"}\n");
    expect("olmes_social_iqa_mc",
           "[Question: Ann ran. Why?\n A. late\n B. fun\n C. fear\nAnswer:]\n A\n B\n> C\n");
    data_put("winogrande/dev.jsonl", "{\"sentence\":\"Ann paid Bea so _ has less.\",\"option1\":\"Ann\","
                                "\"option2\":\"Bea\",\"answer\":\"1\"}\n");
    expect("olmes_winogrande_mc",
           "[Fill in the blank: Ann paid Bea so _ has less.\n A. Ann\n B. Bea\nAnswer:]\n> A\n B\n");
    expect("olmes_winogrande_cf", "[Ann paid Bea so Ann]\n> has less.\n[Ann paid Bea so Bea]\n"
                                  " has less.\n");
    data_put("hellaswag/validation.jsonl",
        "{\"activity_label\":\"Tea\",\"ctx_a\":\"[header] Tea. [title] Boil [step] it.\","
        "\"ctx_b\":\"he\",\"endings\":[\"[step] Pours.  Drinks.\",\"b. [title] Ends.\",\"c\",\"d\"],"
        "\"label\":\"1\"}\n");
    expect("olmes_hellaswag_mc",
           "[Tea: Tea. Boil it. He\nChoose the best continuation:\n A. Pours. Drinks.\n B. b. Ends.\n"
           " C. c\n D. d\nAnswer:]\n A\n> B\n C\n D\n");
    expect("olmes_hellaswag_cf",
           "[Tea: Tea. Boil it. He]\n  Pours. Drinks.\n> b. Ends.\n c\n d\n");
    data_put("mmlu/test/anatomy_test.csv", "Bone?,a,b,c,d,C\n");
    data_put("mmlu/dev/anatomy_dev.csv", "Skin?,e,f,g,h,B\n");
    here.shots = 1;
    expect("olmes_mmlu_anatomy_cf",
           "[The following are multiple choice questions (with answers) about anatomy.\n\n"
           "Question: Skin?\nAnswer: f\n\nQuestion: Bone?\nAnswer:]\n a\n b\n> c\n d\n");
    here.shots = 2;
    assert_int_equal(mem_live(), 0);
}

static void other_examples_are_refused(void **state)
{
    struct err e = ERR_NONE;
    struct task *t;
    (void)state;
    here.shots = -1;
    assert_int_equal(task_open(&t, "olmes_piqa_mc", &here, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "piqa/olmes.jsonl"));
    data_put("piqa/train.jsonl", "{\"goal\":\"Sit\",\"sol1\":\"chair\",\"sol2\":\"tree\",\"label\":0}\n");
    e = ERR_NONE;
    assert_int_equal(task_open(&t, "olmes_piqa_mc", &here, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "olmes_piqa_mc: 5 of the 5 examples that OLMES shows are not in"));
    assert_non_null(strstr(e.hint, "piqa/olmes.jsonl"));
    assert_int_equal(mem_live(), 0);
}

/* As the tasks have them: by hash where rows have no ids. */
static void marked_rows_are_kept_in_the_order_of_their_marks(void **state)
{
    static const char *const fields[] = {"a", "n", NULL};
    char mark[8 + SHA256_HEX] = "sha256:";
    const char *marks[] = {"x 2", mark, NULL};
    const struct curated c = {"f", fields, marks};
    struct doc rows[] = {{.json = "{\"a\":\"y\",\"n\":1}"}, {.json = "{\"a\":\"y\",\"n\":2}"},
                         {.json = "{\"a\":\"x\",\"n\":2}"}, {.json = "{\"a\":\"x\",\"n\":2}"}};
    struct docs docs = {.v = rows, .n = 4};
    (void)state;
    assert_int_equal(sha256_bytes(mark + 7, "y 1", 3, NULL), 0);
    mark[7 + 32] = 0;
    assert_int_equal(curated_keep(&docs, &c, "t", "p", NULL), 0);
    assert_int_equal(docs.n, 2);
    assert_string_equal(rows[0].json, "{\"a\":\"x\",\"n\":2}");
    assert_string_equal(rows[1].json, "{\"a\":\"y\",\"n\":1}");
    assert_int_equal(mem_live(), 0);
}

/* random.Random(1234).sample(range(1200), 1000) begins 902, 239, 15, 185 and leaves out 0, 6, 7, 10. */
static void of_many_items_a_thousand_are_drawn(void **state)
{
    static const int all[] = {1, 2, 3, 4, 5, 8}, few[] = {15, 185, 239, 902};
    struct strbuf b = STRBUF_INIT;
    int order[1200];
    struct task *t;
    (void)state;
    for (int i = 0; i < 1200; i++)
        strbuf_addf(&b, "{\"goal\":\"%d\",\"sol1\":\"a\",\"sol2\":\"b\",\"label\":0}\n", i);
    data_put("piqa/valid.jsonl", b.s);
    strbuf_release(&b);
    here.shots = 0;
    assert_int_equal(task_open(&t, "olmes_piqa_mc", &here, NULL), 0);
    assert_int_equal(task_order(t, 0, order), 1000);
    assert_memory_equal(order, all, sizeof all);
    assert_int_equal(task_order(t, 4, order), 4);
    assert_memory_equal(order, few, sizeof few);
    task_close(t);
    assert_int_equal(mem_live(), 0);
}

/* Three options of 5, 1 and 3 characters; alone the first is the likeliest. */
static void options_are_compared_as_each_metric_says(void **state)
{
    struct reply_text replies[6] = {{-6, 0, 1, NULL, 0}, {-2.5, 0, 1, NULL, 0}, {-3, 0, 1, NULL, 0},
                                    {-2, 0, 1, NULL, 0}, {-3, 0, 1, NULL, 0}, {-5, 0, 1, NULL, 0}};
    struct err e = ERR_NONE;
    struct verdict v;
    struct task *t;
    struct item it;
    (void)state;
    data_put("openbookqa/test.jsonl",
        "{\"question_stem\":\"q\",\"choices\":{\"text\":[\"apple\",\"b\",\"cat\"],\"label\":[\"A\",\"B\","
        "\"C\"]},\"answerKey\":\"C\"}\n");
    here.shots = 0;
    assert_int_equal(task_open(&t, "olmes_openbookqa_cf", &here, &e), 0);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_int_equal(task_score(t, &it, replies, &v, NULL), 0);
    assert_int_equal(v.n, 3);
    assert_string_equal(v.credits[0].metric, "acc");
    assert_close(v.credits[0].value, 0, 0); /* b */
    assert_string_equal(v.credits[1].metric, "acc_per_char");
    assert_close(v.credits[1].value, 1, 0); /* -1, -1.25, -0.75 */
    assert_string_equal(v.credits[2].metric, "acc_mutual_info");
    assert_close(v.credits[2].value, 1, 0); /* -4, 0.5, 2 */
    verdict_release(&v);
    item_release(&it);
    task_close(t);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_and_texts_are_asked_as_olmes_asks_them),
        cmocka_unit_test(other_examples_are_refused),
        cmocka_unit_test(marked_rows_are_kept_in_the_order_of_their_marks),
        cmocka_unit_test(of_many_items_a_thousand_are_drawn),
        cmocka_unit_test(options_are_compared_as_each_metric_says),
    };
    unsetenv("DENSIMETER_DATA");
    return cmocka_run_group_tests_name(__FILE__, tests, NULL, data_folder_gone);
}
