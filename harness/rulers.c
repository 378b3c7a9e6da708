#include "harness/rulers.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "harness/families.h"
#include "harness/ladder.h"
#include "harness/ruler_store.h"

enum { RULERS_MAX = 64, CHECKPOINTS = 512, END_STEP = 143000, FIRST_STEP = 3000 };
#define LOSS_BEND 0.02 /* of ln L: beyond it a checkpoint counts with its size alone */

struct recipe;
typedef int (*ruler_maker)(struct rulers *r, const struct recipe *how, struct ruler *out,
                           struct err *e);

struct recipe {
    const char *set, *name;
    ruler_maker make;
    enum ruler_kind kind;
    const char *benchmark;
    double chance;
    const char *family;          /* of published scores (families.h) */
    const char *metric;          /* of Pythia */
    int shots;
    int with_e;                  /* of a loss curve */
};

#define PYTHIA                                                                                     \
    "Pythia 70M to 12B at 300B tokens, mean of the standard and the deduped run (EleutherAI)"
#define PYTHIA_LOSS                                                                                \
    "Pythia 70M to 12B, 15 checkpoints of the standard run, loss of LAMBADA (EleutherAI)"
#define D0_PYTHIA 299892736000.0

struct rulers {
    const struct published *published;
    struct ladder ladder;
    struct ruler *own; /* from a store */
    int n_own;
    struct arena texts; /* theirs */
    int made[RULERS_MAX];
    struct ruler v[RULERS_MAX];
    double loss[2][5], loss_rms[2], loss_r2[2]; /* step 1 without and with E */
    int have_loss[2];
};

/* Shots and metric that all nodes share, or not known. */
static void note_convention(struct ruler *r, const struct published_score *s, int first)
{
    if (first) {
        r->shots = s->shots;
        r->metric = s->metric;
        return;
    }
    if (r->shots != s->shots)
        r->shots = -1;
    if (!r->metric || !s->metric || strcmp(r->metric, s->metric) != 0)
        r->metric = NULL;
}

static int from_published(struct rulers *r, const struct recipe *how, struct ruler *out,
                          struct err *e)
{
    const struct family *f = family_find(how->family);

    out->origin = f->origin;
    out->d0_tokens = f->d0_tokens;
    for (size_t i = 0; i < published_n(r->published); i++) {
        const struct published_row *row = published_at(r->published, i);
        const struct published_score *s = published_score(row, how->benchmark);
        if (!s || !family_has(f, row))
            continue;
        if (out->n_nodes == RULER_NODES)
            return err_set(e, ERR_INVALID, "%s: more than %d reference models", how->name,
                           RULER_NODES);
        note_convention(out, s, out->n_nodes == 0);
        out->nodes[out->n_nodes++] = (struct ruler_node){
            row->model, NULL, row->total_params, row->non_embedding_params, row->training_tokens,
            s->value / 100, NAN};
    }
    return ruler_fit(out, e);
}

static double score_of(const struct ladder_row *row, const char *metric)
{
    return strcmp(metric, "acc_norm") == 0 ? row->acc_norm : row->acc;
}

/* One node per size: the mean of its two runs at their end, and half of their difference. */
static int ladder_ends(struct rulers *r, const struct recipe *how, struct ruler *out, struct err *e)
{
    out->metric = how->metric;
    out->shots = how->shots;
    out->d0_tokens = D0_PYTHIA;
    for (size_t i = 0; i < r->ladder.n; i++) {
        const struct ladder_row *row = &r->ladder.v[i];
        double score = score_of(row, how->metric), half;
        struct ruler_node *twin = NULL;
        if (row->step != END_STEP || row->shots != how->shots || isnan(score) ||
            strcmp(row->task, how->benchmark) != 0)
            continue;
        for (int k = 0; k < out->n_nodes; k++)
            if (out->nodes[k].total_params == row->total_params)
                twin = &out->nodes[k];
        if (twin) {
            half = (score - twin->score) / 2;
            twin->score += half;
            twin->noise = fabs(half);
            continue;
        }
        if (out->n_nodes == RULER_NODES)
            return err_set(e, ERR_INVALID, "%s: more than %d sizes", how->name, RULER_NODES);
        out->nodes[out->n_nodes++] = (struct ruler_node){
            row->model, NULL, row->total_params, row->non_embedding_params, row->tokens, score,
            NAN};
    }
    return 0;
}

