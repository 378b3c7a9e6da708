#include "harness/energy.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/device_names.h"
#include "harness/meter_csv.h"

static const char *const IDLE_BEFORE = "idle before", *const IDLE_AFTER = "idle after";

struct subject {
    char *name;
    double seconds;
    const char *partial; /* static text: why it is not whole; NULL */
};

struct window { /* UTC */
    struct load_mark mark;
    size_t subject;
};

struct energy {
    const struct context *c;
    struct meter *meter;
    const char *csv; /* NULL: none */
    double declared_w, idle_s; /* NAN, 0: no */
    double to_utc_s;           /* added to the meter's clock */
    struct subject *subjects;
    size_t n_subjects, cap_subjects;
    struct window *windows;
    size_t n_windows, cap_windows;
    int failed; /* a window could not be kept: out of memory */
};

static double utc_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void on_window(void *user, double start_s, double end_s)
{
    struct energy *en = user;

    if (en->n_subjects == 0)
        return;
    en->subjects[en->n_subjects - 1].seconds += end_s - start_s;
    if (!en->csv)
        return;
    if (mem_grow(&en->windows, &en->cap_windows, en->n_windows + 1, sizeof *en->windows) < 0) {
        en->failed = 1;
        return;
    }
    en->windows[en->n_windows++] = (struct window){
        {start_s + en->to_utc_s, end_s + en->to_utc_s}, en->n_subjects - 1};
}

int energy_open(struct energy **out, const struct context *c, struct err *e)
{
    const struct args *a = c->args;
    struct energy *en = mem_calloc(1, sizeof *en);
    const char *device = args_str(a, "device");
    struct meter_opts o = {.root = args_str(a, "sysroot"), .on_window = on_window, .user = en,
                           .on_gpu = device && device_place(device) == PLACE_GPU};

    *out = NULL;
    if (!en)
        return err_nomem(e);
    en->c = c;
    en->csv = args_str(a, "meter-csv");
    en->declared_w = args_given(a, "declared-watts") ? args_num(a, "declared-watts") : NAN;
    en->idle_s = args_num(a, "idle");
    en->to_utc_s = utc_s() - meter_clock_s();
    if (meter_open(&en->meter, &o, e) < 0) {
        mem_free(en);
        return -1;
    }
    *out = en;
    return 0;
}

void energy_close(struct energy *en)
{
    if (!en)
        return;
    meter_close(en->meter);
    for (size_t i = 0; i < en->n_subjects; i++)
        mem_free(en->subjects[i].name);
    mem_free(en->subjects);
    mem_free(en->windows);
    mem_free(en);
}

void energy_settings(struct json_out *o, const struct context *c)
{
    static const char *const numbers[] = {"idle", "meter-offset", "declared-watts"};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (args_given(c->args, numbers[i]))
            json_put_num(o, numbers[i], args_num(c->args, numbers[i]));
    if (args_str(c->args, "meter-csv"))
        json_put_str(o, "meter-csv", path_base(args_str(c->args, "meter-csv")));
}

struct meter *energy_meter(struct energy *en)
{
    return en->meter;
}

int energy_subject(struct energy *en, const char *name, struct err *e)
{
    char *copy = mem_strdup(name);

    if (!copy || mem_grow(&en->subjects, &en->cap_subjects, en->n_subjects + 1,
                          sizeof *en->subjects) < 0) {
        mem_free(copy);
        return err_nomem(e);
    }
    en->subjects[en->n_subjects++] = (struct subject){copy, 0, NULL};
    meter_subject(en->meter);
    return 0;
}

/* --- rows ------------------------------------------------------------------------------------- */

static int store_channels(struct energy *en, struct store_run *run, const char *subject,
                          const char *partial, int is_idle, int *n, struct err *e)
{
    for (int i = 0; i < meter_count(en->meter); i++) {
        struct meter_reading r;
        meter_reading(en->meter, i, &r);
        const struct store_energy x = {
            .subject = subject, .idx = (*n)++, .source = r.source, .channel = r.channel,
            .is_headline = r.is_headline && !is_idle, .seconds = r.seconds,
            .joules = partial ? NAN : r.joules, .samples = r.samples, .gap_s = r.gap_s,
            .reason = partial ? partial : r.reason};
        if (store_energy_add(run, &x, e) < 0)
            return -1;
    }
    return 0;
}

static double declared_j(const struct energy *en, const struct subject *s)
{
    return en->declared_w * s->seconds;
}

