/* scenario.c -- a scenario's items to queries, replies to credits. */
#include "tasks/scenario.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "tasks/ask.h"
#include "tasks/pytext.h"
#include "tasks/scenario_impl.h"
#include "tasks/score.h"

/* --- prompts ------------------------------------------------------------------------------ */

/* Lists and objects are lent, not copied.  (cJSON's own function for that loses what it made when
 * there is no memory for the name.) */
static int lend(cJSON *vars, const char *name, const cJSON *v)
{
    cJSON *lent = cJSON_IsObject(v)  ? cJSON_CreateObjectReference(v->child)
                  : cJSON_IsArray(v) ? cJSON_CreateArrayReference(v->child)
                                     : cJSON_Duplicate(v, 0);

    if (lent && cJSON_AddItemToObject(vars, name, lent))
        return 1;
    cJSON_Delete(lent);
    return 0;
}

/* The template's variables. */
static cJSON *variables(const struct scenario *s, const struct scenario_item *it)
{
    const cJSON *tools = json_get(s->answer, "tools"), *f;
    cJSON *vars = cJSON_CreateObject(), *choices = NULL;
    int ok = vars != NULL;

    cJSON_ArrayForEach(f, json_get(s->file.root, "fields"))
        ok = ok && lend(vars, f->valuestring, json_get(it->json, f->valuestring));
    ok = ok && cJSON_AddStringToObject(vars, "language", it->language);
    if (ok && tools)
        ok = lend(vars, "tools", tools);
    if (ok && it->n_choices) {
        choices = cJSON_CreateStringArray(it->choices, it->n_choices);
        ok = choices && cJSON_AddItemToObject(vars, "choices", choices);
        if (!ok)
            cJSON_Delete(choices);
    }
    if (!ok) {
        cJSON_Delete(vars);
        return NULL;
    }
    return vars;
}

int scenario_question(const struct scenario *s, const struct scenario_item *it, struct strbuf *out,
                      struct err *e)
{
    cJSON *vars = variables(s, it);
    struct err why = ERR_NONE;
    int rc;

    if (!vars)
        return err_nomem(e);
    rc = template_render(s->prompt, vars, NULL, out, &why);
    cJSON_Delete(vars);
    if (rc < 0)
        return why.code == ERR_NOMEM ? err_nomem(e)
                                     : json_text_wrong(&s->file, it->json, 0, e, "%s", why.text);
    return 0;
}

int scenario_say(const struct scenario *s, const struct scenario_item *it, struct strbuf *out,
                 struct err *e)
{
    const cJSON *say = json_get(it->json, "say");
    char letter[2] = {(char)('A' + it->gold), 0};

    if (say && say->child)
        strbuf_adds(out, say->child->valuestring);
    else if (!s->kind->stop)
        strbuf_adds(out, s->letters ? letter : it->choices[it->gold]);
    else if (s->kind->show)
        return s->kind->show(s, it, out, e);
    return strbuf_ok(out, e);
}

int scenario_prompt(const struct scenario *s, const struct scenario_item *it, struct strbuf *out,
                    struct err *e)
{
    size_t n = (size_t)s->shots;
    struct strbuf *texts = mem_calloc(2 * n + 1, sizeof *texts);
    struct shot *shots = mem_calloc(n, sizeof *shots);
    int rc = texts && shots ? 0 : err_nomem(e);

    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = scenario_question(s, &s->examples[i], &texts[2 * i], e);
        if (rc == 0)
            rc = scenario_say(s, &s->examples[i], &texts[2 * i + 1], e);
        shots[i] = (struct shot){strbuf_str(&texts[2 * i]), strbuf_str(&texts[2 * i + 1])};
    }
    if (rc == 0)
        rc = scenario_question(s, it, &texts[2 * n], e);
    if (rc == 0)
        rc = prompt_build(&s->style, shots, (int)n, strbuf_str(&texts[2 * n]), out, e);
    for (size_t i = 0; texts && i < 2 * n + 1; i++)
        strbuf_release(&texts[i]);
    mem_free(texts);
    mem_free(shots);
    return rc;
}

