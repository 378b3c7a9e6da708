/* score.h -- log-likelihoods to choices (evaluation.md 2.5): pure, any thread. */
#ifndef TASKS_SCORE_H
#define TASKS_SCORE_H

#include <stddef.h>

/* The index of the largest, as numpy's argmax: the lowest of equals.  n > 0, no NaN. */
int score_best(const double *loglikelihoods, int n);

/* The same after dividing each by its length; a length of 0 never wins. */
int score_best_per(const double *loglikelihoods, const size_t *lengths, int n);

/* The chance that at least one is right of k drawn from n samples of which c are (Chen et al. 2021,
 * "Evaluating Large Language Models Trained on Code", equation 1).  0 <= c <= n, 1 <= k <= n. */
double score_pass_at(int n, int c, int k);

#endif
