/* put.c -- one row of each kind into its tables.  Callers hold the transaction. */
#include <math.h>
#include <string.h>

#include "base/sha256.h"
#include "base/strbuf.h"
#include "results/internal.h"

static int put_by(struct db *db, enum sql put, const struct store_model *m, int64_t *id,
                  struct err *e)
{
    struct strbuf key = STRBUF_INIT;
    int rc = -1;

    if (!m->name)
        return err_set(e, ERR_INVALID, "%s: a model without a name", db_path(db));
    if (m->sha256)
        strbuf_adds(&key, m->sha256);
    else
        strbuf_addf(&key, "name:%s", m->name);
    if (strbuf_ok(&key, e) < 0 ||
        db_run(db, put, e, "tttttttuuuuud", key.s, m->sha256, m->name, m->path,
               m->architecture, m->licence, m->tensor_types, m->parameters,
               m->parameters_non_embedding, m->parameters_embedding, m->parameters_active,
               m->file_bytes, m->bits_per_weight) < 0 ||
        db_get_int(db, SQL_MODEL_ID, id, NULL, e, "t", key.s) < 0)
        goto out;
    rc = 0;
out:
    strbuf_release(&key);
    return rc;
}

int put_model(struct db *db, const struct store_model *m, int64_t *id, struct err *e)
{
    return put_by(db, SQL_MODEL_PUT, m, id, e);
}

int add_model(struct db *db, const struct store_model *m, int64_t *id, struct err *e)
{
    return put_by(db, SQL_MODEL_ADD, m, id, e);
}

int put_machine(struct db *db, const struct store_machine *m, int64_t *id, struct err *e)
{
    char hash[SHA256_HEX];

    if (sha256_bytes(hash, m->json, strlen(m->json), e) < 0 ||
        db_run(db, SQL_MACHINE_PUT, e, "ttt", hash, m->name, m->json) < 0)
        return -1;
    return db_get_int(db, SQL_MACHINE_ID, id, NULL, e, "t", hash);
}

int new_run_id(struct db *db, char run[RUN_ID_SIZE], struct err *e)
{
    int found = 1;

    while (found) {
        struct stmt st;
        int64_t id;
        int rc = db_query(db, &st, SQL_RUN_NEW_ID, e, "");
        if (rc == 0)
            rc = db_step(&st, e);
        if (rc == 1) {
            const char *hex = db_text(&st, 0);
            size_t n = hex ? strnlen(hex, RUN_ID_SIZE - 1) : 0;
            if (n)
                memcpy(run, hex, n);
            else
                rc = err_nomem(e);
            run[n] = 0;
        }
        db_done(&st);
        if (rc < 0 || db_get_int(db, SQL_RUN_EXISTS, &id, &found, e, "t", run) < 0)
            return -1;
    }
    return 0;
}

int put_run(struct db *db, const struct run_new *n, const struct store_run_spec *spec,
            int64_t *id, char run[RUN_ID_SIZE], struct err *e)
{
    char hash[SHA256_HEX];

    if (sha256_bytes(hash, spec->settings, strlen(spec->settings), e) < 0 ||
        new_run_id(db, run, e) < 0 ||
        db_run(db, SQL_RUN_PUT, e, "tttttttttttvuiut", run, n->kind, n->key, n->status,
               spec->command_line, spec->settings, hash, spec->program_version,
               spec->numerics_id, spec->kernels, spec->device, spec->threads, spec->seed,
               n->model_id, n->machine_id, n->source) < 0)
        return -1;
    *id = db_last_id(db);
    return 0;
}

int put_task(struct db *db, int64_t run_id, const struct store_task *t, struct err *e)
{
    return db_run(db, SQL_TASK_PUT, e, "itvvnt", run_id, t->task, t->version, t->shots,
                  t->n_expected, t->data_sha256);
}

