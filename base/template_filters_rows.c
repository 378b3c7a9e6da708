/* template_filters_rows.c -- the filters of rows of values: those that pick, map and join, and
 * those that put in order.
 *
 * They take whatever can be iterated, a dict for its keys and a text for its characters, and leave
 * it as it is: the rows they give are lists, or generators where Jinja has those.  An attribute may
 * be a path, "a.b", and is looked up as a subscript is. */
#include <string.h>

#include "base/template_impl.h"

/* item.a.b for the path "a.b", item[2] for 2, the item itself for no path.  `fallback`, unless
 * NULL, takes the place of what is undefined on the way. */
static const struct val *attr_of(struct ctx *c, const struct val *v, const struct val *path,
                                 const struct val *fallback)
{
    struct text t, part;
    const struct val *key;
    int64_t index;
    size_t n;

    if (!path || path->type == VAL_NONE)
        return v;
    if (path->type == VAL_INT)
        return get_item(c, v, path);
    if (path->type != VAL_STR)
        return fail(c, "an attribute is named by a str, not '%s'", val_type_name(path));
    for (t = path->str; v; t = (struct text){t.s + n + 1, t.n - n - 1}) {
        n = text_find(t, TEXT("."), 0);
        part = (struct text){t.s, n == SIZE_MAX ? t.n : n};
        key = text_to_int(part, 10, &index) ? val_int(c, index) : val_text(c, part);
        v = key ? get_item(c, v, key) : NULL;
        if (v && fallback && v->type == VAL_UNDEFINED)
            v = fallback;
        if (n == SIZE_MAX)
            break;
    }
    return v;
}

/* map, select and their like take anything that is false for an empty row. */
static const struct val *items_or_none(struct ctx *c, const struct val *v)
{
    return val_truth(v) ? val_items(c, v) : val_seq(c, SEQ_LIST, 0);
}

static struct val *copied(struct ctx *c, enum seq_kind kind, const struct val *items)
{
    struct val *list = items ? val_seq(c, kind, items->seq.n) : NULL;

    if (list && items->seq.n)
        memcpy(list->seq.v, items->seq.v, items->seq.n * sizeof *list->seq.v);
    return list && step(c, items->seq.n) == 0 ? list : NULL;
}

static const struct val *filter_list(struct ctx *c, const struct val *v, struct args *a)
{
    (void)a;
    return copied(c, SEQ_LIST, val_items(c, v));
}

static const struct val *filter_first(struct ctx *c, const struct val *v, struct args *a)
{
    const struct val *items = val_items(c, v);

    (void)a;
    if (items && items->seq.n == 0)
        return val_undefined(c, "No first item, sequence was empty.");
    return items ? items->seq.v[0] : NULL;
}

static const struct val *filter_last(struct ctx *c, const struct val *v, struct args *a)
{
    const struct val *items = val_items(c, v);

    (void)a;
    if (v->type == VAL_SEQ && v->kind == SEQ_ITERATOR)
        return fail(c, "'generator' object is not reversible");
    if (items && items->seq.n == 0)
        return val_undefined(c, "No last item, sequence was empty.");
    return items ? items->seq.v[items->seq.n - 1] : NULL;
}

static const struct val *filter_reverse(struct ctx *c, const struct val *v, struct args *a)
{
    const struct val *items = val_items(c, v), *swap;
    struct val *list = copied(c, SEQ_ITERATOR, items);
    struct strbuf b = STRBUF_INIT;

    (void)a;
    for (size_t i = 0; list && i < list->seq.n / 2; i++) {
        swap = list->seq.v[i];
        list->seq.v[i] = list->seq.v[list->seq.n - 1 - i];
        list->seq.v[list->seq.n - 1 - i] = swap;
    }
    if (!list || v->type != VAL_STR)
        return list;
    for (size_t i = 0; i < list->seq.n; i++)
        strbuf_add(&b, list->seq.v[i]->str.s, list->seq.v[i]->str.n);
    return val_take(c, &b);
}

static const struct val *filter_items(struct ctx *c, const struct val *v, struct args *a)
{
    const struct val *pairs;

    if (v->type == VAL_UNDEFINED)
        return val_seq(c, SEQ_ITERATOR, 0);
    if (v->type != VAL_DICT)
        return fail(c, "Can only get item pairs from a mapping.");
    pairs = native_call(c, method_find(v, TEXT("items")), v, a);
    return copied(c, SEQ_ITERATOR, pairs);
}

