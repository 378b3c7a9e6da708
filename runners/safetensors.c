#include "runners/safetensors.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "runners/gguf_keys.h"

enum { HEADER_MAX = 100 << 20, FILES_MAX = 4096, INDEX_MAX = 64 << 20, NAME_MAX_BYTES = 512 };

#define INDEX "model.safetensors.index.json"
#define SINGLE "model.safetensors"
#define SUFFIX ".safetensors"

static const struct {
    const char *name;
    size_t bytes;
} types[] = {
    [ST_F64] = {"F64", 8}, [ST_F32] = {"F32", 4}, [ST_F16] = {"F16", 2}, [ST_BF16] = {"BF16", 2},
    [ST_F8_E4M3] = {"F8_E4M3", 1}, [ST_F8_E5M2] = {"F8_E5M2", 1}, [ST_F8_E8M0] = {"F8_E8M0", 1},
    [ST_I64] = {"I64", 8}, [ST_I32] = {"I32", 4}, [ST_I16] = {"I16", 2}, [ST_I8] = {"I8", 1},
    [ST_U64] = {"U64", 8}, [ST_U32] = {"U32", 4}, [ST_U16] = {"U16", 2}, [ST_U8] = {"U8", 1},
    [ST_BOOL] = {"BOOL", 1},
};
enum { N_TYPES = sizeof types / sizeof types[0] };

const char *st_type_name(enum st_type t)
{
    return types[t].name;
}

size_t st_type_bytes(enum st_type t)
{
    return types[t].bytes;
}

struct part {
    char *path;
    struct file_map map;
    int is_borrowed; /* map.bytes are a caller's */
    size_t first, n; /* its tensors, while files are being read */
};

struct safetensors {
    struct part *parts;
    size_t n_parts, cap_parts;
    struct safetensor *v; /* sorted by name when open */
    size_t n, cap;
    struct arena names;
};

static int name_print(struct gguf_str s) /* for "%.*s": a hostile name is cut */
{
    return s.n < 80 ? (int)s.n : 80;
}

/* ---- one tensor ------------------------------------------------------------------------------ */

/* A whole number below 2^53; -1 when it is none. */
static int whole(const cJSON *j, uint64_t *out)
{
    if (!cJSON_IsNumber(j) || !(j->valuedouble >= 0 && j->valuedouble < 0x1p53) ||
        j->valuedouble != floor(j->valuedouble))
        return -1;
    *out = (uint64_t)j->valuedouble;
    return 0;
}

static int read_type(struct safetensor *t, const cJSON *j, const char *path, struct err *e)
{
    const char *name = json_str(j, "dtype");

    for (int i = 0; name && i < N_TYPES; i++)
        if (strcmp(name, types[i].name) == 0) {
            t->type = (enum st_type)i;
            return 0;
        }
    return err_set(e, ERR_UNSUPPORTED, "%s: tensor '%.*s' has the unknown type '%.20s'", path,
                   name_print(t->name), t->name.s, name ? name : "");
}

static int read_shape(struct safetensor *t, const cJSON *j, const char *path, struct err *e)
{
    const cJSON *shape = json_get(j, "shape"), *one;
    uint64_t bytes = types[t->type].bytes;

    for (int i = 0; i < ST_DIMS_MAX; i++)
        t->dim[i] = 1;
    if (!cJSON_IsArray(shape))
        return err_set(e, ERR_FORMAT, "%s: tensor '%.*s' has no shape", path, name_print(t->name),
                       t->name.s);
    cJSON_ArrayForEach(one, shape) {
        if (t->n_dims == ST_DIMS_MAX)
            return err_set(e, ERR_UNSUPPORTED, "%s: tensor '%.*s' has more than %d dimensions",
                           path, name_print(t->name), t->name.s, ST_DIMS_MAX);
        if (whole(one, &t->dim[t->n_dims]) < 0)
            return err_set(e, ERR_FORMAT, "%s: tensor '%.*s': dimension %d is out of range", path,
                           name_print(t->name), t->name.s, t->n_dims);
        if (t->dim[t->n_dims] && bytes > INT64_MAX / t->dim[t->n_dims])
            return err_set(e, ERR_FORMAT, "%s: tensor '%.*s': the number of bytes overflows", path,
                           name_print(t->name), t->name.s);
        bytes *= t->dim[t->n_dims++];
    }
    t->bytes = (size_t)bytes;
    return 0;
}

