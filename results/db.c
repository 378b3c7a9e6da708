/* db.c -- SQLite behind db.h: opening, statements, and its errors in our words. */
#include "results/db.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"

struct db {
    sqlite3 *h;
    char *path;
    int busy_ms;
    const volatile sig_atomic_t *stop; /* NULL: nothing interrupts */
    sqlite3_stmt *cache[SQL_COUNT];
    unsigned char in_use[SQL_COUNT];
};

/* What SQLite's result codes mean to somebody who has a file, not a library. */
static const struct {
    int code; /* primary */
    enum err_code err;
    const char *text, *hint;
} reasons[] = {
    {SQLITE_FULL, ERR_IO, "the disk is full",
     "what was stored before is intact; make room and run the same command again"},
    {SQLITE_READONLY, ERR_IO, "the database or its folder cannot be written", ""},
    {SQLITE_PERM, ERR_IO, "the database or its folder cannot be written", ""},
    {SQLITE_CANTOPEN, ERR_IO, "the database or a file beside it cannot be opened", ""},
    {SQLITE_CORRUPT, ERR_FORMAT, "the database is corrupt",
     "a backup (`densimeter db backup`) can be put in its place"},
    {SQLITE_NOTADB, ERR_FORMAT, "not a results database",
     "results are in a file that densimeter made: --db, $DENSIMETER_DB or the user's own"},
    {SQLITE_BUSY, ERR_BUSY, "another process keeps the database locked", ""},
    {SQLITE_LOCKED, ERR_BUSY, "another process keeps the database locked", ""},
    {SQLITE_PROTOCOL, ERR_BUSY, "another process keeps the database locked", ""},
    {SQLITE_CONSTRAINT, ERR_INVALID, "a row that the database's rules forbid", ""},
    {SQLITE_INTERRUPT, ERR_INTERRUPTED, "interrupted", ""},
    {SQLITE_TOOBIG, ERR_INVALID, "a text larger than a database can hold", ""},
    {SQLITE_IOERR, ERR_IO, "reading or writing the database failed",
     "what was stored before is intact"},
};

/* Why the file, or its folder where the log belongs, cannot be written: an errno; 0: both can. */
static int write_refused(const char *path)
{
    size_t n = (size_t)(path_base(path) - path);
    char *folder = n ? mem_strndup(path, n) : mem_strdup(".");
    int why = 0;

    if (access(path, W_OK) < 0 && errno != ENOENT)
        why = errno;
    else if (folder && access(folder, W_OK) < 0)
        why = errno;
    mem_free(folder);
    return why;
}

/* SQLite's words.  What went wrong in a copy is not noted at the database that was read. */
static const char *words_of(const struct db *db, int code)
{
    return db->h && (sqlite3_errcode(db->h) & 0xff) == (code & 0xff) ? sqlite3_errmsg(db->h)
                                                                     : sqlite3_errstr(code);
}

static int db_fail(struct db *db, int code, struct err *e)
{
    int sys = db->h ? sqlite3_system_errno(db->h) : 0;
    int primary = code & 0xff, refusal;

    if (primary == SQLITE_BUSY && db->stop && *db->stop)
        primary = SQLITE_INTERRUPT; /* wait_on gave up for it */
    if (primary == SQLITE_IOERR && (sys == ENOSPC || sys == EDQUOT))
        primary = SQLITE_FULL;
    if (primary == SQLITE_CANTOPEN && (refusal = write_refused(db->path)) != 0) {
        primary = SQLITE_READONLY; /* the file, its log or its index could not be made */
        sys = refusal;
    }

    if (primary == SQLITE_NOMEM)
        return err_nomem(e);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].code != primary)
            continue;
        if (primary == SQLITE_BUSY)
            err_set(e, reasons[i].err, "%s: %s (waited %d ms)", db->path, reasons[i].text,
                    db->busy_ms);
        else if (reasons[i].err == ERR_IO && primary != SQLITE_FULL && sys > 0)
            err_set(e, reasons[i].err, "%s: %s: %s", db->path, reasons[i].text, strerror(sys));
        else if (primary == SQLITE_CONSTRAINT || primary == SQLITE_CORRUPT)
            err_set(e, reasons[i].err, "%s: %s (%s)", db->path, reasons[i].text,
                    words_of(db, code));
        else
            err_set(e, reasons[i].err, "%s: %s", db->path, reasons[i].text);
        if (*reasons[i].hint)
            err_hint(e, "%s", reasons[i].hint);
        return -1;
    }
    return err_set(e, primary == SQLITE_ERROR ? ERR_FORMAT : ERR_IO, "%s: %s", db->path,
                   words_of(db, code));
}

