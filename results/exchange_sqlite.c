/* exchange_sqlite.c -- a new database with one run in it.
 *
 * The new file is the main database and the old one is attached, so that reading is all that is
 * asked of the old one. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "results/exchange_internal.h"
#include "results/probes.h"
#include "results/schema.h"

static int copy_parts(struct db *db, const char *from, const char *id, struct err *e)
{
    struct strbuf sql = STRBUF_INIT;
    const struct schema_part *p;
    int rc = -1;

    if (db_run(db, SQL_ATTACH_SOURCE, e, "t", from) < 0 ||
        db_exec(db, "CREATE TEMP TABLE chosen(id INTEGER)", e) < 0 || db_begin(db, e) < 0 ||
        db_run(db, SQL_CHOOSE_RUN, e, "t", id) < 0)
        goto out;
    for (int i = 0; (p = schema_part_at(i)); i++) {
        strbuf_clear(&sql);
        strbuf_addf(&sql, "INSERT INTO main.%s SELECT * FROM source.%s WHERE %s", p->table,
                    p->table, p->where);
        if (strbuf_ok(&sql, e) < 0 || db_exec(db, sql.s, e) < 0)
            goto out;
    }
    rc = db_commit(db, e);
out:
    db_rollback(db);
    strbuf_release(&sql);
    return rc;
}

/* What probes found of the run's model. */
static int copy_probes(struct store *s, struct db *to, const char *id, struct err *e)
{
    struct run_list runs = {0};
    int rc = query_run(s, id, &runs, e);

    if (rc == 0)
        rc = db_begin(to, e);
    if (rc == 0 && (rc = probes_carry(s, to, &runs.v[0].model, e)) == 0)
        rc = db_commit(to, e);
    db_rollback(to);
    run_list_release(&runs);
    return rc;
}

int export_sqlite(struct store *s, const char *id, const char *to, struct err *e)
{
    static const char *const beside[] = {"", "-wal", "-shm"};
    struct strbuf tmp = STRBUF_INIT;
    struct store *copy = NULL;
    int64_t busy;
    int rc = -1;

    if (strcmp(db_path(s->db), MEMORY_PATH) == 0 || strcmp(to, "-") == 0)
        return err_set(e, ERR_UNSUPPORTED, "a database is exported from a file to a file");
    if (file_exists(to))
        return err_set(e, ERR_USAGE, "%s: exists, will not be replaced", to);
    strbuf_addf(&tmp, "%s.tmp%ld", to, (long)getpid());
    if (strbuf_ok(&tmp, e) < 0 || store_open(&copy, tmp.s, NULL, e) < 0)
        goto out;
    rc = copy_parts(copy->db, db_path(s->db), id, e);
    if (rc == 0)
        rc = copy_probes(s, copy->db, id, e);
    /* Closing would fold the log into the file as well, and say nothing when it could not. */
    if (rc == 0)
        rc = db_get_int(copy->db, SQL_TRUNCATE_LOG, &busy, NULL, e, "") < 0 ? -1 : 0;
    store_close(copy);
    copy = NULL;
    if (rc == 0 && rename(tmp.s, to) < 0)
        rc = err_errno(e, "%s", to);
out:
    store_close(copy);
    for (size_t i = 0; rc < 0 && tmp.s && i < sizeof beside / sizeof beside[0]; i++) {
        size_t n = tmp.len;
        strbuf_adds(&tmp, beside[i]);
        unlink(tmp.s);
        strbuf_truncate(&tmp, n);
    }
    strbuf_release(&tmp);
    return rc;
}
