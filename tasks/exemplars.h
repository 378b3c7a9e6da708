/* exemplars.h -- examples that are part of a task: JSON records for its reader, NULL ends; private
 * to tasks/. */
#ifndef TASKS_EXEMPLARS_H
#define TASKS_EXEMPLARS_H

extern const char *const mbpp_exemplars[];
extern const char *const gsm8k_cot_exemplars[];
extern const char *const minerva_exemplars[];

#endif
