/* dataset_impl.h -- between dataset.c and the ways a split arrives; nobody else includes it. */
#ifndef HARNESS_DATASET_IMPL_H
#define HARNESS_DATASET_IMPL_H

#include "harness/dataset.h"

/* A fetch under way: what arrives is a list of files in the working folder. */
struct arrival {
    const struct dataset_fetch *f;
    struct hub_info info;
    char config[96];
    char *work; /* DIR/.fetch/ID/REVISION */
    int lock;   /* of the working folder; -1: none */
    char **paths;
    size_t n, cap;
};

/* Each brings the split's files; ERR_NOTFOUND: this way it is not offered. */
int arrive_by_files(struct arrival *a, struct err *e);
int arrive_by_parquet(struct arrival *a, struct err *e);
int arrive_by_rows(struct arrival *a, struct err *e);

/* A path in the working folder, of a name whose slashes become "--"; it joins the list. */
char *arrival_path(struct arrival *a, const char *name, const char *suffix, struct err *e);

#endif
