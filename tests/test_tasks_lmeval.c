/* Tasks against lm-evaluation-harness 0.4.11 over all of their documents.
 *
 * The rows were made by loading each task's YAML into lm-eval's own ConfigurableTask with the data
 * files of ../shared/data put in place of the hub's, and letting it build every request, filter and
 * credit made-up replies (reply_to below; log-likelihoods -((7 doc + 13 choice) mod 97) / 8).  What
 * is kept: how many documents, the SHA-256 of each document's requests and gold answer one after
 * another, and the sum of the credits. */
#include "tests/test.h"

#include "base/mem.h"
#include "base/sha256.h"
#include "base/strbuf.h"
#include "tasks/math.h"
#include "tasks/task.h"

static struct task *open_shared(const char *name)
{
    static char data[4096];
    static const char *const dirs[] = {data};
    struct task_opts o = {.data_dirs = dirs, .n_data_dirs = 1, .shots = -1, .seed = 1234};
    struct err e = ERR_NONE;
    struct task *t = NULL;

    snprintf(data, sizeof data, "%s", shared_path("data"));
    if (task_open(&t, name, &o, &e) < 0)
        fail_msg("%s", e.text);
    return t;
}

struct expected {
    const char *task;
    int n;
    const char *sha256;
    double credits;
};

static void bbh_reply(struct strbuf *b, int doc, const char *gold)
{
    static const char *const around[6][2] = {
        {" So the answer is ", "."}, {"", ""}, {" ", ""},
        {"the answer is ", ". The answer is no."}, {"So the answer is ", ""}, {"", ""},
    };

    strbuf_clear(b);
    if (doc % 6 == 5)
        strbuf_adds(b, "I do not know");
    else
        strbuf_addf(b, "%s%s%s", around[doc % 6][0], gold, around[doc % 6][1]);
}

static void math_reply(struct strbuf *b, int doc, const char *gold)
{
    static const char *const around[6][2] = {
        {"$", "$"}, {"It is $x$ or so $", "$."}, {" ", ""}, {"", ""}, {"", ""}, {"$\\left(", ""},
    };

    strbuf_clear(b);
    if (doc % 6 == 3)
        py_replace(b, gold, strlen(gold), "\\frac", "\\dfrac");
    else if (doc % 6 == 4)
        strbuf_adds(b, "0");
    else
        strbuf_addf(b, "%s%s%s", around[doc % 6][0], gold, around[doc % 6][1]);
}

static double credit(const struct task *t, const struct item *it,
                     void (*reply_to)(struct strbuf *, int, const char *))
{
    struct reply_text replies[32] = {{0}};
    struct strbuf b = STRBUF_INIT;
    struct verdict v;
    double sum = 0;

    assert_true(it->n_queries <= 32);
    if (reply_to)
        reply_to(&b, it->doc_id, it->gold);
    for (int i = 0; i < it->n_queries; i++)
        replies[i] = (struct reply_text){
            .loglikelihood = -((it->doc_id * 7 + i * 13) % 97) / 8.0, .text = strbuf_str(&b)};
    assert_int_equal(task_score(t, it, replies, &v, NULL), 0);
    for (int i = 0; i < v.n; i++)
        sum += v.credits[i].value;
    verdict_release(&v);
    strbuf_release(&b);
    return sum;
}

static void check(const struct expected *want, size_t n_rows,
                  void (*reply_to)(struct strbuf *, int, const char *))
{
    for (size_t r = 0; r < n_rows; r++) {
        struct task *t = open_shared(want[r].task);
        struct strbuf all = STRBUF_INIT;
        char hex[SHA256_HEX];
        double sum = 0;
        assert_int_equal(task_count(t), want[r].n);
        for (int i = 0; i < want[r].n; i++) {
            struct item it;
            assert_int_equal(task_item(t, i, &it, NULL), 0);
            strbuf_addf(&all, "%s\n%s\n", it.prompt_hash, it.gold);
            sum += credit(t, &it, reply_to);
            item_release(&it);
        }
        assert_int_equal(sha256_bytes(hex, all.s, all.len, NULL), 0);
        if (strcmp(hex, want[r].sha256) != 0)
            fail_msg("%s: requests are %s, lm-eval's are %s", want[r].task, hex, want[r].sha256);
        if (fabs(sum - want[r].credits) > 1e-9)
            fail_msg("%s: credits %.12f, lm-eval's %.12f", want[r].task, sum, want[r].credits);
        strbuf_release(&all);
        task_close(t);
    }
    assert_int_equal(mem_live(), 0);
}

