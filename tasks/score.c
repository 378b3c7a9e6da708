#include "tasks/score.h"

#include <math.h>

int score_best(const double *ll, int n)
{
    int best = 0;

    for (int i = 1; i < n; i++)
        if (ll[i] > ll[best])
            best = i;
    return best;
}

int score_best_per(const double *ll, const size_t *lengths, int n)
{
    int best = 0;
    double most = -INFINITY;

    for (int i = 0; i < n; i++) {
        double v = lengths[i] ? ll[i] / (double)lengths[i] : -INFINITY;
        if (v > most) {
            most = v;
            best = i;
        }
    }
    return best;
}

double score_pass_at(int n, int c, int k)
{
    double none = 1;

    if (n - c < k)
        return 1;
    for (int i = n - c + 1; i <= n; i++)
        none *= 1 - (double)k / i;
    return 1 - none;
}
