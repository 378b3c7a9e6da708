/* density_runs.c -- our own runs to densities: which runs, which rulers, items resampled. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "harness/answers.h"
#include "harness/density_list.h"
#include "harness/ruler_store.h"
#include "harness/rulers.h"
#include "harness/stats_dist.h"
#include "results/query.h"

enum { REPLICATES = 2000, SEED = 1, LEAST_ITEMS = 20 };

/* --- one run on one ruler ------------------------------------------------------------------- */

struct draw {
    const struct answers *mine, *ladder;
    int n_ladder; /* 0: the ladder's items are not known, its scores stay */
    size_t n;
    struct ruler ruler; /* redrawn each time */
};

static double draw_effective(void *user, const size_t *index)
{
    struct draw *d = user;

    for (int i = 0; i < d->n_ladder; i++)
        d->ruler.nodes[i].score = answers_score(&d->ladder[i], index, d->n);
    if (d->n_ladder && ruler_refit(&d->ruler) < 0)
        return NAN;
    return ruler_bounded(&d->ruler, answers_score(d->mine, index, d->n));
}

/* Of a ratio of sums, by its linearisation; of shares of right and wrong that is the usual one. */
static double standard_error(const struct answers *a, double score)
{
    double sum = 0, weight = 0, n = (double)a->n;

    for (size_t i = 0; i < a->n; i++) {
        double r = a->v[i].value - score * a->v[i].weight;
        sum += r * r;
        weight += a->v[i].weight;
    }
    return a->n > 1 ? sqrt(sum / (n - 1) / n) / (weight / n) : NAN;
}

/* The ladder by its scores over the items of this run; kept in the list, because the row points to
 * it.  1: those scores carry no ruler. */
static int own_scale(struct density_list *l, struct density *d, const struct answers *ladder, int n,
                     struct err *e)
{
    struct ruler *own = arena_alloc(&l->texts, sizeof *own);

    if (!own)
        return err_nomem(e);
    *own = *d->ruler;
    for (int i = 0; i < n; i++)
        own->nodes[i].score = answers_score(&ladder[i], NULL, ladder[i].n);
    if (ruler_fit(own, NULL) < 0)
        return 1;
    d->ruler = own;
    return 0;
}

static void refuse(struct density *d, const char *why)
{
    snprintf(d->refused, sizeof d->refused, "%s", why);
    d->effective = d->low = d->high = d->effective_own_data = NAN;
}

/* Joins the answers with the ladder's.  1: they are comparable; 0: d is refused. */
static int join_ladder(struct density *d, struct answers *mine, struct answers *ladder, int n)
{
    struct answers *all[RULER_NODES + 1] = {mine};
    char why[DENSITY_WHY];
    size_t differ, had = mine->n;

    for (int i = 0; i < n; i++)
        all[i + 1] = &ladder[i];
    answers_join(all, n + 1, &differ);
    d->n_items = (int)mine->n;
    if (differ) {
        snprintf(why, sizeof why, "%zu items were not asked in the ladder's words", differ);
        refuse(d, why);
        return 0;
    }
    if (mine->n < LEAST_ITEMS) {
        snprintf(why, sizeof why, "%zu of %zu items are the ladder's; it takes %d", mine->n, had,
                 LEAST_ITEMS);
        refuse(d, why);
        return 0;
    }
    return 1;
}

static int resample(struct density *d, const struct answers *mine, const struct answers *ladder,
                    int n_ladder, struct err *e)
{
    struct draw draw = {mine, ladder, n_ladder, mine->n, *d->ruler};
    double *v = mem_calloc(REPLICATES, sizeof *v);
    size_t n = 0;
    int rc;

    if (!v)
        return err_nomem(e);
    rc = stats_bootstrap(v, REPLICATES, &mine->n, 1, SEED, draw_effective, &draw, e);
    if (rc == 0) {
        stats_sort(v, REPLICATES); /* those without a ruler at the end */
        while (n < REPLICATES && !isnan(v[n]))
            n++;
        if (n)
            density_judge_replicates(d, v, n, 0);
        else
            refuse(d, "the ladder's scores do not rise with size over these items");
    }
    mem_free(v);
    return rc;
}

