#include "tasks/lmeval_group.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "base/walk.h"

enum { DEPTH = 8, EXPANSIONS = 20000 };

struct entry { /* a file of the folder */
    char *name, *path;
    int is_group;
    int given_in; /* the number of the group that named it; 0: none yet */
    int is_changed; /* there */
    struct ynode *tags; /* of the configuration below */
    struct lmeval_config config;
};

struct group {
    const char *path; /* of the file that was asked for */
    struct entry *files;
    size_t n_files, cap_files;
    struct arena arena; /* maps of changes */
    int depth, n_expanded, n_groups;
    const struct lmeval_visit *visit;
    struct err *e;
};

/* --- the files of the folder -------------------------------------------------------------- */

static int add_file(struct group *g, const char *path, struct err *e)
{
    struct lmeval_config c;
    const struct ynode *name;
    struct err why = ERR_NONE;
    struct entry *f;

    if (lmeval_config_read(&c, path, &why) < 0) /* what is broken has no name: it is not there */
        return why.code == ERR_NOMEM ? err_nomem(e) : 0;
    name = c.kind == CONFIG_TASK ? config_get(&c, "task")
           : c.kind == CONFIG_GROUP ? config_get(&c, "group") : NULL;
    if (!name || !name->s) {
        lmeval_config_release(&c);
        return 0;
    }
    if (mem_grow(&g->files, &g->cap_files, g->n_files + 1, sizeof *g->files) < 0) {
        lmeval_config_release(&c);
        return err_nomem(e);
    }
    f = &g->files[g->n_files++];
    *f = (struct entry){.name = mem_strdup(name->s), .path = mem_strdup(path),
                        .is_group = c.kind == CONFIG_GROUP, .tags = ynode_get(c.map, "tag"),
                        .config = c};
    return f->name && f->path ? 0 : err_nomem(e);
}

static int read_folder(struct group *g, struct err *e)
{
    const char *slash = strrchr(g->path, '/');
    char *dir = slash ? mem_strndup(g->path, slash == g->path ? 1 : (size_t)(slash - g->path))
                      : mem_strdup(".");
    struct walk files = {0};
    int rc = dir ? walk_files(&files, dir, ".yaml", e) : err_nomem(e);

    for (size_t i = 0; i < files.n && rc == 0; i++)
        rc = add_file(g, files.v[i], e);
    walk_release(&files);
    mem_free(dir);
    return rc;
}

static void group_release(struct group *g)
{
    for (size_t i = 0; i < g->n_files; i++) {
        mem_free(g->files[i].name);
        mem_free(g->files[i].path);
        lmeval_config_release(&g->files[i].config);
    }
    mem_free(g->files);
    arena_release(&g->arena);
}

/* --- expanding ---------------------------------------------------------------------------- */

static int is_own_key(const struct ynode *key)
{
    static const char own[] = " group group_alias task tag aggregate_metric_list metadata include ";
    char word[64];

    snprintf(word, sizeof word, " %s ", key->s ? key->s : "");
    return strstr(own, word) != NULL;
}

/* The keys of a group or an entry that change its tasks, and over them those of the groups around
 * it; NULL in *out: none. */
static int changes_of(struct group *g, const struct ynode *map, const struct ynode *outer,
                      const struct ynode **out)
{
    struct ynode *made = arena_alloc(&g->arena, sizeof *made);
    size_t n = map->n_items + (outer ? outer->n_items : 0);

    *out = NULL;
    if (!made || !(made->keys = arena_alloc(&g->arena, (n + 1) * sizeof *made->keys)) ||
        !(made->items = arena_alloc(&g->arena, (n + 1) * sizeof *made->items)))
        return err_nomem(g->e);
    *made = (struct ynode){.type = Y_MAP, .line = map->line, .column = map->column,
                           .file = map->file, .keys = made->keys, .items = made->items};
    for (size_t i = 0; i < n; i++) {
        const struct ynode *from = i < map->n_items ? map : outer;
        size_t k = i < map->n_items ? i : i - map->n_items;
        if (from == map && (is_own_key(map->keys[k]) || ynode_get(outer, map->keys[k]->s)))
            continue;
        made->keys[made->n_items] = from->keys[k];
        made->items[made->n_items++] = from->items[k];
    }
    *out = made->n_items ? made : NULL;
    return 0;
}

