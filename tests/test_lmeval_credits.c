/* Task files of lm-eval: what one document asks, and what replies to it are worth. */
#include "tests/test.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "tasks/task.h"
#include "tests/data_folder.h"

enum { MOST = 8 };

/* "-1 -2g": log-likelihoods, g: greedy; of a task that generates texts between bars. */
static void read_replies(const struct item *it, char *given, struct reply_text r[MOST])
{
    int generates = it->queries[0].kind == QUERY_GENERATE, n = 0;

    assert_true(it->n_queries <= MOST);
    for (char *at = given, *one; (one = strtok_r(at, generates ? "|" : " ", &at)) != NULL; n++) {
        assert_true(n < it->n_queries);
        r[n] = (struct reply_text){.text = one, .n_tokens = 1};
        if (!generates)
            r[n].loglikelihood = strtod(one, NULL), r[n].is_greedy = strchr(one, 'g') != NULL;
    }
    if (n != it->n_queries)
        fail_msg("%s: %d replies to %d queries", it->queries[0].context, n, it->n_queries);
}

static void add_verdict(struct strbuf *b, const struct verdict *v)
{
    for (int i = 0; i < v->n; i++) {
        const struct credit *c = &v->credits[i];
        strbuf_addf(b, "%s%s", b->len ? " " : "", c->metric);
        if (strcmp(c->filter, "none") != 0)
            strbuf_addf(b, "/%s", c->filter);
        strbuf_addf(b, " %.4g", c->value);
        if (c->weight != 1)
            strbuf_addf(b, ":%.4g", c->weight);
    }
    if (v->prediction)
        strbuf_addf(b, " > %s", v->prediction);
}

/* Queries as "context>continuation", then the right answer in brackets; or its scores. */
static int look(const char *path, const char *replies, struct strbuf *asked, struct strbuf *worth,
                struct err *e)
{
    struct task_opts o = {.shots = -1, .seed = 1234};
    struct reply_text r[MOST] = {{0}};
    struct task *t = NULL;
    struct item it = {0};
    struct verdict v = {.n = 0};
    char given[200];
    int rc = task_open(&t, path, &o, e);

    if (rc == 0)
        rc = task_item(t, 0, &it, e);
    for (int i = 0; i < it.n_queries && rc == 0; i++)
        strbuf_addf(asked, "%s>%s|", it.queries[i].context ? it.queries[i].context : "",
                    it.queries[i].continuation ? it.queries[i].continuation : "");
    if (rc == 0)
        strbuf_addf(asked, "[%d %s]", it.gold_index, it.gold ? it.gold : "");
    if (rc == 0 && replies) {
        snprintf(given, sizeof given, "%s", replies);
        read_replies(&it, given, r);
        rc = task_score(t, &it, r, &v, e);
        if (rc == 0)
            add_verdict(worth, &v);
    }
    verdict_release(&v);
    item_release(&it);
    task_close(t);
    return rc;
}

static const char *file_of(const char *yaml, const char *doc)
{
    struct strbuf b = STRBUF_INIT;

    data_put("d.jsonl", doc);
    strbuf_addf(&b, "task: t\ntest_split: test\ndataset_kwargs: {data_files: {test: d.jsonl}}\n%s",
                yaml);
    data_put("t.yaml", strbuf_str(&b));
    strbuf_release(&b);
    return data_path("t.yaml");
}

struct row {
    const char *yaml, *doc, *replies, *asked, *worth; /* asked NULL: worth is in the error */
};

static void holds(const struct row *r)
{
    const char *path = file_of(r->yaml, r->doc);
    struct strbuf asked = STRBUF_INIT, worth = STRBUF_INIT;
    struct err e = ERR_NONE;
    long live = mem_live();
    int rc = look(path, r->replies, &asked, &worth, &e);

    if (!r->asked) {
        if (rc == 0 || !strstr(e.text, r->worth))
            fail_msg("%s\n%s\nends with '%s', not '%s'", r->yaml, r->doc, e.text, r->worth);
    } else if (rc < 0 || strcmp(strbuf_str(&asked), r->asked) != 0 ||
               strcmp(strbuf_str(&worth), r->worth) != 0) {
        fail_msg("%s\n%s\nasks '%s', not '%s',\nis worth '%s', not '%s'; %s", r->yaml, r->doc,
                 strbuf_str(&asked), r->asked, strbuf_str(&worth), r->worth, e.text);
    }
    strbuf_release(&asked);
    strbuf_release(&worth);
    assert_int_equal(mem_live(), live);
}

