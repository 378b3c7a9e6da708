#include "runners/cuda_api.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"

enum {
    DEVICES_MAX = 16, ARGS_MAX = 8, ARG_BYTES = 512, IMAGE_MAX = 64 << 20,
    GRID_MAX = 65535, /* groups in the second dimension */
    CAPTURE_THIS_THREAD = 1, /* CU_STREAM_CAPTURE_MODE_THREAD_LOCAL */
    OUT_OF_MEMORY = 2, MAJOR = 75, MINOR = 76, UNITS = 16,
    ERROR_BASE = 20000, /* + CUresult; cl_api.h's own numbers are negative */
    ERROR_TEXT = 40000, /* the program's log has it */
};

static struct driver { /* the library's, the same for all: filled once */
    int (*init)(unsigned flags);
    int (*count)(int *n);
    int (*device)(int *device, int i);
    int (*name)(char *to, int n, int device);
    int (*memory)(size_t *bytes, int device);
    int (*attribute)(int *value, int what, int device);
    int (*version)(int *version);
    int (*retain)(void **context, int device);
    int (*release)(int device);
    int (*current)(void *context);
    int (*finish)(void);
    int (*load)(void **module, const void *image);
    int (*unload)(void *module);
    int (*function)(void **function, void *module, const char *name);
    int (*make)(uint64_t *at, size_t bytes);
    int (*drop)(uint64_t at);
    int (*write)(uint64_t to, const void *from, size_t n);
    int (*read)(void *to, uint64_t from, size_t n);
    int (*launch)(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                  unsigned bz, unsigned shared, void *stream, void **args, void **extra);
    int (*error)(int rc, const char **name);
    int (*stream)(void **stream, unsigned flags);
    int (*drop_stream)(void *stream);
    /* graphs: NULL with drivers before 11.4 */
    int (*capture)(void *stream, int mode);
    int (*captured)(void *stream, void **graph);
    int (*instantiate)(void **instance, void *graph, unsigned long long flags);
    int (*drop_graph)(void *graph);
    int (*launch_graph)(void *instance, void *stream);
    int (*drop_instance)(void *instance);
} driver;

#define FUNCTION(field, name) {offsetof(struct driver, field), name, 0}
#define GRAPH_FUNCTION(field, name) {offsetof(struct driver, field), name, 1}

static const struct {
    size_t at;
    const char *name;
    int is_graph; /* without one of these there are none */
} functions[] = {
    FUNCTION(init, "cuInit"), FUNCTION(count, "cuDeviceGetCount"),
    FUNCTION(device, "cuDeviceGet"), FUNCTION(name, "cuDeviceGetName"),
    FUNCTION(memory, "cuDeviceTotalMem_v2"), FUNCTION(attribute, "cuDeviceGetAttribute"),
    FUNCTION(version, "cuDriverGetVersion"), FUNCTION(retain, "cuDevicePrimaryCtxRetain"),
    FUNCTION(release, "cuDevicePrimaryCtxRelease_v2"), FUNCTION(current, "cuCtxSetCurrent"),
    FUNCTION(finish, "cuCtxSynchronize"), FUNCTION(load, "cuModuleLoadData"),
    FUNCTION(unload, "cuModuleUnload"), FUNCTION(function, "cuModuleGetFunction"),
    FUNCTION(make, "cuMemAlloc_v2"), FUNCTION(drop, "cuMemFree_v2"),
    FUNCTION(write, "cuMemcpyHtoD_v2"), FUNCTION(read, "cuMemcpyDtoH_v2"),
    FUNCTION(launch, "cuLaunchKernel"), FUNCTION(error, "cuGetErrorName"),
    FUNCTION(stream, "cuStreamCreate"), FUNCTION(drop_stream, "cuStreamDestroy_v2"),
    GRAPH_FUNCTION(capture, "cuStreamBeginCapture_v2"),
    GRAPH_FUNCTION(captured, "cuStreamEndCapture"),
    GRAPH_FUNCTION(instantiate, "cuGraphInstantiateWithFlags"),
    GRAPH_FUNCTION(drop_graph, "cuGraphDestroy"), GRAPH_FUNCTION(launch_graph, "cuGraphLaunch"),
    GRAPH_FUNCTION(drop_instance, "cuGraphExecDestroy"),
};

