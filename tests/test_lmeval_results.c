/* What stands for process_results of lm-eval 0.4.11's tasks: 10,000 random documents for each way
 * against the function itself (those of xquad, catalan_bench, mlqa, longbench, coqa, drop, babilong,
 * hendrycks_math, aime, hrm8k, agieval, nortruthfulqa, eq_bench, crows_pairs,
 * simple_cooccurrence_bias, mutual, cabbq; rouge_score for summaries), and aggregations that are
 * functions.
 *
 * Documents and answers are drawn by tests/lmeval_cases.h in the order in which the makers below
 * draw; a number is the sum over 1,000 documents of the k-th metric * (1 + (i + k) mod 7). */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/aggregate.h"
#include "tasks/lmeval_results.h"
#include "tests/lmeval_cases.h"

enum { BLOCKS = 10, DOCS = 1000 };
#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const char *const words[] = {
    "the ", "The", "a ", "an", " cat", "cats ", "Dog", ". ", ",", " . ", "\n", "é", "É ", "它",
    "狗 ", "ال", "البيت ", "của ", "die ", "der ", "le ", "un ", "el ", "3", "42 ", "3.5", "$",
    "$$", ": ", "per: ", "LOC:", " none", "!", "—", "_x", "state-of ", "\t", "और ", "ß", "dog ",
};
static const char *const tex[] = {
    "\\frac", "12", "{3}", "{", "}", "\\boxed{", "\\boxed ", "$", " ", "=", "x", "\\sqrt", "3",
    "0.5", ".5", "\\text{ m", "/", "2", "-", "\\left(", "\\right)", "\\%", "\\!", "4.0", ",", "\n",
};
static const char *const digits[] = {"3", " 42", "Paragraph 3", "7 ", "段落3", "x", "12",
                                     "Paragraph 12 "};

struct made { /* a document, and what a model said */
    struct cases *c;
    struct strbuf json, answer;
    struct json_out o;
    double ll[8];
    const char *choices[8];
    char texts[8][64];
    int n;
};

static void add(struct made *m, struct strbuf *b, const char *const *of, int n_of, int most)
{
    for (int n = cases_below(m->c, most + 1); n > 0; n--)
        strbuf_adds(b, of[cases_below(m->c, n_of)]);
}

static void put(struct made *m, const char *key, const char *const *of, int n_of, int most)
{
    struct strbuf b = STRBUF_INIT;

    add(m, &b, of, n_of, most);
    json_put_str(&m->o, key, strbuf_str(&b));
    strbuf_release(&b);
}

static void put_list(struct made *m, const char *key, const char *const *of, int n_of, int most,
                     int n)
{
    json_begin_array(&m->o, key);
    for (n = 1 + cases_below(m->c, n); n > 0; n--)
        put(m, NULL, of, n_of, most);
    json_end_array(&m->o);
}

#define WORDS words, LENGTH(words)

static void answer(struct made *m)
{
    add(m, &m->answer, WORDS, 10);
}

static void likelihoods(struct made *m, int n)
{
    for (m->n = 0; m->n < n; m->n++)
        m->ll[m->n] = -cases_below(m->c, 4096) / 64.0;
}

static void make_squad(struct made *m)
{
    json_begin_object(&m->o, "answers");
    json_begin_array(&m->o, "text");
    put(m, NULL, WORDS, 10);
    json_end_array(&m->o);
    json_end_object(&m->o);
    answer(m);
}

static void make_squad_list(struct made *m)
{
    json_begin_array(&m->o, "answers");
    json_begin_object(&m->o, NULL);
    put(m, "text", WORDS, 10);
    json_end_object(&m->o);
    json_end_array(&m->o);
    answer(m);
}

static void make_answers(struct made *m)
{
    put_list(m, "answers", WORDS, 10, 3);
    answer(m);
}

static void make_count(struct made *m)
{
    static const char *const of[] = {"3", "42", "7", "12"};

    put_list(m, "answers", of, LENGTH(of), 1, 2);
    add(m, &m->answer, digits, LENGTH(digits), 8);
}

static void make_paragraph(struct made *m)
{
    json_begin_array(&m->o, "answers");
    for (int n = 1 + cases_below(m->c, 2); n > 0; n--)
        json_put_str(&m->o, NULL, cases_below(m->c, 2) ? "Paragraph 12" : "Paragraph 3");
    json_end_array(&m->o);
    add(m, &m->answer, digits, LENGTH(digits), 8);
}

