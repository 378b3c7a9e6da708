#include "tests/test.h"

#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "tasks/lmeval.h"
#include "tasks/lmeval_check.h"
#include "tasks/lmeval_group.h"
#include "tasks/pyliteral.h"
#include "tasks/pyregex.h"
#include "tests/data_folder.h"

static const char *put(const char *name, const char *text)
{
    data_put(name, text);
    return data_path(name);
}

/* What checking a file says, without the folder's name; "" when nothing is wrong. */
static const char *complaint(const char *path)
{
    static char text[500];
    struct task_opts o = {.shots = -1, .seed = 1234};
    struct lmeval_checked k;
    struct err e = ERR_NONE;
    size_t n = strlen(data_folder) + 1;
    char *at;
    int rc = lmeval_check(path, &o, &k, &e);

    lmeval_checked_release(&k);
    if (rc == 0)
        return "";
    snprintf(text, sizeof text, "%s", e.text);
    while ((at = strstr(text, data_folder)) != NULL)
        memmove(at, at + n, strlen(at + n) + 1);
    assert_int_equal(mem_live(), 0);
    return text;
}

#define BASE "output_type: multiple_choice\ntest_split: test\ndoc_to_text: '{{q}}'\n"              \
             "doc_to_target: 0\ndoc_to_choice: [a, b]\n"

static void a_files_own_keys_win_and_the_first_of_several_includes(void **state)
{
    struct lmeval_config c;
    const char *path;
    (void)state;
    put("one", "doc_to_text: one\ndescription: one\n");
    put("two", "doc_to_text: two\ngen_prefix: two\ndescription: two\n");
    path = put("t.yaml", "include: [one, two]\ntask: t\ndescription: own\n");
    assert_int_equal(lmeval_config_read(&c, path, NULL), 0);
    assert_string_equal(config_str(&c, "doc_to_text", ""), "one");
    assert_string_equal(config_str(&c, "gen_prefix", ""), "two");
    assert_string_equal(config_str(&c, "description", ""), "own");
    assert_int_equal(c.kind, CONFIG_TASK);
    lmeval_config_release(&c);
}

static void what_is_wrong_is_said_with_file_line_and_column(void **state)
{
    static const struct { const char *text, *want; } rows[] = {
        {"task: t\n" BASE, ""},
        {"task: t\ninclude: none.yaml\n", "t.yaml:2:10: include: none.yaml: no such file"},
        {"task: t\ninclude: t.yaml\n", "t.yaml:2:10: include: t.yaml includes itself"},
        {"task: t\n" BASE "doc_to_txt: x\n", "t.yaml:7:1: 'doc_to_txt' is no key of a task"},
        {"task: t\n" BASE "repeats: x\n", "t.yaml:7:10: repeats: a text does not fit"},
        {"task: t\ndoc_to_text: '{{q'\ndoc_to_target: 0\ntest_split: test\n",
         "t.yaml:2:14: doc_to_text:1: the tag that starts at line 1 is not closed"},
        {"task: t\n" BASE "process_docs: !function utils.process\n",
         "t.yaml:7:15: !function utils.process: there is no file utils.py"},
        {"task: t\n" BASE "metric_list:\n  - metric: accu\n",
         "t.yaml:8:13: the metric 'accu' is not native here"},
        {"task: t\n" BASE "filter_list:\n  - name: n\n    filter:\n      - function: regx\n",
         "t.yaml:10:19: no filter is called 'regx'"},
        {"task: t\n" BASE "filter_list:\n  - name: n\n    filter:\n      - function: regex\n"
         "        regex_pattern: '(a'\n",
         "t.yaml:11:24: the pattern, at byte 2: missing closing parenthesis"},
        {"task: t\n" BASE "class: !function task.Task\n",
         "t.yaml:7:8: class: a task written in Python, which is not run here"},
        {"group: g\ntask: [a, {task: b, num_fewshot: 2}]\n", ""},
        {"task: [a]\n", "t.yaml:1:7: a list of tasks is a group: 'group' is missing"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(complaint(put("t.yaml", rows[i].text)), rows[i].want);
}

static void endless_includes_end(void **state)
{
    char name[32], text[64];
    (void)state;
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "i%d.yaml", i);
        snprintf(text, sizeof text, "include: i%d.yaml\n", i + 1);
        put(name, text);
    }
    assert_string_equal(complaint(put("t.yaml", "task: t\ninclude: i0.yaml\n")),
                        "i14.yaml:1:10: include: more than 16 files inside each other");
}