static void truthfulqa_is_asked_and_credited_as_lm_eval_does(void **state)
{
    static const struct expected rows[] = {
        {"truthfulqa_mc1", 817,
         "3f04cfdab24edb878fc6e462fc8aa74ce917f0c1d6bef263fa7ebe4faedfeb73", 367.0},
        {"truthfulqa_mc2", 817,
         "a35af9633b905cdcaffac325931243de216d0eba39b1904e524b629d83db5450", 421.5577456047046},
    };
    (void)state;
    check(rows, sizeof rows / sizeof rows[0], NULL);
}

static void math500_is_asked_and_credited_as_lm_eval_does(void **state)
{
    static const struct expected rows[] = {
        {"hendrycks_math500", 500,
         "b2135a662038dcd601e75071fa0de56b772248f88f9de8449f45ae8b89690d84", 252.0},
    };
    (void)state;
    check(rows, sizeof rows / sizeof rows[0], math_reply);
}

static void bbh_is_asked_and_credited_as_lm_eval_does(void **state)
{
    static const struct expected rows[] = {
        {"bbh_fewshot_boolean_expressions", 250,
         "86bdad54bc914bd143884fa0d771cb29b3db9f2a3bcd4852a312ad5404996b9e", 42.0},
        {"bbh_fewshot_causal_judgement", 187,
         "6a929034952732107c6354fc30f9b05313a16a59c0f597950c8d2aae8177b982", 31.0},
        {"bbh_fewshot_date_understanding", 250,
         "9ca7191fe1f23d3bd9b5ab671daceb9bcc714c42db1da6a00bba7d7c0585c60c", 42.0},
        {"bbh_fewshot_disambiguation_qa", 250,
         "91414329dd8598a0e84f680d5ee2b9f3b25f24e2be64a46465606cea37099e6d", 42.0},
        {"bbh_fewshot_dyck_languages", 250,
         "4a135f7f04e122e715aa975c75bcb6065db32a398bf794df601ea0870ed6f65f", 42.0},
        {"bbh_fewshot_formal_fallacies", 250,
         "7f2eb6ecc81a748b137269b0189a0b755d669b74eccb4a827e75e700f84879da", 42.0},
        {"bbh_fewshot_geometric_shapes", 250,
         "93b96553235495dc943b56611c83fab66397841ddd1956a1d67338816351381f", 42.0},
        {"bbh_fewshot_hyperbaton", 250,
         "b20cd587060211fc27287e6513ab0e4f95aed2cc42dd8d8e2c896faadc6a202c", 42.0},
        {"bbh_fewshot_logical_deduction_five_objects", 250,
         "23ff592cba1408b2bd42405dcf6e3da0d3b3873e3e77e796be09cff0313e71d4", 42.0},
        {"bbh_fewshot_logical_deduction_seven_objects", 250,
         "5dfd3fe176cb68e96af78531a777e9e673ebe5d5ea89968d2c352c91e28ebe41", 42.0},
        {"bbh_fewshot_logical_deduction_three_objects", 250,
         "c0da60836d5bc1cc7531b044729b3e37065fe6d471a5a418955137c743153415", 42.0},
        {"bbh_fewshot_movie_recommendation", 250,
         "790229ac8d72495500240e4bb8c37e5674a071894de3f746dc60c18f67c19478", 42.0},
        {"bbh_fewshot_multistep_arithmetic_two", 250,
         "4bf4c0971a12893d380b58e3c843947daea62fe3a1381c010e64bcc622f4671e", 42.0},
        {"bbh_fewshot_navigate", 250,
         "a731bcd2360e348f7ff7bc1491476b93fbc84d7548e2c02a4c42fcb20a5b6543", 42.0},
        {"bbh_fewshot_object_counting", 250,
         "2b7db241935bec2429cdea896678b935ac74e5c36d9398e6905b26cbc54a889d", 42.0},
        {"bbh_fewshot_penguins_in_a_table", 146,
         "c1538ddce72a0b7d8808f60437f4aa06e3b0f61b231b6a7d3f5b06349dbf5639", 25.0},
        {"bbh_fewshot_reasoning_about_colored_objects", 250,
         "4af3b32966d9a7fa9e7271f71790731c5aefa31f7457e7c6755786fdd768e926", 42.0},
        {"bbh_fewshot_ruin_names", 250,
         "eabe57fcc011fadc7323d4d534daef2627f7b0fcdc92b46b2f6f4ccde6f22185", 42.0},
        {"bbh_fewshot_salient_translation_error_detection", 250,
         "31e9a867f5a6004e100384186e67ac93342e60f0349ccde89b77541ee2ee03fd", 42.0},
        {"bbh_fewshot_snarks", 178,
         "2b0c9c0eb64b8f11509e38fe8b07fd48aa285b97c7d6651e9e94465fa755b00f", 30.0},
        {"bbh_fewshot_sports_understanding", 250,
         "57dbce5fa62e64cc5946e4bdc98b841f994e8d3f52debc9de51927e5ba822852", 42.0},
        {"bbh_fewshot_temporal_sequences", 250,
         "a1189d69c05a63f2e236bef9a54cefaa0a86bc62c0a2cd8e8ed3aeb9f597b672", 42.0},
        {"bbh_fewshot_tracking_shuffled_objects_five_objects", 250,
         "23540e50610deb68c70c1d4584d7f1aecd605d294bb4aba906ee2469f722dce3", 42.0},
        {"bbh_fewshot_tracking_shuffled_objects_seven_objects", 250,
         "0b9aa6127f8db37742b268607339adb10d7a5caa721640fad3671ff8193d06d8", 42.0},
        {"bbh_fewshot_tracking_shuffled_objects_three_objects", 250,
         "fa01af402fa8185bc275818652159c1d3b94f67131f38d9103b625367865702d", 42.0},
        {"bbh_fewshot_web_of_lies", 250,
         "3838aeb1582416d7f87959cf18e14be01813dfcf06a05b4186645686fbcb89ce", 42.0},
        {"bbh_fewshot_word_sorting", 250,
         "889ec0a5519a476951bd1a92b47bb445aa54504d47f3adca70d4afa43de77c3b", 42.0},
        {"bbh_cot_fewshot_boolean_expressions", 250,
         "0f7883d6436a5913b16c0ae8741b2ba63499340ebe59b7ee2be65eab807254bd", 42.0},
        {"bbh_cot_fewshot_causal_judgement", 187,
         "f4b8661e6eed3d232795a3c73873ebd74dc06ab17f65584262af353132b651e9", 32.0},
        {"bbh_cot_fewshot_date_understanding", 250,
         "ea075f48bc2ac2399cec9ea64d9095c7bb2d59e72c435a74d5da21001594ce25", 42.0},
        {"bbh_cot_fewshot_disambiguation_qa", 250,
         "83889ab34d401a1adbb5e0114515c9ed1baf52b0f3e8d066221374add465e7ac", 42.0},
        {"bbh_cot_fewshot_dyck_languages", 250,
         "4c7d82a3ea67592e0f66c9ca72a25221bfb533d4f0010cfe253741232bfb8eea", 42.0},
        {"bbh_cot_fewshot_formal_fallacies", 250,
         "e3a63901d6ddca4c17602a4263c6590c27d77c222604a0c55f37afcdaacd4e12", 42.0},
        {"bbh_cot_fewshot_geometric_shapes", 250,
         "e09bee2fbf07b6ce7df6dc34349dd797cdf81f05ef3f47d004de59e3695cd816", 42.0},
        {"bbh_cot_fewshot_hyperbaton", 250,
         "236fdde81a26fc0b71aa77cbc1ced02ba508c47378ec28dcfde390bf97451559", 42.0},
        {"bbh_cot_fewshot_logical_deduction_five_objects", 250,
         "e3a403e37fb06afd27bc81efd7f6188c42129dac78c131a56641270c0a9572fa", 42.0},
        {"bbh_cot_fewshot_logical_deduction_seven_objects", 250,
         "4584bb0f3e749362f77106b448cee3ca7bb87113ee6633f0d598c1367e04745c", 42.0},
        {"bbh_cot_fewshot_logical_deduction_three_objects", 250,
         "03b9efac66855e238b7fea4753291d419d10efeecc1612d355e0d69b90264ef6", 42.0},
        {"bbh_cot_fewshot_movie_recommendation", 250,
         "b045ead514eb6de2b317d97f7f210d3e31244c06fe74e6e190a76d70ae48619b", 42.0},
        {"bbh_cot_fewshot_multistep_arithmetic_two", 250,
         "24d4f1ca5eed834b0266378f5b75913ba01f1ec8f94e50067b6d26938c60d115", 42.0},
        {"bbh_cot_fewshot_navigate", 250,
         "df577aefb49c1aaea8f1357c379beefe72a13e8b12dccf365fc4caf99c2175ae", 42.0},
        {"bbh_cot_fewshot_object_counting", 250,
         "79f14489dedec17b13dd8877f9740f720c7a9446161aeba47c579ee11814d6f4", 42.0},
        {"bbh_cot_fewshot_penguins_in_a_table", 146,
         "f6b670ec68687d591e43d71e75b8ed7cc7729211c8368cacfd422ba729c10e68", 25.0},
        {"bbh_cot_fewshot_reasoning_about_colored_objects", 250,
         "c04feec9be76bda22a3ec6f7345177e99d0d3108fce4f952bcaf5d4672280869", 42.0},
        {"bbh_cot_fewshot_ruin_names", 250,
         "1456854da791f412ad48f72ed9a45a7bffdc6580a33069d2bb377f35da85ee59", 42.0},
        {"bbh_cot_fewshot_salient_translation_error_detection", 250,
         "438e97ef4aa7080633ac24a07d31b544ecffe95654ccd1146723b994b84a3a06", 42.0},
        {"bbh_cot_fewshot_snarks", 178,
         "551eaadf71200e5a637ac123c6a67ae2480622d51b3f11e70e1be55546c483bd", 30.0},
        {"bbh_cot_fewshot_sports_understanding", 250,
         "4e938b3cff49920f09417d7c69ef1b560176a78ba90ba1ac6c048aa001ef8052", 42.0},
        {"bbh_cot_fewshot_temporal_sequences", 250,
         "3b38f6f79437f248b0ea73fa5a311070a06bdd6c58226a6306e99957d4ff1b03", 42.0},
        {"bbh_cot_fewshot_tracking_shuffled_objects_five_objects", 250,
         "f11dcbea773e379295fc1c7c03ea5a05101ee581016074d582364883816d6576", 42.0},
        {"bbh_cot_fewshot_tracking_shuffled_objects_seven_objects", 250,
         "5f7e03b99c6cfa720b51e0587af7a0b700016f008f6e7471069ddadaa2718e19", 42.0},
        {"bbh_cot_fewshot_tracking_shuffled_objects_three_objects", 250,
         "cd4625cba30235447550ff7d219506e1b24d01fda86fbe95457e3468202e3a37", 42.0},
        {"bbh_cot_fewshot_web_of_lies", 250,
         "ad71accc00ecf0662c63a8c26cfd38dc4ea2938f06c59b9c3048b4151843d473", 42.0},
        {"bbh_cot_fewshot_word_sorting", 250,
         "1693b2cc9846c52a2994c55142c28868c40800728fe31fe42e1a27e9211e75f2", 42.0},
    };
    (void)state;
    check(rows, sizeof rows / sizeof rows[0], bbh_reply);
}

