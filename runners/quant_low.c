/* quant_low.c -- formats of one and two bits without a codebook, and NVFP4 (engine.md 2.1, 2.3). */
#include <math.h>

#include "runners/quant_block.h"

/* Five base-3 digits share a byte as the fraction byte/256; digit n is what leaves it at the top
 * when it is multiplied by 3 for the (n+1)-th time. */
static int ternary_digit(uint8_t b, int n)
{
    static const uint8_t power[5] = {1, 3, 9, 27, 81};

    return (uint8_t)(b * power[n]) * 3 >> 8;
}

void quant_unpack_tq1_0(float *y, const void *blocks, size_t n)
{
    static const struct {
        int first, bytes, digits;
    } runs[3] = {{0, 32, 5}, {32, 16, 5}, {48, 4, 4}};
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 54) {
        float d = quant_half(b + 52);
        for (int r = 0; r < 3; r++)
            for (int digit = 0; digit < runs[r].digits; digit++)
                for (int k = 0; k < runs[r].bytes; k++)
                    *y++ = d * (float)(ternary_digit(b[runs[r].first + k], digit) - 1);
    }
}

void quant_unpack_tq2_0(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 66) {
        float d = quant_half(b + 64);
        for (int j = 0; j < 256; j++)
            y[i + j] = d * (float)((b[32 * (j / 128) + j % 32] >> (j / 32 % 4 * 2) & 3) - 1);
    }
}

void quant_unpack_q1_0(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 128, b += 18) {
        float d = quant_half(b);
        for (int j = 0; j < 128; j++)
            y[i + j] = b[2 + j / 8] >> (j % 8) & 1 ? d : -d;
    }
}

void quant_unpack_q2_0(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 64, b += 18) {
        float d = quant_half(b);
        for (int j = 0; j < 64; j++)
            y[i + j] = d * (float)((b[2 + j / 4] >> (j % 4 * 2) & 3) - 1);
    }
}

float quant_e4m3_half(uint8_t x)
{
    int e = x >> 3 & 15, m = x & 7;

    if (x == 0x7f)
        return 0;
    return e ? ldexpf((float)(8 + m), e - 11) : ldexpf((float)m, -10);
}

void quant_unpack_nvfp4(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 64, b += 36)
        for (int s = 0; s < 4; s++) {
            float d = quant_e4m3_half(b[s]);
            for (int j = 0; j < 8; j++) {
                uint8_t codes = b[4 + 8 * s + j];
                y[i + 16 * s + j] = d * (float)quant_mxfp4_values[codes & 15];
                y[i + 16 * s + j + 8] = d * (float)quant_mxfp4_values[codes >> 4];
            }
        }
}