/* --- asking ------------------------------------------------------------------------------- */

static int ask_choices(const struct scenario *s, const struct scenario_item *it,
                       const char *prompt, struct item *out, struct err *e)
{
    const char *delimiter = s->style.chat ? "" : s->style.target_delimiter;

    if (ask_queries(out, it->n_choices, e) < 0)
        return -1;
    for (int i = 0; i < it->n_choices; i++) {
        char letter[2] = {(char)('A' + i), 0};
        if (ask_query(&out->queries[i], QUERY_LOGLIKELIHOOD, prompt, delimiter,
                      s->letters ? letter : it->choices[i], e) < 0)
            return -1;
    }
    return ask_gold(out, it->choices[it->gold], it->gold, e);
}

static int ask_text(const struct scenario *s, const struct scenario_item *it, const char *prompt,
                    struct item *out, struct err *e)
{
    struct strbuf gold = STRBUF_INIT;
    int rc = -1;

    if (ask_queries(out, 1, e) == 0 &&
        ask_query(&out->queries[0], QUERY_GENERATE, prompt, "", "", e) == 0) {
        char *json = cJSON_PrintUnformatted(it->answer);
        out->queries[0].until = s->stop;
        out->queries[0].n_until = s->n_stop;
        out->queries[0].max_tokens = s->max_tokens;
        strbuf_adds(&gold, cJSON_IsString(it->answer) ? it->answer->valuestring : json ? json : "");
        rc = json ? ask_gold(out, strbuf_str(&gold), -1, e) : err_nomem(e);
        cJSON_free(json);
    }
    strbuf_release(&gold);
    return rc;
}

static int scenario_item(const void *self, int i, struct item *out, struct err *e)
{
    const struct scenario *s = self;
    const struct scenario_item *it = &s->items[i];
    struct strbuf prompt = STRBUF_INIT;
    char *json = cJSON_PrintUnformatted(it->json);
    int rc = -1;

    *out = (struct item){.doc_id = i, .gold_index = -1};
    out->doc = json ? mem_strdup(json) : NULL;
    cJSON_free(json);
    if (!out->doc)
        err_nomem(e);
    else if (scenario_prompt(s, it, &prompt, e) == 0 &&
             (s->kind->stop ? ask_text : ask_choices)(s, it, strbuf_str(&prompt), out, e) == 0)
        rc = ask_hash(out, out->doc, NULL, e);
    strbuf_release(&prompt);
    if (rc < 0)
        item_release(out);
    return rc;
}

/* What the judge is asked about an output: the template over the item's variables. */
static int judge_prompt(const struct scenario *s, const struct scenario_item *it,
                        const char *output, struct strbuf *out, struct err *e)
{
    cJSON *vars = variables(s, it);
    struct err why = ERR_NONE;
    struct strbuf valid = STRBUF_INIT;
    int rc = -1;

    strbuf_adds(&valid, output);
    if (valid.len)
        utf8_make_printable(valid.s, valid.len, 1);
    if (!vars || strbuf_ok(&valid, e) < 0 ||
        !cJSON_AddStringToObject(vars, "output", strbuf_str(&valid)) ||
        !cJSON_AddStringToObject(vars, "rubric", it->answer->valuestring))
        err_nomem(e);
    else if ((rc = template_render(s->judge, vars, NULL, out, &why)) < 0)
        rc = why.code == ERR_NOMEM ? err_nomem(e)
                                   : json_text_wrong(&s->file, json_get(s->answer, "judge"), 0, e,
                                                     "%s", why.text);
    cJSON_Delete(vars);
    strbuf_release(&valid);
    return rc;
}

static int scenario_asks_on(const void *self)
{
    return ((const struct scenario *)self)->judge != NULL;
}