static const struct val *filter_join(struct ctx *c, const struct val *v, struct args *a)
{
    const struct val *items = val_items(c, v), *item;
    struct strbuf b = STRBUF_INIT;
    struct text by = {"", 0};

    if (!items || (a->v[0] && val_as_text(c, a->v[0], &by) < 0))
        return NULL;
    for (size_t i = 0; i < items->seq.n && b.len <= LIMIT_OUTPUT; i++) {
        item = attr_of(c, items->seq.v[i], a->v[1], NULL);
        if (!item) {
            strbuf_release(&b);
            return NULL;
        }
        if (i)
            strbuf_add(&b, by.s, by.n);
        val_str(c, &b, item);
    }
    return val_take(c, &b);
}

static const struct val *filter_sum(struct ctx *c, const struct val *v, struct args *a)
{
    const struct val *items = val_items(c, v), *item;
    const struct val *sum = a->v[1] ? a->v[1] : val_int(c, 0);

    for (size_t i = 0; items && sum && i < items->seq.n; i++) {
        item = attr_of(c, items->seq.v[i], a->v[0], NULL);
        sum = item ? eval_binary(c, OP_ADD, sum, item) : NULL;
    }
    return items ? sum : NULL;
}

static const struct val *filter_map(struct ctx *c, const struct val *v, struct args *a)
{
    const struct val *path = dict_text(&a->kw, TEXT("attribute"));
    const struct val *fallback = dict_text(&a->kw, TEXT("default"));
    struct val *list = copied(c, SEQ_ITERATOR, items_or_none(c, v));
    const struct native *f = NULL;

    if (!list)
        return NULL;
    if (a->n > 0) {
        f = a->v[0]->type == VAL_STR ? filter_find(a->v[0]->str) : NULL;
        if (!f)
            return fail(c, "map: its filter does not exist");
    } else if (!path) {
        return fail(c, "map requires a filter argument");
    }
    for (size_t i = 0; i < list->seq.n; i++) {
        struct args rest = {f ? a->v + 1 : NULL, f ? a->n - 1 : 0, a->kw};
        const struct val *item = f ? native_call(c, f, list->seq.v[i], &rest)
                                   : attr_of(c, list->seq.v[i], path, fallback);
        if (!(list->seq.v[i] = item))
            return NULL;
    }
    return list;
}

/* select, reject, selectattr, rejectattr: keeps what a test (none: truth) says `want` about. */
static const struct val *chosen(struct ctx *c, const struct val *v, struct args *a, int by_attr,
                                int want)
{
    const struct val *items = items_or_none(c, v), *path = NULL, *what;
    struct val *list = items ? val_seq(c, SEQ_ITERATOR, items->seq.n) : NULL;
    size_t skip = (size_t)by_attr, n = 0;
    const struct native *test = NULL;

    if (!list)
        return NULL;
    if (by_attr && a->n == 0)
        return fail(c, "Missing parameter for attribute name");
    if (by_attr)
        path = a->v[0];
    if (a->n > skip) {
        test = a->v[skip]->type == VAL_STR ? test_find(a->v[skip]->str) : NULL;
        if (!test)
            return fail(c, "No such test.");
    }
    for (size_t i = 0; i < items->seq.n; i++) {
        struct args rest = {test ? a->v + skip + 1 : NULL, test ? a->n - skip - 1 : 0, a->kw};
        what = attr_of(c, items->seq.v[i], path, NULL);
        if (what && test)
            what = native_call(c, test, what, &rest);
        if (!what || step(c, 1) < 0)
            return NULL;
        if (val_truth(what) == want)
            list->seq.v[n++] = items->seq.v[i];
    }
    list->seq.n = n;
    return list;
}

static const struct val *filter_select(struct ctx *c, const struct val *v, struct args *a)
{
    return chosen(c, v, a, 0, 1);
}

static const struct val *filter_reject(struct ctx *c, const struct val *v, struct args *a)
{
    return chosen(c, v, a, 0, 0);
}

static const struct val *filter_selectattr(struct ctx *c, const struct val *v, struct args *a)
{
    return chosen(c, v, a, 1, 1);
}

