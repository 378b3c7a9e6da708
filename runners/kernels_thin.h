/* kernels_thin.h -- rows as they are in the file times a few columns: weights are unpacked in the
 * registers where they are used, and never written.
 *
 * Some rows go together, so that the chains of their sums overlap and one load of x serves all.
 * They lie a part of the chunk apart, each the next of an ascending stream of its own: a CPU
 * follows four of these further ahead than rows that lie side by side, which it read at less than
 * half the speed (12 instead of 31 GB/s of F16 on a Zen 4 core), with or without prefetches.
 * The values and the order of their roundings are those of quant.c, the sums those of a dot16: a
 * block's vectors of 16 weights follow each other, and so do the blocks.
 *
 * Where a register of 16 floats can be looked up in by 16 codes (HAS_PICK), a block of four-bit
 * codes makes the table of its sixteen values first, by the same operations. */
#ifndef RUNNERS_KERNELS_THIN_H
#define RUNNERS_KERNELS_THIN_H

/* What the blocks of a row have in common until the next one is opened. */
struct thin {
    vf d, m;
    _Alignas(64) float scale[16];
};

/* ---- four-bit codes ---------------------------------------------------------------------- */

enum coding { CODE_LESS_8, CODE_PLUS, CODE_IQ4, CODE_MXFP4 };

/* The value of each code (below 16). */
INLINE vf coded(enum coding kind, vf d, vf m, b16 q)
{
    switch (kind) {
    case CODE_PLUS: return v_fma(d, v_of_u8(q), m); /* as put_sum (kernels_unpack.h) */
    case CODE_IQ4: q = b_lookup(b_load((const uint8_t *)quant_iq4_values), q); break;
    case CODE_MXFP4: q = b_lookup(b_load((const uint8_t *)quant_mxfp4_values), q); break;
    case CODE_LESS_8: q = b_sub(q, b_set(8)); break;
    }
    return v_mul(d, v_of_i8(q));
}

/* What the values of a block are looked up in, and the values of the low and of the high nibbles of
 * 16 bytes. */
INLINE vf code_table(enum coding kind, vf d, vf m)
{
#if HAS_PICK
    static const uint8_t codes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return coded(kind, d, m, b_load(codes));
#else
    (void)kind, (void)m;
    return d;
#endif
}

INLINE vf low_values(vf table, enum coding kind, vf d, vf m, b16 q)
{
#if HAS_PICK
    (void)kind, (void)d, (void)m;
    return v_pick_low(table, q);
#else
    (void)table;
    return coded(kind, d, m, b_low(q, 15));
#endif
}

INLINE vf high_values(vf table, enum coding kind, vf d, vf m, b16 q)
{
#if HAS_PICK
    (void)kind, (void)d, (void)m;
    return v_pick_high(table, q);
#else
    (void)table;
    return coded(kind, d, m, b_shift(q, 4, 15));
#endif
}

INLINE void nibbles(vf *w, enum coding kind, vf d, vf m, const uint8_t *codes)
{
    vf table = code_table(kind, d, m);
    b16 q = b_load(codes);

    w[0] = low_values(table, kind, d, m, q);
    w[1] = high_values(table, kind, d, m, q);
}

/* ---- formats: open a block, give the jth vectors of it ----------------------------------- */

INLINE void open_nothing(struct thin *t, const uint8_t *b) { (void)t, (void)b; }
INLINE void open_d(struct thin *t, const uint8_t *b) { t->d = v_set(half_at(b)); }

INLINE void at_f32(vf *w, const struct thin *t, const uint8_t *b, int j)
{
    (void)t, (void)j;
    w[0] = v_load((const float *)(const void *)b);
}

INLINE void at_f16(vf *w, const struct thin *t, const uint8_t *b, int j)
{
    (void)t, (void)j;
    w[0] = v_of_halves(b);
}

INLINE void at_bf16(vf *w, const struct thin *t, const uint8_t *b, int j)
{
    (void)t, (void)j;
    w[0] = v_of_bf16(b);
}

INLINE void open_d_m(struct thin *t, const uint8_t *b)
{
    t->d = v_set(half_at(b));
    t->m = v_set(half_at(b + 2));
}

INLINE void at_q4_0(vf *w, const struct thin *t, const uint8_t *b, int j)
{
    (void)j;
    nibbles(w, CODE_LESS_8, t->d, t->d, b + 2);
}

