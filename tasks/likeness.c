/* likeness.c -- the rows; the ways of spelling an answer before words are compared. */
#include "tasks/likeness.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "tasks/overlap.h"
#include "tasks/rouge.h"
#include "tasks/words.h"

/* --- spelling ----------------------------------------------------------------------------- */

struct spelling { /* small letters, no punctuation, no articles, one blank between words */
    const char *articles; /* " a an the ": words that go; NULL: none */
    const char *piece;    /* goes wherever it stands, also inside words; NULL: nothing */
    int unicode;          /* punctuation is Unicode's too, not only ASCII's */
    int han;              /* every Chinese character is a word */
};

static const struct spelling english = {" a an the ", NULL, 0, 0};
static const struct spelling french = {" un une des le la les ", NULL, 0, 0};
static const struct spelling mlqa[] = {
    {" a an the ", NULL, 1, 0},
    {" un una unos unas el la los las ", NULL, 1, 0},
    {NULL, NULL, 1, 0},
    {" của là cái chiếc những ", NULL, 1, 0},
    {" ein eine einen einem eines einer der die das den dem des ", NULL, 1, 0},
    {NULL, "ال", 1, 0},
    {NULL, NULL, 1, 1},
};

static int is_punctuation(utf8proc_int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_PC: case UTF8PROC_CATEGORY_PD: case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE: case UTF8PROC_CATEGORY_PI: case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
        return 1;
    default:
        return 0;
    }
}

/* Without Unicode's punctuation; a Chinese character gets a blank on both sides where asked. */
static void drop(struct strbuf *out, const struct spelling *how, const char *s, size_t n)
{
    for (size_t at = 0, k; at < n; at += k) {
        utf8proc_int32_t c = 0;
        k = utf8_len(s + at, n - at);
        k = k ? k : 1;
        utf8proc_iterate((const utf8proc_uint8_t *)s + at, (utf8proc_ssize_t)k, &c);
        if (how->unicode && is_punctuation(c))
            continue;
        if (how->han && c >= 0x4e00 && c <= 0x9fa5)
            strbuf_addf(out, " %.*s ", (int)k, s + at);
        else
            strbuf_add(out, s + at, k);
    }
}

static int is_article(const struct spelling *how, const char *s, size_t n)
{
    for (const char *a = how->articles; a && *++a;) {
        size_t k = strcspn(a, " ");
        if (k == n && memcmp(a, s, n) == 0)
            return 1;
        a += k;
    }
    return 0;
}

/* A blank for every article: a whole run of word characters. */
static void drop_articles(struct strbuf *out, const struct spelling *how, const char *s, size_t n)
{
    for (size_t i = 0, k; i < n; i += k) {
        k = py_word_characters(s + i, n - i);
        if (k && is_article(how, s + i, k)) {
            strbuf_addc(out, ' ');
            continue;
        }
        k = k ? k : 1;
        strbuf_add(out, s + i, k);
    }
}

static void spell(struct strbuf *out, const void *spelling, const char *s)
{
    const struct spelling *how = spelling;
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;

    py_lower(&a, s, strlen(s));
    py_drop_punctuation(&b, strbuf_str(&a), a.len);
    strbuf_clear(&a);
    drop(&a, how, strbuf_str(&b), b.len);
    strbuf_clear(&b);
    if (how->piece)
        py_replace(&b, strbuf_str(&a), a.len, how->piece, " ");
    else
        strbuf_add(&b, strbuf_str(&a), a.len);
    drop_articles(out, how, strbuf_str(&b), b.len);
    out->failed |= a.failed | b.failed;
    strbuf_release(&a);
    strbuf_release(&b);
}

/* --- words -------------------------------------------------------------------------------- */

static int same(const struct likeness *l, const char *answer, const char *reference, double *out,
                struct err *e)
{
    struct symbols x = {0}, y = {0};
    int rc = words_of_two(spell, l->spelling, answer, reference, &x, &y, e);

    if (rc == 0)
        *out = x.n == y.n && (x.n == 0 || memcmp(x.v, y.v, x.n * sizeof *x.v) == 0);
    mem_free(x.v);
    mem_free(y.v);
    return rc;
}

/* order 1: where one of the two has no words left, 1 when neither has any. */
static int f1(const struct likeness *l, const char *answer, const char *reference, double *out,
              struct err *e)
{
    struct symbols x = {0}, y = {0};
    long hits[1] = {0};
    int rc = words_of_two(spell, l->spelling, answer, reference, &x, &y, e);

    if (rc == 0)
        rc = words_common_runs(&x, &y, 1, hits, e);
    if (rc == 0 && l->order && (x.n == 0 || y.n == 0)) {
        *out = x.n == y.n;
    } else if (rc == 0) {
        double precision = x.n ? (double)hits[0] / (double)x.n : 0;
        double recall = y.n ? (double)hits[0] / (double)y.n : 0;
        *out = hits[0] ? 2 * precision * recall / (precision + recall) : 0;
    }
    mem_free(x.v);
    mem_free(y.v);
    return rc;
}

