/* summary_read.c -- stored runs to entries and speeds: which count, which belong together, and what
 * each is called. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/factscore.h"
#include "harness/groups.h"
#include "harness/summary_impl.h"

static int same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void *take(struct summary *s, size_t n, size_t size)
{
    return arena_alloc(&s->report->arena, (n + 1) * size);
}

/* --- runs --------------------------------------------------------------------------------- */

/* What is not JSON says nothing; *out stays NULL. */
static int parse(const char *json, cJSON **out, struct err *e)
{
    struct err why = ERR_NONE;

    *out = json ? json_parse(json, strlen(json), "", &why) : NULL;
    return why.code == ERR_NOMEM ? err_nomem(e) : 0;
}

static int read_run(struct shown_run *r, struct store *store, struct err *e)
{
    if (parse(r->run->settings, &r->settings, e) < 0 ||
        parse(r->run->machine_json, &r->machine, e) < 0 ||
        parse(r->run->noise_after, &r->noise, e) < 0 ||
        query_tasks(store, r->run->id, &r->tasks, e) < 0)
        return -1;
    if (query_bench(store, r->run->id, &r->bench, e) < 0)
        return -1;
    return query_energy(store, r->run->id, &r->energy, e);
}

static void name_runs(struct summary *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct shown_run *r = &s->runs[i];
        const struct store_model *m = &r->run->model;
        const char *name = m->name ? m->name : "(no name)";
        const char *numerics = r->run->numerics_id;
        int shared = 0;
        for (size_t k = 0; k < s->n; k++)
            shared |= same_text(s->runs[k].run->model.name, m->name) &&
                      !same_text(s->runs[k].run->model.sha256, m->sha256);
        if (!m->sha256)
            name = report_fmt(s->report, "%s (imported)", name);
        else if (shared)
            name = report_fmt(s->report, "%s [%.8s]", name, m->sha256);
        r->model = name;
        r->name = !numerics || strncmp(numerics, "exact/", 6) == 0
                      ? name
                      : report_fmt(s->report, "%s (%s)", name, numerics);
    }
}

static int read_runs(struct summary *s, struct store *store, const struct run_row *runs, size_t n,
                     struct err *e)
{
    s->runs = mem_calloc(n + 1, sizeof *s->runs);
    s->left_out = mem_calloc(n + 1, sizeof *s->left_out);
    if (!s->runs || !s->left_out)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(runs[i].status, "complete") != 0) {
            s->left_out[s->n_left_out++] = &runs[i];
            continue;
        }
        s->runs[s->n].run = &runs[i];
        if (read_run(&s->runs[s->n++], store, e) < 0)
            return -1;
    }
    name_runs(s);
    return 0;
}

static int nothing_complete(const struct summary *s, struct store *store, struct err *e)
{
    const struct run_row *r = s->n_left_out ? s->left_out[0] : NULL;

    if (!r) {
        err_set(e, ERR_NOTFOUND, "%s: no run to report on", store_path(store));
        err_hint(e, "'densimeter eval' and 'densimeter bench' store some");
        return -1;
    }
    err_set(e, ERR_NOTFOUND, "%s: no complete run to report on; run %s is %s (%d of %d items)",
            store_path(store), r->id, r->status, r->n_items, r->n_expected);
    err_hint(e, "the same command line goes on with it; 'densimeter show %s' shows what it has",
             r->id);
    return -1;
}

/* --- which belong together ---------------------------------------------------------------- */

/* The settings that change what is asked; how long a context may be is the model's matter. */
static int asked_alike(const struct shown_run *a, const struct shown_run *b)
{
    return json_bool(a->settings, "chat", 0) == json_bool(b->settings, "chat", 0) &&
           same_text(json_str(a->settings, "system"), json_str(b->settings, "system")) &&
           same_text(json_str(a->settings, "sampling"), json_str(b->settings, "sampling"));
}

static int comparable(const struct entry *a, const struct entry *b)
{
    return strcmp(a->row->task, b->row->task) == 0 && a->row->version == b->row->version &&
           a->row->shots == b->row->shots && a->n == b->n &&
           same_text(a->row->data_sha256, b->row->data_sha256) &&
           a->run->run->seed == b->run->run->seed && asked_alike(a->run, b->run);
}

