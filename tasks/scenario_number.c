/* scenario_number.c -- numbers with units in an output.
 *
 * Read are 1,234.5 and -3 and 12 (full width), and Chinese numerals (三十五, 一百零二点五, 两千);
 * English number words are not. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "tasks/pytext.h"
#include "tasks/scenario_impl.h"

/* --- digits ------------------------------------------------------------------------------- */

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number at s: digits with commas before groups of three, a point, more digits.  How many bytes
 * it takes, 0 when there is none. */
static size_t read_digits(const char *s, size_t n, double *out)
{
    char digits[64];
    size_t i = 0, k = 0;

    while (i < n && k < sizeof digits - 1) {
        if (is_digit(s[i])) {
            digits[k++] = s[i++];
        } else if (s[i] == ',' && i > 0 && i + 3 < n + 0 && is_digit(s[i + 1]) &&
                   is_digit(s[i + 2]) && is_digit(s[i + 3]) &&
                   (i + 4 >= n || !is_digit(s[i + 4]))) {
            i++;
        } else if (s[i] == '.' && i + 1 < n && is_digit(s[i + 1]) && !memchr(digits, '.', k)) {
            digits[k++] = s[i++];
        } else {
            break;
        }
    }
    digits[k] = 0;
    *out = k ? strtod(digits, NULL) : 0;
    return k ? i : 0;
}

/* --- Chinese numerals --------------------------------------------------------------------- */

static const struct numeral {
    const char *text;
    double value;
    int unit; /* 1: multiplies what stands before; 2: closes a group */
} numerals[] = {
    {"零", 0, 0}, {"〇", 0, 0}, {"一", 1, 0}, {"二", 2, 0}, {"两", 2, 0}, {"三", 3, 0},
    {"四", 4, 0}, {"五", 5, 0}, {"六", 6, 0}, {"七", 7, 0}, {"八", 8, 0}, {"九", 9, 0},
    {"十", 10, 1}, {"百", 100, 1}, {"千", 1000, 1}, {"万", 1e4, 2}, {"亿", 1e8, 2},
};

static const struct numeral *numeral_at(const char *s, size_t n)
{
    for (size_t i = 0; i < sizeof numerals / sizeof numerals[0]; i++) {
        size_t k = strlen(numerals[i].text);
        if (k <= n && memcmp(s, numerals[i].text, k) == 0)
            return &numerals[i];
    }
    return NULL;
}

/* 二〇二六 is read digit by digit, 两千零二十六 by its units. */
static size_t read_chinese(const char *s, size_t n, double *out)
{
    static const char point[] = "点";
    double total = 0, group = 0, digit = 0, scale = 0;
    const struct numeral *x;
    size_t i = 0;
    int digits = 0;

    while (i < n && (x = numeral_at(s + i, n - i)) != NULL) {
        if (x->unit == 0) {
            digit = digits ? digit * 10 + x->value : x->value;
            digits += x->value != 0 || digits;
        } else if (x->unit == 1) {
            group += (digits ? digit : 1) * x->value;
            digit = digits = 0;
        } else {
            total = (total + group + digit) * x->value;
            group = digit = digits = 0;
        }
        i += strlen(x->text);
    }
    total += group + digit;
    if (i && n - i > sizeof point - 1 && memcmp(s + i, point, sizeof point - 1) == 0 &&
        (x = numeral_at(s + i + sizeof point - 1, n - i - (sizeof point - 1))) && x->unit == 0) {
        i += sizeof point - 1;
        for (scale = 0.1; i < n && (x = numeral_at(s + i, n - i)) && x->unit == 0; scale /= 10) {
            total += x->value * scale;
            i += strlen(x->text);
        }
    }
    *out = total;
    return i;
}

/* --- units -------------------------------------------------------------------------------- */

/* How much of the answer's unit one of the unit at s is; *n bytes of name.  0: none stands there.
 * Of several names the longest; short ones as written, for mW is not MW. */
static double unit_at(const struct scenario *s, const char *at, size_t *n)
{
    const cJSON *u;
    double factor = 0;

    *n = 0;
    cJSON_ArrayForEach(u, s->units) {
        size_t k = strlen(u->string);
        int same = k > 3 ? strncasecmp(at, u->string, k) == 0 : strncmp(at, u->string, k) == 0;
        if (same && k > *n &&
            !(isalpha((unsigned char)at[k]) && isalpha((unsigned char)u->string[k - 1]))) {
            factor = u->valuedouble;
            *n = k;
        }
    }
    return factor;
}

/* --- the kind ----------------------------------------------------------------------------- */

struct quantity {
    double value;
    int has_unit;
    size_t begin, end; /* in the text */
};

/* The next number from byte i on; 0 when there is none. */
static int next_number(const struct scenario *s, const char *text, size_t len, size_t i,
                       struct quantity *q)
{
    for (; i < len; i++) {
        size_t unit, n = is_digit(text[i]) ? read_digits(text + i, len - i, &q->value)
                                           : read_chinese(text + i, len - i, &q->value);
        double factor;
        if (!n)
            continue;
        q->begin = i;
        q->end = i + n;
        if (i && text[i - 1] == '-' && (i < 2 || !isalnum((unsigned char)text[i - 2])))
            q->value = -q->value, q->begin--;
        for (n = q->end; text[n] == ' ';)
            n++;
        factor = unit_at(s, text + n, &unit);
        q->has_unit = factor > 0;
        if (q->has_unit) {
            q->value *= factor;
            q->end = n + unit;
        }
        return 1;
    }
    return 0;
}

static int is_near(const struct scenario *s, double want, double got)
{
    double most = fmax(s->tolerance, s->relative * fabs(want));

    return fabs(want - got) <= most + 1e-9 * fmax(fabs(want), fabs(got));
}

KIND_CHECK(number)
{
    if (!cJSON_IsNumber(it->answer))
        return json_text_wrong(&s->file, it->answer, 0, e, "\"answer\" must be a number");
    return 0;
}

/* With the unit that is worth 1, the first of them. */
KIND_SHOW(number)
{
    const cJSON *u;
    char text[32];

    json_format_num(text, sizeof text, it->answer->valuedouble);
    strbuf_adds(out, text);
    cJSON_ArrayForEach(u, s->units)
        if (u->valuedouble == 1) {
            if ((unsigned char)u->string[0] < 0x80 && isalpha((unsigned char)u->string[0]))
                strbuf_addc(out, ' ');
            strbuf_adds(out, u->string);
            break;
        }
    return strbuf_ok(out, e);
}

KIND_CREDIT(number)
{
    struct span t = text_take(s, output);
    struct strbuf text = STRBUF_INIT, minus = STRBUF_INIT;
    struct quantity q, taken = {0};
    size_t from = 0;
    int found = 0, rc;

    py_replace(&minus, t.s, t.n, "\xe2\x88\x92", "-"); /* U+2212 */
    rc = strbuf_ok(&minus, e);
    if (rc == 0)
        rc = text_normal(&text, strbuf_str(&minus), minus.len, IGNORE_WIDTH, e);
    while (rc == 0 && (!found || s->pick_last) &&
           next_number(s, strbuf_str(&text), text.len, from, &q)) {
        found = 1;
        taken = q;
        from = q.end;
    }
    out->well_formed = found;
    if (found) {
        strbuf_add(&out->text, text.s + taken.begin, taken.end - taken.begin);
        out->credit = (taken.has_unit || !s->unit_required) &&
                      is_near(s, it->answer->valuedouble, taken.value);
    }
    strbuf_release(&minus);
    strbuf_release(&text);
    return rc;
}
