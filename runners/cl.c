#include "runners/cl.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "runners/cl_api.h"
#include "runners/cuda_api.h"

enum { PLATFORMS_MAX = 16, DEVICES_MAX = 64, LOG_BYTES = 16384 };

struct cl {
    struct cl_api api;
    struct cl_about about;
    void *device, *context, *queue, *program;
    void **kernels;
    int n_kernels;
    uint64_t used;
};

struct cl_memory {
    struct cl *owner;
    void *buffer;
    size_t bytes;
};

static const struct {
    const char *prefix, *title;
    int (*load)(struct cl_api *out, struct err *e);
} kinds[CL_KINDS] = {
    [CL_OPENCL] = {"opencl", "OpenCL", cl_api_load},
    [CL_CUDA] = {"cuda", "CUDA", cuda_api_load},
};

const char *cl_prefix(enum cl_kind kind)
{
    return kinds[kind].prefix;
}

/* Of what follows the prefix. */
static int number_of(const char *rest)
{
    if (*rest == '\0')
        return 0;
    if (*rest++ != ':' || !isdigit((unsigned char)*rest) || strlen(rest) > 2 ||
        strspn(rest, "0123456789") != strlen(rest))
        return -1;
    return atoi(rest);
}

int cl_number(const char *name, enum cl_kind *kind)
{
    for (int i = 0; i < CL_KINDS; i++) {
        size_t n = strlen(kinds[i].prefix);
        if (strncmp(name, kinds[i].prefix, n) != 0)
            continue;
        *kind = (enum cl_kind)i;
        return number_of(name + n);
    }
    return -1;
}

static int fail(const struct cl *c, int32_t rc, const char *doing, struct err *e)
{
    char buffer[64];
    int is_memory = rc == CL_NO_BUFFER || rc == CL_NO_RESOURCES || rc == CL_NO_HOST_MEMORY;

    return err_set(e, is_memory ? ERR_NOMEM : ERR_UNSUPPORTED, "%s: %s%s: %s", c->about.name, doing,
                   is_memory ? ": out of memory" : "", c->api.error(rc, buffer, sizeof buffer));
}

/* Device number i of all platforms, or NULL with how many there are.  -1: none at all. */
static int find_device(const struct cl_api *api, const char *title, int i, void **out,
                       struct err *e)
{
    void *platforms[PLATFORMS_MAX], *devices[DEVICES_MAX];
    uint32_t n_platforms = 0;
    char buffer[64];
    int32_t rc = api->platforms(PLATFORMS_MAX, platforms, &n_platforms);
    int seen = 0;

    *out = NULL;
    if (rc != 0 || n_platforms == 0)
        return err_set(e, ERR_UNSUPPORTED, "no %s: no driver answers (%s)", title,
                       api->error(rc, buffer, sizeof buffer));
    for (uint32_t p = 0; p < n_platforms && p < PLATFORMS_MAX; p++) {
        uint32_t n = 0;
        if (api->devices(platforms[p], (uint32_t)CL_TYPE_ALL, DEVICES_MAX, devices, &n) != 0)
            continue;
        if (n > DEVICES_MAX)
            n = DEVICES_MAX;
        if (i < seen + (int)n) {
            *out = devices[i - seen];
            return seen;
        }
        seen += (int)n;
    }
    if (seen == 0)
        return err_set(e, ERR_UNSUPPORTED, "no %s: its drivers have no device", title);
    return seen;
}

/* Text of a device as one line of printable characters. */
static void device_text(const struct cl_api *api, void *device, uint32_t what, char *to, size_t n)
{
    size_t got = 0, length = 0;
    char text[512] = "";

    if (api->device_info(device, what, sizeof text - 1, text, &got) != 0)
        text[0] = '\0';
    for (const char *p = text; *p && length + 1 < n; p++)
        if (isprint((unsigned char)*p))
            to[length++] = *p;
    to[length] = '\0';
}

static void describe(const struct cl_api *api, enum cl_kind kind, void *device, int i,
                     struct cl_about *out)
{
    uint32_t units = 0, major = 0, minor = 0;
    uint64_t type = 0, memory = 0, buffer = 0;

