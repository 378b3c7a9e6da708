/* Answers in TeX against lm-eval 0.4.11's minerva_math (SymPy 1.14 with a minute for each pair):
 * which pairs are equal, and how final answers are spelt.  Pairs are drawn by lmeval_cases.h; a
 * number is the FNV-1a hash of the verdicts ('0', '1') on 250 pairs, or of the texts of 1,000
 * answers.  Ten pairs of 10,000 are judged otherwise, and listed: logarithms to the base 1, and
 * texts that stop in the middle of an expression. */
#include "tests/test.h"

#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "tasks/minerva.h"
#include "tasks/texmath.h"
#include "tests/tex_pairs.h"

enum { FAMILY = 16, FAMILY_PAIRS = 6000, SOUP_PAIRS = 4000, STATED_BLOCKS = 10 };
#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const char *const pieces[] = {
    "1", "2", "3", "10", "0.5", ".", "x", "y", "+", "-", "*", "/", "(", ")", "{", "}", "[", "]",
    "^", "_", "\\frac", "\\frac{1}", "{2}", "\\sqrt", "\\sqrt{2}", "\\sin", "\\log", "\\pi", "|",
    "!", ",", ",000", "\\cdot", "\\left", "\\right", "\\text", "d", "dx", "'", " ", "\\log_",
    "\\sqrt[3]", "f(", "\\theta", "\\cos", "\\ln", "^{2}", "^2", "_1", "_{n}", "<", "\\lfloor",
    "\\rfloor", "\\binom{3}{2}", ":", "2x", "(x+1)", "%", "\\{", "\\}",
};

/* Ways to write what may be the same; <A> and others are numbers, see tex_pairs.h. */
static const char *const families[][FAMILY] = {
    {"\\frac{<A>}{<B>}", "<A>/<B>", "\\frac{2\\cdot<A>}{2\\cdot<B>}", "(<A>)/(<B>)",
     "\\frac<A><B>", "-\\frac{-<A>}{<B>}", "<A>\\div<B>", "<A>:<B>", "\\frac{<B>}{<A>}",
     "\\frac{<Q>}{<B>}-1"},
    {"0.<A>", "\\frac{<A>}{10}", ".<A>", "0.<A>0", "<A>\\cdot10^{-1}", "<A>\\times0.1", "0.<A>1",
     "\\frac{<A>}{10}+0"},
    {"\\sqrt{<S>}", "<A>\\sqrt{<C>}", "\\sqrt{<C>}\\cdot<A>", "<C>^{1/2}<A>",
     "<C>^{\\frac{1}{2}}<A>", "\\frac{<A><C>}{\\sqrt{<C>}}", "\\sqrt[4]{<C>^2}<A>",
     "<B>\\sqrt{<C>}", "\\sqrt{<A>}\\sqrt{<A>}\\sqrt{<C>}"},
    {"<A>+<B>\\sqrt{<C>}", "<B>\\sqrt{<C>}+<A>", "<A>-<B>\\sqrt{<C>}", "(<A>+<B>\\sqrt{<C>})",
     "\\frac{2\\cdot<A>+2\\cdot<B>\\sqrt{<C>}}{2}", "<A>+\\sqrt{<C>}<B>"},
    {"(x+<A>)(x-<B>)", "x^2+<D>x-<P>", "(x-<B>)(<A>+x)", "x^{2}-<P>+<D>x", "x^2+<Q>x+<P>",
     "(x+<A>)x-<B>x-<P>"},
    {"<N>", "<A>,00<B>", "<A>000+<B>", "<A>\\cdot10^3+<B>", "<A>,00<B>.0", "<A>00<B>", "<A>,0<B>",
     "<A>;00<B>", "<A> 00<B>"},
    {"<A>^{<B>}", "<A>^<B>", "<A>\\cdot<A>^{<B>-1}", "(<A>)^{<B>}", "-<A>^{<B>}", "{<A>}^{<B>}",
     "(<A>^<B>)", "<A>^{-<B>}", "\\frac{1}{<A>^{-<B>}}"},
    {"\\frac{<A>\\pi}{<B>}", "\\frac{<A>}{<B>}\\pi", "<A>\\pi/<B>", "\\pi\\frac{<A>}{<B>}",
     "<A>\\frac{\\pi}{<B>}", "\\frac{\\pi}{<B>}", "<A>\\pi"},
    {"(<A>,<B>)", "(<A>, <B>)", "[<A>,<B>]", "<A>,<B>", "<A>", "\\left(<A>,<B>\\right)", "<B>,<A>",
     "\\{<A>,<B>\\}", "\\{<A>\\}", "(-\\infty,<A>)"},
    {"\\sin <A>x", "\\sin(<A>x)", "\\cos <A>x\\tan <A>x", "\\sin{<A>x}", "1",
     "\\sin^2 <A>x+\\cos^2 <A>x", "\\sin^{2}<A>x+\\cos^{2}<A>x", "\\sec x\\cos x",
     "\\frac{1}{\\csc(<A>x)}", "\\sin^{-1}<A>x", "\\arcsin(<A>x)"},
    {"\\log_2 <A>", "\\frac{\\ln <A>}{\\ln 2}", "\\log_{2}{<A>}", "\\log <A>", "\\ln <A>",
     "\\ln(<A>)", "\\log_{<A>}(<A>^<B>)", "<B>", "\\lg(10^<B>)"},
    {"\\frac{x+<A>}{x+<B>}", "\\frac{<A>+x}{<B>+x}", "1+\\frac{<D>}{x+<B>}", "(x+<A>)/(x+<B>)",
     "\\frac{2x+2\\cdot<A>}{2x+2\\cdot<B>}", "(x+<A>)(x+<B>)^{-1}", "x+<A>/x+<B>"},
    {"<A>+<B>i", "<B>i+<A>", "<A>-<B>i", "i<B>+<A>", "(<A>+i<B>)", "i^2", "-1"},
    {"x(x+<A>)", "x(<A>+x)", "x^2+<A>x", "(x+<A>)x", "f(<A>)", "f(<A>+0)", "f'(<A>)", "2x(x+<A>)",
     "a_<A>+b", "b+a_{<A>}"},
    {"|<D>|", "|-<D>|", "|<A>-<B>|", "<D>", "|x-<A>|", "|<A>-x|",
     "\\lfloor\\frac{<P>}{<B>}\\rfloor", "<A>", "\\lceil<A>.5\\rceil"},
    {"<A>!", "\\binom{<A>}{<B>}", "<A>(<A>-1)!", "\\frac{<A>!}{<B>!}", "\\binom{<Q>}{<A>}",
     "\\binom{<Q>}{<B>}", "<A>\\cdot(<A>-1)!"},
    {"east", "\\text{east}", "seat", "EAST", "A", "B", "\\text{(A)}", "(A)", "odd", "x", "2x",
     "x2", "<A>x<B>", "<A>\\times<B>", "<P>"},
    {"\\begin{pmatrix}<A>\\\\<B>\\end{pmatrix}", "<A>", "x>5", "x=<A>", "x\\ge<A>", "<A><",
     "x\\in[<A>,<B>]", "\\emptyset", "<A>\\%", "<A>^\\circ", "<A>_{<B>}"},
    {"2^{x+<A>}", "2^x\\cdot2^<A>", "2^{<A>+x}", "4^{\\frac{x+<A>}{2}}", "x^{<A>}x^{<B>}",
     "x^{<Q>}", "x^<A>x^<B>", "(x^<A>)^<B>", "x^{<P>}"},
    {"\\sqrt{x^2}", "x", "|x|", "\\sqrt{x}\\sqrt{x}", "\\sqrt{x}^2", "\\sqrt{<A>x}",
     "\\sqrt{<A>}\\sqrt{x}", "\\sqrt[3]{8x^3}", "2x", "\\sqrt[3]{<A>}^3", "<A>"},
};

