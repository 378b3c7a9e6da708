/* kernels_attend.h -- attention by tiles of query rows over pages of 32 keys.
 *
 * Scores: K pages are stored [head_dim][32], so the registers of a row hold 32 keys and every key
 * is one chain of fma.  All 32 are computed, hidden or not: lanes do not meet before the hidden
 * ones are masked.  Values: a tile of rows shares the loads of V over the keys that all its rows
 * see; the others' own last keys follow row by row. */
#ifndef RUNNERS_KERNELS_ATTEND_H
#define RUNNERS_KERNELS_ATTEND_H

#define ATTEND_BLOCK 48                     /* rows that share the loads of a page */
#define ATTEND_WIDE (ATTEND_REGS * LANES) /* keys or values of a tile */

/* The rows of a tile that see something of the present page. */
struct page_rows {
    const float *q[ATTEND_ROWS];
    float *out[ATTEND_ROWS];
    int from[ATTEND_ROWS], to[ATTEND_ROWS]; /* visible keys within the page, both included */
    int of[ATTEND_ROWS];                    /* index in the tile */
    float slope[ATTEND_ROWS], ahead[ATTEND_ROWS]; /* key 0 of the page minus the row's position */
    _Alignas(64) float s[ATTEND_ROWS][KV_PAGE]; /* scores, then probabilities */
    _Alignas(64) float shrink[16];
};

/* ATTEND_WIDE keys from `key` on */
INLINE void scores_at(struct page_rows *p, const float *k, int head_dim, int key, int R)
{
    vr acc[ATTEND_ROWS][ATTEND_REGS];

    k += key;
    UNROLL
    for (int r = 0; r < R; r++)
        UNROLL
        for (int i = 0; i < ATTEND_REGS; i++)
            acc[r][i] = r_set(0);
    for (int d = 0; d < head_dim; d++, k += KV_PAGE) {
        vr b[ATTEND_REGS];
        UNROLL
        for (int i = 0; i < ATTEND_REGS; i++)
            b[i] = r_load(k + i * LANES);
        UNROLL
        for (int r = 0; r < R; r++) {
            vr q = r_set(p->q[r][d]);
            UNROLL
            for (int i = 0; i < ATTEND_REGS; i++)
                acc[r][i] = r_fma(q, b[i], acc[r][i]);
        }
    }
    UNROLL
    for (int r = 0; r < R; r++)
        UNROLL
        for (int i = 0; i < ATTEND_REGS; i++)
            r_store(p->s[r] + key + i * LANES, acc[r][i]);
}

INLINE void page_scores(struct page_rows *p, const float *k, int head_dim, int R)
{
    for (int key = 0; key < KV_PAGE; key += ATTEND_WIDE)
        scores_at(p, k, head_dim, key, R);
}

/* Elements d.. of N registers of each row: out = out * shrink + p V over the keys from..to. */
INLINE void values_at(const struct page_rows *p, int row, int R, const float *v, int value_dim,
                      int d, int from, int to, const float *shrink, int N)
{
    vr acc[ATTEND_ROWS][ATTEND_REGS];

    UNROLL
    for (int r = 0; r < R; r++)
        UNROLL
        for (int i = 0; i < N; i++)
            acc[r][i] = r_mul(r_load(p->out[row + r] + d + i * LANES), r_set(shrink[r]));
    for (int j = from; j <= to; j++) {
        const float *line = v + (size_t)j * (size_t)value_dim + d;
        vr b[ATTEND_REGS];
        UNROLL
        for (int i = 0; i < N; i++)
            b[i] = r_load(line + i * LANES);
        UNROLL
        for (int r = 0; r < R; r++) {
            vr a = r_set(p->s[row + r][j]);
            UNROLL
            for (int i = 0; i < N; i++)
                acc[r][i] = r_fma(a, b[i], acc[r][i]);
        }
    }
    UNROLL
    for (int r = 0; r < R; r++)
        UNROLL
        for (int i = 0; i < N; i++)
            r_store(p->out[row + r] + d + i * LANES, acc[r][i]);
}

