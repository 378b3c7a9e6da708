/* schema.c -- migrations as ordered rows, so that last year's database still opens.
 *
 * A row that has been released is never changed: a new row is added below it. */
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

static const struct schema_doc docs[] = {
    {"models", NULL, "weight files, one row per content"},
    {"models", "id", "row id"},
    {"models", "key", "what tells models apart: the sha256, or name:NAME for imported results"},
    {"models", "sha256", "SHA-256 of the file; null for imported results"},
    {"models", "name", "catalogue name or base name of the file"},
    {"models", "path", "where the file was when last used"},
    {"models", "architecture", "general.architecture of the file"},
    {"models", "licence", "licence as the file or the catalogue states it"},
    {"models", "tensor_types", "JSON: bytes and count of tensors per block format"},
    {"models", "parameters", "all parameters"},
    {"models", "parameters_non_embedding", "parameters without the embedding and output tables"},
    {"models", "parameters_embedding", "parameters of the embedding and output tables"},
    {"models", "parameters_active", "parameters that one token uses (mixture of experts)"},
    {"models", "file_bytes", "size of the file (all of a split set)"},
    {"models", "bits_per_weight", "8 * tensor bytes / parameters"},
    {"machines", NULL, "computers as captured at the start of a run"},
    {"machines", "id", "row id"},
    {"machines", "hash", "SHA-256 of json"},
    {"machines", "name", "host name"},
    {"machines", "json", "the capture: CPU, memory, kernel, build; what stays from run to run"},
    {"runs", NULL, "one command's measurement of one model"},
    {"runs", "id", "row id; the byte of FILE.lock that its writer locks"},
    {"runs", "run", "the id that people type: hex digits"},
    {"runs", "label", "a name given by `label`, unique"},
    {"runs", "kind", "eval, bench or import"},
    {"runs", "key", "SHA-256 over model, tasks, settings, numerics and machine: finds it again"},
    {"runs", "status", "running, complete, interrupted or failed; running without a writer means "
                       "interrupted"},
    {"runs", "error", "why it failed"},
    {"runs", "created", "start, UTC"},
    {"runs", "ended", "end of the last session, UTC"},
    {"runs", "command_line", "the command line of the last session"},
    {"runs", "settings", "JSON: everything else that may change a result"},
    {"runs", "settings_hash", "SHA-256 of settings"},
    {"runs", "program_version", "densimeter's version in the last session"},
    {"runs", "numerics_id", "which arithmetic, with its version: exact/1"},
    {"runs", "kernels", "instruction set that the kernels used"},
    {"runs", "device", "what computed"},
    {"runs", "threads", "worker threads"},
    {"runs", "seed", "seed of everything random"},
    {"runs", "model_id", "the model"},
    {"runs", "machine_id", "the machine; null for imported results"},
    {"runs", "pid", "process that writes it"},
    {"runs", "source", "import: the file it came from"},
    {"runs", "content_sha256", "SHA-256 over the run's rows when it was finished; null before"},
    {"sessions", NULL, "each time a run was begun or resumed"},
    {"sessions", "id", "row id"},
    {"sessions", "run_id", "the run"},
    {"sessions", "started", "UTC"},
    {"sessions", "ended", "UTC; null when the process died"},
    {"sessions", "pid", "the process"},
    {"sessions", "noise_before", "JSON: how quiet the machine was at the start"},
    {"sessions", "noise_after", "JSON: and at the end"},
    {"run_tasks", NULL, "the tasks of a run"},
    {"run_tasks", "id", "row id"},
    {"run_tasks", "run_id", "the run"},
    {"run_tasks", "task", "name"},
    {"run_tasks", "version", "version of the task's rules"},
    {"run_tasks", "shots", "few-shot examples in the prompt"},
    {"run_tasks", "n_expected", "items that the run must have"},
    {"run_tasks", "n_scored", "items that task_values cover; null until the task is finished"},
    {"run_tasks", "data_sha256", "SHA-256 of the data file"},
    {"run_tasks", "n_items", "items kept; this and the sums below are null until the run is complete"},
    {"run_tasks", "latency_s", "sum over the items"},
    {"run_tasks", "prompt_tokens", "sum over the items"},
    {"run_tasks", "computed_tokens", "sum over the items"},
    {"run_tasks", "reused_tokens", "sum over the items"},
    {"run_tasks", "generated_tokens", "sum over the items"},
    {"task_values", NULL, "scores of a task over its items"},
    {"task_values", "run_task_id", "the task of the run"},
    {"task_values", "metric", "name as in `densimeter help metrics`"},
    {"task_values", "filter", "how the answer was extracted; none for likelihoods"},
    {"task_values", "idx", "order of display"},
    {"task_values", "value", "the score"},
    {"task_values", "stderr", "its standard error"},
    {"task_values", "low", "lower end of the interval that settings name"},
    {"task_values", "high", "upper end"},
    {"task_costs", NULL, "what a task cost as a whole"},
    {"task_costs", "run_task_id", "the task of the run"},
    {"task_costs", "metric", "wall_s, peak_rss_bytes, energy_j, ..."},
    {"task_costs", "value", "in the metric's unit"},
    {"docs", NULL, "documents that were asked, kept once"},
    {"docs", "hash", "SHA-256 of the document"},
    {"docs", "doc", "JSON"},
    {"items", NULL, "one document answered in one run"},
    {"items", "id", "row id"},
    {"items", "run_task_id", "the task of the run"},
    {"items", "doc_id", "line of the data file, from 0"},
    {"items", "doc_hash", "SHA-256 of the document"},
    {"items", "prompt_hash", "SHA-256 over every request of the item"},
    {"items", "cluster", "items that are not independent share it"},
    {"items", "gold", "expected answer"},
    {"items", "gold_index", "its place among the options"},
    {"items", "prediction", "the model's answer"},
    {"items", "output", "generated text"},
    {"items", "filtered", "JSON: extracted answer per filter"},
    {"items", "arguments", "JSON: [context, continuation] per request, where kept"},
    {"items", "latency_s", "wall time of the item"},
    {"items", "ttft_s", "time to the first generated token"},
    {"items", "prompt_tokens", "tokens of its requests as asked"},
    {"items", "computed_tokens", "tokens that went through the model"},
    {"items", "reused_tokens", "tokens whose state was shared"},
    {"items", "generated_tokens", "tokens sampled"},
    {"items", "cached_tokens", "tokens of requests that an earlier run had answered; where there "
                               "are any, latency_s is null: it was not measured"},
    {"items", "error", "why the device could not answer it; it has no credits then"},
    {"item_metrics", NULL, "credits of an item"},
    {"item_metrics", "item_id", "the item"},
    {"item_metrics", "metric", "name"},
    {"item_metrics", "filter", "how the answer was extracted"},
    {"item_metrics", "idx", "order; 0 decides whether the item counts as wrong"},
    {"item_metrics", "value", "credit; for ratio metrics the numerator, in nats"},
    {"item_metrics", "weight", "1, or the denominator"},
    {"requests", NULL, "the likelihoods behind an item"},
    {"requests", "item_id", "the item"},
    {"requests", "idx", "number of the option"},
    {"requests", "loglikelihood", "ln p of the continuation, in nats"},
    {"requests", "is_greedy", "1: greedy decoding gives just this continuation"},
    {"requests", "n_tokens", "tokens of the continuation"},
    {"requests", "n_bytes", "UTF-8 bytes of the continuation"},
    {"bench_rows", NULL, "speed measurements"},
    {"bench_rows", "id", "row id"},
    {"bench_rows", "run_id", "the run"},
    {"bench_rows", "test", "pp512, tg128, pp512+tg128, tg128@b8"},
    {"bench_rows", "depth", "tokens already in the cache"},
    {"bench_rows", "batch", "streams at once"},
    {"bench_rows", "threads", "worker threads"},
    {"bench_rows", "device", "what computed"},
    {"bench_rows", "rival", "program measured in alternation; empty: ours"},
    {"bench_rows", "tokens", "tokens per sample"},
    {"bench_rows", "noise", "JSON: the machine during this row"},
    {"bench_samples", NULL, "every sample of a speed measurement"},
    {"bench_samples", "bench_row_id", "the measurement"},
    {"bench_samples", "idx", "order of measurement"},
    {"bench_samples", "seconds", "wall time"},
    {"bench_values", NULL, "what a speed measurement amounts to"},
    {"bench_values", "bench_row_id", "the measurement"},
    {"bench_values", "metric", "tok_s, ttft_s, peak_rss_bytes, ..."},
    {"bench_values", "idx", "order of display"},
    {"bench_values", "value", "in the metric's unit"},
    {"bench_values", "stderr", "standard error"},
    {"bench_values", "low", "lower end of the interval"},
    {"bench_values", "high", "upper end"},
    {"served", NULL, "the requests of a latency scenario (bench --scenario), in order of arrival"},
    {"served", "bench_row_id", "the scenario's row"},
    {"served", "idx", "0, 1, ..."},
    {"served", "state", "completed, refused (the queue was full), cancelled (the client left) or "
                        "failed"},
    {"served", "reason", "why it was refused or failed"},
    {"served", "arrival_s", "when it came, as scheduled; seconds since the scenario began"},
    {"served", "start_s", "when it left the queue; null: never"},
    {"served", "first_s", "when its first token was there; null: never"},
    {"served", "last_s", "when its last token was there; null: never"},
    {"served", "end_s", "when it was over"},
    {"served", "prompt_tokens", "tokens of its prompt"},
    {"served", "wanted_tokens", "tokens it asked for"},
    {"served", "generated_tokens", "tokens it got"},
    {"served", "token_s", "JSON: when each of them was there, in seconds since the scenario began"},
    {"served", "output_sha256", "SHA-256 over the ids of these tokens, 4 bytes each, lowest first"},
    {"energy", NULL, "what every meter said of every part of a run; never added up across sources"},
    {"energy", "run_id", "the run"},
    {"energy", "subject", "the task, the speed test or scenario, or 'idle before', 'idle after'"},
    {"energy", "idx", "order of display"},
    {"energy", "source", "rapl, hwmon, amdgpu, nvml, battery, external, declared; none: no meter"},
    {"energy", "channel", "what of it: package-0, VDD_IN, BAT0, a file"},
    {"energy", "origin", "measured, or declared: a constant power that the user stated"},
    {"energy", "is_headline", "1: its joules are (part of) the subject's energy_j"},
    {"energy", "seconds", "of the windows that were measured"},
    {"energy", "joules", "null: unknown, and the reason"},
    {"energy", "samples", "readings"},
    {"energy", "gap_s", "longest time between two of them"},
    {"energy", "reason", "why joules is null"},
    {"imports", NULL, "files whose results were taken in"},
    {"imports", "hash", "SHA-256 of the file: recognises it when it comes again"},
    {"imports", "path", "its name then"},
    {"imports", "format", "lm-eval, llama-bench, csv"},
    {"imports", "imported", "UTC"},
    {"imports", "run_id", "the run made of it"},
    {"plans", NULL, "plans that were run"},
    {"plans", "id", "row id"},
    {"plans", "name", "the plan's name: what its nights share"},
    {"nights", NULL, "each time a plan was run from its first cell to its last"},
    {"nights", "id", "row id"},
    {"nights", "plan_id", "the plan"},
    {"nights", "kind", "run or nightly: the command"},
    {"nights", "n", "1, 2, ...: the order, whatever the clock said"},
    {"nights", "date", "local date by the clock when it began"},
    {"nights", "clock_back", "1: the clock was behind the night before"},
    {"nights", "plan_hash", "SHA-256 of the plan's text"},
    {"nights", "plan", "the plan's text then"},
    {"nights", "status", "running, complete, or incomplete when another began before its end"},
    {"nights", "started", "UTC"},
    {"nights", "ended", "UTC"},
    {"nights", "exit_status", "what the command ended with"},
    {"nights", "summary", "JSON: what nightly found"},
    {"runners", NULL, "processes that measured cells"},
    {"runners", "id", "row id; 2^40 more is the byte of FILE.lock that it locks while it lives"},
    {"runners", "host", "host name"},
    {"runners", "pid", "the process"},
    {"runners", "started", "UTC"},
    {"cells", NULL, "one process of a night: a model, a device, settings, tasks or a speed test"},
    {"cells", "id", "row id"},
    {"cells", "night_id", "the night"},
    {"cells", "block", "cells of one block are measured one after the other by one runner"},
    {"cells", "place", "order within the block"},
    {"cells", "series", "what is the same from night to night"},
    {"cells", "kind", "eval or bench"},
    {"cells", "arm", "0 or 1: which side of the A B B A; 0 for an evaluation"},
    {"cells", "argv", "JSON: the command"},
    {"cells", "model", "MODEL as the plan names it"},
    {"cells", "model_sha256", "SHA-256 of its file when the night began; null: it did not open"},
    {"cells", "build_sha256", "SHA-256 of the program that measures"},
    {"cells", "status", "pending, done, failed or skipped"},
    {"cells", "outcome", "measured, or why not: error, crash, memory, time, model, skipped"},
    {"cells", "reason", "the outcome in words"},
    {"cells", "attempts", "attempts that failed"},
    {"cells", "run_id", "the run; null when there is none, or none any more"},
    {"cells", "runner_id", "who has it or had it"},
    {"cells", "beats", "counts up while its runner lives"},
    {"cells", "started", "UTC"},
    {"cells", "ended", "UTC"},
    {"cells", "wall_s", "wall time of the last attempt"},
    {"cells", "peak_rss_bytes", "most memory of the last attempt"},
    {"cells", "quiet", "1: the machine was quiet, 0: it was not; null: unknown"},
    {"cells", "noise", "JSON: how quiet the machine was"},
    {"segments", NULL, "stretches of a series between changes that explain a step"},
    {"segments", "id", "row id"},
    {"segments", "plan_id", "the plan"},
    {"segments", "series", "as in cells"},
    {"segments", "n", "1, 2, ..."},
    {"segments", "night_id", "the night it began with"},
    {"segments", "fingerprint", "JSON: model, data, task version, settings, machine"},
    {"segments", "changed", "what changed since the segment before; null for the first"},
    {"points", NULL, "what a series amounts to in a night; kept when its runs are pruned"},
    {"points", "plan_id", "the plan"},
    {"points", "series", "as in cells"},
    {"points", "metric", "what was measured: \"arc_easy acc\", \"tg128 tok_s\""},
    {"points", "night_id", "the night"},
    {"points", "segment_id", "the segment"},
    {"points", "value", "in the metric's unit"},
    {"points", "low", "lower end of its interval"},
    {"points", "high", "upper end"},
    {"points", "n", "items or processes behind it"},
    {"points", "quiet", "0: measured on a noisy machine"},
    {"pins", NULL, "runs that nights are compared with"},
    {"pins", "run_id", "the run"},
    {"pins", "pinned", "UTC"},
    {"rulers", NULL, "what densities are measured against: a ladder of models measured here"},
    {"rulers", "id", "row id"},
    {"rulers", "name", "what people type"},
    {"rulers", "ladder", "rulers made of the same models share it"},
    {"rulers", "origin", "which models, in words"},
    {"rulers", "kind", "table, logit, linear or logistic"},
    {"rulers", "task", "the task that was asked"},
    {"rulers", "metric", "the score it holds"},
    {"rulers", "prompt_hash", "SHA-256 over the prompts of the items, in order"},
    {"rulers", "shots", "examples before the question"},
    {"rulers", "chance", "level that no knowledge reaches; null: the score has none"},
    {"rulers", "d0_tokens", "tokens that the reference models were trained on"},
    {"rulers", "r2", "explained share of the fit, as its kind has it"},
    {"rulers", "rms", "root mean square of score less curve over the nodes"},
    {"rulers", "loo_ln", "leave-one-out: root mean square of ln(N^/N) over the interior nodes"},
    {"rulers", "n_loo", "interior nodes behind it"},
    {"rulers", "program_version", "densimeter's version that made it"},
    {"rulers", "created", "UTC"},
    {"ruler_constants", NULL, "the constants of the kind's formula"},
    {"ruler_constants", "ruler_id", "the ruler"},
    {"ruler_constants", "idx", "order in the formula"},
    {"ruler_constants", "value", "the constant"},
    {"ruler_nodes", NULL, "the models of a ruler's ladder"},
    {"ruler_nodes", "ruler_id", "the ruler"},
    {"ruler_nodes", "idx", "smallest model first"},
    {"ruler_nodes", "model", "its name"},
    {"ruler_nodes", "run_id", "the run that measured it; null: deleted since"},
    {"ruler_nodes", "content_sha256", "that run's hash when the ruler was made"},
    {"ruler_nodes", "parameters", "all parameters"},
    {"ruler_nodes", "parameters_non_embedding", "without the embedding and output tables"},
    {"ruler_nodes", "tokens", "tokens it was trained on"},
    {"ruler_nodes", "score", "of the ruler's metric"},
    {"ruler_nodes", "noise", "half range between twins of the same size"},
    {"likelihood_sets", NULL, "what kept likelihoods are about: a model under one arithmetic"},
    {"likelihood_sets", "id", "row id"},
    {"likelihood_sets", "model_sha256", "SHA-256 of the model"},
    {"likelihood_sets", "numerics_id", "which arithmetic"},
    {"likelihood_sets", "device", "what computed"},
    {"likelihood_sets", "settings", "JSON: what else may change a likelihood"},
    {"likelihood_sets", "used", "UTC, the last time; those used longest ago go first"},
    {"likelihood_sets", "rows", "likelihoods in it"},
    {"likelihoods", NULL, "requests that were answered: a later run need not compute them"},
    {"likelihoods", "set_id", "the set"},
    {"likelihoods", "request", "half of the SHA-256 over its token ids and where scoring begins"},
    {"likelihoods", "nats", "ln p of the continuation"},
    {"likelihoods", "is_greedy", "1: greedy decoding gives just this continuation"},
    {"likelihoods", "seal", "beginning of the SHA-256 over set and row: a damaged row is not used"},
    {"encoding_sets", NULL, "what kept encodings are about: a tokenizer under one version of rules"},
    {"encoding_sets", "id", "row id"},
    {"encoding_sets", "tokenizer_sha256", "SHA-256 of what defines the tokenizer"},
    {"encoding_sets", "rules", "version of how queries become tokens"},
    {"encoding_sets", "used", "UTC, the last time; those used longest ago go first"},
    {"encoding_sets", "rows", "encodings in it"},
    {"encodings", NULL, "queries that were encoded: a later run need not, where answers are kept"},
    {"encodings", "set_id", "the set"},
    {"encodings", "query", "half of the SHA-256 over its texts and what else decides its tokens"},
    {"encodings", "requests",
     "joins inside a token; per request ids, ids given, ids of the context, name in likelihoods"},
    {"encodings", "seal", "beginning of the SHA-256 over set and row: a damaged row is not used"},
    {"probes", NULL, "what probes of a model found: indicators, never verdicts"},
    {"probes", "id", "row id"},
    {"probes", "model_id", "the model"},
    {"probes", "probe", "what was varied: order, wording, shots, chat, sequence, depth, case"},
    {"probes", "task", "the task that was asked"},
    {"probes", "version", "version of the task's rules"},
    {"probes", "metric", "the score whose change is told; null: of no score"},
    {"probes", "settings", "JSON: what may change the outcome"},
    {"probes", "numerics_id", "which arithmetic, with its version"},
    {"probes", "n_items", "items that were asked"},
    {"probes", "program_version", "densimeter's version"},
    {"probes", "created", "UTC"},
    {"probe_values", NULL, "the numbers of a probe"},
    {"probe_values", "probe_id", "the probe"},
    {"probe_values", "idx", "order of display"},
    {"probe_values", "name", "what the number is, in words"},
    {"probe_values", "value", "the number"},
    {"probe_values", "stderr", "its standard error"},
};

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

const struct schema_doc *schema_doc_at(int i)
{
    return i >= 0 && (size_t)i < sizeof docs / sizeof docs[0] ? &docs[i] : NULL;
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
