/* mathverify_syntax.c -- tokens, and the tree that the grammar makes of them.
 *
 * For each rule and place it is computed once where the rule can end (a set of bits), so that the
 * work grows with the length and not with the number of readings; the tree is then made from the
 * top, each choice the first that leads to the end.  That is what ANTLR's ALL(*) (Parr et al. 2014)
 * gives for an ambiguous grammar. */
#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tasks/mathverify_impl.h"

enum { TOKENS = 255, NESTING = 64, ALTERNATIVES = 14, ITEMS = 10, WORDS = 4, PENDING = 8192 };
#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* --- tokens -------------------------------------------------------------------------------- */

struct literal {
    const char *s;
    enum mv_part kind;
};

/* The longest that the text begins with counts, of equal ones the first. */
static const struct literal literals[] = {
    {"\\,", MV_SKIPPED}, {"\\thinspace", MV_SKIPPED}, {"\\:", MV_SKIPPED}, {"\\;", MV_SKIPPED},
    {"\\medspace", MV_SKIPPED}, {"\\thickspace", MV_SKIPPED}, {"\\quad", MV_SKIPPED},
    {"\\qquad", MV_SKIPPED}, {"\\!", MV_SKIPPED}, {"\\negthinspace", MV_SKIPPED},
    {"\\negmedspace", MV_SKIPPED}, {"\\negthickspace", MV_SKIPPED}, {"\\$", MV_SKIPPED},
    {"\\vrule", MV_SKIPPED}, {"\\vcenter", MV_SKIPPED}, {"\\vbox", MV_SKIPPED},
    {"\\vskip", MV_SKIPPED}, {"\\vspace", MV_SKIPPED}, {"\\hfil", MV_SKIPPED},
    {"^T", MV_TRANSPOSED}, {"^{T}", MV_TRANSPOSED}, {"'", MV_TRANSPOSED},
    {"^\\circ", MV_DEGREE}, {"^\\degree", MV_DEGREE}, {"^\\circle", MV_DEGREE},
    {"^°", MV_DEGREE}, {"^{\\circ}", MV_DEGREE}, {"^{\\degree}", MV_DEGREE},
    {"^{\\circle}", MV_DEGREE}, {"^{°}", MV_DEGREE}, {"+", MV_ADD}, {"-", MV_SUB}, {"−", MV_SUB},
    {"*", MV_TIMES}, {"×", MV_TIMES}, {"⋅", MV_TIMES}, {"∘", MV_TIMES}, {"∙", MV_TIMES},
    {"∗", MV_TIMES}, {"/", MV_OVER}, {"÷", MV_OVER}, {"∕", MV_OVER}, {"\\over", MV_OVER},
    {"(", MV_PAREN}, {")", MV_PAREN_END}, {"\\(", MV_PAREN}, {"\\)", MV_PAREN_END},
    {"\\lgroup", MV_LGROUP}, {"\\rgroup", MV_RGROUP}, {"{", MV_BRACE}, {"}", MV_BRACE_END},
    {"\\{", MV_SET}, {"\\}", MV_SET_END}, {"\\lbrace", MV_LBRACE}, {"\\rbrace", MV_RBRACE},
    {"[", MV_BRACKET}, {"]", MV_BRACKET_END}, {"\\lbrack", MV_LBRACK}, {"\\rbrack", MV_RBRACK},
    {"\\phantom", MV_PHANTOM}, {"\\boxed", MV_BOXED}, {"|", MV_BAR}, {"\\lvert", MV_LVERT},
    {"\\rvert", MV_RVERT}, {"\\vert", MV_VERT}, {"\\|", MV_NORM}, {"\\lfloor", MV_FLOOR},
    {"\\rfloor", MV_FLOOR_END}, {"\\llcorner", MV_FLOOR}, {"\\lrcorner", MV_FLOOR_END},
    {"\\lceil", MV_CEILING}, {"\\rceil", MV_CEILING_END}, {"\\ulcorner", MV_CEILING},
    {"\\urcorner", MV_CEILING_END}, {"\\log", MV_FUNCTION}, {"\\ln", MV_FUNCTION},
    {"\\exp", MV_FUNCTION}, {"\\sin", MV_FUNCTION}, {"\\cos", MV_FUNCTION},
    {"\\tan", MV_FUNCTION}, {"\\csc", MV_FUNCTION}, {"\\sec", MV_FUNCTION},
    {"\\cot", MV_FUNCTION}, {"\\arcsin", MV_FUNCTION}, {"\\arccos", MV_FUNCTION},
    {"\\arctan", MV_FUNCTION}, {"\\arccsc", MV_FUNCTION}, {"\\arcsec", MV_FUNCTION},
    {"\\arccot", MV_FUNCTION}, {"\\sinh", MV_FUNCTION}, {"\\cosh", MV_FUNCTION},
    {"\\tanh", MV_FUNCTION}, {"\\arsinh", MV_FUNCTION}, {"\\arcosh", MV_FUNCTION},
    {"\\artanh", MV_FUNCTION}, {"\\arcsinh", MV_FUNCTION}, {"\\arccosh", MV_FUNCTION},
    {"\\arctanh", MV_FUNCTION}, {"\\floor", MV_FUNCTION}, {"\\ceil", MV_FUNCTION},
    {"\\det", MV_FUNCTION}, {"\\Gamma", MV_GAMMA}, {"\\gamma", MV_GAMMA},
    {"arsinh", MV_OPERATOR_NAME}, {"arcsinh", MV_OPERATOR_NAME}, {"arcosh", MV_OPERATOR_NAME},
    {"arccosh", MV_OPERATOR_NAME}, {"artanh", MV_OPERATOR_NAME}, {"arctanh", MV_OPERATOR_NAME},
    {"floor", MV_OPERATOR_NAME}, {"ceil", MV_OPERATOR_NAME}, {"gcd", MV_MULTI_NAME},
    {"lcm", MV_MULTI_NAME}, {"eye", MV_NOTHING}, {"zeros", MV_NOTHING}, {"ones", MV_NOTHING},
    {"cols", MV_NOTHING}, {"rows", MV_NOTHING}, {"diag", MV_NOTHING}, {"norm", MV_NOTHING},
    {"rank", MV_NOTHING}, {"trace", MV_NOTHING}, {"tr", MV_NOTHING}, {"rref", MV_NOTHING},
    {"hstack", MV_NOTHING}, {"vstack", MV_NOTHING}, {"orth", MV_NOTHING}, {"ortho", MV_NOTHING},
    {"orthogonal", MV_NOTHING}, {"orthogonalize", MV_NOTHING}, {"nullspace", MV_NOTHING},
    {"eig", MV_NOTHING}, {"eigen", MV_NOTHING}, {"diagonalize", MV_NOTHING},
    {"eigenvals", MV_NOTHING}, {"eigenvalues", MV_NOTHING}, {"eigenvects", MV_NOTHING},
    {"eigenvectors", MV_NOTHING}, {"svd", MV_NOTHING}, {"SVD", MV_NOTHING},
    {"matrix", MV_NOTHING}, {"pmatrix", MV_NOTHING}, {"bmatrix", MV_NOTHING},
    {"vmatrix", MV_NOTHING}, {"\\sqrt", MV_ROOT}, {"\\gcd", MV_MULTI}, {"\\lcm", MV_MULTI},
    {"\\max", MV_MULTI}, {"\\min", MV_MULTI}, {"\\times", MV_TIMES}, {"\\cdot", MV_TIMES},
    {"\\div", MV_OVER}, {":", MV_OVER}, {"\\mod", MV_MOD}, {"\\frac", MV_FRAC},
    {"\\dfrac", MV_FRAC}, {"\\tfrac", MV_FRAC}, {"\\cfrac", MV_FRAC}, {"\\binom", MV_BINOM},
    {"\\tbinom", MV_BINOM}, {"\\dbinom", MV_BINOM}, {"\\choose", MV_CHOOSE},
    {"\\operatorname", MV_OPERATOR}, {"\\begin{matrix}", MV_MATRIX},
    {"\\begin{pmatrix}", MV_MATRIX}, {"\\begin{bmatrix}", MV_MATRIX},
    {"\\end{matrix}", MV_MATRIX_END}, {"\\end{pmatrix}", MV_MATRIX_END},
    {"\\end{bmatrix}", MV_MATRIX_END}, {"\\end{array}", MV_ARRAY_END},
    {"\\begin{vmatrix}", MV_DET}, {"\\end{vmatrix}", MV_DET_END}, {"&", MV_COLUMN},
    {"\\\\", MV_ROW}, {"_", MV_UNDER}, {"^", MV_CARET}, {";", MV_SEMICOLON}, {",", MV_COMMA},
    {"e", MV_EULER}, {"\\exponentialE", MV_EULER}, {"E", MV_BIG_E}, {"\\in", MV_IN},
    {"=", MV_EQUALS}, {"≡", MV_EQUALS}, {"==", MV_EQUALS}, {"\\equiv", MV_EQUALS},
    {"~=", MV_APPROX}, {"≈", MV_APPROX}, {"≃", MV_APPROX}, {"≅", MV_APPROX},
    {"\\approx", MV_APPROX}, {"<", MV_LESS}, {"\\lt", MV_LESS}, {"\\leq", MV_LESS_EQUAL},
    {"\\le", MV_LESS_EQUAL}, {"\\leqslant", MV_LESS_EQUAL}, {"≤", MV_LESS_EQUAL},
    {"≦", MV_LESS_EQUAL}, {"<=", MV_LESS_EQUAL}, {">", MV_MORE}, {"\\gt", MV_MORE},
    {"\\geq", MV_MORE_EQUAL}, {"\\ge", MV_MORE_EQUAL}, {"\\geqslant", MV_MORE_EQUAL},
    {"≥", MV_MORE_EQUAL}, {"≧", MV_MORE_EQUAL}, {">=", MV_MORE_EQUAL}, {"!=", MV_UNEQUAL},
    {"!==", MV_UNEQUAL}, {"\\ne", MV_UNEQUAL}, {"\\neq", MV_UNEQUAL},
    {"\\not\\equiv", MV_UNEQUAL}, {"≠", MV_UNEQUAL}, {"!", MV_FACTORIAL},
    {"\\infty", MV_INFINITY}, {"\\partial", MV_NOTHING}, {"\\mathbb{N}", MV_NUMBERS},
    {"\\mathbb{Z}", MV_NUMBERS}, {"\\mathbb{Q}", MV_NUMBERS}, {"\\mathbb{R}", MV_NUMBERS},
    {"\\mathbb{C}", MV_NUMBERS}, {"ℕ", MV_NUMBERS}, {"ℤ", MV_NUMBERS}, {"ℚ", MV_NUMBERS},
    {"ℝ", MV_NUMBERS}, {"ℂ", MV_NUMBERS}, {"\\cup", MV_UNION}, {"∪", MV_UNION},
    {"\\cap", MV_CAP}, {"∩", MV_CAP}, {"\\setminus", MV_SET_MINUS}, {"∖", MV_SET_MINUS},
    {"\\pm", MV_PLUS_MINUS}, {"±", MV_PLUS_MINUS}, {"∓", MV_PLUS_MINUS}, {"\\mp", MV_PLUS_MINUS},
    {"\\emptyset", MV_EMPTY}, {"∅", MV_EMPTY}, {"\\{\\}", MV_EMPTY},
    {"\\lbrace\\rbrace", MV_EMPTY}, {"\\notin", MV_NOT_IN}, {"∉", MV_NOT_IN},
    {"\\lim", MV_NOTHING}, {"\\to", MV_NOTHING}, {"\\rightarrow", MV_NOTHING},
    {"\\Rightarrow", MV_NOTHING}, {"\\longrightarrow", MV_NOTHING}, {"\\int", MV_NOTHING},
    {"\\sum", MV_NOTHING}, {"\\prod", MV_NOTHING}, {"\\langle", MV_NOTHING},
    {"\\rangle", MV_NOTHING}, {"\\subseteq", MV_NOTHING}, {"\\supseteq", MV_NOTHING},
    {"\\mathit", MV_NOTHING}, {"\\xrightarrow", MV_NOTHING}, {"\\leftrightarrow", MV_NOTHING},
};

