/* The OpenCL device beside the CPU: products in every format against plain C, the model of every
 * architecture, the same bits however the work is cut.  Where no OpenCL is, a line says so. */
#include "tests/test.h"

#include "base/mem.h"
#include "runners/cl.h"
#include "runners/device.h"
#include "runners/quant.h"
#include "runners/quantize.h"
#include "tests/arch_case.h"
#include "tests/tiny.h"

/* What drivers and their compilers keep until the process ends is theirs. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libpocl\nleak:libOpenCL\nleak:libLLVM\nleak:libclang\nleak:ld-linux\n"
           "leak:libhwloc\n";
}

/* opencl/2 is float32 with sums in some order and the device's exp and tanh: a logit is this near
 * to that of exact arithmetic, relative to the largest of all. */
static const double NEAR = 2e-5;

static void need_opencl(void)
{
    struct cl_about a;
    struct err e = ERR_NONE;

#ifdef __SANITIZE_THREAD__
    print_message("          skipped: drivers are not compiled for ThreadSanitizer\n");
    skip();
#endif
    if (cl_about(&a, CL_OPENCL, 0, &e) == 1)
        return;
    print_message("          skipped: %s\n", e.text);
    skip();
}

/* ---- products, as a program of embedding and head ------------------------------------------- */

enum { ROWS = 20, VOCAB = 301, K_MAX = 512, PAIRS = VOCAB * K_MAX };

struct product {
    struct weight x, w; /* x: a row per token */
    float inputs[ROWS * K_MAX], plain[PAIRS];
    uint8_t blocks[PAIRS * 4];
    struct program p;
    struct op ops[3];
    struct value values[2];
};

static float noise(uint64_t *state)
{
    return (float)((double)(tiny_random(state) >> 11) / 0x1p53 * 2 - 1);
}

static void make_product(struct product *t, struct quantizer *z, int type, int k)
{
    uint64_t state = (uint64_t)type * 1000 + (uint64_t)k;
    const struct quant *q = quant_find(type);
    size_t row = quant_bytes(q, (size_t)k);
    struct err e = ERR_NONE;

    memset(t, 0, sizeof *t);
    assert_int_equal(quantizer_prepare(z, type, &e), 0);
    for (int i = 0; i < ROWS * k; i++)
        t->inputs[i] = noise(&state);
    for (int r = 0; r < VOCAB; r++) {
        float *f = t->plain + r * k;
        for (int i = 0; i < k; i++)
            f[i] = noise(&state) * (1 + (float)(r % 7));
        if (type == QUANT_F32)
            memcpy(t->blocks + (size_t)r * row, f, row);
        else
            assert_int_equal(quantizer_row(z, type, t->blocks + (size_t)r * row, f, NULL,
                                           (size_t)k), 0);
        q->unpack(f, t->blocks + (size_t)r * row, (size_t)k);
    }
    t->x = (struct weight){.name = "x", .data = (const uint8_t *)t->inputs, .type = QUANT_F32,
                           .k = k, .rows = ROWS, .row_bytes = (size_t)k * 4, .slabs = 1, .id = 0};
    t->w = (struct weight){.name = "w", .data = t->blocks, .type = type, .k = k, .rows = VOCAB,
                           .row_bytes = row, .slabs = 1, .id = 1};
    for (int i = 0; i < 2; i++)
        t->values[i] = (struct value){.width = k, .ld = KERNEL_LD(k), .first = i, .last = i + 1,
                                      .offset = (size_t)i * KERNEL_LD(k)};
    t->ops[0] = (struct op){.kind = OP_EMBED, .in = {-1, -1, -1, -1}, .out = {0}, .n_out = 1,
                            .w = {&t->x}, .scale = 1};
    t->ops[1] = (struct op){.kind = OP_GATHER, .in = {0, -1, -1, -1}, .out = {1}, .n_out = 1,
                            .wanted_rows = 1, .scale = 1};
    t->ops[2] = (struct op){.kind = OP_HEAD, .in = {1, -1, -1, -1}, .w = {&t->w}, .scale = 1,
                            .wanted_rows = 1};
    t->p = (struct program){.ops = t->ops, .n_ops = 3, .values = t->values, .n_values = 2,
                            .arena_ld = 2 * KERNEL_LD(k), .n_weights = 2, .n_vocab = VOCAB};
}

static const char *const forms[] = {"vector", "lanes"};

