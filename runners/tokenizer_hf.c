/* tokenizer_hf.c -- the tokenizer of a tokenizer.json: the steps of the file itself are carried
 * out (added tokens, normalizer, pre_tokenizer, model), whatever the model is called.
 *
 * Ids are those of the library "tokenizers".  Of the post_processor only what stands in front of a
 * text is used, as BOS; what HF adds behind it is not part of a text to be continued. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "runners/hf_added.h"
#include "runners/hf_config.h"
#include "runners/hf_decode.h"
#include "runners/hf_json.h"
#include "runners/hf_model.h"
#include "runners/hf_split.h"
#include "runners/tokenizer_scheme.h"

struct hf {
    struct vocab *v;
    cJSON *json; /* without its model; patterns and texts of the steps are in it */
    struct hf_config config;
    struct arena texts;
    struct added_token *added;
    size_t n_added, cap_added;
    struct hf_added added_index;
    struct hf_normaliser *normaliser;
    struct hf_splitter *splitter;
    struct hf_model *model;
    struct hf_decoder *decoder;
    struct fragments raw, inner;
    struct strbuf text; /* normalised */
};

/* ---- opening ------------------------------------------------------------------------------- */

static void hf_close(void *self)
{
    struct hf *h = self;

    if (!h)
        return;
    hf_added_release(&h->added_index);
    hf_normaliser_close(h->normaliser);
    hf_splitter_close(h->splitter);
    hf_model_close(h->model);
    hf_decoder_close(h->decoder);
    hf_config_close(&h->config);
    json_free(h->json);
    arena_release(&h->texts);
    mem_free(h->added);
    mem_free(h->raw.v);
    mem_free(h->inner.v);
    strbuf_release(&h->text);
    mem_free(h);
}

static const struct added_token *find_added(const struct hf *h, const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < h->n_added; i++)
        if (h->added[i].text.n == n && memcmp(h->added[i].text.s, text, n) == 0)
            return &h->added[i];
    return NULL;
}

static int32_t find_any(const void *self, const char *text)
{
    const struct hf *h = self;
    const struct added_token *t = find_added(h, text);

    return t ? t->id : vocab_find(h->v, text, strlen(text));
}

static int add_token(struct hf *h, const cJSON *j, double id, double bound, struct err *e)
{
    const char *text = json_str(j, "content");
    struct added_token t = {
        .takes_left = json_bool(j, "lstrip", 0), .takes_right = json_bool(j, "rstrip", 0),
        .single_word = json_bool(j, "single_word", 0), .is_special = json_bool(j, "special", 0)};

    t.normalised = json_bool(j, "normalized", !t.is_special);
    if (!text || !(id >= 0 && id < bound && id <= INT32_MAX) || id != floor(id))
        return err_set(e, ERR_FORMAT, "%s: an added token without text, or with id %g", h->v->path,
                       id);
    t.id = (int32_t)id;
    t.text.n = strlen(text);
    t.text.s = arena_strndup(&h->texts, text, t.text.n);
    if (!t.text.s || mem_grow(&h->added, &h->cap_added, h->n_added + 1, sizeof t) < 0)
        return err_nomem(e);
    h->added[h->n_added++] = t;
    return 0;
}

/* tokenizer.json's list, and what tokenizer_config.json has beyond it. */
static int read_added(struct hf *h, double bound, struct err *e)
{
    const cJSON *j;
    size_t own;

    cJSON_ArrayForEach(j, json_get(h->json, "added_tokens"))
        if (add_token(h, j, json_num(j, "id", -1), bound, e) < 0)
            return -1;
    own = h->n_added;
    cJSON_ArrayForEach(j, json_get(h->config.tokenizer, "added_tokens_decoder")) {
        const char *text = json_str(j, "content");
        int is_new = text != NULL;
        for (size_t i = 0; i < own && is_new; i++)
            is_new = strcmp(h->added[i].text.s, text) != 0;
        if (is_new && add_token(h, j, strtod(j->string, NULL), bound, e) < 0)
            return -1;
    }
    return 0;
}

