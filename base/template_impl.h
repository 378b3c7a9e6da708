/* template_impl.h -- what the files of base/template*.c share; nobody else includes it.
 *
 * A template goes text -> tokens (lex) -> nodes (parse) -> output (exec, eval).  Values are those
 * of Python as far as templates can see them, and immutable but for namespaces, loops and scopes:
 * sharing needs no counts, and everything made while rendering lives in one arena until the end.
 *
 * A function that returns a value returns NULL after an error, which is then in ctx->e. */
#ifndef BASE_TEMPLATE_IMPL_H
#define BASE_TEMPLATE_IMPL_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "base/template.h"

/* A hostile template meets one of these before it meets the end of the machine. */
enum {
    LIMIT_SOURCE = 4 << 20,    /* bytes of template text */
    LIMIT_NESTING = 150,       /* brackets and blocks inside each other */
    LIMIT_DEPTH = 600,         /* expressions and statements being evaluated at once */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION /* met often, so met soon */
    LIMIT_STEPS = 100000,
    LIMIT_MEMORY = 4 << 20,
    LIMIT_OUTPUT = 1 << 20,
#else
    LIMIT_STEPS = 20000000,    /* nodes evaluated, plus work that grows with the data */
    LIMIT_MEMORY = 256 << 20,  /* bytes of values */
    LIMIT_OUTPUT = 64 << 20,   /* bytes of any text being written */
#endif
    LIMIT_RANGE = 100000,      /* as in Jinja's sandbox */
    LIMIT_VALUE = 200,         /* values inside each other that are compared or printed */
    LIMIT_WIDTH = 10000,       /* characters of a field or an indent */
};

struct text {
    const char *s; /* UTF-8; no terminator promised */
    size_t n;
};
#define TEXT(literal) ((struct text){literal, sizeof(literal) - 1})
int text_is(struct text t, const char *s);
int text_equal(struct text a, struct text b);

/* ---- values ---------------------------------------------------------------------------------- */

enum val_type {
    VAL_UNDEFINED, VAL_NONE, VAL_BOOL, VAL_INT, VAL_FLOAT, VAL_STR, VAL_SEQ, VAL_DICT,
    VAL_NAMESPACE, VAL_LOOP, VAL_CALLABLE,
};
/* What Python tells apart though all are a row of values. */
enum seq_kind { SEQ_LIST, SEQ_TUPLE, SEQ_RANGE, SEQ_VIEW, SEQ_KEYS, SEQ_VALUES, SEQ_ITERATOR };

struct dict {
    const struct val **keys, **values; /* in order of insertion */
    size_t n, cap;
};

struct val {
    enum val_type type;
    enum seq_kind kind; /* VAL_SEQ */
    int markup;         /* VAL_STR: came through `safe` or `escape` */
    union {
        int64_t i; /* VAL_BOOL: 0 or 1 */
        double f;
        struct text str; /* VAL_UNDEFINED: what to say when it is used */
        struct {
            const struct val **v;
            size_t n;
        } seq;
        struct dict *dict; /* VAL_DICT, VAL_NAMESPACE */
        struct loop *loop;
        const struct callable *call;
    };
};

extern const struct val val_none, val_true, val_false, val_empty;

struct loop {
    const struct val *items;
    size_t at;
    const struct val *changed; /* what loop.changed() saw last; NULL before the first call */
};

struct scope {
    struct scope *parent;
    struct binding *first;
};

struct ctx {
    struct arena arena;
    size_t bytes;
    long steps;
    int depth, line;
    const char *name;
    const struct tm *now;
    struct dict *vars;
    const struct val *block_text; /* what the filter of a block is applied to */
    int strict;                   /* TEMPLATE_STRICT */
    const struct node *may_miss;  /* strict: the expression that may be undefined */
    struct err *e;
};

/* Arguments of a call.  After args_bind, v[i] is the i-th parameter, NULL when it was not given. */
struct args {
    const struct val **v;
    size_t n;
    struct dict kw;
};

/* A filter, method, test or global: one row.  params: names separated by blanks, bound from
 * position or keyword, the first `required` of which must be there; NULL: `fn` reads v, n and kw
 * itself. */
