/* plugin_process.c -- a plug-in in a process of its own: whatever it does there, crash, hang or
 * write where nothing is, is an error of the batch that it did it in; the next batch starts it
 * anew. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "runners/fallback.h"
#include "runners/plugin.h"
#include "runners/plugin_wire.h"

static const size_t BATCH_BYTES = (size_t)1 << 30; /* of address space; what is used is memory */
enum { TIMEOUT_S = 60 };

struct slot { /* room for the rows of values that do not live at the same time */
    size_t at, bytes; /* ends where a page ends */
    int last;
};

struct plugin_side {
    const struct program *p;
    struct device_opts o; /* numbers of it; its texts are the caller's */
    char *path, *program;
    double timeout_s;
    int file, socket;
    pid_t pid; /* 0: there is no process */
    char *base;
    size_t bytes;
    struct wire *w; /* written, and read for its texts only: the other side may scribble there */
    struct layout {
        size_t guards, yes, tables, weights, weights_bytes, values, batch, end;
    } at;
    size_t *places; /* [values] */
    size_t *weights_at; /* [weights]: where each begins in the file */
    struct plugin_image image; /* of our own */
    int from, to, is_stepwise; /* what runs */
    struct slot *slots;
    size_t n_slots, cap_slots;
    struct dsm_device about;
    char name[64], version[200], help[200], numerics[200];
    struct fallback *cpu;
    struct batch *batch;
};

/* ---- the process ---- */

static void end_process(struct plugin_side *s, int *status)
{
    if (s->pid) {
        kill(-s->pid, SIGKILL);
        kill(s->pid, SIGKILL);
        while (waitpid(s->pid, status, 0) < 0 && errno == EINTR)
            ;
    }
    if (s->socket >= 0)
        close(s->socket);
    s->pid = 0;
    s->socket = -1;
}

/* In the child, between fork and exec: both descriptors go to their places. */
static void become(const struct plugin_side *s, const char *program, int socket, pid_t parent)
{
    char *const argv[] = {"densimeter", "device", "host", "3", NULL};
    struct rlimit none = {0, 0};
    int null = open("/dev/null", O_RDWR), high = fcntl(socket, F_DUPFD, 16);
    int file = fcntl(s->file, F_DUPFD, 16);

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    setrlimit(RLIMIT_CORE, &none);
    if (null < 0 || high < 0 || file < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 ||
        dup2(high, WIRE_SOCKET) < 0 || dup2(file, WIRE_FILE) < 0)
        _exit(127);
    for (int fd = WIRE_FILE + 1; fd < 64; fd++)
        close(fd);
    execv(program, argv);
    _exit(127);
}

static int start_process(struct plugin_side *s, struct err *e)
{
    pid_t parent = getpid();
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return err_errno(e, "%s: socketpair", s->path);
    s->pid = fork();
    if (s->pid == 0)
        become(s, s->program, ends[1], parent);
    close(ends[1]);
    s->socket = ends[0];
    if (s->pid > 0) {
        setpgid(s->pid, s->pid);
        return 0;
    }
    s->pid = 0;
    close(s->socket);
    s->socket = -1;
    return err_errno(e, "%s: fork", s->path);
}

/* ---- commands ---- */

static void copy_text(char *to, size_t size, const char *from, size_t most)
{
    snprintf(to, size, "%.*s", (int)strnlen(from, most - 1), from);
    utf8_make_printable(to, strlen(to), 0);
}

static const char *doing(const struct plugin_side *s, char command, char *text, size_t size)
{
    const struct op *op = &s->p->ops[s->from];

    if (command == WIRE_RUN)
        snprintf(text, size, "in %s of layer %d%s", op_name(op->kind), op->layer,
                 s->to > s->from + 1 ? " or after it" : "");
    else
        snprintf(text, size, "while it was %s",
                 command == WIRE_OPEN       ? "opened"
                 : command == WIRE_SUPPORTS ? "asked what it supports"
                 : command == WIRE_READ     ? "reading its memory"
                                            : "prepared");
    return text;
}

