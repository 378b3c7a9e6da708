/* versus_lmeval.h -- two programs' answers to the same requests, side by side.  Pure. */
#ifndef HARNESS_VERSUS_LMEVAL_H
#define HARNESS_VERSUS_LMEVAL_H

#include <stddef.h>

#include "base/json.h"
#include "base/strbuf.h"

struct lmeval_answer { /* to one request */
    int item, option;  /* items in order; options from 0 */
    int gold;          /* the item's right option; -1: not known */
    double ours, theirs; /* nats */
    int ours_greedy, theirs_greedy; /* -1: not known */
};

struct lmeval_agreement {
    size_t requests, items;
    double largest, mean, rms; /* of ours less theirs, nats; NAN without a request */
    size_t greedy_known, greedy_same;
    size_t choices, choices_same; /* items of several options: the likeliest (first of equals) */
    size_t gold_known;
    double ours_right, theirs_right; /* of those */
};

/* Requests of an item follow each other. */
struct lmeval_agreement lmeval_agree(const struct lmeval_answer *v, size_t n);

void lmeval_agreement_text(struct strbuf *b, const char *model, const struct lmeval_agreement *a);
void lmeval_agreement_json(struct json_out *o, const struct lmeval_agreement *a); /* members */

#endif
