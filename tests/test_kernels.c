/* test_kernels.c -- every table of kernels against kernels_ref.c, bit for bit.
 *
 * Where a result is NaN the other must be NaN: which of two NaNs an addition hands on is the
 * choice of a compiler, and no result depends on it. */
#include "runners/kernels.h"
#include "runners/quant.h"
#include "runners/quant_block.h"
#include "tests/test.h"

#define COUNT(a) (int)(sizeof(a) / sizeof(a)[0])

static uint32_t random_bits(void)
{
    static uint64_t seed = 7;

    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 32);
}

static float random_float(void) /* about normal, so that sums round */
{
    float a = 0;

    for (int i = 0; i < 4; i++)
        a += (float)random_bits() * 0x1p-32f - 0.5f;
    return a;
}

/* Any float at all, among them the ones that go wrong. */
static float adversary(void)
{
    static const float odd[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 0x1p-149f, -0x1p-140f,
                                0x1p-126f, 3.4e38f, -3.4e38f, 88.7f, -104, 1e-20f, 1};
    uint32_t bits = random_bits();
    float f;

    if (bits % 3 == 0)
        return odd[bits / 3 % (uint32_t)COUNT(odd)];
    if (bits % 3 == 1)
        return 20 * random_float();
    bits = random_bits();
    memcpy(&f, &bits, sizeof f);
    return f;
}

static void fill(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = random_float();
}

static void fill_adversary(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = adversary();
}

static void assert_same(const struct kernels *k, const char *what, const float *got,
                        const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&got[i], &want[i], sizeof *got) != 0 && !(isnan(got[i]) && isnan(want[i])))
            fail_msg("%s, %s: element %zu is %a, not %a", k->name, what, i, got[i], want[i]);
}

/* Each usable table but ref in turn. */
static const struct kernels *next_table(int *i)
{
    const struct kernels *k;

    while ((k = kernels_at((*i)++)))
        if (strcmp(k->name, "ref") != 0 && k->usable())
            return k;
    return NULL;
}

static void tables_end_with_ref_and_the_best_is_usable(void **state)
{
    int n = 0;

    (void)state;
    while (kernels_at(n))
        n++;
    assert_string_equal(kernels_at(n - 1)->name, "ref");
    assert_null(kernels_at(-1));
    assert_true(kernels_best()->usable());
    assert_ptr_equal(kernels_find("ref"), kernels_at(n - 1));
    assert_null(kernels_find("abacus"));
    for (int i = 0; i < n; i++)
        print_message("          %s: %s\n", kernels_at(i)->name,
                      kernels_at(i)->usable() ? "usable" : "not on this CPU");
}

/* ---- unpack ------------------------------------------------------------------------------ */

static void unpack_gives_the_bits_of_quant_c_for_any_block(void **state)
{
    enum { MAX_BYTES = 8 * 256 * 4 };
    static uint8_t blocks[MAX_BYTES];
    static float got[8 * 256 + 1], want[8 * 256 + 1];

    (void)state;
    for (int t = 0; t < 64; t++) {
        const struct quant *q = quant_find(t);
        const struct kernels *k;
        if (!q || !q->unpack)
            continue;
        for (int round = 0; round < 400; round++) {
            size_t n = (size_t)q->block * (1 + random_bits() % (q->block == 1 ? 70 : 8));
            for (size_t i = 0; i < n / (size_t)q->block * (size_t)q->bytes; i++)
                blocks[i] = (uint8_t)random_bits();
            q->unpack(want, blocks, n);
            for (int i = 0; (k = next_table(&i));) {
                got[n] = 1234;
                k->unpack(t, got, blocks, n);
                assert_same(k, q->name, got, want, n);
                assert_true(got[n] == 1234);
            }
        }
    }
}

/* ---- gemm -------------------------------------------------------------------------------- */

struct matrices {
    int rows, cols, k;
    size_t ldw, ldx, ldo;
    float *w, *x, *want, *got;
};

static float *aligned_floats(size_t n)
{
    float *p = aligned_alloc(64, (n * sizeof(float) + 127) / 64 * 64);

    assert_non_null(p);
    return p;
}