/* The score's own error.  The tasks of a group (subjects) are drawn as wholes, here and in what is
 * resampled afterwards: questions of one subject are easy or hard together. */
static void score(struct density *d, struct answers *mine, struct answers *ladder, int n)
{
    double z = STATS_Z95;

    d->n_items = (int)mine->n;
    d->score = answers_score(mine, NULL, mine->n);
    d->stderr_ = d->stderr_alone = standard_error(mine, d->score);
    if (answers_add_up_parts(mine)) {
        for (int i = 0; i < n; i++)
            (void)answers_add_up_parts(&ladder[i]);
        d->n_clusters = (int)mine->n;
        d->stderr_ = standard_error(mine, d->score);
        z = dist_t_quantile(0.975, d->n_clusters - 1);
    }
    d->score_low = d->score - z * d->stderr_;
    d->score_high = d->score + z * d->stderr_;
}

/* Of answers that were asked as the ladder was. */
static int judge_score(struct density_list *l, struct density *d, struct answers *mine,
                       struct answers *ladder, int n, struct err *e)
{
    int rc = n ? own_scale(l, d, ladder, n, e) : 0;

    score(d, mine, ladder, n);
    if (rc == 0)
        return resample(d, mine, ladder, n, e);
    if (rc > 0)
        refuse(d, "the ladder's scores do not rise with size over these items");
    return rc < 0 ? -1 : 0;
}

static int judge_run(struct density_list *l, struct density *d, struct store *s,
                     struct answers *mine, struct err *e)
{
    struct answers *ladder = NULL;
    int n = 0, rc = ruler_answers(d->ruler, s, &ladder, &n, e);

    if (rc == 0 && (n == 0 || join_ladder(d, mine, ladder, n)))
        rc = judge_score(l, d, mine, ladder, n, e);
    for (int i = 0; i < n; i++)
        answers_release(&ladder[i]);
    mem_free(ladder);
    return rc;
}

/* --- what stands below ---------------------------------------------------------------------- */

static double count_or_nan(int64_t v)
{
    return v > 0 ? (double)v : NAN;
}

/* Weights that one decode step was measured to read, in parameters of the file's mean width. */
static int measured_active(double *out, struct store *s, const struct store_model *m, struct err *e)
{
    struct run_filter f = {.kind = "bench", .status = "complete", .model_sha256 = m->sha256};
    struct run_list runs = {0};
    int rc = m->sha256 ? query_runs(s, &f, &runs, e) : 0;

    *out = NAN;
    for (size_t i = 0; i < runs.n && rc == 0 && isnan(*out); i++) {
        struct bench_list b = {0};
        rc = query_bench(s, runs.v[i].id, &b, e);
        for (size_t k = 0; k < b.n && isnan(*out); k++) {
            const struct store_value *v = bench_value(&b.v[k], "weights_bytes_per_token");
            if (v && v->value > 0 && m->bits_per_weight > 0)
                *out = v->value * 8 / m->bits_per_weight;
        }
        bench_list_release(&b);
    }
    run_list_release(&runs);
    return rc;
}

/* What one answer reads when it is asked alone: the weights once for every batch of its tokens and
 * once for every token generated after.  A decode step's share of them is measured where a bench
 * run has, and else that of the parameters that a token uses. */
static double read_for_answer(const struct density *d, const struct run_row *run,
                              const struct answers *a)
{
    double used = d->cost[PER_MEASURED_ACTIVE];
    double passes = fmax(1, ceil(a->computed_tokens / DENSITY_BATCH));

    if (isnan(used))
        used = d->cost[PER_ACTIVE];
    if (!(a->computed_tokens > 0) || isnan(a->generated_tokens) ||
        !(run->model.bits_per_weight > 0))
        return NAN;
    return used * run->model.bits_per_weight / 8 * (passes + a->generated_tokens);
}

