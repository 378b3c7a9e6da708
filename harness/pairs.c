#include "harness/pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "harness/groups.h"

int run_complete(const struct run_row *r, struct err *e)
{
    char progress[64] = "";

    if (strcmp(r->status, "complete") == 0)
        return 0;
    if (strcmp(r->kind, "eval") == 0)
        snprintf(progress, sizeof progress, " after %d of %d items", r->n_items, r->n_expected);
    if (strcmp(r->status, "running") == 0)
        return err_set(e, ERR_INVALID, "run %s is still running%s", r->id, progress);
    return err_set(e, ERR_INVALID, "run %s is %s%s%s%.120s; '%.200s' goes on with it", r->id,
                   r->status, progress, r->error ? ": " : "", r->error ? r->error : "",
                   r->command_line ? r->command_line : "densimeter");
}

/* --- which tasks, by which metric --------------------------------------------------------- */

static const struct task_row *find_task(const struct task_list *l, const char *task)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].task, task) == 0)
            return &l->v[i];
    return NULL;
}

/* Tasks of one run that the other lacks, by name; 0 when there are none. */
static int missing_tasks(const struct task_list *l, const struct task_list *other,
                         struct strbuf *names)
{
    int n = 0;

    for (size_t i = 0; i < l->n; i++)
        if (!find_task(other, l->v[i].task))
            strbuf_addf(names, "%s%s", n++ ? ", " : "", l->v[i].task);
    return n;
}

static int same_tasks(const struct pairs *p, const char *a, const char *b, struct err *e)
{
    struct strbuf names = STRBUF_INIT;
    int rc = 0;

    if (missing_tasks(&p->a_tasks, &p->b_tasks, &names))
        rc = err_set(e, ERR_INVALID, "run %s has tasks that run %s has not: %.300s", a, b,
                     strbuf_str(&names));
    else if (missing_tasks(&p->b_tasks, &p->a_tasks, &names))
        rc = err_set(e, ERR_INVALID, "run %s has tasks that run %s has not: %.300s", b, a,
                     strbuf_str(&names));
    else if (p->a_tasks.n == 0)
        rc = err_set(e, ERR_INVALID, "runs %s and %s have no tasks with items", a, b);
    if (rc < 0)
        err_hint(e, "runs are laid side by side that answered the same: eval A B "
                    "--tasks T makes them");
    strbuf_release(&names);
    return rc;
}

/* The same questions in the same form: otherwise no pair of items means anything. */
static int same_rules(const struct task_row *a, const struct task_row *b, struct err *e)
{
    if (a->version != b->version)
        return err_set(e, ERR_INVALID, "%s: version %d in the baseline, %d in the candidate",
                       a->task, a->version, b->version);
    if (a->shots != b->shots)
        return err_set(e, ERR_INVALID, "%s: %d shots in the baseline, %d in the candidate",
                       a->task, a->shots, b->shots);
    if (a->data_sha256 && b->data_sha256 && strcmp(a->data_sha256, b->data_sha256) != 0)
        return err_set(e, ERR_INVALID, "%s: the data are different (SHA-256 %.12s and %.12s)",
                       a->task, a->data_sha256, b->data_sha256);
    return 0;
}

static const struct store_value *first_pooled(const struct task_row *t)
{
    for (int i = 0; i < t->n_values; i++)
        if (group_pools(t->values[i].metric))
            return &t->values[i];
    return NULL;
}

static int choose_metric(struct pair_task *t, const struct pair_metric *m, size_t n,
                         struct err *e)
{
    const struct store_value *v = NULL;

    for (size_t i = 0; i < n; i++) {
        if (strcmp(m[i].task, t->task) != 0)
            continue;
        v = task_row_value(t->a, m[i].metric, m[i].filter);
        if (!v)
            return err_set(e, ERR_INVALID, "%s: the baseline has no %s%s%s", t->task, m[i].metric,
                           m[i].filter ? "," : "", m[i].filter ? m[i].filter : "");
    }
    if (!v)
        v = first_pooled(t->a);
    if (!v) /* then every item has a credit in the candidate only, which is told */
        v = first_pooled(t->b);
    t->metric = v ? v->metric : NULL;
    t->filter = v ? v->filter : NULL;
    return 0;
}

