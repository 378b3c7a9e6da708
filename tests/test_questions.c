/* Question sets: their prompts are those of lm-eval 0.4.11 (rendered there from the same records),
 * their credits too, on inputs made from a seed. */
#include "tests/test.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "tasks/answer.h"
#include "tasks/bags.h"
#include "tasks/task.h"
#include "tests/data_folder.h"
#include "tests/lmeval_cases.h"

static void put_all(void)
{
    data_put("gsm8k/test.jsonl", "{\"question\":\"2+2?\",\"answer\":\"It is 4.\\n#### 4\"}\n");
    data_put("copa/val.jsonl",
        "{\"premise\":\"The man broke his toe. \",\"choice1\":\"He got a hole in his sock.\","
        "\"choice2\":\"\xc3\x89lan dropped a hammer.\",\"question\":\"cause\",\"label\":1}\n");
    data_put("social_iqa/dev.jsonl",
        "{\"context\":\"Tom ran.\",\"question\":\"Why?\",\"answerA\":\"a\",\"answerB\":\"b c\","
        "\"answerC\":\"d\",\"label\":\"2\"}\n");
    data_put("mmlu_pro/test.jsonl",
        "{\"question\":\"Other?\",\"options\":[\"x\"],\"answer\":\"A\",\"category\":\"law\"}\n"
        "{\"question\":\"What?\",\"options\":[\" x \",\"y\",\"z\"],\"answer\":\"B\",\"category\":"
        "\"biology\"}\n");
    data_put("mmlu_pro/validation.jsonl",
        "{\"question\":\"Shown?\",\"options\":[\"p\",\"q\"],\"answer\":\"A\",\"category\":"
        "\"biology\",\"cot_content\":\"A: Let's think step by step. It is p. The answer is (A).\"}"
        "\n");
    data_put("ceval/val/law_val.csv", "id,question,A,B,C,D,answer\n0, 题目____。,甲,\"乙,丙\",丁,戊,B\n");
    data_put("ceval/dev/law_dev.csv",
        "id,question,A,B,C,D,answer,explanation\n0,例题,一,二,三,四,D,因为\n");
    data_put("squad_completion/validation.jsonl",
        "{\"text\":\"The capital of France is\",\"value\":\"Paris (city)\"}\n");
    data_put("c4/validation.jsonl", "{\"text\":\"Hello ( there ) , it 's \\n here\"}\n");
    data_put("drop/validation.jsonl",
        "{\"passage\":\"In 1900 the man went.\",\"question\":\"When?\",\"answer\":{\"number\":\"\","
        "\"spans\":[],\"date\":{\"day\":\"\",\"month\":\"May\",\"year\":\"1900\"}},"
        "\"validated_answers\":{\"number\":[\"7\",\"\"],\"date\":[{},{}],\"spans\":[[],"
        "[\"the cat\",\"a dog\"]]}}\n");
}

/* --- prompts and credits ------------------------------------------------------------------- */

