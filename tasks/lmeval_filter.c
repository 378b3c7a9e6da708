#include "tasks/lmeval_filter.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "base/utf8.h"
#include "tasks/lmeval_filter_impl.h"
#include "tasks/lmeval_native.h"

enum { STEPS = 32, PIPELINES = 32, IGNORES = 32 };

/* --- options ------------------------------------------------------------------------------ */

static int option_int(const struct filter_step *s, const char *key, int *out, struct err *e)
{
    const struct ynode *y = ynode_get(s->node, key);

    if (!y)
        return 0;
    if (y->type != Y_INT || y->num < -100000 || y->num > 100000)
        return ynode_fail(y, e, ERR_FORMAT, "%s: a whole number is needed", key);
    *out = (int)y->num;
    return 0;
}

static int option_flag(const struct filter_step *s, const char *key)
{
    const struct ynode *y = ynode_get(s->node, key);

    return y && y->num != 0;
}

int filter_compile(struct pyregex **out, const struct ynode *y, struct err *e)
{
    if (y->type != Y_STR)
        return ynode_fail(y, e, ERR_FORMAT, "a pattern is a text");
    if (pyregex_open(out, y->s, e) < 0)
        return err_prefix(e, "%s:%d:%d", y->file, y->line, y->column);
    return 0;
}

static int read_regex(struct filter_step *s, struct arena *a, struct err *e)
{
    static const char standard[] = "#### (\\-?[0-9\\.\\,]+)";
    const struct ynode *pattern = ynode_get(s->node, "regex_pattern");
    const struct ynode *fallback = ynode_get(s->node, "fallback");

    (void)a;
    s->fallback = "[invalid]";
    if (fallback && !fallback->s)
        return ynode_fail(fallback, e, ERR_FORMAT, "fallback: a text is needed");
    if (fallback)
        s->fallback = fallback->s;
    if (option_int(s, "group_select", &s->select, e) < 0)
        return -1;
    return pattern ? filter_compile(&s->regex, pattern, e) : pyregex_open(&s->regex, standard, e);
}

int filter_read_choice(struct filter_step *s, struct arena *a, struct err *e)
{
    const struct ynode *list = ynode_get(s->node, "regexes_to_ignore");

    if (read_regex(s, a, e) < 0)
        return -1;
    s->ignore_case = option_flag(s, "ignore_case");
    s->ignore_punctuation = option_flag(s, "ignore_punctuation");
    if (!list || list->type == Y_NULL)
        return 0;
    if (list->type != Y_LIST || list->n_items > IGNORES)
        return ynode_fail(list, e, ERR_FORMAT, "regexes_to_ignore: a list of up to %d patterns",
                          IGNORES);
    s->ignore = arena_alloc(a, (list->n_items + 1) * sizeof *s->ignore);
    if (!s->ignore)
        return err_nomem(e);
    for (; s->n_ignore < (int)list->n_items; s->n_ignore++)
        if (filter_compile(&s->ignore[s->n_ignore], list->items[s->n_ignore], e) < 0)
            return -1;
    return 0;
}

static int read_k(struct filter_step *s, struct arena *a, struct err *e)
{
    (void)a;
    if (option_int(s, "k", &s->k, e) < 0)
        return -1;
    return s->k > 0 ? 0 : ynode_fail(s->node, e, ERR_FORMAT, "take_first_k: k is missing");
}

static int read_map(struct filter_step *s, struct arena *a, struct err *e)
{
    const struct ynode *map = ynode_get(s->node, "mapping_dict");

    (void)a;
    if (map && map->type != Y_MAP && map->type != Y_NULL)
        return ynode_fail(map, e, ERR_FORMAT, "mapping_dict: a map is needed");
    return 0;
}

/* --- steps -------------------------------------------------------------------------------- */

int filter_put(char **slot, const char *s, size_t n, struct err *e)
{
    char *copy = mem_strndup(s, n);

    if (!copy)
        return err_nomem(e);
    mem_free(*slot);
    *slot = copy;
    return 0;
}

static void keep_first(struct answers *a, int n)
{
    while (a->n > n)
        mem_free(a->v[--a->n]);
}

static int take_first(const struct filter_step *s, struct answers *a, const cJSON *doc,
                      struct err *e)
{
    (void)s, (void)doc, (void)e;
    keep_first(a, 1);
    a->one = 1;
    return 0;
}

static int take_first_k(const struct filter_step *s, struct answers *a, const cJSON *doc,
                        struct err *e)
{
    (void)doc;
    if (a->n < s->k)
        return ynode_fail(s->node, e, ERR_INVALID, "the first %d answers of %d: 'repeats' is less",
                          s->k, a->n);
    keep_first(a, s->k);
    return 0;
}

