#include "harness/hub_read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/http.h"
#include "harness/source.h"

#define ENDPOINT "https://huggingface.co"
#define SERVER "https://datasets-server.huggingface.co"

enum { INFO_BYTES = 256 << 20, ROWS_BYTES = 128 << 20, FILES_MAX = 200000, SHARDS_MAX = 10000 };

static char *without_slash(const char *s)
{
    size_t n = strlen(s);

    return mem_strndup(s, n - (n > 0 && s[n - 1] == '/'));
}

/* A mirror of the hub has no server of rows, unless it is named. */
int hub_open(struct hub *h, struct err *e)
{
    const char *endpoint = getenv("HF_ENDPOINT"), *server = getenv("DENSIMETER_DATASETS_SERVER");

    if (!endpoint || !*endpoint)
        endpoint = ENDPOINT;
    h->endpoint = without_slash(endpoint);
    h->server = NULL;
    if (!h->endpoint)
        return err_nomem(e);
    if (!server || !*server)
        server = strcmp(h->endpoint, ENDPOINT) == 0 ? SERVER : NULL;
    if (!server)
        return 0;
    h->server = without_slash(server);
    return h->server ? 0 : err_nomem(e);
}

void hub_close(struct hub *h)
{
    mem_free(h->endpoint);
    mem_free(h->server);
    h->endpoint = h->server = NULL;
}

