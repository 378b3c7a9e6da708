#include "tasks/origin.h"

#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "tasks/recipe.h"

/* One '*' in `file` stands for any word, which then stands for the '*' in config, split or hub. */
static const struct {
    const char *file, *dataset, *config, *split;
    enum origin_shape shape;
    const char *sha256;
    const char *hub; /* as struct origin; NULL: "" */
} rows[] = {
    {"arc_easy/*.jsonl", "allenai/ai2_arc", "ARC-Easy", "*", SHAPE_LINES, NULL, NULL},
    {"arc_challenge/*.jsonl", "allenai/ai2_arc", "ARC-Challenge", "*", SHAPE_LINES, NULL, NULL},
    {"hellaswag/*.jsonl", "Rowan/hellaswag", "default", "*", SHAPE_LINES, NULL, NULL},
    {"piqa/valid.jsonl", "baber/piqa", "", "validation", SHAPE_LINES, NULL, NULL},
    {"piqa/train.jsonl", "baber/piqa", "", "train", SHAPE_LINES, NULL, NULL},
    {"winogrande/dev.jsonl", "allenai/winogrande", "winogrande_xl", "validation", SHAPE_LINES,
     NULL, NULL},
    {"winogrande/train.jsonl", "allenai/winogrande", "winogrande_xl", "train", SHAPE_LINES,
     NULL, NULL},
    {"boolq/dev.jsonl", "aps/super_glue", "boolq", "validation", SHAPE_LINES, NULL, NULL},
    {"boolq/train.jsonl", "aps/super_glue", "boolq", "train", SHAPE_LINES, NULL, NULL},
    {"copa/val.jsonl", "aps/super_glue", "copa", "validation", SHAPE_LINES, NULL, NULL},
    {"copa/train.jsonl", "aps/super_glue", "copa", "train", SHAPE_LINES, NULL, NULL},
    {"openbookqa/*.jsonl", "allenai/openbookqa", "main", "*", SHAPE_LINES, NULL, NULL},
    {"commonsenseqa/dev.jsonl", "tau/commonsense_qa", "default", "validation", SHAPE_LINES,
     NULL, NULL},
    {"commonsenseqa/train.jsonl", "tau/commonsense_qa", "default", "train", SHAPE_LINES,
     NULL, NULL},
    {"sciq/*.jsonl", "allenai/sciq", "default", "*", SHAPE_LINES, NULL, NULL},
    {"social_iqa/dev.jsonl", "allenai/social_i_qa", "", "validation", SHAPE_LINES, NULL, NULL},
    {"social_iqa/train.jsonl", "allenai/social_i_qa", "", "train", SHAPE_LINES, NULL, NULL},
    {"lambada/lambada_test.jsonl", "EleutherAI/lambada_openai", "default", "test", SHAPE_LINES,
     NULL, NULL},
    {"gsm8k/*.jsonl", "openai/gsm8k", "main", "*", SHAPE_LINES, NULL, NULL},
    {"nq_open/NQ-open.train.jsonl", "google-research-datasets/nq_open", "nq_open", "train",
     SHAPE_LINES, NULL, NULL},
    {"triviaqa/train.jsonl", "mandarjoshi/trivia_qa", "rc.nocontext", "train", SHAPE_TRIVIA,
     NULL, NULL},
    {"wikitext2/wiki.test.raw", "Salesforce/wikitext", "wikitext-2-raw-v1", "test",
     SHAPE_PARAGRAPHS, "173c87a53759e0201f33e0ccf978e510c2042d7f2cb78229d9a50d79b9e7dd08", NULL},
    {"math500/test.jsonl", "HuggingFaceH4/MATH-500", "default", "test", SHAPE_LINES, NULL, NULL},
    {"humaneval/HumanEval.jsonl", "openai/openai_humaneval", "openai_humaneval", "test",
     SHAPE_LINES, NULL, NULL},
    {"mbpp/mbpp_test.jsonl", "google-research-datasets/mbpp", "full", "test", SHAPE_LINES,
     NULL, NULL},
    {"mmlu_pro/*.jsonl", "TIGER-Lab/MMLU-Pro", "default", "*", SHAPE_LINES, NULL, NULL},
    {"musr/*.jsonl", "TAUR-Lab/MuSR", "default", "*", SHAPE_LINES, NULL, NULL},
    {"gpqa/*.jsonl", "Idavidrein/gpqa", "*", "train", SHAPE_LINES, NULL, NULL},
    {"math/*_test.jsonl", "DigitalLearningGmbH/MATH-lighteval", "*", "test", SHAPE_LINES,
     NULL, NULL},
    {"squad_completion/*.jsonl", "hazyresearch/based-squad", "default", "*", SHAPE_LINES,
     NULL, NULL},
    {"drop/*.jsonl", "EleutherAI/drop", "", "*", SHAPE_LINES, NULL, NULL},
    {"ifeval/input_data.jsonl", "google/IFEval", "default", "train", SHAPE_LINES, NULL, NULL},
    {"c4/validation.jsonl", "allenai/c4", "en", "validation", SHAPE_LINES, NULL,
     "en/c4-validation.00000-of-00008.json.gz"},
    {"tinystories/TinyStories-valid.txt", "roneneldan/TinyStories", "default", "validation",
     SHAPE_FILE, NULL, "TinyStories-valid.txt"},
    {"mmlu/test/*_test.csv", "cais/mmlu", "*", "test", SHAPE_MMLU, NULL, NULL},
    {"mmlu/dev/*_dev.csv", "cais/mmlu", "*", "dev", SHAPE_MMLU, NULL, NULL},
    {"ceval/val/*_val.csv", "ceval/ceval-exam", "*", "val", SHAPE_TABLE, NULL,
     "ceval-exam.zip#val/*_val.csv"},
    {"ceval/dev/*_dev.csv", "ceval/ceval-exam", "*", "dev", SHAPE_TABLE, NULL,
     "ceval-exam.zip#dev/*_dev.csv"},
};