/* Heads for the last n rows. */
static void run_product(struct device *d, int n, float out[ROWS][VOCAB])
{
    static int32_t tokens[ROWS], positions[ROWS], target[ROWS];
    static float picked[ROWS];
    static const page_no page = 0;
    struct head_row heads[ROWS];
    struct span span = {0, ROWS, 0, &page, 0};
    struct batch b = {.n = ROWS, .tokens = tokens, .positions = positions, .spans = &span,
                      .n_spans = 1, .heads = heads, .n_heads = n};
    struct err e = ERR_NONE;

    for (int i = 0; i < ROWS; i++)
        tokens[i] = positions[i] = i;
    for (int i = 0; i < n; i++) {
        target[i] = (i * 37 + 5) % VOCAB;
        heads[i] = (struct head_row){.row = ROWS - n + i, .targets = &target[i], .n_targets = 1,
                                     .target_logits = &picked[i], .logits = out[ROWS - n + i]};
    }
    if (device_opencl.run(d, &b, &e) < 0)
        fail_msg("%s", e.text);
    for (int i = 0; i < n; i++) {
        const float *y = out[ROWS - n + i];
        double sum = 0;
        int best = 0;
        for (int v = 0; v < VOCAB; v++) {
            best = y[v] > y[best] ? v : best;
            sum += exp((double)y[v]);
        }
        assert_int_equal(heads[i].argmax, best);
        assert_true(fabs(heads[i].lse - log(sum)) < 1e-5 * (1 + fabs(log(sum))));
        assert_memory_equal(&picked[i], &y[target[i]], sizeof picked[i]);
    }
}

static void check_product(struct quantizer *z, int type, int k, const char *form)
{
    static struct product t;
    static float all[ROWS][VOCAB], few[ROWS][VOCAB];
    const struct device_opts o = {.name = "opencl:0", .kernels = form, .threads = 1,
                                  .max_rows = ROWS};
    struct device *d = NULL;
    struct err e = ERR_NONE;

    make_product(&t, z, type, k);
    if (device_opencl.open(&d, &t.p, &o, &e) < 0)
        fail_msg("%s", e.text);
    run_product(d, ROWS, all);
    run_product(d, 3, few);
    for (int i = 0; i < t.p.n_ops; i++)
        assert_int_equal(device_opencl.left(d)[i], 0);
    device_opencl.close(d);
    for (int c = 0; c < ROWS; c++)
        for (int r = 0; r < VOCAB; r++) {
            double want = 0, size = 0;
            for (int i = 0; i < k; i++) {
                double one = (double)t.plain[r * k + i] * (double)t.inputs[c * k + i];
                want += one;
                size += fabs(one);
            }
            if (!(fabs((double)all[c][r] - want) <= 1e-6 * size))
                fail_msg("%s of %d, %s: row %d, column %d: %g, expected %g",
                         quant_find(type)->name, k, form, r, c, (double)all[c][r], want);
        }
    for (int c = ROWS - 3; c < ROWS && strcmp(form, "vector") == 0; c++)
        if (memcmp(all[c], few[c], sizeof all[c]) != 0)
            fail_msg("%s of %d: other bits with few columns", quant_find(type)->name, k);
}

static void a_product_in_every_format_is_near_plain_C_whatever_the_columns(void **state)
{
    static const struct {
        int type, k;
    } rows[] = {
        {QUANT_F32, 64},   {QUANT_F32, 41},   {QUANT_F16, 64},   {QUANT_F16, 23},
        {QUANT_BF16, 64},  {QUANT_BF16, 57},  {QUANT_Q8_0, 96},  {QUANT_Q4_0, 96},
        {QUANT_Q4_1, 96},  {QUANT_Q5_0, 96},  {QUANT_Q5_1, 96},  {QUANT_Q2_K, 512},
        {QUANT_Q3_K, 512}, {QUANT_Q4_K, 512}, {QUANT_Q5_K, 512}, {QUANT_Q6_K, 512},
    };
    struct quantizer *z = NULL;
    struct err e = ERR_NONE;
    (void)state;
    need_opencl();
    assert_int_equal(quantizer_open(&z, &e), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t f = 0; f < 2; f++)
            check_product(z, rows[i].type, rows[i].k, forms[f]);
    quantizer_close(z);
}

/* ---- whole models --------------------------------------------------------------------------- */

/* Families whose every operation the device computes; of others something is left to the CPU, and
 * is counted. */
