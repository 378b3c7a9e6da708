#include "tasks/lmeval_config.h"

#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/suggest.h"

enum { INCLUDE_DEPTH = 16, INCLUDES = 256 };

/* One include chain: the files that are open, outermost first. */
struct chain {
    struct arena *arena;
    struct {
        dev_t device;
        ino_t inode;
    } open[INCLUDE_DEPTH];
    int depth, n_files;
    struct err *e;
};

static int map_put(struct arena *a, struct ynode *map, struct ynode *key, struct ynode *value,
                   struct err *e)
{
    struct ynode **keys, **items;

    for (size_t i = 0; i < map->n_items; i++)
        if (key->type == Y_STR && ynode_is(map->keys[i], key->s)) {
            map->items[i] = value;
            return 0;
        }
    keys = arena_alloc(a, (map->n_items + 1) * sizeof *keys);
    items = arena_alloc(a, (map->n_items + 1) * sizeof *items);
    if (!keys || !items)
        return err_nomem(e);
    if (map->n_items) {
        memcpy(keys, map->keys, map->n_items * sizeof *keys);
        memcpy(items, map->items, map->n_items * sizeof *items);
    }
    keys[map->n_items] = key;
    items[map->n_items++] = value;
    map->keys = keys;
    map->items = items;
    return 0;
}

static int map_update(struct arena *a, struct ynode *map, const struct ynode *with, struct err *e)
{
    for (size_t i = 0; i < with->n_items; i++)
        if (!ynode_is(with->keys[i], "include") &&
            map_put(a, map, with->keys[i], with->items[i], e) < 0)
            return -1;
    return 0;
}

/* `include` is meant from the folder of the file that it stands in. */
static const char *include_path(struct chain *c, const struct ynode *y)
{
    const char *slash = strrchr(y->file, '/');
    size_t n = slash && y->s[0] != '/' ? (size_t)(slash - y->file) + 1 : 0;
    char *path = arena_alloc(c->arena, n + y->n + 1);

    if (!path) {
        err_nomem(c->e);
        return NULL;
    }
    memcpy(path, y->file, n);
    memcpy(path + n, y->s, y->n);
    return path;
}

static int read_file(struct chain *c, const char *path, const struct ynode *from,
                     struct ynode *merged);

static int read_include(struct chain *c, const struct ynode *y, struct ynode *merged)
{
    const char *path;

    if (y->type != Y_STR)
        return ynode_fail(y, c->e, ERR_FORMAT, "include: a path is needed");
    path = include_path(c, y);
    return path ? read_file(c, path, y, merged) : -1;
}

/* The last of a list is read first, so that the first wins. */
static int read_includes(struct chain *c, const struct ynode *y, struct ynode *merged)
{
    if (y->type != Y_LIST)
        return read_include(c, y, merged);
    for (size_t i = y->n_items; i-- > 0;)
        if (read_include(c, y->items[i], merged) < 0)
            return -1;
    return 0;
}

/* from: the include that names the file; NULL for the outermost. */
static int enter(struct chain *c, const char *path, const struct ynode *from)
{
    struct stat st;

    if (c->depth == INCLUDE_DEPTH)
        return ynode_fail(from, c->e, ERR_FORMAT, "include: more than %d files inside each other",
                          INCLUDE_DEPTH);
    if (c->n_files++ == INCLUDES)
        return ynode_fail(from, c->e, ERR_FORMAT, "include: more than %d files", INCLUDES);
    if (stat(path, &st) < 0) {
        if (!from)
            return err_errno(c->e, "%s", path);
        return ynode_fail(from, c->e, ERR_NOTFOUND, "include: %s: no such file", path);
    }
    for (int i = 0; i < c->depth; i++)
        if (c->open[i].device == st.st_dev && c->open[i].inode == st.st_ino)
            return ynode_fail(from, c->e, ERR_FORMAT, "include: %s includes itself", path);
    c->open[c->depth].device = st.st_dev;
    c->open[c->depth++].inode = st.st_ino;
    return 0;
}

static int read_file(struct chain *c, const char *path, const struct ynode *from,
                     struct ynode *merged)
{
    const struct ynode *include;
    struct ynode *own = NULL;

    if (enter(c, path, from) < 0 || yamldoc_read(c->arena, path, &own, c->e) < 0)
        return -1;
    if (own->type != Y_MAP)
        return ynode_fail(own, c->e, ERR_FORMAT, "a map of keys and values is needed");
    include = ynode_get(own, "include");
    if (include && read_includes(c, include, merged) < 0)
        return -1;
    c->depth--;
    if (!from) {
        merged->file = own->file;
        merged->line = own->line;
        merged->column = own->column;
    }
    return map_update(c->arena, merged, own, c->e);
}

static enum config_kind kind_of(const struct ynode *map)
{
    const struct ynode *task = ynode_get(map, "task");

    if (ynode_get(map, "class"))
        return CONFIG_PYTHON;
    return !task || task->type == Y_NULL ? CONFIG_PART
           : task->type == Y_LIST        ? CONFIG_GROUP
                                         : CONFIG_TASK;
}

int lmeval_config_read(struct lmeval_config *out, const char *path, struct err *e)
{
    struct chain c = {.arena = &out->arena, .e = e};

    *out = (struct lmeval_config){.kind = CONFIG_PART};
    out->map = arena_alloc(&out->arena, sizeof *out->map);
    if (!out->map)
        return err_nomem(e);
    out->map->type = Y_MAP;
    if (read_file(&c, path, NULL, out->map) < 0) {
        lmeval_config_release(out);
        return -1;
    }
    out->kind = kind_of(out->map);
    return 0;
}

