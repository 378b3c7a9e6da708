/* prune.c -- which nights keep their runs, and the end of the others'. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "results/internal.h"
#include "results/nights.h"

/* Days since 0000-03-01 of "2026-11-26" (Gregorian); 0 for anything else. */
static long day_number(const char *date)
{
    int y, m, d;

    if (!date || sscanf(date, "%d-%d-%d", &y, &m, &d) != 3 || m < 1 || m > 12)
        return 0;
    y -= m <= 2;
    m += m <= 2 ? 9 : -3;
    return 365L * y + y / 4 - y / 100 + y / 400 + (153L * m + 2) / 5 + d - 1;
}

/* Monday to Sunday; 0000-03-01 was a Wednesday. */
static long week_number(const char *date)
{
    return (day_number(date) + 2) / 7;
}

/* Is v[i] the first night of its week in its plan?  The list is newest first. */
static int begins_week(const struct night_list *l, size_t i)
{
    for (size_t k = i + 1; k < l->n; k++)
        if (l->v[k].plan_id == l->v[i].plan_id)
            return week_number(l->v[k].date) != week_number(l->v[i].date);
    return 1;
}

static int is_first(const struct night_list *l, size_t i)
{
    for (size_t k = i + 1; k < l->n; k++)
        if (l->v[k].plan_id == l->v[i].plan_id)
            return 0;
    return 1;
}

static int is_kept(const struct night_list *l, size_t i, const struct prune_rule *rule)
{
    int newer = 0, weeks = 0;

    for (size_t k = 0; k < i; k++)
        if (l->v[k].plan_id == l->v[i].plan_id) {
            newer++;
            weeks += begins_week(l, k);
        }
    if (newer < rule->last || is_first(l, i))
        return 1;
    return rule->weekly != 0 && begins_week(l, i) && (rule->weekly < 0 || weeks < rule->weekly);
}

struct doomed {
    int64_t id;
    char run[RUN_ID_SIZE];
};

static int runs_of(struct db *db, int64_t night, struct doomed **out, size_t *n, struct err *e)
{
    struct stmt st;
    size_t cap = 0;
    int rc = db_query(db, &st, SQL_PRUNABLE, e, "i", night);

    *n = 0;
    *out = NULL;
    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (mem_grow(out, &cap, *n + 1, sizeof **out) < 0) {
            rc = err_nomem(e);
            break;
        }
        (*out)[*n].id = db_int(&st, 0);
        snprintf((*out)[(*n)++].run, RUN_ID_SIZE, "%s", db_text(&st, 1));
    }
    db_done(&st);
    return rc < 0 ? -1 : 0;
}

static int prune_night(struct store *s, const struct night_row *night, int dry,
                       void (*each)(void *user, const struct pruned *p), void *user, struct err *e)
{
    struct doomed *v = NULL;
    size_t n = 0;
    int rc = runs_of(s->db, night->id, &v, &n, e);

    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct pruned p = {v[i].run, night->plan, night->date, night->n};
        if (!dry && db_run(s->db, SQL_RUN_DELETE, e, "i", v[i].id) < 0)
            rc = -1;
        else
            each(user, &p);
    }
    mem_free(v);
    return rc < 0 ? -1 : (int)n;
}

int store_prune(struct store *s, const struct prune_rule *rule, int dry,
                void (*each)(void *user, const struct pruned *p), void *user, struct err *e)
{
    struct night_list l;
    int total = 0, n = 0;

    if (query_nights(s, NULL, NULL, 0, &l, e) < 0)
        return -1;
    for (size_t i = l.n; i-- > 0 && n >= 0;) {
        if (is_kept(&l, i, rule))
            continue;
        n = prune_night(s, &l.v[i], dry, each, user, e);
        total += n;
    }
    night_list_release(&l);
    if (n >= 0 && total && !dry)
        n = db_exec(s->db, "DELETE FROM docs WHERE hash NOT IN"
                           " (SELECT doc_hash FROM items WHERE doc_hash IS NOT NULL)", e);
    return n < 0 ? -1 : total;
}
