/* The frame of a signal holds the registers as XSAVE laid them out: the lower halves of ymm0..15 in
 * its oldest part, the upper halves 576 bytes from the start.  [Intel SDM 1, 13.4] */
#include "tests/vpdpbusd.h"

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

/* The operand in memory that ModRM at p, and what follows, name; *length: bytes of these. */
static const uint8_t *address(const greg_t *g, const uint8_t *p, uint8_t vex, int *length)
{
    int mod = p[0] >> 6, rm = p[0] & 7, at = 1, base = rm | (vex & 0x20 ? 0 : 8);
    uint64_t sum = 0;
    int32_t disp = 0;

    if (rm == 4) {
        int index = (p[1] >> 3 & 7) | (vex & 0x40 ? 0 : 8);
        base = (p[1] & 7) | (vex & 0x20 ? 0 : 8);
        if (index != 4)
            sum += (uint64_t)g[general[index]] << (p[1] >> 6);
        at = 2;
    }
    if (mod == 1)
        disp = (int8_t)p[at];
    else if (mod == 2 || (base & 7) == 5)
        memcpy(&disp, p + at, 4);
    *length = at + (mod == 1 ? 1 : mod == 2 || (base & 7) == 5 ? 4 : 0);
    if (mod == 0 && rm == 5)
        sum += (uint64_t)(uintptr_t)p + (uint64_t)*length; /* relative to the next instruction */
    else if (mod != 0 || (base & 7) != 5)
        sum += (uint64_t)g[general[base]];
    return (const uint8_t *)(uintptr_t)(sum + (uint64_t)(int64_t)disp);
}

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

static void on_illegal(int signal, siginfo_t *info, void *context)
{
    ucontext_t *c = context;
    greg_t *g = c->uc_mcontext.gregs;
    const uint8_t *p = (const uint8_t *)(uintptr_t)g[REG_RIP];
    uint8_t *state = (uint8_t *)c->uc_mcontext.fpregs, sum[32], a[32], b[32];
    int length = 1, to;

    (void)signal, (void)info;
    if (p[0] != 0xc4 || (p[1] & 31) != 2 || (p[2] & 0x87) != 5 || p[3] != 0x50) {
        sigaction(SIGILL, &before, NULL); /* it is met again at once */
        return;
    }
    to = (p[4] >> 3 & 7) | (p[1] & 0x80 ? 0 : 8);
    get(state, to, sum);
    get(state, ~p[2] >> 3 & 15, a);
    if (p[4] >> 6 == 3)
        get(state, (p[4] & 7) | (p[1] & 0x20 ? 0 : 8), b);
    else
        memcpy(b, address(g, p + 4, p[1], &length), sizeof b);
    dot(sum, a, b);
    set(state, to, sum);
    g[REG_RIP] += 4 + length;
    count++;
}

void vpdpbusd_begin(void)
{
    struct sigaction sa = {.sa_sigaction = on_illegal, .sa_flags = SA_SIGINFO};

    count = 0;
    sigaction(SIGILL, &sa, &before);
}

void vpdpbusd_end(void)
{
    sigaction(SIGILL, &before, NULL);
}

long vpdpbusd_count(void)
{
    return count;
}
#endif
