/* fetch.h -- a file from its sources to its place on disk, whole and verified or not at all.
 *
 * What has arrived stands in PATH.part, which the next try goes on from where it can.  At the end
 * the SHA-256 is compared, and only then does the file get its name.  A wrong file is deleted.
 * Two processes that want the same file: the second is refused with ERR_BUSY.
 *
 * Errors: ERR_IO (network, disk), ERR_FORMAT (wrong hash, wrong size, not the wanted kind of file),
 * ERR_USAGE (malformed source), ERR_BUSY, ERR_INTERRUPTED. */
#ifndef HARNESS_FETCH_H
#define HARNESS_FETCH_H

#include <signal.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"

struct fetch {
    const char *const *sources; /* source.h; several are joined in this order */
    int n_sources;
    const char *path;   /* where the file shall be */
    const char *sha256; /* NULL: whatever comes is taken */
    const char *git_sha1; /* what git calls its bytes; looked at where sha256 is NULL; NULL: none */
    const char *url;      /* in place of sources: an address on the hub, which gets the token */
    uint64_t bytes;       /* 0: unknown */
    /* Looks at the whole file before it gets its name; NULL: anything will do. */
    int (*check)(const char *part, struct err *e);
    /* Called often, from the same thread; total is 0 while unknown.  May be NULL. */
    void (*on_bytes)(void *user, uint64_t done, uint64_t total);
    /* A source takes long without bytes to count ("pip downloads ...").  May be NULL. */
    void (*on_step)(void *user, const char *what);
    void *user;
    const volatile sig_atomic_t *stop; /* NULL: cannot be interrupted */
};

/* Hex of what is now at path into sha256. */
int fetch_file(const struct fetch *f, char sha256[SHA256_HEX], struct err *e);

#endif
