/* What the hub and its server of rows answer: what is taken of it, and what is refused. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/hub.h"
#include "harness/hub_read.h"
#include "harness/source.h"

#define HUB "https://hub.example"
#define SHA "0123456789abcdef0123456789abcdef01234567"
#define SHA256 SHA "89abcdef0123456789abcdef"

static void names_and_addresses_stay_inside(void **state)
{
    static const struct {
        const char *text;
        int is_id, is_name, is_inside;
    } rows[] = {
        {"owner/name", 1, 0, 1}, {"name", 1, 1, 1}, {"a-b.c_d/e1", 1, 0, 1}, {"", 0, 0, 0},
        {"/name", 0, 0, 0}, {"owner/", 0, 0, 0}, {"a/b/c", 0, 0, 1}, {"-a/b", 0, 0, 1},
        {"a/.b", 0, 0, 1}, {".", 0, 0, 0}, {"..", 0, 0, 0}, {"a/..", 0, 0, 0}, {"a/../b", 0, 0, 0},
        {"a//b", 0, 0, 0}, {"a/./b", 0, 0, 0}, {"a b", 0, 0, 1}, {"a\\b", 0, 0, 0},
        {"a\nb", 0, 0, 0}, {"a\x7f", 0, 0, 0}, {"a:b+c", 0, 1, 1}, {"...", 0, 0, 1},
        {"-x", 0, 0, 1}, {"a%20b", 0, 0, 1},
    };
    char longest[202];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (hub_id_is_safe(rows[i].text) != rows[i].is_id ||
            name_is_safe(rows[i].text) != rows[i].is_name ||
            path_is_inside(rows[i].text) != rows[i].is_inside)
            fail_msg("'%s': %d %d %d", rows[i].text, hub_id_is_safe(rows[i].text),
                     name_is_safe(rows[i].text), path_is_inside(rows[i].text));
    memset(longest, 'a', sizeof longest);
    longest[201] = 0;
    assert_int_equal(name_is_safe(longest), 0);
    longest[200] = 0;
    assert_int_equal(name_is_safe(longest), 1);
    longest[96] = 0;
    assert_int_equal(hub_id_is_safe(longest), 0);
    longest[95] = 0;
    assert_int_equal(hub_id_is_safe(longest), 1);
}

static void a_source_is_one_word_of_three_kinds(void **state)
{
    static const struct {
        const char *text, *url, *requirement, *member; /* all NULL: refused */
    } rows[] = {
        {"pypi:pkg==1.0#a/b.gguf", NULL, "pkg==1.0", "a/b.gguf"},
        {"pypi:pkg==1.0", NULL, NULL, NULL}, {"pypi:pkg#m", NULL, NULL, NULL},
        {"pypi:pkg#m==1", NULL, NULL, NULL}, {"pypi:==1#m", NULL, NULL, NULL},
        {"pypi:-r==1#m", NULL, NULL, NULL}, {"pypi:p k==1#m", NULL, NULL, NULL},
        {"pypi:pkg==#m", NULL, NULL, NULL}, {"pypi:pkg==1;x#m", NULL, NULL, NULL},
        {"pypi:pkg==1#", NULL, NULL, NULL}, {"pypi:pkg==1#../m", NULL, NULL, NULL},
        {"hf:o/r/f.gguf", HUB "/o/r/resolve/main/f.gguf", NULL, NULL},
        {"hf:o/r@v1/d/f x.gguf", HUB "/o/r/resolve/v1/d/f%20x.gguf", NULL, NULL},
        {"hf:o/r", NULL, NULL, NULL}, {"hf:o/r/", NULL, NULL, NULL}, {"hf:o", NULL, NULL, NULL},
        {"hf:o/r/../f", NULL, NULL, NULL}, {"hf:/r/f", NULL, NULL, NULL},
        {"hf:o/r@/f", NULL, NULL, NULL}, {"hf:o/-r/f", NULL, NULL, NULL},
        {"hf:o/r@-v/f", NULL, NULL, NULL}, {"hf:o o/r/f", NULL, NULL, NULL},
        {"https://h/f", "https://h/f", NULL, NULL}, {"http://h/f", "http://h/f", NULL, NULL},
        {"https://h", NULL, NULL, NULL}, {"https:///f", NULL, NULL, NULL},
        {"https://h/", NULL, NULL, NULL}, {"https://h/a b", NULL, NULL, NULL},
        {"https://h/a\x7f", NULL, NULL, NULL}, {"ftp://h/f", NULL, NULL, NULL},
    };
    (void)state;
    setenv("HF_ENDPOINT", HUB, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int is_good = rows[i].url || rows[i].requirement;
        struct source s = {.url = NULL};
        struct err e = ERR_NONE;
        if (source_parse(&s, rows[i].text, &e) != is_good - 1)
            fail_msg("%s: %s", rows[i].text, e.text);
        if (!is_good) {
            assert_int_equal(e.code, ERR_USAGE);
        } else if (rows[i].url) {
            assert_string_equal(s.url, rows[i].url);
            assert_int_equal(s.from_hub, rows[i].text[1] == 'f');
        } else {
            assert_string_equal(s.requirement, rows[i].requirement);
            assert_string_equal(s.member, rows[i].member);
        }
        assert_int_equal(source_is(rows[i].text), strncmp(rows[i].text, "ftp", 3) != 0);
        source_release(&s);
    }
    unsetenv("HF_ENDPOINT");
    assert_int_equal(mem_live(), 0);
}

