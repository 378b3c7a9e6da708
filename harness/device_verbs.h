/* device_verbs.h -- the words of `device` that have files of their own. */
#ifndef HARNESS_DEVICE_VERBS_H
#define HARNESS_DEVICE_VERBS_H

#include "harness/context.h"
#include "runners/conform.h"

/* How --isolate-device, --threads, ... open the device called `name`; ERR_USAGE when nothing has
 * that name. */
int device_chosen(const struct context *c, const char *name, struct conform *out, struct err *e);

/* Operand 2 is a model.  The exit status, or -1. */
int device_check_model(struct context *c, const char *name, struct err *e);
int device_audit(struct context *c, const char *name, struct err *e);

#endif
