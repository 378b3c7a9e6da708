/* envelope.h -- the largest model that a device runs as fast as somebody wants.  Pure.
 *
 * A roofline (Williams, Waterman and Patterson 2009): a token costs the longer of reading the
 * active weights and the keys and values of the context, and of two operations per active
 * parameter; the first token costs as many operations for every token of the prompt.  Beside that a
 * layer costs a fixed time at every step, whatever its size: starting operations and waiting for
 * the slowest thread, which is most of what a small model costs.  What a program attains of the
 * device's peaks and those fixed times are measured on real models (shares below 1) or unknown,
 * and then the answer is an upper bound and says so.  A limit in watts scales both peaks down in
 * proportion: to first order a byte and an operation have a price in joules.
 *
 * The shape of a model that does not exist yet: 12 L d^2 parameters (density.md 3), d = 100 L, a
 * fourth of the heads keeps keys and values, two bytes each: Llama's and Mistral's proportions. */
#ifndef HARNESS_ENVELOPE_H
#define HARNESS_ENVELOPE_H

#include "base/err.h"

struct envelope_device {
    const char *name, *source; /* source: measured, or who specifies it so */
    double bytes_s, flop_s;    /* peaks; flop_s NAN: not known */
    double memory_bytes;       /* NAN: not known */
    double power_w;            /* at full load; NAN: not known */
    double decode_share, prefill_share; /* of the peaks that a program attains */
    double decode_layer_s, prefill_layer_s; /* fixed seconds of a layer: of a token that is decoded,
                                               of a pass over ENVELOPE_PASS tokens of a prompt */
};
enum { ENVELOPE_PASS = 512 };
/* Devices by their makers' figures: i = 0, 1, ...; NULL after the last. */
const struct envelope_device *envelope_device_at(int i);
const struct envelope_device *envelope_device_find(const char *name);
/* The same into *out; ERR_NOTFOUND names the command and, as a hint, the nearest name. */
int envelope_device_named(struct envelope_device *out, const char *name, const char *command,
                          struct err *e);
/* With at most `watts`; NAN: as it is. */
struct envelope_device envelope_throttled(const struct envelope_device *d, double watts);

struct envelope_want {
    double tok_s, ttft_s; /* at least, at most */
    double memory_bytes;  /* at most; NAN: the device's */
    double context;       /* tokens that are there: the prompt, and what decoding looks back at */
    double active_share;  /* active over all parameters; 1: dense */
};

enum envelope_limit { LIMIT_DECODE, LIMIT_PREFILL, LIMIT_MEMORY, LIMITS };
const char *envelope_limit_name(enum envelope_limit l);

struct envelope_row { /* one weight format */
    const char *format;
    double bits;                  /* per weight */
    double parameters[LIMITS];    /* the most that each limit allows; INFINITY: unknown or none */
    double largest;               /* the least of them */
    enum envelope_limit limit;    /* which that is */
    double tok_s, ttft_s, bytes;  /* of that model; ttft_s NAN: operations unknown */
};
struct envelope_row envelope_row(const struct envelope_device *d, const struct envelope_want *w,
                                 const char *format, double bits);

/* Bytes of keys and values per token of a model of so many parameters. */
double envelope_kv_bytes(double parameters);

/* --- a model that exists ------------------------------------------------------------------- */

struct envelope_model {
    double weight_bytes, kv_bytes; /* read per token; per token of context */
    double active, active_prefill; /* parameters; the latter without tables of the vocabulary,
                                      which a prompt's tokens but the last do not need */
    double layers;
};
double envelope_decode_tok_s(const struct envelope_device *d, const struct envelope_model *m,
                             double context);
double envelope_prefill_tok_s(const struct envelope_device *d, const struct envelope_model *m,
                              double tokens);

/* --- what a program attains, from measurements ----------------------------------------------- */

struct envelope_sample {
    double bound_s;    /* by the peaks alone */
    double layers;     /* of the model, over the tokens that one pass is shared by */
    double measured_s; /* per token */
};
/* share and layer_s of measured = bound / share + layer_s * layers, by least squares of relative
 * errors over all samples but number `skip` (-1: all).  Fewer than three give a share alone; none
 * give NAN. */
void envelope_fit(const struct envelope_sample *v, int n, int skip, double *share,
                  double *layer_s);

#endif
