#include "harness/handover.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/splitmix.h"
#include "harness/repeats.h"
#include "harness/stats_logistic.h"

enum { FEATURES = 4, FOLDS = 5 };
#define RIDGE 1.0

static const struct { const char *name, *title; } signals[SIGNALS] = {
    [SIGNAL_MARGIN] = {"margin", "margin between the two best options"},
    [SIGNAL_ENTROPY] = {"entropy", "entropy over the options"},
    [SIGNAL_PROBABILITY] = {"max_probability", "probability of the best option"},
    [SIGNAL_CONSISTENCY] = {"self_consistency", "agreement when asked again"},
    [SIGNAL_LEARNED] = {"learned", "logistic regression on all of them, held out"},
};

/* --- one item of the small run ------------------------------------------------------------- */

struct sureness {
    double margin, entropy, probability, per_byte;
};

/* Likelihoods as the task's metric weighs them. */
static struct sureness sureness_of(const struct store_item *it, const char *metric)
{
    int per_byte = strcmp(metric, "acc_norm") == 0 || strcmp(metric, "acc_bytes") == 0;
    double best = -INFINITY, second = -INFINITY, sum = 0, mean = 0, top_byte = NAN;
    int n = 0;

    for (int i = 0; i < it->n_requests; i++) {
        const struct store_request *q = &it->requests[i];
        double v = q->loglikelihood / (per_byte && q->n_bytes > 0 ? q->n_bytes : 1);
        if (isnan(v))
            continue;
        n++;
        if (v > best)
            top_byte = q->loglikelihood / (q->n_bytes > 0 ? q->n_bytes : 1);
        second = fmax(second, fmin(v, best));
        best = fmax(best, v);
    }
    if (n < 2 || !isfinite(best) || !isfinite(second))
        return (struct sureness){NAN, NAN, NAN, NAN};
    for (int i = 0; i < it->n_requests; i++) {
        const struct store_request *q = &it->requests[i];
        double v = q->loglikelihood / (per_byte && q->n_bytes > 0 ? q->n_bytes : 1) - best;
        if (!(v > -700))
            continue; /* no chance, no part of the entropy; NAN too */
        sum += exp(v);
        mean += v * exp(v);
    }
    return (struct sureness){best - second, log(sum) - mean / sum, 1 / sum, top_byte};
}

struct by_doc {
    int doc_id;
    size_t pair;
};

static int in_order(const void *a, const void *b)
{
    const struct by_doc *x = a, *y = b;

    return (x->doc_id > y->doc_id) - (x->doc_id < y->doc_id);
}

struct gathering {
    struct handover *h;
    struct store *s;
    const struct handover_opts *o;
    double *features; /* [n][FEATURES] */
    struct asked *asked; /* per item */
    int rotation;        /* of the small run's options */
    size_t base; /* pairs of the tasks before */
};

static double cost_of_tokens(const struct run_row *r, double tokens, double price)
{
    double active = (double)(r->model.parameters_active > 0 ? r->model.parameters_active
                                                            : r->model.parameters);

    return tokens * (isnan(price) ? (active > 0 ? 2 * active : NAN) : price / 1e6);
}

/* Means over a task's items, because an item of a batch has no cost of its own. */
static double task_cost(const struct task_row *t, const struct run_row *r, double price)
{
    double tokens = fmax(0, (double)t->prompt_tokens) + fmax(0, (double)t->generated_tokens);

    if (t->n <= 0 || t->prompt_tokens < 0)
        return NAN;
    return cost_of_tokens(r, tokens / t->n, price);
}

static int add_item(struct gathering *g, const struct pair_task *t, const struct pair *p,
                    const struct store_item *it, struct err *e)
{
    struct handover *h = g->h;
    struct sureness x = sureness_of(it, t->metric);
    size_t i = h->n;

    if (isnan(p->a.credit) || isnan(p->b.credit)) {
        h->left_out++;
        return 0;
    }
    h->items[i] = (struct handover_item){
        .small = p->a.credit, .large = p->b.credit, .small_s = p->a.latency_s,
        .large_s = p->b.latency_s, .cluster = g->base + p->first,
        .small_cost = task_cost(t->a, h->small, g->o->small_price),
        .large_cost = task_cost(t->b, h->large, g->o->large_price)};
    h->signals[SIGNAL_MARGIN].confidence[i] = x.margin;
    h->signals[SIGNAL_ENTROPY].confidence[i] = -x.entropy;
    h->signals[SIGNAL_PROBABILITY].confidence[i] = x.probability;
    memcpy(g->features + i * FEATURES, &x, sizeof x);
    g->asked[i] = (struct asked){.task = t->task, .row = t->a, .doc_id = it->doc_id, .at = i,
                                 .answer = repeats_answer(it, g->rotation)};
    if (g->asked[i].answer.text &&
        !(g->asked[i].answer.text = arena_strdup(&h->arena, it->prediction)))
        return err_nomem(e);
    h->n++;
    return 0;
}

