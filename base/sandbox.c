#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define NOBODY 65534
#define WORDS_MAX 96
static const char bubblewrap[] = "/usr/bin/bwrap", shell[] = "/bin/sh";

/* The walls; an interpreter, its script and its arguments follow.  /bin/sh is there to set the one
 * limit that counts from inside: dash calls it -p, bash -u. */
static const char *const walls[] = {
    "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts",
    "--unshare-cgroup-try", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox",
    "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL",
    "--ro-bind", "/usr/lib", "/usr/lib", "--ro-bind-try", "/usr/lib64", "/usr/lib64",
    "--ro-bind", "/lib", "/lib", "--ro-bind-try", "/lib64", "/lib64", "--ro-bind", shell, shell,
    "--dev-bind", "/dev/null", "/dev/null", "--dev-bind", "/dev/urandom", "/dev/urandom",
    "--setenv", "LANG", "C.UTF-8", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp",
    "--chdir", "/tmp",
};
static const char limited[] =
    "ulimit -p \"$0\" 2>/dev/null || ulimit -u \"$0\" || exit 126; exec \"$@\"";

struct cage {
    const char *words[WORDS_MAX];
    int n;
    char numbers[6][24]; /* what of words is made here */
    int script, filter, status[2], out[2];
    pid_t pid;
};

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void cage_close(struct cage *c)
{
    close_fd(&c->script);
    close_fd(&c->filter);
    for (int i = 0; i < 2; i++) {
        close_fd(&c->status[i]);
        close_fd(&c->out[i]);
    }
}

/* Bytes as a file without a name. */
static int memory_file(const char *name, const void *bytes, size_t n, int *out, struct err *e)
{
    const char *s = bytes;
    int fd = memfd_create(name, MFD_CLOEXEC);

    *out = fd;
    for (size_t done = 0; fd >= 0 && done < n;) {
        ssize_t k = write(fd, s + done, n - done);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return err_errno(e, "%s", name);
        done += (size_t)k;
    }
    if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return err_errno(e, "%s", name);
    return 0;
}

static int open_files(struct cage *c, const struct sandbox_job *j, struct err *e)
{
    struct strbuf program = STRBUF_INIT;
    int rc = -1;

    c->script = c->filter = c->status[0] = c->status[1] = c->out[0] = c->out[1] = -1;
    if (sandbox_filter(&program, e) == 0 &&
        memory_file("filter", program.s, program.len, &c->filter, e) == 0 &&
        memory_file("script", j->script, j->n_script, &c->script, e) == 0) {
        rc = 0;
        if (pipe2(c->status, O_CLOEXEC) < 0 || pipe2(c->out, O_CLOEXEC) < 0)
            rc = err_errno(e, "pipe");
    }
    strbuf_release(&program);
    return rc;
}

static void word(struct cage *c, const char *s)
{
    c->words[c->n++] = s;
}

static void number(struct cage *c, int i, long long v)
{
    snprintf(c->numbers[i], sizeof c->numbers[i], "%lld", v);
    word(c, c->numbers[i]);
}

static int write_words(struct cage *c, const struct sandbox_job *j, struct err *e)
{
    size_t n_args = 0;

    while (j->argv[n_args])
        n_args++;
    if (sizeof walls / sizeof *walls + n_args + 32 > WORDS_MAX)
        return err_set(e, ERR_UNSUPPORTED, "%s: %zu arguments are too many", j->argv[0], n_args);
    word(c, bubblewrap);
    for (size_t i = 0; i < sizeof walls / sizeof *walls; i++)
        word(c, walls[i]);
    word(c, "--ro-bind"), word(c, j->argv[0]), word(c, j->argv[0]);
    word(c, "--perms"), word(c, "0444");
    word(c, "--ro-bind-data"), number(c, 0, c->script), word(c, SANDBOX_SCRIPT);
    word(c, "--size"), number(c, 1, (long long)j->limits.disk_bytes);
    word(c, "--tmpfs"), word(c, "/tmp");
    word(c, "--remount-ro"), word(c, "/");
    word(c, "--seccomp"), number(c, 2, c->filter);
    word(c, "--json-status-fd"), number(c, 3, c->status[1]);
    word(c, "--"), word(c, shell), word(c, "-c"), word(c, limited);
    number(c, 4, j->limits.threads);
    for (size_t i = 0; i < n_args; i++)
        word(c, j->argv[i]);
    word(c, NULL);
    return 0;
}

/* --- the child, between fork and exec ------------------------------------------------------ */

static void limit(int what, unsigned long long most)
{
    struct rlimit l = {most, most};

    if (setrlimit(what, &l) < 0)
        _exit(126);
}

static void keep_only(const struct cage *c)
{
    const int kept[] = {c->script, c->filter, c->status[1]};

#if defined(SYS_close_range)
    if (syscall(SYS_close_range, 3u, ~0u, 4u /* close on exec */) < 0)
#endif
        for (int fd = 3; fd < 65536; fd++)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (fcntl(kept[i], F_SETFD, 0) < 0)
            _exit(126);
}

static void become(const struct cage *c, const struct sandbox_limits *l, pid_t parent)
{
    static char *const nothing[] = {NULL};
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    int null = open("/dev/null", O_RDWR);

    setpgid(0, 0);
    if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                           setresuid(NOBODY, NOBODY, NOBODY) < 0))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* after the change of user, which forgets it */
    if (getppid() != parent)
        _exit(126);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < 32; s++)
        sigaction(s, &plain, NULL);
    if (null < 0 || dup2(null, 0) < 0 || dup2(c->out[1], 1) < 0 || dup2(c->out[1], 2) < 0)
        _exit(126);
    keep_only(c);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_AS, l->memory_bytes);
    limit(RLIMIT_FSIZE, l->disk_bytes);
    limit(RLIMIT_NOFILE, (unsigned long long)l->files);
    limit(RLIMIT_CPU, (unsigned long long)l->cpu_s);
    execve(bubblewrap, (char *const *)c->words, nothing);
    _exit(errno == ENOENT ? 127 : 126);
}