static void make_class(struct made *m)
{
    static const char *const of[] = {"cat", "cats ", "Dog", "dog ", "a ", "die ", "the cat"};

    put_list(m, "all_classes", of, LENGTH(of), 1, 6);
    json_begin_array(&m->o, "answers");
    json_put_str(&m->o, NULL, of[cases_below(m->c, 7)]);
    json_end_array(&m->o);
    answer(m);
    add(m, &m->answer, of, LENGTH(of), 3);
}

static void put_turns(struct made *m, const char *key, int n)
{
    json_begin_object(&m->o, key);
    json_begin_array(&m->o, "input_text");
    for (; n > 0; n--)
        put(m, NULL, WORDS, 4);
    json_end_array(&m->o);
    json_end_object(&m->o);
}

static void make_coqa(struct made *m)
{
    int n = 1 + cases_below(m->c, 2), people;
    char key[16];

    json_begin_object(&m->o, "questions");
    json_begin_array(&m->o, "input_text");
    for (int i = 0; i < n; i++)
        json_put_str(&m->o, NULL, "q");
    json_end_array(&m->o);
    json_end_object(&m->o);
    put_turns(m, "answers", n);
    people = cases_below(m->c, 4);
    json_begin_object(&m->o, "additional_answers");
    for (int i = 0; i < people; i++) {
        snprintf(key, sizeof key, "%d", i);
        put_turns(m, key, n);
    }
    json_end_object(&m->o);
    add(m, &m->answer, WORDS, 4);
}

/* One answer as DROP keeps it; its parts go to three texts of JSON. */
static void drop_answer(struct made *m, struct strbuf *number, struct strbuf *date,
                        struct strbuf *spans)
{
    static const char *const numbers[] = {"", "3", "42.0"};
    struct json_out own = m->o, o = JSON_OUT(spans);
    int k = cases_below(m->c, 3);

    strbuf_addf(number, "\"%s\"", numbers[k]);
    strbuf_adds(date, "{\"day\": \"\", \"month\": \"\", \"year\": \"\"}");
    m->o = o;
    if (k)
        strbuf_adds(spans, "[]");
    else
        put_list(m, NULL, WORDS, 3, 3);
    m->o = own;
}

static void make_drop(struct made *m)
{
    struct strbuf parts[3] = {STRBUF_INIT, STRBUF_INIT, STRBUF_INIT};
    static const char *const names[] = {"number", "date", "spans"};

    drop_answer(m, &parts[0], &parts[1], &parts[2]);
    json_begin_object(&m->o, "answer");
    for (int i = 0; i < 3; i++)
        json_put_raw(&m->o, names[i], strbuf_str(&parts[i]));
    json_end_object(&m->o);
    for (int i = 0; i < 3; i++) {
        strbuf_clear(&parts[i]);
        strbuf_addc(&parts[i], '[');
    }
    for (int n = cases_below(m->c, 3), i = 0; i < n; i++) {
        for (int k = 0; k < 3 && i; k++)
            strbuf_addc(&parts[k], ',');
        drop_answer(m, &parts[0], &parts[1], &parts[2]);
    }
    json_begin_object(&m->o, "validated_answers");
    for (int i = 0; i < 3; i++) {
        strbuf_addc(&parts[i], ']');
        json_put_raw(&m->o, names[i], strbuf_str(&parts[i]));
        strbuf_release(&parts[i]);
    }
    json_end_object(&m->o);
    add(m, &m->answer, WORDS, 5);
}

static void make_target(struct made *m)
{
    put(m, "target", WORDS, 3);
    answer(m);
}

static void make_boxes(struct made *m)
{
    static const char *const of[] = {"12", "{3}", "x", "\\frac", "{1}", "2", "3", " ", "\\sqrt",
                                     "=", "0.5", "/"};
    static const char *const said[] = {"so ", "it is "};
    struct strbuf box = STRBUF_INIT, solution = STRBUF_INIT;

    add(m, &box, of, LENGTH(of), 5);
    add(m, &solution, said, 2, 2);
    strbuf_addf(&solution, "\\boxed{%s}.", strbuf_str(&box));
    json_put_str(&m->o, "solution", strbuf_str(&solution));
    if (cases_below(m->c, 3))
        add(m, &m->answer, tex, LENGTH(tex), 9);
    else
        strbuf_addf(&m->answer, "$%s$", strbuf_str(&box));
    strbuf_release(&box);
    strbuf_release(&solution);
}

