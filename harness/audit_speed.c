/* audit_speed.c -- what a run's speed tests, scenarios and meters say, recomputed.  See audit.h. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "harness/audit.h"
#include "harness/energy.h"
#include "harness/latency.h"
#include "harness/measure.h"
#include "harness/present_scenario.h"
#include "harness/stats.h"

#define METERED_LEAST 0.9
#define METERED_S 0.02
#define TOLERANCE 1e-9
enum { LINES_MAX = 20 };

struct speaker {
    void (*say)(void *user, const char *line);
    void *user;
    const char *subject;
    int n;
};

static void defect(struct speaker *sp, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void defect(struct speaker *sp, const char *fmt, ...)
{
    char text[400], line[600];
    va_list ap;

    if (sp->n++ >= LINES_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    snprintf(line, sizeof line, "%.150s: %s", sp->subject, text);
    sp->say(sp->user, line);
}

static int same(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= TOLERANCE * fmax(fabs(a), fabs(b));
}

static void compare(struct speaker *sp, const struct store_bench *b, const char *metric,
                    double value, double low, double high, const char *from)
{
    const struct store_value *v = bench_value(b, metric);

    if (!same(v ? v->value : NAN, value))
        defect(sp, "%s is %.9g, its %s give %.9g", metric, v ? v->value : NAN, from, value);
    else if (v && !isnan(low) && (!same(v->low, low) || !same(v->high, high)))
        defect(sp, "%s lies in %.9g..%.9g, its %s give %.9g..%.9g", metric, v->low, v->high, from,
               low, high);
}

/* --- samples ---------------------------------------------------------------------------------- */

/* A bandwidth is that of the best read of its block.  Runs of older programs have none of these. */
static void check_reads(struct speaker *sp, const struct store_bench *b)
{
    const struct store_value *block = bench_value(b, "read_block_bytes");
    double best = INFINITY;

    for (int i = 0; i < b->n_samples; i++)
        best = fmin(best, b->samples[i]);
    if (block || b->n_samples)
        compare(sp, b, "read_bytes_s", block ? block->value / best : NAN, NAN, NAN, "reads");
}

/* Speeds are medians of tokens over seconds; a load's time that of the seconds. */
static int check_samples(struct speaker *sp, const struct store_bench *b, struct err *e)
{
    int is_load = scenario_is(b);
    size_t n = (size_t)b->n_samples;
    double *x, coverage;
    struct interval in;

    if (bench_value(b, "read_bytes_s"))
        check_reads(sp, b);
    if (n == 0 || bench_value(b, "read_bytes_s"))
        return 0;
    x = mem_alloc(n * sizeof *x);
    if (!x)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        x[i] = is_load ? b->samples[i] : (double)b->tokens / b->samples[i];
    stats_sort(x, n);
    in = stats_median_interval(x, n, 0.95, &coverage);
    compare(sp, b, is_load ? "ttft_s" : "tok_s", stats_median(x, n), in.low, in.high, "samples");
    mem_free(x);
    return 0;
}

/* What was metered lasted as long as what was done. */
static void check_metered(struct speaker *sp, const struct energy_list *l, double wall_s)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct store_energy *x = &l->v[i];
        if (strcmp(x->subject, sp->subject) == 0 &&
            !(x->seconds >= METERED_LEAST * wall_s - METERED_S))
            defect(sp, "%s was read for %.4g s, it took %.4g s", x->source, x->seconds, wall_s);
    }
}

