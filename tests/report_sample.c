#include "tests/report_sample.h"

#include <math.h>
#include <string.h>

#include "tests/test.h"

static const struct sample {
    const char *name;
    double parameters, file_bytes, acc, low, high, latency_s, rss, bits;
} samples[] = {
    {"smollm2-135m-instruct:q4_1", 134515008, 98362432, 0.49, 0.395, 0.586, 0.0213, 164e6, 1834},
    {"smollm2-135m-instruct:q8_0", 134515008, 144e6, 0.495, 0.4, 0.59, 0.0188, 210e6, 1851},
    {"gemma-3-270m:q4_k_m", 268098176, 253115904, 0.545, 0.447, 0.639, 0.0341, 330e6, 2410},
    {"qwen3-0.6b:q4_k_m", 596049920, 396705472, 0.63, 0.532, 0.718, 0.0742, 470e6, 3920},
    {"\xe6\xa8\xa1\xe5\x9e\x8b-1b", 1e9, 660e6, NAN, NAN, NAN, NAN, NAN, NAN},
    {HOSTILE_NAME, 360e6, 220e6, 0.47, 0.375, 0.567, 0.0502, 300e6, 1700},
};
#define N_SAMPLES (sizeof samples / sizeof samples[0])

static void plot(struct report *r, const char *key, const char *title, const char *x,
                 const char *y, int flags)
{
    struct report_plot *p = report_plot(r, key, title, metric_find(x), metric_find(y), flags);
    struct report_series *s = report_series(r, p, "this machine");

    for (size_t i = 0; i < N_SAMPLES; i++) {
        const struct sample *m = &samples[i];
        double xs[] = {m->parameters, m->file_bytes, m->latency_s, m->rss};
        static const char *const names[] = {"parameters", "file_bytes", "latency_s",
                                            "peak_rss_bytes"};
        int k = 0;
        while (metric_find(names[k]) != metric_find(x))
            k++;
        struct report_point *pt = report_point(r, p, s, m->name, xs[k], m->acc);
        if (pt) {
            pt->y_low = m->low;
            pt->y_high = m->high;
        }
    }
    if (p)
        p->note = report_str(r, "Bars are 95 % Wilson intervals.");
}

static void table(struct report *r)
{
    const struct report_column columns[] = {
        {"model", "model", NULL, 9},
        {"parameters", NULL, metric_find("parameters"), 4},
        {"file_bytes", NULL, metric_find("file_bytes"), 5},
        {"acc", NULL, metric_find("acc"), 8},
        {"knowledge_bits", NULL, metric_find("knowledge_bits"), 7},
        {"bits_per_mparam", NULL, metric_find("bits_per_mparam"), 6},
        {"latency_s", NULL, metric_find("latency_s"), 6},
        {"peak_rss_bytes", NULL, metric_find("peak_rss_bytes"), 3},
    };
    struct report_table *t = report_table(r, "models", "Models", columns, 8);

    for (size_t i = 0; i < N_SAMPLES; i++) {
        const struct sample *m = &samples[i];
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, m->name);
        report_cell_value(row, 1, m->parameters, NAN, NAN);
        report_cell_value(row, 2, m->file_bytes, NAN, NAN);
        report_cell_value(row, 3, m->acc, m->low, m->high);
        report_cell_value(row, 4, m->bits, NAN, NAN);
        report_cell_value(row, 5, m->bits / (m->parameters / 1e6), NAN, NAN);
        report_cell_value(row, 6, m->latency_s, m->latency_s * 0.97, m->latency_s * 1.04);
        report_cell_value(row, 7, m->rss, NAN, NAN);
    }
    if (t)
        t->note = report_str(r, "arc_easy, 0 shots, 100 items.");
}

void sample_report(struct report *r)
{
    report_init(r, "Five models on one machine");
    r->subtitle = report_str(r, "What each of them knows, and what knowing it costs.");
    r->generated = report_str(r, "2026-11-24 18:55 UTC, densimeter 0.1");
    report_headline(r, "Knows most", "qwen3-0.6b:q4_k_m", "3,920 bits");
    report_headline(r, "Densest", "smollm2-135m-instruct:q4_1", "13.6 bits per million parameters");
    report_headline(r, "Accuracy per gigabyte", "4.98", NULL);
    report_section(r, "Accuracy and what it costs");
    plot(r, "acc_parameters", "Accuracy against parameters", "parameters", "acc", PLOT_LOG_X);
    plot(r, "acc_bytes", "Accuracy against file size", "file_bytes", "acc", PLOT_LOG_X);
    plot(r, "acc_latency", "Accuracy against latency", "latency_s", "acc", PLOT_LOG_X);
    plot(r, "acc_memory", "Accuracy against memory", "peak_rss_bytes", "acc", 0);
    table(r);
    report_section(r, "Method");
    report_text(r, "Every item is asked once; log-likelihoods are summed over the continuation's "
                   "tokens, and the option with the largest sum is the answer.");
    report_warning(r, "The machine was busy: pressure on the processor was %.1f %% during the run.",
                   12.5);
    report_section(r, "Machine");
    report_fact(r, "Processor", "2 x Example CPU @ 2.1 GHz, AVX-512");
    report_fact(r, "Memory", "49.0 GB");
    report_fact(r, "Energy meter", NULL);
}

const struct report_table *report_table_of(const struct report *r, const char *key)
{
    for (int i = 0; i < r->n_blocks; i++)
        if (r->blocks[i]->kind == REPORT_TABLE && strcmp(r->blocks[i]->table->key, key) == 0)
            return r->blocks[i]->table;
    fail_msg("no table %s", key);
    return NULL;
}