void lmeval_config_release(struct lmeval_config *c)
{
    arena_release(&c->arena);
    *c = (struct lmeval_config){.kind = CONFIG_PART};
}

int lmeval_config_set(struct lmeval_config *c, struct ynode *key, struct ynode *value,
                      struct err *e)
{
    return map_put(&c->arena, c->map, key, value, e);
}

/* --- what keys there are ------------------------------------------------------------------ */

#define T(type) (1u << Y_##type)

struct key {
    const char *name;
    unsigned types; /* besides null */
    const char *refused; /* NULL, or why a task with this key does not run here */
};

static const struct key task_keys[] = {
    {"task", T(STR) | T(INT), NULL},
    {"task_alias", ~0u, NULL},
    {"tag", T(STR) | T(LIST), NULL},
    {"custom_dataset", T(FUNCTION), "data made by Python code"},
    {"dataset_path", T(STR), NULL},
    {"dataset_name", T(STR) | T(INT), NULL},
    {"dataset_kwargs", T(MAP), NULL},
    {"training_split", T(STR), NULL},
    {"validation_split", T(STR), NULL},
    {"test_split", T(STR), NULL},
    {"fewshot_split", T(STR), NULL},
    {"process_docs", T(FUNCTION), NULL},
    {"doc_to_text", T(STR) | T(INT) | T(FUNCTION), NULL},
    {"doc_to_target", T(STR) | T(INT) | T(LIST) | T(FUNCTION), NULL},
    {"doc_to_image", ~0u, "questions about pictures"},
    {"doc_to_audio", ~0u, "questions about sound"},
    {"unsafe_code", T(BOOL), NULL},
    {"doc_to_choice", T(STR) | T(LIST) | T(MAP) | T(FUNCTION), NULL},
    {"process_results", T(FUNCTION) | T(STR), NULL},
    {"use_prompt", T(STR), "prompts of the promptsource library"},
    {"description", T(STR) | T(FUNCTION), NULL},
    {"target_delimiter", T(STR), NULL},
    {"fewshot_delimiter", T(STR), NULL},
    {"fewshot_config", T(MAP), NULL},
    {"num_fewshot", T(INT), NULL},
    {"metric_list", T(LIST), NULL},
    {"output_type", T(STR), NULL},
    {"generation_kwargs", T(MAP), NULL},
    {"repeats", T(INT), NULL},
    {"filter_list", T(LIST), NULL},
    {"should_decontaminate", T(BOOL), NULL},
    {"doc_to_decontamination_query", T(STR) | T(FUNCTION), NULL},
    {"gen_prefix", T(STR), NULL},
    {"metadata", T(MAP) | T(LIST), NULL},
};

static const struct key group_keys[] = {
    {"group", T(STR), NULL},
    {"group_alias", ~0u, NULL},
    {"task", T(LIST), NULL},
    {"tag", T(STR) | T(LIST), NULL},
    {"aggregate_metric_list", T(LIST) | T(MAP), NULL},
    {"metadata", T(MAP) | T(LIST), NULL},
};

static const char *type_name(enum ynode_type t)
{
    static const char *const names[] = {
        [Y_NULL] = "null",      [Y_BOOL] = "a boolean", [Y_INT] = "a whole number",
        [Y_FLOAT] = "a number", [Y_STR] = "a text",     [Y_LIST] = "a list",
        [Y_MAP] = "a map",      [Y_FUNCTION] = "a !function"};

    return names[t];
}

static const struct key *key_find(const struct key *keys, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

static int unknown_key(const struct ynode *key, const struct key *keys, size_t n, struct err *e)
{
    struct suggest s = SUGGEST(key->s);

    for (size_t i = 0; i < n; i++)
        suggest_offer(&s, keys[i].name);
    ynode_fail(key, e, ERR_FORMAT, "'%s' is no key of a task", key->s);
    if (suggest_best(&s))
        err_hint(e, "did you mean '%s'?", suggest_best(&s));
    return -1;
}

static int check_key(const struct ynode *key, const struct ynode *value, const struct key *row,
                     struct err *e)
{
    if (value->type == Y_NULL)
        return 0;
    if (!(row->types & 1u << value->type))
        return ynode_fail(value, e, ERR_FORMAT, "%s: %s does not fit", key->s,
                          type_name(value->type));
    if (row->refused)
        return ynode_fail(value, e, ERR_UNSUPPORTED, "%s: %s are not supported", key->s,
                          row->refused);
    return 0;
}

/* A group hands keys that are not its own on to its tasks. */
int lmeval_config_check(const struct lmeval_config *c, struct err *e)
{
    const size_t n_task = sizeof task_keys / sizeof task_keys[0];
    const size_t n_group = sizeof group_keys / sizeof group_keys[0];
    int group = c->kind == CONFIG_GROUP;

    for (size_t i = 0; i < c->map->n_items; i++) {
        const struct ynode *key = c->map->keys[i];
        const struct key *row = NULL;
        if (key->type != Y_STR)
            return ynode_fail(key, e, ERR_FORMAT, "a key of a task is a text");
        if (group)
            row = key_find(group_keys, n_group, key->s);
        if (!row)
            row = key_find(task_keys, n_task, key->s);
        if (!row)
            return unknown_key(key, task_keys, n_task, e);
        if (check_key(key, c->map->items[i], row, e) < 0)
            return -1;
    }
    return 0;
}

const struct ynode *config_get(const struct lmeval_config *c, const char *key)
{
    const struct ynode *y = ynode_get(c->map, key);

    return y && y->type != Y_NULL ? y : NULL;
}

const char *config_str(const struct lmeval_config *c, const char *key, const char *fallback)
{
    const struct ynode *y = config_get(c, key);

    return y && y->s ? y->s : fallback;
}
