#include "runners/rope.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "runners/angles.h"
#include "runners/dmath.h"
#include "runners/model.h"

/* Radians per position: angles stay exact to 2^30, and contexts below 2^20 positions in range. */
static const double TURN_MAX = 1024;

struct scaling {
    int n_rot;
    double factor;    /* positions are divided by it */
    int is_yarn;
    double low, high; /* YaRN: pairs below low keep their wave, above high take the divided one */
    double extrapolation, magnitude;
};

/* The pair whose wave turns `rotations` times over the original context. */
static double yarn_pair(int n_rot, double base, double rotations, double original)
{
    return n_rot * dmath_log(original / (rotations * 2 * 3.14159265358979323846)) /
           (2 * dmath_log(base));
}

/* rope.scaling.yarn_log_multiplier is 0.1 * mscale_all_dim there, mscale_all_dim elsewhere. */
static int is_mla(const struct model *m)
{
    static const char *const names[] = {"deepseek2", "mistral4"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(m->arch_name, names[i]) == 0)
            return 1;
    return 0;
}

static int read_yarn(const struct model *m, double base, struct scaling *s, struct err *e)
{
    double original, fast, slow, attention, replaced, log_multiplier, t;
    int truncates = strcmp(m->arch_name, "gpt-oss") != 0; /* its config says false */
    char name[96];

    const struct f64_key keys[] = {
        {"rope.scaling.original_context_length", &original, m->hp.context, 1, 1e9},
        {"rope.scaling.yarn_beta_fast", &fast, 32, 1e-3, 1e6},
        {"rope.scaling.yarn_beta_slow", &slow, 1, 1e-3, 1e6},
        {"rope.scaling.yarn_ext_factor", &s->extrapolation, 1, -1, 1e3},
        {"rope.scaling.attn_factor", &attention, 1, 1e-3, 1e3},
        {"rope.scaling.yarn_attn_factor", &replaced, 0, 0, 1e3},
        {"rope.scaling.yarn_log_multiplier", &log_multiplier, 0, 0, 1e3},
    };

    snprintf(name, sizeof name, "%s.rope.scaling.yarn_truncate", m->arch_name);
    if (model_f64s(m, keys, sizeof keys / sizeof keys[0], e) < 0 ||
        gguf_get_bool(m->file, name, &truncates, e) < 0)
        return -1;
    if (!(base > 1 && s->factor >= 1))
        return err_set(e, ERR_FORMAT, "%s: YaRN needs a base above 1 and a factor of 1 or more, "
                       "not %g and %g", gguf_path(m->file), base, s->factor);
    if (s->extrapolation < 0) /* converters write -1 for "as usual" */
        s->extrapolation = 1;
    s->is_yarn = 1;
    t = yarn_pair(s->n_rot, base, fast, original);
    if (truncates)
        t = floor(t);
    s->low = t > 0 ? t : 0;
    t = yarn_pair(s->n_rot, base, slow, original);
    if (truncates)
        t = ceil(t);
    s->high = t < s->n_rot - 1 ? t : s->n_rot - 1;
    t = 0.1 * dmath_log(s->factor);
    s->magnitude = replaced > 0 ? replaced : attention * (1 + t) / (1 + log_multiplier * t);
    if (is_mla(m)) /* what is left of it goes into the scores: rope_mla_scale */
        s->magnitude = replaced > 0 ? replaced : attention;
    return 0;
}

static const char *const scalings[] = {"none", "linear", "yarn", "longrope"};
enum { N_SCALINGS = sizeof scalings / sizeof scalings[0] };

static int unknown_scaling(const struct model *m, const char *name, struct err *e)
{
    struct suggest s = SUGGEST(name);

    for (int i = 0; i < N_SCALINGS; i++)
        suggest_offer(&s, scalings[i]);
    err_set(e, ERR_UNSUPPORTED, "%s: rope scaling '%s' is not supported", gguf_path(m->file), name);
    if (suggest_best(&s))
        err_hint(e, "nearest: %s; known: none, linear, yarn, longrope", suggest_best(&s));
    else
        err_hint(e, "known: none, linear, yarn, longrope");
    return -1;
}