struct context {
    int device;
    void *primary, *stream;
};

struct recording {
    struct context *owner;
    void *instance;
};

struct program {
    struct context *owner;
    char *source;
    void *module;
    char log[1200];
};

struct kernel {
    struct context *owner;
    void *function;
    int n;
    _Alignas(8) unsigned char args[ARGS_MAX][ARG_BYTES];
};

struct buffer {
    struct context *owner;
    uint64_t at;
};

static int32_t status(int rc)
{
    return rc == 0 ? 0 : rc == OUT_OF_MEMORY ? CL_NO_BUFFER : ERROR_BASE + rc;
}

static const char *error_name(int32_t rc, char *buffer, size_t n)
{
    const char *name = NULL;

    if (rc < 0)
        return cl_api_error(rc, buffer, n);
    if (rc == ERROR_TEXT)
        snprintf(buffer, n, "see below");
    else if (driver.error && driver.error(rc - ERROR_BASE, &name) == 0 && name)
        snprintf(buffer, n, "%s", name);
    else
        snprintf(buffer, n, "error %d", (int)rc - ERROR_BASE);
    return buffer;
}

/* ---- devices ------------------------------------------------------------------------------ */

static int device_numbers[DEVICES_MAX]; /* handles are pointers to these */

static int32_t platforms(uint32_t n, void **ids, uint32_t *count)
{
    int rc = driver.init(0);

    *count = rc == 0;
    if (rc == 0 && n > 0)
        ids[0] = &driver;
    return status(rc);
}

static int32_t devices(void *platform, uint64_t type, uint32_t max, void **ids, uint32_t *count)
{
    int n = 0, rc = driver.count(&n);

    (void)platform;
    (void)type;
    for (int i = 0; rc == 0 && i < n && i < DEVICES_MAX && i < (int)max; i++) {
        rc = driver.device(&device_numbers[i], i);
        ids[i] = &device_numbers[i];
    }
    *count = n < DEVICES_MAX ? (uint32_t)n : DEVICES_MAX;
    return status(rc);
}

static int put(void *to, size_t room, const void *from, size_t n)
{
    memcpy(to, from, n < room ? n : room);
    return 0;
}

static int put_version(void *to, size_t room)
{
    char text[32];
    int version = 0, rc = driver.version(&version);

    snprintf(text, sizeof text, "CUDA %d.%d", version / 1000, version % 1000 / 10);
    return rc ? rc : put(to, room, text, strlen(text) + 1);
}

static int32_t device_info(void *device, uint32_t what, size_t bytes, void *to, size_t *got)
{
    int d = *(int *)device, n = 0, rc = 0;
    size_t memory = 0;
    uint64_t all = 0;
    uint32_t units;

    (void)got;
    switch (what) {
    case CL_IS_NAME:
        return status(driver.name(to, (int)bytes, d));
    case CL_IS_DRIVER:
        return status(put_version(to, bytes));
    case CL_IS_UNITS:
    case CL_IS_MAJOR:
    case CL_IS_MINOR:
        rc = driver.attribute(&n, what == CL_IS_UNITS ? UNITS : what == CL_IS_MAJOR ? MAJOR : MINOR,
                              d);
        units = (uint32_t)n;
        return status(rc ? rc : put(to, bytes, &units, sizeof units));
    case CL_IS_MEMORY_BYTES:
    case CL_IS_BUFFER_BYTES:
        rc = driver.memory(&memory, d);
        all = memory;
        break;
    default:
        break;
    }
    return status(rc ? rc : put(to, bytes, &all, sizeof all));
}

