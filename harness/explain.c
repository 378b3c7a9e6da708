#include "harness/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/utf8.h"

enum { BINS = 10, GRAM = 4, REPEAT_MIN = 20 };

/* --- texts -------------------------------------------------------------------------------- */

/* The code point at s; -1 for a byte that begins none.  *len >= 1. */
static int decode(const char *s, size_t n, size_t *len)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t k =
        utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, &c);

    *len = k > 0 ? (size_t)k : 1;
    return k > 0 ? c : -1;
}

static int is_cjk(int c)
{
    return (c >= 0x3040 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x9fff) ||
           (c >= 0xac00 && c <= 0xd7af) || (c >= 0x20000 && c <= 0x3ffff);
}

static int is_letter(int c)
{
    utf8proc_category_t k = c < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(c);

    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

enum script text_script(const char *text)
{
    size_t n = strlen(text), len;
    int latin = 0, cjk = 0, other = 0;

    for (size_t i = 0; i < n; i += len) {
        int c = decode(text + i, n - i, &len);
        if (!is_letter(c))
            continue;
        latin += c < 0x250;
        cjk += is_cjk(c);
        other += c >= 0x250 && !is_cjk(c);
    }
    if (latin + cjk + other < 3)
        return SCRIPT_NONE;
    if (cjk >= latin && cjk >= other)
        return SCRIPT_CJK;
    return latin >= other ? SCRIPT_LATIN : SCRIPT_OTHER;
}

struct unit { /* a word, or a character of CJK */
    const char *s;
    size_t n;
};

/* The units of a text into out[0..most); how many. */
static size_t units_of(const char *text, struct unit *out, size_t most)
{
    size_t n = strlen(text), len, k = 0;
    int in_word = 0;

    for (size_t i = 0; i < n; i += len) {
        int c = decode(text + i, n - i, &len);
        int space = c >= 0 && c < 128 && strchr(" \t\r\n", c) != NULL;
        if (is_cjk(c) || (!space && !in_word)) {
            if (k == most)
                break;
            out[k++] = (struct unit){text + i, len};
        } else if (in_word && !space) {
            out[k - 1].n += len;
        }
        in_word = !space && !is_cjk(c);
    }
    return k;
}

static int compare_grams(const void *a, const void *b)
{
    const struct unit *x = *(const struct unit *const *)a, *y = *(const struct unit *const *)b;

    for (int i = 0; i < GRAM; i++) {
        size_t least = x[i].n < y[i].n ? x[i].n : y[i].n;
        int order = memcmp(x[i].s, y[i].s, least);
        if (order == 0 && x[i].n != y[i].n)
            order = x[i].n < y[i].n ? -1 : 1;
        if (order)
            return order;
    }
    return 0;
}

int text_repeats(const char *text)
{
    enum { MOST = 2000 };
    struct unit units[MOST];
    const struct unit *grams[MOST];
    size_t n = units_of(text, units, MOST), k, again = 0;

    if (n < REPEAT_MIN)
        return 0;
    k = n - GRAM + 1;
    for (size_t i = 0; i < k; i++)
        grams[i] = &units[i];
    qsort(grams, k, sizeof *grams, compare_grams);
    for (size_t i = 1; i < k; i++)
        again += compare_grams(&grams[i - 1], &grams[i]) == 0;
    return again * 2 > k;
}

/* --- choices ------------------------------------------------------------------------------ */

struct sums {
    double *confidence, *right;
    size_t n, cap_c, cap_r;
};

/* How many of the requests are options: where their lead over the options alone is measured, those
 * are asked after them. */
static int n_options(const struct store_item *it)
{
    for (int i = 0; i < it->n_metrics; i++)
        if (strcmp(it->metrics[i].metric, "acc_mutual_info") == 0)
            return it->n_requests / 2;
    return it->n_requests;
}

static int add_choice(struct explained *x, struct sums *s, const struct store_item *it,
                      struct err *e)
{
    int best = 0, n = n_options(it), place;
    double all = 0;

    for (int i = 1; i < n; i++)
        if (it->requests[i].loglikelihood > it->requests[best].loglikelihood)
            best = i;
    for (int i = 0; i < n; i++)
        all += exp(it->requests[i].loglikelihood - it->requests[best].loglikelihood);
    if (!(all >= 1)) /* a likelihood that is not known */
        return 0;
    if (mem_grow(&s->confidence, &s->cap_c, s->n + 1, sizeof *s->confidence) < 0 ||
        mem_grow(&s->right, &s->cap_r, s->n + 1, sizeof *s->right) < 0)
        return err_nomem(e);
    s->confidence[s->n] = 1 / all;
    s->right[s->n++] = best == it->gold_index;
    place = best < EXPLAIN_PLACES ? best : EXPLAIN_PLACES - 1;
    x->chosen[place]++;
    x->right[it->gold_index < EXPLAIN_PLACES ? it->gold_index : EXPLAIN_PLACES - 1]++;
    if (n > x->n_places)
        x->n_places = n < EXPLAIN_PLACES ? n : EXPLAIN_PLACES;
    return 0;
}

struct sure {
    double confidence, right;
};

static int by_confidence(const void *a, const void *b)
{
    const struct sure *x = a, *y = b;

    return (x->confidence < y->confidence) - (x->confidence > y->confidence);
}

/* Accuracy of the half (rounded up) with the highest confidence. */
static int surer_half(const struct sums *s, double *out, struct err *e)
{
    struct sure *v = mem_calloc(s->n, sizeof *v);
    size_t half = (s->n + 1) / 2;

    if (!v)
        return err_nomem(e);
    for (size_t i = 0; i < s->n; i++)
        v[i] = (struct sure){s->confidence[i], s->right[i]};
    qsort(v, s->n, sizeof *v, by_confidence);
    *out = 0;
    for (size_t i = 0; i < half; i++)
        *out += v[i].right / (double)half;
    mem_free(v);
    return 0;
}

static int finish_choices(struct explained *x, const struct sums *s, struct err *e)
{
    x->n_choice = (int)s->n;
    if (s->n == 0)
        return 0;
    for (size_t i = 0; i < s->n; i++) {
        x->accuracy += s->right[i] / (double)s->n;
        x->confidence += s->confidence[i] / (double)s->n;
    }
    for (int p = 0; p < x->n_places; p++) {
        x->chosen[p] /= (double)s->n;
        x->right[p] /= (double)s->n;
    }
    if (stats_calibration(s->confidence, s->right, s->n, BINS, &x->calibration, e) < 0)
        return -1;
    return surer_half(s, &x->surer_half, e);
}

/* --- generated texts ---------------------------------------------------------------------- */

/* The row of a label, a new one when there is room; -1: too many or too long. */
static int label_row(struct explained *x, const char *label, int may_add)
{
    for (int i = 0; i < x->n_labels; i++)
        if (strcmp(x->labels[i], label) == 0)
            return i;
    if (!may_add || x->n_labels == EXPLAIN_LABELS || strlen(label) >= sizeof x->labels[0])
        return -1;
    strcpy(x->labels[x->n_labels], label);
    return x->n_labels++;
}

static void add_text(struct explained *x, const struct store_item *it)
{
    enum script want = it->gold && *it->gold != '{' && *it->gold != '[' ? text_script(it->gold)
                                                                      : SCRIPT_NONE;
    enum script got = text_script(it->output);

    x->n_text++;
    x->empty += it->output[strspn(it->output, " \t\r\n")] == 0;
    x->repeating += text_repeats(it->output);
    if (want != SCRIPT_NONE && got != SCRIPT_NONE) {
        x->n_script++;
        x->drifting += want != got;
    }
}

static void finish_texts(struct explained *x)
{
    if (x->n_text) {
        x->empty /= x->n_text;
        x->repeating /= x->n_text;
    }
    if (x->n_script)
        x->drifting /= x->n_script;
}

/* --- the task ----------------------------------------------------------------------------- */

/* Labels are told apart from other answers by being few: a third of the items at most. */
static int read_labels(struct store *s, const char *run_id, const char *task, struct explained *x,
                       struct err *e)
{
    struct item_filter f = {.task = task};
    struct item_iter *it = NULL;
    struct store_item row;
    int rc = query_items(s, run_id, &f, &it, e), n = 0, many = 0;

    while (rc == 0 && (rc = item_iter_next(it, &row, e)) > 0) {
        many |= !row.output || !row.gold || label_row(x, row.gold, 1) < 0;
        n++;
        rc = 0;
    }
    item_iter_close(it);
    if (many || x->n_labels < 2 || x->n_labels * 3 > n)
        x->n_labels = 0;
    return rc;
}

int explain_task(struct store *s, const char *run_id, const char *task, struct explained *out,
                 struct err *e)
{
    struct item_filter f = {.task = task};
    struct item_iter *it = NULL;
    struct store_item row;
    struct sums sums = {0};
    int rc;

    *out = (struct explained){0};
    if (read_labels(s, run_id, task, out, e) < 0)
        return -1;
    rc = query_items(s, run_id, &f, &it, e);
    while (rc == 0 && (rc = item_iter_next(it, &row, e)) > 0) {
        rc = 0;
        /* the queries of a fact are phrasings and aliases, not options */
        if (!row.output && row.gold_index >= 0 && row.n_requests > 1 &&
            row.gold_index < row.n_requests && strcmp(task, "facts") != 0)
            rc = add_choice(out, &sums, &row, e);
        if (row.output)
            add_text(out, &row);
        if (row.output && out->n_labels) {
            int g = label_row(out, row.gold, 0);
            int p = row.prediction ? label_row(out, row.prediction, 0) : -1;
            out->confusion[g][p < 0 ? out->n_labels : p]++;
        }
    }
    item_iter_close(it);
    finish_texts(out);
    if (rc == 0)
        rc = finish_choices(out, &sums, e);
    mem_free(sums.confidence);
    mem_free(sums.right);
    return rc;
}
