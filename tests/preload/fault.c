/* fault.c -- refuses one call of the system to the program it is loaded into (LD_PRELOAD): built by
 * tests/long/faults.py as a shared library of its own, linked with nothing.
 *
 * FAULT=KIND:N refuses the Nth call of KIND (from 0) that is made after main began, in each process;
 * KIND is one of the names below.  FAULT_COUNTS=FILE: how often each was called is appended at the
 * end, "KIND COUNT" a line.  Programs of another name run as ever.  glibc only: its allocator is reached by its own names. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { ALLOC, WRITE, FSYNC, RENAME, MAP, THREAD, KINDS };
static const char *const names[KINDS] = {"alloc", "write", "fsync", "rename", "mmap", "thread"};
static atomic_long calls[KINDS];
static long refused_at = -1;
static enum kind refused_kind;
static int armed;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

static int refused(enum kind kind, int why)
{
    long n;

    if (!armed)
        return 0;
    n = atomic_fetch_add(&calls[kind], 1);
    if (kind != refused_kind || n != refused_at)
        return 0;
    errno = why;
    return 1;
}

/* What would be called without this library. */
#define REAL(name, type) (__extension__(type)dlsym(RTLD_NEXT, name))

void *malloc(size_t n) { return refused(ALLOC, ENOMEM) ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return refused(ALLOC, ENOMEM) ? NULL : __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { return refused(ALLOC, ENOMEM) ? NULL : __libc_realloc(p, n); }

int posix_memalign(void **out, size_t align, size_t n)
{
    void *p = refused(ALLOC, ENOMEM) ? NULL : __libc_memalign(align, n);

    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    return refused(WRITE, ENOSPC) ? -1 : REAL("write", ssize_t(*)(int, const void *, size_t))(fd, bytes, n);
}

/* Both names of pwrite and of mmap: which one is called depends on how a library was compiled. */
ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
    return refused(WRITE, ENOSPC) ? -1 : REAL("pwrite64", ssize_t(*)(int, const void *, size_t, off_t))(fd, bytes, n, at);
}

/* stdio writes inside glibc: refused here, at the call that hands it the bytes. */
size_t fwrite(const void *bytes, size_t size, size_t n, FILE *f)
{
    if (f != stderr && f != stdout && refused(WRITE, ENOSPC))
        return 0;
    return REAL("fwrite", size_t(*)(const void *, size_t, size_t, FILE *))(bytes, size, n, f);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    return pwrite64(fd, bytes, n, at);
}

int fsync(int fd) { return refused(FSYNC, EIO) ? -1 : REAL("fsync", int (*)(int))(fd); }
int fdatasync(int fd) { return refused(FSYNC, EIO) ? -1 : REAL("fdatasync", int (*)(int))(fd); }

int rename(const char *from, const char *to)
{
    return refused(RENAME, EACCES) ? -1 : REAL("rename", int (*)(const char *, const char *))(from, to);
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    return refused(MAP, ENOMEM) ? MAP_FAILED
                                : REAL("mmap", void *(*)(void *, size_t, int, int, int, off_t))(at, n, prot, flags, fd, offset);
}

void *mmap64(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    return mmap(at, n, prot, flags, fd, offset);
}

int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*run)(void *), void *arg)
{
    return refused(THREAD, EAGAIN) ? EAGAIN
                                   : REAL("pthread_create", int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))(t, a, run, arg);
}

static void tell(void)
{
    const char *path = getenv("FAULT_COUNTS");
    char text[256];
    int n = 0, fd;

    armed = 0;
    fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT, 0644) : -1;
    if (fd < 0)
        return;
    for (int k = 0; k < KINDS; k++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s %ld\n", names[k], atomic_load(&calls[k]));
    if (write(fd, text, (size_t)n) != n)
        perror(path);
    close(fd);
}

/* Before main there are only the loader and constructors of libraries.  No header declares it. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
    const char *fault = getenv("FAULT"), *base = strrchr(argv[0], '/');
    size_t n = fault ? strcspn(fault, ":") : 0;

    for (int k = 0; k < KINDS && n; k++)
        if (strlen(names[k]) == n && strncmp(names[k], fault, n) == 0 && fault[n]) {
            refused_kind = (enum kind)k;
            refused_at = atol(fault + n + 1);
        }
    if (strcmp(base ? base + 1 : argv[0], "densimeter") == 0) { /* not what it starts */
        atexit(tell);
        armed = 1;
    }
    return REAL("__libc_start_main",
                int (*)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                        void (*)(void), void *))(main, argc, argv, init, fini, rtld_fini, stack_end);
}