static int scenario_ask_on(const void *self, struct item *it, const struct reply_text *replies,
                           struct err *e)
{
    const struct scenario *s = self;
    const char *const words[2] = {s->yes, s->no};
    struct strbuf prompt = STRBUF_INIT;
    struct query more[2] = {{0}, {0}}, *all = NULL;
    int rc = judge_prompt(s, &s->items[it->doc_id], replies[0].text ? replies[0].text : "",
                          &prompt, e);

    for (int i = 0; i < 2 && rc == 0; i++)
        rc = ask_query(&more[i], QUERY_LOGLIKELIHOOD, strbuf_str(&prompt), "", words[i], e);
    if (rc == 0 && !(all = mem_realloc(it->queries, 3 * sizeof *all)))
        rc = err_nomem(e);
    for (int i = 0; i < 2; i++) {
        if (rc == 0) {
            all[1 + i] = more[i];
        } else {
            mem_free(more[i].context);
            mem_free(more[i].continuation);
        }
    }
    if (rc == 0) {
        it->queries = all;
        it->n_queries = 3;
    }
    strbuf_release(&prompt);
    return rc;
}

/* --- crediting ---------------------------------------------------------------------------- */

void found_release(struct found *f)
{
    strbuf_release(&f->text);
}

int scenario_credit(const struct scenario *s, const struct scenario_item *it, const char *output,
                    struct found *out, struct err *e)
{
    *out = (struct found){.well_formed = -1};
    if (s->kind->credit(s, it, output ? output : "", out, e) < 0)
        return -1;
    return strbuf_ok(&out->text, e);
}

/* One value as a credit of the whole and of each slice. */
static void add(const struct scenario *s, const struct scenario_item *it, struct verdict *v,
                const char *metric, double value)
{
    v->credits[v->n++] = (struct credit){metric, "none", value, it->weight, NULL};
    for (int i = 0; i < it->n_slices && strcmp(metric, "acc") == 0; i++)
        if (v->n < CREDITS_MAX)
            v->credits[v->n++] =
                (struct credit){metric, s->slices[it->slices[i]], value, it->weight, NULL};
}

static void add_in_time(const struct scenario *s, const struct scenario_item *it,
                        const struct reply_text *r, struct verdict *v, double acc)
{
    if (s->deadline_s > 0)
        add(s, it, v, "acc_in_time", r->latency_s <= s->deadline_s ? acc : 0);
}

static int score_choices(const struct scenario *s, const struct scenario_item *it,
                         const struct reply_text *replies, struct verdict *out, struct err *e)
{
    double ll[SCENARIO_CHOICES];
    size_t lengths[SCENARIO_CHOICES];
    int best;

    for (int i = 0; i < it->n_choices; i++) {
        ll[i] = replies[i].loglikelihood;
        lengths[i] = utf8_count(it->choices[i], strlen(it->choices[i]));
    }
    best = score_best(ll, it->n_choices);
    add(s, it, out, "acc", best == it->gold);
    if (!s->letters)
        add(s, it, out, "acc_norm", score_best_per(ll, lengths, it->n_choices) == it->gold);
    add_in_time(s, it, &replies[0], out, best == it->gold);
    out->prediction = mem_strdup(it->choices[best]);
    return out->prediction ? 0 : err_nomem(e);
}

static int score_text(const struct scenario *s, const struct scenario_item *it,
                      const struct reply_text *reply, struct verdict *out, struct err *e)
{
    struct found f;
    int rc = scenario_credit(s, it, reply->text, &f, e);

    if (rc == 0) {
        double acc = f.credit == 1;
        add(s, it, out, "acc", acc);
        if (s->kind->partial)
            add(s, it, out, "credit", f.credit);
        if (f.well_formed >= 0)
            add(s, it, out, "well_formed", f.well_formed);
        add_in_time(s, it, reply, out, acc);
        out->prediction = mem_strdup(strbuf_str(&f.text));
        rc = out->prediction ? 0 : err_nomem(e);
    }
    found_release(&f);
    return rc;
}

