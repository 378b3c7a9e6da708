#include "runners/gguf_write.h"

#include <string.h>

#include "runners/gguf_keys.h"

static void put32(struct strbuf *b, uint32_t v)
{
    uint8_t p[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

    strbuf_add(b, p, sizeof p);
}

static void put64(struct strbuf *b, uint64_t v)
{
    put32(b, (uint32_t)v);
    put32(b, (uint32_t)(v >> 32));
}

static void put_float(struct strbuf *b, float f)
{
    uint32_t u;

    memcpy(&u, &f, sizeof u);
    put32(b, u);
}

static void put_text(struct strbuf *b, const char *s, size_t n)
{
    put64(b, n);
    strbuf_add(b, s, n);
}

static void put_key(struct gguf_writer *w, const char *key, enum gguf_type type)
{
    put_text(&w->keys, key, strlen(key));
    put32(&w->keys, type);
    w->n_keys++;
}

static void put_array(struct gguf_writer *w, const char *key, enum gguf_type type, size_t n)
{
    put_key(w, key, GGUF_ARRAY);
    put32(&w->keys, type);
    put64(&w->keys, n);
}

void gguf_writer_release(struct gguf_writer *w)
{
    strbuf_release(&w->keys);
    strbuf_release(&w->infos);
}

void gguf_put_u32(struct gguf_writer *w, const char *key, uint32_t v)
{
    put_key(w, key, GGUF_U32);
    put32(&w->keys, v);
}

void gguf_put_f32(struct gguf_writer *w, const char *key, float v)
{
    put_key(w, key, GGUF_F32);
    put_float(&w->keys, v);
}

void gguf_put_bool(struct gguf_writer *w, const char *key, int v)
{
    put_key(w, key, GGUF_BOOL);
    strbuf_addc(&w->keys, v ? 1 : 0);
}

void gguf_put_str(struct gguf_writer *w, const char *key, const char *s, size_t n)
{
    put_key(w, key, GGUF_STRING);
    put_text(&w->keys, s, n);
}

void gguf_put_strs(struct gguf_writer *w, const char *key, const struct gguf_str *v, size_t n)
{
    put_array(w, key, GGUF_STRING, n);
    for (size_t i = 0; i < n; i++)
        put_text(&w->keys, v[i].s, v[i].n);
}

void gguf_put_f32s(struct gguf_writer *w, const char *key, const float *v, size_t n)
{
    put_array(w, key, GGUF_F32, n);
    for (size_t i = 0; i < n; i++)
        put_float(&w->keys, v[i]);
}

void gguf_put_i32s(struct gguf_writer *w, const char *key, const int32_t *v, size_t n)
{
    put_array(w, key, GGUF_I32, n);
    for (size_t i = 0; i < n; i++)
        put32(&w->keys, (uint32_t)v[i]);
}

void gguf_put_bools(struct gguf_writer *w, const char *key, const int32_t *v, size_t n)
{
    put_array(w, key, GGUF_BOOL, n);
    for (size_t i = 0; i < n; i++)
        strbuf_addc(&w->keys, v[i] ? 1 : 0);
}

void gguf_put_copy(struct gguf_writer *w, const struct gguf *g, size_t i)
{
    const struct gguf_key *k = &gguf_keys_of(g)->v[i];

    put_text(&w->keys, k->name.s, k->name.n);
    if (k->is_array) {
        put32(&w->keys, GGUF_ARRAY);
        put32(&w->keys, k->type);
        put64(&w->keys, k->n);
    } else {
        put32(&w->keys, k->type);
    }
    strbuf_add(&w->keys, k->value, k->bytes);
    w->n_keys++;
}

size_t gguf_padding(uint64_t bytes)
{
    return (size_t)((GGUF_ALIGNMENT - bytes % GGUF_ALIGNMENT) % GGUF_ALIGNMENT);
}

void gguf_put_tensor(struct gguf_writer *w, struct gguf_str name, int n_dims, const uint64_t *ne,
                     int type, uint64_t bytes)
{
    put_text(&w->infos, name.s, name.n);
    put32(&w->infos, (uint32_t)n_dims);
    for (int i = 0; i < n_dims; i++)
        put64(&w->infos, ne[i]);
    put32(&w->infos, (uint32_t)type);
    put64(&w->infos, w->data_bytes);
    w->n_tensors++;
    w->data_bytes += bytes + gguf_padding(bytes);
}

int gguf_write_head(const struct gguf_writer *w, struct strbuf *out, struct err *e)
{
    static const char zeros[GGUF_ALIGNMENT];
    size_t start = out->len;

    if (strbuf_ok(&w->keys, e) < 0 || strbuf_ok(&w->infos, e) < 0)
        return -1;
    strbuf_adds(out, "GGUF");
    put32(out, 3);
    put64(out, w->n_tensors);
    put64(out, w->n_keys);
    strbuf_add(out, w->keys.s, w->keys.len);
    strbuf_add(out, w->infos.s, w->infos.len);
    if (w->n_tensors)
        strbuf_add(out, zeros, gguf_padding(out->len - start));
    return strbuf_ok(out, e);
}