INLINE void at_q4_1(vf *w, const struct thin *t, const uint8_t *b, int j)
{
    (void)j;
    nibbles(w, CODE_PLUS, t->d, t->m, b + 4);
}

INLINE void at_iq4_nl(vf *w, const struct thin *t, const uint8_t *b, int j)
{
    (void)j;
    nibbles(w, CODE_IQ4, t->d, t->d, b + 2);
}

INLINE void open_mxfp4(struct thin *t, const uint8_t *b) { t->d = v_set(mxfp4_scale(b[0])); }

INLINE void at_mxfp4(vf *w, const struct thin *t, const uint8_t *b, int j)
{
    (void)j;
    nibbles(w, CODE_MXFP4, t->d, t->d, b + 1);
}

INLINE void at_q5_0(vf *w, const struct thin *t, const uint8_t *b, int j)
{
    b16 q = b_load(b + 6);

    (void)j;
    w[0] = v_mul(t->d, v_of_i8(b_sub(b_or(b_low(q, 15), b_of_bits(u16_at(b + 2), 16)), b_set(16))));
    w[1] = v_mul(t->d,
                 v_of_i8(b_sub(b_or(b_shift(q, 4, 15), b_of_bits(u16_at(b + 4), 16)), b_set(16))));
}

INLINE void at_q5_1(vf *w, const struct thin *t, const uint8_t *b, int j)
{
    b16 q = b_load(b + 8);
    b16 low = b_or(b_low(q, 15), b_of_bits(u16_at(b + 4), 16));
    b16 high = b_or(b_shift(q, 4, 15), b_of_bits(u16_at(b + 6), 16));

    (void)j;
    w[0] = coded(CODE_PLUS, t->d, t->m, low);
    w[1] = coded(CODE_PLUS, t->d, t->m, high);
}

INLINE void at_q8_0(vf *w, const struct thin *t, const uint8_t *b, int j)
{
    (void)j;
    w[0] = v_mul(t->d, v_of_i8(b_load(b + 2)));
    w[1] = v_mul(t->d, v_of_i8(b_load(b + 18)));
}

/* scale[j], scale[8 + j]: scale j, and minus minimum j */
INLINE void open_k(struct thin *t, const uint8_t *b)
{
    uint32_t s[3], packed[4];
    float d = half_at(b), dmin = half_at(b + 2);

    memcpy(s, b + 4, sizeof s);
    packed[0] = s[0] & 0x3f3f3f3f;
    packed[1] = (s[2] & 0x0f0f0f0f) | (s[0] >> 6 & 0x03030303) << 4;
    packed[2] = s[1] & 0x3f3f3f3f;
    packed[3] = (s[2] >> 4 & 0x0f0f0f0f) | (s[1] >> 6 & 0x03030303) << 4;
    v_store(t->scale, v_mul(v_select(m_of_bits(0xff), v_set(d), v_set(-dmin)),
                            v_of_u8(b_load((const uint8_t *)packed))));
}

/* j: two times 32 weights, whose codes share bytes */
INLINE void at_q4_k(vf *w, const struct thin *t, const uint8_t *b, int j)
{
    vf d0 = v_set(t->scale[2 * j]), m0 = v_set(t->scale[2 * j + 8]);
    vf d1 = v_set(t->scale[2 * j + 1]), m1 = v_set(t->scale[2 * j + 9]);
    vf low = code_table(CODE_PLUS, d0, m0), high = code_table(CODE_PLUS, d1, m1);

    UNROLL
    for (int i = 0; i < 2; i++) {
        b16 q = b_load(b + 16 + 32 * j + 16 * i);
        w[i] = low_values(low, CODE_PLUS, d0, m0, q);
        w[2 + i] = high_values(high, CODE_PLUS, d1, m1, q);
    }
}

INLINE void at_q5_k(vf *w, const struct thin *t, const uint8_t *b, int j)
{
    UNROLL
    for (int i = 0; i < 2; i++) {
        b16 q = b_load(b + 48 + 32 * j + 16 * i), high = b_load(b + 16 + 16 * i);
        w[i] = coded(CODE_PLUS, v_set(t->scale[2 * j]), v_set(t->scale[2 * j + 8]),
                     b_or(b_low(q, 15), b_shift_up(b_shift(high, 2 * j, 1), 4)));
        w[2 + i] = coded(CODE_PLUS, v_set(t->scale[2 * j + 1]), v_set(t->scale[2 * j + 9]),
                         b_or(b_shift(q, 4, 15), b_shift_up(b_shift(high, 2 * j + 1, 1), 4)));
    }
}

