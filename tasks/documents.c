#include "tasks/documents.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/parquet.h"
#include "base/unpack.h"

enum { FILE_BYTES = 1 << 28, DOCS = 10000000 };

static int append(cJSON *list, cJSON *doc, struct err *e)
{
    if (!doc || !cJSON_AddItemToArray(list, doc)) {
        json_free(doc);
        return err_nomem(e);
    }
    return 0;
}

/* One document more of a file. */
static int count(int *n, struct err *e)
{
    if (++*n > DOCS)
        return err_set(e, ERR_FORMAT, "more than %d documents", DOCS);
    return 0;
}

static int read_lines(cJSON *list, const char *path, struct err *e)
{
    struct line_reader lines;
    int got, n = 0;

    if (lines_open(&lines, path, e) < 0)
        return -1;
    while ((got = lines_next(&lines, e)) == 1) {
        struct strbuf where = STRBUF_INIT;
        cJSON *doc;
        if (lines.line.len == 0)
            continue;
        strbuf_addf(&where, "%s:%zu", path, lines.n);
        doc = json_parse(lines.line.s, lines.line.len, strbuf_str(&where), e);
        strbuf_release(&where);
        if (!doc || append(list, doc, e) < 0 || count(&n, e) < 0) {
            got = -1;
            break;
        }
    }
    lines_close(&lines);
    return got;
}

static int read_array(cJSON *list, const char *path, struct err *e)
{
    cJSON *root = json_read(path, FILE_BYTES, e), *doc;

    if (!root)
        return -1;
    if (!cJSON_IsArray(root)) {
        json_free(root);
        return err_set(e, ERR_FORMAT, "%s: a JSON array of documents is needed", path);
    }
    while ((doc = root->child) != NULL) {
        cJSON_DetachItemViaPointer(root, doc);
        if (append(list, doc, e) < 0) {
            json_free(root);
            return -1;
        }
    }
    json_free(root);
    return 0;
}

static int is_number(const char *s)
{
    char *end;

    if (!*s || strspn(s, "+-.0123456789eE") != strlen(s))
        return 0;
    strtod(s, &end);
    return *end == 0;
}

/* A column is of numbers when every field of it is one or empty. */
static int retype(cJSON *list, const char *column, struct err *e)
{
    cJSON *doc, *m;
    int numbers = 0;

    cJSON_ArrayForEach(doc, list)
    {
        const char *s = json_str(doc, column);
        if (s && *s && !is_number(s))
            return 0;
        numbers += s && *s;
    }
    cJSON_ArrayForEach(doc, list)
    {
        const char *s = json_str(doc, column);
        if (!s || (!numbers && *s))
            continue;
        m = *s ? cJSON_CreateNumber(strtod(s, NULL)) : cJSON_CreateNull();
        if (!m || !cJSON_ReplaceItemInObjectCaseSensitive(doc, column, m))
            return err_nomem(e);
    }
    return 0;
}

static int csv_row(cJSON *list, struct csv *c, const cJSON *header, struct err *e)
{
    cJSON *doc = cJSON_CreateObject();
    const cJSON *name = header->child;

    if (!doc)
        return err_nomem(e);
    for (int i = 0; i < c->n_fields && name; i++, name = name->next)
        if (!cJSON_AddStringToObject(doc, name->valuestring, csv_field(c, i))) {
            json_free(doc);
            return err_nomem(e);
        }
    return append(list, doc, e);
}

static int read_table(cJSON *list, const char *path, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    cJSON *header = cJSON_CreateArray();
    const cJSON *name;
    struct csv c;
    int rc = header ? file_read(&b, path, FILE_BYTES, e) : err_nomem(e), got = 0;

    csv_init(&c, strbuf_str(&b), b.len, path);
    if (rc == 0 && (got = csv_next(&c, e)) == 1)
        for (int i = 0; i < c.n_fields && rc == 0; i++)
            rc = append(header, cJSON_CreateString(csv_field(&c, i)), e);
    while (rc == 0 && got == 1 && (got = csv_next(&c, e)) == 1)
        rc = csv_row(list, &c, header, e);
    cJSON_ArrayForEach(name, header)
        if (rc == 0 && got == 0)
            rc = retype(list, name->valuestring, e);
    csv_release(&c);
    strbuf_release(&b);
    json_free(header);
    return got < 0 ? -1 : rc;
}

/* What the datasets library takes for JSON: an array, or a document a line. */
static int read_json(cJSON *list, const char *path, struct err *e)
{
    FILE *f = fopen(path, "rb");
    int c;

    if (!f)
        return err_errno(e, "%s", path);
    while ((c = getc(f)) == ' ' || c == '\n' || c == '\r' || c == '\t')
        ;
    fclose(f);
    return c == '[' ? read_array(list, path, e) : read_lines(list, path, e);
}

struct collected {
    cJSON *list;
    int n;
};

static int collect(void *user, cJSON *record, struct err *e)
{
    struct collected *k = user;

    return append(k->list, record, e) < 0 ? -1 : count(&k->n, e);
}

static int read_parquet(cJSON *list, const char *path, struct err *e)
{
    struct collected k = {list, 0};

    return parquet_read(path, collect, &k, e);
}

static const struct {
    const char *suffix;
    int (*read)(cJSON *list, const char *path, struct err *e);
} readers[] = {
    {".jsonl", read_lines},
    {".json", read_json},
    {".csv", read_table},
    {".parquet", read_parquet},
};
static const size_t n_readers = sizeof readers / sizeof readers[0];

/* Packed, as many data sets keep them. */
static const char *const packed[] = {".jsonl.gz", ".json.gz", ".csv.gz"};
static const size_t n_packed = sizeof packed / sizeof packed[0];

const char *documents_suffix(size_t i)
{
    return i < n_readers              ? readers[i].suffix
           : i - n_readers < n_packed ? packed[i - n_readers]
                                      : NULL;
}

static int read_packed(cJSON *list, const char *path, const char *inner, size_t n, struct err *e)
{
    const char *tmp = getenv("TMPDIR"), *dot = memrchr(inner, '.', n);
    struct strbuf plain = STRBUF_INIT;
    int n_suffix = dot ? (int)(inner + n - dot) : 0, fd, rc = -1;

    strbuf_addf(&plain, "%s/densimeter-XXXXXX%.*s", tmp && *tmp ? tmp : "/tmp", n_suffix,
                dot ? dot : "");
    if (strbuf_ok(&plain, e) == 0) {
        fd = mkstemps(plain.s, n_suffix);
        if (fd < 0) {
            err_errno(e, "%s", plain.s);
        } else {
            close(fd);
            rc = unpack_file(path, plain.s, e);
            if (rc == 0 && (rc = documents_read(list, plain.s, e)) < 0)
                err_prefix(e, "%s, unpacked", path);
            unlink(plain.s);
        }
    }
    strbuf_release(&plain);
    return rc;
}

int documents_read(cJSON *list, const char *path, struct err *e)
{
    size_t n = strlen(path), n_inner;
    const char *inner;

    if (unpack_is_packed(path, NULL, &inner, &n_inner))
        return read_packed(list, path, inner, n_inner, e);
    for (size_t i = 0; i < n_readers; i++) {
        size_t k = strlen(readers[i].suffix);
        if (n > k && strcmp(path + n - k, readers[i].suffix) == 0)
            return readers[i].read(list, path, e);
    }
    return err_set(e, ERR_UNSUPPORTED, "%s: documents are read from .jsonl, .json, .csv and "
                   ".parquet", path);
}
