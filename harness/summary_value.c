/* summary_value.c -- one number of an entry by the name of its metric: scores, costs, sizes, and
 * the densities that are ratios of both. */
#include <math.h>
#include <string.h>

#include "harness/stats.h"
#include "harness/summary_impl.h"

static const struct reading unknown = {NAN, NAN, NAN};

static struct reading plain(double v)
{
    return (struct reading){v, NAN, NAN};
}

static double known(int64_t v)
{
    return v < 0 ? NAN : (double)v;
}

/* What was imported may have a standard error and no interval. */
struct reading entry_value(const struct entry *x, const char *metric, const char *filter)
{
    const struct store_value *v = task_row_value(x->row, metric, filter);

    if (!v)
        return unknown;
    if (isnan(v->low) && isnan(v->high) && !isnan(v->stderr_))
        return (struct reading){v->value, v->value - STATS_Z95 * v->stderr_,
                                v->value + STATS_Z95 * v->stderr_};
    return (struct reading){v->value, v->low, v->high};
}

static struct reading score(const struct entry *x, const char *metric)
{
    struct reading r = entry_value(x, metric, "none");

    return isnan(r.value) ? entry_value(x, metric, NULL) : r;
}

static struct reading cost(const struct entry *x, const char *metric)
{
    return plain(task_row_cost(x->row, metric));
}

static struct reading latency(const struct entry *x, const char *metric)
{
    (void)metric;
    return x->latency;
}

static struct reading size(const struct entry *x, const char *metric)
{
    const struct store_model *m = &x->run->run->model;
    const struct {
        const char *metric;
        double value;
    } sizes[] = {
        {"parameters", known(m->parameters)},
        {"parameters_non_embedding", known(m->parameters_non_embedding)},
        {"parameters_active", known(m->parameters_active)},
        {"file_bytes", known(m->file_bytes)},
    };

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (strcmp(sizes[i].metric, metric) == 0)
            return plain(sizes[i].value);
    return unknown;
}

static struct reading bits_per(const struct entry *x, const char *metric)
{
    static const char *const of[][2] = {
        {"bits_per_mparam", "parameters"},
        {"bits_per_mparam_non_embedding", "parameters_non_embedding"},
        {"bits_per_mparam_active", "parameters_active"},
        {"bits_per_mbyte", "file_bytes"},
    };
    struct reading bits = entry_value(x, "knowledge_bits", "none");

    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
        if (strcmp(of[i][0], metric) == 0) {
            double millions = size(x, of[i][1]).value / 1e6;
            if (!(millions > 0))
                return unknown;
            return (struct reading){bits.value / millions, bits.low / millions,
                                    bits.high / millions};
        }
    return unknown;
}

static const struct {
    const char *metric; /* NULL: all others */
    struct reading (*of)(const struct entry *x, const char *metric);
} sources[] = {
    {"parameters", size},
    {"parameters_non_embedding", size},
    {"parameters_active", size},
    {"file_bytes", size},
    {"bits_per_mparam", bits_per},
    {"bits_per_mparam_non_embedding", bits_per},
    {"bits_per_mparam_active", bits_per},
    {"bits_per_mbyte", bits_per},
    {"latency_s", latency},
    {"wall_s", cost},
    {"prompt_tokens", cost},
    {"computed_tokens", cost},
    {"reused_tokens", cost},
    {"generated_tokens", cost},
    {"ttft_s", cost},
    {"tpot_s", cost},
    {"peak_rss_bytes", cost},
    {"energy_j", cost},
    {NULL, score},
};

struct reading entry_reading(const struct entry *x, const char *metric)
{
    size_t i = 0;

    while (sources[i].metric && strcmp(sources[i].metric, metric) != 0)
        i++;
    return sources[i].of(x, metric);
}

int any_entry(const struct summary *s, const char *metric)
{
    for (size_t i = 0; i < s->n_entries; i++)
        if (!isnan(entry_reading(&s->entries[i], metric).value))
            return 1;
    return 0;
}
