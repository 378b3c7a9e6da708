/* Replies with answers in TeX against math-verify 0.9.0 (latex2sympy2_extended 1.11.0, SymPy 1.14):
 * which of them hold the right answer.  Seven pairs of 10,000 (tex_pairs.h) are judged otherwise,
 * and listed: a logarithm to the base 1, values "at" something, intervals with an end that SymPy
 * knows nothing about, products with an infinity.  Of four more math-verify said one thing and then
 * the other. */
#include "tests/test.h"

#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "tasks/mathverify.h"
#include "tests/tex_pairs.h"

enum { FAMILY = 20 };
#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* Ways to write what may be the same; <A> and others are numbers, see tex_pairs.h. */
static const char *const families[][FAMILY] = {
    {"\\frac{<A>}{<B>}", "<A>/<B>", "\\dfrac{2\\cdot<A>}{2\\cdot<B>}", "\\frac<A><B>",
     "-\\frac{-<A>}{<B>}", "<A>\\div<B>", "\\frac{<B>}{<A>}", "\\frac{<Q>}{<B>}-1",
     "\\tfrac{<A>}{<B>}", "(<A>)/(<B>)", "<A>:<B>", "\\frac{<A>}{<B>}\\text{ cm}",
     "x=\\frac{<A>}{<B>}", "\\frac {<A>} {<B>}"},
    {"0.<A>", "\\frac{<A>}{10}", ".<A>", "0.<A>0", "<A>\\cdot10^{-1}", "<A>0\\%", "0.<A>1", "<A>0",
     "0.<A>000001", "0.<A>00001", "<A>0%", "\\frac{<A>}{10}+0", "<A>E-1", "0,<A>"},
    {"<N>", "<A>,00<B>", "<A>000+<B>", "<A>\\cdot10^3+<B>", "<A>,00<B>.0", "<A>{,}00<B>",
     "<A>,0<B>", "<A>;00<B>", "<A> 00<B>", "\\$<N>", "<N>\\text{ dollars}", "<N>.00", "<A>\\,00<B>",
     "<N>\\text{ cm}^2"},
    {"\\sqrt{<S>}", "<A>\\sqrt{<C>}", "\\sqrt{<C>}\\cdot<A>", "<C>^{1/2}<A>", "\\sqrt<C><A>",
     "\\frac{<A><C>}{\\sqrt{<C>}}", "\\sqrt[4]{<C>^2}<A>", "<B>\\sqrt{<C>}", "<A>\\sqrt <C>",
     "\\sqrt{<A>}\\sqrt{<A>}\\sqrt{<C>}", "sqrt(<S>)", "<A>*sqrt{<C>}"},
    {"<A>+<B>\\sqrt{<C>}", "<B>\\sqrt{<C>}+<A>", "<A>-<B>\\sqrt{<C>}", "<A>\\pm<B>\\sqrt{<C>}",
     "\\frac{2\\cdot<A>+2\\cdot<B>\\sqrt{<C>}}{2}", "<A>+<B>\\sqrt{<C>},<A>-<B>\\sqrt{<C>}",
     "\\{<A>-<B>\\sqrt{<C>},<A>+<B>\\sqrt{<C>}\\}", "x=<A>\\pm<B>\\sqrt{<C>}"},
    {"(x+<A>)(x-<B>)", "x^2+<D>x-<P>", "(x-<B>)(<A>+x)", "x^{2}-<P>+<D>x", "x^2+<Q>x+<P>",
     "(x+<A>)x-<B>x-<P>", "y=(x+<A>)(x-<B>)", "X^2+<D>X-<P>", "x^2+(<D>)x-<P>", "(t+<A>)(t-<B>)"},
    {"\\frac{<A>\\pi}{<B>}", "\\frac{<A>}{<B>}\\pi", "<A>\\pi/<B>", "\\pi\\frac{<A>}{<B>}",
     "<A>\\frac{\\pi}{<B>}", "<A>π/<B>", "\\frac{\\pi}{<B>}", "<A>\\pi", "<A>\\cdot180^\\circ/<B>"},
    {"(<A>,<B>)", "(<A>, <B>)", "[<A>,<B>]", "<A>,<B>", "\\left(<A>,<B>\\right)", "<B>,<A>",
     "\\{<A>,<B>\\}", "(-\\infty,<A>)", "<A> \\text{ and } <B>", "<A>, <B>", "(<B>,<A>)",
     "\\{<B>,<A>\\}", "[<A>,<B>)", "<A> and <B>", "\\boxed{<A>},\\boxed{<B>}", "x=<A>,<B>",
     "(<A>.0,<B>)", "x=<A>, y=<B>"},
    {"(<A>,<B>,<C>)", "<A>,<B>,<C>", "\\{<C>,<A>,<B>\\}", "\\left(<A>,<B>,<C>\\right)",
     "<A>, <B>, <C>", "<B>,<C>,<A>", "(<A>,<C>,<B>)", "[<A>,<B>,<C>]", "<A>;<B>;<C>",
     "(<A>,<B>);(<B>,<C>)", "(<A>,<B>),(<B>,<C>)", "\\{(<B>,<C>),(<A>,<B>)\\}"},
    {"(-\\infty,<A>)\\cup(<Q>,\\infty)", "(<Q>,\\infty)\\cup(-\\infty,<A>)",
     "(-\\infty,<A>]\\cup[<Q>,\\infty)", "x<<A>", "x<<A>,x><Q>", "\\mathbb{R}\\setminus[<A>,<Q>]",
     "(-\\infty,<A>)\\cup(<Q>,+\\infty)", "x\\in(-\\infty,<A>)\\cup(<Q>,\\infty)",
     "(-\\infty,<A>) \\cup (<Q>, \\infty)"},
    {"[<A>,<Q>)", "<A>\\le x<<Q>", "\\left[<A>,<Q>\\right)", "x\\in[<A>,<Q>)", "(<A>,<Q>)",
     "[<A>,<Q>]", "<Q>>x\\ge<A>", "<A>\\leq x<<Q>", "[<A>, \\frac{2\\cdot<Q>}{2})",
     "\\{x|<A>\\le x<<Q>\\}"},
    {"x><A>", "<A><x", "(<A>,\\infty)", "x\\ge<A>", "x>\\frac{2\\cdot<A>}{2}", "2x>2\\cdot<A>",
     "x<<A>", "(<A>,+\\infty)", "x-<A>>0", "[<A>,\\infty)", "y><A>", "x\\geq <A>", "x≥<A>"},
    {"x=<A>", "<A>", "<A>=x", "y=<A>", "x=\\frac{2\\cdot<A>}{2}", "2x=2\\cdot<A>", "x=<A>.0",
     "\\{<A>\\}", "x=y=<A>", "f(x)=<A>", "x\\in\\{<A>\\}", "x\\approx<A>", "<A>\\approx<B>",
     "x-<A>=0", "A=<A>"},
    {"y=<A>x+<B>", "<A>x+<B>=y", "y-<A>x=<B>", "<A>x+<B>", "2y=2\\cdot<A>x+2\\cdot<B>",
     "<A>x-y+<B>=0", "y=<B>+<A>x", "x=\\frac{y-<B>}{<A>}", "y=<B>x+<A>", "Y=<A>X+<B>",
     "f(x)=<A>x+<B>"},
    {"\\begin{pmatrix}<A>\\\\<B>\\end{pmatrix}", "\\begin{bmatrix}<A>\\\\<B>\\end{bmatrix}",
     "\\begin{pmatrix}<A>&<B>\\end{pmatrix}", "(<A>,<B>)",
     "\\left(\\begin{array}{c}<A>\\\\<B>\\end{array}\\right)",
     "<A>\\begin{pmatrix}1\\\\0\\end{pmatrix}+<B>\\begin{pmatrix}0\\\\1\\end{pmatrix}",
     "\\begin{pmatrix} <A> \\\\ <B> \\end{pmatrix}", "\\begin{pmatrix}<A>.0\\\\<B>\\end{pmatrix}",
     "\\left[\\begin{matrix}<A>\\\\<B>\\end{matrix}\\right]"},
    {"\\begin{pmatrix}<A>&<B>\\\\<C>&1\\end{pmatrix}",
     "\\begin{bmatrix}<A>&<B>\\\\<C>&1\\end{bmatrix}",
     "\\begin{pmatrix}<A>&<C>\\\\<B>&1\\end{pmatrix}",
     "\\begin{pmatrix}<A>&<B>\\\\<C>&\\frac{2}{2}\\end{pmatrix}",
     "\\begin{pmatrix}<A>&<C>\\\\<B>&1\\end{pmatrix}^T",
     "2\\begin{pmatrix}<A>&<B>\\\\<C>&1\\end{pmatrix}"},
    {"\\text{east}", "east", "\\text{East}", "seat", "\\textbf{east}", "\\mathrm{east}", "EAST",
     "A", "a", "\\text{(A)}", "\\text{A}", "(A)", "e", "\\text{yes}", "\\text{Yes}", "E"},
    {"<A>^\\circ", "<A>", "<A>^{\\circ}", "<A>\\text{ degrees}", "<A> degrees", "<A>°",
     "\\text{<A>}", "<A>\\%", "<A>\\text{ units}", "<A>m", "<A>x", "<A>\\text{cm}",
     "<A>\\text{ inches}", "<A> percent"},
    {"<A>\\frac{<B>}{<R>}", "\\frac{<M>}{<R>}", "<A>+\\frac{<B>}{<R>}", "<A> \\frac{<B>}{<R>}",
     "<A>\\cdot\\frac{<B>}{<R>}", "-<A>\\frac{<B>}{<R>}", "-\\frac{<M>}{<R>}", "<A><B>/<R>",
     "<A> <B>/<R>"},
    {"\\sin <A>x", "\\sin(<A>x)", "\\sin{<A>x}", "\\cos <A>x\\tan <A>x", "1",
     "\\sin^2 <A>x+\\cos^2 <A>x", "\\sec x\\cos x", "\\frac{1}{\\csc(<A>x)}", "\\sin^{-1}<A>x",
     "\\arcsin(<A>x)", "2\\sin x\\cos x", "\\sin 2x"},
    {"\\log_2 <A>", "\\frac{\\ln <A>}{\\ln 2}", "\\log_{2}{<A>}", "\\log <A>", "\\ln <A>",
     "\\log_{10}<A>", "\\log_{<A>}(<A>^<B>)", "<B>", "\\log(10^<B>)", "\\log_2(<A>)",
     "\\frac{\\log <A>}{\\log 2}"},
    {"\\frac{x+<A>}{x+<B>}", "\\frac{<A>+x}{<B>+x}", "1+\\frac{<D>}{x+<B>}", "(x+<A>)/(x+<B>)",
     "\\frac{2x+2\\cdot<A>}{2x+2\\cdot<B>}", "(x+<A>)(x+<B>)^{-1}", "x+<A>/x+<B>"},
    {"<A>+<B>i", "<B>i+<A>", "<A>-<B>i", "i<B>+<A>", "(<A>+i<B>)", "i^2", "-1", "<A>+i\\cdot<B>",
     "<A>+<B>\\mathrm{i}", "<A>+<B>I", "e^{i\\pi}", "<A> + <B> i"},
    {"x(x+<A>)", "x(<A>+x)", "x^2+<A>x", "(x+<A>)x", "f(<A>)", "f(<A>+0)", "2x(x+<A>)", "a_<A>+b",
     "b+a_{<A>}", "f(x)", "xf", "\\alpha+<A>", "<A>+\\alpha", "a_{<A>}+b", "a_1b", "g(<A>)"},
    {"|<D>|", "|-<D>|", "|<A>-<B>|", "<D>", "|x-<A>|", "|<A>-x|",
     "\\lfloor\\frac{<P>}{<B>}\\rfloor", "<A>", "\\lceil<A>.5\\rceil", "\\left|<D>\\right|",
     "\\sqrt{(x-<A>)^2}"},
    {"<A>!", "\\binom{<A>}{<B>}", "<A>\\cdot(<A>-1)!", "\\frac{<A>!}{<B>!}", "\\binom{<Q>}{<A>}",
     "\\binom{<Q>}{<B>}", "{<Q> \\choose <B>}", "<A>^{<B>}", "<A>^<B>", "<A>\\cdot<A>^{<B>-1}",
     "{<A>}^{<B>}", "\\frac{1}{<A>^{-<B>}}", "<A>**<B>", "<A>^(<B>)"},
    {"2^{x+<A>}", "2^x\\cdot2^<A>", "2^{<A>+x}", "4^{\\frac{x+<A>}{2}}", "x^{<A>}x^{<B>}",
     "x^{<Q>}", "x^<A>x^<B>", "(x^<A>)^<B>", "x^{<P>}", "e^{x+<A>}", "e^xe^<A>", "\\exp(x+<A>)"},
    {"<P>_<B>", "<P>", "<P>_{<B>}", "<P>_<A>", "\\text{<P>}_<B>", "<P>_{\\text{<B>}}"},
    {"\\emptyset", "\\{\\}", "\\varnothing", "\\text{no solution}", "0", "\\infty", "-\\infty",
     "\\mathbb{R}", "(-\\infty,\\infty)", "\\frac{1}{0}", "\\text{all real numbers}", "\\infty-1",
     "[-\\infty,\\infty]"},
    {"\\frac{<A>}{<B>} and \\frac{<B>}{<A>}", "\\frac{<A>}{<B>},\\frac{<B>}{<A>}",
     "\\frac{<B>}{<A>}, \\frac{<A>}{<B>}", "\\frac{<A>}{<B>}\\text{ or }\\frac{<B>}{<A>}",
     "\\{\\frac{<A>}{<B>},\\frac{<B>}{<A>}\\}", "\\frac{<A>}{<B>}",
     "x=\\frac{<A>}{<B>}\\text{ or }x=\\frac{<B>}{<A>}"},
};

