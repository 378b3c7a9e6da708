/* fuzz_model.c -- a tiny model with edits: keys, shapes, types and weights that do not belong
 * together, opened and run.
 *
 * Bytes that break the container are fuzz_gguf's; here the container is always well formed and
 * what it says is wrong.  Input: five bytes choose the architecture, the format of the matrices and
 * how the runner is opened; then records of four bytes {what, which, a, b} edit the model. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "runners/gguf_write.h"
#include "runners/quant.h"
#include "runners/quantize.h"
#include "runners/runner.h"
#include "tests/fuzz/model_recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const int types[] = {QUANT_F32, QUANT_F16, QUANT_Q4_0, QUANT_Q8_0, QUANT_BF16, QUANT_Q4_K,
                            QUANT_Q5_1, QUANT_I32, QUANT_IQ4_NL, QUANT_MXFP4, QUANT_Q6_K};
static const uint32_t numbers[] = {0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 48, 64, 96, 128,
                                   43, 44, 45, 160, 255, 256, 257, 512, 1023, 1024, 1025, 4096,
                                   16384, 16385, 65536, 1 << 20, 1 << 24, 1 << 30, 0x7fffffff, 0x80000000,
                                   0xffffffff};
static const uint32_t floats[] = {0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x3f800000,
                                  0x00000001, 0x7f7fffff, 0xbf800000, 0x461c4000, 0x37800000,
                                  0x42000000, 0x3f000000};

static void edit_key(struct key *k, uint8_t a, uint8_t b)
{
    static const char kinds[] = {'i', 'f', 's', 'b', 'a', 0, 'i', 'i'};

    k->kind = kinds[b % sizeof kinds];
    k->i = numbers[a % COUNT(numbers)];
    memcpy(&k->f, &floats[a % COUNT(floats)], sizeof k->f);
}

static void edit(struct recipe *r, const uint8_t *at)
{
    struct tensor *t = &r->tensors[at[1] % r->n_tensors];

    switch (at[0] % 8) {
    case 0:
    case 1:
        edit_key(&r->keys[at[1] % r->n_keys], at[2], at[3]);
        return;
    case 2:
        t->ne[at[2] % 4] = numbers[at[3] % COUNT(numbers)];
        return;
    case 3:
        t->n_dims = 1 + at[2] % 4;
        return;
    case 4:
        t->type = types[at[2] % COUNT(types)];
        return;
    case 5:
        t->left_out = !t->left_out;
        return;
    case 6:
        t->fill = at[2];
        return;
    default:
        r->n_tokens = at[2] * 2;
        return;
    }
}

static void put_vocabulary(struct gguf_writer *w, int n)
{
    static char texts[512][16];
    struct gguf_str strs[512];

    for (int i = 0; i < n; i++) {
        snprintf(texts[i], sizeof texts[i], "w%d", i);
        strs[i] = (struct gguf_str){texts[i], strlen(texts[i])};
    }
    gguf_put_str(w, "tokenizer.ggml.model", "llama", 5);
    gguf_put_strs(w, "tokenizer.ggml.tokens", strs, (size_t)n);
}

static void put_key(struct gguf_writer *w, const struct key *k)
{
    static const char *const words[] = {"linear", "yarn", "relu",     "yarn",
                                        "fatrelu", "longrope", "none", "relu2"};
    int32_t two[] = {k->kind == 'z' ? 0 : (int32_t)k->i, (int32_t)k->i};

    if (k->kind == 'i')
        gguf_put_u32(w, k->name, k->i);
    else if (k->kind == 'f')
        gguf_put_f32(w, k->name, k->f);
    else if (k->kind == 's')
        gguf_put_str(w, k->name, words[k->i % COUNT(words)], strlen(words[k->i % COUNT(words)]));
    else if (k->kind == 'b')
        gguf_put_bool(w, k->name, k->i != 0);
    else if (k->kind == 'a' || k->kind == 'z')
        gguf_put_i32s(w, k->name, two, 2);
}

/* Bytes of the tensor's data; 0 where the reader will refuse the shape anyway. */
static size_t data_bytes(const struct tensor *t)
{
    const struct quant *q = quant_find(t->type);
    uint64_t n = t->ne[0];

    for (int i = 1; i < t->n_dims; i++)
        n = n > DATA_MAX || t->ne[i] > DATA_MAX ? DATA_MAX + 1 : n * t->ne[i];
    return n > DATA_MAX || t->ne[0] % (uint64_t)q->block ? 0 : quant_bytes(q, (size_t)n);
}

static void put_data(struct strbuf *out, const struct tensor *t)
{
    static const char zeros[GGUF_ALIGNMENT];
    const struct quant *q = quant_find(t->type);
    size_t bytes = data_bytes(t), block = (size_t)q->bytes;
    uint8_t one[512];
    float x[256];

    for (int i = 0; i < q->block; i++)
        x[i] = t->n_dims == 1 ? 1 : (float)(i * 37 % 64 - 31) / 256;
    if (t->fill || quantize_row(t->type, one, x, (size_t)q->block) < 0)
        memset(one, t->fill ? t->fill : 0x11, block);
    for (size_t i = 0; i < bytes; i += block) {
        strbuf_add(out, one, block);
        if (block == 4 && !t->fill) { /* plain floats: not all the same */
            x[0] = t->n_dims == 1 ? 1 : (float)(i * 37 % 1021) / 4096 - 0.125f;
            quantize_row(t->type, one, x, 1);
        }
    }
    strbuf_add(out, zeros, gguf_padding(bytes));
}

