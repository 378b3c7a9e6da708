/* plan.c -- reading a plan and saying what is wrong with it, by the rows of plan_schema.c. */
#include "harness/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_place.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "harness/command.h"
#include "harness/plan_impl.h"
#include "harness/select.h"

#define PLAN_MAX (1 << 20) /* bytes of a plan file */
#define DEPTH_MAX 8

const char *const failure_names[FAILURES] = {"error", "crash", "memory", "time"};

/* --- checking ----------------------------------------------------------------------------- */

struct checker {
    struct plan *p;
    int path[DEPTH_MAX], depth;
    struct err *e;
};

/* "FILE:LINE:COLUMN: " and the text; the place is that of the value, or of its key. */
static int wrong(struct checker *c, int at_key, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int wrong(struct checker *c, int at_key, const char *fmt, ...)
{
    struct json_place at = json_place(strbuf_str(&c->p->text), c->p->text.len, c->path, c->depth,
                                      at_key);
    struct strbuf b = STRBUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    strbuf_vaddf(&b, fmt, ap);
    va_end(ap);
    err_set(c->e, ERR_USAGE, "%s:%d:%d: %s", c->p->path, at.line, at.column, strbuf_str(&b));
    strbuf_release(&b);
    return -1;
}

static int unknown_key(struct checker *c, const struct plan_object *o, const char *key)
{
    struct suggest s = SUGGEST(key);

    for (const struct plan_field *f = o->fields; f->key; f++)
        suggest_offer(&s, f->key);
    wrong(c, 1, "%s has no \"%s\"", o->name, key);
    if (suggest_best(&s))
        err_hint(c->e, "did you mean \"%s\"?", suggest_best(&s));
    else
        err_hint(c->e, "'densimeter run --schema' prints what there is");
    return -1;
}

/* "512M": bytes with k, M or G; negative when it is none. */
static double size_of(const cJSON *j)
{
    static const char units[] = "kMG";
    const char *text = cJSON_GetStringValue(j), *unit;
    char *end;
    double v;

    if (cJSON_IsNumber(j))
        return j->valuedouble;
    if (!text || *text < '0' || *text > '9')
        return -1;
    v = strtod(text, &end);
    unit = *end ? strchr(units, *end) : NULL;
    for (int i = 0; unit && i <= unit - units; i++)
        v *= 1024;
    return *end == 0 || (unit && end[1] == 0) ? v : -1;
}

static int check_number(struct checker *c, const struct plan_field *f, const cJSON *j)
{
    int whole = f->kind == PLAN_INT || f->kind == PLAN_INTS;
    double v = f->kind == PLAN_SIZE ? size_of(j) : j->valuedouble;

    if ((f->kind == PLAN_SIZE ? v < 0 : !cJSON_IsNumber(j)) || !isfinite(v) ||
        (whole && v != floor(v)))
        return wrong(c, 0, "\"%s\" must be %s", f->key,
                     f->kind == PLAN_SIZE ? "bytes, as a number or like \"512M\""
                     : whole              ? "a whole number"
                                          : "a number");
    if ((f->low != 0 || f->high != 0) && (v < f->low || v > f->high))
        return wrong(c, 0, "\"%s\" is %g: it goes from %g to %g", f->key, v, f->low, f->high);
    return 0;
}

static int check_text(struct checker *c, const struct plan_field *f, const cJSON *j)
{
    const char *text = cJSON_GetStringValue(j);

    if (!text || !*text)
        return wrong(c, 0, "\"%s\" must be a text that is not empty", f->key);
    if (f->kind == PLAN_CHOICE && words_index(f->words, text) < 0)
        return wrong(c, 0, "\"%s\" is \"%s\": it must be %s", f->key, text, f->words);
    return 0;
}

static int check_value(struct checker *c, const struct plan_field *f, const cJSON *j);

static int check_object(struct checker *c, const struct plan_object *o, const cJSON *j)
{
    int i = 0;

    if (o->plain && cJSON_IsString(j))
        return *j->valuestring ? 0 : wrong(c, 0, "%s without a name", o->name);
    if (!cJSON_IsObject(j))
        return wrong(c, 0, "%s must be an object%s", o->name, o->plain ? " or a text" : "");
    for (const cJSON *m = j->child; m; m = m->next, i++) {
        const struct plan_field *f = o->fields;
        c->path[c->depth++] = i;
        while (f->key && strcmp(f->key, m->string) != 0)
            f++;
        if (!f->key)
            return unknown_key(c, o, m->string);
        if (json_get(j, m->string) != m)
            return wrong(c, 1, "\"%s\" is there twice", m->string);
        if (check_value(c, f, m) < 0)
            return -1;
        c->depth--;
    }
    if (o->plain && !json_get(j, o->plain))
        return wrong(c, 0, "%s without \"%s\"", o->name, o->plain);
    return 0;
}

/* A list, each of its members checked as one. */
static int check_list(struct checker *c, const struct plan_field *f, const cJSON *j)
{
    int i = 0;

    if (cJSON_GetArraySize(j) == 0 || cJSON_GetArraySize(j) > PLAN_LIST_MAX)
        return wrong(c, 0, "\"%s\" has %d entries: 1 to %d make sense", f->key,
                     cJSON_GetArraySize(j), PLAN_LIST_MAX);
    for (const cJSON *m = j->child; m; m = m->next, i++) {
        c->path[c->depth++] = i;
        if ((f->kind == PLAN_OBJECTS  ? check_object(c, f->object, m)
             : f->kind == PLAN_INTS ? check_number(c, f, m)
                                      : check_text(c, f, m)) < 0)
            return -1;
        c->depth--;
    }
    return 0;
}

static int check_value(struct checker *c, const struct plan_field *f, const cJSON *j)
{
    switch (f->kind) {
    case PLAN_TEXT:
    case PLAN_CHOICE:
        return check_text(c, f, j);
    case PLAN_INT:
    case PLAN_NUM:
    case PLAN_SIZE:
        return check_number(c, f, j);
    case PLAN_BOOL:
        return cJSON_IsBool(j) ? 0 : wrong(c, 0, "\"%s\" must be true or false", f->key);
    case PLAN_OBJECT:
        return check_object(c, f->object, j);
    case PLAN_INTS:
        return cJSON_IsArray(j) ? check_list(c, f, j) : check_number(c, f, j);
    case PLAN_TEXTS:
        return cJSON_IsArray(j) ? check_list(c, f, j) : check_text(c, f, j);
    case PLAN_OBJECTS:
        return cJSON_IsArray(j) ? check_list(c, f, j)
                                : wrong(c, 0, "\"%s\" must be a list", f->key);
    }
    return 0;
}

/* Sets the checker's path to root member `key`, its entry i, and in that (when it is an object)
 * `inner`. */
static void point_at(struct checker *c, const char *key, int i, const char *inner)
{
    const cJSON *m, *list = json_get(c->p->json, key), *entry = cJSON_GetArrayItem(list, i);
    int at = 0;

    c->depth = 0;
    for (m = c->p->json->child; m && m != list; m = m->next)
        at++;
    c->path[c->depth++] = at;
    c->path[c->depth++] = i;
    if (!cJSON_IsObject(entry))
        return;
    at = 0;
    for (m = entry->child; m && strcmp(m->string, inner) != 0; m = m->next)
        at++;
    c->path[c->depth++] = at;
}

/* Every word of every group of tasks is a task we know. */
static int check_tasks(struct checker *c)
{
    const cJSON *tasks = json_get(c->p->json, "tasks");

    for (int i = 0; i < cJSON_GetArraySize(tasks); i++) {
        const cJSON *entry = cJSON_GetArrayItem(tasks, i);
        const char *text = cJSON_IsString(entry) ? entry->valuestring : json_str(entry, "tasks");
        struct selection chosen = {0};
        struct err why = ERR_NONE;
        int rc = 0;
        while (text && *text && rc == 0) {
            size_t n = strcspn(text, ",");
            char *word = mem_strndup(text, n);
            rc = word ? select_word(&chosen, word, &why) : err_nomem(&why);
            mem_free(word);
            text += n + (text[n] == ',');
        }
        selection_release(&chosen);
        if (rc == 0)
            continue;
        if (why.code == ERR_NOMEM)
            return err_nomem(c->e);
        point_at(c, "tasks", i, "tasks");
        wrong(c, 0, "%s", why.text);
        if (*why.hint)
            err_hint(c->e, "%s", why.hint);
        return -1;
    }
    return 0;
}

static int check_rest(struct checker *c)
{
    const cJSON *j = c->p->json, *builds = json_get(j, "builds"), *bench = json_get(j, "bench");

    if (!json_get(j, "models"))
        return wrong(c, 0, "a plan needs \"models\"");
    if (!json_get(j, "tasks") && !bench)
        return wrong(c, 0, "a plan needs \"tasks\" or \"bench\"");
    if (builds && cJSON_GetArraySize(builds) != 2)
        return wrong(c, 0, "\"builds\" names two programs");
    for (int i = 0; i < cJSON_GetArraySize(bench); i++) {
        double r = json_num(cJSON_GetArrayItem(bench, i), "repeats", 10);
        if (fmod(r, 2) != 0) {
            point_at(c, "bench", i, "repeats");
            return wrong(c, 0, "\"repeats\" is %g: blocks of A B B A need an even number", r);
        }
    }
    return check_tasks(c);
}

/* --- reading ------------------------------------------------------------------------------ */

static double number_in(const cJSON *j, const char *object, const char *key, double fallback)
{
    return json_num(json_get(j, object), key, fallback);
}

static void take_thresholds(struct thresholds *t, const cJSON *j)
{
    *t = (struct thresholds){
        .accuracy = number_in(j, "thresholds", "accuracy", 0.01),
        .nats = number_in(j, "thresholds", "nats", 0.01),
        .speed = number_in(j, "thresholds", "speed", 0.02),
        .memory = number_in(j, "thresholds", "memory", 0.03),
        .q = number_in(j, "thresholds", "q", 0.05),
        .change_p = number_in(j, "thresholds", "change_p", 0.001),
        .min_items = (int)number_in(j, "thresholds", "min_items", 30)};
}

static int take_values(struct plan *p, struct err *e)
{
    const cJSON *j = p->json, *memory = json_get(json_get(j, "limits"), "memory");
    const char *name = json_str(j, "name"), *wait = json_str(json_get(j, "quiet"), "for");
    const char *base = path_base(p->path);
    size_t n = strlen(base);

    if (n > 5 && strcmp(base + n - 5, ".json") == 0)
        n -= 5;
    p->name = name ? name : arena_strndup(&p->arena, base, n);
    p->seed = (int64_t)json_num(j, "seed", 1);
    p->memory_bytes = memory ? size_of(memory) : 0;
    p->wall_s = number_in(j, "limits", "wall_s", 0);
    p->grace_s = number_in(j, "limits", "grace_s", 10);
    for (int i = 0; i < FAILURES; i++)
        p->retries[i] = (int)number_in(j, "retries", failure_names[i], 0);
    p->quiet_wait_s = number_in(j, "quiet", "wait_s", 0);
    p->quiet_sample_s = number_in(j, "quiet", "sample_s", 1);
    p->quiet_for_all = wait && strcmp(wait, "all") == 0;
    p->lease_s = json_num(j, "lease_s", 30);
    p->baseline = json_str(j, "baseline");
    p->report = json_str(j, "report");
    p->gnuplot = json_str(j, "gnuplot");
    take_thresholds(&p->thresholds, j);
    return p->name ? 0 : err_nomem(e);
}

/* json_parse says at which byte; people want line and column. */
static int malformed(const struct plan *p, const struct err *why, struct err *e)
{
    const char *at = strstr(why->text, "at byte ");
    struct json_place place;

    if (why->code != ERR_FORMAT || !at) {
        if (e)
            *e = *why;
        return -1;
    }
    place = json_place_at(strbuf_str(&p->text), p->text.len,
                          (size_t)strtoul(at + strlen("at byte "), NULL, 10));
    return err_set(e, ERR_USAGE, "%s:%d:%d: malformed JSON", p->path, place.line, place.column);
}

static int parse(struct plan *p, struct err *e)
{
    struct err why = ERR_NONE;
    struct checker c = {.p = p, .e = e};

    if (strbuf_ok(&p->text, e) < 0)
        return -1;
    p->json = json_parse(strbuf_str(&p->text), p->text.len, p->path, &why);
    if (!p->json)
        return malformed(p, &why, e);
    if (check_object(&c, &plan_object_plan, p->json) < 0)
        return -1;
    c.depth = 0;
    if (check_rest(&c) < 0)
        return -1;
    return take_values(p, e);
}

int plan_parse(struct plan *out, const char *path, const char *text, size_t n, struct err *e)
{
    int rc;

    *out = (struct plan){.path = path};
    strbuf_add(&out->text, text, n);
    rc = parse(out, e);
    if (rc < 0)
        plan_release(out);
    return rc;
}

int plan_read(struct plan *out, const char *path, struct err *e)
{
    int rc;

    *out = (struct plan){.path = path};
    rc = file_read(&out->text, path, PLAN_MAX, e);
    if (rc < 0)
        err_hint(e, "a plan is a JSON file: 'densimeter run --schema' prints what it may have");
    if (rc == 0)
        rc = parse(out, e);
    if (rc < 0)
        plan_release(out);
    return rc;
}

void plan_release(struct plan *p)
{
    json_free(p->json);
    strbuf_release(&p->text);
    arena_release(&p->arena);
    *p = (struct plan){0};
}

const char *plan_build(const struct plan *p, int arm)
{
    return cJSON_GetStringValue(cJSON_GetArrayItem(json_get(p->json, "builds"), arm));
}