/* One blank behind them is theirs. */
static const char *const greek[] = {
    "alpha", "beta", "gamma", "Gamma", "delta", "Delta", "epsilon", "varepsilon", "zeta", "eta",
    "theta", "Theta", "vartheta", "iota", "kappa", "lambda", "Lambda", "mu", "nu", "xi", "Xi",
    "omicron", "pi", "Pi", "varpi", "rho", "varrho", "sigma", "Sigma", "varsigma", "tau",
    "upsilon", "Upsilon", "phi", "Phi", "varphi", "chi", "psi", "Psi", "omega", "Omega",
};
static const char *const greek_letters[] = {
    "α", "β", "γ", "δ", "ε", "θ", "λ", "μ", "π", "ρ", "σ", "τ", "φ", "ψ", "ω", "Δ", "Σ", "Ω", "Π",
};
static const char *const symbols[] = {
    "Bbbk", "wp", "nabla", "bigstar", "angle", "nexists", "diagdown", "measuredangle", "eth",
    "diagup", "sphericalangle", "clubsuit", "varnothing", "Diamond", "complement", "diamondsuit",
    "imath", "Finv", "triangledown", "heartsuit", "jmath", "Game", "triangle", "spadesuit", "ell",
    "hbar", "vartriangle", "hslash", "blacklozenge", "lozenge", "blacksquare", "mho",
    "blacktriangle", "sharp", "prime", "Im", "flat", "square", "backprime", "Re", "natural",
    "surd", "circledS",
};
static const char *const accents[] = {
    "acute", "bar", "overline", "breve", "check", "widecheck", "dot", "ddot", "grave", "hat",
    "tilde", "widetilde", "vec", "overrightarrow", "bm", "boldsymbol", "text", "textit", "textbf",
    "textnormal", "mathbb", "mathbin", "mathbf", "mathcal", "mathclap", "mathclose",
    "mathellipsis", "mathfrak", "mathinner", "mathit", "mathnormal", "mathop", "mathopen",
    "mathord", "mathpunct", "mathrel", "mathring", "mathrlap", "mathrm", "mathscr", "mathsf",
    "mathsterling", "mathtt", "mbox",
};

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int digits(const char *s)
{
    int n = 0;

    while (isdigit((unsigned char)s[n]))
        n++;
    return n;
}

