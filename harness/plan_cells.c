/* plan_cells.c -- a plan's grid as processes, in the order to run them (statistics.md 5.2).
 *
 * A unit is a model on a device with settings and either tasks or a speed test.  Units are spread
 * over rounds and shuffled within them by the plan's seed alone: one plan is one list. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/splitmix.h"
#include "harness/plan.h"
#include "harness/plan_impl.h"

struct unit {
    const char *kind, *model;
    const char *series[2], *argv[2]; /* by arm; an evaluation has one */
    int rounds;                      /* blocks of A B B A; an evaluation: 0 */
};

struct units {
    struct unit *v;
    size_t n, cap;
};

/* Member i of a list that may be a single value or absent; absent counts as one NULL. */
static const cJSON *entry_at(const cJSON *list, int i)
{
    return cJSON_IsArray(list) ? cJSON_GetArrayItem(list, i) : list;
}

static int entries(const cJSON *list)
{
    return cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 1;
}

/* --- words of a command ---------------------------------------------------------------------- */

static void put_list_value(struct strbuf *b, const cJSON *j)
{
    if (!cJSON_IsArray(j)) {
        strbuf_addf(b, "%.0f", j->valuedouble);
        return;
    }
    for (const cJSON *m = j->child; m; m = m->next)
        strbuf_addf(b, "%s%.0f", m == j->child ? "" : ",", m->valuedouble);
}

/* The value of a field as typed on a command line. */
static void put_value(struct strbuf *b, const struct plan_field *f, const cJSON *j)
{
    if (cJSON_IsString(j))
        strbuf_adds(b, j->valuestring);
    else if (cJSON_IsNumber(j) || f->kind == PLAN_INTS)
        put_list_value(b, j);
}

/* Words for the command, and the same for people: " limit=20". */
static void put_options(struct json_out *o, struct strbuf *series, const struct plan_object *object,
                        const cJSON *j)
{
    for (const struct plan_field *f = object->fields; f->key; f++) {
        const cJSON *v = json_get(j, f->key);
        struct strbuf word = STRBUF_INIT, value = STRBUF_INIT;
        if (!f->option || !v || cJSON_IsFalse(v))
            continue;
        strbuf_addf(&word, "--%s", f->option);
        put_value(&value, f, v);
        json_put_str(o, NULL, strbuf_str(&word));
        if (value.len)
            json_put_str(o, NULL, strbuf_str(&value));
        if (strcmp(f->key, "tasks") == 0)
            strbuf_addf(series, " %s", strbuf_str(&value));
        else
            strbuf_addf(series, value.len ? " %s=%s" : " %s%s", f->key, strbuf_str(&value));
        o->b->failed |= word.failed | value.failed;
        strbuf_release(&word);
        strbuf_release(&value);
    }
}

static const char *plain_or(const cJSON *entry, const char *key)
{
    return cJSON_IsString(entry) ? entry->valuestring : json_str(entry, key);
}

struct spot { /* in the grid */
    const cJSON *model, *settings, *what;
    const char *device;
    int is_bench;
};

static void put_command(const struct plan *p, const struct spot *s, int arm, struct json_out *o,
                        struct strbuf *series)
{
    const char *model = plain_or(s->model, "model"), *name = json_str(s->model, "name");
    const char *build = s->is_bench ? plan_build(p, arm) : NULL;
    const cJSON *data = json_get(p->json, "data");

    strbuf_addf(series, "%s [%s", name ? name : path_base(model), s->device);
    json_begin_array(o, NULL);
    json_put_str(o, NULL, build ? build : PLAN_SELF);
    json_put_str(o, NULL, s->is_bench ? "bench" : "eval");
    json_put_str(o, NULL, model);
    json_put_str(o, NULL, "--device");
    json_put_str(o, NULL, s->device);
    put_options(o, series, &plan_object_settings, s->settings);
    strbuf_adds(series, s->is_bench ? "] bench" : "]");
    if (cJSON_IsString(s->what)) {
        json_put_str(o, NULL, "--tasks");
        json_put_str(o, NULL, s->what->valuestring);
        strbuf_addf(series, " %s", s->what->valuestring);
    } else {
        put_options(o, series, s->is_bench ? &plan_object_bench : &plan_object_task, s->what);
    }
    if (s->is_bench && !json_get(s->what, "samples")) {
        json_put_str(o, NULL, "--repeats");
        json_put_str(o, NULL, "1");
    }
    for (int i = 0; !s->is_bench && data && i < entries(data); i++) {
        json_put_str(o, NULL, "--data");
        json_put_str(o, NULL, cJSON_GetStringValue(entry_at(data, i)));
    }
    if (!s->is_bench)
        json_put_str(o, NULL, "--no-cache"); /* a night measures the program of that night */
    json_put_str(o, NULL, "--quiet");
    json_end_array(o);
    if (build)
        strbuf_addf(series, " @%c:%s", "AB"[arm], path_base(build));
}

