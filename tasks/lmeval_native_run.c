/* lmeval_native_run.c -- what the steps of a native function make of documents (lmeval_native.h).
 *
 * A function of documents runs each step over all of them before the next, as datasets' filter and
 * map do; a function of one runs its steps over a copy and gives what the last one says.  Steps see
 * values that stay their owners', and what they make is the document's. */
#include <string.h>

#include "base/mem.h"
#include "base/template.h"
#include "tasks/lmeval_native_impl.h"
#include "tasks/pyregex.h"

static int add_list(cJSON *vars, const char *name, const cJSON *entries)
{
    cJSON *v = cJSON_CreateArrayReference(entries ? entries->child : NULL);

    if (v && cJSON_AddItemToObject(vars, name, v))
        return 0;
    json_free(v);
    return -1;
}

static int add_object(cJSON *vars, const char *name, const cJSON *members)
{
    cJSON *v = cJSON_CreateObjectReference(members ? members->child : NULL);

    if (v && cJSON_AddItemToObject(vars, name, v))
        return 0;
    json_free(v);
    return -1;
}

/* What expressions see; the values stay their owners'. */
static cJSON *variables(const struct native *f, const cJSON *doc, int index, struct err *e)
{
    cJSON *vars = cJSON_CreateObject();

    if (vars && add_object(vars, "doc", doc) == 0 && add_object(vars, "arg", f->args) == 0 &&
        add_object(vars, "const", f->constants) == 0 && add_list(vars, "piece", f->pieces) == 0 &&
        cJSON_AddNumberToObject(vars, "idx", index))
        return vars;
    json_free(vars);
    err_nomem(e);
    return NULL;
}

static int render(const struct native *f, const struct step *s, const cJSON *doc, int index,
                  struct strbuf *out, struct err *e)
{
    cJSON *vars = variables(f, doc, index, e);
    int rc = vars ? template_render(s->template, vars, NULL, out, e) : -1;

    json_free(vars);
    return rc;
}

static cJSON *evaluate(const struct native *f, const struct step *s, const cJSON *doc, int index,
                       struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    cJSON *v = NULL;

    if (render(f, s, doc, index, &b, e) == 0 && s->kind == STEP_TEXT)
        v = cJSON_CreateString(strbuf_str(&b));
    else if (!e || e->code == ERR_OK)
        v = json_parse(strbuf_str(&b), b.len, "native", e);
    if (!v && e && e->code == ERR_OK)
        err_nomem(e);
    strbuf_release(&b);
    return v;
}

static int put_column(cJSON *doc, const char *name, cJSON *v, struct err *e)
{
    if (!v)
        return -1;
    cJSON_DeleteItemFromObjectCaseSensitive(doc, name);
    if (cJSON_AddItemToObject(doc, name, v))
        return 0;
    json_free(v);
    return err_nomem(e);
}

static int add_match(void *user, const struct span *groups, int n)
{
    char *text = mem_strndup(groups[0].s, groups[0].n);
    cJSON *v = text ? cJSON_CreateString(text) : NULL;

    (void)n;
    mem_free(text);
    if (!v || !cJSON_AddItemToArray(user, v)) {
        json_free(v);
        return 1; /* without memory the list is short, which find_all sees */
    }
    return 0;
}

static int count_match(void *user, const struct span *groups, int n)
{
    (void)groups, (void)n;
    ++*(int *)user;
    return 0;
}

static cJSON *find_all(const struct step *s, const char *text, struct err *e)
{
    cJSON *list = cJSON_CreateArray();
    int n = 0;

    if (list && pyregex_each(s->pattern, text, strlen(text), count_match, &n, e) == 0 &&
        pyregex_each(s->pattern, text, strlen(text), add_match, list, e) == 0 &&
        cJSON_GetArraySize(list) == n)
        return list;
    json_free(list);
    if (e->code == ERR_OK)
        err_nomem(e);
    return NULL;
}

/* What a pattern makes of a column. */
static cJSON *by_pattern(const struct step *s, const cJSON *doc, struct err *e)
{
    const char *text = json_str(doc, s->name);
    struct strbuf b = STRBUF_INIT;
    cJSON *v = NULL;

    if (!text) {
        err_set(e, ERR_FORMAT, "'%s' is no text", s->name);
        return NULL;
    }
    if (s->kind == STEP_FIND)
        return find_all(s, text, e);
    if (pyregex_replace(s->pattern, s->replacement, text, strlen(text), &b, e) == 0 &&
        !(v = b.failed ? NULL : cJSON_CreateString(strbuf_str(&b))))
        err_nomem(e);
    strbuf_release(&b);
    return v;
}

static int apply_column(const struct step *s, cJSON *doc, struct rng *rng, struct err *e)
{
    const cJSON *v = json_get(doc, s->name);

    if (!v)
        return err_set(e, ERR_FORMAT, "the documents have no '%s'", s->name);
    return put_column(doc, s->name, s->column->apply(v, rng, e), e);
}

static int is_true(const cJSON *v)
{
    return cJSON_IsTrue(v) || (cJSON_IsNumber(v) && v->valuedouble != 0) ||
           (cJSON_IsString(v) && *v->valuestring) ||
           ((cJSON_IsArray(v) || cJSON_IsObject(v)) && v->child);
}

/* One step over one document; *keep becomes 0 where it goes, *more is what stands instead. */
static int run_step(const struct native *f, const struct step *s, cJSON *doc, int index,
                    struct rng *rng, int *keep, cJSON **more, struct err *e)
{
    cJSON *v = NULL;

