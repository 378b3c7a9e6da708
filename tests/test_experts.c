/* Experts on the CPU device against one row, one expert and one weight row at a time in plain C:
 * the same bits for every format, table of kernels, number of threads and cut of the batch; and
 * what took part is what the router chose. */
#include "tests/test.h"

#include <sys/mman.h>

#include "base/mem.h"
#include "runners/device.h"
#include "runners/fast.h"
#include "runners/quant.h"
#include "runners/quantize.h"
#include "tests/tiny.h"

enum { TOKENS = 300, ROWS = 45, LAYER = 0, LARGEST = 512 };

struct shape {
    int gate_type, up_type, down_type;
    int embd, ff, experts, used;
    enum activation act;
    int is_ungated, is_biased, weighs_input, is_fused;
    float limit;
};

static const struct shape shapes[] = {
    {QUANT_F32, QUANT_F32, QUANT_F32, 40, 24, 5, 2, ACT_SILU, 0, 0, 0, 0, 0},
    {QUANT_Q4_0, QUANT_Q4_0, QUANT_Q8_0, 64, 96, 8, 3, ACT_SILU, 0, 0, 0, 1, 0},
    {QUANT_MXFP4, QUANT_MXFP4, QUANT_MXFP4, 96, 64, 8, 4, ACT_SILU, 0, 1, 0, 0, 7},
    {QUANT_Q4_K, QUANT_Q4_K, QUANT_Q6_K, 256, 256, 6, 2, ACT_RELU, 0, 0, 0, 0, 0},
    {QUANT_BF16, QUANT_BF16, QUANT_F16, 48, 80, 16, 1, ACT_SILU, 0, 0, 1, 0, 0},
    {QUANT_Q8_0, QUANT_Q8_0, QUANT_Q8_0, 64, 160, 7, 3, ACT_RELU2, 1, 1, 0, 0, 0},
    {QUANT_Q5_1, QUANT_Q8_0, QUANT_Q5_0, 64, 32, 4, 4, ACT_GELU_TANH, 0, 0, 1, 0, 0},
    {QUANT_F16, QUANT_Q4_1, QUANT_IQ4_NL, 64, 224, 40, 6, ACT_SILU, 0, 1, 0, 0, 0},
};
enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

enum { X_TABLE, ROUTER_TABLE, IDENTITY, GATE, UP, DOWN, GATE_BIAS, UP_BIAS, DOWN_BIAS, N_WEIGHTS };

struct bench { /* a program: tables of inputs and of logits, the experts, and their sum as logits */
    struct shape s;
    struct program p;
    struct weight w[N_WEIGHTS];
    uint8_t *both; /* gate and up of each expert, one after the other */
    int32_t tokens[ROWS];
    float *want; /* [ROWS][embd] */
    int chosen[ROWS][16];
};

static uint64_t seed;

static float draw(float size)
{
    return size * ((float)(tiny_random(&seed) >> 40) / (1 << 23) - 1);
}

/* As of a file: a device may drop pages that it has packed, and read them again. */
static uint8_t *file_memory(size_t bytes)
{
    int fd = memfd_create("weights", 0);
    void *p;

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(p != MAP_FAILED);
    close(fd);
    return p;
}

static size_t weight_bytes(const struct weight *w)
{
    return (size_t)w->slabs * (size_t)w->rows * w->row_bytes;
}

static void release(struct weight *w)
{
    munmap((void *)(uintptr_t)w->data, weight_bytes(w));
}

static void make_weight(struct weight *w, const char *name, int id, int type, int k, int rows,
                        int slabs)
{
    const struct quant *q = quant_find(type);
    float x[LARGEST];
    uint8_t *data;

    *w = (struct weight){.name = name, .type = type, .k = k, .rows = rows, .slabs = slabs, .id = id};
    w->row_bytes = (size_t)(k / q->block * q->bytes);
    w->slab_bytes = w->row_bytes * (size_t)rows;
    data = file_memory(weight_bytes(w));
    for (int r = 0; r < rows * slabs; r++) {
        for (int i = 0; i < k; i++)
            x[i] = draw(1);
        assert_int_equal(quantize_row(type, data + (size_t)r * w->row_bytes, x, (size_t)k), 0);
    }
    w->data = data;
    if (type == QUANT_F32)
        w->f32 = (const float *)(const void *)data;
}

