/* cmd_density.c -- models in order of knowledge density. */
#include <string.h>

#include "base/mem.h"
#include "harness/commands.h"
#include "harness/density_present.h"
#include "harness/rulers.h"

const struct option density_options[] = {
    {"ruler", 0, OPTION_TEXT, "NAME", "qwen2.5-mmlu", 0, 0,
     "what to measure against ('densimeter ruler list')"},
    {"per", 0, OPTION_CHOICE, DENSITY_PER_WORDS, "total", 0, 0, "what effective parameters are divided by"},
    {"source", 0, OPTION_CHOICE, "catalogue", "catalogue", 0, 0, "published scores"},
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

static int fill(const struct context *c, const struct published *p, struct rulers *known,
                struct density_list *l, struct err *e)
{
    int n = args_n(c->args), rc;
    const char **words = mem_calloc((size_t)n + 1, sizeof *words);
    const struct ruler *r;

    if (!words)
        return err_nomem(e);
    for (int i = 0; i < n; i++)
        words[i] = args_at(c->args, i);
    rc = rulers_get(known, args_str(c->args, "ruler"), &r, e);
    if (rc == 0)
        rc = density_published(l, p, r, words, n, e);
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
