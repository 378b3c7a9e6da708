/* fast.c -- which formats have a packed form, how they are packed, and which kernels there are. */
#include "runners/fast.h"

#include <string.h>

#include "runners/fast_tile.h"
#include "runners/quant.h"

/* The 16 bytes at qs as 32 nibbles: low ones first, as every format of 32 elements has them. */
static void nibbles(uint8_t code[32], const uint8_t *qs)
{
    for (int i = 0; i < 16; i++) {
        code[i] = qs[i] & 15;
        code[i + 16] = qs[i] >> 4;
    }
}

static void fifth_bits(uint8_t code[32], const uint8_t *qh)
{
    for (int i = 0; i < 32; i++)
        code[i] |= (uint8_t)((qh[i / 8] >> i % 8 & 1) << 4);
}

static void codes_q4_0(uint8_t code[32], const uint8_t *block, int g)
{
    (void)g;
    nibbles(code, block + 2);
}

static void codes_q4_1(uint8_t code[32], const uint8_t *block, int g)
{
    (void)g;
    nibbles(code, block + 4);
}

static void codes_q5_0(uint8_t code[32], const uint8_t *block, int g)
{
    (void)g;
    nibbles(code, block + 6);
    fifth_bits(code, block + 2);
}

static void codes_q5_1(uint8_t code[32], const uint8_t *block, int g)
{
    (void)g;
    nibbles(code, block + 8);
    fifth_bits(code, block + 4);
}

static void codes_q8_0(uint8_t code[32], const uint8_t *block, int g)
{
    (void)g;
    for (int i = 0; i < 32; i++)
        code[i] = block[2 + i] ^ 0x80; /* + 128 */
}

static void codes_q4_k(uint8_t code[32], const uint8_t *block, int g)
{
    const uint8_t *qs = block + 16 + g / 2 * 32;

    for (int i = 0; i < 32; i++)
        code[i] = g % 2 ? qs[i] >> 4 : qs[i] & 15;
}

static void codes_q5_k(uint8_t code[32], const uint8_t *block, int g)
{
    const uint8_t *qh = block + 16, *qs = block + 48 + g / 2 * 32;

    for (int i = 0; i < 32; i++)
        code[i] = (uint8_t)((g % 2 ? qs[i] >> 4 : qs[i] & 15) | (qh[i] >> g & 1) << 4);
}

static void codes_q6_k(uint8_t code[32], const uint8_t *block, int g)
{
    const uint8_t *ql = block + g / 4 * 64 + g % 2 * 32, *qh = block + 128 + g / 4 * 32;

    for (int i = 0; i < 32; i++) {
        int low = g % 4 < 2 ? ql[i] & 15 : ql[i] >> 4;

        code[i] = (uint8_t)(low | (qh[i] >> g % 4 * 2 & 3) << 4);
    }
}

static void sub_q4_k(uint8_t sub[2], const uint8_t *block, int g)
{
    const uint8_t *s = block + 4;

    if (g < 4) {
        sub[0] = s[g] & 63;
        sub[1] = s[g + 4] & 63;
    } else {
        sub[0] = (uint8_t)((s[g + 4] & 15) | s[g - 4] >> 6 << 4);
        sub[1] = (uint8_t)(s[g + 4] >> 4 | s[g] >> 6 << 4);
    }
}

static void sub_q6_k(uint8_t sub[2], const uint8_t *block, int g)
{
    memcpy(sub, block + 192 + 2 * g, 2);
}

static const struct fast_format formats[] = {
    {QUANT_Q4_0, FAST_4, FAST_BIAS_8, FAST_D, 32, 18, 0, codes_q4_0, NULL},
    {QUANT_Q4_1, FAST_4, FAST_BIAS_NONE, FAST_D_M, 32, 20, 0, codes_q4_1, NULL},
    {QUANT_Q5_0, FAST_5, FAST_BIAS_16, FAST_D, 32, 22, 0, codes_q5_0, NULL},
    {QUANT_Q5_1, FAST_5, FAST_BIAS_NONE, FAST_D_M, 32, 24, 0, codes_q5_1, NULL},
    {QUANT_Q8_0, FAST_8, FAST_BIAS_128, FAST_D, 32, 34, 0, codes_q8_0, NULL},
    {QUANT_Q4_K, FAST_4, FAST_BIAS_NONE, FAST_K_D_M, 256, 144, 0, codes_q4_k, sub_q4_k},
    {QUANT_Q5_K, FAST_5, FAST_BIAS_NONE, FAST_K_D_M, 256, 176, 0, codes_q5_k, sub_q4_k},
    {QUANT_Q6_K, FAST_6, FAST_BIAS_HALVES, FAST_K_D, 256, 210, 208, codes_q6_k, sub_q6_k},
};

