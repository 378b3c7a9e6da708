/* schema.c -- migrations as ordered rows, so that last year's database still opens.
 *
 * A row that has been released is never changed: a new row is added below it.  What its columns
 * mean is said in schema_docs.c. */
#include "results/schema.h"

#include <stddef.h>
#include <time.h>

#include "base/strbuf.h"

static const char *const migrations[] = {
    /* 1: runs and their items */
    "CREATE TABLE models(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, sha256 TEXT,"
    " name TEXT NOT NULL, path TEXT, architecture TEXT, licence TEXT, tensor_types TEXT,"
    " parameters INTEGER, parameters_non_embedding INTEGER, parameters_embedding INTEGER,"
    " parameters_active INTEGER, file_bytes INTEGER, bits_per_weight REAL) STRICT;"
    "CREATE TABLE machines(id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT,"
    " json TEXT NOT NULL) STRICT;"
    "CREATE TABLE runs(id INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, label TEXT UNIQUE,"
    " kind TEXT NOT NULL CHECK(kind IN ('eval', 'bench', 'import')), key TEXT NOT NULL,"
    " status TEXT NOT NULL CHECK(status IN ('running', 'complete', 'interrupted', 'failed')),"
    " error TEXT, created TEXT NOT NULL, ended TEXT, command_line TEXT,"
    " settings TEXT NOT NULL, settings_hash TEXT NOT NULL, program_version TEXT, numerics_id TEXT,"
    " kernels TEXT, device TEXT, threads INTEGER, seed INTEGER,"
    " model_id INTEGER NOT NULL REFERENCES models(id),"
    " machine_id INTEGER REFERENCES machines(id), pid INTEGER, source TEXT) STRICT;"
    "CREATE INDEX runs_by_key ON runs(key);"
    "CREATE TABLE sessions(id INTEGER PRIMARY KEY,"
    " run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, started TEXT NOT NULL,"
    " ended TEXT, pid INTEGER NOT NULL, noise_before TEXT, noise_after TEXT) STRICT;"
    "CREATE INDEX sessions_by_run ON sessions(run_id);"
    "CREATE TABLE run_tasks(id INTEGER PRIMARY KEY,"
    " run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, task TEXT NOT NULL,"
    " version INTEGER, shots INTEGER, n_expected INTEGER NOT NULL, n_scored INTEGER,"
    " data_sha256 TEXT, UNIQUE(run_id, task)) STRICT;"
    "CREATE TABLE task_values("
    " run_task_id INTEGER NOT NULL REFERENCES run_tasks(id) ON DELETE CASCADE,"
    " metric TEXT NOT NULL, filter TEXT NOT NULL, idx INTEGER NOT NULL, value REAL, stderr REAL,"
    " low REAL, high REAL, PRIMARY KEY(run_task_id, metric, filter)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE task_costs("
    " run_task_id INTEGER NOT NULL REFERENCES run_tasks(id) ON DELETE CASCADE,"
    " metric TEXT NOT NULL, value REAL, PRIMARY KEY(run_task_id, metric)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE docs(hash TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE items(id INTEGER PRIMARY KEY,"
    " run_task_id INTEGER NOT NULL REFERENCES run_tasks(id) ON DELETE CASCADE,"
    " doc_id INTEGER NOT NULL, doc_hash TEXT, prompt_hash TEXT, cluster TEXT, gold TEXT,"
    " gold_index INTEGER, prediction TEXT, output TEXT, filtered TEXT, arguments TEXT,"
    " latency_s REAL, ttft_s REAL, prompt_tokens INTEGER, computed_tokens INTEGER,"
    " reused_tokens INTEGER, generated_tokens INTEGER, UNIQUE(run_task_id, doc_id)) STRICT;"
    "CREATE TABLE item_metrics(item_id INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE,"
    " metric TEXT NOT NULL, filter TEXT NOT NULL, idx INTEGER NOT NULL, value REAL, weight REAL,"
    " PRIMARY KEY(item_id, metric, filter)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE requests(item_id INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE,"
    " idx INTEGER NOT NULL, loglikelihood REAL, is_greedy INTEGER, n_tokens INTEGER,"
    " n_bytes INTEGER, PRIMARY KEY(item_id, idx)) STRICT, WITHOUT ROWID;",

    /* 2: speed measurements, and where imported results came from */
    "CREATE TABLE bench_rows(id INTEGER PRIMARY KEY,"
    " run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, test TEXT NOT NULL,"
    " depth INTEGER NOT NULL, batch INTEGER NOT NULL, threads INTEGER NOT NULL,"
    " device TEXT NOT NULL, rival TEXT NOT NULL, tokens INTEGER, noise TEXT,"
    " UNIQUE(run_id, test, depth, batch, threads, device, rival)) STRICT;"
    "CREATE TABLE bench_samples("
    " bench_row_id INTEGER NOT NULL REFERENCES bench_rows(id) ON DELETE CASCADE,"
    " idx INTEGER NOT NULL, seconds REAL NOT NULL, PRIMARY KEY(bench_row_id, idx)) STRICT,"
    " WITHOUT ROWID;"
    "CREATE TABLE bench_values("
    " bench_row_id INTEGER NOT NULL REFERENCES bench_rows(id) ON DELETE CASCADE,"
    " metric TEXT NOT NULL, idx INTEGER NOT NULL, value REAL, stderr REAL, low REAL, high REAL,"
    " PRIMARY KEY(bench_row_id, metric)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE imports(hash TEXT PRIMARY KEY, path TEXT NOT NULL, format TEXT NOT NULL,"
    " imported TEXT NOT NULL, run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE)"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX imports_by_run ON imports(run_id);",

    /* 3: what a finished run amounts to, so that a series of nights is read without its items, and
     * a hash of its content */
    "ALTER TABLE runs ADD COLUMN content_sha256 TEXT;"
    "ALTER TABLE run_tasks ADD COLUMN n_items INTEGER;"
    "ALTER TABLE run_tasks ADD COLUMN latency_s REAL;"
    "ALTER TABLE run_tasks ADD COLUMN prompt_tokens INTEGER;"
    "ALTER TABLE run_tasks ADD COLUMN computed_tokens INTEGER;"
    "ALTER TABLE run_tasks ADD COLUMN reused_tokens INTEGER;"
    "ALTER TABLE run_tasks ADD COLUMN generated_tokens INTEGER;"
    "UPDATE run_tasks SET (n_items, latency_s, prompt_tokens, computed_tokens, reused_tokens,"
    " generated_tokens) = (SELECT count(*), sum(latency_s), sum(prompt_tokens),"
    " sum(computed_tokens), sum(reused_tokens), sum(generated_tokens) FROM items i"
    " WHERE i.run_task_id = run_tasks.id)"
    " WHERE run_id IN (SELECT id FROM runs WHERE status = 'complete');",

    /* 4: plans that run by themselves: who measures which cell, and what nights amount to */
    "CREATE TABLE plans(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE nights(id INTEGER PRIMARY KEY, plan_id INTEGER NOT NULL REFERENCES plans(id),"
    " kind TEXT NOT NULL CHECK(kind IN ('run', 'nightly')), n INTEGER NOT NULL,"
    " date TEXT NOT NULL, clock_back INTEGER NOT NULL, plan_hash TEXT NOT NULL,"
    " plan TEXT NOT NULL,"
    " status TEXT NOT NULL CHECK(status IN ('running', 'complete', 'incomplete')),"
    " started TEXT NOT NULL, ended TEXT, exit_status INTEGER, summary TEXT,"
    " UNIQUE(plan_id, kind, n)) STRICT;"
    "CREATE TABLE runners(id INTEGER PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL,"
    " started TEXT NOT NULL) STRICT;"
    "CREATE TABLE cells(id INTEGER PRIMARY KEY,"
    " night_id INTEGER NOT NULL REFERENCES nights(id) ON DELETE CASCADE,"
    " block INTEGER NOT NULL, place INTEGER NOT NULL, series TEXT NOT NULL,"
    " kind TEXT NOT NULL CHECK(kind IN ('eval', 'bench')), arm INTEGER NOT NULL,"
    " argv TEXT NOT NULL, model TEXT NOT NULL, model_sha256 TEXT, build_sha256 TEXT,"
    " status TEXT NOT NULL CHECK(status IN ('pending', 'done', 'failed', 'skipped')),"
    " outcome TEXT, reason TEXT, attempts INTEGER NOT NULL,"
    " run_id INTEGER UNIQUE REFERENCES runs(id) ON DELETE SET NULL,"
    " runner_id INTEGER REFERENCES runners(id), beats INTEGER NOT NULL,"
    " started TEXT, ended TEXT, wall_s REAL, peak_rss_bytes REAL, quiet INTEGER, noise TEXT,"
    " UNIQUE(night_id, block, place)) STRICT;"
    "CREATE INDEX cells_waiting ON cells(night_id, block) WHERE status = 'pending';"
    "CREATE INDEX cells_held ON cells(runner_id) WHERE status = 'pending';"
    "CREATE TABLE segments(id INTEGER PRIMARY KEY,"
    " plan_id INTEGER NOT NULL REFERENCES plans(id), series TEXT NOT NULL, n INTEGER NOT NULL,"
    " night_id INTEGER NOT NULL REFERENCES nights(id) ON DELETE CASCADE,"
    " fingerprint TEXT NOT NULL, changed TEXT, UNIQUE(plan_id, series, n)) STRICT;"
    "CREATE TABLE points(plan_id INTEGER NOT NULL REFERENCES plans(id), series TEXT NOT NULL,"
    " metric TEXT NOT NULL, night_id INTEGER NOT NULL REFERENCES nights(id) ON DELETE CASCADE,"
    " segment_id INTEGER NOT NULL REFERENCES segments(id) ON DELETE CASCADE, value REAL,"
    " low REAL, high REAL, n INTEGER, quiet INTEGER,"
    " PRIMARY KEY(plan_id, series, metric, night_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX points_by_night ON points(night_id);"
    "CREATE TABLE pins(run_id INTEGER PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE,"
    " pinned TEXT NOT NULL) STRICT;",

    /* 5: rulers of one's own, for densities */
    "CREATE TABLE rulers(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, ladder TEXT,"
    " origin TEXT NOT NULL, kind TEXT NOT NULL, task TEXT NOT NULL, metric TEXT,"
    " prompt_hash TEXT, shots INTEGER, chance REAL, d0_tokens REAL, r2 REAL, rms REAL,"
    " loo_ln REAL, n_loo INTEGER, program_version TEXT, created TEXT NOT NULL) STRICT;"
    "CREATE TABLE ruler_constants("
    " ruler_id INTEGER NOT NULL REFERENCES rulers(id) ON DELETE CASCADE, idx INTEGER NOT NULL,"
    " value REAL NOT NULL, PRIMARY KEY(ruler_id, idx)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE ruler_nodes("
    " ruler_id INTEGER NOT NULL REFERENCES rulers(id) ON DELETE CASCADE, idx INTEGER NOT NULL,"
    " model TEXT NOT NULL, run_id INTEGER REFERENCES runs(id) ON DELETE SET NULL,"
    " content_sha256 TEXT, parameters REAL NOT NULL, parameters_non_embedding REAL, tokens REAL,"
    " score REAL NOT NULL, noise REAL, PRIMARY KEY(ruler_id, idx)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX ruler_nodes_by_run ON ruler_nodes(run_id);",

    /* 6: likelihoods kept across runs */
    "CREATE TABLE likelihood_sets(id INTEGER PRIMARY KEY, model_sha256 TEXT NOT NULL,"
    " numerics_id TEXT NOT NULL, device TEXT NOT NULL, settings TEXT NOT NULL, used TEXT NOT NULL,"
    " rows INTEGER NOT NULL, UNIQUE(model_sha256, numerics_id, device, settings)) STRICT;"
    "CREATE TABLE likelihoods("
    " set_id INTEGER NOT NULL REFERENCES likelihood_sets(id) ON DELETE CASCADE,"
    " request TEXT NOT NULL, nats REAL NOT NULL, is_greedy INTEGER NOT NULL, seal TEXT NOT NULL,"
    " PRIMARY KEY(set_id, request)) STRICT, WITHOUT ROWID;"
    "ALTER TABLE items ADD COLUMN cached_tokens INTEGER;",

    /* 7: the requests of a latency scenario, one by one */
    "CREATE TABLE served("
    " bench_row_id INTEGER NOT NULL REFERENCES bench_rows(id) ON DELETE CASCADE,"
    " idx INTEGER NOT NULL, state TEXT NOT NULL"
    " CHECK(state IN ('completed', 'refused', 'cancelled', 'failed')), reason TEXT,"
    " arrival_s REAL NOT NULL, start_s REAL, first_s REAL, last_s REAL, end_s REAL NOT NULL,"
    " prompt_tokens INTEGER NOT NULL, wanted_tokens INTEGER NOT NULL,"
    " generated_tokens INTEGER NOT NULL, token_s TEXT NOT NULL,"
    " PRIMARY KEY(bench_row_id, idx)) STRICT, WITHOUT ROWID;",

    /* 8: what probes found */
    "CREATE TABLE probes(id INTEGER PRIMARY KEY, model_id INTEGER NOT NULL REFERENCES models(id),"
    " probe TEXT NOT NULL, task TEXT NOT NULL, version INTEGER NOT NULL, metric TEXT,"
    " settings TEXT NOT NULL, numerics_id TEXT NOT NULL, n_items INTEGER NOT NULL,"
    " program_version TEXT, created TEXT NOT NULL,"
    " UNIQUE(model_id, probe, task, settings, numerics_id)) STRICT;"
    "CREATE TABLE probe_values("
    " probe_id INTEGER NOT NULL REFERENCES probes(id) ON DELETE CASCADE, idx INTEGER NOT NULL,"
    " name TEXT NOT NULL, value REAL, stderr REAL, PRIMARY KEY(probe_id, idx)) STRICT,"
    " WITHOUT ROWID;",

    /* 9: what every meter said of every part of a run */
    "CREATE TABLE energy(run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,"
    " subject TEXT NOT NULL, idx INTEGER NOT NULL, source TEXT NOT NULL, channel TEXT NOT NULL,"
    " origin TEXT NOT NULL CHECK(origin IN ('measured', 'declared')),"
    " is_headline INTEGER NOT NULL, seconds REAL NOT NULL, joules REAL, samples INTEGER NOT NULL,"
    " gap_s REAL, reason TEXT, CHECK((joules IS NULL) = (reason IS NOT NULL)),"
    " CHECK(origin = 'measured' OR is_headline = 0),"
    " PRIMARY KEY(run_id, subject, idx)) STRICT, WITHOUT ROWID;",

    /* 10: what a scenario's requests were answered */
    "ALTER TABLE served ADD COLUMN output_sha256 TEXT;",

    /* 11: items that a device could not answer */
    "ALTER TABLE items ADD COLUMN error TEXT;",

    /* 12: texts that were encoded, kept across runs */
    "CREATE TABLE encoding_sets(id INTEGER PRIMARY KEY, tokenizer_sha256 TEXT NOT NULL,"
    " rules TEXT NOT NULL, used TEXT NOT NULL, rows INTEGER NOT NULL,"
    " UNIQUE(tokenizer_sha256, rules)) STRICT;"
    "CREATE TABLE encodings("
    " set_id INTEGER NOT NULL REFERENCES encoding_sets(id) ON DELETE CASCADE,"
    " query TEXT NOT NULL, requests TEXT NOT NULL, seal TEXT NOT NULL,"
    " PRIMARY KEY(set_id, query)) STRICT, WITHOUT ROWID;",
};
#define N_MIGRATIONS ((int)(sizeof migrations / sizeof migrations[0]))