static const struct expected {
    const char *task;
    int shots;
    const char *tail; /* the context's end; all of it where it begins with '^' */
    const char *first, *last; /* continuations; NULL: generated */
    const char *reply, *metric; /* of a generation */
    double value;
} rows[] = {
    {"gsm8k_cot", 8,
     "she has 23 - 15 dollars left. 23 - 15 is 8. The answer is 8.\n\nQ: 2+2?\nA:", NULL, NULL,
     "Two and two. The answer is 4.", "exact_match", 1},
    {"gsm8k_cot", 0, "^Q: 2+2?\nA:", NULL, NULL, "The answer is 5.", "exact_match", 0},
    {"gsm8k_cot_zeroshot", 0, "^Q: 2+2?\nA: Let's think step by step.", NULL, NULL,
     "The answer is $4.", "exact_match", 0},
    {"copa", 0, "^The man broke his toe because", "  he got a hole in his sock.",
     "  \xc3\xa9lan dropped a hammer.", NULL, NULL, 0},
    {"social_iqa", 0, "^Q: Tom ran. Why?\nA:", " a", " d", NULL, NULL, 0},
    {"mmlu_pro_biology", 0,
     "^The following are multiple choice questions (with answers) about biology. Think step by "
     "step and then finish your answer with \"the answer is (X)\" where X is the correct letter "
     "choice.\nQuestion:\nWhat?\nOptions:\nA. x\nB. y\nC. z\nAnswer: Let's think step by step.",
     NULL, NULL, " So the answer is (B).", "exact_match", 1},
    {"mmlu_pro_biology", 1,
     "letter choice.\nQuestion:\nShown?\nOptions:\nA. p\nB. q\nAnswer: Let's think step by step. "
     "It is p. The answer is (A).\n\nQuestion:\nWhat?\nOptions:\nA. x\nB. y\nC. z\n"
     "Answer: Let's think step by step.", NULL, NULL, " the answer is C", "exact_match", 0},
    {"leaderboard_mmlu_pro", 1, "^Shown?\nA. p\nB. q\nAnswer: A\n\nOther?\nA. x\nAnswer:", " A", " A",
     NULL, NULL, 0},
    {"ceval-valid_law", 1,
     "^以下是中国关于法学的单项选择题，请选出其中的正确答案。\n\n例题\nA. 一\nB. 二\nC. 三\nD. 四\n"
     "答案： D\n\n题目____。\nA. 甲\nB. 乙,丙\nC. 丁\nD. 戊\n答案：", " A", " D", NULL, NULL, 0},
    {"squad_completion", 0, "^The capital of France is", NULL, NULL, " the paris (CITY).", "contains",
     1},
    {"squad_completion", 0, "^The capital of France is", NULL, NULL, " Paris.", "contains", 0},
    {"c4", 0, "^", "Hello (there), it's\nhere", "Hello (there), it's\nhere", NULL, NULL, 0},
    {"drop", 0, "^In 1900 the man went. When?", NULL, NULL, " A dog", "f1", 0.5},
    {"drop", 0, "^In 1900 the man went. When?", NULL, NULL, " 7", "em", 1},
};

static void check_reply(const struct task *t, const struct item *it, const struct expected *want)
{
    const struct reply_text reply = {.text = want->reply};
    struct err e = ERR_NONE;
    struct verdict v;
    int found = 0;

    if (task_score(t, it, &reply, &v, &e) < 0)
        fail_msg("%s: %s", want->task, e.text);
    for (int i = 0; i < v.n && !found; i++)
        if (strcmp(v.credits[i].metric, want->metric) == 0) {
            if (v.credits[i].value != want->value)
                fail_msg("%s: %s is %g", want->task, want->metric, v.credits[i].value);
            found = 1;
        }
    assert_true(found);
    assert_string_equal(task_aggregation(t, want->metric), "mean");
    verdict_release(&v);
}

static void prompts_are_those_of_lm_eval(void **state)
{
    (void)state;
    put_all();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct task_opts o = {.data_dirs = data_folders, .n_data_dirs = 1, .shots = rows[i].shots,
                              .seed = 1234};
        const char *tail = rows[i].tail, *context;
        struct err e = ERR_NONE;
        struct task *t;
        struct item it;
        if (task_open(&t, rows[i].task, &o, &e) < 0 || task_item(t, 0, &it, &e) < 0)
            fail_msg("%s: %s", rows[i].task, e.text);
        assert_int_equal(task_count(t), strstr(rows[i].task, "leaderboard") ? 2 : 1);
        context = it.queries[0].context;
        if (*tail == '^')
            tail++;
        else
            context += strlen(context) - strlen(tail);
        assert_string_equal(context, tail);
        if (rows[i].first) {
            assert_string_equal(it.queries[0].continuation, rows[i].first);
            assert_string_equal(it.queries[it.n_queries - 1].continuation, rows[i].last);
        }
        if (rows[i].reply)
            check_reply(t, &it, &rows[i]);
        item_release(&it);
        task_close(t);
    }
    assert_int_equal(mem_live(), 0);
}

/* --- credits on random inputs ------------------------------------------------------------- */

static const char *const words[] = {
    "a", "an", "the", "The", "A", "man", "Man's", "dog,", "1", "1.0", "1,000", "1000", "3.5", "-2",
    "2nd", "U.S.", "inf", "nan", "1e3", "1_0", ".5", "5.", "é", "ÉTÉ", "a_b", "cat-", "(x)", "$5",
    "20%", "May", "1900", "--", "\t", "the.", "0x1F", "+7", "1e22", "1e-7",
};
static const char *const between[] = {" ", " ", " ", "-", "  ", "\n"};
#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

