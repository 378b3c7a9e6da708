/* opencl_kernels.cl -- the operations of program.h in OpenCL C, after opencl_args.h.
 *
 * Plain float32.  Products are summed in 16 lanes by index modulo 16, with fma in order, then l with
 * l+8, l+4, l+2, l+1, whatever the batch, so that a row always gives the same bits on one device.
 *  exp, tanh and erf are the device's, within the bounds of its profile.
 * Weights are read in the format of the file. */
#pragma OPENCL FP_CONTRACT OFF

#define PAGE 32   /* KV_PAGE */
#define BLOCK 256 /* LSE_BLOCK */

typedef __global const uchar *bytes;
typedef __global float *floats;
typedef __global const float *table;
typedef __global const int *ints;

/* ---- formats: 32 elements of a row, number g ------------------------------------------------ */

static float half_at(bytes p)
{
    return vload_half(0, (__global const half *)p);
}

static uint u32_at(bytes p)
{
    return (uint)p[0] | (uint)p[1] << 8 | (uint)p[2] << 16 | (uint)p[3] << 24;
}

static void q4_0(bytes b, float *y)
{
    float d = half_at(b);
    for (int j = 0; j < 16; j++) {
        y[j] = d * (float)((int)(b[2 + j] & 15) - 8);
        y[j + 16] = d * (float)((int)(b[2 + j] >> 4) - 8);
    }
}

static void q4_1(bytes b, float *y)
{
    float d = half_at(b), m = half_at(b + 2);
    for (int j = 0; j < 16; j++) {
        y[j] = d * (float)(b[4 + j] & 15) + m;
        y[j + 16] = d * (float)(b[4 + j] >> 4) + m;
    }
}

static void q5_0(bytes b, float *y)
{
    float d = half_at(b);
    uint high = u32_at(b + 2);
    for (int j = 0; j < 16; j++) {
        int lo = (b[6 + j] & 15) | (int)(high >> j & 1) << 4;
        int hi = b[6 + j] >> 4 | (int)(high >> (j + 16) & 1) << 4;
        y[j] = d * (float)(lo - 16);
        y[j + 16] = d * (float)(hi - 16);
    }
}

static void q5_1(bytes b, float *y)
{
    float d = half_at(b), m = half_at(b + 2);
    uint high = u32_at(b + 4);
    for (int j = 0; j < 16; j++) {
        int lo = (b[8 + j] & 15) | (int)(high >> j & 1) << 4;
        int hi = b[8 + j] >> 4 | (int)(high >> (j + 16) & 1) << 4;
        y[j] = d * (float)lo + m;
        y[j + 16] = d * (float)hi + m;
    }
}

static void q8_0(bytes b, float *y)
{
    float d = half_at(b);
    for (int j = 0; j < 32; j++)
        y[j] = d * (float)(char)b[2 + j];
}

static void q2_k(bytes b, int g, float *y)
{
    float d = half_at(b + 80), dmin = half_at(b + 82);
    for (int j = 0; j < 32; j++) {
        int s = 2 * g + j / 16;
        uchar code = b[16 + 32 * (g / 4) + j];
        float scale = d * (float)(b[s] & 15), min = dmin * (float)(b[s] >> 4);
        y[j] = scale * (float)(code >> 2 * (g % 4) & 3) - min;
    }
}

static int q3_k_scale(bytes b, int s)
{
    int low = s < 8 ? b[s] & 15 : b[s - 8] >> 4;

    return (low | (b[8 + s % 4] >> (2 * (s / 4)) & 3) << 4) - 32;
}

static void q3_k(bytes b, int g, float *y)
{
    float d = half_at(b + 108);
    for (int j = 0; j < 32; j++) {
        float scale = d * (float)q3_k_scale(b + 96, 2 * g + j / 16);
        int q = (b[32 + 32 * (g / 4) + j] >> (2 * (g % 4)) & 3) - (b[j] >> g & 1 ? 0 : 4);
        y[j] = scale * (float)q;
    }
}

