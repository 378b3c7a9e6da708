#include "base/parquet.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parquet_impl.h"
#include "base/utf8.h"

enum { DEEPEST = 24, NODES_MAX = 20000, NAME_MAX_BYTES = 1000 };
enum { REQUIRED, OPTIONAL, REPEATED };
enum converted { CONVERTED_NONE = -1, CONVERTED_UTF8 = 0, CONVERTED_MAP = 1, CONVERTED_MAP_KEY = 2,
                 CONVERTED_LIST = 3, CONVERTED_DECIMAL = 5, CONVERTED_UINT_8 = 11,
                 CONVERTED_UINT_64 = 14, CONVERTED_INT_64 = 18, CONVERTED_JSON = 19 };

/* An element of the schema: a group when it has children.  Elements stand in depth-first order. */
struct node {
    char *name;
    int repetition, n_children, converted, logical; /* logical: the union's member, 0 none */
    int type, width;
    int max_def, max_rep; /* what it takes for this element to be there */
    size_t first_leaf, n_leaves, end; /* leaves below it; the element behind its last child */
};

struct parquet {
    const uint8_t *bytes;
    size_t len;
    const char *name;
    struct node *nodes;
    size_t n_nodes, cap;
    struct column *columns; /* one per leaf */
    const struct node **leaves;
    size_t n_leaves;
    uint64_t rows_left, text_left, values_left; /* what may still come */
    int (*each)(void *user, cJSON *record, struct err *e);
    void *user;
};

static int fail(const struct parquet *p, enum err_code code, const char *what, struct err *e)
{
    return err_set(e, code, "%s: %s", p->name, what);
}

/* --- schema ------------------------------------------------------------------------------- */

static int take_name(struct thrift *t, int type, struct node *n, struct err *e)
{
    const uint8_t *s;
    size_t len = thrift_bytes(t, type, &s);

    if (t->failed || n->name || len == 0 || len > NAME_MAX_BYTES || memchr(s, 0, len) ||
        !utf8_valid((const char *)s, len)) {
        t->failed = 1;
        return 0;
    }
    n->name = mem_strndup((const char *)s, len);
    return n->name ? 0 : err_nomem(e);
}

/* LogicalType is a union: which member is set. */
static int union_member(struct thrift *t, int type)
{
    int id = 0, kind, member = 0;

    if (type != THRIFT_STRUCT) {
        t->failed = 1;
        return 0;
    }
    while (thrift_field(t, &id, &kind)) {
        member = id;
        thrift_skip(t, kind);
    }
    return member;
}

/* -1: out of memory; what is wrong in the file shows in t. */
static int read_element(struct thrift *t, struct node *n, struct err *e)
{
    int id = 0, kind;

    *n = (struct node){.converted = CONVERTED_NONE, .type = -1};
    while (thrift_field(t, &id, &kind)) {
        switch (id) {
        case 1:
            n->type = (int)thrift_int(t, kind);
            break;
        case 2:
            n->width = (int)thrift_int(t, kind);
            break;
        case 3:
            n->repetition = (int)thrift_int(t, kind);
            break;
        case 4:
            if (take_name(t, kind, n, e) < 0)
                return -1;
            break;
        case 5:
            n->n_children = (int)thrift_int(t, kind);
            break;
        case 6:
            n->converted = (int)thrift_int(t, kind);
            break;
        case 10:
            n->logical = union_member(t, kind);
            break;
        default:
            thrift_skip(t, kind);
        }
    }
    if (!n->name || n->n_children < 0 || n->repetition < 0 || n->repetition > REPEATED)
        t->failed = 1;
    return 0;
}

