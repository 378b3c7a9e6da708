/* template_methods.c -- which methods a value has: of Python's str (template_methods_str.c), list,
 * tuple and dict those that change nothing, and a loop's own.  Those that would change something
 * are known by name and refused, as in Jinja's immutable sandbox. */
#include <string.h>

#include "base/template_impl.h"

/* ---- list and tuple -------------------------------------------------------------------------- */

static const struct val *seq_index(struct ctx *c, const struct val *self, struct args *a)
{
    for (size_t i = 0; i < self->seq.n; i++) {
        int same = val_equal(c, self->seq.v[i], a->v[0]);
        if (same)
            return same < 0 ? NULL : val_int(c, (int64_t)i);
    }
    return fail(c, "the value is not in the list");
}

static const struct val *seq_count(struct ctx *c, const struct val *self, struct args *a)
{
    int64_t count = 0;

    for (size_t i = 0; i < self->seq.n; i++) {
        int same = val_equal(c, self->seq.v[i], a->v[0]);
        if (same < 0)
            return NULL;
        count += same;
    }
    return val_int(c, count);
}

static const struct val *value_copy(struct ctx *c, const struct val *self, struct args *a)
{
    (void)c, (void)a;
    return self; /* nothing can change it */
}

/* ---- dict ------------------------------------------------------------------------------------ */

static const struct val *dict_method_get(struct ctx *c, const struct val *self, struct args *a)
{
    const struct val *v = dict_get(c, self->dict, a->v[0]);

    if (v || c->e->code != ERR_OK)
        return v;
    return a->v[1] ? a->v[1] : &val_none;
}

static const struct val *dict_keys(struct ctx *c, const struct val *self, struct args *a)
{
    struct val *list = val_seq(c, SEQ_KEYS, self->dict->n);

    (void)a;
    for (size_t i = 0; list && i < self->dict->n; i++)
        list->seq.v[i] = self->dict->keys[i];
    return list;
}

static const struct val *dict_values(struct ctx *c, const struct val *self, struct args *a)
{
    struct val *list = val_seq(c, SEQ_VALUES, self->dict->n);

    (void)a;
    for (size_t i = 0; list && i < self->dict->n; i++)
        list->seq.v[i] = self->dict->values[i];
    return list;
}

static const struct val *dict_items(struct ctx *c, const struct val *self, struct args *a)
{
    struct val *list = val_seq(c, SEQ_VIEW, self->dict->n), *pair;

    (void)a;
    for (size_t i = 0; list && i < self->dict->n; i++) {
        pair = val_seq(c, SEQ_TUPLE, 2);
        if (!pair)
            return NULL;
        pair->seq.v[0] = self->dict->keys[i];
        pair->seq.v[1] = self->dict->values[i];
        list->seq.v[i] = pair;
    }
    return list;
}

/* ---- loop ------------------------------------------------------------------------------------ */

static const struct val *loop_cycle(struct ctx *c, const struct val *self, struct args *a)
{
    if (a->n == 0)
        return fail(c, "no items for cycling given");
    return a->v[self->loop->at % a->n];
}

/* Did the arguments differ the last time? */
static const struct val *loop_changed(struct ctx *c, const struct val *self, struct args *a)
{
    struct val *seen = val_seq(c, SEQ_TUPLE, a->n);
    int same;

    if (!seen)
        return NULL;
    if (a->n)
        memcpy(seen->seq.v, a->v, a->n * sizeof *seen->seq.v);
    same = self->loop->changed ? val_equal(c, self->loop->changed, seen) : 0;
    self->loop->changed = seen;
    return same < 0 ? NULL : val_bool(!same);
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct native list_rows[] = {
    {"copy", value_copy, 0, ""},
    {"count", seq_count, 1, "value"},
    {"index", seq_index, 1, "value"},
    {NULL, NULL, 0, NULL},
};

static const struct native dict_rows[] = {
    {"copy", value_copy, 0, ""},
    {"get", dict_method_get, 1, "key default"},
    {"items", dict_items, 0, ""},
    {"keys", dict_keys, 0, ""},
    {"values", dict_values, 0, ""},
    {NULL, NULL, 0, NULL},
};

static const struct native loop_rows[] = {
    {"changed", loop_changed, 0, NULL},
    {"cycle", loop_cycle, 0, NULL},
    {NULL, NULL, 0, NULL},
};

const struct native *method_find(const struct val *self, struct text name)
{
    const struct native *rows = NULL;

    if (self->type == VAL_STR)
        rows = methods_of_str;
    else if (self->type == VAL_SEQ && self->kind <= SEQ_RANGE)
        rows = self->kind == SEQ_LIST ? list_rows : list_rows + 1; /* only lists have copy */
    else if (self->type == VAL_DICT)
        rows = dict_rows;
    else if (self->type == VAL_LOOP)
        rows = loop_rows;
    for (; rows && rows->name; rows++)
        if (text_is(name, rows->name))
            return rows;
    return NULL;
}

int method_changes(const struct val *self, struct text name)
{
    static const struct {
        enum val_type type;
        const char *name;
    } rows[] = {
        {VAL_SEQ, "append"},   {VAL_SEQ, "clear"},    {VAL_SEQ, "extend"},
        {VAL_SEQ, "insert"},   {VAL_SEQ, "pop"},      {VAL_SEQ, "remove"},
        {VAL_SEQ, "reverse"},  {VAL_SEQ, "sort"},     {VAL_DICT, "clear"},
        {VAL_DICT, "pop"},     {VAL_DICT, "popitem"}, {VAL_DICT, "setdefault"},
        {VAL_DICT, "update"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (self->type == rows[i].type && (self->type != VAL_SEQ || self->kind == SEQ_LIST) &&
            text_is(name, rows[i].name))
            return 1;
    return 0;
}
