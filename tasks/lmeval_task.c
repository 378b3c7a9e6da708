/* lmeval_task.c -- a configuration to a task: fields, run options, data, examples. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "tasks/lmeval.h"
#include "tasks/prompt.h"
#include "tasks/shots.h"

enum { STOPS = 64, SHOTS = 1000, REPEATS = 1024 };

/* --- reading ------------------------------------------------------------------------------ */

static int read_type(struct lmeval *t, struct err *e)
{
    static const struct {
        const char *name;
        enum output_type type;
    } rows[] = {{"loglikelihood", OUTPUT_LIKELIHOOD},
                {"multiple_choice", OUTPUT_CHOICE},
                {"loglikelihood_rolling", OUTPUT_ROLLING},
                {"generate_until", OUTPUT_GENERATE}};
    const struct ynode *y = config_get(&t->config, "output_type");

    t->type = OUTPUT_GENERATE;
    for (size_t i = 0; y && i < sizeof rows / sizeof rows[0]; i++)
        if (ynode_is(y, rows[i].name)) {
            t->type = rows[i].type;
            return 0;
        }
    return y ? ynode_fail(y, e, ERR_FORMAT,
                          "output_type '%s' is none of loglikelihood, multiple_choice, "
                          "loglikelihood_rolling, generate_until", y->s)
             : 0;
}