/* What a leaf holds, when it is something that JSON has. */
static int check_leaf(const struct parquet *p, const struct node *n, struct err *e)
{
    const char *what = NULL;

    if (n->type < 0 || n->type > PHYSICAL_FIXED)
        return err_set(e, ERR_FORMAT, "%s: column '%s' has no type", p->name, n->name);
    if (n->type == PHYSICAL_INT96 || n->logical == 8 || n->converted == 9 || n->converted == 10)
        what = "points in time";
    else if (n->logical == 5 || n->converted == CONVERTED_DECIMAL)
        what = "decimal numbers";
    else if (n->logical == 6 || n->converted == 6)
        what = "dates";
    else if (n->logical == 7 || n->converted == 7 || n->converted == 8)
        what = "times of day";
    else if (n->logical >= 14 || n->converted >= 20)
        what = "a type that JSON has not";
    if (what)
        return err_set(e, ERR_UNSUPPORTED, "%s: column '%s' holds %s, which are not read", p->name,
                       n->name, what);
    if (n->type == PHYSICAL_FIXED && (n->width <= 0 || (size_t)n->width > p->len))
        return err_set(e, ERR_FORMAT, "%s: column '%s' has values of %d bytes", p->name, n->name,
                       n->width);
    return 0;
}

/* Levels and leaves of the element at i and of all below it; returns the element behind them, 0
 * with e. */
static size_t link_node(struct parquet *p, size_t i, int def, int rep, int depth, struct err *e)
{
    struct node *n = &p->nodes[i];
    size_t at = i + 1;

    if (depth > DEEPEST) {
        fail(p, ERR_FORMAT, "its schema is nested too deeply", e);
        return 0;
    }
    n->max_def = def + (depth > 0 && n->repetition != REQUIRED);
    n->max_rep = rep + (depth > 0 && n->repetition == REPEATED);
    n->first_leaf = p->n_leaves;
    for (int k = 0; k < n->n_children; k++) {
        if (at >= p->n_nodes) {
            fail(p, ERR_FORMAT, "its schema is cut off", e);
            return 0;
        }
        at = link_node(p, at, n->max_def, n->max_rep, depth + 1, e);
        if (at == 0)
            return 0;
    }
    if (n->n_children == 0 && depth == 0) {
        fail(p, ERR_FORMAT, "it has no columns", e);
        return 0;
    }
    if (n->n_children == 0) {
        if (check_leaf(p, n, e) < 0)
            return 0;
        p->leaves[p->n_leaves++] = n;
    }
    n->n_leaves = p->n_leaves - n->first_leaf;
    n->end = at;
    return at;
}

static int read_schema(struct parquet *p, struct thrift *t, int type, struct err *e)
{
    int element;
    size_t n = thrift_list(t, type, &element);

    if (p->nodes || t->failed || n == 0 || n > NODES_MAX || element != THRIFT_STRUCT)
        return fail(p, ERR_FORMAT, "its schema is damaged", e);
    p->nodes = mem_calloc(n, sizeof *p->nodes);
    p->leaves = mem_calloc(n, sizeof *p->leaves);
    p->columns = mem_calloc(n, sizeof *p->columns);
    if (!p->nodes || !p->leaves || !p->columns)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        p->n_nodes = i + 1;
        if (read_element(t, &p->nodes[i], e) < 0)
            return -1;
        if (t->failed)
            return fail(p, ERR_FORMAT, "its schema is damaged", e);
    }
    if (link_node(p, 0, 0, 0, 0, e) == 0)
        return -1;
    return p->nodes[0].end == n ? 0 : fail(p, ERR_FORMAT, "its schema is damaged", e);
}

/* --- row groups --------------------------------------------------------------------------- */

struct chunk {
    int64_t type, codec, values, packed, data, dictionary;
    int elsewhere, encrypted;
};

static void read_chunk_details(struct thrift *t, int type, struct chunk *k)
{
    int id = 0, kind;

    if (type != THRIFT_STRUCT) {
        t->failed = 1;
        return;
    }
    while (thrift_field(t, &id, &kind)) {
        int64_t *const into = id == 1    ? &k->type
                              : id == 4  ? &k->codec
                              : id == 5  ? &k->values
                              : id == 7  ? &k->packed
                              : id == 9  ? &k->data
                              : id == 11 ? &k->dictionary
                                         : NULL;
        if (into)
            *into = thrift_int(t, kind);
        else
            thrift_skip(t, kind);
    }
}