/* A test's name says what it is; what is derived from its speed follows from it. */
static void check_test(struct speaker *sp, const struct run_row *r, const struct store_bench *b,
                       const struct energy_list *energy)
{
    struct speed_test t = {.depth = b->depth, .streams = b->batch};
    const struct store_value *speed = bench_value(b, "tok_s");
    const struct store_value *weights = bench_value(b, "weights_bytes_per_token");
    double s = speed ? (double)b->tokens / speed->value : NAN, took = 0;
    char name[96];
    int is_decode;

    if (sscanf(b->test, "pp%d+tg%d", &t.prompt, &t.generate) < 1)
        sscanf(b->test, "tg%d", &t.generate);
    speed_test_name(name, sizeof name, &t);
    if (strcmp(name, b->test) != 0 || b->tokens != speed_test_tokens(&t))
        defect(sp, "%lld tokens, depth %d and batch %d are not those of its name",
               (long long)b->tokens, b->depth, b->batch);
    if (b->rival)
        return;
    for (int i = 0; i < b->n_samples; i++)
        took += b->samples[i];
    check_metered(sp, energy, took);
    is_decode = t.prompt == 0;
    compare(sp, b, "ttft_s", is_decode || t.generate ? NAN : s, NAN, NAN, "samples");
    compare(sp, b, "tpot_s", is_decode ? s / t.generate : NAN, NAN, NAN, "samples");
    if (weights)
        compare(sp, b, "bandwidth_bytes_s", is_decode ? weights->value * t.generate / s : NAN,
                NAN, NAN, "samples and weights");
    if (r->device && b->device && strcmp(r->device, b->device) != 0)
        defect(sp, "it is said to have run on %.40s, the run on %.40s", b->device, r->device);
}

/* --- requests --------------------------------------------------------------------------------- */

static int state_of(const char *name)
{
    for (int i = 0; i < SERVED_N; i++)
        if (strcmp(served_name(i), name) == 0)
            return i;
    return SERVED_FAILED;
}

static int is_sha256(const char *s)
{
    return strlen(s) == SHA256_HEX - 1 && s[strspn(s, "0123456789abcdef")] == 0;
}

/* A prompt and an answer as long as one of those that were asked for; told. */
static int is_asked(const struct store_served *q, const cJSON *settings)
{
    static const char *const lists[] = {"prompt_tokens", "output_tokens"};
    const int lengths[] = {q->prompt, q->wanted};
    int found = 1;

    for (int i = 0; i < 2; i++) {
        const cJSON *list = json_get(settings, lists[i]), *x;
        int is_in = !cJSON_IsArray(list);
        for (x = is_in ? NULL : list->child; x; x = x->next)
            is_in |= x->valuedouble == lengths[i];
        found &= is_in;
    }
    return found;
}

/* 0 when the times do not fit the request: told. */
static int take_tokens(struct speaker *sp, size_t i, const struct store_served *q,
                       struct served *r, struct err *e)
{
    cJSON *j = json_parse(q->token_s, strlen(q->token_s), sp->subject, e);
    const cJSON *t;
    int n = 0, fits;

    if (!j)
        return -1;
    fits = cJSON_IsArray(j) && cJSON_GetArraySize(j) == q->generated && q->generated <= q->wanted;
    r->token_s = mem_alloc((size_t)(q->generated > 0 ? q->generated : 1) * sizeof *r->token_s);
    if (!r->token_s) {
        json_free(j);
        return err_nomem(e);
    }
    for (t = fits ? j->child : NULL; t; t = t->next) {
        fits &= cJSON_IsNumber(t) && (n == 0 || t->valuedouble >= r->token_s[n - 1]);
        r->token_s[n++] = t->valuedouble;
    }
    if (n > 0)
        fits &= same(r->token_s[0], q->first_s) && same(r->token_s[n - 1], q->last_s) &&
                q->first_s >= q->arrival_s && q->end_s >= q->last_s;
    if (r->state == SERVED_COMPLETED)
        fits &= n == q->wanted && q->start_s >= q->arrival_s;
    if (n > 0)
        fits &= !(q->start_s > q->first_s) && (!q->output_sha256 || is_sha256(q->output_sha256));
    json_free(j);
    if (!fits)
        defect(sp, "request %zu: its tokens do not fit its times and state", i);
    r->n = n;
    return fits;
}

static int rebuild(struct speaker *sp, const struct served_list *l, const cJSON *settings,
                   struct serve_log *out, struct err *e)
{
    int rc = 1;