/* How the right answer stands in its solution, and how models put theirs. */
static const char *const golds[] = {
    "We get $\\boxed{@}$.",
    "\\boxed{@}",
    "Hence\n\\[\\boxed{@}.\\]",
    "$@$",
    "Then $x + 1 = 3$, so $\\boxed{@}$ it is.",
    "The answer is $@$.",
    "\\begin{align*}\n2n&=4\\\\\nn&=\\boxed{@}\n\\end{align*}",
};
static const char *const replies[] = {
    "$@$",
    "\\boxed{@}",
    "$\\boxed{@}$",
    "\\[@\\]",
    "\\(@\\)",
    "$$@$$",
    "The answer is @",
    "The answer is $@$.",
    "Final Answer: The final answer is $@$. I hope it is correct.",
    "We add them.\nThe final answer is: $\\boxed{@}$",
    "**Answer:** @",
    "So \\boxed{@} and 7 more",
    "@",
    "First \\boxed{12}. Then \\boxed{@}.",
    "Answer: $@$ since $2+2=4$",
    "It is @.",
    "= @",
    "Therefore, the final answer is:\n\\[\n\\boxed{@}\n\\]",
    "I think $3$, no, $@$",
    "answer $@$, not $17$",
    "$$ @ $$ \\text{ cm}",
    "final answer is @. I hope",
    "\\fbox{@}",
    "$x = @$",
    "\\boxed{@",
    "The value is $@ = @$",
    "$@$ percent",
    "the answer is about [ @ ] here",
    "Final answer: @",
    "a $5 bill and $@$",
};

