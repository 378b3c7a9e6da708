#include "harness/audit.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "harness/aggregate.h"
#include "harness/bits.h"
#include "harness/stats.h"
#include "tasks/task.h"

#define TOLERANCE 1e-9 /* relative: sums in the same order, read back as stored */
enum { LINES_MAX = 20, VALUES_MAX = 64 };

struct audit {
    const struct run_row *run;
    const struct task_row *task;
    void (*say)(void *user, const char *line);
    void *user;
    int n, unknown;
    struct series_set series;
    double *latency;
    size_t n_latency, cap_latency;
    double latency_sum;
    int generated;
    struct bits *bits; /* of a bank of facts; NULL: none */
    int failed; /* items that the device could not answer */
};

static void defect(struct audit *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void defect(struct audit *a, const char *fmt, ...)
{
    struct strbuf b = STRBUF_INIT;
    va_list ap;
    char text[400];

    if (a->n++ >= LINES_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    strbuf_addf(&b, "%s: %s", a->task->task, text);
    a->say(a->user, strbuf_str(&b));
    strbuf_release(&b);
}

static int is_choice(const char *task)
{
    const struct task_info *t = task_info_find(task);

    return t && strcmp(t->kind, "multiple_choice") == 0;
}

static const struct store_metric *item_metric(const struct store_item *it, const char *metric)
{
    for (int i = 0; i < it->n_metrics; i++)
        if (strcmp(it->metrics[i].metric, metric) == 0)
            return &it->metrics[i];
    return NULL;
}

/* The credit for the likeliest choice, where the item has one right choice and nothing else. */
static void check_choice(struct audit *a, const struct store_item *it)
{
    const struct store_metric *acc = item_metric(it, "acc");
    int best = 0;

    if (!acc || it->gold_index < 0 || it->n_requests < 2 || it->gold_index >= it->n_requests ||
        !is_choice(it->task) || strcmp(it->task, "truthfulqa_mc2") == 0)
        return;
    for (int i = 1; i < it->n_requests; i++)
        if (it->requests[i].loglikelihood > it->requests[best].loglikelihood)
            best = i;
    if ((acc->value >= 0.5) != (best == it->gold_index))
        defect(a, "item %d is credited %g, but its likelihoods choose option %d and the right one "
               "is %d", it->doc_id, acc->value, best, it->gold_index);
}

static int take_item(struct audit *a, const struct store_item *it, struct err *e)
{
    a->failed += it->error != NULL;
    if (it->error)
        return 0; /* in no score: store_check looks that it has none */
    for (int i = 0; i < it->n_requests; i++)
        if (it->requests[i].loglikelihood > 1e-6)
            defect(a, "item %d has a probability above 1", it->doc_id);
    for (int i = 0; i < it->n_metrics; i++) {
        const struct store_metric *m = &it->metrics[i];
        if (series_add(&a->series, m->metric, m->filter, m->value, m->weight, e) < 0)
            return -1;
    }
    check_choice(a, it);
    a->generated |= !isnan(it->ttft_s);
    if (isfinite(it->latency_s)) {
        if (mem_grow(&a->latency, &a->cap_latency, a->n_latency + 1, sizeof *a->latency) < 0)
            return err_nomem(e);
        a->latency[a->n_latency++] = it->latency_s;
        a->latency_sum += it->latency_s;
    }
    return a->bits ? bits_add(a->bits, it, e) : 0;
}

static int close_to(double a, double b)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) <= TOLERANCE * fmax(1, fmax(fabs(a), fabs(b)));
}

/* How the values of items become the task's; NULL: only a task file knows.  A mean is a weighted
 * one whose weights are 1. */
static const char *way_of(const char *task, const char *metric)
{
    static const char mean[] = "weighted_mean", ratio[] = "weighted_perplexity";
    static const struct {
        const char *metric, *way;
    } ways[] = {
        {"acc", mean}, {"acc_norm", mean}, {"acc_bytes", mean}, {"exact_match", mean},
        {"perplexity", "perplexity"}, {"word_perplexity", ratio}, {"byte_perplexity", ratio},
        {"bits_per_byte", "bits_per_byte"},
    };

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(ways[i].metric, metric) == 0)
            return ways[i].way;
    return task_info_find(task) ? mean : NULL;
}