static struct matrices matrices(int rows, int cols, int k)
{
    size_t ld = KERNEL_PAD(k);
    struct matrices m = {.rows = rows, .cols = cols, .k = k};

    m.ldw = random_bits() % 2 ? ld : KERNEL_LD(k);
    m.ldx = random_bits() % 2 ? ld : KERNEL_LD(k);
    m.ldo = (size_t)rows + random_bits() % 3;
    m.w = aligned_floats(m.ldw * (size_t)rows);
    m.x = aligned_floats(m.ldx * (size_t)cols);
    m.want = aligned_floats(m.ldo * (size_t)cols);
    m.got = aligned_floats(m.ldo * (size_t)cols);
    for (int r = 0; r < rows; r++) {
        fill(m.w + (size_t)r * m.ldw, (size_t)k);
        memset(m.w + (size_t)r * m.ldw + k, 0, (ld - (size_t)k) * sizeof(float));
    }
    for (int c = 0; c < cols; c++) {
        fill(m.x + (size_t)c * m.ldx, (size_t)k);
        memset(m.x + (size_t)c * m.ldx + k, 0, (ld - (size_t)k) * sizeof(float));
    }
    for (size_t i = 0; i < m.ldo * (size_t)cols; i++)
        m.want[i] = m.got[i] = 77; /* between the columns nothing may change */
    return m;
}

static void matrices_free(struct matrices *m)
{
    free(m->w);
    free(m->x);
    free(m->want);
    free(m->got);
}

static void check_gemm(int rows, int cols, int depth)
{
    struct matrices m = matrices(rows, cols, depth);
    const struct kernels *k, *ref = kernels_find("ref");

    ref->gemm(m.want, m.ldo, m.w, m.ldw, rows, m.x, m.ldx, cols, depth);
    for (int i = 0; (k = next_table(&i));) {
        k->gemm(m.got, m.ldo, m.w, m.ldw, rows, m.x, m.ldx, cols, depth);
        assert_same(k, "gemm", m.got, m.want, m.ldo * (size_t)cols);
    }
    matrices_free(&m);
}

static void gemm_is_equal_for_every_shape(void **state)
{
    (void)state;
    for (int rows = 1; rows <= 21; rows++)
        for (int cols = 1; cols <= 14; cols++)
            check_gemm(rows, cols, 1 + (int)(random_bits() % 70));
    for (int i = 0; i < 40; i++)
        check_gemm(1 + (int)(random_bits() % 140), 1 + (int)(random_bits() % 40),
                   1 + (int)(random_bits() % 300));
}

static void gemm_is_equal_for_long_rows(void **state)
{
    static const int depths[] = {576, 767, 768, 769, 1536, 1553, 2048, 4100};

    (void)state;
    for (int i = 0; i < COUNT(depths); i++)
        for (int cols = 1; cols <= 7; cols += 3)
            check_gemm(13, cols, depths[i]);
}

static void gemm_of_one_output_is_its_bits_within_any_matrix(void **state)
{
    struct matrices m = matrices(37, 23, 1000);
    const struct kernels *k;

    (void)state;
    for (int i = 0; (k = next_table(&i));) {
        k->gemm(m.got, m.ldo, m.w, m.ldw, m.rows, m.x, m.ldx, m.cols, m.k);
        for (int c = 0; c < m.cols; c++)
            for (int r = 0; r < m.rows; r++) {
                float one;
                k->gemm(&one, 1, m.w + (size_t)r * m.ldw, m.ldw, 1, m.x + (size_t)c * m.ldx, m.ldx,
                        1, m.k);
                assert_same(k, "gemm alone", &m.got[(size_t)c * m.ldo + (size_t)r], &one, 1);
            }
    }
    matrices_free(&m);
}

/* ---- rows in a format -------------------------------------------------------------------- */

