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

/* ---- attention ------------------------------------------------------------------------------ */

#define SLOTS (VALUES / LANES)

/* The first position that a row at `last` sees. */
static int first_key(const struct op_args *a, int last)
{
    int first = a->chunk ? last / a->chunk * a->chunk : 0;

    return a->window && last - a->window + 1 > first ? last - a->window + 1 : first;
}

/* Where a head's part is: largest logit, sum, values. */
static ulong part_at(const struct op_args *a, ulong part, int head)
{
    return (part * a->heads + head) * (a->value_dim + 2);
}

struct reading { /* of SHARERS query heads that read the same keys: a work-item's */
    float max[SHARERS], sum[SHARERS]; /* of logits, of exp: the same in all */
    float logit[SHARERS];             /* at its key of a page */
    float shrink[SHARERS];            /* of what was summed before the page */
    float o[SHARERS][SLOTS];          /* its dimensions of the values */
    int head[SHARERS], n; /* the query heads; beyond n the last again */
    int from, to;         /* keys of the page */
};

static void begin_reading(struct reading *w, const struct op_args *a, int key_head, int set)
{
    int sharing = a->heads / a->kv_heads, left = sharing - set * SHARERS;

    w->n = left < SHARERS ? left : SHARERS;
    for (int g = 0; g < SHARERS; g++) {
        w->head[g] = key_head * sharing + set * SHARERS + (g < w->n ? g : w->n - 1);
        w->max[g] = -INFINITY;
        w->sum[g] = 0;
        for (int t = 0; t < SLOTS; t++)
            w->o[g][t] = 0;
    }
}

static void page_logits(struct reading *w, table q, table k, table slopes, int behind,
                        const struct op_args *a)
{
    int j = get_local_id(0);

    for (int g = 0; g < SHARERS; g++)
        w->logit[g] = 0;
    for (int d = 0; d < a->head_dim; d++)
        for (int g = 0; g < SHARERS; g++)
            w->logit[g] = fma(q[w->head[g] * a->head_dim + d], k[d * PAGE + j], w->logit[g]);
    for (int g = 0; g < SHARERS; g++) {
        float x = soft_cap(w->logit[g] * a->scale, a->softcap);
        w->logit[g] = slopes ? fma(slopes[w->head[g]], (float)(j - behind), x) : x;
    }
}

/* To s: exp(logit - the largest so far). */
static void page_weights(struct reading *w, LOCAL_POINTER float (*s)[PAGE])
{
    int j = get_local_id(0);

    barrier(CLK_LOCAL_MEM_FENCE);
    for (int g = 0; g < SHARERS; g++)
        s[g][j] = w->logit[g];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int g = 0; g < SHARERS; g++) {
        float before = w->max[g];
        for (int i = w->from; i <= w->to; i++)
            w->max[g] = s[g][i] > w->max[g] ? s[g][i] : w->max[g];
        w->shrink[g] = exp(before - w->max[g]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int g = 0; g < SHARERS; g++)
        s[g][j] = j >= w->from && j <= w->to ? exp(w->logit[g] - w->max[g]) : 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int g = 0; g < SHARERS; g++) {
        w->sum[g] *= w->shrink[g];
        for (int i = w->from; i <= w->to; i++)
            w->sum[g] += s[g][i];
    }
}

static void page_values(struct reading *w, LOCAL_POINTER float (*s)[PAGE], table v, int d0, int n)
{
    int j = get_local_id(0);

    for (int t = 0; t < SLOTS; t++) {
        int d = d0 + t * LANES + j;
        if (d >= n)
            break;
        for (int g = 0; g < SHARERS; g++)
            w->o[g][t] *= w->shrink[g];
        for (int i = w->from; i <= w->to; i++)
            for (int g = 0; g < SHARERS; g++)
                w->o[g][t] = fma(s[g][i], v[i * n + d], w->o[g][t]);
    }
}

/* The keys of a part of a row's path, for query heads that share them, and VALUES dimensions of
 * their values: the largest logit, the sum of exp and the weighted sum of values over that part
 * alone.  Parts are aligned to absolute position, so that a row's sums are the same in every batch.
 * A work-item per key of a page, then per dimension. */
__kernel FIXED_GROUP(LANES, 1)
void attend(table A, floats kept, floats scratch, floats parts, table slopes, ints batch,
            struct op_args a)
{
    LOCAL_ARRAY float s[SHARERS][PAGE];
    int n_sets = (a.heads / a.kv_heads + SHARERS - 1) / SHARERS, x = get_group_id(0) / n_sets;
    int head = x % a.kv_heads, d0 = x / a.kv_heads * VALUES, j = get_local_id(0);
    int part = get_group_id(1) % a.n_parts, row = a.row0 + get_group_id(1) / a.n_parts;
    int last = batch[a.positions_at + row], first = first_key(&a, last);
    int page = part * PART_PAGES, end = page + PART_PAGES - 1;
    ints pages = batch + batch[a.page_list_at + row];
    table q = A + a.in[0] + (ulong)row * a.ld_in[0];
    ulong keys_at = (ulong)head * a.head_dim * PAGE;
    ulong values_at = ((ulong)a.kv_heads * a.head_dim + (ulong)head * a.value_dim) * PAGE;
    struct reading w;

    page = first / PAGE > page ? first / PAGE : page;
    end = last / PAGE < end ? last / PAGE : end;
    if (page > end)
        return;
    begin_reading(&w, &a, head, get_group_id(0) % n_sets);
    for (; page <= end; page++) {
        table there = page_at(kept, scratch, pages[page], &a);
        w.from = first > page * PAGE ? first - page * PAGE : 0;
        w.to = last - page * PAGE < PAGE - 1 ? last - page * PAGE : PAGE - 1;
        page_logits(&w, q, there + keys_at, slopes, last - page * PAGE, &a);
        page_weights(&w, s);
        page_values(&w, s, there + values_at, d0, a.value_dim);
    }
    for (int g = 0; g < SHARERS; g++) { /* a bound that is known: w stays in registers */
        floats to = parts + part_at(&a, get_group_id(1), w.head[g]);
        if (g >= w.n)
            break;
        if (j == 0) { /* every block of dimensions has the same */
            to[0] = w.max[g];
            to[1] = w.sum[g];
        }
        for (int t = 0; t < SLOTS; t++)
            if (d0 + t * LANES + j < a.value_dim)
                to[2 + d0 + t * LANES + j] = w.o[g][t];
    }
}

/* The second pass: a work-item per number of a row's output joins its parts in order. */
__kernel FIXED_GROUP(LANES, 1)
void attend_join(floats A, table parts, table sinks, ints batch, struct op_args a)
{
    int i = get_global_id(0), row = a.row0 + get_global_id(1);
    int h = i / a.value_dim, d = i % a.value_dim;
    int last = batch[a.positions_at + row], first = first_key(&a, last);

    if (h >= a.heads)
        return;
    float max = sinks ? sinks[h] : -INFINITY, sum = sinks ? 1 : 0, o = 0;
    for (int part = first / PAGE / PART_PAGES; part <= last / PAGE / PART_PAGES; part++) {
        table p = parts + part_at(&a, (ulong)get_global_id(1) * a.n_parts + part, h);
        float before = max;
        max = p[0] > max ? p[0] : max;
        float shrink = exp(before - max), grow = exp(p[0] - max);
        sum = sum * shrink + p[1] * grow;
        o = o * shrink + p[2 + d] * grow;
    }
    A[a.out[0] + (ulong)row * a.ld_out[0] + i] = o / sum;
}

/* ---- the sum over the vocabulary ------------------------------------------------------------- */

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