/* A longer token than the one that was found. */
static void longer(struct mv_token *t, int n, enum mv_part kind)
{
    if (n > t->n) {
        t->n = n;
        t->kind = kind;
    }
}

static void command_from(struct mv_token *t, const char *const *words, size_t n,
                         enum mv_part kind)
{
    for (size_t i = 0; i < n; i++) {
        int k = (int)strlen(words[i]);
        if (strncmp(t->s + 1, words[i], (size_t)k) != 0)
            continue;
        if (kind != MV_ACCENT) {
            longer(t, k + 1 + (t->s[k + 1] == ' '), kind);
            continue;
        }
        k += 1 + is_blank(t->s[k + 1]);
        if (t->s[k] == '{' && strchr(t->s + k, '}'))
            longer(t, (int)(strchr(t->s + k, '}') - t->s) + 1, kind);
    }
}

static void array_start(struct mv_token *t)
{
    static const char start[] = "\\begin{array}{";
    int n = (int)sizeof start - 1;

    if (strncmp(t->s, start, (size_t)n) != 0)
        return;
    n += (int)strspn(t->s + n, "clr");
    if (t->s[n] == '}')
        longer(t, n + 1, MV_ARRAY);
}

static void number(struct mv_token *t)
{
    const char *s = t->s;
    int n = digits(s), more, blank;

    if (s[n] == '.' && digits(s + n + 1))
        n += 1 + digits(s + n + 1);
    if (n == 0)
        return;
    longer(t, n, MV_NUMBER);
    more = s[n] == 'E' ? 1 + (s[n + 1] == '-' || s[n + 1] == '+') : 0;
    if (more && digits(s + n + more))
        longer(t, n + more + digits(s + n + more), MV_EXPONENT);
    blank = n + is_blank(s[n]);
    blank += s[blank] == '\\';
    if (s[blank] == '%')
        longer(t, blank + 1, MV_PERCENT);
}

