/* trend_series.c -- ways of asking that have enough models to see a trend in, and the rulers that
 * read them.  Chance of ARC challenge is the level that small models really have (density.md
 * 3.2). */
#include <stddef.h>
#include <string.h>

#include "harness/trend_impl.h"

#define OLL "Open LLM Leaderboard v1"
#define QWEN25 "Qwen2.5 report pipeline"
#define QWEN3 "Qwen3 report pipeline"

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

/* The five rows of density.md 4, and Qwen3's for what Qwen2.5's report lacks. */
static const struct trend_ruler rulers[] = {
    {"qwen2.5", "Qwen2.5 base, 0.5 to 32 B", "Qwen2.5", QWEN25, 4e10, 0, 0, 0, 0, 0, 0, 0},
    {"qwen1.5", "Qwen1.5 base, 0.5 to 110 B", "Qwen1.5", OLL, 2e11, 0, 0, 0, 0, 0, 0, 0},
    {"qwen3", "Qwen2.5 base, 0.5 to 72 B, in Qwen3's report", "Qwen2.5", QWEN3, 2e11, 0, 0, 0, 0,
     0, 0, 0},
    {"pythia", "Pythia, 70 M to 12 B", "Pythia", OLL, 2e10, 0, 0, 0, 0, 0, 0, 0},
    /* A = 0.159 log10(N / 1e9) + 0.242 over 93 open models (arXiv 2604.24827) */
    {"ikp", "93 open models, as published", NULL, NULL, 0, 0.159 / 2.302585092994046,
     0.242 - 0.159 * 9, NAN, 1, 93, 1, 1e15},
};

/* Phi's makers write textbooks and exercises like the benchmarks' with a larger model and train on
 * them; how much of the benchmarks is in those has been asked ever since. */
const char trend_suspects[] = "Phi";

const struct trend_series *trend_series_at(int i)
{
    return i >= 0 && (size_t)i < sizeof series / sizeof *series ? &series[i] : NULL;
}

const struct trend_ruler *trend_ruler_row(int i)
{
    return i >= 0 && (size_t)i < sizeof rulers / sizeof *rulers ? &rulers[i] : NULL;
}

const struct trend_ruler *trend_ruler_find(const char *name)
{
    const struct trend_ruler *r;

    for (int i = 0; (r = trend_ruler_row(i)); i++)
        if (strcmp(r->name, name) == 0)
            return r;
    return NULL;
}

const char *trend_ruler_name(int i)
{
    const struct trend_ruler *r = trend_ruler_row(i);

    return r ? r->name : NULL;
}

const char *trend_ruler_title(const char *name)
{
    const struct trend_ruler *r = trend_ruler_find(name);

    return r ? r->title : NULL;
}

const char *trend_size_name(enum trend_size s)
{
    static const char *const names[SIZES] = {"total", "active", "sqrt", "non-embedding"};

    return names[s];
}