double energy_declared_j(const struct energy *en)
{
    return en->n_subjects ? declared_j(en, &en->subjects[en->n_subjects - 1]) : NAN;
}

int energy_store(struct energy *en, struct store_run *run, const char *partial, struct err *e)
{
    struct subject *s = &en->subjects[en->n_subjects - 1];
    const char *reason = NULL;
    double declared_here = partial ? NAN : declared_j(en, s);
    int n = 0;

    s->partial = partial;
    if (store_channels(en, run, s->name, partial, 0, &n, e) < 0)
        return -1;
    (void)meter_energy_j(en->meter, &reason);
    const struct store_energy none = {.subject = s->name, .idx = n, .source = "none",
                                      .channel = "", .seconds = s->seconds, .joules = NAN,
                                      .gap_s = NAN, .reason = reason};
    if (!meter_source(en->meter)) {
        if (store_energy_add(run, &none, e) < 0)
            return -1;
        n++;
    }
    const struct store_energy declared = {
        .subject = s->name, .idx = n, .source = "declared", .channel = "constant power",
        .is_declared = 1, .seconds = s->seconds, .joules = declared_here, .gap_s = NAN,
        .reason = partial};
    return isnan(en->declared_w) ? 0 : store_energy_add(run, &declared, e);
}

/* Slept in short pieces, so that Ctrl-C is heard. */
static void sleep_s(const struct context *c, double seconds)
{
    const double until = meter_clock_s() + seconds;
    const struct timespec piece = {0, 50 * 1000 * 1000};

    while (meter_clock_s() < until && !*c->stop)
        nanosleep(&piece, NULL);
}

int energy_idle(struct energy *en, struct store_run *run, int is_after, struct err *e)
{
    const char *name = is_after ? IDLE_AFTER : IDLE_BEFORE;
    size_t subjects = en->n_subjects;
    int n = 0, rc;

    if (!(en->idle_s > 0) || meter_count(en->meter) == 0)
        return 0;
    en->n_subjects = 0; /* idle time is nobody's window */
    meter_subject(en->meter);
    meter_start(en->meter);
    sleep_s(en->c, en->idle_s);
    meter_stop(en->meter);
    en->n_subjects = subjects;
    rc = store_channels(en, run, name, NULL, 1, &n, e);
    return rc;
}

/* --- what joules mean ------------------------------------------------------------------------- */

static void put(struct store_cost *out, int *n, const char *metric, double joules, double per)
{
    out[(*n)++] = (struct store_cost){metric, per > 0 ? joules / per : NAN};
}

int energy_values(double joules, const struct energy_parts *p, struct store_cost *out)
{
    int n = 0;

    out[n++] = (struct store_cost){"energy_j", joules};
    put(out, &n, "joule_per_token", joules, p->tokens);
    put(out, &n, "joule_per_prefill_token", joules, p->prefill_tokens);
    put(out, &n, "joule_per_decode_token", joules, p->decode_tokens);
    put(out, &n, "joule_per_item", joules, p->items);
    put(out, &n, "joule_per_correct", joules, p->right);
    return n;
}

/* Prompts and answers share batches, so of a task that generates neither part is known alone. */
struct energy_parts energy_parts_of_task(const struct task_row *t)
{
    double computed = task_row_cost(t, "computed_tokens");
    double generated = task_row_cost(t, "generated_tokens");

    return (struct energy_parts){
        .tokens = computed, .prefill_tokens = generated > 0 ? NAN : computed, .decode_tokens = NAN,
        .items = task_row_items(t), .right = task_row_cost(t, "items_right")};
}

struct energy_parts energy_parts_of_bench(const struct store_bench *b)
{
    const struct store_value *completed = bench_value(b, "completed");
    double tokens = (double)b->tokens * (b->n_samples > 0 ? b->n_samples : 1);
    int prefill = strncmp(b->test, "pp", 2) == 0 && !strchr(b->test, '+');
    int decode = strncmp(b->test, "tg", 2) == 0;

    return (struct energy_parts){.tokens = tokens, .prefill_tokens = prefill ? tokens : NAN,
                                 .decode_tokens = decode ? tokens : NAN,
                                 .items = completed ? completed->value : NAN, .right = NAN};
}

/* --- the external meter ----------------------------------------------------------------------- */