static int read_place(struct safetensor *t, const cJSON *j, const struct part *p, size_t start,
                      struct err *e)
{
    const cJSON *offsets = json_get(j, "data_offsets");
    uint64_t from, to, room = p->map.len - start;

    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
        whole(cJSON_GetArrayItem(offsets, 0), &from) < 0 ||
        whole(cJSON_GetArrayItem(offsets, 1), &to) < 0 || from > to)
        return err_set(e, ERR_FORMAT, "%s: tensor '%.*s' has no valid data_offsets", p->path,
                       name_print(t->name), t->name.s);
    if (to - from != t->bytes)
        return err_set(e, ERR_FORMAT, "%s: tensor '%.*s': type and shape need %zu bytes, its place "
                       "has %" PRIu64, p->path, name_print(t->name), t->name.s, t->bytes,
                       to - from);
    if (to > room)
        return err_set(e, ERR_FORMAT, "%s: truncated: tensor '%.*s' ends at byte %" PRIu64
                       " of %" PRIu64 " bytes of data", p->path, name_print(t->name), t->name.s, to,
                       room);
    t->data = p->map.bytes + start + from;
    return 0;
}

static int read_tensor(struct safetensors *s, const struct part *p, const cJSON *j, size_t start,
                       struct err *e)
{
    size_t n = strlen(j->string);
    struct safetensor *t;
    char *name;

    if (n == 0 || n > NAME_MAX_BYTES)
        return err_set(e, ERR_FORMAT, "%s: a tensor name of %zu bytes (1 to %d)", p->path, n,
                       NAME_MAX_BYTES);
    name = arena_strndup(&s->names, j->string, n);
    if (!name || mem_grow(&s->v, &s->cap, s->n + 1, sizeof *s->v) < 0)
        return err_nomem(e);
    t = &s->v[s->n++];
    *t = (struct safetensor){.name = {name, n}};
    return read_type(t, j, p->path, e) < 0 || read_shape(t, j, p->path, e) < 0
               ? -1
               : read_place(t, j, p, start, e);
}

/* ---- one file -------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct safetensor *x = a, *y = b;

    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes); /* an empty one may share a place */
}

/* Of the tensors read last, which stay in the order of their places. */
static int check_overlap(struct safetensors *s, const struct part *p, struct err *e)
{
    struct safetensor *t;

    if (p->n == 0)
        return 0;
    t = s->v + p->first;
    qsort(t, p->n, sizeof *t, by_place);
    for (size_t i = 1; i < p->n; i++)
        if (t[i - 1].data + t[i - 1].bytes > t[i].data)
            return err_set(e, ERR_FORMAT, "%s: tensors '%.*s' and '%.*s' overlap", p->path,
                           name_print(t[i - 1].name), t[i - 1].name.s, name_print(t[i].name),
                           t[i].name.s);
    return 0;
}

static int parse_part(struct safetensors *s, struct part *p, struct err *e)
{
    uint64_t n = p->map.len >= 8 ? le64(p->map.bytes) : 0;
    const cJSON *one;
    cJSON *j;
    int rc = 0;

    if (p->map.len < 8)
        return err_set(e, ERR_FORMAT, "%s: %zu bytes are no safetensors file", p->path, p->map.len);
    if (n > p->map.len - 8 || n > HEADER_MAX)
        return err_set(e, ERR_FORMAT, "%s: the header claims %" PRIu64 " bytes of a file of %zu%s",
                       p->path, n, p->map.len, n <= p->map.len - 8 ? ": too long" : "");
    j = json_parse((const char *)p->map.bytes + 8, (size_t)n, p->path, e);
    if (!j)
        return -1;
    p->first = s->n;
    if (!cJSON_IsObject(j))
        rc = err_set(e, ERR_FORMAT, "%s: the header is not an object", p->path);
    for (one = rc < 0 ? NULL : j->child; one && rc == 0; one = one->next)
        if (strcmp(one->string, "__metadata__") != 0)
            rc = read_tensor(s, p, one, 8 + (size_t)n, e);
    p->n = s->n - p->first;
    json_free(j);
    return rc < 0 ? -1 : check_overlap(s, p, e);
}

