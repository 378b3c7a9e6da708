/* pysource_module.c -- a Python module cut into its words and its top-level statements, and which
 * names these define.
 *
 * No grammar is read: a statement is what begins in the first column with all below it up to the
 * next, and what it defines is told by its first words (def, class, import, `name =`).  Layout and
 * comments are gone from then on, but for the column that a line begins in. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "tasks/pysource_impl.h"

enum { FILE_BYTES = 1 << 20, TOKENS = 300000 };

/* --- tokens ------------------------------------------------------------------------------- */

int pyword_begins(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

int pyword_goes_on(char c)
{
    return pyword_begins(c) || isdigit((unsigned char)c);
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
int pystring_prefix(const char *s)
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
    int prefix = pystring_prefix(s);

    if (prefix >= 0) {
        size_t n = string_length(s + prefix);
        if (!n)
            return err_set(e, ERR_FORMAT, "%s: a string does not end", m->path);
        t.kind = TOKEN_STRING;
        t.n = (size_t)prefix + n;
        t.format = memchr(s, 'f', (size_t)prefix) || memchr(s, 'F', (size_t)prefix);
    } else if (pyword_begins(*s)) {
        t.kind = TOKEN_WORD;
        while (pyword_goes_on(s[t.n]))
            t.n++;
    } else if (isdigit((unsigned char)*s)) {
        while (pyword_goes_on(s[t.n]) || s[t.n] == '.')
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

int pytoken_is(const struct token *t, const char *s)
{
    return t->kind != TOKEN_LINE && t->kind != TOKEN_STRING && strlen(s) == t->n &&
           memcmp(t->s, s, t->n) == 0;
}

static int token_is_any(const struct token *t, const char *const *words)
{
    for (; *words; words++)
        if (pytoken_is(t, *words))
            return 1;
    return 0;
}

/* --- statements --------------------------------------------------------------------------- */

const struct token *pytoken_at(const struct module *m, size_t i)
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
        const struct token *next = pytoken_at(m, i + 1);
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
        decorated = pytoken_is(next, "@");
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

    while (end < to && pytoken_at(m, end)->kind == TOKEN_WORD &&
           pytoken_is(pytoken_at(m, end + 1), ","))
        end += 2;
    if (!pytoken_is(pytoken_at(m, end + 1), "=") && !pytoken_is(pytoken_at(m, end + 1), ":"))
        return 0;
    for (; i <= end; i += 2)
        if (pytoken_at(m, i)->kind == TOKEN_WORD && add_name(m, pytoken_at(m, i), statement, e) < 0)
            return -1;
    return 0;
}

/* Every word behind `import`: the names and what they are called instead. */
static int add_imported(struct module *m, size_t i, size_t to, size_t statement, struct err *e)
{
    if (pytoken_is(pytoken_at(m, i), "from"))
        while (i < to && !pytoken_is(pytoken_at(m, i), "import"))
            i++;
    for (i++; i < to && pytoken_at(m, i)->kind != TOKEN_LINE; i++)
        if ((pytoken_at(m, i)->kind == TOKEN_WORD || pytoken_is(pytoken_at(m, i), "*")) &&
            add_name(m, pytoken_at(m, i), statement, e) < 0)
            return -1;
    return 0;
}

static int add_line(struct module *m, size_t i, size_t to, size_t statement, struct err *e)
{
    if (pytoken_is(pytoken_at(m, i), "async"))
        i++;
    if (pytoken_is(pytoken_at(m, i), "def") || pytoken_is(pytoken_at(m, i), "class"))
        return add_name(m, pytoken_at(m, i + 1), statement, e);
    if (pytoken_is(pytoken_at(m, i), "from") || pytoken_is(pytoken_at(m, i), "import"))
        return add_imported(m, i, to, statement, e);
    return add_assigned(m, i, to, statement, e);
}

/* The first line of a statement says what it defines, behind its decorators; of `if`, `try` and
 * their like every line. */
static int add_names(struct module *m, size_t statement, struct err *e)
{
    static const char *const blocks[] = {"if", "try", "for", "while", "with", NULL};
    const struct statement *s = &m->statements[statement];
    int block = token_is_any(pytoken_at(m, s->from + 1), blocks);

    for (size_t i = s->from; i < s->to; i++) {
        if (m->tokens[i].kind != TOKEN_LINE)
            continue;
        if (add_line(m, i + 1, s->to, statement, e) < 0)
            return -1;
        if (!block && !pytoken_is(pytoken_at(m, i + 1), "@"))
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
size_t pynames_from(const struct module *m, const char *s, size_t n)
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

int pyname_is(const struct module *m, size_t i, const char *s, size_t n)
{
    return i < m->n_names && m->names[i].n == n && memcmp(m->names[i].s, s, n) == 0;
}

int pymodule_read(struct module *m, struct err *e)
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

void pymodule_release(struct module *m)
{
    mem_free(m->path);
    mem_free(m->tokens);
    mem_free(m->statements);
    mem_free(m->names);
    strbuf_release(&m->text);
}
