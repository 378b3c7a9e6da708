/* plan_schema.c -- what a plan may have: rows that check it (plan.c), make cells of it
 * (plan_cells.c) and print its JSON schema. */
#include "harness/plan.h"

#include "harness/command.h"
#include "harness/plan_impl.h"
#include "runners/kv_page.h"

/* --- the rows ----------------------------------------------------------------------------- */

#define END {NULL, PLAN_TEXT, 0, 0, NULL, NULL, NULL, NULL, NULL}

static const struct plan_field model_fields[] = {
    {"model", PLAN_TEXT, 0, 0, NULL, NULL, NULL, NULL, "path, or name in the model store"},
    {"name", PLAN_TEXT, 0, 0, NULL, NULL, NULL, NULL,
     "what its series are called, when the file's name changes"},
    END,
};
static const struct plan_field task_fields[] = {
    {"tasks", PLAN_TEXT, 0, 0, NULL, NULL, NULL, "tasks", "a task, a group, or a comma list"},
    {"shots", PLAN_INT, -1, 1000, "-1", NULL, NULL, "shots", "examples before the question"},
    {"limit", PLAN_INT, 0, 1e9, "0", NULL, NULL, "limit", "items per task at most; 0: all"},
    {"seed", PLAN_INT, 0, 9e15, "1234", NULL, NULL, "seed", "of few-shot sampling"},
    {"sampling", PLAN_CHOICE, 0, 0, "\"lmeval\"", "lmeval|by_doc", NULL, "sampling",
     "few-shot examples: one stream, or one for each document"},
    {"chat", PLAN_BOOL, 0, 0, "false", NULL, NULL, "chat", "through the chat template"},
    {"system", PLAN_TEXT, 0, 0, NULL, NULL, NULL, "system", "system message"},
    {"max_length", PLAN_INT, 2, 1e7, "2048", NULL, NULL, "max-length",
     "tokens the model may read at once"},
    {"bos", PLAN_CHOICE, 0, 0, "\"auto\"", "auto|always|never", NULL, "bos", "BOS in front"},
    {"bootstrap", PLAN_INT, 1, 1e7, "100000", NULL, NULL, "bootstrap", "replicates"},
    {"keep_prompts", PLAN_BOOL, 0, 0, "false", NULL, NULL, "keep-prompts",
     "store every prompt and continuation"},
    END,
};
static const struct plan_field bench_fields[] = {
    {"prompt", PLAN_INTS, 0, 1e7, "512", NULL, NULL, "prompt", "tokens to prefill"},
    {"generate", PLAN_INTS, 0, 1e7, "128", NULL, NULL, "generate", "tokens to decode"},
    {"depth", PLAN_INTS, 0, 1e7, "0", NULL, NULL, "depth", "tokens that are there before"},
    {"streams", PLAN_INTS, 1, 512, "1", NULL, NULL, "streams", "sequences decoded together"},
    {"samples", PLAN_INT, 1, 10000, "1", NULL, NULL, "repeats", "samples of each process"},
    {"repeats", PLAN_INT, 2, 1000, "10", NULL, NULL, NULL,
     "processes of each side, an even number: blocks of A B B A"},
    END,
};
static const struct plan_field settings_fields[] = {
    {"threads", PLAN_INT, 0, 1024, "0", NULL, NULL, "threads", "0: one per usable core"},
    {"numerics", PLAN_CHOICE, 0, 0, "\"exact\"", "exact|fast", NULL, "numerics", "arithmetic"},
    {"kv_type", PLAN_CHOICE, 0, 0, "\"f32\"", KV_TYPE_NAMES, NULL, "kv-type", "KV cache"},
    {"kernels", PLAN_TEXT, 0, 0, NULL, NULL, NULL, "kernels", "instead of the best"},
    {"batch_tokens", PLAN_INT, 1, 16384, "512", NULL, NULL, "batch-tokens", "tokens per pass"},
    {"kv_memory", PLAN_SIZE, 1, 1e15, NULL, NULL, NULL, "kv-memory",
     "most memory for keys, values and states"},
    END,
};
static const struct plan_field limits_fields[] = {
    {"memory", PLAN_SIZE, 1, 1e15, NULL, NULL, NULL, NULL, "most resident memory of a process"},
    {"wall_s", PLAN_NUM, 0.1, 1e7, NULL, NULL, NULL, NULL, "longest time of a process"},
    {"grace_s", PLAN_NUM, 0, 3600, "10", NULL, NULL, NULL,
     "time to finish the item after that, before it is killed"},
    END,
};
static const struct plan_field retries_fields[] = {
    {"error", PLAN_INT, 0, 100, "0", NULL, NULL, NULL, "after an error message"},
    {"crash", PLAN_INT, 0, 100, "0", NULL, NULL, NULL, "after a crash or a foreign kill"},
    {"memory", PLAN_INT, 0, 100, "0", NULL, NULL, NULL, "after too much memory"},
    {"time", PLAN_INT, 0, 100, "0", NULL, NULL, NULL, "after too much time"},
    END,
};
static const struct plan_field quiet_fields[] = {
    {"wait_s", PLAN_NUM, 0, 1e6, "0", NULL, NULL, NULL,
     "how long all cells of a runner together wait for a quiet machine"},
    {"sample_s", PLAN_NUM, 0, 600, "1", NULL, NULL, NULL, "how long one look takes"},
    {"for", PLAN_CHOICE, 0, 0, "\"bench\"", "bench|all", NULL, NULL, "which cells wait"},
    END,
};
static const struct plan_field thresholds_fields[] = {
    {"accuracy", PLAN_NUM, 0, 1, "0.01", NULL, NULL, NULL, "share of the items"},
    {"nats", PLAN_NUM, 0, 1e6, "0.01", NULL, NULL, NULL,
     "likelihood of the right answers, nats per byte"},
    {"speed", PLAN_NUM, 0, 10, "0.02", NULL, NULL, NULL,
     "share of the time; never below the measured A/A floor"},
    {"memory", PLAN_NUM, 0, 10, "0.03", NULL, NULL, NULL, "share of the peak memory"},
    {"q", PLAN_NUM, 1e-9, 0.5, "0.05", NULL, NULL, NULL, "false discovery rate of a night"},
    {"change_p", PLAN_NUM, 1e-12, 0.5, "0.001", NULL, NULL, NULL, "of a change point"},
    {"min_items", PLAN_INT, 1, 1e9, "30", NULL, NULL, NULL, "fewer decide nothing"},
    END,
};

