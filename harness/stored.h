/* stored.h -- what the commands that read the results store share. */
#ifndef HARNESS_STORED_H
#define HARNESS_STORED_H

#include "harness/context.h"
#include "results/query.h"

/* The store of --db, as it is (readonly) or to be written.  A database that does not exist yet is
 * an empty one for readers too.  Ctrl-C ends a reader's statement. */
int open_store(const struct context *c, int readonly, struct store **out, struct err *e);

#endif
