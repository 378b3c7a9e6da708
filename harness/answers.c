#include "harness/answers.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/groups.h"
#include "harness/stats.h"

/* Fewer clusters than these say nothing of how clusters vary. */
enum { PARTS_LEAST = 5 };

/* Appends the items of one task. */
static int read_task(struct answers *out, struct store *s, const char *run,
                     const struct task_row *t, const char *metric, int part, double **latencies,
                     size_t *n_latencies, size_t *cap, struct err *e)
{
    int nats = metric && strcmp(metric, NATS_PER_BYTE) == 0;
    const struct store_value *v =
        nats || !metric ? (t->n_values ? &t->values[0] : NULL) : task_row_value(t, metric, NULL);
    struct pair_row_list l = {0};
    int rc = -1;

    if (!v)
        return 0;
    if (query_pair_rows(s, run, t->task, v->metric, v->filter, &l, e) < 0)
        return -1;
    if (mem_grow(&out->v, &out->cap, out->n + l.n + 1, sizeof *out->v) < 0)
        goto nomem;
    for (size_t i = 0; i < l.n; i++) {
        const struct pair_row *r = &l.v[i];
        double value = nats ? r->nats : r->value, weight = nats ? r->bytes : r->weight;
        const char *hash = arena_strdup(&out->texts, r->prompt_hash);
        if (r->prompt_hash && !hash)
            goto nomem;
        if (isnan(value) || !(weight > 0))
            continue;
        out->v[out->n++] = (struct answer_row){part, r->doc_id, hash, value, weight};
    }
    rc = query_latencies(s, run, t->task, latencies, n_latencies, cap, e);
    pair_row_list_release(&l);
    return rc;
nomem:
    pair_row_list_release(&l);
    return err_nomem(e);
}

int answers_read(struct answers *out, struct store *s, const char *run, const char *benchmark,
                 const char *metric, struct err *e)
{
    struct run_list of = {0};
    struct task_list tasks = {0};
    double *latencies = NULL, energy = 0, computed = 0, generated = 0, items = 0;
    size_t n = 0, cap = 0;
    int rc = query_tasks(s, run, &tasks, e) < 0 || query_run(s, run, &of, e) < 0 ? -1 : 0, part = 0;

    *out = (struct answers){.latency_s = NAN, .energy_j = NAN, .computed_tokens = NAN,
                            .generated_tokens = NAN, .shots = -1};
    for (size_t i = 0; i < tasks.n && rc == 0; i++) {
        const struct task_row *t = &tasks.v[i];
        if (strcmp(t->task, benchmark) != 0 && !group_has(benchmark, of.v->settings, t->task))
            continue;
        out->shots = part == 0 || out->shots == t->shots ? t->shots : -1;
        energy += task_row_cost(t, "energy_j");
        computed += task_row_cost(t, "computed_tokens");
        generated += task_row_cost(t, "generated_tokens");
        items += task_row_items(t);
        rc = read_task(out, s, run, t, metric, part++, &latencies, &n, &cap, e);
    }
    if (rc == 0 && n) {
        stats_sort(latencies, n);
        out->latency_s = stats_median(latencies, n);
    }
    if (items > 0) {
        out->energy_j = energy / items;
        out->computed_tokens = computed / items;
        out->generated_tokens = generated / items;
    }
    mem_free(latencies);
    run_list_release(&of);
    task_list_release(&tasks);
    if (rc < 0)
        answers_release(out);
    return rc;
}

void answers_release(struct answers *a)
{
    mem_free(a->v);
    arena_release(&a->texts);
    *a = (struct answers){0};
}

double answers_score(const struct answers *a, const size_t *index, size_t n)
{
    double value = 0, weight = 0;

    for (size_t i = 0; i < n; i++) {
        const struct answer_row *r = &a->v[index ? index[i] : i];
        value += r->value;
        weight += r->weight;
    }
    return weight > 0 ? value / weight : NAN;
}

/* Before, the same, after. */
static int order(const struct answer_row *a, const struct answer_row *b)
{
    if (a->part != b->part)
        return a->part < b->part ? -1 : 1;
    return (a->doc_id > b->doc_id) - (a->doc_id < b->doc_id);
}

/* Moves *from to where r is or would be; 1: it is there.  Both lists are in order. */
static int asks(const struct answers *a, size_t *from, const struct answer_row *r)
{
    while (*from < a->n && order(&a->v[*from], r) < 0)
        ++*from;
    return *from < a->n && order(&a->v[*from], r) == 0;
}

static int same_words(const struct answer_row *a, const struct answer_row *b)
{
    return !a->prompt_hash || !b->prompt_hash || strcmp(a->prompt_hash, b->prompt_hash) == 0;
}

void answers_join(struct answers *const *all, int k, size_t *differ)
{
    size_t kept = 0;

    *differ = 0;
    for (int i = 1; i < k; i++) { /* the first keeps what all others have */
        size_t from = 0;
        kept = 0;
        for (size_t r = 0; r < all[0]->n; r++)
            if (asks(all[i], &from, &all[0]->v[r]))
                all[0]->v[kept++] = all[0]->v[r];
        all[0]->n = kept;
    }
    for (int i = 1; i < k; i++) { /* and the others what the first has */
        size_t from = 0;
        for (size_t r = 0; r < all[0]->n; r++) {
            (void)asks(all[i], &from, &all[0]->v[r]);
            *differ += !same_words(&all[i]->v[from], &all[0]->v[r]);
            all[i]->v[r] = all[i]->v[from];
        }
        all[i]->n = all[0]->n;
    }
}

int answers_add_up_parts(struct answers *a)
{
    size_t parts = 0, kept = 0;

    for (size_t i = 0; i < a->n; i++) /* rows of a part stand together */
        parts += i == 0 || a->v[i].part != a->v[i - 1].part;
    if (parts < PARTS_LEAST)
        return 0;
    for (size_t i = 0; i < a->n; i++) {
        struct answer_row *last = kept ? &a->v[kept - 1] : NULL;
        if (last && last->part == a->v[i].part) {
            last->value += a->v[i].value;
            last->weight += a->v[i].weight;
        } else {
            a->v[kept++] = a->v[i];
        }
    }
    a->n = kept;
    return 1;
}

int answers_prompt_hash(const struct answers *a, char hex[SHA256_HEX], struct err *e)
{
    struct sha256 *s = NULL;
    int known = 1;

    if (sha256_begin(&s, e) < 0)
        return -1;
    for (size_t i = 0; i < a->n && known; i++) {
        const char *hash = a->v[i].prompt_hash;
        known = hash != NULL;
        if (known && sha256_update(s, hash, strlen(hash), e) < 0)
            break; /* final tells */
    }
    if (sha256_final(s, hex, e) < 0)
        return -1;
    if (!known)
        hex[0] = 0;
    return 0;
}