static const struct plan_object model_object = {"a model", "model", model_fields};
const struct plan_object plan_object_task = {"a group of tasks", "tasks", task_fields};
const struct plan_object plan_object_bench = {"a speed test", NULL, bench_fields};
const struct plan_object plan_object_settings = {"settings", NULL, settings_fields};
static const struct plan_object limits_object = {"limits", NULL, limits_fields};
static const struct plan_object retries_object = {"retries", NULL, retries_fields};
static const struct plan_object quiet_object = {"quiet", NULL, quiet_fields};
static const struct plan_object thresholds_object = {"thresholds", NULL, thresholds_fields};

static const struct plan_field plan_fields[] = {
    {"schema", PLAN_CHOICE, 0, 0, NULL, "densimeter.plan/1", NULL, NULL, "the format"},
    {"name", PLAN_TEXT, 0, 0, NULL, NULL, NULL, NULL,
     "what its nights share; else the file's name"},
    {"models", PLAN_OBJECTS, 0, 0, NULL, NULL, &model_object, NULL, "what is measured"},
    {"tasks", PLAN_OBJECTS, 0, 0, NULL, NULL, &plan_object_task, NULL, "what it is asked"},
    {"bench", PLAN_OBJECTS, 0, 0, NULL, NULL, &plan_object_bench, NULL, "speed tests"},
    {"devices", PLAN_TEXTS, 0, 0, "\"cpu\"", NULL, NULL, NULL, "what computes"},
    {"settings", PLAN_OBJECTS, 0, 0, NULL, NULL, &plan_object_settings, NULL,
     "each of them makes the whole grid again"},
    {"data", PLAN_TEXTS, 0, 0, NULL, NULL, NULL, NULL, "folders with task data"},
    {"builds", PLAN_TEXTS, 0, 0, NULL, NULL, NULL, NULL,
     "two programs of this kind, A and B, that take turns at the speed tests"},
    {"seed", PLAN_INT, 0, 9e15, "1", NULL, NULL, NULL, "of the order"},
    {"limits", PLAN_OBJECT, 0, 0, NULL, NULL, &limits_object, NULL, "of each process"},
    {"retries", PLAN_OBJECT, 0, 0, NULL, NULL, &retries_object, NULL,
     "how often a failed process is started again"},
    {"quiet", PLAN_OBJECT, 0, 0, NULL, NULL, &quiet_object, NULL, "waiting for a quiet machine"},
    {"lease_s", PLAN_NUM, 0.1, 86400, "30", NULL, NULL, NULL,
     "a runner that is silent for so long has lost its cells"},
    {"baseline", PLAN_TEXT, 0, 0, NULL, NULL, NULL, NULL,
     "nightly: \"first\", or a RUN; else what 'nightly pin' names"},
    {"report", PLAN_TEXT, 0, 0, NULL, NULL, NULL, NULL, "nightly: where the page goes"},
    {"gnuplot", PLAN_TEXT, 0, 0, "\"gnuplot\"", NULL, NULL, NULL, "draws the page's plots"},
    {"thresholds", PLAN_OBJECT, 0, 0, NULL, NULL, &thresholds_object, NULL,
     "nightly: smaller changes are not told"},
    END,
};
const struct plan_object plan_object_plan = {"a plan", NULL, plan_fields};