static void check_thin(const struct kernels *k, const struct quant *q, int rows, int cols,
                       int depth, const uint8_t *blocks)
{
    size_t row_bytes = quant_bytes(q, (size_t)depth);
    struct matrices m = matrices(rows, cols, depth);
    const struct kernels *ref = kernels_find("ref");

    for (int r = 0; r < rows; r++)
        ref->unpack(q->type, m.w + (size_t)r * m.ldw, blocks + (size_t)r * row_bytes,
                    (size_t)depth);
    ref->gemm(m.want, m.ldo, m.w, m.ldw, rows, m.x, m.ldx, cols, depth);
    if (k->gemm_thin(q->type, m.got, m.ldo, blocks, row_bytes, rows, m.x, m.ldx, cols, depth))
        for (int c = 0; c < cols; c++)
            assert_same(k, q->name, m.got + (size_t)c * m.ldo, m.want + (size_t)c * m.ldo,
                        (size_t)rows);
    matrices_free(&m);
}

static void gemm_of_rows_in_a_format_is_that_of_their_floats(void **state)
{
    enum { ROWS = 9, DEPTH = 768, COLS = 9 };
    static uint8_t blocks[ROWS * DEPTH * 8];
    const struct kernels *k;

    (void)state;
    for (int t = 0; t < 64; t++) {
        const struct quant *q = quant_find(t);
        if (!q || !q->unpack)
            continue;
        for (int round = 0; round < 24; round++) {
            int depth = q->block * (1 + (int)(random_bits() % (uint32_t)(DEPTH / q->block)));
            int rows = 1 + (int)(random_bits() % ROWS), cols = 1 + (int)(random_bits() % COLS);
            for (size_t i = 0; i < sizeof blocks; i++)
                blocks[i] = (uint8_t)random_bits();
            for (int i = 0; (k = next_table(&i));)
                check_thin(k, q, rows, cols, depth, blocks);
        }
    }
}

/* Formats that decoding is about may not silently go the slow way. */
static void the_usual_formats_are_never_unpacked_to_memory_in_decoding(void **state)
{
    static const int types[] = {QUANT_F32, QUANT_F16, QUANT_BF16, QUANT_Q4_0, QUANT_Q4_1,
                                QUANT_Q5_0, QUANT_Q5_1, QUANT_Q8_0, QUANT_Q4_K, QUANT_Q5_K,
                                QUANT_Q6_K, QUANT_IQ4_NL, QUANT_IQ4_XS, QUANT_MXFP4};
    static uint8_t blocks[256 * 4];
    static _Alignas(64) float x[256];
    const struct kernels *k;
    float out;

    (void)state;
    for (int i = 0; (k = next_table(&i));)
        for (int t = 0; t < COUNT(types); t++)
            assert_true(k->gemm_thin(types[t], &out, 1, blocks, sizeof blocks, 1, x, 256, 1, 256));
}

/* ---- rows -------------------------------------------------------------------------------- */

enum { LONGEST = 300 };

typedef void row_fn(const struct kernels *k, float *y, const float *x, int n);

static float row_w[LONGEST], row_b[LONGEST]; /* other operands of the functions below */

static void row_rms(const struct kernels *k, float *y, const float *x, int n)
{
    k->rms_norm(y, x, row_w, n, 1e-5f);
}

static void row_rms_plain(const struct kernels *k, float *y, const float *x, int n)
{
    k->rms_norm(y, x, NULL, n, 1e-6f);
}

static void row_layer(const struct kernels *k, float *y, const float *x, int n)
{
    k->layer_norm(y, x, row_w, row_b, n, 1e-5f);
}

static void row_layer_plain(const struct kernels *k, float *y, const float *x, int n)
{
    k->layer_norm(y, x, NULL, NULL, n, 1e-5f);
}

static void row_exp(const struct kernels *k, float *y, const float *x, int n)
{
    k->exp(y, x, n);
}

static void row_add(const struct kernels *k, float *y, const float *x, int n)
{
    k->add(y, x, row_b, n);
}

static void row_scale(const struct kernels *k, float *y, const float *x, int n)
{
    k->scale(y, x, 0.3f, n);
}

static void row_axpy(const struct kernels *k, float *y, const float *x, int n)
{
    static float sum[LONGEST]; /* y may be x */

    memcpy(sum, row_b, (size_t)n * sizeof *y);
    k->axpy(sum, x, 0.3f, n);
    memcpy(y, sum, (size_t)n * sizeof *y);
}

