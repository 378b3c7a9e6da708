#include "runners/conform.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "include/densimeter_device.h"
#include "runners/conform_impl.h"
#include "runners/quant.h"

static const char *const input_names[INPUTS] = {"random", "wide", "zeros", "denormal", "large",
                                                "infinity", "nan"};

struct answer { /* to the rows of a class */
    int failed; /* of a row alone: ERR_NUMERIC */
    double lse;
    int32_t argmax;
};

struct rig {
    const struct conform *c;
    const struct conform_about *about;
    const struct precision *u;
    struct trial *t;
    struct device *ref, *device;
    float *want, *got; /* [TRIAL_MAX_ROWS][vocabulary] */
    struct answer wanted[TRIAL_MAX_ROWS], gotten[TRIAL_MAX_ROWS];
    double *off;       /* [out_width] */
    char *leave;
    int is_cpu, stopped;
    char why[300];
};

/* ---- running ---- */

enum { CUT = 13, SLOTS = 2 };

/* Rows first .. first+n-1 of the class that begins with class_row, in one batch. */
static int run_batch(const struct rig *g, const struct device_ops *ops, struct device *d,
                     int class_row, int first, int n, float *out, struct answer *a, struct err *e)
{
    static const page_no pages[2] = {1, 0};
    int32_t tokens[TRIAL_MAX_ROWS], positions[TRIAL_MAX_ROWS];
    struct head_row heads[TRIAL_MAX_ROWS];
    int at = first - class_row, is_near = g->t->is_path || g->t->n_inputs == 0;
    /* A path begins with a state of zeros; a long batch leaves its slot for a copy on the way. */
    int cut = g->t->is_path && at == 0 && n > CUT ? CUT : n;
    const struct span spans[] = {{0, cut, is_near ? at : 0, pages, 0},
                                 {cut, n - cut, at + cut, pages, 1}};
    const struct state_copy copies[] = {{0, NO_SLOT, 0}, {1, 0, cut}};
    struct batch b = {.n = n, .tokens = tokens, .positions = positions, .spans = spans,
                      .n_spans = 1 + (cut < n), .heads = heads, .n_heads = n,
                      .state_copies = copies, .n_state_copies = at ? 0 : 1 + (cut < n)};

    for (int i = 0; i < n; i++) {
        tokens[i] = g->t->is_whole ? (first + i) * 37 % g->t->p.n_vocab : first + i;
        positions[i] = is_near ? at + i : (at + i) * (at + i) * 37;
        heads[i] = (struct head_row){.row = i,
                                     .logits = out + (size_t)i * (size_t)g->t->p.n_vocab};
    }
    if (ops->run(d, &b, e) < 0)
        return -1;
    for (int i = 0; i < n; i++)
        a[i] = (struct answer){0, heads[i].lse, heads[i].argmax};
    return 0;
}

/* In batches of `step` rows; with step 0 each row is a world of its own, and may fail. */
static int run_rows(const struct rig *g, const struct device_ops *ops, struct device *d, int first,
                    int n, int step, float *out, struct answer *a, struct err *e)
{
    for (int i = 0, m; i < n; i += m) {
        struct err local = ERR_NONE;
        m = step == 0 ? 1 : step < n - i ? step : n - i;
        if (run_batch(g, ops, d, step ? first : first + i, first + i, m,
                      out + (size_t)i * (size_t)g->t->p.n_vocab, a + i, &local) == 0)
            continue;
        if (step || local.code != ERR_NUMERIC) {
            *e = local;
            return -1;
        }
        a[i].failed = 1;
    }
    return 0;
}

/* ---- telling ---- */

static void tell(struct rig *g, const char *inputs, enum conform_verdict v, double error,
                 double bits)
{
    struct conform_case c = {g->t->op, g->t->format ? g->t->format : "", g->t->shape, inputs, v,
                             error, bits, v == CONFORM_FAIL || *g->why ? g->why : ""};

    g->stopped |= g->c->on_case(g->c->user, &c) || (g->c->stop && *g->c->stop);
    g->why[0] = 0;
}

static void say(struct rig *g, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct rig *g, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (!g->why[0]) /* the first is told */
        vsnprintf(g->why, sizeof g->why, fmt, ap);
    va_end(ap);
}

/* ---- comparing ---- */

static const float *row_of(const struct rig *g, const float *rows, int i)
{
    return rows + (size_t)i * (size_t)g->t->p.n_vocab;
}

static int is_exact(const struct rig *g)
{
    return strcmp(g->about->numerics, numerics_id(NUMERICS_EXACT, KV_F32)) == 0;
}

