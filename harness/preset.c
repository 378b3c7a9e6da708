#include "harness/preset.h"

#include <string.h>

#include "base/strbuf.h"

/* Hugging Face's first leaderboard (2023-2024): lm-eval's group `openllm`; of MMLU the mean of its
 * subjects' scores was published. */
static const struct preset_part open_llm_v1[] = {
    {"arc_challenge", 25, 1, "acc_norm", NULL, 0, 0, NULL, NULL},
    {"hellaswag", 10, 1, "acc_norm", NULL, 0, 0, NULL, NULL},
    {"mmlu", 5, 0, "acc", NULL, 1, 0, NULL, NULL},
    {"truthfulqa_mc1", 0, 0, "acc", NULL, 0, 0, NULL, NULL},
    {"truthfulqa_mc2", 0, 0, "acc", NULL, 0, 0, NULL, NULL},
    {"winogrande", 5, 1, "acc", NULL, 0, 0, NULL, NULL},
    {"gsm8k", 5, 0, "exact_match", NULL, 0, 0, NULL, NULL},
    {0},
};
/* The second (2024-2025), lm-eval's group `leaderboard`; how its scores are normalised is on the
 * leaderboard's page "Scores normalization". */
static const struct preset_part open_llm_v2[] = {
    {"ifeval", 0, 0, "prompt_level_strict_acc", "inst_level_strict_acc", 0, 0, NULL, NULL},
    {"leaderboard_bbh", 3, 0, "acc_norm", NULL, 1, PRESET_OWN, NULL, NULL},
    {"leaderboard_math_hard", 4, 0, "exact_match", NULL, 0, 0, NULL, NULL},
    {"leaderboard_gpqa", 0, 0, "acc_norm", NULL, 0, 0.25, NULL, NULL},
    {"leaderboard_musr", 0, 0, "acc_norm", NULL, 1, PRESET_OWN, NULL, NULL},
    {"leaderboard_mmlu_pro", 5, 0, "acc", NULL, 0, 0.1, NULL, NULL},
    {0},
};
/* OLMES (Gu et al. 2024): every task by letter and by text, the better of the two; by text as it
 * found best for each.  Of MMLU the mean of its subjects' scores. */
#define BETTER(task, by_task, metric)                                                              \
    {"olmes_" task "_mc", 5, 0, "acc", NULL, by_task, 0, "olmes_" task "_cf", metric}
static const struct preset_part olmes[] = {
    BETTER("arc_challenge", 0, "acc_mutual_info"),
    BETTER("arc_easy", 0, "acc_per_char"),
    BETTER("boolq", 0, "acc"),
    BETTER("commonsense_qa", 0, "acc_mutual_info"),
    BETTER("hellaswag", 0, "acc_per_char"),
    BETTER("mmlu", 1, "acc_per_char"),
    BETTER("openbookqa", 0, "acc_mutual_info"),
    BETTER("piqa", 0, "acc_per_char"),
    BETTER("social_iqa", 0, "acc_per_char"),
    BETTER("winogrande", 0, "acc"),
    {0},
};
static const struct preset presets[] = {
    {"open_llm_v1", "Open LLM Leaderboard, 2023 to 2024: all six benchmarks", open_llm_v1, NULL, 0},
    {"open_llm_v2", "Open LLM Leaderboard, 2024 to 2025: all six, normalised", open_llm_v2,
     "leaderboard_", 1},
    {"olmes", "OLMES, 2024: ten benchmarks, each by letter and by text", olmes, "olmes_", 0},
};

/* One of so many choices. */
static const struct {
    const char *task;
    int choices;
} guesses[] = {
    {"leaderboard_bbh_boolean_expressions", 2},
    {"leaderboard_bbh_causal_judgement", 2},
    {"leaderboard_bbh_date_understanding", 6},
    {"leaderboard_bbh_disambiguation_qa", 3},
    {"leaderboard_bbh_formal_fallacies", 2},
    {"leaderboard_bbh_geometric_shapes", 11},
    {"leaderboard_bbh_hyperbaton", 2},
    {"leaderboard_bbh_logical_deduction_five_objects", 5},
    {"leaderboard_bbh_logical_deduction_seven_objects", 7},
    {"leaderboard_bbh_logical_deduction_three_objects", 3},
    {"leaderboard_bbh_movie_recommendation", 6},
    {"leaderboard_bbh_navigate", 2},
    {"leaderboard_bbh_object_counting", 19},
    {"leaderboard_bbh_penguins_in_a_table", 5},
    {"leaderboard_bbh_reasoning_about_colored_objects", 18},
    {"leaderboard_bbh_ruin_names", 6},
    {"leaderboard_bbh_salient_translation_error_detection", 6},
    {"leaderboard_bbh_snarks", 2},
    {"leaderboard_bbh_sports_understanding", 2},
    {"leaderboard_bbh_temporal_sequences", 4},
    {"leaderboard_bbh_tracking_shuffled_objects_five_objects", 5},
    {"leaderboard_bbh_tracking_shuffled_objects_seven_objects", 7},
    {"leaderboard_bbh_tracking_shuffled_objects_three_objects", 3},
    {"leaderboard_bbh_web_of_lies", 2},
    {"leaderboard_musr_murder_mysteries", 2},
    {"leaderboard_musr_object_placements", 5},
    {"leaderboard_musr_team_allocation", 3},
};

double preset_chance(const char *task)
{
    for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++)
        if (strcmp(guesses[i].task, task) == 0)
            return 1.0 / guesses[i].choices;
    return 0;
}

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

int preset_word_is(const char *word, const char *task)
{
    const struct task_info *t = task_info_find(task);

    return word && (strcmp(word, task) == 0 || (t && t->group && strcmp(word, t->group) == 0));
}

const struct preset_part *preset_part_of(const struct preset *p, const char *task)
{
    for (const struct preset_part *part = p->parts; part->word; part++)
        if (preset_word_is(part->word, task) || preset_word_is(part->or_word, task))
            return part;
    return NULL;
}

const char *preset_metric(const struct preset_part *part, const char *task)
{
    return preset_word_is(part->or_word, task) ? part->or_metric : part->metric;
}
