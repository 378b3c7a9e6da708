#include "tasks/pysource.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "tasks/pyliteral.h"
#include "tasks/pysource_impl.h"

enum { MODULES = 24, LOOKUPS = 1000000, DEPTH = 200, PIECES = 1000 };

struct span_of { /* how a text is written */
    const char *prefix, *mark;
    size_t n_prefix, n_mark;
    int doubled; /* {{ is a brace */
};

struct reader { /* one search */
    struct module modules[MODULES];
    int n_modules;
    long n_lookups;
    int depth; /* of names that lead to names */
    struct sha256 *hash;
    cJSON *constants, *pieces;
    int n_pieces;
    struct err *e;
};

/* --- what can be reached ------------------------------------------------------------------ */

static int visit_name(struct reader *r, int module, const char *s, size_t n);

/* The module of a path, read at most once; -1 with the reason. */
static int module_open(struct reader *r, const char *path)
{
    struct module *m = &r->modules[r->n_modules];

    for (int i = 0; i < r->n_modules; i++)
        if (strcmp(r->modules[i].path, path) == 0)
            return i;
    if (r->n_modules == MODULES)
        return err_set(r->e, ERR_FORMAT, "%s: more than %d modules are imported", path, MODULES);
    *m = (struct module){.path = mem_strdup(path)};
    if (!m->path)
        return err_nomem(r->e);
    r->n_modules++;
    return pymodule_read(m, r->e) < 0 ? -1 : r->n_modules - 1;
}

/* The folder that an import starts from, as bytes of the importing file's path: dots lead
 * upwards, lm_eval.tasks is the folder of that name that the file is in.  Moves *i behind them; 0
 * where the import is of another package. */
static size_t import_folder(const struct module *m, size_t *i)
{
    static const char tasks[] = "/tasks/";
    const char *slash = strrchr(m->path, '/'), *top = NULL;
    size_t up = slash ? (size_t)(slash - m->path) + 1 : 0;

    if (pytoken_is(pytoken_at(m, *i), "lm_eval") && pytoken_is(pytoken_at(m, *i + 2), "tasks")) {
        for (const char *t = m->path; (t = strstr(t, tasks)) != NULL; t++)
            top = t;
        *i += 4;
        return top ? (size_t)(top - m->path) + sizeof tasks - 1 : 0;
    }
    if (pytoken_is(pytoken_at(m, *i), "."))
        for (++*i; pytoken_is(pytoken_at(m, *i), "."); ++*i)
            while (up > 0 && --up > 0 && m->path[up - 1] != '/')
                ;
    return up;
}

static void import_path(const struct module *m, size_t i, size_t to, struct strbuf *out)
{
    size_t folder = import_folder(m, &i), before = 0;

    strbuf_clear(out);
    if (!folder)
        return;
    strbuf_add(out, m->path, folder);
    for (before = out->len; i < to && !pytoken_is(pytoken_at(m, i), "import"); i++)
        if (pytoken_at(m, i)->kind == TOKEN_WORD) {
            strbuf_adds(out, out->len > before ? "/" : "");
            strbuf_add(out, pytoken_at(m, i)->s, pytoken_at(m, i)->n);
        }
    strbuf_adds(out, out->len > before ? ".py" : "__init__.py");
}

/* What `from module import name` brings is looked up there when the module is at hand. */
static int follow_import(struct reader *r, int module, const struct statement *s, const char *name,
                         size_t n)
{
    struct strbuf path = STRBUF_INIT;
    int rc = 0, other;

    for (size_t i = s->from; i < s->to && rc == 0; i++) {
        const struct module *m = &r->modules[module];
        if (m->tokens[i].kind != TOKEN_LINE || !pytoken_is(pytoken_at(m, i + 1), "from"))
            continue;
        import_path(m, i + 2, s->to, &path);
        if (strbuf_ok(&path, r->e) < 0) {
            rc = -1;
        } else if (path.len && file_exists(strbuf_str(&path))) {
            other = module_open(r, strbuf_str(&path));
            rc = other < 0 ? -1 : visit_name(r, other, name, n);
        }
    }
    strbuf_release(&path);
    return rc;
}

