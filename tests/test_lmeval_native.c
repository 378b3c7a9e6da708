/* Functions of lm-eval's tasks: known by their text, done by programs of our own. */
#include "tests/test.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "tasks/lmeval.h"
#include "tasks/pysource.h"
#include "tests/data_folder.h"

/* A `!function name` that stands in FOLDER/t.yaml. */
static struct ynode named(const char *yaml, const char *name)
{
    return (struct ynode){.type = Y_FUNCTION, .line = 3, .column = 5, .file = data_path(yaml),
                          .s = name, .n = strlen(name)};
}

static struct pyfunction found(const char *name)
{
    struct ynode y = named("t.yaml", name);
    struct pyfunction f;
    struct err e = ERR_NONE;

    if (pysource_find(&y, &f, &e) < 0)
        fail_msg("%s", e.text);
    return f;
}

static const char *hash_of(const char *text, const char *name)
{
    static char hex[4][SHA256_HEX];
    static int next;
    struct pyfunction f;

    data_put("utils.py", text);
    f = found(name);
    next = (next + 1) % 4;
    strcpy(hex[next], f.sha256);
    pysource_release(&f);
    return hex[next];
}

static void a_function_is_its_words_and_not_its_layout(void **state)
{
    const char *plain = hash_of("def f(x):\n    return x['a'] + 'b'\n", "utils.f");
    (void)state;
    assert_string_equal(plain, hash_of("# about\nimport os\n\ndef f( x ): # it\n\n    return "
                                       "x['a'] \\\n + 'b'\n", "utils.f"));
    assert_string_not_equal(plain, hash_of("def f(x):\n    return x['a'] + 'c'\n", "utils.f"));
    assert_string_not_equal(plain, hash_of("def f(x):\n  if x:\n    return x['a'] + 'b'\n",
                                           "utils.f"));
}

static void a_function_is_also_what_it_calls(void **state)
{
    static const char *const texts[] = {
        "A = 'x'\nB = 'y'\ndef g(x):\n    return x + A\ndef f(x):\n    return g(x)\n",
        "A = 'x'\nB = 'other'\ndef f(x):\n    return g(x)\ndef g(x):\n    return x + A\n",
        "A = 'z'\nB = 'y'\ndef g(x):\n    return x + A\ndef f(x):\n    return g(x)\n",
        "A = 'x'\nB = 'y'\ndef g(x):\n    return x\ndef f(x):\n    return g(x)\n",
    };
    const char *first;
    (void)state;
    first = hash_of(texts[0], "utils.f");
    assert_string_equal(first, hash_of(texts[1], "utils.f"));
    assert_string_not_equal(first, hash_of(texts[2], "utils.f"));
    assert_string_not_equal(first, hash_of(texts[3], "utils.f"));
}

static void what_an_import_brings_belongs_to_it(void **state)
{
    static const char text[] = "from lm_eval.tasks.x.words import W\nfrom .near import n\n"
                               "def f(x):\n    return W[x] + n\n";
    struct ynode y;
    struct pyfunction f;
    char first[SHA256_HEX];
    (void)state;
    data_put("tasks/x/words.py", "W = {'a': 'one'}\n");
    data_put("tasks/y/near.py", "n = 2\n");
    data_put("tasks/y/utils.py", text);
    y = named("tasks/y/t.yaml", "utils.f");
    assert_int_equal(pysource_find(&y, &f, NULL), 0);
    strcpy(first, f.sha256);
    assert_string_equal(json_str(json_get(f.constants, "W"), "a"), "one");
    assert_string_equal(json_str(f.args, "folder"), "y");
    pysource_release(&f);
    data_put("tasks/x/words.py", "W = {'a': 'two'}\n");
    y = named("tasks/y/t.yaml", "utils.f");
    assert_int_equal(pysource_find(&y, &f, NULL), 0);
    assert_string_not_equal(first, f.sha256);
    pysource_release(&f);
}

