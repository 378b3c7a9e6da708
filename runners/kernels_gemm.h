/* kernels_gemm.h -- gemm in register tiles, written once for every width of register.
 *
 * A tile of R rows x C columns keeps one register per output, LANES of the 16 lanes; when a
 * register holds fewer than 16, the tile passes over the same (cached) elements once for each part
 * of the lanes.  Every tile does the same operations per output, so the result does not depend on
 * where in a matrix the output lies.  Long rows are taken in chunks of GEMM_CHUNK elements, so
 * that a group of GEMM_GROUP columns stays in the first cache while all rows pass; the sums wait in
 * memory between chunks, which changes no bit. */
#ifndef RUNNERS_KERNELS_GEMM_H
#define RUNNERS_KERNELS_GEMM_H

#define GEMM_PASSES (16 / LANES)
#define GEMM_ROWS 4
#define GEMM_TALL 8   /* rows of a tile of few columns */
#define GEMM_BLOCK 64 /* rows whose sums may wait */

struct gemm {
    float *out;
    size_t ldo;
    const float *w, *x;
    size_t ldw, ldx;
    size_t n; /* elements of this chunk */
    int first, last;
    float *sums; /* of this tile: [GEMM_PASSES][R][C][LANES] */
};

#if GEMM_PASSES > 1
/* The tree's steps above one register: l with l+8 and, of four passes, l with l+4.  last: of the
 * last pass; those before are `pass` floats apart. */
INLINE vr gemm_lanes(vr last, const float *sums, int pass)
{
    vr first = r_load(sums);

#if GEMM_PASSES == 4
    first = r_add(first, r_load(sums + 2 * pass));
    last = r_add(r_load(sums + pass), last);
#else
    (void)pass;
#endif
    return r_add(first, last);
}
#endif

/* The sums of all lanes are in acc (and, of passes before the last one, in sums). */
INLINE void gemm_finish(const struct gemm *g, vr (*acc)[GEMM_COLS], int R, int C)
{
    UNROLL
    for (int c = 0; c < C; c++) {
        float *out = g->out + (size_t)c * g->ldo;
#if GEMM_PASSES > 1
        UNROLL
        for (int r = 0; r < R; r++)
            acc[r][c] = gemm_lanes(acc[r][c], g->sums + (r * C + c) * LANES, R * C * LANES);
#endif
        UNROLL
        for (int r = 0; r + 4 <= R; r += 4)
            r_sum4(out + r, acc[r][c], acc[r + 1][c], acc[r + 2][c], acc[r + 3][c]);
        UNROLL
        for (int r = R / 4 * 4; r < R; r++)
            out[r] = r_sum(acc[r][c]);
    }
}

/* One register of every row and column: the fewer of them stay in registers, the others pass. */
INLINE void gemm_step(vr (*acc)[GEMM_COLS], const float *w, size_t ldw, const float *x, size_t ldx,
                      int R, int C)
{
    vr stay[GEMM_COLS];

    if (R > C) {
        UNROLL
        for (int c = 0; c < C; c++)
            stay[c] = r_load(x + (size_t)c * ldx);
        UNROLL
        for (int r = 0; r < R; r++) {
            vr a = r_load(w + (size_t)r * ldw);
            UNROLL
            for (int c = 0; c < C; c++)
                acc[r][c] = r_fma(a, stay[c], acc[r][c]);
        }
        return;
    }
    UNROLL
    for (int r = 0; r < R; r++)
        stay[r] = r_load(w + (size_t)r * ldw);
    UNROLL
    for (int c = 0; c < C; c++) {
        vr b = r_load(x + (size_t)c * ldx);
        UNROLL
        for (int r = 0; r < R; r++)
            acc[r][c] = r_fma(stay[r], b, acc[r][c]);
    }
}

INLINE void gemm_tile(const struct gemm *g, int R, int C)
{
    const float *w = g->w, *x = g->x;
    size_t ldw = g->ldw, ldx = g->ldx, n = g->n;
    vr acc[GEMM_TALL][GEMM_COLS];

    for (int pass = 0; pass < GEMM_PASSES; pass++) {
        float *sums = g->sums + pass * R * C * LANES;
        UNROLL
        for (int r = 0; r < R; r++)
            UNROLL
            for (int c = 0; c < C; c++)
                acc[r][c] = g->first ? r_set(0) : r_load(sums + (r * C + c) * LANES);
        for (size_t i = (size_t)pass * LANES; i < n; i += 16)
            gemm_step(acc, w + i, ldw, x + i, ldx, R, C);
        if (g->last && pass == GEMM_PASSES - 1)
            break;
        UNROLL
        for (int r = 0; r < R; r++)
            UNROLL
            for (int c = 0; c < C; c++)
                r_store(sums + (r * C + c) * LANES, acc[r][c]);
    }
    if (g->last)
        gemm_finish(g, acc, R, C);
}

