/* scenario_lint.c -- what is wrong with a scenario although it can be read.
 *
 * Each rule is a function over the scenario; the table at the end is the list.  Rendered prompts
 * are kept beside the items, for several rules look at them. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tasks/scenario_impl.h"

enum {
    DEFECTS_MAX = 100, /* more are not told */
    SLICE_MIN = 5,     /* items: an interval over fewer says nothing */
    BALANCE_MIN = 20,  /* items: fewer are unbalanced by chance */
};

struct lint {
    struct scenario *s;
    const struct scenario_lint *to;
    struct strbuf *prompts; /* of the items, without examples */
    int found, failed;      /* failed: no memory */
    struct err *e;
};

static void told(struct lint *l, void (*say)(void *ctx, const char *line), struct strbuf *b)
{
    if (strbuf_ok(b, l->e) < 0)
        l->failed = 1;
    else if (say)
        say(l->to->ctx, strbuf_str(b));
    strbuf_release(b);
}

static void complain(struct lint *l, const cJSON *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void complain(struct lint *l, const cJSON *at, const char *fmt, ...)
{
    struct strbuf b = STRBUF_INIT;
    struct json_place p;
    va_list ap;

    if (l->found++ >= DEFECTS_MAX)
        return;
    p = json_text_place(&l->s->file, at, 0);
    strbuf_addf(&b, "%s:%d:%d: ", l->s->path, p.line, p.column);
    va_start(ap, fmt);
    strbuf_vaddf(&b, fmt, ap);
    va_end(ap);
    told(l, l->to->say, &b);
}

static void remark(struct lint *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void remark(struct lint *l, const char *fmt, ...)
{
    struct strbuf b = STRBUF_INIT;
    va_list ap;

    strbuf_addf(&b, "%s: ", l->s->path);
    va_start(ap, fmt);
    strbuf_vaddf(&b, fmt, ap);
    va_end(ap);
    told(l, l->to->note, &b);
}

static const cJSON *member(const struct lint *l, const char *key)
{
    return json_get(l->s->file.root, key);
}

/* P(X >= k) for n draws with chance p. */
static double at_least(int k, int n, double p)
{
    double sum = 0;

    for (int i = k; i <= n; i++)
        sum += exp(lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0) + i * log(p) +
                   (n - i) * log1p(-p));
    return sum;
}

/* --- prompts ------------------------------------------------------------------------------ */

/* Every item and example must render to something that a continuation can follow. */
static void prompts_render(struct lint *l)
{
    struct scenario *s = l->s;

    for (int i = 0; i < s->n_items + s->n_examples && !l->failed; i++) {
        int example = i >= s->n_items;
        const struct scenario_item *it = example ? &s->examples[i - s->n_items] : &s->items[i];
        struct strbuf own = STRBUF_INIT, *b = example ? &own : &l->prompts[i];
        struct err why = ERR_NONE;
        if (scenario_question(s, it, b, &why) < 0) {
            l->failed |= why.code == ERR_NOMEM;
            complain(l, it->json, "the prompt cannot be rendered: %s", why.text);
        } else if (b->len == 0) {
            complain(l, it->json, "the prompt is empty");
        } else if (strchr(" \t\n", b->s[b->len - 1])) {
            complain(l, it->json, "the prompt ends in white space: \"delimiter\" goes between "
                                  "question and answer");
        }
        strbuf_release(&own);
    }
}

/* So must they in other words, and every item differently from the prompt. */
static void wordings_render(struct lint *l)
{
    struct scenario *s = l->s;
    const cJSON *w;

    cJSON_ArrayForEach(w, member(l, "wordings")) {
        struct err why = ERR_NONE;
        if (scenario_set_prompt(s, w, &why) < 0) {
            l->failed |= why.code == ERR_NOMEM;
            complain(l, w, "cannot be read: %s", why.text);
            continue;
        }
        for (int i = 0; i < s->n_items; i++) {
            struct strbuf b = STRBUF_INIT;
            int rc = scenario_question(s, &s->items[i], &b, &why);
            int same = rc == 0 && strcmp(strbuf_str(&b), strbuf_str(&l->prompts[i])) == 0;
            strbuf_release(&b);
            if (rc < 0 || same) {
                complain(l, w, "item %d: %s", i, same ? "is asked in the same words" : why.text);
                break;
            }
        }
    }
    if (scenario_set_prompt(s, member(l, "prompt"), l->e) < 0)
        l->failed = 1;
}

static int by_prompt(const void *a, const void *b)
{
    const struct strbuf *const *x = a, *const *y = b;
    int order = strcmp(strbuf_str(*x), strbuf_str(*y));

    return order ? order : (*x > *y) - (*x < *y);
}

static void no_duplicates(struct lint *l)
{
    int n = l->s->n_items;
    const struct strbuf **v = mem_calloc((size_t)n, sizeof *v);

    if (!v) {
        l->failed = 1;
        return;
    }
    for (int i = 0; i < n; i++)
        v[i] = &l->prompts[i];
    qsort(v, (size_t)n, sizeof *v, by_prompt);
    for (int i = 1; i < n; i++)
        if (v[i]->len && strcmp(strbuf_str(v[i]), strbuf_str(v[i - 1])) == 0)
            complain(l, l->s->items[v[i] - l->prompts].json, "asks the same as item %d",
                     (int)(v[i - 1] - l->prompts));
    mem_free(v);
}

static int by_id(const void *a, const void *b)
{
    const struct scenario_item *const *x = a, *const *y = b;
    int order = strcmp((*x)->id, (*y)->id);

    return order ? order : (*x > *y) - (*x < *y);
}

static void ids_differ(struct lint *l)
{
    const struct scenario_item **v = mem_calloc((size_t)l->s->n_items, sizeof *v);
    int n = 0;

    if (!v) {
        l->failed = 1;
        return;
    }
    for (int i = 0; i < l->s->n_items; i++)
        if (l->s->items[i].id)
            v[n++] = &l->s->items[i];
    qsort(v, (size_t)n, sizeof *v, by_id);
    for (int i = 1; i < n; i++)
        if (strcmp(v[i]->id, v[i - 1]->id) == 0)
            complain(l, v[i]->json, "another item is called \"%s\"", v[i]->id);
    mem_free(v);
}

static void examples_are_not_asked(struct lint *l)
{
    struct scenario *s = l->s;

    for (int k = 0; k < s->n_examples && !l->failed; k++) {
        struct strbuf b = STRBUF_INIT;
        if (scenario_question(s, &s->examples[k], &b, NULL) == 0)
            for (int i = 0; i < s->n_items; i++)
                if (strcmp(strbuf_str(&l->prompts[i]), strbuf_str(&b)) == 0)
                    complain(l, s->items[i].json, "is example %d too: its answer is shown", k);
        strbuf_release(&b);
    }
}

/* A field whose value can be anything without the prompt changing is not shown. */
static void fields_are_shown(struct lint *l)
{
    struct scenario *s = l->s;
    const cJSON *f;

    cJSON_ArrayForEach(f, member(l, "fields")) {
        int shown = 0;
        for (int i = 0; i < s->n_items && i < 20 && !shown; i++) {
            cJSON *copy = cJSON_Duplicate(s->items[i].json, 1);
            cJSON *other = cJSON_CreateString("\x01");
            struct scenario_item it = s->items[i];
            struct strbuf b = STRBUF_INIT;
            if (!copy || !other || !cJSON_ReplaceItemInObjectCaseSensitive(copy, f->valuestring,
                                                                          other)) {
                cJSON_Delete(other);
                l->failed = 1;
                shown = 1;
            } else {
                it.json = copy;
                shown = scenario_question(s, &it, &b, NULL) < 0 ||
                        strcmp(strbuf_str(&b), strbuf_str(&l->prompts[i])) != 0;
            }
            strbuf_release(&b);
            cJSON_Delete(copy);
        }
        if (!shown)
            complain(l, f, "no prompt shows \"%s\"", f->valuestring);
    }
}

/* --- answers ------------------------------------------------------------------------------ */

static int shows_all_choices(const struct scenario_item *it, const char *prompt)
{
    for (int i = 0; i < it->n_choices; i++)
        if (!strstr(prompt, it->choices[i]))
            return 0;
    return 1;
}

/* The right answer stands in the prompt, and the wrong ones do not. */
static void nothing_leaks(struct lint *l)
{
    const struct scenario *s = l->s;
    int texts = s->kind->check == exact_check || s->kind->check == number_check;

    if (json_bool(s->file.root, "extractive", 0) == 1)
        return;
    for (int i = 0; i < s->n_items && !l->failed; i++) {
        const struct scenario_item *it = &s->items[i];
        const char *prompt = strbuf_str(&l->prompts[i]);
        struct strbuf gold = STRBUF_INIT;
        if (!s->kind->stop) {
            const char *right = it->choices[it->gold];
            if (strlen(right) > 2 && text_find_word(prompt, right) &&
                !shows_all_choices(it, prompt))
                complain(l, it->json, "the right choice stands in the prompt, others do not");
        } else if (texts && s->kind->show(s, it, &gold, NULL) == 0) {
            if (gold.len > 2 && text_find_word(prompt, strbuf_str(&gold)))
                complain(l, it->json, "the answer stands in the prompt (where it is meant to: "
                                      "\"extractive\": true)");
        }
        strbuf_release(&gold);
    }
}

static void choice_pair(struct lint *l, const struct scenario_item *it, int a, int b)
{
    const char *x = it->choices[a], *y = it->choices[b];
    int same = text_same(x, y, IGNORE_CASE | IGNORE_SPACE | IGNORE_WIDTH | IGNORE_STOP, l->e);
    size_t n = strlen(x);

    if (same < 0)
        l->failed = 1;
    else if (same)
        complain(l, it->json, "choices %d and %d are the same", a, b);
    else if (!l->s->letters && strncmp(x, y, n) == 0)
        complain(l, it->json, "choice %d begins with choice %d, which is always likelier", b, a);
}

static void choices_differ(struct lint *l)
{
    const struct scenario *s = l->s;
    int shared = json_get(s->answer, "choices") != NULL;

    for (int i = 0; i < s->n_items && !s->kind->stop && !l->failed; i++) {
        const struct scenario_item *it = &s->items[i];
        if (shared && i && !json_get(it->json, "choices"))
            continue; /* told of the first */
        for (int a = 0; a < it->n_choices; a++)
            for (int b = 0; b < it->n_choices; b++)
                if (a != b && (a < b || strlen(it->choices[a]) < strlen(it->choices[b])))
                    choice_pair(l, it, a, b);
    }
}

/* How often answer k is right, where all items have the same answers to choose from. */
static void labels_balance(struct lint *l)
{
    const struct scenario *s = l->s;
    const cJSON *list = s->labels ? s->labels : json_get(s->answer, "choices"), *m;
    int k = cJSON_GetArraySize(list);

    if (!list || s->n_items < BALANCE_MIN)
        return;
    cJSON_ArrayForEach(m, list) {
        int n = 0;
        for (int i = 0; i < s->n_items; i++) {
            const struct scenario_item *it = &s->items[i];
            const char *right = it->n_choices ? it->choices[it->gold] : it->answer->valuestring;
            n += strcmp(right, m->valuestring) == 0;
        }
        if (n == 0)
            complain(l, m, "\"%s\" is never right", m->valuestring);
        else if (n > s->n_items * fmax(0.6, 2.0 / k))
            complain(l, m, "\"%s\" is right in %d of %d items: saying it always scores that",
                     m->valuestring, n, s->n_items);
    }
}

/* Items with choices of their own: neither a place nor a length may give the right one away. */
static void places_balance(struct lint *l)
{
    const struct scenario *s = l->s;
    int at[SCENARIO_CHOICES] = {0}, longest = 0, n = 0;
    double chance = 0;

    for (int i = 0; i < s->n_items; i++) {
        const struct scenario_item *it = &s->items[i];
        size_t most = 0;
        if (!it->n_choices || !json_get(it->json, "choices"))
            continue;
        for (int c = 0; c < it->n_choices; c++)
            if (c != it->gold && strlen(it->choices[c]) > most)
                most = strlen(it->choices[c]);
        n++;
        at[it->gold]++;
        longest += strlen(it->choices[it->gold]) > most;
        chance += 1.0 / it->n_choices;
    }
    if (n < BALANCE_MIN)
        return;
    for (int c = 0; c < SCENARIO_CHOICES; c++)
        if (at[c] && at_least(at[c], n, chance / n) < 1e-4)
            complain(l, member(l, "items"), "choice %d is right in %d of %d items", c, at[c], n);
    if (longest && at_least(longest, n, chance / n) < 1e-4)
        complain(l, member(l, "items"), "the right choice is the longest in %d of %d items",
                 longest, n);
}

/* What a human says must be credited, and what is wrong must not. */
static void check_outputs(struct lint *l, const struct scenario_item *it, const char *key,
                          int right)
{
    const cJSON *m;

    cJSON_ArrayForEach(m, json_get(it->json, key)) {
        struct found f;
        struct err why = ERR_NONE;
        if (scenario_credit(l->s, it, m->valuestring, &f, &why) < 0) {
            l->failed |= why.code == ERR_NOMEM;
            complain(l, m, "%s", why.text);
        } else if ((f.credit == 1) != right) {
            complain(l, m, right ? "is credited with %.3g only; found was \"%.80s\""
                                 : "is credited with %.3g; found was \"%.80s\"",
                     f.credit, strbuf_str(&f.text));
        }
        found_release(&f);
    }
}

/* The answer as examples show it must be credited too. */
static void check_shown(struct lint *l, const struct scenario_item *it)
{
    struct strbuf b = STRBUF_INIT;
    struct found f = {0};

    if (l->s->kind->show(l->s, it, &b, NULL) == 0 &&
        scenario_credit(l->s, it, strbuf_str(&b), &f, NULL) == 0 && f.credit != 1)
        complain(l, it->answer, "the answer itself is credited with %.3g: found was \"%.80s\"",
                 f.credit, strbuf_str(&f.text));
    found_release(&f);
    strbuf_release(&b);
}

static void answers_are_credited(struct lint *l)
{
    const struct scenario *s = l->s;

    for (int i = 0; i < s->n_items + s->n_examples && s->kind->credit && !l->failed; i++) {
        const struct scenario_item *it =
            i < s->n_items ? &s->items[i] : &s->examples[i - s->n_items];
        check_outputs(l, it, "say", 1);
        check_outputs(l, it, "never", 0);
        if (s->kind->show)
            check_shown(l, it);
    }
}

/* --- the whole ---------------------------------------------------------------------------- */

static void slices_are_reached(struct lint *l)
{
    const struct scenario *s = l->s;

    for (int k = s->n_languages; k < s->n_slices; k++) {
        const cJSON *at = cJSON_GetArrayItem(member(l, "slices"), k - s->n_languages);
        int n = 0;
        for (int i = 0; i < s->n_items; i++)
            for (int j = 0; j < s->items[i].n_slices; j++)
                n += s->items[i].slices[j] == k;
        if (n == 0)
            complain(l, at, "no item is in the slice \"%s\"", s->slices[k]);
        else if (n < SLICE_MIN)
            complain(l, at, "%d items are in the slice \"%s\": %d at least say something", n,
                     s->slices[k], SLICE_MIN);
    }
}

/* What guessing scores: the mean of 1/choices; of labels the share of the most frequent one. */
static double chance_level(const struct scenario *s)
{
    double sum = 0;
    const cJSON *m;

    if (!s->kind->stop) {
        for (int i = 0; i < s->n_items; i++)
            sum += 1.0 / s->items[i].n_choices;
        return sum / s->n_items;
    }
    cJSON_ArrayForEach(m, s->labels) {
        int n = 0;
        for (int i = 0; i < s->n_items; i++)
            n += strcmp(s->items[i].answer->valuestring, m->valuestring) == 0;
        sum = fmax(sum, (double)n / s->n_items);
    }
    return sum;
}

static void pass_is_above_chance(struct lint *l)
{
    double chance = chance_level(l->s);

    if (chance > 0)
        remark(l, "%d items; guessing scores %.3g", l->s->n_items, chance);
    else
        remark(l, "%d items", l->s->n_items);
    if (l->s->pass.metric && l->s->pass.at_least <= chance)
        complain(l, json_get(member(l, "pass"), "at_least"), "guessing passes: it scores %.3g",
                 chance);
}

/* --- the list ----------------------------------------------------------------------------- */

static void (*const rules[])(struct lint *l) = {
    prompts_render, wordings_render, no_duplicates, ids_differ, examples_are_not_asked,
    fields_are_shown, nothing_leaks, choices_differ, labels_balance, places_balance,
    answers_are_credited, slices_are_reached, pass_is_above_chance,
};

static int run_rules(struct lint *l)
{
    l->prompts = mem_calloc((size_t)l->s->n_items, sizeof *l->prompts);
    if (!l->prompts)
        return err_nomem(l->e);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && !l->failed; i++)
        rules[i](l);
    for (int i = 0; i < l->s->n_items; i++)
        strbuf_release(&l->prompts[i]);
    mem_free(l->prompts);
    return l->failed ? err_nomem(l->e) : l->found;
}

