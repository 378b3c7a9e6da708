#include "results/likelihoods.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "results/internal.h"

static int set_seal(const struct likelihood_about *a, char seal[SHA256_HEX], struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    int rc = -1;

    json_begin_array(&o, NULL);
    json_put_str(&o, NULL, a->model_sha256);
    json_put_str(&o, NULL, a->numerics_id);
    json_put_str(&o, NULL, a->device);
    json_put_str(&o, NULL, a->settings);
    json_end_array(&o);
    if (strbuf_ok(&b, e) == 0)
        rc = sha256_bytes(seal, b.s, b.len, e);
    strbuf_release(&b);
    return rc;
}

static int row_seal(const char *set, const struct likelihood *v, char seal[SHA256_HEX],
                    struct err *e)
{
    char text[SHA256_HEX + LIKELIHOOD_KEY + 64];
    int n = snprintf(text, sizeof text, "%s %s %a %d", set, v->request, v->nats, v->is_greedy);

    if (sha256_bytes(seal, text, (size_t)n, e) < 0)
        return -1;
    seal[SEAL] = 0;
    return 0;
}

static int open_in_transaction(struct db *db, const struct likelihood_about *a,
                               struct likelihood_set *out, struct err *e)
{
    int found;

    if (db_run(db, SQL_LIKELIHOOD_SET_PUT, e, "tttt", a->model_sha256, a->numerics_id, a->device,
               a->settings) < 0)
        return -1;
    return db_get_int(db, SQL_LIKELIHOOD_SET_ID, &out->id, &found, e, "tttt", a->model_sha256,
                      a->numerics_id, a->device, a->settings);
}

int likelihood_set_open(struct store *s, const struct likelihood_about *about,
                        struct likelihood_set *out, struct err *e)
{
    if (set_seal(about, out->seal, e) < 0 || db_begin(s->db, e) < 0)
        return -1;
    if (open_in_transaction(s->db, about, out, e) < 0) {
        db_rollback(s->db);
        return -1;
    }
    return db_commit(s->db, e);
}

int likelihood_find(struct store *s, const struct likelihood_set *set, struct likelihood *io,
                    struct err *e)
{
    char seal[SHA256_HEX];
    struct stmt st;
    int rc = db_query(s->db, &st, SQL_LIKELIHOOD, e, "it", set->id, io->request);

    if (rc == 0 && (rc = db_step(&st, e)) == 1) {
        const char *kept = db_text(&st, 2);
        io->nats = db_num(&st, 0);
        io->is_greedy = (int)db_int(&st, 1);
        if (row_seal(set->seal, io, seal, e) < 0)
            rc = -1;
        else
            rc = kept && strcmp(kept, seal) == 0;
    }
    db_done(&st);
    return rc;
}

static int keep_row(struct db *db, int64_t id, const char *set_seal, const void *rows, int i,
                    struct err *e)
{
    const struct likelihood *v = (const struct likelihood *)rows + i;
    char seal[SHA256_HEX];
    int added;

    if (row_seal(set_seal, v, seal, e) < 0)
        return -1;
    added = db_change(db, SQL_LIKELIHOOD_PUT, e, "itdnt", id, v->request, v->nats, v->is_greedy,
                      seal);
    if (added == 0 && db_run(db, SQL_LIKELIHOOD_REPLACE, e, "dntit", v->nats, v->is_greedy, seal,
                             id, v->request) < 0)
        return -1;
    return added;
}

static const struct kept_sets likelihood_sets = {
    SQL_LIKELIHOOD_ROWS, SQL_LIKELIHOOD_SETS, SQL_LIKELIHOOD_SET_GROW, SQL_LIKELIHOOD_SET_DELETE,
    keep_row,
};

int likelihood_keep(struct store *s, const struct likelihood_set *set, const struct likelihood *v,
                    int n, int64_t most, struct err *e)
{
    return sets_keep(s->db, &likelihood_sets, set->id, set->seal, v, n, most, e);
}

int64_t likelihood_prune(struct store *s, int64_t most, int dry, struct err *e)
{
    return sets_prune(s->db, &likelihood_sets, most, 0, dry, e);
}

int likelihoods_check(struct db *db, void (*found)(void *user, const char *defect), void *user,
                      struct err *e)
{
    struct stmt st;
    int rc = db_query(db, &st, SQL_LIKELIHOODS, e, ""), n = 0;

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        struct likelihood v = {.nats = db_num(&st, 1), .is_greedy = (int)db_int(&st, 2)};
        const char *request = db_text(&st, 0), *seal = db_text(&st, 3);
        char set[SHA256_HEX], want[SHA256_HEX], defect[LIKELIHOOD_KEY + 80];
        const struct likelihood_about about = {db_text(&st, 4), db_text(&st, 5), db_text(&st, 6),
                                               db_text(&st, 7)};
        snprintf(v.request, sizeof v.request, "%s", request ? request : "");
        if (set_seal(&about, set, e) < 0 || row_seal(set, &v, want, e) < 0)
            rc = -1;
        else if (!seal || strcmp(seal, want) != 0) {
            snprintf(defect, sizeof defect, "likelihood of request %s: not as it was kept",
                     v.request);
            found(user, defect);
            n++;
        }
    }
    db_done(&st);
    return rc < 0 ? -1 : n;
}
