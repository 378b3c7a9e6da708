#include "tasks/lmeval_native.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/template.h"
#include "tasks/pyregex.h"
#include "tasks/pysource.h"

enum { STEPS = 24, DOCUMENTS = 20000000 };

enum step_kind {
    STEP_KEEP, STEP_SET, STEP_DROP, STEP_EACH, STEP_SUB, STEP_FIND, STEP_COLUMN, STEP_VALUE,
    STEP_TEXT,
};

struct step {
    enum step_kind kind;
    char *name; /* of the column */
    struct template *template;
    const struct native_column *column;
    struct pyregex *pattern;
    char *replacement;
};

struct native {
    struct native *next;
    char *path, *function; /* of the YAML file and in it; NULL: by name */
    cJSON *args, *constants, *pieces;
    const char *sample; /* the program's */
    struct step steps[STEPS];
    int n_steps;
    cJSON *literal; /* the function returns this */
};

/* --- reading programs --------------------------------------------------------------------- */

static const struct {
    const char *word;
    enum step_kind kind;
    int named, expression;
} step_words[] = {
    {"keep", STEP_KEEP, 0, 1},   {"set", STEP_SET, 1, 1},   {"drop", STEP_DROP, 1, 0},
    {"each", STEP_EACH, 0, 1},   {"value", STEP_VALUE, 0, 1}, {"text", STEP_TEXT, 0, 1},
    {"sub", STEP_SUB, 1, 0},     {"find", STEP_FIND, 1, 0},
};

/* An expression gives JSON; what begins with a tag is a template that writes it. */
static int parse_expression(struct step *s, const char *text, size_t n, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    if (s->kind == STEP_TEXT)
        return template_parse_as(&s->template, TEMPLATE_STRICT, text, n, "native", e);
    if (n > 2 && memcmp(text, "{%", 2) == 0)
        strbuf_add(&b, text, n);
    else
        strbuf_addf(&b, "{{ (%.*s) | tojson }}", (int)n, text);
    rc = strbuf_ok(&b, e);
    if (rc == 0)
        rc = template_parse_as(&s->template, TEMPLATE_STRICT, strbuf_str(&b), b.len, "native", e);
    strbuf_release(&b);
    return rc;
}

/* /PATTERN/ or /PATTERN/REPLACEMENT/; no pattern here holds a slash. */
static int parse_pattern(struct step *s, const char *text, const char *end, struct err *e)
{
    const char *close = *text == '/' ? memchr(text + 1, '/', (size_t)(end - text - 1)) : NULL;
    char *pattern = close ? mem_strndup(text + 1, (size_t)(close - text - 1)) : NULL;
    int rc = close ? pattern ? pyregex_open(&s->pattern, pattern, e) : err_nomem(e)
                   : err_set(e, ERR_INVALID, "a program's pattern stands between slashes");

    mem_free(pattern);
    if (rc < 0 || s->kind != STEP_SUB)
        return rc;
    s->replacement = close + 1 < end ? mem_strndup(close + 1, (size_t)(end - close - 2)) : NULL;
    return s->replacement ? 0 : err_nomem(e);
}

static size_t word_length(const char *s, const char *end)
{
    const char *c = s;

    while (c < end && *c != ' ' && *c != '\n')
        c++;
    return (size_t)(c - s);
}

static int read_step(struct step *s, const char *line, const char *end, struct err *e)
{
    size_t n = word_length(line, end), k;
    int named = 1, expression = 0;

    s->kind = STEP_COLUMN;
    for (size_t i = 0; i < sizeof step_words / sizeof step_words[0]; i++)
        if (strlen(step_words[i].word) == n && memcmp(step_words[i].word, line, n) == 0) {
            s->kind = step_words[i].kind;
            named = step_words[i].named;
            expression = step_words[i].expression;
        }
    if (s->kind == STEP_COLUMN && !(s->column = native_column_find(line, n)))
        return err_set(e, ERR_INVALID, "a program has the step '%.*s'", (int)n, line);
    line += n + (line + n < end);
    if (named) {
        k = word_length(line, end);
        s->name = mem_strndup(line, k);
        if (!s->name)
            return err_nomem(e);
        line += k + (line + k < end);
    }
    if (s->kind == STEP_SUB || s->kind == STEP_FIND)
        return parse_pattern(s, line, end, e);
    return expression ? parse_expression(s, line, (size_t)(end - line), e) : 0;
}

static int read_program(struct native *f, const char *steps, struct err *e)
{
    const char *end;

    for (; *steps; steps = *end ? end + 1 : end) {
        if (f->n_steps == STEPS)
            return err_set(e, ERR_INVALID, "a program of more than %d steps", STEPS);
        end = strncmp(steps, "text ", 5) == 0 ? steps + strlen(steps) : strchr(steps, '\n');
        if (!end)
            end = steps + strlen(steps);
        f->n_steps++;
        if (read_step(&f->steps[f->n_steps - 1], steps, end, e) < 0)
            return -1;
    }
    return 0;
}

static const struct native_program *program_find(const char *name)
{
    for (size_t i = 0; i < n_native_programs; i++)
        if (strcmp(native_programs[i].name, name) == 0)
            return &native_programs[i];
    return NULL;
}