static const char *const pieces[] = {
    "1",           "2",
    "3",           "10",
    "0.5",         ".",
    "x",           "y",
    "+",           "-",
    "*",           "/",
    "(",           ")",
    "{",           "}",
    "[",           "]",
    "^",           "_",
    "\\frac",      "\\frac{1}",
    "{2}",         "\\sqrt",
    "\\sqrt{2}",   "\\sin",
    "\\log",       "\\pi",
    "|",           "!",
    ",",           ",000",
    "\\cdot",      "\\left",
    "\\right",     "\\text",
    "d",           "dx",
    "e",           " ",
    "\\log_",      "\\sqrt[3]{x}",
    "f(",          "\\theta",
    "\\cos x",     "\\ln",
    "^{2}",        "^2",
    "_1",          "_{n}",
    "<",           "=",
    "\\le",        "\\cup",
    "\\infty",     ":",
    "2x",          "(x+1)",
    "%",           "\\{",
    "\\}",         "(1,2)",
    "[1,2)",       "\\pm",
    ";",           "\\in",
    "\\text{cm}",  "\\text{ and }",
    "i",           "E",
    "^\\circ",     "\\%",
    "'",           "\\\\",
    "&",           "\\alpha ",
    "a",           "b",
    "\\bar{x}",    "\\gamma",
    "\\approx",    "1,2",
    "and",         "\\dfrac{1}{2}",
    "\\mathbb{R}", "^T",
    "\\boxed{3}",
};

