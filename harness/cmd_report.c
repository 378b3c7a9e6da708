/* cmd_report.c -- stored runs to a page, a text or data. */
#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/commands.h"
#include "harness/stored.h"
#include "harness/summary.h"

extern char **environ;

#define DEFAULT_PAGE "report.html"
#define DEFAULT_INDEX "index.html"

const struct option report_options[] = {
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0,
     "write FILE: .html, .md, .csv, .json or .txt, or - to print the text (else " DEFAULT_PAGE
     ", or standard output with --json and --csv)"},
    {"index", 0, OPTION_FLAG, NULL, NULL, 0, 0,
     "one table of all runs (into " DEFAULT_INDEX " unless given)"},
    {"title", 0, OPTION_TEXT, "TEXT", "Knowledge and its cost", 0, 0, "heading of the page"},
    {"ruler", 0, OPTION_TEXT, "NAME", NULL, 0, 0,
     "what densities are measured against ('densimeter ruler list'); pythia unless given"},
    {"gnuplot", 0, OPTION_TEXT, "PROGRAM", "gnuplot", 0, 0, "draws the plots"},
    {"open", 0, OPTION_FLAG, NULL, NULL, 0, 0, "open the file afterwards (with xdg-open)"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

/* Where the report goes: a file, standard output in some format, or both. */
struct destination {
    const char *path;    /* NULL: no file */
    const char *printed; /* name of a writer; NULL: nothing is printed */
};

static int choose_destination(const struct context *c, struct destination *out, struct err *e)
{
    const char *path = args_str(c->args, "out");

    *out = (struct destination){.printed = c->json ? "json" : c->csv ? "csv" : NULL};
    if (!path && !out->printed)
        path = args_flag(c->args, "index") ? DEFAULT_INDEX : DEFAULT_PAGE;
    if (path && strcmp(path, "-") == 0) {
        out->printed = out->printed ? out->printed : "text";
        path = NULL;
    }
    out->path = path;
    if (path && !report_writer_for(path)) {
        err_set(e, ERR_USAGE, "report: -o %s: what kind of report is that?", path);
        err_hint(e, "the name ends in .html, .md, .csv, .json or .txt");
        return -1;
    }
    if (!path && args_flag(c->args, "open"))
        return err_set(e, ERR_USAGE, "report: --open needs a file to open (-o FILE.html)");
    return 0;
}

/* The runs named, or all of them, newest first. */
static int choose_runs(const struct context *c, struct store *s, struct run_list *all,
                       struct err *e)
{
    size_t kept = 0;
    char id[RUN_ID_SIZE];

    if (query_runs(s, NULL, all, e) < 0)
        return -1;
    if (args_n(c->args) == 0)
        return 0;
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

static int print(const struct context *c, const char *writer, const struct report *r,
                 const struct report_options *o, struct err *e)
{
    const struct report_writer *w;
    struct strbuf b = STRBUF_INIT;
    int rc = -1;

    for (int i = 0; (w = report_writer_at(i)) != NULL; i++)
        if (strcmp(w->name, writer) == 0 && (rc = w->write(r, o, &b, e)) == 0)
            rc = context_print(c, &b, e);
    strbuf_release(&b);
    return rc;
}

/* The report is written; that it cannot be shown here is a message. */
static void open_page(const struct context *c, const char *path)
{
    char *const argv[] = {"xdg-open", (char *)path, NULL};
    pid_t pid;
    int status, rc = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);

    if (rc != 0) {
        context_note(c, "%s was not opened: xdg-open: %s", path, strerror(rc));
        return;
    }
    while ((rc = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        ;
    if (rc < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        context_note(c, "%s was not opened: xdg-open failed", path);
}

static int write_report(const struct context *c, struct store *s, const struct run_list *runs,
                        const struct destination *to, struct err *e)
{
    struct report_options o = {.gnuplot = args_str(c->args, "gnuplot"), .color = c->colour,
                               .width = context_width()};
    struct summary_opts how = {.latest = args_n(c->args) == 0, .ruler = args_str(c->args, "ruler")};
    struct report r;
    int index = args_flag(c->args, "index"), rc = -1;

    report_init(&r, index && !args_given(c->args, "title") ? "All runs"
                                                            : args_str(c->args, "title"));
    if ((index ? summarise_index : summarise)(&r, s, runs->v, runs->n, &how, e) < 0)
        goto out;
    if (to->path && report_write(&r, &o, to->path, e) < 0)
        goto out;
    if (to->printed && print(c, to->printed, &r, &o, e) < 0)
        goto out;
    rc = 0;
    if (to->path)
        context_note(c, "the report is in %s", to->path);
    if (to->path && args_flag(c->args, "open"))
        open_page(c, to->path);
out:
    report_release(&r);
    return rc;
}

int cmd_report(struct context *c, struct err *e)
{
    struct destination to;
    struct store *s = NULL;
    struct run_list runs = {0};
    int rc = -1;

    if (choose_destination(c, &to, e) == 0 && open_store(c, STORED_READ, &s, e) == 0 &&
        choose_runs(c, s, &runs, e) == 0)
        rc = write_report(c, s, &runs, &to, e);
    run_list_release(&runs);
    store_close(s);
    return rc;
}
