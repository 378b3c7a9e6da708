/* cuda.c -- a CUDA driver and NVRTC for tests: runs this project's kernels on the CPU, thread by
 * thread, refuses the call that a test names, and counts what a real driver would not forgive.
 *
 * The threads of a block are contexts that give way at barriers; blocks run one after the other. */
#undef _FORTIFY_SOURCE /* which takes a jump from one context to another for a mistake */
#include <math.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h> /* uint, ulong */
#include <tgmath.h>
#include <ucontext.h>

/* The driver's functions, like the kernels, are found by name: no header declares them. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

enum { THREADS_MAX = 256, STACK_BYTES = 128 << 10 };

struct fake_cuda { /* what tests see */
    int calls, fail_at, code; /* fail_at: the call, from 0, that returns code; -1: none */
    int buffers, modules, contexts, programs; /* alive */
    int faults;   /* calls out of order, wrong shapes */
    int compiled, launched;
    int capability;
    int streams, graphs; /* alive */
    int captured, replayed;
    int graph_calls, fail_graph_at; /* as calls, of those about graphs alone */
};

struct fake_cuda fake_cuda = {.fail_at = -1, .fail_graph_at = -1, .capability = 90};
static void fault_unless(int is_right)
{
    fake_cuda.faults += !is_right;
}

static struct { /* the thread that runs */
    unsigned thread[2], block[2], size[2];
} self;

/* Contexts are made once; from then on a jump is enough, and asks the system for nothing. */
static jmp_buf scheduler, threads[THREADS_MAX];
static int now_at, is_done[THREADS_MAX];

static void give_way(void)
{
    if (!_setjmp(threads[now_at]))
        _longjmp(scheduler, 1);
}

/* What a thread waits for: those of a block wait for the same, or the kernel is wrong. */
static enum wait { BARRIER, MATRICES, MULTIPLY } waits_for[THREADS_MAX];

static void wait_for(enum wait what)
{
    waits_for[now_at] = what;
    give_way();
}

/* ---- what the kernels' text asks for, in C ------------------------------------------------- */

#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-function"

typedef unsigned char uchar;
typedef struct {
    uint16_t bits;
} half;

#define __kernel
#define __global
#define LOCAL_ARRAY static
#define LOCAL_POINTER
#define FIXED_GROUP(x, y)
#define CLK_LOCAL_MEM_FENCE 0

static void barrier(int fence)
{
    (void)fence;
    wait_for(BARRIER);
}

static uint get_local_id(int d) { return self.thread[d]; }
static uint get_group_id(int d) { return self.block[d]; }
static uint get_global_id(int d) { return self.block[d] * self.size[d] + self.thread[d]; }

