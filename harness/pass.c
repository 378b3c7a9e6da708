#include "harness/pass.h"

#include <math.h>
#include <string.h>

struct passing passing_of(const struct task_row *t)
{
    struct passing p = {PASS_NONE, NULL, NAN, NULL};

    for (int i = 0; i < t->n_values; i++)
        if (strcmp(t->values[i].metric, "threshold") == 0) {
            p.metric = t->values[i].filter;
            p.at_least = t->values[i].value;
        }
    if (!p.metric)
        return p;
    p.value = task_row_value(t, p.metric, "none");
    if (!p.value || isnan(p.value->low) || isnan(p.value->high))
        p.pass = PASS_UNSURE;
    else if (p.value->low >= p.at_least)
        p.pass = PASS_YES;
    else
        p.pass = p.value->high < p.at_least ? PASS_NO : PASS_UNSURE;
    return p;
}

const char *pass_name(enum pass p)
{
    static const char *const names[] = {
        [PASS_YES] = "PASS", [PASS_UNSURE] = "INCONCLUSIVE", [PASS_NO] = "FAIL"};

    return names[p];
}

int pass_status(enum pass p)
{
    static const int statuses[] = {
        [PASS_NONE] = 0, [PASS_YES] = 0, [PASS_UNSURE] = 2, [PASS_NO] = 1};

    return statuses[p];
}