static int from_ladder(struct rulers *r, const struct recipe *how, struct ruler *out, struct err *e)
{
    out->origin = PYTHIA;
    return ladder_ends(r, how, out, e) < 0 ? -1 : ruler_fit(out, e);
}

static int is_checkpoint(const struct ladder_row *row, const char *task)
{
    return !row->deduped && row->shots == 0 && row->step >= FIRST_STEP &&
           strcmp(row->task, task) == 0;
}

/* The checkpoints of the standard runs: loss of LAMBADA beside the score of the task. */
static size_t checkpoints(const struct ladder *l, const char *task, struct ruler_loss *v)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++) {
        const struct ladder_row *loss = &l->v[i];
        if (!is_checkpoint(loss, "lambada_openai") || !(loss->nats > 0))
            continue;
        for (size_t k = 0; k < l->n && n < CHECKPOINTS; k++) {
            const struct ladder_row *row = &l->v[k];
            if (row->step == loss->step && row->total_params == loss->total_params &&
                is_checkpoint(row, task) && !isnan(row->acc))
                v[n++] = (struct ruler_loss){loss->total_params, loss->tokens, loss->nats,
                                             row->acc};
        }
    }
    return n;
}

static int from_losses(struct rulers *r, const struct recipe *how, struct ruler *out, struct err *e)
{
    struct ruler_loss *v = mem_calloc(CHECKPOINTS, sizeof *v);
    double x[CHECKPOINTS], y[CHECKPOINTS];
    int rc = -1, with_e = how->with_e;
    size_t n;

    if (!v)
        return err_nomem(e);
    out->origin = PYTHIA_LOSS;
    n = checkpoints(&r->ladder, how->benchmark, v);
    if (ladder_ends(r, how, out, e) < 0)
        goto out;
    if (!r->have_loss[with_e] &&
        ruler_fit_loss(v, n, with_e, LOSS_BEND, r->loss[with_e], &r->loss_rms[with_e],
                       &r->loss_r2[with_e], e) < 0)
        goto out;
    r->have_loss[with_e] = 1;
    memcpy(out->constants, r->loss[with_e], sizeof r->loss[with_e]);
    for (size_t i = 0; i < n; i++) {
        x[i] = v[i].nats;
        y[i] = v[i].score;
    }
    out->loo_ln = NAN;
    rc = ruler_fit_sigmoid(x, y, n, FORM_CHANCE, how->chance, 0, out->constants + 5, &out->rms,
                           &out->r2, e);
out:
    mem_free(v);
    return rc;
}

/* Constants that others have fitted and published; the ends are the sizes that they saw. */
static int from_constants(struct rulers *r, const struct recipe *how, struct ruler *out,
                          struct err *e)
{
    const struct family *f = family_find(how->family);
    double low = INFINITY, high = 0;

    (void)e;
    out->origin = f->origin;
    out->shots = 0;
    out->d0_tokens = f->d0_tokens;
    out->metric = "factual recall accuracy";
    out->constants[0] = f->k;
    out->constants[1] = f->c;
    out->r2 = f->r2;
    out->rms = out->loo_ln = NAN;
    for (size_t i = 0; i < published_n(r->published); i++) {
        const struct published_row *row = published_at(r->published, i);
        if (!published_score(row, how->benchmark) || isnan(row->total_params))
            continue;
        low = fmin(low, row->total_params);
        high = fmax(high, row->total_params);
    }
    for (int i = 0; i < 2 && high > low; i++) {
        double n = i ? high : low;
        out->nodes[out->n_nodes++] =
            (struct ruler_node){NULL, NULL, n, NAN, NAN, ruler_score(out, n, NAN), NAN};
    }
    return 0;
}

#define FAMILY(set, benchmark, chance)                                                             \
    {set, set "-" benchmark, from_published, RULER_LOGIT, benchmark, chance, set, NULL, 0, 0}
