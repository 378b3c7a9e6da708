/* scenario_read.c -- a scenario file to items: the rows that say what may be in it, then what rows
 * cannot say. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/schema.h"
#include "base/suggest.h"
#include "tasks/scenario_impl.h"

/* --- the rows ----------------------------------------------------------------------------- */

#define END {NULL, JSON_ANY, 0, 0, NULL, NULL, 0, NULL}

#define IGNORES "case|space|punctuation|articles|width|stop|quotes"

static const struct json_field answer_fields[] = {
    {"kind", JSON_TEXT, 0, 0, NULL, NULL, 1, "what an answer is and how it is credited"},
    {"choices", JSON_TEXTS, 2, SCENARIO_CHOICES, NULL, NULL, 0,
     "choice: the options of every item that has none of its own"},
    {"by", JSON_CHOICE, 0, 0, "text|letter", NULL, 0,
     "choice: what is scored, an option's text or its letter (the prompt lists them)"},
    {"labels", JSON_TEXTS, 2, 1000, NULL, NULL, 0, "label: what may be said"},
    {"ignore", JSON_CHOICES, 0, 7, IGNORES, NULL, 0,
     "in what texts may differ; case, space, width, stop and quotes unless given"},
    {"take", JSON_CHOICE, 0, 0, "first_line|last_line|all", NULL, 0,
     "the part of an output that counts: the first line that is not empty, unless given"},
    {"after", JSON_TEXT, 0, 0, NULL, NULL, 0,
     "only what follows the last of these in the output, where there is one"},
    {"match", JSON_CHOICE, 0, 0, "whole|within", NULL, 0,
     "exact: the answer is all that counts of the output, or stands in it as a word"},
    {"separators", JSON_TEXTS, 1, SCENARIO_DELIMITERS, NULL, NULL, 0,
     "set: what stands between members"},
    {"tolerance", JSON_NUM, 0, 1e300, NULL, NULL, 0, "number, json: how far off is still right"},
    {"relative_tolerance", JSON_NUM, 0, 1, NULL, NULL, 0, "the same as a share of the answer"},
    {"pick", JSON_CHOICE, 0, 0, "first|last", NULL, 0, "number: which of several counts"},
    {"units", JSON_MAP, 0, 0, NULL, NULL, 0,
     "number: names of units and how much of the answer's unit each is"},
    {"unit_required", JSON_BOOL, 0, 0, NULL, NULL, 0, "number: a bare number is wrong"},
    {"whole", JSON_BOOL, 0, 0, NULL, NULL, 0, "regex: the whole text must match"},
    {"judge", JSON_TEXT, 0, 0, NULL, NULL, 0,
     "judge: Jinja template of what the model is asked about an output: the fields, language, "
     "rubric (the item's answer), output"},
    {"yes", JSON_TEXT, 0, 0, NULL, NULL, 0,
     "judge: continues it when the output is good; \" yes\""},
    {"no", JSON_TEXT, 0, 0, NULL, NULL, 0, "judge: when it is not; \" no\""},
    {"schema", JSON_MAP, 0, 0, NULL, NULL, 0, "json: JSON Schema that an output must conform to"},
    {"tools", JSON_ANY, 0, 0, NULL, NULL, 0, "what may be called, for the template: any JSON"},
    END,
};
static const struct json_object answer_object = {"\"answer\"", answer_fields, NULL};

static const struct json_field generate_fields[] = {
    {"max_tokens", JSON_INT, 1, 4096, NULL, NULL, 0, "of an output"},
    {"stop", JSON_TEXTS, 0, SCENARIO_DELIMITERS, NULL, NULL, 0, "what ends an output"},
    END,
};
static const struct json_object generate_object = {"\"generate\"", generate_fields, NULL};

static const struct json_field pass_fields[] = {
    {"metric", JSON_CHOICE, 0, 0, "acc|acc_norm|credit|acc_in_time", NULL, 1, "which number"},
    {"at_least", JSON_NUM, 0, 1, NULL, NULL, 1, "PASS where the whole 95 % interval is above it"},
    END,
};
static const struct json_object pass_object = {"\"pass\"", pass_fields, NULL};

