#include "tasks/pysource.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "tasks/pyliteral.h"

enum {
    FILE_BYTES = 1 << 20, TOKENS = 300000, MODULES = 24, LOOKUPS = 1000000, DEPTH = 200,
    PIECES = 1000,
};

enum token_kind { TOKEN_WORD, TOKEN_STRING, TOKEN_OTHER, TOKEN_LINE };

struct token {
    enum token_kind kind;
    const char *s;
    size_t n;   /* TOKEN_LINE: the column of the line that begins here */
    int format; /* TOKEN_STRING: an f-string, which may name things */
};

struct statement { /* tokens [from, to) of its module; the first is a TOKEN_LINE */
    size_t from, to;
    int visited;
};

struct name {
    const char *s;
    size_t n, statement;
    int followed;
};

struct module {
    char *path;
    struct strbuf text;
    struct token *tokens;
    size_t n_tokens, cap_tokens;
    struct statement *statements;
    size_t n_statements, cap_statements;
    struct name *names; /* what the statements define, in order */
    size_t n_names, cap_names;
};

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

/* --- tokens ------------------------------------------------------------------------------- */

static int is_word_start(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static int is_word(char c)
{
    return is_word_start(c) || isdigit((unsigned char)c);
}

static int add_token(struct module *m, struct token t, struct err *e)
{
    if (m->n_tokens == TOKENS)
        return err_set(e, ERR_FORMAT, "%s: more than %d words", m->path, TOKENS);
    if (mem_grow(&m->tokens, &m->cap_tokens, m->n_tokens + 1, sizeof *m->tokens) < 0)
        return err_nomem(e);
    m->tokens[m->n_tokens++] = t;
    return 0;
}

/* Bytes of a string that begins at s behind its prefix; 0: it does not end. */
static size_t string_length(const char *s)
{
    size_t q = s[1] == s[0] && s[2] == s[0] ? 3 : 1, i = q;

    while (s[i]) {
        if (s[i] == '\\' && s[i + 1])
            i += 2;
        else if (s[i] == s[0] && (q == 1 || (s[i + 1] == s[0] && s[i + 2] == s[0])))
            return i + q;
        else if (s[i] == '\n' && q == 1)
            return 0;
        else
            i++;
    }
    return 0;
}

/* Bytes of the prefix of a string at s ("rb"); -1: no string begins here. */
static int string_prefix(const char *s)
{
    int n = 0;

    while (n < 2 && s[n] && strchr("rRbBfFuU", s[n]))
        n++;
    return s[n] == '"' || s[n] == '\'' ? n : -1;
}

static int read_token(struct module *m, const char **at, struct err *e)
{
    const char *s = *at;
    struct token t = {.kind = TOKEN_OTHER, .s = s, .n = 1};
    int prefix = string_prefix(s);

    if (prefix >= 0) {
        size_t n = string_length(s + prefix);
        if (!n)
            return err_set(e, ERR_FORMAT, "%s: a string does not end", m->path);
        t.kind = TOKEN_STRING;
        t.n = (size_t)prefix + n;
        t.format = memchr(s, 'f', (size_t)prefix) || memchr(s, 'F', (size_t)prefix);
    } else if (is_word_start(*s)) {
        t.kind = TOKEN_WORD;
        while (is_word(s[t.n]))
            t.n++;
    } else if (isdigit((unsigned char)*s)) {
        while (is_word(s[t.n]) || s[t.n] == '.')
            t.n++;
    }
    *at = s + t.n;
    return add_token(m, t, e);
}

/* A logical line: from its first word to the end of line outside brackets. */
static int read_line(struct module *m, const char **at, size_t column, struct err *e)
{
    long depth = 0;

    if (add_token(m, (struct token){.kind = TOKEN_LINE, .s = *at, .n = column}, e) < 0)
        return -1;
    for (;;) {
        const char c = **at;
        if (c == 0 || (c == '\n' && depth <= 0))
            return 0;
        if (c == '#') {
            *at += strcspn(*at, "\n");
        } else if (c == '\\' && (*at)[1] == '\n') {
            *at += 2;
        } else if (isspace((unsigned char)c)) {
            ++*at;
        } else {
            depth += c == '(' || c == '[' || c == '{';
            depth -= c == ')' || c == ']' || c == '}';
            if (read_token(m, at, e) < 0)
                return -1;
        }
    }
}

static int read_tokens(struct module *m, struct err *e)
{
    const char *at = strbuf_str(&m->text);

    if (memchr(at, 0, m->text.len))
        return err_set(e, ERR_FORMAT, "%s: holds a zero byte", m->path);
    while (*at) {
        size_t column = strspn(at, " \t");
        const char c = at[column];
        at += column;
        if (c == '\n' || c == '\r' || c == '\f')
            at++;
        else if (c == '#')
            at += strcspn(at, "\n");
        else if (c && read_line(m, &at, column, e) < 0)
            return -1;
    }
    return 0;
}

static int token_is(const struct token *t, const char *s)
{
    return t->kind != TOKEN_LINE && t->kind != TOKEN_STRING && strlen(s) == t->n &&
           memcmp(t->s, s, t->n) == 0;
}

static int token_is_any(const struct token *t, const char *const *words)
{
    for (; *words; words++)
        if (token_is(t, *words))
            return 1;
    return 0;
}

/* --- statements --------------------------------------------------------------------------- */

static const struct token *token_at(const struct module *m, size_t i)
{
    static const struct token none = {.kind = TOKEN_LINE, .s = "", .n = 0};

    return i < m->n_tokens ? &m->tokens[i] : &none;
}

/* A line in the first column begins a statement, but the parts of one and what is decorated. */
static int read_statements(struct module *m, struct err *e)
{
    static const char *const parts[] = {"else", "elif", "except", "finally", NULL};
    int decorated = 0;

    for (size_t i = 0; i < m->n_tokens; i++) {
        const struct token *next = token_at(m, i + 1);
        if (m->tokens[i].kind != TOKEN_LINE || m->tokens[i].n != 0)
            continue;
        if (m->n_statements && !decorated && !token_is_any(next, parts))
            m->statements[m->n_statements - 1].to = i;
        if (!m->n_statements || (!decorated && !token_is_any(next, parts))) {
            if (mem_grow(&m->statements, &m->cap_statements, m->n_statements + 1,
                         sizeof *m->statements) < 0)
                return err_nomem(e);
            m->statements[m->n_statements++] = (struct statement){.from = i};
        }
        decorated = token_is(next, "@");
    }
    if (m->n_statements)
        m->statements[m->n_statements - 1].to = m->n_tokens;
    return 0;
}

static int add_name(struct module *m, const struct token *t, size_t statement, struct err *e)
{
    if (mem_grow(&m->names, &m->cap_names, m->n_names + 1, sizeof *m->names) < 0)
        return err_nomem(e);
    m->names[m->n_names++] = (struct name){t->s, t->n, statement, 0};
    return 0;
}

/* `a, b = ...`, `a: type = ...`: the names in front. */
static int add_assigned(struct module *m, size_t i, size_t to, size_t statement, struct err *e)
{
    size_t end = i;

    while (end < to && token_at(m, end)->kind == TOKEN_WORD && token_is(token_at(m, end + 1), ","))
        end += 2;
    if (!token_is(token_at(m, end + 1), "=") && !token_is(token_at(m, end + 1), ":"))
        return 0;
    for (; i <= end; i += 2)
        if (token_at(m, i)->kind == TOKEN_WORD && add_name(m, token_at(m, i), statement, e) < 0)
            return -1;
    return 0;
}

/* Every word behind `import`: the names and what they are called instead. */
static int add_imported(struct module *m, size_t i, size_t to, size_t statement, struct err *e)
{
    if (token_is(token_at(m, i), "from"))
        while (i < to && !token_is(token_at(m, i), "import"))
            i++;
    for (i++; i < to && token_at(m, i)->kind != TOKEN_LINE; i++)
        if ((token_at(m, i)->kind == TOKEN_WORD || token_is(token_at(m, i), "*")) &&
            add_name(m, token_at(m, i), statement, e) < 0)
            return -1;
    return 0;
}

static int add_line(struct module *m, size_t i, size_t to, size_t statement, struct err *e)
{
    if (token_is(token_at(m, i), "async"))
        i++;
    if (token_is(token_at(m, i), "def") || token_is(token_at(m, i), "class"))
        return add_name(m, token_at(m, i + 1), statement, e);
    if (token_is(token_at(m, i), "from") || token_is(token_at(m, i), "import"))
        return add_imported(m, i, to, statement, e);
    return add_assigned(m, i, to, statement, e);
}

/* The first line of a statement says what it defines, behind its decorators; of `if`, `try` and
 * their like every line. */
static int add_names(struct module *m, size_t statement, struct err *e)
{
    static const char *const blocks[] = {"if", "try", "for", "while", "with", NULL};
    const struct statement *s = &m->statements[statement];
    int block = token_is_any(token_at(m, s->from + 1), blocks);

    for (size_t i = s->from; i < s->to; i++) {
        if (m->tokens[i].kind != TOKEN_LINE)
            continue;
        if (add_line(m, i + 1, s->to, statement, e) < 0)
            return -1;
        if (!block && !token_is(token_at(m, i + 1), "@"))
            return 0;
    }
    return 0;
}

static int compare_text(const char *a, size_t n, const char *b, size_t m)
{
    int c = memcmp(a, b, n < m ? n : m);

    return c ? c : (n > m) - (n < m);
}

static int compare_names(const void *x, const void *y)
{
    const struct name *a = x, *b = y;
    int c = compare_text(a->s, a->n, b->s, b->n);

    return c ? c : (a->statement > b->statement) - (a->statement < b->statement);
}

/* The first entry of that name; those of the same name follow. */
static size_t names_from(const struct module *m, const char *s, size_t n)
{
    size_t low = 0, high = m->n_names;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare_text(m->names[mid].s, m->names[mid].n, s, n) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static int name_is(const struct module *m, size_t i, const char *s, size_t n)
{
    return i < m->n_names && m->names[i].n == n && memcmp(m->names[i].s, s, n) == 0;
}

static int module_read(struct module *m, struct err *e)
{
    if (file_read(&m->text, m->path, FILE_BYTES, e) < 0 || read_tokens(m, e) < 0 ||
        read_statements(m, e) < 0)
        return -1;
    for (size_t i = 0; i < m->n_statements; i++)
        if (add_names(m, i, e) < 0)
            return -1;
    if (m->n_names)
        qsort(m->names, m->n_names, sizeof *m->names, compare_names);
    return 0;
}

static void module_release(struct module *m)
{
    mem_free(m->path);
    mem_free(m->tokens);
    mem_free(m->statements);
    mem_free(m->names);
    strbuf_release(&m->text);
}

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
    return module_read(m, r->e) < 0 ? -1 : r->n_modules - 1;
}

/* The folder that an import starts from, as bytes of the importing file's path: dots lead
 * upwards, lm_eval.tasks is the folder of that name that the file is in.  Moves *i behind them; 0
 * where the import is of another package. */
static size_t import_folder(const struct module *m, size_t *i)
{
    static const char tasks[] = "/tasks/";
    const char *slash = strrchr(m->path, '/'), *top = NULL;
    size_t up = slash ? (size_t)(slash - m->path) + 1 : 0;

    if (token_is(token_at(m, *i), "lm_eval") && token_is(token_at(m, *i + 2), "tasks")) {
        for (const char *t = m->path; (t = strstr(t, tasks)) != NULL; t++)
            top = t;
        *i += 4;
        return top ? (size_t)(top - m->path) + sizeof tasks - 1 : 0;
    }
    if (token_is(token_at(m, *i), "."))
        for (++*i; token_is(token_at(m, *i), "."); ++*i)
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
    for (before = out->len; i < to && !token_is(token_at(m, i), "import"); i++)
        if (token_at(m, i)->kind == TOKEN_WORD) {
            strbuf_adds(out, out->len > before ? "/" : "");
            strbuf_add(out, token_at(m, i)->s, token_at(m, i)->n);
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
        if (m->tokens[i].kind != TOKEN_LINE || !token_is(token_at(m, i + 1), "from"))
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
        if (!is_word_start(s[i]))
            continue;
        while (i + k < n && is_word(s[i + k]))
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
    return token_is(token_at(m, s->from + 1), "from") ||
           token_is(token_at(m, s->from + 1), "import");
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
    const struct token *name = token_at(m, i);
    size_t from = i + 1;

    if (name->kind != TOKEN_WORD || from >= to)
        return 0;
    if (!token_is(name, "return")) {
        if (token_is(token_at(m, from), ":"))
            while (from < to && !token_is(token_at(m, from), "="))
                from++;
        if (!token_is(token_at(m, from), "=") || ++from >= to)
            return 0;
    }
    return keep_constant(r, name, token_at(m, from), token_at(m, to - 1));
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
        i += quotes.doubled && i + 1 < n && (raw[i] == '{' || raw[i] == '}') && raw[i + 1] == raw[i];
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
    size_t prefix = (size_t)string_prefix(t->s), mark, from = 0, n;
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
        int member = i > s->from && token_is(&m->tokens[i - 1], ".");
        if ((t.kind == TOKEN_WORD && !member) || t.format)
            if (visit_words(r, module, t.s, t.n) < 0)
                return -1;
    }
    return 0;
}

static int visit_entries(struct reader *r, int module, size_t first, const char *s, size_t n)
{
    const struct module *m = &r->modules[module];
    int star = name_is(m, first, "*", 1);

    for (size_t i = first; name_is(m, i, m->names[first].s, m->names[first].n); i++) {
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
    size_t first = names_from(m, s, n);
    int rc = 0;

    if (r->n_lookups++ > LOOKUPS || r->depth == DEPTH)
        return err_set(r->e, ERR_FORMAT, "%s: '%.*s': too many names lead to names", m->path,
                       n < 100 ? (int)n : 100, s);
    r->depth++;
    if (name_is(m, first, s, n))
        rc = visit_entries(r, module, first, s, n);
    else if (name_is(m, names_from(m, "*", 1), "*", 1))
        rc = visit_entries(r, module, names_from(m, "*", 1), s, n);
    r->depth--;
    return rc;
}

/* --- the function ------------------------------------------------------------------------- */

/* The one statement that defines a name; NULL: none, or several. */
static const struct statement *only_statement(const struct module *m, const char *name)
{
    size_t n = strlen(name), i = names_from(m, name, n);

    return name_is(m, i, name, n) && !name_is(m, i + 1, name, n)
               ? &m->statements[m->names[i].statement]
               : NULL;
}

/* Tokens of a value that begins at i: one, or all up to where its brackets are closed. */
static size_t value_tokens(const struct module *m, size_t i, size_t to)
{
    size_t n = 0;
    long depth = 0;

    do {
        const struct token *t = token_at(m, i + n);
        depth += token_is(t, "(") || token_is(t, "[") || token_is(t, "{");
        depth -= token_is(t, ")") || token_is(t, "]") || token_is(t, "}");
        n++;
    } while (depth > 0 && i + n < to);
    return n;
}

/* One `key=literal` of a partial(); the tokens moved over, 0: something else, -1 without memory. */
static int read_argument(const struct module *m, size_t i, size_t to, cJSON *args, struct err *e)
{
    const struct token *key = token_at(m, i), *value = token_at(m, i + 2);
    size_t n = value_tokens(m, i + 2, to);
    const struct token *last = token_at(m, i + 1 + n);
    struct err own = ERR_NONE;
    char *name;
    cJSON *v;
    int ok;

    if (key->kind != TOKEN_WORD || !token_is(token_at(m, i + 1), "=") || value->kind == TOKEN_LINE ||
        last->kind == TOKEN_LINE || last->s < value->s)
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

    if (!token_is(token_at(m, s->from + 2), "="))
        return 0;
    if (token_is(token_at(m, i), "functools") && token_is(token_at(m, i + 1), "."))
        i += 2;
    if (!token_is(token_at(m, i), "partial") || !token_is(token_at(m, i + 1), "(") ||
        token_at(m, i + 2)->kind != TOKEN_WORD)
        return 0;
    *function = token_at(m, i + 2);
    for (i += 3; i < s->to && token_is(token_at(m, i), ","); i += (size_t)got) {
        if (token_is(token_at(m, i + 1), ")"))
            return 1;
        got = read_argument(m, i + 1, s->to, args, e);
        if (got <= 0)
            return got;
        got++;
    }
    return token_is(token_at(m, i), ")");
}

/* `def name():` with a docstring or none and one `return`. */
static int only_returns(const struct module *m, const struct statement *s)
{
    size_t lines = 0, from = 0;

    if (!token_is(token_at(m, s->from + 1), "def") || !token_is(token_at(m, s->from + 3), "(") ||
        !token_is(token_at(m, s->from + 4), ")"))
        return 0;
    for (size_t i = s->from + 1; i < s->to; i++)
        if (m->tokens[i].kind == TOKEN_LINE &&
            !(token_at(m, i + 1)->kind == TOKEN_STRING && token_at(m, i + 2)->kind == TOKEN_LINE)) {
            lines++;
            from = i;
        }
    return lines == 1 && token_is(token_at(m, from + 1), "return");
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
    if (name_is(m, names_from(m, name, n), name, n))
        return visit_name(r, 0, name, n);
    for (size_t i = 0; i < m->n_tokens; i++)
        if (token_is(&m->tokens[i], "globals"))
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
        module_release(&r.modules[i]);
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
