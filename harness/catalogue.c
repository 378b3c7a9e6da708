#include "harness/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "harness/source.h"

#define SCHEMA "densimeter.catalogue/1"
enum { CATALOGUE_BYTES = 16 << 20 };

struct catalogue {
    cJSON *json; /* owns the texts */
    struct catalogue_row *rows;
    size_t n;
};

static int is_sha256(const char *s)
{
    return strlen(s) == SHA256_HEX - 1 && strspn(s, "0123456789abcdef") == SHA256_HEX - 1;
}

static int read_sources(struct catalogue_row *row, const cJSON *list, const char *where,
                        struct err *e)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        struct source s;
        if (!cJSON_IsString(item) || row->n_sources == CATALOGUE_SOURCES)
            return err_set(e, ERR_FORMAT, "%s: sources: wants at most %d texts", where,
                           CATALOGUE_SOURCES);
        if (source_parse(&s, item->valuestring, e) < 0) {
            if (e && e->code == ERR_USAGE)
                e->code = ERR_FORMAT;
            return err_prefix(e, "%s", where);
        }
        source_release(&s);
        row->sources[row->n_sources++] = item->valuestring;
    }
    if (row->n_sources == 0)
        return err_set(e, ERR_FORMAT, "%s: has no sources", where);
    return 0;
}

static int read_row(struct catalogue_row *row, const cJSON *j, const char *where, struct err *e)
{
    double bytes = json_num(j, "bytes", 0);

    row->name = json_str(j, "name");
    row->sha256 = json_str(j, "sha256");
    row->licence = json_str(j, "licence");
    row->terms = json_str(j, "terms");
    row->consent = json_bool(j, "consent", 1);
    if (!row->name || !name_is_safe(row->name))
        return err_set(e, ERR_FORMAT, "%s: name is missing or cannot be a file's", where);
    if (!row->sha256 || !is_sha256(row->sha256))
        return err_set(e, ERR_FORMAT, "%s: sha256 is not 64 lower-case hex digits", where);
    if (!row->licence)
        return err_set(e, ERR_FORMAT, "%s: licence is missing", where);
    if (!(bytes >= 1 && bytes < 1e15))
        return err_set(e, ERR_FORMAT, "%s: bytes is missing or out of range", where);
    row->bytes = (uint64_t)bytes;
    return read_sources(row, json_get(j, "sources"), where, e);
}

static int read_rows(struct catalogue *c, const char *where, struct err *e)
{
    const cJSON *models = json_get(c->json, "models"), *item;
    const char *schema = json_str(c->json, "schema");
    char place[512];

    if (!schema || strcmp(schema, SCHEMA) != 0 || !cJSON_IsArray(models))
        return err_set(e, ERR_FORMAT, "%s: not a catalogue: schema is not " SCHEMA, where);
    c->rows = mem_calloc((size_t)cJSON_GetArraySize(models), sizeof *c->rows);
    if (!c->rows)
        return err_nomem(e);
    cJSON_ArrayForEach(item, models)
    {
        snprintf(place, sizeof place, "%s: model %zu", where, c->n + 1);
        if (read_row(&c->rows[c->n], item, place, e) < 0)
            return -1;
        if (catalogue_find(c, c->rows[c->n].name))
            return err_set(e, ERR_FORMAT, "%s: a second '%s'", place, c->rows[c->n].name);
        c->n++;
    }
    return 0;
}

static int finish(struct catalogue **out, cJSON *json, const char *where, struct err *e)
{
    struct catalogue *c = json ? mem_calloc(1, sizeof *c) : NULL;

    if (!c) {
        if (json)
            err_nomem(e);
        json_free(json);
        return -1;
    }
    c->json = json;
    if (read_rows(c, where, e) < 0) {
        catalogue_free(c);
        return -1;
    }
    *out = c;
    return 0;
}

int catalogue_parse(struct catalogue **out, const char *json, size_t n, const char *where,
                    struct err *e)
{
    return finish(out, json_parse(json, n, where, e), where, e);
}

int catalogue_open(struct catalogue **out, struct err *e)
{
    const char *path = getenv("DENSIMETER_CATALOGUE"), *json;
    size_t n;

    if (path && *path)
        return finish(out, json_read(path, CATALOGUE_BYTES, e), path, e);
    json = catalogue_built_in(&n);
    return catalogue_parse(out, json, n, "built-in catalogue", e);
}

void catalogue_free(struct catalogue *c)
{
    if (!c)
        return;
    json_free(c->json);
    mem_free(c->rows);
    mem_free(c);
}

size_t catalogue_n(const struct catalogue *c)
{
    return c->n;
}

const struct catalogue_row *catalogue_at(const struct catalogue *c, size_t i)
{
    return i < c->n ? &c->rows[i] : NULL;
}

const struct catalogue_row *catalogue_find(const struct catalogue *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->rows[i].name, name) == 0)
            return &c->rows[i];
    return NULL;
}

void catalogue_suggest(const struct catalogue *c, struct suggest *s)
{
    for (size_t i = 0; i < c->n; i++)
        suggest_offer(s, c->rows[i].name);
}
