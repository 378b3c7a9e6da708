#include "harness/gate_policy_rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/suggest.h"
#include "harness/command.h"

enum { POLICY_MAX = 1 << 20 };

#define AT(member) offsetof(struct gate_policy, member)
#define UNTIMED "numerics|settings"
#define TIMED "machine|device|kernels|threads"

const struct policy_row policy_rows[] = {
    {NULL, "alpha", KIND_SHARE, AT(alpha), 1e-6, .5, .05, .05, NULL,
     "how often a candidate at the margin may pass by chance (one-sided); .025 for a release"},
    {NULL, "power", KIND_SHARE, AT(power), .5, .9999, .8, .8, NULL,
     "chance of seeing an effect that the numbers of items below promise"},
    {NULL, "looks", KIND_COUNT, AT(looks), 1, 10, 1, 3, NULL,
     "looks declared beforehand: after an INCONCLUSIVE one the items are doubled and looked at "
     "again (--look 2); each look spends alpha / looks"},
    {NULL, "correction", KIND_CHOICE, AT(correction), 0, 0, CORRECT_HOLM, CORRECT_HOLM,
     "none|holm|bh|by", "for the p-values of losses over tasks: holm for a release, bh nightly"},
    {NULL, "minimum_items", KIND_COUNT, AT(minimum_items), 1, 1e9, 100, 100, NULL,
     "fewer items never PASS: they FAIL or are INCONCLUSIVE"},
    {"accuracy", "margin", KIND_LIMIT, AT(accuracy_margin), 0, 1, NAN, .01, NULL,
     "loss over all items together that is tolerated: .01 is one point"},
    {"accuracy", "task_margin", KIND_LIMIT, AT(task_margin), 0, 1, NAN, .03, NULL,
     "the same for each task, so that one that collapsed cannot hide in the mean"},
    {"accuracy", "practical", KIND_SHARE, AT(accuracy_practical), 0, 1, .005, .005, NULL,
     "a significant loss fails only when it is at least this large"},
    {"likelihood", "margin", KIND_LIMIT, AT(nats_margin), 0, 100, NAN, .01, NULL,
     "loss of ln p of the right answers, in nats per byte: sees a broken kernel before accuracy"},
    {"likelihood", "task_margin", KIND_LIMIT, AT(task_nats_margin), 0, 100, NAN, .02, NULL,
     "the same for each task"},
    {"likelihood", "practical", KIND_SHARE, AT(nats_practical), 0, 100, .002, .002, NULL,
     "a significant loss fails only when it is at least this large"},
    {"latency", "margin", KIND_LIMIT, AT(latency_margin), 0, 100, NAN, .05, NULL,
     "slowdown that is tolerated: .05 is 5 %; to find 3 % declare .015 and give ten runs of each "
     "side that alternate (--baseline A,A2,... --candidate B,B2,...)"},
    {"latency", "noise_floor", KIND_SHARE, AT(latency_floor), 0, 100, .05, .03, NULL,
     "how far two runs of the same program at different times differ here (95th percentile over "
     "A/A runs): a ratio is no surer than that unless the runs of both sides alternate"},
    {"latency", "brief_s", KIND_SHARE, AT(brief_s), 0, 1e6, 30, 30, NULL,
     "a single run of fewer seconds says little about its program"},
    {"latency", "brief_floor", KIND_SHARE, AT(brief_floor), 0, 100, .5, .5, NULL,
     "noise_floor of such a run, as long as neither repeats nor earlier runs tell its spread: only "
     "a larger slowdown fails, and none passes"},
    {"memory", "margin", KIND_LIMIT, AT(memory_margin), 0, 100, NAN, .03, NULL,
     "more peak memory that is tolerated"},
    {"memory", "noise_floor", KIND_SHARE, AT(memory_floor), 0, 100, .01, .01, NULL,
     "how far two runs of the same program differ here"},
    {"energy", "margin", KIND_LIMIT, AT(energy_margin), 0, 100, NAN, NAN, NULL,
     "more energy that is tolerated; null: not checked (few machines have a meter)"},
    {"energy", "noise_floor", KIND_SHARE, AT(energy_floor), 0, 100, .05, .05, NULL,
     "as of latency, whose brief_s and brief_floor hold here, too"},
    {"environment", "forbid", KIND_NAMES, AT(forbid), 0, 0, 0, 0, UNTIMED,
     "differences that make runs not comparable: program, numerics, kernels, device, threads, "
     "seed, settings, model, machine, or one fact of the machine: machine.cpu"},
    {"environment", "forbid_for_timing", KIND_NAMES, AT(forbid_for_timing), 0, 0, 0, 0, TIMED,
     "differences that make only latency, memory and energy not comparable"},
    {"environment", "noisy", KIND_CHOICE, AT(noisy), 0, 0, NOISY_INCONCLUSIVE,
     NOISY_INCONCLUSIVE, "inconclusive|invalid|ignored",
     "what latency and energy are when a machine was not quiet"},
    {NULL, NULL, KIND_SHARE, 0, 0, 0, 0, 0, NULL, NULL},
};

