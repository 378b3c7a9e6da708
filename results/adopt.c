/* adopt.c -- a run measured in a database of its own becomes a run of this one.
 *
 * Rows keep their content and get new row ids: each table's ids move up by the highest id that is
 * there, and references by that of the table they refer to; which those are, the schema itself
 * tells.  Rows that runs share (models, machines, documents) are found by their key. */
#include <string.h>

#include "base/strbuf.h"
#include "results/internal.h"
#include "results/schema.h"

#define TABLES_MAX 64

struct adoption {
    struct db *db;
    int64_t offset[TABLES_MAX]; /* by index in the list of parts */
};

static int part_index(const char *table)
{
    const struct schema_part *p;

    for (int i = 0; i < TABLES_MAX && (p = schema_part_at(i)) != NULL; i++)
        if (strcmp(p->table, table) == 0)
            return i;
    return -1;
}

/* The expression for a column that refers to table `parent`. */
static void put_reference(struct strbuf *b, const struct adoption *a, const char *table,
                          const char *column, int parent)
{
    const struct schema_part *p = schema_part_at(parent);

    if (p->key)
        strbuf_addf(b, "(SELECT m.id FROM main.%s m JOIN source.%s s ON s.%s = m.%s"
                       " WHERE s.id = source.%s.%s)", p->table, p->table, p->key, p->key, table,
                    column);
    else
        strbuf_addf(b, "%s + %lld", column, (long long)a->offset[parent]);
}

/* Index of the table that the column refers to, -1 for none, -2 on error. */
static int parent_of(struct db *db, const char *table, const char *column, struct err *e)
{
    struct stmt st;
    int parent = -1, rc = db_query(db, &st, SQL_PARENT, e, "tt", table, column);

    if (rc == 0)
        rc = db_step(&st, e);
    if (rc == 1)
        parent = part_index(db_text(&st, 0));
    db_done(&st);
    return rc < 0 ? -2 : parent;
}

/* Both halves of "INSERT INTO main.T(columns) SELECT values FROM source.T". */
static int put_columns(struct adoption *a, int part, struct strbuf *columns, struct strbuf *values,
                       struct err *e)
{
    const struct schema_part *p = schema_part_at(part);
    struct stmt st;
    int rc = db_query(a->db, &st, SQL_COLUMNS, e, "t", p->table);

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        const char *column = db_text(&st, 0);
        int parent;
        if (strcmp(column, "id") == 0 && p->key)
            continue; /* it gets one here */
        if ((parent = parent_of(a->db, p->table, column, e)) == -2) {
            rc = -1;
            break;
        }
        strbuf_addf(columns, "%s%s", columns->len ? ", " : "", column);
        strbuf_adds(values, values->len ? ", " : "");
        if (strcmp(column, "id") == 0)
            strbuf_addf(values, "id + %lld", (long long)a->offset[part]);
        else if (parent >= 0)
            put_reference(values, a, p->table, column, parent);
        else
            strbuf_adds(values, column);
    }
    db_done(&st);
    return rc;
}

static int highest_id(struct adoption *a, int part, struct err *e)
{
    const struct schema_part *p = schema_part_at(part);
    struct strbuf sql = STRBUF_INIT;
    int rc = -1;

    strbuf_addf(&sql, "INSERT INTO temp.highest SELECT coalesce(max(id), 0) FROM main.%s",
                p->table);
    if (strbuf_ok(&sql, e) == 0 && db_exec(a->db, "DELETE FROM temp.highest", e) == 0 &&
        db_exec(a->db, sql.s, e) == 0)
        rc = db_get_int(a->db, SQL_HIGHEST, &a->offset[part], NULL, e, "");
    strbuf_release(&sql);
    return rc;
}

static int has_id(struct db *db, const char *table, struct err *e)
{
    int64_t n;

    return db_get_int(db, SQL_HAS_ID, &n, NULL, e, "t", table) < 0 ? -1 : n > 0;
}

static int copy_part(struct adoption *a, int part, struct err *e)
{
    const struct schema_part *p = schema_part_at(part);
    struct strbuf columns = STRBUF_INIT, values = STRBUF_INIT, sql = STRBUF_INIT;
    int own = has_id(a->db, p->table, e), rc = -1;

    if (own < 0 || (own && !p->key && highest_id(a, part, e) < 0) ||
        put_columns(a, part, &columns, &values, e) < 0)
        goto out;
    strbuf_addf(&sql, "INSERT INTO main.%s(%s) SELECT %s FROM source.%s WHERE %s%s", p->table,
                strbuf_str(&columns), strbuf_str(&values), p->table, p->where,
                p->key ? " ON CONFLICT DO NOTHING" : "");
    if (strbuf_ok(&columns, e) == 0 && strbuf_ok(&values, e) == 0 && strbuf_ok(&sql, e) == 0)
        rc = db_exec(a->db, sql.s, e);
out:
    strbuf_release(&columns);
    strbuf_release(&values);
    strbuf_release(&sql);
    return rc;
}

/* Run ids are random; of two equal ones the newcomer takes another. */
static int free_name(struct db *db, char run[RUN_ID_SIZE], struct err *e)
{
    char fresh[RUN_ID_SIZE];
    int64_t id;
    int taken;

    if (db_get_int(db, SQL_RUN_EXISTS, &id, &taken, e, "t", run) < 0)
        return -1;
    if (!taken)
        return 0;
    if (new_run_id(db, fresh, e) < 0 ||
        db_run(db, SQL_SOURCE_RUN_RENAME, e, "tt", fresh, run) < 0)
        return -1;
    memcpy(run, fresh, RUN_ID_SIZE);
    return 0;
}

int adopt_attach(struct db *db, const char *from, struct err *e)
{
    if (db_exec(db, "CREATE TEMP TABLE IF NOT EXISTS chosen(id INTEGER);"
                    "CREATE TEMP TABLE IF NOT EXISTS highest(id INTEGER)", e) < 0)
        return -1;
    return db_run(db, SQL_ATTACH_SOURCE, e, "t", from);
}

void adopt_detach(struct db *db)
{
    (void)db_run(db, SQL_DETACH_SOURCE, NULL, "");
}

int adopt_run(struct db *db, char run[RUN_ID_SIZE], const char *error, int64_t *id, struct err *e)
{
    struct adoption a = {.db = db};

    if (free_name(db, run, e) < 0 ||
        (error && db_run(db, SQL_SOURCE_RUN_FAIL, e, "tt", error, run) < 0) ||
        db_run(db, SQL_CHOSEN_CLEAR, e, "") < 0 || db_run(db, SQL_CHOOSE_RUN, e, "t", run) < 0)
        return -1;
    for (int i = 0; i < TABLES_MAX && schema_part_at(i); i++)
        if (copy_part(&a, i, e) < 0)
            return -1;
    return db_get_int(db, SQL_RUN_ROW, id, NULL, e, "t", run);
}

int store_adopt(struct store *s, const char *from, char run[RUN_ID_SIZE], struct err *e)
{
    int64_t id;
    int rc = -1;

    if (adopt_attach(s->db, from, e) < 0)
        return -1;
    if (db_begin(s->db, e) == 0) {
        rc = adopt_run(s->db, run, NULL, &id, e);
        if (rc == 0)
            rc = db_commit(s->db, e);
        if (rc != 0)
            db_rollback(s->db);
    }
    adopt_detach(s->db);
    return rc;
}
