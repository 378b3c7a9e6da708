/* suggest.h -- the name that was probably meant.
 *
 *     struct suggest s = SUGGEST(typed);
 *     for each known name: suggest_offer(&s, name);
 *     if (suggest_best(&s)) err_hint(e, "did you mean '%s'?", suggest_best(&s));
 *
 * Names are borrowed.  Distance: insertions, deletions, replacements and swaps of neighbours
 * (Damerau 1964, restricted), letter case free.  A name is near when a third of its letters at
 * most is wrong, or when what was typed is its beginning. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

struct suggest {
    const char *typed, *best;
    int distance;
};

#define SUGGEST(text) ((struct suggest){.typed = (text)})

void suggest_offer(struct suggest *s, const char *name);
const char *suggest_best(const struct suggest *s); /* NULL: nothing is near */

#endif