static void row_softcap(const struct kernels *k, float *y, const float *x, int n)
{
    memmove(y, x, (size_t)n * sizeof *y);
    k->softcap(y, 30, n);
}

static void row_rope_halves(const struct kernels *k, float *y, const float *x, int n)
{
    memmove(y, x, (size_t)n * sizeof *y);
    k->rope(y, row_w, row_b, n / 2 * 2, 1);
}

static void row_rope_pairs(const struct kernels *k, float *y, const float *x, int n)
{
    memmove(y, x, (size_t)n * sizeof *y);
    k->rope(y, row_w, row_b, n / 2 * 2, 0);
}

static void row_lse(const struct kernels *k, float *y, const float *x, int n)
{
    struct lse l;

    k->lse(&l, x, n < LSE_BLOCK ? n : LSE_BLOCK);
    memset(y, 0, (size_t)n * sizeof *y);
    y[0] = l.max;
    if (n > 2) {
        y[1] = l.sum;
        y[2] = (float)l.argmax;
    }
}

#define ROW_ACT(name, a)                                                                           \
    static void row_##name(const struct kernels *k, float *y, const float *x, int n)               \
    {                                                                                              \
        k->act(a, y, x, n);                                                                        \
    }                                                                                              \
    static void row_glu_##name(const struct kernels *k, float *y, const float *x, int n)           \
    {                                                                                              \
        k->glu(a, y, x, row_w, n);                                                                 \
    }
ROW_ACT(none, ACT_NONE)
ROW_ACT(silu, ACT_SILU)
ROW_ACT(gelu_tanh, ACT_GELU_TANH)
ROW_ACT(gelu_erf, ACT_GELU_ERF)
ROW_ACT(relu, ACT_RELU)
ROW_ACT(relu2, ACT_RELU2)
ROW_ACT(sigmoid, ACT_SIGMOID)
ROW_ACT(softplus, ACT_SOFTPLUS)
ROW_ACT(tanh, ACT_TANH)

static const struct {
    const char *name;
    row_fn *run;
} row_functions[] = {
    {"rms_norm", row_rms},
    {"rms_norm without weight", row_rms_plain},
    {"layer_norm", row_layer},
    {"layer_norm without weight", row_layer_plain},
    {"exp", row_exp},
    {"add", row_add},
    {"scale", row_scale},
    {"axpy", row_axpy},
    {"softcap", row_softcap},
    {"rope halves", row_rope_halves},
    {"rope pairs", row_rope_pairs},
    {"lse", row_lse},
    {"none", row_none},
    {"none glu", row_glu_none},
    {"silu", row_silu},
    {"silu glu", row_glu_silu},
    {"gelu_tanh", row_gelu_tanh},
    {"gelu_tanh glu", row_glu_gelu_tanh},
    {"gelu_erf", row_gelu_erf},
    {"gelu_erf glu", row_glu_gelu_erf},
    {"relu", row_relu},
    {"relu glu", row_glu_relu},
    {"relu2", row_relu2},
    {"relu2 glu", row_glu_relu2},
    {"sigmoid", row_sigmoid},
    {"sigmoid glu", row_glu_sigmoid},
    {"softplus", row_softplus},
    {"softplus glu", row_glu_softplus},
    {"tanh", row_tanh},
    {"tanh glu", row_glu_tanh},
};

static void check_rows(void (*filler)(float *, size_t))
{
    float x[LONGEST], want[LONGEST], got[LONGEST + 1];
    const struct kernels *k, *ref = kernels_find("ref");

    for (int n = 1; n <= LONGEST; n += n < 70 ? 1 : 23) {
        filler(x, LONGEST);
        filler(row_w, LONGEST);
        filler(row_b, LONGEST);
        for (int f = 0; f < COUNT(row_functions); f++) {
            row_functions[f].run(ref, want, x, n);
            for (int i = 0; (k = next_table(&i));) {
                got[n] = 1234;
                row_functions[f].run(k, got, x, n);
                assert_same(k, row_functions[f].name, got, want, (size_t)n);
                assert_true(got[n] == 1234);
                memcpy(got, x, sizeof x);
                row_functions[f].run(k, got, got, n); /* in place */
                assert_same(k, row_functions[f].name, got, want, (size_t)n);
            }
        }
    }
}

