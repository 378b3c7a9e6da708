/* bundle_runs.c -- runs into a bundle, and out again to be looked at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "harness/audit.h"
#include "harness/bundle.h"
#include "harness/pairs.h"
#include "harness/present.h"
#include "results/exchange.h"

#define RUNS "runs/"
#define DATABASE "run.sqlite"
#define PUBLISHED "published.json"
#define SYSTEM "system.json"

static int temporary_folder(char out[256], struct err *e)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(out, 256, "%.200s/densimeter-bundle-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(out) ? 0 : err_errno(e, "%s", out);
}

static void remove_database(const char *folder, const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    char name[320];

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
    rmdir(folder);
}

static int published(struct store *s, const struct run_row *r, struct strbuf *out, struct err *e)
{
    struct json_out o = JSON_OUT(out);

    o.pretty = 1;
    json_begin_object(&o, NULL);
    if (present_run_json(&o, s, r, e) < 0)
        return -1;
    json_end_object(&o);
    strbuf_addc(out, '\n');
    return strbuf_ok(out, e);
}

static int put(struct bundle *b, const char *id, const char *name, struct strbuf *bytes,
               struct err *e)
{
    char path[96];

    snprintf(path, sizeof path, RUNS "%s/%s", id, name);
    return bundle_put(b, path, bytes, e);
}

/* The database of this run alone. */
static int put_database(struct bundle *b, struct store *s, const char *id, struct err *e)
{
    struct strbuf bytes = STRBUF_INIT;
    char folder[256], path[300];
    int rc = -1;

    if (temporary_folder(folder, e) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/%s", folder, DATABASE);
    if (export_run(s, id, "sqlite", path, e) == 0 &&
        file_read(&bytes, path, BUNDLE_BYTES_MAX, e) == 0)
        rc = put(b, id, DATABASE, &bytes, e);
    remove_database(folder, path);
    strbuf_release(&bytes);
    return rc;
}

int bundle_add_run(struct bundle *b, struct store *s, const struct run_row *r, struct err *e)
{
    struct bundle_run copy = {0};
    struct strbuf numbers = STRBUF_INIT, machine = STRBUF_INIT;
    int rc = -1, at = 0, got;

    if (run_complete(r, e) < 0 || put_database(b, s, r->id, e) < 0)
        return -1;
    /* from the copy, so that both say the same */
    while ((got = bundle_run_open(b, at++, &copy, e)) == 1 && strcmp(copy.id, r->id) != 0)
        bundle_run_close(&copy);
    if (got != 1)
        goto out;
    strbuf_addf(&machine, "%s\n", r->machine_json ? r->machine_json : "{}");
    if (published(copy.store, copy.row.v, &numbers, e) == 0 &&
        put(b, r->id, PUBLISHED, &numbers, e) == 0)
        rc = put(b, r->id, SYSTEM, &machine, e);
out:
    bundle_run_close(&copy);
    strbuf_release(&numbers);
    strbuf_release(&machine);
    return rc;
}

/* --- out again ------------------------------------------------------------------------------- */

/* "runs/ID/run.sqlite" to ID. */
static int run_of(const char *name, char id[RUN_ID_SIZE])
{
    const char *s = name + sizeof RUNS - 1, *end;

    if (strncmp(name, RUNS, sizeof RUNS - 1) != 0 || !(end = strchr(s, '/')) ||
        strcmp(end + 1, DATABASE) != 0 || end == s || end - s >= RUN_ID_SIZE)
        return 0;
    memcpy(id, s, (size_t)(end - s));
    id[end - s] = 0;
    return 1;
}

static int open_copy(struct bundle_run *r, const struct bundle_file *f, struct err *e)
{
    char folder[256];

    if (temporary_folder(folder, e) < 0)
        return -1;
    memcpy(r->folder, folder, sizeof folder);
    snprintf(r->path, sizeof r->path, "%s/%s", folder, DATABASE);
    if (file_write(r->path, strbuf_str(&f->bytes), f->bytes.len, e) < 0)
        return -1;
    if (store_open_stranger(&r->store, r->path, e) < 0 ||
        query_runs(r->store, NULL, &r->row, e) < 0)
        return err_prefix(e, "%s", f->name);
    if (r->row.n != 1 || strcmp(r->row.v[0].id, r->id) != 0)
        return err_set(e, ERR_FORMAT, "%s holds %zu runs, and must hold this one", f->name,
                       r->row.n);
    return 0;
}

int bundle_run_open(const struct bundle *b, int i, struct bundle_run *out, struct err *e)
{
    *out = (struct bundle_run){0};
    for (size_t k = 0; k < b->n; k++) {
        if (!run_of(b->files[k].name, out->id) || i-- > 0)
            continue;
        if (open_copy(out, &b->files[k], e) == 0)
            return 1;
        bundle_run_close(out);
        return -1;
    }
    return 0;
}

void bundle_run_close(struct bundle_run *r)
{
    run_list_release(&r->row);
    store_close(r->store);
    if (r->path[0])
        remove_database(r->folder, r->path);
    *r = (struct bundle_run){0};
}

struct listener {
    bundle_say *say;
    void *user;
    const char *run;
    int n, unknown;
};

static void tell(void *user, const char *line)
{
    struct listener *l = user;
    struct strbuf b = STRBUF_INIT;

    l->n++;
    strbuf_addf(&b, "run %s: %s", l->run, line);
    l->say(l->user, strbuf_str(&b));
    strbuf_release(&b);
}

static const struct bundle_file *file_of(const struct bundle *b, const char *id, const char *name)
{
    char path[96];

    snprintf(path, sizeof path, RUNS "%s/%s", id, name);
    return bundle_find(b, path);
}

static int is_same(const struct bundle_file *f, const struct strbuf *text)
{
    return f && f->bytes.len == text->len &&
           memcmp(strbuf_str(&f->bytes), strbuf_str(text), text->len) == 0;
}

/* All that was published is what this program says now.  A later program has members that the
 * earlier did not know, and has nothing in them: null. */
static int is_still(const cJSON *then, const cJSON *now)
{
    const cJSON *x, *y;

    if ((then->type & 0xff) != (now->type & 0xff))
        return 0;
    if (cJSON_IsNumber(then))
        return then->valuedouble == now->valuedouble;
    if (cJSON_IsString(then))
        return strcmp(then->valuestring, now->valuestring) == 0;
    if (cJSON_IsArray(then)) {
        for (x = then->child, y = now->child; x && y && is_still(x, y); x = x->next, y = y->next)
            ;
        return !x && !y;
    }
    cJSON_ArrayForEach(x, then)
        if (!x->string || !(y = json_get(now, x->string)) || !is_still(x, y))
            return 0;
    cJSON_ArrayForEach(y, now)
        if (!json_get(then, y->string) && !cJSON_IsNull(y))
            return 0;
    return 1;
}

static int is_published(const struct bundle_file *f, const struct strbuf *now)
{
    struct err none = ERR_NONE;
    cJSON *a, *b;
    int still;

    if (!f || is_same(f, now))
        return f != NULL;
    a = json_parse(strbuf_str(&f->bytes), f->bytes.len, f->name, &none);
    b = a ? json_parse(strbuf_str(now), now->len, f->name, &none) : NULL;
    still = a && b && is_still(a, b);
    json_free(a);
    json_free(b);
    return still;
}

static int check_run(const struct bundle *b, struct bundle_run *r, struct listener *l,
                     struct err *e)
{
    const struct run_row *row = &r->row.v[0];
    struct strbuf numbers = STRBUF_INIT, machine = STRBUF_INIT;
    int rc = -1;

    if (strcmp(row->status, "complete") != 0)
        tell(l, "it did not end well, so its numbers are not final");
    if (store_check(r->store, tell, l, e) < 0 ||
        audit_run(r->store, row, tell, l, &l->unknown, e) < 0 ||
        published(r->store, row, &numbers, e) < 0)
        goto out;
    strbuf_addf(&machine, "%s\n", row->machine_json ? row->machine_json : "{}");
    if (!is_published(file_of(b, r->id, PUBLISHED), &numbers))
        tell(l, "published.json is not what its database says");
    if (strbuf_ok(&machine, e) < 0)
        goto out;
    if (!is_same(file_of(b, r->id, SYSTEM), &machine))
        tell(l, "system.json is not the machine of its database");
    rc = 0;
out:
    strbuf_release(&numbers);
    strbuf_release(&machine);
    return rc;
}

int bundle_check_runs(const struct bundle *b, bundle_say *say, void *user, int *unknown,
                      struct err *e)
{
    struct listener l = {say, user, NULL, 0, 0};
    struct bundle_run r;
    int got, n = 0;

    *unknown = 0;
    while ((got = bundle_run_open(b, n, &r, e)) == 1) {
        l.run = r.id;
        if (check_run(b, &r, &l, e) < 0)
            got = -1;
        bundle_run_close(&r);
        if (got < 0)
            return -1;
        n++;
    }
    if (got < 0)
        return -1;
    *unknown = l.unknown;
    if (n == 0) {
        l.run = "-";
        tell(&l, "the bundle holds no run");
    }
    return l.n;
}