static void a_partial_is_its_function_with_arguments(void **state)
{
    static const char text[] = "from functools import partial\n"
                               "def f(docs, subject):\n    return docs\n"
                               "f_one = partial(f, subject='one')\n"
                               "f_two = functools.partial(f, subject={'a': [1, 2]}, k=3,)\n"
                               "f_more = partial(f, subject=one())\n";
    struct pyfunction one, two, plain, more;
    (void)state;
    data_put("utils.py", text);
    one = found("utils.f_one");
    two = found("utils.f_two");
    plain = found("utils.f");
    more = found("utils.f_more");
    assert_string_equal(one.sha256, plain.sha256);
    assert_string_equal(two.sha256, plain.sha256);
    assert_string_not_equal(more.sha256, plain.sha256); /* its argument is not known */
    assert_string_equal(json_str(one.args, "subject"), "one");
    assert_int_equal(cJSON_GetArraySize(json_get(json_get(two.args, "subject"), "a")), 2);
    assert_int_equal((int)json_num(two.args, "k", 0), 3);
    pysource_release(&one);
    pysource_release(&two);
    pysource_release(&plain);
    pysource_release(&more);
}

static void a_name_made_by_globals_is_the_whole_module_and_a_name(void **state)
{
    static const char text[] = "S = ['a', 'b']\ndef f(d, s):\n    return d\n"
                               "globals().update({f'process_{s}': s for s in S})\n";
    struct pyfunction a, b;
    struct ynode y;
    struct err e = ERR_NONE;
    (void)state;
    data_put("utils.py", text);
    a = found("utils.process_a");
    b = found("utils.process_b");
    assert_string_equal(a.sha256, b.sha256);
    assert_string_equal(json_str(b.args, "name"), "process_b");
    assert_int_equal(cJSON_GetArraySize(json_get(a.constants, "S")), 2);
    pysource_release(&a);
    pysource_release(&b);
    data_put("utils.py", "def g(x):\n    return x\n");
    y = named("t.yaml", "utils.process_a");
    assert_int_equal(pysource_find(&y, &a, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "defines no 'process_a'"));
}

static void a_function_that_returns_a_literal_is_that_literal(void **state)
{
    struct natives all = {0};
    struct ynode y = named("t.yaml", "utils.samples");
    const struct native *f;
    cJSON *v;
    (void)state;
    data_put("utils.py", "def samples() -> list[dict]:\n    \"\"\"Two of them.\"\"\"\n    return [\n"
                    "        {'a': 'x'}, # one\n        {'a': 'y' 'z'},\n    ]\n");
    f = native_find(&all, &y, NULL);
    assert_non_null(f);
    v = native_value(f, NULL, NULL);
    assert_int_equal(cJSON_GetArraySize(v), 2);
    assert_string_equal(json_str(cJSON_GetArrayItem(v, 1), "a"), "yz");
    json_free(v);
    natives_release(&all);
    assert_int_equal(mem_live(), 0);
}

/* Prompts are taken from the user's own files: the texts of a function, an f-string in parts. */
static void the_texts_of_a_function_are_its_pieces_in_order(void **state)
{
    static const char *const want[] = {"Ask: ", "a\n", "b{}", " end", "", "", "last", "x", "raw\\n"};
    struct ynode y = named("t.yaml", "utils.f");
    struct pyfunction f;
    struct err e = ERR_NONE;
    (void)state;
    data_put("utils.py", "TAIL = 'x'\nRAW = r'raw\\n'\ndef f(doc):\n    a = 'Ask: ' + f\"\"\"a\n{doc['q']}b{{}}"
                         "{doc}\"\"\" ' end' + f'{doc}'\n    return a + 'last' + TAIL + RAW\n");
    if (pysource_find(&y, &f, &e) < 0)
        fail_msg("%s", e.text);
    for (int i = 0; i < (int)(sizeof want / sizeof want[0]); i++) {
        int k = i < 3 ? i : i + 1; /* behind {doc} nothing follows in the first f-string */
        const cJSON *piece = cJSON_GetArrayItem(f.pieces, k);
        assert_true(cJSON_IsString(piece));
        assert_string_equal(piece->valuestring, want[i]);
    }
    pysource_release(&f);
    assert_int_equal(mem_live(), 0);
}