int put_item(struct db *db, int64_t run_task_id, const struct store_item *it, struct err *e)
{
    int changed = db_change(db, SQL_ITEM_PUT, e, "inttttvttttdduuuuut", run_task_id, it->doc_id,
                            it->doc_hash, it->prompt_hash, it->cluster, it->gold, it->gold_index,
                            it->prediction, it->output, it->filtered, it->arguments,
                            it->latency_s, it->ttft_s, it->prompt_tokens, it->computed_tokens,
                            it->reused_tokens, it->cached_tokens, it->generated_tokens,
                            it->error);
    int64_t id;

    if (changed <= 0)
        return changed < 0 ? -1 : 1;
    id = db_last_id(db);
    if (it->doc && it->doc_hash && db_run(db, SQL_DOC_PUT, e, "tt", it->doc_hash, it->doc) < 0)
        return -1;
    for (int i = 0; i < it->n_metrics; i++) {
        const struct store_metric *m = &it->metrics[i];
        if (db_run(db, SQL_ITEM_METRIC_PUT, e, "ittndd", id, m->metric, m->filter, i, m->value,
                   m->weight) < 0)
            return -1;
    }
    for (int i = 0; i < it->n_requests; i++) {
        const struct store_request *q = &it->requests[i];
        if (db_run(db, SQL_REQUEST_PUT, e, "indvvv", id, i, q->loglikelihood, q->is_greedy,
                   q->n_tokens, q->n_bytes) < 0)
            return -1;
    }
    return 0;
}

int put_task_result(struct db *db, int64_t run_task_id, const struct store_task_result *t,
                    struct err *e)
{
    if (db_run(db, SQL_TASK_SCORED, e, "vi", t->n, run_task_id) < 0 ||
        db_run(db, SQL_VALUES_CLEAR, e, "i", run_task_id) < 0 ||
        db_run(db, SQL_COSTS_CLEAR, e, "i", run_task_id) < 0)
        return -1;
    for (int i = 0; i < t->n_values; i++) {
        const struct store_value *v = &t->values[i];
        if (db_run(db, SQL_VALUE_PUT, e, "ittndddd", run_task_id, v->metric,
                   v->filter ? v->filter : "none", i, v->value, v->stderr_, v->low, v->high) < 0)
            return -1;
    }
    for (int i = 0; i < t->n_costs; i++)
        if (db_run(db, SQL_COST_PUT, e, "itd", run_task_id, t->costs[i].metric,
                   t->costs[i].value) < 0)
            return -1;
    return 0;
}

int put_bench(struct db *db, int64_t run_id, const struct store_bench *b, struct err *e)
{
    int changed = db_change(db, SQL_BENCH_PUT, e, "itnnnttut", run_id, b->test, b->depth,
                            b->batch, b->threads, b->device ? b->device : "",
                            b->rival ? b->rival : "", b->tokens, b->noise);
    int64_t id;

    if (changed <= 0)
        return changed < 0 ? -1 : 1;
    id = db_last_id(db);
    for (int i = 0; i < b->n_samples; i++)
        if (db_run(db, SQL_BENCH_SAMPLE_PUT, e, "ind", id, i, b->samples[i]) < 0)
            return -1;
    for (int i = 0; i < b->n_values; i++) {
        const struct store_value *v = &b->values[i];
        if (db_run(db, SQL_BENCH_VALUE_PUT, e, "itndddd", id, v->metric, i, v->value, v->stderr_,
                   v->low, v->high) < 0)
            return -1;
    }
    for (int i = 0; i < b->n_served; i++) {
        const struct store_served *q = &b->served[i];
        if (db_run(db, SQL_SERVED_PUT, e, "inttdddddnnntt", id, i, q->state, q->reason,
                   q->arrival_s, q->start_s, q->first_s, q->last_s, q->end_s, q->prompt,
                   q->wanted, q->generated, q->token_s, q->output_sha256) < 0)
            return -1;
    }
    return 0;
}
