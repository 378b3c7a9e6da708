#include "harness/open.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "runners/hf.h"

struct runner_opts engine_opts(const struct context *c)
{
    return (struct runner_opts){
        .device = args_str(c->args, "device"), .kernels = args_str(c->args, "kernels"),
        .activation = args_str(c->args, "activation"),
        .isolate = args_flag(c->args, "isolate-device"), .program = device_program(),
        .timeout_s = args_num(c->args, "device-timeout"),
        .numerics = args_choice(c->args, "numerics") ? NUMERICS_FAST : NUMERICS_EXACT,
        .kv_type = (enum kv_type)args_choice(c->args, "kv-type"),
        .threads = (int)args_int(c->args, "threads"),
        .batch_tokens = (int)args_int(c->args, "batch-tokens"),
        .kv_bytes = (size_t)args_int(c->args, "kv-memory"),
        .check_finite = args_flag(c->args, "check-finite"),
        .stop = c->stop,
    };
}

int open_model(const struct context *c, const char *name, int context, struct runner **out,
               struct err *e)
{
    return open_model_of(c, name, context, NULL, out, e);
}

int open_model_of(const struct context *c, const char *name, int context, struct tokenizer *t,
                  struct runner **out, struct err *e)
{
    struct runner_opts o = engine_opts(c);
    char *path = model_path(name, e);
    int rc;

    if (!path)
        return -1;
    o.context = context;
    o.tokenizer = t;
    rc = runner_open(out, path, &o, e);
    mem_free(path);
    return rc;
}

/* A folder, or one of the files in it that describe a tokenizer. */
static int is_hugging_face(const char *path)
{
    size_t n = strlen(path);

    return (n > 5 && strcmp(path + n - 5, ".json") == 0) ||
           (n > 6 && strcmp(path + n - 6, ".model") == 0) || hf_is_folder(path);
}

int open_vocabulary(const char *name, struct vocabulary *out, struct err *e)
{
    char *path = model_path(name, e);
    int rc = -1;

    *out = (struct vocabulary){0};
    if (path && is_hugging_face(path))
        rc = tokenizer_open_hf(&out->tokenizer, path, e);
    else if (path && gguf_open(&out->gguf, path, e) == 0)
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