static void an_unknown_function_is_refused_by_name_with_what_to_do(void **state)
{
    struct natives all = {0};
    struct ynode y = named("t.yaml", "utils.f");
    struct err e = ERR_NONE;
    (void)state;
    data_put("utils.py", "def f(doc):\n    return system('rm')\n");
    assert_null(native_find(&all, &y, &e));
    assert_int_equal(e.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "t.yaml:3:5: !function utils.f is Python code"));
    assert_non_null(strstr(e.hint, "as a template"));
    natives_release(&all);
}

/* What a program makes of documents, as JSON. */
static const char *docs_by(const char *program, const char *args, const char *docs)
{
    static char out[2000];
    struct natives all = {0};
    struct err e = ERR_NONE;
    const struct native *f = native_named(&all, program, args, &e);
    cJSON *list = json_parse(docs, strlen(docs), "docs", &e);
    char *text;

    if (!f || !list || native_docs(f, list, 0, &e) < 0)
        fail_msg("%s: %s", program, e.text);
    text = cJSON_PrintUnformatted(list);
    snprintf(out, sizeof out, "%s", text);
    cJSON_free(text);
    json_free(list);
    natives_release(&all);
    return out;
}

static const char *value_by(const char *program, const char *args, const char *doc)
{
    static char out[2000];
    struct natives all = {0};
    struct err e = ERR_NONE;
    const struct native *f = native_named(&all, program, args, &e);
    cJSON *d = json_parse(doc, strlen(doc), "doc", &e), *v = NULL;
    char *text;

    if (!f || !d || !(v = native_value(f, d, &e)))
        fail_msg("%s: %s", program, e.text);
    text = cJSON_PrintUnformatted(v);
    snprintf(out, sizeof out, "%s", text);
    cJSON_free(text);
    json_free(v);
    json_free(d);
    natives_release(&all);
    return out;
}

/* The right-hand sides are what lm-eval 0.4.11 gives for these documents. */
static void programs_do_what_the_functions_do(void **state)
{
    (void)state;
    assert_string_equal(docs_by("keep_named", "{\"column\": \"s\", \"name\": \"process_law\"}",
                                "[{\"s\": \"law\", \"n\": 1}, {\"s\": \"art\", \"n\": 2}]"),
                        "[{\"s\":\"law\",\"n\":1}]");
    assert_string_equal(
        docs_by("hellaswag", NULL,
                "[{\"activity_label\": \"Home and Garden\", \"ctx_a\": \"[header] How to clean a "
                "keyboard [title] Unplug it. [step] Turn off the PC.\", \"ctx_b\": \"then the man "
                "in NYC\", \"endings\": [\"  A   B    C \"], \"label\": \"0\"}]"),
        "[{\"activity_label\":\"Home and Garden\",\"ctx_a\":\"[header] How to clean a keyboard "
        "[title] Unplug it. [step] Turn off the PC.\",\"ctx_b\":\"then the man in NYC\","
        "\"endings\":[\"  A   B    C \"],\"label\":\"0\",\"gold\":0,\"query\":\"Home and Garden: "
        "How to clean a keyboard. Unplug it. Turn off the PC. Then the man in nyc\","
        "\"choices\":[\"A  B  C\"]}]");
    assert_string_equal(value_by("blank_before", NULL, "{\"sentence\": \"The _ sat\", \"option1\": "
                                 "\"cat\", \"option2\": \"dog\"}"), "[\"The cat\",\"The dog\"]");
    assert_string_equal(value_by("blank_behind", NULL, "{\"sentence\": \"The _ sat \"}"),
                        "\"sat\"");
    assert_string_equal(value_by("mathqa", NULL,
                                 "{\"options\": \"a ) 38 , b ) 27.675 , c ) 30 , d ) data , e ) "
                                 "none of these\"}"),
                        "[\"38\",\"27.675\",\"30\",\"data\",\"none of these\"]");
    assert_string_equal(value_by("webqs_choices", NULL, "{\"answers\": [\"b\", \"Ab\", \"A\"]}"),
                        "[\"A\",\"b\"]");
    assert_string_equal(value_by("whole_number", NULL, "{\"answer\": \"3.0\"}"), "\"3\"");
    assert_string_equal(value_by("whole_number", NULL, "{\"answer\": 1.5}"), "\"1.5\"");
    assert_string_equal(value_by("xcopa", "{\"connector\": {\"cause\": \"sest\"}}",
                                 "{\"premise\": \" It rained. \", \"question\": \"cause\"}"),
                        "\"It rained sest\"");
}