/* Maps and reads; the part becomes the set's even when that fails. */
static int open_part(struct safetensors *s, const char *path, struct err *e)
{
    struct part *p;

    if (mem_grow(&s->parts, &s->cap_parts, s->n_parts + 1, sizeof *s->parts) < 0)
        return err_nomem(e);
    p = &s->parts[s->n_parts++];
    *p = (struct part){.path = mem_strdup(path)};
    if (!p->path)
        return err_nomem(e);
    if (file_map(&p->map, path, e) < 0)
        return -1;
    return parse_part(s, p, e);
}

/* ---- all files ------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return gguf_str_compare(((const struct safetensor *)a)->name,
                            ((const struct safetensor *)b)->name);
}

static int sort_names(struct safetensors *s, const char *path, struct err *e)
{
    if (s->n > 1)
        qsort(s->v, s->n, sizeof *s->v, by_name);
    for (size_t i = 1; i < s->n; i++)
        if (by_name(&s->v[i - 1], &s->v[i]) == 0)
            return err_set(e, ERR_FORMAT, "%s: tensor '%.*s' is there twice", path,
                           name_print(s->v[i].name), s->v[i].name.s);
    return 0;
}

/* A name in an index may point to a file of the folder and nowhere else. */
static int is_plain_name(const char *name)
{
    size_t n = strlen(name), k = strlen(SUFFIX);

    return n > k && n < 256 && name[0] != '.' && !strchr(name, '/') && !strchr(name, '\\') &&
           strcmp(name + n - k, SUFFIX) == 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The files that an index names, each once, in the order of their names. */
static int index_files(const cJSON *map, const char *index, const char ***out, size_t *n,
                       struct err *e)
{
    size_t count = (size_t)cJSON_GetArraySize(map), kept = 0;
    const char **v = mem_calloc(count + 1, sizeof *v);
    const cJSON *one;

    *out = v;
    *n = 0;
    if (!v)
        return err_nomem(e);
    cJSON_ArrayForEach(one, map) {
        if (!cJSON_IsString(one) || !is_plain_name(one->valuestring))
            return err_set(e, ERR_FORMAT, "%s: tensor '%.80s' is in '%.80s', which is no file of "
                           "the folder", index, one->string,
                           cJSON_IsString(one) ? one->valuestring : "?");
        v[kept++] = one->valuestring;
    }
    if (kept > 1)
        qsort(v, kept, sizeof *v, by_text);
    for (size_t i = 0; i < kept; i++)
        if (i == 0 || strcmp(v[i], v[*n - 1]) != 0)
            v[(*n)++] = v[i];
    if (*n == 0 || *n > FILES_MAX)
        return err_set(e, ERR_FORMAT, "%s: names %zu files (1 to %d)", index, *n, FILES_MAX);
    return 0;
}

static int check_index(const struct safetensors *s, const cJSON *map, const char *index,
                       struct err *e)
{
    const cJSON *one;

    cJSON_ArrayForEach(one, map)
        if (!safetensors_find(s, one->string, strlen(one->string)))
            return err_set(e, ERR_FORMAT, "%s: tensor '%.80s' is not in %.80s", index, one->string,
                           one->valuestring);
    return 0;
}

static int open_index(struct safetensors *s, const char *folder, const char *index, struct err *e)
{
    cJSON *j = json_read(index, INDEX_MAX, e);
    const cJSON *map = json_get(j, "weight_map");
    const char **names = NULL;
    size_t n = 0;
    int rc = -1;

    if (!j)
        return -1;
    if (!cJSON_IsObject(map)) {
        err_set(e, ERR_FORMAT, "%s: there is no weight_map", index);
        goto out;
    }
    if (index_files(map, index, &names, &n, e) < 0)
        goto out;
    for (size_t i = 0; i < n; i++) {
        char *path = path_join(folder, names[i]);
        int opened = path ? open_part(s, path, e) : err_nomem(e);
        mem_free(path);
        if (opened < 0)
            goto out;
    }
    rc = sort_names(s, folder, e) < 0 ? -1 : check_index(s, map, index, e);
out:
    mem_free(names);
    json_free(j);
    return rc;
}

/* The only file of its kind in the folder, when it has another name; NULL with e when there is not
 * exactly one. */
static char *only_file(const char *folder, struct err *e)
{
    DIR *d = opendir(folder);
    struct dirent *f;
    char *found = NULL;
    int n = 0, pickled = 0;

    if (!d) {
        err_errno(e, "%s", folder);
        return NULL;
    }
    while ((f = readdir(d)) != NULL) {
        pickled |= strncmp(f->d_name, "pytorch_model", 13) == 0;
        if (!is_plain_name(f->d_name))
            continue;
        mem_free(found);
        found = path_join(folder, f->d_name);
        n++;
    }
    closedir(d);
    if (n == 1 && found)
        return found;
    if (n == 1)
        err_nomem(e);
    else if (n > 1)
        err_set(e, ERR_FORMAT, "%s: %d .safetensors files, but no " INDEX, folder, n);
    else
        err_set(e, ERR_NOTFOUND, "%s: no " SINGLE "%s", folder,
                pickled ? " (pytorch_model files hold code and are not read)" : "");
    mem_free(found);
    return NULL;
}

static int open_single(struct safetensors *s, const char *folder, struct err *e)
{
    char *path = path_join(folder, SINGLE);
    int rc;

    if (!path)
        return err_nomem(e);
    if (!file_exists(path)) {
        mem_free(path);
        path = only_file(folder, e);
        if (!path)
            return -1;
    }
    rc = open_part(s, path, e) < 0 ? -1 : sort_names(s, folder, e);
    mem_free(path);
    return rc;
}

int safetensors_open(struct safetensors **out, const char *folder, struct err *e)
{
    struct safetensors *s = mem_calloc(1, sizeof *s);
    char *index = path_join(folder, INDEX);
    int rc = -1;

    *out = NULL;
    if (!s || !index)
        err_nomem(e);
    else
        rc = file_exists(index) ? open_index(s, folder, index, e) : open_single(s, folder, e);
    mem_free(index);
    if (rc < 0)
        safetensors_close(s);
    else
        *out = s;
    return rc;
}

int safetensors_open_bytes(struct safetensors **out, const void *bytes, size_t n, const char *name,
                           struct err *e)
{
    struct safetensors *s = mem_calloc(1, sizeof *s);
    int rc = -1;

    *out = NULL;
    if (!s || mem_grow(&s->parts, &s->cap_parts, 1, sizeof *s->parts) < 0) {
        err_nomem(e);
        goto out;
    }
    s->n_parts = 1;
    s->parts[0] = (struct part){.path = mem_strdup(name), .map = {.bytes = bytes, .len = n},
                                .is_borrowed = 1};
    if (!s->parts[0].path)
        err_nomem(e);
    else if (parse_part(s, &s->parts[0], e) == 0 && sort_names(s, name, e) == 0)
        rc = 0;
out:
    if (rc < 0)
        safetensors_close(s);
    else
        *out = s;
    return rc;
}

void safetensors_close(struct safetensors *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_parts; i++) {
        if (!s->parts[i].is_borrowed)
            file_unmap(&s->parts[i].map);
        mem_free(s->parts[i].path);
    }
    mem_free(s->parts);
    mem_free(s->v);
    arena_release(&s->names);
    mem_free(s);
}

void safetensors_read_ahead(const struct safetensors *s, const volatile int *stop)
{
    for (size_t i = 0; i < s->n_parts; i++)
        if (!s->parts[i].is_borrowed)
            file_read_ahead(&s->parts[i].map, stop);
}

/* ---- answers --------------------------------------------------------------------------------- */

size_t safetensors_count(const struct safetensors *s)
{
    return s->n;
}

const struct safetensor *safetensors_at(const struct safetensors *s, size_t i)
{
    return &s->v[i];
}

const struct safetensor *safetensors_find(const struct safetensors *s, const char *name, size_t n)
{
    const struct safetensor want = {.name = {name, n}};

    return s->n ? bsearch(&want, s->v, s->n, sizeof *s->v, by_name) : NULL;
}

uint64_t safetensors_bytes(const struct safetensors *s)
{
    uint64_t n = 0;

    for (size_t i = 0; i < s->n_parts; i++)
        n += s->parts[i].map.len;
    return n;
}

size_t safetensors_n_files(const struct safetensors *s)
{
    return s->n_parts;
}

const char *safetensors_file(const struct safetensors *s, size_t i)
{
    return s->parts[i].path;
}
