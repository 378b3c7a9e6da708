/* Bundles: the same runs give the same bytes, an honest one passes, and each of many ways of
 * cheating is found and named. */
#include <archive.h>
#include <archive_entry.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/bundle.h"
#include "harness/stats.h"
#include "results/internal.h"
#include "tests/store_fixture.h"
#include "tests/test.h"

enum { ITEMS = 40, CHOICES = 4 };
static char run_id[RUN_ID_SIZE], signer[BUNDLE_KEY_HEX];

/* --- an honest run ------------------------------------------------------------------------- */

static double nats(int doc, int choice)
{
    return -1 - ((doc * 7 + choice * 5) % 11) * 0.37 - choice * 0.01;
}

static int best_of(int doc)
{
    int best = 0;

    for (int c = 1; c < CHOICES; c++)
        if (nats(doc, c) > nats(doc, best))
            best = c;
    return best;
}

static double latency(int doc)
{
    return 0.01 + 0.001 * (doc * 13 % 40);
}

static void add(struct store_run *r, int doc, double *credit)
{
    int gold = doc % 3 ? best_of(doc) : (best_of(doc) + 1) % CHOICES;
    const struct store_metric metric = {"acc", "none", gold == best_of(doc), 1};
    struct store_request requests[CHOICES];
    struct store_item it = {
        .task = "arc_easy", .doc_id = doc, .doc_hash = "h", .prompt_hash = "p", .gold = "gold",
        .gold_index = gold, .latency_s = latency(doc), .ttft_s = NAN, .prompt_tokens = 10,
        .computed_tokens = 6, .reused_tokens = 4, .generated_tokens = -1, .metrics = &metric,
        .n_metrics = 1, .requests = requests, .n_requests = CHOICES};
    struct err e = ERR_NONE;

    for (int c = 0; c < CHOICES; c++)
        requests[c] = (struct store_request){nats(doc, c), 0, 3, 9};
    assert_int_equal(store_item_add(r, &it, &e), 0);
    *credit = metric.value;
}

static void make_run(struct store *s)
{
    static const struct store_task task[] = {{"arc_easy", 1, 0, ITEMS, "dd"}};
    struct store_run_spec spec = spec_of("{}");
    struct store_run *r = NULL;
    double times[ITEMS], right = 0, wall = 0, credit;
    struct err e = ERR_NONE;

    spec.tasks = task;
    spec.n_tasks = 1;
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    strcpy(run_id, store_run_id(r));
    for (int i = 0; i < ITEMS; i++) {
        add(r, i, &credit);
        right += credit;
        wall += times[i] = latency(i);
    }
    stats_sort(times, ITEMS);
    const struct store_value value = {"acc", "none", right / ITEMS, 0.07, 0.5, 0.8};
    const struct store_cost costs[] = {{"latency_median_s", stats_median(times, ITEMS)},
                                       {"wall_s", wall + 0.1}};
    const struct store_task_result result = {"arc_easy", ITEMS, &value, 1, costs, 2};
    assert_int_equal(store_task_finish(r, &result, &e), 0);
    assert_int_equal(store_run_finish(r, STORE_COMPLETE, "{}", NULL, &e), 0);
    store_run_close(r);
}

