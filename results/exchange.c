/* exchange.c -- the tables of formats, recognising a file, and what all formats need. */
#include "results/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "results/exchange_internal.h"

static const struct {
    const char *name;
    int (*write)(struct store *s, const char *id, const char *to, struct err *e);
} exports[] = {
    {"lm-eval", export_lmeval},
    {"csv", export_csv},
    {"json", export_json},
    {"sqlite", export_sqlite},
};

const char *export_format_at(int i)
{
    return i >= 0 && (size_t)i < sizeof exports / sizeof exports[0] ? exports[i].name : NULL;
}

int export_run(struct store *s, const char *run_id, const char *format, const char *to,
               struct err *e)
{
    char id[RUN_ID_SIZE];

    for (size_t i = 0; i < sizeof exports / sizeof exports[0]; i++)
        if (strcmp(exports[i].name, format) == 0)
            return query_resolve(s, run_id, id, e) < 0 ? -1 : exports[i].write(s, id, to, e);
    err_set(e, ERR_USAGE, "unknown export format %s", format);
    err_hint(e, "there are lm-eval, csv, json and sqlite");
    return -1;
}

int json_lines_next(struct json_lines *l, cJSON **out, struct err *e)
{
    *out = NULL;
    while (l->at < l->end) {
        const char *nl = memchr(l->at, '\n', (size_t)(l->end - l->at));
        const char *stop = nl ? nl : l->end, *start = l->at;
        struct strbuf where = STRBUF_INIT;
        l->line++;
        l->at = nl ? nl + 1 : l->end;
        while (start < stop && (*start == ' ' || *start == '\t' || *start == '\r'))
            start++;
        if (start == stop)
            continue;
        strbuf_addf(&where, "%s:%zu", l->path, l->line);
        *out = strbuf_ok(&where, e) < 0 ? NULL
                                        : json_parse(start, (size_t)(stop - start), where.s, e);
        strbuf_release(&where);
        if (!*out)
            return -1;
        if (cJSON_IsObject(*out))
            return 1;
        json_free(*out);
        *out = NULL;
        return err_set(e, ERR_FORMAT, "%s:%zu: not a JSON object", l->path, l->line);
    }
    return 0;
}

/* --- import ------------------------------------------------------------------------------ */

struct reader {
    const char *name; /* as stored in imports.format */
    int (*read)(struct import *im, struct err *e);
};
enum { READ_LMEVAL, READ_SAMPLES, READ_LLAMABENCH, READ_CSV, READ_EXPORT };
static const struct reader readers[] = {
    [READ_LMEVAL] = {"lm-eval", import_lmeval},
    [READ_SAMPLES] = {"lm-eval-samples", import_lmeval_samples},
    [READ_LLAMABENCH] = {"llama-bench", import_llamabench},
    [READ_CSV] = {"csv", import_csv},
    [READ_EXPORT] = {"densimeter-json", import_export},
};

/* Our own document begins with its schema. */
static int import_is_export(const struct import *im)
{
    static const char schema[] = "\"schema\"", own[] = "\"densimeter.export/1\"";
    const char *const words[] = {"{", schema, ":", own};
    const char *p = im->bytes, *end = im->bytes + im->n_bytes;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
            p++;
        if ((size_t)(end - p) < n || memcmp(p, words[i], n) != 0)
            return 0;
        p += n;
    }
    return 1;
}

int import_first(const struct import *im)
{
    const char *p = im->bytes, *end = im->bytes + im->n_bytes;

    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p < end ? (unsigned char)*p : 0;
}

/* By content: an array is llama-bench's; an object on the first line is one of many records or, as
 * whatever else begins with a brace, a results file; the rest is a table.  NULL: out of memory. */
static const struct reader *recognise(const struct import *im, struct err *e)
{
    struct json_lines l = {im->path, im->bytes, im->bytes + im->n_bytes, 0};
    const struct reader *r = &readers[READ_LMEVAL];
    struct err why = ERR_NONE;
    cJSON *first = NULL;
    int c = import_first(im);

    if (c == '[')
        return &readers[READ_LLAMABENCH];
    if (c != '{')
        return &readers[READ_CSV];
    if (import_is_export(im))
        return &readers[READ_EXPORT];
    if (json_lines_next(&l, &first, &why) == 1) {
        if (json_get(first, "doc_id"))
            r = &readers[READ_SAMPLES];
        else if (json_get(first, "avg_ts"))
            r = &readers[READ_LLAMABENCH];
        json_free(first);
    } else if (why.code == ERR_NOMEM) {
        err_nomem(e);
        r = NULL;
    }
    return r;
}

int import_run(struct import *im, const struct store_model *m, const char *settings,
               struct err *e)
{
    struct strbuf key = STRBUF_INIT;
    struct store_run_spec spec = {.settings = settings, .threads = -1, .seed = -1};
    struct run_new n = {.kind = "import", .status = "complete", .source = im->path,
                        .machine_id = -1};
    int rc = -1;

