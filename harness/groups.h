/* groups.h -- tasks that are one benchmark together (the 57 subjects of mmlu), as one number. */
#ifndef HARNESS_GROUPS_H
#define HARNESS_GROUPS_H

#include "harness/stats.h"
#include "results/query.h"

/* The group whose number a task is counted in; NULL: none. */
const char *group_of(const char *task);
/* 1 when task i of the list is the first of its group there. */
int group_begins(const struct task_list *l, size_t i);
/* 1 for shares of right answers, whose mean over tasks is one too. */
int group_pools(const char *metric);
/* The mean over all questions of the group's tasks in the list, as lm-eval weighs it. */
int group_pool(const struct task_list *l, const char *group, const char *metric,
               const char *filter, struct part *out, struct err *e);

#endif