static int is_whole(const char *name)
{
    static const char *const families[] = {
        "llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen3moe", "gemma", "gemma2", "gemma3",
        "phi2", "phi3", "phimoe", "smollm3", "olmo2", "olmoe", "gpt_oss", "granite", "starcoder2",
    };
    size_t n = strcspn(name, "-");

    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (strlen(families[i]) == n && memcmp(families[i], name, n) == 0)
            return strcmp(name, "gpt_oss-mxfp4") != 0;
    return 0;
}

static int left_of(struct arch_case *g, const struct runner_opts *o, float *got)
{
    const struct left_op *rows;
    int n = 0, times = 0;
    struct err e = ERR_NONE;
    struct runner *r = ways_open(&g->way, *o);

    ways_run(&g->way, r, got);
    assert_int_equal(runner_left(r, &rows, &n, &e), 0);
    for (int i = 0; i < n; i++)
        times += (int)rows[i].times;
    assert_string_equal(runner_info(r)->numerics_id, "opencl/2");
    runner_close(r);
    return times;
}

static void check_case(struct arch_case *g)
{
    size_t bytes = (size_t)g->way.n * (size_t)g->way.n_vocab * sizeof(float);
    float *exact = malloc(bytes), *cut = malloc(bytes);
    struct runner_opts o = {.threads = 1, .device = "opencl:0"};
    double difference;
    int left;

    ways_compute(&g->way, (struct runner_opts){.threads = 1}, exact);
    for (int f = is_whole(g->name); f >= 0; f--) { /* the form for GPUs where all is the device's */
        o.kernels = forms[f];
        left = left_of(g, &o, g->way.got);
        difference = arch_case_difference(g, exact);
    if (!(difference <= NEAR))
            fail_msg("%s, %s: relative difference %g, at most %g", g->name, forms[f], difference,
                     NEAR);
        if (is_whole(g->name) && left > 0)
            fail_msg("%s: %d operations were left to the CPU", g->name, left);
    }
    o.batch_tokens = 7;
    ways_compute(&g->way, o, cut);
    if (memcmp(cut, g->way.got, bytes) != 0)
        fail_msg("%s: other bits with seven tokens a batch", g->name);
    free(exact);
    free(cut);
}

static void every_architecture_is_near_the_CPU_with_the_same_bits_however_it_is_cut(void **state)
{
    static char names[ARCH_CASES_MAX][ARCH_NAME], root[4096];
    static struct arch_case g;
    int n, ran = 0;
    (void)state;
    need_opencl();
    snprintf(root, sizeof root, "%s", shared_path("golden/arch"));
    n = arch_case_list(root, names);
    for (int i = 0; i < n; i++) {
        if (!arch_case_open(&g, root, names[i]))
            continue;
        check_case(&g);
        arch_case_close(&g);
        ran++;
    }
    assert_true(ran > 0);
}

/* ---- refusals ------------------------------------------------------------------------------- */

static void open_fails(const struct program *p, struct device_opts o, enum err_code code,
                       const char *says)
{
    struct device *d = NULL;
    struct err e = ERR_NONE;

    assert_int_equal(device_opencl.open(&d, p, &o, &e), -1);
    assert_null(d);
    assert_int_equal(e.code, code);
    if (!strstr(e.text, says))
        fail_msg("'%s' does not say '%s'", e.text, says);
}

static void what_cannot_be_is_one_line(void **state)
{
    static struct product t;
    static struct layer_kv kv = {INT32_MAX, INT32_MAX, INT32_MAX};
    struct quantizer *z = NULL;
    struct err e = ERR_NONE;
    struct device_opts o = {.name = "opencl:0", .threads = 1, .max_rows = ROWS};
    (void)state;
    need_opencl();
    assert_int_equal(quantizer_open(&z, &e), 0);
    make_product(&t, z, QUANT_F32, 64);
    quantizer_close(z);
    o.name = "opencl:77";
    open_fails(&t.p, o, ERR_USAGE, "opencl:77: no such device");
    o.name = "opencl:0";
    o.numerics = NUMERICS_FAST;
    open_fails(&t.p, o, ERR_USAGE, "'fast' is the CPU's");
    o.numerics = NUMERICS_EXACT;
    o.kernels = "avx2";
    open_fails(&t.p, o, ERR_USAGE, "kernels 'avx2' are unknown to opencl:0");
    o.kernels = NULL;
    t.p.arena_ld = (size_t)1 << 50;
    open_fails(&t.p, o, ERR_NOMEM, "out of memory: values");
    t.p.arena_ld = 2 * KERNEL_LD(64);
    t.w.row_bytes = (size_t)1 << 60;
    open_fails(&t.p, o, ERR_NOMEM, "out of memory: w");
    t.w.row_bytes = 256;
    t.p.kv = &kv;
    t.p.n_layers = 1;
    o.kv_pages = 1 << 20;
    open_fails(&t.p, o, ERR_NOMEM, "out of memory");
    assert_int_equal(mem_live(), 0);
}