/* --- the join ------------------------------------------------------------------------------ */

struct keyed { /* a row in order of its hash, equal hashes in order of doc_id */
    const struct pair_row *row;
    size_t place;
};

static int by_hash(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = strcmp(x->row->doc_hash, y->row->doc_hash);

    if (order == 0)
        order = strcmp(x->row->prompt_hash, y->row->prompt_hash);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

static int same_hash(const struct pair_row *a, const struct pair_row *b)
{
    return strcmp(a->doc_hash, b->doc_hash) == 0 && strcmp(a->prompt_hash, b->prompt_hash) == 0;
}

static struct keyed *sort_rows(const struct pair_row_list *l, const char *task, struct err *e)
{
    struct keyed *k = mem_calloc(l->n + 1, sizeof *k);

    if (!k) {
        err_nomem(e);
        return NULL;
    }
    for (size_t i = 0; i < l->n; i++) {
        if (!l->v[i].doc_hash || !l->v[i].prompt_hash) {
            err_set(e, ERR_INVALID, "%s: item %d was kept without hashes, so nothing tells what it "
                    "is to be compared with", task, l->v[i].doc_id);
            mem_free(k);
            return NULL;
        }
        k[i] = (struct keyed){&l->v[i], i};
    }
    qsort(k, l->n, sizeof *k, by_hash);
    return k;
}

/* Items that only one run has, as far as a line takes them. */
struct unmatched {
    size_t n;
    struct strbuf names;
};

static void note_unmatched(struct unmatched *u, const struct pair_row *r)
{
    if (u->names.len < 240)
        strbuf_addf(&u->names, "%s%d (%.12s)", u->n ? ", " : "", r->doc_id, r->doc_hash);
    else if (u->names.len < 250)
        strbuf_adds(&u->names, ", ...");
    u->n++;
}

static int tell_unmatched(const struct unmatched *u, const char *task, const char *has,
                          const char *has_not, struct err *e)
{
    return err_set(e, ERR_INVALID, "%s: %zu item%s of run %s not in run %s: %s", task, u->n,
                   u->n == 1 ? "" : "s", has, has_not, strbuf_str(&u->names));
}

static double per_byte(const struct pair_row *r)
{
    return r->nats / r->bytes;
}

static struct pair_side side_of(const struct pair_row *r)
{
    return (struct pair_side){r->item, r->value, per_byte(r), r->latency_s};
}

static int merge(struct pair_task *t, const struct keyed *a, size_t n_a, const struct keyed *b,
                 size_t n_b, struct unmatched only[2])
{
    size_t i = 0, k = 0;

    while (i < n_a || k < n_b) {
        const struct pair_row *x = i < n_a ? a[i].row : NULL;
        const struct pair_row *y = k < n_b ? b[k].row : NULL;
        if (x && y && same_hash(x, y)) {
            t->v[a[i].place] = (struct pair){
                .doc_hash = x->doc_hash, .prompt_hash = x->prompt_hash, .cluster = x->cluster,
                .doc_id = x->doc_id, .a = side_of(x), .b = side_of(y)};
            i++, k++;
        } else if (!y || (x && by_hash(&a[i], &b[k]) < 0)) {
            note_unmatched(&only[0], x);
            i++;
        } else {
            note_unmatched(&only[1], y);
            k++;
        }
    }
    return only[0].n || only[1].n ? -1 : 0;
}

static int by_cluster(const void *a, const void *b)
{
    const struct pair *x = *(const struct pair *const *)a, *y = *(const struct pair *const *)b;
    int order = strcmp(x->cluster, y->cluster);

    return order ? order : (x > y) - (x < y);
}

static int find_clusters(struct pair_task *t, struct err *e)
{
    struct pair **sorted = mem_calloc(t->n + 1, sizeof *sorted);
    size_t n = 0;

    if (!sorted)
        return err_nomem(e);
    for (size_t i = 0; i < t->n; i++) {
        t->v[i].first = i;
        if (t->v[i].cluster)
            sorted[n++] = &t->v[i];
    }
    qsort(sorted, n, sizeof(struct pair *), by_cluster);
    for (size_t i = 1; i < n; i++)
        if (strcmp(sorted[i]->cluster, sorted[i - 1]->cluster) == 0) {
            sorted[i]->first = sorted[i - 1]->first;
            t->clustered = 1;
        }
    mem_free(sorted);
    return 0;
}

/* The pairs' texts outlive the rows they came from. */
static int keep_texts(struct arena *a, struct pair_task *t, struct err *e)
{
    for (size_t i = 0; i < t->n; i++) {
        struct pair *p = &t->v[i];
        const char *cluster = p->cluster;
        p->doc_hash = arena_strdup(a, p->doc_hash);
        p->prompt_hash = arena_strdup(a, p->prompt_hash);
        p->cluster = arena_strdup(a, cluster);
        if (!p->doc_hash || !p->prompt_hash || (cluster && !p->cluster))
            return err_nomem(e);
    }
    return 0;
}

static int join(struct pairs *p, struct pair_task *t, const struct pair_row_list *rows_a,
                const struct pair_row_list *rows_b, const char *a, const char *b, struct err *e)
{
    struct unmatched only[2] = {{0}, {0}};
    struct keyed *ka = sort_rows(rows_a, t->task, e), *kb = NULL;
    int rc = -1;

    if (!ka || !(kb = sort_rows(rows_b, t->task, e)))
        goto out;
    t->n = rows_a->n;
    t->v = arena_alloc(&p->arena, (t->n + 1) * sizeof *t->v);
    if (!t->v) {
        err_nomem(e);
        goto out;
    }
    if (merge(t, ka, rows_a->n, kb, rows_b->n, only) < 0) {
        tell_unmatched(only[0].n ? &only[0] : &only[1], t->task, only[0].n ? a : b,
                       only[0].n ? b : a, e);
        goto out;
    }
    rc = keep_texts(&p->arena, t, e) < 0 ? -1 : find_clusters(t, e);
out:
    strbuf_release(&only[0].names);
    strbuf_release(&only[1].names);
    mem_free(ka);
    mem_free(kb);
    return rc;
}

static int load_task(struct pairs *p, struct pair_task *t, struct store *s, const char *a,
                     const char *b, struct err *e)
{
    struct pair_row_list rows_a = {0}, rows_b = {0};
    const char *metric = t->metric ? t->metric : "", *filter = t->filter ? t->filter : "";
    int rc = -1;

    if (query_pair_rows(s, a, t->task, metric, filter, &rows_a, e) == 0 &&
        query_pair_rows(s, b, t->task, metric, filter, &rows_b, e) == 0)
        rc = join(p, t, &rows_a, &rows_b, a, b, e);
    pair_row_list_release(&rows_a);
    pair_row_list_release(&rows_b);
    return rc;
}

int pairs_load(struct pairs *out, struct store *s, const char *a, const char *b,
               const struct pair_metric *metrics, size_t n_metrics, struct err *e)
{
    *out = (struct pairs){0};
    if (query_tasks(s, a, &out->a_tasks, e) < 0 || query_tasks(s, b, &out->b_tasks, e) < 0 ||
        same_tasks(out, a, b, e) < 0)
        goto failed;
    out->n_tasks = out->a_tasks.n;
    out->tasks = arena_alloc(&out->arena, out->n_tasks * sizeof *out->tasks);
    if (!out->tasks) {
        err_nomem(e);
        goto failed;
    }
    for (size_t i = 0; i < out->n_tasks; i++) {
        struct pair_task *t = &out->tasks[i];
        t->a = &out->a_tasks.v[i];
        t->task = t->a->task;
        t->b = find_task(&out->b_tasks, t->task);
        if (same_rules(t->a, t->b, e) < 0 || choose_metric(t, metrics, n_metrics, e) < 0 ||
            load_task(out, t, s, a, b, e) < 0)
            goto failed;
        out->n += t->n;
    }
    return 0;
failed:
    pairs_release(out);
    return -1;
}

void pairs_release(struct pairs *p)
{
    task_list_release(&p->a_tasks);
    task_list_release(&p->b_tasks);
    arena_release(&p->arena);
    *p = (struct pairs){0};
}
