/* template_sample.c -- variables that a template could be rendered with, guessed from its text.
 *
 * Every expression is walked with what it stands for in the sample: a value that may still change
 * its type while nothing is known of it.  `x.y` makes x an object, `x[0]`, loops and `join` make
 * it a list, arithmetic a number; `[..].index(x)` and comparisons give it one of the constants.
 * Names that the template binds itself are left out. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/template_impl.h"

enum { ITEMS = 4, SAMPLE_DEPTH = 100 };
#define UNKNOWN "a text"

struct bound { /* a name of the template's own; value: an item of what it runs over, or NULL */
    struct text name;
    cJSON *value;
    const struct bound *outer;
};

struct sampler {
    cJSON *vars;
    int depth, failed; /* failed: out of memory */
};

static cJSON *walk(struct sampler *s, const struct node *n, const struct bound *b);

/* --- values that are not settled yet ------------------------------------------------------ */

static int is_unknown(const cJSON *v)
{
    return cJSON_IsString(v) && strcmp(v->valuestring, UNKNOWN) == 0;
}

/* Gives an unknown value another one's type and contents; takes `to` over. */
static void become(struct sampler *s, cJSON *v, cJSON *to)
{
    if (!to) {
        s->failed = 1;
        return;
    }
    if (v && is_unknown(v)) {
        cJSON_free(v->valuestring);
        v->valuestring = to->valuestring;
        v->valueint = to->valueint;
        v->valuedouble = to->valuedouble;
        v->child = to->child;
        v->type = to->type;
        to->valuestring = NULL;
        to->child = NULL;
    }
    json_free(to);
}

static cJSON *member(struct sampler *s, cJSON *v, struct text name)
{
    char *key = mem_strndup(name.s, name.n);
    cJSON *m = NULL, *made;

    if (!key) {
        s->failed = 1;
        return NULL;
    }
    if (v && is_unknown(v))
        become(s, v, cJSON_CreateObject());
    if (cJSON_IsObject(v) && !(m = cJSON_GetObjectItemCaseSensitive(v, key))) {
        made = cJSON_CreateString(UNKNOWN);
        if (made && cJSON_AddItemToObject(v, key, made)) {
            m = made;
        } else {
            json_free(made);
            s->failed = 1;
        }
    }
    mem_free(key);
    return m;
}

/* A list of unknown texts; what becomes of its first item becomes of all, at the end. */
static cJSON *first_item(struct sampler *s, cJSON *v)
{
    if (v && is_unknown(v)) {
        cJSON *list = cJSON_CreateArray(), *item = cJSON_CreateString(UNKNOWN);
        if (!list || !item || !cJSON_AddItemToArray(list, item)) {
            json_free(list);
            json_free(item);
            s->failed = 1;
            return NULL;
        }
        become(s, v, list);
    }
    return cJSON_IsArray(v) ? v->child : NULL;
}

static void fill_lists(struct sampler *s, cJSON *v)
{
    cJSON *c;

    if (s->depth >= SAMPLE_DEPTH)
        return;
    s->depth++;
    while (cJSON_IsArray(v) && v->child && v->child->next) /* of an earlier template */
        cJSON_DeleteItemFromArray(v, 1);
    cJSON_ArrayForEach(c, v)
        fill_lists(s, c);
    while (cJSON_IsArray(v) && v->child && cJSON_GetArraySize(v) < ITEMS) {
        cJSON *copy = cJSON_Duplicate(v->child, 1);
        if (!copy || !cJSON_AddItemToArray(v, copy)) {
            json_free(copy);
            s->failed = 1;
            break;
        }
    }
    s->depth--;
}

/* --- expressions -------------------------------------------------------------------------- */

static cJSON *name_value(struct sampler *s, const struct node *n, const struct bound *b)
{
    for (; b; b = b->outer)
        if (text_equal(b->name, n->name))
            return b->value;
    return global_find(n->name) ? NULL : member(s, s->vars, n->name);
}

