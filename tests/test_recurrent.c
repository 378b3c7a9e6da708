/* test_recurrent.c -- recurrent.h: every table gives the bits of plain C, the cut into runs of rows
 * changes none of them, and the numbers are those of the formulas in double. */
#include "runners/kernels.h"
#include "tests/test.h"
#include "tests/tiny.h"

enum { ROWS = 11, STATES_MAX = 21, LD = 40, CASES = 200 };

/* Every operand that one of the kernels takes, and what it leaves behind. */
struct operands {
    int rows, lanes, states; /* states: also taps of the convolution and keys of the delta rule */
    float x[ROWS * LD], dt[ROWS * LD], b[ROWS * LD], c[ROWS * LD], beta[ROWS];
    float a[STATES_MAX * SCAN_LANES], d[SCAN_LANES];
    float state[STATES_MAX * SCAN_LANES], y[ROWS * LD];
    int flag;
};

static uint64_t seed = 11;

static float number(float low, float high)
{
    return low + (high - low) * (float)(tiny_random(&seed) >> 40) * 0x1p-24f;
}

static void fill(float *x, size_t n, float low, float high)
{
    for (size_t i = 0; i < n; i++)
        x[i] = number(low, high);
}

static void make(struct operands *o, int i)
{
    memset(o, 0, sizeof *o);
    o->rows = 1 + (int)(tiny_random(&seed) % ROWS);
    o->lanes = i % 3 ? SCAN_LANES : 1 + (int)(tiny_random(&seed) % SCAN_LANES);
    o->states = 1 + (int)(tiny_random(&seed) % STATES_MAX);
    o->flag = i % 2;
    fill(o->x, ROWS * LD, -2, 2);
    fill(o->dt, ROWS * LD, -3, 3);
    fill(o->b, ROWS * LD, -0.5f, 0.5f);
    fill(o->c, ROWS * LD, -0.5f, 0.5f);
    fill(o->beta, ROWS, -3, 3);
    fill(o->d, SCAN_LANES, -1, 1);
    for (int n = 0; n < o->states; n++)
        for (int lane = 0; lane < o->lanes; lane++) {
            o->a[n * SCAN_LANES + lane] = number(-2, 0);
            o->state[n * SCAN_LANES + lane] = number(-1, 1);
        }
}

static void run_conv(const struct kernels *k, struct operands *o, int row, int rows)
{
    struct conv c = {
        .rows = rows, .lanes = o->lanes, .taps = o->states, .silu = o->flag,
        .x = o->x + row * LD, .ldx = LD, .w = o->a, .bias = o->flag ? o->d : NULL,
        .window = o->state, .y = o->y + row * LD, .ldy = LD,
    };

    k->conv(&c);
}

static struct scan scan_of(struct operands *o, int row, int rows)
{
    return (struct scan){
        .rows = rows, .lanes = o->lanes, .states = o->states,
        .x = o->x + row * LD, .ldx = LD, .dt = o->dt + row * LD, .lddt = LD,
        .b = o->b + row * LD, .ldb = LD, .c = o->c + row * LD, .ldc = LD,
        .a = o->a, .d = o->d, .state = o->state, .y = o->y + row * LD, .ldy = LD,
    };
}

static void run_scan_channels(const struct kernels *k, struct operands *o, int row, int rows)
{
    struct scan s = scan_of(o, row, rows);

    k->scan_channels(&s);
}

static void run_scan_head(const struct kernels *k, struct operands *o, int row, int rows)
{
    struct scan s = scan_of(o, row, rows);

    k->scan_head(&s);
}

static void run_delta(const struct kernels *k, struct operands *o, int row, int rows)
{
    struct delta d = {
        .rows = rows, .lanes = o->lanes, .keys = o->states,
        .q = o->c + row * LD, .ldq = LD, .k = o->b + row * LD, .ldk = LD,
        .v = o->x + row * LD, .ldv = LD, .decay = o->dt + row * LD, .ld_decay = LD,
        .beta = o->beta + row, .ld_beta = 1, .a = o->a[0], .bias = o->d[0],
        .state = o->state, .y = o->y + row * LD, .ldy = LD,
    };

    k->delta(&d);
}

/* ---- the formulas in double, one lane at a time -------------------------------------------- */

static double silu(double x)
{
    return x / (1 + exp(-x));
}

static double softplus(double x)
{
    return log1p(exp(x));
}

static void exact_conv(const struct operands *o, int lane, double *state, double *y)
{
    double seen[STATES_MAX + ROWS];
    int past = o->states - 1;

    for (int i = 0; i < past + o->rows; i++)
        seen[i] = i < past ? state[i] : o->x[(i - past) * LD + lane];
    for (int t = 0; t < o->rows; t++) {
        double sum = o->flag ? o->d[lane] : 0;
        for (int j = 0; j < o->states; j++)
            /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): filled above */
            sum += o->a[j * SCAN_LANES + lane] * seen[t + j];
        y[t] = o->flag ? silu(sum) : sum;
    }
    for (int i = 0; i < past; i++)
        state[i] = seen[o->rows + i]; /* NOLINT(clang-analyzer-core.uninitialized.Assign) */
}