static void add_text(struct cases *c, int most, struct strbuf *b)
{
    int n = cases_below(c, most + 1);

    for (int i = 0; i < n; i++) {
        if (i)
            strbuf_adds(b, between[cases_below(c, LENGTH(between))]);
        strbuf_adds(b, words[cases_below(c, LENGTH(words))]);
    }
}

/* A record whose "answer" and "validated_answers" are random spans. */
static cJSON *make_record(struct cases *c)
{
    cJSON *record = cJSON_CreateObject(), *others = cJSON_AddObjectToObject(record,
                                                                            "validated_answers");
    cJSON *numbers = cJSON_AddArrayToObject(others, "number");
    cJSON *dates = cJSON_AddArrayToObject(others, "date");
    cJSON *spans = cJSON_AddArrayToObject(others, "spans");
    int golds = 1 + cases_below(c, 2);

    for (int g = 0; g < golds; g++) {
        cJSON *list = cJSON_CreateArray();
        int n = 1 + cases_below(c, 3);
        for (int i = 0; i < n; i++) {
            struct strbuf b = STRBUF_INIT;
            add_text(c, 3, &b);
            cJSON_AddItemToArray(list, cJSON_CreateString(strbuf_str(&b)));
            strbuf_release(&b);
        }
        if (g == 0) {
            cJSON *own = cJSON_AddObjectToObject(record, "answer");
            cJSON_AddItemToObject(own, "spans", list);
            continue;
        }
        cJSON_AddItemToArray(numbers, cJSON_CreateString(""));
        cJSON_AddItemToArray(dates, cJSON_CreateObject());
        cJSON_AddItemToArray(spans, list);
    }
    return record;
}

/* Sums over 500 cases each of em and of 100 * f1 (tasks/drop/utils.py, process_results). */
static void answers_of_drop_are_credited_as_there(void **state)
{
    static const int want[20][2] = {
        {4, 3265}, {1, 3101}, {1, 3330}, {4, 3869}, {2, 3163}, {1, 3202}, {5, 3638},
        {6, 3135}, {1, 2920}, {2, 3278}, {4, 3374}, {6, 3831}, {4, 3029}, {5, 3423},
        {3, 3856}, {3, 3624}, {4, 3806}, {4, 3840}, {1, 2665}, {6, 3552},
    };
    struct cases c = {1};
    (void)state;
    for (int block = 0; block < 20; block++) {
        int ems = 0, f1s = 0;
        for (int i = 0; i < 500; i++) {
            struct strbuf got = STRBUF_INIT;
            struct err e = ERR_NONE;
            cJSON *record;
            double em, f1;
            add_text(&c, 6, &got);
            record = make_record(&c);
            if (drop_compare(record, "case", strbuf_str(&got), &em, &f1, &e) < 0)
                fail_msg("%s", e.text);
            ems += (int)em;
            f1s += (int)lrint(f1 * 100);
            cJSON_Delete(record);
            strbuf_release(&got);
        }
        assert_int_equal(ems, want[block][0]);
        assert_int_equal(f1s, want[block][1]);
    }
}

/* How many of 500 cases each (tasks/squad_completion/task.py, contains_score). */
static void containing_is_pythons_search_without_case(void **state)
{
    static const char *const signs[] = {"a", "B", "ß", "é", "É", "K", "ı", "(",
                                        "*", "\\", " ", "1", "ſ", "s", "Σ", "ς"};
    static const int want[20] = {113, 115, 97, 111, 96, 97, 105, 98, 95, 77,
                                 93, 93, 80, 85, 106, 100, 90, 104, 96, 86};
    struct cases c = {2};
    (void)state;
    for (int block = 0; block < 20; block++) {
        int n = 0;
        for (int i = 0; i < 500; i++) {
            char text[64] = "", part[16] = "";
            int k = cases_below(&c, 12);
            while (k-- > 0)
                strcat(text, signs[cases_below(&c, LENGTH(signs))]);
            for (k = 1 + cases_below(&c, 2); k > 0; k--)
                strcat(part, signs[cases_below(&c, LENGTH(signs))]);
            n += answer_contains(text, part, NULL);
        }
        assert_int_equal(n, want[block]);
    }
}

