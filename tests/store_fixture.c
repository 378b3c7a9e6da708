#include "tests/store_fixture.h"

#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/test.h"

char fixture_dir[64];

int fixture_folder(void **state)
{
    (void)state;
    snprintf(fixture_dir, sizeof fixture_dir, "/tmp/densimeter-store-XXXXXX");
    return mkdtemp(fixture_dir) ? chmod(fixture_dir, 0777) : -1;
}

int fixture_folder_gone(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", fixture_dir);
    return system(command);
}

const char *in_dir(const char *name)
{
    static char path[4][160];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", fixture_dir, name);
    return path[turn];
}

/* --- a run of two tasks ------------------------------------------------------------------ */
static const struct store_task two_tasks[] = {
    {"arc_easy", 1, 0, 40, "dd"},
    {"gsm8k", 3, 5, 1, NULL},
};

struct store_run_spec spec_of(const char *settings)
{
    return (struct store_run_spec){
        .kind = "eval", .command_line = "densimeter eval m.gguf", .settings = settings,
        .program_version = "0.1", .numerics_id = "exact/1", .kernels = "ref", .device = "cpu",
        .threads = 2, .seed = 1234,
        .model = {.name = "m.gguf", .sha256 = "abcd", .architecture = "llama",
                  .parameters = 1000, .parameters_non_embedding = 800,
                  .parameters_embedding = 200, .parameters_active = 1000, .file_bytes = 4096,
                  .bits_per_weight = 4.5},
        .machine = {.name = "host", .json = "{\"cpu\":\"x\"}"},
        .tasks = two_tasks, .n_tasks = 2, .noise_before = "{\"load\":0.1}",
    };
}

int add_item(struct store_run *r, const char *task, int doc_id, struct err *e)
{
    const struct store_metric metrics[] = {{"acc", "none", doc_id % 2, 1},
                                           {"acc_norm", "none", 1, 1}};
    const struct store_request requests[] = {{-1.25, 1, 3, 9}, {-2.5, 0, 4, 11}};
    const struct store_item it = {
        .task = task, .doc_id = doc_id, .doc_hash = "h", .prompt_hash = "p",
        .doc = "{\"q\":1}", .gold = "gold", .prediction = "pred", .gold_index = 1,
        .latency_s = 0.5, .ttft_s = NAN, .prompt_tokens = 10, .computed_tokens = 6,
        .reused_tokens = 4, .generated_tokens = -1, .metrics = metrics, .n_metrics = 2,
        .requests = requests, .n_requests = 2,
    };
    return store_item_add(r, &it, e);
}

void fill_run_of(struct store *s, const char *settings, char id[RUN_ID_SIZE])
{
    struct err e = ERR_NONE;
    struct store_run_spec spec = spec_of(settings);
    struct store_run *r = NULL;
    const struct store_value value = {"acc", "none", 0.5, 0.1, 0.3, 0.7};
    const struct store_cost cost = {"wall_s", 2.5};
    const struct store_task_result result = {"arc_easy", 40, &value, 1, &cost, 1};

    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    strcpy(id, store_run_id(r));
    assert_int_equal(store_batch_begin(r, &e), 0);
    for (int i = 0; i < 40; i++)
        assert_int_equal(add_item(r, "arc_easy", i, &e), 0);
    assert_int_equal(store_batch_commit(r, &e), 0);
    assert_int_equal(add_item(r, "gsm8k", 0, &e), 0);
    assert_int_equal(store_task_finish(r, &result, &e), 0);
    assert_int_equal(store_run_finish(r, STORE_COMPLETE, "{\"load\":0.2}", NULL, &e), 0);
    store_run_close(r);
}

void print_defect(void *user, const char *defect)
{
    print_message("          defect: %s\n", defect);
    ++*(int *)user;
}

void check_is_clean(struct store *s)
{
    struct err e = ERR_NONE;
    int n = 0;
    assert_int_equal(store_check(s, print_defect, &n, &e), 0);
}

pid_t fixture_fork(void)
{
    static const int caught[] = {SIGSEGV, SIGFPE, SIGILL, SIGBUS, SIGSYS};
    pid_t pid = fork();

    for (size_t i = 0; pid == 0 && i < sizeof caught / sizeof caught[0]; i++)
        signal(caught[i], SIG_DFL);
    return pid;
}

int in_child(int (*f)(const char *path), const char *path)
{
    int status;
    pid_t pid = fixture_fork();
    if (pid == 0)
        _exit(f(path));
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void exec_sql(const char *path, const char *sql)
{
    sqlite3 *h = NULL;
    char *text = NULL;
    assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
    if (sqlite3_exec(h, "PRAGMA synchronous = OFF", NULL, NULL, &text) != SQLITE_OK ||
        sqlite3_exec(h, sql, NULL, NULL, &text) != SQLITE_OK)
        fail_msg("%s", text);
    sqlite3_close(h);
}

void count_defect(void *user, const char *defect)
{
    (void)defect;
    ++*(int *)user;
}

struct store *store_in_memory(void)
{
    struct store *s = NULL;

    assert_int_equal(store_open(&s, ":memory:", NULL, NULL), 0);
    return s;
}

void close_clean(struct store *s)
{
    check_is_clean(s);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

struct store_run *begun(struct store *s, const struct store_run_spec *spec)
{
    struct store_run *r = NULL;
    struct err e = ERR_NONE;

    if (store_run_begin(s, spec, &r, &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

void field_text_is(const char *is, const char *wanted)
{
    assert_string_equal(is ? is : "(NULL)", wanted ? wanted : "(NULL)");
}

void field_number_is(double is, double wanted)
{
    if (!(is == wanted || (isnan(is) && isnan(wanted))))
        fail_msg("%.17g, expected %.17g", is, wanted);
}
