/* Hugging Face folders on disk: what belongs to a model, running it, and the logits of the folders
 * that reference models were converted from. */
#include "tests/test.h"

#include <dirent.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "runners/hf.h"
#include "runners/runner.h"
#include "tests/hf_sample.h"

/* ---- folders --------------------------------------------------------------------------------- */

static void write_folder(char dir[256])
{
    static const char config[] = "{" LLAMA ",\"time_step_limit\":[0.0,Infinity]}";
    static const char template[] = "{\"chat_template\":[{\"name\":\"tool\",\"template\":\"T\"},"
                                   "{\"name\":\"default\",\"template\":\"D\"}]}";
    struct weights w = {0};

    folder_make(dir);
    folder_put(dir, "config.json", config, strlen(config));
    folder_put(dir, "tokenizer_config.json", template, strlen(template));
    sample_floats(&w, "model.norm.weight", "[4]", 4);
    sample_floats(&w, "model.embed_tokens.weight", "[8,4]", 32);
    sample_finish(&w);
    folder_put(dir, "model.safetensors", sample_image.s, sample_image.len);
    strbuf_release(&sample_image);
}

static void assert_template(const char *dir, const char *want)
{
    struct gguf_str s = {"", 0};
    struct err e = ERR_NONE;
    struct gguf *g;

    if (model_file_open(&g, dir, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(gguf_get_str(g, "tokenizer.chat_template", &s, NULL), 1);
    assert_int_equal(s.n, strlen(want));
    assert_memory_equal(s.s, want, s.n);
    gguf_close(g);
}

static void the_chat_template_is_the_default_one_or_a_file_of_its_own(void **state)
{
    char dir[256];
    (void)state;

    write_folder(dir);
    assert_template(dir, "D");
    folder_put(dir, "chat_template.jinja", "J", 1);
    assert_template(dir, "J");
    folder_remove(dir);
    assert_int_equal(mem_live(), 0);
}

static void a_model_is_its_weights_config_and_tokenizer(void **state)
{
    struct hf_files f;
    struct err e = ERR_NONE;
    char dir[256];
    (void)state;

    write_folder(dir);
    folder_put(dir, "README.md", "x", 1);
    assert_int_equal(hf_files_list(&f, dir, &e), 0);
    assert_int_equal(f.n, 3);
    assert_string_equal(path_base(f.v[0]), "config.json");
    assert_string_equal(path_base(f.v[1]), "model.safetensors");
    assert_string_equal(path_base(f.v[2]), "tokenizer_config.json");
    hf_files_free(&f);
    folder_remove(dir);
    assert_int_equal(mem_live(), 0);
}

static void a_folder_that_is_no_model_is_an_error(void **state)
{
    struct err e = ERR_NONE;
    struct gguf *g;
    char dir[256];
    (void)state;

    folder_make(dir);
    assert_int_equal(model_file_open(&g, dir, &e), -1);
    assert_null(g);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "not a Hugging Face model"));
    folder_put(dir, "config.json", "[]", 2);
    assert_int_equal(model_file_open(&g, dir, &e), -1);
    assert_non_null(strstr(e.text, "config.json: not an object"));
    folder_remove(dir);
    assert_int_equal(mem_live(), 0);
}

/* A whole model of eight rows and two tokens, in two files of weights. */
static void write_model(char dir[256])
{
    static const char config[] = "{" LLAMA "}";
    static const char tokens[] =
        "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1},\"merges\":[]}}";
    static const struct { const char *name, *shape; size_t n; } tensors[] = {
        {"model.embed_tokens.weight", "[8,4]", 32}, {"model.norm.weight", "[4]", 4},
        {"model.layers.0.input_layernorm.weight", "[4]", 4},
        {"model.layers.0.post_attention_layernorm.weight", "[4]", 4},
        {"model.layers.0.self_attn.q_proj.weight", "[4,4]", 16},
        {"model.layers.0.self_attn.k_proj.weight", "[2,4]", 8},
        {"model.layers.0.self_attn.v_proj.weight", "[2,4]", 8},
        {"model.layers.0.self_attn.o_proj.weight", "[4,4]", 16},
        {"model.layers.0.mlp.gate_proj.weight", "[8,4]", 32},
        {"model.layers.0.mlp.up_proj.weight", "[8,4]", 32},
        {"model.layers.0.mlp.down_proj.weight", "[4,8]", 32},
    };
    enum { N = sizeof tensors / sizeof tensors[0] };
    struct strbuf index = STRBUF_INIT;
    char file[32];

    folder_make(dir);
    folder_put(dir, "config.json", config, strlen(config));
    folder_put(dir, "tokenizer.json", tokens, strlen(tokens));
    strbuf_adds(&index, "{\"weight_map\":{");
    for (int part = 0; part < 2; part++) {
        struct weights w = {0};
        snprintf(file, sizeof file, "model-%d.safetensors", part);
        for (int i = part; i < N; i += 2) {
            sample_floats(&w, tensors[i].name, tensors[i].shape, tensors[i].n);
            strbuf_addf(&index, "%s\"%s\":\"%s\"", i ? "," : "", tensors[i].name, file);
        }
        sample_finish(&w);
        folder_put(dir, file, sample_image.s, sample_image.len);
    }
    strbuf_adds(&index, "}}");
    folder_put(dir, "model.safetensors.index.json", index.s, index.len);
    strbuf_release(&index);
    strbuf_release(&sample_image);
}

