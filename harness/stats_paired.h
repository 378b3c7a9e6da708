/* stats_paired.h -- two systems answering the same items: is the second one worse?
 *
 * Pure; any thread.  For right/wrong items only the discordant ones tell anything: `lost` items the
 * baseline had right and the candidate has wrong, `won` items the other way round, of n.  Counts
 * are doubles because clustered items are counted after division by their design effect
 * (stats_cluster.h); whole numbers are exact up to 2^53.
 * Sources: statistics.md 2; McNemar 1947, mid-p by Lancaster 1961; Tango 1998 (score interval);
 * Agresti and Min 2005; Miller 2024 (paired errors). */
#ifndef HARNESS_STATS_PAIRED_H
#define HARNESS_STATS_PAIRED_H

#include <stddef.h>
#include <stdint.h>

#include "harness/stats.h"

struct discordant {
    double lost, won, n;
};

struct mcnemar {
    double exact, mid_p;         /* two-sided */
    double loss;                 /* one-sided: P(X >= lost), X ~ Bin(lost + won, 1/2) */
    double loss_mid_p;           /* its mid-p form */
    double chi2_cc, chi2_cc_p;   /* with continuity, for information; NAN: nothing discordant */
};
struct mcnemar stats_mcnemar(struct discordant d);

double stats_paired_difference(struct discordant d); /* (won - lost) / n */
/* Standard error of that difference: the sample sd of the items' differences over sqrt(n). */
double stats_paired_stderr(struct discordant d);

/* Tango's score for the hypothesis won - lost = delta (a share); larger than 0 when more was won
 * than the hypothesis has. */
double stats_tango_z(struct discordant d, double delta);
/* Bounds where the score is +-z: the interval for gates, right also where nothing was lost. */
struct interval stats_tango(struct discordant d, double z);
struct interval stats_agresti_min(struct discordant d, double z);

/* Non-inferiority: is the candidate shown to be less than `margin` worse? */
struct noninferiority {
    double z, p;           /* Tango: score and upper tail */
    double wald_z, wald_p; /* for information */
};
struct noninferiority stats_noninferiority(struct discordant d, double margin);

/* Sign-flip permutation of paired differences: p = (1 + #{|S*| >= |S|}) / (R + 1), S* = sum of +-d
 * over the differences that are not 0, in order; a sign is + where the generator's top bit is 0.
 * Deterministic (splitmix64 from seed). */
double stats_sign_flip(const double *d, size_t n, size_t replicates, uint64_t seed);

#endif