static int check_series(struct audit *a, struct err *e)
{
    for (size_t i = 0; i < a->series.n; i++) {
        const struct series *s = &a->series.s[i];
        const struct store_value *v = task_row_value(a->task, s->metric, s->filter);
        const char *way = way_of(a->task->task, s->metric);
        struct estimate x;
        if (!v)
            continue; /* a part of another number */
        if (!way) {
            a->unknown++;
            continue;
        }
        if (aggregate(way, s->v, s->w, s->n, 1, &x, e) < 0)
            return -1;
        if (!close_to(x.value, v->value))
            defect(a, "%s is %.12g by its items, and published as %.12g", s->metric, x.value,
                   v->value);
    }
    return 0;
}

static int check_bits(struct audit *a, struct err *e)
{
    struct store_value values[VALUES_MAX];
    int n = 0;

    if (!a->bits || bits_values(a->bits, &a->run->model, values, &n, VALUES_MAX, e) < 0)
        return a->bits ? -1 : 0;
    for (int i = 0; i < n; i++) {
        const struct store_value *v = task_row_value(a->task, values[i].metric, values[i].filter);
        if (!v || !close_to(values[i].value, v->value) || !close_to(values[i].low, v->low) ||
            !close_to(values[i].high, v->high))
            defect(a, "%s (%s) is %.12g by its items, and published as %.12g", values[i].metric,
                   values[i].filter, values[i].value, v ? v->value : NAN);
    }
    return 0;
}

static void check_times(struct audit *a)
{
    double wall = task_row_cost(a->task, "wall_s"), median;
    double published = task_row_cost(a->task, "latency_median_s");

    stats_sort(a->latency, a->n_latency);
    median = a->n_latency ? stats_median(a->latency, a->n_latency) : NAN;
    if (!close_to(median, published))
        defect(a, "the median latency is %.12g s by its items, and published as %.12g s", median,
               published);
    published = task_row_cost(a->task, "failed_items");
    if (!isnan(published) && published != a->failed)
        defect(a, "%d items were not answered, and %.0f are published as such", a->failed,
               published);
    if (!a->generated && isfinite(wall) && a->latency_sum > wall * 1.001 + 1e-3)
        defect(a, "its items took %.6g s together, more than the task's %.6g s", a->latency_sum,
               wall);
}

/* The bank that asked, where it is built into this program. */
static int open_bank(struct audit *a, struct task **bank, struct err *e)
{
    const struct task_info *info = task_info_find(a->task->task);
    const struct task_opts o = {.shots = -1, .seed = (uint64_t)a->run->seed};

    if (!info || *info->data || info->version != a->task->version ||
        strcmp(info->kind, "knowledge") != 0)
        return 0;
    if (task_open(bank, info->name, &o, e) < 0)
        return -1;
    return task_facts(*bank) ? bits_open(&a->bits, task_facts(*bank), e) : 0;
}

static int audit_task(struct audit *a, struct store *s, struct err *e)
{
    const struct item_filter f = {.task = a->task->task};
    struct item_iter *it = NULL;
    struct task *bank = NULL;
    struct store_item item;
    int rc = -1, got = 0, items = 0;

    if (open_bank(a, &bank, e) < 0 || query_items(s, a->run->id, &f, &it, e) < 0)
        goto out;
    while ((got = item_iter_next(it, &item, e)) == 1) {
        items++;
        if (take_item(a, &item, e) < 0)
            goto out;
    }
    if (got < 0)
        goto out;
    if (items != a->task->n_expected)
        defect(a, "it has %d items of %d", items, a->task->n_expected);
    check_times(a);
    rc = check_series(a, e) < 0 ? -1 : check_bits(a, e);
out:
    item_iter_close(it);
    bits_close(a->bits);
    task_close(bank);
    series_release(&a->series);
    mem_free(a->latency);
    return rc;
}

int audit_run(struct store *s, const struct run_row *r,
              void (*say)(void *user, const char *line), void *user, int *unknown, struct err *e)
{
    struct task_list l = {0};
    int n = 0, rc = query_tasks(s, r->id, &l, e);

    for (size_t i = 0; i < l.n && rc == 0; i++) {
        struct audit a = {.run = r, .task = &l.v[i], .say = say, .user = user};
        rc = audit_task(&a, s, e);
        n += a.n;
        *unknown += a.unknown;
    }
    task_list_release(&l);
    if (rc == 0) {
        rc = audit_speed(s, r, say, user, e);
        n += rc > 0 ? rc : 0;
    }
    return rc < 0 ? -1 : n;
}
