/* opencl_kernels.cl -- the operations of program.h in OpenCL C, after opencl_args.h and before the
 * products and attention of opencl_vector.cl (processors) or opencl_lanes.cl (GPUs).
 *
 * Plain float32.  exp, tanh and erf are the device's, within the bounds of its profile.
 * Weights are read in the format of the file. */
#ifdef __OPENCL_VERSION__ /* else cuda_prelude.cuh has said what these are */
#pragma OPENCL FP_CONTRACT OFF
#define FIXED_GROUP(x, y) __attribute__((reqd_work_group_size(x, y, 1)))
#define LOCAL_ARRAY __local
#define LOCAL_POINTER __local
#endif

#define PAGE 32   /* KV_PAGE */
#define BLOCK 256 /* LSE_BLOCK */

typedef signed char schar;
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

static uint bit_of(uint bits, int j)
{
    return bits >> j & 1;
}

static float q4_0(bytes b, int j)
{
    return half_at(b) * (float)((int)(b[2 + j % 16] >> 4 * (j / 16) & 15) - 8);
}

static float q4_1(bytes b, int j)
{
    return half_at(b) * (float)(b[4 + j % 16] >> 4 * (j / 16) & 15) + half_at(b + 2);
}

static float q5_0(bytes b, int j)
{
    int q = (b[6 + j % 16] >> 4 * (j / 16) & 15) | bit_of(u32_at(b + 2), j) << 4;

    return half_at(b) * (float)(q - 16);
}

static float q5_1(bytes b, int j)
{
    int q = (b[8 + j % 16] >> 4 * (j / 16) & 15) | bit_of(u32_at(b + 4), j) << 4;

    return half_at(b) * (float)q + half_at(b + 2);
}

static float q8_0(bytes b, int j)
{
    return half_at(b) * (float)(schar)b[2 + j];
}

static float q2_k(bytes b, int g, int j)
{
    int s = 2 * g + j / 16;
    float scale = half_at(b + 80) * (float)(b[s] & 15), min = half_at(b + 82) * (float)(b[s] >> 4);

    return scale * (float)(b[16 + 32 * (g / 4) + j] >> 2 * (g % 4) & 3) - min;
}

static int q3_k_scale(bytes b, int s)
{
    int low = s < 8 ? b[s] & 15 : b[s - 8] >> 4;

    return (low | (b[8 + s % 4] >> (2 * (s / 4)) & 3) << 4) - 32;
}

static float q3_k(bytes b, int g, int j)
{
    int q = (b[32 + 32 * (g / 4) + j] >> (2 * (g % 4)) & 3) - (b[j] >> g & 1 ? 0 : 4);

    return half_at(b + 108) * (float)q3_k_scale(b + 96, 2 * g + j / 16) * (float)q;
}

static int k_scale(bytes s, int j)
{
    return j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
}

static int k_min(bytes s, int j)
{
    return j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4;
}

static float q4_k(bytes b, int g, int j)
{
    float scale = half_at(b) * (float)k_scale(b + 4, g);
    float min = half_at(b + 2) * (float)k_min(b + 4, g);

    return scale * (float)(b[16 + 32 * (g / 2) + j] >> 4 * (g % 2) & 15) - min;
}

static float q5_k(bytes b, int g, int j)
{
    float scale = half_at(b) * (float)k_scale(b + 4, g);
    float min = half_at(b + 2) * (float)k_min(b + 4, g);
    int q = (b[48 + 32 * (g / 2) + j] >> 4 * (g % 2) & 15) | (b[16 + j] >> g & 1) << 4;

    return scale * (float)q - min;
}

static float q6_k(bytes b, int g, int j)
{
    int low = b[64 * (g / 4) + 32 * (g % 2) + j] >> 4 * (g / 2 % 2) & 15;
    int high = b[128 + 32 * (g / 4) + j] >> 2 * (g % 4) & 3;

    float scale = half_at(b + 208) * (float)(schar)b[192 + 2 * g + j / 16];

    return scale * (float)((low | high << 4) - 32);
}

