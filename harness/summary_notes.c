/* summary_notes.c -- what stands around the numbers: the headline, warnings, method, machine, and
 * the runs that everything comes from. */
#include <math.h>
#include <string.h>

#include "harness/density_report.h"
#include "harness/summary_impl.h"
#include "runners/numerics.h"
#include "harness/table.h"
#include "reports/number.h"
#include "tasks/facts.h"
#include "tasks/world.h"

/* Below this many, bits of knowledge cost more to fit (three weights per language, on four fifths
 * of the facts) than a small model earns. */
enum { FACTS_FEW = 200 };

/* --- headline ----------------------------------------------------------------------------- */

/* Invented worlds check the meter (harness/standards.h): who knows one knows nothing else. */
static int is_world(const struct entry *x)
{
    return world_named(x->row->task) != NULL;
}

/* The entries [*from, *to) of the condition with the most items that knows the metric; of invented
 * worlds only where nothing else is. */
static int largest_condition(const struct summary *s, const char *metric, size_t *from, size_t *to)
{
    int most = -1, world = 1;

    for (size_t i = 0, end; i < s->n_entries; i = end) {
        int knows = 0;
        for (end = i; end < s->n_entries && s->entries[end].rank == s->entries[i].rank; end++) {
            const struct entry *x = &s->entries[end];
            knows |= !x->member && !isnan(entry_reading(x, metric).value);
        }
        if (knows && (is_world(&s->entries[i]) < world ||
                      (is_world(&s->entries[i]) == world && s->entries[i].n > most))) {
            most = s->entries[i].n;
            world = is_world(&s->entries[i]);
            *from = i;
            *to = end;
        }
    }
    return most >= 0;
}

static const char *in_words(struct summary *s, const struct metric *m, struct reading v)
{
    char number[NUMBER_SIZE], range[NUMBER_SIZE];

    number_format(number, m, v.value);
    number_interval(range, m, v.value, v.low, v.high);
    return *range ? report_fmt(s->report, "%s (%s)", number, range)
                  : report_str(s->report, number);
}

