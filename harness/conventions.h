/* conventions.h -- one document as each published convention asks it: how many examples, from
 * where, and whether the prompt is the same. */
#ifndef HARNESS_CONVENTIONS_H
#define HARNESS_CONVENTIONS_H

#include "base/json.h"
#include "tasks/task.h"

/* Appends a line for each convention that has the task; nothing when none has.  The options are
 * those of the data and the seed; shots and examples are each convention's own. */
int conventions_text(struct strbuf *b, const char *task, int doc, const struct task_opts *o,
                     struct err *e);
/* The same as "conventions": [...], a member of the object that is open. */
int conventions_json(struct json_out *out, const char *task, int doc, const struct task_opts *o,
                     struct err *e);

#endif