static int bits_of_run(struct density *d, struct store *s, const char *run, struct err *e)
{
    struct task_list tasks = {0};

    d->bits_per_mparam = NAN;
    if (query_tasks(s, run, &tasks, e) < 0)
        return -1;
    for (size_t i = 0; i < tasks.n; i++) {
        const struct store_value *v = task_row_value(&tasks.v[i], "bits_per_mparam", "none");
        if (v) {
            d->bits_per_mparam = v->value;
            d->bits_items = task_row_items(&tasks.v[i]);
        }
    }
    task_list_release(&tasks);
    return 0;
}

/* Of this run or, where it did not ask the facts, of the model's newest that did. */
static int bits_of_model(struct density *d, struct store *s, const struct run_row *run,
                         struct err *e)
{
    struct run_filter f = {.kind = "eval", .status = "complete", .model_sha256 = run->model.sha256};
    struct run_list runs = {0};
    int rc = bits_of_run(d, s, run->id, e);

    if (rc == 0 && isnan(d->bits_per_mparam) && run->model.sha256)
        rc = query_runs(s, &f, &runs, e);
    for (size_t i = 0; i < runs.n && rc == 0 && isnan(d->bits_per_mparam); i++)
        rc = bits_of_run(d, s, runs.v[i].id, e);
    run_list_release(&runs);
    return rc;
}

static int fill_costs(struct density *d, struct store *s, const struct run_row *run,
                      const struct answers *a, struct err *e)
{
    const struct store_model *m = &run->model;

    d->cost[PER_TOTAL] = count_or_nan(m->parameters);
    d->cost[PER_ACTIVE] = count_or_nan(m->parameters_active);
    if (isnan(d->cost[PER_ACTIVE]))
        d->cost[PER_ACTIVE] = d->cost[PER_TOTAL];
    d->cost[PER_NON_EMBEDDING] = count_or_nan(m->parameters_non_embedding);
    d->cost[PER_BYTE] = count_or_nan(m->file_bytes);
    d->cost[PER_JOULE] = a->energy_j;
    d->cost[PER_SECOND] = a->latency_s > 0 ? a->latency_s : NAN;
    d->training_tokens = NAN;
    if (measured_active(&d->cost[PER_MEASURED_ACTIVE], s, m, e) < 0)
        return -1;
    d->read_bytes = read_for_answer(d, run, a);
    return bits_of_model(d, s, run, e);
}

/* --- which rulers and which runs ------------------------------------------------------------- */

static const char *keep(struct density_list *l, const char *s, int *failed)
{
    char *copy = arena_strdup(&l->texts, s);

    *failed |= s && !copy;
    return copy;
}

static int is_there(const struct density_list *l, const char *subject, const char *benchmark)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].subject, subject) == 0 &&
            strcmp(l->v[i].ruler->benchmark, benchmark) == 0)
            return 1;
    return 0;
}

/* The row of a run on a ruler; 1: the run does not answer what the ruler asks. */
static int add_row(struct density_list *l, const struct density_source *from,
                   const struct run_row *run, const char *subject, const struct ruler *r,
                   struct err *e)
{
    struct answers a;
    struct density *d;
    char hash[SHA256_HEX];
    int failed = 0, rc = -1;

    if (answers_read(&a, from->store, run->id, r->benchmark, r->metric, e) < 0)
        return -1;
    if (a.n == 0 || (r->shots >= 0 && a.shots != r->shots)) {
        answers_release(&a);
        return 1;
    }
    if (mem_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v) < 0) {
        err_nomem(e);
        goto out;
    }
    d = &l->v[l->n];
    *d = (struct density){.ruler = r, .score = NAN, .score_low = NAN, .score_high = NAN,
                          .stderr_ = NAN, .stderr_alone = NAN, .effective = NAN, .low = NAN,
                          .high = NAN,
                          .effective_own_data = NAN, .n_items = (int)a.n};
    if (answers_prompt_hash(&a, hash, e) < 0 || fill_costs(d, from->store, run, &a, e) < 0)
        goto out;
    d->model = keep(l, run->model.name ? run->model.name : "(no name)", &failed);
    d->run = keep(l, run->id, &failed);
    d->subject = keep(l, subject, &failed);
    d->prompt_hash = keep(l, hash[0] ? hash : NULL, &failed);
    if (failed) {
        err_nomem(e);
        goto out;
    }
    rc = judge_run(l, d, from->store, &a, e);
    if (rc == 0)
        l->n++;
