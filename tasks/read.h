/* read.h -- records of the data sets that we know to documents: one function each, private to
 * tasks/.  Each checks what it takes: a missing field, a label of the wrong type or outside its
 * choices fails with "file:line: ..." in the record's err. */
#ifndef TASKS_READ_H
#define TASKS_READ_H

#include "tasks/recipe.h"

void read_arc(struct record *r);
void read_openbookqa(struct record *r);
void read_commonsenseqa(struct record *r);
void read_hellaswag(struct record *r);
void read_piqa(struct record *r);
void read_winogrande(struct record *r);
void read_boolq(struct record *r);
void read_sciq(struct record *r);
void read_mmlu(struct record *r);
void read_cmmlu(struct record *r);
void read_lambada(struct record *r);
void read_gsm8k(struct record *r);
void read_nq_open(struct record *r);
void read_triviaqa(struct record *r);
void read_truthfulqa_mc1(struct record *r);
void read_truthfulqa_mc2(struct record *r);
void read_bbh(struct record *r);
void read_bbh_aloud(struct record *r);
void read_bbh_cot(struct record *r);
void read_hendrycks_math(struct record *r);
void read_math500(struct record *r);

/* HellaSwag's cleaning of markup, P in evaluation.md 3: appends.  The second does not double a
 * full stop that is there before a title. */
int hellaswag_clean(struct strbuf *out, const char *s, struct err *e);
int hellaswag_clean_once(struct strbuf *out, const char *s, struct err *e);

#endif
