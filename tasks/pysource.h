/* pysource.h -- which function a `!function` names, known by its text: private to tasks/.
 *
 * Nothing is run.  The file beside the YAML file is cut into its top-level statements; the function
 * is the statement that defines its name with all statements that it can reach by name, in the
 * modules of lm-eval's tasks that it imports from too.  What these say, without comments and
 * without layout, has one hash, so that a function that was changed is another function.
 *
 * `name = partial(function, key=literal)` is that function with arguments; a name that no statement
 * defines where the module fills globals() is one of a family: the whole module then, with the name
 * as an argument.
 *
 * Files are hostile: bytes, tokens, modules and statements are bounded. */
#ifndef TASKS_PYSOURCE_H
#define TASKS_PYSOURCE_H

#include "base/err.h"
#include "base/json.h"
#include "base/sha256.h"
#include "tasks/yamldoc.h"

struct pyfunction {
    char sha256[SHA256_HEX];
    cJSON *args; /* {"name": the function's, "folder": where it stands} and those of a partial() */
    /* Every `name = literal` of these statements, also inside functions; "return": a literal that
     * is returned.  Of several the one that is reached first. */
    cJSON *constants;
    /* Every text in these statements in their order, the function's own first: of an f-string the
     * parts between its expressions, also empty ones; "" for what is no text. */
    cJSON *pieces;
    int returns_only; /* takes nothing and does nothing but to return a literal */
};

/* ERR_NOTFOUND when there is no such file or name; every error is at the node's place. */
int pysource_find(const struct ynode *function, struct pyfunction *out, struct err *e);
void pysource_release(struct pyfunction *f);

#endif