static int gather_task(struct gathering *g, const struct pair_task *t, struct err *e)
{
    struct item_filter f = {.task = t->task};
    struct by_doc *order = mem_alloc((t->n ? t->n : 1) * sizeof *order);
    struct item_iter *it = NULL;
    struct store_item item;
    int rc = -1;

    if (!order)
        return err_nomem(e);
    for (size_t i = 0; i < t->n; i++)
        order[i] = (struct by_doc){t->v[i].doc_id, i};
    qsort(order, t->n, sizeof *order, in_order);
    if (query_items(g->s, g->h->small->id, &f, &it, e) < 0)
        goto out;
    while ((rc = item_iter_next(it, &item, e)) == 1) {
        const struct by_doc key = {item.doc_id, 0};
        const struct by_doc *at = bsearch(&key, order, t->n, sizeof *order, in_order);
        if (at && add_item(g, t, &t->v[at->pair], &item, e) < 0) {
            rc = -1;
            break;
        }
    }
out:
    item_iter_close(it);
    mem_free(order);
    return rc;
}

static int gather(struct gathering *g, struct err *e)
{
    struct handover *h = g->h;

    for (size_t k = 0; k < h->pairs.n_tasks; k++) {
        const struct pair_task *t = &h->pairs.tasks[k];
        if (!t->metric)
            h->left_out += t->n;
        else if (gather_task(g, t, e) < 0)
            return -1;
        g->base += t->n;
    }
    if (h->n == 0)
        return err_set(e, ERR_INVALID, "runs %s and %s: no item is right or wrong in both",
                       h->small->id, h->large->id);
    return 0;
}

/* --- signals ------------------------------------------------------------------------------- */

/* Share of the repeats whose answer is the same, and what they cost. */
static int agree(struct gathering *g, struct err *e)
{
    struct handover *h = g->h;

    for (size_t k = 0; k < g->o->n_repeats; k++)
        if (repeats_count(g->asked, h->n, g->s, h->small, g->o->repeats[k], e) < 0)
            return -1;
    for (size_t i = 0; i < h->n; i++) {
        const struct asked *a = &g->asked[i];
        double price = g->o->small_price;
        h->signals[SIGNAL_CONSISTENCY].confidence[a->at] =
            a->times && (size_t)a->times == g->o->n_repeats ? (double)a->same / a->times : NAN;
        h->again_s[a->at] = a->seconds;
        h->again_cost[a->at] = cost_of_tokens(h->small, a->tokens, price);
    }
    return 0;
}

static int learn(struct gathering *g, struct err *e)
{
    struct handover *h = g->h;
    int *fold = mem_alloc(h->n * sizeof *fold), rc;
    double *right = mem_alloc(h->n * sizeof *right);

    if (!fold || !right) {
        mem_free(fold);
        mem_free(right);
        return err_nomem(e);
    }
    for (size_t i = 0; i < h->n; i++) {
        fold[i] = (int)splitmix64_high(splitmix64_mix(g->o->seed + h->items[i].cluster), FOLDS);
        right[i] = h->items[i].small;
    }
    rc = logistic_held_out(g->features, right, fold, FOLDS, h->n, FEATURES, RIDGE,
                           h->signals[SIGNAL_LEARNED].confidence, e);
    mem_free(fold);
    mem_free(right);
    return rc;
}

/* Clusters of some tasks may be numbered beyond the items that count. */
static void number_clusters(struct handover *h, size_t *first, size_t pairs)
{
    for (size_t i = 0; i < pairs; i++)
        first[i] = SIZE_MAX;
    for (size_t i = 0; i < h->n; i++) {
        size_t *at = &first[h->items[i].cluster];
        if (*at == SIZE_MAX)
            *at = i;
        h->items[i].cluster = *at;
    }
}

/* The items as this signal sees and pays them: who asks again pays for it. */
static const struct handover_item *charge(struct handover *h, const struct handover_signal *x)
{
    int again = x == &h->signals[SIGNAL_CONSISTENCY];

    for (size_t i = 0; i < h->n; i++) {
        h->charged[i] = h->items[i];
        h->charged[i].confidence = x->confidence[i];
        h->charged[i].small_s += again ? h->again_s[i] : 0;
        h->charged[i].small_cost += again ? h->again_cost[i] : 0;
    }
    return h->charged;
}

static int conclude(struct handover *h, struct handover_signal *x, const struct handover_opts *o,
                    struct err *e)
{
    const struct handover_item *v = charge(h, x);

    for (size_t i = 0; i < h->n; i++)
        x->known += isfinite(x->confidence[i]);
    if (x->known < h->n)
        return 0;
    x->curve = arena_alloc(&h->arena, (h->n + 1) * sizeof *x->curve);
    if (!x->curve)
        return err_nomem(e);
    return handover_curve(v, h->n, x->curve, &x->n_curve, e) < 0 ||
                   handover_area(v, h->n, o->replicates, o->seed, &x->area, e) < 0 ||
                   handover_promise(v, NULL, h->n, o->error, o->delta, &x->promise, e) < 0 ||
                   handover_check(v, h->n, o->error, o->delta, o->splits, o->seed, &x->check,
                                  e) < 0
               ? -1
               : 0;
}