/* d and a letter or a command. */
static void differential(struct mv_token *t)
{
    const char *s = t->s;
    int n = 1, k = 0;

    if (*s != 'd')
        return;
    while (is_blank(s[n]))
        n++;
    if (isalpha((unsigned char)s[n]))
        longer(t, n + 1, MV_DIFFERENTIAL);
    if (s[n] == '\\') {
        while (isalpha((unsigned char)s[n + 1 + k]))
            k++;
        if (k)
            longer(t, n + 1 + k, MV_DIFFERENTIAL);
    }
}

static struct mv_token next_token(const char *s)
{
    struct mv_token t = {MV_NOTHING, s, 0};

    if (is_blank(*s))
        return (struct mv_token){MV_SKIPPED, s, 1};
    for (size_t i = 0; i < LENGTH(literals); i++) {
        size_t n = strlen(literals[i].s);
        if ((int)n > t.n && strncmp(s, literals[i].s, n) == 0)
            longer(&t, (int)n, literals[i].kind);
    }
    differential(&t);
    if (isalpha((unsigned char)*s))
        longer(&t, 1, MV_LETTER);
    number(&t);
    if (*s == '\\') {
        command_from(&t, greek, LENGTH(greek), MV_GREEK);
        command_from(&t, symbols, LENGTH(symbols), MV_SYMBOL);
        command_from(&t, accents, LENGTH(accents), MV_ACCENT);
        array_start(&t);
    }
    for (size_t i = 0; i < LENGTH(greek_letters); i++)
        if (strncmp(s, greek_letters[i], strlen(greek_letters[i])) == 0)
            longer(&t, (int)strlen(greek_letters[i]), MV_GREEK);
    return t;
}

