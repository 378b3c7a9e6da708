/* explain.h -- what lies behind a task's score, from its stored items.
 *
 * Of choices: how well the model knows when it is right (expected calibration error, Brier score,
 * accuracy of the surer half; evaluation.md 1), and whether it prefers a place.  Of generated
 * texts: how many are empty, go round in circles, or are in another script than the answer.  These
 * are indicators, not verdicts.  Pure but for the memory it takes. */
#ifndef HARNESS_EXPLAIN_H
#define HARNESS_EXPLAIN_H

#include "base/err.h"
#include "harness/stats_proportion.h"
#include "results/query.h"

enum { EXPLAIN_PLACES = 8, EXPLAIN_LABELS = 12 };

struct explained {
    int n_choice; /* items with options */
    double accuracy, confidence; /* mean; confidence: softmax of the options' log-likelihoods */
    struct calibration calibration; /* 10 bins */
    double surer_half; /* accuracy of the half of the items that the model is surest of */
    int n_places; /* of options; later ones are in the last */
    double chosen[EXPLAIN_PLACES], right[EXPLAIN_PLACES]; /* shares of items, by place */
    int n_text; /* items with an output */
    double empty, repeating; /* shares */
    int n_script; /* outputs of which both the answer and they have a script */
    double drifting; /* share of those */
    /* Answers that are few: how often label g was answered with label p; the last column is what is
     * none of them.  n_labels 0: too many. */
    int n_labels, confusion[EXPLAIN_LABELS][EXPLAIN_LABELS + 1];
    char labels[EXPLAIN_LABELS][48];
};

int explain_task(struct store *s, const char *run_id, const char *task, struct explained *out,
                 struct err *e);

/* 1 when most of a text's runs of four words (four characters of CJK) have been there before. */
int text_repeats(const char *text);
enum script { SCRIPT_NONE, SCRIPT_LATIN, SCRIPT_CJK, SCRIPT_OTHER };
/* That of most letters; SCRIPT_NONE of fewer than three. */
enum script text_script(const char *text);

#endif