    *out = (struct cl_about){.kind = kind};
    snprintf(out->name, sizeof out->name, "%s:%d", kinds[kind].prefix, i);
    device_text(api, device, CL_IS_NAME, out->title, sizeof out->title);
    device_text(api, device, CL_IS_DRIVER, out->driver, sizeof out->driver);
    api->device_info(device, CL_IS_UNITS, sizeof units, &units, NULL);
    api->device_info(device, CL_IS_TYPE, sizeof type, &type, NULL);
    api->device_info(device, CL_IS_MEMORY_BYTES, sizeof memory, &memory, NULL);
    api->device_info(device, CL_IS_BUFFER_BYTES, sizeof buffer, &buffer, NULL);
    if (kind == CL_CUDA) {
        api->device_info(device, CL_IS_MAJOR, sizeof major, &major, NULL);
        api->device_info(device, CL_IS_MINOR, sizeof minor, &minor, NULL);
    }
    out->capability = (int)(major % 100 * 10 + minor % 10);
    out->units = units < 1 << 20 ? (int)units : 1 << 20;
    out->is_cpu = (type & CL_TYPE_CPU) != 0;
    out->memory_bytes = memory;
    out->buffer_bytes = buffer;
}

int cl_about(struct cl_about *out, enum cl_kind kind, int i, struct err *e)
{
    struct cl_api api;
    void *device;

    if (kinds[kind].load(&api, e) < 0 || find_device(&api, kinds[kind].title, i, &device, e) < 0)
        return -1;
    if (!device)
        return 0;
    describe(&api, kind, device, i, out);
    return 1;
}

int cl_open(struct cl **out, enum cl_kind kind, int i, struct err *e)
{
    struct cl *c = mem_calloc(1, sizeof *c);
    int32_t status = 0;
    int rc = -1, n;

    *out = NULL;
    if (!c)
        return err_nomem(e);
    if (kinds[kind].load(&c->api, e) < 0)
        goto out;
    n = find_device(&c->api, kinds[kind].title, i, &c->device, e);
    if (n < 0)
        goto out;
    if (!c->device) {
        err_set(e, ERR_USAGE, "%s:%d: no such device: %s has %d device%s",
                kinds[kind].prefix, i, kinds[kind].title, n, n == 1 ? "" : "s");
        goto out;
    }
    describe(&c->api, kind, c->device, i, &c->about);
    c->context = c->api.context(NULL, 1, &c->device, NULL, NULL, &status);
    if (!c->context || status != 0) {
        fail(c, status, "opening it", e);
        goto out;
    }
    c->queue = c->api.queue(c->context, c->device, 0, &status);
    if (!c->queue || status != 0) {
        fail(c, status, "opening a queue", e);
        goto out;
    }
    *out = c;
    c = NULL;
    rc = 0;
out:
    cl_close(c);
    return rc;
}

void cl_close(struct cl *c)
{
    if (!c)
        return;
    if (c->queue)
        c->api.finish(c->queue);
    for (int i = 0; i < c->n_kernels; i++)
        if (c->kernels[i])
            c->api.drop_kernel(c->kernels[i]);
    if (c->program)
        c->api.drop_program(c->program);
    if (c->queue)
        c->api.drop_queue(c->queue);
    if (c->context)
        c->api.drop_context(c->context);
    mem_free(c->kernels);
    mem_free(c);
}

const struct cl_about *cl_info(const struct cl *c)
{
    return &c->about;
}

uint64_t cl_used(const struct cl *c)
{
    return c->used;
}

uint64_t cl_bytes(const struct cl_memory *m)
{
    return m ? m->bytes : 0;
}

static int build_failed(struct cl *c, int32_t rc, struct err *e)
{
    char *log = mem_calloc(1, LOG_BYTES);

    fail(c, rc, "its compiler refuses the kernels", e);
    if (log &&
        c->api.build_info(c->program, c->device, CL_BUILD_LOG, LOG_BYTES - 1, log, NULL) == 0)
        err_hint(e, "%.800s", log);
    mem_free(log);
    return -1;
}

int cl_build(struct cl *c, const char *source, size_t n, const char *const *kernels, int n_kernels,
             struct err *e)
{
    int32_t rc = 0;

    c->kernels = mem_calloc((size_t)n_kernels, sizeof *c->kernels);
    if (!c->kernels)
        return err_nomem(e);
    c->n_kernels = n_kernels;
    c->program = c->api.program(c->context, 1, &source, &n, &rc);
    if (!c->program || rc != 0)
        return fail(c, rc, "taking the kernels", e);
    rc = c->api.build(c->program, 1, &c->device, "-cl-std=CL1.2", NULL, NULL);
    if (rc != 0)
        return build_failed(c, rc, e);
    for (int i = 0; i < n_kernels; i++) {
        if (!kernels[i])
            continue;
        c->kernels[i] = c->api.kernel(c->program, kernels[i], &rc);
        if (!c->kernels[i] || rc != 0)
            return fail(c, rc, kernels[i], e);
    }
    return 0;
}

