/* probes.h -- what probes of a model found: indicators beside its runs, never verdicts.
 *
 * A probe belongs to a model, a task and its settings; the same once more replaces what was there.
 * Lists own everything in them (one arena, one release).  Unknown: NAN, NULL. */
#ifndef RESULTS_PROBES_H
#define RESULTS_PROBES_H

#include "base/arena.h"
#include "base/err.h"
#include "results/store.h"

struct store_probe_value {
    const char *name; /* in words: "moved by 1", "range" */
    double value, stderr_;
};
struct store_probe {
    const char *probe; /* what was varied: "order", "case", ... */
    const char *task, *metric; /* metric NULL: of no score */
    const char *settings;      /* JSON: what may change the outcome */
    const char *numerics_id, *program_version;
    int version, n_items; /* of the task */
    const struct store_probe_value *values;
    int n_values;
    const char *created; /* UTC; put: NULL is now */
    const char *model, *model_sha256; /* put: ignored */
};

/* Keeps it, in the place of the same one; one transaction. */
int probe_put(struct store *s, const struct store_model *model, const struct store_probe *p,
              struct err *e);

struct store_probe_list {
    struct store_probe *v; /* newest first */
    size_t n;
    struct arena arena;
};
/* model_sha256 NULL: of all models. */
int query_probes(struct store *s, const char *model_sha256, struct store_probe_list *out,
                 struct err *e);
void store_probe_list_release(struct store_probe_list *l);

/* What `from` has of a model, into `to`, within the caller's transaction; nothing of a model
 * without a hash. */
struct db;
int probes_carry(struct store *from, struct db *to, const struct store_model *model,
                 struct err *e);

#endif