/* The log-sum-exp and the likeliest may be off as far as the logits are. */
static double compare_head(struct rig *g, int i, double most)
{
    const struct answer *a = &g->wanted[i], *b = &g->gotten[i];
    double by = most + 1e-6 * (1 + fabs(a->lse)), best;

    if (b->argmax < 0 || b->argmax >= g->t->p.n_vocab)
        return INFINITY;
    best = row_of(g, g->want, i)[a->argmax];
    if (best - row_of(g, g->want, i)[b->argmax] > 2 * by) {
        say(g, "row %d: token %d is said to be the likeliest, %d is", i, b->argmax, a->argmax);
        return INFINITY;
    }
    if (is_exact(g))
        return a->lse == b->lse ? 0 : INFINITY;
    return fabs(a->lse - b->lse) / by;
}

static int is_finite_row(const struct trial *t, int row)
{
    for (int i = 0; i < t->all; i++)
        if (!isfinite(t->table[(size_t)row * (size_t)t->all + (size_t)i]))
            return 0;
    return 1;
}

/* The largest error of a row over its tolerance.  From infinity a device may make infinity or
 * NaN where plain C finds a limit (gelu of minus infinity); it may not get lost. */
static double compare_row(struct rig *g, int row, int i)
{
    const float *want = row_of(g, g->want, i), *got = row_of(g, g->got, i);
    double worst = 0, most = 0;

    if (g->wanted[i].failed || g->gotten[i].failed) {
        int is_fine = g->gotten[i].failed &&
                      (g->wanted[i].failed || (!is_finite_row(g->t, row) && !is_exact(g)));
        if (!is_fine)
            say(g, "row %d: plain C gives %s, the device %s", i,
                g->wanted[i].failed ? "NaN" : "numbers", g->gotten[i].failed ? "NaN" : "numbers");
        return is_fine ? 0 : INFINITY;
    }
    g->t->tolerance(g->t, g->u, row, g->off);
    for (int k = 0; k < g->t->out_width; k++) {
        double by = fabs((double)want[k] - got[k]), error;
        double allowed = isnan(g->off[k]) ? 1e-4 * fmax(1, fabs((double)want[k])) : g->off[k];
        int is_endless = fabsf(want[k]) == FLT_MAX || is_exact(g);
        error = is_endless ? (want[k] == got[k] ? 0 : INFINITY)
                : by == 0  ? 0
                           : by / allowed;
        if (!is_finite_row(g->t, row) && fabsf(got[k]) == FLT_MAX && !is_exact(g))
            error = 0;
        most = fmax(most, allowed);
        if (!(error <= 1))
            say(g, "row %d, number %d: %.9g, plain C has %.9g, tolerance %.2g", i, k,
                (double)got[k], (double)want[k], is_endless ? 0 : allowed);
        worst = isnan(error) ? INFINITY : fmax(worst, error);
    }
    return g->t->shows_lse ? fmax(worst, compare_head(g, i, most)) : worst;
}

static double bits_of(const struct rig *g, int n)
{
    double off = 0, size = 0;

    for (int i = 0; i < n; i++)
        for (int k = 0; k < g->t->out_width; k++) {
            double want = row_of(g, g->want, i)[k], got = row_of(g, g->got, i)[k];
            off += (want - got) * (want - got);
            size += want * want;
        }
    return off > 0 ? fmin(24, -0.5 * log2(off / size)) : 24;
}

static void tell_class(struct rig *g, enum inputs kind, int first, int n)
{
    double worst = 0, bits = NAN;

    for (int i = 0; i < n; i++)
        worst = fmax(worst, compare_row(g, first + i, i));
    if (kind == IN_RANDOM) {
        bits = bits_of(g, n);
        if (bits < g->u->bits) {
            say(g, "%.1f bits of precision; %s has at least %.3g", bits,
                g->u->say, g->u->bits);
            worst = fmax(worst, 1.0001);
        }
    }
    tell(g, input_names[kind], worst <= 1 ? CONFORM_PASS : CONFORM_FAIL, worst, bits);
}

static void tell_model(struct rig *g, int n)
{
    double bits = bits_of(g, n), error = bits >= 24 ? 0 : pow(2, -bits) / g->u->model;

    if (is_exact(g) && memcmp(g->want, g->got, (size_t)n * (size_t)g->t->p.n_vocab * sizeof(float)))
        error = INFINITY;
    if (!(error <= 1))
        say(g, "logits are off by %.2g of their size, %.2g is allowed", pow(2, -bits),
            is_exact(g) ? 0 : g->u->model);
    tell(g, "tokens", error <= 1 ? CONFORM_PASS : CONFORM_FAIL, error, bits);
}

/* ---- the same bits ---- */

