/* isolate.h -- a command in a process of its own, within limits, so that whatever it does to itself
 * is a result and not the end of us.
 *
 * The child leads a process group; the group is killed when a limit is passed and when the child is
 * gone.  The child dies with the thread that started it (Linux), and is the first that the system
 * picks when memory runs out.  Memory is the most that was resident, looked at every few
 * milliseconds: that counts a mapped model as far as it is used, which no address space limit can
 * tell.  Call from a
 * process without other threads: between fork and exec only async-signal-safe calls are made. */
#ifndef HARNESS_ISOLATE_H
#define HARNESS_ISOLATE_H

#include <signal.h>

#include "base/err.h"
#include "base/strbuf.h"

struct isolation {
    const char *program;      /* path */
    char *const *argv;        /* NULL at the end */
    const char *database;     /* becomes the child's DENSIMETER_DB; NULL: as it is */
    double memory_bytes, wall_s, grace_s; /* 0: no limit */
    const volatile sig_atomic_t *stop;    /* non-zero: ask the child to end; may be NULL */
    /* Called about every beat_s; not 0: the child is killed (ENDED_GIVEN_UP). */
    int (*beat)(void *user);
    void *user;
    double beat_s;
};

enum ended {
    ENDED_STATUS,   /* by itself, with `code` */
    ENDED_SIGNAL,   /* by signal `code`, not from us */
    ENDED_MEMORY,   /* killed over memory_bytes */
    ENDED_TIME,     /* over wall_s */
    ENDED_STOPPED,  /* *stop was set: it was asked to end, and has */
    ENDED_GIVEN_UP, /* beat said so */
};
struct ending {
    enum ended how;
    int code;
    double wall_s, peak_rss_bytes;
    struct strbuf said; /* the end of its standard error, at most 4 KB */
};
/* -1 when the process could not be started. */
int isolate(const struct isolation *i, struct ending *out, struct err *e);
void ending_release(struct ending *e);
/* The last message that the process said, without the name that every message begins with. */
void ending_line(const struct ending *e, char *text, size_t size);

/* The path of this very program. */
int isolate_program(char *path, size_t size, struct err *e);

#endif
