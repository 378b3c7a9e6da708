/* lmeval_filter_choice.c -- multi_choice_regex: which of a document's choices a text names.
 *
 * As lm-eval looks for it: by the filter's pattern, then for the text of one of the choices, then
 * for a letter behind a colon.  What the filter ignores is left out of the choices and of the text
 * that they are looked for in. */
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tasks/lmeval_filter_impl.h"

enum { CHOICES = 26 };

/* Every character of the general category P*. */
static void drop_punctuation(struct strbuf *out, const char *s, size_t n)
{
    for (size_t at = 0, k; at < n; at += k) {
        utf8proc_int32_t c = 0;
        k = utf8_len(s + at, n - at);
        k = k ? k : 1;
        utf8proc_iterate((const utf8proc_uint8_t *)s + at, (utf8proc_ssize_t)k, &c);
        switch (utf8proc_category(c)) {
        case UTF8PROC_CATEGORY_PC: case UTF8PROC_CATEGORY_PD: case UTF8PROC_CATEGORY_PS:
        case UTF8PROC_CATEGORY_PE: case UTF8PROC_CATEGORY_PI: case UTF8PROC_CATEGORY_PF:
        case UTF8PROC_CATEGORY_PO:
            break;
        default:
            strbuf_add(out, s + at, k);
        }
    }
}

int filter_without_ignored(const struct filter_step *s, const char *text, size_t n,
                           struct strbuf *out, struct err *e)
{
    struct strbuf next = STRBUF_INIT, swap;
    int rc = 0;

    strbuf_clear(out);
    strbuf_add(out, text, n);
    for (int i = 0; i < s->n_ignore + 2 && rc == 0; i++) {
        strbuf_clear(&next);
        if (i < s->n_ignore)
            rc = pyregex_remove(s->ignore[i], strbuf_str(out), out->len, &next, e);
        else if (i == s->n_ignore && s->ignore_case)
            py_lower(&next, strbuf_str(out), out->len);
        else if (i == s->n_ignore + 1 && s->ignore_punctuation)
            drop_punctuation(&next, strbuf_str(out), out->len);
        else
            continue;
        swap = *out, *out = next, next = swap;
    }
    if (rc == 0 && (next.failed || out->failed))
        rc = err_nomem(e);
    strbuf_release(&next);
    return rc;
}

struct lettered { /* a document's choices, as the fallbacks look for them */
    char *texts[CHOICES];
    int n;
    struct pyregex *by_text, *by_letter;
};

static void lettered_release(struct lettered *l)
{
    for (int i = 0; i < l->n; i++)
        mem_free(l->texts[i]);
    pyregex_close(l->by_text);
    pyregex_close(l->by_letter);
}

void filter_escape(struct strbuf *b, const char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < 0x80 && !strchr("0123456789_", *s) &&
            !((*s | 32) >= 'a' && (*s | 32) <= 'z'))
            strbuf_addc(b, '\\');
        strbuf_addc(b, *s);
    }
}

static int add_choice(void *user, const struct span *g, int n)
{
    char *text = mem_strndup(g[n - 1].s, g[n - 1].n);
    cJSON *v = text ? cJSON_CreateString(text) : NULL;

    mem_free(text);
    if (v && cJSON_AddItemToArray(user, v))
        return 0;
    json_free(v);
    return 1; /* the list is short, which its reader sees */
}

static int count_choice(void *user, const struct span *g, int n)
{
    (void)g, (void)n;
    return ++*(int *)user > CHOICES;
}

/* What the step's pattern finds in the document's input; NULL with e. */
static cJSON *input_choices(const struct filter_step *s, const cJSON *doc, struct err *e)
{
    const char *input = json_str(doc, "input");
    cJSON *list = cJSON_CreateArray();
    int n = 0;

    if (!input)
        ynode_fail(s->node, e, ERR_FORMAT, "the document has no text 'input'");
    else if (list && pyregex_each(s->find, input, strlen(input), count_choice, &n, e) == 0 &&
             pyregex_each(s->find, input, strlen(input), add_choice, list, e) == 0 &&
             cJSON_GetArraySize(list) >= n)
        return list;
    json_free(list);
    if (e->code == ERR_OK)
        err_nomem(e);
    return NULL;
}