static void the_stores_name_is_the_last_part(void **state)
{
    static const char *const rows[][2] = {
        {"https://h/a/model.gguf", "model"}, {"https://h/model.gguf?download=true#x", "model"},
        {"pypi:pkg==1#a/m.q4.gguf", "m.q4"}, {"hf:o/r/f.bin", "f.bin"}, {"pypi:pkg==1#m", "m"},
        {"https://h/.gguf", NULL}, {"hf:o/r/-x.gguf", NULL}, {"hf:o/r/a b.gguf", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = ERR_NONE;
        char *name = source_name(rows[i][0], &e);
        if (!name != !rows[i][1] || (name && strcmp(name, rows[i][1]) != 0))
            fail_msg("%s: %s, %s", rows[i][0], name ? name : "none", e.text);
        assert_int_equal(e.code, name ? ERR_OK : ERR_USAGE);
        mem_free(name);
    }
}

/* --- addresses of the servers ----------------------------------------------------------------- */

static void set(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static void the_servers_are_the_users_or_the_hubs(void **state)
{
    static const struct {
        const char *endpoint, *server, *is, *serves; /* serves NULL: there is none */
    } rows[] = {
        {NULL, NULL, "https://huggingface.co", "https://datasets-server.huggingface.co"},
        {"", "", "https://huggingface.co", "https://datasets-server.huggingface.co"},
        {HUB "/", NULL, HUB, NULL}, {HUB, "http://rows/", HUB, "http://rows"},
        {NULL, "http://rows", "https://huggingface.co", "http://rows"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hub h = {.stop = NULL};
        struct err e = ERR_NONE;
        int rc = -1;
        set("HF_ENDPOINT", rows[i].endpoint);
        set("DENSIMETER_DATASETS_SERVER", rows[i].server);
        assert_int_equal(hub_open(&h, &e), 0);
        assert_string_equal(h.endpoint, rows[i].is);
        assert_true(rows[i].serves ? h.server && strcmp(h.server, rows[i].serves) == 0 : !h.server);
        hub_close(&h);
        for (long nth = 0; rc < 0; nth++) {
            mem_fail_at(nth);
            rc = hub_open(&h, &e);
            mem_fail_at(-1);
            assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
            assert_true(rc < 0 || !h.server == !rows[i].serves);
            e = ERR_NONE;
            hub_close(&h);
            assert_int_equal(mem_live(), 0);
        }
    }
    set("HF_ENDPOINT", NULL);
    set("DENSIMETER_DATASETS_SERVER", NULL);
}

/* --- documents -------------------------------------------------------------------------------- */

static int each_split(void *user, const char *config, const char *split, struct err *e)
{
    (void)e;
    snprintf(user, 64, "%s/%s", config, split);
    return strcmp(split, "stop") == 0 ? err_set(e, ERR_INTERRUPTED, "stopped") : 0;
}

static int each_file(void *user, const char *url, uint64_t bytes, struct err *e)
{
    snprintf(user, 64, "%s %d", url + strlen(HUB), (int)bytes);
    return bytes == 13 ? err_set(e, ERR_INTERRUPTED, "stopped") : 0;
}

static void describe_info(const struct hub_info *i, char *text)
{
    const struct hub_file *f = i->n_files ? &i->files[i->n_files - 1] : NULL;

    snprintf(text, 200, "%.4s %s%s, %d: %s %d %.4s %.4s", i->revision,
             i->licence ? i->licence : "-",
             i->gated ? " gated" : "", (int)i->n_files, f ? f->name : "-", f ? (int)f->bytes : 0,
             f ? f->sha256 : "", f ? f->git_sha1 : "");
}

enum { INFO, SPLITS, PARQUET, PAGE };

/* The last thing that was told, or the error. */
static int read_one(int kind, const cJSON *j, char *text, struct err *e)
{
    struct hub_info info = {.licence = NULL};
    struct hub_page page = {.json = (cJSON *)j};
    int rc;

    *text = 0;
    if (kind == SPLITS)
        return hub_read_splits(j, "URL", each_split, text, e);
    if (kind == PARQUET)
        return hub_read_parquet(j, "URL", HUB, "c", "s", each_file, text, e);
    if (kind == PAGE) {
        rc = hub_read_page(&page, 100, "URL", e);
        snprintf(text, 200, "%d of %d", page.n, (int)page.total);
        return rc;
    }
    rc = hub_read_info(&info, j, "URL", e);
    describe_info(&info, text);
    hub_info_release(&info);
    return rc;
}

#define FILES(file) "{\"sha\": \"" SHA "\", \"siblings\": [" file "]}"
#define CARD(more) "{\"sha\": \"" SHA "\", " more "}"
#define AT(url) "\"url\": \"" url "\", "
#define CONFIG(name) "\"config\": \"" name "\""
#define SPLIT(name) "\"split\": \"" name "\""
#define C_S CONFIG("c") ", " SPLIT("s")
#define ONE(list, members) "{\"" list "\": [{" members "}]}"
#define SHARD(url, size) ONE("parquet_files", AT(url) C_S ", \"size\": " size)
#define ROWS(total, rows) "{\"num_rows_total\": " total ", \"rows\": [" rows "]}"
static const struct {
    int kind;
    const char *json;
    enum err_code code; /* ERR_OK: told is what it says */
    const char *told;
} documents[] = {
    {INFO, "{}", ERR_FORMAT, "does not say which revision"},
    {INFO, "{\"sha\": \"0123\"}", ERR_FORMAT, "does not say which revision"},
    {INFO, "{\"sha\": \"Z123456789abcdef0123456789abcdef01234567\"}", ERR_FORMAT, "which revision"},
    {INFO, "{\"sha\": \"" SHA256 "\"}", ERR_OK, "0123 -, 0: - 0  "},
    {INFO, CARD("\"gated\": false"), ERR_OK, "0123 -, 0: - 0  "},
    {INFO, CARD("\"gated\": null"), ERR_OK, "0123 -, 0: - 0  "},
    {INFO, CARD("\"gated\": \"auto\", \"cardData\": {\"license\": \"mit\"}"), ERR_OK,
     "0123 mit gated, 0: - 0  "},
    {INFO, CARD("\"cardData\": {\"license\": [\"mit\", 7, \"apache\\u001b\"]}"), ERR_OK,
     "0123 mit, apache?, 0: - 0  "},
    {INFO, CARD("\"cardData\": {\"license\": []}"), ERR_OK, "0123 -, 0: - 0  "},
    {INFO, FILES("{}"), ERR_FORMAT, "a file whose name leads outside"},
    {INFO, FILES("{\"rfilename\": \"../x\"}"), ERR_FORMAT, "a file whose name leads outside"},
    {INFO, FILES("{\"rfilename\": \"a/x\", \"size\": 5, \"blobId\": \"" SHA "\"}"), ERR_OK,
     "0123 -, 1: a/x 5  0123"},
    {INFO, FILES("{\"rfilename\": \"x\", \"size\": -5, \"blobId\": \"zz\"}"),
     ERR_OK, "0123 -, 1: x 0  "},
    {INFO, FILES("{\"rfilename\": \"x\", \"size\": 1e15, \"blobId\": \"" SHA "\", "
                 "\"lfs\": {\"sha256\": \"" SHA256 "\"}}"), ERR_OK, "0123 -, 1: x 0 0123 "},
    {INFO, FILES("{\"rfilename\": \"x\", \"blobId\": \"" SHA "\", \"lfs\": {\"sha256\": \"0\"}}"),
     ERR_OK, "0123 -, 1: x 0  "}, /* a pointer's hash is not the file's */
    {SPLITS, "{}", ERR_FORMAT, "lists no splits"},
    {SPLITS, "{\"splits\": {}}", ERR_FORMAT, "lists no splits"},
    {SPLITS, "{\"splits\": []}", ERR_OK, ""},
    {SPLITS, ONE("splits", C_S), ERR_OK, "c/s"},
    {SPLITS, ONE("splits", CONFIG("c")), ERR_FORMAT, "whose name cannot be a file's"},
    {SPLITS, ONE("splits", SPLIT("s")), ERR_FORMAT, "whose name cannot be a file's"},
    {SPLITS, ONE("splits", CONFIG("..") ", " SPLIT("s")), ERR_FORMAT, "cannot be a file's"},
    {SPLITS, ONE("splits", CONFIG("c") ", " SPLIT("a/s")), ERR_FORMAT, "cannot be a file's"},
    {SPLITS, ONE("splits", CONFIG("c") ", " SPLIT("stop")), ERR_INTERRUPTED, "stopped"},
    {PARQUET, "{}", ERR_NOTFOUND, "nothing was converted"},
    {PARQUET, "{\"partial\": true}", ERR_NOTFOUND, "only a part of the data set was converted"},
    {PARQUET, ONE("parquet_files", C_S), ERR_FORMAT, "without its address"},
    {PARQUET, ONE("parquet_files", AT(HUB "/a") SPLIT("s")), ERR_FORMAT, "without its address"},
    {PARQUET, ONE("parquet_files", AT(HUB "/a") CONFIG("c")), ERR_FORMAT, "without its address"},
    {PARQUET, ONE("parquet_files", AT(HUB "/a") CONFIG("d") ", " SPLIT("s")), ERR_NOTFOUND,
     "nothing was converted"},
    {PARQUET, ONE("parquet_files", AT(HUB "/a") CONFIG("c") ", " SPLIT("t")), ERR_NOTFOUND,
     "nothing was converted"},
    {PARQUET, SHARD(HUB "/a", "7"), ERR_OK, "/a 7"},
    {PARQUET, SHARD(HUB "/a", "-7"), ERR_OK, "/a 0"},
    {PARQUET, SHARD(HUB "/a", "1e15"), ERR_OK, "/a 0"},
    {PARQUET, SHARD(HUB "/a", "13"), ERR_INTERRUPTED, "stopped"},
    {PARQUET, SHARD("https://evil.example/a", "7"), ERR_FORMAT, "of another host"},
    {PARQUET, SHARD(HUB ".evil.example/a", "7"), ERR_FORMAT, "of another host"},
    {PARQUET, SHARD(HUB "/../a", "7"), ERR_FORMAT, "an address that cannot be"},
    {PARQUET, SHARD(HUB "/a b", "7"), ERR_FORMAT, "an address that cannot be"},
    {PAGE, "{}", ERR_FORMAT, "do not add up"},
    {PAGE, "{\"partial\": true}", ERR_NOTFOUND, "only the beginning is shown"},
    {PAGE, "{\"num_rows_total\": 100, \"rows\": {}}", ERR_FORMAT, "do not add up"},
    {PAGE, ROWS("-1", ""), ERR_FORMAT, "do not add up"},
    {PAGE, ROWS("3e9", ""), ERR_FORMAT, "do not add up"},
    {PAGE, ROWS("100", ""), ERR_OK, "0 of 100"},
    {PAGE, ROWS("101", ""), ERR_FORMAT, "end before their number"},
    {PAGE, ROWS("100", "{\"row_idx\": 100, \"row\": {}}"), ERR_FORMAT, "do not add up"},
    {PAGE, ROWS("101", "{\"row_idx\": 100, \"row\": {}}"), ERR_OK, "1 of 101"},
    {PAGE, ROWS("101", "{\"row_idx\": 99, \"row\": {}}"),
     ERR_FORMAT, "not the ones that were asked for"},
    {PAGE, ROWS("101", "{\"row_idx\": 100, \"row\": []}"), ERR_FORMAT, "a row is no record"},
    {PAGE, ROWS("101", "{\"row_idx\": 100, \"row\": {}, \"truncated_cells\": [\"a\"]}"),
     ERR_NOTFOUND, "row 100 is shown cut off"},
};

static void what_a_document_says_is_told_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        struct err e = ERR_NONE, why = ERR_NONE;
        cJSON *j = json_parse(documents[i].json, strlen(documents[i].json), "test", &e);
        char told[200];
        int rc, good = documents[i].code == ERR_OK;
        long live = mem_live();
        assert_non_null(j);
        rc = read_one(documents[i].kind, j, told, &why);
        if (rc != good - 1 || why.code != documents[i].code ||
            !(good ? strcmp(told, documents[i].told) == 0
                   : strstr(why.text, documents[i].told) != NULL))
            fail_msg("%s: %d, '%s', %s", documents[i].json, rc, told, why.text);
        for (long nth = 0; rc == 0 && nth < 100; nth++) { /* each allocation refused once */
            why = ERR_NONE;
            mem_fail_at(nth);
            rc = read_one(documents[i].kind, j, told, &why);
            mem_fail_at(-1);
            assert_int_equal(mem_live(), live);
            if (rc == 0)
                break;
            assert_int_equal(why.code, ERR_NOMEM);
            rc = 0;
        }
        json_free(j);
    }
    assert_int_equal(mem_live(), 0);
}

static void a_hub_without_a_server_of_rows_says_so(void **state)
{
    struct hub h = {.endpoint = (char *)HUB};
    struct hub_page page;
    char told[200];
    struct err e[3] = {ERR_NONE, ERR_NONE, ERR_NONE};
    (void)state;
    assert_int_equal(hub_splits(&h, "a/b", each_split, told, &e[0]), -1);
    assert_int_equal(hub_parquet(&h, "a/b", SHA, "c", "s", each_file, told, &e[1]), -1);
    assert_int_equal(hub_rows(&h, "a/b", SHA, "c", "s", 0, &page, &e[2]), -1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(e[i].code, ERR_NOTFOUND);
        assert_string_equal(e[i].text, "this hub has no server of rows");
        assert_non_null(strstr(e[i].hint, "$DENSIMETER_DATASETS_SERVER"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_addresses_stay_inside),
        cmocka_unit_test(a_source_is_one_word_of_three_kinds),
        cmocka_unit_test(the_stores_name_is_the_last_part),
        cmocka_unit_test(the_servers_are_the_users_or_the_hubs),
        cmocka_unit_test(what_a_document_says_is_told_or_refused),
        cmocka_unit_test(a_hub_without_a_server_of_rows_says_so),
    };

    return RUN(tests);
}
