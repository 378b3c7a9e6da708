#include "tasks/overlap.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "tasks/overlap_span.h"
#include "tasks/overlap_ter.h"
#include "tasks/pytext.h"
#include "tasks/words.h"

enum {
    WORD_ORDER = 4, CHAR_ORDER = 6,
    WORD_BITS = 17, CHAR_BITS = 13, /* three and four counts in the 53 bits of a double */
};

/* --- counts in a double ------------------------------------------------------------------- */

static double pack(const long *counts, int n, int bits)
{
    uint64_t all = 0;

    for (int i = 0; i < n; i++)
        all = all << bits | (uint64_t)counts[i];
    return (double)all;
}

/* Adds what is packed to counts. */
static void unpack(double v, long *counts, int n, int bits)
{
    uint64_t all = (uint64_t)v, mask = (1u << bits) - 1;

    for (int i = n; i-- > 0; all >>= bits)
        counts[i] += (long)(all & mask);
}

/* --- BLEU --------------------------------------------------------------------------------- */

static int in(char c, const char *set)
{
    return c && strchr(set, c) != NULL;
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void unescape(struct strbuf *b, const char *s, size_t n)
{
    static const char *const pairs[][2] = {
        {"<skipped>", ""}, {"-\n", ""},     {"\n", " "},     {"&quot;", "\""},
        {"&amp;", "&"},    {"&lt;", "<"},   {"&gt;", ">"},
    };
    struct strbuf next = STRBUF_INIT, swap;

    strbuf_add(b, s, n);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        strbuf_clear(&next);
        py_replace(&next, strbuf_str(b), b->len, pairs[i][0], pairs[i][1]);
        swap = *b, *b = next, next = swap;
    }
    b->failed |= next.failed;
    strbuf_release(&next);
}

/* mteval-13a, in its four passes: ASCII punctuation stands alone, . and , unless a digit is before
 * and behind them, a hyphen behind a digit. */
static void tokenize_13a(struct strbuf *b, const void *none, const char *text)
{
    struct span t = py_rstrip(text, strlen(text));
    struct strbuf in_ = STRBUF_INIT, out = STRBUF_INIT, swap;
    const char *s;

    (void)none;
    unescape(&in_, t.s, t.n);
    strbuf_addc(&out, ' ');
    for (s = strbuf_str(&in_); *s; s++) {
        int alone = in(*s, "{|}~[\\]^_` !\"#$%&()*+:;<=>?@/");
        strbuf_addf(&out, alone ? " %c " : "%c", *s);
    }
    strbuf_addc(&out, ' ');
    for (int pass = 0; pass < 3; pass++) {
        swap = in_, in_ = out, out = swap;
        strbuf_clear(&out);
        for (s = strbuf_str(&in_); *s; s++) {
            int hit = s[1] && (pass == 0   ? !is_digit(s[0]) && in(s[1], ".,")
                               : pass == 1 ? in(s[0], ".,") && !is_digit(s[1])
                                           : is_digit(s[0]) && s[1] == '-');
            if (!hit) {
                strbuf_addc(&out, *s);
                continue;
            }
            strbuf_addf(&out, pass == 1 ? " %c %c" : "%c %c ", s[0], s[1]);
            s++;
        }
    }
    strbuf_add(b, strbuf_str(&out), out.len);
    b->failed |= in_.failed | out.failed;
    strbuf_release(&in_);
    strbuf_release(&out);
}

static int too_long(const char *what, size_t n, int bits, struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED, "%s counts up to %d %s, and there are %zu", what,
                   (1 << bits) - 1, bits == CHAR_BITS ? "characters" : "words", n);
}

/* What a code point is to the tokenizer below: a number, punctuation, a symbol. */
static char class_of(const char *s, size_t n, size_t *len)
{
    utf8proc_int32_t c = 0;
    const char *name;

    *len = utf8_len(s, n);
    *len = *len ? *len : 1;
    utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)*len, &c);
    name = utf8proc_category_string(c);
    return *name;
}

/* mteval-v14 with international punctuation, in its three passes: punctuation behind what is no
 * number, punctuation before what is none, symbols. */
