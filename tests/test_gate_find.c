/* Which stored runs a gate stands on: how they are named, what of them is read, what is refused. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/gate_runs.h"
#include "tests/pair_runs.h"

enum { N = 3, MOST = 32 };

struct world {
    struct store *s;
    char ids[MOST][RUN_ID_SIZE];
    int n;
    struct gate_runs runs;
    struct gate_policy policy;
};

static void world_open(struct world *w)
{
    memset(w, 0, sizeof *w);
    assert_int_equal(store_open(&w->s, ":memory:", NULL, NULL), 0);
}

static void forget(struct world *w)
{
    gate_runs_release(&w->runs);
    gate_policy_release(&w->policy);
}

static void world_close(struct world *w)
{
    forget(w);
    store_close(w->s);
    assert_int_equal(mem_live(), 0);
}

/* Two tasks of three documents; document k of task t takes 1 + t + k / 10 seconds times `slower`.
 * what: changed in the last document of the second task. */
enum what { NOTHING, CREDIT, NATS, NO_NATS };
static const char *evaluate(struct world *w, const char *model, double slower, enum what what,
                            const char *noise)
{
    struct made_item items[2][N];
    struct made_task tasks[2] = {{"arc_easy", 1, items[0], N, 100, NAN},
                                 {"piqa", 1, items[1], N, 200, NAN}};
    struct made_run r = {.model = model, .tasks = tasks, .n_tasks = 2, .noise = noise};

    for (int t = 0; t < 2; t++)
        for (int k = 0; k < N; k++)
            items[t][k] = (struct made_item){k + 10 * t, 1, -2, 4,
                                               slower * (1 + t + k / 10.), NULL};
    items[1][N - 1].acc = what != CREDIT;
    items[1][N - 1].nats = what == NATS ? -2.5 : -2;
    items[1][N - 1].bytes = what == NO_NATS ? 0 : 4;
    make_run(w->s, &r, w->ids[w->n]);
    return w->ids[w->n++];
}