static void *open_context(const intptr_t *properties, uint32_t n, void *const *ids,
                          void (*notify)(const char *, const void *, size_t, void *), void *user,
                          int32_t *rc)
{
    struct context *c = mem_calloc(1, sizeof *c);

    (void)properties;
    (void)n;
    (void)notify;
    (void)user;
    *rc = CL_NO_HOST_MEMORY;
    if (!c)
        return NULL;
    c->device = *(int *)ids[0];
    *rc = status(driver.retain(&c->primary, c->device));
    if (*rc == 0)
        return c;
    mem_free(c);
    return NULL;
}

static int32_t drop_context(void *context)
{
    struct context *c = context;
    int rc = driver.release(c->device);

    mem_free(c);
    return status(rc);
}

static int use(const struct context *c)
{
    return driver.current(c->primary);
}

/* A stream of its own, for the default one records nothing; copies go over the default one, which
 * waits for this one and lets it wait. */
static void *open_queue(void *context, void *device, uint64_t properties, int32_t *rc)
{
    struct context *c = context;

    (void)device;
    (void)properties;
    *rc = status(use(c));
    if (*rc == 0)
        *rc = status(driver.stream(&c->stream, 0));
    return *rc == 0 ? context : NULL;
}

static int32_t drop_queue(void *queue)
{
    struct context *c = queue;
    int rc = use(c), then = driver.drop_stream(c->stream);

    return status(rc ? rc : then);
}

static int32_t finish(void *queue)
{
    int rc = use(queue);

    return status(rc ? rc : driver.finish());
}

/* ---- kernels ------------------------------------------------------------------------------ */

static void *take_program(void *context, uint32_t n, const char **texts, const size_t *lengths,
                          int32_t *rc)
{
    struct program *p = mem_calloc(1, sizeof *p);

    (void)n;
    *rc = CL_NO_HOST_MEMORY;
    if (!p)
        return NULL;
    p->owner = context;
    p->source = mem_strndup(texts[0], lengths[0]);
    if (p->source) {
        *rc = 0;
        return p;
    }
    mem_free(p);
    return NULL;
}

static int32_t drop_program(void *program)
{
    struct program *p = program;
    int rc = use(p->owner), then = p->module ? driver.unload(p->module) : 0;

    mem_free(p->source);
    mem_free(p);
    return status(rc ? rc : then);
}

/* The file for this text and kind of device; NULL when there is no place for one. */
static char *cache_path(const char *source, const char *arch)
{
    struct strbuf b = STRBUF_INIT;
    char hex[SHA256_HEX], *folder = path_cache_home("cuda"), *path = NULL;

    strbuf_addf(&b, "%s\n%s", arch, source);
    if (folder && strbuf_ok(&b, NULL) == 0 && dir_make(folder, NULL) == 0 &&
        sha256_bytes(hex, strbuf_str(&b), b.len, NULL) == 0)
        path = path_join(folder, hex);
    strbuf_release(&b);
    mem_free(folder);
    return path;
}

static int load_image(struct program *p, struct strbuf *image)
{
    int rc = use(p->owner);

    strbuf_add(image, "", 1);
    return rc ? rc : image->failed ? OUT_OF_MEMORY : driver.load(&p->module, strbuf_str(image));
}

/* A kept image that does not load is made anew; one that cannot be kept is used all the same. */
static int32_t build_for(struct program *p, const char *arch)
{
    struct strbuf image = STRBUF_INIT;
    struct err e = ERR_NONE;
    char *path = cache_path(p->source, arch);
    int32_t rc;

    if (path && file_exists(path) && file_read(&image, path, IMAGE_MAX, NULL) == 0 &&
        load_image(p, &image) == 0) {
        rc = 0;
        goto out;
    }
    strbuf_release(&image);
    if (cuda_compile(p->source, arch, &image, &e) < 0) {
        snprintf(p->log, sizeof p->log, "%s %.600s", e.text, e.hint);
        rc = e.code == ERR_NOMEM ? CL_NO_HOST_MEMORY : ERROR_TEXT;
        goto out;
    }
    if (path)
        file_write(path, strbuf_str(&image), image.len, NULL);
    rc = status(load_image(p, &image));
out:
    strbuf_release(&image);
    mem_free(path);
    return rc;
}

