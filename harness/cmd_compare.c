/* cmd_compare.c -- two runs side by side. */
#include <string.h>

#include "harness/commands.h"
#include "harness/compare_write.h"
#include "harness/stored.h"

enum { PAGE_ITEMS = 500 };

const struct option compare_options[] = {
    {"lost", 0, OPTION_INT, "N", "3", 0, 100000, "lost items to print with both answers"},
    {"won", 0, OPTION_INT, "N", "0", 0, 100000, "won items to print"},
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0,
     "also write a page: .html, .md, .csv, .json by its suffix"},
    {"html", 0, OPTION_TEXT, "FILE", NULL, 0, 0,
     "also write a page: every task, plots, the lost and won items in full"},
    {"markdown", 0, OPTION_TEXT, "FILE", NULL, 0, 0, "the same as Markdown"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

static int write_page(const struct compare *x, struct store *s, const char *path, struct err *e)
{
    const struct compare_lists l = {PAGE_ITEMS, PAGE_ITEMS, 1};
    struct report page;
    int rc = -1;

    report_init(&page, "Two runs compared");
    if (compare_report(&page, x, s, &l, e) == 0 && report_ok(&page, e) == 0)
        rc = report_write(&page, NULL, path, e);
    report_release(&page);
    return rc;
}

static int print_text(const struct context *c, const struct compare *x, struct store *s,
                      struct err *e)
{
    const struct compare_lists l = {.lost = (int)args_int(c->args, "lost"),
                                    .won = (int)args_int(c->args, "won")};
    struct report_options o = {.color = c->colour, .width = context_width()};
    struct strbuf b = STRBUF_INIT;
    struct report page;
    const struct report_writer *w;
    int rc = -1;

    report_init(&page, "Two runs compared");
    for (int i = 0; (w = report_writer_at(i)) && strcmp(w->name, c->csv ? "csv" : "text") != 0; i++)
        ;
    if (compare_report(&page, x, s, &l, e) == 0 && report_ok(&page, e) == 0 &&
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): both are there */
        w->write(&page, &o, &b, e) == 0)
        rc = context_print(c, &b, e);
    strbuf_release(&b);
    report_release(&page);
    return rc;
}

static int print_json(const struct context *c, const struct compare *x, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out j = context_json_begin(&b, "compare");
    int rc;

    compare_json(&j, x);
    rc = context_json_end(c, &j, e);
    strbuf_release(&b);
    return rc;
}

int cmd_compare(struct context *c, struct err *e)
{
    static const char *const pages[] = {"out", "html", "markdown"};
    struct store *s = NULL;
    struct run_list a = {0}, b = {0};
    struct compare x = {0};
    int rc = -1;

    if (open_store(c, STORED_READ, &s, e) < 0 || query_run(s, args_at(c->args, 0), &a, e) < 0 ||
        query_run(s, args_at(c->args, 1), &b, e) < 0 ||
        compare_make(&x, s, a.v, b.v, 0.95, e) < 0)
        goto out;
    rc = c->json ? print_json(c, &x, e) : print_text(c, &x, s, e);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0] && rc == 0; i++)
        if (args_str(c->args, pages[i]))
            rc = write_page(&x, s, args_str(c->args, pages[i]), e);
    if (rc == 0 && strcmp(a.v[0].kind, "eval") == 0) /* a gate judges no speed tests */
        context_next(c, (const char *const[]){"gate", "--baseline", args_at(c->args, 0),
                                              "--candidate", args_at(c->args, 1), "--policy",
                                              "FILE", NULL});
out:
    compare_release(&x);
    run_list_release(&a);
    run_list_release(&b);
    store_close(s);
    return rc;
}
