/* task.c -- a task from its row: its documents, items and verdicts. */
#include "tasks/task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "tasks/answer.h"
#include "tasks/ask.h"
#include "tasks/code.h"
#include "tasks/facts.h"
#include "tasks/format.h"
#include "tasks/load.h"
#include "tasks/recipe.h"
#include "tasks/scenario.h"
#include "tasks/shots.h"
#include "tasks/source.h"
#include "tasks/variant.h"
#include "tasks/world.h"

const struct task_info *task_info_at(int i)
{
    return i >= 0 && i < n_task_rows ? &task_rows[i].info : NULL;
}

static const struct task_row *row_find(const char *name)
{
    for (int i = 0; i < n_task_rows; i++)
        if (strcmp(task_rows[i].info.name, name) == 0)
            return &task_rows[i];
    return NULL;
}

const struct task_info *task_info_find(const char *name)
{
    const struct task_row *row = row_find(name);

    return row ? &row->info : NULL;
}

int task_group_pools(const char *group)
{
    static const char *const only_names[] = {"truthfulqa", /* a tag in lm-eval, not a group */
                                             "worlds", "scenarios", "olmes"};

    for (size_t i = 0; i < sizeof only_names / sizeof only_names[0]; i++)
        if (strcmp(group, only_names[i]) == 0)
            return 0;
    return 1;
}

char *task_find_data(const struct task_info *t, const struct task_opts *o, struct err *e)
{
    const struct task_row *row = row_find(t->name);

    if (*t->data)
        return data_find(t->name, t->data, row ? row->instead : NULL, o, e);
    char *none = mem_strdup("");
    if (!none)
        err_nomem(e);
    return none;
}

/* A bank: the world's that has the task's name, or our own. */
static int open_facts(struct task *t, const struct task_opts *o, struct err *e)
{
    const struct world_opts *of = world_named(t->row->info.name);
    struct strbuf bank = STRBUF_INIT;
    struct world *w = NULL;
    int rc = -1;

    if (!of)
        return facts_open(&t->facts, o->seed, e);
    if (world_open(&w, of, e) == 0) {
        world_bank(w, &bank);
        if (strbuf_ok(&bank, e) == 0)
            rc = facts_parse(&t->facts, bank.s, bank.len, o->seed, e);
    }
    world_close(w);
    strbuf_release(&bank);
    return rc;
}

/* The description, with the row's subject where it belongs, after the system instruction. */
static char *system_text(const struct task *t, const char *instruction)
{
    const struct task_row *row = t->row;
    const struct recipe *r = row->recipe;
    struct strbuf about = STRBUF_INIT, out = STRBUF_INIT;

    if (t->pool.about) {
        strbuf_adds(&about, t->pool.about);
    } else if (r->about) {
        strbuf_adds(&about, r->about);
        if (row->subject)
            strbuf_adds(&about, row->subject);
        strbuf_adds(&about, r->about_end);
    }
    prompt_join(&out, instruction ? instruction : "", strbuf_str(&about), r->shot_delimiter);
    out.failed |= about.failed;
    strbuf_release(&about);
    return strbuf_take(&out);
}

/* Which items are asked where the convention asks a part of them. */
static int draw_items(struct task *t, uint64_t seed, struct err *e)
{
    int most = t->row->recipe->most;
    struct rng r;

    if (!most || t->docs.n <= (size_t)most)
        return 0;
    t->sample = mem_calloc((size_t)most, sizeof *t->sample);
    if (!t->sample)
        return err_nomem(e);
    t->n_sample = most;
    rng_seed(&r, seed);
    return rng_sample(&r, (uint32_t)t->docs.n, (uint32_t)most, t->sample, e);
}

static int open_docs(struct task *t, const struct task_opts *o, struct err *e)
{
    const struct recipe *r = t->row->recipe;

    if (o->variant.wording)
        return err_set(e, ERR_NOTFOUND, "%s: has no other wordings", t->row->info.name);
    if (load_row(&t->docs, t->path, t->row, r, e) < 0 || shots_open(t, o, e) < 0 ||
        draw_items(t, o->seed, e) < 0)
        return -1;
    if (o->variant.rotate && variant_rotate(&t->docs, o->variant.rotate, t->row->info.name, e) < 0)
        return -1;
    t->system = system_text(t, o->system);
    if (!t->system)
        return err_nomem(e);
    t->style = (struct prompt_style){t->system, r->target_delimiter, r->shot_delimiter, o->chat};
    return r->answers ? answer_open(&t->answer, r->answers, e) : 0;
}

static int is_scenario(const struct task_row *row)
{
    return strcmp(row->info.kind, SCENARIO_KIND) == 0;
}

static int open_row(struct task *t, const struct task_opts *o, struct err *e)
{
    t->shots = shots_used(t->row, o->shots);
    if (t->row->recipe)
        return open_docs(t, o, e);
    if (is_scenario(t->row))
        return scenario_open_own(&t->source, t->row->info.name, o, e);
    return open_facts(t, o, e);
}