static int k_scale(bytes s, int j)
{
    return j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
}

static int k_min(bytes s, int j)
{
    return j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4;
}

static void q4_k(bytes b, int g, float *y)
{
    float scale = half_at(b) * (float)k_scale(b + 4, g);
    float min = half_at(b + 2) * (float)k_min(b + 4, g);
    bytes codes = b + 16 + 32 * (g / 2);
    int shift = 4 * (g % 2);
    for (int j = 0; j < 32; j++)
        y[j] = scale * (float)(codes[j] >> shift & 15) - min;
}

static void q5_k(bytes b, int g, float *y)
{
    float scale = half_at(b) * (float)k_scale(b + 4, g);
    float min = half_at(b + 2) * (float)k_min(b + 4, g);
    bytes codes = b + 48 + 32 * (g / 2), high = b + 16;
    int shift = 4 * (g % 2);
    for (int j = 0; j < 32; j++)
        y[j] = scale * (float)((codes[j] >> shift & 15) | (high[j] >> g & 1) << 4) - min;
}

static void q6_k(bytes b, int g, float *y)
{
    float d = half_at(b + 208);
    bytes low = b + 64 * (g / 4) + 32 * (g % 2), high = b + 128 + 32 * (g / 4);
    int low_shift = 4 * (g / 2 % 2), high_shift = 2 * (g % 4);
    for (int j = 0; j < 32; j++) {
        int q = (low[j] >> low_shift & 15) | (high[j] >> high_shift & 3) << 4;
        y[j] = d * (float)(char)b[192 + 2 * g + j / 16] * (float)(q - 32);
    }
}

/* y[0..n), zeros up to 32; n < 32 only in formats without blocks.  Types as in quant.h. */
static void unpack(int type, bytes row, int g, int n, float *y)
{
    switch (type) {
    case 2: q4_0(row + (ulong)g * 18, y); return;
    case 3: q4_1(row + (ulong)g * 20, y); return;
    case 6: q5_0(row + (ulong)g * 22, y); return;
    case 7: q5_1(row + (ulong)g * 24, y); return;
    case 8: q8_0(row + (ulong)g * 34, y); return;
    case 10: q2_k(row + (ulong)(g / 8) * 84, g % 8, y); return;
    case 11: q3_k(row + (ulong)(g / 8) * 110, g % 8, y); return;
    case 12: q4_k(row + (ulong)(g / 8) * 144, g % 8, y); return;
    case 13: q5_k(row + (ulong)(g / 8) * 176, g % 8, y); return;
    case 14: q6_k(row + (ulong)(g / 8) * 210, g % 8, y); return;
    case 1:
        for (int j = 0; j < 32; j++)
            y[j] = j < n ? half_at(row + 2 * (32 * (ulong)g + j)) : 0;
        return;
    case 30:
        for (int j = 0; j < 32; j++)
            y[j] = j < n ? as_float((uint)row[2 * (32 * (ulong)g + j)] << 16 |
                                    (uint)row[2 * (32 * (ulong)g + j) + 1] << 24) : 0;
        return;
    default:
        for (int j = 0; j < 32; j++)
            y[j] = j < n ? ((table)row)[32 * (ulong)g + j] : 0;
        return;
    }
}

static int in_group(int k, int g)
{
    return k - 32 * g < 32 ? k - 32 * g : 32;
}

/* ---- functions of one number ---------------------------------------------------------------- */

static float activate(int act, float x)
{
    switch (act) { /* enum activation */
    case 1: return x / (1 + exp(-x));
    case 2: return 0.5f * x * (1 + tanh(0.7978845608f * (x + 0.044715f * x * x * x)));
    case 3: return 0.5f * x * (1 + erf(x * 0.70710678118f));
    case 4: return x > 0 ? x : 0;
    case 5: return x > 0 ? x * x : 0;
    case 6: return 1 / (1 + exp(-x));
    case 7: return x > 20 ? x : log1p(exp(x));
    case 8: return tanh(x);
    default: return x;
    }
}

