/* The vectors of evaluation.md 2.5 and 3, the errors of the loaders, and the shots. */
#include "tests/test.h"

#include "base/file.h"
#include "base/mem.h"
#include "tasks/answer.h"
#include "tasks/format.h"
#include "tasks/load.h"
#include "tasks/math.h"
#include "tasks/prompt.h"
#include "tasks/read.h"
#include "tasks/score.h"
#include "tasks/task.h"
#include "tasks/wikitext.h"
#include "tests/data_folder.h"

static struct task_opts options(int shots)
{
    return (struct task_opts){
        .data_dirs = data_folders, .n_data_dirs = 1, .shots = shots, .seed = 1234};
}

static struct task *opened(const char *name, int shots)
{
    struct task_opts o = options(shots);
    struct err e = ERR_NONE;
    struct task *t = NULL;

    if (task_open(&t, name, &o, &e) < 0)
        fail_msg("%s", e.text);
    return t;
}

/* --- scores --------------------------------------------------------------------------------- */

static void the_likeliest_choice_is_numpys(void **state)
{
    static const double ll[] = {-4, -6, -5.5};
    static const size_t characters[] = {1, 9, 3}, bytes[] = {2, 9, 3};
    (void)state;
    assert_int_equal(score_best(ll, 3), 0);
    assert_int_equal(score_best_per(ll, characters, 3), 1);
    assert_int_equal(score_best_per(ll, bytes, 3), 1);
    assert_int_equal(score_best((const double[]){-2, -1, -1}, 3), 1); /* equals: the lowest */
    assert_int_equal(score_best_per((const double[]){-2, -4}, (const size_t[]){1, 2}, 2), 0);
    assert_int_equal(score_best_per((const double[]){-2, -4}, (const size_t[]){0, 2}, 2), 1);
}

static double credit_of(const struct verdict *v, const char *metric)
{
    for (int i = 0; i < v->n; i++)
        if (strcmp(v->credits[i].metric, metric) == 0)
            return v->credits[i].value;
    fail_msg("no %s", metric);
    return 0;
}

static void lengths_are_code_points_and_bytes_of_the_choice(void **state)
{
    struct reply_text replies[3] = {{.loglikelihood = -4}, {.loglikelihood = -6},
                                    {.loglikelihood = -5.5}};
    struct verdict v;
    struct item it;
    struct task *t;
    (void)state;
    data_put("arc_easy/test.jsonl",
        "{\"question\":\"?\",\"choices\":{\"text\":[\"é\",\"two words\",\"xyz\"],"
        "\"label\":[\"A\",\"B\",\"C\"]},\"answerKey\":\"B\"}\n");
    t = opened("arc_easy", 0);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_int_equal(task_score(t, &it, replies, &v, NULL), 0);
    assert_close(credit_of(&v, "acc"), 0, 0);
    assert_close(credit_of(&v, "acc_norm"), 1, 0);
    assert_close(credit_of(&v, "acc_bytes"), 1, 0);
    assert_string_equal(v.prediction, "é");
    assert_string_equal(it.gold, "two words");
    verdict_release(&v);
    replies[0].loglikelihood = -1;
    replies[1].loglikelihood = -7;
    assert_int_equal(task_score(t, &it, replies, &v, NULL), 0);
    assert_close(credit_of(&v, "acc_norm"), 1, 0);  /* -1/1 against -7/9 */
    assert_close(credit_of(&v, "acc_bytes"), 0, 0); /* -1/2 against -7/9 */
    verdict_release(&v);
    item_release(&it);
    task_close(t);
    assert_int_equal(mem_live(), 0);
}

static void a_loglikelihood_that_is_no_number_is_refused(void **state)
{
    struct reply_text replies[2] = {{.loglikelihood = -4}, {.loglikelihood = NAN}};
    struct err e = ERR_NONE;
    struct verdict v;
    struct item it;
    struct task *t;
    (void)state;
    data_put("piqa/valid.jsonl", "{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\",\"label\":0}\n");
    t = opened("piqa", 0);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_int_equal(task_score(t, &it, replies, &v, &e), -1);
    assert_int_equal(e.code, ERR_NUMERIC);
    assert_string_equal(e.text, "piqa: item 0: log-likelihood 1 is nan");
    replies[1].loglikelihood = -INFINITY; /* impossible, but a value */
    assert_int_equal(task_score(t, &it, replies, &v, &e), 0);
    verdict_release(&v);
    item_release(&it);
    task_close(t);
}

/* --- texts ---------------------------------------------------------------------------------- */

static void hellaswag_text_is_cleaned(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct item it;
    struct task *t;
    (void)state;
    assert_int_equal(hellaswag_clean(&b, "  A   B    C ", NULL), 0);
    assert_string_equal(strbuf_str(&b), "A  B  C");
    strbuf_release(&b);
    data_put("hellaswag/validation.jsonl",
        "{\"activity_label\":\"Home and Garden\",\"ctx_a\":\"[header] How to clean a keyboard "
        "[title] Unplug it. [step] Turn off the PC.\",\"ctx_b\":\"then the man in NYC\","
        "\"endings\":[\"[substeps] a [title] b\",\"b\",\"c\",\"d\"],\"label\":\"3\"}\n");
    t = opened("hellaswag", 0);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_string_equal(it.queries[0].context,
                        "Home and Garden: How to clean a keyboard. Unplug it. Turn off the PC. "
                        "Then the man in nyc");
    assert_string_equal(it.queries[0].continuation, "  a. b");
    assert_int_equal(it.gold_index, 3);
    item_release(&it);
    task_close(t);
}

static const char page[] =
    " = Robert Boulter = \n \n Robert Boulter is an English film , television and theatre actor "
    "( born 1980 ) . He had a guest @-@ starring role on 1 @,@ 000 shows ; \" The Bill \" 's part "
    ", 5 @.@ 5 . \n = = Career = = \n";

