/* pyregex.h -- Python's re.findall and re.sub for patterns that come from task files.
 *
 * Compiled by PCRE2 with Unicode classes after the few spellings that differ are rewritten (\Z,
 * \uXXXX, {,n}).  Both pattern and text may be hostile: a search gives up after a bounded number
 * of steps, which is an error.  A compiled pattern is read only; any thread may use it. */
#ifndef TASKS_PYREGEX_H
#define TASKS_PYREGEX_H

#include "base/err.h"
#include "base/strbuf.h"
#include "tasks/pytext.h"

struct pyregex;
int pyregex_open(struct pyregex **out, const char *pattern, struct err *e);
void pyregex_close(struct pyregex *p);
int pyregex_groups(const struct pyregex *p);

/* Calls use(user, groups, n) for every match from left to right, empty ones as Python counts them;
 * groups[0] is the whole match, a group that took no part is "".  use returns 1 to stop. */
int pyregex_each(const struct pyregex *p, const char *s, size_t n,
                 int (*use)(void *user, const struct span *groups, int n), void *user,
                 struct err *e);

/* re.sub(pattern, to, s): \1 to \9 in `to` are groups, as is nothing else. */
int pyregex_replace(const struct pyregex *p, const char *to, const char *s, size_t n,
                    struct strbuf *out, struct err *e);
/* re.sub(pattern, "", s): appends the text without the matches. */
int pyregex_remove(const struct pyregex *p, const char *s, size_t n, struct strbuf *out,
                   struct err *e);

#endif
