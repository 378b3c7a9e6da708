/* cmd_info.c -- what a model is and what it needs. */
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "harness/commands.h"
#include "harness/describe.h"
#include "harness/open.h"
#include "harness/participate.h"
#include "results/query.h"

const struct option info_options[] = {
    {"context", 0, OPTION_INT, "N", "0", 0, 1e9,
     "memory for sequences of N tokens; 0: the model's own length"},
    {"participation", 0, OPTION_TEXT, "TEXT", NULL, 0, 0,
     "run TEXT and count the experts and hidden values that take part"},
    {"tasks", 0, OPTION_WORDS, "TASK,...", NULL, 0, 0, "the same on the queries of tasks"},
    {"limit", 'n', OPTION_INT, "N", "20", 0, 1e9, "items per task at most; 0: all"},
    ENCODER_OPTIONS,
    ENGINE_OPTIONS,
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

static void put_numbers(struct json_out *o, const struct model_info *m, const struct tokenizer *t)
{
    json_put_int(o, "context_length", m->context_length);
    json_put_str(o, "rope", m->rope);
    json_put_int(o, "layers", m->layers);
    json_put_int(o, "embedding_length", m->embedding_length);
    json_put_int(o, "heads", m->heads);
    json_put_int(o, "kv_heads", m->kv_heads);
    json_put_int(o, "kv_bytes_per_token", (int64_t)m->kv_bytes_per_token);
    json_put_int(o, "state_bytes", (int64_t)m->state_bytes);
    json_put_int(o, "weights_bytes_per_token", (int64_t)m->weight_bytes_per_token);
    json_begin_object(o, "vocab");
    json_put_int(o, "size", m->vocab_size);
    json_put_str(o, "type", tokenizer_model(t));
    json_put_str(o, "pre", tokenizer_pre(t));
    json_put_bool(o, "adds_bos", tokenizer_adds_bos(t));
    json_end_object(o);
    json_put_str(o, "chat_template", m->chat_template);
    json_begin_object(o, "memory_bytes");
    json_put_int(o, "weights", (int64_t)m->weights_bytes);
    json_put_int(o, "kv", (int64_t)m->kv_bytes);
    json_put_int(o, "scratch", (int64_t)m->scratch_bytes);
    json_end_object(o);
    json_put_str(o, "numerics", m->numerics_id);
    json_put_str(o, "kernels", m->kernels);
}

static void bytes_line(struct strbuf *b, const char *what, double bytes)
{
    char text[32];

    format_bytes(text, sizeof text, bytes);
    strbuf_addf(b, "%-22s %s\n", what, text);
}

/* "61 F32 (141 kB), 210 Q4_1 (66.4 MB)" of the store's {"F32":{"count":61,"bytes":140544}, ...} */
static void types_line(struct strbuf *b, const char *json)
{
    struct err ignored = ERR_NONE;
    cJSON *types = json_parse(json, strlen(json), "tensor types", &ignored);
    const cJSON *type;
    char text[32];
    int n = 0;

    strbuf_addf(b, "%-22s ", "tensors");
    cJSON_ArrayForEach(type, types) {
        format_bytes(text, sizeof text, json_num(type, "bytes", NAN));
        strbuf_addf(b, "%s%.0f %s (%s)", n++ ? ", " : "", json_num(type, "count", NAN),
                    type->string, text);
    }
    strbuf_adds(b, n ? "\n" : "-\n");
    cJSON_Delete(types);
}

static void write_text(struct strbuf *b, const struct store_model *d, const struct model_info *m,
                       const struct tokenizer *t)
{
    strbuf_addf(b, "%-22s %s\n%-22s %s\n", "name", d->name, "architecture", d->architecture);
    strbuf_addf(b, "%-22s %.2f M (%.2f M without embeddings)\n", "parameters",
                (double)d->parameters / 1e6, (double)d->parameters_non_embedding / 1e6);
    bytes_line(b, "file", (double)d->file_bytes);
    strbuf_addf(b, "%-22s %.3f\n", "bits per weight", d->bits_per_weight);
    types_line(b, d->tensor_types);
    strbuf_addf(b, "%-22s %d\n%-22s %s\n", "context length", m->context_length, "rope", m->rope);
    strbuf_addf(b, "%-22s %d of %d, %d heads, %d for keys\n", "layers", m->layers,
                m->embedding_length, m->heads, m->kv_heads);
    strbuf_addf(b, "%-22s %d, %s%s%s\n", "vocabulary", m->vocab_size, tokenizer_model(t),
                *tokenizer_pre(t) ? ", " : "", tokenizer_pre(t));
    strbuf_addf(b, "%-22s %s\n", "chat template", m->chat_template ? "yes" : "no");
    bytes_line(b, "memory: weights", (double)m->weights_bytes);
    bytes_line(b, "memory: keys, values", (double)m->kv_bytes);
    bytes_line(b, "memory: scratch", (double)m->scratch_bytes);
    bytes_line(b, "keys, values per token", (double)m->kv_bytes_per_token);
    if (m->state_bytes)
        bytes_line(b, "state per sequence", (double)m->state_bytes);
    strbuf_addf(b, "%-22s %s\n%-22s %s\n", "licence", d->licence ? d->licence : "-", "sha256",
                d->sha256);
}

int cmd_info(struct context *c, struct err *e)
{
    struct description d = {0};
    struct runner *r = NULL;
    struct strbuf b = STRBUF_INIT;
    struct json_out o;
    const struct participation *p = NULL;
    int rc = -1;

    if (open_model(c, args_at(c->args, 0), (int)args_int(c->args, "context"), &r, e) < 0 ||
        describe_model(&d, r, args_at(c->args, 0), e) < 0)
        goto out;
    if (participate_wanted(c) && participate(c, r, &p, e) < 0)
        goto out;
    if (c->json) {
        o = context_json_begin(&b, "info");
        store_model_members(&o, &d.model);
        put_numbers(&o, runner_info(r), runner_tokenizer(r));
        if (p)
            participate_json(&o, p, runner_info(r));
        rc = context_json_end(c, &o, e);
    } else {
        write_text(&b, &d.model, runner_info(r), runner_tokenizer(r));
        if (p && participate_text(&b, p, runner_info(r), context_width(), e) < 0)
            goto out;
        utf8_make_printable(b.s, b.len, 1); /* licence and names are the file's */
        rc = context_print_folded(c, &b, e);
    }
out:
    strbuf_release(&b);
    description_release(&d);
    runner_close(r);
    return rc;
}