static const char *title(const struct plugin_side *s)
{
    return s->name[0] ? s->name : s->path;
}

static int gone(struct plugin_side *s, char command, struct err *e)
{
    char where[80];
    int status = 0;

    doing(s, command, where, sizeof where);
    end_process(s, &status);
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        return err_set(e, ERR_DEVICE, "device %s: its process was ended by signal %d (%s) %s",
                       title(s), WTERMSIG(status), strsignal(WTERMSIG(status)), where);
    return err_set(e, ERR_DEVICE, "device %s: its process ended %s", title(s), where);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* 1: the answer is there; 0: it is not in time; -1: there will be none. */
static int wait_answer(struct plugin_side *s)
{
    double end = now() + s->timeout_s;

    for (;;) {
        struct pollfd p = {.fd = s->socket, .events = POLLIN};
        double left = end - now();
        int rc = poll(&p, 1, left > 0 ? (int)(left * 1000) + 1 : 0);
        char answer;
        if (rc == 0)
            return 0;
        if (rc < 0 && errno == EINTR)
            continue;
        return rc > 0 && read(s->socket, &answer, 1) == 1 ? 1 : -1;
    }
}

static int command(struct plugin_side *s, char what, struct err *e)
{
    char where[80], why[sizeof s->w->why];
    int rc, code;

    s->w->code = 0;
    if (send(s->socket, &what, 1, MSG_NOSIGNAL) != 1)
        return gone(s, what, e);
    rc = wait_answer(s);
    if (rc < 0)
        return gone(s, what, e);
    if (rc == 0) {
        int status;
        doing(s, what, where, sizeof where);
        end_process(s, &status);
        return err_set(e, ERR_DEVICE, "device %s: no answer within %g s %s", title(s),
                       s->timeout_s, where);
    }
    code = s->w->code;
    if (code == 0)
        return 0;
    copy_text(why, sizeof why, s->w->why, sizeof s->w->why);
    return err_set(e, code > ERR_OK && code <= ERR_DEVICE ? (enum err_code)code : ERR_DEVICE, "%s",
                   why);
}

/* ---- the file ---- */

static size_t pages(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (bytes + page - 1) / page * page;
}

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Its slabs one after the other. */
static size_t slabs_bytes(const struct plugin_image *m, int i)
{
    const struct dsm_tensor *t = &m->tensors[i];

    return aligned((size_t)m->slabs[i].n * (size_t)t->rows * t->row_bytes);
}

static size_t floats_bytes(const struct dsm_tensor *t)
{
    return t->f32 ? (size_t)t->k * (size_t)t->rows * sizeof *t->f32 : 0;
}

static size_t place_weights(struct plugin_side *s)
{
    size_t at = 0;

    for (int i = 0; i < s->p->n_weights; i++) {
        s->weights_at[i] = at;
        if (s->image.tensors[i].name)
            at += slabs_bytes(&s->image, i) + aligned(floats_bytes(&s->image.tensors[i]));
    }
    return pages(at);
}

/* Values of groups that do not overlap share a slot.  *at: the end of all of them. */
static int place_values(struct plugin_side *s, size_t *at, struct err *e)
{
    for (int i = 0; i < s->p->n_values; i++) {
        const struct value *v = &s->p->values[i];
        size_t bytes = (size_t)s->o.max_rows * v->ld * sizeof(float), k = 0;
        while (k < s->n_slots && (s->slots[k].last >= v->first || s->slots[k].bytes < bytes))
            k++;
        if (k == s->n_slots) {
            if (mem_grow(&s->slots, &s->cap_slots, k + 1, sizeof *s->slots) < 0)
                return err_nomem(e);
            s->slots[s->n_slots++] = (struct slot){*at, pages(bytes), -1};
            *at += pages(bytes) + pages(1); /* and a page to guard the end */
        }
        s->slots[k].last = v->last;
        s->places[i] = s->slots[k].at + s->slots[k].bytes - bytes;
    }
    return 0;
}

static float *rows_at(const struct plugin_side *s, int value)
{
    return (float *)(void *)(s->base + s->places[value]);
}

static int map_file(struct plugin_side *s, size_t bytes, struct err *e)
{
    s->file = memfd_create("densimeter-device", MFD_CLOEXEC);
    if (s->file < 0 || ftruncate(s->file, (off_t)bytes) < 0)
        return err_errno(e, "%s: shared memory of %zu bytes", s->path, bytes);
    s->base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, s->file, 0);
    if (s->base == MAP_FAILED) {
        s->base = NULL;
        return err_errno(e, "%s: shared memory of %zu bytes", s->path, bytes);
    }
    s->bytes = bytes;
    s->w = (struct wire *)(void *)s->base;
    return 0;
}

