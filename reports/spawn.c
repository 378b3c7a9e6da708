/* spawn.c -- a program that is given a text and answers with a text, in bounded time.
 *
 * The script is an unlinked file on its stdin, so nobody can block on a full pipe and no SIGPIPE
 * can reach us; what it prints comes through a pipe that is polled until the deadline. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "reports/gnuplot.h"

#define OUTPUT_MAX ((size_t)16 << 20)

extern char **environ;

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int start(const char *program, int in, int out, int errors, pid_t *pid, struct err *e)
{
    char *argv[] = {(char *)program, (char *)"-d", NULL}; /* -d: no start-up files of the user's */
    posix_spawn_file_actions_t actions;
    int rc;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return err_nomem(e);
    rc = posix_spawn_file_actions_adddup2(&actions, in, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, out, 1);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, errors, 2);
    if (rc == 0)
        rc = posix_spawnp(pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (rc == 0)
        return 0;
    errno = rc;
    if (rc != ENOENT)
        return err_errno(e, "%s", program);
    err_set(e, ERR_NOTFOUND, "%s is not installed", program);
    err_hint(e, "`make deps` installs it; the numbers of each plot are in its table");
    return -1;
}

/* Everything the program prints until it closes its end; -1 past the deadline. */
static int collect(int fd, int64_t deadline, const char *program, struct strbuf *out,
                   struct err *e)
{
    char chunk[16384];

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = deadline - now_ms();
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        ssize_t n;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return err_set(e, ERR_IO, "%s took too long and was stopped", program);
        n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, "%s", program);
        if (n == 0)
            return strbuf_ok(out, e);
        if (out->len + (size_t)n > OUTPUT_MAX)
            return err_set(e, ERR_IO, "%s printed more than 16 MB", program);
        strbuf_add(out, chunk, (size_t)n);
    }
}

/* The program may have closed its output and live on. */
static int reap(pid_t pid, int64_t deadline, const char *program, FILE *errors, struct err *e)
{
    struct timespec pause = {0, 5 * 1000 * 1000};
    char line[160];
    int status;
    pid_t got;

    while ((got = waitpid(pid, &status, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
        if (now_ms() > deadline) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return err_set(e, ERR_IO, "%s took too long and was stopped", program);
        }
        nanosleep(&pause, NULL);
    }
    if (got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    rewind(errors);
    while (fgets(line, sizeof line, errors)) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[strspn(line, " ^\t")])
            return err_set(e, ERR_IO, "%s failed: %s", program, line);
    }
    return err_set(e, ERR_IO, "%s failed (status %d)", program, status);
}

int gnuplot_run(const char *program, int timeout_s, const struct strbuf *script,
                struct strbuf *out, struct err *e)
{
    FILE *in = tmpfile(), *errors = tmpfile();
    int p[2] = {-1, -1}, rc = -1;
    int64_t deadline = now_ms() + (int64_t)timeout_s * 1000;
    pid_t pid;

    if (!in || !errors || pipe2(p, O_CLOEXEC) < 0) {
        err_errno(e, "a temporary file for %s", program);
        goto out;
    }
    if (fwrite(script->s, 1, script->len, in) != script->len || fflush(in) != 0 ||
        lseek(fileno(in), 0, SEEK_SET) < 0) {
        err_errno(e, "a temporary file for %s", program);
        goto out;
    }
    if (start(program, fileno(in), p[1], fileno(errors), &pid, e) < 0)
        goto out;
    close(p[1]);
    p[1] = -1;
    if (collect(p[0], deadline, program, out, e) < 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        goto out;
    }
    rc = reap(pid, deadline, program, errors, e);
out:
    for (int i = 0; i < 2; i++)
        if (p[i] >= 0)
            close(p[i]);
    if (in)
        fclose(in);
    if (errors)
        fclose(errors);
    return rc;
}
