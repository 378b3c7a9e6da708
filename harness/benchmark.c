#include "harness/benchmark.h"

#include <stddef.h>
#include <string.h>

static const struct benchmark benchmarks[] = {
    {"mmlu", "MMLU", PANEL_REASONING, 0.25, 14042, "mmlu"},
    {"mmlu_pro", "MMLU-Pro", PANEL_REASONING, 0.1, 12032, NULL},
    {"ceval", "C-Eval", PANEL_REASONING, 0.25, 12342, NULL},
    {"cmmlu", "CMMLU", PANEL_REASONING, 0.25, 11582, "cmmlu"},
    {"arc_easy", "ARC easy", PANEL_REASONING, 0.25, 2376, "arc_easy"},
    {"arc_challenge", "ARC challenge", PANEL_REASONING, 0.25, 1172, "arc_challenge"},
    {"bbh", "BIG-Bench Hard", PANEL_REASONING, 0.25, 6511, "bbh"},
    {"gsm8k", "GSM8K", PANEL_REASONING, 0, 1319, "gsm8k"},
    {"math", "MATH", PANEL_REASONING, 0, 5000, NULL},
    {"math500", "MATH-500", PANEL_REASONING, 0, 500, "math500"},
    {"humaneval", "HumanEval", PANEL_REASONING, 0, 164, "humaneval"},
    {"mbpp", "MBPP", PANEL_REASONING, 0, 500, "mbpp"},
    {"logiqa", "LogiQA", PANEL_REASONING, 0.25, 651, NULL},
    {"openbookqa", "OpenBookQA", PANEL_REASONING, 0.25, 500, "openbookqa"},
    {"hellaswag", "HellaSwag", PANEL_LANGUAGE, 0.25, 10042, "hellaswag"},
    {"winogrande", "WinoGrande", PANEL_LANGUAGE, 0.5, 1267, "winogrande"},
    {"piqa", "PIQA", PANEL_LANGUAGE, 0.5, 1838, "piqa"},
    {"siqa", "Social IQa", PANEL_LANGUAGE, 1.0 / 3, 1954, NULL},
    {"boolq", "BoolQ", PANEL_LANGUAGE, 0.5, 3270, "boolq"},
    {"commonsense_qa", "CommonsenseQA", PANEL_LANGUAGE, 0.2, 1221, "commonsenseqa"},
    {"lambada", "LAMBADA", PANEL_LANGUAGE, 0, 5153, "lambada_openai"},
    {"facts", "Bank of facts", PANEL_FACTS, 0.0625, 4547, "facts"}, /* mostly 16 candidates */
    {"sciq", "SciQ", PANEL_FACTS, 0.25, 1000, "sciq"},
    {"triviaqa", "TriviaQA", PANEL_FACTS, 0, 17944, "triviaqa"},
    {"ikp", "Incompressible Knowledge Probes", PANEL_FACTS, 0, 1400, NULL},
};

const struct benchmark *benchmark_at(int i)
{
    return i >= 0 && (size_t)i < sizeof benchmarks / sizeof *benchmarks ? &benchmarks[i] : NULL;
}

const struct benchmark *benchmark_find(const char *name)
{
    const struct benchmark *b;

    for (int i = 0; (b = benchmark_at(i)); i++)
        if (strcmp(b->name, name) == 0 || (b->task && strcmp(b->task, name) == 0))
            return b;
    return NULL;
}

const char *benchmark_panel_name(enum benchmark_panel p)
{
    static const char *const names[PANELS] = {"reasoning", "language", "facts"};
    return names[p];
}
