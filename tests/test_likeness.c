/* How like an answer is to a reference: 10,000 random pairs for each row against the functions that
 * lm-eval 0.4.11's tasks use (rouge_score 0.1.2, sacrebleu 2.6.0's corpus_bleu of one text with
 * tokenize="intl", code_x_glue's smoothed_bleu_4, transformers' squad_metrics, longbench's
 * qa_f1_score, french_bench's exact and f1, mlqa's two for each language, masakhaner's
 * span_f1_agg).
 *
 * Texts are up to `most` of the pieces below, drawn by tests/lmeval_cases.h, the answer before the
 * reference; a number is the sum over 1,000 pairs of value * (1 + i mod 7). */
#include "tests/test.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "tasks/likeness.h"
#include "tasks/overlap.h"
#include "tests/lmeval_cases.h"

enum { BLOCKS = 10, PAIRS = 1000 };
#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const char *const pieces[] = {
    "the ", "The", "a ", "an", " cat", "cats ", "Dog", ". ", ",", " . ", "\n", "é", "É ", "它",
    "狗 ", "ال", "البيت ", "của ", "die ", "der ", "le ", "un ", "el ", "3", "42 ", "3.5", "$",
    "$$", ": ", "per: ", "LOC:", " none", "!", "—", "_x", "state-of ", "\t", "और ", "ß", "dog ",
};
static const char *const spans[] = {
    "per: ", "per: Ann $ ", "loc: ", "Ann", "the ", "Rome", " a ", " $ ", "$$", ",", ". ", "•",
    "—", "\n", "\\", "  \t ", "   ", "per: Ann. ", "loc: the Rome, ", "_", "loc: Rome$$",
};

static void draw(struct strbuf *b, struct cases *c, const char *const *of, int n_of, int most)
{
    strbuf_clear(b);
    for (int n = cases_below(c, most + 1); n > 0; n--)
        strbuf_adds(b, of[cases_below(c, n_of)]);
}

static const struct {
    const char *name;
    uint64_t seed;
    double sums[BLOCKS];
} rows[] = {
    {"rouge1", 1,
     {311.620884181, 319.226845377, 313.835593818, 286.882233779, 313.108371694,
      359.478656148, 299.871163314, 371.869979968, 306.828338492, 341.883053548}},
    {"rouge2", 1,
     {33.234379509, 42.932622933, 40.816108891, 30.892807923, 42.220718171, 44.925513376,
      23.885231435, 57.211105561, 32.393861694, 50.88958264}},
    {"rougeL", 1,
     {295.064762525, 301.755533356, 295.189961672, 265.017764915, 291.240617879,
      335.430284585, 282.533507995, 355.22696057, 285.66224772, 320.532617383}},
    {"rougeLsum", 1,
     {296.933810144, 303.172200022, 296.642342625, 268.944538142, 293.016808355,
      338.434355514, 283.944222281, 353.853223196, 291.316093873, 325.19019314}},
    {"bleu_intl", 2,
     {8322.522521737, 8944.404743539, 8831.605220469, 8981.760959682, 8609.651358597,
      9180.934720061, 8088.923003293, 8677.294481769, 8976.929939288, 8692.42002894}},
    {"smoothed_bleu_4", 3,
     {32033.726196826, 28381.031693269, 27753.439141163, 26765.263367504, 27961.018213664,
      28670.747708939, 26995.014259397, 27775.33875975, 29237.10864988, 27002.349110089}},
    {"squad_em", 4,
     {83, 17, 30, 56, 90, 38, 89, 38, 34, 51}},
    {"squad_f1", 4,
     {229.233049304, 173.82991453, 187.462709513, 214.254551005, 240.776961927,
      206.556010656, 251.546764347, 189.753118124, 178.899078699, 225.655205905}},
    {"words_f1", 5,
     {170.106704407, 129.053585793, 153.402428127, 175.466772117, 175.019447219,
      155.666532814, 144.526606727, 160.988006438, 169.168578644, 131.173559774}},
    {"fquad_em", 6,
     {68, 73, 32, 54, 31, 24, 67, 38, 46, 72}},
    {"fquad_f1", 6,
     {250.586274836, 225.762676213, 181.494044844, 224.360972361, 191.651143301,
      196.856254856, 250.51968587, 226.855643703, 192.785625486, 256.237867688}},
    {"mlqa_em_en", 7,
     {30, 65, 33, 56, 82, 37, 69, 84, 36, 38}},
    {"mlqa_f1_en", 7,
     {159.954650905, 178.54019869, 189.366100566, 170.761399711, 175.066971917,
      181.984820735, 148.616539017, 168.681568432, 136.33028638, 159.009102009}},
    {"mlqa_em_es", 7,
     {46, 64, 30, 56, 76, 42, 46, 66, 44, 31}},
    {"mlqa_f1_es", 7,
     {170.132023532, 177.976595627, 198.307553558, 173.491242091, 179.513719614,
      180.148455793, 158.25009435, 171.697718948, 144.775235875, 192.28035298}},
    {"mlqa_em_hi", 7,
     {22, 53, 30, 40, 71, 37, 39, 65, 32, 24}},
    {"mlqa_f1_hi", 7,
     {172.338322788, 184.345898546, 206.426398601, 185.865057165, 185.818964369,
      189.706753051, 163.948612499, 181.984176934, 151.408539173, 191.486973811}},
    {"mlqa_em_vi", 7,
     {29, 56, 42, 42, 74, 37, 39, 75, 33, 24}},
    {"mlqa_f1_vi", 7,
     {169.2504884, 179.218403818, 200.854029304, 183.617538018, 186.856848707, 185.040524835,
      163.64049284, 176.423765124, 143.023809524, 186.642327117}},
    {"mlqa_em_de", 7,
     {32, 62, 33, 51, 75, 43, 44, 68, 38, 24}},
    {"mlqa_f1_de", 7,
     {164.954223554, 175.919169719, 203.59001554, 178.067177267, 175.834970585,
      182.091408591, 157.430808081, 174.987090687, 145.276268176, 190.440559441}},
    {"mlqa_em_ar", 7,
     {22, 54, 33, 45, 85, 53, 39, 75, 37, 34}},
    {"mlqa_f1_ar", 7,
     {210.468534244, 204.315279165, 221.797363747, 208.194067044, 204.504789655,
      212.080340574, 196.408219558, 205.424081474, 173.646800912, 223.520250338}},
    {"mlqa_em_zh", 7,
     {22, 53, 30, 40, 71, 37, 39, 65, 32, 24}},
    {"mlqa_f1_zh", 7,
     {204.318791992, 219.59955045, 242.578934954, 223.29547397, 223.766095016, 234.358420218,
      191.975, 212.870805991, 188.123008038, 215.903572898}},
};

