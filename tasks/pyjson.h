/* pyjson.h -- whether Python's json.loads takes a text: private to tasks/.  Pure, any thread.
 *
 * RFC 8259 with NaN, Infinity and -Infinity; cJSON, which reads our files, is more lenient. */
#ifndef TASKS_PYJSON_H
#define TASKS_PYJSON_H

#include <stddef.h>

int pyjson_valid(const char *s, size_t n); /* 1 or 0; nesting over 500 levels is 0 */

#endif
