/* Full disks, killed processes, refused memory: the store says plainly what is wrong, and what was
 * committed stays. */
#include "tests/test.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "results/query.h"
#include "results/schema.h"
#include "results/store.h"
#include "tests/store_fixture.h"

/* --- SQLite's own allocations, refused one after another --------------------------------- */
static sqlite3_mem_methods real_malloc;
static long sqlite_countdown = -1;
static int sqlite_refused;

static void *counting_malloc(int n)
{
    if (sqlite_countdown >= 0 && sqlite_countdown-- == 0) {
        sqlite_refused = 1;
        return NULL;
    }
    return real_malloc.xMalloc(n);
}

static void *counting_realloc(void *p, int n)
{
    if (sqlite_countdown >= 0 && sqlite_countdown-- == 0) {
        sqlite_refused = 1;
        return NULL;
    }
    return real_malloc.xRealloc(p, n);
}

/* --- full disks -------------------------------------------------------------------------- */
/* Adds items until an error; leaves the number of acknowledged items in FILE.count. */
static int add_until_full(const char *path, const char *says)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct store_run *r = NULL;
    struct store_task task = {"arc_easy", 1, 0, 1000000, NULL};
    struct store_run_spec spec = spec_of("{\"full\":1}");
    int kept = 0, *done = NULL;
    size_t n = 0;

    spec.tasks = &task;
    spec.n_tasks = 1;
    if (store_open(&s, path, NULL, &e) < 0 || store_run_begin(s, &spec, &r, &e) < 0)
        return CHILD_FAILS(e.text);
    while (add_item(r, "arc_easy", kept, &e) == 0)
        kept++;
    if (e.code != ERR_IO || strncmp(e.text, path, strlen(path)) != 0 ||
        strncmp(e.text + strlen(path), says, strlen(says)) != 0 || !*e.hint) /* then why */
        return CHILD_FAILS(e.text);
    fprintf(stderr, "          %s (%s)\n", e.text, e.hint);
    if (kept == 0 || store_run_done(r, "arc_easy", &done, &n, &e) < 0 || (int)n != kept)
        return CHILD_FAILS("items acknowledged and items kept differ");
    mem_free(done);
    store_run_close(r);
    store_close(s);
    s = NULL;
    /* The same file opened again: what was acknowledged is there, nothing is broken. */
    if (store_open(&s, path, NULL, &e) < 0 || store_check(s, print_defect, &kept, &e) != 0)
        return CHILD_FAILS("not intact");
    store_close(s);
    return 0;
}

static int with_file_size_limit(const char *path)
{
    struct rlimit limit = {400000, 400000};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
        return CHILD_SKIPS;
    return add_until_full(path, ": reading or writing the database failed");
}

static int on_tiny_tmpfs(const char *path)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", fixture_dir, "tmpfs", 0, "size=600k") < 0)
        return CHILD_SKIPS;
    return add_until_full(path, ": the disk is full");
}

static void a_full_disk_is_one_error_and_an_intact_database(void **state)
{
    int rc;
    (void)state;
    assert_int_equal(in_child(with_file_size_limit, in_dir("full.db")), 0);
    rc = in_child(on_tiny_tmpfs, in_dir("full.db"));
    if (rc != CHILD_SKIPS)
        assert_int_equal(rc, 0);
    else
        print_message("          a tmpfs cannot be mounted here: only the size limit was tried\n");
}

/* --- several processes ------------------------------------------------------------------- */
static int kept_items(const char *path, struct err *e)
{
    struct store *s = NULL;
    struct run_list runs;
    int n = -1;

    if (store_open(&s, path, NULL, e) < 0 || query_runs(s, NULL, &runs, e) < 0)
        fail_msg("%s", e->text);
    if (runs.n == 1) {
        assert_string_equal(runs.v[0].status, "interrupted");
        n = runs.v[0].n_items;
    }
    run_list_release(&runs);
    check_is_clean(s);
    store_close(s);
    return n;
}

#define KILL_BATCH 3

/* Resumes the run and adds batches; after each commit the number of items goes down the pipe. */
static void write_until_killed(const char *path, int pipe_fd)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct store_run *r = NULL;
    struct store_task task = {"arc_easy", 1, 0, 1000000, NULL};
    struct store_run_spec spec = spec_of("{\"kill\":1}");
    int *done = NULL;
    size_t n = 0;

    spec.tasks = &task;
    spec.n_tasks = 1;
    if (store_open(&s, path, NULL, &e) < 0 || store_run_begin(s, &spec, &r, &e) < 0 ||
        store_run_done(r, "arc_easy", &done, &n, &e) < 0)
        _exit(CHILD_FAILS(e.text));
    for (int next = (int)n;;) {
        if (store_batch_begin(r, &e) < 0)
            _exit(CHILD_FAILS(e.text));
        for (int i = 0; i < KILL_BATCH; i++)
            if (add_item(r, "arc_easy", next++, &e) != 0)
                _exit(CHILD_FAILS(e.text));
        if (store_batch_commit(r, &e) < 0)
            _exit(CHILD_FAILS(e.text));
        if (write(pipe_fd, &next, sizeof next) != sizeof next)
            _exit(1);
    }
}

