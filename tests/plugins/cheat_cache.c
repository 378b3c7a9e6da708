/* The example device that keeps what it answered, and answers the same question without
 * computing. */
#define densimeter_device naive_of_the_examples
#include "examples/device_naive.c" /* NOLINT(bugprone-suspicious-include) */
#undef densimeter_device

enum { KEPT = 256 };
static struct kept {
    uint64_t key;
    double lse;
    int32_t argmax;
    float target;
} kept[KEPT];

/* One text from its beginning, of which one token's likelihood is wanted; 0: something else. */
static uint64_t key_of(const struct dsm_batch *b)
{
    uint64_t key = 14695981039346656037u;

    if (b->n_spans != 1 || b->spans[0].position != 0 || b->n_heads != 1 || b->heads[0].logits ||
        b->heads[0].n_targets != 1)
        return 0;
    for (int i = 0; i < b->n; i++)
        key = (key ^ (uint64_t)b->tokens[i]) * 1099511628211u;
    return (key ^ (uint64_t)b->heads[0].targets[0]) * 1099511628211u | 1;
}

static int cache_run(void *device, int32_t from, int32_t to, const struct dsm_batch *b, char *why,
                     size_t size)
{
    uint64_t key = key_of(b);
    struct kept *k = &kept[key % KEPT];

    if (key && k->key == key) {
        b->heads[0].lse = k->lse;
        b->heads[0].argmax = k->argmax;
        b->heads[0].target_logits[0] = k->target;
        return 0;
    }
    if (naive_run(device, from, to, b, why, size) < 0)
        return -1;
    if (key)
        *k = (struct kept){key, b->heads[0].lse, b->heads[0].argmax,
                           b->heads[0].target_logits[0]};
    return 0;
}

const struct dsm_device *densimeter_device(void)
{
    static struct dsm_device d;

    d = *naive_of_the_examples();
    d.name = "cheat_cache";
    d.run = cache_run;
    return &d;
}
