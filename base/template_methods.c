/* template_methods.c -- the methods of Python's str, list, tuple and dict that change nothing;
 * those that would are refused, as in Jinja's immutable sandbox. */
#include <string.h>
#include <utf8proc.h>

#include "base/template_impl.h"

static int want_text(struct ctx *c, const struct val *v, struct text *out)
{
    if (v->type != VAL_STR)
        return fail(c, "a str is required, not '%s'", val_type_name(v)), -1;
    *out = v->str;
    return 0;
}

static int is_none(const struct val *v)
{
    return !v || v->type == VAL_NONE;
}

/* ---- str: parts ------------------------------------------------------------------------------ */

static const struct val *strip(struct ctx *c, const struct val *self, struct args *a, int left,
                               int right)
{
    struct text chars;

    if (is_none(a->v[0]))
        return val_text(c, text_trim(self->str, NULL, left, right));
    if (want_text(c, a->v[0], &chars) < 0 || step(c, self->str.n / 16 + chars.n) < 0)
        return NULL;
    return val_text(c, text_trim(self->str, &chars, left, right));
}

static const struct val *str_strip(struct ctx *c, const struct val *self, struct args *a)
{
    return strip(c, self, a, 1, 1);
}

static const struct val *str_lstrip(struct ctx *c, const struct val *self, struct args *a)
{
    return strip(c, self, a, 1, 0);
}

static const struct val *str_rstrip(struct ctx *c, const struct val *self, struct args *a)
{
    return strip(c, self, a, 0, 1);
}

static int has_prefix(struct text t, struct text p)
{
    return p.n <= t.n && memcmp(t.s, p.s, p.n) == 0;
}

static int has_suffix(struct text t, struct text p)
{
    return p.n <= t.n && memcmp(t.s + t.n - p.n, p.s, p.n) == 0;
}

/* The part of self that start and end (arguments 1 and 2, in characters) choose. */
static const struct val *window(struct ctx *c, const struct val *self, struct args *a)
{
    const struct val *const at[3] = {a->v[1], a->v[2], NULL};

    return a->v[1] || a->v[2] ? get_slice(c, self, at) : self;
}

/* startswith and endswith: one text, or any of a tuple. */
static const struct val *has_end(struct ctx *c, const struct val *self, struct args *a,
                                 int (*has)(struct text, struct text))
{
    const struct val *v = a->v[0], *part = window(c, self, a);
    int holds = 0;

    if (!part)
        return NULL;
    if (v->type == VAL_STR)
        return val_bool(has(part->str, v->str));
    if (v->type != VAL_SEQ || v->kind != SEQ_TUPLE)
        return fail(c, "startswith and endswith take str or a tuple of str, not %s",
                    val_type_name(v));
    for (size_t i = 0; i < v->seq.n; i++) {
        struct text t;
        if (want_text(c, v->seq.v[i], &t) < 0)
            return NULL;
        holds |= has(part->str, t);
    }
    return val_bool(holds);
}

static const struct val *str_startswith(struct ctx *c, const struct val *self, struct args *a)
{
    return has_end(c, self, a, has_prefix);
}

static const struct val *str_endswith(struct ctx *c, const struct val *self, struct args *a)
{
    return has_end(c, self, a, has_suffix);
}

static const struct val *str_removeprefix(struct ctx *c, const struct val *self, struct args *a)
{
    struct text t = self->str, p;

    if (want_text(c, a->v[0], &p) < 0)
        return NULL;
    return has_prefix(t, p) ? val_text(c, (struct text){t.s + p.n, t.n - p.n}) : self;
}

static const struct val *str_removesuffix(struct ctx *c, const struct val *self, struct args *a)
{
    struct text t = self->str, p;

    if (want_text(c, a->v[0], &p) < 0)
        return NULL;
    return has_suffix(t, p) ? val_text(c, (struct text){t.s, t.n - p.n}) : self;
}

/* ---- str: search ----------------------------------------------------------------------------- */

