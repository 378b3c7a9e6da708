/* The example device that ends what it generates after a few tokens: the token $CHEAT_END becomes
 * the likeliest of a row that comes alone. */
#define densimeter_device naive_of_the_examples
#include "examples/device_naive.c" /* NOLINT(bugprone-suspicious-include) */
#undef densimeter_device

enum { LATEST = 26 };

static int end_run(void *device, int32_t from, int32_t to, const struct dsm_batch *b, char *why,
                   size_t size)
{
    const char *end = getenv("CHEAT_END");
    struct dsm_head *h = b->heads;

    if (naive_run(device, from, to, b, why, size) < 0)
        return -1;
    if (!end || b->n != 1 || b->n_heads != 1 || !h->logits || b->positions[0] < LATEST)
        return 0;
    h->logits[atoi(end)] = h->logits[h->argmax] + 1;
    h->argmax = atoi(end);
    return 0;
}

const struct dsm_device *densimeter_device(void)
{
    static struct dsm_device d;

    d = *naive_of_the_examples();
    d.name = "cheat_end";
    d.run = end_run;
    return &d;
}
