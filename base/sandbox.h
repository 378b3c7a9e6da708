/* sandbox.h -- a script of a stranger's, run where it can do no harm.
 *
 * bubblewrap builds the walls: user, process, network, IPC and name spaces of its own; a root that
 * cannot be written and has an interpreter and its libraries, no /proc, no home, no /etc; a /tmp in
 * memory of disk_bytes; an empty environment; no capabilities.  A seccomp filter (sandbox_filter.c)
 * lets through what an interpreter needs and refuses the rest: new processes, sockets, kernel keys,
 * mounts, other processes' memory.  Limits on memory, CPU time, files, threads and output hold for
 * the one process there is; when the time is over all of it is killed as a group, and it dies with
 * the thread that started it.  Root becomes nobody first, since limits do not bind root.
 *
 * Without bubblewrap or without the kernel's name spaces everything here fails with the reason:
 * nothing is ever run bare.  Any thread may call; the calling process may have others. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

struct sandbox_limits {
    double wall_s;
    size_t memory_bytes; /* address space */
    size_t disk_bytes;   /* all files together: they are in memory */
    size_t output_bytes; /* standard output and error together */
    int cpu_s, threads, files; /* files: open at once */
};
struct sandbox_job {
    const char *const *argv; /* [0]: the interpreter's path; NULL ends */
    const char *script;      /* becomes SANDBOX_SCRIPT */
    size_t n_script;
    struct sandbox_limits limits;
};
#define SANDBOX_SCRIPT "/script"

enum sandbox_end {
    SANDBOX_STATUS, /* by itself, with `code`; 128 + n for signal n (its limits send some) */
    SANDBOX_TIME,   /* killed over wall_s */
    SANDBOX_OUTPUT, /* killed over output_bytes */
};
struct sandbox_result {
    enum sandbox_end how;
    int code;
    double wall_s;
    struct strbuf output; /* the first output_bytes of it */
};
/* -1 when the walls could not be built: ERR_UNSUPPORTED with bubblewrap's words. */
int sandbox_run(const struct sandbox_job *j, struct sandbox_result *out, struct err *e);
void sandbox_result_release(struct sandbox_result *r);

/* Whether `interpreter` starts inside: 0, or -1 with the reason and what to install. */
int sandbox_check(const char *interpreter, struct err *e);

/* The filter as a program for bubblewrap's --seccomp (linux/filter.h): ERR_UNSUPPORTED for a
 * processor whose calls are not known.  Appends. */
int sandbox_filter(struct strbuf *out, struct err *e);

#endif
