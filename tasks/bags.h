/* bags.h -- DROP's comparison of answers as bags of words (drop.c): private to tasks/. */
#ifndef TASKS_BAGS_H
#define TASKS_BAGS_H

#include "base/json.h"
#include "base/strbuf.h"

/* Appends the span as it is compared: small letters, no articles or punctuation, numbers as Python
 * prints them, one blank between words. */
void bag_normalize(struct strbuf *out, const char *span);
/* F1 of the sets of words of two normalised spans; 0 where `want` has numbers and shares none. */
int bag_f1(const char *got, const char *want, double *f1, struct err *e);

/* A text against the answers of a record; `where` names the record in errors. */
int drop_compare(const cJSON *record, const char *where, const char *text, double *em, double *f1,
                 struct err *e);

#endif