static void make_column(struct made *m)
{
    static const char *const of[] = {"12", "3", "\\frac{1}{2}", "204"};
    const char *v = of[cases_below(m->c, 4)], *key = cases_below(m->c, 2) ? "Answer" : "answer";
    int k = cases_below(m->c, 4);
    struct strbuf random = STRBUF_INIT;

    json_put_str(&m->o, key, v);
    add(m, &random, tex, LENGTH(tex), 9);
    strbuf_addf(&m->answer, k == 0 ? "%s" : k == 1 ? "$%s$" : k == 2 ? "so \\boxed{%s}" : "%s ",
                k == 0 ? strbuf_str(&random) : v);
    strbuf_release(&random);
}

static void make_found(struct made *m)
{
    static const char *const of[] = {"12", "3.0", "-7", "0.5", "x = 4", "204.25"};
    static const char *const forms[] = {"", "the $%s$", "so $\\boxed{%s}$", "a = %s.", "%s "};
    struct strbuf first = STRBUF_INIT, last = STRBUF_INIT;
    const char *v = of[cases_below(m->c, 6)];
    int k = cases_below(m->c, 5);

    json_put_str(&m->o, "answer", v);
    add(m, &first, tex, LENGTH(tex), 9);
    add(m, &last, tex, LENGTH(tex), 2);
    if (k == 0)
        strbuf_adds(&m->answer, strbuf_str(&first));
    else
        strbuf_addf(&m->answer, forms[k], v);
    if (k == 4)
        strbuf_adds(&m->answer, strbuf_str(&last));
    strbuf_release(&first);
    strbuf_release(&last);
}

static void make_truths(struct made *m)
{
    put_list(m, "correct_answers", WORDS, 8, 3);
    put_list(m, "incorrect_answers", WORDS, 8, 3);
    answer(m);
}

static void make_summary(struct made *m)
{
    put(m, cases_below(m->c, 2) ? "target" : "summary", WORDS, 10);
    answer(m);
}

static void make_feelings(struct made *m)
{
    static const char *const of[] = {"Joy", "Fear", "Hope", "Anger"};
    struct strbuf b = STRBUF_INIT;

    for (int i = 0; i < 4; i++)
        strbuf_addf(&b, "%s'emotion%d': '%s', 'emotion%d_score': '%d'", i ? ", " : "{", i + 1,
                    of[i], i + 1, cases_below(m->c, 11));
    strbuf_addc(&b, '}');
    json_put_str(&m->o, "reference_answer_fullscale", strbuf_str(&b));
    strbuf_release(&b);
    for (int i = 0; i < 4; i++) {
        const char *name = cases_below(m->c, 12) ? of[i] : "Envy";
        strbuf_addf(&m->answer, "%s: %d\n", name, cases_below(m->c, 11));
    }
    if (!cases_below(m->c, 5))
        strbuf_adds(&m->answer, "Joy: 3");
}

static void make_pair(struct made *m)
{
    likelihoods(m, 2);
}

static void make_four(struct made *m)
{
    likelihoods(m, 4);
}

static void make_gold_list(struct made *m)
{
    static const char *const of[] = {"a", "Bee", "ü", "一二", "two words", "x", "É."};

    for (int i = 0; i < 4; i++) {
        struct strbuf b = STRBUF_INIT;
        add(m, &b, of, LENGTH(of), 2);
        snprintf(m->texts[i], sizeof m->texts[i], "%sc", strbuf_str(&b));
        strbuf_release(&b);
    }
    json_begin_array(&m->o, "gold");
    for (int n = 1 + cases_below(m->c, 2); n > 0; n--)
        json_put_int(&m->o, NULL, cases_below(m->c, 4));
    json_end_array(&m->o);
    likelihoods(m, 4);
}

static void make_rank(struct made *m)
{
    char letter[2] = {(char)('A' + cases_below(m->c, 4)), 0};

    json_put_str(&m->o, "answers", letter);
    likelihoods(m, 4);
}

