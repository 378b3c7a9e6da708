/* lmeval_filter_impl.h -- a step of a pipeline, for the files that steps are in: private to
 * tasks/lmeval_filter*.c. */
#ifndef TASKS_LMEVAL_FILTER_IMPL_H
#define TASKS_LMEVAL_FILTER_IMPL_H

#include "tasks/lmeval_filter.h"
#include "tasks/pyregex.h"
#include "tasks/pytext.h"

struct answers { /* on their way through a pipeline */
    char **v;    /* [n]; NULL: None */
    int n;
    int one; /* no longer a list: v[0] */
};

struct filter_kind {
    const char *name;
    const char *options; /* " a b ": what it may be told */
    int (*read)(struct filter_step *s, struct arena *a, struct err *e); /* NULL: nothing to read */
    /* a is a list.  NULL: known to lm-eval and not to be run here. */
    int (*apply)(const struct filter_step *s, struct answers *a, const cJSON *doc, struct err *e);
};

struct filter_step {
    const struct filter_kind *kind;
    const struct ynode *node;
    struct pyregex *regex;
    int select, k;
    const char *fallback;
    int ignore_case, ignore_punctuation;
    struct pyregex **ignore; /* also the patterns of a map, in its order */
    int n_ignore, n_map;     /* those that are left out are in front */
    struct pyregex *find;    /* where a document's "input" names its choices; NULL: in "choices" */
};

/* A pattern of the file; errors are at its place. */
int filter_compile(struct pyregex **out, const struct ynode *y, struct err *e);
/* regex_pattern, group_select, fallback, and what is left out of texts before they are searched. */
int filter_read_choice(struct filter_step *s, struct arena *a, struct err *e);
/* What findall and group_select give: 1, 0 without any match, -1.  out->s is NULL where all groups
 * are empty. */
int filter_pick(const struct pyregex *r, const char *s, int select, struct span *out,
                struct err *e);
int filter_put(char **slot, const char *s, size_t n, struct err *e); /* frees what was there */

/* lmeval_filter_choice.c */

/* Replaces *out by the text without what the step ignores. */
int filter_without_ignored(const struct filter_step *s, const char *text, size_t n,
                           struct strbuf *out, struct err *e);
void filter_escape(struct strbuf *b, const char *s); /* re.escape */
/* The pattern, else the text of a choice, else a letter. */
int filter_multi_choice(const struct filter_step *s, struct answers *a, const cJSON *doc,
                        struct err *e);

/* lmeval_filter_tasks.c: format_span, and filters that are functions of lm-eval's tasks. */
extern const struct filter_kind filter_format_span;
struct filter_function { /* by the start of the hash of its text */
    const char *sha256;
    const struct filter_kind *kind;
};
extern const struct filter_function filter_functions[];
extern const size_t n_filter_functions;

#endif