#define GEMM_TILE(R, C)                                                                            \
    static void gemm_##R##x##C(const struct gemm *g)                                               \
    {                                                                                              \
        gemm_tile(g, R, C);                                                                        \
    }
#define GEMM_TILES(C) GEMM_TILE(1, C) GEMM_TILE(2, C) GEMM_TILE(3, C) GEMM_TILE(4, C)
#define GEMM_COLUMN(C) {gemm_1x##C, gemm_2x##C, gemm_3x##C, gemm_4x##C}

GEMM_TILES(1)
GEMM_TILES(2)
GEMM_TILES(3)
GEMM_TILE(8, 1)
#if GEMM_COLS == 6
GEMM_TILES(4)
GEMM_TILES(5)
GEMM_TILES(6)
GEMM_TILE(8, 2)
GEMM_TILE(8, 3)
#endif

static void (*const gemm_tiles[GEMM_COLS][GEMM_ROWS])(const struct gemm *) = {
    GEMM_COLUMN(1), GEMM_COLUMN(2), GEMM_COLUMN(3),
#if GEMM_COLS == 6
    GEMM_COLUMN(4), GEMM_COLUMN(5), GEMM_COLUMN(6),
#endif
};

static void (*const gemm_tall[GEMM_TALL_COLS])(const struct gemm *) = {
    gemm_8x1,
#if GEMM_TALL_COLS == 3
    gemm_8x2, gemm_8x3,
#endif
};

INLINE void gemm_rows(struct gemm *g, int rows, int cols) /* one tile, whatever its size */
{
    (rows == GEMM_TALL ? gemm_tall[cols - 1] : gemm_tiles[cols - 1][rows - 1])(g);
}

/* All rows (at most GEMM_BLOCK) of a group of columns. */
static void gemm_group(struct gemm g, int rows, int cols, size_t k)
{
    _Alignas(64) float sums[GEMM_BLOCK * GEMM_GROUP * 16];
    int tiles = (cols + GEMM_COLS - 1) / GEMM_COLS, width = (cols + tiles - 1) / tiles;
    size_t chunks = (k + GEMM_CHUNK - 1) / GEMM_CHUNK;
    struct gemm tile = g;

    for (size_t i = 0, done = 0; i < chunks; i++, done += tile.n) {
        tile.n = (k - done + 16 * (chunks - i) - 1) / (16 * (chunks - i)) * 16;
        tile.first = i == 0;
        tile.last = i == chunks - 1;
        for (int r = 0, n; r < rows; r += n) {
            n = rows - r < GEMM_ROWS ? rows - r : GEMM_ROWS;
            if (width <= GEMM_TALL_COLS && rows - r >= GEMM_TALL)
                n = GEMM_TALL;
            for (int c = 0; c < cols; c += width) {
                tile.w = g.w + (size_t)r * g.ldw + done;
                tile.x = g.x + (size_t)c * g.ldx + done;
                tile.out = g.out + (size_t)c * g.ldo + r;
                tile.sums = sums + (r * cols + c * n) * 16;
                gemm_rows(&tile, n, cols - c < width ? cols - c : width);
            }
        }
    }
}

static void simd_gemm(float *out, size_t ldo, const float *w, size_t ldw, int rows, const float *x,
                      size_t ldx, int cols, int k)
{
    struct gemm g = {.ldo = ldo, .ldw = ldw, .ldx = ldx};

    for (int r = 0; r < rows; r += GEMM_BLOCK) {
        int tiles = (cols + GEMM_COLS - 1) / GEMM_COLS;
        for (int c = 0, n, t; c < cols; c += n, tiles -= t) {
            t = tiles < GEMM_GROUP / GEMM_COLS ? tiles : GEMM_GROUP / GEMM_COLS;
            n = ((cols - c) * t + tiles - 1) / tiles; /* tiles as equal as they come */
            g.w = w + (size_t)r * ldw;
            g.x = x + (size_t)c * ldx;
            g.out = out + (size_t)c * ldo + r;
            gemm_group(g, rows - r < GEMM_BLOCK ? rows - r : GEMM_BLOCK, n, KERNEL_PAD(k));
        }
    }
}

#endif
