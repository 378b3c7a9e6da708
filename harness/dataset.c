#include "harness/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/dataset_impl.h"
#include "harness/fetch.h"
#include "harness/source.h"
#include "tasks/documents.h"

#define SCHEMA "densimeter.data/1"
#define GITHUB "https://raw.githubusercontent.com"
enum { NOTE_BYTES = 1 << 16 };

static const char *const via_names[] = {"", "files", "parquet", "rows"};

void dataset_landed_release(struct dataset_landed *l)
{
    mem_free(l->path);
    mem_free(l->licence);
    l->path = l->licence = NULL;
}

/* ---- splits ---------------------------------------------------------------------------------- */

struct splits {
    const char *wanted; /* configuration; NULL: not said */
    struct strbuf names; /* of configurations, each once, ", " between */
    char first[96];
    int n_configs, n_found;
    int (*each)(void *user, const char *config, const char *split, struct err *e);
    void *user;
};

static int note_config(void *user, const char *config, const char *split, struct err *e)
{
    struct splits *s = user;

    (void)split;
    if (s->n_configs > 0 && strcmp(s->first, config) == 0)
        return 0;
    if (s->n_configs++ == 0)
        snprintf(s->first, sizeof s->first, "%s", config);
    if (strcmp(config, "default") == 0)
        s->wanted = "default";
    if (s->names.len < 300)
        strbuf_addf(&s->names, "%s%s", s->names.len ? ", " : "", config);
    return strbuf_ok(&s->names, e);
}

static int pass_split(void *user, const char *config, const char *split, struct err *e)
{
    struct splits *s = user;

    if (strcmp(config, s->wanted) != 0)
        return 0;
    s->n_found++;
    return s->each(s->user, config, split, e);
}

int dataset_splits(const struct hub *h, const char *id, const char *config,
                   int (*each)(void *user, const char *config, const char *split, struct err *e),
                   void *user, struct err *e)
{
    struct splits s = {.wanted = config, .each = each, .user = user};
    int rc = 0;

    if (!config) {
        rc = hub_splits(h, id, note_config, &s, e);
        if (rc == 0 && s.n_configs == 1)
            s.wanted = s.first;
        else if (rc == 0 && !s.wanted) {
            rc = err_set(e, ERR_NOTFOUND, "%s: which configuration?", id);
            err_hint(e, "name one with --config: %s", strbuf_str(&s.names));
        }
    }
    if (rc == 0)
        rc = hub_splits(h, id, pass_split, &s, e);
    if (rc == 0 && s.n_found == 0)
        rc = err_set(e, ERR_NOTFOUND, "%s: has no configuration '%s'", id, s.wanted);
    strbuf_release(&s.names);
    return rc;
}

static int take_config(void *user, const char *config, const char *split, struct err *e)
{
    struct arrival *a = user;

    (void)e;
    if (strcmp(split, a->f->origin.split) == 0)
        snprintf(a->config, sizeof a->config, "%s", config);
    return 0;
}

/* The configuration by its name; a row that names none means the only one. */
static int settle_config(struct arrival *a, struct err *e)
{
    snprintf(a->config, sizeof a->config, "%s", a->f->origin.config);
    if (a->config[0])
        return 0;
    if (!a->f->hub->server) {
        snprintf(a->config, sizeof a->config, "default");
        return 0;
    }
    if (dataset_splits(a->f->hub, a->f->origin.dataset, NULL, take_config, a, e) < 0)
        return -1;
    return a->config[0] ? 0
                        : err_set(e, ERR_NOTFOUND, "%s: has no split '%s'", a->f->origin.dataset,
                                  a->f->origin.split);
}

/* ---- the working folder ---------------------------------------------------------------------- */

