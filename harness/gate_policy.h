/* gate_policy.h -- what a release must keep: limits and rules, read from a JSON file.
 *
 * One table of rows (gate_policy.c) is the parser, the schema and the file that --init writes.
 * Comments are members whose name begins with "_"; they are ignored anywhere.  Any other member
 * that is not in the table is refused with the nearest name and its line and column.
 *
 * Shares are shares (0.01 is one point), limits on times are relative (0.05 is 5 % more).  A limit
 * that is null is not checked; NAN here. */
#ifndef HARNESS_GATE_POLICY_H
#define HARNESS_GATE_POLICY_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/sha256.h"
#include "base/strbuf.h"
#include "harness/stats_multiple.h"

struct gate_names {
    const char **v;
    size_t n;
};

struct gate_task_rule { /* a task with rules of its own; NAN and NULL: as all tasks */
    const char *task, *metric, *filter;
    double margin, practical;
};

struct gate_policy {
    double alpha, power; /* alpha one-sided, over all looks together */
    int looks;           /* declared before the first look */
    int correction;      /* enum correction */
    int minimum_items;   /* of a task */
    double accuracy_margin, task_margin, accuracy_practical;
    double nats_margin, task_nats_margin, nats_practical; /* nats per byte */
    double latency_margin, latency_floor;
    double brief_s, brief_floor; /* also of energy */
    double memory_margin, memory_floor;
    double energy_margin, energy_floor;
    struct gate_names forbid, forbid_for_timing; /* keys of gate_env.h */
    int noisy;                                   /* enum gate_noisy */
    struct gate_task_rule *tasks;
    size_t n_tasks;
    const char *text; /* the file as read */
    char sha256[SHA256_HEX];
    struct arena arena;
};
enum gate_noisy { NOISY_INCONCLUSIVE, NOISY_INVALID, NOISY_IGNORED };

int gate_policy_read(struct gate_policy *out, const char *path, struct err *e);
/* name: for messages. */
int gate_policy_parse(struct gate_policy *out, const char *text, size_t n, const char *name,
                      struct err *e);
void gate_policy_release(struct gate_policy *p);
/* Each look's share of alpha. */
double gate_policy_alpha(const struct gate_policy *p);
const struct gate_task_rule *gate_policy_task(const struct gate_policy *p, const char *task);

void gate_policy_schema(struct strbuf *out);   /* JSON Schema, draft 2020-12 */
void gate_policy_template(struct strbuf *out); /* a policy with a comment on every member */

#endif
