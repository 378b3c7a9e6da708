#include "harness/describe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/model_hash.h"
#include "runners/hf.h"
#include "runners/quant.h"

/* A folder's name may be a snapshot's hash or end in a slash: the model knows better. */
static char *short_name(const char *typed, const struct model_info *m)
{
    const char *base = path_base(typed);
    size_t n = strlen(base);

    if (hf_is_folder(m->path))
        return mem_strdup(m->name);
    if (n > 5 && strcmp(base + n - 5, ".gguf") == 0)
        n -= 5;
    return mem_strndup(base, n);
}

struct tally {
    uint64_t count, bytes;
};

static uint64_t elements(const struct gguf_tensor *t)
{
    return t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
}

/* {"Q4_1":{"count":n,"bytes":n},...} in the order of the type numbers, and the mean bits. */
static double tensor_types(struct strbuf *out, const struct gguf *g)
{
    enum { TYPES = 64 }; /* more than the ids of the table: the gguf holds no others */
    struct tally tally[TYPES] = {{0, 0}};
    const struct quant *q;
    struct json_out o = JSON_OUT(out);
    double bytes = 0, weights = 0;

    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        if (t->type >= 0 && t->type < TYPES) {
            tally[t->type].count++;
            tally[t->type].bytes += t->bytes;
        }
        bytes += (double)t->bytes;
        weights += (double)elements(t);
    }
    json_begin_object(&o, NULL);
    for (size_t i = 0; (q = quant_at(i)); i++) {
        if (!tally[q->type].count)
            continue;
        json_begin_object(&o, q->name);
        json_put_int(&o, "count", (int64_t)tally[q->type].count);
        json_put_int(&o, "bytes", (int64_t)tally[q->type].bytes);
        json_end_object(&o);
    }
    json_end_object(&o);
    return weights > 0 ? bytes * 8 / weights : NAN;
}

void describe_choice(struct json_out *o, const struct model_info *m)
{
    if (strncmp(m->rope, "longrope, ", 10) == 0)
        json_put_str(o, "rope", m->rope);
    if (m->device_sha256)
        json_put_str(o, "device_sha256", m->device_sha256);
}

int describe_model(struct description *out, const struct runner *r, const char *typed,
                   struct err *e)
{
    const struct model_info *m = runner_info(r);
    struct gguf_str licence;

    *out = (struct description){0};
    out->name = short_name(typed, m);
    if (gguf_get_str(runner_gguf(r), "general.license", &licence, NULL) == 1)
        out->licence = mem_strndup(licence.s, licence.n);
    if (model_hash_known(out->sha256, m->path, e) < 0)
        goto fail;
    out->model = (struct store_model){
        .name = out->name, .path = m->path, .sha256 = out->sha256,
        .architecture = m->architecture, .licence = out->licence,
        .parameters = (int64_t)m->parameters,
        .parameters_non_embedding = (int64_t)(m->parameters - m->parameters_embedding),
        .parameters_embedding = (int64_t)m->parameters_embedding,
        .parameters_active = (int64_t)m->parameters_active,
        .file_bytes = (int64_t)m->file_bytes,
        .bits_per_weight = tensor_types(&out->tensor_types, runner_gguf(r)),
    };
    out->model.tensor_types = strbuf_str(&out->tensor_types);
    if (!out->name || strbuf_ok(&out->tensor_types, e) < 0) {
        err_nomem(e);
        goto fail;
    }
    return 0;
fail:
    description_release(out);
    return -1;
}

void description_release(struct description *d)
{
    mem_free(d->name);
    mem_free(d->licence);
    strbuf_release(&d->tensor_types);
    *d = (struct description){0};
}
