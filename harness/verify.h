/* verify.h -- measures standards as any model is measured, and judges the meter by what it
 * found. */
#ifndef HARNESS_VERIFY_H
#define HARNESS_VERIFY_H

#include "base/sha256.h"
#include "harness/standards.h"
#include "results/query.h"

#define VERIFY_CLAIMS 4

struct verified { /* one standard, measured */
    const struct standard *s;
    char sha256[SHA256_HEX];
    int is_as_published;      /* the file's hash is the row's */
    char run[RUN_ID_SIZE];
    double parameters, file_bytes;
    double world_bits;        /* what the world's bank could give */
    double bits, low, high;   /* measured */
    double gold_nats;         /* mean ln p of the right answers */
    double share[VERIFY_CLAIMS];
    int holds[VERIFY_CLAIMS]; /* the claims */
    int passed;               /* all of it */
};

/* Runs `eval` on the standard's file in a process of its own, with the engine's options as typed,
 * and reads what it stored. */
int verify_one(const struct context *c, struct store *s, const struct standard *standard,
               struct verified *out, struct err *e);

/* bits_per_mparam, bits_per_mbyte, knowledge_bits, gold_nats; NAN for others. */
double verified_metric(const struct verified *v, const char *metric);

#endif
