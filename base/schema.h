/* schema.h -- values against a JSON Schema, of the subset that documents and task files need.
 *
 * Known: type (a name or a list of them), properties, required, additionalProperties (a truth value
 * or a schema), items, enum, const, anyOf, minimum, maximum, minItems; title, description, $schema
 * and $id say something to people.  References are not: a schema is as long as it looks, so that
 * the work of a check is bounded by the sizes of both.  After draft 2020-12.  Pure, any thread. */
#ifndef BASE_SCHEMA_H
#define BASE_SCHEMA_H

#include "base/err.h"
#include "base/json.h"
#include "base/json_check.h"

/* -1 with e naming the place in t of a member that is not known or cannot be that. */
int schema_supported(const struct json_text *t, const cJSON *schema, struct err *e);

/* 1 when value conforms to a schema that schema_supported accepts. */
int schema_holds(const cJSON *schema, const cJSON *value);

/* The same of a value in t: 0, or -1 with e naming the place of the first that does not. */
int schema_check(const cJSON *schema, const struct json_text *t, const cJSON *value,
                 struct err *e);

#endif