static int alloc_vocab(struct hf *h, const char *path, double bound, struct err *e)
{
    int64_t last;

    h->v->path = path;
    if (read_added(h, bound, e) < 0 ||
        hf_model_last_id(json_get(h->json, "model"), bound, path, &last, e) < 0)
        return -1;
    for (size_t i = 0; i < h->n_added; i++)
        if (h->added[i].id > last)
            last = h->added[i].id;
    if (last < 0)
        return err_set(e, ERR_FORMAT, "%s: the file has no vocabulary", path);
    if (vocab_alloc(h->v, path, (size_t)last + 1, e) < 0)
        return -1;
    memset(h->v->type, TOKEN_UNUSED, (size_t)h->v->n);
    for (int i = 0; i < h->v->n; i++)
        h->v->text[i].s = "";
    return 0;
}

/* A token that the model has too goes by the model's id. */
static void mark_added(struct hf *h)
{
    for (size_t i = 0; i < h->n_added; i++) {
        struct added_token *t = &h->added[i];
        int32_t own = vocab_find(h->v, t->text.s, t->text.n);
        if (own >= 0)
            t->id = own;
        h->v->text[t->id] = t->text;
        h->v->type[t->id] = t->is_special ? TOKEN_CONTROL : TOKEN_USER;
    }
}

/* The special token that a post_processor puts in front of a text, or NULL. */
static const cJSON *find_template(const cJSON *j)
{
    const cJSON *part, *found = NULL;

    if (strcmp(hf_type(j), "Sequence") != 0)
        return j;
    cJSON_ArrayForEach(part, json_get(j, "processors"))
        if (!found && (json_get(part, "single") || json_get(part, "cls")))
            found = part;
    return found;
}

static void read_front(struct hf *h)
{
    const cJSON *t = find_template(json_get(h->json, "post_processor")), *first, *ids;
    const char *name = json_str(json_get(cJSON_GetArrayItem(json_get(t, "single"), 0),
                                         "SpecialToken"), "id");
    double id = -1;

    if (name) {
        first = json_get(json_get(t, "special_tokens"), name);
        ids = json_get(first, "ids");
        id = cJSON_IsNumber(cJSON_GetArrayItem(ids, 0)) ? cJSON_GetArrayItem(ids, 0)->valuedouble
                                                        : -1;
    } else if (cJSON_IsArray(json_get(t, "cls"))) { /* ["[CLS]", 101] */
        first = cJSON_GetArrayItem(json_get(t, "cls"), 1);
        id = cJSON_IsNumber(first) ? first->valuedouble : -1;
    }
    if (id >= 0 && id < h->v->n) {
        h->v->bos = (int32_t)id;
        h->v->adds_bos = 1;
    } else {
        h->v->adds_bos = h->v->bos >= 0 && !json_get(t, "single") &&
                         json_bool(h->config.tokenizer, "add_bos_token", 0);
    }
}

static int open_steps(struct hf *h, double bound, const char *path, struct err *e)
{
    int bytes, is_bpe;

    if (alloc_vocab(h, path, bound, e) < 0 ||
        hf_normaliser_open(&h->normaliser, json_get(h->json, "normalizer"), path, e) < 0 ||
        hf_splitter_open(&h->splitter, json_get(h->json, "pre_tokenizer"), path, e) < 0 ||
        hf_decoder_open(&h->decoder, json_get(h->json, "decoder"), path, e) < 0)
        return -1;
    is_bpe = json_get(json_get(h->json, "model"), "merges") != NULL;
    bytes = is_bpe && hf_splitter_leave_bytes(h->splitter);
    if (hf_model_open(&h->model, json_get(h->json, "model"), h->v, &h->texts, bytes, e) < 0)
        return -1;
    mark_added(h);
    cJSON_DeleteItemFromObjectCaseSensitive(h->json, "model");
    if (hf_added_init(&h->added_index, h->added, h->n_added, h->normaliser, e) < 0)
        return -1;
    hf_config_apply(&h->config, h->v, find_any, h);
    read_front(h);
    return 0;
}

