/* template_methods_str.c -- the methods of Python's str, a row each: its ends, what is in it, its
 * case, width and kind.  How it is taken apart and put together is in template_methods_split.c.
 *
 * A str is UTF-8 and its methods count in characters, so what takes or gives a place goes through
 * template_text.c.  Results borrow the bytes of self where they are a part of it. */
#include <string.h>
#include <utf8proc.h>

#include "base/template_impl.h"

/* ---- str: parts ------------------------------------------------------------------------------ */

static const struct val *strip(struct ctx *c, const struct val *self, struct args *a, int left,
                               int right)
{
    struct text chars;

    if (arg_is_none(a->v[0]))
        return val_text(c, text_trim(self->str, NULL, left, right));
    if (arg_text(c, a->v[0], &chars) < 0 || step(c, self->str.n / 16 + chars.n) < 0)
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
        if (arg_text(c, v->seq.v[i], &t) < 0)
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

    if (arg_text(c, a->v[0], &p) < 0)
        return NULL;
    return has_prefix(t, p) ? val_text(c, (struct text){t.s + p.n, t.n - p.n}) : self;
}

static const struct val *str_removesuffix(struct ctx *c, const struct val *self, struct args *a)
{
    struct text t = self->str, p;

    if (arg_text(c, a->v[0], &p) < 0)
        return NULL;
    return has_suffix(t, p) ? val_text(c, (struct text){t.s, t.n - p.n}) : self;
}

/* ---- str: search ----------------------------------------------------------------------------- */

static int64_t clamp_start(const struct val *self, const struct val *start)
{
    int64_t n = (int64_t)text_chars(self->str), k;

    if (arg_is_none(start))
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

    if (arg_text(c, a->v[0], &t) < 0 || !(part = window(c, self, a)) ||
        step(c, self->str.n / 16 * (from_right ? 16 : 1)) < 0)
        return -2;
    at = from_right ? text_find_last(part->str, t) : text_find(part->str, t, 0);
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

    if (!part || arg_text(c, a->v[0], &t) < 0 || step(c, self->str.n / 16) < 0)
        return NULL;
    if (t.n == 0)
        return val_int(c, (int64_t)text_chars(part->str) + 1);
    for (size_t at = 0; (at = text_find(part->str, t, at)) != SIZE_MAX; at += t.n)
        count++;
    return val_int(c, count);
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

    if (bad || arg_text(c, a->v[0], &old) < 0 || arg_text(c, a->v[1], &new) < 0)
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

    if (bad || (a->v[1] && arg_text(c, a->v[1], &fill) < 0))
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

/* ---- the table ------------------------------------------------------------------------------- */

const struct native methods_of_str[] = {
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
