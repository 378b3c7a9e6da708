/* exchange_internal.h -- what the formats share: the run that an import fills. */
#ifndef RESULTS_EXCHANGE_INTERNAL_H
#define RESULTS_EXCHANGE_INTERNAL_H

#include "base/json.h"
#include "base/out.h"
#include "base/sha256.h"
#include "results/exchange.h"
#include "results/internal.h"

#define IMPORT_BYTES_MAX ((size_t)1 << 30)

struct import {
    struct store *store;
    struct db *db;
    const char *path;
    char hash[SHA256_HEX]; /* of the file */
    const char *bytes;     /* its content, n_bytes of it */
    size_t n_bytes;
    const char *format;
    struct import_result *result;
    int64_t run_id; /* of the last import_run */
};

/* A complete run of kind "import" for this model; settings: JSON. */
int import_run(struct import *im, const struct store_model *m, const char *settings,
               struct err *e);
/* The id of a task of the run, written first where it is new. */
int import_task(struct import *im, const struct store_task *t, int64_t *id, struct err *e);
/* A label that comes with a run; NULL in *label where it is none that `label` would give. */
int import_label(struct import *im, const char **label, struct err *e);
/* Remembers that this content (hash) went into the current run. */
int import_remember(struct import *im, const char *hash, const char *path, struct err *e);

int import_first(const struct import *im); /* the first byte that is no blank; 0: none */

/* Readers: the transaction is the caller's. */
int import_lmeval(struct import *im, struct err *e);
int import_lmeval_samples(struct import *im, struct err *e);
int import_llamabench(struct import *im, struct err *e);
int import_csv(struct import *im, struct err *e);
int import_export(struct import *im, struct err *e); /* what export_json writes */

/* 1 when this content (hash) is known, and then *result says so; 0, -1. */
int import_known(struct import *im, struct err *e);

/* A results file of ours, by its first bytes; a transaction of its own. */
int import_is_sqlite(const char *path);
int import_sqlite(struct store *s, const char *path, struct import_result *out, struct err *e);

/* Writers.  id is a whole run id. */
int export_lmeval(struct store *s, const char *id, const char *to, struct err *e);
int export_csv(struct store *s, const char *id, const char *to, struct err *e);
int export_json(struct store *s, const char *id, const char *to, struct err *e);
int export_sqlite(struct store *s, const char *id, const char *to, struct err *e);

/* JSON lines of a text in memory: 1 with the next object (json_free), 0 at the end, -1. */
struct json_lines {
    const char *path, *at, *end;
    size_t line;
};
int json_lines_next(struct json_lines *l, cJSON **out, struct err *e);

#endif
