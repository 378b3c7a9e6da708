/* mathverify_impl.h -- what the files of mathverify.h share: how an answer in TeX is read, and what
 * it becomes.  Private to tasks/mathverify*.c.
 *
 * A text becomes tokens, these a tree of the grammar (mathverify_syntax.c), that an expression
 * (mathverify_read.c), which two answers are compared by (mathverify_same.c).  All of it lives in
 * an arena of the call. */
#ifndef TASKS_MATHVERIFY_IMPL_H
#define TASKS_MATHVERIFY_IMPL_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "tasks/pytext.h"

/* --- syntax -------------------------------------------------------------------------------- */

/* Rules of the grammar of math-verify's reader of TeX.  A word in capitals is a token; of several
 * ways to read a text the first alternative that lets all of it be read counts.  No rule begins
 * with itself: `a (op a)*` stands for it.  ? * + as in regular expressions. */
#define MV_RULES(X)                                                                               \
    X(math, "relation_of_elements | elements | set_relation")                                     \
    X(relation_of_elements, "names EQUALS plain_elements | names IN plain_elements")              \
    X(plain_elements, "plain_list more_plain_lists*")                                             \
    X(more_plain_lists, "SEMICOLON plain_list")                                                   \
    X(plain_list, "plain_element more_plain*")                                                    \
    X(more_plain, "COMMA plain_element")                                                          \
    X(plain_element, "plus_minus | set_atom | expr")                                              \
    X(elements, "list more_lists*")                                                               \
    X(more_lists, "SEMICOLON list")                                                               \
    X(list, "element more*")                                                                      \
    X(more, "COMMA element")                                                                      \
    X(element, "plus_minus | set_atom | relation")                                                \
    X(plus_minus, "expr PLUS_MINUS expr | PLUS_MINUS expr")                                       \
    X(relation, "expr more_relation*")                                                            \
    X(more_relation, "relator expr")                                                              \
    X(relator, "IN | EQUALS | APPROX | LESS | LESS_EQUAL | MORE | MORE_EQUAL | UNEQUAL")          \
    X(expr, "product more_expr*")                                                                 \
    X(more_expr, "ADD product | SUB product")                                                     \
    X(product, "unary more_product*")                                                             \
    X(more_product, "times unary")                                                                \
    X(times, "TIMES | OVER | MOD")                                                                \
    X(plain_product, "plain_unary more_plain_product*")                                           \
    X(more_plain_product, "times plain_unary")                                                    \
    X(unary, "ADD unary | SUB unary | postfix+")                                                  \
    X(plain_unary, "ADD plain_unary | SUB plain_unary | postfix plain_postfix*")                  \
    X(postfix, "exp postfix_sign*")                                                               \
    X(plain_postfix, "plain_exp postfix_sign*")                                                   \
    X(postfix_sign, "FACTORIAL | TRANSPOSED | DEGREE")                                            \
    X(exp, "func power* | comp power*")                                                           \
    X(plain_exp, "comp power*")                                                                   \
    X(power, "above below?")                                                                      \
    X(comp, "enclosed | atom | frac | binom | matrix | det")                                      \
    X(enclosed, "group | phantom | bars | floor | ceiling | norm")                                \
    X(group, "PAREN expr PAREN_END | LGROUP expr RGROUP | BRACE expr BRACE_END | "                \
             "BRACKET expr BRACKET_END | SET expr SET_END | LBRACE expr RBRACE | "                \
             "LBRACK expr RBRACK")                                                                \
    X(phantom, "PHANTOM BRACE expr BRACE_END | BOXED BRACE expr BRACE_END")                       \
    X(norm, "NORM expr NORM")                                                                     \
    X(bars, "BAR expr BAR | LVERT expr RVERT | VERT expr VERT")                                   \
    X(floor, "FLOOR expr FLOOR_END")                                                              \
    X(ceiling, "CEILING expr CEILING_END")                                                        \
    X(name, "LETTER | GREEK | SYMBOL | ACCENT")                                                   \
    X(callee, "name below?")                                                                      \
    X(atom_name, "name above below | name below above | name below | name above | name")          \
    X(names, "PAREN atom_name more_names* PAREN_END | atom_name")                                 \
    X(more_names, "COMMA atom_name")                                                              \
    X(atom, "atom_name | INFINITY | number | PERCENT | EXPONENT | BIG_E | DIFFERENTIAL | GAMMA")  \
    X(number, "NUMBER below?")                                                                    \
    X(frac, "FRAC BRACE expr BRACE_END BRACE expr BRACE_END")                                     \
    X(binom, "BRACE expr CHOOSE expr BRACE_END | BINOM BRACE expr BRACE_END BRACE expr BRACE_END") \
    X(function, "FUNCTION | GAMMA | OPERATOR BRACE OPERATOR_NAME BRACE_END")                      \
    X(functions, "MULTI | OPERATOR BRACE MULTI_NAME BRACE_END")                                   \
    X(scripts, "below above | above below | below | above")                                       \
    X(func, "function scripts? argument | functions scripts? arguments | callee above? called | " \
            "ROOT BRACKET expr BRACKET_END BRACE expr BRACE_END | ROOT BRACE expr BRACE_END | "   \
            "EULER above?")                                                                       \
    X(argument, "PAREN expr PAREN_END | plain_product")                                           \
    X(arguments, "PAREN args PAREN_END | plain_product")                                          \
    X(called, "PAREN call_args PAREN_END | BRACKET call_args BRACKET_END | "                      \
              "BRACE PAREN call_args PAREN_END BRACE_END | "                                      \
              "BRACE BRACKET call_args BRACKET_END BRACE_END")                                    \
    X(call_args, "atom | expr COMMA | expr COMMA args")                                           \
    X(args, "expr COMMA args | expr")                                                             \
    X(below, "UNDER atom | UNDER BRACE expr BRACE_END | UNDER BRACE args BRACE_END")              \
    X(above, "CARET atom | CARET BRACE expr BRACE_END")                                           \
    X(matrix, "MATRIX row more_rows* ROW? MATRIX_END | ARRAY row more_rows* ROW? ARRAY_END")      \
    X(det, "DET row more_rows* ROW? DET_END")                                                     \
    X(row, "expr more_columns*")                                                                  \
    X(more_rows, "ROW row")                                                                       \
    X(more_columns, "COLUMN expr")                                                                \
    X(set_relation, "names IN set_relation | names NOT_IN set_relation | "                        \
                    "names EQUALS set_relation | minus_expr")                                     \
    X(minus_expr, "union_expr more_minus*")                                                       \
    X(more_minus, "SET_MINUS union_expr")                                                         \
    X(union_expr, "cap_expr more_union*")                                                         \
    X(more_union, "UNION cap_expr")                                                               \
    X(cap_expr, "set_group more_cap*")                                                            \
    X(more_cap, "CAP set_group")                                                                  \
    X(set_group, "PAREN minus_expr PAREN_END | set_atom")                                         \
    X(set_atom, "interval | literal_set | tuple | finite_set")                                    \
    X(interval, "opening expr COMMA expr closing")                                                \
    X(opening, "BRACKET | PAREN | LBRACK | LGROUP")                                               \
    X(closing, "BRACKET_END | PAREN_END | RBRACK | RGROUP")                                       \
    X(tuple, "PAREN elements PAREN_END | BRACKET elements BRACKET_END")                           \
    X(finite_set, "BRACE elements BRACE_END | SET elements SET_END | "                            \
                  "BOXED BRACE elements BRACE_END")                                               \
    X(literal_set, "NUMBERS | EMPTY | BRACE BRACE_END")

