/* Other versions, damaged files, full disks, killed processes, refused memory: the store says plainly
 * what is wrong, and what was committed stays. */
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


/* --- other files, other versions --------------------------------------------------------- */
static void opens_and_reads(const char *dump, const char *path, int n_items)
{
    struct strbuf sql = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct run_list runs;
    struct task_list tasks;
    char id[RUN_ID_SIZE];
    const struct store_opts readonly = {.readonly = 1};

    assert_int_equal(file_read(&sql, dump, 1 << 20, &e), 0);
    exec_sql(path, sql.s);
    strbuf_release(&sql);
    assert_int_equal(store_open(&s, path, &readonly, &e), -1);
    assert_int_equal(e.code, ERR_FORMAT);
    assert_int_equal(store_open(&s, path, NULL, &e), 0);
    assert_int_equal(query_run(s, "baseline", &runs, &e), 0);
    assert_string_equal(runs.v[0].id, "0123abcd");
    assert_int_equal(runs.v[0].n_items, n_items);
    run_list_release(&runs);
    assert_int_equal(query_tasks(s, "0123abcd", &tasks, &e), 0);
    assert_int_equal(tasks.v[0].n, 2);
    assert_close(task_row_value(&tasks.v[0], "acc", "none")->value, 0.5, 0);
    task_list_release(&tasks);
    check_is_clean(s);
    fill_run_of(s, "{}", id); /* and can be written */
    store_close(s);
    assert_int_equal(store_open(&s, path, &readonly, &e), 0);
    store_close(s);
}

static void last_years_database_still_opens(void **state)
{
    (void)state;
    opens_and_reads("tests/golden/store_v1.sql", in_dir("old1.db"), 2);
    opens_and_reads("tests/golden/store_v2.sql", in_dir("old2.db"), 4);
    opens_and_reads("tests/golden/store_v3.sql", in_dir("old3.db"), 4);
    opens_and_reads("tests/golden/store_v4.sql", in_dir("old4.db"), 4);
    opens_and_reads("tests/golden/store_v5.sql", in_dir("old5.db"), 4);
    opens_and_reads("tests/golden/store_v7.sql", in_dir("old7.db"), 4);
}

/* A trigger would run when the rows are brought up to date. */
static void a_stranger_database_is_looked_at_before_it_is_brought_up_to_date(void **state)
{
    static const struct {
        const char *sql, *says; /* NULL: it opens */
    } cases[] = {
        {"SELECT 1", NULL},
        {"CREATE TRIGGER t AFTER UPDATE ON run_tasks BEGIN DELETE FROM items; END", "its tables"},
        {"ALTER TABLE items ADD COLUMN more TEXT", "its tables"},
        {"PRAGMA user_version = 4", "its tables"},
        {"PRAGMA user_version = 999", "schema version 999"},
        {"PRAGMA user_version = -1", "schema version -1"},
        {"PRAGMA application_id = 7", "another program"},
    };
    static const int versions[] = {1, 2, 3, 5, 7};
    (void)state;
    for (size_t v = 0; v < sizeof versions / sizeof *versions; v++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct strbuf sql = STRBUF_INIT;
            struct err e = ERR_NONE;
            struct store *s = NULL;
            struct run_list runs;
            char dump[64];
            snprintf(dump, sizeof dump, "tests/golden/store_v%d.sql", versions[v]);
            assert_int_equal(file_read(&sql, dump, 1 << 20, &e), 0);
            unlink(in_dir("strange.db"));
            exec_sql(in_dir("strange.db"), sql.s);
            exec_sql(in_dir("strange.db"), cases[i].sql);
            strbuf_release(&sql);
            if (store_open_stranger(&s, in_dir("strange.db"), &e) < 0) {
                if (!cases[i].says || !strstr(e.text, cases[i].says))
                    fail_msg("version %d, %s: %s", versions[v], cases[i].sql, e.text);
                continue;
            }
            assert_null(cases[i].says);
            assert_int_equal(query_run(s, "0123abcd", &runs, &e), 0);
            run_list_release(&runs);
            check_is_clean(s);
            store_close(s);
        }
    assert_int_equal(mem_live(), 0);
}

static void a_newer_database_is_refused(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    const char *path = in_dir("new.db");
    (void)state;
    assert_int_equal(store_open(&s, path, NULL, &e), 0);
    store_close(s);
    exec_sql(path, "PRAGMA user_version = 999");
    assert_int_equal(store_open(&s, path, NULL, &e), -1);
    assert_int_equal(e.code, ERR_FORMAT);
    assert_non_null(strstr(e.text, "new.db: schema version 999, this program knows up to"));
}