    strbuf_addf(&key, "import:%s", im->hash);
    n.key = key.s;
    if (strbuf_ok(&key, e) < 0 || put_model(im->db, m, &n.model_id, e) < 0 ||
        put_run(im->db, &n, &spec, &im->run_id, im->result->run_id, e) < 0 ||
        db_run(im->db, SQL_RUN_STATUS, e, "tti", n.status, NULL, im->run_id) < 0)
        goto out;
    im->result->runs++;
    rc = 0;
out:
    strbuf_release(&key);
    return rc;
}

int import_task(struct import *im, const struct store_task *t, int64_t *id, struct err *e)
{
    if (put_task(im->db, im->run_id, t, e) < 0)
        return -1;
    return db_get_int(im->db, SQL_TASK_ID, id, NULL, e, "it", im->run_id, t->task);
}

int import_label(struct import *im, const char **label, struct err *e)
{
    struct err why = ERR_NONE;

    if (!*label || label_valid(im->db, *label, &why) == 0)
        return 0;
    *label = NULL;
    if (why.code == ERR_USAGE)
        return 0;
    if (e)
        *e = why;
    return -1;
}

int import_remember(struct import *im, const char *hash, const char *path, struct err *e)
{
    return db_run(im->db, SQL_IMPORT_PUT, e, "ttti", hash, path, im->format, im->run_id);
}

int import_known(struct import *im, struct err *e)
{
    struct stmt st;
    int rc = db_query(im->db, &st, SQL_IMPORT_FIND, e, "t", im->hash);

    if (rc == 0)
        rc = db_step(&st, e);
    if (rc == 1) {
        const char *run = db_text(&st, 0);
        strncpy(im->result->run_id, run ? run : "", RUN_ID_SIZE - 1);
        im->result->duplicate = 1;
    }
    db_done(&st);
    return rc;
}

/* What `db check` would find in runs is no result: their file was changed, or cut. */
static int check_runs(struct import *im, int64_t first, int64_t last, struct err *e)
{
    struct stmt st;
    int rc = db_query(im->db, &st, SQL_SELF_CHECK, e, "ii", first, last);

    if (rc == 0)
        rc = db_step(&st, e);
    if (rc == 1)
        rc = err_set(e, ERR_FORMAT, "%s: %s", im->path, db_text(&st, 0));
    db_done(&st);
    return rc;
}

/* The run that was added to, and every one that this file made. */
static int seal_imports(struct import *im, struct err *e)
{
    int64_t id = im->run_id;
    int found = 1;

    while (found)
        if (seal_run(im->db, id, e) < 0 ||
            db_get_int(im->db, SQL_UNSEALED_IMPORT, &id, &found, e, "") < 0)
            return -1;
    return 0;
}

static int import_in_transaction(struct import *im, const struct reader *r, struct err *e)
{
    int rc = import_known(im, e), found;
    int64_t newest;

    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (db_get_int(im->db, SQL_NEWEST_RUN, &newest, &found, e, "") < 0 || r->read(im, e) < 0)
        return -1;
    if (im->result->duplicate)
        return import_remember(im, im->hash, im->path, e);
    if (im->result->values + im->result->items + im->result->bench_rows == 0)
        return err_set(e, ERR_FORMAT, "%s: no result in it", im->path);
    if ((im->run_id <= newest && check_runs(im, im->run_id, im->run_id, e) < 0) ||
        check_runs(im, newest + 1, INT64_MAX, e) < 0 || seal_imports(im, e) < 0)
        return -1;
    return import_remember(im, im->hash, im->path, e);
}

int import_bytes(struct store *s, const char *name, const char *bytes, size_t n,
                 struct import_result *out, struct err *e)
{
    struct import im = {.store = s, .db = s->db, .path = name, .bytes = bytes, .n_bytes = n,
                        .result = out};
    const struct reader *r;
    int rc;

    *out = (struct import_result){0};
    if (sha256_bytes(im.hash, bytes, n, e) < 0)
        return -1;
    if (n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) { /* a mark that some editors leave */
        im.bytes += 3;
        im.n_bytes -= 3;
    }
    r = recognise(&im, e);
    if (!r)
        return -1;
    im.format = out->format = r->name;
    if (db_begin(s->db, e) < 0)
        return -1;
    rc = import_in_transaction(&im, r, e);
    if (rc == 0)
        rc = db_commit(s->db, e);
    if (rc < 0) {
        db_rollback(s->db);
        *out = (struct import_result){.format = r->name};
    }
    return rc;
}

int import_file(struct store *s, const char *path, struct import_result *out, struct err *e)
{
    struct strbuf text = STRBUF_INIT;
    int rc;

    if (import_is_sqlite(path))
        return import_sqlite(s, path, out, e);
    *out = (struct import_result){0};
    rc = file_read(&text, path, IMPORT_BYTES_MAX, e);
    if (rc == 0)
        rc = import_bytes(s, path, strbuf_str(&text), text.len, out, e);
    strbuf_release(&text);
    return rc;
}
