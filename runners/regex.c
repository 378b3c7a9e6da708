#define PCRE2_CODE_UNIT_WIDTH 8
#include "runners/regex.h"

#include <pcre2.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"

enum { PATTERN_MAX = 1 << 16, DEPTH_MAX = 64 };

struct regex {
    pcre2_general_context *memory;
    pcre2_match_context *matching;
    pcre2_jit_stack *stack;
    pcre2_match_data *match;
    pcre2_code *code;
};

static void *pcre_alloc(size_t n, void *user)
{
    (void)user;
    return mem_alloc(n);
}

static void pcre_free(void *p, void *user)
{
    (void)user;
    mem_free(p);
}

/* ---- dialects ------------------------------------------------------------------------------ */

/* What PCRE2 means by these is not what Unicode says: its \s has U+180E, its \w no marks.
 * Oniguruma's \w has numbers of all kinds. */
#define WORD "\\p{Alphabetic}\\p{M}\\p{N}\\p{Pc}"

static const struct {
    char letter;
    const char *outside, *inside; /* of a class; inside NULL: as it is */
    int only_oniguruma;
} escapes[] = {
    {'s', "\\p{White_Space}", "\\p{White_Space}", 0},
    {'S', "\\P{White_Space}", "\\P{White_Space}", 0},
    {'h', "[0-9a-fA-F]", "0-9a-fA-F", 1},
    {'H', "[^0-9a-fA-F]", NULL, 1},
    {'w', "[" WORD "]", WORD, 1},
    {'W', "[^" WORD "]", NULL, 1},
    {'b', "(?:(?<=[" WORD "])(?![" WORD "])|(?<![" WORD "])(?=[" WORD "]))", NULL, 1},
};

/* Copies one escape sequence; its bytes. */
static size_t add_escape(struct strbuf *b, const char *p, enum regex_dialect d, int inside)
{
    size_t k = 2;

    if ((p[1] == 'p' || p[1] == 'P' || p[1] == 'x') && p[2] == '{')
        k = strcspn(p, "}") + 1;
    if (k > strlen(p))
        k = strlen(p);
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        const char *to = inside ? escapes[i].inside : escapes[i].outside;
        if (escapes[i].letter == p[1] && to &&
            (d == REGEX_ONIGURUMA || !escapes[i].only_oniguruma)) {
            strbuf_adds(b, to);
            return k;
        }
    }
    strbuf_add(b, p, k);
    return k;
}

/* Bytes of the character class at p[0] = '[', nested ones and escapes included. */
static size_t class_bytes(const char *p)
{
    size_t i = 1;

    if (p[i] == '^')
        i++;
    if (p[i] == ']')
        i++;
    while (p[i] && p[i] != ']') {
        if (p[i] == '\\' && p[i + 1])
            i += 2;
        else if (p[i] == '[' && p[i + 1] != ':')
            i += class_bytes(p + i);
        else if (p[i] == '[') /* [:alpha:] */
            i += 2 + strcspn(p + i + 2, "]") + (p[i + 2 + strcspn(p + i + 2, "]")] == ']');
        else
            i++;
    }
    return p[i] ? i + 1 : i;
}

/* The place of "&&" at the top level of a class of n bytes, or 0. */
static size_t find_and(const char *p, size_t n)
{
    for (size_t i = 1; i + 2 < n;) {
        if (p[i] == '&' && p[i + 1] == '&')
            return i;
        i += p[i] == '\\' ? 2 : p[i] == '[' && p[i + 1] != ':' ? class_bytes(p + i) : 1;
    }
    return 0;
}

/* A class without its nested brackets, which only say "or" and mean a literal '[' to PCRE2. */
static void add_class(struct strbuf *b, const char *p, size_t n, enum regex_dialect d)
{
    for (size_t i = 0; i < n;) {
        if (p[i] == '\\' && i + 1 < n) {
            i += add_escape(b, p + i, d, 1);
        } else if (d == REGEX_ONIGURUMA && i && p[i] == '[' && i + 1 < n && p[i + 1] != ':' &&
                   p[i + 1] != '^') {
            size_t k = class_bytes(p + i);
            if (k > n - i)
                k = n - i;
            if (k > 2)
                add_class(b, p + i + 1, k - 2, d);
            i += k;
        } else {
            strbuf_addc(b, p[i++]);
        }
    }
}

/* [x&&[^y]] is (?:(?![y])[x]); [x&&y] is (?:(?=[y])[x]). */
static void add_class_or_both(struct strbuf *b, const char *p, size_t n, enum regex_dialect d)
{
    size_t at = d == REGEX_ONIGURUMA ? find_and(p, n) : 0, m;
    const char *second = p + at + 2;
    int negated;

    if (!at) {
        add_class(b, p, n, d);
        return;
    }
    m = n - 1 - (at + 2);
    if (m > 2 && second[0] == '[' && class_bytes(second) == m) {
        second++;
        m -= 2;
    }
    negated = m && second[0] == '^';
    strbuf_adds(b, negated ? "(?:(?![" : "(?:(?=[");
    add_class(b, second + negated, m - (size_t)negated, d);
    strbuf_adds(b, "])");
    add_class(b, p, at, d);
    strbuf_adds(b, "])");
}

static size_t interval_bytes(const char *p)
{
    size_t i = 1 + strspn(p + 1, "0123456789,");

    return p[0] == '{' && i > 1 && p[i] == '}' ? i + 1 : 0;
}