static void every_likeness_is_the_originals_on_10000_pairs(void **state)
{
    struct strbuf a = STRBUF_INIT, r = STRBUF_INIT;
    (void)state;
    for (int row = 0; row < LENGTH(rows); row++) {
        const struct likeness *l = likeness_find(rows[row].name);
        struct cases c = {rows[row].seed};
        assert_non_null(l);
        for (int k = 0; k < BLOCKS; k++) {
            double sum = 0, v;
            for (int i = 0; i < PAIRS; i++) {
                draw(&a, &c, pieces, LENGTH(pieces), 12);
                draw(&r, &c, pieces, LENGTH(pieces), 12);
                assert_int_equal(l->of(l, strbuf_str(&a), strbuf_str(&r), &v, NULL), 0);
                sum += v * (1 + i % 7);
            }
            if (!(sum > rows[row].sums[k] - 1e-6 && sum < rows[row].sums[k] + 1e-6))
                fail_msg("%s, block %d: %.9f, not %.9f", rows[row].name, k, sum,
                         rows[row].sums[k]);
        }
    }
    strbuf_release(&a);
    strbuf_release(&r);
    assert_int_equal(mem_live(), 0);
}

/* Ten corpora of 1,000 answers. */
static void the_f1_of_spans_is_the_originals(void **state)
{
    static const double want[BLOCKS] = {
        0.09965237543448074, 0.09567901234562902, 0.0779537149816796, 0.08304229724480842,
        0.0823620823620325, 0.08455156064791527, 0.08161582852426988, 0.09467455621296776,
        0.08270377733593409, 0.08505657432691065};
    static double values[PAIRS], weights[PAIRS];
    const struct overlap *o = overlap_find("span_f1");
    struct strbuf a = STRBUF_INIT, r = STRBUF_INIT;
    struct cases c = {8};
    (void)state;
    for (int k = 0; k < BLOCKS; k++) {
        for (int i = 0; i < PAIRS; i++) {
            draw(&a, &c, spans, LENGTH(spans), 14);
            draw(&r, &c, spans, LENGTH(spans), 14);
            assert_int_equal(o->count(strbuf_str(&a), strbuf_str(&r), &values[i], &weights[i],
                                      NULL), 0);
        }
        assert_close(o->score(values, weights, NULL, PAIRS), want[k], 1e-12);
    }
    strbuf_release(&a);
    strbuf_release(&r);
}

static void likeness_survives_every_failed_allocation(void **state)
{
    (void)state;
    for (int row = 0; row < LENGTH(rows); row++) {
        const struct likeness *l = likeness_find(rows[row].name);
        int rc = -1;
        for (int nth = 0; rc < 0; nth++) {
            struct err e = ERR_NONE;
            double v;
            mem_fail_at(nth);
            rc = l->of(l, "The cat.\nA dog 狗", "a cat\nsat, dog 狗", &v, &e);
            mem_fail_at(-1);
            assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
            assert_int_equal(mem_live(), 0);
        }
    }
}

/* A text of a million words is an error at once, not a table of 10^12 cells. */
static void texts_too_long_for_a_table_are_refused(void **state)
{
    static const char *const names[] = {"rouge1", "rougeL", "rougeLsum"};
    struct strbuf b = STRBUF_INIT;
    (void)state;
    for (int i = 0; i < 1000000; i++)
        strbuf_adds(&b, i % 2 ? "a " : "b ");
    for (int i = 0; i < LENGTH(names); i++) {
        struct err e = ERR_NONE;
        double v;
        const struct likeness *l = likeness_find(names[i]);
        assert_int_equal(l->of(l, strbuf_str(&b), strbuf_str(&b), &v, &e), -1);
        assert_int_equal(e.code, ERR_UNSUPPORTED);
    }
    strbuf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_likeness_is_the_originals_on_10000_pairs),
        cmocka_unit_test(the_f1_of_spans_is_the_originals),
        cmocka_unit_test(likeness_survives_every_failed_allocation),
        cmocka_unit_test(texts_too_long_for_a_table_are_refused),
    };
    return RUN(tests);
}