static void row_functions_are_equal_for_every_length(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        check_rows(fill);
}

static void row_functions_are_equal_for_infinities_nan_and_subnormals(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        check_rows(fill_adversary);
}

static void rope_turns_a_pair_and_keeps_its_length(void **state)
{
    const struct kernels *k = kernels_best();
    float x[4] = {1, 2, 3, 4}, y[4] = {1, 2, 3, 4}, c[2] = {0, 0.6f}, s[2] = {1, 0.8f};

    (void)state;
    k->rope(x, c, s, 4, 1); /* (1,3) by a quarter turn; (2,4) by 53 degrees */
    assert_true(x[0] == -3 && x[2] == 1);
    assert_close(x[1], 2 * 0.6 - 4 * 0.8, 1e-6);
    k->rope(y, c, s, 4, 0); /* (1,2) and (3,4) */
    assert_true(y[0] == -2 && y[1] == 1);
    assert_close(y[3], 3 * 0.8 + 4 * 0.6, 1e-6);
}

static void lse_is_the_maximum_its_first_place_and_the_sum(void **state)
{
    float x[40];
    struct lse l;

    (void)state;
    for (int i = 0; i < 40; i++)
        x[i] = -2;
    x[17] = x[33] = -1;
    for (int i = 0; kernels_at(i); i++)
        if (kernels_at(i)->usable()) {
            kernels_at(i)->lse(&l, x, 40);
            assert_int_equal(l.argmax, 17);
            assert_true(l.max == -1);
            assert_close(l.sum, 2 + 38 * exp(-1), 1e-6);
        }
}

static void lse_of_zeros_nan_and_minus_infinity_is_defined(void **state)
{
    const float zeros[] = {-1, -0.0f, 0.0f}, none[] = {NAN, -INFINITY, NAN, -INFINITY};
    struct lse l;

    (void)state;
    for (int i = 0; kernels_at(i); i++)
        if (kernels_at(i)->usable()) {
            kernels_at(i)->lse(&l, zeros, 2);
            assert_true(l.max == 0 && !signbit(l.max) && l.argmax == 1);
            kernels_at(i)->lse(&l, zeros, 3);
            assert_true(l.max == 0 && !signbit(l.max) && l.argmax == 1);
            kernels_at(i)->lse(&l, none, 4);
            assert_true(l.max == -INFINITY && isnan(l.sum) && l.argmax == 0);
        }
}

/* ---- attention --------------------------------------------------------------------------- */

enum { MAX_ROWS = 40, MAX_PAGES = 6, MAX_DIM = 260 };

struct attention {
    struct attend a;
    const float *q[MAX_ROWS];
    float *out[MAX_ROWS];
    int32_t first[MAX_ROWS], last[MAX_ROWS];
    float sink[MAX_ROWS], slope[MAX_ROWS];
    const void *k[MAX_PAGES], *v[MAX_PAGES];
    float *pages, *queries, *outputs;
};

/* Random keys and values; what no row sees is NaN. */
static void attention_open(struct attention *t, int rows, int head_dim, int value_dim, int window)
{
    size_t page = (size_t)KV_PAGE * (size_t)(head_dim + value_dim);
    int lowest = MAX_PAGES * KV_PAGE, highest = 0;

    t->pages = aligned_floats(page * MAX_PAGES);
    t->queries = aligned_floats((size_t)rows * (size_t)head_dim);
    t->outputs = aligned_floats((size_t)rows * (size_t)value_dim);
    fill(t->queries, (size_t)rows * (size_t)head_dim);
    for (int r = 0; r < rows; r++) {
        t->q[r] = t->queries + r * head_dim;
        t->out[r] = t->outputs + r * value_dim;
        t->last[r] = (int32_t)(random_bits() % (MAX_PAGES * KV_PAGE));
        if (window && r) /* neighbours, as a prefill has them */
            t->last[r] = (t->last[0] + r / 3) % (MAX_PAGES * KV_PAGE);
        t->first[r] = window && t->last[r] >= window ? t->last[r] - window + 1 : 0;
        lowest = t->first[r] < lowest ? t->first[r] : lowest;
        highest = t->last[r] > highest ? t->last[r] : highest;
    }
    for (int p = 0; p < MAX_PAGES; p++) {
        float *k = t->pages + page * (size_t)p, *v = k + KV_PAGE * head_dim;
        t->k[p] = k;
        t->v[p] = v;
        for (int j = 0; j < KV_PAGE; j++) {
            int at = p * KV_PAGE + j, seen = at >= lowest && at <= highest;
            for (int d = 0; d < head_dim; d++)
                k[d * KV_PAGE + j] = seen ? random_float() : NAN;
            for (int d = 0; d < value_dim; d++)
                v[j * value_dim + d] = seen ? random_float() : NAN;
        }
    }
    for (int r = 0; r < rows; r++) {
        t->sink[r] = 4 * random_float();
        t->slope[r] = random_float() / 16;
    }
    t->a = (struct attend){.rows = rows, .q = t->q, .out = t->out, .first = t->first,
                           .last = t->last, .head_dim = head_dim, .value_dim = value_dim,
                           .scale = 1 / sqrtf((float)head_dim), .k = t->k, .v = t->v};
}

