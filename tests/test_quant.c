#include "tests/test.h"

#include "base/mem.h"
#include "runners/quant_block.h"
#include "runners/quantize.h"
#include "runners/quantize_fit.h"
#include "tests/tiny.h"

static uint32_t crc32(const unsigned char *p, size_t n)
{
    uint32_t c = 0xffffffff;

    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
    }
    return ~c;
}

/* The CRC-32 of the float32 bits of 64 blocks made by splitmix64 with the type's id as seed, NaN
 * as 7fc00000.  The numbers are those of the reference python package (gguf.quants.dequantize),
 * which also agrees bit by bit on 4000 blocks of every type from another generator; of Q1_0 and
 * Q2_0, which it lacks, those of ggml; of plain numbers, numpy's astype(float32). */
static const struct {
    int type;
    uint32_t crc;
} references[] = {
    {QUANT_F16, 0xdfb746c2},    {QUANT_BF16, 0x99f7e704},   {QUANT_Q4_0, 0x99dd98fb},
    {QUANT_Q4_1, 0x3b772c56},   {QUANT_Q5_0, 0x1340a968},   {QUANT_Q5_1, 0xe409569f},
    {QUANT_Q8_0, 0x708f0f2},    {QUANT_Q2_K, 0x1f44503c},   {QUANT_Q3_K, 0x47f8309e},
    {QUANT_Q4_K, 0xcd364e55},   {QUANT_Q5_K, 0xfcf12cd5},   {QUANT_Q6_K, 0x64c5a2a9},
    {QUANT_IQ4_NL, 0x78d2a622}, {QUANT_IQ4_XS, 0xc4746bab}, {QUANT_MXFP4, 0x8ebac23c},
    {QUANT_IQ2_XXS, 0xca8507a1}, {QUANT_IQ2_XS, 0x84c1ab4}, {QUANT_IQ2_S, 0xd84cb038},
    {QUANT_IQ3_XXS, 0x35a3da72}, {QUANT_IQ3_S, 0xce0c28b3}, {QUANT_IQ1_S, 0xc3733a81},
    {QUANT_IQ1_M, 0x60850e7f},  {QUANT_TQ1_0, 0x77d1c173},  {QUANT_TQ2_0, 0x5d887e95},
    {QUANT_NVFP4, 0x49f763a7},  {QUANT_Q1_0, 0x9eec4584},   {QUANT_Q2_0, 0xe7301307},
    {QUANT_I8, 0x7fa4c8cf},     {QUANT_I16, 0xcae4c4bb},    {QUANT_I32, 0xcf5f8e74},
    {QUANT_I64, 0x994a2f0e},    {QUANT_F64, 0x129a0f7a},
};

static void unpack_gives_the_bits_of_the_reference(void **state)
{
    enum { BLOCKS = 64 };
    static unsigned char raw[BLOCKS * 256];
    static float y[BLOCKS * 256];
    const uint32_t nan = 0x7fc00000;
    (void)state;
    for (size_t t = 0; t < sizeof references / sizeof references[0]; t++) {
        const struct quant *q = quant_find(references[t].type);
        uint64_t seed = (uint64_t)q->type;
        size_t n = (size_t)(BLOCKS * q->block);
        for (int i = 0; i < BLOCKS * q->bytes; i += 8) {
            uint64_t v = tiny_random(&seed);
            for (int k = 0; k < 8; k++)
                raw[i + k] = (unsigned char)(v >> 8 * k);
        }
        q->unpack(y, raw, n);
        for (size_t i = 0; i < n; i++)
            if (isnan(y[i]))
                memcpy(&y[i], &nan, sizeof nan);
        if (crc32((unsigned char *)y, n * sizeof *y) != references[t].crc)
            fail_msg("%s differs", q->name);
    }
}

static void formats_are_found_by_id_and_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(quant_by_name("q4_k", 4), quant_find(QUANT_Q4_K));
    assert_ptr_equal(quant_by_name("iq2_xxs", 7), quant_find(16));
    assert_null(quant_by_name("q4", 2));
    assert_null(quant_find(15));
    assert_string_equal(quant_why_not(15), "Q8_K, an internal format of activations");
    assert_string_equal(quant_why_not(137), "ik_llama.cpp type, not supported");
    assert_string_equal(quant_why_not(-1), "unknown type");
    assert_int_equal(quant_bytes(quant_find(QUANT_Q6_K), 512), 420);
}

