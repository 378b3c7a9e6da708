/* db.h -- SQLite as this room uses it; db.c is the one file that includes sqlite3.h.
 *
 * A statement is named by its row in sql.h and prepared once per database.  Arguments are bound by
 * a format, one letter each:
 *   t  const char *  NULL: NULL         n  int           v  int, negative gives NULL
 *   d  double        not finite: NULL   i  int64_t       u  int64_t, negative gives NULL
 * Bound texts must live until the statement is done.  Every error names the file. */
#ifndef RESULTS_DB_H
#define RESULTS_DB_H

#include <signal.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "results/sql.h"

struct db;
struct db_opts {
    int readonly, create;
    int busy_ms;
};
int db_open(struct db **out, const char *path, const struct db_opts *o, struct err *e);
void db_close(struct db *db);
const char *db_path(const struct db *db);
/* From now on a statement that is under way when *stop is not 0 ends with ERR_INTERRUPTED, and what
 * it changed is undone. */
void db_stop_on(struct db *db, const volatile sig_atomic_t *stop);

struct stmt {
    struct db *db;
    void *s;
    int cached; /* goes back to db's cache */
};
#define STMT_NONE ((struct stmt){0})

/* Binds and leaves the statement before its first row; db_done in every case. */
int db_query(struct db *db, struct stmt *st, enum sql q, struct err *e, const char *fmt, ...);
int db_step(struct stmt *st, struct err *e); /* 1: a row, 0: no more, -1 */
void db_done(struct stmt *st);               /* also of STMT_NONE */

int db_is_null(const struct stmt *st, int col);
const char *db_text(const struct stmt *st, int col); /* NULL for NULL; until the next step */
/* The text in the arena; NULL for NULL.  A refused allocation, also one of SQLite's, is noted in
 * *failed, so that a row of many texts is checked once. */
const char *db_keep(const struct stmt *st, struct arena *a, int col, int *failed);
double db_num(const struct stmt *st, int col);       /* NAN for NULL */
int64_t db_int(const struct stmt *st, int col);      /* -1 for NULL */
/* The whole row as bytes that no other row has: each column's type, length and value. */
void db_put_row(const struct stmt *st, struct strbuf *out);

/* A statement without rows. */
int db_run(struct db *db, enum sql q, struct err *e, const char *fmt, ...);
/* How many rows it changed, -1 on error. */
int db_change(struct db *db, enum sql q, struct err *e, const char *fmt, ...);
/* The first column of the first row; 0 when there is none (found = 0; may be NULL). */
int db_get_int(struct db *db, enum sql q, int64_t *out, int *found, struct err *e,
               const char *fmt, ...);
int64_t db_last_id(struct db *db);
/* Several statements of text, without arguments (migrations, pragmas). */
int db_exec(struct db *db, const char *sql, struct err *e);

/* db_begin takes the write lock at once, so that a transaction never fails half-way because
 * another process wrote first.  db_rollback after any failure; harmless outside a transaction. */
int db_begin(struct db *db, struct err *e);
/* Several reads of one state of the file; ended by db_rollback. */
int db_begin_read(struct db *db, struct err *e);
int db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db);
int db_in_transaction(const struct db *db);

/* The whole database into the file `to`, page by page, consistent while others write. */
int db_copy(struct db *db, const char *to, struct err *e);

#endif