static void what_is_not_ours_is_refused_and_left_alone(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct strbuf b = STRBUF_INIT;
    const char text[] = "model,task,value\nthis is not a database, it only has its name\n";
    (void)state;
    assert_int_equal(file_write(in_dir("text.db"), text, sizeof text - 1, &e), 0);
    assert_int_equal(store_open(&s, in_dir("text.db"), NULL, &e), -1);
    assert_int_equal(e.code, ERR_FORMAT);
    assert_non_null(strstr(e.text, "text.db: not a results database"));
    assert_int_equal(file_read(&b, in_dir("text.db"), 1 << 20, &e), 0);
    assert_string_equal(b.s, text);
    strbuf_release(&b);
    exec_sql(in_dir("other.db"), "CREATE TABLE bookmarks(url)");
    assert_int_equal(store_open(&s, in_dir("other.db"), NULL, &e), -1);
    assert_int_equal(e.code, ERR_FORMAT);
    assert_non_null(strstr(e.text, "other.db: a database of another program"));
    assert_int_equal(store_open(&s, fixture_dir, NULL, &e), -1);
    assert_int_equal(e.code, ERR_IO);
}

static void a_missing_database_is_not_made_by_reading(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    const struct store_opts readonly = {.readonly = 1};
    (void)state;
    assert_int_equal(store_open(&s, in_dir("none.db"), &readonly, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_false(file_exists(in_dir("none.db")));
    assert_int_equal(store_open(&s, in_dir("no/folder/none.db"), &readonly, &e), -1);
    assert_false(file_exists(in_dir("no")));
    assert_int_equal(file_write(in_dir("empty.db"), "", 0, &e), 0);
    assert_int_equal(store_open(&s, in_dir("empty.db"), &readonly, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_int_equal(store_open(&s, "", NULL, &e), -1); /* SQLite's name for a file that is lost */
    assert_int_equal(e.code, ERR_USAGE);
    assert_int_equal(store_open(&s, in_dir("deep/er/none.db"), NULL, &e), 0);
    store_close(s);
    assert_true(file_exists(in_dir("deep/er/none.db")));
}

static void a_damaged_page_is_an_error_not_a_crash(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    char id[RUN_ID_SIZE];
    const char *path = in_dir("damaged.db");
    int64_t size;
    (void)state;
    assert_int_equal(store_open(&s, path, NULL, &e), 0);
    fill_run_of(s, "{}", id);
    store_close(s);
    size = file_size(path);
    for (int64_t page = 1; page < size / 4096; page += 3) {
        const char *copy = in_dir("damaged-copy.db");
        struct item_iter *it = NULL;
        struct strbuf b = STRBUF_INIT;
        int n = 0, rc;
        assert_int_equal(file_read(&b, path, 1 << 24, &e), 0);
        for (int i = 0; i < 4096; i += 7)
            b.s[page * 4096 + i] = (char)(i * 31 + page);
        assert_int_equal(file_write(copy, b.s, b.len, &e), 0);
        strbuf_release(&b);
        e = ERR_NONE;
        if (store_open(&s, copy, NULL, &e) < 0) {
            assert_int_equal(e.code, ERR_FORMAT);
            continue;
        }
        rc = store_check(s, count_defect, &n, &e);
        assert_true(rc > 0 || (rc < 0 && e.code == ERR_FORMAT));
        if (query_items(s, id, NULL, &it, &e) == 0) {
            struct store_item item;
            while (item_iter_next(it, &item, &e) == 1)
                ;
            item_iter_close(it);
        }
        store_close(s);
    }
    assert_int_equal(mem_live(), 0);
}

/* cmocka catches these to report them; a child that did the same would run the tests again. */
static pid_t fork_child(void)
{
    static const int caught[] = {SIGSEGV, SIGFPE, SIGILL, SIGBUS, SIGSYS};
    pid_t pid = fork();

    for (size_t i = 0; pid == 0 && i < sizeof caught / sizeof caught[0]; i++)
        signal(caught[i], SIG_DFL);
    return pid;
}

/* Runs f in a child; 0 when it returned 0. */
static int in_child(int (*f)(const char *path), const char *path)
{
    int status;
    pid_t pid = fork_child();
    if (pid == 0)
        _exit(f(path));
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define CHILD_SKIPS 77
#define CHILD_FAILS(text) (fprintf(stderr, "          child: %s\n", text), 1)

static int read_only(const char *path)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct run_list runs;
    const struct store_opts readonly = {.readonly = 1};

    if (geteuid() == 0 && (setegid(65534) < 0 || seteuid(65534) < 0))
        return CHILD_SKIPS;
    if (store_open(&s, path, NULL, &e) == 0 || e.code != ERR_IO ||
        !strstr(e.text, "ro.db: the database or its folder cannot be written"))
        return CHILD_FAILS(e.text);
    if (store_open(&s, path, &readonly, &e) < 0 || query_runs(s, NULL, &runs, &e) < 0)
        return CHILD_FAILS(e.text);
    if (runs.n != 1)
        return CHILD_FAILS("not one run");
    run_list_release(&runs);
    store_close(s);
    return 0;
}

/* The medium itself cannot be written, whoever asks. */
static int on_read_only_medium(const char *path)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct run_list runs;
    char id[RUN_ID_SIZE];

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", fixture_dir, "tmpfs", 0, "size=4m") < 0)
        return CHILD_SKIPS;
    if (store_open(&s, path, NULL, &e) < 0)
        return CHILD_FAILS(e.text);
    fill_run_of(s, "{}", id);
    store_close(s);
    s = NULL;
    if (file_write(in_dir("torn.db-wal"), "x", 1, &e) < 0 || /* as a kill leaves it */
        link(path, in_dir("torn.db")) < 0 ||
        mount(NULL, fixture_dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
        return CHILD_SKIPS;
    if (store_open(&s, path, NULL, &e) == 0 ||
        !strstr(e.text, "the database or its folder cannot be written: Read-only file system"))
        return CHILD_FAILS(e.text);
    if (store_open(&s, in_dir("new.db"), NULL, &e) == 0 ||
        !strstr(e.text, "new.db: the database or its folder cannot be written: Read-only"))
        return CHILD_FAILS(e.text);
    if (store_open(&s, path, &(struct store_opts){.readonly = 1}, &e) < 0 ||
        query_runs(s, NULL, &runs, &e) < 0 || runs.n != 1)
        return CHILD_FAILS(e.text);
    run_list_release(&runs);
    store_close(s);
    s = NULL;
    if (store_open(&s, in_dir("torn.db"), &(struct store_opts){.readonly = 1}, &e) == 0 ||
        !strstr(e.text, "torn.db: its newest results are in torn.db-wal"))
        return CHILD_FAILS(e.text);
    return 0;
}

static void a_database_on_a_read_only_medium_can_be_read(void **state)
{
    int rc = in_child(on_read_only_medium, in_dir("medium.db"));
    (void)state;
    if (rc == CHILD_SKIPS) {
        print_message("          skipped: no file system can be mounted here\n");
        skip();
    }
    assert_int_equal(rc, 0);
}

static void a_read_only_database_can_be_read(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    char id[RUN_ID_SIZE];
    int rc;
    (void)state;
    assert_int_equal(mkdir(in_dir("ro"), 0777), 0);
    assert_int_equal(store_open(&s, in_dir("ro/ro.db"), NULL, &e), 0);
    fill_run_of(s, "{}", id);
    store_close(s);
    assert_int_equal(chmod(in_dir("ro/ro.db"), 0444), 0);
    assert_int_equal(chmod(in_dir("ro"), 0555), 0);
    rc = in_child(read_only, in_dir("ro/ro.db"));
    assert_int_equal(chmod(in_dir("ro"), 0777), 0);
    if (rc == CHILD_SKIPS) {
        print_message("          skipped: this user cannot become another\n");
        skip();
    }
    assert_int_equal(rc, 0);
}

/* Adds items until an error; leaves the number of acknowledged items in FILE.count. */
static int add_until_full(const char *path)
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
    if (e.code != ERR_IO || !strstr(e.text, "full.db: ") || !*e.hint)
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
    return add_until_full(path);
}

static int on_tiny_tmpfs(const char *path)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", fixture_dir, "tmpfs", 0, "size=600k") < 0)
        return CHILD_SKIPS;
    return add_until_full(path);
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
        pid = fork_child();
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
        pids[i] = fork_child();
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
        cmocka_unit_test(last_years_database_still_opens),
        cmocka_unit_test(a_stranger_database_is_looked_at_before_it_is_brought_up_to_date),
        cmocka_unit_test(a_newer_database_is_refused),
        cmocka_unit_test(what_is_not_ours_is_refused_and_left_alone),
        cmocka_unit_test(a_missing_database_is_not_made_by_reading),
        cmocka_unit_test(a_damaged_page_is_an_error_not_a_crash),
        cmocka_unit_test(a_read_only_database_can_be_read),
        cmocka_unit_test(a_database_on_a_read_only_medium_can_be_read),
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
