/* lock.h -- who is writing a run: one byte of FILE.lock per run.
 *
 * Open-file-description locks: the kernel drops them when the process is gone, however it went,
 * and two stores of one process exclude each other too.  A lock file that cannot be opened means
 * that nobody can be writing.  Not for network file systems (nor is SQLite's WAL). */
#ifndef RESULTS_LOCK_H
#define RESULTS_LOCK_H

#include <stdint.h>

#include "base/err.h"

struct lock {
    int fd;
};
#define LOCK_NONE ((struct lock){-1})

/* Opens "PATH.lock"; create = 0: its absence is no error and gives LOCK_NONE. */
int lock_open(struct lock *l, const char *path, int create, struct err *e);
void lock_close(struct lock *l); /* with all its locks */

/* 0: taken; 1: somebody else has it; -1. */
int lock_take(struct lock *l, int64_t byte, struct err *e);
/* 1 when another holder has the byte. */
int lock_held(const struct lock *l, int64_t byte);

#endif