static float as_float(uint bits)
{
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

/* float16 by hand: not every compiler has it. */
static float half_value(uint16_t h)
{
    int exponent = h >> 10 & 31, sign = h >> 15 ? -1 : 1, digits = h & 1023;

    if (exponent == 31)
        return (float)sign * (digits ? NAN : INFINITY);
    return (float)(sign * (exponent ? 1024 + digits : digits)) *
           as_float((uint)((exponent ? exponent : 1) + 127 - 25) << 23);
}

static float vload_half(int i, const half *p)
{
    return half_value(p[i].bits);
}

static uint as_uint(float f)
{
    uint bits;

    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* ---- what a warp does together -------------------------------------------------------------- */

/* As PTX describes them (ISA 8, ldmatrix and the fragments of mma.m16n8k16): written from there, so
 * that a wrong place in cuda_tensor.cuh shows.  Sums are plain float32; hardware rounds its own
 * way. */

#define HAS_TENSOR_CORES 1
#define TWO_GROUPS(x)
#define UNROLL
#define ONE_BY_ONE
#define ALIGNED_16 _Alignas(16)

typedef uint *words;
typedef const uint *const_words;

static struct lane { /* what it brings */
    const void *row;
    float a[8], b[4];
} lanes[2][THREADS_MAX];
static int turns[THREADS_MAX];

/* Where this lane brings it: the one before may still be read. */
static struct lane *my_turn(void)
{
    return &lanes[turns[now_at]++ % 2][now_at];
}

static const struct lane *warp_of(enum wait what)
{
    int turn = (turns[now_at] + 1) % 2, first = now_at / 32 * 32;

    wait_for(what);
    return &lanes[turn][first];
}

/* To the nearest, ties to even. */
static uint16_t half_bits(float f)
{
    uint bits = as_uint(f), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;

    if (size > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (size >= 0x477ff000) /* 65520 and more */
        return (uint16_t)(sign | 0x7c00);
    if (size < 0x38800000) /* a denormal: adding 1/2 rounds it */
        return (uint16_t)(sign | (as_uint(as_float(size) + 0.5f) - 0x3f000000));
    return (uint16_t)(sign | (size + 0xc8000fff + (size >> 13 & 1)) >> 13);
}

static uint two_halves(float low, float high)
{
    return half_bits(low) | (uint)half_bits(high) << 16;
}

static float half_of(uint word, int i)
{
    return half_value((uint16_t)(word >> 16 * i));
}

static void copy_four(uint *to, const uint *from)
{
    memcpy(to, __builtin_assume_aligned(from, 16), 16);
}

static void put_four(uint *to, const uint *from)
{
    memcpy(__builtin_assume_aligned(to, 16), from, 16);
}

static void matrices_at(uint to[4], const uint *row)
{
    int lane = now_at % 32;
    const struct lane *warp;

    fault_unless((uintptr_t)row % 16 == 0);
    my_turn()->row = row;
    warp = warp_of(MATRICES);
    for (int m = 0; m < 4; m++)
        memcpy(&to[m], (const uint *)warp[8 * m + lane / 4].row + lane % 4, sizeof to[m]);
}

static float a_at(const struct lane *warp, int row, int k)
{
    int i = 4 * (k >= 8) + 2 * (row >= 8) + k % 2;

    return warp[row % 8 * 4 + k % 8 / 2].a[i];
}

static float b_at(const struct lane *warp, int k, int col)
{
    return warp[col * 4 + k % 8 / 2].b[k / 8 * 2 + k % 2];
}

static void multiply_add(float sum[4], const uint a[4], const uint b[2])
{
    int lane = now_at % 32;
    struct lane *mine = my_turn();
    const struct lane *warp;

    for (int i = 0; i < 8; i++)
        mine->a[i] = half_of(a[i / 2], i % 2);
    for (int i = 0; i < 4; i++)
        mine->b[i] = half_of(b[i / 2], i % 2);
    warp = warp_of(MULTIPLY);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 16; k++)
            sum[i] += a_at(warp, lane / 4 + 8 * (i / 2), k) * b_at(warp, k, lane % 4 * 2 + i % 2);
}

#include "runners/opencl_args.h"
#include "runners/opencl_kernels.cl"
#include "runners/opencl_lanes.cl"
#include "runners/cuda_tensor.cuh"

/* ---- kernels by name ----------------------------------------------------------------------- */

struct kernel {
    const char *name;
    void (*run)(void);
    int pointers; /* before the struct op_args */
};

#define KERNEL(name, n) {#name, (void (*)(void))name, n}

static const struct kernel kernels[] = {
    KERNEL(expand, 2),      KERNEL(gemm, 4),       KERNEL(thin, 4),          KERNEL(experts, 3),
    KERNEL(row_norm, 3),    KERNEL(head_norm, 2),  KERNEL(embed, 4),         KERNEL(rope, 2),
    KERNEL(clamp_row, 1),   KERNEL(scale_row, 1),  KERNEL(threshold_row, 1), KERNEL(temper_row, 2),
    KERNEL(add_rows, 1),    KERNEL(gate_rows, 1),  KERNEL(scale_by, 1),      KERNEL(slice_row, 2),
    KERNEL(concat_rows, 1), KERNEL(gather_rows, 2), KERNEL(route_rows, 3),
    KERNEL(combine_rows, 1),
    KERNEL(kv_store, 4),    KERNEL(attend, 6),     KERNEL(attend_join, 4),   KERNEL(log_sum, 2),
    KERNEL(pick, 3),        KERNEL(read_all, 2),   KERNEL(weight_scales, 2), KERNEL(narrow, 3),
    KERNEL(tensor, 7),
};

typedef void *P;
typedef struct op_args A;

static void call(const struct kernel *k, void **args)
{
    P p[7] = {0};
    const A *a = args[k->pointers];

    for (int i = 0; i < k->pointers; i++)
        memcpy(&p[i], args[i], sizeof p[i]);
    switch (k->pointers) {
    case 1: ((void (*)(P, A))k->run)(p[0], *a); return;
    case 2: ((void (*)(P, P, A))k->run)(p[0], p[1], *a); return;
    case 3: ((void (*)(P, P, P, A))k->run)(p[0], p[1], p[2], *a); return;
    case 4: ((void (*)(P, P, P, P, A))k->run)(p[0], p[1], p[2], p[3], *a); return;
    case 6:
        ((void (*)(P, P, P, P, P, P, A))k->run)(p[0], p[1], p[2], p[3], p[4], p[5], *a);
        return;
    default:
        ((void (*)(P, P, P, P, P, P, P, A))k->run)(p[0], p[1], p[2], p[3], p[4], p[5], p[6], *a);
    }
}

static const struct kernel *running;
static void **running_args;

static void thread_main(void)
{
    for (;;) {
        call(running, running_args);
        is_done[now_at] = 1;
        give_way();
    }
}

static ucontext_t *first_time(void)
{
    static ucontext_t context;

    getcontext(&context);
    context.uc_stack.ss_sp = malloc(STACK_BYTES);
    context.uc_stack.ss_size = STACK_BYTES;
    context.uc_link = NULL;
    makecontext(&context, thread_main, 0);
    return &context;
}

static void go_on(int t)
{
    static int is_made[THREADS_MAX];

    now_at = t;
    if (_setjmp(scheduler))
        return;
    if (is_made[t])
        _longjmp(threads[t], 1);
    is_made[t] = 1;
    setcontext(first_time());
}

/* All of them wait for the same, or are done. */
static int is_together(unsigned n)
{
    for (unsigned t = 1; t < n; t++)
        if (is_done[t] != is_done[0] || (!is_done[t] && waits_for[t] != waits_for[0]))
            return 0;
    return 1;
}

static void run_block(unsigned n)
{
    memset(is_done, 0, sizeof is_done);
    do {
        for (unsigned t = 0; t < n; t++) {
            if (is_done[t])
                continue;
            self.thread[0] = t % self.size[0];
            self.thread[1] = t / self.size[0];
            go_on((int)t);
        }
        fault_unless(is_together(n));
    } while (!is_done[0]);
}

/* ---- the driver ----------------------------------------------------------------------------- */

static int is_init, is_current, is_capturing;

static int step(int is_allowed)
{
    if (!is_allowed)
        fake_cuda.faults++;
    return fake_cuda.calls++ == fake_cuda.fail_at ? fake_cuda.code : 0;
}

int cuInit(unsigned flags)
{
    int rc = step(flags == 0);

    is_init |= rc == 0;
    return rc;
}

int cuDeviceGetCount(int *n)
{
    *n = 1;
    return step(is_init);
}

int cuDeviceGet(int *device, int i)
{
    *device = 7;
    return step(is_init && i == 0);
}

int cuDeviceGetName(char *to, int n, int device)
{
    if (n > 11)
        memcpy(to, "test device", 12);
    return step(is_init && device == 7);
}

int cuDeviceTotalMem_v2(size_t *n, int device)
{
    *n = (size_t)8 << 30;
    return step(is_init && device == 7);
}

int cuDeviceGetAttribute(int *value, int what, int device)
{
    *value = what == 75 ? fake_cuda.capability / 10 : what == 76 ? fake_cuda.capability % 10 : 132;
    return step(is_init && device == 7 && (what == 75 || what == 76 || what == 16));
}

int cuDriverGetVersion(int *version)
{
    *version = 12040;
    return step(1);
}

int cuDevicePrimaryCtxRetain(void **context, int device)
{
    int rc = step(is_init && device == 7);

    *context = rc ? NULL : &fake_cuda;
    fake_cuda.contexts += rc == 0;
    return rc;
}

int cuDevicePrimaryCtxRelease_v2(int device)
{
    fake_cuda.contexts--;
    is_current = 0;
    return step(device == 7 && fake_cuda.buffers == 0 && fake_cuda.modules == 0);
}

int cuCtxSetCurrent(void *context)
{
    is_current = context == &fake_cuda;
    return step(is_current && fake_cuda.contexts > 0);
}

int cuCtxSynchronize(void)
{
    return step(is_current && !is_capturing);
}

int cuModuleLoadData(void **module, const void *image)
{
    int rc = step(is_current);
    char wanted[32];

    snprintf(wanted, sizeof wanted, "image for sm_%d", fake_cuda.capability);
    if (rc == 0 && strncmp(image, wanted, 15) != 0)
        rc = 200; /* CUDA_ERROR_INVALID_IMAGE */
    *module = rc ? NULL : (void *)kernels;
    fake_cuda.modules += rc == 0;
    return rc;
}

int cuModuleUnload(void *module)
{
    fake_cuda.modules--;
    return step(is_current && module == kernels);
}

int cuModuleGetFunction(void **function, void *module, const char *name)
{
    *function = NULL;
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
        if (strcmp(kernels[i].name, name) == 0)
            *function = (void *)&kernels[i];
    if (fake_cuda.capability < 80 && strcmp(name, "tensor") == 0)
        *function = NULL; /* not in the text for these */
    return step(is_current && module == kernels && *function);
}

int cuMemAlloc_v2(uint64_t *at, size_t n)
{
    int rc = step(is_current && !is_capturing && n > 0);

    *at = rc || !n ? 0 : (uintptr_t)malloc(n);
    fake_cuda.buffers += rc == 0;
    return rc;
}

int cuMemFree_v2(uint64_t at)
{
    free((void *)(uintptr_t)at);
    fake_cuda.buffers--;
    return step(is_current && at != 0);
}

int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t n)
{
    int rc = step(is_current && !is_capturing && to != 0);

    if (rc == 0 && to)
        memcpy((void *)(uintptr_t)to, from, n);
    return rc;
}

int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t n)
{
    int rc = step(is_current && !is_capturing && from != 0);

    if (rc == 0 && from)
        memcpy(to, (void *)(uintptr_t)from, n);
    return rc;
}

