#include "base/json_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"

enum { DEPTH = 64 };

int json_text_parse(struct json_text *out, const char *path, const char *text, size_t n,
                    struct err *e)
{
    struct err why = ERR_NONE;
    struct json_place place;
    const char *at;

    *out = (struct json_text){path, text, n, NULL};
    out->root = json_parse(text, n, path, &why);
    if (out->root)
        return 0;
    at = why.code == ERR_FORMAT ? strstr(why.text, "at byte ") : NULL;
    if (!at) {
        if (e)
            *e = why;
        return -1;
    }
    place = json_place_at(text, n, (size_t)strtoul(at + strlen("at byte "), NULL, 10));
    return err_set(e, ERR_FORMAT, "%s:%d:%d: malformed JSON", path, place.line, place.column);
}

void json_text_release(struct json_text *t)
{
    json_free(t->root);
    t->root = NULL;
}

/* --- places ------------------------------------------------------------------------------- */

/* Indices from `from` down to `node`; how many, -1 when it is not below. */
static int find(const cJSON *from, const cJSON *node, int *path, int depth)
{
    int i = 0;

    if (from == node)
        return depth;
    if (depth == DEPTH)
        return -1;
    for (const cJSON *m = from->child; m; m = m->next, i++) {
        int d;
        path[depth] = i;
        d = find(m, node, path, depth + 1);
        if (d >= 0)
            return d;
    }
    return -1;
}

struct json_place json_text_place(const struct json_text *t, const cJSON *node, int at_key)
{
    int path[DEPTH], depth = find(t->root, node, path, 0);

    return json_place(t->text, t->n, path, depth < 0 ? 0 : depth, at_key);
}

int json_text_wrong(const struct json_text *t, const cJSON *node, int at_key, struct err *e,
                    const char *fmt, ...)
{
    struct json_place at = json_text_place(t, node, at_key);
    struct strbuf b = STRBUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    strbuf_vaddf(&b, fmt, ap);
    va_end(ap);
    err_set(e, ERR_FORMAT, "%s:%d:%d: %s", t->path, at.line, at.column, strbuf_str(&b));
    strbuf_release(&b);
    return -1;
}

/* --- checking ----------------------------------------------------------------------------- */

struct check {
    const struct json_text *t;
    void *user;
    struct err *e;
};

static int is_word(const char *words, const char *text)
{
    size_t n = strlen(text);

    for (const char *w = words; *w; w += strcspn(w, "|"), w += *w == '|')
        if (strcspn(w, "|") == n && strncmp(w, text, n) == 0)
            return 1;
    return 0;
}

static int check_number(const struct check *c, const struct json_field *f, const cJSON *j)
{
    double v = j->valuedouble;

    if (!cJSON_IsNumber(j) || !isfinite(v) || (f->kind == JSON_INT && v != floor(v)))
        return json_text_wrong(c->t, j, 0, c->e, "\"%s\" must be a %snumber", f->key,
                               f->kind == JSON_INT ? "whole " : "");
    if ((f->low != 0 || f->high != 0) && (v < f->low || v > f->high))
        return json_text_wrong(c->t, j, 0, c->e, "\"%s\" is %g: it goes from %g to %g", f->key, v,
                               f->low, f->high);
    return 0;
}

static int check_text(const struct check *c, const struct json_field *f, const cJSON *j)
{
    const char *text = cJSON_GetStringValue(j);

    if (!text || (!*text && f->kind != JSON_STRING))
        return json_text_wrong(c->t, j, 0, c->e, "\"%s\" must be a text%s", f->key,
                               f->kind == JSON_STRING ? "" : " that is not empty");
    if (f->words && !is_word(f->words, text))
        return json_text_wrong(c->t, j, 0, c->e, "\"%s\" is \"%.40s\": it must be one of %s",
                               f->key, text, f->words);
    return 0;
}

static int check_object(const struct check *c, const struct json_object *o, const cJSON *j);

static int check_list(const struct check *c, const struct json_field *f, const cJSON *j)
{
    int n = cJSON_IsArray(j) ? cJSON_GetArraySize(j) : -1;
    double low = f->high != 0 ? f->low : 0, high = f->high != 0 ? f->high : 1e9;

    if (n < 0)
        return json_text_wrong(c->t, j, 0, c->e, "\"%s\" must be a list", f->key);
    if (n < low || n > high)
        return json_text_wrong(c->t, j, 0, c->e, "\"%s\" has %d entries: %g to %g make sense",
                               f->key, n, low, high);
    for (const cJSON *m = j->child; m; m = m->next)
        if ((f->kind == JSON_OBJECTS ? check_object(c, f->object, m) : check_text(c, f, m)) < 0)
            return -1;
    return 0;
}

