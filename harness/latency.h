/* latency.h -- what the requests of a scenario amount to.
 *
 * Pure; any thread.  Definitions of vendor.md 2: TTFT from arrival to the first token, queueing
 * included; TPOT = (last - first) / (tokens - 1), none for fewer than two; the gaps between tokens
 * one by one, because their mean hides stalls; latency from arrival to the last token, of a group
 * that arrived together the longest.  Percentiles are nearest ranks over completed requests; a
 * claim is early stopping's (stats_tail.h). */
#ifndef HARNESS_LATENCY_H
#define HARNESS_LATENCY_H

#include "harness/serve.h"
#include "results/store.h"

enum { LATENCY_VALUES_MAX = 48 };

/* Of the duration of sustained load: 30 s and 5 min of 10. */
#define LATENCY_BURST_SHARE 0.05
#define LATENCY_SUSTAINED_SHARE 0.5

struct latency_limits {
    double ttft_s, tpot_s, percentile;
};

/* Does the percentile of the limits hold?  Over a limit is, too, who was refused or failed, and who
 * left without a first token after more than the limit.  1, 0; -1: too few requests to say. */
int latency_meets(const struct serve_log *l, const struct latency_limits *lim);

/* Appends to v: counts, times with percentiles and claims, speeds.  together: requests of a group.
 * At most LATENCY_VALUES_MAX. */
int latency_values(const struct serve_log *l, int together, double percentile,
                   struct store_value *v, int *n, struct err *e);

/* 1 / mean time between the tokens that came in [from_s, to_s); NAN: fewer than one gap. */
double latency_decode_rate(const struct serve_log *l, double from_s, double to_s);

long latency_tokens(const struct serve_log *l); /* made, also of requests that were left */

#endif
