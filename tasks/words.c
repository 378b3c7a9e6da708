#include "tasks/words.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int symbols_push(struct symbols *s, uint64_t v)
{
    if (mem_grow(&s->v, &s->cap, s->n + 1, sizeof *s->v) < 0)
        return -1;
    s->v[s->n++] = v;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* How many entries two sorted sequences have in common, as multisets. */
long words_common(const uint64_t *a, size_t n, const uint64_t *b, size_t m)
{
    size_t i = 0, k = 0;
    long same = 0;

    while (i < n && k < m) {
        if (a[i] == b[k]) {
            same++, i++, k++;
        } else if (a[i] < b[k]) {
            i++;
        } else {
            k++;
        }
    }
    return same;
}

static size_t place_of(const uint64_t *sorted, size_t n, uint64_t v)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (sorted[mid] < v)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Runs of 1 to `orders` symbols that both have, as multisets: matches[order - 1].  A run is known
 * by the place that its beginning has among all sorted runs, and its last symbol. */
int words_common_runs(const struct symbols *a, const struct symbols *b, int orders, long *matches,
                      struct err *e)
{
    size_t n = a->n + b->n;
    uint64_t *all = mem_calloc(4 * n + 4, sizeof *all);
    uint64_t *runs = all ? all + n + 1 : NULL, *first = all ? runs + n + 1 : NULL;
    uint64_t *sorted = all ? first + n + 1 : NULL;

    if (!all)
        return err_nomem(e);
    memset(matches, 0, (size_t)orders * sizeof *matches);
    for (size_t i = 0; i < n; i++)
        runs[i] = first[i] = i < a->n ? a->v[i] : b->v[i - a->n];
    for (int order = 1; order <= orders; order++) {
        size_t m = a->n + 1 > (size_t)order ? a->n + 1 - (size_t)order : 0;
        size_t k = b->n + 1 > (size_t)order ? b->n + 1 - (size_t)order : 0;
        uint64_t *x = sorted, *y = sorted + m;
        for (size_t i = 0; i < m; i++)
            x[i] = runs[i];
        for (size_t i = 0; i < k; i++)
            y[i] = runs[a->n + i];
        qsort(x, m, sizeof *x, compare);
        qsort(y, k, sizeof *y, compare);
        matches[order - 1] = words_common(x, m, y, k);
        memcpy(all, sorted, (m + k) * sizeof *all);
        qsort(all, m + k, sizeof *all, compare);
        for (size_t i = 0; i < a->n + k; i++) { /* the next order's, where there is one */
            size_t end = i < a->n ? a->n : n;
            if (i < m || i >= a->n)
                runs[i] = (uint64_t)place_of(all, m + k, runs[i]) << 32 |
                          (i + (size_t)order < end ? first[i + (size_t)order] : 0);
        }
    }
    mem_free(all);
    return 0;
}

int words_split(struct words *w, const char *s, size_t n, struct err *e)
{
    const char *end = s + n;

    for (;;) {
        struct span rest = py_lstrip(s, (size_t)(end - s));
        size_t k = py_word(rest.s, rest.n);
        if (k == 0)
            return 0;
        if (mem_grow(&w->v, &w->cap, w->n + 1, sizeof *w->v) < 0)
            return err_nomem(e);
        w->v[w->n++] = (struct span){rest.s, k};
        s = rest.s + k;
    }
}

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    int c = memcmp(x->s, y->s, x->n < y->n ? x->n : y->n);

    return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* Words as numbers: equal words get equal ones. */
int words_number(const struct words *a, const struct words *b, struct symbols *x,
                        struct symbols *y, struct err *e)
{
    size_t n = a->n + b->n;
    struct span *sorted = mem_calloc(n + 1, sizeof *sorted);
    int rc = sorted ? 0 : err_nomem(e);

    for (size_t i = 0; i < n && rc == 0; i++)
        sorted[i] = i < a->n ? a->v[i] : b->v[i - a->n];
    if (rc == 0)
        qsort(sorted, n, sizeof *sorted, compare_spans);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct span *w = i < a->n ? &a->v[i] : &b->v[i - a->n];
        size_t low = 0, high = n;
        while (low < high) {
            size_t mid = low + (high - low) / 2;
            if (compare_spans(&sorted[mid], w) < 0)
                low = mid + 1;
            else
                high = mid;
        }
        if (symbols_push(i < a->n ? x : y, low) < 0)
            rc = err_nomem(e);
    }
    mem_free(sorted);
    return rc;
}

int words_of_two(words_spelling *spell, const void *how, const char *a, const char *b,
                 struct symbols *x, struct symbols *y, struct err *e)
{
    struct strbuf s = STRBUF_INIT, t = STRBUF_INIT;
    struct words v = {0}, w = {0};
    int rc = -1;

    spell(&s, how, a);
    spell(&t, how, b);
    if (strbuf_ok(&s, e) == 0 && strbuf_ok(&t, e) == 0 &&
        words_split(&v, strbuf_str(&s), s.len, e) == 0 &&
        words_split(&w, strbuf_str(&t), t.len, e) == 0)
        rc = words_number(&v, &w, x, y, e);
    mem_free(v.v);
    mem_free(w.v);
    strbuf_release(&s);
    strbuf_release(&t);
    return rc;
}
