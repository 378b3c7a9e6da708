/* tool_schema.c -- documents of --json against their schemas: tool_schema FOLDER [FILE...].
 *
 * A document names its schema: {"schema": "densimeter.NAME/1", ...} is FOLDER/NAME.json's.  Without
 * files the schemas themselves are checked.  What is not sound is told with place; exit status 1. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/schema.h"

enum { DOCUMENT_MAX = 64 << 20 };

struct text { /* a file's bytes and their tree */
    struct strbuf bytes;
    struct json_text json;
};

static int read_text(struct text *t, const char *path, struct err *e)
{
    *t = (struct text){.bytes = STRBUF_INIT};
    if (file_read(&t->bytes, path, DOCUMENT_MAX, e) < 0)
        return -1;
    return json_text_parse(&t->json, path, strbuf_str(&t->bytes), t->bytes.len, e);
}

static void release(struct text *t)
{
    json_text_release(&t->json);
    strbuf_release(&t->bytes);
}

/* FOLDER/NAME.json, and that it says so itself. */
static int read_schema(struct text *t, const char *folder, const char *name, struct err *e)
{
    char path[512], id[96];
    const char *own;

    snprintf(path, sizeof path, "%s/%s.json", folder, name);
    snprintf(id, sizeof id, "densimeter.%s/1", name);
    if (read_text(t, path, e) < 0 || schema_supported(&t->json, t->json.root, e) < 0)
        return -1;
    own = json_str(t->json.root, "$id");
    if (!own || strcmp(own, id) != 0)
        return err_set(e, ERR_FORMAT, "%s: \"$id\" is not %s", path, id);
    return 0;
}

/* NAME of densimeter.NAME/1. */
static int name_of(char *name, size_t size, const struct text *t, struct err *e)
{
    const char *s = json_str(t->json.root, "schema");

    if (!s || strncmp(s, "densimeter.", 11) != 0 || strlen(s) < 14 || strlen(s) - 12 > size ||
        strcmp(s + strlen(s) - 2, "/1") != 0)
        return err_set(e, ERR_FORMAT, "%s: \"schema\" is not densimeter.NAME/1", t->json.path);
    snprintf(name, size, "%.*s", (int)strlen(s) - 13, s + 11);
    return 0;
}

static int check(const char *folder, const char *path, struct err *e)
{
    struct text schema = {.bytes = STRBUF_INIT}, t;
    char name[64];
    int rc = -1;

    if (read_text(&t, path, e) == 0 && name_of(name, sizeof name, &t, e) == 0 &&
        read_schema(&schema, folder, name, e) == 0)
        rc = schema_check(schema.json.root, &t.json, t.json.root, e);
    if (rc == 0)
        printf("%s\n", name);
    release(&schema);
    release(&t);
    return rc;
}

static int check_schemas(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *entry;
    int bad = d == NULL;

    while (d && (entry = readdir(d))) {
        const char *dot = strrchr(entry->d_name, '.');
        struct err e = ERR_NONE;
        struct text t;
        char name[256];
        if (!dot || strcmp(dot, ".json") != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(dot - entry->d_name), entry->d_name);
        if (read_schema(&t, folder, name, &e) < 0) {
            fprintf(stderr, "%s\n", e.text);
            bad = 1;
        }
        release(&t);
    }
    if (d)
        closedir(d);
    return bad;
}

int main(int argc, char **argv)
{
    int bad = 0;

    if (argc == 2)
        return check_schemas(argv[1]);
    for (int i = 2; i < argc; i++) {
        struct err e = ERR_NONE;
        if (check(argv[1], argv[i], &e) < 0) {
            fprintf(stderr, "%s\n", e.text);
            bad = 1;
        }
    }
    return bad || argc < 2;
}
