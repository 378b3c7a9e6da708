/* Long texts that have to be read as a whole: what is asked for is so, by counting, and the sets are
 * the same everywhere. */
#include "tests/test.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tasks/longtext.h"
#include "tasks/needle.h"
#include "tasks/task.h"

static struct task *opened(const char *name)
{
    struct task_opts o = {.shots = -1, .seed = 1234};
    struct err e = ERR_NONE;
    struct task *t = NULL;

    if (task_open(&t, name, &o, &e) < 0)
        fail_msg("%s", e.text);
    return t;
}

/* Times that a word stands in a text, blanks around it. */
static int times(const char *text, const char *word)
{
    size_t n = strlen(word);
    int found = 0;

    for (const char *s = strstr(text, word); s; s = strstr(s + n, word))
        found += (s == text || s[-1] == ' ') && (s[n] == ' ' || s[n] == 0);
    return found;
}

/* The `n` wanted words each come more often than any other, `factor` times as often at least. */
static void check_counts(const cJSON *doc, int n, double factor)
{
    char *text = mem_strdup(json_str(doc, "text")), *copy = mem_strdup(text);
    const cJSON *wanted = json_get(doc, "wanted"), *w;
    int fewest = 1 << 30;

    assert_int_equal(cJSON_GetArraySize(wanted), n);
    cJSON_ArrayForEach(w, wanted)
    {
        int k = times(text, w->valuestring);
        fewest = k < fewest ? k : fewest;
    }
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
        int is_wanted = strchr(word, '.') != NULL; /* a number of the list */
        cJSON_ArrayForEach(w, wanted)
            is_wanted |= strcmp(w->valuestring, word) == 0;
        if (!is_wanted && times(text, word) * factor > fewest)
            fail_msg("'%s' comes %d times, a wanted word %d times", word, times(text, word), fewest);
    }
    mem_free(text);
    mem_free(copy);
}

/* Of the document about who is asked: it holds the answer and stands at the depth that is told. */
static void check_life(const cJSON *doc, int characters)
{
    const char *text = json_str(doc, "text"), *about = json_str(doc, "about"), *at, *end, *answer;
    const char *want = cJSON_GetArrayItem(json_get(doc, "wanted"), 0)->valuestring;
    double depth = json_num(doc, "depth", -1);
    char name[60], line[400];
    size_t n;

    at = about + 1 + strcspn(about + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    n = strcspn(at, " ");
    n += 1 + strcspn(at + n + 1, " ");
    snprintf(name, sizeof name, "%.*s", (int)n, at);
    at = strstr(text, name);
    if (!at)
        fail_msg("nothing is told of '%s' (%s)", name, about);
    while (at > text && at[-1] != '\n')
        at--;
    end = strchr(at, '\n');
    snprintf(line, sizeof line, "%.*s", (int)(end ? end - at : (long)strlen(at)), at);
    answer = strstr(line, want);
    if (!answer)
        fail_msg("'%s' is not in '%s'", want, line);
    if (end && strstr(end, name))
        fail_msg("two lives of '%s'", name);
    assert_true((double)(at - text) >= depth * characters - 1);
    assert_true((double)(at - text) <= depth * characters + 400);
}

static void what_is_asked_for_is_so(void **state)
{
    static const struct {
        const char *name;
        int characters;
        const char *hash; /* of the first prompt */
    } rows[] = {
        {"common_words_4k", 4000,
         "6e12b9a3bc50b7ba57f8cf4e2bed9ccce5210d387e7aebeaa652109b2cf01486"},
        {"common_words_16k", 16000,
         "350a083052bf241b26476c9a679c60b57e1cb1e7d90fe22444b0894c6531a31c"},
        {"frequent_words_4k", 4000,
         "4e883b11834f59394f308ebfea6bf8b88b91457398e9f23e2e06fe8c8d51968c"},
        {"frequent_words_16k", 16000,
         "5a5e486718cc298602b9c3866e7520f669d363dc080ca4c9aa09d640718ad1fb"},
        {"qa_distractors_4k", 4000,
         "85886f0f81a91d97551d45e689b0840c575530f2973fce00b3ac871526f5f287"},
        {"qa_distractors_64k", 64000,
         "f46c35c8915e10650fd0d644964b86a74aecbe4171f2564aff37bc27f94e6821"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct task *t = opened(rows[i].name);
        assert_int_equal(task_count(t), NEEDLE_ITEMS);
        for (int n = 0; n < NEEDLE_ITEMS; n += rows[i].characters > 4000 ? 17 : 3) {
            struct item it;
            cJSON *doc;
            assert_int_equal(task_item(t, n, &it, NULL), 0);
            doc = json_parse(it.doc, strlen(it.doc), "document", NULL);
            assert_non_null(strstr(it.queries[0].context, json_str(doc, "text")));
            assert_in_range(strlen(json_str(doc, "text")), rows[i].characters * 3 / 4,
                            rows[i].characters * 5 / 4);
            if (strncmp(rows[i].name, "common", 6) == 0)
                check_counts(doc, COMMON_WORDS, 3);
            else if (strncmp(rows[i].name, "frequent", 8) == 0)
                check_counts(doc, FREQUENT_WORDS, 1.3);
            else
                check_life(doc, rows[i].characters);
            if (n == 0)
                assert_string_equal(it.prompt_hash, rows[i].hash);
            json_free(doc);
            item_release(&it);
        }
        task_close(t);
    }
    assert_int_equal(mem_live(), 0);
}

static void all_nine_open_and_each_item_is_another(void **state)
{
    const struct task_info *info;
    int n = 0;
    (void)state;
    for (int i = 0; (info = task_info_at(i)) != NULL; i++) {
        struct item a, b;
        struct task *t;
        if (!info->group || strcmp(info->group, "longtext") != 0)
            continue;
        t = opened(info->name);
        assert_int_equal(task_item(t, 0, &a, NULL), 0);
        assert_int_equal(task_item(t, 10, &b, NULL), 0);
        assert_string_not_equal(a.prompt_hash, b.prompt_hash);
        item_release(&a);
        item_release(&b);
        task_close(t);
        n++;
    }
    assert_int_equal(n, 9);
    assert_int_equal(mem_live(), 0);
}

static void making_a_set_survives_failed_allocations(void **state)
{
    static const char *const names[] = {"common_words_4k", "frequent_words_4k",
                                        "qa_distractors_4k"};
    struct task_opts o = {.shots = -1, .seed = 1};
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        int rc = -1;
        for (long nth = 0; rc < 0; nth += 1 + nth / 10) { /* thousands of them: ever fewer */
            struct err e = ERR_NONE;
            struct task *t = NULL;
            mem_fail_at(nth);
            rc = task_open(&t, names[k], &o, &e);
            mem_fail_at(-1);
            assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
            task_close(t);
            assert_int_equal(mem_live(), 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for_is_so),
        cmocka_unit_test(all_nine_open_and_each_item_is_another),
        cmocka_unit_test(making_a_set_survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
