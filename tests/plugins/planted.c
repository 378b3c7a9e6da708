/* The example device with a fault in it.  $PLANTED: KIND:HOW, an operation of the contract and
 *     wrong     its results are a hundredth too large
 *     nan       its first result is NaN
 *     refuse    it fails, and says why over two lines
 *     over      a likelihood over 1
 *     coarse    its operands are rounded to 8 bits, whatever it declares
 *     cache     it remembers what a token at a position gave, and computes it no more
 *     far       the first expert of each row is number 1000000000
 *     crash, hang, abort, exit, outside
 * KIND 0 is the read for the bandwidth.  Each begins with the batch that has a row with the token $PLANTED_TOKEN, or with the first.
 * $PLANTED_LEAVES: the kind that it does not know. */
#define densimeter_device naive_of_the_examples
#include "examples/device_naive.c" /* NOLINT(bugprone-suspicious-include) */
#undef densimeter_device

#include <signal.h>
#include <unistd.h>

static struct dsm_device device;

static const char *how(int kind)
{
    const char *p = getenv("PLANTED"), *colon = p ? strchr(p, ':') : NULL;

    return p && colon && atoi(p) == kind ? colon + 1 : "";
}

static int begins(const struct dsm_batch *b)
{
    const char *token = getenv("PLANTED_TOKEN");

    for (int i = 0; token && i < b->n; i++)
        if (b->tokens[i] == atoi(token))
            return 1;
    return !token;
}

static float *first_of(const struct naive *d, const struct dsm_op *o, int row)
{
    return o->n_out ? row_of(d, o->out[0], row) : NULL;
}

static void spoil(const struct naive *d, const struct dsm_op *o, const struct dsm_batch *b,
                  const char *what)
{
    int rows = o->wanted_rows ? b->n_heads : b->n;

    if (strcmp(what, "outside") == 0) {
        const struct dsm_value *v = &d->p->values[o->out[0]];
        memset(v->data + (size_t)v->ld * (size_t)d->p->max_rows, 0x55, 1 << 20);
    }
    for (int row = 0; row < rows && o->n_out; row++) {
        float *y = first_of(d, o, row);
        if (strcmp(what, "nan") == 0)
            y[0] = NAN;
        if (strcmp(what, "far") == 0)
            y[0] = 1e9f;
        for (int i = 0; strcmp(what, "wrong") == 0 && i < width_of(d, o->out[0]); i++)
            y[i] *= 1.01f;
    }
    for (int i = 0; i < b->n_heads && o->kind == DSM_HEAD; i++) {
        if (strcmp(what, "nan") == 0)
            b->heads[i].lse = NAN;
        if (strcmp(what, "over") == 0)
            b->heads[i].lse -= 100;
    }
}

enum { REMEMBERED = 4096, FIRST = 128 };

/* Logits are taken from the first model that had the token there. */
static void remember(const struct dsm_batch *b, int n_vocab)
{
    static float *known[REMEMBERED];
    int n = n_vocab < FIRST ? n_vocab : FIRST;

    for (int i = 0; i < b->n_heads; i++) {
        int row = b->heads[i].row;
        float **k = &known[(b->tokens[row] * 64 + b->positions[row]) % REMEMBERED];
        if (!b->heads[i].logits)
            continue;
        if (*k) {
            memcpy(b->heads[i].logits, *k, (size_t)n * sizeof **k);
            continue;
        }
        *k = calloc(FIRST, sizeof **k);
        if (*k)
            memcpy(*k, b->heads[i].logits, (size_t)n * sizeof **k);
    }
}

static int die(const char *what, char *why, size_t size)
{
    if (strcmp(what, "crash") == 0)
        raise(SIGSEGV);
    if (strcmp(what, "abort") == 0)
        abort();
    if (strcmp(what, "exit") == 0)
        _exit(0);
    while (strcmp(what, "hang") == 0)
        pause();
    if (strcmp(what, "refuse") != 0)
        return 0;
    snprintf(why, size, "no\nmore \033[31mpower");
    return -1;
}

/* Rounds what the operation is about to read. */
static void coarsen(const struct naive *d, const struct dsm_op *o, const struct dsm_batch *b)
{
    int rows = o->wanted_rows ? b->n_heads : b->n;

    for (int row = 0; row < rows; row++)
        for (int i = 0; i < width_of(d, o->in[0]); i++) {
            uint32_t bits;
            float *x = row_of(d, o->in[0], row) + i;
            memcpy(&bits, x, sizeof bits);
            bits = (bits + 0x8000) & 0xffff0000;
            memcpy(x, &bits, sizeof bits);
        }
}

static int planted_run(void *d, int32_t from, int32_t to, const struct dsm_batch *b, char *why,
                       size_t size)
{
    const struct naive *n = d;

    for (int i = from; i < to; i++) {
        const struct dsm_op *o = &n->p->ops[i];
        const char *what = begins(b) ? how(o->kind) : "";
        if (strcmp(what, "coarse") == 0)
            coarsen(n, o, b);
        if (die(what, why, size) < 0 || naive_run(d, i, i + 1, b, why, size) < 0)
            return -1;
        spoil(n, o, b, what);
        if (strcmp(what, "cache") == 0)
            remember(b, n->p->n_vocab);
    }
    return 0;
}

static int planted_supports(void *d, const struct dsm_op *o)
{
    const char *leaves = getenv("PLANTED_LEAVES");

    return naive_supports(d, o) && (!leaves || o->kind != atoi(leaves));
}

static int planted_read(void *d, uint64_t bytes, char *why, size_t size)
{
    return die(how(0), why, size) < 0 ? -1 : naive_read(d, bytes, why, size);
}

const struct dsm_device *densimeter_device(void)
{
    device = *naive_of_the_examples();
    device.name = "planted";
    device.read = planted_read;
    device.supports = planted_supports;
    device.run = planted_run;
    return &device;
}