static void read_chunk(struct thrift *t, struct chunk *k)
{
    int id = 0, kind;

    *k = (struct chunk){-1, -1, -1, -1, -1, 0, 0, 0};
    while (thrift_field(t, &id, &kind)) {
        k->elsewhere |= id == 1;
        k->encrypted |= id == 8;
        if (id == 3)
            read_chunk_details(t, kind, k);
        else
            thrift_skip(t, kind);
    }
}

static int open_column(struct parquet *p, size_t i, const struct chunk *k, struct err *e)
{
    const struct node *n = p->leaves[i];
    int64_t from = k->dictionary > 0 && k->dictionary < k->data ? k->dictionary : k->data;
    struct column *c = &p->columns[i];

    column_release(c);
    if (k->elsewhere || k->encrypted)
        return err_set(e, ERR_UNSUPPORTED, "%s: column '%s' is %s", p->name, n->name,
                       k->elsewhere ? "in another file" : "encrypted");
    if (k->type != n->type || from < 4 || k->packed < 0 || from > (int64_t)p->len - 8 ||
        k->packed > (int64_t)p->len - 8 - from || k->values < 0)
        return err_set(e, ERR_FORMAT, "%s: column '%s' is not where the file says", p->name,
                       n->name);
    if ((uint64_t)k->values > p->values_left)
        return err_set(e, ERR_FORMAT, "%s: column '%s' says it has %lld values, too many for a "
                       "file of %zu bytes", p->name, n->name, (long long)k->values, p->len);
    p->values_left -= (uint64_t)k->values;
    *c = (struct column){
        .type = (enum physical)n->type, .width = (size_t)n->width, .codec = (int)k->codec,
        .is_unsigned = n->converted >= CONVERTED_UINT_8 && n->converted <= CONVERTED_UINT_64,
        .max_def = n->max_def, .max_rep = n->max_rep, .at = p->bytes + from,
        .end = p->bytes + from + k->packed, .left = (uint64_t)k->values};
    return 0;
}

/* --- records ------------------------------------------------------------------------------ */

static int advance(struct parquet *p, size_t leaf, struct err *e)
{
    if (column_next(&p->columns[leaf], e) >= 0)
        return 0;
    return err_prefix(e, "%s: column '%s'", p->name, p->leaves[leaf]->name);
}

static int uneven(const struct parquet *p, const struct node *n, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: the columns of '%s' do not fit together", p->name, n->name);
}

/* The leaf's current value; does not advance. */
static cJSON *leaf_value(struct parquet *p, const struct node *n, struct err *e)
{
    const struct column *c = &p->columns[n->first_leaf];
    cJSON *v;
    char *text;

    if (!c->has_entry || c->d != n->max_def) {
        uneven(p, n, e);
        return NULL;
    }
    if (c->v.kind == PARQUET_NUMBER)
        v = cJSON_CreateNumber(c->v.number);
    else if (c->v.kind == PARQUET_TRUTH)
        v = cJSON_CreateBool(c->v.number != 0);
    else {
        if (memchr(c->v.bytes, 0, c->v.n) || !utf8_valid((const char *)c->v.bytes, c->v.n)) {
            err_set(e, ERR_UNSUPPORTED, "%s: column '%s' holds bytes that are no text", p->name,
                    n->name);
            return NULL;
        }
        if (c->v.n > p->text_left) {
            fail(p, ERR_FORMAT, "its texts unfold to more than a GiB", e);
            return NULL;
        }
        p->text_left -= c->v.n;
        text = mem_strndup((const char *)c->v.bytes, c->v.n);
        v = text ? cJSON_CreateString(text) : NULL;
        mem_free(text);
    }
    if (!v)
        err_nomem(e);
    return v;
}

static cJSON *build(struct parquet *p, const struct node *n, struct err *e);

/* All leaves below an element go on by one entry: it is not there. */
static int pass_over(struct parquet *p, const struct node *n, struct err *e)
{
    for (size_t i = n->first_leaf; i < n->first_leaf + n->n_leaves; i++) {
        if (!p->columns[i].has_entry || p->columns[i].d >= n->max_def)
            return uneven(p, n, e);
        if (advance(p, i, e) < 0)
            return -1;
    }
    return 0;
}