static float gate_of(const struct op_args *a, float x)
{
    return a->has_threshold ? (x >= a->limit ? x : 0) : activate(a->act, x);
}

static float soft_cap(float x, float cap)
{
    return cap != 0 ? cap * tanh(x / cap) : x;
}

/* swiglu of gpt-oss */
static float clamped_glu(float limit, float g, float u)
{
    g = g > limit ? limit : g;
    u = u > limit ? limit : u < -limit ? -limit : u;
    return g / (1 + exp(-1.702f * g)) * (u + 1);
}

static float finish(const struct op_args *a, float v, float there, float other)
{
    switch (a->finish) {
    case FINISH_ADD: return other + a->scale * v;
    case FINISH_ACT: return gate_of(a, v);
    case FINISH_GLU: return gate_of(a, there) * v;
    case FINISH_LOGIT: return soft_cap(v * a->scale, a->softcap);
    case FINISH_CLAMPED_GLU: return clamped_glu(a->limit, there, v);
    default: return v;
    }
}

/* ---- products ------------------------------------------------------------------------------- */

static float lanes_sum(float16 s)
{
    float8 h = s.lo + s.hi;
    float4 q = h.lo + h.hi;
    float2 t = q.lo + q.hi;
    return t.x + t.y;
}

static float16 load_some(table p, int n)
{
    float y[16];
    for (int i = 0; i < 16; i++)
        y[i] = i < n ? p[i] : 0;
    return vload16(0, y);
}

static void put(const struct op_args *a, floats Y, table other, table bias, int r, int c, float v)
{
    ulong at = a->out[0] + (ulong)c * a->ld_out[0] + r;
    float there = a->finish == FINISH_GLU ? Y[at] : 0;
    float more = a->finish == FINISH_ADD ? other[a->in[1] + (ulong)c * a->ld_in[1] + r] : 0;

    Y[at] = finish(a, bias ? v + bias[r] : v, there, more);
}

/* Rows row0 .. row0+n-1 of a weight as floats: panel[row][k]. */
__kernel void expand(bytes W, floats panel, struct op_args a)
{
    int g = get_global_id(0), r = get_global_id(1);
    float y[32];

    if (32 * g >= a.k)
        return;
    unpack(a.type, W + a.weight_at + (ulong)(a.row0 + r) * a.row_bytes, g, in_group(a.k, g), y);
    for (int j = 0; j < in_group(a.k, g); j++)
        panel[(ulong)r * a.k + 32 * g + j] = y[j];
}

/* A tile's sums have names of their own: as an array they would stay in memory. */
#define FOR_ROW(M, r) M(r, 0) M(r, 1) M(r, 2) M(r, 3)
#define FOR_TILE(M) FOR_ROW(M, 0) FOR_ROW(M, 1) FOR_ROW(M, 2) FOR_ROW(M, 3)
#define SUM(r, c) float16 s##r##c = 0;
#define STEP(r, c) s##r##c = fma(v##r, u##c, s##r##c);
#define LAST(r, c)                                                                                 \
    s##r##c = fma(load_some(w##r + whole, rest), load_some(x##c + whole, rest), s##r##c);