const struct fast_format *fast_format_find(int quant_type)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (formats[i].type == quant_type)
            return &formats[i];
    }
    return NULL;
}

int fast_supports(int quant_type, int k)
{
    const struct fast_format *f = fast_format_find(quant_type);

    return f && k > 0 && k % f->block == 0;
}

size_t fast_stripe_bytes(int quant_type, int k)
{
    const struct fast_format *f = fast_format_find(quant_type);

    return fast_codes_at(f->bits, f->scales, k / 32 - 1) + fast_group_bytes(f->bits);
}

/* The eight dwords of a row's codes into its places in the lines of a group (fast_layout.h). */
static void put_codes(enum fast_bits bits, uint8_t *group, int r, const uint8_t code[32])
{
    int lines = (int)fast_group_bytes(bits) / 64;
    uint32_t v[8], line[8] = {0}, *low = line + lines - 4;

    memcpy(v, code, 32);
    for (int j = 0; j < 8; j++) {
        if (bits == FAST_8)
            line[j] = v[j];
        else
            low[j % 4] |= (v[j] & 0x0f0f0f0f) << j / 4 * 4;
        if (bits == FAST_5)
            line[0] |= (v[j] >> 4 & 0x01010101) << j;
        if (bits == FAST_6)
            line[j / 4] |= (v[j] >> 4 & 0x03030303) << j % 4 * 2;
    }
    for (int l = 0; l < lines; l++)
        memcpy(group + 64 * l + 4 * r, &line[l], 4);
}

/* Where a block has 16 bytes of codes that are those of a group's lines; 0: nowhere. */
static int nibbles_at(const struct fast_format *f)
{
    return f->codes == codes_q4_0 ? 2 : f->codes == codes_q4_1 ? 4 : 0;
}

static void put_nibbles(uint8_t *group, int r, const uint8_t *qs)
{
    for (int l = 0; l < 4; l++)
        memcpy(group + 64 * l + 4 * r, qs + 4 * l, 4);
}

/* The scales of group g (counted in the whole row) of row r. */
static void put_scales(const struct fast_format *f, uint8_t *stripe, int r, int g,
                       const uint8_t *block)
{
    uint8_t *at = stripe + fast_d_at(f->bits, f->scales, g), sub[2];

    memcpy(at + 2 * r, block + f->d_at, 2);
    if (f->scales == FAST_D_M || f->scales == FAST_K_D_M)
        memcpy(at + 32 + 2 * r, block + f->d_at + 2, 2);
    if (f->sub) {
        f->sub(sub, block, g % (f->block / 32));
        at = stripe + fast_sub_at(f->bits, f->scales, g);
        at[r] = sub[0];
        at[16 + r] = sub[1];
    }
}

void fast_pack(int quant_type, void *stripe, const uint8_t *rows, size_t row_bytes, int row0,
               int n_rows, int k)
{
    const struct fast_format *f = fast_format_find(quant_type);
    int per_block = f->block / 32, nibbles = nibbles_at(f);
    uint8_t code[32];

    memset(stripe, 0, fast_stripe_bytes(quant_type, k));
    for (int r = 0; r < FAST_ROWS && row0 + r < n_rows; r++) {
        const uint8_t *row = rows + (size_t)(row0 + r) * row_bytes;

        for (int g = 0; g < k / 32; g++) {
            const uint8_t *block = row + (size_t)(g / per_block) * (size_t)f->bytes;
            uint8_t *group = (uint8_t *)stripe + fast_codes_at(f->bits, f->scales, g);

            if (nibbles) {
                put_nibbles(group, r, block + nibbles);
            } else {
                f->codes(code, block, g % per_block);
                put_codes(f->bits, group, r, code);
            }
            put_scales(f, stripe, r, g, block);
        }
    }
}

