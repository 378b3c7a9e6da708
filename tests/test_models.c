#include "tests/test.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/sha256.h"
#include "harness/catalogue.h"
#include "harness/model_hash.h"
#include "harness/models.h"
#include "harness/source.h"
#include "tests/tiny.h"
#include "tests/weights.h"

static char store[] = "/tmp/densimeter-models-XXXXXX";

static int make_store(void **state)
{
    (void)state;
    unsetenv("DENSIMETER_CATALOGUE");
    unsetenv("HF_ENDPOINT");
    return mkdtemp(store) && setenv("DENSIMETER_MODELS", store, 1) == 0 &&
                   setenv("XDG_DATA_HOME", store, 1) == 0
               ? 0
               : -1;
}

static int remove_store(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", store);
    return system(command);
}

static void sources_become_what_fetches_them(void **state)
{
    struct source s;
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(source_parse(&s, "pypi:llm-x==0.1.2#llm_x/a b.gguf", &e), 0);
    assert_string_equal(s.requirement, "llm-x==0.1.2");
    assert_string_equal(s.member, "llm_x/a b.gguf");
    source_release(&s);
    assert_int_equal(source_parse(&s, "hf:Own-er/re.po/sub/fi le#1.gguf", &e), 0);
    assert_non_null(strstr(s.url, "/Own-er/re.po/resolve/main/sub/fi%20le%231.gguf"));
    assert_true(s.from_hub);
    source_release(&s);
    setenv("HF_ENDPOINT", "http://hub.example/", 1);
    assert_int_equal(source_parse(&s, "hf:o/r@v1.0/f.gguf", &e), 0);
    assert_string_equal(s.url, "http://hub.example/o/r/resolve/v1.0/f.gguf");
    unsetenv("HF_ENDPOINT");
    source_release(&s);
    assert_int_equal(source_parse(&s, "https://h.example/f.gguf?x=1", &e), 0);
    assert_false(s.from_hub);
    source_release(&s);
    assert_int_equal(mem_live(), 0);
}

static void malformed_sources_are_refused(void **state)
{
    static const char *const bad[] = {
        "pypi:", "pypi:x", "pypi:x==1", "pypi:x==1#", "pypi:-r==1#x", "pypi:x y==1#x",
        "pypi:x==-1#x", "pypi:x==1#/etc/passwd", "pypi:x==1#a/../b", "pypi:x#y==1", "hf:", "hf:a",
        "hf:a/b", "hf:a/b/", "hf:a/../c", "hf:../b/c", "hf:a/b@/c", "hf:-a/b/c", "https://",
        "https://h", "https://h/", "https:///f", "https://h/a b", "https://h/a\nb", "ftp://h/f",
        "file:///etc/passwd", "", "name",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct source s;
        struct err e = ERR_NONE;
        if (source_parse(&s, bad[i], &e) == 0)
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(e.code, ERR_USAGE);
        source_release(&s);
    }
    assert_int_equal(mem_live(), 0);
}

