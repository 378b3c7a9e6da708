#include "harness/models.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "harness/catalogue.h"
#include "harness/source.h"
#include "runners/hf.h"

#define SCHEMA "densimeter.model/1"
#define SUFFIX ".gguf"
enum { NOTE_BYTES = 1 << 16 };

char *models_dir(void)
{
    const char *env = getenv("DENSIMETER_MODELS");

    return env && *env ? mem_strdup(env) : path_data_home("models");
}

static char *stored_path(const char *name, const char *suffix, struct err *e)
{
    char *dir = models_dir();
    struct strbuf b = STRBUF_INIT;
    char *path;

    if (dir)
        strbuf_addf(&b, "%s/%s%s", dir, name, suffix);
    path = dir ? strbuf_take(&b) : NULL;
    if (!path)
        err_nomem(e);
    mem_free(dir);
    return path;
}

char *models_file(const char *name, struct err *e)
{
    return stored_path(name, SUFFIX, e);
}

/* NAME.gguf, or the folder NAME where that is what there is. */
static char *stored_model_path(const char *name, struct err *e)
{
    char *file = models_file(name, e), *folder;

    if (!file || file_exists(file))
        return file;
    folder = stored_path(name, "", e);
    if (folder && hf_is_folder(folder)) {
        mem_free(file);
        return folder;
    }
    mem_free(folder);
    return file;
}

static int has_suffix(const char *name)
{
    size_t n = strlen(name), k = strlen(SUFFIX);

    return n > k && strcmp(name + n - k, SUFFIX) == 0;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Names in the store, sorted. */
struct names {
    char **v;
    size_t n, cap;
};

static void names_release(struct names *l)
{
    for (size_t i = 0; i < l->n; i++)
        mem_free(l->v[i]);
    mem_free(l->v);
    *l = (struct names){0};
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A folder with a config.json. */
static int is_model_folder(const char *dir, const char *name)
{
    char *folder = path_join(dir, name), *config = folder ? path_join(folder, "config.json") : NULL;
    int is_one = config && file_exists(config);

    mem_free(config);
    mem_free(folder);
    return is_one;
}

/* A store that is not there yet is empty. */
static int names_read(struct names *l, const char *dir, struct err *e)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    int rc = -1;

    if (!d)
        return errno == ENOENT ? 0 : err_errno(e, "%s", dir);
    while ((entry = readdir(d)) != NULL) {
        char *name;
        size_t n = strlen(entry->d_name);
        if (entry->d_name[0] == '.' ||
            !(has_suffix(entry->d_name) || is_model_folder(dir, entry->d_name)))
            continue;
        name = mem_strndup(entry->d_name, has_suffix(entry->d_name) ? n - strlen(SUFFIX) : n);
        if (!name || mem_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v) < 0) {
            mem_free(name);
            err_nomem(e);
            goto out;
        }
        l->v[l->n++] = name;
    }
    if (l->n)
        qsort(l->v, l->n, sizeof *l->v, by_name);
    rc = 0;
out:
    closedir(d);
    return rc;
}

static int not_found(const char *model, struct err *e)
{
    struct suggest s = SUGGEST(model);
    struct names stored = {0};
    struct catalogue *c = NULL;
    char *dir = models_dir();
    int rc = -1;

    if (!dir) {
        err_nomem(e);
        goto out;
    }
    if (names_read(&stored, dir, e) < 0 || catalogue_open(&c, e) < 0)
        goto out;
    if (catalogue_find(c, model)) {
        err_set(e, ERR_NOTFOUND, "%s: not fetched yet", model);
        err_hint(e, "densimeter pull %s", model);
        goto out;
    }
    for (size_t i = 0; i < stored.n; i++)
        suggest_offer(&s, stored.v[i]);
    catalogue_suggest(c, &s);
    err_set(e, ERR_NOTFOUND, "%s: no such model", model);
    if (suggest_best(&s))
        err_hint(e, "did you mean '%s'?", suggest_best(&s));
    else
        err_hint(e, "MODEL is a .gguf file, a Hugging Face folder, or a name that "
                    "'densimeter models' or 'densimeter pull --list' shows");
out:
    catalogue_free(c);
    names_release(&stored);
    mem_free(dir);
    return rc;
}

char *model_path(const char *model, struct err *e)
{
    char *path, *name;

    if (!*model) {
        err_set(e, ERR_NOTFOUND, "MODEL is empty");
        return NULL;
    }
    if (strchr(model, '/') || file_exists(model)) {
        path = mem_strdup(model);
        if (!path)
            err_nomem(e);
        return path;
    }
    name = mem_strndup(model, strlen(model) - (has_suffix(model) ? strlen(SUFFIX) : 0));
    path = name ? stored_model_path(name, e) : NULL;
    if (!name)
        err_nomem(e);
    mem_free(name);
    if (path && !file_exists(path)) {
        mem_free(path);
        path = NULL;
        not_found(model, e);
    }
    return path;
}

/* ---- notes ----------------------------------------------------------------------------------- */

static char *note_path(const char *path)
{
    struct strbuf b = STRBUF_INIT;

    strbuf_addf(&b, "%s.json", path);
    return strbuf_take(&b);
}