#define CHOSEN "(SELECT id FROM temp.chosen)"
#define OF_TASKS                                                                                   \
    "run_task_id IN (SELECT id FROM source.run_tasks WHERE run_id IN " CHOSEN ")"
#define OF_ITEMS                                                                                   \
    "item_id IN (SELECT i.id FROM source.items i JOIN source.run_tasks t ON t.id = i.run_task_id"  \
    " WHERE t.run_id IN " CHOSEN ")"
#define OF_BENCH "bench_row_id IN (SELECT id FROM source.bench_rows WHERE run_id IN " CHOSEN ")"

static const struct schema_part parts[] = {
    {"models", "key", "id IN (SELECT model_id FROM source.runs WHERE id IN " CHOSEN ")"},
    {"machines", "hash", "id IN (SELECT machine_id FROM source.runs WHERE id IN " CHOSEN ")"},
    {"runs", NULL, "id IN " CHOSEN},
    {"sessions", NULL, "run_id IN " CHOSEN},
    {"run_tasks", NULL, "run_id IN " CHOSEN},
    {"task_values", NULL, OF_TASKS},
    {"task_costs", NULL, OF_TASKS},
    {"docs", "hash", "hash IN (SELECT doc_hash FROM source.items WHERE " OF_TASKS ")"},
    {"items", NULL, OF_TASKS},
    {"item_metrics", NULL, OF_ITEMS},
    {"requests", NULL, OF_ITEMS},
    {"bench_rows", NULL, "run_id IN " CHOSEN},
    {"bench_samples", NULL, OF_BENCH},
    {"bench_values", NULL, OF_BENCH},
    {"served", NULL, OF_BENCH},
    {"energy", NULL, "run_id IN " CHOSEN},
    {"imports", "hash", "run_id IN " CHOSEN},
};