static void exact_scan(const struct operands *o, int lane, double *h, double *y, int own)
{
    for (int t = 0; t < o->rows; t++) {
        double x = o->x[t * LD + lane], dt = softplus(o->dt[t * LD + own]);
        y[t] = o->d[own] * x;
        for (int n = 0; n < o->states; n++) {
            double a = lane == own ? o->a[n * SCAN_LANES + lane] : o->a[0];
            h[n] = exp(dt * a) * h[n] + dt * o->b[t * LD + n] * x;
            y[t] += o->c[t * LD + n] * h[n];
        }
    }
}

static void exact_scan_channels(const struct operands *o, int lane, double *h, double *y)
{
    exact_scan(o, lane, h, y, lane);
}

static void exact_scan_head(const struct operands *o, int lane, double *h, double *y)
{
    struct operands same = *o;

    for (int n = 0; n < o->states; n++)
        same.a[n * SCAN_LANES] = o->a[0]; /* lane 0 looks like the others */
    exact_scan(&same, lane, h, y, 0);
}

static void exact_delta(const struct operands *o, int lane, double *m, double *y)
{
    for (int t = 0; t < o->rows; t++) {
        double g = exp(o->a[0] * softplus(o->dt[t * LD] + o->d[0])), seen = 0;
        for (int i = 0; i < o->states; i++)
            seen += o->b[t * LD + i] * g * m[i];
        double e = (o->x[t * LD + lane] - seen) / (1 + exp(-o->beta[t]));
        y[t] = 0;
        for (int i = 0; i < o->states; i++) {
            m[i] = g * m[i] + o->b[t * LD + i] * e;
            y[t] += o->c[t * LD + i] * m[i];
        }
    }
}

static const struct kind {
    const char *name;
    void (*run)(const struct kernels *k, struct operands *o, int row, int rows);
    void (*exact)(const struct operands *o, int lane, double *state, double *y);
} kinds[] = {
    {"conv", run_conv, exact_conv},
    {"scan_channels", run_scan_channels, exact_scan_channels},
    {"scan_head", run_scan_head, exact_scan_head},
    {"delta", run_delta, exact_delta},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static void assert_same(const char *what, const char *table, const struct operands *got,
                        const struct operands *want)
{
    if (memcmp(got->y, want->y, sizeof got->y) != 0 ||
        memcmp(got->state, want->state, sizeof got->state) != 0)
        fail_msg("%s, %s: other bits with %d rows, %d lanes, %d states", what, table, want->rows,
                 want->lanes, want->states);
}

static void every_table_gives_the_bits_of_plain_c(void **state)
{
    static struct operands o, want, got;

    (void)state;
    for (int i = 0; i < CASES * KINDS; i++) {
        const struct kind *kind = &kinds[i % KINDS];
        make(&o, i / KINDS);
        want = o;
        kind->run(kernels_find("ref"), &want, 0, o.rows);
        for (int t = 0; kernels_at(t); t++) {
            got = o;
            if (!kernels_at(t)->usable())
                continue;
            kind->run(kernels_at(t), &got, 0, o.rows);
            assert_same(kind->name, kernels_at(t)->name, &got, &want);
        }
    }
}

static void rows_in_pieces_give_the_bits_of_all_at_once(void **state)
{
    static struct operands o, want, got;

    (void)state;
    for (int i = 0; i < CASES * KINDS; i++) {
        const struct kind *kind = &kinds[i % KINDS];
        make(&o, i / KINDS);
        want = got = o;
        kind->run(kernels_best(), &want, 0, o.rows);
        for (int row = 0, n; row < o.rows; row += n) {
            n = 1 + (int)(tiny_random(&seed) % (uint64_t)(o.rows - row));
            kind->run(kernels_best(), &got, row, n);
        }
        assert_same(kind->name, "in pieces", &got, &want);
    }
}

static void assert_near(const char *what, double got, double want)
{
    if (fabs(got - want) > 2e-5 * (1 + fabs(want)))
        fail_msg("%s: %.9g, not %.9g", what, got, want);
}

static void plain_c_computes_the_formulas(void **state)
{
    static struct operands o, got;

    (void)state;
    for (int i = 0; i < CASES * KINDS; i++) {
        const struct kind *kind = &kinds[i % KINDS];
        make(&o, i / KINDS);
        got = o;
        kind->run(kernels_find("ref"), &got, 0, o.rows);
        for (int lane = 0; lane < o.lanes; lane++) {
            double after[STATES_MAX], y[ROWS];
            int kept = kind->run == run_conv ? o.states - 1 : o.states;
            for (int n = 0; n < o.states; n++)
                after[n] = o.state[n * SCAN_LANES + lane];
            kind->exact(&o, lane, after, y);
            for (int t = 0; t < o.rows; t++)
                assert_near(kind->name, got.y[t * LD + lane], y[t]);
            for (int n = 0; n < kept; n++)
                assert_near(kind->name, got.state[n * SCAN_LANES + lane], after[n]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_gives_the_bits_of_plain_c),
        cmocka_unit_test(rows_in_pieces_give_the_bits_of_all_at_once),
        cmocka_unit_test(plain_c_computes_the_formulas),
    };
    return RUN(tests);
}
