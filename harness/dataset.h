/* dataset.h -- a split of a data set, from the hub to its place below a data folder.
 *
 * A revision is pinned first; what arrives lies in DIR/.fetch/ID/REVISION until it is whole, so
 * that the next try goes on; it is checked against the hub's hashes, turned into the lines that
 * tasks read, compared with the hash that is known beforehand (where one is), and only then gets
 * its name.  FILE.source.json beside it says where it came from: `dataset`, `config`, `split`,
 * `revision`, `licence`, `via`, `sha256`, `records`.
 *
 * Three ways, in this order unless one is asked for: the files of the repository, the hub's own
 * conversion to Parquet, rows page by page (which have no hashes: only their number, their order
 * and the revision are checked).  Two processes that want the same: the second gets ERR_BUSY. */
#ifndef HARNESS_DATASET_H
#define HARNESS_DATASET_H

#include "harness/hub.h"
#include "tasks/origin.h"

enum via { VIA_ANY, VIA_FILES, VIA_PARQUET, VIA_ROWS };

struct dataset_fetch {
    const struct hub *hub;
    const char *dir, *file; /* where to: DIR/FILE */
    struct origin origin;
    const char *revision; /* "main" */
    enum via via;
    int force; /* a file that is there is fetched anew */
    void (*on_licence)(void *user, const char *what, const char *licence, const char *revision);
    void (*on_bytes)(void *user, uint64_t done, uint64_t total);
    void (*on_rows)(void *user, int64_t done, int64_t total);
    void *user; /* all three may be NULL */
};
struct dataset_landed {
    char *path, *licence; /* licence NULL: unknown */
    char sha256[SHA256_HEX], revision[HUB_REVISION], via[16], config[96];
    int64_t records, bytes; /* records -1: not counted */
    int was_there;
};
/* dataset_landed_release is safe after a failure. */
int dataset_fetch(const struct dataset_fetch *f, struct dataset_landed *out, struct err *e);
void dataset_landed_release(struct dataset_landed *l);

/* Calls each with every split of a configuration; config NULL: the only one, or "default".
 * ERR_NOTFOUND with the names when there are several. */
int dataset_splits(const struct hub *h, const char *id, const char *config,
                   int (*each)(void *user, const char *config, const char *split, struct err *e),
                   void *user, struct err *e);

#endif