static void tokenize_intl(struct strbuf *b, const void *none, const char *text)
{
    struct span t = py_rstrip(text, strlen(text));
    struct strbuf in_ = STRBUF_INIT, out = STRBUF_INIT, swap;

    (void)none;
    strbuf_add(&out, t.s, t.n);
    for (int pass = 0; pass < 3; pass++) {
        swap = in_, in_ = out, out = swap;
        strbuf_clear(&out);
        for (size_t i = 0, k, next; i < in_.len; i += k) {
            char c = class_of(in_.s + i, in_.len - i, &k);
            char d = i + k < in_.len ? class_of(in_.s + i + k, in_.len - i - k, &next) : 0;
            const char *how = pass == 0   ? (d && c != 'N' && d == 'P' ? "%.*s %.*s " : NULL)
                              : pass == 1 ? (d && c == 'P' && d != 'N' ? " %.*s %.*s" : NULL)
                                          : (c == 'S' ? " %.*s %.*s" : NULL);
            if (!how) {
                strbuf_add(&out, in_.s + i, k);
                continue;
            }
            next = pass == 2 ? 0 : next;
            strbuf_addf(&out, how, (int)k, in_.s + i, (int)next, in_.s + i + k);
            k += next;
        }
    }
    strbuf_add(b, strbuf_str(&out), out.len);
    b->failed |= in_.failed | out.failed;
    strbuf_release(&in_);
    strbuf_release(&out);
}

static int runs_of_words(words_spelling *prepare, const char *answer, const char *reference,
                         double *value, double *weight, struct err *e)
{
    struct symbols x = {0}, y = {0};
    long matches[WORD_ORDER];
    size_t most;
    int rc = words_of_two(prepare, NULL, answer, reference, &x, &y, e);

    most = x.n > y.n ? x.n : y.n;
    if (rc == 0 && most >> WORD_BITS)
        rc = too_long("BLEU", most, WORD_BITS, e);
    if (rc == 0)
        rc = words_common_runs(&x, &y, WORD_ORDER, matches, e);
    if (rc == 0) {
        *value = pack((const long[]){(long)x.n, matches[0], matches[1]}, 3, WORD_BITS);
        *weight = pack((const long[]){(long)y.n, matches[2], matches[3]}, 3, WORD_BITS);
    }
    mem_free(x.v);
    mem_free(y.v);
    return rc;
}

static int bleu_count(const char *answer, const char *reference, double *value, double *weight,
                      struct err *e)
{
    return runs_of_words(tokenize_13a, answer, reference, value, weight, e);
}

static int bleu_intl_count(const char *answer, const char *reference, double *value,
                           double *weight, struct err *e)
{
    return runs_of_words(tokenize_intl, answer, reference, value, weight, e);
}

static double bleu_score(const double *values, const double *weights, const size_t *index,
                         size_t n)
{
    long total[WORD_ORDER] = {0}, match[WORD_ORDER] = {0}, length = 0, wanted = 0;
    double sum = 0, smooth = 1, brevity;

    for (size_t i = 0; i < n; i++) {
        size_t k = index ? index[i] : i;
        long v[3] = {0}, w[3] = {0};
        unpack(values[k], v, 3, WORD_BITS);
        unpack(weights[k], w, 3, WORD_BITS);
        length += v[0];
        wanted += w[0];
        match[0] += v[1], match[1] += v[2], match[2] += w[1], match[3] += w[2];
        for (int order = 0; order < WORD_ORDER; order++)
            total[order] += v[0] > order ? v[0] - order : 0;
    }
    if (match[0] == 0 || length == 0)
        return 0;
    brevity = length < wanted ? exp(1 - (double)wanted / (double)length) : 1;
    for (int order = 0; order < WORD_ORDER; order++) {
        if (total[order] == 0)
            return 0;
        if (match[order] == 0)
            smooth *= 2;
        sum += log(match[order] == 0 ? 100 / (smooth * (double)total[order])
                                     : 100.0 * (double)match[order] / (double)total[order]);
    }
    return brevity * exp(sum / WORD_ORDER);
}

/* --- chrF --------------------------------------------------------------------------------- */