int hf_open_json(struct tokenizer *t, const char *dir, struct strbuf *file, struct err *e)
{
    struct hf *h = mem_calloc(1, sizeof *h);

    if (!h)
        return err_nomem(e);
    t->scheme = &scheme_hf;
    t->self = h;
    h->v = &t->vocab;
    if (hf_config_open(&h->config, dir, e) < 0)
        return -1;
    h->json = json_parse(strbuf_str(file), file->len, t->path, e);
    if (!h->json || open_steps(h, (double)file->len, t->path, e) < 0)
        return -1;
    t->pre = mem_strdup("");
    return t->pre ? 0 : err_nomem(e);
}

/* ---- text to ids --------------------------------------------------------------------------- */

static int encode_plain(struct hf *h, const char *text, size_t n, int at_start, struct ids *out,
                        struct err *e)
{
    const struct hf_piece *p;
    const char *buffer;
    size_t count;

    if (hf_split(h->splitter, text, n, at_start, &buffer, &p, &count, e) < 0)
        return err_prefix(e, "%s", h->v->path);
    for (size_t i = 0; i < count; i++)
        if (hf_model_encode(h->model, buffer + p[i].from, p[i].to - p[i].from, out, e) < 0)
            return -1;
    return 0;
}

/* What is between the tokens of the first pass. */
static int encode_between(struct hf *h, const char *text, size_t n, int at_start, int with_special,
                          struct ids *out, struct err *e)
{
    if (!hf_normaliser_is_empty(h->normaliser)) {
        strbuf_clear(&h->text);
        strbuf_add(&h->text, text, n);
        if (strbuf_ok(&h->text, e) < 0 || hf_normalise(h->normaliser, &h->text, e) < 0)
            return -1;
        text = strbuf_str(&h->text);
        n = h->text.len;
    }
    h->inner.n = 0;
    if (hf_added_split(&h->added_index, &h->added_index.normalised, text, n, with_special,
                       &h->inner, e) < 0)
        return -1;
    for (size_t i = 0; i < h->inner.n; i++) {
        const struct fragment *f = &h->inner.v[i];
        int rc = f->id < 0 ? encode_plain(h, text + f->from, f->to - f->from,
                                          at_start && f->from == 0, out, e)
                 : ids_push(out, f->id) < 0 ? err_nomem(e)
                                            : 0;
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int hf_encode(void *self, const char *text, size_t n, int flags, struct ids *out,
                     struct err *e)
{
    struct hf *h = self;
    int with_special = flags & TOKENIZE_SPECIAL;

    h->raw.n = 0;
    if (hf_added_split(&h->added_index, &h->added_index.raw, text, n, with_special, &h->raw, e) <
        0)
        return -1;
    for (size_t i = 0; i < h->raw.n; i++) {
        const struct fragment *f = &h->raw.v[i];
        int rc = f->id < 0 ? encode_between(h, text + f->from, f->to - f->from, f->from == 0,
                                            with_special, out, e)
                 : ids_push(out, f->id) < 0 ? err_nomem(e)
                                            : 0;
        if (rc < 0)
            return -1;
    }
    return 0;
}

static void hf_decode_token(const void *self, int32_t id, struct strbuf *out)
{
    const struct hf *h = self;

    hf_decode(h->decoder, h->v->text[id], out);
}

static const char *hf_name(const void *self)
{
    return hf_model_name(((const struct hf *)self)->model);
}

const struct scheme scheme_hf = {
    .close = hf_close, .encode_all = hf_encode, .decode = hf_decode_token, .name = hf_name,
};