static void insert_group(struct strbuf *b, size_t at)
{
    strbuf_adds(b, "(?:");
    if (b->failed)
        return;
    memmove(b->s + at + 3, b->s + at, b->len - 3 - at);
    memcpy(b->s + at, "(?:", 3);
    strbuf_addc(b, ')');
}

/* atom: where in b the thing starts that a repetition after it would repeat. */
static void translate(struct strbuf *b, const char *p, enum regex_dialect d)
{
    size_t open[DEPTH_MAX] = {0}, atom = 0, k; /* 0: a ) that nothing opened */
    int depth = 0;

    while (*p && !b->failed) {
        if (*p == '\\' && p[1]) {
            atom = b->len;
            p += add_escape(b, p, d, 0);
        } else if (*p == '[') {
            atom = b->len;
            k = class_bytes(p);
            add_class_or_both(b, p, k, d);
            p += k;
        } else if (*p == '(') {
            if (depth < DEPTH_MAX)
                open[depth] = b->len;
            depth++;
            strbuf_addc(b, *p++);
        } else if (*p == ')') {
            depth -= depth > 0;
            atom = depth < DEPTH_MAX ? open[depth] : 0;
            strbuf_addc(b, *p++);
        } else if ((k = interval_bytes(p)) > 0) {
            strbuf_add(b, p, k);
            p += k;
            if (d == REGEX_ONIGURUMA && *p == '+' && atom < b->len)
                insert_group(b, atom); /* the whole repetition, once or more */
        } else {
            if (!strchr("?*+", *p))
                atom = b->len;
            strbuf_addc(b, *p++);
        }
    }
}

/* ---- matching ------------------------------------------------------------------------------ */

static int compile(struct regex *r, const char *pattern, enum regex_dialect d, struct err *e)
{
    pcre2_compile_context *c = pcre2_compile_context_create(r->memory);
    struct strbuf b = STRBUF_INIT;
    PCRE2_SIZE at;
    int code, rc = -1;

    if (!c) {
        err_nomem(e);
        goto out;
    }
    translate(&b, pattern, d);
    if (strbuf_ok(&b, e) < 0)
        goto out;
    pcre2_set_newline(c, PCRE2_NEWLINE_LF);
    r->code = pcre2_compile((PCRE2_SPTR)strbuf_str(&b), b.len,
                            PCRE2_UTF | PCRE2_UCP |
                                (d == REGEX_ONIGURUMA ? PCRE2_MULTILINE : 0), &code, &at, c);
    if (r->code) { /* without JIT the same matches are found, only slower */
        pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
        rc = 0;
    } else if (code == PCRE2_ERROR_HEAP_FAILED) {
        err_nomem(e);
    } else {
        err_set(e, ERR_UNSUPPORTED, "this PCRE2 refuses '%.60s' at %zu (error %d)", pattern,
                (size_t)at, code);
    }
out:
    strbuf_release(&b);
    pcre2_compile_context_free(c);
    return rc;
}

int regex_open(struct regex **out, const char *pattern, enum regex_dialect d, struct err *e)
{
    struct regex *r;

    *out = NULL;
    if (strlen(pattern) > PATTERN_MAX)
        return err_set(e, ERR_UNSUPPORTED, "a regular expression of %zu bytes, at most %d fit",
                       strlen(pattern), PATTERN_MAX);
    r = mem_calloc(1, sizeof *r);
    if (!r)
        return err_nomem(e);
    r->memory = pcre2_general_context_create(pcre_alloc, pcre_free, NULL);
    r->matching = r->memory ? pcre2_match_context_create(r->memory) : NULL;
    r->stack = r->memory ? pcre2_jit_stack_create(32 << 10, 8 << 20, r->memory) : NULL;
    r->match = r->memory ? pcre2_match_data_create(1, r->memory) : NULL;
    if (!r->matching || !r->match) {
        regex_close(r);
        return err_nomem(e);
    }
    if (r->stack)
        pcre2_jit_stack_assign(r->matching, NULL, r->stack);
    if (compile(r, pattern, d, e) < 0) {
        regex_close(r);
        return -1;
    }
    *out = r;
    return 0;
}

void regex_close(struct regex *r)
{
    if (!r)
        return;
    pcre2_code_free(r->code);
    pcre2_match_data_free(r->match);
    pcre2_jit_stack_free(r->stack);
    pcre2_match_context_free(r->matching);
    pcre2_general_context_free(r->memory);
    mem_free(r);
}

int regex_find(struct regex *r, const char *text, size_t n, size_t at, size_t *from, size_t *to,
               struct err *e)
{
    const PCRE2_SIZE *place = pcre2_get_ovector_pointer(r->match);
    int rc = pcre2_match(r->code, (PCRE2_SPTR)text, n, at, PCRE2_NO_UTF_CHECK, r->match,
                         r->matching);

    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) /* the interpreter keeps its places on the heap */
        rc = pcre2_match(r->code, (PCRE2_SPTR)text, n, at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                         r->match, r->matching);
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    if (rc == PCRE2_ERROR_NOMEMORY)
        return err_nomem(e);
    if (rc < 0)
        return err_set(e, ERR_UNSUPPORTED, "PCRE2 error %d at byte %zu of a piece of %zu bytes", rc,
                       at, n);
    *from = place[0];
    *to = place[1] > place[0] ? place[1] : place[0]; /* \K may put the start behind the end */
    return 1;
}
