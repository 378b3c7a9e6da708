/* needle.h -- knowledge at a known place of a long text: sets made from a seed, private to tasks/.
 *
 * After Kamradt's needle in a haystack (2023) and RULER (Hsieh et al. 2024, section 3): sentences
 * of our own prose, and among them, at even depths, what is asked for at the end. */
#ifndef TASKS_NEEDLE_H
#define TASKS_NEEDLE_H

#include "tasks/recipe.h"

enum needle_kind {
    NEEDLE_ONE,    /* one number, of one thing */
    NEEDLE_KEYS,   /* one of eight numbers, of eight things */
    NEEDLE_VALUES, /* all four numbers of one thing */
    NEEDLE_CHAIN,  /* the five variables that one value goes through */
};
struct needle_rules {
    enum needle_kind kind;
    int characters; /* of the text, about: it ends with a sentence */
};
/* NEEDLE_ITEMS documents, the same everywhere; path is not looked at. */
enum { NEEDLE_ITEMS = 50, NEEDLE_DEPTHS = 10, NEEDLE_SEED = 1234 };
int load_needle(struct docs *out, const char *path, const struct recipe *r, struct err *e);

#endif