#define PUT(r, c)                                                                                  \
    if (r0 + r < a.n && c0 + c < a.rows)                                                           \
        put(&a, Y, X, bias, a.row0 + r0 + r, c0 + c, lanes_sum(s##r##c));
#define ROW(r) table w##r = W + a.weight_at + (ulong)min(r0 + r, a.n - 1) * a.k;
#define COL(c) table x##c = X + a.in[0] + (ulong)min(c0 + c, a.rows - 1) * a.ld_in[0];

/* Y[c][row0 + r] for n rows of floats, `rows` columns. */
__kernel void gemm(table W, table X, floats Y, table bias, struct op_args a)
{
    int r0 = get_global_id(0) * TILE_ROWS, c0 = get_global_id(1) * TILE_COLS;
    int whole = a.k / 16 * 16, rest = a.k - whole;

    if (r0 >= a.n || c0 >= a.rows)
        return;
    ROW(0) ROW(1) ROW(2) ROW(3)
    COL(0) COL(1) COL(2) COL(3)
    FOR_TILE(SUM)
    for (int i = 0; i < whole; i += 16) {
        float16 u0 = vload16(0, x0 + i), u1 = vload16(0, x1 + i);
        float16 u2 = vload16(0, x2 + i), u3 = vload16(0, x3 + i);
        float16 v0 = vload16(0, w0 + i), v1 = vload16(0, w1 + i);
        float16 v2 = vload16(0, w2 + i), v3 = vload16(0, w3 + i);
        FOR_TILE(STEP)
    }
    if (rest) {
        FOR_TILE(LAST)
    }
    FOR_TILE(PUT)
}

/* The same of a weight as it is in the file, for few columns: a work-item per row. */
__kernel void thin(bytes W, table X, floats Y, table bias, struct op_args a)
{
    int r = get_global_id(0);
    bytes row = W + a.weight_at + (ulong)r * a.row_bytes;
    float16 s[THIN_COLS];
    float y[32];

    if (r >= a.n)
        return;
    for (int c = 0; c < a.rows; c++)
        s[c] = 0;
    for (int g = 0; 32 * g < a.k; g++) {
        int n = in_group(a.k, g);
        unpack(a.type, row, g, n, y);
        float16 low = vload16(0, y), high = vload16(1, y);
        for (int c = 0; c < a.rows; c++) {
            table x = X + a.in[0] + (ulong)c * a.ld_in[0] + 32 * g;
            s[c] = fma(low, n < 16 ? load_some(x, n) : vload16(0, x), s[c]);
            if (n > 16)
                s[c] = fma(high, n < 32 ? load_some(x + 16, n - 16) : vload16(1, x), s[c]);
        }
    }
    for (int c = 0; c < a.rows; c++)
        put(&a, Y, X, bias, r, c, lanes_sum(s[c]));
}

/* Of the experts that in[1] names: out part p = w[expert] x + bias[expert]; x: in[0]'s row (up), times
 * its weight where that enters, or the row's part p (down: part_ld > 0). */
__kernel void experts(bytes W, floats A, table bias, struct op_args a)
{
    int r = get_global_id(0), pair = get_global_id(1);
    int row = pair / a.parts, part = pair % a.parts;
    if (r >= a.n)
        return;
    table routed = A + a.in[1] + (ulong)row * a.ld_in[1];
    int expert = (int)routed[part];
    float weight = a.weighs_input ? routed[a.parts + part] : 1;
    table x = A + a.in[0] + (ulong)row * a.ld_in[0] + (ulong)part * a.part_ld;
    bytes w = W + a.weight_at + (ulong)expert * a.slab_bytes + (ulong)r * a.row_bytes;
    floats to = A + a.out[0] + (ulong)row * a.ld_out[0] + (ulong)part * a.step + r;
    float16 s = 0;
    float y[32];

    for (int g = 0; 32 * g < a.k; g++) {
        int n = in_group(a.k, g);
        unpack(a.type, w, g, n, y);
        for (int i = 0; i < n; i += 16) {
            float16 v = n - i < 16 ? load_some(x + 32 * g + i, n - i) : vload16(0, x + 32 * g + i);
            s = fma(vload16(0, y + i), v * weight, s);
        }
    }
    float v = lanes_sum(s);
    if (bias)
        v += bias[(ulong)expert * a.n + r];
    *to = finish(&a, v, *to, 0);
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* The sum over a group's lanes, for all of them; part is free again at the next barrier. */
static float group_sum(__local float *part, float v)
{
    int lane = get_local_id(0);
    float sum = 0;

    barrier(CLK_LOCAL_MEM_FENCE);
    part[lane] = v;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 0; i < LANES; i++)
        sum += part[i];
    return sum;
}

/* y = norm(x) * w + b over n floats by a group. */
static void norm(__local float *part, floats y, table x, table w, table b, int n, float eps,
                 int mean_removed)
{
    int lane = get_local_id(0);
    float sum = 0, square = 0, mean = 0;

    if (mean_removed) {
        for (int i = lane; i < n; i += LANES)
            sum += x[i];
        mean = group_sum(part, sum) / n;
    }
    for (int i = lane; i < n; i += LANES)
        square = fma(x[i] - mean, x[i] - mean, square);
    float r = 1 / sqrt(group_sum(part, square) / n + eps);
    for (int i = lane; i < n; i += LANES) {
        float v = (x[i] - mean) * r;
        v = w ? v * w[i] : v;
        y[i] = b ? v + b[i] : v;
    }
}

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1)))
void row_norm(floats A, table w, table b, struct op_args a)
{
    __local float part[LANES];
    ulong row = get_group_id(0);

    norm(part, A + a.out[0] + row * a.ld_out[0], A + a.in[0] + row * a.ld_in[0], w, b, a.n, a.eps,
         a.mean_removed);
}

