/* hub.h -- data sets of the Hugging Face hub: what there is of one, at a revision.
 *
 * Two servers: the hub itself (file listings with hashes, files) at $HF_ENDPOINT, and the one that
 * shows rows (splits, Parquet conversions, rows) at $DENSIMETER_DATASETS_SERVER.  Neither is
 * trusted: names that would leave a folder, addresses of other hosts, counts that do not add up and
 * documents that are too long are errors.  $HF_TOKEN goes to these two and is never printed. */
#ifndef HARNESS_HUB_H
#define HARNESS_HUB_H

#include <signal.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/sha256.h"

enum { HUB_PAGE = 100, HUB_REVISION = 65 };

struct hub {
    char *endpoint, *server; /* without a "/" at the end; server NULL: there is none */
    const volatile sig_atomic_t *stop;
    void (*on_wait)(void *user, long seconds); /* the server wants to be left alone; may be NULL */
    void *user;
};
/* Addresses from the environment. */
int hub_open(struct hub *h, struct err *e);
void hub_close(struct hub *h);

/* "OWNER/NAME" or "NAME", of letters, digits and "._-": safe in addresses and as a folder. */
int hub_id_is_safe(const char *id);

struct hub_file {
    char *name;     /* relative, without "." and ".." */
    uint64_t bytes; /* 0: not told */
    char sha256[SHA256_HEX], git_sha1[GIT_SHA1_HEX]; /* "": not told */
};
struct hub_info {
    char revision[HUB_REVISION]; /* what a branch's name stands for */
    char *licence;               /* NULL: not told */
    int gated;                   /* terms have to be accepted on the hub */
    struct hub_file *files;
    size_t n_files, cap;
};
/* revision: a branch, tag or commit.  hub_info_release is safe after a failure. */
int hub_info(const struct hub *h, const char *id, const char *revision, struct hub_info *out,
             struct err *e);
void hub_info_release(struct hub_info *i);

/* The address of a file; mem_free. */
char *hub_file_url(const struct hub *h, const char *id, const char *revision, const char *name,
                   struct err *e);

/* Calls each with every configuration and split.  ERR_NOTFOUND where there is no such server. */
int hub_splits(const struct hub *h, const char *id,
               int (*each)(void *user, const char *config, const char *split, struct err *e),
               void *user, struct err *e);

/* Files of the hub's own conversion: calls each with address and size, in order.  `revision` is
 * what it has to be a conversion of. */
int hub_parquet(const struct hub *h, const char *id, const char *revision, const char *config,
                const char *split,
                int (*each)(void *user, const char *url, uint64_t bytes, struct err *e),
                void *user, struct err *e);

struct hub_page {
    cJSON *json;       /* owner of rows */
    const cJSON *rows; /* [n] of {"row": record} */
    int n;
    int64_t total; /* of the split */
};
/* Records from `offset` on, at most HUB_PAGE; json_free(out->json). */
int hub_rows(const struct hub *h, const char *id, const char *revision, const char *config,
             const char *split, int64_t offset, struct hub_page *out, struct err *e);

#endif