static void wrap(struct strbuf *b, const char *around, const char *answer)
{
    strbuf_clear(b);
    for (; *around; around++)
        if (*around == '@')
            strbuf_adds(b, answer);
        else
            strbuf_addc(b, *around);
}

static void draw_family(struct cases *c, struct strbuf *gold, struct strbuf *reply)
{
    const char *const *family = families[cases_below(c, LENGTH(families))];
    struct tex_forms f = tex_forms(c, family, FAMILY);
    struct strbuf b = STRBUF_INIT;

    tex_form(c, &f, &b);
    wrap(gold, golds[cases_below(c, LENGTH(golds))], strbuf_str(&b));
    tex_form(c, &f, &b);
    wrap(reply, replies[cases_below(c, LENGTH(replies))], strbuf_str(&b));
    strbuf_release(&b);
}

static void draw_soup(struct cases *c, struct strbuf *gold, struct strbuf *reply)
{
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;

    tex_soup(c, pieces, LENGTH(pieces), &a, &b);
    /* put into brackets, or the same text would always be the same answer */
    wrap(gold, "$@$", strbuf_str(&a));
    wrap(reply, cases_below(c, 4) ? "$\\left(@\\right)$" : "$@$", strbuf_str(&b));
    strbuf_release(&a);
    strbuf_release(&b);
}

