/* arch_case.h -- small models of every architecture, with a reference's logits. */
#ifndef TESTS_ARCH_CASE_H
#define TESTS_ARCH_CASE_H

#include "tests/ways.h"

enum { ARCH_CASES_MAX = 256, ARCH_NAME = 64 };

struct arch_case {
    char name[ARCH_NAME], path[4352];
    int32_t ids[WAYS_IDS_MAX];
    struct ways_case way; /* way.got has room */
    double tolerance;     /* relative to the largest logit */
    float *want;          /* [n][n_vocab] */
};

/* Names below the folder, in order; how many. */
int arch_case_list(const char *root, char names[][ARCH_NAME]);
/* 0: the folder is no case (a table beside them).  Fails the test when it is a broken one. */
int arch_case_open(struct arch_case *g, const char *root, const char *name);
void arch_case_close(struct arch_case *g);
/* Largest difference of way.got from `want`, relative to its largest; NaN stays. */
double arch_case_difference(const struct arch_case *g, const float *want);

#endif
