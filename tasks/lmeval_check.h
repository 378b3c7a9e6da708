/* lmeval_check.h -- is a task file one that runs here?  (`tasks check`)
 *
 * A task is read with all that it includes, its templates, filters and metrics are made, and its
 * first document is rendered: that of the data where it is at hand, else one made up from what the
 * templates ask for. */
#ifndef TASKS_LMEVAL_CHECK_H
#define TASKS_LMEVAL_CHECK_H

#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "tasks/task.h"

enum lmeval_file { LMEVAL_TASK, LMEVAL_GROUP, LMEVAL_PART, LMEVAL_PYTHON };
struct lmeval_checked {
    enum lmeval_file kind;
    /* Names of the metrics of a task that can be shown and not scored, a list; NULL: all
     * are scored */
    cJSON *unscored;
    struct strbuf why; /* what of it is not native: "the filter 'regex_pos'" */
    int functions; /* !function values that it uses */
    int rendered;  /* 1: its first document; 0: the file makes none, or nothing is known of it */
    int with_data; /* 1: a document of the data */
};

/* -1 with what is wrong; *out is filled as far as it was known.  lmeval_checked_release always. */
int lmeval_check(const char *path, const struct task_opts *o, struct lmeval_checked *out,
                 struct err *e);
void lmeval_checked_release(struct lmeval_checked *k);

#endif