struct native {
    const char *name;
    const struct val *(*fn)(struct ctx *c, const struct val *self, struct args *a);
    int required;
    const char *params;
};

struct callable {
    const struct native *native; /* with self; NULL for a macro */
    const struct val *self;
    const struct node *macro; /* N_MACRO or N_CALL_BLOCK, closed over scope */
    struct scope *scope;
};

/* Fails with ERR_FORMAT and the template's name and line as the hint; returns NULL. */
const void *fail(struct ctx *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
const void *fail_undefined(struct ctx *c, const struct val *v);
int step(struct ctx *c, size_t work); /* -1: the template has run too long */

void *ctx_alloc(struct ctx *c, size_t n, size_t size); /* zeroed */
const struct val *val_int(struct ctx *c, int64_t i);
const struct val *val_float(struct ctx *c, double f);
const struct val *val_bool(int b);
const struct val *val_text(struct ctx *c, struct text t); /* borrows the bytes */
const struct val *val_copy(struct ctx *c, const char *s, size_t n);
const struct val *val_take(struct ctx *c, struct strbuf *b); /* copies and releases b */
const struct val *val_markup(struct ctx *c, const struct val *str);
const struct val *val_undefined(struct ctx *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The items are the caller's to set. */
struct val *val_seq(struct ctx *c, enum seq_kind kind, size_t n);
const struct val *val_dict(struct ctx *c, struct dict *d);
const struct val *val_from_json(struct ctx *c, const cJSON *j);

struct dict *dict_new(struct ctx *c);
int dict_set(struct ctx *c, struct dict *d, const struct val *key, const struct val *value);
const struct val *dict_get(struct ctx *c, const struct dict *d, const struct val *key);
const struct val *dict_text(const struct dict *d, struct text key); /* NULL when absent */

const char *val_type_name(const struct val *v); /* Python's */
int val_is_number(const struct val *v);         /* int, float, bool */
double val_number(const struct val *v);
int val_truth(const struct val *v);
int val_equal(struct ctx *c, const struct val *a, const struct val *b); /* -1: nested too deep */
/* a < b into *less; -1 with a TypeError for values without an order. */
int val_less(struct ctx *c, const struct val *a, const struct val *b, int *less);
/* The items of whatever can be iterated: a VAL_SEQ, for a dict of its keys, for a text of its
 * characters. */
const struct val *val_items(struct ctx *c, const struct val *v);

/* ---- values as text: template_repr.c --------------------------------------------------------- */

void val_str(struct ctx *c, struct strbuf *b, const struct val *v);  /* str(v) */
void val_repr(struct ctx *c, struct strbuf *b, const struct val *v); /* repr(v) */
int val_as_text(struct ctx *c, const struct val *v, struct text *out); /* str(v) */
void float_repr(char text[40], double f);

/* ---- text: template_text.c ------------------------------------------------------------------- */

size_t text_chars(struct text t);
size_t text_offset(struct text t, size_t chars); /* byte offset of the chars-th character */
size_t text_find(struct text t, struct text part, size_t from); /* SIZE_MAX when absent */
size_t text_find_last(struct text t, struct text part);         /* likewise */
int32_t text_next(struct text t, size_t *at); /* the character at *at, which moves behind it */
int char_is_space(int32_t c);                 /* Python's str.isspace */
struct text text_trim(struct text t, const struct text *chars, int left, int right);
enum letter_case { CASE_LOWER, CASE_UPPER, CASE_TITLE, CASE_CAPITAL, CASE_SWAP };
const struct val *text_case(struct ctx *c, struct text t, enum letter_case how);
const struct val *text_replace(struct ctx *c, struct text t, struct text old, struct text new,
                               int64_t count);
const struct val *text_lines(struct ctx *c, struct text t, int keep_ends);
int text_to_float(struct text t, double *out); /* Python's float(); 0 when it is not one */
int text_to_int(struct text t, int base, int64_t *out);
void utf8_put(struct strbuf *b, int32_t c);

/* ---- formats: template_format.c, template_tojson.c ------------------------------------------- */

const struct val *format_percent(struct ctx *c, struct text fmt, const struct val *arg);
const struct val *format_braces(struct ctx *c, struct text fmt, struct args *a);
int format_too_wide(struct ctx *c); /* fails: more than LIMIT_WIDTH; -1 */
/* a: bound to ensure_ascii, indent, separators, sort_keys. */
const struct val *json_dump(struct ctx *c, const struct val *v, struct args *a);

/* ---- methods of str that have a file of their own: template_methods_split.c ------------------ */

const struct val *str_split(struct ctx *c, const struct val *self, struct args *a);
const struct val *str_rsplit(struct ctx *c, const struct val *self, struct args *a);
const struct val *str_splitlines(struct ctx *c, const struct val *self, struct args *a);
const struct val *str_partition(struct ctx *c, const struct val *self, struct args *a);
const struct val *str_rpartition(struct ctx *c, const struct val *self, struct args *a);
const struct val *str_join(struct ctx *c, const struct val *self, struct args *a);

/* ---- tables ---------------------------------------------------------------------------------- */

const struct native *filter_find(struct text name);
extern const struct native filters_of_rows[]; /* the last has no name */
const struct native *test_find(struct text name); /* a test answers val_true or val_false */
const struct native *global_find(struct text name);
const struct native *method_find(const struct val *self, struct text name);
extern const struct native methods_of_str[]; /* the last has no name */
int method_changes(const struct val *self, struct text name); /* refused by the sandbox */

int args_bind(struct ctx *c, const struct native *f, struct args *a);
const struct val *native_call(struct ctx *c, const struct native *f, const struct val *self,
                              struct args *a);
const struct val *call_value(struct ctx *c, const struct val *f, struct args *a);
/* An argument that was given or not (NULL): `fallback`.  *bad: it was no whole number. */
int64_t arg_int(struct ctx *c, const struct val *v, int64_t fallback, int *bad);
int arg_flag(const struct val *v, int fallback);
int arg_is_none(const struct val *v); /* or not given */
int arg_text(struct ctx *c, const struct val *v, struct text *out); /* of a str only; -1 */

/* ---- nodes ----------------------------------------------------------------------------------- */

enum op {
    OP_NONE, OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_FLOORDIV, OP_MOD, OP_POW,
    OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_IN, OP_NOT_IN,
};

enum node_kind {
    /* expressions */
    N_CONST,      /* value */
    N_NAME,       /* name */
    N_LIST,       /* list of items */
    N_TUPLE,      /* list of items */
    N_DICT,       /* list of N_PAIR */
    N_PAIR,       /* a: key or target, b: value */
    N_GETATTR,    /* a . name */
    N_GETITEM,    /* a [ b ] */
    N_SLICE,      /* a : b : c, each may be NULL; only as b of N_GETITEM */
    N_CALL,       /* a ( list of arguments ) */
    N_FILTER,     /* a | name ( list ) */
    N_TEST,       /* a is name ( list ) */
    N_KEYWORD,    /* name = a, an argument */
    N_STAR,       /* * a, an argument */
    N_STARSTAR,   /* ** a, an argument */
    N_NOT, N_NEG, N_POS, /* a */
    N_AND, N_OR,  /* a, b */
    N_BINARY,     /* a op b */
    N_CONCAT,     /* list of operands of ~ */
    N_COMPARE,    /* a, list of N_OPERAND */
    N_OPERAND,    /* op a */
    N_COND,       /* a if b else c; c may be NULL */
    N_NSREF,      /* name . value, a target */
    N_BLOCK_TEXT, /* what stands in a filter or set block */
    /* statements */
    N_DATA,       /* value */
    N_OUTPUT,     /* a */
    N_IF,         /* list of N_BRANCH */
    N_BRANCH,     /* a: condition, NULL for else; body */
    N_FOR,        /* a: target, b: items, c: filter or NULL; body, other */
    N_SET,        /* a: target, b: value */
    N_SET_BLOCK,  /* a: target, b: filters; body */
    N_MACRO,      /* name, list of N_PARAM, body */
    N_PARAM,      /* name, a: default or NULL */
    N_CALL_BLOCK, /* a: N_CALL, list of N_PARAM, body */
    N_FILTER_BLOCK, /* b: filters; body */
    N_WITH,       /* list of N_PAIR, body */
    N_BREAK, N_CONTINUE,
};

struct node {
    enum node_kind kind;
    enum op op;
    int line;
    int uses; /* macros: USES_* */
    struct text name;
    const struct val *value;
    struct node *a, *b, *c;
    struct node *list, *body, *other;
    struct node *next; /* in the list or body that this node is part of */
};
enum { USES_VARARGS = 1, USES_KWARGS = 2, USES_CALLER = 4 };

struct template {
    struct arena arena;
    enum template_rules rules;
    char *name;
    struct node *body;
};

/* ---- lexer and parser ------------------------------------------------------------------------ */

enum token_kind {
    T_END, T_DATA, T_VAR_BEGIN, T_VAR_END, T_BLOCK_BEGIN, T_BLOCK_END, T_NAME, T_STRING, T_INT,
    T_FLOAT, T_OP,
};
struct token {
    enum token_kind kind;
    int line;
    struct text text; /* strings: with escapes resolved */
};
struct tokens {
    struct token *v;
    size_t n, cap;
};
/* v is mem_free's; the texts live in t's arena. */
int template_lex(struct template *t, const char *text, size_t n, struct tokens *out,
                 struct err *e);

struct parser {
    struct template *t;
    const struct token *at;
    int depth;
    int uses; /* USES_* of the macro being parsed */
    struct err *e;
};
void *parse_fail(struct parser *p, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
void *parse_unexpected(struct parser *p); /* of the next token */
int parse_enter(struct parser *p); /* one level deeper; -1 when that is too deep */
struct node *node_new(struct parser *p, enum node_kind kind);
int at_op(const struct parser *p, const char *op);
int at_name(const struct parser *p, const char *name);
int take_op(struct parser *p, const char *op); /* 1: it was there and is consumed */
int take_name(struct parser *p, const char *name);
int want_op(struct parser *p, const char *op); /* -1: it was not there */
int want_identifier(struct parser *p, struct text *out);
/* Expressions.  parse_tuple: also "a, b" without brackets; cond: `x if y` may stand there. */
struct node *parse_expression(struct parser *p);
struct node *parse_tuple(struct parser *p, int cond);
struct node *parse_target(struct parser *p, int with_namespace);
struct node *parse_filters(struct parser *p, struct node *input); /* | a | b */
struct node *parse_filter(struct parser *p, struct node *input);  /* name and arguments */

/* Between template_primary.c and template_expr.c. */
struct node *parse_primary(struct parser *p);                 /* one value */
struct node *parse_postfix(struct parser *p, struct node *n); /* n.name, n[key], n(arguments) */
struct node *parse_filters_and_tests(struct parser *p, struct node *n);
struct node *parse_or(struct parser *p); /* an expression, but for `x if y` */

/* ---- evaluation ------------------------------------------------------------------------------ */

const struct val *eval(struct ctx *c, const struct node *n, struct scope *s);
int eval_enter(struct ctx *c); /* counts a step and a level; -1 when either is too much */

/* What operators come to: template_operators.c.  n of eval_sign: N_NEG, N_POS. */
const struct val *eval_binary(struct ctx *c, enum op op, const struct val *a, const struct val *b);
const struct val *eval_sign(struct ctx *c, const struct node *n, struct scope *s);
/* op is a comparison; *out gets 0 or 1. */
int eval_compare(struct ctx *c, enum op op, const struct val *a, const struct val *b, int *out);

/* What can be reached: template_access.c. */
const struct val *get_attr(struct ctx *c, const struct val *v, struct text name);
const struct val *get_item(struct ctx *c, const struct val *v, const struct val *key);
const struct val *get_slice(struct ctx *c, const struct val *v, const struct val *const at[3]);
const struct val *lookup(struct ctx *c, const struct scope *s, struct text name);
int scope_set(struct ctx *c, struct scope *s, struct text name, const struct val *v);

int exec_body(struct ctx *c, const struct node *first, struct scope *s, struct strbuf *out);
const struct val *macro_call(struct ctx *c, const struct callable *m, struct args *a);
const struct val *loop_attr(struct ctx *c, const struct val *loop, struct text name);

#endif
