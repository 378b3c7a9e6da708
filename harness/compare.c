#include "harness/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "harness/groups.h"
#include "tasks/facts.h"

static const char *const levels[] = {
    [COMPARE_TASK] = "task", [COMPARE_SLICE] = "slice", [COMPARE_GROUP] = "group",
    [COMPARE_ALL] = "all",
};

const char *compare_level_name(enum compare_level l)
{
    return levels[l];
}

/* --- rows of items -------------------------------------------------------------------------- */

static struct compare_row *add_row(struct compare *c, enum compare_level level, const char *name,
                                   const struct pair_task *const *tasks, size_t n, struct err *e)
{
    struct compare_row *r;

    if (mem_grow(&c->rows, &c->cap_rows, c->n_rows + 1, sizeof *c->rows) < 0) {
        err_nomem(e);
        return NULL;
    }
    r = &c->rows[c->n_rows];
    *r = (struct compare_row){.level = level, .name = name, .memory_a = NAN, .memory_b = NAN,
                              .energy_a = NAN, .energy_b = NAN};
    for (size_t i = 0; i < n; i++)
        r->n += tasks[i]->n;
    if (paired_credit(tasks, n, c->conf, &r->credit, e) < 0 ||
        paired_nats(tasks, n, c->conf, &r->nats, e) < 0 ||
        paired_latency(tasks, n, c->conf, &r->latency, e) < 0)
        return NULL;
    c->n_rows++;
    return r;
}

static int add_task(struct compare *c, const struct pair_task *t, struct err *e)
{
    struct compare_row *r = add_row(c, COMPARE_TASK, t->task, &t, 1, e);

    if (!r)
        return -1;
    r->metric = t->metric;
    r->filter = t->filter;
    r->memory_a = task_row_cost(t->a, "peak_rss_bytes");
    r->memory_b = task_row_cost(t->b, "peak_rss_bytes");
    r->energy_a = task_row_cost(t->a, "energy_j");
    r->energy_b = task_row_cost(t->b, "energy_j");
    return 0;
}

/* --- slices of the bank of facts ------------------------------------------------------------ */

static const char *part_of(const struct fact_info *f, int way)
{
    return way == 0 ? f->language : way == 1 ? f->domain : f->band;
}

/* The pairs of one part, as a task of their own.  Clusters are found again among them. */
static int add_slice(struct compare *c, const struct pair_task *t, const struct facts *bank,
                     int way, const char *part, struct err *e)
{
    struct pair_task some = *t;
    const struct pair_task *one = &some;
    size_t *place = mem_calloc(t->n + 1, sizeof *place);
    char name[160];
    int rc = -1;

    some.n = 0;
    some.v = mem_calloc(t->n + 1, sizeof *some.v);
    if (!some.v || !place) {
        err_nomem(e);
        goto out;
    }
    for (size_t i = 0; i < t->n; i++) {
        struct fact_info f = facts_info(bank, t->v[i].doc_id);
        if (strcmp(part_of(&f, way), part) != 0)
            continue;
        some.v[some.n] = t->v[i];
        if (!place[t->v[i].first]) /* the first of its cluster here */
            place[t->v[i].first] = some.n + 1;
        some.v[some.n].first = place[t->v[i].first] - 1;
        some.n++;
    }
    snprintf(name, sizeof name, "%s: %.100s", t->task, part);
    rc = add_row(c, COMPARE_SLICE, arena_strdup(&c->arena, name), &one, 1, e) ? 0 : -1;
out:
    mem_free(some.v);
    mem_free(place);
    return rc;
}

/* Each part once, when the run asked this program's bank. */
static int add_fact_slices(struct compare *c, const struct pair_task *t, struct err *e)
{
    struct facts *bank = NULL;
    int rc = 0;

    if (strcmp(t->task, "facts") != 0 || t->a->version != FACTS_VERSION || t->n == 0)
        return 0;
    if (facts_open(&bank, 0, e) < 0)
        return -1;
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i].doc_id < 0 || t->v[i].doc_id >= facts_count(bank)) { /* of another bank */
            facts_close(bank);
            return 0;
        }
    for (int way = 0; way < 3 && rc == 0; way++)
        for (size_t i = 0; i < t->n && rc == 0; i++) {
            struct fact_info f = facts_info(bank, t->v[i].doc_id), before;
            int seen = 0;
            for (size_t k = 0; k < i && !seen; k++) {
                before = facts_info(bank, t->v[k].doc_id);
                seen = strcmp(part_of(&before, way), part_of(&f, way)) == 0;
            }
            if (!seen)
                rc = add_slice(c, t, bank, way, part_of(&f, way), e);
        }
    facts_close(bank);
    return rc;
}

/* --- all rows ------------------------------------------------------------------------------- */

static size_t all_tasks(const struct compare *c, const struct pair_task **out)
{
    for (size_t i = 0; i < c->pairs.n_tasks; i++)
        out[i] = &c->pairs.tasks[i];
    return c->pairs.n_tasks;
}

static int has_row(const struct compare *c, enum compare_level level, const char *name)
{
    for (size_t i = 0; i < c->n_rows; i++)
        if (c->rows[i].level == level && strcmp(c->rows[i].name, name) == 0)
            return 1;
    return 0;
}

/* Items are paired, so that every question counts; eval's number of the group is another where its
 * file weighs the tasks alike. */
static const char *group_row_name(struct compare *c, const struct group_score *g)
{
    char name[160];

    snprintf(name, sizeof name, "%.120s%s", g->name,
             g->n && !g->v[0].by_size ? " (each question alike)" : "");
    return arena_strdup(&c->arena, name);
}

