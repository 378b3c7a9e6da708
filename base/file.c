#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

int file_map(struct file_map *out, const char *path, struct err *e)
{
    struct stat st;
    void *p;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = -1;

    *out = FILE_MAP_NONE;
    if (fd < 0)
        return err_errno(e, "%s", path);
    if (fstat(fd, &st) < 0) {
        err_errno(e, "%s", path);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        err_set(e, ERR_IO, "%s: not a regular file", path);
        goto out;
    }
    if (st.st_size == 0) {
        out->bytes = (const uint8_t *)"";
        rc = 0;
        goto out;
    }
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        err_errno(e, "%s: cannot be mapped", path);
        goto out;
    }
    out->bytes = p;
    out->len = (size_t)st.st_size;
    rc = 0;
out:
    close(fd);
    return rc;
}

void file_unmap(struct file_map *m)
{
    if (m->len)
        munmap((void *)m->bytes, m->len);
    *m = FILE_MAP_NONE;
}

enum { SAMPLED = 2 << 20, AT_ONCE = 64 << 20 };

/* One page in so many says whether the file is there: asking for each costs what is to be saved. */
static int is_in_memory(uintptr_t from, uintptr_t to, uintptr_t page)
{
    unsigned char there = 1;

    for (uintptr_t at = from; at < to && there; at += SAMPLED)
        there = mincore((void *)at, page, &there) == 0 && (there & 1);
    return there;
}

void file_read_ahead(const struct file_map *m, const volatile int *stop)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = (uintptr_t)m->bytes, to = from + (m->len + page - 1) / page * page;

    if (m->len == 0 || is_in_memory(from, to, page))
        return;
    for (; from < to && !(stop && *stop); from += AT_ONCE) {
        size_t part = to - from < AT_ONCE ? to - from : AT_ONCE;
        (void)madvise((void *)from, part, MADV_POPULATE_READ);
        /* the system keeps it, not this process */
        (void)madvise((void *)from, part, MADV_DONTNEED);
    }
}

int file_read(struct strbuf *b, const char *path, size_t max, struct err *e)
{
    int is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(path, "rbe");
    char chunk[65536];
    size_t n, total = 0;
    int rc = -1;

    if (!f)
        return err_errno(e, "%s", path);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0) {
        total += n;
        if (total > max) {
            err_set(e, ERR_FORMAT, "%s: larger than the %zu bytes that are read", path, max);
            goto out;
        }
        strbuf_add(b, chunk, n);
    }
    if (ferror(f))
        err_errno(e, "%s", path);
    else
        rc = strbuf_ok(b, e);
out:
    if (!is_stdin)
        fclose(f);
    return rc;
}

static int write_all(int fd, const void *bytes, size_t n)
{
    const char *p = bytes;

    while (n) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -1;
        p += w;
        n -= (size_t)w;
    }
    return 0;
}

int file_is_special(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static int write_into(const char *path, const void *bytes, size_t n, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int rc = 0;

    if (fd < 0 || write_all(fd, bytes, n) < 0)
        rc = err_errno(e, "%s", path);
    if (fd >= 0)
        close(fd);
    return rc;
}

int file_write(const char *path, const void *bytes, size_t n, struct err *e)
{
    struct strbuf tmp = STRBUF_INIT;
    int fd = -1, rc = -1;

    if (file_is_special(path))
        return write_into(path, bytes, n, e);
    strbuf_addf(&tmp, "%s.tmp%ld", path, (long)getpid());
    if (strbuf_ok(&tmp, e) < 0)
        goto out;
    fd = open(tmp.s, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        err_errno(e, "%s", path);
        goto out;
    }
    if (write_all(fd, bytes, n) < 0 || fsync(fd) < 0) {
        err_errno(e, "%s", path);
        unlink(tmp.s);
        goto out;
    }
    if (rename(tmp.s, path) < 0) {
        err_errno(e, "%s", path);
        unlink(tmp.s);
        goto out;
    }
    rc = 0;
out:
    if (fd >= 0)
        close(fd);
    strbuf_release(&tmp);
    return rc;
}

int lines_open(struct line_reader *r, const char *path, struct err *e)
{
    *r = (struct line_reader){.path = path};
    if (strcmp(path, "-") == 0) {
        r->f = stdin;
        return 0;
    }
    r->f = fopen(path, "rbe");
    r->owned = 1;
    return r->f ? 0 : err_errno(e, "%s", path);
}

enum { LINE_BYTES = 64 << 20 };

int lines_next(struct line_reader *r, struct err *e)
{
    char chunk[4096];
    size_t n = 0;
    int c;

    strbuf_clear(&r->line);
    while ((c = getc_unlocked(r->f)) != EOF && c != '\n') {
        chunk[n++] = (char)c;
        if (n == sizeof chunk) {
            strbuf_add(&r->line, chunk, n);
            n = 0;
            if (r->line.len > LINE_BYTES)
                return err_set(e, ERR_FORMAT, "%s:%zu: a line of more than %d bytes", r->path,
                               r->n + 1, LINE_BYTES);
        }
    }
    if (ferror(r->f))
        return err_errno(e, "%s:%zu", r->path, r->n + 1);
    strbuf_add(&r->line, chunk, n);
    if (strbuf_ok(&r->line, e) < 0)
        return -1;
    if (c == EOF && r->line.len == 0)
        return 0;
    if (c == '\n' && r->line.len && r->line.s[r->line.len - 1] == '\r')
        strbuf_truncate(&r->line, r->line.len - 1);
    r->n++;
    return 1;
}

void lines_close(struct line_reader *r)
{
    if (r->owned && r->f)
        fclose(r->f);
    strbuf_release(&r->line);
    r->f = NULL;
}

int file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

int64_t file_size(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

int dir_make(const char *path, struct err *e)
{
    char *p = mem_strdup(path);
    int rc = -1;

    if (!p)
        return err_nomem(e);
    for (char *s = p + 1;; s++) {
        if (*s != '/' && *s != 0)
            continue;
        char c = *s;
        *s = 0;
        if (mkdir(p, 0777) < 0 && errno != EEXIST) {
            err_errno(e, "%s", p);
            goto out;
        }
        *s = c;
        if (!c)
            break;
    }
    rc = 0;
out:
    mem_free(p);
    return rc;
}

char *path_join(const char *dir, const char *name)
{
    struct strbuf b = STRBUF_INIT;
    size_t n = strlen(dir);

    strbuf_adds(&b, dir);
    if (n && dir[n - 1] != '/')
        strbuf_addc(&b, '/');
    strbuf_adds(&b, name);
    return strbuf_take(&b);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static char *user_path(const char *variable, const char *usual, const char *name)
{
    const char *xdg = getenv(variable);
    const char *home = getenv("HOME");
    struct strbuf b = STRBUF_INIT;

    if (xdg && xdg[0] == '/')
        strbuf_addf(&b, "%s/densimeter/%s", xdg, name);
    else
        strbuf_addf(&b, "%s/%s/densimeter/%s", home && *home ? home : ".", usual, name);
    return strbuf_take(&b);
}

char *path_data_home(const char *name)
{
    return user_path("XDG_DATA_HOME", ".local/share", name);
}

char *path_cache_home(const char *name)
{
    return user_path("XDG_CACHE_HOME", ".cache", name);
}