/* --- the parent ---------------------------------------------------------------------------- */

/* What is there to read, up to `most` bytes in b: 1 while there may be more, 0 at the end, -1 when
 * it is too much. */
static int take(int fd, struct strbuf *b, size_t most)
{
    char part[4096];
    ssize_t n = read(fd, part, sizeof part);

    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    if (n > 0 && (size_t)n > most - b->len) {
        strbuf_add(b, part, most - b->len);
        return -1;
    }
    strbuf_add(b, part, (size_t)n);
    return n > 0;
}

/* Until both pipes end, which they do when the last process inside has, or a limit is passed. */
static enum sandbox_end listen_to(struct cage *c, const struct sandbox_limits *l, double end_s,
                                  struct strbuf *said, struct strbuf *status)
{
    struct pollfd p[2] = {{c->out[0], POLLIN, 0}, {c->status[0], POLLIN, 0}};

    while (p[0].fd >= 0 || p[1].fd >= 0) {
        double left = end_s - now_s();
        int got;
        if (left <= 0)
            return SANDBOX_TIME;
        if (poll(p, 2, (int)(left * 1e3) + 1) <= 0)
            continue;
        if (p[1].revents && take(c->status[0], status, 4096) <= 0)
            p[1].fd = -1;
        if (!p[0].revents)
            continue;
        if ((got = take(c->out[0], said, l->output_bytes)) < 0)
            return SANDBOX_OUTPUT;
        if (got == 0)
            p[0].fd = -1;
    }
    return SANDBOX_STATUS;
}

/* The walls stand when bubblewrap tells how the script ended; what it said else is why not. */
static int conclude(struct sandbox_result *out, const struct strbuf *status, int waited,
                    struct err *e)
{
    static const char key[] = "\"exit-code\":";
    const char *code = strstr(strbuf_str(status), key);

    if (out->how == SANDBOX_STATUS && code) {
        out->code = atoi(code + sizeof key - 1);
        return 0;
    }
    if (out->how != SANDBOX_STATUS)
        return 0;
    if (WIFEXITED(waited) && WEXITSTATUS(waited) == 127 && out->output.len == 0)
        err_set(e, ERR_UNSUPPORTED, "%s is not installed", bubblewrap);
    else
        err_set(e, ERR_UNSUPPORTED, "no sandbox: %.*s",
                out->output.len ? (int)strcspn(out->output.s, "\n") : INT_MAX,
                out->output.len ? out->output.s : "bubblewrap ended without a word");
    err_hint(e, "`make deps` installs bubblewrap; the kernel must allow users' name spaces");
    return -1;
}

int sandbox_run(const struct sandbox_job *j, struct sandbox_result *out, struct err *e)
{
    struct strbuf status = STRBUF_INIT;
    struct cage c = {.n = 0};
    pid_t parent = getpid();
    double start_s = now_s();
    int rc = -1, waited = 0;

    *out = (struct sandbox_result){0};
    if (open_files(&c, j, e) < 0 || write_words(&c, j, e) < 0)
        goto out;
    c.pid = fork();
    if (c.pid == 0)
        become(&c, &j->limits, parent);
    if (c.pid < 0) {
        err_errno(e, "%s", bubblewrap);
        goto out;
    }
    setpgid(c.pid, c.pid); /* whoever of the two is first */
    close_fd(&c.out[1]);
    close_fd(&c.status[1]);
    out->how = listen_to(&c, &j->limits, start_s + j->limits.wall_s, &out->output, &status);
    if (out->how != SANDBOX_STATUS) {
        kill(-c.pid, SIGKILL);
        kill(c.pid, SIGKILL); /* it may not lead its group yet */
    }
    while (waitpid(c.pid, &waited, 0) < 0 && errno == EINTR)
        ;
    out->wall_s = now_s() - start_s;
    if (strbuf_ok(&out->output, e) == 0 && strbuf_ok(&status, e) == 0)
        rc = conclude(out, &status, waited, e);
out:
    cage_close(&c);
    strbuf_release(&status);
    if (rc < 0)
        sandbox_result_release(out);
    return rc;
}

void sandbox_result_release(struct sandbox_result *r)
{
    strbuf_release(&r->output);
}

int sandbox_check(const char *interpreter, struct err *e)
{
    const char *const argv[] = {interpreter, SANDBOX_SCRIPT, NULL};
    const struct sandbox_job j = {
        .argv = argv, .script = "", .n_script = 0,
        .limits = {.wall_s = 20, .memory_bytes = (size_t)1 << 30, .disk_bytes = 1 << 20,
                   .output_bytes = 4096, .cpu_s = 20, .threads = 16, .files = 64}};
    struct sandbox_result r;
    int rc;

    if (access(interpreter, X_OK) < 0)
        return err_errno(e, "%s", interpreter);
    rc = sandbox_run(&j, &r, e);
    if (rc == 0 && (r.how != SANDBOX_STATUS || r.code != 0))
        rc = err_set(e, ERR_UNSUPPORTED, "%s does not start in the sandbox: %.200s", interpreter,
                     strbuf_str(&r.output));
    if (rc == 0)
        sandbox_result_release(&r);
    return rc;
}
