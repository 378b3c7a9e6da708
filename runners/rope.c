#include "runners/rope.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "runners/angles.h"
#include "runners/dmath.h"
#include "runners/model.h"

/* Radians per position: angles stay exact to 2^30, and contexts below 2^20 positions in range. */
static const double TURN_MAX = 1024;

struct scaling {
    double factor;    /* positions are divided by it */
    int is_yarn;
    double low, high; /* YaRN: pairs below low keep their wave, above high take the divided one */
    double extrapolation, magnitude;
};

/* The pair whose wave turns `rotations` times over the original context. */
static double yarn_pair(const struct model *m, double base, double rotations, double original)
{
    return m->hp.n_rot * dmath_log(original / (rotations * 2 * 3.14159265358979323846)) /
           (2 * dmath_log(base));
}

static int read_yarn(const struct model *m, double base, struct scaling *s, struct err *e)
{
    double original, fast, slow, attention, replaced, log_multiplier, t;

    const struct f64_key keys[] = {
        {"rope.scaling.original_context_length", &original, m->hp.context, 1, 1e9},
        {"rope.scaling.yarn_beta_fast", &fast, 32, 1e-3, 1e6},
        {"rope.scaling.yarn_beta_slow", &slow, 1, 1e-3, 1e6},
        {"rope.scaling.yarn_ext_factor", &s->extrapolation, 1, -1, 1e3},
        {"rope.scaling.attn_factor", &attention, 1, 1e-3, 1e3},
        {"rope.scaling.yarn_attn_factor", &replaced, 0, 0, 1e3},
        {"rope.scaling.yarn_log_multiplier", &log_multiplier, 0, 0, 1e3},
    };

    if (model_f64s(m, keys, sizeof keys / sizeof keys[0], e) < 0)
        return -1;
    if (!(base > 1 && s->factor >= 1))
        return err_set(e, ERR_FORMAT, "%s: YaRN needs a base above 1 and a factor of 1 or more, "
                       "not %g and %g", gguf_path(m->file), base, s->factor);
    if (s->extrapolation < 0) /* converters write -1 for "as usual" */
        s->extrapolation = 1;
    s->is_yarn = 1;
    t = floor(yarn_pair(m, base, fast, original));
    s->low = t > 0 ? t : 0;
    t = ceil(yarn_pair(m, base, slow, original));
    s->high = t < m->hp.n_rot - 1 ? t : m->hp.n_rot - 1;
    t = 0.1 * dmath_log(s->factor);
    s->magnitude = replaced > 0 ? replaced : attention * (1 + t) / (1 + log_multiplier * t);
    return 0;
}

static int read_scaling(const struct model *m, double base, struct scaling *s, struct err *e)
{
    char key[96];
    struct gguf_str type = {"linear", 6};
    double old;

    *s = (struct scaling){.factor = 1, .magnitude = 1};
    snprintf(key, sizeof key, "%s.rope.scaling.type", m->arch_name);
    if (gguf_get_str(m->file, key, &type, e) < 0 ||
        model_f64s(m, &(struct f64_key){"rope.scale_linear", &old, 1, 0, 1e6}, 1, e) < 0 ||
        model_f64s(m, &(struct f64_key){"rope.scaling.factor", &s->factor, old, 0, 1e6}, 1, e) < 0)
        return -1;
    if (s->factor == 0) /* written where there is no scaling */
        s->factor = 1;
    if (type.n == 6 && memcmp(type.s, "linear", 6) == 0)
        return 0;
    if (type.n == 4 && memcmp(type.s, "yarn", 4) == 0)
        return read_yarn(m, base, s, e);
    s->factor = 1;
    if (type.n == 4 && memcmp(type.s, "none", 4) == 0)
        return 0;
    return err_set(e, ERR_UNSUPPORTED, "%s: rope scaling '%.*s' is not supported",
                   gguf_path(m->file), (int)(type.n < 32 ? type.n : 32), type.s);
}

static double scaled_frequency(const struct scaling *s, double f, int i)
{
    double ramp;

    if (!s->is_yarn)
        return f / s->factor;
    ramp = (i - s->low) / (s->high - s->low > 0.001 ? s->high - s->low : 0.001);
    ramp = (1 - (ramp < 0 ? 0 : ramp > 1 ? 1 : ramp)) * s->extrapolation;
    return f / s->factor * (1 - ramp) + f * ramp;
}

const struct rope *rope_build(struct model *m, double base, int scaled, int halves,
                              const struct weight *factors, struct err *e)
{
    struct scaling s = {.factor = 1, .magnitude = 1};
    int n = m->hp.n_rot / 2;
    const struct rope *r = NULL;
    double *inv;

    if (scaled && read_scaling(m, base, &s, e) < 0)
        return NULL;
    if (factors && (!factors->f32 || factors->k != n)) {
        err_set(e, ERR_FORMAT, "%s: %s has %d elements, expected %d", gguf_path(m->file),
                factors->name, factors->k, n);
        return NULL;
    }
    inv = mem_alloc((size_t)n * sizeof *inv);
    if (!inv) {
        err_nomem(e);
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        inv[i] = scaled_frequency(&s, angles_inv_freq(base, i, m->hp.n_rot), i);
        if (factors)
            inv[i] /= (double)factors->f32[i];
        if (!(fabs(inv[i]) <= TURN_MAX)) {
            err_set(e, ERR_FORMAT, "%s: rope frequency %d is %g, at most %g radians fit",
                    gguf_path(m->file), i, inv[i], TURN_MAX);
            goto out;
        }
    }
    r = program_rope(&m->program,
                     (struct rope){.n_rot = m->hp.n_rot, .halves = halves,
                                   .magnitude = (float)s.magnitude}, inv);
    if (!r)
        err_nomem(e);
out:
    mem_free(inv);
    return r;
}
