/* lmeval_group.h -- the tasks of a group file; private to tasks/.
 *
 * A group lists names of tasks, groups and tags, which are looked for in the YAML files of its own
 * folder and below, or maps that name one and change keys of it; its own further keys change all
 * of its tasks, and what an outer group says wins (lm-eval's TaskManager).  A task that is changed
 * is called "GROUP.yaml:TASK".  Groups inside groups and the number of tasks are bounded. */
#ifndef TASKS_LMEVAL_GROUP_H
#define TASKS_LMEVAL_GROUP_H

#include "base/err.h"
#include "tasks/lmeval_config.h"

/* Calls each(user, word, path, changes) for every task of the file, in order: what task_open takes,
 * the file that it is in and a map of the keys that are changed (NULL: none).  For the file of a
 * task that is the task.  each returns -1 with e to end it. */
int lmeval_members(const char *path,
                   int (*each)(void *user, const char *word, const char *path,
                               const struct ynode *changes, struct err *e),
                   void *user, struct err *e);

/* The configuration of a task: of its file, or as a group changes it ("GROUP.yaml:TASK"). */
int lmeval_config_open(struct lmeval_config *out, const char *word, struct err *e);

#endif