static void attention_close(struct attention *t)
{
    free(t->pages);
    free(t->queries);
    free(t->outputs);
}

static void check_attention_with(int rows, int head_dim, int value_dim, int window, float softcap,
                                 int sinks, int slopes)
{
    static struct attention t;
    static float want[MAX_ROWS * MAX_DIM];
    const struct kernels *k;
    size_t n = (size_t)rows * (size_t)value_dim;

    attention_open(&t, rows, head_dim, value_dim, window);
    t.a.softcap = softcap;
    t.a.sink = sinks ? t.sink : NULL;
    t.a.slope = slopes ? t.slope : NULL;
    kernels_find("ref")->attend(&t.a);
    memcpy(want, t.outputs, n * sizeof *want);
    for (size_t i = 0; i < n; i++)
        assert_false(isnan(want[i]));
    for (int i = 0; (k = next_table(&i));) {
        memset(t.outputs, 0xff, n * sizeof *want);
        k->attend(&t.a);
        assert_same(k, "attend", t.outputs, want, n);
        for (int r = 0; r < rows; r += 5) { /* a row alone */
            struct attend one = t.a;
            one.rows = 1;
            one.q += r;
            one.out += r;
            one.first += r;
            one.last += r;
            one.sink = sinks ? t.sink + r : NULL;
            one.slope = slopes ? t.slope + r : NULL;
            memset(t.out[r], 0xff, (size_t)value_dim * sizeof *want);
            k->attend(&one);
            assert_same(k, "attend alone", t.out[r], want + r * value_dim, (size_t)value_dim);
        }
    }
    attention_close(&t);
}

static void check_attention(int rows, int head_dim, int value_dim, int window, float softcap)
{
    for (int i = 0; i < 4; i++)
        check_attention_with(rows, head_dim, value_dim, window, softcap, i & 1, i & 2);
}

static void attend_is_equal_for_any_rows_windows_and_sizes(void **state)
{
    static const int dims[][2] = {{64, 64}, {128, 128}, {256, 256}, {80, 80}, {1, 1},
                                  {33, 47}, {96, 64},   {7, 100},   {64, 31}, {20, 260}};
    static const int windows[] = {0, 1, 5, 32, 70, 500};

    (void)state;
    for (int d = 0; d < COUNT(dims); d++)
        for (int w = 0; w < COUNT(windows); w++)
            check_attention(1 + (int)(random_bits() % 20), dims[d][0], dims[d][1], windows[w],
                            w % 3 == 2 ? 20 : 0);
    for (int rows = 1; rows <= MAX_ROWS; rows++)
        check_attention(rows, 16, 48, rows % 2 ? 40 : 500, 0);
}

