/* cmd_quantize.c -- one file into a smaller one, block by block. */
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "harness/commands.h"
#include "harness/open.h"
#include "harness/progress.h"
#include "runners/hf.h"
#include "runners/quantize_file.h"

const struct option quantize_options[] = {
    {"type", 0, OPTION_TEXT, "TYPE", NULL, 0, 0, "q8_0, q6_k, q5_k_m, q4_k_m, q4_0, ..., f16, f32"},
    {"imatrix", 0, OPTION_TEXT, "FILE", NULL, 0, 0,
     "how much each column matters (llama-imatrix); iq1 and iq2 need it"},
    {"threads", 't', OPTION_INT, "N", "0", 0, 256, "worker threads; 0: one per usable core"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

static int unknown_type(const char *typed, struct err *e)
{
    struct suggest s = SUGGEST(typed);
    struct strbuf names = STRBUF_INIT;
    const struct mix *m;

    for (size_t i = 0; (m = mix_at(i)); i++) {
        suggest_offer(&s, m->name);
        strbuf_addf(&names, " %s", m->name);
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
        strbuf_add_printable(&b, out, 0);
        strbuf_addf(&b, ": %s, %s\n", type, bytes);
        rc = context_print(c, &b, e);
        if (rc == 0)
            context_next(c, (const char *const[]){"eval", args_at(c->args, 0), out, "--tasks",
                                                  "facts", NULL});
    }
    strbuf_release(&b);
    return rc;
}

/* A ladder of sizes begins with a mistyped name often enough: the source is not what
 * is replaced. */
static int is_one_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int quantize(struct context *c, const char *path, const struct mix *mix, struct err *e)
{
    const char *importance = args_str(c->args, "imatrix"), *out = args_at(c->args, 1);
    struct imatrix *m = NULL;
    struct progress p;
    int rc;

    if (importance && imatrix_open(&m, importance, e) < 0)
        return -1;
    progress_begin(&p, c->progress ? c->log : NULL, "quantize", 0, 1);
    p.is_bytes = 1;
    rc = quantize_file(path, out,
                       &(struct quantize_opts){.mix = mix, .importance = m,
                                               .threads = (int)args_int(c->args, "threads"),
                                               .progress = on_progress, .user = &p}, e);
    progress_end(&p);
    imatrix_close(m);
    return rc < 0 ? -1 : print(c, out, mix->name, e);
}

int cmd_quantize(struct context *c, struct err *e)
{
    const char *typed = args_str(c->args, "type");
    const struct mix *mix = typed ? mix_by_name(typed, strlen(typed)) : NULL;
    char *path;
    int rc;

    if (!typed) {
        err_set(e, ERR_USAGE, "quantize: --type is missing");
        err_hint(e, "q8_0, q6_k, q5_k_m, q4_k_m, q4_0, ..., f16 or f32");
        return -1;
    }
    if (!mix)
        return unknown_type(typed, e);
    path = model_path(args_at(c->args, 0), e);
    if (!path)
        return -1;
    if (hf_is_folder(path))
        rc = err_set(e, ERR_UNSUPPORTED, "%s: a Hugging Face folder; quantize reads GGUF files",
                     path);
    else if (is_one_file(path, args_at(c->args, 1)))
        rc = err_set(e, ERR_USAGE, "quantize: %s is MODEL itself; OUT.gguf wants another name",
                     args_at(c->args, 1));
    else
        rc = quantize(c, path, mix, e);
    mem_free(path);
    return rc;
}
