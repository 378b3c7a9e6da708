/* curated.c -- the five examples of each OLMES task (Gu et al. 2024, "OLMES: A Standard for
 * Language Model Evaluations"): ids where the data set has them, else hashes of the rows' texts.
 * MMLU's are the first of its dev split and need no list. */
#include "tasks/curated.h"

#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "tasks/recipe.h"

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define HASH "sha256:"

const struct curated curated_arc_easy = {
    "arc_easy/olmes.jsonl", LIST("id"),
    LIST("MCAS_2007_8_5189", "Mercury_SC_401169", "MCAS_2004_8_27", "NYSEDREGENTS_2006_8_10",
         "Mercury_7013388"),
};
const struct curated curated_arc_challenge = {
    "arc_challenge/olmes.jsonl", LIST("id"),
    LIST("Mercury_SC_415702", "MCAS_2009_5_6516", "Mercury_7233695", "Mercury_7041615",
         "MCAS_1998_4_3"),
};
const struct curated curated_boolq = {
    "boolq/olmes.jsonl", LIST("question", "passage"),
    LIST(HASH "7f043d68d6508c5d1d439bd7293f7437", HASH "13239692361772e31150370800c811ce",
         HASH "af290f0f7e6719b264e7cc2cb73c8822", HASH "5b17aac2027827365f6d6efc6999a442",
         HASH "c3ffa22d15a0ccdbccdfb35f2d95130c"),
};
const struct curated curated_commonsense_qa = {
    "commonsenseqa/olmes.jsonl", LIST("id"),
    LIST("61fe6e879ff18686d7552425a36344c8", "02e821a3e53cb320790950aab4489e85",
         "23505889b94e880c3e89cff4ba119860", "a76403b4921a9281b6ee2a7241a5ec9f",
         "6dc921840aa1e5dda3333b79007f630b"),
};
const struct curated curated_hellaswag = {
    "hellaswag/olmes.jsonl", LIST("source_id", "ind"),
    LIST("wikihow~19 12", "wikihow~66 39", "activitynet~v_-2dxp-mv2zo 9",
         "activitynet~v_-Xl95IW5H_s 47", "wikihow~62 38"),
};
const struct curated curated_openbookqa = {
    "openbookqa/olmes.jsonl", LIST("id"), LIST("7-584", "7-870", "9-732", "9-782", "8-72"),
};
const struct curated curated_piqa = {
    "piqa/olmes.jsonl", LIST("goal", "sol1", "sol2"),
    LIST(HASH "efcfb1797d6fae8feb6a57bd4762cc24", HASH "ee4b00a5d7f44deec60f4ad6e6405c9f",
         HASH "b2d94964a374ddb79d7f1bb11904d6e2", HASH "dfaaf699dbd721f102e0bd4f865905e3",
         HASH "0f146967d7b5e60af24f58c4fa83bad1"),
};
const struct curated curated_social_iqa = {
    "social_iqa/olmes.jsonl", LIST("context", "question", "answerA", "answerB", "answerC"),
    LIST(HASH "b9561dbf0b431b533643c5f1b1ff6298", HASH "9086b49e68535ece7b9f5afbe5934707",
         HASH "032a069a9e4c348b92422a217dab5a98", HASH "9629959fc9670cf04379356348117951",
         HASH "86126560dee4da2c3d5df51687ec16a5"),
};
const struct curated curated_winogrande = {
    "winogrande/olmes.jsonl", LIST("sentence", "option1", "option2"),
    LIST(HASH "59a612ac3a112eba178b83f4f0ae8276", HASH "aebb109ea4feea2a156eddb2ac225ebb",
         HASH "7852615196865b5733459f68ff57953f", HASH "f5d7dcda62eb14ed00bd71eb428486ae",
         HASH "c046a949d2cef352812ca59f2d90997f"),
};

enum { MARKS_MAX = 16, HASH_DIGITS = 32 };

/* "" for a record that lacks one of the fields. */
static int mark_of(struct strbuf *out, const struct doc *d, const struct curated *c, struct err *e)
{
    cJSON *j = json_parse(d->json, strlen(d->json), "example", e);

    if (!j)
        return -1;
    for (int i = 0; c->fields[i]; i++) {
        const cJSON *v = json_get(j, c->fields[i]);
        strbuf_adds(out, i ? " " : "");
        if (cJSON_IsNumber(v))
            strbuf_addf(out, "%g", v->valuedouble);
        else
            strbuf_adds(out, cJSON_IsString(v) ? v->valuestring : "");
    }
    json_free(j);
    return strbuf_ok(out, e);
}

/* Which of the marks the document has; *out -1: none. */
static int find_mark(int *out, const struct doc *d, const struct curated *c, struct err *e)
{
    struct strbuf mark = STRBUF_INIT;
    char hex[SHA256_HEX];
    int rc = mark_of(&mark, d, c, e);

    *out = -1;
    if (rc == 0)
        rc = sha256_bytes(hex, strbuf_str(&mark), mark.len, e);
    for (int i = 0; rc == 0 && c->marks[i]; i++)
        if (strncmp(c->marks[i], HASH, strlen(HASH)) == 0
                ? strncmp(c->marks[i] + strlen(HASH), hex, HASH_DIGITS) == 0
                : strcmp(c->marks[i], strbuf_str(&mark)) == 0)
            *out = i;
    strbuf_release(&mark);
    return rc;
}

int curated_keep(struct docs *docs, const struct curated *c, const char *task, const char *path,
                 struct err *e)
{
    struct doc found[MARKS_MAX];
    unsigned char have[MARKS_MAX] = {0};
    int n = 0, missing = 0, at;

    while (c->marks[n])
        n++;
    for (size_t i = 0; i < docs->n; i++) {
        if (find_mark(&at, &docs->v[i], c, e) < 0)
            return -1;
        if (at < 0 || have[at])
            continue;
        have[at] = 1;
        found[at] = docs->v[i];
    }
    for (int i = 0; i < n; i++)
        missing += !have[i];
    if (missing) {
        err_set(e, ERR_NOTFOUND, "%s: %d of the %d examples that OLMES shows are not in %s", task,
                missing, n, path);
        err_hint(e, "they are rows of the data set's training split: put that file, or %s with "
                 "those rows alone, below a folder of --data", c->file);
        return -1;
    }
    memcpy(docs->v, found, (size_t)n * sizeof *found);
    docs->n = (size_t)n;
    return 0;
}
