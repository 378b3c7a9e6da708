/* rouge.h -- ROUGE-N, ROUGE-L and ROUGE-Lsum of two texts, 0 to 1: private to tasks/likeness.c. */
#ifndef TASKS_ROUGE_H
#define TASKS_ROUGE_H

#include "base/err.h"

enum { ROUGE_ORDERS = 4 };
/* order 1 to ROUGE_ORDERS: runs of that many words. */
int rouge_n(const char *answer, const char *reference, int order, double *out, struct err *e);
/* The longest common subsequence of words. */
int rouge_l(const char *answer, const char *reference, double *out, struct err *e);
/* The same line by line: of each line of the reference the union over the answer's lines. */
int rouge_lsum(const char *answer, const char *reference, double *out, struct err *e);

#endif
