/* preset_score.h -- what a published convention makes of a run's scores: pure.
 *
 * A part is a benchmark: one task, all questions of a group, or the mean of its tasks' scores.
 * Where the convention says so a score is normalised, max(0, (v - chance) / (1 - chance)), each
 * task before the mean where each has its own chance.  The convention's number is the mean of its
 * benchmarks, and is there when all of them are.  A benchmark that is asked in two ways has the
 * better score of them, and is there when both are. */
#ifndef HARNESS_PRESET_SCORE_H
#define HARNESS_PRESET_SCORE_H

#include "harness/preset.h"
#include "results/query.h"

enum { PRESET_PARTS = 16 };
struct part_score {
    const struct preset_part *part;
    const char *word; /* the task or group that counts: of a part that is asked in two ways the
                         better one's, one that was not run while it is missing */
    double value, score, stderr_; /* as measured; as published, and its standard error;
                                     NAN: not run */
    int n;                        /* items */
};
struct preset_score {
    const struct preset *preset;
    struct part_score parts[PRESET_PARTS];
    int n_parts, n_known;
    double mean, stderr_; /* over the benchmarks; NAN unless all of them are known */
};
/* Of what the list has. */
int preset_score(struct preset_score *out, const struct preset *p, const struct task_list *l,
                 struct err *e);

/* The preset that a run's settings name; NULL: none, or one that this program does not know. */
const struct preset *preset_of_run(const char *settings);

#endif