static int are_same(const void *m, const char *gold, const char *reply)
{
    return mathverify_same(m, gold, 0, reply, NULL);
}

static void judge(void (*draw)(struct cases *, struct strbuf *, struct strbuf *), uint64_t seed,
                  int n, const uint64_t *want, const int *differ)
{
    struct mathverify *m;

    assert_int_equal(mathverify_open(&m, NULL), 0);
    tex_judge(draw, seed, n, are_same, m, want, differ);
    mathverify_close(m);
}

static void replies_hold_the_answer_where_math_verify_says_so(void **state)
{
    static const uint64_t want[] = {
        0xd606001d68dab1c0, 0x73ef49b610ae0f2e, 0xca26e3780da2045d, 0x95a5bc67e33883d8,
        0xe0d55e45fb8b1e5a, 0xc2f1a15cf080eb94, 0xd740ca90abc300c8, 0x3d4343a296dfee11,
        0x8bc1a4e67455d0dc, 0x157d022f2463cb5c, 0x392fb3b7b297edee, 0x1f3cd58716ad4fea,
        0xfdbffbe335570ab8, 0x8a5118219688ce25, 0xcefe4c0c6f13aa1a, 0x80cc2db0ebc6045a,
        0x4e035158e3fa04d2, 0xa681bde5b558a794, 0xeb242790d7cd049e, 0x383b0cb60f6f7b5a,
        0x7a8816347481809e, 0xab931621691f6414, 0xc9518fa53d95e7e3, 0x76b049564b6fb22b,
    };
    static const int differ[] = {2994, -1};
    (void)state;
    judge(draw_family, 81, LENGTH(want) * TEX_BLOCK, want, differ);
}