/* The names in a text, each looked up; those behind a dot are members. */
static int visit_words(struct reader *r, int module, const char *s, size_t n)
{
    for (size_t i = 0, k; i < n; i += k) {
        k = 1;
        if (!pyword_begins(s[i]))
            continue;
        while (i + k < n && pyword_goes_on(s[i + k]))
            k++;
        if ((!i || s[i - 1] != '.') && visit_name(r, module, s + i, k) < 0)
            return -1;
    }
    return 0;
}

static int hash_tokens(struct reader *r, const struct module *m, const struct statement *s)
{
    static const char blanks[] = "                                ";
    struct strbuf b = STRBUF_INIT;
    int rc;

    for (size_t i = s->from; i < s->to; i++) {
        const struct token *t = &m->tokens[i];
        if (t->kind == TOKEN_LINE)
            strbuf_addf(&b, "\n%.*s", t->n < 32 ? (int)t->n : 32, blanks);
        else
            strbuf_add(&b, t->s, t->n);
        strbuf_addc(&b, ' ');
    }
    rc = strbuf_ok(&b, r->e);
    if (rc == 0)
        rc = sha256_update(r->hash, strbuf_str(&b), b.len, r->e);
    strbuf_release(&b);
    return rc;
}

static int is_import(const struct module *m, const struct statement *s)
{
    return pytoken_is(pytoken_at(m, s->from + 1), "from") ||
           pytoken_is(pytoken_at(m, s->from + 1), "import");
}

/* Puts a literal under its name, unless one is there. */
static int keep_constant(struct reader *r, const struct token *name, const struct token *from,
                         const struct token *last)
{
    struct err own = ERR_NONE;
    char *key = mem_strndup(name->s, name->n);
    cJSON *v = NULL;
    int rc = key ? 0 : err_nomem(r->e);

    if (rc == 0 && !cJSON_GetObjectItemCaseSensitive(r->constants, key)) {
        v = pyliteral_parse(from->s, (size_t)(last->s + last->n - from->s), &own);
        if (own.code == ERR_NOMEM || (v && !cJSON_AddItemToObject(r->constants, key, v))) {
            json_free(v);
            rc = err_nomem(r->e);
        }
    }
    mem_free(key);
    return rc;
}

/* `name = literal`, `name: type = literal`, `return literal`; [i, to) is one line. */
static int read_constant(struct reader *r, const struct module *m, size_t i, size_t to)
{
    const struct token *name = pytoken_at(m, i);
    size_t from = i + 1;

    if (name->kind != TOKEN_WORD || from >= to)
        return 0;
    if (!pytoken_is(name, "return")) {
        if (pytoken_is(pytoken_at(m, from), ":"))
            while (from < to && !pytoken_is(pytoken_at(m, from), "="))
                from++;
        if (!pytoken_is(pytoken_at(m, from), "=") || ++from >= to)
            return 0;
    }
    return keep_constant(r, name, pytoken_at(m, from), pytoken_at(m, to - 1));
}

static int read_constants(struct reader *r, const struct module *m, const struct statement *s)
{
    size_t end;

    for (size_t i = s->from; i < s->to; i = end) {
        for (end = i + 1; end < s->to && m->tokens[end].kind != TOKEN_LINE; end++)
            ;
        if (read_constant(r, m, i + 1, end) < 0)
            return -1;
    }
    return 0;
}

/* A literal of raw text between the quotes that it stood in. */
static int add_piece(struct reader *r, const char *raw, size_t n, struct span_of quotes)
{
    struct strbuf b = STRBUF_INIT;
    struct err own = ERR_NONE;
    cJSON *v = NULL;
    int rc;

    strbuf_add(&b, quotes.prefix, quotes.n_prefix);
    strbuf_add(&b, quotes.mark, quotes.n_mark);
    for (size_t i = 0; i < n; i++) {
        strbuf_addc(&b, raw[i]);
        i += quotes.doubled && i + 1 < n && (raw[i] == '{' || raw[i] == '}') &&
             raw[i + 1] == raw[i];
    }
    strbuf_add(&b, quotes.mark, quotes.n_mark);
    rc = strbuf_ok(&b, r->e);
    if (rc == 0)
        v = pyliteral_parse(strbuf_str(&b), b.len, &own);
    if (rc == 0 && !cJSON_IsString(v) && own.code != ERR_NOMEM) {
        json_free(v);
        own = ERR_NONE;
        v = cJSON_CreateString("");
    }
    strbuf_release(&b);
    if (rc == 0 && (own.code == ERR_NOMEM || !v || !cJSON_AddItemToArray(r->pieces, v))) {
        json_free(v);
        rc = err_nomem(r->e);
    }
    r->n_pieces++;
    return rc;
}

