#include "tasks/overlap_ter.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

enum {
    SHIFT_LENGTH = 10, SHIFT_DISTANCE = 50, BEAM = 25, CANDIDATES = 1000, /* Tercom's */
    CELLS = 1 << 24, /* of the table: texts of some 4,000 words each */
};
enum op { OP_NONE, OP_SAME, OP_REPLACE, OP_INSERT, OP_DELETE };

struct cell {
    int32_t cost;
    uint8_t op;
};

struct ter {
    const uint64_t *ref;
    size_t n, m; /* words of the answer and of the reference */
    uint64_t *words, *shifted, *best; /* [n] the answer as it is now, one tried, the best one */
    struct cell *cells;               /* [n + 1][m + 1] */
    /* The alignment: where in the answer a reference word went, and which words are wrong. */
    long *align;
    unsigned char *ref_wrong, *answer_wrong;
    int tried;
};

static struct cell *row(const struct ter *t, size_t i)
{
    return t->cells + i * (t->m + 1);
}

/* The cheapest of three ways into a cell; of equals the first. */
static void fill_cell(const struct ter *t, const uint64_t *words, size_t i, size_t j)
{
    static const enum op ops[] = {OP_SAME, OP_DELETE, OP_INSERT};
    struct cell *above = row(t, i - 1), *here = row(t, i);
    int same = j && words[i - 1] == t->ref[j - 1];

    if (j == 0) {
        here[0] = (struct cell){above[0].cost + 1, OP_DELETE};
        return;
    }
    const int32_t costs[] = {above[j - 1].cost + !same, above[j].cost + 1, here[j - 1].cost + 1};
    for (int k = 0; k < 3; k++)
        if (here[j].cost > costs[k])
            here[j] = (struct cell){costs[k], (uint8_t)(k == 0 && !same ? OP_REPLACE : ops[k])};
}

static int32_t distance(const struct ter *t, const uint64_t *words)
{
    const int32_t far = 1 << 29;
    double ratio = t->n ? (double)t->m / (double)t->n : 1;
    double beam = BEAM < ratio / 2 ? ceil(ratio / 2 + BEAM) : BEAM;

    for (size_t j = 0; j <= t->m; j++)
        row(t, 0)[j] = (struct cell){(int32_t)j, OP_INSERT};
    for (size_t i = 1; i <= t->n; i++) {
        double diagonal = floor((double)i * ratio);
        double low = diagonal - beam, high = diagonal + beam;
        size_t from = low > 0 ? (size_t)low : 0;
        size_t to = i == t->n || high > (double)(t->m + 1) ? t->m + 1 : (size_t)high;
        for (size_t j = 0; j <= t->m; j++)
            row(t, i)[j] = (struct cell){far, OP_NONE};
        for (size_t j = from; j < to; j++)
            fill_cell(t, words, i, j);
    }
    return row(t, t->n)[t->m].cost;
}

/* Reads the table backwards; -1 where the beam has left no way. */
static int read_alignment(struct ter *t)
{
    size_t i = t->n, j = t->m;

    while (i > 0 || j > 0) {
        enum op op = row(t, i)[j].op;
        if (op == OP_SAME || op == OP_REPLACE) {
            i--, j--;
            t->align[j] = (long)i;
            t->ref_wrong[j] = t->answer_wrong[i] = op == OP_REPLACE;
        } else if (op == OP_INSERT) {
            j--;
            t->align[j] = (long)i - 1;
            t->ref_wrong[j] = 1;
        } else if (op == OP_DELETE) {
            i--;
            t->answer_wrong[i] = 1;
        } else {
            return -1;
        }
    }
    return 0;
}

/* out: words with [start, start + length) taken out and put before what stands at `target`. */
static void shift(const struct ter *t, size_t start, size_t length, size_t target, uint64_t *out)
{
    const uint64_t *w = t->words;
    size_t n = 0, end = start + length;
    const size_t parts[3][4][2] = {
        {{0, target}, {start, end}, {target, start}, {end, t->n}},
        {{0, start}, {end, target}, {start, end}, {target, t->n}},
        {{0, start}, {end, length + target}, {start, end}, {length + target, t->n}},
    };
    int which = target < start ? 0 : target > end ? 1 : 2;

    for (int p = 0; p < 4; p++)
        for (size_t i = parts[which][p][0]; i < parts[which][p][1] && i < t->n; i++)
            out[n++] = w[i];
}

