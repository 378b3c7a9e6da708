#include "tasks/yamldoc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tasks/yamldoc_scalar.h"

enum {
    FILE_BYTES = 4 << 20,
    NESTING = 64,
    NODES = 200000,
    EXPANDED = 1000000, /* nodes when every alias is written out */
    KEYS = 4096,        /* of one map: they are compared with each other */
};

struct anchor {
    char *name;
    struct ynode *node; /* NULL while the node is being read: an alias would contain itself */
};

struct reader {
    struct arena *arena;
    const char *name;
    yaml_parser_t parser;
    struct anchor *anchors;
    size_t n_anchors, cap_anchors, n_nodes;
    int depth;
    struct err *e;
};

static int fail_at(struct reader *r, const yaml_mark_t *at, enum err_code code, const char *fmt,
                   ...)
    PRINTF_LIKE(4, 5);
static int fail_at(struct reader *r, const yaml_mark_t *at, enum err_code code, const char *fmt,
                   ...)
{
    char text[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(r->e, code, "%s:%zu:%zu: %s", r->name, at->line + 1, at->column + 1, text);
}

int ynode_fail(const struct ynode *y, struct err *e, enum err_code code, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(e, code, "%s:%d:%d: %s", y->file, y->line, y->column, text);
}

/* --- nodes -------------------------------------------------------------------------------- */

static struct ynode *node_new(struct reader *r, enum ynode_type type, const yaml_mark_t *at)
{
    struct ynode *y;

    if (r->n_nodes++ >= NODES) {
        fail_at(r, at, ERR_FORMAT, "more than %d values", NODES);
        return NULL;
    }
    y = arena_alloc(r->arena, sizeof *y);
    if (!y) {
        err_nomem(r->e);
        return NULL;
    }
    *y = (struct ynode){.type = type, .line = (int)at->line + 1, .column = (int)at->column + 1,
                        .file = r->name, .weight = 1};
    return y;
}

static int anchor_add(struct reader *r, const yaml_char_t *name, size_t *index)
{
    char *copy;

    *index = SIZE_MAX;
    if (!name)
        return 0;
    copy = mem_strdup((const char *)name);
    if (!copy ||
        mem_grow(&r->anchors, &r->cap_anchors, r->n_anchors + 1, sizeof *r->anchors) < 0) {
        mem_free(copy);
        return err_nomem(r->e);
    }
    *index = r->n_anchors;
    r->anchors[r->n_anchors++] = (struct anchor){copy, NULL};
    return 0;
}

static void anchor_done(struct reader *r, size_t index, struct ynode *y)
{
    if (index != SIZE_MAX)
        r->anchors[index].node = y;
}

/* The newest anchor of that name counts. */
static struct ynode *alias(struct reader *r, const yaml_event_t *ev)
{
    const char *name = (const char *)ev->data.alias.anchor;

    for (size_t i = r->n_anchors; i-- > 0;)
        if (strcmp(r->anchors[i].name, name) == 0) {
            if (!r->anchors[i].node)
                fail_at(r, &ev->start_mark, ERR_FORMAT, "*%s contains itself", name);
            return r->anchors[i].node;
        }
    fail_at(r, &ev->start_mark, ERR_FORMAT, "*%s: no such anchor", name);
    return NULL;
}

static int next_event(struct reader *r, yaml_event_t *ev)
{
    const yaml_parser_t *p = &r->parser;
    const yaml_mark_t *at = &p->problem_mark;
    yaml_mark_t read;

    if (yaml_parser_parse(&r->parser, ev))
        return 0;
    if (p->error == YAML_MEMORY_ERROR)
        return err_nomem(r->e);
    if (p->error == YAML_READER_ERROR) { /* has an offset and no mark */
        read = p->mark;
        at = &read;
    }
    return fail_at(r, at, ERR_FORMAT, "%s%s%s", p->context ? p->context : "",
                   p->context ? ", " : "", p->problem ? p->problem : "not YAML");
}

static struct ynode *read_node(struct reader *r, yaml_event_t *ev);

static int text_node(struct reader *r, struct ynode *y, const yaml_event_t *ev)
{
    const char *s = (const char *)ev->data.scalar.value;

    y->n = ev->data.scalar.length;
    if (memchr(s, 0, y->n))
        return fail_at(r, &ev->start_mark, ERR_FORMAT, "a text with a zero byte");
    y->s = arena_strndup(r->arena, s, y->n);
    return y->s ? 0 : err_nomem(r->e);
}

static struct ynode *read_scalar(struct reader *r, const yaml_event_t *ev)
{
    static const char core[] = "tag:yaml.org,2002:";
    const char *tag = (const char *)ev->data.scalar.tag;
    struct ynode *y = node_new(r, Y_STR, &ev->start_mark);
    size_t anchor;

    if (!y || text_node(r, y, ev) < 0 || anchor_add(r, ev->data.scalar.anchor, &anchor) < 0)
        return NULL;
    if (tag && strcmp(tag, "!function") == 0) {
        y->type = Y_FUNCTION;
    } else if (tag && strncmp(tag, core, sizeof core - 1) == 0 &&
               strchr("sbfin", tag[sizeof core - 1])) {
        if (strcmp(tag + sizeof core - 1, "str") != 0)
            yaml_scalar_resolve(y);
    } else if (tag && strcmp(tag, "!") != 0) {
        fail_at(r, &ev->start_mark, ERR_UNSUPPORTED, "the tag %s is not read", tag);
        return NULL;
    } else if (ev->data.scalar.plain_implicit && !tag) {
        yaml_scalar_resolve(y);
    }
    anchor_done(r, anchor, y);
    return y;
}

/* Adds to the sums of a list or map, whose items are kept in a growing array until it ends. */
struct growing {
    struct ynode **v;
    size_t n, cap;
};

static int push(struct reader *r, struct growing *g, struct ynode *y)
{
    if (mem_grow(&g->v, &g->cap, g->n + 1, sizeof *g->v) < 0)
        return err_nomem(r->e);
    g->v[g->n++] = y;
    return 0;
}

static struct ynode **settle(struct reader *r, const struct growing *g)
{
    struct ynode **v = arena_alloc(r->arena, (g->n + 1) * sizeof *v);

    if (!v)
        err_nomem(r->e);
    else if (g->n)
        memcpy(v, g->v, g->n * sizeof *v);
    return v;
}

static int weigh(struct reader *r, struct ynode *y, const yaml_mark_t *at)
{
    for (size_t i = 0; i < y->n_items; i++) {
        y->weight += y->items[i]->weight + (y->keys ? y->keys[i]->weight : 0);
        if (y->weight > EXPANDED)
            return fail_at(r, at, ERR_FORMAT, "aliases that stand for more than %d values",
                           EXPANDED);
    }
    return 0;
}

static struct ynode *read_list(struct reader *r, yaml_event_t *ev)
{
    struct ynode *y = node_new(r, Y_LIST, &ev->start_mark), *item = NULL;
    yaml_mark_t at = ev->start_mark;
    struct growing g = {0};
    size_t anchor;
    int rc = -1;

    if (!y || anchor_add(r, ev->data.sequence_start.anchor, &anchor) < 0)
        return NULL;
    for (;;) {
        yaml_event_t inner;
        int end;
        if (next_event(r, &inner) < 0)
            goto out;
        end = inner.type == YAML_SEQUENCE_END_EVENT;
        item = end ? NULL : read_node(r, &inner);
        yaml_event_delete(&inner);
        if (end)
            break;
        if (!item || push(r, &g, item) < 0)
            goto out;
    }
    y->n_items = g.n;
    y->items = settle(r, &g);
    if (y->items && weigh(r, y, &at) == 0) {
        anchor_done(r, anchor, y);
        rc = 0;
    }
out:
    mem_free(g.v);
    return rc < 0 ? NULL : y;
}

static int same_key(const struct ynode *a, const struct ynode *b)
{
    if (a->type != b->type)
        return 0;
    if (a->type == Y_STR)
        return a->n == b->n && memcmp(a->s, b->s, a->n) == 0;
    return a->type == Y_NULL || a->num == b->num;
}

struct pairs {
    struct growing keys, items;
};

/* Of equal keys the last wins where the first stood, as in a Python dict. */
static int put_pair(struct reader *r, struct pairs *p, struct ynode *key, struct ynode *item,
                    int replace)
{
    for (size_t i = 0; i < p->keys.n; i++)
        if (same_key(p->keys.v[i], key)) {
            if (replace)
                p->items.v[i] = item;
            return 0;
        }
    if (p->keys.n >= KEYS)
        return ynode_fail(key, r->e, ERR_FORMAT, "more than %d keys in a map", KEYS);
    return push(r, &p->keys, key) < 0 || push(r, &p->items, item) < 0 ? -1 : 0;
}

/* `<<: *other` or a list of such. */
static int merge(struct reader *r, struct pairs *p, const struct ynode *from, int depth)
{
    if (from->type == Y_LIST && depth == 0) {
        for (size_t i = 0; i < from->n_items; i++)
            if (merge(r, p, from->items[i], 1) < 0)
                return -1;
        return 0;
    }
    if (from->type != Y_MAP)
        return ynode_fail(from, r->e, ERR_FORMAT, "<< merges maps only");
    for (size_t i = 0; i < from->n_items; i++)
        if (put_pair(r, p, from->keys[i], from->items[i], 0) < 0)
            return -1;
    return 0;
}

/* One key and its value; 1 at the map's end. */
static int read_pair(struct reader *r, struct pairs *p, struct growing *merges)
{
    struct ynode *key, *item;
    yaml_event_t ev;

    if (next_event(r, &ev) < 0)
        return -1;
    if (ev.type == YAML_MAPPING_END_EVENT) {
        yaml_event_delete(&ev);
        return 1;
    }
    key = read_node(r, &ev);
    yaml_event_delete(&ev);
    if (!key)
        return -1;
    if (key->type == Y_LIST || key->type == Y_MAP || key->type == Y_FUNCTION)
        return ynode_fail(key, r->e, ERR_FORMAT, "a key is a text or a number");
    if (next_event(r, &ev) < 0)
        return -1;
    item = read_node(r, &ev);
    yaml_event_delete(&ev);
    if (!item)
        return -1;
    if (ynode_is(key, "<<"))
        return push(r, merges, item);
    return put_pair(r, p, key, item, 1);
}

static struct ynode *read_map(struct reader *r, yaml_event_t *ev)
{
    struct ynode *y = node_new(r, Y_MAP, &ev->start_mark);
    yaml_mark_t at = ev->start_mark;
    struct growing merges = {0};
    struct pairs p = {0};
    size_t anchor;
    int got;

    if (!y || anchor_add(r, ev->data.mapping_start.anchor, &anchor) < 0)
        return NULL;
    while ((got = read_pair(r, &p, &merges)) == 0)
        ;
    for (size_t i = 0; i < merges.n && got > 0; i++)
        if (merge(r, &p, merges.v[i], 0) < 0)
            got = -1;
    if (got > 0) {
        y->n_items = p.keys.n;
        y->keys = settle(r, &p.keys);
        y->items = settle(r, &p.items);
        if (!y->keys || !y->items || weigh(r, y, &at) < 0)
            got = -1;
        else
            anchor_done(r, anchor, y);
    }
    mem_free(merges.v);
    mem_free(p.keys.v);
    mem_free(p.items.v);
    return got < 0 ? NULL : y;
}

/* Tags of lists and maps change nothing that is read here; a stranger's is refused. */
static int plain_tag(struct reader *r, const yaml_event_t *ev)
{
    const yaml_char_t *tag = ev->type == YAML_SEQUENCE_START_EVENT ? ev->data.sequence_start.tag
                                                                   : ev->data.mapping_start.tag;
    const char *t = (const char *)tag;

    if (!t || strcmp(t, "tag:yaml.org,2002:seq") == 0 || strcmp(t, "tag:yaml.org,2002:map") == 0)
        return 0;
    return fail_at(r, &ev->start_mark, ERR_UNSUPPORTED, "the tag %s is not read", t);
}

static struct ynode *read_node(struct reader *r, yaml_event_t *ev)
{
    struct ynode *y = NULL;

    if (ev->type == YAML_ALIAS_EVENT)
        return alias(r, ev);
    if (ev->type == YAML_SCALAR_EVENT)
        return read_scalar(r, ev);
    if (r->depth >= NESTING) {
        fail_at(r, &ev->start_mark, ERR_FORMAT, "more than %d levels inside each other", NESTING);
        return NULL;
    }
    if (plain_tag(r, ev) < 0)
        return NULL;
    r->depth++;
    if (ev->type == YAML_SEQUENCE_START_EVENT)
        y = read_list(r, ev);
    else if (ev->type == YAML_MAPPING_START_EVENT)
        y = read_map(r, ev);
    else
        fail_at(r, &ev->start_mark, ERR_FORMAT, "a value is missing");
    r->depth--;
    return y;
}

/* --- documents ---------------------------------------------------------------------------- */

/* Stream and document events around the one document. */
static int read_document(struct reader *r, struct ynode **root)
{
    for (;;) {
        yaml_event_t ev;
        enum yaml_event_type_e type;
        int rc = 0;
        if (next_event(r, &ev) < 0)
            return -1;
        type = ev.type;
        if (type == YAML_DOCUMENT_START_EVENT && *root)
            rc = fail_at(r, &ev.start_mark, ERR_FORMAT, "a second document in the file");
        else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT &&
                 type != YAML_DOCUMENT_END_EVENT && type != YAML_STREAM_END_EVENT)
            rc = (*root = read_node(r, &ev)) ? 0 : -1;
        yaml_event_delete(&ev);
        if (rc < 0 || type == YAML_STREAM_END_EVENT)
            return rc;
    }
}