static void make_weights(struct bench *b)
{
    const struct shape *s = &b->s;
    struct weight *w = b->w;
    float *identity;

    make_weight(&w[X_TABLE], "x", X_TABLE, QUANT_F32, s->embd, TOKENS, 1);
    make_weight(&w[ROUTER_TABLE], "router", ROUTER_TABLE, QUANT_F32, s->experts, TOKENS, 1);
    make_weight(&w[IDENTITY], "head", IDENTITY, QUANT_F32, s->embd, TOKENS, 1);
    identity = (float *)(uintptr_t)w[IDENTITY].data;
    for (int i = 0; i < TOKENS * s->embd; i++)
        identity[i] = i / s->embd == i % s->embd;
    make_weight(&w[GATE], "gate", GATE, s->gate_type, s->embd, s->ff, s->experts);
    make_weight(&w[UP], "up", UP, s->up_type, s->embd, s->ff, s->experts);
    make_weight(&w[DOWN], "down", DOWN, s->down_type, s->ff, s->embd, s->experts);
    make_weight(&w[GATE_BIAS], "gate bias", GATE_BIAS, QUANT_F32, s->ff, s->experts, 1);
    make_weight(&w[UP_BIAS], "up bias", UP_BIAS, QUANT_F32, s->ff, s->experts, 1);
    make_weight(&w[DOWN_BIAS], "down bias", DOWN_BIAS, QUANT_F32, s->embd, s->experts, 1);
    for (int i = 0; i < s->ff * s->experts && s->limit > 0; i++) /* so that the limit is met */
        ((float *)(uintptr_t)w[GATE_BIAS].data)[i] *= 9;
}

/* Fused files have the rows of gate and up in one slab. */
static void fuse(struct bench *b)
{
    struct weight *gate = &b->w[GATE], *up = &b->w[UP];
    size_t n = gate->slab_bytes;

    b->both = file_memory(2 * weight_bytes(gate));
    for (size_t x = 0; x < (size_t)gate->slabs; x++) {
        memcpy(b->both + 2 * x * n, gate->data + x * n, n);
        memcpy(b->both + (2 * x + 1) * n, up->data + x * n, n);
    }
    release(gate);
    release(up);
    gate->data = b->both;
    up->data = b->both + n;
    gate->slab_bytes = up->slab_bytes = 2 * n;
}

static int add_op(struct program *p, struct op op, int width)
{
    op.out[0] = width ? program_value(p, width) : -1;
    op.n_out = width > 0;
    program_op(p, op);
    return op.out[0];
}

static struct op blank(enum op_kind kind, int in0, int in1)
{
    return (struct op){.kind = kind, .in = {in0, in1, -1, -1}, .out = {-1, -1, -1}, .scale = 1};
}

static void build(struct bench *b)
{
    const struct shape *s = &b->s;
    struct program *p = &b->p;
    struct route r = {.experts = s->experts, .used = s->used, .gating = GATING_SOFTMAX,
                      .is_normalised = 1, .scale = 1.5f};
    struct op op = blank(OP_EMBED, -1, -1);
    struct err e = ERR_NONE;
    int x, routed, value;

    p->n_vocab = TOKENS;
    p->n_layers = 1;
    p->n_weights = N_WEIGHTS;
    p->kv = mem_calloc(1, sizeof *p->kv);
    op.w[0] = &b->w[X_TABLE];
    x = add_op(p, op, s->embd);
    op.w[0] = &b->w[ROUTER_TABLE];
    value = add_op(p, op, s->experts);
    op = blank(OP_ROUTE, value, -1);
    op.route = r;
    routed = add_op(p, op, 2 * s->used);
    op = blank(OP_EXPERTS_UP, x, routed);
    op.route = r;
    op.act = s->act;
    op.limit = s->limit;
    op.w[0] = s->is_ungated ? NULL : &b->w[GATE];
    op.w[1] = &b->w[UP];
    op.bias[0] = s->is_biased && !s->is_ungated ? &b->w[GATE_BIAS] : NULL;
    op.bias[1] = s->is_biased ? &b->w[UP_BIAS] : NULL;
    op.parts = (struct parts){s->used, s->ff, s->weighs_input};
    value = add_op(p, op, s->used * (int)KERNEL_LD(s->ff));
    op = blank(OP_EXPERTS_DOWN, value, routed);
    op.route = r;
    op.w[0] = &b->w[DOWN];
    op.bias[0] = s->is_biased ? &b->w[DOWN_BIAS] : NULL;
    op.parts = (struct parts){s->used, s->embd, 0};
    value = add_op(p, op, s->used * (int)KERNEL_LD(s->embd));
    op = blank(OP_COMBINE, value, routed);
    op.parts = (struct parts){s->used, s->embd, s->weighs_input};
    value = add_op(p, op, s->embd);
    op = blank(OP_GATHER, value, -1);
    op.wanted_rows = 1;
    value = add_op(p, op, s->embd);
    op = blank(OP_HEAD, value, -1);
    op.wanted_rows = 1;
    op.w[0] = &b->w[IDENTITY];
    add_op(p, op, 0);
    if (program_finish(p, &e) < 0)
        fail_msg("%s", e.text);
}