INLINE void open_q6_k(struct thin *t, const uint8_t *b)
{
    v_store(t->scale, v_mul(v_set(half_at(b + 208)), v_of_i8(b_load(b + 192))));
}

/* j: 128 weights, four times 32 whose upper bits share bytes */
INLINE void at_q6_k(vf *w, const struct thin *t, const uint8_t *b, int j)
{
    UNROLL
    for (int s = 0; s < 8; s++) {
        b16 low = b_load(b + 64 * j + 32 * (s / 2 % 2) + s % 2 * 16);
        b16 high = b_load(b + 128 + 32 * j + s % 2 * 16);
        low = b_shift(low, s / 4 * 4, 15);
        high = b_shift_up(b_shift(high, s / 2 * 2, 3), 4);
        w[s] = v_mul(v_set(t->scale[8 * j + s]), v_of_i8(b_sub(b_or(low, high), b_set(32))));
    }
}

INLINE void open_iq4_xs(struct thin *t, const uint8_t *b)
{
    float d = half_at(b);
    unsigned high = u16_at(b + 2);

    UNROLL
    for (int j = 0; j < 8; j++) {
        int scale = (b[4 + j / 2] >> (4 * (j % 2)) & 15) | (int)(high >> (2 * j) & 3) << 4;
        t->scale[j] = d * (float)(scale - 32);
    }
}

INLINE void at_iq4_xs(vf *w, const struct thin *t, const uint8_t *b, int j)
{
    vf d = v_set(t->scale[j]);

    nibbles(w, CODE_IQ4, d, d, b + 8 + 16 * j);
}

/* ---- tiles ------------------------------------------------------------------------------- */

struct thin_tile {
    float *out;
    size_t ldo, apart; /* of the results of columns, of rows */
    const uint8_t *rows[THIN_TILE_ROWS];
    const float *x;
    size_t ldx;
    int k;
};

INLINE void thin_sums(const struct thin_tile *g, vf (*acc)[THIN_TILE_COLS], int R, int C)
{
    UNROLL
    for (int c = 0; c < C; c++) {
        float *out = g->out + (size_t)c * g->ldo, sum[4];
        if (R == 4)
            v_sum4(sum, acc[0][c], acc[1][c], acc[2][c], acc[3][c]);
        else
            sum[0] = v_sum(acc[0][c]);
        UNROLL
        for (int r = 0; r < R; r++)
            out[(size_t)r * g->apart] = sum[r];
    }
}

/* A tile of R rows (4 or 1) and C columns of a format: n vectors come at a time, `times` times a
 * block of `bytes`. */
#define THIN_TILE(format, open, n, times, bytes, R, C)                                             \
    static void thin_##format##_##R##x##C(const struct thin_tile *g)                               \
    {                                                                                              \
        vf acc[R][THIN_TILE_COLS];                                                                 \
        const float *x = g->x;                                                                     \
        size_t at = 0;                                                                             \
        UNROLL                                                                                     \
        for (int r = 0; r < R; r++)                                                                \
            UNROLL                                                                                 \
            for (int c = 0; c < C; c++)                                                            \
                acc[r][c] = v_set(0);                                                              \
        for (int i = 0; i < g->k; i += 16 * n * times, at += bytes) {                              \
            struct thin t[R];                                                                      \
            UNROLL                                                                                 \
            for (int r = 0; r < R; r++)                                                            \
                open(&t[r], g->rows[r] + at);                                                      \
            for (int j = 0; j < times; j++, x += 16 * n)                                           \
                UNROLL                                                                             \
                for (int r = 0; r < R; r++) {                                                      \
                    vf w[n];                                                                       \
                    at_##format(w, &t[r], g->rows[r] + at, j);                                     \
                    UNROLL                                                                         \
                    for (int v = 0; v < n; v++)                                                    \
                        UNROLL                                                                     \
                        for (int c = 0; c < C; c++)                                                \
                            acc[r][c] = v_fma(w[v], v_load(x + (size_t)c * g->ldx + 16 * v),       \
                                              acc[r][c]);                                          \
                }                                                                                  \
        }                                                                                          \
        thin_sums(g, acc, R, C);                                                                   \
    }
