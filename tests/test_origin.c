/* Records as the hub has them, in the shape that they land in, are what the tasks read. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "tasks/origin.h"
#include "tasks/task.h"

/* A record by the schema of its data set on the hub (made up), and a part of what is asked then. */
static const struct row {
    const char *task, *record, *asked, *gold;
} rows[] = {
    {"arc_easy", "{\"id\":\"x\",\"question\":\"Why?\",\"choices\":{\"text\":[\"a\",\"b\",\"c\"],"
     "\"label\":[\"A\",\"B\",\"C\"]},\"answerKey\":\"B\"}", "Question: Why?\nAnswer:", "b"},
    {"hellaswag", "{\"ind\":4,\"activity_label\":\"Cooking\",\"ctx_a\":\"A man stirs.\",\"ctx_b\":"
     "\"he\",\"ctx\":\"A man stirs. he\",\"endings\":[\"a\",\"b\",\"c\",\"d\"],\"source_id\":\"s\","
     "\"split\":\"val\",\"split_type\":\"indomain\",\"label\":\"3\"}", "Cooking: A man stirs. He", "d"},
    {"piqa", "{\"goal\":\"Open a jar\",\"sol1\":\"Twist\",\"sol2\":\"Wait\",\"label\":0}",
     "Question: Open a jar\nAnswer:", "Twist"},
    {"winogrande", "{\"sentence\":\"Ann thanked Sue because _ helped.\",\"option1\":\"Ann\","
     "\"option2\":\"Sue\",\"answer\":\"2\"}", "Ann thanked Sue because ", NULL},
    {"boolq", "{\"question\":\"is it so\",\"passage\":\"It is.\",\"idx\":7,\"label\":1}",
     "It is.\nQuestion: is it so?\nAnswer:", "yes"},
    {"copa", "{\"premise\":\"It rained.\",\"choice1\":\"He got wet.\",\"choice2\":\"He slept.\","
     "\"question\":\"effect\",\"idx\":0,\"label\":0}", "It rained therefore", NULL},
    {"openbookqa", "{\"id\":\"7\",\"question_stem\":\"The sun is\",\"choices\":{\"text\":[\"hot\","
     "\"cold\",\"wet\",\"new\"],\"label\":[\"A\",\"B\",\"C\",\"D\"]},\"answerKey\":\"A\"}",
     "The sun is", "hot"},
    {"commonsense_qa", "{\"id\":\"1\",\"question\":\"Where?\",\"question_concept\":\"x\",\"choices\":"
     "{\"label\":[\"A\",\"B\",\"C\",\"D\",\"E\"],\"text\":[\"a\",\"b\",\"c\",\"d\",\"e\"]},"
     "\"answerKey\":\"E\"}", "E. e\nAnswer:", "E"},
    {"sciq", "{\"question\":\"What?\",\"distractor3\":\"3\",\"distractor1\":\"1\",\"distractor2\":"
     "\"2\",\"correct_answer\":\"4\",\"support\":\"So.\"}", "So.\nQuestion: What?\nAnswer:", "4"},
    {"social_iqa", "{\"context\":\"Jo ran.\",\"question\":\"Why?\",\"answerA\":\"a\",\"answerB\":"
     "\"b\",\"answerC\":\"c\",\"label\":\"2\"}", "Q: Jo ran. Why?\nA:", "b"},
    {"lambada_openai", "{\"text\":\"the last word\"}", "the last", " word"},
    {"gsm8k", "{\"question\":\"1+1?\",\"answer\":\"It is 2.\\n#### 2\"}", "Question: 1+1?\nAnswer:",
     NULL},
    {"nq_open", "{\"question\":\"who\",\"answer\":[\"me\",\"I\"]}", "Q: who?\nA:", NULL},
    {"triviaqa", "{\"question\":\"Which\",\"question_id\":\"q\",\"question_source\":\"s\","
     "\"entity_pages\":{\"title\":[]},\"answer\":{\"aliases\":[\"X\",\"Y\"],\"value\":\"X\"}}",
     "Question: Which?\nAnswer:", NULL},
    {"wikitext", "{\"text\":\" = Title = \\n\"}", NULL, NULL},
    {"math500", "{\"problem\":\"2+2\",\"solution\":\"\\\\boxed{4}\",\"answer\":\"4\",\"subject\":"
     "\"s\",\"level\":1,\"unique_id\":\"u\"}", "Problem: 2+2", "4"},
    {"humaneval", "{\"task_id\":\"H/0\",\"prompt\":\"def f():\\n\",\"canonical_solution\":\"  pass\","
     "\"test\":\"def check(c): pass\",\"entry_point\":\"f\"}", "def f():\n", NULL},
    {"mbpp", "{\"task_id\":11,\"text\":\"Do it.\",\"code\":\"x\",\"test_list\":[\"assert 1\","
     "\"assert 2\",\"assert 3\"],\"test_setup_code\":\"\",\"challenge_test_list\":[]}",
     "here is your task: Do it. Your", NULL},
    {"mmlu_anatomy", "{\"question\":\"Which, \\\"exactly\\\"?\",\"subject\":\"anatomy\",\"choices\":"
     "[\"a\",\"b, b\",\"c\\nc\",\"d\"],\"answer\":2}",
     "Which, \"exactly\"?\nA. a\nB. b, b\nC. c\nc\nD. d\nAnswer:", "C"},
    {"ceval-valid_law", "{\"id\":0,\"question\":\"问？\",\"A\":\"甲\",\"B\":\"乙,丙\",\"C\":\"丁\","
     "\"D\":\"戊\",\"answer\":\"B\",\"explanation\":\"\"}", "问？\nA. 甲\nB. 乙,丙\n", "B"},
    {"mmlu_pro_law", "{\"question_id\":1,\"question\":\"Who?\",\"options\":[\"a\",\"b\"],\"answer\":"
     "\"B\",\"answer_index\":1,\"cot_content\":\"A: Let's think step by step. It is (B).\","
     "\"category\":\"law\",\"src\":\"s\"}", "Question:\nWho?\nOptions:\nA. a\nB. b\n", NULL},
    {"squad_completion", "{\"doc_id\":\"d\",\"title\":\"t\",\"context\":\"c\",\"question\":\"q\","
     "\"text\":\"A text that\",\"value\":\"ends\"}", "A text that", NULL},
    {"drop", "{\"section_id\":\"s\",\"query_id\":\"q\",\"passage\":\"Two goals.\",\"question\":"
     "\"How many?\",\"answer\":{\"number\":\"2\",\"date\":{\"day\":\"\",\"month\":\"\",\"year\":\"\"},"
     "\"spans\":[],\"worker_id\":\"\",\"hit_id\":\"\"},\"validated_answers\":{\"number\":[],\"date\":[],"
     "\"spans\":[],\"worker_id\":[],\"hit_id\":[]}}", "Two goals. How many?", NULL},
    {"ifeval", "{\"key\":1,\"prompt\":\"Write three bullets.\",\"instruction_id_list\":"
     "[\"detectable_format:number_bullet_lists\"],\"kwargs\":[{\"num_bullets\":3,\"relation\":null,"
     "\"keywords\":null,\"num_words\":null,\"prompt_to_repeat\":null}]}", "Write three bullets.", NULL},
};