/* random.Random(42).shuffle of four, as CPython does it for one document after another. */
static void examples_are_shuffled_as_python_shuffles(void **state)
{
    static const char doc[] = "{\"Question\": \"q\", \"Correct Answer\": \"r\", "
                              "\"Incorrect Answer 1\": \"a\", \"Incorrect Answer 2\": \"b\", "
                              "\"Incorrect Answer 3\": \"c\"}";
    static const char want[] = "CABD"; /* where the right one is, of the first four documents */
    char docs[1200];
    const char *got;
    (void)state;
    snprintf(docs, sizeof docs, "[%s, %s, %s, %s]", doc, doc, doc, doc);
    got = docs_by("gpqa", NULL, docs);
    for (int i = 0; i < 4; i++) {
        got = strstr(got, "\"answer\":\"(");
        assert_non_null(got);
        got += strlen("\"answer\":\"(");
        assert_int_equal(*got, want[i]);
    }
}

static void every_row_names_a_program_that_can_be_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_native_functions; i++) {
        const struct native_function *row = &native_functions[i];
        struct natives all = {0};
        struct err e = ERR_NONE;
        assert_int_equal(strlen(row->sha256), 16);
        if (!native_named(&all, row->program, row->args, &e))
            fail_msg("%s %s: %s", row->sha256, row->program, e.text);
        natives_release(&all);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(row->sha256, native_functions[k].sha256);
    }
}

/* lm-eval's two ways of TruthfulQA's mc2, of exp(-1), exp(-2), exp(-3), exp(-0.5). */
static void truths_are_the_share_of_the_right_choices(void **state)
{
    static const char text[] = "task: t\noutput_type: multiple_choice\ntest_split: test\n"
                               "doc_to_text: q\ndoc_to_target: 0\n"
                               "doc_to_choice: '{{mc2_targets.choices}}'\n"
                               "metric_list:\n  - metric: acc\n";
    static const char docs[] = "[{\"q\": \"x\", \"mc2_targets\": {\"choices\": [\"a\", \"b\", \"c\", "
                               "\"d\"], \"labels\": [1, 0, 1, 0]}}]";
    static const struct { const char *way; double want; } rows[] = {
        {"truth_by_label", 0.36020251838827233}, {"truth_in_front", 0.3172653256766647}};
    const struct reply_text replies[] = {{.loglikelihood = -1}, {.loglikelihood = -2},
                                         {.loglikelihood = -3}, {.loglikelihood = -0.5}};
    struct lmeval_config c;
    struct lmeval *t = NULL;
    struct verdict v;
    struct item it;
    (void)state;
    data_put("mc2.yaml", text);
    assert_int_equal(lmeval_config_read(&c, data_path("mc2.yaml"), NULL), 0);
    assert_int_equal(lmeval_read(&t, &c, NULL), 0);
    assert_int_equal(lmeval_load_docs(t, json_parse(docs, strlen(docs), "docs", NULL), NULL), 0);
    assert_int_equal(lmeval_item(t, 0, &it, NULL), 0);
    for (int how = 0; how < 2; how++) {
        t->way = result_way_find(rows[how].way);
        t->metrics.v[0].rule = &t->way->metrics[0];
        assert_int_equal(lmeval_score(t, &it, replies, &v, NULL), 0);
        assert_int_equal(v.n, 1);
        assert_close(v.credits[0].value, rows[how].want, 1e-14);
        verdict_release(&v);
    }
    item_release(&it);
    lmeval_close(t);
    assert_int_equal(mem_live(), 0);
}

