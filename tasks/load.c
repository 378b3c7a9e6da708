#include "tasks/load.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tasks/origin.h"
#include "tasks/prose.h"
#include "tasks/pytext.h"
#include "tasks/wikitext.h"

#define FILE_MAX ((size_t)1 << 28) /* of a file that is held whole */

void docs_release(struct docs *d)
{
    arena_release(&d->arena);
    mem_free(d->v);
    *d = (struct docs){0};
}

static struct doc *docs_push(struct docs *d, struct err *e)
{
    if (d->n >= INT_MAX || mem_grow(&d->v, &d->cap, d->n + 1, sizeof *d->v) < 0) {
        err_nomem(e);
        return NULL;
    }
    d->v[d->n] = (struct doc){.gold = -1};
    return &d->v[d->n++];
}

static int record_doc(struct docs *out, const cJSON *json, const char *text, size_t n,
                      const char *where, const struct recipe *r, struct err *e)
{
    struct doc *d = docs_push(out, e);
    struct record rec = {json, where, &out->arena, d, e, 0};

    if (!d)
        return -1;
    d->json = arena_strndup(&out->arena, text, n);
    if (!d->json)
        return err_nomem(e);
    r->read(&rec);
    return rec.failed ? -1 : 0;
}

int parse_record(struct docs *out, const char *bytes, size_t n, const char *where,
                 const struct recipe *r, struct err *e)
{
    cJSON *json = json_parse(bytes, n, where, e);
    int rc = -1;

    if (json && !cJSON_IsObject(json))
        err_set(e, ERR_FORMAT, "%s: not a JSON object", where);
    else if (json)
        rc = record_doc(out, json, bytes, n, where, r, e);
    json_free(json);
    return rc;
}

static int no_documents(const char *path, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: holds no documents", path);
}

int load_jsonl(struct docs *out, const char *path, const struct recipe *r, struct err *e)
{
    struct line_reader lines;
    struct strbuf where = STRBUF_INIT;
    int rc, got;

    *out = (struct docs){0};
    if (lines_open(&lines, path, e) < 0)
        return -1;
    while ((got = lines_next(&lines, e)) == 1) {
        if (lines.line.len == 0)
            continue;
        strbuf_clear(&where);
        strbuf_addf(&where, "%s:%zu", path, lines.n);
        got = strbuf_ok(&where, e);
        if (got < 0 || (got = parse_record(out, lines.line.s, lines.line.len, strbuf_str(&where),
                                           r, e)) < 0)
            break;
    }
    rc = got < 0 ? -1 : out->n ? 0 : no_documents(path, e);
    lines_close(&lines);
    strbuf_release(&where);
    if (rc < 0)
        docs_release(out);
    return rc;
}

/* One entry of a JSON file, whose text is what it looks like without white space. */
static int entry_doc(struct docs *out, const cJSON *entry, const char *where,
                     const struct recipe *r, struct err *e)
{
    char *text;
    int rc;

    if (!cJSON_IsObject(entry))
        return err_set(e, ERR_FORMAT, "%s: not a JSON object", where);
    text = cJSON_PrintUnformatted(entry);
    if (!text)
        return err_nomem(e);
    rc = record_doc(out, entry, text, strlen(text), where, r, e);
    cJSON_free(text);
    return rc;
}

int load_json(struct docs *out, const char *path, const struct recipe *r, struct err *e)
{
    cJSON *root = json_read(path, FILE_MAX, e);
    const cJSON *list = cJSON_IsArray(root) ? root : json_get(root, "examples"), *entry;
    int n = 0, rc = 0;

    *out = (struct docs){0};
    if (!root)
        return -1;
    cJSON_ArrayForEach(entry, list)
    {
        struct strbuf where = STRBUF_INIT;
        strbuf_addf(&where, "%s: entry %d", path, n++);
        if (strbuf_ok(&where, e) < 0 || entry_doc(out, entry, where.s, r, e) < 0)
            rc = -1;
        strbuf_release(&where);
        if (rc < 0)
            break;
    }
    if (rc == 0 && out->n == 0)
        rc = no_documents(path, e);
    json_free(root);
    if (rc < 0)
        docs_release(out);
    return rc;
}

/* A CSV record as an object, so that a reader sees one kind of record. */
static int csv_json(const struct csv *c, const char *const *columns, int n, struct strbuf *out,
                    struct err *e)
{
    struct json_out o = JSON_OUT(out);

    if (c->n_fields != n)
        return err_set(e, ERR_FORMAT, "%s:%zu: %d fields where there are %d columns", c->name,
                       c->line, c->n_fields, n);
    strbuf_clear(out);
    json_begin_object(&o, NULL);
    for (int i = 0; i < n; i++)
        if (*columns[i]) /* a numbering column has no name */
            json_put_str(&o, columns[i], csv_field(c, i));
    json_end_object(&o);
    return strbuf_ok(out, e);
}

