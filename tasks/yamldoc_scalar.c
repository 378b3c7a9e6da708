/* yamldoc_scalar.c -- null, booleans and numbers of YAML 1.1, by the patterns of PyYAML's resolver.
 *
 * Where they surprise: 1e-5 is a text, as it has no point, 1:30 is ninety, to the base of 60, and
 * 017 is fifteen. */
#include "tasks/yamldoc_scalar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One of the words, in the spellings that PyYAML takes: yes, Yes, YES. */
static int is_word(const char *s, size_t n, const char *const *words)
{
    for (; *words; words++) {
        const char *w = *words;
        int lower = strlen(w) == n, upper = lower, title = lower;
        for (size_t i = 0; i < n && (lower | upper | title); i++) {
            char big = (char)(w[i] >= 'a' && w[i] <= 'z' ? w[i] - 32 : w[i]);
            lower &= s[i] == w[i];
            upper &= s[i] == big;
            title &= s[i] == (i ? w[i] : big);
        }
        if (lower | upper | title)
            return 1;
    }
    return 0;
}

static size_t count_in(const char *s, const char *set)
{
    return strspn(s, set);
}

/* Base 60: 1:30 is 90, and 1:30.5 is 90.5. */
static double sexagesimal(const char *s)
{
    double v = 0, part = 0, tens = 0.1;
    int point = 0;

    for (; *s; s++) {
        if (*s == ':') {
            v = (v + part) * 60;
            part = 0;
        } else if (*s == '.') {
            point = 1;
        } else if (*s != '_') {
            part = point ? part + (*s - '0') * tens : part * 10 + (*s - '0');
            tens /= point ? 10 : 1;
        }
    }
    return v + part;
}

/* [0-9][0-9_]*(:[0-5]?[0-9])+ and, with a point, [0-9_]* behind it. */
static int is_sexagesimal(const char *s, int *has_point)
{
    size_t n = count_in(s, "0123456789_");
    int parts = 0;

    if (n == 0 || *s == '_')
        return 0;
    for (s += n; *s == ':'; s += n, parts++) {
        s++;
        n = count_in(s, "0123456789");
        if (n < 1 || n > 2 || (n == 2 && *s > '5'))
            return 0;
    }
    *has_point = *s == '.';
    if (*has_point)
        s += 1 + count_in(s + 1, "0123456789_");
    return parts > 0 && *s == 0;
}

static double digits_of(const char *s, int base)
{
    double v = 0;

    for (; *s; s++) {
        int c = *s | 32;
        if (*s == '_')
            continue;
        v = v * base + (c >= 'a' ? c - 'a' + 10 : c - '0');
    }
    return v;
}

static int all_in(const char *s, const char *set)
{
    return *s && s[count_in(s, set)] == 0;
}

static int resolve_int(const char *s, double *out)
{
    double sign = *s == '-' ? -1 : 1;
    int point;

    s += *s == '-' || *s == '+';
    if (s[0] == '0' && s[1] == 'b' && all_in(s + 2, "01_"))
        *out = digits_of(s + 2, 2);
    else if (s[0] == '0' && s[1] == 'x' && all_in(s + 2, "0123456789abcdefABCDEF_"))
        *out = digits_of(s + 2, 16);
    else if (s[0] == '0' && s[1] && all_in(s + 1, "01234567_"))
        *out = digits_of(s + 1, 8);
    else if (strcmp(s, "0") == 0 || (*s >= '1' && *s <= '9' && all_in(s, "0123456789_")))
        *out = digits_of(s, 10);
    else if (*s >= '1' && *s <= '9' && is_sexagesimal(s, &point) && !point)
        *out = sexagesimal(s);
    else
        return 0;
    *out *= sign;
    return 1;
}

/* An exponent needs its sign, and a point is never missing: 1e-5 is a text. */
static int resolve_float(const char *s, double *out)
{
    static const char *const inf[] = {".inf", NULL};
    const char *p = s + (*s == '-' || *s == '+'), *from = p;
    char plain[64];
    size_t k = 0, whole;
    int point;

    if (is_word(p, strlen(p), inf) || strcmp(p, ".Inf") == 0) {
        *out = *s == '-' ? -INFINITY : INFINITY;
        return 1;
    }
    if (strcmp(s, ".nan") == 0 || strcmp(s, ".NaN") == 0 || strcmp(s, ".NAN") == 0) {
        *out = NAN;
        return 1;
    }
    if (is_sexagesimal(p, &point) && point) {
        *out = (*s == '-' ? -1 : 1) * sexagesimal(p);
        return 1;
    }
    whole = count_in(p, "0123456789_");
    if (p[whole] != '.' || *p == '_' || (whole == 0 && (p != s || p[1] < '0' || p[1] > '9')))
        return 0;
    p += whole + 1;
    p += count_in(p, "0123456789_");
    if ((*p | 32) == 'e') {
        if ((p[1] != '-' && p[1] != '+') || !all_in(p + 2, "0123456789"))
            return 0;
        p += strlen(p);
    }
    if (*p || strlen(from) >= sizeof plain)
        return 0;
    for (p = s; *p; p++)
        if (*p != '_')
            plain[k++] = *p;
    plain[k] = 0;
    *out = strtod(plain, NULL);
    return 1;
}

void yaml_scalar_resolve(struct ynode *y)
{
    static const char *const none[] = {"~", "null", "", NULL};
    static const char *const yes[] = {"yes", "true", "on", NULL};
    static const char *const no[] = {"no", "false", "off", NULL};

    if (is_word(y->s, y->n, none)) {
        y->type = Y_NULL;
    } else if (is_word(y->s, y->n, yes) || is_word(y->s, y->n, no)) {
        y->type = Y_BOOL;
        y->num = is_word(y->s, y->n, yes);
    } else if (resolve_int(y->s, &y->num)) {
        y->type = Y_INT;
    } else if (resolve_float(y->s, &y->num)) {
        y->type = Y_FLOAT;
    }
}
