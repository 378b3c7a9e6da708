/* sql.c -- the texts of sql.h.  ?N are numbered where an argument is used twice. */
#include "results/sql.h"

#define RUN_COLUMNS                                                                                \
    "SELECT r.id, r.run, r.label, r.kind, r.created, r.ended, r.status, r.error, r.command_line,"  \
    " r.settings, r.settings_hash, r.program_version, r.numerics_id, r.kernels, r.device,"         \
    " r.threads, r.seed, r.source,"                                                                \
    " (SELECT count(*) FROM sessions s WHERE s.run_id = r.id),"                                    \
    " (SELECT noise_before FROM sessions s WHERE s.run_id = r.id ORDER BY s.id DESC LIMIT 1),"     \
    " (SELECT noise_after FROM sessions s WHERE s.run_id = r.id ORDER BY s.id DESC LIMIT 1),"      \
    " m.name, m.path, m.sha256, m.architecture, m.licence, m.tensor_types, m.parameters,"          \
    " m.parameters_non_embedding, m.parameters_embedding, m.parameters_active, m.file_bytes,"      \
    " m.bits_per_weight, c.name, c.json, c.hash,"                                                  \
    " (SELECT count(*) FROM run_tasks t WHERE t.run_id = r.id),"                                   \
    " (SELECT coalesce(sum(coalesce(t.n_items,"                                                    \
    "   (SELECT count(*) FROM items i WHERE i.run_task_id = t.id))), 0)"                           \
    "   FROM run_tasks t WHERE t.run_id = r.id),"                                                  \
    " (SELECT coalesce(sum(t.n_expected), 0) FROM run_tasks t WHERE t.run_id = r.id),"             \
    " r.content_sha256"                                                                            \
    " FROM runs r JOIN models m ON m.id = r.model_id LEFT JOIN machines c ON c.id = r.machine_id"

#define ITEM_SUMS                                                                                  \
    "count(*), sum(latency_s), sum(prompt_tokens), sum(computed_tokens), sum(reused_tokens),"      \
    " sum(generated_tokens)"

/* The rows of one run in an order that copying a database does not change: index order. */
#define ITEMS_OF_RUN " FROM run_tasks t JOIN items i ON i.run_task_id = t.id"
#define ITEMS_IN_ORDER " WHERE t.run_id = ? ORDER BY t.task, i.doc_id"
#define BENCH_IN_ORDER                                                                             \
    " WHERE b.run_id = ? ORDER BY b.test, b.depth, b.batch, b.threads, b.device, b.rival"

/* What must hold beyond SQLite's own rules, of the runs with an id from ?1 to ?2 (from 0: also of
 * what is no run's); each row found is a defect in words.  From the run down, so that one run of a
 * large database is soon looked at. */
#define OF_RUNS " r.id BETWEEN ?1 AND ?2"
#define RUN_TASKS " FROM runs r CROSS JOIN run_tasks t ON t.run_id = r.id"
#define RUN_ITEMS RUN_TASKS " CROSS JOIN items i ON i.run_task_id = t.id"
#define RUN_BENCH " FROM runs r CROSS JOIN bench_rows b ON b.run_id = r.id"
#define TASK_ITEMS "(SELECT count(*) FROM items i WHERE i.run_task_id = t.id)"
#define IN_TASK "SELECT 'run ' || r.run || ': task ' || t.task || "
#define IN_ITEM "SELECT 'run ' || r.run || ': item ' || t.task || '/' || i.doc_id || "
#define HAS_METRIC " EXISTS (SELECT 1 FROM item_metrics m WHERE m.item_id = i.id) "
#define LACKS_ONE(table, key, id)                                                                  \
    "(SELECT count(*) <> max(x.idx) + 1 FROM " table " x WHERE x." key " = " id ".id) "
#define SELF_CHECK                                                                                 \
    "SELECT 'run ' || r.run || ': complete, but task ' || t.task || ' has ' || " TASK_ITEMS " ||"  \
    "  ' of ' || t.n_expected || ' items'" RUN_TASKS                                               \
    " WHERE" OF_RUNS " AND r.status = 'complete' AND " TASK_ITEMS " < t.n_expected "               \
    "UNION ALL "                                                                                   \
    IN_TASK "' has ' || " TASK_ITEMS " || ' items, but only ' || t.n_expected ||"                  \
    "  ' were expected'" RUN_TASKS                                                                 \
    " WHERE" OF_RUNS " AND " TASK_ITEMS " > t.n_expected "                                         \
    "UNION ALL "                                                                                   \
    IN_TASK "' says that its values cover ' || t.n_scored || ' items, but ' || " TASK_ITEMS " ||"  \
    "  ' are kept'" RUN_TASKS                                                                      \
    " WHERE" OF_RUNS " AND r.kind = 'eval' AND t.n_scored > " TASK_ITEMS " "                       \
    "UNION ALL "                                                                                   \
    IN_TASK "' says that ' || t.n_items || ' items are kept, but there are ' || " TASK_ITEMS       \
    RUN_TASKS " WHERE" OF_RUNS " AND t.n_items <> " TASK_ITEMS " "                                 \
    "UNION ALL "                                                                                   \
    "SELECT 'night ' || n.n || ' of plan ' || p.name || ': complete, but a cell of ' ||"           \
    "  c.series || ' has no end'"                                                                  \
    " FROM nights n JOIN plans p ON p.id = n.plan_id JOIN cells c ON c.night_id = n.id"            \
    " WHERE ?1 = 0 AND n.status = 'complete' AND c.status = 'pending' "                            \
    "UNION ALL "                                                                                   \
    IN_ITEM "' has no metric'" RUN_ITEMS                                                           \
    " WHERE" OF_RUNS " AND i.error IS NULL AND NOT" HAS_METRIC                                     \
    "UNION ALL "                                                                                   \
    IN_ITEM "' was not answered, but has a metric'" RUN_ITEMS                                      \
    " WHERE" OF_RUNS " AND i.error IS NOT NULL AND" HAS_METRIC                                     \
    "UNION ALL "                                                                                   \
    IN_ITEM "' lacks a request'" RUN_ITEMS                                                         \
    " WHERE" OF_RUNS " AND " LACKS_ONE("requests", "item_id", "i")                                 \
    "UNION ALL "                                                                                   \
    "SELECT 'run ' || r.run || ': bench row ' || b.test || ' lacks a sample'" RUN_BENCH            \
    " WHERE" OF_RUNS " AND " LACKS_ONE("bench_samples", "bench_row_id", "b")                       \
    "UNION ALL "                                                                                   \
    "SELECT 'run ' || r.run || ': scenario ' || b.test || ' lacks a request'" RUN_BENCH            \
    " WHERE" OF_RUNS " AND " LACKS_ONE("served", "bench_row_id", "b")

