/* admin.c -- names for runs, and the care of the file: check, backup, vacuum, schema. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "results/internal.h"
#include "results/schema.h"

#define LABEL_MAX 100 /* bytes */

int label_valid(struct db *db, const char *label, struct err *e)
{
    size_t n = strlen(label);
    int64_t id;
    int taken;

    if (!*label || strcmp(label, "last") == 0 || strncmp(label, "last~", 5) == 0)
        return err_set(e, ERR_USAGE, "label \"%s\": this name is not free to give", label);
    if (n > LABEL_MAX)
        return err_set(e, ERR_USAGE, "a label of %zu bytes: at most %d are kept", n, LABEL_MAX);
    for (size_t i = 0, k; i < n; i += k) {
        k = utf8_len(label + i, n - i);
        if (!k || utf8_is_control(label + i, k))
            return err_set(e, ERR_USAGE, "a label with %s at byte %zu",
                           k ? "a control character" : "something that is not UTF-8", i);
    }
    if (db_get_int(db, SQL_RUN_EXISTS, &id, &taken, e, "t", label) < 0)
        return -1;
    if (taken)
        return err_set(e, ERR_USAGE, "label %s: it is the id of a run", label);
    return 0;
}

static int move_label(struct db *db, const char *run_id, const char *label, char *moved_from,
                      struct err *e)
{
    struct stmt st;
    int64_t id;
    int found, rc;

    if (db_get_int(db, SQL_RUN_EXISTS, &id, &found, e, "t", run_id) < 0)
        return -1;
    if (!found)
        return err_set(e, ERR_NOTFOUND, "%s: no run %s", db_path(db), run_id);
    if (label) {
        if (label_valid(db, label, e) < 0)
            return -1;
        rc = db_query(db, &st, SQL_LABEL_OWNER, e, "t", label);
        if (rc == 0)
            rc = db_step(&st, e);
        if (rc == 1 && strcmp(db_text(&st, 0), run_id) != 0)
            snprintf(moved_from, RUN_ID_SIZE, "%s", db_text(&st, 0));
        db_done(&st);
        if (rc < 0 || db_run(db, SQL_LABEL_CLEAR, e, "t", label) < 0)
            return -1;
    }
    return db_run(db, SQL_LABEL_SET, e, "tt", label, run_id);
}

int store_label(struct store *s, const char *run_id, const char *label,
                char moved_from[RUN_ID_SIZE], struct err *e)
{
    char from[RUN_ID_SIZE] = "";

    if (db_begin(s->db, e) < 0)
        return -1;
    if (move_label(s->db, run_id, label, from, e) < 0) {
        db_rollback(s->db);
        return -1;
    }
    if (moved_from)
        memcpy(moved_from, from, sizeof from);
    return db_commit(s->db, e);
}

struct finder {
    void (*found)(void *user, const char *defect);
    void *user;
    int n;
};

static void report(struct finder *f, const struct strbuf *defect)
{
    f->found(f->user, strbuf_str(defect));
    f->n++;
}

/* Every row of a statement in `columns` columns is one defect, but "ok". */
static int rows_are_defects(struct db *db, enum sql q, int columns, struct finder *f,
                            struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct stmt st;
    int rc = q == SQL_SELF_CHECK ? db_query(db, &st, q, e, "ii", (int64_t)0, INT64_MAX)
                                 : db_query(db, &st, q, e, "");

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        const char *first = db_text(&st, 0);
        if (columns == 1 && first && strcmp(first, "ok") == 0)
            continue;
        strbuf_clear(&b);
        if (columns == 1)
            strbuf_adds(&b, first ? first : "");
        else
            strbuf_addf(&b, "table %s, row %lld: its row in %s is missing", first,
                        (long long)db_int(&st, 1), db_text(&st, 2));
        if ((rc = strbuf_ok(&b, e)) == 0)
            report(f, &b);
    }
    db_done(&st);
    strbuf_release(&b);
    return rc < 0 ? -1 : 0;
}