static void hostile_modules_end_soon_with_an_error(void **state)
{
    static const struct { const char *text, *says; } rows[] = {
        {"def f(x):\n    return 'open\n", "a string does not end"},
        {"x = \"\"\"open\n", "a string does not end"},
        {"def f(x): return ((((\n", NULL},
        {"from .utils import *\nfrom .utils import f\n", NULL},
    };
    struct strbuf b = STRBUF_INIT;
    clock_t from = clock();
    struct pyfunction f;
    struct ynode y;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = ERR_NONE;
        data_put("utils.py", rows[i].text);
        y = named("t.yaml", "utils.f");
        if (pysource_find(&y, &f, &e) == 0)
            pysource_release(&f);
        else if (rows[i].says)
            assert_non_null(strstr(e.text, rows[i].says));
        assert_true(!rows[i].says || e.code == ERR_FORMAT);
    }
    for (int i = 0; i < 20000; i++) /* each names all that follow, one after another */
        strbuf_addf(&b, "def f%d(x): return f%d(x) + f%d(x)\n", i, i + 1, i + 2);
    data_put("utils.py", strbuf_str(&b));
    y = named("t.yaml", "utils.f0");
    assert_int_equal(pysource_find(&y, &f, NULL), -1);
    strbuf_release(&b);
    assert_true(took_less_than(2, from));
    assert_int_equal(mem_live(), 0);
}

static void every_allocation_may_fail(void **state)
{
    static const char doc[] = "[{\"question\": \"q \", \"correct_answers\": [\"a\"], "
                              "\"incorrect_answers\": [\"b.\", \" \"]}]";
    int rc = -1;
    (void)state;
    data_put("utils.py", "from functools import partial\nA = ['x']\ndef f(d, s):\n    return A\n"
                    "g = partial(f, s='one')\n");
    for (int nth = 0; rc < 0; nth++) {
        struct ynode y = named("t.yaml", "utils.g");
        struct pyfunction f;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = pysource_find(&y, &f, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        if (rc == 0)
            pysource_release(&f);
        assert_int_equal(mem_live(), 0);
    }
    rc = -1;
    for (int nth = 0; rc < 0; nth++) {
        struct natives all = {0};
        struct err e = ERR_NONE;
        cJSON *list = json_parse(doc, strlen(doc), "docs", NULL);
        const struct native *f;
        mem_fail_at(nth);
        f = native_named(&all, "full_stops", NULL, &e);
        rc = f ? native_docs(f, list, 0, &e) : -1;
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        json_free(list);
        natives_release(&all);
        assert_int_equal(mem_live(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_is_its_words_and_not_its_layout),
        cmocka_unit_test(a_function_is_also_what_it_calls),
        cmocka_unit_test(what_an_import_brings_belongs_to_it),
        cmocka_unit_test(a_partial_is_its_function_with_arguments),
        cmocka_unit_test(a_name_made_by_globals_is_the_whole_module_and_a_name),
        cmocka_unit_test(a_function_that_returns_a_literal_is_that_literal),
        cmocka_unit_test(the_texts_of_a_function_are_its_pieces_in_order),
        cmocka_unit_test(an_unknown_function_is_refused_by_name_with_what_to_do),
        cmocka_unit_test(programs_do_what_the_functions_do),
        cmocka_unit_test(examples_are_shuffled_as_python_shuffles),
        cmocka_unit_test(every_row_names_a_program_that_can_be_read),
        cmocka_unit_test(truths_are_the_share_of_the_right_choices),
        cmocka_unit_test(hostile_modules_end_soon_with_an_error),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, data_folder_gone);
}