/* Line and column of the first byte that is not UTF-8; 0 when all are. */
static int not_utf8(struct reader *r, const char *bytes, size_t n)
{
    yaml_mark_t at = {0};

    for (size_t i = 0; i < n;) {
        size_t k = utf8_len(bytes + i, n - i);
        if (k == 0 || bytes[i] == 0)
            return fail_at(r, &at, ERR_FORMAT, k ? "a zero byte" : "not UTF-8");
        at.column++;
        if (bytes[i] == '\n') {
            at.line++;
            at.column = 0;
        }
        i += k;
    }
    return 0;
}

int yamldoc_parse(struct arena *a, const char *bytes, size_t n, const char *name,
                  struct ynode **root, struct err *e)
{
    struct reader r = {.arena = a, .e = e, .name = arena_strdup(a, name)};
    yaml_mark_t start = {0};
    int rc = -1;

    *root = NULL;
    if (!r.name)
        return err_nomem(e);
    if (n > FILE_BYTES)
        return err_set(e, ERR_FORMAT, "%s: more than %d bytes of YAML", name, FILE_BYTES);
    if (not_utf8(&r, bytes, n) < 0)
        return -1;
    if (!yaml_parser_initialize(&r.parser))
        return err_nomem(e);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, n);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    if (read_document(&r, root) == 0 && (*root || (*root = node_new(&r, Y_NULL, &start))))
        rc = 0;
    yaml_parser_delete(&r.parser);
    for (size_t i = 0; i < r.n_anchors; i++)
        mem_free(r.anchors[i].name);
    mem_free(r.anchors);
    return rc;
}

