#include "tasks/answer_bbh.h"

#include <string.h>

#include "base/mem.h"
#include "tasks/answer_impl.h"
#include "tasks/pytext.h"

static char *taken(struct span s, struct err *e)
{
    char *out = mem_strndup(s.s, s.n);

    if (!out)
        err_nomem(e);
    return out;
}

static char *invalid(struct err *e)
{
    return taken((struct span){"[invalid]", 9}, e);
}

static int select_of(const struct answer *a, int f)
{
    return a->rules->filters[f].select;
}

/* answer_pick with a pattern that is used once. */
static int search(const struct answer *a, const char *pattern, const char *text, int select,
                  struct span *out, struct err *e)
{
    pcre2_code *code = NULL;
    int rc = -1;

    if (answer_compile(a, &code, pattern, e) == 0)
        rc = answer_pick(a, code, text, select, out, NULL, e);
    pcre2_code_free(code);
    return rc;
}

/* --- choices -------------------------------------------------------------------------------- */

enum { CHOICES = 26 };

/* Lower case, without punctuation of any script. */
static int simplify(const struct answer *a, struct span s, struct strbuf *out, struct err *e)
{
    struct strbuf lower = STRBUF_INIT;
    pcre2_code *marks = NULL;
    int rc = -1;

    py_lower(&lower, s.s, s.n);
    if (strbuf_ok(&lower, e) == 0 && answer_compile(a, &marks, "\\p{P}", e) == 0 &&
        answer_remove(a, marks, strbuf_str(&lower), lower.len, out, e) == 0)
        rc = strbuf_ok(out, e);
    pcre2_code_free(marks);
    strbuf_release(&lower);
    return rc;
}

/* The choices of a question: what follows "(A)" on its line, up to a bracket.  How many, or -1. */
static int choices_of(const struct answer *a, const char *question, struct strbuf *out,
                      struct err *e)
{
    int n = 0;

    for (const char *s = question; n < CHOICES && (s = strchr(s, '(')) != NULL;) {
        if (s[1] < 'A' || s[1] > 'Z' || s[2] != ')') {
            s++;
            continue;
        }
        s += 3;
        size_t len = strcspn(s, "\n^(");
        if (simplify(a, py_strip(s, len), &out[n++], e) < 0)
            return -1;
        s += len;
    }
    return n;
}

/* The select-th place in the text where one of the choices stands; of several the first. */
static int find_choice(const struct strbuf *choices, int n, const char *text, int select)
{
    int last = -1, seen = 0;

    for (const char *s = text; *s;) {
        int k = 0;
        while (k < n && strncmp(s, strbuf_str(&choices[k]), choices[k].len) != 0)
            k++;
        if (k < n) {
            last = k;
            if (seen++ == select)
                return k;
        }
        s += k < n && choices[k].len ? choices[k].len : 1;
    }
    return select < 0 ? last : -1;
}

/* 1: *out is the answer, in `name` where it has a letter; 0: no choice is in the text. */
static int by_text(const struct answer *a, const struct strbuf *choices, int n, const char *text,
                   int select, char *name, struct span *out, struct err *e)
{
    struct strbuf simple = STRBUF_INIT;
    int rc = simplify(a, (struct span){text, strlen(text)}, &simple, e);

    if (rc == 0) {
        int k = find_choice(choices, n, strbuf_str(&simple), select);
        if (k >= 0) {
            *out = py_strip(strbuf_str(&choices[k]), choices[k].len);
            rc = out->n > 0;
            for (int i = n - 1; i >= 0; i--) /* of equal choices the last */
                if (choices[i].len == out->n && memcmp(choices[i].s, out->s, out->n) == 0) {
                    memcpy(name, (char[]){'(', (char)('A' + i), ')'}, 3);
                    *out = (struct span){name, 3};
                    break;
                }
        }
    }
    strbuf_release(&simple);
    return rc;
}

char *bbh_choice(const struct answer *a, int f, const char *text, const struct doc *d,
                 struct err *e)
{
    struct strbuf choices[CHOICES] = {{0}};
    struct span span;
    char pattern[] = ":[\\s]*([A-A])", name[3], *out = NULL;
    int select = select_of(a, f), n = 0;
    int got = answer_pick(a, a->filters[f], text, select, &span, NULL, e);

    if (got == 0) {
        n = choices_of(a, d->text, choices, e);
        got = n <= 0 ? n : by_text(a, choices, n, text, select, name, &span, e);
    }
    if (got == 0 && n > 0) {
        *strrchr(pattern, 'A') = (char)('A' + n - 1);
        got = search(a, pattern, text, select, &span, e);
        if (got == 1) {
            memcpy(name, (char[]){'(', span.s[0], ')'}, 3);
            span = (struct span){name, 3};
        }
    }
    if (got >= 0)
        out = got ? taken(span, e) : invalid(e);
    for (int i = 0; i < CHOICES; i++)
        strbuf_release(&choices[i]);
    return out;
}