/* Ids ascend, so that a list made from the table is in the order of the type numbers. */
static void every_row_of_the_table_is_whole(void **state)
{
    const struct quant *q;
    int last = -1;
    size_t n = 0;
    (void)state;
    for (; (q = quant_at(n)); n++) {
        assert_true(q->type > last && q->block > 0 && q->bytes > 0 && q->unpack);
        assert_ptr_equal(quant_find(q->type), q);
        assert_ptr_equal(quant_by_name(q->name, strlen(q->name)), q);
        last = q->type;
    }
    assert_int_equal(n, sizeof references / sizeof references[0] + 1); /* F32 copies bits */
}

static void every_half_survives_a_float_and_back(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float f = half_to_float((uint16_t)h);
        if (isnan(f))
            assert_true(isnan(half_to_float(float_to_half(f))));
        else
            assert_int_equal(float_to_half(f), h);
    }
}

static void half_rounds_to_nearest_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7bff; h++) { /* between neighbours, and a little beside */
        float a = half_to_float((uint16_t)h), b = half_to_float((uint16_t)(h + 1));
        float middle = (a + b) / 2;
        assert_int_equal(float_to_half(middle), h + (h & 1));
        assert_int_equal(float_to_half(nextafterf(middle, a)), h);
        assert_int_equal(float_to_half(-nextafterf(middle, b)), 0x8000 + h + 1);
    }
    assert_int_equal(float_to_half(65519.99f), 0x7bff);
    assert_int_equal(float_to_half(65520), 0x7c00);
    assert_int_equal(float_to_half(-1e30f), 0xfc00);
}

/* Relative error of the root mean square over normal values. */
static double error_of(int type, const float *x, int n)
{
    static unsigned char blocks[65536];
    static float y[16384];
    double off = 0, all = 0;

    assert_int_equal(quantize_row(type, blocks, x, (size_t)n), 0);
    quant_find(type)->unpack(y, blocks, (size_t)n);
    for (int i = 0; i < n; i++) {
        off += ((double)y[i] - x[i]) * ((double)y[i] - x[i]);
        all += (double)x[i] * x[i];
    }
    return all > 0 ? sqrt(off / all) : sqrt(off);
}

/* Nearly normal: sums of twelve uniform values. */
static void fill_normal(float *x, int n)
{
    uint64_t seed = 3;

    for (int i = 0; i < n; i++) {
        x[i] = -6;
        for (int k = 0; k < 12; k++)
            x[i] += (float)(tiny_random(&seed) >> 40) * 0x1p-24f;
    }
}

static void more_bits_lose_less(void **state)
{
    static const int order[] = {QUANT_Q4_0, QUANT_Q4_1, QUANT_Q4_K, QUANT_Q5_0, QUANT_Q5_1,
                                QUANT_Q6_K, QUANT_Q8_0, QUANT_BF16, QUANT_F16,  QUANT_F32};
    static float x[16384];
    double before = 0.1;
    (void)state;
    fill_normal(x, 16384);
    for (size_t t = 0; t < sizeof order / sizeof order[0]; t++) {
        double now = error_of(order[t], x, 16384);
        if (!(now < before))
            fail_msg("%s: %g after %g", quant_find(order[t])->name, now, before);
        before = now;
    }
    assert_true(before == 0);
}

/* Relative errors of llama.cpp's quantisers (ggml_quantize_chunk, llama-cpp-python 0.3.36) on the
 * values of fill_normal as 8 rows of 2048: without importance, and with 1 + (column % 7)^2 as
 * importance and as weight of the error.  0: they need importance. */