/* Where copy_weight brings it when the plug-in gets an op that uses it. */
static void point_at_weight(const struct plugin_side *s, struct plugin_image *shared, int i)
{
    struct dsm_tensor *t = &shared->tensors[i];
    char *to = s->base + s->at.weights + s->weights_at[i];
    const void **slab = (const void **)(uintptr_t)shared->slabs[i].data;

    if (!t->name)
        return;
    t->data = to;
    for (int k = 0; k < shared->slabs[i].n; k++)
        slab[k] = to + (size_t)k * (size_t)t->rows * t->row_bytes;
    if (t->f32)
        t->f32 = (const float *)(void *)(to + slabs_bytes(shared, i));
}

static void copy_weight(const struct plugin_side *s, const struct dsm_tensor *t)
{
    const struct dsm_slabs *from = &s->image.slabs[t->id];
    char *to = s->base + s->at.weights + s->weights_at[t->id];
    size_t bytes = (size_t)t->rows * t->row_bytes;

    for (int k = 0; k < from->n; k++)
        memcpy(to + (size_t)k * bytes, from->data[k], bytes);
    if (t->f32)
        memcpy(to + slabs_bytes(&s->image, t->id), t->f32, floats_bytes(t));
}

/* What the CPU computes is not brought over. */
static int copy_weights(const struct plugin_side *s, struct err *e)
{
    char *is_there = mem_calloc((size_t)s->p->n_weights + 1, 1);

    if (!is_there)
        return err_nomem(e);
    for (int i = 0; i < s->p->n_ops; i++)
        for (int k = 0; k < 2 * OP_OUTS && s->image.ops[i].is_mine; k++) {
            const struct dsm_op *op = &s->image.ops[i];
            const struct dsm_tensor *t = k < OP_OUTS ? op->w[k] : op->bias[k - OP_OUTS];
            if (!t || is_there[t->id])
                continue;
            copy_weight(s, t);
            is_there[t->id] = 1;
        }
    mem_free(is_there);
    return 0;
}

static void fill_file(struct plugin_side *s)
{
    const struct layout *l = &s->at;
    struct plugin_image shared;
    uint64_t *guards = (uint64_t *)(void *)(s->base + l->guards);

    plugin_image_fill(&shared, s->base + l->tables, s->p, &s->o);
    for (int i = 0; i < s->p->n_values; i++)
        shared.values[i].data = rows_at(s, i);
    for (int i = 0; i < s->p->n_weights; i++)
        point_at_weight(s, &shared, i);
    for (size_t i = 0; i < s->n_slots; i++)
        guards[i] = s->slots[i].at + s->slots[i].bytes;
    guards[s->n_slots] = l->values - pages(1); /* before the first */
    *s->w = (struct wire){
        .magic = WIRE_MAGIC, .bytes = s->bytes, .base = (uint64_t)(uintptr_t)s->base,
        .tables = l->tables, .tables_bytes = pages(s->image.bytes), .weights = l->weights,
        .weights_bytes = l->weights_bytes, .batch = l->batch, .guards = l->guards,
        .n_guards = s->n_slots + 1, .yes = l->yes,
        .threads = s->o.threads > 0 ? s->o.threads : cpus_allowed()};
    snprintf(s->w->path, sizeof s->w->path, "%s", s->path);
}