/* The best of a condition, and whether its interval sets it apart from the others'. */
static void best(struct summary *s, const char *name, const char *metric, const char *of)
{
    const struct metric *m = metric_find(metric);
    struct report *r = s->report;
    const struct entry *top = NULL;
    struct reading most = {NAN, NAN, NAN};
    size_t from, to;
    int near = 0;

    if (!largest_condition(s, metric, &from, &to))
        return;
    for (size_t i = from; i < to; i++) {
        struct reading v = entry_reading(&s->entries[i], metric);
        if (!isnan(v.value) && (!top || v.value > most.value)) {
            top = &s->entries[i];
            most = v;
        }
    }
    for (size_t i = from; i < to; i++) {
        struct reading v = entry_reading(&s->entries[i], metric);
        near += &s->entries[i] != top && (v.high >= most.low || v.value == most.value);
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a largest one has a value */
    report_headline(r, name, top->name,
                    report_fmt(r, "%s%s, %d items of %s%s", in_words(s, m, most), of, top->n,
                               top->row->task,
                               near ? "; the intervals of others overlap it" : ""));
}

static void fastest(struct summary *s)
{
    const struct speed *top = NULL;
    struct reading most = {0, NAN, NAN};

    for (size_t i = 0; i < s->n_speeds; i++) {
        const struct speed *x = &s->speeds[i];
        const struct store_value *v = bench_value(x->row, "tok_s");
        if (!x->row->rival && strncmp(x->row->test, "tg", 2) == 0 && x->row->batch <= 1 && v &&
            v->value > most.value) {
            most = (struct reading){v->value, v->low, v->high};
            top = x;
        }
    }
    if (top)
        report_headline(s->report, "Generates fastest", top->name,
                        report_fmt(s->report, "%s, %s, %s",
                                   in_words(s, metric_find("tok_s"), most), top->row->test,
                                   top->program ? top->program : "unknown program"));
}

void headlines(struct summary *s)
{
    density_headline(s->report, &s->densities);
    best(s, "Knows most", "knowledge_bits", "");
    best(s, "Knows most for its size", "bits_per_mparam", " per million parameters");
    best(s, "Right most often", "acc", "");
    best(s, "Right most often, generating", "exact_match", "");
    fastest(s);
}

/* --- warnings ----------------------------------------------------------------------------- */

enum quietness { QUIETNESS_UNKNOWN, QUIETNESS_YES, QUIETNESS_NO };

static enum quietness quietness(const cJSON *noise)
{
    const cJSON *v = json_get(noise, "quiet");

    return !cJSON_IsBool(v) ? QUIETNESS_UNKNOWN : cJSON_IsTrue(v) ? QUIETNESS_YES : QUIETNESS_NO;
}

static const char *noise_reasons(const cJSON *noise)
{
    const char *reasons = json_str(noise, "reasons");

    return reasons && *reasons ? reasons : "no reason given";
}

struct noise_count {
    int noisy, known, all;
    const char *reasons; /* of the first that was not quiet */
};

static void count_noise(struct summary *s, struct noise_count *n, const cJSON *noise)
{
    n->all++;
    n->known += quietness(noise) != QUIETNESS_UNKNOWN;
    if (quietness(noise) != QUIETNESS_NO)
        return;
    if (!n->noisy++)
        n->reasons = report_str(s->report, noise_reasons(noise));
}

/* Evaluations keep their noise per run, speed tests per test. */
static void each_noise(struct summary *s, void (*f)(struct summary *s, void *user,
                                                    const struct shown_run *r, const char *test,
                                                    const cJSON *noise),
                       void *user)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct shown_run *r = &s->runs[i];
        if (r->noise || !r->bench.n)
            f(s, user, r, NULL, r->noise);
        for (size_t k = 0; k < r->bench.n; k++) {
            const char *text = r->bench.v[k].noise;
            cJSON *j = text ? json_parse(text, strlen(text), "", NULL) : NULL;
            if (j && !r->bench.v[k].rival)
                f(s, user, r, r->bench.v[k].test, j);
            json_free(j);
        }
    }
}

static void count_one(struct summary *s, void *user, const struct shown_run *r, const char *test,
                      const cJSON *noise)
{
    (void)r;
    (void)test;
    count_noise(s, user, noise);
}

static void warn_about_noise(struct summary *s)
{
    struct noise_count n = {0};

    each_noise(s, count_one, &n);
    if (n.noisy)
        report_warning(s->report, "The machine was not quiet during %d of %d measurements (%s). "
                                  "Times and speeds of these are worse than the machine can do; "
                                  "scores and bits do not depend on it. Details under Machine.",
                       n.noisy, n.all, n.reasons ? n.reasons : "");
}

static void warn_about_few_facts(struct summary *s)
{
    int fewest = FACTS_FEW;

    for (size_t i = 0; i < s->n_entries; i++) {
        const struct entry *x = &s->entries[i];
        if (!isnan(entry_reading(x, "knowledge_bits").value) && x->n >= 0 && x->n < fewest)
            fewest = x->n;
    }
    if (fewest < FACTS_FEW)
        report_warning(s->report, "Only %d facts were asked (the bank has %d). The weights behind "
                                  "the bits are fitted on the facts asked, so with fewer than %d "
                                  "of them bits are too low and may be negative: ask more (eval "
                                  "--tasks facts without --limit) before comparing models by "
                                  "them.", fewest, s->bank_items, FACTS_FEW);
}

void warnings(struct summary *s)
{
    warn_about_noise(s);
    warn_about_few_facts(s);
    if (s->n_left_out)
        report_warning(s->report, "%zu %s not in these numbers because %s did not end; see Runs.",
                       s->n_left_out, s->n_left_out == 1 ? "run is" : "runs are",
                       s->n_left_out == 1 ? "it" : "they");
}

/* --- method ------------------------------------------------------------------------------- */

