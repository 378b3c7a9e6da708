#include "tasks/overlap_span.h"

#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "tasks/words.h"

enum { PAIRS = 1 << 20 };

/* A blank for a run of punctuation; the backslash is none to the original's pattern. */
static void blank_punctuation(struct strbuf *out, const char *s, size_t n)
{
    static const char marks[] = "!\"#$%&'()*+,-./:;<=>?[]^_`{|}~@", bullet[] = "\xe2\x80\xa2";
    int before = 0;

    for (size_t i = 0, k; i < n; i += k) {
        int is_bullet = n - i >= 3 && memcmp(s + i, bullet, 3) == 0;
        int mark = is_bullet || (s[i] && strchr(marks, s[i]));
        k = is_bullet ? 3 : 1;
        if (!mark)
            strbuf_addc(out, s[i]);
        else if (!before)
            strbuf_addc(out, ' ');
        before = mark;
    }
}

static void blank_articles(struct strbuf *out, const char *s, size_t n)
{
    for (size_t i = 0, k; i < n; i += k) {
        k = py_word_characters(s + i, n - i);
        if ((k == 1 && s[i] == 'a') || (k == 2 && memcmp(s + i, "an", 2) == 0) ||
            (k == 3 && memcmp(s + i, "the", 3) == 0)) {
            strbuf_addc(out, ' ');
            continue;
        }
        k = k ? k : 1;
        strbuf_add(out, s + i, k);
    }
}

/* White space of three and more characters goes, and every tab; what is left becomes one blank. */
static void close_gaps(struct strbuf *out, const char *s, size_t n)
{
    struct strbuf kept = STRBUF_INIT;

    for (size_t i = 0, k; i < n; i += k) {
        struct span rest = py_lstrip(s + i, n - i);
        size_t gap = rest.n ? (size_t)(rest.s - s) - i : n - i, count = 0;
        for (size_t at = 0; at < gap; at++)
            count += ((unsigned char)s[i + at] & 0xc0) != 0x80;
        k = gap ? gap : py_word(s + i, n - i);
        k = k ? k : 1;
        for (size_t at = 0; at < k && (!gap || count < 3); at++)
            if (s[i + at] != '\t')
                strbuf_addc(&kept, s[i + at]);
    }
    for (size_t i = 0, k; i < kept.len; i += k) {
        struct span rest = py_lstrip(kept.s + i, kept.len - i);
        size_t gap = rest.n ? (size_t)(rest.s - kept.s) - i : kept.len - i;
        k = gap ? gap : py_word(kept.s + i, kept.len - i);
        k = k ? k : 1;
        if (gap)
            strbuf_addc(out, ' ');
        else
            strbuf_add(out, kept.s + i, k);
    }
    out->failed |= kept.failed;
    strbuf_release(&kept);
}

static void normalize(struct strbuf *out, struct span text)
{
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;

    blank_punctuation(&a, text.s, text.n);
    blank_articles(&b, strbuf_str(&a), a.len);
    strbuf_clear(&a);
    close_gaps(&a, strbuf_str(&b), b.len);
    py_lower(out, strbuf_str(&a), a.len);
    out->failed |= a.failed | b.failed;
    strbuf_release(&a);
    strbuf_release(&b);
}

/* The text before the next `mark`; moves *s behind it, and to the end where there is none. */
static struct span cut(struct span *s, const char *mark)
{
    size_t k = strlen(mark);
    struct span part = *s;

    for (size_t i = 0; i + k <= s->n; i++)
        if (memcmp(s->s + i, mark, k) == 0) {
            part.n = i;
            *s = (struct span){s->s + i + k, s->n - i - k};
            return part;
        }
    *s = (struct span){s->s + s->n, 0};
    s->s = NULL;
    return part;
}

/* One piece that says "tag: entity", and nothing more, is a line of out. */
static void add_pair(struct strbuf *out, struct span piece)
{
    struct span rest = py_strip(piece.s, piece.n), tag, entity;

    tag = cut(&rest, ": ");
    if (!rest.s)
        return;
    entity = cut(&rest, ": ");
    if (rest.s)
        return;
    tag = py_strip(tag.s, tag.n);
    entity = py_strip(entity.s, entity.n);
    normalize(out, tag);
    strbuf_addc(out, '\x1f');
    normalize(out, entity);
    strbuf_addc(out, '\n');
}

/* A line for each pair. */
static void read_pairs(struct strbuf *out, const char *text)
{
    struct span all = py_strip(text, strlen(text));

    while (all.s) {
        struct span part = cut(&all, "$"), strip = py_strip(part.s, part.n);
        while (strip.s && part.n) {
            struct span sentence = cut(&strip, ". ");
            while (sentence.s)
                add_pair(out, cut(&sentence, ", "));
        }
    }
}

static int lines(struct words *w, const struct strbuf *b, struct err *e)
{
    for (const char *s = strbuf_str(b); *s; s++) {
        size_t k = strcspn(s, "\n");
        if (mem_grow(&w->v, &w->cap, w->n + 1, sizeof *w->v) < 0)
            return err_nomem(e);
        w->v[w->n++] = (struct span){s, k};
        s += k;
    }
    return w->n < PAIRS ? 0
                        : err_set(e, ERR_UNSUPPORTED, "F1 of spans counts up to %d of them, and "
                                  "there are %zu", PAIRS - 1, w->n);
}

int span_count(const char *answer, const char *reference, double *value, double *weight,
               struct err *e)
{
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    struct words v = {0}, w = {0};
    struct symbols x = {0}, y = {0};
    long hits[1];
    int rc = -1;

    read_pairs(&a, answer);
    read_pairs(&b, reference);
    if (strbuf_ok(&a, e) == 0 && strbuf_ok(&b, e) == 0 && lines(&v, &a, e) == 0 &&
        lines(&w, &b, e) == 0 && words_number(&v, &w, &x, &y, e) == 0)
        rc = words_common_runs(&x, &y, 1, hits, e);
    if (rc == 0) {
        *value = (double)hits[0];
        *weight = (double)(x.n * PAIRS + y.n);
    }
    mem_free(v.v);
    mem_free(w.v);
    mem_free(x.v);
    mem_free(y.v);
    strbuf_release(&a);
    strbuf_release(&b);
    return rc;
}

double span_score(const double *values, const double *weights, const size_t *index, size_t n)
{
    const double tiny = 1e-13; /* the original's, against divisions by zero */
    double hits = 0, found = 0, wanted = 0, precision, recall;

    for (size_t i = 0; i < n; i++) {
        size_t k = index ? index[i] : i;
        double pairs = (double)(long)(weights[k] / PAIRS);
        hits += values[k];
        found += pairs;
        wanted += weights[k] - pairs * PAIRS;
    }
    precision = hits / (found + tiny);
    recall = hits / (wanted + tiny);
    return 2 * (precision * recall / (precision + recall + tiny));
}