static void make_bundle(struct bundle *b, const char *database, const char *key)
{
    struct store *s = NULL;
    struct run_list l = {0};
    struct err e = ERR_NONE;

    *b = (struct bundle){0};
    assert_int_equal(store_open(&s, database, NULL, &e), 0);
    assert_int_equal(query_run(s, run_id, &l, &e), 0);
    if (bundle_add_run(b, s, l.v, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(bundle_seal(b, &e), 0);
    assert_int_equal(bundle_sign(b, key, &e), 0);
    run_list_release(&l);
    store_close(s);
}

static int set_up(void **state)
{
    struct store *s = NULL;
    struct err e = ERR_NONE;
    struct bundle b;
    char other[BUNDLE_KEY_HEX];

    if (fixture_folder(state) < 0 || store_open(&s, in_dir("honest.db"), NULL, &e) < 0)
        return -1;
    make_run(s);
    store_close(s);
    if (bundle_new_key(in_dir("key.pem"), signer, &e) < 0 ||
        bundle_new_key(in_dir("other.pem"), other, &e) < 0)
        return -1;
    make_bundle(&b, in_dir("honest.db"), in_dir("key.pem"));
    int rc = bundle_write(&b, in_dir("honest.tar"), &e);
    bundle_release(&b);
    return rc;
}

/* --- what a verifier hears ------------------------------------------------------------------ */

struct heard {
    struct strbuf text;
    int n;
};

static void hear(void *user, const char *line)
{
    struct heard *h = user;

    h->n++;
    strbuf_addf(&h->text, "%s\n", line);
}

/* Everything that `bundle verify --signer` looks at. */
static void verify(const char *path, struct heard *h)
{
    struct bundle b = {0};
    struct err e = ERR_NONE;
    char public[BUNDLE_KEY_HEX];
    int has, unknown;

    *h = (struct heard){.text = STRBUF_INIT};
    if (bundle_read(&b, path, &e) < 0) {
        hear(h, e.text);
        return;
    }
    has = bundle_signer(&b, public, &e);
    if (has < 0)
        hear(h, e.text);
    else if (!has)
        hear(h, "it is not signed");
    else if (strcmp(public, signer) != 0)
        hear(h, "another key");
    if (bundle_check_manifest(&b, &e) < 0)
        hear(h, e.text);
    if (bundle_check_runs(&b, hear, h, &unknown, &e) < 0)
        hear(h, e.text);
    bundle_release(&b);
}

static void must_say(const char *what, const char *path, const char *wanted)
{
    struct heard h;

    verify(path, &h);
    if (!strstr(strbuf_str(&h.text), wanted))
        fail_msg("%s: '%s' is not in:\n%s", what, wanted, strbuf_str(&h.text));
    strbuf_release(&h.text);
}

static void an_honest_bundle_passes_and_is_the_same_each_time(void **state)
{
    struct bundle b;
    struct strbuf one = STRBUF_INIT, two = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct heard h;
    (void)state;

    verify(in_dir("honest.tar"), &h);
    assert_string_equal(strbuf_str(&h.text), "");
    make_bundle(&b, in_dir("honest.db"), in_dir("key.pem"));
    assert_int_equal(bundle_write(&b, in_dir("again.tar"), &e), 0);
    assert_int_equal(file_read(&one, in_dir("honest.tar"), 1 << 24, &e), 0);
    assert_int_equal(file_read(&two, in_dir("again.tar"), 1 << 24, &e), 0);
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.s, two.s, one.len);
    bundle_release(&b);
    strbuf_release(&one);
    strbuf_release(&two);
    strbuf_release(&h.text);
}

/* --- rows edited, and all hashes fixed up by somebody with a key of his own ------------------ */

static const struct {
    const char *sql, *says;
} edits[] = {
    {"UPDATE item_metrics SET value = 1 WHERE item_id = 1", "is credited 1"},
    {"UPDATE item_metrics SET value = 1", "likelihoods choose"},
    {"UPDATE task_values SET value = value + 0.05", "by its items, and published as"},
    {"UPDATE item_metrics SET value = 0 WHERE item_id = 2", "is credited 0"},
    {"UPDATE item_metrics SET weight = 2 WHERE item_id < 9", "by its items"},
    {"DELETE FROM item_metrics WHERE item_id = 1", "by its items"},
    {"DELETE FROM items WHERE id = 1", "it has 39 items of 40"},
    {"DELETE FROM items WHERE id > 35", "it has 35 items of 40"},
    {"DELETE FROM items", "it has 0 items of 40"},
    {"UPDATE run_tasks SET n_expected = 41", "items of 41"},
    {"UPDATE items SET gold_index = (gold_index + 1) % 4 WHERE id = 5", "item 4 is credited"},
    {"UPDATE items SET gold_index = 0", "the right one is 0"},
    {"UPDATE requests SET loglikelihood = -0.01 WHERE item_id = 3 AND idx = 3",
     "item 2 is credited"},
    {"UPDATE requests SET loglikelihood = 0.5 WHERE item_id = 7", "a probability above 1"},
    {"UPDATE items SET latency_s = latency_s / 2", "the median latency"},
    {"UPDATE task_costs SET value = value / 2 WHERE metric = 'latency_median_s'",
     "the median latency"},
    {"UPDATE task_costs SET value = value / 2 WHERE metric = 'wall_s'", "took"},
    {"UPDATE items SET latency_s = 9 WHERE id = 1", "more than the task's"},
    {"CREATE VIEW extra AS SELECT 1", "its tables are not those"},
    {"CREATE TRIGGER t AFTER DELETE ON runs BEGIN SELECT 1; END", "its tables are not those"},
    {"ALTER TABLE items ADD COLUMN more TEXT", "its tables are not those"},
    {"PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'settings TEXT NOT "
     "NULL', 'settings TEXT') WHERE name = 'runs'", "its tables are not those"},
    {"UPDATE runs SET status = 'interrupted'", "did not end well"},
    {"UPDATE runs SET run = 'ffffffff'", "must hold this one"},
    {"DELETE FROM runs", "holds 0 runs"},
};

static void edit(const char *sql)
{
    struct strbuf bytes = STRBUF_INIT;
    struct bundle b = {0};
    struct err e = ERR_NONE;
    struct db *db = NULL;
    const struct db_opts o = {0};
    char name[64], path[256];

    assert_int_equal(bundle_read(&b, in_dir("honest.tar"), &e), 0);
    snprintf(name, sizeof name, "runs/%s/run.sqlite", run_id);
    snprintf(path, sizeof path, "%s", in_dir("edited.db"));
    const struct bundle_file *f = bundle_find(&b, name);
    assert_int_equal(file_write(path, f->bytes.s, f->bytes.len, &e), 0);
    exec_sql(path, "PRAGMA foreign_keys = ON");
    exec_sql(path, sql);
    if (db_open(&db, path, &o, &e) == 0 && seal_run(db, 1, &e) < 0)
        e = ERR_NONE; /* the run is gone */
    db_close(db);
    exec_sql(path, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
    assert_int_equal(file_read(&bytes, path, 1 << 24, &e), 0);
    assert_int_equal(bundle_put(&b, name, &bytes, &e), 0);
    assert_int_equal(bundle_seal(&b, &e), 0);
    assert_int_equal(bundle_sign(&b, in_dir("other.pem"), &e), 0);
    assert_int_equal(bundle_write(&b, in_dir("edited.tar"), &e), 0);
    bundle_release(&b);
    unlink(path);
}

static void edited_rows_are_found_though_every_hash_was_fixed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        edit(edits[i].sql);
        must_say(edits[i].sql, in_dir("edited.tar"), edits[i].says);
        must_say(edits[i].sql, in_dir("edited.tar"), "another key");
    }
}

