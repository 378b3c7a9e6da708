/* cmd_density.c -- models in order of knowledge density. */
#include <string.h>

#include "base/mem.h"
#include "harness/commands.h"
#include "harness/density_present.h"
#include "harness/rulers.h"
#include "harness/stored.h"

const struct option density_options[] = {
    {"ruler", 0, OPTION_TEXT, "NAME", NULL, 0, 0,
     "what to measure against, or the ladder of several ('densimeter ruler list'); pythia for "
     "runs, qwen2.5-mmlu for the catalogue"},
    {"per", 0, OPTION_CHOICE, DENSITY_PER_WORDS, "total", 0, 0,
     "what effective parameters are divided by"},
    {"source", 0, OPTION_CHOICE, "runs|catalogue", "runs", 0, 0,
     "our own runs, or published scores"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

static int print_json(const struct context *c, const struct density_list *l, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "density");
    int rc;

    json_put_str(&o, "source", args_str(c->args, "source"));
    rc = density_json(&o, l, e);
    if (rc == 0)
        rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

/* Every ruler that NAME means, one or a ladder's. */
static int from_catalogue(const struct published *p, const struct density_source *from,
                          struct density_list *l, struct err *e)
{
    const struct ruler *const *rulers = NULL;
    int n = 0, rc = rulers_meant(from->rulers, from->ruler, &rulers, &n, e);

    for (int i = 0; i < n && rc == 0; i++)
        rc = density_published(l, p, rulers[i], from->words, from->n_words, e);
    rulers_meant_free(rulers);
    return rc;
}

static int from_store(const struct context *c, struct density_source *from, struct density_list *l,
                      struct err *e)
{
    struct store_ruler_list own = {0};
    int rc = -1;

    if (open_store(c, STORED_READ, &from->store, e) == 0 &&
        query_rulers(from->store, NULL, &own, e) == 0 && rulers_add(from->rulers, &own, e) == 0)
        rc = density_runs(l, from, e);
    else if (e && e->code == ERR_NOTFOUND)
        err_hint(e, "'densimeter eval' stores some; --source catalogue ranks published models");
    store_ruler_list_release(&own);
    store_close(from->store);
    return rc;
}

static int fill(const struct context *c, const struct published *p, struct rulers *known,
                struct density_list *l, struct err *e)
{
    int catalogue = strcmp(args_str(c->args, "source"), "catalogue") == 0, n = args_n(c->args), rc;
    const char **words = mem_calloc((size_t)n + 1, sizeof *words);
    const char *name = args_str(c->args, "ruler");
    struct density_source from = {.rulers = known, .words = words, .n_words = n,
                                  .ruler = name ? name : catalogue ? "qwen2.5-mmlu" : "pythia"};

    if (!words)
        return err_nomem(e);
    for (int i = 0; i < n; i++)
        words[i] = args_at(c->args, i);
    rc = catalogue ? from_catalogue(p, &from, l, e) : from_store(c, &from, l, e);
    mem_free(words);
    return rc;
}

int cmd_density(struct context *c, struct err *e)
{
    struct density_list l = {.per = (enum density_per)args_choice(c->args, "per")};
    struct published *p = NULL;
    struct rulers *known = NULL;
    int rc = -1;

    if (published_open(&p, e) == 0 && rulers_open(&known, p, e) == 0 &&
        fill(c, p, known, &l, e) == 0)
        rc = c->json ? print_json(c, &l, e) : density_table(c, &l, e);
    density_list_release(&l);
    rulers_close(known);
    published_free(p);
    return rc;
}
