/* stats_power.h -- how many items decide a question, and what these items could have seen.
 *
 * Pure; any thread.  psi is the discordant share (lost + won) / n, alpha the error that is allowed
 * (two-sided where a function says so), power the chance of seeing what is there.  Shares, not
 * points.  Sources: statistics.md 5.1; Connor 1987 for McNemar; Miller 2024, section 5. */
#ifndef HARNESS_STATS_POWER_H
#define HARNESS_STATS_POWER_H

/* Items that McNemar's two-sided test needs to see a difference delta (<= psi). */
double power_mcnemar_items(double psi, double delta, double alpha, double power);
/* The smallest difference that n items show: the inverse of the above; at most psi, and psi where
 * even that would not be seen. */
double power_mcnemar_mde(double psi, double n, double alpha, double power);
/* (z_{1-alpha/2} + z_power) sqrt(psi / n), the usual approximation. */
double power_mcnemar_mde_approx(double psi, double n, double alpha, double power);

/* Items that show, one-sided at alpha, "less than margin worse" for a candidate that is truly
 * `difference` (0: equal) away; INFINITY when it truly is at the margin or beyond. */
double power_noninferiority_items(double psi, double margin, double difference, double alpha,
                                  double power);
/* The smallest margin for which n items show an equal candidate to be no worse. */
double power_noninferiority_margin(double psi, double n, double alpha, double power);

/* Miller's equation 9: questions for an unpaired difference delta of means, from the variance of
 * the questions' difference and the variance within a question over k samples on each side. */
double power_miller_items(double delta, double variance, double within_a, double k_a,
                          double within_b, double k_b, double alpha, double power);

#endif
