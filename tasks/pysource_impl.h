/* pysource_impl.h -- a Python module as its words and its top-level statements: private to
 * tasks/pysource*.c. */
#ifndef TASKS_PYSOURCE_IMPL_H
#define TASKS_PYSOURCE_IMPL_H

#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

enum token_kind { TOKEN_WORD, TOKEN_STRING, TOKEN_OTHER, TOKEN_LINE };

struct token {
    enum token_kind kind;
    const char *s;
    size_t n;   /* TOKEN_LINE: the column of the line that begins here */
    int format; /* TOKEN_STRING: an f-string, which may name things */
};

struct statement { /* tokens [from, to) of its module; the first is a TOKEN_LINE */
    size_t from, to;
    int visited; /* pysource.c's, as a name's `followed` */
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

/* Reads m->path, which is set.  What it holds is pymodule_release's, also on failure. */
int pymodule_read(struct module *m, struct err *e);
void pymodule_release(struct module *m);

/* The token; past the end an empty line. */
const struct token *pytoken_at(const struct module *m, size_t i);
/* Not for lines and texts, which are nothing. */
int pytoken_is(const struct token *t, const char *s);

/* The first entry of m->names of that name; those of the same name follow.  pyname_is tells
 * whether there is one. */
size_t pynames_from(const struct module *m, const char *s, size_t n);
int pyname_is(const struct module *m, size_t i, const char *s, size_t n);

/* Bytes that a name begins with, and that it has. */
int pyword_begins(char c);
int pyword_goes_on(char c);
/* Bytes of the prefix of a string at s ("rb"); -1: no string begins here. */
int pystring_prefix(const char *s);

#endif
