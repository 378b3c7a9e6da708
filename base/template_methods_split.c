/* template_methods_split.c -- a str taken apart and put together: split, splitlines, partition and
 * join, from the left and from the right.
 *
 * The parts borrow the bytes of self.  From the right they are found last first, as Python counts
 * them, and are put in order when all are there. */
#include <string.h>

#include "base/template_impl.h"

struct pieces {
    const struct val **v;
    size_t n, cap;
};

static int add_piece(struct ctx *c, struct pieces *p, struct text t)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 8;
        const struct val **grown = ctx_alloc(c, cap, sizeof *grown);
        if (!grown)
            return -1;
        if (p->n)
            memcpy(grown, p->v, p->n * sizeof *grown);
        p->v = grown;
        p->cap = cap;
    }
    p->v[p->n] = val_text(c, t);
    return p->v[p->n++] ? step(c, 1) : -1;
}

static const struct val *pieces_list(struct ctx *c, const struct pieces *p, int reversed)
{
    struct val *list = val_seq(c, SEQ_LIST, p->n);

    for (size_t i = 0; list && i < p->n; i++)
        list->seq.v[i] = p->v[reversed ? p->n - 1 - i : i];
    return list;
}

/* The bytes from `at` on that are white space (space = 1) or not. */
static size_t span(struct text t, size_t at, int space)
{
    size_t from = at, next;

    while (at < t.n) {
        next = at;
        if (char_is_space(text_next(t, &next)) != space)
            break;
        at = next;
    }
    return at - from;
}

static int split_space(struct ctx *c, struct text t, int64_t max, struct pieces *out)
{
    size_t at = span(t, 0, 1), n;

    while (at < t.n && max-- != 0) {
        n = span(t, at, 0);
        if (add_piece(c, out, (struct text){t.s + at, n}) < 0)
            return -1;
        at += n;
        at += span(t, at, 1);
    }
    if (at == t.n)
        return 0;
    return add_piece(c, out, (struct text){t.s + at, t.n - at});
}

static int rsplit_space(struct ctx *c, struct text t, int64_t max, struct pieces *out)
{
    t = text_trim(t, NULL, 0, 1);
    while (t.n && max-- != 0) {
        size_t at = t.n, last;
        for (; at > 0; at = last) {
            size_t next;
            for (last = at - 1; last > 0 && ((unsigned char)t.s[last] & 0xc0) == 0x80; last--)
                ;
            next = last;
            if (char_is_space(text_next(t, &next)))
                break;
        }
        if (add_piece(c, out, (struct text){t.s + at, t.n - at}) < 0)
            return -1;
        t = text_trim((struct text){t.s, at}, NULL, 0, 1);
    }
    return t.n ? add_piece(c, out, t) : 0;
}

static int split_at(struct ctx *c, struct text t, struct text sep, int64_t max,
                    struct pieces *out)
{
    size_t at = 0, hit;

    while (max-- != 0 && (hit = text_find(t, sep, at)) != SIZE_MAX) {
        if (add_piece(c, out, (struct text){t.s + at, hit - at}) < 0)
            return -1;
        at = hit + sep.n;
    }
    return add_piece(c, out, (struct text){t.s + at, t.n - at});
}

static int rsplit_at(struct ctx *c, struct text t, struct text sep, int64_t max,
                     struct pieces *out)
{
    size_t hit;

    while (max-- != 0 && (hit = text_find_last(t, sep)) != SIZE_MAX) {
        if (step(c, t.n - hit) < 0 ||
            add_piece(c, out, (struct text){t.s + hit + sep.n, t.n - hit - sep.n}) < 0)
            return -1;
        t.n = hit;
    }
    return add_piece(c, out, t);
}

static const struct val *split(struct ctx *c, const struct val *self, struct args *a, int right)
{
    struct pieces p = {0};
    int bad = 0, rc;
    int64_t max = arg_int(c, a->v[1], -1, &bad);
    struct text sep;

    if (bad || step(c, self->str.n / 16) < 0)
        return NULL;
    if (arg_is_none(a->v[0])) {
        rc = (right ? rsplit_space : split_space)(c, self->str, max, &p);
    } else {
        if (arg_text(c, a->v[0], &sep) < 0)
            return NULL;
        if (sep.n == 0)
            return fail(c, "empty separator");
        rc = (right ? rsplit_at : split_at)(c, self->str, sep, max, &p);
    }
    return rc < 0 ? NULL : pieces_list(c, &p, right);
}

const struct val *str_split(struct ctx *c, const struct val *self, struct args *a)
{
    return split(c, self, a, 0);
}

const struct val *str_rsplit(struct ctx *c, const struct val *self, struct args *a)
{
    return split(c, self, a, 1);
}

const struct val *str_splitlines(struct ctx *c, const struct val *self, struct args *a)
{
    return text_lines(c, self->str, a->v[0] && val_truth(a->v[0]));
}

static const struct val *partition(struct ctx *c, const struct val *self, struct args *a,
                                   int right)
{
    struct val *list = val_seq(c, SEQ_TUPLE, 3);
    struct text t = self->str, sep;
    size_t at;

    if (!list || arg_text(c, a->v[0], &sep) < 0 || step(c, t.n) < 0)
        return NULL;
    if (sep.n == 0)
        return fail(c, "empty separator");
    at = right ? text_find_last(t, sep) : text_find(t, sep, 0);
    list->seq.v[0] = list->seq.v[1] = list->seq.v[2] = &val_empty;
    if (at == SIZE_MAX) {
        list->seq.v[right ? 2 : 0] = self;
        return list;
    }
    list->seq.v[0] = val_text(c, (struct text){t.s, at});
    list->seq.v[1] = a->v[0];
    list->seq.v[2] = val_text(c, (struct text){t.s + at + sep.n, t.n - at - sep.n});
    return list->seq.v[0] && list->seq.v[2] ? list : NULL;
}

const struct val *str_partition(struct ctx *c, const struct val *self, struct args *a)
{
    return partition(c, self, a, 0);
}

const struct val *str_rpartition(struct ctx *c, const struct val *self, struct args *a)
{
    return partition(c, self, a, 1);
}

const struct val *str_join(struct ctx *c, const struct val *self, struct args *a)
{
    const struct val *items = val_items(c, a->v[0]);
    struct strbuf b = STRBUF_INIT;

    for (size_t i = 0; items && i < items->seq.n; i++) {
        const struct val *v = items->seq.v[i];
        if (v->type != VAL_STR) {
            strbuf_release(&b);
            return fail(c, "sequence item %zu: expected str instance, %s found", i,
                        val_type_name(v));
        }
        if (i)
            strbuf_add(&b, self->str.s, self->str.n);
        strbuf_add(&b, v->str.s, v->str.n);
        if (b.len > LIMIT_OUTPUT)
            break;
    }
    if (items && b.len <= LIMIT_OUTPUT)
        return val_take(c, &b);
    strbuf_release(&b);
    return items ? fail(c, "a text of more than %d MiB", LIMIT_OUTPUT >> 20) : NULL;
}
