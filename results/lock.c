#include "results/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/strbuf.h"

int lock_open(struct lock *l, const char *path, int create, struct err *e)
{
    struct strbuf name = STRBUF_INIT;
    int rc = -1;

    *l = LOCK_NONE;
    strbuf_addf(&name, "%s.lock", path);
    if (strbuf_ok(&name, e) < 0)
        goto out;
    l->fd = open(name.s, create ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0666);
    if (l->fd < 0 && create)
        err_errno(e, "%s", name.s);
    else
        rc = 0;
out:
    strbuf_release(&name);
    return rc;
}

void lock_close(struct lock *l)
{
    if (l->fd >= 0)
        close(l->fd);
    *l = LOCK_NONE;
}

static struct flock byte_range(int64_t byte)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

int lock_take(struct lock *l, int64_t byte, struct err *e)
{
    struct flock f = byte_range(byte);

    if (fcntl(l->fd, F_OFD_SETLK, &f) == 0)
        return 0;
    if (errno == EAGAIN || errno == EACCES)
        return 1;
    return err_errno(e, "the lock file cannot be locked");
}

int lock_held(const struct lock *l, int64_t byte)
{
    struct flock f = byte_range(byte);

    return l->fd >= 0 && fcntl(l->fd, F_OFD_GETLK, &f) == 0 && f.l_type != F_UNLCK;
}