/* The last value_dim % LANES elements. */
INLINE void values_rest(const struct page_rows *p, int row, int R, const float *v, int value_dim,
                        int d, int from, int to, const float *shrink)
{
    int n = value_dim - d;

    for (int r = 0; r < R; r++) {
        float *out = p->out[row + r] + d;
        vr acc = r_mul(r_load_part(out, n), r_set(shrink[r]));
        for (int j = from; j <= to; j++)
            acc = r_fma(r_set(p->s[row + r][j]),
                        r_load_part(v + (size_t)j * (size_t)value_dim + d, n), acc);
        r_store_part(out, n, acc);
    }
}

INLINE void page_values(const struct page_rows *p, int row, int R, const float *v, int value_dim,
                        int from, int to, const float *shrink)
{
    int d = 0;

    for (; d + ATTEND_WIDE <= value_dim; d += ATTEND_WIDE)
        values_at(p, row, R, v, value_dim, d, from, to, shrink, ATTEND_REGS);
    for (; d + LANES <= value_dim; d += LANES)
        values_at(p, row, R, v, value_dim, d, from, to, shrink, 1);
    if (d < value_dim)
        values_rest(p, row, R, v, value_dim, d, from, to, shrink);
}

#define ATTEND_TILE(R)                                                                             \
    static void scores_##R(struct page_rows *p, const float *k, int head_dim)                      \
    {                                                                                              \
        page_scores(p, k, head_dim, R);                                                            \
    }                                                                                              \
    static void values_##R(const struct page_rows *p, int row, const float *v, int value_dim,      \
                           int from, int to, const float *shrink)                                  \
    {                                                                                              \
        page_values(p, row, R, v, value_dim, from, to, shrink);                                    \
    }
#define ATTEND_ENTRY(R) {scores_##R, values_##R}

ATTEND_TILE(1)
ATTEND_TILE(2)
ATTEND_TILE(3)
ATTEND_TILE(4)
ATTEND_TILE(5)
ATTEND_TILE(6)
#if ATTEND_ROWS == 8
ATTEND_TILE(7)
ATTEND_TILE(8)
#endif

static const struct {
    void (*scores)(struct page_rows *p, const float *k, int head_dim);
    void (*values)(const struct page_rows *p, int row, const float *v, int value_dim, int from,
                   int to, const float *shrink);
} attend_tiles[ATTEND_ROWS] = {
    ATTEND_ENTRY(1), ATTEND_ENTRY(2), ATTEND_ENTRY(3),
    ATTEND_ENTRY(4), ATTEND_ENTRY(5), ATTEND_ENTRY(6),
#if ATTEND_ROWS == 8
    ATTEND_ENTRY(7), ATTEND_ENTRY(8),
#endif
};

static const _Alignas(64) float page_lanes[KV_PAGE] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
};

/* Scores of row r of the page to probabilities against the new maximum; the sum of them. */
INLINE float page_softmax(struct page_rows *p, int r, const struct attend *a, float *max)
{
    unsigned seen = (unsigned)(0xffffffffu << p->from[r]) & (0xffffffffu >> (31 - p->to[r]));
    vm m0 = m_of_bits(seen & 0xffff), m1 = m_of_bits(seen >> 16);
    vf scale = v_set(a->scale), none = v_set(-INFINITY), zero = v_set(0);
    vf s0 = v_mul(v_load(p->s[r]), scale), s1 = v_mul(v_load(p->s[r] + 16), scale);

    if (a->softcap != 0) {
        vf cap = v_set(a->softcap);
        s0 = v_mul(cap, v_tanh(v_div(s0, cap)));
        s1 = v_mul(cap, v_tanh(v_div(s1, cap)));
    }
    if (a->slope) {
        vf slope = v_set(p->slope[r]), ahead = v_set(p->ahead[r]);
        s0 = v_fma(slope, v_add(ahead, v_load(page_lanes)), s0);
        s1 = v_fma(slope, v_add(ahead, v_load(page_lanes + 16)), s1);
    }
    vf t0 = v_max(v_select(m0, s0, none), none), t1 = v_max(v_select(m1, s1, none), none);
    float top = v_greatest(v_max(t0, t1));
    *max = top > *max ? top : *max;
    vf m = v_set(*max);
    vf p0 = v_select(m0, v_exp_down(v_sub(s0, m)), zero);
    vf p1 = v_select(m1, v_exp_down(v_sub(s1, m)), zero);
    v_store(p->s[r], p0);
    v_store(p->s[r] + 16, p1);
    return v_sum(v_add(p0, p1));
}