static void bench_open(struct bench *b, const struct shape *s)
{
    *b = (struct bench){.s = *s};
    make_weights(b);
    if (s->is_fused)
        fuse(b);
    build(b);
    for (int i = 0; i < ROWS; i++)
        b->tokens[i] = (int32_t)(tiny_random(&seed) % TOKENS);
    b->want = mem_calloc((size_t)ROWS * (size_t)s->embd, sizeof *b->want);
}

static void bench_close(struct bench *b)
{
    for (int i = 0; i < N_WEIGHTS; i++)
        if (!b->both || (i != GATE && i != UP))
            release(&b->w[i]);
    if (b->both)
        munmap(b->both, 2 * weight_bytes(&b->w[UP]));
    mem_free(b->want);
    program_release(&b->p);
}

/* ---- the slow text ---- */

/* y = w x for one slab, a row at a time. */
static void slow_matrix(const struct weight *w, int slab, int is_fast, const float *x, float *y)
{
    const struct kernels *k = kernels_find("ref");
    const struct fast_kernels *f = fast_kernels_find("ref");
    const uint8_t *data = w->data + (size_t)slab * w->slab_bytes;
    static _Alignas(64) float row[LARGEST], in[LARGEST];

    memset(row, 0, sizeof row);
    memset(in, 0, sizeof in);
    memcpy(in, x, (size_t)w->k * sizeof *in);
    if (is_fast && fast_supports(w->type, w->k)) {
        uint8_t *stripe = mem_aligned(64, fast_stripe_bytes(w->type, w->k));
        uint8_t *act = mem_aligned(64, fast_act_bytes(w->k));
        f->quantise(act, in, w->k);
        for (int r = 0; r < w->rows; r++) {
            fast_pack(w->type, stripe, data + (size_t)r * w->row_bytes, w->row_bytes, 0, 1, w->k);
            f->gemm(w->type, &y[r], 1, stripe, 1, act, 1, w->k);
        }
        mem_free(stripe);
        mem_free(act);
        return;
    }
    for (int r = 0; r < w->rows; r++) {
        quant_find(w->type)->unpack(row, data + (size_t)r * w->row_bytes, (size_t)w->k);
        k->gemm(&y[r], 1, row, LARGEST, 1, in, LARGEST, 1, w->k);
    }
}

static void slow_unit(const struct shape *s, float *y, const float *gate, const float *up)
{
    const struct kernels *k = kernels_find("ref");

    for (int i = 0; i < s->ff; i++) {
        float g = gate[i], u = up[i], sigmoid;
        if (s->is_ungated) {
            k->act(s->act, &y[i], &u, 1);
        } else if (s->limit > 0) {
            g = fminf(g, s->limit);
            u = fmaxf(fminf(u, s->limit), -s->limit);
            sigmoid = 1.702f * g;
            k->act(ACT_SIGMOID, &sigmoid, &sigmoid, 1);
            y[i] = g * sigmoid * (u + 1);
        } else if (s->act == ACT_RELU && !(g > 0)) {
            y[i] = 0; /* whatever the sign of u */
        } else {
            k->glu(s->act, &y[i], &g, &u, 1);
        }
    }
}

static const float *bias_of(const struct bench *b, int which, int expert)
{
    return b->w[which].f32 + (size_t)expert * (size_t)b->w[which].k;
}

static void slow_expert(const struct bench *b, int is_fast, int expert, const float *x, float *y)
{
    const struct shape *s = &b->s;
    float gate[LARGEST] = {0}, up[LARGEST] = {0}, unit[LARGEST] = {0};

    if (!s->is_ungated)
        slow_matrix(&b->w[GATE], expert, is_fast, x, gate);
    /* Rows of up that meet dead gates are spared, so that it is exact in both numerics. */
    slow_matrix(&b->w[UP], expert, is_fast && (s->is_ungated || s->act != ACT_RELU), x, up);
    for (int i = 0; i < s->ff && s->is_biased; i++) {
        up[i] += bias_of(b, UP_BIAS, expert)[i];
        gate[i] += bias_of(b, GATE_BIAS, expert)[i];
    }
    slow_unit(s, unit, gate, up);
    slow_matrix(&b->w[DOWN], expert, is_fast, unit, y);
    for (int i = 0; i < s->embd && s->is_biased; i++)
        y[i] += bias_of(b, DOWN_BIAS, expert)[i];
}