    out->v = mem_calloc(l->n + 1, sizeof *out->v);
    if (!out->v)
        return err_nomem(e);
    for (size_t i = 0; i < l->n && rc == 1; i++) {
        const struct store_served *q = &l->v[i];
        struct served *r = &out->v[out->n++];
        *r = (struct served){.arrival_s = q->arrival_s, .start_s = q->start_s,
                             .first_s = q->first_s, .last_s = q->last_s, .end_s = q->end_s,
                             .prompt = q->prompt, .wanted = q->wanted,
                             .state = (enum served_state)state_of(q->state)};
        out->count[r->state]++;
        out->wall_s = fmax(out->wall_s, r->end_s);
        if (!is_asked(q, settings))
            defect(sp, "request %zu: %d tokens, %d wanted: none of the settings' lengths", i,
                   q->prompt, q->wanted);
        rc = take_tokens(sp, i, q, r, e);
    }
    return rc;
}

static void check_limits(struct speaker *sp, const struct store_bench *b, const struct serve_log *l,
                         const cJSON *settings)
{
    const struct latency_limits lim = {json_num(settings, "ttft-limit", NAN),
                                       json_num(settings, "tpot-limit", NAN),
                                       json_num(settings, "percentile", NAN)};
    double t = json_num(settings, "duration", NAN), burst, sustained;
    int meets;

    if (bench_value(b, "meets_limits")) {
        meets = latency_meets(l, &lim);
        compare(sp, b, "meets_limits", meets < 0 ? NAN : meets, NAN, NAN, "requests");
    }
    if (bench_value(b, "sustained_ratio")) {
        burst = latency_decode_rate(l, 0, LATENCY_BURST_SHARE * t);
        sustained = latency_decode_rate(l, LATENCY_SUSTAINED_SHARE * t, t);
        compare(sp, b, "burst_tok_s", burst, NAN, NAN, "requests");
        compare(sp, b, "sustained_tok_s", sustained, NAN, NAN, "requests");
        compare(sp, b, "sustained_ratio", sustained / burst, NAN, NAN, "requests");
    }
}

static int check_requests(struct speaker *sp, struct store *s, const struct run_row *r,
                          const struct store_bench *b, const cJSON *settings,
                          const struct energy_list *energy, struct err *e)
{
    struct store_value v[LATENCY_VALUES_MAX];
    struct served_list rows = {0};
    struct serve_log l = {0};
    int n = 0, rc;

    if (!bench_value(b, "arrived"))
        return 0;
    if (query_served(s, r->id, b->test, &rows, e) < 0)
        return -1;
    rc = rebuild(sp, &rows, settings, &l, e);
    if (rc == 1) {
        l.queue_longest = (int)bench_value(b, "arrived")->value; /* rows do not tell it */
        rc = latency_values(&l, b->batch > 0 ? b->batch : 1,
                            json_num(settings, "percentile", NAN), v, &n, e);
        for (int i = 0; i < n && rc == 0; i++)
            if (strcmp(v[i].metric, "queue_longest") != 0)
                compare(sp, b, v[i].metric, v[i].value, v[i].low, v[i].high, "requests");
        if (rc == 0)
            check_limits(sp, b, &l, settings);
    }
    if (rc == 0)
        check_metered(sp, energy, l.wall_s);
    serve_log_release(&l);
    served_list_release(&rows);
    return rc < 0 ? -1 : 0;
}

/* --- joules ----------------------------------------------------------------------------------- */

/* The headline's rows together; NAN without any, or where one is unknown. */
static double headline(const struct energy_list *l, const char *subject)
{
    double sum = 0;
    int n = 0;

    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].is_headline && strcmp(l->v[i].subject, subject) == 0) {
            sum += l->v[i].joules;
            n++;
        }
    return n ? sum : NAN;
}

static double declared(const struct energy_list *l, const char *subject)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].is_declared && strcmp(l->v[i].subject, subject) == 0)
            return l->v[i].joules;
    return NAN;
}