#define EACH(rows)                                                                                 \
    for (size_t i_ = 0; i_ < sizeof(rows) / sizeof *(rows); i_++)                                  \
        holds(&(rows)[i_])

#define CHOICE                                                                                     \
    "output_type: multiple_choice\ndoc_to_text: \"{{q}}\"\ndoc_to_choice: c\ndoc_to_target: g\n"
#define METRICS(list) "metric_list: [" list "]\n"
#define M(name) "{metric: " name "}"
#define TWO(g) "{\"q\": \"Q\", \"c\": [\"a\", \"b\xc3\xa9z\"], \"g\": " g "}\n"
#define ASKED "Q> a|Q> b\xc3\xa9z|"
#define ALONE "> a|> b\xc3\xa9z|"

static void choices_are_credited_as_the_metrics_say(void **state)
{
    static const struct row rows[] = {
        {CHOICE, TWO("1"), "-2 -3", ASKED "[1 b\xc3\xa9z]", "acc 0 acc_norm 1 > a"},
        {CHOICE, TWO("0"), "-2 -3", ASKED "[0 a]", "acc 1 acc_norm 0 > a"},
        {CHOICE, TWO("\"a\""), "-2 -3", ASKED "[0 a]", "acc 1 acc_norm 0 > a"},
        {CHOICE, TWO("\"1\""), "-2 -3", ASKED "[-1 1]",
         "acc 0 acc_norm 0 > a"}, /* a column's text */
        {CHOICE, TWO("true"), "-2 -3", ASKED "[1 b\xc3\xa9z]", "acc 0 acc_norm 1 > a"},
        {CHOICE, TWO("false"), "-2 -3", ASKED "[0 a]", "acc 1 acc_norm 0 > a"},
        {CHOICE, TWO("7"), "-2 -3", ASKED "[-1 7]", "acc 0 acc_norm 0 > a"}, /* none of them */
        {CHOICE, TWO("-1"), "-2 -3", ASKED "[-1 -1]", "acc 0 acc_norm 0 > a"},
        {CHOICE, TWO("null"), "-2 -3", ASKED "[-1 None]", "acc 0 acc_norm 0 > a"},
        {CHOICE, TWO("[1, 0]"), "-2 -3", ASKED "[1 b\xc3\xa9z]", "acc 1 acc_norm 1 > a"},
        {CHOICE, TWO("[9, \"a\"]"), "-2 -3", ASKED "[-1 9]", "acc 1 acc_norm 0 > a"},
        {CHOICE METRICS(M("acc_bytes")), TWO("1"), "-2 -7", ASKED "[1 b\xc3\xa9z]",
         "acc_bytes 1 > a"},
        {CHOICE METRICS(M("acc_norm")), TWO("1"), "-2 -7", ASKED "[1 b\xc3\xa9z]",
         "acc_norm 0 > a"},
        {CHOICE METRICS(M("acc") ", " M("acc_mutual_info")), TWO("1"), "-2 -3 -1 -4",
         ASKED ALONE "[1 b\xc3\xa9z]", "acc 0 acc_mutual_info 1 > a"},
        {CHOICE METRICS(M("acc_mutual_info")), TWO("1"), "-2 -3 -2 -3",
         ASKED ALONE "[1 b\xc3\xa9z]", "acc_mutual_info 0 > a"},
        {CHOICE METRICS(M("exact_match") ", " M("brier_score")), TWO("1"), "-2 -3g",
         ASKED "[1 b\xc3\xa9z]", "exact_match 1 brier_score 1.069 > a"},
        {CHOICE METRICS(M("exact_match")), TWO("1"), "-2g -3", ASKED "[1 b\xc3\xa9z]",
         "exact_match 0 > a"},
        {CHOICE METRICS(M("f1") ", " M("mcc")), TWO("0"), "-3 -2", ASKED "[0 a]",
         "f1 1:0 mcc 1:0 > b\xc3\xa9z"},
        {CHOICE "target_delimiter: \": \"\ngen_prefix: \"So\"\n", TWO("0"), "-2 -3",
         "Q: So>: a|Q: So>: b\xc3\xa9z|[0 a]", "acc 1 acc_norm 0 > a"},
        {"output_type: multiple_choice\ndoc_to_text: n\ndoc_to_choice: c\ndoc_to_target: end\n",
         "{\"n\": 1, \"c\": [\"The cat\", \"The dog\"], \"end\": \"sat\"}\n", "-2 -1",
         "The cat> sat|The dog> sat|[1 The dog]", "acc 1 acc_norm 1 > The dog"},
        {CHOICE, "{\"q\": \"Q\", \"c\": [], \"g\": 0}\n", NULL, NULL, "a list of texts is needed"},
        {CHOICE, "{\"q\": \"Q\", \"c\": [1], \"g\": 0}\n", NULL, NULL, "a list of texts is needed"},
        {CHOICE, "{\"q\": \"Q\", \"c\": \"ab\", \"g\": 0}\n", NULL, NULL,
         "a list of texts is needed"},
        {CHOICE, "{\"q\": \"Q\", \"g\": 0}\n", NULL, NULL, "c"},
        {CHOICE, "\n", NULL, NULL, "d.jsonl"},
        {CHOICE, "[1]\n", NULL, NULL, "d.jsonl"},
    };
    (void)state;
    EACH(rows);
}

