/* lmeval_group.h -- the tasks of a group file; private to tasks/.
 *
 * A group lists names of tasks, groups and tags, which are looked for in the YAML files of its own
 * folder and below, or maps that name one and change keys of it; its own further keys change all
 * of its tasks, and what an outer group says wins (lm-eval's TaskManager).  A task that is changed
 * is called "GROUP.yaml:TASK".  Groups inside groups and the number of tasks are bounded. */
#ifndef TASKS_LMEVAL_GROUP_H
#define TASKS_LMEVAL_GROUP_H

#include "base/err.h"
#include "base/json.h"
#include "tasks/lmeval_config.h"

struct lmeval_member {
    const char *word, *name, *path; /* what task_open takes, its own name, the file it is in */
    const struct ynode *changes;    /* the keys that are changed; NULL: none */
    int depth;                      /* groups around it */
};
/* -1 with e from each or enter ends the visit. */
struct lmeval_visit {
    int (*each)(void *user, const struct lmeval_member *m, struct err *e);
    /* Before the members of a group: its map, the map whose keys of a group (NULL: none) stand for
     * those, and how many groups are around it.  NULL: nobody asks. */
    int (*enter)(void *user, const struct ynode *map, const struct ynode *instead, int depth,
                 struct err *e);
    void *user;
};
/* Visits every task of the file, in order; for the file of a task that is the task.  A task that
 * would be asked in two ways is ERR_FORMAT, as lm-eval has it (_check_duplicates). */
int lmeval_members(const char *path, const struct lmeval_visit *visit, struct err *e);

/* Puts the groups of the file as task_file_groups does. */
int lmeval_groups(const char *path, struct json_out *o, struct err *e);
/* Whether the aggregate_metric_list of a group's map can be carried out. */
int lmeval_group_check(const struct ynode *map, struct err *e);

/* The configuration of a task: of its file, or as a group changes it ("GROUP.yaml:TASK"). */
int lmeval_config_open(struct lmeval_config *out, const char *word, struct err *e);

#endif
