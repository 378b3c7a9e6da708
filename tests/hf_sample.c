#include "tests/hf_sample.h"

#include "tests/test.h"

#include "base/mem.h"
#include "runners/hf.h"
#include "runners/quant.h"

struct strbuf sample_image;

void sample_finish(struct weights *w)
{
    strbuf_release(&sample_image);
    weights_finish(w, &sample_image);
}

struct gguf *sample_open(const char *config)
{
    struct err e = ERR_NONE;
    struct gguf *g;
    char text[2048];

    snprintf(text, sizeof text, "{%s}", config);
    if (hf_open_bytes(&g, text, strlen(text), sample_image.s, sample_image.len, "folder", &e) < 0 ||
        gguf_fill(g, &e) < 0)
        fail_msg("%s", e.text);
    return g;
}

void sample_close(struct gguf *g)
{
    gguf_close(g);
    strbuf_release(&sample_image);
    assert_int_equal(mem_live(), 0);
}

void sample_refused(const char *config, const char *want)
{
    struct err e = ERR_NONE;
    struct gguf *g;
    char text[2048];

    snprintf(text, sizeof text, "{%s}", config);
    assert_int_equal(
        hf_open_bytes(&g, text, strlen(text), sample_image.s, sample_image.len, "folder", &e), -1);
    assert_null(g);
    if (!strstr(e.text, want) || !strstr(e.text, "folder"))
        fail_msg("expected \"%s\", got \"%s\"", want, e.text);
}

const float *sample_counted(size_t n) /* 0, 1, 2, ... */
{
    static float v[1024];

    for (size_t i = 0; i < n; i++)
        v[i] = (float)i;
    return v;
}

void sample_floats(struct weights *w, const char *name, const char *shape, size_t n)
{
    weights_add(w, name, "F32", shape, sample_counted(n), n * sizeof(float));
}

/* The values of a tensor, whatever its type. */
void sample_values(const struct gguf *g, const char *name, const float *want, size_t n)
{
    const struct gguf_tensor *t = gguf_tensor_find(g, name);
    float got[1024];

    if (!t)
        fail_msg("%s is not there", name);
    assert_non_null(t->data);
    assert_int_equal(t->ne[0] * t->ne[1] * t->ne[2], n);
    quant_find(t->type)->unpack(got, t->data, n);
    for (size_t i = 0; i < n; i++)
        if (!(got[i] == want[i]))
            fail_msg("%s[%zu] is %.9g, expected %.9g", name, i, (double)got[i], (double)want[i]);
}

void sample_shape(const struct gguf *g, const char *name, uint64_t a, uint64_t b, uint64_t c)
{
    const struct gguf_tensor *t = gguf_tensor_find(g, name);

    if (!t)
        fail_msg("%s is not there", name);
    assert_int_equal(t->ne[0], a);
    assert_int_equal(t->ne[1], b);
    assert_int_equal(t->ne[2], c);
}

int sample_is_mapped(const struct gguf *g, const char *name)
{
    const uint8_t *p = gguf_tensor_find(g, name)->data;

    return p >= (const uint8_t *)sample_image.s &&
           p < (const uint8_t *)sample_image.s + sample_image.len;
}
