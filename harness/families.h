/* families.h -- whose published scores are rulers: families of base models that one document has
 * measured in one way, and a line that others have fitted and published.
 *
 * Both ways of reading scores take their rows from here: rulers.h for the density of a model, and
 * trend.h for that of hundreds. */
#ifndef HARNESS_FAMILIES_H
#define HARNESS_FAMILIES_H

#include "harness/published.h"

struct family {
    const char *name;    /* "qwen2.5": unique */
    const char *title;   /* in a few words */
    const char *origin;  /* in a sentence, with the document */
    const char *family;  /* of the published rows; NULL: constants as published */
    const char *harness; /* what theirs begins with */
    double most;         /* parameters of the largest that counts */
    double d0_tokens;    /* trained on; NAN: not one number */
    double k, c, r2;     /* as published: score = k ln N + c, a share; else 0 */
    int n;               /* models that those were fitted to */
};
const struct family *family_at(int i); /* NULL after the last */
const struct family *family_find(const char *name);

/* 1: the row is one of the family's nodes. */
int family_has(const struct family *f, const struct published_row *row);

#endif
