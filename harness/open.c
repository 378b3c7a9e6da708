#include "harness/open.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/suggest.h"

static char *models_dir(void)
{
    const char *env = getenv("DENSIMETER_MODELS");

    return env && *env ? mem_strdup(env) : path_data_home("models");
}

static int looks_like_path(const char *name)
{
    size_t n = strlen(name);

    return strchr(name, '/') != NULL || (n > 5 && strcmp(name + n - 5, ".gguf") == 0);
}

/* "dir/name" or "dir/name.gguf"; NULL when neither is there or memory is short. */
static char *in_store(const char *dir, const char *name)
{
    struct strbuf b = STRBUF_INIT;

    strbuf_addf(&b, "%s/%s.gguf", dir, name);
    if (!b.failed && file_exists(b.s))
        return strbuf_take(&b);
    strbuf_release(&b);
    return NULL;
}

static void suggest_stored(struct err *e, const char *dir, const char *name)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    struct suggest s = SUGGEST(name);
    char *best = NULL;

    while (d && (entry = readdir(d)) != NULL) {
        char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".gguf") != 0)
            continue;
        *dot = 0;
        suggest_offer(&s, entry->d_name);
        if (s.best == entry->d_name) { /* the entry's storage is reused by the next one */
            mem_free(best);
            s.best = best = mem_strdup(entry->d_name);
        }
    }
    if (d)
        closedir(d);
    if (best)
        err_hint(e, "did you mean '%s'?", best);
    else
        err_hint(e, "MODEL is a .gguf file, or a name that 'densimeter models' lists");
    mem_free(best);
}

char *model_path(const char *name, struct err *e)
{
    char *dir, *path = NULL;

    if (looks_like_path(name) || file_exists(name)) {
        path = mem_strdup(name);
        if (!path)
            err_nomem(e);
        return path;
    }
    dir = models_dir();
    if (!dir) {
        err_nomem(e);
        return NULL;
    }
    path = in_store(dir, name);
    if (!path) {
        err_set(e, ERR_USAGE, "%s: no such model", name);
        suggest_stored(e, dir, name);
    }
    mem_free(dir);
    return path;
}

int open_model(const struct context *c, const char *name, int context, struct runner **out,
               struct err *e)
{
    struct runner_opts o = {
        .device = args_str(c->args, "device"), .kernels = args_str(c->args, "kernels"),
        .numerics = args_choice(c->args, "numerics") ? NUMERICS_FAST : NUMERICS_EXACT,
        .threads = (int)args_int(c->args, "threads"), .context = context,
        .batch_tokens = (int)args_int(c->args, "batch-tokens"),
        .kv_bytes = (size_t)args_int(c->args, "kv-memory"),
        .check_finite = args_flag(c->args, "check-finite"),
    };
    char *path = model_path(name, e);
    int rc;

    if (!path)
        return -1;
    rc = runner_open(out, path, &o, e);
    mem_free(path);
    return rc;
}

int open_vocabulary(const char *name, struct vocabulary *out, struct err *e)
{
    char *path = model_path(name, e);
    int rc = -1;

    *out = (struct vocabulary){0};
    if (path && gguf_open(&out->gguf, path, e) == 0)
        rc = tokenizer_open(&out->tokenizer, out->gguf, e);
    mem_free(path);
    if (rc < 0)
        vocabulary_close(out);
    return rc;
}

void vocabulary_close(struct vocabulary *v)
{
    tokenizer_close(v->tokenizer);
    gguf_close(v->gguf);
    *v = (struct vocabulary){0};
}

struct encoder make_encoder(const struct context *c, struct tokenizer *t, int context_length)
{
    int most = (int)args_int(c->args, "max-length");

    return (struct encoder){
        .tokenizer = t, .bos = (enum bos_policy)args_choice(c->args, "bos"),
        .max_length = context_length > 0 && context_length < most ? context_length : most};
}

int ids_from_option(const struct context *c, const struct tokenizer *t, struct ids *out,
                    struct err *e)
{
    int n = args_count(c->args, "ids");
    int64_t *typed = mem_alloc((size_t)n * sizeof *typed);
    int rc = -1;

    if (!typed) {
        err_nomem(e);
        goto out;
    }
    args_ints(c->args, "ids", typed);
    for (int i = 0; i < n; i++) {
        if (typed[i] >= tokenizer_size(t)) {
            err_set(e, ERR_USAGE, "option --ids: %lld is not in 0..%d", (long long)typed[i],
                    tokenizer_size(t) - 1);
            goto out;
        }
        if (ids_push(out, (int32_t)typed[i]) < 0) {
            err_nomem(e);
            goto out;
        }
    }
    rc = 0;
out:
    mem_free(typed);
    return rc;
}