int hub_id_is_safe(const char *id)
{
    const char *slash = strchr(id, '/'), *second = slash ? slash + 1 : NULL;
    size_t n = strlen(id);

    if (n == 0 || n > 95 || strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789._-/") != n)
        return 0;
    return isalnum((unsigned char)id[0]) && (!second || (isalnum((unsigned char)*second) &&
                                                         !strchr(second, '/')));
}

static int is_hex(const char *s, size_t n)
{
    return s && strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

/* A document of one of the servers, as JSON. */
static cJSON *ask(const struct hub *h, const struct strbuf *url, size_t most, char *revision,
                  struct err *e)
{
    struct http_ask a = {strbuf_str(url), 1, most, h->stop, h->on_wait, h->user};
    struct http_reply r = {0};
    cJSON *j = NULL;

    if (strbuf_ok(url, e) == 0 && http_get(&a, &r, e) == 0)
        j = json_parse(strbuf_str(&r.body), r.body.len, a.url, e);
    if (j && revision)
        snprintf(revision, HUB_REVISION, "%s", r.revision);
    http_release(&r);
    return j;
}

static int odd(const char *url, const char *what, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: %s", url, what);
}

/* ---- what there is --------------------------------------------------------------------------- */

void hub_info_release(struct hub_info *i)
{
    for (size_t k = 0; k < i->n_files; k++)
        mem_free(i->files[k].name);
    mem_free(i->files);
    mem_free(i->licence);
    *i = (struct hub_info){.licence = NULL};
}

static int add_file(struct hub_info *i, const cJSON *row, const char *url, struct err *e)
{
    const char *name = json_str(row, "rfilename"), *git = json_str(row, "blobId");
    const cJSON *lfs = json_get(row, "lfs");
    const char *sha256 = json_str(lfs, "sha256");
    double bytes = json_num(row, "size", 0);
    struct hub_file *f;

    if (!name || !path_is_inside(name))
        return odd(url, "lists a file whose name leads outside", e);
    if (mem_grow(&i->files, &i->cap, i->n_files + 1, sizeof *i->files) < 0)
        return err_nomem(e);
    f = &i->files[i->n_files];
    *f = (struct hub_file){.name = mem_strdup(name)};
    if (!f->name)
        return err_nomem(e);
    i->n_files++;
    if (bytes > 0 && bytes < 1e15)
        f->bytes = (uint64_t)bytes;
    if (is_hex(sha256, SHA256_HEX - 1))
        memcpy(f->sha256, sha256, SHA256_HEX);
    else if (is_hex(git, GIT_SHA1_HEX - 1) && !lfs)
        memcpy(f->git_sha1, git, GIT_SHA1_HEX);
    return 0;
}

/* cardData.license: a text or several. */
static int take_licence(struct hub_info *i, const cJSON *j, struct err *e)
{
    const cJSON *v = json_get(json_get(j, "cardData"), "license"), *one;
    struct strbuf b = STRBUF_INIT;

    if (cJSON_IsString(v))
        strbuf_add_printable(&b, v->valuestring, 0);
    cJSON_ArrayForEach(one, v) /* of a text there is nothing below */
    {
        if (!cJSON_IsString(one))
            continue;
        strbuf_adds(&b, b.len ? ", " : "");
        strbuf_add_printable(&b, one->valuestring, 0);
    }
    if (strbuf_ok(&b, e) < 0) {
        strbuf_release(&b);
        return -1;
    }
    if (b.len)
        i->licence = strbuf_take(&b);
    strbuf_release(&b);
    return 0;
}

int hub_read_info(struct hub_info *out, const cJSON *j, const char *url, struct err *e)
{
    const cJSON *files = json_get(j, "siblings"), *gated = json_get(j, "gated"), *row;
    const char *sha = json_str(j, "sha");

    if (!is_hex(sha, 40) && !is_hex(sha, 64))
        return odd(url, "does not say which revision it is", e);
    snprintf(out->revision, sizeof out->revision, "%s", sha);
    out->gated = gated && !cJSON_IsFalse(gated) && !cJSON_IsNull(gated);
    if (cJSON_GetArraySize(files) > FILES_MAX)
        return odd(url, "lists too many files", e);
    cJSON_ArrayForEach(row, files)
        if (add_file(out, row, url, e) < 0)
            return -1;
    return take_licence(out, j, e);
}

int hub_info(const struct hub *h, const char *id, const char *revision, struct hub_info *out,
             struct err *e)
{
    struct strbuf url = STRBUF_INIT;
    cJSON *j;
    int rc;

    *out = (struct hub_info){.licence = NULL};
    strbuf_addf(&url, "%s/api/datasets/%s/revision/", h->endpoint, id);
    http_encode(&url, revision, "");
    strbuf_adds(&url, "?blobs=true");
    j = ask(h, &url, INFO_BYTES, NULL, e);
    rc = j ? hub_read_info(out, j, url.s, e) : -1;
    json_free(j);
    strbuf_release(&url);
    return rc;
}

char *hub_file_url(const struct hub *h, const char *id, const char *revision, const char *name,
                   struct err *e)
{
    struct strbuf b = STRBUF_INIT;

    strbuf_addf(&b, "%s/datasets/%s/resolve/%s/", h->endpoint, id, revision);
    http_encode(&b, name, "/");
    if (strbuf_ok(&b, e) < 0) {
        strbuf_release(&b);
        return NULL;
    }
    return strbuf_take(&b);
}

/* ---- the server of rows ---------------------------------------------------------------------- */

static int no_server(struct err *e)
{
    err_set(e, ERR_NOTFOUND, "this hub has no server of rows");
    err_hint(e, "name one with $DENSIMETER_DATASETS_SERVER");
    return -1;
}

static void begin_url(const struct hub *h, struct strbuf *url, const char *what, const char *id,
                      const char *config, const char *split)
{
    strbuf_addf(url, "%s/%s?dataset=", h->server, what);
    http_encode(url, id, "");
    if (config) {
        strbuf_adds(url, "&config=");
        http_encode(url, config, "");
        strbuf_adds(url, "&split=");
        http_encode(url, split, "");
    }
}

/* The server shows the newest revision, and says which that was. */
static int same_revision(const char *url, const char *told, const char *want,
                         struct err *e)
{
    if (!*told || strcmp(told, want) == 0)
        return 0;
    err_set(e, ERR_INVALID, "%s: shows revision %s, wanted is %s", url, told, want);
    return -1;
}

int hub_read_splits(const cJSON *j, const char *url,
                    int (*each)(void *user, const char *config, const char *split, struct err *e),
                    void *user, struct err *e)
{
    const cJSON *rows = json_get(j, "splits"), *row;

    if (!cJSON_IsArray(rows))
        return odd(url, "lists no splits", e);
    cJSON_ArrayForEach(row, rows)
    {
        const char *config = json_str(row, "config"), *split = json_str(row, "split");
        if (!config || !split || !name_is_safe(config) || !name_is_safe(split))
            return odd(url, "lists a split whose name cannot be a file's", e);
        if (each(user, config, split, e) < 0)
            return -1;
    }
    return 0;
}

int hub_splits(const struct hub *h, const char *id,
               int (*each)(void *user, const char *config, const char *split, struct err *e),
               void *user, struct err *e)
{
    struct strbuf url = STRBUF_INIT;
    cJSON *j;
    int rc;

    if (!h->server)
        return no_server(e);
    begin_url(h, &url, "splits", id, NULL, NULL);
    j = ask(h, &url, INFO_BYTES, NULL, e);
    rc = j ? hub_read_splits(j, url.s, each, user, e) : -1;
    json_free(j);
    strbuf_release(&url);
    return rc;
}

int hub_read_parquet(const cJSON *j, const char *url, const char *endpoint, const char *config,
                     const char *split,
                     int (*each)(void *user, const char *url, uint64_t bytes, struct err *e),
                     void *user, struct err *e)
{
    size_t n = strlen(endpoint);
    const cJSON *row;
    int found = 0;

    if (json_bool(j, "partial", 0))
        return err_set(e, ERR_NOTFOUND, "%s: only a part of the data set was converted", url);
    cJSON_ArrayForEach(row, json_get(j, "parquet_files"))
    {
        const char *at = json_str(row, "url"), *c = json_str(row, "config");
        const char *s = json_str(row, "split");
        double bytes = json_num(row, "size", 0);
        if (!at || !c || !s)
            return odd(url, "lists a file without its address", e);
        if (strcmp(c, config) != 0 || strcmp(s, split) != 0)
            continue;
        if (strncmp(at, endpoint, n) != 0 || at[n] != '/')
            return odd(url, "lists a file of another host", e);
        if (!path_is_inside(at + n + 1) || strpbrk(at, " #") || found++ == SHARDS_MAX)
            return odd(url, "lists an address that cannot be", e);
        if (each(user, at, bytes > 0 && bytes < 1e15 ? (uint64_t)bytes : 0, e) < 0)
            return -1;
    }
    return found ? 0 : err_set(e, ERR_NOTFOUND, "%s: nothing was converted", url);
}

int hub_parquet(const struct hub *h, const char *id, const char *revision, const char *config,
                const char *split,
                int (*each)(void *user, const char *url, uint64_t bytes, struct err *e),
                void *user, struct err *e)
{
    struct strbuf url = STRBUF_INIT;
    char told[HUB_REVISION];
    cJSON *j;
    int rc = -1;

    if (!h->server)
        return no_server(e);
    begin_url(h, &url, "parquet", id, config, split);
    j = ask(h, &url, INFO_BYTES, told, e);
    if (j && same_revision(url.s, told, revision, e) == 0)
        rc = hub_read_parquet(j, url.s, h->endpoint, config, split, each, user, e);
    json_free(j);
    strbuf_release(&url);
    return rc;
}

/* The page is what was asked for: consecutive records, none cut. */
static int check_page(const struct hub_page *p, int64_t offset, const char *url, struct err *e)
{
    const cJSON *row;
    int64_t i = offset;

    if (!cJSON_IsArray(p->rows) || p->total < 0 || p->n > HUB_PAGE ||
        offset + p->n > p->total)
        return odd(url, "the rows do not add up", e);
    if (p->n == 0 && offset < p->total)
        return odd(url, "the rows end before their number is reached", e);
    cJSON_ArrayForEach(row, p->rows)
    {
        if (json_num(row, "row_idx", -1) != (double)i++)
            return odd(url, "the rows are not the ones that were asked for", e);
        if (cJSON_GetArraySize(json_get(row, "truncated_cells")) > 0)
            return err_set(e, ERR_NOTFOUND, "%s: row %lld is shown cut off", url, (long long)i - 1);
        if (!cJSON_IsObject(json_get(row, "row")))
            return odd(url, "a row is no record", e);
    }
    return 0;
}

int hub_read_page(struct hub_page *p, int64_t offset, const char *url, struct err *e)
{
    double total = json_num(p->json, "num_rows_total", -1);

    p->rows = json_get(p->json, "rows");
    p->n = cJSON_GetArraySize(p->rows);
    p->total = total >= 0 && total <= INT32_MAX ? (int64_t)total : -1;
    if (json_bool(p->json, "partial", 0))
        return err_set(e, ERR_NOTFOUND, "%s: only the beginning is shown", url);
    return check_page(p, offset, url, e);
}

int hub_rows(const struct hub *h, const char *id, const char *revision, const char *config,
             const char *split, int64_t offset, struct hub_page *out, struct err *e)
{
    struct strbuf url = STRBUF_INIT;
    char told[HUB_REVISION] = "";
    int rc = -1;

    *out = (struct hub_page){.json = NULL};
    if (!h->server)
        return no_server(e);
    begin_url(h, &url, "rows", id, config, split);
    strbuf_addf(&url, "&offset=%lld&length=%d", (long long)offset, HUB_PAGE);
    out->json = ask(h, &url, ROWS_BYTES, told, e);
    if (out->json && same_revision(url.s, told, revision, e) == 0)
        rc = hub_read_page(out, offset, url.s, e);
    if (rc < 0) {
        json_free(out->json);
        out->json = NULL;
    }
    strbuf_release(&url);
    return rc;
}
