#include "harness/measure.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"

void speed_test_name(char *name, size_t size, const struct speed_test *t)
{
    int n = 0;

    name[0] = 0;
    if (t->prompt)
        n += snprintf(name, size, "pp%d", t->prompt);
    if (t->generate)
        n += snprintf(name + n, size - (size_t)n, "%stg%d", t->prompt ? "+" : "", t->generate);
    if (t->depth)
        n += snprintf(name + n, size - (size_t)n, "@d%d", t->depth);
    if (t->streams > 1)
        snprintf(name + n, size - (size_t)n, "@b%d", t->streams);
}

int speed_test_length(const struct speed_test *t)
{
    return t->depth + t->prompt + t->generate;
}

int speed_test_tokens(const struct speed_test *t)
{
    return t->prompt + t->generate * t->streams;
}

static int prefill(const struct measuring *m, const struct speed_test *t, double *s, struct err *e)
{
    *s = 0;
    return t->prompt ? runner_time_prefill(m->runner, t->depth, t->prompt, s, e) : 0;
}

static int decode(const struct measuring *m, const struct speed_test *t, double *s, struct err *e)
{
    *s = 0;
    return t->generate ? runner_time_decode(m->runner, t->depth + t->prompt, t->streams,
                                            t->generate, s, e)
                       : 0;
}

struct metered {
    struct meter *meter;
    double joules;
};

static void on_clock(void *user, int is_start)
{
    struct metered *x = user;

    if (is_start)
        meter_start(x->meter);
    else
        x->joules = meter_stop(x->meter);
}

static int own_turn(const struct measuring *m, const struct speed_test *t, struct measured *r,
                    struct err *e)
{
    struct metered p = {.meter = m->meter}, d = {.meter = m->meter};
    double first = 0, second = 0;
    int rc;

    runner_on_clock(m->runner, on_clock, &p);
    rc = prefill(m, t, &first, e);
    runner_on_clock(m->runner, on_clock, &d);
    if (rc == 0)
        rc = decode(m, t, &second, e);
    runner_on_clock(m->runner, NULL, NULL);
    if (rc < 0)
        return -1;
    r->prefill_j += p.joules;
    r->decode_j += d.joules;
    r->samples[r->n++] = first + second;
    return 0;
}

static int rival_turn(const struct measuring *m, const struct speed_test *t, struct measured *r,
                      struct err *e)
{
    if (rival_sample(m->rival, m->model_path, m->threads, t, &r->rival_samples[r->n_rival], e) < 0)
        return -1;
    r->n_rival++;
    return 0;
}

static int take_samples(const struct measuring *m, const struct speed_test *t, struct measured *r,
                        struct err *e)
{
    double warm_up;

    if (prefill(m, t, &warm_up, e) < 0 || decode(m, t, &warm_up, e) < 0)
        return -1;
    for (int i = 0; i < m->repeats; i++) {
        int rival_first = m->rival && i % 2; /* A B, B A, A B, ... */
        if (m->stop && *m->stop)
            return err_set(e, ERR_INTERRUPTED, "interrupted");
        if (rival_first && rival_turn(m, t, r, e) < 0)
            return -1;
        if (own_turn(m, t, r, e) < 0)
            return -1;
        if (m->rival && !rival_first && rival_turn(m, t, r, e) < 0)
            return -1;
    }
    return 0;
}

/* Median speed and its interval from seconds. */
static int speed(const double *s, int n, int tokens, double *median, struct interval *interval,
                 double *coverage, struct err *e)
{
    double *x = mem_alloc((size_t)n * sizeof *x);

    if (!x)
        return err_nomem(e);
    for (int i = 0; i < n; i++)
        x[i] = tokens / s[i];
    stats_sort(x, (size_t)n);
    *median = stats_median(x, (size_t)n);
    *interval = stats_median_interval(x, (size_t)n, 0.95, coverage);
    mem_free(x);
    return 0;
}

static int conclude(const struct measuring *m, const struct speed_test *t, struct measured *r,
                    struct err *e)
{
    int tokens = speed_test_tokens(t);

    r->peak_rss_bytes = meter_peak_rss();
    r->energy_j = r->prefill_j + r->decode_j;
    r->ratio = (struct ratio){NAN, NAN, NAN, NAN};
    if (speed(r->samples, r->n, tokens, &r->tok_s, &r->tok_s_interval, &r->coverage, e) < 0)
        return -1;
    if (!m->rival)
        return 0;
    if (speed(r->rival_samples, r->n_rival, tokens, &r->rival_tok_s, &r->rival_interval,
              &r->rival_coverage, e) < 0)
        return -1;
    return stats_ratio(r->samples, (size_t)r->n, r->rival_samples, (size_t)r->n_rival, 0.95,
                       &r->ratio, e);
}

int measure(const struct measuring *m, const struct speed_test *t, struct measured *out,
            struct err *e)
{
    struct noise_sample before, after;
    int rc = -1;

    *out = (struct measured){.rival_tok_s = NAN, .rival_interval = {NAN, NAN}};
    out->samples = mem_calloc((size_t)m->repeats, sizeof *out->samples);
    out->rival_samples = mem_calloc((size_t)m->repeats, sizeof *out->rival_samples);
    if (!out->samples || !out->rival_samples) {
        err_nomem(e);
        goto out;
    }
    noise_sample(&before, m->root);
    if (take_samples(m, t, out, e) < 0)
        goto out;
    noise_sample(&after, m->root);
    noise_between(&out->noise, &before, &after, 0);
    rc = conclude(m, t, out, e);
out:
    if (rc < 0)
        measured_release(out);
    return rc;
}

void measured_release(struct measured *r)
{
    mem_free(r->samples);
    mem_free(r->rival_samples);
    *r = (struct measured){0};
}
