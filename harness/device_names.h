/* device_names.h -- does a name of --device compute here?  Apart from commands that encode text,
 * whose spans are not the runners'. */
#ifndef HARNESS_DEVICE_NAMES_H
#define HARNESS_DEVICE_NAMES_H

int device_computes_here(const char *name);

#endif