static int uses_numerics(const struct summary *s, const char *prefix, const char **id)
{
    for (size_t i = 0; i < s->n; i++) {
        const char *numerics = s->runs[i].run->numerics_id;
        if (numerics && strncmp(numerics, prefix, strlen(prefix)) == 0) {
            *id = numerics;
            return 1;
        }
    }
    return 0;
}

static void numerics_text(struct summary *s)
{
    const char *id;

    if (uses_numerics(s, "exact/", &id))
        report_text(s->report, "Numerics %s: float32 sums in a fixed order. The same file gives "
                               "the same bits for any batch, order, number of threads and "
                               "instruction set.", id);
    if (uses_numerics(s, "fast/", &id))
        report_text(s->report, "Numerics %s: activations rounded to 8 bits per block of weights, "
                               "integer sums. As reproducible as exact, and a different model in "
                               "the last digits.", id);
    for (enum numerics n = NUMERICS_EXACT; n <= NUMERICS_FAST; n++)
        for (enum kv_type kv = KV_F32 + 1; kv < KV_TYPES; kv++)
            if (uses_numerics(s, numerics_id(n, kv), &id))
                report_text(s->report, "Numerics %s: as %s, with keys and values kept in %s and "
                                       "rounded to that: as reproducible, and another model in the "
                                       "last digits.", id, numerics_id(n, KV_F32),
                            kv == KV_F16 ? "16 bits" : "8 bits per block of 32");
}

static void facts_text(struct summary *s)
{
    if (!s->bank_items)
        return;
    report_text(s->report, "Bits of knowledge: each fact offers up to 16 answers of its kind in "
                           "three phrasings, about the subject and about a neutral one. Three "
                           "weights per language (calibration, popularity of the answer, its "
                           "length) are fitted on four fifths of the subjects and applied to the "
                           "rest; the bits of a fact are log2 of the answers plus log2 of the "
                           "right one's probability. Nothing is clipped. Accuracy on facts is how "
                           "often the right answer is the likeliest. Bank of this program: version "
                           "%d, %d items, SHA-256 %s.",
                FACTS_VERSION, s->bank_items, s->bank_sha256);
    for (size_t i = 0; i < s->n_entries; i++) {
        const struct entry *x = &s->entries[i];
        if (!isnan(entry_reading(x, "knowledge_bits").value) && !asked_by_bank(s, x))
            report_text(s->report, "Run %s asked another bank (version %d, SHA-256 %s): its bits "
                                   "are as they were stored, and are not to be compared with those "
                                   "of this program's bank.",
                        x->run->run->id, x->row->version,
                        x->row->data_sha256 ? x->row->data_sha256 : "unknown");
    }
}

void method(struct summary *s)
{
    struct report *r = s->report;

    report_section(r, "Method");
    if (s->n_entries)
        report_text(r, "Tasks follow lm-evaluation-harness: a log-likelihood is the sum over the "
                       "tokens of the continuation given all before it (nats), the likeliest "
                       "option is the answer, text is generated greedily, cut at the stop strings "
                       "and compared by the task's filters. Every item is stored with its "
                       "likelihoods, and its accuracy, latency and memory come from the same run.");
    facts_text(s);
    if (s->densities.n)
        density_method(r, &s->densities);
    report_text(r, "Intervals cover 95 %%. Shares of right answers: Wilson's score interval; "
                   "pooled groups and imported scores: 1.96 standard errors; perplexities: "
                   "percentiles of a bootstrap over documents; bits of knowledge: percentiles of a "
                   "bootstrap over subjects within relations; latencies and speeds: order "
                   "statistics of the median, which cover less with fewer than 6 samples. Sizes "
                   "and peak memory have none.");
    numerics_text(s);
    if (s->n_entries)
        asked_table(s);
}

/* --- machine ------------------------------------------------------------------------------ */

