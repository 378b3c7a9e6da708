/* Nights and who works on them: nothing is done twice, and no clock on the wall decides anything. */
#include "tests/test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "results/lease.h"
#include "results/query.h"
#include "tests/store_fixture.h"

static double now_s;
static double clock_s(void)
{
    return now_s;
}

static const struct cell_spec specs[] = {
    {0, 0, "m facts", "eval", 0, "[\"densimeter\",\"eval\"]", "m", "aa", "bb"},
    {1, 0, "m speed", "bench", 0, "[\"densimeter\",\"bench\"]", "m", "aa", "bb"},
    {1, 1, "m speed", "bench", 1, "[\"densimeter\",\"bench\"]", "m", "aa", "bb"},
    {2, 0, "n facts", "eval", 0, "[\"densimeter\",\"eval\"]", "n", "aa", "bb"},
};

static struct night_spec night_of(const char *kind, const char *date, const char *hash)
{
    return (struct night_spec){.plan = "p", .kind = kind, .date = date, .plan_hash = hash,
                               .plan_text = "{}", .cells = specs, .n_cells = 4};
}

static struct store *fresh(const char *name)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    assert_int_equal(store_open(&s, in_dir(name), NULL, &e), 0);
    return s;
}

static struct lease *runner_on(struct store *s, const char *host)
{
    struct err e = ERR_NONE;
    struct lease *l = NULL;
    const struct lease_opts o = {host, 30, clock_s};
    assert_int_equal(lease_open(&l, s, &o, &e), 0);
    return l;
}

static int claim(struct lease *l, int64_t night, int *block, int64_t *taken_over)
{
    struct err e = ERR_NONE;
    struct cell_list cells;
    int rc = lease_claim(l, night, &cells, taken_over, &e);
    *block = rc == CLAIM_TAKEN ? cells.v[0].spec.block : -1;
    cell_list_release(&cells);
    return rc;
}

static int64_t cell_id(struct store *s, int64_t night, size_t i)
{
    struct err e = ERR_NONE;
    struct cell_list cells;
    int64_t id;
    assert_int_equal(query_cells(s, night, &cells, &e), 0);
    id = cells.v[i].id;
    cell_list_release(&cells);
    return id;
}

static void two_runners_share_blocks_and_a_speed_test_is_alone(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = fresh("share.db"), *s2 = fresh("share.db");
    struct night_spec spec = night_of("run", "2026-01-01", "h");
    struct night night, same;
    struct lease *a, *b;
    const struct cell_result done = {.done = 1, .outcome = "measured", .quiet = -1, .wall_s = 1};
    int64_t over;
    int block;
    (void)state;
    assert_int_equal(night_open(s, &spec, &night, &e), 0);
    assert_int_equal(night_open(s2, &spec, &same, &e), 0);
    assert_int_equal(night.id, same.id);
    assert_true(night.created && !same.created);
    a = runner_on(s, "here");
    b = runner_on(s2, "here");
    assert_int_equal(claim(a, night.id, &block, &over), CLAIM_TAKEN);
    assert_int_equal(block, 0);
    assert_int_equal(claim(b, night.id, &block, &over), CLAIM_TAKEN);
    assert_int_equal(block, 2); /* the speed test waits until it is alone */
    assert_int_equal(lease_finish(b, cell_id(s, night.id, 3), &done, &e), 0);
    assert_int_equal(claim(b, night.id, &block, &over), CLAIM_LATER);
    assert_int_equal(lease_finish(a, cell_id(s, night.id, 0), &done, &e), 0);
    assert_int_equal(claim(b, night.id, &block, &over), CLAIM_TAKEN);
    assert_int_equal(block, 1);
    assert_int_equal(claim(a, night.id, &block, &over), CLAIM_LATER);
    assert_int_equal(night_finish(s, night.id, 0, NULL, &e), -1); /* two cells are pending */
    assert_int_equal(e.code, ERR_INVALID);
    assert_int_equal(lease_finish(b, cell_id(s, night.id, 1), &done, &e), 0);
    assert_int_equal(lease_finish(b, cell_id(s, night.id, 2), &done, &e), 0);
    assert_int_equal(lease_finish(b, cell_id(s, night.id, 2), &done, &e), 1); /* not twice */
    assert_int_equal(claim(a, night.id, &block, &over), CLAIM_NONE_LEFT);
    assert_int_equal(night_finish(s, night.id, 0, "{}", &e), 0);
    assert_int_equal(night_open(s, &spec, &same, &e), 0);
    assert_true(same.is_complete);
    lease_close(a);
    lease_close(b);
    check_is_clean(s);
    store_close(s);
    store_close(s2);
}