#define SAY "output_type: generate_until\ndoc_to_text: \"{{q}}\"\ndoc_to_target: a\n"
#define ANSWER(a) "{\"q\": \"Q\", \"a\": " a "}\n"
#define FILTER(name, steps) "  - {name: " name ", filter: [" steps "]}\n"

static void generated_texts_are_credited_as_the_metrics_say(void **state)
{
    static const struct row rows[] = {
        {SAY, ANSWER("\"yes\""), "yes", "Q>|[-1 yes]", "exact_match 1 > yes"},
        {SAY, ANSWER("\"yes\""), "Yes", "Q>|[-1 yes]", "exact_match 0 > Yes"},
        {SAY METRICS("{metric: exact_match, ignore_case: true, ignore_punctuation: true}"),
         ANSWER("\"yes!\""), "Yes.", "Q>|[-1 yes!]", "exact_match 1 > Yes."},
        {SAY METRICS("{metric: exact_match, ignore_numbers: true}"), ANSWER("\"a1\""), "a2",
         "Q>|[-1 a1]", "exact_match 1 > a2"},
        {SAY METRICS("{metric: exact_match, regexes_to_ignore: [\"[,$]\", \"x+\"]}"),
         ANSWER("\"$1,000\""), "xx1000", "Q>|[-1 $1,000]", "exact_match 1 > xx1000"},
        {SAY, ANSWER("7"), "7", "Q>|[-1 7]", "exact_match 1 > 7"}, /* compared as a text */
        {SAY, ANSWER("[\"no\", 7, \"yes\"]"), "yes", "Q>|[-1 no]", "exact_match 1 > yes"},
        {SAY, ANSWER("[\"no\", \"nay\"]"), "yes", "Q>|[-1 no]", "exact_match 0 > yes"},
        {SAY "doc_to_choice: [\"no\", \"yes\"]\n", ANSWER("1"), "yes", "Q>|[1 yes]",
         "exact_match 1 > yes"},
        {SAY "doc_to_choice: [\"no\", \"yes\"]\n", ANSWER("0"), "yes", "Q>|[0 no]",
         "exact_match 0 > yes"},
        {SAY "doc_to_choice: [\"no\", \"yes\"]\n", ANSWER("5"), "5", "Q>|[-1 5]",
         "exact_match 0 > 5"},
        {SAY "repeats: 3\nfilter_list:\n" FILTER("vote", "{function: majority_vote}, "
         "{function: take_first}") FILTER("first", "{function: take_first}"),
         ANSWER("\"b\""), "a|b|b", "Q>|Q>|Q>|[-1 b]",
         "exact_match/vote 1 exact_match/first 0 > a"},
        {SAY "filter_list:\n" FILTER("re", "{function: regex, regex_pattern: \"#(\\\\d+)\"}, "
         "{function: take_first}"), ANSWER("\"12\""), "so #12.", "Q>|[-1 12]",
         "exact_match/re 1 > 12"},
        {SAY "filter_list:\n" FILTER("re", "{function: regex, regex_pattern: \"#(\\\\d+)\"}, "
         "{function: take_first}"), ANSWER("\"12\""), "so 12.", "Q>|[-1 12]",
         "exact_match/re 0 > [invalid]"},
        {SAY METRICS(M("bleu")), ANSWER("[\"a\", \"b\"]"), "a", NULL,
         "a metric of translations with several references"},
        {SAY "doc_to_choice: [the cat, the dog]\n" METRICS(M("ter")), ANSWER("0"), "the cat",
         "Q>|[0 the cat]", "ter 0:2 > the cat"},
        {SAY "generation_kwargs: {until: [a, [b]]}\n", ANSWER("\"a\""), NULL, NULL,
         "until: a text is needed"},
        {SAY "generation_kwargs: {max_gen_toks: 0}\n", ANSWER("\"a\""), NULL, NULL,
         "max_gen_toks: 1 to 1048576"},
        {SAY "generation_kwargs: {max_new_tokens: few}\n", ANSWER("\"a\""), NULL, NULL,
         "max_gen_toks: 1 to 1048576"},
        {SAY "generation_kwargs: {temperature: -1}\n", ANSWER("\"a\""), NULL, NULL,
         "temperature: 0 to 100"},
        {SAY "generation_kwargs: {top_p: 1.5}\n", ANSWER("\"a\""), NULL, NULL, "top_p: 0 to 1"},
        {SAY "generation_kwargs: {temperature: hot}\n", ANSWER("\"a\""), NULL, NULL,
         "temperature: 0 to 100"},
        {SAY "repeats: 0\n", ANSWER("\"a\""), NULL, NULL, "repeats: 1 to"},
        {SAY "num_fewshot: -1\n", ANSWER("\"a\""), NULL, NULL, "num_fewshot: 0 to"},
        {SAY "num_fewshot: 1\n", ANSWER("\"a\""), NULL, "Q a\n\nQ>|[-1 a]", ""}, /* itself */
        {SAY "num_fewshot: 1\nfewshot_split: test\n", ANSWER("\"a\""), NULL, NULL,
         "1 shots need 2 examples, and there are 1"},
        {SAY "process_results: twice\n", ANSWER("\"a\""), NULL, NULL,
         "process_results: a !function is needed"},
    };
    (void)state;
    EACH(rows);
}

