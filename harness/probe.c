#include "harness/probe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "harness/stats.h"

/* Answers of one variant, by place in the order of items. */
struct answers {
    double *value;
    uint64_t *answer; /* the same number is the same answer */
};

struct probing {
    const struct probe *p;
    struct probe_result *out;
    int *order, n;
    struct answers v[PROBE_VARIANTS];
    struct answers *filling;
    int rotate;
};

static uint64_t hash_text(const char *s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
    return h;
}

/* How many of the queries are options: where their lead over the options alone is measured, those
 * are asked after them. */
static int n_options(const struct outcome *o)
{
    for (int i = 0; i < o->verdict->n; i++)
        if (strcmp(o->verdict->credits[i].metric, "acc_mutual_info") == 0)
            return o->item->n_queries / 2;
    return o->item->n_queries;
}

/* Of options the one chosen, by its place before they were moved; else the answer found. */
static uint64_t answer_of(const struct probing *g, const struct outcome *o)
{
    int k = n_options(o), best = 0;

    if (o->item->gold_index < 0 || k < 2)
        return hash_text(o->verdict->prediction ? o->verdict->prediction : "");
    for (int i = 1; i < k; i++)
        if (o->answers[i].loglikelihood > o->answers[best].loglikelihood)
            best = i;
    return (uint64_t)((best + g->rotate) % k);
}

static int on_item(void *user, const struct outcome *o, struct err *e)
{
    struct probing *g = user;
    int low = 0, high = g->n;

    (void)e;
    while (low < high) { /* order[] ascends */
        int mid = (low + high) / 2;
        if (g->order[mid] < o->item->doc_id)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < g->n && o->verdict->n) {
        g->filling->value[low] = o->verdict->credits[0].value;
        g->filling->answer[low] = answer_of(g, o);
        snprintf(g->out->metric, sizeof g->out->metric, "%s", o->verdict->credits[0].metric);
    }
    return 0;
}

/* What is changed in variant i; 0 when there is no such variant. */
static int vary(const struct probe *p, int i, struct task_opts *o, char *name, size_t size)
{
    *o = p->opts;
    switch (p->vary) {
    case VARY_ORDER:
        o->variant.rotate = i;
        snprintf(name, size, i ? "moved by %d" : "as it is", i);
        return 1;
    case VARY_WORDING:
        o->variant.wording = i;
        snprintf(name, size, i ? "wording %d" : "as it is", i);
        return 1;
    case VARY_SHOTS:
        o->seed = p->opts.seed + (uint64_t)i;
        o->variant.shuffle = 1;
        snprintf(name, size, "seed %llu", (unsigned long long)o->seed);
        return i < p->seeds;
    case VARY_CHAT:
        o->chat = i ? p->chat : NULL;
        snprintf(name, size, "%s", i ? "chat" : "plain");
        return i < 2;
    case VARY_SEQUENCE:
    case VARY_DEPTH:
    case VARY_CASE:
        break;
    }
    return 0;
}

static int run_variant(struct probing *g, struct task *t, int i, struct err *e)
{
    const struct probe *p = g->p;
    const struct evaluation ev = {.runner = p->runner, .encoder = p->encoder, .task = t,
                                  .stop = p->stop, .on_item = on_item, .user = g};
    struct probe_variant *v = &g->out->v[i];

    g->filling = &g->v[i];
    g->filling->value = mem_calloc((size_t)g->n + 1, sizeof *g->filling->value);
    g->filling->answer = mem_calloc((size_t)g->n + 1, sizeof *g->filling->answer);
    if (!g->filling->value || !g->filling->answer)
        return err_nomem(e);
    if (evaluate(&ev, g->order, g->n, e) < 0)
        return -1;
    v->acc = stats_mean(g->filling->value, (size_t)g->n);
    v->stderr_ = stats_stderr(g->filling->value, (size_t)g->n);
    return 0;
}

/* The order of the first variant holds for all of them. */
static int first_order(struct probing *g, const struct task *t, struct err *e)
{
    g->order = mem_calloc((size_t)task_count(t) + 1, sizeof *g->order);
    if (!g->order)
        return err_nomem(e);
    g->n = task_order(t, g->p->limit, g->order);
    return g->n > 0 ? 0 : err_set(e, ERR_INVALID, "%s: has no items", task_name(t));
}

/* As many rotations as the first item has options. */
static int count_options(const struct task *t, int first, struct err *e)
{
    struct item it;
    int k;

    if (task_item(t, first, &it, e) < 0)
        return -1;
    k = it.gold_index < 0 ? 1 : it.n_queries;
    item_release(&it);
    if (k < 2)
        return err_set(e, ERR_UNSUPPORTED, "%s: has no options whose order could matter",
                       task_name(t));
    return k < PROBE_VARIANTS ? k : PROBE_VARIANTS;
}

static void sum_up(struct probing *g)
{
    struct probe_result *x = g->out;
    double low = INFINITY, high = -INFINITY;

    x->n_items = g->n;
    for (int v = 0; v < x->n_variants; v++) {
        low = fmin(low, x->v[v].acc);
        high = fmax(high, x->v[v].acc);
    }
    x->range = high - low;
    for (int i = 0; i < g->n; i++) {
        int same = 1, always = 1, ever = 0;
        for (int v = 0; v < x->n_variants; v++) {
            same &= g->v[v].answer[i] == g->v[0].answer[i];
            always &= g->v[v].value[i] == 1;
            ever |= g->v[v].value[i] == 1;
        }
        x->same += (double)same / g->n;
        x->always += (double)always / g->n;
        x->ever += (double)ever / g->n;
    }
}

static int run_all(struct probing *g, const char *name, struct err *e)
{
    int most = PROBE_VARIANTS;

    for (int i = 0; i < most; i++) {
        struct task_opts o;
        struct task *t = NULL;
        struct err why = ERR_NONE;
        int rc;
        if (!vary(g->p, i, &o, g->out->v[i].name, sizeof g->out->v[i].name))
            break;
        rc = task_open(&t, name, &o, &why);
        if (rc < 0 && why.code == ERR_NOTFOUND && g->p->vary == VARY_WORDING && i > 1)
            break; /* those were all */
        if (rc < 0 && e)
            *e = why;
        if (rc == 0 && i == 0)
            rc = first_order(g, t, e);
        if (rc == 0 && i == 0 && g->p->vary == VARY_ORDER && (most = count_options(t, 0, e)) < 0)
            rc = -1;
        g->rotate = o.variant.rotate;
        g->out->n_variants = i + 1;
        if (rc == 0)
            rc = run_variant(g, t, i, e);
        task_close(t);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int probe_task(const struct probe *p, const char *task, struct probe_result *out, struct err *e)
{
    struct probing g = {.p = p, .out = out};
    int rc;

    *out = (struct probe_result){.n_variants = 0};
    if (p->vary == VARY_CHAT && !p->chat)
        return err_set(e, ERR_UNSUPPORTED, "the model has no chat template");
    rc = run_all(&g, task, e);
    if (rc == 0)
        sum_up(&g);
    mem_free(g.order);
    for (int v = 0; v < PROBE_VARIANTS; v++) {
        mem_free(g.v[v].value);
        mem_free(g.v[v].answer);
    }
    return rc;
}