static int same_subject(const struct run_row *a, const struct run_row *b)
{
    return same_text(a->model.name, b->model.name) &&
           same_text(a->model.sha256, b->model.sha256) &&
           same_text(a->numerics_id, b->numerics_id) && same_text(a->device, b->device) &&
           same_text(a->machine_name, b->machine_name) && same_text(a->source, b->source);
}

static int repeats(const struct entry *a, const struct entry *b)
{
    return same_subject(a->run->run, b->run->run) && a->run->run->threads == b->run->run->threads &&
           same_text(a->run->run->settings_hash, b->run->run->settings_hash) && comparable(a, b);
}

static int same_test(const struct speed *a, const struct speed *b)
{
    return same_subject(a->run->run, b->run->run) && strcmp(a->row->test, b->row->test) == 0 &&
           a->row->depth == b->row->depth && a->row->batch == b->row->batch &&
           a->row->threads == b->row->threads && same_text(a->row->device, b->row->device) &&
           same_text(a->row->rival, b->row->rival);
}

/* --- entries ------------------------------------------------------------------------------ */

static int items_of(const struct task_row *t)
{
    return t->n_scored >= 0 ? t->n_scored : t->n;
}

static double group_cost(const struct group_score *g, const char *metric)
{
    int peak = strcmp(metric, "peak_rss_bytes") == 0;
    double sum = 0;

    for (size_t i = 0; i < g->n_tasks; i++) {
        double v = task_row_cost(g->tasks[i], metric);
        if (isnan(v))
            return NAN;
        sum = peak ? fmax(sum, v) : sum + v;
    }
    return sum;
}

/* The tasks of a group in one run as if they were one task: pooled scores, summed costs. */
static struct task_row *group_row(struct summary *s, const struct group_score *g, struct err *e)
{
    static const char *const summed[] = {"wall_s", "prompt_tokens", "computed_tokens",
                                         "reused_tokens", "generated_tokens", "energy_j",
                                         "peak_rss_bytes"};
    enum { COSTS = sizeof summed / sizeof summed[0] };
    const struct task_row *t = g->tasks[0];
    struct task_row *row = take(s, 1, sizeof *row);
    struct store_value *values = take(s, g->n, sizeof *values);
    struct store_cost *costs = take(s, COSTS, sizeof *costs);

    if (!row || !values || !costs) {
        err_nomem(e);
        return NULL;
    }
    *row = (struct task_row){.task = report_fmt(s->report, "%s", g->name), .version = t->version,
                             .shots = t->shots, .n_scored = -1, .values = values,
                             .n_values = (int)g->n, .costs = costs, .n_costs = COSTS};
    for (size_t i = 0; i < g->n; i++)
        values[i] = (struct store_value){g->v[i].metric, g->v[i].filter, g->v[i].pooled.value,
                                         g->v[i].pooled.stderr_, NAN, NAN};
    for (int c = 0; c < COSTS; c++)
        costs[c] = (struct store_cost){summed[c], group_cost(g, summed[c])};
    for (size_t i = 0; i < g->n_tasks; i++) {
        row->n += items_of(g->tasks[i]);
        row->n_expected += g->tasks[i]->n_expected;
    }
    return row;
}

/* One task alone is not said twice. */
static int is_shown(const struct group_score *g)
{
    return g->n > 0 && g->n_tasks > 1;
}

/* 1 when a group before `end` that is shown has the task. */
static int is_member(const struct group_scores *groups, size_t end, const struct task_row *t)
{
    for (size_t i = 0; i < end; i++)
        for (size_t k = 0; k < groups->v[i].n_tasks; k++)
            if (groups->v[i].tasks[k] == t && is_shown(&groups->v[i]))
                return 1;
    return 0;
}

static struct entry *add_entry(struct summary *s, const struct shown_run *r,
                               const struct task_row *t, int member, int latest)
{
    struct entry x = {.run = r, .row = t, .n = items_of(t), .member = member,
                      .order = (int)s->n_entries, .latency = {NAN, NAN, NAN}};

    for (size_t i = 0; i < s->n_entries && latest; i++)
        if (repeats(&s->entries[i], &x))
            return NULL;
    s->entries[s->n_entries] = x;
    return &s->entries[s->n_entries++];
}

