/* format.h -- ways of asking and crediting (evaluation.md 2.3): a row each, private to tasks/. */
#ifndef TASKS_FORMAT_H
#define TASKS_FORMAT_H

#include "tasks/recipe.h"

enum prompts {
    PROMPTS_NONE,       /* the text is asked as it is */
    PROMPTS_ONE,        /* all queries share the context */
    PROMPTS_PER_CHOICE, /* each choice ends a context of its own */
};

struct format {
    const char *kind; /* lm-eval's output_type where it has one */
    enum prompts prompts;
    /* Fills the item's queries and gold from document d and its prompts. */
    int (*ask)(const struct task *t, const struct doc *d, const char *const *prompts,
               struct item *out, struct err *e);
    /* Replies to credits; the log-likelihoods have been checked. */
    int (*credit)(const struct task *t, const struct doc *d, const struct reply_text *replies,
                  struct verdict *out, struct err *e);
    const char *perplexity; /* how its perplexity is made of item values; NULL: it has none */
    /* The ways in which `credit` compares option i with the others: what its log-likelihood is
     * divided by in each, into lengths; returns how many, at most TASK_LENGTHS.  0: the likelihoods
     * themselves matter.  NULL: they always do. */
    int (*lengths)(const struct task *t, const struct doc *d, int i, double *lengths);
};

extern const struct format format_choice;     /* the likeliest of several continuations */
extern const struct format format_mass;       /* how much of it is on the right ones */
extern const struct format format_context;    /* one continuation after several contexts */
extern const struct format format_likelihood; /* one continuation */
extern const struct format format_rolling;    /* a whole text */
extern const struct format format_windows;    /* a long text in disjoint windows */
extern const struct format format_generate;   /* text that is searched for the answer */
extern const struct format format_contains;   /* text that is to have the answer in it */
extern const struct format format_recall;     /* text that is to have all of several answers */
extern const struct format format_drop;       /* bags of words (drop.c) */
extern const struct format format_ifeval;     /* instructions that are checked (ifeval.h) */
extern const struct format format_code;       /* programs that are run */

/* The item's generations as the recipe asks for them; gold is the first target. */
int format_ask_text(const struct task *t, const struct doc *d, const char *const *prompts,
                    struct item *out, struct err *e);

#endif