int cl_make(struct cl *c, struct cl_memory **out, size_t bytes, const char *what, struct err *e)
{
    struct cl_memory *m;
    int32_t rc = 0;

    *out = NULL;
    if (bytes > c->about.buffer_bytes)
        return err_set(e, ERR_NOMEM, "%s: out of memory: %s: %zu bytes, %llu fit in one buffer",
                       c->about.name, what, bytes, (unsigned long long)c->about.buffer_bytes);
    if (bytes > c->about.memory_bytes - c->used)
        return err_set(e, ERR_NOMEM, "%s: out of memory: %s: %zu bytes beside %llu in use, of %llu",
                       c->about.name, what, bytes, (unsigned long long)c->used,
                       (unsigned long long)c->about.memory_bytes);
    m = mem_calloc(1, sizeof *m);
    if (!m)
        return err_nomem(e);
    m->owner = c;
    m->bytes = bytes ? bytes : 1;
    m->buffer = c->api.buffer(c->context, 1, m->bytes, NULL, &rc);
    if (!m->buffer || rc != 0) {
        mem_free(m);
        return fail(c, rc, what, e);
    }
    c->used += m->bytes;
    *out = m;
    return 0;
}

void cl_drop(struct cl_memory *m)
{
    if (!m)
        return;
    m->owner->api.drop_buffer(m->buffer);
    m->owner->used -= m->bytes;
    mem_free(m);
}

static int check_span(const struct cl_memory *m, size_t at, size_t bytes, struct err *e)
{
    if (at <= m->bytes && bytes <= m->bytes - at)
        return 0;
    return err_set(e, ERR_INVALID, "%s: %zu bytes at %zu of a buffer of %zu", m->owner->about.name,
                   bytes, at, m->bytes);
}

int cl_write(struct cl *c, struct cl_memory *m, size_t at, const void *from, size_t bytes,
             struct err *e)
{
    int32_t rc;

    if (bytes == 0)
        return 0;
    if (check_span(m, at, bytes, e) < 0)
        return -1;
    rc = c->api.write(c->queue, m->buffer, 1, at, bytes, from, 0, NULL, NULL);
    return rc == 0 ? 0 : fail(c, rc, "writing to it", e);
}

int cl_read(struct cl *c, const struct cl_memory *m, size_t at, void *to, size_t bytes,
            struct err *e)
{
    int32_t rc;

    if (bytes == 0)
        return 0;
    if (check_span(m, at, bytes, e) < 0)
        return -1;
    rc = c->api.read(c->queue, m->buffer, 1, at, bytes, to, 0, NULL, NULL);
    return rc == 0 ? 0 : fail(c, rc, "reading from it", e);
}

int cl_launch(struct cl *c, int kernel, const struct cl_arg *args, int n, const size_t size[2],
              const size_t group[2], struct err *e)
{
    int32_t rc = 0;

    for (int i = 0; i < n && rc == 0; i++) {
        const struct cl_memory *m = args[i].data;
        if (args[i].bytes)
            rc = c->api.argument(c->kernels[kernel], (uint32_t)i, args[i].bytes, args[i].data);
        else
            rc = c->api.argument(c->kernels[kernel], (uint32_t)i, sizeof m->buffer,
                                 m ? &m->buffer : NULL);
    }
    if (rc == 0)
        rc = c->api.range(c->queue, c->kernels[kernel], 2, NULL, size, group, 0, NULL, NULL);
    return rc == 0 ? 0 : fail(c, rc, "launching a kernel", e);
}

struct cl_recording {
    struct cl *owner;
    void *handle;
};

int cl_records(const struct cl *c)
{
    return c->api.record != NULL;
}

int cl_record(struct cl *c, struct err *e)
{
    int32_t rc = c->api.record(c->queue);

    return rc == 0 ? 0 : fail(c, rc, "recording launches", e);
}

int cl_recorded(struct cl *c, struct cl_recording **out, struct err *e)
{
    int32_t rc = 0;
    void *handle = c->api.recorded(c->queue, &rc);
    struct cl_recording *r = mem_calloc(1, sizeof *r);

    *out = NULL;
    if (r && handle && rc == 0) {
        *r = (struct cl_recording){c, handle};
        *out = r;
        return 0;
    }
    if (handle)
        c->api.drop_recording(handle);
    if (!r)
        return err_nomem(e);
    mem_free(r);
    return fail(c, rc, "recording launches", e);
}

int cl_replay(struct cl_recording *r, struct err *e)
{
    struct cl *c = r->owner;
    int32_t rc = c->api.replay(c->queue, r->handle);

    return rc == 0 ? 0 : fail(c, rc, "launching what was recorded", e);
}

void cl_forget(struct cl_recording *r)
{
    if (!r)
        return;
    r->owner->api.drop_recording(r->handle);
    mem_free(r);
}
