#include "harness/command.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"

const struct option common_options[] = {
    {"help", 'h', OPTION_FLAG, NULL, NULL, 0, 0, "show this help"},
    {"json", 0, OPTION_FLAG, NULL, NULL, 0, 0, "print one JSON document on standard output"},
    {"quiet", 'q', OPTION_FLAG, NULL, NULL, 0, 0, "no progress and no messages"},
    {"no-color", 0, OPTION_FLAG, NULL, NULL, 0, 0, "no colours (as NO_COLOR in the environment)"},
    {"db", 0, OPTION_TEXT, "FILE", NULL, 0, 0,
     "database of results (else $DENSIMETER_DB, else the user's own)"},
    {"data", 0, OPTION_TEXTS, "DIR", NULL, 0, 0,
     "where task data is looked for; may be repeated (then $DENSIMETER_DATA)"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

const struct option csv_option[] = {
    {"csv", 0, OPTION_FLAG, NULL, NULL, 0, 0, "print comma-separated values"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

enum { WORD_MAX = 128, LIST_MAX = 1 << 16 };

/* One value typed for an option; a list makes one for each of its entries. */
struct value {
    const struct option *option;
    const char *text;
    double number;
    int64_t integer;
};

struct args {
    const struct command *command;
    const char **operands;
    int n_operands;
    struct value *values;
    size_t n_values, cap_values;
    char **owned; /* entries of comma lists */
    size_t n_owned, cap_owned;
};

const struct command *command_find(const struct command *table, const char *name)
{
    for (; table->section; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

void words_each(const char *words, void (*f)(void *user, const char *word), void *user)
{
    char word[WORD_MAX];

    while (*words) {
        size_t n = strcspn(words, "|");
        assert(n < sizeof word);
        memcpy(word, words, n);
        word[n] = 0;
        f(user, word);
        words += n + (words[n] == '|');
    }
}

int words_index(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (int i = 0; *words; i++) {
        size_t n = strcspn(words, "|");
        if (n == len && memcmp(words, word, n) == 0)
            return i;
        words += n + (words[n] == '|');
    }
    return -1;
}

struct nearest {
    const char *typed;
    char best[WORD_MAX];
    int distance;
};

static void nearest_offer(void *user, const char *word)
{
    struct nearest *n = user;
    struct suggest s = SUGGEST(n->typed);

    suggest_offer(&s, word);
    if (s.best && (!n->best[0] || s.distance < n->distance)) {
        snprintf(n->best, sizeof n->best, "%s", word);
        n->distance = s.distance;
    }
}

static int bad_word(struct err *e, const char *what, const char *typed, const char *words)
{
    struct nearest n = {.typed = typed};

    words_each(words, nearest_offer, &n);
    err_set(e, ERR_USAGE, "%s: '%s' is none of %s", what, typed, words);
    if (n.best[0])
        err_hint(e, "did you mean '%s'?", n.best);
    return -1;
}

/* The tables of a command, one after another: its own rows, --csv, the common ones. */
static const struct option *rows_of(const struct command *c, int i)
{
    const struct option *tables[3] = {c ? c->options : NULL, c && c->lists ? csv_option : NULL,
                                      common_options};
    for (int t = 0; t < 3; t++)
        for (const struct option *o = tables[t]; o && o->name; o++)
            if (i-- == 0)
                return o;
    return NULL;
}

static const struct option *find_long(const struct command *c, const char *name, size_t n)
{
    const struct option *o;

    for (int i = 0; (o = rows_of(c, i)) != NULL; i++)
        if (strlen(o->name) == n && memcmp(o->name, name, n) == 0)
            return o;
    return NULL;
}

static const struct option *find_letter(const struct command *c, char letter)
{
    const struct option *o;

    for (int i = 0; (o = rows_of(c, i)) != NULL; i++)
        if (o->letter == letter)
            return o;
    return NULL;
}

static int takes_value(const struct option *o)
{
    return o->kind != OPTION_FLAG && o->kind != OPTION_COUNT;
}

/* --- values ------------------------------------------------------------------------------- */

static int in_range(const struct option *o, double v)
{
    return (o->low == 0 && o->high == 0) || (v >= o->low && v <= o->high);
}

static int parse_number(const struct option *o, const char *text, double *out)
{
    char *end;

    if (!*text || isspace((unsigned char)*text))
        return -1;
    *out = strtod(text, &end);
    return *end || !isfinite(*out) || !in_range(o, *out) ? -1 : 0;
}

static int parse_int(const struct option *o, const char *text, int64_t *out)
{
    static const char suffixes[] = "kMG";
    const char *s;
    char *end;
    long long v, unit = 1;

    if (!*text || isspace((unsigned char)*text))
        return -1;
    errno = 0;
    v = strtoll(text, &end, 10);
    if (errno || end == text)
        return -1;
    if (o->kind == OPTION_SIZE && *end && (s = strchr(suffixes, *end == 'K' ? 'k' : *end))) {
        unit = 1LL << 10 * (s - suffixes + 1);
        end++;
    }
    if (*end || v > INT64_MAX / unit || v < INT64_MIN / unit || !in_range(o, (double)(v * unit)))
        return -1;
    *out = v * unit;
    return 0;
}

/* Fills v from text; -1 when the text is not what the row asks for. */
static int value_parse(struct value *v, const struct option *o, const char *text)
{
    *v = (struct value){.option = o, .text = text};
    switch (o->kind) {
    case OPTION_NUMBER:
        return parse_number(o, text, &v->number);
    case OPTION_INT:
    case OPTION_SIZE:
    case OPTION_INTS:
        return parse_int(o, text, &v->integer);
    case OPTION_CHOICE:
        v->integer = words_index(o->value, text);
        return v->integer < 0 ? -1 : 0;
    case OPTION_WORDS:
        return *text ? 0 : -1;
    default:
        return 0;
    }
}

static int bad_value(const struct option *o, const char *text, struct err *e)
{
    static const char *const wanted[] = {
        [OPTION_INT] = "a whole number", [OPTION_INTS] = "a list of whole numbers",
        [OPTION_SIZE] = "a size like 512M", [OPTION_NUMBER] = "a number",
        [OPTION_WORDS] = "a list of words", [OPTION_TEXTS] = NULL,
    };
    char what[WORD_MAX];

    snprintf(what, sizeof what, "option --%s", o->name);
    if (o->kind == OPTION_CHOICE)
        return bad_word(e, what, text, o->value);
    if (o->low == 0 && o->high == 0)
        return err_set(e, ERR_USAGE, "%s: '%s' is not %s", what, text, wanted[o->kind]);
    if (o->high >= 1e15)
        return err_set(e, ERR_USAGE, "%s: '%s' is not %s of at least %.15g", what, text,
                       wanted[o->kind], o->low);
    return err_set(e, ERR_USAGE, "%s: '%s' is not %s from %.15g to %.15g", what, text,
                   wanted[o->kind], o->low, o->high);
}

static int add_value(struct args *a, const struct option *o, const char *text, struct err *e)
{
    if (mem_grow(&a->values, &a->cap_values, a->n_values + 1, sizeof *a->values) < 0)
        return err_nomem(e);
    if (value_parse(&a->values[a->n_values], o, text) < 0)
        return bad_value(o, text, e);
    a->n_values++;
    return 0;
}

static int add_list(struct args *a, const struct option *o, const char *text, struct err *e)
{
    for (;;) {
        size_t n = strcspn(text, ",");
        char *entry = mem_strndup(text, n);
        if (!entry || mem_grow(&a->owned, &a->cap_owned, a->n_owned + 1, sizeof *a->owned) < 0) {
            mem_free(entry);
            return err_nomem(e);
        }
        a->owned[a->n_owned++] = entry;
        if (a->n_owned > LIST_MAX)
            return err_set(e, ERR_USAGE, "option --%s: more than %d entries", o->name, LIST_MAX);
        if (add_value(a, o, entry, e) < 0)
            return -1;
        if (!text[n])
            return 0;
        text += n + 1;
    }
}

static int take_value(struct args *a, const struct option *o, const char *text, struct err *e)
{
    return o->kind == OPTION_INTS || o->kind == OPTION_WORDS ? add_list(a, o, text, e)
                                                             : add_value(a, o, text, e);
}

/* --- words -------------------------------------------------------------------------------- */

static int unknown_option(const struct command *c, const char *typed, struct err *e)
{
    struct suggest s = SUGGEST(typed);
    const struct option *o;

    for (int i = 0; (o = rows_of(c, i)) != NULL; i++)
        suggest_offer(&s, o->name);
    err_set(e, ERR_USAGE, "%s%sunknown option --%s", c ? c->name : "", c ? ": " : "", typed);
    if (suggest_best(&s))
        err_hint(e, "did you mean --%s?", suggest_best(&s));
    else
        err_hint(e, "'densimeter help%s%s' lists the options", c ? " " : "", c ? c->name : "");
    return -1;
}

/* argv[*i] begins with "--"; moves *i past what was used. */
static int parse_long(struct args *a, int argc, char **argv, int *i, struct err *e)
{
    const char *word = argv[*i] + 2;
    size_t n = strcspn(word, "=");
    const struct option *o = find_long(a->command, word, n);
    char typed[WORD_MAX];

    snprintf(typed, sizeof typed, "%.*s", (int)(n < WORD_MAX ? n : WORD_MAX - 1), word);
    ++*i;
    if (!o)
        return unknown_option(a->command, typed, e);
    if (!takes_value(o)) {
        if (word[n])
            return err_set(e, ERR_USAGE, "option --%s takes no value", o->name);
        return add_value(a, o, "", e);
    }
    if (word[n])
        return take_value(a, o, word + n + 1, e);
    if (*i >= argc)
        return err_set(e, ERR_USAGE, "option --%s needs a value (%s)", o->name, o->value);
    return take_value(a, o, argv[(*i)++], e);
}

/* "-qn5", "-n 5": letters, the last of which may have a value. */
static int parse_letters(struct args *a, int argc, char **argv, int *i, struct err *e)
{
    const char *word = argv[(*i)++] + 1;

    for (; *word; word++) {
        const struct option *o = find_letter(a->command, *word);
        if (!o) {
            err_set(e, ERR_USAGE, "%s%sunknown option -%c", a->command ? a->command->name : "",
                    a->command ? ": " : "", *word);
            err_hint(e, "'densimeter help%s%s' lists the options", a->command ? " " : "",
                     a->command ? a->command->name : "");
            return -1;
        }
        if (!takes_value(o)) {
            if (add_value(a, o, "", e) < 0)
                return -1;
            continue;
        }
        if (word[1])
            return take_value(a, o, word + 1 + (word[1] == '='), e);
        if (*i >= argc)
            return err_set(e, ERR_USAGE, "option -%c needs a value (%s)", o->letter, o->value);
        return take_value(a, o, argv[(*i)++], e);
    }
    return 0;
}

static int take_word(struct args *a, const struct command *table, const char *word, struct err *e)
{
    struct suggest s = SUGGEST(word);

    if (a->command) {
        a->operands[a->n_operands++] = word;
        return 0;
    }
    a->command = command_find(table, word);
    if (a->command)
        return 0;
    for (const struct command *c = table; c->section; c++)
        suggest_offer(&s, c->name);
    err_set(e, ERR_USAGE, "unknown command '%s'", word);
    if (suggest_best(&s))
        err_hint(e, "did you mean '%s'?", suggest_best(&s));
    else
        err_hint(e, "'densimeter help' lists the commands");
    return -1;
}

static int check_operands(const struct args *a, struct err *e)
{
    const struct command *c = a->command;

    if (!c || args_flag(a, "help"))
        return 0;
    if (c->words && a->n_operands > 0 && words_index(c->words, a->operands[0]) < 0)
        return bad_word(e, c->name, a->operands[0], c->words);
    if (a->n_operands < c->min_operands)
        err_set(e, ERR_USAGE, "%s: not enough operands, wanted: %s", c->name, c->operands);
    else if (c->max_operands >= 0 && a->n_operands > c->max_operands)
        err_set(e, ERR_USAGE, "%s: unexpected operand '%s'", c->name, a->operands[c->max_operands]);
    else
        return 0;
    err_hint(e, "usage: densimeter %s [OPTION...]%s%s", c->name, *c->operands ? " " : "",
             c->operands);
    return -1;
}

int args_parse(struct args **out, const struct command *table, int argc, char **argv,
               struct err *e)
{
    struct args *a = mem_calloc(1, sizeof *a);
    int i = 1, only_words = 0, rc = -1;

    if (!a || !(a->operands = mem_calloc((size_t)argc + 1, sizeof *a->operands))) {
        err_nomem(e);
        goto out;
    }
    while (i < argc) {
        const char *word = argv[i];
        if (only_words || word[0] != '-' || !word[1]) {
            if (take_word(a, table, word, e) < 0)
                goto out;
            i++;
        } else if (strcmp(word, "--") == 0) {
            only_words = 1;
            i++;
        } else if (word[1] == '-' ? parse_long(a, argc, argv, &i, e) < 0
                                  : parse_letters(a, argc, argv, &i, e) < 0) {
            goto out;
        }
    }
    if (check_operands(a, e) < 0)
        goto out;
    *out = a;
    a = NULL;
    rc = 0;
out:
    args_free(a);
    return rc;
}

void args_free(struct args *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n_owned; i++)
        mem_free(a->owned[i]);
    mem_free(a->owned);
    mem_free(a->values);
    mem_free(a->operands);
    mem_free(a);
}

/* --- asking ------------------------------------------------------------------------------- */

const struct command *args_command(const struct args *a)
{
    return a->command;
}

int args_n(const struct args *a)
{
    return a->n_operands;
}

const char *args_at(const struct args *a, int i)
{
    return i >= 0 && i < a->n_operands ? a->operands[i] : NULL;
}

static const struct option *row(const struct args *a, const char *name)
{
    const struct option *o = find_long(a->command, name, strlen(name));

    assert(o);
    return o;
}

/* Value number i of an option in the order typed; -1: the last one. */
static const struct value *nth(const struct args *a, const struct option *o, int i)
{
    const struct value *last = NULL;

    for (size_t k = 0; k < a->n_values; k++)
        if (a->values[k].option == o) {
            last = &a->values[k];
            if (i-- == 0)
                return last;
        }
    return i < 0 ? last : NULL;
}

/* The last value typed, else the row's own fallback. */
static struct value effective(const struct args *a, const char *name)
{
    const struct option *o = row(a, name);
    const struct value *typed = nth(a, o, -1);
    struct value v = {.option = o};

    if (typed)
        return *typed;
    if (o->fallback) {
        int ok = value_parse(&v, o, o->fallback);
        assert(ok == 0);
        (void)ok;
    }
    return v;
}

int args_given(const struct args *a, const char *name)
{
    const struct option *o = row(a, name);
    int n = 0;

    for (size_t k = 0; k < a->n_values; k++)
        n += a->values[k].option == o;
    return n;
}

int args_flag(const struct args *a, const char *name)
{
    return args_given(a, name) > 0;
}

int64_t args_int(const struct args *a, const char *name)
{
    return effective(a, name).integer;
}

double args_num(const struct args *a, const char *name)
{
    return effective(a, name).number;
}

const char *args_str(const struct args *a, const char *name)
{
    return effective(a, name).text;
}

int args_choice(const struct args *a, const char *name)
{
    return (int)effective(a, name).integer;
}

int args_count(const struct args *a, const char *name)
{
    const struct option *o = row(a, name);
    int n = args_given(a, name);

    return n || !o->fallback ? n : 1;
}

const char *args_word(const struct args *a, const char *name, int i)
{
    const struct option *o = row(a, name);
    const struct value *v = nth(a, o, i);

    return v ? v->text : i == 0 ? o->fallback : NULL;
}

void args_ints(const struct args *a, const char *name, int64_t *out)
{
    const struct option *o = row(a, name);
    size_t n = 0;

    for (size_t k = 0; k < a->n_values; k++)
        if (a->values[k].option == o)
            out[n++] = a->values[k].integer;
    if (n == 0 && o->fallback)
        out[0] = effective(a, name).integer;
}