static void machine_facts(struct summary *s, const struct shown_run *shown)
{
    static const char *const keys[][2] = {
        {"cpu", "Processor"}, {"logical_cpus", "Logical processors"}, {"memory_bytes", "Memory"},
        {"l2_cache", "Second-level cache"}, {"l3_cache", "Third-level cache"},
        {"governor", "Frequency governor"}, {"virtual_machine", "Virtual machine"},
        {"kernel", "Kernel"}, {"compiler", "Compiler"}, {"program", "Program"}};
    struct report *r = s->report;
    char bytes[32];

    report_fact(r, "Machine", shown->run->machine_name);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const cJSON *v = json_get(shown->machine, keys[i][0]);
        const char *text = cJSON_IsString(v) ? v->valuestring : NULL;
        if (cJSON_IsNumber(v) && strcmp(keys[i][0], "memory_bytes") == 0) {
            format_bytes(bytes, sizeof bytes, v->valuedouble);
            text = bytes;
        } else if (text && strstr(keys[i][0], "_cache")) { /* the kernel says 512K */
            text = report_fmt(r, "%.*s %siB", (int)strspn(text, "0123456789"), text,
                              text + strspn(text, "0123456789"));
        } else if (cJSON_IsNumber(v)) {
            text = report_fmt(r, "%.15g", v->valuedouble);
        }
        report_fact(r, keys[i][1], text);
    }
}

static int first_with_machine(const struct summary *s, size_t i)
{
    const char *hash = s->runs[i].run->machine_hash;

    for (size_t k = 0; k < i && hash; k++)
        if (s->runs[k].run->machine_hash && strcmp(s->runs[k].run->machine_hash, hash) == 0)
            return 0;
    return hash != NULL;
}

static void noise_row(struct summary *s, void *user, const struct shown_run *r, const char *test,
                      const cJSON *noise)
{
    static const char *const words[] = {NULL, "yes", "no"};
    struct report_cell *row;
    double before = json_num(json_get(noise, "before"), "load_1min", NAN);

    if (!noise)
        return;
    row = report_row(s->report, user);
    report_cell_text(s->report, row, 0, r->run->id);
    report_cell_text(s->report, row, 1, test ? test : "whole run");
    report_cell_text(s->report, row, 2, words[quietness(noise)]);
    report_cell_value(row, 3, json_num(noise, "cpu_pressure_share", NAN), NAN, NAN);
    report_cell_value(row, 4, json_num(noise, "steal_share", NAN), NAN, NAN);
    report_cell_value(row, 5, json_num(noise, "swapped_pages", NAN), NAN, NAN);
    report_cell_value(row, 6, before, NAN, NAN);
    report_cell_text(s->report, row, 7,
                     quietness(noise) == QUIETNESS_NO ? noise_reasons(noise) : NULL);
}

static void noise_table(struct summary *s)
{
    const struct report_column columns[] = {
        {"run", "run", NULL, 9},
        {"test", "measurement", NULL, 8},
        {"quiet", "quiet", NULL, 7},
        {"cpu_pressure_share", "processor pressure", metric_find("cpu_pressure_share"), 6},
        {"steal_share", "stolen time", metric_find("steal_share"), 4},
        {"swapped_pages", "swapped pages", metric_find("swapped_pages"), 3},
        {"load_1min", "load before", metric_find("load_1min"), 5},
        {"reasons", "why not quiet", NULL, 1},
    };
    struct report_table *t = report_table(s->report, "noise", "How quiet the machine was", columns,
                                          sizeof columns / sizeof columns[0]);

    each_noise(s, noise_row, t);
}

void machines(struct summary *s)
{
    struct noise_count n = {0};

    report_section(s->report, "Machine");
    for (size_t i = 0; i < s->n; i++)
        if (first_with_machine(s, i))
            machine_facts(s, &s->runs[i]);
    each_noise(s, count_one, &n);
    if (n.known)
        noise_table(s);
    else
        report_text(s->report, "How quiet the machine was is unknown: no run recorded it.");
}

/* --- runs --------------------------------------------------------------------------------- */

