/* bundle.h -- results that travel: a tar file of runs which a sceptic can check.
 *
 *   manifest.json            size and SHA-256 of every other file, in order of name
 *   signature.json           Ed25519 over the manifest's bytes (RFC 8032), and the key; or absent
 *   runs/ID/system.json      what the machine was
 *   runs/ID/run.sqlite       the run with every item
 *   runs/ID/published.json   its numbers, as `show --json` prints them
 *   audit/N.json             what 'device audit' found of a device of these runs; or none
 *
 * The same files give the same tar: names in order, no owners, no times.  Reading trusts nothing:
 * only these names, only plain files, each once, within limits; everything stays in memory. */
#ifndef HARNESS_BUNDLE_H
#define HARNESS_BUNDLE_H

#include "base/err.h"
#include "base/strbuf.h"
#include "results/query.h"

#define BUNDLE_MANIFEST "manifest.json"
#define BUNDLE_SIGNATURE "signature.json"
enum { BUNDLE_FILES_MAX = 2048 };
#define BUNDLE_BYTES_MAX ((size_t)2 << 30)

struct bundle_file {
    char *name;
    struct strbuf bytes;
};
struct bundle { /* a zeroed struct is empty */
    struct bundle_file *files; /* by name once written or read */
    size_t n, cap, total;
};
void bundle_release(struct bundle *b);
/* The bytes move into the bundle.  A name that is there already is replaced. */
int bundle_put(struct bundle *b, const char *name, struct strbuf *bytes, struct err *e);
const struct bundle_file *bundle_find(const struct bundle *b, const char *name);
void bundle_drop(struct bundle *b, const char *name);

int bundle_write(struct bundle *b, const char *path, struct err *e);
/* ERR_FORMAT names the file in the tar and what is wrong with it. */
int bundle_read(struct bundle *out, const char *path, struct err *e);
int bundle_parse(struct bundle *out, const char *path, const void *bytes, size_t n, struct err *e);

/* manifest.json over what is in b. */
int bundle_seal(struct bundle *b, struct err *e);
/* Every file listed with its hash, none missing, none besides. */
int bundle_check_manifest(const struct bundle *b, struct err *e);

/* --- signatures ------------------------------------------------------------------------------ */

#define BUNDLE_KEY_HEX 65 /* 32 bytes */
/* A new private key, PEM (PKCS 8), readable by its owner only; refuses to replace a file.  The
 * public one, in hex, into public. */
int bundle_new_key(const char *path, char public[BUNDLE_KEY_HEX], struct err *e);
/* Signs the manifest with the private key in the file at `key`. */
int bundle_sign(struct bundle *b, const char *key, struct err *e);
/* 1 and the signer's public key; 0 when there is no signature; -1 when it does not fit. */
int bundle_signer(const struct bundle *b, char public[BUNDLE_KEY_HEX], struct err *e);

/* --- making and checking --------------------------------------------------------------------- */

/* The run's database, its numbers and its machine's description.  The run must be complete. */
int bundle_add_run(struct bundle *b, struct store *s, const struct run_row *r, struct err *e);

/* Every run: its database is whole and sealed, credits are what its likelihoods say, its numbers
 * follow from its items, and what is published is what is in it.  A line for everything that is
 * wrong; returns how many, or -1 when it could not look.  *unknown: numbers that could not be
 * recomputed (audit.h). */
typedef void bundle_say(void *user, const char *line);
int bundle_check_runs(const struct bundle *b, bundle_say *say, void *user, int *unknown,
                      struct err *e);

/* A document of 'device audit --json', of a device, arithmetic and model of a run that is in the
 * bundle already; ERR_INVALID for another. */
int bundle_add_audit(struct bundle *b, const char *path, struct err *e);
/* Verdicts follow from samples, limits are those of this program, none is FAIL, and each is of a
 * run here.  As bundle_check_runs; *audits counts them. */
int bundle_check_audits(const struct bundle *b, bundle_say *say, void *user, int *audits,
                        struct err *e);

/* A run's database unpacked: open, and gone when closed. */
struct bundle_run {
    char id[RUN_ID_SIZE], folder[256], path[300];
    struct store *store;
    struct run_list row;
};
/* The i-th run of the bundle; 1, 0 after the last, -1. */
int bundle_run_open(const struct bundle *b, int i, struct bundle_run *out, struct err *e);
void bundle_run_close(struct bundle_run *r);

/* Asks `items` random items of every run of this very model file again, on this machine.  In exact
 * numerics likelihoods must be the same to the bit, otherwise within 1 % and 0.05 nats; generated
 * text must be the same.  *asked counts the items.  As bundle_check_runs. */
struct rerun {
    const char *model; /* path */
    int items, threads;
    uint64_t seed;
    const char *const *data_dirs;
    int n_data_dirs;
    int *asked;
};
int bundle_rerun(const struct bundle *b, const struct rerun *r, bundle_say *say, void *user,
                 struct err *e);

#endif