static int make_file(struct plugin_side *s, struct err *e)
{
    size_t n = (size_t)s->p->n_values + 1;
    void *block = mem_aligned(64, plugin_image_bytes(s->p));
    struct layout *l = &s->at;

    s->places = mem_calloc(n, sizeof *s->places);
    s->weights_at = mem_calloc((size_t)s->p->n_weights + 1, sizeof *s->weights_at);
    if (!s->places || !s->weights_at || !block) {
        mem_free(block);
        return err_nomem(e);
    }
    plugin_image_fill(&s->image, block, s->p, &s->o);
    l->weights_bytes = place_weights(s);
    l->guards = pages(sizeof *s->w);
    l->yes = l->guards + pages(n * sizeof(uint64_t));
    l->tables = l->yes + pages((size_t)s->p->n_ops);
    l->weights = l->tables + pages(plugin_image_bytes(s->p));
    l->values = l->weights + l->weights_bytes + pages(1);
    l->batch = l->values;
    if (place_values(s, &l->batch, e) < 0)
        return -1;
    l->end = l->batch + BATCH_BYTES;
    if (map_file(s, l->end, e) < 0)
        return -1;
    fill_file(s);
    return 0;
}

/* ---- the side ---- */

static void process_close(struct plugin_side *s)
{
    int status;

    if (!s)
        return;
    end_process(s, &status);
    if (s->base)
        munmap(s->base, s->bytes);
    if (s->file >= 0)
        close(s->file);
    mem_free(s->slots);
    mem_free(s->places);
    mem_free(s->weights_at);
    mem_free(s->image.p);
    mem_free(s->path);
    mem_free(s->program);
    mem_free(s);
}

static int open_process(struct plugin_side *s, struct err *e)
{
    const struct wire *w = s->w;

    if (start_process(s, e) < 0 || command(s, WIRE_OPEN, e) < 0)
        return -1;
    copy_text(s->name, sizeof s->name, w->name, sizeof w->name);
    copy_text(s->version, sizeof s->version, w->version, sizeof w->version);
    copy_text(s->help, sizeof s->help, w->help, sizeof w->help);
    copy_text(s->numerics, sizeof s->numerics, w->numerics, sizeof w->numerics);
    s->about = (struct dsm_device){.abi = DSM_ABI, .name = s->name, .version = s->version,
                                   .help = s->help, .numerics = s->numerics,
                                   .precision = w->precision, .claims = w->claims};
    if (!plugin_precision(s->about.precision))
        return err_set(e, ERR_FORMAT, "%s: precision %d is unknown", s->path, s->about.precision);
    return 0;
}

static int process_open(struct plugin_side **out, const char *path, const struct program *p,
                        const struct device_opts *o, struct err *e)
{
    struct plugin_side *s = mem_calloc(1, sizeof *s);
    int rc = -1;

    *out = NULL;
    if (!s)
        return err_nomem(e);
    s->file = s->socket = -1;
    s->p = p;
    s->o = *o;
    s->timeout_s = o->timeout_s > 0 ? o->timeout_s : TIMEOUT_S;
    s->path = mem_strdup(path);
    s->program = mem_strdup(o->program ? o->program : "");
    if (!s->path || !s->program) {
        err_nomem(e);
        goto out;
    }
    if (strlen(path) >= sizeof s->w->path) {
        err_set(e, ERR_USAGE, "%.40s...: a path of %zu bytes is too long", path, strlen(path));
        goto out;
    }
    if (make_file(s, e) < 0 || open_process(s, e) < 0)
        goto out;
    *out = s;
    s = NULL;
    rc = 0;
out:
    process_close(s);
    return rc;
}

static const struct dsm_device *process_about(const struct plugin_side *s)
{
    return &s->about;
}

static int process_supports(struct plugin_side *s, char *yes, struct err *e)
{
    if (command(s, WIRE_SUPPORTS, e) < 0)
        return -1;
    for (int i = 0; i < s->p->n_ops; i++)
        yes[i] = s->image.ops[i].kind && (s->base + s->at.yes)[i] == 1;
    return 0;
}

/* As far from the beginning of the tables as ours are. */
static struct dsm_op *shared_ops(const struct plugin_side *s)
{
    size_t at = (size_t)((char *)s->image.ops - (char *)s->image.p);