static void make_bbq(struct made *m)
{
    static const char *const groups[] = {"F", "M", "old", "poor"};
    static const char *const types[] = {"pro-stereo", "anti-stereo", "n/a"};
    char text[32];

    json_put_int(&m->o, "label", cases_below(m->c, 3));
    json_put_str(&m->o, "context_condition", cases_below(m->c, 2) ? "disambig" : "ambig");
    json_put_str(&m->o, "question_polarity", cases_below(m->c, 2) ? "nonneg" : "neg");
    json_put_str(&m->o, "question_type", types[cases_below(m->c, 3)]);
    json_begin_object(&m->o, "answer_info");
    for (int i = 0; i < 2; i++) {
        json_begin_array(&m->o, i ? "ans1" : "ans0");
        json_put_str(&m->o, NULL, i ? "y" : "x");
        snprintf(text, sizeof text, i ? "z, %s" : "%s", groups[cases_below(m->c, 4)]);
        json_put_str(&m->o, NULL, text);
        json_end_array(&m->o);
    }
    json_end_object(&m->o);
    json_begin_array(&m->o, "stereotyped_groups");
    for (int i = 0; i < 2; i++)
        json_put_str(&m->o, NULL, groups[cases_below(m->c, 4)]);
    json_end_array(&m->o);
    likelihoods(m, 5);
}

/* The next document through the way. */
static void score(const struct result_way *way, const char *arg, void (*make)(struct made *m),
                  struct cases *c, double *values, double *weights)
{
    struct made m = {.c = c, .json = STRBUF_INIT, .answer = STRBUF_INIT};
    struct err e = ERR_NONE;
    struct result_in in = {.arg = arg, .ll = m.ll, .choices = m.choices};
    cJSON *doc;

    m.o = JSON_OUT(&m.json);
    for (int i = 0; i < 8; i++)
        m.choices[i] = m.texts[i];
    json_begin_object(&m.o, NULL);
    make(&m);
    json_end_object(&m.o);
    doc = json_parse(m.json.s, m.json.len, "made", &e);
    if (!doc)
        fail_msg("%s: %s", e.text, m.json.s);
    in.doc = doc;
    in.answer = strbuf_str(&m.answer);
    in.n = m.n;
    for (int i = 0; i < WAY_METRICS; i++)
        weights[i] = 1;
    if (way->score(&in, values, weights, &e) < 0)
        fail_msg("%s: %s: %s", way->name, e.text, m.json.s);
    json_free(doc);
    strbuf_release(&m.json);
    strbuf_release(&m.answer);
}

