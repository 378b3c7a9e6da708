/* exchange_adopt.c -- runs out of another results file of ours, such as `export --format sqlite`
 * writes, with what probes found of their models.
 *
 * The file is copied first: it may be an older format, which migrates, and it stays as it is.  What
 * `db check` finds in it is the end of the import.  A run that is here with the same content is not
 * added again; another one of the same id gets a new id, a label that is taken or is none is left
 * off. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "results/exchange_internal.h"
#include "results/probes.h"
#include "results/schema.h"

static void first_defect(void *user, const char *defect)
{
    struct err *why = user;

    if (why->code == ERR_OK)
        err_set(why, ERR_FORMAT, "%s", defect);
}

/* A copy of the file in the format of this program, opened and checked. */
static int open_copy(struct store **out, const char *path, const char *tmp, struct err *e)
{
    const struct db_opts readonly = {.readonly = 1, .busy_ms = BUSY_MS};
    struct db *original = NULL;
    struct err why = ERR_NONE;
    int rc = -1;

    if (db_open(&original, path, &readonly, e) == 0 && schema_found(original, e) >= 0 &&
        db_copy(original, tmp, e) == 0 && store_open(out, tmp, NULL, e) == 0)
        rc = store_check(*out, first_defect, &why, e);
    if (rc > 0 || why.code != ERR_OK)
        rc = err_set(e, ERR_FORMAT, "%s: %s", path, why.code ? why.text : "it has defects");
    db_close(original);
    return rc;
}

static int count_run(struct store *from, const struct run_row *r, struct import_result *out,
                     struct err *e)
{
    struct task_list tasks = {0};
    struct bench_list bench = {0};
    int rc = -1;

    if (query_tasks(from, r->id, &tasks, e) == 0 && query_bench(from, r->id, &bench, e) == 0) {
        for (size_t i = 0; i < tasks.n; i++)
            out->values += tasks.v[i].n_values;
        out->bench_rows += (int)bench.n;
        out->items += r->n_items;
        out->runs++;
        rc = 0;
    }
    task_list_release(&tasks);
    bench_list_release(&bench);
    return rc;
}

static int check_label(struct import *im, const struct run_row *r, struct err *e)
{
    const char *label = r->label;

    if (import_label(im, &label, e) < 0)
        return -1;
    return label ? 0 : db_run(im->db, SQL_SOURCE_LABEL_CLEAR, e, "t", r->id);
}

static int take_run(struct import *im, struct store *from, const struct run_row *r, struct err *e)
{
    char name[RUN_ID_SIZE]; /* becomes what it is called here */
    int64_t id;
    int here;

    memcpy(name, r->id, sizeof name);
    if (db_get_int(im->db, SQL_SOURCE_RUN_IS_HERE, &id, &here, e, "t", name) < 0)
        return -1;
    if (here)
        im->run_id = id;
    else if (check_label(im, r, e) < 0 || adopt_run(im->db, name, NULL, &im->run_id, e) < 0 ||
             count_run(from, r, im->result, e) < 0)
        return -1;
    memcpy(im->result->run_id, name, sizeof name);
    return probes_carry(from, im->db, &r->model, e);
}

static int take_all(struct import *im, struct store *from, const struct run_list *runs,
                    struct err *e)
{
    int complete = 0;

    if (db_run(im->db, SQL_SOURCE_LABELS_CLEAR, e, "") < 0)
        return -1;
    for (size_t i = runs->n; i-- > 0;) /* oldest first: the order of row ids stays */
        if (strcmp(runs->v[i].status, "complete") == 0) {
            complete++;
            if (take_run(im, from, &runs->v[i], e) < 0)
                return -1;
        }
    if (complete == 0)
        return err_set(e, ERR_FORMAT, "%s: no complete run in it", im->path);
    if (im->result->runs == 0) {
        im->result->duplicate = 1;
        return 0;
    }
    return import_remember(im, im->hash, im->path, e);
}

/* tmp is there, empty, and the caller's. */
static int import_copy(struct import *im, const char *tmp, struct err *e)
{
    struct store *from = NULL;
    struct run_list runs = {0};
    int rc = -1;

    if (open_copy(&from, im->path, tmp, e) == 0 && query_runs(from, NULL, &runs, e) == 0 &&
        adopt_attach(im->db, tmp, e) == 0) {
        if (db_begin(im->db, e) == 0) {
            rc = take_all(im, from, &runs, e);
            if (rc == 0)
                rc = db_commit(im->db, e);
            if (rc < 0)
                db_rollback(im->db);
        }
        adopt_detach(im->db);
    }
    run_list_release(&runs);
    store_close(from);
    return rc;
}

int import_is_sqlite(const char *path)
{
    static const char magic[16] = "SQLite format 3";
    char head[sizeof magic];
    FILE *f = fopen(path, "rbe");
    int is = f && fread(head, 1, sizeof head, f) == sizeof head &&
             memcmp(head, magic, sizeof head) == 0;

    if (f)
        fclose(f);
    return is;
}

int import_sqlite(struct store *s, const char *path, struct import_result *out, struct err *e)
{
    static const char *const beside[] = {"", "-wal", "-shm", ".lock"};
    struct import im = {.store = s, .db = s->db, .path = path, .format = "densimeter",
                        .result = out};
    const char *dir = getenv("TMPDIR");
    struct strbuf tmp = STRBUF_INIT;
    int fd, rc = -1;

    *out = (struct import_result){.format = im.format};
    strbuf_addf(&tmp, "%s/densimeter-import-XXXXXX", dir && *dir ? dir : "/tmp");
    if (strbuf_ok(&tmp, e) < 0 || sha256_file(im.hash, path, e) < 0)
        goto out;
    fd = mkstemp(tmp.s);
    if (fd < 0) {
        err_errno(e, "%s", tmp.s);
        goto out;
    }
    close(fd);
    rc = import_known(&im, e);
    if (rc == 0)
        rc = import_copy(&im, tmp.s, e);
    for (size_t i = 0, n = tmp.len; i < sizeof beside / sizeof beside[0]; i++) {
        strbuf_truncate(&tmp, n);
        strbuf_adds(&tmp, beside[i]);
        unlink(strbuf_str(&tmp));
    }
    if (rc < 0)
        *out = (struct import_result){.format = im.format};
out:
    strbuf_release(&tmp);
    return rc < 0 ? -1 : 0;
}
