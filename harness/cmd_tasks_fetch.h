/* cmd_tasks_fetch.h -- `tasks fetch`, called by cmd_tasks.c, whose options have its rows too. */
#ifndef HARNESS_CMD_TASKS_FETCH_H
#define HARNESS_CMD_TASKS_FETCH_H

#include "harness/context.h"

#define TASKS_FETCH_OPTIONS                                                                        \
    {"revision", 0, OPTION_TEXT, "REV", "main", 0, 0, "fetch: branch, tag or commit on the hub"},  \
    {"config", 0, OPTION_TEXT, "NAME", NULL, 0, 0, "fetch: which configuration of a data set"},    \
    {"split", 0, OPTION_WORDS, "NAME,...", NULL, 0, 0,                                             \
     "fetch: which splits of a data set; all unless given"},                                       \
    {"via", 0, OPTION_CHOICE, "any|files|parquet|rows", "any", 0, 0,                               \
     "fetch: the repository's files, the hub's conversion, or rows page by page"},                 \
    {"no-examples", 0, OPTION_FLAG, NULL, NULL, 0, 0, "fetch: not what only examples need"},       \
    {"force", 'f', OPTION_FLAG, NULL, NULL, 0, 0, "fetch: anew, over a file that is there"},       \
    {"list", 'l', OPTION_FLAG, NULL, NULL, 0, 0, "fetch: where the data of every task comes from"}

int tasks_fetch(struct context *c, struct err *e);

#endif
