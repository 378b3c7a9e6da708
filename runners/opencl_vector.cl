/* opencl_vector.cl -- products, attention and the sum over the vocabulary for processors: a work-
 * item has whole rows and works in registers of 16 floats.
 *
 * Products are summed in 16 lanes by index modulo 16, with fma in order, then l with l+8, l+4, l+2,
 * l+1, whatever the batch, so that a row always gives the same bits on one device. */

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

/* Of the experts that in[1] names: out part p = w[expert] x + bias[expert]; x: in[0]'s row (up),
 * times its weight where that enters, or the row's part p (down: part_ld > 0). */
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

/* ---- bandwidth ------------------------------------------------------------------------------ */

/* A work-item reads a stretch of a.in[0] numbers from end to end; a sum that no numbers have is kept,
 * so that nothing can be left out. */
__kernel void read_all(table x, floats out, struct op_args a)
{
    table at = x + get_global_id(0) * a.in[0];
    float16 sum = 0, other = 0;

    for (ulong i = 0; i + 32 <= a.in[0]; i += 32) {
        sum += vload16(0, at + i);
        other += vload16(0, at + i + 16);
    }
    sum += other;
    if (sum.s0 + sum.s7 + sum.sf == 12345.678f)
        out[0] = sum.s1;
}