static const struct val *filter_rejectattr(struct ctx *c, const struct val *v, struct args *a)
{
    return chosen(c, v, a, 1, 0);
}

/* ---- order ----------------------------------------------------------------------------------- */

/* What an item is compared by: its attribute, in lower case unless case matters. */
static const struct val *sort_key(struct ctx *c, const struct val *v, const struct val *path,
                                  int case_sensitive)
{
    const struct val *key = attr_of(c, v, path, NULL);

    return key && key->type == VAL_STR && !case_sensitive ? text_case(c, key->str, CASE_LOWER)
                                                          : key;
}

struct sorting {
    struct ctx *c;
    const struct val **keys, **items, **keys_tmp, **items_tmp;
    int descending;
};

/* 1 when item j must come before item i < j. */
static int out_of_order(struct sorting *s, size_t i, size_t j)
{
    int less = 0, rc;

    rc = s->descending ? val_less(s->c, s->keys[i], s->keys[j], &less)
                       : val_less(s->c, s->keys[j], s->keys[i], &less);
    return rc < 0 || step(s->c, 1) < 0 ? -1 : less;
}

/* Stable merge sort of [from, to). */
static int merge_sort(struct sorting *s, size_t from, size_t to)
{
    size_t middle = from + (to - from) / 2, i = from, j = middle;

    if (to - from < 2)
        return 0;
    if (merge_sort(s, from, middle) < 0 || merge_sort(s, middle, to) < 0)
        return -1;
    for (size_t k = from; k < to; k++) {
        int right = i == middle ? 1 : j == to ? 0 : out_of_order(s, i, j);
        size_t pick;
        if (right < 0)
            return -1;
        pick = right ? j++ : i++;
        s->keys_tmp[k] = s->keys[pick];
        s->items_tmp[k] = s->items[pick];
    }
    memcpy(s->keys + from, s->keys_tmp + from, (to - from) * sizeof *s->keys);
    memcpy(s->items + from, s->items_tmp + from, (to - from) * sizeof *s->items);
    return 0;
}

/* Sorts list by keys; both are changed. */
static int sort_by(struct ctx *c, struct val *keys, struct val *list, int descending)
{
    struct val *keys_tmp = val_seq(c, SEQ_LIST, list->seq.n);
    struct val *items_tmp = keys_tmp ? val_seq(c, SEQ_LIST, list->seq.n) : NULL;
    struct sorting s = {c, keys->seq.v, list->seq.v, NULL, NULL, descending};

    if (!items_tmp)
        return -1;
    s.keys_tmp = keys_tmp->seq.v;
    s.items_tmp = items_tmp->seq.v;
    return merge_sort(&s, 0, list->seq.n);
}

/* The keys of all items; `path` may name several attributes, "a,b". */
static struct val *keys_of(struct ctx *c, const struct val *list, const struct val *path,
                           int case_sensitive)
{
    struct val *keys = val_seq(c, SEQ_LIST, list->seq.n);
    const struct val *parts = NULL;
    struct args comma = {0};

    if (!keys)
        return NULL;
    if (path && path->type == VAL_STR && memchr(path->str.s, ',', path->str.n)) {
        const struct val *by = val_copy(c, ",", 1);
        comma = (struct args){.v = &by, .n = 1};
        parts = by ? native_call(c, method_find(path, TEXT("split")), path, &comma) : NULL;
        if (!parts)
            return NULL;
    }
    for (size_t i = 0; i < list->seq.n; i++) {
        struct val *several;
        if (!parts) {
            keys->seq.v[i] = sort_key(c, list->seq.v[i], path, case_sensitive);
        } else {
            keys->seq.v[i] = several = val_seq(c, SEQ_LIST, parts->seq.n);
            for (size_t k = 0; several && k < parts->seq.n; k++)
                if (!(several->seq.v[k] = sort_key(c, list->seq.v[i], parts->seq.v[k],
                                                   case_sensitive)))
                    return NULL;
        }
        if (!keys->seq.v[i])
            return NULL;
    }
    return keys;
}