static void a_dead_runner_loses_its_cells_at_once(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = fresh("dead.db"), *s2 = fresh("dead.db");
    struct night_spec spec = night_of("run", "2026-01-01", "h");
    struct night night;
    struct lease *b;
    int64_t over, dead;
    int block, fds[2];
    pid_t pid;
    (void)state;
    assert_int_equal(night_open(s, &spec, &night, &e), 0);
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) { /* takes a block and is killed holding it */
        struct store *mine = fresh("dead.db");
        struct lease *l = runner_on(mine, "here");
        int64_t id = lease_runner(l);
        claim(l, night.id, &block, &over);
        if (write(fds[1], &id, sizeof id) != sizeof id)
            _exit(1);
        pause();
    }
    assert_int_equal(read(fds[0], &dead, sizeof dead), sizeof dead);
    b = runner_on(s2, "here");
    assert_int_equal(claim(b, night.id, &block, &over), CLAIM_TAKEN);
    assert_int_equal(block, 2);
    assert_int_equal(over, -1);
    assert_int_equal(lease_release(b, &e), 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(claim(b, night.id, &block, &over), CLAIM_TAKEN);
    assert_int_equal(block, 0);
    assert_int_equal(over, dead);
    close(fds[0]);
    close(fds[1]);
    lease_close(b);
    store_close(s);
    store_close(s2);
}

