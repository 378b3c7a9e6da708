/* angles.h -- the angles of rotary position embedding: theta = position * inv_freq, in double.
 *
 * Sine and cosine are rounded once, to float32, so that a table of them is the same wherever it
 * is made. */
#ifndef RUNNERS_ANGLES_H
#define RUNNERS_ANGLES_H

/* base^(-2i/n_rot), the turn per position of pair i < n_rot/2. */
double angles_inv_freq(double base, int i, int n_rot);
void angles_sincos(double theta, float *cos, float *sin); /* |theta| <= 2^30 */

#endif
