/* cuda_compile.c -- kernels' text to code for a kind of device, by NVRTC.  See cuda_api.h. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "runners/cuda_api.h"

struct nvrtc {
    int (*create)(void **program, const char *source, const char *name, int n,
                  const char *const *headers, const char *const *names);
    int (*compile)(void *program, int n, const char *const *options);
    int (*image_size)(void *program, size_t *n);
    int (*image)(void *program, char *to);
    int (*log_size)(void *program, size_t *n);
    int (*log)(void *program, char *to);
    int (*destroy)(void **program);
};

#define FUNCTION(field, name) {offsetof(struct nvrtc, field), name}

static const struct {
    size_t at;
    const char *name;
} functions[] = {
    FUNCTION(create, "nvrtcCreateProgram"),   FUNCTION(compile, "nvrtcCompileProgram"),
    FUNCTION(image_size, "nvrtcGetCUBINSize"), FUNCTION(image, "nvrtcGetCUBIN"),
    FUNCTION(log_size, "nvrtcGetProgramLogSize"), FUNCTION(log, "nvrtcGetProgramLog"),
    FUNCTION(destroy, "nvrtcDestroyProgram"),
};

static void *open_library(void)
{
    static const char *const names[] = {"libnvrtc.so.12", "libnvrtc.so.13", "libnvrtc.so.11.2"};
    const char *asked = getenv("DENSIMETER_NVRTC");
    void *library = NULL;

    if (asked && asked[0])
        return dlopen(asked, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; !library && i < sizeof names / sizeof names[0]; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return library;
}

static int load(struct nvrtc *out, struct err *e)
{
    void *library = open_library();

    if (!library) {
        err_set(e, ERR_UNSUPPORTED, "no NVRTC to compile CUDA kernels: %s", dlerror());
        err_hint(e, "install NVIDIA's NVRTC 12, or name its library in $DENSIMETER_NVRTC");
        return -1;
    }
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *f = dlsym(library, functions[i].name);
        if (!f)
            return err_set(e, ERR_UNSUPPORTED, "no NVRTC to compile CUDA kernels: no %s",
                           functions[i].name);
        memcpy((char *)out + functions[i].at, &f, sizeof f);
    }
    return 0;
}

static int refused(const struct nvrtc *n, void *program, const char *arch, int rc, struct err *e)
{
    size_t size = 0;
    char *log = NULL;

    err_set(e, ERR_UNSUPPORTED, "NVRTC refuses the kernels for %s: error %d", arch, rc);
    if (n->log_size(program, &size) == 0)
        log = mem_calloc(size + 1, 1);
    if (log && n->log(program, log) == 0)
        err_hint(e, "%.800s", log);
    mem_free(log);
    return -1;
}

int cuda_compile(const char *source, const char *arch, struct strbuf *image, struct err *e)
{
    char option[64];
    const char *const options[] = {option, "--fmad=false", "--device-as-default-execution-space",
                                   "-std=c++17"};
    struct nvrtc n;
    void *program = NULL;
    size_t size = 0;
    char *code = NULL;
    int rc, result = -1;

    snprintf(option, sizeof option, "--gpu-architecture=%s", arch);
    if (load(&n, e) < 0)
        return -1;
    rc = n.create(&program, source, "densimeter.cu", 0, NULL, NULL);
    if (rc != 0)
        return err_set(e, ERR_UNSUPPORTED, "NVRTC does not take the kernels: error %d", rc);
    rc = n.compile(program, sizeof options / sizeof options[0], options);
    if (rc == 0)
        rc = n.image_size(program, &size);
    if (rc != 0) {
        refused(&n, program, arch, rc, e);
        goto out;
    }
    code = mem_alloc(size + 1);
    if (!code) {
        err_nomem(e);
        goto out;
    }
    rc = n.image(program, code);
    if (rc != 0) {
        refused(&n, program, arch, rc, e);
        goto out;
    }
    strbuf_add(image, code, size);
    result = strbuf_ok(image, e);
out:
    mem_free(code);
    n.destroy(&program);
    return result;
}