/* The judge's two likelihoods: credit is how much of both is on yes. */
static int score_judged(const struct scenario *s, const struct scenario_item *it,
                        const struct reply_text *replies, struct verdict *out, struct err *e)
{
    double yes = replies[1].loglikelihood, no = replies[2].loglikelihood;
    double share = yes == -INFINITY ? 0 : 1 / (1 + exp(no - yes));

    add(s, it, out, "acc", share > 0.5);
    add(s, it, out, "credit", share);
    add_in_time(s, it, &replies[0], out, share > 0.5);
    out->prediction = mem_strdup(share > 0.5 ? "yes" : "no");
    return out->prediction ? 0 : err_nomem(e);
}

static int scenario_score(const void *self, const struct item *it,
                          const struct reply_text *replies, struct verdict *out, struct err *e)
{
    const struct scenario *s = self;
    int (*const score)(const struct scenario *s, const struct scenario_item *it,
                       const struct reply_text *replies, struct verdict *out, struct err *e) =
        s->judge ? score_judged : s->kind->stop ? score_text : score_choices;
    int rc;

    if (s->judge && it->n_queries != 3)
        return err_set(e, ERR_INVALID, "%s: item %d was not judged", s->name, it->doc_id);
    rc = score(s, &s->items[it->doc_id], replies, out, e);

    if (rc < 0)
        verdict_release(out);
    return rc;
}

static const char *scenario_aggregation(const void *self, const char *metric)
{
    static const char *const metrics[] = {"acc", "acc_norm", "credit", "well_formed",
                                          "acc_in_time"};
    const struct scenario *s = self;

    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++)
        if (strcmp(metrics[i], metric) == 0)
            return s->weighted ? "weighted_mean" : "mean";
    return NULL;
}

/* --- opening ------------------------------------------------------------------------------ */

void scenario_close(struct scenario *s)
{
    if (!s)
        return;
    template_free(s->prompt);
    template_free(s->judge);
    json_text_release(&s->file);
    strbuf_release(&s->bytes);
    arena_release(&s->arena);
    mem_free(s->path);
    mem_free(s);
}

static void source_close(void *self)
{
    scenario_close(self);
}

static const char *source_name(const void *self)
{
    return ((const struct scenario *)self)->name;
}

static int source_version(const void *self)
{
    return ((const struct scenario *)self)->version;
}

static int source_shots(const void *self)
{
    return ((const struct scenario *)self)->shots;
}

static int source_count(const void *self)
{
    return ((const struct scenario *)self)->n_items;
}

static int source_threshold(const void *self, struct threshold *out)
{
    *out = ((const struct scenario *)self)->pass;
    return out->metric != NULL;
}

static int source_timed(const void *self)
{
    return ((const struct scenario *)self)->deadline_s > 0;
}

static const struct source_ops scenario_ops = {
    source_close, source_name, source_version, source_shots, source_count, scenario_item,
    scenario_score, scenario_aggregation, source_threshold, source_timed, scenario_asks_on,
    scenario_ask_on, NULL,
};

static int wrong_mode(const struct scenario *s, const struct task_opts *o, struct err *e)
{
    const char *mode = json_str(s->file.root, "mode");

    if (mode && strcmp(mode, "plain") == 0 && o->chat) {
        err_set(e, ERR_USAGE, "%s: is asked as plain text only", s->name);
        err_hint(e, "leave --chat out");
        return -1;
    }
    if (mode && strcmp(mode, "chat") == 0 && !o->chat) {
        err_set(e, ERR_USAGE, "%s: is asked as chat only", s->name);
        err_hint(e, "add --chat");
        return -1;
    }
    return 0;
}

