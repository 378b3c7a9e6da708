/* scenario_impl.h -- a scenario in memory and its kinds of answers: private to tasks/scenario*.c.
 *
 * Strings are the JSON tree's or the arena's; both live as long as the scenario. */
#ifndef TASKS_SCENARIO_IMPL_H
#define TASKS_SCENARIO_IMPL_H

#include "base/arena.h"
#include "base/json_check.h"
#include "base/template.h"
#include "tasks/prompt.h"
#include "tasks/scenario.h"

enum {
    SCENARIO_MAX = 64 << 20,  /* bytes of a file */
    SCENARIO_ITEMS = 100000,
    SCENARIO_SLICES = 24,     /* of a scenario, languages among them */
    SCENARIO_CHOICES = 26,    /* as many as there are letters */
    SCENARIO_DELIMITERS = 16, /* stop strings, separators */
    OUTPUT_MAX = 1 << 20,     /* bytes of an output that are looked at */
};

/* What two texts may differ in and still be the same. */
enum ignore {
    IGNORE_CASE = 1,
    IGNORE_SPACE = 2,       /* runs of white space are one blank; none at the ends */
    IGNORE_PUNCTUATION = 4, /* all of it */
    IGNORE_ARTICLES = 8,    /* a, an, the */
    IGNORE_WIDTH = 16,      /* full-width and other compatible forms (NFKC) */
    IGNORE_STOP = 32,       /* full stops and the like at the end */
    IGNORE_QUOTES = 64,     /* quotation marks, backquotes and asterisks around it */
};

enum take { TAKE_FIRST_LINE, TAKE_LAST_LINE, TAKE_ALL };

struct scenario;
struct scenario_item {
    const cJSON *json, *answer;
    const char *id, *language;
    const char **choices;
    int n_choices, gold; /* -1 without choices */
    double weight;
    int slices[SCENARIO_SLICES], n_slices; /* of the scenario's */
};

/* What a kind of answer found in an output. */
struct found {
    double credit;       /* [0, 1] */
    int well_formed;     /* 0: there was nothing of the right form; -1: the kind has no form */
    struct strbuf text;  /* what was compared */
};

struct answer_kind {
    const char *name;
    const char *keys;    /* of "answer" that it reads, "a|b" */
    int partial;         /* 1: credits between 0 and 1 are possible */
    int max_tokens;      /* of an output, unless the file says otherwise */
    const char *stop;    /* ends an output, unless the file says otherwise; NULL:
                            a kind that chooses */
    /* Is the item's answer of the right form?  NULL: any text is. */
    int (*check)(const struct scenario *s, struct scenario_item *it, struct err *e);
    /* Appends the right answer as an example would say it; NULL: an example has to
     * bring its own. */
    int (*show)(const struct scenario *s, const struct scenario_item *it, struct strbuf *out,
                struct err *e);
    /* out is zeroed before and released after by the caller; NULL: a judge credits. */
    int (*credit)(const struct scenario *s, const struct scenario_item *it, const char *output,
                  struct found *out, struct err *e);
    const char *help;
    const char *scaffold; /* "answer" and what belongs to it, as JSON members; then two items */
    const char *items;
};
extern const struct answer_kind answer_kinds[];
extern const int n_answer_kinds;

struct scenario {
    struct arena arena;
    char *path;
    struct strbuf bytes;
    struct json_text file;
    const struct answer_kind *kind;
    const cJSON *answer; /* the object that tells the kind */
    const char *name, *language, *system;
    int version, shots, chat;
    struct template *prompt, *judge; /* judge: NULL unless the kind asks one */
    const char *yes, *no;
    struct scenario_item *items, *examples;
    int n_items, n_examples;
    const char *slices[SCENARIO_SLICES];
    int n_slices, n_languages; /* languages come first among the slices, when there are several */
    int weighted;
    double deadline_s; /* 0: none */
    const char *stop[SCENARIO_DELIMITERS];
    int n_stop, max_tokens;
    struct threshold pass;
    struct prompt_style style;
    /* of the answer */
    unsigned ignore;
    enum take take;
    const char *after;
    const char *separators[SCENARIO_DELIMITERS];
    int n_separators;
    double tolerance, relative;
    int pick_last, whole, within, letters, unit_required;
    const cJSON *units, *labels, *schema;
};

/* Reads the text in s->bytes; name: whose scenario it must be (NULL: any). */
int scenario_parse(struct scenario *s, struct err *e);
void scenario_close(struct scenario *s);
extern const struct json_object scenario_object;

/* The template at `at` instead of the one there is. */
int scenario_set_prompt(struct scenario *s, const cJSON *at, struct err *e);

/* The question about an item, without examples. */
int scenario_question(const struct scenario *s, const struct scenario_item *it, struct strbuf *out,
                      struct err *e);
/* The whole prompt. */
int scenario_prompt(const struct scenario *s, const struct scenario_item *it, struct strbuf *out,
                    struct err *e);
/* What would be a right answer: the item's "say", else the kind's. */
int scenario_say(const struct scenario *s, const struct scenario_item *it, struct strbuf *out,
                 struct err *e);
/* Credits an output.  *out need not be initialised; found_release always. */
int scenario_credit(const struct scenario *s, const struct scenario_item *it, const char *output,
                    struct found *out, struct err *e);
void found_release(struct found *f);

/* --- texts (scenario_text.c) -------------------------------------------------------------- */

/* Appends s without what is ignored; bytes that are not UTF-8 stay.  0, or -1 without memory. */
int text_normal(struct strbuf *out, const char *s, size_t n, unsigned ignore, struct err *e);
/* 1 when both are the same but for what is ignored, 0, -1. */
int text_same(const char *a, const char *b, unsigned ignore, struct err *e);
/* The part of an output that "take" and "after" point at. */
struct span text_take(const struct scenario *s, const char *output);
/* Where `needle` stands in text as a whole word (CJK: anywhere); NULL. */
const char *text_find_word(const char *text, const char *needle);

extern const char *const ignore_names[]; /* in order of the bits; NULL ends */

/* --- kinds that are rows of the table ------------------------------------------------------ */

#define KIND_CREDIT(name)                                                                          \
    int name##_credit(const struct scenario *s, const struct scenario_item *it,                    \
                      const char *output, struct found *out, struct err *e)
#define KIND_CHECK(name)                                                                           \
    int name##_check(const struct scenario *s, struct scenario_item *it, struct err *e)
#define KIND_SHOW(name)                                                                            \
    int name##_show(const struct scenario *s, const struct scenario_item *it, struct strbuf *out,  \
                    struct err *e)

KIND_CHECK(exact); KIND_SHOW(exact); KIND_CREDIT(exact);
KIND_CHECK(set); KIND_SHOW(set); KIND_CREDIT(set);
KIND_CHECK(order); KIND_SHOW(order); KIND_CREDIT(order);
KIND_CHECK(label); KIND_CREDIT(label);
KIND_CHECK(refusal); KIND_CREDIT(refusal);
KIND_CHECK(pattern); KIND_CREDIT(pattern);
KIND_CHECK(number); KIND_SHOW(number); KIND_CREDIT(number);
KIND_CHECK(json); KIND_SHOW(json); KIND_CREDIT(json);
KIND_CHECK(judge);
KIND_CHECK(call); KIND_SHOW(call); KIND_CREDIT(call);

#endif
