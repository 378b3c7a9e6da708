#include "harness/density_list.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"

void density_list_release(struct density_list *l)
{
    mem_free(l->v);
    arena_release(&l->texts);
    *l = (struct density_list){0};
}

/* Densities in order; without one, by what is known of N^. */
static int compare(const void *a, const void *b, enum density_per per)
{
    const struct density *x = a, *y = b;
    double vx = density_value(x, per).value, vy = density_value(y, per).value;

    if (!x->refused[0] != !y->refused[0])
        return x->refused[0] ? 1 : -1;
    if (isnan(vx) != isnan(vy))
        return isnan(vx) ? 1 : -1;
    if (vx != vy && !isnan(vx))
        return vx > vy ? -1 : 1;
    return strcmp(x->model, y->model);
}

void density_list_sort(struct density_list *l)
{
    for (size_t i = 1; i < l->n; i++) { /* stable, and a few hundred rows at most */
        struct density x = l->v[i];
        size_t k = i;
        for (; k > 0 && compare(&l->v[k - 1], &x, l->per) > 0; k--)
            l->v[k] = l->v[k - 1];
        l->v[k] = x;
    }
}

static int same_model(const struct density *a, const struct density *b)
{
    return strcmp(a->subject, b->subject) == 0;
}

int density_group(const struct density_list *l, size_t i, const struct density **group)
{
    int n = 0;

    for (size_t k = 0; k < i; k++)
        if (same_model(&l->v[k], &l->v[i]))
            return 0;
    for (size_t k = i; k < l->n; k++)
        if (same_model(&l->v[k], &l->v[i]))
            group[n++] = &l->v[k];
    return n;
}

static int wanted(const char *model, const char *const *words, int n_words)
{
    for (int i = 0; i < n_words; i++)
        if (strncmp(model, words[i], strlen(words[i])) == 0)
            return 1;
    return n_words == 0;
}

/* Every word must fit a published model, or it is a misspelling. */
static int check_words(const struct published *p, const char *const *words, int n_words,
                       struct err *e)
{
    for (int i = 0; i < n_words; i++) {
        struct suggest s = SUGGEST(words[i]);
        size_t k = 0;
        while (k < published_n(p) && !wanted(published_at(p, k)->model, &words[i], 1))
            k++;
        if (k < published_n(p))
            continue;
        err_set(e, ERR_NOTFOUND, "no published model is called '%s'", words[i]);
        published_suggest(p, &s);
        if (suggest_best(&s))
            err_hint(e, "did you mean '%s'?", suggest_best(&s));
        return -1;
    }
    return 0;
}

static void from_value(struct density *d, const struct published_value *v, const struct ruler *r)
{
    const struct benchmark *b = benchmark_find(r->benchmark);
    double p = v->score / 100;

    *d = (struct density){.model = v->row->model, .subject = v->row->model,
                          .variant = v->row->variant, .family = v->row->family, .ruler = r,
                          .released = v->released, .score = p, .score_low = v->low / 100,
                          .score_high = v->high / 100, .n_sources = v->n,
                          .n_items = b ? b->items : 0, .training_tokens = v->training_tokens,
                          .bits_per_mparam = NAN, .read_bytes = NAN};
    for (int i = 0; i < DENSITY_PERS; i++)
        d->cost[i] = NAN;
    d->cost[PER_TOTAL] = v->total_params;
    d->cost[PER_ACTIVE] = isnan(v->active_params) ? v->total_params : v->active_params;
    d->cost[PER_NON_EMBEDDING] = v->non_embedding_params;
    d->stderr_ = b && p >= 0 && p <= 1 ? sqrt(p * (1 - p) / b->items) : 0;
    density_judge(d, DENSITY_PUBLISHED_MARGIN);
}

int density_published(struct density_list *l, const struct published *p, const struct ruler *r,
                      const char *const *words, int n_words, struct err *e)
{
    const struct benchmark *b = benchmark_find(r->benchmark);
    struct published_query q = {.benchmark = b ? b->name : r->benchmark, .shots = r->shots,
                                .metric = r->metric};
    struct published_value *values = NULL;
    size_t n = 0;
    int rc = -1;

    if (check_words(p, words, n_words, e) < 0 || published_values(&values, &n, p, &q, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!wanted(values[i].row->model, words, n_words))
            continue;
        if (mem_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v) < 0) {
            err_nomem(e);
            goto out;
        }
        from_value(&l->v[l->n++], &values[i], r);
    }
    density_list_sort(l);
    rc = 0;
out:
    mem_free(values);
    return rc;
}
