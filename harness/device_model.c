#include "harness/device_model.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/splitmix.h"

#define GOLDEN_BYTES_MAX ((size_t)1 << 30)
enum { CONTEXT = 512 };

enum { LOGITS, CHOICES, GOLDEN, AGAIN, TOGETHER, BY_7, ALONE, LEFT };
static const char *const names[DEVICE_MODEL_CHECKS] = {
    [LOGITS] = "logits", [CHOICES] = "choices", [GOLDEN] = "golden", [AGAIN] = "again",
    [TOGETHER] = "together", [BY_7] = "by 7", [ALONE] = "one by one",
    [LEFT] = "CPU"};

struct check {
    const struct device_model *m;
    struct model_check *out;
    struct runner *ref, *device;
    int32_t *ids;    /* [prompts][tokens] */
    int tokens, vocab;
    uint64_t *bits;  /* [prompts * tokens] a hash of each row of logits */
    uint64_t *other; /* the same, asked in another way */
    float *want;     /* [tokens][vocab] of the reference or golden */
    /* over all rows */
    double off, size, worst, largest;
    int rows, same_choice, wrong_choice;
};

static void put(struct check *k, int i, int is_failed, double value, double limit, const char *fmt,
                ...) PRINTF_LIKE(6, 7);
static void put(struct check *k, int i, int is_failed, double value, double limit, const char *fmt,
                ...)
{
    va_list ap;

    k->out[i].is_failed = is_failed;
    k->out[i].value = value;
    k->out[i].limit = limit;
    va_start(ap, fmt);
    vsnprintf(k->out[i].found, sizeof k->out[i].found, fmt, ap);
    va_end(ap);
}

/* ---- rows ---- */

static int best_of(const float *x, int n, double *margin)
{
    int best = 0, second = -1;

    for (int i = 1; i < n; i++)
        if (x[i] > x[best]) {
            second = best;
            best = i;
        } else if (second < 0 || x[i] > x[second]) {
            second = i;
        }
    *margin = second < 0 ? INFINITY : (double)x[best] - x[second];
    return best;
}

static double mean_of(const float *x, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum / n;
}

/* A constant added to all logits changes no likelihood, so it is taken away. */
static void compare_row(struct check *k, const float *want, const float *got)
{
    double its = mean_of(want, k->vocab), mine = mean_of(got, k->vocab), margin, none, worst = 0;

    for (int i = 0; i < k->vocab; i++) {
        double w = want[i] - its, d = got[i] - mine - w;
        k->off += d * d;
        k->size += w * w;
        worst = fmax(worst, fabs(d));
        k->largest = fmax(k->largest, fabs((double)want[i]));
    }
    k->worst = fmax(k->worst, worst);
    k->rows++;
    if (best_of(want, k->vocab, &margin) == best_of(got, k->vocab, &none))
        k->same_choice++;
    else if (margin > 2 * k->m->about.model * k->largest)
        k->wrong_choice++;
}

struct taking { /* the rows of one request */
    struct check *k;
    uint64_t *bits; /* NULL: not wanted */
    int is_kept;    /* as what is wanted; else compared with it where there is anything */
    int is_compared;
};

static uint64_t hash_row(const float *x, int n)
{
    uint64_t h = (uint64_t)n;

    for (int i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        h = splitmix64_mix(h ^ bits) + (uint64_t)i;
    }
    return h;
}

static int on_row(void *user, const struct request *q, int position, const float *logits)
{
    struct taking *t = user;
    float *want = t->k->want + (size_t)position * (size_t)t->k->vocab;

    (void)q;
    if (t->is_kept)
        memcpy(want, logits, (size_t)t->k->vocab * sizeof *want);
    if (t->is_compared)
        compare_row(t->k, want, logits);
    if (t->bits)
        t->bits[position] = hash_row(logits, t->k->vocab);
    return 0;
}

static int ask(struct check *k, struct runner *r, const int32_t *ids, int n, struct taking *t,
               struct err *e)
{
    const struct request q = {.kind = REQUEST_LOGITS, .ids = ids, .n_ids = n, .on_logits = on_row,
                              .user = t};

    return runner_run(r, &q, 1, NULL, NULL, k->m->stop, e);
}

static const int32_t *prompt(const struct check *k, int i)
{
    return k->ids + (size_t)i * (size_t)k->tokens;
}

/* ---- against the CPU ---- */

static int check_logits(struct check *k, struct err *e)
{
    double limit = k->m->about.model, relative;

    for (int i = 0; i < k->m->prompts; i++) {
        struct taking keep = {.k = k, .is_kept = 1};
        struct taking take = {.k = k, .is_compared = 1,
                              .bits = k->bits + (size_t)i * (size_t)k->tokens};
        if (ask(k, k->ref, prompt(k, i), k->tokens, &keep, e) < 0 ||
            ask(k, k->device, prompt(k, i), k->tokens, &take, e) < 0)
            return -1;
    }
    relative = sqrt(k->off / k->size);
    put(k, LOGITS, !(relative <= limit), relative, limit,
        "%d rows against the CPU's exact/1, the largest difference %.3g", k->rows, k->worst);
    put(k, CHOICES, k->wrong_choice > 0, k->same_choice, k->rows,
        "%d of %d likeliest tokens are the CPU's, %d others are further off than the tolerance",
        k->same_choice, k->rows, k->wrong_choice);
    return 0;
}