/* A constant power's joules are that power's over the time. */
static void check_declared(struct speaker *sp, const struct energy_list *l, double watts)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct store_energy *x = &l->v[i];
        sp->subject = x->subject;
        if (x->is_declared && !isnan(x->joules) && !same(x->joules, watts * x->seconds))
            defect(sp, "%.9g J are declared, %.9g W for %.9g s are not that", x->joules, watts,
                   x->seconds);
    }
}

/* get: a stored number of the subject by its metric. */
static void check_joules(struct speaker *sp, const struct energy_list *l,
                         const struct energy_parts *parts,
                         double (*get)(const void *of, const char *metric), const void *of)
{
    double joules = headline(l, sp->subject), now;
    struct store_cost v[ENERGY_VALUES];
    int n = energy_values(joules, parts, v);

    for (int i = 0; i < n; i++) {
        now = get(of, v[i].metric);
        /* Of a test with both phases each was metered by itself. */
        if (!same(now, v[i].value) && !(isnan(v[i].value) && !isnan(joules)))
            defect(sp, "%s is %.9g, its meters give %.9g", v[i].metric, now, v[i].value);
    }
    now = get(of, "declared_energy_j");
    if (!same(now, declared(l, sp->subject)))
        defect(sp, "declared_energy_j is %.9g, what was declared gives %.9g", now,
               declared(l, sp->subject));
}

static double get_bench(const void *of, const char *metric)
{
    const struct store_value *v = bench_value(of, metric);

    return v ? v->value : NAN;
}

static double get_task(const void *of, const char *metric)
{
    return task_row_cost(of, metric);
}

/* --- the run ---------------------------------------------------------------------------------- */

static int check_bench(struct speaker *sp, struct store *s, const struct run_row *r,
                       const struct energy_list *energy, const cJSON *settings, struct err *e)
{
    const cJSON *scenarios = json_get(settings, "scenarios");
    struct bench_list l = {0};
    int rc = query_bench(s, r->id, &l, e);

    for (size_t i = 0; i < l.n && rc == 0; i++) {
        const struct store_bench *b = &l.v[i];
        struct energy_parts parts = energy_parts_of_bench(b);
        sp->subject = b->test;
        rc = check_samples(sp, b, e);
        if (rc == 0 && !b->rival)
            rc = check_requests(sp, s, r, b, scenarios, energy, e);
        if (rc == 0 && !scenario_is(b))
            check_test(sp, r, b, energy);
        if (!b->rival && !bench_value(b, "load_s"))
            check_joules(sp, energy, &parts, get_bench, b);
    }
    bench_list_release(&l);
    return rc;
}

int audit_speed(struct store *s, const struct run_row *r,
                void (*say)(void *user, const char *line), void *user, struct err *e)
{
    struct speaker sp = {.say = say, .user = user};
    cJSON *settings = json_parse(r->settings, strlen(r->settings), "settings", e);
    struct energy_list energy = {0};
    struct task_list tasks = {0};
    int rc = -1;

    if (strcmp(r->kind, "import") == 0) { /* of others' numbers there is nothing to go by */
        rc = 0;
        goto out;
    }
    if (!settings || query_energy(s, r->id, &energy, e) < 0 ||
        query_tasks(s, r->id, &tasks, e) < 0)
        goto out;
    rc = check_bench(&sp, s, r, &energy, settings, e);
    check_declared(&sp, &energy, json_num(settings, "declared-watts", NAN));
    for (size_t i = 0; i < tasks.n; i++) {
        struct energy_parts parts = energy_parts_of_task(&tasks.v[i]);
        sp.subject = tasks.v[i].task;
        check_joules(&sp, &energy, &parts, get_task, &tasks.v[i]);
    }
out:
    json_free(settings);
    energy_list_release(&energy);
    task_list_release(&tasks);
    return rc < 0 ? -1 : sp.n;
}
