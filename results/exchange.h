/* exchange.h -- runs out to other programs' files, and theirs in.
 *
 * Every format is a row of a const table.  Imported files are hostile: what is malformed is
 * ERR_FORMAT naming file and line, and then nothing of the file is kept (one transaction). */
#ifndef RESULTS_EXCHANGE_H
#define RESULTS_EXCHANGE_H

#include <stddef.h>

#include "base/err.h"
#include "results/store.h"

/* format: "lm-eval" (to: a folder; results_ID.json and samples_TASK_ID.jsonl are put in it),
 * "csv", "json" (to: a file or "-" for stdout), "sqlite" (to: a new database with this run only).
 * lm-eval has no place for items that were not answered, nor csv for values that are not known; of
 * a run without a task lm-eval is ERR_INVALID.  ERR_USAGE for an unknown format; the hint lists
 * them. */
int export_run(struct store *s, const char *run_id, const char *format, const char *to,
               struct err *e);
const char *export_format_at(int i); /* NULL after the last */

struct import_result {
    int runs, values, items, bench_rows; /* added; values: metrics of whole tasks */
    int duplicate;               /* 1: this content was imported before; nothing was added */
    const char *format;          /* what the file turned out to be */
    char run_id[RUN_ID_SIZE];    /* the (last) run that holds it */
};
/* Recognises the file by its content: lm-eval results JSON (the samples_*.jsonl beside it are taken
 * along), an lm-eval samples JSONL alone, llama-bench JSON (-o json or jsonl), a CSV score table
 * (columns model, task, metric, value; optional filter, stderr, low, high, n, shots, version,
 * parameters, file_bytes), what export_run wrote as "json" (the run as it was, under its own id and
 * label where those are free and store_label would give the label), a results file of ours: its
 * complete runs as they are, and what probes found of their models.  A model that is here stays as
 * it is known; of a duplicate in JSON nothing is taken, of one in a results file the probes. */
int import_file(struct store *s, const char *path, struct import_result *out, struct err *e);
/* The same for a content that has been read; name is used as the path. */
int import_bytes(struct store *s, const char *name, const char *bytes, size_t n,
                 struct import_result *out, struct err *e);

#endif