/* The column names: the recipe's, else the header line's. */
static const char *const *csv_columns(struct docs *out, struct csv *c, const struct recipe *r,
                                      int *n, struct err *e)
{
    const char **v;
    int got;

    *n = 0;
    if (r->columns) {
        while (r->columns[*n])
            ++*n;
        return r->columns;
    }
    got = csv_next(c, e);
    if (got <= 0) {
        if (got == 0)
            no_documents(c->name, e);
        return NULL;
    }
    v = arena_alloc(&out->arena, (size_t)c->n_fields * sizeof *v);
    for (int i = 0; v && i < c->n_fields; i++)
        if (!(v[i] = arena_strdup(&out->arena, csv_field(c, i))))
            v = NULL;
    if (!v)
        err_nomem(e);
    *n = c->n_fields;
    return v;
}

int parse_csv(struct docs *out, const char *bytes, size_t n, const char *name,
              const struct recipe *r, struct err *e)
{
    struct strbuf json = STRBUF_INIT, where = STRBUF_INIT;
    const char *const *columns;
    struct csv c;
    int rc = -1, n_columns, got = -1;

    *out = (struct docs){0};
    csv_init(&c, bytes, n, name);
    columns = csv_columns(out, &c, r, &n_columns, e);
    while (columns && (got = csv_next(&c, e)) == 1) {
        strbuf_clear(&where);
        strbuf_addf(&where, "%s:%zu", name, c.line);
        got = -1;
        if (csv_json(&c, columns, n_columns, &json, e) < 0 || strbuf_ok(&where, e) < 0 ||
            parse_record(out, json.s, json.len, strbuf_str(&where), r, e) < 0)
            break;
    }
    if (got == 0)
        rc = out->n ? 0 : no_documents(name, e);
    csv_release(&c);
    strbuf_release(&json);
    strbuf_release(&where);
    if (rc < 0)
        docs_release(out);
    return rc;
}

int load_csv(struct docs *out, const char *path, const struct recipe *r, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = -1;

    *out = (struct docs){0};
    if (file_read(&b, path, FILE_MAX, e) == 0)
        rc = parse_csv(out, strbuf_str(&b), b.len, path, r, e);
    strbuf_release(&b);
    return rc;
}

/* A document that is a text: what is scored, and the raw text that its size is counted on. */
static int push_text(struct docs *out, struct span scored, struct span raw, const char *key,
                     struct err *e)
{
    struct doc *d = docs_push(out, e);
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    const char **target;

    if (!d)
        return -1;
    json_begin_object(&o, NULL);
    json_put_strn(&o, key, raw.s, raw.n);
    json_end_object(&o);
    d->json = b.failed ? NULL : arena_strdup(&out->arena, strbuf_str(&b));
    strbuf_release(&b);
    d->text = arena_strndup(&out->arena, raw.s, raw.n);
    target = arena_alloc(&out->arena, sizeof *target);
    if (!d->json || !d->text || !target ||
        !(target[0] = arena_strndup(&out->arena, scored.s, scored.n)))
        return err_nomem(e);
    d->targets = target;
    d->n_targets = 1;
    return 0;
}

static int push_page(struct docs *out, const char *s, size_t n, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = -1;

    if (py_strip(s, n).n == 0)
        return 0;
    if (wikitext_detokenize(&b, s, n, e) == 0)
        rc = push_text(out, (struct span){strbuf_str(&b), b.len}, (struct span){s, n}, "page", e);
    strbuf_release(&b);
    return rc;
}

int parse_wikitext(struct docs *out, const char *bytes, size_t n, struct err *e)
{
    const char *page = bytes, *end = bytes + n;
    int rc = 0;

    *out = (struct docs){0};
    for (const char *line = bytes; rc == 0 && line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop)
            stop = end;
        rc = wikitext_is_title(line, (size_t)(stop - line), e);
        if (rc == 1) {
            /* the line break before a title belongs to no page */
            rc = line > page ? push_page(out, page, (size_t)(line - 1 - page), e) : 0;
            page = line;
        }
        line = stop < end ? stop + 1 : end;
    }
    if (rc == 0)
        rc = push_page(out, page, (size_t)(end - page), e);
    if (rc < 0)
        docs_release(out);
    return rc;
}

int load_whole(struct strbuf *b, const char *path, struct err *e)
{
    if (file_read(b, path, FILE_MAX, e) < 0)
        return -1;
    if (memchr(strbuf_str(b), 0, b->len) || !utf8_valid(strbuf_str(b), b->len))
        return err_set(e, ERR_FORMAT, "%s: not UTF-8 text", path);
    return 0;
}

int load_wikitext(struct docs *out, const char *path, const struct recipe *r, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = -1;

    (void)r;
    *out = (struct docs){0};
    if (load_whole(&b, path, e) == 0)
        rc = parse_wikitext(out, strbuf_str(&b), b.len, e);
    if (rc == 0 && out->n == 0)
        rc = no_documents(path, e);
    strbuf_release(&b);
    return rc;
}

