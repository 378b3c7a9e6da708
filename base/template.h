/* template.h -- Jinja2 as chat templates use it (engine.md 5), rendered from JSON variables.
 *
 * The environment is the one Hugging Face sets up: trim_blocks, lstrip_blocks, loop controls,
 * tojson that keeps non-ASCII, raise_exception, strftime_now, an immutable sandbox.  Templates of
 * task files (evaluation.md 2.1) have other rules for white space and for what is missing.  A
 * template is hostile input: depth, steps and output size are limited, and nothing outside `vars`
 * can be reached.  One thread per template. */
#ifndef BASE_TEMPLATE_H
#define BASE_TEMPLATE_H

#include <time.h>

#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"

struct template;

enum template_rules {
    TEMPLATE_CHAT,
    /* Jinja's own rules for white space, the last newline stays, and a name or member that is not
     * there is an error wherever it is not asked for with `is defined` or `default`. */
    TEMPLATE_STRICT,
};

/* `name` is used in errors ("name:line").  The text is copied. */
int template_parse(struct template **out, const char *text, size_t n, const char *name,
                   struct err *e);
int template_parse_as(struct template **out, enum template_rules rules, const char *text, size_t n,
                      const char *name, struct err *e);
void template_free(struct template *t);

/* Adds to `vars` (a JSON object) a value for every name that the template looks up and that is not
 * there yet: texts, numbers, lists of four and objects, guessed from what is done with them.
 * list: the template is to give a list.  For trying a template without its data; -1 without
 * memory. */
int template_sample(const struct template *t, cJSON *vars, int list, struct err *e);

/* Appends the rendering to `out`.  vars: a JSON object.  now: what strftime_now shows (NULL: the
 * clock).  raise_exception(text) and every run-time error give ERR_FORMAT with that text. */
int template_render(const struct template *t, const cJSON *vars, const struct tm *now,
                    struct strbuf *out, struct err *e);

#endif
