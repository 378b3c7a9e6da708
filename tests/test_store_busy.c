/* Two who want the same file: a run has one writer, and whoever waits says how long. */
#include "tests/test.h"

#include <sys/wait.h>

#include "base/file.h"
#include "base/mem.h"
#include "results/query.h"
#include "tests/store_fixture.h"

/* Begins the run and holds it until a byte comes, or nobody is there any more who could send it. */
static void hold(const char *path, int ready, int go_on)
{
    struct store_run_spec spec = spec_of("{}");
    struct store *s;
    struct store_run *r;
    char c = 0;

    if (store_open(&s, path, NULL, NULL) < 0 || store_run_begin(s, &spec, &r, NULL) < 0)
        _exit(1);
    _exit(write(ready, &c, 1) == 1 && read(go_on, &c, 1) == 1 ? 0 : 1);
}

static void status_is(struct store *s, const char *status)
{
    struct run_list l;

    assert_int_equal(query_run(s, "last", &l, NULL), 0);
    assert_string_equal(l.v->status, status);
    run_list_release(&l);
    assert_int_equal(query_runs(s, &(struct run_filter){.status = status}, &l, NULL), 0);
    assert_int_equal(l.n, 1);
    run_list_release(&l);
}

static void a_run_has_one_writer_at_a_time(void **state)
{
    struct store_run_spec spec = spec_of("{}");
    const char *path = in_dir("writer.db");
    int ready[2], go_on[2], status;
    struct err e = ERR_NONE;
    struct store *s;
    struct store_run *r;
    char c = 0, text[120];
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go_on), 0);
    pid = fixture_fork();
    if (pid == 0) {
        close(ready[0]);
        close(go_on[1]);
        hold(path, ready[1], go_on[0]);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(store_open(&s, path, NULL, &e), 0);
    status_is(s, "running");
    assert_int_equal(store_run_begin(s, &spec, &r, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    snprintf(text, sizeof text, "process %ld is already writing run ", (long)pid);
    assert_non_null(strstr(e.text, text));
    spec.settings = "{\"other\":1}"; /* another run has its own */
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    assert_int_equal(store_run_finish(r, STORE_FAILED, NULL, "x", &e), 0);
    store_run_close(r);
    assert_int_equal(write(go_on[1], &c, 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    spec.settings = "{}";
    status_is(s, "failed");
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0); /* it died: the run is taken up */
    assert_true(store_run_resumed(r));
    store_run_close(r);
    store_close(s);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(go_on[i]);
    }
    assert_int_equal(mem_live(), 0);
}

static void a_wait_for_the_file_has_an_end(void **state)
{
    struct store_run_spec spec = spec_of("{}");
    const struct store_energy energy = {.subject = "arc_easy", .source = "s", .channel = "c",
                                        .reason = "none"};
    const char *path = in_dir("busy.db");
    struct err e = ERR_NONE;
    struct store *s, *other;
    struct store_run *r, *none, *second;
    struct run_list l;
    char text[240];

    (void)state;
    assert_int_equal(store_open(&s, path, NULL, NULL), 0);
    assert_int_equal(store_open(&other, path, &(struct store_opts){.busy_ms = 1}, NULL), 0);
    spec.settings = "{\"other\":1}";
    assert_int_equal(store_run_begin(other, &spec, &none, NULL), 0);
    spec.settings = "{}";
    assert_int_equal(store_run_begin(s, &spec, &r, NULL), 0);
    assert_int_equal(store_batch_begin(r, NULL), 0);
    assert_int_equal(add_item(r, "arc_easy", 0, NULL), 0);
    snprintf(text, sizeof text, "%s: another process keeps the database locked (waited 1 ms)",
             path);
#define KEPT_LOCKED(call)                                                                          \
    do {                                                                                           \
        e = ERR_NONE;                                                                              \
        assert_int_equal(call, -1);                                                                \
        assert_int_equal(e.code, ERR_BUSY);                                                        \
        assert_string_equal(e.text, text);                                                         \
    } while (0)
    KEPT_LOCKED(store_run_begin(other, &spec, &second, &e));
    KEPT_LOCKED(add_item(none, "arc_easy", 0, &e));
    KEPT_LOCKED(store_task_finish(none, &(struct store_task_result){.task = "arc_easy"}, &e));
    KEPT_LOCKED(store_bench_add(none, &(struct store_bench){.test = "t", .device = "d"}, &e));
    KEPT_LOCKED(store_energy_add(none, &energy, &e));
    KEPT_LOCKED(store_energy_settle(none, &energy, NULL, 0, &e));
    KEPT_LOCKED(store_batch_begin(none, &e));
    KEPT_LOCKED(store_run_finish(none, STORE_FAILED, NULL, "x", &e));
    KEPT_LOCKED(store_label(other, store_run_id(r), "x", NULL, &e));
    assert_int_equal(query_runs(other, NULL, &l, NULL), 0); /* a reader does not wait */
    assert_int_equal(l.n, 2);
    run_list_release(&l);
    assert_int_equal(store_batch_commit(r, NULL), 0);
    assert_int_equal(add_item(none, "arc_easy", 0, &e), 0);
    assert_int_equal(store_run_finish(none, STORE_FAILED, NULL, "x", &e), 0);
    store_run_close(none);
    store_run_close(r);
    store_close(other);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void a_lock_that_cannot_be_made_is_an_error(void **state)
{
    struct store_run_spec spec = spec_of("{}");
    struct err e = ERR_NONE;
    struct store *s;
    struct store_run *r;
    struct run_list l;

    (void)state;
    assert_int_equal(store_open(&s, in_dir("lock.db"), NULL, NULL), 0);
    assert_int_equal(dir_make(in_dir("lock.db.lock"), NULL), 0);
    assert_int_equal(store_run_begin(s, &spec, &r, &e), -1);
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.text, "lock.db.lock: "));
    assert_int_equal(query_runs(s, NULL, &l, NULL), 0);
    assert_int_equal(l.n, 0); /* the run was taken back */
    run_list_release(&l);
    assert_int_equal(rmdir(in_dir("lock.db.lock")), 0);
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    assert_false(store_run_resumed(r));
    store_run_close(r);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void a_reader_makes_no_lock(void **state)
{
    static const struct store_opts reader = {.readonly = 1};
    struct store *s;
    struct run_list l;

    (void)state;
    assert_int_equal(store_open(&s, in_dir("read.db"), NULL, NULL), 0);
    store_close(s);
    assert_int_equal(store_open(&s, in_dir("read.db"), &reader, NULL), 0);
    assert_int_equal(query_runs(s, NULL, &l, NULL), 0);
    assert_int_equal(l.n, 0);
    run_list_release(&l);
    store_close(s);
    assert_false(file_exists(in_dir("read.db.lock")));
    assert_int_equal(mem_live(), 0);
}

static void what_sqlite_refuses_is_said_in_words(void **state)
{
    const struct store_metric twice[] = {{"acc", "none", 1, 1}, {"acc", "none", 0, 1}};
    const struct store_item bad = {.task = "arc_easy", .doc_id = 1, .doc_hash = "h",
                                   .prompt_hash = "p", .metrics = twice, .n_metrics = 2};
    struct store_run_spec spec = spec_of("{}");
    struct err e = ERR_NONE;
    struct store *s;
    struct store_run *r;
    char text[4097];

    (void)state;
    assert_int_equal(store_open(&s, fixture_dir, NULL, &e), -1); /* a folder */
    assert_int_equal(e.code, ERR_IO);
    assert_memory_equal(e.text, fixture_dir, strlen(fixture_dir));
    assert_non_null(strstr(e.text, ": the database or a file beside it cannot be opened"));
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(file_write(in_dir("text.db"), text, sizeof text - 1, NULL), 0);
    assert_int_equal(store_open(&s, in_dir("text.db"), NULL, &e), -1);
    assert_int_equal(e.code, ERR_FORMAT);
    assert_non_null(strstr(e.text, "text.db: not a results database"));
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    assert_int_equal(store_item_add(r, &bad, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_memory_equal(e.text, ":memory:: a row that the database's rules forbid (UNIQUE ", 57);
    store_run_close(r);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_has_one_writer_at_a_time),
        cmocka_unit_test(a_wait_for_the_file_has_an_end),
        cmocka_unit_test(a_lock_that_cannot_be_made_is_an_error),
        cmocka_unit_test(a_reader_makes_no_lock),
        cmocka_unit_test(what_sqlite_refuses_is_said_in_words),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, fixture_folder, fixture_folder_gone);
}