static int add_unit(struct plan *p, struct units *u, const struct spot *s, struct err *e)
{
    struct unit *new;
    int failed = 0;

    if (mem_grow(&u->v, &u->cap, u->n + 1, sizeof *u->v) < 0)
        return err_nomem(e);
    new = &u->v[u->n++];
    *new = (struct unit){.kind = s->is_bench ? "bench" : "eval",
                         .model = plain_or(s->model, "model")};
    new->rounds = s->is_bench ? (int)json_num(s->what, "repeats", 10) / 2 : 0;
    for (int arm = 0; arm < (s->is_bench ? 2 : 1); arm++) {
        struct strbuf argv = STRBUF_INIT, series = STRBUF_INIT;
        struct json_out o = JSON_OUT(&argv);
        put_command(p, s, arm, &o, &series);
        failed |= argv.failed | series.failed;
        new->argv[arm] = arena_strdup(&p->arena, strbuf_str(&argv));
        new->series[arm] = arena_strdup(&p->arena, strbuf_str(&series));
        failed |= !new->argv[arm] || !new->series[arm];
        strbuf_release(&argv);
        strbuf_release(&series);
    }
    return failed ? err_nomem(e) : 0;
}

/* --- the grid -------------------------------------------------------------------------------- */

static int add_asked(struct plan *p, struct units *u, struct spot *s, const char *key,
                     struct err *e)
{
    const cJSON *list = json_get(p->json, key);

    s->is_bench = strcmp(key, "bench") == 0;
    for (int i = 0; list && i < cJSON_GetArraySize(list); i++) {
        s->what = cJSON_GetArrayItem(list, i);
        if (add_unit(p, u, s, e) < 0)
            return -1;
    }
    return 0;
}

static int add_units(struct plan *p, struct units *u, struct err *e)
{
    const cJSON *models = json_get(p->json, "models"), *devices = json_get(p->json, "devices");
    const cJSON *settings = json_get(p->json, "settings");

    for (int m = 0; m < entries(models); m++)
        for (int d = 0; d < entries(devices); d++)
            for (int i = 0; i < entries(settings); i++) {
                const char *device = cJSON_GetStringValue(entry_at(devices, d));
                struct spot s = {.model = entry_at(models, m), .settings = entry_at(settings, i),
                                 .device = device ? device : "cpu"};
                if (add_asked(p, u, &s, "tasks", e) < 0 || add_asked(p, u, &s, "bench", e) < 0)
                    return -1;
            }
    return 0;
}

/* --- the order ------------------------------------------------------------------------------- */

struct block {
    int unit, round;
};

static void shuffle(struct block *b, size_t n, uint64_t *state)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)splitmix64_below(state, i);
        struct block swap = b[i - 1];
        b[i - 1] = b[k];
        b[k] = swap;
    }
}

/* Blocks by round; evaluations fall into any. */
static int put_blocks(const struct units *u, uint64_t *state, struct block **out, size_t *n,
                      struct err *e)
{
    struct block *b = NULL, *chosen = NULL;
    size_t count = 0, cap = 0, from;
    int rounds = 1, rc = -1;
    int *round_of = mem_calloc(u->n + 1, sizeof *round_of);

    if (!round_of)
        return err_nomem(e);
    for (size_t i = 0; i < u->n; i++)
        rounds = u->v[i].rounds > rounds ? u->v[i].rounds : rounds;
    for (size_t i = 0; i < u->n; i++)
        if (u->v[i].rounds == 0)
            round_of[i] = (int)splitmix64_below(state, (uint64_t)rounds);
    for (int r = 0; r < rounds; r++) {
        from = count;
        for (size_t i = 0; i < u->n; i++) {
            if (u->v[i].rounds ? r >= u->v[i].rounds : r != round_of[i])
                continue;
            if (mem_grow(&b, &cap, count + 1, sizeof *b) < 0) {
                err_nomem(e);
                goto out;
            }
            b[count++] = (struct block){(int)i, r};
        }
        if (count > from)
            shuffle(b + from, count - from, state);
    }
    chosen = b;
    b = NULL;
    rc = 0;
out:
    mem_free(b);
    mem_free(round_of);
    *out = chosen;
    *n = count;
    return rc;
}

static int add_cell(struct cells *c, const struct unit *u, int block, int place, int arm,
                    struct err *e)
{
    if (mem_grow(&c->v, &c->cap, c->n + 1, sizeof *c->v) < 0)
        return err_nomem(e);
    c->v[c->n++] = (struct cell_spec){.block = block, .place = place, .series = u->series[arm],
                                      .kind = u->kind, .arm = arm, .argv = u->argv[arm],
                                      .model = u->model};
    return 0;
}

static int add_cells(struct cells *c, const struct units *u, const struct block *b, size_t n,
                     uint64_t *state, struct err *e)
{
    static const int order[2][4] = {{0, 1, 1, 0}, {1, 0, 0, 1}};

    for (size_t i = 0; i < n; i++) {
        const struct unit *unit = &u->v[b[i].unit];
        const int *arms = order[unit->rounds ? splitmix64_next(state) >> 63 : 0];
        for (int place = 0; place < (unit->rounds ? 4 : 1); place++)
            if (add_cell(c, unit, (int)i, place, arms[place], e) < 0)
                return -1;
    }
    return 0;
}

int plan_cells(struct plan *p, struct cells *out, struct err *e)
{
    struct units u = {0};
    struct block *b = NULL;
    uint64_t state = (uint64_t)p->seed;
    size_t n = 0;
    int rc = -1;

    *out = (struct cells){0};
    if (add_units(p, &u, e) == 0 && put_blocks(&u, &state, &b, &n, e) == 0)
        rc = add_cells(out, &u, b, n, &state, e);
    if (rc < 0)
        cells_release(out);
    mem_free(b);
    mem_free(u.v);
    return rc;
}

void cells_release(struct cells *c)
{
    mem_free(c->v);
    *c = (struct cells){0};
}