static int open_work(struct arrival *a, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    char *lock;

    strbuf_addf(&b, "%s/.fetch/", a->f->dir);
    for (const char *s = a->f->origin.dataset; *s; s++)
        strbuf_adds(&b, *s == '/' ? "--" : (char[]){*s, 0});
    strbuf_addf(&b, "/%s/%s", a->info.revision, a->config);
    a->work = strbuf_take(&b);
    if (!a->work)
        return err_nomem(e);
    if (dir_make(a->work, e) < 0)
        return -1;
    lock = path_join(a->work, "lock");
    if (!lock)
        return err_nomem(e);
    a->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (a->lock < 0)
        err_errno(e, "%s", lock);
    else if (flock(a->lock, LOCK_EX | LOCK_NB) < 0)
        err_set(e, ERR_BUSY, "%s: another process is fetching it", a->f->origin.dataset);
    else {
        mem_free(lock);
        return 0;
    }
    mem_free(lock);
    return -1;
}

/* What arrived has landed: the folder goes, and those above it when nothing else is in them. */
static void remove_work(struct arrival *a)
{
    DIR *d = opendir(a->work);
    struct dirent *entry;

    while (d && (entry = readdir(d)) != NULL) {
        char *path = strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")
                         ? path_join(a->work, entry->d_name) : NULL;
        if (path)
            unlink(path);
        mem_free(path);
    }
    if (d)
        closedir(d);
    for (int up = 0; up < 4 && rmdir(a->work) == 0; up++)
        a->work[path_base(a->work) - 1 - a->work] = 0;
}

static void forget_paths(struct arrival *a)
{
    for (size_t i = 0; i < a->n; i++)
        mem_free(a->paths[i]);
    a->n = 0;
}

static void arrival_release(struct arrival *a)
{
    forget_paths(a);
    mem_free(a->paths);
    if (a->lock >= 0)
        close(a->lock);
    mem_free(a->work);
    hub_info_release(&a->info);
}

/* ---- from what arrived to the file ----------------------------------------------------------- */

static int put_records(struct arrival *a, const cJSON *list, const char *path, FILE *f,
                       int64_t *records, struct err *e)
{
    const cJSON *record;
    int rc = 0;

    cJSON_ArrayForEach(record, list)
    {
        struct strbuf b = STRBUF_INIT;
        char where[300];
        snprintf(where, sizeof where, "%.200s: record %lld", path_base(path), (long long)*records);
        rc = origin_put(a->f->origin.shape, record, *records == 0, where, &b, e);
        if (rc == 0 && fwrite(strbuf_str(&b), 1, b.len, f) != b.len)
            rc = err_errno(e, "%s cannot be written", a->f->file);
        strbuf_release(&b);
        if (rc < 0)
            break;
        ++*records;
    }
    return rc;
}

static int convert(struct arrival *a, const char *part, int64_t *records, struct err *e)
{
    FILE *f = fopen(part, "w");
    int rc = 0;

    if (!f)
        return err_errno(e, "%s", part);
    for (size_t i = 0; i < a->n && rc == 0; i++) {
        cJSON *list;
        json_begin();
        list = cJSON_CreateArray();
        rc = list ? documents_read(list, a->paths[i], e) : err_nomem(e);
        if (rc == 0)
            rc = put_records(a, list, a->paths[i], f, records, e);
        json_free(list);
    }
    if (rc == 0 && *records == 0)
        rc = err_set(e, ERR_FORMAT, "%s: the split '%s' holds no records", a->f->origin.dataset,
                     a->f->origin.split);
    if (rc == 0 && (fflush(f) != 0 || fsync(fileno(f)) < 0))
        rc = err_errno(e, "%s", part);
    if (fclose(f) != 0 && rc == 0)
        rc = err_errno(e, "%s", part);
    return rc;
}

static char *note_path(const char *path, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    char *s;

    strbuf_addf(&b, "%s.source.json", path);
    s = strbuf_take(&b);
    if (!s)
        err_nomem(e);
    return s;
}