__kernel __attribute__((reqd_work_group_size(LANES, 1, 1)))
void head_norm(floats A, table w, struct op_args a)
{
    __local float part[LANES];
    ulong row = get_group_id(0) / a.heads, head = get_group_id(0) % a.heads;
    floats y = A + a.out[0] + row * a.ld_out[0] + head * a.head_dim;

    norm(part, y, y, w ? w + head * a.step : w, 0, a.head_dim, a.eps, a.mean_removed);
}

__kernel void embed(bytes W, bytes P, floats A, ints batch, struct op_args a)
{
    int g = get_global_id(0), row = get_global_id(1), n = in_group(a.k, g);
    int token = batch[a.tokens_at + row];
    floats y = A + a.out[0] + (ulong)row * a.ld_out[0] + 32 * g;
    float v[32], p[32];

    if (32 * g >= a.k)
        return;
    if (token >= a.n)
        token = 0;
    unpack(a.type, W + (ulong)token * a.row_bytes, g, n, v);
    if (P)
        unpack(a.type_2, P + (ulong)batch[a.positions_at + row] * a.slab_bytes, g, n, p);
    for (int j = 0; j < n; j++)
        y[j] = P ? v[j] * a.scale + p[j] : v[j] * a.scale;
}

__kernel void rope(floats A, table angles, struct op_args a)
{
    int i = get_global_id(0), row = get_global_id(1), half_rot = a.n_rot / 2;
    int head = i / half_rot, pair = i % half_rot;
    floats x = A + a.out[0] + (ulong)row * a.ld_out[0] + (ulong)head * a.head_dim + a.at;
    table c = angles + a.in[1] + (ulong)row * a.n_rot;
    int at = a.halves ? pair : 2 * pair, apart = a.halves ? half_rot : 1;

    if (head >= a.heads)
        return;
    float p = x[at], q = x[at + apart];
    x[at] = p * c[pair] - q * c[half_rot + pair];
    x[at + apart] = p * c[half_rot + pair] + q * c[pair];
}

__kernel void clamp_row(floats A, struct op_args a)
{
    floats y = A + a.out[0] + (ulong)get_global_id(1) * a.ld_out[0] + get_global_id(0);

    if (get_global_id(0) >= (uint)a.n)
        return;
    *y = *y > a.limit ? a.limit : *y < -a.limit ? -a.limit : *y;
}

