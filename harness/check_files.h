/* check_files.h -- `tasks check` of lm-eval's task files, one or a folder of them. */
#ifndef HARNESS_CHECK_FILES_H
#define HARNESS_CHECK_FILES_H

#include "harness/context.h"
#include "tasks/task.h"

/* 1 when the operand is a folder or a YAML file. */
int is_task_files(const char *path);

/* Prints what does not run here and why, then how many do.  1 when a file does not, 0, -1. */
int check_task_files(const struct context *c, const struct task_opts *o, const char *path,
                     struct err *e);

#endif
