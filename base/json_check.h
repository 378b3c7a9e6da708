/* json_check.h -- a JSON text against rows that say which members an object may have.
 *
 * One row a member: its kind, its range, whether it must be there.  The same rows check a text,
 * naming line and column of what is wrong ("FILE:LINE:COLUMN: ..."), and print its JSON Schema.
 * cJSON has no places, so the text is kept beside the tree.  Pure, any thread. */
#ifndef BASE_JSON_CHECK_H
#define BASE_JSON_CHECK_H

#include <stddef.h>

#include "base/err.h"
#include "base/json.h"
#include "base/json_place.h"

enum json_kind {
    JSON_TEXT,    /* not empty */
    JSON_STRING,  /* any text */
    JSON_INT,
    JSON_NUM,
    JSON_BOOL,
    JSON_CHOICE,  /* one of `words` ("a|b") */
    JSON_CHOICES, /* a list of them */
    JSON_TEXTS,   /* a list of texts */
    JSON_OBJECT,
    JSON_OBJECTS, /* a list of objects */
    JSON_MAP,     /* an object with any members */
    JSON_ANY,
};

struct json_object;
struct json_field {
    const char *key;
    enum json_kind kind;
    double low, high; /* of numbers; of how many entries a list has; both 0: any */
    const char *words;
    const struct json_object *object;
    int required;
    const char *help;
};
struct json_object {
    const char *name;                /* for messages: "an item" */
    const struct json_field *fields; /* key NULL ends */
    /* 1 when `key` is a member although no row names it; NULL: none is. */
    int (*also)(void *user, const char *key);
};

struct json_text { /* a text and its tree; zeroed: empty */
    const char *path, *text;
    size_t n;
    cJSON *root;
};

/* Parses; path and text are borrowed.  json_text_release frees the tree. */
int json_text_parse(struct json_text *out, const char *path, const char *text, size_t n,
                    struct err *e);
void json_text_release(struct json_text *t);

/* Where a node of the tree is: its value, or with at_key the key before it. */
struct json_place json_text_place(const struct json_text *t, const cJSON *node, int at_key);

/* "PATH:LINE:COLUMN: ..." as ERR_FORMAT; -1. */
int json_text_wrong(const struct json_text *t, const cJSON *node, int at_key, struct err *e,
                    const char *fmt, ...) PRINTF_LIKE(5, 6);

/* The first thing that is wrong; an unknown key comes with what was probably meant. */
int json_text_check(const struct json_text *t, const cJSON *node, const struct json_object *o,
                    void *user, struct err *e);

/* The members of a JSON Schema ("type", "properties", ...) of such an object. */
void json_check_schema(struct json_out *o, const struct json_object *object);

#endif