static void names_come_from_the_last_part(void **state)
{
    static const struct {
        const char *source, *name;
    } rows[] = {
        {"hf:o/r/sub/Model-1B.Q4_0.gguf", "Model-1B.Q4_0"},
        {"https://h/d/m.gguf?download=1", "m"},
        {"pypi:p==1#m/data.part00", "data.part00"},
        {"pypi:p==1#data", "data"},
        {"https://h/.hidden", NULL},
        {"https://h/d/", NULL},
        {"https://h/a%20b.gguf", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = ERR_NONE;
        char *name = source_name(rows[i].source, &e);
        if (rows[i].name)
            assert_string_equal(name, rows[i].name);
        else
            assert_null(name);
        mem_free(name);
    }
}

static void the_built_in_catalogue_is_well_formed(void **state)
{
    struct catalogue *c = NULL;
    struct err e = ERR_NONE;
    const struct catalogue_row *row;
    (void)state;
    assert_int_equal(catalogue_open(&c, &e), 0);
    row = catalogue_find(c, "smollm2-135m-instruct:q4_1");
    assert_non_null(row);
    assert_false(row->consent);
    row = catalogue_find(c, "gemma-3-270m:q4_k_m");
    assert_non_null(row);
    assert_true(row->consent);
    assert_int_equal(row->n_sources, 4);
    assert_null(catalogue_find(c, "gemma"));
    catalogue_free(c);
}

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ROW(name, sources, bytes, hash)                                                            \
    "{\"name\":\"" name "\",\"sources\":" sources ",\"bytes\":" bytes ",\"sha256\":\"" hash       \
    "\",\"licence\":\"MIT\"}"
#define DOC(rows) "{\"schema\":\"densimeter.catalogue/1\",\"models\":[" rows "]}"
#define GOOD ROW("a:b", "[\"https://h/f\"]", "1", HASH)

static void catalogues_with_a_fault_are_refused(void **state)
{
    static const struct {
        const char *json, *says;
    } rows[] = {
        {"{}", "not a catalogue"},
        {"[]", "not a catalogue"},
        {"{\"schema\":\"densimeter.catalogue/2\",\"models\":[]}", "not a catalogue"},
        {DOC("3"), "model 1: name"},
        {DOC(ROW("../a", "[\"https://h/f\"]", "1", HASH)), "model 1: name"},
        {DOC(ROW("a", "[]", "1", HASH)), "no sources"},
        {DOC(ROW("a", "[3]", "1", HASH)), "sources"},
        {DOC(ROW("a", "[\"ftp://h/f\"]", "1", HASH)), "malformed"},
        {DOC(ROW("a", "[\"https://h/f\"]", "0", HASH)), "bytes"},
        {DOC(ROW("a", "[\"https://h/f\"]", "1", "12")), "sha256"},
        {DOC(GOOD "," GOOD), "model 2: a second 'a:b'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct catalogue *c = NULL;
        struct err e = ERR_NONE;
        if (catalogue_parse(&c, rows[i].json, strlen(rows[i].json), "f.json", &e) == 0)
            fail_msg("%s was taken", rows[i].json);
        assert_int_equal(e.code, ERR_FORMAT);
        if (!strstr(e.text, rows[i].says) || !strstr(e.text, "f.json"))
            fail_msg("'%s' lacks '%s'", e.text, rows[i].says);
    }
    assert_int_equal(mem_live(), 0);
}

static void consent_is_needed_unless_the_catalogue_says_no(void **state)
{
    struct catalogue *c = NULL;
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(catalogue_parse(&c, DOC(GOOD), sizeof DOC(GOOD) - 1, "f", &e), 0);
    assert_true(catalogue_at(c, 0)->consent);
    catalogue_free(c);
}

static void catalogue_survives_every_failed_allocation(void **state)
{
    int rc = -1;
    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct catalogue *c = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = catalogue_open(&c, &e);
        mem_fail_at(-1);
        /* cJSON does not say whether a text was malformed or memory short. */
        assert_true(rc == 0 || e.code == ERR_NOMEM || e.code == ERR_FORMAT);
        catalogue_free(c);
        assert_int_equal(mem_live(), 0);
    }
}

/* A model in the store; its path is the caller's. */
static char *put_model(const char *name)
{
    struct tiny_opts o = {0};
    struct err e = ERR_NONE;
    char *path = models_file(name, &e);

    assert_non_null(path);
    if (tiny_write(path, &o, &e) < 0)
        fail_msg("%s", e.text);
    return path;
}

static void models_are_found_by_path_or_by_name(void **state)
{
    struct err e = ERR_NONE;
    char *path = put_model("tiny:f32"), *found;
    (void)state;
    found = model_path("tiny:f32", &e);
    assert_string_equal(found, path);
    mem_free(found);
    found = model_path("tiny:f32.gguf", &e);
    assert_string_equal(found, path);
    mem_free(found);
    found = model_path("./some/where.gguf", &e);
    assert_string_equal(found, "./some/where.gguf");
    mem_free(found);
    assert_null(model_path("tiny:f16", &e));
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_string_equal(e.hint, "did you mean 'tiny:f32'?");
    assert_null(model_path("gemma-3-270m:q4_k_m", &e));
    assert_string_equal(e.hint, "densimeter pull gemma-3-270m:q4_k_m");
    mem_free(path);
    assert_int_equal(mem_live(), 0);
}

static void a_note_counts_for_the_file_it_was_made_for(void **state)
{
    static const char *const sources[] = {"hf:o/r/a", "hf:o/r/b"};
    char *path = put_model("noted"), hash[SHA256_HEX] = "";
    struct model_list l;
    struct err e = ERR_NONE;
    (void)state;
    assert_false(models_noted_sha256(path, hash));
    assert_int_equal(models_note(path, sources, 2, "MIT", HASH, &e), 0);
    assert_true(models_noted_sha256(path, hash));
    assert_string_equal(hash, HASH);
    assert_int_equal(models_list(&l, &e), 0);
    assert_int_equal(l.n, 2);
    assert_string_equal(l.v[0].name, "noted");
    assert_string_equal(l.v[0].source, "hf:o/r/a hf:o/r/b");
    assert_string_equal(l.v[0].licence, "MIT");
    assert_true(l.v[0].parameters > 0);
    assert_true(l.v[0].bits_per_weight > 0);
    assert_null(l.v[0].problem);
    assert_string_equal(l.v[1].sha256, "");
    model_list_release(&l);
    assert_int_equal(file_write(path, "GGUF", 4, &e), 0);
    assert_false(models_noted_sha256(path, hash));
    assert_int_equal(models_list(&l, &e), 0);
    assert_null(l.v[0].architecture);
    assert_non_null(l.v[0].problem);
    assert_true(isnan(l.v[0].parameters));
    model_list_release(&l);
    mem_free(path);
    assert_int_equal(mem_live(), 0);
}

static void an_absent_store_is_empty(void **state)
{
    struct model_list l;
    struct err e = ERR_NONE;
    (void)state;
    setenv("DENSIMETER_MODELS", "/tmp/densimeter-no-such-store", 1);
    assert_int_equal(models_list(&l, &e), 0);
    assert_int_equal(l.n, 0);
    model_list_release(&l);
    setenv("DENSIMETER_MODELS", store, 1);
}

static void the_list_survives_every_failed_allocation(void **state)
{
    int rc = -1;
    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct model_list l;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = models_list(&l, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        model_list_release(&l);
        assert_int_equal(mem_live(), 0);
    }
}

static const char folder_config[] =
    "{\"model_type\":\"llama\",\"hidden_size\":4,\"num_hidden_layers\":1}";

/* A Hugging Face folder "tiny-hf" in the store; its path. */
static const char *put_model_folder(struct strbuf *image)
{
    static const float embedding[32] = {1};
    static char dir[128];
    struct weights w = {0};
    struct err e = ERR_NONE;

    snprintf(dir, sizeof dir, "%s/tiny-hf", store);
    assert_int_equal(dir_make(dir, &e), 0);
    weights_add(&w, "model.embed_tokens.weight", "F32", "[8,4]", embedding, sizeof embedding);
    weights_finish(&w, image);
    folder_put(dir, "model.safetensors", image->s, image->len);
    folder_put(dir, "config.json", folder_config, strlen(folder_config));
    return dir;
}

static void a_folder_in_the_store_is_a_model_by_its_name(void **state)
{
    struct strbuf image = STRBUF_INIT;
    const char *dir = put_model_folder(&image);
    struct model_list l;
    struct err e = ERR_NONE;
    char *path;
    int found = 0;
    (void)state;

    path = model_path("tiny-hf", &e);
    assert_non_null(path);
    assert_string_equal(path, dir);
    mem_free(path);
    assert_int_equal(models_list(&l, &e), 0);
    for (size_t i = 0; i < l.n; i++) {
        if (strcmp(l.v[i].name, "tiny-hf") != 0)
            continue;
        found = 1;
        assert_null(l.v[i].problem);
        assert_string_equal(l.v[i].architecture, "llama");
        assert_true(l.v[i].parameters == 32 && l.v[i].bits_per_weight == 32);
        assert_int_equal(l.v[i].file_bytes, image.len);
    }
    assert_true(found);
    model_list_release(&l);
    strbuf_release(&image);
    folder_remove(dir);
    assert_int_equal(mem_live(), 0);
}

static void a_folder_has_the_hash_of_what_sha256sum_prints_for_its_files(void **state)
{
    struct strbuf image = STRBUF_INIT, lines = STRBUF_INIT;
    const char *dir = put_model_folder(&image);
    char want[SHA256_HEX], got[SHA256_HEX], one[SHA256_HEX];
    struct err e = ERR_NONE;
    (void)state;

    assert_int_equal(sha256_bytes(one, folder_config, strlen(folder_config), &e), 0);
    strbuf_addf(&lines, "%s  config.json\n", one);
    assert_int_equal(sha256_bytes(one, image.s, image.len, &e), 0);
    strbuf_addf(&lines, "%s  model.safetensors\n", one);
    assert_int_equal(sha256_bytes(want, lines.s, lines.len, &e), 0);
    folder_put(dir, "README.md", "x", 1); /* no part of the model */
    assert_int_equal(model_hash(got, dir, &e), 0);
    assert_string_equal(got, want);
    folder_put(dir, "tokenizer.json", "{}", 2); /* is */
    assert_int_equal(model_hash(got, dir, &e), 0);
    assert_string_not_equal(got, want);
    strbuf_release(&lines);
    strbuf_release(&image);
    folder_remove(dir);
    assert_int_equal(model_hash(got, store, &e), -1);
    assert_non_null(strstr(e.text, "not a Hugging Face model"));
    assert_int_equal(mem_live(), 0);
}

/* The note beside which the file is looked for, as its three words. */
static void read_hash_note(const char *file, char words[3][SHA256_HEX])
{
    struct strbuf b = STRBUF_INIT;

    assert_int_equal(file_read(&b, file, 1 << 16, NULL), 0);
    assert_int_equal(sscanf(strbuf_str(&b), "%64s %64s %16s", words[0], words[1], words[2]), 3);
    strbuf_release(&b);
}

static void write_hash_note(const char *file, char words[3][SHA256_HEX], int is_sealed)
{
    char text[200], seal[SHA256_HEX];
    int n = snprintf(text, sizeof text, "%s %s", words[0], words[1]);

    assert_int_equal(sha256_bytes(seal, text, (size_t)n, NULL), 0);
    n += snprintf(text + n, sizeof text - (size_t)n, " %.16s\n", is_sealed ? seal : words[2]);
    assert_int_equal(file_write(file, text, (size_t)n, NULL), 0);
}

static void a_hash_is_taken_once_for_a_file_that_stays(void **state)
{
    const char *const model = "tests/golden/store_v1.sql"; /* any file that has been there */
    char *file = path_data_home("model_hashes"), words[3][SHA256_HEX];
    char want[SHA256_HEX], got[SHA256_HEX], forged[SHA256_HEX];
    (void)state;

    unlink(file);
    memset(forged, 'a', sizeof forged - 1);
    forged[SHA256_HEX - 1] = 0;
    assert_int_equal(model_hash(want, model, NULL), 0);
    assert_int_equal(model_hash_known(got, model, NULL), 0);
    assert_string_equal(got, want);
    read_hash_note(file, words);
    assert_string_equal(words[1], want);
    /* What is noted is what is told, so the file was not read, as long as the seal holds. */
    memcpy(words[1], forged, sizeof forged);
    write_hash_note(file, words, 1);
    assert_int_equal(model_hash_known(got, model, NULL), 0);
    assert_string_equal(got, forged);
    write_hash_note(file, words, 0);
    assert_int_equal(model_hash_known(got, model, NULL), 0);
    assert_string_equal(got, want);
    read_hash_note(file, words);
    assert_string_equal(words[1], want); /* and the note is right again */
    assert_int_equal(model_hash_known(got, "tests/golden/store_v2.sql", NULL), 0);
    assert_string_not_equal(got, want);
    for (int nth = 0; nth < 40; nth++) { /* what notes need may fail, and then they are not used */
        struct err e = ERR_NONE;
        int rc;
        mem_fail_at(nth);
        rc = model_hash_known(got, model, &e);
        mem_fail_at(-1);
        assert_true(rc == 0 ? strcmp(got, want) == 0 : e.code == ERR_NOMEM);
    }
    unlink(file);
    mem_free(file);
    assert_int_equal(mem_live(), 0);
}

/* Its times may be those that a later change gets, too. */
static void the_hash_of_a_file_just_written_is_not_noted(void **state)
{
    char *file = path_data_home("model_hashes"), path[128], got[SHA256_HEX], want[SHA256_HEX];
    (void)state;

    snprintf(path, sizeof path, "%s/new.bin", store);
    assert_int_equal(file_write(path, "abc", 3, NULL), 0);
    assert_int_equal(model_hash_known(got, path, NULL), 0);
    assert_int_equal(sha256_bytes(want, "abc", 3, NULL), 0);
    assert_string_equal(got, want);
    assert_false(file_exists(file));
    unlink(path);
    mem_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_become_what_fetches_them),
        cmocka_unit_test(malformed_sources_are_refused),
        cmocka_unit_test(names_come_from_the_last_part),
        cmocka_unit_test(the_built_in_catalogue_is_well_formed),
        cmocka_unit_test(catalogues_with_a_fault_are_refused),
        cmocka_unit_test(consent_is_needed_unless_the_catalogue_says_no),
        cmocka_unit_test(catalogue_survives_every_failed_allocation),
        cmocka_unit_test(models_are_found_by_path_or_by_name),
        cmocka_unit_test(a_note_counts_for_the_file_it_was_made_for),
        cmocka_unit_test(an_absent_store_is_empty),
        cmocka_unit_test(a_folder_in_the_store_is_a_model_by_its_name),
        cmocka_unit_test(a_folder_has_the_hash_of_what_sha256sum_prints_for_its_files),
        cmocka_unit_test(a_hash_is_taken_once_for_a_file_that_stays),
        cmocka_unit_test(the_hash_of_a_file_just_written_is_not_noted),
        cmocka_unit_test(the_list_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, make_store, remove_store);
}