static cJSON *constant(const struct val *v)
{
    char *text;
    cJSON *c;

    if (v->type == VAL_INT || v->type == VAL_BOOL)
        return cJSON_CreateNumber((double)v->i);
    if (v->type == VAL_FLOAT)
        return cJSON_CreateNumber(v->f);
    if (v->type != VAL_STR)
        return cJSON_CreateNull();
    text = mem_strndup(v->str.s, v->str.n);
    c = text ? cJSON_CreateString(text) : NULL;
    mem_free(text);
    return c;
}

static int one_of(struct text name, const char *words)
{
    char word[40];

    snprintf(word, sizeof word, " %.*s ", name.n < 30 ? (int)name.n : 30, name.s);
    return strstr(words, word) != NULL;
}

static cJSON *walk_item(struct sampler *s, const struct node *n, const struct bound *b)
{
    cJSON *v = walk(s, n->a, b), *at;

    if (n->b->kind == N_CONST && n->b->value->type == VAL_STR)
        return member(s, v, n->b->value->str);
    if (n->b->kind == N_SLICE)
        return v;
    at = walk(s, n->b, b);
    if (at)
        become(s, at, cJSON_CreateNumber(0));
    return first_item(s, v);
}

/* `[..].index(x)` and `{..}.get(x)` want x to be one of the constants. */
static cJSON *walk_call(struct sampler *s, const struct node *n, const struct bound *b)
{
    const struct node *f = n->a, *list;
    cJSON *self = NULL, *arg;

    if (f->kind == N_GETATTR)
        self = walk(s, f->a, b);
    for (const struct node *k = n->list; k; k = k->next) {
        arg = walk(s, k->kind == N_KEYWORD || k->kind == N_STAR ? k->a : k, b);
        list = f->kind == N_GETATTR ? f->a->list : NULL;
        if (arg && f->kind == N_GETATTR && text_is(f->name, "index") && f->a->kind == N_LIST &&
            list && list->kind == N_CONST)
            become(s, arg, constant(list->value));
    }
    if (self && one_of(f->name, " index append count "))
        first_item(s, self);
    else if (self && one_of(f->name, " items keys values get "))
        become(s, self, cJSON_CreateObject());
    return NULL;
}

static cJSON *walk_filter(struct sampler *s, const struct node *n, const struct bound *b)
{
    cJSON *v = n->a ? walk(s, n->a, b) : NULL;

    for (const struct node *k = n->list; k; k = k->next)
        walk(s, k->kind == N_KEYWORD ? k->a : k, b);
    if (v && one_of(n->name, " join list map select reject unique sort first last "))
        first_item(s, v);
    else if (v && one_of(n->name, " int float abs round "))
        become(s, v, cJSON_CreateNumber(0));
    return NULL;
}

static void walk_list(struct sampler *s, const struct node *first, const struct bound *b)
{
    for (; first; first = first->next)
        walk(s, first, b);
}

static void walk_compare(struct sampler *s, const struct node *n, const struct bound *b)
{
    cJSON *v = walk(s, n->a, b), *other;

    for (const struct node *k = n->list; k; k = k->next) {
        other = walk(s, k->a, b);
        if (v && k->a->kind == N_CONST && k->op != OP_IN && k->op != OP_NOT_IN)
            become(s, v, constant(k->a->value));
        if (other && n->a->kind == N_CONST && k->op != OP_IN && k->op != OP_NOT_IN)
            become(s, other, constant(n->a->value));
    }
}

static void walk_arithmetic(struct sampler *s, const struct node *n, const struct bound *b)
{
    cJSON *x = walk(s, n->a, b), *y = walk(s, n->b, b);

    if (n->op == OP_ADD && (n->a->kind != N_CONST || n->a->value->type == VAL_STR) &&
        (n->b->kind != N_CONST || n->b->value->type == VAL_STR))
        return;
    if (n->op == OP_MOD && n->a->kind == N_CONST && n->a->value->type == VAL_STR)
        return;
    if (x)
        become(s, x, cJSON_CreateNumber(1));
    if (y)
        become(s, y, cJSON_CreateNumber(1));
}