/* What the migrations after a version did, taken back. */
#define AS_11 "DROP TABLE encodings; DROP TABLE encoding_sets; PRAGMA user_version = 11;"
#define AS_10 AS_11 "ALTER TABLE items DROP COLUMN error; PRAGMA user_version = 10;"

static void a_bundle_of_an_older_program_is_as_good_and_no_easier_to_fake(void **state)
{
    static const struct {
        const char *sql, *says;
    } older[] = {
        {AS_11, "another key\n"},
        {AS_10, "another key\n"},
        {AS_10 "CREATE TRIGGER t AFTER UPDATE ON runs BEGIN SELECT 1; END", "its tables are not"},
        {"PRAGMA user_version = 11", "its tables are not those"},
        {AS_11 "UPDATE item_metrics SET value = 1 WHERE item_id = 1", "is credited 1"},
        {"PRAGMA user_version = 13", "schema version 13, this program knows up to 12"},
    };
    struct heard h;

    (void)state;
    assert_int_equal(store_schema_version(), 12); /* the rows above say how to go back from it */
    for (size_t i = 0; i < sizeof older / sizeof *older; i++) {
        edit(older[i].sql);
        verify(in_dir("edited.tar"), &h);
        if (i < 2 ? strcmp(strbuf_str(&h.text), older[i].says) != 0
                  : !strstr(strbuf_str(&h.text), older[i].says))
            fail_msg("%s: '%s' is not what is said:\n%s", older[i].sql, older[i].says,
                     strbuf_str(&h.text));
        strbuf_release(&h.text);
    }
}

/* --- files changed --------------------------------------------------------------------------- */

static struct strbuf text_of(const char *s)
{
    struct strbuf b = STRBUF_INIT;

    strbuf_adds(&b, s);
    return b;
}

static void put(struct bundle *b, const char *name, const char *s)
{
    struct strbuf bytes = text_of(s);
    struct err e = ERR_NONE;

    assert_int_equal(bundle_put(b, name, &bytes, &e), 0);
}

static void replace(struct bundle *b, const char *name, const char *from, const char *to)
{
    struct strbuf text = STRBUF_INIT;
    const char *s = strbuf_str(&bundle_find(b, name)->bytes), *at = strstr(s, from);
    struct err e = ERR_NONE;

    assert_non_null(at);
    strbuf_add(&text, s, (size_t)(at - s));
    strbuf_adds(&text, to);
    strbuf_adds(&text, at + strlen(from));
    assert_int_equal(bundle_put(b, name, &text, &e), 0);
}

