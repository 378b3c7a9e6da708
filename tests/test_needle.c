/* Long texts with something in them: what is asked for is there, where it says it is, and the sets
 * are the same everywhere. */
#include "tests/test.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tasks/needle.h"
#include "tasks/task.h"

static const struct kind {
    const char *name;
    int wanted, characters;
    const char *hash; /* of the first prompt */
} kinds[] = {
    {"needle_4k", 1, 4000, 
     "280c093874f2b60f1b51f76ea843fbbb6b4259b90bce738ff3a21b4c993c198e"},
    {"needle_16k", 1, 16000, 
     "06d0d48874f5f98aa48848d90591d59d23a965ce7015e907dee6d3b0237577f1"},
    {"needle_64k", 1, 64000, 
     "050178a155af9600e0921ef43942cc12deb859b96c1a4f57b9719b8a2e6e1a96"},
    {"needle_keys_4k", 1, 4000, 
     "eaf7302b5c476b8d9b1575f5b95d08c927c8419441fdba9d8b8d6341fdaaabd0"},
    {"needle_values_4k", 4, 4000, 
     "74e47ff87d8c8437ab26454460250658d6e8d57ae7c36221cf7cd75e93615c80"},
    {"needle_chain_4k", 5, 4000, 
     "58c319106be613a8fa7622c88b388fc3af39a2d117f1a213e04d9ff087e0b2f7"},
    {"needle_chain_64k", 5, 64000, 
     "081d0d25b42d4a657dd581b70e70d11e6a81b56756fb94c8fdcef52741bb8533"},
};

static struct task *opened(const char *name)
{
    struct task_opts o = {.shots = -1, .seed = 1234};
    struct err e = ERR_NONE;
    struct task *t = NULL;

    if (task_open(&t, name, &o, &e) < 0)
        fail_msg("%s", e.text);
    return t;
}

/* The first wanted text stands at the document's depth, later than it by a sentence or two. */
static void check_place(const struct kind *k, const cJSON *doc)
{
    const char *text = json_str(doc, "text"), *first;
    double depth = json_num(doc, "depth", -1);

    first = strstr(text, cJSON_GetArrayItem(json_get(doc, "wanted"), 0)->valuestring);
    assert_non_null(first);
    assert_in_range(strlen(text), k->characters, k->characters + 1200);
    if ((double)(first - text) < depth * k->characters ||
        (double)(first - text) > depth * k->characters + 1200)
        fail_msg("%s: at %zu, depth %g", k->name, (size_t)(first - text), depth);
}

static void what_is_asked_for_is_where_it_is_said_to_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct task *t = opened(kinds[i].name);
        int depths = 0;
        assert_int_equal(task_count(t), NEEDLE_ITEMS);
        for (int n = 0; n < NEEDLE_ITEMS; n++) {
            struct item it;
            cJSON *doc;
            assert_int_equal(task_item(t, n, &it, NULL), 0);
            doc = json_parse(it.doc, strlen(it.doc), "document", NULL);
            assert_int_equal(cJSON_GetArraySize(json_get(doc, "wanted")), kinds[i].wanted);
            assert_non_null(strstr(it.queries[0].context, json_str(doc, "text")));
            check_place(&kinds[i], doc);
            depths |= 1 << (int)(json_num(doc, "depth", 0) * NEEDLE_DEPTHS);
            if (n == 0)
                assert_string_equal(it.prompt_hash, kinds[i].hash);
            json_free(doc);
            item_release(&it);
        }
        assert_int_equal(depths, (1 << NEEDLE_DEPTHS) - 1);
        task_close(t);
    }
    assert_int_equal(mem_live(), 0);
}

static void an_answer_is_worth_the_share_that_it_has(void **state)
{
    struct task *t = opened("needle_values_4k");
    struct strbuf text = STRBUF_INIT;
    struct item it;
    cJSON *doc;
    (void)state;
    assert_int_equal(task_item(t, 3, &it, NULL), 0);
    doc = json_parse(it.doc, strlen(it.doc), "document", NULL);
    for (int n = 0; n <= 4; n++) {
        struct reply_text reply = {.text = strbuf_str(&text)};
        struct verdict v;
        assert_int_equal(task_score(t, &it, &reply, &v, NULL), 0);
        assert_string_equal(v.credits[0].metric, "recall");
        assert_close(v.credits[0].value, n / 4.0, 0);
        verdict_release(&v);
        if (n < 4)
            strbuf_addf(&text, " %s,",
                        cJSON_GetArrayItem(json_get(doc, "wanted"), n)->valuestring);
    }
    assert_string_equal(task_aggregation(t, "recall"), "mean");
    strbuf_release(&text);
    json_free(doc);
    item_release(&it);
    task_close(t);
}

static void making_a_set_survives_failed_allocations(void **state)
{
    struct task_opts o = {.shots = -1, .seed = 1};
    int rc = -1;
    (void)state;
    for (long nth = 0; rc < 0; nth += 1 + nth / 20) { /* thousands of them: ever fewer */
        struct err e = ERR_NONE;
        struct task *t = NULL;
        mem_fail_at(nth);
        rc = task_open(&t, "needle_chain_4k", &o, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        task_close(t);
        assert_int_equal(mem_live(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for_is_where_it_is_said_to_be),
        cmocka_unit_test(an_answer_is_worth_the_share_that_it_has),
        cmocka_unit_test(making_a_set_survives_failed_allocations),
    };
    return RUN(tests);
}