static int add_group(struct summary *s, const struct shown_run *r, const struct group_score *g,
                     int member, int latest, struct err *e)
{
    const struct task_row *row = group_row(s, g, e), **tasks = take(s, g->n_tasks, sizeof *tasks);
    struct entry *x;

    if (!row)
        return -1;
    if (!tasks)
        return err_nomem(e);
    memcpy(tasks, g->tasks, g->n_tasks * sizeof *tasks);
    x = add_entry(s, r, row, member, latest);
    if (x) {
        x->tasks = tasks;
        x->n_tasks = g->n_tasks;
    }
    return 0;
}

/* A group comes before its first task. */
static int add_run(struct summary *s, const struct shown_run *r, const struct group_scores *groups,
                   int latest, struct err *e)
{
    for (size_t k = 0; k < r->tasks.n; k++) {
        const struct task_row *t = &r->tasks.v[k];
        for (size_t g = 0; g < groups->n; g++)
            if (is_shown(&groups->v[g]) && groups->v[g].tasks[0] == t &&
                add_group(s, r, &groups->v[g], is_member(groups, g, t), latest, e) < 0)
                return -1;
        add_entry(s, r, t, is_member(groups, groups->n, t), latest);
    }
    return 0;
}

static int make_entries(struct summary *s, int latest, struct err *e)
{
    struct group_scores *groups = mem_calloc(s->n + 1, sizeof *groups);
    size_t most = 0;
    int rc = groups ? 0 : err_nomem(e);

    for (size_t i = 0; i < s->n && rc == 0; i++) {
        rc = groups_score(&groups[i], s->runs[i].run->settings, &s->runs[i].tasks, e);
        most += s->runs[i].tasks.n + groups[i].n;
    }
    if (rc == 0 && !(s->entries = take(s, most, sizeof *s->entries)))
        rc = err_nomem(e);
    for (size_t i = 0; i < s->n && rc == 0; i++)
        rc = add_run(s, &s->runs[i], &groups[i], latest, e);
    for (size_t i = 0; groups && i < s->n; i++)
        groups_release(&groups[i]);
    mem_free(groups);
    return rc;
}

static int make_speeds(struct summary *s, int latest, struct err *e)
{
    size_t most = 0;

    for (size_t i = 0; i < s->n; i++)
        most += s->runs[i].bench.n;
    s->speeds = take(s, most, sizeof *s->speeds);
    if (!s->speeds)
        return err_nomem(e);
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->runs[i].bench.n; k++) {
            const struct shown_run *r = &s->runs[i];
            const struct store_bench *b = &r->bench.v[k];
            struct speed x = {.run = r, .row = b, .order = (int)s->n_speeds, .name = r->model};
            int again = 0;
            x.program = b->rival              ? b->rival
                        : r->run->numerics_id ? r->run->numerics_id
                                              : r->run->source;
            for (size_t m = 0; m < s->n_speeds && latest; m++)
                again |= same_test(&s->speeds[m], &x);
            if (!again)
                s->speeds[s->n_speeds++] = x;
        }
    return 0;
}

/* --- order and names ---------------------------------------------------------------------- */

static double model_size(const struct run_row *r)
{
    return r->model.file_bytes > 0   ? (double)r->model.file_bytes
           : r->model.parameters > 0 ? (double)r->model.parameters
                                     : INFINITY;
}

int by_model(const struct shown_run *a, const struct shown_run *b)
{
    double p = model_size(a->run), q = model_size(b->run);

    return p != q ? (p < q ? -1 : 1) : strcmp(a->model, b->model);
}

static int by_condition(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int c = x->rank != y->rank ? x->rank - y->rank : by_model(x->run, y->run);

    return c ? c : x->order - y->order;
}

static int by_test(const void *a, const void *b)
{
    const struct speed *x = a, *y = b;
    int c = strcmp(x->row->test, y->row->test);

    c = c ? c : by_model(x->run, y->run);
    return c ? c : x->order - y->order;
}

static int by_part_name(const void *a, const void *b)
{
    return strcmp(((const struct fact_part *)a)->name, ((const struct fact_part *)b)->name);
}