static void likelihoods_are_credited_as_the_metrics_say(void **state)
{
#define PAIR "output_type: loglikelihood\ndoc_to_text: \"{{q}}\"\ndoc_to_target: \" {{a}}\"\n"
#define TEXT "output_type: loglikelihood_rolling\ndoc_to_target: a\n"
    static const struct row rows[] = {
        {PAIR, ANSWER("\"x\""), "-1.5g", "Q> x|[-1  x]", "perplexity -1.5 acc 1"},
        {PAIR, ANSWER("\"x\""), "-1.5", "Q> x|[-1  x]", "perplexity -1.5 acc 0"},
        {PAIR METRICS(M("acc")), ANSWER("\"x\""), "-1.5g", "Q> x|[-1  x]", "acc 1"},
        {PAIR METRICS(M("perplexity")), ANSWER("\"x\""), "-2", "Q> x|[-1  x]", "perplexity -2"},
        {TEXT, ANSWER("\"two w\xc3\xb6rds\""), "-4", ">two w\xc3\xb6rds|[-1 ]",
         "word_perplexity -4:2 byte_perplexity -4:10 bits_per_byte -4:10"},
        {TEXT METRICS(M("byte_perplexity")), ANSWER("\"two\""), "-4", ">two|[-1 ]",
         "byte_perplexity -4:3"},
        {TEXT METRICS(M("word_perplexity")), ANSWER("\"a b c\""), "-4", ">a b c|[-1 ]",
         "word_perplexity -4:3"},
        {TEXT METRICS(M("bits_per_byte")), ANSWER("\"two\""), "-4", ">two|[-1 ]",
         "bits_per_byte -4:3"},
        {TEXT METRICS(M("acc")), ANSWER("\"two\""), "-4", ">two|[-1 ]",
         ""}, /* left out, as there */
        {SAY METRICS(M("acc")), ANSWER("\"two\""), "two", NULL,
         "the metric 'acc' is not native here"},
        {PAIR, ANSWER("\"x\""), "nan", NULL, "nan"},
        {"output_type: frob\n", ANSWER("\"x\""), NULL, NULL, "frob"},
        {"output_type: loglikelihood\ndoc_to_text: q\n", ANSWER("\"x\""), NULL, NULL,
         "doc_to_target is missing"},
        {"output_type: loglikelihood\ndoc_to_target: q\n", ANSWER("\"x\""), NULL, NULL,
         "doc_to_text is missing"},
        {"output_type: multiple_choice\ndoc_to_text: q\ndoc_to_target: a\n", ANSWER("\"x\""), NULL,
         NULL, "doc_to_choice is missing"},
    };
    (void)state;
    EACH(rows);
}