static int read_scaling(const struct model *m, double base, struct scaling *s, struct err *e)
{
    char key[96], name[33];
    struct gguf_str type = {"linear", 6};
    double old;

    snprintf(key, sizeof key, "%s.rope.scaling.type", m->arch_name);
    if (gguf_get_str(m->file, key, &type, e) < 0 ||
        model_f64s(m, &(struct f64_key){"rope.scale_linear", &old, 1, 0, 1e6}, 1, e) < 0 ||
        model_f64s(m, &(struct f64_key){"rope.scaling.factor", &s->factor, old, 0, 1e6}, 1, e) < 0)
        return -1;
    if (s->factor == 0) /* written where there is no scaling */
        s->factor = 1;
    snprintf(name, sizeof name, "%.*s", (int)(type.n < 32 ? type.n : 32), type.s);
    if (strcmp(name, "linear") == 0)
        return 0;
    if (strcmp(name, "yarn") == 0)
        return read_yarn(m, base, s, e);
    s->factor = 1;
    if (strcmp(name, "longrope") == 0 || strcmp(name, "none") == 0)
        return 0;
    return unknown_scaling(m, name, e);
}

const char *rope_scaling_name(const struct model *m)
{
    struct gguf_str s;
    char key[96];

    snprintf(key, sizeof key, "%s.rope.scaling.type", m->arch_name);
    if (gguf_get_str(m->file, key, &s, NULL) != 1)
        return "plain";
    for (int i = 1; i < N_SCALINGS; i++)
        if (s.n == strlen(scalings[i]) && memcmp(s.s, scalings[i], s.n) == 0)
            return scalings[i];
    return "plain";
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

/* The factors of longrope go with a magnitude of their own. */
static int read_magnitude(const struct model *m, struct scaling *s, struct err *e)
{
    const struct f64_key key = {"rope.scaling.attn_factor", &s->magnitude, 1, 1e-3, 1e3};

    if (model_f64s(m, &key, 1, e) < 0)
        return -1;
    /* Phi-3.5-MoE's config says short_mscale = long_mscale = 1.2431631; its files hold what the
     * general formula gives. */
    if (strcmp(m->arch_name, "phimoe") == 0 && fabs(s->magnitude - 1.1902) < 1e-3)
        s->magnitude = 1.243163121016122;
    return 0;
}

static int frequencies(const struct model *m, const struct rope_spec *spec,
                       const struct scaling *s, double *inv, struct err *e)
{
    for (int i = 0; i < spec->n_rot / 2; i++) {
        inv[i] = scaled_frequency(s, angles_inv_freq(spec->base, i, spec->n_rot), i);
        if (spec->factors)
            inv[i] /= (double)spec->factors->f32[i];
        if (!(fabs(inv[i]) <= TURN_MAX))
            return err_set(e, ERR_FORMAT, "%s: rope frequency %d is %g, at most %g radians fit",
                           gguf_path(m->file), i, inv[i], TURN_MAX);
    }
    return 0;
}

const struct rope *rope_build(struct model *m, const struct rope_spec *spec, struct err *e)
{
    struct scaling s = {.n_rot = spec->n_rot, .factor = 1, .magnitude = 1};
    const struct weight *f = spec->factors;
    const struct rope *r = NULL;
    double *inv;

    if (spec->is_scaled && read_scaling(m, spec->base, &s, e) < 0)
        return NULL;
    if (spec->is_scaled && f && !s.is_yarn && read_magnitude(m, &s, e) < 0)
        return NULL;
    if (f && (!f->f32 || f->k != spec->n_rot / 2)) {
        err_set(e, ERR_FORMAT, "%s: %s has %d elements, expected %d", gguf_path(m->file), f->name,
                f->k, spec->n_rot / 2);
        return NULL;
    }
    inv = mem_alloc((size_t)(spec->n_rot / 2 + 1) * sizeof *inv);
    if (!inv) {
        err_nomem(e);
        return NULL;
    }
    if (frequencies(m, spec, &s, inv, e) == 0) {
        r = program_rope(&m->program,
                         (struct rope){.n_rot = spec->n_rot, .halves = spec->halves,
                                       .magnitude = (float)s.magnitude}, inv);
        if (!r)
            err_nomem(e);
    }
    mem_free(inv);
    return r;
}

int rope_mla_scale(struct model *m, double *out, struct err *e)
{
    struct scaling s = {.n_rot = m->hp.n_rot, .factor = 1, .magnitude = 1};
    double log_multiplier, scale;
    const struct f64_key key = {"rope.scaling.yarn_log_multiplier", &log_multiplier, 0, 0, 1e3};

    if (read_scaling(m, m->hp.rope_base, &s, e) < 0 || model_f64s(m, &key, 1, e) < 0)
        return -1;
    scale = s.is_yarn ? 1 + log_multiplier * dmath_log(s.factor) : 1;
    *out = scale * scale;
    return 0;
}
