/* yamldoc_scalar.h -- what a scalar without quotes and tag means: private to tasks/yamldoc*.c. */
#ifndef TASKS_YAMLDOC_SCALAR_H
#define TASKS_YAMLDOC_SCALAR_H

#include "tasks/yamldoc.h"

/* y is a Y_STR; sets type and num where the text is no text to PyYAML. */
void yaml_scalar_resolve(struct ynode *y);

#endif