static char folder[] = "/tmp/densimeter-origin-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    unsetenv("DENSIMETER_DATA"); /* what lands is all there is */
    return mkdtemp(folder) ? setenv("XDG_DATA_HOME", folder, 1) : -1;
}

static int remove_folder(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* Lands one record, twice, at `file`. */
static void land(const char *file, const char *record)
{
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct origin o;
    cJSON *j = json_parse(record, strlen(record), file, &e);
    char *path = path_join(folder, file), *above;

    if (!j)
        fail_msg("%s", e.text);
    if (!origin_of(file, &o))
        fail_msg("%s has no origin", file);
    for (int i = 0; i < 2; i++)
        if (origin_put(o.shape, j, i == 0, file, &b, &e) < 0)
            fail_msg("%s", e.text);
    above = mem_strndup(path, (size_t)(path_base(path) - 1 - path));
    assert_int_equal(dir_make(above, NULL), 0);
    assert_int_equal(file_write(path, b.s, b.len, NULL), 0);
    mem_free(above);
    mem_free(path);
    json_free(j);
    strbuf_release(&b);
}

static void tasks_read_what_lands(void **state)
{
    const char *const dirs[] = {folder};
    struct task_opts o = {.shots = 0, .seed = 1, .data_dirs = dirs, .n_data_dirs = 1};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct task_info *info = task_info_find(rows[i].task);
        const char *files[2];
        struct err e = ERR_NONE;
        struct task *t = NULL;
        struct item it;
        struct origin from;
        int n;
        assert_non_null(info);
        n = origin_files(info, files);
        for (int k = 0; k < n; k++)
            if (origin_of(files[k], &from) && !from.github)
                land(files[k], rows[i].record);
        assert_true(n > 0);
        if (origin_of(files[0], &from) && from.github) { /* the hub has the examples only */
            assert_int_equal(n, 2);
            continue;
        }
        o.shots = n == 2 || strcmp(rows[i].task, "mbpp") == 0 ? 1 : -1;
        if (task_open(&t, rows[i].task, &o, &e) < 0 || task_item(t, 0, &it, &e) < 0)
            fail_msg("%s: %s", rows[i].task, e.text);
        if (rows[i].asked && !strstr(it.queries[0].context, rows[i].asked))
            fail_msg("%s asks: %s", rows[i].task, it.queries[0].context);
        if (rows[i].gold && (!it.gold || strcmp(it.gold, rows[i].gold) != 0))
            fail_msg("%s: gold is %s", rows[i].task, it.gold ? it.gold : "none");
        item_release(&it);
        task_close(t);
    }
    assert_int_equal(mem_live(), 0);
}

