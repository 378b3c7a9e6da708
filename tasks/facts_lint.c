/* facts_lint.c -- what is wrong with the bank although it can be read.
 *
 * Each rule is a function over one fact or one relation; the table at the end is the list. */
#include "tasks/facts.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "tasks/facts_bank.h"

#define ANSWERS_MIN 4 /* fewer different answers make no choice worth its bits */

struct lint {
    const struct facts *f;
    void (*say)(void *ctx, const char *line);
    void *ctx;
    int found, out_of_memory;
};

static void complain(struct lint *l, const struct relation *r, int line, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

static void complain(struct lint *l, const struct relation *r, int line, const char *fmt, ...)
{
    struct strbuf b = STRBUF_INIT;
    va_list ap;

    strbuf_addf(&b, "%s.jsonl:%d: ", r->name, line);
    va_start(ap, fmt);
    strbuf_vaddf(&b, fmt, ap);
    va_end(ap);
    l->found++;
    if (strbuf_ok(&b, NULL) < 0)
        l->out_of_memory = 1;
    else if (l->say)
        l->say(l->ctx, strbuf_str(&b));
    strbuf_release(&b);
}

/* 1 when needle stands in the first len bytes of text: as a whole word where it ends in letters or
 * digits (so "Au" is not in "Australia").  Letters compare without case, but not those of symbols
 * like "As", which are everywhere. */
static int contains_n(const char *text, size_t len, const char *needle)
{
    size_t n = strlen(needle);

    for (size_t i = 0; i + n <= len; i++) {
        if (n <= 2 ? strncmp(text + i, needle, n) : strncasecmp(text + i, needle, n))
            continue;
        if ((i && isalnum((unsigned char)text[i - 1]) && isalnum((unsigned char)needle[0])) ||
            (i + n < len && isalnum((unsigned char)text[i + n]) &&
             isalnum((unsigned char)needle[n - 1])))
            continue;
        return 1;
    }
    return 0;
}

static int contains(const char *text, const char *needle)
{
    return contains_n(text, strlen(text), needle);
}

/* In a phrasing, before or after the place of the subject. */
static int phrasing_contains(const char *template, const char *needle)
{
    const char *at = strstr(template, "{s}");

    return contains_n(template, (size_t)(at - template), needle) ||
           contains(at + strlen("{s}"), needle);
}

/* The composed form, or NULL when text is not in it already or memory ran out. */
static int is_nfc(struct lint *l, const char *text)
{
    utf8proc_uint8_t *nfc = utf8proc_NFC((const utf8proc_uint8_t *)text);
    int same = nfc && strcmp((const char *)nfc, text) == 0;

    if (!nfc)
        l->out_of_memory = 1;
    free(nfc); /* utf8proc's own malloc */
    return same;
}

static void check_encoding(struct lint *l, const struct relation *r, const struct fact *x, int line)
{
    const char *texts[2 + 2 * FACTS_ALIASES] = {x->subject, x->answer};
    int n = 2;

    for (int i = 0; i < x->n_aliases; i++)
        texts[n++] = x->aliases[i];
    for (int i = 0; i < x->n_also; i++)
        texts[n++] = x->also[i];
    for (int i = 0; i < n; i++) {
        if (!is_nfc(l, texts[i]))
            complain(l, r, line, "\"%s\" is not in Unicode's composed form (NFC)", texts[i]);
        if (strstr(texts[i], "  ") || strstr(texts[i], "\xe3\x80\x80") || strstr(texts[i], "{s}"))
            complain(l, r, line, "\"%s\" has doubled or wide blanks, or a placeholder", texts[i]);
    }
}

static void check_id(struct lint *l, const struct relation *r, const struct fact *x, int line)
{
    if (x->id[strspn(x->id, "abcdefghijklmnopqrstuvwxyz0123456789-")])
        complain(l, r, line, "id \"%s\": lower-case letters, digits and \"-\" only", x->id);
}

static void check_leaks(struct lint *l, const struct relation *r, const struct fact *x, int line)
{
    if (contains(x->subject, x->answer))
        complain(l, r, line, "the answer \"%s\" stands in the subject \"%s\"", x->answer,
                 x->subject);
    for (int i = 0; i < x->n_aliases; i++)
        if (contains(x->subject, x->aliases[i]))
            complain(l, r, line, "the alias \"%s\" stands in the subject \"%s\"", x->aliases[i],
                     x->subject);
    for (int t = 0; t < FACTS_TEMPLATES; t++)
        if (phrasing_contains(r->templates[x->language][t], x->answer))
            complain(l, r, line, "the answer \"%s\" stands in the phrasing \"%s\"", x->answer,
                     r->templates[x->language][t]);
    if (strcmp(x->subject, r->neutral[x->language]) == 0)
        complain(l, r, line, "the subject is the neutral one");
}

static int same_aliases(const struct fact *x, const struct fact *y)
{
    if (x->n_aliases != y->n_aliases)
        return 0;
    for (int i = 0; i < x->n_aliases; i++)
        if (strcmp(x->aliases[i], y->aliases[i]) != 0)
            return 0;
    return 1;
}

static int has_alias(const struct fact *x, const char *s)
{
    for (int i = 0; i < x->n_aliases; i++)
        if (strcmp(x->aliases[i], s) == 0)
            return 1;
    return 0;
}

/* A row against an earlier one of the same relation and language. */
static void check_pair(struct lint *l, const struct relation *r, const struct fact *x,
                       const struct fact *y)
{
    int line = facts_line(l->f, y), earlier = facts_line(l->f, x);
    int same_answer = strcmp(x->answer, y->answer) == 0;

    if (strcmp(x->id, y->id) == 0 && same_answer)
        complain(l, r, line, "the same id and answer as line %d", earlier);
    if (strcmp(x->subject, y->subject) == 0 && strcmp(x->id, y->id) != 0)
        complain(l, r, line, "the subject \"%s\" of line %d under another id", y->subject, earlier);
    if (strcmp(x->id, y->id) == 0 && strcmp(x->subject, y->subject) != 0)
        complain(l, r, line, "the id \"%s\" of line %d with another subject", y->id, earlier);
    if (same_answer && !same_aliases(x, y))
        complain(l, r, line, "\"%s\" has other aliases than on line %d", y->answer, earlier);
    if (same_answer)
        return;
    if (has_alias(x, y->answer) || has_alias(y, x->answer))
        complain(l, r, line, "\"%s\" here and \"%s\" on line %d: an alias is another's answer",
                 y->answer, x->answer, earlier);
    for (int i = 0; i < y->n_aliases; i++)
        if (has_alias(x, y->aliases[i]))
            complain(l, r, line, "the alias \"%s\" also stands on line %d for another answer",
                     y->aliases[i], earlier);
}

/* b goes on after the words of a: its likelihood is part of that of a, and would count twice. */
static int goes_on(const char *a, const char *b)
{
    size_t n = strlen(a);

    return strncmp(a, b, n) == 0 && b[n] && !isalnum((unsigned char)b[n]);
}

static void check_aliases(struct lint *l, const struct relation *r, const struct fact *x, int line)
{
    for (int i = 0; i < x->n_aliases; i++) {
        if (strcmp(x->aliases[i], x->answer) == 0)
            complain(l, r, line, "the alias \"%s\" is the answer", x->aliases[i]);
        for (int k = -1; k < i; k++) {
            const char *other = k < 0 ? x->answer : x->aliases[k];
            if (k >= 0 && strcmp(x->aliases[i], other) == 0)
                complain(l, r, line, "the alias \"%s\" twice", x->aliases[i]);
            if (goes_on(x->aliases[i], other) || goes_on(other, x->aliases[i]))
                complain(l, r, line, "the longer of \"%s\" and \"%s\" counts twice", other,
                         x->aliases[i]);
        }
    }
}

/* Facts of one id in two languages must agree: where two subjects share an answer in one language
 * they share it in the other, else one of the four rows is wrong. */
static void check_translations(struct lint *l, const struct relation *r)
{
    const struct fact *all = r->count ? l->f->facts + r->first : NULL;

    for (int i = 0; i < r->count; i++) {
        for (int j = 0; j < r->count; j++) { /* i: English, j: the same in Chinese */
            if (all[i].language != 0 || all[j].language != 1 || strcmp(all[i].id, all[j].id) != 0)
                continue;
            if (all[i].band != all[j].band)
                complain(l, r, facts_line(l->f, &all[j]), "\"%s\" is in band %s on line %d",
                         all[j].id, facts_bands[all[i].band], facts_line(l->f, &all[i]));
            for (int k = 0; k < j; k++) { /* k: Chinese, the same answer; its English? */
                if (all[k].language != 1 || strcmp(all[k].answer, all[j].answer) != 0)
                    continue;
                for (int h = 0; h < r->count; h++)
                    if (all[h].language == 0 && strcmp(all[h].id, all[k].id) == 0 &&
                        strcmp(all[h].answer, all[i].answer) != 0)
                        complain(l, r, facts_line(l->f, &all[j]),
                                 "\"%s\" is \"%s\" here, but \"%s\" on line %d", all[j].answer,
                                 all[i].answer, all[h].answer, facts_line(l->f, &all[h]));
            }
        }
    }
}

static void check_sizes(struct lint *l, const struct relation *r)
{
    if (!r->count)
        complain(l, r, 1, "a header without facts");
    for (int language = 0; language < FACTS_LANGUAGES; language++) {
        int answers = 0, facts = 0;
        for (int i = r->first; i < r->first + r->count; i++) {
            facts += l->f->facts[i].language == language;
            answers += l->f->facts[i].language == language && l->f->facts[i].new_answer;
        }
        if (r->templates[language][0] && !facts)
            complain(l, r, 1, "templates but no facts in %s", facts_languages[language].name);
        if (facts && answers < ANSWERS_MIN)
            complain(l, r, 1, "%d different answers in %s, at least %d are needed", answers,
                     facts_languages[language].name, ANSWERS_MIN);
        for (int i = r->first; i < r->first + r->count && answers >= ANSWERS_MIN; i++) {
            int unused[FACTS_CANDIDATES];
            if (l->f->facts[i].language == language && facts_candidates(l->f, i, unused) < 3)
                complain(l, r, facts_line(l->f, &l->f->facts[i]),
                         "fewer than 2 wrong answers left");
        }
    }
}

static void check_header(struct lint *l, const struct relation *r, int index)
{
    if (r->name[strspn(r->name, "abcdefghijklmnopqrstuvwxyz0123456789_")])
        complain(l, r, 1, "a relation's name has lower-case letters, digits and \"_\" only");
    for (int i = 0; i < index; i++)
        if (strcmp(l->f->relations[i].name, r->name) == 0)
            complain(l, r, 1, "a second header of this name");
    for (int language = 0; language < FACTS_LANGUAGES; language++) {
        const char *const *t = r->templates[language];
        for (int i = 0; i < FACTS_TEMPLATES && t[0]; i++)
            for (int k = 0; k < i; k++)
                if (strcmp(t[i], t[k]) == 0)
                    complain(l, r, 1, "the same phrasing twice: \"%s\"", t[i]);
    }
}

static void lint_relation(struct lint *l, int index)
{
    static void (*const rules[])(struct lint *, const struct relation *, const struct fact *,
                                 int) = {check_id, check_encoding, check_leaks, check_aliases};
    const struct relation *r = &l->f->relations[index];

    check_header(l, r, index);
    for (int i = r->first; i < r->first + r->count; i++) {
        const struct fact *x = &l->f->facts[i];
        for (size_t k = 0; k < sizeof rules / sizeof rules[0]; k++)
            rules[k](l, r, x, facts_line(l->f, x));
        for (int j = r->first; j < i; j++)
            if (l->f->facts[j].language == x->language)
                check_pair(l, r, &l->f->facts[j], x);
    }
    check_translations(l, r);
    check_sizes(l, r);
}

int facts_lint(const char *bytes, size_t n, void (*say)(void *ctx, const char *line), void *ctx,
               struct err *e)
{
    struct facts *f = NULL;
    struct lint l = {.say = say, .ctx = ctx};
    struct err why = ERR_NONE;

    if (facts_parse(&f, bytes, n, 0, &why) < 0) {
        if (why.code != ERR_FORMAT) {
            if (e)
                *e = why;
            return -1;
        }
        if (say)
            say(ctx, why.text); /* the first line that cannot be read hides the rest */
        return 1;
    }
    l.f = f;
    for (int i = 0; i < f->n_relations; i++)
        lint_relation(&l, i);
    facts_close(f);
    return l.out_of_memory ? err_nomem(e) : l.found;
}