/* ---- launches, at once or as a graph -------------------------------------------------------- */

enum { NODES_MAX = 4096 };

struct node { /* a launch: its arguments are copied, as a driver does */
    const struct kernel *kernel;
    unsigned grid[2], block[2];
    void *pointers[7];
    struct op_args rest;
};

static struct graph {
    int n;
    struct node nodes[NODES_MAX];
} captured;
static int a_stream;

static void run_node(struct node *node)
{
    static void *args[8];
    int n = node->kernel->pointers;

    for (int i = 0; i < n; i++)
        args[i] = &node->pointers[i];
    args[n] = &node->rest;
    running = node->kernel;
    running_args = args;
    memcpy(self.size, node->block, sizeof self.size);
    for (self.block[1] = 0; self.block[1] < node->grid[1]; self.block[1]++)
        for (self.block[0] = 0; self.block[0] < node->grid[0]; self.block[0]++)
            run_block(node->block[0] * node->block[1]);
}

int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                   unsigned bz, unsigned shared, void *stream, void **args, void **extra)
{
    unsigned n = bx * by;
    int rc = step(is_current && function && gx && gy && gy <= 65535 && gz == 1 && bz == 1 &&
                  n > 0 && n <= THREADS_MAX && shared == 0 && stream == &a_stream && !extra);
    struct node node = {.kernel = function, .grid = {gx, gy}, .block = {bx, by}};

    fake_cuda.launched++;
    if (rc || !function)
        return rc;
    for (int i = 0; i < node.kernel->pointers; i++)
        memcpy(&node.pointers[i], args[i], sizeof node.pointers[i]);
    memcpy(&node.rest, args[node.kernel->pointers], sizeof node.rest);
    if (!is_capturing)
        run_node(&node);
    else if (captured.n < NODES_MAX)
        captured.nodes[captured.n++] = node;
    return 0;
}