int schema_version(void)
{
    return N_MIGRATIONS;
}

const struct schema_part *schema_part_at(int i)
{
    return i >= 0 && (size_t)i < sizeof parts / sizeof parts[0] ? &parts[i] : NULL;
}

/* The version found, 0 for a database without anything in it, -1. */
static int version_found(struct db *db, struct err *e)
{
    int64_t id, version, tables;

    if (db_get_int(db, SQL_APPLICATION_ID, &id, NULL, e, "") < 0 ||
        db_get_int(db, SQL_USER_VERSION, &version, NULL, e, "") < 0 ||
        db_get_int(db, SQL_TABLE_COUNT, &tables, NULL, e, "") < 0)
        return -1;
    if (id != SCHEMA_APPLICATION_ID && (id != 0 || version != 0 || tables != 0))
        return err_set(e, ERR_FORMAT, "%s: a database of another program", db_path(db));
    if (version < 0 || version > N_MIGRATIONS) {
        err_set(e, ERR_FORMAT, "%s: schema version %lld, this program knows up to %d", db_path(db),
                (long long)version, N_MIGRATIONS);
        err_hint(e, "the file was written by a newer densimeter; use that one");
        return -1;
    }
    return (int)version;
}

/* The marks and the tables must be of one state: read one after the other, they may lie on both
 * sides of another process that is creating the file. */