static void kill_9_loses_no_committed_item(void **state)
{
    struct err e = ERR_NONE;
    unsigned random = 12345;
    int before = 0;
    char path[160];
    (void)state;
    snprintf(path, sizeof path, "%s", in_dir("killed.db"));
    for (int round = 0; round < 40; round++) {
        int p[2], status, acknowledged = before, told, kept;
        struct timespec wait = {0, 0};
        pid_t pid;
        random = random * 1103515245 + 12345;
        wait.tv_nsec = (long)(random >> 8) % 12000 * 1000; /* from opening to mid-batch */
        assert_int_equal(pipe(p), 0);
        pid = fixture_fork();
        if (pid == 0) {
            close(p[0]);
            write_until_killed(path, p[1]);
        }
        close(p[1]);
        if (round % 2) /* every other time it has certainly come to writing */
            assert_int_equal(read(p[0], &acknowledged, sizeof told), sizeof told);
        nanosleep(&wait, NULL);
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        assert_true(WIFSIGNALED(status));
        while (read(p[0], &told, sizeof told) == sizeof told)
            acknowledged = told;
        close(p[0]);
        if (!file_exists(path))
            continue;
        kept = kept_items(path, &e);
        if (kept < 0) /* killed before there was a run */
            continue;
        assert_int_equal(kept % KILL_BATCH, 0); /* whole batches only */
        assert_true(kept >= acknowledged);
        before = kept;
    }
    assert_true(before > 0);
}

static int write_a_run(const char *settings, const char *path)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct store_run *r = NULL;
    struct store_run_spec spec = spec_of(settings);

    if (store_open(&s, path, NULL, &e) < 0 || store_run_begin(s, &spec, &r, &e) < 0)
        return CHILD_FAILS(e.text);
    for (int i = 0; i < 40; i++)
        if (add_item(r, "arc_easy", i, &e) != 0)
            return CHILD_FAILS(e.text);
    if (add_item(r, "gsm8k", 0, &e) != 0 ||
        store_run_finish(r, STORE_COMPLETE, NULL, NULL, &e) < 0)
        return CHILD_FAILS(e.text);
    store_run_close(r);
    store_close(s);
    return 0;
}

