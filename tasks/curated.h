/* curated.h -- examples that a convention has picked by hand: private to tasks/.
 *
 * They are rows of the data set's own training split, and its texts stay there: what is kept here
 * is how each is recognised.  A row that is not in the file is an error that names how many are
 * missing: other examples would be another measurement. */
#ifndef TASKS_CURATED_H
#define TASKS_CURATED_H

#include "base/err.h"

struct docs;

struct curated {
    const char *file;          /* where they may be alone, below a data dir */
    const char *const *fields; /* of a record, NULL ends; joined by blanks they are its mark */
    const char *const *marks;  /* in the order in which they are shown, NULL ends: the mark itself,
                                  or "sha256:" and the first 32 digits of its hash */
};
extern const struct curated curated_arc_easy, curated_arc_challenge, curated_boolq,
    curated_commonsense_qa, curated_hellaswag, curated_openbookqa, curated_piqa,
    curated_social_iqa, curated_winogrande;

/* Leaves of the documents of `path` those that are marked, in their order.  ERR_NOTFOUND when not
 * all of them are there. */
int curated_keep(struct docs *docs, const struct curated *c, const char *task, const char *path,
                 struct err *e);

#endif