/* ---- against a golden result ---- */

static int beside(const char *model, const char *name, struct strbuf *out, struct err *e)
{
    strbuf_add(out, model, (size_t)(path_base(model) - model));
    strbuf_adds(out, name);
    return strbuf_ok(out, e);
}

struct golden {
    cJSON *about;
    struct strbuf rows;
    int32_t *ids;
    int n, context;
    double tolerance;
};

static void golden_release(struct golden *g)
{
    json_free(g->about);
    strbuf_release(&g->rows);
    mem_free(g->ids);
}

/* 1: there is one; 0: there is none. */
static int read_golden(struct golden *g, const char *model, struct err *e)
{
    struct strbuf about = STRBUF_INIT, rows = STRBUF_INIT;
    const cJSON *ids, *x;
    int rc = -1;

    if (beside(model, "case.json", &about, e) < 0 || beside(model, "logits.f32", &rows, e) < 0)
        goto out;
    rc = 0;
    if (!file_exists(strbuf_str(&about)) || !file_exists(strbuf_str(&rows)))
        goto out;
    rc = -1;
    g->about = json_read(strbuf_str(&about), GOLDEN_BYTES_MAX, e);
    if (!g->about || file_read(&g->rows, strbuf_str(&rows), GOLDEN_BYTES_MAX, e) < 0)
        goto out;
    ids = json_get(g->about, "ids");
    g->ids = mem_alloc((size_t)(cJSON_GetArraySize(ids) + 1) * sizeof *g->ids);
    if (!g->ids) {
        err_nomem(e);
        goto out;
    }
    for (x = cJSON_IsArray(ids) ? ids->child : NULL; x; x = x->next)
        g->ids[g->n++] = cJSON_IsNumber(x) ? (int32_t)fmax(-1, fmin(x->valuedouble, 1e9)) : -1;
    g->context = (int)fmax(0, fmin(json_num(g->about, "n_ctx", 0), 1e6));
    g->tolerance = json_num(g->about, "tolerance_relative", 1e-4);
    rc = 1;
out:
    strbuf_release(&about);
    strbuf_release(&rows);
    return rc;
}

static int check_golden(struct check *k, const struct golden *g, struct err *e)
{
    size_t floats = (size_t)g->n * (size_t)k->vocab;
    struct taking take = {.k = k, .is_compared = 1};
    double limit = fmax(g->tolerance, k->m->about.model), relative;
    float *want = k->want;
    int rc;

    if (g->n == 0) {
        k->out[GOLDEN].is_open = 1;
        snprintf(k->out[GOLDEN].found, sizeof k->out[GOLDEN].found, "%s",
                 "no case.json and logits.f32 beside the model");
        return 0;
    }
    if (g->rows.len != floats * sizeof(float))
        return err_set(e, ERR_FORMAT, "logits.f32 beside %s has %zu bytes, its case %zu",
                       k->m->model, g->rows.len, floats * sizeof(float));
    k->want = mem_alloc(g->rows.len);
    if (!k->want) {
        k->want = want;
        return err_nomem(e);
    }
    memcpy(k->want, strbuf_str(&g->rows), g->rows.len);
    k->worst = k->largest = 0;
    k->rows = 0;
    rc = ask(k, k->device, g->ids, g->n, &take, e);
    mem_free(k->want);
    k->want = want;
    relative = k->worst / k->largest;
    put(k, GOLDEN, !(relative <= limit), relative, limit,
        "%d rows against a reference implementation, largest difference over largest value",
        k->rows);
    return rc;
}

/* ---- the same bits ---- */

static void tell_bits(struct check *k, int i, int is_claimed)
{
    size_t n = (size_t)k->m->prompts * (size_t)k->tokens, row = 0, other = 0;

    for (size_t at = n; at-- > 0;)
        if (k->bits[at] != k->other[at]) {
            row = at;
            other++;
        }
    k->out[i].is_open = other && !is_claimed;
    if (other)
        put(k, i, is_claimed, (double)other, 0,
            "%zu of %zu rows have other bits, the first is row %zu of prompt %zu%s", other, n,
            row % (size_t)k->tokens, row / (size_t)k->tokens,
            is_claimed ? "" : "; the device does not claim otherwise");
    else
        put(k, i, 0, 0, 0, "%zu rows have the same bits", n);
}