/* What sets a condition apart from others of its task is said only where there are others. */
static const char *condition_name(struct summary *s, const struct entry *x)
{
    int others = 0, with_n = 0, with_shots = 0, with_chat = 0, with_version = 0;
    const char *name = x->row->task;

    for (size_t i = 0; i < s->n_entries; i++) {
        const struct entry *y = &s->entries[i];
        if (y->rank == x->rank || strcmp(y->row->task, name) != 0)
            continue;
        others++;
        with_n |= y->n != x->n;
        with_shots |= y->row->shots != x->row->shots;
        with_version |= y->row->version != x->row->version;
        with_chat |= json_bool(y->run->settings, "chat", 0) !=
                     json_bool(x->run->settings, "chat", 0);
    }
    if (with_n)
        name = report_fmt(s->report, "%s, %d items", name, x->n);
    if (with_shots)
        name = report_fmt(s->report, "%s, %d shots", name, x->row->shots);
    if (with_version)
        name = report_fmt(s->report, "%s, version %d", name, x->row->version);
    if (with_chat)
        name = report_fmt(s->report, "%s, %s", name,
                          json_bool(x->run->settings, "chat", 0) ? "chat" : "plain text");
    if (others && !with_n && !with_shots && !with_chat && !with_version)
        name = report_fmt(s->report, "%s as in run %s", name, x->run->run->id);
    return name;
}

static void order_entries(struct summary *s)
{
    for (size_t i = 0; i < s->n_entries; i++) {
        struct entry *x = &s->entries[i];
        x->rank = (int)i;
        for (size_t k = i; k-- > 0 && x->rank == (int)i;)
            if (comparable(&s->entries[k], x))
                x->rank = s->entries[k].rank;
    }
    qsort(s->entries, s->n_entries, sizeof *s->entries, by_condition);
    for (size_t i = 0; i < s->n_entries; i++) {
        struct entry *x = &s->entries[i];
        x->condition = i && s->entries[i - 1].rank == x->rank ? s->entries[i - 1].condition
                                                              : condition_name(s, x);
        x->name = x->run->name;
        for (size_t k = 0; k < s->n_entries; k++)
            if (k != i && s->entries[k].rank == x->rank &&
                strcmp(s->entries[k].run->name, x->run->name) == 0)
                x->name = report_fmt(s->report, "%s, run %s", x->run->name, x->run->run->id);
    }
}

static void order_speeds(struct summary *s)
{
    qsort(s->speeds, s->n_speeds, sizeof *s->speeds, by_test);
    for (size_t i = 0; i < s->n_speeds; i++) {
        struct speed *x = &s->speeds[i];
        for (size_t k = 0; k < s->n_speeds; k++) {
            const struct speed *y = &s->speeds[k];
            if (k != i && strcmp(x->run->model, y->run->model) == 0 &&
                strcmp(x->row->test, y->row->test) == 0 && same_text(x->program, y->program))
                x->name = report_fmt(s->report, "%s, run %s", x->run->model, x->run->run->id);
        }
    }
}

/* --- items -------------------------------------------------------------------------------- */

struct samples {
    double *v;
    size_t n, cap;
};

static int entry_latency(struct store *store, struct entry *x, struct err *e)
{
    struct samples samples = {0};
    double median = task_row_cost(x->row, "latency_median_s");
    int rc = 0;

    if (!isnan(median)) { /* kept when the task was finished: a series is read without its items */
        x->latency = (struct reading){median, task_row_cost(x->row, "latency_low_s"),
                                      task_row_cost(x->row, "latency_high_s")};
        return 0;
    }
    for (size_t i = 0; i < (x->tasks ? x->n_tasks : 1) && rc == 0; i++)
        rc = query_latencies(store, x->run->run->id, x->tasks ? x->tasks[i]->task : x->row->task,
                             &samples.v, &samples.n, &samples.cap, e);
    if (rc == 0 && samples.n) {
        struct interval range;
        double coverage;
        stats_sort(samples.v, samples.n);
        range = stats_median_interval(samples.v, samples.n, 0.95, &coverage);
        x->latency = (struct reading){stats_median(samples.v, samples.n), range.low, range.high};
    }
    mem_free(samples.v);
    return rc;
}

static int is_part(const struct store_value *v)
{
    return strcmp(v->metric, "bits_per_fact") == 0 && strcmp(v->filter, "none") != 0;
}

