/* Each metric over 10,000 documents is lm-eval's (0.4.11: process_results, then the aggregation of
 * the task file's metric_list), on documents and replies made from a seed; standard errors of
 * perplexity, F1 and Matthews' coefficient are those of its bootstrap with 2,000 replicates. */
#include "tests/test.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "harness/aggregate.h"
#include "tasks/task.h"
#include "tests/lmeval_cases.h"

enum { DOCS = 10000, REPLIES = 8 };
#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

struct data { /* documents as JSON lines, and what a model says to each */
    struct strbuf docs;
    struct reply_text (*replies)[REPLIES];
    char (*texts)[16];
    int n;
};

typedef void maker(struct data *d, int i, struct cases *c);

static void put_pieces(char *out, struct cases *c, const char *const *of, int n_of, int n)
{
    for (*out = 0; n > 0; n--)
        strcat(out, of[cases_below(c, n_of)]);
}

static void choices(struct data *d, int i, struct cases *c, int n, int n_replies)
{
    static const char *const words[] = {"a", "Bee", "ü", "一二", "two words", "x", "", "É.", "1,0"};
    struct json_out o = JSON_OUT(&d->docs);

    json_begin_object(&o, NULL);
    json_put_str(&o, "q", "Q");
    json_begin_array(&o, "c");
    for (int k = 0; k < n; k++) {
        char text[32];
        snprintf(text, sizeof text, "%s%d", words[cases_below(c, LENGTH(words))], k);
        json_put_str(&o, NULL, text);
    }
    json_end_array(&o);
    json_put_int(&o, "label", cases_below(c, n));
    json_end_object(&o);
    for (int k = 0; k < n_replies; k++)
        d->replies[i][k] = (struct reply_text){.loglikelihood = -cases_below(c, 4096) / 64.0};
}

static void four_choices(struct data *d, int i, struct cases *c)
{
    choices(d, i, c, 4, 8);
}

/* Whether each choice is the greedy continuation, too. */
static void greedy_choices(struct data *d, int i, struct cases *c)
{
    choices(d, i, c, 4, 4);
    for (int k = 0; k < 4; k++)
        d->replies[i][k].is_greedy = cases_below(c, 2);
}

static void two_choices(struct data *d, int i, struct cases *c)
{
    choices(d, i, c, 2, 2);
}

static void put_pair(struct data *d, const char *target)
{
    struct json_out o = JSON_OUT(&d->docs);

    json_begin_object(&o, NULL);
    json_put_str(&o, "q", "Q");
    json_put_str(&o, "t", target);
    json_end_object(&o);
}

static void short_texts(struct data *d, int i, struct cases *c)
{
    static const char *const of[] = {"a", "The", "the", "An", "apple.", "Apple", "3",
                                     "30", "!", "-", "é", "É", " ", "b,"};
    char want[16];
    int n = 1 + cases_below(c, 2);

    put_pieces(want, c, of, LENGTH(of), n);
    put_pair(d, want);
    n = 1 + cases_below(c, 2);
    put_pieces(d->texts[i], c, of, LENGTH(of), n);
    d->replies[i][0] = (struct reply_text){.text = d->texts[i]};
}

static void pages(struct data *d, int i, struct cases *c)
{
    static const char *const of[] = {"word", "two", " ", "\n", "ü", "一", "  ", "\t", "end."};
    struct json_out o = JSON_OUT(&d->docs);
    char page[64] = "x";
    int n = cases_below(c, 12);

    put_pieces(page + 1, c, of, LENGTH(of), n);
    json_begin_object(&o, NULL);
    json_put_str(&o, "p", page);
    json_end_object(&o);
    d->replies[i][0] = (struct reply_text){.loglikelihood = -cases_below(c, 1 << 20) / 1024.0};
}

static void last_words(struct data *d, int i, struct cases *c)
{
    put_pair(d, "t");
    d->replies[i][0].loglikelihood = -cases_below(c, 4096) / 1024.0;
    d->replies[i][0].is_greedy = cases_below(c, 2);
}

/* --- the files ---------------------------------------------------------------------------- */

#define CHOICE "output_type: multiple_choice\ndoc_to_text: '{{q}}'\ndoc_to_choice: '{{c}}'\n"         \
               "doc_to_target: label\nmetric_list:\n"
#define SAME "output_type: generate_until\ndoc_to_text: '{{q}}'\ndoc_to_target: '{{t}}'\n"            \
             "generation_kwargs:\n  until: [\"\\n\"]\nmetric_list:\n  - metric: exact_match\n"
#define LAST "output_type: loglikelihood\ndoc_to_text: '{{q}}'\ndoc_to_target: '{{t}}'\nmetric_list:\n" \
             "  - metric: perplexity\n    aggregation: perplexity\n  - metric: acc\n"