static void a_first_document_is_made_up_from_what_the_templates_ask_for(void **state)
{
    static const char *const fields[] = {
        "doc_to_text: question\ndoc_to_target: label\ndoc_to_choice: options\n",
        "doc_to_text: \"{{a.b.strip()}} {{c[1]}} {% for x in d %}{{x.e}}{% endfor %}\"\n"
        "doc_to_target: \"{{['A', 'B'].index(key)}}\"\ndoc_to_choice: \"{{choices.text}}\"\n",
        "doc_to_text: \"{{n - 1}}{% if kind == 'x' %}{{y | join(', ')}}{% endif %}{{g if g is defined}}\"\n"
        "doc_to_target: \"{{ [0, 1][flag] }}\"\ndoc_to_choice: \"{{[p ~ q, r]}}\"\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct task_opts o = {.shots = -1};
        struct lmeval_checked k;
        struct strbuf b = STRBUF_INIT;
        strbuf_addf(&b, "task: t\noutput_type: multiple_choice\ntest_split: test\n%s", fields[i]);
        assert_int_equal(lmeval_check(put("t.yaml", b.s), &o, &k, NULL), 0);
        assert_int_equal(k.rendered, 1);
        assert_int_equal(k.with_data, 0);
        assert_null(k.unscored);
        lmeval_checked_release(&k);
        strbuf_release(&b);
    }
    assert_int_equal(mem_live(), 0);
}

static int add_word(void *user, const char *word, struct err *e)
{
    (void)e;
    strbuf_addf(user, "%s\n", strrchr(word, '/') + 1);
    return 0;
}

static void groups_name_tasks_tags_and_groups_and_change_their_keys(void **state)
{
    struct strbuf words = STRBUF_INIT;
    struct lmeval_config c;
    struct err e = ERR_NONE;
    char word[300];
    (void)state;
    put("a.yaml", "task: a\ntag: both\n" BASE);
    put("b.yaml", "task: b\ntag: [both, one]\n" BASE);
    put("inner.yaml", "group: inner\ntask: [b, {task: a, num_fewshot: 1, description: x}]\n");
    put("c.yaml", "task: c\n" BASE);
    snprintf(word, sizeof word, "%s:a", put("outer.yaml", "group: outer\ntask: [inner, {group: g, "
             "task: [c], num_fewshot: 3}]\ndescription: outer\n"));
    *strchr(word, ':') = 0;
    assert_int_equal(task_file_members(word, add_word, &words, &e), 0);
    assert_string_equal(strbuf_str(&words), "outer.yaml:b\nouter.yaml:a\nouter.yaml:c\n");
    strbuf_clear(&words);
    assert_int_equal(task_file_members(put("tags.yaml", "group: tags\ntask: [both, both, c]\n"),
                                       add_word, &words, &e), 0);
    assert_string_equal(strbuf_str(&words), "a.yaml\nb.yaml\nc.yaml\n");
    assert_int_equal(task_file_members(put("twice.yaml", "group: twice\ntask: [both, {task: a, "
                                           "num_fewshot: 2}]\n"), add_word, &words, &e), -1);
    assert_non_null(strstr(e.text, "twice.yaml:2:21: 'a' is named twice: it cannot be asked"));
    e = ERR_NONE;
    strcat(word, ":a");
    assert_int_equal(lmeval_config_open(&c, word, &e), 0);
    assert_string_equal(config_str(&c, "description", ""), "outer");
    lmeval_config_release(&c);
    strbuf_clear(&words);
    assert_int_equal(task_file_members(put("inner.yaml", "group: i\ntask: [a, b, i2]\n"), add_word,
                                       &words, &e), -1);
    assert_non_null(strstr(e.text, "inner.yaml:2:14: no task, group or tag beside or below this file "
                                   "is called 'i2'"));
    put("loop.yaml", "group: loop\ntask: [loop, loop]\n");
    assert_int_equal(task_file_members(put("loop.yaml", "group: loop\ntask: [loop, loop]\n"), add_word,
                                       &words, &e), -1);
    assert_non_null(strstr(e.text, "loop.yaml:2:7: more than 8 groups inside each other"));
    strbuf_release(&words);
    assert_int_equal(mem_live(), 0);
}

/* --- Python's ways --------------------------------------------------------------------------- */