static double sum_windows(const struct energy *en, const struct power_series *p, size_t subject,
                          double offset, struct store_energy *x)
{
    double joules = 0;

    x->seconds = en->subjects[subject].seconds;
    for (size_t i = 0; i < en->n_windows; i++) {
        const struct window *w = &en->windows[i];
        double gap;
        long readings;
        if (w->subject != subject)
            continue;
        joules += power_between(p, w->mark.start - offset, w->mark.end - offset, &gap, &readings);
        x->samples += readings;
        x->gap_s = fmax(x->gap_s, gap);
    }
    return joules;
}

static int find_parts(struct store *s, struct store_run *run, const char *subject,
                      struct energy_parts *out, struct err *e)
{
    struct task_list tasks = {0};
    struct bench_list bench = {0};
    int rc = -1;

    *out = (struct energy_parts){NAN, NAN, NAN, NAN, NAN};
    if (query_tasks(s, store_run_id(run), &tasks, e) == 0 &&
        query_bench(s, store_run_id(run), &bench, e) == 0) {
        for (size_t i = 0; i < tasks.n; i++)
            if (strcmp(tasks.v[i].task, subject) == 0)
                *out = energy_parts_of_task(&tasks.v[i]);
        for (size_t i = 0; i < bench.n; i++)
            if (!bench.v[i].rival && strcmp(bench.v[i].test, subject) == 0)
                *out = energy_parts_of_bench(&bench.v[i]);
        rc = 0;
    }
    task_list_release(&tasks);
    bench_list_release(&bench);
    return rc;
}

enum { EXTERNAL_IDX = 1000 }; /* after the machine's own meters */

static int settle_subject(struct energy *en, struct store *s, struct store_run *run, size_t i,
                          const struct power_series *p, double offset, const char *refused,
                          struct err *e)
{
    struct store_energy x = {.subject = en->subjects[i].name, .idx = EXTERNAL_IDX,
                             .source = "external", .channel = path_base(en->csv), .joules = NAN,
                             .gap_s = NAN, .reason = refused, .seconds = en->subjects[i].seconds};
    struct store_cost values[ENERGY_VALUES];
    struct energy_parts parts;

    if (en->subjects[i].partial)
        x.reason = en->subjects[i].partial;
    if (x.reason)
        return store_energy_add(run, &x, e);
    x.joules = sum_windows(en, p, i, offset, &x);
    x.is_headline = 1;
    if (isnan(x.joules)) {
        x.is_headline = 0;
        x.reason = "the file does not cover it";
        return store_energy_add(run, &x, e);
    }
    if (find_parts(s, run, x.subject, &parts, e) < 0)
        return -1;
    return store_energy_settle(run, &x, values, energy_values(x.joules, &parts, values), e);
}

static int find_offset(struct energy *en, const struct power_series *p, double *offset,
                       struct err *e)
{
    struct load_mark *marks = mem_alloc((en->n_windows + 1) * sizeof *marks);
    double agreement;
    int rc;

    if (!marks)
        return err_nomem(e);
    for (size_t i = 0; i < en->n_windows; i++)
        marks[i] = en->windows[i].mark;
    rc = power_align(p, marks, en->n_windows, offset, &agreement, e);
    if (rc == 0)
        context_note(en->c, "%s: laid beside the load, %.2f s added to its times (correlation "
                     "%.2f)", en->csv, *offset, agreement);
    mem_free(marks);
    return rc;
}

static int settle_csv(struct energy *en, struct store *s, struct store_run *run, struct err *e)
{
    struct power_series p = {0};
    struct err why = ERR_NONE;
    double offset = 0;
    int rc = power_read(&p, en->csv, &why);

    if (rc == 0 && args_given(en->c->args, "meter-offset"))
        offset = args_num(en->c->args, "meter-offset");
    else if (rc == 0)
        rc = find_offset(en, &p, &offset, &why);
    if (rc < 0)
        context_note(en->c, "no energy from the external meter: %s%s%s", why.text,
                     why.hint[0] ? "; " : "", why.hint);
    const char *refused = rc < 0 ? why.text : NULL;
    rc = 0;
    for (size_t i = 0; i < en->n_subjects && rc == 0; i++)
        rc = settle_subject(en, s, run, i, &p, offset, refused, e);
    power_release(&p);
    return rc;
}

int energy_finish(struct energy *en, struct store *s, struct store_run *run, struct err *e)
{
    if (en->failed)
        return err_nomem(e);
    if (energy_idle(en, run, 1, e) < 0)
        return -1;
    return en->csv ? settle_csv(en, s, run, e) : 0;
}
