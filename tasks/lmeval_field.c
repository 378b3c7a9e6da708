/* lmeval_field.c -- doc_to_text and its kin: a column, a template, a fixed value or a function. */
#include <string.h>

#include "base/mem.h"
#include "base/template.h"
#include "tasks/lmeval.h"
#include "tasks/pyliteral.h"

static int parse_template(struct field *f, struct err *e)
{
    struct strbuf name = STRBUF_INIT;
    int rc;

    strbuf_addf(&name, "%s:%d:%d: %s", f->node->file, f->node->line, f->node->column, f->what);
    rc = strbuf_ok(&name, e);
    if (rc == 0)
        rc = template_parse_as(&f->template, TEMPLATE_STRICT, f->node->s, f->node->n,
                               strbuf_str(&name), e);
    strbuf_release(&name);
    return rc;
}

/* Of a map lm-eval takes the values. */
static cJSON *fixed_value(const struct ynode *y, struct err *e)
{
    cJSON *v = ynode_json(y, e), *list, *item;

    if (!v || !cJSON_IsObject(v))
        return v;
    list = cJSON_CreateArray();
    while (list && (item = v->child) != NULL) {
        cJSON_DetachItemViaPointer(v, item);
        cJSON_AddItemToArray(list, item);
    }
    json_free(v);
    if (!list)
        err_nomem(e);
    return list;
}

int field_read(struct field *f, const struct ynode *y, const char *what, struct natives *natives,
               struct err *e)
{
    *f = (struct field){.kind = FIELD_NONE, .what = what, .node = y};
    if (!y || y->type == Y_NULL)
        return 0;
    if (y->type == Y_FUNCTION) {
        f->kind = FIELD_NATIVE;
        f->native = native_find(natives, y, e);
        return f->native ? 0 : -1;
    }
    if (y->type == Y_STR) {
        f->kind = FIELD_TEXT;
        return parse_template(f, e);
    }
    f->kind = FIELD_FIXED;
    f->fixed = fixed_value(y, e);
    return f->fixed ? 0 : -1;
}

void field_release(struct field *f)
{
    template_free(f->template);
    json_free(f->fixed);
    *f = (struct field){.kind = FIELD_NONE};
}

/* --- values ------------------------------------------------------------------------------- */

static cJSON *at_field(const struct field *f, struct err *e)
{
    if (e && e->code != ERR_NOMEM) {
        e->hint[0] = 0; /* the template's own name and line: the place is told here */
        err_prefix(e, "%s:%d:%d: %s", f->node->file, f->node->line, f->node->column, f->what);
    }
    return NULL;
}

static int render(const struct field *f, const cJSON *doc, struct strbuf *out, struct err *e)
{
    if (template_render(f->template, doc, NULL, out, e) == 0)
        return 0;
    at_field(f, e);
    return -1;
}

static cJSON *copy(const cJSON *v, struct err *e)
{
    cJSON *c = v ? cJSON_Duplicate(v, 1) : cJSON_CreateNull();

    if (!c)
        err_nomem(e);
    return c;
}

static int all_digits(const char *s)
{
    return *s && s[strspn(s, "0123456789")] == 0;
}

/* A rendered text: a number where there are choices and it is made of digits only; with `lists`
 * a list where it looks like one and is one. */
static cJSON *from_text(const struct lmeval *t, const char *s, size_t n, int lists, struct err *e)
{
    cJSON *v = NULL;
    struct err not_a_list = ERR_NONE;

    if (all_digits(s) && t->choice.kind != FIELD_NONE)
        return pyliteral_parse(s, n, e);
    if (lists && n >= 2 && s[0] == '[' && s[n - 1] == ']') {
        v = pyliteral_parse(s, n, &not_a_list);
        if (!v && not_a_list.code == ERR_NOMEM) {
            err_nomem(e);
            return NULL;
        }
    }
    if (!v && !(v = cJSON_CreateString(s)))
        err_nomem(e);
    return v;
}

static cJSON *value_of(const struct lmeval *t, const struct field *f, const cJSON *doc, int lists,
                       struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    cJSON *v = NULL;

    if (f->kind == FIELD_FIXED)
        return copy(f->fixed, e);
    if (f->kind == FIELD_NATIVE) {
        v = native_value(f->native, doc, e);
        return v ? v : at_field(f, e);
    }
    if (f->column)
        return copy(json_get(doc, f->node->s), e);
    if (render(f, doc, &b, e) == 0) {
        v = from_text(t, strbuf_str(&b), b.len, lists, e);
        if (!v)
            at_field(f, e);
    }
    strbuf_release(&b);
    return v;
}

cJSON *doc_to_text(const struct lmeval *t, const struct field *f, const cJSON *doc, struct err *e)
{
    cJSON *v;

    if (f->kind == FIELD_NONE) { /* rolling likelihoods do not look at it */
        v = cJSON_CreateString("");
        if (!v)
            err_nomem(e);
        return v;
    }
    v = value_of(t, f, doc, 0, e);
    if (!v || cJSON_IsString(v) || cJSON_IsNumber(v) || cJSON_IsBool(v))
        return v;
    json_free(v);
    err_set(e, ERR_FORMAT, "a text is needed, or the number of a choice");
    return at_field(f, e);
}

cJSON *doc_to_target(const struct lmeval *t, const struct field *f, const cJSON *doc,
                     struct err *e)
{
    return value_of(t, f, doc, 1, e);
}

static cJSON *checked_choices(const struct field *f, cJSON *v, struct err *e)
{
    const cJSON *item;
    int ok = cJSON_IsArray(v) && cJSON_GetArraySize(v) > 0;

    cJSON_ArrayForEach(item, v)
        ok &= cJSON_IsString(item);
    if (ok)
        return v;
    json_free(v);
    err_set(e, ERR_FORMAT, "a list of texts is needed");
    return at_field(f, e);
}

cJSON *doc_to_choice(const struct lmeval *t, const struct field *f, const cJSON *doc,
                     struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    cJSON *v = NULL;

    (void)t;
    if (f->kind == FIELD_FIXED)
        v = copy(f->fixed, e);
    else if (f->kind == FIELD_NATIVE)
        v = native_value(f->native, doc, e);
    else if (f->column)
        v = copy(json_get(doc, f->node->s), e);
    else if (render(f, doc, &b, e) < 0)
        goto out;
    else
        v = pyliteral_parse(strbuf_str(&b), b.len, e);
    v = v ? checked_choices(f, v, e) : at_field(f, e);
out:
    strbuf_release(&b);
    return v;
}

int doc_to_plain(const struct field *f, const cJSON *doc, struct strbuf *out, struct err *e)
{
    const cJSON *column;
    cJSON *v;

    if (f->kind == FIELD_NONE)
        return 0;
    if (f->kind == FIELD_NATIVE) {
        v = native_value(f->native, doc, e);
        if (!v) {
            at_field(f, e);
            return -1;
        }
        py_str(out, v);
        json_free(v);
        return 0;
    }
    column = json_get(doc, f->node->s);
    if (!column)
        return f->node->n ? render(f, doc, out, e) : 0;
    py_str(out, column);
    return 0;
}