#define MV_TOKENS(X)                                                                              \
    X(EQUALS) X(IN) X(NOT_IN) X(SEMICOLON) X(COMMA) X(PLUS_MINUS) X(APPROX) X(LESS) X(LESS_EQUAL) \
    X(MORE) X(MORE_EQUAL) X(UNEQUAL) X(ADD) X(SUB) X(TIMES) X(OVER) X(MOD) X(FACTORIAL)           \
    X(TRANSPOSED) X(DEGREE) X(PAREN) X(PAREN_END) X(LGROUP) X(RGROUP) X(BRACE) X(BRACE_END)       \
    X(BRACKET) X(BRACKET_END) X(SET) X(SET_END) X(LBRACE) X(RBRACE) X(LBRACK) X(RBRACK)           \
    X(PHANTOM) X(BOXED) X(NORM) X(BAR) X(LVERT) X(RVERT) X(VERT) X(FLOOR) X(FLOOR_END) X(CEILING) \
    X(CEILING_END) X(LETTER) X(GREEK) X(SYMBOL) X(ACCENT) X(INFINITY) X(NUMBER) X(PERCENT)        \
    X(EXPONENT) X(BIG_E) X(DIFFERENTIAL) X(GAMMA) X(FRAC) X(BINOM) X(CHOOSE) X(FUNCTION)          \
    X(OPERATOR) X(OPERATOR_NAME) X(MULTI) X(MULTI_NAME) X(ROOT) X(EULER) X(UNDER) X(CARET)        \
    X(MATRIX) X(MATRIX_END) X(ARRAY) X(ARRAY_END) X(DET) X(DET_END) X(ROW) X(COLUMN) X(SET_MINUS) \
    X(UNION) X(CAP) X(NUMBERS) X(EMPTY) X(SKIPPED) X(NOTHING)

