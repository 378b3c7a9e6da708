/* texmath_token.c -- a text in TeX as the tokens of SymPy's parse_latex.
 *
 * Two tables say which commands are layout, relations, operators and functions; every other one is
 * a symbol.  What no token begins with is BAD, and nothing is read from there on. */
#include <ctype.h>
#include <string.h>

#include "tasks/texmath_impl.h"

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static const struct {
    const char *word;
    enum kind kind;
} words[] = {
    {"thinspace", SKIPPED}, {"medspace", SKIPPED}, {"thickspace", SKIPPED}, {"quad", SKIPPED},
    {"qquad", SKIPPED}, {"negthinspace", SKIPPED}, {"negmedspace", SKIPPED},
    {"negthickspace", SKIPPED}, {"left", SKIPPED}, {"right", SKIPPED}, {"vrule", SKIPPED},
    {"vcenter", SKIPPED}, {"vbox", SKIPPED}, {"vskip", SKIPPED}, {"vspace", SKIPPED},
    {"hfil", SKIPPED}, {"neq", RELATION}, {"leq", RELATION}, {"le", RELATION}, {"leqq", RELATION},
    {"leqslant", RELATION}, {"geq", RELATION}, {"ge", RELATION}, {"geqq", RELATION},
    {"geqslant", RELATION}, {"times", TIMES}, {"cdot", TIMES}, {"div", OVER}, {"frac", FRACTION},
    {"dfrac", FRACTION}, {"tfrac", FRACTION}, {"binom", BINOMIAL}, {"dbinom", BINOMIAL},
    {"tbinom", BINOMIAL}, {"sqrt", ROOT}, {"overline", OVERLINE}, {"lfloor", FLOOR_LEFT},
    {"rfloor", FLOOR_RIGHT}, {"lceil", CEIL_LEFT}, {"rceil", CEIL_RIGHT}, {"mathit", ITALIC},
    {"langle", OTHER}, {"rangle", OTHER}, {"lim", OTHER}, {"to", OTHER}, {"rightarrow", OTHER},
    {"Rightarrow", OTHER}, {"longrightarrow", OTHER}, {"Longrightarrow", OTHER}, {"int", OTHER},
    {"sum", OTHER}, {"prod", OTHER},
};

static const struct function functions[] = {
    {"exp", PLAIN, TEX_EXP, 0}, {"log", LOGARITHM, TEX_LOG, 0}, {"lg", LOGARITHM_10, TEX_LOG, 0},
    {"ln", LOGARITHM, TEX_LOG, 0}, {"sin", POWERED, TEX_SIN, TEX_ASIN},
    {"cos", POWERED, TEX_COS, TEX_ACOS}, {"tan", POWERED, TEX_TAN, TEX_ATAN},
    {"csc", POWERED, TEX_CSC, TEX_ACSC}, {"sec", POWERED, TEX_SEC, TEX_ASEC},
    {"cot", POWERED, TEX_COT, TEX_ACOT}, {"arcsin", PLAIN, TEX_ASIN, 0},
    {"arccos", PLAIN, TEX_ACOS, 0}, {"arctan", PLAIN, TEX_ATAN, 0}, {"arccsc", PLAIN, TEX_ACSC, 0},
    {"arcsec", PLAIN, TEX_ASEC, 0}, {"arccot", PLAIN, TEX_ACOT, 0},
    {"sinh", POWERED, TEX_SINH, TEX_ASINH}, {"cosh", POWERED, TEX_COSH, TEX_ACOSH},
    {"tanh", POWERED, TEX_TANH, TEX_ATANH}, {"arsinh", PLAIN, TEX_ASINH, 0},
    {"arcosh", PLAIN, TEX_ACOSH, 0}, {"artanh", PLAIN, TEX_ATANH, 0},
};

static int letters(const char *s)
{
    int n = 0;

    while (isalpha((unsigned char)s[n]))
        n++;
    return n;
}

int tex_is_blank(char c)
{
    return c && strchr(" \t\r\n", c) != NULL;
}

int tex_word_is(const struct token *t, const char *word)
{
    return (int)strlen(word) + 1 == t->n && memcmp(t->s + 1, word, (size_t)t->n - 1) == 0;
}

const struct function *tex_function(const struct token *t)
{
    for (size_t i = 0; i < LENGTH(functions); i++)
        if (tex_word_is(t, functions[i].name))
            return &functions[i];
    return NULL;
}

/* What a backslash begins. */
static struct token command(const char *s)
{
    struct token t = {SYMBOL, s, letters(s + 1) + 1};

    if (t.n == 1) {
        t.n = s[1] ? 2 : 1;
        t.kind = s[1] == '{'                              ? BRACE_LEFT
                 : s[1] == '}'                            ? BRACE_RIGHT
                 : s[1] && strchr(",:;!*-./\"(=", s[1]) ? SKIPPED
                                                          : BAD;
        return t;
    }
    for (size_t i = 0; i < LENGTH(words); i++)
        if (tex_word_is(&t, words[i].word))
            t.kind = words[i].kind;
    if (tex_function(&t))
        t.kind = FUNCTION;
    if ((tex_word_is(&t, "left") || tex_word_is(&t, "right")) && s[t.n] == '|') {
        t.kind = OTHER;
        t.n++;
    }
    return t;
}

/* d and a letter behind it, or a command. */
static int differential(const char *s)
{
    int n = 1, more;

    while (tex_is_blank(s[n]))
        n++;
    if (isalpha((unsigned char)s[n]))
        return n + 1;
    more = s[n] == '\\' ? letters(s + n + 1) : 0;
    return more ? n + 1 + more : 0;
}

struct token tex_token(const char *s)
{
    struct token t = {BAD, s, 1};
    int n = 1;

    if (*s == 0)
        return (struct token){END, s, 0};
    if (*s == '\\')
        return command(s);
    if (tex_is_blank(*s)) {
        t.kind = SKIPPED;
    } else if (*s == 'd' && (n = differential(s)) > 0) {
        t = (struct token){DIFFERENTIAL, s, n};
    } else if (isalpha((unsigned char)*s)) {
        t.kind = LETTER;
    } else if (isdigit((unsigned char)*s)) {
        t.kind = DIGIT;
    } else if (*s == '\'') {
        t = (struct token){QUOTES, s, (int)strspn(s, "'")};
    } else if (*s == '&') {
        for (n = 1; tex_is_blank(s[n]);)
            n++;
        t = (struct token){s[n] == '=' ? RELATION : BAD, s, n + 1};
    } else if (strchr("=<>", *s)) {
        t.kind = RELATION;
    } else if (*s == '*') {
        t.kind = TIMES;
    } else if (strchr("/:", *s)) {
        t.kind = OVER;
    } else if (strchr("+-(){}[]|_^!,.", *s)) {
        t.kind = (enum kind)*s;
    }
    return t;
}
