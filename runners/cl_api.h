/* cl_api.h -- the part of OpenCL 1.2's interface that cl.c calls, found by name at run time.
 *
 * Types, numbers and signatures are those of the OpenCL 1.2 specification (Khronos, revision 19);
 * its objects are opaque pointers here. */
#ifndef RUNNERS_CL_API_H
#define RUNNERS_CL_API_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    CL_TYPE_CPU = 2,
    CL_TYPE_ALL = -1, /* 0xffffffff */
    CL_IS_TYPE = 0x1000, CL_IS_UNITS = 0x1002, CL_IS_BUFFER_BYTES = 0x1010,
    CL_IS_MEMORY_BYTES = 0x101f, CL_IS_NAME = 0x102b, CL_IS_DRIVER = 0x102d,
    CL_BUILD_LOG = 0x1183,
    CL_IS_MAJOR = 0x4000, CL_IS_MINOR = 0x4001, /* of the compute capability: NVIDIA's extension */
    CL_NO_DEVICE = -1, CL_NO_BUFFER = -4, CL_NO_RESOURCES = -5, CL_NO_HOST_MEMORY = -6,
    CL_BUILD_FAILED = -11, CL_BAD_GROUP = -54, CL_BAD_BUFFER_SIZE = -61, CL_NO_PLATFORM = -1001,
};

struct cl_api {
    const char *(*error)(int32_t rc, char *buffer, size_t n); /* its name */
    int32_t (*platforms)(uint32_t n, void **ids, uint32_t *count);
    int32_t (*devices)(void *platform, uint64_t type, uint32_t n, void **ids, uint32_t *count);
    int32_t (*device_info)(void *device, uint32_t what, size_t bytes, void *to, size_t *got);
    void *(*context)(const intptr_t *properties, uint32_t n, void *const *devices,
                     void (*notify)(const char *, const void *, size_t, void *), void *user,
                     int32_t *rc);
    void *(*queue)(void *context, void *device, uint64_t properties, int32_t *rc);
    void *(*program)(void *context, uint32_t n, const char **texts, const size_t *lengths,
                     int32_t *rc);
    int32_t (*build)(void *program, uint32_t n, void *const *devices, const char *options,
                     void (*notify)(void *, void *), void *user);
    int32_t (*build_info)(void *program, void *device, uint32_t what, size_t bytes, void *to,
                          size_t *got);
    void *(*kernel)(void *program, const char *name, int32_t *rc);
    int32_t (*argument)(void *kernel, uint32_t i, size_t bytes, const void *value);
    void *(*buffer)(void *context, uint64_t flags, size_t bytes, void *host, int32_t *rc);
    int32_t (*read)(void *queue, void *buffer, uint32_t is_blocking, size_t at, size_t bytes,
                    void *to, uint32_t n, void *const *wait, void **event);
    int32_t (*write)(void *queue, void *buffer, uint32_t is_blocking, size_t at, size_t bytes,
                     const void *from, uint32_t n, void *const *wait, void **event);
    int32_t (*range)(void *queue, void *kernel, uint32_t dimensions, const size_t *at,
                     const size_t *size, const size_t *group, uint32_t n, void *const *wait,
                     void **event);
    int32_t (*finish)(void *queue);
    /* All NULL: not offered.  From `record` to `recorded` ranges are kept instead of run, with
     * their arguments; `recorded` ends that in any case. */
    int32_t (*record)(void *queue);
    void *(*recorded)(void *queue, int32_t *rc);
    int32_t (*replay)(void *queue, void *recording);
    int32_t (*drop_recording)(void *recording);
    int32_t (*drop_buffer)(void *buffer);
    int32_t (*drop_kernel)(void *kernel);
    int32_t (*drop_program)(void *program);
    int32_t (*drop_queue)(void *queue);
    int32_t (*drop_context)(void *context);
};

/* Opens the loader, which stays open: drivers have threads that outlive every handle. */
int cl_api_load(struct cl_api *out, struct err *e);

/* The specification's name of an error, without its prefix; "error -N" for others. */
const char *cl_api_error(int32_t rc, char *buffer, size_t n);

#endif