enum mv_part {
#define X(name) MV_##name,
    MV_TOKENS(X)
#undef X
        MV_TOKEN_KINDS,
#define X(name, text) MV_##name,
    MV_RULES(X)
#undef X
        MV_PARTS
};

struct mv_token {
    enum mv_part kind;
    const char *s;
    int n;
};

struct mv_node { /* of a rule, or of a token (no kids) */
    enum mv_part part;
    int alternative;
    int from, to; /* tokens */
    int n;
    const struct mv_node **kids;
};

struct mv_tree {
    struct mv_token *tokens;
    const struct mv_node *root;
};

struct mv_grammar;
int mv_grammar_open(struct mv_grammar **out, struct err *e);
void mv_grammar_close(struct mv_grammar *g);
/* 1 and a tree in the arena; 0: it is no such text, or longer than what is read; -1: no memory. */
int mv_parse(const struct mv_grammar *g, struct arena *a, const char *s, size_t n,
             struct mv_tree *out);

/* --- expressions --------------------------------------------------------------------------- */

enum mv_kind {
    MV_INTEGER, MV_RATIONAL, MV_FLOAT, /* numbers: num, den or text */
    MV_INFINITE,                       /* num: its sign */
    MV_UNDEFINED,                      /* 1/0 */
    MV_NAME,                           /* a symbol; real: of real numbers */
    MV_PI, MV_E, MV_EULER_GAMMA, MV_I,
    MV_SUM, MV_PRODUCT, MV_RAISED,     /* as they were written: nothing is computed */
    MV_HUNDREDTH,                      /* what a percent sign multiplies by */
    MV_APPLIED,                        /* num: enum texfunction */
    MV_LOG_BASE,                       /* of args[0] to the base args[1] */
    MV_MODULO, MV_CHOOSING,            /* binomial */
    MV_CALLED,                         /* a function known by its name */
    MV_ROWS,                           /* a matrix of num columns */
    MV_FINITE, MV_ORDERED,             /* sets, num 1: something was written twice; tuples */
    MV_RANGE,                          /* an interval; num: 1 left open, 2 right open */
    MV_UNITED, MV_SHARED, MV_WITHOUT,  /* of sets */
    MV_NUMBER_SET,                     /* num: the letter of its sign */
    MV_RELATED,                        /* num: a token */
    MV_CHAIN,                          /* relations that all hold: a < b < c */
    MV_NOT_IN_SET,
};

struct mv {
    enum mv_kind kind;
    int real;
    int64_t num, den;
    const char *text; /* digits of a number that does not fit or has a point; a name */
    int n;
    const struct mv **args;
};

/* real: its letters stand for real numbers.  1; 0: it is none of what is compared; -1: no memory */
int mv_read(const struct mv_grammar *g, struct arena *a, const char *s, size_t n, int real,
            const struct mv **out);
/* What is no TeX but digits, points and signs, as Python reads it. */
int mv_read_plain(struct arena *a, const char *s, size_t n, const struct mv **out);
struct mv *mv_make(struct arena *a, enum mv_kind kind, int n, const struct mv *const *args);
const struct mv *mv_integer(struct arena *a, int64_t n);
const struct mv *mv_ratio(struct arena *a, int64_t num, int64_t den);
/* Digits, with a point or without. */
const struct mv *mv_number(struct arena *a, const char *s, size_t n);
const struct mv *mv_percent(struct arena *a, const struct mv *v);
/* A set, in which nothing is twice. */
const struct mv *mv_finite(struct arena *a, int n, const struct mv *const *args);

int mv_is_number(const struct mv *v);
int mv_is_whole(const struct mv *v); /* and fits 64 bits */
int mv_is_matrix(const struct mv *v);
int mv_only_names(const struct mv *v); /* letters, and what is joined of them alone */
/* 1: a real number or an infinity, and its value. */
int mv_constant(const struct mv *v, double *out);
/* 1: the same tree. */
int mv_identical(const struct mv *a, const struct mv *b);
/* 1: they count as the same answer; 0; -1: no memory. */
int mv_same(struct arena *a, const struct mv *gold, const struct mv *got);

#endif
