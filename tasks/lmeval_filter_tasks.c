/* lmeval_filter_tasks.c -- format_span, which brings named entities to one form, and the filters
 * that lm-eval's tasks of BIG-Bench Hard define themselves. */
#include <string.h>

#include "base/mem.h"
#include "tasks/lmeval_filter_impl.h"

static int set_text(char **slot, struct strbuf *b, struct err *e)
{
    int rc = strbuf_ok(b, e) < 0 ? -1 : filter_put(slot, strbuf_str(b), b->len, e);

    strbuf_release(b);
    return rc;
}

/* --- format_span -------------------------------------------------------------------------- */

static int read_span(struct filter_step *s, struct arena *a, struct err *e)
{
    (void)a;
    return pyregex_open(&s->regex, "\\b(PER|LOC|ORG|DATE):\\s*([^$]+)", e);
}

/* Small letters, labels in capitals, $ between entities and none at the end. */
static void label(struct strbuf *out, const char *text)
{
    static const char *const labels[][2] = {
        {"person", "PER"},  {"location", "LOC"}, {"organization", "ORG"}, {"counties", "LOC"},
        {"places", "LOC"},  {"people", "PER"},   {"persons", "PER"},      {"company", "ORG"},
        {"country", "LOC"}, {"continent", "LOC"}, {"time", "DATE"},       {"date", "DATE"},
        {"per", "PER"},     {"loc", "LOC"},      {"org", "ORG"},          {"$$", "$"},
    };
    struct strbuf next = STRBUF_INIT, swap;
    struct span t;

    py_lower(out, text, strlen(text));
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        strbuf_clear(&next);
        py_replace(&next, strbuf_str(out), out->len, labels[i][0], labels[i][1]);
        swap = *out, *out = next, next = swap;
    }
    while (out->len && out->s[out->len - 1] == '$')
        strbuf_truncate(out, out->len - 1);
    for (size_t i = 0; i < out->len; i++)
        out->s[i] = out->s[i] == '\n' ? '$' : out->s[i];
    t = py_strip(strbuf_str(out), out->len);
    strbuf_clear(&next);
    strbuf_add(&next, t.s, t.n);
    swap = *out, *out = next, next = swap;
    out->failed |= next.failed;
    strbuf_release(&next);
}

static int is_none(struct span s)
{
    struct strbuf low = STRBUF_INIT;
    int same;

    py_lower(&low, s.s, s.n);
    same = strcmp(strbuf_str(&low), "none") == 0;
    strbuf_release(&low);
    return same;
}

/* "label: a, b" is two entities. */
static int add_entities(void *user, const struct span *g, int n)
{
    struct strbuf *out = user;
    struct span rest = g[2];

    (void)n;
    for (int more = 1; more;) {
        const char *comma = memchr(rest.s, ',', rest.n);
        size_t k = comma ? (size_t)(comma - rest.s) : rest.n;
        struct span entity = py_strip(rest.s, k);
        if (!is_none(entity)) {
            strbuf_adds(out, out->len ? " $ " : "");
            py_lower(out, g[1].s, g[1].n);
            strbuf_addf(out, ": %.*s", (int)entity.n, entity.s);
        }
        more = comma != NULL;
        rest.s += k + (comma != NULL);
        rest.n -= k + (comma != NULL);
    }
    return 0;
}

static int format_span(const struct filter_step *s, struct answers *a, const cJSON *doc,
                       struct err *e)
{
    int rc = 0;

    (void)doc;
    for (int i = 0; i < a->n && rc == 0; i++) {
        struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
        label(&text, a->v[i] ? a->v[i] : "");
        rc = strbuf_ok(&text, e);
        if (rc == 0)
            rc = pyregex_each(s->regex, strbuf_str(&text), text.len, add_entities, &out, e);
        strbuf_release(&text);
        if (rc == 0)
            rc = set_text(&a->v[i], &out, e);
        strbuf_release(&out);
    }
    return rc;
}

const struct filter_kind filter_format_span = {"format_span", " ", read_span, format_span};

/* --- choices in the question -------------------------------------------------------------- */

static int read_input_choice(struct filter_step *s, struct arena *a, struct err *e)
{
    return filter_read_choice(s, a, e) < 0
               ? -1
               : pyregex_open(&s->find, "\\([A-Z]\\)([^\\n^(]*)", e);
}

/* --- patterns to values ------------------------------------------------------------------- */

/* The patterns of the map are one pattern, and then each by itself. */
static int read_map_regex(struct filter_step *s, struct arena *a, struct err *e)
{
    const struct ynode *map = ynode_get(s->node, "regex_pattern_to_value");
    struct pyregex **all;
    struct strbuf joined = STRBUF_INIT;
    int rc = filter_read_choice(s, a, e);

    if (rc == 0 && (!map || map->type != Y_MAP || map->n_items == 0 || map->n_items > 64))
        rc = ynode_fail(s->node, e, ERR_FORMAT,
                        "regex_pattern_to_value: a map of 1 to 64 patterns is needed");
    if (rc < 0)
        return -1;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): ynode_fail is -1 */
    all = arena_alloc(a, ((size_t)s->n_ignore + map->n_items) * sizeof *all);
    if (!all)
        return err_nomem(e);
    for (int i = 0; i < s->n_ignore; i++)
        all[i] = s->ignore[i];
    s->ignore = all;
    for (; s->n_map < (int)map->n_items && rc == 0; s->n_map += rc == 0) {
        const struct ynode *key = map->keys[s->n_map];
        strbuf_addf(&joined, "%s%s", s->n_map ? "|" : "", key->s ? key->s : "");
        rc = filter_compile(&s->ignore[s->n_ignore + s->n_map], key, e);
    }
    pyregex_close(s->regex);
    s->regex = NULL;
    if (rc == 0)
        rc = strbuf_ok(&joined, e);
    if (rc == 0)
        rc = pyregex_open(&s->regex, strbuf_str(&joined), e);
    strbuf_release(&joined);
    return rc;
}