int task_open(struct task **out, const char *name, const struct task_opts *o, struct err *e)
{
    const struct source_kind *kind = source_kind_of(name);
    const struct task_row *row = kind ? NULL : row_find(name);
    struct task *t;
    int rc = -1;

    if (!row && !kind)
        return err_set(e, ERR_NOTFOUND, "%s: no such task", name);
    if ((o->variant.rotate || o->variant.wording) &&
        (kind ? kind->open != scenario_open_file : !row->recipe && !is_scenario(row)))
        return err_set(e, ERR_UNSUPPORTED, "%s: cannot be asked in other ways", name);
    t = mem_calloc(1, sizeof *t);
    if (!t)
        return err_nomem(e);
    t->row = row;
    t->seed = o->seed;
    t->path = kind ? mem_strdup(name) : task_find_data(&row->info, o, e);
    if (!t->path)
        rc = kind ? err_nomem(e) : -1;
    else if (kind)
        rc = kind->open(&t->source, name, o, e);
    else
        rc = open_row(t, o, e);
    if (rc < 0)
        task_close(t);
    else
        *out = t;
    return rc;
}

void task_close(struct task *t)
{
    if (!t)
        return;
    if (t->source.ops)
        t->source.ops->close(t->source.self);
    facts_close(t->facts);
    answer_close(t->answer);
    docs_release(&t->docs);
    docs_release(&t->pool);
    mem_free(t->drawn);
    mem_free(t->sample);
    mem_free(t->n_drawn);
    mem_free(t->system);
    mem_free(t->path);
    mem_free(t->pool_instead);
    mem_free(t);
}

int task_check_machine(const struct task *t, struct err *e)
{
    const struct recipe *r = t->row ? t->row->recipe : NULL;

    if (!r || !r->code || code_check(e) == 0)
        return 0;
    return err_prefix(e, "%s runs what the model writes, in a sandbox only", t->row->info.name);
}

const char *task_name(const struct task *t)
{
    return t->source.ops ? t->source.ops->name(t->source.self) : t->row->info.name;
}

int task_version(const struct task *t)
{
    return t->source.ops ? t->source.ops->version(t->source.self) : t->row->info.version;
}

int task_count(const struct task *t)
{
    if (t->source.ops)
        return t->source.ops->count(t->source.self);
    return t->facts ? facts_count(t->facts) : (int)t->docs.n;
}

int task_shots(const struct task *t)
{
    return t->source.ops ? t->source.ops->shots(t->source.self) : t->shots;
}

int task_sha256(const struct task *t, char hex[65], struct err *e)
{
    hex[0] = 0;
    if (t->source.ops && t->source.ops->sha256)
        return t->source.ops->sha256(t->source.self, hex, e);
    if (t->facts)
        snprintf(hex, SHA256_HEX, "%s", facts_sha256(t->facts));
    return !t->facts && t->path && *t->path ? sha256_file(hex, t->path, e) : 0;
}

const char *task_data_path(const struct task *t)
{
    return t->path;
}

const char *task_examples_instead(const struct task *t)
{
    return t->pool_instead;
}

const struct facts *task_facts(const struct task *t)
{
    return t->facts;
}

/* An example as it is shown: its question and its right answer. */
static struct shot shot_of(const struct task *t, const struct doc *d)
{
    if (t->row->recipe->format->prompts == PROMPTS_PER_CHOICE)
        return (struct shot){d->choices[d->gold], d->targets[0]};
    return (struct shot){d->text, d->n_choices ? d->choices[d->gold] : d->targets[0]};
}

/* prompts[0 .. n): one for the question, or one for each choice that ends a context. */
static int build_prompts(const struct task *t, int i, char **prompts, int n, struct err *e)
{
    const struct doc *d = &t->docs.v[i];
    int k = t->shots ? t->n_drawn[i] : 0, rc = 0;
    struct shot *shots = mem_calloc((size_t)k, sizeof *shots);

    if (!shots)
        return err_nomem(e);
    for (int s = 0; s < k; s++)
        shots[s] = shot_of(t, &t->pool.v[t->drawn[(size_t)i * (size_t)t->shots + (size_t)s]]);
    for (int p = 0; p < n && rc == 0; p++) {
        struct strbuf b = STRBUF_INIT;
        rc = prompt_build(&t->style, shots, k, d->text ? d->text : d->choices[p], &b, e);
        if (rc == 0 && !(prompts[p] = strbuf_take(&b)))
            rc = err_nomem(e);
        strbuf_release(&b);
    }
    mem_free(shots);
    return rc;
}

int task_item(const struct task *t, int i, struct item *out, struct err *e)
{
    const struct format *f;
    const struct doc *d;
    char **prompts = NULL;
    int n, rc = -1;

    if (t->facts)
        return facts_item(t->facts, i, out, e);
    if (t->source.ops)
        return t->source.ops->item(t->source.self, i, out, e);
    f = t->row->recipe->format;
    d = &t->docs.v[i];
    n = f->prompts == PROMPTS_NONE ? 0 : f->prompts == PROMPTS_ONE ? 1 : d->n_choices;
    *out = (struct item){.doc_id = i, .gold_index = -1};
    out->doc = mem_strdup(d->json);
    prompts = mem_calloc((size_t)n, sizeof *prompts);
    if (!prompts || !out->doc)
        err_nomem(e);
    else if (build_prompts(t, i, prompts, n, e) == 0 &&
             f->ask(t, d, (const char *const *)prompts, out, e) == 0)
        rc = ask_hash(out, d->json, d->passage, e);
    for (int p = 0; prompts && p < n; p++)
        mem_free(prompts[p]);
    mem_free(prompts);
    if (rc < 0)
        item_release(out);
    return rc;
}