static int is_list(const struct node *n, const struct node *child)
{
    return n->n_children == 1 && child->repetition == REPEATED &&
           (n->converted == CONVERTED_LIST || n->converted == CONVERTED_MAP ||
            n->converted == CONVERTED_MAP_KEY || n->logical == 2 || n->logical == 3);
}

/* An element that is there, without its repetition. */
static cJSON *build_content(struct parquet *p, const struct node *n, struct err *e)
{
    const struct node *child = n + 1;
    cJSON *v;

    if (n->n_children == 0) {
        v = leaf_value(p, n, e);
        if (v && advance(p, n->first_leaf, e) < 0) {
            json_free(v);
            return NULL;
        }
        return v;
    }
    if (is_list(n, child))
        return build(p, child, e);
    v = cJSON_CreateObject();
    if (!v)
        err_nomem(e);
    for (int k = 0; v && k < n->n_children; k++, child = p->nodes + child->end) {
        cJSON *member = build(p, child, e);
        if (member && cJSON_AddItemToObject(v, child->name, member))
            continue;
        if (member)
            err_nomem(e);
        json_free(member);
        json_free(v);
        return NULL;
    }
    return v;
}

/* The group that a list repeats has its element as the only member, which then stands for it. */
static cJSON *build_item(struct parquet *p, const struct node *n, struct err *e)
{
    const struct node *parent_list = n - 1;

    if (n->n_children == 1 && is_list(parent_list, n) &&
        (parent_list->converted == CONVERTED_LIST || parent_list->logical == 3))
        return build(p, n + 1, e);
    return build_content(p, n, e);
}

static cJSON *build_repeated(struct parquet *p, const struct node *n, struct err *e)
{
    const struct column *c = &p->columns[n->first_leaf];
    cJSON *list = cJSON_CreateArray();

    if (!list)
        err_nomem(e);
    else if (c->d < n->max_def) {
        if (pass_over(p, n, e) == 0)
            return list;
    } else {
        do {
            cJSON *item = build_item(p, n, e);
            if (!item || !cJSON_AddItemToArray(list, item)) {
                if (item)
                    err_nomem(e);
                json_free(item);
                json_free(list);
                return NULL;
            }
        } while (c->has_entry && c->r == n->max_rep);
        return list;
    }
    json_free(list);
    return NULL;
}

static cJSON *build(struct parquet *p, const struct node *n, struct err *e)
{
    const struct column *c = &p->columns[n->first_leaf];
    cJSON *v;

    if (!c->has_entry) {
        uneven(p, n, e);
        return NULL;
    }
    if (n->repetition == REPEATED)
        return build_repeated(p, n, e);
    if (n->repetition == REQUIRED || c->d >= n->max_def)
        return build_content(p, n, e);
    if (pass_over(p, n, e) < 0)
        return NULL;
    v = cJSON_CreateNull();
    if (!v)
        err_nomem(e);
    return v;
}

/* Between records every column stands at the beginning of one, or at its end. */
static int aligned(struct parquet *p, int at_end, struct err *e)
{
    for (size_t i = 0; i < p->n_leaves; i++)
        if (p->columns[i].has_entry ? at_end || p->columns[i].r != 0 : !at_end)
            return err_set(e, ERR_FORMAT, "%s: column '%s' has another number of records than the "
                           "others", p->name, p->leaves[i]->name);
    return 0;
}

static int emit_rows(struct parquet *p, uint64_t rows, struct err *e)
{
    for (size_t i = 0; i < p->n_leaves; i++)
        if (advance(p, i, e) < 0)
            return -1;
    for (uint64_t row = 0; row < rows; row++) {
        cJSON *record;
        if (aligned(p, 0, e) < 0 || !(record = build_content(p, p->nodes, e)) ||
            p->each(p->user, record, e) < 0)
            return -1;
    }
    return aligned(p, 1, e);
}