int cuStreamCreate(void **stream, unsigned flags)
{
    int rc = step(is_current && flags == 0); /* waits for the default stream, and it for this */

    *stream = rc ? NULL : &a_stream;
    fake_cuda.streams += rc == 0;
    return rc;
}

int cuStreamDestroy_v2(void *stream)
{
    fake_cuda.streams--;
    return step(is_current && stream == &a_stream && !is_capturing);
}

#ifndef IS_OLD /* drivers before 11.4 have no graphs of this kind */

static int graph_step(int is_allowed)
{
    int rc = step(is_allowed);

    return fake_cuda.graph_calls++ == fake_cuda.fail_graph_at ? 801 : rc; /* NOT_SUPPORTED */
}

int cuStreamBeginCapture_v2(void *stream, int mode)
{
    int rc = graph_step(is_current && stream == &a_stream && !is_capturing && mode == 1);

    is_capturing = rc == 0;
    captured.n = 0;
    return rc;
}

int cuStreamEndCapture(void *stream, void **graph)
{
    int rc = graph_step(is_current && stream == &a_stream && is_capturing);

    is_capturing = 0;
    *graph = rc ? NULL : &captured;
    fake_cuda.captured += rc == 0;
    return rc;
}

int cuGraphInstantiateWithFlags(void **instance, void *graph, unsigned long long flags)
{
    int rc = graph_step(is_current && graph == &captured && flags == 0);

    *instance = NULL;
    if (rc)
        return rc;
    *instance = malloc(sizeof captured);
    memcpy(*instance, graph, sizeof captured);
    fake_cuda.graphs++;
    return 0;
}

