/* recipes_ifeval.c -- IFEval's records: a prompt, the instructions in it, their arguments. */
#include <string.h>

#include "base/mem.h"
#include "tasks/answer.h"
#include "tasks/format.h"
#include "tasks/ifeval.h"
#include "tasks/load.h"
#include "tasks/recipes.h"
#include "tasks/record.h"

static const struct answer_rules no_rules = {.n_filters = 0};

static void check_instructions(struct record *r, const struct answer *a)
{
    const cJSON *ids = json_get(r->json, "instruction_id_list"), *id;
    const cJSON *arguments = json_get(r->json, "kwargs");
    int n = 0;

    if (!cJSON_IsArray(ids) || !cJSON_IsArray(arguments) || cJSON_GetArraySize(ids) == 0 ||
        cJSON_GetArraySize(ids) != cJSON_GetArraySize(arguments))
        record_fail(r, "\"instruction_id_list\" and \"kwargs\" are not two lists of one length");
    cJSON_ArrayForEach(id, ids)
    {
        const cJSON *own = cJSON_GetArrayItem(arguments, n++);
        if (r->failed)
            return;
        if (!cJSON_IsString(id))
            record_fail(r, "\"instruction_id_list\": entry %d is not a text", n - 1);
        else if (ifeval_check(a, id->valuestring, own, r->e) < 0) {
            err_prefix(r->e, "%s", r->where);
            r->failed = 1;
        }
    }
}

static void read_ifeval(struct record *r)
{
    struct answer *a = NULL;

    r->doc->text = record_text(r, "%s", record_field(r, "prompt"));
    record_target(r, "");
    if (r->failed)
        return;
    if (answer_open(&a, &no_rules, r->e) < 0)
        r->failed = 1;
    else
        check_instructions(r, a);
    answer_close(a);
}

/* How many of the record's instructions the text follows in one way of looking; -1 on error. */
static int followed(const struct task *t, const cJSON *json, const char *text,
                    int (*follows)(const struct answer *a, const char *id, const cJSON *arguments,
                                   const char *text, struct err *e),
                    struct err *e)
{
    const cJSON *id;
    int n = 0, i = 0;

    cJSON_ArrayForEach(id, json_get(json, "instruction_id_list"))
    {
        const cJSON *own = cJSON_GetArrayItem(json_get(json, "kwargs"), i++);
        int yes = follows(t->answer, id->valuestring, own, text, e);
        if (yes < 0)
            return -1;
        n += yes;
    }
    return n;
}

static int ifeval_credit(const struct task *t, const struct doc *d,
                         const struct reply_text *replies, struct verdict *out, struct err *e)
{
    const char *text = replies[0].text ? replies[0].text : "";
    cJSON *json = json_parse(d->json, strlen(d->json), t->row->info.name, e);
    int n = cJSON_GetArraySize(json_get(json, "instruction_id_list"));
    int strict = json ? followed(t, json, text, ifeval_follows, e) : -1;
    int loose = strict < 0 ? -1 : followed(t, json, text, ifeval_follows_loosely, e);

    json_free(json);
    if (loose < 0)
        return -1;
    out->prediction = mem_strdup(text);
    if (!out->prediction)
        return err_nomem(e);
    const struct credit credits[] = {
        {"prompt_level_strict_acc", "none", strict == n, 1, NULL},
        {"inst_level_strict_acc", "none", (double)strict / n, n, NULL},
        {"prompt_level_loose_acc", "none", loose == n, 1, NULL},
        {"inst_level_loose_acc", "none", (double)loose / n, n, NULL},
    };
    memcpy(out->credits, credits, sizeof credits);
    out->n = 4;
    return 0;
}

const struct format format_ifeval = {
    "generate_until", PROMPTS_ONE, format_ask_text, ifeval_credit, NULL, NULL,
};
const struct recipe recipe_ifeval = {
    .format = &format_ifeval, .load = load_jsonl, .read = read_ifeval, .target_delimiter = " ",
    .shot_delimiter = "\n\n", .max_tokens = 1280, .answers = &no_rules,
};