/* Everything that sqlite_master says, as bytes. */
static int schema_text(struct db *db, struct strbuf *out, struct err *e)
{
    struct stmt st;
    int rc = db_query(db, &st, SQL_SCHEMA, e, "");

    while (rc >= 0 && (rc = db_step(&st, e)) == 1)
        db_put_row(&st, out);
    db_done(&st);
    return rc < 0 ? -1 : strbuf_ok(out, e);
}

static void keep_first(void *user, const char *defect)
{
    struct strbuf *first = user;

    if (first->len == 0)
        strbuf_adds(first, defect);
}

/* Migrations are statements on what is there, so the tables are looked at before one runs. */
static int check_stranger(struct db *db, int version, struct err *e)
{
    const struct db_opts memory = {.create = 1};
    struct strbuf ours = STRBUF_INIT, theirs = STRBUF_INIT, first = STRBUF_INIT;
    struct finder f = {keep_first, &first, 0};
    struct db *fresh = NULL;
    int rc = -1;

    if (db_open(&fresh, MEMORY_PATH, &memory, e) < 0 || schema_make(fresh, version, e) < 0 ||
        schema_text(fresh, &ours, e) < 0 || schema_text(db, &theirs, e) < 0)
        goto out;
    if (ours.len != theirs.len ||
        memcmp(strbuf_str(&ours), strbuf_str(&theirs), ours.len) != 0)
        err_set(e, ERR_FORMAT, "%s: its tables are not those of this program's databases",
                db_path(db));
    else if (rows_are_defects(db, SQL_INTEGRITY_CHECK, 1, &f, e) == 0)
        rc = f.n == 0 ? 0 : err_set(e, ERR_FORMAT, "%s: %s", db_path(db), strbuf_str(&first));
out:
    db_close(fresh);
    strbuf_release(&ours);
    strbuf_release(&theirs);
    strbuf_release(&first);
    return rc;
}

int store_open_stranger(struct store **out, const char *path, struct err *e)
{
    const struct store_opts readonly = {.readonly = 1};
    const struct db_opts o = {.readonly = 1};
    struct store *older = NULL;
    struct db *db = NULL;
    int version = -1;

    if (db_open(&db, path, &o, e) == 0)
        version = schema_found(db, e);
    if (version >= 0 && check_stranger(db, version, e) < 0)
        version = -1;
    db_close(db);
    if (version < 0)
        return -1;
    if (version < schema_version() && store_open(&older, path, NULL, e) < 0)
        return -1;
    store_close(older);
    return store_open(out, path, &readonly, e);
}

/* name, text, hash of the text. */
static int hashes_hold(struct db *db, enum sql q, const char *what, struct finder *f,
                       struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    char hash[SHA256_HEX];
    struct stmt st;
    int rc = db_query(db, &st, q, e, "");

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        const char *name = db_text(&st, 0), *text = db_text(&st, 1), *want = db_text(&st, 2);
        if (!name || !text || !want)
            rc = err_nomem(e);
        else if ((rc = sha256_bytes(hash, text, strlen(text), e)) == 0 && strcmp(hash, want) != 0) {
            strbuf_clear(&b);
            strbuf_addf(&b, "%s %s: the text does not have the hash beside it", what, name);
            if ((rc = strbuf_ok(&b, e)) == 0)
                report(f, &b);
        }
    }
    db_done(&st);
    strbuf_release(&b);
    return rc < 0 ? -1 : 0;
}

static int contents_hold(struct db *db, struct finder *f, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    char hash[SHA256_HEX];
    struct stmt st;
    int rc = db_query(db, &st, SQL_SEALED_RUNS, e, "");

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        const char *run = db_text(&st, 1), *want = db_text(&st, 2);
        if (!run || !want)
            rc = err_nomem(e);
        else if ((rc = seal_hash(db, db_int(&st, 0), hash, e)) == 0 && strcmp(hash, want) != 0) {
            strbuf_clear(&b);
            strbuf_addf(&b, "run %s: its rows are not those it was finished with", run);
            if ((rc = strbuf_ok(&b, e)) == 0)
                report(f, &b);
        }
    }
    db_done(&st);
    strbuf_release(&b);
    return rc < 0 ? -1 : 0;
}