/* --- statements --------------------------------------------------------------------------- */

static void walk_body(struct sampler *s, const struct node *first, const struct bound *b);

static void walk_for(struct sampler *s, const struct node *n, const struct bound *b)
{
    cJSON *v = walk(s, n->b, b);
    cJSON *item = v ? first_item(s, v) : NULL;
    struct bound loop = {TEXT("loop"), NULL, b}, names[8];
    const struct bound *inner = &loop;
    int k = 0;

    if (n->a->kind == N_NAME) {
        names[0] = (struct bound){n->a->name, item, inner};
        inner = &names[0];
    }
    for (const struct node *x = n->a->list; x && k < 8; x = x->next, k++) {
        names[k] = (struct bound){x->name, NULL, inner};
        inner = &names[k];
    }
    if (n->c)
        walk(s, n->c, inner);
    walk_body(s, n->body, inner);
    walk_body(s, n->other, b);
}

/* A name that is set is known from there to the end of its body. */
static void walk_body(struct sampler *s, const struct node *n, const struct bound *b)
{
    struct bound set;

    for (; n && s->depth < SAMPLE_DEPTH; n = n->next) {
        if (n->kind == N_SET && n->a->kind == N_NAME) {
            set = (struct bound){n->a->name, walk(s, n->b, b), b};
            s->depth++;
            walk_body(s, n->next, &set);
            s->depth--;
            return;
        }
        walk(s, n, b);
    }
}

static cJSON *walk_kind(struct sampler *s, const struct node *n, const struct bound *b)
{
    cJSON *v;

    switch (n->kind) {
    case N_CONST: case N_DATA: return NULL;
    case N_NAME: return name_value(s, n, b);
    case N_GETATTR:
        v = walk(s, n->a, b);
        return v ? member(s, v, n->name) : NULL;
    case N_GETITEM: return walk_item(s, n, b);
    case N_CALL: return walk_call(s, n, b);
    case N_FILTER: return walk_filter(s, n, b);
    case N_COMPARE: walk_compare(s, n, b); return NULL;
    case N_BINARY: walk_arithmetic(s, n, b); return NULL;
    case N_FOR: walk_for(s, n, b); return NULL;
    case N_COND: case N_AND: case N_OR:
        v = walk(s, n->a, b);
        walk(s, n->b, b);
        walk(s, n->c, b);
        return v;
    case N_BRANCH: case N_MACRO: case N_WITH: case N_SET_BLOCK: case N_FILTER_BLOCK:
    case N_CALL_BLOCK:
        if (n->kind == N_BRANCH)
            walk(s, n->a, b);
        walk_body(s, n->body, b);
        return NULL;
    default:
        walk(s, n->a, b);
        walk(s, n->b, b);
        walk_list(s, n->list, b);
        return NULL;
    }
}

static cJSON *walk(struct sampler *s, const struct node *n, const struct bound *b)
{
    cJSON *v;

    if (!n || s->depth >= SAMPLE_DEPTH)
        return NULL;
    s->depth++;
    v = walk_kind(s, n, b);
    s->depth--;
    return v;
}

int template_sample(const struct template *t, cJSON *vars, int list, struct err *e)
{
    struct sampler s = {.vars = vars};
    cJSON *v;

    json_begin();
    if (list && t->body && t->body->kind == N_OUTPUT && !t->body->next) {
        v = walk(&s, t->body->a, NULL);
        if (v)
            first_item(&s, v);
    } else {
        walk_body(&s, t->body, NULL);
    }
    fill_lists(&s, vars);
    return s.failed ? err_nomem(e) : 0;
}