static int check_together(struct check *k, struct runner *r, int i, int is_claimed, struct err *e)
{
    int n = k->m->prompts, rc = -1;
    struct request *q = mem_calloc((size_t)n, sizeof *q);
    struct taking *t = mem_calloc((size_t)n, sizeof *t);

    if (!q || !t) {
        err_nomem(e);
        goto out;
    }
    for (int p = 0; p < n; p++) {
        t[p] = (struct taking){.k = k, .bits = k->other + (size_t)p * (size_t)k->tokens};
        q[p] = (struct request){.kind = REQUEST_LOGITS, .ids = prompt(k, p), .n_ids = k->tokens,
                                .on_logits = on_row, .user = &t[p]};
    }
    rc = runner_run(r, q, n, NULL, NULL, k->m->stop, e);
    if (rc == 0)
        tell_bits(k, i, is_claimed);
out:
    mem_free(q);
    mem_free(t);
    return rc;
}

/* In batches of so many rows at most. */
static int check_few(struct check *k, int i, int context, int rows, struct err *e)
{
    struct runner_opts o = k->m->device;
    struct runner *few = NULL;
    int rc;

    o.context = context;
    o.batch_tokens = rows;
    rc = runner_open(&few, k->m->model, &o, e);
    if (rc == 0)
        rc = check_together(k, few, i, k->m->about.claims_invariant, e);
    runner_close(few);
    return rc;
}

static int check_bits(struct check *k, int context, struct err *e)
{
    const struct conform_about *a = &k->m->about;

    for (int i = 0; i < k->m->prompts; i++) {
        struct taking take = {.k = k, .bits = k->other + (size_t)i * (size_t)k->tokens};
        if (ask(k, k->device, prompt(k, i), k->tokens, &take, e) < 0)
            return -1;
    }
    tell_bits(k, AGAIN, a->claims_repeats);
    if (check_together(k, k->device, TOGETHER, a->claims_invariant, e) < 0)
        return -1;
    runner_close(k->device); /* a second one may not fit beside it */
    k->device = NULL;
    return check_few(k, BY_7, context, 7, e) < 0 ? -1 : check_few(k, ALONE, context, 1, e);
}

/* ---- all ---- */

static int tell_left(struct check *k, struct strbuf *text, struct err *e)
{
    const struct left_op *v;
    uint64_t times = 0;
    int n;

    if (runner_left(k->device, &v, &n, e) < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        strbuf_addf(text, "%s%s%s%s %llu", i ? ", " : "", v[i].op, v[i].format ? " " : "",
                    v[i].format ? v[i].format : "", (unsigned long long)v[i].times);
        times += v[i].times;
    }
    k->out[LEFT].is_open = times > 0;
    put(k, LEFT, 0, (double)times, 0, "%s%.200s", times ? "left to the CPU: " : "nothing is left "
        "to the CPU", strbuf_str(text));
    return strbuf_ok(text, e);
}

static int open_check(struct check *k, int context, struct err *e)
{
    const struct runner_opts plain = {.context = context, .threads = k->m->device.threads};
    struct runner_opts o = k->m->device;
    uint64_t random = k->m->seed;
    size_t n;

    o.context = context;
    if (runner_open(&k->ref, k->m->model, &plain, e) < 0 ||
        runner_open(&k->device, k->m->model, &o, e) < 0)
        return -1;
    k->vocab = runner_info(k->ref)->vocab_size;
    k->tokens = k->m->tokens < runner_info(k->ref)->context_length
                    ? k->m->tokens : runner_info(k->ref)->context_length;
    n = (size_t)k->m->prompts * (size_t)k->tokens;
    k->ids = mem_alloc(n * sizeof *k->ids);
    k->bits = mem_calloc(n, sizeof *k->bits);
    k->other = mem_calloc(n, sizeof *k->other);
    k->want = mem_alloc((size_t)k->tokens * (size_t)k->vocab * sizeof *k->want);
    if (!k->ids || !k->bits || !k->other || !k->want)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        k->ids[i] = (int32_t)splitmix64_below(&random, (uint64_t)k->vocab);
    return 0;
}

int device_model_check(const struct device_model *m, struct model_check out[DEVICE_MODEL_CHECKS],
                       struct strbuf *left, struct err *e)
{
    struct check k = {.m = m, .out = out};
    struct golden g = {.rows = STRBUF_INIT};
    int context, rc = -1;

    for (int i = 0; i < DEVICE_MODEL_CHECKS; i++)
        out[i] = (struct model_check){.name = names[i], .value = NAN, .limit = NAN};
    if (read_golden(&g, m->model, e) >= 0) {
        context = g.context ? g.context : CONTEXT;
        rc = open_check(&k, context, e);
        if (rc == 0)
            rc = check_logits(&k, e) < 0 || check_golden(&k, &g, e) < 0 ||
                         tell_left(&k, left, e) < 0 || check_bits(&k, context, e) < 0
                     ? -1 : 0;
    }
    golden_release(&g);
    runner_close(k.device);
    runner_close(k.ref);
    mem_free(k.ids);
    mem_free(k.bits);
    mem_free(k.other);
    mem_free(k.want);
    return rc;
}
