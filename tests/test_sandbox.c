/* What a script inside the sandbox tries, and that it does not get there.  Each attempt is a few
 * lines of Python that end in "escaped" when the attempt succeeds and in "held" when it is refused;
 * those marked OUTSIDE are run without walls first, where they must succeed, so that a
 * refusal tells something about the walls. */
#include "tests/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sandbox.h"

static const char python[] = "/usr/bin/python3";
static const char *const argv[] = {"/usr/bin/python3", "-I", "-S", "-B", SANDBOX_SCRIPT, NULL};
static const struct sandbox_limits limits = {.wall_s = 10, .memory_bytes = (size_t)1 << 30,
    .disk_bytes = 1 << 20, .output_bytes = 1 << 16, .cpu_s = 5, .threads = 16, .files = 64};
static char secret[64]; /* a file of ours, readable by everybody */

static const char prologue[] =
    "import os, sys, ctypes, errno, time, platform\n"
    "libc = ctypes.CDLL(None, use_errno=True)\n"
    "x86 = platform.machine() == 'x86_64'\n"
    "def call(name, *a):\n"
    "    r = libc[name](*a)\n"
    "    if r < 0: raise OSError(ctypes.get_errno(), name)\n"
    "    return r\n"
    "def syscall(x, arm, *a):\n"
    "    a = [ctypes.c_long(v) if isinstance(v, int) else v for v in a]\n"
    "    return call('syscall', x if x86 else arm, *a)\n"
    "def attempt(f):\n"
    "    try: r = f()\n"
    "    except (OSError, MemoryError, RuntimeError, SystemError) as e: print('held', e)\n"
    "    else: print('escaped' if r is not False else 'held', r)\n";