/* How the task is asked this time. */
static int set_style(struct scenario *s, const struct task_opts *o, struct err *e)
{
    const char *delimiter = json_str(s->file.root, "delimiter");
    const char *shot_delimiter = json_str(s->file.root, "shot_delimiter");
    struct strbuf system = STRBUF_INIT;
    char *joined;

    if (wrong_mode(s, o, e) < 0)
        return -1;
    if (o->shots > s->n_examples)
        return err_set(e, ERR_USAGE, "%s: %d shots need %d examples, and there are %d", s->name,
                       o->shots, o->shots, s->n_examples);
    if (o->shots >= 0)
        s->shots = o->shots;
    s->style = (struct prompt_style){NULL, delimiter ? delimiter : " ",
                                     shot_delimiter ? shot_delimiter : "\n\n", o->chat};
    prompt_join(&system, o->system ? o->system : "", s->system ? s->system : "", "\n\n");
    if (!o->chat && system.len && system.s[system.len - 1] != '\n')
        strbuf_adds(&system, "\n\n");
    joined = strbuf_ok(&system, e) == 0 ? arena_strdup(&s->arena, strbuf_str(&system)) : NULL;
    strbuf_release(&system);
    s->style.system = joined;
    return joined ? 0 : err_nomem(e);
}

/* Options moved on by so many places, and with them which is right. */
static int rotate(struct scenario *s, int by, struct err *e)
{
    if (s->kind->stop || !strstr(json_str(s->file.root, "prompt"), "choices"))
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: its prompt does not list options: their order cannot matter", s->name);
    for (int i = 0; i < s->n_items; i++) {
        struct scenario_item *it = &s->items[i];
        const char *old[SCENARIO_CHOICES];
        int k = it->n_choices;
        memcpy(old, it->choices, (size_t)k * sizeof *old);
        for (int c = 0; c < k; c++)
            it->choices[c] = old[(c + by) % k];
        it->gold = (it->gold + k - by % k) % k;
    }
    return 0;
}

/* Fisher and Yates, drawn as Python's random.shuffle draws. */
static void shuffle(struct scenario *s, uint64_t seed)
{
    struct rng r;

    rng_seed(&r, seed);
    for (int i = s->n_examples - 1; i > 0; i--) {
        int k = (int)rng_below(&r, (uint32_t)i + 1);
        struct scenario_item t = s->examples[i];
        s->examples[i] = s->examples[k];
        s->examples[k] = t;
    }
}

static int set_variant(struct scenario *s, const struct task_opts *o, struct err *e)
{
    const struct task_variant *v = &o->variant;
    const cJSON *wordings = json_get(s->file.root, "wordings");

    if (v->wording > cJSON_GetArraySize(wordings))
        return err_set(e, ERR_NOTFOUND, "%s: has %d other wordings", s->name,
                       cJSON_GetArraySize(wordings));
    if (v->wording &&
        scenario_set_prompt(s, cJSON_GetArrayItem(wordings, v->wording - 1), e) < 0)
        return -1;
    if (v->shuffle)
        shuffle(s, o->seed);
    return v->rotate ? rotate(s, v->rotate, e) : 0;
}

static int open_bytes(struct source *out, const char *path, const char *bytes, size_t n,
                      const struct task_opts *o, struct err *e)
{
    struct scenario *s = mem_calloc(1, sizeof *s);
    int rc = -1;

    if (!s)
        return err_nomem(e);
    s->path = mem_strdup(path);
    if (!s->path)
        err_nomem(e);
    else if (bytes)
        strbuf_add(&s->bytes, bytes, n), rc = strbuf_ok(&s->bytes, e);
    else
        rc = file_read(&s->bytes, path, SCENARIO_MAX, e);
    if (rc == 0)
        rc = scenario_parse(s, e);
    if (rc == 0)
        rc = set_style(s, o, e);
    if (rc == 0)
        rc = set_variant(s, o, e);
    if (rc < 0)
        scenario_close(s);
    else
        *out = (struct source){&scenario_ops, s};
    return rc;
}

int scenario_open_file(struct source *out, const char *path, const struct task_opts *o,
                       struct err *e)
{
    return open_bytes(out, path, NULL, 0, o, e);
}

int scenario_open_own(struct source *out, const char *name, const struct task_opts *o,
                      struct err *e)
{
    size_t n = 0;
    const char *bytes = scenario_own_bytes(name, &n);

    if (!bytes)
        return err_set(e, ERR_NOTFOUND, "%s: is not in this program", name);
    return open_bytes(out, name, bytes, n, o, e);
}
