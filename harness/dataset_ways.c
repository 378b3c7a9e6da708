/* dataset_ways.c -- the three ways in which a split arrives (dataset.h). */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/dataset_impl.h"
#include "harness/fetch.h"
#include "harness/http.h"
#include "tasks/documents.h"

enum { SHARDS_MAX = 10000, PAUSE_MS = 200 /* between two pages of rows */ };

char *arrival_path(struct arrival *a, const char *name, const char *suffix, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    char *path;

    strbuf_addf(&b, "%s/", a->work);
    for (; *name; name++)
        strbuf_adds(&b, *name == '/' ? "--" : (char[]){*name, 0});
    strbuf_adds(&b, suffix);
    path = strbuf_take(&b);
    if (!path || mem_grow(&a->paths, &a->cap, a->n + 1, sizeof *a->paths) < 0) {
        mem_free(path);
        err_nomem(e);
        return NULL;
    }
    a->paths[a->n++] = path;
    return path;
}

/* ---- files of the repository ----------------------------------------------------------------- */

/* Is `name` a file of this split: FOLDER/SPLIT.SUFFIX, or one of FOLDER/SPLIT-00000-of-00003.SUFFIX
 * (then *of is 3, else 1)? */
static int is_of_split(const char *name, const char *folder, const char *split, const char *suffix,
                       int *of)
{
    size_t n = strlen(folder), k = strlen(split);

    *of = 1;
    if (strncmp(name, folder, n) != 0 || (n && name[n] != '/'))
        return 0;
    name += n + (n > 0);
    if (strncmp(name, split, k) != 0)
        return 0;
    name += k;
    if (strcmp(name, suffix) == 0)
        return 1;
    if (*name != '-' || strspn(name + 1, "0123456789") != 5 || strncmp(name + 6, "-of-", 4) != 0 ||
        strspn(name + 10, "0123456789") != 5)
        return 0;
    *of = atoi(name + 10);
    name += 15;
    if (*name == '-') /* the datasets library once put a hash there */
        name += 1 + strspn(name + 1, "0123456789abcdef");
    return strcmp(name, suffix) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct hub_file *const *)a)->name,
                  (*(const struct hub_file *const *)b)->name);
}

/* The split's files in a folder, all of one kind and none missing: how many. */
static int choose(const struct hub_info *info, const char *folder, const char *split,
                  const char *suffix, const struct hub_file **out)
{
    int n = 0, of = 1, last = 1;

    for (size_t i = 0; i < info->n_files; i++) {
        if (!is_of_split(info->files[i].name, folder, split, suffix, &of))
            continue;
        if (n == SHARDS_MAX || (n > 0 && of != last))
            return 0;
        last = of;
        out[n++] = &info->files[i];
    }
    qsort(out, (size_t)n, sizeof *out, by_name);
    return n == last ? n : 0;
}

static int bring_file(struct arrival *a, const struct hub_file *file, struct err *e)
{
    const struct dataset_fetch *d = a->f;
    struct fetch f = {.sha256 = file->sha256[0] ? file->sha256 : NULL, .bytes = file->bytes,
                      .git_sha1 = file->git_sha1[0] ? file->git_sha1 : NULL,
                      .on_bytes = d->on_bytes, .user = d->user, .stop = d->hub->stop};
    char hex[SHA256_HEX], *url;
    int rc = -1;

    f.path = arrival_path(a, file->name, "", e);
    url = f.path ? hub_file_url(d->hub, d->origin.dataset, a->info.revision, file->name, e) : NULL;
    f.url = url;
    if (url && file_exists(f.path) && f.sha256 && sha256_file(hex, f.path, NULL) == 0 &&
        strcmp(hex, f.sha256) == 0)
        rc = 0; /* a try before this one got so far */
    else if (url)
        rc = fetch_file(&f, hex, e);
    mem_free(url);
    return rc;
}

/* The file that the origin names, where the repository has it: 1; 0 when not. */
static int arrive_by_name(struct arrival *a, struct err *e)
{
    const char *hub = a->f->origin.hub, *member = strchr(hub, '#');
    size_t n = member ? (size_t)(member - hub) : strlen(hub);

    for (size_t i = 0; n && i < a->info.n_files; i++) {
        const struct hub_file *file = &a->info.files[i];
        struct strbuf b = STRBUF_INIT;
        if (strncmp(file->name, hub, n) != 0 || file->name[n])
            continue;
        if (bring_file(a, file, e) < 0)
            return -1;
        strbuf_addf(&b, "%s%s", a->paths[a->n - 1], member ? member : "");
        if (strbuf_ok(&b, e) < 0) {
            strbuf_release(&b);
            return -1;
        }
        mem_free(a->paths[a->n - 1]);
        a->paths[a->n - 1] = strbuf_take(&b);
        return 1;
    }
    return 0;
}

