/* ask.h -- documents to an item's queries: what every kind of task shares, private to tasks/.
 *
 * All of it fails for want of memory only; what was filled is item_release's. */
#ifndef TASKS_ASK_H
#define TASKS_ASK_H

#include "base/err.h"
#include "tasks/task.h"

/* n empty queries. */
int ask_queries(struct item *out, int n, struct err *e);
/* continuation: delimiter and text. */
int ask_query(struct query *q, enum query_kind kind, const char *context, const char *delimiter,
              const char *text, struct err *e);
/* index: of the choices; -1: there are none. */
int ask_gold(struct item *out, const char *text, int index, struct err *e);
/* doc_hash of the document's JSON, prompt_hash of the queries; the cluster of items that share a
 * passage (NULL: none). */
int ask_hash(struct item *it, const char *json, const char *passage, struct err *e);

#endif
