/* trend_series.c -- ways of asking that have enough models to see a trend in.  Chance of ARC
 * challenge is the level that small models really have (density.md 3.2). */
#include <stddef.h>
#include <string.h>

#include "harness/trend_impl.h"

#define OLL "Open LLM Leaderboard v1"

static const struct trend_series series[] = {
    {"mmlu", "mmlu", "MMLU, 5 shots, any evaluator", 5, NULL, NULL, "base", 0.25, 0.28, "qwen2.5",
     POOL_ALL | POOL_PAPER},
    {"mmlu-oll", "mmlu", "MMLU, 5 shots, Open LLM Leaderboard", 5, OLL, NULL, "base", 0.25, 0.28,
     "qwen1.5", 0},
    {"arc_challenge", "arc_challenge", "ARC challenge, 25 shots, Open LLM Leaderboard", 25, OLL,
     NULL, "base", 0.20, 0.23, "qwen1.5", POOL_ALL},
    {"gsm8k", "gsm8k", "GSM8K, 5 shots, Open LLM Leaderboard", 5, OLL, NULL, "base", 0, 0.03,
     "qwen1.5", POOL_ALL},
    {"hellaswag", "hellaswag", "HellaSwag, 10 shots, Open LLM Leaderboard", 10, OLL, NULL, "base",
     0.25, 0.28, "qwen1.5", POOL_ALL},
    {"winogrande", "winogrande", "WinoGrande, 5 shots, Open LLM Leaderboard", 5, OLL, NULL, "base",
     0.5, 0.53, "qwen1.5", POOL_ALL},
    {"bbh", "bbh", "BIG-Bench Hard, 3 shots with reasoning, any evaluator", 3, NULL, "logprobs",
     "base", 0.25, 0.28, "qwen2.5", POOL_ALL | POOL_PAPER},
    {"math", "math", "MATH, 4 shots, any evaluator", 4, NULL, NULL, "base", 0, 0.03, "qwen2.5",
     POOL_ALL | POOL_PAPER},
    {"humaneval", "humaneval", "HumanEval, 0 shots, any evaluator", 0, NULL, NULL, "base", 0, 0.03,
     "qwen2.5", POOL_ALL | POOL_PAPER},
    {"mbpp", "mbpp", "MBPP, 3 shots, any evaluator", 3, NULL, NULL, "base", 0, 0.03, "qwen3",
     POOL_ALL | POOL_PAPER},
    {"ikp", "ikp", "Incompressible Knowledge Probes (facts)", 0, NULL, NULL, NULL, 0, 0, "ikp",
     0},
};

/* Phi's makers write textbooks and exercises like the benchmarks' with a larger model and train on
 * them; how much of the benchmarks is in those has been asked ever since. */
const char trend_suspects[] = "Phi";

const struct trend_series *trend_series_at(int i)
{
    return i >= 0 && (size_t)i < sizeof series / sizeof *series ? &series[i] : NULL;
}

const char *trend_size_name(enum trend_size s)
{
    static const char *const names[SIZES] = {"total", "active", "sqrt", "non-embedding"};

    return names[s];
}
