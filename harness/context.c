#include "harness/context.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"

/* A line of words on `log`, broken at the terminal's width where it is one. */
static void say(const struct context *c, struct strbuf *line)
{
    struct strbuf folded = STRBUF_INIT;

    utf8_make_printable(line->s, line->len, 0);
    if (isatty(fileno(c->log)))
        text_fold(&folded, strbuf_str(line), context_width());
    fprintf(c->log, "%s\n", strbuf_str(folded.len ? &folded : line));
    strbuf_release(&folded);
    strbuf_release(line);
}

void context_note(const struct context *c, const char *fmt, ...)
{
    struct strbuf b = STRBUF_INIT;
    va_list ap;

    if (c->quiet)
        return;
    strbuf_adds(&b, "densimeter: ");
    va_start(ap, fmt);
    strbuf_vaddf(&b, fmt, ap);
    va_end(ap);
    say(c, &b);
}

static void put_word(struct strbuf *b, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./:=+,@%~";

    strbuf_addc(b, ' ');
    if (*word && word[strspn(word, plain)] == 0) {
        strbuf_adds(b, word);
        return;
    }
    strbuf_addc(b, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            strbuf_adds(b, "'\\'");
        strbuf_addc(b, *word);
    }
    strbuf_addc(b, '\'');
}

void context_next(const struct context *c, const char *const *words)
{
    struct strbuf b = STRBUF_INIT;
    const char *db = args_str(c->args, "db");

    if (!c->progress || c->json || c->csv)
        return;
    strbuf_adds(&b, "next: densimeter");
    for (; *words; words++)
        put_word(&b, *words);
    if (db) {
        strbuf_adds(&b, " --db");
        put_word(&b, db);
    }
    say(c, &b);
}

char *context_db_path(const struct context *c, struct err *e)
{
    const char *given = args_str(c->args, "db"), *env = getenv("DENSIMETER_DB");
    char *path = given      ? mem_strdup(given)
                 : env && *env ? mem_strdup(env)
                               : path_data_home("results.db");

    if (!path)
        err_nomem(e);
    return path;
}

int context_data_dirs(const struct context *c, const char *const **out, int *n, struct err *e)
{
    int count = args_count(c->args, "data");
    const char **v = mem_calloc((size_t)count + 1, sizeof *v);

    if (!v)
        return err_nomem(e);
    for (int i = 0; i < count; i++)
        v[i] = args_word(c->args, "data", i);
    for (int i = 0; i < count; i++)
        if (access(v[i], X_OK) < 0) {
            err_errno(e, "option --data: %s", v[i]);
            mem_free(v);
            return -1;
        }
    *out = v;
    *n = count;
    return 0;
}

struct json_out context_json_begin(struct strbuf *b, const char *name)
{
    struct json_out o = JSON_OUT(b);
    char schema[64];

    o.pretty = 1;
    snprintf(schema, sizeof schema, "densimeter.%s/1", name);
    json_begin_object(&o, NULL);
    json_put_str(&o, "schema", schema);
    return o;
}

int context_json_end(const struct context *c, struct json_out *o, struct err *e)
{
    json_end_object(o);
    strbuf_addc(o->b, '\n');
    return context_print(c, o->b, e);
}

static int refused; /* standard output is one for the whole process */

int context_print(const struct context *c, const struct strbuf *b, struct err *e)
{
    if (strbuf_ok(b, e) < 0)
        return -1;
    if (b->len && fwrite(b->s, 1, b->len, c->out) != b->len) {
        refused = errno;
        return err_errno(e, "standard output");
    }
    return 0;
}

int context_print_folded(const struct context *c, const struct strbuf *b, struct err *e)
{
    struct strbuf folded = STRBUF_INIT;
    int rc;

    if (!isatty(fileno(c->out)))
        return context_print(c, b, e);
    text_fold(&folded, strbuf_str(b), context_width());
    folded.failed |= b->failed;
    rc = context_print(c, &folded, e);
    strbuf_release(&folded);
    return rc;
}

int context_print_errno(void)
{
    return refused;
}

int context_report(const struct context *c, const struct report *page, const char *path,
                   struct err *e)
{
    struct report_options o = {.color = c->colour, .width = context_width()};
    struct strbuf b = STRBUF_INIT;
    int rc;

    if (report_ok(page, e) < 0)
        return -1;
    if (path)
        return report_write(page, NULL, path, e);
    rc = report_writer_named(c->csv ? "csv" : "text")->write(page, &o, &b, e);
    if (rc == 0)
        rc = context_print(c, &b, e);
    strbuf_release(&b);
    return rc;
}

int context_width(void)
{
    const char *columns = getenv("COLUMNS");
    struct winsize w;

    if (columns && atoi(columns) > 20)
        return atoi(columns);
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20)
        return w.ws_col;
    return 80;
}

int context_table(const struct context *c, const struct table *t, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = c->csv ? table_csv(t, &b, e) : table_print(t, &b, context_width(), c->colour, e);

    if (c->csv && isatty(STDOUT_FILENO)) /* in a file the cells are exactly what they were */
        utf8_make_printable(b.s, b.len, 1);
    if (rc == 0)
        rc = context_print(c, &b, e);
    strbuf_release(&b);
    return rc;
}
