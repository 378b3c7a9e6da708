#include "runners/hf_config.h"

#include <math.h>

#include "base/file.h"
#include "base/mem.h"

enum { CONFIG_MAX = 64 << 20 };

static int read_one(cJSON **out, const char *dir, const char *name, struct err *e)
{
    char *path = path_join(dir, name);
    int rc = 0;

    if (!path)
        return err_nomem(e);
    if (file_exists(path)) {
        *out = json_read_python(path, CONFIG_MAX, e);
        rc = *out ? 0 : -1;
    }
    mem_free(path);
    return rc;
}

int hf_config_open(struct hf_config *c, const char *dir, struct err *e)
{
    *c = (struct hf_config){0};
    if (!dir)
        return 0;
    if (read_one(&c->tokenizer, dir, "tokenizer_config.json", e) < 0 ||
        read_one(&c->generation, dir, "generation_config.json", e) < 0)
        return -1;
    return read_one(&c->model, dir, "config.json", e);
}

void hf_config_close(struct hf_config *c)
{
    json_free(c->tokenizer);
    json_free(c->generation);
    json_free(c->model);
    *c = (struct hf_config){0};
}

const char *hf_config_token(const struct hf_config *c, const char *key)
{
    const char *s = json_str(c->tokenizer, key);

    return s ? s : json_str(json_get(c->tokenizer, key), "content");
}

static int32_t valid_id(const struct vocab *v, const cJSON *j)
{
    double d = cJSON_IsNumber(j) ? j->valuedouble : -1;

    return d >= 0 && d < v->n && d == floor(d) ? (int32_t)d : -1;
}

/* "eos_token_id": a number or several. */
static void mark_all(const cJSON *file, struct vocab *v)
{
    const cJSON *ids = json_get(file, "eos_token_id"), *one;
    int32_t id = valid_id(v, ids);

    if (id >= 0) {
        v->traits[id] |= TOKEN_ENDS;
        v->eos = v->eos < 0 ? id : v->eos;
    }
    cJSON_ArrayForEach(one, ids) {
        id = valid_id(v, one);
        if (id < 0)
            continue;
        v->traits[id] |= TOKEN_ENDS;
        v->eos = v->eos < 0 ? id : v->eos;
    }
}

void hf_config_apply(const struct hf_config *c, struct vocab *v,
                     int32_t (*find)(const void *self, const char *text), const void *self)
{
    const char *bos = hf_config_token(c, "bos_token"), *eos = hf_config_token(c, "eos_token");

    if (bos)
        v->bos = find(self, bos);
    if (v->bos < 0)
        v->bos = valid_id(v, json_get(c->model, "bos_token_id"));
    if (v->bos < 0)
        v->bos = valid_id(v, json_get(c->generation, "bos_token_id"));
    if (eos)
        v->eos = find(self, eos);
    mark_all(c->generation, v);
    mark_all(c->model, v);
    vocab_mark_ends(v);
}