static const char *const stated[] = {
    "Final Answer: The final answer is", "Final Answer: The final answer is $",
    " I hope it is correct.", ". I hope it is correct.", "$", "$.", "12", "1,000", "3,4", "\\frac",
    "12", "\\frac{1}{2}", "\\sqrt", "\\sqrt{2}", "3", "\\text{", "\\text{s}", "\\text{m}", "}",
    "{", "an ", "a ", " ", "\\$", "\\ ", "mbox{", "square", "units", "inches", "sue", "^\\circ",
    "^{\\circ}", "\\;", ",\\!", "{,}", "\"", "\\dots", "\\ldots", "=", "x=", "\\boxed{",
    "\\textbf{", "\\overline{", "cm", "\n", "é", ".", "\\text{and}", "\\mathrm{th}", "degrees",
    "%", ",",
};

static void draw_family(struct cases *c, struct strbuf *a, struct strbuf *b)
{
    const char *const *family = families[cases_below(c, LENGTH(families))];
    struct tex_forms f = tex_forms(c, family, FAMILY);

    tex_form(c, &f, a);
    tex_form(c, &f, b);
}

static void draw_soup(struct cases *c, struct strbuf *a, struct strbuf *b)
{
    tex_soup(c, pieces, LENGTH(pieces), a, b);
}

static int are_equal(const void *none, const char *a, const char *b)
{
    (void)none;
    return tex_equal(a, b);
}

