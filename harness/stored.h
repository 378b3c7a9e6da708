/* stored.h -- what the commands that read the results store share. */
#ifndef HARNESS_STORED_H
#define HARNESS_STORED_H

#include "harness/context.h"
#include "results/query.h"

enum stored_use {
    STORED_READ,   /* Ctrl-C ends a statement */
    STORED_CHANGE, /* what is there already */
    STORED_ADD     /* to one that is made when there is none; else none is ERR_NOTFOUND */
};

/* The store of --db. */
int open_store(const struct context *c, enum stored_use use, struct store **out, struct err *e);

#endif
