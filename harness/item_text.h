/* item_text.h -- an item as a data set would print it: its question, then the right answer. */
#ifndef HARNESS_ITEM_TEXT_H
#define HARNESS_ITEM_TEXT_H

#include "tasks/task.h"

/* mem_free; NULL with e. */
char *item_text(const struct task *t, int i, struct err *e);

#endif