/* Printed by CPython 3.11 as repr(ast.literal_eval(text)). */
static void literals_are_read_as_python_reads_them(void **state)
{
    static const struct { const char *text, *want; } rows[] = {
        {"['a', \"it's\", 'x\\ny']", "['a', \"it's\", 'x\\ny']"},
        {" [1, -2.5, True, None, (3, 4), {'k': [0x1f]}]", "[1, -2.5, True, None, [3, 4], {'k': [31]}]"},
        {"'a' \"b\"", "'ab'"},
        {"('x')", "'x'"},
        {"('x',)", "['x']"},
        {"1, 2", "[1, 2]"},
        {"[\n'a',\n]\n", "['a']"},
        {"r'\\n'", "'\\\\n'"},
        {"'\\u00e9\\x41\\101'", "'\xc3\xa9""AA'"},
        {"'''a\nb'''", "'a\\nb'"},
        {"'both \\' and \"'", "'both \\' and \"'"},
        {"1e3", "1000"},
    };
    static const char *const bad[] = {"", "[1", "a", "[1 2]", "'x", "01", "f'x'", "b'x'", "1+", "{1, 2}",
                                      "[1]]", "'\\ud800'", "__import__('os')"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct strbuf b = STRBUF_INIT;
        struct err e = ERR_NONE;
        cJSON *v = pyliteral_parse(rows[i].text, strlen(rows[i].text), &e);
        if (!v)
            fail_msg("%s: %s", rows[i].text, e.text);
        py_repr(&b, v);
        assert_string_equal(strbuf_str(&b), rows[i].want);
        strbuf_release(&b);
        json_free(v);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = ERR_NONE;
        assert_null(pyliteral_parse(bad[i], strlen(bad[i]), &e));
        assert_int_equal(e.code, ERR_FORMAT);
    }
    assert_int_equal(mem_live(), 0);
}

static int add_match(void *user, const struct span *g, int n)
{
    strbuf_addf(user, "<%.*s>", (int)g[n - 1].n, g[n - 1].s);
    return 0;
}

/* Printed by CPython 3.11's re.findall. */
static void patterns_find_what_pythons_find(void **state)
{
    static const struct { const char *pattern, *text, *want; } rows[] = {
        {"a*", "baac", "<><aa><><>"},
        {"(a)|b", "ab", "<a><>"},
        {"x\\Z", "x\nx", "<x>"},
        {"a{,2}", "aaa", "<aa><a><>"},
        {"[\\u00e9]", "caf\xc3\xa9", "<\xc3\xa9>"},
        {"[[:a]+", "a[:b", "<a[:>"},
        {"[]x]", "]x", "<]><x>"},
        {"(?P<n>\\d)", "1\xd9\xa3", "<1><\xd9\xa3>"},
        {"^.", "a\nb", "<a>"},
    };
    struct strbuf b = STRBUF_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pyregex *p = NULL;
        assert_int_equal(pyregex_open(&p, rows[i].pattern, NULL), 0);
        strbuf_clear(&b);
        assert_int_equal(pyregex_each(p, rows[i].text, strlen(rows[i].text), add_match, &b, NULL), 0);
        assert_string_equal(strbuf_str(&b), rows[i].want);
        pyregex_close(p);
    }
    strbuf_release(&b);
    assert_int_equal(mem_live(), 0);
}

static void a_pattern_that_backtracks_for_ever_gives_up_within_a_second(void **state)
{
    struct pyregex *p = NULL;
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    clock_t start = clock();
    (void)state;
    assert_int_equal(pyregex_open(&p, "(a|aa)+$", NULL), 0);
    for (int i = 0; i < 200; i++)
        strbuf_addc(&b, 'a');
    strbuf_adds(&b, "c");
    assert_int_equal(pyregex_each(p, b.s, b.len, add_match, &b, &e), -1);
    assert_string_equal(e.text, "match limit exceeded");
    assert_true(took_less_than(1, start));
    strbuf_release(&b);
    pyregex_close(p);
}

/* --- prompts, as lm-eval 0.4.11 builds them --------------------------------------------------- */

static void put_data(void)
{
    struct strbuf train = STRBUF_INIT, test = STRBUF_INIT, four = STRBUF_INIT;

    for (int i = 0; i < 40; i++)
        strbuf_addf(&train, "{\"q\": \"t%d\", \"a\": \"x%d\"}\n", i, i);
    for (int i = 0; i < 40; i += 5)
        strbuf_addf(&test, "{\"q\": \"t%d\", \"a\": \"x%d\"}\n", i, i);
    for (int i = 0; i < 4; i++)
        strbuf_addf(&four, "{\"p\": \"Il a dit «non»\", \"c\": [\"un'e\", \"\\\"deux\\\"\", \"tr\\\\ois\"],"
                    " \"g\": %d, \"n\": %d, \"alts\": [\"A%d\", \"B\"]}\n", i % 3, i, i);
    put("train.jsonl", train.s);
    put("test.jsonl", test.s);
    put("four.jsonl", four.s);
    strbuf_release(&train);
    strbuf_release(&test);
    strbuf_release(&four);
}

