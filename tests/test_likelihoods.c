/* Likelihoods kept across runs: what comes back is what was put in, or nothing. */
#include "tests/test.h"

#include "base/mem.h"
#include "results/likelihoods.h"
#include "results/store.h"
#include "tests/store_fixture.h"

static const struct likelihood_about one = {"aa", "exact/1", "cpu", "{}"};

static struct store *open_at(const char *path)
{
    struct store *s = NULL;
    struct err e = ERR_NONE;

    if (store_open(&s, path, NULL, &e) < 0)
        fail_msg("%s", e.text);
    return s;
}

static struct likelihood row(int i)
{
    struct likelihood v = {.nats = -1.0 / (3 + i), .is_greedy = i % 2};

    snprintf(v.request, sizeof v.request, "%032x", i);
    return v;
}

static struct likelihood_set set_of(struct store *s, const struct likelihood_about *about)
{
    struct likelihood_set set;

    assert_int_equal(likelihood_set_open(s, about, &set, NULL), 0);
    return set;
}

static int keep(struct store *s, const struct likelihood_set *set, int from, int n, int64_t most)
{
    struct likelihood v[64];

    for (int i = 0; i < n; i++)
        v[i] = row(from + i);
    return likelihood_keep(s, set, v, n, most, NULL);
}

/* How many of row(from..from+n) are found, each with the bits that were put in. */
static int found(struct store *s, const struct likelihood_set *set, int from, int n)
{
    int count = 0;

    for (int i = from; i < from + n; i++) {
        struct likelihood want = row(i), got = want;
        int rc;
        got.nats = 1;
        rc = likelihood_find(s, set, &got, NULL);
        assert_in_range(rc, 0, 1);
        count += rc;
        if (rc) {
            assert_memory_equal(&got.nats, &want.nats, sizeof got.nats);
            assert_int_equal(got.is_greedy, want.is_greedy);
        }
    }
    return count;
}

static void what_was_kept_is_found_by_its_own_set_only(void **state)
{
    const struct likelihood_about others[] = {{"ab", "exact/1", "cpu", "{}"},
                                              {"aa", "fast/1", "cpu", "{}"},
                                              {"aa", "exact/1", "null", "{}"},
                                              {"aa", "exact/1", "cpu", "{\"rope\":\"x\"}"}};
    struct store *s = open_at(in_dir("sets.db"));
    struct likelihood_set set = set_of(s, &one);

    (void)state;
    assert_int_equal(found(s, &set, 0, 10), 0);
    assert_int_equal(keep(s, &set, 0, 10, 1000), 0);
    assert_int_equal(keep(s, &set, 5, 10, 1000), 0); /* half of them again */
    assert_int_equal(found(s, &set, 0, 20), 15);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct likelihood_set other = set_of(s, &others[i]);
        assert_int_equal(found(s, &other, 0, 20), 0);
    }
    check_is_clean(s);
    store_close(s);
    s = open_at(in_dir("sets.db"));
    set = set_of(s, &one);
    assert_int_equal(found(s, &set, 0, 20), 15);
    store_close(s);
}

static void a_damaged_row_is_absent_until_it_is_kept_again(void **state)
{
    static const char *const damage[] = {
        "UPDATE likelihoods SET nats = nats * (1 + 1e-15)",
        "UPDATE likelihoods SET is_greedy = 1 - is_greedy",
        "UPDATE likelihoods SET seal = 'x'",
        /* a row of another request, and one of another set */
        /* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one text */
        "DELETE FROM likelihoods WHERE request LIKE '%1'; UPDATE likelihoods SET"
        " request = substr(request, 1, 31) || '1' WHERE request LIKE '%0'",
        "UPDATE likelihoods SET set_id = 3 - set_id",
    };
    const struct likelihood_about two = {"bb", "exact/1", "cpu", "{}"};

    (void)state;
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        const char *path = in_dir(i % 2 ? "odd.db" : "even.db");
        struct store *s;
        struct likelihood_set set;
        int defects = 0;
        unlink(path);
        s = open_at(path);
        set = set_of(s, &one);
        set_of(s, &two);
        assert_int_equal(keep(s, &set, 0, 2, 1000), 0);
        store_close(s);
        exec_sql(path, damage[i]);
        s = open_at(path);
        assert_true(store_check(s, count_defect, &defects, NULL) > 0);
        assert_true(defects > 0);
        assert_int_equal(found(s, &set, 0, 2), 0);
        assert_int_equal(keep(s, &set, 0, 2, 1000), 0);
        assert_int_equal(found(s, &set, 0, 2), 2);
        store_close(s);
        unlink(path);
    }
}

static void sets_used_longest_ago_make_room(void **state)
{
    const struct likelihood_about about[] = {{"m0", "exact/1", "cpu", "{}"},
                                             {"m1", "exact/1", "cpu", "{}"},
                                             {"m2", "exact/1", "cpu", "{}"}};
    struct store *s = open_at(in_dir("room.db"));
    struct likelihood_set set[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        set[i] = set_of(s, &about[i]);
        assert_int_equal(keep(s, &set[i], 0, 10, 35), 0);
    }
    store_close(s);
    exec_sql(in_dir("room.db"), "UPDATE likelihood_sets SET used = '2026-01-0' || id");
    s = open_at(in_dir("room.db"));
    set_of(s, &about[0]); /* used again: now the second is the oldest */
    assert_int_equal(keep(s, &set[2], 10, 10, 35), 0);
    assert_int_equal(found(s, &set[0], 0, 10), 10);
    assert_int_equal(found(s, &set[1], 0, 10), 0);
    assert_int_equal(found(s, &set[2], 0, 20), 20);
    /* What does not even fit alone is not kept. */
    assert_int_equal(keep(s, &set[2], 20, 20, 35), 0);
    assert_int_equal(found(s, &set[0], 0, 10), 0);
    assert_int_equal(found(s, &set[2], 0, 40), 35);
    assert_int_equal(likelihood_prune(s, 35, 0, NULL), 0);
    assert_int_equal(likelihood_prune(s, 34, 1, NULL), 35); /* would be */
    assert_int_equal(found(s, &set[2], 0, 40), 35);
    assert_int_equal(likelihood_prune(s, 0, 0, NULL), 35);
    assert_int_equal(found(s, &set[2], 0, 40), 0);
    check_is_clean(s);
    store_close(s);
}

static void keeping_survives_every_failed_allocation(void **state)
{
    int rc = -1;

    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct store *s = open_at(":memory:");
        struct likelihood_set set;
        struct likelihood v = row(1);
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = likelihood_set_open(s, &one, &set, &e);
        if (rc == 0)
            rc = likelihood_keep(s, &set, &v, 1, 10, &e);
        if (rc == 0)
            rc = likelihood_find(s, &set, &v, &e) == 1 ? 0 : -1;
        if (rc == 0)
            rc = likelihood_prune(s, 0, 0, &e) == 1 ? 0 : -1;
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        store_close(s);
        assert_int_equal(mem_live(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_is_found_by_its_own_set_only),
        cmocka_unit_test(a_damaged_row_is_absent_until_it_is_kept_again),
        cmocka_unit_test(sets_used_longest_ago_make_room),
        cmocka_unit_test(keeping_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, fixture_folder, fixture_folder_gone);
}