static size_t find_last(struct text t, struct text part)
{
    for (size_t i = t.n + 1; i-- > 0;)
        if (part.n <= t.n - i && memcmp(t.s + i, part.s, part.n) == 0)
            return i;
    return SIZE_MAX;
}

static int64_t clamp_start(const struct val *self, const struct val *start)
{
    int64_t n = (int64_t)text_chars(self->str), k;

    if (is_none(start))
        return 0;
    k = start->i < 0 ? start->i + n : start->i;
    return k < 0 ? 0 : k;
}

/* The character index of the argument in self, -1 when absent; -2 after an error. */
static int64_t search(struct ctx *c, const struct val *self, struct args *a, int from_right)
{
    const struct val *part;
    struct text t;
    size_t at;

    if (want_text(c, a->v[0], &t) < 0 || !(part = window(c, self, a)) ||
        step(c, self->str.n / 16 * (from_right ? 16 : 1)) < 0)
        return -2;
    at = from_right ? find_last(part->str, t) : text_find(part->str, t, 0);
    if (at == SIZE_MAX)
        return -1;
    return (int64_t)text_chars((struct text){part->str.s, at}) + clamp_start(self, a->v[1]);
}

static const struct val *str_find(struct ctx *c, const struct val *self, struct args *a)
{
    int64_t at = search(c, self, a, 0);

    return at < -1 ? NULL : val_int(c, at);
}

static const struct val *str_rfind(struct ctx *c, const struct val *self, struct args *a)
{
    int64_t at = search(c, self, a, 1);

    return at < -1 ? NULL : val_int(c, at);
}

static const struct val *str_index(struct ctx *c, const struct val *self, struct args *a)
{
    int64_t at = search(c, self, a, 0);

    return at < -1 ? NULL : at < 0 ? fail(c, "substring not found") : val_int(c, at);
}

static const struct val *str_rindex(struct ctx *c, const struct val *self, struct args *a)
{
    int64_t at = search(c, self, a, 1);

    return at < -1 ? NULL : at < 0 ? fail(c, "substring not found") : val_int(c, at);
}

static const struct val *str_count(struct ctx *c, const struct val *self, struct args *a)
{
    const struct val *part = window(c, self, a);
    int64_t count = 0;
    struct text t;

    if (!part || want_text(c, a->v[0], &t) < 0 || step(c, self->str.n / 16) < 0)
        return NULL;
    if (t.n == 0)
        return val_int(c, (int64_t)text_chars(part->str) + 1);
    for (size_t at = 0; (at = text_find(part->str, t, at)) != SIZE_MAX; at += t.n)
        count++;
    return val_int(c, count);
}

/* ---- str: split and join --------------------------------------------------------------------- */

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

    while (max-- != 0 && (hit = find_last(t, sep)) != SIZE_MAX) {
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
    if (is_none(a->v[0])) {
        rc = (right ? rsplit_space : split_space)(c, self->str, max, &p);
    } else {
        if (want_text(c, a->v[0], &sep) < 0)
            return NULL;
        if (sep.n == 0)
            return fail(c, "empty separator");
        rc = (right ? rsplit_at : split_at)(c, self->str, sep, max, &p);
    }
    return rc < 0 ? NULL : pieces_list(c, &p, right);
}

static const struct val *str_split(struct ctx *c, const struct val *self, struct args *a)
{
    return split(c, self, a, 0);
}

static const struct val *str_rsplit(struct ctx *c, const struct val *self, struct args *a)
{
    return split(c, self, a, 1);
}

static const struct val *str_splitlines(struct ctx *c, const struct val *self, struct args *a)
{
    return text_lines(c, self->str, a->v[0] && val_truth(a->v[0]));
}