__kernel void threshold_row(floats A, struct op_args a)
{
    floats y = A + a.out[0] + (ulong)get_global_id(1) * a.ld_out[0] + get_global_id(0);

    if (get_global_id(0) >= (uint)a.n)
        return;
    *y = *y < a.limit ? 0 : *y;
}

__kernel void scale_row(floats A, struct op_args a)
{
    if (get_global_id(0) < (uint)a.n)
        A[a.out[0] + (ulong)get_global_id(1) * a.ld_out[0] + get_global_id(0)] *= a.scale;
}

__kernel void temper_row(floats A, ints batch, struct op_args a)
{
    int steps = (batch[a.positions_at + get_global_id(1)] + a.temper_offset) / a.temper_length;

    if (steps > 0 && get_global_id(0) < (uint)a.n)
        A[a.out[0] + (ulong)get_global_id(1) * a.ld_out[0] + get_global_id(0)] *=
            1 + a.temper_scale * log(1.0f + steps);
}

__kernel void add_rows(floats A, struct op_args a)
{
    ulong i = get_global_id(0), row = get_global_id(1);
    if (i >= (uint)a.n)
        return;
    A[a.out[0] + row * a.ld_out[0] + i] =
        A[a.in[0] + row * a.ld_in[0] + i] + a.scale * A[a.in[1] + row * a.ld_in[1] + i];
}

__kernel void gate_rows(floats A, struct op_args a)
{
    ulong i = get_global_id(0), row = get_global_id(1);
    if (i >= (uint)a.n)
        return;
    A[a.out[0] + row * a.ld_out[0] + i] = activate(a.act, A[a.in[0] + row * a.ld_in[0] + i]) *
                                          A[a.in[1] + row * a.ld_in[1] + i];
}

__kernel void scale_by(floats A, struct op_args a)
{
    ulong i = get_global_id(0), row = get_global_id(1);
    if (i >= (uint)a.n)
        return;
    A[a.out[0] + row * a.ld_out[0] + i] =
        A[a.in[0] + row * a.ld_in[0] + i] * activate(a.act, A[a.in[1] + row * a.ld_in[1]]);
}

__kernel void slice_row(floats A, table w, struct op_args a)
{
    ulong i = get_global_id(0), row = get_global_id(1);

    if (i >= (uint)a.n)
        return;
    float v = A[a.in[0] + row * a.ld_in[0] + a.at + i];
    A[a.out[0] + row * a.ld_out[0] + i] = w ? v * w[i] : v;
}

/* in[0] to `at` of out; twice makes [in[0] | in[1]]. */
__kernel void concat_rows(floats A, struct op_args a)
{
    ulong i = get_global_id(0), row = get_global_id(1);
    if (i >= (uint)a.n)
        return;
    A[a.out[0] + row * a.ld_out[0] + a.at + i] = A[a.in[0] + row * a.ld_in[0] + i];
}

__kernel void gather_rows(floats A, ints batch, struct op_args a)
{
    ulong i = get_global_id(0), row = get_global_id(1);
    if (i >= (uint)a.n)
        return;
    A[a.out[0] + row * a.ld_out[0] + i] =
        A[a.in[0] + (ulong)batch[a.wanted_at + row] * a.ld_in[0] + i];
}

/* ---- experts: which, and their sum ---------------------------------------------------------- */

static void softmax(floats v, int n)
{
    float max = -INFINITY, sum = 0;

    for (int i = 0; i < n; i++)
        max = v[i] > max ? v[i] : max;
    for (int i = 0; i < n; i++)
        sum += v[i] = exp(v[i] - max);
    for (int i = 0; i < n; i++)
        v[i] /= sum;
}

