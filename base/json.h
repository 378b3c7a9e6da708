/* json.h -- JSON in and out.
 *
 * Reading is cJSON's, with errors that name the file and the place; what a caller gets is a cJSON
 * tree (json_free).  Writing is a small streaming writer, because numbers must come out with full
 * precision and "unknown" as null.  Nesting is limited, so hostile input cannot exhaust
 * the stack. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

/* Before a tree is made by cJSON's functions rather than parsed: its nodes are then base/mem's. */
void json_begin(void);

/* `where` names the text in errors ("file:12"); bytes need no terminator.  NULL on failure.  Text
 * after the value, a zero byte (escaped or not), or invalid UTF-8 is an error. */
cJSON *json_parse(const char *bytes, size_t n, const char *where, struct err *e);
cJSON *json_read(const char *path, size_t max, struct err *e); /* a whole file */
/* The same for what Python wrote: NaN, Infinity and -Infinity, which JSON has not, read as null. */
cJSON *json_read_python(const char *path, size_t max, struct err *e);
void json_free(cJSON *j);

/* Members by name; NULL / fallback when absent or of another type. */
const cJSON *json_get(const cJSON *object, const char *key);
const char *json_str(const cJSON *object, const char *key); /* NULL when not a string */
double json_num(const cJSON *object, const char *key, double fallback);
int json_bool(const cJSON *object, const char *key, int fallback);

/* Appends a JSON value to a strbuf.  The writer puts the commas; `key` is NULL inside arrays.
 * With pretty = 1 one member a line, two blanks a level. */
struct json_out {
    struct strbuf *b;
    int depth, pretty;
    unsigned char comma[64];
};
#define JSON_OUT(buf) ((struct json_out){.b = (buf)})
void json_begin_object(struct json_out *o, const char *key);
void json_end_object(struct json_out *o);
void json_begin_array(struct json_out *o, const char *key);
void json_end_array(struct json_out *o);
void json_put_str(struct json_out *o, const char *key, const char *s); /* NULL gives null */
void json_put_strn(struct json_out *o, const char *key, const char *s, size_t n);
void json_put_num(struct json_out *o, const char *key, double v); /* NaN, infinity give null */
void json_put_int(struct json_out *o, const char *key, int64_t v);
void json_put_bool(struct json_out *o, const char *key, int v); /* negative gives null */
void json_put_null(struct json_out *o, const char *key);
void json_put_count(struct json_out *o, const char *key, int64_t n); /* negative gives null */
/* A value as it is; NULL gives null. */
void json_put_raw(struct json_out *o, const char *key, const char *json);

/* The shortest decimal text that reads back to the same double; size >= 32. */
void json_format_num(char *text, size_t size, double v);

#endif
