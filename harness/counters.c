#include "harness/counters.h"

#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

static const struct {
    const char *name;
    uint32_t type;
    uint64_t config;
} rows[COUNTERS] = {
    {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {"cache_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    {"branch_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
    {"page_faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
};

struct counters {
    int *fd; /* [threads][COUNTERS]; -1: not opened */
    size_t n, cap;
    int why[COUNTERS]; /* errno; 0: opened for every thread */
};

static int open_one(int row, int thread)
{
    struct perf_event_attr a;

    memset(&a, 0, sizeof a);
    a.size = sizeof a;
    a.type = rows[row].type;
    a.config = rows[row].config;
    a.exclude_kernel = a.exclude_hv = 1;
    a.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    return (int)syscall(SYS_perf_event_open, &a, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static int add_thread(struct counters *c, int thread, struct err *e)
{
    if (mem_grow(&c->fd, &c->cap, (c->n + 1) * COUNTERS, sizeof *c->fd) < 0)
        return err_nomem(e);
    for (int i = 0; i < COUNTERS; i++) {
        int *fd = &c->fd[c->n * COUNTERS + (size_t)i];
        *fd = c->why[i] ? -1 : open_one(i, thread);
        if (*fd < 0 && !c->why[i])
            c->why[i] = errno;
    }
    c->n++;
    return 0;
}

int counters_begin(struct counters **out, struct err *e)
{
    struct counters *c = mem_calloc(1, sizeof *c);
    DIR *d = c ? opendir("/proc/self/task") : NULL;
    struct dirent *t;
    int rc = 0;

    *out = NULL;
    if (!c)
        return err_nomem(e);
    for (int i = 0; !d && i < COUNTERS; i++)
        c->why[i] = errno;
    while (d && rc == 0 && (t = readdir(d)))
        if (t->d_name[0] != '.')
            rc = add_thread(c, atoi(t->d_name), e);
    if (d)
        closedir(d);
    if (rc < 0)
        counters_end(c, NULL);
    else
        *out = c;
    return rc;
}

/* Where more counters are wanted than the processor has, each runs for a part of the time. */
static double value_of(int fd)
{
    uint64_t v[3]; /* value, time enabled, time running */

    if (read(fd, v, sizeof v) != sizeof v)
        return NAN;
    return v[2] ? (double)v[0] * (double)v[1] / (double)v[2] : 0; /* the thread never ran */
}

/* "cycles, instructions: this machine counts none" */
static void say_missing(const struct counters *c, char *out, size_t size)
{
    size_t at = 0;

    for (int i = 0; i < COUNTERS && at < size; i++) {
        int same = i + 1 < COUNTERS && c->why[i + 1] == c->why[i];
        if (!c->why[i])
            continue;
        at += (size_t)snprintf(out + at, size - at, "%s%s%s", rows[i].name, same ? "" : ": ",
                               same                    ? ", "
                               : c->why[i] == ENOENT   ? "this machine counts none"
                                                       : strerror(c->why[i]));
        if (!same && i + 1 < COUNTERS && c->why[i + 1] && at < size)
            at += (size_t)snprintf(out + at, size - at, "; ");
    }
}

static void fill(const struct counters *c, struct counted *out)
{
    *out = (struct counted){.missing = ""};
    for (int i = 0; i < COUNTERS; i++) {
        out->v[i].name = rows[i].name;
        out->v[i].value = c->why[i] ? NAN : 0;
        for (size_t t = 0; t < c->n && !c->why[i]; t++)
            out->v[i].value += value_of(c->fd[t * COUNTERS + (size_t)i]);
    }
    say_missing(c, out->missing, sizeof out->missing);
}

void counters_end(struct counters *c, struct counted *out)
{
    if (!c)
        return;
    if (out)
        fill(c, out);
    for (size_t i = 0; i < c->n * COUNTERS; i++)
        if (c->fd[i] >= 0)
            close(c->fd[i]);
    mem_free(c->fd);
    mem_free(c);
}
