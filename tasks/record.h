/* record.h -- what readers of records (read*.c) take from them: private to tasks/.
 *
 * After the first failure every function does nothing and returns what is harmless, so that a
 * reader is a straight line; the failure is in the record's err with the record's file and line. */
#ifndef TASKS_RECORD_H
#define TASKS_RECORD_H

#include "tasks/recipe.h"

enum { CHOICES_MAX = 26, ANSWERS_MAX = 1024 };

void record_fail(struct record *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
void record_no_memory(struct record *r);

/* A member that has to be a text; "" after a failure. */
const char *record_string(struct record *r, const cJSON *object, const char *key);
const char *record_field(struct record *r, const char *key); /* of the record itself */
/* An array of 1 to `most` texts: how many, 0 after a failure. */
int record_strings(struct record *r, const cJSON *object, const char *key, const char **out,
                   int most);
/* A label from `base` on as an index into n choices; data sets write it as a number or as text. */
int record_index(struct record *r, const char *key, int base, int n);
/* A letter from A on as an index into n choices. */
int record_letter(struct record *r, const char *key, int n);
/* "choices": {"text": [...], "label": [...]} and "answerKey", one of the labels: the texts in
 * out[CHOICES_MAX], and the document's gold. */
void record_labelled(struct record *r, const char **out, int *n);

/* Texts that live as long as the document. */
const char *record_text(struct record *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *record_keep(struct record *r, struct strbuf *b); /* what was built; releases b */
const char *record_copy(struct record *r, struct span s);
const char *record_strip(struct record *r, const char *s);
const char *const *record_list(struct record *r, const char *const *texts, int n);

/* Set the document's, copied. */
void record_choices(struct record *r, const char *const *texts, int n);
void record_target(struct record *r, const char *s);
void record_targets(struct record *r, const char *key);

#endif
