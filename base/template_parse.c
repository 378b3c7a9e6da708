/* template_parse.c -- tokens to statements, the life of a template, and how all of the parser looks
 * at tokens. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/template_impl.h"
#include "base/utf8.h"

/* ---- tokens ---------------------------------------------------------------------------------- */

void *parse_fail(struct parser *p, int line, const char *fmt, ...)
{
    char text[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(p->e, ERR_FORMAT, "%s:%d: %s", p->t->name, line, text);
    return NULL;
}

void *parse_unexpected(struct parser *p)
{
    static const char *const what[T_OP + 1] = {
        [T_END] = "end of template", [T_DATA] = "text", [T_VAR_BEGIN] = "begin of print statement",
        [T_VAR_END] = "end of print statement", [T_BLOCK_BEGIN] = "begin of statement block",
        [T_BLOCK_END] = "end of statement block", [T_STRING] = "string",
    };
    const char *name = what[p->at->kind];

    if (name)
        return parse_fail(p, p->at->line, "unexpected '%s'", name);
    return parse_fail(p, p->at->line, "unexpected '%.*s'", (int)p->at->text.n, p->at->text.s);
}

int parse_enter(struct parser *p)
{
    if (++p->depth <= LIMIT_NESTING)
        return 0;
    parse_fail(p, p->at->line, "nested more than %d levels deep", LIMIT_NESTING);
    return -1;
}

struct node *node_new(struct parser *p, enum node_kind kind)
{
    struct node *n = arena_alloc(&p->t->arena, sizeof *n);

    if (!n) {
        err_nomem(p->e);
        return NULL;
    }
    n->kind = kind;
    n->line = p->at->line;
    return n;
}

int at_op(const struct parser *p, const char *op)
{
    return p->at->kind == T_OP && text_is(p->at->text, op);
}

int at_name(const struct parser *p, const char *name)
{
    return p->at->kind == T_NAME && text_is(p->at->text, name);
}

int take_op(struct parser *p, const char *op)
{
    int there = at_op(p, op);

    p->at += there;
    return there;
}

int take_name(struct parser *p, const char *name)
{
    int there = at_name(p, name);

    p->at += there;
    return there;
}

int want_op(struct parser *p, const char *op)
{
    if (take_op(p, op))
        return 0;
    parse_unexpected(p);
    if (p->e)
        err_hint(p->e, "expected '%s'", op);
    return -1;
}

int want_identifier(struct parser *p, struct text *out)
{
    if (p->at->kind != T_NAME) {
        parse_unexpected(p);
        return -1;
    }
    *out = p->at->text;
    p->at++;
    return 0;
}

/* ---- statements ------------------------------------------------------------------------------ */

/* The names that end a body: up to three. */
struct ends {
    const char *name[3];
};

static struct node *parse_statement(struct parser *p);

static int at_end(const struct parser *p, const struct ends *ends)
{
    for (size_t i = 0; ends && i < 3 && ends->name[i]; i++)
        if (at_name(p, ends->name[i]))
            return 1;
    return 0;
}

static int want_block_end(struct parser *p)
{
    if (p->at->kind == T_BLOCK_END) {
        p->at++;
        return 0;
    }
    parse_fail(p, p->at->line, "expected token 'end of statement block', got '%.*s'",
               (int)p->at->text.n, p->at->text.s);
    return -1;
}

static struct node *parse_print(struct parser *p)
{
    struct node *n = node_new(p, N_OUTPUT);

    p->at++;
    if (!n || !(n->a = parse_tuple(p, 1)))
        return NULL;
    if (p->at->kind != T_VAR_END)
        return parse_fail(p, p->at->line, "expected token 'end of print statement', got '%.*s'",
                          (int)p->at->text.n, p->at->text.s);
    p->at++;
    return n;
}

static struct node *parse_data(struct parser *p)
{
    struct node *n = node_new(p, N_DATA);
    struct val *v = n ? arena_alloc(&p->t->arena, sizeof *v) : NULL;

    if (!v) {
        err_nomem(p->e);
        return NULL;
    }
    v->type = VAL_STR;
    v->str = p->at->text;
    n->value = v;
    p->at++;
    return n;
}

/* Statements into *list up to a tag that `ends` names; p->at is then that name.  NULL: up to the
 * end of the template. */
static int parse_body(struct parser *p, struct node **list, const struct ends *ends)
{
    int line = p->at->line;

    if (parse_enter(p) < 0)
        return -1;
    for (struct node **tail = list;; tail = &(*tail)->next) {
        if (p->at->kind == T_END) {
            if (ends)
                parse_fail(p, line, "'%s' is missing", ends->name[0]);
            p->depth--;
            return ends ? -1 : 0;
        }
        if (p->at->kind == T_DATA) {
            *tail = parse_data(p);
        } else if (p->at->kind == T_VAR_BEGIN) {
            *tail = parse_print(p);
        } else {
            p->at++;
            if (at_end(p, ends)) {
                p->depth--;
                return 0;
            }
            *tail = parse_statement(p);
            if (*tail && want_block_end(p) < 0)
                return -1;
        }
        if (!*tail)
            return -1;
    }
}

/* A body whose tag still has to be closed, up to and with the name `end`. */
static int parse_block(struct parser *p, struct node **list, const char *end)
{
    struct ends ends = {{end}};

    if (want_block_end(p) < 0 || parse_body(p, list, &ends) < 0)
        return -1;
    p->at++;
    return 0;
}

static struct node *parse_if(struct parser *p, struct node *n)
{
    static const struct ends ends = {{"endif", "elif", "else"}}, last = {{"endif"}};
    struct node **tail = &n->list;

    n->kind = N_IF;
    for (int is_else = 0;; tail = &(*tail)->next) {
        *tail = node_new(p, N_BRANCH);
        if (!*tail || (!is_else && !((*tail)->a = parse_tuple(p, 0))) || want_block_end(p) < 0 ||
            parse_body(p, &(*tail)->body, is_else ? &last : &ends) < 0)
            return NULL;
        if (take_name(p, "endif"))
            return n;
        is_else = at_name(p, "else");
        p->at++;
    }
}

static struct node *parse_for(struct parser *p, struct node *n)
{
    static const struct ends ends = {{"endfor", "else"}};

    n->kind = N_FOR;
    if (!(n->a = parse_target(p, 0)))
        return NULL;
    if (!take_name(p, "in"))
        return parse_fail(p, p->at->line, "expected 'in' in a for statement");
    if (!(n->b = parse_tuple(p, 0)) || (take_name(p, "if") && !(n->c = parse_expression(p))))
        return NULL;
    if (at_name(p, "recursive"))
        return parse_fail(p, p->at->line, "recursive loops are not supported");
    if (want_block_end(p) < 0 || parse_body(p, &n->body, &ends) < 0)
        return NULL;
    if (take_name(p, "endfor"))
        return n;
    p->at++;
    return parse_block(p, &n->other, "endfor") == 0 ? n : NULL;
}

static struct node *block_text(struct parser *p)
{
    return node_new(p, N_BLOCK_TEXT);
}

static struct node *parse_set(struct parser *p, struct node *n)
{
    n->kind = N_SET;
    if (!(n->a = parse_target(p, 1)))
        return NULL;
    if (take_op(p, "="))
        return (n->b = parse_tuple(p, 1)) ? n : NULL;
    n->kind = N_SET_BLOCK;
    n->b = parse_filters(p, block_text(p));
    return n->b && parse_block(p, &n->body, "endset") == 0 ? n : NULL;
}

static int parse_parameters(struct parser *p, struct node *n)
{
    struct node **tail = &n->list;
    int defaults = 0;

    if (want_op(p, "(") < 0)
        return -1;
    while (!at_op(p, ")")) {
        if (n->list && want_op(p, ",") < 0)
            return -1;
        *tail = node_new(p, N_PARAM);
        if (!*tail || want_identifier(p, &(*tail)->name) < 0)
            return -1;
        if (take_op(p, "=")) {
            defaults = 1;
            if (!((*tail)->a = parse_expression(p)))
                return -1;
        } else if (defaults) {
            parse_fail(p, p->at->line, "non-default argument follows default argument");
            return -1;
        }
        tail = &(*tail)->next;
    }
    p->at++;
    return 0;
}

/* The body of a macro or call block; notes which of the special names it uses. */
static int parse_macro_body(struct parser *p, struct node *n, const char *end)
{
    int outer = p->uses, rc;

    p->uses = 0;
    rc = parse_block(p, &n->body, end);
    n->uses = p->uses;
    p->uses = outer;
    return rc;
}

static struct node *parse_macro(struct parser *p, struct node *n)
{
    n->kind = N_MACRO;
    if (want_identifier(p, &n->name) < 0 || parse_parameters(p, n) < 0)
        return NULL;
    return parse_macro_body(p, n, "endmacro") == 0 ? n : NULL;
}

static struct node *parse_call(struct parser *p, struct node *n)
{
    n->kind = N_CALL_BLOCK;
    n->name = TEXT("caller");
    if ((at_op(p, "(") && parse_parameters(p, n) < 0) || !(n->a = parse_expression(p)))
        return NULL;
    if (n->a->kind != N_CALL)
        return parse_fail(p, n->line, "expected call");
    return parse_macro_body(p, n, "endcall") == 0 ? n : NULL;
}

static struct node *parse_filter_block(struct parser *p, struct node *n)
{
    n->kind = N_FILTER_BLOCK;
    n->b = block_text(p);
    n->b = n->b ? parse_filters(p, parse_filter(p, n->b)) : NULL;
    return n->b && parse_block(p, &n->body, "endfilter") == 0 ? n : NULL;
}

static struct node *parse_with(struct parser *p, struct node *n)
{
    struct node **tail = &n->list;

    n->kind = N_WITH;
    while (p->at->kind != T_BLOCK_END) {
        if (n->list && want_op(p, ",") < 0)
            return NULL;
        *tail = node_new(p, N_PAIR);
        if (!*tail || !((*tail)->a = parse_target(p, 0)) || want_op(p, "=") < 0 ||
            !((*tail)->b = parse_expression(p)))
            return NULL;
        tail = &(*tail)->next;
    }
    return parse_block(p, &n->body, "endwith") == 0 ? n : NULL;
}

/* Marks what the assistant said, for training; renders as its body. */
static struct node *parse_generation(struct parser *p, struct node *n)
{
    n->kind = N_WITH;
    return parse_block(p, &n->body, "endgeneration") == 0 ? n : NULL;
}

static struct node *parse_break(struct parser *p, struct node *n)
{
    (void)p;
    n->kind = N_BREAK;
    return n;
}

static struct node *parse_continue(struct parser *p, struct node *n)
{
    (void)p;
    n->kind = N_CONTINUE;
    return n;
}

static struct node *parse_statement(struct parser *p)
{
    static const struct {
        const char *name;
        struct node *(*parse)(struct parser *p, struct node *n);
    } rows[] = {
        {"if", parse_if},         {"for", parse_for},       {"set", parse_set},
        {"macro", parse_macro},   {"call", parse_call},     {"filter", parse_filter_block},
        {"with", parse_with},     {"break", parse_break},   {"continue", parse_continue},
        {"generation", parse_generation},
    };
    struct node *n = node_new(p, N_BREAK);

    for (size_t i = 0; n && i < sizeof rows / sizeof rows[0]; i++)
        if (take_name(p, rows[i].name))
            return rows[i].parse(p, n);
    if (!n)
        return NULL;
    return parse_fail(p, p->at->line, "Encountered unknown tag '%.*s'", (int)p->at->text.n,
                      p->at->text.s);
}

/* ---- a template ------------------------------------------------------------------------------ */

int template_parse(struct template **out, const char *text, size_t n, const char *name,
                   struct err *e)
{
    return template_parse_as(out, TEMPLATE_CHAT, text, n, name, e);
}

int template_parse_as(struct template **out, enum template_rules rules, const char *text, size_t n,
                      const char *name, struct err *e)
{
    struct tokens tokens = {0};
    struct template *t = NULL;
    struct parser p = {.e = e};
    int rc = -1;

    if (n > LIMIT_SOURCE) {
        err_set(e, ERR_FORMAT, "%s: a template of %zu bytes, at most %d are read", name, n,
                LIMIT_SOURCE);
        goto out;
    }
    if (!utf8_valid(text, n)) {
        err_set(e, ERR_FORMAT, "%s: not UTF-8 text", name);
        goto out;
    }
    t = mem_calloc(1, sizeof *t);
    if (!t || !(t->name = arena_strdup(&t->arena, name))) {
        err_nomem(e);
        goto out;
    }
    t->rules = rules;
    if (template_lex(t, text, n, &tokens, e) < 0)
        goto out;
    p.t = t;
    p.at = tokens.v;
    if (parse_body(&p, &t->body, NULL) < 0)
        goto out;
    *out = t;
    t = NULL;
    rc = 0;
out:
    mem_free(tokens.v);
    template_free(t);
    return rc;
}

void template_free(struct template *t)
{
    if (!t)
        return;
    arena_release(&t->arena);
    mem_free(t);
}
