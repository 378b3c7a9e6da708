#include "base/schema.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a check found first; text NULL: nobody wants to know. */
struct finding {
    const cJSON *at;
    int at_key;
    char *text;
    size_t size;
};

static int wrong(struct finding *f, const cJSON *at, int at_key, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* 0, so that what does not hold is one statement. */
static int wrong(struct finding *f, const cJSON *at, int at_key, const char *fmt, ...)
{
    va_list args;

    if (f->text) {
        va_start(args, fmt);
        vsnprintf(f->text, f->size, fmt, args);
        va_end(args);
        f->at = at;
        f->at_key = at_key;
    }
    return 0;
}

/* --- values ------------------------------------------------------------------------------- */

static int is_type(const cJSON *v, const char *type)
{
    if (strcmp(type, "object") == 0)
        return cJSON_IsObject(v);
    if (strcmp(type, "array") == 0)
        return cJSON_IsArray(v);
    if (strcmp(type, "string") == 0)
        return cJSON_IsString(v);
    if (strcmp(type, "number") == 0)
        return cJSON_IsNumber(v);
    if (strcmp(type, "integer") == 0)
        return cJSON_IsNumber(v) && v->valuedouble == floor(v->valuedouble);
    if (strcmp(type, "boolean") == 0)
        return cJSON_IsBool(v);
    return strcmp(type, "null") == 0 && cJSON_IsNull(v);
}

/* "type": a name or a list of names. */
static int type_holds(const cJSON *type, const cJSON *v)
{
    if (!type)
        return 1;
    if (cJSON_IsString(type))
        return is_type(v, type->valuestring);
    for (const cJSON *m = type->child; m; m = m->next)
        if (is_type(v, m->valuestring))
            return 1;
    return 0;
}

static int holds(const cJSON *schema, const cJSON *v, struct finding *f);

static int object_holds(const cJSON *schema, const cJSON *v, struct finding *f)
{
    const cJSON *properties = json_get(schema, "properties");
    const cJSON *others = json_get(schema, "additionalProperties"), *m;

    cJSON_ArrayForEach(m, json_get(schema, "required"))
        if (!json_get(v, m->valuestring))
            return wrong(f, v, 0, "\"%.60s\" is missing", m->valuestring);
    for (m = v->child; m; m = m->next) {
        const cJSON *p = json_get(properties, m->string);
        if (!p && cJSON_IsFalse(others))
            return wrong(f, m, 1, "\"%.60s\" is no member of the schema", m->string);
        if (!p && cJSON_IsObject(others))
            p = others;
        if (p && !holds(p, m, f))
            return 0;
    }
    return 1;
}

static int array_holds(const cJSON *schema, const cJSON *v, struct finding *f)
{
    const cJSON *items = json_get(schema, "items"), *m;

    if (cJSON_GetArraySize(v) < json_num(schema, "minItems", 0))
        return wrong(f, v, 0, "%d entries are too few", cJSON_GetArraySize(v));
    if (items)
        cJSON_ArrayForEach(m, v)
            if (!holds(items, m, f))
                return 0;
    return 1;
}

static int is_listed(const cJSON *list, const cJSON *v)
{
    const cJSON *m;

    cJSON_ArrayForEach(m, list)
        if (cJSON_Compare(m, v, 1))
            return 1;
    return list == NULL;
}

static int one_holds(const cJSON *forms, const cJSON *v)
{
    struct finding unused = {NULL, 0, NULL, 0};
    const cJSON *m;

    cJSON_ArrayForEach(m, forms)
        if (holds(m, v, &unused))
            return 1;
    return forms == NULL;
}

static int holds(const cJSON *schema, const cJSON *v, struct finding *f)
{
    const cJSON *fixed = json_get(schema, "const");

    if (!type_holds(json_get(schema, "type"), v))
        return wrong(f, v, 0, "the schema wants another type");
    if (!is_listed(json_get(schema, "enum"), v) || (fixed && !cJSON_Compare(fixed, v, 1)))
        return wrong(f, v, 0, "the schema does not list this value");
    if (!one_holds(json_get(schema, "anyOf"), v))
        return wrong(f, v, 0, "none of the schema's forms fits");
    if (cJSON_IsNumber(v) && (v->valuedouble < json_num(schema, "minimum", -INFINITY) ||
                              v->valuedouble > json_num(schema, "maximum", INFINITY)))
        return wrong(f, v, 0, "outside the schema's limits");
    if (cJSON_IsArray(v))
        return array_holds(schema, v, f);
    return cJSON_IsObject(v) ? object_holds(schema, v, f) : 1;
}

int schema_holds(const cJSON *schema, const cJSON *v)
{
    struct finding unused = {NULL, 0, NULL, 0};

    return holds(schema, v, &unused);
}

int schema_check(const cJSON *schema, const struct json_text *t, const cJSON *v, struct err *e)
{
    char text[160];
    struct finding f = {NULL, 0, text, sizeof text};

    return holds(schema, v, &f) ? 0 : json_text_wrong(t, f.at, f.at_key, e, "%s", text);
}

/* --- schemas ------------------------------------------------------------------------------ */

static int texts_only(const cJSON *list)
{
    const cJSON *m;

    if (!cJSON_IsArray(list))
        return 0;
    cJSON_ArrayForEach(m, list)
        if (!cJSON_IsString(m))
            return 0;
    return 1;
}

static int is_type_list(const cJSON *m)
{
    return cJSON_IsString(m) || texts_only(m);
}

static int is_list(const cJSON *m)
{
    return cJSON_IsArray(m);
}

static int is_object(const cJSON *m)
{
    return cJSON_IsObject(m);
}

static int is_number(const cJSON *m)
{
    return cJSON_IsNumber(m);
}

static int is_rest(const cJSON *m)
{
    return cJSON_IsBool(m) || cJSON_IsObject(m);
}

enum inside { NO_SCHEMA, A_SCHEMA, SCHEMAS }; /* SCHEMAS: every member or entry is one */

static const struct keyword {
    const char *name;
    int (*fits)(const cJSON *m); /* NULL: whatever it is */
    enum inside inside;
} keywords[] = {
    {"type", is_type_list, NO_SCHEMA},
    {"properties", is_object, SCHEMAS},
    {"required", texts_only, NO_SCHEMA},
    {"items", is_object, A_SCHEMA},
    {"enum", is_list, NO_SCHEMA},
    {"const", NULL, NO_SCHEMA},
    {"anyOf", is_list, SCHEMAS},
    {"minimum", is_number, NO_SCHEMA},
    {"maximum", is_number, NO_SCHEMA},
    {"minItems", is_number, NO_SCHEMA},
    {"additionalProperties", is_rest, A_SCHEMA},
    {"title", NULL, NO_SCHEMA},
    {"description", NULL, NO_SCHEMA},
    {"$schema", NULL, NO_SCHEMA},
    {"$id", NULL, NO_SCHEMA},
};

static int member_supported(const struct json_text *t, const cJSON *m, struct err *e)
{
    const struct keyword *k = keywords, *end = keywords + sizeof keywords / sizeof *keywords;

    while (k < end && strcmp(k->name, m->string) != 0)
        k++;
    if (k == end)
        return json_text_wrong(t, m, 1, e, "\"%.40s\" of JSON Schema is not known here", m->string);
    if (k->fits && !k->fits(m))
        return json_text_wrong(t, m, 0, e, "\"%s\" of a schema cannot be that", m->string);
    if (k->inside == A_SCHEMA)
        return cJSON_IsObject(m) ? schema_supported(t, m, e) : 0;
    for (const cJSON *p = k->inside == SCHEMAS ? m->child : NULL; p; p = p->next)
        if (schema_supported(t, p, e) < 0)
            return -1;
    return 0;
}

int schema_supported(const struct json_text *t, const cJSON *schema, struct err *e)
{
    if (!cJSON_IsObject(schema))
        return json_text_wrong(t, schema, 0, e, "a schema must be an object");
    for (const cJSON *m = schema->child; m; m = m->next)
        if (member_supported(t, m, e) < 0)
            return -1;
    return 0;
}