static void records_of_another_shape_are_refused_with_their_place(void **state)
{
    static const struct {
        enum origin_shape shape;
        const char *record, *want;
    } bad[] = {
        {SHAPE_MMLU, "{\"choices\":[],\"answer\":1}", "r: \"question\" is not a text"},
        {SHAPE_MMLU, "{\"question\":\"q\",\"choices\":[\"a\"],\"answer\":1}", "a list of four"},
        {SHAPE_MMLU, "{\"question\":\"q\",\"choices\":[1,2,3,4],\"answer\":1}", "a list of texts"},
        {SHAPE_MMLU, "{\"question\":\"q\",\"choices\":[\"a\",\"b\",\"c\",\"d\"],\"answer\":1e300}",
         "a number from 0 to 3"},
        {SHAPE_TABLE, "{\"a\":[1]}", "\"a\" is not a text or a number"},
        {SHAPE_PARAGRAPHS, "{\"text\":1}", "\"text\" is not a text"},
        {SHAPE_TRIVIA, "{\"question\":\"q\",\"answer\":\"x\"}", "an object of a value and aliases"},
        {SHAPE_TRIVIA, "{\"question\":\"q\",\"answer\":{\"value\":\"x\",\"aliases\":[null]}}",
         "a list of texts"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct strbuf b = STRBUF_INIT;
        struct err e = ERR_NONE;
        cJSON *j = json_parse(bad[i].record, strlen(bad[i].record), "r", NULL);
        assert_int_equal(origin_put(bad[i].shape, j, 1, "r", &b, &e), -1);
        assert_int_equal(e.code, ERR_FORMAT);
        if (!strstr(e.text, bad[i].want))
            fail_msg("'%s' lacks '%s'", e.text, bad[i].want);
        json_free(j);
        strbuf_release(&b);
    }
    assert_int_equal(mem_live(), 0);
}

static void every_file_of_a_task_has_an_origin_or_is_named_here(void **state)
{
    const struct task_info *info;
    int known = 0;
    (void)state;
    for (int i = 0; (info = task_info_at(i)) != NULL; i++) {
        const char *files[2];
        struct origin o;
        int n = origin_files(info, files);
        for (int k = 0; k < n; k++) {
            if (!origin_of(files[k], &o)) {
                assert_true(strcmp(info->name, "tinystories") == 0 || strcmp(info->name, "c4") == 0);
                continue;
            }
            known++;
            assert_true(o.github ? o.path && strlen(o.sha256) == 64 && o.licence
                                 : strchr(o.dataset, '/') && *o.split && o.split[0] != '*');
        }
    }
    assert_true(known > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_read_what_lands),
        cmocka_unit_test(records_of_another_shape_are_refused_with_their_place),
        cmocka_unit_test(every_file_of_a_task_has_an_origin_or_is_named_here),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