/* The number of tokens; -1: too many, or what is none. */
static int tokens_of(const char *s, struct mv_token *v)
{
    int n = 0, depth = 0;

    while (*s) {
        struct mv_token t = next_token(s);
        if (t.n == 0 || n == TOKENS)
            return -1;
        s += t.n;
        if (t.kind == MV_SKIPPED)
            continue;
        depth += t.kind == MV_BRACE || t.kind == MV_PAREN || t.kind == MV_BRACKET ||
                 t.kind == MV_SET;
        if (depth > NESTING)
            return -1;
        v[n++] = t;
    }
    return n;
}

/* --- the grammar --------------------------------------------------------------------------- */

struct item {
    enum mv_part part;
    char times; /* 0 once, ? * + */
};

struct mv_grammar {
    struct rule {
        struct {
            struct item items[ITEMS];
            int n;
        } ways[ALTERNATIVES];
        int n;
    } rules[MV_PARTS - MV_TOKEN_KINDS];
};

static const char *const part_names[] = {
#define X(name) #name,
    MV_TOKENS(X)
#undef X
        "",
#define X(name, text) #name,
    MV_RULES(X)
#undef X
};
static const char *const rule_texts[] = {
#define X(name, text) (text),
    MV_RULES(X)
#undef X
};

static int part_of(const char *s, size_t n)
{
    for (int i = 0; i < (int)LENGTH(part_names); i++)
        if (strlen(part_names[i]) == n && memcmp(part_names[i], s, n) == 0)
            return i;
    return -1;
}

/* 0; -1: the table names what is none, or holds too much. */
static int rule_read(struct rule *r, const char *s)
{
    for (r->n = 1; *s;) {
        size_t n = strcspn(s, " ");
        if (*s == '|') {
            r->n++;
        } else {
            char last = s[n - 1];
            char times = last == '?' || last == '*' || last == '+' ? last : 0;
            int part = part_of(s, n - (times != 0));
            int *k = &r->ways[r->n - 1].n;
            if (part < 0 || *k == ITEMS || r->n > ALTERNATIVES)
                return -1;
            r->ways[r->n - 1].items[(*k)++] = (struct item){(enum mv_part)part, times};
        }
        s += n;
        s += strspn(s, " ");
    }
    return 0;
}