out:
    answers_release(&a);
    return rc;
}

static int add_run(struct density_list *l, const struct density_source *from,
                   const struct ruler *const *rulers, int n, const struct run_row *run,
                   const char *subject, struct err *e)
{
    if (strcmp(run->status, "complete") != 0 || strcmp(run->kind, "bench") == 0)
        return 0;
    for (int i = 0; i < n; i++)
        if (!is_there(l, subject, rulers[i]->benchmark) &&
            add_row(l, from, run, subject, rulers[i], e) < 0)
            return -1;
    return 0;
}

/* Runs of one file are of one subject, whatever they are called. */
static const char *subject_of(const struct run_row *run)
{
    return run->model.sha256 ? run->model.sha256 : run->model.name ? run->model.name : "(no name)";
}

/* A word that is no run is a model's name; how many runs it has. */
static int add_model(struct density_list *l, const struct density_source *from,
                     const struct ruler *const *rulers, int n, const struct run_list *runs,
                     const char *word, struct err *e)
{
    int found = 0;

    for (size_t i = 0; i < runs->n; i++) {
        const struct run_row *run = &runs->v[i];
        const char *name = run->model.name ? run->model.name : "(no name)";
        if (word && strcmp(name, word) != 0)
            continue;
        found++;
        if (add_run(l, from, rulers, n, run, subject_of(run), e) < 0)
            return -1;
    }
    return found;
}

static int add_word(struct density_list *l, const struct density_source *from,
                    const struct ruler *const *rulers, int n, const struct run_list *runs,
                    const char *word, struct err *e)
{
    struct run_list one = {0};
    int found = add_model(l, from, rulers, n, runs, word, e), rc;

    if (found)
        return found < 0 ? -1 : 0;
    rc = query_run(from->store, word, &one, e);
    if (rc < 0) {
        struct suggest s = SUGGEST(word);
        for (size_t i = 0; i < runs->n; i++)
            if (runs->v[i].model.name)
                suggest_offer(&s, runs->v[i].model.name);
        if (e && e->code == ERR_NOTFOUND && suggest_best(&s))
            err_hint(e, "did you mean the model '%s'?", suggest_best(&s));
        return -1;
    }
    rc = add_run(l, from, rulers, n, &one.v[0], one.v[0].id, e);
    run_list_release(&one);
    return rc;
}

int density_runs(struct density_list *l, const struct density_source *from, struct err *e)
{
    struct run_filter f = {.status = "complete"};
    struct run_list runs = {0};
    const struct ruler *const *rulers = NULL;
    int n = 0, rc = -1;

    if (rulers_meant(from->rulers, from->ruler, &rulers, &n, e) < 0)
        return -1;
    if (query_runs(from->store, &f, &runs, e) < 0)
        goto out;
    rc = 0;
    for (int i = 0; i < from->n_words && rc == 0; i++)
        rc = add_word(l, from, rulers, n, &runs, from->words[i], e);
    for (size_t i = 0; i < from->n_runs && rc == 0; i++)
        rc = add_run(l, from, rulers, n, from->runs[i],
                     from->each_run ? from->runs[i]->id : subject_of(from->runs[i]), e);
    if (!from->runs && from->n_words == 0 && add_model(l, from, rulers, n, &runs, NULL, e) < 0)
        rc = -1;
    if (rc == 0 && l->n == 0) {
        rc = err_set(e, ERR_NOTFOUND, "%s: no run answers what ruler %s asks (%s, ...)",
                     store_path(from->store), from->ruler, rulers[0]->benchmark);
        err_hint(e, "'densimeter eval MODEL --tasks %s' measures one; 'densimeter ruler list' has "
                    "the others", rulers[0]->benchmark);
    }
    density_list_sort(l);
out:
    rulers_meant_free(rulers);
    run_list_release(&runs);
    return rc;
}
