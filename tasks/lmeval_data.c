/* lmeval_data.c -- where a task's documents are, and what they look like once read.
 *
 * lm-eval asks the datasets library; here a split is one local file: of dataset_kwargs.data_files,
 * or DATASET/NAME/SPLIT.jsonl (.json, .csv) below a data dir.  As there, the documents of a split
 * all have the same members, null where a record had none. */
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"
#include "tasks/lmeval.h"
#include "tasks/load.h"
#include "tasks/recipe.h"

enum { FILE_BYTES = 1 << 28, DOCS = 10000000, MEMBERS = 2000 };

/* Data sets that the built-in tasks (table.c) read, where their records are those of the hub. */
static const struct {
    const char *path, *name; /* name NULL: any */
    const char *split, *file;
} known[] = {
    {"allenai/ai2_arc", "ARC-Easy", "test", "arc_easy/test.jsonl"},
    {"allenai/ai2_arc", "ARC-Easy", "validation", "arc_easy/validation.jsonl"},
    {"allenai/ai2_arc", "ARC-Challenge", "test", "arc_challenge/test.jsonl"},
    {"allenai/ai2_arc", "ARC-Challenge", "validation", "arc_challenge/validation.jsonl"},
    {"openai/gsm8k", "main", "train", "gsm8k/train.jsonl"},
    {"openai/gsm8k", "main", "test", "gsm8k/test.jsonl"},
    {"gsm8k", "main", "train", "gsm8k/train.jsonl"},
    {"gsm8k", "main", "test", "gsm8k/test.jsonl"},
    {"openai/openai_humaneval", NULL, "test", "humaneval/HumanEval.jsonl"},
    {"winogrande", NULL, "validation", "winogrande/dev.jsonl"},
    {"allenai/winogrande", NULL, "validation", "winogrande/dev.jsonl"},
    {"sciq", NULL, "validation", "sciq/validation.jsonl"},
    {"allenai/sciq", NULL, "validation", "sciq/validation.jsonl"},
    {"nq_open", NULL, "validation", "nq_open/NQ-open.dev.jsonl"},
    {"google-research-datasets/nq_open", NULL, "validation", "nq_open/NQ-open.dev.jsonl"},
    {"EleutherAI/lambada_openai", NULL, "test", "lambada/lambada_test.jsonl"},
    {"tau/commonsense_qa", NULL, "validation", "commonsenseqa/dev.jsonl"},
    {"HuggingFaceH4/MATH-500", NULL, "test", "math500/test.jsonl"},
};

void docset_release(struct docset *d)
{
    json_free(d->list);
    mem_free(d->v);
    mem_free(d->path);
    *d = (struct docset){0};
}

/* --- one shape ---------------------------------------------------------------------------- */

static int add_null(cJSON *doc, const char *name, struct err *e)
{
    cJSON *null = cJSON_CreateNull();

    if (null && cJSON_AddItemToObject(doc, name, null))
        return 0;
    json_free(null);
    return err_nomem(e);
}

/* The names of the first document, then those that later ones have besides. */
static int all_members(const struct docset *d, cJSON *names, struct err *e)
{
    const cJSON *m;
    int n = 0;

    for (int i = 0; i < d->n; i++)
        cJSON_ArrayForEach(m, d->v[i])
        {
            if (cJSON_GetObjectItemCaseSensitive(names, m->string))
                continue;
            if (n++ == MEMBERS)
                return err_set(e, ERR_FORMAT, "document %d: more than %d different members", i,
                               MEMBERS);
            if (add_null(names, m->string, e) < 0)
                return -1;
        }
    return 0;
}

/* Every document gets every member, null where it has none. */
static int same_members(struct docset *d, struct err *e)
{
    cJSON *names = cJSON_CreateObject();
    const cJSON *name;
    int rc = names ? all_members(d, names, e) : err_nomem(e);

    cJSON_ArrayForEach(name, names)
        for (int i = 0; i < d->n && rc == 0; i++)
            if (!cJSON_GetObjectItemCaseSensitive(d->v[i], name->string))
                rc = add_null(d->v[i], name->string, e);
    json_free(names);
    return rc;
}

