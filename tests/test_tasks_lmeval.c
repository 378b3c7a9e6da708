/* Tasks against lm-evaluation-harness 0.4.11 over all of their documents.
 *
 * The rows were made by loading each task's YAML into lm-eval's own ConfigurableTask with the data
 * files of ../shared/data put in place of the hub's, and letting it build every request, filter and
 * credit made-up replies (reply_to below; log-likelihoods -((7 doc + 13 choice) mod 97) / 8).  What
 * is kept: how many documents, the SHA-256 of each document's requests and gold answer one after
 * another, and the sum of the credits. */
#include "tests/test.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/strbuf.h"
#include "tasks/answer.h"
#include "tasks/answer_bbh.h"
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
    const char *answers; /* SHA-256 of what the filters find, a line each; NULL: not looked at */
};

typedef void reply_function(struct strbuf *b, const struct item *it, const char *gold);

static void bbh_reply(struct strbuf *b, const struct item *it, const char *gold)
{
    int doc = it->doc_id;
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

static void math_reply(struct strbuf *b, const struct item *it, const char *gold)
{
    int doc = it->doc_id;
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

static double credit(const struct task *t, const struct item *it, reply_function *reply_to,
                     struct strbuf *answers)
{
    struct reply_text replies[32] = {{0}};
    struct strbuf b = STRBUF_INIT;
    struct verdict v;
    double sum = 0;

    assert_true(it->n_queries <= 32);
    if (reply_to)
        reply_to(&b, it, it->gold);
    for (int i = 0; i < it->n_queries; i++)
        replies[i] = (struct reply_text){
            .loglikelihood = -((it->doc_id * 7 + i * 13) % 97) / 8.0, .text = strbuf_str(&b)};
    assert_int_equal(task_score(t, it, replies, &v, NULL), 0);
    for (int i = 0; i < v.n; i++)
        sum += v.credits[i].value;
    for (int i = 0; i < v.n; i++)
        strbuf_addf(answers, "%s\n", v.credits[i].filtered ? v.credits[i].filtered : "");
    verdict_release(&v);
    strbuf_release(&b);
    return sum;
}

static void check(const struct expected *want, size_t n_rows, reply_function *reply_to)
{
    for (size_t r = 0; r < n_rows; r++) {
        struct task *t = open_shared(want[r].task);
        struct strbuf all = STRBUF_INIT, answers = STRBUF_INIT;
        char hex[SHA256_HEX];
        double sum = 0;
        assert_int_equal(task_count(t), want[r].n);
        for (int i = 0; i < want[r].n; i++) {
            struct item it;
            assert_int_equal(task_item(t, i, &it, NULL), 0);
            strbuf_addf(&all, "%s\n%s\n", it.prompt_hash, it.gold);
            sum += credit(t, &it, reply_to, &answers);
            item_release(&it);
        }
        assert_int_equal(sha256_bytes(hex, all.s, all.len, NULL), 0);
        if (strcmp(hex, want[r].sha256) != 0)
            fail_msg("%s: requests are %s, lm-eval's are %s", want[r].task, hex, want[r].sha256);
        assert_int_equal(sha256_bytes(hex, answers.s, answers.len, NULL), 0);
        if (want[r].answers && strcmp(hex, want[r].answers) != 0)
            fail_msg("%s: answers are %s, lm-eval's are %s", want[r].task, hex, want[r].answers);
        if (fabs(sum - want[r].credits) > 1e-9)
            fail_msg("%s: credits %.12f, lm-eval's %.12f", want[r].task, sum, want[r].credits);
        strbuf_release(&all);
        strbuf_release(&answers);
        task_close(t);
    }
    assert_int_equal(mem_live(), 0);
}

static void truthfulqa_is_asked_and_credited_as_lm_eval_does(void **state)
{
    static const struct expected rows[] = {
        {"truthfulqa_mc1", 817,
         "3f04cfdab24edb878fc6e462fc8aa74ce917f0c1d6bef263fa7ebe4faedfeb73", 367.0, NULL},
        {"truthfulqa_mc2", 817,
         "a35af9633b905cdcaffac325931243de216d0eba39b1904e524b629d83db5450", 421.5577456047,
         NULL},
    };
    (void)state;
    check(rows, sizeof rows / sizeof rows[0], NULL);
}

static void math500_is_asked_and_credited_as_lm_eval_does(void **state)
{
    static const struct expected rows[] = {
        {"hendrycks_math500", 500,
         "b2135a662038dcd601e75071fa0de56b772248f88f9de8449f45ae8b89690d84", 252.0, NULL},
    };
    (void)state;
    check(rows, sizeof rows / sizeof rows[0], math_reply);
}

static void bbh_is_asked_and_credited_as_lm_eval_does(void **state)
{
    static const struct expected rows[] = {
        {"bbh_fewshot_boolean_expressions", 250,
         "86bdad54bc914bd143884fa0d771cb29b3db9f2a3bcd4852a312ad5404996b9e", 42.0, NULL},
        {"bbh_fewshot_causal_judgement", 187,
         "6a929034952732107c6354fc30f9b05313a16a59c0f597950c8d2aae8177b982", 31.0, NULL},
        {"bbh_fewshot_date_understanding", 250,
         "9ca7191fe1f23d3bd9b5ab671daceb9bcc714c42db1da6a00bba7d7c0585c60c", 42.0, NULL},
        {"bbh_fewshot_disambiguation_qa", 250,
         "91414329dd8598a0e84f680d5ee2b9f3b25f24e2be64a46465606cea37099e6d", 42.0, NULL},
        {"bbh_fewshot_dyck_languages", 250,
         "4a135f7f04e122e715aa975c75bcb6065db32a398bf794df601ea0870ed6f65f", 42.0, NULL},
        {"bbh_fewshot_formal_fallacies", 250,
         "7f2eb6ecc81a748b137269b0189a0b755d669b74eccb4a827e75e700f84879da", 42.0, NULL},
        {"bbh_fewshot_geometric_shapes", 250,
         "93b96553235495dc943b56611c83fab66397841ddd1956a1d67338816351381f", 42.0, NULL},
        {"bbh_fewshot_hyperbaton", 250,
         "b20cd587060211fc27287e6513ab0e4f95aed2cc42dd8d8e2c896faadc6a202c", 42.0, NULL},
        {"bbh_fewshot_logical_deduction_five_objects", 250,
         "23ff592cba1408b2bd42405dcf6e3da0d3b3873e3e77e796be09cff0313e71d4", 42.0, NULL},
        {"bbh_fewshot_logical_deduction_seven_objects", 250,
         "5dfd3fe176cb68e96af78531a777e9e673ebe5d5ea89968d2c352c91e28ebe41", 42.0, NULL},
        {"bbh_fewshot_logical_deduction_three_objects", 250,
         "c0da60836d5bc1cc7531b044729b3e37065fe6d471a5a418955137c743153415", 42.0, NULL},
        {"bbh_fewshot_movie_recommendation", 250,
         "790229ac8d72495500240e4bb8c37e5674a071894de3f746dc60c18f67c19478", 42.0, NULL},
        {"bbh_fewshot_multistep_arithmetic_two", 250,
         "4bf4c0971a12893d380b58e3c843947daea62fe3a1381c010e64bcc622f4671e", 42.0, NULL},
        {"bbh_fewshot_navigate", 250,
         "a731bcd2360e348f7ff7bc1491476b93fbc84d7548e2c02a4c42fcb20a5b6543", 42.0, NULL},
        {"bbh_fewshot_object_counting", 250,
         "2b7db241935bec2429cdea896678b935ac74e5c36d9398e6905b26cbc54a889d", 42.0, NULL},
        {"bbh_fewshot_penguins_in_a_table", 146,
         "c1538ddce72a0b7d8808f60437f4aa06e3b0f61b231b6a7d3f5b06349dbf5639", 25.0, NULL},
        {"bbh_fewshot_reasoning_about_colored_objects", 250,
         "4af3b32966d9a7fa9e7271f71790731c5aefa31f7457e7c6755786fdd768e926", 42.0, NULL},
        {"bbh_fewshot_ruin_names", 250,
         "eabe57fcc011fadc7323d4d534daef2627f7b0fcdc92b46b2f6f4ccde6f22185", 42.0, NULL},
        {"bbh_fewshot_salient_translation_error_detection", 250,
         "31e9a867f5a6004e100384186e67ac93342e60f0349ccde89b77541ee2ee03fd", 42.0, NULL},
        {"bbh_fewshot_snarks", 178,
         "2b0c9c0eb64b8f11509e38fe8b07fd48aa285b97c7d6651e9e94465fa755b00f", 30.0, NULL},
        {"bbh_fewshot_sports_understanding", 250,
         "57dbce5fa62e64cc5946e4bdc98b841f994e8d3f52debc9de51927e5ba822852", 42.0, NULL},
        {"bbh_fewshot_temporal_sequences", 250,
         "a1189d69c05a63f2e236bef9a54cefaa0a86bc62c0a2cd8e8ed3aeb9f597b672", 42.0, NULL},
        {"bbh_fewshot_tracking_shuffled_objects_five_objects", 250,
         "23540e50610deb68c70c1d4584d7f1aecd605d294bb4aba906ee2469f722dce3", 42.0, NULL},
        {"bbh_fewshot_tracking_shuffled_objects_seven_objects", 250,
         "0b9aa6127f8db37742b268607339adb10d7a5caa721640fad3671ff8193d06d8", 42.0, NULL},
        {"bbh_fewshot_tracking_shuffled_objects_three_objects", 250,
         "fa01af402fa8185bc275818652159c1d3b94f67131f38d9103b625367865702d", 42.0, NULL},
        {"bbh_fewshot_web_of_lies", 250,
         "3838aeb1582416d7f87959cf18e14be01813dfcf06a05b4186645686fbcb89ce", 42.0, NULL},
        {"bbh_fewshot_word_sorting", 250,
         "889ec0a5519a476951bd1a92b47bb445aa54504d47f3adca70d4afa43de77c3b", 42.0, NULL},
        {"bbh_cot_fewshot_boolean_expressions", 250,
         "0f7883d6436a5913b16c0ae8741b2ba63499340ebe59b7ee2be65eab807254bd", 42.0, NULL},
        {"bbh_cot_fewshot_causal_judgement", 187,
         "f4b8661e6eed3d232795a3c73873ebd74dc06ab17f65584262af353132b651e9", 32.0, NULL},
        {"bbh_cot_fewshot_date_understanding", 250,
         "ea075f48bc2ac2399cec9ea64d9095c7bb2d59e72c435a74d5da21001594ce25", 42.0, NULL},
        {"bbh_cot_fewshot_disambiguation_qa", 250,
         "83889ab34d401a1adbb5e0114515c9ed1baf52b0f3e8d066221374add465e7ac", 42.0, NULL},
        {"bbh_cot_fewshot_dyck_languages", 250,
         "4c7d82a3ea67592e0f66c9ca72a25221bfb533d4f0010cfe253741232bfb8eea", 42.0, NULL},
        {"bbh_cot_fewshot_formal_fallacies", 250,
         "e3a63901d6ddca4c17602a4263c6590c27d77c222604a0c55f37afcdaacd4e12", 42.0, NULL},
        {"bbh_cot_fewshot_geometric_shapes", 250,
         "e09bee2fbf07b6ce7df6dc34349dd797cdf81f05ef3f47d004de59e3695cd816", 42.0, NULL},
        {"bbh_cot_fewshot_hyperbaton", 250,
         "236fdde81a26fc0b71aa77cbc1ced02ba508c47378ec28dcfde390bf97451559", 42.0, NULL},
        {"bbh_cot_fewshot_logical_deduction_five_objects", 250,
         "e3a403e37fb06afd27bc81efd7f6188c42129dac78c131a56641270c0a9572fa", 42.0, NULL},
        {"bbh_cot_fewshot_logical_deduction_seven_objects", 250,
         "4584bb0f3e749362f77106b448cee3ca7bb87113ee6633f0d598c1367e04745c", 42.0, NULL},
        {"bbh_cot_fewshot_logical_deduction_three_objects", 250,
         "03b9efac66855e238b7fea4753291d419d10efeecc1612d355e0d69b90264ef6", 42.0, NULL},
        {"bbh_cot_fewshot_movie_recommendation", 250,
         "b045ead514eb6de2b317d97f7f210d3e31244c06fe74e6e190a76d70ae48619b", 42.0, NULL},
        {"bbh_cot_fewshot_multistep_arithmetic_two", 250,
         "24d4f1ca5eed834b0266378f5b75913ba01f1ec8f94e50067b6d26938c60d115", 42.0, NULL},
        {"bbh_cot_fewshot_navigate", 250,
         "df577aefb49c1aaea8f1357c379beefe72a13e8b12dccf365fc4caf99c2175ae", 42.0, NULL},
        {"bbh_cot_fewshot_object_counting", 250,
         "79f14489dedec17b13dd8877f9740f720c7a9446161aeba47c579ee11814d6f4", 42.0, NULL},
        {"bbh_cot_fewshot_penguins_in_a_table", 146,
         "f6b670ec68687d591e43d71e75b8ed7cc7729211c8368cacfd422ba729c10e68", 25.0, NULL},
        {"bbh_cot_fewshot_reasoning_about_colored_objects", 250,
         "c04feec9be76bda22a3ec6f7345177e99d0d3108fce4f952bcaf5d4672280869", 42.0, NULL},
        {"bbh_cot_fewshot_ruin_names", 250,
         "1456854da791f412ad48f72ed9a45a7bffdc6580a33069d2bb377f35da85ee59", 42.0, NULL},
        {"bbh_cot_fewshot_salient_translation_error_detection", 250,
         "438e97ef4aa7080633ac24a07d31b544ecffe95654ccd1146723b994b84a3a06", 42.0, NULL},
        {"bbh_cot_fewshot_snarks", 178,
         "551eaadf71200e5a637ac123c6a67ae2480622d51b3f11e70e1be55546c483bd", 30.0, NULL},
        {"bbh_cot_fewshot_sports_understanding", 250,
         "4e938b3cff49920f09417d7c69ef1b560176a78ba90ba1ac6c048aa001ef8052", 42.0, NULL},
        {"bbh_cot_fewshot_temporal_sequences", 250,
         "3b38f6f79437f248b0ea73fa5a311070a06bdd6c58226a6306e99957d4ff1b03", 42.0, NULL},
        {"bbh_cot_fewshot_tracking_shuffled_objects_five_objects", 250,
         "f11dcbea773e379295fc1c7c03ea5a05101ee581016074d582364883816d6576", 42.0, NULL},
        {"bbh_cot_fewshot_tracking_shuffled_objects_seven_objects", 250,
         "5f7e03b99c6cfa720b51e0587af7a0b700016f008f6e7471069ddadaa2718e19", 42.0, NULL},
        {"bbh_cot_fewshot_tracking_shuffled_objects_three_objects", 250,
         "cd4625cba30235447550ff7d219506e1b24d01fda86fbe95457e3468202e3a37", 42.0, NULL},
        {"bbh_cot_fewshot_web_of_lies", 250,
         "ad71accc00ecf0662c63a8c26cfd38dc4ea2938f06c59b9c3048b4151843d473", 42.0, NULL},
        {"bbh_cot_fewshot_word_sorting", 250,
         "1693b2cc9846c52a2994c55142c28868c40800728fe31fe42e1a27e9211e75f2", 42.0, NULL},
    };
    (void)state;
    check(rows, sizeof rows / sizeof rows[0], bbh_reply);
}

/* Words of s, the last first. */
static void add_reversed(struct strbuf *b, const char *s)
{
    size_t n = strlen(s);

    while (n > 0) {
        size_t end, begin;
        for (end = n; end > 0 && strchr(" \n", s[end - 1]);)
            end--;
        for (begin = end; begin > 0 && !strchr(" \n", s[begin - 1]);)
            begin--;
        if (end > begin)
            strbuf_addf(b, "%s%.*s", b->len ? " " : "", (int)(end - begin), s + begin);
        n = begin;
    }
}

/* Ten kinds of replies: letters, numbers in words, the end and the words of the question, ... */
static void bbh_unshown_reply(struct strbuf *b, const struct item *it, const char *gold)
{
    static const char *const fixed[10] = {
        [0] = " (B) or (C)", [1] = "it is: B",
        [4] = "I think that twenty two, one hundred and five",
        [8] = "is telling the truth. True, invalid valid < > ] 12 -7 -- no",
        [9] = "Six Hundred and Forty one thousand and twelve",
    };
    cJSON *doc = json_parse(it->doc, strlen(it->doc), "doc", NULL);
    const char *input = json_str(doc, "input");
    size_t at = strlen(input);
    int k = it->doc_id % 10;

    strbuf_clear(b);
    if (fixed[k])
        strbuf_adds(b, fixed[k]);
    if (k == 2) {
        strbuf_addf(b, "%s. Then ", gold);
        for (const char *s = gold; *s; s++)
            strbuf_addc(b, (char)(*s >= 'a' && *s <= 'z' ? *s - 32 : *s));
    } else if (k == 3) {
        strbuf_addf(b, "The answer is %s.", gold);
    } else if (k == 5) {
        for (int n = 0; n < 40 && at > 0; n++)
            for (at--; at > 0 && ((unsigned char)input[at] & 0xc0) == 0x80;)
                at--;
        py_lower(b, input + at, strlen(input + at));
    } else if (k == 6) {
        strbuf_addf(b, "No. the answer is not plausible and %s yes", gold);
    } else if (k == 7) {
        add_reversed(b, input);
    }
    json_free(doc);
}

static void bbh_without_examples_is_asked_and_searched_as_lm_eval_does(void **state)
{
    static const struct expected rows[] = {
        {"bbh_zeroshot_boolean_expressions", 250,
         "5009f0850f64f1853e1e2a888655bc211a711a7d55025ebbb408b15abd31bb62", 106.0,
         "3324cec89c4d3e237205a1f656ffc70a8b76c5b593398d861e0406974470e1a5"},
        {"bbh_zeroshot_causal_judgement", 187,
         "c4bca74f91962864e5c80919d35a7ccf534e91e9d86bfb2a4525b72d229cd3ce", 73.0,
         "f53becffe59abc6ada9ed53b4dcc95fcc17256aaa32e7f64ec68b5d391c1ec95"},
        {"bbh_zeroshot_date_understanding", 250,
         "86778e4e18aa27cad3b1cb7c8c41dc2e0bd4b58fa32766081e61e8b3dd215efe", 98.0,
         "ca460f5619322c68234e3a2f16fb8b45e229fd9e136d81fb8174c1fb5ee45921"},
        {"bbh_zeroshot_disambiguation_qa", 250,
         "36d11939656f26a46f72fe470576be3d790b404956faeed99cbf497b2bd3914d", 106.0,
         "1652ee896f9fe596ca04ce0ab0b2a1d8f9c1460e63a124eddef7feca55562203"},
        {"bbh_zeroshot_dyck_languages", 250,
         "bef8c1871f693241b3cc43e5bba4a82a2f79ceb4cba670dd3179c7307fd4a5dc", 25.0,
         "da033f4ec232d03325c19f338311e6d09f4a59603e97c0a90c53803058f52ae7"},
        {"bbh_zeroshot_formal_fallacies", 250,
         "45fca86ab199842717ea27eefd21faf432ec0738ab51a0963a30a49561faa14f", 104.0,
         "336309336461f3492e9ffccadec888fd88be536665531bde0a8acf8d001249c3"},
        {"bbh_zeroshot_geometric_shapes", 250,
         "91c6cca4a6c63be962103604791c6ae0fc5fe1305a394c362df609c2fa2efa41", 83.0,
         "08376d72808d89c9f0375b2b2e68cf49f4cf710647966498029345247fb7acf1"},
        {"bbh_zeroshot_hyperbaton", 250,
         "75f05512adb447f4a1a817caeea97cb8974b31615d4e0a65e28c36f6603ed43b", 118.0,
         "fcf0c52e10ddcade9694d5a99a73abc0ab6f299bb12892405cf42f79b0e79569"},
        {"bbh_zeroshot_logical_deduction_five_objects", 250,
         "ca3f75865ebe51ccb58c2438eb74851ce935aff2dfabc45ec1c96f9ffe0187ee", 93.0,
         "6f3726db54f3d93c7df0dfcea2e13b5e03f20e8127434cd8ca906ec86d5bb4b8"},
        {"bbh_zeroshot_logical_deduction_seven_objects", 250,
         "f89c05390eba783d7ce93edc4b1cccc5a3d1e85b1663e56ece2787cfe41c1271", 85.0,
         "60d8b8f92521b05bdb0d75480f664bf2ddb5c0fa57abbd39be3981836fdcef80"},
        {"bbh_zeroshot_logical_deduction_three_objects", 250,
         "fc34f4f2036ed86af81586fe954227d594afec30b22d9256159eb9cd6653f329", 108.0,
         "b4a1c13d3c8310442718e1bf209cbfdea4e8153e436175955410083d079912e1"},
        {"bbh_zeroshot_movie_recommendation", 250,
         "d72c84a1b857d16e40237e5760a6e72f3e27f5e7f86c48c31f362c19c5022b96", 99.0,
         "c74a41d8e6b98d8bdc67b4cac9bca4605d74344d2593c47262f7440142996f97"},
        {"bbh_zeroshot_multistep_arithmetic_two", 250,
         "c2e670253a26fbfaaa8da518909e34f8d10a99d5715c8a8621df4fd216fbef6e", 75.0,
         "df5226506a3d25540a6eca05aa527ed6516dc68d13c7d11563d1e9b3d1a10a2c"},
        {"bbh_zeroshot_navigate", 250,
         "11fa6c72032a7a907d0763b88be9282286d58e44b6cb58459b6870e576367e2c", 103.0,
         "cf4deb9ba21c2ab59ba53e9ae189549c194a00fe71851ed0b35b959b9a2770d0"},
        {"bbh_zeroshot_object_counting", 250,
         "7f05af89e7e843877e9bf79475d5d3de5bf468028efb6f97325b8bc2965e3523", 77.0,
         "493150912a7cd4d50cf2780e47a7b92ad3398b39419ae3e28769dbf70d78224e"},
        {"bbh_zeroshot_penguins_in_a_table", 146,
         "f477863d2bf8ba6ed356c1b101c7d917fdf637ea67dcd0eff157ae60e4337834", 59.0,
         "31565924358bd82d67c5030aba24c075434b8be50120b6e2178c9ba728a6f6bd"},
        {"bbh_zeroshot_reasoning_about_colored_objects", 250,
         "885d5fbadedb26a8725f2b1b5f943363252ced2dca373f96d4c52dacb98220d4", 95.0,
         "0bbdfd03ae2e11360012e6a1e03b8bee20dfcca3e3cf2e637478241de9e8bd22"},
        {"bbh_zeroshot_ruin_names", 250,
         "ff6f3f349491568e551d504fb8304a86a3579b91f5b407523965e5b8121333ea", 102.0,
         "25e03f3b12a1d225c543d03c1afd7bedf113431ecfb0e2e4f61dec75206a635e"},
        {"bbh_zeroshot_salient_translation_error_detection", 250,
         "20a86148b4fcb44ff7c91257323770d9c90bbde292488ac4dd8b7723da2e9519", 106.0,
         "059514af8749b1b803f7bef2b27e294424950c9702628523be93e3324567d2aa"},
        {"bbh_zeroshot_snarks", 178,
         "26f6d2f2205f7ded299e4b176e56967b91f24d4eb876b533df61f8386c26ded1", 86.0,
         "da8d724b172449639330af2f650dac187c497fa8569b4b5db793b40b7e02d5c1"},
        {"bbh_zeroshot_sports_understanding", 250,
         "64731db948ba8ca9cee46f7d125d1d953cc3a4683081887a1317572ccfa8500a", 92.0,
         "4bb64bf946c47fba174ace15a3eb7341ac28aee111b8c83087cf6c257971cac5"},
        {"bbh_zeroshot_temporal_sequences", 250,
         "7730fe99453db9afcd1fc1c96f820f9337b260c10b429f81bcf425515a9226d4", 95.0,
         "0a91c5f99ca2e1a2ec26dc3bce51f5f6188a1d6b652e75d3c2d014112febd90c"},
        {"bbh_zeroshot_tracking_shuffled_objects_five_objects", 250,
         "a9be1fa50743d8dd72478db7f3b9a449dd309c880204e13067599a81aa81e313", 96.0,
         "e655c54be4d15764bebf2a582110de6533c8712b79271d4a6dbbdbaebaf3f5d6"},
        {"bbh_zeroshot_tracking_shuffled_objects_seven_objects", 250,
         "bec0d09bbb7a3d8e21d6c30fed5f23404e4a030b5e0294b23388a2805cb0a768", 91.0,
         "1a591fad9d4cbf6265851507a6a35513e4f55f08c681d40545681054981abd97"},
        {"bbh_zeroshot_tracking_shuffled_objects_three_objects", 250,
         "bf991e54cab01e1dd905d2afeceed0f6a1c48cb599cf7b5df994908c283fe9fd", 105.0,
         "0c3c0c7ca071f6de73b20d6e8cb1e130a5d3a8f265e4a6c1bd0ae08bc00c228f"},
        {"bbh_zeroshot_web_of_lies", 250,
         "2f09c7024d7f2be49d5e128b46c9029e2183113c8fc5a592db1601f17be7a0fc", 73.0,
         "0628ecb8f8d57341a57a01ca1ac613988878687343a02785d1b829e9b94514fc"},
        {"bbh_zeroshot_word_sorting", 250,
         "0531a8968b53853eb94413e3f3942050fa4ab6e4bcfecfc96d0250a7925a52f4", 75.0,
         "4a466e946b8f5e36dce6d1bffd46298f2894b3a6700160bedaa172ddb05d9171"},
        {"bbh_cot_zeroshot_boolean_expressions", 250,
         "d1c717ccf8d2cb7c08838284fb158f9081a33b96efb804c4cca762d09955ab34", 125.0,
         "7c7282700831f8947cd6e1babed97200f6a8b806f2d7f4b8d7223595ea65328f"},
        {"bbh_cot_zeroshot_causal_judgement", 187,
         "13949199c44b9d6a147ceb52284e8b48eb2bc74718f0f51e0eb67968386b71a0", 97.0,
         "39b980aa2daef79d90d4712ed72a4c647694618f6033f74dd2ceaef89578c358"},
        {"bbh_cot_zeroshot_date_understanding", 250,
         "669e423d0354f49ac3a4374fac26bd8e46f4c66c04cb9c35422e886b3d9b90f7", 119.0,
         "b2aa2daebbe0044c6857dec2aae075e7056c1cca54d438d97c37d3e09a2db4a0"},
        {"bbh_cot_zeroshot_disambiguation_qa", 250,
         "e05500eba7c382a24ea664070ea762db2b3afc8da47d0e6463347da8979889c0", 132.0,
         "6a058befd19ae6c4c30e4b1fded269a3ceab888200d9e10ceb2fa7d4ae3e71bb"},
        {"bbh_cot_zeroshot_dyck_languages", 250,
         "ab0dd804640194ac32140448d5ca7d2ad29ee91708fa91fc6f6c98ed56e93a20", 102.0,
         "49733ed84ad4478ec8fa8d17c344f1d47f7e1dd299214aaeca79dae17e5343a9"},
        {"bbh_cot_zeroshot_formal_fallacies", 250,
         "4571e015e8c3e6abf847493d075c44af022604a3c930bc4b683fd95f83f9680e", 135.0,
         "0a6401c445a0c9ab61e59bef2a77f67322dc83f1bac97e973a8738183aba81dd"},
        {"bbh_cot_zeroshot_geometric_shapes", 250,
         "dcbd1ad9aef5f51c0bae059c8e9640bd6d4be1adb71155c64c84230e6811563a", 110.0,
         "267768935ce39ddb1a76132c7a3bb8693093b986b6d8b8761dee05126cde5175"},
        {"bbh_cot_zeroshot_hyperbaton", 250,
         "02756022ea0b366fc21e034e6ab37bd1f6d78830163818c211aae64b66b0fb41", 129.0,
         "92daa443056451acd91fa802e6357f3fa6fcbf4060231a1d27b376c57bbbb32a"},
        {"bbh_cot_zeroshot_logical_deduction_five_objects", 250,
         "20519fb8674de1d9003b5145e65a60f2b1c890d4c1641d606b40b977e95e1e24", 116.0,
         "2f31cf4886d66c4e39f65cea9d263adb5106df2d23ddf273190386a93cd112ed"},
        {"bbh_cot_zeroshot_logical_deduction_seven_objects", 250,
         "c8ead5ffa591f841dde0f55c20a4800072b6bc82bf4f30b7be19575e657862d5", 113.0,
         "3842db099252e20fc321e3bbb1cdd087f6ec690c26855c153c20665a7046e333"},
        {"bbh_cot_zeroshot_logical_deduction_three_objects", 250,
         "c7b0479c4e78eedb86084903e69a566ee0f32cfeafd587d0c19a4ca7b61c600d", 130.0,
         "83dfc72b5d49bbcfe79dd6a7a1282df082adc55c534f08ec1da31049b42bcd00"},
        {"bbh_cot_zeroshot_movie_recommendation", 250,
         "2ab63dfca8214d9dbdb3b9e82789a2a26f37fb8ab1ddcbdd06a064d5bbac5577", 123.0,
         "12d749785e09b54d46997463dec56d2497fcd1b9702ca408fa894e6120f37d26"},
        {"bbh_cot_zeroshot_multistep_arithmetic_two", 250,
         "dde1796650e1acad69530581e572db031abb06c01ad0d2240750172ad1e66766", 100.0,
         "cb877d33fa7bf5685923dd387ac5114a92a73c883ee110d35573c227d93182f9"},
        {"bbh_cot_zeroshot_navigate", 250,
         "4d3b7e9a89c14aac1839d2df53eeca4fc7c70bc7f0ca5498d3867aa944ef5140", 129.0,
         "b5ea8c4adf27129856572f812f32b5ef73ae89271babf2440c63a490ef998ac5"},
        {"bbh_cot_zeroshot_object_counting", 250,
         "3f7a7b2a6739d94801fbe0a262594eee2b81011dd349519ca6a393f49212b72e", 100.0,
         "e6d52d15de6c0498c11d9b2eb81d4762faa8b08b7d0a6d0ca483ab7ba2e47bd4"},
        {"bbh_cot_zeroshot_penguins_in_a_table", 146,
         "fc4da842854741e234b9627be3efae380ed2baa9f14ff33aa5adcfa4f2976e6e", 72.0,
         "06be85235460c2ca71bee119add54f72ef9c4377e723ceb7f4c43340862ea81b"},
        {"bbh_cot_zeroshot_reasoning_about_colored_objects", 250,
         "9e6df2330e592b36d9450674a5b4ca0b53b493a544886c61123f06a8e78b7e21", 113.0,
         "62ac17670b81d6f6fd09a9b5778f16407be17b985f71beb7c27719a2f93067da"},
        {"bbh_cot_zeroshot_ruin_names", 250,
         "96e17480f26b0b4fa3fcc21e21de8c29a8edd3c265ceb60efd73f054c44f62ea", 118.0,
         "aec83b512f298fa89765c3170e31fc07c4f26bec21a699613d4e2e464802009d"},
        {"bbh_cot_zeroshot_salient_translation_error_detection", 250,
         "b3318bbcdbd0ab343a91ece9a1d2e357fb8f20c49f8d60acbfc1899738bb20c6", 126.0,
         "c0e630da9f9765245aef6a203902c6dd9a857a2acb0d4ecffd8e2f13b149e54a"},
        {"bbh_cot_zeroshot_snarks", 178,
         "2bfb18d574e7abffc82471ac573588a1151b8c278f5687ccf7f210cd193162b5", 91.0,
         "965ef5ea96762c5c9967949c65dfbab8f318657ca7cc8ad7240941a7feadb672"},
        {"bbh_cot_zeroshot_sports_understanding", 250,
         "0031367650dfda145e8fd1740369c0bfc8bc5170dbb05d49fe4b9fc3eb3c25c6", 114.0,
         "87d77d966147c74d959eec8d440224a84a7a9dfffdc65bec436f2361009b31f2"},
        {"bbh_cot_zeroshot_temporal_sequences", 250,
         "a9deeb67c9803986ee243e7f28cafb5ae2b3eec97be79a0ce9a975bc13daa925", 123.0,
         "1f5618c6bc5d000b63542ccd973e60ce4a9fb61107b5d7df5830136e6248076b"},
        {"bbh_cot_zeroshot_tracking_shuffled_objects_five_objects", 250,
         "d5ab0ae266131df3c73be9a0cd24836c1a0f71e0d88dbcb0e78ddb9cba091a71", 119.0,
         "a04bebb8480ceb2188c9c09afbdec132a51c1bc8d85c6ef7c88b59ced9f93ac1"},
        {"bbh_cot_zeroshot_tracking_shuffled_objects_seven_objects", 250,
         "469f17e31ed84e83409ddee20a5124d378b8b4dc8e593163fac338cc7bc9aae6", 114.0,
         "5dfd894e99a7f990e2813486e39c1450582e3c123784a2535227d52d9ec7df8e"},
        {"bbh_cot_zeroshot_tracking_shuffled_objects_three_objects", 250,
         "9d4433ef27ed2249adbfdd51ab2551970a47858b02747417b22f8a02033d33c3", 132.0,
         "45efdb089a8de5b70f20df7d09e1eb5823e992064a1fd331731d3c6c6a14ddfd"},
        {"bbh_cot_zeroshot_web_of_lies", 250,
         "718a18ab9cc58027d67dad002a078c7edc6e1498a098fe366159b43d9156412c", 102.0,
         "dc714e2f1b0a30a6d6733440d620db1b3d2452d80a3ca98aed2c4251c5b72b4b"},
        {"bbh_cot_zeroshot_word_sorting", 250,
         "1133ff0a5d779c215459dcda0fac00c3f37a662a62d97b384b9cd68a180d7303", 100.0,
         "e6062e70e88db7272a6eeaf484aeb883a07b8600edacace34958497aa4031c5f"},
    };
    (void)state;
    check(rows, sizeof rows / sizeof rows[0], bbh_unshown_reply);
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

/* 6,000 phrases of such words, mostly with spaces between; where lm-eval dies because word2number
 * raises an exception (928 times), our answer is "[invalid]". */
static void numbers_in_words_are_those_of_lm_eval(void **state)
{
    static const char *const words[] = {
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
        "nineteen", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
        "hundred", "thousand", "million", "billion", "trillion", "and", ",", "&", "x", "Five-",
    };
    static const struct answer_rules rules = {
        .filters = {{"first", "([-0-9]+)", 0, NULL, bbh_number},
                    {"last", "([-0-9]+)", -1, NULL, bbh_number}},
        .n_filters = 2,
    };
    struct strbuf all = STRBUF_INIT, s = STRBUF_INIT;
    struct answer *a = NULL;
    char hex[SHA256_HEX];
    int n_invalid = 0;
    (void)state;
    assert_int_equal(answer_open(&a, &rules, NULL), 0);
    lcg = 1;
    for (int i = 0; i < 6000; i++) {
        strbuf_clear(&s);
        for (int n = 1 + below(7); n > 0; n--) {
            strbuf_adds(&s, words[below((int)(sizeof words / sizeof words[0]))]);
            strbuf_adds(&s, below(8) ? " " : "");
        }
        for (int f = 0; f < 2; f++) {
            char *got = answer_filter(a, f, s.s, NULL, NULL);
            assert_non_null(got);
            n_invalid += strcmp(got, "[invalid]") == 0;
            strbuf_addf(&all, "%s\n", got);
            mem_free(got);
        }
    }
    answer_close(a);
    assert_int_equal(n_invalid, 1366);
    assert_int_equal(sha256_bytes(hex, all.s, all.len, NULL), 0);
    assert_string_equal(hex, "085b99e5ba27b54546530f54dd40a7436d584f97b22ebca3e6d88163d984a746");
    strbuf_release(&all);
    strbuf_release(&s);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truthfulqa_is_asked_and_credited_as_lm_eval_does),
        cmocka_unit_test(math500_is_asked_and_credited_as_lm_eval_does),
        cmocka_unit_test(bbh_is_asked_and_credited_as_lm_eval_does),
        cmocka_unit_test(bbh_without_examples_is_asked_and_searched_as_lm_eval_does),
        cmocka_unit_test(numbers_in_words_are_those_of_lm_eval),
        cmocka_unit_test(answers_of_mathematics_are_those_of_lm_eval),
    };
    return RUN(tests);
}
