#include "harness/preset.h"

#include <string.h>

#include "base/strbuf.h"

/* Hugging Face's first leaderboard (2023-2024): lm-eval's group `openllm`. */
static const struct preset_part open_llm_v1[] = {
    {"arc_challenge", 25, 1, "acc_norm"}, {"hellaswag", 10, 1, "acc_norm"},
    {"mmlu", 5, 0, "acc"},                {"truthfulqa_mc1", 0, 0, "acc"},
    {"truthfulqa_mc2", 0, 0, "acc"},      {"winogrande", 5, 1, "acc"},
    {"gsm8k", 5, 0, "exact_match"},       {NULL, 0, 0, NULL},
};
/* The second (2024-2025), lm-eval's group `leaderboard`, as far as its tasks are built in. */
static const struct preset_part open_llm_v2[] = {
    {"leaderboard_mmlu_pro", 5, 0, "acc"},
    {"ifeval", 0, 0, "prompt_level_strict_acc"},
    {NULL, 0, 0, NULL},
};
static const struct preset presets[] = {
    {"open_llm_v1", "Open LLM Leaderboard, 2023 to 2024: all six benchmarks", open_llm_v1},
    {"open_llm_v2", "Open LLM Leaderboard, 2024 to 2025: MMLU-Pro and IFEval of its six",
     open_llm_v2},
};

const struct preset *preset_at(int i)
{
    return i >= 0 && (size_t)i < sizeof presets / sizeof presets[0] ? &presets[i] : NULL;
}

const struct preset *preset_find(const char *name, struct err *e)
{
    struct strbuf names = STRBUF_INIT;
    const struct preset *p;

    for (int i = 0; (p = preset_at(i)) != NULL; i++) {
        if (strcmp(p->name, name) == 0) {
            strbuf_release(&names);
            return p;
        }
        strbuf_addf(&names, "%s%s", i ? ", " : "", p->name);
    }
    err_set(e, ERR_USAGE, "option --preset: %s is none", name);
    err_hint(e, "there are: %s", strbuf_str(&names));
    strbuf_release(&names);
    return NULL;
}

const struct preset_part *preset_part_of(const struct preset *p, const char *task)
{
    const struct task_info *t = task_info_find(task);

    for (const struct preset_part *part = p->parts; part->word; part++)
        if (strcmp(part->word, task) == 0 ||
            (t && t->group && strcmp(part->word, t->group) == 0))
            return part;
    return NULL;
}