    if (s->kind == STEP_COLUMN)
        return apply_column(s, doc, rng, e);
    if (s->kind == STEP_DROP) {
        cJSON_DeleteItemFromObjectCaseSensitive(doc, s->name);
        return 0;
    }
    v = s->pattern ? by_pattern(s, doc, e) : evaluate(f, s, doc, index, e);
    if (!v)
        return -1;
    if (s->kind == STEP_SET || s->pattern)
        return put_column(doc, s->name, v, e);
    if (s->kind == STEP_KEEP)
        *keep = is_true(v);
    else if (s->kind == STEP_EACH && cJSON_IsArray(v)) {
        *more = v;
        return 0;
    }
    json_free(v);
    return 0;
}

static int move_all(cJSON *from, cJSON *into)
{
    cJSON *v;

    while ((v = from->child) != NULL) {
        cJSON_DetachItemViaPointer(from, v);
        if (!cJSON_AddItemToArray(into, v)) {
            json_free(v);
            return -1;
        }
    }
    return 0;
}

/* A step after another, each over all documents, as datasets' filter and map are. */
static int run_over(const struct native *f, const struct step *s, cJSON *list, struct rng *rng,
                    int all, struct err *e)
{
    cJSON *out = cJSON_CreateArray(), *doc, *more;
    int rc = out ? 0 : err_nomem(e), keep;

    if (s->kind == STEP_KEEP && all) {
        json_free(out);
        return rc;
    }
    for (int i = 0; rc == 0 && (doc = list->child) != NULL; i++) {
        keep = 1;
        more = NULL;
        rc = run_step(f, s, doc, i, rng, &keep, &more, e);
        if (rc < 0 && e && e->code != ERR_NOMEM)
            err_prefix(e, "document %d", i);
        cJSON_DetachItemViaPointer(list, doc);
        if (rc < 0 || !keep || more) {
            json_free(doc);
        } else if (!cJSON_AddItemToArray(out, doc)) {
            json_free(doc);
            rc = err_nomem(e);
        }
        if (more && rc == 0 && move_all(more, out) < 0)
            rc = err_nomem(e);
        json_free(more);
    }
    if (rc == 0 && move_all(out, list) < 0)
        rc = err_nomem(e);
    json_free(out);
    return rc;
}

static void seed(const struct native *f, struct rng *rng)
{
    rng_seed(rng, (uint64_t)json_num(f->args, "seed", 42));
}

int native_docs(const struct native *f, cJSON *list, int all, struct err *e)
{
    struct err own = ERR_NONE;
    struct rng rng;
    int rc = 0;

    e = e ? e : &own;
    seed(f, &rng);
    if (f->literal)
        return err_set(e, ERR_FORMAT, "a function of documents is needed");
    for (int i = 0; i < f->n_steps && rc == 0; i++)
        rc = f->steps[i].kind == STEP_VALUE || f->steps[i].kind == STEP_TEXT
                 ? err_set(e, ERR_FORMAT, "a function of documents is needed, not of one")
                 : run_over(f, &f->steps[i], list, &rng, all, e);
    return rc;
}

int native_sample(const struct native *f, cJSON *doc, struct err *e)
{
    cJSON *shared = variables(f, doc, 0, e), *vars, *sampled = NULL, *v;
    int rc = shared ? 0 : -1;

    vars = shared ? cJSON_Duplicate(shared, 1) : NULL; /* the sampler changes what it is given */
    json_free(shared);
    if (rc == 0 && !vars)
        rc = err_nomem(e);
    if (rc == 0) {
        cJSON_DeleteItemFromObjectCaseSensitive(vars, "doc");
        sampled = f->sample ? json_parse(f->sample, strlen(f->sample), "sample", e)
                            : cJSON_CreateObject();
        if (!sampled || !cJSON_AddItemToObject(vars, "doc", sampled))
            rc = err_nomem(e);
    }
    for (int i = 0; i < f->n_steps && rc == 0 && !f->sample; i++) {
        const struct step *s = &f->steps[i];
        if (s->kind == STEP_COLUMN && s->column->sample && !json_get(sampled, s->name)) {
            v = json_parse(s->column->sample, strlen(s->column->sample), "sample", e);
            rc = put_column(sampled, s->name, v, e);
        } else if (s->template) {
            rc = template_sample(s->template, vars, 0, e);
        }
    }
    while (rc == 0 && (v = sampled->child) != NULL) {
        cJSON_DetachItemViaPointer(sampled, v);
        if (json_get(doc, v->string))
            json_free(v);
        else
            rc = put_column(doc, v->string, v, e);
    }
    json_free(vars);
    return rc;
}

static int is_last(const struct step *s)
{
    return s->kind == STEP_VALUE || s->kind == STEP_TEXT;
}

cJSON *native_value(const struct native *f, const cJSON *doc, struct err *e)
{
    struct err own = ERR_NONE;
    cJSON *copy = NULL, *v = NULL, *more = NULL;
    struct rng rng;
    int keep = 1, rc = 0;

    e = e ? e : &own;
    if (f->literal || f->n_steps == 0 || !is_last(&f->steps[f->n_steps - 1])) {
        v = f->literal ? cJSON_Duplicate(f->literal, 1) : NULL;
        if (!v && f->literal)
            err_nomem(e);
        else if (!v)
            err_set(e, ERR_FORMAT, "a function of one document is needed");
        return v;
    }
    seed(f, &rng);
    if (f->n_steps > 1 && !(copy = cJSON_Duplicate(doc, 1)))
        rc = err_nomem(e);
    for (int i = 0; i + 1 < f->n_steps && rc == 0; i++)
        rc = run_step(f, &f->steps[i], copy, 0, &rng, &keep, &more, e);
    if (rc == 0)
        v = evaluate(f, &f->steps[f->n_steps - 1], copy ? copy : doc, 0, e);
    json_free(copy);
    json_free(more);
    return v;
}