/* A file that does not open has one defect: why. */
static int cannot_open(const struct scenario_lint *to, const struct err *why, struct err *e)
{
    struct strbuf b = STRBUF_INIT;

    if (why->code == ERR_NOMEM)
        return err_nomem(e);
    strbuf_adds(&b, why->text);
    if (*why->hint)
        strbuf_addf(&b, " (%s)", why->hint);
    if (strbuf_ok(&b, e) < 0) {
        strbuf_release(&b);
        return -1;
    }
    to->say(to->ctx, strbuf_str(&b));
    strbuf_release(&b);
    return 1;
}

int scenario_lint(const char *path, const char *bytes, size_t n, const struct scenario_lint *to,
                  struct err *e)
{
    struct scenario *s = mem_calloc(1, sizeof *s);
    struct err why = ERR_NONE;
    int found = -1;

    if (!s)
        return err_nomem(e);
    s->path = mem_strdup(path);
    strbuf_add(&s->bytes, bytes, n);
    if (!s->path || strbuf_ok(&s->bytes, e) < 0) {
        err_nomem(e);
    } else if (scenario_parse(s, &why) < 0) {
        found = cannot_open(to, &why, e);
    } else {
        struct lint l = {.s = s, .to = to, .e = e};
        found = run_rules(&l);
    }
    scenario_close(s);
    return found;
}
