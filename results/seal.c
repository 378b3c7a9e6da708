/* seal.c -- what a finished run amounts to: sums over its items, and a hash of its content.
 *
 * The hash covers every row of the run in index order, each column with its type, and the texts of
 * its documents: a bit that flips in the file, or a hand that edits it, shows in `db check`.  Row
 * numbers, labels and times of day are left out, so that a copied run keeps its hash. */
#include <string.h>

#include "base/strbuf.h"
#include "results/internal.h"

static const enum sql contents[] = {
    SQL_CONTENT_RUN,     SQL_CONTENT_TASKS,   SQL_CONTENT_VALUES,   SQL_CONTENT_COSTS,
    SQL_CONTENT_ITEMS,   SQL_CONTENT_METRICS, SQL_CONTENT_REQUESTS, SQL_CONTENT_BENCH,
    SQL_CONTENT_SAMPLES, SQL_CONTENT_BENCH_VALUES,
};

/* Kinds of rows that came later count only where there are any, so that runs sealed before keep
 * their hash. */
static const enum sql later_contents[] = {SQL_CONTENT_SERVED, SQL_CONTENT_ENERGY};

static int hash_rows(struct db *db, enum sql q, int is_later, int64_t run_id, struct sha256 *h,
                     struct err *e)
{
    struct strbuf row = STRBUF_INIT;
    struct stmt st;
    int n = 0;
    int rc = db_query(db, &st, q, e, "i", run_id);

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        strbuf_clear(&row);
        n++;
        db_put_row(&st, &row);
        if ((rc = strbuf_ok(&row, e)) == 0)
            rc = sha256_update(h, row.s, row.len, e);
    }
    db_done(&st);
    if (rc >= 0 && (n > 0 || !is_later))
        rc = sha256_update(h, "\n", 1, e);
    strbuf_release(&row);
    return rc < 0 ? -1 : 0;
}

int seal_hash(struct db *db, int64_t run_id, char hex[SHA256_HEX], struct err *e)
{
    struct sha256 *h = NULL;
    char unused[SHA256_HEX];
    int rc = sha256_begin(&h, e);

    for (size_t i = 0; rc == 0 && i < sizeof contents / sizeof contents[0]; i++)
        rc = hash_rows(db, contents[i], 0, run_id, h, e);
    for (size_t i = 0; rc == 0 && i < sizeof later_contents / sizeof later_contents[0]; i++)
        rc = hash_rows(db, later_contents[i], 1, run_id, h, e);
    if (rc == 0)
        return sha256_final(h, hex, e);
    sha256_final(h, unused, NULL);
    return -1;
}

int seal_run(struct db *db, int64_t run_id, struct err *e)
{
    char hex[SHA256_HEX];

    if (db_run(db, SQL_RUN_SUMS, e, "i", run_id) < 0 || seal_hash(db, run_id, hex, e) < 0 ||
        db_run(db, SQL_RUN_SEAL, e, "ti", hex, run_id) < 0)
        return -1;
    return 0;
}
