/* tags.c -- lm-eval's names for several tasks together, beside the group of a task's row. */
#include <string.h>

#include "tasks/task.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct task_tag tags[] = {
    {"mmlu_stem", "mmlu",
     WORDS("mmlu_abstract_algebra", "mmlu_anatomy", "mmlu_astronomy", "mmlu_college_biology",
           "mmlu_college_chemistry", "mmlu_college_computer_science", "mmlu_college_mathematics",
           "mmlu_college_physics", "mmlu_computer_security", "mmlu_conceptual_physics",
           "mmlu_electrical_engineering", "mmlu_elementary_mathematics", "mmlu_high_school_biology",
           "mmlu_high_school_chemistry", "mmlu_high_school_computer_science",
           "mmlu_high_school_mathematics", "mmlu_high_school_physics",
           "mmlu_high_school_statistics", "mmlu_machine_learning")},
    {"mmlu_other", "mmlu",
     WORDS("mmlu_business_ethics", "mmlu_clinical_knowledge", "mmlu_college_medicine",
           "mmlu_global_facts", "mmlu_human_aging", "mmlu_management", "mmlu_marketing",
           "mmlu_medical_genetics", "mmlu_miscellaneous", "mmlu_nutrition",
           "mmlu_professional_accounting", "mmlu_professional_medicine", "mmlu_virology")},
    {"mmlu_social_sciences", "mmlu",
     WORDS("mmlu_econometrics", "mmlu_high_school_geography",
           "mmlu_high_school_government_and_politics", "mmlu_high_school_macroeconomics",
           "mmlu_high_school_microeconomics", "mmlu_high_school_psychology", "mmlu_human_sexuality",
           "mmlu_professional_psychology", "mmlu_public_relations", "mmlu_security_studies",
           "mmlu_sociology", "mmlu_us_foreign_policy")},
    {"mmlu_humanities", "mmlu",
     WORDS("mmlu_formal_logic", "mmlu_high_school_european_history", "mmlu_high_school_us_history",
           "mmlu_high_school_world_history", "mmlu_international_law", "mmlu_jurisprudence",
           "mmlu_logical_fallacies", "mmlu_moral_disputes", "mmlu_moral_scenarios",
           "mmlu_philosophy", "mmlu_prehistory", "mmlu_professional_law", "mmlu_world_religions")},
    {"bbh_cot_fewshot", NULL, WORDS("bbh")},
    {"ai2_arc", NULL, WORDS("arc_easy", "arc_challenge")},
    {"leaderboard", NULL,
     WORDS("leaderboard_mmlu_pro", "leaderboard_bbh", "leaderboard_gpqa", "leaderboard_math_hard",
           "ifeval", "leaderboard_musr")},
};

const struct task_tag *task_tag_at(int i)
{
    return i >= 0 && (size_t)i < sizeof tags / sizeof tags[0] ? &tags[i] : NULL;
}

int task_tag_has(const struct task_tag *tag, const char *task)
{
    for (int i = 0; tag->words[i]; i++)
        if (strcmp(tag->words[i], task) == 0)
            return 1;
    return 0;
}
