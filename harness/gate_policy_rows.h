/* gate_policy_rows.h -- the members of a policy, for the two files that read and write one. */
#ifndef HARNESS_GATE_POLICY_ROWS_H
#define HARNESS_GATE_POLICY_ROWS_H

#include "harness/gate_policy.h"

#define POLICY_SCHEMA "densimeter.gate-policy/1"

enum policy_kind {
    KIND_SHARE,  /* a number within low..high */
    KIND_LIMIT,  /* the same, or null: not checked */
    KIND_COUNT,  /* a whole number */
    KIND_CHOICE, /* one of `words`, as its place among them */
    KIND_NAMES,  /* a list of texts */
};

/* fallback: what holds when the member is absent; NAN: not checked.  example: what --init
 * writes. */
struct policy_row {
    const char *section, *key;
    enum policy_kind kind;
    size_t offset;
    double low, high, fallback, example;
    const char *words; /* choices; names that --init writes */
    const char *help;
};

/* In order of the file; rows of a section follow each other.  Ends with a NULL key. */
extern const struct policy_row policy_rows[];
/* The numbers of a task's own rules, offsets in struct gate_task_rule; and its texts. */
extern const struct policy_row policy_task_rows[];
extern const char *const policy_task_texts[]; /* "metric", "filter", NULL */

int policy_same_section(const char *a, const char *b); /* NULL: the top */

#endif