static int index_docs(struct docset *d, struct err *e)
{
    cJSON *doc;

    mem_free(d->v);
    d->n = cJSON_GetArraySize(d->list);
    d->v = mem_calloc((size_t)d->n + 1, sizeof *d->v);
    if (!d->v)
        return err_nomem(e);
    d->n = 0;
    cJSON_ArrayForEach(doc, d->list)
    {
        if (!cJSON_IsObject(doc))
            return err_set(e, ERR_FORMAT, "document %d is not a JSON object", d->n);
        d->v[d->n++] = doc;
    }
    return 0;
}

int docset_make(struct docset *out, cJSON *list, const struct native *process, struct err *e)
{
    *out = (struct docset){.list = list};
    if (index_docs(out, e) < 0 || same_members(out, e) < 0)
        goto fail;
    if (process && (native_docs(process, list, e) < 0 || index_docs(out, e) < 0))
        goto fail;
    return 0;
fail:
    docset_release(out);
    return -1;
}

/* --- files -------------------------------------------------------------------------------- */

static int append(cJSON *list, cJSON *doc, struct err *e)
{
    if (!doc || !cJSON_AddItemToArray(list, doc)) {
        json_free(doc);
        return err_nomem(e);
    }
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
        if (!doc || append(list, doc, e) < 0 || n++ > DOCS) {
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

static const struct {
    const char *suffix;
    int (*read)(cJSON *list, const char *path, struct err *e);
} readers[] = {
    {".jsonl", read_lines},
    {".json", NULL}, /* lines or an array: see read_json */
    {".csv", read_table},
};
static const size_t n_readers = sizeof readers / sizeof readers[0];

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

static int read_documents(cJSON *list, const char *path, struct err *e)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < n_readers; i++) {
        size_t k = strlen(readers[i].suffix);
        if (n > k && strcmp(path + n - k, readers[i].suffix) == 0)
            return readers[i].read ? readers[i].read(list, path, e) : read_json(list, path, e);
    }
    return err_set(e, ERR_UNSUPPORTED, "%s: documents are read from .jsonl, .json and .csv", path);
}

/* --- finding ------------------------------------------------------------------------------ */

/* data_files: a path, a list of paths (of the split train), or a map from splits to such. */
static const struct ynode *files_of(const struct lmeval *t, const char *split)
{
    const struct ynode *files = ynode_get(config_get(&t->config, "dataset_kwargs"), "data_files");

    if (!files || files->type == Y_NULL)
        return NULL;
    if (files->type == Y_MAP)
        return ynode_get(files, split);
    return strcmp(split, "train") == 0 ? files : NULL;
}

/* A path as it is, from the YAML file's folder, or below a data dir; mem_free. */
static char *named_file(const struct lmeval *t, const struct ynode *y, const struct task_opts *o,
                        struct err *e)
{
    const char *slash = strrchr(y->file, '/');
    struct strbuf beside = STRBUF_INIT;
    struct err own = ERR_NONE;
    char *path = NULL;

    if (!y->s) {
        ynode_fail(y, e, ERR_FORMAT, "data_files: a path is needed");
        return NULL;
    }
    if (slash)
        strbuf_add(&beside, y->file, (size_t)(slash - y->file) + 1);
    strbuf_adds(&beside, y->s);
    if (beside.failed)
        err_nomem(&own);
    else if (file_exists(y->s))
        path = mem_strdup(y->s);
    else if (file_exists(strbuf_str(&beside)))
        path = strbuf_take(&beside);
    else
        path = data_find(t->name, y->s, NULL, o, &own);
    if (!path && own.code == ERR_NOTFOUND)
        ynode_fail(y, e, ERR_NOTFOUND, "data_files: %s is not there", y->s);
    else if (!path)
        err_nomem(e);
    strbuf_release(&beside);
    return path;
}