/* What the '*' stands for, or NULL when the file is another one. */
static const char *matches(const char *pattern, const char *file, int *n)
{
    const char *star = strchr(pattern, '*');
    size_t head = star ? (size_t)(star - pattern) : strlen(pattern);
    size_t tail = star ? strlen(star + 1) : 0, len = strlen(file);

    *n = 0;
    if (len < head + tail || strncmp(pattern, file, head) != 0 || (!star && len != head) ||
        (star && strcmp(star + 1, file + len - tail) != 0))
        return NULL;
    *n = (int)(len - head - tail);
    return memchr(file + head, '/', (size_t)*n) ? NULL : file + head;
}

static void fill(char *out, size_t size, const char *pattern, const char *word, int n)
{
    const char *star = strchr(pattern, '*');

    if (star)
        snprintf(out, size, "%.*s%.*s%s", (int)(star - pattern), pattern, n, word, star + 1);
    else
        snprintf(out, size, "%s", pattern);
}

int origin_of(const char *file, struct origin *out)
{
    *out = (struct origin){.shape = SHAPE_LINES};
    for (int i = 0; i < n_origin_pinned; i++)
        if (strcmp(origin_pinned[i].file, file) == 0) {
            out->github = origin_pinned[i].repo;
            out->path = origin_pinned[i].path;
            out->sha256 = origin_pinned[i].sha256;
            out->licence = origin_pinned[i].licence;
            return 1;
        }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int n;
        const char *word = matches(rows[i].file, file, &n);
        if (!word)
            continue;
        snprintf(out->dataset, sizeof out->dataset, "%s", rows[i].dataset);
        fill(out->config, sizeof out->config, rows[i].config, word, n);
        fill(out->split, sizeof out->split, rows[i].split, word, n);
        fill(out->hub, sizeof out->hub, rows[i].hub ? rows[i].hub : "", word, n);
        out->shape = rows[i].shape;
        out->sha256 = rows[i].sha256;
        return 1;
    }
    return 0;
}

int origin_files(const struct task_info *t, const char *files[2])
{
    struct origin o;
    int n = 0;

    for (int i = 0; i < n_task_rows; i++) {
        const struct task_row *row = &task_rows[i];
        if (&row->info != t)
            continue;
        if (*t->data)
            files[n++] = !row->instead || origin_of(t->data, &o) || !origin_of(row->instead, &o)
                             ? t->data : row->instead;
        if (row->pool && strcmp(row->pool, t->data) != 0)
            files[n++] = row->pool;
    }
    return n;
}

/* --- shapes ------------------------------------------------------------------------------- */

static int lacks(const char *where, const char *member, const char *what, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: \"%s\" is not %s", where, member, what);
}

static int put_lines(const cJSON *record, int first, const char *where, struct strbuf *out,
                     struct err *e)
{
    char *text = cJSON_PrintUnformatted(record);