static int conclude_oracle(struct handover *h, struct err *e)
{
    double *const means[] = {&h->small_accuracy, &h->large_accuracy, &h->small_s,
                             &h->large_s,        &h->small_cost,     &h->large_cost};

    h->oracle = arena_alloc(&h->arena, (h->n + 1) * sizeof *h->oracle);
    if (!h->oracle)
        return err_nomem(e);
    for (size_t i = 0; i < h->n; i++) {
        struct handover_item *x = &h->items[i];
        x->confidence = x->small - x->large;
        h->small_accuracy += x->small;
        h->large_accuracy += x->large;
        h->small_s += x->small_s;
        h->large_s += x->large_s;
        h->small_cost += x->small_cost;
        h->large_cost += x->large_cost;
    }
    for (size_t i = 0; i < sizeof means / sizeof *means; i++)
        *means[i] /= (double)h->n;
    return handover_area(h->items, h->n, 0, 0, &h->bounds, e) < 0
               ? -1
               : handover_curve(h->items, h->n, h->oracle, &h->n_oracle, e);
}

/* --- the whole ----------------------------------------------------------------------------- */

static int allocate(struct handover *h, struct gathering *g, struct err *e)
{
    size_t n = h->pairs.n ? h->pairs.n : 1;
    int ok;

    h->items = arena_alloc(&h->arena, n * sizeof *h->items);
    g->features = arena_alloc(&h->arena, n * FEATURES * sizeof *g->features);
    g->asked = arena_alloc(&h->arena, n * sizeof *g->asked);
    h->charged = arena_alloc(&h->arena, n * sizeof *h->charged);
    h->again_s = arena_alloc(&h->arena, n * sizeof *h->again_s);
    h->again_cost = arena_alloc(&h->arena, n * sizeof *h->again_cost);
    ok = h->items && g->features && g->asked && h->charged && h->again_s && h->again_cost;
    for (int k = 0; k < SIGNALS; k++) {
        h->signals[k].name = signals[k].name;
        h->signals[k].title = signals[k].title;
        h->signals[k].confidence = arena_alloc(&h->arena, n * sizeof(double));
        ok = ok && h->signals[k].confidence;
    }
    return ok ? 0 : err_nomem(e);
}

static int number(struct handover *h, struct err *e)
{
    size_t n = h->pairs.n ? h->pairs.n : 1, *first = mem_alloc(n * sizeof *first);

    if (!first)
        return err_nomem(e);
    number_clusters(h, first, n);
    mem_free(first);
    return 0;
}

int handover_make(struct handover *h, struct store *s, const struct run_row *small,
                  const struct run_row *large, const struct handover_opts *o, struct err *e)
{
    struct gathering g = {.h = h, .s = s, .o = o};

    memset(h, 0, sizeof *h);
    h->small = small;
    h->large = large;
    h->opts = *o;
    h->cost_unit = isnan(o->small_price) ? "FLOP" : "as priced";
    if (repeats_rotation(small, &g.rotation, e) < 0 ||
        pairs_load(&h->pairs, s, small->id, large->id, NULL, 0, e) < 0 ||
        allocate(h, &g, e) < 0 || gather(&g, e) < 0 || number(h, e) < 0 || agree(&g, e) < 0 ||
        learn(&g, e) < 0 || conclude_oracle(h, e) < 0)
        goto fail;
    for (int k = 0; k < SIGNALS; k++)
        if (conclude(h, &h->signals[k], o, e) < 0)
            goto fail;
    return 0;
fail:
    handover_release(h);
    return -1;
}

void handover_release(struct handover *h)
{
    pairs_release(&h->pairs);
    arena_release(&h->arena);
    memset(h, 0, sizeof *h);
}

const struct handover_signal *handover_best(const struct handover *h)
{
    const struct handover_signal *best = NULL;

    for (int k = 0; k < SIGNALS; k++)
        if (h->signals[k].n_curve && (!best || h->signals[k].area.area > best->area.area))
            best = &h->signals[k];
    return best;
}

struct handover_point handover_at(const struct handover_point *curve, size_t n, double share)
{
    struct handover_point p = curve[0];
    size_t i = 1;

    while (i < n && curve[i].share < share)
        i++;
    if (i < n) {
        const struct handover_point *a = &curve[i - 1], *b = &curve[i];
        double w = (share - a->share) / (b->share - a->share);
        p = (struct handover_point){share, w > 0 ? b->threshold : a->threshold,
                                    a->accuracy + w * (b->accuracy - a->accuracy),
                                    a->latency_s + w * (b->latency_s - a->latency_s),
                                    a->cost + w * (b->cost - a->cost)};
    }
    return p;
}