enum where { INSIDE, OUTSIDE };
static const struct attempt {
    const char *what, *script;
    enum where where;
} attempts[] = {
    {"open an internet socket",
     "import socket\nattempt(lambda: socket.socket().fileno())\n", OUTSIDE},
    {"open a local socket",
     "import socket\nattempt(lambda: socket.socket(socket.AF_UNIX).fileno())\n", OUTSIDE},
    {"open a raw netlink socket",
     "import socket\nattempt(lambda: socket.socket(16, socket.SOCK_RAW, 0).fileno())\n",
     OUTSIDE},
    {"start a process", "attempt(lambda: os.fork() or os._exit(0))\n", OUTSIDE},
    {"start a process through a shell",
     "import subprocess\nattempt(lambda: subprocess.run(['/bin/sh', '-c', 'exit 0']))\n", OUTSIDE},
    {"start a process by clone3",
     "b = ctypes.create_string_buffer(88)\n"
     "attempt(lambda: syscall(435, 435, b, 88) or os._exit(0))\n", OUTSIDE},
    {"read /proc of others", "attempt(lambda: os.listdir('/proc'))\n", OUTSIDE},
    {"read the parent's memory",
     "attempt(lambda: open('/proc/%d/mem' % os.getppid(), 'rb').fileno())\n", INSIDE},
    {"trace its parent", "attempt(lambda: call('ptrace', 16, os.getppid(), 0, 0))\n", INSIDE},
    {"be traced", "attempt(lambda: call('ptrace', 0, 0, 0, 0))\n", OUTSIDE},
    {"read another process's memory",
     "b = ctypes.create_string_buffer(16)\n"
     "v = (ctypes.c_void_p * 2)(ctypes.addressof(b), 16)\n"
     "attempt(lambda: syscall(310, 270, os.getpid(), v, 1, v, 1, 0))\n", OUTSIDE},
    {"read the users' names", "attempt(lambda: open('/etc/passwd').read())\n", OUTSIDE},
    {"read the home", "attempt(lambda: os.listdir('/root') + os.listdir('/home'))\n", INSIDE},
    {"read a file that everybody may read", "attempt(lambda: open(SECRET).read())\n", OUTSIDE},
    {"read it through a symbolic link",
     "os.chdir('/tmp')\nn = 'link%d' % time.time_ns()\nos.symlink(SECRET, n)\n"
     "attempt(lambda: open(n).read())\nos.unlink(n)\n", OUTSIDE},
    {"read it by climbing out of /tmp",
     "attempt(lambda: open('/tmp/../../../../..' + SECRET).read())\n", OUTSIDE},
    {"leave a file in a folder of ours",
     "attempt(lambda: open(os.path.dirname(SECRET) + '/planted', 'w').close())\n", OUTSIDE},
    {"write to the root", "attempt(lambda: open('/planted', 'w').close())\n", INSIDE},
    {"write beside the libraries",
     "attempt(lambda: open('/usr/lib/planted', 'w').close())\n", INSIDE},
    {"change its own script", "attempt(lambda: open('/script', 'a').write('#'))\n", INSIDE},
    {"make the script writable", "attempt(lambda: os.chmod('/script', 0o777))\n", INSIDE},
    {"mount a file system", "attempt(lambda: call('mount', b'none', b'/tmp', b'tmpfs', 0, None))\n",
     INSIDE},
    {"make the root writable again",
     "attempt(lambda: call('mount', None, b'/', None, 4096 | 32, None))\n", INSIDE},
    {"unmount a wall", "attempt(lambda: call('umount2', b'/usr/lib', 2))\n", INSIDE},
    {"change its root", "attempt(lambda: os.chroot('/tmp'))\n", INSIDE},
    {"make a user space of its own", "attempt(lambda: call('unshare', 0x10000000))\n", OUTSIDE},
    {"enter another space", "attempt(lambda: call('setns', 0, 0))\n", INSIDE},
    {"become root", "attempt(lambda: os.setuid(0))\n", INSIDE},
    {"be root already", "attempt(lambda: os.getuid() == 0 or os.geteuid() == 0)\n", INSIDE},
    {"run a program that becomes root", "os.environ.clear()\n"
     "attempt(lambda: os.execv('/usr/bin/su', ['su']))\n", INSIDE},
    {"use a key ring", "attempt(lambda: syscall(250, 219, 0, -3, 1))\n", OUTSIDE},
    {"add a key",
     "attempt(lambda: syscall(248, 217, b'user', b'densimeter-test', b'x', 1, -3))\n", OUTSIDE},
    {"load a program into the kernel", "attempt(lambda: syscall(321, 280, 0, 0, 0))\n", INSIDE},
    {"use io_uring",
     "attempt(lambda: syscall(425, 425, 1, ctypes.create_string_buffer(120)))\n", INSIDE},
    {"watch page faults", "attempt(lambda: syscall(323, 282, 1))\n", INSIDE},
    {"make shared memory", "attempt(lambda: call('shmget', 0, 4096, 0o1600))\n", OUTSIDE},
    {"make a file in memory", "attempt(lambda: os.memfd_create('x'))\n", OUTSIDE},
    {"signal its parent's parent",
     "attempt(lambda: os.kill(PARENT, 0))\n", OUTSIDE},
    {"find secrets in the environment",
     "attempt(lambda: os.environ.get('DENSIMETER_SECRET', False))\n", OUTSIDE},
    {"find an open file of ours",
     "def find():\n"
     "    for fd in range(3, 64):\n"
     "        try: os.fstat(fd)\n"
     "        except OSError: continue\n"
     "        if os.lseek(fd, 0, 0) == 0 and b'secret' in os.read(fd, 64): return fd\n"
     "    return False\nattempt(find)\n", OUTSIDE},
    {"fill the memory", "attempt(lambda: len(bytearray(3 << 29)))\n", OUTSIDE},
    {"fill the disk",
     "def fill():\n"
     "    for i in range(64): open('/tmp/densimeter-%d' % i, 'wb').write(bytes(1 << 18))\n"
     "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nattempt(fill)\n", INSIDE},
    {"write one large file",
     "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
     "attempt(lambda: os.truncate(os.open('/tmp/x', os.O_CREAT | os.O_RDWR), 1 << 30))\n", INSIDE},
    {"open a thousand files",
     "attempt(lambda: [os.dup(0) for i in range(1000)] and True)\n", OUTSIDE},
    {"start a thousand threads",
     "import threading\n"
     "threading.stack_size(65536)\n"
     "def sleep(): time.sleep(0.3)\n"
     "def many():\n"
     "    for i in range(1000): threading.Thread(target=sleep, daemon=True).start()\n"
     "attempt(many)\n", OUTSIDE},
    {"raise its limits",
     "import resource\n"
     "def more():\n"
     "    try: resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)\n"
     "    except ValueError as e: raise OSError(e)\n"
     "attempt(more)\n", OUTSIDE},
    {"push input to the terminal",
     "import fcntl\nattempt(lambda: fcntl.ioctl(0, 0x5412, b'x'))\n", INSIDE},
    {"make a device", "attempt(lambda: os.mknod('/tmp/dev', 0o60666, os.makedev(8, 0)))\n", INSIDE},
    {"change the clock", "attempt(lambda: time.clock_settime(time.CLOCK_REALTIME, 0))\n", INSIDE},
    {"rename the machine", "import socket\nattempt(lambda: socket.sethostname('x'))\n", INSIDE},
    {"see the machine's name", "attempt(lambda: platform.node() != 'sandbox')\n", OUTSIDE},
};

