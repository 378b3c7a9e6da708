#include "tasks/answer.h"

#include <string.h>

#include "base/mem.h"
#include "tasks/answer_impl.h"
#include "tasks/pytext.h"

static void *pcre_alloc(size_t n, void *unused)
{
    (void)unused;
    return mem_alloc(n);
}

static void pcre_release(void *p, void *unused)
{
    (void)unused;
    mem_free(p);
}

static int pcre_fail(int code, struct err *e)
{
    char text[120];

    if (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED)
        return err_nomem(e);
    pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof text);
    return err_set(e, ERR_FORMAT, "searching for the answer: %s", text);
}

int answer_compile(const struct answer *a, pcre2_code **out, const char *pattern, struct err *e)
{
    pcre2_compile_context *c = pcre2_compile_context_create(a->memory);
    PCRE2_SIZE at;
    int code = PCRE2_ERROR_NOMEMORY;

    if (c)
        *out = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                             PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF, &code, &at, c);
    pcre2_compile_context_free(c);
    return *out ? 0 : pcre_fail(code, e);
}

int answer_open(struct answer **out, const struct answer_rules *rules, struct err *e)
{
    struct answer *a = mem_calloc(1, sizeof *a);
    int rc = -1;

    if (!a)
        return err_nomem(e);
    a->rules = rules;
    a->memory = pcre2_general_context_create(pcre_alloc, pcre_release, NULL);
    if (!a->memory) {
        err_nomem(e);
        goto out;
    }
    for (int i = 0; i < rules->n_filters; i++)
        if (rules->filters[i].pattern &&
            answer_compile(a, &a->filters[i], rules->filters[i].pattern, e) < 0)
            goto out;
    for (int i = 0; i < IGNORES && rules->ignore[i]; i++)
        if (answer_compile(a, &a->ignore[i], rules->ignore[i], e) < 0)
            goto out;
    *out = a;
    a = NULL;
    rc = 0;
out:
    answer_close(a);
    return rc;
}

void answer_close(struct answer *a)
{
    if (!a)
        return;
    for (int i = 0; i < FILTERS; i++)
        pcre2_code_free(a->filters[i]);
    for (int i = 0; i < IGNORES; i++)
        pcre2_code_free(a->ignore[i]);
    pcre2_general_context_free(a->memory);
    mem_free(a);
}

/* Of one match the first group that is not empty; without groups all of it.  A single group may be
 * empty.  Returns which group, -1 when all are empty. */
static int found(const PCRE2_SIZE *at, int n, uint32_t groups)
{
    if (groups == 1 && n > 1 && at[2] != PCRE2_UNSET)
        return 1;
    for (int g = n > 1 ? 1 : 0; g < n; g++)
        if (at[2 * g] != PCRE2_UNSET && at[2 * g + 1] > at[2 * g])
            return g;
    return -1;
}

int answer_each(const struct answer *a, const pcre2_code *p, const char *s, size_t n,
                int (*use)(void *user, const PCRE2_SIZE *at, int n_groups), void *user,
                struct err *e)
{
    pcre2_match_data *m = pcre2_match_data_create_from_pattern(p, a->memory);
    pcre2_match_context *c = pcre2_match_context_create(a->memory);
    PCRE2_SIZE from = 0;
    int k = PCRE2_ERROR_NOMEMORY;

    while (m && c && (k = pcre2_match(p, (PCRE2_SPTR)s, n, from, 0, m, c)) > 0) {
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m);
        if (use(user, at, k) || at[1] <= from)
            break;
        from = at[1];
    }
    pcre2_match_data_free(m);
    pcre2_match_context_free(c);
    return k > 0 || k == PCRE2_ERROR_NOMATCH ? 0 : pcre_fail(k, e);
}

struct pick {
    const char *s;
    uint32_t groups; /* of the pattern */
    int left;        /* matches still to pass over; -1: take the last */
    int group;       /* of the match taken; -1: none */
    struct span span;
};

static int pick_match(void *user, const PCRE2_SIZE *at, int n_groups)
{
    struct pick *p = user;

    if (p->left <= 0) {
        p->group = found(at, n_groups, p->groups);
        if (p->group >= 0)
            p->span = (struct span){p->s + at[2 * p->group],
                                    at[2 * p->group + 1] - at[2 * p->group]};
    }
    return p->left >= 0 && p->left-- == 0;
}

int answer_pick(const struct answer *a, const pcre2_code *p, const char *text, int select,
                struct span *out, int *group, struct err *e)
{
    struct pick k = {.s = text, .left = select, .group = -1};

