/* cuda_tensor.cuh -- products of many columns on tensor cores, in numerics cuda-f16/1; behind
 * opencl_lanes.cl in the text for CUDA.
 *
 * Both operands become float16 on their way, a row at a time times a power of two that puts the
 * row's largest number between 2^14 and 2^15: nothing overflows, and what float16 would lose in its
 * denormals is below 2^-39 of that largest.  Sums are the tensor cores' float32, in order of k, so
 * that a column has the same bits beside any others.
 *
 * What a warp does together (matrices_at, multiply_add: PTX's ldmatrix and mma.m16n8k16, sm_80 and
 * later) is cuda_prelude.cuh's; tests have the same words in C. */
#if HAS_TENSOR_CORES

#define TENSOR_K 32                /* elements that a step takes: a group of unpack() */
#define ROW_WORDS (TENSOR_K / 2)   /* of two float16 */
#define TILE_WORDS (TENSOR_TILE * ROW_WORDS)
#define WARP_ROWS 64               /* of the tile, per warp: 2 x 4 warps */
#define WARP_COLS 32
#define OUT_COLS 64                /* of the tile, that are finished together */

/* Of a row whose largest magnitude is `most`; 1 where that is 0, infinity or NaN. */
static float row_scale(float most)
{
    int exponent = as_uint(most) >> 23 & 255, scale = 127 + 14 + 127 - exponent;

    if (most == 0 || exponent == 255)
        return 1;
    return as_float((uint)(scale > 227 ? 227 : scale < 27 ? 27 : scale) << 23);
}

static float group_most(LOCAL_POINTER float *part, float v)
{
    float most = 0;

    part[get_local_id(0)] = v;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 0; i < LANES; i++)
        most = part[i] > most ? part[i] : most;
    return most;
}

/* The scale of each row of a weight; once, when it is copied to the device. */
__kernel FIXED_GROUP(LANES, 1)
void weight_scales(bytes W, floats scales, struct op_args a)
{
    LOCAL_ARRAY float part[LANES];
    int r = get_group_id(0), lane = get_local_id(0);
    float most = 0;

    for (int g = 0; 32 * g + lane < a.k; g++) {
        float size = fabs(element(a.type, W + (ulong)r * a.row_bytes, g, lane));
        most = size > most ? size : most;
    }
    most = group_most(part, most);
    if (lane == 0)
        scales[r] = row_scale(most);
}

/* A product's columns as float16, padded with zeros to whole steps, and their scales. */
__kernel FIXED_GROUP(LANES, 1)
void narrow(table A, words halves, floats scales, struct op_args a)
{
    LOCAL_ARRAY float part[LANES];
    int c = get_group_id(0), lane = get_local_id(0);
    table x = A + a.in[0] + (ulong)c * a.ld_in[0];
    words to = halves + (ulong)c * a.step;
    float most = 0;

    for (int i = lane; i < a.k; i += LANES)
        most = fabs(x[i]) > most ? fabs(x[i]) : most;
    float scale = row_scale(group_most(part, most));
    for (int i = lane; i < a.step; i += LANES)
        to[i] = two_halves(2 * i < a.k ? x[2 * i] * scale : 0,
                           2 * i + 1 < a.k ? x[2 * i + 1] * scale : 0);
    if (lane == 0)
        scales[c] = scale;
}

/* Elements from, ..., from + 7 of group g of a weight's row. */
#define EIGHT(one)                                                                                 \
    UNROLL for (int i = 0; i < 4; i++) {                                                           \
        int j = from + 2 * i;                                                                      \
        float low = one * scale;                                                                   \
        j++;                                                                                       \
        to[i] = two_halves(low, one * scale);                                                      \
    }                                                                                              \
    return
static void narrow_weight(int type, bytes row, int g, int from, int n, float scale, uint *to)
{
    switch (type) { /* one loop each, so that scales are read once */
    case 2: row += (ulong)g * 18; EIGHT(q4_0(row, j));
    case 3: row += (ulong)g * 20; EIGHT(q4_1(row, j));
    case 6: row += (ulong)g * 22; EIGHT(q5_0(row, j));
    case 7: row += (ulong)g * 24; EIGHT(q5_1(row, j));
    case 8: row += (ulong)g * 34; EIGHT(q8_0(row, j));
    case 10: row += (ulong)(g / 8) * 84; EIGHT(q2_k(row, g % 8, j));
    case 11: row += (ulong)(g / 8) * 110; EIGHT(q3_k(row, g % 8, j));
    case 12: row += (ulong)(g / 8) * 144; EIGHT(q4_k(row, g % 8, j));
    case 13: row += (ulong)(g / 8) * 176; EIGHT(q5_k(row, g % 8, j));
    case 14: row += (ulong)(g / 8) * 210; EIGHT(q6_k(row, g % 8, j));
    default: EIGHT((j < n ? element(type, row, g, j) : 0));
    }
}

