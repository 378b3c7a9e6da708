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
    const char *also;   /* whose mean with it is; NULL: it alone */
    int by_task;        /* of a group: the mean of its tasks' scores, not of all its questions */
    double chance;      /* what guessing gets; PRESET_OWN: each task its own (preset_chance) */
    /* the same benchmark asked in another way, and what counts there: the better of the two is
     * published; NULL: there is one way */
    const char *or_word, *or_metric;
};
#define PRESET_OWN (-1.0)
struct preset {
    const char *name, *help;
    const struct preset_part *parts; /* word NULL ends */
    const char *prefix; /* of tasks that are there for this preset only; NULL: there are none */
    int beyond_chance; /* 1: scores are shares of what is left above chance, 0 below it */
};
const struct preset *preset_at(int i); /* NULL after the last */
/* ERR_USAGE with the names there are. */
const struct preset *preset_find(const char *name, struct err *e);

/* The chance of a right guess in a task; 0 where none is known. */
double preset_chance(const char *task);

/* 1 when the word is the task or its group. */
int preset_word_is(const char *word, const char *task);
/* What a preset says about a task; NULL: nothing. */
const struct preset_part *preset_part_of(const struct preset *p, const char *task);
/* Which metric of a task is published; the part is the task's. */
const char *preset_metric(const struct preset_part *part, const char *task);

#endif