static void runs_table(struct summary *s)
{
    const struct report_column columns[] = {
        {"run", "run", NULL, 9},          {"label", "label", NULL, 4},
        {"kind", "kind", NULL, 6},        {"model", "model", NULL, 8},
        {"created", "created", NULL, 7},    {"numerics", "numerics", NULL, 5},
        {"kernels", "kernels", NULL, 3},  {"device", "device", NULL, 2},
        {"threads", NULL, metric_find("threads"), 3}, {"items", NULL, metric_find("items"), 5},
        {"machine", "machine", NULL, 1},
    };
    struct report *r = s->report;
    struct report_table *t = report_table(r, "runs", "Runs in this report", columns,
                                          sizeof columns / sizeof columns[0]);

    for (size_t i = 0; i < s->n; i++) {
        const struct run_row *run = s->runs[i].run;
        const char *texts[] = {run->id, run->label, run->kind, s->runs[i].model, run->created,
                               run->numerics_id, run->kernels, run->device};
        struct report_cell *row = report_row(r, t);
        for (int c = 0; c < 8; c++)
            report_cell_text(r, row, c, texts[c]);
        report_cell_value(row, 8, run->threads > 0 ? run->threads : NAN, NAN, NAN);
        report_cell_value(row, 9, run->n_expected > 0 ? run->n_items : NAN, NAN, NAN);
        report_cell_text(r, row, 10, run->machine_name);
    }
    if (t)
        t->note = report_str(r, "'densimeter show RUN' prints a run's numbers, 'densimeter items "
                                "RUN' every item behind them.");
}

static void left_out_table(struct summary *s)
{
    const struct report_column columns[] = {
        {"run", "run", NULL, 9},          {"status", "status", NULL, 8},
        {"model", "model", NULL, 7},      {"items", "items kept", metric_find("items"), 6},
        {"expected", "of", metric_find("items"), 5}, {"created", "created", NULL, 4},
        {"error", "error", NULL, 3},
    };
    struct report *r = s->report;
    struct report_table *t = report_table(r, "left_out", "Runs that did not end", columns,
                                          sizeof columns / sizeof columns[0]);

    for (size_t i = 0; i < s->n_left_out; i++) {
        const struct run_row *run = s->left_out[i];
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, run->id);
        report_cell_text(r, row, 1, run->status);
        report_cell_text(r, row, 2, run->model.name);
        report_cell_value(row, 3, run->n_items, NAN, NAN);
        report_cell_value(row, 4, run->n_expected, NAN, NAN);
        report_cell_text(r, row, 5, run->created);
        report_cell_text(r, row, 6, run->error);
    }
    if (t)
        t->note = report_str(r, "None of their numbers is in this report. The same command line "
                                "goes on with an interrupted run.");
}

static void origin(struct summary *s, const struct run_row *run)
{
    report_run_fact(s->report, run->id, report_fmt(s->report, "Run %s", run->id),
                    run->source ? run->source : run->command_line);
}

static int first_with_file(const struct summary *s, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (by_model(&s->runs[k], &s->runs[i]) == 0)
            return 0;
    return s->runs[i].run->model.sha256 != NULL;
}

/* Where every number can be found again: runs, the command lines behind them, SHA-256 digests. */
void runs_section(struct summary *s)
{
    report_section(s->report, "Runs");
    runs_table(s);
    if (s->n_left_out)
        left_out_table(s);
    for (size_t i = 0; i < s->n; i++)
        origin(s, s->runs[i].run);
    for (size_t i = 0; i < s->n_left_out; i++)
        origin(s, s->left_out[i]);
    for (size_t i = 0; i < s->n; i++)
        if (first_with_file(s, i))
            report_fact(s->report, "Model file",
                        report_fmt(s->report, "%s %s", s->runs[i].model,
                                   s->runs[i].run->model.sha256));
    for (size_t i = 0; i < s->n_entries; i++)
        if ((!i || s->entries[i - 1].rank != s->entries[i].rank) && s->entries[i].row->data_sha256)
            report_fact(s->report, "Task data",
                        report_fmt(s->report, "%s %s", s->entries[i].condition,
                                   s->entries[i].row->data_sha256));
}