static int is_declared_field(void *user, const char *key)
{
    const struct scenario *s = user;
    const cJSON *f;

    cJSON_ArrayForEach(f, json_get(s->file.root, "fields"))
        if (cJSON_IsString(f) && strcmp(f->valuestring, key) == 0)
            return 1;
    return 0;
}

static const struct json_field item_fields[] = {
    {"id", JSON_TEXT, 0, 0, NULL, NULL, 0, "a name of the item's own"},
    {"language", JSON_TEXT, 0, 0, NULL, NULL, 0, "where it is not the scenario's"},
    {"answer", JSON_ANY, 0, 0, NULL, NULL, 1, "what is right, in the form of the answer's kind"},
    {"choices", JSON_TEXTS, 2, SCENARIO_CHOICES, NULL, NULL, 0, "choice: the item's own options"},
    {"slices", JSON_TEXTS, 0, SCENARIO_SLICES, NULL, NULL, 0, "parts of the scenario it counts in"},
    {"weight", JSON_NUM, 0, 1e6, NULL, NULL, 0, "how much it counts; 1 unless given"},
    {"say", JSON_TEXTS, 1, 100, NULL, NULL, 0,
     "outputs that must be credited: checked by 'tasks check', the first is shown as example"},
    {"never", JSON_TEXTS, 1, 100, NULL, NULL, 0,
     "outputs that must not be credited in full: checked by 'tasks check'"},
    END,
};
static const struct json_object item_object = {"an item", item_fields, is_declared_field};

static const struct json_field scenario_fields[] = {
    {"format", JSON_CHOICE, 0, 0, SCENARIO_FORMAT, NULL, 1, "of this file"},
    {"name", JSON_TEXT, 0, 0, NULL, NULL, 1, "letters, digits, _ and -"},
    {"version", JSON_INT, 0, 1e6, NULL, NULL, 1,
     "another number whenever items or prompts change: results are not compared across versions"},
    {"title", JSON_TEXT, 0, 0, NULL, NULL, 0, "one line for people"},
    {"language", JSON_TEXT, 0, 0, NULL, NULL, 1,
     "of the items (\"en\"), unless they say otherwise"},
    {"licence", JSON_TEXT, 0, 0, NULL, NULL, 1, "of the items (SPDX)"},
    {"fields", JSON_TEXTS, 1, 40, NULL, NULL, 1, "what every item has for the template"},
    {"prompt", JSON_TEXT, 0, 0, NULL, NULL, 1, "Jinja template of the question: the item's fields, "
     "language, choices, tools"},
    {"wordings", JSON_TEXTS, 1, 20, NULL, NULL, 0,
     "the prompt in other words: 'probe --vary wording' tells what that changes"},
    {"system", JSON_TEXT, 0, 0, NULL, NULL, 0,
     "as chat the system message, else in front of everything"},
    {"mode", JSON_CHOICE, 0, 0, "any|plain|chat", NULL, 0,
     "how it may be asked: as chat and plain unless given"},
    {"delimiter", JSON_STRING, 0, 0, NULL, NULL, 0, "plain: between question and answer; a blank"},
    {"shot_delimiter", JSON_STRING, 0, 0, NULL, NULL, 0, "plain: after an example; an empty line"},
    {"shots", JSON_INT, 0, 1000, NULL, NULL, 0, "how many examples are shown; all unless given"},
    {"examples", JSON_OBJECTS, 1, 1000, NULL, &item_object, 0, "items shown before the question"},
    {"answer", JSON_OBJECT, 0, 0, NULL, &answer_object, 1, "what an answer is"},
    {"generate", JSON_OBJECT, 0, 0, NULL, &generate_object, 0, "of kinds that are generated"},
    {"extractive", JSON_BOOL, 0, 0, NULL, NULL, 0,
     "answers are parts of their prompts: no leaks are told"},
    {"slices", JSON_TEXTS, 1, SCENARIO_SLICES, NULL, NULL, 0, "names of parts of the scenario"},
    {"deadline_s", JSON_NUM, 1e-6, 1e6, NULL, NULL, 0,
     "an item that takes longer is missed in acc_in_time"},
    {"pass", JSON_OBJECT, 0, 0, NULL, &pass_object, 0, "what a model must reach"},
    {"items", JSON_OBJECTS, 1, SCENARIO_ITEMS, NULL, &item_object, 1, "what is asked"},
    END,
};
const struct json_object scenario_object = {"a scenario", scenario_fields, NULL};

