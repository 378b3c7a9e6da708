/* bbh.h -- the prompt files of BIG-Bench Hard as a pool of shots: private to tasks/. */
#ifndef TASKS_BBH_H
#define TASKS_BBH_H

#include "tasks/recipe.h"

/* One document per worked example, read by the recipe from a record with "input", "target" (the
 * answer) and "reasoning" (the answer as it is worked out); out->about is the description.  On
 * failure *out is empty. */
int load_bbh_prompts(struct docs *out, const char *path, const struct recipe *r, struct err *e);
/* The parser behind it; `name` is the file's in errors. */
int parse_bbh_prompts(struct docs *out, const char *text, const char *name,
                      const struct recipe *r, struct err *e);

#endif