/* Where four words of a tile's row lie: turned, so that neither the writes of neighbouring threads
 * nor the eight rows of a matrix meet in a bank. */
static int word_at(int row, int four)
{
    return row * ROW_WORDS + ((four ^ (row >> 1 & 3)) * 4);
}

/* A step of a warp: its WARP_ROWS x WARP_COLS of the tile, 16 x 8 at a time. */
static void multiply(float sums[4][4][4], LOCAL_POINTER const uint *w, LOCAL_POINTER const uint *x,
                     int row0, int col0)
{
    int lane = get_local_id(0) % 32;

    for (int k = 0; k < TENSOR_K / 16; k++) {
        uint rows[4], cols[2][4];
        for (int j = 0; j < 2; j++) /* two times eight columns */
            matrices_at(cols[j], x + word_at(col0 + 16 * j + lane / 16 * 8 + lane % 8,
                                             2 * k + lane / 8 % 2));
        for (int i = 0; i < 4; i++) {
            matrices_at(rows, w + word_at(row0 + 16 * i + lane % 16, 2 * k + lane / 16));
            for (int j = 0; j < 4; j++)
                multiply_add(sums[i][j], rows, cols[j / 2] + j % 2 * 2);
        }
    }
}

union tile_memory { /* of a group */
    ALIGNED_16 uint steps[2][2][TILE_WORDS]; /* this one and the next: of weight, of batch */
    float sums[OUT_COLS][TENSOR_TILE + 4];   /* apart, so that a warp's writes meet in no bank */
};

/* A warp's sums to their place: [rows / 16][columns / 8][of a lane], mma's order. */
static void spread(LOCAL_POINTER union tile_memory *m, float sums[4][4][4], int row0, int col0)
{
    int lane = get_local_id(0) % 32;

    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            for (int n = 0; n < 4; n++)
                m->sums[col0 + 8 * j + lane % 4 * 2 + n % 2]
                       [row0 + 16 * i + n / 2 * 8 + lane / 4] = sums[i][j][n];
}

/* TENSOR_TILE rows of the weight by as many columns of the batch.  While some warps multiply a step
 * others unpack the next, each thread half a group of a row. */
__kernel TWO_GROUPS(TENSOR_GROUP)
void tensor(bytes W, table w_scales, const_words X, table x_scales, floats Y, table A, table bias,
            struct op_args a)
{
    LOCAL_ARRAY union tile_memory tile;
    int me = get_local_id(0), row0 = me / 32 % 2 * WARP_ROWS;
    int col0 = me / 64 * WARP_COLS, mine = me / 2, part = me % 2;
    int r0 = get_group_id(0) * TENSOR_TILE, c0 = get_group_id(1) * TENSOR_TILE;
    int row = r0 + mine < a.n ? r0 + mine : a.n - 1; /* beyond: the last again, for nothing */
    int col = c0 + mine < a.rows ? c0 + mine : a.rows - 1;
    bytes from = W + a.weight_at + (ulong)row * a.row_bytes;
    const_words x_from = X + (ulong)col * a.step;
    float scale = w_scales[row], s[4][4][4];
    int steps = a.step / ROW_WORDS;

    for (int i = 0; i < 64; i++)
        s[i / 16][i / 4 % 4][i % 4] = 0;
    for (int g = 0; g <= steps; g++) {
        LOCAL_POINTER uint *w = tile.steps[g % 2][0], *x = tile.steps[g % 2][1];
        ONE_BY_ONE for (int i = 2 * part; i < 2 * part + 2 && g < steps; i++) {
            uint four[4];
            narrow_weight(a.type, from, g, 8 * i, in_group(a.k, g), scale, four);
            put_four(w + word_at(mine, i), four);
            copy_four(four, x_from + g * ROW_WORDS + 4 * i);
            put_four(x + word_at(mine, i), four);
        }
        if (g > 0)
            multiply(s, tile.steps[(g - 1) % 2][0], tile.steps[(g - 1) % 2][1], row0, col0);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int at = 0; at < TENSOR_TILE; at += OUT_COLS) {
        if (col0 / OUT_COLS * OUT_COLS == at)
            spread(&tile, s, row0, col0 - at);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = me; i < OUT_COLS * TENSOR_TILE; i += TENSOR_GROUP) {
            int r = r0 + i % TENSOR_TILE, c = i / TENSOR_TILE;
            float sum = tile.sums[c][i % TENSOR_TILE];
            c += c0 + at;
            if (r < a.n && c < a.rows)
                put(&a, Y, A, bias, r, c, sum * (1 / (w_scales[r] * x_scales[c])));
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

#endif
