#include "tests/lab.h"

#include <sys/stat.h>

#include "base/file.h"
#include "harness/commands.h"
#include "runners/quant.h"
#include "tests/store_fixture.h"
#include "tests/test.h"
#include "tests/tiny.h"

#define ROW(name, words) {"", #name, cmd_##name, name##_options, "", 0, -1, words, 1, "", NULL}
#define BARE(name) {"", #name, cmd_##name, NULL, "", 0, -1, NULL, 1, "", NULL}
static const struct command table[] = {
    ROW(bench, NULL), ROW(bundle, "make|sign|verify|key"), ROW(compare, NULL),
    ROW(db, "check|backup|vacuum|schema|prune"), ROW(density, NULL), ROW(device, NULL),
    ROW(doctor, NULL), ROW(envelope, NULL), ROW(eval, NULL), ROW(explain, NULL), ROW(export, NULL),
    ROW(gate, NULL), ROW(generate, NULL), ROW(handover, NULL), ROW(help, NULL), ROW(info, NULL),
    ROW(items, NULL), ROW(label, NULL), ROW(logits, NULL), ROW(nightly, NULL), ROW(probe, NULL),
    ROW(pull, NULL), ROW(quantize, NULL), ROW(report, NULL), ROW(ruler, NULL), ROW(run, NULL),
    ROW(runs, NULL), ROW(score, NULL), ROW(show, NULL), ROW(tasks, NULL), ROW(template, NULL),
    ROW(tokenize, NULL), ROW(tracker, NULL), ROW(trend, NULL), ROW(vendor, NULL), ROW(verify, NULL),
    BARE(completions), BARE(devices), BARE(import), BARE(models),
    {NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0, NULL, NULL},
};

volatile sig_atomic_t lab_stop;
int lab_watched;

static int run(int argc, char **argv, FILE *out, FILE *log, struct err *e)
{
    struct args *args = NULL;
    int rc = args_parse(&args, table, argc, argv, e);

    if (rc == 0) {
        struct context c = {.args = args, .table = table, .out = out, .log = log, .stop = &lab_stop,
                            .argc = argc, .argv = argv};
        c.json = args_flag(args, "json");
        c.csv = args_command(args)->lists && args_flag(args, "csv");
        c.quiet = args_flag(args, "quiet");
        c.progress = lab_watched && !c.quiet;
        rc = args_command(args)->run(&c, e);
    }
    args_free(args);
    return rc;
}

int lab_as_program(int argc, char **argv)
{
    struct err e = ERR_NONE;
    int rc = run(argc, argv, stdout, stderr, &e);

    if (rc < 0)
        fprintf(stderr, "densimeter: %s\n", e.text);
    return rc < 0 ? 1 : rc;
}

int lab_run(const char *line, FILE *out, FILE *log, struct err *e)
{
    char words[512], *argv[64] = {"densimeter"};
    int argc = 1;

    snprintf(words, sizeof words, "%s", line);
    for (char *at = words, *word; (word = strtok_r(at, " ", &at)) != NULL;)
        argv[argc++] = word;
    return run(argc, argv, out, log, e);
}

void lab_do(const char *line)
{
    FILE *nowhere = fopen("/dev/null", "w");
    struct err e = ERR_NONE;
    int rc;

    assert_non_null(nowhere);
    rc = lab_run(line, nowhere, nowhere, &e);
    fclose(nowhere);
    if (rc != 0)
        fail_msg("%s: %d, %s", line, rc, e.text);
}

void lab_write(const char *path, const char *text)
{
    struct err e = ERR_NONE;
    assert_int_equal(file_write(path, text, strlen(text), &e), 0);
}

#define SCENARIO(name, more) "{\"format\": \"densimeter.scenario/1\", \"name\": \"" name "\", " \
    "\"version\": 1, \"language\": \"en\", \"licence\": \"CC0-1.0\", " more "}"

