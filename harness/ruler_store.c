#include "harness/ruler_store.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "harness/benchmark.h"
#include "harness/version.h"

enum { LEAST_ITEMS = 20 };

static const char *keep(struct arena *a, const char *s, int *failed)
{
    char *copy = arena_strdup(a, s);

    *failed |= s && !copy;
    return copy;
}

int ruler_from_store(struct ruler *out, const struct store_ruler *s, struct arena *texts,
                     struct err *e)
{
    int kind = ruler_kind_find(s->kind), failed = 0;

    if (kind < 0 || s->n_constants != ruler_n_constants((enum ruler_kind)kind) || s->n_nodes < 1 ||
        s->n_nodes > RULER_NODES)
        return err_set(e, ERR_FORMAT, "ruler %s of the store: kind '%.40s' with %d constants and "
                                      "%d nodes is none of this program's", s->name, s->kind,
                       s->n_constants, s->n_nodes);
    *out = (struct ruler){.kind = (enum ruler_kind)kind, .shots = s->shots, .chance = s->chance,
                          .d0_tokens = s->d0_tokens, .r2 = s->r2, .rms = s->rms,
                          .loo_ln = s->loo_ln, .n_loo = s->n_loo, .n_nodes = s->n_nodes};
    out->name = keep(texts, s->name, &failed);
    out->set = keep(texts, s->set, &failed);
    out->origin = keep(texts, s->origin, &failed);
    out->benchmark = keep(texts, s->task, &failed);
    out->metric = keep(texts, s->metric, &failed);
    out->prompt_hash = keep(texts, s->prompt_hash, &failed);
    for (int i = 0; i < s->n_constants; i++)
        out->constants[i] = s->constants[i];
    for (int i = 0; i < s->n_nodes; i++) {
        const struct store_ruler_node *n = &s->nodes[i];
        out->nodes[i] = (struct ruler_node){keep(texts, n->model, &failed),
                                            keep(texts, n->run, &failed), n->parameters,
                                            n->parameters_non_embedding, n->tokens, n->score,
                                            n->noise};
    }
    return failed ? err_nomem(e) : 0;
}

int ruler_keep(const struct ruler *r, struct store *s, struct err *e)
{
    struct store_ruler_node nodes[RULER_NODES];
    struct store_ruler row = {
        .name = r->name, .set = r->set, .origin = r->origin, .kind = ruler_kind_name(r->kind),
        .task = r->benchmark, .metric = r->metric, .prompt_hash = r->prompt_hash,
        .program_version = DENSIMETER_VERSION, .shots = r->shots, .chance = r->chance,
        .d0_tokens = r->d0_tokens, .r2 = r->r2, .rms = r->rms, .loo_ln = r->loo_ln,
        .n_loo = r->n_loo, .constants = r->constants, .n_constants = ruler_n_constants(r->kind),
        .nodes = nodes, .n_nodes = r->n_nodes};

    for (int i = 0; i < r->n_nodes; i++) {
        const struct ruler_node *n = &r->nodes[i];
        nodes[i] = (struct store_ruler_node){n->model, n->run, 0, n->total_params,
                                             n->non_embedding_params, n->tokens, n->score,
                                             n->noise};
    }
    return ruler_put(s, &row, e);
}

/* --- from runs ------------------------------------------------------------------------------ */

static double count_or_nan(int64_t v)
{
    return v > 0 ? (double)v : NAN;
}

static int release_all(struct answers *a, int n, int rc)
{
    for (int i = 0; a && i < n; i++)
        answers_release(&a[i]);
    mem_free(a);
    return rc;
}

static int ladder_of(struct ruler *out, const struct ruler_plan *plan, const struct run_row *runs,
                     const struct answers *a, size_t n, struct arena *texts, struct err *e)
{
    struct strbuf origin = STRBUF_INIT;
    int failed = 0;

    for (size_t i = 0; i < n; i++) {
        const struct store_model *m = &runs[i].model;
        if (!(m->parameters > 0)) {
            strbuf_release(&origin);
            return err_set(e, ERR_INVALID, "run %s: the size of %s is not known", runs[i].id,
                           m->name);
        }
        for (size_t k = 0; k < i; k++)
            if (runs[k].model.parameters == m->parameters) {
                strbuf_release(&origin);
                return err_set(e, ERR_INVALID, "runs %s and %s are of models of the same size; a "
                                               "ladder has one of each", runs[k].id, runs[i].id);
            }
        out->nodes[i] = (struct ruler_node){
            keep(texts, m->name, &failed), keep(texts, runs[i].id, &failed),
            (double)m->parameters, count_or_nan(m->parameters_non_embedding), plan->d0_tokens,
            answers_score(&a[i], NULL, a[i].n), NAN};
        strbuf_addf(&origin, "%s%s", i ? ", " : "", m->name);
    }
    strbuf_addf(&origin, "; %zu items measured here", a[0].n);
    out->n_nodes = (int)n;
    out->origin = keep(texts, strbuf_str(&origin), &failed);
    failed |= origin.failed;
    strbuf_release(&origin);
    return failed ? err_nomem(e) : 0;
}

