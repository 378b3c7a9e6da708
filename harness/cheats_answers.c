/* cheats_answers.c -- audits of what a device answers. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/splitmix.h"
#include "harness/cheats_impl.h"

enum { GENERATED = 24, GENERATED_PROMPT = 20 };

/* ---- precision ---- */

struct rows { /* of logits: of the reference, and how far another is from them */
    float *v; /* [rows][vocab] */
    int vocab, is_comparing;
    double off, size;
};

static double mean_of(const float *x, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum / n;
}

/* A constant added to all logits changes no likelihood. */
static int on_row(void *user, const struct request *q, int position, const float *logits)
{
    struct rows *r = user;
    float *want = r->v + (size_t)position * (size_t)r->vocab;
    double mine, its;

    (void)q;
    if (!r->is_comparing) {
        memcpy(want, logits, (size_t)r->vocab * sizeof *want);
        return 0;
    }
    its = mean_of(want, r->vocab);
    mine = mean_of(logits, r->vocab);
    for (int i = 0; i < r->vocab; i++) {
        double w = want[i] - its, d = logits[i] - mine - w;
        r->size += w * w;
        r->off += d * d;
    }
    return 0;
}

int cheats_precision(struct rig *g, struct err *e)
{
    int n = g->tokens;
    int32_t *ids = mem_alloc((size_t)n * sizeof *ids);
    struct rows rows = {.v = mem_alloc((size_t)n * (size_t)g->vocab * sizeof(float)),
                        .vocab = g->vocab};
    struct request q = {.kind = REQUEST_LOGITS, .ids = ids, .n_ids = n, .on_logits = on_row,
                        .user = &rows};
    double size = 0;
    int rc = ids && rows.v ? 0 : err_nomem(e);

    g->out->audits[CHEAT_PRECISION].limit = g->c->model_tolerance;
    for (int i = 0; i < g->c->prompts && rc == 0; i++) {
        rig_random_ids(g, ids, n);
        rows.is_comparing = 0;
        rows.off = rows.size = 0;
        rc = runner_run(g->ref, &q, 1, NULL, NULL, g->c->stop, e);
        rows.is_comparing = 1;
        if (rc == 0)
            rc = runner_run(g->device, &q, 1, NULL, NULL, g->c->stop, e);
        if (rc == 0)
            rc = rig_sample_at(g, CHEAT_PRECISION, sqrt(rows.off / rows.size), e,
                               "prompt %d of %d random tokens", i + 1, n);
        size += rows.size / ((double)n * g->vocab);
    }
    g->logits = sqrt(size / g->c->prompts);
    mem_free(ids);
    mem_free(rows.v);
    return rc;
}

/* ---- known, hidden ---- */

static int compare(struct rig *g, int audit, const struct asked *q, const double *got,
                   const double *want, const char *whose, struct err *e)
{
    for (size_t i = 0; i < g->n; i++) {
        int n = q[i].n_ids - q[i].n_given;
        if (rig_sample_at(g, audit, fabs(got[i] - want[i]) / n, e,
                          "%.60s item %d, request %d: %.6g nats, %.6g by %s",
                          g->c->tasks[q[i].task], q[i].doc_id, q[i].query, got[i], want[i],
                          whose) < 0)
            return -1;
    }
    return 0;
}

int cheats_known(struct rig *g, struct err *e)
{
    double *want = mem_alloc(g->n * sizeof *want), *got = mem_alloc(g->n * sizeof *got);
    int rc = -1;

    /* A logit may be off by its tolerance, and the logarithm of the sum of all as well. */
    g->out->audits[CHEAT_HIDDEN].limit = 2 * g->c->model_tolerance * g->logits;
    g->nats = mem_alloc(g->n * sizeof *g->nats);
    if (!want || !got || !g->nats)
        err_nomem(e);
    else if (rig_score(g, g->ref, g->known, g->n, g->pool.v, want, e) == 0 &&
             rig_score(g, g->device, g->known, g->n, g->pool.v, g->nats, e) == 0 &&
             compare(g, CHEAT_KNOWN, g->known, g->nats, want, "the reference", e) == 0 &&
             rig_score(g, g->ref, g->hidden, g->n, g->pool.v, want, e) == 0 &&
             rig_score(g, g->device, g->hidden, g->n, g->pool.v, got, e) == 0)
        rc = compare(g, CHEAT_HIDDEN, g->hidden, got, want, "the reference", e);
    mem_free(want);
    mem_free(got);
    return rc;
}

/* ---- renamed ---- */

static int ask_twin(struct rig *g, const char *path, const int32_t *map, struct err *e)
{
    int32_t *ids = mem_alloc(g->pool.n * sizeof *ids);
    double *got = mem_alloc(g->n * sizeof *got);
    struct runner *twin = NULL;
    int rc = -1;

    if (!ids || !got) {
        err_nomem(e);
        goto out;
    }
    for (size_t i = 0; i < g->pool.n; i++)
        ids[i] = map[g->pool.v[i]];
    if (runner_open(&twin, path, &g->c->device, e) == 0 &&
        rig_score(g, twin, g->known, g->n, ids, got, e) == 0)
        rc = compare(g, CHEAT_RENAMED, g->known, g->nats, got, "the twin", e);
out:
    runner_close(twin);
    mem_free(ids);
    mem_free(got);
    return rc;
}

