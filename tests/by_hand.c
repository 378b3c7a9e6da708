/* The frame of a signal holds the registers as XSAVE laid them out: the lower halves of ymm0..15 in
 * its oldest part, the upper halves 576 bytes from the start.  [Intel SDM 1, 13.4] */
#include "tests/by_hand.h"

#if defined(__x86_64__)
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

enum { XSTATE_BV = 512, YMM_HIGH = 576, HAS_YMM = 4 };

static struct sigaction before;
static volatile long count;

static const int general[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                REG_R12, REG_R13, REG_R14, REG_R15};

static void get(const uint8_t *state, int reg, uint8_t v[32])
{
    uint64_t bv;

    memcpy(&bv, state + XSTATE_BV, sizeof bv);
    memcpy(v, state + 160 + 16 * reg, 16);
    memset(v + 16, 0, 16);
    if (bv & HAS_YMM)
        memcpy(v + 16, state + YMM_HIGH + 16 * reg, 16);
}

static void set(uint8_t *state, int reg, const uint8_t v[32])
{
    uint64_t bv;

    memcpy(&bv, state + XSTATE_BV, sizeof bv);
    if (!(bv & HAS_YMM))
        memset(state + YMM_HIGH, 0, 256);
    bv |= HAS_YMM;
    memcpy(state + XSTATE_BV, &bv, sizeof bv);
    memcpy(state + 160 + 16 * reg, v, 16);
    memcpy(state + YMM_HIGH + 16 * reg, v + 16, 16);
}

/* The operand in memory that ModRM at p, and what follows, name; *length: bytes of these.  stride:
 * not NULL where the index is a distance between rows, and no part of the address. */
static uint8_t *address(const greg_t *g, const uint8_t *p, uint8_t vex, int *length,
                        uint64_t *stride)
{
    int mod = p[0] >> 6, rm = p[0] & 7, at = 1, base = rm | (vex & 0x20 ? 0 : 8);
    uint64_t sum = 0, index = 0;
    int32_t disp = 0;

    if (rm == 4) {
        int reg = (p[1] >> 3 & 7) | (vex & 0x40 ? 0 : 8);
        base = (p[1] & 7) | (vex & 0x20 ? 0 : 8);
        index = reg == 4 ? 0 : (uint64_t)g[general[reg]] << (p[1] >> 6);
        at = 2;
    }
    if (mod == 1)
        disp = (int8_t)p[at]; /* NOLINT(bugprone-signed-char-misuse): its sign is meant */
    else if (mod == 2 || (base & 7) == 5)
        memcpy(&disp, p + at, 4);
    *length = at + (mod == 1 ? 1 : mod == 2 || (base & 7) == 5 ? 4 : 0);
    if (mod == 0 && rm == 5)
        sum = (uint64_t)(uintptr_t)p + (uint64_t)*length; /* relative to the next instruction */
    else if (mod != 0 || (base & 7) != 5)
        sum = (uint64_t)g[general[base]];
    if (stride)
        *stride = index;
    else
        sum += index;
    return (uint8_t *)(uintptr_t)(sum + (uint64_t)(int64_t)disp);
}

struct instruction { /* after its three bytes of VEX */
    const uint8_t *p; /* opcode, ModRM, ... */
    uint8_t vex;      /* the second byte */
    int prefix, wide, second, reg, is_memory, length; /* length: after the opcode */
};

/* ---- AVX-VNNI ---------------------------------------------------------------------------- */

static void dot(uint8_t sum[32], const uint8_t a[32], const uint8_t b[32])
{
    for (int i = 0; i < 32; i += 4) {
        uint32_t s;

        memcpy(&s, sum + i, 4);
        for (int k = 0; k < 4; k++)
            s += (uint32_t)(a[i + k] * (int8_t)b[i + k]);
        memcpy(sum + i, &s, 4);
    }
}

static void vpdpbusd(struct instruction *in, const greg_t *g, uint8_t *state)
{
    int to = in->reg | (in->vex & 0x80 ? 0 : 8);
    uint8_t sum[32], a[32], b[32];

    get(state, to, sum);
    get(state, in->second, a);
    if (in->is_memory)
        memcpy(b, address(g, in->p + 1, in->vex, &in->length, NULL), sizeof b);
    else
        get(state, (in->p[1] & 7) | (in->vex & 0x20 ? 0 : 8), b);
    dot(sum, a, b);
    set(state, to, sum);
}

