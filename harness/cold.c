#include "harness/cold.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { PATH_SIZE = 4096, READ_BYTES = 1 << 20 };

struct tally {
    double bytes, resident;
};

static int drop(int fd, size_t size, struct tally *t)
{
    (void)size;
    (void)t;
    return posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 ? 0 : -1;
}

static int warm(int fd, size_t size, struct tally *t)
{
    char *buffer = mem_alloc(READ_BYTES);
    ssize_t got = buffer ? 1 : -1;

    (void)t;
    for (size_t at = 0; got > 0 && at < size; at += (size_t)got)
        got = pread(fd, buffer, READ_BYTES, (off_t)at);
    mem_free(buffer);
    return got < 0 ? -1 : 0;
}

static int count(int fd, size_t size, struct tally *t)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = (size + page - 1) / page;
    unsigned char *in = mem_alloc(n ? n : 1);
    void *map = size ? mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    int rc = in && (size == 0 || map != MAP_FAILED) ? 0 : -1;

    if (rc == 0 && size)
        rc = mincore(map, size, in);
    for (size_t i = 0; rc == 0 && i < n; i++)
        t->resident += (in[i] & 1) * (double)page;
    t->bytes += (double)n * (double)page;
    if (map != MAP_FAILED)
        munmap(map, size);
    mem_free(in);
    return rc;
}

static int with_file(const char *path, int (*f)(int fd, size_t size, struct tally *t),
                     struct tally *t, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        err_errno(e, "%s", path);
    else if (f(fd, (size_t)st.st_size, t) < 0)
        err_errno(e, "%s: its place in the page cache", path);
    else
        rc = 0;
    if (fd >= 0)
        close(fd);
    return rc;
}

/* A pattern that names exactly this path. */
static int quote(char *out, size_t size, const char *path, size_t n)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (at + 3 > size)
            return -1;
        if (strchr("*?[\\", path[i]))
            out[at++] = '\\';
        out[at++] = path[i];
    }
    out[at] = 0;
    return 0;
}

/* "NAME-00001-of-00003.gguf" stands for all of them, a folder for its weights. */
static int pattern_of(char *out, size_t size, const char *path)
{
    size_t n = strlen(path);
    const char *of = n > 20 ? path + n - 20 : NULL;
    struct stat st;
    size_t used;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (quote(out, size, path, n) < 0)
            return -1;
        used = strlen(out);
        return (size_t)snprintf(out + used, size - used, "/*.safetensors") < size - used ? 0 : -1;
    }
    if (of && strncmp(of, "-00001-of-", 10) == 0 && strcmp(of + 15, ".gguf") == 0) {
        if (quote(out, size, path, n - 20) < 0)
            return -1;
        used = strlen(out);
        return (size_t)snprintf(out + used, size - used, "-?????%s", of + 6) < size - used ? 0
                                                                                           : -1;
    }
    return quote(out, size, path, n);
}

static int each_file(const char *path, int (*f)(int fd, size_t size, struct tally *t),
                     struct tally *t, struct err *e)
{
    char pattern[PATH_SIZE];
    glob_t found;
    int rc = 0;

    if (pattern_of(pattern, sizeof pattern, path) < 0 || glob(pattern, 0, NULL, &found) != 0)
        return err_set(e, ERR_IO, "%s: no weights to find in the page cache", path);
    for (size_t i = 0; i < found.gl_pathc && rc == 0; i++)
        rc = with_file(found.gl_pathv[i], f, t, e);
    globfree(&found);
    return rc;
}

int cold_drop(const char *path, struct err *e)
{
    struct tally t = {0};

    return each_file(path, drop, &t, e);
}

int cold_warm(const char *path, struct err *e)
{
    struct tally t = {0};

    return each_file(path, warm, &t, e);
}

int cold_resident(const char *path, double *share, struct err *e)
{
    struct tally t = {0};
    int rc = each_file(path, count, &t, e);

    *share = t.bytes > 0 ? t.resident / t.bytes : 0;
    return rc;
}