static void slow_row(struct bench *b, int is_fast, int row)
{
    const struct shape *s = &b->s;
    const float *x = b->w[X_TABLE].f32 + (size_t)b->tokens[row] * (size_t)s->embd;
    float *want = b->want + (size_t)row * (size_t)s->embd;
    float logits[64], routed[32], in[LARGEST], y[LARGEST];

    memcpy(logits, b->w[ROUTER_TABLE].f32 + (size_t)b->tokens[row] * (size_t)s->experts,
           (size_t)s->experts * sizeof *logits);
    route(&b->p.ops[2].route, kernels_find("ref"), logits, NULL, NULL, routed);
    for (int k = 0; k < s->used; k++) {
        float weight = routed[s->used + k];
        b->chosen[row][k] = (int)routed[k];
        for (int i = 0; i < s->embd; i++)
            in[i] = s->weighs_input ? x[i] * weight : x[i];
        slow_expert(b, is_fast, (int)routed[k], in, y);
        for (int i = 0; i < s->embd; i++) {
            float part = s->weighs_input ? y[i] : y[i] * weight;
            want[i] = k ? want[i] + part : part;
        }
    }
}

/* ---- the device ---- */

static struct device *device_for(const struct bench *b, enum numerics n, const char *kernels,
                                 int threads)
{
    struct device_opts o = {.numerics = n, .kernels = kernels, .threads = threads,
                            .max_rows = ROWS, .kv_pages = 1, .kv_scratch = 1};
    struct device *d;
    struct err e = ERR_NONE;

    if (device_cpu.open(&d, &b->p, &o, &e) < 0)
        fail_msg("%s", e.text);
    return d;
}

/* Rows from .. from+n-1 in one batch; compares their outputs. */
static void run_rows(const struct bench *b, struct device *d, int from, int n, const char *what)
{
    static float logits[ROWS][TOKENS];
    static int32_t positions[ROWS];
    static const page_no page;
    struct head_row heads[ROWS];
    struct span span = {.n = n, .pages = &page};
    struct batch batch = {.n = n, .tokens = b->tokens + from, .positions = positions,
                          .spans = &span, .n_spans = 1, .heads = heads, .n_heads = n};
    struct err e = ERR_NONE;
    size_t bytes = (size_t)b->s.embd * sizeof(float);

    for (int i = 0; i < n; i++)
        heads[i] = (struct head_row){.row = i, .logits = logits[i]};
    if (device_cpu.run(d, &batch, &e) < 0)
        fail_msg("%s", e.text);
    for (int i = 0; i < n; i++)
        if (memcmp(logits[i], b->want + (size_t)(from + i) * (size_t)b->s.embd, bytes) != 0)
            fail_msg("experts of type %d, %s: row %d of a batch of %d has other bits",
                     b->s.up_type, what, i, n);
}

static void compare(struct bench *b, enum numerics numerics)
{
    static const int cuts[] = {ROWS, 7, 1};

    for (int row = 0; row < ROWS; row++)
        slow_row(b, numerics == NUMERICS_FAST, row);
    for (int t = 0; kernels_at(t); t++) {
        int is_plain = strcmp(kernels_at(t)->name, "ref") == 0; /* and slow */
        if (!kernels_at(t)->usable())
            continue;
        for (int threads = is_plain ? 2 : 1; threads <= (is_plain ? 2 : 3); threads++) {
            struct device *d = device_for(b, numerics, kernels_at(t)->name, threads);
            for (size_t c = 0; c < sizeof cuts / sizeof cuts[0]; c++)
                for (int from = 0; from < ROWS; from += cuts[c])
                    run_rows(b, d, from, ROWS - from < cuts[c] ? ROWS - from : cuts[c],
                             kernels_at(t)->name);
            device_cpu.close(d);
        }
    }
}

static void all_shapes(enum numerics numerics)
{
    static struct bench b;

    for (int i = 0; i < N_SHAPES; i++) {
        seed = 30 + (uint64_t)i;
        bench_open(&b, &shapes[i]);
        compare(&b, numerics);
        bench_close(&b);
    }
}