#define PYTHIA_RULER(name, make, kind, task, chance, metric, shots, with_e)                        \
    {"pythia", "pythia-" name, make, kind, task, chance, NULL, metric, shots, with_e}
#define TABLES(name, task, chance)                                                                 \
    PYTHIA_RULER(name, from_ladder, RULER_TABLE, task, chance, "acc", 0, 0),                       \
    PYTHIA_RULER(name "-5shot", from_ladder, RULER_TABLE, task, chance, "acc", 5, 0)
#define NORMS(name, task, chance)                                                                  \
    PYTHIA_RULER(name "-norm", from_ladder, RULER_TABLE, task, chance, "acc_norm", 0, 0),          \
    PYTHIA_RULER(name "-norm-5shot", from_ladder, RULER_TABLE, task, chance, "acc_norm", 5, 0)
#define LOSSES(name, task, chance)                                                                 \
    PYTHIA_RULER(name "-loss", from_losses, RULER_LOSS, task, chance, "acc", 0, 1),                \
    PYTHIA_RULER(name "-loss-no-e", from_losses, RULER_LOSS, task, chance, "acc", 0, 0)

/* Chance is the benchmark's, but where the smallest models of the ladder stay below it by asking
 * whole answers (ARC challenge: 0.17 without, 0.20 with normalisation by length).  WinoGrande,
 * LogiQA and MMLU do not rise with size on Pythia. */
static const struct recipe recipes[] = {
    FAMILY("qwen2.5", "mmlu", 0.25),           FAMILY("qwen2.5", "mmlu_pro", 0.1),
    FAMILY("qwen2.5", "bbh", 0.25),         FAMILY("qwen2.5", "gsm8k", 0),
    FAMILY("qwen2.5", "math", 0),           FAMILY("qwen2.5", "humaneval", 0),
    FAMILY("qwen2.5", "mbpp", 0),           FAMILY("qwen2.5", "arc_challenge", 0.2),
    FAMILY("qwen2.5", "hellaswag", 0.25),   FAMILY("qwen2.5", "winogrande", 0.5),
    FAMILY("qwen1.5", "mmlu", 0.25),        FAMILY("qwen1.5", "arc_challenge", 0.2),
    FAMILY("qwen1.5", "gsm8k", 0),          FAMILY("qwen1.5", "hellaswag", 0.25),
    FAMILY("qwen1.5", "winogrande", 0.5),   FAMILY("pythia-oll", "hellaswag", 0.25),
    FAMILY("pythia-oll", "arc_challenge", 0.2),
    TABLES("lambada", "lambada_openai", 0),    LOSSES("lambada", "lambada_openai", 0),
    TABLES("piqa", "piqa", 0.5),               NORMS("piqa", "piqa", 0.5),
    LOSSES("piqa", "piqa", 0.5),               TABLES("arc_easy", "arc_easy", 0.25),
    NORMS("arc_easy", "arc_easy", 0.25),       LOSSES("arc_easy", "arc_easy", 0.25),
    TABLES("arc_challenge", "arc_challenge", 0.17),
    NORMS("arc_challenge", "arc_challenge", 0.2),
    LOSSES("arc_challenge", "arc_challenge", 0.17),
    TABLES("sciq", "sciq", 0.25),              NORMS("sciq", "sciq", 0.25),
    LOSSES("sciq", "sciq", 0.25),
    {"ikp", "ikp", from_constants, RULER_LINEAR, "ikp", 0, "ikp", NULL, 0, 0},
};
#define N_RECIPES ((int)(sizeof recipes / sizeof *recipes))
_Static_assert(sizeof recipes / sizeof *recipes <= RULERS_MAX, "RULERS_MAX is too small");

int rulers_open(struct rulers **out, const struct published *p, struct err *e)
{
    struct rulers *r = mem_calloc(1, sizeof *r);

    if (!r)
        return err_nomem(e);
    r->published = p;
    if (ladder_open(&r->ladder, e) < 0) {
        rulers_close(r);
        return -1;
    }
    *out = r;
    return 0;
}

void rulers_close(struct rulers *r)
{
    if (!r)
        return;
    ladder_free(&r->ladder);
    mem_free(r->own);
    arena_release(&r->texts);
    mem_free(r);
}

