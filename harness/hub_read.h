/* hub_read.h -- what the hub's documents say, apart from how they came: hub.c's, and the fuzzer's.
 *
 * `url` stands in errors.  ERR_FORMAT for what cannot be, ERR_NOTFOUND for what is not offered
 * whole. */
#ifndef HARNESS_HUB_READ_H
#define HARNESS_HUB_READ_H

#include "harness/hub.h"

/* *out is empty before; hub_info_release is the caller's, also after a failure. */
int hub_read_info(struct hub_info *out, const cJSON *j, const char *url, struct err *e);
int hub_read_splits(const cJSON *j, const char *url,
                    int (*each)(void *user, const char *config, const char *split, struct err *e),
                    void *user, struct err *e);
/* Only addresses below `endpoint` are handed on. */
int hub_read_parquet(const cJSON *j, const char *url, const char *endpoint, const char *config,
                     const char *split,
                     int (*each)(void *user, const char *url, uint64_t bytes, struct err *e),
                     void *user, struct err *e);
/* The rest of a page whose json is there. */
int hub_read_page(struct hub_page *p, int64_t offset, const char *url, struct err *e);

#endif