const struct policy_row policy_task_rows[] = {
    {"tasks", "margin", KIND_LIMIT, offsetof(struct gate_task_rule, margin), 0, 1, NAN, .05, NULL,
     "instead of accuracy.task_margin"},
    {"tasks", "practical", KIND_LIMIT, offsetof(struct gate_task_rule, practical), 0, 1, NAN,
     .01, NULL, "instead of accuracy.practical"},
    {NULL, NULL, KIND_SHARE, 0, 0, 0, 0, 0, NULL, NULL},
};
const char *const policy_task_texts[] = {"metric", "filter", NULL};

/* --- places in the text -------------------------------------------------------------------- */

static const char *skip_space(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
        p++;
    return p;
}

static const char *skip_string(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        p += *p == '\\' && p[1];
    return *p ? p + 1 : p;
}

static const char *skip_value(const char *p)
{
    int depth = 0;

    do {
        p = skip_space(p);
        if (*p == '"') {
            p = skip_string(p);
        } else if (*p) {
            depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
            p++;
        }
        p = skip_space(p);
    } while (*p && (depth > 0 || !strchr(",}]", *p)));
    return p;
}

/* The name of the nth member of the object that begins at p.  The text has been parsed, so it is
 * well formed. */
static const char *member_at(const char *p, int n)
{
    p = skip_space(skip_space(p) + 1);
    for (; n > 0 && *p == '"'; n--) {
        p = skip_space(skip_string(p));
        p = skip_value(p + 1);
        p = skip_space(*p == ',' ? p + 1 : p);
    }
    return p;
}

static int place_among(const cJSON *object, const cJSON *member)
{
    int n = 0;

    for (const cJSON *m = object->child; m && m != member; m = m->next)
        n++;
    return n;
}

/* One thing that is wrong, at the member `path[depth - 1]` of path[depth - 2] ... of the root. */
struct reader {
    const char *name, *text;
    const cJSON *path[4];
    int depth;
};

static int wrong(const struct reader *r, struct err *e, const char *what)
{
    const char *p = r->text, *start;
    int line = 1;

    for (int i = 1; i < r->depth; i++) {
        p = member_at(p, place_among(r->path[i - 1], r->path[i]));
        if (i + 1 < r->depth)
            p = skip_space(skip_space(skip_string(p)) + 1);
    }
    for (const char *q = r->text; q < p; q++)
        line += *q == '\n';
    for (start = p; start > r->text && start[-1] != '\n'; start--)
        ;
    return err_set(e, ERR_FORMAT, "%s:%d:%d: %s", r->name, line, (int)(p - start) + 1, what);
}

/* --- reading ------------------------------------------------------------------------------- */

