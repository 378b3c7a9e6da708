#include "tasks/rouge.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "tasks/words.h"

enum { WORDS = 1 << 16, CELLS = 1 << 28 };

/* Appends small letters and digits of ASCII and ends of lines, a blank for anything else. */
static void plain(struct strbuf *out, const char *s)
{
    struct strbuf low = STRBUF_INIT;

    py_lower(&low, s, strlen(s));
    for (size_t i = 0; i < low.len; i++) {
        char c = low.s[i];
        int stays = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\n';
        strbuf_addc(out, stays ? c : ' ');
    }
    out->failed |= low.failed;
    strbuf_release(&low);
}

struct both { /* two texts as numbered words, and where their lines end */
    struct strbuf text[2];
    struct words words[2];
    struct symbols v[2];
    struct symbols ends[2]; /* words before the end of each line that is not empty */
};

static void both_release(struct both *b)
{
    for (int i = 0; i < 2; i++) {
        strbuf_release(&b->text[i]);
        mem_free(b->words[i].v);
        mem_free(b->v[i].v);
        mem_free(b->ends[i].v);
    }
}

static int read_lines(struct both *b, int i, struct err *e)
{
    const char *s = strbuf_str(&b->text[i]);

    while (*s) {
        size_t k = strcspn(s, "\n");
        if (words_split(&b->words[i], s, k, e) < 0)
            return -1;
        if (k && symbols_push(&b->ends[i], b->words[i].n) < 0)
            return err_nomem(e);
        s += k + (s[k] == '\n');
    }
    return 0;
}

static int both_read(struct both *b, const char *answer, const char *reference, struct err *e)
{
    *b = (struct both){.text = {STRBUF_INIT, STRBUF_INIT}};
    plain(&b->text[0], answer);
    plain(&b->text[1], reference);
    for (int i = 0; i < 2; i++) {
        if (strbuf_ok(&b->text[i], e) < 0 || read_lines(b, i, e) < 0)
            return -1;
        if (b->words[i].n > WORDS)
            return err_set(e, ERR_UNSUPPORTED, "ROUGE counts up to %d words, and there are %zu",
                           WORDS, b->words[i].n);
    }
    return words_number(&b->words[0], &b->words[1], &b->v[0], &b->v[1], e);
}

static double f_of(double hits, double answer, double reference)
{
    double precision = hits / (answer > 0 ? answer : 1);
    double recall = hits / (reference > 0 ? reference : 1);

    return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

int rouge_n(const char *answer, const char *reference, int order, double *out, struct err *e)
{
    struct both b;
    long hits[ROUGE_ORDERS] = {0};
    double n[2];
    int rc = both_read(&b, answer, reference, e);

    if (rc == 0)
        rc = words_common_runs(&b.v[0], &b.v[1], order, hits, e);
    for (int i = 0; i < 2; i++)
        n[i] = b.v[i].n >= (size_t)order ? (double)(b.v[i].n - (size_t)order + 1) : 0;
    if (rc == 0)
        *out = f_of((double)hits[order - 1], n[0], n[1]);
    both_release(&b);
    return rc;
}

/* Two rows of the table, as only the last cell is asked for. */
static int longest(const struct symbols *a, const struct symbols *b, double *out, struct err *e)
{
    uint32_t *row = mem_calloc(b->n + 1, sizeof *row);

    if (!row)
        return err_nomem(e);
    for (size_t i = 0; i < a->n; i++) {
        uint32_t corner = 0;
        for (size_t k = 0; k < b->n; k++) {
            uint32_t above = row[k + 1];
            row[k + 1] = a->v[i] == b->v[k] ? corner + 1 : above > row[k] ? above : row[k];
            corner = above;
        }
    }
    *out = row[b->n];
    mem_free(row);
    return 0;
}

int rouge_l(const char *answer, const char *reference, double *out, struct err *e)
{
    struct both b;
    double hits = 0;
    int rc = both_read(&b, answer, reference, e);

    if (rc == 0)
        rc = longest(&b.v[1], &b.v[0], &hits, e);
    if (rc == 0)
        *out = f_of(hits, (double)b.v[0].n, (double)b.v[1].n);
    both_release(&b);
    return rc;
}

/* Marks in taken[n] the words of ref that one longest common subsequence has; of several the one
 * that rouge_score walks back along. */
static int mark_line(const uint64_t *ref, size_t n, const uint64_t *can, size_t m,
                     unsigned char *taken, struct err *e)
{
    uint32_t *t;
    size_t i = n, k = m, w = m + 1;

    if (n == 0 || m == 0)
        return 0;
    if (n + 1 > CELLS / w)
        return err_set(e, ERR_UNSUPPORTED, "ROUGE-Lsum of lines of %zu and %zu words", n, m);
    t = mem_calloc((n + 1) * w, sizeof *t);
    if (!t)
        return err_nomem(e);
    for (size_t r = 1; r <= n; r++)
        for (size_t c = 1; c <= m; c++) {
            uint32_t up = t[(r - 1) * w + c], left = t[r * w + c - 1];
            t[r * w + c] = ref[r - 1] == can[c - 1] ? t[(r - 1) * w + c - 1] + 1
                           : up > left              ? up
                                                    : left;
        }
    while (i > 0 && k > 0) {
        if (ref[i - 1] == can[k - 1]) {
            taken[--i] = 1;
            k--;
        } else if (t[i * w + k - 1] > t[(i - 1) * w + k]) {
            k--;
        } else {
            i--;
        }
    }
    mem_free(t);
    return 0;
}

/* How often each word may still be hit, in either text: no word is counted twice. */
static int count_hits(const struct both *b, const unsigned char *taken, double *hits,
                      struct err *e)
{
    size_t numbers = b->v[0].n + b->v[1].n + 1;
    uint32_t *left = mem_calloc(2 * numbers, sizeof *left);

    if (!left)
        return err_nomem(e);
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < b->v[i].n; k++)
            left[(size_t)i * numbers + b->v[i].v[k]]++;
    for (size_t k = 0; k < b->v[1].n; k++) {
        uint32_t *of = &left[b->v[1].v[k]];
        if (taken[k] && of[0] && of[numbers]) {
            ++*hits;
            of[0]--, of[numbers]--;
        }
    }
    mem_free(left);
    return 0;
}

/* Lines of the reference are apart in `taken`, as they are in its words. */
static int mark_all(const struct both *b, unsigned char *taken, struct err *e)
{
    size_t from = 0, start;

    for (size_t r = 0; r < b->ends[1].n; from = b->ends[1].v[r++]) {
        start = 0;
        for (size_t c = 0; c < b->ends[0].n; start = b->ends[0].v[c++])
            if (mark_line(b->v[1].v + from, b->ends[1].v[r] - from, b->v[0].v + start,
                          b->ends[0].v[c] - start, taken + from, e) < 0)
                return -1;
    }
    return 0;
}

int rouge_lsum(const char *answer, const char *reference, double *out, struct err *e)
{
    struct both b;
    unsigned char *taken = NULL;
    double hits = 0;
    int rc = both_read(&b, answer, reference, e);

    *out = 0;
    if (rc == 0 && b.v[0].n && b.v[1].n) {
        taken = mem_calloc(b.v[1].n, 1);
        rc = taken ? mark_all(&b, taken, e) : err_nomem(e);
        if (rc == 0)
            rc = count_hits(&b, taken, &hits, e);
        if (rc == 0)
            *out = f_of(hits, (double)b.v[0].n, (double)b.v[1].n);
    }
    mem_free(taken);
    both_release(&b);
    return rc;
}