/* The bytes of an f-string's expression that begins at s[0] == '{', with its braces. */
static size_t expression_length(const char *s, size_t n)
{
    long depth = 0;

    for (size_t i = 0; i < n; i++) {
        depth += (s[i] == '{') - (s[i] == '}');
        if (depth == 0)
            return i + 1;
    }
    return n;
}

static int read_piece(struct reader *r, const struct token *t)
{
    size_t prefix = (size_t)pystring_prefix(t->s), mark, from = 0, n;
    const char *s = t->s + prefix;
    struct span_of quotes = {.mark = s, .doubled = t->format};

    mark = t->n - prefix >= 6 && s[1] == s[0] && s[2] == s[0] ? 3 : 1;
    quotes.n_mark = mark;
    for (size_t i = 0; i < prefix; i++)
        if (t->s[i] == 'r' || t->s[i] == 'R') {
            quotes.prefix = "r";
            quotes.n_prefix = 1;
        }
    s += mark;
    n = t->n - prefix - 2 * mark;
    for (size_t i = 0; i < n && t->format; i++) {
        if (s[i] != '{' && s[i] != '}')
            continue;
        if (i + 1 < n && s[i + 1] == s[i]) {
            i++;
        } else if (s[i] == '{') {
            if (add_piece(r, s + from, i - from, quotes) < 0)
                return -1;
            from = i + expression_length(s + i, n - i);
            i = from - 1;
        }
    }
    return add_piece(r, s + from, n - from, quotes);
}

static int read_pieces(struct reader *r, const struct module *m, const struct statement *s)
{
    for (size_t i = s->from; i < s->to && r->n_pieces < PIECES; i++)
        if (m->tokens[i].kind == TOKEN_STRING && read_piece(r, &m->tokens[i]) < 0)
            return -1;
    return 0;
}

static int visit(struct reader *r, int module, size_t statement)
{
    const struct module *m = &r->modules[module];
    struct statement *s = &m->statements[statement];

    if (s->visited)
        return 0;
    s->visited = 1;
    if (hash_tokens(r, m, s) < 0 || read_constants(r, m, s) < 0 || read_pieces(r, m, s) < 0)
        return -1;
    for (size_t i = s->from; i < s->to && !is_import(m, s); i++) {
        const struct token t = m->tokens[i];
        int member = i > s->from && pytoken_is(&m->tokens[i - 1], ".");
        if ((t.kind == TOKEN_WORD && !member) || t.format)
            if (visit_words(r, module, t.s, t.n) < 0)
                return -1;
    }
    return 0;
}

static int visit_entries(struct reader *r, int module, size_t first, const char *s, size_t n)
{
    const struct module *m = &r->modules[module];
    int star = pyname_is(m, first, "*", 1);

    for (size_t i = first; pyname_is(m, i, m->names[first].s, m->names[first].n); i++) {
        struct name *entry = &m->names[i];
        if (visit(r, module, entry->statement) < 0)
            return -1;
        if (entry->followed && !star)
            continue;
        entry->followed = 1;
        if (follow_import(r, module, &m->statements[entry->statement], s, n) < 0)
            return -1;
    }
    return 0;
}

/* The statements that define a name, and where they import it from. */
static int visit_name(struct reader *r, int module, const char *s, size_t n)
{
    const struct module *m = &r->modules[module];
    size_t first = pynames_from(m, s, n);
    int rc = 0;

    if (r->n_lookups++ > LOOKUPS || r->depth == DEPTH)
        return err_set(r->e, ERR_FORMAT, "%s: '%.*s': too many names lead to names", m->path,
                       n < 100 ? (int)n : 100, s);
    r->depth++;
    if (pyname_is(m, first, s, n))
        rc = visit_entries(r, module, first, s, n);
    else if (pyname_is(m, pynames_from(m, "*", 1), "*", 1))
        rc = visit_entries(r, module, pynames_from(m, "*", 1), s, n);
    r->depth--;
    return rc;
}