static const struct expected {
    const char *yaml;
    maker *make;
    uint64_t seed;
    int docs;
    struct {
        const char *metric;
        double value, stderr_; /* 0: not compared */
    } want[4];
} rows[] = {
    {CHOICE "  - metric: acc\n  - metric: acc_norm\n  - metric: acc_mutual_info\n"
            "  - metric: brier_score\n", four_choices, 11, DOCS,
     {{"acc", 0.2595, 0}, {"acc_norm", 0.265, 0}, {"acc_mutual_info", 0.2627, 0},
      {"brier_score", 1.42105979002222, 0}}},
    {CHOICE "  - metric: acc\n  - metric: f1\n  - metric: mcc\n", two_choices, 12, DOCS,
     {{"acc", 0.5051, 0}, {"f1", 0.509562976910118, 0}, {"mcc", 0.010166125946317989, 0}}},
    {CHOICE "  - metric: acc\n  - metric: acc_bytes\n  - metric: exact_match\n", greedy_choices, 13, DOCS,
     {{"acc", 0.2542, 0.0043543233703074126}, {"acc_bytes", 0.2473, 0.004314641655254822},
      {"exact_match", 0.5014, 0.005000230417733239}}},
    {CHOICE "  - metric: f1\n  - metric: mcc\n", two_choices, 14, 100,
     {{"f1", 0.43478260869565216, 0.06638111572744966},
      {"mcc", -0.04052204492365539, 0.1006178234938821}}},
    {SAME "    ignore_case: true\n", short_texts, 20, DOCS, {{"exact_match", 0.0259, 0}}},
    {SAME "    ignore_punctuation: true\n", short_texts, 21, DOCS, {{"exact_match", 0.0355, 0}}},
    {SAME "    ignore_numbers: true\n", short_texts, 22, DOCS, {{"exact_match", 0.0347, 0}}},
    {SAME "    ignore_case: true\n    ignore_punctuation: true\n    regexes_to_ignore:\n"
          "      - 'the'\n      - '[,.]'\n", short_texts, 23, DOCS, {{"exact_match", 0.0551, 0}}},
    {SAME "    ignore_numbers: true\n    ignore_case: true\n", short_texts, 24, DOCS,
     {{"exact_match", 0.0465, 0}}},
    {SAME, short_texts, 25, DOCS, {{"exact_match", 0.0193, 0}}},
    {"output_type: loglikelihood_rolling\ndoc_to_text: ''\ndoc_to_target: '{{p}}'\nmetric_list:\n"
     "  - metric: word_perplexity\n  - metric: byte_perplexity\n  - metric: bits_per_byte\n",
     pages, 30, DOCS,
     {{"word_perplexity", 9.245130357771703e+86, 0}, {"byte_perplexity", 9587313017242128.0, 0},
      {"bits_per_byte", 53.09004795910952, 0}}},
    {LAST, last_words, 31, DOCS, {{"perplexity", 7.288554736152276, 0}, {"acc", 0.5021, 0}}},
    {LAST, last_words, 31, 50,
     {{"perplexity", 6.672327502781057, 1.2051791101166298}, {"acc", 0.56, 0.07091242083423345}}},
};

/* Items are answered in the order of the file, then every metric is aggregated. */
static void answer_all(const struct task *t, const struct data *d, struct series_set *set)
{
    struct err e = ERR_NONE;

    assert_int_equal(task_count(t), d->n);
    for (int i = 0; i < d->n; i++) {
        struct item it;
        struct verdict v;
        if (task_item(t, i, &it, &e) < 0 || task_score(t, &it, d->replies[i], &v, &e) < 0)
            fail_msg("%s", e.text);
        for (int k = 0; k < v.n; k++)
            assert_int_equal(series_add(set, v.credits[k].metric, v.credits[k].filter,
                                        v.credits[k].value, v.credits[k].weight, &e), 0);
        verdict_release(&v);
        item_release(&it);
    }
}

static void compare_all(const struct task *t, const struct series_set *set,
                        const struct expected *row)
{
    for (int k = 0; k < LENGTH(row->want) && row->want[k].metric; k++) {
        const char *metric = row->want[k].metric;
        struct estimate got;
        size_t s = 0;
        while (s < set->n && strcmp(set->s[s].metric, metric) != 0)
            s++;
        if (s == set->n)
            fail_msg("no %s", metric);
        assert_int_equal(aggregate(task_aggregation(t, metric), set->s[s].v, set->s[s].w,
                                   set->s[s].n, 2000, &got, NULL), 0);
        assert_close(got.value, row->want[k].value, 1e-11);
        if (row->want[k].stderr_ != 0)
            assert_close(got.stderr_, row->want[k].stderr_, 1e-9);
    }
}

static void check_row(const struct expected *row, const char *dir)
{
    struct task_opts o = {.shots = -1, .seed = 1234};
    struct cases c = {row->seed};
    struct data d = {.n = row->docs};
    struct series_set set = {0};
    struct strbuf yaml = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct task *t;
    char path[128];

    d.replies = calloc((size_t)d.n, sizeof *d.replies);
    d.texts = calloc((size_t)d.n, sizeof *d.texts);
    assert_non_null(d.replies);
    assert_non_null(d.texts);
    for (int i = 0; i < d.n; i++) {
        row->make(&d, i, &c);
        strbuf_addc(&d.docs, '\n');
    }
    snprintf(path, sizeof path, "%s/t.jsonl", dir);
    assert_int_equal(file_write(path, d.docs.s, d.docs.len, NULL), 0);
    strbuf_addf(&yaml, "task: t\ntest_split: test\ndataset_kwargs: {data_files: {test: %s}}\n%s", path,
                row->yaml);
    snprintf(path, sizeof path, "%s/t.yaml", dir);
    assert_int_equal(file_write(path, yaml.s, yaml.len, NULL), 0);
    if (task_open(&t, path, &o, &e) < 0)
        fail_msg("%s", e.text);
    answer_all(t, &d, &set);
    compare_all(t, &set, row);
    task_close(t);
    series_release(&set);
    strbuf_release(&yaml);
    strbuf_release(&d.docs);
    free(d.replies);
    free(d.texts);
}

static void every_metric_is_lm_evals_on_random_inputs(void **state)
{
    char dir[] = "/tmp/densimeter-metrics-XXXXXX", path[64];
    (void)state;
    assert_non_null(mkdtemp(dir));
    for (int i = 0; i < LENGTH(rows); i++)
        check_row(&rows[i], dir);
    snprintf(path, sizeof path, "%s/t.jsonl", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/t.yaml", dir);
    unlink(path);
    rmdir(dir);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_metric_is_lm_evals_on_random_inputs),
    };
    return RUN(tests);
}
