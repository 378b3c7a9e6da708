/* gate_policy_text.c -- a policy's schema, and one to begin with, from its rows. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "harness/command.h"
#include "harness/gate_policy_rows.h"

static void put_word(void *user, const char *word)
{
    json_put_str(user, NULL, word);
}

static void put_words(struct json_out *o, const char *key, const char *words)
{
    json_begin_array(o, key);
    words_each(words, put_word, o);
    json_end_array(o);
}

static void schema_member(struct json_out *o, const struct policy_row *r)
{
    json_begin_object(o, r->key);
    json_put_str(o, "description", r->help);
    if (r->kind == KIND_CHOICE) {
        put_words(o, "enum", r->words);
    } else if (r->kind == KIND_NAMES) {
        json_put_str(o, "type", "array");
        json_begin_object(o, "items");
        json_put_str(o, "type", "string");
        json_end_object(o);
    } else {
        if (r->kind == KIND_LIMIT)
            put_words(o, "type", "number|null");
        else
            json_put_str(o, "type", r->kind == KIND_COUNT ? "integer" : "number");
        json_put_num(o, "minimum", r->low);
        json_put_num(o, "maximum", r->high);
    }
    json_end_object(o);
}

static void schema_open(struct json_out *o, const char *key)
{
    json_begin_object(o, key);
    json_put_str(o, "type", "object");
    json_put_bool(o, "additionalProperties", 0);
    json_begin_object(o, "patternProperties");
    json_put_raw(o, "^_", "true");
    json_end_object(o);
    json_begin_object(o, "properties");
}

static void schema_close(struct json_out *o)
{
    json_end_object(o);
    json_end_object(o);
}

static void schema_tasks(struct json_out *o)
{
    json_begin_object(o, "tasks");
    json_put_str(o, "description", "rules for single tasks, by name");
    json_put_str(o, "type", "object");
    schema_open(o, "additionalProperties");
    for (const struct policy_row *row = policy_task_rows; row->key; row++)
        schema_member(o, row);
    for (size_t i = 0; policy_task_texts[i]; i++) {
        json_begin_object(o, policy_task_texts[i]);
        json_put_str(o, "type", "string");
        json_end_object(o);
    }
    schema_close(o);
    json_end_object(o);
}

/* Calls put for every row, with its section's object begun and ended around it. */
static void each_section(struct json_out *o, void (*open)(struct json_out *, const char *),
                         void (*put)(struct json_out *, const struct policy_row *),
                         void (*close)(struct json_out *))
{
    const char *before = NULL;

    for (const struct policy_row *row = policy_rows; row->key; row++) {
        const char *section = row->section;
        if (section && !policy_same_section(section, before))
            open(o, section);
        put(o, row);
        if (section && !policy_same_section(section, row[1].section))
            close(o);
        before = section;
    }
}

void gate_policy_schema(struct strbuf *out)
{
    struct json_out o = {.b = out, .pretty = 1};

    json_begin_object(&o, NULL);
    json_put_str(&o, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_put_str(&o, "title", POLICY_SCHEMA);
    json_put_str(&o, "type", "object");
    json_put_bool(&o, "additionalProperties", 0);
    json_begin_object(&o, "patternProperties");
    json_put_raw(&o, "^_", "true");
    json_end_object(&o);
    json_begin_object(&o, "properties");
    json_begin_object(&o, "schema");
    json_put_str(&o, "const", POLICY_SCHEMA);
    json_end_object(&o);
    each_section(&o, schema_open, schema_member, schema_close);
    schema_tasks(&o);
    json_end_object(&o);
    json_end_object(&o);
    strbuf_addc(out, '\n');
}

static void template_member(struct json_out *o, const struct policy_row *r)
{
    char comment[64];

    snprintf(comment, sizeof comment, "_%s", r->key);
    json_put_str(o, comment, r->help);
    if (r->kind == KIND_NAMES)
        put_words(o, r->key, r->words);
    else if (r->kind == KIND_COUNT)
        json_put_int(o, r->key, (int64_t)r->example);
    else if (r->kind != KIND_CHOICE)
        json_put_num(o, r->key, r->example);
    else {
        char word[32];
        int skip = (int)r->example;
        const char *w = r->words;
        while (skip-- > 0)
            w = strchr(w, '|') + 1;
        snprintf(word, sizeof word, "%.*s", (int)strcspn(w, "|"), w);
        json_put_str(o, r->key, word);
    }
}

void gate_policy_template(struct strbuf *out)
{
    struct json_out o = {.b = out, .pretty = 1};

    json_begin_object(&o, NULL);
    json_put_str(&o, "schema", POLICY_SCHEMA);
    json_put_str(&o, "_comment", "Members that begin with _ are comments. Decide the margins "
                 "before looking at any result.");
    each_section(&o, json_begin_object, template_member, json_end_object);
    json_put_str(&o, "_tasks", "rules for single tasks, by name: {\"arc_easy\": {\"margin\": 0.05, "
                 "\"practical\": 0.01, \"metric\": \"acc_norm\", \"filter\": \"none\"}}");
    json_begin_object(&o, "tasks");
    json_end_object(&o);
    json_end_object(&o);
    strbuf_addc(out, '\n');
}
