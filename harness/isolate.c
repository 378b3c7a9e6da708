#include "harness/isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "base/mem.h"
#include "harness/meter.h"

#define LOOK_MS 10
#define SAID_MAX 4096

struct child {
    pid_t pid;
    int out;       /* its standard error */
    double start_s, beat_s, asked_s; /* asked_s: when it was asked to end; 0: not yet */
    enum ended why;
    int killed;
};

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd >= 0) {
        ssize_t n = write(fd, text, strlen(text));
        (void)n; /* where it is refused the system chooses as it likes */
        close(fd);
    }
}

/* In the child, between fork and exec.  exec closes `ready`, or its errno is written there. */
static void become(const struct isolation *i, char *const *envp, pid_t parent, int err_fd,
                   int ready)
{
    int why;
    struct sigaction plain = {.sa_handler = SIG_DFL};
    int null = open("/dev/null", O_RDWR);

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127); /* the parent died before prctl */
    write_text("/proc/self/oom_score_adj", "1000");
    sigaction(SIGINT, &plain, NULL);
    sigaction(SIGTERM, &plain, NULL);
    sigaction(SIGPIPE, &plain, NULL);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        dup2(err_fd, STDERR_FILENO) < 0)
        _exit(127);
    execve(i->program, i->argv, envp);
    why = errno;
    _exit(write(ready, &why, sizeof why) == sizeof why ? 127 : 126);
}

extern char **environ;

