#include "tasks/pyregex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <ctype.h>
#include <pcre2.h>
#include <string.h>

#include "base/mem.h"

enum {
    STEPS = 1000000,        /* of one search: some tenths of a second */
    HEAP_KIBIBYTES = 65536, /* for backtracking */
    GROUPS = 64,
    PATTERN_BYTES = 65536,
};

struct pyregex {
    pcre2_general_context *memory;
    pcre2_code *code;
    uint32_t groups;
};

static void *take(size_t n, void *unused)
{
    (void)unused;
    return mem_alloc(n);
}

static void give(void *p, void *unused)
{
    (void)unused;
    mem_free(p);
}

static int is_nomem(int code)
{
    return code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED;
}

static int pcre_fail(int code, struct err *e)
{
    char text[120];

    if (is_nomem(code))
        return err_nomem(e);
    pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof text);
    return err_set(e, ERR_FORMAT, "%s", text);
}

static int is_hex(const char *s, int n)
{
    for (int i = 0; i < n; i++)
        if (!isxdigit((unsigned char)s[i]))
            return 0;
    return 1;
}

/* One backslash and what follows it; returns how many bytes of the pattern it was. */
static size_t rewrite_escape(struct strbuf *b, const char *p, int in_class)
{
    int digits = p[1] == 'u' ? 4 : p[1] == 'U' ? 8 : 0;

    if (p[1] == 'Z' && !in_class) {
        strbuf_adds(b, "\\z");
    } else if (digits && is_hex(p + 2, digits)) {
        strbuf_addf(b, "\\x{%.*s}", digits, p + 2);
        return 2 + (size_t)digits;
    } else {
        strbuf_add(b, p, p[1] ? 2 : 1);
    }
    return p[1] ? 2 : 1;
}

static void rewrite(struct strbuf *b, const char *p)
{
    int in_class = 0;

    while (*p) {
        if (*p == '\\') {
            p += rewrite_escape(b, p, in_class);
            continue;
        }
        if (in_class && *p == '[') { /* POSIX's [: :] is unknown to Python */
            strbuf_adds(b, "\\[");
            p++;
            continue;
        }
        if (!in_class && *p == '[') {
            in_class = 1;
            strbuf_addc(b, *p++);
            if (*p == '^')
                strbuf_addc(b, *p++);
            if (*p == ']') {
                strbuf_adds(b, "\\]");
                p++;
            }
            continue;
        }
        in_class &= *p != ']';
        if (!in_class && p[0] == '{' && p[1] == ',' && isdigit((unsigned char)p[2])) {
            strbuf_adds(b, "{0");
            p++;
            continue;
        }
        strbuf_addc(b, *p++);
    }
}

static int compile(struct pyregex *r, const char *pattern, struct err *e)
{
    pcre2_compile_context *c = pcre2_compile_context_create(r->memory);
    int code = PCRE2_ERROR_NOMEMORY;
    PCRE2_SIZE at = 0;

    if (c) {
        pcre2_set_max_pattern_length(c, PATTERN_BYTES);
        r->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF, &code, &at, c);
    }
    pcre2_compile_context_free(c);
    if (r->code) {
        pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &r->groups);
        if (r->groups >= GROUPS)
            return err_set(e, ERR_UNSUPPORTED, "a pattern with more than %d groups", GROUPS - 1);
        return 0;
    }
    pcre_fail(code, e);
    return is_nomem(code) ? -1 : err_prefix(e, "the pattern, at byte %zu", at);
}

int pyregex_open(struct pyregex **out, const char *pattern, struct err *e)
{
    struct pyregex *r = mem_calloc(1, sizeof *r);
    struct strbuf b = STRBUF_INIT;
    int rc = -1;

    if (!r)
        return err_nomem(e);
    rewrite(&b, pattern);
    r->memory = pcre2_general_context_create(take, give, NULL);
    if (!r->memory || b.failed)
        err_nomem(e);
    else
        rc = compile(r, strbuf_str(&b), e);
    strbuf_release(&b);
    if (rc < 0)
        pyregex_close(r);
    else
        *out = r;
    return rc;
}

