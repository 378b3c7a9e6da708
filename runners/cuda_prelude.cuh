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
#define TWO_GROUPS(x) __launch_bounds__(x, 2) /* at a time on a multiprocessor */
#define UNROLL _Pragma("unroll")
#define ONE_BY_ONE _Pragma("unroll 1")
#define ALIGNED_16 __align__(16)
#define HAS_TENSOR_CORES (__CUDA_ARCH__ >= 800)
#define INFINITY __int_as_float(0x7f800000)

static void barrier(int) { __syncthreads(); }
static uint get_local_id(int d) { return d ? threadIdx.y : threadIdx.x; }
static uint get_group_id(int d) { return d ? blockIdx.y : blockIdx.x; }

static uint get_global_id(int d)
{
    return d ? blockIdx.y * blockDim.y + threadIdx.y : blockIdx.x * blockDim.x + threadIdx.x;
}

static float as_float(uint bits) { return __uint_as_float(bits); }
static uint as_uint(float f) { return __float_as_uint(f); }

static float vload_half(int i, const half *p)
{
    float f;

    asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(p[i].bits));
    return f;
}

/* ---- for cuda_tensor.cuh -------------------------------------------------------------------- */

typedef uint *words;
typedef const uint *const_words;

#if HAS_TENSOR_CORES

/* Rounded to nearest; low in the lower bits. */
static uint two_halves(float low, float high)
{
    uint both;

    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
}

/* Memory at a multiple of 16 bytes. */
static void copy_four(uint *to, const uint *from)
{
    uint4 v = *(const uint4 *)from;

    to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}

static void put_four(uint *to, const uint *from)
{
    *(uint4 *)to = make_uint4(from[0], from[1], from[2], from[3]);
}

/* Four 8 x 8 matrices of float16 from shared memory: lane 8 m + r says where row r of matrix m
 * is, and gets elements 2 (lane % 4) and the next of row lane / 4 of each. */
static void matrices_at(uint to[4], const uint *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"((uint)__cvta_generic_to_shared(row))
                 : "memory");
}

/* sum += a b, a of 16 x 16 in four matrices (down, then right), b of 16 x 8 in two, by column. */
static void multiply_add(float sum[4], const uint a[4], const uint b[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#endif