static void processes_share_the_file(void **state)
{
    static const char *const settings[] = {"1", "2", "3", "4"};
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct run_list runs;
    pid_t pids[4];
    char path[160];
    (void)state;
    snprintf(path, sizeof path, "%s", in_dir("shared/new.db")); /* all four create it */
    for (int i = 0; i < 4; i++) {
        pids[i] = fixture_fork();
        if (pids[i] == 0)
            _exit(write_a_run(settings[i], path));
    }
    for (int i = 0; i < 4; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(store_open(&s, path, NULL, &e), 0);
    assert_int_equal(query_runs(s, NULL, &runs, &e), 0);
    assert_int_equal(runs.n, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(runs.v[i].n_items, 41);
    run_list_release(&runs);
    check_is_clean(s);
    store_close(s);
}

static void the_same_command_line_twice_at_once_is_refused(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL, *other = NULL;
    struct store_run *r = NULL, *second = NULL;
    struct store_run_spec spec = spec_of("{}");
    struct run_list runs;
    char pid[32];
    (void)state;
    snprintf(pid, sizeof pid, "process %ld ", (long)getpid());
    assert_int_equal(store_open(&s, in_dir("busy.db"), NULL, &e), 0);
    assert_int_equal(store_open(&other, in_dir("busy.db"), NULL, &e), 0);
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    assert_int_equal(store_run_begin(other, &spec, &second, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    assert_non_null(strstr(e.text, pid));
    assert_int_equal(query_runs(other, NULL, &runs, &e), 0);
    assert_int_equal(runs.n, 1);
    assert_string_equal(runs.v[0].status, "running");
    run_list_release(&runs);
    store_run_close(r); /* as if it had died: the second may now go on */
    assert_int_equal(query_run(other, "last", &runs, &e), 0);
    assert_string_equal(runs.v[0].status, "interrupted");
    run_list_release(&runs);
    assert_int_equal(store_run_begin(other, &spec, &second, &e), 0);
    assert_true(store_run_resumed(second));
    store_run_close(second);
    store_close(s);
    store_close(other);
}

static void a_long_wait_for_another_writer_ends_in_busy(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL, *other = NULL;
    struct store_run *r = NULL, *second = NULL;
    struct store_run_spec spec = spec_of("{}"), different = spec_of("{\"x\":1}");
    const struct store_opts impatient = {.busy_ms = 30};
    (void)state;
    assert_int_equal(store_open(&s, in_dir("wait.db"), NULL, &e), 0);
    assert_int_equal(store_open(&other, in_dir("wait.db"), &impatient, &e), 0);
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    assert_int_equal(store_batch_begin(r, &e), 0);
    assert_int_equal(store_run_begin(other, &different, &second, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    assert_non_null(strstr(e.text, "wait.db: another process keeps the database locked"));
    assert_int_equal(store_batch_commit(r, &e), 0);
    assert_int_equal(store_run_begin(other, &different, &second, &e), 0);
    store_run_close(r);
    store_run_close(second);
    store_close(s);
    store_close(other);
}

/* --- no memory --------------------------------------------------------------------------- */
/* Everything once; -1 with ERR_NOMEM where an allocation was refused. */
static int everything_once(const char *path, struct err *e)
{
    struct store *s = NULL;
    struct store_run *r = NULL;
    struct run_list runs = {0};
    struct task_list tasks = {0};
    struct bench_list bench = {0};
    struct item_iter *it = NULL;
    struct store_item item;
    struct store_run_spec spec = spec_of("{}");
    const double sample = 0.5;
    const struct store_value v = {"acc", "none", 1, 0, 1, 1};
    const struct store_cost c = {"wall_s", 1};
    const struct store_task_result result = {"arc_easy", 1, &v, 1, &c, 1};
    const struct store_bench b = {.test = "pp1", .batch = 1, .samples = &sample, .n_samples = 1,
                                  .values = &v, .n_values = 1};
    int *done = NULL, rc = -1;
    size_t n;

    if (store_open(&s, path, NULL, e) < 0 || store_run_begin(s, &spec, &r, e) < 0 ||
        add_item(r, "arc_easy", 0, e) < 0 || store_task_finish(r, &result, e) < 0 ||
        store_bench_add(r, &b, e) < 0 || store_run_done(r, "arc_easy", &done, &n, e) < 0 ||
        store_label(s, store_run_id(r), "label", NULL, e) < 0 ||
        query_run(s, "label", &runs, e) < 0 || query_tasks(s, runs.v[0].id, &tasks, e) < 0 ||
        query_bench(s, runs.v[0].id, &bench, e) < 0 ||
        query_items(s, runs.v[0].id, NULL, &it, e) < 0)
        goto out;
    while ((rc = item_iter_next(it, &item, e)) == 1)
        ;
    if (rc == 0)
        rc = store_run_finish(r, STORE_INTERRUPTED, NULL, NULL, e);
out:
    item_iter_close(it);
    mem_free(done);
    run_list_release(&runs);
    task_list_release(&tasks);
    bench_list_release(&bench);
    store_run_close(r);
    store_close(s);
    return rc;
}

static void every_failed_allocation_is_an_error(void **state)
{
    int rc = -1;
    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = everything_once(":memory:", &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        assert_int_equal(mem_live(), 0);
    }
}

/* SQLite survives some refusals by itself, so here both outcomes are right; a file hurt is not. */
static void sqlite_without_memory_is_an_error_and_an_intact_file(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    const char *path = in_dir("nomem.db");
    (void)state;
    sqlite_refused = 1;
    for (long nth = 0; sqlite_refused; nth += 1 + nth / 20) {
        int rc;
        e = ERR_NONE;
        sqlite_refused = 0;
        sqlite_countdown = nth;
        rc = everything_once(path, &e);
        sqlite_countdown = -1;
        if (rc < 0 && e.code != ERR_NOMEM)
            fail_msg("allocation %ld: %s", nth, e.text);
        assert_int_equal(mem_live(), 0);
    }
    assert_int_equal(store_open(&s, path, NULL, &e), 0);
    check_is_clean(s);
    store_close(s);
}

int main(void)
{
    sqlite3_mem_methods counting;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_is_one_error_and_an_intact_database),
        cmocka_unit_test(kill_9_loses_no_committed_item),
        cmocka_unit_test(processes_share_the_file),
        cmocka_unit_test(the_same_command_line_twice_at_once_is_refused),
        cmocka_unit_test(a_long_wait_for_another_writer_ends_in_busy),
        cmocka_unit_test(every_failed_allocation_is_an_error),
        cmocka_unit_test(sqlite_without_memory_is_an_error_and_an_intact_file),
    };

    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_malloc);
    counting = real_malloc;
    counting.xMalloc = counting_malloc;
    counting.xRealloc = counting_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &counting);
    return cmocka_run_group_tests_name(__FILE__, tests, fixture_folder, fixture_folder_gone);
}
