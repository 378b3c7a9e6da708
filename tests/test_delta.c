/* test_delta.c -- old files of the gated delta net keep query, key, value and gate rows of a key
 * head together: rewritten into that form, a model gives the same bits. */
#include "tests/test.h"

#include "base/file.h"
#include "runners/gguf_write.h"
#include "runners/runner.h"

enum { KEYS = 2, SIZE = 16, EACH = 32, IDS = 40 }; /* of the case: key heads, their size, ... */

struct rewriter {
    struct gguf *g;
    struct gguf_writer head;
    struct strbuf data;
};

static int ends_with(struct gguf_str s, const char *end)
{
    size_t n = strlen(end);

    return s.n >= n && memcmp(s.s + s.n - n, end, n) == 0;
}

static void put(struct rewriter *w, struct gguf_str name, const struct gguf_tensor *t,
                uint64_t rows, const struct strbuf *data)
{
    static const char zeros[GGUF_ALIGNMENT];
    uint64_t ne[] = {t->ne[0], rows};

    gguf_put_tensor(&w->head, name, rows > 1 ? 2 : 1, ne, t->type, data->len);
    strbuf_add(&w->data, data->s, data->len);
    strbuf_add(&w->data, zeros, gguf_padding(data->len));
}

/* Rows of qkv and of z, which stands in a tensor of its own, head by head. */
static void put_together(struct rewriter *w, const struct gguf_tensor *qkv)
{
    const int parts[][2] = {{0, SIZE}, {KEYS * SIZE, SIZE}, {2 * KEYS * SIZE, EACH}};
    size_t row = qkv->bytes / qkv->ne[1], layer = qkv->name.n - strlen("attn_qkv.weight");
    char name[64];
    const struct gguf_tensor *z;
    struct strbuf b = STRBUF_INIT;

    snprintf(name, sizeof name, "%.*sattn_gate.weight", (int)layer, qkv->name.s);
    z = gguf_tensor_find(w->g, name);
    assert_non_null(z);
    for (size_t h = 0; h < KEYS; h++) {
        for (int p = 0; p < 3; p++)
            strbuf_add(&b, (const char *)qkv->data +
                               ((size_t)parts[p][0] + h * (size_t)parts[p][1]) * row,
                       (size_t)parts[p][1] * row);
        strbuf_add(&b, (const char *)z->data + h * EACH * row, EACH * row);
    }
    snprintf(name, sizeof name, "%.*sssm_in.weight", (int)layer, qkv->name.s);
    put(w, (struct gguf_str){name, strlen(name)}, qkv, qkv->ne[1] + z->ne[1], &b);
    strbuf_release(&b);
}

/* The file at `path` in the old form, at `to`. */
static void write_old(const char *path, const char *to)
{
    struct rewriter w = {.data = STRBUF_INIT};
    struct strbuf file = STRBUF_INIT;

    assert_int_equal(gguf_open(&w.g, path, NULL), 0);
    for (size_t i = 0; i < gguf_n_keys(w.g); i++)
        gguf_put_copy(&w.head, w.g, i);
    for (size_t i = 0; i < gguf_n_tensors(w.g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(w.g, i);
        struct strbuf b = STRBUF_INIT;
        if (ends_with(t->name, "attn_qkv.weight")) {
            put_together(&w, t);
        } else if (!ends_with(t->name, "attn_gate.weight")) {
            strbuf_add(&b, t->data, t->bytes);
            put(&w, t->name, t, t->ne[1], &b);
        }
        strbuf_release(&b);
    }
    assert_int_equal(gguf_write_head(&w.head, &file, NULL), 0);
    strbuf_add(&file, w.data.s, w.data.len);
    assert_int_equal(file_write(to, file.s, file.len, NULL), 0);
    gguf_writer_release(&w.head);
    strbuf_release(&w.data);
    strbuf_release(&file);
    gguf_close(w.g);
}

static int keep_nats(void *user, int i, const struct reply *a)
{
    (void)i;
    memcpy(user, a->token_nats, (IDS - 1) * sizeof *a->token_nats);
    return 0;
}

static void score(const char *path, float nats[IDS - 1])
{
    int32_t ids[IDS];
    struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = IDS, .n_given = 1};
    struct runner_opts o = {.threads = 1};
    struct runner *r;
    struct err e = ERR_NONE;

    for (int i = 0; i < IDS; i++)
        ids[i] = 3 + 7 * i;
    if (runner_open(&r, path, &o, &e) < 0 ||
        runner_run(r, &q, 1, keep_nats, nats, NULL, &e) < 0)
        fail_msg("%s", e.text);
    runner_close(r);
}

static void rows_kept_together_by_key_head_give_the_same_bits(void **state)
{
    float want[IDS - 1], got[IDS - 1];
    char path[4200], old[64];

    (void)state;
    snprintf(path, sizeof path, "%s/model.gguf", shared_path("golden/arch/qwen35"));
    if (access(path, R_OK) != 0)
        skip();
    snprintf(old, sizeof old, "/tmp/densimeter-delta-%ld.gguf", (long)getpid());
    write_old(path, old);
    score(path, want);
    score(old, got);
    unlink(old);
    assert_memory_equal(got, want, sizeof want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_kept_together_by_key_head_give_the_same_bits),
    };
    return RUN(tests);
}