static int add_groups(struct compare *c, const struct pair_task **some, struct err *e)
{
    struct group_scores groups;
    int rc = 0;

    if (groups_score(&groups, c->a->settings, &c->pairs.a_tasks, e) < 0)
        return -1;
    for (size_t i = 0; i < groups.n && rc == 0; i++) {
        const struct group_score *g = &groups.v[i];
        size_t n = pairs_of_group(&c->pairs, g, some);
        const char *name = group_row_name(c, g);
        if (!name)
            rc = err_nomem(e);
        else if (n > 1 && !has_row(c, COMPARE_GROUP, name) &&
                 !add_row(c, COMPARE_GROUP, name, some, n, e))
            rc = -1;
    }
    groups_release(&groups);
    return rc;
}

static int add_rows(struct compare *c, struct err *e)
{
    size_t n = c->pairs.n_tasks;
    const struct pair_task **some = mem_calloc(n + 1, sizeof(struct pair_task *));
    int rc = some ? 0 : err_nomem(e);

    if (rc == 0 && n > 1 && !add_row(c, COMPARE_ALL, "all", some, all_tasks(c, some), e))
        rc = -1;
    if (rc == 0)
        rc = add_groups(c, some, e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = add_task(c, &c->pairs.tasks[i], e);
        if (rc == 0)
            rc = add_fact_slices(c, &c->pairs.tasks[i], e);
    }
    mem_free(some);
    return rc;
}

/* --- benches -------------------------------------------------------------------------------- */

static int same_test(const struct store_bench *x, const struct store_bench *y)
{
    return strcmp(x->test, y->test) == 0 && x->depth == y->depth && x->batch == y->batch &&
           strcmp(x->rival ? x->rival : "", y->rival ? y->rival : "") == 0;
}

static const struct store_bench *find_test(const struct bench_list *l, const struct store_bench *x)
{
    for (size_t i = 0; i < l->n; i++)
        if (same_test(&l->v[i], x))
            return &l->v[i];
    return NULL;
}

static int missing_test(const struct bench_list *l, const struct bench_list *other, const char *has,
                        const char *has_not, struct err *e)
{
    for (size_t i = 0; i < l->n; i++)
        if (!find_test(other, &l->v[i]))
            return err_set(e, ERR_INVALID, "run %s has test %s at depth %d, batch %d, run %s has "
                           "not", has, l->v[i].test, l->v[i].depth, l->v[i].batch, has_not);
    return 0;
}

static int add_bench(struct compare *c, const struct store_bench *x, struct err *e)
{
    struct compare_bench_row r = {.a = x, .b = find_test(&c->bench_b, x)};

    /* The slower has the larger times: speed is their ratio upside down. */
    if (stats_ratio(r.b->samples, (size_t)r.b->n_samples, x->samples, (size_t)x->n_samples, c->conf,
                    &r.speed, e) < 0)
        return -1;
    if (mem_grow(&c->bench, &c->cap_bench, c->n_bench + 1, sizeof *c->bench) < 0)
        return err_nomem(e);
    c->bench[c->n_bench++] = r;
    return 0;
}

static int compare_benches(struct compare *c, struct store *s, struct err *e)
{
    if (query_bench(s, c->a->id, &c->bench_a, e) < 0 ||
        query_bench(s, c->b->id, &c->bench_b, e) < 0)
        return -1;
    bench_list_keep_whole(&c->bench_a);
    bench_list_keep_whole(&c->bench_b);
    if (c->bench_a.n == 0)
        return err_set(e, ERR_INVALID, "run %s has no finished test", c->a->id);
    if (missing_test(&c->bench_a, &c->bench_b, c->a->id, c->b->id, e) < 0 ||
        missing_test(&c->bench_b, &c->bench_a, c->b->id, c->a->id, e) < 0)
        return -1;
    for (size_t i = 0; i < c->bench_a.n; i++)
        if (add_bench(c, &c->bench_a.v[i], e) < 0)
            return -1;
    return 0;
}

/* --- both ----------------------------------------------------------------------------------- */

int compare_make(struct compare *out, struct store *s, const struct run_row *a,
                 const struct run_row *b, double conf, struct err *e)
{
    const struct gate_policy nothing_forbidden = {0};
    int bench_a = strcmp(a->kind, "bench") == 0, bench_b = strcmp(b->kind, "bench") == 0, rc;

    *out = (struct compare){.a = a, .b = b, .conf = conf};
    if (bench_a != bench_b)
        return err_set(e, ERR_INVALID, "run %s is of kind %s, run %s of kind %s", a->id, a->kind,
                       b->id, b->kind);
    if (run_complete(a, e) < 0 || run_complete(b, e) < 0 ||
        env_compare(&out->env, a, b, &nothing_forbidden, e) < 0)
        return -1;
    if (bench_a)
        rc = compare_benches(out, s, e);
    else
        rc = pairs_load(&out->pairs, s, a->id, b->id, NULL, 0, e) < 0 ? -1 : add_rows(out, e);
    if (rc < 0)
        compare_release(out);
    return rc;
}

void compare_release(struct compare *c)
{
    env_release(&c->env);
    pairs_release(&c->pairs);
    bench_list_release(&c->bench_a);
    bench_list_release(&c->bench_b);
    mem_free(c->rows);
    mem_free(c->bench);
    arena_release(&c->arena);
    *c = (struct compare){0};
}