static void write_files(void)
{
    const struct tiny_opts tiny = {.seed = 1, .is_bpe = 1, .type = QUANT_Q4_0};
    const struct tiny_opts other = {.seed = 2, .type = QUANT_Q8_0};
    const struct tiny_opts brief = {.seed = 4, .is_bpe = 1, .context = 64};
    const struct tiny_opts hybrid = {.seed = 3, .is_bpe = 1, .is_hybrid = 1};
    struct err e = ERR_NONE;

    assert_int_equal(tiny_write("tiny.gguf", &tiny, &e), 0);
    assert_int_equal(tiny_write("other.gguf", &other, &e), 0);
    assert_int_equal(tiny_write("hybrid.gguf", &hybrid, &e), 0);
    assert_int_equal(tiny_write("brief.gguf", &brief, &e), 0);
    lab_write("policy.json", "{\"minimum_items\": 2, \"accuracy\": {\"margin\": 0.05}}");
    assert_int_equal(mkdir("lm", 0777), 0);
    lab_write("lm/base", "output_type: multiple_choice\ntest_split: test\n"
                          "dataset_kwargs: {data_files: {test: colours.jsonl}}\n"
                          "doc_to_text: \"{{thing}} is\"\ndoc_to_choice: \"{{colours}}\"\n"
                          "doc_to_target: \"{{right}}\"\n");
    lab_write("lm/colours.jsonl",
               "{\"thing\": \"Grass\", \"colours\": [\"red\", \"green\"], \"right\": 1}\n"
               "{\"thing\": \"Snow\", \"colours\": [\"white\", \"black\"], \"right\": 0}\n");
    lab_write("lm/colours.yaml", "include: base\ntask: colours\ntag: bright\n"
                                  "metric_list:\n  - metric: acc\n  - metric: f1\n");
    lab_write("lm/say.yaml",
               "include: base\ntask: say\noutput_type: generate_until\ndoc_to_choice: null\n"
               "doc_to_target: \"{{colours[right]}}\"\n"
               "generation_kwargs: {until: [\".\"], max_gen_toks: 3}\n"
               "metric_list:\n  - metric: exact_match\n    ignore_case: true\n"
               "    ignore_punctuation: true\n"
               "filter_list:\n  - name: strict\n    filter:\n      - function: regex\n"
               "        regex_pattern: \"([a-z]+)\"\n      - function: take_first\n"
               "  - name: voted\n    filter:\n      - function: lowercase\n"
               "      - function: remove_whitespace\n      - function: majority_vote\n"
               "      - function: take_first\n");
    lab_write("lm/bell.yaml", "include: say.yaml\ntask: bell\n"
                              "generation_kwargs: {until: [\"\\a\"], max_gen_toks: 3}\n");
    lab_write("lm/all.yaml", "group: all\ntask:\n  - bright\n  - {task: say, num_fewshot: 1}\n"
                              "aggregate_metric_list: [{metric: acc}]\n");
    lab_write("plan.json",
               "{\"name\": \"demo\", \"models\": [\"tiny.gguf\"], \"settings\": [{\"threads\": 1}], "
               "\"tasks\": [{\"tasks\": \"words.json\", \"bootstrap\": 50}], "
               "\"quiet\": {\"sample_s\": 0.001}, \"report\": \"night.md\", "
               "\"thresholds\": {\"nats\": 0.005, \"min_items\": 2, \"accuracy\": 0.2}}");
    lab_write("texts", "{\"text\": \"a b\"}\n{\"text\": \"c\"}\n");
    lab_write("pairs", "{\"context\": \"a b\", \"continuation\": \" c\"}\n"
                        "{\"context\": \"a b\", \"continuation\": \" d e\"}\n");
    lab_write("chat.json", "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}");
    lab_write("letters.json", SCENARIO("letters",
        "\"fields\": [\"text\"], \"prompt\": \"{{ text }}{% for c in choices %}\\n"
        "{{ 'ABC'[loop.index0] }}. {{ c }}{% endfor %}\\nAnswer:\", "
        "\"answer\": {\"kind\": \"choice\", \"by\": \"letter\"}, \"items\": ["
        "{\"text\": \"Sky?\", \"choices\": [\"red\", \"blue\", \"green\"], \"answer\": 1}, "
        "{\"text\": \"Grass?\", \"choices\": [\"green\", \"pink\", \"blue\"], \"answer\": 0}]"));
    lab_do("tasks new words --kind choice -q");
    lab_do("tasks new numbers --kind number -q");
    lab_do("tasks new judged --kind judge -q");
}

/* What whoever runs the tests may have set, and what they would then read or write. */
static const char *const not_ours[] = {
    "COLUMNS", "DENSIMETER_CATALOGUE", "DENSIMETER_DATA", "DENSIMETER_DEVICES",
    "DENSIMETER_PUBLISHED", "GITHUB_STEP_SUMMARY", "NO_COLOR",
};

int lab_set_up(void **state)
{
    if (fixture_folder(state) < 0 || chdir(fixture_dir) < 0)
        return -1;
    setenv("DENSIMETER_DB", in_dir("results.db"), 1);
    setenv("XDG_DATA_HOME", in_dir("home"), 1);
    setenv("XDG_CACHE_HOME", in_dir("home"), 1);
    setenv("DENSIMETER_MODELS", fixture_dir, 1);
    for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++)
        unsetenv(not_ours[i]);
    write_files();
    lab_do("eval tiny.gguf --tasks words.json,letters.json -t 1 -q --no-cache");
    lab_do("label last first");
    lab_do("eval other.gguf --tasks words.json,letters.json -t 1 -q --no-cache");
    lab_do("label last second");
    lab_do("bench tiny.gguf -p 8 -n 4 -r 2 -t 1 -q");
    lab_do("label last bench1");
    lab_do("bench other.gguf -p 8 -n 4 -r 2 -t 1 -q");
    lab_do("label last bench2");
    lab_do("run plan.json -q --db nights.db");
    lab_do("nightly pin last --db nights.db -q");
    lab_do("bundle make first -o first.tar");
    lab_do("export first --format json -o first.json");
    lab_do("export first --format csv -o first.csv");
    lab_do("export first --format sqlite -o first.db");
    lab_do("export first --format lm-eval -o first.lm");
    return system("mv first.lm/results_*.json first.lm/results.json");
}

int lab_tear_down(void **state)
{
    return chdir("/") < 0 ? -1 : fixture_folder_gone(state);
}