size_t fast_act_bytes(int k)
{
    return ((size_t)k / FAST_BLOCK | 1) * sizeof(struct fast_block);
}

/* One stripe or two against a panel of columns, in groups that differ by one at most. */
static void walk_columns(fast_tile_fn *const *tiles, int max_cols, struct fast_tile t, int cols)
{
    int groups = (cols + max_cols - 1) / max_cols, some;

    for (; groups > 0; groups--, cols -= some) {
        some = (cols + groups - 1) / groups;
        tiles[some - 1](&t);
        t.acts += (size_t)some * t.act_bytes;
        t.out += (size_t)some * t.ldo;
    }
}

/* All rows against a panel of columns. */
static void walk_panel(fast_tile_fn *const *tiles, fast_tile_fn *const *pairs, int max_cols,
                       struct fast_tile t, int rows, int cols)
{
    while (rows > 0) {
        int is_pair = pairs && cols >= FAST_PAIR_COLS && rows >= 2 * FAST_ROWS;
        int some = is_pair ? 2 * FAST_ROWS : FAST_ROWS;

        t.rows = rows < some ? rows : some;
        walk_columns(is_pair ? pairs : tiles, max_cols, t, cols);
        t.stripe += (is_pair ? 2 : 1) * t.apart;
        t.out += t.rows;
        rows -= t.rows;
    }
}

void fast_walk_pairs(fast_tile_fn *const *tiles, fast_tile_fn *const *pairs, int max_cols,
                     int quant_type, float *out, size_t ldo, const void *stripes, int rows,
                     const void *acts, int cols, int k)
{
    const struct fast_format *f = fast_format_find(quant_type);
    struct fast_tile t = {.stripe = stripes, .groups = k / FAST_BLOCK, .ldo = ldo};
    int panel, first = ((int)f->bits * 4 + (int)f->scales) * max_cols;

    t.apart = fast_stripe_bytes(quant_type, k);
    t.act_bytes = fast_act_bytes(k);
    /* About 256 KiB of activations stay in a second level cache beside the weights of a call. */
    panel = (int)(256 * 1024 / t.act_bytes) / max_cols * max_cols + max_cols;
    pairs = pairs ? pairs + first : NULL;
    for (int c = 0; c < cols; c += panel) {
        t.acts = (const uint8_t *)acts + (size_t)c * t.act_bytes;
        t.out = out + (size_t)c * ldo;
        walk_panel(tiles + first, pairs, max_cols, t, rows, cols - c < panel ? cols - c : panel);
    }
}

void fast_walk(fast_tile_fn *const *tiles, int max_cols, int quant_type, float *out, size_t ldo,
               const void *stripes, int rows, const void *acts, int cols, int k)
{
    fast_walk_pairs(tiles, NULL, max_cols, quant_type, out, ldo, stripes, rows, acts, cols, k);
}

/* Best first.  Always there: ref, which any CPU runs. */
static const struct fast_kernels *const tables[] = {
#if defined(__x86_64__)
#if defined(HAVE_AMX)
    &fast_amx,
#endif
    &fast_vnni,
#if defined(HAVE_AVXVNNI)
    &fast_avxvnni,
#endif
    &fast_avx2,
#elif defined(__aarch64__)
    &fast_neon_i8mm,
    &fast_neon_dot,
    &fast_neon,
#endif
    &fast_ref,
};

const struct fast_kernels *fast_kernels_at(int i)
{
    return i >= 0 && i < (int)(sizeof tables / sizeof *tables) ? tables[i] : NULL;
}

const struct fast_kernels *fast_kernels_best(void)
{
    int i = 0;

    while (!tables[i]->usable())
        i++;
    return tables[i];
}

const struct fast_kernels *fast_kernels_find(const char *name)
{
    const struct fast_kernels *t;

    for (int i = 0; (t = fast_kernels_at(i)) != NULL; i++) {
        if (strcmp(t->name, name) == 0)
            return t->usable() ? t : NULL;
    }
    return NULL;
}