static void script_of(struct strbuf *b, const struct attempt *a)
{
    strbuf_addf(b, "%sSECRET = '%s'\nPARENT = %ld\n%s", prologue, secret, (long)getpid(),
                a->script);
    assert_int_equal(strbuf_ok(b, NULL), 0);
}

/* The same script without walls: its output. */
static void run_outside(const char *script, struct strbuf *out)
{
    char path[] = "/tmp/densimeter-attempt-XXXXXX", command[128], part[256];
    int fd = mkstemp(path);
    size_t n;
    FILE *f;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, script, strlen(script)), (ssize_t)strlen(script));
    close(fd);
    snprintf(command, sizeof command, "%s -I -S -B %s", python, path);
    f = popen(command, "r");
    assert_non_null(f);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        strbuf_add(out, part, n);
    pclose(f);
    unlink(path);
}

static int ready(void)
{
    struct err e = ERR_NONE;

    if (sandbox_check(python, &e) == 0)
        return 1;
    print_message("          skipped: %s\n", e.text);
    return 0;
}

static void run(const char *script, const struct sandbox_limits *l, struct sandbox_result *r)
{
    const struct sandbox_job j = {.argv = argv, .script = script, .n_script = strlen(script),
                                  .limits = *l};
    struct err e = ERR_NONE;

    if (sandbox_run(&j, r, &e) < 0)
        fail_msg("%s", e.text);
}

/* --- tests -------------------------------------------------------------------------------- */

/* 1 when it succeeds without walls, as it should wherever nothing else forbids it. */
static int succeeds_outside(const struct attempt *a, const char *script)
{
    struct strbuf out = STRBUF_INIT;
    int got;

    run_outside(script, &out);
    got = strstr(strbuf_str(&out), "escaped") != NULL;
    if (!got)
        print_message("without walls either: %s: %s", a->what, strbuf_str(&out));
    strbuf_release(&out);
    return got;
}

static void no_attempt_gets_out(void **state)
{
    size_t n = sizeof attempts / sizeof *attempts;
    int open_outside = 0;
    char dir[] = "/tmp/densimeter-sandbox-XXXXXX";
    char planted[80];
    int fd;

    (void)state;
    if (!ready())
        skip();
    assert_true(n >= 25);
    assert_non_null(mkdtemp(dir));
    chmod(dir, 0777);
    snprintf(secret, sizeof secret, "%s/secret", dir);
    snprintf(planted, sizeof planted, "%s/planted", dir);
    assert_int_equal(file_write(secret, "secret\n", 7, NULL), 0);
    chmod(secret, 0644);
    setenv("DENSIMETER_SECRET", "password", 1);
    fd = open(secret, O_RDONLY); /* inherited unless somebody closes it */
    for (size_t i = 0; i < n; i++) {
        struct strbuf script = STRBUF_INIT;
        struct sandbox_result r;
        script_of(&script, &attempts[i]);
        if (attempts[i].where == OUTSIDE)
            open_outside += succeeds_outside(&attempts[i], script.s);
        unlink(planted);
        run(script.s, &limits, &r);
        if (strstr(strbuf_str(&r.output), "escaped") || !strstr(strbuf_str(&r.output), "held") ||
            file_exists(planted))
            fail_msg("%s: %s", attempts[i].what, strbuf_str(&r.output));
        sandbox_result_release(&r);
        strbuf_release(&script);
    }
    assert_true(open_outside >= 12);
    close(fd);
    unlink(secret);
    rmdir(dir);
}