char *bbh_no_or_yes(const struct answer *a, int f, const char *text, const struct doc *d,
                    struct err *e)
{
    struct strbuf lower = STRBUF_INIT;
    struct span span;
    char *out = NULL;
    int group = 0, got = -1;

    (void)d;
    py_lower(&lower, text, strlen(text));
    if (strbuf_ok(&lower, e) == 0)
        got = answer_pick(a, a->filters[f], strbuf_str(&lower), select_of(a, f), &span, &group, e);
    strbuf_release(&lower);
    if (got == 1)
        out = taken(group == 1 ? (struct span){"no", 2} : (struct span){"yes", 3}, e);
    else if (got == 0)
        out = invalid(e);
    return out;
}

/* --- numbers in words ----------------------------------------------------------------------- */

/* Words that a number may begin with, go on with and end with are not quite the same in lm-eval:
 * "seven" alone is none, for example. */
#define UNITS "zero|one|two|three|four|five|(?:twen|thir|for|fif|six|seven|nine)"
#define TENS "|ten|eleven|twelve|fourteen|hundred|thousand|(?:m|b|tr)illion"
static const char in_words[] =
    "((?:(?:" UNITS "(?:teen|ty)|eight(?:|een|y)" TENS ")"
    "(?:" UNITS "(?:|teen|ty)|eight(?:een|y)" TENS "|[^\\S\\r\\n]|,|and|&)+)?"
    "(?:" UNITS "(?:teen|ty)|eight(?:een|y)" TENS "))";

static const struct { const char *word; int64_t value; } numerals[] = {
    {"zero", 0}, {"one", 1}, {"two", 2}, {"three", 3}, {"four", 4}, {"five", 5}, {"six", 6},
    {"seven", 7}, {"eight", 8}, {"nine", 9}, {"ten", 10}, {"eleven", 11}, {"twelve", 12},
    {"thirteen", 13}, {"fourteen", 14}, {"fifteen", 15}, {"sixteen", 16}, {"seventeen", 17},
    {"eighteen", 18}, {"nineteen", 19}, {"twenty", 20}, {"thirty", 30}, {"forty", 40},
    {"fifty", 50}, {"sixty", 60}, {"seventy", 70}, {"eighty", 80}, {"ninety", 90},
    {"hundred", 100}, {"thousand", 1000}, {"million", 1000000}, {"billion", 1000000000},
};

static const int64_t large[] = {1000000000, 1000000, 1000};

/* A few numerals below one of the large ones: 0 when there is none.  More than 4 count as their
 * first, as word2number has it. */
static int below_thousand(const int64_t *v, int n, int64_t *out)
{
    if (n == 2)
        *out = v[0] == 100 || v[1] == 100 ? v[0] * v[1] : v[0] + v[1];
    else if (n == 3 || n == 4)
        *out = v[0] * v[1] + v[2] + (n == 4 ? v[3] : 0);
    else if (n > 0)
        *out = v[0];
    return n > 0;
}

/* at[]: where the large words stand, the largest first, -1 for none; 0 when one is there twice or
 * they are not in order. */
static int large_words(const int64_t *v, int n, int at[3])
{
    int from = 0;

    for (int l = 0; l < 3; l++) {
        at[l] = -1;
        for (int i = 0; i < n; i++) {
            if (v[i] != large[l])
                continue;
            if (at[l] >= 0 || i < from)
                return 0;
            at[l] = i;
        }
        if (at[l] >= 0)
            from = at[l] + 1;
    }
    return 1;
}

/* The rules of the Python package word2number; 0 where it gives up.  Its one surprise is kept: when
 * "thousand" (or "million") ends the number, what stands after the next larger word counts again
 * as the rest. */
static int number_of(const int64_t *v, int n, int64_t *out)
{
    int at[3], from = 0, rest = 0;
    int64_t part;

    *out = n == 1 ? v[0] : 0;
    if (n <= 1)
        return n;
    if (!large_words(v, n, at))
        return 0;
    for (int l = 0; l < 3; l++) {
        if (at[l] < 0)
            continue;
        if (!below_thousand(v + from, at[l] - from, &part))
            return 0;
        *out += part * large[l];
        from = at[l] + 1;
        if (from < n)
            rest = from;
    }
    if ((from == 0 || rest > 0) && below_thousand(v + rest, n - rest, &part))
        *out += part;
    return 1;
}