/* --- the function ------------------------------------------------------------------------- */

/* The one statement that defines a name; NULL: none, or several. */
static const struct statement *only_statement(const struct module *m, const char *name)
{
    size_t n = strlen(name), i = pynames_from(m, name, n);

    return pyname_is(m, i, name, n) && !pyname_is(m, i + 1, name, n)
               ? &m->statements[m->names[i].statement]
               : NULL;
}

/* Tokens of a value that begins at i: one, or all up to where its brackets are closed. */
static size_t value_tokens(const struct module *m, size_t i, size_t to)
{
    size_t n = 0;
    long depth = 0;

    do {
        const struct token *t = pytoken_at(m, i + n);
        depth += pytoken_is(t, "(") || pytoken_is(t, "[") || pytoken_is(t, "{");
        depth -= pytoken_is(t, ")") || pytoken_is(t, "]") || pytoken_is(t, "}");
        n++;
    } while (depth > 0 && i + n < to);
    return n;
}

/* One `key=literal` of a partial(); the tokens moved over, 0: something else, -1 without memory. */
static int read_argument(const struct module *m, size_t i, size_t to, cJSON *args, struct err *e)
{
    const struct token *key = pytoken_at(m, i), *value = pytoken_at(m, i + 2);
    size_t n = value_tokens(m, i + 2, to);
    const struct token *last = pytoken_at(m, i + 1 + n);
    struct err own = ERR_NONE;
    char *name;
    cJSON *v;
    int ok;

    if (key->kind != TOKEN_WORD || !pytoken_is(pytoken_at(m, i + 1), "=") ||
        value->kind == TOKEN_LINE || last->kind == TOKEN_LINE || last->s < value->s)
        return 0;
    v = pyliteral_parse(value->s, (size_t)(last->s + last->n - value->s), &own);
    if (!v)
        return own.code == ERR_NOMEM ? err_nomem(e) : 0;
    name = mem_strndup(key->s, key->n);
    ok = name && cJSON_AddItemToObject(args, name, v);
    mem_free(name);
    if (ok)
        return (int)n + 2;
    json_free(v);
    return err_nomem(e);
}

/* `name = partial(function, key=literal, ...)`: 1 with the function's word, 0, -1. */
static int read_partial(const struct module *m, const struct statement *s, cJSON *args,
                        const struct token **function, struct err *e)
{
    size_t i = s->from + 3;
    int got;

    if (!pytoken_is(pytoken_at(m, s->from + 2), "="))
        return 0;
    if (pytoken_is(pytoken_at(m, i), "functools") && pytoken_is(pytoken_at(m, i + 1), "."))
        i += 2;
    if (!pytoken_is(pytoken_at(m, i), "partial") || !pytoken_is(pytoken_at(m, i + 1), "(") ||
        pytoken_at(m, i + 2)->kind != TOKEN_WORD)
        return 0;
    *function = pytoken_at(m, i + 2);
    for (i += 3; i < s->to && pytoken_is(pytoken_at(m, i), ","); i += (size_t)got) {
        if (pytoken_is(pytoken_at(m, i + 1), ")"))
            return 1;
        got = read_argument(m, i + 1, s->to, args, e);
        if (got <= 0)
            return got;
        got++;
    }
    return pytoken_is(pytoken_at(m, i), ")");
}

/* `def name():` with a docstring or none and one `return`. */
static int only_returns(const struct module *m, const struct statement *s)
{
    size_t lines = 0, from = 0;

    if (!pytoken_is(pytoken_at(m, s->from + 1), "def") ||
        !pytoken_is(pytoken_at(m, s->from + 3), "(") ||
        !pytoken_is(pytoken_at(m, s->from + 4), ")"))
        return 0;
    for (size_t i = s->from + 1; i < s->to; i++)
        if (m->tokens[i].kind == TOKEN_LINE &&
            !(pytoken_at(m, i + 1)->kind == TOKEN_STRING &&
              pytoken_at(m, i + 2)->kind == TOKEN_LINE)) {
            lines++;
            from = i;
        }
    return lines == 1 && pytoken_is(pytoken_at(m, from + 1), "return");
}