static const struct {
    const char *way, *arg;
    void (*make)(struct made *m);
    uint64_t seed;
    double sums[BLOCKS];
} rows[] = {
    {"squad", NULL, make_squad, 31,
     {295.164729715, 210.366017316, 259.725624376, 266.768181818, 325.538550339,
      294.395898546, 286.827922078, 272.9002553, 325.702369852, 249.911810412}},
    {"squad_list", NULL, make_squad_list, 32,
     {278.617099567, 250.532178932, 302.231712732, 227.989488289, 386.138272838,
      320.381890332, 299.588256188, 346.402669553, 336.004251304, 249.716738817}},
    {"mlqa", "de", make_answers, 33,
     {374.761760462, 430.777888778, 430.826445776, 416.470851371, 425.477944278,
      368.513036963, 376.665284715, 368.539022089, 400.184271284, 408.2504329}},
    {"mlqa", "zh", make_answers, 33,
     {385.236990787, 484.264607615, 448.538522915, 459.358574759, 469.96021201, 403.60996781,
      418.491219891, 406.724797425, 433.308041958, 429.233100233}},
    {"longbench_qa", NULL, make_answers, 34,
     {477.765589966, 455.007597958, 535.832889333, 566.690836941, 465.647219447,
      494.975996226, 479.434831835, 465.679387279, 545.239305139, 552.538844489}},
    {"longbench_count", NULL, make_count, 35,
     {967.913095238, 830.411904762, 907.880952381, 969.098809524, 1014.927380952,
      962.751190476, 966.502380952, 961.954761905, 991.451190476, 959.930952381}},
    {"longbench_retrieval", "Paragraph ", make_paragraph, 36,
     {2286.271428571, 2173.591666667, 2107.135714286, 2241.529761905, 2364.691666667,
      2139.705952381, 2266.771428571, 2204.011904762, 2276.244047619, 2192.469047619}},
    {"longbench_class", NULL, make_class, 37,
     {288.5, 274.583333333, 341.75, 269.25, 353.5, 298.083333333, 329.916666667,
      313.083333333, 251.083333333, 306.166666667}},
    {"coqa", "input_text", make_coqa, 38,
     {1182.347619048, 1194.970238095, 994.363492063, 1181.234126984, 1080.380555556,
      1247.508333333, 1140.952380952, 1058.321428571, 1092.971825397, 1057.677777778}},
    {"drop", NULL, make_drop, 39,
     {233.96, 269.9, 326.6, 289.03, 290.07, 375.99, 268.92, 269.91, 251.54, 331}},
    {"contained", NULL, make_target, 40,
     {1186, 1206, 1245, 1171, 1264, 1313, 1230, 1300, 1322, 1238}},
    {"math_boxes", NULL, make_boxes, 41,
     {1456, 1368, 1501, 1432, 1379, 1460, 1473, 1328, 1369, 1512}},
    {"math_column", NULL, make_column, 42,
     {3028, 2919, 3004, 3055, 3045, 2961, 3010, 3058, 3075, 2995}},
    {"math_found", "numbers", make_found, 43,
     {2630, 2599, 2572, 2549, 2484, 2676, 2523, 2524, 2451, 2529}},
    {"math_found_acc", NULL, make_found, 44,
     {2687, 2425, 2696, 2461, 2452, 2525, 2538, 2510, 2598, 2502}},
    {"truth_all", NULL, make_truths, 45,
     {95467.364031861, 99864.566298983, 112007.035693346, 82426.414227289, 90411.031632998,
      93539.353665721, 101144.67442101, 108116.371970868, 103669.220461202,
      110563.687379179}},
    {"summary", NULL, make_summary, 46,
     {283.039983709, 276.20023865, 252.312087912, 286.494394494, 264.620712621,
      250.165551116, 254.951362526, 265.314599126, 222.303102453, 249.06546509}},
    {"feelings", NULL, make_feelings, 47,
     {320030.784583932, 305544.909844718, 323361.457886277, 318937.822408117,
      316038.263267991, 317521.463632419, 309366.340406456, 317226.546168008,
      318752.123290874, 318526.164637541}},
    {"stereotype", NULL, make_pair, 51,
     {90555.453125, 84697.25, 91947.96875, 87466.703125, 87750.59375, 83601.34375,
      87128.703125, 85450.765625, 89537.59375, 87598.546875}},
    {"occupation", NULL, make_four, 52,
     {1320.311526992, -908.190902176, 4157.75217954, -2863.264198868, 2362.522452698,
      -3650.497322414, 943.450155365, -2969.347575826, 3184.94713145, 1802.463860248}},
    {"gold_list", NULL, make_gold_list, 53,
     {2618, 2712, 2778, 2769, 2828, 2724, 2933, 2695, 2498, 2689}},
    {"rank", NULL, make_rank, 54,
     {5434.916666667, 4985.083333333, 5004.583333333, 4930.5, 5146, 5250.833333333,
      5269.166666667, 5161.833333333, 5124.083333333, 5055.416666667}},
};

static void every_way_is_the_original_on_10000_documents(void **state)
{
    (void)state;
    for (int row = 0; row < LENGTH(rows); row++) {
        const struct result_way *way = result_way_find(rows[row].way);
        struct cases c = {rows[row].seed};
        assert_non_null(way);
        for (int b = 0; b < BLOCKS; b++) {
            double sum = 0, values[WAY_METRICS], weights[WAY_METRICS];
            for (int i = 0; i < DOCS; i++) {
                score(way, rows[row].arg, rows[row].make, &c, values, weights);
                for (int k = 0; k < WAY_METRICS && way->metrics[k].name; k++)
                    sum += values[k] * (1 + (i + k) % 7);
            }
            if (!(sum > rows[row].sums[b] - 1e-5 && sum < rows[row].sums[b] + 1e-5))
                fail_msg("%s, block %d: %.9f, not %.9f", way->name, b, sum, rows[row].sums[b]);
        }
    }
    assert_int_equal(mem_live(), 0);
}

