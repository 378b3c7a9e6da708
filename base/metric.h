/* metric.h -- every quantity the project measures: one row each.
 *
 * Names are lm-eval's and llama-bench's where they have one.  Database columns, JSON keys, table
 * headings and plot axes derive from these rows; nothing else may spell a metric's name. */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

enum better { BETTER_NEITHER, BETTER_HIGHER, BETTER_LOWER };

struct metric {
    const char *name;  /* JSON key and database value: "acc_norm", "ttft_s" */
    const char *label; /* heading and axis: "accuracy, length-normalised" */
    const char *unit;  /* "" for a share or a count, else "s", "B", "tok/s", "J", "bit", ... */
    enum better better;
    const char *help; /* one sentence */
};

const struct metric *metric_find(const char *name); /* NULL when there is no such row */
const struct metric *metric_at(int i);              /* i = 0, 1, ...; NULL after the last */

#endif
