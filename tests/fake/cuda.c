/* cuda.c -- a CUDA driver and NVRTC for tests: runs this project's kernels on the CPU, thread by
 * thread, refuses the call that a test names, and counts what a real driver would not forgive.
 *
 * The threads of a block are contexts that give way at barriers; blocks run one after the other. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h> /* uint, ulong */
#include <tgmath.h>
#include <ucontext.h>

enum { THREADS_MAX = 256, STACK_BYTES = 128 << 10 };

static struct { /* the thread that runs */
    unsigned thread[2], block[2], size[2];
} here;

static ucontext_t scheduler, threads[THREADS_MAX];
static int now_at, is_done[THREADS_MAX];

/* ---- what the kernels' text asks for, in C ------------------------------------------------- */

#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-function"

typedef unsigned char uchar;
typedef struct {
    _Float16 value;
} half;

#define __kernel
#define __global
#define LOCAL_ARRAY static
#define LOCAL_POINTER
#define FIXED_GROUP(x, y)
#define CLK_LOCAL_MEM_FENCE 0

static void barrier(int fence)
{
    int me = now_at;

    (void)fence;
    swapcontext(&threads[me], &scheduler);
}

static uint get_local_id(int d) { return here.thread[d]; }
static uint get_group_id(int d) { return here.block[d]; }
static uint get_global_id(int d) { return here.block[d] * here.size[d] + here.thread[d]; }

static float as_float(uint bits)
{
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

static float vload_half(int i, const half *p)
{
    return (float)p[i].value;
}

#include "runners/opencl_args.h"
#include "runners/opencl_kernels.cl"
#include "runners/opencl_lanes.cl"

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
    KERNEL(kv_store, 4),    KERNEL(attention, 6),  KERNEL(log_sum, 2),       KERNEL(pick, 3),
};

typedef void *P;
typedef struct op_args A;

static void call(const struct kernel *k, void **args)
{
    P p[6] = {0};
    const A *a = args[k->pointers];

    for (int i = 0; i < k->pointers; i++)
        memcpy(&p[i], args[i], sizeof p[i]);
    switch (k->pointers) {
    case 1: ((void (*)(P, A))k->run)(p[0], *a); return;
    case 2: ((void (*)(P, P, A))k->run)(p[0], p[1], *a); return;
    case 3: ((void (*)(P, P, P, A))k->run)(p[0], p[1], p[2], *a); return;
    case 4: ((void (*)(P, P, P, P, A))k->run)(p[0], p[1], p[2], p[3], *a); return;
    default:
        ((void (*)(P, P, P, P, P, P, A))k->run)(p[0], p[1], p[2], p[3], p[4], p[5], *a);
    }
}

static const struct kernel *running;
static void **running_args;

static void thread_main(void)
{
    call(running, running_args);
    is_done[now_at] = 1;
    swapcontext(&threads[now_at], &scheduler);
}

static void begin(unsigned t)
{
    static char *stacks;

    if (!stacks)
        stacks = malloc((size_t)THREADS_MAX * STACK_BYTES);
    getcontext(&threads[t]);
    threads[t].uc_stack.ss_sp = stacks + (size_t)t * STACK_BYTES;
    threads[t].uc_stack.ss_size = STACK_BYTES;
    threads[t].uc_link = NULL;
    makecontext(&threads[t], thread_main, 0);
    is_done[t] = 0;
}

static void run_block(unsigned n)
{
    unsigned left = n;

    for (unsigned t = 0; t < n; t++)
        begin(t);
    while (left > 0)
        for (unsigned t = 0; t < n; t++) {
            if (is_done[t])
                continue;
            now_at = (int)t;
            here.thread[0] = t % here.size[0];
            here.thread[1] = t / here.size[0];
            swapcontext(&scheduler, &threads[t]);
            left -= (unsigned)is_done[t];
        }
}

/* ---- the driver ----------------------------------------------------------------------------- */

struct fake_cuda { /* what tests see */
    int calls, fail_at, code; /* fail_at: the call, from 0, that returns code; -1: none */
    int buffers, modules, contexts, programs; /* alive */
    int faults;   /* calls out of order, wrong shapes */
    int compiled, launched;
};

struct fake_cuda fake_cuda = {.fail_at = -1};
static int is_init, is_current;

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

int cuDeviceTotalMem_v2(size_t *bytes, int device)
{
    *bytes = (size_t)8 << 30;
    return step(is_init && device == 7);
}

int cuDeviceGetAttribute(int *value, int what, int device)
{
    *value = what == 75 ? 9 : what == 76 ? 0 : 132;
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
    return step(is_current);
}

int cuModuleLoadData(void **module, const void *image)
{
    int rc = step(is_current);

    if (rc == 0 && strncmp(image, "image for sm_90", 15) != 0)
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
    return step(is_current && module == kernels && *function);
}

int cuMemAlloc_v2(uint64_t *at, size_t bytes)
{
    int rc = step(is_current && bytes > 0);

    *at = rc ? 0 : (uintptr_t)malloc(bytes);
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
    int rc = step(is_current && to != 0);

    if (rc == 0)
        memcpy((void *)(uintptr_t)to, from, n);
    return rc;
}

int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t n)
{
    int rc = step(is_current && from != 0);

    if (rc == 0)
        memcpy(to, (void *)(uintptr_t)from, n);
    return rc;
}

int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                   unsigned bz, unsigned shared, void *stream, void **args, void **extra)
{
    unsigned n = bx * by;
    int rc = step(is_current && function && gx && gy && gy <= 65535 && gz == 1 && bz == 1 &&
                  n > 0 && n <= THREADS_MAX && shared == 0 && !stream && !extra);

    fake_cuda.launched++;
    if (rc)
        return rc;
    running = function;
    running_args = args;
    here.size[0] = bx;
    here.size[1] = by;
    for (here.block[1] = 0; here.block[1] < gy; here.block[1]++)
        for (here.block[0] = 0; here.block[0] < gx; here.block[0]++)
            run_block(n);
    return 0;
}

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
    return step(program == arch && strcmp(arch, "sm_90") == 0);
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