int rulers_add(struct rulers *r, const struct store_ruler_list *l, struct err *e)
{
    size_t cap = (size_t)r->n_own;

    for (size_t i = 0; i < l->n; i++) {
        if (mem_grow(&r->own, &cap, (size_t)r->n_own + 1, sizeof *r->own) < 0)
            return err_nomem(e);
        if (ruler_from_store(&r->own[r->n_own], &l->v[i], &r->texts, e) < 0)
            return -1;
        r->n_own++;
    }
    return 0;
}

int rulers_n(const struct rulers *r)
{
    return r->n_own + N_RECIPES;
}

int rulers_are_own(const struct rulers *r, int i)
{
    return i < r->n_own;
}

const char *rulers_name(const struct rulers *r, int i)
{
    return i < r->n_own ? r->own[i].name : recipes[i - r->n_own].name;
}

const char *rulers_set(const struct rulers *r, int i)
{
    return i < r->n_own ? r->own[i].set : recipes[i - r->n_own].set;
}

int rulers_at(struct rulers *r, int at, const struct ruler **out, struct err *e)
{
    int i = at - r->n_own;
    const struct recipe *how = &recipes[i < 0 ? 0 : i];

    if (i < 0) {
        *out = &r->own[at];
        return 0;
    }
    if (!r->made[i]) {
        r->v[i] = (struct ruler){.name = how->name, .set = how->set, .kind = how->kind,
                                 .benchmark = how->benchmark, .chance = how->chance, .r2 = NAN,
                                 .rms = NAN, .loo_ln = NAN};
        if (how->make(r, how, &r->v[i], e) < 0)
            return -1;
        r->made[i] = 1;
    }
    *out = &r->v[i];
    return 0;
}

int rulers_get(struct rulers *r, const char *name, const struct ruler **out, struct err *e)
{
    struct suggest s = SUGGEST(name);

    for (int i = 0; i < rulers_n(r); i++)
        if (strcmp(rulers_name(r, i), name) == 0)
            return rulers_at(r, i, out, e);
    err_set(e, ERR_NOTFOUND, "%s: no such ruler", name);
    for (int i = 0; i < rulers_n(r); i++)
        suggest_offer(&s, rulers_name(r, i));
    if (suggest_best(&s))
        err_hint(e, "did you mean '%s'?", suggest_best(&s));
    else
        err_hint(e, "'densimeter ruler list' lists them");
    return -1;
}

/* Of several rulers of one benchmark the one that errs least. */
static double error_of(const struct ruler *r)
{
    return isnan(r->loo_ln) ? INFINITY : r->loo_ln;
}

static int is_meant(const struct rulers *r, int i, const char *name, int exact)
{
    const char *set = rulers_set(r, i);

    return exact ? strcmp(rulers_name(r, i), name) == 0 : set && strcmp(set, name) == 0;
}

int rulers_meant(struct rulers *r, const char *name, const struct ruler *const **out, int *n,
                 struct err *e)
{
    const struct ruler **list = mem_calloc((size_t)rulers_n(r) + 1, sizeof *list), *one;
    int exact = 0;

    *n = 0;
    if (!list)
        return err_nomem(e);
    for (int i = 0; i < rulers_n(r); i++)
        exact |= is_meant(r, i, name, 1);
    for (int i = 0; i < rulers_n(r); i++) {
        int k = *n;
        if (!is_meant(r, i, name, exact))
            continue;
        if (rulers_at(r, i, &one, e) < 0)
            goto fail;
        if (!exact && one->kind == RULER_LOSS)
            continue;
        for (; k > 0 && error_of(list[k - 1]) > error_of(one); k--)
            list[k] = list[k - 1];
        list[k] = one;
        ++*n;
    }
    if (*n == 0) {
        (void)rulers_get(r, name, &one, e); /* says what is near */
        goto fail;
    }
    *out = list;
    return 0;
fail:
    *n = 0;
    mem_free(list);
    return -1;
}

void rulers_meant_free(const struct ruler *const *list)
{
    mem_free((void *)list);
}