static int read_group(struct parquet *p, struct thrift *t, struct err *e)
{
    int id = 0, kind, element;
    int64_t rows = -1;
    size_t n = 0;

    while (thrift_field(t, &id, &kind)) {
        if (id == 1 && n == 0) {
            n = thrift_list(t, kind, &element);
            if (n != p->n_leaves || element != THRIFT_STRUCT)
                t->failed = 1;
            for (size_t i = 0; i < n && !t->failed; i++) {
                struct chunk k;
                read_chunk(t, &k);
                if (!t->failed && open_column(p, i, &k, e) < 0)
                    return -1;
            }
        } else if (id == 3) {
            rows = thrift_int(t, kind);
        } else {
            thrift_skip(t, kind);
        }
    }
    if (t->failed || n != p->n_leaves || rows < 0)
        return fail(p, ERR_FORMAT, "a row group is damaged", e);
    if ((uint64_t)rows > p->rows_left)
        return err_set(e, ERR_FORMAT, "%s: says it has %lld records, too many for %zu bytes",
                       p->name, (long long)rows, p->len);
    p->rows_left -= (uint64_t)rows;
    return rows ? emit_rows(p, (uint64_t)rows, e) : 0;
}

/* --- the file ----------------------------------------------------------------------------- */

static int read_footer(struct parquet *p, struct thrift *t, struct err *e)
{
    int id = 0, kind, element;
    int64_t rows = -1;
    uint64_t before = p->rows_left;

    while (thrift_field(t, &id, &kind)) {
        if (id == 2) {
            if (read_schema(p, t, kind, e) < 0)
                return -1;
        } else if (id == 3) {
            rows = thrift_int(t, kind);
        } else if (id == 4) {
            size_t n = thrift_list(t, kind, &element);
            if (!p->nodes || element != THRIFT_STRUCT)
                t->failed = n > 0;
            for (size_t i = 0; i < n && !t->failed; i++)
                if (read_group(p, t, e) < 0)
                    return -1;
        } else {
            thrift_skip(t, kind);
        }
    }
    if (t->failed || !p->nodes)
        return fail(p, ERR_FORMAT, "its footer is damaged", e);
    if (rows < 0 || (uint64_t)rows != before - p->rows_left)
        return fail(p, ERR_FORMAT, "it has another number of records than it says", e);
    return 0;
}

static void release(struct parquet *p)
{
    for (size_t i = 0; i < p->n_nodes; i++)
        mem_free(p->nodes[i].name);
    for (size_t i = 0; i < p->n_leaves; i++)
        column_release(&p->columns[i]);
    mem_free(p->nodes);
    mem_free(p->leaves);
    mem_free(p->columns);
}

int parquet_parse(const uint8_t *bytes, size_t n, const char *name,
                  int (*each)(void *user, cJSON *record, struct err *e), void *user, struct err *e)
{
    struct parquet p = {.bytes = bytes, .len = n, .name = name, .each = each, .user = user,
                        .rows_left = (uint64_t)n * PARQUET_ROWS_PER_BYTE,
                        .values_left = (uint64_t)n * PARQUET_VALUES_PER_BYTE,
                        .text_left = PARQUET_TEXT_BYTES};
    struct thrift t = {0};
    uint64_t footer;
    int rc;

    if (n >= 12 && memcmp(bytes + n - 4, "PARE", 4) == 0)
        return err_set(e, ERR_UNSUPPORTED, "%s: is encrypted", name);
    if (n < 12 || memcmp(bytes, "PAR1", 4) != 0 || memcmp(bytes + n - 4, "PAR1", 4) != 0)
        return err_set(e, ERR_FORMAT, "%s: is not a Parquet file", name);
    footer = bytes[n - 8] | (uint64_t)bytes[n - 7] << 8 | (uint64_t)bytes[n - 6] << 16 |
             (uint64_t)bytes[n - 5] << 24;
    if (footer > n - 12)
        return err_set(e, ERR_FORMAT, "%s: its footer is longer than the file", name);
    t.at = bytes + n - 8 - footer;
    t.end = bytes + n - 8;
    rc = read_footer(&p, &t, e);
    release(&p);
    return rc;
}

int parquet_read(const char *path, int (*each)(void *user, cJSON *record, struct err *e),
                 void *user, struct err *e)
{
    struct file_map m = FILE_MAP_NONE;
    int rc;

    if (file_map(&m, path, e) < 0)
        return -1;
    rc = parquet_parse(m.bytes, m.len, path, each, user, e);
    file_unmap(&m);
    return rc;
}