    (void)first, (void)where;
    if (!text)
        return err_nomem(e);
    strbuf_adds(out, text);
    strbuf_addc(out, '\n');
    cJSON_free(text);
    return strbuf_ok(out, e);
}

/* A scalar as a field; what is null is empty. */
static int put_field(struct strbuf *out, const cJSON *v, const char *where, struct err *e)
{
    char number[32];

    if (cJSON_IsString(v)) {
        csv_put(out, v->valuestring);
    } else if (cJSON_IsNumber(v)) {
        json_format_num(number, sizeof number, v->valuedouble);
        csv_put(out, number);
    } else if (cJSON_IsBool(v)) {
        csv_put(out, cJSON_IsTrue(v) ? "True" : "False");
    } else if (!cJSON_IsNull(v)) {
        return lacks(where, v->string ? v->string : "", "a text or a number", e);
    }
    return 0;
}

static int put_table(const cJSON *record, int first, const char *where, struct strbuf *out,
                     struct err *e)
{
    const cJSON *v;

    if (first) {
        cJSON_ArrayForEach(v, record)
        {
            csv_put(out, v->string);
            strbuf_addc(out, v->next ? ',' : '\n');
        }
    }
    cJSON_ArrayForEach(v, record)
    {
        if (put_field(out, v, where, e) < 0)
            return -1;
        strbuf_addc(out, v->next ? ',' : '\n');
    }
    return strbuf_ok(out, e);
}

static int put_mmlu(const cJSON *record, int first, const char *where, struct strbuf *out,
                    struct err *e)
{
    const char *question = json_str(record, "question");
    const cJSON *choices = json_get(record, "choices"), *v;
    double answer = json_num(record, "answer", -1);

    (void)first;
    if (!question)
        return lacks(where, "question", "a text", e);
    if (!cJSON_IsArray(choices) || cJSON_GetArraySize(choices) != 4)
        return lacks(where, "choices", "a list of four", e);
    if (answer != 0 && answer != 1 && answer != 2 && answer != 3)
        return lacks(where, "answer", "a number from 0 to 3", e);
    csv_put(out, question);
    cJSON_ArrayForEach(v, choices)
    {
        if (!cJSON_IsString(v))
            return lacks(where, "choices", "a list of texts", e);
        strbuf_addc(out, ',');
        csv_put(out, v->valuestring);
    }
    strbuf_addf(out, ",%c\n", "ABCD"[(int)answer]);
    return strbuf_ok(out, e);
}

static int put_paragraphs(const cJSON *record, int first, const char *where, struct strbuf *out,
                          struct err *e)
{
    const char *text = json_str(record, "text");

    (void)first;
    if (!text)
        return lacks(where, "text", "a text", e);
    strbuf_adds(out, *text ? text : " \n");
    return strbuf_ok(out, e);
}

static int put_trivia(const cJSON *record, int first, const char *where, struct strbuf *out,
                      struct err *e)
{
    const cJSON *answer = json_get(record, "answer"), *v;
    const char *question = json_str(record, "question"), *value = json_str(answer, "value");
    struct json_out o = JSON_OUT(out);

    (void)first;
    if (!question)
        return lacks(where, "question", "a text", e);
    if (!value || !cJSON_IsArray(json_get(answer, "aliases")))
        return lacks(where, "answer", "an object of a value and aliases", e);
    json_begin_object(&o, NULL);
    json_put_str(&o, "question", question);
    json_put_str(&o, "answer", value);
    json_begin_array(&o, "aliases");
    cJSON_ArrayForEach(v, json_get(answer, "aliases"))
    {
        if (!cJSON_IsString(v))
            return lacks(where, "aliases", "a list of texts", e);
        json_put_str(&o, NULL, v->valuestring);
    }
    json_end_array(&o);
    json_end_object(&o);
    strbuf_addc(out, '\n');
    return strbuf_ok(out, e);
}

int origin_put(enum origin_shape shape, const cJSON *record, int first, const char *where,
               struct strbuf *out, struct err *e)
{
    static int (*const put[])(const cJSON *, int, const char *, struct strbuf *, struct err *) = {
        [SHAPE_FILE] = put_lines,
        [SHAPE_LINES] = put_lines,           [SHAPE_TABLE] = put_table,
        [SHAPE_MMLU] = put_mmlu,             [SHAPE_PARAGRAPHS] = put_paragraphs,
        [SHAPE_TRIVIA] = put_trivia,
    };

    return put[shape](record, first, where, out, e);
}
