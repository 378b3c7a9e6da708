/* cuda_prelude.cuh -- OpenCL C's words in CUDA C++, so that both compile the same kernels; the
 * Makefile puts it in front of them. */
typedef unsigned char uchar;
typedef unsigned int uint;
typedef unsigned long long ulong;
struct half {
    unsigned short bits;
};

#define __kernel extern "C" __global__
#define __global
#define LOCAL_ARRAY __shared__
#define LOCAL_POINTER
#define FIXED_GROUP(x, y) __launch_bounds__((x) * (y))
#define CLK_LOCAL_MEM_FENCE 0
#define INFINITY __int_as_float(0x7f800000)

static void barrier(int) { __syncthreads(); }
static uint get_local_id(int d) { return d ? threadIdx.y : threadIdx.x; }
static uint get_group_id(int d) { return d ? blockIdx.y : blockIdx.x; }

static uint get_global_id(int d)
{
    return d ? blockIdx.y * blockDim.y + threadIdx.y : blockIdx.x * blockDim.x + threadIdx.x;
}

static float as_float(uint bits) { return __uint_as_float(bits); }

static float vload_half(int i, const half *p)
{
    float f;

    asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(p[i].bits));
    return f;
}