#if THIN_TILE_COLS == 4
#define THIN_TILES(...)                                                                            \
    THIN_TILE(__VA_ARGS__, 4, 1) THIN_TILE(__VA_ARGS__, 4, 2)                                      \
    THIN_TILE(__VA_ARGS__, 4, 3) THIN_TILE(__VA_ARGS__, 4, 4)                                      \
    THIN_TILE(__VA_ARGS__, 1, 1) THIN_TILE(__VA_ARGS__, 1, 2)                                      \
    THIN_TILE(__VA_ARGS__, 1, 3) THIN_TILE(__VA_ARGS__, 1, 4)
#define THIN_OF(format)                                                                            \
    {thin_##format##_4x1, thin_##format##_4x2, thin_##format##_4x3, thin_##format##_4x4},          \
    {thin_##format##_1x1, thin_##format##_1x2, thin_##format##_1x3, thin_##format##_1x4}
#else
#define THIN_TILES(...) THIN_TILE(__VA_ARGS__, 4, 1) THIN_TILE(__VA_ARGS__, 1, 1)
#define THIN_OF(format) {thin_##format##_4x1}, {thin_##format##_1x1}
#endif

#define THIN_FORMATS(X)                                                                            \
    X(f32, QUANT_F32, open_nothing, 1, 1, 64)                                                      \
    X(f16, QUANT_F16, open_nothing, 1, 1, 32)                                                      \
    X(bf16, QUANT_BF16, open_nothing, 1, 1, 32)                                                    \
    X(q4_0, QUANT_Q4_0, open_d, 2, 1, 18)                                                          \
    X(q4_1, QUANT_Q4_1, open_d_m, 2, 1, 20)                                                        \
    X(q5_0, QUANT_Q5_0, open_d, 2, 1, 22)                                                          \
    X(q5_1, QUANT_Q5_1, open_d_m, 2, 1, 24)                                                        \
    X(q8_0, QUANT_Q8_0, open_d, 2, 1, 34)                                                          \
    X(iq4_nl, QUANT_IQ4_NL, open_d, 2, 1, 18)                                                      \
    X(mxfp4, QUANT_MXFP4, open_mxfp4, 2, 1, 17)                                                    \
    X(q4_k, QUANT_Q4_K, open_k, 4, 4, 144)                                                         \
    X(q5_k, QUANT_Q5_K, open_k, 4, 4, 176)                                                         \
    X(q6_k, QUANT_Q6_K, open_q6_k, 8, 2, 210)                                                      \
    X(iq4_xs, QUANT_IQ4_XS, open_iq4_xs, 2, 8, 136)

#define THIN_MAKE(format, type, open, n, times, bytes) THIN_TILES(format, open, n, times, bytes)
#define THIN_ROW(format, type, open, n, times, bytes) {type, 16 * n * times, {THIN_OF(format)}},

THIN_FORMATS(THIN_MAKE)

typedef void thin_fn(const struct thin_tile *g);

static const struct thin_format {
    int type, block;
    thin_fn *tile[2][THIN_TILE_COLS]; /* four rows, one row */
} thin_formats[] = {THIN_FORMATS(THIN_ROW)};

static const struct thin_format *thin_find(int quant_type, int k)
{
    for (size_t i = 0; i < sizeof thin_formats / sizeof *thin_formats; i++)
        if (thin_formats[i].type == quant_type)
            return k % thin_formats[i].block == 0 ? &thin_formats[i] : NULL;
    return NULL;
}

static int simd_gemm_thin(int quant_type, float *out, size_t ldo, const uint8_t *rows,
                          size_t row_bytes, int n_rows, const float *x, size_t ldx, int cols, int k)
{
    const struct thin_format *f = thin_find(quant_type, k);
    int groups = (cols + THIN_TILE_COLS - 1) / THIN_TILE_COLS, apart = n_rows / THIN_TILE_ROWS;
    struct thin_tile g = {.ldo = ldo, .apart = (size_t)apart, .ldx = ldx, .k = k};

    if (!f || cols > THIN_COLS)
        return 0;
    for (int i = 0; i < apart + n_rows % THIN_TILE_ROWS; i++) {
        int is_rest = i >= apart, row = is_rest ? i + (THIN_TILE_ROWS - 1) * apart : i;
        for (int s = 0; s < (is_rest ? 1 : THIN_TILE_ROWS); s++)
            g.rows[s] = rows + (size_t)(row + s * apart) * row_bytes;
        for (int c = 0, left = groups, some; c < cols; c += some, left--) {
            some = (cols - c + left - 1) / left;
            g.out = out + (size_t)c * ldo + row;
            g.x = x + (size_t)c * ldx;
            f->tile[is_rest][some - 1](&g);
        }
    }
    return 1;
}

#endif
