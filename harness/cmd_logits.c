/* cmd_logits.c -- the raw outputs of a model, for comparison with a reference. */
#include <string.h>

#include "base/mem.h"
#include "base/out.h"
#include "harness/commands.h"
#include "harness/open.h"

const struct option logits_options[] = {
    {"ids", 0, OPTION_INTS, "1,2,...", NULL, 0, 2147483647, "the tokens to read"},
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0,
     "float32 rows [n_ids, n_vocab], little endian, go here"},
    {"context", 0, OPTION_INT, "N", "0", 0, 1e9, "context length to allocate; 0: the model's own"},
    ENGINE_OPTIONS,
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

struct rows {
    struct out_file *out; /* NULL: only argmax */
    struct err e;         /* of a write */
    int vocab;
    int32_t *argmax;
};

static int on_logits(void *user, const struct request *q, int position, const float *logits)
{
    struct rows *r = user;
    int best = 0;

    (void)q;
    for (int i = 1; i < r->vocab; i++)
        if (logits[i] > logits[best])
            best = i;
    r->argmax[position] = best;
    if (!r->out)
        return 0;
    strbuf_add(&r->out->b, (const char *)logits, sizeof *logits * (size_t)r->vocab);
    return out_flush(r->out, &r->e) < 0;
}

static int print(const struct context *c, const struct rows *r, int n, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o;
    int rc;

    if (c->json) {
        o = context_json_begin(&b, "logits");
        json_put_int(&o, "n_ids", n);
        json_put_int(&o, "n_vocab", r->vocab);
        json_begin_array(&o, "argmax");
        for (int i = 0; i < n; i++)
            json_put_int(&o, NULL, r->argmax[i]);
        json_end_array(&o);
        rc = context_json_end(c, &o, e);
    } else {
        strbuf_addf(&b, "%d rows of %d logits\nargmax:", n, r->vocab);
        for (int i = 0; i < n; i++)
            strbuf_addf(&b, " %d", (int)r->argmax[i]);
        strbuf_addc(&b, '\n');
        rc = context_print(c, &b, e);
    }
    strbuf_release(&b);
    return rc;
}

static int compute(const struct context *c, struct runner *m, struct rows *r,
                   const struct ids *ids, struct err *e)
{
    const char *path = args_str(c->args, "out");
    struct request q = {.kind = REQUEST_LOGITS, .ids = ids->v, .n_ids = (int)ids->n,
                        .on_logits = on_logits, .user = r};
    struct out_file out = {0};
    int rc;

    if (path && strcmp(path, "-") == 0)
        return err_set(e, ERR_USAGE, "logits: --out names a file");
    if (path && out_open(&out, path, e) < 0)
        return -1;
    r->out = path ? &out : NULL;
    rc = runner_run(m, &q, 1, NULL, NULL, c->stop, e);
    if (r->e.code != ERR_OK) {
        *e = r->e;
        rc = -1;
    }
    if (rc == 0 && path)
        rc = out_finish(&out, e);
    out_close(&out);
    return rc;
}

int cmd_logits(struct context *c, struct err *e)
{
    struct runner *m = NULL;
    struct ids ids = {0};
    struct rows r = {0};
    int rc = -1;

    if (!args_flag(c->args, "ids")) {
        err_set(e, ERR_USAGE, "logits: --ids is missing");
        err_hint(e, "'densimeter tokenize MODEL TEXT' gives a text's");
        return -1;
    }
    if (open_model(c, args_at(c->args, 0), (int)args_int(c->args, "context"), &m, e) < 0 ||
        ids_from_option(c, runner_tokenizer(m), &ids, e) < 0)
        goto out;
    r.vocab = runner_info(m)->vocab_size;
    r.argmax = mem_calloc(ids.n, sizeof *r.argmax);
    if (!r.argmax)
        err_nomem(e);
    else if (compute(c, m, &r, &ids, e) == 0)
        rc = print(c, &r, (int)ids.n, e);
out:
    mem_free(r.argmax);
    ids_release(&ids);
    runner_close(m);
    return rc;
}