static int write_note(const struct dataset_fetch *f, const struct dataset_landed *l, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    char *path = note_path(l->path, e);
    int rc = -1;

    o.pretty = 1;
    json_begin_object(&o, NULL);
    json_put_str(&o, "schema", SCHEMA);
    json_put_str(&o, "dataset", f->origin.github ? f->origin.github : f->origin.dataset);
    json_put_str(&o, "config", f->origin.github ? NULL : l->config);
    json_put_str(&o, "split", f->origin.github ? NULL : f->origin.split);
    json_put_str(&o, "revision", l->revision[0] ? l->revision : NULL);
    json_put_str(&o, "licence", l->licence);
    json_put_str(&o, "via", l->via);
    json_put_str(&o, "sha256", l->sha256);
    json_put_count(&o, "records", l->records);
    json_end_object(&o);
    strbuf_addc(&b, '\n');
    if (path && strbuf_ok(&b, e) == 0)
        rc = file_write(path, b.s, b.len, e);
    mem_free(path);
    strbuf_release(&b);
    return rc;
}

/* The file as it arrived, not looked into. */
static int take_whole(const struct arrival *a, const char *part, struct dataset_landed *l,
                      struct err *e)
{
    l->records = -1;
    if (a->n != 1)
        return err_set(e, ERR_FORMAT, "%s: %zu files where one is meant", a->f->file, a->n);
    return rename(a->paths[0], part) == 0 ? 0 : err_errno(e, "%s", part);
}

/* Converted, compared with the hash that is known, renamed. */
static int land(struct arrival *a, struct dataset_landed *l, struct err *e)
{
    const struct origin *o = &a->f->origin;
    struct strbuf part = STRBUF_INIT;
    int rc = -1;

    strbuf_addf(&part, "%s/landing", a->work);
    l->records = 0;
    if (strbuf_ok(&part, e) < 0 ||
        (o->shape == SHAPE_FILE ? take_whole(a, part.s, l, e)
                                : convert(a, part.s, &l->records, e)) < 0 ||
        sha256_file(l->sha256, part.s, e) < 0)
        goto out;
    if (o->sha256 && strcmp(o->sha256, l->sha256) != 0) {
        err_set(e, ERR_FORMAT, "%s: SHA-256 is %s, expected %s", l->path, l->sha256, o->sha256);
        err_hint(e, "the data set has changed; nothing was written");
        goto out;
    }
    if (rename(part.s, l->path) < 0) {
        err_errno(e, "%s", l->path);
        goto out;
    }
    rc = write_note(a->f, l, e);
out:
    strbuf_release(&part);
    return rc;
}

/* ---- fetching -------------------------------------------------------------------------------- */

static int arrive(struct arrival *a, struct dataset_landed *l, struct err *e)
{
    static int (*const ways[])(struct arrival *, struct err *) = {
        NULL, arrive_by_files, arrive_by_parquet, arrive_by_rows};
    enum via only = a->f->origin.shape == SHAPE_FILE ? VIA_FILES : a->f->via;
    struct err reasons = ERR_NONE;

    for (enum via v = VIA_FILES; v <= VIA_ROWS; v++) {
        struct err why = ERR_NONE;
        if (only != VIA_ANY && only != v)
            continue;
        forget_paths(a);
        if (ways[v](a, &why) == 0) {
            snprintf(l->via, sizeof l->via, "%s", via_names[v]);
            return 0;
        }
        if (why.code == ERR_NOTFOUND && reasons.code == ERR_NOTFOUND)
            err_prefix(&why, "%s", reasons.text);
        reasons = why;
        if (why.code != ERR_NOTFOUND)
            break;
    }
    if (e)
        *e = reasons;
    return -1;
}

static int from_hub(const struct dataset_fetch *f, struct dataset_landed *l, struct err *e)
{
    struct arrival a = {.f = f, .lock = -1};
    int rc = -1;

    if (hub_info(f->hub, f->origin.dataset, f->revision, &a.info, e) < 0 ||
        settle_config(&a, e) < 0)
        goto out;
    l->licence = a.info.licence ? mem_strdup(a.info.licence) : NULL;
    if (a.info.licence && !l->licence) {
        err_nomem(e);
        goto out;
    }
    snprintf(l->revision, sizeof l->revision, "%s", a.info.revision);
    snprintf(l->config, sizeof l->config, "%s", a.config);
    if (f->on_licence)
        f->on_licence(f->user, f->origin.dataset, l->licence, l->revision);
    if (open_work(&a, e) < 0 || arrive(&a, l, e) < 0 || land(&a, l, e) < 0)
        goto out;
    remove_work(&a);
    rc = 0;
out:
    arrival_release(&a);
    return rc;
}