static int stopped(void *user)
{
    const struct db *db = user;

    return db->stop && *db->stop;
}

/* A database in WAL mode on a medium that cannot be written has no place for its shared-memory
 * file; SQLite reads it when told that nobody can change it. */
static int open_immutable(struct db *db)
{
    struct strbuf uri = STRBUF_INIT;
    int code = SQLITE_NOMEM;

    strbuf_adds(&uri, "file:");
    for (const char *p = db->path; *p; p++)
        strbuf_addf(&uri, strchr("%?#", *p) ? "%%%02x" : "%c", (unsigned char)*p);
    strbuf_adds(&uri, "?immutable=1");
    if (!uri.failed) {
        sqlite3_close(db->h);
        code = sqlite3_open_v2(uri.s, &db->h,
                               SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE,
                               NULL);
    }
    strbuf_release(&uri);
    return code;
}

/* 1 when commits wait in a log beside the file: read without it, the file is an older state. */
static int has_log(const struct db *db)
{
    struct strbuf log = STRBUF_INIT;
    int rc;

    strbuf_addf(&log, "%s-wal", db->path);
    rc = log.failed || file_size(log.s) > 0;
    strbuf_release(&log);
    return rc;
}

static int unread_log(const struct db *db, struct err *e)
{
    err_set(e, ERR_IO, "%s: its newest results are in %s-wal, which cannot be read where "
                       "nothing can be written", db->path, path_base(db->path));
    err_hint(e, "copy both files to a folder that can be written");
    return -1;
}