int store_check(struct store *s, void (*found)(void *user, const char *defect), void *user,
                struct err *e)
{
    struct finder f = {found, user, 0};
    int encodings, rows;

    if (rows_are_defects(s->db, SQL_INTEGRITY_CHECK, 1, &f, e) < 0)
        return -1;
    if (f.n) /* what hangs on damaged pages need not be counted as well */
        return f.n;
    if (rows_are_defects(s->db, SQL_FOREIGN_KEY_CHECK, 3, &f, e) < 0 ||
        rows_are_defects(s->db, SQL_SELF_CHECK, 1, &f, e) < 0 ||
        hashes_hold(s->db, SQL_RUN_SETTINGS, "settings of run", &f, e) < 0 ||
        hashes_hold(s->db, SQL_MACHINE_TEXTS, "machine", &f, e) < 0 ||
        contents_hold(s->db, &f, e) < 0 || (rows = likelihoods_check(s->db, found, user, e)) < 0 ||
        (encodings = encodings_check(s->db, found, user, e)) < 0)
        return -1;
    return f.n + rows + encodings;
}

static int sync_file(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) < 0 ? err_errno(e, "%s", path) : 0;

    if (fd >= 0)
        close(fd);
    return rc;
}

static int same_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* A log beside the file that is to be replaced would be replayed over the new pages.  Readers leave
 * an empty one behind; opening the file for writing and closing it takes that away, and what is
 * still there then is in use. */
static int log_in_use(const char *to, const char *wal)
{
    struct db_opts o = {.busy_ms = 100};
    struct db *db = NULL;

    if (file_exists(wal) && db_open(&db, to, &o, NULL) == 0)
        db_close(db);
    return file_exists(wal);
}

int store_backup(struct store *s, const char *to, struct err *e)
{
    struct strbuf tmp = STRBUF_INIT, wal = STRBUF_INIT;
    int rc = -1;

    strbuf_addf(&tmp, "%s.tmp%ld", to, (long)getpid());
    strbuf_addf(&wal, "%s-wal", to);
    if (strbuf_ok(&tmp, e) < 0 || strbuf_ok(&wal, e) < 0)
        goto out;
    if (same_file(db_path(s->db), to)) {
        err_set(e, ERR_USAGE, "%s: a backup over the database itself", to);
        goto out;
    }
    if (log_in_use(to, wal.s)) {
        err_set(e, ERR_USAGE, "%s: in use by another process, will not be replaced", to);
        goto out;
    }
    unlink(tmp.s);
    if (db_copy(s->db, tmp.s, e) == 0 && sync_file(tmp.s, e) == 0)
        rc = rename(tmp.s, to) == 0 ? 0 : err_errno(e, "%s", to);
    if (rc < 0)
        unlink(tmp.s);
out:
    strbuf_release(&tmp);
    strbuf_release(&wal);
    return rc;
}

int store_vacuum(struct store *s, int64_t *before, int64_t *after, struct err *e)
{
    int64_t busy;

    if (before)
        *before = file_size(db_path(s->db));
    if (db_run(s->db, SQL_VACUUM, e, "") < 0 ||
        db_get_int(s->db, SQL_TRUNCATE_LOG, &busy, NULL, e, "") < 0)
        return -1;
    if (after)
        *after = file_size(db_path(s->db));
    return 0;
}

int store_schema(struct store *s, void (*row)(void *user, const struct store_schema_row *r),
                 void *user, struct err *e)
{
    const struct schema_doc *d;

    for (int i = 0; (d = schema_doc_at(i)); i++) {
        struct store_schema_row r = {d->table, d->column, "", d->help};
        struct stmt st = STMT_NONE;
        int rc = 0;
        if (d->column) {
            rc = db_query(s->db, &st, SQL_COLUMN_TYPE, e, "tt", d->table, d->column);
            if (rc == 0)
                rc = db_step(&st, e);
            if (rc == 1)
                r.type = db_text(&st, 0);
        }
        if (rc >= 0)
            row(user, &r);
        db_done(&st);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int store_schema_version(void)
{
    return schema_version();
}
