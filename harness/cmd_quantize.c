/* cmd_quantize.c -- one file into a smaller one: rounding to nearest, block by block. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "harness/commands.h"
#include "harness/open.h"
#include "harness/progress.h"
#include "runners/quant.h"
#include "runners/quantize.h"

const struct option quantize_options[] = {
    {"type", 0, OPTION_TEXT, "TYPE", NULL, 0, 0, "q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, ..., f16"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

enum { TYPES = 64 };

static int unknown_type(const char *typed, struct err *e)
{
    struct suggest s = SUGGEST(typed);
    struct strbuf names = STRBUF_INIT;

    for (int type = 0; type < TYPES; type++)
        if (quant_find(type) && quantize_supports(type)) {
            suggest_offer(&s, quant_find(type)->name);
            strbuf_addf(&names, " %s", quant_find(type)->name);
        }
    err_set(e, ERR_USAGE, "option --type: '%s' is none of%s", typed, strbuf_str(&names));
    if (suggest_best(&s))
        err_hint(e, "did you mean '%s'?", suggest_best(&s));
    strbuf_release(&names);
    return -1;
}

static void on_progress(void *user, size_t done, size_t total)
{
    struct progress *p = user;

    p->done = done > 0 ? done - 1 : 0;
    p->total = total;
    progress_step(p);
}

static int print(const struct context *c, const char *out, const char *type, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o;
    char bytes[32];
    int rc;

    if (c->json) {
        o = context_json_begin(&b, "quantize");
        json_put_str(&o, "file", out);
        json_put_str(&o, "type", type);
        json_put_int(&o, "file_bytes", file_size(out));
        rc = context_json_end(c, &o, e);
    } else {
        format_bytes(bytes, sizeof bytes, (double)file_size(out));
        strbuf_addf(&b, "%s: %s, %s\n", out, type, bytes);
        rc = context_print(c, &b, e);
    }
    strbuf_release(&b);
    return rc;
}

int cmd_quantize(struct context *c, struct err *e)
{
    const char *typed = args_str(c->args, "type"), *out = args_at(c->args, 1);
    const struct quant *q = typed ? quant_by_name(typed, strlen(typed)) : NULL;
    struct progress p;
    char *path;
    int rc;

    if (!typed)
        return err_set(e, ERR_USAGE, "quantize: --type is missing");
    if (!q || !quantize_supports(q->type))
        return unknown_type(typed, e);
    path = model_path(args_at(c->args, 0), e);
    if (!path)
        return -1;
    progress_begin(&p, c->progress ? c->log : NULL, "quantize", 0, 1);
    rc = quantize_file(path, out, q->type, on_progress, &p, e);
    progress_end(&p);
    mem_free(path);
    return rc < 0 ? -1 : print(c, out, q->name, e);
}