static uint32_t lcg;

static int below(int n)
{
    lcg = (lcg * 1103515245u + 12345u) & 0x7fffffffu;
    return (int)(lcg >> 16) % n;
}

/* 20,000 pairs of strings of such pieces; the sum is over what lm-eval's is_equiv, remove_boxed of
 * last_boxed_only_string ("-" where they fail) and the dollars of process_results give. */
static void answers_of_mathematics_are_those_of_lm_eval(void **state)
{
    static const char *const pieces[][2] = {
        {"\\frac", "\\dfrac"}, {"\\frac", "\\tfrac"}, {" ", ""}, {"1", "1"}, {"2", "2"},
        {"{", "{"}, {"}", "}"}, {"\\sqrt", "\\sqrt"}, {"0.5", "1/2"}, {"/", "/"}, {"=", "="},
        {"\\text{ ", "\\text{ "}, {".", "0."}, {"\\left(", "("}, {"\\right)", ")"},
        {"^\\circ", ""}, {"\\$", ""}, {"\\%", ""}, {"\\!", ""}, {"\n", ""}, {"x", "x"},
        {"-", "-"}, {"_", "_"}, {"é", "é"}, {"\\boxed{", "\\boxed{"}, {"\\boxed ", "\\boxed "},
        {"$", "$"}, {"\\\\", "\\"}, {"0", "0"}, {"3", "3"},
    };
    struct strbuf all = STRBUF_INIT, a = STRBUF_INIT, b = STRBUF_INIT, s = STRBUF_INIT;
    int n_equal = 0, n_boxed = 0;
    char hex[SHA256_HEX];
    (void)state;
    lcg = 1;
    for (int i = 0; i < 20000; i++) {
        struct span box = {"-", 1}, between;
        int equal, open, close;
        strbuf_clear(&a);
        strbuf_clear(&b);
        strbuf_clear(&s);
        for (int n = 1 + below(6); n > 0; n--) {
            int k = below((int)(sizeof pieces / sizeof pieces[0]));
            strbuf_adds(&a, pieces[k][0]);
            strbuf_adds(&b, pieces[k][below(2)]);
        }
        equal = math_equal(strbuf_str(&a), strbuf_str(&b), NULL);
        open = below(2);
        close = below(2);
        strbuf_addf(&s, "%s%s%s%s", open ? "\\boxed{" : "", strbuf_str(&a), close ? "}$" : "",
                    strbuf_str(&b));
        n_equal += equal;
        n_boxed += math_boxed(s.s, &box);
        between = find_between_dollars(s.s);
        strbuf_addf(&all, "%d%.*s\n%.*s\n", equal, (int)box.n, box.s, (int)between.n, between.s);
    }
    assert_int_equal(n_equal, 16045);
    assert_int_equal(n_boxed, 5997);
    assert_int_equal(sha256_bytes(hex, all.s, all.len, NULL), 0);
    assert_string_equal(hex, "4cd8a4c6c67cacab00dd521cc36c1e734a4d37b1d410567aa7fcbe9be25207ad");
    strbuf_release(&all);
    strbuf_release(&a);
    strbuf_release(&b);
    strbuf_release(&s);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truthfulqa_is_asked_and_credited_as_lm_eval_does),
        cmocka_unit_test(math500_is_asked_and_credited_as_lm_eval_does),
        cmocka_unit_test(bbh_is_asked_and_credited_as_lm_eval_does),
        cmocka_unit_test(answers_of_mathematics_are_those_of_lm_eval),
    };
    return RUN(tests);
}