static const struct val *partition(struct ctx *c, const struct val *self, struct args *a,
                                   int right)
{
    struct val *list = val_seq(c, SEQ_TUPLE, 3);
    struct text t = self->str, sep;
    size_t at;

    if (!list || want_text(c, a->v[0], &sep) < 0 || step(c, t.n) < 0)
        return NULL;
    if (sep.n == 0)
        return fail(c, "empty separator");
    at = right ? find_last(t, sep) : text_find(t, sep, 0);
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

static const struct val *str_partition(struct ctx *c, const struct val *self, struct args *a)
{
    return partition(c, self, a, 0);
}

static const struct val *str_rpartition(struct ctx *c, const struct val *self, struct args *a)
{
    return partition(c, self, a, 1);
}

static const struct val *str_join(struct ctx *c, const struct val *self, struct args *a)
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

/* ---- str: case, width, kind ------------------------------------------------------------------ */

static const struct val *str_lower(struct ctx *c, const struct val *self, struct args *a)
{
    (void)a;
    return text_case(c, self->str, CASE_LOWER);
}

static const struct val *str_upper(struct ctx *c, const struct val *self, struct args *a)
{
    (void)a;
    return text_case(c, self->str, CASE_UPPER);
}

static const struct val *str_title(struct ctx *c, const struct val *self, struct args *a)
{
    (void)a;
    return text_case(c, self->str, CASE_TITLE);
}

static const struct val *str_capitalize(struct ctx *c, const struct val *self, struct args *a)
{
    (void)a;
    return text_case(c, self->str, CASE_CAPITAL);
}

static const struct val *str_swapcase(struct ctx *c, const struct val *self, struct args *a)
{
    (void)a;
    return text_case(c, self->str, CASE_SWAP);
}

static const struct val *str_replace(struct ctx *c, const struct val *self, struct args *a)
{
    struct text old, new;
    int bad = 0;
    int64_t count = arg_int(c, a->v[2], -1, &bad);

    if (bad || want_text(c, a->v[0], &old) < 0 || want_text(c, a->v[1], &new) < 0)
        return NULL;
    return text_replace(c, self->str, old, new, count);
}

static const struct val *str_format(struct ctx *c, const struct val *self, struct args *a)
{
    return format_braces(c, self->str, a);
}

/* left: which share of the gap goes to the left, in halves. */
static const struct val *widen(struct ctx *c, const struct val *self, struct args *a, int left)
{
    struct text fill = TEXT(" ");
    struct strbuf b = STRBUF_INIT;
    int bad = 0;
    int64_t width = arg_int(c, a->v[0], 0, &bad), gap = width - (int64_t)text_chars(self->str);
    int64_t before;

    if (bad || (a->v[1] && want_text(c, a->v[1], &fill) < 0))
        return NULL;
    if (text_chars(fill) != 1 || width > 1000000)
        return fail(c, "a width of at most a million and one fill character are needed");
    gap = gap < 0 ? 0 : gap;
    before = left == 2 ? gap : left == 1 ? gap / 2 + (gap & width & 1) : 0;
    for (int64_t i = 0; i < before; i++)
        strbuf_add(&b, fill.s, fill.n);
    strbuf_add(&b, self->str.s, self->str.n);
    for (int64_t i = before; i < gap; i++)
        strbuf_add(&b, fill.s, fill.n);
    return val_take(c, &b);
}

static const struct val *str_ljust(struct ctx *c, const struct val *self, struct args *a)
{
    return widen(c, self, a, 0);
}

static const struct val *str_center(struct ctx *c, const struct val *self, struct args *a)
{
    return widen(c, self, a, 1);
}

static const struct val *str_rjust(struct ctx *c, const struct val *self, struct args *a)
{
    return widen(c, self, a, 2);
}

static const struct val *str_zfill(struct ctx *c, const struct val *self, struct args *a)
{
    size_t sign = self->str.n && strchr("+-", self->str.s[0]) ? 1 : 0;
    const struct val *zero = val_copy(c, "0", 1), *v;
    struct text all;
    char *s;

    if (!zero)
        return NULL;
    a->v[1] = zero;
    v = widen(c, self, a, 2);
    if (!v || !sign || v->str.n == self->str.n)
        return v;
    all = v->str;
    s = ctx_alloc(c, all.n, 1);
    if (!s)
        return NULL;
    memcpy(s, all.s, all.n);
    s[all.n - self->str.n] = '0';
    s[0] = self->str.s[0];
    return val_text(c, (struct text){s, all.n});
}

static int is_alpha(int32_t ch)
{
    utf8proc_category_t k = utf8proc_category(ch);

    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

static int is_digit(int32_t ch)
{
    return utf8proc_category(ch) == UTF8PROC_CATEGORY_ND;
}

static int is_alnum(int32_t ch)
{
    return is_alpha(ch) || is_digit(ch);
}

static const struct val *all_are(struct text t, int (*is)(int32_t))
{
    size_t at = 0;

    while (at < t.n)
        if (!is(text_next(t, &at)))
            return &val_false;
    return val_bool(t.n > 0);
}

static const struct val *str_isalpha(struct ctx *c, const struct val *self, struct args *a)
{
    (void)c, (void)a;
    return all_are(self->str, is_alpha);
}

static const struct val *str_isdigit(struct ctx *c, const struct val *self, struct args *a)
{
    (void)c, (void)a;
    return all_are(self->str, is_digit);
}

static const struct val *str_isalnum(struct ctx *c, const struct val *self, struct args *a)
{
    (void)c, (void)a;
    return all_are(self->str, is_alnum);
}

static const struct val *str_isspace(struct ctx *c, const struct val *self, struct args *a)
{
    (void)c, (void)a;
    return all_are(self->str, char_is_space);
}

static const struct val *str_islower(struct ctx *c, const struct val *self, struct args *a)
{
    return native_call(c, test_find(TEXT("lower")), self, a);
}

static const struct val *str_isupper(struct ctx *c, const struct val *self, struct args *a)
{
    return native_call(c, test_find(TEXT("upper")), self, a);
}

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

static const struct native str_rows[] = {
    {"capitalize", str_capitalize, 0, ""},
    {"casefold", str_lower, 0, ""},
    {"center", str_center, 1, "width fillchar"},
    {"count", str_count, 1, "sub start end"},
    {"endswith", str_endswith, 1, "suffix start end"},
    {"find", str_find, 1, "sub start end"},
    {"format", str_format, 0, NULL},
    {"index", str_index, 1, "sub start end"},
    {"isalnum", str_isalnum, 0, ""},
    {"isalpha", str_isalpha, 0, ""},
    {"isdecimal", str_isdigit, 0, ""},
    {"isdigit", str_isdigit, 0, ""},
    {"islower", str_islower, 0, ""},
    {"isnumeric", str_isdigit, 0, ""},
    {"isspace", str_isspace, 0, ""},
    {"isupper", str_isupper, 0, ""},
    {"join", str_join, 1, "iterable"},
    {"ljust", str_ljust, 1, "width fillchar"},
    {"lower", str_lower, 0, ""},
    {"lstrip", str_lstrip, 0, "chars"},
    {"partition", str_partition, 1, "sep"},
    {"removeprefix", str_removeprefix, 1, "prefix"},
    {"removesuffix", str_removesuffix, 1, "suffix"},
    {"replace", str_replace, 2, "old new count"},
    {"rfind", str_rfind, 1, "sub start end"},
    {"rindex", str_rindex, 1, "sub start end"},
    {"rjust", str_rjust, 1, "width fillchar"},
    {"rpartition", str_rpartition, 1, "sep"},
    {"rsplit", str_rsplit, 0, "sep maxsplit"},
    {"rstrip", str_rstrip, 0, "chars"},
    {"split", str_split, 0, "sep maxsplit"},
    {"splitlines", str_splitlines, 0, "keepends"},
    {"startswith", str_startswith, 1, "prefix start end"},
    {"strip", str_strip, 0, "chars"},
    {"swapcase", str_swapcase, 0, ""},
    {"title", str_title, 0, ""},
    {"upper", str_upper, 0, ""},
    {"zfill", str_zfill, 1, "width"},
    {NULL, NULL, 0, NULL},
};

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
        rows = str_rows;
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
