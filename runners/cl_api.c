#include "runners/cl_api.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTION(field, name) {offsetof(struct cl_api, field), name}

static const struct {
    size_t at;
    const char *name;
} functions[] = {
    FUNCTION(platforms, "clGetPlatformIDs"),
    FUNCTION(devices, "clGetDeviceIDs"),
    FUNCTION(device_info, "clGetDeviceInfo"),
    FUNCTION(context, "clCreateContext"),
    FUNCTION(queue, "clCreateCommandQueue"),
    FUNCTION(program, "clCreateProgramWithSource"),
    FUNCTION(build, "clBuildProgram"),
    FUNCTION(build_info, "clGetProgramBuildInfo"),
    FUNCTION(kernel, "clCreateKernel"),
    FUNCTION(argument, "clSetKernelArg"),
    FUNCTION(buffer, "clCreateBuffer"),
    FUNCTION(read, "clEnqueueReadBuffer"),
    FUNCTION(write, "clEnqueueWriteBuffer"),
    FUNCTION(range, "clEnqueueNDRangeKernel"),
    FUNCTION(finish, "clFinish"),
    FUNCTION(drop_buffer, "clReleaseMemObject"),
    FUNCTION(drop_kernel, "clReleaseKernel"),
    FUNCTION(drop_program, "clReleaseProgram"),
    FUNCTION(drop_queue, "clReleaseCommandQueue"),
    FUNCTION(drop_context, "clReleaseContext"),
};

int cl_api_load(struct cl_api *out, struct err *e)
{
    const char *asked = getenv("DENSIMETER_OPENCL");
    const char *path = asked && asked[0] ? asked : "libOpenCL.so.1";
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!library) {
        err_set(e, ERR_UNSUPPORTED, "no OpenCL: %s", dlerror());
        err_hint(e, "install a loader and a driver, on Debian ocl-icd-libopencl1 and the device's "
                 "(for CPUs pocl-opencl-icd)");
        return -1;
    }
    out->error = cl_api_error;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *f = dlsym(library, functions[i].name);
        if (!f)
            return err_set(e, ERR_UNSUPPORTED, "no OpenCL: %s has no %s", path, functions[i].name);
        memcpy((char *)out + functions[i].at, &f, sizeof f);
    }
    return 0;
}

const char *cl_api_error(int32_t rc, char *buffer, size_t n)
{
    static const struct {
        int32_t rc;
        const char *name;
    } names[] = {
        {CL_NO_DEVICE, "DEVICE_NOT_FOUND"},
        {-2, "DEVICE_NOT_AVAILABLE"},
        {CL_NO_BUFFER, "MEM_OBJECT_ALLOCATION_FAILURE"},
        {CL_NO_RESOURCES, "OUT_OF_RESOURCES"},
        {CL_NO_HOST_MEMORY, "OUT_OF_HOST_MEMORY"},
        {CL_BUILD_FAILED, "BUILD_PROGRAM_FAILURE"},
        {-46, "INVALID_KERNEL_NAME"},
        {-51, "INVALID_ARG_SIZE"},
        {-52, "INVALID_KERNEL_ARGS"},
        {CL_BAD_GROUP, "INVALID_WORK_GROUP_SIZE"},
        {CL_BAD_BUFFER_SIZE, "INVALID_BUFFER_SIZE"},
        {CL_NO_PLATFORM, "PLATFORM_NOT_FOUND"},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].rc == rc)
            return names[i].name;
    snprintf(buffer, n, "error %d", (int)rc);
    return buffer;
}