/* The numerals among the words of s, whatever stands between them. */
static int numerals_in(struct span s, int64_t *v, int most)
{
    const size_t n_rows = sizeof numerals / sizeof numerals[0];
    int n = 0;

    for (size_t i = 0, k; i < s.n; i += k) {
        k = 0;
        while (i + k < s.n && !strchr(" \t\v\f", s.s[i + k]))
            k++;
        for (size_t r = 0; r < n_rows && n < most; r++)
            if (strlen(numerals[r].word) == k && memcmp(numerals[r].word, s.s + i, k) == 0)
                v[n++] = numerals[r].value;
        k += k == 0;
    }
    return n;
}

char *bbh_number(const struct answer *a, int f, const char *text, const struct doc *d,
                 struct err *e)
{
    enum { NUMERALS = 64 };
    struct strbuf lower = STRBUF_INIT, digits = STRBUF_INIT;
    struct span span;
    int64_t v[NUMERALS], value;
    int got = answer_pick(a, a->filters[f], text, select_of(a, f), &span, NULL, e);
    char *out = NULL;

    (void)d;
    if (got == 0) {
        py_lower(&lower, text, strlen(text));
        got = strbuf_ok(&lower, e) < 0
                  ? -1
                  : search(a, in_words, strbuf_str(&lower), select_of(a, f), &span, e);
        if (got == 1 && (got = number_of(v, numerals_in(span, v, NUMERALS), &value)) != 0) {
            strbuf_addf(&digits, "%lld", (long long)value);
            got = strbuf_ok(&digits, e) < 0 ? -1 : 1;
            span = (struct span){strbuf_str(&digits), digits.len};
        }
    }
    if (got >= 0)
        out = got ? taken(span, e) : invalid(e);
    strbuf_release(&lower);
    strbuf_release(&digits);
    return out;
}

/* --- sorted words --------------------------------------------------------------------------- */

struct words {
    const char *text;
    struct span *v;
    size_t n, cap;
    int failed;
};

static int keep_word(void *user, const PCRE2_SIZE *at, int n_groups)
{
    struct words *w = user;

    (void)n_groups;
    if (mem_grow(&w->v, &w->cap, w->n + 1, sizeof *w->v) < 0)
        return w->failed = 1;
    w->v[w->n++] = (struct span){w->text + at[0], at[1] - at[0]};
    return 0;
}

/* The words between "List:" and the end of the question, each as a whole word of a pattern. */
static void word_pattern(const char *question, struct strbuf *out)
{
    static const char list[] = "List:";
    const char *s = strstr(question, list), *end, *next;

    if (!s)
        return;
    s += sizeof list - 1;
    end = s + strlen(s);
    for (const char *asks = s; (asks = strstr(asks, "\nA:")) != NULL; asks++)
        end = asks;
    next = strstr(s, list);
    if (next && next < end)
        end = next;
    for (const char *stop; s < end; s = stop) {
        s += strspn(s, " \t\n\r\v\f");
        stop = s + strcspn(s, " \t\n\r\v\f");
        if (stop > end)
            stop = end;
        if (s < stop && !memmem(s, (size_t)(stop - s), "\\E", 2))
            strbuf_addf(out, "%s\\b\\Q%.*s\\E\\b", out->len ? "|" : "", (int)(stop - s), s);
        if (s >= end)
            break;
    }
}

static int is_last(const struct words *w, size_t i)
{
    for (size_t k = i + 1; k < w->n; k++)
        if (w->v[k].n == w->v[i].n && memcmp(w->v[k].s, w->v[i].s, w->v[i].n) == 0)
            return 0;
    return 1;
}

char *bbh_words(const struct answer *a, int f, const char *text, const struct doc *d,
                struct err *e)
{
    struct strbuf pattern = STRBUF_INIT, out = STRBUF_INIT;
    struct words w = {.text = text};
    pcre2_code *code = NULL;
    int rc;

    (void)f;
    word_pattern(d->text, &pattern);
    rc = strbuf_ok(&pattern, e);
    if (rc == 0 && pattern.len) {
        rc = answer_compile(a, &code, pattern.s, e);
        if (rc == 0)
            rc = answer_each(a, code, text, strlen(text), keep_word, &w, e);
        if (rc == 0 && w.failed)
            rc = err_nomem(e);
    }
    for (size_t i = 0; rc == 0 && i < w.n; i++)
        if (is_last(&w, i))
            strbuf_addf(&out, "%s%.*s", out.len ? " " : "", (int)w.v[i].n, w.v[i].s);
    if (rc == 0)
        rc = strbuf_ok(&out, e);
    pcre2_code_free(code);
    mem_free(w.v);
    strbuf_release(&pattern);
    if (rc < 0)
        strbuf_release(&out);
    return rc < 0 ? NULL : out.s ? strbuf_take(&out) : taken((struct span){"", 0}, e);
}