static void experts_have_the_bits_of_one_row_at_a_time(void **state)
{
    (void)state;
    all_shapes(NUMERICS_EXACT);
}

static void so_they_have_with_8_bit_activations(void **state)
{
    (void)state;
    all_shapes(NUMERICS_FAST);
}

/* ---- what took part ---- */

static void count_slowly(const struct bench *b, int from, int n, uint64_t *hits)
{
    for (int row = from; row < from + n; row++)
        for (int k = 0; k < b->s.used; k++)
            hits[b->chosen[row][k]]++;
}

static void what_is_counted_is_what_the_router_chose(void **state)
{
    static struct bench b;
    const struct op_tally *t;
    uint64_t hits[64] = {0}, all = 0;
    (void)state;
    seed = 50;
    bench_open(&b, &shapes[7]);
    for (int row = 0; row < ROWS; row++)
        slow_row(&b, 0, row);
    struct device *d = device_for(&b, NUMERICS_EXACT, NULL, 2);
    run_rows(&b, d, 0, 3, "before counting");
    assert_null(device_cpu.tally(d));
    assert_int_equal(device_cpu.count(d, 1, NULL), 0);
    for (int from = 0; from < ROWS; from += 3)
        run_rows(&b, d, from, 3, "counted");
    count_slowly(&b, 0, ROWS, hits);
    t = device_cpu.tally(d);
    for (int i = 0; i < b.p.n_ops; i++) {
        assert_int_equal(t[i].is_counted, b.p.ops[i].kind == OP_EXPERTS_DOWN);
        if (!t[i].is_counted)
            continue;
        assert_int_equal(t[i].rows, ROWS);
        assert_int_equal(t[i].values, ROWS * b.s.used * b.s.ff);
        assert_memory_equal(t[i].hits, hits, (size_t)b.s.experts * sizeof *hits);
        for (int x = 0; x < b.s.experts; x++)
            all += t[i].hits[x];
    }
    assert_int_equal(all, ROWS * b.s.used);
    device_cpu.close(d);
    bench_close(&b);
}

/* Each expert on pages of its own, of which those that nobody goes to cannot be read. */
static void put_apart(struct weight *w, const uint8_t **slabs, const char *is_chosen)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (w->slab_bytes + page - 1) / page * page;

    for (int x = 0; x < w->slabs; x++) {
        uint8_t *at = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(at != MAP_FAILED);
        memcpy(at, w->data + (size_t)x * w->slab_bytes, w->slab_bytes);
        if (!is_chosen[x])
            assert_int_equal(mprotect(at, room, PROT_NONE), 0);
        slabs[x] = at;
    }
    w->slab = slabs;
}

static void put_back(struct weight *w)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    for (int x = 0; x < w->slabs; x++)
        munmap((void *)(uintptr_t)w->slab[x], (w->slab_bytes + page - 1) / page * page);
    w->slab = NULL;
}

static void experts_that_nobody_chose_are_not_read(void **state)
{
    static struct bench b;
    static const uint8_t *slabs[3][64];
    char is_chosen[64];
    int idle = 0;
    (void)state;
    seed = 60;
    bench_open(&b, &shapes[7]);
    for (int row = 0; row < ROWS; row++)
        slow_row(&b, 0, row);
    for (int row = 0; row < 5; row++) {
        memset(is_chosen, 0, sizeof is_chosen);
        for (int k = 0; k < b.s.used; k++)
            is_chosen[b.chosen[row][k]] = 1;
        for (int x = 0; x < b.s.experts; x++)
            idle += !is_chosen[x];
        for (int i = 0; i < 3; i++)
            put_apart(&b.w[GATE + i], slabs[i], is_chosen);
        struct device *d = device_for(&b, NUMERICS_EXACT, NULL, 2);
        run_rows(&b, d, row, 1, "");
        device_cpu.close(d);
        for (int i = 0; i < 3; i++)
            put_back(&b.w[GATE + i]);
    }
    assert_int_equal(idle, 5 * (b.s.experts - b.s.used));
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(experts_have_the_bits_of_one_row_at_a_time),
        cmocka_unit_test(so_they_have_with_8_bit_activations),
        cmocka_unit_test(what_is_counted_is_what_the_router_chose),
        cmocka_unit_test(experts_that_nobody_chose_are_not_read),
    };
    return RUN(tests);
}
