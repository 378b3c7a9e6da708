/* sandbox_filter.c -- which system calls a confined interpreter may make: a list of what it needs,
 * everything else fails with EPERM.  Threads are let through and processes are not: each process
 * would have the memory limit to itself. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "base/sandbox.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH 0
#endif
#define LENGTH(a) (sizeof(a) / sizeof(a)[0])
#define X32 0x40000000u /* the bit of x86's second numbering, which the list does not cover */

static const int allowed[] = {
    /* bytes and files */
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev,
    SYS_openat, SYS_close, SYS_lseek, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_faccessat,
    SYS_readlinkat, SYS_getdents64, SYS_getcwd, SYS_chdir, SYS_fchdir, SYS_fcntl, SYS_dup, SYS_dup3,
    SYS_pipe2, SYS_ppoll, SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait,
    SYS_eventfd2, SYS_umask, SYS_mkdirat, SYS_unlinkat, SYS_renameat2, SYS_ftruncate, SYS_truncate,
    SYS_fsync, SYS_fdatasync, SYS_symlinkat, SYS_linkat, SYS_fchmod, SYS_fchmodat, SYS_utimensat,
    SYS_flock, SYS_sendfile, SYS_copy_file_range, SYS_statfs, SYS_fstatfs, SYS_fadvise64,
#ifdef SYS_open /* calls that newer processors' kernels do without */
    SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_dup2, SYS_pipe, SYS_poll,
    SYS_select, SYS_epoll_create, SYS_epoll_wait, SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_rename,
    SYS_symlink, SYS_link, SYS_chmod, SYS_getdents, SYS_time, SYS_getpgrp, SYS_alarm,
    SYS_arch_prctl,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_close_range
    SYS_close_range,
#endif
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
    /* memory */
    SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_brk, SYS_msync, SYS_mincore,
    /* signals, time, threads; a signal reaches nobody outside the process space */
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigtimedwait,
    SYS_rt_sigsuspend, SYS_sigaltstack, SYS_kill, SYS_tkill, SYS_tgkill, SYS_nanosleep,
    SYS_clock_nanosleep, SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_times,
    SYS_setitimer, SYS_getitimer, SYS_futex, SYS_set_robust_list, SYS_get_robust_list,
    SYS_set_tid_address, SYS_sched_yield, SYS_sched_getaffinity, SYS_restart_syscall,
    SYS_membarrier,
#ifdef SYS_rseq
    SYS_rseq,
#endif
    SYS_wait4, SYS_waitid, SYS_exit, SYS_exit_group,
    /* who and what it is; its limits, which can only be lowered */
    SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
    SYS_getgroups, SYS_getpgid, SYS_getsid, SYS_uname, SYS_sysinfo, SYS_getcpu, SYS_getrandom,
    SYS_getrusage, SYS_prlimit64, SYS_getrlimit, SYS_setrlimit, SYS_execve,
};
/* Of two calls only these requests. */
static const unsigned ioctls[] = {TCGETS, FIOCLEX, FIONCLEX, FIONBIO, FIONREAD, TIOCGWINSZ};
static const unsigned prctls[] = {PR_SET_NAME, PR_GET_NAME, 0x53564d41 /* PR_SET_VMA */};

static void put(struct strbuf *b, unsigned code, unsigned k, unsigned yes, unsigned no)
{
    struct sock_filter f = {(__u16)code, (__u8)yes, (__u8)no, k};

    strbuf_add(b, &f, sizeof f);
}

static void load(struct strbuf *b, size_t offset)
{
    put(b, BPF_LD | BPF_W | BPF_ABS, (unsigned)offset, 0, 0);
}

static void give(struct strbuf *b, unsigned answer)
{
    put(b, BPF_RET | BPF_K, answer, 0, 0);
}

static void allow(struct strbuf *b, unsigned value)
{
    put(b, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    give(b, SECCOMP_RET_ALLOW);
}

/* One call by its argument (the low half: both processors store it first). */
static void allow_requests(struct strbuf *b, int call, int argument, const unsigned *v, size_t n)
{
    unsigned past = (unsigned)(2 * n + 2);

    put(b, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, past);
    load(b, offsetof(struct seccomp_data, args) + (size_t)argument * 8);
    for (size_t i = 0; i < n; i++)
        allow(b, v[i]);
    give(b, SECCOMP_RET_ERRNO | EPERM);
}

int sandbox_filter(struct strbuf *b, struct err *e)
{
    if (!ARCH)
        return err_set(e, ERR_UNSUPPORTED,
                       "confining a script: the system calls of this processor are not known");
    load(b, offsetof(struct seccomp_data, arch));
    put(b, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    give(b, SECCOMP_RET_KILL_PROCESS);
    load(b, offsetof(struct seccomp_data, nr));
    put(b, BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1);
    give(b, SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; i < LENGTH(allowed); i++)
        allow(b, (unsigned)allowed[i]);
    allow_requests(b, SYS_ioctl, 1, ioctls, LENGTH(ioctls));
    allow_requests(b, SYS_prctl, 0, prctls, LENGTH(prctls));
    /* a thread, but no process; the newer call hides its flags in memory, and libc does without */
    put(b, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4);
    load(b, offsetof(struct seccomp_data, args));
    put(b, BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1);
    give(b, SECCOMP_RET_ALLOW);
    give(b, SECCOMP_RET_ERRNO | EPERM);
#ifdef SYS_clone3
    put(b, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1);
    give(b, SECCOMP_RET_ERRNO | ENOSYS);
#endif
    give(b, SECCOMP_RET_ERRNO | EPERM);
    return strbuf_ok(b, e);
}
