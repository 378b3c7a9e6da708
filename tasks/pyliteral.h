/* pyliteral.h -- ast.literal_eval and str(): Python values as text, and back.
 *
 * lm-eval's templates write lists as Python prints them and read them again.  Values are JSON
 * trees (json_free); tuples become lists.  The text is hostile: nesting is bounded. */
#ifndef TASKS_PYLITERAL_H
#define TASKS_PYLITERAL_H

#include <stddef.h>

#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"

/* NULL with e when the text is not one literal (sets, bytes and complex numbers are refused). */
cJSON *pyliteral_parse(const char *s, size_t n, struct err *e);

void py_str(struct strbuf *out, const cJSON *v);  /* str(v): a text is itself */
void py_repr(struct strbuf *out, const cJSON *v); /* repr(v): a text is in quotes */

#endif