static int read_choices(const struct filter_step *s, const cJSON *choices, struct lettered *l,
                        struct err *e)
{
    const cJSON *c;
    struct strbuf text = STRBUF_INIT, all = STRBUF_INIT, letters = STRBUF_INIT;
    int rc = -1;

    if (!cJSON_IsArray(choices) || cJSON_GetArraySize(choices) > CHOICES) {
        ynode_fail(s->node, e, ERR_FORMAT,
                   "the document has no list of up to %d choices", CHOICES);
        goto out;
    }
    cJSON_ArrayForEach(c, choices)
    {
        struct span t = cJSON_IsString(c) ? py_strip(c->valuestring, strlen(c->valuestring))
                                          : (struct span){"", 0};
        if (filter_without_ignored(s, t.s, t.n, &text, e) < 0)
            goto out;
        l->texts[l->n] = mem_strdup(strbuf_str(&text));
        if (!l->texts[l->n]) {
            err_nomem(e);
            goto out;
        }
        strbuf_adds(&all, l->n ? "|" : "");
        filter_escape(&all, l->texts[l->n]);
        strbuf_addf(&letters, "%s%c", l->n ? "|" : ":[\\s]*(", 'A' + l->n);
        l->n++;
    }
    strbuf_addc(&letters, ')');
    if (all.failed || letters.failed)
        err_nomem(e);
    else if (l->n == 0 && s->find)
        rc = 0; /* the fallbacks find nothing */
    else if (l->n == 0)
        ynode_fail(s->node, e, ERR_FORMAT, "multi_choice_regex: the document has no choices");
    else if (pyregex_open(&l->by_text, strbuf_str(&all), e) == 0)
        rc = pyregex_open(&l->by_letter, strbuf_str(&letters), e);
out:
    strbuf_release(&text);
    strbuf_release(&all);
    strbuf_release(&letters);
    return rc;
}

static int is_text(struct span found, const char *s)
{
    return strlen(s) == found.n && memcmp(s, found.s, found.n) == 0;
}

/* The pattern, else the text of a choice, else a letter behind a colon; the last two as "(A)". */
static int find_choice(const struct filter_step *s, const struct lettered *l, const char *text,
                       char **out, struct err *e)
{
    struct strbuf bare = STRBUF_INIT;
    struct span found = {NULL, 0};
    char letter[4] = {0};
    int rc = filter_pick(s->regex, text, s->select, &found, e);

    if (rc >= 0 && !found.n && l->n &&
        (rc = filter_without_ignored(s, text, strlen(text), &bare, e)) == 0 &&
        (rc = filter_pick(l->by_text, strbuf_str(&bare), s->select, &found, e)) == 1)
        for (int i = l->n; i-- > 0 && !*letter;) /* of equal texts the last one's letter */
            if (found.n && is_text(found, l->texts[i]))
                snprintf(letter, sizeof letter, "(%c)", 'A' + i);
    if (rc >= 0 && !found.n && l->n &&
        (rc = filter_pick(l->by_letter, text, s->select, &found, e)) == 1 &&
        found.n == 1)
        snprintf(letter, sizeof letter, "(%c)", *found.s);
    if (rc >= 0) {
        *out = *letter ? mem_strdup(letter)
               : found.n ? mem_strndup(found.s, found.n)
                         : mem_strdup(s->fallback);
        rc = *out ? 0 : err_nomem(e);
    }
    strbuf_release(&bare);
    return rc;
}

int filter_multi_choice(const struct filter_step *s, struct answers *a, const cJSON *doc,
                        struct err *e)
{
    struct err own = ERR_NONE;
    struct lettered l = {0};
    cJSON *input = NULL;
    int rc = -1;

    e = e ? e : &own;
    if (!s->find || (input = input_choices(s, doc, e)))
        rc = read_choices(s, s->find ? input : json_get(doc, "choices"), &l, e);

    for (int i = 0; i < a->n && rc == 0; i++) {
        char *found = NULL;
        rc = find_choice(s, &l, a->v[i] ? a->v[i] : "", &found, e);
        if (rc == 0) {
            mem_free(a->v[i]);
            a->v[i] = found;
        }
    }
    lettered_release(&l);
    json_free(input);
    return rc;
}