int cheats_renamed(struct rig *g, struct err *e)
{
    char path[300], why[160];
    int32_t *map = NULL;
    int rc = twin_write(g->c->model, g->vocab, splitmix64_next(&g->random), path, &map, why,
                        sizeof why, e);

    if (rc == 0)
        rig_none(g, CHEAT_RENAMED, why);
    if (rc == 1) {
        rc = ask_twin(g, path, map, e);
        unlink(path);
    }
    mem_free(map);
    return rc < 0 ? -1 : 0;
}

/* ---- generated ---- */

struct story {
    struct rig *g;
    const struct tokenizer *tokenizer;
    int32_t ids[GENERATED_PROMPT + GENERATED];
    float margins[GENERATED];
    int n_prompt, n; /* generated */
    int has_end;     /* it ended by itself */
    int is_reference, number, failed;
    struct err *e;
};

static int on_story(void *user, int i, const struct reply *a)
{
    struct story *s = user;

    (void)i;
    s->n = a->n < GENERATED ? a->n : GENERATED;
    s->has_end = a->finish == FINISH_END && s->n < GENERATED;
    if (s->n) {
        memcpy(s->ids + s->n_prompt, a->ids, (size_t)s->n * sizeof *s->ids);
        memcpy(s->margins, a->margins, (size_t)s->n * sizeof *s->margins);
    }
    return 0;
}

/* How far the token of this step is behind the best, by the reference. */
static int check_choice(struct story *s, int step, const float *logits, int best)
{
    int is_end = step == s->n, chosen = is_end ? -1 : s->ids[s->n_prompt + step];

    for (int t = 0; is_end && t < s->g->vocab; t++)
        if (tokenizer_is_end(s->tokenizer, t) && (chosen < 0 || logits[t] > logits[chosen]))
            chosen = t;
    if (chosen < 0)
        return rig_sample_at(s->g, CHEAT_END, INFINITY, s->e, "an end that the model has not");
    return rig_sample_at(s->g, CHEAT_END, (double)logits[best] - logits[chosen], s->e,
                         "text %d, step %d: %s token %d, the reference has %d", s->number,
                         step + 1, is_end ? "ended with" : "went on with", chosen, best);
}

/* The same margin, whether the token was reached step by step or read at once. */
static int check_mode(struct story *s, int step, double margin, int best)
{
    int is_same = best == s->ids[s->n_prompt + step];
    double off = is_same ? fabs(margin - s->margins[step]) : margin + s->margins[step];

    return rig_sample_at(s->g, CHEAT_MODES, off, s->e,
                         "text %d, step %d: token %d by %.4g step by step, %d by %.4g at once",
                         s->number, step + 1, s->ids[s->n_prompt + step],
                         (double)s->margins[step], best, margin);
}

static int on_step(void *user, const struct request *q, int position, const float *logits)
{
    struct story *s = user;
    int step = position - (s->n_prompt - 1), best = 0, second = -1;

    (void)q;
    if (step < 0 || step >= s->n + (s->is_reference && s->has_end))
        return 0;
    for (int i = 1; i < s->g->vocab; i++)
        if (logits[i] > logits[best]) {
            second = best;
            best = i;
        } else if (second < 0 || logits[i] > logits[second]) {
            second = i;
        }
    s->failed |= s->is_reference
                     ? check_choice(s, step, logits, best) < 0
                     : check_mode(s, step, second < 0 ? 0 : (double)logits[best] - logits[second],
                                  best) < 0;
    return s->failed;
}

/* The beginning of one of the hidden prompts. */
static void begin_story(struct story *s)
{
    struct rig *g = s->g;
    const struct asked *q = &g->hidden[splitmix64_below(&g->random, g->n)];

    s->n_prompt = q->n_given < GENERATED_PROMPT ? q->n_given : GENERATED_PROMPT;
    memcpy(s->ids, g->pool.v + q->at, (size_t)s->n_prompt * sizeof *s->ids);
}

static int read_story(struct story *s, struct runner *r, int is_reference, struct err *e)
{
    struct request q = {.kind = REQUEST_LOGITS, .ids = s->ids, .n_ids = s->n_prompt + s->n,
                        .on_logits = on_step, .user = s};

    s->is_reference = is_reference;
    s->e = e;
    if (runner_run(r, &q, 1, NULL, NULL, s->g->c->stop, e) < 0 && !s->failed)
        return -1;
    return s->failed ? -1 : 0;
}

int cheats_generated(struct rig *g, struct err *e)
{
    struct story s = {.g = g, .tokenizer = runner_tokenizer(g->ref)};
    int rc = 0;

    if (runner_info(g->ref)->context_length < GENERATED_PROMPT + GENERATED) {
        rig_none(g, CHEAT_END, "the model's context is too short");
        rig_none(g, CHEAT_MODES, "the model's context is too short");
        return 0;
    }
    for (s.number = 1; s.number <= g->c->prompts && rc == 0; s.number++) {
        struct request q = {.kind = REQUEST_GENERATE, .ids = s.ids, .max_tokens = GENERATED};
        begin_story(&s);
        q.n_ids = s.n_prompt;
        if (runner_run(g->device, &q, 1, on_story, &s, g->c->stop, e) < 0 ||
            read_story(&s, g->ref, 1, e) < 0 || (s.n && read_story(&s, g->device, 0, e) < 0))
            rc = -1;
    }
    return rc;
}