static void published(char name[64], const char *file)
{
    snprintf(name, 64, "runs/%s/%s", run_id, file);
}

static void numbers_edited(struct bundle *b)
{
    char name[64];
    published(name, "published.json");
    replace(b, name, "arc_easy", "arc_hard");
}
static void numbers_edited_and_sealed(struct bundle *b)
{
    struct err e = ERR_NONE;
    numbers_edited(b);
    assert_int_equal(bundle_seal(b, &e), 0);
}
static void numbers_edited_and_signed(struct bundle *b)
{
    struct err e = ERR_NONE;
    numbers_edited_and_sealed(b);
    assert_int_equal(bundle_sign(b, in_dir("other.pem"), &e), 0);
}
static void machine_edited_and_signed(struct bundle *b)
{
    struct err e = ERR_NONE;
    char name[64];
    published(name, "system.json");
    put(b, name, "{\"cpu\":\"better\"}\n");
    assert_int_equal(bundle_seal(b, &e), 0);
    assert_int_equal(bundle_sign(b, in_dir("other.pem"), &e), 0);
}
static void byte_flipped(struct bundle *b)
{
    char name[64];
    published(name, "run.sqlite");
    ((struct bundle_file *)bundle_find(b, name))->bytes.s[5000] ^= 1;
}
static void format_unknown(struct bundle *b)
{
    char name[64];
    published(name, "run.sqlite");
    ((struct bundle_file *)bundle_find(b, name))->bytes.s[47] = 9; /* of its schema */
}
static void database_gone(struct bundle *b)
{
    char name[64];
    published(name, "run.sqlite");
    bundle_drop(b, name);
}
static void numbers_gone_and_sealed(struct bundle *b)
{
    struct err e = ERR_NONE;
    char name[64];
    published(name, "published.json");
    bundle_drop(b, name);
    assert_int_equal(bundle_seal(b, &e), 0);
}
static void file_added(struct bundle *b)
{
    put(b, "notes.txt", "trust me");
}
static void not_a_database(struct bundle *b)
{
    struct err e = ERR_NONE;
    char name[64];
    published(name, "run.sqlite");
    put(b, name, "SQLite format 4");
    assert_int_equal(bundle_seal(b, &e), 0);
}
static void named_like_a_format(struct bundle *b)
{
    struct err e = ERR_NONE;
    put(b, "runs/%s%n/run.sqlite", "SQLite format 4");
    assert_int_equal(bundle_seal(b, &e), 0);
}
static void manifest_gone(struct bundle *b)
{
    bundle_drop(b, BUNDLE_MANIFEST);
}
static void manifest_empty(struct bundle *b)
{
    put(b, BUNDLE_MANIFEST, "{\"schema\":\"densimeter.bundle/1\",\"files\":[]}");
}
static void manifest_of_other(struct bundle *b)
{
    put(b, BUNDLE_MANIFEST, "{\"schema\":\"densimeter.show/1\",\"files\":[]}");
}
static void manifest_broken(struct bundle *b)
{
    put(b, BUNDLE_MANIFEST, "{\"schema\":");
}
static void manifest_untyped(struct bundle *b)
{
    put(b, BUNDLE_MANIFEST, "{\"schema\":\"densimeter.bundle/1\",\"files\":[{\"name\":3}]}");
}
static void manifest_size_edited(struct bundle *b)
{
    replace(b, BUNDLE_MANIFEST, "\"bytes\": ", "\"bytes\": 1");
}
static void signature_gone(struct bundle *b)
{
    bundle_drop(b, BUNDLE_SIGNATURE);
}
static void signature_other_key_named(struct bundle *b)
{
    replace(b, BUNDLE_SIGNATURE, signer,
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
}
static void signature_short(struct bundle *b)
{
    put(b, BUNDLE_SIGNATURE,
        "{\"algorithm\":\"ed25519\",\"public_key\":\"00\",\"signature\":\"00\"}");
}
static void signature_other_algorithm(struct bundle *b)
{
    replace(b, BUNDLE_SIGNATURE, "ed25519", "none");
}
static void resigned(struct bundle *b)
{
    struct err e = ERR_NONE;
    assert_int_equal(bundle_sign(b, in_dir("other.pem"), &e), 0);
}

static const struct {
    const char *name;
    void (*change)(struct bundle *b);
    const char *says;
} changes[] = {
    {"numbers edited", numbers_edited, "its SHA-256 differs"},
    {"numbers edited, sealed", numbers_edited_and_sealed, "does not fit the manifest"},
    {"numbers edited, signed", numbers_edited_and_signed, "published.json is not what"},
    {"machine edited, signed", machine_edited_and_signed, "system.json is not the machine"},
    {"a byte of the database", byte_flipped, "its SHA-256 differs"},
    {"a database of no known format", format_unknown, "unsupported file format"},
    {"a database of no known format, changed", format_unknown, "its SHA-256 differs"},
    {"database gone", database_gone, "not in the bundle"},
    {"no run at all", database_gone, "holds no run"},
    {"numbers gone, sealed", numbers_gone_and_sealed, "published.json is not what"},
    {"file added", file_added, "notes.txt is not in the manifest"},
    {"not a database", not_a_database, "run.sqlite"},
    {"named like a format", named_like_a_format, "is no name of a bundle's file"},
    {"manifest gone", manifest_gone, "manifest.json is missing"},
    {"manifest empty", manifest_empty, "is not in the manifest"},
    {"manifest of something else", manifest_of_other, "not a densimeter.bundle/1"},
    {"manifest broken", manifest_broken, "manifest.json"},
    {"manifest untyped", manifest_untyped, "without name, bytes or sha256"},
    {"size edited", manifest_size_edited, "the manifest says"},
    {"signature gone", signature_gone, "not signed"},
    {"another key named", signature_other_key_named, "does not fit the manifest"},
    {"short signature", signature_short, "no Ed25519 key"},
    {"another algorithm", signature_other_algorithm, "no Ed25519 key"},
    {"signed again", resigned, "another key"},
};

static void changed_files_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct bundle b = {0};
        struct err e = ERR_NONE;
        assert_int_equal(bundle_read(&b, in_dir("honest.tar"), &e), 0);
        changes[i].change(&b);
        assert_int_equal(bundle_write(&b, in_dir("changed.tar"), &e), 0);
        bundle_release(&b);
        must_say(changes[i].name, in_dir("changed.tar"), changes[i].says);
    }
}