void item_release(struct item *it)
{
    for (int i = 0; i < it->n_queries; i++) {
        mem_free(it->queries[i].context);
        mem_free(it->queries[i].continuation);
    }
    mem_free(it->queries);
    mem_free(it->doc);
    mem_free(it->gold);
    mem_free(it->cluster);
    mem_free(it->task_data);
    *it = (struct item){.gold_index = -1};
}

int task_lengths(const struct task *t, const struct item *it, int query,
                 double lengths[TASK_LENGTHS])
{
    const struct format *f;

    if (t->facts || t->source.ops)
        return 0;
    f = t->row->recipe->format;
    return f->lengths ? f->lengths(t, &t->docs.v[it->doc_id], query, lengths) : 0;
}

int task_score(const struct task *t, const struct item *it, const struct reply_text *replies,
               struct verdict *out, struct err *e)
{
    int rc;

    if (t->facts)
        return facts_score(t->facts, it, replies, out, e);
    *out = (struct verdict){.n = 0};
    for (int i = 0; i < it->n_queries; i++)
        if (it->queries[i].kind != QUERY_GENERATE &&
            (isnan(replies[i].loglikelihood) || replies[i].loglikelihood == INFINITY))
            return err_set(e, ERR_NUMERIC, "%s: item %d: log-likelihood %d is %g", task_name(t),
                           it->doc_id, i, replies[i].loglikelihood);
    if (t->source.ops)
        return t->source.ops->score(t->source.self, it, replies, out, e);
    rc = t->row->recipe->format->credit(t, &t->docs.v[it->doc_id], replies, out, e);
    if (rc < 0)
        verdict_release(out);
    return rc;
}

void verdict_release(struct verdict *v)
{
    for (int i = 0; i < v->n; i++)
        mem_free(v->credits[i].filtered);
    mem_free(v->prediction);
    *v = (struct verdict){.n = 0};
}

static int by_number(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;

    return (x > y) - (x < y);
}

int task_order(const struct task *t, int limit, int *order)
{
    int n = t->sample ? t->n_sample : task_count(t);

    if (t->facts)
        return facts_order(t->facts, limit, order);
    if (limit > 0 && limit < n)
        n = limit;
    for (int i = 0; i < n; i++)
        order[i] = t->sample ? t->sample[i] : i;
    qsort(order, (size_t)n, sizeof *order, by_number);
    return n;
}

const char *task_aggregation(const struct task *t, const char *metric)
{
    static const struct { const char *metric, *how; } rows[] = {
        {"acc", "mean"},
        {"acc_norm", "mean"},
        {"acc_bytes", "mean"},
        {"acc_per_char", "mean"},
        {"acc_mutual_info", "mean"},
        {"exact_match", "mean"},
        {"contains", "mean"},
        {"recall", "mean"},
        {"prompt_level_strict_acc", "mean"},
        {"prompt_level_loose_acc", "mean"},
        {"inst_level_strict_acc", "weighted_mean"},
        {"inst_level_loose_acc", "weighted_mean"},
        {"em", "mean"},
        {"f1", "mean"},
        {"pass@1", "mean"},
        {"pass_at_1", "mean"},
        {"pass@2", "mean"},
        {"pass@8", "mean"},
        {"pass@16", "mean"},
        {"pass@32", "mean"},
        {"pass@64", "mean"},
        {"perplexity", NULL}, /* the format's */
        {"word_perplexity", "weighted_perplexity"},
        {"byte_perplexity", "weighted_perplexity"},
        {"bits_per_byte", "bits_per_byte"},
    };

    if (t->source.ops)
        return t->source.ops->aggregation(t->source.self, metric);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && t->row->recipe; i++)
        if (strcmp(rows[i].metric, metric) == 0)
            return rows[i].how ? rows[i].how : t->row->recipe->format->perplexity;
    return NULL;
}

const char *const *task_metrics(const struct task *t)
{
    return t->row && t->row->recipe && t->row->recipe->metrics[0] ? t->row->recipe->metrics : NULL;
}

int task_threshold(const struct task *t, struct threshold *out)
{
    return t->source.ops && t->source.ops->threshold
               ? t->source.ops->threshold(t->source.self, out)
               : 0;
}

int task_timed(const struct task *t)
{
    return t->source.ops && t->source.ops->timed && t->source.ops->timed(t->source.self);
}

int task_asks_on(const struct task *t)
{
    return t->source.ops && t->source.ops->asks_on && t->source.ops->asks_on(t->source.self);
}

int task_ask_on(const struct task *t, struct item *it, const struct reply_text *replies,
                struct err *e)
{
    return t->source.ops->ask_on(t->source.self, it, replies, e);
}