static void whatever_a_model_writes_is_read_as_math_verify_reads_it(void **state)
{
    static const uint64_t want[] = {
        0x18d8f3d63745af6a, 0xb452eef3bfc811ae, 0x47cc673126268606, 0xf8d99761700b7233,
        0xf0efef2d2e937a44, 0x676ef2d2a6e866e7, 0x604f2bb8a489e7f9, 0xa91bbbbfea3a161b,
        0xb413baeb7775fe9e, 0x4f7884bb91f86c4f, 0x0d6e3c95d897db37, 0x2d5bd3caafddde52,
        0x4668db5bffe3c921, 0x9ade962922530827, 0x8a5d8cc851ad79b4, 0x79ba721c5a76f511,
    };
    static const int differ[] = {245, 693, 1635, 2000, 3357, 3793, -1};
    (void)state;
    judge(draw_soup, 82, LENGTH(want) * TEX_BLOCK, want, differ);
}

/* Of the right answer's text the leaderboard reads TeX only. */
static void plain_numbers_of_a_solution_count_where_they_are_asked_for(void **state)
{
    (void)state;
    assert_int_equal(mathverify_once("It is 5.", 0, "$5$", NULL), 1);
    assert_int_equal(mathverify_once("It is 5.", 1, "$5$", NULL), 0);
    assert_int_equal(mathverify_once("It is $5$.", 1, "5", NULL), 1);
    assert_int_equal(mathverify_once("", 0, "", NULL), 0);
}

static void what_is_endless_or_deep_ends_at_once(void **state)
{
    static const char *const parts[] = {
        "(",  "{",       "\\boxed{", "\\frac{1}{", "|",
        "-",  "2^{",     "\\sqrt{",  "f(x,",       "\\sin ",
        "1+", "$$ ",     "$1$ and ", "answer ",    "final answer is ",
        "9^", "[1,",     "x=",       "\\\\",       "\\begin{pmatrix}",
        "1,", "\\left(", "\\[",      "1 ",         "\xff",
        "a<", "\\text{", "!",
    };
    struct strbuf b = STRBUF_INIT, boxed = STRBUF_INIT;
    struct mathverify *m;
    (void)state;
    assert_int_equal(mathverify_open(&m, NULL), 0);
    for (int i = 0; i < LENGTH(parts); i++) {
        strbuf_clear(&b);
        strbuf_clear(&boxed);
        while (b.len < MATHVERIFY_BYTES / 4)
            strbuf_adds(&b, parts[i]);
        assert_in_range(mathverify_same(m, strbuf_str(&b), 0, strbuf_str(&b), NULL), 0, 1);
        strbuf_truncate(&b, 60 * strlen(parts[i]));
        strbuf_addf(&boxed, "$\\boxed{%s}$", strbuf_str(&b));
        assert_in_range(mathverify_same(m, strbuf_str(&boxed), 0, "$1$", NULL), 0, 1);
    }
    strbuf_clear(&b);
    for (int i = 0; i < 100000; i++)
        strbuf_addc(&b, '{');
    assert_int_equal(mathverify_same(m, strbuf_str(&b), 0, strbuf_str(&b), NULL), 0);
    while (b.len < 10 * 1024 * 1024)
        strbuf_adds(&b, "$1$ is the answer ");
    assert_int_equal(mathverify_same(m, "$1$", 0, strbuf_str(&b), NULL), 1);
    assert_int_equal(mathverify_same(m, "$9^{9^{9^9}}$", 0, "$9^{9^{9^9}}+0$", NULL), 0);
    assert_int_equal(mathverify_same(m, "$99999999!$", 0, "$99999999!+0$", NULL), 0);
    assert_int_equal(mathverify_same(m, "9^9^9^9", 0, "$1$", NULL), 0);
    strbuf_clear(&b); /* many places, each with work to do before it turns out to be nothing */
    for (int place = 0; place < 45; place++) {
        strbuf_adds(&b, "$[\\binom{400000}{99999}");
        for (int i = 1; i < 30; i++)
            strbuf_adds(&b, "+\\binom{400000}{99999}");
        strbuf_adds(&b, ",1]\\cup (5)$ ");
    }
    assert_int_equal(mathverify_same(m, "$5$", 0, strbuf_str(&b), NULL), 0);
    mathverify_close(m);
    strbuf_release(&b);
    strbuf_release(&boxed);
    assert_int_equal(mem_live(), 0);
}

