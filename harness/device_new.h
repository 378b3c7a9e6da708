/* device_new.h -- a device to begin with: the example in plain C under another name. */
#ifndef HARNESS_DEVICE_NEW_H
#define HARNESS_DEVICE_NEW_H

#include "base/err.h"

/* Writes NAME.c to the current folder; a file that is there already stays, and is an error. */
int device_new(const char *name, struct err *e);

#endif