static int visit_all(struct reader *r, int module)
{
    for (size_t i = 0; i < r->modules[module].n_statements; i++)
        if (visit(r, module, i) < 0)
            return -1;
    return 0;
}

static int visit_function(struct reader *r, const struct ynode *at, const char *name,
                          struct pyfunction *out)
{
    const struct module *m = &r->modules[0];
    const struct statement *s = only_statement(m, name);
    const struct token *target = NULL;
    size_t n = strlen(name);
    int partial = s ? read_partial(m, s, out->args, &target, r->e) : 0;

    if (partial < 0)
        return -1;
    if (partial)
        return visit_name(r, 0, target->s, target->n);
    out->returns_only = s && only_returns(m, s);
    if (pyname_is(m, pynames_from(m, name, n), name, n))
        return visit_name(r, 0, name, n);
    for (size_t i = 0; i < m->n_tokens; i++)
        if (pytoken_is(&m->tokens[i], "globals"))
            return visit_all(r, 0);
    return ynode_fail(at, r->e, ERR_NOTFOUND, "!function %s: %s defines no '%s'", at->s, m->path,
                      name);
}

/* The path of the module, and in *name what is behind its last dot. */
static int module_path(const struct ynode *y, struct strbuf *path, const char **name,
                       struct err *e)
{
    const char *slash = strrchr(y->file, '/'), *dot = strrchr(y->s, '.');

    if (!dot)
        return ynode_fail(y, e, ERR_FORMAT, "!function %s: MODULE.FUNCTION is needed", y->s);
    if (slash)
        strbuf_add(path, y->file, (size_t)(slash - y->file) + 1);
    for (const char *c = y->s; c < dot; c++)
        strbuf_addc(path, (char)(*c == '.' ? '/' : *c));
    strbuf_adds(path, ".py");
    *name = dot + 1;
    return strbuf_ok(path, e);
}

static int add_place(cJSON *args, const char *name, const char *path, struct err *e)
{
    const char *end = strrchr(path, '/'), *start = end;
    char *folder;
    int ok;

    while (start && start > path && start[-1] != '/')
        start--;
    folder = mem_strndup(start ? start : "", start ? (size_t)(end - start) : 0);
    ok = folder && cJSON_AddStringToObject(args, "name", name) &&
         cJSON_AddStringToObject(args, "folder", folder);
    mem_free(folder);
    return ok ? 0 : err_nomem(e);
}

static int search(struct reader *r, const struct ynode *function, struct pyfunction *out)
{
    struct strbuf path = STRBUF_INIT;
    const char *name = "";
    int rc = module_path(function, &path, &name, r->e);

    if (rc == 0 && !file_exists(strbuf_str(&path)))
        rc = ynode_fail(function, r->e, ERR_NOTFOUND, "!function %s: there is no file %s",
                        function->s, strbuf_str(&path));
    if (rc == 0)
        rc = add_place(out->args, name, strbuf_str(&path), r->e);
    if (rc == 0)
        rc = module_open(r, strbuf_str(&path));
    if (rc == 0)
        rc = visit_function(r, function, name, out);
    strbuf_release(&path);
    return rc;
}

int pysource_find(const struct ynode *function, struct pyfunction *out, struct err *e)
{
    struct reader r = {.e = e};
    char unused[SHA256_HEX];
    int rc;

    json_begin();
    *out = (struct pyfunction){.args = cJSON_CreateObject(), .constants = cJSON_CreateObject(),
                               .pieces = cJSON_CreateArray()};
    r.constants = out->constants;
    r.pieces = out->pieces;
    rc = out->args && out->constants && out->pieces ? sha256_begin(&r.hash, e) : err_nomem(e);
    if (rc == 0)
        rc = search(&r, function, out);
    if (r.hash && sha256_final(r.hash, rc < 0 ? unused : out->sha256, rc < 0 ? NULL : e) < 0)
        rc = -1;
    for (int i = 0; i < r.n_modules; i++)
        pymodule_release(&r.modules[i]);
    if (rc < 0)
        pysource_release(out);
    return rc;
}

void pysource_release(struct pyfunction *f)
{
    json_free(f->args);
    json_free(f->constants);
    json_free(f->pieces);
    *f = (struct pyfunction){.args = NULL};
}
