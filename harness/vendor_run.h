/* vendor_run.h -- a profile measured step by step, each in a process of its own, into a bundle.
 *
 * The steps are cells of a night (work.h): whatever ends the command, the same one goes on from
 * there, and a step that is done is not measured again.  A step that fails is a result. */
#ifndef HARNESS_VENDOR_RUN_H
#define HARNESS_VENDOR_RUN_H

#include "harness/context.h"
#include "harness/vendor_profile.h"
#include "results/store.h"

/* Measures what is not measured yet and fills run, outcome and reason of every step; *store is the
 * results' and the caller's, also after a failure (it may be NULL then).  ERR_INTERRUPTED after
 * Ctrl-C.  again: also what is complete. */
int vendor_measure(const struct context *c, struct vendor_profile *p, int again,
                   struct store **store, struct err *e);

/* Writes the bundle of the steps' runs with profile.json; key NULL: not signed.  signer: the public
 * half, "" without one. */
#define VENDOR_SIGNER 65
int vendor_pack(const struct vendor_profile *p, struct store *s, const char *path, const char *key,
                char signer[VENDOR_SIGNER], struct err *e);

#endif