static int wrong_value(const struct reader *r, const struct policy_row *row, struct err *e)
{
    char what[200];

    if (row->kind == KIND_CHOICE)
        snprintf(what, sizeof what, "%s: one of %s", row->key, row->words);
    else if (row->kind == KIND_NAMES)
        snprintf(what, sizeof what, "%s: a list of texts", row->key);
    else
        snprintf(what, sizeof what, "%s: a%s number from %g to %g%s", row->key,
                 row->kind == KIND_COUNT ? " whole" : "", row->low, row->high,
                 row->kind == KIND_LIMIT ? ", or null" : "");
    return wrong(r, e, what);
}

static int read_names(struct arena *a, const cJSON *v, struct gate_names *out, struct err *e)
{
    out->n = 0;
    out->v = arena_alloc(a, ((size_t)cJSON_GetArraySize(v) + 1) * sizeof *out->v);
    if (!out->v)
        return err_nomem(e);
    for (const cJSON *t = v->child; t; t = t->next) {
        if (!cJSON_IsString(t))
            return 1;
        out->v[out->n] = arena_strdup(a, t->valuestring);
        if (!out->v[out->n++])
            return err_nomem(e);
    }
    return 0;
}

/* A value into `base`: 0, -1, or 1 when it is of the wrong kind. */
static int read_value(struct arena *a, void *base, const struct policy_row *row, const cJSON *v,
                      struct err *e)
{
    void *to = (char *)base + row->offset;
    int place;

    switch (row->kind) {
    case KIND_LIMIT:
        if (cJSON_IsNull(v)) {
            *(double *)to = NAN;
            return 0;
        }
        /* fall through */
    case KIND_SHARE:
        *(double *)to = v->valuedouble;
        return !(cJSON_IsNumber(v) && v->valuedouble >= row->low && v->valuedouble <= row->high);
    case KIND_COUNT:
        if (!(cJSON_IsNumber(v) && v->valuedouble >= row->low && v->valuedouble <= row->high &&
              v->valuedouble == floor(v->valuedouble)))
            return 1;
        *(int *)to = (int)v->valuedouble;
        return 0;
    case KIND_CHOICE:
        place = cJSON_IsString(v) ? words_index(row->words, v->valuestring) : -1;
        *(int *)to = place;
        return place < 0;
    case KIND_NAMES:
        return cJSON_IsArray(v) ? read_names(a, v, to, e) : 1;
    }
    return 1;
}

static int unknown(struct reader *r, const struct suggest *s, struct err *e)
{
    char what[160];
    int rc;

    snprintf(what, sizeof what, "no member '%.60s' is known here", s->typed);
    rc = wrong(r, e, what);
    if (suggest_best(s))
        err_hint(e, "did you mean '%s'?", suggest_best(s));
    else
        err_hint(e, "'densimeter gate --init' prints a policy with every member there is");
    return rc;
}

