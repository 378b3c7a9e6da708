/* pass.h -- whether a task's score reaches what the task demands (a scenario's "pass").
 *
 * The demand is stored beside the scores, as the value of the metric "threshold" whose filter is
 * the metric that it is about; so a run can be judged without the task file.  Pure. */
#ifndef HARNESS_PASS_H
#define HARNESS_PASS_H

#include "results/query.h"

enum pass {
    PASS_NONE,    /* nothing is demanded */
    PASS_YES,     /* the whole interval reaches it */
    PASS_UNSURE,  /* it lies within the interval: more items are needed */
    PASS_NO,      /* the whole interval is below it */
};

struct passing {
    enum pass pass;
    const char *metric; /* the row's */
    double at_least;
    const struct store_value *value; /* what was scored; NULL: nothing */
};
struct passing passing_of(const struct task_row *t);
const char *pass_name(enum pass p);  /* "PASS", "INCONCLUSIVE", "FAIL"; NULL for none */
int pass_status(enum pass p);        /* exit status: 0, 2, 1 */

#endif