static const char *speed(struct world *w, const char *model, int depth, double seconds,
                         const char *noise)
{
    const double samples[] = {seconds, seconds, seconds};
    struct store_run_spec spec = {
        .kind = "bench", .command_line = "densimeter bench", .program_version = "1",
        .settings = "{}", .numerics_id = "exact/1", .kernels = "ref", .device = "cpu",
        .threads = 2, .seed = 1, .model = {.name = model, .sha256 = model, .parameters = 1000},
        .machine = {.name = "host", .json = "{\"cpu\":\"x\"}"}};
    const struct store_bench b = {.test = "tg128", .depth = depth, .batch = 1, .threads = 2,
                                  .device = "cpu", .samples = samples, .n_samples = 3,
                                  .tokens = 128};
    struct store_run *run;
    struct err e = ERR_NONE;

    if (store_run_begin(w->s, &spec, &run, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(store_bench_add(run, &b, &e), 0);
    strcpy(w->ids[w->n], store_run_id(run));
    if (store_run_finish(run, STORE_COMPLETE, noise, NULL, &e) < 0)
        fail_msg("%s", e.text);
    store_run_close(run);
    return w->ids[w->n++];
}

static int find(struct world *w, const char *a, const char *b, struct err *e)
{
    *e = ERR_NONE;
    forget(w);
    return gate_runs_find(&w->runs, w->s, a, b, e);
}

static int read_by(struct world *w, const char *a, const char *b, const char *policy, struct err *e)
{
    if (find(w, a, b, e) < 0 ||
        gate_policy_parse(&w->policy, policy, strlen(policy), "p", e) < 0)
        fail_msg("%s", e->text);
    return gate_runs_read(&w->runs, w->s, &w->policy, e);
}

static const char *list(const char *a, const char *b, const char *c)
{
    static char names[2][80];
    static int next;
    char *out = names[next++ % 2];

    snprintf(out, sizeof names[0], "%s,%s%s%s", a, b, c ? "," : "", c ? c : "");
    return out;
}

static const char *const answers = "{\"accuracy\":{\"margin\":1}}";
static const char *const times = "{\"latency\":{\"margin\":1}}";

static void runs_are_found_by_name(void **state)
{
    struct world w;
    const char *a, *b, *c;
    struct err e;
    char text[120];

    (void)state;
    world_open(&w);
    a = evaluate(&w, "base", 1, NOTHING, NULL);
    b = evaluate(&w, "cand", 1, NOTHING, NULL);
    c = evaluate(&w, "base", 1, NOTHING, NULL);
    assert_int_equal(find(&w, a, a, &e), 0); /* one run against itself may be asked for */
    assert_int_equal(find(&w, list(a, c, NULL), b, &e), 0);
    assert_true(w.runs.side[0].n == 2 && w.runs.side[1].n == 1);
    assert_string_equal(w.runs.in.a->id, a);
    assert_string_equal(w.runs.in.b->id, b);
    assert_int_equal(find(&w, ",", b, &e), -1);
    assert_string_equal(e.text, "gate: --baseline names no run");
    assert_int_equal(find(&w, a, "", &e), -1);
    assert_string_equal(e.text, "gate: --candidate names no run");
    assert_int_equal(e.code, ERR_USAGE);
    assert_int_equal(find(&w, a, list(b, b, NULL), &e), -1);
    snprintf(text, sizeof text, "gate: run %s is named twice as candidate", b);
    assert_string_equal(e.text, text);
    assert_int_equal(find(&w, list(c, a, c), b, &e), -1);
    snprintf(text, sizeof text, "gate: run %s is named twice as baseline", c);
    assert_string_equal(e.text, text);
    assert_int_equal(find(&w, list(c, a, NULL), list(b, a, NULL), &e), -1);
    snprintf(text, sizeof text, "gate: run %s is named on both sides", a);
    assert_string_equal(e.text, text);
    assert_int_equal(find(&w, a, list(b, a, NULL), &e), -1);
    assert_int_equal(find(&w, a, "nosuchrun", &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    world_close(&w);
}

static void a_side_has_at_most_so_many_runs(void **state)
{
    struct made_item item = {0, 1, -1, 4, 1, NULL};
    struct made_task t = {"arc_easy", 1, &item, 1, 1, NAN};
    struct made_run r = {.model = "base", .tasks = &t, .n_tasks = 1};
    struct strbuf names = STRBUF_INIT;
    struct world w;
    struct err e;
    char id[RUN_ID_SIZE];

    (void)state;
    world_open(&w);
    for (int i = 0; i < 256; i++) {
        make_run(w.s, &r, id);
        strbuf_addf(&names, "%s%s", i ? "," : "", id);
    }
    make_run(w.s, &r, id);
    assert_int_equal(find(&w, strbuf_str(&names), id, &e), 0);
    make_run(w.s, &r, w.ids[0]);
    strbuf_addf(&names, ",%s", w.ids[0]);
    assert_int_equal(find(&w, strbuf_str(&names), id, &e), -1);
    assert_string_equal(e.text, "gate: at most 256 runs of a side");
    strbuf_release(&names);
    world_close(&w);
}

static void each_process_has_what_it_measured(void **state)
{
    struct world w;
    const char *a, *b, *a2, *b2;
    struct err e;

    (void)state;
    world_open(&w);
    a = evaluate(&w, "base", 1, NOTHING, NULL);
    b = evaluate(&w, "cand", 2, NOTHING, NULL);
    b2 = evaluate(&w, "cand", 3, NOTHING, NULL);
    a2 = evaluate(&w, "base", 4, NOTHING, NULL);
    assert_int_equal(read_by(&w, list(a, a2, NULL), list(b, b2, NULL), answers, &e), 0);
    assert_true(w.runs.in.pairs == &w.runs.pairs && w.runs.pairs.n == 2 * N);
    assert_true(w.runs.in.n_processes == 4 && w.runs.in.processes == w.runs.processes);
    for (int i = 0; i < 4; i++) { /* the first of each side first */
        static const double slower[] = {1, 2, 4, 3};
        const struct gate_process *p = &w.runs.in.processes[i];
        const char *const ids[] = {a, b, a2, b2};
        assert_string_equal(p->run->id, ids[i]);
        assert_true(p->candidate == i % 2 && !p->earlier && !p->bench && p->tasks->n == 2);
        for (int k = 0; k < 2 * N; k++)
            assert_close(p->latency_s[k], slower[i] * (1 + k / N + k % N / 10.), 1e-12);
        assert_true(task_row_cost(&p->tasks->v[1], "peak_rss_bytes") == 200);
    }
    assert_true(w.runs.processes[0].tasks == &w.runs.pairs.a_tasks);
    assert_true(w.runs.processes[1].tasks == &w.runs.pairs.b_tasks);
    assert_int_equal(read_by(&w, b, b, answers, &e), 0); /* a run against itself */
    assert_int_equal(w.runs.in.n_processes, 2);
    world_close(&w);
}

static void a_repeat_gives_the_same_answers(void **state)
{
    static const struct {
        enum what what;
        int same;
    } rows[] = {{NOTHING, 1}, {CREDIT, 0}, {NATS, 0}};
    struct err e;
    char text[200];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (int side = 0; side < 2; side++) {
            struct world w;
            const char *a, *b, *x;
            world_open(&w);
            a = evaluate(&w, "base", 1, NOTHING, NULL);
            b = evaluate(&w, "cand", 1, i == 0 ? CREDIT : NOTHING, NULL);
            x = evaluate(&w, side ? "cand" : "base", 1, i == 0 && side ? CREDIT : rows[i].what,
                         NULL);
            assert_int_equal(read_by(&w, side ? a : list(a, x, NULL), side ? list(b, x, NULL) : b,
                                     answers, &e), rows[i].same ? 0 : -1);
            snprintf(text, sizeof text, "run %s does not repeat %s: piqa, document 2 was answered "
                     "differently", x, side ? b : a);
            assert_string_equal(e.text, rows[i].same ? "" : text);
            world_close(&w);
        }
}

static void a_repeat_is_the_same_in_all_that_is_recorded(void **state)
{
    struct world w;
    const char *a, *b, *other, *bench;
    struct err e;
    char text[200];

    (void)state;
    world_open(&w);
    a = evaluate(&w, "base", 1, NOTHING, NULL);
    b = evaluate(&w, "cand", 1, NOTHING, NULL);
    other = evaluate(&w, "other", 1, NOTHING, NULL);
    bench = speed(&w, "cand", 0, 1, NULL);
    assert_int_equal(read_by(&w, list(a, other, NULL), b, answers, &e), -1);
    snprintf(text, sizeof text, "run %s does not repeat %s: model differs (base, other)", other, a);
    assert_string_equal(e.text, text);
    assert_int_equal(e.code, ERR_INVALID);
    assert_int_equal(read_by(&w, a, list(b, bench, NULL), answers, &e), -1);
    snprintf(text, sizeof text, "run %s does not repeat %s: it is of kind bench", bench, b);
    assert_string_equal(e.text, text);
    assert_int_equal(read_by(&w, a, bench, answers, &e), -1);
    snprintf(text, sizeof text, "one of %s and %s measured speed, the other answers", a, bench);
    assert_string_equal(e.text, text);
    assert_int_equal(read_by(&w, bench, a, answers, &e), -1);
    world_close(&w);
}

static void speed_runs_have_the_same_tests(void **state)
{
    struct world w;
    const char *a, *b, *a2, *deep;
    struct err e;
    char text[200];

    (void)state;
    world_open(&w);
    a = speed(&w, "base", 0, 1, NULL);
    b = speed(&w, "cand", 0, 2, NULL);
    a2 = speed(&w, "base", 0, 3, NULL);
    deep = speed(&w, "base", 64, 4, NULL);
    assert_int_equal(read_by(&w, list(a, a2, NULL), b, answers, &e), 0);
    assert_null(w.runs.in.pairs);
    assert_int_equal(w.runs.in.n_processes, 3);
    for (int i = 0; i < 3; i++) {
        const struct gate_process *p = &w.runs.in.processes[i];
        assert_true(p->bench->n == 1 && !p->tasks && !p->latency_s);
        assert_true(p->bench->v[0].samples[2] == 1 + i);
    }
    assert_int_equal(read_by(&w, list(a, deep, NULL), b, answers, &e), -1);
    snprintf(text, sizeof text, "only one of runs %s and %s has the speed test tg128 (depth 0, "
             "batch 1)", a, deep);
    assert_string_equal(e.text, text);
    world_close(&w);
}

static void earlier_runs_are_read_where_times_are_asked_for(void **state)
{
    static const char *const noisy = "{\"quiet\":false,\"invalid\":false}";
    struct world w;
    const char *a, *b, *old, *differing, *busy;
    struct err e;

    (void)state;
    world_open(&w);
    old = evaluate(&w, "base", 5, NOTHING, NULL);
    differing = evaluate(&w, "base", 6, CREDIT, NULL); /* cannot be joined: no fault of these */
    busy = evaluate(&w, "cand", 7, NOTHING, noisy);
    a = evaluate(&w, "base", 1, NOTHING, NULL);
    b = evaluate(&w, "cand", 2, NOTHING, NULL);
    assert_int_equal(read_by(&w, a, b, answers, &e), 0);
    assert_int_equal(w.runs.in.n_processes, 2);
    assert_int_equal(read_by(&w, a, b, times, &e), 0);
    assert_int_equal(w.runs.in.n_processes, 3);
    assert_string_equal(w.runs.processes[2].run->id, old);
    assert_true(w.runs.processes[2].earlier && !w.runs.processes[2].candidate);
    assert_close(w.runs.processes[2].latency_s[0], 5, 1e-12);
    assert_int_equal(read_by(&w, a, b, "{\"energy\":{\"margin\":1},\"environment\":{\"noisy\":"
                                       "\"ignored\"}}", &e), 0);
    assert_int_equal(w.runs.in.n_processes, 4);
    assert_string_equal(w.runs.processes[3].run->id, busy);
    assert_true(w.runs.processes[3].earlier && w.runs.processes[3].candidate);
    assert_int_equal(read_by(&w, list(a, old, NULL), b, times, &e), 0); /* named: not earlier too */
    assert_int_equal(w.runs.in.n_processes, 3);
    assert_false(w.runs.processes[2].earlier);
    assert_int_equal(read_by(&w, a, old, times, &e), 0); /* nor when the other side names it */
    assert_int_equal(w.runs.in.n_processes, 2);
    (void)differing;
    world_close(&w);
}

static void so_many_earlier_runs_are_read(void **state)
{
    struct world w;
    struct err e;

    (void)state;
    world_open(&w);
    for (int i = 0; i < 22; i++)
        evaluate(&w, "base", i, NOTHING, NULL);
    evaluate(&w, "cand", 1, NOTHING, NULL);
    assert_int_equal(read_by(&w, w.ids[21], w.ids[22], times, &e), 0);
    assert_int_equal(w.runs.in.n_processes, 2 + GATE_EARLIER_MAX);
    assert_string_equal(w.runs.processes[2].run->id, w.ids[20]); /* the newest first */
    assert_string_equal(w.runs.processes[21].run->id, w.ids[1]);
    world_close(&w);
}

static void the_policy_says_by_which_metric(void **state)
{
    struct world w;
    const char *a, *b;
    struct err e;

    (void)state;
    world_open(&w);
    a = evaluate(&w, "base", 1, NOTHING, NULL);
    b = evaluate(&w, "cand", 1, CREDIT, NULL);
    assert_int_equal(read_by(&w, a, b, "{\"accuracy\":{\"margin\":1},\"tasks\":{\"arc_easy\":{},"
                                       "\"piqa\":{\"metric\":\"acc\",\"filter\":\"none\"}}}", &e),
                     0);
    assert_string_equal(w.runs.pairs.tasks[1].metric, "acc");
    assert_int_equal(read_by(&w, a, b, "{\"accuracy\":{\"margin\":1},\"tasks\":{\"arc_easy\":{},"
                                       "\"piqa\":{\"metric\":\"nosuch\"}}}", &e), -1);
    assert_non_null(strstr(e.text, "nosuch"));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_found_by_name),
        cmocka_unit_test(a_side_has_at_most_so_many_runs),
        cmocka_unit_test(each_process_has_what_it_measured),
        cmocka_unit_test(a_repeat_gives_the_same_answers),
        cmocka_unit_test(a_repeat_is_the_same_in_all_that_is_recorded),
        cmocka_unit_test(speed_runs_have_the_same_tests),
        cmocka_unit_test(earlier_runs_are_read_where_times_are_asked_for),
        cmocka_unit_test(so_many_earlier_runs_are_read),
        cmocka_unit_test(the_policy_says_by_which_metric),
    };

    return RUN(tests);
}