static const struct {
    int type;
    double plain, weighted;
} losses[] = {
    {QUANT_Q4_0, 0.08584, 0.07845},
    {QUANT_Q4_1, 0.07771, 0.06537},
    {QUANT_Q5_0, 0.04220, 0.03877},
    {QUANT_Q5_1, 0.03758, 0.03161},
    {QUANT_Q8_0, 0.00530, 0.00536},
    {QUANT_Q2_K, 0.29583, 0.24067},
    {QUANT_Q3_K, 0.14971, 0.13605},
    {QUANT_Q4_K, 0.07093, 0.06646},
    {QUANT_Q5_K, 0.03583, 0.03364},
    {QUANT_Q6_K, 0.01784, 0.01639},
    {QUANT_IQ4_NL, 0.07589, 0.07160},
    {QUANT_IQ4_XS, 0.07645, 0.07224},
    {QUANT_IQ3_XXS, 0.21062, 0.15001},
    {QUANT_IQ3_S, 0.16593, 0.11918},
    {QUANT_IQ2_XXS, 0.00000, 0.29012},
    {QUANT_IQ2_XS, 0.00000, 0.25511},
    {QUANT_IQ2_S, 0.26666, 0.22516},
    {QUANT_IQ1_S, 0.00000, 0.43819},
    {QUANT_IQ1_M, 0.00000, 0.38794},
    {QUANT_TQ1_0, 0.79803, 0.80437},
    {QUANT_TQ2_0, 0.79803, 0.80437},
    {QUANT_MXFP4, 0.11456, 0.11481},
    {QUANT_Q1_0, 0.60060, 0.59834},
    {QUANT_Q2_0, 0.71469, 0.72329},
};

static double weighted_error_of(const struct quantizer *z, int type, const float *x,
                                const float *importance)
{
    static unsigned char blocks[2048 * 4];
    static float y[2048];
    double off = 0, all = 0;

    for (int row = 0; row < 8; row++, x += 2048) {
        assert_int_equal(quantizer_row(z, type, blocks, x, importance, 2048), 0);
        quant_find(type)->unpack(y, blocks, 2048);
        for (int i = 0; i < 2048; i++) {
            double w = importance ? importance[i] : 1, d = (double)y[i] - x[i];
            off += w * d * d;
            all += w * x[i] * x[i];
        }
    }
    return sqrt(off / all);
}

static void no_format_loses_more_than_with_llama_cpp(void **state)
{
    static float x[16384], importance[2048];
    struct quantizer *z;
    struct err e = ERR_NONE;
    (void)state;
    fill_normal(x, 16384);
    for (int i = 0; i < 2048; i++)
        importance[i] = (float)(1 + i % 7 * (i % 7));
    assert_int_equal(quantizer_open(&z, &e), 0);
    for (size_t t = 0; t < sizeof losses / sizeof losses[0]; t++) {
        int type = losses[t].type;
        double plain, weighted;
        assert_int_equal(quantizer_prepare(z, type, &e), 0);
        plain = weighted_error_of(z, type, x, NULL);
        weighted = weighted_error_of(z, type, x, importance);
        if (weighted > losses[t].weighted + 6e-6 ||
            (losses[t].plain > 0 && plain > losses[t].plain + 6e-6))
            fail_msg("%s: %.5f %.5f", quant_find(type)->name, plain, weighted);
        assert_true(plain > losses[t].plain / 2 && weighted > losses[t].weighted / 2);
    }
    quantizer_close(z);
}

/* What blocks say comes back from them: the codes of a block are those of what it unpacks to. */
static void unpacked_blocks_are_written_as_they_were(void **state)
{
    static const int types[] = {QUANT_Q8_0, QUANT_Q4_0, QUANT_Q5_0, QUANT_TQ1_0, QUANT_TQ2_0,
                                QUANT_MXFP4, QUANT_Q1_0};
    static unsigned char blocks[2][4096];
    static float x[2048], y[2048];
    (void)state;
    fill_normal(x, 2048);
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        const struct quant *q = quant_find(types[t]);
        assert_int_equal(quantize_row(types[t], blocks[0], x, 2048), 0);
        q->unpack(y, blocks[0], 2048);
        assert_int_equal(quantize_row(types[t], blocks[1], y, 2048), 0);
        q->unpack(x, blocks[1], 2048);
        for (int i = 0; i < 2048; i++)
            assert_true(fabsf(x[i] - y[i]) <= 1e-3f * fabsf(y[i]));
        fill_normal(x, 2048);
    }
}

