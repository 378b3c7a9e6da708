/* json_place.h -- where in its text a JSON value stands, for errors that name line and column.
 *
 * cJSON keeps no positions, so the text is walked again when an error is told.  The text must have
 * been accepted by json_parse; a path names the nth member of each object or array on the way,
 * which is also the order of cJSON's children. */
#ifndef BASE_JSON_PLACE_H
#define BASE_JSON_PLACE_H

#include <stddef.h>

struct json_place {
    int line, column; /* from 1; columns count bytes */
};

/* path[0..depth): indices from the root down; at_key = 1: the key of that member instead of its
 * value.  A path that leads nowhere gives the last place it reached. */
struct json_place json_place(const char *text, size_t n, const int *path, int depth, int at_key);

/* Of byte `offset`. */
struct json_place json_place_at(const char *text, size_t n, size_t offset);

#endif