static void wikitext_is_detokenised(void **state)
{
    struct strbuf b = STRBUF_INIT;
    (void)state;
    assert_int_equal(wikitext_detokenize(&b, page, sizeof page - 1, NULL), 0);
    assert_string_equal(strbuf_str(&b),
                        " = Robert Boulter =\n\nRobert Boulter is an English film, television and "
                        "theatre actor (born 1980). He had a guest-starring role on 1,000 shows; "
                        "\"The Bill\"'s part, 5.5.\n== Career ==\n");
    strbuf_release(&b);
}

static void wikitext_pages_begin_at_titles(void **state)
{
    struct docs d;
    struct strbuf b = STRBUF_INIT;
    (void)state;
    strbuf_adds(&b, " \n = One = \n \n text \n = = Part = = \n = Two = \n more");
    assert_int_equal(parse_wikitext(&d, b.s, b.len, NULL), 0);
    assert_int_equal(d.n, 2);
    assert_string_equal(d.v[0].text, " = One = \n \n text \n = = Part = = ");
    assert_string_equal(d.v[1].text, " = Two = \n more");
    docs_release(&d);
    strbuf_release(&b);
}

static void wikitext_credits_raw_words_and_bytes(void **state)
{
    struct reply_text reply = {.loglikelihood = -500};
    struct verdict v;
    struct item it;
    struct task *t;
    (void)state;
    data_put("wikitext2/wiki.test.raw", page);
    t = opened("wikitext", 0);
    assert_int_equal(task_count(t), 1);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_int_equal(it.queries[0].kind, QUERY_ROLLING);
    assert_int_equal(it.gold_index, -1);
    assert_int_equal(task_score(t, &it, &reply, &v, NULL), 0);
    assert_close(credit_of(&v, "word_perplexity"), -500, 0);
    assert_close(v.credits[0].weight, 51, 0);
    assert_close(v.credits[1].weight, 210, 0);
    assert_string_equal(task_aggregation(t, "word_perplexity"), "weighted_perplexity");
    assert_string_equal(task_aggregation(t, "bits_per_byte"), "bits_per_byte");
    assert_null(task_aggregation(t, "perplexity"));
    verdict_release(&v);
    item_release(&it);
    task_close(t);
}

static void the_last_word_is_asked_for(void **state)
{
    struct reply_text reply = {.loglikelihood = -2.5, .is_greedy = 1};
    struct verdict v;
    struct item it;
    struct task *t;
    (void)state;
    data_put("lambada/lambada_test.jsonl", "{\"text\":\"he sat on the chair\"}\n");
    t = opened("lambada_openai", 0);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_int_equal(it.n_queries, 1);
    assert_int_equal(it.queries[0].kind, QUERY_LOGLIKELIHOOD);
    assert_string_equal(it.queries[0].context, "he sat on the");
    assert_string_equal(it.queries[0].continuation, " chair");
    assert_int_equal(it.gold_index, -1);
    for (int greedy = 0; greedy < 2; greedy++) {
        reply.is_greedy = greedy;
        assert_int_equal(task_score(t, &it, &reply, &v, NULL), 0);
        assert_close(credit_of(&v, "perplexity"), -2.5, 0);
        assert_close(credit_of(&v, "acc"), greedy, 0);
        verdict_release(&v);
    }
    item_release(&it);
    task_close(t);
    assert_int_equal(mem_live(), 0);
}

