/* prose.h -- a short text of our own, so that perplexity can be measured where no data is at hand.
 *
 * Written for this project and new to every model; English and Chinese, a paragraph per domain.
 * A changed text is a new version of the task that uses it. */
#ifndef TASKS_PROSE_H
#define TASKS_PROSE_H

extern const char *const prose[];
extern const int n_prose;

#endif
