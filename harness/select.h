/* select.h -- TASK words to tasks: a name, a group, the path of a task file, or several of them. */
#ifndef HARNESS_SELECT_H
#define HARNESS_SELECT_H

#include "base/err.h"
#include "tasks/task.h"

struct selection {
    const struct task_info **v;
    size_t n, cap;
    struct task_info **files; /* rows for the files among v: their name is the path */
    size_t n_files, cap_files;
};

/* Adds the task, or the tasks of the group or tag, called `word`; what is there already stays once.
 * ERR_USAGE with a suggestion when nothing has that name.  Files are not opened here. */
int select_word(struct selection *s, const char *word, struct err *e);
void selection_release(struct selection *s);

#endif