int load_text(struct docs *out, const char *path, const struct recipe *r, struct err *e)
{
    enum { CHARACTERS = 60000 };
    struct strbuf b = STRBUF_INIT;
    int rc = -1;

    (void)r;
    *out = (struct docs){0};
    if (load_whole(&b, path, e) == 0) {
        size_t n = 0;
        for (int k = 0; k < CHARACTERS && n < b.len; k++)
            for (n++; n < b.len && ((unsigned char)b.s[n] & 0xc0) == 0x80;)
                n++;
        struct span s = {strbuf_str(&b), n};
        rc = n ? push_text(out, s, s, "text", e) : no_documents(path, e);
    }
    strbuf_release(&b);
    if (rc < 0)
        docs_release(out);
    return rc;
}

int load_stories(struct docs *out, const char *path, const struct recipe *r, struct err *e)
{
    static const char between[] = "<|endoftext|>";
    struct strbuf b = STRBUF_INIT;
    int rc = -1;

    (void)r;
    *out = (struct docs){0};
    if (load_whole(&b, path, e) == 0) {
        rc = 0;
        for (const char *s = strbuf_str(&b), *stop; rc == 0 && s; s = stop) {
            stop = strstr(s, between);
            struct span story = py_strip(s, stop ? (size_t)(stop - s) : strlen(s));
            if (story.n)
                rc = push_text(out, story, story, "text", e);
            stop = stop ? stop + sizeof between - 1 : NULL;
        }
        if (rc == 0 && out->n == 0)
            rc = no_documents(path, e);
    }
    strbuf_release(&b);
    if (rc < 0)
        docs_release(out);
    return rc;
}

int load_prose(struct docs *out, const char *path, const struct recipe *r, struct err *e)
{
    (void)path, (void)r;
    *out = (struct docs){0};
    for (int i = 0; i < n_prose; i++) {
        struct span s = {prose[i], strlen(prose[i])};
        if (push_text(out, s, s, "text", e) < 0) {
            docs_release(out);
            return -1;
        }
    }
    return 0;
}

/* DIR/data of the first directory that has it; every path tried is added to `tried`. */
static char *find_in(const char *dir, size_t n, const char *const *names, struct strbuf *tried)
{
    for (; *names; names++) {
        struct strbuf b = STRBUF_INIT;
        strbuf_addf(&b, "%.*s/%s", (int)n, dir, *names);
        if (!b.failed && file_exists(b.s))
            return strbuf_take(&b);
        strbuf_addf(tried, "%s%s", tried->len ? ", " : "", strbuf_str(&b));
        strbuf_release(&b);
    }
    return NULL;
}

char *data_find(const char *task, const char *data, const char *instead, const struct task_opts *o,
                struct err *e)
{
    const char *const names[] = {data, instead, NULL};
    const char *env = getenv("DENSIMETER_DATA");
    struct strbuf tried = STRBUF_INIT;
    char *home = path_data_home("data"), *found = NULL;
    struct origin origin;

    for (int i = 0; o && i < o->n_data_dirs && !found; i++)
        found = find_in(o->data_dirs[i], strlen(o->data_dirs[i]), names, &tried);
    for (size_t n; env && *env && !found; env += n + (env[n] == ':')) {
        n = strcspn(env, ":");
        if (n)
            found = find_in(env, n, names, &tried);
    }
    if (home && !found)
        found = find_in(home, strlen(home), names, &tried);
    if (!found && (!home || tried.failed)) {
        err_nomem(e);
    } else if (!found) {
        err_set(e, ERR_NOTFOUND, "%s: no data: looked for %s", task, strbuf_str(&tried));
        if (origin_of(data, &origin))
            err_hint(e, "'densimeter tasks fetch %s' brings it; or name the folder that holds %s "
                     "with --data DIR or $DENSIMETER_DATA", task, data);
        else
            err_hint(e, "name the folder that holds %s with --data DIR or $DENSIMETER_DATA", data);
    }
    mem_free(home);
    strbuf_release(&tried);
    return found;
}

/* Leaves the documents whose member `where` is the row's subject. */
static int keep_subject(struct docs *docs, const struct task_row *row, const char *where,
                        struct err *e)
{
    size_t kept = 0;

    for (size_t i = 0; i < docs->n; i++) {
        cJSON *json = json_parse(docs->v[i].json, strlen(docs->v[i].json), row->info.name, e);
        const char *subject = json ? json_str(json, where) : NULL;
        if (subject && strcmp(subject, row->subject) == 0)
            docs->v[kept++] = docs->v[i];
        json_free(json);
        if (!json)
            return -1;
    }
    docs->n = kept;
    if (kept == 0)
        return err_set(e, ERR_FORMAT, "%s: no document has \"%s\": \"%s\"", row->info.name, where,
                       row->subject);
    return 0;
}

int load_row(struct docs *docs, const char *path, const struct task_row *row,
             const struct recipe *r, struct err *e)
{
    if (r->load(docs, path, r, e) < 0)
        return -1;
    return row->recipe->where ? keep_subject(docs, row, row->recipe->where, e) : 0;
}