int mv_grammar_open(struct mv_grammar **out, struct err *e)
{
    struct mv_grammar *g = mem_calloc(1, sizeof *g);

    if (!g)
        return err_nomem(e);
    for (size_t i = 0; i < LENGTH(rule_texts); i++)
        if (rule_read(&g->rules[i], rule_texts[i]) < 0) {
            mem_free(g);
            return err_set(e, ERR_INVALID, "the rule '%s'", rule_texts[i]);
        }
    *out = g;
    return 0;
}

void mv_grammar_close(struct mv_grammar *g)
{
    mem_free(g);
}

/* --- where rules end ------------------------------------------------------------------------ */

struct places { /* between tokens: 0 .. TOKENS */
    uint64_t w[WORDS];
};

struct parser {
    const struct mv_grammar *g;
    struct arena *arena;
    const struct mv_token *tokens;
    int n, failed;
    const struct mv_node **kids; /* of rules that are under way, [PENDING] */
    int n_kids;
    struct ends {
        int known;
        struct places at;
    } *ends; /* [rule][place] */
};

static int has(const struct places *p, int i)
{
    return (int)(p->w[i >> 6] >> (i & 63) & 1);
}

static void put(struct places *p, int i)
{
    p->w[i >> 6] |= UINT64_C(1) << (i & 63);
}

static int merge(struct places *p, const struct places *more) /* 1: it grew */
{
    uint64_t grown = 0;

    for (int i = 0; i < WORDS; i++) {
        grown |= more->w[i] & ~p->w[i];
        p->w[i] |= more->w[i];
    }
    return grown != 0;
}

static int meets(const struct places *a, const struct places *b)
{
    uint64_t common = 0;

    for (int i = 0; i < WORDS; i++)
        common |= a->w[i] & b->w[i];
    return common != 0;
}

static struct places ends_of(struct parser *p, enum mv_part part, int at);

static struct places after_once(struct parser *p, enum mv_part part, const struct places *from)
{
    struct places to = {{0}};

    for (int i = 0; i <= p->n; i++)
        if (has(from, i)) {
            struct places ends = ends_of(p, part, i);
            merge(&to, &ends);
        }
    return to;
}

static struct places after_item(struct parser *p, struct item item, struct places from)
{
    struct places all = from, last = from;

    if (item.times == 0)
        return after_once(p, item.part, &from);
    if (item.times == '+')
        all = last = after_once(p, item.part, &from);
    do {
        last = after_once(p, item.part, &last);
    } while (merge(&all, &last) && item.times != '?');
    return all;
}

static struct places after_items(struct parser *p, const struct item *v, int n,
                                 struct places from)
{
    for (int i = 0; i < n; i++)
        from = after_item(p, v[i], from);
    return from;
}

static struct places ends_of(struct parser *p, enum mv_part part, int at)
{
    struct places start = {{0}}, all = {{0}};
    const struct rule *r;
    struct ends *known;

    if (part < MV_TOKEN_KINDS) {
        if (at < p->n && p->tokens[at].kind == part)
            put(&all, at + 1);
        return all;
    }
    known = &p->ends[(part - MV_TOKEN_KINDS - 1) * (p->n + 1) + at];
    if (known->known)
        return known->at;
    r = &p->g->rules[part - MV_TOKEN_KINDS - 1];
    put(&start, at);
    for (int i = 0; i < r->n; i++) {
        struct places ends = after_items(p, r->ways[i].items, r->ways[i].n, start);
        merge(&all, &ends);
    }
    known->known = 1;
    known->at = all;
    return all;
}

/* --- the tree ------------------------------------------------------------------------------- */

static const struct mv_node *derive(struct parser *p, enum mv_part part, int at,
                                    const struct places *accepted);

/* Where an item may end so that those behind it lead to what is accepted. */
static struct places useful(struct parser *p, enum mv_part part, int at, const struct item *rest,
                            int n, const struct places *accepted)
{
    struct places ends = ends_of(p, part, at), good = {{0}};

    for (int i = at; i <= p->n; i++)
        if (has(&ends, i)) {
            struct places from = {{0}}, to;
            put(&from, i);
            to = after_items(p, rest, n, from);
            if (meets(&to, accepted))
                put(&good, i);
        }
    return good;
}

