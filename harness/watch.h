/* watch.h -- a clock that nobody in this process can reach.
 *
 * A child that is started before anything foreign is loaded says what the kernel's monotonic clock
 * reads, each time it is asked.  Whatever code of others does to the clock of this process (its
 * tables of functions, its libraries), the child has memory of its own and asks the kernel by the
 * bare system call.  Call watch_start from a process without other threads. */
#ifndef HARNESS_WATCH_H
#define HARNESS_WATCH_H

#include <sys/types.h>

#include "base/err.h"

struct watch {
    int line; /* a socket; -1: none */
    pid_t child;
};
#define WATCH_NONE ((struct watch){.line = -1})

int watch_start(struct watch *out, struct err *e);
void watch_stop(struct watch *w);
/* Seconds; only differences mean something. */
int watch_read(const struct watch *w, double *s, struct err *e);

#endif