/* All n rows of p against one page; max and sum are the tile's. */
static void attend_page(struct page_rows *p, int n, const struct attend *a, const float *k,
                        const float *v, float *max, float *sum)
{
    float ones[ATTEND_ROWS], total[ATTEND_ROWS];
    int from = p->from[0], to = p->to[0], together = 1;

    attend_tiles[n - 1].scores(p, k, a->head_dim);
    v_store(p->shrink, v_set(0)); /* 16 lanes, of which n are used */
    for (int r = 0; r < n; r++) {
        float old = max[p->of[r]];
        total[r] = page_softmax(p, r, a, &max[p->of[r]]);
        p->shrink[r] = old - max[p->of[r]];
        ones[r] = 1;
        together &= p->from[r] == from;
        to = p->to[r] < to ? p->to[r] : to;
    }
    v_store(p->shrink, v_exp_down(v_load(p->shrink)));
    for (int r = 0; r < n; r++)
        sum[p->of[r]] = sum[p->of[r]] * p->shrink[r] + total[r];
    if (together)
        attend_tiles[n - 1].values(p, 0, v, a->value_dim, from, to, p->shrink);
    for (int r = 0; r < n; r++) {
        if (!together)
            values_1(p, r, v, a->value_dim, p->from[r], p->to[r], p->shrink + r);
        else if (p->to[r] > to)
            values_1(p, r, v, a->value_dim, to + 1, p->to[r], ones + r);
    }
}

/* Rows row.. (at most ATTEND_ROWS) of a against one page, if they see it. */
static void attend_tile(const struct attend *a, int row, int rows, int page, const float *k,
                        const float *v, float *max, float *sum)
{
    struct page_rows p;
    int base = page * KV_PAGE, n = 0;

    for (int r = 0; r < rows; r++) {
        int from = a->first[row + r] - base, to = a->last[row + r] - base;
        if (from >= KV_PAGE || to < 0)
            continue;
        p.q[n] = a->q[row + r];
        p.out[n] = a->out[row + r];
        p.from[n] = from > 0 ? from : 0;
        p.to[n] = to < KV_PAGE ? to : KV_PAGE - 1;
        p.slope[n] = a->slope ? a->slope[row + r] : 0;
        p.ahead[n] = (float)(base - a->last[row + r]);
        p.of[n++] = r;
    }
    if (n)
        attend_page(&p, n, a, k, v, max, sum);
}

/* ATTEND_BLOCK rows pass over a page while it is in the cache. */
static void attend_block(const struct attend *a, int row, int rows)
{
    float max[ATTEND_BLOCK], sum[ATTEND_BLOCK];
    int low = a->first[row], high = a->last[row];

    for (int r = 0; r < rows; r++) {
        max[r] = a->sink ? a->sink[row + r] : -INFINITY;
        sum[r] = a->sink ? 1 : 0;
        memset(a->out[row + r], 0, (size_t)a->value_dim * sizeof(float));
        low = a->first[row + r] < low ? a->first[row + r] : low;
        high = a->last[row + r] > high ? a->last[row + r] : high;
    }
    for (int page = low / KV_PAGE; page <= high / KV_PAGE; page++) {
        const float *k = open_keys(a, page), *v = open_values(a, page);
        for (int r = 0; r < rows; r += ATTEND_ROWS)
            attend_tile(a, row + r, rows - r < ATTEND_ROWS ? rows - r : ATTEND_ROWS, page, k, v,
                        max + r, sum + r);
    }
    for (int r = 0; r < rows; r++)
        for (int d = 0; d < a->value_dim; d += 16) {
            float *out = a->out[row + r] + d;
            int left = a->value_dim - d;
            v_store_some(out, left, v_div(v_load_some(out, left), v_set(sum[r])));
        }
}

static void simd_attend(const struct attend *a)
{
    for (int row = 0; row < a->rows; row += ATTEND_BLOCK)
        attend_block(a, row, a->rows - row < ATTEND_BLOCK ? a->rows - row : ATTEND_BLOCK);
}

#endif
