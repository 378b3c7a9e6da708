/* plugin_host.c -- the process that an isolated plug-in's code runs in.  See plugin_wire.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runners/plugin_call.h"
#include "runners/plugin_wire.h"

struct host {
    struct wire *w;
    char *base;
    ptrdiff_t off; /* of our mapping from the parent's */
    size_t page;
    struct plugin_call call;
};

static void text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

/* Tables in pages of our own, pointers ours. */
static struct dsm_program *take_tables(struct host *h, struct err *e)
{
    char *at = h->base + h->w->tables;
    struct dsm_program *p = (struct dsm_program *)(void *)at;

    if (mmap(at, h->w->tables_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, WIRE_FILE,
             (off_t)h->w->tables) == MAP_FAILED) {
        err_errno(e, "mmap");
        return NULL;
    }
    plugin_image_move(p, h->off);
    plugin_image_for(p, h->call.api->abi);
    mprotect(at, h->w->tables_bytes, PROT_READ);
    return p;
}

static void guard(struct host *h)
{
    const uint64_t *guards = (const uint64_t *)(const void *)(h->base + h->w->guards);

    for (uint64_t i = 0; i < h->w->n_guards; i++)
        mprotect(h->base + guards[i], h->page, PROT_NONE);
    if (h->w->weights_bytes)
        mprotect(h->base + h->w->weights, h->w->weights_bytes, PROT_READ);
}

static int do_open(struct host *h, struct err *e)
{
    struct wire *w = h->w;

    guard(h);
    if (plugin_call_open(&h->call, w->path, w->threads, e) < 0)
        return -1;
    text(w->name, sizeof w->name, h->call.api->name);
    text(w->version, sizeof w->version, h->call.api->version);
    text(w->help, sizeof w->help, h->call.api->help);
    text(w->numerics, sizeof w->numerics, h->call.api->numerics);
    w->precision = h->call.api->precision;
    w->claims = h->call.api->claims;
    return 0;
}

static int do_run(struct host *h, struct err *e)
{
    struct dsm_batch *b = (struct dsm_batch *)(void *)(h->base + h->w->batch);

    if (h->w->is_new_batch)
        plugin_batch_move(b, h->off);
    h->w->is_new_batch = 0;
    return plugin_call_run(&h->call, h->w->from, h->w->to, b, e);
}

static int do_command(struct host *h, char command, struct err *e)
{
    struct dsm_program *p;

    switch (command) {
    case WIRE_OPEN:
        return do_open(h, e);
    case WIRE_SUPPORTS:
        p = take_tables(h, e);
        if (p)
            plugin_call_supports(&h->call, p, h->base + h->w->yes);
        return p ? 0 : -1;
    case WIRE_PREPARE:
        p = take_tables(h, e);
        return p ? plugin_call_prepare(&h->call, p, e) : -1;
    case WIRE_RUN:
        return do_run(h, e);
    case WIRE_READ:
        return plugin_call_read(&h->call, h->w->read_bytes, e);
    default:
        return err_set(e, ERR_INVALID, "command %d is unknown", command);
    }
}

static int take_file(struct host *h, struct err *e)
{
    struct stat s;

    if (fstat(WIRE_FILE, &s) < 0 || s.st_size < (off_t)sizeof *h->w)
        return err_set(e, ERR_USAGE, "this is for the program itself to start");
    h->base = mmap(NULL, (size_t)s.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                   WIRE_FILE, 0);
    if (h->base == MAP_FAILED)
        return err_errno(e, "mmap");
    h->w = (struct wire *)(void *)h->base;
    if (h->w->magic != WIRE_MAGIC || h->w->bytes != (uint64_t)s.st_size)
        return err_set(e, ERR_USAGE, "this is for the program itself to start");
    h->off = h->base - (char *)(uintptr_t)h->w->base;
    h->page = (size_t)sysconf(_SC_PAGESIZE);
    return 0;
}

/* What ends this process is to be seen from outside: nobody here handles it. */
static void die_plainly(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGINT, SIGTERM};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], SIG_DFL);
}

int plugin_host(struct err *e)
{
    struct host h = {0};
    char command;
    ssize_t n;

    die_plainly();
    if (take_file(&h, e) < 0)
        return -1;
    while ((n = read(WIRE_SOCKET, &command, 1)) == 1 || (n < 0 && errno == EINTR)) {
        struct err local = ERR_NONE;
        if (n < 0)
            continue;
        h.w->code = do_command(&h, command, &local) < 0 ? (int32_t)local.code : 0;
        text(h.w->why, sizeof h.w->why, local.text);
        if (write(WIRE_SOCKET, &command, 1) != 1)
            break;
    }
    plugin_call_close(&h.call);
    return 0;
}