/* Ten corpora of 1,000 documents, four numbers each. */
static void the_scores_of_bbq_are_the_originals(void **state)
{
    static const double want[4 * BLOCKS] = {
        0.3193916349809886, 0.3080168776371308, 0.009505703422053232, 0.04481157542382036,
        0.3051181102362205, 0.3800813008130081, 0.03346456692913386, 0.04441698417602036,
        0.33067729083665337, 0.3654618473895582, -0.013944223107569721,
        -0.05190867868817883, 0.33663366336633666, 0.30505050505050507,
        0.02178217821782178, -0.023254420137848397, 0.34535104364326374,
        0.34249471458773784, -0.0056925996204933585, -0.002909338063425193,
        0.3069306930693069, 0.298989898989899, -0.02178217821782178, 0.009499536607970371,
        0.3469387755102041, 0.3431372549019608, 0.0020408163265306124,
        -0.06278637770897832, 0.3489795918367347, 0.3176470588235294, 0.00816326530612245,
        0.0038447353863175215, 0.3422131147540984, 0.306640625, -0.0471311475409836,
        -0.011467723833315235, 0.3406813627254509, 0.3912175648702595,
        -0.012024048096192385, -0.013094938302694537};
    static double v[4][DOCS], w[4][DOCS];
    const struct result_way *way = result_way_find("bbq");
    struct cases c = {55};
    (void)state;
    for (int b = 0; b < BLOCKS; b++) {
        for (int i = 0; i < DOCS; i++) {
            double values[WAY_METRICS], weights[WAY_METRICS];
            score(way, NULL, make_bbq, &c, values, weights);
            for (int k = 0; k < 4; k++) {
                v[k][i] = values[k];
                w[k][i] = weights[k];
            }
        }
        for (int k = 0; k < 4; k++) {
            struct estimate got;
            assert_int_equal(aggregate(way->metrics[k].aggregation, v[k], w[k], DOCS, 0, &got,
                                       NULL), 0);
            assert_close(got.value, want[4 * b + k], 1e-12);
        }
    }
}

static void aggregations_of_classes_are_the_originals(void **state)
{
    static const double polarity[BLOCKS] = {
        0.4909890047647322, 0.5045833546012197, 0.5129937168488132, 0.48746430439794286,
        0.5134368299537796, 0.4977828645197894, 0.5059176776385961, 0.49045183096654704,
        0.4744590203554523, 0.5063904860029618};
    static const double three[BLOCKS] = {
        0.32450692106247664, 0.33846931269394104, 0.339344343224756, 0.30800377875187085,
        0.3624659030157226, 0.3343210384793324, 0.3476432149344573, 0.3242961806707581,
        0.30833017237954685, 0.35590578898826153};
    static double v[DOCS], w[DOCS];
    struct estimate got;
    struct cases c = {56};
    (void)state;
    for (int b = 0; b < BLOCKS; b++) {
        for (int i = 0; i < DOCS; i++) {
            w[i] = cases_below(&c, 4);
            v[i] = cases_below(&c, 4);
        }
        assert_int_equal(aggregate("polarity_f1", v, w, DOCS, 0, &got, NULL), 0);
        assert_close(got.value, polarity[b], 1e-12);
        for (int i = 0; i < DOCS; i++) {
            w[i] = (int)w[i] % 3;
            v[i] = (int)v[i] % 3;
        }
        assert_int_equal(aggregate("three_f1", v, w, DOCS, 0, &got, NULL), 0);
        assert_close(got.value, three[b], 1e-12);
    }
}

/* Minerva's, and the leaderboard's for which the same text is right, too; then what math-verify says of
 * the whole reply. */