/* instead: an entry whose keys of a group stand for those of its file; NULL: none. */
static int expand_group(struct group *g, const struct ynode *map, const struct ynode *outer,
                        const struct ynode *instead);

/* lm-eval refuses tasks that would be asked, or counted, twice.  1: the group has it already. */
static int given_before(struct group *g, struct entry *f, const struct ynode *at, int in,
                        const struct ynode *changes)
{
    if (!f->given_in) {
        f->given_in = in;
        f->is_changed = changes != NULL;
        return 0;
    }
    if (!f->is_group && f->given_in == in && !f->is_changed && !changes)
        return 1;
    return ynode_fail(at, g->e, ERR_FORMAT, "'%s' is named twice: it cannot be asked, or count, in "
                      "two ways at once", f->name);
}

static int give(struct group *g, struct entry *f, const struct ynode *at, int in,
                const struct ynode *changes)
{
    struct strbuf b = STRBUF_INIT;
    int rc = given_before(g, f, at, in, changes);

    if (rc != 0)
        return rc < 0 ? -1 : 0;

    if (changes)
        strbuf_addf(&b, "%s:%s", g->path, f->name);
    else
        strbuf_adds(&b, f->path);
    rc = strbuf_ok(&b, g->e);
    if (rc == 0)
        rc = g->visit->each(g->visit->user,
                            &(struct lmeval_member){strbuf_str(&b), f->name, f->path, changes,
                                                    g->depth},
                            g->e);
    strbuf_release(&b);
    return rc;
}

static int has_tag(const struct entry *f, const char *tag)
{
    for (size_t i = 0; f->tags && f->tags->type == Y_LIST && i < f->tags->n_items; i++)
        if (ynode_is(f->tags->items[i], tag))
            return 1;
    return ynode_is(f->tags, tag);
}

static int no_name(const struct group *g, const struct ynode *name)
{
    struct suggest s = SUGGEST(name->s);

    for (size_t i = 0; i < g->n_files; i++)
        suggest_offer(&s, g->files[i].name);
    ynode_fail(name, g->e, ERR_NOTFOUND,
               "no task, group or tag beside or below this file is called '%s'", name->s);
    if (suggest_best(&s))
        err_hint(g->e, "did you mean '%s'?", suggest_best(&s));
    return -1;
}

static int expand_name(struct group *g, const struct ynode *name, int in,
                       const struct ynode *entry, const struct ynode *changes)
{
    int found = 0;

    for (size_t i = 0; i < g->n_files; i++)
        if (strcmp(g->files[i].name, name->s) == 0) {
            struct entry *f = &g->files[i];
            if (!f->is_group)
                return give(g, f, name, in, changes);
            if (expand_group(g, f->config.map, changes, entry) < 0)
                return -1;
            return given_before(g, f, name, in, changes);
        }
    for (size_t i = 0; i < g->n_files; i++)
        if (!g->files[i].is_group && has_tag(&g->files[i], name->s)) {
            found = 1;
            if (give(g, &g->files[i], name, in, changes) < 0)
                return -1;
        }
    return found ? 0 : no_name(g, name);
}

static int expand_entry(struct group *g, const struct ynode *y, int in, const struct ynode *outer)
{
    const struct ynode *task = y->type == Y_MAP ? ynode_get(y, "task") : y, *changes = outer;

    if (y->type == Y_MAP && task && task->type == Y_LIST)
        return expand_group(g, y, outer, NULL);
    if (!task || task->type != Y_STR)
        return ynode_fail(y, g->e, ERR_FORMAT, "task: the name of a task, or a map with one");
    if (y->type == Y_MAP && changes_of(g, y, outer, &changes) < 0)
        return -1;
    return expand_name(g, task, in, y->type == Y_MAP ? y : NULL, changes);
}

