#include "runners/sample.h"

#include <stdlib.h>

#include "runners/dmath.h"

static uint64_t mix(uint64_t z) /* splitmix64's finaliser (Steele et al., OOPSLA 2014) */
{
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

double sample_uniform(uint64_t seed, uint64_t key, uint64_t step)
{
    return (double)(mix(mix(mix(seed) ^ key) ^ step) >> 11) * 0x1p-53;
}

int32_t sample_greedy(const float *logits, int n, float *margin)
{
    int best = 0;
    float second = -__builtin_inff();

    for (int i = 1; i < n; i++) {
        if (logits[i] > logits[best]) {
            second = logits[best];
            best = i;
        } else if (logits[i] > second) {
            second = logits[i];
        }
    }
    *margin = logits[best] - second;
    return best;
}

/* qsort has no context argument: a heap keeps the order instead, largest logit first, equal ones by
 * lower index.  Only as many are taken as top-p asks for. */
static int before(const float *logits, int32_t a, int32_t b)
{
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

static void sift(const float *logits, int32_t *heap, int n, int i)
{
    for (;;) {
        int c = 2 * i + 1;
        if (c >= n)
            return;
        if (c + 1 < n && before(logits, heap[c + 1], heap[c]))
            c++;
        if (!before(logits, heap[c], heap[i]))
            return;
        int32_t t = heap[i];
        heap[i] = heap[c];
        heap[c] = t;
        i = c;
    }
}

int32_t sample_token(const float *logits, int n, const struct sampling *s, uint64_t key,
                     uint64_t step, int32_t *order, float *margin)
{
    int32_t top = sample_greedy(logits, n, margin);
    double total = 0, kept = 0, u, inv = 1 / s->temperature;
    int taken = 0;

    if (!(s->temperature > 0))
        return top;
    for (int i = 0; i < n; i++) {
        total += dmath_exp(((double)logits[i] - (double)logits[top]) * inv);
        order[i] = i;
    }
    for (int i = n / 2 - 1; i >= 0; i--)
        sift(logits, order, n, i);
    /* Heap sort from the front: the taken ones gather at the end, largest last. */
    double limit = s->top_p > 0 && s->top_p < 1 ? s->top_p * total : total;
    for (taken = 0; taken < n && kept < limit; taken++) {
        int32_t id = order[0];
        order[0] = order[n - 1 - taken];
        order[n - 1 - taken] = id;
        sift(logits, order, n - 1 - taken, 0);
        kept += dmath_exp(((double)logits[id] - (double)logits[top]) * inv);
    }
    u = sample_uniform(s->seed, key, step) * kept;
    for (int i = 0; i < taken; i++) {
        int32_t id = order[n - 1 - i];
        u -= dmath_exp(((double)logits[id] - (double)logits[top]) * inv);
        if (u < 0)
            return id;
    }
    return taken ? order[n - taken] : top;
}