/* --- the schema --------------------------------------------------------------------------- */

static void put_word(void *user, const char *word)
{
    json_put_str(user, NULL, word);
}

static void put_type(struct json_out *o, const struct plan_field *f);

static void put_object(struct json_out *o, const struct plan_object *object)
{
    json_put_str(o, "type", "object");
    json_begin_object(o, "properties");
    for (const struct plan_field *f = object->fields; f->key; f++) {
        json_begin_object(o, f->key);
        put_type(o, f);
        json_put_str(o, "description", f->help);
        if (f->fallback)
            json_put_raw(o, "default", f->fallback);
        json_end_object(o);
    }
    json_end_object(o);
    if (object->plain || object == &plan_object_plan) {
        json_begin_array(o, "required");
        json_put_str(o, NULL, object->plain ? object->plain : "models");
        json_end_array(o);
    }
    json_put_bool(o, "additionalProperties", 0);
}

static void put_one(struct json_out *o, const struct plan_field *f)
{
    int number = f->kind == PLAN_NUM, whole = f->kind == PLAN_INT || f->kind == PLAN_INTS;

    json_put_str(o, "type", number ? "number" : whole ? "integer" : "string");
    if ((number || whole) && (f->low != 0 || f->high != 0)) {
        json_put_num(o, "minimum", f->low);
        json_put_num(o, "maximum", f->high);
    }
    if (f->kind == PLAN_CHOICE) {
        json_begin_array(o, "enum");
        words_each(f->words, put_word, o);
        json_end_array(o);
    } else if (!number && !whole) {
        json_put_int(o, "minLength", 1);
    }
}

/* The form a list's entry has, or the value itself. */
static void put_entry(struct json_out *o, const struct plan_field *f)
{
    if (f->kind != PLAN_OBJECTS) {
        put_one(o, f);
    } else if (!f->object->plain) {
        put_object(o, f->object);
    } else {
        json_begin_array(o, "anyOf");
        json_begin_object(o, NULL);
        json_put_str(o, "type", "string");
        json_put_int(o, "minLength", 1);
        json_end_object(o);
        json_begin_object(o, NULL);
        put_object(o, f->object);
        json_end_object(o);
        json_end_array(o);
    }
}

static void put_list(struct json_out *o, const struct plan_field *f)
{
    json_put_str(o, "type", "array");
    json_put_int(o, "minItems", 1);
    json_put_int(o, "maxItems", PLAN_LIST_MAX);
    json_begin_object(o, "items");
    put_entry(o, f);
    json_end_object(o);
}

static void put_type(struct json_out *o, const struct plan_field *f)
{
    switch (f->kind) {
    case PLAN_BOOL:
        json_put_str(o, "type", "boolean");
        break;
    case PLAN_OBJECT:
        put_object(o, f->object);
        break;
    case PLAN_OBJECTS:
        put_list(o, f);
        break;
    case PLAN_INTS:
    case PLAN_TEXTS:
        json_begin_array(o, "anyOf");
        json_begin_object(o, NULL);
        put_one(o, f);
        json_end_object(o);
        json_begin_object(o, NULL);
        put_list(o, f);
        json_end_object(o);
        json_end_array(o);
        break;
    case PLAN_SIZE:
        json_begin_array(o, "type");
        json_put_str(o, NULL, "number");
        json_put_str(o, NULL, "string");
        json_end_array(o);
        json_put_str(o, "pattern", "^[0-9.]+[kMG]?$");
        break;
    default:
        put_one(o, f);
    }
}

int plan_schema(struct strbuf *out, struct err *e)
{
    struct json_out o = JSON_OUT(out);

    o.pretty = 1;
    json_begin_object(&o, NULL);
    json_put_str(&o, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_put_str(&o, "$id", "densimeter.plan/1");
    json_put_str(&o, "title", "What densimeter's run and nightly measure");
    put_object(&o, &plan_object_plan);
    json_end_object(&o);
    strbuf_addc(out, '\n');
    return strbuf_ok(out, e);
}