static int expand_group(struct group *g, const struct ynode *map, const struct ynode *outer,
                        const struct ynode *instead)
{
    const struct ynode *tasks = ynode_get(map, "task"), *changes;
    const struct lmeval_visit *v = g->visit;
    int rc = 0, in = ++g->n_groups;

    if (g->depth == DEPTH)
        return ynode_fail(tasks, g->e, ERR_FORMAT, "more than %d groups inside each other", DEPTH);
    if (changes_of(g, map, outer, &changes) < 0 ||
        (v->enter && v->enter(v->user, map, instead, g->depth, g->e) < 0))
        return -1;
    g->depth++;
    for (size_t i = 0; i < tasks->n_items && rc == 0; i++)
        rc = g->n_expanded++ < EXPANSIONS
                 ? expand_entry(g, tasks->items[i], in, changes)
                 : ynode_fail(tasks, g->e, ERR_FORMAT, "more than %d tasks", EXPANSIONS);
    g->depth--;
    return rc;
}

int lmeval_members(const char *path, const struct lmeval_visit *visit, struct err *e)
{
    struct group g = {.path = path, .visit = visit, .e = e};
    struct lmeval_config c;
    int rc;

    if (lmeval_config_read(&c, path, e) < 0)
        return -1;
    if (c.kind != CONFIG_GROUP) {
        struct lmeval_member own = {path, config_str(&c, "task", path), path, NULL, 0};
        rc = visit->each(visit->user, &own, e);
        lmeval_config_release(&c);
        return rc;
    }
    rc = lmeval_config_check(&c, e);
    if (rc == 0)
        rc = read_folder(&g, e);
    if (rc == 0)
        rc = expand_group(&g, c.map, NULL, NULL);
    group_release(&g);
    lmeval_config_release(&c);
    return rc;
}

/* --- one of them -------------------------------------------------------------------------- */

struct wanted {
    const char *word;
    struct lmeval_config *out;
    int found;
};

static struct ynode *copy(struct arena *a, const struct ynode *y)
{
    struct ynode *c = arena_alloc(a, sizeof *c);

    if (!c)
        return NULL;
    *c = *y;
    c->file = arena_strdup(a, y->file);
    c->s = y->s ? arena_strndup(a, y->s, y->n) : NULL;
    c->items = y->items ? arena_alloc(a, (y->n_items + 1) * sizeof *c->items) : NULL;
    c->keys = y->keys ? arena_alloc(a, (y->n_items + 1) * sizeof *c->keys) : NULL;
    if (!c->file || (y->s && !c->s) || (y->items && !c->items) || (y->keys && !c->keys))
        return NULL;
    for (size_t i = 0; i < y->n_items; i++)
        /* items are counted where there are any:
         * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        if (!(c->items[i] = copy(a, y->items[i])) ||
            (y->keys && !(c->keys[i] = copy(a, y->keys[i]))))
            return NULL;
    return c;
}

static int take_if_wanted(void *user, const struct lmeval_member *m, struct err *e)
{
    struct wanted *w = user;

    if (w->found || strcmp(m->word, w->word) != 0)
        return 0;
    w->found = 1;
    if (lmeval_config_read(w->out, m->path, e) < 0)
        return -1;
    for (size_t i = 0; m->changes && i < m->changes->n_items; i++) {
        struct ynode *key = copy(&w->out->arena, m->changes->keys[i]);
        struct ynode *value = copy(&w->out->arena, m->changes->items[i]);
        if (!key || !value)
            return err_nomem(e);
        if (lmeval_config_set(w->out, key, value, e) < 0)
            return -1;
    }
    return 0;
}

int lmeval_config_open(struct lmeval_config *out, const char *word, struct err *e)
{
    static const char suffix[] = ".yaml:";
    const char *at = strstr(word, suffix);
    struct wanted w = {word, out, 0};
    const struct lmeval_visit visit = {.each = take_if_wanted, .user = &w};
    char *path;
    int rc;

    if (!at)
        return lmeval_config_read(out, word, e);
    *out = (struct lmeval_config){.kind = CONFIG_PART};
    path = mem_strndup(word, (size_t)(at - word) + sizeof suffix - 2);
    rc = path ? lmeval_members(path, &visit, e) : err_nomem(e);
    mem_free(path);
    if (rc == 0 && !w.found)
        rc = err_set(e, ERR_NOTFOUND, "%s: the group has no such task", word);
    if (rc < 0)
        lmeval_config_release(out);
    return rc;
}