static int keep_nats(void *user, int i, const struct reply *a)
{
    (void)i;
    *(double *)user = a->nats;
    return 0;
}

static void a_folder_runs_and_rows_beyond_its_tokens_have_no_text(void **state)
{
    static const int32_t ids[] = {0, 1, 0}, last = 7, beyond = 8;
    struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 3, .n_given = 1};
    struct strbuf text = STRBUF_INIT;
    struct runner_opts o = {.threads = 1};
    struct err e = ERR_NONE;
    struct runner *r;
    double nats = NAN;
    char dir[256];
    (void)state;

    write_model(dir);
    if (runner_open(&r, dir, &o, &e) < 0 || runner_run(r, &q, 1, keep_nats, &nats, NULL, &e) < 0)
        fail_msg("%s", e.text);
    assert_true(nats < 0);
    assert_int_equal(tokenizer_size(runner_tokenizer(r)), 8);
    assert_int_equal(tokenizer_decode(runner_tokenizer(r), ids, 3, 0, &text, &e), 0);
    assert_int_equal(tokenizer_decode(runner_tokenizer(r), &last, 1, 1, &text, &e), 0);
    assert_string_equal(strbuf_str(&text), "aba");
    assert_int_equal(tokenizer_decode(runner_tokenizer(r), &beyond, 1, 1, &text, &e), -1);
    strbuf_release(&text);
    runner_close(r);
    folder_remove(dir);
    assert_int_equal(mem_live(), 0);
}

/* ---- reference logits ------------------------------------------------------------------------ */

struct rows {
    const float *want;
    double diff, top;
    int n_vocab, n;
};

static int compare_row(void *user, const struct request *q, int position, const float *logits)
{
    struct rows *r = user;
    (void)q;

    for (int i = 0; i < r->n_vocab; i++) {
        double want = (double)r->want[(size_t)position * (size_t)r->n_vocab + (size_t)i];
        double d = fabs((double)logits[i] - want);
        r->diff = d <= r->diff ? r->diff : d; /* NaN stays */
        r->top = fmax(r->top, fabs(want));
    }
    r->n++;
    return 0;
}

static void check_logits(const char *folder, const cJSON *c, const struct strbuf *want)
{
    struct runner_opts o = {.context = (int)json_num(c, "n_ctx", 0), .threads = 1};
    struct rows rows = {.want = (const float *)(const void *)want->s,
                        .n_vocab = (int)json_num(c, "n_vocab", 0)};
    struct request q = {.kind = REQUEST_LOGITS, .on_logits = compare_row, .user = &rows};
    struct err e = ERR_NONE;
    struct runner *r = NULL;
    int32_t ids[1024];

    for (const cJSON *i = json_get(c, "ids")->child; i && q.n_ids < 1024; i = i->next)
        ids[q.n_ids++] = i->valueint;
    q.ids = ids;
    assert_int_equal(want->len, (size_t)q.n_ids * (size_t)rows.n_vocab * sizeof(float));
    if (runner_open(&r, folder, &o, &e) < 0 || runner_run(r, &q, 1, NULL, NULL, NULL, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(rows.n, q.n_ids);
    if (!(rows.diff <= json_num(c, "tolerance_relative", 0) * rows.top))
        fail_msg("%s: relative difference %g", folder, rows.diff / rows.top);
    runner_close(r);
}

/* 1 when the case has a folder. */
static int check_case(const char *root, const char *name)
{
    char folder[4352], path[4608];
    struct strbuf want = STRBUF_INIT;
    struct err e = ERR_NONE;
    cJSON *c;

    snprintf(folder, sizeof folder, "%s/%s/hf", root, name);
    if (!hf_is_folder(folder))
        return 0;
    snprintf(path, sizeof path, "%s/%s/case.json", root, name);
    c = json_read(path, 1 << 20, &e);
    snprintf(path, sizeof path, "%s/%s/logits.f32", root, name);
    if (!c || file_read(&want, path, 1 << 28, &e) < 0)
        fail_msg("%s", e.text);
    check_logits(folder, c, &want);
    strbuf_release(&want);
    json_free(c);
    return 1;
}

static void folders_have_the_logits_of_their_reference(void **state)
{
    const char *root = shared_path("golden/arch");
    DIR *d = opendir(root);
    struct dirent *f;
    int n = 0;
    (void)state;

    assert_non_null(d);
    while ((f = readdir(d)))
        if (f->d_name[0] != '.')
            n += check_case(root, f->d_name);
    closedir(d);
    assert_true(n > 0);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chat_template_is_the_default_one_or_a_file_of_its_own),
        cmocka_unit_test(a_model_is_its_weights_config_and_tokenizer),
        cmocka_unit_test(a_folder_that_is_no_model_is_an_error),
        cmocka_unit_test(a_folder_runs_and_rows_beyond_its_tokens_have_no_text),
        cmocka_unit_test(folders_have_the_logits_of_their_reference),
    };
    return RUN(tests);
}
