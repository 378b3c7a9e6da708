#include "results/encodings.h"

#include <stdio.h>
#include <string.h>

#include "results/internal.h"

static int seal_of(char seal[SHA256_HEX], const char *a, const char *b, const char *c,
                   struct err *e)
{
    struct strbuf text = STRBUF_INIT;
    int rc = -1;

    strbuf_addf(&text, "%s\n%s\n%s", a, b, c);
    if (strbuf_ok(&text, e) == 0)
        rc = sha256_bytes(seal, text.s, text.len, e);
    strbuf_release(&text);
    return rc;
}

static int row_seal(char seal[SHA256_HEX], const char *set, const char *query,
                    const char *requests, struct err *e)
{
    int rc = seal_of(seal, set, query, requests, e);

    seal[SEAL] = 0;
    return rc;
}

static int open_in_transaction(struct db *db, const char *tokenizer_sha256, const char *rules,
                               struct encoding_set *out, struct err *e)
{
    int found;

    if (db_run(db, SQL_ENCODING_SET_PUT, e, "tt", tokenizer_sha256, rules) < 0)
        return -1;
    return db_get_int(db, SQL_ENCODING_SET_ID, &out->id, &found, e, "tt", tokenizer_sha256, rules);
}

int encoding_set_open(struct store *s, const char *tokenizer_sha256, const char *rules,
                      struct encoding_set *out, struct err *e)
{
    if (seal_of(out->seal, "encodings", tokenizer_sha256, rules, e) < 0 || db_begin(s->db, e) < 0)
        return -1;
    if (open_in_transaction(s->db, tokenizer_sha256, rules, out, e) < 0) {
        db_rollback(s->db);
        return -1;
    }
    return db_commit(s->db, e);
}

int encoding_find(struct store *s, const struct encoding_set *set, const char *query,
                  struct strbuf *requests, struct err *e)
{
    char seal[SHA256_HEX];
    struct stmt st;
    int rc = db_query(s->db, &st, SQL_ENCODING, e, "it", set->id, query);

    if (rc == 0 && (rc = db_step(&st, e)) == 1) {
        const char *kept = db_text(&st, 0), *of = db_text(&st, 1);
        if (!kept || !of)
            rc = 0;
        else if (row_seal(seal, set->seal, query, kept, e) < 0)
            rc = -1;
        else if ((rc = strcmp(of, seal) == 0))
            strbuf_adds(requests, kept);
    }
    db_done(&st);
    return rc;
}

static int keep_row(struct db *db, int64_t id, const char *set_seal, const void *rows, int i,
                    struct err *e)
{
    const struct encoding *v = (const struct encoding *)rows + i;
    char seal[SHA256_HEX];
    int added;

    if (row_seal(seal, set_seal, v->query, v->requests, e) < 0)
        return -1;
    added = db_change(db, SQL_ENCODING_PUT, e, "ittt", id, v->query, v->requests, seal);
    if (added == 0 && db_run(db, SQL_ENCODING_REPLACE, e, "ttit", v->requests, seal, id,
                             v->query) < 0)
        return -1;
    return added;
}

static const struct kept_sets encoding_sets = {
    SQL_ENCODING_ROWS, SQL_ENCODING_SETS, SQL_ENCODING_SET_GROW, SQL_ENCODING_SET_DELETE, keep_row,
};

int encoding_keep(struct store *s, const struct encoding_set *set, const struct encoding *v, int n,
                  int64_t most, struct err *e)
{
    return sets_keep(s->db, &encoding_sets, set->id, set->seal, v, n, most, e);
}

int64_t encoding_prune(struct store *s, int64_t most, int dry, struct err *e)
{
    return sets_prune(s->db, &encoding_sets, most, 0, dry, e);
}

int encodings_check(struct db *db, void (*found)(void *user, const char *defect), void *user,
                    struct err *e)
{
    struct stmt st;
    int rc = db_query(db, &st, SQL_ENCODINGS, e, ""), n = 0;

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        const char *query = db_text(&st, 0), *requests = db_text(&st, 1), *seal = db_text(&st, 2);
        const char *tokenizer = db_text(&st, 3), *rules = db_text(&st, 4);
        char set[SHA256_HEX], want[SHA256_HEX] = "", defect[LIKELIHOOD_KEY + 80];
        int whole = query && requests && seal && tokenizer && rules;
        if (whole && (seal_of(set, "encodings", tokenizer, rules, e) < 0 ||
                      row_seal(want, set, query, requests, e) < 0))
            rc = -1;
        else if (!whole || strcmp(seal, want) != 0) {
            snprintf(defect, sizeof defect, "encoding of query %.40s: not as it was kept",
                     query ? query : "");
            found(user, defect);
            n++;
        }
    }
    db_done(&st);
    return rc < 0 ? -1 : n;
}