/* What marks this very file: its size, and when it was last written. */
static int stamp(const char *path, char *text, size_t size)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -1;
    snprintf(text, size, "%lld bytes, %lld.%09ld", (long long)st.st_size,
             (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    return 0;
}

int models_note(const char *path, const char *const *sources, int n_sources, const char *licence,
                const char *sha256, struct err *e)
{
    struct strbuf b = STRBUF_INIT, joined = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    char *note = note_path(path), mark[80];
    int rc = -1;

    if (stamp(path, mark, sizeof mark) < 0) {
        err_errno(e, "%s", path);
        goto out;
    }
    for (int i = 0; i < n_sources; i++)
        strbuf_addf(&joined, "%s%s", i ? " " : "", sources[i]);
    o.pretty = 1;
    json_begin_object(&o, NULL);
    json_put_str(&o, "schema", SCHEMA);
    json_put_str(&o, "source", strbuf_str(&joined));
    json_put_str(&o, "licence", licence);
    json_put_str(&o, "sha256", sha256);
    json_put_str(&o, "file", mark);
    json_end_object(&o);
    strbuf_addc(&b, '\n');
    if (!note || joined.failed || b.failed)
        err_nomem(e);
    else
        rc = file_write(note, b.s, b.len, e);
out:
    mem_free(note);
    strbuf_release(&joined);
    strbuf_release(&b);
    return rc;
}

/* NULL when there is none, or none that can be trusted: a note is a help, never a condition. */
static cJSON *read_note(const char *path)
{
    char *note = note_path(path), mark[80];
    const char *noted, *schema;
    cJSON *j = NULL;

    if (note && file_exists(note) && stamp(path, mark, sizeof mark) == 0)
        j = json_read(note, NOTE_BYTES, NULL);
    mem_free(note);
    noted = json_str(j, "file");
    schema = json_str(j, "schema");
    if (schema && strcmp(schema, SCHEMA) == 0 && noted && strcmp(noted, mark) == 0)
        return j;
    json_free(j);
    return NULL;
}

int models_noted_sha256(const char *path, char sha256[SHA256_HEX])
{
    cJSON *j = read_note(path);
    const char *hex = json_str(j, "sha256");
    int found = hex && strlen(hex) == SHA256_HEX - 1;

    if (found)
        memcpy(sha256, hex, SHA256_HEX);
    json_free(j);
    return found;
}

/* ---- the list -------------------------------------------------------------------------------- */

static void model_release(struct stored_model *m)
{
    mem_free(m->name);
    mem_free(m->path);
    mem_free(m->source);
    mem_free(m->licence);
    mem_free(m->architecture);
    mem_free(m->problem);
    *m = (struct stored_model){0};
}

void model_list_release(struct model_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        model_release(&l->v[i]);
    mem_free(l->v);
    *l = (struct model_list){0};
}

/* A copy of a text that may be absent; -1 when memory is short. */
static int copy(char **out, const char *s, size_t n, struct err *e)
{
    if (!s || *out)
        return 0;
    *out = mem_strndup(s, n);
    return *out ? 0 : err_nomem(e);
}

static int add_note(struct stored_model *m, struct err *e)
{
    cJSON *j = read_note(m->path);
    const char *source = json_str(j, "source"), *licence = json_str(j, "licence");
    int rc = 0;

    if (source)
        rc = copy(&m->source, source, strlen(source), e);
    if (licence && rc == 0)
        rc = copy(&m->licence, licence, strlen(licence), e);
    json_free(j);
    models_noted_sha256(m->path, m->sha256);
    return rc;
}

static void add_sizes(struct stored_model *m, const struct gguf *g)
{
    double weights = 0, bytes = 0;

    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        weights += (double)t->ne[0] * (double)t->ne[1] * (double)t->ne[2] * (double)t->ne[3];
        bytes += (double)t->bytes;
    }
    m->parameters = weights;
    m->bits_per_weight = weights > 0 ? bytes * 8 / weights : NAN;
    m->file_bytes = gguf_file_bytes(g);
}

/* A file that does not open is listed with the reason. */
static int add_contents(struct stored_model *m, struct err *e)
{
    struct gguf_str s = {NULL, 0}, licence = {NULL, 0};
    struct err why = ERR_NONE;
    struct gguf *g = NULL;
    int64_t size = file_size(m->path);
    int rc = 0;

    m->parameters = m->bits_per_weight = NAN;
    m->file_bytes = size > 0 ? (uint64_t)size : 0;
    if (model_file_open(&g, m->path, &why) < 0) {
        if (why.code == ERR_NOMEM)
            return err_nomem(e);
        return copy(&m->problem, why.text, strlen(why.text), e);
    }
    add_sizes(m, g);
    if (gguf_get_str(g, "general.architecture", &s, NULL) == 1)
        rc = copy(&m->architecture, s.s, s.n, e);
    if (rc == 0 && gguf_get_str(g, "general.license", &licence, NULL) == 1)
        rc = copy(&m->licence, licence.s, licence.n, e);
    gguf_close(g);
    return rc;
}

static int add_model(struct model_list *l, const char *name, struct err *e)
{
    struct stored_model *m;

    if (mem_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v) < 0)
        return err_nomem(e);
    m = &l->v[l->n++];
    *m = (struct stored_model){.name = mem_strdup(name), .path = stored_model_path(name, e)};
    if (!m->name || !m->path)
        return err_nomem(e);
    return add_note(m, e) < 0 || add_contents(m, e) < 0 ? -1 : 0;
}

int models_list(struct model_list *out, struct err *e)
{
    struct names names = {0};
    char *dir = models_dir();
    int rc = -1;

    *out = (struct model_list){0};
    if (!dir) {
        err_nomem(e);
        goto out;
    }
    if (names_read(&names, dir, e) < 0)
        goto out;
    for (size_t i = 0; i < names.n; i++)
        if (add_model(out, names.v[i], e) < 0)
            goto out;
    rc = 0;
out:
    if (rc < 0)
        model_list_release(out);
    names_release(&names);
    mem_free(dir);
    return rc;
}
