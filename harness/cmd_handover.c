/* cmd_handover.c -- the small model answers what it is sure of, the large one the rest. */
#include <math.h>

#include "harness/commands.h"
#include "harness/handover_write.h"
#include "harness/stored.h"

enum { REPLICATES = 1000, SPLITS = 200, SEED = 20241205, REPEATS_MAX = 32 };

const struct option handover_options[] = {
    {"error", 0, OPTION_NUMBER, "SHARE", "0.1", 0.0001, 0.9999,
     "error allowed among the answers that are kept"},
    {"confidence", 0, OPTION_NUMBER, "SHARE", "0.9", 0.5, 0.9999, "how sure that must be"},
    {"small-price", 0, OPTION_NUMBER, "PRICE", NULL, 0, 1e9,
     "of a million tokens of the small one"},
    {"large-price", 0, OPTION_NUMBER, "PRICE", NULL, 0, 1e9,
     "of a million tokens of the large one"},
    {"rerun", 0, OPTION_WORDS, "RUN", NULL, 0, 0,
     "runs of the small model that ask the same again (eval --temperature, --rotate, --seed): "
     "self-consistency"},
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0,
     "also write a page: .html, .md, .csv, .json by its suffix"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

static int read_options(const struct context *c, struct handover_opts *o, struct err *e)
{
    int priced = args_given(c->args, "small-price") > 0;

    if (priced != (args_given(c->args, "large-price") > 0))
        return err_set(e, ERR_USAGE, "handover: --small-price and --large-price come together");
    *o = (struct handover_opts){
        .error = args_num(c->args, "error"), .delta = 1 - args_num(c->args, "confidence"),
        .small_price = priced ? args_num(c->args, "small-price") : NAN,
        .large_price = priced ? args_num(c->args, "large-price") : NAN,
        .replicates = REPLICATES, .splits = SPLITS, .seed = SEED};
    return 0;
}

static int write_page(const struct context *c, const struct handover *h, const char *path,
                      struct err *e)
{
    struct report page;
    int rc;

    report_init(&page, "Handing over to a larger model");
    handover_report(&page, h, path != NULL);
    rc = context_report(c, &page, path, e);
    report_release(&page);
    return rc;
}

static int print(const struct context *c, const struct handover *h, struct err *e)
{
    const char *path = args_str(c->args, "out");
    struct strbuf b = STRBUF_INIT;
    int rc;

    if (c->json) {
        struct json_out j = context_json_begin(&b, "handover");
        handover_json(&j, h);
        rc = context_json_end(c, &j, e);
    } else {
        rc = write_page(c, h, NULL, e);
    }
    strbuf_release(&b);
    return rc == 0 && path ? write_page(c, h, path, e) : rc;
}

struct repeats {
    struct run_list lists[REPEATS_MAX];
    const struct run_row *rows[REPEATS_MAX];
};

static int read_repeats(const struct context *c, struct store *s, struct repeats *r,
                        struct handover_opts *o, struct err *e)
{
    int n = args_count(c->args, "rerun");

    if (n > REPEATS_MAX)
        return err_set(e, ERR_USAGE, "handover: --rerun: %d runs, at most %d", n, REPEATS_MAX);
    for (int i = 0; i < n; i++) {
        if (query_run(s, args_word(c->args, "rerun", i), &r->lists[i], e) < 0)
            return -1;
        r->rows[i] = r->lists[i].v;
    }
    o->repeats = r->rows;
    o->n_repeats = (size_t)n;
    return 0;
}

int cmd_handover(struct context *c, struct err *e)
{
    struct store *s = NULL;
    struct run_list small = {0}, large = {0};
    struct repeats repeats = {0};
    struct handover_opts o;
    struct handover h;
    int rc = -1;

    if (read_options(c, &o, e) < 0 || open_store(c, STORED_READ, &s, e) < 0)
        return -1;
    if (read_repeats(c, s, &repeats, &o, e) == 0 &&
        query_run(s, args_at(c->args, 0), &small, e) == 0 &&
        query_run(s, args_at(c->args, 1), &large, e) == 0 && run_complete(small.v, e) == 0 &&
        run_complete(large.v, e) == 0 && handover_make(&h, s, small.v, large.v, &o, e) == 0) {
        rc = print(c, &h, e);
        handover_release(&h);
    }
    run_list_release(&small);
    run_list_release(&large);
    for (int i = 0; i < REPEATS_MAX; i++)
        run_list_release(&repeats.lists[i]);
    store_close(s);
    return rc;
}