/* Our environment with another DENSIMETER_DB, made before fork. */
static char **make_environment(const char *database, char **variable, struct err *e)
{
    static const char name[] = "DENSIMETER_DB=";
    struct strbuf b = STRBUF_INIT;
    char **envp;
    size_t n = 0, k = 0;

    while (environ[n])
        n++;
    envp = mem_calloc(n + 2, sizeof *envp);
    strbuf_addf(&b, "%s%s", name, database ? database : "");
    *variable = strbuf_take(&b);
    if (!envp || !*variable) {
        mem_free(envp);
        mem_free(*variable);
        *variable = NULL;
        err_nomem(e);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        if (!database || strncmp(environ[i], name, sizeof name - 1) != 0)
            envp[k++] = environ[i];
    if (database)
        envp[k] = *variable;
    return envp;
}

/* Waits until the child is the program: before that its memory is a copy of ours. */
static void wait_for_exec(const struct isolation *i, int ready, struct strbuf *said)
{
    ssize_t n;
    int why;

    while ((n = read(ready, &why, sizeof why)) < 0 && errno == EINTR)
        ;
    if (n == sizeof why)
        strbuf_addf(said, "densimeter: %s: %s\n", i->program, strerror(why));
}

static void close_both(const int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

static int start(const struct isolation *i, struct child *c, struct strbuf *said, struct err *e)
{
    int fds[2], ready[2], rc = -1;
    char *variable = NULL, **envp = make_environment(i->database, &variable, e);
    pid_t parent = getpid();

    if (!envp)
        return -1;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
        err_errno(e, "%s: pipe", i->program);
        goto out;
    }
    if (pipe2(ready, O_CLOEXEC) < 0) {
        err_errno(e, "%s: pipe", i->program);
        close_both(fds);
        goto out;
    }
    c->pid = fork();
    if (c->pid == 0)
        become(i, envp, parent, fds[1], ready[1]);
    if (c->pid < 0) {
        err_errno(e, "%s", i->program);
        close_both(fds);
        close_both(ready);
        goto out;
    }
    setpgid(c->pid, c->pid); /* whoever of the two is first */
    close(fds[1]);
    close(ready[1]);
    wait_for_exec(i, ready[0], said);
    close(ready[0]);
    c->out = fds[0];
    rc = 0;
out:
    mem_free(envp);
    mem_free(variable);
    return rc;
}

/* The most that was ever resident; 0 when the process is gone. */
static double peak_bytes(pid_t pid)
{
    char path[64], line[128];
    long long kb = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    f = fopen(path, "re");
    while (f && kb == 0 && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %lld kB", &kb) != 1)
            kb = 0;
    if (f)
        fclose(f);
    return (double)kb * 1024;
}

/* Keeps the last SAID_MAX bytes. */
static void listen_to(struct child *c, struct strbuf *said)
{
    char part[1024];
    ssize_t n;

    while ((n = read(c->out, part, sizeof part)) > 0) {
        strbuf_add(said, part, (size_t)n);
        if (said->s && said->len > SAID_MAX) {
            size_t cut = said->len - SAID_MAX;
            memmove(said->s, said->s + cut, SAID_MAX);
            strbuf_truncate(said, SAID_MAX);
        }
    }
}

static void kill_group(struct child *c, enum ended why)
{
    if (!c->killed) {
        c->why = c->asked_s > 0 ? c->why : why;
        kill(-c->pid, SIGKILL);
        kill(c->pid, SIGKILL); /* it may not lead its group yet */
        c->killed = 1;
    }
}

/* It finishes its item and keeps what it has; after grace_s it is killed. */
static void ask_to_end(struct child *c, enum ended why)
{
    if (c->asked_s == 0) {
        c->why = why;
        c->asked_s = meter_clock_s();
        kill(c->pid, SIGTERM);
    }
}

static void look(const struct isolation *i, struct child *c, struct ending *out)
{
    double now = meter_clock_s(), peak = peak_bytes(c->pid);

    if (peak > out->peak_rss_bytes)
        out->peak_rss_bytes = peak;
    if (i->memory_bytes > 0 && peak > i->memory_bytes)
        kill_group(c, ENDED_MEMORY);
    if (i->wall_s > 0 && now - c->start_s > i->wall_s)
        ask_to_end(c, ENDED_TIME);
    if (i->stop && *i->stop)
        ask_to_end(c, ENDED_STOPPED);
    if (c->asked_s > 0 && now - c->asked_s > i->grace_s)
        kill_group(c, c->why);
    if (i->beat && now - c->beat_s >= i->beat_s) {
        c->beat_s = now;
        if (i->beat(i->user))
            kill_group(c, ENDED_GIVEN_UP);
    }
}

static void conclude(const struct child *c, int status, struct ending *out)
{
    out->how = WIFSIGNALED(status) ? ENDED_SIGNAL : ENDED_STATUS;
    out->code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    /* What ended by itself with status 0 was done in time, whatever we had just asked for. */
    if ((c->killed || c->asked_s > 0) && !(out->how == ENDED_STATUS && out->code == 0))
        out->how = c->why;
}

int isolate(const struct isolation *i, struct ending *out, struct err *e)
{
    struct child c = {.out = -1};
    int status = 0;
    pid_t got;

    *out = (struct ending){0};
    c.start_s = c.beat_s = meter_clock_s();
    if (start(i, &c, &out->said, e) < 0)
        return -1;
    while ((got = waitpid(c.pid, &status, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
        struct pollfd p = {.fd = c.out, .events = POLLIN};
        if (poll(&p, 1, LOOK_MS) > 0 && (p.revents & POLLHUP)) {
            struct timespec pause = {0, LOOK_MS * 1000000L}; /* it ends, or closed its errors */
            nanosleep(&pause, NULL);
        }
        listen_to(&c, &out->said);
        look(i, &c, out);
    }
    kill(-c.pid, SIGKILL); /* whatever it left behind */
    listen_to(&c, &out->said);
    close(c.out);
    out->wall_s = meter_clock_s() - c.start_s;
    conclude(&c, status, out);
    return 0;
}

void ending_release(struct ending *e)
{
    strbuf_release(&e->said);
}

void ending_line(const struct ending *end, char *text, size_t size)
{
    static const char name[] = "densimeter: ";
    const char *s = strbuf_str(&end->said), *stop = s + end->said.len, *wanted = s;
    size_t n;

    for (const char *p = s; p < stop; p++)
        if (*p == '\n' && p + 1 < stop)
            wanted = p + 1;
    for (const char *p = s; (p = strstr(p, name)) != NULL; p += sizeof name - 1)
        wanted = p + sizeof name - 1;
    n = strcspn(wanted, "\n");
    snprintf(text, size, "%.*s", (int)(n < size ? n : size - 1), wanted);
    utf8_make_printable(text, strlen(text), 0);
}

int isolate_program(char *path, size_t size, struct err *e)
{
    ssize_t n = readlink("/proc/self/exe", path, size - 1);

    if (n < 0)
        return err_errno(e, "/proc/self/exe");
    path[n] = 0;
    return 0;
}
