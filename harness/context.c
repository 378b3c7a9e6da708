#include "harness/context.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

void context_note(const struct context *c, const char *fmt, ...)
{
    va_list ap;

    if (c->quiet)
        return;
    va_start(ap, fmt);
    fputs("densimeter: ", c->log);
    vfprintf(c->log, fmt, ap);
    fputc('\n', c->log);
    va_end(ap);
}

static int make_parent(const char *path, struct err *e)
{
    const char *base = path_base(path);
    char *dir;
    int rc;

    if (base == path)
        return 0;
    dir = mem_strndup(path, (size_t)(base - path));
    if (!dir)
        return err_nomem(e);
    rc = dir_make(dir, e);
    mem_free(dir);
    return rc;
}

char *context_db_path(const struct context *c, struct err *e)
{
    const char *given = args_str(c->args, "db"), *env = getenv("DENSIMETER_DB");
    char *path = given      ? mem_strdup(given)
                 : env && *env ? mem_strdup(env)
                               : path_data_home("results.db");

    if (!path) {
        err_nomem(e);
        return NULL;
    }
    if (make_parent(path, e) < 0) {
        mem_free(path);
        return NULL;
    }
    return path;
}

static int add_dir(struct data_dirs *d, char *dir, struct err *e)
{
    if (!dir || mem_grow(&d->v, &d->cap, d->n + 1, sizeof *d->v) < 0) {
        mem_free(dir);
        return err_nomem(e);
    }
    d->v[d->n++] = dir;
    return 0;
}

int context_data_dirs(const struct context *c, struct data_dirs *out, struct err *e)
{
    const char *env = getenv("DENSIMETER_DATA");

    *out = (struct data_dirs){0};
    for (int i = 0; i < args_count(c->args, "data"); i++)
        if (add_dir(out, mem_strdup(args_word(c->args, "data", i)), e) < 0)
            goto fail;
    while (env && *env) {
        size_t n = strcspn(env, ":");
        if (n > 0 && add_dir(out, mem_strndup(env, n), e) < 0)
            goto fail;
        env += n + (env[n] == ':');
    }
    if (add_dir(out, path_data_home("data"), e) < 0)
        goto fail;
    return 0;
fail:
    data_dirs_release(out);
    return -1;
}

void data_dirs_release(struct data_dirs *d)
{
    for (size_t i = 0; i < d->n; i++)
        mem_free(d->v[i]);
    mem_free(d->v);
    *d = (struct data_dirs){0};
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

int context_print_errno(void)
{
    return refused;
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

    if (rc == 0)
        rc = context_print(c, &b, e);
    strbuf_release(&b);
    return rc;
}