/* route.h without groups and SparseMixer; a work-item per row. */
__kernel void route_rows(floats A, table bias, table factor, struct op_args a)
{
    ulong row = get_global_id(0);
    floats v = A + a.in[0] + row * a.ld_in[0], out = A + a.out[0] + row * a.ld_out[0];
    floats weights = out + a.parts;
    float sum = 0;

    if (a.gating == 1)
        softmax(v, a.experts);
    for (int i = 0; a.gating == 2 && i < a.experts; i++)
        v[i] = activate(6, v[i]);
    for (int u = 0; u < a.parts; u++) {
        int best = -1;
        float most = -INFINITY;
        for (int i = 0; i < a.experts; i++) {
            float score = bias ? v[i] + bias[i] : v[i];
            int taken = 0;
            for (int t = 0; t < u; t++)
                taken |= (int)out[t] == i;
            if (!taken && score > most) {
                most = score;
                best = i;
            }
        }
        out[u] = best < 0 ? u : best; /* logits that are no numbers */
        weights[u] = v[best < 0 ? u : best];
    }
    if (a.gating == 3)
        softmax(weights, a.parts);
    for (int u = 0; u < a.parts; u++)
        sum += weights[u];
    for (int u = 0; u < a.parts; u++) {
        float w = a.is_normalised && sum > 0 ? weights[u] / sum : weights[u];
        w *= a.scale;
        weights[u] = factor ? w * factor[(int)out[u]] : w;
    }
}

__kernel void combine_rows(floats A, struct op_args a)
{
    ulong i = get_global_id(0), row = get_global_id(1);
    table part = A + a.in[0] + row * a.ld_in[0] + i;
    table weights = A + a.in[1] + row * a.ld_in[1] + a.parts;
    float sum = 0;

    if (i >= (uint)a.n)
        return;
    for (int s = 0; s < a.parts; s++) {
        float v = part[(ulong)s * a.part_ld] * (a.weighs_input ? 1 : weights[s]);
        sum = s ? sum + v : v;
    }
    A[a.out[0] + row * a.ld_out[0] + i] = sum;
}

/* ---- keys, values, attention ---------------------------------------------------------------- */

static floats page_at(floats kept, floats scratch, int page, const struct op_args *a)
{
    return page >= 0 ? kept + (ulong)page * a->page_floats
                     : scratch + (ulong)~page * a->scratch_floats;
}

/* A work-item has one dimension of one head through all rows, so that copies of pages and rows keep
 * their order.  Keys lie [head][dimension][position], then values [head][position][dimension]. */
__kernel void kv_store(floats A, floats kept, floats scratch, ints batch, struct op_args a)
{
    int e = get_global_id(0), n_keys = a.kv_heads * a.head_dim, copy = 0;
    int is_value = e >= n_keys, d = is_value ? e - n_keys : e;
    ulong from = is_value ? a.in[1] : a.in[0], ld = is_value ? a.ld_in[1] : a.ld_in[0];
    int step = is_value ? a.value_dim : 1; /* from position to position */
    ulong at = is_value ? (ulong)n_keys * PAGE + (ulong)(d / a.value_dim) * a.value_dim * PAGE +
                              d % a.value_dim
                        : (ulong)d * PAGE;
    ints c = batch + a.copies_at;

    if (e >= n_keys + a.kv_heads * a.value_dim)
        return;
    for (int row = 0; row < a.rows; row++) {
        for (; copy < a.n_copies && c[3 * copy + 2] <= row; copy++) {
            floats to = page_at(kept, scratch, c[3 * copy], &a) + at;
            floats src = page_at(kept, scratch, c[3 * copy + 1], &a) + at;
            for (int p = 0; p < PAGE; p++)
                to[p * step] = src[p * step];
        }
        int position = batch[a.positions_at + row];
        int page = batch[batch[a.page_list_at + row] + position / PAGE];
        page_at(kept, scratch, page, &a)[at + position % PAGE * step] = A[from + row * ld + d];
    }
}

