/* recipes.h -- recipes that rows of table.c name and other files hold: private to tasks/. */
#ifndef TASKS_RECIPES_H
#define TASKS_RECIPES_H

#include "tasks/recipe.h"

/* recipes_code.c: programs that are run */
extern const struct recipe recipe_humaneval, recipe_humaneval_64, recipe_mbpp;
/* recipes_questions.c */
extern const struct recipe recipe_arc, recipe_openbookqa, recipe_commonsenseqa, recipe_hellaswag,
    recipe_piqa, recipe_winogrande, recipe_boolq, recipe_sciq, recipe_mmlu, recipe_cmmlu,
    recipe_lambada, recipe_gsm8k, recipe_nq_open, recipe_triviaqa, recipe_truthfulqa_mc1,
    recipe_truthfulqa_mc2, recipe_hendrycks_math, recipe_math500, recipe_stories, recipe_wikitext,
    recipe_windows, recipe_prose_text, recipe_gsm8k_cot, recipe_gsm8k_cot_zeroshot, recipe_ceval,
    recipe_copa, recipe_social_iqa, recipe_mmlu_pro, recipe_leaderboard_mmlu_pro,
    recipe_squad_completion, recipe_c4;
/* bbh.c: with examples, and without any for each kind of answer */
extern const struct recipe recipe_bbh, recipe_bbh_cot, recipe_bbh_zero_boolean,
    recipe_bbh_aloud_boolean, recipe_bbh_zero_yes_no, recipe_bbh_aloud_yes_no,
    recipe_bbh_zero_choice, recipe_bbh_aloud_choice, recipe_bbh_zero_brackets,
    recipe_bbh_aloud_brackets, recipe_bbh_zero_validity, recipe_bbh_aloud_validity,
    recipe_bbh_zero_number, recipe_bbh_aloud_number, recipe_bbh_zero_plausible,
    recipe_bbh_aloud_plausible, recipe_bbh_zero_truth, recipe_bbh_aloud_truth,
    recipe_bbh_zero_words, recipe_bbh_aloud_words;
/* recipes_leaderboard.c */
extern const struct recipe recipe_leaderboard_bbh_2, recipe_leaderboard_bbh_3,
    recipe_leaderboard_bbh_4, recipe_leaderboard_bbh_5, recipe_leaderboard_bbh_6,
    recipe_leaderboard_bbh_7, recipe_leaderboard_bbh_11, recipe_leaderboard_bbh_18,
    recipe_leaderboard_bbh_truth, recipe_leaderboard_bbh_yes_no,
    recipe_leaderboard_bbh_validity, recipe_leaderboard_bbh_plausible,
    recipe_leaderboard_bbh_count, recipe_leaderboard_musr, recipe_leaderboard_gpqa,
    recipe_leaderboard_math_hard;
/* recipes_olmes.c */
extern const struct recipe recipe_olmes_arc_easy_mc, recipe_olmes_arc_easy_cf,
    recipe_olmes_arc_challenge_mc, recipe_olmes_arc_challenge_cf, recipe_olmes_boolq_mc,
    recipe_olmes_boolq_cf, recipe_olmes_commonsense_qa_mc, recipe_olmes_commonsense_qa_cf,
    recipe_olmes_hellaswag_mc, recipe_olmes_hellaswag_cf, recipe_olmes_openbookqa_mc,
    recipe_olmes_openbookqa_cf, recipe_olmes_piqa_mc, recipe_olmes_piqa_cf,
    recipe_olmes_social_iqa_mc, recipe_olmes_social_iqa_cf, recipe_olmes_winogrande_mc,
    recipe_olmes_winogrande_cf, recipe_olmes_mmlu_mc, recipe_olmes_mmlu_cf;
/* recipes_ifeval.c */
extern const struct recipe recipe_ifeval;
/* needle.c */
extern const struct recipe recipe_needle_4k, recipe_needle_16k, recipe_needle_64k,
    recipe_needle_keys_4k, recipe_needle_keys_16k, recipe_needle_keys_64k,
    recipe_needle_values_4k, recipe_needle_values_16k, recipe_needle_values_64k,
    recipe_needle_chain_4k, recipe_needle_chain_16k, recipe_needle_chain_64k;
/* longtext.c */
extern const struct recipe recipe_common_words_4k, recipe_common_words_16k, recipe_common_words_64k,
    recipe_frequent_words_4k, recipe_frequent_words_16k, recipe_frequent_words_64k,
    recipe_qa_distractors_4k, recipe_qa_distractors_16k, recipe_qa_distractors_64k;
/* drop.c */
extern const struct recipe recipe_drop;

#endif