static const struct val *filter_sort(struct ctx *c, const struct val *v, struct args *a)
{
    struct val *list = copied(c, SEQ_LIST, val_items(c, v));
    struct val *keys = list ? keys_of(c, list, a->v[2], arg_flag(a->v[1], 0)) : NULL;

    return keys && sort_by(c, keys, list, arg_flag(a->v[0], 0)) == 0 ? list : NULL;
}

static const struct val *filter_dictsort(struct ctx *c, const struct val *v, struct args *a)
{
    struct text by = a->v[1] && a->v[1]->type == VAL_STR ? a->v[1]->str : TEXT("key");
    const struct val *index = val_int(c, text_is(by, "value")), *pairs;
    struct val *list, *keys;
    struct args none = {0};

    if (v->type == VAL_UNDEFINED)
        return fail_undefined(c, v);
    if (v->type != VAL_DICT)
        return fail(c, "'%s' object has no attribute 'items'", val_type_name(v));
    if (!text_is(by, "key") && !text_is(by, "value"))
        return fail(c, "You can only sort by either \"key\" or \"value\"");
    pairs = native_call(c, method_find(v, TEXT("items")), v, &none);
    list = copied(c, SEQ_LIST, pairs);
    keys = list && index ? keys_of(c, list, index, arg_flag(a->v[0], 0)) : NULL;
    return keys && sort_by(c, keys, list, arg_flag(a->v[2], 0)) == 0 ? list : NULL;
}

static const struct val *filter_unique(struct ctx *c, const struct val *v, struct args *a)
{
    struct val *list = copied(c, SEQ_ITERATOR, val_items(c, v));
    struct val *keys = list ? keys_of(c, list, a->v[1], arg_flag(a->v[0], 0)) : NULL;
    size_t n = 0, k;

    for (size_t i = 0; keys && i < list->seq.n; i++) {
        for (k = 0; k < n; k++) {
            int same = val_equal(c, keys->seq.v[k], keys->seq.v[i]);
            if (same < 0 || step(c, 1) < 0)
                return NULL;
            if (same)
                break;
        }
        if (k < n)
            continue;
        keys->seq.v[n] = keys->seq.v[i];
        list->seq.v[n++] = list->seq.v[i];
    }
    if (keys)
        list->seq.n = n;
    return keys ? list : NULL;
}

static const struct val *extreme(struct ctx *c, const struct val *v, struct args *a, int largest)
{
    const struct val *items = val_items(c, v);
    struct val *keys = items ? keys_of(c, items, a->v[1], arg_flag(a->v[0], 0)) : NULL;
    size_t best = 0;

    if (!keys)
        return NULL;
    if (items->seq.n == 0)
        return val_undefined(c, "No aggregated item, sequence was empty.");
    for (size_t i = 1; i < items->seq.n; i++) {
        int less = 0, rc;
        rc = largest ? val_less(c, keys->seq.v[best], keys->seq.v[i], &less)
                     : val_less(c, keys->seq.v[i], keys->seq.v[best], &less);
        if (rc < 0)
            return NULL;
        best = less ? i : best;
    }
    return items->seq.v[best];
}

static const struct val *filter_min(struct ctx *c, const struct val *v, struct args *a)
{
    return extreme(c, v, a, 0);
}

static const struct val *filter_max(struct ctx *c, const struct val *v, struct args *a)
{
    return extreme(c, v, a, 1);
}

const struct native filters_of_rows[] = {
    {"dictsort", filter_dictsort, 0, "case_sensitive by reverse"},
    {"first", filter_first, 0, ""},
    {"items", filter_items, 0, ""},
    {"join", filter_join, 0, "d attribute"},
    {"last", filter_last, 0, ""},
    {"list", filter_list, 0, ""},
    {"map", filter_map, 0, NULL},
    {"max", filter_max, 0, "case_sensitive attribute"},
    {"min", filter_min, 0, "case_sensitive attribute"},
    {"reject", filter_reject, 0, NULL},
    {"rejectattr", filter_rejectattr, 0, NULL},
    {"reverse", filter_reverse, 0, ""},
    {"select", filter_select, 0, NULL},
    {"selectattr", filter_selectattr, 0, NULL},
    {"sort", filter_sort, 0, "reverse case_sensitive attribute"},
    {"sum", filter_sum, 0, "attribute start"},
    {"unique", filter_unique, 0, "case_sensitive attribute"},
    {NULL, NULL, 0, NULL},
};