struct candidate {
    long gain, length, start, target;
    int found;
};

static int better(const struct candidate *a, const struct candidate *b)
{
    if (!b->found || a->gain != b->gain)
        return !b->found || a->gain > b->gain;
    if (a->length != b->length)
        return a->length > b->length;
    return a->start != b->start ? a->start < b->start : a->target < b->target;
}

static int any(const unsigned char *wrong, size_t from, size_t n)
{
    return memchr(wrong + from, 1, n) != NULL;
}

/* Every place that a run of the answer may go to, to meet the reference at `to`. */
static void try_run(struct ter *t, size_t from, size_t to, size_t length, long before,
                    struct candidate *best)
{
    long last = -1;

    if (!any(t->answer_wrong, from, length) || !any(t->ref_wrong, to, length) ||
        (t->align[to] >= (long)from && t->align[to] < (long)(from + length)))
        return;
    for (long offset = -1; offset < (long)length; offset++) {
        long at = (long)to + offset, target = at == -1 ? 0 : t->align[at] + 1;
        struct candidate c = {0, (long)length, (long)from, target, 1};
        if (target == last)
            continue;
        last = target;
        shift(t, from, length, (size_t)target, t->shifted);
        c.gain = before - distance(t, t->shifted);
        t->tried++;
        if (better(&c, best)) {
            *best = c;
            memcpy(t->best, t->shifted, t->n * sizeof *t->best);
        }
    }
}

/* The best shift of all runs that both have at different places. */
static int try_shifts(struct ter *t, struct candidate *best, struct err *e)
{
    long before = distance(t, t->words);

    *best = (struct candidate){.found = 0};
    if (read_alignment(t) < 0)
        return err_set(e, ERR_UNSUPPORTED, "texts of such different lengths have no edit rate");
    for (size_t from = 0; from < t->n; from++)
        for (size_t to = 0; to < t->m; to++) {
            size_t apart = from > to ? from - to : to - from, length = 0;
            if (apart > SHIFT_DISTANCE)
                continue;
            while (length < SHIFT_LENGTH && from + length < t->n && to + length < t->m &&
                   t->words[from + length] == t->ref[to + length]) {
                try_run(t, from, to, ++length, before, best);
                if (t->tried >= CANDIDATES)
                    return 0;
            }
        }
    return 0;
}

static int search(struct ter *t, long *edits, struct err *e)
{
    struct candidate best;
    long shifts = 0;

    for (;;) {
        if (try_shifts(t, &best, e) < 0)
            return -1;
        if (t->tried >= CANDIDATES || !best.found || best.gain <= 0)
            break;
        shifts++;
        memcpy(t->words, t->best, t->n * sizeof *t->words);
    }
    *edits = shifts + distance(t, t->words);
    return 0;
}

int ter_edits(const uint64_t *answer, size_t n, const uint64_t *reference, size_t m, long *edits,
              struct err *e)
{
    struct ter t = {.ref = reference, .n = n, .m = m};
    int rc = -1;

    *edits = (long)n;
    if (m == 0)
        return 0;
    if ((n + 1) > CELLS / (m + 1))
        return err_set(e, ERR_UNSUPPORTED, "TER of %zu words against %zu: too many", n, m);
    t.words = mem_calloc(3 * n + 3, sizeof *t.words);
    t.cells = mem_calloc((n + 1) * (m + 1), sizeof *t.cells);
    t.align = mem_calloc(m + 1, sizeof *t.align);
    t.ref_wrong = mem_calloc(m + 1, 1);
    t.answer_wrong = mem_calloc(n + 1, 1);
    if (!t.words || !t.cells || !t.align || !t.ref_wrong || !t.answer_wrong) {
        err_nomem(e);
    } else {
        t.shifted = t.words + n + 1;
        t.best = t.shifted + n + 1;
        if (n)
            memcpy(t.words, answer, n * sizeof *t.words);
        rc = search(&t, edits, e);
    }
    mem_free(t.words);
    mem_free(t.cells);
    mem_free(t.align);
    mem_free(t.ref_wrong);
    mem_free(t.answer_wrong);
    return rc;
}