#define POOL "fewshot_config: {samples: [{q: S1, a: x1}, {q: S2, a: x2}]"

static void examples_are_shown_as_their_options_say(void **state)
{
    static const struct row rows[] = {
        {SAY "num_fewshot: 2\n" POOL ", sampler: first_n}\n", ANSWER("\"a\""), NULL,
         "S1 x1\n\nS2 x2\n\nQ>|[-1 a]", ""},
        {SAY "num_fewshot: 1\n" POOL ", sampler: first_n, target_delimiter: \"=\", "
         "fewshot_delimiter: \"; \"}\n", ANSWER("\"a\""), NULL, "S1=x1; Q>|[-1 a]", ""},
        {SAY "num_fewshot: 1\n" POOL ", sampler: first_n, doc_to_text: \"<{{q}}>\", "
         "doc_to_target: \"{{a}}!\"}\n", ANSWER("\"a\""), NULL, "<S1> x1!\n\nQ>|[-1 a]", ""},
        {SAY "description: \"Do: \"\nnum_fewshot: 1\n" POOL ", sampler: first_n}\n",
         ANSWER("\"a\""), NULL, "Do: S1 x1\n\nQ>|[-1 a]", ""},
        {SAY "num_fewshot: 0\n" POOL "}\n", ANSWER("\"a\""), NULL, "Q>|[-1 a]", ""},
        {SAY "num_fewshot: 5\n" POOL "}\n", ANSWER("\"a\""), NULL, NULL,
         "5 shots need 5 examples, and there are 2"},
        {SAY POOL ", sampler: frob}\n", ANSWER("\"a\""), NULL, NULL,
         "no sampler is called 'frob': default, first_n"},
        {SAY POOL ", frob: 1}\n", ANSWER("\"a\""), NULL, NULL,
         "fewshot_config has no option 'frob'"},
        {SAY "fewshot_config: {samples: many}\n", ANSWER("\"a\""), NULL, NULL,
         "samples: a list of documents is needed"},
        {SAY "num_fewshot: 1\nfewshot_config: {samples: null, split: none}\n", ANSWER("\"a\""),
         NULL,
         NULL, "none"},
    };
    (void)state;
    EACH(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_are_credited_as_the_metrics_say),
        cmocka_unit_test(generated_texts_are_credited_as_the_metrics_say),
        cmocka_unit_test(likelihoods_are_credited_as_the_metrics_say),
        cmocka_unit_test(examples_are_shown_as_their_options_say),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, NULL, data_folder_gone);
}
