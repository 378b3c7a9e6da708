-- A results database of schema version 1 with one finished run of two items.
CREATE TABLE models(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, sha256 TEXT, name TEXT NOT NULL, path TEXT, architecture TEXT, licence TEXT, tensor_types TEXT, parameters INTEGER, parameters_non_embedding INTEGER, parameters_embedding INTEGER, parameters_active INTEGER, file_bytes INTEGER, bits_per_weight REAL) STRICT;
CREATE TABLE machines(id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT, json TEXT NOT NULL) STRICT;
CREATE TABLE runs(id INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, label TEXT UNIQUE, kind TEXT NOT NULL CHECK(kind IN ('eval', 'bench', 'import')), key TEXT NOT NULL, status TEXT NOT NULL CHECK(status IN ('running', 'complete', 'interrupted', 'failed')), error TEXT, created TEXT NOT NULL, ended TEXT, command_line TEXT, settings TEXT NOT NULL, settings_hash TEXT NOT NULL, program_version TEXT, numerics_id TEXT, kernels TEXT, device TEXT, threads INTEGER, seed INTEGER, model_id INTEGER NOT NULL REFERENCES models(id), machine_id INTEGER REFERENCES machines(id), pid INTEGER, source TEXT) STRICT;
CREATE INDEX runs_by_key ON runs(key);
CREATE TABLE sessions(id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, started TEXT NOT NULL, ended TEXT, pid INTEGER NOT NULL, noise_before TEXT, noise_after TEXT) STRICT;
CREATE INDEX sessions_by_run ON sessions(run_id);
CREATE TABLE run_tasks(id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, task TEXT NOT NULL, version INTEGER, shots INTEGER, n_expected INTEGER NOT NULL, n_scored INTEGER, data_sha256 TEXT, UNIQUE(run_id, task)) STRICT;
CREATE TABLE task_values( run_task_id INTEGER NOT NULL REFERENCES run_tasks(id) ON DELETE CASCADE, metric TEXT NOT NULL, filter TEXT NOT NULL, idx INTEGER NOT NULL, value REAL, stderr REAL, low REAL, high REAL, PRIMARY KEY(run_task_id, metric, filter)) STRICT, WITHOUT ROWID;
CREATE TABLE task_costs( run_task_id INTEGER NOT NULL REFERENCES run_tasks(id) ON DELETE CASCADE, metric TEXT NOT NULL, value REAL, PRIMARY KEY(run_task_id, metric)) STRICT, WITHOUT ROWID;
CREATE TABLE docs(hash TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE items(id INTEGER PRIMARY KEY, run_task_id INTEGER NOT NULL REFERENCES run_tasks(id) ON DELETE CASCADE, doc_id INTEGER NOT NULL, doc_hash TEXT, prompt_hash TEXT, cluster TEXT, gold TEXT, gold_index INTEGER, prediction TEXT, output TEXT, filtered TEXT, arguments TEXT, latency_s REAL, ttft_s REAL, prompt_tokens INTEGER, computed_tokens INTEGER, reused_tokens INTEGER, generated_tokens INTEGER, UNIQUE(run_task_id, doc_id)) STRICT;
CREATE TABLE item_metrics(item_id INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE, metric TEXT NOT NULL, filter TEXT NOT NULL, idx INTEGER NOT NULL, value REAL, weight REAL, PRIMARY KEY(item_id, metric, filter)) STRICT, WITHOUT ROWID;
CREATE TABLE requests(item_id INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE, idx INTEGER NOT NULL, loglikelihood REAL, is_greedy INTEGER, n_tokens INTEGER, n_bytes INTEGER, PRIMARY KEY(item_id, idx)) STRICT, WITHOUT ROWID;

PRAGMA application_id = 1145392723;
PRAGMA user_version = 1;
INSERT INTO models(id, key, sha256, name, architecture, parameters, file_bytes)
 VALUES(1, 'abababababababababababababababababababababababababababababababab', 'abababababababababababababababababababababababababababababababab', 'old-model', 'llama', 1000, 4096);
INSERT INTO machines(id, hash, name, json) VALUES(1, 'f58c309b053ab0a8d01a5c27be5e73764bec9af71d69d8c6a98e98504684d95b', 'old-host', '{"cpu":"test"}');
INSERT INTO runs(id, run, label, kind, key, status, created, ended, settings, settings_hash,
 numerics_id, threads, seed, model_id, machine_id)
 VALUES(1, '0123abcd', 'baseline', 'eval', 'k', 'complete', '2026-01-02T03:04:05Z',
 '2026-01-02T03:05:05Z', '{"limit":2}', '649c187d840a97ceebfecf4a5e8a1121655263c52487be7d5cd1970fe17e1bd3', 'exact/1', 2, 1234, 1, 1);
INSERT INTO sessions(run_id, started, pid) VALUES(1, '2026-01-02T03:04:05Z', 77);
INSERT INTO run_tasks(id, run_id, task, version, shots, n_expected, n_scored)
 VALUES(1, 1, 'arc_easy', 1, 0, 2, 2);
INSERT INTO task_values VALUES(1, 'acc', 'none', 0, 0.5, 0.35, 0.1, 0.9);
INSERT INTO task_costs VALUES(1, 'wall_s', 1.25);
INSERT INTO items(id, run_task_id, doc_id, gold, gold_index, prediction, latency_s)
 VALUES(1, 1, 0, 'A', 0, 'A', 0.5), (2, 1, 1, 'B', 1, 'C', 0.25);
INSERT INTO item_metrics VALUES(1, 'acc', 'none', 0, 1, 1), (2, 'acc', 'none', 0, 0, 1);
INSERT INTO requests VALUES(1, 0, -1.5, 1, 2, 6), (1, 1, -2.5, 0, 2, 7);
