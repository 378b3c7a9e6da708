/* opencl_lanes.cl -- products, attention and the sum over the vocabulary for GPUs: a group's work-
 * items read neighbouring numbers and share a row, a tile or a page.
 *
 * The order of a sum depends on the kernel, not on what ran before: few columns are summed by index
 * modulo LANES, many one after the other. */

#define TILE_GROUP 16
#define TILE (TILE_GROUP * TILE_ROWS) /* = TILE_GROUP * TILE_COLS */
#define TILE_K 16

/* A tile of TILE weight rows and TILE columns by TILE_GROUP x TILE_GROUP work-items. */
__kernel FIXED_GROUP(TILE_GROUP, TILE_GROUP)
void gemm(table W, table X, floats Y, table bias, struct op_args a)
{
    LOCAL_ARRAY float w[TILE_K][TILE + 1];
    LOCAL_ARRAY float x[TILE_K][TILE + 1];
    int lr = get_local_id(0), lc = get_local_id(1), me = lc * TILE_GROUP + lr;
    int r0 = get_group_id(0) * TILE, c0 = get_group_id(1) * TILE;
    float s[TILE_ROWS][TILE_COLS];

    for (int i = 0; i < TILE_ROWS; i++)
        for (int j = 0; j < TILE_COLS; j++)
            s[i][j] = 0;
    for (int k0 = 0; k0 < a.k; k0 += TILE_K) {
        for (int i = me; i < TILE_K * TILE; i += TILE_GROUP * TILE_GROUP) {
            int k = i % TILE_K, at = i / TILE_K, here = k0 + k < a.k;
            w[k][at] = here && r0 + at < a.n
                           ? W[a.weight_at + (ulong)(r0 + at) * a.k + k0 + k] : 0;
            x[k][at] = here && c0 + at < a.rows
                           ? X[a.in[0] + (ulong)(c0 + at) * a.ld_in[0] + k0 + k] : 0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < TILE_K; k++)
            for (int i = 0; i < TILE_ROWS; i++)
                for (int j = 0; j < TILE_COLS; j++)
                    s[i][j] = fma(w[k][lr + i * TILE_GROUP], x[k][lc + j * TILE_GROUP], s[i][j]);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < TILE_ROWS; i++)
        for (int j = 0; j < TILE_COLS; j++) {
            int r = r0 + lr + i * TILE_GROUP, c = c0 + lc + j * TILE_GROUP;
            if (r < a.n && c < a.rows)
                put(&a, Y, X, bias, a.row0 + r, c, s[i][j]);
        }
}

/* A group per row of the weight, an element of each 32 per work-item. */
__kernel FIXED_GROUP(LANES, 1)
void thin(bytes W, table X, floats Y, table bias, struct op_args a)
{
    LOCAL_ARRAY float part[LANES];
    int r = get_group_id(0), lane = get_local_id(0);
    bytes row = W + a.weight_at + (ulong)r * a.row_bytes;
    float s[THIN_COLS];

    for (int c = 0; c < THIN_COLS; c++)
        s[c] = 0;
    for (int g = 0; 32 * g + lane < a.k; g++) {
        float w = element(a.type, row, g, lane);
        for (int c = 0; c < THIN_COLS; c++)
            if (c < a.rows)
                s[c] = fma(w, X[a.in[0] + (ulong)c * a.ld_in[0] + 32 * g + lane], s[c]);
    }
    for (int c = 0; c < THIN_COLS; c++) {
        float v = group_sum(part, s[c]);
        if (lane == 0 && c < a.rows)
            put(&a, Y, X, bias, r, c, v);
    }
}

/* As in opencl_vector.cl; a group per number. */
__kernel FIXED_GROUP(LANES, 1)
void experts(bytes W, floats A, table bias, struct op_args a)
{
    LOCAL_ARRAY float part_sums[LANES];
    int r = get_group_id(0), pair = get_group_id(1), lane = get_local_id(0);
    int row = pair / a.parts, part = pair % a.parts;
    table routed = A + a.in[1] + (ulong)row * a.ld_in[1];
    int expert = (int)routed[part];
    float weight = a.weighs_input ? routed[a.parts + part] : 1, s = 0;
    table x = A + a.in[0] + (ulong)row * a.ld_in[0] + (ulong)part * a.part_ld;
    bytes w = W + a.weight_at + (ulong)expert * a.slab_bytes + (ulong)r * a.row_bytes;
    floats to = A + a.out[0] + (ulong)row * a.ld_out[0] + (ulong)part * a.step + r;

    for (int g = 0; 32 * g + lane < a.k; g++)
        s = fma(element(a.type, w, g, lane), x[32 * g + lane] * weight, s);
    s = group_sum(part_sums, s);
    if (lane == 0)
        *to = finish(&a, bias ? s + bias[(ulong)expert * a.n + r] : s, *to, 0);
}