static const struct ended {
    const char *what, *script;
    enum sandbox_end how;
    int code, output; /* output: at least so many bytes of it */
} ends[] = {
    {"a good script", "print('right')\n", SANDBOX_STATUS, 0, 6},
    {"an exit status", "import sys\nsys.exit(7)\n", SANDBOX_STATUS, 7, 0},
    {"an exception", "1 / 0\n", SANDBOX_STATUS, 1, 20},
    {"a crash",
     "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", SANDBOX_STATUS, 139, 0},
    {"sleep past the limit",
     "import time\nprint('zzz', flush=True)\ntime.sleep(100)\n", SANDBOX_TIME, 0, 4},
    {"sleep with its output closed", "import os, time\nos.close(1)\nos.close(2)\ntime.sleep(100)\n",
     SANDBOX_TIME, 0, 0},
    {"sleep, deaf to signals",
     "import signal, time\nfor s in range(1, 32):\n"
     "    try: signal.signal(s, signal.SIG_IGN)\n    except OSError: pass\n"
     "while True: time.sleep(100)\n", SANDBOX_TIME, 0, 0},
    {"print without end", "while True: print('x' * 1000)\n", SANDBOX_OUTPUT, 0, 4096},
    {"complain without end", "import os\nwhile True: os.write(2, b'x' * 1000)\n", SANDBOX_OUTPUT, 0,
     4096},
};

static void every_end_is_told_and_nobody_is_left(void **state)
{
    (void)state;
    if (!ready())
        skip();
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct sandbox_limits l = limits;
        struct sandbox_result r;
        l.wall_s = ends[i].how == SANDBOX_TIME ? 0.5 : 10;
        l.output_bytes = 4096;
        run(ends[i].script, &l, &r);
        if (r.how != ends[i].how || (r.how == SANDBOX_STATUS && r.code != ends[i].code) ||
            r.output.len < (size_t)ends[i].output || r.output.len > l.output_bytes || r.wall_s > 11)
            fail_msg("%s: end %d, status %d after %g s: %s", ends[i].what, r.how, r.code, r.wall_s,
                     strbuf_str(&r.output));
        sandbox_result_release(&r);
    }
}

/* It spins; the limit on CPU time ends it long before the one on wall time. */
static void time_on_the_processor_is_limited(void **state)
{
    struct sandbox_limits l = limits;
    struct sandbox_result r;

    (void)state;
    if (!ready())
        skip();
    l.cpu_s = 1;
    l.wall_s = 60;
    run("while True: pass\n", &l, &r);
    assert_int_equal(r.how, SANDBOX_STATUS);
    assert_true(r.code == 128 + SIGXCPU || r.code == 128 + SIGKILL);
    sandbox_result_release(&r);
}

/* What a script left in /tmp is gone in the next run. */
static void runs_know_nothing_of_each_other(void **state)
{
    struct sandbox_result r;

    (void)state;
    if (!ready())
        skip();
    run("open('/tmp/note', 'w').write('x')\nimport os\nprint(os.listdir('/tmp'))\n", &limits, &r);
    assert_string_equal(strbuf_str(&r.output), "['note']\n");
    sandbox_result_release(&r);
    run("import os\nprint(os.listdir('/tmp'))\n", &limits, &r);
    assert_string_equal(strbuf_str(&r.output), "[]\n");
    sandbox_result_release(&r);
}

static void what_cannot_be_confined_is_not_run(void **state)
{
    const char *const missing[] = {"/usr/bin/no-such-interpreter", SANDBOX_SCRIPT, NULL};
    const struct sandbox_job j = {.argv = missing, .script = "", .limits = limits};
    struct sandbox_result r;
    struct err e = ERR_NONE;

    (void)state;
    assert_int_equal(sandbox_check(missing[0], &e), -1);
    assert_non_null(strstr(e.text, missing[0]));
    assert_int_equal(sandbox_run(&j, &r, &e), -1);
    assert_int_equal(e.code, ERR_UNSUPPORTED);
    assert_null(r.output.s);
}

static void running_survives_every_failed_allocation(void **state)
{
    long before = mem_live();
    int rc = -1;

    (void)state;
    if (!ready())
        skip();
    for (int nth = 0; rc < 0; nth++) {
        const struct sandbox_job j = {.argv = argv, .script = "print(1)\n", .n_script = 9,
                                      .limits = limits};
        struct sandbox_result r;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = sandbox_run(&j, &r, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        sandbox_result_release(&r);
        assert_int_equal(mem_live(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_attempt_gets_out),
        cmocka_unit_test(every_end_is_told_and_nobody_is_left),
        cmocka_unit_test(time_on_the_processor_is_limited),
        cmocka_unit_test(runs_know_nothing_of_each_other),
        cmocka_unit_test(what_cannot_be_confined_is_not_run),
        cmocka_unit_test(running_survives_every_failed_allocation),
    };
    return RUN(tests);
}