static void answers_that_mean_the_same_are_equal_where_sympy_says_so(void **state)
{
    static const uint64_t want[] = {
    0x75d0ce4289fef202, 0xf28bb400670b4e9d, 0xfa2a186feb4b2f97, 0x6094180f75f1a35b,
    0xa8f47c5b1494c6b6, 0xdf2f915adf0a6f3f, 0x6c524c49bed0d545, 0x8c343462a9ed4f83,
    0x2fdf325cd040ec58, 0xbdb612046b017b62, 0xea5319a346181211, 0xc9c8dbafab374e5a,
    0x97a747d423a4b11b, 0xcd25c5883853e04f, 0xcc80ecb92d491c18, 0xcec570e782d49f21,
    0x7375b8ebe42df37c, 0x41bf916a72ceef30, 0x461e54b5c9611fd6, 0xd6d3104ab4f8a565,
    0x6101fc13f35957ec, 0xa77f825012023674, 0x81ac10a03f8ee264, 0x60987f16c8d7e381,
    };
    static const int differ[] = {
    869, 1871, 2325, 5515, -1,
    };
    (void)state;
    tex_judge(draw_family, 71, FAMILY_PAIRS, are_equal, NULL, want, differ);
}

static void whatever_a_model_writes_is_read_as_sympy_reads_it(void **state)
{
    static const uint64_t want[] = {
    0x4e65c9ecedf067bc, 0x77f23cb662107f3d, 0x9c0174c71427a0c2, 0x57488e50cd8be6d4,
    0xdb5cc175f9343d7a, 0xd54cbfbdcbf631f0, 0xfa4beacbe9e02f26, 0x4a9ad65bd54a4299,
    0x0a9ffc82a956cccd, 0x1d304f2e0df53e6f, 0x49825d63aed6e2c9, 0xf2c1cdeb88259e7f,
    0x4fe53d86a5107e31, 0x0236f9a2270b17fa, 0x6e2db627a9080011, 0xe5866071cb0ce659,
    };
    static const int differ[] = {
    104, 350, 1477, 2866, 3204, 3532, -1,
    };
    (void)state;
    tex_judge(draw_soup, 72, SOUP_PAIRS, are_equal, NULL, want, differ);
}

static void final_answers_are_found_and_spelt_as_lm_eval_does(void **state)
{
    static const uint64_t want[STATED_BLOCKS] = {
        0x3855b59a7d349801, 0x5709b40dda0d35a8, 0xe150534c1be41d9f, 0x4f3e05b4a958353e,
        0xfb57a9a36adae6a4, 0x7c4e0e21441865be, 0x9b22590c2e21d72e, 0x469ceb8f5e9ced72,
        0x280fe752aacf54e3, 0x9b9f3291c77cf77a,
    };
    struct cases c = {73};
    struct strbuf text = STRBUF_INIT, found = STRBUF_INIT, spelt = STRBUF_INIT;
    (void)state;
    for (int block = 0; block < STATED_BLOCKS; block++) {
        uint64_t h = CASES_HASH;
        for (int i = 0; i < 1000; i++) {
            strbuf_clear(&text);
            strbuf_clear(&found);
            for (int n = 1 + cases_below(&c, 8); n > 0; n--)
                strbuf_adds(&text, stated[cases_below(&c, LENGTH(stated))]);
            assert_int_equal(minerva_stated(strbuf_str(&text), &found, NULL), 0);
            h = cases_hash(h, strbuf_str(&found), found.len + 1);
            for (int k = 0; k < 2; k++) {
                strbuf_clear(&spelt);
                assert_int_equal(minerva_spell(strbuf_str(k ? &text : &found), &spelt, NULL), 0);
                h = cases_hash(h, strbuf_str(&spelt), spelt.len + 1);
            }
        }
        if (h != want[block])
            fail_msg("block %d differs", block);
    }
    strbuf_release(&text);
    strbuf_release(&found);
    strbuf_release(&spelt);
    assert_int_equal(mem_live(), 0);
}

static void what_is_endless_or_deep_is_equal_to_nothing_at_once(void **state)
{
    static const char *const parts[] = {"(", "x(", "\\frac{1}{", "|", "-", "2^{", "\\sqrt{", "f(x,",
                                        "\\sin ", "1+", "\\log_1"};
    struct strbuf b = STRBUF_INIT;
    (void)state;
    for (int i = 0; i < LENGTH(parts); i++) {
        strbuf_clear(&b);
        for (int n = 0; n < 5000; n++)
            strbuf_adds(&b, parts[i]);
        assert_int_equal(tex_equal(strbuf_str(&b), strbuf_str(&b)), 0);
        strbuf_truncate(&b, 60 * strlen(parts[i]));
        tex_equal(strbuf_str(&b), strbuf_str(&b));
    }
    assert_int_equal(tex_equal("99999999!", "99999999!"), 0);
    assert_int_equal(tex_equal("9^{9^{9^9}}", "9^{9^{9^9}}"), 0);
    assert_int_equal(tex_equal("\xff", "\xff"), 0);
    strbuf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_that_mean_the_same_are_equal_where_sympy_says_so),
        cmocka_unit_test(whatever_a_model_writes_is_read_as_sympy_reads_it),
        cmocka_unit_test(final_answers_are_found_and_spelt_as_lm_eval_does),
        cmocka_unit_test(what_is_endless_or_deep_is_equal_to_nothing_at_once),
    };
    return RUN(tests);
}