void pyregex_close(struct pyregex *r)
{
    if (!r)
        return;
    pcre2_code_free(r->code);
    pcre2_general_context_free(r->memory);
    mem_free(r);
}

int pyregex_groups(const struct pyregex *r)
{
    return (int)r->groups;
}

/* Python goes on where the last match ended; behind an empty one the next is not empty. */
static int search(const struct pyregex *r, const char *s, size_t n, pcre2_match_data *m,
                  pcre2_match_context *c,
                  int (*use)(void *user, const struct span *groups, int n), void *user)
{
    struct span groups[GROUPS];
    uint32_t options = 0;
    PCRE2_SIZE from = 0;
    int k;

    while ((k = pcre2_match(r->code, (PCRE2_SPTR)s, n, from, options, m, c)) > 0) {
        const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m);
        for (int g = 0; g <= (int)r->groups; g++) {
            int took_part = g < k && at[2 * g] != PCRE2_UNSET && at[2 * g] <= at[2 * g + 1];
            groups[g] = took_part ? (struct span){s + at[2 * g], at[2 * g + 1] - at[2 * g]}
                                  : (struct span){"", 0};
        }
        if (use(user, groups, (int)r->groups + 1))
            break;
        options = at[1] == at[0] ? PCRE2_NOTEMPTY_ATSTART : 0;
        if (at[1] < from) /* \K and lookbehind: no way forward */
            break;
        from = at[1];
    }
    return k;
}

int pyregex_each(const struct pyregex *r, const char *s, size_t n,
                 int (*use)(void *user, const struct span *groups, int n), void *user,
                 struct err *e)
{
    pcre2_match_data *m = pcre2_match_data_create_from_pattern(r->code, r->memory);
    pcre2_match_context *c = pcre2_match_context_create(r->memory);
    int k = PCRE2_ERROR_NOMEMORY;

    if (m && c) {
        pcre2_set_match_limit(c, STEPS);
        pcre2_set_heap_limit(c, HEAP_KIBIBYTES);
        k = search(r, s, n, m, c, use, user);
    }
    pcre2_match_data_free(m);
    pcre2_match_context_free(c);
    return k > 0 || k == PCRE2_ERROR_NOMATCH ? 0 : pcre_fail(k, e);
}

struct removal {
    const char *s;
    size_t done;
    struct strbuf *out;
};

static int remove_match(void *user, const struct span *groups, int n)
{
    struct removal *r = user;

    (void)n;
    strbuf_add(r->out, r->s + r->done, (size_t)(groups[0].s - r->s) - r->done);
    r->done = (size_t)(groups[0].s - r->s) + groups[0].n;
    return 0;
}

int pyregex_remove(const struct pyregex *p, const char *s, size_t n, struct strbuf *out,
                   struct err *e)
{
    struct removal r = {s, 0, out};
    int rc = pyregex_each(p, s, n, remove_match, &r, e);

    strbuf_add(out, s + r.done, n - r.done);
    return rc;
}

struct replacement {
    struct removal removal;
    const char *to;
};

static int replace_match(void *user, const struct span *g, int n)
{
    struct replacement *r = user;

    remove_match(&r->removal, g, n);
    for (const char *c = r->to; *c; c++) {
        int group = c[0] == '\\' && c[1] >= '1' && c[1] <= '9' ? c[1] - '0' : 0;
        if (group && group < n)
            strbuf_add(r->removal.out, g[group].s, g[group].n);
        else if (!group)
            strbuf_addc(r->removal.out, *c);
        c += group != 0;
    }
    return 0;
}

int pyregex_replace(const struct pyregex *p, const char *to, const char *s, size_t n,
                    struct strbuf *out, struct err *e)
{
    struct replacement r = {{s, 0, out}, to};
    int rc = pyregex_each(p, s, n, replace_match, &r, e);

    strbuf_add(out, s + r.removal.done, n - r.removal.done);
    return rc;
}
