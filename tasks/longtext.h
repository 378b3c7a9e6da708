/* longtext.h -- long texts whose answer is spread over them or stands beside others like it: sets
 * made from a seed, private to tasks/.
 *
 * After RULER (Hsieh et al. 2024, sections 3.3 and 3.4), in words of our own:
 *   common words    a numbered list; ten words are half of it, the others come a few times each;
 *   frequent words  a text of coined words, the word of rank r as often as r^-2 says; which three
 *                   come most often?
 *   distractors     short lives of invented people, some of the same name; one fact of one of them,
 *                   at even depths of the text. */
#ifndef TASKS_LONGTEXT_H
#define TASKS_LONGTEXT_H

#include "tasks/recipe.h"

/* NEEDLE_ITEMS documents, the same everywhere; path is not looked at. */
int load_common_words(struct docs *out, const char *path, const struct recipe *r, struct err *e);
int load_frequent_words(struct docs *out, const char *path, const struct recipe *r,
                        struct err *e);
int load_distractors(struct docs *out, const char *path, const struct recipe *r, struct err *e);

enum { COMMON_WORDS = 10, FREQUENT_WORDS = 3 };

#endif