static float bf16_at(bytes p)
{
    return as_float((uint)p[0] << 16 | (uint)p[1] << 24);
}

/* Number j < 32 of group g of a row; types as in quant.h. */
static float element(int type, bytes row, int g, int j)
{
    switch (type) {
    case 1: return half_at(row + 2 * (32 * (ulong)g + j));
    case 2: return q4_0(row + (ulong)g * 18, j);
    case 3: return q4_1(row + (ulong)g * 20, j);
    case 6: return q5_0(row + (ulong)g * 22, j);
    case 7: return q5_1(row + (ulong)g * 24, j);
    case 8: return q8_0(row + (ulong)g * 34, j);
    case 10: return q2_k(row + (ulong)(g / 8) * 84, g % 8, j);
    case 11: return q3_k(row + (ulong)(g / 8) * 110, g % 8, j);
    case 12: return q4_k(row + (ulong)(g / 8) * 144, g % 8, j);
    case 13: return q5_k(row + (ulong)(g / 8) * 176, g % 8, j);
    case 14: return q6_k(row + (ulong)(g / 8) * 210, g % 8, j);
    case 30: return bf16_at(row + 2 * (32 * (ulong)g + j));
    default: return ((table)row)[32 * (ulong)g + j];
    }
}

/* y[0..n), zeros up to 32; n < 32 only in formats without blocks. */
#define UNPACK(one) for (int j = 0; j < 32; j++) y[j] = one; return
static void unpack(int type, bytes row, int g, int n, float *y)
{
    switch (type) { /* one loop each, so that scales are read once */
    case 2: row += (ulong)g * 18; UNPACK(q4_0(row, j));
    case 3: row += (ulong)g * 20; UNPACK(q4_1(row, j));
    case 6: row += (ulong)g * 22; UNPACK(q5_0(row, j));
    case 7: row += (ulong)g * 24; UNPACK(q5_1(row, j));
    case 8: row += (ulong)g * 34; UNPACK(q8_0(row, j));
    case 10: row += (ulong)(g / 8) * 84; UNPACK(q2_k(row, g % 8, j));
    case 11: row += (ulong)(g / 8) * 110; UNPACK(q3_k(row, g % 8, j));
    case 12: row += (ulong)(g / 8) * 144; UNPACK(q4_k(row, g % 8, j));
    case 13: row += (ulong)(g / 8) * 176; UNPACK(q5_k(row, g % 8, j));
    case 14: row += (ulong)(g / 8) * 210; UNPACK(q6_k(row, g % 8, j));
    default: UNPACK(j < n ? element(type, row, g, j) : 0);
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

/* ---- rows ----------------------------------------------------------------------------------- */

/* The sum over a group's lanes, for all of them; part is free again at the next barrier. */
static float group_sum(LOCAL_POINTER float *part, float v)
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
static void norm(LOCAL_POINTER float *part, floats y, table x, table w, table b, int n, float eps,
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

__kernel FIXED_GROUP(LANES, 1)
void row_norm(floats A, table w, table b, struct op_args a)
{
    LOCAL_ARRAY float part[LANES];
    ulong row = get_group_id(0);

    norm(part, A + a.out[0] + row * a.ld_out[0], A + a.in[0] + row * a.ld_in[0], w, b, a.n, a.eps,
         a.mean_removed);
}

__kernel FIXED_GROUP(LANES, 1)
void head_norm(floats A, table w, struct op_args a)
{
    LOCAL_ARRAY float part[LANES];
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

/* Of v[n] + bias[n], or v[n], the highest that is not taken, at the lowest index; -1: none. */
static int highest(table v, table bias, int n, table taken, int n_taken)
{
    float most = -INFINITY;
    int best = -1;

    for (int i = 0; i < n; i++) {
        float score = bias ? v[i] + bias[i] : v[i];
        int is_taken = 0;
        for (int t = 0; t < n_taken; t++)
            is_taken |= (int)taken[t] == i;
        if (!is_taken && score > most) {
            most = score;
            best = i;
        }
    }
    return best;
}

/* The best score of a group, or the sum of its best two. */
static float group_score(table v, table bias, int n, int is_two)
{
    float best = -INFINITY, second = -INFINITY;

    for (int i = 0; i < n; i++) {
        float score = bias ? v[i] + bias[i] : v[i];
        if (score > best) {
            second = best;
            best = score;
        } else if (score > second) {
            second = score;
        }
    }
    return is_two && n > 1 ? best + second : best;
}

/* Groups with the best scores, ties to the lower number; others' experts are never chosen. */
static int is_open(table v, table bias, int group, const struct op_args *a)
{
    int n = a->experts / a->groups, before = 0;
    float mine = group_score(v + group * n, bias ? bias + group * n : bias, n, a->gating == 2);

    for (int g = 0; g < a->groups; g++) {
        float score = group_score(v + g * n, bias ? bias + g * n : bias, n, a->gating == 2);
        before += score > mine || (score == mine && g < group);
    }
    return before < a->groups_used;
}

/* Experts of groups that are not open become minus infinity. */
static void close_groups(floats v, table bias, const struct op_args *a)
{
    int n = a->experts / a->groups;
    uint open[32]; /* bits: no more groups than ROUTE_EXPERTS_MAX */

    for (int g = 0; g < a->groups; g++) {
        if (g % 32 == 0)
            open[g / 32] = 0;
        open[g / 32] |= (uint)is_open(v, bias, g, a) << g % 32;
    }
    for (int i = 0; i < a->experts; i++)
        if (!bit_of(open[i / n / 32], i / n % 32))
            v[i] = -INFINITY;
}

/* The softmax over what is near the best one left, at that one. */
static float sparsemixer(table logits, int best, int n, table taken, int n_taken)
{
    float top = logits[best], sum = 0;

    for (int i = 0; i < n; i++) {
        float size = fabs(logits[i]) > top ? fabs(logits[i]) : top;
        int is_taken = 0;
        for (int t = 0; t < n_taken; t++)
            is_taken |= (int)taken[t] == i;
        if (!is_taken && !((top - logits[i]) / size > 0.02f))
            sum += exp(logits[i] - top);
    }
    return 1 / sum;
}

/* route.h; a work-item per row. */
__kernel void route_rows(floats A, table bias, table factor, struct op_args a)
{
    ulong row = get_global_id(0);
    floats v = A + a.in[0] + row * a.ld_in[0], out = A + a.out[0] + row * a.ld_out[0];
    floats weights = out + a.parts;
    int is_mixer = a.gating == 4;
    float sum = 0;

    if (a.gating == 1)
        softmax(v, a.experts);
    for (int i = 0; a.gating == 2 && i < a.experts; i++)
        v[i] = activate(6, v[i]);
    if (a.groups > 1 && a.groups_used < a.groups && !is_mixer)
        close_groups(v, bias, &a);
    for (int u = 0; u < a.parts; u++) {
        int best = highest(v, is_mixer ? 0 : bias, a.experts, out, u);
        out[u] = best < 0 ? u : best; /* logits that are no numbers */
        weights[u] = is_mixer ? sparsemixer(v, (int)out[u], a.experts, out, u) : v[(int)out[u]];
    }
    if (a.gating == 3)
        softmax(weights, a.parts);
    for (int u = 0; u < a.parts; u++)
        sum += weights[u];
    for (int u = 0; u < a.parts; u++) {
        float w = a.is_normalised && !is_mixer && sum > 0 ? weights[u] / sum : weights[u];
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

/* ---- the head ------------------------------------------------------------------------------- */

/* targets: (row, token) */
__kernel void pick(table logits, floats out, ints batch, struct op_args a)
{
    int i = get_global_id(0);
    ints t = batch + a.targets_at + 2 * i;

    out[i] = logits[(ulong)t[0] * a.vocab + t[1]];
}