static int same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The most frequent; of equals the first seen. */
static int majority_vote(const struct filter_step *s, struct answers *a, const cJSON *doc,
                         struct err *e)
{
    int best = 0, most = 0;
    char *winner;

    (void)s, (void)doc, (void)e;
    for (int i = 0; i < a->n; i++) {
        int votes = 0;
        for (int k = 0; k < a->n; k++)
            votes += same(a->v[i], a->v[k]);
        if (votes > most) {
            most = votes;
            best = i;
        }
    }
    winner = a->v[best];
    a->v[best] = a->v[0];
    a->v[0] = winner;
    keep_first(a, 1);
    return 0;
}

static int change_case(struct answers *a, void (*to)(struct strbuf *, const char *, size_t),
                       struct err *e)
{
    for (int i = 0; i < a->n; i++) {
        struct strbuf b = STRBUF_INIT;
        const char *s = a->v[i] ? a->v[i] : "";
        to(&b, s, strlen(s));
        mem_free(a->v[i]);
        a->v[i] = strbuf_take(&b);
        if (!a->v[i])
            return err_nomem(e);
    }
    return 0;
}

static int lowercase(const struct filter_step *s, struct answers *a, const cJSON *doc,
                     struct err *e)
{
    (void)s, (void)doc;
    return change_case(a, py_lower, e);
}

static int uppercase(const struct filter_step *s, struct answers *a, const cJSON *doc,
                     struct err *e)
{
    (void)s, (void)doc;
    return change_case(a, py_upper, e);
}

static int remove_whitespace(const struct filter_step *s, struct answers *a, const cJSON *doc,
                             struct err *e)
{
    (void)s, (void)doc;
    for (int i = 0; i < a->n; i++) {
        struct span t = a->v[i] ? py_strip(a->v[i], strlen(a->v[i])) : (struct span){"", 0};
        if (filter_put(&a->v[i], t.s, t.n, e) < 0)
            return -1;
    }
    return 0;
}

static int map_answers(const struct filter_step *s, struct answers *a, const cJSON *doc,
                       struct err *e)
{
    const struct ynode *map = ynode_get(s->node, "mapping_dict");
    const struct ynode *otherwise = ynode_get(s->node, "default_value");