static void tell_bits(struct rig *g, const char *what, int first, int n, int step, int is_claimed)
{
    float *again = mem_alloc((size_t)n * (size_t)g->t->p.n_vocab * sizeof *again);
    struct answer a[TRIAL_MAX_ROWS];
    struct err e = ERR_NONE;
    int row = 0;

    if (!again || run_rows(g, g->c->ops, g->device, first, n, step, again, a, &e) < 0) {
        say(g, "%s", again ? e.text : "out of memory");
        tell(g, what, CONFORM_FAIL, NAN, NAN);
        mem_free(again);
        return;
    }
    while (row < n && memcmp(row_of(g, again, row), row_of(g, g->got, row),
                             (size_t)g->t->p.n_vocab * sizeof *again) == 0 &&
           a[row].lse == g->gotten[row].lse)
        row++;
    if (row < n)
        say(g, "row %d has other bits%s", row,
            is_claimed ? "" : ", which is not claimed otherwise");
    tell(g, what, row < n && is_claimed ? CONFORM_FAIL : CONFORM_PASS, NAN, NAN);
    mem_free(again);
}

/* ---- one trial ---- */

static int is_left(const struct rig *g)
{
    const uint64_t *left = g->c->ops->left ? g->c->ops->left(g->device) : NULL;

    for (int i = g->t->first; left && i < g->t->last; i++)
        if (left[i])
            return 1;
    return 0;
}

static void try_class(struct rig *g, enum inputs kind, struct err *e)
{
    int first = trial_first_row(kind), n = trial_first_row((enum inputs)(kind + 1)) - first;
    int step = kind >= IN_LARGE && !g->t->is_path ? 0 : n;
    struct err local = ERR_NONE;

    memset(g->wanted, 0, sizeof g->wanted);
    memset(g->gotten, 0, sizeof g->gotten);
    if (run_rows(g, &device_cpu, g->ref, first, n, step, g->want, g->wanted, e) < 0)
        return;
    if (run_rows(g, g->c->ops, g->device, first, n, step, g->got, g->gotten, &local) < 0) {
        say(g, "%s", local.text);
        tell(g, input_names[kind], CONFORM_FAIL, NAN, NAN);
        return;
    }
    if (kind == IN_RANDOM && !g->t->is_whole && is_left(g)) {
        tell(g, input_names[kind], CONFORM_CPU, NAN, NAN);
        g->is_cpu = 1;
        return;
    }
    if (g->t->is_whole)
        tell_model(g, n);
    else
        tell_class(g, kind, first, n);
    if (kind != IN_RANDOM || g->stopped)
        return;
    tell_bits(g, "random, again", first, n, n, g->about->claims_repeats);
    tell_bits(g, "random, by 7", first, n, 7, g->about->claims_invariant);
    tell_bits(g, "random, one by one", first, n, 1, g->about->claims_invariant);
}

static int is_wanted(const struct rig *g, enum inputs kind)
{
    int last = g->t->inputs ? g->t->inputs : INPUTS;

    return (int)kind < last &&
           !(g->about->precision == DSM_PRECISION_F16 && (kind == IN_WIDE || kind == IN_LARGE));
}

static int open_devices(struct rig *g, struct err *e)
{
    struct device_opts o = g->c->device;
    struct err local = ERR_NONE;

    o.max_rows = TRIAL_MAX_ROWS;
    o.kv_pages = 2;
    o.kv_scratch = 1;
    o.state_slots = SLOTS;
    if (device_cpu.open(&g->ref, &g->t->p,
                        &(struct device_opts){.kernels = "ref", .threads = 1,
                                              .max_rows = TRIAL_MAX_ROWS, .kv_pages = 2,
                                              .kv_scratch = 1, .state_slots = SLOTS}, e) < 0)
        return -1;
    g->leave = mem_calloc((size_t)g->t->p.n_ops, 1);
    if (!g->leave)
        return err_nomem(e);
    for (int i = 0; i < g->t->p.n_ops; i++)
        g->leave[i] = !g->t->is_whole && (i < g->t->first || i >= g->t->last);
    o.leave = g->leave;
    if (g->c->ops->open(&g->device, &g->t->p, &o, &local) == 0)
        return 0;
    g->device = NULL;
    say(g, "%s", local.text);
    tell(g, "open", CONFORM_FAIL, NAN, NAN);
    return 0;
}

static void try_all(struct rig *g, struct err *e)
{
    size_t floats = (size_t)TRIAL_MAX_ROWS * (size_t)g->t->p.n_vocab;

    g->want = mem_alloc(floats * sizeof *g->want);
    g->got = mem_alloc(floats * sizeof *g->got);
    g->off = mem_alloc((size_t)g->t->p.n_vocab * sizeof *g->off);
    if (!g->want || !g->got || !g->off) {
        err_nomem(e);
    } else if (open_devices(g, e) == 0 && g->device) {
        for (int kind = 0; kind < INPUTS && !e->code && !g->stopped && !g->is_cpu; kind++)
            if (is_wanted(g, (enum inputs)kind))
                try_class(g, (enum inputs)kind, e);
    }
    if (g->device)
        g->c->ops->close(g->device);
    if (g->ref)
        device_cpu.close(g->ref);
    mem_free(g->leave);
    mem_free(g->want);
    mem_free(g->got);
    mem_free(g->off);
}

