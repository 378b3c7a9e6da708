/* rival.c -- one sample of llama-bench (llama.cpp), as a process of its own.
 *
 * It warms up by itself before it measures; what it prints with "-o json" is an array with one
 * object per test. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "harness/measure.h"

extern char **environ;

enum { OUTPUT_MAX = 1 << 20 };

static int read_all(int fd, struct strbuf *out, const char *binary, struct err *e)
{
    char part[4096];
    ssize_t n;

    while ((n = read(fd, part, sizeof part)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, "%s: its output", binary);
        strbuf_add(out, part, (size_t)n);
        if (out->len > OUTPUT_MAX)
            return err_set(e, ERR_FORMAT, "%s: more than %d bytes of output", binary, OUTPUT_MAX);
    }
    return strbuf_ok(out, e);
}

static int start(const char *binary, char *const *argv, int out_fd, pid_t *pid, struct err *e)
{
    posix_spawn_file_actions_t actions;
    int rc = posix_spawn_file_actions_init(&actions);

    if (rc == 0) {
        posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        rc = posix_spawnp(pid, binary, &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    errno = rc;
    return rc == 0 ? 0 : err_errno(e, "%s", binary);
}

static int run(const char *binary, char *const *argv, struct strbuf *out, struct err *e)
{
    int fds[2], status = 0, rc;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_errno(e, "%s: pipe", binary);
    rc = start(binary, argv, fds[1], &pid, e);
    close(fds[1]);
    if (rc == 0) {
        rc = read_all(fds[0], out, binary, e);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (rc == 0 && status != 0)
            rc = err_set(e, ERR_IO, "%s: ended with %s %d", binary,
                         WIFSIGNALED(status) ? "signal" : "status",
                         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    close(fds[0]);
    return rc;
}

/* The nanoseconds of the only sample of the only test. */
static int parse(const char *binary, const struct strbuf *out, double *s, struct err *e)
{
    cJSON *j = json_parse(strbuf_str(out), out->len, binary, e);
    const cJSON *sample = cJSON_GetArrayItem(json_get(cJSON_GetArrayItem(j, 0), "samples_ns"), 0);
    int rc = j ? 0 : -1;

    if (cJSON_IsNumber(sample) && sample->valuedouble > 0)
        *s = sample->valuedouble / 1e9;
    else if (j)
        rc = err_set(e, ERR_FORMAT, "%s: its output has no samples_ns", binary);
    if (rc < 0)
        err_hint(e, "--versus wants llama.cpp's llama-bench, which prints JSON");
    json_free(j);
    return rc;
}

int rival_sample(const char *binary, const char *model_path, int threads,
                 const struct speed_test *t, double *s, struct err *e)
{
    char prompt[16], generate[16], both[32], depth[16], cpus[16];
    const char *argv[24] = {binary, "-m", model_path, "-t", cpus, "-r", "1", "-o", "json",
                            "-p", prompt, "-n", generate};
    struct strbuf out = STRBUF_INIT;
    int rc, n = 13, pair = t->prompt && t->generate;

    if (t->streams > 1)
        return err_set(e, ERR_UNSUPPORTED, "%s: does not decode %d streams together", binary,
                       t->streams);
    snprintf(prompt, sizeof prompt, "%d", pair ? 0 : t->prompt);
    snprintf(generate, sizeof generate, "%d", pair ? 0 : t->generate);
    snprintf(depth, sizeof depth, "%d", t->depth);
    snprintf(cpus, sizeof cpus, "%d", threads);
    if (pair) {
        snprintf(both, sizeof both, "%d,%d", t->prompt, t->generate);
        argv[n++] = "-pg";
        argv[n++] = both;
    }
    if (t->depth) { /* ik_llama.cpp's llama-bench has no such option */
        argv[n++] = "-d";
        argv[n++] = depth;
    }
    rc = run(binary, (char *const *)argv, &out, e);
    if (rc == 0)
        rc = parse(binary, &out, s, e);
    strbuf_release(&out);
    return rc;
}