/* The value of the first pattern that finds something in what they found together. */
static int value_of(const struct filter_step *s, const char *text, const char **out,
                    struct err *e)
{
    const struct ynode *map = ynode_get(s->node, "regex_pattern_to_value");
    struct strbuf bare = STRBUF_INIT, whole = STRBUF_INIT;
    struct span found = {NULL, 0};
    int rc = filter_without_ignored(s, text, strlen(text), &bare, e);

    *out = s->fallback;
    if (rc == 0)
        rc = filter_pick(s->regex, strbuf_str(&bare), s->select, &found, e);
    if (rc > 0 && found.n) {
        rc = filter_without_ignored(s, found.s, found.n, &whole, e);
        for (int i = 0; i < s->n_map && rc == 0; i++) {
            found = (struct span){NULL, 0};
            rc = filter_pick(s->ignore[s->n_ignore + i], strbuf_str(&whole), s->select, &found, e);
            if (rc > 0 && found.n) {
                *out = map->items[i]->s ? map->items[i]->s : "";
                break;
            }
            rc = rc < 0 ? -1 : 0;
        }
    }
    strbuf_release(&bare);
    strbuf_release(&whole);
    return rc < 0 ? -1 : 0;
}

static int map_regex(const struct filter_step *s, struct answers *a, const cJSON *doc,
                     struct err *e)
{
    const char *value;

    (void)doc;
    for (int i = 0; i < a->n; i++)
        if (value_of(s, a->v[i] ? a->v[i] : "", &value, e) < 0 ||
            filter_put(&a->v[i], value, strlen(value), e) < 0)
            return -1;
    return 0;
}

/* --- a list of words ---------------------------------------------------------------------- */

/* \bone\b|\btwo\b of the words behind "List:" in the question. */
static int words_pattern(const struct filter_step *s, const cJSON *doc, struct pyregex **out,
                         struct err *e)
{
    const char *input = json_str(doc, "input"), *list = input ? strstr(input, "List:") : NULL;
    const char *end = list ? strstr(list + 5, "List:") : NULL;
    struct strbuf b = STRBUF_INIT;
    struct span rest;
    int rc;

    if (!list)
        return ynode_fail(s->node, e, ERR_FORMAT, "the document's 'input' has no list");
    rest = (struct span){list + 5, end ? (size_t)(end - list) - 5 : strlen(list + 5)};
    for (size_t k; (rest = py_lstrip(rest.s, rest.n)).n; rest.s += k, rest.n -= k) {
        k = py_word(rest.s, rest.n);
        strbuf_addf(&b, "%s\\b%.*s\\b", b.len ? "|" : "", (int)k, rest.s);
    }
    rc = strbuf_ok(&b, e);
    if (rc == 0)
        rc = pyregex_open(out, strbuf_str(&b), e);
    strbuf_release(&b);
    return rc;
}

struct found_words {
    struct span *v;
    size_t n, cap;
    int failed;
};

static int add_word(void *user, const struct span *g, int n)
{
    struct found_words *w = user;

    (void)n;
    w->failed = mem_grow(&w->v, &w->cap, w->n + 1, sizeof *w->v) < 0;
    if (!w->failed)
        w->v[w->n++] = g[0];
    return w->failed;
}

/* Each word where it stands last. */
static void last_of_each(const struct found_words *w, struct strbuf *out)
{
    for (size_t i = 0; i < w->n; i++) {
        size_t k = i + 1;
        while (k < w->n && !(w->v[k].n == w->v[i].n &&
                             memcmp(w->v[k].s, w->v[i].s, w->v[i].n) == 0))
            k++;
        if (k < w->n)
            continue;
        strbuf_adds(out, out->len ? " " : "");
        strbuf_add(out, w->v[i].s, w->v[i].n);
    }
}

static int sort_words(const struct filter_step *s, struct answers *a, const cJSON *doc,
                      struct err *e)
{
    struct pyregex *r = NULL;
    int rc = words_pattern(s, doc, &r, e);

    for (int i = 0; i < a->n && rc == 0; i++) {
        const char *text = a->v[i] ? a->v[i] : "";
        struct found_words w = {NULL, 0, 0, 0};
        struct strbuf out = STRBUF_INIT;
        rc = pyregex_each(r, text, strlen(text), add_word, &w, e);
        if (rc == 0 && w.failed)
            rc = err_nomem(e);
        if (rc == 0) {
            last_of_each(&w, &out);
            rc = set_text(&a->v[i], &out, e);
        }
        mem_free(w.v);
        strbuf_release(&out);
    }
    pyregex_close(r);
    return rc;
}

static const struct filter_kind input_choice = {
    "MultiChoiceRegexFilter",
    " regex_pattern group_select fallback ignore_case ignore_punctuation regexes_to_ignore ",
    read_input_choice, filter_multi_choice};
static const struct filter_kind map_patterns = {
    "MapRegexFilter",
    " regex_pattern_to_value group_select fallback ignore_case ignore_punctuation "
    "regexes_to_ignore ",
    read_map_regex, map_regex};
static const struct filter_kind word_sort = {"WordSortFilter", " ", NULL, sort_words};

const struct filter_function filter_functions[] = {
    {"f1329de1abf4f207", &input_choice},
    {"55689249c87429e9", &map_patterns},
    {"8037995386adb99e", &word_sort},
};
const size_t n_filter_functions = sizeof filter_functions / sizeof filter_functions[0];