static int32_t build(void *program, uint32_t n, void *const *ids, const char *options,
                     void (*notify)(void *, void *), void *user)
{
    struct program *p = program;
    int major = 0, minor = 0, rc = driver.attribute(&major, MAJOR, p->owner->device);
    char arch[32];

    (void)n;
    (void)ids;
    (void)options;
    (void)notify;
    (void)user;
    if (rc == 0)
        rc = driver.attribute(&minor, MINOR, p->owner->device);
    snprintf(arch, sizeof arch, "sm_%d%d", major, minor);
    return rc ? status(rc) : build_for(p, arch);
}

static int32_t build_info(void *program, void *device, uint32_t what, size_t bytes, void *to,
                          size_t *got)
{
    (void)device;
    (void)what;
    (void)got;
    snprintf(to, bytes, "%s", ((struct program *)program)->log);
    return 0;
}

static void *take_kernel(void *program, const char *name, int32_t *rc)
{
    struct program *p = program;
    struct kernel *k = mem_calloc(1, sizeof *k);

    *rc = CL_NO_HOST_MEMORY;
    if (!k)
        return NULL;
    k->owner = p->owner;
    *rc = status(driver.function(&k->function, p->module, name));
    if (*rc == 0)
        return k;
    mem_free(k);
    return NULL;
}

static int32_t drop_kernel(void *kernel)
{
    mem_free(kernel);
    return 0;
}

static int32_t argument(void *kernel, uint32_t i, size_t bytes, const void *value)
{
    struct kernel *k = kernel;
    struct buffer *b = NULL;

    if (i >= ARGS_MAX || bytes > ARG_BYTES)
        return CL_NO_RESOURCES;
    k->n = (int)i + 1;
    if (bytes != sizeof b) {
        memcpy(k->args[i], value, bytes);
        return 0;
    }
    if (value)
        memcpy(&b, value, sizeof b);
    memcpy(k->args[i], b ? &b->at : &(uint64_t){0}, sizeof b->at);
    return 0;
}

static int32_t range(void *queue, void *kernel, uint32_t dimensions, const size_t *at,
                     const size_t *size, const size_t *group, uint32_t n, void *const *wait,
                     void **event)
{
    struct kernel *k = kernel;
    void *args[ARGS_MAX];
    int rc = use(queue);

    (void)dimensions;
    (void)at;
    (void)n;
    (void)wait;
    (void)event;
    for (int i = 0; i < k->n; i++)
        args[i] = k->args[i];
    if (size[1] / group[1] > GRID_MAX)
        return CL_BAD_GROUP;
    if (rc == 0)
        rc = driver.launch(k->function, (unsigned)(size[0] / group[0]),
                           (unsigned)(size[1] / group[1]), 1, (unsigned)group[0],
                           (unsigned)group[1], 1, 0, k->owner->stream, args, NULL);
    return status(rc);
}

/* ---- graphs ------------------------------------------------------------------------------- */

static int32_t record(void *queue)
{
    struct context *c = queue;
    int rc = use(c);

    return status(rc ? rc : driver.capture(c->stream, CAPTURE_THIS_THREAD));
}

static void *recorded(void *queue, int32_t *rc)
{
    struct context *c = queue;
    struct recording *r = mem_calloc(1, sizeof *r);
    void *graph = NULL;

    *rc = status(driver.captured(c->stream, &graph));
    if (*rc == 0 && !r)
        *rc = CL_NO_HOST_MEMORY;
    if (*rc == 0) {
        r->owner = c;
        *rc = status(driver.instantiate(&r->instance, graph, 0));
    }
    if (graph)
        driver.drop_graph(graph);
    if (*rc == 0)
        return r;
    mem_free(r);
    return NULL;
}