static void what_is_not_finite_is_told_with_operation_and_position(void **state)
{
    static struct product t;
    static float logits[VOCAB];
    static const page_no page = 0;
    int32_t token = 3, position = 17;
    struct head_row head = {.row = 0, .logits = logits};
    struct span span = {0, 1, 17, &page, 0};
    struct batch b = {.n = 1, .tokens = &token, .positions = &position, .spans = &span,
                      .n_spans = 1, .heads = &head, .n_heads = 1};
    struct device_opts o = {.name = "opencl:0", .threads = 1, .max_rows = ROWS};
    struct quantizer *z = NULL;
    struct device *d = NULL;
    struct err e = ERR_NONE;
    (void)state;
    need_opencl();
    assert_int_equal(quantizer_open(&z, &e), 0);
    make_product(&t, z, QUANT_F32, 64);
    quantizer_close(z);
    t.inputs[3 * 64 + 5] = INFINITY;
    for (o.check_finite = 0; o.check_finite < 2; o.check_finite++) {
        assert_int_equal(device_opencl.open(&d, &t.p, &o, &e), 0);
        assert_int_equal(device_opencl.run(d, &b, &e), -1);
        assert_int_equal(e.code, ERR_NUMERIC);
        assert_string_equal(e.text,
                            "the output of embed (x, layer 0) at position 17 is not finite");
        token = 4;
        assert_int_equal(device_opencl.run(d, &b, &e), 0);
        assert_true(isfinite(head.lse));
        token = 3;
        device_opencl.close(d);
    }
}

static void without_a_loader_a_line_says_so(void **state)
{
    const char *asked = getenv("DENSIMETER_OPENCL");
    char *before = asked ? mem_strdup(asked) : NULL;
    struct cl_about a;
    struct err e = ERR_NONE;
    (void)state;
    setenv("DENSIMETER_OPENCL", "/nonexistent/libOpenCL.so", 1);
    assert_int_equal(cl_about(&a, CL_OPENCL, 0, &e), -1);
    assert_int_equal(e.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "no OpenCL: "));
    assert_true(e.hint[0] != '\0');
    setenv("DENSIMETER_OPENCL", "libm.so.6", 1);
    e = ERR_NONE;
    assert_int_equal(cl_about(&a, CL_OPENCL, 0, &e), -1);
    assert_non_null(strstr(e.text, "libm.so.6 has no clGetPlatformIDs"));
    unsetenv("DENSIMETER_OPENCL");
    if (before)
        setenv("DENSIMETER_OPENCL", before, 1);
    mem_free(before);
}

static void names_of_devices_are_told_from_others(void **state)
{
    enum cl_kind kind;
    (void)state;
    assert_int_equal(cl_number("cuda:1", &kind), 1);
    assert_int_equal(kind, CL_CUDA);
    assert_int_equal(cl_number("opencl", &kind), 0);
    assert_int_equal(cl_number("opencl:0", &kind), 0);
    assert_int_equal(cl_number("opencl:12", &kind), 12);
    assert_int_equal(kind, CL_OPENCL);
    assert_int_equal(cl_number("opencl:", &kind), -1);
    assert_int_equal(cl_number("opencl:1x", &kind), -1);
    assert_int_equal(cl_number("opencl:-1", &kind), -1);
    assert_int_equal(cl_number("opencl:1234567890123", &kind), -1);
    assert_int_equal(cl_number("openclever", &kind), -1);
    assert_int_equal(cl_number("cpu", &kind), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_devices_are_told_from_others),
        cmocka_unit_test(without_a_loader_a_line_says_so),
        cmocka_unit_test(what_cannot_be_is_one_line),
        cmocka_unit_test(what_is_not_finite_is_told_with_operation_and_position),
        cmocka_unit_test(a_product_in_every_format_is_near_plain_C_whatever_the_columns),
        cmocka_unit_test(every_architecture_is_near_the_CPU_with_the_same_bits_however_it_is_cut),
    };
    return RUN(tests);
}