/* The members of a row's arguments, beside those that the source gave. */
static int add_args(cJSON *into, const char *args, struct err *e)
{
    cJSON *more = args ? json_parse(args, strlen(args), "arguments", e) : NULL, *m;

    if (args && !more)
        return -1;
    while (more && (m = more->child) != NULL) {
        cJSON_DetachItemViaPointer(more, m);
        cJSON_DeleteItemFromObjectCaseSensitive(into, m->string);
        cJSON_AddItemToObject(into, m->string, m);
    }
    json_free(more);
    return 0;
}

static int set_program(struct native *f, const char *name, const char *args, struct err *e)
{
    const struct native_program *p = program_find(name);

    if (!p)
        return err_set(e, ERR_NOTFOUND, "no program is called '%s'", name);
    f->sample = p->sample;
    return add_args(f->args, args, e) < 0 ? -1 : read_program(f, p->steps, e);
}

/* --- finding ------------------------------------------------------------------------------ */

static void native_free(struct native *f)
{
    for (int i = 0; i < f->n_steps; i++) {
        mem_free(f->steps[i].name);
        template_free(f->steps[i].template);
        pyregex_close(f->steps[i].pattern);
        mem_free(f->steps[i].replacement);
    }
    mem_free(f->path);
    mem_free(f->function);
    json_free(f->args);
    json_free(f->constants);
    json_free(f->pieces);
    json_free(f->literal);
    mem_free(f);
}

void natives_release(struct natives *all)
{
    while (all->first) {
        struct native *f = all->first;
        all->first = f->next;
        native_free(f);
    }
}

static const struct native_function *function_find(const char *sha256)
{
    for (size_t i = 0; i < n_native_functions; i++)
        if (strncmp(native_functions[i].sha256, sha256, 16) == 0)
            return &native_functions[i];
    return NULL;
}

static int is_unknown(const struct ynode *y, const struct pyfunction *source, struct err *e)
{
    ynode_fail(y, e, ERR_UNSUPPORTED,
               "!function %s is Python code, which is not run here, and no function of this text "
               "(%.16s) is known", y->s, source->sha256);
    err_hint(e, "write what it does as a template, or as columns of the data");
    return -1;
}

/* Takes what the source gave over. */
static int identify(struct native *f, const struct ynode *y, struct pyfunction *source,
                    struct err *e)
{
    const struct native_function *row = function_find(source->sha256);
    cJSON *returned;

    f->args = source->args;
    f->constants = source->constants;
    f->pieces = source->pieces;
    source->args = source->constants = source->pieces = NULL;
    if (row)
        return set_program(f, row->program, row->args, e);
    returned = cJSON_GetObjectItemCaseSensitive(f->constants, "return");
    if (!returned || !source->returns_only)
        return is_unknown(y, source, e);
    f->literal = cJSON_DetachItemViaPointer(f->constants, returned);
    return 0;
}

int function_hash(const struct ynode *function, char hex[17], struct err *e)
{
    struct pyfunction source;
    struct err own = ERR_NONE;

    hex[0] = 0;
    if (pysource_find(function, &source, &own) < 0)
        return own.code == ERR_NOMEM ? err_nomem(e) : 0;
    snprintf(hex, 17, "%.16s", source.sha256);
    pysource_release(&source);
    return 0;
}

const struct native_result *results_find(const struct ynode *function, struct err *e)
{
    char hex[17];

    if (function_hash(function, hex, e) < 0)
        return NULL;
    for (size_t i = 0; i < n_native_results; i++)
        if (strcmp(native_results[i].sha256, hex) == 0)
            return &native_results[i];
    return NULL;
}

static struct native *native_new(struct natives *all, struct err *e)
{
    struct native *f = mem_calloc(1, sizeof *f);

    if (!f) {
        err_nomem(e);
        return NULL;
    }
    f->next = all->first;
    all->first = f;
    return f;
}

const struct native *native_find(struct natives *all, const struct ynode *function,
                                 struct err *e)
{
    struct pyfunction source;
    struct native *f;
    int rc;

    for (f = all->first; f; f = f->next)
        if (f->path && strcmp(f->path, function->file) == 0 &&
            strcmp(f->function, function->s) == 0)
            return f;
    if (pysource_find(function, &source, e) < 0) {
        if (e && e->code != ERR_NOMEM && !strstr(e->text, "!function"))
            err_prefix(e, "%s:%d:%d: !function %s", function->file, function->line,
                       function->column, function->s);
        return NULL;
    }
    f = native_new(all, e);
    rc = f ? identify(f, function, &source, e) : -1;
    if (rc == 0 && (!(f->path = mem_strdup(function->file)) ||
                    !(f->function = mem_strdup(function->s))))
        rc = err_nomem(e);
    pysource_release(&source);
    return rc < 0 ? NULL : f;
}

const struct native *native_named(struct natives *all, const char *program, const char *args,
                                  struct err *e)
{
    struct native *f = native_new(all, e);

    if (!f)
        return NULL;
    json_begin();
    f->args = cJSON_CreateObject();
    f->constants = cJSON_CreateObject();
    if (!f->args || !f->constants) {
        err_nomem(e);
        return NULL;
    }
    return set_program(f, program, args, e) < 0 ? NULL : f;
}

/* --- running ------------------------------------------------------------------------------ */

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
