/* yamldoc.h -- YAML files as PyYAML reads them: a tree whose every node knows its place.
 *
 * YAML 1.1 through libyaml: plain scalars are resolved by PyYAML's patterns (yes and no are
 * booleans, 0x1f and 1:30 numbers, 1e-5 a text), merge keys (<<) are merged, of equal keys the last
 * wins, dates stay texts.  Tags other than YAML's own and `!function` are refused.
 *
 * Files are hostile: bytes, nesting, nodes and what aliases stand for are bounded, an alias may
 * not contain itself, text is UTF-8 without zero bytes.  Errors are "FILE:LINE:COL: reason". */
#ifndef TASKS_YAMLDOC_H
#define TASKS_YAMLDOC_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

enum ynode_type { Y_NULL, Y_BOOL, Y_INT, Y_FLOAT, Y_STR, Y_LIST, Y_MAP, Y_FUNCTION };

struct ynode {
    enum ynode_type type;
    int line, column; /* from 1 */
    const char *file;
    const char *s; /* scalars: the text as written, escapes resolved; a function's name */
    size_t n;      /* its bytes */
    double num;    /* Y_BOOL (0, 1), Y_INT, Y_FLOAT */
    struct ynode **items, **keys; /* Y_LIST: items; Y_MAP: keys and items */
    size_t n_items;
    size_t weight; /* nodes, with every alias counted as what it stands for */
};

/* The one document of a file; everything lives in the arena, `path` included.  An empty file is
 * a Y_NULL. */
int yamldoc_read(struct arena *a, const char *path, struct ynode **root, struct err *e);
/* The same for a text in memory; `name` is the file's in errors. */
int yamldoc_parse(struct arena *a, const char *bytes, size_t n, const char *name,
                  struct ynode **root, struct err *e);

/* The member called key (a text); NULL when there is none, or map is NULL or no map. */
struct ynode *ynode_get(const struct ynode *map, const char *key);
int ynode_is(const struct ynode *y, const char *text); /* a Y_STR of just that text */

/* "FILE:LINE:COL: reason"; returns -1. */
int ynode_fail(const struct ynode *y, struct err *e, enum err_code code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* As JSON (json_free), keys as Python's str() of them; NULL with e: a function has no JSON. */
cJSON *ynode_json(const struct ynode *y, struct err *e);

#endif
