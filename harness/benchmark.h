/* benchmark.h -- what is known of a benchmark before anybody has answered it: its level of chance,
 * its size, the kind of ability it asks for, and which of our tasks asks the same.
 *
 * Chance is the share that a guesser gets right; items are what the usual run asks, from which the
 * standard error of a published score follows.  Names are those of the published rows; our task's
 * name finds the same row. */
#ifndef HARNESS_BENCHMARK_H
#define HARNESS_BENCHMARK_H

enum benchmark_panel { PANEL_REASONING, PANEL_LANGUAGE, PANEL_FACTS, PANELS };

struct benchmark {
    const char *name, *title;
    enum benchmark_panel panel;
    double chance;    /* 0..1 */
    int items;
    const char *task; /* of ours, or NULL; a group counts (mmlu) */
};

/* By either name; a part of a group (mmlu_astronomy) is not the group.  NULL: nothing known. */
const struct benchmark *benchmark_find(const char *name);
const struct benchmark *benchmark_at(int i); /* NULL after the last */
const char *benchmark_panel_name(enum benchmark_panel p);

#endif