/* NULL: it is not there, or *why says that memory was. */
static char *try_file(const struct lmeval *t, const char *folder, const char *name,
                      const char *split, const struct task_opts *o, struct err *why)
{
    char *found = NULL;

    for (size_t i = 0; i < n_readers && !found && why->code != ERR_NOMEM; i++) {
        struct strbuf b = STRBUF_INIT;
        strbuf_addf(&b, "%s%s%s%s%s%s", folder, *folder ? "/" : "", name, *name ? "/" : "", split,
                    readers[i].suffix);
        if (strbuf_ok(&b, why) == 0)
            found = data_find(t->name, strbuf_str(&b), NULL, o, why);
        strbuf_release(&b);
    }
    return found;
}

/* DATASET/NAME, DATASET, both without the owner, the task's name; then the known ones. */
static char *usual_file(const struct lmeval *t, const char *split, const struct task_opts *o,
                        struct err *e)
{
    const char *path = config_str(&t->config, "dataset_path", "");
    const char *name = config_str(&t->config, "dataset_name", "");
    const char *bare = path_base(path);
    const char *const places[][2] = {{path, name}, {bare, name}, {path, ""}, {bare, ""},
                                     {t->name, ""}};
    struct err why = ERR_NONE;
    char *found = NULL;

    for (size_t i = 0; i < sizeof places / sizeof places[0] && !found; i++)
        if (*places[i][0] && (i < 2 ? *name : 1))
            found = try_file(t, places[i][0], places[i][1], split, o, &why);
    for (size_t i = 0; i < sizeof known / sizeof known[0] && !found; i++)
        if (strcmp(known[i].path, path) == 0 && strcmp(known[i].split, split) == 0 &&
            (!known[i].name || strcmp(known[i].name, name) == 0))
            found = data_find(t->name, known[i].file, NULL, o, &why);
    if (!found && why.code == ERR_NOMEM) {
        err_nomem(e);
    } else if (!found) {
        err_set(e, ERR_NOTFOUND, "%s: no data for the split '%s' of %s%s%s", t->name, split, path,
                *name ? ", " : "", name);
        err_hint(e, "put it at %s%s%s/%s.jsonl (or .json, .csv) below a folder of --data or "
                 "$DENSIMETER_DATA", *path ? path : t->name, *name ? "/" : "", name, split);
    }
    return found;
}

static int read_named(const struct lmeval *t, const struct ynode *files,
                      const struct task_opts *o, cJSON *list, char **path, struct err *e)
{
    size_t n = files->type == Y_LIST ? files->n_items : 1;

    for (size_t i = 0; i < n; i++) {
        const struct ynode *y = files->type == Y_LIST ? files->items[i] : files;
        char *one = named_file(t, y, o, e);
        int rc = one ? read_documents(list, one, e) : -1;
        if (!*path)
            *path = one;
        else
            mem_free(one);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int lmeval_split(const struct lmeval *t, const char *split, const struct native *process,
                 const struct task_opts *o, struct docset *out, struct err *e)
{
    const struct ynode *files = files_of(t, split);
    char *path = NULL;
    cJSON *list;
    int rc;

    *out = (struct docset){0};
    json_begin();
    list = cJSON_CreateArray();
    if (!list)
        return err_nomem(e);
    if (files) {
        rc = read_named(t, files, o, list, &path, e);
    } else {
        path = usual_file(t, split, o, e);
        rc = path ? read_documents(list, path, e) : -1;
    }
    if (rc == 0 && cJSON_GetArraySize(list) == 0)
        rc = err_set(e, ERR_FORMAT, "%s: holds no documents", path);
    if (rc < 0) {
        json_free(list);
    } else {
        rc = docset_make(out, list, process, e);
        if (rc < 0 && path)
            err_prefix(e, "%s", path);
    }
    if (rc < 0)
        mem_free(path);
    else
        out->path = path;
    return rc;
}