static int from_github(const struct dataset_fetch *f, struct dataset_landed *l, struct err *e)
{
    const char *host = getenv("DENSIMETER_GITHUB"), *source;
    struct strbuf url = STRBUF_INIT;
    struct fetch g = {.sources = &source, .n_sources = 1, .path = l->path,
                      .sha256 = f->origin.sha256, .on_bytes = f->on_bytes, .user = f->user,
                      .stop = f->hub->stop};
    int rc = -1;

    strbuf_addf(&url, "%s/%s/%s", host && *host ? host : GITHUB, f->origin.github, f->origin.path);
    source = strbuf_str(&url);
    l->licence = mem_strdup(f->origin.licence);
    l->records = -1;
    snprintf(l->via, sizeof l->via, "github");
    if (url.failed || !l->licence)
        err_nomem(e);
    else {
        if (f->on_licence)
            f->on_licence(f->user, f->origin.github, l->licence, NULL);
        rc = fetch_file(&g, l->sha256, e);
    }
    strbuf_release(&url);
    return rc < 0 ? -1 : write_note(f, l, e);
}

/* 1: there already, and what it was noted or has to be; 0: it has to be fetched. */
static int is_there(const struct dataset_fetch *f, struct dataset_landed *l, struct err *e)
{
    char *path = NULL;
    const char *want;
    cJSON *note = NULL;
    int rc = 1;

    if (!file_exists(l->path) || f->force)
        return 0;
    path = note_path(l->path, e);
    if (!path || sha256_file(l->sha256, l->path, e) < 0) {
        mem_free(path);
        return -1;
    }
    if (file_exists(path))
        note = json_read(path, NOTE_BYTES, NULL);
    want = f->origin.sha256 ? f->origin.sha256 : json_str(note, "sha256");
    if (want && strcmp(want, l->sha256) != 0) {
        rc = err_set(e, ERR_FORMAT, "%s: is another file: SHA-256 is %s, expected %s", l->path,
                     l->sha256, want);
        err_hint(e, "--force fetches it anew");
    }
    snprintf(l->revision, sizeof l->revision, "%s",
             json_str(note, "revision") ? json_str(note, "revision") : "");
    snprintf(l->via, sizeof l->via, "%s", json_str(note, "via") ? json_str(note, "via") : "");
    l->records = (int64_t)json_num(note, "records", -1);
    if (json_str(note, "licence") && !(l->licence = mem_strdup(json_str(note, "licence"))))
        rc = err_nomem(e);
    json_free(note);
    mem_free(path);
    return rc;
}

int dataset_fetch(const struct dataset_fetch *f, struct dataset_landed *out, struct err *e)
{
    char *folder = NULL;
    int rc = -1;

    *out = (struct dataset_landed){.records = -1};
    if (!path_is_inside(f->file) ||
        (!f->origin.github && (!hub_id_is_safe(f->origin.dataset) ||
                               !name_is_safe(f->origin.split) ||
                               (*f->origin.config && !name_is_safe(f->origin.config)))))
        return err_set(e, ERR_USAGE, "%s: not a file below a data folder", f->file);
    out->path = path_join(f->dir, f->file);
    folder = out->path ? mem_strndup(out->path, (size_t)(path_base(out->path) - 1 - out->path))
                       : NULL;
    if (!folder)
        return err_nomem(e);
    if (dir_make(folder, e) == 0)
        rc = is_there(f, out, e);
    if (rc == 1)
        out->was_there = 1;
    else if (rc == 0)
        rc = f->origin.github ? from_github(f, out, e) : from_hub(f, out, e);
    if (rc >= 0)
        out->bytes = file_size(out->path);
    mem_free(folder);
    return rc < 0 ? -1 : 0;
}