static void the_published_wikitext_has_62_pages(void **state)
{
    const char *data[] = {NULL};
    struct task_opts o = {.data_dirs = data, .n_data_dirs = 1};
    struct task *t = NULL;
    struct err e = ERR_NONE;
    char path[4096];
    (void)state;
    snprintf(path, sizeof path, "%s", shared_path("data"));
    data[0] = path;
    if (task_open(&t, "wikitext", &o, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(task_count(t), 62);
    task_close(t);
}

static void a_long_text_is_asked_in_windows(void **state)
{
    struct reply_text reply = {.loglikelihood = -30, .n_tokens = 10};
    struct verdict v;
    struct item it;
    struct task *t;
    struct strbuf b = STRBUF_INIT;
    (void)state;
    for (int i = 0; i < 60001; i++)
        strbuf_adds(&b, "é");
    data_put("wikitext2/wiki.test.raw", b.s);
    t = opened("wikitext2_ppl", 0);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_int_equal(it.queries[0].kind, QUERY_WINDOWS);
    assert_int_equal(strlen(it.queries[0].continuation), 120000); /* 60,000 characters */
    assert_int_equal(it.queries[0].window, 512);
    assert_int_equal(task_score(t, &it, &reply, &v, NULL), 0);
    assert_close(v.credits[0].value, -30, 0);
    assert_close(v.credits[0].weight, 10, 0);
    assert_string_equal(task_aggregation(t, "perplexity"), "weighted_perplexity");
    verdict_release(&v);
    item_release(&it);
    task_close(t);
    strbuf_release(&b);
}

static void our_own_text_needs_no_data(void **state)
{
    struct task_opts o = {.shots = -1};
    struct task *t = NULL;
    size_t bytes = 0;
    (void)state;
    assert_int_equal(task_open(&t, "perplexity_text", &o, NULL), 0);
    assert_string_equal(task_data_path(t), "");
    for (int i = 0; i < task_count(t); i++) {
        struct item it;
        assert_int_equal(task_item(t, i, &it, NULL), 0);
        bytes += strlen(it.queries[0].continuation);
        item_release(&it);
    }
    assert_in_range(bytes, 8000, 12500);
    task_close(t);
    assert_int_equal(mem_live(), 0);
}

static void facts_go_through_the_same_verbs(void **state)
{
    struct task_opts o = {.shots = 5, .seed = 1};
    struct reply_text *replies;
    struct verdict v;
    struct item it;
    struct task *t = NULL;
    int n, order[100];
    (void)state;
    assert_int_equal(task_open(&t, "facts", &o, NULL), 0);
    assert_int_equal(task_shots(t), 0);
    assert_non_null(task_facts(t));
    n = task_count(t);
    assert_true(n >= 1500);
    assert_int_equal(task_order(t, 100, order), 100);
    assert_true(order[99] > 99); /* a sample of the whole bank */
    assert_int_equal(task_item(t, n - 1, &it, NULL), 0);
    replies = mem_calloc((size_t)it.n_queries, sizeof *replies);
    for (int i = 0; i < it.n_queries; i++)
        replies[i] = (struct reply_text){.loglikelihood = -1 - i, .n_tokens = 1};
    assert_int_equal(task_score(t, &it, replies, &v, NULL), 0);
    assert_true(v.n > 0);
    mem_free(replies);
    verdict_release(&v);
    item_release(&it);
    task_close(t);
    assert_int_equal(mem_live(), 0);
}

/* --- answers -------------------------------------------------------------------------------- */

static const struct answer_rules *rules_of(const char *task)
{
    for (int i = 0; i < n_task_rows; i++)
        if (strcmp(task_rows[i].info.name, task) == 0)
            return task_rows[i].recipe->answers;
    return NULL;
}

static void gsm8k_answers_are_found_as_the_table_says(void **state)
{
    static const struct { const char *text, *strict, *flexible, *gold; int credit[2]; } rows[] = {
        {" He makes $70,000.\n#### 70,000", "70,000", "70,000", "x\n#### 70000", {1, 1}},
        {"so the answer is $70,000.", "[invalid]", "$70,000.", "x\n#### 70000", {0, 1}},
        {"#### 70000.", "70000.", "70000.", "x\n#### 70000", {1, 1}},
        {"total: 12. Then 3, ok.", "[invalid]", "3,", "x\n#### 12", {0, 0}},
        {"total: 12. Then 3, ok.", "[invalid]", "3,", "x\n#### 3", {0, 1}},
        {"She has 5", "[invalid]", "5", "#### 5", {0, 1}},
        {"-7 apples", "[invalid]", "-7", "#### -7", {0, 1}},
        {"no number", "[invalid]", "[invalid]", "#### 1", {0, 0}},
        {"#### -1,234.50\n", "-1,234.50", "-1,234.50", "#### -1234.50", {1, 1}},
        {"#### 1\n#### 2", "1", "2", "a #### 9 b #### 2", {0, 1}},
        {"bytes \xff\xfe #### 8", "8", "8", "#### 8", {1, 1}},
    };
    struct answer *a = NULL;
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(answer_open(&a, rules_of("gsm8k"), &e), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int f = 0; f < 2; f++) {
            char *got = answer_filter(a, f, rows[i].text, NULL, &e);
            assert_string_equal(got, f ? rows[i].flexible : rows[i].strict);
            assert_int_equal(answer_equal(a, got, rows[i].gold, &e), rows[i].credit[f]);
            mem_free(got);
        }
    answer_close(a);
    assert_int_equal(mem_live(), 0);
}

static void free_answers_ignore_case_articles_and_punctuation(void **state)
{
    struct answer *a = NULL;
    char *got;
    (void)state;
    assert_int_equal(answer_open(&a, rules_of("nq_open"), NULL), 0);
    got = answer_filter(a, 0, " \n The U.S. Mint ", NULL, NULL);
    assert_string_equal(got, "The U.S. Mint ");
    assert_int_equal(answer_equal(a, "The U.S. Mint", "US mint", NULL), 1);
    assert_int_equal(answer_equal(a, "ÉCOLE", "école", NULL), 1);
    assert_int_equal(answer_equal(a, "banana split", "banan split", NULL), 0);
    mem_free(got);
    answer_close(a);
}

static void opening_and_using_rules_survives_every_failed_allocation(void **state)
{
    int done = 0;
    (void)state;
    for (long nth = 0; !done; nth++) {
        struct err e = ERR_NONE;
        struct answer *a = NULL;
        char *got = NULL;
        int equal = -1;
        mem_fail_at(nth);
        if (answer_open(&a, rules_of("gsm8k"), &e) == 0 &&
            (got = answer_filter(a, 1, "it is 7", NULL, &e)))
            equal = answer_equal(a, got, "#### 7", &e);
        mem_fail_at(-1);
        done = equal == 1;
        assert_int_equal(e.code, done ? ERR_OK : ERR_NOMEM);
        mem_free(got);
        answer_close(a);
        assert_int_equal(mem_live(), 0);
    }
}

/* --- prompts and shots ---------------------------------------------------------------------- */

static void a_delimiter_goes_between_instruction_and_description_only_where_needed(void **state)
{
    static const struct { const char *a, *b, *want; } rows[] = {
        {"Be brief.", "About x.", "Be brief.\n\nAbout x."},
        {"Be brief.\n", "About", "Be brief.\nAbout"},
        {"Be", " About", "Be About"}, {"", "About", "About"}, {"Be", "", "Be"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct strbuf b = STRBUF_INIT;
        prompt_join(&b, rows[i].a, rows[i].b, "\n\n");
        assert_string_equal(strbuf_str(&b), rows[i].want);
        strbuf_release(&b);
    }
}

/* Refuses a system message, as some templates do. */
static int no_system(void *self, const struct chat_message *m, int n, int add_generation_prompt,
                     struct strbuf *out, struct err *e)
{
    (void)self;
    for (int i = 0; i < n; i++) {
        strbuf_addf(out, "<%s>%s", m[i].role, m[i].content);
        if (strcmp(m[i].role, "system") == 0)
            return err_set(e, ERR_FORMAT, "system role not supported");
    }
    if (add_generation_prompt)
        strbuf_adds(out, "<assistant>");
    return strbuf_ok(out, e);
}

static void a_template_without_system_role_is_rendered_without_it(void **state)
{
    static const struct chat_renderer renderer = {no_system, NULL};
    struct prompt_style style = {"About.\n\n", " ", "\n\n", &renderer};
    struct shot shots[] = {{"q1", "a1"}};
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(prompt_build(&style, shots, 1, "q2", &b, &e), 0);
    assert_string_equal(strbuf_str(&b), "<user>q1<assistant>a1<user>q2<assistant>");
    assert_int_equal(e.code, ERR_OK);
    strbuf_release(&b);
}

static void put_winogrande(const char *name, int n)
{
    struct strbuf b = STRBUF_INIT;

    for (int i = 0; i < n; i++)
        strbuf_addf(&b,
                    "{\"sentence\":\"S%d _ was late. \",\"option1\":\"Ann\",\"option2\":\"Bea\","
                    "\"answer\":\"%d\"}\n", i, i % 2 + 1);
    data_put(name, b.s);
    strbuf_release(&b);
}

static void winogrande_shots_show_the_right_option(void **state)
{
    struct item it;
    struct task *t;
    (void)state;
    put_winogrande("winogrande/dev.jsonl", 2);
    put_winogrande("winogrande/train.jsonl", 4);
    t = opened("winogrande", 1);
    /* sample(range(4), 2) with seed 1234 is 3, 0: pool document 3 is shown */
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_string_equal(it.queries[0].context, "S3 Bea was late.\n\nS0 Ann");
    assert_string_equal(it.queries[1].context, "S3 Bea was late.\n\nS0 Bea");
    assert_string_equal(it.queries[1].continuation, " was late.");
    item_release(&it);
    task_close(t);
    assert_int_equal(mem_live(), 0);
}

static void no_document_is_its_own_shot(void **state)
{
    struct task *t;
    (void)state;
    put_winogrande("winogrande/dev.jsonl", 8);
    put_winogrande("winogrande/train.jsonl", 8);
    t = opened("winogrande", 7); /* draws all 8 and passes over the document itself */
    for (int i = 0; i < 8; i++) {
        struct item it;
        const char *first, *question;
        char name[16];
        assert_int_equal(task_item(t, i, &it, NULL), 0);
        snprintf(name, sizeof name, "S%d ", i);
        first = strstr(it.queries[0].context, name);
        question = it.queries[0].context + strlen(it.queries[0].context) - strlen("S0 Ann");
        assert_ptr_equal(first, question);
        item_release(&it);
    }
    task_close(t);
}

/* lm-eval's order where there is no training split: validation, then the documents themselves. */
static void without_a_training_file_the_examples_are_the_next_split(void **state)
{
    struct task *t;
    struct item it;
    (void)state;
    put_winogrande("winogrande/dev.jsonl", 4);
    t = opened("winogrande", 3);
    assert_string_equal(task_examples_instead(t), task_data_path(t));
    for (int i = 0; i < 4; i++) {
        char own[40];
        const char *seen;
        assert_int_equal(task_item(t, i, &it, NULL), 0);
        snprintf(own, sizeof own, "S%d ", i);
        seen = strstr(it.queries[0].context, own); /* the question itself, at the end */
        assert_non_null(seen);
        assert_null(strstr(seen + 1, own));
        item_release(&it);
    }
    task_close(t);
    put_winogrande("winogrande/validation.jsonl", 9);
    t = opened("winogrande", 8);
    assert_string_equal(path_base(task_examples_instead(t)), "validation.jsonl");
    task_close(t);
    put_winogrande("winogrande/train.jsonl", 9);
    t = opened("winogrande", 8);
    assert_null(task_examples_instead(t));
    task_close(t);
}

static void by_doc_shots_do_not_depend_on_other_documents(void **state)
{
    struct task_opts o = options(2);
    struct task *t = NULL;
    struct item a, b;
    (void)state;
    o.by_doc = 1;
    put_winogrande("winogrande/train.jsonl", 50);
    put_winogrande("winogrande/dev.jsonl", 3);
    assert_int_equal(task_open(&t, "winogrande", &o, NULL), 0);
    assert_int_equal(task_item(t, 2, &a, NULL), 0);
    task_close(t);
    put_winogrande("winogrande/dev.jsonl", 9);
    assert_int_equal(task_open(&t, "winogrande", &o, NULL), 0);
    assert_int_equal(task_item(t, 2, &b, NULL), 0);
    assert_string_equal(a.prompt_hash, b.prompt_hash);
    item_release(&b);
    assert_int_equal(task_item(t, 3, &b, NULL), 0);
    assert_string_not_equal(a.prompt_hash, b.prompt_hash);
    item_release(&a);
    item_release(&b);
    task_close(t);
}

static void first_shots_pass_over_the_document_itself(void **state)
{
    struct item it;
    struct task *t;
    (void)state;
    data_put("mmlu/test/anatomy_test.csv", "q1,a,b,c,d,B\nq9,a,b,c,d,A\n");
    data_put("mmlu/dev/anatomy_dev.csv", "q0,a,b,c,d,A\nq1,a,b,c,d,B\nq2,a,b,c,d,C\n");
    t = opened("mmlu_anatomy", 2);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_string_equal(it.queries[3].context,
                        "The following are multiple choice questions (with answers) about "
                        "anatomy.\n\nq0\nA. a\nB. b\nC. c\nD. d\nAnswer: A\n\nq2\nA. a\nB. b\n"
                        "C. c\nD. d\nAnswer: C\n\nq1\nA. a\nB. b\nC. c\nD. d\nAnswer:");
    assert_string_equal(it.queries[3].continuation, " D");
    item_release(&it);
    assert_int_equal(task_item(t, 1, &it, NULL), 0);
    assert_non_null(strstr(it.queries[0].context, "q0"));
    assert_non_null(strstr(it.queries[0].context, "q1"));
    assert_null(strstr(it.queries[0].context, "q2"));
    item_release(&it);
    task_close(t);
}

static void questions_about_one_passage_share_a_cluster(void **state)
{
    struct item a, b, c;
    struct task *t;
    (void)state;
    data_put("boolq/dev.jsonl", "{\"question\":\"a\",\"answer\":true,\"passage\":\"P\"}\n"
                           "{\"question\":\"b\",\"answer\":false,\"passage\":\"P\"}\n"
                           "{\"question\":\"c\",\"answer\":false,\"passage\":\"Q\"}\n");
    t = opened("boolq", 0);
    assert_int_equal(task_item(t, 0, &a, NULL), 0);
    assert_int_equal(task_item(t, 1, &b, NULL), 0);
    assert_int_equal(task_item(t, 2, &c, NULL), 0);
    assert_string_equal(a.cluster, b.cluster);
    assert_string_not_equal(a.cluster, c.cluster);
    assert_string_equal(a.gold, "yes");
    item_release(&a);
    item_release(&b);
    item_release(&c);
    task_close(t);
}

static void a_limit_takes_the_first_items(void **state)
{
    struct task *t;
    int order[8];
    (void)state;
    put_winogrande("winogrande/dev.jsonl", 8);
    t = opened("winogrande", 0);
    assert_int_equal(task_order(t, 3, order), 3);
    assert_int_equal(order[2], 2);
    assert_int_equal(task_order(t, 0, order), 8);
    assert_int_equal(task_order(t, 99, order), 8);
    task_close(t);
}

/* --- errors --------------------------------------------------------------------------------- */

static void bad_records_are_refused_with_file_and_line(void **state)
{
    static const struct { const char *task, *file, *text, *want; } rows[] = {
        {"piqa", "piqa/valid.jsonl",
         "{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\",\"label\":0}\n{\"goal\":",
         "valid.jsonl:2: malformed JSON at byte 7"},
        {"piqa", "piqa/valid.jsonl", "{\"goal\":\"g\",\"sol1\":\"a\",\"label\":0}\n",
         "valid.jsonl:1: no field \"sol2\""},
        {"piqa", "piqa/valid.jsonl", "{\"goal\":1,\"sol1\":\"a\",\"sol2\":\"b\",\"label\":0}\n",
         "valid.jsonl:1: not a text: \"goal\""},
        {"piqa", "piqa/valid.jsonl", "{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\",\"label\":2}\n",
         "valid.jsonl:1: \"label\" is not a label from 0 to 1"},
        {"piqa", "piqa/valid.jsonl",
         "{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\",\"label\":true}\n",
         "valid.jsonl:1: \"label\" is not a label from 0 to 1"},
        {"piqa", "piqa/valid.jsonl", "[1]\n", "valid.jsonl:1: not a JSON object"},
        {"piqa", "piqa/valid.jsonl", "\n\n", "valid.jsonl: holds no documents"},
        {"arc_easy", "arc_easy/test.jsonl",
         "{\"question\":\"?\",\"choices\":{\"text\":[\"a\",\"b\"],\"label\":[\"A\",\"B\"]},"
         "\"answerKey\":\"C\"}\n", "test.jsonl:1: \"answerKey\" is none of the labels"},
        {"arc_easy", "arc_easy/test.jsonl",
         "{\"question\":\"?\",\"choices\":{\"text\":[\"a\",7],\"label\":[\"A\",\"B\"]},"
         "\"answerKey\":\"A\"}\n", "test.jsonl:1: \"text\": entry 1 is not a text"},
        {"arc_easy", "arc_easy/test.jsonl",
         "{\"question\":\"?\",\"choices\":{\"text\":[\"a\",\"b\"],\"label\":[\"A\"]},"
         "\"answerKey\":\"A\"}\n", "test.jsonl:1: 2 choices but another number of labels"},
        {"winogrande", "winogrande/dev.jsonl",
         "{\"sentence\":\"no blank\",\"option1\":\"a\",\"option2\":\"b\",\"answer\":\"1\"}\n",
         "dev.jsonl:1: \"sentence\" has no blank (_)"},
        {"boolq", "boolq/dev.jsonl",
         "{\"question\":\"q\",\"passage\":\"p\",\"answer\":\"yes\"}\n",
         "dev.jsonl:1: \"answer\" is not a label from 0 to 1"},
        {"nq_open", "nq_open/NQ-open.dev.jsonl", "{\"question\":\"q\",\"answer\":[]}\n",
         "NQ-open.dev.jsonl:1: \"answer\" is not a list of 1 to 1024 texts"},
        {"lambada_openai", "lambada/lambada_test.jsonl", "{\"text\":\"word\"}\n",
         "lambada_test.jsonl:1: \"text\" is a single word"},
        {"mmlu_anatomy", "mmlu/test/anatomy_test.csv", "q,a,b,c,d,A\nq,a,b,c,d,E\n",
         "anatomy_test.csv:2: \"answer\" is not a letter from A to D"},
        {"mmlu_anatomy", "mmlu/test/anatomy_test.csv", "q,a,b,c\n",
         "anatomy_test.csv:1: 4 fields where there are 6 columns"},
        {"cmmlu_anatomy", "cmmlu/test/anatomy.csv", ",Question,A,B,C,D\n0,q,a,b,c,d\n",
         "anatomy.csv:2: no field \"Answer\""},
        {"wikitext", "wikitext2/wiki.test.raw", "a\xff", "wiki.test.raw: not UTF-8 text"},
        {"tinystories", "tinystories/tinystories_valid_1910.txt", " <|endoftext|>\n",
         "tinystories_valid_1910.txt: holds no documents"},
        {"truthfulqa_mc1", "truthfulqa/mc_task.json",
         "[{\"question\":\"q\",\"mc1_targets\":{\"a\":1}}, 3]",
         "mc_task.json: entry 1: not a JSON object"},
        {"truthfulqa_mc1", "truthfulqa/mc_task.json",
         "[{\"question\":\"q\",\"mc1_targets\":{\"a\":0,\"b\":1}}]",
         "mc_task.json: entry 0: \"mc1_targets\": the first answer is not right"},
        {"truthfulqa_mc2", "truthfulqa/mc_task.json",
         "[{\"question\":\"q\",\"mc2_targets\":{\"a\":1,\"b\":2}}]",
         "mc_task.json: entry 0: \"mc2_targets\": answer 1 is neither 0 nor 1"},
        {"truthfulqa_mc2", "truthfulqa/mc_task.json",
         "[{\"question\":\"q\",\"mc2_targets\":[1]}]",
         "mc_task.json: entry 0: \"mc2_targets\" is not an object of 1 to 26 answers"},
        {"truthfulqa_mc2", "truthfulqa/mc_task.json", "{}", "mc_task.json: holds no documents"},
        {"math500", "math500/test.jsonl", "{\"problem\":\"p\",\"solution\":\"\\\\boxed{1\"}\n",
         "test.jsonl:1: \"solution\" has no \\boxed answer"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct task_opts o = options(0);
        struct err e = ERR_NONE;
        struct task *t = NULL;
        data_put(rows[i].file, rows[i].text);
        assert_int_equal(task_open(&t, rows[i].task, &o, &e), -1);
        assert_int_equal(e.code, ERR_FORMAT);
        assert_string_equal(path_base(e.text), rows[i].want);
        assert_int_equal(mem_live(), 0);
        data_folder_gone(NULL);
    }
}

static void prompt_files_that_are_none_are_refused(void **state)
{
    static const struct { const char *text, *want; } rows[] = {
        {"", "snarks.txt: not a prompt file: no dashes with questions below"},
        {"x\n-----\nAbout.\n", "snarks.txt: not a prompt file: no dashes with questions below"},
        {"-----\nAbout.\n\nQ: q\nA: a",
         "snarks.txt: example 0: not answered step by step"},
        {"-----\nAbout.\n\nQ: q\nA: Let's think step by step.",
         "snarks.txt: example 0: not answered step by step"},
        {"-----\nAbout.\n\nQ: q\nA: Let's think step by step.\nHm.",
         "snarks.txt: example 0: has no \"the answer is ...\""},
        {"-----\n\xff", "snarks.txt: not UTF-8 text"},
    };
    (void)state;
    data_put("bbh/bbh/snarks.json", "{\"examples\":[{\"input\":\"i\",\"target\":\"t\"}]}");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct task_opts o = options(0);
        struct err e = ERR_NONE;
        struct task *t = NULL;
        data_put("bbh/cot-prompts/snarks.txt", rows[i].text);
        assert_int_equal(task_open(&t, "bbh_fewshot_snarks", &o, &e), -1);
        assert_int_equal(e.code, ERR_FORMAT);
        assert_string_equal(path_base(e.text), rows[i].want);
        assert_int_equal(mem_live(), 0);
    }
}

static void bbh_has_its_description_without_shots_too(void **state)
{
    struct item it;
    struct task *t;
    (void)state;
    data_put("bbh/bbh/snarks.json", "{\"examples\":[{\"input\":\"i\",\"target\":\"t\"}]}");
    data_put("bbh/cot-prompts/snarks.txt",
        "canary\n-----\nAbout.\n\nMore.\n\nQ: q\nA: Let's think step by step.\nHm. So the answer "
        "is (B).\n");
    t = opened("bbh_cot_fewshot_snarks", 0);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_string_equal(it.queries[0].context,
                        "About.\n\nMore.\n\nQ: i\nA: Let's think step by step.\n");
    item_release(&it);
    task_close(t);
    t = opened("bbh_fewshot_snarks", 1);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_string_equal(it.queries[0].context, "About.\n\nMore.\n\nQ: q\nA: (B)\n\nQ: i\nA:");
    item_release(&it);
    task_close(t);
}

static void probability_on_true_answers_is_a_share_even_where_it_underflows(void **state)
{
    struct reply_text replies[3] = {{.loglikelihood = -2000}, {.loglikelihood = -2000},
                                    {.loglikelihood = -2000 - M_LN2}};
    struct verdict v;
    struct item it;
    struct task *t;
    (void)state;
    data_put("truthfulqa/mc_task.json",
        "[{\"question\":\"q\",\"mc2_targets\":{\"a\":1,\"b\":0,\"c\":1}}]");
    t = opened("truthfulqa_mc2", 0);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_int_equal(task_score(t, &it, replies, &v, NULL), 0);
    assert_close(credit_of(&v, "acc"), 0.6, 1e-12);
    verdict_release(&v);
    for (int i = 0; i < 3; i++)
        replies[i].loglikelihood = -INFINITY;
    assert_int_equal(task_score(t, &it, replies, &v, NULL), 0);
    assert_close(credit_of(&v, "acc"), 0, 0);
    verdict_release(&v);
    item_release(&it);
    task_close(t);
}

static void a_box_is_read_up_to_its_brace(void **state)
{
    static const struct { const char *text, *want; } rows[] = {
        {"so \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"}, {"\\boxed{1} or \\boxed{2}", "2"},
        {"$\\boxed 7$ cm", "7"}, {"\\boxed{1", "[invalid]"}, {"\\fbox{1}", "[invalid]"},
        {"1", "[invalid]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span s = find_boxed(rows[i].text);
        assert_int_equal(s.n, strlen(rows[i].want));
        assert_memory_equal(s.s, rows[i].want, s.n);
    }
}

static void stories_are_taken_apart(void **state)
{
    struct item it;
    struct task *t;
    (void)state;
    data_put("tinystories/tinystories_valid_1910.txt", "One.\n<|endoftext|>\nTwo\n\nthree.\n"
                                                  "<|endoftext|>\n");
    t = opened("tinystories", 0);
    assert_int_equal(task_count(t), 2);
    assert_int_equal(task_item(t, 1, &it, NULL), 0);
    assert_string_equal(it.queries[0].continuation, "Two\n\nthree.");
    assert_string_equal(task_aggregation(t, "bits_per_byte"), "bits_per_byte");
    item_release(&it);
    task_close(t);
}

static void missing_data_names_every_place(void **state)
{
    struct task_opts o = options(0);
    struct err e = ERR_NONE;
    struct task *t = NULL;
    (void)state;
    data_put("other/x", "x");
    setenv("DENSIMETER_DATA", "/nowhere/a::/nowhere/b", 1);
    setenv("XDG_DATA_HOME", "/nowhere/home", 1);
    assert_int_equal(task_open(&t, "hellaswag", &o, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.text, data_folder));
    assert_non_null(strstr(e.text, "/nowhere/a/hellaswag/validation.jsonl, "));
    assert_non_null(strstr(e.text, "/nowhere/b/hellaswag/val_1000.jsonl, "));
    assert_non_null(strstr(e.text, "/nowhere/home/densimeter/data/hellaswag/validation.jsonl"));
    assert_non_null(strstr(e.hint, "--data"));
    /* found through the variable */
    setenv("DENSIMETER_DATA", data_folder, 1);
    o.n_data_dirs = 0;
    put_winogrande("winogrande/dev.jsonl", 1);
    assert_int_equal(task_open(&t, "winogrande", &o, &e), 0);
    task_close(t);
    /* the examples are missing */
    data_put("gsm8k/test.jsonl", "{\"question\":\"2+2?\",\"answer\":\"#### 4\"}\n");
    o.shots = 3;
    assert_int_equal(task_open(&t, "gsm8k", &o, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "the examples for 3 shots: "));
    assert_non_null(strstr(e.text, "gsm8k/train.jsonl"));
    unsetenv("DENSIMETER_DATA");
    unsetenv("XDG_DATA_HOME");
    assert_int_equal(mem_live(), 0);
}

static void what_is_not_offered_is_refused(void **state)
{
    static const struct {
        const char *name;
        int shots;
        enum err_code code;
        const char *want;
    } rows[] = {
        {"helaswag", 0, ERR_NOTFOUND, "helaswag: no such task"},
        {"mmlu", 0, ERR_NOTFOUND, "mmlu: no such task"},
        {"./my.yaml", 0, ERR_IO, "./my.yaml: No such file or directory"},
        {"my.json", 0, ERR_IO, "my.json: No such file or directory"},
        {"truthfulqa_mc1", 1, ERR_USAGE,
         "truthfulqa_mc1: has no examples to show: it runs with 0 shots"},
        {"lambada_openai", 2, ERR_USAGE,
         "lambada_openai: 2 shots need 2 examples, and there are 1"},
        {"winogrande", 4, ERR_USAGE, "winogrande: 4 shots need 5 examples, and there are 4"},
    };
    (void)state;
    put_winogrande("winogrande/dev.jsonl", 2);
    put_winogrande("winogrande/train.jsonl", 4);
    data_put("lambada/lambada_test.jsonl", "{\"text\":\"two words\"}\n");
    data_put("truthfulqa/mc_task.json", "[{\"question\":\"q\",\"mc1_targets\":{\"a\":1}}]");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct task_opts o = options(rows[i].shots);
        struct err e = ERR_NONE;
        struct task *t = NULL;
        assert_int_equal(task_open(&t, rows[i].name, &o, &e), -1);
        assert_int_equal(e.code, rows[i].code);
        assert_string_equal(e.text, rows[i].want);
    }
    assert_int_equal(mem_live(), 0);
}

static void every_row_is_complete(void **state)
{
    static const struct { const char *group; int n; } groups[] = {
        {"mmlu", 57}, {"cmmlu", 67}, {"bbh", 27}, {"bbh_fewshot", 27},
        {"bbh_zeroshot", 27}, {"bbh_cot_zeroshot", 27}, {"truthfulqa", 2}, {"ceval-valid", 52},
        {"mmlu_pro", 14}, {"needle", 12}, {"longtext", 9}, {"leaderboard_bbh", 24},
        {"leaderboard_math_hard", 7}, {"leaderboard_gpqa", 3}, {"leaderboard_musr", 3},
        {"olmes", 18}, {"olmes_mmlu_mc", 57}, {"olmes_mmlu_cf", 57},
    };
    int n_grouped = 0, n_known = 0;
    (void)state;
    for (int i = 0; i < n_task_rows; i++) {
        const struct task_row *row = &task_rows[i];
        assert_ptr_equal(task_info_find(row->info.name), &row->info);
        if (!row->recipe)
            continue;
        assert_string_equal(row->info.kind, row->recipe->format->kind);
        n_grouped += row->info.group != NULL;
        if (row->recipe->exemplars) {
            assert_null(row->pool);
            continue;
        }
        assert_int_equal(row->pool != NULL, row->recipe->load_pool ||
                                                (row->recipe->shots != SHOTS_NONE &&
                                                 row->recipe->shots != SHOTS_FIXED_0));
    }
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
        int n = 0;
        for (int i = 0; i < n_task_rows; i++)
            n += task_rows[i].info.group && strcmp(task_rows[i].info.group, groups[g].group) == 0;
        assert_int_equal(n, groups[g].n);
        n_known += n;
        assert_int_equal(task_group_pools(groups[g].group),
                         strcmp(groups[g].group, "truthfulqa") != 0 &&
                             strcmp(groups[g].group, "olmes") != 0);
    }
    assert_int_equal(n_known, n_grouped);
    assert_null(task_info_at(n_task_rows));
}

/* Opens, asks and credits; 0 when all of it worked. */
static int whole(const char *name, int shots, struct err *e)
{
    struct reply_text replies[8] = {{.text = "#### 4"}};
    struct task_opts o = options(shots);
    struct task *t = NULL;
    struct verdict v;
    struct item it;
    int rc = -1;

    if (task_open(&t, name, &o, e) == 0 && task_item(t, 0, &it, e) == 0) {
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
    static const struct { const char *name; int shots; } rows[] = {
        {"winogrande", 1}, {"gsm8k", 1}, {"mmlu_anatomy", 1}, {"wikitext", 0}, {"boolq", 0},
        {"hellaswag", 0}, {"perplexity_text", 0}, {"truthfulqa_mc2", 0},
        {"bbh_cot_fewshot_snarks", 1},
        {"bbh_zeroshot_snarks", 0}, {"bbh_cot_zeroshot_word_sorting", 0},
        {"bbh_zeroshot_object_counting", 0}, {"hendrycks_math500", 0}, {"tinystories", 0},
    };
    (void)state;
    put_winogrande("winogrande/dev.jsonl", 2);
    put_winogrande("winogrande/train.jsonl", 3);
    data_put("gsm8k/test.jsonl", "{\"question\":\"2+2?\",\"answer\":\"#### 4\"}\n");
    data_put("gsm8k/train.jsonl", "{\"question\":\"1+1?\",\"answer\":\"#### 2\"}\n");
    data_put("mmlu/test/anatomy_test.csv", "q1,a,b,c,d,B\n");
    data_put("mmlu/dev/anatomy_dev.csv", "q0,a,b,c,d,A\n");
    data_put("wikitext2/wiki.test.raw", page);
    data_put("boolq/dev.jsonl", "{\"question\":\"a\",\"answer\":true,\"passage\":\"P\"}\n");
    data_put("truthfulqa/mc_task.json",
        "[{\"question\":\"q\",\"mc2_targets\":{\"a\":1,\"b\":0}}]");
    data_put("bbh/bbh/snarks.json", "{\"examples\":[{\"input\":\"i\",\"target\":\"t\"}]}");
    data_put("bbh/cot-prompts/snarks.txt",
        "-----\nAbout.\n\nQ: q\nA: Let's think step by step.\nSo the answer is (B).");
    data_put("bbh/bbh/word_sorting.json",
        "{\"examples\":[{\"input\":\"List: #### 4 b\",\"target\":\"b\"}]}");
    data_put("bbh/cot-prompts/word_sorting.txt",
        "-----\nAbout.\n\nQ: q\nA: Let's think step by step.\nSo the answer is (B).");
    data_put("bbh/bbh/object_counting.json", "{\"examples\":[{\"input\":\"i\",\"target\":\"4\"}]}");
    data_put("bbh/cot-prompts/object_counting.txt",
        "-----\nAbout.\n\nQ: q\nA: Let's think step by step.\nSo the answer is (B).");
    data_put("math500/test.jsonl",
        "{\"problem\":\"p\",\"solution\":\"\\\\boxed{k=.5\\\\sqrt3\\\\frac12}\"}\n");
    data_put("tinystories/tinystories_valid_1910.txt", "One.\n<|endoftext|>\nTwo.\n");
    data_put("hellaswag/validation.jsonl",
        "{\"activity_label\":\"L\",\"ctx_a\":\"a\",\"ctx_b\":\"b\",\"endings\":[\"a\",\"b\",\"c\","
        "\"d\"],\"label\":0}\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int rc = -1;
        for (long nth = 0; rc < 0; nth++) {
            struct err e = ERR_NONE;
            mem_fail_at(nth);
            rc = whole(rows[i].name, rows[i].shots, &e);
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
        TEST(the_likeliest_choice_is_numpys),
        TEST(lengths_are_code_points_and_bytes_of_the_choice),
        TEST(a_loglikelihood_that_is_no_number_is_refused),
        TEST(hellaswag_text_is_cleaned),
        TEST(wikitext_is_detokenised),
        TEST(wikitext_pages_begin_at_titles),
        TEST(wikitext_credits_raw_words_and_bytes),
        TEST(the_last_word_is_asked_for),
        TEST(the_published_wikitext_has_62_pages),
        TEST(a_long_text_is_asked_in_windows),
        TEST(our_own_text_needs_no_data),
        TEST(facts_go_through_the_same_verbs),
        TEST(gsm8k_answers_are_found_as_the_table_says),
        TEST(free_answers_ignore_case_articles_and_punctuation),
        TEST(opening_and_using_rules_survives_every_failed_allocation),
        TEST(a_delimiter_goes_between_instruction_and_description_only_where_needed),
        TEST(a_template_without_system_role_is_rendered_without_it),
        TEST(winogrande_shots_show_the_right_option),
        TEST(no_document_is_its_own_shot),
        TEST(without_a_training_file_the_examples_are_the_next_split),
        TEST(by_doc_shots_do_not_depend_on_other_documents),
        TEST(first_shots_pass_over_the_document_itself),
        TEST(questions_about_one_passage_share_a_cluster),
        TEST(a_limit_takes_the_first_items),
        TEST(bad_records_are_refused_with_file_and_line),
        TEST(prompt_files_that_are_none_are_refused),
        TEST(bbh_has_its_description_without_shots_too),
        TEST(probability_on_true_answers_is_a_share_even_where_it_underflows),
        TEST(a_box_is_read_up_to_its_brace),
        TEST(stories_are_taken_apart),
        TEST(missing_data_names_every_place),
        TEST(what_is_not_offered_is_refused),
        TEST(every_row_is_complete),
        TEST(tasks_survive_every_failed_allocation),
    };
    return RUN(tests);
}