/* --- the answer --------------------------------------------------------------------------- */

static int unknown_kind(const struct scenario *s, const cJSON *at, const char *name,
                        struct err *e)
{
    struct suggest g = SUGGEST(name);

    for (int i = 0; i < n_answer_kinds; i++)
        suggest_offer(&g, answer_kinds[i].name);
    json_text_wrong(&s->file, at, 0, e, "no kind of answer is called \"%.40s\"", name);
    if (suggest_best(&g))
        err_hint(e, "did you mean \"%s\"?", suggest_best(&g));
    else
        err_hint(e, "'densimeter tasks new --kinds' lists them");
    return -1;
}

static int is_key_of(const struct answer_kind *k, const char *key)
{
    size_t n = strlen(key);

    if (strcmp(key, "kind") == 0 || strcmp(key, "tools") == 0)
        return 1;
    for (const char *p = k->keys; *p; p += strcspn(p, "|"), p += *p == '|')
        if (strcspn(p, "|") == n && strncmp(p, key, n) == 0)
            return 1;
    return 0;
}

static int read_kind(struct scenario *s, struct err *e)
{
    const cJSON *at = json_get(s->answer, "kind");

    for (int i = 0; i < n_answer_kinds; i++)
        if (strcmp(answer_kinds[i].name, at->valuestring) == 0)
            s->kind = &answer_kinds[i];
    if (!s->kind)
        return unknown_kind(s, at, at->valuestring, e);
    for (const cJSON *m = s->answer->child; m; m = m->next)
        if (!is_key_of(s->kind, m->string))
            return json_text_wrong(&s->file, m, 1, e, "an answer of the kind \"%s\" has no \"%s\"",
                                   s->kind->name, m->string);
    return 0;
}

/* A list of texts, or the default; how many. */
static int read_texts(const char **out, const cJSON *list, const char *const *fallback)
{
    const cJSON *m;
    int n = 0;

    if (list)
        cJSON_ArrayForEach(m, list)
            out[n++] = m->valuestring;
    for (; !list && fallback[n]; n++)
        out[n] = fallback[n];
    return n;
}