/* What all of the runs answered, in the same words; 1: one of them did not ask. */
static int common_items(struct answers *a, size_t n, const struct ruler_plan *plan,
                        const struct run_row *runs, struct err *e)
{
    struct answers *all[RULER_NODES];
    size_t differ;

    for (size_t i = 0; i < n; i++) {
        all[i] = &a[i];
        if (a[i].n == 0)
            return 1;
        if (a[i].shots != a[0].shots)
            return err_set(e, ERR_INVALID, "%s: run %s was asked with %d shots, run %s with %d",
                           plan->task, runs[0].id, a[0].shots, runs[i].id, a[i].shots);
    }
    answers_join(all, (int)n, &differ);
    if (differ)
        return err_set(e, ERR_INVALID, "%s: %zu items were not asked in the same words", plan->task,
                       differ);
    if (a[0].n < LEAST_ITEMS)
        return err_set(e, ERR_INVALID, "%s: the runs share %zu items; a ruler takes %d", plan->task,
                       a[0].n, LEAST_ITEMS);
    return 0;
}

static int describe(struct ruler *out, const struct ruler_plan *plan, const struct answers *a,
                    struct arena *texts, struct err *e)
{
    const struct benchmark *b = benchmark_find(plan->task);
    char hash[SHA256_HEX], name[256];
    int failed = 0;

    if (answers_prompt_hash(a, hash, e) < 0)
        return -1;
    snprintf(name, sizeof name, "%s-%s", plan->set, plan->task);
    *out = (struct ruler){.kind = plan->kind, .shots = a->shots, .d0_tokens = plan->d0_tokens,
                          .r2 = NAN, .rms = NAN, .loo_ln = NAN};
    out->chance = !isnan(plan->chance)                                        ? plan->chance
                  : plan->metric && strcmp(plan->metric, NATS_PER_BYTE) == 0 ? NAN
                  : b                                                        ? b->chance
                                                                             : NAN;
    out->name = keep(texts, name, &failed);
    out->set = keep(texts, plan->set, &failed);
    out->benchmark = keep(texts, plan->task, &failed);
    out->metric = keep(texts, plan->metric, &failed);
    out->prompt_hash = keep(texts, hash[0] ? hash : NULL, &failed);
    return failed ? err_nomem(e) : 0;
}

int ruler_of_runs(struct ruler *out, const struct ruler_plan *plan, struct store *s,
                  const struct run_row *runs, size_t n, struct arena *texts, struct err *e)
{
    struct answers *a;
    int rc = 0;

    if (n > RULER_NODES)
        return err_set(e, ERR_INVALID, "%zu runs; a ladder has %d models at most", n, RULER_NODES);
    a = mem_calloc(n + 1, sizeof *a);
    if (!a)
        return err_nomem(e);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = answers_read(&a[i], s, runs[i].id, plan->task, plan->metric, e);
    if (rc == 0)
        rc = common_items(a, n, plan, runs, e);
    if (rc == 0 && (describe(out, plan, a, texts, e) < 0 ||
                    ladder_of(out, plan, runs, a, n, texts, e) < 0 || ruler_fit(out, e) < 0))
        rc = -1;
    return release_all(a, (int)n, rc);
}

int ruler_answers(const struct ruler *r, struct store *s, struct answers **out, int *n,
                  struct err *e)
{
    struct answers *a = mem_calloc((size_t)r->n_nodes + 1, sizeof *a);
    int rc = 0, whole = 1;

    *n = 0;
    *out = NULL;
    if (!a)
        return err_nomem(e);
    for (int i = 0; i < r->n_nodes && rc == 0 && whole; i++) {
        whole = r->nodes[i].run != NULL;
        if (whole)
            rc = answers_read(&a[i], s, r->nodes[i].run, r->benchmark, r->metric, e);
        whole = whole && a[i].n > 0;
    }
    if (rc < 0 || !whole)
        return release_all(a, r->n_nodes, rc);
    *out = a;
    *n = r->n_nodes;
    return 0;
}