static int32_t replay(void *queue, void *recording)
{
    struct context *c = queue;
    int rc = use(c);

    return status(rc ? rc : driver.launch_graph(((struct recording *)recording)->instance,
                                                c->stream));
}

static int32_t drop_recording(void *recording)
{
    struct recording *r = recording;
    int rc = use(r->owner), then = driver.drop_instance(r->instance);

    mem_free(r);
    return status(rc ? rc : then);
}

/* ---- memory ------------------------------------------------------------------------------- */

static void *make(void *context, uint64_t flags, size_t bytes, void *host, int32_t *rc)
{
    struct buffer *b = mem_calloc(1, sizeof *b);

    (void)flags;
    (void)host;
    *rc = CL_NO_HOST_MEMORY;
    if (!b)
        return NULL;
    b->owner = context;
    *rc = status(use(context));
    if (*rc == 0)
        *rc = status(driver.make(&b->at, bytes));
    if (*rc == 0)
        return b;
    mem_free(b);
    return NULL;
}

static int32_t drop(void *buffer)
{
    struct buffer *b = buffer;
    int rc = use(b->owner), then = driver.drop(b->at);

    mem_free(b);
    return status(rc ? rc : then);
}

static int32_t read_from(void *queue, void *buffer, uint32_t is_blocking, size_t at, size_t bytes,
                         void *to, uint32_t n, void *const *wait, void **event)
{
    int rc = use(queue);

    (void)is_blocking;
    (void)n;
    (void)wait;
    (void)event;
    return status(rc ? rc : driver.read(to, ((struct buffer *)buffer)->at + at, bytes));
}

static int32_t write_to(void *queue, void *buffer, uint32_t is_blocking, size_t at, size_t bytes,
                        const void *from, uint32_t n, void *const *wait, void **event)
{
    int rc = use(queue);

    (void)is_blocking;
    (void)n;
    (void)wait;
    (void)event;
    return status(rc ? rc : driver.write(((struct buffer *)buffer)->at + at, from, bytes));
}

/* 1: graphs too; 0: without; -1: nothing. */
static int find_functions(void *library, const char *path, struct err *e)
{
    int has_graphs = 1;

    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *f = dlsym(library, functions[i].name);
        if (!f && !functions[i].is_graph)
            return err_set(e, ERR_UNSUPPORTED, "no CUDA: %s has no %s", path, functions[i].name);
        has_graphs &= f != NULL;
        memcpy((char *)&driver + functions[i].at, &f, sizeof f);
    }
    return has_graphs;
}

int cuda_api_load(struct cl_api *out, struct err *e)
{
    int has_graphs;

    const char *asked = getenv("DENSIMETER_CUDA");
    const char *path = asked && asked[0] ? asked : "libcuda.so.1";
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!library) {
        err_set(e, ERR_UNSUPPORTED, "no CUDA: %s", dlerror());
        err_hint(e, "NVIDIA's driver brings it along");
        return -1;
    }
    has_graphs = find_functions(library, path, e);
    if (has_graphs < 0)
        return -1;
    *out = (struct cl_api){
        .error = error_name, .platforms = platforms, .devices = devices,
        .device_info = device_info, .context = open_context, .queue = open_queue,
        .program = take_program, .build = build, .build_info = build_info, .kernel = take_kernel,
        .argument = argument, .buffer = make, .read = read_from, .write = write_to, .range = range,
        .finish = finish, .drop_buffer = drop, .drop_kernel = drop_kernel,
        .drop_program = drop_program, .drop_queue = drop_queue, .drop_context = drop_context,
    };
    if (has_graphs) {
        out->record = record;
        out->recorded = recorded;
        out->replay = replay;
        out->drop_recording = drop_recording;
    }
    return 0;
}
