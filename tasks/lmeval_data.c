/* lmeval_data.c -- where a task's documents are, and what they look like once read.
 *
 * lm-eval asks the datasets library; here a split is one local file: of dataset_kwargs.data_files,
 * or DATASET/NAME/SPLIT.jsonl (.json, .csv, .parquet) below a data dir.  As there, the
 * documents of a split all have the same members, null where a record had none. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "tasks/lmeval.h"
#include "tasks/documents.h"
#include "tasks/load.h"
#include "tasks/recipe.h"

enum { MEMBERS = 2000 };

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

int docset_make(struct docset *out, cJSON *list, const struct native *process, int all,
                struct err *e)
{
    *out = (struct docset){.list = list};
    if (index_docs(out, e) < 0 || same_members(out, e) < 0)
        goto fail;
    if (process && (native_docs(process, list, all, e) < 0 || index_docs(out, e) < 0 ||
                    same_members(out, e) < 0))
        goto fail;
    return 0;
fail:
    docset_release(out);
    return -1;
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

    for (size_t i = 0; documents_suffix(i) && !found && why->code != ERR_NOMEM; i++) {
        struct strbuf b = STRBUF_INIT;
        strbuf_addf(&b, "%s%s%s%s%s%s", folder, *folder ? "/" : "", name, *name ? "/" : "", split,
                    documents_suffix(i));
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
        err_hint(e, "'densimeter tasks fetch FILE.yaml' brings it from the hub; or put it at "
                 "%s%s%s/%s.jsonl (or .json, .csv, .parquet) below a folder of --data or "
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
        int rc = one ? documents_read(list, one, e) : -1;
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
        rc = path ? documents_read(list, path, e) : -1;
    }
    if (rc == 0 && cJSON_GetArraySize(list) == 0)
        rc = err_set(e, ERR_FORMAT, "%s: holds no documents", path);
    if (rc < 0) {
        json_free(list);
    } else {
        rc = docset_make(out, list, process, 0, e);
        if (rc < 0 && path)
            err_prefix(e, "%s", path);
    }
    if (rc < 0)
        mem_free(path);
    else
        out->path = path;
    return rc;
}
