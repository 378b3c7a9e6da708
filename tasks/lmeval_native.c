#include "tasks/lmeval_native.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/template.h"
#include "tasks/lmeval_native_impl.h"
#include "tasks/pyregex.h"
#include "tasks/pysource.h"

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
        if (f->n_steps == NATIVE_STEPS)
            return err_set(e, ERR_INVALID, "a program of more than %d steps", NATIVE_STEPS);
        end = strncmp(steps, "text ", 5) == 0 ? steps + strlen(steps) : strchr(steps, '\n');
        if (!end)
            end = steps + strlen(steps);
        f->n_steps++;
        if (read_step(&f->steps[f->n_steps - 1], steps, end, e) < 0)
            return -1;
    }
    return 0;
}

static const struct native_program *program_among(const struct native_program *rows, size_t n,
                                                  const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static const struct native_program *program_find(const char *name)
{
    const struct native_program *p =
        program_among(native_docs_programs, n_native_docs_programs, name);

    return p ? p : program_among(native_value_programs, n_native_value_programs, name);
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
