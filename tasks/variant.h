/* variant.h -- a task asked in another way on purpose, to see what its score depends on: private to
 * tasks/. */
#ifndef TASKS_VARIANT_H
#define TASKS_VARIANT_H

#include "tasks/recipe.h"

/* Moves the options in each document's text ("A. ...", "B. ..." on lines of their own, the letters
 * being the choices): at place i stands what stood at (i + by) mod k.  ERR_UNSUPPORTED when a
 * document has no such lines. */
int variant_rotate(struct docs *d, int by, const char *task, struct err *e);

#endif