/* ---- AMX --------------------------------------------------------------------------------- */

static struct {
    uint8_t palette, start_row, unused[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} shape;
static uint8_t tile[8][16][64];

static void move_rows(struct instruction *in, const greg_t *g, int is_store)
{
    uint64_t stride;
    uint8_t *at = address(g, in->p + 1, in->vex, &in->length, &stride);
    uint8_t (*t)[64] = tile[in->reg];

    if (!is_store)
        memset(t, 0, sizeof tile[0]);
    for (int r = 0; r < shape.rows[in->reg]; r++, at += stride)
        memcpy(is_store ? at : t[r], is_store ? t[r] : at, shape.row_bytes[in->reg]);
}

/* Of as many bytes as the shapes say; an instruction whose shapes do not fit is illegal, too. */
static int tdpbsud(const struct instruction *in)
{
    int a = in->p[1] & 7, b = in->second, depth = shape.row_bytes[a] / 4;

    if (shape.rows[a] != shape.rows[in->reg] || shape.rows[b] != depth ||
        shape.row_bytes[b] != shape.row_bytes[in->reg])
        return 0;
    for (int m = 0; m < shape.rows[a]; m++)
        for (int n = 0; n < shape.row_bytes[b] / 4; n++) {
            int32_t sum;

            memcpy(&sum, tile[in->reg][m] + 4 * n, 4);
            for (int k = 0; k < 4 * depth; k++)
                sum += (int8_t)tile[a][m][k] * tile[b][k / 4][4 * n + k % 4];
            memcpy(tile[in->reg][m] + 4 * n, &sum, 4);
        }
    return 1;
}

enum { NO_PREFIX, P66, PF3, PF2 };

/* 0: it is none of ours. */
static int tiles(struct instruction *in, const greg_t *g)
{
    switch (in->p[0]) {
    case 0x49:
        if (in->is_memory && in->prefix == NO_PREFIX)
            memcpy(&shape, address(g, in->p + 1, in->vex, &in->length, NULL), sizeof shape);
        else if (!in->is_memory && in->prefix == PF2)
            memset(tile[in->reg], 0, sizeof tile[0]);
        else if (!in->is_memory && in->prefix == NO_PREFIX)
            memset(&shape, 0, sizeof shape);
        else
            return 0;
        return 1;
    case 0x4b:
        if (!in->is_memory || (in->prefix != PF2 && in->prefix != PF3))
            return 0;
        move_rows(in, g, in->prefix == PF3);
        return 1;
    case 0x5e:
        return !in->is_memory && in->prefix == PF3 && tdpbsud(in);
    }
    return 0;
}

static void on_illegal(int signal, siginfo_t *info, void *context)
{
    ucontext_t *c = context;
    greg_t *g = c->uc_mcontext.gregs;
    const uint8_t *p = (const uint8_t *)(uintptr_t)g[REG_RIP];
    struct instruction in = {.p = p + 3, .vex = p[1], .prefix = p[2] & 3, .wide = p[2] >> 2 & 1,
                             .second = ~p[2] >> 3 & 15, .reg = p[4] >> 3 & 7,
                             .is_memory = p[4] >> 6 != 3, .length = 1};
    int is_ours = 0;

    (void)signal, (void)info;
    if (p[0] == 0xc4 && (p[1] & 31) == 2 && p[2] >> 7 == 0) {
        if (p[3] == 0x50 && in.prefix == P66 && in.wide) {
            vpdpbusd(&in, g, (uint8_t *)c->uc_mcontext.fpregs);
            is_ours = 1;
        } else if (!in.wide) {
            is_ours = tiles(&in, g);
        }
    }
    if (!is_ours) {
        sigaction(SIGILL, &before, NULL); /* it is met again at once */
        return;
    }
    g[REG_RIP] += 4 + in.length;
    count++;
}

void by_hand_begin(void)
{
    struct sigaction sa = {.sa_sigaction = on_illegal, .sa_flags = SA_SIGINFO};

    count = 0;
    sigaction(SIGILL, &sa, &before);
}

void by_hand_end(void)
{
    sigaction(SIGILL, &before, NULL);
}

long by_hand_count(void)
{
    return count;
}
#endif