int arrive_by_files(struct arrival *a, struct err *e)
{
    const char *config = a->config, *split = a->f->origin.split;
    int plain = strcmp(config, "default") == 0;
    char below[110];
    const char *const folders[] = {config, below, plain ? "data" : NULL, plain ? "" : NULL};
    const struct hub_file **chosen;
    int n = 0, rc = arrive_by_name(a, e);

    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (a->f->origin.shape == SHAPE_FILE)
        return err_set(e, ERR_NOTFOUND, "%s: the repository has no %s", a->f->origin.dataset,
                       a->f->origin.hub);
    chosen = mem_calloc(SHARDS_MAX, sizeof *chosen);
    if (!chosen)
        return err_nomem(e);
    snprintf(below, sizeof below, "data/%s", config);
    for (size_t i = 0; documents_suffix(i) && n == 0; i++)
        for (int k = 0; k < 4 && n == 0; k++)
            if (folders[k])
                n = choose(&a->info, folders[k], split, documents_suffix(i), chosen);
    if (n == 0)
        rc = err_set(e, ERR_NOTFOUND, "%s: the repository has no file of the split '%s' of %s",
                     a->f->origin.dataset, split, config);
    for (int i = 0; i < n && rc == 0; i++)
        rc = bring_file(a, chosen[i], e);
    mem_free(chosen);
    return rc;
}

/* ---- the hub's conversion -------------------------------------------------------------------- */

static int bring_parquet(void *user, const char *url, uint64_t bytes, struct err *e)
{
    struct arrival *a = user;
    const struct dataset_fetch *d = a->f;
    struct fetch f = {.url = url, .bytes = bytes, .on_bytes = d->on_bytes, .user = d->user,
                      .stop = d->hub->stop};
    char hex[SHA256_HEX], suffix[64];

    snprintf(suffix, sizeof suffix, "--converted-%05d.parquet", (int)a->n);
    f.path = arrival_path(a, d->origin.split, suffix, e);
    return f.path ? fetch_file(&f, hex, e) : -1;
}

int arrive_by_parquet(struct arrival *a, struct err *e)
{
    return hub_parquet(a->f->hub, a->f->origin.dataset, a->info.revision, a->config,
                       a->f->origin.split, bring_parquet, a, e);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Whole lines that an earlier try left; the file is cut behind them. */
static int64_t whole_lines(FILE *f, struct err *e)
{
    int64_t n = 0;
    off_t end = 0, at = 0;
    int c;

    while ((c = getc(f)) != EOF) {
        at++;
        if (c == '\n') {
            n++;
            end = at;
        }
    }
    if (ferror(f) || ftruncate(fileno(f), end) < 0 || fseeko(f, end, SEEK_SET) < 0)
        return err_errno(e, "cannot go on with the rows that are there");
    return n;
}

static int put_page(FILE *f, const struct hub_page *p, struct err *e)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, p->rows)
    {
        char *text = cJSON_PrintUnformatted(json_get(row, "row"));
        int rc = text ? fprintf(f, "%s\n", text) : 0;
        cJSON_free(text);
        if (!text)
            return err_nomem(e);
        if (rc < 0)
            return err_errno(e, "rows cannot be written");
    }
    return fflush(f) == 0 ? 0 : err_errno(e, "rows cannot be written");
}

static int all_pages(struct arrival *a, FILE *f, struct err *e)
{
    const struct dataset_fetch *d = a->f;
    int64_t done = whole_lines(f, e), total = -1;

    while (done >= 0 && done != total) {
        struct hub_page p;
        int rc;
        if (d->hub->stop && *d->hub->stop) {
            err_set(e, ERR_INTERRUPTED, "%s: interrupted after %lld rows", d->origin.dataset,
                    (long long)done);
            err_hint(e, "run the same command again to go on");
            return -1;
        }
        if (total >= 0)
            http_sleep(d->hub->stop, PAUSE_MS);
        if (hub_rows(d->hub, d->origin.dataset, a->info.revision, a->config, d->origin.split, done,
                     &p, e) < 0)
            return -1;
        rc = total >= 0 && p.total != total
                 ? err_set(e, ERR_FORMAT, "%s: has %lld rows and then %lld", d->origin.dataset,
                           (long long)total, (long long)p.total)
                 : put_page(f, &p, e);
        json_free(p.json);
        if (rc < 0)
            return -1;
        total = p.total;
        done += p.n;
        if (d->on_rows)
            d->on_rows(d->user, done, total);
    }
    return done < 0 ? -1 : 0;
}

int arrive_by_rows(struct arrival *a, struct err *e)
{
    char suffix[160];
    const char *path;
    FILE *f;
    int rc;

    snprintf(suffix, sizeof suffix, "--%s--rows.jsonl", a->config);
    path = arrival_path(a, a->f->origin.split, suffix, e);
    if (!path)
        return -1;
    f = fopen(path, "a+");
    if (!f)
        return err_errno(e, "%s", path);
    rewind(f);
    rc = all_pages(a, f, e);
    if (fclose(f) != 0 && rc == 0)
        rc = err_errno(e, "%s", path);
    return rc;
}