int yamldoc_read(struct arena *a, const char *path, struct ynode **root, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = file_read(&b, path, FILE_BYTES, e);

    if (rc == 0)
        rc = yamldoc_parse(a, strbuf_str(&b), b.len, path, root, e);
    strbuf_release(&b);
    return rc;
}

/* --- use ---------------------------------------------------------------------------------- */

int ynode_is(const struct ynode *y, const char *text)
{
    return y && y->type == Y_STR && strcmp(y->s, text) == 0;
}

struct ynode *ynode_get(const struct ynode *map, const char *key)
{
    for (size_t i = 0; map && map->type == Y_MAP && i < map->n_items; i++)
        if (ynode_is(map->keys[i], key))
            return map->items[i];
    return NULL;
}

static cJSON *list_json(const struct ynode *y, struct err *e)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; list && i < y->n_items; i++) {
        cJSON *item = ynode_json(y->items[i], e);
        if (!item || !cJSON_AddItemToArray(list, item)) {
            json_free(item);
            json_free(list);
            return NULL;
        }
    }
    return list;
}

static const char *key_text(const struct ynode *key)
{
    return key->type == Y_BOOL ? (key->num != 0 ? "True" : "False")
           : key->type == Y_NULL ? "None"
                                 : key->s;
}

static cJSON *map_json(const struct ynode *y, struct err *e)
{
    cJSON *map = cJSON_CreateObject();

    for (size_t i = 0; map && i < y->n_items; i++) {
        cJSON *item = ynode_json(y->items[i], e);
        if (!item || !cJSON_AddItemToObject(map, key_text(y->keys[i]), item)) {
            json_free(item);
            json_free(map);
            return NULL;
        }
    }
    return map;
}

cJSON *ynode_json(const struct ynode *y, struct err *e)
{
    struct err own = ERR_NONE;
    cJSON *j = NULL;

    json_begin();
    if (!e)
        e = &own;
    switch (y->type) {
    case Y_NULL: j = cJSON_CreateNull(); break;
    case Y_BOOL: j = cJSON_CreateBool(y->num != 0); break;
    case Y_INT:
    case Y_FLOAT: j = cJSON_CreateNumber(y->num); break;
    case Y_STR: j = cJSON_CreateString(y->s); break;
    case Y_LIST: j = list_json(y, e); break;
    case Y_MAP: j = map_json(y, e); break;
    case Y_FUNCTION:
        ynode_fail(y, e, ERR_UNSUPPORTED, "!function %s stands where a value is needed", y->s);
        return NULL;
    }
    if (!j && e->code == ERR_OK)
        err_nomem(e);
    return j;
}