int schema_found(struct db *db, struct err *e)
{
    int version;

    if (db_begin_read(db, e) < 0)
        return -1;
    version = version_found(db, e);
    db_rollback(db);
    return version;
}

/* Going over to WAL needs the file alone and does not wait for it by itself, so two processes that
 * create the same file try again until one of them has done it. */
static int use_wal(struct db *db, struct err *e)
{
    struct timespec pause = {0, 20 * 1000 * 1000};

    for (int tries = 0;; tries++) {
        struct stmt st;
        struct err why = ERR_NONE;
        int rc = db_query(db, &st, SQL_JOURNAL_MODE, &why, "");
        if (rc == 0)
            rc = db_step(&st, &why);
        db_done(&st);
        if (rc >= 0)
            return 0;
        if (why.code != ERR_BUSY || tries == 200) {
            if (e)
                *e = why;
            return -1;
        }
        nanosleep(&pause, NULL);
    }
}

static int migrate(struct db *db, int from, int to, struct err *e)
{
    struct strbuf mark = STRBUF_INIT;
    int rc = -1;

    strbuf_addf(&mark, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                SCHEMA_APPLICATION_ID, to);
    if (strbuf_ok(&mark, e) < 0)
        goto out;
    for (int i = from; i < to; i++)
        if (db_exec(db, migrations[i], e) < 0)
            goto out;
    rc = db_exec(db, mark.s, e);
out:
    strbuf_release(&mark);
    return rc;
}

int schema_make(struct db *db, int version, struct err *e)
{
    return migrate(db, 0, version, e);
}

int schema_prepare(struct db *db, int readonly, struct err *e)
{
    int version = schema_found(db, e);

    if (version < 0)
        return -1;
    if (readonly && version == 0) /* created, and then its first writer died */
        return err_set(e, ERR_NOTFOUND, "%s: no results yet", db_path(db));
    if (readonly && version < N_MIGRATIONS) {
        err_set(e, ERR_FORMAT, "%s: schema version %d, this program reads version %d", db_path(db),
                version, N_MIGRATIONS);
        err_hint(e, "opening it once for writing brings it up to date");
        return -1;
    }
    if (readonly)
        return 0;
    if (use_wal(db, e) < 0)
        return -1;
    if (version == N_MIGRATIONS)
        return 0;
    if (db_begin(db, e) < 0)
        return -1;
    version = version_found(db, e); /* again: another process may have migrated meanwhile */
    if (version < 0 || migrate(db, version, N_MIGRATIONS, e) < 0) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, e);
}