#define MODEL_INSERT                                                                               \
    "INSERT INTO models(key, sha256, name, path, architecture, licence, tensor_types, parameters," \
    " parameters_non_embedding, parameters_embedding, parameters_active, file_bytes,"              \
    " bits_per_weight) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(key)"

static const char *const texts[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_BEGIN_READ] = "BEGIN",
    [SQL_COMMIT] = "COMMIT",
    [SQL_APPLICATION_ID] = "PRAGMA application_id",
    [SQL_USER_VERSION] = "PRAGMA user_version",
    [SQL_TABLE_COUNT] = "SELECT count(*) FROM sqlite_master",
    [SQL_JOURNAL_MODE] = "PRAGMA journal_mode = WAL",
    [SQL_COLUMN_TYPE] = "SELECT type FROM pragma_table_info(?) WHERE name = ?",
    [SQL_SCHEMA] = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name",
    [SQL_INTEGRITY_CHECK] = "PRAGMA integrity_check",
    [SQL_FOREIGN_KEY_CHECK] = "SELECT \"table\", rowid, parent FROM pragma_foreign_key_check",
    [SQL_SELF_CHECK] = SELF_CHECK,
    [SQL_RUN_SETTINGS] = "SELECT run, settings, settings_hash FROM runs",
    [SQL_MACHINE_TEXTS] = "SELECT id, json, hash FROM machines",
    [SQL_VACUUM] = "VACUUM",
    [SQL_TRUNCATE_LOG] = "PRAGMA wal_checkpoint(TRUNCATE)",
    [SQL_ATTACH_SOURCE] = "ATTACH ? AS source",
    [SQL_CHOOSE_RUN] = "INSERT INTO temp.chosen SELECT id FROM source.runs WHERE run = ?",

    [SQL_MODEL_PUT] =
        MODEL_INSERT " DO UPDATE SET name = excluded.name,"
        " path = coalesce(excluded.path, path),"
        " architecture = coalesce(excluded.architecture, architecture),"
        " licence = coalesce(excluded.licence, licence),"
        " tensor_types = coalesce(excluded.tensor_types, tensor_types),"
        " parameters = coalesce(excluded.parameters, parameters),"
        " parameters_non_embedding ="
        "  coalesce(excluded.parameters_non_embedding, parameters_non_embedding),"
        " parameters_embedding = coalesce(excluded.parameters_embedding, parameters_embedding),"
        " parameters_active = coalesce(excluded.parameters_active, parameters_active),"
        " file_bytes = coalesce(excluded.file_bytes, file_bytes),"
        " bits_per_weight = coalesce(excluded.bits_per_weight, bits_per_weight)",
    [SQL_MODEL_ADD] = MODEL_INSERT " DO NOTHING",
    [SQL_MODEL_ID] = "SELECT id FROM models WHERE key = ?",
    [SQL_MACHINE_PUT] =
        "INSERT INTO machines(hash, name, json) VALUES(?, ?, ?) ON CONFLICT(hash) DO NOTHING",
    [SQL_MACHINE_ID] = "SELECT id FROM machines WHERE hash = ?",
    [SQL_RUN_UNFINISHED] = "SELECT id, run FROM runs WHERE key = ? AND status <> 'complete'"
                           " ORDER BY id DESC LIMIT 1",
    [SQL_RUN_NEW_ID] = "SELECT lower(hex(randomblob(4)))",
    [SQL_RUN_EXISTS] = "SELECT id FROM runs WHERE run = ?",
    [SQL_RUN_PUT] =
        "INSERT INTO runs(run, kind, key, status, created, command_line, settings, settings_hash,"
        " program_version, numerics_id, kernels, device, threads, seed, model_id, machine_id,"
        " source) VALUES(?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'),"
        " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_RUN_TAKE] = "UPDATE runs SET status = 'running', pid = ?, error = NULL, ended = NULL,"
                     " command_line = ?, program_version = ? WHERE id = ?",
    /* a name or a label that is taken stays with the other run */
    [SQL_RUN_AS_IT_WAS] =
        "UPDATE runs SET run = iif(EXISTS(SELECT 1 FROM runs o WHERE o.run = ?1), run, ?1),"
        " label = iif(EXISTS(SELECT 1 FROM runs o WHERE o.label = ?2), NULL, ?2), created = ?3,"
        " ended = ?4 WHERE id = ?5",
    [SQL_RUN_OF_CONTENT] = "SELECT id FROM runs WHERE run = ? AND content_sha256 = ?",
    [SQL_RUN_NAME] = "SELECT run FROM runs WHERE id = ?",
    [SQL_RUN_MODEL] = "SELECT model_id FROM runs WHERE id = ?",
    [SQL_SESSION_AS_IT_WAS] = "INSERT INTO sessions(run_id, started, ended, pid, noise_before,"
                              " noise_after) VALUES(?, ?, ?, 0, ?, ?)",
    [SQL_ENERGY_COUNT] = "SELECT count(*) FROM energy WHERE run_id = ? AND subject = ?",
    [SQL_RUN_STATUS] = "UPDATE runs SET status = ?, error = ?, pid = NULL,"
                       " ended = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = ?",
    [SQL_RUN_SUMS] = "UPDATE run_tasks SET (n_items, latency_s, prompt_tokens, computed_tokens,"
                     " reused_tokens, generated_tokens) = (SELECT " ITEM_SUMS
                     " FROM items i WHERE i.run_task_id = run_tasks.id) WHERE run_id = ?",
    [SQL_RUN_SEAL] = "UPDATE runs SET content_sha256 = ? WHERE id = ?",
    [SQL_SEALED_RUNS] = "SELECT id, run, content_sha256 FROM runs"
                        " WHERE content_sha256 IS NOT NULL",
    [SQL_NEWEST_RUN] = "SELECT coalesce(max(id), 0) FROM runs",
    [SQL_UNSEALED_IMPORT] = "SELECT id FROM runs WHERE kind = 'import' AND content_sha256 IS NULL"
                            " LIMIT 1",
    [SQL_CONTENT_RUN] =
        "SELECT r.kind, r.settings, r.numerics_id, r.kernels, r.device, r.threads, r.seed,"
        " r.program_version, m.key, c.hash FROM runs r JOIN models m ON m.id = r.model_id"
        " LEFT JOIN machines c ON c.id = r.machine_id WHERE r.id = ?",
    [SQL_CONTENT_TASKS] = "SELECT task, version, shots, n_expected, n_scored, data_sha256"
                          " FROM run_tasks WHERE run_id = ? ORDER BY task",
    [SQL_CONTENT_VALUES] =
        "SELECT t.task, v.metric, v.filter, v.idx, v.value, v.stderr, v.low, v.high"
        " FROM run_tasks t JOIN task_values v ON v.run_task_id = t.id WHERE t.run_id = ?"
        " ORDER BY t.task, v.metric, v.filter",
    [SQL_CONTENT_COSTS] =
        "SELECT t.task, c.metric, c.value FROM run_tasks t JOIN task_costs c"
        " ON c.run_task_id = t.id WHERE t.run_id = ? ORDER BY t.task, c.metric",
    [SQL_CONTENT_ITEMS] =
        "SELECT i.doc_id, i.doc_hash, i.prompt_hash, i.cluster, i.gold, i.gold_index,"
        " i.prediction, i.output, i.filtered, i.arguments, i.latency_s, i.ttft_s,"
        " i.prompt_tokens, i.computed_tokens, i.reused_tokens, i.generated_tokens, d.doc"
        ITEMS_OF_RUN " LEFT JOIN docs d ON d.hash = i.doc_hash" ITEMS_IN_ORDER,
    [SQL_CONTENT_METRICS] =
        "SELECT m.metric, m.filter, m.idx, m.value, m.weight" ITEMS_OF_RUN
        " JOIN item_metrics m ON m.item_id = i.id" ITEMS_IN_ORDER ", m.metric, m.filter",
    [SQL_CONTENT_REQUESTS] =
        "SELECT q.idx, q.loglikelihood, q.is_greedy, q.n_tokens, q.n_bytes" ITEMS_OF_RUN
        " JOIN requests q ON q.item_id = i.id" ITEMS_IN_ORDER ", q.idx",
    [SQL_CONTENT_BENCH] =
        "SELECT b.test, b.depth, b.batch, b.threads, b.device, b.rival, b.tokens, b.noise"
        " FROM bench_rows b" BENCH_IN_ORDER,
    [SQL_CONTENT_SAMPLES] =
        "SELECT s.idx, s.seconds FROM bench_rows b JOIN bench_samples s ON s.bench_row_id = b.id"
        BENCH_IN_ORDER ", s.idx",
    [SQL_CONTENT_BENCH_VALUES] =
        "SELECT v.metric, v.idx, v.value, v.stderr, v.low, v.high FROM bench_rows b"
        " JOIN bench_values v ON v.bench_row_id = b.id" BENCH_IN_ORDER ", v.metric",
    [SQL_CONTENT_ENERGY] =
        "SELECT subject, idx, source, channel, origin, is_headline, seconds, joules, samples,"
        " gap_s, reason FROM energy WHERE run_id = ? ORDER BY subject, idx",
    [SQL_CONTENT_SERVED] =
        "SELECT s.idx, s.state, s.reason, s.arrival_s, s.start_s, s.first_s, s.last_s, s.end_s,"
        " s.prompt_tokens, s.wanted_tokens, s.generated_tokens, s.token_s, s.output_sha256"
        " FROM bench_rows b"
        " JOIN served s ON s.bench_row_id = b.id" BENCH_IN_ORDER ", s.idx",
    [SQL_RUN_PID] = "SELECT pid FROM runs WHERE id = ?",
    [SQL_CHECKPOINT] = "PRAGMA wal_checkpoint(PASSIVE)",
    [SQL_SESSION_PUT] =
        "INSERT INTO sessions(run_id, started, pid, noise_before)"
        " VALUES(?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?, ?)",
    [SQL_SESSION_END] =
        "UPDATE sessions SET ended = strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), noise_after = ?"
        " WHERE id = ?",
    [SQL_TASK_PUT] =
        "INSERT INTO run_tasks(run_id, task, version, shots, n_expected, data_sha256)"
        " VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(run_id, task) DO NOTHING",
    [SQL_TASK_ID] = "SELECT id FROM run_tasks WHERE run_id = ? AND task = ?",
    [SQL_TASK_EXPECT_KEPT] =
        "UPDATE run_tasks SET n_expected ="
        " (SELECT count(*) FROM items WHERE run_task_id = ?1) WHERE id = ?1",
    [SQL_TASK_IDS] = "SELECT id, task FROM run_tasks WHERE run_id = ? ORDER BY id",
    [SQL_TASK_UNFINISHED] =
        "SELECT t.task, t.n_expected,"
        " (SELECT count(*) FROM items i WHERE i.run_task_id = t.id) AS kept"
        " FROM run_tasks t WHERE t.run_id = ? AND t.n_expected > kept LIMIT 1",
    [SQL_TASK_SCORED] = "UPDATE run_tasks SET n_scored = ? WHERE id = ?",
    [SQL_TASK_N_SCORED] = "SELECT n_scored FROM run_tasks WHERE id = ?",
    [SQL_TASK_DONE] = "SELECT doc_id FROM items WHERE run_task_id = ? ORDER BY doc_id",
    [SQL_DOC_PUT] = "INSERT INTO docs(hash, doc) VALUES(?, ?) ON CONFLICT(hash) DO NOTHING",
    [SQL_ITEM_PUT] =
        "INSERT INTO items(run_task_id, doc_id, doc_hash, prompt_hash, cluster, gold, gold_index,"
        " prediction, output, filtered, arguments, latency_s, ttft_s, prompt_tokens,"
        " computed_tokens, reused_tokens, cached_tokens, generated_tokens, error)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(run_task_id, doc_id) DO NOTHING",
    [SQL_ITEM_METRIC_PUT] =
        "INSERT INTO item_metrics(item_id, metric, filter, idx, value, weight)"
        " VALUES(?, ?, ?, ?, ?, ?)",
    [SQL_ITEM_ID] = "SELECT id FROM items WHERE run_task_id = ? AND doc_id = ?",
    [SQL_ITEM_METRIC_COUNT] = "SELECT count(*) FROM item_metrics WHERE item_id = ?",
    [SQL_ITEM_FILTERED_ADD] =
        "UPDATE items SET filtered = json_patch(coalesce(filtered, '{}'), ?) WHERE id = ?",
    [SQL_REQUEST_PUT] =
        "INSERT INTO requests(item_id, idx, loglikelihood, is_greedy, n_tokens, n_bytes)"
        " VALUES(?, ?, ?, ?, ?, ?)",
    [SQL_VALUES_CLEAR] = "DELETE FROM task_values WHERE run_task_id = ?",
    [SQL_VALUE_PUT] =
        "INSERT INTO task_values(run_task_id, metric, filter, idx, value, stderr, low, high)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_VALUE_PLACE] = "UPDATE task_values SET idx = ? WHERE run_task_id = ? AND metric = ?"
                        " AND filter = ?",
    [SQL_VALUE_PLACES] =
        "SELECT v.idx FROM runs r JOIN run_tasks t ON t.run_id = r.id"
        " JOIN task_values v ON v.run_task_id = t.id WHERE r.run = ? AND t.task = ? ORDER BY v.idx",
    [SQL_COSTS_CLEAR] = "DELETE FROM task_costs WHERE run_task_id = ?",
    [SQL_COST_PUT] = "INSERT INTO task_costs(run_task_id, metric, value) VALUES(?, ?, ?)",
    [SQL_BENCH_PUT] =
        "INSERT INTO bench_rows(run_id, test, depth, batch, threads, device, rival, tokens, noise)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    [SQL_BENCH_SAMPLE_PUT] =
        "INSERT INTO bench_samples(bench_row_id, idx, seconds) VALUES(?, ?, ?)",
    [SQL_BENCH_VALUE_PUT] =
        "INSERT INTO bench_values(bench_row_id, metric, idx, value, stderr, low, high)"
        " VALUES(?, ?, ?, ?, ?, ?, ?)",
    [SQL_ENERGY_PUT] =
        "INSERT OR REPLACE INTO energy(run_id, subject, idx, source, channel, origin, is_headline,"
        " seconds, joules, samples, gap_s, reason) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_ENERGY_DEMOTE] = "UPDATE energy SET is_headline = 0 WHERE run_id = ? AND subject = ?",
    [SQL_BENCH_VALUE_SET] =
        "UPDATE bench_values SET value = ? WHERE metric = ? AND bench_row_id ="
        " (SELECT id FROM bench_rows WHERE run_id = ? AND test = ? AND rival = '')",
    [SQL_COST_SET] =
        "UPDATE task_costs SET value = ? WHERE metric = ? AND run_task_id ="
        " (SELECT id FROM run_tasks WHERE run_id = ? AND task = ?)",
    [SQL_SERVED_PUT] =
        "INSERT INTO served(bench_row_id, idx, state, reason, arrival_s, start_s, first_s, last_s,"
        " end_s, prompt_tokens, wanted_tokens, generated_tokens, token_s, output_sha256)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_LABEL_OWNER] = "SELECT run FROM runs WHERE label = ?",
    [SQL_LABEL_CLEAR] = "UPDATE runs SET label = NULL WHERE label = ?",
    [SQL_LABEL_SET] = "UPDATE runs SET label = ? WHERE run = ?",
    [SQL_IMPORT_FIND] = "SELECT r.run FROM imports i JOIN runs r ON r.id = i.run_id"
                        " WHERE i.hash = ?",
    [SQL_IMPORT_PUT] =
        "INSERT INTO imports(hash, path, format, imported, run_id)"
        " VALUES(?, ?, ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?) ON CONFLICT DO NOTHING",

    [SQL_RUNS] = RUN_COLUMNS
        " WHERE (?1 IS NULL OR r.kind = ?1) AND (?2 IS NULL OR m.sha256 = ?2) ORDER BY r.id DESC",
    [SQL_RUN_ONE] = RUN_COLUMNS " WHERE r.run = ?",
    [SQL_RUN_REPEATS] = RUN_COLUMNS
        " JOIN runs x ON x.key = r.key AND x.program_version IS r.program_version"
        " WHERE x.run = ? AND r.id <> x.id AND r.status = 'complete' ORDER BY r.id DESC LIMIT ?",
    [SQL_RESOLVE_EXACT] = "SELECT run FROM runs WHERE run = ?",
    [SQL_RESOLVE_LABEL] = "SELECT run FROM runs WHERE label = ?",
    [SQL_RESOLVE_LAST] = "SELECT run FROM runs ORDER BY id DESC LIMIT 1 OFFSET ?",
    [SQL_RESOLVE_PREFIX] = "SELECT run FROM runs WHERE substr(run, 1, length(?1)) = ?1 LIMIT 4",
    [SQL_KNOWN_NAMES] = "SELECT coalesce(label, run) FROM runs ORDER BY id DESC LIMIT 5",
    [SQL_TASKS] =
        "SELECT t.id, t.task, t.version, t.shots, t.n_expected, t.data_sha256, t.n_scored,"
        " t.n_items, t.latency_s, t.prompt_tokens, t.computed_tokens, t.reused_tokens,"
        " t.generated_tokens FROM run_tasks t JOIN runs r ON r.id = t.run_id WHERE r.run = ?"
        " ORDER BY t.id",
    [SQL_TASK_LATENCIES] =
        "SELECT i.latency_s FROM runs r JOIN run_tasks t ON t.run_id = r.id"
        " JOIN items i ON i.run_task_id = t.id WHERE r.run = ? AND t.task = ?"
        " AND i.latency_s IS NOT NULL",
    [SQL_TASK_ANSWERED] =
        "SELECT count(*) FROM runs r JOIN run_tasks t ON t.run_id = r.id"
        " JOIN items i ON i.run_task_id = t.id WHERE r.run = ? AND t.task = ?"
        " AND i.error IS NULL",
    [SQL_TASK_SUMS] = "SELECT " ITEM_SUMS " FROM items WHERE run_task_id = ?",
    [SQL_TASK_VALUES] = "SELECT metric, filter, value, stderr, low, high FROM task_values"
                        " WHERE run_task_id = ? ORDER BY idx",
    [SQL_TASK_COSTS] = "SELECT metric, value FROM task_costs WHERE run_task_id = ?",
    [SQL_ITEMS] =
        "SELECT i.id, t.task, i.doc_id, i.doc_hash, i.prompt_hash, d.doc, i.arguments, i.cluster,"
        " i.gold, i.prediction, i.gold_index, i.output, i.filtered, i.latency_s, i.ttft_s,"
        " i.prompt_tokens, i.computed_tokens, i.reused_tokens, i.cached_tokens, i.generated_tokens,"
        " i.error"
        " FROM items i JOIN run_tasks t ON t.id = i.run_task_id JOIN runs r ON r.id = t.run_id"
        " LEFT JOIN docs d ON d.hash = i.doc_hash"
        " WHERE r.run = ?1 AND (?2 IS NULL OR t.task = ?2) AND (?3 IS NULL OR i.doc_id = ?3)"
        " AND (?7 IS NULL OR i.id = ?7)"
        " AND (?4 = 0 OR (SELECT m.value FROM item_metrics m WHERE m.item_id = i.id"
        "  AND (?5 IS NULL OR m.metric = ?5) AND (?6 IS NULL OR m.filter = ?6)"
        "  ORDER BY m.idx LIMIT 1) = 0)"
        " ORDER BY t.id, i.doc_id",
    [SQL_ITEM_METRICS] = "SELECT metric, filter, value, weight FROM item_metrics"
                         " WHERE item_id = ? ORDER BY idx",
    [SQL_ITEM_REQUESTS] = "SELECT loglikelihood, is_greedy, n_tokens, n_bytes FROM requests"
                          " WHERE item_id = ? ORDER BY idx",
    /* A perplexity task's likelihood is a metric: nats of the text over its bytes. */
    [SQL_PAIR_ROWS] =
        "SELECT i.id, i.doc_id, i.doc_hash, i.prompt_hash, i.cluster, m.value, m.weight,"
        " coalesce(b.value, q.loglikelihood), coalesce(b.weight, q.n_bytes), i.latency_s"
        " FROM items i JOIN run_tasks t ON t.id = i.run_task_id JOIN runs r ON r.id = t.run_id"
        " LEFT JOIN item_metrics m ON m.item_id = i.id AND m.metric = ?3 AND m.filter = ?4"
        " LEFT JOIN item_metrics b ON b.item_id = i.id AND b.metric = 'bits_per_byte'"
        "  AND b.filter = 'none'"
        " LEFT JOIN requests q ON q.item_id = i.id AND q.idx = i.gold_index"
        " WHERE r.run = ?1 AND t.task = ?2 ORDER BY i.doc_id",
    [SQL_BENCH_ROWS] =
        "SELECT b.id, b.test, b.depth, b.batch, b.threads, b.device, nullif(b.rival, ''), b.tokens,"
        " b.noise FROM bench_rows b JOIN runs r ON r.id = b.run_id WHERE r.run = ? ORDER BY b.id",
    [SQL_BENCH_SAMPLES] = "SELECT seconds FROM bench_samples WHERE bench_row_id = ? ORDER BY idx",
    [SQL_BENCH_VALUES] = "SELECT metric, value, stderr, low, high FROM bench_values"
                         " WHERE bench_row_id = ? ORDER BY idx",
    [SQL_ENERGY] =
        "SELECT e.subject, e.idx, e.source, e.channel, e.origin, e.is_headline, e.seconds,"
        " e.joules, e.samples, e.gap_s, e.reason FROM energy e JOIN runs r ON r.id = e.run_id"
        " WHERE r.run = ? ORDER BY e.subject, e.idx",
    [SQL_SERVED] =
        "SELECT s.state, s.reason, s.arrival_s, s.start_s, s.first_s, s.last_s, s.end_s,"
        " s.prompt_tokens, s.wanted_tokens, s.generated_tokens, s.token_s, s.output_sha256"
        " FROM served s"
        " JOIN bench_rows b ON b.id = s.bench_row_id JOIN runs r ON r.id = b.run_id"
        " WHERE r.run = ? AND b.test = ? AND b.rival = '' ORDER BY b.id, s.idx",

    [SQL_DETACH_SOURCE] = "DETACH source",
    [SQL_CHOSEN_CLEAR] = "DELETE FROM temp.chosen",
    [SQL_SOURCE_RUN_RENAME] = "UPDATE source.runs SET run = ? WHERE run = ?",
    [SQL_SOURCE_RUN_FAIL] = "UPDATE source.runs SET status = 'failed', error = ?, pid = NULL"
                            " WHERE run = ? AND status <> 'complete'",
    [SQL_SOURCE_LABEL_CLEAR] = "UPDATE source.runs SET label = NULL WHERE run = ?",
    [SQL_SOURCE_LABELS_CLEAR] = "UPDATE source.runs SET label = NULL WHERE label IN"
                                " (SELECT label FROM main.runs)",
    [SQL_SOURCE_RUN_IS_HERE] =
        "SELECT m.id FROM source.runs s JOIN main.runs m ON m.run = s.run"
        " AND m.content_sha256 = s.content_sha256 WHERE s.run = ?",
    [SQL_RUN_ROW] = "SELECT id FROM runs WHERE run = ?",
    [SQL_COLUMNS] = "SELECT name FROM pragma_table_info(?)",
    [SQL_PARENT] = "SELECT \"table\" FROM pragma_foreign_key_list(?) WHERE \"from\" = ?",
    [SQL_HAS_ID] = "SELECT count(*) FROM pragma_table_info(?) WHERE name = 'id'",
    [SQL_HIGHEST] = "SELECT id FROM temp.highest",
    [SQL_PLAN_PUT] = "INSERT INTO plans(name) VALUES(?) ON CONFLICT(name) DO NOTHING",
    [SQL_PLAN_ID] = "SELECT id FROM plans WHERE name = ?",
    [SQL_NIGHT_LAST] = "SELECT id, n, date, plan_hash, status FROM nights"
                       " WHERE plan_id = ? AND kind = ? ORDER BY n DESC LIMIT 1",
    [SQL_NIGHT_PUT] =
        "INSERT INTO nights(plan_id, kind, n, date, clock_back, plan_hash, plan, status, started)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, 'running', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
    [SQL_NIGHT_HOLDERS] =
        "SELECT DISTINCT c.runner_id, r.pid FROM cells c JOIN runners r ON r.id = c.runner_id"
        " WHERE c.night_id = ? AND c.status = 'pending'",
    [SQL_NIGHT_ABANDON] = "UPDATE nights SET status = 'incomplete',"
                          " ended = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = ?",
    [SQL_NIGHT_SKIP] = "UPDATE cells SET status = 'skipped', outcome = 'skipped', reason = ?"
                       " WHERE night_id = ? AND status = 'pending'",
    [SQL_NIGHT_PENDING] = "SELECT count(*) FROM cells WHERE night_id = ? AND status = 'pending'",
    [SQL_NIGHT_END] =
        "UPDATE nights SET exit_status = ?, summary = ?,"
        " status = CASE status WHEN 'incomplete' THEN status ELSE 'complete' END,"
        " ended = coalesce(ended, strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) WHERE id = ?",
    [SQL_NIGHTS] =
        "SELECT n.id, n.plan_id, p.name, n.kind, n.date, n.status, n.started, n.ended, n.summary,"
        " n.plan, n.plan_hash, n.n, n.clock_back, n.exit_status, count(c.id),"
        " count(*) FILTER (WHERE c.status = 'done'), count(*) FILTER (WHERE c.status = 'failed'),"
        " count(*) FILTER (WHERE c.status = 'skipped'),"
        " count(*) FILTER (WHERE c.status = 'pending'), count(*) FILTER (WHERE c.quiet = 0)"
        " FROM nights n JOIN plans p ON p.id = n.plan_id LEFT JOIN cells c ON c.night_id = n.id"
        " WHERE (?1 IS NULL OR p.name = ?1) AND (?2 IS NULL OR n.kind = ?2)"
        " GROUP BY n.id ORDER BY n.id DESC LIMIT ?3",
    [SQL_CELL_PUT] =
        "INSERT INTO cells(night_id, block, place, series, kind, arm, argv, model, model_sha256,"
        " build_sha256, status, attempts, beats)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', 0, 0)",
    [SQL_CELLS] =
        "SELECT c.id, c.block, c.place, c.series, c.kind, c.arm, c.argv, c.model, c.model_sha256,"
        " c.build_sha256, c.status, c.outcome, c.reason, c.attempts, r.run, c.runner_id, u.host,"
        " u.pid, c.beats, c.started, c.ended, c.noise, c.wall_s, c.peak_rss_bytes, c.quiet"
        " FROM cells c LEFT JOIN runs r ON r.id = c.run_id"
        " LEFT JOIN runners u ON u.id = c.runner_id"
        " WHERE c.night_id = ?1 AND (?2 IS NULL OR (c.block = ?2 AND c.status = 'pending'))"
        " ORDER BY c.block, c.place",
    [SQL_CELL_PENDING] = "SELECT count(*) FROM cells WHERE id = ? AND status = 'pending'",
    [SQL_CELL_FAIL] = "UPDATE cells SET attempts = attempts + 1, outcome = ?, reason = ?"
                      " WHERE id = ? AND runner_id = ? AND status = 'pending'",
    [SQL_CELL_END] =
        "UPDATE cells SET status = ?, outcome = ?, reason = ?, attempts = attempts + ?, run_id = ?,"
        " started = ?, ended = strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), wall_s = ?,"
        " peak_rss_bytes = ?, quiet = ?, noise = ?"
        " WHERE id = ? AND runner_id = ? AND status = 'pending'",
    [SQL_RUNNER_PUT] = "INSERT INTO runners(host, pid, started)"
                       " VALUES(?, ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
    [SQL_HELD_BLOCKS] =
        "SELECT c.night_id, c.block, c.runner_id, sum(c.beats), max(c.kind = 'bench'), r.host"
        " FROM cells c JOIN runners r ON r.id = c.runner_id"
        " WHERE c.status = 'pending' AND c.runner_id IS NOT NULL"
        " GROUP BY c.night_id, c.block, c.runner_id",
    [SQL_HELD_FREE] = "UPDATE cells SET runner_id = NULL, beats = 0"
                      " WHERE night_id = ? AND block = ? AND runner_id = ? AND status = 'pending'",
    [SQL_FREE_BLOCKS] = "SELECT block, max(kind = 'bench') FROM cells WHERE night_id = ?"
                        " AND status = 'pending' AND runner_id IS NULL GROUP BY block"
                        " ORDER BY block",
    [SQL_BLOCK_TAKE] = "UPDATE cells SET runner_id = ?, beats = 0"
                       " WHERE night_id = ? AND block = ? AND status = 'pending'",
    [SQL_BEAT] = "UPDATE cells SET beats = beats + 1 WHERE runner_id = ? AND status = 'pending'",
    [SQL_RELEASE] = "UPDATE cells SET runner_id = NULL, beats = 0"
                    " WHERE runner_id = ? AND status = 'pending'",
    [SQL_POINT_PUT] =
        "INSERT INTO points(plan_id, series, metric, night_id, segment_id, value, low, high, n,"
        " quiet) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(plan_id, series, metric, night_id) DO UPDATE SET"
        " segment_id = excluded.segment_id, value = excluded.value, low = excluded.low,"
        " high = excluded.high, n = excluded.n, quiet = excluded.quiet",
    [SQL_POINTS] =
        "SELECT p.night_id, p.segment_id, n.n, g.n, p.series, p.metric, n.date, p.value, p.low,"
        " p.high, p.n, p.quiet FROM points p JOIN nights n ON n.id = p.night_id"
        " JOIN segments g ON g.id = p.segment_id"
        " WHERE p.plan_id = ?1 AND (?2 IS NULL OR n.n <= ?2)"
        " ORDER BY p.series, p.metric, p.night_id",
    [SQL_SEGMENT_LAST] = "SELECT id, n, fingerprint FROM segments WHERE plan_id = ? AND series = ?"
                         " ORDER BY n DESC LIMIT 1",
    [SQL_SEGMENT_PUT] = "INSERT INTO segments(plan_id, series, n, night_id, fingerprint, changed)"
                        " VALUES(?, ?, ?, ?, ?, ?)",
    [SQL_PIN_SET] =
        "INSERT INTO pins(run_id, pinned)"
        " SELECT id, strftime('%Y-%m-%dT%H:%M:%SZ', 'now') FROM runs WHERE run = ?"
        " ON CONFLICT(run_id) DO UPDATE SET pinned = excluded.pinned",
    [SQL_PIN_CLEAR] = "DELETE FROM pins WHERE run_id = (SELECT id FROM runs WHERE run = ?)",
    [SQL_PIN_OF_SERIES] =
        "SELECT r.run FROM pins p JOIN runs r ON r.id = p.run_id JOIN cells c ON c.run_id = r.id"
        " WHERE c.series = ? ORDER BY p.pinned DESC, r.id DESC LIMIT 1",
    [SQL_PIN_OF_MODEL] =
        "SELECT r.run FROM pins p JOIN runs r ON r.id = p.run_id JOIN models m ON m.id = r.model_id"
        " WHERE r.kind = ? AND m.name = ?"
        " AND NOT EXISTS (SELECT 1 FROM cells c WHERE c.run_id = r.id)"
        " ORDER BY p.pinned DESC, r.id DESC LIMIT 1",
    [SQL_SERIES_FIRST] =
        "SELECT r.run FROM nights n JOIN cells c ON c.night_id = n.id"
        " JOIN runs r ON r.id = c.run_id"
        " WHERE n.plan_id = ? AND c.series = ? AND c.status = 'done' ORDER BY n.n, c.block, c.place"
        " LIMIT 1",
    [SQL_NIGHT_OF_RUN] = "SELECT c.night_id FROM cells c JOIN runs r ON r.id = c.run_id"
                         " WHERE r.run = ?",
    [SQL_PRUNABLE] =
        "SELECT r.id, r.run, p.name, n.date, n.n FROM cells c JOIN runs r ON r.id = c.run_id"
        " JOIN nights n ON n.id = c.night_id JOIN plans p ON p.id = n.plan_id"
        " WHERE n.id = ? AND n.status <> 'running' AND r.label IS NULL"
        " AND r.id NOT IN (SELECT run_id FROM pins) ORDER BY c.block, c.place",
    [SQL_RUN_DELETE] = "DELETE FROM runs WHERE id = ?",
    [SQL_RULER_PUT] =
        "INSERT INTO rulers(name, ladder, origin, kind, task, metric, prompt_hash, shots, chance,"
        " d0_tokens, r2, rms, loo_ln, n_loo, program_version, created)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
    [SQL_RULER_DELETE] = "DELETE FROM rulers WHERE name = ?",
    [SQL_RULER_CONSTANT_PUT] = "INSERT INTO ruler_constants(ruler_id, idx, value) VALUES(?, ?, ?)",
    [SQL_RULER_NODE_PUT] =
        "INSERT INTO ruler_nodes(ruler_id, idx, model, run_id, content_sha256, parameters,"
        " parameters_non_embedding, tokens, score, noise)"
        " VALUES(?1, ?2, ?3, (SELECT id FROM runs WHERE run = ?4),"
        " (SELECT content_sha256 FROM runs WHERE run = ?4), ?5, ?6, ?7, ?8, ?9)",
    [SQL_RULERS] =
        "SELECT id, name, ladder, origin, kind, task, metric, prompt_hash, shots, chance,"
        " d0_tokens, r2, rms, loo_ln, n_loo, program_version, created FROM rulers"
        " WHERE ?1 IS NULL OR name = ?1 ORDER BY name",
    [SQL_RULER_CONSTANTS] =
        "SELECT value, (SELECT count(*) FROM ruler_constants WHERE ruler_id = ?1)"
        " FROM ruler_constants WHERE ruler_id = ?1 ORDER BY idx",
    [SQL_RULER_NODES] =
        "SELECT n.model, r.run, r.id IS NOT NULL AND n.content_sha256 IS NOT r.content_sha256,"
        " n.parameters, n.parameters_non_embedding, n.tokens, n.score, n.noise,"
        " (SELECT count(*) FROM ruler_nodes WHERE ruler_id = ?1)"
        " FROM ruler_nodes n LEFT JOIN runs r ON r.id = n.run_id WHERE n.ruler_id = ?1"
        " ORDER BY n.idx",
    [SQL_LIKELIHOOD_SET_PUT] =
        "INSERT INTO likelihood_sets(model_sha256, numerics_id, device, settings, used, rows)"
        " VALUES(?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 0)"
        " ON CONFLICT(model_sha256, numerics_id, device, settings) DO UPDATE"
        " SET used = excluded.used",
    [SQL_LIKELIHOOD_SET_ID] = "SELECT id FROM likelihood_sets WHERE model_sha256 = ?"
                              " AND numerics_id = ? AND device = ? AND settings = ?",
    [SQL_LIKELIHOOD_SET_GROW] = "UPDATE likelihood_sets SET rows = rows + ? WHERE id = ?",
    [SQL_LIKELIHOOD_SET_DELETE] = "DELETE FROM likelihood_sets WHERE id = ?",
    [SQL_LIKELIHOOD_SETS] = "SELECT id, rows FROM likelihood_sets WHERE id <> ? ORDER BY used, id",
    [SQL_LIKELIHOOD_ROWS] = "SELECT coalesce(sum(rows), 0) FROM likelihood_sets",
    [SQL_LIKELIHOOD] = "SELECT nats, is_greedy, seal FROM likelihoods"
                       " WHERE set_id = ? AND request = ?",
    [SQL_LIKELIHOOD_PUT] =
        "INSERT INTO likelihoods(set_id, request, nats, is_greedy, seal) VALUES(?, ?, ?, ?, ?)"
        " ON CONFLICT(set_id, request) DO NOTHING",
    [SQL_LIKELIHOOD_REPLACE] = "UPDATE likelihoods SET nats = ?, is_greedy = ?, seal = ?"
                               " WHERE set_id = ? AND request = ?",
    [SQL_LIKELIHOODS] =
        "SELECT l.request, l.nats, l.is_greedy, l.seal, s.model_sha256, s.numerics_id, s.device,"
        " s.settings FROM likelihoods l JOIN likelihood_sets s ON s.id = l.set_id",
    [SQL_ENCODING_SET_PUT] =
        "INSERT INTO encoding_sets(tokenizer_sha256, rules, used, rows)"
        " VALUES(?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 0)"
        " ON CONFLICT(tokenizer_sha256, rules) DO UPDATE SET used = excluded.used",
    [SQL_ENCODING_SET_ID] =
        "SELECT id FROM encoding_sets WHERE tokenizer_sha256 = ? AND rules = ?",
    [SQL_ENCODING_SET_GROW] = "UPDATE encoding_sets SET rows = rows + ? WHERE id = ?",
    [SQL_ENCODING_SET_DELETE] = "DELETE FROM encoding_sets WHERE id = ?",
    [SQL_ENCODING_SETS] = "SELECT id, rows FROM encoding_sets WHERE id <> ? ORDER BY used, id",
    [SQL_ENCODING_ROWS] = "SELECT coalesce(sum(rows), 0) FROM encoding_sets",
    [SQL_ENCODING] = "SELECT requests, seal FROM encodings WHERE set_id = ? AND query = ?",
    [SQL_ENCODING_PUT] = "INSERT INTO encodings(set_id, query, requests, seal) VALUES(?, ?, ?, ?)"
                         " ON CONFLICT(set_id, query) DO NOTHING",
    [SQL_ENCODING_REPLACE] = "UPDATE encodings SET requests = ?, seal = ?"
                             " WHERE set_id = ? AND query = ?",
    [SQL_ENCODINGS] =
        "SELECT c.query, c.requests, c.seal, s.tokenizer_sha256, s.rules"
        " FROM encodings c JOIN encoding_sets s ON s.id = c.set_id",
    [SQL_PROBE_PUT] =
        "INSERT INTO probes(model_id, probe, task, version, metric, settings, numerics_id, n_items,"
        " program_version, created) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " coalesce(?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now')))",
    [SQL_PROBE_DELETE] = "DELETE FROM probes WHERE model_id = ? AND probe = ? AND task = ?"
                         " AND settings = ? AND numerics_id = ?",
    [SQL_PROBE_VALUE_PUT] =
        "INSERT INTO probe_values(probe_id, idx, name, value, stderr) VALUES(?, ?, ?, ?, ?)",
    [SQL_PROBES] =
        "SELECT p.id, p.probe, p.task, p.metric, p.settings, p.numerics_id, p.program_version,"
        " p.version, p.n_items, p.created, m.name, m.sha256 FROM probes p"
        " JOIN models m ON m.id = p.model_id WHERE ?1 IS NULL OR m.sha256 = ?1"
        " ORDER BY p.created DESC, p.id DESC",
    [SQL_PROBE_VALUES] =
        "SELECT name, value, stderr, (SELECT count(*) FROM probe_values WHERE probe_id = ?1)"
        " FROM probe_values WHERE probe_id = ?1 ORDER BY idx",
};

const char *sql_text(enum sql q)
{
    return texts[q];
}