static int write_model(const struct recipe *r, struct strbuf *out)
{
    struct gguf_writer w = {0};
    int rc;

    gguf_put_str(&w, "general.architecture", r->arch, strlen(r->arch));
    for (int i = 0; i < r->n_keys; i++)
        put_key(&w, &r->keys[i]);
    put_vocabulary(&w, r->n_tokens);
    for (int i = 0; i < r->n_tensors; i++) {
        const struct tensor *t = &r->tensors[i];
        struct gguf_str name = {t->name, strlen(t->name)};
        if (!t->left_out)
            gguf_put_tensor(&w, name, t->n_dims, t->ne, t->type, data_bytes(t));
    }
    rc = gguf_write_head(&w, out, NULL);
    for (int i = 0; i < r->n_tensors; i++)
        if (!r->tensors[i].left_out)
            put_data(out, &r->tensors[i]);
    gguf_writer_release(&w);
    return rc < 0 || strbuf_ok(out, NULL) < 0 ? -1 : 0;
}

static int on_row(void *user, const struct request *q, int position, const float *logits)
{
    const struct runner *r = user;
    float sum = 0;

    (void)q;
    (void)position;
    for (int i = 0; i < runner_info(r)->vocab_size; i++)
        sum += logits[i];
    return sum == 12345; /* reads every one */
}

/* A context of a million tokens is legal, and too slow to fill here. */
static int on_token(void *user, const struct request *q, int32_t id, float margin)
{
    (void)q;
    if (id < 0 || !(margin >= 0))
        abort();
    return ++*(int *)user > 20;
}

static void check_error(int rc, const struct err *e)
{
    if ((rc < 0) != (e->code != ERR_OK) || strchr(e->text, '\n') || (rc < 0 && !e->text[0]))
        abort(); /* a refusal gives its reason, in one line */
}

static void ask(struct runner *r, const uint8_t *choice)
{
    int vocab = runner_info(r)->vocab_size;
    int32_t ids[12];
    int made = 0;
    struct request q[] = {
        {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 12, .n_given = 6},
        {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 9, .n_given = 8},
        {.kind = REQUEST_GENERATE, .ids = ids, .n_ids = 4, .on_token = on_token,
         .user = &made, .max_tokens = (int)(0x7fffffffu >> choice[3] % 32),
         .sampling = {choice[4] / 128.0, 0.9, 1}},
        {.kind = REQUEST_LOGITS, .ids = ids, .n_ids = 3, .on_logits = on_row, .user = r},
    };
    struct err e = ERR_NONE;

    for (int i = 0; i < 12; i++)
        ids[i] = (i * 7 + 3) % vocab;
    for (int again = 0; again < 2; again++) { /* an error must leave the runner usable */
        e = ERR_NONE;
        check_error(runner_run(r, q, 4, NULL, NULL, NULL, &e), &e);
    }
}

static void run_model(const char *path, const uint8_t *choice)
{
    static const int batches[] = {0, 1, 2, 3, 5, 7, 8, 33};
    struct runner_opts o = {
        .kernels = choice[2] & 1 ? NULL : "ref", .threads = 1,
        .numerics = choice[2] & 2 ? NUMERICS_FAST : NUMERICS_EXACT,
        .check_finite = choice[2] >> 2 & 1,
        .batch_tokens = batches[choice[2] >> 3 & 7],
        .kv_bytes = choice[2] & 64 ? (size_t)numbers[choice[4] % COUNT(numbers)] : 0,
        .context = choice[2] & 128 ? (int)(numbers[choice[3] % COUNT(numbers)] & 0x7fffffff) : 0,
    };
    struct runner *r = NULL;
    struct err e = ERR_NONE;
    int rc = runner_open(&r, path, &o, &e);

    check_error(rc, &e);
    if (rc == 0)
        ask(r, choice);
    runner_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static int fd = -1;
    struct recipe r = {.n_tokens = VOCAB};
    struct strbuf b = STRBUF_INIT;
    char path[40];

    if (n < 5)
        return 0;
    make_recipe(&r, bytes[0], types[bytes[1] % COUNT(types)]);
    for (size_t i = 5; i + 4 <= n && i < 5 + 4 * 32; i += 4)
        edit(&r, bytes + i);
    if (fd < 0)
        fd = memfd_create("model", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (write_model(&r, &b) == 0 && fd >= 0 && ftruncate(fd, 0) == 0 &&
        pwrite(fd, b.s, b.len, 0) == (ssize_t)b.len)
        run_model(path, bytes);
    strbuf_release(&b);
    if (mem_live() != 0)
        abort();
    return 0;
}
