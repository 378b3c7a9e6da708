/* cuda_api.h -- CUDA's driver behind the interface of cl_api.h, so that cl.c drives both.
 *
 * libcuda.so.1 ($DENSIMETER_CUDA) is opened at run time; NVRTC ($DENSIMETER_NVRTC, else
 * libnvrtc.so.12, .13, .11.2) when kernels must be compiled: once per text and kind of device, then
 * they are read from $XDG_CACHE_HOME/densimeter/cuda.  Signatures and numbers are those of the CUDA
 * driver API and of NVRTC (NVIDIA's reference manuals, 12.x).  Kernels run on a stream of their
 * own, in order, and are recorded as a graph where the driver has graphs (11.4).  An argument as
 * large as a pointer is memory.  One thread at a time. */
#ifndef RUNNERS_CUDA_API_H
#define RUNNERS_CUDA_API_H

#include "base/strbuf.h"
#include "runners/cl_api.h"

int cuda_api_load(struct cl_api *out, struct err *e);

/* source, compiled for "sm_90" or the like, to image.  -1: what NVRTC says is in e's hint. */
int cuda_compile(const char *source, const char *arch, struct strbuf *image, struct err *e);

#endif