static void a_code_of_iq4_is_the_nearest_of_its_table(void **state)
{
    (void)state;
    for (float v = -140; v < 130; v += 1.0f / 64) {
        float off = fabsf(v - (float)quant_iq4_values[fit_iq4_code(v)]);
        for (int i = 0; i < 16; i++)
            assert_true(off <= fabsf(v - (float)quant_iq4_values[i]));
    }
    assert_int_equal(fit_iq4_code(-1e30f), 0);
    assert_int_equal(fit_iq4_code(1e30f), 15);
}

static void types_of_activations_and_unknown_ones_are_not_written(void **state)
{
    struct quantizer *z;
    struct err e = ERR_NONE;
    float x[64] = {0};
    unsigned char blocks[64];
    (void)state;
    assert_int_equal(quantizer_open(&z, &e), 0);
    assert_int_equal(quantizer_prepare(z, QUANT_NVFP4, &e), -1);
    assert_int_equal(e.code, ERR_UNSUPPORTED);
    assert_string_equal(e.text, "NVFP4 cannot be written");
    assert_int_equal(quantizer_prepare(z, 15, &e), -1);
    quantizer_close(z);
    assert_int_equal(quantize_row(QUANT_I32, blocks, x, 16), -1);
    assert_int_equal(quantize_row(QUANT_IQ2_XXS, blocks, x, 64), -1); /* needs tables */
}

static void quantizer_survives_every_failed_allocation(void **state)
{
    int rc = -1;
    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct quantizer *z = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = quantizer_open(&z, &e);
        if (rc == 0)
            rc = quantizer_prepare(z, QUANT_IQ3_XXS, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        quantizer_close(z);
        assert_int_equal(mem_live(), 0);
    }
}

static void blocks_of_equal_values_and_of_zeros_come_back(void **state)
{
    static const int types[] = {QUANT_Q4_0, QUANT_Q4_1, QUANT_Q5_0, QUANT_Q5_1, QUANT_Q8_0,
                                QUANT_Q2_K, QUANT_Q3_K, QUANT_Q4_K, QUANT_Q5_K, QUANT_Q6_K,
                                QUANT_IQ4_NL, QUANT_IQ4_XS};
    float x[256];
    (void)state;
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        memset(x, 0, sizeof x);
        assert_true(error_of(types[t], x, 256) == 0);
        for (int sign = -1; sign <= 1; sign += 2) {
            for (int i = 0; i < 256; i++)
                x[i] = (float)sign * 0.1f;
            assert_true(error_of(types[t], x, 256) < 0.002);
        }
    }
}

static void what_no_block_can_hold_is_refused(void **state)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, 1e30f, -3e38f};
    static const int types[] = {QUANT_F16, QUANT_Q4_0, QUANT_Q4_1, QUANT_Q5_0, QUANT_Q5_1,
                                QUANT_Q8_0, QUANT_Q2_K, QUANT_Q3_K, QUANT_Q4_K, QUANT_Q5_K,
                                QUANT_Q6_K, QUANT_IQ4_NL, QUANT_IQ4_XS, QUANT_TQ1_0, QUANT_TQ2_0,
                                QUANT_Q1_0, QUANT_Q2_0};
    unsigned char blocks[1024];
    float x[256] = {0};
    (void)state;
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            x[77] = bad[i];
            x[78] = 3e38f; /* the range overflows */
            assert_int_equal(quantize_row(types[t], blocks, x, 256), -1);
            x[78] = 0;
            assert_int_equal(quantize_row(types[t], blocks, x, 256), -1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unpack_gives_the_bits_of_the_reference),
        cmocka_unit_test(formats_are_found_by_id_and_by_name),
        cmocka_unit_test(every_row_of_the_table_is_whole),
        cmocka_unit_test(every_half_survives_a_float_and_back),
        cmocka_unit_test(half_rounds_to_nearest_even),
        cmocka_unit_test(more_bits_lose_less),
        cmocka_unit_test(no_format_loses_more_than_with_llama_cpp),
        cmocka_unit_test(unpacked_blocks_are_written_as_they_were),
        cmocka_unit_test(a_code_of_iq4_is_the_nearest_of_its_table),
        cmocka_unit_test(types_of_activations_and_unknown_ones_are_not_written),
        cmocka_unit_test(quantizer_survives_every_failed_allocation),
        cmocka_unit_test(blocks_of_equal_values_and_of_zeros_come_back),
        cmocka_unit_test(what_no_block_can_hold_is_refused),
    };
    return RUN(tests);
}