/* published.json without its first line that ends so, sealed by somebody else. */
static void without_line(const char *end)
{
    struct bundle b = {0};
    struct err e = ERR_NONE;
    char name[64], line[200];
    const char *s, *at, *begin;

    published(name, "published.json");
    assert_int_equal(bundle_read(&b, in_dir("honest.tar"), &e), 0);
    s = strbuf_str(&bundle_find(&b, name)->bytes);
    at = strstr(s, end);
    assert_non_null(at);
    for (begin = at; begin > s && begin[-1] != '\n'; begin--)
        ;
    snprintf(line, sizeof line, "%.*s%s", (int)(at - begin), begin, end);
    replace(&b, name, line, "");
    assert_int_equal(bundle_seal(&b, &e), 0);
    assert_int_equal(bundle_sign(&b, in_dir("other.pem"), &e), 0);
    assert_int_equal(bundle_write(&b, in_dir("changed.tar"), &e), 0);
    bundle_release(&b);
}

/* An earlier program published fewer members, of which this one has nothing to say. */
static void what_an_earlier_program_had_no_member_for_is_no_finding(void **state)
{
    struct heard h;

    (void)state;
    without_line(": null,\n");
    verify(in_dir("changed.tar"), &h);
    assert_string_equal(strbuf_str(&h.text), "another key\n");
    strbuf_release(&h.text);
    without_line("\",\n");
    must_say("a member is gone", in_dir("changed.tar"), "published.json is not what");
}

/* --- tar files that nobody should unpack ----------------------------------------------------- */

static void put_entry(struct archive *a, const char *name, int type, const char *target)
{
    struct archive_entry *x = archive_entry_new();

    archive_entry_set_pathname(x, name);
    archive_entry_set_filetype(x, (unsigned)type);
    archive_entry_set_perm(x, 0644);
    archive_entry_set_size(x, type == AE_IFREG && !target ? 2 : 0);
    if (target && type == AE_IFLNK)
        archive_entry_set_symlink(x, target);
    else if (target)
        archive_entry_set_hardlink(x, target);
    assert_int_equal(archive_write_header(a, x), ARCHIVE_OK);
    if (type == AE_IFREG && !target)
        assert_int_equal(archive_write_data(a, "hi", 2), 2);
    archive_entry_free(x);
}

