#include "harness/envelope.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/suggest.h"

#define SMALLEST 1e5
#define LARGEST 1e15

/* Memory bandwidth and float32 operations as specified: four Cortex-A76 at 2.4 GHz with two 128-bit
 * multiply-adds and 32 bits of LPDDR4X-4267; NVIDIA's data sheets.  The power is that of the board
 * or module. */
static const struct envelope_device devices[] = {
    {"raspberry-pi-5", "as specified", 17.1e9, 153.6e9, 8e9, 12, 1, 1, 0, 0},
    {"jetson-orin-nano", "as specified", 68e9, 1.28e12, 8e9, 15, 1, 1, 0, 0},
    {"rtx-4090", "as specified", 1008e9, 82.6e12, 24e9, 450, 1, 1, 0, 0},
    {"h100-sxm", "as specified", 3350e9, 67e12, 80e9, 700, 1, 1, 0, 0},
};

const struct envelope_device *envelope_device_at(int i)
{
    return i >= 0 && (size_t)i < sizeof devices / sizeof *devices ? &devices[i] : NULL;
}

const struct envelope_device *envelope_device_find(const char *name)
{
    const struct envelope_device *d;

    for (int i = 0; (d = envelope_device_at(i)); i++)
        if (strcmp(d->name, name) == 0)
            return d;
    return NULL;
}

int envelope_device_named(struct envelope_device *out, const char *name, const char *command,
                          struct err *e)
{
    const struct envelope_device *d = envelope_device_find(name);
    struct suggest near = SUGGEST(name);

    if (d) {
        *out = *d;
        return 0;
    }
    for (int i = 0; (d = envelope_device_at(i)); i++)
        suggest_offer(&near, d->name);
    err_set(e, ERR_NOTFOUND, "%s: %s: no such device", command, name);
    if (suggest_best(&near))
        err_hint(e, "did you mean '%s'?", suggest_best(&near));
    return -1;
}

struct envelope_device envelope_throttled(const struct envelope_device *d, double watts)
{
    struct envelope_device out = *d;

    if (watts < d->power_w) {
        out.bytes_s *= watts / d->power_w;
        out.flop_s *= watts / d->power_w;
        out.power_w = watts;
    }
    return out;
}

const char *envelope_limit_name(enum envelope_limit l)
{
    static const char *const names[LIMITS] = {"decoding", "first token", "memory"};

    return names[l];
}

static double width_of(double parameters)
{
    return cbrt(100 * parameters / 12);
}

double envelope_kv_bytes(double parameters)
{
    double d = width_of(parameters), layers = d / 100;

    return 2 * layers * (d / 4) * 2;
}

double envelope_decode_tok_s(const struct envelope_device *d, const struct envelope_model *m,
                             double context)
{
    double reading = (m->weight_bytes + m->kv_bytes * context) / (d->bytes_s * d->decode_share);
    double computing = 2 * m->active / (d->flop_s * d->prefill_share);

    return 1 / (fmax(reading, computing) + d->decode_layer_s * m->layers);
}

double envelope_prefill_tok_s(const struct envelope_device *d, const struct envelope_model *m,
                              double tokens)
{
    double computing = 2 * m->active_prefill / (d->flop_s * d->prefill_share);
    double passes = ceil(tokens / ENVELOPE_PASS);

    return 1 / (computing + d->prefill_layer_s * m->layers * passes / tokens);
}

/* Of layer_s / (1 / share) = r: how unequal measured and predicted are, and by what factor. */
static double spread(const struct envelope_sample *v, int n, int skip, double r, double *factor)
{
    double mean = 0, squares = 0, k = 0;

    for (int i = 0; i < n; i++) {
        double x = log(v[i].measured_s / (v[i].bound_s + r * v[i].layers));
        if (i == skip)
            continue;
        k++;
        squares += (x - mean) * (x - mean) * (k - 1) / k;
        mean += (x - mean) / k;
    }
    *factor = k > 0 ? exp(mean) : NAN;
    return squares;
}

void envelope_fit(const struct envelope_sample *v, int n, int skip, double *share, double *layer_s)
{
    enum { STEPS = 400 };
    double factor, best = spread(v, n, skip, 0, &factor), r = 0, largest = 0;
    int used = n - (skip >= 0 && skip < n);

    for (int i = 0; i < n; i++)
        largest = fmax(largest, v[i].measured_s / v[i].layers);
    /* over twelve orders of magnitude, each step 7 %: far finer than any measurement */
    for (int k = 0; used >= 3 && k <= STEPS; k++) {
        double try = largest * pow(10, -12.0 * k / STEPS), f, s = spread(v, n, skip, try, &f);
        if (s < best) {
            best = s;
            r = try;
            factor = f;
        }
    }
    *share = 1 / factor;
    *layer_s = isnan(factor) ? NAN : factor * r;
}

static struct envelope_model shaped(double parameters, double bits, double active_share)
{
    return (struct envelope_model){.weight_bytes = parameters * active_share * bits / 8,
                                   .kv_bytes = envelope_kv_bytes(parameters),
                                   .active = parameters * active_share,
                                   .active_prefill = parameters * active_share,
                                   .layers = width_of(parameters) / 100};
}

static double bytes_of(double parameters, double bits, double context)
{
    return parameters * bits / 8 + envelope_kv_bytes(parameters) * context;
}

static double ttft_of(const struct envelope_device *d, const struct envelope_model *m,
                      double context)
{
    return context / envelope_prefill_tok_s(d, m, context) +
           1 / envelope_decode_tok_s(d, m, context);
}

static int fits(const struct envelope_device *d, const struct envelope_want *w, double bits,
                enum envelope_limit limit, double parameters)
{
    struct envelope_model m = shaped(parameters, bits, w->active_share);
    double memory = isnan(w->memory_bytes) ? d->memory_bytes : w->memory_bytes;

    switch (limit) {
    case LIMIT_DECODE: return !(envelope_decode_tok_s(d, &m, w->context) < w->tok_s);
    case LIMIT_PREFILL: return !(ttft_of(d, &m, w->context) > w->ttft_s);
    default: return !(bytes_of(parameters, bits, w->context) > memory);
    }
}

/* Every limit is harder for a larger model. */
static double most(const struct envelope_device *d, const struct envelope_want *w, double bits,
                   enum envelope_limit limit)
{
    double low = log(SMALLEST), high = log(LARGEST);

    if (fits(d, w, bits, limit, LARGEST))
        return INFINITY;
    if (!fits(d, w, bits, limit, SMALLEST))
        return 0;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (fits(d, w, bits, limit, exp(middle)))
            low = middle;
        else
            high = middle;
    }
    return exp(low);
}

struct envelope_row envelope_row(const struct envelope_device *d, const struct envelope_want *w,
                                 const char *format, double bits)
{
    struct envelope_row r = {.format = format, .bits = bits, .largest = INFINITY};
    struct envelope_model m;

    for (int k = 0; k < LIMITS; k++) {
        r.parameters[k] = most(d, w, bits, (enum envelope_limit)k);
        if (r.parameters[k] < r.largest) {
            r.largest = r.parameters[k];
            r.limit = (enum envelope_limit)k;
        }
    }
    m = shaped(r.largest, bits, w->active_share);
    r.tok_s = envelope_decode_tok_s(d, &m, w->context);
    r.ttft_s = ttft_of(d, &m, w->context);
    r.bytes = bytes_of(r.largest, bits, w->context);
    return r;
}