static int check_value(const struct check *c, const struct json_field *f, const cJSON *j)
{
    switch (f->kind) {
    case JSON_TEXT:
    case JSON_STRING:
    case JSON_CHOICE:
        return check_text(c, f, j);
    case JSON_INT:
    case JSON_NUM:
        return check_number(c, f, j);
    case JSON_BOOL:
        return cJSON_IsBool(j) ? 0
                               : json_text_wrong(c->t, j, 0, c->e, "\"%s\" must be true or false",
                                                 f->key);
    case JSON_OBJECT:
        return check_object(c, f->object, j);
    case JSON_TEXTS:
    case JSON_CHOICES:
    case JSON_OBJECTS:
        return check_list(c, f, j);
    case JSON_MAP:
        return cJSON_IsObject(j) ? 0
                                 : json_text_wrong(c->t, j, 0, c->e, "\"%s\" must be an object",
                                                   f->key);
    case JSON_ANY:
        return 0;
    }
    return 0;
}

static int unknown(const struct check *c, const struct json_object *o, const cJSON *j)
{
    struct suggest s = SUGGEST(j->string);

    for (const struct json_field *f = o->fields; f->key; f++)
        suggest_offer(&s, f->key);
    json_text_wrong(c->t, j, 1, c->e, "%s has no \"%.60s\"", o->name, j->string);
    if (suggest_best(&s))
        err_hint(c->e, "did you mean \"%s\"?", suggest_best(&s));
    return -1;
}

static int check_object(const struct check *c, const struct json_object *o, const cJSON *j)
{
    if (!cJSON_IsObject(j))
        return json_text_wrong(c->t, j, 0, c->e, "%s must be an object", o->name);
    for (const cJSON *m = j->child; m; m = m->next) {
        const struct json_field *f = o->fields;
        while (f->key && strcmp(f->key, m->string) != 0)
            f++;
        if (!f->key && !(o->also && o->also(c->user, m->string)))
            return unknown(c, o, m);
        if (json_get(j, m->string) != m)
            return json_text_wrong(c->t, m, 1, c->e, "\"%.60s\" is there twice", m->string);
        if (f->key && check_value(c, f, m) < 0)
            return -1;
    }
    for (const struct json_field *f = o->fields; f->key; f++)
        if (f->required && !json_get(j, f->key))
            return json_text_wrong(c->t, j, 0, c->e, "%s without \"%s\"", o->name, f->key);
    return 0;
}

int json_text_check(const struct json_text *t, const cJSON *node, const struct json_object *o,
                    void *user, struct err *e)
{
    struct err unused;
    const struct check c = {t, user, e ? e : &unused};

    return check_object(&c, o, node);
}

/* --- the schema --------------------------------------------------------------------------- */

static void put_words(struct json_out *o, const char *words)
{
    json_begin_array(o, "enum");
    for (const char *w = words; *w; w += strcspn(w, "|"), w += *w == '|')
        json_put_strn(o, NULL, w, strcspn(w, "|"));
    json_end_array(o);
}

static void put_range(struct json_out *o, const struct json_field *f, const char *low,
                      const char *high)
{
    if (f->low != 0 || f->high != 0) {
        json_put_num(o, low, f->low);
        json_put_num(o, high, f->high);
    }
}

static void put_field(struct json_out *o, const struct json_field *f)
{
    static const char *const types[] = {
        [JSON_TEXT] = "string", [JSON_STRING] = "string", [JSON_INT] = "integer",
        [JSON_NUM] = "number", [JSON_BOOL] = "boolean", [JSON_CHOICE] = "string",
        [JSON_CHOICES] = "array", [JSON_TEXTS] = "array", [JSON_OBJECT] = "object",
        [JSON_OBJECTS] = "array", [JSON_MAP] = "object", [JSON_ANY] = NULL};
    const char *type = types[f->kind];
    int list = type && strcmp(type, "array") == 0;

    json_begin_object(o, f->key);
    if (f->help)
        json_put_str(o, "description", f->help);
    if (f->kind == JSON_OBJECT) {
        json_check_schema(o, f->object);
    } else if (type) {
        json_put_str(o, "type", type);
        put_range(o, f, list ? "minItems" : "minimum", list ? "maxItems" : "maximum");
    }
    if (list) {
        json_begin_object(o, "items");
        if (f->kind == JSON_OBJECTS)
            json_check_schema(o, f->object);
        else
            json_put_str(o, "type", "string");
    }
    if (f->words)
        put_words(o, f->words);
    if (list)
        json_end_object(o);
    json_end_object(o);
}

void json_check_schema(struct json_out *o, const struct json_object *object)
{
    json_put_str(o, "type", "object");
    json_begin_object(o, "properties");
    for (const struct json_field *f = object->fields; f->key; f++)
        put_field(o, f);
    json_end_object(o);
    json_begin_array(o, "required");
    for (const struct json_field *f = object->fields; f->key; f++)
        if (f->required)
            json_put_str(o, NULL, f->key);
    json_end_array(o);
    json_put_bool(o, "additionalProperties", object->also != NULL);
}