/* The other host's lock cannot be seen: only its silence counts, by our own clock. */
static void a_night_that_somebody_measures_is_not_ended(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = fresh("busy.db"), *s2 = fresh("busy.db");
    struct night_spec spec = night_of("nightly", "2026-01-01", "h");
    struct night night, next;
    struct lease *a;
    int64_t over;
    int block;
    (void)state;
    assert_int_equal(night_open(s, &spec, &night, &e), 0);
    a = runner_on(s, "here");
    assert_int_equal(claim(a, night.id, &block, &over), CLAIM_TAKEN);
    spec.date = "2026-01-02";
    assert_int_equal(night_open(s2, &spec, &next, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    assert_non_null(strstr(e.text, "measures nightly 1 of plan p"));
    lease_close(a);
    assert_int_equal(night_open(s2, &spec, &next, &e), 0);
    assert_int_equal(next.n, 2);
    assert_int_equal(next.abandoned, 1);
    assert_int_equal(night_finish(s2, night.id, 0, NULL, &e), 0); /* a late end changes nothing */
    assert_int_equal(night_open(s2, &spec, &night, &e), 0);
    assert_int_equal(night.id, next.id);
    store_close(s);
    store_close(s2);
}

static void a_silent_runner_elsewhere_loses_its_cells_after_a_while(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = fresh("silent.db"), *s2 = fresh("silent.db");
    struct night_spec spec = night_of("run", "2026-01-01", "h");
    const struct cell_result done = {.done = 1, .outcome = "measured", .quiet = -1};
    struct night night;
    struct lease *a, *b;
    int64_t over;
    int block;
    (void)state;
    assert_int_equal(night_open(s, &spec, &night, &e), 0);
    a = runner_on(s, "there");
    b = runner_on(s2, "here");
    assert_int_equal(claim(a, night.id, &block, &over), CLAIM_TAKEN);
    assert_int_equal(claim(b, night.id, &block, &over), CLAIM_TAKEN); /* sees it for the first time */
    assert_int_equal(block, 1);
    lease_release(b, &e);
    for (int i = 0; i < 40; i++) { /* it beats: for 40 looks of a second nothing happens */
        now_s += 1;
        assert_int_equal(lease_beat(a, &e), 0);
        assert_int_equal(claim(b, night.id, &block, &over), CLAIM_TAKEN);
        assert_true(block != 0 && over == -1);
        lease_release(b, &e);
    }
    for (int i = 0; i < 29; i++) { /* it is silent, not yet for long */
        now_s += 1;
        assert_int_equal(claim(b, night.id, &block, &over), CLAIM_TAKEN);
        assert_int_equal(block, 1);
        lease_release(b, &e);
    }
    now_s += 1000; /* we slept: what we saw before that tells nothing */
    assert_int_equal(claim(b, night.id, &block, &over), CLAIM_TAKEN);
    assert_int_equal(block, 1);
    lease_release(b, &e);
    for (int i = 0; i < 31; i++) {
        now_s += 1;
        assert_int_equal(claim(b, night.id, &block, &over), CLAIM_TAKEN);
        if (over >= 0)
            break;
        lease_release(b, &e);
    }
    assert_int_equal(over, lease_runner(a));
    assert_int_equal(block, 0);
    assert_int_equal(lease_beat(a, &e), 1); /* it learns that it lost them ... */
    assert_int_equal(lease_finish(a, cell_id(s, night.id, 0), &done, &e), 1); /* ... and may not end them */
    assert_int_equal(lease_finish(b, cell_id(s, night.id, 0), &done, &e), 0);
    lease_close(a);
    lease_close(b);
    store_close(s);
    store_close(s2);
}

static void a_cells_run_comes_in_with_its_end_or_not_at_all(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = fresh("adopt.db"), *from = fresh("cell.db");
    struct night_spec spec = night_of("run", "2026-01-01", "h");
    struct night night;
    struct lease *a;
    struct run_list run;
    struct cell_list cells;
    struct item_iter *it = NULL;
    struct store_item item;
    char own[RUN_ID_SIZE], id[RUN_ID_SIZE];
    int64_t over;
    int block, n = 0;
    (void)state;
    fill_run_of(s, "{\"own\":1}", own); /* so that row ids differ */
    fill_run_of(from, "{}", id);
    store_close(from);
    assert_int_equal(night_open(s, &spec, &night, &e), 0);
    a = runner_on(s, "here");
    assert_int_equal(claim(a, night.id, &block, &over), CLAIM_TAKEN);
    struct cell_result r = {.done = 1, .outcome = "measured", .quiet = 1, .from = in_dir("cell.db"), .run_id = id};
    assert_int_equal(lease_release(a, &e), 0);
    assert_int_equal(lease_finish(a, cell_id(s, night.id, 0), &r, &e), 1); /* not its cell */
    assert_int_equal(query_run(s, id, &run, &e), -1);
    assert_int_equal(claim(a, night.id, &block, &over), CLAIM_TAKEN);
    r.from = in_dir("cell.db");
    assert_int_equal(lease_finish(a, cell_id(s, night.id, 0), &r, &e), 0);
    assert_int_equal(query_run(s, id, &run, &e), 0);
    assert_string_equal(run.v[0].status, "complete");
    assert_int_equal(run.v[0].n_items, 41);
    run_list_release(&run);
    assert_int_equal(query_items(s, id, NULL, &it, &e), 0);
    while (item_iter_next(it, &item, &e) == 1) {
        n++;
        assert_int_equal(item.n_metrics, 2);
        assert_int_equal(item.n_requests, 2);
        assert_string_equal(item.doc, "{\"q\":1}");
    }
    item_iter_close(it);
    assert_int_equal(n, 41);
    assert_int_equal(query_cells(s, night.id, &cells, &e), 0);
    assert_string_equal(cells.v[0].run, id);
    assert_string_equal(cells.v[0].status, "done");
    cell_list_release(&cells);
    check_is_clean(s); /* the content still has its hash */
    lease_close(a);
    store_close(s);
}

static void a_run_id_that_is_taken_is_not_lost(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = fresh("twin.db");
    struct night_spec spec = night_of("run", "2026-01-01", "h");
    struct night night;
    struct lease *a;
    struct run_list runs;
    char id[RUN_ID_SIZE];
    int64_t over;
    int block;
    (void)state;
    fill_run_of(s, "{}", id);
    assert_int_equal(store_backup(s, in_dir("twin-cell.db"), &e), 0);
    assert_int_equal(night_open(s, &spec, &night, &e), 0);
    a = runner_on(s, "here");
    assert_int_equal(claim(a, night.id, &block, &over), CLAIM_TAKEN);
    struct cell_result r = {.done = 1, .outcome = "measured", .quiet = 1, .from = in_dir("twin-cell.db"), .run_id = id};
    assert_int_equal(lease_finish(a, cell_id(s, night.id, 0), &r, &e), 0);
    assert_int_equal(query_runs(s, NULL, &runs, &e), 0);
    assert_int_equal(runs.n, 2);
    assert_string_not_equal(runs.v[0].id, runs.v[1].id);
    run_list_release(&runs);
    check_is_clean(s);
    lease_close(a);
    store_close(s);
}

static void nights_are_counted_whatever_the_clock_says(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = fresh("clock.db");
    static const struct {
        const char *date, *hash;
        int n, created, back, abandoned;
    } rows[] = {
        {"2026-01-05", "h", 1, 1, 0, 0}, {"2026-01-05", "h", 1, 0, 0, 0}, /* resumed */
        {"2026-01-06", "h", 2, 1, 0, 1},  /* the first one was never finished */
        {"2026-01-03", "h", 3, 1, 1, 2},  /* the clock was set back */
        {"2026-01-03", "h", 3, 0, 0, 0},
        {"2026-01-20", "h", 4, 1, 0, 3},  /* two weeks were missed */
        {"2026-01-20", "other", 5, 1, 0, 4}, /* another plan or program on the same day */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct night_spec spec = night_of("nightly", rows[i].date, rows[i].hash);
        struct night night;
        assert_int_equal(night_open(s, &spec, &night, &e), 0);
        assert_int_equal(night.n, rows[i].n);
        assert_int_equal(night.created, rows[i].created);
        assert_int_equal(night.clock_back, rows[i].back);
        assert_int_equal(night.abandoned, rows[i].abandoned);
    }
    store_close(s);
}

static void every_failed_allocation_of_a_night_is_an_error(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = fresh("nomem.db"), *from = fresh("nomem-cell.db");
    struct night_spec spec = night_of("run", "2026-01-01", "h");
    struct night night;
    char id[RUN_ID_SIZE];
    int rc = -1;
    (void)state;
    fill_run_of(from, "{}", id);
    store_close(from);
    assert_int_equal(night_open(s, &spec, &night, &e), 0);
    for (int nth = 0; rc < 0; nth++) {
        struct lease *l = NULL;
        struct cell_list cells = {0};
        const struct lease_opts o = {"here", 30, clock_s};
        int64_t over;
        struct cell_result r = {.done = 1, .outcome = "measured", .quiet = -1, .run_id = id};
        long live = mem_live();
        e = ERR_NONE;
        r.from = in_dir("nomem-cell.db");
        mem_fail_at(nth);
        rc = lease_open(&l, s, &o, &e);
        if (rc == 0)
            rc = lease_claim(l, night.id, &cells, &over, &e) == CLAIM_TAKEN ? 0 : -1;
        if (rc == 0)
            rc = lease_finish(l, cells.v[0].id, &r, &e);
        cell_list_release(&cells);
        lease_close(l);
        mem_fail_at(-1);
        if (rc < 0)
            assert_int_equal(e.code, ERR_NOMEM);
        assert_int_equal(mem_live(), live);
    }
    check_is_clean(s);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_runners_share_blocks_and_a_speed_test_is_alone),
        cmocka_unit_test(a_dead_runner_loses_its_cells_at_once),
        cmocka_unit_test(a_night_that_somebody_measures_is_not_ended),
        cmocka_unit_test(a_silent_runner_elsewhere_loses_its_cells_after_a_while),
        cmocka_unit_test(a_cells_run_comes_in_with_its_end_or_not_at_all),
        cmocka_unit_test(a_run_id_that_is_taken_is_not_lost),
        cmocka_unit_test(nights_are_counted_whatever_the_clock_says),
        cmocka_unit_test(every_failed_allocation_of_a_night_is_an_error),
    };
    return cmocka_run_group_tests(tests, fixture_folder, fixture_folder_gone);
}