/* One query head of one row by a group: a work-item per key of a page, then per dimension. */
__kernel FIXED_GROUP(LANES, 1)
void attention(floats A, floats kept, floats scratch, table sinks, table slopes, ints batch,
               struct op_args a)
{
    LOCAL_ARRAY float s[PAGE];
    int h = get_group_id(0), row = get_group_id(1), j = get_local_id(0);
    int head = h / (a.heads / a.kv_heads);
    int last = batch[a.positions_at + row], first = a.chunk ? last / a.chunk * a.chunk : 0;
    ints pages = batch + batch[a.page_list_at + row];
    table q = A + a.in[0] + (ulong)row * a.ld_in[0] + (ulong)h * a.head_dim;
    floats out = A + a.out[0] + (ulong)row * a.ld_out[0] + (ulong)h * a.value_dim;
    ulong values_at = (ulong)a.kv_heads * a.head_dim * PAGE + (ulong)head * a.value_dim * PAGE;
    float max = sinks ? sinks[h] : -INFINITY, sum = sinks ? 1 : 0;

    if (a.window && last - a.window + 1 > first)
        first = last - a.window + 1;
    for (int d = j; d < a.value_dim; d += LANES)
        out[d] = 0;
    for (int page = first / PAGE; page <= last / PAGE; page++) {
        table k = page_at(kept, scratch, pages[page], &a), v = k + values_at;
        int from = first > page * PAGE ? first - page * PAGE : 0;
        int to = last - page * PAGE < PAGE - 1 ? last - page * PAGE : PAGE - 1;
        float dot = 0, before = max;
        k += (ulong)head * a.head_dim * PAGE;
        for (int d = 0; d < a.head_dim; d++)
            dot = fma(q[d], k[d * PAGE + j], dot);
        dot = soft_cap(dot * a.scale, a.softcap);
        barrier(CLK_LOCAL_MEM_FENCE);
        s[j] = slopes ? fma(slopes[h], (float)(page * PAGE + j - last), dot) : dot;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = from; i <= to; i++)
            max = s[i] > max ? s[i] : max;
        float p = j >= from && j <= to ? exp(s[j] - max) : 0, shrink = exp(before - max);
        barrier(CLK_LOCAL_MEM_FENCE);
        s[j] = p;
        barrier(CLK_LOCAL_MEM_FENCE);
        sum *= shrink;
        for (int i = from; i <= to; i++)
            sum += s[i];
        for (int d = j; d < a.value_dim; d += LANES) {
            float o = out[d] * shrink;
            for (int i = from; i <= to; i++)
                o = fma(s[i], v[i * a.value_dim + d], o);
            out[d] = o;
        }
    }
    for (int d = j; d < a.value_dim; d += LANES)
        out[d] /= sum;
}

/* A group per block of a row of logits: max, sum of exp(x - max), where the maximum is. */
__kernel FIXED_GROUP(LANES, 1)
void log_sum(table logits, floats out, struct op_args a)
{
    LOCAL_ARRAY float part[LANES];
    int block = get_group_id(0), row = get_group_id(1), lane = get_local_id(0), best = -1;
    int n = a.vocab - block * BLOCK < BLOCK ? a.vocab - block * BLOCK : BLOCK;
    table x = logits + (ulong)row * a.vocab + (ulong)block * BLOCK;
    floats to = out + 3 * ((ulong)row * a.n + block);
    float max = -INFINITY, sum = 0;

    for (int i = lane; i < n; i += LANES)
        max = x[i] > max ? x[i] : max;
    part[lane] = max;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 0; i < LANES; i++)
        max = part[i] > max ? part[i] : max;
    for (int i = lane; i < n; i += LANES) {
        sum += exp(x[i] - max);
        best = best < 0 && x[i] == max ? i : best;
    }
    sum = group_sum(part, sum);
    barrier(CLK_LOCAL_MEM_FENCE);
    part[lane] = best < 0 ? BLOCK : best;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 0; i < LANES; i++)
        best = best < 0 || part[i] < best ? (int)part[i] : best;
    if (lane == 0) {
        to[0] = max;
        to[1] = sum;
        to[2] = best < BLOCK ? best : 0;
    }
}

/* ---- bandwidth ------------------------------------------------------------------------------ */

/* Each group, of a.step work-items side by side, reads a stretch of a.in[0] numbers; a sum that no
 * numbers have is kept, so that nothing can be left out. */
__kernel void read_all(table x, floats out, struct op_args a)
{
    table at = x + get_group_id(0) * a.in[0];
    float sum = 0, other = 0;

    for (ulong i = get_local_id(0); i + a.step < a.in[0]; i += 2 * a.step) {
        sum += at[i];
        other += at[i + a.step];
    }
    if (sum + other == 12345.678f)
        out[0] = sum;
}