int policy_same_section(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The members of one section; r->path ends in it. */
static int read_section(struct gate_policy *p, struct reader *r, const char *section,
                        const cJSON *object, struct err *e)
{
    for (const cJSON *m = object->child; m; m = m->next) {
        struct suggest s = SUGGEST(m->string);
        const struct policy_row *found = NULL;
        int rc;
        if (m->string[0] == '_' || (!section && (cJSON_IsObject(m) ||
                                                 strcmp(m->string, "schema") == 0)))
            continue;
        for (const struct policy_row *row = policy_rows; row->key; row++) {
            if (!policy_same_section(row->section, section))
                continue;
            suggest_offer(&s, row->key);
            if (strcmp(row->key, m->string) == 0)
                found = row;
        }
        r->path[r->depth++] = m;
        if (!found)
            return unknown(r, &s, e);
        rc = read_value(&p->arena, p, found, m, e);
        if (rc)
            return rc < 0 ? -1 : wrong_value(r, found, e);
        r->depth--;
    }
    return 0;
}

static int read_task_member(struct gate_policy *p, struct reader *r, struct gate_task_rule *t,
                            const cJSON *m, struct err *e)
{
    struct suggest s = SUGGEST(m->string);
    const char **texts[] = {&t->metric, &t->filter};

    for (const struct policy_row *row = policy_task_rows; row->key; row++) {
        suggest_offer(&s, row->key);
        if (strcmp(row->key, m->string) == 0)
            return read_value(&p->arena, t, row, m, e) ? wrong_value(r, row, e)
                                                                 : 0;
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        suggest_offer(&s, policy_task_texts[i]);
        if (strcmp(policy_task_texts[i], m->string) != 0)
            continue;
        if (!cJSON_IsString(m))
            return wrong(r, e, "a text is needed here");
        *texts[i] = arena_strdup(&p->arena, m->valuestring);
        return *texts[i] ? 0 : err_nomem(e);
    }
    return unknown(r, &s, e);
}

static int read_tasks(struct gate_policy *p, struct reader *r, const cJSON *tasks, struct err *e)
{
    p->tasks = arena_alloc(&p->arena, ((size_t)cJSON_GetArraySize(tasks) + 1) * sizeof *p->tasks);
    if (!p->tasks)
        return err_nomem(e);
    for (const cJSON *task = tasks->child; task; task = task->next) {
        struct gate_task_rule *t = &p->tasks[p->n_tasks];
        if (task->string[0] == '_')
            continue;
        r->path[r->depth++] = task;
        if (!cJSON_IsObject(task))
            return wrong(r, e, "an object of rules is needed here");
        *t = (struct gate_task_rule){arena_strdup(&p->arena, task->string), NULL, NULL, NAN, NAN};
        if (!t->task)
            return err_nomem(e);
        p->n_tasks++;
        for (const cJSON *m = task->child; m; m = m->next) {
            if (m->string[0] == '_')
                continue;
            r->path[r->depth++] = m;
            if (read_task_member(p, r, t, m, e) < 0)
                return -1;
            r->depth--;
        }
        if (t->filter && !t->metric)
            return wrong(r, e, "a filter needs its metric");
        r->depth--;
    }
    return 0;
}

static int read_sections(struct gate_policy *p, struct reader *r, const cJSON *root, struct err *e)
{
    for (const cJSON *m = root->child; m; m = m->next) {
        struct suggest s = SUGGEST(m->string);
        int known = 0, rc;
        if (m->string[0] == '_' || !cJSON_IsObject(m))
            continue;
        r->path[r->depth++] = m;
        for (const struct policy_row *row = policy_rows; row->key; row++) {
            const char *name = row->section ? row->section : row->key;
            suggest_offer(&s, name);
            known |= row->section && strcmp(name, m->string) == 0;
        }
        suggest_offer(&s, "tasks");
        if (strcmp(m->string, "tasks") == 0)
            rc = read_tasks(p, r, m, e);
        else
            rc = known ? read_section(p, r, m->string, m, e) : unknown(r, &s, e);
        if (rc < 0)
            return -1;
        r->depth--;
    }
    return 0;
}

static int split_names(struct arena *a, const char *words, struct gate_names *out, struct err *e)
{
    char *copy = arena_strdup(a, words), *rest = NULL;

    out->n = 0;
    out->v = arena_alloc(a, 16 * sizeof *out->v);
    if (!copy || !out->v)
        return err_nomem(e);
    for (char *w = strtok_r(copy, "|", &rest); w; w = strtok_r(NULL, "|", &rest))
        out->v[out->n++] = w;
    return 0;
}

static int set_defaults(struct gate_policy *p, struct err *e)
{
    for (const struct policy_row *row = policy_rows; row->key; row++) {
        void *to = (char *)p + row->offset;
        if (row->kind == KIND_NAMES) {
            if (split_names(&p->arena, row->words, to, e) < 0)
                return -1;
        } else if (row->kind == KIND_COUNT || row->kind == KIND_CHOICE) {
            *(int *)to = (int)row->fallback;
        } else {
            *(double *)to = row->fallback;
        }
    }
    return 0;
}

/* A name that fits nothing would forbid nothing, without a word. */
static int check_names(const struct gate_names *l, const char *key, const char *name,
                       struct err *e)
{
    static const char *const known[] = {"program", "numerics", "kernels", "device", "threads",
                                        "seed", "settings", "model", "machine"};

    for (size_t i = 0; i < l->n; i++) {
        struct suggest s = SUGGEST(l->v[i]);
        int found = strncmp(l->v[i], "machine.", 8) == 0;
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
            suggest_offer(&s, known[k]);
            found |= strcmp(known[k], l->v[i]) == 0;
        }
        if (found)
            continue;
        err_set(e, ERR_FORMAT, "%s: environment.%s: no such difference as '%.60s'", name, key,
                l->v[i]);
        if (suggest_best(&s))
            err_hint(e, "did you mean '%s'?", suggest_best(&s));
        return -1;
    }
    return 0;
}

