#include "base/metric.h"

#include <stddef.h>
#include <string.h>

static const struct metric metrics[] = {
    {"parameters", "parameters", "", BETTER_NEITHER, "all parameters of the model"},
    {"parameters_non_embedding", "parameters without embedding", "", BETTER_NEITHER,
     "parameters without the embedding and output tables"},
    {"parameters_active", "active parameters", "", BETTER_NEITHER,
     "parameters that one token uses"},
    {"file_bytes", "file size", "B", BETTER_LOWER, "bytes of the weight file"},
    {"bits_per_weight", "bits per weight", "bit", BETTER_LOWER, "8 * tensor bytes / parameters"},
    {"acc", "accuracy", "", BETTER_HIGHER, "share of items whose likeliest option is right"},
    {"acc_change", "change in accuracy", "points", BETTER_HIGHER,
     "candidate less baseline, in points of a hundred"},
    {"table_row", "row of the table", "", BETTER_NEITHER, "counted from below"},
    {"acc_norm", "accuracy per character", "", BETTER_HIGHER,
     "as acc, log-likelihoods divided by the option's characters"},
    {"acc_bytes", "accuracy per byte", "", BETTER_HIGHER,
     "as acc, log-likelihoods divided by the option's UTF-8 bytes"},
    {"acc_in_time", "accuracy in time", "", BETTER_HIGHER,
     "as acc, items that took longer than the task's deadline counted as missed"},
    {"credit", "credit", "", BETTER_HIGHER, "mean credit, parts of an answer counted"},
    {"well_formed", "well formed", "", BETTER_HIGHER,
     "share of outputs in which something of the right form was found"},
    {"threshold", "threshold", "", BETTER_NEITHER, "what the task demands of the metric it names"},
    {"exact_match", "exact match", "", BETTER_HIGHER, "share of answers equal to the expected one"},
    {"pass@1", "pass@1", "", BETTER_HIGHER, "share of programs that pass their tests"},
    {"pass_at_1", "pass@1", "", BETTER_HIGHER, "the same, under the name that mbpp gives it"},
    {"pass@2", "pass@2", "", BETTER_HIGHER, "chance that of 2 programs one passes"},
    {"pass@8", "pass@8", "", BETTER_HIGHER, "chance that of 8 programs one passes"},
    {"pass@16", "pass@16", "", BETTER_HIGHER, "chance that of 16 programs one passes"},
    {"pass@32", "pass@32", "", BETTER_HIGHER, "chance that of 32 programs one passes"},
    {"pass@64", "pass@64", "", BETTER_HIGHER, "chance that of 64 programs one passes"},
    {"perplexity", "perplexity", "", BETTER_LOWER, "exp of the mean negative log-likelihood"},
    {"word_perplexity", "word perplexity", "", BETTER_LOWER, "perplexity per word of the text"},
    {"byte_perplexity", "byte perplexity", "", BETTER_LOWER, "perplexity per byte of the text"},
    {"bits_per_byte", "bits per byte", "bit", BETTER_LOWER,
     "negative log2-likelihood per byte of the text"},
    {"knowledge_bits", "knowledge", "bit", BETTER_HIGHER,
     "bits of knowledge over the whole bank of facts"},
    {"bits_per_fact", "knowledge per fact", "bit", BETTER_HIGHER,
     "mean bits of knowledge per fact"},
    {"knowledge_share", "share of the knowable", "", BETTER_HIGHER,
     "bits of knowledge over the most that the bank could give"},
    {"bits_per_mparam", "knowledge per million parameters", "bit", BETTER_HIGHER,
     "knowledge_bits / (parameters / 1e6)"},
    {"bits_per_mparam_non_embedding", "knowledge per million parameters without embedding", "bit",
     BETTER_HIGHER, "knowledge_bits / (parameters_non_embedding / 1e6)"},
    {"bits_per_mparam_active", "knowledge per million active parameters", "bit", BETTER_HIGHER,
     "knowledge_bits / (parameters_active / 1e6)"},
    {"bits_per_mbyte", "knowledge per megabyte", "bit", BETTER_HIGHER,
     "knowledge_bits / (file bytes / 1e6)"},
    {"items", "items", "", BETTER_NEITHER, "items that a number is over"},
    {"night", "night", "", BETTER_NEITHER, "nights of a plan in order"},
    {"shots", "shots", "", BETTER_NEITHER, "examples before the question"},
    {"threads", "threads", "", BETTER_NEITHER, "worker threads"},
    {"latency_s", "latency", "s", BETTER_LOWER, "wall time of one item"},
    {"wall_s", "wall time", "s", BETTER_LOWER, "wall time of the whole task"},
    {"latency_median_s", "median latency", "s", BETTER_LOWER, "median wall time of a task's items"},
    {"latency_low_s", "median latency, low", "s", BETTER_LOWER,
     "lower end of the median's 95 % interval by order statistics"},
    {"latency_high_s", "median latency, high", "s", BETTER_LOWER, "its upper end"},
    {"ttft_s", "time to first token", "s", BETTER_LOWER, "from the request to its first token"},
    {"tpot_s", "time per output token", "s", BETTER_LOWER, "mean time between later tokens"},
    {"tok_s", "speed", "tok/s", BETTER_HIGHER, "tokens per second"},
    {"prompt_tokens", "prompt tokens", "", BETTER_NEITHER, "tokens of the requests as asked"},
    {"computed_tokens", "computed tokens", "", BETTER_LOWER, "tokens that went through the model"},
    {"reused_tokens", "reused tokens", "", BETTER_HIGHER, "tokens whose state was shared"},
    {"generated_tokens", "generated tokens", "", BETTER_NEITHER, "tokens sampled"},
    {"peak_rss_bytes", "peak memory", "B", BETTER_LOWER, "peak resident set of the process"},
    {"energy_j", "energy", "J", BETTER_LOWER, "energy where a meter exists"},
    {"joule_per_token", "energy per token", "J", BETTER_LOWER, "energy_j / tokens"},
    {"cpu_pressure_share", "processor pressure", "", BETTER_LOWER,
     "share of the time in which somebody waited for a processor"},
    {"steal_share", "stolen time", "", BETTER_LOWER, "share of the time that the host took away"},
    {"swapped_pages", "swapped pages", "", BETTER_LOWER, "pages swapped in and out"},
    {"load_1min", "load", "", BETTER_LOWER, "mean number of runnable processes over a minute"},
    {"weights_bytes_per_token", "weights per token", "B", BETTER_LOWER,
     "bytes of weights that one decode step reads"},
    {"speed_ratio", "speed against a rival", "", BETTER_HIGHER,
     "the rival's time over ours, measured in alternation"},
    {"bandwidth_bytes_s", "weight bandwidth", "B/s", BETTER_HIGHER,
     "bytes of weights read per second of decode"},
};

const struct metric *metric_at(int i)
{
    return i >= 0 && (size_t)i < sizeof metrics / sizeof metrics[0] ? &metrics[i] : NULL;
}

const struct metric *metric_find(const char *name)
{
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++)
        if (strcmp(metrics[i].name, name) == 0)
            return &metrics[i];
    return NULL;
}
