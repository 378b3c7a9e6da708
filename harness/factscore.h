/* factscore.h -- from the stored likelihoods of the facts task to its bits of knowledge.
 *
 * What joins tasks/facts.h (which query asked what) and harness/knowledge.h (which knows neither
 * facts nor tasks): add every item that was measured, in any order, then fit once, then ask for
 * the totals of the whole and of its parts.  The bank must be the one that asked: same version,
 * same seed. */
#ifndef HARNESS_FACTSCORE_H
#define HARNESS_FACTSCORE_H

#include <stdint.h>

#include "base/err.h"
#include "harness/knowledge.h"
#include "tasks/facts.h"

#define FACTSCORE_SEED 1
#define FACTSCORE_REPLICATES 10000

struct factscore;
/* f must outlive it. */
int factscore_open(struct factscore **out, const struct facts *f, struct err *e);
void factscore_close(struct factscore *s);

/* Item number i of the bank and the log-likelihoods of its queries, in order, in nats; copied. */
int factscore_add(struct factscore *s, int i, const double *nats, int n_queries, struct err *e);

/* After the last add.  Adding an item twice is ERR_INVALID here. */
int factscore_fit(struct factscore *s, struct err *e);

int factscore_count(const struct factscore *s);
/* The k-th item in the order of adding: its number in the bank and its bits. */
int factscore_item(const struct factscore *s, int k, double *bits);
const struct knowledge *factscore_knowledge(const struct factscore *s);

enum factscore_part { /* what a part has in common */
    FACTS_ALL,        /* name is ignored */
    FACTS_LANGUAGE,
    FACTS_DOMAIN,
    FACTS_BAND,
    FACTS_RELATION,
};
/* The total of the items whose language, domain, ... is `name`; see knowledge_total.  The fit is
 * always that of the whole. */
int factscore_total(const struct factscore *s, enum factscore_part part, const char *name,
                    struct knowledge_total *out, struct err *e);

#endif