/* --- hostile records ---------------------------------------------------------------------- */

static void bad_records_are_refused_with_file_and_line(void **state)
{
    static const struct { const char *task, *file, *text, *want; } bad[] = {
        {"copa", "copa/val.jsonl",
         "{\"premise\":\"\",\"choice1\":\"a\",\"choice2\":\"b\",\"question\":\"why\",\"label\":0}\n",
         "val.jsonl:1: \"question\" is neither \"cause\" nor \"effect\""},
        {"copa", "copa/val.jsonl",
         "{\"premise\":\"\",\"choice1\":\"\",\"choice2\":\"b\",\"question\":\"why\",\"label\":0}\n",
         "val.jsonl:1: \"choice1\" is empty"},
        {"social_iqa", "social_iqa/dev.jsonl",
         "{\"context\":\"c\",\"question\":\"q\",\"answerA\":\"a\",\"answerB\":\"b\",\"answerC\":\"c\","
         "\"label\":\"4\"}\n", "dev.jsonl:1: \"label\" is not a label from 1 to 3"},
        {"mmlu_pro_law", "mmlu_pro/test.jsonl",
         "{\"question\":\"q\",\"options\":[],\"answer\":\"A\",\"category\":\"law\"}\n",
         "test.jsonl:1: \"options\" is not a list of 1 to 1024 texts"},
        {"mmlu_pro_law", "mmlu_pro/test.jsonl",
         "{\"question\":\"q\",\"options\":[\"x\"],\"answer\":\"A\",\"category\":\"math\"}\n",
         "mmlu_pro_law: no document has \"category\": \"law\""},
        {"drop", "drop/validation.jsonl", "{\"passage\":\"p\",\"question\":\"q\"}\n",
         "validation.jsonl:1: \"answer\" has no number, spans or date"},
        {"drop", "drop/validation.jsonl",
         "{\"passage\":\"p\",\"question\":\"q\",\"answer\":{\"number\":\"1\"},"
         "\"validated_answers\":{\"number\":[3]}}\n",
         "validation.jsonl:1: \"validated_answers\": answer 0 is none"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct task_opts o = {.data_dirs = data_folders, .n_data_dirs = 1, .seed = 1};
        struct err e = ERR_NONE;
        struct task *t = NULL;
        data_put(bad[i].file, bad[i].text);
        assert_int_equal(task_open(&t, bad[i].task, &o, &e), -1);
        assert_string_equal(path_base(e.text), bad[i].want);
        assert_int_equal(mem_live(), 0);
        data_folder_gone(NULL);
    }
}

/* Opens, asks and credits; 0 when all of it worked. */
static int whole(const struct expected *want, struct err *e)
{
    struct task_opts o = {.data_dirs = data_folders, .n_data_dirs = 1, .shots = want->shots,
                          .seed = 1};
    struct reply_text replies[4] = {{.text = want->reply}};
    struct task *t = NULL;
    struct verdict v;
    struct item it;
    int rc = -1;

    if (task_open(&t, want->task, &o, e) == 0 && task_item(t, 0, &it, e) == 0) {
        rc = task_score(t, &it, replies, &v, e);
        if (rc == 0)
            verdict_release(&v);
        item_release(&it);
    }
    task_close(t);
    return rc;
}

static void tasks_survive_every_failed_allocation(void **state)
{
    (void)state;
    put_all();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int rc = -1;
        for (long nth = 0; rc < 0; nth++) {
            struct err e = ERR_NONE;
            mem_fail_at(nth);
            rc = whole(&rows[i], &e);
            mem_fail_at(-1);
            assert_int_equal(e.code == ERR_OK, rc == 0);
            assert_int_equal(mem_live(), 0);
            assert_true(nth < 10000);
        }
    }
}

#define TEST(f) cmocka_unit_test_teardown(f, data_folder_gone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(prompts_are_those_of_lm_eval),
        TEST(answers_of_drop_are_credited_as_there),
        TEST(containing_is_pythons_search_without_case),
        TEST(bad_records_are_refused_with_file_and_line),
        TEST(tasks_survive_every_failed_allocation),
    };
    return RUN(tests);
}