    pcre2_pattern_info(p, PCRE2_INFO_CAPTURECOUNT, &k.groups);
    if (answer_each(a, p, text, strlen(text), pick_match, &k, e) < 0)
        return -1;
    if (k.group < 0)
        return 0;
    *out = py_strip(k.span.s, k.span.n);
    if (group)
        *group = k.group;
    return 1;
}

struct span find_all(const char *text)
{
    return (struct span){text, strlen(text)};
}

struct span find_stripped(const char *text)
{
    return py_lstrip(text, strlen(text));
}

char *answer_filter(const struct answer *a, int f, const char *text, const struct doc *d,
                    struct err *e)
{
    const struct filter *rule = &a->rules->filters[f];
    struct span span = {"[invalid]", 9};
    char *out;

    if (rule->search)
        return rule->search(a, f, text, d, e);
    if (!rule->pattern)
        span = rule->find(text);
    else if (answer_pick(a, a->filters[f], text, rule->select, &span, NULL, e) < 0)
        return NULL;
    out = mem_strndup(span.s, span.n);
    if (!out)
        err_nomem(e);
    return out;
}

struct removal {
    const char *s;
    size_t done;
    struct strbuf *out;
};

static int remove_match(void *user, const PCRE2_SIZE *at, int n_groups)
{
    struct removal *r = user;

    (void)n_groups;
    strbuf_add(r->out, r->s + r->done, at[0] - r->done);
    r->done = at[1];
    return 0;
}

int answer_remove(const struct answer *a, const pcre2_code *p, const char *s, size_t n,
                  struct strbuf *out, struct err *e)
{
    struct removal r = {s, 0, out};
    int rc = answer_each(a, p, s, n, remove_match, &r, e);

    strbuf_add(out, s + r.done, n - r.done);
    return rc;
}

/* The text with everything that the rules ignore removed. */
static int normalize(const struct answer *a, const char *text, struct strbuf *out, struct err *e)
{
    struct strbuf now = STRBUF_INIT, next = STRBUF_INIT, swap;
    int rc = 0;

    strbuf_adds(&now, text);
    for (int i = 0; i < IGNORES && a->ignore[i] && rc == 0; i++) {
        strbuf_clear(&next);
        rc = answer_remove(a, a->ignore[i], strbuf_str(&now), now.len, &next, e);
        swap = now, now = next, next = swap;
    }
    if (rc == 0 && a->rules->ignore_case) {
        strbuf_clear(&next);
        py_lower(&next, strbuf_str(&now), now.len);
        swap = now, now = next, next = swap;
    }
    if (rc == 0 && a->rules->ignore_punctuation) {
        strbuf_clear(&next);
        py_drop_punctuation(&next, strbuf_str(&now), now.len);
        swap = now, now = next, next = swap;
    }
    strbuf_add(out, strbuf_str(&now), now.len);
    if (rc == 0 && (now.failed || next.failed || out->failed))
        rc = err_nomem(e);
    strbuf_release(&now);
    strbuf_release(&next);
    return rc;
}

int answer_equal(const struct answer *a, const char *got, const char *want, struct err *e)
{
    struct strbuf x = STRBUF_INIT, y = STRBUF_INIT;
    int rc = -1;

    if (a->rules->equal)
        return a->rules->equal(got, want, e);
    if (normalize(a, got, &x, e) == 0 && normalize(a, want, &y, e) == 0)
        rc = x.len == y.len && memcmp(strbuf_str(&x), strbuf_str(&y), x.len) == 0;
    strbuf_release(&x);
    strbuf_release(&y);
    return rc;
}

int answer_contains(const char *text, const char *want, struct err *e)
{
    struct strbuf pattern = STRBUF_INIT;
    struct answer_rules rules = {.n_filters = 1};
    struct answer *a = NULL;
    struct span found_at;
    int rc = -1;

    strbuf_adds(&pattern, "(?i)");
    for (const char *s = want; *s; s++) { /* every sign but letters and digits may be escaped */
        int plain = *s & 0x80 || (*s >= '0' && *s <= '9') || ((*s | 32) >= 'a' && (*s | 32) <= 'z');
        strbuf_addf(&pattern, "%s%c", plain ? "" : "\\", *s);
    }
    if (!*want)
        rc = 1;
    else if (strbuf_ok(&pattern, e) == 0) {
        rules.filters[0] = (struct filter){"contains", pattern.s, 0, NULL, NULL};
        if (answer_open(&a, &rules, e) == 0)
            rc = answer_pick(a, a->filters[0], text, 0, &found_at, NULL, e);
    }
    answer_close(a);
    strbuf_release(&pattern);
    return rc;
}
