/* cmd_tasks_show.h -- `tasks show`, called by cmd_tasks.c, whose options have its rows too. */
#ifndef HARNESS_CMD_TASKS_SHOW_H
#define HARNESS_CMD_TASKS_SHOW_H

#include "harness/context.h"
#include "tasks/task.h"

#define TASKS_SHOW_OPTIONS                                                                         \
    {"doc", 0, OPTION_INT, "N", "0", 0, 1e9, "show: which document"},                              \
    {"shots", 'k', OPTION_INT, "K", "-1", -1, 1000, "show: examples before the question"},         \
    {"seed", 0, OPTION_INT, "N", "1234", 0, 9e15, "show: of few-shot sampling"},                   \
    {"sampling", 0, OPTION_CHOICE, "lmeval|by_doc", "lmeval", 0, 0, "show: few-shot sampling"},    \
    {"system", 0, OPTION_TEXT, "TEXT", NULL, 0, 0, "show: system message"},                        \
    {"chat", 0, OPTION_FLAG, NULL, NULL, 0, 0, "show: through the template of --model"},           \
    {"model", 'm', OPTION_TEXT, "MODEL", NULL, 0, 0, "show: token boundaries by this model"},      \
    {"convention", 0, OPTION_WORDS, "NAME,...", NULL, 0, 0,                                        \
     "show: lm-eval or presets, side by side; with --model their scores"}

/* o: where data is found; the rest of it is set by the options. */
int tasks_show(const struct context *c, struct task_opts *o, struct err *e);

#endif
