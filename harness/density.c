#include "harness/density.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *unit, *cost;
    double scale; /* of what stands below */
} pers[DENSITY_PERS] = {
    {"total", "", "parameters", 1},
    {"active", "", "active", 1},
    {"measured-active", "", "measured active", 1},
    {"non-embedding", "", "non-embedding", 1},
    {"byte", "parameters/2 B", "file bytes", 0.5},
    {"joule", "parameters/J", "J per answer", 1},
    {"second", "parameters/s", "s per answer", 1},
};

const char *density_per_name(enum density_per p)
{
    return pers[p].name;
}

const char *density_per_unit(enum density_per p)
{
    return pers[p].unit;
}

const char *density_per_cost(enum density_per p)
{
    return pers[p].cost;
}

/* Widens an interval of N^ by the ladder's own error, both in ln N. */
static void add_ladder_noise(struct density *d)
{
    double noise = isnan(d->ruler->loo_ln) ? 0 : STATS_Z95 * d->ruler->loo_ln;

    if (d->low > 0)
        d->low = d->effective * exp(-hypot(log(d->effective / d->low), noise));
    if (isfinite(d->high))
        d->high = d->effective * exp(hypot(log(d->high / d->effective), noise));
}

static void refuse_or_not(struct density *d, double margin)
{
    const struct ruler *r = d->ruler;
    double chance = r->chance, near = fmax(2 * d->stderr_, margin);
    int least = 0, most = r->n_nodes - 1;

    d->refused[0] = 0;
    if (isnan(d->score))
        snprintf(d->refused, sizeof d->refused, "no score");
    else if (!isnan(chance) && d->score - chance <= near)
        snprintf(d->refused, sizeof d->refused,
                 "at chance: %.1f %% is no %.1f points above %.1f %%", 100 * d->score, 100 * near,
                 100 * chance);
    else if (d->flag == RULER_BELOW)
        snprintf(d->refused, sizeof d->refused,
                 "below the ladder: its smallest model (%.3g parameters) scores %.4g",
                 r->nodes[least].total_params, r->nodes[least].score);
    else if (d->flag == RULER_ABOVE)
        snprintf(d->refused, sizeof d->refused,
                 "above the ladder: its largest model (%.3g parameters) scores %.4g",
                 r->nodes[most].total_params, r->nodes[most].score);
}

/* Beyond the ladder only its end is known. */
static void bound_by_the_end(struct density *d)
{
    const struct ruler *r = d->ruler;

    if (d->flag == RULER_BELOW) {
        d->low = 0;
        d->high = r->nodes[0].total_params;
    } else {
        d->low = r->nodes[r->n_nodes - 1].total_params;
        d->high = INFINITY;
    }
}

static void judge(struct density *d, double margin)
{
    struct effective x = ruler_effective(d->ruler, d->score, NAN);

    d->effective = x.n;
    d->flag = x.flag;
    d->effective_own_data = d->ruler->kind == RULER_LOSS && !isnan(d->training_tokens)
                                ? ruler_effective(d->ruler, d->score, d->training_tokens).n
                                : NAN;
    refuse_or_not(d, margin);
}

static int at_chance(const struct density *d, double margin)
{
    return !isnan(d->ruler->chance) &&
           d->score - d->ruler->chance <= fmax(2 * d->stderr_, margin);
}

/* Nothing but the place beside the ladder is known: 1. */
static int unresolved(struct density *d, double margin)
{
    if (isnan(d->score) || at_chance(d, margin)) {
        d->effective = d->effective_own_data = d->low = d->high = NAN;
        return 1;
    }
    if (d->flag != RULER_WITHIN) {
        bound_by_the_end(d);
        return 1;
    }
    return 0;
}

void density_judge(struct density *d, double margin)
{
    judge(d, margin);
    if (unresolved(d, margin))
        return;
    d->low = ruler_bounded(d->ruler, d->score - STATS_Z95 * d->stderr_);
    d->high = ruler_bounded(d->ruler, d->score + STATS_Z95 * d->stderr_);
    add_ladder_noise(d);
}

void density_judge_replicates(struct density *d, const double *sorted, size_t n, double margin)
{
    judge(d, margin);
    if (unresolved(d, margin))
        return;
    /* By rank: between an end of the ladder and a size there is nothing to interpolate. */
    d->low = fmin(stats_percentile_nearest(sorted, n, 0.025), d->effective);
    d->high = fmax(stats_percentile_nearest(sorted, n, 0.975), d->effective);
    add_ladder_noise(d);
}

struct density_value density_value(const struct density *d, enum density_per p)
{
    double below = d->cost[p] * pers[p].scale;

    return (struct density_value){d->effective / below, d->low / below, d->high / below};
}

/* Of a ln, downwards and upwards: an end that the ladder leaves open leaves the other as it is. */
struct spread {
    double down, up;
};

static void add_spread(struct spread *to, const struct density_value *v)
{
    double down = (log(v->value) - log(v->low)) / STATS_Z95;
    double up = (log(v->high) - log(v->value)) / STATS_Z95;

    to->down += down * down;
    to->up += up * up;
}

/* Geometric mean of one panel's rows and, as of independent logs, the variances of its ln. */
static double panel_mean(const struct density *const *rows, int n, enum density_per p,
                         enum benchmark_panel panel, int *count, struct spread *variance)
{
    struct spread var = {0, 0};
    double sum = 0;

    *count = 0;
    for (int i = 0; i < n; i++) {
        const struct benchmark *b = benchmark_find(rows[i]->ruler->benchmark);
        struct density_value v = density_value(rows[i], p);
        if (!b || b->panel != panel || rows[i]->refused[0] || !(v.value > 0))
            continue;
        sum += log(v.value);
        add_spread(&var, &v);
        ++*count;
    }
    variance->down += *count ? var.down / (*count * *count) : 0;
    variance->up += *count ? var.up / (*count * *count) : 0;
    return *count ? sum / *count : NAN;
}

struct density_panel density_panel(const struct density *const *rows, int n, enum density_per p)
{
    struct density_panel out = {.mean = NAN, .low = NAN, .high = NAN, .spread = NAN};
    struct density_value only = {NAN, NAN, NAN};
    struct spread var = {0, 0};
    double least = INFINITY, most = 0, sum = 0;
    int panels = 0;

    for (int k = 0; k < PANELS; k++) {
        double ln = panel_mean(rows, n, p, (enum benchmark_panel)k, &out.n[k], &var);
        out.value[k] = exp(ln);
        out.n_rows += out.n[k];
        if (!out.n[k])
            continue;
        sum += ln;
        panels++;
    }
    for (int i = 0; i < n; i++) {
        struct density_value v = density_value(rows[i], p);
        if (rows[i]->refused[0] || !(v.value > 0))
            continue;
        least = fmin(least, v.value);
        most = fmax(most, v.value);
        only = v;
    }
    if (!panels)
        return out;
    if (out.n_rows == 1) { /* with its own interval, which need not be even */
        out.mean = only.value;
        out.low = only.low;
        out.high = only.high;
        return out;
    }
    out.mean = exp(sum / panels);
    out.low = out.mean * exp(-STATS_Z95 * sqrt(var.down) / panels);
    out.high = out.mean * exp(STATS_Z95 * sqrt(var.up) / panels);
    out.spread = out.n_rows > 1 ? most / least : NAN;
    return out;
}