/* Rules that concern several members. */
static int check_whole(const struct gate_policy *p, const char *name, struct err *e)
{
    const double margins[] = {p->accuracy_margin, p->task_margin, p->nats_margin,
                              p->task_nats_margin, p->latency_margin, p->memory_margin,
                              p->energy_margin};
    int asked = 0;

    for (size_t i = 0; i < sizeof margins / sizeof margins[0]; i++)
        asked |= !isnan(margins[i]);
    if (p->memory_margin <= p->memory_floor) /* no repeats narrow that down */
        return err_set(e, ERR_FORMAT, "%s: memory: a margin of %g is within the noise "
                       "(noise_floor %g): no candidate could pass", name, p->memory_margin,
                       p->memory_floor);
    for (size_t i = 0; i < p->n_tasks; i++)
        asked |= !isnan(p->tasks[i].margin);
    if (!asked)
        return err_set(e, ERR_FORMAT, "%s: no margin is given, so nothing would be checked", name);
    if (check_names(&p->forbid, "forbid", name, e) < 0)
        return -1;
    return check_names(&p->forbid_for_timing, "forbid_for_timing", name, e);
}

int gate_policy_parse(struct gate_policy *out, const char *text, size_t n, const char *name,
                      struct err *e)
{
    cJSON *root = json_parse(text, n, name, e);
    struct reader r = {.name = name, .depth = 1};
    const char *schema;
    int rc = -1;

    *out = (struct gate_policy){0};
    if (!root)
        return -1;
    out->text = r.text = arena_strndup(&out->arena, text, n);
    r.path[0] = root;
    if (!r.text) {
        err_nomem(e);
        goto out;
    }
    schema = json_str(root, "schema");
    if (!cJSON_IsObject(root) ||
        (json_get(root, "schema") && (!schema || strcmp(schema, POLICY_SCHEMA) != 0))) {
        err_set(e, ERR_FORMAT, "%s: not a policy of %s", name, POLICY_SCHEMA);
        goto out;
    }
    if (set_defaults(out, e) < 0 || read_section(out, &r, NULL, root, e) < 0 ||
        read_sections(out, &r, root, e) < 0 || check_whole(out, name, e) < 0 ||
        sha256_bytes(out->sha256, text, n, e) < 0)
        goto out;
    rc = 0;
out:
    json_free(root);
    if (rc < 0)
        gate_policy_release(out);
    return rc;
}

int gate_policy_read(struct gate_policy *out, const char *path, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = -1;

    *out = (struct gate_policy){0};
    if (file_read(&b, path, POLICY_MAX, e) < 0)
        err_hint(e, "'densimeter gate --init' prints a policy to begin with");
    else
        rc = gate_policy_parse(out, strbuf_str(&b), b.len, path, e);
    strbuf_release(&b);
    return rc;
}

void gate_policy_release(struct gate_policy *p)
{
    arena_release(&p->arena);
    *p = (struct gate_policy){0};
}

double gate_policy_alpha(const struct gate_policy *p)
{
    return p->alpha / p->looks;
}

const struct gate_task_rule *gate_policy_task(const struct gate_policy *p, const char *task)
{
    for (size_t i = 0; i < p->n_tasks; i++)
        if (strcmp(p->tasks[i].task, task) == 0)
            return &p->tasks[i];
    return NULL;
}
