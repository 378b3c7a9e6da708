#include "harness/trend_runs.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/benchmark.h"
#include "harness/groups.h"

#define OWN_HARNESS "densimeter"

/* The longest published name that `name` begins with, whatever its case. */
static const struct published_row *named_like(const struct published *p, const char *name)
{
    const struct published_row *best = NULL;
    size_t best_length = 0;

    for (size_t i = 0; name && i < published_n(p); i++) {
        const struct published_row *row = published_at(p, i);
        size_t n = strlen(row->model), k = 0;
        while (k < n && tolower((unsigned char)row->model[k]) == tolower((unsigned char)name[k]))
            k++;
        if (k == n && n > best_length && !isalnum((unsigned char)name[n])) {
            best = row;
            best_length = n;
        }
    }
    return best;
}

/* Names of tuned models say so; one that does not is taken for a base model. */
static const char *variant_of(const char *name)
{
    static const char *const tuned[] = {"instruct", "chat", "-it"};

    for (size_t i = 0; name && i < sizeof tuned / sizeof *tuned; i++)
        if (strstr(name, tuned[i]))
            return "instruct";
    return "base";
}

static double share_right(const struct task_list *l, size_t i, struct err *e)
{
    static const char *const metrics[] = {"acc", "exact_match"};
    const char *group = group_of(l->v[i].task);

    for (size_t k = 0; k < 2; k++) {
        const struct store_value *v = task_row_value(&l->v[i], metrics[k], NULL);
        struct part pooled;
        if (!v)
            continue;
        if (!group)
            return v->value;
        return group_pool(l, group, v->metric, v->filter, &pooled, e) < 0 ? NAN : pooled.value;
    }
    return NAN;
}

static int add_scores(struct trend_own *o, struct published_row *row, const struct task_list *l,
                      struct err *e)
{
    struct published_score *scores =
        arena_alloc(&o->arena, (l->n ? l->n : 1) * sizeof *scores);

    if (!scores)
        return err_nomem(e);
    row->scores = scores;
    for (size_t i = 0; i < l->n; i++) {
        const char *group = group_of(l->v[i].task);
        const struct benchmark *b = benchmark_find(group ? group : l->v[i].task);
        double share;
        if (!b || published_score(row, b->name) || (group && !group_begins(l, i)))
            continue;
        share = share_right(l, i, e);
        if (!isnan(share))
            scores[row->n_scores++] = (struct published_score){
                .benchmark = b->name, .value = 100 * share, .shots = l->v[i].shots};
    }
    return 0;
}

static double known(int64_t count)
{
    return count > 0 ? (double)count : NAN;
}

static int add_run(struct trend_own *o, struct store *s, const struct published *p,
                   const struct run_row *r, struct err *e)
{
    const struct published_row *like = named_like(p, r->model.name);
    struct published_row *row = &o->rows[o->n];
    struct task_list tasks = {0};
    int rc = -1;

    *row = (struct published_row){
        .model = r->model.name ? r->model.name : r->id, .family = like ? like->family : NULL,
        .organisation = like ? like->organisation : NULL, .variant = variant_of(r->model.name),
        .released = like ? like->released : (struct published_date){0, 0, 0},
        .total_params = known(r->model.parameters),
        .active_params = known(r->model.parameters_active),
        .non_embedding_params = known(r->model.parameters_non_embedding), .training_tokens = NAN,
        .source = r->id, .confidence = "primary", .harness = OWN_HARNESS};
    if (query_tasks(s, r->id, &tasks, e) == 0)
        rc = add_scores(o, row, &tasks, e);
    task_list_release(&tasks);
    o->n += rc == 0 && row->n_scores > 0;
    return rc;
}

int trend_own_rows(struct trend_own *o, struct store *s, const struct published *p, struct err *e)
{
    const struct run_filter f = {.status = "complete"};

    memset(o, 0, sizeof *o);
    if (query_runs(s, &f, &o->runs, e) < 0)
        return -1;
    o->rows = mem_calloc(o->runs.n ? o->runs.n : 1, sizeof *o->rows);
    if (!o->rows)
        return err_nomem(e);
    for (size_t i = 0; i < o->runs.n; i++)
        if (add_run(o, s, p, &o->runs.v[i], e) < 0)
            return -1;
    return 0;
}

void trend_own_release(struct trend_own *o)
{
    mem_free(o->rows);
    run_list_release(&o->runs);
    arena_release(&o->arena);
    memset(o, 0, sizeof *o);
}

int trend_rows_join(struct trend_rows *out, const struct published *p, const struct trend_own *own,
                    int only_own, struct err *e)
{
    size_t n = published_n(p);
    const struct published_row **v = mem_alloc((n + own->n + 1) * sizeof *v);

    if (!v)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        v[i] = published_at(p, i);
    for (size_t i = 0; i < own->n; i++)
        v[n + i] = &own->rows[i];
    *out = (struct trend_rows){v, n + own->n, only_own ? n : 0};
    return 0;
}
