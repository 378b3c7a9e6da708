#include "harness/watch.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Until the other end is closed.  Only async-signal-safe calls: the parent may have had threads. */
static _Noreturn void answer(int line)
{
    struct timespec t;
    int64_t ns;
    char c;

    while (read(line, &c, 1) == 1) {
        ns = syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t) == 0
                 ? (int64_t)t.tv_sec * 1000000000 + t.tv_nsec : -1;
        if (write(line, &ns, sizeof ns) != (ssize_t)sizeof ns)
            break;
    }
    _exit(0);
}

int watch_start(struct watch *out, struct err *e)
{
    int ends[2];

    *out = WATCH_NONE;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return err_errno(e, "a clock apart");
    out->child = fork();
    if (out->child == 0) {
        close(ends[0]);
        answer(ends[1]);
    }
    close(ends[1]);
    if (out->child < 0) {
        close(ends[0]);
        return err_errno(e, "a clock apart");
    }
    out->line = ends[0];
    return 0;
}

void watch_stop(struct watch *w)
{
    if (w->line < 0)
        return;
    close(w->line);
    while (waitpid(w->child, NULL, 0) < 0 && errno == EINTR)
        ;
    *w = WATCH_NONE;
}

static int transfer(int line, void *bytes, size_t n, int is_write)
{
    char *at = bytes;

    while (n > 0) {
        ssize_t got = is_write ? send(line, at, n, MSG_NOSIGNAL) : read(line, at, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        at += got;
        n -= (size_t)got;
    }
    return 0;
}

int watch_read(const struct watch *w, double *s, struct err *e)
{
    int64_t ns = -1;
    char ask = 0;

    if (transfer(w->line, &ask, 1, 1) < 0 || transfer(w->line, &ns, sizeof ns, 0) < 0 || ns < 0)
        return err_set(e, ERR_IO, "the clock apart does not answer");
    *s = (double)ns * 1e-9;
    return 0;
}
