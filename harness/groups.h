/* groups.h -- tasks that are one benchmark together (the 57 subjects of mmlu), as one number. */
#ifndef HARNESS_GROUPS_H
#define HARNESS_GROUPS_H

#include "base/arena.h"
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

/* 1 when a run with these settings asked the task for a group of this name: the task's own group, a
 * part of that (a tag), or one of a task file. */
int group_has(const char *group, const char *settings, const char *task);

/* A group of a run as one number for each metric: of the tasks that this program groups, of the
 * parts of such a group that the run has whole (mmlu_stem), or as a group's file has it
 * (task_file_groups; kept in the run's settings).  The weighting and the standard errors are
 * lm-eval's (consolidate_group_results, pooled_sample_stderr). */
struct group_value {
    const char *metric, *filter;
    int by_size; /* 0: every task counts the same */
    struct part pooled; /* n: the items of its tasks */
};
struct group_score {
    const char *name, *alias; /* alias: how the file wants it shown, or NULL */
    int depth;                /* groups around it */
    const struct task_row **tasks; /* those of the run */
    size_t n_tasks;
    struct group_value *v;
    size_t n;
};
struct group_scores {
    struct group_score *v; /* outer ones before those inside them */
    size_t n, cap;
    struct arena arena;
};
/* settings: the run's, NULL for none; what is no JSON, or malformed, names no groups.  What comes
 * out lives as long as the list. */
int groups_score(struct group_scores *out, const char *settings, const struct task_list *l,
                 struct err *e);
void groups_release(struct group_scores *g);

/* The pairs of a group's tasks, in out[n_tasks of the pairs]: how many. */
struct pairs;
struct pair_task;
size_t pairs_of_group(const struct pairs *p, const struct group_score *g,
                      const struct pair_task **out);

/* Puts "groups" for the words of --tasks that are group files, and nothing when none is. */
struct context;
struct json_out;
int groups_settings(struct json_out *o, const struct context *c, struct err *e);

#endif