static int open_handle(struct db *db, const struct db_opts *o, struct err *e)
{
    int flags = SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX |
                (o->readonly ? SQLITE_OPEN_READONLY
                             : SQLITE_OPEN_READWRITE | (o->create ? SQLITE_OPEN_CREATE : 0));
    int code = sqlite3_open_v2(db->path, &db->h, flags, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(db->h, db->busy_ms);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db->h, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
    if (o->readonly && access(db->path, R_OK) == 0 &&
        ((code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_READONLY)) {
        if (has_log(db))
            return unread_log(db, e);
        code = open_immutable(db);
    }
    if (code != SQLITE_OK)
        return db_fail(db, code, e);
    if (!o->readonly && sqlite3_db_readonly(db->h, "main") == 1)
        return db_fail(db, SQLITE_READONLY, e);
    return 0;
}

int db_open(struct db **out, const char *path, const struct db_opts *o, struct err *e)
{
    struct db *db = mem_calloc(1, sizeof *db);
    int rc = -1;

    if (!db)
        return err_nomem(e);
    db->busy_ms = o->busy_ms;
    db->path = mem_strdup(path);
    if (!db->path) {
        err_nomem(e);
        goto out;
    }
    if (open_handle(db, o, e) < 0)
        goto out;
    /* A commit is in the WAL before it is reported, which is all that kill -9 can test; NORMAL
     * leaves the fsync to the checkpoint, so that no disk wait falls into what is being timed.  A
     * power cut may take the last commits with it, never the consistency. */
    if (db_exec(db, "PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL;"
                    "PRAGMA trusted_schema = OFF", e) < 0)
        goto out;
    *out = db;
    db = NULL;
    rc = 0;
out:
    db_close(db);
    return rc;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(db->cache[i]);
    sqlite3_close(db->h);
    mem_free(db->path);
    mem_free(db);
}

const char *db_path(const struct db *db)
{
    return db->path;
}

/* As long as sqlite3_busy_timeout would, but not on when it is asked to stop. */
static int wait_on(void *user, int tries)
{
    enum { WAIT_MS = 20 };

    if (stopped(user) || tries >= ((const struct db *)user)->busy_ms / WAIT_MS)
        return 0;
    sqlite3_sleep(WAIT_MS);
    return 1;
}

void db_stop_on(struct db *db, const volatile sig_atomic_t *stop)
{
    enum { STEPS = 10000 }; /* of SQLite's machine: mostly below a millisecond; one of
                              * integrity_check's reads a whole table */

    db->stop = stop;
    sqlite3_progress_handler(db->h, STEPS, stopped, db);
    sqlite3_busy_handler(db->h, wait_on, db);
}

static int bind_args(sqlite3_stmt *s, const char *fmt, va_list ap)
{
    int code = SQLITE_OK;

    assert((int)strlen(fmt) == sqlite3_bind_parameter_count(s));
    for (int i = 1; fmt[i - 1] && code == SQLITE_OK; i++) {
        const char *text;
        int64_t n;
        double d;
        switch (fmt[i - 1]) {
        case 't':
            text = va_arg(ap, const char *);
            code = text ? sqlite3_bind_text(s, i, text, -1, SQLITE_STATIC)
                        : sqlite3_bind_null(s, i);
            break;
        case 'd':
            d = va_arg(ap, double);
            code = !isfinite(d) ? sqlite3_bind_null(s, i) : sqlite3_bind_double(s, i, d);
            break;
        case 'n':
            code = sqlite3_bind_int(s, i, va_arg(ap, int));
            break;
        case 'i':
            code = sqlite3_bind_int64(s, i, va_arg(ap, int64_t));
            break;
        default: /* 'u', 'v' */
            n = fmt[i - 1] == 'u' ? va_arg(ap, int64_t) : va_arg(ap, int);
            code = n < 0 ? sqlite3_bind_null(s, i) : sqlite3_bind_int64(s, i, n);
        }
    }
    return code;
}

static int vquery(struct db *db, struct stmt *st, enum sql q, struct err *e, const char *fmt,
                  va_list ap)
{
    sqlite3_stmt *s = db->in_use[q] ? NULL : db->cache[q];
    int code = SQLITE_OK;

    *st = STMT_NONE;
    if (!s)
        code = sqlite3_prepare_v3(db->h, sql_text(q), -1, SQLITE_PREPARE_PERSISTENT, &s, NULL);
    if (code != SQLITE_OK)
        return db_fail(db, code, e);
    st->db = db;
    st->s = s;
    if (!db->in_use[q]) {
        db->cache[q] = s;
        db->in_use[q] = 1;
        st->cached = (int)q + 1;
    }
    code = bind_args(s, fmt, ap);
    if (code != SQLITE_OK) {
        db_fail(db, code, e);
        db_done(st);
        return -1;
    }
    return 0;
}

int db_query(struct db *db, struct stmt *st, enum sql q, struct err *e, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = vquery(db, st, q, e, fmt, ap);
    va_end(ap);
    return rc;
}

int db_step(struct stmt *st, struct err *e)
{
    int code = stopped(st->db) ? SQLITE_INTERRUPT : sqlite3_step(st->s);

    if (code == SQLITE_ROW)
        return 1;
    return code == SQLITE_DONE ? 0 : db_fail(st->db, code, e);
}

void db_done(struct stmt *st)
{
    if (!st->s)
        return;
    if (st->cached) {
        sqlite3_reset(st->s);
        sqlite3_clear_bindings(st->s);
        st->db->in_use[st->cached - 1] = 0;
    } else {
        sqlite3_finalize(st->s);
    }
    *st = STMT_NONE;
}

int db_is_null(const struct stmt *st, int col)
{
    return sqlite3_column_type(st->s, col) == SQLITE_NULL;
}

const char *db_text(const struct stmt *st, int col)
{
    return (const char *)sqlite3_column_text(st->s, col);
}

const char *db_keep(const struct stmt *st, struct arena *a, int col, int *failed)
{
    char *copy = arena_strdup(a, db_text(st, col));

    if (!copy && !db_is_null(st, col))
        *failed = 1;
    return copy;
}

double db_num(const struct stmt *st, int col)
{
    return db_is_null(st, col) ? NAN : sqlite3_column_double(st->s, col);
}

int64_t db_int(const struct stmt *st, int col)
{
    return db_is_null(st, col) ? -1 : sqlite3_column_int64(st->s, col);
}

void db_put_row(const struct stmt *st, struct strbuf *out)
{
    int n = sqlite3_column_count(st->s);

    for (int i = 0; i < n; i++) {
        int type = sqlite3_column_type(st->s, i);
        int64_t number = sqlite3_column_int64(st->s, i); /* of a text: its length */
        const char *bytes = NULL;

        if (type == SQLITE_FLOAT) {
            double v = sqlite3_column_double(st->s, i);
            memcpy(&number, &v, sizeof number);
        } else if (type == SQLITE_TEXT || type == SQLITE_BLOB) {
            bytes = sqlite3_column_blob(st->s, i);
            number = sqlite3_column_bytes(st->s, i);
        }
        strbuf_addc(out, (char)type);
        for (int byte = 0; byte < 8; byte++)
            strbuf_addc(out, (char)((uint64_t)number >> 8 * byte));
        if (bytes)
            strbuf_add(out, bytes, (size_t)number);
    }
}

static int vrun(struct db *db, enum sql q, struct err *e, const char *fmt, va_list ap)
{
    struct stmt st;
    int rc = vquery(db, &st, q, e, fmt, ap);

    if (rc == 0)
        rc = db_step(&st, e);
    db_done(&st);
    return rc;
}

int db_run(struct db *db, enum sql q, struct err *e, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = vrun(db, q, e, fmt, ap);
    va_end(ap);
    return rc;
}

int db_change(struct db *db, enum sql q, struct err *e, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = vrun(db, q, e, fmt, ap);
    va_end(ap);
    return rc < 0 ? -1 : sqlite3_changes(db->h);
}

int db_get_int(struct db *db, enum sql q, int64_t *out, int *found, struct err *e,
               const char *fmt, ...)
{
    struct stmt st;
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = vquery(db, &st, q, e, fmt, ap);
    va_end(ap);
    if (rc == 0)
        rc = db_step(&st, e);
    *out = rc == 1 ? db_int(&st, 0) : 0;
    if (found)
        *found = rc == 1;
    db_done(&st);
    return rc < 0 ? -1 : 0;
}

int64_t db_last_id(struct db *db)
{
    return sqlite3_last_insert_rowid(db->h);
}

int db_exec(struct db *db, const char *sql, struct err *e)
{
    int code = sqlite3_exec(db->h, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? 0 : db_fail(db, code, e);
}

int db_begin(struct db *db, struct err *e)
{
    return db_run(db, SQL_BEGIN, e, "");
}

int db_begin_read(struct db *db, struct err *e)
{
    return db_run(db, SQL_BEGIN_READ, e, "");
}

int db_commit(struct db *db, struct err *e)
{
    int rc = db_run(db, SQL_COMMIT, e, "");

    if (rc < 0)
        db_rollback(db);
    return rc;
}

void db_rollback(struct db *db)
{
    if (db_in_transaction(db))
        sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL);
}

int db_in_transaction(const struct db *db)
{
    return !sqlite3_get_autocommit(db->h);
}

int db_copy(struct db *db, const char *to, struct err *e)
{
    struct db target = {.path = (char *)to, .busy_ms = db->busy_ms};
    sqlite3_backup *b = NULL;
    int code = sqlite3_open_v2(
        to, &target.h,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE, NULL);
    int waited = 0, rc = -1;

    if (code == SQLITE_OK)
        b = sqlite3_backup_init(target.h, "main", db->h, "main");
    if (!b) {
        db_fail(&target, sqlite3_errcode(target.h), e);
        goto out;
    }
    for (;;) {
        code = stopped(db) ? SQLITE_INTERRUPT : sqlite3_backup_step(b, 256);
        if (((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED) &&
            waited < db->busy_ms)
            waited += sqlite3_sleep(20);
        else if (code != SQLITE_OK)
            break;
    }
    if (code == SQLITE_DONE)
        rc = 0;
    else /* reading our pages or writing theirs: the copy's name says enough for either */
        db_fail((code & 0xff) == SQLITE_CORRUPT ? db : &target, code, e);
out:
    sqlite3_backup_finish(b);
    sqlite3_close(target.h);
    return rc;
}