static int any(const struct places *p)
{
    return (p->w[0] | p->w[1] | p->w[2] | p->w[3]) != 0;
}

static int derive_items(struct parser *p, const struct item *items, int n, int at,
                        const struct places *accepted)
{
    const struct mv_node *kid;
    struct item rest[ITEMS];

    for (int i = 0; i < n; i++) {
        char times = items[i].times;
        int taken = 0;
        memcpy(rest, items + i, (size_t)(n - i) * sizeof *rest);
        for (;;) {
            const struct item *behind = rest + 1;
            int k = n - i - 1;
            struct places good;
            if (times == '*' || times == '+') { /* itself may follow */
                rest[0].times = '*';
                behind = rest;
                k++;
            }
            good = useful(p, items[i].part, at, behind, k, accepted);
            if (!any(&good) || p->n_kids == PENDING)
                break;
            kid = derive(p, items[i].part, at, &good);
            if (!kid)
                return -1;
            at = kid->to;
            p->kids[p->n_kids++] = kid;
            taken = 1;
            if (times == 0 || times == '?')
                break;
        }
        if (!taken && (times == 0 || times == '+'))
            return -1;
    }
    return at;
}

/* Its kids are those that were left behind `first`. */
static struct mv_node *node_make(struct parser *p, struct mv_node like, int first)
{
    struct mv_node *node = arena_alloc(p->arena, sizeof *node);
    int n = p->n_kids - first;

    if (node) {
        *node = like;
        node->kids = arena_alloc(p->arena, (size_t)(n + 1) * sizeof *node->kids);
    }
    if (!node || !node->kids) {
        p->failed = 1;
        return NULL;
    }
    memcpy(node->kids, p->kids + first, (size_t)n * sizeof *node->kids);
    node->n = n;
    p->n_kids = first;
    return node;
}

static const struct mv_node *derive(struct parser *p, enum mv_part part, int at,
                                    const struct places *accepted)
{
    const struct rule *r;
    struct places from = {{0}};
    int to, first = p->n_kids;

    if (part < MV_TOKEN_KINDS)
        return node_make(p, (struct mv_node){part, 0, at, at + 1, 0, NULL}, first);
    assert(part > MV_TOKEN_KINDS);
    r = &p->g->rules[part - MV_TOKEN_KINDS - 1];
    put(&from, at);
    for (int i = 0; i < r->n; i++) {
        struct places ends = after_items(p, r->ways[i].items, r->ways[i].n, from);
        if (!meets(&ends, accepted))
            continue;
        to = derive_items(p, r->ways[i].items, r->ways[i].n, at, accepted);
        if (to < 0)
            return NULL;
        return node_make(p, (struct mv_node){part, i, at, to, 0, NULL}, first);
    }
    return NULL;
}

int mv_parse(const struct mv_grammar *g, struct arena *a, const char *s, size_t n,
             struct mv_tree *out)
{
    struct parser p = {.g = g, .arena = a};
    char *text = arena_strndup(a, s, n);
    struct places end = {{0}}, ends;
    struct arena scratch = ARENA_INIT; /* what is not part of the tree */
    int rc = -1;

    out->tokens = arena_alloc(a, (TOKENS + 1) * sizeof *out->tokens);
    if (!text || !out->tokens)
        return -1;
    p.tokens = out->tokens;
    p.n = tokens_of(text, out->tokens);
    if (p.n <= 0)
        return 0;
    p.ends = arena_alloc(&scratch, LENGTH(rule_texts) * (size_t)(p.n + 1) * sizeof *p.ends);
    p.kids = arena_alloc(&scratch, PENDING * sizeof *p.kids);
    if (p.ends && p.kids) {
        put(&end, p.n);
        ends = ends_of(&p, MV_math, 0);
        out->root = meets(&ends, &end) ? derive(&p, MV_math, 0, &end) : NULL;
        rc = out->root ? 1 : p.failed ? -1 : 0;
    }
    arena_release(&scratch);
    return rc;
}