static int read_fields(struct lmeval *t, struct err *e)
{
    const struct lmeval_config *c = &t->config;
    const struct ynode *shots = config_get(c, "fewshot_config");
    const struct {
        struct field *field;
        const struct ynode *node;
        const char *what;
    } rows[] = {
        {&t->text, config_get(c, "doc_to_text"), "doc_to_text"},
        {&t->target, config_get(c, "doc_to_target"), "doc_to_target"},
        {&t->choice, config_get(c, "doc_to_choice"), "doc_to_choice"},
        {&t->description, config_get(c, "description"), "description"},
        {&t->prefix, config_get(c, "gen_prefix"), "gen_prefix"},
        {&t->shot_text, ynode_get(shots, "doc_to_text"), "fewshot_config.doc_to_text"},
        {&t->shot_target, ynode_get(shots, "doc_to_target"), "fewshot_config.doc_to_target"},
        {&t->shot_choice, ynode_get(shots, "doc_to_choice"), "fewshot_config.doc_to_choice"},
        {&t->shot_prefix, ynode_get(shots, "gen_prefix"), "fewshot_config.gen_prefix"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (field_read(rows[i].field, rows[i].node, rows[i].what, &t->natives, e) < 0)
            return -1;
    return 0;
}

static int read_process(struct lmeval *t, const struct native **out, const struct ynode *y,
                        struct err *e)
{
    *out = y && y->type == Y_FUNCTION ? native_find(&t->natives, y, e) : NULL;
    return y && y->type == Y_FUNCTION && !*out ? -1 : 0;
}

/* Options of fewshot_config; delimiters and functions are the task's unless it has its own. */
static int read_shots(struct lmeval *t, struct err *e)
{
    static const char keys[] = " sampler split process_docs fewshot_indices samples doc_to_text "
                               "doc_to_choice doc_to_target gen_prefix fewshot_delimiter "
                               "target_delimiter ";
    const struct ynode *y = config_get(&t->config, "fewshot_config"), *v;
    char word[64];

    t->shots_process = t->process;
    t->shots_target_delimiter = t->target_delimiter;
    t->shots_delimiter = t->shot_delimiter;
    for (size_t i = 0; y && i < y->n_items; i++) {
        snprintf(word, sizeof word, " %s ", y->keys[i]->s);
        if (!strstr(keys, word))
            return ynode_fail(y->keys[i], e, ERR_FORMAT, "fewshot_config has no option '%s'",
                              y->keys[i]->s);
    }
    if ((v = ynode_get(y, "process_docs")) && read_process(t, &t->shots_process, v, e) < 0)
        return -1;
    if ((v = ynode_get(y, "target_delimiter")) && v->type == Y_STR)
        t->shots_target_delimiter = v->s;
    if ((v = ynode_get(y, "fewshot_delimiter")) && v->type == Y_STR)
        t->shots_delimiter = v->s;
    if (!t->splits[SPLIT_SHOTS] && (v = ynode_get(y, "split")) && v->type == Y_STR)
        t->splits[SPLIT_SHOTS] = v->s;
    v = ynode_get(y, "sampler");
    t->first_n = ynode_is(v, "first_n");
    if (v && v->type != Y_NULL && !t->first_n && !ynode_is(v, "default"))
        return ynode_fail(v, e, ERR_UNSUPPORTED, "no sampler is called '%s': default, first_n",
                          v->s ? v->s : "");
    t->samples = ynode_get(y, "samples");
    if (t->samples && t->samples->type == Y_NULL)
        t->samples = NULL;
    if (t->samples && t->samples->type == Y_FUNCTION) {
        t->sampled = native_find(&t->natives, t->samples, e);
        return t->sampled ? 0 : -1;
    }
    if (t->samples && t->samples->type != Y_LIST)
        return ynode_fail(t->samples, e, ERR_FORMAT, "samples: a list of documents is needed");
    return 0;
}

static int read_number(const struct lmeval *t, const char *key, int low, int high, int *out,
                       struct err *e)
{
    const struct ynode *y = config_get(&t->config, key);

    if (!y)
        return 0;
    if (y->num < low || y->num > high)
        return ynode_fail(y, e, ERR_FORMAT, "%s: %d to %d", key, low, high);
    *out = (int)y->num;
    return 0;
}

static int read_until(struct lmeval *t, const struct ynode *y, struct err *e)
{
    size_t n = !y || y->type == Y_NULL ? 0 : y->type == Y_LIST ? y->n_items : 1;

    if (n > STOPS)
        return ynode_fail(y, e, ERR_FORMAT, "until: more than %d stop strings", STOPS);
    t->until = arena_alloc(&t->config.arena, (n + 1) * sizeof *t->until);
    if (!t->until)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        const struct ynode *s = y->type == Y_LIST ? y->items[i] : y;
        if (!s->s)
            return ynode_fail(s, e, ERR_FORMAT, "until: a text is needed");
        if (s->n)
            t->until[t->n_until++] = s->s;
    }
    return 0;
}

static int read_share(const struct ynode *y, const char *key, double most, double *out,
                      struct err *e)
{
    if (!y || y->type == Y_NULL)
        return 0;
    if ((y->type != Y_INT && y->type != Y_FLOAT) || !(y->num >= 0 && y->num <= most))
        return ynode_fail(y, e, ERR_FORMAT, "%s: 0 to %g", key, most);
    *out = y->num;
    return 0;
}

/* Sampled only where it is asked for with a temperature, and not forbidden. */
static int read_sampling(struct lmeval *t, const struct ynode *y, struct err *e)
{
    const struct ynode *sample = ynode_get(y, "do_sample");

    t->top_p = 1;
    if (read_share(ynode_get(y, "temperature"), "temperature", 100, &t->temperature, e) < 0 ||
        read_share(ynode_get(y, "top_p"), "top_p", 1, &t->top_p, e) < 0)
        return -1;
    if (sample && sample->num == 0)
        t->temperature = 0;
    return 0;
}

/* generation_kwargs; without `until` the delimiter of the examples ends an answer. */
static int read_generation(struct lmeval *t, struct err *e)
{
    const struct ynode *y = config_get(&t->config, "generation_kwargs");
    const struct ynode *until = ynode_get(y, "until"), *v = ynode_get(y, "max_gen_toks");

    t->max_tokens = 256;
    if (!v)
        v = ynode_get(y, "max_new_tokens");
    if (!v)
        v = ynode_get(y, "max_tokens");
    if (v && v->type != Y_NULL) {
        if (v->type != Y_INT || v->num < 1 || v->num > 1 << 20)
            return ynode_fail(v, e, ERR_FORMAT, "max_gen_toks: 1 to %d", 1 << 20);
        t->max_tokens = (int)v->num;
    }
    if (read_sampling(t, y, e) < 0)
        return -1;
    if (until || t->type != OUTPUT_GENERATE)
        return read_until(t, until, e);
    t->until = arena_alloc(&t->config.arena, sizeof *t->until);
    if (!t->until)
        return err_nomem(e);
    if (*t->shot_delimiter)
        t->until[t->n_until++] = t->shot_delimiter;
    return 0;
}

static void read_version(struct lmeval *t)
{
    const struct ynode *v = ynode_get(config_get(&t->config, "metadata"), "version");

    if (v && v->s)
        t->version = v->type == Y_STR ? (int)strtol(v->s, NULL, 10) : (int)v->num;
}

static int need(const struct lmeval *t, const struct field *f, const char *what, struct err *e)
{
    return f->kind != FIELD_NONE ? 0
                                 : ynode_fail(t->config.map, e, ERR_FORMAT, "%s is missing", what);
}

/* What the type of output cannot do without. */
static int check_fields(struct lmeval *t, struct err *e)
{
    const struct ynode *results = config_get(&t->config, "process_results");

    if (results && results->type == Y_STR)
        return ynode_fail(results, e, ERR_FORMAT, "process_results: a !function is needed");
    if (need(t, &t->target, "doc_to_target", e) < 0)
        return -1;
    if (t->type != OUTPUT_ROLLING && need(t, &t->text, "doc_to_text", e) < 0)
        return -1;
    if (t->type == OUTPUT_CHOICE && need(t, &t->choice, "doc_to_choice", e) < 0)
        return -1;
    if (!t->splits[SPLIT_TEST] && !t->splits[SPLIT_VALIDATION])
        return ynode_fail(t->config.map, e, ERR_FORMAT, "test_split or validation_split is needed");
    if (t->metrics.n * t->pipelines.n > CREDITS_MAX)
        return ynode_fail(t->config.map, e, ERR_UNSUPPORTED,
                          "%d metrics of %d pipelines: at most %d numbers an item", t->metrics.n,
                          t->pipelines.n, CREDITS_MAX);
    return 0;
}

/* process_results: what is not known can be shown and not scored. */
static int read_results(struct lmeval *t, struct err *e)
{
    const struct ynode *results = config_get(&t->config, "process_results");
    const struct native_result *known;
    struct err own = ERR_NONE;

    if (!results || results->type != Y_FUNCTION)
        return 0;
    known = results_find(results, &own);
    if (own.code == ERR_NOMEM)
        return err_nomem(e);
    if (known) {
        t->way = result_way_find(known->way);
        t->way_arg = known->arg;
    }
    if (t->way && !(t->way->metrics[0].outputs & t->type))
        t->way = NULL;
    t->unscored = t->way ? NULL : results;
    return 0;
}

static int read_all(struct lmeval *t, struct err *e)
{
    static const char *const splits[] = {"training_split", "validation_split", "test_split",
                                         "fewshot_split"};
    const struct lmeval_config *c = &t->config;

    t->name = config_str(c, "task", "");
    t->target_delimiter = config_str(c, "target_delimiter", " ");
    t->shot_delimiter = config_str(c, "fewshot_delimiter", "\n\n");
    for (int i = 0; i < SPLITS; i++)
        t->splits[i] = config_str(c, splits[i], NULL);
    t->num_fewshot = -1;
    t->repeats = 1;
    read_version(t);
    if (lmeval_config_check(c, e) < 0 || read_type(t, e) < 0 || read_results(t, e) < 0 ||
        read_process(t, &t->process, config_get(c, "process_docs"), e) < 0 ||
        read_shots(t, e) < 0 || read_fields(t, e) < 0 ||
        read_number(t, "num_fewshot", 0, SHOTS, &t->num_fewshot, e) < 0 ||
        read_number(t, "repeats", 1, REPEATS, &t->repeats, e) < 0 || read_generation(t, e) < 0)
        return -1;
    if (metrics_read(&t->metrics, &t->config.arena, config_get(c, "metric_list"), t->type,
                     t->unscored != NULL, t->way, e) < 0 ||
        pipelines_read(&t->pipelines, &t->config.arena, config_get(c, "filter_list"), e) < 0)
        return -1;
    return check_fields(t, e);
}

int lmeval_read(struct lmeval **out, struct lmeval_config *c, struct err *e)
{
    struct lmeval *t = mem_calloc(1, sizeof *t);

    if (!t) {
        lmeval_config_release(c);
        return err_nomem(e);
    }
    t->config = *c;
    *c = (struct lmeval_config){.kind = CONFIG_PART};
    if (read_all(t, e) < 0) {
        lmeval_close(t);
        return -1;
    }
    *out = t;
    return 0;
}

void lmeval_close(struct lmeval *t)
{
    if (!t)
        return;
    field_release(&t->text);
    field_release(&t->target);
    field_release(&t->choice);
    field_release(&t->description);
    field_release(&t->prefix);
    field_release(&t->shot_text);
    field_release(&t->shot_target);
    field_release(&t->shot_choice);
    field_release(&t->shot_prefix);
    metrics_release(&t->metrics);
    pipelines_release(&t->pipelines);
    natives_release(&t->natives);
    docset_release(&t->docs);
    docset_release(&t->pool);
    mem_free(t->drawn);
    mem_free(t->n_drawn);
    mem_free(t->system);
    lmeval_config_release(&t->config);
    mem_free(t);
}

/* --- documents ---------------------------------------------------------------------------- */

/* A text that is the name of a column is that column. */
static void match_columns(struct lmeval *t)
{
    struct field *fields[] = {&t->text,      &t->target,      &t->choice, &t->shot_text,
                              &t->shot_target, &t->shot_choice};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (fields[i]->kind == FIELD_TEXT)
            fields[i]->column = json_get(t->docs.v[0], fields[i]->node->s) != NULL;
}

/* The first document decides whether there are several contexts, and several targets. */
static int look_at_first(struct lmeval *t, struct err *e)
{
    cJSON *text, *target = NULL;
    int rc = -1;

    match_columns(t);
    text = doc_to_text(t, &t->text, t->docs.v[0], e);
    if (text)
        target = doc_to_target(t, &t->target, t->docs.v[0], e);
    if (target) {
        t->multiple_input = t->choice.kind != FIELD_NONE && !cJSON_IsString(text);
        t->multiple_target = cJSON_IsArray(target);
        rc = 0;
    }
    json_free(text);
    json_free(target);
    return rc;
}

int lmeval_load_docs(struct lmeval *t, cJSON *list, struct err *e)
{
    if (docset_make(&t->docs, list, t->process, 1, e) < 0)
        return -1;
    return t->docs.n ? look_at_first(t, e) : err_set(e, ERR_FORMAT, "there are no documents");
}

/* --- examples ----------------------------------------------------------------------------- */

/* Where they come from: the split named for them, a list in the file, else the first of training,
 * validation and test that there is. */
static int open_pool(struct lmeval *t, const struct task_opts *o, struct err *e)
{
    static const int order[] = {SPLIT_TRAIN, SPLIT_VALIDATION, SPLIT_TEST};

    if (t->splits[SPLIT_SHOTS])
        return lmeval_split(t, t->splits[SPLIT_SHOTS], t->shots_process, o, &t->pool, e);
    if (t->samples) {
        cJSON *list = t->sampled ? native_value(t->sampled, NULL, e) : ynode_json(t->samples, e);
        return list ? docset_make(&t->pool, list, NULL, 0, e) : -1;
    }
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (t->splits[order[i]])
            return lmeval_split(t, t->splits[order[i]], t->process, o, &t->pool, e);
    return err_set(e, ERR_FORMAT, "%s: has no examples to show", t->name);
}

/* lm-eval compares the names of the two splits, and two that are not given are equal. */
static int same_split(const struct lmeval *t)
{
    const char *a = t->splits[SPLIT_SHOTS], *b = t->splits[SPLIT_TEST];

    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void take_shots(struct lmeval *t, int i, const int *sample, int n, int without_itself)
{
    int taken = 0;

    for (int s = 0; s < n && taken < t->shots; s++)
        if (!without_itself || !cJSON_Compare(t->pool.v[sample[s]], t->docs.v[i], 1))
            t->drawn[(size_t)i * (size_t)t->shots + (size_t)taken++] = sample[s];
    t->n_drawn[i] = taken;
}

static int draw_shots(struct lmeval *t, const struct task_opts *o, struct err *e)
{
    size_t k = (size_t)t->shots, docs = (size_t)t->docs.n;
    int itself = same_split(t), n = t->shots + itself, rc = -1;
    int *sample = NULL;
    struct rng r;

    if (t->first_n && n > t->pool.n)
        n = t->shots; /* one to spare, where there is one */
    if (n > t->pool.n)
        return err_set(e, ERR_USAGE, "%s: %d shots need %d examples, and there are %d", t->name,
                       t->shots, n, t->pool.n);
    sample = mem_calloc((size_t)n, sizeof *sample);
    t->drawn = docs <= SIZE_MAX / sizeof *t->drawn / k ? mem_calloc(docs * k, sizeof *t->drawn)
                                                       : NULL;
    t->n_drawn = mem_calloc(docs, sizeof *t->n_drawn);
    if (!sample || !t->drawn || !t->n_drawn) {
        err_nomem(e);
        goto out;
    }
    rng_seed(&r, o->seed);
    for (int s = 0; s < n; s++)
        sample[s] = s;
    for (int i = 0; i < t->docs.n; i++) {
        if (o->by_doc && shots_seed(&r, t->name, o->seed, i, e) < 0)
            goto out;
        if (!t->first_n && rng_sample(&r, (uint32_t)t->pool.n, (uint32_t)n, sample, e) < 0)
            goto out;
        take_shots(t, i, sample, n, itself);
    }
    rc = 0;
out:
    mem_free(sample);
    return rc;
}

/* num_fewshot: 0 in a file is final; a rolling likelihood has no place for examples. */
static int shots_of(const struct lmeval *t, int asked)
{
    if (t->num_fewshot == 0 || t->type == OUTPUT_ROLLING)
        return 0;
    return asked >= 0 ? asked : t->num_fewshot > 0 ? t->num_fewshot : 0;
}

int lmeval_load(struct lmeval *t, const struct task_opts *o, struct err *e)
{
    const char *split = t->splits[SPLIT_TEST] ? t->splits[SPLIT_TEST] : t->splits[SPLIT_VALIDATION];

    t->shots = shots_of(t, o->shots);
    t->chat = o->chat;
    t->seed = o->seed;
    t->system = mem_strdup(o->system ? o->system : "");
    if (!t->system)
        return err_nomem(e);
    if (lmeval_split(t, split, t->process, o, &t->docs, e) < 0 || look_at_first(t, e) < 0)
        return -1;
    if (t->shots == 0)
        return 0;
    return open_pool(t, o, e) < 0 ? -1 : draw_shots(t, o, e);
}