/* Rows in no order; one position holds a NaN and an infinity, which some rows see. */
static void attend_keeps_what_a_row_does_not_see_out_of_it(void **state)
{
    static struct attention t;
    static float want[MAX_ROWS * MAX_DIM];
    const struct kernels *k;
    int clean = 0;

    (void)state;
    for (int round = 0; round < 60; round++) {
        int at = (int)(random_bits() % (2 * KV_PAGE)), dim = 1 + (int)(random_bits() % 70);
        attention_open(&t, 24, 20, dim, 0);
        for (int r = 0; r < 24; r++) {
            t.last[r] = (int32_t)(random_bits() % (2 * KV_PAGE));
            t.first[r] = round % 2 ? (int32_t)(random_bits() % (uint32_t)(t.last[r] + 1)) : 0;
        }
        fill(t.pages, (size_t)KV_PAGE * (size_t)(20 + dim) * 2);
        float *page = t.pages + (size_t)(at / KV_PAGE) * KV_PAGE * (size_t)(20 + dim);
        page[at % KV_PAGE] = NAN; /* of the key, element 0 */
        page[20 * KV_PAGE + at % KV_PAGE * dim] = INFINITY;
        kernels_find("ref")->attend(&t.a);
        memcpy(want, t.outputs, (size_t)(24 * dim) * sizeof *want);
        for (int r = 0; r < 24; r++) {
            int sees = t.first[r] <= at && at <= t.last[r];
            assert_int_equal(isnan(t.out[r][0]), sees);
            clean += !sees;
        }
        for (int i = 0; (k = next_table(&i));) {
            k->attend(&t.a);
            assert_same(k, "attend", t.outputs, want, (size_t)(24 * dim));
        }
        attention_close(&t);
    }
    assert_true(clean > 100);
}

/* The pages once more in another type, behind them room for the floats of one. */
static uint8_t *retype(struct attention *t, enum kv_type kv)
{
    int head = t->a.head_dim, value = t->a.value_dim;
    size_t keys = kv_page_bytes(kv, head), page = keys + kv_page_bytes(kv, value);
    float *floats = aligned_floats((page * MAX_PAGES + 3) / 4 + (size_t)(head + value) * KV_PAGE);
    uint8_t *bytes = (uint8_t *)floats;

    for (int p = 0; p < MAX_PAGES; p++) {
        uint8_t *k = bytes + page * (size_t)p, *v = k + keys;
        for (int j = 0; j < KV_PAGE; j++) {
            float key[MAX_DIM];
            for (int d = 0; d < head; d++)
                key[d] = ((const float *)t->k[p])[d * KV_PAGE + j];
            kv_page_put_key(kv, k, head, j, key);
            kv_page_put_value(kv, v, value, j, (const float *)t->v[p] + j * value);
        }
        t->k[p] = k;
        t->v[p] = v;
    }
    t->a.kv = kv;
    t->a.k_room = floats + (page * MAX_PAGES + 3) / 4;
    t->a.v_room = t->a.k_room + (size_t)head * KV_PAGE;
    return bytes;
}

static void attend_is_equal_for_any_type_of_keys_and_values(void **state)
{
    static const int dims[][2] = {{64, 64}, {128, 128}, {80, 80}, {1, 1}, {33, 47}, {7, 100}};
    static struct attention t;
    static float want[MAX_ROWS * MAX_DIM], floats[MAX_ROWS * MAX_DIM];
    const struct kernels *k;

    (void)state;
    for (int d = 0; d < COUNT(dims); d++)
        for (enum kv_type kv = KV_F32; kv < KV_TYPES; kv++) {
            int rows = 1 + (int)(random_bits() % MAX_ROWS);
            size_t n = (size_t)rows * (size_t)dims[d][1];
            attention_open(&t, rows, dims[d][0], dims[d][1], d % 2 ? 50 : 0);
            kernels_find("ref")->attend(&t.a);
            memcpy(floats, t.outputs, n * sizeof *want);
            uint8_t *pages = retype(&t, kv);
            kernels_find("ref")->attend(&t.a);
            memcpy(want, t.outputs, n * sizeof *want);
            for (size_t i = 0; i < n; i++) /* values are in -1..1 */
                assert_true(fabsf(want[i] - floats[i]) <= (kv == KV_F32   ? 0
                                                           : kv == KV_F16 ? 2e-3f
                                                                          : 2e-2f));
            for (int i = 0; (k = next_table(&i));) {
                memset(t.outputs, 0xff, n * sizeof *want);
                k->attend(&t.a);
                assert_same(k, "attend", t.outputs, want, n);
            }
            free(pages);
            attention_close(&t);
        }
}