/* Adds context and continuation of every query of every document. */
static void add_prompts(struct sha256 *sum, const char *path, uint64_t seed)
{
    struct task_opts o = {.shots = -1, .seed = seed};
    struct err e = ERR_NONE;
    struct task *t = NULL;

    if (task_open(&t, path, &o, &e) < 0)
        fail_msg("%s", e.text);
    for (int i = 0; i < task_count(t); i++) {
        struct item it;
        assert_int_equal(task_item(t, i, &it, NULL), 0);
        for (int q = 0; q < it.n_queries; q++) {
            sha256_update(sum, it.queries[q].context, strlen(it.queries[q].context), NULL);
            sha256_update(sum, "\x1f", 1, NULL);
            sha256_update(sum, it.queries[q].continuation, strlen(it.queries[q].continuation), NULL);
            sha256_update(sum, "\x1e", 1, NULL);
        }
        item_release(&it);
    }
    task_close(t);
}

static void assert_prompts(const char *yaml, int n_seeds, const char *want)
{
    char sum[SHA256_HEX];
    struct sha256 *s;
    const char *path;

    put_data();
    path = put("t.yaml", yaml);
    assert_int_equal(sha256_begin(&s, NULL), 0);
    for (int seed = 0; seed < n_seeds; seed++)
        add_prompts(s, path, n_seeds == 1 ? 1234 : (uint64_t)seed);
    assert_int_equal(sha256_final(s, sum, NULL), 0);
    assert_string_equal(sum, want);
    assert_int_equal(mem_live(), 0);
}

#define PAIRS "task: t\noutput_type: loglikelihood\ndoc_to_text: 'Q: {{q}}'\ndoc_to_target: a\n"      \
              "num_fewshot: 4\ndataset_kwargs: {data_files: {train: train.jsonl, test: test.jsonl}}\n"

static void examples_of_200_seeds_are_lm_evals(void **state)
{
    (void)state;
    assert_prompts(PAIRS "training_split: train\ntest_split: test\nfewshot_split: train\n", 200,
                   "42706a221b98e42f3163bf5e2d5bddbb72332f3440a48afa53d80a0879bb292f");
    /* no split for examples and none for tests: one more is drawn, and the document dropped */
    assert_prompts(PAIRS "training_split: train\nvalidation_split: test\n", 200,
                   "080f6d8b25c1ff3850acc9ca75e832f26fbfb4f4d381d3d5f021beff7048e282");
    assert_prompts(PAIRS "training_split: train\ntest_split: test\nfewshot_config: {sampler: first_n}\n",
                   200, "528e17b9208784446873bfee86d5e8833f085d6a91f08e092cc4ae1530c19821");
}

#define FOUR "dataset_kwargs: {data_files: {test: four.jsonl}}\ntask: t\ntest_split: test\n"

static void prompts_of_all_kinds_of_fields_are_lm_evals(void **state)
{
    (void)state;
    assert_prompts(FOUR "output_type: generate_until\nnum_fewshot: 2\n"
                   "description: \"About {{n}}:\\n\\n\"\n"
                   "doc_to_text: \"{% if n > 1 %}\\n  {{p}}\\n{% endif %}\\nQ{{n}}\"\n"
                   "doc_to_target: alts\ngen_prefix: \"The answer is\"\ntarget_delimiter: \"|\"\n"
                   "fewshot_delimiter: \"\\n##\\n\"\n", 1,
                   "a7835623039aab05319236065f8357f017a66a2f7bbb1f1b3efac1eaae23faf7");
    assert_prompts(FOUR "output_type: multiple_choice\nnum_fewshot: 1\ndescription: Choose\n"
                   "doc_to_text: \"{{p}} {{n}}\\n\"\ndoc_to_choice: \"{{c}}\"\ndoc_to_target: \"{{g}}\"\n"
                   "metric_list: [{metric: acc}, {metric: acc_mutual_info}]\n", 1,
                   "753534be8c92409e3240640b2d62b1e63457e2111600504ffedb7cd281362ca1");
    assert_prompts(FOUR "output_type: multiple_choice\nnum_fewshot: 1\ndoc_to_text: g\n"
                   "doc_to_choice: \"{{[p ~ c[0], p ~ c[1], p ~ c[2]]}}\"\n"
                   "doc_to_target: \"{{ n ~ ' end' }}\"\n", 1,
                   "a339f8a90bbf17af6ca2a9bba4c22cc3f4ee5d123db77aa25a3ce22cca43d47b");
    assert_prompts(FOUR "output_type: generate_until\nnum_fewshot: 2\ndoc_to_text: \"Q: {{p}}\"\n"
                   "doc_to_target: \"{{alts[0]}}\"\nfewshot_config:\n  sampler: first_n\n"
                   "  samples: [{x: one, y: 1}, {x: 'two', y: ''}, {x: three, y: [3]}]\n"
                   "  doc_to_text: \"X: {{x}}\"\n  doc_to_target: \"{{y}}\"\n"
                   "  fewshot_delimiter: \"<>\"\n", 1,
                   "fbf1754909e1aa74ff7950ddefdc9c21ab5edce913659401406a9f94fff6a0aa");
}