    (void)doc;
    for (int i = 0; i < a->n; i++) {
        const struct ynode *to = a->v[i] ? ynode_get(map, a->v[i]) : NULL;
        if (!to)
            to = otherwise;
        if (!to || to->type == Y_NULL || !to->s) {
            mem_free(a->v[i]);
            a->v[i] = NULL;
        } else if (filter_put(&a->v[i], to->s, to->n, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- patterns ----------------------------------------------------------------------------- */

/* One match of findall: of several groups the first that is not empty. */
struct pick {
    int left; /* matches still to pass over; -1: every match so far is the last */
    int n;    /* found; -2 from the end needs the one before the last */
    struct span last, before;
    int found;
};

static struct span match_text(const struct span *g, int n)
{
    if (n <= 2)
        return g[n - 1];
    for (int i = 1; i < n; i++)
        if (g[i].n)
            return g[i];
    return (struct span){NULL, 0};
}

static int pick_match(void *user, const struct span *g, int n)
{
    struct pick *p = user;

    p->before = p->last;
    p->last = match_text(g, n);
    p->n++;
    return p->left >= 0 && p->left-- == 0;
}

/* 1 with the match, 0 without any, -1.  out->s is NULL where all groups are empty. */
int filter_pick(const struct pyregex *r, const char *s, int select, struct span *out,
                struct err *e)
{
    struct pick p = {.left = select < 0 ? -1 : select};

    if (pyregex_each(r, s, strlen(s), pick_match, &p, e) < 0)
        return -1;
    if (p.n == 0)
        return 0;
    if (select < -2 || (select < 0 && p.n < -select) || (select >= 0 && p.n <= select))
        return err_set(e, ERR_INVALID, "group_select %d, where there are %d matches", select, p.n);
    *out = select == -2 ? p.before : p.last;
    if (out->s)
        *out = py_strip(out->s, out->n);
    return 1;
}

static int regex(const struct filter_step *s, struct answers *a, const cJSON *doc, struct err *e)
{
    (void)doc;
    for (int i = 0; i < a->n; i++) {
        struct span found = {NULL, 0};
        const char *text = a->v[i] ? a->v[i] : "";
        char *copy;
        if (filter_pick(s->regex, text, s->select, &found, e) < 0)
            return -1;
        copy = found.s ? mem_strndup(found.s, found.n) : mem_strdup(s->fallback);
        if (!copy)
            return err_nomem(e);
        mem_free(a->v[i]);
        a->v[i] = copy;
    }
    return 0;
}

/* --- the table ---------------------------------------------------------------------------- */

static const struct filter_kind filter_kinds[] = {
    {"take_first", " ", NULL, take_first},
    {"take_first_k", " k ", read_k, take_first_k},
    {"majority_vote", " ", NULL, majority_vote},
    {"lowercase", " ", NULL, lowercase},
    {"uppercase", " ", NULL, uppercase},
    {"remove_whitespace", " ", NULL, remove_whitespace},
    {"map", " mapping_dict default_value ", read_map, map_answers},
    {"regex", " regex_pattern group_select fallback ", read_regex, regex},
    {"multi_choice_regex",
     " regex_pattern group_select fallback ignore_case ignore_punctuation regexes_to_ignore ",
     filter_read_choice, filter_multi_choice},
    {"regex_pos", NULL, NULL, NULL},     /* lists of tags, which no metric here reads */
    {"custom", NULL, NULL, NULL},        /* Python code */
    {"decontaminate", NULL, NULL, NULL}, /* lm-eval's own does nothing */
};

/* --- reading ------------------------------------------------------------------------------ */

static const struct filter_kind *kind_find(const char *name)
{
    for (size_t i = 0; i < sizeof filter_kinds / sizeof filter_kinds[0]; i++)
        if (strcmp(filter_kinds[i].name, name) == 0)
            return &filter_kinds[i];
    return strcmp(filter_format_span.name, name) == 0 ? &filter_format_span : NULL;
}

/* A function that is a filter: NULL: not known, or without memory, which e tells. */
static const struct filter_kind *kind_of_function(const struct ynode *function, struct err *e)
{
    char hex[17];

    if (function_hash(function, hex, e) < 0)
        return NULL;
    for (size_t i = 0; i < n_filter_functions; i++)
        if (strcmp(filter_functions[i].sha256, hex) == 0)
            return filter_functions[i].kind;
    return NULL;
}

static int no_filter(const struct ynode *y, struct err *e)
{
    struct suggest s = SUGGEST(y->s);

    for (size_t i = 0; i < sizeof filter_kinds / sizeof filter_kinds[0]; i++)
        suggest_offer(&s, filter_kinds[i].name);
    ynode_fail(y, e, ERR_UNSUPPORTED, "no filter is called '%s'", y->s);
    if (suggest_best(&s))
        err_hint(e, "did you mean '%s'?", suggest_best(&s));
    return -1;
}

static int check_options(const struct filter_step *s, struct err *e)
{
    char word[64];

    for (size_t i = 0; i < s->node->n_items; i++) {
        const struct ynode *key = s->node->keys[i];
        snprintf(word, sizeof word, " %s ", key->s);
        if (!ynode_is(key, "function") && !strstr(s->kind->options, word))
            return ynode_fail(key, e, ERR_FORMAT, "the filter '%s' has no option '%s'",
                              s->kind->name, key->s);
    }
    return 0;
}

static int read_step(struct filter_step *s, const struct ynode *y, struct arena *a,
                     const struct ynode **missing, struct err *e)
{
    const struct ynode *function = ynode_get(y, "function");
    struct err own = ERR_NONE;

    if (!function || (function->type != Y_STR && function->type != Y_FUNCTION))
        return ynode_fail(y, e, ERR_FORMAT, "filter: 'function' names a filter");
    s->node = y;
    s->kind = function->type == Y_STR ? kind_find(function->s) : kind_of_function(function, &own);
    if (own.code == ERR_NOMEM)
        return err_nomem(e);
    if (!s->kind && function->type == Y_STR)
        return no_filter(function, e);
    if (!s->kind || !s->kind->apply) {
        *missing = *missing ? *missing : function;
        return 0;
    }
    if (check_options(s, e) < 0)
        return -1;
    return s->kind->read ? s->kind->read(s, a, e) : 0;
}

static int read_pipeline(struct pipeline *p, const struct ynode *y, struct arena *a,
                         const struct ynode **missing, struct err *e)
{
    const struct ynode *name = ynode_get(y, "name"), *steps = ynode_get(y, "filter");

    if (!name || !name->s)
        return ynode_fail(y, e, ERR_FORMAT, "filter_list: a pipeline needs a 'name'");
    if (!steps || steps->type != Y_LIST || steps->n_items > STEPS)
        return ynode_fail(y, e, ERR_FORMAT, "filter_list: 'filter' is a list of up to %d steps",
                          STEPS);
    *p = (struct pipeline){.name = name->s, .node = y};
    p->steps = arena_alloc(a, (steps->n_items + 1) * sizeof *p->steps);
    if (!p->steps)
        return err_nomem(e);
    for (; p->n_steps < (int)steps->n_items; p->n_steps++)
        if (read_step(&p->steps[p->n_steps], steps->items[p->n_steps], a, missing, e) < 0) {
            p->n_steps++; /* what it holds is released with the others */
            return -1;
        }
    return 0;
}

static int default_pipeline(struct pipelines *out, struct arena *a, struct err *e)
{
    out->v = arena_alloc(a, sizeof *out->v);
    if (!out->v || !(out->v->steps = arena_alloc(a, sizeof *out->v->steps)))
        return err_nomem(e);
    out->v->name = "none";
    out->v->steps[0].kind = kind_find("take_first");
    out->v->n_steps = out->n = 1;
    return 0;
}

int pipelines_read(struct pipelines *out, struct arena *a, const struct ynode *list,
                   struct err *e)
{
    *out = (struct pipelines){0};
    if (!list)
        return default_pipeline(out, a, e);
    if (list->type != Y_LIST || list->n_items > PIPELINES || list->n_items == 0)
        return ynode_fail(list, e, ERR_FORMAT, "filter_list: a list of 1 to %d pipelines",
                          PIPELINES);
    out->v = arena_alloc(a, list->n_items * sizeof *out->v);
    if (!out->v)
        return err_nomem(e);
    for (; out->n < (int)list->n_items; out->n++)
        if (read_pipeline(&out->v[out->n], list->items[out->n], a, &out->missing, e) < 0) {
            out->n++;
            pipelines_release(out);
            return -1;
        }
    return 0;
}

void pipelines_release(struct pipelines *p)
{
    for (int i = 0; i < p->n; i++)
        for (int k = 0; k < p->v[i].n_steps; k++) {
            struct filter_step *s = &p->v[i].steps[k];
            pyregex_close(s->regex);
            pyregex_close(s->find);
            for (int r = 0; r < s->n_ignore + s->n_map; r++)
                pyregex_close(s->ignore[r]);
        }
    *p = (struct pipelines){0};
}

/* --- running ------------------------------------------------------------------------------ */

/* A text where a list is expected is a list of its characters to Python. */
static int characters(struct answers *a, struct err *e)
{
    char *text = a->v[0];
    size_t n = text ? strlen(text) : 0, cap = 0;
    char **v = NULL;

    if (!a->one)
        return 0;
    if (mem_grow(&v, &cap, n, sizeof *v) < 0)
        return err_nomem(e);
    mem_free(a->v);
    *a = (struct answers){.v = v};
    for (size_t at = 0, k; at < n; at += k) {
        k = utf8_len(text + at, n - at);
        k = k ? k : 1;
        v[a->n] = mem_strndup(text + at, k);
        if (!v[a->n]) {
            mem_free(text);
            return err_nomem(e);
        }
        a->n++;
    }
    mem_free(text);
    return 0;
}

static int run_steps(const struct pipeline *p, struct answers *a, const cJSON *doc, struct err *e)
{
    for (int i = 0; i < p->n_steps; i++) {
        const struct filter_step *s = &p->steps[i];
        if (characters(a, e) < 0)
            return -1;
        if (a->n == 0)
            return err_set(e, ERR_INVALID, "'%s' has no answer to look at: a step after "
                           "take_first sees single characters", s->kind->name);
        if (s->kind->apply(s, a, doc, e) < 0)
            return -1;
    }
    return a->n == 1 ? 0
                     : err_set(e, ERR_INVALID, "pipeline '%s' ends with %d answers: take_first or "
                               "majority_vote is missing", p->name, a->n);
}

int pipeline_run(const struct pipeline *p, const char *const *texts, int n, const cJSON *doc,
                 char **out, struct err *e)
{
    struct answers a = {.v = mem_calloc((size_t)n, sizeof *a.v)};
    int rc = a.v ? 0 : err_nomem(e);

    *out = NULL;
    for (; rc == 0 && a.n < n; a.n++)
        if (!(a.v[a.n] = mem_strdup(texts[a.n]))) {
            rc = err_nomem(e);
            break;
        }
    if (rc == 0 && (rc = run_steps(p, &a, doc, e)) == 0) {
        *out = a.v[0];
        a.v[0] = NULL;
    } else if (p->node && e && e->code != ERR_NOMEM && e->code != ERR_OK) {
        err_prefix(e, "%s:%d:%d", p->node->file, p->node->line, p->node->column);
    }
    for (int i = 0; i < a.n; i++)
        mem_free(a.v[i]);
    mem_free(a.v);
    return rc;
}
