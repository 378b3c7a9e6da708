/* cmd_report.c -- stored runs to a page, a text or data. */
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/commands.h"
#include "harness/stored.h"
#include "harness/summary.h"

extern char **environ;

const struct option report_options[] = {
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0,
     "write FILE: .html, .md, .csv, .json or .txt; without it the text is printed"},
    {"title", 0, OPTION_TEXT, "TEXT", "Knowledge and its cost", 0, 0, "heading of the page"},
    {"gnuplot", 0, OPTION_TEXT, "PROGRAM", "gnuplot", 0, 0, "draws the plots"},
    {"open", 0, OPTION_FLAG, NULL, NULL, 0, 0, "open the file afterwards (xdg-open)"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

/* The runs named, or every complete one, newest first. */
static int choose(const struct context *c, struct store *s, struct run_list *all, struct err *e)
{
    struct run_filter complete = {.status = "complete"};
    size_t kept = 0;
    char id[RUN_ID_SIZE];

    if (args_n(c->args) == 0)
        return query_runs(s, &complete, all, e);
    if (query_runs(s, NULL, all, e) < 0)
        return -1;
    for (int i = 0; i < args_n(c->args); i++) {
        size_t at = kept;
        struct run_row swap;
        if (query_resolve(s, args_at(c->args, i), id, e) < 0)
            return -1;
        while (at < all->n && strcmp(all->v[at].id, id) != 0)
            at++;
        if (at == all->n)
            continue; /* named twice */
        swap = all->v[kept];
        all->v[kept++] = all->v[at];
        all->v[at] = swap;
    }
    all->n = kept;
    return 0;
}

static int print(const struct context *c, const struct report *r, const struct report_options *o,
                 struct err *e)
{
    const char *wanted = c->json ? "json" : c->csv ? "csv" : "text";
    const struct report_writer *w;
    struct strbuf b = STRBUF_INIT;
    int rc = -1;

    for (int i = 0; (w = report_writer_at(i)) != NULL; i++)
        if (strcmp(w->name, wanted) == 0 && (rc = w->write(r, o, &b, e)) == 0)
            rc = context_print(c, &b, e);
    strbuf_release(&b);
    return rc;
}

static int open_page(const char *path, struct err *e)
{
    char *const argv[] = {"xdg-open", (char *)path, NULL};
    pid_t pid;
    int rc = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ), status;

    if (rc != 0)
        return err_set(e, ERR_IO, "xdg-open: %s", strerror(rc));
    waitpid(pid, &status, 0);
    return 0;
}

static int write_report(const struct context *c, struct store *s, const struct run_list *runs,
                        struct err *e)
{
    const char *path = args_str(c->args, "out");
    struct report_options o = {.gnuplot = args_str(c->args, "gnuplot"), .color = c->colour};
    struct report r;
    int rc = -1;

    report_init(&r, args_str(c->args, "title"));
    if (summarise(&r, s, runs->v, runs->n, e) < 0)
        goto out;
    rc = path ? report_write(&r, &o, path, e) : print(c, &r, &o, e);
    if (rc == 0 && path) {
        context_note(c, "%s: %zu runs", path, runs->n);
        if (args_flag(c->args, "open"))
            rc = open_page(path, e);
    }
out:
    report_release(&r);
    return rc;
}

int cmd_report(struct context *c, struct err *e)
{
    struct store *s = NULL;
    struct run_list runs = {0};
    int rc = -1;

    if (open_store(c, 1, &s, e) < 0 || choose(c, s, &runs, e) < 0)
        goto out;
    if (runs.n == 0) {
        err_set(e, ERR_NOTFOUND, "%s: no complete run to report on", store_path(s));
        goto out;
    }
    rc = write_report(c, s, &runs, e);
out:
    run_list_release(&runs);
    store_close(s);
    return rc;
}