static void count_part(struct entry *x, const char *kind, const char *name)
{
    for (int i = 0; i < x->n_parts; i++)
        if (strcmp(x->parts[i].name, name) == 0) {
            x->parts[i].kind = kind;
            x->parts[i].n++;
            return;
        }
}

/* The bank in this program asked the entry's facts. */
int asked_by_bank(const struct summary *s, const struct entry *x)
{
    return x->row->version == FACTS_VERSION &&
           (!x->row->data_sha256 || strcmp(x->row->data_sha256, s->bank_sha256) == 0);
}

/* How many of the items are in each part. */
static int count_parts(struct summary *s, struct store *store, struct entry *x,
                       const struct facts *bank, struct err *e)
{
    struct item_filter f = {.task = x->row->task};
    struct item_iter *it = NULL;
    struct store_item row;
    int rc;

    if (!asked_by_bank(s, x))
        return 0;
    for (int i = 0; i < x->n_parts; i++)
        x->parts[i].n = 0;
    rc = query_items(store, x->run->run->id, &f, &it, e);
    while (rc == 0 && (rc = item_iter_next(it, &row, e)) > 0) {
        rc = 0;
        if (row.doc_id >= 0 && row.doc_id < facts_count(bank)) {
            struct fact_info fact = facts_info(bank, row.doc_id);
            count_part(x, "language", fact.language);
            count_part(x, "domain", fact.domain);
            count_part(x, "band", fact.band);
        }
    }
    item_iter_close(it);
    return rc;
}

static int entry_parts(struct summary *s, struct store *store, struct entry *x,
                       const struct facts *bank, struct err *e)
{
    x->parts = take(s, (size_t)x->row->n_values, sizeof *x->parts);
    if (!x->parts)
        return err_nomem(e);
    for (int i = 0; i < x->row->n_values; i++)
        if (is_part(&x->row->values[i]))
            x->parts[x->n_parts++] = (struct fact_part){NULL, x->row->values[i].filter, -1};
    if (!x->n_parts)
        return 0;
    qsort(x->parts, (size_t)x->n_parts, sizeof *x->parts, by_part_name);
    if (count_parts(s, store, x, bank, e) < 0)
        return -1;
    for (int i = 0; i < x->n_parts; i++)
        x->parts[i].kind = report_str(s->report, x->parts[i].kind);
    return 0;
}

/* Kinds and digests are copied, so the bank may go. */
static int read_parts(struct summary *s, struct store *store, struct err *e)
{
    struct facts *bank = NULL;
    int rc = 0;

    if (!any_entry(s, "knowledge_bits"))
        return 0;
    if (facts_open(&bank, 0, e) < 0)
        return -1;
    s->bank_items = facts_count(bank);
    s->bank_sha256 = report_str(s->report, facts_sha256(bank));
    if (!s->bank_sha256)
        rc = err_nomem(e);
    for (size_t i = 0; i < s->n_entries && rc == 0; i++)
        rc = entry_parts(s, store, &s->entries[i], bank, e);
    facts_close(bank);
    return rc;
}

int summary_read(struct summary *s, struct store *store, const struct run_row *runs, size_t n,
                 int latest, struct err *e)
{
    if (read_runs(s, store, runs, n, e) < 0)
        return -1;
    if (!s->n)
        return nothing_complete(s, store, e);
    if (make_entries(s, latest, e) < 0 || make_speeds(s, latest, e) < 0)
        return -1;
    order_entries(s);
    order_speeds(s);
    for (size_t i = 0; i < s->n_entries; i++)
        if (entry_latency(store, &s->entries[i], e) < 0)
            return -1;
    if (read_parts(s, store, e) < 0)
        return -1;
    return report_ok(s->report, e);
}

void summary_release(struct summary *s)
{
    for (size_t i = 0; i < s->n; i++) {
        task_list_release(&s->runs[i].tasks);
        bench_list_release(&s->runs[i].bench);
        energy_list_release(&s->runs[i].energy);
        json_free(s->runs[i].settings);
        json_free(s->runs[i].machine);
        json_free(s->runs[i].noise);
    }
    mem_free(s->runs);
    mem_free(s->left_out);
}