int cuGraphDestroy(void *graph)
{
    return graph_step(graph == &captured);
}

int cuGraphLaunch(void *instance, void *stream)
{
    struct graph *g = instance;
    int rc = graph_step(is_current && g && stream == &a_stream && !is_capturing);

    for (int i = 0; g && i < g->n && rc == 0; i++)
        run_node(&g->nodes[i]);
    fake_cuda.replayed += rc == 0;
    return rc;
}

int cuGraphExecDestroy(void *instance)
{
    free(instance);
    fake_cuda.graphs--;
    return graph_step(is_current);
}

#endif

int cuGetErrorName(int rc, const char **name)
{
    *name = rc == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_OF_A_TEST";
    return 0;
}

/* ---- NVRTC ---------------------------------------------------------------------------------- */

static char arch[16];

int nvrtcCreateProgram(void **program, const char *source, const char *name, int n,
                       const char *const *headers, const char *const *names)
{
    int rc = step(strstr(source, "extern \"C\" __global__") && name && n == 0 && !headers &&
                  !names);

    *program = rc ? NULL : arch;
    fake_cuda.programs += rc == 0;
    return rc;
}

int nvrtcCompileProgram(void *program, int n, const char *const *options)
{
    const char *of = "--gpu-architecture=";

    fake_cuda.compiled++;
    arch[0] = '\0';
    for (int i = 0; i < n; i++)
        if (strncmp(options[i], of, strlen(of)) == 0)
            strncpy(arch, options[i] + strlen(of), sizeof arch - 1);
    return step(program == arch && strncmp(arch, "sm_", 3) == 0);
}

int nvrtcGetCUBINSize(void *program, size_t *n)
{
    *n = 15;
    return step(program == arch);
}

int nvrtcGetCUBIN(void *program, char *to)
{
    memcpy(to, "image for ", 10);
    memcpy(to + 10, arch, 5);
    return step(program == arch);
}

int nvrtcGetProgramLogSize(void *program, size_t *n)
{
    *n = 10;
    return program != arch;
}

int nvrtcGetProgramLog(void *program, char *to)
{
    memcpy(to, "line 7: no", 11);
    return program != arch;
}

int nvrtcDestroyProgram(void **program)
{
    *program = NULL;
    fake_cuda.programs--;
    return 0;
}