static int rouge_order(const struct likeness *l, const char *answer, const char *reference,
                       double *out, struct err *e)
{
    return rouge_n(answer, reference, l->order, out, e);
}

static int rouge_longest(const struct likeness *l, const char *answer, const char *reference,
                         double *out, struct err *e)
{
    (void)l;
    return rouge_l(answer, reference, out, e);
}

static int rouge_lines(const struct likeness *l, const char *answer, const char *reference,
                       double *out, struct err *e)
{
    (void)l;
    return rouge_lsum(answer, reference, out, e);
}

static int bleu_alone(const struct likeness *l, const char *answer, const char *reference,
                      double *out, struct err *e)
{
    const struct overlap *o = overlap_find(l->name);
    double value, weight;
    int rc = o->count(answer, reference, &value, &weight, e);

    if (rc == 0)
        *out = o->score(&value, &weight, NULL, 1);
    return rc;
}

/* \w+ of small letters, cut at every _ as the NIST words are, and single characters. */
static int pieces(struct words *w, const char *s, size_t n, struct err *e)
{
    for (size_t i = 0, k; i < n; i += k) {
        struct span rest = py_lstrip(s + i, n - i);
        if (rest.n == 0)
            return 0;
        i = (size_t)(rest.s - s);
        for (k = 0; k < n - i && s[i + k] != '_'; k += utf8_len(s + i + k, n - i - k))
            if (!py_word_characters(s + i + k, utf8_len(s + i + k, n - i - k)))
                break;
        k = k ? k : utf8_len(s + i, n - i);
        k = k ? k : 1;
        if (mem_grow(&w->v, &w->cap, w->n + 1, sizeof *w->v) < 0)
            return err_nomem(e);
        w->v[w->n++] = (struct span){s + i, k};
    }
    return 0;
}

/* Runs beyond single words counted once more on either side (Lin and Och 2004); a brevity that
 * counts one word more in both. */
static double smoothed(const long *hits, size_t n, size_t wanted)
{
    double sum = 0, brevity = 1 - ((double)wanted + 1) / ((double)n + 1);

    for (int order = 0; order < 4; order++) {
        double more = order > 0, runs = n > (size_t)order ? (double)(n - (size_t)order) : 0;
        sum += log((double)hits[order] + more + DBL_MIN) - log(runs + more + DBL_MIN);
    }
    return 100 * exp(sum / 4 + (brevity < 0 ? brevity : 0));
}

static int bleu_smoothed(const struct likeness *l, const char *answer, const char *reference,
                         double *out, struct err *e)
{
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    struct words v = {0}, w = {0};
    struct symbols x = {0}, y = {0};
    long hits[4];
    int rc = -1;

    (void)l;
    py_lower(&a, answer, strlen(answer));
    py_lower(&b, reference, strlen(reference));
    if (strbuf_ok(&a, e) == 0 && strbuf_ok(&b, e) == 0 &&
        pieces(&v, strbuf_str(&a), a.len, e) == 0 && pieces(&w, strbuf_str(&b), b.len, e) == 0 &&
        words_number(&v, &w, &x, &y, e) == 0)
        rc = words_common_runs(&x, &y, 4, hits, e);
    if (rc == 0)
        *out = smoothed(hits, x.n, y.n);
    mem_free(v.v);
    mem_free(w.v);
    mem_free(x.v);
    mem_free(y.v);
    strbuf_release(&a);
    strbuf_release(&b);
    return rc;
}

static const struct likeness rows[] = {
    {"rouge1", rouge_order, NULL, 1},
    {"rouge2", rouge_order, NULL, 2},
    {"rougeL", rouge_longest, NULL, 0},
    {"rougeLsum", rouge_lines, NULL, 0},
    {"bleu_intl", bleu_alone, NULL, 0},
    {"smoothed_bleu_4", bleu_smoothed, NULL, 0},
    {"squad_em", same, &english, 0},
    {"squad_f1", f1, &english, 1},
    {"words_f1", f1, &english, 0},
    {"fquad_em", same, &french, 0},
    {"fquad_f1", f1, &french, 1},
    {"mlqa_em_en", same, &mlqa[0], 0},
    {"mlqa_f1_en", f1, &mlqa[0], 0},
    {"mlqa_em_es", same, &mlqa[1], 0},
    {"mlqa_f1_es", f1, &mlqa[1], 0},
    {"mlqa_em_hi", same, &mlqa[2], 0},
    {"mlqa_f1_hi", f1, &mlqa[2], 0},
    {"mlqa_em_vi", same, &mlqa[3], 0},
    {"mlqa_f1_vi", f1, &mlqa[3], 0},
    {"mlqa_em_de", same, &mlqa[4], 0},
    {"mlqa_f1_de", f1, &mlqa[4], 0},
    {"mlqa_em_ar", same, &mlqa[5], 0},
    {"mlqa_f1_ar", f1, &mlqa[5], 0},
    {"mlqa_em_zh", same, &mlqa[6], 0},
    {"mlqa_f1_zh", f1, &mlqa[6], 0},
};

const struct likeness *likeness_find(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}