/* What math-verify was not asked: replies that once crashed, overflowed or took long. */
static void ends_of_numbers_and_long_replies_are_read(void **state)
{
    static const struct {
        const char *gold, *reply;
        int same;
    } rows[] = {
        {"$5$", "$(-9223372036854775807)(1)/(-1)$", 0},
        {"$5$", "$\\gcd((-9223372036854775807)(1),(-1))$", 0},
        {"$5$", "$5\\mod 9223372036854775807$", 1},
        {"$5$", "$\\lcm(9223372036854775807,9223372036854775806)$", 0},
        {"$5$", "$\\binom{-9223372036854775807}{5}$", 0},
        {"$(0,1)\\cup(0,1)$", "$(0,1)\\cup(2,3)$", 0},
        {"$(0,1)\\cup(2,3)$", "$(2,3)\\cup(0,1)$", 1},
    };
    struct err e = ERR_NONE;
    char text[4096];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (mathverify_once(rows[i].gold, 0, rows[i].reply, &e) != rows[i].same)
            fail_msg("%s and %s", rows[i].gold, rows[i].reply);
    snprintf(text, sizeof text, "\\boxed{3} no, wait. %2900s So it is \\boxed{5}", "");
    assert_int_equal(mathverify_once("$5$", 0, text, &e), 1);
    assert_int_equal(e.code, ERR_OK);
}

static void verifying_survives_every_failed_allocation(void **state)
{
    static const char *const pairs[][2] = {
        {"So $\\boxed{[1,2)}$.", "It is $x \\in [1,\\frac{4}{2})$"},
        {"$1,000$", "$1000$"},
        {"$f(x)=x+1$", "$f(x)=1+x$"},
        {"$\\{1,2\\}$", "$\\{2,1\\}$"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        int rc = -1;
        for (int nth = 0; rc < 0; nth++) {
            struct err e = ERR_NONE;
            mem_fail_at(nth);
            rc = mathverify_once(pairs[i][0], 0, pairs[i][1], &e);
            mem_fail_at(-1);
            assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
            assert_int_equal(mem_live(), 0);
        }
        if (rc != 1)
            fail_msg("%s and %s: %d", pairs[i][0], pairs[i][1], rc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_hold_the_answer_where_math_verify_says_so),
        cmocka_unit_test(whatever_a_model_writes_is_read_as_math_verify_reads_it),
        cmocka_unit_test(plain_numbers_of_a_solution_count_where_they_are_asked_for),
        cmocka_unit_test(what_is_endless_or_deep_ends_at_once),
        cmocka_unit_test(ends_of_numbers_and_long_replies_are_read),
        cmocka_unit_test(verifying_survives_every_failed_allocation),
    };
    return RUN(tests);
}
