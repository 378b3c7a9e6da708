/* preset.h -- conventions that scores have been published under: tasks, examples, and which metric
 * counts. */
#ifndef HARNESS_PRESET_H
#define HARNESS_PRESET_H

#include "tasks/task.h"

struct preset_part {
    const char *word; /* a task or a group */
    int shots;
    int pool_named;     /* as task_opts: the examples' split is named there */
    const char *metric; /* the one that is published */
};
struct preset {
    const char *name, *help;
    const struct preset_part *parts; /* word NULL ends */
};
const struct preset *preset_at(int i); /* NULL after the last */
/* ERR_USAGE with the names there are. */
const struct preset *preset_find(const char *name, struct err *e);

/* What a preset says about a task; NULL: nothing. */
const struct preset_part *preset_part_of(const struct preset *p, const char *task);

#endif
