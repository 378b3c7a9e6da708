/* lmeval_config.h -- one task file of lm-evaluation-harness with everything it includes
 * (evaluation.md 2.1): private to tasks/.
 *
 * lm-eval's rules: a file's own keys win over those that it includes, of several includes the first
 * wins; a path is meant from the folder of the file that names it.  Every value keeps its own file,
 * line and column.  Includes are bounded in depth and number, and none includes itself.  What a
 * configuration holds lives in its arena. */
#ifndef TASKS_LMEVAL_CONFIG_H
#define TASKS_LMEVAL_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "tasks/yamldoc.h"

enum config_kind {
    CONFIG_TASK,   /* "task" is a name */
    CONFIG_GROUP,  /* "task" is a list */
    CONFIG_PART,   /* no "task": made to be included */
    CONFIG_PYTHON, /* "class": a task written in Python */
};

struct lmeval_config {
    struct arena arena;
    struct ynode *map; /* merged; its place is the file's first line */
    enum config_kind kind;
};

/* On failure *out is empty. */
int lmeval_config_read(struct lmeval_config *out, const char *path, struct err *e);
void lmeval_config_release(struct lmeval_config *c);

/* Sets or replaces a key, as a group does for its tasks. */
int lmeval_config_set(struct lmeval_config *c, struct ynode *key, struct ynode *value,
                      struct err *e);

/* Keys that no task has, and values of types that cannot be meant; -1 with the first. */
int lmeval_config_check(const struct lmeval_config *c, struct err *e);

/* Values by key: NULL, or the fallback, when the key is absent or null.  The types were checked. */
const struct ynode *config_get(const struct lmeval_config *c, const char *key);
const char *config_str(const struct lmeval_config *c, const char *key, const char *fallback);

#endif