static int characters(struct symbols *out, const char *s, struct err *e)
{
    const char *end = s + strlen(s);

    for (struct span rest = py_lstrip(s, (size_t)(end - s)); rest.n;
         rest = py_lstrip(s, (size_t)(end - s))) {
        size_t word = py_word(rest.s, rest.n);
        for (size_t at = 0, k; at < word; at += k) {
            utf8proc_int32_t c = 0;
            k = utf8_len(rest.s + at, word - at);
            if (!k) {
                c = 0x110000 + (unsigned char)rest.s[at];
                k = 1;
            } else {
                utf8proc_iterate((const utf8proc_uint8_t *)rest.s + at, (utf8proc_ssize_t)k, &c);
            }
            if (symbols_push(out, (uint64_t)c) < 0)
                return err_nomem(e);
        }
        s = rest.s + word;
    }
    return 0;
}

static int chrf_count(const char *answer, const char *reference, double *value, double *weight,
                      struct err *e)
{
    struct symbols x = {0}, y = {0};
    long m[CHAR_ORDER];
    size_t most;
    int rc = characters(&x, answer, e) < 0 ? -1 : characters(&y, reference, e);

    most = x.n > y.n ? x.n : y.n;
    if (rc == 0 && most >> CHAR_BITS)
        rc = too_long("chrF", most, CHAR_BITS, e);
    if (rc == 0)
        rc = words_common_runs(&x, &y, CHAR_ORDER, m, e);
    if (rc == 0) {
        *value = pack((const long[]){(long)x.n, m[0], m[1], m[2]}, 4, CHAR_BITS);
        *weight = pack((const long[]){(long)y.n, m[3], m[4], m[5]}, 4, CHAR_BITS);
    }
    mem_free(x.v);
    mem_free(y.v);
    return rc;
}

static double chrf_of(const long *a, const long *b, const long *match)
{
    double precision = 0, recall = 0;
    int orders = 0;

    for (int i = 0; i < CHAR_ORDER; i++)
        if (a[i] > 0 && b[i] > 0) {
            precision += (double)match[i] / (double)a[i];
            recall += (double)match[i] / (double)b[i];
            orders++;
        }
    if (!orders || precision + recall == 0)
        return 0;
    precision /= orders;
    recall /= orders;
    return 100 * (5 * precision * recall / (4 * precision + recall));
}

static double chrf_score(const double *values, const double *weights, const size_t *index,
                         size_t n)
{
    long a[CHAR_ORDER] = {0}, b[CHAR_ORDER] = {0}, match[CHAR_ORDER] = {0};

    for (size_t i = 0; i < n; i++) {
        size_t k = index ? index[i] : i;
        long v[4] = {0}, w[4] = {0};
        unpack(values[k], v, 4, CHAR_BITS);
        unpack(weights[k], w, 4, CHAR_BITS);
        for (int order = 0; order < CHAR_ORDER; order++) {
            /* runs of a length that the reference has none of do not count */
            a[order] += v[0] > order && w[0] > order ? v[0] - order : 0;
            b[order] += w[0] > order ? w[0] - order : 0;
            match[order] += order < 3 ? v[order + 1] : w[order - 2];
        }
    }
    return chrf_of(a, b, match);
}

/* --- TER ---------------------------------------------------------------------------------- */

static void lower(struct strbuf *b, const void *none, const char *text)
{
    struct span t = py_rstrip(text, strlen(text));

    (void)none;
    py_lower(b, t.s, t.n);
}

static int ter_count(const char *answer, const char *reference, double *value, double *weight,
                     struct err *e)
{
    struct symbols x = {0}, y = {0};
    long edits;
    int rc = words_of_two(lower, NULL, answer, reference, &x, &y, e);

    if (rc == 0)
        rc = ter_edits(x.v, x.n, y.v, y.n, &edits, e);
    if (rc == 0) {
        *value = (double)edits;
        *weight = (double)y.n;
    }
    mem_free(x.v);
    mem_free(y.v);
    return rc;
}

static double ter_score(const double *values, const double *weights, const size_t *index,
                        size_t n)
{
    double edits = 0, words = 0;

    for (size_t i = 0; i < n; i++) {
        edits += values[index ? index[i] : i];
        words += weights[index ? index[i] : i];
    }
    return words > 0 ? 100 * (edits / words) : edits > 0 ? 100 : 0;
}

const struct overlap *overlap_find(const char *name)
{
    static const struct overlap rows[] = {
        {"bleu", bleu_count, bleu_score},
        {"chrf", chrf_count, chrf_score},
        {"ter", ter_count, ter_score},
        {"bleu_intl", bleu_intl_count, bleu_score},
        {"span_f1", span_count, span_score},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}