static void final_answers_are_computed_as_the_originals_do(void **state)
{
#define SAYS(answer) "Final Answer: The final answer is " answer ". I hope it is correct."
    static const struct { const char *said, *answer; int minerva, hard, verified; } cases[] = {
        {SAYS("$\\frac{1}{2}$"), "0.5", 1, 1, 1},
        {"$x$. " SAYS("$2\\sqrt{2}$"), "\\sqrt{8}", 1, 1, 1},
        {SAYS("$(1,2)$"), "(1,2)", 0, 1, 1}, {"It is 4.", "4", 0, 0, 1},
        {SAYS("$3,4$"), "3,5", 0, 0, 0}, {SAYS("x=1,000"), "1000", 1, 1, 1},
        {SAYS("\\text{east}"), "\\text{east}", 0, 1, 0},
        {SAYS("$\\begin{pmatrix}1\\\\2\\end{pmatrix}$"),
         "\\begin{pmatrix}1\\\\2\\end{pmatrix}", 0, 1, 1},
        {SAYS("5 cm"), "5", 1, 1, 1}, {"Final Answer: The final answer is 12.", "12", 0, 0, 1},
        {SAYS("[2,5)"), "[2,5)", 0, 1, 0}, {"no", "[invalidanswer]", 1, 0, 0},
    };
    const struct result_way *minerva = result_way_find("minerva"), *hard = result_way_find("math_hard");
    (void)state;
    assert_string_equal(minerva->metrics[0].name, "exact_match");
    assert_string_equal(minerva->metrics[1].name, "math_verify");
    assert_string_equal(hard->metrics[0].name, "exact_match_original");
    assert_string_equal(hard->metrics[1].name, "exact_match");
    for (int i = 0; i < LENGTH(cases); i++) {
        cJSON *doc = cJSON_CreateObject();
        struct result_in in = {.doc = doc, .answer = cases[i].said};
        double value[2] = {-1, -1}, weight[2] = {1, 1};
        struct err e = ERR_NONE;
        char solution[200];
        snprintf(solution, sizeof solution, "So it is $\\boxed{%s}$.", cases[i].answer);
        assert_non_null(cJSON_AddStringToObject(doc, "answer", cases[i].answer));
        assert_non_null(cJSON_AddStringToObject(doc, "solution", solution));
        assert_int_equal(minerva->score(&in, value, weight, &e), 0);
        if (value[0] != cases[i].minerva || value[1] != cases[i].verified)
            fail_msg("%s, %s: Minerva", cases[i].said, cases[i].answer);
        assert_int_equal(hard->score(&in, value, weight, &e), 0);
        if (value[0] != cases[i].hard || value[1] != cases[i].verified)
            fail_msg("%s, %s: leaderboard", cases[i].said, cases[i].answer);
        json_free(doc);
    }
}

/* A document that is nothing like what the way reads is an error that says what is missing. */
static void a_document_of_another_task_is_an_error(void **state)
{
    (void)state;
    for (int row = 0; row < LENGTH(rows); row++) {
        const struct result_way *way = result_way_find(rows[row].way);
        cJSON *doc = json_parse("{\"answers\": 3, \"x\": null}", 25, "d", NULL);
        struct result_in in = {.doc = doc, .arg = rows[row].arg, .answer = "a"};
        double values[WAY_METRICS], weights[WAY_METRICS];
        struct err e = ERR_NONE;
        int rc = way->score(&in, values, weights, &e);
        assert_true(rc == 0 || (e.code == ERR_FORMAT && *e.text));
        json_free(doc);
    }
    assert_int_equal(mem_live(), 0);
}

static void scoring_survives_every_failed_allocation(void **state)
{
    (void)state;
    for (int row = 0; row < LENGTH(rows); row++) {
        const struct result_way *way = result_way_find(rows[row].way);
        struct made m = {.json = STRBUF_INIT, .answer = STRBUF_INIT};
        struct cases c = {rows[row].seed};
        struct result_in in = {.arg = rows[row].arg, .ll = m.ll, .choices = m.choices};
        cJSON *doc;
        int rc = -1;
        m.c = &c;
        m.o = JSON_OUT(&m.json);
        json_begin_object(&m.o, NULL);
        rows[row].make(&m);
        json_end_object(&m.o);
        for (int i = 0; i < 8; i++)
            m.choices[i] = m.texts[i];
        doc = json_parse(m.json.s, m.json.len, "made", NULL);
        in.doc = doc;
        in.answer = strbuf_str(&m.answer);
        in.n = m.n;
        for (int nth = 0; rc < 0; nth++) {
            double values[WAY_METRICS], weights[WAY_METRICS];
            struct err e = ERR_NONE;
            size_t live = mem_live();
            mem_fail_at(nth);
            rc = way->score(&in, values, weights, &e);
            mem_fail_at(-1);
            if (rc < 0)
                assert_int_equal(e.code, ERR_NOMEM);
            assert_int_equal(mem_live(), live);
        }
        json_free(doc);
        strbuf_release(&m.json);
        strbuf_release(&m.answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_is_the_original_on_10000_documents),
        cmocka_unit_test(the_scores_of_bbq_are_the_originals),
        cmocka_unit_test(aggregations_of_classes_are_the_originals),
        cmocka_unit_test(final_answers_are_computed_as_the_originals_do),
        cmocka_unit_test(a_document_of_another_task_is_an_error),
        cmocka_unit_test(scoring_survives_every_failed_allocation),
    };
    return RUN(tests);
}