static int index_in(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static int is_word(const cJSON *object, const char *key, const char *word)
{
    const char *s = json_str(object, key);

    return s && strcmp(s, word) == 0;
}

static int check_units(const struct scenario *s, struct err *e)
{
    const cJSON *u;

    cJSON_ArrayForEach(u, s->units)
        if (!cJSON_IsNumber(u) || !(u->valuedouble > 0) || !isfinite(u->valuedouble))
            return json_text_wrong(&s->file, u, 0, e, "a unit must be a number above 0");
    return 0;
}

static int read_judge(struct scenario *s, struct err *e)
{
    const cJSON *at = json_get(s->answer, "judge");
    const char *yes = json_str(s->answer, "yes"), *no = json_str(s->answer, "no");
    struct err why = ERR_NONE;

    s->yes = yes ? yes : " yes";
    s->no = no ? no : " no";
    if (!at)
        return 0;
    if (template_parse_as(&s->judge, TEMPLATE_STRICT, at->valuestring, strlen(at->valuestring),
                          "template", &why) < 0)
        return why.code == ERR_NOMEM ? err_nomem(e)
                                     : json_text_wrong(&s->file, at, 0, e, "%s", why.text);
    return 0;
}

static int read_answer(struct scenario *s, struct err *e)
{
    static const char *const separators[] = {",", ";", "、", "，", "；", "\n", NULL};
    static const char *const takes[] = {"first_line", "last_line", "all", NULL};
    const cJSON *ignore, *m;
    const char *take;

    s->answer = json_get(s->file.root, "answer");
    if (read_kind(s, e) < 0)
        return -1;
    ignore = json_get(s->answer, "ignore");
    take = json_str(s->answer, "take");
    s->ignore = ignore ? 0
                       : IGNORE_CASE | IGNORE_SPACE | IGNORE_WIDTH | IGNORE_STOP | IGNORE_QUOTES;
    cJSON_ArrayForEach(m, ignore)
        s->ignore |= 1u << index_in(ignore_names, m->valuestring);
    s->take = take ? (enum take)index_in(takes, take) : TAKE_FIRST_LINE;
    s->after = json_str(s->answer, "after");
    s->n_separators = read_texts(s->separators, json_get(s->answer, "separators"), separators);
    s->tolerance = json_num(s->answer, "tolerance", 0);
    s->relative = json_num(s->answer, "relative_tolerance", 0);
    s->pick_last = is_word(s->answer, "pick", "last");
    s->within = is_word(s->answer, "match", "within");
    s->letters = is_word(s->answer, "by", "letter");
    s->whole = json_bool(s->answer, "whole", 0) == 1;
    s->unit_required = json_bool(s->answer, "unit_required", 0) == 1;
    s->units = json_get(s->answer, "units");
    s->labels = json_get(s->answer, "labels");
    s->schema = json_get(s->answer, "schema");
    if (read_judge(s, e) < 0)
        return -1;
    if (s->schema && schema_supported(&s->file, s->schema, e) < 0)
        return -1;
    return check_units(s, e);
}

/* --- slices ------------------------------------------------------------------------------- */

static int slice_index(const struct scenario *s, const char *name, int from)
{
    for (int i = from; i < s->n_slices; i++)
        if (strcmp(s->slices[i], name) == 0)
            return i;
    return -1;
}

static int add_slice(struct scenario *s, const char *name, const cJSON *at, struct err *e)
{
    if (s->n_slices == SCENARIO_SLICES)
        return json_text_wrong(&s->file, at, 0, e, "more than %d slices, languages among them",
                               SCENARIO_SLICES);
    s->slices[s->n_slices++] = name;
    return 0;
}

/* A name that comes after a comma in tables and keys. */
static int is_plain_name(const char *s)
{
    size_t n = strlen(s);

    for (const char *p = s; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-')
            return 0;
    return n > 0 && n <= 60;
}

/* Languages are slices of their own where there are several. */
static int read_slices(struct scenario *s, struct err *e)
{
    const cJSON *items = json_get(s->file.root, "items"), *m;
    const char *language;

    cJSON_ArrayForEach(m, items) {
        language = json_str(m, "language") ? json_str(m, "language") : s->language;
        if (!is_plain_name(language))
            return json_text_wrong(&s->file, m, 0, e, "\"%.40s\" is no name of a language",
                                   language);
        if (slice_index(s, language, 0) < 0 && add_slice(s, language, m, e) < 0)
            return -1;
    }
    s->n_languages = s->n_slices;
    if (s->n_languages == 1)
        s->n_languages = s->n_slices = 0;
    cJSON_ArrayForEach(m, json_get(s->file.root, "slices")) {
        if (!is_plain_name(m->valuestring))
            return json_text_wrong(&s->file, m, 0, e,
                                   "the name of a slice has letters, digits, _ and -");
        if (slice_index(s, m->valuestring, 0) >= 0)
            return json_text_wrong(&s->file, m, 0, e, "there is another slice \"%s\"",
                                   m->valuestring);
        if (add_slice(s, m->valuestring, m, e) < 0)
            return -1;
    }
    return 0;
}

static int unknown_slice(const struct scenario *s, const cJSON *m, struct err *e)
{
    struct suggest g = SUGGEST(m->valuestring);

    for (int i = s->n_languages; i < s->n_slices; i++)
        suggest_offer(&g, s->slices[i]);
    json_text_wrong(&s->file, m, 0, e, "\"slices\" of the scenario has no \"%.40s\"",
                    m->valuestring);
    if (suggest_best(&g))
        err_hint(e, "did you mean \"%s\"?", suggest_best(&g));
    return -1;
}

static int item_slices(const struct scenario *s, struct scenario_item *it, struct err *e)
{
    const cJSON *m;
    int k = s->n_languages ? slice_index(s, it->language, 0) : -1;

    if (k >= 0)
        it->slices[it->n_slices++] = k;
    cJSON_ArrayForEach(m, json_get(it->json, "slices")) {
        k = slice_index(s, m->valuestring, s->n_languages);
        if (k < 0)
            return unknown_slice(s, m, e);
        for (int i = 0; i < it->n_slices; i++)
            if (it->slices[i] == k)
                return json_text_wrong(&s->file, m, 0, e, "\"%s\" is there twice", s->slices[k]);
        it->slices[it->n_slices++] = k;
    }
    return 0;
}

/* --- items -------------------------------------------------------------------------------- */

static int read_choices(struct scenario *s, struct scenario_item *it, struct err *e)
{
    const cJSON *own = json_get(it->json, "choices"), *m;
    const cJSON *list = own ? own : json_get(s->answer, "choices");

    if (s->kind->stop)
        return own ? json_text_wrong(&s->file, own, 1, e,
                                     "answers of the kind \"%s\" have no choices", s->kind->name)
                   : 0;
    if (!list)
        return json_text_wrong(&s->file, it->json, 0, e,
                               "neither the item nor \"answer\" has \"choices\"");
    it->choices = arena_alloc(&s->arena, sizeof *it->choices * SCENARIO_CHOICES);
    if (!it->choices)
        return err_nomem(e);
    cJSON_ArrayForEach(m, list)
        it->choices[it->n_choices++] = m->valuestring;
    if (cJSON_IsNumber(it->answer)) {
        double k = it->answer->valuedouble;
        if (k != floor(k) || k < 0 || k >= it->n_choices)
            return json_text_wrong(&s->file, it->answer, 0, e, "there are choices 0 to %d",
                                   it->n_choices - 1);
        it->gold = (int)k;
    } else if (cJSON_IsString(it->answer)) {
        for (int i = 0; i < it->n_choices; i++)
            if (strcmp(it->choices[i], it->answer->valuestring) == 0)
                it->gold = i;
    }
    return it->gold >= 0 ? 0
                         : json_text_wrong(&s->file, it->answer, 0, e,
                                           "\"answer\" is none of the choices");
}

static int read_item(struct scenario *s, const cJSON *j, struct scenario_item *it, struct err *e)
{
    const cJSON *f;
    const char *language = json_str(j, "language");

    *it = (struct scenario_item){
        .json = j, .answer = json_get(j, "answer"), .id = json_str(j, "id"), .gold = -1,
        .language = language ? language : s->language, .weight = json_num(j, "weight", 1)};
    cJSON_ArrayForEach(f, json_get(s->file.root, "fields"))
        if (!json_get(j, f->valuestring))
            return json_text_wrong(&s->file, j, 0, e, "an item without \"%s\"", f->valuestring);
    if (read_choices(s, it, e) < 0 || (s->kind->check && s->kind->check(s, it, e) < 0))
        return -1;
    return item_slices(s, it, e);
}

static int read_items(struct scenario *s, const char *key, struct scenario_item **out, int *n,
                      struct err *e)
{
    const cJSON *list = json_get(s->file.root, key), *j;
    double sum = 0;

    *out = arena_alloc(&s->arena, sizeof **out * (size_t)(cJSON_GetArraySize(list) + 1));
    if (!*out)
        return err_nomem(e);
    cJSON_ArrayForEach(j, list) {
        struct scenario_item *it = &(*out)[*n];
        if (read_item(s, j, it, e) < 0)
            return -1;
        s->weighted |= it->weight != 1;
        sum += it->weight;
        (*n)++;
    }
    if (*n && !(sum > 0))
        return json_text_wrong(&s->file, list, 0, e, "the weights of all items are 0");
    return 0;
}

/* Examples have no weights or slices of their own, but must be able to say their answer. */
static int check_examples(const struct scenario *s, struct err *e)
{
    for (int i = 0; i < s->n_examples; i++)
        if (s->kind->stop && !s->kind->show && !json_get(s->examples[i].json, "say"))
            return json_text_wrong(&s->file, s->examples[i].json, 0, e,
                                   "an example with an answer of the kind \"%s\" needs \"say\"",
                                   s->kind->name);
    return 0;
}

/* --- the rest ----------------------------------------------------------------------------- */

static int check_fields(const struct scenario *s, struct err *e)
{
    static const char *const taken[] = {"language", "choices", "answer", "slices", "weight",
                                        "say", "never", "tools", "id", NULL};
    const cJSON *f;

    cJSON_ArrayForEach(f, json_get(s->file.root, "fields"))
        if (index_in(taken, f->valuestring) >= 0)
            return json_text_wrong(&s->file, f, 0, e, "\"%s\" has a meaning of its own",
                                   f->valuestring);
    return 0;
}

static int check_name(const struct scenario *s, struct err *e)
{
    const cJSON *at = json_get(s->file.root, "name");
    const struct task_info *own;
    size_t n;

    if (!is_plain_name(s->name))
        return json_text_wrong(&s->file, at, 0, e,
                               "a name has letters, digits, _ and -, 60 at most");
    own = task_info_find(s->name);
    if (own && !scenario_own_bytes(s->name, &n))
        return json_text_wrong(&s->file, at, 0, e, "\"%s\" is a task that is built in", s->name);
    return 0;
}

int scenario_set_prompt(struct scenario *s, const cJSON *at, struct err *e)
{
    struct template *t = NULL;
    struct err why = ERR_NONE;

    if (template_parse_as(&t, TEMPLATE_STRICT, at->valuestring, strlen(at->valuestring),
                          "template", &why) < 0)
        return why.code == ERR_NOMEM ? err_nomem(e)
                                     : json_text_wrong(&s->file, at, 0, e, "%s", why.text);
    template_free(s->prompt);
    s->prompt = t;
    return 0;
}

static int read_pass(struct scenario *s, struct err *e)
{
    const cJSON *pass = json_get(s->file.root, "pass");
    const char *metric = json_str(pass, "metric");

    if (!pass)
        return 0;
    if ((strcmp(metric, "credit") == 0 && !s->kind->partial) ||
        (strcmp(metric, "acc_norm") == 0 && (s->kind->stop || s->letters)) ||
        (strcmp(metric, "acc_in_time") == 0 && s->deadline_s == 0))
        return json_text_wrong(&s->file, json_get(pass, "metric"), 0, e,
                               "this scenario has no \"%s\"", metric);
    s->pass = (struct threshold){metric, json_num(pass, "at_least", 0)};
    return 0;
}

static int read_head(struct scenario *s, struct err *e)
{
    const cJSON *root = s->file.root, *generate = json_get(root, "generate");
    const char *fallback[2] = {NULL, NULL};

    s->name = json_str(root, "name");
    s->language = json_str(root, "language");
    s->system = json_str(root, "system");
    s->version = (int)json_num(root, "version", 0);
    s->deadline_s = json_num(root, "deadline_s", 0);
    if (check_name(s, e) < 0 || check_fields(s, e) < 0 || read_answer(s, e) < 0)
        return -1;
    if (generate && !s->kind->stop)
        return json_text_wrong(&s->file, generate, 1, e,
                               "answers of the kind \"%s\" are not generated", s->kind->name);
    fallback[0] = s->kind->stop;
    s->n_stop = read_texts(s->stop, json_get(generate, "stop"), fallback);
    s->max_tokens = (int)json_num(generate, "max_tokens", s->kind->max_tokens);
    return read_pass(s, e) < 0 || scenario_set_prompt(s, json_get(root, "prompt"), e) < 0 ||
                   read_slices(s, e) < 0
               ? -1
               : 0;
}

int scenario_parse(struct scenario *s, struct err *e)
{
    const char *text = strbuf_str(&s->bytes);

    if (json_text_parse(&s->file, s->path, text, s->bytes.len, e) < 0 ||
        json_text_check(&s->file, s->file.root, &scenario_object, s, e) < 0 ||
        read_head(s, e) < 0 || read_items(s, "items", &s->items, &s->n_items, e) < 0 ||
        read_items(s, "examples", &s->examples, &s->n_examples, e) < 0)
        return -1;
    s->shots = (int)json_num(s->file.root, "shots", s->n_examples);
    if (s->shots > s->n_examples)
        return json_text_wrong(&s->file, json_get(s->file.root, "shots"), 0, e,
                               "%d shots and %d examples", s->shots, s->n_examples);
    return check_examples(s, e);
}

int scenario_schema(struct strbuf *out, struct err *e)
{
    struct json_out o = JSON_OUT(out);

    o.pretty = 1;
    json_begin_object(&o, NULL);
    json_put_str(&o, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_put_str(&o, "$id", SCENARIO_FORMAT);
    json_put_str(&o, "title", "A task of one's own for densimeter");
    json_check_schema(&o, &scenario_object);
    json_end_object(&o);
    strbuf_addc(out, '\n');
    return strbuf_ok(out, e);
}