static const struct {
    const char *name;
    int type;
    const char *target, *says;
} entries[] = {
    {"/etc/passwd", AE_IFREG, NULL, "is no name of a bundle's file"},
    {"../escape", AE_IFREG, NULL, "is no name of a bundle's file"},
    {"runs/../../escape", AE_IFREG, NULL, "is no name of a bundle's file"},
    {".hidden", AE_IFREG, NULL, "is no name of a bundle's file"},
    {"a\nb", AE_IFREG, NULL, "'a?b' is no name"},
    {"a//b", AE_IFREG, NULL, "is no name of a bundle's file"},
    {"runs", AE_IFDIR, NULL, "no"},
    {"link", AE_IFLNK, "/etc/passwd", "link is no plain file"},
    {"hard", AE_IFREG, "manifest.json", "hard is no plain file"},
    {"pipe", AE_IFIFO, NULL, "pipe is no plain file"},
};

static void write_entry(const char *path, size_t i)
{
    struct archive *a = archive_write_new();

    archive_write_set_format_ustar(a);
    assert_int_equal(archive_write_open_filename(a, path), ARCHIVE_OK);
    put_entry(a, entries[i].name, entries[i].type, entries[i].target);
    archive_write_close(a);
    archive_write_free(a);
}

static void names_and_links_that_lead_out_are_refused(void **state)
{
    struct archive *a = archive_write_new();
    (void)state;

    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        write_entry(in_dir("evil.tar"), i);
        must_say(entries[i].name, in_dir("evil.tar"), entries[i].says);
    }
    archive_write_set_format_ustar(a);
    assert_int_equal(archive_write_open_filename(a, in_dir("evil.tar")), ARCHIVE_OK);
    put_entry(a, "file", AE_IFREG, NULL);
    put_entry(a, "file", AE_IFREG, NULL);
    archive_write_close(a);
    archive_write_free(a);
    must_say("twice", in_dir("evil.tar"), "file is there twice");
}

static void a_cut_or_garbled_tar_is_refused_in_every_place(void **state)
{
    struct strbuf all = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct heard h;
    (void)state;

    assert_int_equal(file_read(&all, in_dir("honest.tar"), 1 << 24, &e), 0);
    for (size_t n = 0; n + 10240 < all.len; n += 7919) {
        assert_int_equal(file_write(in_dir("cut.tar"), all.s, n, &e), 0);
        verify(in_dir("cut.tar"), &h);
        assert_true(h.n > 0);
        strbuf_release(&h.text);
    }
    for (size_t at = 0; at < 4096; at += 97) { /* headers and the manifest */
        all.s[at] ^= 0x20;
        assert_int_equal(file_write(in_dir("cut.tar"), all.s, all.len, &e), 0);
        verify(in_dir("cut.tar"), &h);
        if (h.n == 0) /* a header's padding says nothing */
            assert_true(all.s[at] == 0x20 || all.s[at] == 0);
        strbuf_release(&h.text);
        all.s[at] ^= 0x20;
    }
    strbuf_release(&all);
}

static void a_key_is_never_written_over(void **state)
{
    char public[BUNDLE_KEY_HEX];
    struct err e = ERR_NONE;
    (void)state;

    assert_int_equal(bundle_new_key(in_dir("key.pem"), public, &e), -1);
    assert_int_equal(e.code, ERR_IO);
}

static void reading_survives_every_failed_allocation(void **state)
{
    long live = mem_live();
    int rc = -1;
    (void)state;

    for (int nth = 0; rc < 0; nth++) {
        struct bundle b = {0};
        struct err e = ERR_NONE;
        char path[160];
        snprintf(path, sizeof path, "%s", in_dir("honest.tar"));
        mem_fail_at(nth);
        rc = bundle_read(&b, path, &e);
        if (rc == 0)
            rc = bundle_check_manifest(&b, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        bundle_release(&b);
        assert_int_equal(mem_live(), live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_bundle_passes_and_is_the_same_each_time),
        cmocka_unit_test(edited_rows_are_found_though_every_hash_was_fixed),
        cmocka_unit_test(a_bundle_of_an_older_program_is_as_good_and_no_easier_to_fake),
        cmocka_unit_test(changed_files_are_found),
        cmocka_unit_test(what_an_earlier_program_had_no_member_for_is_no_finding),
        cmocka_unit_test(names_and_links_that_lead_out_are_refused),
        cmocka_unit_test(a_cut_or_garbled_tar_is_refused_in_every_place),
        cmocka_unit_test(a_key_is_never_written_over),
        cmocka_unit_test(reading_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, set_up, fixture_folder_gone);
}
