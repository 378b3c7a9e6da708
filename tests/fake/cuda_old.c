/* cuda_old.c -- the driver of cuda.c without graphs. */
#define IS_OLD
#include "tests/fake/cuda.c" /* NOLINT(bugprone-suspicious-include) */