static void codes_of_8_bits_are_the_nearest_and_what_is_not_finite_shows(void **state)
{
    enum { N = 70 };
    float x[N] = {0};

    (void)state;
    assert_int_equal(kv_page_bytes(KV_Q8_0, N), N * KV_PAGE + 3 * KV_PAGE * 2);
    assert_int_equal(kv_page_bytes(KV_F16, N), N * KV_PAGE * 2);
    for (int i = 0; i < 64; i++)
        x[i] = i < 32 ? 0 : (float)(i - 40) / 3;
    uint8_t *whole = calloc(1, kv_page_bytes(KV_Q8_0, N));
    assert_non_null(whole);
    kv_page_put_value(KV_Q8_0, whole, N, 0, x);
    const uint8_t *scales = whole + N * KV_PAGE;
    assert_true(quant_half(scales) == 0 && quant_half(scales + 4) == 0);
    for (int i = 32; i < 64; i++) {
        float got = (float)(int8_t)whole[i] * quant_half(scales + 2), step = 23.0f / 3 / 127;
        assert_true(fabsf(got - x[i]) <= 0.5f * step + 23.0f / 3 / 2048);
    }
    assert_int_equal((int8_t)whole[63], 127);
    x[40] = NAN;
    x[65] = -INFINITY;
    kv_page_put_value(KV_Q8_0, whole, N, 1, x);
    assert_true(quant_half(scales + 6) == 0);
    assert_true(isnan(quant_half(scales + 8)) && !isfinite(quant_half(scales + 10)));
    free(whole);
}

/* softmax(q k / sqrt(d)) v in double, for what the definition means */
static void attend_is_softmax_attention(void **state)
{
    static struct attention t;

    (void)state;
    attention_open(&t, 9, 24, 40, 70);
    kernels_best()->attend(&t.a);
    for (int r = 0; r < 9; r++)
        for (int d = 0; d < 40; d++) {
            double sum = 0, out = 0;
            for (int j = t.first[r]; j <= t.last[r]; j++) {
                const float *k = (const float *)t.k[j / KV_PAGE] + j % KV_PAGE;
                double dot = 0;
                for (int i = 0; i < 24; i++)
                    dot += (double)t.q[r][i] * k[i * KV_PAGE];
                double p = exp(dot / sqrt(24));
                sum += p;
                out += p * ((const float *)t.v[j / KV_PAGE])[j % KV_PAGE * 40 + d];
            }
            assert_true(fabs(t.out[r][d] - out / sum) < 1e-5);
        }
    attention_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_end_with_ref_and_the_best_is_usable),
        cmocka_unit_test(unpack_gives_the_bits_of_quant_c_for_any_block),
        cmocka_unit_test(gemm_is_equal_for_every_shape),
        cmocka_unit_test(gemm_is_equal_for_long_rows),
        cmocka_unit_test(gemm_of_one_output_is_its_bits_within_any_matrix),
        cmocka_unit_test(gemm_of_rows_in_a_format_is_that_of_their_floats),
        cmocka_unit_test(the_usual_formats_are_never_unpacked_to_memory_in_decoding),
        cmocka_unit_test(row_functions_are_equal_for_every_length),
        cmocka_unit_test(row_functions_are_equal_for_infinities_nan_and_subnormals),
        cmocka_unit_test(rope_turns_a_pair_and_keeps_its_length),
        cmocka_unit_test(lse_is_the_maximum_its_first_place_and_the_sum),
        cmocka_unit_test(lse_of_zeros_nan_and_minus_infinity_is_defined),
        cmocka_unit_test(attend_is_equal_for_any_rows_windows_and_sizes),
        cmocka_unit_test(attend_keeps_what_a_row_does_not_see_out_of_it),
        cmocka_unit_test(attend_is_equal_for_any_type_of_keys_and_values),
        cmocka_unit_test(codes_of_8_bits_are_the_nearest_and_what_is_not_finite_shows),
        cmocka_unit_test(attend_is_softmax_attention),
    };

    return RUN(tests);
}