/* 1: somebody said stop. */
static int try_shape(const struct conform *c, const struct conform_about *about,
                     const struct quantizer *z, const struct trial_row *row, int type, int shape,
                     struct err *e)
{
    struct trial t = {.op = row->op, .seed = 1 + (uint64_t)shape,
                      .format = row->has_format ? quant_find(type)->name : NULL};
    struct rig g = {.c = c, .about = about, .u = precision_of(about->precision), .t = &t};

    snprintf(t.shape, sizeof t.shape, row->rows[shape] ? "%dx%d" : "%d", row->k[shape],
             row->rows[shape]);
    row->build(&t, z, type, row->k[shape], row->rows[shape], e);
    if (!e->code)
        try_all(&g, e);
    trial_release(&t);
    return g.stopped;
}

/* ---- all trials ---- */

static int is_usual(int type)
{
    return type == QUANT_F16 || type == QUANT_Q8_0 || type == QUANT_Q4_0 || type == QUANT_Q4_K;
}

static int try_formats(const struct conform *c, const struct conform_about *about,
                       struct quantizer *z, const struct trial_row *row, struct err *e)
{
    const struct quant *q;
    int stopped = 0;

    for (size_t i = 0; (q = quant_at(i)) != NULL && !stopped && !e->code; i++) {
        struct err none = ERR_NONE;
        int is_number = q->type == QUANT_I8 || q->type == QUANT_I16 || q->type == QUANT_I32 ||
                        q->type == QUANT_I64 || q->type == QUANT_F64;
        if (row->has_format != 1 && q->type != QUANT_F32 &&
            !(row->has_format && is_usual(q->type)))
            continue;
        if (row->has_format && (is_number || (q->type != QUANT_F32 &&
                                              quantizer_prepare(z, q->type, &none) < 0)))
            continue; /* nothing writes it */
        for (int shape = 0; shape < 3 && row->k[shape] && !stopped && !e->code; shape++)
            stopped = try_shape(c, about, z, row, q->type, shape, e);
    }
    return stopped;
}

int conform_ask(const struct conform *c, struct conform_about *a, struct err *e)
{
    const struct trial_row *row = trial_at(0);
    struct trial t = {.op = row->op, .seed = 1};
    struct device_opts o = c->device;
    struct device_info info = {0};
    struct device *d = NULL;
    int rc = -1;

    *a = (struct conform_about){0};
    o.max_rows = TRIAL_MAX_ROWS;
    o.kv_pages = o.kv_scratch = 1;
    row->build(&t, NULL, QUANT_F32, 32, 0, e);
    if (!e->code && c->ops->open(&d, &t.p, &o, e) == 0) {
        c->ops->info(d, &info);
        snprintf(a->name, sizeof a->name, "%s", info.name ? info.name : c->ops->name);
        snprintf(a->numerics, sizeof a->numerics, "%s",
                 info.numerics_id ? info.numerics_id : numerics_id(c->device.numerics, KV_F32));
        a->precision = !info.numerics_id && c->device.numerics == NUMERICS_FAST ? DSM_PRECISION_I8
                                                                                : info.precision;
        a->claims_repeats = !(info.waives & DSM_REPEATS);
        a->claims_invariant = !(info.waives & DSM_BATCH_INVARIANT);
        a->bits = precision_of(a->precision)->bits;
        a->model = strcmp(a->numerics, "exact/1") == 0 ? 0 : precision_of(a->precision)->model;
        c->ops->close(d);
        rc = 0;
    }
    trial_release(&t);
    return rc;
}

const char *conform_tolerance(const struct conform_about *a)
{
    if (strcmp(a->numerics, numerics_id(NUMERICS_EXACT, KV_F32)) == 0)
        return "the bits of plain C";
    return precision_of(a->precision)->say;
}

int conform_run(const struct conform *c, struct conform_about *about, struct err *e)
{
    const struct trial_row *row;
    struct quantizer *z = NULL;
    struct err local = ERR_NONE;
    int stopped = 0;

    if (conform_ask(c, about, e) < 0 || quantizer_open(&z, e) < 0)
        return -1;
    for (int i = 0; (row = trial_at(i)) != NULL && !stopped && !local.code; i++)
        if (!c->only || strncmp(row->op, c->only, strlen(c->only)) == 0)
            stopped = try_formats(c, about, z, row, &local);
    quantizer_close(z);
    if (local.code) {
        *e = local;
        return -1;
    }
    if (c->stop && *c->stop)
        return err_set(e, ERR_INTERRUPTED, "interrupted");
    return 0;
}