/* One query head of one row by a work-item: kernels.h's struct attend. */
__kernel void attention(floats A, floats kept, floats scratch, table sinks, table slopes,
                        ints batch, struct op_args a)
{
    int h = get_global_id(0), row = get_global_id(1), head = h / (a.heads / a.kv_heads);
    int last = batch[a.positions_at + row], first = a.chunk ? last / a.chunk * a.chunk : 0;
    ints pages = batch + batch[a.page_list_at + row];
    table q = A + a.in[0] + (ulong)row * a.ld_in[0] + (ulong)h * a.head_dim;
    floats out = A + a.out[0] + (ulong)row * a.ld_out[0] + (ulong)h * a.value_dim;
    ulong values_at = (ulong)a.kv_heads * a.head_dim * PAGE + (ulong)head * a.value_dim * PAGE;
    float max = sinks ? sinks[h] : -INFINITY, sum = sinks ? 1 : 0;
    float s[PAGE];

    if (a.window && last - a.window + 1 > first)
        first = last - a.window + 1;
    for (int d = 0; d < a.value_dim; d++)
        out[d] = 0;
    for (int page = first / PAGE; page <= last / PAGE; page++) {
        table k = page_at(kept, scratch, pages[page], &a);
        table v = k + values_at;
        int from = first > page * PAGE ? first - page * PAGE : 0;
        int to = min(last - page * PAGE, PAGE - 1);
        float16 low = 0, high = 0;
        k += (ulong)head * a.head_dim * PAGE;
        for (int d = 0; d < a.head_dim; d++) {
            low = fma((float16)q[d], vload16(0, k + d * PAGE), low);
            high = fma((float16)q[d], vload16(1, k + d * PAGE), high);
        }
        vstore16(low * a.scale, 0, s);
        vstore16(high * a.scale, 1, s);
        float before = max;
        for (int j = from; j <= to; j++) {
            s[j] = soft_cap(s[j], a.softcap);
            if (slopes)
                s[j] = fma(slopes[h], (float)(page * PAGE + j - last), s[j]);
            max = s[j] > max ? s[j] : max;
        }
        float shrink = exp(before - max);
        sum *= shrink;
        for (int j = from; j <= to; j++)
            sum += s[j] = exp(s[j] - max);
        int d = 0;
        for (; d + 16 <= a.value_dim; d += 16) {
            float16 o = vload16(0, out + d) * shrink;
            for (int j = from; j <= to; j++)
                o = fma((float16)s[j], vload16(0, v + j * a.value_dim + d), o);
            vstore16(o, 0, out + d);
        }
        for (; d < a.value_dim; d++) {
            float o = out[d] * shrink;
            for (int j = from; j <= to; j++)
                o = fma(s[j], v[j * a.value_dim + d], o);
            out[d] = o;
        }
    }
    for (int d = 0; d < a.value_dim; d++)
        out[d] /= sum;
}

/* ---- the head ------------------------------------------------------------------------------- */

/* A block of a row of logits[rows][vocab] to max, sum of exp(x - max), and where the maximum is. */
__kernel void log_sum(table logits, floats out, struct op_args a)
{
    int block = get_global_id(0), row = get_global_id(1), best = 0;
    int n = min(a.vocab - block * BLOCK, BLOCK);
    table x = logits + (ulong)row * a.vocab + (ulong)block * BLOCK;
    floats to = out + 3 * ((ulong)row * a.n + block);
    float max = -INFINITY, sum = 0;
    float16 s = 0;
    int i = 0;

    for (int j = 0; j < n; j++)
        if (x[j] > max) {
            max = x[j];
            best = j;
        }
    for (; i + 16 <= n; i += 16)
        s += exp(vload16(0, x + i) - max);
    for (; i < n; i++)
        sum += exp(x[i] - max);
    to[0] = max;
    to[1] = lanes_sum(s) + sum;
    to[2] = best;
}

/* targets: (row, token) */
__kernel void pick(table logits, floats out, ints batch, struct op_args a)
{
    int i = get_global_id(0);
    ints t = batch + a.targets_at + 2 * i;

    out[i] = logits[(ulong)t[0] * a.vocab + t[1]];
}