/* Opens a task, asks its first document and credits an answer to it. */
static int open_ask_and_score(const char *path, struct err *e)
{
    struct task_opts o = {.shots = -1, .seed = 1234};
    struct reply_text replies[8] = {{.loglikelihood = -1, .text = "(B), surely"}};
    struct verdict v = {0};
    struct task *t = NULL;
    struct item it;
    int rc = task_open(&t, path, &o, e);

    if (rc < 0)
        return -1;
    rc = task_item(t, 0, &it, e);
    if (rc == 0) {
        rc = task_score(t, &it, replies, &v, e);
        item_release(&it);
    }
    if (rc == 0 && v.n && v.credits[0].filtered)
        assert_string_equal(v.credits[0].filtered, "b");
    verdict_release(&v);
    task_close(t);
    return rc;
}

static void a_task_survives_every_failed_allocation(void **state)
{
    static const char *const kinds[] = {
        FOUR "output_type: multiple_choice\nnum_fewshot: 1\ndescription: '{{n}}'\ndoc_to_text: '{{p}}'\n"
        "doc_to_choice: '{{c}}'\ndoc_to_target: '{{g}}'\ngen_prefix: 'A:'\n"
        "metric_list: [{metric: acc}, {metric: acc_norm}, {metric: brier_score}]\n",
        FOUR "output_type: generate_until\nnum_fewshot: 1\ndoc_to_text: p\ndoc_to_target: alts\n"
        "filter_list:\n  - name: n\n    filter:\n"
        "      - {function: regex, regex_pattern: '\\(([A-Z])\\)'}\n"
        "      - {function: lowercase}\n      - {function: take_first}\n"
        "metric_list: [{metric: exact_match, ignore_case: true, regexes_to_ignore: ['x']}]\n",
    };
    (void)state;
    put_data();
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *path = put("t.yaml", kinds[i]);
        int rc = -1;
        for (int nth = 0; rc < 0 && nth < 20000; nth++) {
            struct err e = ERR_NONE;
            mem_fail_at(nth);
            rc = open_ask_and_score(path, &e);
            mem_fail_at(-1);
            if (rc < 0 ? e.code != ERR_NOMEM : e.code != ERR_OK)
                fail_msg("allocation %d: %s", nth, e.text);
            if (mem_live() != 0)
                fail_msg("allocation %d: %ld blocks are left", nth, mem_live());
        }
        assert_int_equal(rc, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_files_own_keys_win_and_the_first_of_several_includes),
        cmocka_unit_test(what_is_wrong_is_said_with_file_line_and_column),
        cmocka_unit_test(endless_includes_end),
        cmocka_unit_test(a_first_document_is_made_up_from_what_the_templates_ask_for),
        cmocka_unit_test(groups_name_tasks_tags_and_groups_and_change_their_keys),
        cmocka_unit_test(literals_are_read_as_python_reads_them),
        cmocka_unit_test(patterns_find_what_pythons_find),
        cmocka_unit_test(a_pattern_that_backtracks_for_ever_gives_up_within_a_second),
        cmocka_unit_test(examples_of_200_seeds_are_lm_evals),
        cmocka_unit_test(prompts_of_all_kinds_of_fields_are_lm_evals),
        cmocka_unit_test(a_task_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, NULL, data_folder_gone);
}
