/* walk.h -- the files below a folder.
 *
 * Sorted by path; links to folders are not followed and nesting is bounded, so that no tree is
 * endless.  Folders whose names begin with a dot or are __pycache__ are passed over. */
#ifndef BASE_WALK_H
#define BASE_WALK_H

#include <stddef.h>

#include "base/err.h"

struct walk { /* zeroed: empty */
    char **v; /* paths, beginning with the folder's */
    size_t n, cap;
};

/* Adds the files whose names end in suffix.  A path that is a file is added as it is. */
int walk_files(struct walk *w, const char *path, const char *suffix, struct err *e);
void walk_release(struct walk *w);

#endif