    return (struct dsm_op *)(void *)(s->base + s->at.tables + at);
}

static int takes(const void *user, int op)
{
    return fallback_takes(user, op);
}

static int process_prepare(struct plugin_side *s, struct fallback *cpu, struct err *e)
{
    struct dsm_op *ops;

    s->cpu = cpu;
    plugin_image_place(&s->image, takes, cpu);
    if (copy_weights(s, e) < 0)
        return -1;
    ops = shared_ops(s);
    for (int i = 0; i < s->p->n_ops; i++) {
        ops[i].is_mine = s->image.ops[i].is_mine;
        ops[i].fresh = s->image.ops[i].fresh;
        ops[i].wanted = s->image.ops[i].wanted;
    }
    return command(s, WIRE_PREPARE, e);
}

/* After a failure: what it supported is settled, so it is only asked to begin again. */
static int restart(struct plugin_side *s, struct err *e)
{
    return open_process(s, e) < 0 || command(s, WIRE_SUPPORTS, e) < 0 ? -1
                                                                      : command(s, WIRE_PREPARE, e);
}

static int process_begin(struct plugin_side *s, struct batch *b, int is_stepwise, struct err *e)
{
    size_t bytes = plugin_batch_bytes(b, s->p->n_vocab);
    struct dsm_batch *sent;

    if (!s->pid && restart(s, e) < 0) {
        int status;
        end_process(s, &status);
        return -1;
    }
    if (bytes > BATCH_BYTES)
        return err_set(e, ERR_UNSUPPORTED, "a batch of %zu bytes is too large for device %s", bytes,
                       s->name);
    s->batch = b;
    sent = plugin_batch_fill(s->base + s->at.batch, b, s->p->n_vocab);
    sent->is_stepwise = s->is_stepwise = is_stepwise;
    s->w->is_new_batch = 1;
    return 0;
}

static int rows_of(const struct plugin_side *s, const struct dsm_op *op)
{
    return op->wanted_rows ? s->batch->n_heads : s->batch->n;
}

/* Between the CPU's rows and the file's. */
static void carry(const struct plugin_side *s, int value, int rows, int is_back)
{
    size_t ld = s->p->values[value].ld, floats = (size_t)rows * ld;
    float *there = rows_at(s, value), *here = fallback_value(s->cpu, value);

    memcpy(is_back ? here : there, is_back ? there : here, floats * sizeof(float));
    if (is_back)
        fallback_wrote(s->cpu, value, rows);
}

static int process_run(struct plugin_side *s, int from, int to, struct err *e)
{
    for (int i = from; i < to; i++) {
        const struct dsm_op *op = &s->image.ops[i];
        for (int k = 0; k < 5; k++) {
            int value = k < 4 ? op->in[k] : op->n_out ? op->out[0] : -1;
            if (value >= 0 && (s->is_stepwise || (op->fresh >> k & 1)))
                carry(s, value, op->kind == DSM_GATHER && k < 4 ? s->batch->n : rows_of(s, op), 0);
        }
    }
    s->w->from = s->from = from;
    s->w->to = s->to = to;
    if (command(s, WIRE_RUN, e) < 0)
        return -1;
    for (int i = from; i < to; i++) {
        const struct dsm_op *op = &s->image.ops[i];
        for (int k = 0; k < op->n_out; k++)
            if (s->is_stepwise || (op->wanted >> k & 1))
                carry(s, op->out[k], rows_of(s, op), 1);
    }
    return 0;
}

static int process_end(struct plugin_side *s, struct err *e)
{
    return plugin_batch_take(s->batch, s->base + s->at.batch, s->p->n_vocab, e);
}

static int process_read(struct plugin_side *s, uint64_t bytes, struct err *e)
{
    s->w->read_bytes = bytes;
    return command(s, WIRE_READ, e);
}

const struct plugin_side_ops plugin_process = {
    process_open, process_close, process_about, process_supports, process_prepare, process_begin,
    process_run, process_end, process_read,
};
